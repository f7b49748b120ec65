// LowerConversionsToShared.cpp - move tiles between warps through shared memory
//
// Before: %b = tile.convert_layout %a : tensor<64x64xf16, #A> to tensor<64x64xf16, #B>
// After:  %s = tile.shared_alloc : !tile.shared<64x64xf16, #S> ; tile.shared_store %s, %a
//         %b = tile.shared_load %s ; tile.shared_free %s
// #S is swizzled so that both sides move wide vectors without bank conflicts. Conversions within a warp stay as they are.
// Requires: LAYOUT level.  Establishes: no conversion crosses warps.  The barrier comes from InsertBarriers, where places in
// shared memory are known and one barrier may serve several conversions.
//
// SPDX-License-Identifier: Apache-2.0
#include "core/transforms/layout/ConversionCosts.h"
#include "core/transforms/layout/Passes.h"

using namespace mlir;

namespace tessera::tile {

static void lower(ConvertLayoutOp op, const layout::ConversionPlan &plan) {
  OpBuilder builder(op);
  Location loc = op.getLoc();
  RankedTensorType type = op.getType();
  auto shared = SharedType::get(type.getShape(), type.getElementType(), LinearAttr::get(op.getContext(), plan.shared));
  auto bytes = builder.getI32IntegerAttr(static_cast<int32_t>(plan.sharedBytes));
  Value buffer = SharedAllocOp::create(builder, loc, shared, IntegerAttr(), bytes);
  SharedStoreOp::create(builder, loc, buffer, op.getSource());
  Value loaded = SharedLoadOp::create(builder, loc, type, buffer);
  SharedFreeOp::create(builder, loc, buffer);
  op.getResult().replaceAllUsesWith(loaded);
  op.erase();
}

StepResult lowerConversionsToShared(ModuleOp module, const target::Target &target) {
  StepResult result;
  ConversionCosts costs(target);
  SmallVector<ConvertLayoutOp> conversions;
  module.walk([&](ConvertLayoutOp op) { conversions.push_back(op); });
  for (ConvertLayoutOp op : conversions) {
    layout::ConversionPlan plan =
        costs.plan(layoutOf(op.getSource()), layoutOf(op.getResult()), storageBits(op.getType()));
    if (plan.kind == layout::ConversionPlan::CrossBlock) {
      op.emitError() << "a layout conversion would have to move data between blocks";
      result.status = failure();
    } else if (plan.kind == layout::ConversionPlan::Shared) {
      lower(op, plan);
      ++result.count;
    }
  }
  return result;
}

} // namespace tessera::tile
