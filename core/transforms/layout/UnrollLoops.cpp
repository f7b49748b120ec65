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
// So is one whose count is known where it runs: from 4 * %pid to min(4 * %pid + 4, 32), groups of heads. Its iterations stand in a branch then.
// Requires and keeps: TILE level.
//
// SPDX-License-Identifier: Apache-2.0
#include "core/analysis/AxisFacts.h"
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

// The iterations of a loop that is unrolled unasked: none or all of `trips`.
namespace {
struct ShortLoop {
  int64_t trips = 0; // 0: the loop stays
  Value end;         // it runs where it begins before this; null: always
};
} // namespace

// What a loop from `lower` covers if it runs: from a multiple of c to min(lower + c, end), of an end that is one too, are c numbers. (lower < end: then
// lower + c <= end, which no sum can wrap.)
static std::optional<int64_t> coveredBy(scf::ForOp loop, const AxisFacts &facts, Value &end) {
  std::optional<int64_t> lower = getConstantIntValue(loop.getLowerBound()),
                         upper = getConstantIntValue(loop.getUpperBound());
  if (lower && upper)
    return *upper > *lower ? std::optional(*upper - *lower) : std::nullopt;
  auto least = loop.getUpperBound().getDefiningOp<arith::MinSIOp>();
  for (unsigned i = 0; least && i < 2; ++i) {
    auto sum = least->getOperand(i).getDefiningOp<arith::AddIOp>();
    for (unsigned j = 0; sum && j < 2; ++j) {
      std::optional<int64_t> covered = getConstantIntValue(sum->getOperand(1 - j));
      if (sum->getOperand(j) != loop.getLowerBound() || !covered || *covered <= 0)
        continue;
      end = least->getOperand(1 - i);
      bool both = facts.of(loop.getLowerBound()).elementDivisibility() % *covered == 0 &&
                  facts.of(end).elementDivisibility() % *covered == 0;
      return both ? covered : std::nullopt;
    }
  }
  return std::nullopt;
}

// Products have their own ways to overlap with loads, and a loop with wishes keeps them.
static ShortLoop shortTrips(scf::ForOp loop, const AxisFacts &facts) {
  std::optional<int64_t> step = getConstantIntValue(loop.getStep());
  if (!step || *step <= 0 || loop->hasAttr(kUnrollAttr) || loop->hasAttr(kNumStagesAttr) ||
      loop->hasAttr(kLoopFlagsAttr) || loop.getUnsignedCmp())
    return {};
  Value end;
  std::optional<int64_t> covered = coveredBy(loop, facts, end);
  if (!covered)
    return {};
  int64_t trips = (*covered - 1) / *step + 1, ops = 0;
  bool loads = false;
  WalkResult walked = loop.getBody()->walk([&](Operation *op) {
    loads |= isa<LoadOp>(op) && isa<RankedTensorType>(op->getResult(0).getType());
    return ++ops > kMostOps || isa<DotOp, LoopLikeOpInterface>(op) ? WalkResult::interrupt() : WalkResult::advance();
  });
  return trips <= kMostTrips && loads && !walked.wasInterrupted() ? ShortLoop{trips, end} : ShortLoop();
}

static void unrollWhole(scf::ForOp loop, ShortLoop how) {
  OpBuilder builder(loop);
  Location loc = loop.getLoc();
  Type type = loop.getInductionVar().getType();
  std::optional<int64_t> lower = getConstantIntValue(loop.getLowerBound());
  int64_t step = *getConstantIntValue(loop.getStep());
  scf::IfOp branch;
  if (how.end) {
    Value runs = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt, loop.getLowerBound(), how.end);
    branch = scf::IfOp::create(builder, loc, loop.getResultTypes(), runs, /*withElseRegion=*/loop.getNumResults() > 0);
    if (loop.getNumResults()) {
      builder.setInsertionPointToStart(branch.elseBlock());
      scf::YieldOp::create(builder, loc, loop.getInitArgs());
    }
    builder.setInsertionPointToStart(branch.thenBlock());
  }
  SmallVector<Value> carried(loop.getInitArgs());
  for (int64_t i = 0; i < how.trips; ++i) {
    IRMapping map;
    Value count = constantLike(builder, loc, type, lower.value_or(0) + i * step);
    if (!lower)
      count = i ? arith::AddIOp::create(builder, loc, loop.getLowerBound(), count).getResult() : loop.getLowerBound();
    map.map(loop.getInductionVar(), count);
    map.map(loop.getRegionIterArgs(), carried);
    for (Operation &op : loop.getBody()->without_terminator())
      builder.clone(op, map);
    for (auto [value, next] : llvm::zip(carried, loop.getYieldedValues()))
      value = map.lookupOrDefault(next);
  }
  if (branch && loop.getNumResults()) {
    scf::YieldOp::create(builder, loc, carried);
    carried.assign(branch.result_begin(), branch.result_end());
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
  SmallVector<std::pair<scf::ForOp, ShortLoop>> whole;
  module.walk([&](func::FuncOp function) {
    AxisFacts facts(function);
    function.walk([&](scf::ForOp loop) {
      if (ShortLoop how = shortTrips(loop, facts); how.trips)
        whole.push_back({loop, how});
    });
  });
  for (auto [loop, how] : whole) {
    unrollWhole(loop, how);
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
