// Wire.h - the container "TBC": magic, versions, sections, limits
//
// SPDX-License-Identifier: Apache-2.0
//
// All numbers are little-endian. A file is
//   header   magic "TBC\x1a", u16 major, u16 minor, u32 number of sections
//   section  u16 id, u16 flags, u32 alignment (a power of two), u64 length of the payload; zero bytes up to the alignment
//            (counted from the start of the file); the payload
// and ends with its last section. Integers inside payloads are varints (7 bits a byte, lowest first), signed ones zigzag.
//
//   Producer   (skippable) the bytes of one string
//   Strings    count, then {length, bytes}
//   Files      (skippable) count, then string numbers
//   Locations  (skippable) count, then {file + 1, line, column, caller + 1}; a caller is an earlier location
//   Layouts    count, then {input dims, output dims, sizes, {name, bits, bases}}
//   Types      count, then {kind, flags, elem, address space, [rank, extents], [layout]}
//   Functions  level, count, then {name, location + 1, parameters, region}; see Writer.cpp for ops
//   Options    count, then {name, value}
//
// Values have no numbers on the wire where they are defined: they count up in the order of definition, through all
// functions, so that a value cannot be defined twice and no use can come before its definition.
#pragma once

#include "core/bytecode/Module.h"

namespace tessera::tbc {

inline constexpr uint8_t kMagic[4] = {'T', 'B', 'C', 0x1a};
inline constexpr uint16_t kMajor = 0;

namespace detail {
constexpr uint32_t newestMinor() {
  uint32_t newest = 0;
#define TSR_ELEM(number, Name, text, bits, since) newest = newest < since ? since : newest;
#define TSR_ATTR(number, Name, text, Kind, since) newest = newest < since ? since : newest;
#define TSR_OP(number, Name, text, since, minOperands, maxOperands, results, regions, attributes, summary)             \
  newest = newest < since ? since : newest;
#include "core/bytecode/Ops.def"
  return newest;
}
} // namespace detail

// The newest minor version that something in Ops.def needs.
inline constexpr uint16_t kMinor = detail::newestMinor();

enum class Section : uint16_t { Producer = 1, Strings, Files, Locations, Layouts, Types, Functions, Options };
inline constexpr uint16_t kSkippable = 1; // section flag: a reader that does not know the section may pass over it
inline constexpr uint32_t kHeaderBytes = 12, kSectionHeaderBytes = 16;

// Limits of any module, so that hostile input cannot exhaust a reader. A tile of the language has at most 2^20 elements.
inline constexpr int64_t kMaxElements = int64_t(1) << 26;
inline constexpr unsigned kMaxRank = 32;
inline constexpr unsigned kMaxDepth = 200;    // regions within regions
inline constexpr unsigned kMaxCallers = 4096; // length of a chain of inlined calls
inline constexpr uint32_t kMaxAlignment = 4096;

// When each op, attribute and element type came in. Tests replace it, to try versions that do not exist yet.
struct Versions {
  uint32_t (*op)(Opcode);
  uint32_t (*attr)(AttrId);
  uint32_t (*elem)(Elem);
};
extern const Versions kVersions;

} // namespace tessera::tbc
