// PrefetchLoads.cpp - loads ahead in loops without a dot, lane by lane
//
// Before: scf.for %i … { %x = tile.load %p ; … }
// After:  a copy of %p's tile started before the loop into a slot of a ring ; scf.for … { async_wait ; %x = shared_load ; async_load of a
//         later iteration into the slot that was read ; … }. Or, where the tile is small or cannot be copied:
//         %x0 = tile.load before the loop ; scf.for … iter_args(%x = %x0) { %y = tile.load of the next iteration ; … ; yield %y }
// A lane reads back what it copied itself, in the load's own layout: neither reading a slot nor filling it again needs a barrier, and
// num_stages - 1 slots do for as many iterations ahead.
// Which loads: of tiles, in the loop's body, whose addresses and masks follow from the induction value, carried values and values from outside.
// Requires: LAYOUT level, before conversions go through shared memory.  Keeps: LAYOUT level.  More: docs/rationale/pipelining.md.
//
// SPDX-License-Identifier: Apache-2.0
#include "core/transforms/layout/PrefetchLoads.h"

#include "core/layout/AlignedRuns.h"
#include "core/layout/SharedAccess.h"
#include "core/layout/TensorLayouts.h"
#include "core/transforms/layout/ConversionCosts.h"
#include "core/transforms/layout/LayoutRules.h"
#include "core/transforms/layout/LoopAhead.h"
#include "core/transforms/layout/SharedUse.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace tessera::tile {
namespace {

// 32-bit registers a lane: a tile of so few is carried in registers where it goes one iteration ahead. A ring costs its instructions; registers beyond
// some cost blocks that run beside each other, which hide more than one load.
constexpr uint64_t kFewRegisters = 8;
// Loads that cannot be copied are carried as far as they need no more than these, all together.
constexpr uint64_t kMostRegisters = 32;

// Copies of a lane that may start in front of an exchange between lanes.
constexpr int64_t kFewCopies = 4;

struct Prefetched {
  LoadOp op;
  SharedType slot; // null: carried in registers
  unsigned axis = 0;
  int64_t width = 1;  // of neighbours in memory
  int64_t copied = 1; // of them at once
  Value ring;
};

class Prefetcher {
public:
  Prefetcher(scf::ForOp loop, const AxisFacts &facts, const target::Target &target)
      : loop_(loop), facts_(facts), target_(target), options_(conversionOptions(target.info())), copies_(loop),
        carries_(loop) {}
  unsigned run(int64_t sharedLeft, int64_t stages);

private:
  bool canCopy(LoadOp load, Prefetched &made) const;
  void startCopies(OpBuilder &builder, Iteration iteration, MutableArrayRef<Value> ahead, Value slot);
  Operation *inFrontOfWhat();
  SmallVector<Value> startLoads(OpBuilder &builder, Iteration iteration, MutableArrayRef<Value> ahead);
  void build();

  scf::ForOp loop_;
  const AxisFacts &facts_;
  const target::Target &target_;
  layout::ConversionOptions options_;
  int64_t distance_ = 0;                  // of copies, in iterations; loads into registers go one ahead
  SmallVector<Prefetched> rings_, loads_; // copied, carried
  LoopSlice copies_, carries_;            // what they need
};

} // namespace

static uint64_t registersOf(Value tile) {
  auto elements = static_cast<uint64_t>(layoutOf(tile).getLayout().inSize(layout::kRegister));
  return llvm::divideCeil(elements * storageBits(tile.getType()), 32);
}

static SmallVector<Value> inputsOf(LoadOp load, bool withOther) {
  SmallVector<Value> inputs{load.getPtr()};
  if (load.getMask())
    inputs.push_back(load.getMask());
  if (withOther && load.getOther())
    inputs.push_back(load.getOther());
  return inputs;
}

// Whether each lane can copy its own elements, and those of no other lane.
bool Prefetcher::canCopy(LoadOp load, Prefetched &made) const {
  auto type = cast<RankedTensorType>(load.getType());
  // Truth values are normalised when they are loaded, which a copy of bytes does not do.
  if (!type.getElementType().isIntOrFloat() || type.getElementType().isInteger(1))
    return false;
  const layout::LinearLayout &own = layoutOf(load.getResult()).getLayout();
  if (own.freeMask(layout::kLane) || own.freeMask(layout::kWarp))
    return false;
  uint64_t copies = target_.info().stated(target::Capability::AsyncCopy);
  unsigned bits = storageBits(type);
  for (unsigned d = 0; d < type.getRank(); ++d) {
    int64_t w = facts_.accessWidth(load.getPtr(), load.getMask(), d);
    w = own.vectorWidth(layout::kRegister, layout::tensorDimName(d), w);
    if (w > made.width)
      made.width = w, made.axis = d;
  }
  std::string fastest = layout::tensorDimName(made.axis);
  int64_t bytes = std::min<int64_t>(made.width * bits / 8, 16);
  if (bytes < 1 || !(copies >> layout::log2Exact(bytes) & 1))
    return false;
  made.copied = bytes * 8 / bits;
  layout::Vectors vector; // the lowest elements of the dim that is contiguous in memory
  for (int64_t elements = 1; elements * bits / 8 < bytes; elements *= 2)
    vector.push_back(static_cast<uint64_t>(elements) << own.outStart(fastest));
  layout::LinearLayout shared = layout::swizzledFor(own, own, bits, options_.memory, vector);
  layout::SharedAccess access = layout::analyseAccess(own, shared, bits, options_.memory);
  if (std::min(access.vectorElements, layout::alignedRuns(shared, layout::kOffset, fastest)) * bits / 8 < bytes)
    return false;
  made.slot = SharedType::get(type.getShape(), type.getElementType(), LinearAttr::get(load.getContext(), shared));
  return true;
}

// One iteration's copies, each into a slot of its ring.
void Prefetcher::startCopies(OpBuilder &builder, Iteration iteration, MutableArrayRef<Value> ahead, Value slot) {
  IRMapping map = copies_.emit(builder, iteration.induction, ahead);
  for (Prefetched &made : rings_) {
    Location loc = made.op.getLoc();
    Value pointer = map.lookupOrDefault(made.op.getPtr()), mask = made.op.getMask();
    mask = maskedBy(builder, loc, pointer, mask ? map.lookupOrDefault(mask) : mask, iteration.valid);
    Value at = SharedSlotOp::create(builder, loc, made.ring, slot);
    auto copy = AsyncLoadOp::create(builder, loc, at, pointer, mask, made.op.getCache(), made.op.getEvict());
    // What is known of the load's addresses in any iteration holds for this one's; the analysis may not see it through the values that run ahead.
    copy->setDiscardableAttr(kAccessAxisAttr, builder.getI32IntegerAttr(static_cast<int32_t>(made.axis)));
    copy->setDiscardableAttr(kAccessWidthAttr, builder.getI32IntegerAttr(static_cast<int32_t>(made.width)));
  }
  AsyncCommitOp::create(builder, loop_.getLoc());
}

// The op of the body in front of which the copies start; null: at once. Many of them stand in the way of the first exchange's shuffles, which go through the same
// unit: code generators start what stands directly in front of an exchange behind its shuffles, where lanes wait for each other.
Operation *Prefetcher::inFrontOfWhat() {
  int64_t copies = 0;
  for (Prefetched &made : rings_)
    copies += layoutOf(made.op.getResult()).getLayout().inSize(layout::kRegister) / made.copied;
  if (copies <= kFewCopies)
    return nullptr;
  for (Operation &op : *loop_.getBody())
    if (waitsForAllLanes(&op))
      return &op;
  return nullptr;
}

// One iteration's loads into registers.
SmallVector<Value> Prefetcher::startLoads(OpBuilder &builder, Iteration iteration, MutableArrayRef<Value> ahead) {
  IRMapping map = carries_.emit(builder, iteration.induction, ahead);
  SmallVector<Value> values;
  for (Prefetched &made : loads_) {
    Location loc = made.op.getLoc();
    Value pointer = map.lookupOrDefault(made.op.getPtr()), mask = made.op.getMask(), other = made.op.getOther();
    mask = maskedBy(builder, loc, pointer, mask ? map.lookupOrDefault(mask) : mask, iteration.valid);
    values.push_back(LoadOp::create(builder, loc, pointer, mask, other ? map.lookupOrDefault(other) : other,
                                    made.op.getCache(), made.op.getEvict()));
  }
  return values;
}

void Prefetcher::build() {
  Location loc = loop_.getLoc();
  OpBuilder builder(loop_);
  Type i32 = builder.getI32Type();
  Value runs = loopRuns(builder, loop_);
  SmallVector<Value> copied = copies_.initial(), loaded = carries_.initial();
  for (Prefetched &made : rings_) {
    auto bytes = static_cast<int32_t>(static_cast<int64_t>(bytesOf(made.slot)) * distance_);
    made.ring = SharedAllocOp::create(builder, loc, made.slot, IntegerAttr(), builder.getI32IntegerAttr(bytes),
                                      builder.getI32IntegerAttr(static_cast<int32_t>(distance_)));
  }
  for (int64_t d = 0; d < distance_; ++d)
    startCopies(builder, iterationAt(builder, loop_, runs, d), copied, constantLike(builder, loc, i32, d));
  SmallVector<Value> first;
  if (!loads_.empty())
    first = startLoads(builder, iterationAt(builder, loop_, runs, 0), loaded);

  // Carried: the loop's own values, those that run ahead, the values in registers, the slot of this iteration.
  SmallVector<Value> inits(loop_.getInitArgs());
  size_t own = inits.size();
  llvm::append_range(inits, copied);
  llvm::append_range(inits, loaded);
  llvm::append_range(inits, first);
  if (distance_ > 1)
    inits.push_back(constantLike(builder, loc, i32, 0));
  auto made = scf::ForOp::create(builder, loc, loop_.getLowerBound(), loop_.getUpperBound(), loop_.getStep(), inits,
                                 /*bodyBuilder=*/nullptr, loop_.getUnsignedCmp());
  made->setDiscardableAttrs(loop_->getDiscardableAttrDictionary());
  made->removeDiscardableAttr(kNumStagesAttr);
  if (made.getBody()->mightHaveTerminator())
    made.getBody()->getTerminator()->erase();
  OpBuilder body = OpBuilder::atBlockEnd(made.getBody());
  ArrayRef<BlockArgument> arguments = made.getRegionIterArgs();
  IRMapping map;
  map.map(loop_.getInductionVar(), made.getInductionVar());
  for (size_t i = 0; i < own; ++i)
    map.map(loop_.getRegionIterArgs()[i], arguments[i]);
  auto take = [&](SmallVector<Value> &values, size_t from) {
    for (auto [i, value] : llvm::enumerate(values))
      value = arguments[from + i];
  };
  take(copied, own);
  take(loaded, own + copied.size());
  SmallVector<Value> inRegisters(first.size());
  take(inRegisters, own + copied.size() + loaded.size());

  DenseMap<Operation *, Value> values; // of the loads, as they come
  SmallVector<Value> next;
  Value slot;
  if (!rings_.empty()) {
    slot = distance_ > 1 ? Value(arguments.back()) : constantLike(body, loc, i32, 0);
    AsyncWaitOp::create(body, loc, static_cast<int32_t>(distance_ - 1));
    for (Prefetched &ring : rings_) {
      Value at = SharedSlotOp::create(body, ring.op.getLoc(), ring.ring, slot);
      values[ring.op] = SharedLoadOp::create(body, ring.op.getLoc(), ring.op.getType(), at);
    }
  }
  auto startAhead = [&] {
    startCopies(body, iterationAfter(body, loop_, made.getInductionVar(), distance_), copied, slot);
  };
  Operation *exchange = inFrontOfWhat();
  if (!rings_.empty() && !exchange)
    startAhead();
  if (!loads_.empty()) {
    for (auto [load, value] : llvm::zip(loads_, inRegisters))
      values[load.op] = value;
    next = startLoads(body, iterationAfter(body, loop_, made.getInductionVar(), 1), loaded);
  }
  for (Operation &op : loop_.getBody()->without_terminator()) {
    auto found = values.find(&op);
    if (found == values.end()) {
      if (&op == exchange)
        startAhead();
      body.clone(op, map);
      continue;
    }
    auto load = cast<LoadOp>(op);
    Value value = found->second;
    // A copy writes zeros where it is masked off.
    bool copy = value.getDefiningOp<SharedLoadOp>() != nullptr;
    if (Value other = load.getOther(); copy && other && !isZeroTile(other))
      value = arith::SelectOp::create(body, load.getLoc(), map.lookupOrDefault(load.getMask()), value,
                                      map.lookupOrDefault(other));
    map.map(load.getResult(), value);
  }
  SmallVector<Value> yields;
  for (Value value : loop_.getYieldedValues())
    yields.push_back(map.lookupOrDefault(value));
  llvm::append_range(yields, copied);
  llvm::append_range(yields, loaded);
  llvm::append_range(yields, next);
  if (distance_ > 1)
    yields.push_back(nextSlot(body, loc, slot, distance_));
  scf::YieldOp::create(body, loc, yields);

  builder.setInsertionPointAfter(made);
  if (!rings_.empty())
    AsyncWaitOp::create(builder, loc, 0);
  for (Prefetched &ring : rings_)
    SharedFreeOp::create(builder, loc, ring.ring);
  loop_.replaceAllUsesWith(made.getResults().take_front(own));
  loop_.erase();
}

unsigned Prefetcher::run(int64_t sharedLeft, int64_t stages) {
  SmallVector<Prefetched> candidates;
  int64_t bytes = 0;
  for (LoadOp load : loop_.getBody()->getOps<LoadOp>()) {
    if (!isTile(load.getResult()) || !layoutOf(load.getResult()) || load.getIsVolatile() ||
        !mayLoadAhead(loop_, load.getPtr(), /*asked=*/true))
      continue;
    Prefetched made;
    made.op = load;
    if ((stages > 2 || registersOf(load.getResult()) > kFewRegisters) && canCopy(load, made))
      bytes += static_cast<int64_t>(llvm::alignTo(bytesOf(made.slot), kBufferAlignment));
    candidates.push_back(made);
  }
  distance_ = stages - 1;
  while (distance_ > 0 && bytes * distance_ > sharedLeft)
    --distance_;
  uint64_t registers = 0;
  for (Prefetched &made : candidates) {
    if (made.slot && distance_ > 0) {
      if (copies_.add(inputsOf(made.op, /*withOther=*/false)))
        rings_.push_back(made);
    } else if (uint64_t more = registersOf(made.op.getResult());
               registers + more <= kMostRegisters && carries_.add(inputsOf(made.op, /*withOther=*/true))) {
      registers += more;
      loads_.push_back(made);
    }
  }
  if (rings_.empty())
    distance_ = 0;
  auto count = static_cast<unsigned>(rings_.size() + loads_.size());
  if (count)
    build();
  return count;
}

unsigned prefetchLoads(scf::ForOp loop, const AxisFacts &facts, const target::Target &target, int64_t sharedLeft,
                       int64_t stages) {
  return Prefetcher(loop, facts, target).run(sharedLeft, stages);
}

} // namespace tessera::tile
