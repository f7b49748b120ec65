// LowerTensorCopies.cpp - accesses by descriptor that no loop starts ahead, as tensor copies
//
// Before: %v = tile.descriptor_load %base …                After: %s = tile.shared_alloc ; tile.tensor_load %s, %map, %barrier … ;
//                                                                 tile.copy_barrier_wait ; %v = tile.shared_load %s
//         tile.descriptor_store %v, %base …                       tile.shared_store %s, %v ; tile.shared_fence ; tile.barrier ;
//                                                                 tile.tensor_store %s, %map … ; tile.tensor_store_wait
// A store of which later loads may read something, if the arrays overlap, is awaited where they do: by the lane that starts those.
// Loads that follow each other start together and are awaited once. A load whose value goes to a matrix unit's buffer, or changes its layout, is copied to where that is read. The description of the array stands
// at the start of the kernel.
// Requires: LAYOUT level, after PipelineLoops, which takes the loads that it can start ahead.  Establishes: no access by descriptor is left.
// Not done here: stores that run on while the program goes on (DelayStoreWaits).
//
// SPDX-License-Identifier: Apache-2.0
#include "core/transforms/layout/Passes.h"
#include "core/transforms/layout/SharedUse.h"
#include "core/transforms/layout/TensorCopies.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace tessera::tile {

static int64_t boxMax(const target::TargetInfo &info) {
  return static_cast<int64_t>(info.get(target::Capability::TensorCopyBoxMax, 256));
}

std::optional<layout::TensorCopyPlan> tensorCopyPlan(SharedType buffer, const target::TargetInfo &info) {
  return layout::planTensorCopy(cast<LinearAttr>(buffer.getLayout()).getLayout(), storageBits(buffer.getElementType()),
                                info.stated(target::Capability::TensorCopySwizzles), boxMax(info));
}

SharedType tensorCopyBuffer(RankedTensorType tile, const target::TargetInfo &info) {
  auto layout = layout::tensorCopyLayout(tile.getShape().vec(), storageBits(tile),
                                         info.stated(target::Capability::TensorCopySwizzles), boxMax(info));
  return layout ? SharedType::get(tile.getShape(), tile.getElementType(), LinearAttr::get(tile.getContext(), *layout))
                : SharedType();
}

// ---- descriptions of arrays ------------------------------------------------------------------------------------------

OpBuilder TensorMaps::builderAtStart() {
  OpBuilder builder(function_.getContext());
  if (last_)
    builder.setInsertionPointAfter(last_);
  else
    builder.setInsertionPointToStart(&function_.getBody().front());
  return builder;
}

// The value computed again at the start; it follows from parameters (tile-lower-descriptors).
Value TensorMaps::atStart(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op)
    return value;
  if (Value known = clones_.lookup(value))
    return known;
  IRMapping map;
  for (Value operand : op->getOperands())
    map.map(operand, atStart(operand));
  OpBuilder builder = builderAtStart();
  last_ = builder.clone(*op, map);
  return clones_[value] = last_->getResult(cast<OpResult>(value).getResultNumber());
}

Value TensorMaps::mapOf(const DescribedArray &array, const layout::TensorCopyPlan &plan) {
  Made made;
  made.operands.push_back(atStart(array.base));
  for (Value extent : array.shape)
    made.operands.push_back(atStart(extent));
  for (Value stride : array.strides.drop_back())
    made.operands.push_back(atStart(stride));
  SmallVector<int64_t> box(array.shape.size() - plan.box.size(), 1); // of outer dims
  llvm::append_range(box, plan.box);
  made.facts = box;
  made.facts.push_back(plan.swizzleBytes);
  made.facts.push_back(array.nanFill);
  for (const Made &other : maps_)
    if (other.operands == made.operands && other.facts == made.facts)
      return other.value;
  OpBuilder builder = builderAtStart();
  Type map = PointerType::get(builder.getI8Type());
  auto op = TensorMapOp::create(builder, array.base.getLoc(), map, made.operands.front(),
                                ValueRange(made.operands).drop_front(), box, static_cast<int32_t>(plan.swizzleBytes),
                                array.nanFill);
  last_ = op;
  made.value = op.getResult();
  maps_.push_back(made);
  return made.value;
}

// Whether some extent is below 1; null where none can be.
Value TensorMaps::isEmpty(Location loc, ValueRange extents) {
  Made made;
  for (Value extent : extents)
    if (std::optional<int64_t> known = splatIntegerOf(extent); !known || *known < 1)
      made.operands.push_back(atStart(extent));
  if (made.operands.empty())
    return {};
  for (const Made &other : empty_)
    if (other.operands == made.operands)
      return other.value;
  OpBuilder builder = builderAtStart();
  Value least = made.operands.front();
  for (Value extent : ArrayRef(made.operands).drop_front())
    least = arith::MinSIOp::create(builder, loc, least, extent);
  Value one = arith::ConstantOp::create(builder, loc, builder.getI64IntegerAttr(1));
  made.value = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt, least, one);
  last_ = made.value.getDefiningOp();
  empty_.push_back(made);
  return made.value;
}

SmallVector<Value> TensorMaps::coordinates(OpBuilder &builder, Location loc, const DescribedArray &array,
                                           ValueRange offsets) {
  SmallVector<Value> at(offsets);
  if (Value empty = isEmpty(array.base.getLoc(), array.shape)) {
    constexpr int32_t kOutOfSight = -(1 << 30);
    Value away = arith::ConstantOp::create(builder, loc, builder.getI32IntegerAttr(kOutOfSight));
    at.front() = arith::SelectOp::create(builder, loc, empty, away, at.front());
  }
  return at;
}

// Beyond the end: in front of the array a copy engine may refuse it (docs/rationale/descriptors.md). Along the dim that is empty, for the end of another may be out of reach.
SmallVector<Value> TensorMaps::storeCoordinates(OpBuilder &builder, Location loc, const DescribedArray &array) {
  SmallVector<Value> at(array.offsets);
  for (auto [coordinate, extent] : llvm::zip_equal(at, array.shape))
    if (Value empty = isEmpty(array.base.getLoc(), extent)) {
      constexpr int32_t kBeyond = 1 << 30;
      Value away = arith::ConstantOp::create(builder, loc, builder.getI32IntegerAttr(kBeyond));
      coordinate = arith::SelectOp::create(builder, loc, empty, away, coordinate);
    }
  return at;
}

Value arrayRoot(Value pointer) {
  while (Operation *op = pointer.getDefiningOp()) {
    if (!isa<AddPtrOp, BitcastOp, SplatOp, BroadcastOp, ExpandDimsOp, ReshapeOp, HintOp, ConvertLayoutOp>(op))
      return {};
    pointer = op->getOperand(0);
  }
  return isa<func::FuncOp>(cast<BlockArgument>(pointer).getOwner()->getParentOp()) ? pointer : Value();
}

// ---- copy barriers ---------------------------------------------------------------------------------------------------

Value makeCopyBarriers(OpBuilder &builder, Location loc, int64_t slots, int64_t arrivals) {
  auto layout =
      LinearAttr::get(builder.getContext(), layout::LinearLayout::rowMajor(layout::kOffset, std::vector<int64_t>{1}));
  auto type = SharedType::get({1}, builder.getI64Type(), layout);
  Value barriers = SharedAllocOp::create(builder, loc, type, IntegerAttr(),
                                         builder.getI32IntegerAttr(static_cast<int32_t>(8 * slots)),
                                         builder.getI32IntegerAttr(static_cast<int32_t>(slots)));
  CopyBarrierInitOp::create(builder, loc, barriers, static_cast<int32_t>(arrivals));
  return barriers;
}

void endCopyBarriers(OpBuilder &builder, Location loc, Value barriers) {
  BarrierOp::create(builder, loc);
  CopyBarrierEndOp::create(builder, loc, barriers);
  SharedFreeOp::create(builder, loc, barriers);
}

OpBuilder whereTrue(OpBuilder &builder, Location loc, Value condition) {
  auto branch = scf::IfOp::create(builder, loc, condition, /*withElseRegion=*/false);
  return OpBuilder(branch.thenBlock()->getTerminator());
}

namespace {

class Lowering {
public:
  Lowering(func::FuncOp function, const target::TargetInfo &info) : function_(function), info_(info), maps_(function) {}
  StepResult run();

private:
  SmallVector<DescriptorLoadOp> startingWith(DescriptorLoadOp first) const;
  void lowerLoads(MutableArrayRef<DescriptorLoadOp> group);
  static void giveTo(OpBuilder &builder, DescriptorLoadOp op, Value slot);
  LogicalResult lowerStore(DescriptorStoreOp op);
  SharedType bufferOf(DescriptorLoadOp op) const;
  bool isReadAgain(Value base);

  func::FuncOp function_;
  const target::TargetInfo &info_;
  TensorMaps maps_;
};

} // namespace

static Value constant(OpBuilder &builder, Location loc, Type type, int64_t value) {
  return arith::ConstantOp::create(builder, loc, builder.getIntegerAttr(type, value));
}

// A store to the buffer of a matrix unit, which lives until its last reader; those of tensor stores end by themselves.
static SharedStoreOp storeForUnit(Operation *user) {
  auto store = dyn_cast<SharedStoreOp>(user);
  bool ends =
      store && llvm::any_of(store.getShared().getUsers(), [](Operation *other) { return isa<SharedFreeOp>(other); });
  return ends ? SharedStoreOp() : store;
}

// The buffer of a matrix unit that the value is stored to, if a copy can fill it, else one of its own.
SharedType Lowering::bufferOf(DescriptorLoadOp op) const {
  for (Operation *user : op.getResult().getUsers())
    if (SharedStoreOp store = storeForUnit(user); store && tensorCopyPlan(store.getShared().getType(), info_))
      return store.getShared().getType();
  return tensorCopyBuffer(op.getType(), info_);
}

// Whether what the value needs can be computed before `at`, in whose block it may be computed; moves it there.
static bool bringBefore(Value value, Operation *at, bool move) {
  Operation *op = value.getDefiningOp();
  if (!op || op->getBlock() != at->getBlock() || op->isBeforeInBlock(at))
    return true;
  if (op->getNumRegions() || !isMemoryEffectFree(op) ||
      !llvm::all_of(op->getOperands(), [&](Value operand) { return bringBefore(operand, at, move); }))
    return false;
  if (move)
    op->moveBefore(at);
  return true;
}

// The loads that can start together with the first one: nothing between them writes global memory or waits, and their offsets do not follow
// from what is loaded. All their buffers live at once, in half of the shared memory at most.
SmallVector<DescriptorLoadOp> Lowering::startingWith(DescriptorLoadOp first) const {
  SmallVector<DescriptorLoadOp> group = {first};
  uint64_t bytes = bytesOf(bufferOf(first));
  for (Operation *op = first->getNextNode(); op; op = op->getNextNode()) {
    auto load = dyn_cast<DescriptorLoadOp>(op);
    if (load) {
      uint64_t more = bytesOf(bufferOf(load));
      bool early = llvm::all_of(load.getOffsets(), [&](Value offset) { return bringBefore(offset, first, false); });
      if (early && bytes + more <= info_.sharedBytes() / 2) {
        group.push_back(load);
        bytes += more;
      }
    } else if (op->getNumRegions() || (!isMemoryEffectFree(op) &&
                                       !isa<LoadOp, SharedAllocOp, SharedStoreOp, SharedLoadOp, SharedFenceOp>(op))) {
      break;
    }
  }
  for (DescriptorLoadOp load : group)
    for (Value offset : load.getOffsets())
      bringBefore(offset, first, true);
  return group;
}

void Lowering::lowerLoads(MutableArrayRef<DescriptorLoadOp> group) {
  DescriptorLoadOp first = group.front();
  OpBuilder builder(first);
  Location loc = first.getLoc();
  Value yes = constant(builder, loc, builder.getI1Type(), 1), zero = constant(builder, loc, builder.getI32Type(), 0);
  SmallVector<Value> slots;
  uint64_t bytes = 0;
  for (DescriptorLoadOp load : group) {
    SharedType type = bufferOf(load);
    auto own = static_cast<int32_t>(bytesOf(type));
    slots.push_back(SharedAllocOp::create(builder, load.getLoc(), type, IntegerAttr(), builder.getI32IntegerAttr(own)));
    bytes += static_cast<uint64_t>(own);
  }
  Value barriers = makeCopyBarriers(builder, loc, 1);
  // What lanes stored to these bytes before comes before what the engine writes; the barrier also publishes the copy barrier.
  SharedFenceOp::create(builder, loc);
  BarrierOp::create(builder, loc);
  Value barrier = SharedSlotOp::create(builder, loc, barriers, zero);
  SmallVector<SmallVector<Value>> operands;
  for (auto [load, slot] : llvm::zip(group, slots)) {
    DescribedArray array(load);
    Value map = maps_.mapOf(array, *tensorCopyPlan(cast<SharedType>(slot.getType()), info_));
    operands.push_back({slot, map, barrier, yes});
    llvm::append_range(operands.back(), maps_.coordinates(builder, load.getLoc(), array, array.offsets));
  }
  CopyExpectOp::create(builder, loc, barrier, yes, static_cast<int32_t>(bytes));
  for (auto [load, own] : llvm::zip(group, operands))
    TensorLoadOp::create(builder, load.getLoc(), TypeRange(), own);
  CopyBarrierWaitOp::create(builder, loc, barrier, zero);
  for (auto [load, slot] : llvm::zip(group, slots))
    giveTo(builder, load, slot);
  endCopyBarriers(builder, loc, barriers);
  for (DescriptorLoadOp load : group)
    load.erase();
}

// Whoever used the load's value gets it from the slot.
void Lowering::giveTo(OpBuilder &builder, DescriptorLoadOp op, Value slot) {
  Location loc = op.getLoc();
  bool stays = false;
  SmallVector<Operation *> dead;
  Value loaded;
  for (Operation *user : llvm::make_early_inc_range(op.getResult().getUsers())) {
    if (SharedStoreOp store = storeForUnit(user); store && store.getShared().getType() == slot.getType()) {
      if (isa_and_nonnull<SharedFenceOp>(store->getNextNode()))
        dead.push_back(store->getNextNode());
      Operation *buffer = store.getShared().getDefiningOp();
      dead.append({store, buffer});
      stays = true;
    } else if (auto convert = dyn_cast<ConvertLayoutOp>(user)) {
      Value moved = SharedLoadOp::create(builder, convert.getLoc(), convert.getType(), slot);
      convert.replaceAllUsesWith(moved);
      dead.push_back(convert);
    } else if (!loaded) {
      loaded = SharedLoadOp::create(builder, loc, op.getType(), slot);
    }
  }
  if (loaded)
    op.getResult().replaceAllUsesExcept(loaded, SmallPtrSet<Operation *, 4>(dead.begin(), dead.end()));
  if (!stays)
    SharedFreeOp::create(builder, loc, slot);
  for (Operation *each : dead) {
    if (auto buffer = dyn_cast<SharedAllocOp>(each))
      buffer.getResult().replaceAllUsesWith(slot);
    each->erase();
  }
}

// Whether the kernel loads what it stores here, or may: then the store must be over when the kernel goes on.
bool Lowering::isReadAgain(Value base) {
  Value root = arrayRoot(base);
  bool again = false;
  function_.walk([&](Operation *op) {
    Value pointer;
    if (isa<LoadOp, AtomicRmwOp, AtomicCasOp>(op))
      pointer = op->getOperand(0);
    else if (auto load = dyn_cast<AsyncLoadOp>(op))
      pointer = load.getPtr();
    else if (auto load = dyn_cast<DescriptorLoadOp>(op))
      pointer = load.getBase();
    else if (auto map = dyn_cast<TensorMapOp>(op))
      pointer = llvm::any_of(map->getUsers(), [](Operation *user) { return isa<TensorLoadOp>(user); }) ? map.getBase()
                                                                                                       : Value();
    if (!pointer)
      return;
    Value other = arrayRoot(pointer);
    again |= !root || !other || other == root || isa<AtomicRmwOp, AtomicCasOp>(op);
  });
  return again;
}

LogicalResult Lowering::lowerStore(DescriptorStoreOp op) {
  OpBuilder builder(op);
  Location loc = op.getLoc();
  DescribedArray array(op);
  SharedType type = tensorCopyBuffer(op.getValue().getType(), info_);
  bool complete = isReadAgain(array.base);
  Value slot = SharedAllocOp::create(builder, loc, type, IntegerAttr(),
                                     builder.getI32IntegerAttr(static_cast<int32_t>(bytesOf(type))));
  SharedStoreOp::create(builder, loc, slot, op.getValue());
  SharedFenceOp::create(builder, loc);
  BarrierOp::create(builder, loc);
  TensorStoreOp::create(builder, loc, slot, maps_.mapOf(array, *tensorCopyPlan(type, info_)),
                        maps_.storeCoordinates(builder, loc, array));
  TensorStoreWaitOp::create(builder, loc, 0, complete);
  if (complete)
    BarrierOp::create(builder, loc);
  if (Value overlaps = op.getOverlaps();
      overlaps && !complete) { // the lane that starts the next copies awaits it; others may load too
    OpBuilder there = whereTrue(builder, loc, overlaps);
    TensorStoreWaitOp::create(there, loc, 0, /*complete=*/true);
    BarrierOp::create(there, loc);
  }
  SharedFreeOp::create(builder, loc, slot);
  op.erase();
  return success();
}

StepResult Lowering::run() {
  StepResult result;
  SmallVector<DescriptorStoreOp> stores;
  SmallVector<DescriptorLoadOp> loads;
  function_.walk([&](Operation *op) {
    if (auto load = dyn_cast<DescriptorLoadOp>(op))
      loads.push_back(load);
    if (auto store = dyn_cast<DescriptorStoreOp>(op))
      stores.push_back(store);
  });
  for (DescriptorStoreOp store : stores) { // while the loads still name their arrays
    if (failed(lowerStore(store)))
      return {failure(), result.count};
    ++result.count;
  }
  llvm::DenseSet<Operation *> done;
  for (DescriptorLoadOp load : loads) {
    if (done.contains(load))
      continue;
    SmallVector<DescriptorLoadOp> group = startingWith(load);
    done.insert(group.begin(), group.end());
    result.count += static_cast<unsigned>(group.size());
    lowerLoads(group);
  }
  return result;
}

StepResult lowerTensorCopies(ModuleOp module, const target::Target &target) {
  StepResult result;
  module.walk([&](func::FuncOp function) {
    StepResult own = Lowering(function, target.info()).run();
    result.count += own.count;
    if (failed(own.status))
      result.status = failure();
  });
  return result;
}

} // namespace tessera::tile
