// LowerBlockPointers.cpp - turn block pointers into tensors of pointers and masks
//
// SPDX-License-Identifier: Apache-2.0
//
// Before: %bp = tile.make_block_ptr %base shape[%m, %n] strides[%s, %c1] offsets[%i, %j] : 64x32
//         %v = tile.load_block %bp boundary_check = [0] padding = zero
// After:  %at = tile.addptr %base, %i * %s + %j              (scalars: the block's corner)
//         %p = tile.addptr splat(%at), rows * splat(%s) + columns    (invariant in most loops)
//         %v = tile.load %p mask(rows < splat(clamp(%m - %i, 0, 64))) other 0
// A block pointer that a loop, branch or select carries becomes its parts: base, extents, strides, offsets; the parts
// that do not change are dropped by later canonical forms. Establishes: no value of block pointer type is left. Not
// done here: masks that are always true (tile-simplify-masks). Source: docs/rationale/block-pointers.md
#include "core/ir/Tile.h"
#include "core/transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace tessera::tile {
#define GEN_PASS_DEF_TILELOWERBLOCKPOINTERSPASS
#include "core/transforms/Passes.h.inc"

namespace {

struct Parts {
  Value base;
  SmallVector<Value> shape, strides, offsets; // i64 scalars, one a dim

  void appendTo(SmallVectorImpl<Value> &values) const {
    values.push_back(base);
    values.append(shape);
    values.append(strides);
    values.append(offsets);
  }
  static Parts takeFrom(ValueRange &values, int64_t rank) {
    auto take = [&](size_t n) {
      SmallVector<Value> taken(values.take_front(n));
      values = values.drop_front(n);
      return taken;
    };
    Parts parts;
    parts.base = take(1).front();
    parts.shape = take(rank);
    parts.strides = take(rank);
    parts.offsets = take(rank);
    return parts;
  }
};

struct LowerBlockPointers final : impl::TileLowerBlockPointersPassBase<LowerBlockPointers> {
  void runOnOperation() override;

private:
  void visitBlock(Block &block);
  void visit(Operation *op);
  void lowerSelect(arith::SelectOp op);
  void lowerLoad(LoadBlockOp op);
  void lowerStore(StoreBlockOp op);
  // The tensor of pointers of a block, and its mask (null where no dim is checked).
  Value pointersOf(OpBuilder &b, Location loc, const Parts &parts, BlockPointerType type);
  Value maskOf(OpBuilder &b, Location loc, const Parts &parts, BlockPointerType type, ArrayRef<int64_t> checked);
  // `arange` of one dim of the block, as a tensor of the block's rank with 1 in the other dims.
  Value indexAlong(OpBuilder &b, Location loc, BlockPointerType type, int64_t dim);
  // Control flow: the op again with parts in place of block pointers.
  void expandControlFlow(Operation *op);
  void expandArguments(Block &block);
  void expandOperands(Operation *op);
  SmallVector<Type> expandedTypes(TypeRange types);
  const Parts &partsOf(Value value) { return parts_.find(value)->second; }

  std::map<Value, Parts, decltype([](Value a, Value b) { return a.getAsOpaquePointer() < b.getAsOpaquePointer(); })>
      parts_;
  SmallVector<Operation *> dead_;
};

bool isBlockPointer(Type type) { return isa<BlockPointerType>(type); }

Value toI64(OpBuilder &b, Location loc, Value value) {
  return value.getType().isInteger(64) ? value : Value(arith::ExtSIOp::create(b, loc, b.getI64Type(), value));
}

// ---- addresses and masks -------------------------------------------------------------------------------------------

Value LowerBlockPointers::indexAlong(OpBuilder &b, Location loc, BlockPointerType type, int64_t dim) {
  Value index = ArangeOp::create(b, loc, 0, static_cast<int32_t>(type.getShape()[dim]));
  for (int64_t other = 0; other < type.getRank(); ++other)
    if (other != dim)
      index = ExpandDimsOp::create(b, loc, index, static_cast<int32_t>(other));
  return index;
}

Value LowerBlockPointers::pointersOf(OpBuilder &b, Location loc, const Parts &parts, BlockPointerType type) {
  Value corner, inside;
  for (int64_t dim = 0; dim < type.getRank(); ++dim) {
    Value step = arith::MulIOp::create(b, loc, parts.offsets[dim], parts.strides[dim]);
    corner = corner ? Value(arith::AddIOp::create(b, loc, corner, step)) : step;
    Value index = indexAlong(b, loc, type, dim);
    index = arith::ExtSIOp::create(b, loc, withElementType(index.getType(), b.getI64Type()), index);
    Value stride = SplatOp::create(b, loc, shapeOf(index.getType()), parts.strides[dim]);
    Value term = BroadcastOp::create(b, loc, arith::MulIOp::create(b, loc, index, stride), type.getShape());
    inside = inside ? Value(arith::AddIOp::create(b, loc, inside, term)) : term;
  }
  Value start = AddPtrOp::create(b, loc, parts.base, corner);
  return AddPtrOp::create(b, loc, SplatOp::create(b, loc, type.getShape(), start), inside);
}

Value LowerBlockPointers::maskOf(OpBuilder &b, Location loc, const Parts &parts, BlockPointerType type,
                                 ArrayRef<int64_t> checked) {
  Value mask;
  for (int64_t dim : checked) {
    int64_t extent = type.getShape()[dim];
    Value zero = makeConstant(b, loc, b.getI64Type(), 0), all = makeConstant(b, loc, b.getI64Type(), extent);
    // Inside are the indices i with low <= i < high; both bounds fit the block, so 32 bits are enough.
    auto bound = [&](Value from, Value minus) -> Value {
      Value distance = arith::SubIOp::create(b, loc, from, minus);
      distance = arith::MinSIOp::create(b, loc, arith::MaxSIOp::create(b, loc, distance, zero), all);
      return arith::TruncIOp::create(b, loc, b.getI32Type(), distance);
    };
    Value index = indexAlong(b, loc, type, dim);
    auto compare = [&](arith::CmpIPredicate predicate, Value limit) {
      Value limits = SplatOp::create(b, loc, shapeOf(index.getType()), limit);
      Value inside = arith::CmpIOp::create(b, loc, predicate, index, limits);
      inside = BroadcastOp::create(b, loc, inside, type.getShape());
      mask = mask ? Value(arith::AndIOp::create(b, loc, mask, inside)) : inside;
    };
    compare(arith::CmpIPredicate::slt, bound(parts.shape[dim], parts.offsets[dim]));
    compare(arith::CmpIPredicate::sge, bound(zero, parts.offsets[dim]));
  }
  return mask;
}

void LowerBlockPointers::lowerLoad(LoadBlockOp op) {
  OpBuilder b(op);
  Location loc = op.getLoc();
  BlockPointerType type = op.getPtr().getType();
  const Parts &parts = partsOf(op.getPtr());
  Value mask = maskOf(b, loc, parts, type, op.getBoundaryCheck()), other;
  if (mask && op.getPadding() != Padding::None) {
    bool isNaN = op.getPadding() == Padding::NaN;
    double value = isNaN ? std::numeric_limits<double>::quiet_NaN() : 0.0;
    Type element = type.getElementType();
    bool hasConstant = !isa<F8E4B15Type>(element);
    Type wide = hasConstant ? Type(op.getType()) : withElementType(op.getType(), b.getF32Type());
    other = isa<IntegerType>(element) ? makeConstant(b, loc, wide, 0) : makeFloatConstant(b, loc, wide, value);
    if (!hasConstant)
      other = FpToFpOp::create(b, loc, op.getType(), other);
  }
  Value pointers = pointersOf(b, loc, parts, type);
  Value loaded = LoadOp::create(b, loc, pointers, mask, other, op.getCache(), op.getEvict(), op.getIsVolatile());
  op.getResult().replaceAllUsesWith(loaded);
  dead_.push_back(op);
  ++numAccesses;
}

void LowerBlockPointers::lowerStore(StoreBlockOp op) {
  OpBuilder b(op);
  BlockPointerType type = op.getPtr().getType();
  const Parts &parts = partsOf(op.getPtr());
  Value mask = maskOf(b, op.getLoc(), parts, type, op.getBoundaryCheck());
  Value pointers = pointersOf(b, op.getLoc(), parts, type);
  StoreOp::create(b, op.getLoc(), pointers, op.getValue(), mask, op.getCache(), op.getEvict());
  dead_.push_back(op);
  ++numAccesses;
}

void LowerBlockPointers::lowerSelect(arith::SelectOp op) {
  OpBuilder b(op);
  SmallVector<Value> whenTrue, whenFalse, chosen;
  partsOf(op.getTrueValue()).appendTo(whenTrue);
  partsOf(op.getFalseValue()).appendTo(whenFalse);
  for (auto [t, f] : llvm::zip_equal(whenTrue, whenFalse))
    chosen.push_back(t == f ? t : Value(arith::SelectOp::create(b, op.getLoc(), op.getCondition(), t, f)));
  ValueRange rest(chosen);
  parts_[op.getResult()] = Parts::takeFrom(rest, cast<BlockPointerType>(op.getType()).getRank());
  dead_.push_back(op);
}

// ---- control flow --------------------------------------------------------------------------------------------------

SmallVector<Type> LowerBlockPointers::expandedTypes(TypeRange types) {
  SmallVector<Type> expanded;
  for (Type type : types) {
    auto block = dyn_cast<BlockPointerType>(type);
    if (!block) {
      expanded.push_back(type);
      continue;
    }
    expanded.push_back(PointerType::get(block.getElementType()));
    expanded.append(3 * block.getRank(), IntegerType::get(&getContext(), 64));
  }
  return expanded;
}

void LowerBlockPointers::expandOperands(Operation *op) {
  if (llvm::none_of(op->getOperandTypes(), isBlockPointer))
    return;
  SmallVector<Value> operands;
  for (Value operand : op->getOperands()) {
    if (isBlockPointer(operand.getType()))
      partsOf(operand).appendTo(operands);
    else
      operands.push_back(operand);
  }
  op->setOperands(operands);
}

void LowerBlockPointers::expandArguments(Block &block) {
  for (unsigned i = 0; i < block.getNumArguments(); ++i) {
    BlockArgument argument = block.getArgument(i);
    auto type = dyn_cast<BlockPointerType>(argument.getType());
    if (!type)
      continue;
    SmallVector<Value> added;
    for (auto [k, part] : llvm::enumerate(expandedTypes(type)))
      added.push_back(block.insertArgument(i + 1 + k, part, argument.getLoc()));
    ValueRange rest(added);
    parts_[argument] = Parts::takeFrom(rest, type.getRank());
    i += added.size();
  }
}

// The block pointers among a block's arguments, once nothing uses them any more.
void eraseBlockPointerArguments(Block &block) {
  block.eraseArguments([](BlockArgument argument) { return isBlockPointer(argument.getType()); });
}

void LowerBlockPointers::expandControlFlow(Operation *op) {
  expandOperands(op);
  for (Region &region : op->getRegions())
    for (Block &block : region) {
      expandArguments(block);
      visitBlock(block);
    }
  if (llvm::none_of(op->getResultTypes(), isBlockPointer))
    return;
  OpBuilder b(op);
  OperationState state(op->getLoc(), op->getName(), op->getOperands(), expandedTypes(op->getResultTypes()),
                       op->getAttrs());
  for (Region &region : op->getRegions())
    state.addRegion()->takeBody(region);
  Operation *expanded = b.create(state);
  ValueRange rest(expanded->getResults());
  for (Value result : op->getResults()) {
    if (auto type = dyn_cast<BlockPointerType>(result.getType())) {
      parts_[result] = Parts::takeFrom(rest, type.getRank());
      continue;
    }
    result.replaceAllUsesWith(rest.front());
    rest = rest.drop_front();
  }
  dead_.push_back(op);
}

void LowerBlockPointers::visit(Operation *op) {
  OpBuilder b(op);
  Location loc = op->getLoc();
  if (auto make = dyn_cast<MakeBlockPtrOp>(op)) {
    Parts parts{make.getBase(), make.getShape(), make.getStrides(), {}};
    for (Value offset : make.getOffsets())
      parts.offsets.push_back(toI64(b, loc, offset));
    parts_[make.getResult()] = std::move(parts);
    dead_.push_back(op);
  } else if (auto advance = dyn_cast<AdvanceOp>(op)) {
    Parts parts = partsOf(advance.getPtr());
    for (auto [offset, by] : llvm::zip_equal(parts.offsets, advance.getOffsets()))
      if (splatIntegerOf(by) != 0)
        offset = arith::AddIOp::create(b, loc, offset, toI64(b, loc, by));
    parts_[advance.getResult()] = std::move(parts);
    dead_.push_back(op);
  } else if (auto load = dyn_cast<LoadBlockOp>(op)) {
    lowerLoad(load);
  } else if (auto store = dyn_cast<StoreBlockOp>(op)) {
    lowerStore(store);
  } else if (auto poison = dyn_cast<PoisonOp>(op); poison && isBlockPointer(poison.getType())) {
    SmallVector<Value> parts;
    for (Type type : expandedTypes(poison.getType()))
      parts.push_back(PoisonOp::create(b, loc, type));
    ValueRange rest(parts);
    parts_[poison.getResult()] = Parts::takeFrom(rest, cast<BlockPointerType>(poison.getType()).getRank());
    dead_.push_back(op);
  } else if (auto select = dyn_cast<arith::SelectOp>(op); select && isBlockPointer(select.getType())) {
    lowerSelect(select);
  } else if (isa<scf::ForOp, scf::IfOp, scf::WhileOp>(op)) {
    expandControlFlow(op);
  } else if (isa<scf::YieldOp, scf::ConditionOp>(op)) {
    expandOperands(op);
  }
}

void LowerBlockPointers::visitBlock(Block &block) {
  for (Operation &op : llvm::make_early_inc_range(block))
    visit(&op);
}

void LowerBlockPointers::runOnOperation() {
  bool any = false;
  getOperation().walk([&](Operation *op) { any |= isa<MakeBlockPtrOp>(op); });
  if (!any)
    return markAllAnalysesPreserved();
  visitBlock(getOperation().getBody().front());
  for (Operation *op : llvm::reverse(dead_)) {
    op->dropAllUses();
    op->erase();
  }
  getOperation().walk([](Block *block) { eraseBlockPointerArguments(*block); });
  parts_.clear();
  dead_.clear();
}

} // namespace
} // namespace tessera::tile
