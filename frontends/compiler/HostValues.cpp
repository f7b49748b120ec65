// HostValues.cpp - values between the compiler and its host, kind by kind
// SPDX-License-Identifier: Apache-2.0
#include "frontends/compiler/CallbackHost.h"

#include "frontends/python/evaluator/Evaluator.h"
#include "frontends/python/sema/Language.h"

#include <charconv>

using namespace tessera::py;

namespace tessera::compiler {

namespace {
std::string elementText(DType t) {
  static constexpr const char *kNames[kScalarKinds] = {
      "void",  "i1",      "i8",      "i16",      "i32",      "i64",  "u8",   "u16",  "u32", "u64",
      "fp8e5", "fp8e4nv", "fp8e4b8", "fp8e5b16", "fp8e4b15", "fp16", "bf16", "fp32", "fp64"};
  std::string name = kNames[static_cast<unsigned>(t.kind)];
  return t.pointer ? (t.constPointer ? "*k" : "*") + name : name;
}
std::string shaped(std::string_view head, const TensorType &t) {
  std::string s = std::string(head) + "<[";
  for (size_t i = 0; i < t.shape.size(); ++i)
    s += (i ? "," : "") + std::to_string(t.shape[i]);
  return s + "]," + elementText(t.elem) + ">";
}
} // namespace

std::string typeText(const TensorType &t) { return t.block ? shaped("block", t) : elementText(t.elem); }

std::optional<TensorType> typeOfText(std::string_view s) {
  constexpr std::string_view kBlock = "block<[";
  if (!s.starts_with(kBlock)) {
    if (s == "void")
      return scalarType(dtype(ScalarKind::Void));
    if (s == "*void" || s == "*kvoid")
      return scalarType(dtype(ScalarKind::Void).pointerTo(s.size() > 5));
    auto t = dtypeBySignature(s);
    return t ? std::optional(scalarType(*t)) : std::nullopt;
  }
  s.remove_prefix(kBlock.size());
  llvm::SmallVector<int64_t, 3> shape;
  while (!s.empty() && s.front() != ']') {
    int64_t n = 0;
    auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), n);
    if (error != std::errc())
      return std::nullopt;
    shape.push_back(n);
    s.remove_prefix(static_cast<size_t>(end - s.data()));
    while (!s.empty() && (s.front() == ',' || s.front() == ' '))
      s.remove_prefix(1);
  }
  if (!s.starts_with("],") || !s.ends_with(">"))
    return std::nullopt;
  auto t = typeOfText(s.substr(2, s.size() - 3));
  return t && !t->block ? std::optional(blockType(t->elem, shape)) : std::nullopt;
}

// ---- from the host

namespace {
// Whether reading the value asks the host for a function: then the value must be copied first.
bool holdsFunction(const tsc_host_value &v) {
  if (v.kind == TSC_HOST_FUNCTION)
    return true;
  uint64_t n = v.kind == TSC_HOST_DICT        ? v.count * 2
               : v.kind == TSC_HOST_SLICE     ? 3
               : v.kind == TSC_HOST_CONSTEXPR ? 1
                                              : v.count;
  for (uint64_t i = 0; v.items && i < n; ++i)
    if (holdsFunction(v.items[i]))
      return true;
  return false;
}

struct Copy {
  std::deque<std::vector<tsc_host_value>> items;
  std::deque<std::vector<tsc_str>> names;
  std::deque<std::string> texts;

  tsc_str text(tsc_str s) {
    texts.push_back(compiler::text(s));
    return view(texts.back());
  }
  tsc_host_value value(const tsc_host_value &v) {
    tsc_host_value out = v;
    out.text = text(v.text);
    uint64_t n = v.kind == TSC_HOST_DICT        ? v.count * 2
                 : v.kind == TSC_HOST_SLICE     ? 3
                 : v.kind == TSC_HOST_CONSTEXPR ? 1
                                                : v.count;
    if (v.items) {
      auto &list = items.emplace_back();
      for (uint64_t i = 0; i < n; ++i)
        list.push_back(value(v.items[i]));
      out.items = list.data();
    }
    if (v.names) {
      auto &list = names.emplace_back();
      for (uint64_t i = 0; i < v.count; ++i)
        list.push_back(text(v.names[i]));
      out.names = list.data();
    }
    return out;
  }
};
} // namespace

HostValue CallbackHost::take(const tsc_host_value &v) {
  if (!callbacks_.apply && (v.kind == TSC_HOST_FUNCTION || v.kind == TSC_HOST_OBJECT))
    fail("TypeError", "an object of a host cannot be a constant where there is none");
  if (v.kind == TSC_HOST_FUNCTION || !holdsFunction(v))
    return takeCopied(v);
  Copy copy;
  return takeCopied(copy.value(v));
}

HostValue CallbackHost::takeCopied(const tsc_host_value &v) {
  auto list = [&](uint64_t n) {
    std::vector<HostValue> items;
    items.reserve(n);
    for (uint64_t i = 0; i < n; ++i)
      items.push_back(takeCopied(v.items[i]));
    return items;
  };
  switch (v.kind) {
  case TSC_HOST_NONE:
    return HostValue::none();
  case TSC_HOST_BOOL:
    return HostValue::boolean(v.integer != 0);
  case TSC_HOST_INT: {
    if (!(v.flags & TSC_FLAG_BIG))
      return HostValue::integer(v.integer);
    std::string digits = text(v.text);
    bool negative = digits.starts_with('-');
    BigInt n(0);
    for (char c : digits.substr(negative))
      n = n * BigInt(10) + BigInt(c - '0');
    return HostValue::integer(negative ? -n : n);
  }
  case TSC_HOST_FLOAT:
    return HostValue::real(v.real);
  case TSC_HOST_STR:
    return HostValue::string(text(v.text));
  case TSC_HOST_ELLIPSIS:
    return HostValue::ellipsis();
  case TSC_HOST_TUPLE: {
    HostValue out = HostValue::tuple(list(v.count));
    if (v.names && callbacks_.apply) {
      auto *s = out.get<SequenceObject>();
      for (uint64_t i = 0; i < v.count; ++i)
        s->fieldNames.push_back(text(v.names[i]));
      uint32_t what = v.flags & TSC_FLAG_AGGREGATE ? TSC_OBJECT_AGGREGATE_CLASS : TSC_OBJECT_NAMED_TUPLE_CLASS;
      if (v.handle) // else a tuple of the language with names
        s->cls = HostValue::foreign(std::make_shared<CallbackObject>(*this, v.handle, what, text(v.text)));
    }
    return out;
  }
  case TSC_HOST_LIST:
    return HostValue::list(list(v.count));
  case TSC_HOST_DICT: {
    auto d = std::make_shared<DictObject>();
    for (uint64_t i = 0; i < v.count; ++i) {
      HostValue key = takeCopied(v.items[2 * i]);
      auto h = evaluator().hash(key);
      d->index.emplace(h.value_or(0), d->entries.size());
      d->entries.emplace_back(std::move(key), takeCopied(v.items[2 * i + 1]));
    }
    return HostValue::object(HostKind::Dict, std::move(d));
  }
  case TSC_HOST_SLICE: {
    auto s = std::make_shared<SliceObject>();
    s->lower = takeCopied(v.items[0]);
    s->upper = takeCopied(v.items[1]);
    s->step = takeCopied(v.items[2]);
    return HostValue::object(HostKind::Slice, std::move(s));
  }
  case TSC_HOST_DTYPE: {
    auto t = typeOfText({v.text.p, v.text.n});
    if (!t)
      fail("TypeError", "`" + text(v.text) + "` is no type that kernels have");
    return hostDType(*t);
  }
  case TSC_HOST_CONSTEXPR:
    return HostValue::foreign(std::make_shared<ConstexprObject>(unwrapConstexpr(takeCopied(v.items[0]))));
  case TSC_HOST_LANGUAGE: {
    std::string path = text(v.text), canonical = canonicalPath(path);
    if (!canonical.empty())
      if (auto known = languageObject(canonical))
        return *known;
    auto o = std::make_shared<OpaqueObject>();
    o->path = std::move(path);
    return HostValue::object(HostKind::Opaque, std::move(o));
  }
  case TSC_HOST_FUNCTION:
    return functionValue(v.handle);
  case TSC_HOST_OBJECT: {
    auto o = std::make_shared<CallbackObject>(*this, v.handle, v.flags & TSC_OBJECT_MASK, text(v.text));
    if (v.count == 1)
      o->plain = takeCopied(v.items[0]);
    return HostValue::foreign(std::move(o));
  }
  case TSC_HOST_RUNTIME:
    if (const Value *known = runtimeValue(v.handle))
      return HostValue::foreign(std::make_shared<RuntimeObject>(*known));
    fail("RuntimeError", "a value of another kernel, or of a compile that has ended");
  default:
    fail("SystemError", "the host gave a value of an unknown kind, " + std::to_string(v.kind));
  }
}

// ---- to the host

tsc_str HostValueWriter::keep(std::string_view s) {
  texts_.emplace_back(s);
  return view(texts_.back());
}

void HostValueWriter::writeSequence(const std::vector<HostValue> &items, tsc_host_value &out) {
  std::vector<tsc_host_value> list;
  list.reserve(items.size());
  for (const HostValue &i : items)
    list.push_back(write(i));
  out.count = list.size();
  out.items = items_.emplace_back(std::move(list)).data();
}

tsc_host_value HostValueWriter::write(const HostValue &v) {
  tsc_host_value out{};
  switch (v.kind()) {
  case HostKind::None:
    return out;
  case HostKind::Bool:
    out.kind = TSC_HOST_BOOL;
    out.integer = v.boolValue();
    return out;
  case HostKind::Int:
    out.kind = TSC_HOST_INT;
    if (auto n = v.toI64()) {
      out.integer = *n;
    } else {
      out.flags = TSC_FLAG_BIG;
      out.text = keep(v.bigInt().toString());
    }
    return out;
  case HostKind::Float:
    out.kind = TSC_HOST_FLOAT;
    out.real = v.floatValue();
    return out;
  case HostKind::Str:
    values_.push_back(v);
    out.kind = TSC_HOST_STR;
    out.text = view(values_.back().str());
    return out;
  case HostKind::Ellipsis:
    out.kind = TSC_HOST_ELLIPSIS;
    return out;
  case HostKind::Tuple: {
    auto *s = v.get<SequenceObject>();
    out.kind = TSC_HOST_TUPLE;
    writeSequence(s->elements, out);
    if (!s->fieldNames.empty()) {
      std::vector<tsc_str> names;
      for (const std::string &n : s->fieldNames)
        names.push_back(keep(n));
      out.names = names_.emplace_back(std::move(names)).data();
    }
    if (auto *cls = s->cls.isForeign() ? dynamic_cast<CallbackObject *>(s->cls.get<ForeignObject>()) : nullptr) {
      out.handle = cls->handle;
      out.text = keep(cls->type);
      if (cls->isAggregateClass())
        out.flags |= TSC_FLAG_AGGREGATE;
    }
    return out;
  }
  case HostKind::List:
    out.kind = TSC_HOST_LIST;
    writeSequence(v.elements(), out);
    return out;
  case HostKind::Dict: {
    out.kind = TSC_HOST_DICT;
    std::vector<HostValue> flat;
    for (auto &[key, value] : v.get<DictObject>()->entries) {
      flat.push_back(key);
      flat.push_back(value);
    }
    writeSequence(flat, out);
    out.count = flat.size() / 2;
    return out;
  }
  case HostKind::Slice: {
    auto *s = v.get<SliceObject>();
    out.kind = TSC_HOST_SLICE;
    writeSequence({s->lower, s->upper, s->step}, out);
    return out;
  }
  case HostKind::Function:
    if (auto *f = dynamic_cast<CallbackFunction *>(v.get<FunctionObject>())) {
      out.kind = TSC_HOST_FUNCTION;
      out.handle = f->handle;
      out.text = keep(f->name);
      return out;
    }
    break;
  case HostKind::Opaque:
    out.kind = TSC_HOST_LANGUAGE;
    out.text = keep(v.get<OpaqueObject>()->path);
    return out;
  case HostKind::Foreign:
    writeForeign(v, out);
    return out;
  default:
    break;
  }
  if (host_)
    host_->fail("TypeError", "a value of type " + typeName(v) + " cannot be given to Python code");
  return out;
}

void HostValueWriter::writeForeign(const HostValue &v, tsc_host_value &out) {
  auto *f = v.get<ForeignObject>();
  if (auto *o = dynamic_cast<CallbackObject *>(f)) {
    out.kind = TSC_HOST_OBJECT;
    out.flags = o->what;
    out.handle = o->handle;
    out.text = keep(o->type);
    if (o->plain) {
      out.items = items_.emplace_back(std::vector{write(*o->plain)}).data();
      out.count = 1;
    }
  } else if (auto *d = dynamic_cast<DTypeObject *>(f)) {
    out.kind = TSC_HOST_DTYPE;
    out.text = keep(typeText(d->type));
  } else if (auto *c = dynamic_cast<ConstexprObject *>(f)) {
    out.kind = TSC_HOST_CONSTEXPR;
    out.items = items_.emplace_back(std::vector{write(c->value)}).data();
    out.count = 1;
  } else if (auto *l = dynamic_cast<LanguageFunction *>(f)) {
    out.kind = TSC_HOST_LANGUAGE;
    out.text = keep(l->path);
  } else if (auto *r = dynamic_cast<RuntimeObject *>(f)) {
    writeRuntime(r->value, out);
  } else if (host_) {
    host_->fail("TypeError", "a value of type " + f->typeName() + " cannot be given to Python code");
  }
}

void HostValueWriter::writeRuntime(const Value &v, tsc_host_value &out) {
  switch (v.kind) {
  case ValueKind::Absent:
    return;                 // None
  case ValueKind::Function: // of the language's library
    out.kind = TSC_HOST_LANGUAGE;
    out.text = keep(libraryPath(*v.function));
    return;
  case ValueKind::Slice:
    out.kind = TSC_HOST_SLICE;
    {
      std::vector<HostValue> parts;
      for (const Value &i : v.items())
        parts.push_back(toHostOrRuntime(i));
      writeSequence(parts, out);
    }
    return;
  default:
    break;
  }
  out.kind = TSC_HOST_RUNTIME;
  out.handle = host_->runtimeHandle(v);
  std::string type;
  if (v.isTensor())
    type = typeText(v.type);
  else if (v.kind == ValueKind::BlockPtr)
    type = shaped("block_ptr", v.type);
  else if (v.kind == ValueKind::Descriptor) {
    type = "tensordesc<" + elementText(v.type.elem) + "[";
    for (size_t i = 0; i < v.type.shape.size(); ++i)
      type += (i ? "," : "") + std::to_string(v.type.shape[i]);
    type += "]>";
  }
  out.text = keep(type);
}

} // namespace tessera::compiler
