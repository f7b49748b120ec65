// TensorArray.h - what a tensor_map says of an array in memory, as who executes bytecode by itself needs it
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytecode/Module.h"

#include <algorithm>
#include <optional>
#include <span>
#include <vector>

namespace tessera::scalar {

struct TensorArray {
  tbc::Elem elem = tbc::Elem::I8;
  uint64_t base = 0;
  std::vector<int64_t> extents, strides; // in elements, a dim each; the last stride is 1
  bool nan = false;                      // what lies outside is NaN instead of 0

  // numbers: the extents, then the strides but the last.
  TensorArray() = default;
  TensorArray(tbc::Elem elem, uint64_t base, std::span<const uint64_t> numbers, bool nan)
      : elem(elem), base(base), nan(nan) {
    size_t rank = (numbers.size() + 1) / 2;
    for (size_t d = 0; d < rank; ++d)
      extents.push_back(std::max<int64_t>(static_cast<int64_t>(numbers[d]), 1));
    for (size_t d = rank; d < numbers.size(); ++d)
      strides.push_back(static_cast<int64_t>(numbers[d]));
    strides.push_back(1);
  }
  unsigned bytes() const { return tbc::elemBits(elem) / 8; }
  // Bits of what lies outside.
  uint64_t fill() const {
    if (!nan)
      return 0;
    switch (elem) {
    case tbc::Elem::F64:
      return 0x7ff8000000000000;
    case tbc::Elem::F32:
      return 0x7fc00000;
    case tbc::Elem::BF16:
      return 0x7fc0;
    case tbc::Elem::F16:
      return 0x7e00;
    default:
      return 0x7f;
    }
  }
  // Of the element that is number `flat`, row-major, of a tile of this shape at these coordinates; empty: outside of the array. Outer dims, which the
  // tile does not have, come first.
  std::optional<uint64_t> address(std::span<const int32_t> corner, std::span<const int64_t> shape, size_t flat) const {
    int64_t offset = 0;
    const size_t outer = corner.size() - shape.size();
    for (size_t d = corner.size(); d-- > 0;) {
      size_t extent = d < outer ? 1 : static_cast<size_t>(shape[d - outer]);
      int64_t at = corner[d] + static_cast<int64_t>(flat % extent);
      flat /= extent;
      if (at < 0 || at >= extents[d])
        return std::nullopt;
      offset += at * strides[d];
    }
    return base + static_cast<uint64_t>(offset) * bytes();
  }
};

} // namespace tessera::scalar
