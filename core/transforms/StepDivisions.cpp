// StepDivisions.cpp - quotients and remainders of a loop's variable are stepped, not divided
//
// SPDX-License-Identifier: Apache-2.0
//
// Before: scf.for %k = %a to %b step 1 { %x = %k * 128 ; %q = arith.divsi %x, %n … }
// After:  %d = 128 / %n ; %e = 128 % %n                                                (in front of the loop)
//         scf.for … iter_args(%q = %a * 128 / %n, %r = %a * 128 % %n) { … ; %wraps = %r >= %n - %e
//                   yield %q + %d + (%wraps ? 1 : 0), %wraps ? %r - (%n - %e) : %r + %e }
// Devices have no instruction for a division: some 15 instructions, each of which waits for the one before, stood in front of the loads that are at block k * 128 / n, here
// they are five that nothing waits for in their iteration.
// For scalars of a loop that contains no other one (outer loops' divisions say which tile comes next, which later passes read), divided by what does not change and is no
// constant, where ranges show that the dividend is never negative and its step neither: then no sum wraps, and the result is exact for every divisor, of either sign.
#include "core/analysis/IntegerRanges.h"
#include "core/transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;

namespace tessera::tile {
#define GEN_PASS_DEF_TILESTEPDIVISIONSPASS
#include "core/transforms/Passes.h.inc"

namespace {

bool isQuotient(Operation *op) { return isa<arith::DivSIOp, arith::DivUIOp>(op); }
bool isRemainder(Operation *op) { return isa<arith::RemSIOp, arith::RemUIOp>(op); }
bool isSigned(Operation *op) { return isa<arith::DivSIOp, arith::RemSIOp>(op); }

// A sum of the loop's variable, multiplied, and of what does not change.
class Dividend {
public:
  Dividend(scf::ForOp loop, const IntegerRanges &ranges) : loop_(loop), ranges_(ranges) {}

  // Whether `value` is one that starts at no negative number and never falls.
  bool rises(Value value) {
    std::optional<int64_t> most = mostOfStep(value);
    return most && ranges_.of(value).isNonNegative();
  }

  // In front of the loop: what `value` is in the first iteration, by what it rises in each.
  Value first(OpBuilder &b, Value value) const {
    if (value == loop_.getInductionVar())
      return loop_.getLowerBound();
    if (loop_.isDefinedOutsideOfLoop(value))
      return value;
    Operation *op = value.getDefiningOp();
    IRMapping map;
    for (Value operand : op->getOperands())
      map.map(operand, first(b, operand));
    return b.clone(*op, map)->getResult(0);
  }
  Value step(OpBuilder &b, Value value) const {
    if (value == loop_.getInductionVar())
      return loop_.getStep();
    Operation *op = value.getDefiningOp();
    bool movesRight = !loop_.isDefinedOutsideOfLoop(op->getOperand(1));
    Value moves = step(b, op->getOperand(movesRight)), other = op->getOperand(!movesRight);
    return isa<arith::MulIOp>(op) ? Value(arith::MulIOp::create(b, op->getLoc(), moves, other)) : moves;
  }

private:
  // The largest step there may be, which is not negative and does not wrap; nothing: another value, or not known.
  std::optional<int64_t> mostOfStep(Value value) const {
    if (value == loop_.getInductionVar())
      return bounded(ranges_.of(loop_.getStep()), 1, value.getType());
    Operation *op = value.getDefiningOp();
    if (!op || op->getBlock() != loop_.getBody() || !isa<arith::AddIOp, arith::SubIOp, arith::MulIOp>(op))
      return std::nullopt;
    bool isLeftFixed = loop_.isDefinedOutsideOfLoop(op->getOperand(0)),
         isRightFixed = loop_.isDefinedOutsideOfLoop(op->getOperand(1));
    if (isLeftFixed == isRightFixed || (isLeftFixed && isa<arith::SubIOp>(op)))
      return std::nullopt;
    std::optional<int64_t> most = mostOfStep(op->getOperand(isLeftFixed));
    if (!most || !isa<arith::MulIOp>(op))
      return most;
    return bounded(ranges_.of(op->getOperand(isRightFixed)), *most, value.getType());
  }
  static std::optional<int64_t> bounded(Interval range, int64_t by, Type type) {
    int64_t most = 0;
    if (!range.isNonNegative() || __builtin_mul_overflow(range.high, by, &most) ||
        most > IntegerRanges::whole(type).high)
      return std::nullopt;
    return most;
  }

  mutable scf::ForOp loop_; // a handle, whose accessors are not const
  const IntegerRanges &ranges_;
};

struct StepDivisions final : impl::TileStepDivisionsPassBase<StepDivisions> {
  void runOnOperation() override {
    SmallVector<scf::ForOp> loops;
    getOperation().walk([&](scf::ForOp loop) {
      bool isInner = true;
      loop.getBody()->walk([&](LoopLikeOpInterface) { isInner = false; });
      if (isInner)
        loops.push_back(loop);
    });
    if (loops.empty())
      return;
    IntegerRanges ranges(getOperation());
    for (scf::ForOp loop : loops)
      rewrite(loop, ranges);
  }

  // Divisions of one number by another, which share what is carried.
  struct Pair {
    SmallVector<Operation *, 2> quotients, remainders;
    Operation *any() const { return quotients.empty() ? remainders.front() : quotients.front(); }
  };

  void rewrite(scf::ForOp loop, const IntegerRanges &ranges) {
    Dividend dividend(loop, ranges);
    SmallVector<Pair> pairs;
    for (Operation &op : loop.getBody()->without_terminator()) {
      if (!isQuotient(&op) && !isRemainder(&op))
        continue;
      Value x = op.getOperand(0), by = op.getOperand(1);
      if (!isa<IntegerType>(x.getType()) || !loop.isDefinedOutsideOfLoop(by) || splatIntegerOf(by) ||
          !dividend.rises(x))
        continue;
      auto same = llvm::find_if(pairs, [&](const Pair &pair) {
        return pair.any()->getOperands() == op.getOperands() && isSigned(pair.any()) == isSigned(&op);
      });
      Pair &pair = same == pairs.end() ? pairs.emplace_back() : *same;
      (isQuotient(&op) ? pair.quotients : pair.remainders).push_back(&op);
    }
    for (Pair &pair : pairs)
      loop = step(loop, pair, Dividend(loop, ranges));
  }

  scf::ForOp step(scf::ForOp loop, const Pair &pair, const Dividend &dividend) {
    Operation *any = pair.any();
    Location loc = any->getLoc();
    Value x = any->getOperand(0), by = any->getOperand(1);
    Type type = x.getType();
    OpBuilder b(loop);
    auto divide = [&](Value value, bool quotient) -> Value {
      if (isSigned(any))
        return quotient ? Value(arith::DivSIOp::create(b, loc, value, by)) : arith::RemSIOp::create(b, loc, value, by);
      return quotient ? Value(arith::DivUIOp::create(b, loc, value, by)) : arith::RemUIOp::create(b, loc, value, by);
    };
    Value first = dividend.first(b, x), rise = dividend.step(b, x), one = makeConstant(b, loc, type, 1),
          zero = makeConstant(b, loc, type, 0), size = by;
    if (isSigned(any)) { // the remainder of what is not negative does not know the divisor's sign, the quotient has it
      Value falls = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, by, zero);
      size = arith::SelectOp::create(b, loc, falls, arith::SubIOp::create(b, loc, zero, by), by);
      one = arith::SelectOp::create(b, loc, falls, makeConstant(b, loc, type, -1), one);
    }
    Value quotient = divide(rise, true), remainder = divide(rise, false),
          room = arith::SubIOp::create(b, loc, size, remainder);
    SmallVector<Value> inits{divide(first, false)};
    if (!pair.quotients.empty()) {
      inits.push_back(divide(first, true));
      one = arith::AddIOp::create(b, loc, quotient, one);
    }
    IRRewriter rewriter(b);
    auto next = [&](OpBuilder &end, Location, ArrayRef<BlockArgument> carried) -> SmallVector<Value> {
      Value now = carried[0];
      Value wraps = arith::CmpIOp::create(end, loc, arith::CmpIPredicate::uge, now, room);
      SmallVector<Value> made{arith::SelectOp::create(end, loc, wraps, arith::SubIOp::create(end, loc, now, room),
                                                      arith::AddIOp::create(end, loc, now, remainder))};
      if (carried.size() > 1)
        made.push_back(
            arith::AddIOp::create(end, loc, carried[1], arith::SelectOp::create(end, loc, wraps, one, quotient)));
      return made;
    };
    auto made = cast<scf::ForOp>(
        *loop.replaceWithAdditionalYields(rewriter, inits, /*replaceInitOperandUsesInLoop=*/false, next));
    auto carried = made.getRegionIterArgs().take_back(inits.size());
    for (Operation *op : pair.remainders)
      replace(op, carried[0]);
    for (Operation *op : pair.quotients)
      replace(op, carried[1]);
    ++numLoops;
    return made;
  }

  void replace(Operation *op, Value by) {
    op->getResult(0).replaceAllUsesWith(by);
    op->erase();
    ++numStepped;
  }
};

} // namespace
} // namespace tessera::tile
