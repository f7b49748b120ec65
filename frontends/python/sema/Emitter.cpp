// Emitter.cpp - errors, constants, and host constants as arguments
//
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/sema/Emitter.h"

#include "core/ir/Tile.h"
#include "frontends/python/sema/HostTypes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

#include <cmath>

namespace tessera::py {

namespace arith = mlir::arith;

// --- errors

void Emitter::fail(DiagId id, std::string message, std::string help, std::string exception) {
  SemaError e;
  e.diagnostic.id = id;
  e.diagnostic.severity = diagSeverity(id);
  e.diagnostic.place = currentPlace();
  e.diagnostic.message = std::move(message);
  e.diagnostic.help = std::move(help);
  e.diagnostic.notes = callNotes();
  e.diagnostic.function = currentFunction();
  e.diagnostic.exception = std::move(exception);
  throw e;
}

void Emitter::notSupported(const std::string &what) { fail(DiagId::NotSupportedYet, what + " is not supported yet"); }

void Emitter::warn(DiagId id, std::string message) {
  Diagnostic d;
  d.id = id;
  d.severity = diagSeverity(id);
  d.place = currentPlace();
  d.message = std::move(message);
  // Once a place: unrolled loops visit it many times. What a program prints at compile time is printed each time.
  for (const Diagnostic &old : diags.all())
    if (id != DiagId::StaticPrint && old.id == id && old.place.file == d.place.file && old.place.line == d.place.line &&
        old.place.column == d.place.column)
      return;
  diags.add(std::move(d));
}

// --- values

bool sameValue(const Value &a, const Value &b) {
  if (a.kind != b.kind)
    return false;
  switch (a.kind) {
  case ValueKind::Tensor:
  case ValueKind::BlockPtr:
    return a.ir == b.ir && a.type == b.type;
  case ValueKind::Const:
    return constantsEqual(a.host, b.host);
  case ValueKind::Type:
    if (constexprTypeIn(a.host) && constexprTypeIn(b.host))
      return constantsEqual(a.host, b.host);
    return a.type == b.type && !descriptorTypeIn(a.host) == !descriptorTypeIn(b.host);
  case ValueKind::Builtin:
    return a.builtin == b.builtin;
  case ValueKind::Function:
    return a.function->def == b.function->def && a.function->object == b.function->object;
  case ValueKind::Module:
    return a.module == b.module;
  case ValueKind::Tuple:
  case ValueKind::Slice:
  case ValueKind::Range:
  case ValueKind::Bound:
  case ValueKind::Descriptor: {
    if (a.items().size() != b.items().size() || !(a.type == b.type))
      return false;
    for (size_t i = 0; i < a.items().size(); ++i)
      if (!sameValue(a.items()[i], b.items()[i]))
        return false;
    return true;
  }
  case ValueKind::Absent:
  case ValueKind::Error:
    return true;
  }
  return false;
}

Value Emitter::tensor(mlir::Value v, TensorType t) {
  Value r;
  r.kind = ValueKind::Tensor;
  r.ir = v;
  r.type = std::move(t);
  return r;
}
Value Emitter::constant(HostValue h) {
  Value r;
  r.kind = ValueKind::Const;
  r.host = std::move(h);
  return r;
}
Value Emitter::constInt(int64_t v) { return constant(HostValue::integer(v)); }
Value Emitter::constBool(bool v) { return constant(HostValue::boolean(v)); }
Value Emitter::constStr(std::string s) { return constant(HostValue::string(std::move(s))); }
Value Emitter::plain(const Value &v) {
  if (v.isConst() && v.host.isForeign())
    if (auto p = v.host.get<ForeignObject>()->unwrap())
      return constant(*p);
  return v;
}
Value Emitter::none() { return constant(HostValue::none()); }
Value Emitter::tuple(std::vector<Value> items, std::vector<std::string> names, std::string typeName) {
  Value r;
  r.kind = ValueKind::Tuple;
  auto data = std::make_shared<TupleData>();
  data->items = std::move(items);
  data->names = std::move(names);
  data->typeName = std::move(typeName);
  r.parts = std::move(data);
  return r;
}
Value Emitter::typeValue(TensorType t) {
  Value r;
  r.kind = ValueKind::Type;
  r.type = std::move(t);
  return r;
}

mlir::Type Emitter::irType(DType t) {
  mlir::MLIRContext *c = b.getContext();
  mlir::Type e;
  switch (t.kind) {
  case ScalarKind::Void: // pointer to void: bytes
  case ScalarKind::Int8:
  case ScalarKind::UInt8:
    e = b.getI8Type();
    break;
  case ScalarKind::Int1:
    e = b.getI1Type();
    break;
  case ScalarKind::Int16:
  case ScalarKind::UInt16:
    e = b.getI16Type();
    break;
  case ScalarKind::Int32:
  case ScalarKind::UInt32:
    e = b.getI32Type();
    break;
  case ScalarKind::Int64:
  case ScalarKind::UInt64:
    e = b.getI64Type();
    break;
  case ScalarKind::FP8E5:
    e = mlir::Float8E5M2Type::get(c);
    break;
  case ScalarKind::FP8E4NV:
    e = mlir::Float8E4M3FNType::get(c);
    break;
  case ScalarKind::FP8E4B8:
    e = mlir::Float8E4M3FNUZType::get(c);
    break;
  case ScalarKind::FP8E5B16:
    e = mlir::Float8E5M2FNUZType::get(c);
    break;
  case ScalarKind::FP8E4B15:
    e = tile::F8E4B15Type::get(c);
    break;
  case ScalarKind::FP16:
    e = b.getF16Type();
    break;
  case ScalarKind::BF16:
    e = b.getBF16Type();
    break;
  case ScalarKind::FP32:
    e = b.getF32Type();
    break;
  case ScalarKind::FP64:
    e = b.getF64Type();
    break;
  }
  return t.pointer ? mlir::Type(tile::PointerType::get(e, 1)) : e;
}
mlir::Type Emitter::irType(const TensorType &t) {
  mlir::Type e = irType(t.elem);
  return t.block ? mlir::RankedTensorType::get(t.shape, e) : e;
}

Value Emitter::intConstant(DType t, int64_t v, llvm::ArrayRef<int64_t> shape, bool block) {
  TensorType type = block ? blockType(t, shape) : scalarType(t);
  mlir::Type e = irType(t);
  mlir::TypedAttr attr = mlir::IntegerAttr::get(e, llvm::APInt(t.bits(), static_cast<uint64_t>(v), false, true));
  if (block)
    attr = mlir::DenseElementsAttr::get(llvm::cast<mlir::ShapedType>(irType(type)), mlir::Attribute(attr));
  return tensor(arith::ConstantOp::create(b, loc, attr), type);
}

Value Emitter::floatConstant(DType t, double v, llvm::ArrayRef<int64_t> shape, bool block) {
  TensorType type = block ? blockType(t, shape) : scalarType(t);
  if (t.is(ScalarKind::FP8E4B15))
    return cast(floatConstant(py::dtype(ScalarKind::FP32), v, shape, block), t);
  auto e = llvm::cast<mlir::FloatType>(irType(t));
  llvm::APFloat f(v);
  bool lost = false;
  f.convert(e.getFloatSemantics(), llvm::APFloat::rmNearestTiesToEven, &lost);
  mlir::TypedAttr attr = mlir::FloatAttr::get(e, f);
  if (block)
    attr = mlir::DenseElementsAttr::get(llvm::cast<mlir::ShapedType>(irType(type)), mlir::Attribute(attr));
  return tensor(arith::ConstantOp::create(b, loc, attr), type);
}

Value Emitter::zeroOf(const TensorType &t) {
  if (t.elem.isPtr())
    return cast(intConstant(py::dtype(ScalarKind::Int64), 0, t.shape, t.block), t.elem);
  return t.elem.isFloat() ? floatConstant(t.elem, 0, t.shape, t.block) : intConstant(t.elem, 0, t.shape, t.block);
}

std::optional<DType> numberType(const HostValue &v) {
  if (v.isBool())
    return py::dtype(ScalarKind::Int1);
  if (v.isInt()) {
    BigInt i = v.bigInt();
    if (auto small = i.toI64()) {
      if (*small >= INT32_MIN && *small <= INT32_MAX)
        return py::dtype(ScalarKind::Int32);
      if (*small >= 0 && *small <= int64_t(UINT32_MAX))
        return py::dtype(ScalarKind::UInt32);
      return py::dtype(ScalarKind::Int64);
    }
    if (i.toU64())
      return py::dtype(ScalarKind::UInt64);
    return std::nullopt;
  }
  // A float is fp32 where it is zero, not finite, or a normal number of fp32.
  double f = std::fabs(v.floatValue());
  bool single = f == 0 || std::isinf(f) || std::isnan(f) || (f >= 0x1p-126 && f <= 3.4028234663852886e38);
  return py::dtype(single ? ScalarKind::FP32 : ScalarKind::FP64);
}
DType Emitter::numberType(const Value &v) {
  if (auto t = py::numberType(v.host))
    return *t;
  fail(DiagId::WrongType, "Nonrepresentable integer " + str(v.host) + ".");
}

Value Emitter::number(const Value &v, DType t) {
  if (t.isFloat())
    return floatConstant(t, *v.host.toDouble());
  if (t.isPtr()) {
    if (!v.host.isIntOrBool())
      failType("cannot cast " + numberType(v).str() + " to " + t.str());
    Value address = intConstant(py::dtype(ScalarKind::Int64), static_cast<int64_t>(v.host.bigInt().wrapU64()));
    return cast(address, t);
  }
  if (t.isBool())
    return intConstant(t, v.host.isFloat() ? v.host.floatValue() != 0 : !v.host.bigInt().isZero());
  if (v.host.isFloat()) {
    auto i = BigInt::fromDouble(v.host.floatValue());
    if (!i) // infinities: what the conversion at run time gives
      return cast(floatConstant(py::dtype(ScalarKind::FP32), v.host.floatValue()), t);
    return intConstant(t, static_cast<int64_t>(i->wrapU64()));
  }
  return intConstant(t, static_cast<int64_t>(v.host.bigInt().wrapU64()));
}

Value Emitter::toTensor(const Value &v) {
  switch (v.kind) {
  case ValueKind::Tensor:
    return v;
  case ValueKind::Error:
    throw Suppressed{};
  case ValueKind::Const:
    if (v.isNumber())
      return number(v, numberType(v));
    if (Value p = plain(v); p.isNumber())
      return toTensor(p);
    break;
  case ValueKind::BlockPtr:
    failType("cannot convert a value of type " + describeType(v) + " to tensor",
             "tl.load of a block pointer gives the block that it points to");
  case ValueKind::Descriptor:
    failType("cannot convert a value of type " + describeType(v) + " to tensor",
             "the descriptor's load() gives a block of it");
  default:
    break;
  }
  failType("cannot convert " + abridged(describe(v)) + " of type " + describeType(v) + " to tensor");
}

std::string Emitter::describeType(const Value &v) {
  switch (v.kind) {
  case ValueKind::Tensor:
    return v.type.str();
  case ValueKind::Const:
    return v.isNone() ? "None" : typeName(v.host);
  case ValueKind::Tuple: {
    if (!v.parts->typeName.empty())
      return v.parts->typeName;
    std::string s = "tuple(";
    for (size_t i = 0; i < v.items().size(); ++i)
      s += (i ? ", " : "") + describeType(v.items()[i]);
    return s + ")";
  }
  case ValueKind::BlockPtr:
    return "pointer<" + v.type.str() + ">";
  case ValueKind::Descriptor:
    return "tensor_descriptor<" + v.type.str() + ">";
  case ValueKind::Type:
    return "dtype";
  case ValueKind::Function:
    return "JITFunction";
  case ValueKind::Builtin:
    return "builtin_function";
  case ValueKind::Bound:
    return "method";
  case ValueKind::Module:
    return "module";
  case ValueKind::Slice:
    return "slice";
  case ValueKind::Range:
    return "range";
  case ValueKind::Absent:
    return "nothing";
  case ValueKind::Error:
    return "error";
  }
  return "?";
}

std::string Emitter::describe(const Value &v) {
  switch (v.kind) {
  case ValueKind::Const:
    return str(v.host);
  case ValueKind::Type:
    return constexprTypeIn(v.host) || descriptorTypeIn(v.host) ? str(v.host) : v.type.str();
  case ValueKind::Function:
    return v.function->name;
  case ValueKind::Tuple: {
    std::string s = "(";
    for (size_t i = 0; i < v.items().size(); ++i)
      s += (i ? ", " : "") + (v.items()[i].isString() ? repr(v.items()[i].host) : describe(v.items()[i]));
    return s + (v.items().size() == 1 ? ",)" : ")");
  }
  case ValueKind::Module:
    return "module '" + v.module + "'";
  default:
    return describeType(v);
  }
}

// --- host constants as arguments

int64_t Emitter::needInt(const Value &given, std::string_view what) {
  Value v = plain(given);
  if (v.isConst() && v.host.isIntOrBool())
    if (auto i = v.host.toI64())
      return *i;
  fail(DiagId::NotConstexpr, std::string(what) + " must be a constexpr integer, not " + describeType(v));
}
bool Emitter::needBool(const Value &given, std::string_view what) {
  Value v = plain(given);
  if (v.isConst() && v.host.isIntOrBool())
    return !v.host.bigInt().isZero();
  if (v.isNone())
    return false;
  fail(DiagId::NotConstexpr, std::string(what) + " must be a constexpr bool, not " + describeType(v));
}
std::string Emitter::needString(const Value &given, std::string_view what) {
  Value v = plain(given);
  if (v.isString())
    return v.host.str();
  fail(DiagId::NotConstexpr, std::string(what) + " must be a constexpr string, not " + describeType(v));
}
std::optional<DType> Emitter::asDType(const Value &v) {
  if (v.isType() && !v.type.block)
    return v.type.elem;
  if (v.isString())
    return dtypeBySignature(v.host.str());
  return std::nullopt;
}
DType Emitter::needDType(const Value &v, std::string_view what) {
  if (auto t = asDType(v))
    return *t;
  if (v.isType() && !descriptorTypeIn(v.host))
    return v.type.elem;
  failArgument(std::string(what) + " must be a dtype such as tl.float32, not " + describe(v));
}

std::vector<Value> Emitter::items(const Value &v) {
  if (v.isTuple())
    return v.items();
  if (v.isConst() && (v.host.isList() || v.host.isTuple())) {
    std::vector<Value> r;
    for (const HostValue &h : v.host.elements()) {
      auto item = fromHost(h);
      r.push_back(item ? *item : constant(h));
    }
    return r;
  }
  if (v.kind == ValueKind::Error)
    throw Suppressed{};
  return {v};
}

llvm::SmallVector<int64_t, 4> Emitter::needInts(const Value &v, std::string_view what) {
  llvm::SmallVector<int64_t, 4> r;
  for (const Value &i : items(v))
    r.push_back(needInt(i, what));
  return r;
}

void Emitter::checkShape(llvm::ArrayRef<int64_t> shape) {
  int64_t numel = 1;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] <= 0 || (shape[i] & (shape[i] - 1)))
      fail(DiagId::ShapeNotPowerOfTwo, "Shape element " + std::to_string(i) + " must be a power of 2",
           "it is " + std::to_string(shape[i]) +
               (shape[i] > 0 ? ": round the block size up to a power of two and mask the rest"
                             : ": a block has at least one element"));
    numel = numel > (int64_t(1) << 40) ? numel : numel * shape[i];
  }
  if (numel > 1048576)
    fail(DiagId::BlockTooLarge, "numel (" + std::to_string(numel) + ") exceeds triton maximum tensor numel (1048576)");
}

// Whether a value of the run was computed of numbers that are known.
static bool isOfConstants(mlir::Value v, unsigned depth) {
  mlir::Operation *op = v ? v.getDefiningOp() : nullptr;
  if (!op || depth == 0)
    return false;
  return isa<mlir::arith::ConstantOp>(op) ||
         (isa<mlir::arith::ArithDialect>(op->getDialect()) &&
          llvm::all_of(op->getOperands(), [&](mlir::Value operand) { return isOfConstants(operand, depth - 1); }));
}

std::string Emitter::constexprAdvice(const Value &v) {
  if (v.isTensor() && isOfConstants(v.ir, 8))
    return "what is computed of constexprs is a value of the run once it is assigned to a name: write the assignment "
           "as "
           "`name: tl.constexpr = …`, once a name, or write the expression here";
  return "declare the block size as `tl.constexpr`";
}

llvm::SmallVector<int64_t, 4> Emitter::needShape(const Value &v) {
  llvm::SmallVector<int64_t, 4> r;
  size_t i = 0;
  for (const Value &d : items(v)) {
    if (d.kind == ValueKind::Error)
      throw Suppressed{};
    if (!d.isConst())
      fail(DiagId::NotConstexpr, "Shape element " + std::to_string(i) + " must have type `constexpr`",
           constexprAdvice(d), "TypeError");
    auto n = plain(d).host.toI64();
    if (!n)
      fail(DiagId::NotConstexpr,
           "Shape element " + std::to_string(i) + " must have type `constexpr[int]`, got `constexpr[" +
               typeName(d.host) + "]`",
           {}, "TypeError");
    r.push_back(*n);
    ++i;
  }
  checkShape(r);
  return r;
}

} // namespace tessera::py
