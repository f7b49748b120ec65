// AxisFacts.cpp - see AxisFacts.h. Every rule keeps: runs are aligned to their length, facts are powers of two.
//
// SPDX-License-Identifier: Apache-2.0
#include "core/analysis/AxisFacts.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace tessera::tile {
namespace {

constexpr int64_t kMostDivisible = int64_t(1)
                                   << 40; // of zero; large enough for any alignment, safe to multiply by a size

int64_t powerOfTwoDivisor(int64_t n) { return n == 0 ? kMostDivisible : std::min(n & -n, kMostDivisible); }
// Of powers of two.
int64_t common(int64_t a, int64_t b) { return std::min(a, b); }
int64_t times(int64_t a, int64_t b) { return a >= kMostDivisible / b ? kMostDivisible : a * b; }

ArrayRef<int64_t> dimsOf(Type type) {
  static const int64_t scalar[] = {1};
  ArrayRef<int64_t> shape = shapeOf(type);
  return shape.empty() ? ArrayRef<int64_t>(scalar) : shape;
}

// Bytes between neighbouring pointers; 1 for integers.
int64_t unitOf(Type type) {
  auto pointer = dyn_cast<PointerType>(elementTypeOf(type));
  return pointer ? std::max(1u, (bitWidthOf(pointer.getPointee()) + 7) / 8) : 1;
}

// The largest power of two that divides an extent: runs may not straddle the end.
int64_t extentRun(int64_t extent) { return extent & -extent; }

AxisInfo uniform(Type type, int64_t divisibility, std::optional<int64_t> constant) {
  AxisInfo info;
  for (int64_t extent : dimsOf(type)) {
    info.contiguity.push_back(1);
    info.divisibility.push_back(divisibility);
    info.constancy.push_back(extentRun(extent));
  }
  info.constant = constant;
  info.nonNegative = constant && *constant >= 0;
  return info;
}

// What divides the first element of each run of `run`, a divisor of the info's own runs or any length where they are 1.
int64_t divisibilityAt(const AxisInfo &info, unsigned dim, int64_t run, int64_t unit) {
  if (info.contiguity[dim] <= 1 || info.contiguity[dim] == run)
    return info.divisibility[dim];
  return common(info.divisibility[dim], times(run, unit));
}

// a + b (or a - b); unitB: what one step of b adds (the pointee's size for pointers), in units of the result.
AxisInfo sumOf(const AxisInfo &a, const AxisInfo &b, int64_t unit, bool isDifference) {
  AxisInfo sum;
  for (unsigned d = 0; d < a.rank(); ++d) {
    int64_t run = common(a.contiguity[d], b.constancy[d]);
    if (!isDifference)
      run = std::max(run, common(a.constancy[d], b.contiguity[d]));
    sum.contiguity.push_back(run);
    sum.constancy.push_back(common(a.constancy[d], b.constancy[d]));
    sum.divisibility.push_back(common(divisibilityAt(a, d, run, unit), times(divisibilityAt(b, d, run, 1), unit)));
  }
  if (a.constant && b.constant)
    sum.constant = isDifference ? *a.constant - *b.constant : *a.constant + *b.constant;
  sum.nonNegative = !isDifference && a.nonNegative && b.nonNegative;
  return sum;
}

AxisInfo productOf(const AxisInfo &a, const AxisInfo &b) {
  if (a.constant == 1)
    return b;
  if (b.constant == 1)
    return a;
  AxisInfo product;
  int64_t divisibility = times(a.elementDivisibility(), b.elementDivisibility());
  for (unsigned d = 0; d < a.rank(); ++d) {
    product.contiguity.push_back(1);
    product.constancy.push_back(common(a.constancy[d], b.constancy[d]));
    product.divisibility.push_back(divisibility);
  }
  if (a.constant && b.constant)
    product.constant = static_cast<int64_t>(static_cast<uint64_t>(*a.constant) * static_cast<uint64_t>(*b.constant));
  product.nonNegative = a.nonNegative && b.nonNegative;
  return product;
}

// a / b: where a starts at a multiple of g and b is one, a run of g elements has one quotient (of what is not negative: C rounds to zero).
AxisInfo quotientOf(const AxisInfo &a, const AxisInfo &b) {
  if (b.constant == 1)
    return a;
  AxisInfo quotient;
  bool isPower = b.constant && *b.constant > 0 && llvm::isPowerOf2_64(*b.constant);
  for (unsigned d = 0; d < a.rank(); ++d) {
    int64_t equal = common(a.constancy[d], b.constancy[d]);
    if (a.nonNegative)
      equal = std::max(
          equal, common(common(a.contiguity[d], b.constancy[d]), common(a.divisibility[d], b.elementDivisibility())));
    quotient.contiguity.push_back(1);
    quotient.constancy.push_back(equal);
    quotient.divisibility.push_back(1);
  }
  if (isPower && a.elementDivisibility() >= *b.constant)
    for (int64_t &divisibility : quotient.divisibility)
      divisibility = a.elementDivisibility() == kMostDivisible ? kMostDivisible : a.elementDivisibility() / *b.constant;
  // Divisors of indices are counts; one that is negative would mean an index of nothing. Program ids divided by sizes that are parameters are
  // what tile orders are made of, and a remainder of them keeps its runs only where it is not negative.
  quotient.nonNegative = a.nonNegative;
  return quotient;
}

// a % b: where a starts at a multiple of g and b is one, a run of g elements does not wrap.
AxisInfo remainderOf(const AxisInfo &a, const AxisInfo &b) {
  AxisInfo remainder;
  for (unsigned d = 0; d < a.rank(); ++d) {
    int64_t run = common(a.contiguity[d], b.constancy[d]);
    run = a.nonNegative ? common(run, common(a.divisibility[d], b.elementDivisibility())) : 1;
    remainder.contiguity.push_back(run);
    remainder.constancy.push_back(common(a.constancy[d], b.constancy[d]));
    remainder.divisibility.push_back(common(divisibilityAt(a, d, run, 1), b.elementDivisibility()));
  }
  remainder.nonNegative = a.nonNegative;
  return remainder;
}

// A number times a constant, as in `tile * BLOCK`: where a tile starts. One before the first element is where no kernel reads, but its sign follows from
// arithmetic (tiles left of a group, sizes from memory) that no analysis sees through.
bool isTileStart(Value scalar) {
  auto product = scalar.getDefiningOp<arith::MulIOp>();
  auto isPositive = [](Value factor) {
    std::optional<int64_t> constant = splatIntegerOf(factor);
    return constant && *constant > 0;
  };
  return product && (isPositive(product.getLhs()) || isPositive(product.getRhs()));
}

// Elementwise, nothing contiguous: what is constant in all operands is constant in the result.
AxisInfo elementwise(ArrayRef<AxisInfo> operands, int64_t divisibility) {
  AxisInfo info = operands[0];
  for (unsigned d = 0; d < info.rank(); ++d) {
    info.contiguity[d] = 1;
    info.divisibility[d] = divisibility;
    for (const AxisInfo &operand : operands)
      info.constancy[d] = common(info.constancy[d], operand.constancy[d]);
  }
  info.constant.reset();
  info.nonNegative = false;
  return info;
}

// A comparison has one truth on aligned runs that a bound at a multiple of their length cannot split.
AxisInfo comparisonOf(arith::CmpIPredicate predicate, const AxisInfo &a, const AxisInfo &b) {
  using P = arith::CmpIPredicate;
  AxisInfo truth = elementwise({a, b}, 1);
  bool lower = llvm::is_contained({P::slt, P::sge, P::ult, P::uge}, predicate); // a is the run, b the bound
  bool upper = llvm::is_contained({P::sgt, P::sle, P::ugt, P::ule}, predicate); // b is the run, a the bound
  for (unsigned d = 0; d < a.rank(); ++d) {
    auto unsplit = [&](const AxisInfo &run, const AxisInfo &bound) {
      return common(common(run.contiguity[d], run.divisibility[d]),
                    common(bound.constancy[d], bound.elementDivisibility()));
    };
    if (lower)
      truth.constancy[d] = std::max(truth.constancy[d], unsplit(a, b));
    if (upper)
      truth.constancy[d] = std::max(truth.constancy[d], unsplit(b, a));
  }
  truth.nonNegative = true;
  return truth;
}

} // namespace

int64_t AxisInfo::elementDivisibility() const {
  int64_t divisibility = 1;
  for (unsigned d = 0; d < rank(); ++d)
    if (contiguity[d] == 1)
      divisibility = std::max(divisibility, this->divisibility[d]);
  return divisibility;
}

AxisInfo AxisFacts::unknown(Value value) const {
  AxisInfo info;
  size_t rank = dimsOf(value.getType()).size();
  info.contiguity.assign(rank, 1);
  info.divisibility.assign(rank, 1);
  info.constancy.assign(rank, 1);
  return info;
}

AxisInfo AxisFacts::argument(func::FuncOp function, BlockArgument argument) const {
  AxisInfo info = unknown(argument);
  if (auto divisibility = function.getArgAttrOfType<IntegerAttr>(argument.getArgNumber(), kDivisibilityAttr))
    info.divisibility[0] = powerOfTwoDivisor(divisibility.getInt());
  return info;
}

AxisInfo AxisFacts::induction(scf::ForOp loop) const {
  AxisInfo lower = of(loop.getLowerBound()), step = of(loop.getStep()), info = unknown(loop.getInductionVar());
  info.divisibility[0] = common(lower.divisibility[0], step.divisibility[0]);
  info.nonNegative = lower.nonNegative;
  return info;
}

AxisInfo AxisFacts::join(Value value, const AxisInfo &a, const AxisInfo &b) const {
  AxisInfo info = unknown(value);
  int64_t unit = unitOf(value.getType());
  for (unsigned d = 0; d < info.rank(); ++d) {
    info.contiguity[d] = common(a.contiguity[d], b.contiguity[d]);
    info.constancy[d] = common(a.constancy[d], b.constancy[d]);
    info.divisibility[d] =
        common(divisibilityAt(a, d, info.contiguity[d], unit), divisibilityAt(b, d, info.contiguity[d], unit));
  }
  if (a.constant == b.constant)
    info.constant = a.constant;
  info.nonNegative = a.nonNegative && b.nonNegative;
  return info;
}

// ---- ops -----------------------------------------------------------------------------------------------------------

std::optional<AxisInfo> AxisFacts::computeShape(Operation *op) const {
  AxisInfo in = of(op->getOperand(0));
  Type type = op->getResult(0).getType();
  if (isa<SplatOp>(op)) {
    AxisInfo info = uniform(type, in.divisibility[0], in.constant);
    info.nonNegative = in.nonNegative || isTileStart(op->getOperand(0));
    return info;
  }
  if (auto expand = dyn_cast<ExpandDimsOp>(op)) {
    int64_t divisibility = in.elementDivisibility();
    in.contiguity.insert(in.contiguity.begin() + expand.getAxis(), 1);
    in.constancy.insert(in.constancy.begin() + expand.getAxis(), 1);
    in.divisibility.insert(in.divisibility.begin() + expand.getAxis(), divisibility);
    return in;
  }
  if (auto broadcast = dyn_cast<BroadcastOp>(op)) {
    for (auto [d, from, to] :
         llvm::enumerate(broadcast.getSource().getType().getShape(), broadcast.getType().getShape()))
      if (from != to)
        in.constancy[d] = extentRun(to);
    return in;
  }
  if (auto transpose = dyn_cast<TransposeOp>(op)) {
    AxisInfo info = in;
    for (auto [to, from] : llvm::enumerate(transpose.getOrder())) {
      info.contiguity[to] = in.contiguity[from];
      info.divisibility[to] = in.divisibility[from];
      info.constancy[to] = in.constancy[from];
    }
    return info;
  }
  auto reshape = dyn_cast<ReshapeOp>(op);
  if (!reshape || reshape.getAllowReorder())
    return std::nullopt;
  // Row-major order: what holds along the last dim holds along the new last dim, as far as it reaches.
  AxisInfo info = unknown(reshape);
  unsigned last = info.rank() - 1, lastIn = in.rank() - 1;
  llvm::fill(info.divisibility, in.elementDivisibility());
  int64_t extent = extentRun(type.isIntOrFloat() ? 1 : shapeOf(type).back());
  info.contiguity[last] = common(in.contiguity[lastIn], extent);
  info.constancy[last] = common(in.constancy[lastIn], extent);
  info.divisibility[last] = divisibilityAt(in, lastIn, info.contiguity[last], unitOf(type));
  info.constant = in.constant;
  info.nonNegative = in.nonNegative;
  if (in.constant)
    return uniform(type, in.divisibility[0], in.constant);
  return info;
}

// What a conversion through a buffer of its own stored there; null where the buffer is more than that.
static Value storedFor(SharedLoadOp load) {
  auto buffer = load.getShared().getDefiningOp<SharedAllocOp>();
  if (!buffer)
    return {};
  Value stored;
  for (Operation *user : buffer->getUsers()) {
    if (auto store = dyn_cast<SharedStoreOp>(user)) {
      if (stored || store->getBlock() != load->getBlock() || !store->isBeforeInBlock(load))
        return {};
      stored = store.getValue();
    } else if (!isa<SharedLoadOp, SharedFreeOp>(user)) {
      return {};
    }
  }
  return stored;
}

std::optional<AxisInfo> AxisFacts::compute(Operation *op) const {
  auto in = [&](unsigned i) { return of(op->getOperand(i)); };
  Type type = op->getResult(0).getType();
  return llvm::TypeSwitch<Operation *, std::optional<AxisInfo>>(op)
      .Case<SplatOp, ExpandDimsOp, BroadcastOp, TransposeOp, ReshapeOp>([&](Operation *) { return computeShape(op); })
      .Case<ArangeOp>([&](ArangeOp arange) {
        AxisInfo info = unknown(arange);
        info.contiguity[0] = extentRun(arange.getType().getNumElements());
        info.divisibility[0] = powerOfTwoDivisor(arange.getStart());
        if (info.contiguity[0] != arange.getType().getNumElements())
          info.divisibility[0] = common(info.divisibility[0], info.contiguity[0]);
        info.nonNegative = arange.getStart() >= 0;
        return info;
      })
      .Case<SharedLoadOp>([&](SharedLoadOp load) -> std::optional<AxisInfo> {
        Value stored = storedFor(load);
        return stored ? std::optional(of(stored)) : std::nullopt;
      })
      .Case<LoadOp>([&](LoadOp load) -> std::optional<AxisInfo> {
        // One address holds one value: of a run of equal addresses, all under one mask, so are the elements. (Where another program writes there
        // meanwhile, a program that asks twice has no right to two answers; a volatile load asks for them.)
        if (load.getIsVolatile())
          return std::nullopt;
        AxisInfo info = unknown(load);
        for (unsigned d = 0; d < info.rank(); ++d)
          for (unsigned i = 0, e = load->getNumOperands(); i < e; ++i)
            info.constancy[d] = i == 0 ? in(i).constancy[d] : common(info.constancy[d], in(i).constancy[d]);
        return info;
      })
      .Case<ProgramIdOp, NumProgramsOp>([&](Operation *) {
        AxisInfo info = unknown(op->getResult(0));
        info.nonNegative = true;
        return info;
      })
      .Case<arith::AddIOp>([&](auto) { return sumOf(in(0), in(1), 1, false); })
      .Case<AddPtrOp>([&](auto) { return sumOf(in(0), in(1), unitOf(type), false); })
      .Case<arith::SubIOp>([&](auto) { return sumOf(in(0), in(1), 1, true); })
      .Case<arith::MulIOp>([&](auto) { return productOf(in(0), in(1)); })
      .Case<arith::ShLIOp>([&](auto) {
        AxisInfo by = in(1);
        if (!by.constant || *by.constant < 0 || *by.constant > 39)
          return elementwise({in(0), by}, in(0).elementDivisibility());
        by = uniform(type, int64_t(1) << *by.constant, int64_t(1) << *by.constant);
        return productOf(in(0), by);
      })
      .Case<arith::DivSIOp, arith::DivUIOp>([&](Operation *) {
        AxisInfo quotient = quotientOf(in(0), in(1));
        std::optional<int64_t> divisor = in(1).constant;
        quotient.nonNegative |= isa<arith::DivUIOp>(op) && divisor && *divisor > 1; // half of the numbers at most
        return quotient;
      })
      .Case<arith::RemSIOp, arith::RemUIOp>([&](Operation *) { return remainderOf(in(0), in(1)); })
      .Case<arith::CmpIOp>([&](arith::CmpIOp compare) { return comparisonOf(compare.getPredicate(), in(0), in(1)); })
      .Case<arith::AndIOp>([&](auto) {
        AxisInfo info = elementwise({in(0), in(1)}, std::max(in(0).elementDivisibility(), in(1).elementDivisibility()));
        info.nonNegative = in(0).nonNegative || in(1).nonNegative;
        return info;
      })
      .Case<arith::OrIOp, arith::XOrIOp, arith::MinSIOp, arith::MaxSIOp, arith::MinUIOp, arith::MaxUIOp>(
          [&](Operation *) {
            AxisInfo info =
                elementwise({in(0), in(1)}, common(in(0).elementDivisibility(), in(1).elementDivisibility()));
            info.nonNegative = in(0).nonNegative && in(1).nonNegative;
            return info;
          })
      .Case<arith::SelectOp>([&](auto) {
        AxisInfo condition = in(0), info = join(op->getResult(0), in(1), in(2));
        if (condition.rank() != info.rank() || !isa<RankedTensorType>(op->getOperand(0).getType()))
          return info;
        int64_t unit = unitOf(type);
        for (unsigned d = 0; d < info.rank(); ++d) {
          int64_t run = common(info.contiguity[d], condition.constancy[d]);
          info.divisibility[d] = divisibilityAt(info, d, run, unit);
          info.contiguity[d] = run;
          info.constancy[d] = common(info.constancy[d], condition.constancy[d]);
        }
        return info;
      })
      .Case<arith::ExtSIOp, arith::ExtUIOp, arith::TruncIOp, ConvertLayoutOp>([&](Operation *) {
        AxisInfo info = in(0);
        if (isa<arith::TruncIOp>(op))
          info.constant.reset();
        info.nonNegative |= isa<arith::ExtUIOp>(op);
        return info;
      })
      .Case<HintOp>([&](HintOp hint) {
        AxisInfo info = in(0);
        auto raise = [](SmallVector<int64_t, 4> &facts, std::optional<ArrayRef<int64_t>> promised) {
          if (promised)
            for (auto [fact, value] : llvm::zip(facts, *promised))
              fact = std::max(fact, powerOfTwoDivisor(value));
        };
        raise(info.contiguity, hint.getContiguity());
        raise(info.constancy, hint.getConstancy());
        raise(info.divisibility, hint.getDivisibility());
        return info;
      })
      .Case<BitcastOp>([&](auto) -> std::optional<AxisInfo> {
        Type from = op->getOperand(0).getType();
        if (isTilePointer(type) && unitOf(from) == unitOf(type))
          return in(0);
        return elementwise({in(0)}, isTilePointer(type) ? in(0).elementDivisibility() : 1);
      })
      .Case<PtrToIntOp, IntToPtrOp>([&](Operation *) {
        AxisInfo a = in(0);
        int64_t divisibility = a.elementDivisibility();
        return elementwise({a}, divisibility);
      })
      .Default([&](Operation *op) -> std::optional<AxisInfo> {
        // Elementwise ops without a rule of their own keep what is constant.
        if (!isPure(op) || op->getNumOperands() == 0 || op->getNumRegions() != 0 || isa<TileDialect>(op->getDialect()))
          return std::nullopt;
        SmallVector<AxisInfo> operands;
        for (Value operand : op->getOperands()) {
          if (shapeOf(operand.getType()) != shapeOf(type))
            return std::nullopt;
          operands.push_back(of(operand));
        }
        return elementwise(operands, 1);
      });
}

void AxisFacts::transfer(Operation *op) {
  if (auto promise = dyn_cast<AssumeOp>(op))
    return assume(promise, promise.getCondition());
  if (op->getNumResults() != 1)
    return;
  Value result = op->getResult(0);
  if (std::optional<int64_t> constant = splatIntegerOf(result))
    return set(result, uniform(result.getType(), powerOfTwoDivisor(*constant), constant));
  if (splatConstantOf(result))
    return set(result, uniform(result.getType(), 1, std::nullopt));
  if (std::optional<AxisInfo> info = compute(op))
    set(result, std::move(*info));
}

// `x % c == 0` with a power of two c: x is divisible. The rule of IntegerRanges::refine on where a promise holds.
void AxisFacts::assume(AssumeOp op, Value condition) {
  if (auto both = condition.getDefiningOp<arith::AndIOp>()) {
    assume(op, both.getLhs());
    return assume(op, both.getRhs());
  }
  auto compare = condition.getDefiningOp<arith::CmpIOp>();
  if (!compare)
    return;
  auto takeBound = [&](Value value, std::optional<int64_t> bound, bool atLeast) {
    if (bound && atLeast && *bound >= 0 &&
        (isa<func::FuncOp>(op->getParentOp()) || value.getParentBlock() == op->getBlock())) {
      AxisInfo info = of(value);
      info.nonNegative = true;
      set(value, info);
    }
  };
  using P = arith::CmpIPredicate;
  if (compare.getPredicate() == P::sge || compare.getPredicate() == P::sgt)
    takeBound(compare.getLhs(), splatIntegerOf(compare.getRhs()), true);
  Operation *remainder = compare.getLhs().getDefiningOp();
  if (compare.getPredicate() != P::eq || splatIntegerOf(compare.getRhs()) != 0 || !remainder ||
      !isa<arith::RemSIOp, arith::RemUIOp>(remainder))
    return;
  Value value = remainder->getOperand(0);
  std::optional<int64_t> divisor = splatIntegerOf(remainder->getOperand(1));
  if (!divisor || (!isa<func::FuncOp>(op->getParentOp()) && value.getParentBlock() != op->getBlock()))
    return;
  AxisInfo info = of(value);
  for (unsigned d = 0; d < info.rank(); ++d)
    if (info.contiguity[d] == 1)
      info.divisibility[d] = std::max(info.divisibility[d], powerOfTwoDivisor(*divisor));
  set(value, info);
}

int64_t AxisFacts::accessWidth(Value pointers, Value mask, unsigned dim) const {
  AxisInfo info = of(pointers);
  int64_t bytes = unitOf(pointers.getType());
  int64_t width = common(info.contiguity[dim], std::max<int64_t>(1, info.divisibility[dim] / bytes));
  return mask ? common(width, of(mask).constancy[dim]) : width;
}

} // namespace tessera::tile
