// LowerConversionsToShared.cpp - move tiles between warps through shared memory
//
// Before: %b = tile.convert_layout %a : tensor<64x64xf16, #A> to tensor<64x64xf16, #B>
// After:  %s = tile.shared_alloc : !tile.shared<64x64xf16, #S> ; tile.shared_store %s, %a
//         %b = tile.shared_load %s ; tile.shared_free %s
// Where tiles are read: FragmentReads.h.
// #S is swizzled so that both sides move wide vectors without bank conflicts. Conversions within a warp stay as they are.
// A tile that already lies in the buffer of a matrix unit is read from there, where that takes no longer than a store and a load of its own.
// Requires: LAYOUT level.  Establishes: no conversion crosses warps.  The barrier comes from InsertBarriers, where places in
// shared memory are known and one barrier may serve several conversions.
//
// SPDX-License-Identifier: Apache-2.0
#include "core/layout/SharedAccess.h"
#include "core/transforms/layout/ConversionCosts.h"
#include "core/transforms/layout/FragmentReads.h"
#include "core/transforms/layout/LayoutQuestions.h"
#include "core/transforms/layout/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;

namespace tessera::tile {

static SharedLoadOp lower(ConvertLayoutOp op, const layout::ConversionPlan &plan) {
  OpBuilder builder(op);
  Location loc = op.getLoc();
  RankedTensorType type = op.getType();
  auto shared = SharedType::get(type.getShape(), type.getElementType(), LinearAttr::get(op.getContext(), plan.shared));
  auto bytes = builder.getI32IntegerAttr(static_cast<int32_t>(plan.sharedBytes));
  Value buffer = SharedAllocOp::create(builder, loc, shared, IntegerAttr(), bytes);
  SharedStoreOp::create(builder, loc, buffer, op.getSource());
  auto loaded = SharedLoadOp::create(builder, loc, type, buffer);
  SharedFreeOp::create(builder, loc, buffer);
  op.getResult().replaceAllUsesWith(loaded.getResult());
  op.erase();
  return loaded;
}

// Wavefronts of a warp that moves its part of the tile.
static int64_t wavefronts(LinearAttr distributed, LinearAttr shared, unsigned bits,
                          const layout::SharedMemory &memory) {
  layout::SharedAccess access = layout::analyseAccess(distributed.getLayout(), shared.getLayout(), bits, memory);
  return access.wavefronts * access.accessesPerLane;
}

// A buffer that holds the tile when the conversion comes: it was stored once, before in the same block, and nothing else writes it. Null: none that is read fast enough.
static Value bufferOf(ConvertLayoutOp op, const layout::ConversionPlan &plan, const layout::SharedMemory &memory) {
  unsigned bits = storageBits(op.getType());
  LinearAttr from = layoutOf(op.getSource()), to = layoutOf(op.getResult()),
             own = LinearAttr::get(op.getContext(), plan.shared);
  for (Operation *user : op.getSource().getUsers()) {
    auto store = dyn_cast<SharedStoreOp>(user);
    auto alloc = store ? store.getShared().getDefiningOp<SharedAllocOp>() : SharedAllocOp();
    if (!alloc || alloc.getSlots() || store->getBlock() != op->getBlock() || alloc->getBlock() != op->getBlock() ||
        !store->isBeforeInBlock(op))
      continue;
    bool keeps = llvm::all_of(alloc->getUsers(), [&](Operation *other) {
      bool reads = isa<SharedLoadOp, AsyncDotOp>(other) || other == store;
      return reads || (isa<SharedFreeOp>(other) && other->getBlock() == op->getBlock() && op->isBeforeInBlock(other));
    });
    auto lies = cast<LinearAttr>(cast<SharedType>(alloc.getType()).getLayout());
    if (keeps &&
        wavefronts(to, lies, bits, memory) <= wavefronts(from, own, bits, memory) + wavefronts(to, own, bits, memory))
      return alloc;
  }
  return {};
}

StepResult lowerConversionsToShared(ModuleOp module, const target::Target &target) {
  StepResult result;
  ConversionCosts costs(target);
  SmallVector<ConvertLayoutOp> conversions;
  SmallVector<SharedLoadOp> lowered;
  module.walk([&](ConvertLayoutOp op) { conversions.push_back(op); });
  for (ConvertLayoutOp op : conversions) {
    layout::ConversionPlan plan =
        costs.plan(layoutOf(op.getSource()), layoutOf(op.getResult()), storageBits(op.getType()));
    if (plan.kind == layout::ConversionPlan::CrossBlock) {
      op.emitError() << "a layout conversion would have to move data between blocks";
      result.status = failure();
    } else if (plan.kind == layout::ConversionPlan::Shared) {
      if (Value buffer = bufferOf(op, plan, conversionOptions(target.info()).memory)) {
        OpBuilder builder(op);
        op.getResult().replaceAllUsesWith(SharedLoadOp::create(builder, op.getLoc(), op.getType(), buffer).getResult());
        op.erase();
      } else {
        sinkFragment(op, target.info().stated(target::Capability::RegsPerThread));
        lowered.push_back(lower(op, plan));
      }
      ++result.count;
    }
  }
  if (succeeded(result.status))
    placeReads(module, lowered, target);
  return result;
}

} // namespace tessera::tile
