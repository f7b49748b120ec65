// BuiltinsMemory.cpp - load, store, block pointers
//
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/sema/Visitor.h"

#include "core/ir/Tile.h"

namespace tessera::py {

namespace {

constexpr const char *kMakeBlock = "give each element its place: pointer + tl.arange(…)";

using K = ScalarKind;

tile::Cache cacheModifier(Visitor &v, const Value &x, bool isStore) {
  if (x.isNoneOrAbsent())
    return tile::Cache::None;
  std::string s = v.needString(x, "cache_modifier");
  if (s.empty())
    return tile::Cache::None;
  if (s == ".cg")
    return tile::Cache::CG;
  if (!isStore && s == ".ca")
    return tile::Cache::CA;
  if (!isStore && s == ".cv")
    return tile::Cache::CV;
  if (isStore && s == ".wb")
    return tile::Cache::WB;
  if (isStore && s == ".cs")
    return tile::Cache::CS;
  if (isStore && s == ".wt")
    return tile::Cache::WT;
  v.failArgument("Cache modifier " + s + " not supported",
                 isStore ? "stores take .wb, .cg, .cs, .wt" : "loads take .ca, .cg, .cv");
}
tile::Evict eviction(Visitor &v, const Value &x) {
  if (x.isNoneOrAbsent())
    return tile::Evict::Normal;
  std::string s = v.needString(x, "eviction_policy");
  if (s.empty() || s == "evict_normal")
    return tile::Evict::Normal;
  if (s == "evict_last")
    return tile::Evict::Last;
  if (s == "evict_first")
    return tile::Evict::First;
  v.failArgument("Eviction policy " + s + " not supported", "evict_first and evict_last are known");
}

llvm::SmallVector<int64_t, 4> boundaryDims(Visitor &v, const Value &x, size_t rank) {
  llvm::SmallVector<int64_t, 4> dims;
  if (x.isNoneOrAbsent())
    return dims;
  for (int64_t d : v.needInts(x, "boundary_check")) {
    if (d < 0 || d >= static_cast<int64_t>(rank))
      v.fail(DiagId::BadArgument,
             "boundary_check names dim " + std::to_string(d) + " of a block of rank " + std::to_string(rank), {},
             "AssertionError");
    if (llvm::is_contained(dims, d))
      v.fail(DiagId::BadArgument, "Duplicate dimension in `boundary_check`", {}, "AssertionError");
    dims.push_back(d);
  }
  llvm::sort(dims);
  return dims;
}

Value loadBlock(Visitor &v, Args &a) {
  if (!a[1].isNoneOrAbsent() || !a[2].isNoneOrAbsent())
    v.failArgument("`mask` and `other` arguments cannot be specified for loading block pointers",
                   "use boundary_check and padding_option");
  const Value &p = a[0];
  auto dims = boundaryDims(v, a[3], p.type.rank());
  tile::Padding padding = tile::Padding::None;
  if (!a[4].isNoneOrAbsent()) {
    std::string s = v.needString(a[4], "padding_option");
    if (s == "zero")
      padding = tile::Padding::Zero;
    else if (s == "nan")
      padding = tile::Padding::NaN;
    else if (!s.empty())
      v.failArgument("Padding option " + s + " not supported", "zero and nan are known");
    if (padding == tile::Padding::NaN && p.type.elem.isInt())
      v.failArgument("Padding option `nan` is not supported for integer block pointers");
  }
  mlir::Value r = tile::LoadBlockOp::create(v.b, v.loc, p.ir, dims, padding, cacheModifier(v, a[5], false),
                                            eviction(v, a[6]), a.has(7) && v.truth(a[7], "volatile"));
  return Emitter::tensor(r, p.type);
}

// Whether `boundary_check` asks anything of an access through pointers, which cannot give it. Triton asks whether the
// argument is true, so that `(0)`, a number for want of a comma, asks nothing there.
bool asksBoundary(Visitor &v, const Value &x) {
  if (x.isNoneOrAbsent())
    return false;
  auto dims = v.needInts(x, "boundary_check");
  return x.isNumber() ? dims.front() != 0 : !dims.empty();
}

// int1 lives in memory as a byte, which the op itself knows; nothing to convert here.
Value load(Visitor &v, Args &a) {
  if (a[0].kind == ValueKind::BlockPtr)
    return loadBlock(v, a);
  if (!a[0].isTensor() || !a[0].type.elem.isPtr())
    v.failValue("Unsupported ptr type " + v.describeType(a[0]) + " in `tl.load`",
                "the first argument must be a pointer or a block of pointers");
  Value ptr = a[0], mask = a[1], other = a[2];
  if (mask.isNoneOrAbsent() && !other.isNoneOrAbsent())
    v.failArgument("`other` cannot be provided without `mask`");
  if (asksBoundary(v, a[3]) || (!a[4].isNoneOrAbsent() && !v.needString(a[4], "padding_option").empty()))
    v.failArgument(
        "`padding_option` or `boundary_check` argument is not supported for loading a tensor of pointers or loading a "
        "scalar. Because the compiler does not know the boundary; please use block pointers (defined by "
        "`make_block_ptr`) instead");
  DType elem = ptr.type.elem.pointee();
  if (!mask.isNoneOrAbsent()) {
    mask = v.toTensor(mask);
    if (!ptr.isBlock() && mask.isBlock())
      v.failValue("Mask argument cannot be block type if pointer argument is not a block", kMakeBlock);
    if (!mask.type.elem.isBool())
      v.failValue("Mask must have boolean scalar type, not " + mask.type.elem.str(), "compare: mask = x != 0");
    std::tie(ptr, mask) = v.broadcast(ptr, mask);
    if (!other.isNoneOrAbsent()) {
      other = other.isNumber() ? v.number(other, elem) : v.cast(v.toTensor(other), elem);
      if (!ptr.isBlock() && other.isBlock())
        v.failValue("Other argument cannot be block type if pointer argument is not a block", kMakeBlock);
      std::tie(ptr, other) = v.broadcast(ptr, other);
      std::tie(ptr, mask) = v.broadcast(ptr, mask);
    }
  }
  bool isVolatile = a.has(7) && v.truth(a[7], "volatile");
  mlir::Value r = tile::LoadOp::create(v.b, v.loc, ptr.ir, mask.isTensor() ? mask.ir : mlir::Value(),
                                       other.isTensor() ? other.ir : mlir::Value(), cacheModifier(v, a[5], false),
                                       eviction(v, a[6]), isVolatile);
  return Emitter::tensor(r, ptr.type.with(elem));
}

Value storeBlock(Visitor &v, Args &a) {
  if (!a[2].isNoneOrAbsent())
    v.failArgument("`mask` and `other` arguments cannot be specified for loading block pointers", "use boundary_check");
  const Value &p = a[0];
  auto dims = boundaryDims(v, a[3], p.type.rank());
  Value value = a[1].isNumber() ? v.number(a[1], p.type.elem) : v.toTensor(a[1]);
  if (value.isBlock() && value.type.shape != p.type.shape)
    v.fail(DiagId::ShapeMismatch,
           "Block shape " + shapeText(p.type.shape) + " and value shape " + shapeText(value.type.shape) + " mismatch");
  value = v.cast(v.broadcastTo(value, p.type.shape), p.type.elem);
  tile::StoreBlockOp::create(v.b, v.loc, p.ir, value.ir, dims, cacheModifier(v, a[4], true), eviction(v, a[5]));
  return Emitter::none();
}

Value store(Visitor &v, Args &a) {
  if (a[0].kind == ValueKind::BlockPtr)
    return storeBlock(v, a);
  Value ptr = a[0];
  if (!ptr.isTensor() || !ptr.type.elem.isPtr())
    v.failValue("Unsupported ptr type " + v.describeType(ptr) + " in `tl.store`",
                "the first argument must be a pointer or a block of pointers");
  if (ptr.type.elem.constPointer)
    v.failValue("Cannot store to a constant pointer");
  if (asksBoundary(v, a[3]))
    v.failArgument(
        "`boundary_check` argument is not supported for storing a tensor of pointers or storing a scalar. Because the "
        "compiler does not know the boundary; please use block pointers (defined by `make_block_ptr`) instead");
  DType elem = ptr.type.elem.pointee();
  // As Triton's: what is no bool is stored through a pointer to bools as an int8, 0.25 as 0 and 2 as 2.
  if (elem.isBool() && !(a[1].isNumber() ? a[1].host.isBool() : v.toTensor(a[1]).type.elem.isBool())) {
    elem = dtype(K::Int8);
    ptr = v.cast(ptr, elem.pointerTo(false));
  }
  Value value = a[1].isNumber() ? v.number(a[1], elem) : v.toTensor(a[1]);
  Value mask = a[2];
  if (!mask.isNoneOrAbsent())
    mask = v.toTensor(mask);
  if (!ptr.isBlock()) {
    if (value.isBlock())
      v.failValue("Value argument cannot be block type if pointer argument is not a block", kMakeBlock);
    if (mask.isTensor() && mask.isBlock())
      v.failValue("Mask argument cannot be block type if pointer argument is not a block", kMakeBlock);
  }
  auto fit = [&](const Value &x) {
    auto [p, q] = v.broadcast(ptr, x);
    if (p.type.shape != ptr.type.shape)
      v.fail(DiagId::ShapeMismatch, "Expected pointer argument to have shape " + shapeText(p.type.shape) + " but got " +
                                        shapeText(ptr.type.shape));
    return q;
  };
  value = v.cast(fit(value), elem);
  if (mask.isTensor()) {
    if (!mask.type.elem.isBool())
      v.failValue("Mask must have boolean scalar type, not " + mask.type.elem.str(), "compare: mask = x != 0");
    mask = fit(mask);
  }
  tile::StoreOp::create(v.b, v.loc, ptr.ir, value.ir, mask.isTensor() ? mask.ir : mlir::Value(),
                        cacheModifier(v, a[4], true), eviction(v, a[5]));
  return Emitter::none();
}

// Runtime integers for extents, strides and offsets.
llvm::SmallVector<mlir::Value> integers(Visitor &v, const Value &list, K kind, const char *what) {
  llvm::SmallVector<mlir::Value> r;
  for (const Value &i : v.items(list)) {
    Value t = i.isNumber() ? v.number(i, dtype(kind)) : v.toTensor(i);
    if (t.isBlock() || !t.type.elem.isInt())
      v.failType(std::string("Expected ") + what + " to be scalar integers, got " + t.type.str());
    if (kind == K::Int32 && t.type.elem.bits() == 64)
      v.fail(DiagId::WrongType,
             std::string("Block pointers only support 32 bit `") + what +
                 "`, add a `.to(tl.int32)` or use regular pointers",
             {}, "AssertionError");
    r.push_back(v.cast(t, dtype(kind)).ir);
  }
  return r;
}

Value makeBlockPtr(Visitor &v, Args &a) {
  Value base = v.toTensor(a[0]);
  if (!base.type.elem.isPtr() || base.isBlock())
    v.failValue("Expected `base` to be a pointer type (but not a block pointer type or others)");
  // A block of int1 in memory is one of the bytes that they are.
  if (base.type.elem.pointee().isBool())
    base = v.cast(base, dtype(K::Int8).pointerTo(base.type.elem.constPointer));
  auto shape = integers(v, a[1], K::Int64, "shape"), strides = integers(v, a[2], K::Int64, "strides");
  auto offsets = integers(v, a[3], K::Int32, "offsets");
  auto block = v.needShape(a[4]);
  llvm::SmallVector<int64_t, 4> order = v.needInts(a[5], "order");
  if (shape.size() != block.size() || strides.size() != block.size() || offsets.size() != block.size() ||
      order.size() != block.size())
    v.fail(DiagId::ShapeMismatch, "Expected shape/strides/offsets/block_shape to have the same length", {},
           "AssertionError");
  llvm::SmallVector<int64_t, 4> sorted(order);
  llvm::sort(sorted);
  for (size_t i = 0; i < sorted.size(); ++i)
    if (sorted[i] != static_cast<int64_t>(i))
      v.fail(DiagId::BadArgument, "Expected `order` to be a permutation of (0, 1, ..., len(order)-1)", {},
             "AssertionError");
  DType elem = base.type.elem.pointee();
  Value r;
  r.kind = ValueKind::BlockPtr;
  r.type = blockType(elem, block);
  r.ir = tile::MakeBlockPtrOp::create(v.b, v.loc, base.ir, shape, strides, offsets, block, order);
  return r;
}

Value advance(Visitor &v, Args &a) {
  if (a[0].kind != ValueKind::BlockPtr)
    v.failType("advance takes a block pointer (from make_block_ptr), not " + v.describeType(a[0]));
  auto offsets = integers(v, a[1], K::Int32, "offsets");
  if (offsets.size() != a[0].type.rank())
    v.fail(DiagId::ShapeMismatch, "Expected " + std::to_string(a[0].type.rank()) +
                                      " offsets, one a dim of the block, got " + std::to_string(offsets.size()));
  Value r = a[0];
  r.ir = tile::AdvanceOp::create(v.b, v.loc, a[0].ir, offsets);
  return r;
}

const BuiltinDef kRows[] = {
    {"load", "pointer mask? other? boundary_check? padding_option? cache_modifier? eviction_policy? volatile?", load},
    {"store", "pointer value mask? boundary_check? cache_modifier? eviction_policy?", store},
    {"make_block_ptr", "base shape strides offsets block_shape order", makeBlockPtr},
    {"advance", "base offsets", advance, kMustUse},
};
} // namespace

BuiltinTable memoryBuiltins() { return {kRows, std::size(kRows)}; }

} // namespace tessera::py
