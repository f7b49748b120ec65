// Lane.h - one value of a tile program as a vector loop sees it
//
// SPDX-License-Identifier: Apache-2.0
//
// The innermost loop walks one dim of the iteration space, the lane dim, in chunks of `lanes` elements. A Lane says what a
// value is over one chunk: the same for all (Uniform), base + stride * position (Affine), or a vector. X is the position in
// the lane dim. An Affine `inX` has its base and stride outside the innermost loop and counts from the start of the dim;
// otherwise it counts from the first lane of the chunk. A vector may be known to be a pattern: a scalar plus constants, as
// the places are that i / 4 or i % 4 of a counter give; loads at such places are one load and a shuffle.
#pragma once

#include "llvm/ADT/SmallVector.h"
#include "llvm/IR/Value.h"

#include <cstdint>

namespace tessera::cpu {

struct Lane {
  enum Kind : uint8_t { Uniform, Affine, Vector };
  Kind kind = Uniform;
  bool inX = false;
  llvm::Value *v = nullptr;              // the scalar; the base; the vector
  llvm::Value *stride = nullptr;         // Affine: of the integer type of v (i64 bytes where v is a pointer)
  uint64_t align = 1;                    // a power of two that divides the scalar or the base (integers)
  llvm::Value *base = nullptr;           // of a pattern: the scalar
  llvm::SmallVector<int64_t, 0> offsets; // of a pattern: what lane i adds to it (bytes where base is a pointer)

  static Lane uniform(llvm::Value *v, uint64_t align = 1) { return {Uniform, false, v, nullptr, align, nullptr, {}}; }
  static Lane vector(llvm::Value *v) { return {Vector, false, v, nullptr, 1, nullptr, {}}; }
  static Lane affine(llvm::Value *base, llvm::Value *stride, bool inX, uint64_t align) {
    return {Affine, inX, base, stride, align, nullptr, {}};
  }
  bool operator==(const Lane &o) const { return kind == o.kind && inX == o.inX && v == o.v && stride == o.stride; }
};

// The index of an element: one Lane (i64) a dim.
using Tuple = llvm::SmallVector<Lane, 4>;

} // namespace tessera::cpu
