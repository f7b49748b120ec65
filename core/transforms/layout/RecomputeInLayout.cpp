// RecomputeInLayout.cpp - see RecomputeInLayout.h
// SPDX-License-Identifier: Apache-2.0
#include "core/transforms/layout/RecomputeInLayout.h"

using namespace mlir;

namespace tessera::tile {

bool RecomputeInLayout::can(Value value, LinearAttr layout, uint64_t registers) const {
  if (layoutOf(value) == layout)
    return true;
  if (!layout || uint64_t(1) << layout.getNumBits(layout::kRegister) > registers)
    return false;
  Operation *op = value.getDefiningOp();
  bool isInside = loop_.isAncestor(value.getParentRegion());
  if (auto load = dyn_cast_or_null<LoadOp>(op); load && isInside)
    return mayConvert_(load);
  if (auto convert = dyn_cast_or_null<ConvertLayoutOp>(op); convert && isInside) // the conversion in between falls away
    return can(convert.getSource(), layout, registers);
  if (op && isRematerialisable(op))
    return llvm::all_of(op->getOpOperands(), [&](OpOperand &operand) {
      return !isTile(operand.get()) ||
             can(operand.get(), operandFromResult(op, operand.getOperandNumber(), layout), registers);
    });
  return !isInside; // one conversion in front of the loop
}

Value RecomputeInLayout::make(Value value, LinearAttr layout) {
  if (layoutOf(value) == layout)
    return value;
  if (Value known = made_.lookup({value, layout}))
    return known;
  Operation *op = value.getDefiningOp();
  if (auto convert = dyn_cast_or_null<ConvertLayoutOp>(op); convert && loop_.isAncestor(value.getParentRegion()))
    return made_[{value, layout}] = make(convert.getSource(), layout);
  OpBuilder builder(value.getContext());
  if (!op || !isRematerialisable(op)) {
    builder.setInsertionPointAfterValue(value);
    auto convert = ConvertLayoutOp::create(builder, value.getLoc(),
                                           withLayout(cast<RankedTensorType>(value.getType()), layout), value);
    converted_(convert);
    return made_[{value, layout}] = convert;
  }
  builder.setInsertionPointAfter(op);
  Operation *clone =
      cloneInLayout(builder, op, layout, [&](Value operand, LinearAttr needed) { return make(operand, needed); });
  return made_[{value, layout}] = clone->getResult(cast<OpResult>(value).getResultNumber());
}

} // namespace tessera::tile
