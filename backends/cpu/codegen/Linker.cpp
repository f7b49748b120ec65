// Linker.cpp - section layout and the few relocations that position-independent code without imports has
//
// SPDX-License-Identifier: Apache-2.0
// Source: System V ABI, AMD64 supplement, 4.4 "Relocation".
#include "backends/cpu/codegen/Linker.h"

#include "llvm/BinaryFormat/ELF.h"
#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MemoryBuffer.h"

#include <cstring>

using namespace llvm;
using namespace llvm::object;

namespace tessera::cpu {

namespace {
uint64_t roundUp(uint64_t v, uint64_t to) { return (v + to - 1) / to * to; }
} // namespace

bool linkObject(std::string_view bytes, ImageParts &out, std::map<std::string, uint64_t> &symbols, std::string &why) {
  auto file = ELFObjectFile<ELF64LE>::create(MemoryBufferRef(StringRef(bytes.data(), bytes.size()), "kernel"));
  if (!file) {
    why = toString(file.takeError());
    return false;
  }
  // Offsets inside the three parts; zero-filled sections follow the data.
  struct Place {
    int part = -1; // 0 text, 1 rodata, 2 data, 3 zero
    uint64_t offset = 0;
  };
  std::map<uint64_t, Place> places; // by section index
  std::vector<uint8_t> *parts[3] = {&out.text, &out.rodata, &out.data};
  uint64_t zero = 0;
  for (const SectionRef &s : file->sections()) {
    ELFSectionRef e(s);
    if (!(e.getFlags() & ELF::SHF_ALLOC) || e.getType() == ELF::SHT_NOTE || !s.getSize())
      continue;
    auto name = s.getName();
    if (name && (*name == ".eh_frame"))
      continue;
    Place p;
    uint64_t align = std::max<uint64_t>(1, s.getAlignment().value());
    if (e.getType() == ELF::SHT_NOBITS) {
      p.part = 3;
      p.offset = zero = roundUp(zero, align);
      zero += s.getSize();
    } else {
      p.part = e.getFlags() & ELF::SHF_EXECINSTR ? 0 : e.getFlags() & ELF::SHF_WRITE ? 2 : 1;
      std::vector<uint8_t> &v = *parts[p.part];
      p.offset = roundUp(v.size(), align);
      auto content = s.getContents();
      if (!content) {
        why = toString(content.takeError());
        return false;
      }
      v.resize(p.offset, p.part == 0 ? 0x90 : 0);
      v.insert(v.end(), content->bytes_begin(), content->bytes_end());
    }
    places[s.getIndex()] = p;
  }
  uint64_t starts[4];
  starts[0] = 0;
  starts[1] = roundUp(out.text.size(), kImagePage);
  starts[2] = starts[1] + roundUp(out.rodata.size(), kImagePage);
  starts[3] = starts[2] + roundUp(out.data.size(), kImagePage);
  out.zeroBytes = zero;
  auto addressOf = [&](const SymbolRef &sym, uint64_t &address) {
    auto section = sym.getSection();
    if (!section || *section == file->section_end()) {
      if (!section)
        consumeError(section.takeError());
      return false;
    }
    auto it = places.find((*section)->getIndex());
    if (it == places.end())
      return false;
    auto value = sym.getValue();
    if (!value) {
      consumeError(value.takeError());
      return false;
    }
    address = starts[it->second.part] + it->second.offset + *value;
    return true;
  };
  for (const SymbolRef &sym : file->symbols()) {
    auto type = sym.getType();
    auto name = sym.getName();
    uint64_t a = 0;
    if (!type || !name) {
      why = "a symbol cannot be read";
      if (!type)
        consumeError(type.takeError());
      if (!name)
        consumeError(name.takeError());
      return false;
    }
    if (*type == SymbolRef::ST_Function && addressOf(sym, a))
      symbols[name->str()] = a;
  }
  for (const SectionRef &s : file->sections()) {
    auto target = s.getRelocatedSection();
    if (!target) {
      consumeError(target.takeError());
      continue;
    }
    if (*target == file->section_end())
      continue;
    auto where = places.find((*target)->getIndex());
    if (where == places.end())
      continue;
    Place p = where->second;
    for (const RelocationRef &r : s.relocations()) {
      uint64_t at = p.offset + r.getOffset(), place = starts[p.part] + at, value = 0;
      auto sym = r.getSymbol();
      std::string name = "?";
      if (sym != file->symbol_end()) {
        if (auto n = sym->getName())
          name = n->str();
        else
          consumeError(n.takeError());
      }
      if (sym == file->symbol_end() || !addressOf(*sym, value)) {
        why = "the code refers to `" + name + "`, which it does not contain";
        return false;
      }
      auto addend = ELFRelocationRef(r).getAddend();
      if (!addend) {
        consumeError(addend.takeError());
        why = "a relocation without an addend";
        return false;
      }
      int64_t v = int64_t(value) + *addend;
      uint8_t *bytesAt = parts[p.part]->data() + at;
      switch (r.getType()) {
      case ELF::R_X86_64_PC32:
      case ELF::R_X86_64_PLT32:
        support::endian::write32le(bytesAt, uint32_t(v - int64_t(place)));
        break;
      case ELF::R_X86_64_PC64:
        support::endian::write64le(bytesAt, uint64_t(v - int64_t(place)));
        break;
      case ELF::R_X86_64_NONE:
        break;
      default:
        why = "a relocation of type " + std::to_string(r.getType()) + " against `" + name + "` needs a loader";
        return false;
      }
    }
  }
  return true;
}

} // namespace tessera::cpu
