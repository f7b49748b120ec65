// PipelineLoops.cpp - load what a loop will need while it works on what it has
//
// Before: scf.for %i … { %a = tile.load %p ; … shared_store %s, %a … async_dot %s … dot_wait 0 }     (or tile.descriptor_load)
// After:  the first loads started before the loop, each into a slot of a ring in shared memory; in the loop: async_wait, barrier, the body
//         on one slot, the load of a later iteration into another slot. Loads by descriptor are tensor copies: one lane starts them, and
//         instead of async_wait the loop waits for the copy barrier of its slot, whose parity turns each time the ring comes round.
// Which loads: of tiles, in the body of a loop with a dot, feeding shared memory, a change of layout or arithmetic; their
// addresses and masks follow from the induction value, carried values and loop-invariant values, at most through loads of few values
// (IndexLoads.h), which then run one iteration further ahead.
// A loop without a dot loads ahead where the program asks for it: by descriptor as above, else lane by lane (PrefetchLoads.h).
// How far ahead: num_stages - 1 iterations, fewer where shared memory is short. Products that only add to their accumulator
// are awaited an iteration later, those that need another product of their iteration run on into the next one (ScheduleProducts.h).
// What lanes write for a product that is awaited later (converted weights, say) goes into one of two buffers in turn.
// Hazards: a slot is written again at the earliest after a barrier that every lane passed when its last reader (a load of
// registers, or a product that was awaited) was done; so one barrier an iteration orders everything, and InsertBarriers
// takes the accesses of a ring among each other as ordered. More: docs/rationale/pipelining.md.
// Requires: LAYOUT level, before conversions go through shared memory.  Keeps: LAYOUT level.
//
// SPDX-License-Identifier: Apache-2.0
#include "core/transforms/layout/IndexLoads.h"
#include "core/transforms/layout/LayoutQuestions.h"
#include "core/transforms/layout/LoopAhead.h"
#include "core/transforms/layout/LoopLoads.h"
#include "core/transforms/layout/LoopNests.h"
#include "core/transforms/layout/Passes.h"
#include "core/transforms/layout/PrefetchLoads.h"
#include "core/transforms/layout/RecomputeInLayout.h"
#include "core/transforms/layout/ScheduleProducts.h"
#include "core/transforms/layout/SharedUse.h"
#include "core/transforms/layout/TensorCopies.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace tessera::tile {
namespace {

constexpr int64_t kBlockReserve = 1024; // shared memory of each block that a device may keep for itself

class LoopPipeliner : LoopLoads {
public:
  LoopPipeliner(scf::ForOp loop, const AxisFacts &facts, const target::Target &target, int64_t sharedLeft,
                TensorMaps &maps)
      : LoopLoads(loop, facts, target), sharedLeft_(sharedLeft), maps_(maps), slice_(loop), indices_(loop) {}
  // The number of loads that go ahead; 0: the loop stays as it is.
  unsigned run(int64_t stages);

private:
  void collectSlice(bool asked);
  bool recomputeRows();
  bool isFilledInTurn(Value shared);
  bool outlasts(Value shared) { return staysFilled(shared) || isFilledInTurn(shared); }
  bool twoFitRegisters();
  int64_t distanceInTurn(int64_t stages);
  bool slotTakesBlock(int64_t slots);
  int64_t sharedOfOuterIteration();
  int64_t chooseDistance(int64_t stages, int64_t extraSlots, int64_t bytesLeft) const;
  void startLoads(OpBuilder &builder, Location loc, IRMapping &map, Value valid, Value slot);
  void startCopies(OpBuilder &builder, Location loc, IRMapping &map, Value valid, Value slot);
  bool copiesByLanes() const {
    return llvm::any_of(loads_, [](const StagedLoad &staged) { return !staged.copy; });
  }
  bool copiesTiles() const {
    return llvm::any_of(loads_, [](const StagedLoad &staged) { return staged.copy.has_value(); });
  }
  bool hasNest();
  void buildLoop(int64_t distance, int64_t slots);

  scf::ForOp outer_;               // where the first loads are started in an iteration before
  Operation *lastStart_ = nullptr; // there
  bool startsBeforeWait_ = false;  // an iteration's loads ahead, before it waits for what it needs itself
  int64_t sharedLeft_;
  TensorMaps &maps_;
  llvm::SetVector<Operation *> inTurn_; // shared_allocs of the body that become rings of two
  SmallVector<Value> rings_, pairs_;
  Value copyBarriers_; // a ring, where some loads are tensor copies
  LoopSlice slice_;
  IndexLoads indices_; // that the slice needs
};

} // namespace

// A tile whose elements are all the same value.
static bool isSplat(Value tile) {
  SplatElementsAttr elements;
  return isa_and_nonnull<SplatOp>(tile.getDefiningOp()) || matchPattern(tile, m_Constant(&elements));
}

// The op's only tile operand that is not a splat, before which a layout change of the result could come instead. Null: there is none, or the result has other users.
static OpOperand *soleTileOperand(Operation *op) {
  if (!op->hasOneUse() || op->getNumResults() != 1 || !(isa<ExpandDimsOp>(op) || isRematerialisable(op)))
    return nullptr;
  OpOperand *found = nullptr;
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isTile(operand.get()) || isSplat(operand.get()))
      continue;
    if (found)
      return nullptr;
    found = &operand;
  }
  return found;
}

static RankedTensorType typeIn(Value value, LinearAttr layout) {
  auto type = cast<RankedTensorType>(value.getType());
  return RankedTensorType::get(type.getShape(), type.getElementType(), layout);
}

static Value splatIn(OpBuilder &builder, Value splat, LinearAttr layout) {
  Operation *clone = builder.clone(*splat.getDefiningOp());
  RankedTensorType type = typeIn(splat, layout);
  clone->getResult(0).setType(type);
  if (auto constant = dyn_cast<arith::ConstantOp>(clone))
    constant.setValueAttr(
        DenseElementsAttr::get(type, cast<SplatElementsAttr>(constant.getValue()).getSplatValue<Attribute>()));
  return clone->getResult(0);
}

// A row or column that is broadcast over a product's result, perhaps scaled or exponentiated before, changes its layout as what it was loaded as, so that its ring
// replaces that change.
static void convertWhatWasLoaded(LoadOp load) {
  for (Operation *user : llvm::make_early_inc_range(load.getResult().getUsers())) {
    SmallVector<Operation *> chain; // from the load on
    while (!isa<ConvertLayoutOp>(user) && soleTileOperand(user) && user->getBlock() == load->getBlock()) {
      chain.push_back(user);
      user = *user->user_begin();
    }
    auto convert = dyn_cast<ConvertLayoutOp>(user);
    if (chain.empty() || !convert || convert->getBlock() != load->getBlock())
      continue;
    SmallVector<LinearAttr> wanted{layoutOf(convert.getResult())}; // of each op's result, from the last one on
    for (Operation *op : llvm::reverse(chain))
      if (LinearAttr last = wanted.back())
        wanted.push_back(operandFromResult(op, soleTileOperand(op)->getOperandNumber(), last));
    // Where the other layout has an element in more lanes, the chain is computed in all of them: that is for rows and columns, not for tiles.
    constexpr unsigned kFewRegisters = 4;
    bool computes = llvm::any_of(chain, [](Operation *op) { return !isa<ExpandDimsOp>(op); });
    if (!wanted.back() || (computes && (uint64_t(1) << wanted.back().getNumBits(layout::kRegister)) > kFewRegisters))
      continue;
    OpBuilder builder(chain.front());
    Value moved =
        ConvertLayoutOp::create(builder, convert.getLoc(), typeIn(load.getResult(), wanted.back()), load.getResult());
    for (auto [i, op] : llvm::enumerate(chain)) {
      LinearAttr result = wanted[chain.size() - 1 - i];
      OpOperand *along = soleTileOperand(op);
      for (OpOperand &operand : op->getOpOperands()) {
        if (&operand == along) {
          operand.set(moved);
        } else if (isTile(operand.get())) { // a splat
          builder.setInsertionPoint(op);
          operand.set(splatIn(builder, operand.get(), operandFromResult(op, operand.getOperandNumber(), result)));
        }
      }
      op->getResult(0).setType(typeIn(op->getResult(0), result));
      moved = op->getResult(0);
    }
    convert.replaceAllUsesWith(moved);
    convert.erase();
  }
}

// What the addresses and masks need; loads for which that is not known ahead stay as they are.
void LoopPipeliner::collectSlice(bool asked) {
  slice_ = LoopSlice(loop_), indices_ = IndexLoads(loop_);
  llvm::erase_if(loads_, [&](StagedLoad &staged) { return !indices_.add(staged.inputs(), slice_, asked); });
  llvm::erase_if(loads_, [&](StagedLoad &staged) { return indices_.contains(staged.op); });
}

// A row or column that is computed from several loads (zeros times scales), and then changes its layout to meet a tile, is computed in that layout from what the rings
// bring: no conversion, whose barriers would stand in every iteration. False: there is no such row. Conversions that the slice of the addresses holds may be gone afterwards.
bool LoopPipeliner::recomputeRows() {
  constexpr uint64_t kFewRegisters = 8;
  auto stagedOf = [&](LoadOp load) {
    return llvm::find_if(loads_, [&](StagedLoad &staged) { return staged.op == load; });
  };
  RecomputeInLayout rows(
      loop_.getRegion(), [&](LoadOp load) { return stagedOf(load) != loads_.end(); },
      [&](ConvertLayoutOp convert) {
        if (auto load = convert.getSource().getDefiningOp<LoadOp>())
          if (auto *staged = stagedOf(load); staged != loads_.end())
            staged->conversions.push_back(convert);
      });
  bool any = false;
  for (ConvertLayoutOp convert : llvm::make_early_inc_range(loop_.getBody()->getOps<ConvertLayoutOp>())) {
    Operation *from = convert.getSource().getDefiningOp();
    LinearAttr wanted = layoutOf(convert.getResult());
    if (!from || !(isRematerialisable(from) || isa<ConvertLayoutOp>(from)) || from->getBlock() != loop_.getBody() ||
        !rows.can(convert.getSource(), wanted, kFewRegisters))
      continue;
    convert.replaceAllUsesWith(rows.make(convert.getSource(), wanted));
    convert.erase();
    any = true;
  }
  // Where the layout that was wanted is the load's own, the row is computed from what was loaded as it is.
  for (StagedLoad &staged : loads_)
    staged.direct |= llvm::any_of(staged.result().getUsers(), [](Operation *user) { return isRematerialisable(user); });
  return any;
}

// Whether lanes fill this buffer once an iteration, for products only: while a product of the last iteration reads it they can fill another.
bool LoopPipeliner::isFilledInTurn(Value shared) {
  while (auto transpose = shared.getDefiningOp<SharedTransposeOp>())
    shared = transpose.getSource();
  auto alloc = shared.getDefiningOp<SharedAllocOp>();
  if (!alloc || alloc->getBlock() != loop_.getBody() || alloc.getSlots())
    return false;
  unsigned stores = 0;
  SmallVector<Operation *> open(alloc->getUsers());
  while (!open.empty()) {
    Operation *user = open.pop_back_val();
    if (user->getBlock() != loop_.getBody())
      return false;
    if (isa<SharedStoreOp>(user))
      ++stores;
    else if (isa<SharedTransposeOp>(user))
      llvm::append_range(open, user->getUsers());
    else if (!isa<AsyncDotOp>(user))
      return false;
  }
  if (stores != 1)
    return false;
  inTurn_.insert(alloc);
  return true;
}

// Bytes that conversions and scratch of the outer loop's body need beside the rings, at most one at a time; its buffers count with those around the loop.
int64_t LoopPipeliner::sharedOfOuterIteration() {
  uint64_t most = 0;
  for (Operation &op : *loop_->getBlock())
    if (&op != loop_)
      op.walk([&](Operation *inner) { most = std::max(most, transientBytes(inner)); });
  return static_cast<int64_t>(llvm::alignTo(most, kBufferAlignment));
}

// Whether this loop's first loads may be started before the epilogue of the iteration before of the loop around it, which says flatten.
bool LoopPipeliner::hasNest() {
  auto outer = dyn_cast<scf::ForOp>(loop_->getParentOp());
  if (!outer || !hasLoopFlag(outer, kFlatten) || !indices_.empty())
    return false;
  SmallVector<Value> inputs, pointers;
  for (const StagedLoad &staged : loads_) {
    llvm::append_range(inputs, staged.inputs());
    auto described = dyn_cast<DescriptorLoadOp>(staged.op);
    pointers.push_back(described ? described.getBase() : cast<LoadOp>(staged.op).getPtr());
  }
  return mayStartInIterationBefore(outer, loop_, slice_, inputs, pointers);
}

// Iterations ahead, as many as asked for and as have room.
int64_t LoopPipeliner::chooseDistance(int64_t stages, int64_t extraSlots, int64_t bytesLeft) const {
  int64_t bytes = 0;
  for (const StagedLoad &staged : loads_)
    bytes += staged.bytes();
  // The slots' copy barriers lie beside the rings.
  auto needed = [&](int64_t slots) {
    return bytes * slots + (copiesTiles() ? static_cast<int64_t>(llvm::alignTo(8 * slots, 16)) : 0);
  };
  int64_t distance = stages - 1;
  while (distance > 0 && needed(distance + extraSlots) > bytesLeft)
    --distance;
  return distance;
}

// Whether the registers of a unit may do for two blocks: by the sums of the loop's products, and some forty for what else a lane needs.
bool LoopPipeliner::twoFitRegisters() {
  uint64_t file = target_.info().stated(target::Capability::RegFile), own = 40;
  for (AsyncDotOp dot : loop_.getBody()->getOps<AsyncDotOp>())
    own += static_cast<uint64_t>(layoutOf(dot.getResult()).getLayout().inSize(layout::kRegister)) *
           storageBits(dot.getResult().getType()) / 32;
  auto warps = static_cast<uint64_t>(moduleOption(loop_->getParentOfType<ModuleOp>(), "num_warps", 4));
  return file == 0 || 2 * own * warps * target_.info().lanes() <= file;
}

// Iterations ahead where products run on beside the lanes that fill buffers in turn; 0: no room. Two blocks that share a unit fill each other's waits, too: where
// there is room for two otherwise, there must be with this.
int64_t LoopPipeliner::distanceInTurn(int64_t stages) {
  int64_t ring = 0, second = 0;
  for (const StagedLoad &staged : loads_)
    ring += staged.bytes();
  for (Operation *alloc : inTurn_)
    second += llvm::alignTo(bytesOf(cast<SharedAllocOp>(alloc).getType()), kBufferAlignment);
  auto all = static_cast<int64_t>(target_.info().sharedBytes());
  int64_t beside = all - sharedLeft_, plain = chooseDistance(stages, 1, sharedLeft_);
  bool two = plain > 0 && 2 * (beside + ring * (plain + 1) + kBlockReserve) <= all && twoFitRegisters();
  return chooseDistance(stages, 2, (two ? all / 2 - kBlockReserve : all) - beside - second);
}

// Whether the last of so many slots takes the room of a second block, which rings one slot shorter leave. Only of a loop that a program enters once: one around it
// deals out tiles, and then there are as many programs as units.
bool LoopPipeliner::slotTakesBlock(int64_t slots) {
  int64_t ring = 0;
  for (const StagedLoad &staged : loads_)
    ring += staged.bytes();
  auto all = static_cast<int64_t>(target_.info().sharedBytes());
  auto twoFit = [&](int64_t count) { return 2 * (all - sharedLeft_ + ring * count + kBlockReserve) <= all; };
  return !twoFit(slots) && twoFit(slots - 1) && twoFitRegisters() && !loop_->getParentOfType<LoopLikeOpInterface>();
}

// The loads of one iteration, whose values `map` gives the addresses; into `slot` of each ring.
void LoopPipeliner::startLoads(OpBuilder &builder, Location loc, IRMapping &map, Value valid, Value slot) {
  for (auto [staged, ring] : llvm::zip(loads_, rings_)) {
    auto load = dyn_cast<LoadOp>(staged.op);
    if (!load)
      continue;
    Value pointer = map.lookupOrDefault(load.getPtr()), mask = load.getMask();
    mask = maskedBy(builder, loc, pointer, mask ? map.lookupOrDefault(mask) : mask, valid);
    Value at = SharedSlotOp::create(builder, loc, ring, slot);
    auto copy = AsyncLoadOp::create(builder, load.getLoc(), at, pointer, mask, load.getCache(), load.getEvict());
    // What is known of the load's addresses in any iteration holds for this one's; the analysis may not see it through the values that run ahead.
    copy->setDiscardableAttr(kAccessAxisAttr, builder.getI32IntegerAttr(static_cast<int32_t>(staged.axis)));
    copy->setDiscardableAttr(kAccessWidthAttr, builder.getI32IntegerAttr(static_cast<int32_t>(staged.width)));
  }
  if (copiesByLanes())
    AsyncCommitOp::create(builder, loc);
  if (copiesTiles())
    startCopies(builder, loc, map, valid, slot);
}

// The tensor copies of one iteration: one copy barrier for all of them.
void LoopPipeliner::startCopies(OpBuilder &builder, Location loc, IRMapping &map, Value valid, Value slot) {
  int64_t bytes = 0;
  for (const StagedLoad &staged : loads_)
    bytes += staged.copy ? staged.bytes() : 0;
  Value barrier = SharedSlotOp::create(builder, loc, copyBarriers_, slot);
  // What they need first: then one lane starts them all without a pause.
  SmallVector<std::pair<DescriptorLoadOp, SmallVector<Value>>> started;
  for (auto [staged, ring] : llvm::zip(loads_, rings_)) {
    auto load = dyn_cast<DescriptorLoadOp>(staged.op);
    if (!load)
      continue;
    DescribedArray array(load);
    SmallVector<Value> offsets, operands;
    for (Value offset : load.getOffsets())
      offsets.push_back(map.lookupOrDefault(offset));
    Value at = SharedSlotOp::create(builder, load.getLoc(), ring, slot);
    operands = {at, maps_.mapOf(array, *staged.copy), barrier, valid};
    llvm::append_range(operands, maps_.coordinates(builder, load.getLoc(), array, offsets));
    started.push_back({load, std::move(operands)});
  }
  CopyExpectOp::create(builder, loc, barrier, valid, static_cast<int32_t>(bytes));
  for (auto &[load, operands] : started)
    TensorLoadOp::create(builder, load.getLoc(), TypeRange(), operands);
}

void LoopPipeliner::buildLoop(int64_t distance, int64_t slots) {
  Location loc = loop_.getLoc();
  OpBuilder builder(outer_ ? outer_ : loop_);
  Value lower = loop_.getLowerBound(), upper = loop_.getUpperBound(), step = loop_.getStep();
  Type i32 = builder.getI32Type();
  for (StagedLoad &staged : loads_) {
    auto bytes = builder.getI32IntegerAttr(static_cast<int32_t>(staged.bytes() * slots));
    rings_.push_back(SharedAllocOp::create(builder, loc, staged.slot, IntegerAttr(), bytes,
                                           builder.getI32IntegerAttr(static_cast<int32_t>(slots))));
  }

  for (Operation *op : inTurn_) {
    auto alloc = cast<SharedAllocOp>(op);
    auto bytes = builder.getI32IntegerAttr(static_cast<int32_t>(2 * bytesOf(alloc.getType())));
    pairs_.push_back(
        SharedAllocOp::create(builder, loc, alloc.getType(), IntegerAttr(), bytes, builder.getI32IntegerAttr(2)));
  }

  if (copiesTiles()) {
    copyBarriers_ = makeCopyBarriers(builder, loc, slots);
    // What lanes stored to the rings' bytes before comes before what the engine writes; the barrier also publishes the copy barriers.
    SharedFenceOp::create(builder, loc);
    BarrierOp::create(builder, loc);
  }
  // The first iterations' loads. What the slice carries runs `distance` iterations ahead of the loop.
  builder.setInsertionPoint(loop_);
  LoopInNest nest;
  Value first = constantLike(builder, loc, i32, 0), exists, parity;
  if (outer_)
    exists = constantLike(builder, loc, builder.getI1Type(), 1);
  if (copiesTiles())
    parity = constantLike(builder, loc, i32, 0);
  SmallVector<Value> ahead = slice_.initial(), indexAhead = indices_.initial(),
                     indices; // these of the iteration that starts next
  auto start = [&](OpBuilder &at, Iteration iteration, Value slot) {
    IRMapping given;
    indices_.map(given, indices);
    IRMapping map = slice_.emit(at, iteration.induction, ahead, std::move(given));
    startLoads(at, loc, map, iteration.valid, slot);
  };
  Value runs = loopRuns(builder, loop_), fill = first;
  if (outer_)
    runs = arith::AndIOp::create(builder, loc, runs, exists);
  for (int64_t d = 0; d < distance; ++d) {
    Iteration iteration = iterationAt(builder, loop_, runs, d);
    Value slot = outer_ ? fill : constantLike(builder, loc, i32, d);
    indices = indices_.emit(builder, iteration, indexAhead);
    start(builder, iteration, slot);
    fill = outer_ ? nextSlot(builder, loc, fill, slots) : constantLike(builder, loc, i32, (d + 1) % slots);
  }
  if (outer_)
    for (Operation *op = first.getDefiningOp(); op != loop_; op = op->getNextNode())
      if (!isMemoryEffectFree(op))
        nest.starts.push_back(op);

  if (!indices_.empty())
    indices = indices_.emit(builder, iterationAt(builder, loop_, runs, distance), indexAhead);

  SmallVector<Value> inits(loop_.getInitArgs());
  size_t own = inits.size();
  llvm::append_range(inits, ahead);
  llvm::append_range(inits, indexAhead);
  llvm::append_range(inits, indices);
  const size_t firstSlot = inits.size();
  inits.push_back(first); // the slot to work on
  inits.push_back(fill);  // the slot to fill
  if (!inTurn_.empty())
    inits.push_back(constantLike(builder, loc, i32, 0)); // which of two buffers lanes fill
  if (copiesTiles())
    inits.push_back(parity); // of the phase that fills the slot to work on
  auto made =
      scf::ForOp::create(builder, loc, lower, upper, step, inits, /*bodyBuilder=*/nullptr, loop_.getUnsignedCmp());
  made->setDiscardableAttrs(loop_->getDiscardableAttrDictionary());
  made->removeDiscardableAttr(kNumStagesAttr);
  if (made.getBody()->mightHaveTerminator())
    made.getBody()->getTerminator()->erase();
  ArrayRef<BlockArgument> arguments = made.getRegionIterArgs();
  auto *next = arguments.begin() + static_cast<ptrdiff_t>(own);
  for (SmallVector<Value> *values : {&ahead, &indexAhead, &indices})
    for (Value &value : *values)
      value = *next++;
  BlockArgument working = arguments[firstSlot], filling = arguments[firstSlot + 1];

  OpBuilder body = OpBuilder::atBlockEnd(made.getBody());
  if (copiesByLanes() && !startsBeforeWait_)
    AsyncWaitOp::create(body, loc, static_cast<int32_t>(distance - 1));
  auto awaitTiles = [&] {
    if (copiesTiles())
      CopyBarrierWaitOp::create(body, loc, SharedSlotOp::create(body, loc, copyBarriers_, working), arguments.back());
  };
  // Copy barriers say to each lane by themselves that the tiles are there. So what the barrier says to all, that the slot to fill was read, need not come behind
  // that: loads ahead that wait for this iteration's would come so much later, and of d iterations ahead every latency would take one.
  bool startsFirst = startsBeforeWait_ || (copiesTiles() && !copiesByLanes() && inTurn_.empty());
  if (!startsFirst)
    awaitTiles();
  BarrierOp::create(body, loc);
  // At once. Starting them behind the first product, so that matrix units have work before, was no faster (docs/rationale/pipelining.md). But
  // where they have more than an iteration of time, behind what lanes publish for a product: the fence might wait for copies that have just started.
  auto startAhead = [&] {
    start(body, iterationAfter(body, loop_, made.getInductionVar(), distance), filling);
    if (!indices_.empty())
      indices = indices_.emit(body, iterationAfter(body, loop_, made.getInductionVar(), distance + 1), indexAhead);
  };
  Operation *lastDot = nullptr;
  if (inTurn_.empty() || distance == 1)
    startAhead();
  if (startsFirst && copiesByLanes()) // whose copies are there for all lanes behind a second barrier only
    AsyncWaitOp::create(body, loc, static_cast<int32_t>(distance));
  if (startsFirst)
    awaitTiles();
  if (startsFirst && copiesByLanes())
    BarrierOp::create(body, loc);
  if (!inTurn_.empty() && distance > 1)
    for (Operation &op : *loop_.getBody())
      lastDot = isa<AsyncDotOp>(op) ? &op : lastDot;

  // The body, with the slots in place of the loads.
  IRMapping map;
  map.map(loop_.getInductionVar(), made.getInductionVar());
  for (size_t i = 0; i < own; ++i)
    map.map(loop_.getRegionIterArgs()[i], arguments[i]);
  Value turn = inTurn_.empty() ? Value() : Value(arguments[firstSlot + 2]);
  bool published = false; // lanes have filled a buffer since the last barrier
  DenseMap<Operation *, unsigned> loadAt;
  for (auto [i, staged] : llvm::enumerate(loads_))
    loadAt[staged.op] = static_cast<unsigned>(i);
  llvm::DenseSet<Operation *> dropped;
  for (Operation &op : loop_.getBody()->without_terminator()) {
    if (dropped.contains(&op))
      continue;
    if (inTurn_.contains(&op)) {
      Value pair = pairs_[static_cast<size_t>(llvm::find(inTurn_, &op) - inTurn_.begin())];
      map.map(op.getResult(0), SharedSlotOp::create(body, op.getLoc(), pair, turn).getResult());
      continue;
    }
    auto found = loadAt.find(&op);
    if (found == loadAt.end()) {
      if (isa<AsyncDotOp>(op) && published) { // of a ring: nobody else orders its accesses
        BarrierOp::create(body, loc);
        published = false;
      }
      if (auto store = dyn_cast<SharedStoreOp>(op))
        published |= inTurn_.contains(store.getShared().getDefiningOp());
      body.clone(op, map);
      if (&op == lastDot)
        startAhead();
      continue;
    }
    StagedLoad &staged = loads_[found->second];
    Value slot = SharedSlotOp::create(body, staged.op->getLoc(), rings_[found->second], working);
    for (SharedStoreOp store : staged.sharedStores) {
      Value buffer = slot;
      if (auto transpose = store.getValue().getDefiningOp<TransposeOp>()) {
        SmallVector<int64_t> order(transpose.getOrder().begin(), transpose.getOrder().end());
        buffer = SharedTransposeOp::create(body, store.getLoc(), slot, order);
        dropped.insert(transpose);
      }
      map.map(store.getShared(), buffer);
      dropped.insert(store);
      dropped.insert(store.getShared().getDefiningOp());
      if (isa_and_nonnull<SharedFenceOp>(store->getNextNode())) // copies that were awaited need none
        dropped.insert(store->getNextNode());
    }
    for (ConvertLayoutOp convert : staged.conversions) {
      map.map(convert.getResult(), SharedLoadOp::create(body, convert.getLoc(), convert.getType(), slot).getResult());
      dropped.insert(convert);
    }
    if (staged.direct)
      map.map(staged.result(),
              SharedLoadOp::create(body, staged.op->getLoc(), staged.result().getType(), slot).getResult());
  }
  SmallVector<Value> yields;
  for (Value value : loop_.getYieldedValues())
    yields.push_back(map.lookupOrDefault(value));
  for (const SmallVector<Value> *values : {&ahead, &indexAhead, &indices})
    llvm::append_range(yields, *values);
  yields.push_back(nextSlot(body, loc, working, slots));
  yields.push_back(nextSlot(body, loc, filling, slots));
  if (turn)
    yields.push_back(arith::XOrIOp::create(body, loc, turn, constantLike(body, loc, i32, 1)));
  if (copiesTiles())
    yields.push_back(nextParity(body, loc, working, arguments.back(), slots));
  scf::YieldOp::create(body, loc, yields);

  builder.setInsertionPointAfter(made);
  if (copiesByLanes())
    AsyncWaitOp::create(builder, loc, 0);
  SmallVector<Value> results(made.getResults().take_front(own));
  loop_.replaceAllUsesWith(results);
  loop_.erase();
  loop_ = made;
  if (outer_) {
    nest.outer = outer_, nest.inner = made;
    nest.slot = first, nest.exists = exists, nest.parity = parity;
    nest.working = working.getArgNumber() - 1;
    lastStart_ = startInIterationBefore(nest, copiesByLanes());
    outer_ = nest.outer;
  }
}

unsigned LoopPipeliner::run(int64_t stages) {
  bool asked = asksForStages(loop_), hasDot = false, copiesTiles = false;
  SmallVector<Operation *> candidates;
  for (Operation &op : *loop_.getBody()) {
    hasDot |= isa<DotOp, AsyncDotOp>(op);
    copiesTiles |= isa<DescriptorLoadOp>(op) && target_.info().stated(target::Capability::TensorCopy);
  }
  // `num_stages` of the kernel asks for loops with a dot.
  for (Operation &op : *loop_.getBody()) {
    if (auto load = dyn_cast<LoadOp>(op); load && mayLoadAhead(loop_, load.getPtr(), asked || hasDot))
      candidates.push_back(&op);
    if (auto load = dyn_cast<DescriptorLoadOp>(op); load && mayLoadAhead(loop_, load.getBase(), asked || hasDot))
      candidates.push_back(&op);
  }
  if (candidates.empty() || stages < 2 || !loop_.getStep().getType().isInteger() || (!hasDot && !asked))
    return 0;
  if (!hasDot && !copiesTiles)
    return prefetchLoads(loop_, facts_, target_, sharedLeft_ - sharedOfOneIteration(), stages);
  for (Operation *op : candidates) {
    if (auto described = dyn_cast<DescriptorLoadOp>(op)) {
      stageCopy(described);
    } else if (target_.info().stated(target::Capability::AsyncCopy)) {
      convertWhatWasLoaded(cast<LoadOp>(op));
      stageLoad(cast<LoadOp>(op));
    }
  }
  collectSlice(asked || hasDot);
  if (!loads_.empty() && recomputeRows())
    collectSlice(asked || hasDot);
  if (loads_.empty())
    return 0;
  int64_t inside = sharedOfOneIteration(), left = sharedLeft_;
  sharedLeft_ -= inside;
  unsigned inFlight = accumulateOnly([&](Value shared) { return outlasts(shared); });
  auto stays = [&](Value shared) { return staysFilled(shared); };
  uint64_t registers = target_.info().stated(target::Capability::RegsPerThread);
  bool overlaps = !inFlight && !hasLoopFlag(loop_, kDisallowAccMultiBuffer) &&
                  hasRunningProducts(loop_, registers, stays); // which keeps two products' results at once
  int64_t extra = inFlight || overlaps ? 2 : 1;
  // The slot that products which run on keep is one of those that were asked for: an iteration that does so much is long enough for loads that
  // start one later, and what is not asked for may hold another block (docs/rationale/attention.md).
  int64_t distance = inFlight && !inTurn_.empty()
                         ? distanceInTurn(stages)
                         : chooseDistance(overlaps && stages > 2 ? stages - 1 : stages, extra, sharedLeft_);
  if (distance < 1 && extra == 2)
    inFlight = 0, overlaps = false, extra = 1, distance = chooseDistance(stages, extra, sharedLeft_);
  if (!inFlight)
    inTurn_.clear();
  if (distance < 1)
    return 0;
  // In a nest that is to be flattened, unless the rings, which then live beside the epilogue's buffers, become too short for that.
  if (!overlaps && inTurn_.empty() && hasNest()) {
    constexpr int64_t kFarEnough = 2;
    int64_t beside = left - std::max(inside, sharedOfOuterIteration());
    if (int64_t together = chooseDistance(stages, extra, beside); together >= std::min(distance, kFarEnough)) {
      distance = together;
      outer_ = loop_->getParentOfType<scf::ForOp>();
    }
  }
  // What two blocks have on its way together, and the epilogue of one beside the products of the other, are worth more than the slot. They wait for less, too, where
  // an iteration's loads start before it waits: the slot that they fill was read before the last iteration's products ran.
  if (inFlight && inTurn_.empty() && !outer_ && distance > 1 && slotTakesBlock(distance + extra))
    --distance, startsBeforeWait_ = true;
  int64_t slots = distance + extra;
  buildLoop(distance, slots);
  OpBuilder builder(loop_);
  SmallVector<Value> sums;
  if (overlaps)
    sums = overlapProducts(loop_, registers);
  if (inFlight)
    for (Operation &op : *loop_.getBody())
      if (auto wait = dyn_cast<DotWaitOp>(op)) {
        wait.setPending(static_cast<int32_t>(inFlight));
        sums.push_back(
            loop_.getTiedLoopResult(cast<BlockArgument>(wait.getValues()[0].getDefiningOp<AsyncDotOp>().getC())));
      }
  if (!sums.empty()) {
    // After the loop nothing runs any more.
    builder.setInsertionPointAfter(lastStart_ ? lastStart_ : loop_);
    auto wait = DotWaitOp::create(builder, loop_.getLoc(), sums, 0);
    for (auto [sum, awaited] : llvm::zip(sums, wait.getResults()))
      sum.replaceAllUsesExcept(awaited, wait);
  }
  Operation *last = outer_ ? outer_ : loop_; // the rings live until nothing runs any more
  while (isa_and_nonnull<AsyncWaitOp, DotWaitOp>(last->getNextNode()))
    last = last->getNextNode();
  builder.setInsertionPointAfter(last);
  for (Value ring : rings_)
    SharedFreeOp::create(builder, loop_.getLoc(), ring);
  for (Value pair : pairs_)
    SharedFreeOp::create(builder, loop_.getLoc(), pair);
  if (copyBarriers_)
    endCopyBarriers(builder, loop_.getLoc(), copyBarriers_);
  return static_cast<unsigned>(loads_.size());
}

// Whether the buffer, made outside of the loop, may hold something while the loop runs. Rings of other loops do not, but for those that another role
// fills: they are there from the start until the work is done with them.
static bool livesAround(SharedAllocOp alloc, scf::ForOp loop) {
  if (!alloc.getSlots())
    return true;
  auto roles = loop->getParentOfType<RolesOp>();
  if (!roles || roles->isProperAncestor(alloc))
    return false;
  Block &work = roles.getWork().front();
  Operation *here = work.findAncestorOpInBlock(*loop);
  return here && llvm::any_of(alloc->getUsers(), [&](Operation *user) {
           Operation *there = work.findAncestorOpInBlock(*user);
           return there && !there->isBeforeInBlock(here);
         });
}

StepResult pipelineLoops(ModuleOp module, const target::Target &target) {
  StepResult result;
  int64_t stages = moduleOption(module, "num_stages", 3);
  module.walk([&](func::FuncOp function) {
    SmallVector<scf::ForOp> innermost;
    TensorMaps maps(function);
    function.walk([&](scf::ForOp loop) {
      bool hasLoop = false;
      loop.getBody()->walk([&](scf::ForOp) { hasLoop = true; });
      if (!hasLoop)
        innermost.push_back(loop);
    });
    for (scf::ForOp loop : innermost) {
      AxisFacts facts(function);
      auto own = loop->getAttrOfType<IntegerAttr>(kNumStagesAttr);
      auto left = static_cast<int64_t>(target.info().sharedBytes());
      function.walk([&](SharedAllocOp alloc) {
        if (!loop->isProperAncestor(alloc) && livesAround(alloc, loop))
          left -= static_cast<int64_t>(
              llvm::alignTo(bytesOf(alloc.getType()) * std::max<uint64_t>(static_cast<uint64_t>(alloc.getSlots()), 1),
                            kBufferAlignment));
      });
      unsigned loads = LoopPipeliner(loop, facts, target, left, maps).run(own ? own.getInt() : stages);
      result.count += loads > 0;
    }
    // Addresses of iterations that load nothing any more.
    if (result.count) {
      IRRewriter rewriter(module.getContext());
      (void)runRegionDCE(rewriter, function->getRegions());
    }
  });
  return result;
}

} // namespace tessera::tile
