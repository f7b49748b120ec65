// IntegerRanges.cpp - see IntegerRanges.h
//
// SPDX-License-Identifier: Apache-2.0
#include "core/analysis/IntegerRanges.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace tessera::tile {
namespace {

using Wide = __int128;

// The interval, or all of `type` where it leaves the type's width (the arithmetic wrapped).
Interval fit(Type type, Wide low, Wide high) {
  Interval all = IntegerRanges::whole(type);
  if (low < all.low || high > all.high)
    return all;
  return {static_cast<int64_t>(low), static_cast<int64_t>(high)};
}

Interval product(Type type, Interval a, Interval b) {
  Wide corners[] = {Wide(a.low) * b.low, Wide(a.low) * b.high, Wide(a.high) * b.low, Wide(a.high) * b.high};
  return fit(type, *std::min_element(corners, corners + 4), *std::max_element(corners, corners + 4));
}

Interval quotient(Type type, Interval a, Interval b) {
  if (b.low <= 0) // zero gives anything; negative divisors are not worth the cases
    return IntegerRanges::whole(type);
  auto least = [&](int64_t n) { return n >= 0 ? n / b.high : n / b.low; };
  auto most = [&](int64_t n) { return n >= 0 ? n / b.low : n / b.high; };
  return {least(a.low), most(a.high)};
}

Interval remainder(Type type, Interval a, Interval b) {
  if (b.low <= 0)
    return IntegerRanges::whole(type);
  int64_t limit = b.high - 1;
  if (a.isNonNegative() && a.high < b.low)
    return a;
  return {a.isNonNegative() ? 0 : std::max(a.low, -limit), a.high <= 0 ? 0 : std::min(a.high, limit)};
}

Interval bitAnd(Type type, Interval a, Interval b) {
  if (a.isNonNegative() && b.isNonNegative())
    return {0, std::min(a.high, b.high)};
  if (a.isNonNegative() || b.isNonNegative())
    return {0, a.isNonNegative() ? a.high : b.high};
  return IntegerRanges::whole(type);
}

// or, xor of numbers that are not negative stay below the next power of two.
Interval bitOr(Type type, Interval a, Interval b) {
  if (!a.isNonNegative() || !b.isNonNegative())
    return IntegerRanges::whole(type);
  uint64_t top = static_cast<uint64_t>(std::max(a.high, b.high));
  return {0, static_cast<int64_t>(top == 0 ? 0 : (~uint64_t(0) >> llvm::countl_zero(top)))};
}

Interval shiftLeft(Type type, Interval a, Interval by) {
  unsigned width = bitWidthOf(elementTypeOf(type));
  if (!by.isNonNegative() || by.high >= width || by.high > 62)
    return IntegerRanges::whole(type);
  return product(type, a, {int64_t(1) << by.low, int64_t(1) << by.high});
}

Interval shiftRight(Type type, Interval a, Interval by, bool isSigned) {
  if (!by.isNonNegative() || (!isSigned && !a.isNonNegative()))
    return IntegerRanges::whole(type);
  unsigned least = std::min<int64_t>(by.low, 63), most = std::min<int64_t>(by.high, 63);
  if (most >= bitWidthOf(elementTypeOf(type)) && !a.isNonNegative())
    return {a.low < 0 ? a.low >> least : 0, a.high >= 0 ? a.high >> least : -1};
  return {a.low >= 0 ? a.low >> most : a.low >> least, a.high >= 0 ? a.high >> least : a.high >> most};
}

} // namespace

Interval IntegerRanges::whole(Type type) {
  auto integer = dyn_cast<IntegerType>(elementTypeOf(type));
  if (!integer || integer.getWidth() >= 64)
    return {};
  if (integer.getWidth() == 1)
    return {0, 1};
  return {-(int64_t(1) << (integer.getWidth() - 1)), (int64_t(1) << (integer.getWidth() - 1)) - 1};
}

Interval IntegerRanges::widen(Value value, Interval before, Interval after) const {
  Interval all = whole(value.getType());
  return {after.low < before.low ? all.low : after.low, after.high > before.high ? all.high : after.high};
}

std::optional<bool> IntegerRanges::decide(arith::CmpIPredicate predicate, Interval a, Interval b) {
  using P = arith::CmpIPredicate;
  switch (predicate) {
  case P::eq:
    if (a.isConstant() && a == b)
      return true;
    return a.high < b.low || b.high < a.low ? std::optional<bool>(false) : std::nullopt;
  case P::ne: {
    std::optional<bool> equal = decide(P::eq, a, b);
    return equal ? std::optional<bool>(!*equal) : std::nullopt;
  }
  case P::slt:
    return a.high < b.low ? std::optional<bool>(true) : a.low >= b.high ? std::optional<bool>(false) : std::nullopt;
  case P::sle:
    return a.high <= b.low ? std::optional<bool>(true) : a.low > b.high ? std::optional<bool>(false) : std::nullopt;
  case P::sgt:
    return decide(P::slt, b, a);
  case P::sge:
    return decide(P::sle, b, a);
  default:
    break;
  }
  // As unsigned numbers the order is the same where neither is negative.
  if (!a.isNonNegative() || !b.isNonNegative())
    return std::nullopt;
  switch (predicate) {
  case P::ult:
    return decide(P::slt, a, b);
  case P::ule:
    return decide(P::sle, a, b);
  case P::ugt:
    return decide(P::sgt, a, b);
  default:
    return decide(P::sge, a, b);
  }
}

// ---- loops ---------------------------------------------------------------------------------------------------------

Interval IntegerRanges::induction(scf::ForOp loop) const {
  Interval lower = of(loop.getLowerBound()), upper = of(loop.getUpperBound());
  if (loop.getUnsignedCmp() && (!lower.isNonNegative() || !upper.isNonNegative()))
    return whole(loop.getInductionVar().getType());
  if (upper.high == INT64_MIN)
    return lower;
  return {lower.low, std::max(lower.low, upper.high - 1)};
}

// A carried value that each round adds a constant to, in a loop of bounded length: no widening needed.
std::optional<Interval> IntegerRanges::closedForm(scf::ForOp loop, Value carried, Value next) const {
  if (next == carried)
    return of(loop.getTiedLoopInit(cast<BlockArgument>(carried))->get());
  auto add = next.getDefiningOp<arith::AddIOp>();
  if (!add || add.getLhs() != carried || !isa<IntegerType>(carried.getType()))
    return std::nullopt;
  std::optional<int64_t> by = splatIntegerOf(add.getRhs());
  Interval step = of(loop.getStep()), lower = of(loop.getLowerBound()), upper = of(loop.getUpperBound());
  if (!by || step.low < 1 || (loop.getUnsignedCmp() && (!lower.isNonNegative() || !upper.isNonNegative())))
    return std::nullopt;
  Wide rounds = std::max<Wide>(0, (Wide(upper.high) - lower.low + step.low - 1) / step.low);
  Interval start = of(loop.getTiedLoopInit(cast<BlockArgument>(carried))->get());
  Wide far = rounds > 0 ? (rounds - 1) * *by : 0;
  // The value after the last round must fit too, else the sum may have wrapped on the way.
  Wide past = rounds * *by;
  Interval whole = IntegerRanges::whole(carried.getType());
  if (start.low + std::min<Wide>(0, past) < whole.low || start.high + std::max<Wide>(0, past) > whole.high)
    return std::nullopt;
  return fit(carried.getType(), start.low + std::min<Wide>(0, far), start.high + std::max<Wide>(0, far));
}

// ---- ops -----------------------------------------------------------------------------------------------------------

Interval IntegerRanges::compute(Operation *op) const {
  Value result = op->getResult(0);
  Type type = result.getType();
  auto in = [&](unsigned i) { return of(op->getOperand(i)); };
  return llvm::TypeSwitch<Operation *, Interval>(op)
      .Case<ProgramIdOp>([](auto) { return Interval{0, INT32_MAX - 1}; })
      .Case<NumProgramsOp>([](auto) { return Interval{1, INT32_MAX}; })
      .Case<ArangeOp>([](ArangeOp arange) { return Interval{arange.getStart(), int64_t(arange.getEnd()) - 1}; })
      .Case<SplatOp, ExpandDimsOp, BroadcastOp, ReshapeOp, TransposeOp, ExtractScalarOp, HintOp, ConvertLayoutOp,
            SortOp>([&](Operation *) { return in(0); })
      .Case<JoinOp, CatOp>([&](Operation *) { return join(result, in(0), in(1)); })
      .Case<arith::AddIOp>([&](auto) { return fit(type, Wide(in(0).low) + in(1).low, Wide(in(0).high) + in(1).high); })
      .Case<arith::SubIOp>([&](auto) { return fit(type, Wide(in(0).low) - in(1).high, Wide(in(0).high) - in(1).low); })
      .Case<arith::MulIOp>([&](auto) { return product(type, in(0), in(1)); })
      .Case<arith::DivSIOp>([&](auto) { return quotient(type, in(0), in(1)); })
      .Case<arith::RemSIOp>([&](auto) { return remainder(type, in(0), in(1)); })
      .Case<arith::DivUIOp>([&](auto) { return in(0).isNonNegative() ? quotient(type, in(0), in(1)) : whole(type); })
      .Case<arith::RemUIOp>([&](auto) { return in(0).isNonNegative() ? remainder(type, in(0), in(1)) : whole(type); })
      .Case<arith::AndIOp>([&](auto) { return bitAnd(type, in(0), in(1)); })
      .Case<arith::OrIOp, arith::XOrIOp>([&](Operation *) { return bitOr(type, in(0), in(1)); })
      .Case<arith::ShLIOp>([&](auto) { return shiftLeft(type, in(0), in(1)); })
      .Case<arith::ShRSIOp>([&](auto) { return shiftRight(type, in(0), in(1), true); })
      .Case<arith::ShRUIOp>([&](auto) { return shiftRight(type, in(0), in(1), false); })
      .Case<arith::MinSIOp, arith::MaxSIOp>([&](Operation *) {
        // A set bit is -1, and the range says 1: of bits the lesser is the one that is set.
        bool lesser = isa<arith::MinSIOp>(op) != elementTypeOf(type).isInteger(1);
        auto pick = [&](int64_t a, int64_t b) { return lesser ? std::min(a, b) : std::max(a, b); };
        return Interval{pick(in(0).low, in(1).low), pick(in(0).high, in(1).high)};
      })
      .Case<arith::SelectOp>([&](auto) { return join(result, in(1), in(2)); })
      .Case<arith::ExtSIOp>([&](auto) {
        bool isBool = elementTypeOf(op->getOperand(0).getType()).isInteger(1);
        return isBool ? Interval{-in(0).high, -in(0).low} : in(0);
      })
      .Case<arith::ExtUIOp>([&](auto) {
        if (in(0).isNonNegative())
          return in(0);
        unsigned width = bitWidthOf(elementTypeOf(op->getOperand(0).getType()));
        return Interval{0, static_cast<int64_t>((uint64_t(1) << width) - 1)};
      })
      .Case<arith::TruncIOp>([&](auto) { return fit(type, in(0).low, in(0).high); })
      .Case<math::AbsIOp>([&](auto) {
        Interval a = in(0);
        if (a.low == whole(type).low)
          return whole(type);
        int64_t most = std::max(a.high, -a.low);
        return Interval{a.low > 0 ? a.low : a.high < 0 ? -a.high : 0, most};
      })
      .Case<math::CountLeadingZerosOp, math::CountTrailingZerosOp, math::CtPopOp>(
          [&](Operation *) { return Interval{0, int64_t(bitWidthOf(elementTypeOf(type)))}; })
      .Case<HistogramOp>(
          [&](HistogramOp histogram) { return Interval{0, histogram.getSource().getType().getNumElements()}; })
      .Case<arith::CmpIOp>([&](arith::CmpIOp compare) {
        std::optional<bool> truth = decide(compare.getPredicate(), in(0), in(1));
        return elementTypeOf(op->getOperand(0).getType()).isInteger(1) || !truth ? Interval{0, 1}
                                                                                 : Interval{*truth, *truth};
      })
      .Default([&](Operation *) { return whole(type); });
}

void IntegerRanges::transfer(Operation *op) {
  if (auto promise = dyn_cast<AssumeOp>(op))
    return assume(promise, promise.getCondition());
  for (Value result : op->getResults()) {
    if (std::optional<int64_t> constant = splatIntegerOf(result)) {
      bool isBool = elementTypeOf(result.getType()).isInteger(1);
      int64_t number = isBool ? *constant & 1 : *constant;
      set(result, {number, number});
    } else if (op->getNumResults() == 1 && isa<IntegerType>(elementTypeOf(result.getType()))) {
      set(result, compute(op));
    }
  }
}

// ---- assumptions ---------------------------------------------------------------------------------------------------

// A promise holds from its place on; a value of the same block (or a promise of the outermost block) is never used
// where the promise is not made, but in a program that is undefined anyway.
void IntegerRanges::refine(AssumeOp op, Value value, Interval within) {
  bool outermost = isa<func::FuncOp>(op->getParentOp());
  if (!outermost && value.getParentBlock() != op->getBlock())
    return;
  Interval known = of(value), refined{std::max(known.low, within.low), std::min(known.high, within.high)};
  if (refined.low <= refined.high)
    set(value, refined);
}

void IntegerRanges::assume(AssumeOp op, Value condition) {
  if (auto both = condition.getDefiningOp<arith::AndIOp>()) {
    assume(op, both.getLhs());
    assume(op, both.getRhs());
    return;
  }
  auto compare = condition.getDefiningOp<arith::CmpIOp>();
  if (!compare || elementTypeOf(compare.getLhs().getType()).isInteger(1))
    return;
  using P = arith::CmpIPredicate;
  Interval a = of(compare.getLhs()), b = of(compare.getRhs());
  auto below = [](Interval i, int64_t less) {
    return Interval{INT64_MIN, i.high == INT64_MIN ? i.high : i.high - less};
  };
  auto above = [](Interval i, int64_t more) { return Interval{i.low == INT64_MAX ? i.low : i.low + more, INT64_MAX}; };
  P predicate = compare.getPredicate();
  // With both sides known not to be negative, unsigned order is signed order.
  if (a.isNonNegative() && b.isNonNegative() && predicate >= P::ult)
    predicate = predicate == P::ult ? P::slt : predicate == P::ule ? P::sle : predicate == P::ugt ? P::sgt : P::sge;
  switch (predicate) {
  case P::eq:
    refine(op, compare.getLhs(), b);
    refine(op, compare.getRhs(), a);
    break;
  case P::slt:
  case P::sle:
    refine(op, compare.getLhs(), below(b, predicate == P::slt));
    refine(op, compare.getRhs(), above(a, predicate == P::slt));
    break;
  case P::sgt:
  case P::sge:
    refine(op, compare.getLhs(), above(b, predicate == P::sgt));
    refine(op, compare.getRhs(), below(a, predicate == P::sgt));
    break;
  default:
    break;
  }
}

} // namespace tessera::tile
