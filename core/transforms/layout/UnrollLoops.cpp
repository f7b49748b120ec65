// UnrollLoops.cpp - several iterations of a loop in one
//
// Before: scf.for %i = %lo to %hi step %s … { f(%i) } {tile.unroll = 2 : i32}
// After:  scf.for %t = 0 to %trips / 2 … { %i = %lo + %t * 2 * %s ; f(%i) ; f(%i + %s) } ; scf.for of the iterations that are left, one by one.
// What tl.range(loop_unroll_factor=) asks for. The new loops count iterations, so that no bound can wrap; that of what is left loads nothing ahead: it has
// fewer iterations than the factor. Inner loops first.
// Requires and keeps: TILE level.
//
// SPDX-License-Identifier: Apache-2.0
#include "core/transforms/layout/LoopAhead.h"
#include "core/transforms/layout/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

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

StepResult unrollLoops(ModuleOp module, const target::Target &) {
  StepResult result;
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
