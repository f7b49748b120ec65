// SharedAccess.h - how well a tile moves between registers and shared memory: vectors, bank conflicts, swizzles
//
// SPDX-License-Identifier: Apache-2.0
//
// Model: shared memory has `banks` banks of `bankBytes`; consecutive words go to consecutive banks; in one wavefront every
// bank serves one word to any number of lanes; a warp's access of vectors wider than a word is served in phases of so many
// consecutive lanes as fill all banks once. For linear layouts the count is exact, from ranks alone: the lanes and vector
// elements of a phase touch 2^t words in 2^b banks, evenly, so a phase takes 2^(t - b) wavefronts.
// Source: arXiv 2505.23819, section on optimal swizzling; the phase model is that of common SIMT hardware.
#pragma once

#include "core/layout/LinearLayout.h"

namespace tessera::layout {

// Moves by blocks (BlockTransfer.h) that a target has.
enum BlockTransfers : unsigned { kBlockLoad = 1, kBlockLoadTransposed = 2, kBlockStore = 4, kBlockStoreTransposed = 8 };

struct SharedMemory {
  unsigned banks = 32;
  unsigned bankBytes = 4;
  unsigned maxVectorBytes = 16; // widest access of one lane
  unsigned blockTransfers = 0;  // BlockTransfers
};

struct SharedAccess {
  int64_t vectorElements = 1;                               // elements one lane moves at once
  int64_t accessesPerLane = 1;                              // distinct vectors in the registers of a lane
  int64_t phases = 1;                                       // least wavefronts of one access of a warp
  int64_t wavefronts = 1;                                   // wavefronts of one access of a warp
  int64_t conflicts() const { return wavefronts - phases; } // wavefronts lost to each access of a warp
};

// How `distributed` (register, lane, warp -> tensor) reads or writes a buffer laid out as `shared` (offset in elements ->
// tensor, bijective), with the vector width that takes the fewest wavefronts. elementBits: storage bits, a power of two >= 8.
SharedAccess analyseAccess(const LinearLayout &distributed, const LinearLayout &shared, unsigned elementBits,
                           const SharedMemory &memory);

// A bijective shared layout through which both sides move with the widest vectors that both allow and, where the spaces
// leave room, without a bank conflict on either side.
// writerVector, where not empty: the elements that the writer moves at once, as a copy engine demands; the reader then takes
// what it can of them.
LinearLayout swizzledFor(const LinearLayout &writer, const LinearLayout &reader, unsigned elementBits,
                         const SharedMemory &memory, const Vectors &writerVector = {});

// The same for a matrix unit's operand that is read by blocks, though the writer holds no whole rows of them: it moves what it has of a row, a word or more. Nothing: the reader is no
// such operand, or the writer has no words of its rows.
std::optional<LinearLayout> swizzledForBlocks(const LinearLayout &writer, const LinearLayout &reader,
                                              unsigned elementBits, const SharedMemory &memory);

} // namespace tessera::layout
