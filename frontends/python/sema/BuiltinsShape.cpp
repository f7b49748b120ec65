// BuiltinsShape.cpp - operations on shapes, as functions and methods
//
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/sema/Visitor.h"

#include "core/ir/Tile.h"

namespace tessera::py {

namespace {
// f(x, 1, 2) and f(x, (1, 2)) are one.
Value spread(const Args &a) { return a.rest.size() == 1 && !a.rest[0].isNumber() ? a.rest[0] : Emitter::tuple(a.rest); }

Value broadcast(Visitor &v, Args &a) {
  auto [x, y] = v.broadcast(v.toTensor(a[0]), v.toTensor(a[1]));
  return Emitter::tuple({x, y});
}
Value broadcastTo(Visitor &v, Args &a) { return v.broadcastTo(v.toTensor(a[0]), v.needShape(spread(a))); }

Value permute(Visitor &v, Args &a) {
  Value x = v.toTensor(a[0]);
  return v.permute(x, v.needInts(spread(a), "dims"));
}
Value trans(Visitor &v, Args &a) {
  Value x = v.toTensor(a[0]);
  if (!a.rest.empty())
    return v.permute(x, v.needInts(spread(a), "dims"));
  if (x.type.rank() < 2)
    v.fail(DiagId::ShapeMismatch,
           "tl.trans invoked with a " + std::to_string(x.type.rank()) + "D tensor: it needs at least 2 dimensions");
  llvm::SmallVector<int64_t, 4> order;
  for (size_t i = 0; i < x.type.rank(); ++i)
    order.push_back(static_cast<int64_t>(i));
  std::swap(order[order.size() - 1], order[order.size() - 2]);
  return v.permute(x, order);
}
Value reshape(Visitor &v, Args &a) {
  bool reorder = a.byParam.size() > 2 && a.has(2) && v.truth(a[2], "can_reorder");
  return v.reshape(v.toTensor(a[0]), v.needShape(spread(a)), reorder);
}
Value view(Visitor &v, Args &a) { return v.reshape(v.toTensor(a[0]), v.needShape(spread(a)), true); }
Value ravel(Visitor &v, Args &a) {
  Value x = v.toTensor(a[0]);
  return v.reshape(x, {x.type.numel()}, a.has(1) && v.truth(a[1], "can_reorder"));
}

Value expandDims(Visitor &v, Args &a) {
  Value x = v.toTensor(a[0]);
  auto axes = v.needInts(a[1], "axis");
  int64_t rank = static_cast<int64_t>(x.type.rank() + axes.size());
  for (int64_t &d : axes) {
    if (d < -rank || d >= rank)
      v.failArgument("invalid axis " + std::to_string(d) + " for expand_dims of " + x.type.str());
    d = d < 0 ? d + rank : d;
  }
  llvm::sort(axes);
  for (size_t i = 1; i < axes.size(); ++i)
    if (axes[i] == axes[i - 1])
      v.failArgument("expand_dims received duplicate axes, normalized axes = " + shapeText(axes));
  for (int64_t d : axes)
    x = v.expandDims(x, d);
  return x;
}

Value cat(Visitor &v, Args &a) {
  if (!a.has(2) || !v.truth(a[2], "can_reorder"))
    v.fail(DiagId::BadArgument, "current implementation of `cat` always may reorder elements",
           "write tl.cat(a, b, can_reorder=True)", "AssertionError");
  auto [x, y] = std::pair(v.toTensor(a[0]), v.toTensor(a[1]));
  if (!x.isBlock() || x.type.rank() != 1 || !(x.type == y.type))
    v.fail(DiagId::ShapeMismatch,
           "cat takes two blocks of one type and rank 1, got " + x.type.str() + " and " + y.type.str(), {},
           "AssertionError");
  v.checkShape({2 * x.type.shape[0]});
  mlir::Value r = tile::CatOp::create(v.b, v.loc, x.ir, y.ir);
  return Emitter::tensor(r, blockType(x.type.elem, {2 * x.type.shape[0]}));
}
Value join(Visitor &v, Args &a) { return v.join(v.toTensor(a[0]), v.toTensor(a[1])); }
Value split(Visitor &v, Args &a) {
  auto [x, y] = v.split(v.toTensor(a[0]));
  return Emitter::tuple({x, y});
}
Value interleave(Visitor &v, Args &a) {
  Value c = v.join(v.toTensor(a[0]), v.toTensor(a[1]));
  if (c.type.rank() == 1)
    return c;
  llvm::SmallVector<int64_t, 4> shape(c.type.shape.begin(), c.type.shape.end());
  shape.pop_back();
  shape.back() *= 2;
  return v.reshape(c, shape);
}
Value item(Visitor &v, Args &a) {
  Value x = v.toTensor(a[0]);
  if (x.type.numel() != 1)
    v.fail(DiagId::ShapeMismatch, "item() needs a tensor of one element, got " + x.type.str());
  return v.extractScalar(x);
}
Value gather(Visitor &v, Args &a) { return v.gather(v.toTensor(a[0]), v.toTensor(a[1]), v.needInt(a[2], "axis")); }

// An index tile of the shape: `index` (rank 1, of the axis' extent) along axis, the same elsewhere.
Value indexAlong(Visitor &v, Value index, llvm::ArrayRef<int64_t> shape, int64_t axis) {
  for (int64_t i = 0; i < static_cast<int64_t>(shape.size()); ++i)
    if (i != axis)
      index = v.expandDims(index, i);
  return v.broadcastTo(index, shape);
}

Value flip(Visitor &v, Args &a) {
  Value x = v.toTensor(a[0]);
  int64_t axis = a[1].isNoneOrAbsent() ? -1 : v.needInt(a[1], "dim");
  if (!x.isBlock())
    v.failArgument("flip needs a block, got " + x.type.str());
  axis = v.checkAxis(axis, x.type.rank(), "dim");
  int64_t n = x.type.shape[axis];
  Value index = v.binary(BinOpKind::Sub, Emitter::constInt(n - 1), v.arange(0, n));
  return v.gather(x, indexAlong(v, index, x.type.shape, axis), axis);
}

Value sort(Visitor &v, Args &a) {
  Value x = v.toTensor(a[0]);
  int64_t axis = a[1].isNoneOrAbsent() ? -1 : v.needInt(a[1], "dim");
  axis = v.checkAxis(axis, x.type.rank(), "dim");
  if (axis + 1 != static_cast<int64_t>(x.type.rank()))
    v.fail(DiagId::BadArgument, "only minor dimension is currently supported", {}, "CompileTimeAssertionFailure");
  return v.sort(x, axis, a.has(2) && v.truth(a[2], "descending"));
}
Value topk(Visitor &v, Args &a) {
  Value x = v.toTensor(a[0]);
  int64_t k = v.needInt(a[1], "k"), axis = a[2].isNoneOrAbsent() ? -1 : v.needInt(a[2], "dim");
  axis = v.checkAxis(axis, x.type.rank(), "dim");
  if (axis + 1 != static_cast<int64_t>(x.type.rank()))
    v.fail(DiagId::BadArgument, "only minor dimension is currently supported", {}, "CompileTimeAssertionFailure");
  if (k < 1)
    v.failArgument("topk's k must be at least 1 (got " + std::to_string(k) + ")");
  k = static_cast<int64_t>(llvm::bit_floor(static_cast<uint64_t>(k))); // as Triton's, which takes the logarithm of k
  if (k > x.type.shape[axis])
    v.failArgument("topk's k (" + std::to_string(k) + ") is larger than the dimension (" +
                   std::to_string(x.type.shape[axis]) + ")");
  Value sorted = v.sort(x, axis, true);
  llvm::SmallVector<int64_t, 4> shape(x.type.shape.begin(), x.type.shape.end());
  shape[axis] = k;
  if (k == x.type.shape[axis])
    return sorted;
  Value best = v.gather(sorted, indexAlong(v, v.arange(0, k), shape, axis), axis);
  // Triton selects by maxima, which widen what has less than 32 bits.
  DType t = best.elem();
  if (t.bits() >= 32)
    return best;
  return v.cast(best, dtype(t.isFloat() ? ScalarKind::FP32 : ScalarKind::Int32));
}

Value histogram(Visitor &v, Args &a) {
  Value x = v.toTensor(a[0]);
  int64_t bins = v.needInt(a[1], "num_bins");
  if (!x.isBlock() || x.type.rank() != 1)
    v.fail(DiagId::ShapeMismatch, "histogram only supports 1D input");
  if (!x.type.elem.isInt())
    v.failType("histogram only supports integer input");
  v.checkShape({bins});
  Value mask = a[2];
  if (!mask.isNoneOrAbsent()) {
    mask = v.broadcastTo(v.broadcast(x, v.toTensor(mask)).second, x.type.shape);
    if (!mask.type.elem.isBool())
      v.failValue("Mask must have boolean scalar type");
  }
  mlir::Value r = tile::HistogramOp::create(v.b, v.loc, x.ir, bins, mask.isTensor() ? mask.ir : mlir::Value());
  return Emitter::tensor(r, blockType(dtype(ScalarKind::Int32), {bins}));
}

const BuiltinDef kRows[] = {
    {"broadcast", "input other", broadcast},
    {"broadcast_to", "input *shape", broadcastTo, kMethod},
    {"permute", "input *dims", permute, kMethod},
    {"trans", "input *dims", trans, kMethod},
    {"reshape", "input *shape can_reorder?", reshape, kMethod},
    {"view", "input *shape", view, kMethod},
    {"ravel", "x can_reorder?", ravel, kMethod},
    {"expand_dims", "input axis", expandDims, kMethod},
    {"cat", "input other can_reorder?", cat},
    {"join", "a b", join},
    {"split", "a", split, kMethod},
    {"interleave", "a b", interleave},
    {"item", "x", item, kMethod},
    {"gather", "src index axis", gather, kMethod},
    {"flip", "x dim?", flip, kMethod},
    {"sort", "x dim? descending?", sort, kMethod},
    {"bitonic_merge", "x dim? descending?", sort, kMethod}, // of a bitonic sequence: the same result
    {"topk", "x k dim?", topk, kMethod},
    {"histogram", "input num_bins mask?", histogram, kMethod},
};
} // namespace

BuiltinTable shapeBuiltins() { return {kRows, std::size(kRows)}; }

} // namespace tessera::py
