// LowerConversionsToShared.cpp - move tiles between warps through shared memory
//
// Before: %b = tile.convert_layout %a : tensor<64x64xf16, #A> to tensor<64x64xf16, #B>
// After:  %s = tile.shared_alloc : !tile.shared<64x64xf16, #S> ; tile.shared_store %s, %a
//         %b = tile.shared_load %s ; tile.shared_free %s
// Fragments of products of lanes are made where they are needed first; a small one is read anew by each of several products.
// A large tile that only loops read is loaded in each of their iterations, where registers run short.
// #S is swizzled so that both sides move wide vectors without bank conflicts. Conversions within a warp stay as they are.
// A tile that already lies in the buffer of a matrix unit is read from there, where that takes no longer than a store and a load of its own.
// Requires: LAYOUT level.  Establishes: no conversion crosses warps.  The barrier comes from InsertBarriers, where places in
// shared memory are known and one barrier may serve several conversions.
//
// SPDX-License-Identifier: Apache-2.0
#include "core/layout/SharedAccess.h"
#include "core/transforms/layout/ConversionCosts.h"
#include "core/transforms/layout/LayoutQuestions.h"
#include "core/transforms/layout/Passes.h"
#include "core/transforms/layout/SharedUse.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace tessera::tile {

// A fragment that takes fewer registers may keep them, and a buffer of more bytes would stay for longer than others have room.
constexpr uint64_t kManyRegisters = 16;
constexpr uint64_t kSmallBuffer = 4096;

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

// The innermost loops around the tile's uses, each behind the tile itself; none where a use is in no such loop.
static SmallVector<scf::ForOp, 2> loopsOfUses(SharedLoadOp load) {
  SmallVector<scf::ForOp, 2> loops;
  for (Operation *user : load->getUsers()) {
    auto around = user->getParentOfType<scf::ForOp>();
    if (!around || around->isAncestor(load))
      return {};
    if (!llvm::is_contained(loops, around))
      loops.push_back(around);
  }
  return loops;
}

// Of 32 bits, in each lane.
static uint64_t registersFor(Value tile) {
  return llvm::divideCeil(
      static_cast<uint64_t>(layoutOf(tile).getLayout().inSize(layout::kRegister)) * storageBits(tile.getType()), 32);
}

// A fragment of a product of lanes, which holds whole rows or columns, is made in front of the first op that needs it, where what it is made of takes fewer registers
// until then.
static void sinkFragment(ConvertLayoutOp op) {
  Operation *first = nullptr;
  for (Operation *user : op->getUsers()) {
    Operation *there = op->getBlock()->findAncestorOpInBlock(*user);
    first = there && (!first || there->isBeforeInBlock(first)) ? there : first;
  }
  auto dot = dyn_cast_or_null<DotOp>(first);
  if (dot && !dot.getInstruction() && registersFor(op.getSource()) < registersFor(op.getResult()))
    op->moveBefore(first);
}

// Of a fragment of several products of lanes, one after the other in a block: each reads it anew, so that its registers are free between them.
static void readForEach(SharedLoadOp load) {
  SmallVector<Operation *> products;
  for (Operation *user : load->getUsers()) {
    auto dot = dyn_cast<DotOp>(user);
    if (!dot || dot.getInstruction() || user->getBlock() != load->getBlock())
      return;
    if (!llvm::is_contained(products, user))
      products.push_back(user);
  }
  if (products.size() < 2 || registersFor(load.getResult()) < kManyRegisters ||
      bytesOf(load.getShared().getType()) > kSmallBuffer)
    return;
  llvm::sort(products, [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
  Operation *free = load->getNextNode();
  for (Operation *product : llvm::drop_begin(products)) {
    OpBuilder builder(product);
    auto again = SharedLoadOp::create(builder, load.getLoc(), load.getType(), load.getShared());
    product->replaceUsesOfWith(load, again);
    free->moveAfter(again);
  }
}

// What the tiles that a loop carries take, and those that loops around it carry which the tile is outside of.
static uint64_t carriedBeside(SharedLoadOp load, scf::ForOp loop) {
  uint64_t registers = 0;
  for (; loop && !loop->isAncestor(load); loop = loop->getParentOfType<scf::ForOp>())
    for (Value carried : loop.getRegionIterArgs())
      if (isTile(carried))
        registers += registersFor(carried);
  return registers;
}

// A tile that only loops read would stay in registers all through them. Where it is large and a loop's own values leave it no room, it stays in shared
// memory, and each iteration reads it from there: else the assembler keeps what does not fit in memory too, and reads it lane by lane.
static void readInLoops(SharedLoadOp load, const target::Target &target, unsigned numWarps) {
  constexpr uint64_t kLarge = 64;
  uint64_t registers = target.info().stated(target::Capability::RegsPerThread), own = registersFor(load.getResult());
  SmallVector<scf::ForOp, 2> loops = loopsOfUses(load);
  if (loops.empty() || registers == 0 || own < kLarge)
    return;
  uint64_t most = registers * 5 / 8; // the rest is for what an iteration loads and for addresses
  if (llvm::all_of(loops, [&](scf::ForOp loop) { return own + carriedBeside(load, loop) <= most; }))
    return;
  auto free = cast<SharedFreeOp>(*llvm::find_if(load.getShared().getUsers(), llvm::IsaPred<SharedFreeOp>));
  Operation *after = free, *before = free->getNextNode();
  for (scf::ForOp loop : loops) {
    Operation *there = load->getBlock()->findAncestorOpInBlock(*loop);
    if (!there || free->getBlock() != load->getBlock() || there->isBeforeInBlock(free))
      return;
    if (after->isBeforeInBlock(there))
      after = there;
  }
  free->moveAfter(after);
  if (sharedBytesNeeded(load->getParentOfType<func::FuncOp>(), target, numWarps) > target.info().sharedBytes()) {
    free->moveBefore(before);
    return;
  }
  for (OpOperand &use : llvm::make_early_inc_range(load->getUses())) {
    OpBuilder builder(use.getOwner());
    use.set(SharedLoadOp::create(builder, load.getLoc(), load.getType(), load.getShared()).getResult());
  }
  load->erase();
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
        sinkFragment(op);
        lowered.push_back(lower(op, plan));
      }
      ++result.count;
    }
  }
  auto numWarps = static_cast<unsigned>(moduleOption(module, "num_warps", 4));
  if (succeeded(result.status))
    for (SharedLoadOp load : lowered) {
      readForEach(load);
      readInLoops(load, target, numWarps);
    }
  return result;
}

} // namespace tessera::tile
