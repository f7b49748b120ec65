// LoopLargeTiles.cpp - what happens to each element of a tile that no lane can hold, slice by slice
//
// Before: %x = load %p + arange(0, 65536) ; store %q + arange(0, 65536), f(%x)
// After:  scf.for %i = 0 to 16 { %at = arange(0, 4096) + %i * 4096 ; %x = load %p + %at ; store %q + %at, f(%x) }
//
// Before: %s = reduce(load %p + arange(0, 65536))
// After:  %t = load of the first slice ; %t = scf.for %i = 1 to 16 { combine %t, load of slice %i } ; %s = reduce %t
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
constexpr int64_t kMostRead = 128;   // more of f32 are never in registers: what several need of them is loaded for each
constexpr int64_t kSliceOfLane = 32; // 128 bytes of f32 in flight, as much as a whole tile of the usual size has

RankedTensorType tileOf(Value v) { return dyn_cast<RankedTensorType>(v.getType()); }

RankedTensorType sliced(RankedTensorType type, int64_t axis, int64_t length) {
  SmallVector<int64_t> shape(type.getShape());
  shape[axis] = length;
  return RankedTensorType::get(shape, type.getElementType());
}

bool isElementwise(Operation *op) {
  return op->getNumRegions() == 0 && keepsOneLayout(op) && isMemoryEffectFree(op) && !isa<ScanOp, SortOp>(op);
}

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

// What has to be done slice by slice for the sake of some values: `ops`, in no order, all along one axis of each.
struct Slice {
  explicit Slice(bool reduces = false) : reduces(reduces) {}

  bool reduces; // whether reductions along other axes may be done for each slice
  llvm::SetVector<Operation *> loads;
  llvm::DenseMap<Value, int64_t> axes; // of the values that are cut, where

  // Whether `v` can be computed for a part of `axis` alone.
  bool take(Value v, int64_t axis) {
    RankedTensorType type = tileOf(v);
    if (auto [at, isNew] = axes.try_emplace(v, axis); !isNew)
      return at->second == axis;
    Operation *op = v.getDefiningOp();
    if (!op || op->getNumResults() != 1)
      return false;
    if (auto constant = dyn_cast<arith::ConstantOp>(op))
      return isa<SplatElementsAttr>(constant.getValue());
    if (isa<ArangeOp, SplatOp>(op))
      return true;
    if (auto broadcast = dyn_cast<BroadcastOp>(op))
      return tileOf(broadcast.getSource()).getDimSize(axis) == 1 || take(broadcast.getSource(), axis);
    if (auto expand = dyn_cast<ExpandDimsOp>(op)) {
      auto made = static_cast<int64_t>(expand.getAxis());
      return made != axis && take(expand.getSource(), axis > made ? axis - 1 : axis);
    }
    if (auto reduce = dyn_cast<ReduceOp>(op)) {
      auto along = static_cast<int64_t>(reduce.getAxis());
      return reduces && take(reduce.getSources().front(), axis < along ? axis : axis + 1);
    }
    if (auto load = dyn_cast<LoadOp>(op)) {
      if (load.getIsVolatile())
        return false;
      loads.insert(op);
    } else if (!isElementwise(op)) {
      return false;
    }
    return llvm::all_of(op->getOperands(), [&](Value operand) {
      return !tileOf(operand) || (tileOf(operand).getShape() == type.getShape() && take(operand, axis));
    });
  }
};

// Computes slices of values: `start` is the first element of the slice along the axis, `length` how many.
class Slicer {
public:
  Slicer(OpBuilder &builder, const Slice &slice, Value start, int64_t length)
      : builder_(builder), slice_(slice), start_(start), length_(length) {}

  Value of(Value v) {
    auto axis = slice_.axes.find(v);
    if (axis == slice_.axes.end())
      return v;
    Value &made = made_[v];
    if (made)
      return made;
    Value result = make(v, sliced(tileOf(v), axis->second, length_));
    return made_[v] = result;
  }

private:
  Value make(Value v, RankedTensorType type) {
    Operation *op = v.getDefiningOp();
    Location loc = op->getLoc();
    if (auto constant = dyn_cast<arith::ConstantOp>(op))
      return arith::ConstantOp::create(builder_, loc, cast<SplatElementsAttr>(constant.getValue()).resizeSplat(type));
    if (auto range = dyn_cast<ArangeOp>(op)) {
      auto first = static_cast<int32_t>(range.getStart());
      Value part = ArangeOp::create(builder_, loc, first, first + static_cast<int32_t>(length_));
      return arith::AddIOp::create(builder_, loc, SplatOp::create(builder_, loc, type.getShape(), start_), part);
    }
    if (auto hint = dyn_cast<HintOp>(op)) // stated of the whole tile
      return of(hint.getOperand());
    IRMapping map;
    for (Value operand : op->getOperands())
      map.map(operand, of(operand));
    Operation *copy = builder_.clone(*op, map);
    copy->getResult(0).setType(type);
    copy->setDiscardableAttrs(
        DictionaryAttr::get(op->getContext())); // facts of the whole tile may not hold of the slice
    return copy->getResult(0);
  }

  OpBuilder &builder_;
  const Slice &slice_;
  Value start_;
  int64_t length_;
  llvm::DenseMap<Value, Value> made_;
};

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
        if ((isa<StoreOp>(op) || isa<ReduceOp>(op)) && isLarge(op.getOperand(0)))
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
    if (type.getNumElements() <= kMostRead * lanes_)
      return false;
    if (isa<StoreOp>(roots.front()))
      return cutOf(roots, type, /*all=*/false).has_value();
    Slice slice;
    auto axis = static_cast<int64_t>(cast<ReduceOp>(roots.front()).getAxis());
    return canReduce(slice, roots, type, axis);
  }

  // Whether all loads of the slice are read by the roots alone, or by others that will do them anew: else they would have to be held whole in any case.
  bool isAllOfThem(const Slice &slice, ArrayRef<Operation *> roots) const {
    SmallVector<Operation *> open(slice.loads.begin(), slice.loads.end());
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
        if (user->getNumResults() != 1 || !isTile(user->getResult(0)) || !isElementwise(user))
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
  static bool canMove(const Slice &slice, ArrayRef<Operation *> roots) {
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

  scf::ForOp makeLoop(OpBuilder &builder, Location loc, int64_t first, int64_t trips, ValueRange inits) {
    Type type = builder.getI32Type();
    return scf::ForOp::create(builder, loc, constantLike(builder, loc, type, first),
                              constantLike(builder, loc, type, trips), constantLike(builder, loc, type, 1), inits);
  }

  // Whether the tiles of the stores can be cut along the axis, and their loads be done between them.
  bool canStore(Slice &slice, ArrayRef<Operation *> roots, RankedTensorType type, int64_t axis) const {
    auto takes = [&](Operation *root) {
      return tileOf(root->getOperand(0)).getShape() == type.getShape() &&
             llvm::all_of(root->getOperands(), [&](Value v) { return slice.take(v, axis); });
    };
    if (pieces(type, axis) < 2 || !llvm::all_of(roots, takes) || !canMove(slice, roots))
      return false;
    auto isElsewhere = [&](Operation *op) {
      return llvm::any_of(roots, [&](Operation *store) { return !isSamePlace(op, store); });
    };
    return llvm::none_of(roots, isElsewhere) && llvm::none_of(slice.loads, isElsewhere) &&
           orderOf(slice, roots).isKnown();
  }

  // The accesses of a loop of stores, in the program's order.
  static SmallVector<Operation *> accessesOf(const Slice &slice, ArrayRef<Operation *> roots) {
    SmallVector<Operation *> accesses(slice.loads.begin(), slice.loads.end());
    llvm::append_range(accesses, roots);
    llvm::sort(accesses, [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
    return accesses;
  }

  static SliceOrder orderOf(const Slice &slice, ArrayRef<Operation *> roots) {
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

  // Slices of a few columns lie in each other, so that no order of them serves accesses that overlap shifted: the cut along memory is the last choice, and the rows are cut
  // where an order is asked for, each with its reductions. all: whether the stores' loads are read by nobody who needs them whole. Nothing: the stores cannot be cut.
  std::optional<Cut> cutOf(ArrayRef<Operation *> roots, RankedTensorType type, bool all) const {
    auto find = [&](bool reduces, bool alongMemory) -> std::optional<int64_t> {
      for (int64_t axis = 0; axis < type.getRank(); ++axis) {
        Slice slice(reduces);
        if (!canStore(slice, roots, type, axis) || (all && !reduces && !isAllOfThem(slice, roots)))
          continue;
        SliceOrder order = orderOf(slice, roots);
        if (alongMemory || !order.isAsked() || !order.isAlongMemory())
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

  // The loop over slices. falls: the last slice first; given where accesses overlap shifted, so that lanes wait for each other.
  void makeStores(OpBuilder &builder, const Slice &slice, ArrayRef<Operation *> roots, int64_t axis, Value falls) {
    RankedTensorType type = tileOf(roots.front()->getOperand(0));
    int64_t trips = pieces(type, axis), length = type.getDimSize(axis) / trips;
    SliceOrder order = orderOf(slice, roots);
    Location loc = roots.back()->getLoc();
    scf::ForOp loop = makeLoop(builder, loc, 0, trips, {});
    OpBuilder body = OpBuilder::atBlockTerminator(loop.getBody());
    Value index = loop.getInductionVar();
    if (falls) {
      Value fromEnd = arith::SubIOp::create(body, loc, constantLike(body, loc, index.getType(), trips - 1), index);
      index = arith::SelectOp::create(body, loc, falls, fromEnd, index);
    }
    Value start = arith::MulIOp::create(body, loc, index, constantLike(body, loc, index.getType(), length));
    Slicer slicer(body, slice, start, length);
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
  }

  bool loopStores(ArrayRef<Operation *> roots) {
    RankedTensorType type = tileOf(roots.front()->getOperand(0));
    std::optional<Cut> cut = cutOf(roots, type, /*all=*/true);
    if (!cut)
      return false;
    Location loc = roots.back()->getLoc();
    OpBuilder builder(roots.back());
    Slice slice, ordered(/*reduces=*/true);
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

  // acc, next: the combiner's results on tiles.
  static SmallVector<Value> combine(OpBuilder &builder, ReduceOp reduce, ArrayRef<Value> acc, ArrayRef<Value> next) {
    Block &region = reduce.getBody().front();
    ArrayRef<int64_t> shape = tileOf(acc.front()).getShape();
    IRMapping map;
    for (size_t i = 0; i < acc.size(); ++i) {
      map.map(region.getArgument(i), acc[i]);
      map.map(region.getArgument(i + acc.size()), next[i]);
    }
    for (Operation &op : region.without_terminator()) {
      if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
        map.map(constant.getResult(),
                SplatOp::create(builder, op.getLoc(), shape, builder.clone(op)->getResult(0)).getResult());
        continue;
      }
      Operation *copy = builder.clone(op, map);
      copy->getResult(0).setType(RankedTensorType::get(shape, op.getResult(0).getType()));
    }
    SmallVector<Value> results;
    for (Value v : region.getTerminator()->getOperands())
      results.push_back(map.lookup(v));
    return results;
  }

  static bool canCombine(Operation *reduce) {
    Block &region = reduce->getRegion(0).front();
    return llvm::all_of(region.without_terminator(), [](Operation &op) {
      return op.getNumResults() == 1 && (isa<arith::ConstantOp>(op) || isElementwise(&op));
    });
  }

  // Whether what is not cut of all that the slices are computed from is there before `first`.
  static bool isThereBefore(const Slice &slice, Operation *first) {
    DominanceInfo dominance(first->getParentOp());
    return llvm::all_of(slice.axes, [&](const auto &cut) {
      return llvm::all_of(cut.first.getDefiningOp()->getOperands(), [&](Value operand) {
        return slice.axes.contains(operand) || dominance.properlyDominates(operand, first);
      });
    });
  }

  // Whether the tiles of the reductions can be cut along the axis, and their loads be done where the first one stands.
  bool canReduce(Slice &slice, ArrayRef<Operation *> roots, RankedTensorType type, int64_t axis) const {
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
    Slice slice;
    if (!canReduce(slice, roots, type, axis) || !isAllOfThem(slice, roots))
      return false;
    Location loc = leader.getLoc();
    OpBuilder builder(leader);
    int64_t length = type.getDimSize(axis) / trips;
    auto slicesAt = [&](OpBuilder &at, Value start) {
      Slicer slicer(at, slice, start, length);
      SmallVector<Value> parts;
      for (Operation *root : roots)
        for (Value source : root->getOperands())
          parts.push_back(slicer.of(source));
      return parts;
    };
    SmallVector<Value> first = slicesAt(builder, constantLike(builder, loc, builder.getI32Type(), 0));
    scf::ForOp loop = makeLoop(builder, loc, 1, trips, first);
    OpBuilder body = OpBuilder::atBlockEnd(loop.getBody());
    Value start = arith::MulIOp::create(body, loc, loop.getInductionVar(),
                                        constantLike(body, loc, loop.getInductionVar().getType(), length));
    SmallVector<Value> next = slicesAt(body, start), carried(loop.getRegionIterArgs()), combined;
    size_t at = 0;
    for (Operation *root : roots) {
      size_t n = root->getNumOperands();
      llvm::append_range(
          combined, combine(body, cast<ReduceOp>(root), ArrayRef(carried).slice(at, n), ArrayRef(next).slice(at, n)));
      at += n;
    }
    scf::YieldOp::create(body, loc, combined);
    at = 0;
    for (Operation *root : roots) {
      Operation *rest = OpBuilder(root).clone(*root);
      for (OpOperand &source : rest->getOpOperands())
        source.set(loop.getResult(at++));
      root->replaceAllUsesWith(rest);
      root->erase();
    }
    ++count_;
    eraseDead(slice);
    return true;
  }

  // What is left of the whole tiles and nobody reads.
  static void eraseDead(const Slice &slice) {
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
