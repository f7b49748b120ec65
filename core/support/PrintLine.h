// PrintLine.h - the text of one printed value, as every driver writes it
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tessera {

// One value as device_print shows it, without a newline: "pid (x, y, z) idx ( i, j) prefix: value"; a coordinate is as wide as
// the greatest of its dim. `index`: `rank` coordinates, then the `rank` extents of the tile; NULL for a scalar. kind: 0 signed,
// 1 unsigned, 2 float (32 or 64 bits), 3 pointer. numOperands 0: the prefix alone. The same text as core/interpreter's
// PrintFormat makes from typed elements (tests/unit/cpu/driver compares them); drivers link no more of the core than this.
std::string formatPrint(const int32_t program[3], const int64_t *index, uint32_t rank, std::string_view prefix,
                        uint32_t kind, uint32_t bits, uint32_t hex, uint64_t valueBits, uint32_t operand,
                        uint32_t numOperands);

} // namespace tessera
