// TensorLayouts.h - layouts of tiles: blocked construction, and what shape ops do to a layout
//
// SPDX-License-Identifier: Apache-2.0
//
// Distributed layouts have the inputs register, lane, warp, block in this order and the outputs dim0, dim1, …. Each shape
// function gives the result's layout for which the op moves no data: every lane finds what it needs in its own registers.
#pragma once

#include "core/layout/LinearLayout.h"

namespace tessera::layout {

// order: dims from fastest to slowest. Each lane holds a box of sizePerThread elements, a subgroup a box of lanes, a block
// a box of subgroups; where the tile is larger than all of that, registers repeat it; where it is smaller, lanes and warps
// hold copies (zero bases) and registers are left out. All numbers are powers of two.
LinearLayout blockedLayout(std::span<const int64_t> shape, std::span<const int64_t> sizePerThread,
                           std::span<const int64_t> lanesPerWarp, std::span<const int64_t> warpsPerBlock,
                           std::span<const unsigned> order);

// Inputs register, lane, warp, block, made up with size 1 where missing.
LinearLayout asDistributed(const LinearLayout &layout);

// Result dim i is source dim order[i].
LinearLayout transposed(const LinearLayout &source, std::span<const int32_t> order);
// Row-major order kept.
LinearLayout reshaped(const LinearLayout &source, std::span<const int64_t> shape);
LinearLayout withUnitDim(const LinearLayout &source, unsigned axis);
// Dims of 1 grow to `shape`: the new elements go to more registers.
LinearLayout broadcastTo(const LinearLayout &source, std::span<const int64_t> shape);
// The layout of a broadcast's source (dims of 1 where it grew) that suits `result`.
LinearLayout broadcastSource(const LinearLayout &result, std::span<const int64_t> sourceShape);
// Removes a dim: the layout of a reduction along `axis`, each result held wherever an element of its row was.
LinearLayout sliced(const LinearLayout &source, unsigned axis);
// A dim of `size` that lives in registers is added at `axis` (the reverse of `sliced` for plain dims).
LinearLayout unsliced(const LinearLayout &source, unsigned axis, int64_t size);
// T<s…>, T<s…> -> T<s…, 2>: which of the two is the lowest register bit.
LinearLayout joined(const LinearLayout &source);
// T<s…, 2> -> T<s…>: empty where the last dim is not one plain register bit; then convert to `splittable` first.
std::optional<LinearLayout> splitParts(const LinearLayout &source);
LinearLayout splittable(const LinearLayout &source);
// T<n>, T<n> -> T<2n>: which of the two is the highest register bit.
LinearLayout concatenated(const LinearLayout &source);
// How lanes hold a matrix that they take from a buffer whose neighbours lie along dim `from` to one whose neighbours lie along dim `to`, with inputs
// register, lane, warp, block. Elements of 16 or 32 bits and more: a lane has 16 bytes along `to`, neighbouring lanes go along `from`. Of 8 bits, as blocks come of
// pairs along `from` and leave by rows of 16 bytes along `to` (BlockTransfer.h).
LinearLayout turningLayout(std::span<const int64_t> shape, unsigned from, unsigned to, unsigned elementBits,
                           unsigned lanes, unsigned warps);
// Bit `bit` (a power of two) of dim `dim` becomes its lowest, and those below it move up.
LinearLayout withLowestBit(const LinearLayout &l, unsigned dim, int64_t bit);
// The operand of a plain multiply-add dot whose accumulator is laid out so: operand 0 (m x k) or 1 (k x n), batch dims
// first; every lane holds all of k for its rows or columns.
LinearLayout plainDotOperand(const LinearLayout &accumulator, unsigned operand, int64_t k);

// Whether every lane of `result` finds, in its own registers of `source` and in the same register for all lanes, the
// element that `toSource` (packed result element -> packed source element, linear, one column a bit) names. The
// register numbers of the source by register of the result, or empty.
std::optional<std::vector<uint32_t>> localRegisters(const LinearLayout &source, const LinearLayout &result,
                                                    const Vectors &toSource);
// The identity map for elements of a shape with so many bits: `toSource` of an elementwise op.
Vectors identityMap(unsigned bits);

} // namespace tessera::layout
