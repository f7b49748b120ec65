// LoopAhead.cpp - what loops that load ahead have in common: iterations that have not come yet, and what a load may overtake
//
// SPDX-License-Identifier: Apache-2.0
#include "core/transforms/layout/LoopAhead.h"

#include "core/transforms/layout/GlobalOrder.h"

#include "core/analysis/PointerOrigins.h"
#include "core/analysis/SameComputation.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace tessera::tile {

bool LoopSlice::addOne(Value value) {
  if (given_.contains(value))
    return true;
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    if (argument.getOwner() != loop_.getBody() || argument == loop_.getInductionVar())
      return true; // from outside, or the induction value
    unsigned index = argument.getArgNumber() - 1;
    if (carried_.insert(index))
      return addOne(loop_.getYieldedValues()[index]);
    return true;
  }
  Operation *op = value.getDefiningOp();
  if (!loop_->isProperAncestor(op))
    return true;
  if (op->getBlock() != loop_.getBody() || op->getNumRegions() || !isMemoryEffectFree(op))
    return false;
  if (!ops_.insert(op))
    return true;
  return llvm::all_of(op->getOperands(), [&](Value operand) { return addOne(operand); });
}

bool LoopSlice::add(ValueRange values) {
  llvm::SetVector<Operation *> ops = ops_;
  llvm::SetVector<unsigned> carried = carried_;
  for (Value value : values)
    if (!addOne(value)) {
      ops_ = ops, carried_ = carried;
      return false;
    }
  return true;
}

SmallVector<Value> LoopSlice::initial() const {
  auto loop = loop_;
  SmallVector<Value> values;
  for (unsigned i : carried_)
    values.push_back(loop.getInitArgs()[i]);
  return values;
}

SmallVector<Value> LoopSlice::fromOutside() const {
  auto loop = loop_;
  SmallVector<Value> values = initial();
  values.append({loop.getLowerBound(), loop.getUpperBound(), loop.getStep()});
  for (Operation *op : ops_)
    llvm::copy_if(op->getOperands(), std::back_inserter(values),
                  [&](Value value) { return loop.isDefinedOutsideOfLoop(value); });
  return values;
}

IRMapping LoopSlice::emit(OpBuilder &builder, Value induction, MutableArrayRef<Value> ahead, IRMapping map) const {
  auto loop = loop_;
  map.map(loop.getInductionVar(), induction);
  for (auto [i, value] : llvm::zip(carried_, ahead))
    map.map(loop.getRegionIterArgs()[i], value);
  for (Operation &op : *loop.getBody())
    if (ops_.contains(&op))
      builder.clone(op, map);
  for (auto [i, value] : llvm::zip(carried_, ahead))
    value = map.lookupOrDefault(loop.getYieldedValues()[i]);
  return map;
}

Value constantLike(OpBuilder &builder, Location loc, Type type, int64_t value) {
  return arith::ConstantOp::create(builder, loc, builder.getIntegerAttr(type, value));
}

Value loopRuns(OpBuilder &builder, scf::ForOp loop) {
  auto below = loop.getUnsignedCmp() ? arith::CmpIPredicate::ult : arith::CmpIPredicate::slt;
  return arith::CmpIOp::create(builder, loop.getLoc(), below, loop.getLowerBound(), loop.getUpperBound());
}

Value iterationExists(OpBuilder &builder, scf::ForOp loop, Value from, int64_t iterations, Value offset) {
  Location loc = loop.getLoc();
  Value step = loop.getStep(), upper = loop.getUpperBound();
  Type type = step.getType();
  Value left = arith::SubIOp::create(builder, loc, upper, from);
  Value valid = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ugt, left, offset);
  llvm::APInt limit = llvm::APInt::getMaxValue(type.getIntOrFloatBitWidth())
                          .udiv(static_cast<uint64_t>(std::max<int64_t>(iterations, 1)));
  llvm::APInt known;
  if (iterations <= 1 || (matchPattern(step, m_ConstantInt(&known)) && known.ule(limit)))
    return valid;
  Value most = arith::ConstantOp::create(builder, loc, builder.getIntegerAttr(type, limit));
  Value fits = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ule, step, most);
  return arith::AndIOp::create(builder, loc, valid, fits);
}

Iteration iterationAt(OpBuilder &builder, scf::ForOp loop, Value runs, int64_t number) {
  Location loc = loop.getLoc();
  Value lower = loop.getLowerBound();
  if (!number)
    return {lower, runs};
  Value offset =
      arith::MulIOp::create(builder, loc, loop.getStep(), constantLike(builder, loc, lower.getType(), number));
  Value induction = arith::AddIOp::create(builder, loc, lower, offset);
  return {induction, arith::AndIOp::create(builder, loc, runs, iterationExists(builder, loop, lower, number, offset))};
}

Iteration iterationAfter(OpBuilder &builder, scf::ForOp loop, Value from, int64_t distance) {
  Location loc = loop.getLoc();
  Value offset =
      arith::MulIOp::create(builder, loc, loop.getStep(), constantLike(builder, loc, from.getType(), distance));
  Value valid = iterationExists(builder, loop, from, distance, offset);
  return {arith::AddIOp::create(builder, loc, from, offset), valid};
}

Value maskedBy(OpBuilder &builder, Location loc, Value pointers, Value mask, Value valid) {
  auto type = cast<RankedTensorType>(pointers.getType());
  Value allowed = SplatOp::create(builder, loc, withElementType(type, builder.getI1Type()), valid);
  return mask ? arith::AndIOp::create(builder, loc, mask, allowed).getResult() : allowed;
}

Value nextSlot(OpBuilder &builder, Location loc, Value index, int64_t slots) {
  Type i32 = builder.getI32Type();
  Value next = arith::AddIOp::create(builder, loc, index, constantLike(builder, loc, i32, 1));
  Value wraps =
      arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, next, constantLike(builder, loc, i32, slots));
  return arith::SelectOp::create(builder, loc, wraps, constantLike(builder, loc, i32, 0), next);
}

Value slotBefore(OpBuilder &builder, Location loc, Value index, int64_t slots) {
  Type i32 = builder.getI32Type();
  Value wraps =
      arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, index, constantLike(builder, loc, i32, 0));
  Value before = arith::SubIOp::create(builder, loc, index, constantLike(builder, loc, i32, 1));
  return arith::SelectOp::create(builder, loc, wraps, constantLike(builder, loc, i32, slots - 1), before);
}

Value nextParity(OpBuilder &builder, Location loc, Value index, Value parity, int64_t slots) {
  Type i32 = builder.getI32Type();
  Value last =
      arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, index, constantLike(builder, loc, i32, slots - 1));
  return arith::XOrIOp::create(builder, loc, parity, arith::ExtUIOp::create(builder, loc, i32, last));
}

bool isZeroTile(Value tile) {
  auto number = dyn_cast_or_null<FloatAttr>(splatConstantOf(tile));
  return number ? number.getValue().isPosZero() : splatIntegerOf(tile) == 0;
}

bool asksForStages(scf::ForOp loop) { return loop->hasAttr(kNumStagesAttr); }

bool hasLoopFlag(Operation *loop, LoopFlag flag) {
  auto flags = loop->getAttrOfType<IntegerAttr>(kLoopFlagsAttr);
  return flags && (flags.getInt() & flag);
}

bool mayLoadAhead(scf::ForOp loop, Value pointer, bool asked) {
  PointerOrigins read(pointer);
  bool may = true;
  std::optional<GlobalOrder> order;
  auto overtakes = [&](Value written) {
    may &= asked;
    if (!may || !read.meet(PointerOrigins(written)))
      return;
    may = computeTheSame(pointer, written);
    if (!may)
      return;
    if (!order)
      order.emplace(loop->getParentOfType<func::FuncOp>());
    // Rows whose stride is known only when the kernel runs are apart where the program itself says that iterations may overlap.
    may = !order->meetsLater(loop, written, pointer).value_or(!asksForStages(loop));
  };
  loop.getBody()->walk([&](Operation *op) {
    auto copy = dyn_cast<DescriptorStoreOp>(op);
    if (isa<BarrierOp, AtomicCasOp>(op) || (isa<AtomicRmwOp>(op) && !op->use_empty()) || (copy && copy.getOverlaps()))
      may = false;
    else if (auto store = dyn_cast<StoreOp>(op))
      overtakes(store.getPtr());
    else if (auto atomic = dyn_cast<AtomicRmwOp>(op))
      overtakes(atomic.getPtr());
    else if (copy)
      overtakes(copy.getBase());
  });
  return may;
}

} // namespace tessera::tile
