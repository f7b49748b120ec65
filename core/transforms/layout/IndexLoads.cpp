// IndexLoads.cpp - see IndexLoads.h
// SPDX-License-Identifier: Apache-2.0
#include "core/transforms/layout/IndexLoads.h"

#include "core/layout/TensorLayouts.h"
#include "core/transforms/layout/LayoutRules.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace tessera::tile {

// Registers of a lane that one may take: they are held around the loop.
static bool isSmall(Value value) {
  constexpr unsigned kFewRegisters = 8;
  LinearAttr layout = isTile(value) ? layoutOf(value) : LinearAttr();
  return !isTile(value) || (layout && uint64_t(1) << layout.getNumBits(layout::kRegister) <= kFewRegisters);
}

// The loads of the body that the value follows from, as far as ops without effects lead. False: there is more between.
bool IndexLoads::collect(Value value, llvm::SetVector<Operation *> &loads, DenseSet<Value> &seen) const {
  if (!seen.insert(value).second)
    return true;
  auto loop = loop_;
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    if (argument.getOwner() != loop.getBody() || argument == loop.getInductionVar())
      return true;
    return collect(loop.getYieldedValues()[argument.getArgNumber() - 1], loads, seen);
  }
  Operation *op = value.getDefiningOp();
  if (!loop->isProperAncestor(op))
    return true;
  if (op->getBlock() != loop.getBody() || op->getNumRegions())
    return false;
  if (isa<LoadOp>(op)) {
    loads.insert(op);
    return true;
  }
  return isMemoryEffectFree(op) &&
         llvm::all_of(op->getOperands(), [&](Value operand) { return collect(operand, loads, seen); });
}

bool IndexLoads::add(ValueRange inputs, LoopSlice &slice, bool asked) {
  if (slice.add(inputs))
    return true;
  llvm::SetVector<Operation *> found;
  DenseSet<Value> seen;
  for (Value input : inputs)
    if (!collect(input, found, seen))
      return false;
  LoopSlice given = slice, own = slice_;
  for (Operation *op : found) {
    auto load = cast<LoadOp>(op);
    if (contains(op))
      continue;
    if (load.getIsVolatile() || !isSmall(load.getResult()) || !mayLoadAhead(loop_, load.getPtr(), asked) ||
        !own.add(load->getOperands()))
      return false;
  }
  for (Operation *op : found)
    given.give(op->getResult(0));
  if (!given.add(inputs))
    return false;
  slice = given, slice_ = own;
  for (Operation *op : found)
    if (!contains(op))
      loads_.push_back(op);
  return true;
}

SmallVector<Value> IndexLoads::emit(OpBuilder &builder, Iteration iteration, MutableArrayRef<Value> ahead) const {
  IRMapping map = slice_.emit(builder, iteration.induction, ahead);
  SmallVector<Value> values;
  for (Operation *op : loads_) {
    auto load = cast<LoadOp>(op);
    Location loc = load.getLoc();
    Value pointer = map.lookupOrDefault(load.getPtr()), mask = load.getMask(), other = load.getOther();
    Type type = load.getResult().getType();
    if (mask)
      mask = map.lookupOrDefault(mask);
    if (isTile(pointer))
      mask = maskedBy(builder, loc, pointer, mask, iteration.valid);
    else
      mask = mask ? arith::AndIOp::create(builder, loc, mask, iteration.valid).getResult() : iteration.valid;
    if (other) {
      other = map.lookupOrDefault(other);
    } else { // addresses are computed of it, and not used
      Attribute zero = builder.getZeroAttr(isTile(pointer) ? cast<RankedTensorType>(type).getElementType() : type);
      other = arith::ConstantOp::create(
          builder, loc, isTile(pointer) ? DenseElementsAttr::get(cast<ShapedType>(type), zero) : cast<TypedAttr>(zero));
    }
    values.push_back(LoadOp::create(builder, loc, pointer, mask, other, load.getCache(), load.getEvict()).getResult());
  }
  return values;
}

} // namespace tessera::tile
