// DelayStoreWaits.cpp - tensor stores of a loop run on beside its next iteration
//
// Before: scf.for { … ; %s = tile.shared_alloc ; shared_store %s, %v ; … ; tensor_store %s … ; tensor_store_wait 0 ; shared_free %s }
// After:  %s = tile.shared_alloc ; scf.for { … ; tensor_store_wait 0 ; shared_store %s, %v ; … ; tensor_store %s … } ; tensor_store_wait 0 ; shared_free %s
// Whoever stores a tile goes on with the next one while the copy engine reads this one. Every store of a block gets a buffer of its own, which lives around
// all loops, and waits for the store that read it an iteration ago: of n stores those of the others, n - 1, may still run. A buffer that lives longer can cost
// memory. Where separate buffers would leave room for fewer blocks (of four) the stores of a block share one, if they are of one type, and where
// that does, too, they stay as they are. A store that must be complete, since the kernel reads what it wrote, stays.
// Requires: LAYOUT level, conversions are buffers (LowerConversionsToShared).  Keeps: LAYOUT level.  The barrier behind the wait is inserted by InsertBarriers.
//
// SPDX-License-Identifier: Apache-2.0
#include "core/transforms/layout/LayoutQuestions.h"
#include "core/transforms/layout/Passes.h"
#include "core/transforms/layout/SharedUse.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;

namespace tessera::tile {
namespace {

// Blocks that fill each other's waits; registers seldom leave room for more.
constexpr uint64_t kEnoughBlocks = 4;

// A store by the copy engine and what belongs to it, all in one block.
struct StagedStore {
  SharedAllocOp buffer;
  SharedStoreOp fill;
  TensorStoreOp store;
  TensorStoreWaitOp wait;
  SharedFreeOp free;
};

class StoreDelayer {
public:
  StoreDelayer(func::FuncOp function, const target::Target &target, unsigned numWarps)
      : function_(function), target_(target), numWarps_(numWarps) {}
  unsigned run();

private:
  // As many as shared memory has room for; more than kEnoughBlocks are worth no more.
  uint64_t blocks() const {
    uint64_t bytes = std::max<uint64_t>(sharedBytesNeeded(function_, target_, numWarps_), 1);
    return std::min(target_.info().sharedBytes() / bytes, kEnoughBlocks);
  }
  bool delay(MutableArrayRef<StagedStore> stores, Operation *outermost);

  func::FuncOp function_;
  const target::Target &target_;
  unsigned numWarps_;
};

} // namespace

// As LowerTensorCopies leaves a store that need not be complete; without a store where it is not.
static StagedStore stagedStoreOf(TensorStoreOp store) {
  StagedStore found;
  found.buffer = store.getShared().getDefiningOp<SharedAllocOp>();
  found.wait = dyn_cast_or_null<TensorStoreWaitOp>(store->getNextNode());
  if (!found.buffer || !found.wait || found.wait.getPending() || found.wait.getComplete())
    return {};
  for (Operation *user : found.buffer->getUsers()) {
    if (user->getBlock() != store->getBlock())
      return {};
    if (auto fill = dyn_cast<SharedStoreOp>(user); fill && !found.fill)
      found.fill = fill;
    else if (auto free = dyn_cast<SharedFreeOp>(user))
      found.free = free;
    else if (user != store)
      return {};
  }
  if (found.fill && found.free)
    found.store = store;
  return found;
}

static Operation *outermostLoop(Operation *op) {
  Operation *loop = nullptr;
  for (Operation *around = op->getParentOp(); !isa<func::FuncOp, RolesOp>(around); around = around->getParentOp())
    if (isa<LoopLikeOpInterface>(around))
      loop = around;
  return loop;
}

// Takes the stores of one block, in their order; false: nothing was changed.
bool StoreDelayer::delay(MutableArrayRef<StagedStore> stores, Operation *outermost) {
  uint64_t before = blocks();
  SmallVector<Operation *> places; // what each buffer stood in front of, and each free behind
  for (StagedStore &s : stores) {
    places.push_back(s.buffer->getNextNode());
    places.push_back(s.free->getPrevNode());
    s.buffer->moveBefore(outermost);
    s.free->moveAfter(outermost);
  }
  size_t buffers = stores.size();
  if (blocks() < before) {
    SharedAllocOp one = stores.front().buffer;
    auto isAlike = [&](StagedStore &s) { return s.buffer.getType() == one.getType(); };
    bool fits = false;
    if (buffers > 1 && llvm::all_of(stores, isAlike)) {
      // The others' places are empty while this is asked.
      SmallVector<std::pair<OpOperand *, Value>> undo;
      for (StagedStore &s : stores.drop_front())
        for (OpOperand &use : llvm::make_early_inc_range(s.buffer->getUses())) {
          undo.emplace_back(&use, s.buffer);
          use.set(one);
        }
      for (StagedStore &s : stores.drop_front())
        s.buffer->remove();
      fits = blocks() >= before;
      for (StagedStore &s : llvm::reverse(stores.drop_front()))
        outermost->getBlock()->getOperations().insert(Block::iterator(outermost), s.buffer);
      if (!fits)
        for (auto [use, value] : undo)
          use->set(value);
    }
    if (!fits) {
      for (size_t i = stores.size(); i-- > 0;) {
        stores[i].buffer->moveBefore(places[2 * i]);
        stores[i].free->moveAfter(places[2 * i + 1]);
      }
      return false;
    }
    for (StagedStore &s : stores.drop_front()) {
      s.free.erase();
      s.buffer.erase();
    }
    buffers = 1;
  }
  for (StagedStore &s : stores) {
    s.wait->moveBefore(s.fill);
    s.wait.setPending(static_cast<int32_t>(buffers - 1));
  }
  OpBuilder builder(outermost->getContext());
  builder.setInsertionPointAfter(outermost);
  TensorStoreWaitOp::create(builder, stores.front().store.getLoc(), 0, /*complete=*/false);
  return true;
}

unsigned StoreDelayer::run() {
  llvm::MapVector<Block *, SmallVector<StagedStore>> byBlock;
  function_.walk([&](TensorStoreOp store) {
    if (StagedStore found = stagedStoreOf(store); found.store && outermostLoop(store))
      byBlock[store->getBlock()].push_back(found);
  });
  unsigned count = 0;
  for (auto &[block, stores] : byBlock)
    if (delay(stores, outermostLoop(stores.front().store)))
      count += static_cast<unsigned>(stores.size());
  return count;
}

StepResult delayStoreWaits(ModuleOp module, const target::Target &target) {
  StepResult result;
  auto numWarps = static_cast<unsigned>(moduleOption(module, "num_warps", 4));
  module.walk([&](func::FuncOp function) { result.count += StoreDelayer(function, target, numWarps).run(); });
  return result;
}

} // namespace tessera::tile
