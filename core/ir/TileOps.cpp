// TileOps.cpp - rules of reductions, scans, sorts, gathers, histograms (products: DotOps.cpp)
//
// SPDX-License-Identifier: Apache-2.0
#include "core/ir/Checks.h"

#define GET_OP_CLASSES
#include "core/ir/TileOps.cpp.inc"

using namespace mlir;

namespace tessera::tile {

// ---- ops with a region over scalars ---------------------------------------------------------------------------------

static SmallVector<Type> elementsOf(TypeRange tensors) {
  return llvm::to_vector(llvm::map_range(tensors, elementTypeOf));
}

static Block *createScalarBody(Operation *op, ArrayRef<Type> types) {
  auto *block = new Block();
  op->getRegion(0).push_back(block);
  for (Type type : types)
    block->addArgument(type, op->getLoc());
  return block;
}

static SmallVector<Type> combinerTypes(ValueRange sources) {
  SmallVector<Type> types = elementsOf(sources.getTypes());
  types.append(SmallVector<Type>(types));
  return types;
}

Block *ReduceOp::createBody() { return createScalarBody(*this, combinerTypes(getSources())); }
Block *ScanOp::createBody() { return createScalarBody(*this, combinerTypes(getSources())); }

static LogicalResult checkSources(Operation *op, ValueRange sources) {
  if (sources.empty())
    return op->emitOpError() << "sources must hold at least one tensor";
  for (Value source : sources) {
    if (failed(checkTile(op, "source", source.getType())))
      return failure();
    if (shapeOf(source.getType()) != shapeOf(sources[0].getType()))
      return op->emitOpError() << "sources must have one shape, got " << sources[0].getType() << " and "
                               << source.getType();
  }
  return success();
}

// The last two constraints of reduce, scan and map_elementwise.
static LogicalResult checkBody(Operation *op, ArrayRef<Type> arguments, ArrayRef<Type> yields) {
  Block &body = op->getRegion(0).front();
  if (body.getArgumentTypes() != TypeRange(arguments))
    return op->emitOpError() << "the region must take (" << TypeRange(arguments) << "), got ("
                             << body.getArgumentTypes() << ")";
  auto yield = body.empty() ? YieldOp() : dyn_cast<YieldOp>(body.back());
  if (!yield)
    return op->emitOpError() << "the region must end in tile.yield";
  if (yield->getOperandTypes() != TypeRange(yields))
    return op->emitOpError() << "the region must yield (" << TypeRange(yields) << "), got (" << yield->getOperandTypes()
                             << ")";
  return success();
}

static SmallVector<Type> typesWithoutAxis(ValueRange sources, int32_t axis) {
  SmallVector<Type> types;
  for (Value source : sources) {
    auto type = cast<RankedTensorType>(source.getType());
    SmallVector<int64_t> shape(type.getShape());
    shape.erase(shape.begin() + axis);
    types.push_back(shape.empty() ? type.getElementType() : RankedTensorType::get(shape, type.getElementType()));
  }
  return types;
}

static LogicalResult checkWithoutAxis(Operation *op, ValueRange sources, int32_t axis, ValueRange results) {
  SmallVector<int64_t> shape(shapeOf(sources[0].getType()));
  shape.erase(shape.begin() + axis);
  for (auto [source, result] : llvm::zip_equal(sources, results))
    if (failed(checkShape(op, "result", result.getType(), shape)) ||
        failed(checkElement(op, "result", result.getType(), "source", elementTypeOf(source.getType()))))
      return failure();
  return success();
}

void ReduceOp::build(OpBuilder &builder, OperationState &state, ValueRange sources, int32_t axis) {
  build(builder, state, typesWithoutAxis(sources, axis), sources, axis);
}

LogicalResult ReduceOp::verify() {
  if (failed(checkSources(*this, getSources()))) // reduce_c1, reduce_c2
    return failure();
  ArrayRef<int64_t> shape = shapeOf(getSources()[0].getType());
  if (failed(checkAxis(*this, getAxis(), shape.size(), "sources"))) // reduce_c3
    return failure();
  if (failed(checkWithoutAxis(*this, getSources(), getAxis(), getResults()))) // reduce_c4
    return failure();
  return checkBody(*this, combinerTypes(getSources()), elementsOf(getSources().getTypes())); // reduce_c5, reduce_c6
}

void ScanOp::build(OpBuilder &builder, OperationState &state, ValueRange sources, int32_t axis, bool reverse) {
  build(builder, state, sources.getTypes(), sources, axis, reverse);
}

LogicalResult ScanOp::verify() {
  if (failed(checkSources(*this, getSources()))) // scan_c1, scan_c2
    return failure();
  int64_t rank = shapeOf(getSources()[0].getType()).size();
  if (failed(checkAxis(*this, getAxis(), rank, "sources"))) // scan_c3
    return failure();
  size_t n = getSources().size();
  if (getNumResults() != n && getNumResults() != 2 * n) // scan_c4
    return emitOpError() << "must have " << n << " results for its sources, or " << 2 * n << " with totals, got "
                         << getNumResults();
  for (auto [source, result] : llvm::zip(getSources(), getResults()))
    if (failed(checkSameType(*this, "result", result.getType(), "source", source.getType())))
      return failure();
  if (getNumResults() > n && failed(checkWithoutAxis(*this, getSources(), getAxis(), getResults().drop_front(n))))
    return failure();
  return checkBody(*this, combinerTypes(getSources()), elementsOf(getSources().getTypes())); // scan_c5, scan_c6
}

static SmallVector<Type> repeatEach(ArrayRef<Type> types, int32_t times) {
  SmallVector<Type> repeated;
  for (Type type : types)
    repeated.append(times, type);
  return repeated;
}

Block *MapElementwiseOp::createBody() {
  return createScalarBody(*this, repeatEach(elementsOf(getSources().getTypes()), getPack()));
}

LogicalResult MapElementwiseOp::verify() {
  if (failed(checkSources(*this, getSources()))) // map_elementwise_c1, map_elementwise_c2
    return failure();
  auto first = cast<RankedTensorType>(getSources()[0].getType());
  if (getPack() < 1 || first.getNumElements() % getPack() != 0) // map_elementwise_c3
    return emitOpError() << "pack must divide the number of elements, " << first.getNumElements() << ", got "
                         << getPack();
  for (Value result : getResults())
    if (failed(checkTile(*this, "result", result.getType())) ||
        failed(checkSameShape(*this, "result", result.getType(), "sources", first))) // map_elementwise_c4
      return failure();
  return checkBody(*this,
                   repeatEach(elementsOf(getSources().getTypes()), getPack()), // map_elementwise_c5, map_elementwise_c6
                   repeatEach(elementsOf(getResultTypes()), getPack()));
}

// ---- sort, gather, histogram ---------------------------------------------------------------------------------------

LogicalResult SortOp::verify() {
  RankedTensorType type = getSource().getType();
  if (failed(checkTile(*this, "source", type)) ||
      failed(checkAxis(*this, getAxis(), type.getRank(), "source"))) // sort_c1
    return failure();
  if (isTilePointer(type))
    return emitOpError() << "source must hold integers or floats, got " << type;
  return checkSameType(*this, "result", getType(), "source", type); // sort_c2
}

void GatherOp::build(OpBuilder &builder, OperationState &state, Value source, Value index, int32_t axis) {
  Type element = elementTypeOf(source.getType());
  build(builder, state, RankedTensorType::get(shapeOf(index.getType()), element), source, index, axis);
}

LogicalResult GatherOp::verify() {
  RankedTensorType source = getSource().getType(), index = getIndex().getType();
  if (failed(checkTile(*this, "source", source)) || failed(checkTile(*this, "index", index)))
    return failure();
  if (!isTileInteger(index.getElementType())) // gather_c1
    return emitOpError() << "index must hold integers, got " << index;
  if (source.getRank() != index.getRank()) // gather_c2
    return emitOpError() << "index must have the rank of source, " << source.getRank() << ", got " << index;
  if (failed(checkAxis(*this, getAxis(), source.getRank(), "source"))) // gather_c3
    return failure();
  for (int64_t dim = 0; dim < source.getRank(); ++dim)
    if (dim != getAxis() && source.getDimSize(dim) != index.getDimSize(dim))
      return emitOpError() << "dim " << dim << " of index must be that of source, " << source.getDimSize(dim)
                           << ", got " << index.getDimSize(dim);
  if (failed(checkElement(*this, "result", getType(), "source", source.getElementType())))
    return failure();
  return checkShape(*this, "result", getType(), index.getShape()); // gather_c4
}

void HistogramOp::build(OpBuilder &builder, OperationState &state, Value source, int64_t bins, Value mask) {
  build(builder, state, RankedTensorType::get({bins}, builder.getI32Type()), source, mask);
}

LogicalResult HistogramOp::verify() {
  RankedTensorType source = getSource().getType();
  if (failed(checkTile(*this, "source", source)) || failed(checkTile(*this, "result", getType())))
    return failure();
  if (!isTileInteger(source.getElementType()) || source.getRank() != 1) // histogram_c1
    return emitOpError() << "source must hold integers and have rank 1, got " << source;
  if (getMask() && failed(checkMask(*this, "mask", getMask().getType(), "source", source))) // histogram_c2
    return failure();
  if (!getType().getElementType().isInteger(32) || getType().getRank() != 1) // histogram_c3
    return emitOpError() << "result must hold i32 and have rank 1, got " << getType();
  return success();
}

} // namespace tessera::tile
