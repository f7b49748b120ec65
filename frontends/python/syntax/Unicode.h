// Unicode.h - what Python's syntax needs of Unicode: normal form of names, names of characters, what repr shows
//
// SPDX-License-Identifier: Apache-2.0
//
// Of the Unicode version of the Python that built this (unicode_tables.py).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tessera::py {

// Normal form NFKC of an identifier. Text is UTF-8 and valid.
std::string normalizedName(std::string_view name);
// The code point of "\N{name}", of any case; 0: there is no such name. Named sequences are not characters.
uint32_t namedCharacter(std::string_view name);
// As str.isprintable.
bool isPrintable(uint32_t codePoint);

} // namespace tessera::py
