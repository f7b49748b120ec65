// MemoryOrder.h - which way neighbouring elements of a tile go in memory
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/analysis/AxisFacts.h"
#include "core/target/TargetInfo.h"
#include "core/transforms/layout/LayoutQuestions.h"

#include <optional>

namespace tessera::tile {

// A load or store of a tile, or an atomic operation whose result nobody reads, whose addresses follow each other along one dim.
struct MemoryAccess {
  mlir::Operation *op = nullptr;
  unsigned fastest = 0;  // that dim
  unsigned bits = 0;     // storage bits of an element
  int64_t width = 1;     // of them, how many one access may take
  unsigned mostBits = 0; // of one lane's access
};

// Elements a lane that operands of a dot have together even where each is an access of its own: half as many rows a lane, and words for shared memory.
constexpr int64_t kWidthOfOperands = 2;

// What is known of an access that reaches memory in order. Empty: no order among its addresses is known.
std::optional<MemoryAccess> accessOf(mlir::Operation *op, const AxisFacts &facts, const target::TargetInfo &info);

// Where a dot's operand comes from, seen through transposes.
OperandSource sourceOf(mlir::Value operand, const AxisFacts &facts, const target::TargetInfo &info);

} // namespace tessera::tile
