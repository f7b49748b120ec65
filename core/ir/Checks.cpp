// Checks.cpp - see Checks.h; messages name the operand and the offending value
//
// SPDX-License-Identifier: Apache-2.0
#include "core/ir/Checks.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace tessera::tile {

std::string shapeText(ArrayRef<int64_t> shape) {
  if (shape.empty())
    return "a scalar";
  return "shape " + llvm::join(llvm::map_range(shape, [](int64_t d) { return std::to_string(d); }), "x");
}

LogicalResult checkPointers(Operation *op, StringRef what, Type type) {
  if (failed(checkTile(op, what, type)))
    return failure();
  if (!isTilePointer(type))
    return op->emitOpError() << what << " must be a pointer or a tensor of pointers, got " << type;
  return success();
}

LogicalResult checkSameType(Operation *op, StringRef what, Type type, StringRef other, Type expected) {
  if (type != expected)
    return op->emitOpError() << what << " must have the type of " << other << ", " << expected << ", got " << type;
  return success();
}

LogicalResult checkSameShape(Operation *op, StringRef what, Type type, StringRef other, Type expected) {
  if (shapeOf(type) != shapeOf(expected) || isa<RankedTensorType>(type) != isa<RankedTensorType>(expected))
    return op->emitOpError() << what << " must have the shape of " << other << " (" << shapeText(shapeOf(expected))
                             << "), got " << shapeText(shapeOf(type));
  auto a = dyn_cast<RankedTensorType>(type), b = dyn_cast<RankedTensorType>(expected);
  if (a && a.getEncoding() != b.getEncoding())
    return op->emitOpError() << what << " must have the layout of " << other << ", got " << type << " and " << expected;
  return success();
}

LogicalResult checkMask(Operation *op, StringRef what, Type type, StringRef other, Type like) {
  if (!elementTypeOf(type).isInteger(1))
    return op->emitOpError() << what << " must hold i1, got " << type;
  return checkSameShape(op, what, type, other, like);
}

LogicalResult checkElement(Operation *op, StringRef what, Type type, StringRef other, Type expectedElement) {
  if (elementTypeOf(type) != expectedElement)
    return op->emitOpError() << what << " must hold " << expectedElement << " as " << other << " does, got " << type;
  return success();
}

LogicalResult checkGridAxis(Operation *op, int32_t axis) {
  if (axis < 0 || axis > 2)
    return op->emitOpError() << "axis must be 0, 1 or 2, got " << axis;
  return success();
}

LogicalResult checkAxis(Operation *op, int64_t axis, int64_t rank, StringRef of) {
  if (axis < 0 || axis >= rank)
    return op->emitOpError() << "axis must be a dim of " << of << " (0 to " << rank - 1 << "), got " << axis;
  return success();
}

LogicalResult checkShape(Operation *op, StringRef what, Type type, ArrayRef<int64_t> expected) {
  if (shapeOf(type) != expected)
    return op->emitOpError() << what << " must be " << (expected.empty() ? "" : "of ") << shapeText(expected)
                             << ", got " << shapeText(shapeOf(type));
  return success();
}

LogicalResult checkTile(Operation *op, StringRef what, Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (tensor) {
    if (!tensor.hasStaticShape() || tensor.getRank() == 0 || llvm::is_contained(tensor.getShape(), 0))
      return op->emitOpError() << what << " must have static extents of at least 1 and a rank of at least 1, got "
                               << type;
    if (Attribute encoding = tensor.getEncoding(); encoding && !isa<LinearAttr>(encoding))
      return op->emitOpError() << what << " must have a #tile.linear layout or none, got " << type;
  }
  if (!isTileElement(elementTypeOf(type)))
    return op->emitOpError() << what << " must hold integers of 1, 8, 16, 32 or 64 bits, floats or pointers, got "
                             << type;
  return success();
}

} // namespace tessera::tile
