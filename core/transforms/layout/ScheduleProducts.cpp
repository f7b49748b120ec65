// ScheduleProducts.cpp - when a loop's asynchronous products start, and when they are awaited
//
// Before: scf.for { %s = a(i) @ b(i) ; %w = f(%s) ; %sum = %w @ v(i) + g(%sum) }
// After:  %s = a(0) @ b(0) ; %w = f(%s) ; scf.for from 1 { %s = a(i) @ b(i) ; %t = %w @ v(i - 1) + %sum ; await %s ; %w' = f(%s) ; await %t ;
//         %sum' = g(%t) } ; %sum = %w @ v(n - 1) + %sum, all of it under a condition that there is an iteration.
// The second product runs while the lanes compute f, which is most of their work; in the order of the source the matrix
// unit waits for the lanes and the lanes for the unit. What a product reads from shared memory must last an iteration longer.
// Requires and keeps: LAYOUT level.  More: docs/rationale/attention.md.
//
// SPDX-License-Identifier: Apache-2.0
#include "core/transforms/layout/ScheduleProducts.h"

#include "core/ir/Tile.h"
#include "core/transforms/layout/LayoutRules.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace tessera::tile {
namespace {

// A product whose sum only goes round: to itself, through ops that scale it.
struct TrailingProduct {
  AsyncDotOp dot;
  DotWaitOp wait;
  Value a, b, sum;                     // the product's operands
  unsigned carried = 0;                // the loop's iteration argument that is the sum
  SmallVector<Operation *> scaling;    // from that argument to the product's c
  SmallVector<Operation *> conversion; // the last ops of a, which only change its type
};

} // namespace

static AsyncDotOp productOf(DotWaitOp wait) {
  return wait.getValues().size() == 1 ? wait.getValues()[0].getDefiningOp<AsyncDotOp>() : AsyncDotOp();
}

// The trailing product that becomes this yielded value; without a dot where there is none.
static TrailingProduct trailingProductOf(scf::ForOp loop, unsigned carried) {
  Block *body = loop.getBody();
  auto wait = loop.getYieldedValues()[carried].getDefiningOp<DotWaitOp>();
  AsyncDotOp dot = wait ? productOf(wait) : AsyncDotOp();
  if (!dot || dot->getBlock() != body || wait->getBlock() != body || !dot->hasOneUse() ||
      !wait.getResults()[0].hasOneUse() || isa<SharedType>(dot.getA().getType()))
    return {};
  TrailingProduct found{dot, wait, dot.getA(), dot.getB(), dot.getC(), carried, {}, {}};
  for (Value sum = loop.getRegionIterArgs()[carried]; sum != dot.getC();) {
    Operation *op = sum.hasOneUse() ? *sum.user_begin() : nullptr;
    if (!op || op->getBlock() != body || !isMemoryEffectFree(op) || op->getNumResults() != 1 || op->getNumRegions())
      return {};
    found.scaling.push_back(op);
    sum = op->getResult(0);
  }
  if (!dot.getC().hasOneUse())
    return {};
  for (Value a = dot.getA(); Operation *op = a.getDefiningOp(); a = op->getOperand(0)) {
    if (!isa<FpToFpOp, ConvertLayoutOp>(op) || op->getBlock() != body || !a.hasOneUse())
      break;
    found.conversion.insert(found.conversion.begin(), op);
  }
  return found;
}

// Whether `value` needs the result of a product of the loop, other than of those that trail.
static bool needsProduct(Value value, scf::ForOp loop, ArrayRef<TrailingProduct> trailing) {
  llvm::SetVector<Operation *> ops;
  SmallVector<Value> open{value};
  while (!open.empty()) {
    Operation *op = open.pop_back_val().getDefiningOp();
    if (!op || !loop->isProperAncestor(op) || !ops.insert(op))
      continue;
    if (auto wait = dyn_cast<DotWaitOp>(op))
      if (llvm::none_of(trailing, [&](const TrailingProduct &t) { return t.wait == wait; }))
        return true;
    llvm::append_range(open, op->getOperands());
  }
  return false;
}

static SmallVector<TrailingProduct> trailingProducts(scf::ForOp loop) {
  SmallVector<TrailingProduct> found;
  for (unsigned i = 0; i < loop.getNumRegionIterArgs(); ++i)
    if (TrailingProduct t = trailingProductOf(loop, i); t.dot)
      found.push_back(t);
  // One that waits for no other product of its iteration has nothing to run beside.
  llvm::erase_if(found, [&](const TrailingProduct &t) { return !needsProduct(t.a, loop, found); });
  // In the order of the body, and all products are known: each is awaited on its own, in the body itself.
  llvm::sort(found, [](const TrailingProduct &a, const TrailingProduct &b) { return a.dot->isBeforeInBlock(b.dot); });
  bool simple = true;
  loop.getBody()->walk([&](Operation *op) {
    if (auto dot = dyn_cast<AsyncDotOp>(op))
      simple &= dot->getBlock() == loop.getBody() && dot->hasOneUse() && isa<DotWaitOp>(*dot->user_begin());
    if (auto wait = dyn_cast<DotWaitOp>(op))
      simple &= wait->getBlock() == loop.getBody() && productOf(wait) && wait.getPending() == 0;
  });
  return simple ? found : SmallVector<TrailingProduct>();
}

// Products of this iteration that run when this one's is awaited: those that started after it.
static int32_t startedSince(DotWaitOp wait) {
  int32_t count = 0;
  for (Operation *op = productOf(wait)->getNextNode(); op && op != wait; op = op->getNextNode())
    count += isa<AsyncDotOp>(op);
  return count;
}

// 32-bit registers a lane that a tile takes.
static uint64_t registersOf(Value tile) {
  auto type = cast<RankedTensorType>(tile.getType());
  auto elements = static_cast<uint64_t>(layoutOf(tile).getLayout().inSize(layout::kRegister));
  return llvm::divideCeil(elements * type.getElementType().getIntOrFloatBitWidth(), 32);
}

// Of a loop whose products all run at once: their sums, a of those that trail, and what else the lanes need (addresses, maxima, sums): some
// forty.
static uint64_t registersOf(scf::ForOp loop, ArrayRef<TrailingProduct> trailing) {
  uint64_t needed = 40;
  for (const TrailingProduct &t : trailing)
    needed += registersOf(t.a);
  for (AsyncDotOp dot : loop.getBody()->getOps<AsyncDotOp>())
    needed += registersOf(dot.getResult());
  return needed;
}

bool hasTrailingProducts(scf::ForOp loop, uint64_t registers, function_ref<bool(Value)> staysFilled) {
  SmallVector<TrailingProduct> trailing = trailingProducts(loop);
  if (trailing.empty())
    return false;
  return llvm::all_of(trailing, [&](const TrailingProduct &t) { return staysFilled(t.b); }) &&
         (registers == 0 || registersOf(loop, trailing) <= registers);
}

bool hasAccumulatingProducts(scf::ForOp loop, function_ref<bool(Value)> staysFilled) {
  SmallVector<TrailingProduct> found = trailingProducts(loop);
  return !found.empty() &&
         llvm::all_of(found, [&](const TrailingProduct &t) { return t.scaling.empty() && staysFilled(t.b); });
}

// Moves the product and the ops that name its operands before `point`, unless they need something that is computed there or later.
static void moveUp(AsyncDotOp dot, Operation *point) {
  llvm::SetVector<Operation *> ops;
  SmallVector<Operation *> open{dot};
  while (!open.empty()) {
    Operation *op = open.pop_back_val();
    if (op->getBlock() != point->getBlock() || op->isBeforeInBlock(point) || !ops.insert(op))
      continue;
    if (op != dot && !isa<SharedSlotOp, SharedTransposeOp>(op) && !op->hasTrait<OpTrait::ConstantLike>())
      return;
    for (Value operand : op->getOperands())
      if (Operation *definition = operand.getDefiningOp())
        open.push_back(definition);
  }
  SmallVector<Operation *> ordered = ops.takeVector();
  llvm::sort(ordered, [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
  for (Operation *op : ordered)
    op->moveBefore(point);
}

SmallVector<Value> overlapProducts(scf::ForOp loop, uint64_t registers) {
  SmallVector<TrailingProduct> trailing = trailingProducts(loop);
  llvm::DenseSet<Operation *> runOn;
  for (const TrailingProduct &t : trailing)
    runOn.insert(t.dot);
  SmallVector<AsyncDotOp> others;
  for (AsyncDotOp dot : loop.getBody()->getOps<AsyncDotOp>())
    if (!runOn.contains(dot))
      others.push_back(dot);
  // All at once where their results fit beside each other, else when the first ones' have been used.
  Operation *first = *others.front()->user_begin();
  bool fits = registers == 0 || registersOf(loop, trailing) <= registers;
  for (AsyncDotOp dot : ArrayRef(others).drop_front())
    moveUp(dot, fits ? first : trailing.front().dot.getOperation());
  auto all = static_cast<int32_t>(others.size() + trailing.size());
  SmallVector<Value> sums;
  for (TrailingProduct &t : trailing) {
    // The wait for the first product of the next iteration is one for this, too; its own never waits.
    t.wait.setPending(all);
    sums.push_back(loop.getResult(t.carried));
  }
  for (AsyncDotOp dot : others)
    if (auto wait = cast<DotWaitOp>(*dot->user_begin()))
      wait.setPending(startedSince(wait));
  return sums;
}

namespace {

// Emits the iterations of the loop in their new order.
class DelayedLoop {
public:
  DelayedLoop(scf::ForOp loop, BlockArgument slot)
      : loop_(loop), slot_(slot), trailing_(trailingProducts(loop)), builder_(loop) {}
  Operation *run();

private:
  struct Delayed { // of one trailing product, from one iteration to the next
    Value a, sum;
  };
  void front(OpBuilder &at, IRMapping &map, ArrayRef<Delayed> before, Value slotBefore, SmallVector<Delayed> &after);
  Value start(OpBuilder &at, const TrailingProduct &t, Value a, Value sum, Value slot);
  Value secondIteration(OpBuilder &at);

  scf::ForOp loop_;
  BlockArgument slot_;
  SmallVector<TrailingProduct> trailing_;
  OpBuilder builder_;
};

} // namespace

// The product, with b from the slot of its own iteration.
Value DelayedLoop::start(OpBuilder &at, const TrailingProduct &t, Value a, Value sum, Value slot) {
  IRMapping map;
  map.map(slot_, slot);
  map.map(t.a, a);
  map.map(t.sum, sum);
  SmallVector<Operation *> place; // slots and transposes that name b
  for (Operation *op = t.b.getDefiningOp(); op && op->getBlock() == loop_.getBody();
       op = op->getOperand(0).getDefiningOp())
    place.insert(place.begin(), op);
  for (Operation *op : place)
    at.clone(*op, map);
  return at.clone(*t.dot, map)->getResult(0);
}

// Everything but the trailing products; those of the iteration before run beside, where there is one (`before`).
void DelayedLoop::front(OpBuilder &at, IRMapping &map, ArrayRef<Delayed> before, Value slotBefore,
                        SmallVector<Delayed> &after) {
  llvm::DenseSet<Operation *> late;
  for (const TrailingProduct &t : trailing_) {
    late.insert(t.dot);
    late.insert(t.wait);
    late.insert(t.scaling.begin(), t.scaling.end());
    late.insert(t.conversion.begin(), t.conversion.end());
  }
  Location loc = loop_.getLoc();
  SmallVector<Value> running;
  for (Operation &op : loop_.getBody()->without_terminator()) {
    if (late.contains(&op))
      continue;
    // Behind the first product whose result this iteration waits for.
    if (isa<DotWaitOp>(op) && running.empty())
      for (size_t i = 0; i < before.size(); ++i)
        running.push_back(start(at, trailing_[i], before[i].a, before[i].sum, slotBefore));
    if (auto wait = dyn_cast<DotWaitOp>(at.clone(op, map)))
      wait.setPending(startedSince(wait));
  }
  for (auto [i, t] : llvm::enumerate(trailing_)) {
    BlockArgument argument = loop_.getRegionIterArgs()[t.carried];
    Value sum = map.lookup(argument);
    if (!running.empty()) {
      auto wait = DotWaitOp::create(at, loc, ValueRange{running[i]}, 0);
      wait.setPending(startedSince(wait));
      sum = wait.getResults()[0];
    }
    map.map(argument, sum);
    for (Operation *op : t.scaling)
      at.clone(*op, map);
    // Behind the wait: the product has read the registers that this may be written to.
    for (Operation *op : t.conversion)
      at.clone(*op, map);
    after.push_back({map.lookup(t.a), t.scaling.empty() ? sum : map.lookup(t.sum)});
  }
}

// lower + step, or upper where that is no iteration: no sum that is used wraps.
Value DelayedLoop::secondIteration(OpBuilder &at) {
  Location loc = loop_.getLoc();
  Value lower = loop_.getLowerBound(), upper = loop_.getUpperBound(), step = loop_.getStep();
  Value left = arith::SubIOp::create(at, loc, upper, lower);
  Value more = arith::CmpIOp::create(at, loc, arith::CmpIPredicate::ugt, left, step);
  Value next = arith::AddIOp::create(at, loc, lower, step);
  return arith::SelectOp::create(at, loc, more, next, upper);
}

Operation *DelayedLoop::run() {
  Location loc = loop_.getLoc();
  auto below = loop_.getUnsignedCmp() ? arith::CmpIPredicate::ult : arith::CmpIPredicate::slt;
  Value lower = loop_.getLowerBound(), upper = loop_.getUpperBound();
  Value runs = arith::CmpIOp::create(builder_, loc, below, lower, upper);
  auto made = scf::IfOp::create(builder_, loc, loop_.getResultTypes(), runs, /*withElseRegion=*/true);
  OpBuilder otherwise = made.getElseBodyBuilder();
  scf::YieldOp::create(otherwise, loc, loop_.getInitArgs());

  // The first iteration, without what trails.
  OpBuilder at = made.getThenBodyBuilder();
  IRMapping first;
  first.map(loop_.getInductionVar(), lower);
  for (auto [argument, init] : llvm::zip(loop_.getRegionIterArgs(), loop_.getInitArgs()))
    first.map(argument, init);
  SmallVector<Delayed> delayed;
  front(at, first, {}, {}, delayed);
  llvm::SmallDenseMap<unsigned, unsigned> sums; // iteration arguments that are sums of products that trail
  for (auto [i, t] : llvm::enumerate(trailing_))
    sums[t.carried] = static_cast<unsigned>(i);
  SmallVector<Value> inits;
  auto append = [&](SmallVector<Value> &to, const IRMapping &map, ArrayRef<Delayed> values, Value slot) {
    for (auto [i, value] : llvm::enumerate(loop_.getYieldedValues())) {
      auto sum = sums.find(static_cast<unsigned>(i));
      to.push_back(sum == sums.end() ? map.lookupOrDefault(value) : values[sum->second].sum);
    }
    for (const Delayed &d : values)
      to.push_back(d.a);
    to.push_back(slot);
  };
  append(inits, first, delayed, first.lookup(slot_));

  // The others, each beside what trails of the one before.
  auto rest = scf::ForOp::create(at, loc, secondIteration(at), upper, loop_.getStep(), inits,
                                 /*bodyBuilder=*/nullptr, loop_.getUnsignedCmp());
  rest->setDiscardableAttrs(loop_->getDiscardableAttrDictionary());
  if (rest.getBody()->mightHaveTerminator())
    rest.getBody()->getTerminator()->erase();
  OpBuilder body = OpBuilder::atBlockEnd(rest.getBody());
  IRMapping map;
  map.map(loop_.getInductionVar(), rest.getInductionVar());
  size_t own = loop_.getNumRegionIterArgs();
  ArrayRef<BlockArgument> arguments = rest.getRegionIterArgs();
  for (size_t i = 0; i < own; ++i)
    map.map(loop_.getRegionIterArgs()[i], arguments[i]);
  SmallVector<Delayed> before, after;
  for (auto [i, t] : llvm::enumerate(trailing_))
    before.push_back({arguments[own + i], arguments[t.carried]});
  front(body, map, before, arguments.back(), after);
  SmallVector<Value> yields;
  append(yields, map, after, map.lookup(slot_));
  scf::YieldOp::create(body, loc, yields);

  // What trails of the last one.
  SmallVector<Value> results(rest.getResults().take_front(own));
  ArrayRef<Value> values = results;
  SmallVector<Value> started;
  for (auto [i, t] : llvm::enumerate(trailing_)) {
    Value a = rest.getResult(static_cast<unsigned>(own + i));
    started.push_back(start(at, t, a, values[t.carried], rest.getResults().back()));
  }
  auto wait = DotWaitOp::create(at, loc, started, 0);
  for (auto [i, t] : llvm::enumerate(trailing_))
    results[t.carried] = wait.getResults()[i];
  scf::YieldOp::create(at, loc, results);
  loop_.replaceAllUsesWith(made.getResults());
  loop_.erase();
  return made;
}

Operation *delayTrailingProducts(scf::ForOp loop, BlockArgument slot) { return DelayedLoop(loop, slot).run(); }

} // namespace tessera::tile
