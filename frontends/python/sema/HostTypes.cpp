// HostTypes.cpp - dtypes, tl.constexpr and language functions as host objects
//
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/sema/HostTypes.h"

#include "frontends/python/sema/Aggregates.h"
#include "frontends/python/sema/Emitter.h"
#include "frontends/python/sema/Language.h"

namespace tessera::py {

std::optional<Value> typeMethod(const TensorType &type, std::string_view name); // Attributes.cpp

namespace {
// dtype.is_floating, to be called.
struct DTypeMethod final : ForeignObject {
  TensorType type;
  std::string name;
  DTypeMethod(TensorType t, std::string n) : type(std::move(t)), name(std::move(n)) {}
  std::string typeName() const override { return "method"; }
  std::string repr() const override { return "<method " + name + " of " + type.str() + ">"; }
  bool isCallable() const override { return true; }
  std::optional<HostValue> call(Evaluator &e, std::vector<HostValue> &, HostKeywords &) override {
    auto v = typeMethod(type, name);
    return v ? toHost(*v) : e.raise("TypeError", name + " is not for " + type.str());
  }
};
} // namespace

std::optional<HostValue> DTypeObject::getAttribute(Evaluator &, std::string_view name) {
  auto v = typeAttribute(type, name);
  if (v && v->kind == ValueKind::Bound)
    return HostValue::foreign(std::make_shared<DTypeMethod>(type, std::string(name)));
  return v ? toHost(*v) : std::nullopt;
}
bool DTypeObject::equals(const ForeignObject &o) const {
  auto *d = dynamic_cast<const DTypeObject *>(&o);
  return d && d->type == type;
}
size_t DTypeObject::hash() const { return std::hash<std::string>()(type.str()); }

std::string ConstexprObject::repr() const { return "constexpr[" + py::repr(value) + "]"; }
std::optional<HostValue> ConstexprObject::getAttribute(Evaluator &e, std::string_view name) {
  if (name == "value")
    return value;
  return e.getAttribute(value, name);
}
bool ConstexprObject::equals(const ForeignObject &o) const {
  auto *c = dynamic_cast<const ConstexprObject *>(&o);
  return c && constantsEqual(c->value, value);
}

std::optional<HostValue> ConstexprTypeObject::getAttribute(Evaluator &, std::string_view name) {
  return name == "value" ? std::optional(value) : std::nullopt;
}
bool ConstexprTypeObject::equals(const ForeignObject &o) const {
  auto *c = dynamic_cast<const ConstexprTypeObject *>(&o);
  return c && constantsEqual(c->value, value);
}

std::optional<HostValue> DescriptorTypeObject::getAttribute(Evaluator &, std::string_view name) {
  auto v = descriptorTypeAttribute(block, name);
  return v ? toHost(*v) : std::nullopt;
}
bool DescriptorTypeObject::equals(const ForeignObject &o) const {
  auto *d = dynamic_cast<const DescriptorTypeObject *>(&o);
  return d && d->block == block;
}

bool LanguageFunction::equals(const ForeignObject &o) const {
  auto *f = dynamic_cast<const LanguageFunction *>(&o);
  return f && f->path == path;
}

std::optional<HostValue> LanguageFunction::call(Evaluator &e, std::vector<HostValue> &args, HostKeywords &keywords) {
  for (auto &[name, value] : keywords)
    args.push_back(value);
  std::string_view name = std::string_view(path).substr(path.rfind('.') + 1);
  auto integer = [&](size_t i) -> std::optional<int64_t> {
    return i < args.size() ? unwrapConstexpr(args[i]).toI64() : std::nullopt;
  };
  if (name == "constexpr" && args.size() == 1)
    return HostValue::foreign(std::make_shared<ConstexprObject>(unwrapConstexpr(args[0])));
  if (name == "cdiv" && args.size() == 2) {
    auto x = integer(0), y = integer(1);
    if (!x || !y || *y == 0)
      return e.raise("TypeError", "cdiv takes two integers, the second not zero");
    return HostValue::integer((*x + *y - 1) / *y);
  }
  if (name == "next_power_of_2" && args.size() == 1) {
    auto n = integer(0);
    if (!n)
      return e.raise("TypeError", "next_power_of_2 takes an integer");
    int64_t p = 1;
    while (p < *n && p > 0)
      p <<= 1;
    return HostValue::integer(*n <= 0 ? 0 : p);
  }
  if (name == "pointer_type" && !args.empty())
    if (auto *d = dynamic_cast<DTypeObject *>(args[0].isForeign() ? args[0].get<ForeignObject>() : nullptr))
      return hostDType(scalarType(d->type.elem.pointerTo()));
  if (name == "get_int_dtype" && args.size() == 2) {
    auto width = integer(0), isSigned = integer(1);
    if (width && isSigned)
      if (auto t = dtypeBySignature((*isSigned ? "i" : "u") + std::to_string(*width)))
        return hostDType(scalarType(*t));
  }
  return e.raise("TypeError", path + " cannot be called with these arguments outside of a kernel");
}

std::string RuntimeObject::repr() const { return value.type.str(); }
std::optional<HostValue> RuntimeObject::getAttribute(Evaluator &, std::string_view name) {
  if (name == "dtype")
    return hostDType(scalarType(value.type.elem));
  if (name == "type")
    return hostDType(value.type);
  if (name == "shape" || name == "numel")
    if (auto v = typeAttribute(blockType(value.type.elem, value.type.shape), name))
      return toHost(*v);
  return std::nullopt;
}
bool RuntimeObject::equals(const ForeignObject &o) const {
  auto *r = dynamic_cast<const RuntimeObject *>(&o);
  return r && sameValue(r->value, value);
}

std::optional<HostValue> languageObject(std::string_view path) {
  if (path.starts_with("triton.language."))
    if (auto t = dtypeByLanguageName(path.substr(16)))
      return hostDType(scalarType(*t));
  if (auto constant = languageConstant(path))
    return HostValue::foreign(std::make_shared<ConstexprObject>(HostValue::integer(*constant)));
  for (const char *f : {"triton.language.constexpr", "triton.cdiv", "triton.language.cdiv", "triton.next_power_of_2",
                        "triton.language.pointer_type", "triton.language.get_int_dtype"})
    if (path == f)
      return HostValue::foreign(std::make_shared<LanguageFunction>(f));
  return std::nullopt;
}

HostValue hostDType(TensorType t) { return HostValue::foreign(std::make_shared<DTypeObject>(std::move(t))); }

bool isConstexprObject(const HostValue &v) {
  return v.isForeign() && dynamic_cast<ConstexprObject *>(v.get<ForeignObject>());
}
HostValue unwrapConstexpr(const HostValue &v) {
  if (v.isForeign())
    if (auto *c = dynamic_cast<ConstexprObject *>(v.get<ForeignObject>()))
      return c->value;
  return v;
}

const ConstexprTypeObject *constexprTypeIn(const HostValue &v) {
  return v.isForeign() ? dynamic_cast<const ConstexprTypeObject *>(v.get<ForeignObject>()) : nullptr;
}
const DescriptorTypeObject *descriptorTypeIn(const HostValue &v) {
  return v.isForeign() ? dynamic_cast<const DescriptorTypeObject *>(v.get<ForeignObject>()) : nullptr;
}
Value descriptorType(const TensorType &block) {
  Value r = Emitter::typeValue(block);
  r.host = HostValue::foreign(std::make_shared<DescriptorTypeObject>(block));
  return r;
}
std::optional<Value> descriptorTypeAttribute(const TensorType &block, std::string_view name) {
  if (name == "block_type")
    return Emitter::typeValue(block);
  if (name != "shape_type" && name != "strides_type")
    return std::nullopt;
  DType elem = dtype(name == "shape_type" ? ScalarKind::Int32 : ScalarKind::Int64);
  return Emitter::tuple(std::vector<Value>(block.rank(), Emitter::typeValue(scalarType(elem))), {}, "tuple_type");
}

Value constexprType(const HostValue &value) {
  HostValue type = HostValue::foreign(std::make_shared<ConstexprTypeObject>(value));
  auto number = value.isIntOrBool() || value.isFloat() ? numberType(value) : std::nullopt;
  if (!number)
    return Emitter::constant(std::move(type));
  Value r = Emitter::typeValue(scalarType(*number));
  r.host = std::move(type);
  return r;
}

bool constantsEqual(const HostValue &a, const HostValue &b) {
  if (a.isSame(b))
    return true;
  if (a.kind() != b.kind())
    return false;
  switch (a.kind()) {
  case HostKind::Int:
    return a.bigInt() == b.bigInt();
  case HostKind::Float:
    return a.floatValue() == b.floatValue() || (a.floatValue() != a.floatValue() && b.floatValue() != b.floatValue());
  case HostKind::Str:
    return a.str() == b.str();
  case HostKind::Foreign:
    return a.get<ForeignObject>()->equals(*b.get<ForeignObject>());
  case HostKind::Tuple:
  case HostKind::List: {
    auto &x = a.elements(), &y = b.elements();
    if (x.size() != y.size())
      return false;
    for (size_t i = 0; i < x.size(); ++i)
      if (!constantsEqual(x[i], y[i]))
        return false;
    return true;
  }
  default:
    return false;
  }
}

std::optional<Value> fromHost(const HostValue &in) {
  HostValue v = unwrapConstexpr(in);
  switch (v.kind()) {
  case HostKind::Tuple: {
    std::vector<Value> items;
    for (const HostValue &e : v.elements()) {
      auto item = fromHost(e);
      if (!item)
        return std::nullopt;
      items.push_back(std::move(*item));
    }
    auto *seq = v.get<SequenceObject>();
    std::string typeName;
    if (!seq->fieldNames.empty())
      typeName = py::typeName(v);
    Value r = Emitter::tuple(std::move(items), seq->fieldNames, typeName);
    auto *data = const_cast<TupleData *>(r.parts.get());
    data->cls = seq->cls;
    data->hostTuple = true;
    if (LiveObject *cls = liveObject(seq->cls))
      data->aggregate = cls->isAggregateClass();
    return r;
  }
  case HostKind::Opaque:
    if (auto l = languageValue(v.get<OpaqueObject>()->path))
      return l;
    if (std::string_view path = v.get<OpaqueObject>()->path; path.starts_with("builtins."))
      if (auto b = pythonBuiltin(path.substr(9)))
        return b;
    return Emitter::constant(v);
  case HostKind::Slice: {
    auto *slice = v.get<SliceObject>();
    std::vector<Value> items;
    for (const HostValue *part : {&slice->lower, &slice->upper, &slice->step}) {
      auto item = fromHost(*part);
      if (!item)
        return std::nullopt;
      items.push_back(std::move(*item));
    }
    Value r = Emitter::tuple(std::move(items));
    r.kind = ValueKind::Slice;
    return r;
  }
  case HostKind::List: // with a runtime value in it: the kernel's tuple
    for (const HostValue &e : v.elements())
      if (e.isForeign() && dynamic_cast<RuntimeObject *>(e.get<ForeignObject>()))
        return fromHost(HostValue::tuple(v.elements()));
    return Emitter::constant(v);
  case HostKind::Foreign:
    if (auto *d = dynamic_cast<DTypeObject *>(v.get<ForeignObject>()))
      return Emitter::typeValue(d->type);
    if (auto *c = constexprTypeIn(v))
      return constexprType(c->value);
    if (auto *d = descriptorTypeIn(v))
      return descriptorType(d->block);
    if (auto *r = dynamic_cast<RuntimeObject *>(v.get<ForeignObject>()))
      return r->value;
    if (auto *f = dynamic_cast<LanguageFunction *>(v.get<ForeignObject>()))
      if (auto l = languageValue(f->path))
        return l;
    return Emitter::constant(v);
  case HostKind::Instance: {
    auto *object = v.get<InstanceObject>();
    if (!isAggregateClass(HostValue::object(HostKind::Class, object->cls)))
      return Emitter::constant(v);
    std::vector<Value> items;
    std::vector<std::string> names;
    for (auto &[name, field] : object->fields) {
      auto item = fromHost(field);
      if (!item)
        return std::nullopt;
      names.push_back(name);
      items.push_back(std::move(*item));
    }
    Value r = Emitter::tuple(std::move(items), std::move(names), object->cls->name);
    auto *data = const_cast<TupleData *>(r.parts.get());
    data->cls = HostValue::object(HostKind::Class, object->cls);
    data->aggregate = true;
    return r;
  }
  case HostKind::Function: {
    auto *f = v.get<FunctionObject>();
    // `@tl.constexpr` on a function makes it one that runs at compile time.
    bool isConstexpr = f->isConstexpr || isConstexprObject(in);
    for (const std::string &d : f->decorators)
      isConstexpr |= canonicalPath(d) == "triton.language.constexpr";
    if (!f->isJit && !isConstexpr)
      return std::nullopt;
    if (!f->isJit || !f->def)
      return Emitter::constant(v);
    auto jit = std::make_shared<JitFunction>();
    jit->name = f->name;
    jit->def = f->def;
    jit->file = f->module ? f->module->file() : f->file;
    jit->object = std::static_pointer_cast<FunctionObject>(v.shared());
    Value r;
    r.kind = ValueKind::Function;
    r.function = std::move(jit);
    r.host = v;
    return r;
  }
  default:
    return Emitter::constant(v);
  }
}

std::optional<HostValue> toHost(const Value &v) {
  switch (v.kind) {
  case ValueKind::Const:
    return v.host;
  case ValueKind::Function:
    if (v.function->isLibrary())
      return std::nullopt;
    return v.host;
  case ValueKind::Type:
    return constexprTypeIn(v.host) || descriptorTypeIn(v.host) ? v.host : hostDType(v.type);
  case ValueKind::Tuple: {
    if (v.isAggregate() && v.parts->cls.kind() == HostKind::Class) {
      auto object = std::make_shared<InstanceObject>();
      object->cls = std::static_pointer_cast<ClassObject>(v.parts->cls.shared());
      for (size_t i = 0; i < v.items().size(); ++i) {
        auto h = toHost(v.items()[i]);
        object->fields.emplace_back(v.parts->names[i],
                                    h ? *h : HostValue::foreign(std::make_shared<RuntimeObject>(v.items()[i])));
      }
      return HostValue::object(HostKind::Instance, std::move(object));
    }
    std::vector<HostValue> items;
    for (const Value &i : v.items()) {
      auto h = toHost(i);
      if (!h)
        return std::nullopt;
      items.push_back(std::move(*h));
    }
    HostValue r = HostValue::tuple(std::move(items));
    r.get<SequenceObject>()->cls = v.parts->cls;
    r.get<SequenceObject>()->fieldNames = v.parts->names;
    return r;
  }
  case ValueKind::Slice: {
    auto slice = std::make_shared<SliceObject>();
    HostValue *parts[] = {&slice->lower, &slice->upper, &slice->step};
    for (size_t i = 0; i < 3; ++i) {
      auto part = toHost(v.items()[i]);
      if (!part)
        return std::nullopt;
      *parts[i] = std::move(*part);
    }
    return HostValue::object(HostKind::Slice, std::move(slice));
  }
  case ValueKind::Builtin:
  case ValueKind::Module: {
    auto o = std::make_shared<OpaqueObject>();
    o->path = v.kind == ValueKind::Module ? v.module : builtinPath(*v.builtin);
    return HostValue::object(HostKind::Opaque, std::move(o));
  }
  default:
    return std::nullopt;
  }
}

HostValue toHostOrRuntime(const Value &v) {
  if (auto h = toHost(v))
    return *h;
  if (v.kind == ValueKind::Error)
    throw Suppressed{};
  if (!v.isTuple())
    return HostValue::foreign(std::make_shared<RuntimeObject>(v));
  std::vector<HostValue> items;
  for (const Value &i : v.items())
    items.push_back(toHostOrRuntime(i));
  HostValue r = HostValue::tuple(std::move(items));
  r.get<SequenceObject>()->cls = v.parts->cls;
  r.get<SequenceObject>()->fieldNames = v.parts->names;
  return r;
}

} // namespace tessera::py
