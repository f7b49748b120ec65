// InsertBarriers.cpp - order accesses of shared and of global memory where a hazard needs it
//
// Before: tile.shared_store %s, %x ; %y = tile.shared_load %s
// After:  tile.shared_store %s, %x ; tile.barrier ; %y = tile.shared_load %s
// Walks each kernel with the bytes read and the bytes written since the last barrier on any path; an access that meets
// them, one of the two a write, gets a barrier before it. A loop's body is walked until what reaches its start no longer
// grows, so accesses of the next iteration count. Barriers that are there already (the user's) count too. A barrier that an innermost loop would have in
// each iteration only because of what came before the loop stands in front of it.
// Global memory too: GlobalOrder says which two accesses lanes may have in common (a tile that is stored where it was loaded, its elements moved). Ops with scratch have
// a barrier of their own, which counts for global memory.
// A scalar atomic that releases publishes what all lanes wrote to global memory before it (a lock is given back, a counter
// says that a part is there), so it too gets a barrier where some lane may still be reading or writing.
// Requires: planned offsets (AllocateSharedMemory).  Establishes: between two accesses of one byte, at least one of them a
// write, every path has a barrier.  Control flow is uniform: conditions are scalars.
// Of fences in a row, only the last stays.
// Scratch of an op: written, then read by the op itself after its own barrier; to its neighbours it is one write and read. The barrier of a
// reduction or scan is one that all lanes come to: accesses before the op are ordered before those behind it, and only its reads are left.
//
// SPDX-License-Identifier: Apache-2.0
#include "core/transforms/layout/GlobalOrder.h"
#include "core/transforms/layout/LayoutQuestions.h"
#include "core/transforms/layout/Passes.h"
#include "core/transforms/layout/SharedUse.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace tessera::tile {
namespace {

// A range, and the ring that it is: from its shared_alloc on, a ring's accesses are ordered by whoever made it.
struct Touched : SharedRange {
  Operation *ring = nullptr;
  bool conflicts(const Touched &other) const { return meets(other) && !(ring && ring == other.ring); }
};

struct Pending {
  SmallVector<Touched> reads, writes;
  bool global = false; // tiles of global memory were read or written
  SmallVector<GlobalAccess> accesses;

  static bool add(SmallVector<Touched> &to, const Touched &range) {
    for (const Touched &have : to)
      if (have.begin <= range.begin && range.end <= have.end && have.ring == range.ring)
        return false;
    to.push_back(range);
    return true;
  }
  static bool add(SmallVector<GlobalAccess> &to, const GlobalAccess &access) {
    return !llvm::is_contained(to, access) && (to.push_back(access), true);
  }
  // The loop begins another iteration.
  void comeRound(Operation *loop) {
    SmallVector<GlobalAccess> before = std::move(accesses);
    accesses.clear();
    for (GlobalAccess &access : before) {
      if (loop->isAncestor(access.op) && (!access.loop || loop->isAncestor(access.loop)))
        access.loop = loop;
      add(accesses, access);
    }
  }
  bool join(const Pending &other) {
    bool grown = other.global && !global;
    global |= other.global;
    for (const GlobalAccess &access : other.accesses)
      grown |= add(accesses, access);
    for (const Touched &range : other.reads)
      grown |= add(reads, range);
    for (const Touched &range : other.writes)
      grown |= add(writes, range);
    return grown;
  }
  // The life of a ring is over: its accesses are those of an ordinary buffer.
  void end(SharedAllocOp ring) {
    for (SmallVector<Touched> *ranges : {&reads, &writes})
      for (Touched &range : *ranges)
        if (range.ring == ring)
          range.ring = nullptr;
  }
  static bool meets(const SmallVector<Touched> &ranges, const Touched &range) {
    return llvm::any_of(ranges, [&](const Touched &have) { return have.conflicts(range); });
  }
};

class BarrierInserter {
public:
  BarrierInserter(func::FuncOp function, int64_t sharedBytes) : order_(function), sharedBytes_(sharedBytes) {}
  void walk(Region &region, Pending &pending);
  unsigned inserted() const { return static_cast<unsigned>(inserted_.size()); }

private:
  void visit(Operation *op, Pending &pending);
  void insertBefore(Operation *op, Pending &pending);
  void walkLoop(Operation *loop, Pending &pending);
  void visitLoop(Operation *loop, Pending &pending);
  void access(Operation *op, Touched range, bool reads, bool writes, Pending &pending);
  void accessGlobal(Operation *op, Pending &pending);
  Touched rangeOf(Value shared) const;

  // What runs beside the lanes: it counts again where it is awaited, as if it happened there.
  SmallVector<Touched> copies_, products_;
  SmallVector<Operation *> globalCopies_; // async_load
  SmallVector<Operation *> inserted_;

  GlobalOrder order_;
  int64_t sharedBytes_;
};

} // namespace

// A buffer under another name may be any of them.
Touched BarrierInserter::rangeOf(Value shared) const {
  while (Operation *op = shared.getDefiningOp()) {
    if (!isa<SharedSlotOp, SharedTransposeOp>(op))
      break;
    shared = op->getOperand(0);
  }
  auto alloc = shared.getDefiningOp<SharedAllocOp>();
  std::optional<SharedRange> range = alloc ? plannedRange(alloc) : std::nullopt;
  return {range.value_or(SharedRange{0, std::max<int64_t>(sharedBytes_, 1)}),
          alloc && alloc.getSlots() ? alloc : nullptr};
}

void BarrierInserter::insertBefore(Operation *op, Pending &pending) {
  OpBuilder builder(op);
  inserted_.push_back(BarrierOp::create(builder, op->getLoc()));
  pending = {};
}

// One lane performs a scalar atomic for all of them.
static bool isScalarRelease(Operation *op) {
  auto releases = [](MemSem sem) { return sem == MemSem::AcqRel || sem == MemSem::Release; };
  if (auto rmw = dyn_cast<AtomicRmwOp>(op))
    return !isTile(rmw.getPtr()) && releases(rmw.getSem());
  auto cas = dyn_cast<AtomicCasOp>(op);
  return cas && !isTile(cas.getPtr()) && releases(cas.getSem());
}

void BarrierInserter::access(Operation *op, Touched range, bool reads, bool writes, Pending &pending) {
  bool hazard = Pending::meets(pending.writes, range) || (writes && Pending::meets(pending.reads, range));
  if (hazard)
    insertBefore(op, pending);
  if (reads)
    Pending::add(pending.reads, range);
  if (writes)
    Pending::add(pending.writes, range);
}

void BarrierInserter::accessGlobal(Operation *op, Pending &pending) {
  if (llvm::any_of(pending.accesses, [&](const GlobalAccess &earlier) { return order_.needsBarrier(earlier, op); }))
    insertBefore(op, pending);
  Pending::add(pending.accesses, {op});
}

void BarrierInserter::visit(Operation *op, Pending &pending) {
  if (isScalarRelease(op) && pending.global)
    insertBefore(op, pending);
  if (GlobalOrder::isAccess(op))
    accessGlobal(op, pending);
  if (isa<LoadOp, StoreOp, AtomicRmwOp, AtomicCasOp>(op) && isTile(op->getOperand(0)))
    pending.global = true;
  if (isa<BarrierOp>(op))
    pending = {};
  else if (auto alloc = dyn_cast<SharedAllocOp>(op))
    pending.end(alloc); // an outer loop has come round: what this ring was before orders like anything else
  else if (auto store = dyn_cast<SharedStoreOp>(op))
    access(op, rangeOf(store.getShared()), false, true, pending);
  else if (auto load = dyn_cast<SharedLoadOp>(op))
    access(op, rangeOf(load.getShared()), true, false, pending);
  else if (auto copy = dyn_cast<AsyncLoadOp>(op)) {
    Touched range = rangeOf(copy.getShared());
    access(op, range, false, true, pending);
    Pending::add(copies_, range);
    if (!llvm::is_contained(globalCopies_, op))
      globalCopies_.push_back(op);
  } else if (auto dot = dyn_cast<AsyncDotOp>(op)) {
    for (Value operand : {Value(dot.getA()), Value(dot.getB())})
      if (isa<SharedType>(operand.getType())) {
        Touched range = rangeOf(operand);
        access(op, range, true, false, pending);
        Pending::add(products_, range);
      }
  } else if (auto copy = dyn_cast<TensorLoadOp>(op)) {
    // Only what comes before: whoever uses the bytes next has waited for the copy barrier.
    Touched range = rangeOf(copy.getShared());
    if (Pending::meets(pending.writes, range) || Pending::meets(pending.reads, range))
      insertBefore(op, pending);
  } else if (auto store = dyn_cast<TensorStoreOp>(op)) {
    Touched range = rangeOf(store.getShared());
    access(op, range, true, false, pending);
    Pending::add(products_, range);
    pending.global = true;
  } else if (auto init = dyn_cast<CopyBarrierInitOp>(op)) {
    access(op, rangeOf(init.getBarrier()), false, true, pending);
  } else if (isa<CopyBarrierWaitOp, CopyArriveOp>(op)) {
    access(op, rangeOf(op->getOperand(0)), true, false, pending);
  } else if (auto end = dyn_cast<CopyBarrierEndOp>(op)) {
    access(op, rangeOf(end.getBarrier()), false, true, pending);
  } else if (isa<AsyncWaitOp>(op)) {
    for (const Touched &range : copies_)
      Pending::add(pending.writes, range);
    for (Operation *copy : globalCopies_)
      Pending::add(pending.accesses, {copy, nullptr, true});
  } else if (isa<DotWaitOp, TensorStoreWaitOp>(op)) {
    for (const Touched &range : products_)
      Pending::add(pending.reads, range);
  } else if (std::optional<SharedRange> scratch = plannedRange(op); scratch && !isa<SharedAllocOp>(op)) {
    access(op, {*scratch}, true, true, pending);
    pending.accesses.clear(); // all lanes come to a barrier of the op's
    if (waitsForAllLanes(op)) {
      pending = {};
      Pending::add(pending.reads, {*scratch});
    }
  } else if (auto roles = dyn_cast<RolesOp>(op)) {
    // The copies touch rings alone, ordered by copy barriers, and stand behind a barrier; a barrier in the work is one of its own lanes.
    walk(roles.getWork(), pending);
  } else if (auto branch = dyn_cast<scf::IfOp>(op)) {
    Pending otherwise = pending;
    walk(branch.getThenRegion(), pending);
    walk(branch.getElseRegion(), otherwise);
    pending.join(otherwise);
  } else if (isa<scf::ForOp, scf::WhileOp>(op)) {
    visitLoop(op, pending);
  }
}

// The body may run any number of times: join until the state at its start is stable. A barrier inserted in one round is there in the next, so the rounds end.
void BarrierInserter::walkLoop(Operation *loop, Pending &pending) {
  Pending entry = pending;
  while (true) {
    // What an op awaits in its iteration may have started behind it, in the one before.
    size_t running = copies_.size() + products_.size() + globalCopies_.size();
    Pending state = entry, leaving = entry;
    for (Region &region : loop->getRegions()) {
      walk(region, state);
      leaving.join(state); // a while leaves after its first region
    }
    state.comeRound(loop);
    if (!entry.join(state) && copies_.size() + products_.size() + globalCopies_.size() == running) {
      pending = leaving;
      break;
    }
  }
}

// Tries the loop as it is entered, then as it is behind a barrier, which is worth it where it saves one in each iteration: what lanes write once for all iterations
// (the queries of an attention, say) is ordered once. Of innermost loops, so that walks of nests do not multiply.
void BarrierInserter::visitLoop(Operation *loop, Pending &pending) {
  bool isInnermost = !loop->walk([&](Operation *op) {
                            bool isInner = op != loop && isa<scf::ForOp, scf::WhileOp>(op);
                            return isInner ? WalkResult::interrupt() : WalkResult::advance();
                          })
                          .wasInterrupted();
  size_t before = inserted_.size();
  const Pending entry = pending;
  const SmallVector<Touched> copies = copies_, products = products_;
  walkLoop(loop, pending);
  size_t within = inserted_.size() - before;
  if (!isInnermost || !within)
    return;
  auto again = [&](Pending start) {
    while (inserted_.size() > before)
      inserted_.pop_back_val()->erase();
    copies_ = copies;
    products_ = products;
    pending = std::move(start);
    walkLoop(loop, pending);
  };
  again({});
  if (inserted_.size() - before == within)
    return again(entry);
  Pending behind = pending, start = entry;
  insertBefore(loop, start);
  pending = std::move(behind);
}

void BarrierInserter::walk(Region &region, Pending &pending) {
  for (Block &block : region)
    for (Operation &op : llvm::make_early_inc_range(block))
      visit(&op, pending);
}

// A fence covers all that its lane wrote before: of those that nothing but lanes' own work lies between, the last one is enough. Each waits for the lane's accesses.
static void dropFencesBeforeFences(func::FuncOp function) {
  function.walk([](Block *block) {
    SharedFenceOp last;
    for (Operation &op : llvm::make_early_inc_range(*block)) {
      if (auto fence = dyn_cast<SharedFenceOp>(op)) {
        if (last)
          last.erase();
        last = fence;
      } else if (op.getNumRegions() ||
                 isa<AsyncDotOp, TensorLoadOp, TensorStoreOp, CopyBarrierInitOp, CopyExpectOp, CopyArriveOp>(op)) {
        last = nullptr;
      }
    }
  });
}

StepResult insertBarriers(ModuleOp module, const target::Target &target) {
  StepResult result;
  int64_t sharedBytes = moduleOption(module, "shared_bytes", 0);
  module.walk([&](func::FuncOp function) {
    dropFencesBeforeFences(function);
    BarrierInserter inserter(function, sharedBytes);
    Pending pending;
    inserter.walk(function.getBody(), pending);
    result.count += inserter.inserted();
  });
  return result;
}

} // namespace tessera::tile
