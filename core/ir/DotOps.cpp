// DotOps.cpp - rules of matrix products
//
// SPDX-License-Identifier: Apache-2.0
#include "core/ir/Checks.h"

using namespace mlir;

namespace tessera::tile {

// dot_c1, dot_c2 (and dot_scaled): shapes are given after unpacking.
static LogicalResult checkProductShapes(Operation *op, ArrayRef<int64_t> a, ArrayRef<int64_t> b, ArrayRef<int64_t> c) {
  size_t rank = c.size();
  if (a.size() != rank || b.size() != rank || (rank != 2 && rank != 3))
    return op->emitOpError() << "a, b and c must have one rank, 2 or 3, got " << a.size() << ", " << b.size() << " and "
                             << rank;
  if (rank == 3 && (a[0] != c[0] || b[0] != c[0]))
    return op->emitOpError() << "the batch dims of a, b and c must be equal, got " << a[0] << ", " << b[0] << " and "
                             << c[0];
  if (a[rank - 1] != b[rank - 2])
    return op->emitOpError() << "the last dim of a must be the first matrix dim of b, got " << a[rank - 1] << " and "
                             << b[rank - 2];
  if (c[rank - 2] != a[rank - 2] || c[rank - 1] != b[rank - 1])
    return op->emitOpError() << "c must be " << a[rank - 2] << " by " << b[rank - 1] << ", got " << c[rank - 2]
                             << " by " << c[rank - 1];
  return success();
}

LogicalResult DotOp::verify() {
  RankedTensorType a = getA().getType(), b = getB().getType(), c = getC().getType();
  if (failed(checkTile(*this, "a", a)) || failed(checkTile(*this, "b", b)) || failed(checkTile(*this, "c", c)) ||
      failed(checkProductShapes(*this, a.getShape(), b.getShape(), c.getShape())) ||
      failed(checkSameType(*this, "result", getType(), "c", c)))
    return failure();
  Type ea = a.getElementType(), eb = b.getElementType(), ec = c.getElementType();
  if (ea != eb && !(isTileFp8(ea) && isTileFp8(eb))) // dot_c3
    return emitOpError() << "a and b must hold one element type or two fp8 types, got " << ea << " and " << eb;
  bool integers = ea.isInteger(8) && ec.isInteger(32);
  bool floats = isTileFloat(ea) && isTileFloat(ec) && bitWidthOf(ec) >= 16 && bitWidthOf(ec) >= bitWidthOf(ea);
  if (!integers && !floats) // dot_c4
    return emitOpError()
           << "c must be i32 for i8 operands, a float of at least 16 bits and the operands' width for floats, got "
           << ec << " for " << ea;
  if (getMaxImprecise() < 0 || getInstruction() < 0) // dot_c5
    return emitOpError() << "max_imprecise and instruction must not be negative, got " << getMaxImprecise() << " and "
                         << getInstruction();
  return success();
}

// ---- dot_scaled ----------------------------------------------------------------------------------------------------

void DotScaledOp::build(OpBuilder &builder, OperationState &state, Value a, Value b, Value c, Value aScale,
                        Value bScale, ScaledFormat lhsFormat, ScaledFormat rhsFormat, bool lhsKPack, bool rhsKPack,
                        bool fastMath) {
  build(builder, state, c.getType(), a, b, c, aScale, bScale, lhsFormat, rhsFormat, lhsKPack, rhsKPack, fastMath);
}

static bool fitsFormat(Type element, ScaledFormat format) {
  switch (format) {
  case ScaledFormat::E2M1:
    return element.isInteger(8);
  case ScaledFormat::E4M3:
    return element.isInteger(8) || isa<Float8E4M3FNType>(element);
  case ScaledFormat::E5M2:
    return element.isInteger(8) || isa<Float8E5M2Type>(element);
  case ScaledFormat::BF16:
    return element.isBF16();
  case ScaledFormat::FP16:
    return element.isF16();
  }
  return false;
}

static LogicalResult checkScale(Operation *op, StringRef what, RankedTensorType scale, int64_t rows, int64_t k) {
  if (!scale.getElementType().isInteger(8))
    return op->emitOpError() << what << " must hold i8 (e8m0), got " << scale;
  ArrayRef<int64_t> shape = scale.getShape().take_back(2);
  if (scale.getRank() < 2 || shape[0] != rows || shape[1] * 32 != k)
    return op->emitOpError() << what << " must be " << rows << " by " << k / 32 << ", got " << scale;
  return success();
}

LogicalResult DotScaledOp::verify() {
  RankedTensorType a = getA().getType(), b = getB().getType(), c = getC().getType();
  if (failed(checkTile(*this, "a", a)) || failed(checkTile(*this, "b", b)) || failed(checkTile(*this, "c", c)))
    return failure();
  if (!fitsFormat(a.getElementType(), getLhsFormat())) // dot_scaled_c3
    return emitOpError() << "a must hold elements of format " << stringifyScaledFormat(getLhsFormat()) << ", got " << a;
  if (!fitsFormat(b.getElementType(), getRhsFormat()))
    return emitOpError() << "b must hold elements of format " << stringifyScaledFormat(getRhsFormat()) << ", got " << b;
  size_t rank = c.getRank();
  SmallVector<int64_t> shapeA(a.getShape()), shapeB(b.getShape());
  if (shapeA.size() == rank && rank >= 2 && getLhsFormat() == ScaledFormat::E2M1)
    shapeA[rank - (getLhsKPack() ? 1 : 2)] *= 2;
  if (shapeB.size() == rank && rank >= 2 && getRhsFormat() == ScaledFormat::E2M1)
    shapeB[rank - (getRhsKPack() ? 2 : 1)] *= 2;
  if (failed(checkProductShapes(*this, shapeA, shapeB, c.getShape()))) // dot_scaled_c1, dot_scaled_c2
    return failure();
  int64_t k = shapeA[rank - 1];
  if (Value scale = getAScale();
      scale && failed(checkScale(*this, "a_scale", cast<RankedTensorType>(scale.getType()), shapeA[rank - 2], k)))
    return failure();
  if (Value scale = getBScale();
      scale && failed(checkScale(*this, "b_scale", cast<RankedTensorType>(scale.getType()), shapeB[rank - 1], k)))
    return failure();
  if (!isTileFloat(c.getElementType())) // dot_scaled_c4
    return emitOpError() << "c must hold floats, got " << c;
  return checkSameType(*this, "result", getType(), "c", c);
}

} // namespace tessera::tile
