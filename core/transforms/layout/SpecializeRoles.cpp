// SpecializeRoles.cpp - subgroups that only copy, beside those that compute
//
// Before: scf.for %tile … { scf.for %k … { %a = tile.descriptor_load … ; … dot } … tile.descriptor_store … }   {warp_specialize}
// After:  tile.roles copies { scf.for %tile … { scf.for %k … { wait until the slot is empty ; copy_expect ; tensor_load } } }
//                    work   { scf.for %tile … { scf.for %k … { wait until the slot is full ; … dot ; copy_arrive at its empty barrier } … store } }
// The copying role is what the kernel's control flow and scalars leave when everything but the loads is taken out; it goes on to the next tile
// while the work stores the last one. Every ring has a full and an empty barrier a slot. Slot and parity are carried through all loops around the
// specialised one, so that a ring outlives it. Loads that reach one product first share their barriers.
// Which loops: those innermost in a loop that says warp_specialize, whose loads are all by descriptor and which have a dot; their coordinates,
// bounds and the loops around them follow from scalars; nothing stores to what they load. Others stay as they are, with a remark. In a kernel that
// asks for nothing: its only innermost loop, where roles win (SpecializedLoop::wins), unless the module's option auto_warp_specialize is 0.
// Requires: LAYOUT level, before PipelineLoops, which takes the loops that are left.  Keeps: LAYOUT level.  docs/rationale/roles.md
//
// SPDX-License-Identifier: Apache-2.0
#include "core/transforms/layout/LayoutQuestions.h"
#include "core/transforms/layout/LoopAhead.h"
#include "core/transforms/layout/LoopLoads.h"
#include "core/transforms/layout/Passes.h"
#include "core/transforms/layout/ScalarSlice.h"
#include "core/transforms/layout/ScheduleProducts.h"
#include "core/transforms/layout/SlotReaders.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Iterators.h"
#include "mlir/IR/PatternMatch.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace tessera::tile {
namespace {

constexpr int64_t kWarpSpecialize = 2;     // bit 1 of loop_flags
constexpr int64_t kRegistersOfCopies = 40; // coordinates, addresses and barriers of a few loads
// Beside products and weights, of lanes that compute on them, and what roles may leave them short of a lane's most.
constexpr uint64_t kRegistersOfWork = 72;
// Beside the sums of a loop that only multiplies: an assembler gave it 154 with 128 of sums, 90 with 64 (docs/rationale/roles.md).
constexpr uint64_t kRegistersOfLanes = 26;

class SpecializedLoop : LoopLoads {
public:
  SpecializedLoop(scf::ForOp loop, const AxisFacts &facts, const target::Target &target)
      : LoopLoads(loop, facts, target) {}
  // Why the loop stays as it is; empty: build() may be called. sharedLeft: bytes that no ring of another loop has. before: a planned loop, or null; if it is
  // followed by this one, and its slots hold the same, its rings go on here.
  std::string plan(func::FuncOp function, int64_t sharedLeft, int64_t stages, SpecializedLoop *before);
  bool isAttention() const { return overlaps_; }
  bool borrows() const { return lender_ != nullptr; }
  // Whether roles are faster than loads ahead, for a planned loop that nobody asked them for.
  bool wins(func::FuncOp function, int64_t warps, int64_t stages);
  int64_t ringBytes() const;
  uint64_t registersOfSums(); // of a lane: the results of the loop's products
  // Whether the groups of an attention are to take turns with the matrix unit.
  bool takesTurns(int64_t warps);
  // The loop with slots in place of loads, inside of the work. `before`: where rings and barriers are made. Gives the ops of the copying role to `copies`.
  void build(OpBuilder &before, TensorMaps &maps, int64_t warps, llvm::SetVector<Operation *> &copies);
  Location loc() { return loop_.getLoc(); }
  InFlightDiagnostic remark() { return loop_->emitRemark(); }

private:
  struct Ring {
    StagedLoad load;
    Value ring, slot; // slot: the one that the iteration works on
    Value map;
    SmallVector<Value> coordinates;
  };
  // Loads with one pair of copy barriers a slot.
  struct Group {
    Operation *user = nullptr;                   // that takes their values first
    Operation *first = nullptr, *last = nullptr; // between these their slots are read
    bool late = false;                           // until the next iteration: by a product that runs on
    Operation *byLanes = nullptr;                // the last op with which lanes read them, into registers
    Operation *fence = nullptr;                  // of the loop's own behind it
    SmallVector<unsigned, 2> rings;
    Value full, empty;
    bool needsFence() const { return byLanes && !fence; }
  };
  int64_t transientOutside(func::FuncOp function);
  bool lendsTo(const SpecializedLoop &next) const;
  void carryRingState();
  void useSlots(Ring &ring);
  void formGroups(ArrayRef<Value> running);
  const Group *groupOf(unsigned ring) const {
    return &*llvm::find_if(groups_, [&](const Group &group) { return llvm::is_contained(group.rings, ring); });
  }
  void makeCopies(OpBuilder &builder, Group &group, llvm::SetVector<Operation *> &copies);
  SmallVector<Value> awaitLater();
  void releaseLate(ArrayRef<Value> sums);

  SpecializedLoop *lender_ = nullptr; // whose rings and copy barriers these are
  int64_t slots_ = 0;
  unsigned inFlight_ = 0; // products that only add to their sum and run on into the next iteration
  bool overlaps_ = false; // other products run on (ScheduleProducts.h)
  std::vector<Ring> rings_;
  std::vector<Group> groups_;
  Value slot_, parity_; // iteration arguments
};

} // namespace

static Value constantI32(OpBuilder &builder, Location loc, int64_t value) {
  return arith::ConstantOp::create(builder, loc, builder.getI32IntegerAttr(static_cast<int32_t>(value)));
}

// ---- whether -----------------------------------------------------------------------------------------------------------

// Whether the copy fills buffers of the matrix unit, which are counted as such, and needs none of its own.
static bool goesToBuffers(DescriptorLoadOp load, const target::TargetInfo &info) {
  return llvm::all_of(load.getResult().getUsers(), [&](Operation *user) {
    auto store = dyn_cast<SharedStoreOp>(user);
    return store && tensorCopyPlan(store.getShared().getType(), info);
  });
}

// What ops outside of the loop need in passing while the rings are there.
int64_t SpecializedLoop::transientOutside(func::FuncOp function) {
  bool isNested = loop_->getParentOp() != function;
  uint64_t most = 0, buffers = 0;
  DenseMap<Block *, uint64_t>
      loaded; // loads by descriptor of a block may start together, in half of the memory (LowerTensorCopies)
  function.walk([&](Operation *op) {
    // The rings' bytes are free again behind the loop, unless it comes again.
    Operation *there = loop_->getBlock()->findAncestorOpInBlock(*op);
    bool behind = !isNested && there && loop_->isBeforeInBlock(there);
    if (loop_->isAncestor(op) || behind || (lender_ && lender_->loop_->isAncestor(op)))
      return;
    if (auto alloc = dyn_cast<SharedAllocOp>(op))
      buffers += llvm::alignTo(bytesOf(alloc.getType()), kBufferAlignment);
    uint64_t own = transientBytes(op);
    if (auto load = dyn_cast<DescriptorLoadOp>(op); load && goesToBuffers(load, target_.info()))
      return;
    if (isa<DescriptorLoadOp>(op))
      own = std::min(loaded[op->getBlock()] += llvm::alignTo(own, kBufferAlignment), target_.info().sharedBytes() / 2);
    most = std::max(most, own);
  });
  return static_cast<int64_t>(buffers + llvm::alignTo(most, kBufferAlignment));
}

// Whether the next loop, in the same block, can go on with this one's rings: its loads, one by one, fill the same slots.
bool SpecializedLoop::lendsTo(const SpecializedLoop &next) const {
  return loop_->getBlock() == next.loop_->getBlock() && loop_->isBeforeInBlock(next.loop_) &&
         loads_.size() == next.loads_.size() && llvm::all_of(llvm::zip(loads_, next.loads_), [](auto pair) {
           return std::get<0>(pair).slot == std::get<1>(pair).slot;
         });
}

int64_t SpecializedLoop::ringBytes() const {
  int64_t bytes = 0;
  for (const StagedLoad &load : loads_)
    bytes += load.bytes() * slots_;
  return bytes;
}

// Whether some store of the kernel may write what is loaded: the copies run ahead of it, through all loops.
static bool isStoredTo(func::FuncOp function, Value base) {
  Value root = arrayRoot(base);
  auto found = function.walk([&](Operation *op) {
    Value pointer;
    if (isa<StoreOp, AtomicRmwOp, AtomicCasOp>(op))
      pointer = op->getOperand(0);
    else if (auto store = dyn_cast<DescriptorStoreOp>(op))
      pointer = store.getBase();
    else
      return WalkResult::advance();
    Value other = arrayRoot(pointer);
    return !root || !other || other == root ? WalkResult::interrupt() : WalkResult::advance();
  });
  return found.wasInterrupted();
}

std::string SpecializedLoop::plan(func::FuncOp function, int64_t sharedLeft, int64_t stages, SpecializedLoop *before) {
  bool hasDot = false;
  for (Operation &op : *loop_.getBody()) {
    hasDot |= isa<DotOp, AsyncDotOp>(op);
    if (auto load = dyn_cast<LoadOp>(op); load && isTile(load.getResult()))
      return "it loads by pointer, not by descriptor";
    if (auto load = dyn_cast<DescriptorLoadOp>(op))
      if (load.getResult().use_empty() || !stageCopy(load))
        return "a load is used where no copy can put it";
  }
  if (!hasDot)
    return "it has no dot";
  if (loads_.empty())
    return "it has no load by descriptor";
  if (stages < 2)
    return "num_stages is " + std::to_string(stages) + ", which leaves nothing to load ahead";
  if (!loop_.getStep().getType().isInteger())
    return "its step is no integer";
  for (Operation *parent = loop_->getParentOp(); parent != function; parent = parent->getParentOp())
    if (!isa<scf::ForOp, scf::IfOp>(parent))
      return "it stands in a while loop";
  ScalarSlice slice(function.getBody().front());
  bool isOrdered = true; // as tile-find-tensor-copies leaves it
  function.walk([&](DescriptorStoreOp store) {
    isOrdered &= !store.getOverlaps() || (isa<scf::ForOp>(store->getParentOp()) && slice.add(store.getOverlaps()) &&
                                          store->getParentOp()->getParentOp() == function);
  });
  if (!isOrdered)
    return "its loads may be of what a branch stores";
  for (const StagedLoad &load : loads_) {
    auto op = cast<DescriptorLoadOp>(load.op);
    if (isStoredTo(function, op.getBase()))
      return "the kernel may store to an array that it loads";
    if (!slice.addAncestors(op) || !llvm::all_of(op.getOffsets(), [&](Value offset) { return slice.add(offset); }))
      return "where it loads, or how often, depends on memory";
  }
  if (before && before->lendsTo(*this)) {
    lender_ = before;
    sharedLeft += before->ringBytes();
  }
  // The copy barriers take less than what a buffer may be aligned to.
  int64_t left = sharedLeft - sharedOfOneIteration() - transientOutside(function) - int64_t(kBufferAlignment);
  int64_t bytes = 0;
  for (const StagedLoad &load : loads_)
    bytes += load.bytes();
  auto stays = [&](Value shared) { return staysFilled(shared); };
  inFlight_ = accumulateOnly(stays);
  overlaps_ = !inFlight_ && hasRunningProducts(loop_, target_.info().stated(target::Capability::RegsPerThread), stays);
  slots_ = stages + (inFlight_ ? 1 : 0); // as many as a loop has that loads ahead by itself
  if (lender_) {
    if (bytes * lender_->slots_ > left)
      return "shared memory has no room for the slots of the loop before";
    slots_ = lender_->slots_;
  }
  while (slots_ > 0 && bytes * slots_ > left)
    --slots_;
  if (slots_ < 3)
    inFlight_ = 0; // the next load would wait for the product that runs on
  if (slots_ < 2)
    return "shared memory has no room for two of its tiles at once";
  return {};
}

uint64_t SpecializedLoop::registersOfSums() {
  uint64_t registers = 0;
  for (Operation &op : *loop_.getBody())
    if (isa<DotOp, AsyncDotOp>(op))
      registers += registersOf(op.getResult(0));
  return registers;
}

// Measured cases decide (roles.md). What is gained is the time in which the block has nothing for its matrix unit: the epilogue and the first loads of the next
// tile of a persistent product, and what the groups of an attention compute between its products, each at its own time, since no barrier of all holds
// them together. A second block of the multiprocessor would fill it as well, so there must be no room for one.
bool SpecializedLoop::wins(func::FuncOp function, int64_t warps, int64_t stages) {
  bool isInLoop = false;
  for (Operation *parent = loop_->getParentOp(); parent != function; parent = parent->getParentOp())
    isInLoop |= isa<scf::ForOp>(parent);
  const target::TargetInfo &info = target_.info();
  auto groups =
      warps / static_cast<int64_t>(std::max<uint64_t>(info.stated(target::Capability::WarpsPerMatrixGroup), 1));
  int64_t outside = transientOutside(function), inside = ringBytes() + sharedOfOneIteration();
  auto blocksOf = [&](int64_t bytes) { return static_cast<int64_t>(info.sharedBytes()) / std::max<int64_t>(bytes, 1); };
  uint64_t registers = 0, most = info.stated(target::Capability::RegsPerThread);
  auto dots = loop_.getBody()->getOps<AsyncDotOp>();
  for (AsyncDotOp dot : dots)
    registers += registersOf(dot.getResult()) + (isa<SharedType>(dot.getA().getType()) ? 0 : registersOf(dot.getA()));
  auto oneRow = [&](AsyncDotOp dot) { // of instructions, one a group
    return groups * static_cast<int64_t>(target_.matrix().entries()[static_cast<size_t>(dot.getInstruction() - 1)].m);
  };
  auto rows = [](AsyncDotOp dot) { return dot.getResult().getType().getShape()[0]; };
  if (overlaps_) {
    // Loads ahead have three slots at least. What the loop reads from outside stays beside its rings. Of registers it is the assembler that makes room for a
    // second block, where that is all that is short.
    int64_t bytes = inside + std::max<int64_t>(3 - slots_, 0) * (ringBytes() / slots_) + outside;
    return std::distance(dots.begin(), dots.end()) == 2 && groups == 2 && blocksOf(bytes) <= 1 &&
           (!most || registers + kRegistersOfWork <= most) &&
           llvm::all_of(dots, [&](AsyncDotOp dot) { return rows(dot) == oneRow(dot); });
  }
  if (!isInLoop || !inFlight_)
    return false;
  registers += kRegistersOfLanes;
  int64_t blocks = blocksOf(std::max(inside, outside)); // the rings' bytes are free again while a tile is stored
  if (auto file = static_cast<int64_t>(info.stated(target::Capability::RegFile)))
    blocks = std::min(blocks, file / (warps * static_cast<int64_t>(info.lanes() * registers)));
  // The buffer of a tile's store lies beside the rings and may leave them a slot less than loads ahead have. Then, only groups of one row of instructions win.
  bool isShort = slots_ < stages + 1;
  bool isOneRow = llvm::all_of(dots, [&](AsyncDotOp dot) { return rows(dot) <= oneRow(dot); });
  return blocks <= 1 && (!most || registers <= most) && (!isShort || isOneRow);
}

bool SpecializedLoop::takesTurns(int64_t warps) {
  const target::TargetInfo &info = target_.info();
  auto group = static_cast<int64_t>(info.stated(target::Capability::WarpsPerMatrixGroup));
  auto dots = loop_.getBody()->getOps<AsyncDotOp>();
  return overlaps_ && group && warps % group == 0 && warps > group && std::distance(dots.begin(), dots.end()) == 2 &&
         static_cast<int64_t>(info.stated(target::Capability::NamedBarriers)) >= 2 + warps / group;
}

// ---- the loop ----------------------------------------------------------------------------------------------------------

// The branch with more results, which both sides give as these values at first.
static scf::IfOp withResults(scf::IfOp branch, ArrayRef<Value> values) {
  OpBuilder builder(branch);
  SmallVector<Type> types(branch.getResultTypes());
  for (Value value : values)
    types.push_back(value.getType());
  auto made = scf::IfOp::create(builder, branch.getLoc(), types, branch.getCondition(), /*addThenBlock=*/true,
                                /*addElseBlock=*/true);
  made->setDiscardableAttrs(branch->getDiscardableAttrDictionary());
  for (auto [from, to] : llvm::zip(branch->getRegions(), made->getRegions())) {
    if (!from.empty())
      to.takeBody(from);
    Block &block = to.front();
    OpBuilder end = OpBuilder::atBlockEnd(&block);
    if (block.empty())
      scf::YieldOp::create(end, branch.getLoc(), values);
    else
      block.getTerminator()->insertOperands(block.getTerminator()->getNumOperands(), values);
  }
  branch.replaceAllUsesWith(made.getResults().drop_back(values.size()));
  branch.erase();
  return made;
}

static scf::ForOp withCarried(scf::ForOp loop, ArrayRef<Value> values) {
  IRRewriter rewriter(loop.getContext());
  rewriter.setInsertionPoint(loop);
  auto attributes = loop->getDiscardableAttrDictionary();
  auto sameAgain = [](OpBuilder &, Location, ArrayRef<BlockArgument> arguments) {
    return SmallVector<Value>(arguments.begin(), arguments.end());
  };
  auto made = cast<scf::ForOp>(
      *loop.replaceWithAdditionalYields(rewriter, values, /*replaceInitOperandUsesInLoop=*/false, sameAgain));
  made->setDiscardableAttrs(attributes);
  return made;
}

// A slot and the parity of its phase, 0 at first, carried through the loop and all around it.
void SpecializedLoop::carryRingState() {
  if (lender_) {
    // From where the loop before ends; what is around both goes on with what comes out of this one.
    Value slot = lender_->loop_.getResults().drop_back().back(), parity = lender_->loop_.getResults().back();
    loop_ = withCarried(loop_, {slot, parity});
    parity_ = loop_.getRegionIterArgs().back();
    slot_ = loop_.getRegionIterArgs().drop_back().back();
    Operation *end = loop_->getBlock()->getTerminator();
    end->replaceUsesOfWith(slot, loop_.getResults().drop_back().back());
    end->replaceUsesOfWith(parity, loop_.getResults().back());
    return;
  }
  SmallVector<Operation *> chain{loop_};
  while (isa<scf::ForOp, scf::IfOp>(chain.back()->getParentOp()))
    chain.push_back(chain.back()->getParentOp());
  IRRewriter rewriter(loop_.getContext());
  rewriter.setInsertionPoint(chain.back());
  slot_ = parity_ = constantI32(rewriter, loop_.getLoc(), 0);
  for (Operation *op : llvm::reverse(chain)) {
    bool isOutermost = op == chain.back();
    if (auto branch = dyn_cast<scf::IfOp>(op)) {
      op = withResults(branch, {slot_, parity_});
    } else {
      loop_ = withCarried(cast<scf::ForOp>(op), {slot_, parity_});
      parity_ = loop_.getRegionIterArgs().back();
      slot_ = loop_.getRegionIterArgs().drop_back().back();
      op = loop_;
    }
    if (isOutermost)
      continue;
    // What comes out of it is what its surroundings go on with.
    Operation *yield = op->getBlock()->getTerminator();
    unsigned last = yield->getNumOperands() - 1;
    yield->setOperand(last - 1, op->getResults().drop_back().back());
    yield->setOperand(last, op->getResults().back());
  }
}

// The slot in place of the load's value.
void SpecializedLoop::useSlots(Ring &ring) {
  StagedLoad &load = ring.load;
  for (SharedStoreOp store : load.sharedStores) {
    Value buffer = ring.slot;
    auto transpose = store.getValue().getDefiningOp<TransposeOp>();
    if (transpose) {
      OpBuilder builder(store);
      SmallVector<int64_t> order(transpose.getOrder().begin(), transpose.getOrder().end());
      buffer = SharedTransposeOp::create(builder, store.getLoc(), ring.slot, order);
    }
    if (auto fence = dyn_cast_or_null<SharedFenceOp>(store->getNextNode())) // copies need none
      fence.erase();
    Operation *alloc = store.getShared().getDefiningOp();
    store.erase();
    if (transpose)
      transpose.erase();
    for (Operation *user : llvm::make_early_inc_range(alloc->getUsers()))
      if (isa<SharedFreeOp>(user))
        user->erase();
    alloc->getResult(0).replaceAllUsesWith(buffer);
    alloc->erase();
  }
  for (ConvertLayoutOp convert : load.conversions) {
    OpBuilder builder(convert);
    Value loaded = SharedLoadOp::create(builder, convert.getLoc(), convert.getType(), ring.slot);
    convert.replaceAllUsesWith(loaded);
    convert.erase();
  }
  if (load.direct) {
    Operation *first = nullptr;
    for (Operation *user : load.result().getUsers())
      first = !first || user->isBeforeInBlock(first) ? user : first;
    OpBuilder builder(first);
    Value loaded = SharedLoadOp::create(builder, load.op->getLoc(), load.result().getType(), ring.slot);
    load.result().replaceAllUsesWith(loaded);
  }
  load.op->erase();
}

// running: results of the loop that are sums of products which run on.
void SpecializedLoop::formGroups(ArrayRef<Value> running) {
  llvm::DenseSet<Operation *> late; // products
  for (Value sum : running)
    late.insert(loop_.getYieldedValues()[cast<OpResult>(sum).getResultNumber()]
                    .getDefiningOp<DotWaitOp>()
                    .getValues()[0]
                    .getDefiningOp());

  auto earlier = [](Operation *a, Operation *b) { return !a || b->isBeforeInBlock(a) ? b : a; };
  auto later = [](Operation *a, Operation *b) { return !a || a->isBeforeInBlock(b) ? b : a; };
  for (auto [index, ring] : llvm::enumerate(rings_)) {
    SmallVector<Operation *> readers;
    collectReaders(ring.slot, readers);
    Group own;
    for (Operation *reader : readers) {
      own.first = earlier(own.first, reader);
      if (isa<SharedTransposeOp>(reader))
        continue;
      own.user = earlier(own.user, userOf(reader));
      own.last = later(own.last, endOfRead(reader));
      own.late |= late.contains(reader);
      if (isa<SharedLoadOp>(reader))
        own.byLanes = later(own.byLanes, reader);
    }
    // Of borrowed rings those are together that share their barriers.
    auto isTogether = [&](const Group &group) {
      return lender_ ? lender_->groupOf(group.rings.front()) == lender_->groupOf(static_cast<unsigned>(index))
                     : group.user == own.user;
    };
    auto known = llvm::find_if(groups_, isTogether);
    if (known == groups_.end())
      known = groups_.insert(known, own);
    known->first = earlier(known->first, own.first);
    known->last = later(known->last, own.last);
    known->late |= own.late;
    if (own.byLanes)
      known->byLanes = later(known->byLanes, own.byLanes);
    known->rings.push_back(static_cast<unsigned>(index));
  }
  for (Group &group : groups_) {
    for (Operation *op = group.byLanes; op && !group.fence; op = op->getNextNode())
      group.fence = dyn_cast<SharedFenceOp>(op);
    if (group.fence && !group.late) {
      if (group.fence->isBeforeInBlock(group.user) || group.fence->isBeforeInBlock(group.last))
        group.last = later(group.last, group.fence);
      else
        group.fence = nullptr;
    }
  }
  // In the order in which the work needs them.
  llvm::sort(groups_, [](const Group &a, const Group &b) { return a.first->isBeforeInBlock(b.first); });
}

// What the copying role does for one group in one iteration; at the end of the body, where all coordinates are known.
void SpecializedLoop::makeCopies(OpBuilder &builder, Group &group, llvm::SetVector<Operation *> &copies) {
  Location loc = loop_.getLoc();
  Value full = SharedSlotOp::create(builder, loc, group.full, slot_);
  Value empty = SharedSlotOp::create(builder, loc, group.empty, slot_);
  // The phase before this one's: over from the start in the first round.
  Value before = arith::XOrIOp::create(builder, loc, parity_, constantI32(builder, loc, 1));
  Value yes = arith::ConstantOp::create(builder, loc, builder.getBoolAttr(true));
  int64_t bytes = 0;
  for (unsigned index : group.rings)
    bytes += rings_[index].load.bytes();
  copies.insert(CopyBarrierWaitOp::create(builder, loc, empty, before));
  copies.insert(CopyExpectOp::create(builder, loc, full, yes, static_cast<int32_t>(bytes)));
  for (unsigned index : group.rings) {
    SmallVector<Value> operands{rings_[index].slot, rings_[index].map, full, yes};
    llvm::append_range(operands, rings_[index].coordinates);
    copies.insert(TensorLoadOp::create(builder, loc, TypeRange(), operands));
  }
}

// The waits of products that only add to their sum, an iteration later. Returns the loop's results that may still run.
SmallVector<Value> SpecializedLoop::awaitLater() {
  SmallVector<Value> sums;
  for (DotWaitOp wait : loop_.getBody()->getOps<DotWaitOp>()) {
    wait.setPending(static_cast<int32_t>(inFlight_));
    sums.push_back(
        loop_.getTiedLoopResult(cast<BlockArgument>(wait.getValues()[0].getDefiningOp<AsyncDotOp>().getC())));
  }
  return sums;
}

// Of groups that products read which run on: when these were awaited the slot of the iteration before is empty, and behind the loop the last one.
void SpecializedLoop::releaseLate(ArrayRef<Value> sums) {
  Location loc = loop_.getLoc();
  // Products that only add are all awaited by the last wait, others by the first one: behind it nothing of the iteration before runs.
  Operation *awaited = nullptr;
  for (DotWaitOp wait : loop_.getBody()->getOps<DotWaitOp>())
    awaited = !awaited || inFlight_ ? wait.getOperation() : awaited;
  auto arrive = [&](OpBuilder &builder, Value slot, Value predicate) {
    Value before = slotBefore(builder, loc, slot, slots_);
    if (llvm::any_of(groups_, [](const Group &group) { return group.late && group.needsFence(); }))
      SharedFenceOp::create(builder, loc);
    for (Group &group : groups_)
      if (group.late)
        CopyArriveOp::create(builder, loc, SharedSlotOp::create(builder, loc, group.empty, before), predicate);
  };
  OpBuilder builder(loop_.getContext());
  builder.setInsertionPointAfter(awaited);
  arrive(builder, slot_,
         arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne, loop_.getInductionVar(), loop_.getLowerBound()));
  builder.setInsertionPointAfter(loop_);
  auto wait = DotWaitOp::create(builder, loc, sums, 0);
  for (auto [sum, result] : llvm::zip(sums, wait.getResults()))
    Value(sum).replaceAllUsesExcept(result, wait);
  arrive(builder, loop_.getResults().drop_back().back(), loopRuns(builder, loop_));
}

void SpecializedLoop::build(OpBuilder &before, TensorMaps &maps, int64_t warps, llvm::SetVector<Operation *> &copies) {
  Location loc = loop_.getLoc();
  carryRingState();
  OpBuilder top = OpBuilder::atBlockBegin(loop_.getBody()), end(loop_.getBody()->getTerminator());
  for (StagedLoad &load : loads_) {
    auto op = cast<DescriptorLoadOp>(load.op);
    DescribedArray array(op);
    Ring &ring = rings_.emplace_back();
    ring.load = load;
    auto bytes = before.getI32IntegerAttr(static_cast<int32_t>(ring.load.bytes() * slots_));
    ring.ring = lender_ ? lender_->rings_[rings_.size() - 1].ring
                        : Value(SharedAllocOp::create(before, loc, ring.load.slot, IntegerAttr(), bytes,
                                                      before.getI32IntegerAttr(static_cast<int32_t>(slots_))));
    ring.slot = SharedSlotOp::create(top, loc, ring.ring, slot_);
    ring.map = maps.mapOf(array, *load.copy);
    ring.coordinates = maps.coordinates(end, op.getLoc(), array, array.offsets);
  }
  for (Ring &ring : rings_)
    useSlots(ring);
  SmallVector<Value> running;
  if (inFlight_)
    running = awaitLater();
  else if (overlaps_)
    running = overlapProducts(loop_, target_.info().stated(target::Capability::RegsPerThread));
  formGroups(running);
  for (Group &group : groups_) {
    const Group *lent = lender_ ? lender_->groupOf(group.rings.front()) : nullptr;
    group.full = lent ? lent->full : makeCopyBarriers(before, loc, slots_);
    group.empty = lent ? lent->empty : makeCopyBarriers(before, loc, slots_, warps);
    OpBuilder builder(group.first);
    CopyBarrierWaitOp::create(builder, loc, SharedSlotOp::create(builder, loc, group.full, slot_), parity_);
    if (group.late)
      continue;
    builder.setInsertionPointAfter(group.last);
    // An arrival does not wait for what lanes read to reach their registers, and the engine's next tile may be faster.
    if (group.needsFence())
      SharedFenceOp::create(builder, loc);
    Value yes = arith::ConstantOp::create(builder, loc, builder.getBoolAttr(true));
    CopyArriveOp::create(builder, loc, SharedSlotOp::create(builder, loc, group.empty, slot_), yes);
  }
  for (Group &group : groups_)
    makeCopies(end, group, copies);
  if (!running.empty())
    releaseLate(running);
  if (takesTurns(warps)) {
    auto flags = loop_->getAttrOfType<IntegerAttr>(kLoopFlagsAttr);
    loop_->setAttr(kLoopFlagsAttr,
                   before.getI32IntegerAttr(static_cast<int32_t>((flags ? flags.getInt() : 0) | kTakeTurns)));
  }
  Operation *yield = loop_.getBody()->getTerminator();
  unsigned last = yield->getNumOperands() - 1;
  yield->setOperand(last - 1, nextSlot(end, loc, slot_, slots_));
  yield->setOperand(last, nextParity(end, loc, slot_, parity_, slots_));
}

// ---- the kernel --------------------------------------------------------------------------------------------------------

// Why the target has no roles for a kernel of so many subgroups; empty: it has.
static std::string missing(const target::TargetInfo &info, int64_t warps, int64_t beside) {
  std::string name = "target " + info.name + " ";
  if (!info.stated(target::Capability::TensorCopy))
    return name + "has no copies by descriptor";
  if (!info.stated(target::Capability::WarpSpecialize) || info.stated(target::Capability::NamedBarriers) < 2)
    return name + "has no roles";
  if (static_cast<uint64_t>(warps + beside) > info.get(target::Capability::MaxWarps, UINT64_MAX))
    return std::to_string(warps) + " warps leave no room in a block for " + std::to_string(beside) + " more";
  return {};
}

// What a lane of each role gets, where roles trade registers and need to; else empty. All of the block's registers are what an equal share
// gives every lane when it starts. sums: registers of a lane that products fill, at the least. Where these are few, and no attention fills others (addsOnly),
// lanes that trade none, beside one subgroup that copies, leave room for more blocks.
static SmallVector<int64_t> registersOf(const target::TargetInfo &info, ModuleOp module, int64_t warps, int64_t beside,
                                        int64_t sharedBytes, uint64_t sums, bool addsOnly) {
  auto step = static_cast<int64_t>(info.stated(target::Capability::RegReallocStep));
  auto file = static_cast<int64_t>(info.stated(target::Capability::RegFile));
  auto most = static_cast<int64_t>(info.stated(target::Capability::RegsPerThread));
  auto lanes = static_cast<int64_t>(info.lanes());
  if (!step || !file || !most || moduleOption(module, "maxnreg", 0))
    return {};
  int64_t blocks = std::max<int64_t>(static_cast<int64_t>(info.sharedBytes()) / std::max<int64_t>(sharedBytes, 1), 1);
  auto needed = static_cast<int64_t>(sums + kRegistersOfWork);
  most = most / step * step;
  auto shareOf = [&](int64_t n) { return file / (n * (warps + beside) * lanes) / step * step; };
  // A second block where the work still gets nearly all that a lane can have.
  for (int64_t n : {std::min<int64_t>(blocks, 2), int64_t(1)}) {
    int64_t share = shareOf(n);
    int64_t work = (share * (warps + beside) - kRegistersOfCopies * beside) / warps / step * step;
    if (n > 1 && (work < most * 3 / 4 || work < needed))
      continue;
    if (addsOnly && std::min(blocks, file / ((warps + 1) * lanes * needed)) > n)
      return {};
    if (share >= most || share <= kRegistersOfCopies)
      return {};
    return {kRegistersOfCopies, std::min(work, most)};
  }
  return {};
}

// Ops that nothing needs any more, and carried values of loops with them.
static void dropDead(Region &region) {
  region.walk<WalkOrder::PostOrder, ReverseIterator>([](Operation *op) {
    if (isOpTriviallyDead(op))
      op->erase();
  });
}

// Where the arrays of a store in a loop over tiles and of the loop's copies overlap, a tile is loaded when the one before is stored: the copying role waits, behind the copies of a
// tile, for the work to arrive when its store is complete. Elsewhere nobody waits. before: where the copy barrier is made. Gives the wait to `copies`.
static void orderStore(DescriptorStoreOp store, OpBuilder &before, int64_t warps,
                       llvm::SetVector<Operation *> &copies) {
  Location loc = store.getLoc();
  Value overlaps = store.getOverlaps(), stored = makeCopyBarriers(before, loc, 1, warps);
  OpBuilder outside(store->getParentOp());
  scf::ForOp loop = withCarried(cast<scf::ForOp>(store->getParentOp()), {constantI32(outside, loc, 0)});
  Value parity = loop.getRegionIterArgs().back();
  OpBuilder end(loop.getBody()->getTerminator());
  loop.getBody()->getTerminator()->setOperand(loop.getNumResults() - 1,
                                              arith::XOrIOp::create(end, loc, parity, constantI32(end, loc, 1)));
  OpBuilder behind(store->getContext());
  behind.setInsertionPointAfter(store);
  OpBuilder there = whereTrue(behind, loc, overlaps);
  TensorStoreWaitOp::create(there, loc, 0, /*complete=*/true);
  BarrierOp::create(there, loc); // what lanes load for the next tile comes behind it too
  Value slot = SharedSlotOp::create(there, loc, stored, constantI32(there, loc, 0));
  CopyArriveOp::create(there, loc, slot, arith::ConstantOp::create(there, loc, there.getBoolAttr(true)));
  there = whereTrue(behind, loc, overlaps);
  slot = SharedSlotOp::create(there, loc, stored, constantI32(there, loc, 0));
  copies.insert(CopyBarrierWaitOp::create(there, loc, slot, parity));
  store.getOverlapsMutable().clear();
}

namespace {

class RoleMaker {
public:
  RoleMaker(func::FuncOp function, const target::Target &target) : function_(function), target_(target) {}
  unsigned run();

private:
  func::FuncOp function_;
  const target::Target &target_;
};

} // namespace

unsigned RoleMaker::run() {
  const target::TargetInfo &info = target_.info();
  auto module = function_->getParentOfType<ModuleOp>();
  SmallVector<scf::ForOp> loops, innermost;
  function_.walk([&](scf::ForOp loop) {
    bool isInnermost = true, asksForIt = false;
    loop.getBody()->walk([&](scf::ForOp) { isInnermost = false; });
    for (Operation *around = loop; around != function_; around = around->getParentOp())
      if (auto flags = around->getAttrOfType<IntegerAttr>(kLoopFlagsAttr))
        asksForIt |= (flags.getInt() & kWarpSpecialize) != 0;
    if (isInnermost)
      innermost.push_back(loop);
    if (isInnermost && asksForIt)
      loops.push_back(loop);
  });
  bool isAsked = !loops.empty();
  if (!isAsked && innermost.size() <= 2 && moduleOption(module, kAutoWarpSpecialize, 1))
    loops = innermost;
  if (loops.empty())
    return 0;
  int64_t warps = moduleOption(module, "num_warps", 4);
  auto group = static_cast<int64_t>(std::max<uint64_t>(info.stated(target::Capability::WarpsPerMatrixGroup), 1));
  bool trades = info.stated(target::Capability::RegReallocStep) && warps % group == 0; // by whole groups
  int64_t beside = trades ? group : 1; // one is enough where they are not traded
  std::string why = missing(info, warps, beside);
  AxisFacts facts(function_);
  auto left = static_cast<int64_t>(info.sharedBytes());
  int64_t rings = 0;
  std::vector<SpecializedLoop> planned;
  planned.reserve(loops.size()); // they refer to each other
  for (scf::ForOp loop : loops) {
    auto own = loop->getAttrOfType<IntegerAttr>(kNumStagesAttr);
    SpecializedLoop candidate(loop, facts, target_);
    int64_t stages = own ? own.getInt() : moduleOption(module, "num_stages", 3);
    SpecializedLoop *before = planned.empty() ? nullptr : &planned.back();
    std::string not_ = !why.empty() ? why : candidate.plan(function_, left - rings, stages, before);
    if (!isAsked && (!not_.empty() || !candidate.wins(function_, warps, stages)))
      return 0;
    if (!isAsked && before && !(candidate.isAttention() && candidate.borrows()))
      return 0;
    if (!not_.empty()) {
      candidate.remark() << "warp_specialize does nothing here: " << not_;
      continue;
    }
    rings += candidate.borrows() ? 0 : candidate.ringBytes();
    planned.push_back(std::move(candidate));
  }
  if (planned.empty())
    return 0;
  SmallVector<DescriptorStoreOp> ordered;
  function_.walk([&](DescriptorStoreOp store) {
    if (store.getOverlaps())
      ordered.push_back(store);
  });

  Block &body = function_.getBody().front();
  Operation *end = body.getTerminator();
  OpBuilder builder(end);
  Location loc = planned.front().loc();
  uint64_t sums = 0;
  bool addsOnly = true;
  for (SpecializedLoop &loop : planned) {
    sums = std::max(sums, loop.registersOfSums());
    addsOnly &= !loop.isAttention();
  }
  SmallVector<int64_t> registers =
      trades ? registersOf(info, module, warps, beside, rings, sums, addsOnly) : SmallVector<int64_t>();
  if (registers.empty())
    beside = 1;
  auto roles = RolesOp::create(builder, loc, static_cast<int32_t>(beside),
                               registers.empty() ? DenseI64ArrayAttr() : builder.getDenseI64ArrayAttr(registers));
  Block &copying = roles.getCopies().emplaceBlock(), &working = roles.getWork().emplaceBlock();
  OpBuilder yield = OpBuilder::atBlockEnd(&copying);
  YieldOp::create(yield, loc);
  yield.setInsertionPointToEnd(&working);
  YieldOp::create(yield, loc);
  working.getOperations().splice(working.begin(), body.getOperations(), body.begin(), Block::iterator(roles));
  builder.setInsertionPoint(roles);
  TensorMaps maps(function_);
  llvm::SetVector<Operation *> copies;
  for (DescriptorStoreOp store : ordered)
    orderStore(store, builder, warps, copies);
  for (SpecializedLoop &loop : planned)
    loop.build(builder, maps, warps, copies);
  // Copy barriers are published, and come before what the engine does with them.
  SharedFenceOp::create(builder, loc);
  BarrierOp::create(builder, loc);

  ScalarSlice slice(working);
  bool isWhole = true;
  for (Operation *op : copies)
    isWhole &= slice.addRoot(op);
  assert(isWhole && "plan() has seen that it is");
  (void)isWhole;
  builder.setInsertionPoint(copying.getTerminator());
  slice.clone(builder);
  for (Operation *op : llvm::reverse(copies))
    op->erase();
  dropDead(roles.getWork());
  return static_cast<unsigned>(planned.size());
}

StepResult specializeRoles(ModuleOp module, const target::Target &target) {
  StepResult result;
  module.walk([&](func::FuncOp function) { result.count += RoleMaker(function, target).run(); });
  return result;
}

} // namespace tessera::tile
