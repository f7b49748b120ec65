// LoopNests.cpp - the first loads of an inner loop, started in the iteration of the outer loop before
//
// Before: scf.for %tile … { pointers of %tile ; start the loads of k = 0, 1 ; scf.for %k … { … } ; epilogue with stores }
// After:  the same pointers and loads for the first tile, where there is one ;
//         scf.for %tile … { pointers of %tile ; scf.for %k … { … } ; pointers and loads of the next tile, where there is one ; epilogue }
// so that they run during the epilogue. What tl.range(flatten=True) asks for; the inner loop stays as tight as it was. Which slots of the
// rings are next, and the parity of copy barriers, go round with the outer loop: iterations of all tiles count on.
// No barrier is needed in front of the loads of the next tile: they fill the slots that the inner loop's last iterations would have filled.
// Requires and keeps: LAYOUT level.  More: docs/rationale/pipelining.md.
//
// SPDX-License-Identifier: Apache-2.0
#include "core/transforms/layout/LoopNests.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace tessera::tile {

bool mayStartInIterationBefore(scf::ForOp outer, scf::ForOp inner, const LoopSlice &slice, ArrayRef<Value> inputs,
                               ArrayRef<Value> pointers) {
  unsigned loops = 0;
  outer.getBody()->walk([&](Operation *op) { loops += isa<scf::ForOp, scf::WhileOp>(op); });
  if (loops != 1 || inner->getBlock() != outer.getBody() || !outer.getStep().getType().isInteger())
    return false;
  LoopSlice needed(outer);
  SmallVector<Value> values = slice.fromOutside();
  llvm::copy_if(inputs, std::back_inserter(values), [&](Value value) { return inner.isDefinedOutsideOfLoop(value); });
  return needed.add(values) &&
         llvm::all_of(pointers, [&](Value pointer) { return mayLoadAhead(outer, pointer, /*asked=*/true); });
}

static LoopSlice sliceOf(const LoopInNest &nest) {
  LoopSlice slice(nest.outer);
  slice.give(nest.slot);
  slice.give(nest.exists);
  for (Operation *op : nest.starts)
    if (!slice.addOp(op))
      llvm_unreachable("addresses of a loop's first loads do not follow from values");
  return slice;
}

// The first loads of one tile.
static void start(OpBuilder &builder, const LoopInNest &nest, const LoopSlice &slice, Iteration tile, Value slot,
                  MutableArrayRef<Value> ahead) {
  IRMapping map;
  map.map(nest.slot, slot);
  map.map(nest.exists, tile.valid);
  slice.emit(builder, tile.induction, ahead, map);
}

Operation *startInIterationBefore(LoopInNest &nest, bool copiesByLanes) {
  Location loc = nest.outer.getLoc();
  OpBuilder builder(nest.outer);
  Value zero = constantLike(builder, loc, builder.getI32Type(), 0);
  LoopSlice firstSlice = sliceOf(nest);
  SmallVector<Value> ahead = firstSlice.initial();
  start(builder, nest, firstSlice, {nest.outer.getLowerBound(), loopRuns(builder, nest.outer)}, zero, ahead);

  // Carried: the loop's own values, those that run a tile ahead, the next slot, the next parity.
  SmallVector<Value> inits(nest.outer.getInitArgs());
  size_t own = inits.size();
  llvm::append_range(inits, ahead);
  inits.append(nest.parity ? 2 : 1, zero);
  auto made = scf::ForOp::create(builder, loc, nest.outer.getLowerBound(), nest.outer.getUpperBound(),
                                 nest.outer.getStep(), inits, /*bodyBuilder=*/nullptr, nest.outer.getUnsignedCmp());
  made->setDiscardableAttrs(nest.outer->getDiscardableAttrDictionary());
  if (made.getBody()->mightHaveTerminator())
    made.getBody()->getTerminator()->erase();
  made.getBody()->getOperations().splice(made.getBody()->end(), nest.outer.getBody()->getOperations());
  for (auto [before, after] : llvm::zip(nest.outer.getBody()->getArguments(), made.getBody()->getArguments()))
    before.replaceAllUsesWith(after);
  nest.outer.replaceAllUsesWith(made.getResults().take_front(own));
  nest.outer.erase();
  nest.outer = made;

  ArrayRef<BlockArgument> arguments = made.getRegionIterArgs();
  for (size_t i = 0; i < ahead.size(); ++i)
    ahead[i] = arguments[own + i];
  LoopSlice slice = sliceOf(nest);
  Value slot = nest.inner.getResult(nest.working);
  Operation *last = copiesByLanes ? nest.inner->getNextNode() : nest.inner.getOperation(); // its async_wait
  builder.setInsertionPointAfter(last);
  start(builder, nest, slice, iterationAfter(builder, made, made.getInductionVar(), 1), slot, ahead);
  last = &*std::prev(builder.getInsertionPoint());
  for (Operation *op : nest.starts)
    op->erase();
  nest.starts.clear();
  nest.slot.replaceAllUsesWith(arguments[own + ahead.size()]);
  auto yield = cast<scf::YieldOp>(made.getBody()->getTerminator());
  SmallVector<Value> yields(yield.getOperands());
  llvm::append_range(yields, ahead);
  yields.push_back(slot);
  if (nest.parity) {
    nest.parity.replaceAllUsesWith(arguments.back());
    yields.push_back(nest.inner.getResult(nest.working + 2));
  }
  yield->setOperands(yields);
  if (copiesByLanes) { // those of the tile behind the last one, which wrote zeros
    builder.setInsertionPointAfter(made);
    AsyncWaitOp::create(builder, loc, 0);
  }
  return last;
}

} // namespace tessera::tile
