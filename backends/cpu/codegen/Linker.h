// Linker.h - an ELF object in memory, laid out and relocated into the sections of a CPU image
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "backends/cpu/image/ImageFile.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace tessera::cpu {

// Fills text, rodata, data and zeroBytes of `out`; `symbols` gets the offset of every global function from the start of the
// text. False with a reason: an undefined symbol, or a relocation that would need a loader. x86-64 relocatable ELF only.
bool linkObject(std::string_view object, ImageParts &out, std::map<std::string, uint64_t> &symbols, std::string &why);

} // namespace tessera::cpu
