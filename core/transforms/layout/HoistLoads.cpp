// HoistLoads.cpp - a small load does not wait behind a change of layout that it has nothing to do with
//
// Before: %z = tile.load %p ; %zb = tile.convert_layout %z ; %s = tile.load %q            (the conversion passes through shared memory)
// After:  %z = tile.load %p ; %s = tile.load %q ; %zb = tile.convert_layout %z
// The conversion waits for its operand and has a barrier, which the device's assembler moves no load over: what is loaded behind it waits for memory anew.
// Requires and keeps: LAYOUT level.  Not done here: in loops, whose loads start in an earlier iteration; over what writes memory or waits; loads of more than 16 elements a lane, which
// would take registers away from what comes first; over reductions (rows that are read behind one are mostly as long as the row before).
//
// SPDX-License-Identifier: Apache-2.0
#include "core/transforms/layout/ConversionCosts.h"
#include "core/transforms/layout/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace tessera::tile {

namespace {

constexpr unsigned kMostBits = 4; // of a lane's registers: 16 elements

bool isSmall(LoadOp load) {
  auto type = dyn_cast<RankedTensorType>(load.getType());
  return !load.getIsVolatile() &&
         (!type || layoutOf(load.getResult()).getLayout().inBits(layout::kRegister) <= kMostBits);
}

// Adds what `op` needs of the block behind `anchor`. False where it cannot stand in front of it.
bool collect(Operation *op, Operation *anchor, llvm::SetVector<Operation *> &ops) {
  return llvm::all_of(op->getOperands(), [&](Value operand) {
    Operation *made = operand.getDefiningOp();
    if (!made || made->getBlock() != anchor->getBlock() || made->isBeforeInBlock(anchor) || ops.contains(made))
      return true;
    if (made == anchor || made->getNumRegions() || !isMemoryEffectFree(made) || isa<ConvertLayoutOp>(made) ||
        !collect(made, anchor, ops))
      return false;
    ops.insert(made);
    return true;
  });
}

unsigned hoistIn(Block &block, const ConversionCosts &costs) {
  unsigned count = 0;
  Operation *anchor = nullptr; // the first conversion through shared memory since memory was written
  for (Operation &op : llvm::make_early_inc_range(block)) {
    if (auto conversion = dyn_cast<ConvertLayoutOp>(op)) {
      layout::ConversionPlan plan = costs.plan(layoutOf(conversion.getSource()), layoutOf(conversion.getResult()),
                                               storageBits(conversion.getType()));
      if (!anchor && plan.kind == layout::ConversionPlan::Shared)
        anchor = &op;
      continue;
    }
    auto load = dyn_cast<LoadOp>(op);
    if (!load) {
      if (!isMemoryEffectFree(&op))
        anchor = nullptr;
      continue;
    }
    llvm::SetVector<Operation *> needed;
    if (!anchor || !isSmall(load) || !collect(load, anchor, needed))
      continue;
    for (Operation *made : needed)
      made->moveBefore(anchor);
    load->moveBefore(anchor);
    ++count;
  }
  return count;
}

} // namespace

StepResult hoistLoads(ModuleOp module, const target::Target &target) {
  StepResult result;
  ConversionCosts costs(target);
  module.walk([&](func::FuncOp function) {
    for (Block &block : function.getBody())
      result.count += hoistIn(block, costs);
  });
  return result;
}

} // namespace tessera::tile
