// TensorCopy.h - copies of whole tiles between global and shared memory, box by box
//
// SPDX-License-Identifier: Apache-2.0
//
// Copy engines move boxes of an array: in shared memory a box lies row-major, its pieces of 16 bytes exchanged within 32, 64 or 128 bytes
// by the low bits of the address / 128. A buffer of which every box lies so can be filled by the engine and read by whoever knows its layout.
// Source of the pattern: swizzling modes of bulk tensor copies, as ISA manuals of copy engines give them.
#pragma once

#include "core/layout/LinearLayout.h"

namespace tessera::layout {

struct TensorCopyPlan {
  struct Part {
    uint64_t offset = 0;     // elements from the buffer's start
    std::vector<int64_t> at; // of the tile, a dim each
  };
  std::vector<int64_t> box; // extents of one copy, a dim each
  unsigned swizzleBytes = 0;
  std::vector<Part> parts; // they make up the tile
  // Whether this is the plan's box, perhaps of an array with outer dims, of which a copy has one element.
  bool isBox(std::span<const int64_t> other) const;
};

// How to fill or empty a buffer laid out as `shared` (offset -> tensor, bijective) with the fewest copies; the array's last dim is the one
// whose elements are neighbours in memory. swizzles: the sum of the spans that the engine has (32, 64, 128 bytes). boxMax: elements
// of a box along a dim. The buffer starts at a multiple of 1024 bytes or of its own size. Empty where it lies in no way that an engine writes.
std::optional<TensorCopyPlan> planTensorCopy(const LinearLayout &shared, unsigned elementBits, uint64_t swizzles,
                                             int64_t boxMax);

// A buffer that can be copied, for a tile that no matrix unit wants in another way: pieces of a row of at most 128 bytes, the widest swizzle
// that there is. Empty where rows have less than 16 bytes, or the tile less than 128.
std::optional<LinearLayout> tensorCopyLayout(std::span<const int64_t> shape, unsigned elementBits, uint64_t swizzles,
                                             int64_t boxMax);

} // namespace tessera::layout
