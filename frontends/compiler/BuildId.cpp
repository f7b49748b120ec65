// BuildId.cpp - the GNU build id of this library, from its own ELF note: it changes with every change of its code
// SPDX-License-Identifier: Apache-2.0
#include "frontends/compiler/tessera_compiler.h"

#include <cstring>
#include <link.h>
#include <string>

namespace {

struct Search {
  uintptr_t inside;
  std::string id;
};

// Finds the object that contains `inside`, and its NT_GNU_BUILD_ID note.
int visit(dl_phdr_info *info, size_t, void *user) {
  auto *search = static_cast<Search *>(user);
  bool mine = false;
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const ElfW(Phdr) &p = info->dlpi_phdr[i];
    if (p.p_type == PT_LOAD && search->inside >= info->dlpi_addr + p.p_vaddr &&
        search->inside < info->dlpi_addr + p.p_vaddr + p.p_memsz)
      mine = true;
  }
  for (int i = 0; mine && i < info->dlpi_phnum; ++i) {
    const ElfW(Phdr) &p = info->dlpi_phdr[i];
    if (p.p_type != PT_NOTE)
      continue;
    auto at = reinterpret_cast<const char *>(info->dlpi_addr + p.p_vaddr), end = at + p.p_memsz;
    while (at + sizeof(ElfW(Nhdr)) <= end) {
      ElfW(Nhdr) note;
      std::memcpy(&note, at, sizeof note);
      const char *name = at + sizeof note, *desc = name + (note.n_namesz + 3) / 4 * 4;
      if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && std::memcmp(name, "GNU", 4) == 0) {
        static const char kHex[] = "0123456789abcdef";
        for (unsigned b = 0; b < note.n_descsz; ++b) {
          search->id += kHex[static_cast<unsigned char>(desc[b]) >> 4];
          search->id += kHex[static_cast<unsigned char>(desc[b]) & 15];
        }
        return 1;
      }
      at = desc + (note.n_descsz + 3) / 4 * 4;
    }
  }
  return mine;
}

} // namespace

const char *tsc_build_id(void) {
  static const std::string id = [] {
    Search search{reinterpret_cast<uintptr_t>(&tsc_build_id), {}};
    dl_iterate_phdr(visit, &search);
    return search.id;
  }();
  return id.c_str();
}
