// BlockTransfer.h - moves between registers and shared memory by blocks of eight rows
//
// SPDX-License-Identifier: Apache-2.0
//
// A subgroup of 32 lanes moves one, two or four blocks of eight rows of 16 bytes at once. Lane 8 * j + r names row r of block j. Of
// block j every lane holds one 32-bit register: lane 4 * r + i bytes 4 * i of row r on; transposed, in units of 16 bits: lane 4 * i + p column i of rows
// 2 * p and 2 * p + 1. Elements of 8 bits come transposed as pairs: of two blocks, whose rows interleave by twos, a lane makes four neighbours across the rows for
// each of two columns.
#pragma once

#include "core/layout/SharedAccess.h"

#include <optional>

namespace tessera::layout {

struct BlockTransfer {
  bool transposed = false;
  unsigned blocks = 1;   // at once
  Vectors lane, warp;    // offset, in elements, that each bit of lane and warp adds to the row a lane names
  unsigned together = 1; // elements of a 32-bit register
  struct Access {
    uint64_t at = 0;                 // offset that all lanes add
    std::vector<unsigned> registers; // blocks x together
  };
  std::vector<Access> accesses; // of all registers but copies
  int64_t wavefronts = 0;       // of all of them
};

// How such transfers move `distributed` from (loads) or to (stores) a buffer laid out as `shared`; empty where they cannot.
std::optional<BlockTransfer> blockTransfer(const LinearLayout &distributed, const LinearLayout &shared,
                                           unsigned elementBits, bool isStore, const SharedMemory &memory);

// The 16 bytes that must follow each other in memory for the layout to move by blocks, lowest first, and everything that one block holds.
struct BlockRows {
  Vectors row, block;
};
std::optional<BlockRows> blockRows(const LinearLayout &distributed, unsigned elementBits, bool transposed);

} // namespace tessera::layout
