// FragmentReads.cpp - where tiles are read from shared memory, so that registers last
//
// Before: scf.for { %a = shared_load %sa ; %b = shared_load %sb ; %c = convert_layout %t ; … ; dot %a, %b ; … ; dot %c, %d }
// After:  scf.for { … ; %a = shared_load %sa ; %b = shared_load %sb ; dot %a, %b ; … ; %c = convert_layout %t ; dot %c, %d }
// The assembler moves no read over a barrier: what is read in front of one is held behind it, up to its product.
// Requires and keeps: LAYOUT level, before there are barriers between the lanes' accesses.  Why: docs/rationale/layouts.md.
//
// SPDX-License-Identifier: Apache-2.0
#include "core/transforms/layout/FragmentReads.h"

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
// A tile of fewer is not worth a read in every iteration.
constexpr uint64_t kLargeTile = 32;

// What tiles may hold in a loop; the rest is for what an iteration loads and for addresses.
static uint64_t roomForTiles(uint64_t registersOfLane) { return registersOfLane * 5 / 8; }

uint64_t registersFor(Value tile) {
  return llvm::divideCeil(
      static_cast<uint64_t>(layoutOf(tile).getLayout().inSize(layout::kRegister)) * storageBits(tile.getType()), 32);
}

static uint64_t carriedBy(scf::ForOp loop) {
  uint64_t registers = 0;
  for (Value carried : loop.getRegionIterArgs())
    registers += isTile(carried) ? registersFor(carried) : 0;
  return registers;
}

bool leavesRoomFor(scf::ForOp loop, uint64_t registers, uint64_t registersOfLane) {
  return registersOfLane == 0 || carriedBy(loop) + registers <= roomForTiles(registersOfLane);
}

// Whether an iteration carries and makes more for its products than a lane has room for.
static bool leavesNoRoom(scf::ForOp loop, uint64_t registersOfLane) {
  uint64_t registers = carriedBy(loop);
  for (Operation &op : *loop.getBody())
    if (isa<ConvertLayoutOp, SharedLoadOp>(op) && llvm::any_of(op.getUsers(), llvm::IsaPred<DotOp>))
      registers += registersFor(op.getResult(0));
  return registersOfLane != 0 && registers > roomForTiles(registersOfLane);
}

// The first op of the op's own block that needs its result.
static Operation *firstUser(Operation *op) {
  Operation *first = nullptr;
  for (Operation *user : op->getUsers()) {
    Operation *there = op->getBlock()->findAncestorOpInBlock(*user);
    first = there && (!first || there->isBeforeInBlock(first)) ? there : first;
  }
  return first;
}

void sinkFragment(ConvertLayoutOp op, uint64_t registersOfLane) {
  Operation *first = firstUser(op);
  auto dot = dyn_cast_or_null<DotOp>(first);
  if (!dot || registersFor(op.getSource()) >= registersFor(op.getResult()))
    return;
  auto loop = dyn_cast<scf::ForOp>(op->getParentOp());
  if (!dot.getInstruction() || (loop && leavesNoRoom(loop, registersOfLane)))
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

// What the tiles that a loop carries take, and those that loops around it carry which the tile is outside of.
static uint64_t carriedBeside(SharedLoadOp load, scf::ForOp loop) {
  uint64_t registers = 0;
  for (; loop && !loop->isAncestor(load); loop = loop->getParentOfType<scf::ForOp>())
    registers += carriedBy(loop);
  return registers;
}

// What other tiles take that are read from shared memory in front of a loop, for it.
static uint64_t keptBeside(SharedLoadOp load, scf::ForOp loop, ArrayRef<SharedLoadOp> kept) {
  uint64_t registers = 0;
  for (SharedLoadOp other : kept)
    if (other != load && llvm::is_contained(loopsOfUses(other), loop))
      registers += registersFor(other.getResult());
  return registers;
}

// A tile that only loops read would stay in registers all through them. Where it is large and a loop's own values and its other such tiles leave it no room, it
// stays in shared memory, and each iteration reads it from there: else the assembler keeps what does not fit in memory too, and reads it lane by lane.
// kept: the tiles that are read in front of loops. Whether this one no longer is; it is erased then.
static bool readInLoops(SharedLoadOp load, ArrayRef<SharedLoadOp> kept, const target::Target &target,
                        unsigned numWarps) {
  uint64_t registers = target.info().stated(target::Capability::RegsPerThread), own = registersFor(load.getResult());
  SmallVector<scf::ForOp, 2> loops = loopsOfUses(load);
  if (loops.empty() || registers == 0 || own < kLargeTile)
    return false;
  if (llvm::all_of(loops, [&](scf::ForOp loop) {
        return own + carriedBeside(load, loop) + keptBeside(load, loop, kept) <= roomForTiles(registers);
      }))
    return false;
  auto free = cast<SharedFreeOp>(*llvm::find_if(load.getShared().getUsers(), llvm::IsaPred<SharedFreeOp>));
  Operation *after = free, *before = free->getNextNode();
  for (scf::ForOp loop : loops) {
    Operation *there = load->getBlock()->findAncestorOpInBlock(*loop);
    if (!there || free->getBlock() != load->getBlock() || there->isBeforeInBlock(free))
      return false;
    if (after->isBeforeInBlock(there))
      after = there;
  }
  free->moveAfter(after);
  if (sharedBytesNeeded(load->getParentOfType<func::FuncOp>(), target, numWarps) > target.info().sharedBytes()) {
    free->moveBefore(before);
    return false;
  }
  for (OpOperand &use : llvm::make_early_inc_range(load->getUses())) {
    OpBuilder builder(use.getOwner());
    use.set(SharedLoadOp::create(builder, load.getLoc(), load.getType(), load.getShared()).getResult());
  }
  load->erase();
  return true;
}

// The op that named the buffer first, which slots and transposes are of.
static Value bufferBehind(Value shared) {
  while (Operation *op = shared.getDefiningOp())
    if (isa<SharedSlotOp, SharedTransposeOp>(op))
      shared = op->getOperand(0);
    else
      break;
  return shared;
}

// Whether what was allocated as `buffer` may be read behind the op as well as in front of it.
static bool leavesAlone(Operation &op, Value buffer) {
  if (isa<SharedStoreOp, SharedFreeOp>(op)) {
    Value other = bufferBehind(op.getOperand(0));
    return other != buffer && other.getDefiningOp<SharedAllocOp>();
  }
  return isMemoryEffectFree(&op) ||
         isa<SharedAllocOp, SharedLoadOp, SharedFenceOp, LoadOp, StoreOp, AsyncDotOp, DotWaitOp>(op);
}

// Reads fragments in front of the first op that needs them, in an iteration that has no room for all of them.
static void readLate(scf::ForOp loop, uint64_t registersOfLane) {
  if (!leavesNoRoom(loop, registersOfLane))
    return;
  SmallVector<SharedLoadOp> fragments;
  for (auto load : loop.getBody()->getOps<SharedLoadOp>())
    if (llvm::any_of(load->getUsers(), llvm::IsaPred<DotOp>) &&
        bufferBehind(load.getShared()).getDefiningOp<SharedAllocOp>())
      fragments.push_back(load);
  for (SharedLoadOp load : fragments) {
    Operation *first = firstUser(load), *at = load->getNextNode();
    Value buffer = bufferBehind(load.getShared());
    while (at != first && leavesAlone(*at, buffer))
      at = at->getNextNode();
    load->moveBefore(at);
  }
}

void placeReads(ModuleOp module, ArrayRef<SharedLoadOp> loads, const target::Target &target) {
  auto numWarps = static_cast<unsigned>(moduleOption(module, "num_warps", 4));
  for (SharedLoadOp load : loads)
    readForEach(load);
  // The largest ones first: few reads then make room for the others.
  SmallVector<SharedLoadOp> kept;
  for (SharedLoadOp load : loads) {
    uint64_t own = registersFor(load.getResult());
    kept.insert(llvm::find_if(kept, [&](SharedLoadOp other) { return registersFor(other.getResult()) < own; }), load);
  }
  for (size_t i = 0; i < kept.size();) {
    if (readInLoops(kept[i], kept, target, numWarps))
      kept.erase(kept.begin() + static_cast<ptrdiff_t>(i));
    else
      ++i;
  }
  uint64_t registersOfLane = target.info().stated(target::Capability::RegsPerThread);
  module.walk([&](scf::ForOp loop) { readLate(loop, registersOfLane); });
}

} // namespace tessera::tile
