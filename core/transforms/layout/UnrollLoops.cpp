// UnrollLoops.cpp - several iterations of a loop in one
//
// Before: scf.for %i = %lo to %hi step %s … { f(%i) } {tile.unroll = 2 : i32}
// After:  scf.for %t = 0 to %trips / 2 … { %i = %lo + %t * 2 * %s ; f(%i) ; f(%i + %s) } ; scf.for of the iterations that are left, one by one.
// What tl.range(loop_unroll_factor=) asks for. The new loops count iterations, so that no bound can wrap; that of what is left loads nothing ahead: it has
// fewer iterations than the factor. Inner loops first.
// A short loop whose count is known is unrolled unasked, all of it: what depends on the count is folded, and its loads can start together.
//
// Before: scf.for %i = 0 to 2048 step 1024 { load %p + %i ; if %i == 0 { f } else { g } }
// After:  load %p ; f ; load %p + 1024 ; g
// Requires and keeps: TILE level.
//
// SPDX-License-Identifier: Apache-2.0
#include "core/transforms/layout/LoopAhead.h"
#include "core/transforms/layout/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace tessera::tile {

// A loop from `first` to `last` by ones over iterations `factor` together: carried values from `inits`, attributes of `loop`.
static scf::ForOp loopOver(OpBuilder &builder, scf::ForOp loop, Value first, Value last, int64_t factor,
                           ValueRange inits) {
  Location loc = loop.getLoc();
  Type type = loop.getInductionVar().getType();
  auto made = scf::ForOp::create(builder, loc, first, last, constantLike(builder, loc, type, 1), inits,
                                 /*bodyBuilder=*/nullptr, /*unsignedCmp=*/true);
  made->setDiscardableAttrs(loop->getDiscardableAttrDictionary());
  made->removeDiscardableAttr(kUnrollAttr);
  if (made.getBody()->mightHaveTerminator())
    made.getBody()->getTerminator()->erase();
  OpBuilder body = OpBuilder::atBlockEnd(made.getBody());
  Value stride = arith::MulIOp::create(body, loc, loop.getStep(), constantLike(body, loc, type, factor));
  Value induction = arith::AddIOp::create(body, loc, loop.getLowerBound(),
                                          arith::MulIOp::create(body, loc, made.getInductionVar(), stride));
  SmallVector<Value> carried(made.getRegionIterArgs());
  for (int64_t i = 0; i < factor; ++i) {
    if (i)
      induction = arith::AddIOp::create(body, loc, induction, loop.getStep());
    IRMapping map;
    map.map(loop.getInductionVar(), induction);
    map.map(loop.getRegionIterArgs(), carried);
    for (Operation &op : loop.getBody()->without_terminator())
      body.clone(op, map);
    for (auto [value, next] : llvm::zip(carried, loop.getYieldedValues()))
      value = map.lookupOrDefault(next);
  }
  scf::YieldOp::create(body, loc, carried);
  return made;
}

static void unroll(scf::ForOp loop, int64_t factor) {
  OpBuilder builder(loop);
  Location loc = loop.getLoc();
  Type type = loop.getInductionVar().getType();
  Value zero = constantLike(builder, loc, type, 0), one = constantLike(builder, loc, type, 1);
  Value many = constantLike(builder, loc, type, factor);
  // (upper - lower - 1) / step + 1 of unsigned numbers, where there is an iteration: exact.
  Value length = arith::SubIOp::create(builder, loc, loop.getUpperBound(), loop.getLowerBound());
  Value steps = arith::DivUIOp::create(builder, loc, arith::SubIOp::create(builder, loc, length, one), loop.getStep());
  Value trips = arith::SelectOp::create(builder, loc, loopRuns(builder, loop),
                                        arith::AddIOp::create(builder, loc, steps, one), zero);
  Value rounds = arith::DivUIOp::create(builder, loc, trips, many);
  scf::ForOp together = loopOver(builder, loop, zero, rounds, factor, loop.getInitArgs());
  Value done = arith::MulIOp::create(builder, loc, rounds, many);
  scf::ForOp rest = loopOver(builder, loop, done, trips, 1, together.getResults());
  rest->setDiscardableAttr(kNumStagesAttr, builder.getI32IntegerAttr(1));
  loop.replaceAllUsesWith(rest.getResults());
  loop.erase();
}

// Beyond these, code grows and registers run short: a lane keeps the loads of all iterations.
static constexpr int64_t kMostTrips = 4, kMostOps = 128;

// The iterations of a loop that is unrolled unasked; 0: it stays. Products have their own ways to overlap with loads, and a loop with wishes keeps them.
static int64_t shortTrips(scf::ForOp loop) {
  std::optional<int64_t> lower = getConstantIntValue(loop.getLowerBound()),
                         upper = getConstantIntValue(loop.getUpperBound()), step = getConstantIntValue(loop.getStep());
  if (!lower || !upper || !step || *step <= 0 || *upper <= *lower || loop->hasAttr(kUnrollAttr) ||
      loop->hasAttr(kNumStagesAttr) || loop->hasAttr(kLoopFlagsAttr) || loop.getUnsignedCmp())
    return 0;
  int64_t trips = (*upper - *lower - 1) / *step + 1, ops = 0;
  bool loads = false;
  WalkResult walked = loop.getBody()->walk([&](Operation *op) {
    loads |= isa<LoadOp>(op) && isa<RankedTensorType>(op->getResult(0).getType());
    return ++ops > kMostOps || isa<DotOp, LoopLikeOpInterface>(op) ? WalkResult::interrupt() : WalkResult::advance();
  });
  return trips <= kMostTrips && loads && !walked.wasInterrupted() ? trips : 0;
}

static void unrollWhole(scf::ForOp loop, int64_t trips) {
  OpBuilder builder(loop);
  Type type = loop.getInductionVar().getType();
  int64_t lower = *getConstantIntValue(loop.getLowerBound()), step = *getConstantIntValue(loop.getStep());
  SmallVector<Value> carried(loop.getInitArgs());
  for (int64_t i = 0; i < trips; ++i) {
    IRMapping map;
    map.map(loop.getInductionVar(), constantLike(builder, loop.getLoc(), type, lower + i * step));
    map.map(loop.getRegionIterArgs(), carried);
    for (Operation &op : loop.getBody()->without_terminator())
      builder.clone(op, map);
    for (auto [value, next] : llvm::zip(carried, loop.getYieldedValues()))
      value = map.lookupOrDefault(next);
  }
  loop.replaceAllUsesWith(carried);
  loop.erase();
}

// Branches on the count are decided, and what computed with it is a constant.
static LogicalResult foldCounts(ModuleOp module) {
  RewritePatternSet patterns(module.getContext());
  scf::IfOp::getCanonicalizationPatterns(patterns, module.getContext());
  return applyPatternsGreedily(module, std::move(patterns));
}

StepResult unrollLoops(ModuleOp module, const target::Target &) {
  StepResult result;
  SmallVector<scf::ForOp> whole;
  module.walk([&](scf::ForOp loop) {
    if (shortTrips(loop))
      whole.push_back(loop);
  });
  for (scf::ForOp loop : whole) {
    unrollWhole(loop, shortTrips(loop));
    ++result.count;
  }
  if (!whole.empty())
    result.status = foldCounts(module);
  SmallVector<scf::ForOp> loops;
  module.walk([&](scf::ForOp loop) { // inner ones first
    if (loop->hasAttr(kUnrollAttr))
      loops.push_back(loop);
  });
  for (scf::ForOp loop : loops) {
    int64_t factor = loop->getAttrOfType<IntegerAttr>(kUnrollAttr).getInt();
    unsigned width =
        loop.getInductionVar().getType().isInteger() ? loop.getInductionVar().getType().getIntOrFloatBitWidth() : 0;
    if (factor < 2 || width < 32) // narrow counts might not hold the factor
      continue;
    unroll(loop, factor);
    ++result.count;
  }
  return result;
}

} // namespace tessera::tile
