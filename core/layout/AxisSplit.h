// AxisSplit.h - where the bits of one dim of a tile live, for the ops that move data along it
//
// SPDX-License-Identifier: Apache-2.0
//
// Reductions, scans, sorts and gathers walk along one dim, the axis. They take plain layouts: every bit of a register, lane or warp
// number toggles one bit of the element, a bit of its own, or none (copies). Layouts of blocks and of matrix fragments are plain. The
// questions here are asked on both sides, by the core that gives an op its scratch and by what writes the op's code.
#pragma once

#include "core/layout/LinearLayout.h"

#include <vector>

namespace tessera::layout {

enum class Place : uint8_t { Register, Lane, Warp };

// Bits of the axis that are neighbours and live in one kind of place, lowest first.
struct AxisRun {
  Place place = Place::Register;
  std::vector<unsigned> bits; // bits of the register, lane or warp number
  uint64_t elements = 0;      // packed output bits that they toggle
};

struct AxisSplit {
  std::vector<AxisRun> runs; // from the lowest bits of the axis to the highest
  uint64_t elements = 0;     // packed output bits of the axis
  // Bits of the register, lane and warp numbers: along the axis; copies.
  uint64_t registers = 0, lanes = 0, warps = 0;
  uint64_t registerCopies = 0, laneCopies = 0, warpCopies = 0;
  unsigned count(Place place) const;
};

bool isPlain(const LinearLayout &layout);
// A plain layout near to `layout`: of the same places, every bit moved to one of the element's bits that it toggled.
LinearLayout plainNear(const LinearLayout &layout);

// Empty where the layout is not plain, or a part of the axis lives in other blocks.
std::optional<AxisSplit> splitAxis(const LinearLayout &layout, unsigned axis);

// What the warps along a run tell each other: one value for each warp of the run and each element that the bits outside of `done`
// and of the run count. Shape [rows, warps of the run].
struct WarpExchange {
  LinearLayout writer, reader; // registers that count rows; the reader's higher registers count the warps of the run
  LinearLayout shared;         // offset -> (row, warp)
  uint64_t elements = 0;       // of the buffer
  std::vector<unsigned> lanes; // bits of the reader's lane number that count the highest bits of the run
};
// done: packed output bits that the values no longer depend on. moved: lane bits that count bits of the element which registers
// counted before (lane bit -> packed output bit): the writer's values are spread over them, the reader reads all. elementBits: storage bits.
// dealt: so many of the run's highest bits are counted by the reader's lanes, as far as lane bits count nothing else, instead of its registers.
WarpExchange exchangeAlong(const LinearLayout &layout, const AxisRun &run, uint64_t done, unsigned elementBits,
                           const std::vector<std::pair<unsigned, uint64_t>> &moved = {}, unsigned dealt = 0);

// Scratch bytes of a reduction or scan of one operand with `elementBits` storage bits: its exchanges between warps.
uint64_t reductionScratch(const LinearLayout &layout, unsigned axis, unsigned elementBits);
uint64_t scanScratch(const LinearLayout &layout, unsigned axis, unsigned elementBits);

// Of a sort: 0 where no row crosses warps; else the tile, and once more where exchanges may take turns between two buffers.
uint64_t sortScratch(const LinearLayout &layout, unsigned axis, unsigned elementBits);

// A gather along `axis` for which every lane finds its elements in its own warp, few enough to shuffle or select.
bool gathersInWarp(const LinearLayout &source, const LinearLayout &index, unsigned axis);

} // namespace tessera::layout
