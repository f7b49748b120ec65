// Protocols.cpp - attributes, items, calls, iteration, isinstance
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/evaluator/EvaluatorImpl.h"

#include <algorithm>

namespace tessera::py {

namespace {
constexpr int64_t kMaxList = 1 << 20;
} // namespace

MaybeValue EvaluatorImpl::resolvePath(const std::string &path) {
  if (auto v = host.resolve(path))
    return v;
  if (ev.hasError())
    return std::nullopt;
  if (auto v = knownPath(path))
    return v;
  auto o = std::make_shared<OpaqueObject>();
  o->path = path;
  return HostValue::object(HostKind::Opaque, std::move(o));
}

MaybeValue EvaluatorImpl::knownPath(std::string_view path) {
  std::string text(path);
  if (text.starts_with("tessera."))
    text = "triton." + text.substr(8);
  auto it = knownPaths.find(text);
  if (it == knownPaths.end())
    return std::nullopt;
  return it->second;
}

MaybeValue Evaluator::builtin(std::string_view name) {
  auto it = impl_->builtins.find(name);
  if (it == impl_->builtins.end())
    return std::nullopt;
  return it->second;
}

bool EvaluatorImpl::isSubclass(const ClassObject *cls, const ClassObject *of) {
  if (cls == of || of->name == "object")
    return true;
  for (const HostValue &b : cls->bases)
    if (b.kind() == HostKind::Class && isSubclass(b.get<ClassObject>(), of))
      return true;
  return false;
}

MaybeValue EvaluatorImpl::lookupMethod(const HostValue &self, std::string_view name) {
  if (self.kind() != HostKind::Instance)
    return std::nullopt;
  const HostValue *v = self.get<InstanceObject>()->cls->find(name);
  return v ? MaybeValue(*v) : std::nullopt;
}

MaybeValue EvaluatorImpl::callMethod(const HostValue &self, std::string_view name, Values args) {
  TSR_TRY(method, ev.getAttribute(self, name));
  return ev.call(*method, std::move(args));
}

MaybeValue Evaluator::getAttribute(const HostValue &v, std::string_view name) {
  auto missing = [&] {
    return raise("AttributeError", "'" + typeName(v) + "' object has no attribute '" + std::string(name) + "'");
  };
  auto bound = [&](const HostValue &self, const HostValue &member, const HostValue &cls) -> MaybeValue {
    if (member.kind() != HostKind::Function)
      return member;
    auto *f = member.get<FunctionObject>();
    if (f->isStatic)
      return member;
    auto m = std::make_shared<BoundMethodObject>();
    m->self = f->isClassMethod ? cls : self;
    m->function = member;
    HostValue method = HostValue::object(HostKind::BoundMethod, m);
    return f->isProperty ? call(method, {}) : MaybeValue(method);
  };
  switch (v.kind()) {
  case HostKind::Foreign: {
    auto r = v.get<ForeignObject>()->getAttribute(*this, name);
    if (r || hasError())
      return r;
    if (auto plain = v.get<ForeignObject>()->unwrap(); plain && plain->kind() != HostKind::Foreign)
      return getAttribute(*plain, name);
    return missing();
  }
  case HostKind::Opaque:
    return impl_->resolvePath(v.get<OpaqueObject>()->path + "." + std::string(name));
  case HostKind::Instance: {
    auto *i = v.get<InstanceObject>();
    HostValue cls = HostValue::object(HostKind::Class, i->cls);
    if (HostValue *field = i->find(name))
      return *field;
    if (const HostValue *member = i->cls->find(name))
      return bound(v, *member, cls);
    if (name == "__class__")
      return cls;
    if (name == "_value_" || name == "_name_")
      if (HostValue *field = i->find(name == "_value_" ? "value" : "name"))
        return *field;
    if (i->cls->isIntEnum)
      return getAttribute(*i->find("value"), name);
    return missing();
  }
  case HostKind::Class: {
    auto *c = v.get<ClassObject>();
    if (const HostValue *member = c->find(name)) {
      if (member->kind() == HostKind::Function && member->get<FunctionObject>()->isClassMethod)
        return bound(v, *member, v);
      return *member;
    }
    if (name == "__name__" || name == "__qualname__")
      return HostValue::string(c->name);
    if (name == "__members__" && c->flavour == ClassFlavour::Enum) {
      HostValue d = makeDict();
      for (auto &[k, m] : c->members)
        if (m.kind() == HostKind::Instance && !DictAccess{*this, *d.get<DictObject>()}.set(HostValue::string(k), m))
          return std::nullopt;
      return d;
    }
    if (name == "_fields" && c->flavour == ClassFlavour::NamedTuple) {
      Values names;
      for (const std::string &f : c->fields)
        names.push_back(HostValue::string(f));
      return HostValue::tuple(std::move(names));
    }
    return raise("AttributeError", "type object '" + c->name + "' has no attribute '" + std::string(name) + "'");
  }
  case HostKind::Tuple: {
    auto *s = v.get<SequenceObject>();
    for (size_t i = 0; i < s->fieldNames.size(); ++i)
      if (s->fieldNames[i] == name)
        return s->elements[i];
    if (s->cls.kind() == HostKind::Class) {
      if (const HostValue *member = s->cls.get<ClassObject>()->find(name))
        return bound(v, *member, s->cls);
      if (name == "_fields")
        return getAttribute(s->cls, name);
    }
    break;
  }
  case HostKind::Function:
    if (name == "__name__" || name == "__qualname__")
      return HostValue::string(v.get<FunctionObject>()->name);
    if (name == "fn" || name == "__wrapped__")
      return v;
    return missing();
  case HostKind::Int:
  case HostKind::Bool:
    if (name == "real" || name == "numerator")
      return HostValue::integer(v.bigInt());
    if (name == "imag")
      return HostValue::integer(int64_t(0));
    if (name == "denominator")
      return HostValue::integer(int64_t(1));
    break;
  case HostKind::Range: {
    auto *r = v.get<RangeObject>();
    if (name == "start" || name == "stop" || name == "step")
      return HostValue::integer(name == "start" ? r->start : name == "stop" ? r->stop : r->step);
    break;
  }
  case HostKind::Slice: {
    auto *s = v.get<SliceObject>();
    if (name == "start" || name == "stop" || name == "step")
      return name == "start" ? s->lower : name == "stop" ? s->upper : s->step;
    break;
  }
  default:
    break;
  }
  if (hasMethod(v, name))
    return makeBuiltin(std::string(name), callBuiltinMethod, v);
  return missing();
}

bool EvaluatorImpl::setAttribute(const HostValue &v, std::string_view name, const HostValue &value) {
  if (v.kind() == HostKind::Class) {
    v.get<ClassObject>()->members.emplace_back(std::string(name), value);
    return true;
  }
  if (v.kind() != HostKind::Instance) {
    ev.raise("AttributeError",
             "'" + typeName(v) + "' object has no attribute '" + std::string(name) + "' that could be set");
    return false;
  }
  auto *i = v.get<InstanceObject>();
  if (i->cls->isFrozen || i->cls->flavour == ClassFlavour::Enum) {
    ev.raise("AttributeError", "cannot assign to field '" + std::string(name) + "'");
    return false;
  }
  if (HostValue *field = i->find(name))
    *field = value;
  else
    i->fields.emplace_back(std::string(name), value);
  return true;
}

// start, stop, step of a slice on a sequence of `size`, as slice.indices gives them.
static bool sliceIndices(Evaluator &ev, const SliceObject &s, int64_t size, int64_t &start, int64_t &stop,
                         int64_t &step) {
  auto number = [&](const HostValue &given, int64_t fallback, int64_t &out) {
    HostValue v = unwrapped(given);
    if (v.isNone()) {
      out = fallback;
      return true;
    }
    if (!v.isIntOrBool()) {
      ev.raise("TypeError", "slice indices must be integers or None");
      return false;
    }
    auto n = v.toI64();
    out = n ? *n : v.bigInt().isNegative() ? INT64_MIN / 4 : INT64_MAX / 4;
    return true;
  };
  if (!number(s.step, 1, step))
    return false;
  if (step == 0) {
    ev.raise("ValueError", "slice step cannot be zero");
    return false;
  }
  step = std::clamp<int64_t>(step, -kMaxList * 4, kMaxList * 4);
  int64_t low = step < 0 ? -1 : 0, high = step < 0 ? size - 1 : size;
  if (!number(s.lower, step < 0 ? high : low, start) || !number(s.upper, step < 0 ? low : high, stop))
    return false;
  auto place = [&](int64_t v, bool given) {
    if (!given)
      return v;
    if (v < 0)
      v += size;
    return std::clamp(v, low, high);
  };
  start = place(start, !unwrapped(s.lower).isNone());
  stop = place(stop, !unwrapped(s.upper).isNone());
  return true;
}

MaybeValue EvaluatorImpl::slice(const HostValue &v, const SliceObject &s) {
  std::vector<std::string> chars;
  if (v.isStr())
    chars = codePoints(v.str());
  int64_t size = v.isStr()                     ? static_cast<int64_t>(chars.size())
                 : v.kind() == HostKind::Range ? v.get<RangeObject>()->size()
                                               : static_cast<int64_t>(v.elements().size());
  int64_t start, stop, step;
  if (!sliceIndices(ev, s, size, start, stop, step))
    return std::nullopt;
  if (v.kind() == HostKind::Range) {
    auto *r = v.get<RangeObject>();
    auto out = std::make_shared<RangeObject>();
    out->start = r->start + start * r->step;
    out->stop = r->start + stop * r->step;
    out->step = r->step * step;
    return HostValue::object(HostKind::Range, out);
  }
  std::string text;
  Values list;
  for (int64_t i = start; step > 0 ? i < stop : i > stop; i += step) {
    if (v.isStr())
      text += chars[static_cast<size_t>(i)];
    else
      list.push_back(v.elements()[static_cast<size_t>(i)]);
  }
  if (v.isStr())
    return HostValue::string(std::move(text));
  return v.isTuple() ? HostValue::tuple(std::move(list)) : HostValue::list(std::move(list));
}

MaybeValue Evaluator::getItem(const HostValue &container, const HostValue &key) {
  HostValue v = unwrapped(container), index = unwrapped(key);
  switch (v.kind()) {
  case HostKind::Str:
  case HostKind::Tuple:
  case HostKind::List:
  case HostKind::Range: {
    if (index.kind() == HostKind::Slice)
      return impl_->slice(v, *index.get<SliceObject>());
    auto i = index.toI64();
    if (index.kind() == HostKind::Instance && index.get<InstanceObject>()->cls->isIntEnum)
      i = index.get<InstanceObject>()->find("value")->toI64();
    if (!i)
      return raise("TypeError", typeName(v) + " indices must be integers or slices, not " + typeName(index));
    bool plainText = v.isStr() && codePointCount(v.str()) == v.str().size();
    int64_t size = v.isStr()                     ? static_cast<int64_t>(codePointCount(v.str()))
                   : v.kind() == HostKind::Range ? v.get<RangeObject>()->size()
                                                 : static_cast<int64_t>(v.elements().size());
    int64_t at = *i < 0 ? *i + size : *i;
    if (at < 0 || at >= size)
      return raise("IndexError", (v.isStr()                     ? "string"
                                  : v.kind() == HostKind::Range ? "range object"
                                                                : typeName(v)) +
                                     " index out of range");
    if (v.isStr())
      return HostValue::string(plainText ? std::string(1, v.str()[static_cast<size_t>(at)])
                                         : codePoints(v.str())[static_cast<size_t>(at)]);
    if (v.kind() == HostKind::Range)
      return HostValue::integer(v.get<RangeObject>()->start + at * v.get<RangeObject>()->step);
    return v.elements()[static_cast<size_t>(at)];
  }
  case HostKind::Dict: {
    DictAccess d{*this, *v.get<DictObject>()};
    TSR_TRY(at, d.find(index));
    if (*at < 0)
      return raise("KeyError", repr(index));
    return d.d.entries[static_cast<size_t>(*at)].second;
  }
  case HostKind::Class: {
    auto *c = v.get<ClassObject>();
    if (c->flavour == ClassFlavour::Enum && index.isStr()) {
      if (const HostValue *m = c->find(index.str()))
        return *m;
      return raise("KeyError", repr(index));
    }
    return v; // list[int] and the like
  }
  case HostKind::Opaque:
    return v; // typing.Optional[int]
  case HostKind::Instance:
    if (impl_->lookupMethod(v, "__getitem__"))
      return impl_->callMethod(v, "__getitem__", {index});
    break;
  case HostKind::Foreign: {
    auto r = v.get<ForeignObject>()->getItem(*this, index);
    if (r || hasError())
      return r;
    break;
  }
  default:
    break;
  }
  return raise("TypeError", "'" + typeName(v) + "' object is not subscriptable");
}

bool EvaluatorImpl::setItem(const HostValue &v, const HostValue &index, const HostValue &value) {
  if (v.kind() == HostKind::Dict)
    return DictAccess{ev, *v.get<DictObject>()}.set(index, value);
  if (v.kind() == HostKind::Instance && lookupMethod(v, "__setitem__"))
    return callMethod(v, "__setitem__", {index, value}).has_value();
  if (v.isList()) {
    auto i = unwrapped(index).toI64();
    if (!i) {
      ev.raise("TypeError", "list indices must be integers here, not " + typeName(index));
      return false;
    }
    auto &list = v.elements();
    int64_t at = *i < 0 ? *i + static_cast<int64_t>(list.size()) : *i;
    if (at < 0 || at >= static_cast<int64_t>(list.size())) {
      ev.raise("IndexError", "list assignment index out of range");
      return false;
    }
    list[static_cast<size_t>(at)] = value;
    return true;
  }
  ev.raise("TypeError", "'" + typeName(v) + "' object does not support item assignment");
  return false;
}

MaybeValue Evaluator::call(const HostValue &callee, std::vector<HostValue> args, HostKeywords keywords) {
  Entry entry(*impl_);
  if (!impl_->step())
    return std::nullopt;
  if (impl_->frames.size() >= depthLimit)
    return raise("RecursionError", "maximum recursion depth exceeded at compile time");
  switch (callee.kind()) {
  case HostKind::Function:
    return impl_->callFunction(callee, std::move(args), std::move(keywords));
  case HostKind::Builtin: {
    auto *b = callee.get<BuiltinObject>();
    HostValue keepAlive = callee; // NOLINT(performance-unnecessary-copy-initialization): the call may rebind it
    return b->call(*this, *b, args, keywords);
  }
  case HostKind::BoundMethod: {
    auto *m = callee.get<BoundMethodObject>();
    args.insert(args.begin(), m->self);
    return call(HostValue(m->function), std::move(args), std::move(keywords));
  }
  case HostKind::Class:
    return impl_->instantiate(callee, std::move(args), std::move(keywords));
  case HostKind::Instance:
    if (impl_->lookupMethod(callee, "__call__")) {
      TSR_TRY(method, getAttribute(callee, "__call__"));
      return call(*method, std::move(args), std::move(keywords));
    }
    break;
  case HostKind::Foreign: {
    auto *f = callee.get<ForeignObject>();
    if (!f->isCallable())
      break;
    auto r = f->call(*this, args, keywords);
    if (!r && !hasError())
      return raise("TypeError", "'" + f->repr() + "' cannot be called with these arguments at compile time");
    return r;
  }
  case HostKind::Opaque:
    return impl_->unsupported("'" + callee.get<OpaqueObject>()->path +
                              "' is not available when compiling without Python, so it cannot be called");
  default:
    break;
  }
  return raise("TypeError", "'" + typeName(callee) + "' object is not callable");
}

std::optional<std::vector<HostValue>> Evaluator::iterate(const HostValue &value) {
  HostValue v = unwrapped(value);
  Values out;
  switch (v.kind()) {
  case HostKind::Tuple:
  case HostKind::List:
    return v.elements();
  case HostKind::Str:
    for (std::string &c : codePoints(v.str()))
      out.push_back(HostValue::string(std::move(c)));
    return out;
  case HostKind::Dict:
  case HostKind::Set:
    for (auto &entry : v.get<DictObject>()->entries)
      out.push_back(entry.first);
    return out;
  case HostKind::Range: {
    auto *r = v.get<RangeObject>();
    int64_t n = r->size();
    if (n > kMaxList)
      return raise("OverflowError", "this range has too many elements to list at compile time");
    for (int64_t i = 0; i < n; ++i)
      out.push_back(HostValue::integer(r->start + i * r->step));
    impl_->steps += static_cast<uint64_t>(n);
    return out;
  }
  case HostKind::Foreign:
    if (LiveObject *live = liveObject(v)) {
      TSR_TRY(r, live->apply(*this, LiveOp::Iterate, {v}));
      if (r->isList() || r->isTuple())
        return r->elements();
    }
    break;
  case HostKind::Class:
    if (v.get<ClassObject>()->flavour == ClassFlavour::Enum) {
      for (auto &member : v.get<ClassObject>()->members)
        if (member.second.kind() == HostKind::Instance &&
            str(*member.second.get<InstanceObject>()->find("name")) == member.first)
          out.push_back(member.second);
      return out;
    }
    break;
  case HostKind::Instance:
    if (impl_->lookupMethod(v, "__iter__")) {
      TSR_TRY(r, impl_->callMethod(v, "__iter__", {}));
      if (r->kind() == HostKind::Instance)
        return impl_->unsupported("iterators written in Python are not supported at compile time");
      return iterate(*r);
    }
    if (impl_->lookupMethod(v, "__getitem__") && impl_->lookupMethod(v, "__len__")) {
      TSR_TRY(n, impl_->callMethod(v, "__len__", {}));
      for (int64_t i = 0; i < n->toI64().value_or(0) && i < kMaxList; ++i) {
        TSR_TRY(x, impl_->callMethod(v, "__getitem__", {HostValue::integer(i)}));
        out.push_back(*x);
      }
      return out;
    }
    break;
  case HostKind::Opaque:
    return impl_->unsupported("'" + v.get<OpaqueObject>()->path +
                              "' is not available when compiling without Python, so it cannot be iterated over");
  default:
    break;
  }
  return raise("TypeError", "'" + typeName(v) + "' object is not iterable");
}

std::optional<bool> Evaluator::isInstance(const HostValue &value, const HostValue &cls) {
  if (cls.isTuple()) {
    for (const HostValue &c : cls.elements()) {
      TSR_TRY(r, isInstance(value, c));
      if (*r)
        return true;
    }
    return false;
  }
  if (LiveObject *live = liveObject(value) ? liveObject(value) : liveObject(cls)) {
    TSR_TRY(r, live->apply(*this, LiveOp::IsInstance, {value, cls}));
    return r->isBool() && r->boolValue();
  }
  if (cls.isForeign()) {
    if (auto r = cls.get<ForeignObject>()->isInstance(value))
      return r;
  } else if (cls.kind() == HostKind::Opaque) {
    return false; // nothing here is an instance of a class that is not here
  } else if (cls.kind() == HostKind::Class) {
    auto *c = cls.get<ClassObject>();
    HostValue v = c->flavour == ClassFlavour::Builtin ? unwrapped(value) : value;
    if (v.kind() == HostKind::Instance) {
      auto *own = v.get<InstanceObject>()->cls.get();
      if (own->isIntEnum && c->flavour == ClassFlavour::Builtin)
        return isInstance(*v.get<InstanceObject>()->find("value"), cls);
      return impl_->isSubclass(own, c);
    }
    if (v.isTuple() && v.get<SequenceObject>()->cls.kind() == HostKind::Class &&
        impl_->isSubclass(v.get<SequenceObject>()->cls.get<ClassObject>(), c))
      return true;
    if (c->flavour != ClassFlavour::Builtin)
      return false;
    std::string type = v.isTuple() ? "tuple" : typeName(v);
    return c->name == type || c->name == "object" || (c->name == "int" && v.isBool());
  }
  return raise("TypeError", "isinstance() arg 2 must be a type or a tuple of types");
}

HostValue makeBuiltin(std::string name, decltype(BuiltinObject::call) call, HostValue bound) {
  auto b = std::make_shared<BuiltinObject>();
  b->name = std::move(name);
  b->call = call;
  b->bound = std::move(bound);
  return HostValue::object(HostKind::Builtin, std::move(b));
}

} // namespace tessera::py
