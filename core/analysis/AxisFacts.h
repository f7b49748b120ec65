// AxisFacts.h - how the elements of a value follow each other along each dim: contiguity, divisibility, constancy
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/analysis/StructuredWalk.h"
#include "core/ir/Tile.h"

namespace tessera::tile {

// One entry a dim (a scalar has one dim of 1), each a power of two, each at least 1.
struct AxisInfo {
  // Along the dim the elements form aligned runs of `contiguity` that rise by one (pointers: by one element).
  llvm::SmallVector<int64_t, 4> contiguity;
  // Divides the first element of every such run; pointers: in bytes. With contiguity 1 it divides every element.
  llvm::SmallVector<int64_t, 4> divisibility;
  // Along the dim, aligned runs of `constancy` elements are equal.
  llvm::SmallVector<int64_t, 4> constancy;
  // The value of all elements, where known (integers).
  std::optional<int64_t> constant;
  // No element is negative, unless arithmetic of the kernel overflows (an overflowing offset is not worth vectorising
  // for).
  bool nonNegative = false;

  bool operator==(const AxisInfo &) const = default;
  unsigned rank() const { return contiguity.size(); }
  // Divides every element.
  int64_t elementDivisibility() const;
};

// Sources: constants, aranges, `tile.divisibility` of arguments, `tile.hint`, `tile.assume` of `x % c == 0`.
class AxisFacts : public StructuredWalk<AxisFacts, AxisInfo> {
public:
  explicit AxisFacts(mlir::func::FuncOp function) { visitFunction(function); }
  // Inherited: AxisInfo of(mlir::Value) const. Values that are neither integers nor pointers have all facts 1.

  // How many neighbouring elements along `dim` one access may take: they are contiguous in memory, aligned together,
  // and one mask bit holds for all (mask may be null). In elements; a power of two.
  int64_t accessWidth(mlir::Value pointers, mlir::Value mask, unsigned dim) const;

private:
  friend StructuredWalk<AxisFacts, AxisInfo>;
  AxisInfo unknown(mlir::Value value) const;
  AxisInfo argument(mlir::func::FuncOp function, mlir::BlockArgument argument) const;
  AxisInfo induction(mlir::scf::ForOp loop) const;
  std::optional<AxisInfo> closedForm(mlir::scf::ForOp, mlir::Value, mlir::Value) const { return std::nullopt; }
  AxisInfo join(mlir::Value value, const AxisInfo &a, const AxisInfo &b) const;
  // Facts only get smaller, by factors of two: plain joining ends.
  AxisInfo widen(mlir::Value, const AxisInfo &, const AxisInfo &after) const { return after; }
  void transfer(mlir::Operation *op);
  std::optional<AxisInfo> compute(mlir::Operation *op) const;
  std::optional<AxisInfo> computeShape(mlir::Operation *op) const;
  void assume(AssumeOp op, mlir::Value condition);
};

} // namespace tessera::tile
