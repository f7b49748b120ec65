// Conversion.h - how a tile gets from one distributed layout to another, and what it costs
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/layout/SharedAccess.h"

namespace tessera::layout {

struct ConversionPlan {
  enum Kind : uint8_t {
    None,      // every register of every lane keeps its value
    Registers, // values stay in their lane; registers are renamed, or selected by lane (`selects`)
    Shuffle,   // values stay in their warp: `rounds` lane shuffles
    Shared,    // through shared memory: store, barrier, load
    CrossBlock // values cross blocks: no plan here
  };
  Kind kind = None;
  // (register, lane, warp, block) of the result -> of the source: where each result register takes its value from. Among
  // equal copies the nearest is named: the own lane, then the own warp.
  LinearLayout sourceOf;
  bool selects = false;      // the source register depends on the lane or warp
  unsigned rounds = 0;       // Shuffle: shuffles that each lane issues, one value of the element type each
  bool exchangesBit = false; // Shuffle: what bitExchange says, of elements of a word or more
  LinearLayout shared;       // Shared: offset -> element
  uint64_t sharedBytes = 0;  // Shared: size of the buffer; it needs a barrier between store and load
  SharedAccess store, load;  // Shared
  uint64_t cost = 0;         // clocks of a warp, estimated; comparable among plans only
};

struct ConversionOptions {
  SharedMemory memory;
  bool shuffles = true; // lanes of a warp may read each other's registers
  // Estimates, in clocks of a warp, of the instructions of a plan. Measured values of a target replace them through
  // Target::convertCost.
  unsigned shuffleCost = 2, selectCost = 1, barrierCost = 30, accessCost = 2;
};

// Both layouts are surjective, of the same shape, with inputs register, lane, warp, block and equal lanes, warps, blocks.
// elementBits: storage bits of an element.
ConversionPlan planConversion(const LinearLayout &source, const LinearLayout &result, unsigned elementBits,
                              const ConversionOptions &options = {});

// A move that only exchanges a bit of the register's number for a bit of the lane's: half of the values stay in their lane, and of each pair of
// registers a lane sends one to its neighbour and gets one back.
struct BitExchange {
  unsigned registerBit; // of the result: which of the two lanes a value comes from
  unsigned laneBit;
  uint64_t registers; // of the source: what a set lane bit adds to the register's number
};
// sourceOf: as in a plan. Nothing: it is some other move.
std::optional<BitExchange> bitExchange(const LinearLayout &sourceOf);

std::string_view
conversionKindName(ConversionPlan::Kind kind); // "none", "registers", "shuffle", "shared", "cross-block"

} // namespace tessera::layout
