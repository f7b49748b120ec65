// LoopLoads.cpp - see LoopLoads.h
// SPDX-License-Identifier: Apache-2.0
#include "core/transforms/layout/LoopLoads.h"

#include "core/layout/AlignedRuns.h"
#include "core/layout/TensorLayouts.h"
#include "core/transforms/layout/LayoutQuestions.h"
#include "core/transforms/layout/LoopAhead.h"
#include "core/transforms/layout/RecomputeInLayout.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace tessera::tile {

// Where the load's value goes; `shared`: how it lies in the buffer of a matrix unit, null where it goes to none that can be filled. False: it is
// used in a way that no slot can serve.
bool LoopLoads::collectUses(StagedLoad &staged, LinearAttr &shared, llvm::function_ref<bool(LinearAttr)> canFill) {
  for (Operation *user : staged.result().getUsers()) {
    if (user->getBlock() != loop_.getBody())
      return false;
    SharedStoreOp store = dyn_cast<SharedStoreOp>(user);
    auto transpose = dyn_cast<TransposeOp>(user);
    if (transpose && transpose->hasOneUse())
      store = dyn_cast<SharedStoreOp>(*transpose->user_begin());
    if (store) {
      auto buffer = cast<SharedType>(store.getShared().getType());
      auto layout = cast<LinearAttr>(buffer.getLayout());
      if (transpose) {
        SmallVector<int32_t> back(transpose.getOrder().size());
        for (auto [to, from] : llvm::enumerate(transpose.getOrder()))
          back[static_cast<size_t>(from)] = static_cast<int32_t>(to);
        layout = LinearAttr::get(loop_.getContext(), layout::transposed(layout.getLayout(), back));
      }
      // A unit that wants it in another order gets it from lanes.
      if (!canFill(layout) || (shared && shared != layout)) {
        staged.direct = true;
        continue;
      }
      shared = layout;
      staged.sharedStores.push_back(store);
    } else if (auto convert = dyn_cast<ConvertLayoutOp>(user)) {
      staged.conversions.push_back(convert);
    } else {
      staged.direct = true;
    }
  }
  return true;
}

// A load by descriptor: a tensor copy, into a slot as the matrix unit or the engine wants it.
bool LoopLoads::stageCopy(DescriptorLoadOp load) {
  StagedLoad staged;
  staged.op = load;
  RankedTensorType type = load.getType();
  LinearAttr shared;
  auto typeWith = [&](LinearAttr layout) { return SharedType::get(type.getShape(), type.getElementType(), layout); };
  if (!layoutOf(load.getResult()) || !collectUses(staged, shared, [&](LinearAttr layout) {
        return tensorCopyPlan(typeWith(layout), target_.info()).has_value();
      }))
    return false;
  staged.slot = shared ? typeWith(shared) : tensorCopyBuffer(type, target_.info());
  if (!staged.slot)
    return false;
  staged.copy = tensorCopyPlan(staged.slot, target_.info());
  loads_.push_back(std::move(staged));
  return true;
}

// Of a row whose lanes hold less than a copy takes, because there are more lanes than its elements or in the layout of what it meets: the load in a layout of vectors
// along `dim`, before a conversion. Nothing where its addresses are not to be had so.
LoadOp LoopLoads::spreadRow(LoadOp load, unsigned dim, int64_t vector) {
  auto type = cast<RankedTensorType>(load.getType());
  auto warps = moduleOption(loop_->getParentOfType<ModuleOp>(), "num_warps", 4);
  int64_t lanes = target_.info().lanes();
  vector = std::min(vector, type.getShape()[dim]);
  if (type.getNumElements() > vector * lanes * warps)
    return {};
  SmallVector<int64_t> own(type.getRank(), 1), inWarp(type.getRank(), 1), inBlock(type.getRank(), 1);
  SmallVector<unsigned> order{dim};
  for (auto d = static_cast<unsigned>(type.getRank()); d-- > 0;)
    if (d != dim)
      order.push_back(d);
  own[dim] = vector;
  for (unsigned d : order) {
    inWarp[d] = std::min(lanes, type.getShape()[d] / own[d]);
    inBlock[d] = std::min(warps, type.getShape()[d] / own[d] / inWarp[d]);
    lanes /= inWarp[d], warps /= inBlock[d];
  }
  inWarp[order.back()] *= lanes, inBlock[order.back()] *= warps; // the rest holds copies
  auto layout = LinearAttr::get(load.getContext(), layout::blockedLayout(type.getShape(), own, inWarp, inBlock, order));
  RecomputeInLayout addresses(loop_.getRegion(), [](LoadOp) { return false; }, [](ConvertLayoutOp) {});
  auto most = static_cast<uint64_t>(vector);
  for (Value operand : load->getOperands())
    if (!addresses.can(operand, layout, most))
      return {};
  OpBuilder builder(load);
  SmallVector<Value> operands;
  for (Value operand : load->getOperands())
    operands.push_back(addresses.make(operand, layout));
  auto spread = cast<LoadOp>(builder.clone(*load));
  spread->setOperands(operands);
  spread.getResult().setType(withLayout(type, layout));
  load.replaceAllUsesWith(ConvertLayoutOp::create(builder, load.getLoc(), type, spread.getResult()).getResult());
  load.erase();
  return spread;
}

// Whether the asynchronous copy can do what the load does, and where its data goes.
bool LoopLoads::stageLoad(LoadOp load) {
  auto type = dyn_cast<RankedTensorType>(load.getResult().getType());
  if (!type || !layoutOf(load.getResult()) || load.getIsVolatile())
    return false;
  // Truth values are normalised when they are loaded, which a copy of bytes does not do.
  if (!type.getElementType().isIntOrFloat() || type.getElementType().isInteger(1))
    return false;
  if (load.getOther() && !isZeroTile(load.getOther()))
    return false;
  uint64_t copies = target_.info().stated(target::Capability::AsyncCopy);
  unsigned bits = storageBits(type);
  layout::LinearLayout distributed = layoutOf(load.getResult()).getLayout();
  int64_t width = 1, inMemory = 1;
  unsigned axis = 0, along = 0;
  for (unsigned d = 0; d < type.getRank(); ++d) {
    int64_t all = facts_.accessWidth(load.getPtr(), load.getMask(), d);
    int64_t w = distributed.vectorWidth(layout::kRegister, layout::tensorDimName(d), all);
    if (w > width)
      width = w, axis = d;
    if (all > inMemory)
      inMemory = all, along = d;
  }
  auto isCopied = [&](int64_t elements) {
    int64_t bytes = std::min<int64_t>(elements * bits / 8, 16);
    return bytes >= 1 && (copies >> layout::log2Exact(bytes) & 1);
  };
  if (inMemory = std::min<int64_t>(inMemory, 128 / bits); !isCopied(width) && isCopied(inMemory)) {
    LoadOp spread = llvm::all_of(load->getUsers(), [&](Operation *user) { return user->getBlock() == loop_.getBody(); })
                        ? spreadRow(load, along, inMemory)
                        : LoadOp();
    if (!spread)
      return false;
    load = spread;
    distributed = layoutOf(load.getResult()).getLayout();
    axis = along;
    width = distributed.vectorWidth(layout::kRegister, layout::tensorDimName(axis), inMemory);
  }
  std::string fastest = layout::tensorDimName(axis);
  int64_t bytes = std::min<int64_t>(width * bits / 8, 16);
  if (!isCopied(width))
    return false;

  StagedLoad staged;
  staged.op = load;
  staged.axis = axis;
  staged.width = width;
  LinearAttr shared;
  if (!collectUses(staged, shared, [](LinearAttr) { return true; }))
    return false;
  if (!shared) {
    const layout::LinearLayout &reader =
        staged.conversions.empty() ? distributed : layoutOf(staged.conversions.front().getResult()).getLayout();
    // The copy's vectors: the lowest elements of the dim that is contiguous in memory.
    layout::Vectors vector;
    for (int64_t elements = 1; elements * bits / 8 < bytes; elements *= 2)
      vector.push_back(static_cast<uint64_t>(elements) << distributed.outStart(fastest));
    shared =
        LinearAttr::get(load.getContext(), layout::swizzledFor(distributed, reader, bits, options_.memory, vector));
  }
  // The vectors of the copy must be vectors of the slot.
  layout::SharedAccess access = layout::analyseAccess(distributed, shared.getLayout(), bits, options_.memory);
  int64_t together = layout::alignedRuns(shared.getLayout(), layout::kOffset, fastest);
  if (std::min(access.vectorElements, together) * bits / 8 < bytes)
    return false;
  staged.slot = SharedType::get(type.getShape(), type.getElementType(), shared);
  loads_.push_back(std::move(staged));
  return true;
}

// Whether nothing that the loop does writes this buffer while a product of the last iteration may still read it: it becomes
// a slot of a ring, or was filled before the loop.
bool LoopLoads::staysFilled(Value shared) {
  while (auto transpose = shared.getDefiningOp<SharedTransposeOp>())
    shared = transpose.getSource();
  for (const StagedLoad &staged : loads_)
    for (SharedStoreOp store : staged.sharedStores)
      if (store.getShared() == shared)
        return true;
  Operation *alloc = shared.getDefiningOp();
  return alloc && !loop_->isProperAncestor(alloc) && llvm::none_of(shared.getUsers(), [&](Operation *user) {
           return loop_->isProperAncestor(user) && !isa<AsyncDotOp, SharedLoadOp>(user);
         });
}

// Products whose result only becomes their own c of the next iteration; 0 unless all of the loop's asynchronous products are
// such.
unsigned LoopLoads::accumulateOnly(llvm::function_ref<bool(Value)> outlasts) {
  unsigned count = 0;
  bool nested = false;
  for (Operation &op : *loop_.getBody()) {
    auto dot = dyn_cast<AsyncDotOp>(op);
    if (!dot) {
      op.walk([&](AsyncDotOp) { nested = true; });
      continue;
    }
    auto argument = dyn_cast<BlockArgument>(dot.getC());
    auto wait = dot->hasOneUse() ? dyn_cast<DotWaitOp>(*dot->user_begin()) : DotWaitOp();
    if (!argument || argument.getOwner() != loop_.getBody() || !argument.hasOneUse() || !wait ||
        wait.getValues().size() != 1 || !wait.getResults()[0].hasOneUse() || !isa<SharedType>(dot.getA().getType()) ||
        !outlasts(dot.getA()) || !outlasts(dot.getB()))
      return 0;
    OpOperand &use = *wait.getResults()[0].use_begin();
    if (!isa<scf::YieldOp>(use.getOwner()) || use.getOperandNumber() + 1 != argument.getArgNumber())
      return 0;
    ++count;
  }
  return nested ? 0 : count;
}

// Bytes that the body needs beside the rings: its own buffers, and at most one conversion or scratch at a time.
int64_t LoopLoads::sharedOfOneIteration() {
  llvm::DenseSet<Operation *> staged;
  for (const StagedLoad &load : loads_) {
    for (SharedStoreOp store : load.sharedStores)
      staged.insert(store.getShared().getDefiningOp());
    for (ConvertLayoutOp convert : load.conversions)
      staged.insert(convert);
    staged.insert(load.op);
  }
  uint64_t buffers = 0, most = 0;
  loop_.getBody()->walk([&](Operation *op) {
    if (staged.contains(op))
      return;
    if (auto alloc = dyn_cast<SharedAllocOp>(op))
      buffers += llvm::alignTo(bytesOf(alloc.getType()), kBufferAlignment);
    else
      most = std::max(most, transientBytes(op));
  });
  return static_cast<int64_t>(buffers + llvm::alignTo(most, kBufferAlignment));
}

uint64_t LoopLoads::transientBytes(Operation *op) {
  if (auto convert = dyn_cast<ConvertLayoutOp>(op)) {
    layout::ConversionPlan plan =
        costs_.plan(layoutOf(convert.getSource()), layoutOf(convert.getResult()), storageBits(convert.getType()));
    return plan.kind == layout::ConversionPlan::Shared ? plan.sharedBytes : 0;
  }
  if (isa<DescriptorLoadOp, DescriptorStoreOp>(op)) { // not started ahead: a copy with a buffer of its own
    auto tile =
        cast<RankedTensorType>(isa<DescriptorLoadOp>(op) ? op->getResult(0).getType() : op->getOperand(0).getType());
    return static_cast<uint64_t>(tile.getNumElements()) * storageBits(tile) / 8;
  }
  auto numWarps = static_cast<unsigned>(moduleOption(loop_->getParentOfType<ModuleOp>(), "num_warps", 4));
  return scratchBytes(op, target_.info(), numWarps);
}

} // namespace tessera::tile
