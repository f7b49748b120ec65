// LoopLargeTiles.cpp - what happens to each element of a tile that no lane can hold, slice by slice
//
// Before: %x = load %p + arange(0, 65536) ; store %q + arange(0, 65536), f(%x)
// After:  scf.for %i = 0 to 16 { %at = arange(0, 4096) + %i * 4096 ; %x = load %p + %at ; store %q + %at, f(%x) }
//
// Before: %s = reduce(load %p + arange(0, 65536))
// After:  %t = load of the first slice ; %t = scf.for %i = 1 to 16 { combine %t, load of slice %i } ; %s = reduce %t
//
// Before: %s = reduce(load %p + … * broadcast %w)          After: the same, where each slice loads its part of %w, or gathers it from all of %w
//
// Before: %h = histogram(load %p + arange(0, 65536))       After: the same, whose counts are added
//
// Before: %x = load … ; %m = reduce max %x ; store %q, exp(%x - %m)           After: a loop for each, which loads anew
//
// A lane of 4 warps holds 512 elements of such a tile: registers spill, and the time of assembling grows faster than the code. What only happens to each
// element (addresses, masks, loads, arithmetic) can be done for some elements after the others. Stores that follow each other share a loop.
//
// What loads and stores of a loop touch must lie at the same places, of one pointer or of two arguments: then it does not matter that a slice is stored before
// the next one is loaded, also where both arguments are one array. Where two arguments overlap shifted, which the kernel finds out by a comparison in front of
// the loop (SliceOrder), another loop takes the slices in the order that serves them, and lanes wait for each other in each:
//     scf.if %overlap { scf.for … { %at = … (%falls ? 15 - %i : %i) … ; load ; barrier ; store } } else { scf.for … }
// What no order serves is in docs/rationale/layouts.md.
// Requires and keeps: TILE level.
//
// SPDX-License-Identifier: Apache-2.0
#include "core/transforms/layout/LayoutQuestions.h"
#include "core/transforms/layout/LayoutRules.h"
#include "core/transforms/layout/LoopAhead.h"
#include "core/transforms/layout/Passes.h"
#include "core/transforms/layout/SliceOrder.h"
#include "core/transforms/layout/TileSlices.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Dominance.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace tessera::tile {

namespace {

constexpr int64_t kMostOfLane =
    64; // elements of a tile: two operands of twice as many, with addresses and masks, are more than the registers of a lane
constexpr int64_t kMostRead = 128; // more of f32 are never in registers: what several need of them is loaded for each
constexpr int64_t kMostHeld =
    8; // what is held whole is this many times smaller than the tile: each slice moves all of it once more
constexpr int64_t kSliceOfLane = 32; // 128 bytes of f32 in flight, as much as a whole tile of the usual size has

RankedTensorType tileOf(Value v) { return dyn_cast<RankedTensorType>(v.getType()); }

// Where the elements of a tile of addresses lie: from a scalar pointer by tiles of offsets.
struct Places {
  Value base; // null: addresses of another form
  SmallVector<Value> offsets;
};

Places placesOf(Value pointers) {
  Places places;
  while (auto add = pointers.getDefiningOp<AddPtrOp>()) {
    places.offsets.push_back(add.getOffset());
    pointers = add.getPtr();
  }
  if (auto splat = pointers.getDefiningOp<SplatOp>())
    places.base = splat.getSource();
  return places;
}

// The kernel's argument that a scalar pointer is moved from; null: another value.
Value argumentOf(Value pointer) {
  while (auto add = pointer.getDefiningOp<AddPtrOp>())
    pointer = add.getPtr();
  return isa<BlockArgument>(pointer) && isa<func::FuncOp>(pointer.getParentBlock()->getParentOp()) ? pointer : Value();
}

// Whether an element of one access is at most the same element of the other.
bool isSamePlace(Operation *a, Operation *b) {
  Places x = placesOf(a->getOperand(0)), y = placesOf(b->getOperand(0));
  if (!x.base || !y.base || x.offsets.empty() || x.offsets != y.offsets)
    return false;
  Value from = argumentOf(x.base), to = argumentOf(y.base);
  return x.base == y.base || (from && to && from != to);
}

class Looper {
public:
  Looper(func::FuncOp function, int64_t lanes) : function_(function), lanes_(lanes) {
    function_.walk([&](Operation *op) {
      if (isa<LoadOp, StoreOp>(op) && isLarge(op->getOperand(0)))
        widest_ =
            std::max(widest_, storageBits(cast<PointerType>(elementTypeOf(op->getOperand(0).getType())).getPointee()));
    });
  }

  unsigned run() {
    SmallVector<Block *> blocks;
    function_.walk([&](Block *block) {
      if (!isa_and_nonnull<ReduceOp, ScanOp, MapElementwiseOp>(block->getParentOp()))
        blocks.push_back(block);
    });
    for (Block *block : blocks) {
      SmallVector<Operation *> roots;
      for (Operation &op : *block)
        if (isa<StoreOp, ReduceOp, HistogramOp>(op) && isLarge(op.getOperand(0)))
          roots.push_back(&op);
      auto runFrom = [&](size_t i) { // behind the last that may go together with this one
        size_t end = i + 1;
        while (end < roots.size() && roots[end]->getName() == roots[i]->getName())
          ++end;
        return end;
      };
      others_.clear();
      for (size_t i = 0, end; i < roots.size(); i = end) {
        auto together = [&] { return ArrayRef<Operation *>(&roots[i], end - i); };
        for (end = runFrom(i); end > i + 1 && !canLoopAnew(together()); --end)
          ;
        if (canLoopAnew(together()))
          others_.insert(together().begin(), together().end());
      }
      // The last ones first: stores may look at the reductions that they depend on as the program has them.
      SmallVector<std::pair<size_t, size_t>> runs;
      for (size_t i = 0; i < roots.size(); i = runs.back().second)
        runs.emplace_back(i, runFrom(i));
      for (auto [start, end] : llvm::reverse(runs)) {
        for (size_t i = start, taken; i < end; i = taken) {
          taken = end;
          // The most that go together.
          auto loops = [&] {
            ArrayRef<Operation *> together(&roots[i], taken - i);
            if (auto histogram = dyn_cast<HistogramOp>(roots[i]))
              return together.size() == 1 && loopHistogram(histogram);
            return isa<StoreOp>(roots[i]) ? loopStores(together) : loopReductions(together);
          };
          while (!loops() && taken > i + 1)
            --taken;
        }
      }
    }
    return count_;
  }

private:
  bool isLarge(Value v) const {
    RankedTensorType type = tileOf(v);
    return type && type.getNumElements() > kMostOfLane * lanes_;
  }

  // Where the tile is cut: the first axis that is long enough, into how many pieces. 0: nowhere. What is stored as it was loaded, by 128 bytes where no element
  // has more than two: a slice waits for its loads before the next one starts.
  int64_t pieces(RankedTensorType type, int64_t axis) const {
    int64_t length = isa<PointerType>(type.getElementType()) && widest_ <= 16 ? 2 * kSliceOfLane : kSliceOfLane;
    int64_t pieces = type.getNumElements() / (length * lanes_);
    return type.getDimSize(axis) >= pieces ? pieces : 0;
  }

  // Whether a loop can be made for these, if their loads are done anew, and their tiles are so large that they are.
  bool canLoopAnew(ArrayRef<Operation *> roots) const {
    RankedTensorType type = tileOf(roots.front()->getOperand(0));
    if (type.getNumElements() <= kMostRead * lanes_ || isa<HistogramOp>(roots.front()))
      return false;
    if (isa<StoreOp>(roots.front()))
      return cutOf(roots, type, /*all=*/false).has_value();
    TileSlice slice;
    auto axis = static_cast<int64_t>(cast<ReduceOp>(roots.front()).getAxis());
    return canReduce(slice, roots, type, axis);
  }

  // Whether all large loads of the slice are read by the roots alone, or by others that will do them anew: else they would have to be held whole in any case.
  bool isAllOfThem(const TileSlice &slice, ArrayRef<Operation *> roots) const {
    SmallVector<Operation *> open(
        llvm::make_filter_range(slice.loads, [&](Operation *load) { return isLarge(load->getResult(0)); }));
    llvm::SmallPtrSet<Operation *, 16> seen;
    bool isShared = false;
    while (!open.empty()) {
      Operation *op = open.pop_back_val();
      if (!seen.insert(op).second)
        continue;
      for (Operation *user : op->getUsers()) {
        if (llvm::is_contained(roots, user))
          continue;
        if (others_.contains(user)) {
          isShared = true;
          continue;
        }
        // What only others are computed with is theirs, and looked through here.
        if (!user->getNumResults() || !llvm::all_of(user->getResultTypes(), [](Type t) { return isTile(t); }) ||
            !(isElementwise(user) || isPureScan(user) || isa<ExpandDimsOp, BroadcastOp>(user)))
          return false;
        open.push_back(user);
      }
    }
    return !isShared || llvm::all_of(roots, [&](Operation *root) { return others_.contains(root); });
  }

  // Loads, and loops of loads.
  static bool onlyReads(Operation &op) {
    return !op.walk([](Operation *inner) {
                return isMemoryEffectFree(inner) || isa<LoadOp>(inner) ||
                               inner->hasTrait<OpTrait::HasRecursiveMemoryEffects>()
                           ? WalkResult::advance()
                           : WalkResult::interrupt();
              }).wasInterrupted();
  }

  // Whether the loads may be done where the last root stands, and the other roots too. Loads before the first root only move down past what does not write.
  static bool canMove(const TileSlice &slice, ArrayRef<Operation *> roots) {
    Block *block = roots.front()->getBlock();
    if (llvm::any_of(slice.loads, [&](Operation *load) { return load->getBlock() != block; }))
      return false;
    bool loaded = false, stored = false;
    for (Operation &op : *block) {
      bool isRoot = llvm::is_contained(roots, &op), isOwn = slice.loads.contains(&op);
      if (!isRoot && !isOwn && loaded && !isMemoryEffectFree(&op) && (stored || !onlyReads(op)))
        return false;
      loaded |= isOwn || isRoot;
      stored |= isRoot && isa<StoreOp>(op);
      if (&op == roots.back())
        return true;
    }
    return false;
  }

  // Whether the tiles of the stores can be cut along the axis, and their loads be done between them.
  bool canStore(TileSlice &slice, ArrayRef<Operation *> roots, RankedTensorType type, int64_t axis) const {
    auto takes = [&](Operation *root) {
      return tileOf(root->getOperand(0)).getShape() == type.getShape() &&
             llvm::all_of(root->getOperands(), [&](Value v) { return slice.take(v, axis); });
    };
    if (pieces(type, axis) < 2 || !llvm::all_of(roots, takes) || !canMove(slice, roots))
      return false;
    auto isElsewhere = [&](Operation *op) {
      return llvm::any_of(roots, [&](Operation *store) { return !isSamePlace(op, store); });
    };
    SliceOrder order = orderOf(slice, roots);
    return llvm::none_of(roots, isElsewhere) && llvm::none_of(slice.loads, isElsewhere) && order.isKnown() &&
           (!order.isAsked() || canScanAgain(slice, roots));
  }

  // Whether what is scanned can be loaded before any slice is stored: where slices go against the scans, each one scans those before it again.
  static bool canScanAgain(const TileSlice &slice, ArrayRef<Operation *> roots) {
    TileSlice scanned;
    for (ScanOp scan : slice.scans)
      for (Value source : scan.getSources())
        (void)scanned.take(source, static_cast<int64_t>(scan.getAxis()));
    return llvm::all_of(scanned.loads, [&](Operation *load) { return load->isBeforeInBlock(roots.front()); });
  }

  // The accesses of a loop of stores, in the program's order.
  static SmallVector<Operation *> accessesOf(const TileSlice &slice, ArrayRef<Operation *> roots) {
    SmallVector<Operation *> accesses(slice.loads.begin(), slice.loads.end());
    llvm::append_range(accesses, roots);
    llvm::sort(accesses, [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
    return accesses;
  }

  static SliceOrder orderOf(const TileSlice &slice, ArrayRef<Operation *> roots) {
    SmallVector<SlicedAccess> accesses;
    for (Operation *op : accessesOf(slice, roots))
      accesses.push_back({op, placesOf(op->getOperand(0)).base});
    return SliceOrder(accesses, placesOf(roots.front()->getOperand(0)).offsets, slice.axes);
  }

  // Where stores are cut.
  struct Cut {
    int64_t axis;
    std::optional<int64_t> ordered; // where, if accesses overlap shifted
  };

  // Slices of a few columns lie in each other, so that no order of them serves accesses that overlap shifted: such a cut is the last choice, and the rows are cut
  // where an order is asked for, each with its reductions. all: whether the stores' loads are read by nobody who needs them whole. Nothing: the stores cannot be cut.
  std::optional<Cut> cutOf(ArrayRef<Operation *> roots, RankedTensorType type, bool all) const {
    auto find = [&](bool reduces, bool inOthers) -> std::optional<int64_t> {
      for (int64_t axis = 0; axis < type.getRank(); ++axis) {
        TileSlice slice(reduces);
        if (!canStore(slice, roots, type, axis) || (all && !reduces && !isAllOfThem(slice, roots)))
          continue;
        SliceOrder order = orderOf(slice, roots);
        if (inOthers || !order.isAsked() || !order.liesInOthers())
          return axis;
      }
      return std::nullopt;
    };
    if (std::optional<int64_t> axis = find(false, false))
      return Cut{*axis, axis};
    std::optional<int64_t> axis = find(false, true);
    if (!axis || type.getRank() == 1)
      return axis ? std::optional(Cut{*axis, axis}) : std::nullopt;
    std::optional<int64_t> ordered = find(true, false);
    return ordered ? std::optional(Cut{*axis, ordered}) : std::nullopt;
  }

  // What is carried into the first slice: what changes nothing, or anything, where slices have to ask whether they are the first.
  struct ScanStart {
    SmallVector<Value> values; // of all scans, one after the other
    bool isNeutral = true;
  };
  static ScanStart startOf(OpBuilder &builder, Location loc, const TileSlice &slice) {
    ScanStart start;
    for (ScanOp scan : slice.scans) {
      SmallVector<TypedAttr> neutrals = neutralsOf(scan);
      start.isNeutral &= !neutrals.empty();
      for (auto [i, source] : llvm::enumerate(scan.getSources())) {
        RankedTensorType type = tileOf(source);
        SmallVector<int64_t> shape(type.getShape());
        shape.erase(shape.begin() + scan.getAxis());
        TypedAttr value = neutrals.empty() ? builder.getZeroAttr(type.getElementType()) : neutrals[i];
        Value scalar = arith::ConstantOp::create(builder, loc, value);
        start.values.push_back(shape.empty() ? scalar : SplatOp::create(builder, loc, shape, scalar).getResult());
      }
    }
    return start;
  }

  static Carried carriedAs(const TileSlice &slice, ValueRange values) {
    Carried carried;
    for (ScanOp scan : slice.scans) {
      size_t n = scan.getSources().size();
      carried[scan] = SmallVector<Value>(values.take_front(n));
      values = values.drop_front(n);
    }
    return carried;
  }
  static SmallVector<Value> valuesOf(const TileSlice &slice, const Carried &carried) {
    SmallVector<Value> values;
    for (ScanOp scan : slice.scans)
      llvm::append_range(values, carried.lookup(scan));
    return values;
  }

  // Slices of `length` elements, by number; falls: the last one has number 0. Null: never.
  struct Slices {
    int64_t trips, length;
    Value falls;
  };
  static Value startOfSlice(OpBuilder &builder, Location loc, const Slices &slices, Value number) {
    auto constant = [&](int64_t n) { return constantLike(builder, loc, number.getType(), n); };
    if (slices.falls) {
      Value fromEnd = arith::SubIOp::create(builder, loc, constant(slices.trips - 1), number);
      number = builder.createOrFold<arith::SelectOp>(loc, slices.falls, fromEnd, number);
    }
    return arith::MulIOp::create(builder, loc, number, constant(slices.length));
  }

  using Body = llvm::function_ref<SmallVector<Value>(OpBuilder &builder, Value number, ValueRange carried)>;
  static SmallVector<Value> emitLoop(OpBuilder &builder, Location loc, Value first, Value end, ValueRange inits,
                                     Body body) {
    Value one = constantLike(builder, loc, first.getType(), 1);
    auto loop = scf::ForOp::create(builder, loc, first, end, one, inits);
    OpBuilder inside =
        inits.empty() ? OpBuilder::atBlockTerminator(loop.getBody()) : OpBuilder::atBlockEnd(loop.getBody());
    SmallVector<Value> next = body(inside, loop.getInductionVar(), loop.getRegionIterArgs());
    if (!inits.empty())
      scf::YieldOp::create(inside, loc, next);
    return SmallVector<Value>(loop.getResults());
  }

  // The loop over slices. falls: the last slice first; given where accesses overlap shifted, so that lanes wait for each other. Where that is not the way of
  // the scans, each slice scans what comes before it once more.
  void makeStores(OpBuilder &builder, const TileSlice &slice, ArrayRef<Operation *> roots, int64_t axis, Value falls) {
    RankedTensorType type = tileOf(roots.front()->getOperand(0));
    int64_t trips = pieces(type, axis), length = type.getDimSize(axis) / trips;
    SliceOrder order = orderOf(slice, roots);
    Location loc = roots.back()->getLoc();
    auto number = [&](int64_t n) { return constantLike(builder, loc, builder.getI32Type(), n); };
    auto flag = [&](bool value) { return constantLike(builder, loc, builder.getI1Type(), value); };
    Slices ofScans{trips, length, slice.isReverse() ? flag(true) : Value()}, slices = ofScans;
    Value zero = number(0), isOtherWay;
    if (falls) {
      slices.falls = falls;
      if (!slice.scans.empty())
        isOtherWay = builder.createOrFold<arith::XOrIOp>(loc, falls, flag(slice.isReverse()));
    }
    ScanStart start = startOf(builder, loc, slice);
    auto isFirst = [&](OpBuilder &body, Value at) {
      return start.isNeutral ? Value()
                             : arith::CmpIOp::create(body, loc, arith::CmpIPredicate::eq, at, zero).getResult();
    };
    emitLoop(builder, loc, zero, number(trips), start.values, [&](OpBuilder &body, Value at, ValueRange carried) {
      SmallVector<Value> before(carried);
      Value first = isOtherWay ? Value() : isFirst(body, at);
      if (isOtherWay) {
        Value last = arith::SubIOp::create(body, loc, constantLike(body, loc, at.getType(), trips - 1), at);
        Value end = arith::SelectOp::create(body, loc, isOtherWay, last, zero);
        SmallVector<Value> from;
        for (auto [have, init] : llvm::zip_equal(before, start.values))
          from.push_back(chosen(body, loc, isOtherWay, init, have));
        before = emitLoop(body, loc, zero, end, from, [&](OpBuilder &again, Value earlier, ValueRange scanned) {
          Carried sums = carriedAs(slice, scanned);
          TileSlicer slicer(again, slice, startOfSlice(again, loc, ofScans, earlier), length, sums,
                            isFirst(again, earlier));
          for (ScanOp scan : slice.scans)
            (void)slicer.of(scan->getResult(0));
          return valuesOf(slice, sums);
        });
        first = isFirst(body, body.createOrFold<arith::SelectOp>(loc, isOtherWay, last, at));
      }
      Carried sums = carriedAs(slice, before);
      TileSlicer slicer(body, slice, startOfSlice(body, loc, slices, at), length, sums, first);
      for (Operation *op : accessesOf(slice, roots)) {
        IRMapping map;
        for (Value operand : op->getOperands())
          map.map(operand, slicer.of(operand));
        if (falls && order.waits(op))
          BarrierOp::create(body, loc);
        if (isa<LoadOp>(op))
          slicer.of(op->getResult(0));
        else
          body.clone(*op, map);
      }
      return valuesOf(slice, sums);
    });
  }

  bool loopStores(ArrayRef<Operation *> roots) {
    RankedTensorType type = tileOf(roots.front()->getOperand(0));
    std::optional<Cut> cut = cutOf(roots, type, /*all=*/true);
    if (!cut)
      return false;
    Location loc = roots.back()->getLoc();
    OpBuilder builder(roots.back());
    TileSlice slice, ordered(/*reduces=*/true);
    (void)canStore(slice, roots, type, cut->axis);
    if (orderOf(slice, roots).isAsked()) {
      (void)canStore(ordered, roots, type, *cut->ordered);
      auto [overlaps, falls] =
          orderOf(ordered, roots).make(builder, loc, type.getDimSize(*cut->ordered) / pieces(type, *cut->ordered));
      auto branch = scf::IfOp::create(builder, loc, overlaps, /*withElseRegion=*/true);
      OpBuilder shifted = branch.getThenBodyBuilder(), usual = branch.getElseBodyBuilder();
      makeStores(shifted, ordered, roots, *cut->ordered, falls);
      makeStores(usual, slice, roots, cut->axis, {});
    } else {
      makeStores(builder, slice, roots, cut->axis, {});
    }
    for (Operation *root : roots)
      root->erase();
    ++count_;
    eraseDead(slice);
    return true;
  }

  // Whether what is not cut of all that the slices are computed from is there before `first`.
  static bool isThereBefore(const TileSlice &slice, Operation *first) {
    DominanceInfo dominance(first->getParentOp());
    return llvm::all_of(slice.axes, [&](const auto &cut) {
      return llvm::all_of(cut.first.getDefiningOp()->getOperands(), [&](Value operand) {
        bool isCut = slice.axes.contains(operand) && !repeatsWhole(cut.first.getDefiningOp(), cut.second);
        return isCut || dominance.properlyDominates(operand, first);
      });
    });
  }

  // Whether the tiles of the reductions can be cut along the axis, and their loads be done where the first one stands.
  bool canReduce(TileSlice &slice, ArrayRef<Operation *> roots, RankedTensorType type, int64_t axis) const {
    slice.block = roots.front()->getBlock();
    if (type.getNumElements() > kMostRead * lanes_)
      slice.mostHeld = std::min(type.getNumElements() / kMostHeld, kMostOfLane * lanes_);
    auto takes = [&](Operation *root) {
      auto reduce = cast<ReduceOp>(root);
      return tileOf(reduce.getSources().front()).getShape() == type.getShape() &&
             static_cast<int64_t>(reduce.getAxis()) == axis && canCombine(root) &&
             llvm::all_of(reduce.getSources(), [&](Value v) { return slice.take(v, axis); });
    };
    return pieces(type, axis) >= 2 && llvm::all_of(roots, takes) && !slice.loads.empty() && canMove(slice, roots) &&
           isThereBefore(slice, roots.front());
  }

  bool loopReductions(ArrayRef<Operation *> roots) {
    auto leader = cast<ReduceOp>(roots.front());
    RankedTensorType type = tileOf(leader.getSources().front());
    auto axis = static_cast<int64_t>(leader.getAxis());
    int64_t trips = pieces(type, axis);
    TileSlice slice;
    if (!canReduce(slice, roots, type, axis) || !isAllOfThem(slice, roots))
      return false;
    Location loc = leader.getLoc();
    OpBuilder builder(leader);
    auto number = [&](int64_t n) { return constantLike(builder, loc, builder.getI32Type(), n); };
    Slices slices{trips, type.getDimSize(axis) / trips, {}};
    if (slice.isReverse())
      slices.falls = constantLike(builder, loc, builder.getI1Type(), 1);
    auto partsOf = [&](OpBuilder &at, Value which, Carried &carried) {
      TileSlicer slicer(at, slice, startOfSlice(at, loc, slices, which), slices.length, carried);
      SmallVector<Value> parts;
      for (Operation *root : roots)
        for (Value source : root->getOperands())
          parts.push_back(slicer.of(source));
      return parts;
    };
    Carried scanned;
    SmallVector<Value> inits = partsOf(builder, number(0), scanned);
    size_t sources = inits.size();
    llvm::append_range(inits, valuesOf(slice, scanned));
    SmallVector<Value> reduced =
        emitLoop(builder, loc, number(1), number(trips), inits, [&](OpBuilder &body, Value which, ValueRange carried) {
          Carried before = carriedAs(slice, carried.drop_front(sources));
          SmallVector<Value> next = partsOf(body, which, before), soFar(carried.take_front(sources)), combined;
          size_t from = 0;
          for (Operation *root : roots) {
            size_t n = root->getNumOperands();
            llvm::append_range(combined, combine(body, root->getRegion(0).front(), ArrayRef(soFar).slice(from, n),
                                                 ArrayRef(next).slice(from, n)));
            from += n;
          }
          llvm::append_range(combined, valuesOf(slice, before));
          return combined;
        });
    size_t at = 0;
    for (Operation *root : roots) {
      Operation *rest = OpBuilder(root).clone(*root);
      for (OpOperand &source : rest->getOpOperands())
        source.set(reduced[at++]);
      root->replaceAllUsesWith(rest);
      root->erase();
    }
    ++count_;
    eraseDead(slice);
    return true;
  }

  // Counts of slices add up.
  bool loopHistogram(HistogramOp histogram) {
    Operation *root = histogram;
    RankedTensorType type = histogram.getSource().getType();
    int64_t trips = pieces(type, 0);
    TileSlice slice;
    if (trips < 2 ||
        !llvm::all_of(
            root->getOperands(), [&](Value v) { return slice.take(v, 0); }) ||
        !slice.scans.empty() || slice.loads.empty() || !canMove(slice, root) || !isThereBefore(slice, root) ||
        !isAllOfThem(slice, root))
      return false;
    Location loc = root->getLoc();
    OpBuilder builder(root);
    Slices slices{trips, type.getDimSize(0) / trips, {}};
    auto number = [&](int64_t n) { return constantLike(builder, loc, builder.getI32Type(), n); };
    auto countsOf = [&](OpBuilder &at, Value which) {
      Carried scanned;
      TileSlicer slicer(at, slice, startOfSlice(at, loc, slices, which), slices.length, scanned);
      IRMapping map;
      for (Value operand : root->getOperands())
        map.map(operand, slicer.of(operand));
      return at.clone(*root, map)->getResult(0);
    };
    Value first = countsOf(builder, number(0));
    SmallVector<Value> counts =
        emitLoop(builder, loc, number(1), number(trips), first, [&](OpBuilder &body, Value which, ValueRange carried) {
          Value added = arith::AddIOp::create(body, loc, carried.front(), countsOf(body, which));
          return SmallVector<Value>{added};
        });
    root->replaceAllUsesWith(counts);
    root->erase();
    ++count_;
    eraseDead(slice);
    return true;
  }

  // What is left of the whole tiles and nobody reads.
  static void eraseDead(const TileSlice &slice) {
    llvm::SetVector<Operation *> open;
    for (auto [value, axis] : slice.axes)
      open.insert(value.getDefiningOp());
    while (!open.empty()) {
      Operation *op = open.pop_back_val();
      if (!isOpTriviallyDead(op))
        continue;
      for (Value operand : op->getOperands())
        if (Operation *from = operand.getDefiningOp())
          open.insert(from);
      op->erase();
    }
  }

  func::FuncOp function_;
  int64_t lanes_;
  unsigned widest_ = 0;                      // bits of an element that a large tile loads or stores
  llvm::SmallPtrSet<Operation *, 8> others_; // of the block, which can be looped and may load again
  unsigned count_ = 0;
};

} // namespace

StepResult loopLargeTiles(ModuleOp module, const target::Target &target) {
  StepResult result;
  int64_t lanes = static_cast<int64_t>(target.info().get(target::Capability::Lanes, 32)) *
                  moduleOption(module, "num_warps", 4) * moduleOption(module, "num_ctas", 1);
  module.walk([&](func::FuncOp function) { result.count += Looper(function, lanes).run(); });
  return result;
}

} // namespace tessera::tile
