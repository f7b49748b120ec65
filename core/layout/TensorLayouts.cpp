// TensorLayouts.cpp - blocked layouts and the effect of shape ops
//
// SPDX-License-Identifier: Apache-2.0
#include "core/layout/TensorLayouts.h"

#include <cassert>

namespace tessera::layout {

static uint64_t lowMask(unsigned bits) { return bits >= 64 ? ~uint64_t(0) : (uint64_t(1) << bits) - 1; }

LinearLayout asDistributed(const LinearLayout &layout) {
  return layout.orderIns({std::string(kRegister), std::string(kLane), std::string(kWarp), std::string(kBlock)});
}

LinearLayout blockedLayout(std::span<const int64_t> shape, std::span<const int64_t> sizePerThread,
                           std::span<const int64_t> lanesPerWarp, std::span<const int64_t> warpsPerBlock,
                           std::span<const unsigned> order) {
  assert(sizePerThread.size() == shape.size() && lanesPerWarp.size() == shape.size() &&
         warpsPerBlock.size() == shape.size() && order.size() == shape.size());
  std::vector<Dim> outs = tensorDims(shape);
  LinearLayout empty({}, outs, {});
  std::vector<unsigned> at(shape.size(), 0); // bits of each dim already placed
  auto place = [&](std::span<const int64_t> sizes, bool keepCopies, Vectors &columns) {
    for (unsigned d : order)
      for (unsigned bit = 0; bit < log2Exact(sizes[d]); ++bit) {
        if (at[d] < outs[d].bits)
          columns.push_back(uint64_t(1) << (empty.outStart(outs[d].name) + at[d]++));
        else if (keepCopies)
          columns.push_back(0);
      }
  };
  Vectors registers, lanes, warps;
  place(sizePerThread, false, registers);
  place(lanesPerWarp, true, lanes);
  place(warpsPerBlock, true, warps);
  place(shape, false, registers); // what is left of each dim; `place` stops at the dim's size
  std::vector<Dim> ins = {{std::string(kRegister), static_cast<unsigned>(registers.size())},
                          {std::string(kLane), static_cast<unsigned>(lanes.size())},
                          {std::string(kWarp), static_cast<unsigned>(warps.size())},
                          {std::string(kBlock), 0}};
  Vectors columns = std::move(registers);
  columns.insert(columns.end(), lanes.begin(), lanes.end());
  columns.insert(columns.end(), warps.begin(), warps.end());
  return LinearLayout(std::move(ins), std::move(outs), std::move(columns));
}

// The same map onto a tensor whose dim i is dim `from[i]` of the source, or new with size 1 (from[i] < 0); source dims
// that nobody names are projected away.
static LinearLayout withDims(const LinearLayout &source, const std::vector<int> &from) {
  std::vector<Dim> outs;
  for (unsigned i = 0; i < from.size(); ++i)
    outs.push_back({tensorDimName(i), from[i] < 0 ? 0 : source.outs()[from[i]].bits});
  LinearLayout frame({}, outs, {});
  Vectors columns;
  for (uint64_t column : source.columns()) {
    std::vector<int64_t> index = source.unpackOut(column), moved;
    for (int f : from)
      moved.push_back(f < 0 ? 0 : index[f]);
    columns.push_back(frame.packOut(moved));
  }
  return LinearLayout(source.ins(), std::move(outs), std::move(columns));
}

// Adds a register bit with this packed output, as the lowest or the highest one.
static LinearLayout withRegister(const LinearLayout &source, uint64_t column, bool lowest) {
  std::vector<Dim> ins = source.ins();
  Vectors columns = source.columns();
  unsigned at = source.inStart(kRegister) + (lowest ? 0 : source.inBits(kRegister));
  columns.insert(columns.begin() + at, column);
  for (Dim &in : ins)
    if (in.name == kRegister)
      ++in.bits;
  return LinearLayout(std::move(ins), source.outs(), std::move(columns));
}

LinearLayout transposed(const LinearLayout &source, std::span<const int32_t> order) {
  assert(order.size() == source.rank());
  return withDims(source, std::vector<int>(order.begin(), order.end()));
}

LinearLayout reshaped(const LinearLayout &source, std::span<const int64_t> shape) {
  // Packed outputs are row-major numbers, which a reshape keeps.
  return LinearLayout(source.ins(), tensorDims(shape), source.columns());
}

LinearLayout withUnitDim(const LinearLayout &source, unsigned axis) {
  std::vector<int64_t> shape = source.shape();
  shape.insert(shape.begin() + axis, 1);
  return reshaped(source, shape);
}

LinearLayout broadcastTo(const LinearLayout &source, std::span<const int64_t> shape) {
  std::vector<Dim> outs = tensorDims(shape);
  assert(outs.size() == source.rank());
  LinearLayout frame({}, outs, {});
  Vectors columns;
  for (uint64_t column : source.columns())
    columns.push_back(frame.packOut(source.unpackOut(column)));
  LinearLayout result(source.ins(), outs, std::move(columns));
  for (unsigned d = static_cast<unsigned>(outs.size()); d-- > 0;)
    for (unsigned bit = source.outs()[d].bits; bit < outs[d].bits; ++bit)
      result = withRegister(result, uint64_t(1) << (frame.outStart(outs[d].name) + bit), false);
  return result;
}

LinearLayout broadcastSource(const LinearLayout &result, std::span<const int64_t> sourceShape) {
  std::vector<Dim> outs = tensorDims(sourceShape);
  assert(outs.size() == result.rank());
  LinearLayout frame({}, outs, {});
  Vectors columns;
  for (uint64_t column : result.columns()) {
    std::vector<int64_t> index = result.unpackOut(column);
    for (unsigned d = 0; d < outs.size(); ++d)
      index[d] &= static_cast<int64_t>(lowMask(outs[d].bits));
    columns.push_back(frame.packOut(index));
  }
  return LinearLayout(result.ins(), std::move(outs), std::move(columns)).withoutZeroBits(kRegister);
}

LinearLayout sliced(const LinearLayout &source, unsigned axis) {
  std::vector<int> from;
  for (unsigned d = 0; d < source.rank(); ++d)
    if (d != axis)
      from.push_back(static_cast<int>(d));
  return withDims(source, from).withoutZeroBits(kRegister);
}

LinearLayout unsliced(const LinearLayout &source, unsigned axis, int64_t size) {
  std::vector<int64_t> shape = source.shape();
  shape.insert(shape.begin() + axis, size);
  return broadcastTo(withUnitDim(source, axis), shape);
}

LinearLayout joined(const LinearLayout &source) {
  std::vector<int64_t> shape = source.shape();
  shape.push_back(2);
  // The last dim is the lowest packed bit: shift the others up.
  Vectors columns;
  for (uint64_t column : source.columns())
    columns.push_back(column << 1);
  return withRegister(LinearLayout(source.ins(), tensorDims(shape), std::move(columns)), 1, true);
}

std::optional<LinearLayout> splitParts(const LinearLayout &source) {
  assert(source.rank() >= 1 && source.outs().back().bits == 1);
  unsigned plain = 0;
  for (size_t i = 0; i < source.columns().size(); ++i) {
    uint64_t column = source.columns()[i];
    if (!(column & 1))
      continue;
    unsigned start = source.inStart(kRegister);
    bool isRegister = i >= start && i < start + source.inBits(kRegister);
    if (column != 1 || !isRegister || ++plain > 1)
      return std::nullopt;
  }
  if (plain != 1)
    return std::nullopt;
  return sliced(source, source.rank() - 1);
}

LinearLayout splittable(const LinearLayout &source) { return joined(sliced(source, source.rank() - 1)); }

LinearLayout concatenated(const LinearLayout &source) {
  assert(source.rank() == 1);
  unsigned bits = source.outBits();
  std::vector<int64_t> shape = {int64_t(2) << bits};
  return withRegister(LinearLayout(source.ins(), tensorDims(shape), source.columns()), uint64_t(1) << bits, false);
}

LinearLayout turningLayout(std::span<const int64_t> shape, unsigned from, unsigned to, unsigned elementBits,
                           unsigned lanes, unsigned warps) {
  LinearLayout frame({}, tensorDims(shape), {});
  std::vector<unsigned> taken(shape.size(), 0), size;
  for (int64_t s : shape)
    size.push_back(log2Exact(s));
  Vectors registers, laneColumns, warpColumns;
  auto deal = [&](unsigned dim, Vectors &into, unsigned count, size_t most) {
    for (; count && into.size() < most && taken[dim] < size[dim]; --count)
      into.push_back(uint64_t(1) << (frame.outStart(tensorDimName(dim)) + taken[dim]++));
  };
  constexpr unsigned kAll = 64;
  unsigned laneBits = log2Exact(lanes), warpBits = log2Exact(warps);
  if (elementBits == 8) {
    deal(to, registers, 2, kAll), deal(from, registers, 1, kAll), deal(to, laneColumns, 2, laneBits);
    deal(from, laneColumns, 3, laneBits), deal(to, registers, 1, kAll);
  } else {
    for (unsigned bits = elementBits; bits < 128; bits *= 2)
      deal(to, registers, 1, kAll);
  }
  for (unsigned dim : {from, to})
    deal(dim, laneColumns, kAll, laneBits);
  for (unsigned dim : {from, to})
    deal(dim, warpColumns, kAll, warpBits);
  laneColumns.resize(laneBits, 0), warpColumns.resize(warpBits, 0); // fewer elements than places: copies
  for (unsigned dim : {to, from})
    deal(dim, registers, kAll, kAll);
  Vectors columns = registers;
  columns.insert(columns.end(), laneColumns.begin(), laneColumns.end());
  columns.insert(columns.end(), warpColumns.begin(), warpColumns.end());
  return LinearLayout({{std::string(kRegister), static_cast<unsigned>(registers.size())},
                       {std::string(kLane), laneBits},
                       {std::string(kWarp), warpBits},
                       {std::string(kBlock), 0}},
                      frame.outs(), std::move(columns));
}

LinearLayout withLowestBit(const LinearLayout &l, unsigned dim, int64_t bit) {
  Vectors columns;
  for (uint64_t column : l.columns()) {
    std::vector<int64_t> at = l.unpackOut(column);
    int64_t v = at[dim], above = v & ~(2 * bit - 1), below = v & (bit - 1);
    at[dim] = above | below << 1 | (v & bit ? 1 : 0);
    columns.push_back(l.packOut(at));
  }
  return LinearLayout(l.ins(), l.outs(), std::move(columns));
}

LinearLayout plainDotOperand(const LinearLayout &accumulator, unsigned operand, int64_t k) {
  assert(accumulator.rank() >= 2 && operand < 2);
  unsigned rank = accumulator.rank();
  // a keeps the rows (m) and gets k as columns; b keeps the columns (n) and gets k as rows.
  LinearLayout kept = sliced(accumulator, operand == 0 ? rank - 1 : rank - 2);
  return unsliced(kept, operand == 0 ? rank - 1 : rank - 2, k);
}

std::optional<std::vector<uint32_t>> localRegisters(const LinearLayout &source, const LinearLayout &result,
                                                    const Vectors &toSource) {
  assert(toSource.size() == result.outBits());
  auto map = [&](uint64_t element) {
    uint64_t mapped = 0;
    for (size_t i = 0; i < toSource.size(); ++i)
      if (element >> i & 1)
        mapped ^= toSource[i];
    return mapped;
  };
  for (std::string_view in : {kLane, kWarp, kBlock}) {
    Vectors want = result.columnsOf(in), have = source.columnsOf(in);
    for (size_t i = 0; i < want.size() || i < have.size(); ++i)
      if ((i < want.size() ? map(want[i]) : 0) != (i < have.size() ? have[i] : 0))
        return std::nullopt;
  }
  Span span(source.columnsOf(kRegister));
  Vectors images;
  for (uint64_t column : result.columnsOf(kRegister)) {
    std::optional<uint64_t> registers = span.solve(map(column));
    if (!registers)
      return std::nullopt;
    images.push_back(*registers);
  }
  std::vector<uint32_t> table(size_t(1) << images.size(), 0);
  for (size_t r = 1; r < table.size(); ++r)
    for (size_t i = 0; i < images.size(); ++i)
      if (r >> i & 1)
        table[r] ^= static_cast<uint32_t>(images[i]);
  return table;
}

Vectors identityMap(unsigned bits) {
  Vectors columns;
  for (unsigned i = 0; i < bits; ++i)
    columns.push_back(uint64_t(1) << i);
  return columns;
}

} // namespace tessera::layout
