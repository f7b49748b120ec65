// BuiltinsDescriptor.cpp - tensor descriptors, on block pointers with every dim checked
//
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/sema/Visitor.h"

#include "core/ir/Tile.h"

namespace tessera::py {

namespace {
using K = ScalarKind;

Value makeDescriptor(Visitor &v, Args &a) {
  Value base = v.toTensor(a[0]);
  if (!base.type.elem.isPtr() || base.isBlock())
    v.failType("Expected `base` to be a pointer, got " + base.type.str());
  auto block = v.needShape(a[3]);
  size_t rank = block.size();
  std::vector<Value> shape = v.items(a[1]), strides = v.items(a[2]);
  if (rank < 1 || rank > 5)
    v.failArgument("Expected 1 <= ndim <= 5 but got " + std::to_string(rank) + " dimensions");
  if (shape.size() != rank || strides.size() != rank)
    v.fail(DiagId::ShapeMismatch, "Expected " + std::to_string(rank) + " extents and strides but got " +
                                      std::to_string(shape.size()) + " and " + std::to_string(strides.size()));
  DType elem = base.type.elem.pointee();
  Value last = strides.back();
  if (!last.isConst() || last.host.toI64() != 1)
    v.failArgument("Tensor descriptor last dim must be 1 but got " + v.describe(last));
  if (block.back() * elem.storageBits() / 8 < 16)
    v.failArgument("Descriptor block shape must have at least 16 bytes in the last dimension, but got " +
                   std::to_string(block.back()) + " * " + std::to_string(elem.storageBits() / 8) + " = " +
                   std::to_string(block.back() * elem.storageBits() / 8) + " bytes");
  Value d;
  d.kind = ValueKind::Descriptor;
  d.type = blockType(elem, block);
  auto data = std::make_shared<TupleData>();
  data->items.push_back(base);
  for (auto *list : {&shape, &strides})
    for (const Value &x : *list) {
      Value t = x.isNumber() ? v.number(x, dtype(K::Int64)) : v.toTensor(x);
      if (t.isBlock() || !t.type.elem.isInt())
        v.failType("extents and strides must be scalar integers, got " + t.type.str());
      data->items.push_back(list == &shape && !x.isNumber() ? v.cast(t, dtype(K::Int32)) : v.cast(t, dtype(K::Int64)));
    }
  std::string padding = a[4].isNoneOrAbsent() ? "zero" : v.needString(a[4], "padding_option");
  if (padding != "zero" && padding != "nan")
    v.failArgument("padding_option must be zero or nan, not " + padding);
  if (padding == "nan" && !elem.isFloat())
    v.failArgument("padding nan needs a float element type");
  data->items.push_back(Emitter::constStr(padding));
  d.parts = std::move(data);
  return d;
}

const Value &descriptor(Visitor &v, const Value &d) {
  if (d.kind != ValueKind::Descriptor)
    v.failType("Expected a tensor descriptor, got " + v.describeType(d));
  return d;
}

mlir::Value blockPointer(Visitor &v, const Value &d, const Value &offsetList) {
  size_t rank = d.type.rank();
  std::vector<Value> offsets = v.items(offsetList);
  if (offsets.size() != rank)
    v.fail(DiagId::ShapeMismatch,
           "expected " + std::to_string(rank) + " offsets, but got " + std::to_string(offsets.size()));
  llvm::SmallVector<mlir::Value> shape, strides, at;
  for (size_t i = 0; i < rank; ++i) {
    shape.push_back(v.cast(d.items()[1 + i], dtype(K::Int64)).ir);
    strides.push_back(v.cast(d.items()[1 + rank + i], dtype(K::Int64)).ir);
    Value o = offsets[i].isNumber() ? v.number(offsets[i], dtype(K::Int32)) : v.toTensor(offsets[i]);
    if (o.isBlock() || !o.type.elem.isInt())
      v.failType("offsets of a descriptor must be scalar integers, got " + o.type.str());
    at.push_back(v.cast(o, dtype(K::Int32)).ir);
  }
  return tile::MakeBlockPtrOp::create(v.b, v.loc, d.items()[0].ir, shape, strides, at, d.type.shape);
}
llvm::SmallVector<int64_t, 4> allDims(const Value &d) {
  llvm::SmallVector<int64_t, 4> dims;
  for (size_t i = 0; i < d.type.rank(); ++i)
    dims.push_back(static_cast<int64_t>(i));
  return dims;
}

Value load(Visitor &v, Args &a) {
  const Value &d = descriptor(v, a[0]);
  auto padding = d.items().back().host.str() == "nan" ? tile::Padding::NaN : tile::Padding::Zero;
  return Emitter::tensor(tile::LoadBlockOp::create(v.b, v.loc, blockPointer(v, d, a[1]), allDims(d), padding), d.type);
}
Value store(Visitor &v, Args &a) {
  const Value &d = descriptor(v, a[0]);
  Value x = v.toTensor(a[2]);
  if (x.type.shape != d.type.shape)
    v.fail(DiagId::ShapeMismatch,
           "expected a value of shape " + shapeText(d.type.shape) + ", but got " + shapeText(x.type.shape));
  x = v.cast(x, d.type.elem);
  tile::StoreBlockOp::create(v.b, v.loc, blockPointer(v, d, a[1]), x.ir, allDims(d), tile::Cache::None,
                             tile::Evict::Normal);
  return Emitter::none();
}

// Addresses and mask of rows `x` (a block) at columns y… of a descriptor of rank 2.
std::pair<Value, Value> rows(Visitor &v, const Value &d, const Value &xIn, const Value &yIn) {
  if (d.type.rank() != 2 || d.type.shape[0] != 1)
    v.failArgument("descriptor block must have 1 row, got " + d.type.str());
  Value x = v.toTensor(xIn), y = v.cast(v.toTensor(yIn), dtype(K::Int32));
  if (!x.isBlock() || x.type.rank() != 1)
    v.failArgument("x offsets must be 1D, got " + x.type.str());
  Value row = v.expandDims(v.cast(x, dtype(K::Int64)), 1);
  Value col = v.expandDims(v.cast(v.binary(BinOpKind::Add, y, v.arange(0, d.type.shape[1])), dtype(K::Int64)), 0);
  auto inside = [&](const Value &i, const Value &extent) {
    Value low = v.compare(Relation::Ge, i, v.zeroOf(i.type));
    return v.binary(BinOpKind::BitAnd, low, v.compare(Relation::Lt, i, v.cast(extent, dtype(K::Int64))));
  };
  Value mask = v.binary(BinOpKind::BitAnd, inside(row, d.items()[1]), inside(col, d.items()[2]));
  Value offset = v.binary(BinOpKind::Add, v.binary(BinOpKind::Mult, row, v.cast(d.items()[3], dtype(K::Int64))),
                          v.binary(BinOpKind::Mult, col, v.cast(d.items()[4], dtype(K::Int64))));
  return {v.addOffset(d.items()[0], offset), mask};
}
Value gather(Visitor &v, Args &a) {
  const Value &d = descriptor(v, a[0]);
  auto [ptr, mask] = rows(v, d, a[1], a[2]);
  TensorType t = ptr.type.with(d.type.elem);
  return Emitter::tensor(tile::LoadOp::create(v.b, v.loc, ptr.ir, mask.ir, v.zeroOf(t).ir), t);
}
Value scatter(Visitor &v, Args &a) {
  const Value &d = descriptor(v, a[0]);
  auto [ptr, mask] = rows(v, d, a[2], a[3]);
  Value x = v.cast(v.broadcastTo(v.toTensor(a[1]), ptr.type.shape), d.type.elem);
  tile::StoreOp::create(v.b, v.loc, ptr.ir, x.ir, mask.ir);
  return Emitter::none();
}

Value notAClass(Visitor &v, Args &) {
  v.failType("tensor_descriptor cannot be called in a kernel", "use tl.make_tensor_descriptor");
}

constexpr const char *kMethods = "triton.language.descriptor";
const BuiltinDef kRows[] = {
    {"make_tensor_descriptor", "base shape strides block_shape padding_option?", makeDescriptor},
    {"_experimental_make_tensor_descriptor", "base shape strides block_shape padding_option?", makeDescriptor},
    {"load_tensor_descriptor", "desc offsets", load},
    {"store_tensor_descriptor", "desc offsets value", store},
    {"tensor_descriptor", "*args", notAClass},
    {"load", "desc offsets", load, kPlain, kMethods},
    {"store", "desc offsets value", store, kPlain, kMethods},
    {"gather", "desc x_offsets y_offset", gather, kPlain, kMethods},
    {"scatter", "desc value x_offsets y_offset", scatter, kPlain, kMethods},
};
} // namespace

BuiltinTable descriptorBuiltins() { return {kRows, std::size(kRows)}; }

} // namespace tessera::py
