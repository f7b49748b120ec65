// ExchangeOperands.cpp - products whose operands change places where units then take them as they lie
//
// Before: %d = tile.dot %a, %b, %c                                     b's rows are contiguous, and no unit reads such a b
// After:  %t = tile.dot (transpose %b), (transpose %a), (transpose %c)
//         %d = tile.transpose %t
// A unit that reads a^T from shared memory takes b^T from registers, in which it may have come in any order. A loop that carries the sum carries it transposed,
// so that the sum stays with the unit.
// Requires: TILE level.  Keeps: TILE level.  Not done here: choosing the instruction (AssignLayouts).
//
// SPDX-License-Identifier: Apache-2.0
#include "core/transforms/layout/MemoryOrder.h"
#include "core/transforms/layout/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace tessera::tile {

// The transposition of a matrix, where the value is one.
static TransposeOp turnOf(Value value) {
  auto transpose = value.getDefiningOp<TransposeOp>();
  return transpose && transpose.getOrder() == ArrayRef<int64_t>{1, 0} ? transpose : TransposeOp();
}

// The matrix transposed: what it is the transposition of, where it is one.
static Value turned(OpBuilder &builder, Location loc, Value matrix) {
  if (TransposeOp transpose = turnOf(matrix))
    return transpose.getSource();
  if (auto splat = matrix.getDefiningOp<SplatOp>()) {
    auto type = cast<RankedTensorType>(matrix.getType());
    return SplatOp::create(builder, loc,
                           RankedTensorType::get({type.getShape()[1], type.getShape()[0]}, type.getElementType()),
                           splat.getSource());
  }
  return builder.createOrFold<TransposeOp>(loc, matrix, ArrayRef<int64_t>{1, 0});
}

static void exchange(DotOp dot) {
  OpBuilder builder(dot);
  Location loc = dot.getLoc();
  Value a = turned(builder, loc, dot.getB()), b = turned(builder, loc, dot.getA()),
        c = turned(builder, loc, dot.getC());
  auto made = cast<DotOp>(builder.clone(*dot));
  made->setOperands({a, b, c});
  made.getResult().setType(cast<RankedTensorType>(c.getType()));
  dot.replaceAllUsesWith(TransposeOp::create(builder, loc, made.getResult(), ArrayRef<int64_t>{1, 0}).getResult());
  dot.erase();
}

// The loop carries this value transposed, where each iteration begins by transposing it and ends by transposing it back.
static bool carryTurned(scf::ForOp loop, unsigned index) {
  BlockArgument argument = loop.getRegionIterArgs()[index];
  OpOperand &yielded = loop.getBody()->getTerminator()->getOpOperand(index);
  auto first = argument.hasOneUse() ? dyn_cast<TransposeOp>(*argument.user_begin()) : TransposeOp();
  TransposeOp last = turnOf(yielded.get());
  if (!first || !last || !turnOf(first.getResult()))
    return false;
  OpBuilder builder(loop);
  OpOperand &init = loop.getInitArgsMutable()[index];
  init.set(turned(builder, loop.getLoc(), init.get()));
  argument.setType(init.get().getType());
  first.replaceAllUsesWith(Value(argument));
  first.erase();
  yielded.set(last.getSource());
  if (last->use_empty())
    last->erase();
  auto result = cast<OpResult>(loop.getResult(index));
  result.setType(init.get().getType());
  builder.setInsertionPointAfter(loop);
  auto back = TransposeOp::create(builder, loop.getLoc(), result, ArrayRef<int64_t>{1, 0});
  result.replaceAllUsesExcept(back.getResult(), back);
  // What only transposes it again, as a loop around does.
  for (Operation *user : llvm::make_early_inc_range(back->getUsers()))
    if (auto again = dyn_cast<TransposeOp>(user); again && turnOf(again.getResult())) {
      again.replaceAllUsesWith(Value(result));
      again.erase();
    }
  if (back->use_empty())
    back->erase();
  return true;
}

static void carryTurned(func::FuncOp function) {
  SmallVector<scf::ForOp> loops; // inner ones first: what they do to a sum, those around see
  function.walk([&](scf::ForOp loop) { loops.push_back(loop); });
  for (scf::ForOp loop : loops)
    for (unsigned i = 0; i < loop.getNumRegionIterArgs(); ++i)
      carryTurned(loop, i);
}

StepResult exchangeOperands(ModuleOp module, const target::Target &target) {
  StepResult result;
  LayoutQuestions questions(target, static_cast<unsigned>(moduleOption(module, "num_warps", 4)));
  module.walk([&](func::FuncOp function) {
    SmallVector<DotOp> dots;
    function.walk([&](DotOp dot) { dots.push_back(dot); });
    if (dots.empty())
      return;
    AxisFacts facts(function);
    llvm::erase_if(dots, [&](DotOp dot) {
      return !questions.winsExchanged(dot, [&](Value v) { return sourceOf(v, facts, target.info()); });
    });
    for (DotOp dot : dots)
      exchange(dot);
    if (!dots.empty())
      carryTurned(function);
    result.count += static_cast<unsigned>(dots.size());
  });
  return result;
}

} // namespace tessera::tile
