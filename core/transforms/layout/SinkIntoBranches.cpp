// SinkIntoBranches.cpp - what only one side of a branch uses is computed there
//
// Before: %w = math.exp2 %e ; %s = arith.mulf %d, %w ; %r = scf.if %c { %n = tile.dot %s, %v, %sum ; … }
// After:  %r = scf.if %c { %w = math.exp2 %e ; %s = arith.mulf %d, %w ; %n = tile.dot %s, %v, %sum ; … }
// An element that is computed in front of a branch waits for it in a register, and so do the intermediate ones that a code generator leaves there: it
// moves multiplications by itself, calls and assembly not. Behind the branch each element goes through all of it at once; and the other side saves the work.
// Requires and keeps: LAYOUT level.  Not done here: into loops; loads, and ops that exchange between lanes and have their barriers around them.
//
// SPDX-License-Identifier: Apache-2.0
#include "core/transforms/layout/LayoutRules.h"
#include "core/transforms/layout/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Dominance.h"
#include "mlir/Transforms/ControlFlowSinkUtils.h"

using namespace mlir;

namespace tessera::tile {

// Of each element by itself, or of none; not ops whose functions the user wrote, which may be more than they look.
static bool isElementwise(Operation *op) {
  if (op->getNumResults() != 1 || !isTile(op->getResult(0)) || op->getNumRegions() != 0 || !isMemoryEffectFree(op))
    return false;
  return isRematerialisable(op) && !isFreeInAnyLayout(op);
}

StepResult sinkIntoBranches(ModuleOp module, const target::Target &) {
  StepResult result;
  module.walk([&](func::FuncOp function) {
    DominanceInfo dominance(function);
    function.walk<WalkOrder::PreOrder>([&](scf::IfOp branch) {
      auto fromThisBlock = [&](Operation *op, Region *) {
        return op->getBlock() == branch->getBlock() && isElementwise(op);
      };
      auto toItsStart = [](Operation *op, Region *region) {
        op->moveBefore(&region->front(), region->front().begin());
      };
      result.count += controlFlowSink(branch->getRegions(), dominance, fromThisBlock, toItsStart);
    });
  });
  return result;
}

} // namespace tessera::tile
