// TensorCopy.cpp - which boxes make up a buffer
//
// SPDX-License-Identifier: Apache-2.0
#include "core/layout/TensorCopy.h"

#include <algorithm>
#include <bit>

namespace tessera::layout {

namespace {

constexpr unsigned kPieceBytes = 16, kRowBytes = 128; // a row of all banks

// Exchanges pieces within `span` bytes: offset bit `piece + i` is toggled by offset bit `row + i`, i < bits.
struct Swizzle {
  unsigned piece = 0, row = 0, bits = 0;
  Swizzle(unsigned span, unsigned elementBytes)
      : piece(static_cast<unsigned>(std::countr_zero(kPieceBytes / elementBytes))),
        row(static_cast<unsigned>(std::countr_zero(kRowBytes / elementBytes))),
        bits(span ? static_cast<unsigned>(std::countr_zero(span / kPieceBytes)) : 0) {}
};

// The dim and the bit of its index that a packed element index of one bit is.
struct IndexBit {
  unsigned dim = 0, bit = 0;
};
std::optional<IndexBit> indexBit(const LinearLayout &layout, uint64_t packed) {
  if (!std::has_single_bit(packed))
    return std::nullopt;
  std::vector<int64_t> index = layout.unpackOut(packed);
  for (unsigned d = 0; d < index.size(); ++d)
    if (index[d])
      return IndexBit{d, static_cast<unsigned>(std::countr_zero(static_cast<uint64_t>(index[d])))};
  return std::nullopt;
}

std::optional<TensorCopyPlan> planWith(const LinearLayout &shared, unsigned elementBytes, unsigned span,
                                       int64_t boxMax) {
  Vectors columns = shared.columnsOf(kOffset);
  Swizzle swizzle(span, elementBytes);
  for (unsigned i = 0; i < swizzle.bits; ++i) {
    if (swizzle.row + i >= columns.size())
      return std::nullopt; // the pattern does not fit: where it starts would depend on the buffer's address
    columns[swizzle.row + i] ^= columns[swizzle.piece + i];
  }
  TensorCopyPlan plan;
  plan.swizzleBytes = span;
  plan.box.assign(shared.rank(), 1);
  unsigned dim = shared.rank() - 1; // of the box, growing
  size_t boxBits = 0;
  for (; boxBits < columns.size(); ++boxBits) {
    std::optional<IndexBit> next = indexBit(shared, columns[boxBits]);
    if (!next || next->dim > dim || (int64_t(1) << next->bit) != plan.box[next->dim] ||
        2 * plan.box[next->dim] > boxMax)
      break;
    bool inRow = next->dim + 1 == shared.rank();
    if (inRow && span && 2 * plan.box[next->dim] * elementBytes > span)
      break;
    dim = next->dim;
    plan.box[dim] *= 2;
  }
  uint64_t row = static_cast<uint64_t>(plan.box.back()) * elementBytes,
           boxBytes = (uint64_t(1) << boxBits) * elementBytes;
  if (row < kPieceBytes || (span && (row != span || boxBits < swizzle.row + swizzle.bits)) || boxBytes < kRowBytes)
    return std::nullopt;
  plan.parts = {{0, std::vector<int64_t>(shared.rank(), 0)}};
  for (size_t bit = boxBits; bit < columns.size(); ++bit) {
    std::optional<IndexBit> next = indexBit(shared, columns[bit]);
    if (!next)
      return std::nullopt;
    for (size_t i = 0, n = plan.parts.size(); i < n; ++i) {
      TensorCopyPlan::Part part = plan.parts[i];
      part.offset |= uint64_t(1) << bit;
      part.at[next->dim] += int64_t(1) << next->bit;
      plan.parts.push_back(std::move(part));
    }
  }
  return plan;
}

} // namespace

bool TensorCopyPlan::isBox(std::span<const int64_t> other) const {
  if (other.size() < box.size())
    return false;
  auto outer = other.first(other.size() - box.size()), own = other.last(box.size());
  return std::ranges::all_of(outer, [](int64_t extent) { return extent == 1; }) && std::ranges::equal(own, box);
}

std::optional<TensorCopyPlan> planTensorCopy(const LinearLayout &shared, unsigned elementBits, uint64_t swizzles,
                                             int64_t boxMax) {
  unsigned elementBytes = std::max(elementBits / 8, 1u);
  if (!shared.rank() || !shared.isBijective() || elementBytes > kPieceBytes ||
      shared.inBits() != shared.inBits(kOffset))
    return std::nullopt;
  std::optional<TensorCopyPlan> best;
  for (unsigned span : {128u, 64u, 32u, 0u}) {
    if (span && !(swizzles & span))
      continue;
    std::optional<TensorCopyPlan> plan = planWith(shared, elementBytes, span, boxMax);
    if (plan && (!best || plan->parts.size() < best->parts.size()))
      best = std::move(plan);
  }
  return best;
}

std::optional<LinearLayout> tensorCopyLayout(std::span<const int64_t> shape, unsigned elementBits, uint64_t swizzles,
                                             int64_t boxMax) {
  unsigned elementBytes = std::max(elementBits / 8, 1u);
  LinearLayout plain = LinearLayout::rowMajor(kOffset, shape);
  if (shape.empty() || elementBytes > kPieceBytes)
    return std::nullopt;
  // Pieces of rows first, then the rows, then the next pieces.
  unsigned rowBits = static_cast<unsigned>(std::countr_zero(static_cast<uint64_t>(shape.back())));
  unsigned inRow = std::min(rowBits, static_cast<unsigned>(std::countr_zero(kRowBytes / elementBytes)));
  if (shape.size() == 1)
    inRow = rowBits;
  Vectors columns = plain.columnsOf(kOffset);
  std::rotate(columns.begin() + inRow, columns.begin() + rowBits, columns.end());
  unsigned span = elementBytes << inRow;
  Swizzle swizzle(span >= 32 && (swizzles & span) ? span : 0, elementBytes);
  size_t rowsBits = columns.size() - rowBits; // of all rows, as far as they come before the next pieces
  if (swizzle.row + swizzle.bits <= inRow + rowsBits)
    for (unsigned i = 0; i < swizzle.bits; ++i)
      columns[swizzle.row + i] ^= columns[swizzle.piece + i];
  LinearLayout layout(plain.ins(), plain.outs(), std::move(columns));
  return planTensorCopy(layout, elementBits, swizzles, boxMax) ? std::optional(layout) : std::nullopt;
}

} // namespace tessera::layout
