// DotTiles.h - which registers of a dot's operand hold which part of it
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/layout/LinearLayout.h"

#include <map>
#include <optional>
#include <vector>

namespace tessera::codegen::simt {

// The registers of an operand in groups, one for each tile of rows x columns (the fragment of an instruction; 1 x 1: an element). The
// tile's own bits are the low bits of the register number.
class OperandTiles {
public:
  OperandTiles(const layout::LinearLayout &l, uint64_t rows, uint64_t columns);
  unsigned size() const { return size_; } // registers of a tile
  // First register of the tile at this index of the tensor, less what lane and warp add to it.
  std::optional<unsigned> find(const std::vector<int64_t> &at) const;

private:
  unsigned size_ = 1;
  std::map<std::vector<int64_t>, unsigned> first_;
};

} // namespace tessera::codegen::simt
