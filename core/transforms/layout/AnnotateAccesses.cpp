// AnnotateAccesses.cpp - say how many neighbours one access of memory may take
//
// Before: tile.store %p, %v : (tensor<64x64x!tile.ptr<f16>, #A>, …)
// After:  tile.store %p, %v {tile.axis = 1 : i32, tile.width = 8 : i32} : …
// The facts come from core/analysis; a plugin has none of its own. The width is what memory allows, not what the layout
// uses: the dim is the one along which a lane's registers hold the longest of these runs, and among equals the one with
// the wider promise. Stale marks go.
// Requires and keeps: LAYOUT level.
//
// SPDX-License-Identifier: Apache-2.0
#include "core/analysis/AxisFacts.h"
#include "core/transforms/layout/LayoutRules.h"
#include "core/transforms/layout/Passes.h"

using namespace mlir;

namespace tessera::tile {

namespace {
struct Run {
  unsigned axis = 0;
  int64_t width = 1;  // elements of memory that go together
  int64_t inLane = 1; // of them, those that a lane holds
};
} // namespace

static Run longestRun(Value pointers, Value mask, const AxisFacts &facts) {
  const layout::LinearLayout &layout = layoutOf(pointers).getLayout();
  Run best;
  for (unsigned axis = 0; axis < layout.rank(); ++axis) {
    int64_t width = facts.accessWidth(pointers, mask, axis);
    int64_t inLane = layout.vectorWidth(layout::kRegister, layout::tensorDimName(axis), width);
    if (std::pair(inLane, width) > std::pair(best.inLane, best.width))
      best = {axis, width, inLane};
  }
  return best;
}

StepResult annotateAccesses(ModuleOp module, const target::Target &) {
  StepResult result;
  Builder builder(module.getContext());
  module.walk([&](func::FuncOp function) {
    AxisFacts facts(function);
    function.walk([&](Operation *op) {
      if (!isa<LoadOp, StoreOp, AtomicRmwOp, AsyncLoadOp>(op) ||
          (isa<AsyncLoadOp>(op) && op->hasAttr(kAccessWidthAttr)))
        return; // a copy is marked by who made it of a load
      op->removeDiscardableAttr(kAccessAxisAttr);
      op->removeDiscardableAttr(kAccessWidthAttr);
      Value pointers = op->getOperand(isa<AsyncLoadOp>(op) ? 1 : 0);
      if (!isTile(pointers) || !layoutOf(pointers))
        return; // check-layouts reports a missing layout
      Value mask = isa<LoadOp>(op)        ? cast<LoadOp>(op).getMask()
                   : isa<AsyncLoadOp>(op) ? cast<AsyncLoadOp>(op).getMask()
                   : isa<AtomicRmwOp>(op) ? cast<AtomicRmwOp>(op).getMask()
                                          : cast<StoreOp>(op).getMask();
      Run run = longestRun(pointers, mask, facts);
      if (run.width == 1)
        return;
      op->setDiscardableAttr(kAccessAxisAttr, builder.getI32IntegerAttr(static_cast<int32_t>(run.axis)));
      op->setDiscardableAttr(kAccessWidthAttr, builder.getI32IntegerAttr(static_cast<int32_t>(run.width)));
      ++result.count;
    });
  });
  return result;
}

} // namespace tessera::tile
