// Cubin.h - the smallest ELF file that looks like machine code for an NVIDIA device
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstring>
#include <elf.h>
#include <string>
#include <vector>

namespace tessera::fake_cuda {

// One section of 32 bytes behind the headers. abi: 7 as ptxas 12 writes it, 8 as ptxas 13.
inline std::string cubin(uint32_t sm, int abi) {
  Elf64_Ehdr h{};
  std::memcpy(h.e_ident, ELFMAG, SELFMAG);
  h.e_ident[EI_CLASS] = ELFCLASS64;
  h.e_ident[EI_DATA] = ELFDATA2LSB;
  h.e_ident[EI_VERSION] = EV_CURRENT;
  h.e_ident[EI_OSABI] = abi >= 8 ? 0x41 : 0x33;
  h.e_ident[EI_ABIVERSION] = static_cast<unsigned char>(abi);
  h.e_type = ET_EXEC;
  h.e_machine = 190;
  h.e_version = EV_CURRENT;
  h.e_flags = abi >= 8 ? 0x6000004 | sm << 8 : 0x500500 | sm;
  h.e_ehsize = sizeof h;
  h.e_shoff = sizeof h;
  h.e_shentsize = sizeof(Elf64_Shdr);
  h.e_shnum = 2;
  Elf64_Shdr sections[2] = {};
  sections[1].sh_type = SHT_PROGBITS;
  sections[1].sh_offset = sizeof h + sizeof sections;
  sections[1].sh_size = 32;
  std::string bytes(sizeof h + sizeof sections + 32, '\0');
  std::memcpy(bytes.data(), &h, sizeof h);
  std::memcpy(bytes.data() + sizeof h, sections, sizeof sections);
  return bytes;
}

} // namespace tessera::fake_cuda
