// ElementOps.cpp - rules and folds of pointer arithmetic and conversions
//
// SPDX-License-Identifier: Apache-2.0
#include "core/ir/Checks.h"
#include "mlir/IR/Matchers.h"

#define GET_OP_CLASSES
#include "core/ir/ElementOps.cpp.inc"

using namespace mlir;

namespace tessera::tile {

LogicalResult AddPtrOp::verify() {
  if (failed(checkPointers(*this, "ptr", getPtr().getType()))) // addptr_c1
    return failure();
  Type offset = getOffset().getType();
  if (!elementTypeOf(offset).isInteger(32) && !elementTypeOf(offset).isInteger(64)) // addptr_c2
    return emitOpError() << "offset must hold i32 or i64, got " << offset;
  if (failed(checkSameShape(*this, "offset", offset, "ptr", getPtr().getType()))) // addptr_c3
    return failure();
  return checkSameType(*this, "result", getType(), "ptr", getPtr().getType()); // addptr_c4
}

OpFoldResult AddPtrOp::fold(FoldAdaptor) {
  return splatIntegerOf(getOffset()) == 0 ? OpFoldResult(getPtr()) : OpFoldResult();
}

LogicalResult PtrToIntOp::verify() {
  if (failed(checkPointers(*this, "source", getSource().getType()))) // ptrtoint_c1
    return failure();
  if (!elementTypeOf(getType()).isInteger(64)) // ptrtoint_c2
    return emitOpError() << "result must hold i64, got " << getType();
  return checkSameShape(*this, "result", getType(), "source", getSource().getType());
}

OpFoldResult PtrToIntOp::fold(FoldAdaptor) {
  auto inner = getSource().getDefiningOp<IntToPtrOp>();
  return inner && inner.getSource().getType() == getType() ? OpFoldResult(inner.getSource()) : OpFoldResult();
}

LogicalResult IntToPtrOp::verify() {
  Type source = getSource().getType();
  if (!elementTypeOf(source).isInteger(64)) // inttoptr_c1
    return emitOpError() << "source must hold i64, got " << source;
  if (failed(checkPointers(*this, "result", getType()))) // inttoptr_c2
    return failure();
  return checkSameShape(*this, "result", getType(), "source", source);
}

OpFoldResult IntToPtrOp::fold(FoldAdaptor) {
  auto inner = getSource().getDefiningOp<PtrToIntOp>();
  return inner && inner.getSource().getType() == getType() ? OpFoldResult(inner.getSource()) : OpFoldResult();
}

LogicalResult BitcastOp::verify() {
  Type from = getSource().getType(), to = getType();
  if (failed(checkTile(*this, "source", from)) || failed(checkTile(*this, "result", to)))
    return failure();
  unsigned fromBits = bitWidthOf(elementTypeOf(from)), toBits = bitWidthOf(elementTypeOf(to));
  if (isTilePointer(from) != isTilePointer(to) || fromBits != toBits) // bitcast_c1
    return emitOpError() << "source and result must have equal widths, or be pointers both, got " << from << " and "
                         << to;
  return checkSameShape(*this, "result", to, "source", from); // bitcast_c2
}

static Attribute bitcastElement(Attribute value, Type to) {
  APInt bits = isa<IntegerAttr>(value) ? cast<IntegerAttr>(value).getValue()
                                       : cast<FloatAttr>(value).getValue().bitcastToAPInt();
  if (auto type = dyn_cast<FloatType>(to))
    return FloatAttr::get(type, APFloat(type.getFloatSemantics(), bits));
  return isa<IntegerType>(to) ? Attribute(IntegerAttr::get(to, bits)) : Attribute();
}

OpFoldResult BitcastOp::fold(FoldAdaptor) {
  if (getSource().getType() == getType())
    return getSource();
  if (auto inner = getSource().getDefiningOp<BitcastOp>()) {
    getSourceMutable().assign(inner.getSource());
    return getResult();
  }
  TypedAttr value = splatConstantOf(getSource());
  Attribute cast = value ? bitcastElement(value, elementTypeOf(getType())) : Attribute();
  if (!cast)
    return {};
  auto tensor = dyn_cast<RankedTensorType>(getType());
  return tensor ? OpFoldResult(DenseElementsAttr::get(tensor, cast)) : OpFoldResult(cast);
}

LogicalResult FpToFpOp::verify() {
  Type from = getSource().getType(), to = getType();
  if (!isTileFloat(elementTypeOf(from))) // fptofp_c1
    return emitOpError() << "source must hold floats, got " << from;
  if (!isTileFloat(elementTypeOf(to)))
    return emitOpError() << "result must hold floats, got " << to;
  if (failed(checkTile(*this, "source", from)) ||
      failed(checkSameShape(*this, "result", to, "source", from))) // fptofp_c2
    return failure();
  bool narrows = bitWidthOf(elementTypeOf(to)) < bitWidthOf(elementTypeOf(from));
  if (getRounding() != Rounding::NearestEven && !narrows) // fptofp_c3
    return emitOpError() << "rounding must be nearest_even where the result is not narrower, got "
                         << stringifyRounding(getRounding());
  if (getRounding() == Rounding::NearestSaturating && !isTileFp8(elementTypeOf(to))) // fptofp_c4
    return emitOpError() << "rounding saturates only 8-bit floats, got " << to;
  return success();
}

// Every value of `narrow` is a value of `wide`, so that a way there and back changes nothing.
static bool isSubset(Type narrow, Type wide) {
  auto n = dyn_cast<FloatType>(narrow), w = dyn_cast<FloatType>(wide);
  if (!n || !w)
    return false;
  const llvm::fltSemantics &a = n.getFloatSemantics(), &b = w.getFloatSemantics();
  return w.isF64() || w.isF32() ? llvm::APFloat::semanticsPrecision(a) <= llvm::APFloat::semanticsPrecision(b) &&
                                      llvm::APFloat::semanticsMaxExponent(a) <= llvm::APFloat::semanticsMaxExponent(b)
                                : false;
}

OpFoldResult FpToFpOp::fold(FoldAdaptor) {
  Type to = elementTypeOf(getType());
  if (getSource().getType() == getType())
    return getSource();
  auto inner = getSource().getDefiningOp<FpToFpOp>();
  if (inner && inner.getSource().getType() == getType() && isSubset(to, elementTypeOf(inner.getType())))
    return inner.getSource();
  auto value = dyn_cast_or_null<FloatAttr>(splatConstantOf(getSource()));
  auto type = dyn_cast<FloatType>(to);
  if (!value || !type)
    return {};
  bool losesInfo = false;
  APFloat number = value.getValue();
  auto mode = getRounding() == Rounding::TowardsZero ? APFloat::rmTowardZero : APFloat::rmNearestTiesToEven;
  // Where the types saturate or lack NaN the target decides; only what is plainly representable is folded.
  if (number.convert(type.getFloatSemantics(), mode, &losesInfo) & (APFloat::opOverflow | APFloat::opInvalidOp))
    return {};
  if (isTileFp8(to) && !number.isFinite())
    return {};
  Attribute result = FloatAttr::get(type, number);
  auto tensor = dyn_cast<RankedTensorType>(getType());
  return tensor ? OpFoldResult(DenseElementsAttr::get(tensor, result)) : OpFoldResult(result);
}

static LogicalResult checkMulHi(Operation *op, Type type) { // mulhiui_c1, mulhisi_c1
  if (!isTileInteger(elementTypeOf(type)) || elementTypeOf(type).isInteger(1))
    return op->emitOpError() << "lhs must hold integers of 8 to 64 bits, got " << type;
  return checkTile(op, "lhs", type);
}
LogicalResult MulHiUIOp::verify() { return checkMulHi(*this, getType()); }
LogicalResult MulHiSIOp::verify() { return checkMulHi(*this, getType()); }

// ---- code of the target ----------------------------------------------------------------------------------------------

static LogicalResult checkOperands(Operation *op) { // inline_asm_c2, extern_elementwise_c2
  for (Value source : op->getOperands())
    if (failed(checkTile(op, "sources", source.getType())) ||
        failed(checkSameShape(op, "sources", source.getType(), "the first", op->getOperand(0).getType())))
      return failure();
  return success();
}

static void addEffects(bool isPure, SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  if (isPure)
    return;
  effects.emplace_back(MemoryEffects::Read::get());
  effects.emplace_back(MemoryEffects::Write::get());
}

void InlineAsmOp::getEffects(SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  addEffects(getPure(), effects);
}
void ExternElementwiseOp::getEffects(SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  addEffects(getPure(), effects);
}
Speculation::Speculatability InlineAsmOp::getSpeculatability() {
  return getPure() ? Speculation::Speculatable : Speculation::NotSpeculatable;
}
Speculation::Speculatability ExternElementwiseOp::getSpeculatability() {
  return getPure() ? Speculation::Speculatable : Speculation::NotSpeculatable;
}

LogicalResult InlineAsmOp::verify() {
  if (getNumResults() == 0) // inline_asm_c1
    return emitOpError() << "must have at least one result";
  if (failed(checkOperands(*this)))
    return failure();
  for (Value result : getResults()) { // inline_asm_c3
    if (failed(checkTile(*this, "result", result.getType())))
      return failure();
    if (getSources().empty() && isa<RankedTensorType>(result.getType()))
      return emitOpError() << "result must be a scalar where there are no sources, got " << result.getType();
    if (!getSources().empty() &&
        failed(checkSameShape(*this, "result", result.getType(), "sources", getSources()[0].getType())))
      return failure();
  }
  auto tile = getSources().empty() ? RankedTensorType() : dyn_cast<RankedTensorType>(getSources()[0].getType());
  if (getPack() < 1 || (tile && tile.getNumElements() % getPack() != 0)) // inline_asm_c4
    return emitOpError() << "pack must be at least 1 and divide the number of elements, got " << getPack();
  return success();
}

LogicalResult ExternElementwiseOp::verify() {
  if (getSources().empty()) // extern_elementwise_c1
    return emitOpError() << "must have at least one source";
  if (failed(checkOperands(*this)) || failed(checkTile(*this, "result", getType())) ||
      failed(checkSameShape(*this, "result", getType(), "sources", getSources()[0].getType()))) // extern_elementwise_c3
    return failure();
  if (getSymbol().empty()) // extern_elementwise_c4
    return emitOpError() << "symbol must not be empty";
  return success();
}

} // namespace tessera::tile
