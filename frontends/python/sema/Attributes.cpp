// Attributes.cpp - attributes and subscripts of values
//
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/sema/Advice.h"
#include "frontends/python/sema/HostTypes.h"
#include "frontends/python/sema/Scopes.h"
#include "frontends/python/sema/Visitor.h"

namespace tessera::py {

namespace {
Value bound(const Value &self, Value callee) {
  Value v;
  v.kind = ValueKind::Bound;
  auto data = std::make_shared<TupleData>();
  data->items = {self, std::move(callee)};
  v.parts = std::move(data);
  return v;
}
Value shapeValue(llvm::ArrayRef<int64_t> shape) {
  std::vector<Value> dims;
  for (int64_t d : shape)
    dims.push_back(Emitter::constInt(d));
  return Emitter::tuple(std::move(dims));
}
unsigned exponentBias(DType t) {
  switch (t.kind) {
  case ScalarKind::FP8E5:
    return 15;
  case ScalarKind::FP8E4NV:
    return 7;
  case ScalarKind::FP8E4B8:
    return 8;
  case ScalarKind::FP8E5B16:
    return 16;
  case ScalarKind::FP8E4B15:
    return 15;
  case ScalarKind::FP16:
    return 15;
  case ScalarKind::FP64:
    return 1023;
  default:
    return 127;
  }
}
} // namespace

std::optional<Value> typeAttribute(const TensorType &type, std::string_view name) {
  DType t = type.elem;
  auto integer = [](int64_t v) { return Emitter::constInt(v); };
  if (name == "scalar")
    return Emitter::typeValue(scalarType(t));
  if (name == "element_ty")
    return Emitter::typeValue(scalarType(!type.block && t.isPtr() ? t.pointee() : t));
  if (name == "dtype")
    return Emitter::typeValue(scalarType(t));
  if (name == "value") // of the constexpr that holds it
    return Emitter::typeValue(type);
  if (name == "shape" && type.block)
    return shapeValue(type.shape);
  if (name == "numel" && type.block)
    return integer(type.numel());
  if (name == "name")
    return Emitter::constStr(type.str());
  if (name == "primitive_bitwidth")
    return integer(t.bits());
  if (name == "itemsize")
    return integer(t.storageBits() / 8);
  if (name == "int_bitwidth" && t.isInt())
    return integer(t.bits());
  if (name == "int_signedness" && t.isInt())
    return integer(t.isSigned());
  if (name == "fp_mantissa_width" && t.isFloat())
    return integer(t.mantissaBits());
  if (name == "exponent_bias" && t.isFloat())
    return integer(exponentBias(t));
  if (name == "address_space" && t.isPtr())
    return integer(1);
  static constexpr std::string_view methods[] = {"is_floating",
                                                 "is_standard_floating",
                                                 "is_fp8",
                                                 "is_fp8e4nv",
                                                 "is_fp8e4b8",
                                                 "is_fp8e4b15",
                                                 "is_fp8e5",
                                                 "is_fp8e5b16",
                                                 "is_fp16",
                                                 "is_bf16",
                                                 "is_fp32",
                                                 "is_fp64",
                                                 "is_int",
                                                 "is_int_signed",
                                                 "is_int_unsigned",
                                                 "is_int1",
                                                 "is_int8",
                                                 "is_int16",
                                                 "is_int32",
                                                 "is_int64",
                                                 "is_uint8",
                                                 "is_uint16",
                                                 "is_uint32",
                                                 "is_uint64",
                                                 "is_ptr",
                                                 "is_const",
                                                 "is_bool",
                                                 "is_block",
                                                 "is_void",
                                                 "is_tuple",
                                                 "is_dtype",
                                                 "get_int_max_value",
                                                 "get_int_min_value",
                                                 "kind",
                                                 "get_block_shapes",
                                                 "is_const_ptr",
                                                 "mangle"};
  for (std::string_view m : methods)
    if (m == name) {
      Value self = Emitter::typeValue(type);
      return bound(self, Emitter::constStr(std::string(name)));
    }
  return std::nullopt;
}

// A method of a type, by name; typeAttribute has checked that it exists. Null: not for this type.
std::optional<Value> typeMethod(const TensorType &type, std::string_view name) {
  DType t = type.elem;
  bool scalar = !type.block;
  auto yes = [](bool v) { return Emitter::constBool(v); };
  if (name == "is_block")
    return yes(type.block);
  if (name == "is_floating")
    return yes(t.isFloat() && scalar);
  if (name == "is_standard_floating")
    return yes(scalar && t.isFloat() && !t.isFp8());
  if (name == "is_fp8")
    return yes(scalar && t.isFp8());
  if (name == "is_int")
    return yes(scalar && t.isInt());
  if (name == "is_int_signed")
    return yes(scalar && t.isSigned());
  if (name == "is_int_unsigned")
    return yes(scalar && t.isUnsigned());
  if (name == "is_ptr")
    return yes(scalar && t.isPtr());
  if (name == "is_const" || name == "is_const_ptr")
    return yes(t.isPtr() && t.constPointer);
  if (name == "is_bool")
    return yes(scalar && t.isBool());
  if (name == "is_dtype")
    return yes(true);
  if (name == "is_tuple")
    return yes(false);
  if (name == "is_void")
    return yes(t.is(ScalarKind::Void));
  if (name == "get_block_shapes")
    return shapeValue(type.shape);
  if (name == "mangle")
    return Emitter::constStr(type.str());
  if (name == "kind")
    return Emitter::constInt(t.isBool() ? 0 : t.isInt() ? 1 : 2);
  if (name == "get_int_max_value" || name == "get_int_min_value") {
    if (!t.isInt())
      return std::nullopt;
    unsigned bits = t.isSigned() ? t.bits() - 1 : t.bits();
    BigInt limit = BigInt(1).shiftLeft(bits);
    if (name == "get_int_max_value")
      return Emitter::constant(HostValue::integer(limit - BigInt(1)));
    return Emitter::constant(HostValue::integer(t.isSigned() ? -limit : BigInt(0)));
  }
  return yes(scalar && !t.isPtr() && name.substr(3) == t.str()); // is_fp16, is_int32, …
}

std::optional<Value> Visitor::hostMember(const Value &self, const HostValue &object, std::string_view name) {
  bool isBound = false;
  auto v = host.member(object, name, isBound);
  if (!v)
    return std::nullopt;
  Value r = hostResult(std::move(v));
  return r.kind == ValueKind::Function && !isBound && self.isTuple() ? bound(self, std::move(r)) : r;
}

Value Visitor::attribute(const Value &base, std::string_view name) {
  auto unknown = [&](const std::string &what, const std::vector<std::string> &candidates) {
    std::string_view advice = base.isTensor() || base.isTuple() ? insteadOfMethod(name) : "";
    std::string near = advice.empty() ? nearestName(name, candidates) : std::string();
    fail(DiagId::BadAttribute, what + " has no attribute `" + std::string(name) + "`",
         near.empty() ? std::string(advice) : "did you mean `" + near + "`?");
  };
  auto method = [&]() -> std::optional<Value> {
    const BuiltinDef *def = tensorMethod(name);
    if (!def && (name == "sigmoid" || name == "softmax")) // written in the language
      return bound(base, *languageValue("triton.language." + std::string(name)));
    if (!def)
      return std::nullopt;
    Value callee;
    callee.kind = ValueKind::Builtin;
    callee.builtin = def;
    return bound(base, callee);
  };
  switch (base.kind) {
  case ValueKind::Error:
    throw Suppressed{};
  case ValueKind::Module: {
    if (auto v = languageValue(base.module + "." + std::string(name)))
      return *v;
    if (auto v = host.languageName(base.module + "." + std::string(name)))
      return hostResult(v);
    if (isKnownUnsupported(base.module, name))
      notSupported(base.module + "." + std::string(name));
    std::string help = base.module == "triton.language" ? insteadOfFunction(name) : std::string();
    if (help.empty())
      if (std::string near = nearestName(name, languageNames(base.module)); !near.empty())
        help = "did you mean `" + near + "`?";
    fail(DiagId::UnknownName, "`" + base.module + "` has no `" + std::string(name) + "`", std::move(help));
  }
  case ValueKind::Tensor:
    if (name == "dtype")
      return typeValue(scalarType(base.type.elem));
    if (name == "type")
      return typeValue(base.type);
    if (name == "shape")
      return shapeValue(base.type.shape);
    if (name == "numel")
      return constInt(base.type.numel());
    if (name == "T") {
      if (base.type.rank() != 2)
        fail(DiagId::ShapeMismatch,
             "Transposition must have at least 2 dimensions: .T needs a block of rank 2, not " + base.type.str());
      return permute(base, {1, 0});
    }
    if (auto m = method())
      return *m;
    unknown("a tensor of type " + base.type.str(),
            {"dtype", "type", "shape", "numel", "T", "to", "reshape", "trans", "permute", "sum", "max", "min"});
    break;
  case ValueKind::Type:
    if (auto *c = constexprTypeIn(base.host); c && name == "value")
      return *fromHost(c->value);
    if (descriptorTypeIn(base.host)) {
      if (auto v = descriptorTypeAttribute(base.type, name))
        return *v;
      if (name == "mangle")
        return bound(base, constStr("mangle"));
      std::string hint = typeAttribute(base.type, name) ? "`block_type." + std::string(name) + "` is the block's" : "";
      fail(DiagId::BadAttribute, "type " + describe(base) + " has no attribute `" + std::string(name) + "`",
           hint.empty() ? "it has block_type, shape_type and strides_type" : hint);
    }
    if (auto v = typeAttribute(base.type, name))
      return *v;
    unknown("type " + base.type.str(),
            {"element_ty", "scalar", "shape", "primitive_bitwidth", "is_floating", "is_int", "is_ptr", "is_block"});
    break;
  case ValueKind::Tuple:
    for (size_t i = 0; i < base.parts->names.size(); ++i)
      if (base.parts->names[i] == name)
        return base.items()[i];
    if (base.parts->cls.kind() == HostKind::Class)
      if (auto m = memberOf(base, base.parts->cls, name))
        return *m;
    if (base.parts->cls.isForeign())
      if (auto m = hostMember(base, toHostOrRuntime(base), name))
        return *m;
    if (name == "types" && base.parts->typeName == "tuple_type")
      return tuple(base.items());
    if (name == "type" && base.parts->names.empty())
      if (auto known = toHost(base)) // a constexpr that holds a tuple
        return constexprType(*known);
    if (name == "append" && !base.isAggregate()) // a list of the kernel is a tuple, an empty one a known one
      unknown("a tuple", {});
    if (auto h = base.isAggregate() || base.parts->cls.isForeign() ? std::nullopt : toHost(base))
      return hostResult(host.evaluator().getAttribute(*h, name));
    unknown(describeType(base), base.parts->names);
    break;
  case ValueKind::BlockPtr:
    if (name == "type" || name == "dtype")
      return typeValue(base.type);
    if (name == "shape") // of the pointer, which is one
      return shapeValue({});
    if (name == "numel")
      return constInt(1);
    if (name == "advance" || name == "load" || name == "store")
      if (auto m = languageValue("triton.language." + std::string(name)))
        return bound(base, *m);
    unknown("a block pointer", {"type", "dtype", "advance"});
    break;
  case ValueKind::Descriptor: {
    size_t rank = base.type.rank();
    auto &parts = base.items(); // base, shape…, strides…
    if (name == "shape")
      return tuple({parts.begin() + 1, parts.begin() + 1 + rank});
    if (name == "strides")
      return tuple({parts.begin() + 1 + rank, parts.begin() + 1 + 2 * rank});
    if (name == "block_shape")
      return shapeValue(base.type.shape);
    if (name == "dtype")
      return typeValue(scalarType(base.type.elem));
    if (name == "type")
      return descriptorType(base.type);
    if (name == "block_type")
      return typeValue(base.type);
    if (auto m = languageValue("triton.language.descriptor." + std::string(name)))
      return bound(base, *m);
    std::vector<std::string> known = languageNames("triton.language.descriptor");
    known.insert(known.end(), {"shape", "strides", "block_shape", "block_type", "dtype", "type"});
    unknown("a tensor descriptor", known);
    break;
  }
  case ValueKind::Const:
    if (name == "value" && base.host.kind() <= HostKind::Str)
      return base;
    if (name == "type" && (base.host.kind() <= HostKind::Str || base.host.isList()))
      return constexprType(base.host);
    if (base.isNumber()) {
      // A scalar argument that was folded because it is 1 still has a tensor's methods.
      if (name == "dtype")
        return typeValue(scalarType(numberType(base)));
      if (name == "shape")
        return shapeValue({});
      if (auto m = method())
        return *m;
    }
    if ((name == "value" || name == "type") && liveObject(base.host)) { // a constexpr's, unless the object has one
      auto v = host.evaluator().getAttribute(base.host, name);
      if (!v && host.evaluator().hasError()) {
        host.evaluator().takeError();
        return name == "type" ? constexprType(base.host) : base;
      }
      return hostResult(std::move(v));
    }
    return hostResult(host.evaluator().getAttribute(base.host, name));
  case ValueKind::Function:
    if (name == "__name__")
      return constStr(base.function->name);
    if (auto m = hostMember(base, base.host, name))
      return *m;
    break;
  case ValueKind::Builtin:
    if (name == "__name__")
      return constStr(base.builtin->name);
    if (std::string_view(base.builtin->name) == "PropagateNan")
      if (auto v = languageValue("triton.language.PropagateNan." + std::string(name)))
        return *v;
    break;
  default:
    break;
  }
  fail(DiagId::BadAttribute, describe(base) + " has no attribute `" + std::string(name) + "`");
}

Value Visitor::subscript(const Value &base, const Value &index) {
  if (base.kind == ValueKind::Error || index.kind == ValueKind::Error)
    throw Suppressed{};
  auto wholeSlice = [](const Value &v) {
    return v.kind == ValueKind::Slice && v.items()[0].isNone() && v.items()[1].isNone() && v.items()[2].isNone();
  };
  if (base.isTensor()) {
    std::vector<Value> parts = index.isTuple() ? index.items() : std::vector<Value>{index};
    Value v = base;
    size_t dim = 0;
    for (const Value &p : parts) {
      if (p.isNone()) {
        // A scalar has one place for a new dim, wherever it is written: `scalar[:, None]` is a tile of one element.
        if (v.type.block && dim > v.type.rank())
          failArgument("invalid axis " + std::to_string(dim) + " for a new dimension of " + v.type.str());
        v = expandDims(v, static_cast<int64_t>(dim));
      } else if (wholeSlice(p)) {
        // Keeps the dim; Triton takes more of them than there are dims, and so do its programs.
      } else {
        failValue("unsupported tensor index: " + describe(p),
                  base.type.elem.isPtr() ? "memory is read with tl.load(pointer + offset) and written with tl.store"
                                         : "tiles are indexed with `:` and `None` only; use tl.gather, tl.split or a "
                                           "reduction to pick elements");
      }
      ++dim;
    }
    return v;
  }
  if (base.isAggregate() && base.parts->cls.kind() == HostKind::Class)
    if (auto m = memberOf(base, base.parts->cls, "__getitem__"))
      return call(*m, {index}, {});
  if (base.isTuple()) {
    if (index.kind == ValueKind::Slice) {
      int64_t n = static_cast<int64_t>(base.items().size());
      auto part = [&](int i, int64_t otherwise) {
        return index.items()[i].isNone() ? otherwise : needInt(index.items()[i], "a slice bound");
      };
      int64_t step = part(2, 1);
      if (step == 0)
        failArgument("slice step cannot be zero");
      auto clampTo = [&](int64_t v, int64_t lo, int64_t hi) { return std::max(lo, std::min(hi, v < 0 ? v + n : v)); };
      int64_t from =
          step > 0 ? clampTo(part(0, 0), 0, n) : (index.items()[0].isNone() ? n - 1 : clampTo(part(0, 0), -1, n - 1));
      int64_t to =
          step > 0 ? clampTo(part(1, n), 0, n) : (index.items()[1].isNone() ? -1 : clampTo(part(1, 0), -1, n - 1));
      std::vector<Value> r;
      for (int64_t i = from; step > 0 ? i < to : i > to; i += step)
        r.push_back(base.items()[i]);
      return tuple(std::move(r));
    }
    int64_t n = static_cast<int64_t>(base.items().size()), i = needInt(index, "a tuple's index");
    if (i < -n || i >= n)
      failArgument("tuple index " + std::to_string(i) + " out of range for " + std::to_string(n) + " items");
    return base.items()[i < 0 ? i + n : i];
  }
  if (base.kind == ValueKind::Function)
    fail(DiagId::UnsupportedSyntax, "a kernel cannot launch a kernel: " + base.function->name + "[…]",
         "call " + base.function->name + "(…) directly");
  if (base.isConst()) {
    if (index.kind == ValueKind::Slice) {
      auto s = std::make_shared<SliceObject>();
      HostValue *parts[] = {&s->lower, &s->upper, &s->step};
      for (int i = 0; i < 3; ++i) {
        auto h = toHost(index.items()[i]);
        if (!h)
          fail(DiagId::NotConstexpr, "slice bounds must be known at compile time");
        *parts[i] = *h;
      }
      return hostResult(host.evaluator().getItem(base.host, HostValue::object(HostKind::Slice, s)));
    }
    auto h = toHost(index);
    if (!h)
      fail(DiagId::NotConstexpr, "the index of a compile-time value must be known at compile time");
    return hostResult(host.evaluator().getItem(base.host, *h));
  }
  failType(describe(base) + " cannot be indexed");
}

} // namespace tessera::py
