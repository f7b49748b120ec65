// CopyLargeLoads.cpp - what an iteration loads for shared memory alone, and has no registers for, is copied there
//
// Before: scf.for { %x = tile.load %p mask %m ; %y = reshape %x ; shared_store %s, %y ; %z = shared_load %s ; … }
// After:  scf.for { %q = reshape %p ; %n = reshape %m ; async_load %s, %q mask %n ; async_commit ; async_wait 0 ; %z = shared_load %s ; … }
// A lane that loads first holds all of it over the barrier that protects the buffer. These are loads that no ring could be made for: gathers by indices of the same
// iteration, and tiles of which two slots have no room.
// Requires: LAYOUT level, before there are barriers between the lanes' accesses.  Keeps: LAYOUT level.  More: docs/rationale/layouts.md.
//
// SPDX-License-Identifier: Apache-2.0
#include "core/analysis/AxisFacts.h"
#include "core/layout/AlignedRuns.h"
#include "core/layout/SharedAccess.h"
#include "core/layout/TensorLayouts.h"
#include "core/transforms/layout/ConversionCosts.h"
#include "core/transforms/layout/FragmentReads.h"
#include "core/transforms/layout/LayoutQuestions.h"
#include "core/transforms/layout/LoopAhead.h"
#include "core/transforms/layout/Passes.h"
#include "core/transforms/layout/SharedUse.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace tessera::tile {
namespace {

// Registers of a lane: loads of fewer are left to it, which need no wait of their own.
constexpr uint64_t kLargeLoad = 64;

struct LargeLoad {
  LoadOp load;
  SmallVector<Operation *, 2> reorders; // reshapes and transposes, from the load on
  SharedStoreOp store;
  unsigned axis = 0; // of what is stored: runs along it are copied at once
  int64_t width = 1; // of their elements
  SharedType buffer;
};

class Copier {
public:
  Copier(scf::ForOp loop, const AxisFacts &facts, const target::Target &target)
      : loop_(loop), facts_(facts), target_(target), memory_(conversionOptions(target.info()).memory) {}
  // How many loads became copies.
  unsigned run();

private:
  bool findRuns(LargeLoad &large) const;
  bool findBuffer(LargeLoad &large) const;
  void copy(LargeLoad &large) const;

  scf::ForOp loop_;
  const AxisFacts &facts_;
  const target::Target &target_;
  layout::SharedMemory memory_;
};

} // namespace

// Whether the load may as well read where it is stored: nothing in between writes global memory or orders accesses of it.
static bool mayReadAt(LoadOp load, SharedStoreOp store) {
  for (Operation *op = load->getNextNode(); op != store; op = op->getNextNode())
    if (!isMemoryEffectFree(op) &&
        !isa<LoadOp, SharedAllocOp, SharedStoreOp, SharedLoadOp, SharedFreeOp, SharedSlotOp>(op))
      return false;
  return true;
}

// The load whose value the store alone uses, reordered at most.
static bool findLoad(LargeLoad &large) {
  Value value = large.store.getValue();
  while (Operation *op = value.getDefiningOp()) {
    if (!op->hasOneUse() || op->getBlock() != large.store->getBlock())
      return false;
    if (auto load = dyn_cast<LoadOp>(op)) {
      large.load = load;
      std::reverse(large.reorders.begin(), large.reorders.end());
      return !load.getIsVolatile() && (!load.getOther() || isZeroTile(load.getOther())) && mayReadAt(load, large.store);
    }
    auto reshape = dyn_cast<ReshapeOp>(op);
    if (!isa<TransposeOp>(op) && (!reshape || reshape.getAllowReorder()))
      return false;
    large.reorders.push_back(op);
    value = op->getOperand(0);
  }
  return false;
}

// The dim along which neighbours of the load are neighbours in memory, as what is stored has it, and how many a lane has together.
bool Copier::findRuns(LargeLoad &large) const {
  auto type = cast<RankedTensorType>(large.load.getResult().getType());
  if (!type.getElementType().isIntOrFloat() || type.getElementType().isInteger(1))
    return false;
  int64_t width = 1;
  unsigned axis = 0;
  for (unsigned d = 0; d < type.getRank(); ++d)
    if (int64_t w = facts_.accessWidth(large.load.getPtr(), large.load.getMask(), d); w > width)
      width = w, axis = d;
  for (Operation *op : large.reorders) {
    auto from = cast<RankedTensorType>(op->getOperand(0).getType()),
         to = cast<RankedTensorType>(op->getResult(0).getType());
    if (auto transpose = dyn_cast<TransposeOp>(op)) {
      axis = static_cast<unsigned>(llvm::find(transpose.getOrder(), static_cast<int32_t>(axis)) -
                                   transpose.getOrder().begin());
    } else {
      if (width > 1 && axis + 1 != from.getRank())
        return false;
      axis = static_cast<unsigned>(to.getRank()) - 1;
      width = std::min(width, to.getShape()[axis]);
    }
  }
  layout::LinearLayout stored = layoutOf(large.store.getValue()).getLayout();
  unsigned bits = storageBits(type);
  width = std::min<int64_t>(stored.vectorWidth(layout::kRegister, layout::tensorDimName(axis), width),
                            std::max(128 / bits, 1U));
  int64_t bytes = width * bits / 8;
  large.axis = axis, large.width = width;
  return bytes >= 1 && (target_.info().stated(target::Capability::AsyncCopy) >> layout::log2Exact(bytes) & 1);
}

// The buffer, laid out so that a copy's run is one; read by lanes only.
bool Copier::findBuffer(LargeLoad &large) const {
  auto alloc = large.store.getShared().getDefiningOp<SharedAllocOp>();
  if (!alloc || alloc.getSlots() || alloc->getBlock() != large.store->getBlock())
    return false;
  SharedLoadOp reader;
  for (Operation *user : alloc->getUsers()) {
    if (auto load = dyn_cast<SharedLoadOp>(user))
      reader = load;
    else if (user != large.store && !isa<SharedFreeOp>(user))
      return false;
  }
  if (!reader)
    return false;
  LinearAttr stored = layoutOf(large.store.getValue());
  auto type = cast<RankedTensorType>(large.store.getValue().getType());
  unsigned bits = storageBits(type);
  std::string fastest = layout::tensorDimName(large.axis);
  layout::Vectors run;
  for (int64_t elements = 1; elements < large.width; elements *= 2)
    run.push_back(static_cast<uint64_t>(elements) << stored.getLayout().outStart(fastest));
  auto shared = LinearAttr::get(
      large.load.getContext(),
      layout::swizzledFor(stored.getLayout(), layoutOf(reader.getResult()).getLayout(), bits, memory_, run));
  layout::SharedAccess access = layout::analyseAccess(stored.getLayout(), shared.getLayout(), bits, memory_);
  if (std::min<int64_t>(access.vectorElements, layout::alignedRuns(shared.getLayout(), layout::kOffset, fastest)) <
      large.width)
    return false;
  large.buffer = SharedType::get(type.getShape(), type.getElementType(), shared);
  return bytesOf(large.buffer) == bytesOf(cast<SharedType>(alloc.getType()));
}

void Copier::copy(LargeLoad &large) const {
  OpBuilder builder(large.store);
  Location loc = large.load.getLoc();
  auto reordered = [&](Value value) {
    for (Operation *op : large.reorders) {
      auto type = cast<RankedTensorType>(op->getResult(0).getType());
      auto own = cast<RankedTensorType>(value.getType());
      Operation *clone = builder.clone(*op);
      clone->setOperand(0, value);
      clone->getResult(0).setType(RankedTensorType::get(type.getShape(), own.getElementType(), type.getEncoding()));
      value = clone->getResult(0);
    }
    return value;
  };
  Value pointer = reordered(large.load.getPtr());
  Value mask = large.load.getMask() ? reordered(large.load.getMask()) : Value();
  Value buffer = large.store.getShared();
  buffer.setType(large.buffer);
  auto copy = AsyncLoadOp::create(builder, loc, buffer, pointer, mask, large.load.getCache(), large.load.getEvict());
  copy->setDiscardableAttr(kAccessAxisAttr, builder.getI32IntegerAttr(static_cast<int32_t>(large.axis)));
  copy->setDiscardableAttr(kAccessWidthAttr, builder.getI32IntegerAttr(static_cast<int32_t>(large.width)));
  AsyncCommitOp::create(builder, loc);
  AsyncWaitOp::create(builder, loc, 0);
  large.store.erase();
  for (Operation *op : llvm::reverse(large.reorders))
    op->erase();
  large.load.erase();
}

unsigned Copier::run() {
  SmallVector<LargeLoad> found;
  uint64_t registers = target_.info().stated(target::Capability::RegsPerThread);
  for (auto store : loop_.getBody()->getOps<SharedStoreOp>()) {
    LargeLoad large;
    large.store = store;
    uint64_t own = registersFor(store.getValue());
    if (own >= kLargeLoad && !leavesRoomFor(loop_, own, registers) && findLoad(large) && findRuns(large) &&
        findBuffer(large))
      found.push_back(large);
  }
  for (LargeLoad &large : found)
    copy(large);
  return static_cast<unsigned>(found.size());
}

StepResult copyLargeLoads(ModuleOp module, const target::Target &target) {
  StepResult result;
  if (!target.info().stated(target::Capability::AsyncCopy))
    return result;
  module.walk([&](func::FuncOp function) {
    SmallVector<scf::ForOp> loops;
    function.walk([&](scf::ForOp loop) { loops.push_back(loop); });
    if (loops.empty())
      return;
    AxisFacts facts(function);
    for (scf::ForOp loop : loops)
      result.count += Copier(loop, facts, target).run();
  });
  return result;
}

} // namespace tessera::tile
