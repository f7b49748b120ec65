// GridStride.h - kernels of which a launch may have more programs than it asks for
//
// SPDX-License-Identifier: Apache-2.0
//
// The iterations of a loop over the grid (op grid_stride) do not depend on one another: whoever runs them, the results are the same. A multiprocessor that is done with a block takes the
// next one, which spreads iterations better than programs do that are given theirs from the start (docs/rationale/grid-stride.md). Its module defines
//   tsr_grid_strides   64-bit words, read-only. For each such kernel: length and text of its name (bytes, padded to words), the axis, the number of programs as an expression
//                      (Expressions.h): beyond them none has anything to do; 0 where the arguments allow no others than the launch asks for.
#pragma once

#include "backends/nvidia/image/Expressions.h"

#include <optional>

namespace tessera::nvidia {

inline constexpr char kGridStridesGlobal[] = "tsr_grid_strides";

struct GridStride {
  uint32_t axis = 0; // 0 to 2
  Expression programs;
};

// The words of one kernel.
std::vector<uint64_t> writeGridStride(const std::string &kernel, const GridStride &stride);
// That of this kernel among the words of a module; none where it has none. False: the words are malformed.
bool readGridStride(std::span<const uint64_t> words, const std::string &kernel, uint64_t argumentBytes,
                    std::optional<GridStride> &stride);

} // namespace tessera::nvidia
