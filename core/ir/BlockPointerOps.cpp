// BlockPointerOps.cpp - rules of windows on strided arrays
//
// SPDX-License-Identifier: Apache-2.0
#include "core/ir/Checks.h"

#include <algorithm>

#define GET_OP_CLASSES
#include "core/ir/BlockPointerOps.cpp.inc"

using namespace mlir;

namespace tessera::tile {

void MakeBlockPtrOp::build(OpBuilder &builder, OperationState &state, Value base, ValueRange shape, ValueRange strides,
                           ValueRange offsets, ArrayRef<int64_t> blockShape, ArrayRef<int64_t> order) {
  Type element = cast<PointerType>(base.getType()).getPointee();
  build(builder, state, BlockPointerType::get(RankedTensorType::get(blockShape, element)), base, shape, strides,
        offsets, order);
}

static LogicalResult checkPerDim(Operation *op, StringRef what, ValueRange values, int64_t rank, bool allow32) {
  if (static_cast<int64_t>(values.size()) != rank)
    return op->emitOpError() << what << " must have one entry for each of the " << rank << " dims, got "
                             << values.size();
  for (Value value : values)
    if (!value.getType().isInteger(64) && !(allow32 && value.getType().isInteger(32)))
      return op->emitOpError() << what << " must be " << (allow32 ? "i32 or i64" : "i64") << ", got "
                               << value.getType();
  return success();
}

static LogicalResult checkPermutation(Operation *op, ArrayRef<int64_t> order, int64_t rank) {
  SmallVector<int64_t> sorted(order);
  llvm::sort(sorted);
  if (!order.empty() && sorted != llvm::to_vector(llvm::seq<int64_t>(0, rank)))
    return op->emitOpError() << "order must be a permutation of the " << rank << " dims, got [" << order << "]";
  return success();
}

LogicalResult MakeBlockPtrOp::verify() {
  BlockPointerType type = getType();
  auto base = dyn_cast<PointerType>(getBase().getType());
  if (!base || base.getPointee() != type.getElementType()) // make_block_ptr_c1
    return emitOpError() << "base must be a pointer to " << type.getElementType() << ", got " << getBase().getType();
  if (failed(checkPerDim(*this, "shape", getShape(), type.getRank(), false)) || // make_block_ptr_c2, c3
      failed(checkPerDim(*this, "strides", getStrides(), type.getRank(), false)) ||
      failed(checkPerDim(*this, "offsets", getOffsets(), type.getRank(), true)))
    return failure();
  return checkPermutation(*this, getOrder(), type.getRank()); // make_block_ptr_c4
}

LogicalResult AdvanceOp::verify() {
  if (failed(checkPerDim(*this, "offsets", getOffsets(), getType().getRank(), true))) // advance_c1
    return failure();
  return checkSameType(*this, "result", getType(), "ptr", getPtr().getType()); // advance_c2
}

static LogicalResult checkBoundary(Operation *op, ArrayRef<int64_t> dims, int64_t rank) {
  for (auto [i, dim] : llvm::enumerate(dims))
    if (dim < 0 || dim >= rank || llvm::is_contained(dims.take_front(i), dim))
      return op->emitOpError() << "boundary_check must hold distinct dims from 0 to " << rank - 1 << ", got [" << dims
                               << "]";
  return success();
}

void LoadBlockOp::build(OpBuilder &builder, OperationState &state, Value ptr, ArrayRef<int64_t> boundaryCheck,
                        Padding padding, Cache cache, Evict evict, bool isVolatile) {
  build(builder, state, cast<BlockPointerType>(ptr.getType()).getBlockType(), ptr, boundaryCheck, padding, cache, evict,
        isVolatile);
}

LogicalResult LoadBlockOp::verify() {
  BlockPointerType type = getPtr().getType();
  if (failed(checkSameType(*this, "result", getType(), "the block", type.getBlockType())) || // load_block_c1
      failed(checkBoundary(*this, getBoundaryCheck(), type.getRank())))                      // load_block_c2
    return failure();
  if (getPadding() == Padding::NaN && !isTileFloat(type.getElementType())) // load_block_c3
    return emitOpError() << "padding nan needs a block of floats, got " << type.getBlockType();
  if (!llvm::is_contained({Cache::None, Cache::CA, Cache::CG, Cache::CV}, getCache())) // load_block_c4
    return emitOpError() << "cache modifier '" << stringifyCache(getCache()) << "' does not exist for this access";
  return success();
}

LogicalResult StoreBlockOp::verify() {
  BlockPointerType type = getPtr().getType();
  if (failed(checkSameType(*this, "value", getValue().getType(), "the block", type.getBlockType())) || // store_block_c1
      failed(checkBoundary(*this, getBoundaryCheck(), type.getRank())))                                // store_block_c2
    return failure();
  if (!llvm::is_contained({Cache::None, Cache::WB, Cache::CG, Cache::CS, Cache::WT}, getCache())) // store_block_c3
    return emitOpError() << "cache modifier '" << stringifyCache(getCache()) << "' does not exist for this access";
  return success();
}

// Base, shape, strides and offsets of a block of `tensor`, perhaps of more dims.
static LogicalResult checkArray(Operation *op, RankedTensorType tensor, Value base, ValueRange shape,
                                ValueRange strides, ValueRange offsets) {
  constexpr int64_t kMaxRank = 5;
  auto pointer = dyn_cast<PointerType>(base.getType());
  if (!pointer || pointer.getPointee() != tensor.getElementType()) // descriptor_load_c1, descriptor_store_c1
    return op->emitOpError() << "base must be a pointer to " << tensor.getElementType() << ", got " << base.getType();
  int64_t rank = std::clamp(static_cast<int64_t>(shape.size()), tensor.getRank(), std::max(tensor.getRank(), kMaxRank));
  if (failed(checkPerDim(op, "shape", shape, rank, false)) || // descriptor_load_c2, descriptor_store_c2
      failed(checkPerDim(op, "strides", strides, rank, false)) ||
      failed(checkPerDim(op, "offsets", offsets, rank, true)))
    return failure();
  for (Value offset : offsets)
    if (!offset.getType().isInteger(32))
      return op->emitOpError() << "offsets must be i32, got " << offset.getType();
  return success();
}

LogicalResult DescriptorLoadOp::verify() {
  if (failed(checkArray(*this, getType(), getBase(), getShape(), getStrides(), getOffsets())))
    return failure();
  bool isNaN = getPadding() == Padding::NaN;
  if (getPadding() == Padding::None || (isNaN && isa<IntegerType>(getType().getElementType()))) // descriptor_load_c3
    return emitOpError() << "padding must be zero, or nan for floats";
  return success();
}

LogicalResult DescriptorStoreOp::verify() {
  return checkArray(*this, getValue().getType(), getBase(), getShape(), getStrides(), getOffsets());
}

} // namespace tessera::tile
