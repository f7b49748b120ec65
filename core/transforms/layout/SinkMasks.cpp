// SinkMasks.cpp - masks of whole tiles are made where they select, not before the work in between
//
// Before: %m = arith.andi %rows, %columns ; %d = tile.dot %a, %b, %c ; %s = arith.select %m, %d, %zero
// After:  %d = tile.dot %a, %b, %c ; %m = arith.andi %rows, %columns ; %s = arith.select %m, %d, %zero
// A lane has as many truths as the tile has elements in it, and a handful of predicates to keep them in: truths that wait for a product, a branch or a
// barrier are packed into words and taken out again, three instructions for each. What they are made of, rows and columns, is small and waits instead.
// Requires and keeps: LAYOUT level.  Not done here: into regions; masks of what is computed for each element, which would wait in their place.
//
// SPDX-License-Identifier: Apache-2.0
#include "core/transforms/layout/LayoutRules.h"
#include "core/transforms/layout/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;

namespace tessera::tile {

static bool isMask(Value value) { return isTile(value) && elementTypeOf(value.getType()).isInteger(1); }

// Costs a lane no register of its own: rows and columns as parts of a tile, or the same everywhere.
static bool isFree(Operation *op) { return isa_and_nonnull<BroadcastOp, ExpandDimsOp, SplatOp, arith::ConstantOp>(op); }

// Whether the op makes truths, or spreads what truths are made of, from what may as well wait.
static bool maySink(Operation *op) {
  constexpr unsigned kFewBits = 2; // of the register's number: four truths find predicates
  if (op->getNumResults() != 1 || !isTile(op->getResult(0)) || !isPure(op))
    return false;
  if (isa<BroadcastOp, ExpandDimsOp>(op))
    return true;
  if (!isMask(op->getResult(0)) || !isa<arith::CmpIOp, arith::AndIOp, arith::OrIOp, arith::XOrIOp>(op) ||
      layout::Span(layoutOf(op->getResult(0)).getLayout().columnsOf(layout::kRegister)).rank() <= kFewBits)
    return false;
  return llvm::all_of(op->getOperands(),
                      [](Value operand) { return isMask(operand) || isFree(operand.getDefiningOp()); });
}

// What a lane spends time in, or what parts the code around it.
static bool isWork(Operation *op) {
  return op->getNumRegions() != 0 || isa<DotOp, AsyncDotOp, DotWaitOp, AsyncWaitOp, BarrierOp>(op);
}

StepResult sinkMasks(ModuleOp module, const target::Target &) {
  StepResult result;
  module.walk([&](Block *block) {
    if (isa<ModuleOp>(block->getParentOp()))
      return;
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(*block))) {
      if (!maySink(&op) || op.use_empty())
        continue;
      Operation *first = nullptr;
      for (Operation *user : op.getUsers()) {
        Operation *there = block->findAncestorOpInBlock(*user);
        if (!first || there->isBeforeInBlock(first))
          first = there;
      }
      bool passesWork = false;
      for (Operation *between = op.getNextNode(); between != first && !passesWork; between = between->getNextNode())
        passesWork = isWork(between);
      if (!passesWork)
        continue;
      op.moveBefore(first);
      result.count += isMask(op.getResult(0));
    }
  });
  return result;
}

} // namespace tessera::tile
