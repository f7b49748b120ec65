// Shape.cpp - broadcasting, and the operations that move elements
//
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/sema/Emitter.h"

#include "core/ir/Tile.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

namespace tessera::py {

namespace arith = mlir::arith;

int64_t Emitter::checkAxis(int64_t axis, size_t rank, std::string_view what) {
  int64_t r = static_cast<int64_t>(rank);
  if (axis < -r || axis >= r)
    failArgument("invalid " + std::string(what) + " " + std::to_string(axis) + ". Expected " + std::to_string(-r) +
                 " <= " + std::string(what) + " < " + std::to_string(r));
  return axis < 0 ? axis + r : axis;
}

Value Emitter::splat(const Value &s, llvm::ArrayRef<int64_t> shape) {
  TensorType t = blockType(s.type.elem, shape);
  // A splat constant at once: less for the passes to clean up.
  if (auto c = s.ir.getDefiningOp<arith::ConstantOp>())
    return tensor(arith::ConstantOp::create(b, loc,
                                            mlir::DenseElementsAttr::get(llvm::cast<mlir::ShapedType>(irType(t)),
                                                                         mlir::Attribute(c.getValue()))),
                  t);
  return tensor(tile::SplatOp::create(b, loc, shape, s.ir), t);
}

std::pair<Value, Value> Emitter::broadcast(const Value &a, const Value &c) {
  if (!a.type.block && !c.type.block)
    return {a, c};
  if (!a.type.block)
    return {splat(a, c.type.shape), c};
  if (!c.type.block)
    return {a, splat(c, a.type.shape)};
  if (a.type.shape == c.type.shape)
    return {a, c};
  Value x = a, y = c;
  while (x.type.rank() < y.type.rank())
    x = expandDims(x, 0);
  while (y.type.rank() < x.type.rank())
    y = expandDims(y, 0);
  llvm::SmallVector<int64_t, 4> shape;
  for (size_t i = 0; i < x.type.rank(); ++i) {
    int64_t p = x.type.shape[i], q = y.type.shape[i];
    if (p != q && p != 1 && q != 1)
      fail(DiagId::ShapeMismatch, "Cannot make_shape_compatible: incompatible dimensions at index " +
                                      std::to_string(i) + ": " + std::to_string(p) + " and " + std::to_string(q) +
                                      " (shapes " + shapeText(a.type.shape) + " and " + shapeText(c.type.shape) + ")");
    shape.push_back(p == 1 ? q : p);
  }
  checkShape(shape);
  return {broadcastTo(x, shape), broadcastTo(y, shape)};
}

Value Emitter::broadcastTo(const Value &v, llvm::ArrayRef<int64_t> shape) {
  if (!v.type.block)
    return shape.empty() ? v : splat(v, shape);
  if (llvm::ArrayRef<int64_t>(v.type.shape) == shape)
    return v;
  if (v.type.rank() != shape.size())
    fail(DiagId::ShapeMismatch,
         "Cannot broadcast, rank mismatch: " + shapeText(v.type.shape) + ", " + shapeText(shape));
  for (size_t i = 0; i < shape.size(); ++i)
    if (v.type.shape[i] != shape[i] && v.type.shape[i] != 1)
      fail(DiagId::ShapeMismatch, "Cannot broadcast, the expanded size of the tensor (" + std::to_string(shape[i]) +
                                      ") must match the existing size (" + std::to_string(v.type.shape[i]) +
                                      ") at non-singleton dimension " + std::to_string(i) + ": " +
                                      shapeText(v.type.shape) + ", " + shapeText(shape));
  return tensor(tile::BroadcastOp::create(b, loc, v.ir, shape), blockType(v.type.elem, shape));
}

Value Emitter::expandDims(const Value &v, int64_t axis) {
  if (!v.type.block)
    return splat(v, {1});
  llvm::SmallVector<int64_t, 4> shape(v.type.shape.begin(), v.type.shape.end());
  shape.insert(shape.begin() + axis, 1);
  return tensor(tile::ExpandDimsOp::create(b, loc, v.ir, axis), blockType(v.type.elem, shape));
}

Value Emitter::extractScalar(const Value &v) {
  if (!v.type.block)
    return v;
  return tensor(tile::ExtractScalarOp::create(b, loc, v.ir), scalarType(v.type.elem));
}

Value Emitter::reshape(const Value &v, llvm::ArrayRef<int64_t> shape, bool reorder) {
  int64_t numel = 1;
  for (int64_t d : shape)
    numel *= d;
  if (v.type.numel() != numel)
    fail(DiagId::ShapeMismatch,
         "reshape() cannot change total number of elements in tensor: " + shapeText(v.type.shape) + " has " +
             std::to_string(v.type.numel()) + ", " + shapeText(shape) + " has " + std::to_string(numel));
  if (shape.empty())
    return extractScalar(v);
  if (!v.type.block)
    return splat(v, shape);
  if (llvm::ArrayRef<int64_t>(v.type.shape) == shape)
    return v;
  return tensor(tile::ReshapeOp::create(b, loc, v.ir, shape, reorder), blockType(v.type.elem, shape));
}

Value Emitter::permute(const Value &v, llvm::ArrayRef<int64_t> order) {
  if (order.size() != v.type.rank())
    failArgument("permute dims must have the same length as input shape");
  llvm::SmallVector<int64_t, 4> dims, shape;
  llvm::SmallVector<bool, 8> seen(order.size(), false);
  bool identity = true;
  for (size_t i = 0; i < order.size(); ++i) {
    int64_t d = checkAxis(order[i], v.type.rank(), "dim");
    if (seen[d])
      failArgument("permute dims must be a permutation of 0, 1, ..., n-1, but were " + shapeText(order));
    seen[d] = true;
    identity &= d == static_cast<int64_t>(i);
    dims.push_back(d);
    shape.push_back(v.type.shape[d]);
  }
  if (identity)
    return v;
  return tensor(tile::TransposeOp::create(b, loc, v.ir, dims), blockType(v.type.elem, shape));
}

Value Emitter::join(const Value &aIn, const Value &cIn) {
  auto [x, y] = broadcast(aIn, cIn);
  // Integers of one width are one type to the operation; the first says which of them the result is.
  if (x.type.elem.isInt() && y.type.elem.isInt() && x.type.elem.bits() == y.type.elem.bits())
    y = cast(y, x.type.elem);
  if (!(x.type.elem == y.type.elem))
    failType("join: operands must have one element type, got " + x.type.elem.str() + " and " + y.type.elem.str());
  llvm::SmallVector<int64_t, 4> shape(x.type.shape.begin(), x.type.shape.end());
  shape.push_back(2);
  checkShape(shape);
  return tensor(tile::JoinOp::create(b, loc, x.ir, y.ir), blockType(x.type.elem, shape));
}

std::pair<Value, Value> Emitter::split(const Value &v) {
  if (!v.type.block)
    failArgument("split: the operand must be a block");
  if (v.type.shape.back() != 2)
    fail(DiagId::ShapeMismatch, "split: the last dimension must have size 2, got " + shapeText(v.type.shape), {},
         "AssertionError");
  auto op = tile::SplitOp::create(b, loc, v.ir);
  llvm::ArrayRef<int64_t> rest = llvm::ArrayRef<int64_t>(v.type.shape).drop_back();
  TensorType t = rest.empty() ? scalarType(v.type.elem) : blockType(v.type.elem, rest);
  return {tensor(op->getResult(0), t), tensor(op->getResult(1), t)};
}

Value Emitter::arange(int64_t start, int64_t end) {
  auto fits = [](int64_t v) { return v >= INT32_MIN && v <= INT32_MAX; };
  if (!fits(start) || !fits(end))
    failArgument("arange must fit in int32");
  if (end <= start)
    failArgument("arange's end argument must be greater than the start argument",
                 "they are " + std::to_string(start) + " and " + std::to_string(end));
  int64_t n = end - start;
  if (n & (n - 1))
    fail(DiagId::ShapeNotPowerOfTwo, "arange's range must be a power of 2",
         "it has " + std::to_string(n) + " elements: round the block size up to a power of two and mask the rest");
  checkShape({n});
  return tensor(tile::ArangeOp::create(b, loc, start, end), blockType(py::dtype(ScalarKind::Int32), {n}));
}

Value Emitter::full(llvm::ArrayRef<int64_t> shape, bool block, const Value &v, DType t) {
  Value s = v.isNumber() ? number(v, t) : cast(toTensor(v), t);
  if (!block)
    return s;
  if (s.isBlock())
    failArgument("full: the value must be a scalar, got " + s.type.str());
  return splat(s, shape);
}

Value Emitter::gather(const Value &src, const Value &index, int64_t axis) {
  if (!index.type.elem.isInt())
    failType("gather: index must be an integer tensor, got " + index.type.str());
  if (!src.type.block || !index.type.block || src.type.rank() != index.type.rank())
    fail(DiagId::ShapeMismatch, "gather: source and index tensors must have the same rank", {}, "AssertionError");
  axis = checkAxis(axis, src.type.rank(), "gather axis");
  for (size_t i = 0; i < src.type.rank(); ++i)
    if (static_cast<int64_t>(i) != axis && src.type.shape[i] != index.type.shape[i])
      fail(DiagId::ShapeMismatch,
           "gather: index dim " + std::to_string(i) + " must match the corresponding source dim");
  return tensor(tile::GatherOp::create(b, loc, src.ir, index.ir, axis), blockType(src.type.elem, index.type.shape));
}

} // namespace tessera::py
