// ScheduleProducts.cpp - when a loop's asynchronous products start, and when they are awaited
//
// Before: scf.for { %s = a(i) @ b(i) ; await %s ; %w = f(%s) ; %sum = %w @ v(i) + g(%sum) ; await %sum }
// After:  scf.for { %s = a(i) @ b(i) ; await %s, %sum ; %w = f(%s) ; %sum' = %w @ v(i) + g(%sum) } ; await %sum'
// The second product runs on while the loop comes round: the lanes start the next loads and the next iteration's first product beside it, and
// the wait for that one is one for both, because the unit keeps their order. What a product reads from shared memory must last an
// iteration longer.
// Requires and keeps: LAYOUT level.  More: docs/rationale/attention.md.
//
// SPDX-License-Identifier: Apache-2.0
#include "core/transforms/layout/ScheduleProducts.h"

#include "core/ir/Tile.h"
#include "core/transforms/layout/LayoutRules.h"

#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace tessera::tile {
namespace {

// A product whose sum only goes round: to itself, through ops that scale it.
struct TrailingProduct {
  AsyncDotOp dot;
  DotWaitOp wait;
  Value a, b;                       // the product's operands
  unsigned carried = 0;             // the loop's iteration argument that is the sum
  SmallVector<Operation *> scaling; // from that argument to the product's c
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
  TrailingProduct found{dot, wait, dot.getA(), dot.getB(), carried, {}};
  for (Value sum = loop.getRegionIterArgs()[carried]; sum != dot.getC();) {
    Operation *op = sum.hasOneUse() ? *sum.user_begin() : nullptr;
    if (!op || op->getBlock() != body || !isMemoryEffectFree(op) || op->getNumResults() != 1 || op->getNumRegions())
      return {};
    found.scaling.push_back(op);
    sum = op->getResult(0);
  }
  if (!dot.getC().hasOneUse())
    return {};
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

uint64_t registersOf(Value tile) {
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

bool hasRunningProducts(scf::ForOp loop, uint64_t registers, function_ref<bool(Value)> staysFilled) {
  SmallVector<TrailingProduct> found = trailingProducts(loop);
  bool scaled = llvm::any_of(found, [](const TrailingProduct &t) { return !t.scaling.empty(); });
  return !found.empty() && llvm::all_of(found, [&](const TrailingProduct &t) { return staysFilled(t.b); }) &&
         (!scaled || registers == 0 || registersOf(loop, found) <= registers);
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

// The sum of the iteration before is awaited together with the last of this iteration's products that is awaited before its own starts: the unit keeps
// their order, so that it waits for nothing more. It is scaled right before its own product. One wait names both: of two in a row an assembler may
// take the second for the end of the sum's product, and do every instruction of it on its own.
static void scaleWhenAwaited(scf::ForOp loop, TrailingProduct &t) {
  DotWaitOp last;
  for (DotWaitOp wait : loop.getBody()->getOps<DotWaitOp>())
    if (wait->isBeforeInBlock(t.dot))
      last = wait;
  for (Operation *op : t.scaling)
    op->moveBefore(t.dot);
  BlockArgument sum = loop.getRegionIterArgs()[t.carried];
  SmallVector<Value> values(last.getValues());
  values.push_back(sum);
  OpBuilder at(last);
  auto both = DotWaitOp::create(at, last.getLoc(), values, last.getPending());
  last.replaceAllUsesWith(both.getResults().drop_back());
  t.scaling.front()->replaceUsesOfWith(sum, both.getResults().back());
  last.erase();
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
  for (TrailingProduct &t : trailing)
    if (!t.scaling.empty())
      scaleWhenAwaited(loop, t);
  return sums;
}

} // namespace tessera::tile
