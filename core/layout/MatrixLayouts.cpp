// MatrixLayouts.cpp - repeat a matrix instruction's fragments over a dot and its warps
//
// SPDX-License-Identifier: Apache-2.0
#include "core/layout/MatrixLayouts.h"

#include "core/layout/SharedAccess.h"
#include "core/layout/TensorLayouts.h"

#include <algorithm>

namespace tessera::layout {

namespace {

// Bits of the tiles above the fragment, counted in tiles, dealt out dim by dim.
struct TileBits {
  std::vector<Dim> outs;
  std::vector<unsigned> taken;
  Vectors registers, warps;

  bool room(unsigned dim) const { return taken[dim] < outs[dim].bits; }
  unsigned left(unsigned dim) const { return outs[dim].bits - taken[dim]; }
  void deal(unsigned dim, Vectors &to) {
    to.push_back(uint64_t(1) << (LinearLayout({}, outs, {}).outStart(outs[dim].name) + taken[dim]++));
  }
  LinearLayout layout() const {
    Vectors columns = registers;
    columns.insert(columns.end(), warps.begin(), warps.end());
    return asDistributed(LinearLayout({{std::string(kRegister), static_cast<unsigned>(registers.size())},
                                       {std::string(kWarp), static_cast<unsigned>(warps.size())}},
                                      outs, std::move(columns)));
  }
};

} // namespace

// The fragment with `rank - 2` unit dims before its two.
static LinearLayout withBatch(LinearLayout fragment, size_t rank) {
  while (fragment.rank() < rank)
    fragment = withUnitDim(fragment, 0);
  return asDistributed(fragment);
}

static std::optional<TileBits> tilesOf(const LinearLayout &fragment, std::span<const int64_t> batch, int64_t rows,
                                       int64_t columns) {
  std::vector<int64_t> shape(batch.begin(), batch.end()), unit = fragment.shape();
  if (unit.size() != 2 || rows % unit[0] || columns % unit[1])
    return std::nullopt;
  shape.push_back(rows / unit[0]);
  shape.push_back(columns / unit[1]);
  for (int64_t s : shape)
    if (!isPowerOfTwo(s))
      return std::nullopt;
  TileBits bits;
  bits.outs = tensorDims(shape);
  bits.taken.assign(shape.size(), 0);
  return bits;
}

std::optional<DotLayouts> tileFragments(const MatrixFragments &fragments, std::span<const int64_t> batch, int64_t m,
                                        int64_t n, int64_t k, unsigned numWarps) {
  std::optional<TileBits> acc = tilesOf(fragments.accumulator, batch, m, n), a = tilesOf(fragments.a, batch, m, k),
                          b = tilesOf(fragments.b, batch, k, n);
  unsigned fragmentWarps = fragments.accumulator.inBits(kWarp);
  if (!acc || !a || !b || !isPowerOfTwo(numWarps) || log2Exact(numWarps) < fragmentWarps ||
      fragments.a.inBits(kWarp) != fragmentWarps || fragments.b.inBits(kWarp) != fragmentWarps)
    return std::nullopt;
  size_t rank = batch.size() + 2;
  unsigned rowDim = static_cast<unsigned>(rank) - 2, columnDim = rowDim + 1;
  unsigned unitRows = log2Exact(fragments.accumulator.shape()[0]),
           unitColumns = log2Exact(fragments.accumulator.shape()[1]);

  // Where there is enough for all warps, two tiles along a row are one warp's: its stores have twice as much of each row. Warps that multiply together have
  // their columns in one piece already.
  unsigned pair = 0;
  if (!fragmentWarps && acc->room(columnDim) && acc->left(rowDim) + acc->left(columnDim) > log2Exact(numWarps)) {
    acc->deal(columnDim, acc->registers), b->deal(columnDim, b->registers);
    pair = 1;
  }
  for (unsigned left = log2Exact(numWarps) - fragmentWarps; left; --left) {
    unsigned dim = 0;
    while (dim < rowDim && !acc->room(dim))
      ++dim;
    if (dim < rowDim) { // a batch of its own
      acc->deal(dim, acc->warps), a->deal(dim, a->warps), b->deal(dim, b->warps);
      continue;
    }
    bool rowsLonger = acc->left(rowDim) + unitRows >= acc->left(columnDim) + unitColumns + pair;
    if (acc->room(rowDim) && (rowsLonger || !acc->room(columnDim)))
      acc->deal(rowDim, acc->warps), a->deal(rowDim, a->warps), b->warps.push_back(0);
    else if (acc->room(columnDim))
      acc->deal(columnDim, acc->warps), b->deal(columnDim, b->warps), a->warps.push_back(0);
    else
      acc->warps.push_back(0), a->warps.push_back(0), b->warps.push_back(0);
  }
  for (TileBits *bits : {&*acc, &*a, &*b})
    for (unsigned dim = static_cast<unsigned>(rank); dim-- > 0;)
      while (bits->room(dim))
        bits->deal(dim, bits->registers);
  return DotLayouts{withBatch(fragments.a, rank).product(a->layout()),
                    withBatch(fragments.b, rank).product(b->layout()),
                    withBatch(fragments.accumulator, rank).product(acc->layout())};
}

LinearLayout wrapped(const LinearLayout &fragment, std::span<const int64_t> shape) {
  std::vector<int64_t> fitting = fragment.shape();
  for (size_t d = 0; d < fitting.size(); ++d)
    fitting[d] = std::min(fitting[d], shape[d]);
  LinearLayout frame({}, tensorDims(fitting), {});
  Vectors columns;
  for (uint64_t column : fragment.columns()) {
    std::vector<int64_t> at = fragment.unpackOut(column);
    for (size_t d = 0; d < at.size(); ++d)
      at[d] %= fitting[d];
    columns.push_back(frame.packOut(at));
  }
  return LinearLayout(fragment.ins(), frame.outs(), std::move(columns));
}

LinearLayout plainDotAccumulator(std::span<const int64_t> shape, unsigned lanes, unsigned numWarps) {
  size_t rank = shape.size(), rows = rank - 2, columns = rank - 1;
  std::vector<int64_t> perThread(rank, 1), laneBox(rank, 1), warpBox(rank, 1), room(shape.begin(), shape.end());
  int64_t elements = 1;
  for (int64_t s : shape)
    elements *= s;
  int64_t share = std::max<int64_t>(elements / (int64_t(lanes) * numWarps), 1); // elements of a lane
  // Doubles the box along the dim that is shorter so far, where there is room.
  auto grow = [&](std::vector<int64_t> &box, size_t preferred, size_t other) {
    size_t dim = room[preferred] > 1 ? preferred : other;
    if (room[dim] <= 1)
      return false;
    box[dim] *= 2;
    room[dim] /= 2;
    return true;
  };
  for (; share > 1 && perThread[rows] * perThread[columns] < 16; share /= 2)
    if (!grow(perThread, perThread[columns] <= perThread[rows] ? columns : rows,
              perThread[columns] <= perThread[rows] ? rows : columns))
      break;
  auto spread = [&](std::vector<int64_t> &box, int64_t count, bool batchFirst) {
    for (size_t d = 0; batchFirst && d < rows; ++d)
      while (count > 1 && room[d] > 1)
        box[d] *= 2, room[d] /= 2, count /= 2;
    while (count > 1) {
      bool wide = box[columns] <= box[rows];
      if (!grow(box, wide ? columns : rows, wide ? rows : columns))
        break;
      count /= 2;
    }
    box[columns] *= count; // more places than elements: copies
  };
  spread(laneBox, lanes, false);
  spread(warpBox, numWarps, true);
  std::vector<unsigned> order;
  for (size_t d = rank; d-- > 0;)
    order.push_back(static_cast<unsigned>(d));
  return blockedLayout(shape, perThread, laneBox, warpBox, order);
}

bool plainDotNeedsBuffers(const LinearLayout &accumulator, int64_t k) {
  // Multiply-adds of a lane that are still spelled out, and registers for its rows of a and columns of b.
  constexpr int64_t kMostMultiplyAdds = 512, kMostRegisters = 128;
  auto registersOf = [](const LinearLayout &l) { return int64_t(1) << rankOf(l.columnsOf(kRegister)); };
  int64_t operands = registersOf(plainDotOperand(accumulator, 0, k)) + registersOf(plainDotOperand(accumulator, 1, k));
  return registersOf(accumulator) * k > kMostMultiplyAdds || operands > kMostRegisters;
}

DotBuffers plainDotBuffers(const LinearLayout &accumulator, const LinearLayout &a, const LinearLayout &b,
                           unsigned aBits, unsigned bBits) {
  int64_t k = a.shape().back();
  // Every element is read by many lanes: the reader's vectors may be worth more than the writer's.
  auto shared = [&](const LinearLayout &writer, unsigned operand, unsigned bits) {
    LinearLayout reader = plainDotOperand(accumulator, operand, k);
    auto clocks = [&](const LinearLayout &s) {
      int64_t sum = 0;
      for (const LinearLayout *side : {&writer, static_cast<const LinearLayout *>(&reader)}) {
        SharedAccess access = analyseAccess(*side, s, bits, SharedMemory());
        sum += access.wavefronts * access.accessesPerLane;
      }
      return sum;
    };
    LinearLayout both = swizzledFor(writer, reader, bits, SharedMemory()),
                 own = swizzledFor(reader, reader, bits, SharedMemory());
    return clocks(own) < clocks(both) ? own : both;
  };
  DotBuffers buffers;
  buffers.a = shared(a, 0, aBits);
  buffers.b = shared(b, 1, bBits);
  auto bytesOf = [](const LinearLayout &l, unsigned bits) { return (uint64_t(1) << l.outBits()) * bits / 8; };
  buffers.bOffset = (bytesOf(a, aBits) + 15) & ~uint64_t(15);
  buffers.bytes = buffers.bOffset + bytesOf(b, bBits);
  return buffers;
}

} // namespace tessera::layout
