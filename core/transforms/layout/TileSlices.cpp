// TileSlices.cpp - what a slice of a value is computed from, and scans that go on from slice to slice
//
// SPDX-License-Identifier: Apache-2.0
#include "core/transforms/layout/TileSlices.h"

#include "core/transforms/layout/LayoutRules.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace tessera::tile {

static RankedTensorType tileOf(Value v) { return dyn_cast<RankedTensorType>(v.getType()); }

static RankedTensorType sliced(RankedTensorType type, int64_t axis, int64_t length) {
  SmallVector<int64_t> shape(type.getShape());
  shape[axis] = length;
  return RankedTensorType::get(shape, type.getElementType());
}

bool isElementwise(Operation *op) {
  auto map = dyn_cast<MapElementwiseOp>(op);
  return (op->getNumRegions() == 0 || (map && map.getPack() == 1)) && keepsOneLayout(op) && isMemoryEffectFree(op) &&
         !isa<ScanOp, SortOp>(op);
}

bool isPureScan(Operation *op) {
  auto scan = dyn_cast<ScanOp>(op);
  return scan && scan.getNumResults() == scan.getNumOperands() && isMemoryEffectFree(op);
}

bool canCombine(Operation *op) {
  return llvm::all_of(op->getRegion(0).front().without_terminator(), [](Operation &inner) {
    return inner.getNumResults() == 1 && (isa<arith::ConstantOp>(inner) || isElementwise(&inner));
  });
}

SmallVector<Value> combine(OpBuilder &builder, Block &region, ArrayRef<Value> acc, ArrayRef<Value> next) {
  RankedTensorType tile = tileOf(acc.front());
  IRMapping map;
  for (size_t i = 0; i < acc.size(); ++i) {
    map.map(region.getArgument(i), acc[i]);
    map.map(region.getArgument(i + acc.size()), next[i]);
  }
  for (Operation &op : region.without_terminator()) {
    if (tile && isa<arith::ConstantOp>(op)) {
      Value constant = builder.clone(op)->getResult(0);
      map.map(op.getResult(0), SplatOp::create(builder, op.getLoc(), tile.getShape(), constant).getResult());
      continue;
    }
    Operation *copy = builder.clone(op, map);
    if (tile)
      copy->getResult(0).setType(RankedTensorType::get(tile.getShape(), op.getResult(0).getType()));
  }
  SmallVector<Value> results;
  for (Value v : region.getTerminator()->getOperands())
    results.push_back(map.lookup(v));
  return results;
}

// What the op leaves another operand as it is with; null: there is none, or it is not known.
static TypedAttr neutralOf(Operation *op) {
  Type type = op->getResult(0).getType();
  Builder builder(type.getContext());
  auto whole = [&](const llvm::APInt &value) -> TypedAttr { return builder.getIntegerAttr(type, value); };
  auto real = [&](const llvm::APFloat &value) -> TypedAttr { return builder.getFloatAttr(type, value); };
  if (auto integer = dyn_cast<IntegerType>(type)) {
    unsigned bits = integer.getWidth();
    return TypeSwitch<Operation *, TypedAttr>(op)
        .Case<arith::AddIOp, arith::OrIOp, arith::XOrIOp, arith::MaxUIOp>(
            [&](auto) { return whole(llvm::APInt(bits, 0)); })
        .Case<arith::AndIOp, arith::MinUIOp>([&](auto) { return whole(llvm::APInt::getAllOnes(bits)); })
        .Case<arith::MulIOp>([&](auto) { return whole(llvm::APInt(bits, 1)); })
        .Case<arith::MaxSIOp>([&](auto) { return whole(llvm::APInt::getSignedMinValue(bits)); })
        .Case<arith::MinSIOp>([&](auto) { return whole(llvm::APInt::getSignedMaxValue(bits)); })
        .Default([](Operation *) { return TypedAttr(); });
  }
  if (!type.isF16() && !type.isBF16() && !type.isF32() &&
      !type.isF64()) // others may lack infinities or a negative zero
    return {};
  const llvm::fltSemantics &kind = cast<FloatType>(type).getFloatSemantics();
  return TypeSwitch<Operation *, TypedAttr>(op)
      .Case<arith::AddFOp>([&](auto) { return real(llvm::APFloat::getZero(kind, /*Negative=*/true)); })
      .Case<arith::MulFOp>([&](auto) { return real(llvm::APFloat::getOne(kind)); })
      .Case<arith::MaximumFOp>([&](auto) { return real(llvm::APFloat::getInf(kind, /*Negative=*/true)); })
      .Case<arith::MinimumFOp>([&](auto) { return real(llvm::APFloat::getInf(kind)); })
      .Case<arith::MaxNumFOp, arith::MinNumFOp>(
          [&](auto) { return real(llvm::APFloat::getQNaN(kind)); }) // the number wins
      .Default([](Operation *) { return TypedAttr(); });
}

SmallVector<TypedAttr> neutralsOf(ScanOp scan) {
  Block &region = scan.getBody().front();
  SmallVector<TypedAttr> neutrals;
  size_t n = scan.getSources().size();
  for (auto [i, value] : llvm::enumerate(region.getTerminator()->getOperands())) {
    Operation *op = value.getDefiningOp();
    if (!op || op->getNumOperands() != 2)
      return {};
    Value acc = region.getArgument(i), next = region.getArgument(i + n), a = op->getOperand(0), b = op->getOperand(1);
    TypedAttr neutral = (a == acc && b == next) || (a == next && b == acc) ? neutralOf(op) : TypedAttr();
    if (!neutral)
      return {};
    neutrals.push_back(neutral);
  }
  return neutrals;
}

Value chosen(OpBuilder &builder, Location loc, Value condition, Value yes, Value no) {
  if (RankedTensorType tile = tileOf(yes))
    condition = SplatOp::create(builder, loc, tile.getShape(), condition);
  return arith::SelectOp::create(builder, loc, condition, yes, no);
}

bool repeatsWhole(Operation *op, int64_t axis) {
  auto broadcast = dyn_cast<BroadcastOp>(op);
  return broadcast && tileOf(broadcast.getSource()).getDimSize(axis) == 1;
}

bool TileSlice::isReverse() const { return !scans.empty() && ScanOp(scans.front()).getReverse(); }

// Where it is repeated a tile is smallest: all that it is computed from need not be asked.
bool TileSlice::takeOrHold(Value v, int64_t axis) {
  if (held.contains(v))
    return held.lookup(v) == axis;
  if (axes.contains(v))
    return axes.lookup(v) == axis;
  TileSlice before = *this;
  int64_t most = std::exchange(mostHeld, 0);
  bool taken = take(v, axis);
  mostHeld = most;
  RankedTensorType type = tileOf(v);
  if (taken || type.getNumElements() > most || !type.getElementType().isIntOrFloat() ||
      type.getElementTypeBitWidth() < 8)
    return taken;
  *this = before;
  held[v] = axis;
  return true;
}

bool TileSlice::take(Value v, int64_t axis) {
  RankedTensorType type = tileOf(v);
  if (held.contains(v))
    return held.lookup(v) == axis;
  if (auto [at, isNew] = axes.try_emplace(v, axis); !isNew)
    return at->second == axis;
  Operation *op = v.getDefiningOp();
  if (!op)
    return false;
  for (Value sibling : op->getResults())
    if (sibling != v && (!tileOf(sibling) || axes.try_emplace(sibling, axis).first->second != axis))
      return false;
  if (auto constant = dyn_cast<arith::ConstantOp>(op))
    return isa<SplatElementsAttr>(constant.getValue());
  if (isa<ArangeOp, SplatOp>(op))
    return true;
  if (auto broadcast = dyn_cast<BroadcastOp>(op))
    return repeatsWhole(op, axis) || takeOrHold(broadcast.getSource(), axis);
  if (auto expand = dyn_cast<ExpandDimsOp>(op)) {
    auto made = static_cast<int64_t>(expand.getAxis());
    return made != axis && take(expand.getSource(), axis > made ? axis - 1 : axis);
  }
  if (auto reduce = dyn_cast<ReduceOp>(op)) {
    auto along = static_cast<int64_t>(reduce.getAxis());
    return reduces && llvm::all_of(reduce.getSources(),
                                   [&](Value source) { return take(source, axis < along ? axis : axis + 1); });
  }
  if (auto load = dyn_cast<LoadOp>(op)) {
    if (load.getIsVolatile() || (block && op->getBlock() != block))
      return false;
    loads.insert(op);
  } else if (!isElementwise(op) && !isPureScan(op)) {
    return false;
  }
  if (!llvm::all_of(op->getOperands(), [&](Value operand) {
        return !tileOf(operand) || (tileOf(operand).getShape() == type.getShape() && take(operand, axis));
      }))
    return false;
  auto scan = dyn_cast<ScanOp>(op);
  if (!scan || static_cast<int64_t>(scan.getAxis()) != axis)
    return true;
  bool ofPointers =
      llvm::any_of(scan.getSources(), [](Value source) { return isa<PointerType>(tileOf(source).getElementType()); });
  if (ofPointers || !canCombine(op) || (!scans.empty() && scan.getReverse() != isReverse()))
    return false;
  scans.insert(scan);
  return true;
}

Value TileSlicer::of(Value v) {
  if (auto along = slice_.held.find(v); along != slice_.held.end()) {
    Value &part = made_[v];
    if (!part)
      part = gathered(v, along->second);
    return part;
  }
  auto axis = slice_.axes.find(v);
  if (axis == slice_.axes.end())
    return v;
  if (!made_.contains(v))
    make(v.getDefiningOp(), axis->second);
  return made_.lookup(v);
}

RankedTensorType TileSlicer::partOf(Value v) const { return sliced(tileOf(v), slice_.axes.lookup(v), length_); }

void TileSlicer::make(Operation *op, int64_t axis) {
  Location loc = op->getLoc();
  Value result = op->getResult(0);
  if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    made_[result] = arith::ConstantOp::create(builder_, loc,
                                              cast<SplatElementsAttr>(constant.getValue()).resizeSplat(partOf(result)));
    return;
  }
  if (auto range = dyn_cast<ArangeOp>(op)) {
    auto first = static_cast<int32_t>(range.getStart());
    Value part = ArangeOp::create(builder_, loc, first, first + static_cast<int32_t>(length_));
    Value start = SplatOp::create(builder_, loc, partOf(result).getShape(), start_);
    made_[result] = arith::AddIOp::create(builder_, loc, start, part);
    return;
  }
  if (auto hint = dyn_cast<HintOp>(op)) { // stated of the whole tile
    made_[result] = of(hint.getOperand());
    return;
  }
  if (auto scan = dyn_cast<ScanOp>(op); scan && static_cast<int64_t>(scan.getAxis()) == axis)
    return makeScan(scan);
  IRMapping map;
  for (Value operand : op->getOperands())
    map.map(operand, repeatsWhole(op, axis) ? operand : of(operand));
  Operation *copy = builder_.clone(*op, map);
  copy->setDiscardableAttrs(DictionaryAttr::get(op->getContext())); // facts of the whole tile may not hold of the slice
  for (auto [whole, part] : llvm::zip_equal(op->getResults(), copy->getResults())) {
    part.setType(partOf(whole));
    made_[whole] = part;
  }
}

Value TileSlicer::gathered(Value held, int64_t axis) {
  Location loc = held.getLoc();
  Value at = ArangeOp::create(builder_, loc, 0, static_cast<int32_t>(length_));
  at = arith::AddIOp::create(builder_, loc, SplatOp::create(builder_, loc, tileOf(at).getShape(), start_), at);
  RankedTensorType type = sliced(tileOf(held), axis, length_);
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    if (dim != axis)
      at = ExpandDimsOp::create(builder_, loc, at, static_cast<int32_t>(dim));
  return GatherOp::create(builder_, loc, held, builder_.createOrFold<BroadcastOp>(loc, at, type.getShape()),
                          static_cast<int32_t>(axis));
}

void TileSlicer::makeScan(ScanOp scan) {
  Location loc = scan.getLoc();
  SmallVector<Value> sources;
  for (Value source : scan.getSources())
    sources.push_back(of(source));
  SmallVector<Type> types(ValueRange(sources).getTypes());
  for (Value source : sources) {
    SmallVector<int64_t> row(tileOf(source).getShape());
    row.erase(row.begin() + scan.getAxis());
    Type element = tileOf(source).getElementType();
    types.push_back(row.empty() ? element : RankedTensorType::get(row, element));
  }
  auto part = ScanOp::create(builder_, loc, types, sources, scan.getAxis(), scan.getReverse());
  IRMapping map;
  scan.getBody().cloneInto(&part.getBody(), map);
  size_t n = sources.size();
  SmallVector<Value> values(part.getResults().take_front(n)), totals(part.getResults().drop_front(n));
  if (SmallVector<Value> before = carried_.lookup(scan); !before.empty()) {
    Block &region = scan.getBody().front();
    SmallVector<Value> rows;
    for (auto [value, source] : llvm::zip_equal(before, sources))
      rows.push_back(alongAxis(loc, value, tileOf(source), static_cast<int32_t>(scan.getAxis())));
    values = elseOwn(loc, combine(builder_, region, rows, values), values);
    totals = elseOwn(loc, combine(builder_, region, before, totals), totals);
  }
  carried_[scan] = totals;
  for (auto [whole, value] : llvm::zip_equal(scan.getResults(), values))
    made_[whole] = value;
}

// What lies before a row, for each of its elements.
Value TileSlicer::alongAxis(Location loc, Value before, RankedTensorType type, int32_t axis) {
  if (!tileOf(before))
    return SplatOp::create(builder_, loc, type.getShape(), before);
  Value rows = ExpandDimsOp::create(builder_, loc, before, axis);
  return BroadcastOp::create(builder_, loc, rows, type.getShape());
}

// The first slice's own values where nothing lies before it.
SmallVector<Value> TileSlicer::elseOwn(Location loc, SmallVector<Value> joined, ArrayRef<Value> own) {
  if (isFirst_)
    for (auto [value, alone] : llvm::zip_equal(joined, own))
      value = chosen(builder_, loc, isFirst_, alone, value);
  return joined;
}

} // namespace tessera::tile
