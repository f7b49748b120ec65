// UniformCarried.cpp - carry one scalar offset where all elements of a carried tile move alike
//
// SPDX-License-Identifier: Apache-2.0
//
// Before: %r = scf.for … iter_args(%p = %p0) { … %q = tile.addptr %p, splat(%s) ; yield %q }
// After:  %o = scf.for … iter_args(%o = 0) { %p = tile.addptr %p0, splat(%o) … %o2 = arith.addi %o, %s ; yield %o2 }
//         %r = tile.addptr %p0, splat(%o)
// And what each iteration computes anew as it came in, rows of indices say, is read from before the loop; drop-carried then drops it.
// For tiles of pointers (64-bit offsets) and of integers (their own width: wrapping sums reassociate freely). A tile of
// pointers in registers costs as many registers as it has elements; the scalar costs one, and ranges see it.
// A number that is carried at a constant distance from the loop's variable (a second counter of tiles) is computed from that, so that what follows from the one and from the
// other is the same.
// Not done here: steps that differ between elements; scf.while.
#include "core/analysis/SameComputation.h"
#include "core/ir/Tile.h"
#include "core/transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace tessera::tile {
#define GEN_PASS_DEF_TILEUNIFORMCARRIEDPASS
#include "core/transforms/Passes.h.inc"

namespace {

// One step of a chain: `value` = `before` + the uniform `step` (null where it is none).
struct Step {
  Value before, step;
};

Value uniformOf(OpBuilder &b, Value tile) {
  if (auto splat = tile.getDefiningOp<SplatOp>())
    return splat.getSource();
  std::optional<int64_t> constant = splatIntegerOf(tile);
  return constant ? makeConstant(b, tile.getLoc(), elementTypeOf(tile.getType()), *constant) : Value();
}

Step stepOf(OpBuilder &b, Value value) {
  if (auto add = value.getDefiningOp<AddPtrOp>())
    return {add.getPtr(), uniformOf(b, add.getOffset())};
  auto add = value.getDefiningOp<arith::AddIOp>();
  if (!add)
    return {};
  if (Value step = uniformOf(b, add.getRhs()))
    return {add.getLhs(), step};
  return {add.getRhs(), uniformOf(b, add.getLhs())};
}

// The sum of the uniform steps from `argument` to `next`, as scalars of `type` made before the terminator; null where
// some step is not uniform.
Value totalStep(OpBuilder &b, BlockArgument argument, Value next, Type type) {
  Value total;
  while (next != argument) {
    Step step = stepOf(b, next);
    if (!step.step)
      return {};
    Value wide = step.step;
    if (wide.getType() != type)
      wide = arith::ExtSIOp::create(b, wide.getLoc(), type, wide);
    total = total ? Value(arith::AddIOp::create(b, wide.getLoc(), total, wide)) : wide;
    next = step.before;
  }
  return total;
}

// value - base, where it is a constant.
std::optional<int64_t> distance(Value value, Value base) {
  if (value == base)
    return 0;
  std::optional<int64_t> a = splatIntegerOf(value), b = splatIntegerOf(base);
  if (a && b)
    return *a - *b;
  Operation *op = value.getDefiningOp();
  if (!op || !isa<arith::AddIOp, arith::SubIOp>(op) || op->getOperand(0) != base)
    return std::nullopt;
  std::optional<int64_t> by = splatIntegerOf(op->getOperand(1));
  return by ? std::optional(isa<arith::SubIOp>(op) ? -*by : *by) : std::nullopt;
}

struct UniformCarried final : impl::TileUniformCarriedPassBase<UniformCarried> {
  void runOnOperation() override {
    SmallVector<scf::ForOp> loops;
    getOperation().walk([&](scf::ForOp loop) { loops.push_back(loop); });
    for (scf::ForOp loop : loops)
      rewrite(loop);
  }

  void rewrite(scf::ForOp loop) {
    Operation *yield = loop.getBody()->getTerminator();
    for (unsigned i = 0; i < loop.getNumRegionIterArgs(); ++i) {
      BlockArgument argument = loop.getRegionIterArg(i);
      if (Value init = loop.getInitArgs()[i]; computeTheSame(yield->getOperand(i), init)) {
        argument.replaceAllUsesWith(init);
        loop.getResult(i).replaceAllUsesWith(init);
        yield->setOperand(i, init);
        ++numRewritten;
        continue;
      }
      if (argument.getType() == loop.getInductionVar().getType())
        followVariable(loop, i);
      auto type = dyn_cast<RankedTensorType>(argument.getType());
      if (!type || (!isTilePointer(type) && !isa<IntegerType>(type.getElementType())) ||
          type.getElementType().isInteger(1))
        continue;
      Type offsetType = isTilePointer(type) ? IntegerType::get(&getContext(), 64) : type.getElementType();
      OpBuilder inside(yield);
      Value step =
          yield->getOperand(i) == argument ? Value() : totalStep(inside, argument, yield->getOperand(i), offsetType);
      if (!step)
        continue;
      replace(loop, i, step, offsetType);
      ++numRewritten;
    }
  }

  // The carried value stays, for tile-drop-carried-values to remove.
  void followVariable(scf::ForOp loop, unsigned i) {
    BlockArgument argument = loop.getRegionIterArg(i);
    Value next = loop.getYieldedValues()[i], variable = loop.getInductionVar();
    std::optional<int64_t> step = splatIntegerOf(loop.getStep()), own = distance(next, argument);
    std::optional<int64_t> apart = distance(loop.getInitArgs()[i], loop.getLowerBound());
    if (!step || !apart || own != step || next == argument)
      return;
    OpBuilder top = OpBuilder::atBlockBegin(loop.getBody());
    auto at = [&](int64_t by) -> Value {
      if (!by)
        return variable;
      return arith::AddIOp::create(top, loop.getLoc(), variable,
                                   makeConstant(top, loop.getLoc(), variable.getType(), by));
    };
    next.replaceAllUsesWith(at(*apart + *step));
    argument.replaceAllUsesWith(at(*apart));
    ++numRewritten;
  }

  // The carried value keeps its place in the lists and changes its type.
  void replace(scf::ForOp loop, unsigned i, Value step, Type offsetType) {
    Location loc = loop.getLoc();
    Operation *yield = loop.getBody()->getTerminator();
    BlockArgument argument = loop.getRegionIterArg(i);
    Value init = loop.getInitArgs()[i], result = loop.getResult(i);
    OpBuilder before(loop), top = OpBuilder::atBlockBegin(loop.getBody()), end(yield), after(loop);
    after.setInsertionPointAfter(loop);
    auto moved = [&](OpBuilder &b, Value offset) -> Value {
      Value offsets = SplatOp::create(b, loc, cast<RankedTensorType>(init.getType()).getShape(), offset);
      if (isTilePointer(init.getType()))
        return AddPtrOp::create(b, loc, init, offsets);
      return arith::AddIOp::create(b, loc, init, offsets);
    };
    argument.setType(offsetType);
    Value tile = moved(top, argument);
    argument.replaceAllUsesExcept(tile, tile.getDefiningOp()->getOperand(1).getDefiningOp());
    yield->setOperand(i, arith::AddIOp::create(end, loc, argument, step));
    loop.getInitArgsMutable()[i].assign(makeConstant(before, loc, offsetType, 0));
    result.setType(offsetType);
    if (!result.use_empty()) {
      Value last = moved(after, result);
      result.replaceAllUsesExcept(last, last.getDefiningOp()->getOperand(1).getDefiningOp());
    }
  }
};

} // namespace
} // namespace tessera::tile
