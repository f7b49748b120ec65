// LayoutOps.cpp - rules of layout changes and shared memory
//
// SPDX-License-Identifier: Apache-2.0
#include "core/ir/Checks.h"

#define GET_OP_CLASSES
#include "core/ir/LayoutOps.cpp.inc"

using namespace mlir;

namespace tessera::tile {

LogicalResult ConvertLayoutOp::verify() {
  RankedTensorType from = getSource().getType(), to = getType();
  if (failed(checkTile(*this, "source", from)) || failed(checkTile(*this, "result", to)) ||
      failed(checkElement(*this, "result", to, "source", from.getElementType())) || // convert_layout_c1
      failed(checkShape(*this, "result", to, from.getShape())))
    return failure();
  if (!from.getEncoding() || !to.getEncoding()) // convert_layout_c2
    return emitOpError() << "source and result must carry a layout, got " << from << " and " << to;
  return success();
}

OpFoldResult ConvertLayoutOp::fold(FoldAdaptor) {
  if (getSource().getType() == getType())
    return getSource();
  auto inner = getSource().getDefiningOp<ConvertLayoutOp>();
  if (!inner)
    return {};
  getSourceMutable().assign(inner.getSource());
  return getResult();
}

LogicalResult SharedAllocOp::verify() {
  if (getOffset().value_or(0) < 0 || getBytes().value_or(0) < 0) // shared_alloc_c1
    return emitOpError() << "offset and bytes must not be negative, got " << getOffset().value_or(0) << " and "
                         << getBytes().value_or(0);
  return success();
}

static LogicalResult checkShared(Operation *op, SharedType shared, StringRef what, RankedTensorType tensor) {
  if (failed(checkTile(op, what, tensor)) ||
      failed(checkElement(op, what, tensor, "the shared tensor", shared.getElementType())))
    return failure();
  return checkShape(op, what, tensor, shared.getShape());
}
LogicalResult SharedStoreOp::verify() {
  return checkShared(*this, getShared().getType(), "value", getValue().getType());
} // shared_store_c1
LogicalResult SharedLoadOp::verify() {
  return checkShared(*this, getShared().getType(), "result", getType());
} // shared_load_c1

} // namespace tessera::tile
