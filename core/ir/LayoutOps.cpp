// LayoutOps.cpp - rules of layout changes and shared memory
//
// SPDX-License-Identifier: Apache-2.0
#include "core/ir/Checks.h"
#include "core/layout/TensorLayouts.h"

#include <algorithm>

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
  if (getOffset().value_or(0) < 0 || getBytes().value_or(0) < 0 || getSlots() < 0) // shared_alloc_c1
    return emitOpError() << "offset, bytes and slots must not be negative, got " << getOffset().value_or(0) << ", "
                         << getBytes().value_or(0) << " and " << getSlots();
  return success();
}

LogicalResult SharedSlotOp::verify() {
  if (getRing().getType() != getType()) // shared_slot_c2
    return emitOpError() << "the result must have the ring's type " << getRing().getType() << ", got " << getType();
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

static SharedType transposedType(SharedType source, ArrayRef<int64_t> order) {
  SmallVector<int64_t> shape;
  SmallVector<int32_t> narrow(order.begin(), order.end());
  for (int64_t from : order)
    shape.push_back(source.getShape()[static_cast<size_t>(from)]);
  auto layout = dyn_cast_or_null<LinearAttr>(source.getLayout());
  if (layout)
    layout = LinearAttr::get(source.getContext(), layout::transposed(layout.getLayout(), narrow));
  return SharedType::get(shape, source.getElementType(), layout);
}

void SharedTransposeOp::build(OpBuilder &builder, OperationState &state, Value source, ArrayRef<int64_t> order) {
  build(builder, state, transposedType(cast<SharedType>(source.getType()), order), source, order);
}

LogicalResult SharedTransposeOp::verify() {
  SharedType source = getSource().getType();
  SmallVector<int64_t> sorted(getOrder());
  llvm::sort(sorted);
  bool permutation = sorted.size() == source.getShape().size();
  for (size_t i = 0; permutation && i < sorted.size(); ++i)
    permutation = sorted[i] == static_cast<int64_t>(i);
  if (!permutation) // shared_transpose_c1
    return emitOpError() << "order must be a permutation of the dims of " << source;
  if (getType() != transposedType(source, getOrder())) // shared_transpose_c2
    return emitOpError() << "the result must be " << transposedType(source, getOrder()) << ", got " << getType();
  return success();
}

LogicalResult AsyncLoadOp::verify() {
  RankedTensorType pointers = getPtr().getType();
  SharedType shared = getShared().getType();
  auto pointer = dyn_cast<PointerType>(pointers.getElementType());
  if (!pointer || pointer.getPointee() != shared.getElementType()) // async_load_c1
    return emitOpError() << "ptr must hold pointers to the shared tensor's " << shared.getElementType() << ", got "
                         << pointers;
  if (failed(checkShape(*this, "ptr", pointers, shared.getShape())))
    return failure();
  Value mask = getMask();
  if (mask && failed(checkSameType(*this, "mask", mask.getType(), "ptr with i1",
                                   withElementType(pointers, IntegerType::get(getContext(), 1))))) // async_load_c2
    return failure();
  return success();
}

LogicalResult AsyncWaitOp::verify() {
  if (getPending() < 0) // async_wait_c1
    return emitOpError() << "pending must not be negative, got " << getPending();
  return success();
}

static std::pair<ArrayRef<int64_t>, Type> shapeAndElement(Type type) {
  if (auto shared = dyn_cast<SharedType>(type))
    return {shared.getShape(), shared.getElementType()};
  return {shapeOf(type), elementTypeOf(type)};
}

LogicalResult AsyncDotOp::verify() {
  auto [a, ea] = shapeAndElement(getA().getType());
  auto [b, eb] = shapeAndElement(getB().getType());
  auto [c, ec] = shapeAndElement(getC().getType());
  if (a.size() != 2 || b.size() != 2 || c.size() != 2 || a[1] != b[0] || c[0] != a[0] || c[1] != b[1]) // async_dot_c1
    return emitOpError() << "the shapes of a, b and c do not fit: " << getA().getType() << ", " << getB().getType()
                         << ", " << getC().getType();
  bool integers = ea.isInteger(8) && eb.isInteger(8) && ec.isInteger(32);
  bool floats = isTileFloat(ea) && isTileFloat(ec) && (ea == eb || (isTileFp8(ea) && isTileFp8(eb)));
  if (!integers && !floats)
    return emitOpError() << "the elements of a, b and c do not fit: " << ea << ", " << eb << ", " << ec;
  if (failed(checkSameType(*this, "result", getType(), "c", getC().getType()))) // async_dot_c2
    return failure();
  if (getInstruction() < 1 || getMaxImprecise() < 0) // async_dot_c3
    return emitOpError() << "instruction must be at least 1 and max_imprecise at least 0, got " << getInstruction()
                         << " and " << getMaxImprecise();
  return success();
}

static LogicalResult checkCopyBarrier(Operation *op, SharedType barrier) {
  if (barrier.getShape() != ArrayRef<int64_t>{1} || !barrier.getElementType().isInteger(64))
    return op->emitOpError() << "barrier must be a shared tensor of 1xi64, got " << barrier;
  return success();
}
static LogicalResult checkMap(Operation *op, Type map, SharedType shared, size_t coordinates) {
  auto pointer = dyn_cast<PointerType>(map);
  if (!pointer || !pointer.getPointee().isInteger(8))
    return op->emitOpError() << "map must be the ptr<i8> of a tensor_map, got " << map;
  constexpr size_t kMaxRank = 5;
  if (coordinates < shared.getShape().size() || coordinates > std::max(kMaxRank, shared.getShape().size()))
    return op->emitOpError() << "a coordinate a dim of " << shared << " is needed, and of outer dims, got "
                             << coordinates;
  return success();
}

LogicalResult TensorMapOp::verify() {
  auto pointer = dyn_cast<PointerType>(getBase().getType());
  size_t numbers = getNumbers().size(), rank = (numbers + 1) / 2;
  if (!pointer || numbers % 2 == 0 || rank < 1 || rank > 5) // tensor_map_c1
    return emitOpError() << "takes a pointer, 1 to 5 extents and a stride less, got " << getBase().getType() << " and "
                         << numbers << " numbers";
  if (getBox().size() != rank || llvm::any_of(getBox(), [](int64_t n) { return n < 1 || n > 256; })) // tensor_map_c2
    return emitOpError() << "box must have " << rank << " entries from 1 to 256";
  if (!llvm::is_contained({0, 32, 64, 128}, getSwizzle())) // tensor_map_c3
    return emitOpError() << "swizzle must be 0, 32, 64 or 128, got " << getSwizzle();
  if (getFill() < 0 || getFill() > 1 || (getFill() && !isTileFloat(pointer.getPointee()))) // tensor_map_c4
    return emitOpError() << "fill must be 0, or 1 for floats, got " << getFill();
  auto map = dyn_cast<PointerType>(getType());
  if (!map || !map.getPointee().isInteger(8)) // tensor_map_c5
    return emitOpError() << "the result must be ptr<i8>, got " << getType();
  return success();
}

LogicalResult CopyBarrierInitOp::verify() {
  if (failed(checkCopyBarrier(*this, getBarrier().getType()))) // copy_barrier_init_c1
    return failure();
  if (getArrivals() < 1) // copy_barrier_init_c2
    return emitOpError() << "arrivals must be at least 1, got " << getArrivals();
  return success();
}
LogicalResult CopyExpectOp::verify() {
  if (failed(checkCopyBarrier(*this, getBarrier().getType()))) // copy_expect_c1
    return failure();
  if (getBytes() < 1) // copy_expect_c2
    return emitOpError() << "bytes must be at least 1, got " << getBytes();
  return success();
}
LogicalResult TensorLoadOp::verify() {
  if (failed(checkCopyBarrier(*this, getBarrier().getType()))) // tensor_load_c1
    return failure();
  return checkMap(*this, getMap().getType(), getShared().getType(),
                  getCoordinates().size()); // tensor_load_c2, tensor_load_c3
}
LogicalResult CopyBarrierWaitOp::verify() {
  return checkCopyBarrier(*this, getBarrier().getType()); // copy_barrier_wait_c1
}
LogicalResult CopyBarrierEndOp::verify() {
  return checkCopyBarrier(*this, getBarrier().getType()); // copy_barrier_end_c1
}
LogicalResult TensorStoreOp::verify() {
  return checkMap(*this, getMap().getType(), getShared().getType(),
                  getCoordinates().size()); // tensor_store_c1, tensor_store_c2
}
static bool hasTiles(Operation *op) {
  auto isTensor = [](Type type) { return isa<RankedTensorType>(type); };
  return llvm::any_of(op->getOperandTypes(), isTensor) || llvm::any_of(op->getResultTypes(), isTensor);
}

// What one lane can do beside the others.
static bool isOfCopyingRole(Operation *op) {
  StringRef name = op->getName().getStringRef();
  if (hasTiles(op))
    return false;
  return op->getNumRegions() ? name == "scf.for" || name == "scf.if"
                             : isMemoryEffectFree(op) || isa<CopyExpectOp, TensorLoadOp, CopyBarrierWaitOp>(op);
}

LogicalResult RolesOp::verify() {
  if (getWarps() < 1) // roles_c1
    return emitOpError() << "warps must be at least 1, got " << getWarps();
  std::optional<ArrayRef<int64_t>> registers = getRegisters();
  if (registers && (registers->size() != 2 || (*registers)[0] < 1 || (*registers)[1] < 1)) // roles_c2
    return emitOpError() << "registers must be two numbers of at least 1";
  WalkResult copies = getCopies().walk([&](Operation *op) {
    if (!isOfCopyingRole(op)) // roles_c3
      return op->emitOpError("is nothing that the copying role of tile.roles can do"), WalkResult::interrupt();
    return WalkResult::advance();
  });
  if (copies.wasInterrupted())
    return failure();
  if ((*this)->getParentOp()->getName().getStringRef() != "func.func" ||
      !(*this)->getNextNode()->hasTrait<OpTrait::IsTerminator>()) // roles_c4
    return emitOpError() << "must be the last op of a kernel";
  for (Operation *op = (*this)->getPrevNode(); op; op = op->getPrevNode())
    if (hasTiles(op) ||
        !(isMemoryEffectFree(op) || isa<SharedAllocOp, CopyBarrierInitOp, SharedFenceOp, BarrierOp, AssumeOp>(op)))
      return emitOpError() << "must not follow " << op->getName() << ", which not every lane of the block can do";
  return success();
}

LogicalResult CopyArriveOp::verify() {
  if (failed(checkCopyBarrier(*this, getBarrier().getType()))) // copy_arrive_c1
    return failure();
  auto roles = (*this)->getParentOfType<RolesOp>();
  if (!roles || !roles.getWork().isAncestor((*this)->getParentRegion())) // copy_arrive_c2
    return emitOpError() << "must stand in the work of tile.roles";
  return success();
}

LogicalResult TensorStoreWaitOp::verify() {
  if (getPending() < 0 || getComplete() < 0 || getComplete() > 1) // tensor_store_wait_c1
    return emitOpError() << "pending must not be negative and complete 0 or 1, got " << getPending() << " and "
                         << getComplete();
  return success();
}

LogicalResult DotWaitOp::verify() {
  if (getPending() < 0) // dot_wait_c1
    return emitOpError() << "pending must not be negative, got " << getPending();
  if (getValues().getTypes() != getResults().getTypes()) // dot_wait_c2
    return emitOpError() << "results must have the types of the operands";
  return success();
}

} // namespace tessera::tile
