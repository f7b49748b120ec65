// ShapeOps.cpp - rules and folds of the ops that move elements without changing them
//
// SPDX-License-Identifier: Apache-2.0
#include "core/ir/Checks.h"
#include "mlir/IR/PatternMatch.h"

#define GET_OP_CLASSES
#include "core/ir/ShapeOps.cpp.inc"

using namespace mlir;

namespace tessera::tile {

static RankedTensorType tensorOf(Value value) { return cast<RankedTensorType>(value.getType()); }

static LogicalResult checkSourceAndResult(Operation *op, RankedTensorType source, RankedTensorType result) {
  if (failed(checkTile(op, "source", source)) || failed(checkTile(op, "result", result)))
    return failure();
  return checkElement(op, "result", result, "source", source.getElementType());
}

// A splat constant keeps its value in any shape; null for everything else.
static OpFoldResult foldSplatConstant(Attribute source, RankedTensorType type) {
  auto splat = dyn_cast_or_null<SplatElementsAttr>(source);
  return splat ? OpFoldResult(DenseElementsAttr::get(type, splat.getSplatValue<Attribute>())) : OpFoldResult();
}

// shape(splat(x)) is splat(x).
template <typename Op> static LogicalResult takeSplat(Op op, PatternRewriter &rewriter) {
  auto splat = op.getSource().template getDefiningOp<SplatOp>();
  if (!splat)
    return failure();
  rewriter.replaceOpWithNewOp<SplatOp>(op, op.getType(), splat.getSource());
  return success();
}

// ---- expand_dims ---------------------------------------------------------------------------------------------------

static SmallVector<int64_t> withUnitDim(ArrayRef<int64_t> shape, int64_t axis) {
  SmallVector<int64_t> result(shape);
  result.insert(result.begin() + axis, 1);
  return result;
}

void ExpandDimsOp::build(OpBuilder &builder, OperationState &state, Value source, int32_t axis) {
  RankedTensorType type = tensorOf(source);
  build(builder, state, RankedTensorType::get(withUnitDim(type.getShape(), axis), type.getElementType()), source, axis);
}

LogicalResult ExpandDimsOp::verify() {
  RankedTensorType source = tensorOf(getSource());
  if (failed(checkSourceAndResult(*this, source, getType())) ||
      failed(checkAxis(*this, getAxis(), source.getRank() + 1, "result")))
    return failure();                                                                       // expand_dims_c1
  return checkShape(*this, "result", getType(), withUnitDim(source.getShape(), getAxis())); // expand_dims_c2
}

OpFoldResult ExpandDimsOp::fold(FoldAdaptor adaptor) { return foldSplatConstant(adaptor.getSource(), getType()); }
void ExpandDimsOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *) {
  patterns.add(takeSplat<ExpandDimsOp>);
}

// ---- broadcast -----------------------------------------------------------------------------------------------------

void BroadcastOp::build(OpBuilder &builder, OperationState &state, Value source, ArrayRef<int64_t> shape) {
  build(builder, state, RankedTensorType::get(shape, tensorOf(source).getElementType()), source);
}

LogicalResult BroadcastOp::verify() {
  RankedTensorType source = tensorOf(getSource()), result = getType();
  if (failed(checkSourceAndResult(*this, source, result)))
    return failure();
  if (source.getRank() != result.getRank()) // broadcast_c1
    return emitOpError() << "source must have the result's rank " << result.getRank() << ", got " << source;
  for (auto [i, from, to] : llvm::enumerate(source.getShape(), result.getShape()))
    if (from != 1 && from != to) // broadcast_c2
      return emitOpError() << "dim " << i << " of source must be 1 or " << to << ", got " << from;
  return success();
}

OpFoldResult BroadcastOp::fold(FoldAdaptor adaptor) {
  if (getSource().getType() == getType())
    return getSource();
  if (auto inner = getSource().getDefiningOp<BroadcastOp>()) {
    getSourceMutable().assign(inner.getSource());
    return getResult();
  }
  return foldSplatConstant(adaptor.getSource(), getType());
}
void BroadcastOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *) {
  patterns.add(takeSplat<BroadcastOp>);
}

// ---- reshape -------------------------------------------------------------------------------------------------------

void ReshapeOp::build(OpBuilder &builder, OperationState &state, Value source, ArrayRef<int64_t> shape,
                      bool allowReorder) {
  build(builder, state, RankedTensorType::get(shape, tensorOf(source).getElementType()), source, allowReorder);
}

LogicalResult ReshapeOp::verify() {
  RankedTensorType source = tensorOf(getSource());
  if (failed(checkSourceAndResult(*this, source, getType())))
    return failure();
  if (source.getNumElements() != getType().getNumElements()) // reshape_c1
    return emitOpError() << "result must hold as many elements as source, " << source.getNumElements() << ", got "
                         << getType().getNumElements();
  return success();
}

OpFoldResult ReshapeOp::fold(FoldAdaptor adaptor) {
  if (getSource().getType() == getType())
    return getSource();
  auto inner = getSource().getDefiningOp<ReshapeOp>();
  if (inner && inner.getAllowReorder() == getAllowReorder()) {
    getSourceMutable().assign(inner.getSource());
    return getResult();
  }
  return foldSplatConstant(adaptor.getSource(), getType());
}
void ReshapeOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *) {
  patterns.add(takeSplat<ReshapeOp>);
}

// ---- transpose -----------------------------------------------------------------------------------------------------

static SmallVector<int64_t> permuted(ArrayRef<int64_t> shape, ArrayRef<int64_t> order) {
  return llvm::to_vector(llvm::map_range(order, [&](int64_t d) { return shape[d]; }));
}

void TransposeOp::build(OpBuilder &builder, OperationState &state, Value source, ArrayRef<int64_t> order) {
  RankedTensorType type = tensorOf(source);
  build(builder, state, RankedTensorType::get(permuted(type.getShape(), order), type.getElementType()), source, order);
}

LogicalResult TransposeOp::verify() {
  RankedTensorType source = tensorOf(getSource());
  if (failed(checkSourceAndResult(*this, source, getType())))
    return failure();
  SmallVector<int64_t> sorted(getOrder());
  llvm::sort(sorted);
  if (sorted != llvm::to_vector(llvm::seq<int64_t>(0, source.getRank()))) // transpose_c1
    return emitOpError() << "order must be a permutation of the dims of source, got [" << getOrder() << "] for "
                         << source;
  return checkShape(*this, "result", getType(), permuted(source.getShape(), getOrder())); // transpose_c2
}

OpFoldResult TransposeOp::fold(FoldAdaptor adaptor) {
  if (llvm::is_sorted(getOrder()) && getSource().getType() == getType())
    return getSource();
  if (auto inner = getSource().getDefiningOp<TransposeOp>()) {
    SmallVector<int64_t> order = permuted(inner.getOrder(), getOrder());
    getSourceMutable().assign(inner.getSource());
    setOrder(order);
    return getResult();
  }
  return foldSplatConstant(adaptor.getSource(), getType());
}
void TransposeOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *) {
  patterns.add(takeSplat<TransposeOp>);
}

// ---- join, split, cat, extract_scalar ------------------------------------------------------------------------------

static SmallVector<int64_t> withPairDim(ArrayRef<int64_t> shape) {
  SmallVector<int64_t> result(shape);
  result.push_back(2);
  return result;
}

void JoinOp::build(OpBuilder &builder, OperationState &state, Value lhs, Value rhs) {
  Type type = lhs.getType();
  build(builder, state, RankedTensorType::get(withPairDim(shapeOf(type)), elementTypeOf(type)), lhs, rhs);
}

LogicalResult JoinOp::verify() {
  Type type = getLhs().getType();
  if (failed(checkTile(*this, "lhs", type)) || failed(checkTile(*this, "result", getType())) ||
      failed(checkSameType(*this, "rhs", getRhs().getType(), "lhs", type)) || // join_c1
      failed(checkElement(*this, "result", getType(), "lhs", elementTypeOf(type))))
    return failure();
  return checkShape(*this, "result", getType(), withPairDim(shapeOf(type))); // join_c2
}

void SplitOp::build(OpBuilder &builder, OperationState &state, Value source) {
  RankedTensorType type = tensorOf(source);
  Type half = type.getElementType();
  if (type.getRank() > 1)
    half = RankedTensorType::get(type.getShape().drop_back(), half);
  build(builder, state, half, half, source);
}

LogicalResult SplitOp::verify() {
  RankedTensorType type = tensorOf(getSource());
  if (failed(checkTile(*this, "source", type)))
    return failure();
  if (type.getShape().back() != 2) // split_c1
    return emitOpError() << "the last dim of source must be 2, got " << type;
  if (failed(checkElement(*this, "lhs", getLhs().getType(), "source", type.getElementType())) ||
      failed(checkSameType(*this, "rhs", getRhs().getType(), "lhs", getLhs().getType())))
    return failure();
  return checkShape(*this, "lhs", getLhs().getType(), type.getShape().drop_back()); // split_c2
}

LogicalResult SplitOp::fold(FoldAdaptor, SmallVectorImpl<OpFoldResult> &results) {
  auto join = getSource().getDefiningOp<JoinOp>();
  if (!join || join.getLhs().getType() != getLhs().getType())
    return failure();
  results.assign({join.getLhs(), join.getRhs()});
  return success();
}

void CatOp::build(OpBuilder &builder, OperationState &state, Value lhs, Value rhs) {
  RankedTensorType type = tensorOf(lhs);
  build(builder, state, RankedTensorType::get({2 * type.getDimSize(0)}, type.getElementType()), lhs, rhs);
}

LogicalResult CatOp::verify() {
  RankedTensorType type = tensorOf(getLhs());
  if (failed(checkTile(*this, "lhs", type)) || failed(checkTile(*this, "result", getType())) ||
      failed(checkSameType(*this, "rhs", getRhs().getType(), "lhs", type)))
    return failure();
  if (type.getRank() != 1) // cat_c1
    return emitOpError() << "lhs must have rank 1, got " << type;
  if (failed(checkElement(*this, "result", getType(), "lhs", type.getElementType())))
    return failure();
  return checkShape(*this, "result", getType(), {2 * type.getDimSize(0)}); // cat_c2
}

void ExtractScalarOp::build(OpBuilder &builder, OperationState &state, Value source) {
  build(builder, state, tensorOf(source).getElementType(), source);
}

LogicalResult ExtractScalarOp::verify() {
  RankedTensorType type = tensorOf(getSource());
  if (failed(checkTile(*this, "source", type)))
    return failure();
  if (type.getNumElements() != 1) // extract_scalar_c1
    return emitOpError() << "source must hold one element, got " << type;
  return checkSameType(*this, "result", getType(), "the elements of source",
                       type.getElementType()); // extract_scalar_c2
}

OpFoldResult ExtractScalarOp::fold(FoldAdaptor adaptor) {
  if (auto splat = getSource().getDefiningOp<SplatOp>())
    return splat.getSource();
  auto constant = dyn_cast_or_null<SplatElementsAttr>(adaptor.getSource());
  return constant ? OpFoldResult(constant.getSplatValue<Attribute>()) : OpFoldResult();
}

} // namespace tessera::tile
