// Artifact.cpp - ELF headers of machine code, the directives of PTX
// SPDX-License-Identifier: Apache-2.0
#include "backends/nvidia/image/Artifact.h"

#include <cstring>
#include <elf.h>
#include <string_view>

namespace tessera::nvidia {

namespace {

constexpr uint16_t kMachine = 190; // EM_CUDA, of the ELF registry

// `count` entries of `entry` bytes at `offset` of a file of `size` bytes.
bool tableInside(uint64_t offset, uint64_t count, uint64_t entry, uint64_t size) {
  return offset <= size && (count == 0 || (entry != 0 && count <= (size - offset) / entry));
}

std::string elfProblem(const unsigned char *bytes, uint64_t size, ArtifactFacts &facts) {
  Elf64_Ehdr h;
  if (size < sizeof h)
    return "it ends inside of its ELF header";
  std::memcpy(&h, bytes, sizeof h);
  if (h.e_ident[EI_CLASS] != ELFCLASS64 || h.e_ident[EI_DATA] != ELFDATA2LSB || h.e_machine != kMachine)
    return "it is an ELF file, but none for an NVIDIA device";
  if (!h.e_shnum && !h.e_phnum)
    return "it is an ELF file with nothing in it";
  if (h.e_shnum && h.e_shentsize != sizeof(Elf64_Shdr))
    return "its section table is malformed";
  if (!tableInside(h.e_shoff, h.e_shnum, sizeof(Elf64_Shdr), size))
    return "it is cut short: the section table ends behind byte " + std::to_string(size);
  if (h.e_phnum && h.e_phentsize != sizeof(Elf64_Phdr))
    return "its program headers are malformed";
  if (!tableInside(h.e_phoff, h.e_phnum, sizeof(Elf64_Phdr), size))
    return "it is cut short: the program headers end behind byte " + std::to_string(size);
  for (unsigned i = 0; i < h.e_shnum; ++i) {
    Elf64_Shdr s;
    std::memcpy(&s, bytes + h.e_shoff + i * sizeof s, sizeof s);
    if (s.sh_type != SHT_NOBITS && s.sh_type != SHT_NULL && !tableInside(s.sh_offset, s.sh_size, 1, size))
      return "it is cut short: section " + std::to_string(i) + " ends behind byte " + std::to_string(size);
  }
  for (unsigned i = 0; i < h.e_phnum; ++i) {
    Elf64_Phdr p;
    std::memcpy(&p, bytes + h.e_phoff + i * sizeof p, sizeof p);
    if (!tableInside(p.p_offset, p.p_filesz, 1, size))
      return "it is cut short: segment " + std::to_string(i) + " ends behind byte " + std::to_string(size);
  }
  // Seen in the output of ptxas 12.8 (version 7: the lowest byte) and 13.0 (version 8: the second one).
  facts.architecture = h.e_ident[EI_ABIVERSION] >= 8 ? h.e_flags >> 8 & 0xff : h.e_flags & 0xff;
  return {};
}

std::string ptxProblem(std::string_view text, ArtifactFacts &facts) {
  facts.ptx = true;
  if (size_t nul = text.find('\0'); nul != std::string_view::npos) {
    if (nul + 1 != text.size())
      return "the PTX has a NUL in the middle, at byte " + std::to_string(nul);
    text.remove_suffix(1);
  }
  size_t at = text.find(".target");
  if (text.find(".version") == std::string_view::npos || at == std::string_view::npos)
    return "it is neither machine code nor PTX: no .version and .target";
  at = text.find_first_not_of(" \t", at + 7);
  if (at == std::string_view::npos || text.substr(at, 3) != "sm_")
    return "the PTX's .target names no architecture";
  for (at += 3; at < text.size() && text[at] >= '0' && text[at] <= '9' && facts.architecture < 10000; ++at)
    facts.architecture = facts.architecture * 10 + static_cast<uint32_t>(text[at] - '0');
  facts.accelerated = at < text.size() && text[at] == 'a';
  // The last thing in a PTX file is a function or a variable: a text that stops elsewhere was cut.
  size_t last = text.find_last_not_of(" \t\r\n");
  if (text[last] != '}' && text[last] != ';' && text.rfind("//") == std::string_view::npos)
    return "the PTX is cut short: it ends inside of a statement";
  return {};
}

} // namespace

ArtifactFacts inspectArtifact(const void *data, uint64_t size) {
  ArtifactFacts facts;
  if (!data || size == 0) {
    facts.problem = "it is empty";
    return facts;
  }
  const auto *bytes = static_cast<const unsigned char *>(data);
  if (size >= SELFMAG && std::memcmp(bytes, ELFMAG, SELFMAG) == 0)
    facts.problem = elfProblem(bytes, size, facts);
  else
    facts.problem = ptxProblem({reinterpret_cast<const char *>(bytes), static_cast<size_t>(size)}, facts);
  return facts;
}

} // namespace tessera::nvidia
