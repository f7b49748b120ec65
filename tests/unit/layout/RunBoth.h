// RunBoth.h - runs tile IR in the interpreter and, through the LAYOUT pipeline, on the mock device; compares memory
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tessera {

struct BothOptions {
  unsigned warps = 4;
  unsigned grid = 1;
  bool matrix = false;    // the target has a 16x16x16 instruction of f16 onto f32
  bool shuffles = true;
  double tolerance = -1;  // >= 0: buffers hold f32, compared with this relative and absolute tolerance
};

// text: tile IR of one kernel whose parameters are pointers, then i32 scalars. Both runs start from `buffers`. Empty where
// all went well and the buffers agree afterwards; else what went wrong.
std::string runBoth(const std::string &text, const std::vector<std::vector<uint8_t>> &buffers, const std::vector<int32_t> &scalars,
                    const BothOptions &options);

} // namespace tessera
