// SimplifyMasks.cpp - decide comparisons that ranges decide
//
// SPDX-License-Identifier: Apache-2.0
//
// Before: %i = tile.arange 0 to 64 ; %m = arith.cmpi slt, %i, splat(64) ; tile.load %p mask %m
// After:  %m = constant true, so that folding drops the mask
// Also: a value with one possible value is a constant; min and max that never choose go; a remainder smaller than its
// divisor goes; signed division and remainder of numbers that are not negative become unsigned (cheaper on every
// target). Requires: nothing.  Establishes: nothing later passes may rely on. Not done here: bounds that differ between
// programs, such as offsets below a length given at run time.
#include "core/analysis/IntegerRanges.h"
#include "core/transforms/Passes.h"

using namespace mlir;

namespace tessera::tile {
#define GEN_PASS_DEF_TILESIMPLIFYMASKSPASS
#include "core/transforms/Passes.h.inc"

namespace {

// The operand that the op always gives, or null.
Value alwaysGives(Operation *op, const IntegerRanges &ranges) {
  if (!isa<arith::MinSIOp, arith::MaxSIOp, arith::RemSIOp, arith::RemUIOp>(op))
    return {};
  Value lhs = op->getOperand(0), rhs = op->getOperand(1);
  Interval a = ranges.of(lhs), b = ranges.of(rhs);
  if (isa<arith::RemSIOp, arith::RemUIOp>(op))
    return a.isNonNegative() && a.high < b.low ? lhs : Value();
  // Ranges of bits are in 0 and 1, and a set bit is -1.
  bool isMin = isa<arith::MinSIOp>(op) != elementTypeOf(lhs.getType()).isInteger(1);
  if (a.high <= b.low)
    return isMin ? lhs : rhs;
  if (b.high <= a.low)
    return isMin ? rhs : lhs;
  return {};
}

// The unsigned form of a division whose operands are not negative, or null.
Operation *unsignedForm(Operation *op, const IntegerRanges &ranges) {
  if (!isa<arith::DivSIOp, arith::RemSIOp>(op))
    return nullptr;
  Value lhs = op->getOperand(0), rhs = op->getOperand(1);
  if (!ranges.of(lhs).isNonNegative() || !ranges.of(rhs).isNonNegative())
    return nullptr;
  OpBuilder b(op);
  if (isa<arith::DivSIOp>(op))
    return arith::DivUIOp::create(b, op->getLoc(), lhs, rhs);
  return arith::RemUIOp::create(b, op->getLoc(), lhs, rhs);
}

struct SimplifyMasks final : impl::TileSimplifyMasksPassBase<SimplifyMasks> {
  void runOnOperation() override {
    IntegerRanges ranges(getOperation());
    getOperation().walk([&](Operation *op) {
      // Inside a combiner nothing was analysed, and its ops are few.
      if (op->getNumResults() != 1 || !isMemoryEffectFree(op) || op->getNumRegions() != 0 ||
          !isa<func::FuncOp>(op->getParentWithTrait<OpTrait::IsIsolatedFromAbove>()))
        return;
      Value result = op->getResult(0);
      if (!isa<IntegerType>(elementTypeOf(result.getType())) || result.use_empty() || splatConstantOf(result))
        return;
      OpBuilder b(op);
      Value simpler;
      if (Interval range = ranges.of(result); range.isConstant())
        simpler = makeConstant(b, op->getLoc(), result.getType(), range.low);
      else if (Value operand = alwaysGives(op, ranges))
        simpler = operand;
      else if (Operation *cheaper = unsignedForm(op, ranges))
        simpler = cheaper->getResult(0);
      if (!simpler)
        return;
      result.replaceAllUsesWith(simpler);
      ++numDecided;
    });
  }
};

} // namespace
} // namespace tessera::tile
