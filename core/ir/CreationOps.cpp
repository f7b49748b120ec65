// CreationOps.cpp - rules and folds of the ops that make values out of nothing
//
// SPDX-License-Identifier: Apache-2.0
#include "core/ir/Checks.h"

#define GET_OP_CLASSES
#include "core/ir/CreationOps.cpp.inc"

using namespace mlir;

namespace tessera::tile {

LogicalResult ProgramIdOp::verify() { return checkGridAxis(*this, getAxis()); }   // program_id_c1
LogicalResult NumProgramsOp::verify() { return checkGridAxis(*this, getAxis()); } // num_programs_c1

LogicalResult ArangeOp::verify() {
  RankedTensorType type = getResult().getType();
  if (failed(checkTile(*this, "result", type)))
    return failure();
  if (type.getRank() != 1 || !type.getElementType().isInteger(32)) // arange_c1
    return emitOpError() << "result must be a tensor of i32 of rank 1, got " << type;
  if (getEnd() <= getStart()) // arange_c2
    return emitOpError() << "end must be greater than start, got " << getStart() << " to " << getEnd();
  if (type.getNumElements() != int64_t(getEnd()) - getStart()) // arange_c3
    return emitOpError() << "result must hold end - start = " << int64_t(getEnd()) - getStart() << " elements, got "
                         << type;
  return success();
}

OpFoldResult ArangeOp::fold(FoldAdaptor) {
  RankedTensorType type = getResult().getType();
  if (type.getNumElements() != 1)
    return {};
  return DenseElementsAttr::get(type, APInt(32, static_cast<uint32_t>(getStart())));
}

LogicalResult SplatOp::verify() {
  if (failed(checkTile(*this, "result", getType())))
    return failure();
  if (getSource().getType() != getType().getElementType()) // splat_c1
    return emitOpError() << "source must have the result's element type " << getType().getElementType() << ", got "
                         << getSource().getType();
  return success();
}

OpFoldResult SplatOp::fold(FoldAdaptor adaptor) {
  if (!isa_and_nonnull<IntegerAttr, FloatAttr>(adaptor.getSource()))
    return {};
  return DenseElementsAttr::get(getType(), adaptor.getSource());
}

LogicalResult PhiloxOp::verify() {
  Type type = getC0().getType();
  if (failed(checkTile(*this, "c0", type)))
    return failure();
  Type element = elementTypeOf(type);
  if (!element.isInteger(32) && !element.isInteger(64)) // philox_c1
    return emitOpError() << "counters must hold i32 or i64, got " << type;
  if (getNumRounds() < 1) // philox_c2
    return emitOpError() << "num_rounds must be at least 1, got " << getNumRounds();
  return success();
}

LogicalResult PoisonOp::verify() {
  if (isa<BlockPointerType>(getType()))
    return success();
  return checkTile(*this, "result", getType());
}

} // namespace tessera::tile
