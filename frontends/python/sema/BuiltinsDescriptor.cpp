// BuiltinsDescriptor.cpp - tensor descriptors: base, extents and strides, and the accesses that take them
//
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/sema/Descriptors.h"
#include "frontends/python/sema/Visitor.h"

#include "core/ir/Tile.h"

#include <limits>

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
      DType want = dtype(list == &shape ? K::Int32 : K::Int64);
      Value t = x.isNumber() ? v.number(x, want) : v.toTensor(x);
      if (t.isBlock() || !t.type.elem.isInt())
        v.failType("extents and strides must be scalar integers, got " + t.type.str());
      data->items.push_back(v.cast(t, want));
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

Value descriptor(Visitor &v, const Value &d) {
  if (d.kind != ValueKind::Descriptor)
    v.failType("Expected a tensor descriptor, got " + v.describeType(d));
  return d;
}

// The numbers of an access: extents and strides i64, offsets i32.
struct Window {
  llvm::SmallVector<mlir::Value> shape, strides, offsets;
};
Window window(Visitor &v, const Value &d, const Value &offsetList) {
  size_t rank = d.type.rank();
  std::vector<Value> offsets = v.items(offsetList);
  if (offsets.size() != rank)
    v.fail(DiagId::ShapeMismatch,
           "expected " + std::to_string(rank) + " offsets, but got " + std::to_string(offsets.size()));
  Window w;
  for (size_t i = 0; i < rank; ++i) {
    w.shape.push_back(v.cast(d.items()[1 + i], dtype(K::Int64)).ir);
    w.strides.push_back(v.cast(d.items()[1 + rank + i], dtype(K::Int64)).ir);
    Value o = offsets[i].isNumber() ? v.number(offsets[i], dtype(K::Int32)) : v.toTensor(offsets[i]);
    if (o.isBlock() || !o.type.elem.isInt())
      v.failType("offsets of a descriptor must be scalar integers, got " + o.type.str());
    w.offsets.push_back(v.cast(o, dtype(K::Int32)).ir);
  }
  return w;
}

Value load(Visitor &v, Args &a) {
  Value d = descriptor(v, a[0]);
  auto padding = d.items().back().host.str() == "nan" ? tile::Padding::NaN : tile::Padding::Zero;
  Window w = window(v, d, a[1]);
  return Emitter::tensor(tile::DescriptorLoadOp::create(v.b, v.loc, v.irType(d.type), d.items()[0].ir, w.shape,
                                                        w.strides, w.offsets, padding),
                         d.type);
}
Value store(Visitor &v, Args &a) {
  Value d = descriptor(v, a[0]);
  Value x = v.toTensor(a[2]);
  if (x.type.shape != d.type.shape)
    v.fail(DiagId::ShapeMismatch,
           "expected a value of shape " + shapeText(d.type.shape) + ", but got " + shapeText(x.type.shape));
  x = v.cast(x, d.type.elem);
  Window w = window(v, d, a[1]);
  tile::DescriptorStoreOp::create(v.b, v.loc, x.ir, d.items()[0].ir, w.shape, w.strides, w.offsets);
  return Emitter::none();
}

// Addresses inside of the array along each dim, and their mask: `index` holds one tile of i64 indices a dim, of the rank of
// the result.
std::pair<Value, Value> addresses(Visitor &v, const Value &d, llvm::ArrayRef<Value> index) {
  size_t rank = d.type.rank();
  Value offset, mask;
  for (size_t i = 0; i < rank; ++i) {
    Value extent = v.cast(d.items()[1 + i], dtype(K::Int64)), stride = d.items()[1 + rank + i];
    Value inside = v.binary(BinOpKind::BitAnd, v.compare(Relation::Ge, index[i], v.zeroOf(index[i].type)),
                            v.compare(Relation::Lt, index[i], extent));
    Value step = v.binary(BinOpKind::Mult, index[i], stride);
    mask = mask.isAbsent() ? inside : v.binary(BinOpKind::BitAnd, mask, inside);
    offset = offset.isAbsent() ? step : v.binary(BinOpKind::Add, offset, step);
  }
  return {v.addOffset(d.items()[0], offset), mask};
}

// Addresses and mask of rows `x` (a block) at columns y… of a descriptor of rank 2.
std::pair<Value, Value> rows(Visitor &v, const Value &d, const Value &xIn, const Value &yIn, const char *what) {
  if (d.type.rank() != 2)
    v.failArgument("descriptor must be 2D, but got " + shapeText(d.type.shape));
  if (d.type.shape[0] != 1)
    v.fail(DiagId::BadArgument, "descriptor block must have 1 row, but got " + shapeText(d.type.shape), {},
           "AssertionError");
  Value x = v.toTensor(xIn), y = v.cast(v.toTensor(yIn), dtype(K::Int32));
  if (!x.isBlock() || x.type.rank() != 1)
    v.fail(DiagId::BadArgument, "x offsets must be 1D, but got " + shapeText(x.type.shape), {}, "AssertionError");
  if (x.type.shape[0] < 8)
    v.fail(DiagId::BadArgument,
           std::string("descriptor ") + what + " must have at least 8 rows, but got " + shapeText(x.type.shape), {},
           "AssertionError");
  int64_t least = 32 / d.type.elem.storageBits() * 8;
  if (d.type.shape[1] < least)
    v.fail(DiagId::BadArgument,
           std::string("descriptor ") + what + " of " + d.type.elem.str() + " must have at least " +
               std::to_string(least) + " columns, but got " + std::to_string(d.type.shape[1]),
           {}, "AssertionError");
  Value row = v.expandDims(v.cast(x, dtype(K::Int64)), 1);
  Value col = v.cast(v.binary(BinOpKind::Add, y, v.arange(0, d.type.shape[1])), dtype(K::Int64));
  return addresses(v, d, {row, v.expandDims(col, 0)});
}
// What a load gives outside of the array.
Value paddingOf(Visitor &v, const Value &d, const TensorType &t) {
  if (d.items().back().host.str() == "nan")
    return v.floatConstant(t.elem, std::numeric_limits<double>::quiet_NaN(), t.shape, t.block);
  return v.zeroOf(t);
}
Value gather(Visitor &v, Args &a) {
  Value d = descriptor(v, a[0]);
  auto [ptr, mask] = rows(v, d, a[1], a[2], "gather");
  TensorType t = ptr.type.with(d.type.elem);
  return Emitter::tensor(tile::LoadOp::create(v.b, v.loc, ptr.ir, mask.ir, paddingOf(v, d, t).ir), t);
}
Value scatter(Visitor &v, Args &a) {
  Value d = descriptor(v, a[0]);
  auto [ptr, mask] = rows(v, d, a[2], a[3], "scatter");
  Value x = v.cast(v.broadcastTo(v.toTensor(a[1]), ptr.type.shape), d.type.elem);
  tile::StoreOp::create(v.b, v.loc, ptr.ir, x.ir, mask.ir);
  return Emitter::none();
}

// atomic_add and its like at the block of the offsets; what lies outside of the array is left out. Relaxed, as bulk reductions are.
enum class Reduction : uint8_t { Add, Min, Max, And, Or, Xor };
template <Reduction R> Value atomic(Visitor &v, Args &a) {
  Value d = descriptor(v, a[0]);
  DType t = d.type.elem;
  constexpr bool isAdd = R == Reduction::Add, isMinMax = R == Reduction::Min || R == Reduction::Max;
  bool wide = t.isInt() && t.bits() >= 32;
  bool half = t.is(K::FP16) || t.is(K::BF16);
  bool known = isAdd ? (wide && !t.is(K::Int64)) || t.is(K::FP32) || half : wide || (isMinMax && half);
  if (!known)
    v.fail(DiagId::WrongType, "Unsupported dtype " + t.str() + " of an atomic operation on a descriptor", {},
           "AssertionError");
  Value x = v.toTensor(a[2]);
  if (x.type.shape != d.type.shape)
    v.fail(DiagId::ShapeMismatch,
           "expected a value of shape " + shapeText(d.type.shape) + ", but got " + shapeText(x.type.shape));
  std::vector<Value> offsets = v.items(a[1]);
  size_t rank = d.type.rank();
  if (offsets.size() != rank)
    v.fail(DiagId::ShapeMismatch,
           "expected " + std::to_string(rank) + " offsets, but got " + std::to_string(offsets.size()));
  llvm::SmallVector<Value, 5> index;
  for (size_t i = 0; i < rank; ++i) {
    Value o = v.toTensor(offsets[i]);
    if (o.isBlock() || !o.type.elem.isInt())
      v.failType("offsets of a descriptor must be scalar integers, got " + o.type.str());
    Value lane = v.cast(v.arange(0, d.type.shape[i]), dtype(K::Int64));
    Value at = v.binary(BinOpKind::Add, v.cast(v.cast(o, dtype(K::Int32)), dtype(K::Int64)), lane);
    for (size_t other = 0; other < rank; ++other)
      if (other != i)
        at = v.expandDims(at, static_cast<int64_t>(other));
    index.push_back(at);
  }
  auto [ptr, mask] = addresses(v, d, index);
  tile::Rmw kind = R == Reduction::And                             ? tile::Rmw::And
                   : R == Reduction::Or                            ? tile::Rmw::Or
                   : R == Reduction::Xor                           ? tile::Rmw::Xor
                   : isAdd                                         ? (t.isFloat() ? tile::Rmw::FAdd : tile::Rmw::Add)
                   : R == Reduction::Max && (half || t.isSigned()) ? tile::Rmw::Max
                   : R == Reduction::Max                           ? tile::Rmw::UMax
                   : half || t.isSigned()                          ? tile::Rmw::Min
                                                                   : tile::Rmw::UMin;
  tile::AtomicRmwOp::create(v.b, v.loc, kind, ptr.ir, v.cast(x, t).ir, mask.ir, tile::MemSem::Relaxed,
                            tile::MemScope::Gpu);
  return Emitter::none();
}

// Classes that isinstance and annotations name.
Value notToBeCalled(Visitor &v, Args &) {
  v.failType("a descriptor's class cannot be called in a kernel", "use tl.make_tensor_descriptor");
}

constexpr const char *kMethods = "triton.language.descriptor";
const BuiltinDef kRows[] = {
    {"make_tensor_descriptor", "base shape strides block_shape padding_option?", makeDescriptor},
    {"_experimental_make_tensor_descriptor", "base shape strides block_shape padding_option?", makeDescriptor},
    {"load_tensor_descriptor", "desc offsets", load},
    {"store_tensor_descriptor", "desc offsets value", store},
    {"tensor_descriptor", "*args", notToBeCalled},
    {"tensor_descriptor_base", "*args", notToBeCalled},
    {"tensor_descriptor_type", "*args", notToBeCalled},
    {"tensor_descriptor_base_type", "*args", notToBeCalled},
    {"load", "desc offsets", load, kPlain, kMethods},
    {"store", "desc offsets value", store, kPlain, kMethods},
    {"gather", "desc x_offsets y_offset", gather, kPlain, kMethods},
    {"scatter", "desc value x_offsets y_offset", scatter, kPlain, kMethods},
    {"atomic_add", "desc offsets value", atomic<Reduction::Add>, kPlain, kMethods},
    {"atomic_min", "desc offsets value", atomic<Reduction::Min>, kPlain, kMethods},
    {"atomic_max", "desc offsets value", atomic<Reduction::Max>, kPlain, kMethods},
    {"atomic_and", "desc offsets value", atomic<Reduction::And>, kPlain, kMethods},
    {"atomic_or", "desc offsets value", atomic<Reduction::Or>, kPlain, kMethods},
    {"atomic_xor", "desc offsets value", atomic<Reduction::Xor>, kPlain, kMethods},
};
} // namespace

std::optional<DescriptorParam> parseDescriptorType(std::string_view text) {
  constexpr std::string_view kPrefix = "tensordesc<";
  if (!text.starts_with(kPrefix) || !text.ends_with('>'))
    return std::nullopt;
  text = text.substr(kPrefix.size(), text.size() - kPrefix.size() - 1);
  size_t open = text.find('['), close = text.find(']');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open)
    return std::nullopt;
  auto elem = dtypeBySignature(text.substr(0, open));
  DescriptorParam d;
  int64_t n = 0;
  bool digits = false;
  for (char c : text.substr(open + 1, close - open)) {
    if (c >= '0' && c <= '9' && n < (int64_t(1) << 32)) {
      n = n * 10 + (c - '0');
      digits = true;
    } else if ((c == ',' || c == ']') && digits) {
      d.block.shape.push_back(n);
      n = 0;
      digits = false;
    } else if (c != ' ') {
      return std::nullopt;
    }
  }
  for (std::string_view rest = text.substr(close + 1); !rest.empty();) {
    size_t start = rest.find_first_not_of(" ,");
    rest = start == std::string_view::npos ? std::string_view() : rest.substr(start);
    std::string_view word = rest.substr(0, rest.find_first_of(" ,"));
    rest.remove_prefix(word.size());
    if (word == "nan")
      d.nanPadding = true;
    else if (word == "whole")
      d.wholeRows = true;
    else if (!word.empty() && word != "zero")
      return std::nullopt;
  }
  if (!elem || elem->isPtr() || d.block.shape.empty() || d.block.rank() > 5)
    return std::nullopt;
  d.block.elem = *elem;
  d.block.block = true;
  return d;
}

std::vector<DescriptorParam::Leaf> DescriptorParam::leaves() const {
  const int64_t of16Bytes = std::max<int64_t>(1, 128 / block.elem.storageBits());
  std::vector<Leaf> r = {{"", scalarType(block.elem.pointerTo()), 16}};
  for (size_t i = 0; i < block.rank(); ++i)
    r.push_back({".shape" + std::to_string(i), scalarType(dtype(K::Int32)),
                 wholeRows && i + 1 == block.rank() ? of16Bytes : 1});
  // The last stride is 1. The others are multiples of 16 bytes.
  for (size_t i = 0; i + 1 < block.rank(); ++i)
    r.push_back({".stride" + std::to_string(i), scalarType(dtype(K::Int64)), of16Bytes});
  return r;
}

Value DescriptorParam::value(Emitter &e, llvm::ArrayRef<Value> leaves) const {
  Value d;
  d.kind = ValueKind::Descriptor;
  d.type = block;
  auto data = std::make_shared<TupleData>();
  data->items.assign(leaves.begin(), leaves.end());
  data->items.push_back(e.intConstant(dtype(K::Int64), 1));
  data->items.push_back(Emitter::constStr(nanPadding ? "nan" : "zero"));
  d.parts = std::move(data);
  return d;
}

BuiltinTable descriptorBuiltins() { return {kRows, std::size(kRows)}; }

} // namespace tessera::py
