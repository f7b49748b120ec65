// Define.cpp - functions and classes: making them, calling them
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/evaluator/EvaluatorImpl.h"

#include <algorithm>

namespace tessera::py {

namespace {
bool isOurs(std::string_view path) { return path.starts_with("triton.") || path.starts_with("tessera."); }
std::string_view lastPart(std::string_view path) { return path.substr(path.rfind('.') + 1); }
} // namespace

std::shared_ptr<Scope> EvaluatorImpl::closureHere() {
  Frame &f = *frames.back();
  std::shared_ptr<Scope> scope = f.isClass && f.locals ? f.locals->parent : f.locals;
  if (scope)
    captured.push_back(scope);
  return scope;
}

// The dotted name of a decorator with the module's imports resolved; empty where it is no dotted name.
std::string EvaluatorImpl::dottedPath(const Expr *e) {
  if (auto *call = dyn<Call>(e))
    return dottedPath(call->func);
  if (auto *a = dyn<Attribute>(e)) {
    std::string base = dottedPath(a->value);
    return base.empty() ? base : base + "." + std::string(a->attr);
  }
  auto *n = dyn<Name>(e);
  if (!n)
    return {};
  ModuleScope *module = frames.back()->module;
  if (module && !findLocal(n->id) && module->binds(n->id)) {
    std::vector<const Stmt *> todo(module->tree()->body.begin(), module->tree()->body.end());
    for (size_t i = 0; i < todo.size(); ++i) {
      if (auto *im = dyn<Import>(todo[i])) {
        for (const Alias &a : im->names)
          if ((a.asname.empty() ? a.name.substr(0, a.name.find('.')) : a.asname) == n->id)
            return std::string(a.asname.empty() ? n->id : a.name);
      } else if (auto *from = dyn<ImportFrom>(todo[i])) {
        for (const Alias &a : from->names)
          if ((a.asname.empty() ? a.name : a.asname) == n->id)
            return std::string(from->level, '.') + std::string(from->module) + (from->module.empty() ? "" : ".") +
                   std::string(a.name);
      } else if (auto *t = dyn<Try>(todo[i])) {
        todo.insert(todo.end(), t->body.begin(), t->body.end());
      } else if (auto *c = dyn<If>(todo[i])) {
        todo.insert(todo.end(), c->body.begin(), c->body.end());
        todo.insert(todo.end(), c->orelse.begin(), c->orelse.end());
      } else if (auto *s = dyn<Assign>(todo[i])) { // jit = triton.jit
        if (s->targets.size() == 1 && isa<Name>(s->targets[0]) && as<Name>(s->targets[0])->id == n->id &&
            isa<Attribute>(s->value))
          return dottedPath(s->value);
      }
    }
  }
  return std::string(n->id);
}

std::vector<std::string> EvaluatorImpl::decoratorPaths(std::span<Expr *> decorators,
                                                       std::vector<const Expr *> &toApply) {
  std::vector<std::string> out;
  for (const Expr *d : decorators) {
    out.push_back(dottedPath(d));
    // A decorator written in this module is applied; what libraries bring does not change the meaning at compile time.
    auto *n = dyn<Name>(d);
    if (n && frames.back()->module && frames.back()->module->binds(n->id) && out.back() == n->id)
      toApply.push_back(d);
  }
  return out;
}

bool EvaluatorImpl::functionDefaults(const Arguments *args, FunctionObject &f) {
  for (const Expr *d : args->defaults) {
    auto v = eval(d);
    if (!v)
      return false;
    f.defaults.push_back(std::move(*v));
  }
  for (const Expr *d : args->kwDefaults) {
    auto v = d ? eval(d) : MaybeValue(HostValue());
    if (!v)
      return false;
    f.kwDefaults.push_back(std::move(*v));
  }
  return true;
}

MaybeValue EvaluatorImpl::makeFunction(const FunctionDef *def) {
  auto f = std::make_shared<FunctionObject>();
  f->name = def->name;
  f->def = def;
  f->module = frames.back()->module;
  f->closure = closureHere();
  std::vector<const Expr *> toApply;
  f->decorators = decoratorPaths(def->decorators, toApply);
  for (std::string_view d : f->decorators) {
    f->isJit |= isOurs(d) && lastPart(d) == "jit";
    f->isConstexpr |= isOurs(d) && lastPart(d) == "constexpr_function";
    f->isStatic |= d == "staticmethod";
    f->isClassMethod |= d == "classmethod";
    f->isProperty |= d == "property" || d == "functools.cached_property";
  }
  if (!functionDefaults(def->args, *f)) {
    if (!f->isJit || ev.error_->type != "Unsupported")
      return std::nullopt;
    // A kernel may have defaults that only its host side needs; analysis asks for them when it needs them.
    ev.takeError();
    f->defaults.clear();
    f->kwDefaults.clear();
  }
  HostValue v = HostValue::object(HostKind::Function, f);
  if (f->isJit)
    return v;
  for (auto it = toApply.rbegin(); it != toApply.rend(); ++it) {
    TSR_TRY(decorator, eval(*it));
    TSR_TRY(made, ev.call(*decorator, {v}));
    v = *made;
  }
  return v;
}

bool EvaluatorImpl::bindArguments(const FunctionObject &f, const Arguments *a, Values &args, HostKeywords &keywords,
                                  Scope &scope) {
  std::vector<const Arg *> positional;
  for (const Arg &p : a->posonlyargs)
    positional.push_back(&p);
  for (const Arg &p : a->args)
    positional.push_back(&p);
  auto fail = [&](const std::string &message) {
    ev.raise("TypeError", f.name + "() " + message);
    return false;
  };
  size_t given = std::min(args.size(), positional.size());
  for (size_t i = 0; i < given; ++i)
    scope.names[positional[i]->name] = args[i];
  if (a->vararg)
    scope.names[a->vararg->name] = HostValue::tuple(Values(args.begin() + static_cast<ptrdiff_t>(given), args.end()));
  else if (args.size() > positional.size())
    return fail("takes " + std::to_string(positional.size()) + " positional argument" +
                (positional.size() == 1 ? "" : "s") + " but " + std::to_string(args.size()) +
                (args.size() == 1 ? " was" : " were") + " given");
  HostValue extra = makeDict();
  for (auto &[name, value] : keywords) {
    const Arg *target = nullptr;
    for (size_t i = a->posonlyargs.size(); i < positional.size() && !target; ++i)
      if (positional[i]->name == name)
        target = positional[i];
    for (const Arg &p : a->kwonlyargs)
      if (p.name == name)
        target = &p;
    if (!target) {
      if (!a->kwarg)
        return fail("got an unexpected keyword argument '" + name + "'");
      if (!DictAccess{ev, *extra.get<DictObject>()}.set(HostValue::string(name), value))
        return false;
      continue;
    }
    if (!scope.names.emplace(target->name, value).second)
      return fail("got multiple values for argument '" + name + "'");
  }
  if (a->kwarg)
    scope.names[a->kwarg->name] = extra;
  std::string missing;
  auto lacks = [&](const Arg &p) { missing += (missing.empty() ? "'" : ", '") + std::string(p.name) + "'"; };
  size_t firstDefault = positional.size() - std::min(positional.size(), f.defaults.size());
  for (size_t i = 0; i < positional.size(); ++i)
    if (!scope.names.count(positional[i]->name)) {
      if (i >= firstDefault)
        scope.names[positional[i]->name] = f.defaults[i - firstDefault];
      else
        lacks(*positional[i]);
    }
  for (size_t i = 0; i < a->kwonlyargs.size(); ++i)
    if (!scope.names.count(a->kwonlyargs[i].name)) {
      if (i < a->kwDefaults.size() && a->kwDefaults[i])
        scope.names[a->kwonlyargs[i].name] = f.kwDefaults[i];
      else
        lacks(a->kwonlyargs[i]);
    }
  return missing.empty() || fail("is missing the argument " + missing);
}

MaybeValue EvaluatorImpl::callFunction(const HostValue &callee, Values args, HostKeywords keywords) {
  HostValue keepAlive = callee; // NOLINT(performance-unnecessary-copy-initialization): the call may rebind it
  FunctionObject &f = *callee.get<FunctionObject>();
  if (f.isJit)
    return unsupported(
        "'" + f.name +
        "' is a kernel function: at compile time only plain functions and constexpr functions can be called");
  if (f.def && f.def->isAsync)
    return unsupported("'async' functions are not supported at compile time");
  if (frames.size() >= ev.depthLimit)
    return ev.raise("RecursionError", "maximum recursion depth exceeded at compile time");
  auto scope = std::make_shared<Scope>();
  scope->parent = f.closure;
  if (!bindArguments(f, f.def ? f.def->args : f.lambda->args, args, keywords, *scope))
    return std::nullopt;
  SourcePlace from = place();
  MaybeValue result = runBody(f, scope);
  if (!result && ev.error_ && ev.error_->trace.size() < 10 && from.file)
    ev.error_->trace.push_back({from, "in the call of '" + f.name + "' here"});
  return result;
}

MaybeValue EvaluatorImpl::runBody(const FunctionObject &f, std::shared_ptr<Scope> scope) {
  Frame frame;
  frame.module = f.module;
  frame.locals = std::move(scope);
  frames.push_back(&frame);
  MaybeValue result;
  if (f.lambda) {
    result = eval(f.lambda->body);
  } else {
    Flow flow = execAll(f.def->body);
    if (flow != Flow::Error)
      result = frame.result;
  }
  frames.pop_back();
  return result;
}

MaybeValue EvaluatorImpl::makeClass(const ClassDef *def) {
  auto cls = std::make_shared<ClassObject>();
  cls->name = def->name;
  cls->def = def;
  cls->module = frames.back()->module;
  std::vector<const Expr *> toApply;
  cls->decorators = decoratorPaths(def->decorators, toApply);
  for (const Expr *b : def->bases) {
    std::string path = dottedPath(isa<Subscript>(b) ? as<Subscript>(b)->value : b);
    std::string_view last = lastPart(path);
    if (path.starts_with("enum.")) {
      cls->flavour = ClassFlavour::Enum;
      cls->isIntEnum = last == "IntEnum" || last == "IntFlag" || last == "StrEnum";
      continue;
    }
    if (path == "typing.NamedTuple") {
      cls->flavour = ClassFlavour::NamedTuple;
      continue;
    }
    if (path == "object" || path.starts_with("typing.") || path.starts_with("abc.") ||
        path.starts_with("typing_extensions."))
      continue;
    TSR_TRY(base, eval(b));
    if (base->kind() == HostKind::Class) {
      auto *parent = base->get<ClassObject>();
      if (parent->flavour == ClassFlavour::Builtin && cls->flavour == ClassFlavour::Enum) {
        cls->isIntEnum = true;
        continue;
      }
      if (parent->flavour != ClassFlavour::Builtin) {
        cls->flavour = parent->flavour;
        cls->isIntEnum |= parent->isIntEnum;
        cls->fields = parent->fields;
      } else if (parent->name == "int" || parent->name == "str") {
        cls->isIntEnum = true; // class Mode(int, Enum)
        continue;
      }
    }
    cls->bases.push_back(*base);
  }
  if (cls->flavour != ClassFlavour::Enum)
    cls->isIntEnum = false;
  for (size_t i = 0; i < cls->decorators.size(); ++i)
    if (lastPart(cls->decorators[i]) == "dataclass") {
      cls->flavour = ClassFlavour::Dataclass;
      if (auto *call = dyn<Call>(def->decorators[i]))
        for (const Keyword &k : call->keywords)
          if (k.name == "frozen") {
            TSR_TRY(v, eval(k.value));
            TSR_TRY(t, ev.truth(*v));
            cls->isFrozen = *t;
          }
    }
  Frame frame;
  frame.module = frames.back()->module;
  frame.limit = frames.back()->limit;
  frame.isClass = true;
  frame.locals = std::make_shared<Scope>();
  frame.locals->parent = frames.back()->locals;
  frames.push_back(&frame);
  Flow flow = execAll(def->body);
  frames.pop_back();
  if (flow == Flow::Error)
    return std::nullopt;
  std::vector<std::string_view> order;
  for (const Stmt *s : def->body) {
    boundNames(s, order);
    if (auto *a = dyn<AnnAssign>(s))
      if (auto *n = dyn<Name>(a->target);
          n && std::find(cls->fields.begin(), cls->fields.end(), n->id) == cls->fields.end())
        cls->fields.emplace_back(n->id);
  }
  for (std::string_view n : order)
    if (auto it = frame.locals->names.find(n); it != frame.locals->names.end()) {
      cls->members.emplace_back(std::string(n), it->second);
      frame.locals->names.erase(it);
    }
  classes.push_back(cls);
  HostValue v = HostValue::object(HostKind::Class, cls);
  if (cls->flavour == ClassFlavour::Enum && !finishEnum(v))
    return std::nullopt;
  return v;
}

// Plain members of an Enum become its instances.
bool EvaluatorImpl::finishEnum(const HostValue &value) {
  auto cls = std::static_pointer_cast<ClassObject>(value.shared());
  int64_t next = 1;
  std::vector<HostValue> made;
  for (auto &[name, v] : cls->members) {
    if (name.starts_with("_") || v.kind() == HostKind::Function || v.kind() == HostKind::Class)
      continue;
    HostValue content = v;
    if (content.kind() == HostKind::Opaque && content.get<OpaqueObject>()->path == "enum.auto()")
      content = HostValue::integer(next);
    if (auto n = content.toI64())
      next = *n + 1;
    HostValue alias;
    for (const HostValue &m : made) {
      auto same = equals(*m.get<InstanceObject>()->find("value"), content);
      if (!same)
        return false;
      if (*same)
        alias = m;
    }
    if (!alias.isNone()) {
      v = alias;
      continue;
    }
    auto member = std::make_shared<InstanceObject>();
    member->cls = cls;
    member->fields = {{"name", HostValue::string(name)}, {"value", content}};
    v = HostValue::object(HostKind::Instance, member);
    made.push_back(v);
  }
  return true;
}

MaybeValue EvaluatorImpl::instantiateTuple(const HostValue &value, const std::vector<std::string> &fields, Values args,
                                           HostKeywords keywords) {
  auto *cls = value.get<ClassObject>();
  if (args.size() > fields.size())
    return ev.raise("TypeError", cls->name + "() takes " + std::to_string(fields.size()) + " arguments but " +
                                     std::to_string(args.size()) + " were given");
  for (size_t i = args.size(); i < fields.size(); ++i) {
    MaybeValue v;
    for (auto &[k, given] : keywords)
      if (k == fields[i])
        v = given;
    if (!v)
      if (const HostValue *d = cls->find(fields[i]))
        v = *d;
    if (!v)
      return ev.raise("TypeError", cls->name + "() is missing the argument '" + fields[i] + "'");
    args.push_back(*v);
  }
  for (auto &[k, given] : keywords)
    if (std::find(fields.begin(), fields.end(), k) == fields.end())
      return ev.raise("TypeError", cls->name + "() got an unexpected keyword argument '" + k + "'");
  HostValue t = HostValue::tuple(std::move(args));
  t.get<SequenceObject>()->cls = value;
  t.get<SequenceObject>()->fieldNames = fields;
  return t;
}

MaybeValue EvaluatorImpl::instantiateDataclass(const HostValue &value, Values args, HostKeywords keywords) {
  auto cls = std::static_pointer_cast<ClassObject>(value.shared());
  auto made = std::make_shared<InstanceObject>();
  made->cls = cls;
  HostValue instance = HostValue::object(HostKind::Instance, made);
  if (args.size() > cls->fields.size())
    return ev.raise("TypeError", cls->name + "() takes " + std::to_string(cls->fields.size()) + " arguments but " +
                                     std::to_string(args.size()) + " were given");
  for (size_t i = 0; i < cls->fields.size(); ++i) {
    const std::string &name = cls->fields[i];
    MaybeValue v;
    if (i < args.size())
      v = args[i];
    for (auto &[k, given] : keywords)
      if (k == name)
        v = given;
    if (const HostValue *d = v ? nullptr : cls->find(name)) {
      v = *d;
      if (d->kind() == HostKind::Instance && d->get<InstanceObject>()->cls->name == "Field") {
        auto *field = d->get<InstanceObject>();
        if (HostValue *factory = field->find("default_factory"))
          v = ev.call(*factory, {});
        else if (HostValue *plain = field->find("default"))
          v = *plain;
        if (!v)
          return v;
      }
    }
    if (!v)
      return ev.raise("TypeError", cls->name + "() is missing the argument '" + name + "'");
    made->fields.emplace_back(name, *v);
  }
  for (auto &[k, given] : keywords)
    if (std::find(cls->fields.begin(), cls->fields.end(), k) == cls->fields.end())
      return ev.raise("TypeError", cls->name + "() got an unexpected keyword argument '" + k + "'");
  if (lookupMethod(instance, "__post_init__"))
    if (!callMethod(instance, "__post_init__", {}))
      return std::nullopt;
  return instance;
}

MaybeValue EvaluatorImpl::instantiate(const HostValue &value, Values args, HostKeywords keywords) {
  auto cls = std::static_pointer_cast<ClassObject>(value.shared());
  switch (cls->flavour) {
  case ClassFlavour::Builtin:
    return builtinTypeCall(cls->name, args, keywords);
  case ClassFlavour::NamedTuple:
    return instantiateTuple(value, cls->fields, std::move(args), std::move(keywords));
  case ClassFlavour::Enum: {
    if (args.size() == 1)
      for (auto &member : cls->members) {
        const HostValue &v = member.second;
        if (v.kind() != HostKind::Instance || v.get<InstanceObject>()->cls != cls)
          continue;
        TSR_TRY(same, v.isSame(args[0]) ? std::optional<bool>(true)
                                        : equals(*v.get<InstanceObject>()->find("value"), args[0]));
        if (*same)
          return v;
      }
    return ev.raise("ValueError",
                    (args.empty() ? std::string("nothing") : repr(args[0])) + " is not a valid " + cls->name);
  }
  default:
    break;
  }
  bool hasInit = cls->find("__init__") != nullptr;
  if (cls->flavour == ClassFlavour::Dataclass && !hasInit)
    return instantiateDataclass(value, std::move(args), std::move(keywords));
  auto made = std::make_shared<InstanceObject>();
  made->cls = cls;
  HostValue instance = HostValue::object(HostKind::Instance, made);
  if (cls->flavour == ClassFlavour::Exception)
    made->fields.emplace_back("args", HostValue::tuple(args));
  if (hasInit) {
    TSR_TRY(init, ev.getAttribute(instance, "__init__"));
    TSR_TRY(ok, ev.call(*init, std::move(args), std::move(keywords)));
  } else if (cls->flavour != ClassFlavour::Exception && (!args.empty() || !keywords.empty())) {
    return ev.raise("TypeError", cls->name + "() takes no arguments");
  }
  return instance;
}

} // namespace tessera::py
