// MatrixLayouts.h - from the fragments of one matrix instruction to the layouts of a whole dot
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/layout/LinearLayout.h"

namespace tessera::layout {

// How one instruction holds its operands: a m x k, b k x n, accumulator m x n, rank 2 each, inputs register, lane and, for
// an instruction that several warps issue together, warp.
struct MatrixFragments {
  LinearLayout a, b, accumulator;
};

// Layouts of the operands of a dot of whole tiles, batch dims first.
struct DotLayouts {
  LinearLayout a, b, accumulator;
};

// Repeats the fragments over a dot of batch… x m x n x k. Warps go over the batch, then over m and n so that the part of a
// warp stays near to a square; a warp holds every element of a and b that its part of the accumulator needs; warps that
// find no work hold copies. The fragment is the low registers, instruction tiles the higher ones. Empty where the
// fragments do not tile the dot.
std::optional<DotLayouts> tileFragments(const MatrixFragments &fragments, std::span<const int64_t> batch, int64_t m,
                                        int64_t n, int64_t k, unsigned numWarps);

// The accumulator of a dot that each lane computes by multiply-adds: batch… x m x n. Lanes hold boxes of up to 4 x 4 and lie, like
// the warps, in a box as near to a square as the tile allows, so that a lane needs few rows of a and columns of b.
LinearLayout plainDotAccumulator(std::span<const int64_t> shape, unsigned lanes, unsigned numWarps);

// A fragment of at most `shape` rows and columns: what lies beyond wraps around. An instruction larger than a dot then multiplies copies of its rows or
// columns and gives copies of its sums.
LinearLayout wrapped(const LinearLayout &fragment, std::span<const int64_t> shape);

// Whether such a dot is too large to be spelled out over operands in registers: its operands then go through scratch, in which every
// lane walks along k (plainDotBuffers). Bounds the code of a dot by its accumulator.
bool plainDotNeedsBuffers(const LinearLayout &accumulator, int64_t k);

// The scratch of that: a, and b behind it at a multiple of 16 bytes.
struct DotBuffers {
  LinearLayout a, b; // offset -> element
  uint64_t bOffset = 0, bytes = 0;
};
// a, b: the operands' layouts. aBits, bBits: storage bits of their elements.
DotBuffers plainDotBuffers(const LinearLayout &accumulator, const LinearLayout &a, const LinearLayout &b,
                           unsigned aBits, unsigned bBits);

} // namespace tessera::layout
