// IntegerRanges.h - the interval, read as signed, in which every element of an integer value lies
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/analysis/StructuredWalk.h"
#include "core/ir/Tile.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

namespace tessera::tile {

// low <= every element <= high, as signed numbers of the element's width (i1: 0 and 1). Not an integer: the whole
// range.
struct Interval {
  int64_t low = INT64_MIN, high = INT64_MAX;
  bool operator==(const Interval &) const = default;
  bool isConstant() const { return low == high; }
  bool isNonNegative() const { return low >= 0; }
};

// Sources: constants, program ids, aranges, loop bounds, `tile.assume` in the block of the value it is about (or the
// kernel's outermost block). Arithmetic wraps: an op whose result may leave its width has the width's whole range.
class IntegerRanges : public StructuredWalk<IntegerRanges, Interval> {
public:
  explicit IntegerRanges(mlir::func::FuncOp function) { visitFunction(function); }

  // The whole range of a type.
  static Interval whole(mlir::Type type);
  // The truth of a comparison of any two elements of these intervals, where it is certain.
  static std::optional<bool> decide(mlir::arith::CmpIPredicate predicate, Interval lhs, Interval rhs);

private:
  friend StructuredWalk<IntegerRanges, Interval>;
  Interval unknown(mlir::Value value) const { return whole(value.getType()); }
  Interval argument(mlir::func::FuncOp, mlir::BlockArgument argument) const { return whole(argument.getType()); }
  Interval induction(mlir::scf::ForOp loop) const;
  std::optional<Interval> closedForm(mlir::scf::ForOp loop, mlir::Value carried, mlir::Value next) const;
  Interval join(mlir::Value, Interval a, Interval b) const {
    return {std::min(a.low, b.low), std::max(a.high, b.high)};
  }
  // A bound that moved goes all the way.
  Interval widen(mlir::Value value, Interval before, Interval after) const;
  void transfer(mlir::Operation *op);
  Interval compute(mlir::Operation *op) const;
  void assume(AssumeOp op, mlir::Value condition);
  void refine(AssumeOp op, mlir::Value value, Interval within);
};

} // namespace tessera::tile
