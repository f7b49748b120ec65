// AxisSplit.cpp - see AxisSplit.h
//
// SPDX-License-Identifier: Apache-2.0
#include "core/layout/AxisSplit.h"

#include "core/layout/SharedAccess.h"
#include "core/layout/TensorLayouts.h"

#include <algorithm>
#include <bit>
#include <cassert>

namespace tessera::layout {

static constexpr std::pair<Place, std::string_view> kPlaces[] = {
    {Place::Register, kRegister}, {Place::Lane, kLane}, {Place::Warp, kWarp}};

unsigned AxisSplit::count(Place place) const {
  uint64_t mask = place == Place::Register ? registers : place == Place::Lane ? lanes : warps;
  return static_cast<unsigned>(std::popcount(mask));
}

bool isPlain(const LinearLayout &layout) {
  uint64_t seen = 0;
  for (uint64_t column : layout.columns()) {
    if ((column & (column - 1)) || (seen & column))
      return false;
    seen |= column;
  }
  return true;
}

LinearLayout plainNear(const LinearLayout &layout) {
  // The leading bits of an echelon form are distinct, and each is one that its column, less the ones before, toggles.
  Vectors rows, columns;
  for (uint64_t column : layout.columns()) {
    for (uint64_t row : rows)
      if (column & std::bit_floor(row))
        column ^= row;
    if (column)
      rows.push_back(column);
    columns.push_back(column ? std::bit_floor(column) : 0);
  }
  return LinearLayout(layout.ins(), layout.outs(), std::move(columns));
}

std::optional<AxisSplit> splitAxis(const LinearLayout &layout, unsigned axis) {
  if (!isPlain(layout))
    return std::nullopt;
  AxisSplit split;
  unsigned start = layout.outStart(layout.outs()[axis].name), bits = layout.outs()[axis].bits;
  split.elements = ((uint64_t(1) << bits) - 1) << start;
  std::vector<std::pair<Place, unsigned>> owner(bits);
  unsigned found = 0;
  for (auto [place, name] : kPlaces) {
    Vectors columns = layout.columnsOf(name);
    uint64_t along = 0, copies = 0;
    for (unsigned bit = 0; bit < columns.size(); ++bit) {
      if (!columns[bit])
        copies |= uint64_t(1) << bit;
      if (!(columns[bit] & split.elements))
        continue;
      along |= uint64_t(1) << bit;
      owner[static_cast<unsigned>(std::countr_zero(columns[bit])) - start] = {place, bit};
      ++found;
    }
    (place == Place::Register ? split.registers : place == Place::Lane ? split.lanes : split.warps) = along;
    (place == Place::Register ? split.registerCopies
     : place == Place::Lane   ? split.laneCopies
                              : split.warpCopies) = copies;
  }
  if (found != bits)
    return std::nullopt;
  for (unsigned bit = 0; bit < bits; ++bit) {
    if (split.runs.empty() || split.runs.back().place != owner[bit].first)
      split.runs.push_back({owner[bit].first, {}, 0});
    split.runs.back().bits.push_back(owner[bit].second);
    split.runs.back().elements |= uint64_t(1) << (start + bit);
  }
  return split;
}

WarpExchange exchangeAlong(const LinearLayout &layout, const AxisRun &run, uint64_t done, unsigned elementBits,
                           const std::vector<std::pair<unsigned, uint64_t>> &moved, unsigned dealt) {
  assert(run.place == Place::Warp);
  unsigned warpBits = static_cast<unsigned>(run.bits.size());
  // Rows: the bits of the element that still count, closed up; the warps of the run below them.
  uint64_t left = ((uint64_t(1) << layout.outBits()) - 1) & ~done & ~run.elements;
  auto rowOf = [&](uint64_t column) -> uint64_t {
    return column & left ? uint64_t(1) << (warpBits + std::popcount(left & (column - 1))) : 0;
  };
  uint64_t spread = 0;
  for (auto [lane, bit] : moved)
    spread |= bit;
  WarpExchange exchange;
  Vectors laneColumns = layout.columnsOf(kLane);
  for (unsigned lane = 0; lane < laneColumns.size() && exchange.lanes.size() < std::min(dealt, warpBits); ++lane)
    if (!rowOf(laneColumns[lane]))
      exchange.lanes.push_back(lane);
  unsigned own = warpBits - static_cast<unsigned>(exchange.lanes.size()); // bits that the reader's registers count
  std::vector<Dim> outs = {{"dim0", static_cast<unsigned>(std::popcount(left))}, {"dim1", warpBits}};
  auto side = [&](bool isWriter) {
    Vectors registers, lanes, warps;
    for (uint64_t column : layout.columnsOf(kRegister))
      if (rowOf(column) && !(isWriter && (column & spread)))
        registers.push_back(rowOf(column));
    if (!isWriter)
      for (unsigned i = 0; i < own; ++i)
        registers.push_back(uint64_t(1) << i);
    for (uint64_t column : laneColumns)
      lanes.push_back(rowOf(column));
    if (isWriter)
      for (auto [lane, bit] : moved)
        lanes[lane] = rowOf(bit);
    else
      for (unsigned i = 0; i < exchange.lanes.size(); ++i)
        lanes[exchange.lanes[i]] = uint64_t(1) << (own + i);
    for (uint64_t column : layout.columnsOf(kWarp))
      warps.push_back(rowOf(column));
    if (isWriter)
      for (unsigned i = 0; i < warpBits; ++i)
        warps[run.bits[i]] = uint64_t(1) << i;
    std::vector<Dim> ins = {{std::string(kRegister), static_cast<unsigned>(registers.size())},
                            {std::string(kLane), static_cast<unsigned>(lanes.size())},
                            {std::string(kWarp), static_cast<unsigned>(warps.size())},
                            {std::string(kBlock), 0}};
    Vectors columns = std::move(registers);
    columns.insert(columns.end(), lanes.begin(), lanes.end());
    columns.insert(columns.end(), warps.begin(), warps.end());
    return LinearLayout(std::move(ins), outs, std::move(columns));
  };
  exchange.writer = side(true);
  exchange.reader = side(false);
  exchange.elements = uint64_t(1) << (std::popcount(left) + warpBits);
  // A row's values side by side load as one vector, but stores of many rows then meet in the banks: take what costs less.
  SharedMemory memory;
  auto cost = [&](const LinearLayout &shared) {
    uint64_t clocks = 0;
    for (const LinearLayout *l : {&exchange.writer, &exchange.reader}) {
      SharedAccess access = analyseAccess(*l, shared, elementBits, memory);
      clocks += static_cast<uint64_t>(access.accessesPerLane * (access.wavefronts + 1));
    }
    return clocks;
  };
  std::vector<int64_t> shape = exchange.writer.shape();
  LinearLayout together = LinearLayout::rowMajor(kOffset, shape),
               swizzled = swizzledFor(exchange.writer, exchange.reader, elementBits, memory);
  exchange.shared = cost(swizzled) < cost(together) ? swizzled : together;
  return exchange;
}

static uint64_t bufferBytes(uint64_t elements, unsigned elementBits) {
  return (elements * std::max(elementBits, 8u) / 8 + 15) / 16 * 16;
}

uint64_t reductionScratch(const LinearLayout &layout, unsigned axis, unsigned elementBits) {
  std::optional<AxisSplit> split = splitAxis(layout, axis);
  if (!split || !split->warps)
    return 0;
  // All bits of the axis but those of warps are done by then.
  return bufferBytes(uint64_t(1) << (layout.outBits() - layout.outs()[axis].bits + split->count(Place::Warp)),
                     elementBits);
}

uint64_t scanScratch(const LinearLayout &layout, unsigned axis, unsigned elementBits) {
  std::optional<AxisSplit> split = splitAxis(layout, axis);
  uint64_t bytes = 0;
  unsigned left = layout.outBits();
  for (const AxisRun &run : split ? split->runs : std::vector<AxisRun>()) {
    if (run.place == Place::Warp)
      bytes += bufferBytes(uint64_t(1) << left, elementBits);
    left -= static_cast<unsigned>(run.bits.size());
  }
  return bytes;
}

uint64_t sortScratch(const LinearLayout &layout, unsigned axis, unsigned elementBits) {
  constexpr uint64_t kTwice =
      32; // bytes of a lane: with two buffers, lanes run out before the memory of 64 bytes for each of them
  std::optional<AxisSplit> split = splitAxis(layout, axis);
  if (!split || !split->warps)
    return 0;
  uint64_t bytes = bufferBytes(uint64_t(1) << layout.outBits(), elementBits);
  // The axis' highest bit is compared once, every other one in two steps and more.
  bool isOneExchange = split->count(Place::Warp) == 1 && split->runs.back().place == Place::Warp;
  return isOneExchange || bytes > kTwice << (layout.inBits(kLane) + layout.inBits(kWarp)) ? bytes : 2 * bytes;
}

bool gathersInWarp(const LinearLayout &source, const LinearLayout &index, unsigned axis) {
  std::optional<AxisSplit> from = splitAxis(source, axis), to = splitAxis(index, axis);
  if (!from || !to || from->warps)
    return false;
  // A shuffle for each register of the axis, or a select where the axis does not leave the lane.
  if (from->count(Place::Register) > (from->lanes ? 1u : 4u))
    return false;
  // The index has the rows of the source; a lane must be of the same row in both.
  LinearLayout sourceRows = sliced(source, axis), indexRows = sliced(index, axis);
  for (std::string_view in : {kLane, kWarp})
    if (sourceRows.columnsOf(in) != indexRows.columnsOf(in))
      return false;
  Span registers(sourceRows.columnsOf(kRegister));
  return std::ranges::all_of(indexRows.columnsOf(kRegister),
                             [&](uint64_t column) { return registers.contains(column); });
}

} // namespace tessera::layout
