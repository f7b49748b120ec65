// Calls.cpp - calls: jit functions are inlined, builtins bound to their parameters, host functions evaluated
//
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/sema/Aggregates.h"
#include "frontends/python/sema/HostTypes.h"
#include "frontends/python/sema/Scopes.h"
#include "frontends/python/sema/Visitor.h"

namespace tessera::py {

std::optional<Value> typeMethod(const TensorType &type, std::string_view name); // Attributes.cpp

// As functions these take fp32 and fp64 alone; as methods Triton gives them 16-bit floats as well.
static bool isHalfMath(const BuiltinDef &def, const Value &x) {
  static constexpr std::string_view kNames[] = {"exp", "exp2",  "log",  "log2",  "sin", "cos",
                                                "erf", "floor", "ceil", "rsqrt", "sqrt"};
  return x.isTensor() && (x.elem().is(ScalarKind::FP16) || x.elem().is(ScalarKind::BF16)) &&
         std::find(std::begin(kNames), std::end(kNames), std::string_view(def.name)) != std::end(kNames);
}

Value Visitor::call(const Value &callee, std::vector<Value> args, Keywords keywords) {
  for (const Value &v : args)
    if (v.kind == ValueKind::Error)
      throw Suppressed{};
  for (auto &k : keywords)
    if (k.second.kind == ValueKind::Error)
      throw Suppressed{};
  switch (callee.kind) {
  case ValueKind::Function:
    return callFunction(callee, std::move(args), std::move(keywords));
  case ValueKind::Builtin:
    return callBuiltin(*callee.builtin, std::move(args), std::move(keywords));
  case ValueKind::Bound: {
    const Value &self = callee.items()[0], &target = callee.items()[1];
    if (self.isType()) {
      if (descriptorTypeIn(self.host)) // its only method is mangle
        return constStr("TD" + self.type.str());
      if (auto v = typeMethod(self.type, target.host.str()))
        return *v;
      failType(target.host.str() + " needs an integer type, not " + self.type.str());
    }
    if (args.empty() && keywords.empty() && target.kind == ValueKind::Builtin && isHalfMath(*target.builtin, self))
      return cast(call(target, {cast(self, dtype(ScalarKind::FP32))}, {}), self.elem());
    args.insert(args.begin(), self);
    return call(target, std::move(args), std::move(keywords));
  }
  case ValueKind::Type:
    if (args.size() == 1)
      return cast(toTensor(args[0]), needDType(callee, "the type"));
    break;
  case ValueKind::Const: {
    if (callee.host.kind() == HostKind::Opaque)
      fail(DiagId::UnknownName, "`" + callee.host.get<OpaqueObject>()->path + "` is not known here",
           "kernels can call jit functions, functions of triton.language and constexpr functions");
    std::vector<HostValue> hostArgs;
    HostKeywords hostKeywords;
    if (liveObject(callee.host)) { // Python code may take values of the kernel
      unsigned before = errors;
      for (const Value &v : args)
        hostArgs.push_back(toHostOrRuntime(v));
      for (auto &k : keywords)
        hostKeywords.emplace_back(std::string(k.first), toHostOrRuntime(k.second));
      Value r = hostResult(host.evaluator().call(callee.host, std::move(hostArgs), std::move(hostKeywords)));
      if (errors != before) // a jit function that it called said why
        throw Suppressed{};
      return r;
    }
    // Plain Python with values of the kernel: run here, on those values.
    if (const FunctionObject *plain = plainFunction(callee.host)) {
      bool runtime = llvm::any_of(args, [](const Value &v) { return !toHost(v); }) ||
                     llvm::any_of(keywords, [](auto &k) { return !toHost(k.second); });
      for (const Arg &a : plain->def->args->args)
        runtime |= a.name == "_semantic";
      if (runtime)
        return callFunction(functionValue(callee.host, false), std::move(args), std::move(keywords));
    }
    bool isFunction = callee.host.kind() == HostKind::Function || callee.host.kind() == HostKind::BoundMethod;
    auto known = [&](const Value &v) {
      auto h = toHost(v);
      if (!h && v.isTensor() && isFunction) // constexpr functions may look at types
        return HostValue::foreign(std::make_shared<RuntimeObject>(v));
      if (!h)
        fail(DiagId::NotConstexpr,
             "arguments of " + describe(callee) + " must be known at compile time; this one is " + describeType(v));
      return *h;
    };
    if (isAggregateClass(callee.host))
      return construct(callee, std::move(args), std::move(keywords));
    // A named tuple may hold runtime values.
    if (callee.host.kind() == HostKind::Class && callee.host.get<ClassObject>()->flavour == ClassFlavour::NamedTuple) {
      auto *cls = callee.host.get<ClassObject>();
      std::vector<Value> fields(cls->fields.size());
      if (args.size() > fields.size())
        failArgument(cls->name + " has " + std::to_string(fields.size()) + " fields, and " +
                     std::to_string(args.size()) + " are given");
      std::move(args.begin(), args.end(), fields.begin());
      for (auto &[name, value] : keywords) {
        auto it = std::find(cls->fields.begin(), cls->fields.end(), name);
        if (it == cls->fields.end())
          failArgument(cls->name + " has no field `" + std::string(name) + "`");
        fields[it - cls->fields.begin()] = value;
      }
      for (size_t i = 0; i < fields.size(); ++i)
        if (fields[i].isAbsent()) {
          const HostValue *d = cls->find(cls->fields[i]);
          if (!d)
            failArgument("field `" + cls->fields[i] + "` of " + cls->name + " is missing");
          fields[i] = *fromHost(*d);
        }
      Value r = tuple(std::move(fields), cls->fields, cls->name);
      const_cast<TupleData *>(r.parts.get())->cls = callee.host;
      return r;
    }
    for (const Value &v : args)
      hostArgs.push_back(known(v));
    for (auto &k : keywords)
      hostKeywords.emplace_back(std::string(k.first), known(k.second));
    host.evaluator().setPlace(currentPlace());
    return hostResult(host.evaluator().call(callee.host, std::move(hostArgs), std::move(hostKeywords)));
  }
  default:
    break;
  }
  failType(describe(callee) + " cannot be called");
}

// Enters the callee: its frame, its caller for locations and notes.
struct CallScope {
  Visitor &v;
  size_t depth;
  mlir::Location loc;
  Span place;
  explicit CallScope(Visitor &visitor)
      : v(visitor), depth(visitor.frames.size()), loc(visitor.loc), place(visitor.place) {}
  ~CallScope() {
    v.frames.resize(depth);
    v.loc = loc;
    v.place = place;
  }
};

Value Visitor::callFunction(const Value &fn, std::vector<Value> args, Keywords keywords) {
  const JitFunction &callee = *fn.function;
  if (callee.space == kLibdeviceSpace && keywords.empty())
    matchLibdeviceArguments(*this, callee.name, args);
  if (frames.size() > options.maxCallDepth)
    fail(DiagId::RecursionTooDeep,
         "calls are nested deeper than " + std::to_string(options.maxCallDepth) + " in " + callee.name,
         "recursion must end at compile time, by a constexpr condition");
  if (callee.def->isAsync)
    fail(DiagId::UnsupportedSyntax, "unsupported AST node type: AsyncFunctionDef", "write def without async");
  const Arguments &params = *callee.def->args;
  if (params.kwarg)
    fail(DiagId::UnsupportedSyntax, "function " + callee.name + " takes **" + std::string(params.kwarg->name) +
                                        ": functions take a fixed list of keywords");
  std::vector<const Arg *> names;
  for (auto *list : {&params.posonlyargs, &params.args})
    for (const Arg &a : *list)
      names.push_back(&a);
  size_t positional = names.size();
  for (const Arg &a : params.kwonlyargs)
    names.push_back(&a);
  if (callee.object && callee.object->isNoinline) {
    auto scalarOnly = [&](const Value &v) {
      if (v.isBlock())
        failArgument("Function " + callee.name + " is marked noinline, but was called with non-scalar argument " +
                     describeType(v));
    };
    for (const Value &v : args)
      scalarOnly(v);
    for (auto &k : keywords)
      scalarOnly(k.second);
  }
  std::vector<Value> rest;
  if (params.vararg && args.size() > positional) {
    rest.assign(args.begin() + static_cast<ptrdiff_t>(positional), args.end());
    args.resize(positional);
  }
  if (args.size() > positional)
    failBinding(callee.name + "() takes " + std::to_string(positional) + " positional arguments but " +
                std::to_string(args.size()) + " were given");
  std::vector<Value> values(names.size());
  std::move(args.begin(), args.end(), values.begin());
  for (auto &[name, value] : keywords) {
    size_t i = 0;
    while (i < names.size() && names[i]->name != name)
      ++i;
    if (i == names.size() && (name == "_semantic" || name == "_generator" || name == "_builder"))
      continue;
    if (i == names.size()) {
      std::vector<std::string> candidates;
      for (const Arg *a : names)
        candidates.push_back(std::string(a->name));
      std::string near = nearestName(name, candidates);
      failBinding(callee.name + "() got an unexpected keyword argument '" + std::string(name) + "'",
                  near.empty() ? "" : "did you mean `" + near + "`?");
    }
    if (i < params.posonlyargs.size())
      failBinding(callee.name + "() got some positional-only arguments passed as keyword arguments: '" +
                  std::string(name) + "'");
    if (!values[i].isAbsent())
      failBinding(callee.name + "() got multiple values for argument '" + std::string(name) + "'");
    values[i] = std::move(value);
  }

  CallScope scope(*this);
  auto f = std::make_unique<KernelFrame>();
  f->function = fn.function;
  f->caller = loc;
  f->callPlace = currentPlace();
  f->isPlain = callee.isPlain;
  for (size_t i = 0; i < names.size(); ++i) {
    if (!values[i].isAbsent())
      continue;
    const Expr *expr = nullptr;
    std::optional<HostValue> known;
    if (i < positional) {
      if (i + params.defaults.size() >= positional) {
        size_t d = i + params.defaults.size() - positional;
        expr = params.defaults[d];
        if (callee.object && d < callee.object->defaults.size())
          known = callee.object->defaults[d];
      }
    } else {
      expr = params.kwDefaults[i - positional];
      if (callee.object && i - positional < callee.object->kwDefaults.size() && expr)
        known = callee.object->kwDefaults[i - positional];
    }
    if (!expr)
      failBinding(callee.name + "() missing required argument '" + std::string(names[i]->name) + "'");
    if (known) {
      auto v = fromHost(*known);
      values[i] = v ? *v : constant(*known);
    } else {
      frames.push_back(std::move(f));
      values[i] = visit(expr);
      f = std::move(frames.back());
      frames.pop_back();
    }
  }
  for (size_t i = 0; i < names.size(); ++i)
    f->env.set(names[i]->name, std::move(values[i]));
  if (params.vararg)
    f->env.set(params.vararg->name, tuple(std::move(rest)));
  std::shared_ptr<const TupleData> selfBefore;
  if (!names.empty())
    if (Value *self = f->env.find(names.front()->name); self && self->isAggregate())
      selfBefore = self->parts;
  frames.push_back(std::move(f));
  visitBlock(callee.def->body);
  KernelFrame &end = frame();
  if (callee.isConstructor)
    return *end.env.find(names.front()->name);
  if (callee.isPlain && !names.empty())
    if (Value *self = end.env.find(names.front()->name); self && self->isAggregate() && self->parts != selfBefore)
      changedSelf = *self;
  Value *result = end.env.find("$return");
  if (!result)
    return none();
  return *result;
}

namespace {
struct Param {
  std::string_view name;
  bool optional = false, variadic = false;
};
llvm::SmallVector<Param, 12> parseParams(std::string_view text) {
  llvm::SmallVector<Param, 12> result;
  while (!text.empty()) {
    size_t end = std::min(text.find(' '), text.size());
    std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (word.empty())
      continue;
    Param p;
    if (word.front() == '*') {
      p.variadic = true;
      word.remove_prefix(1);
    }
    if (word.back() == '?') {
      p.optional = true;
      word.remove_suffix(1);
    }
    p.name = word;
    result.push_back(p);
  }
  return result;
}
} // namespace

Value Visitor::callBuiltin(const BuiltinDef &def, std::vector<Value> args, Keywords keywords) {
  auto params = parseParams(def.params);
  std::string name = def.name;
  // isinstance, getattr and the like look at the object itself.
  if (def.space != std::string_view("builtins") || name == "range") {
    for (Value &v : args)
      v = plain(v);
    for (auto &k : keywords)
      k.second = plain(k.second);
  }
  if (def.space == kLibdeviceSpace && keywords.empty())
    matchLibdeviceArguments(*this, name, args);
  Args bound;
  bound.byParam.resize(params.size());
  size_t next = 0;
  for (Value &v : args) {
    if (next < params.size() && params[next].variadic) {
      bound.rest.push_back(std::move(v));
      continue;
    }
    if (next == params.size())
      failBinding(name + "() takes at most " + std::to_string(params.size()) + " arguments, and " +
                  std::to_string(args.size()) + " are given");
    bound.byParam[next++] = std::move(v);
  }
  for (auto &[key, value] : keywords) {
    if (key.starts_with("_")) // _semantic, _builder
      continue;
    size_t i = 0;
    while (i < params.size() && params[i].name != key)
      ++i;
    if (i == params.size()) {
      std::vector<std::string> candidates;
      for (const Param &p : params)
        candidates.push_back(std::string(p.name));
      std::string near = nearestName(key, candidates);
      failBinding(name + "() got an unexpected keyword argument '" + std::string(key) + "'",
                  near.empty() ? "" : "did you mean `" + near + "`?");
    }
    if (params[i].variadic) { // given by keyword as one tuple
      bound.rest = items(value);
      continue;
    }
    if (!bound.byParam[i].isAbsent())
      failBinding(name + "() got multiple values for argument '" + std::string(key) + "'");
    bound.byParam[i] = std::move(value);
  }
  for (size_t i = 0; i < params.size(); ++i)
    if (bound.byParam[i].isAbsent() && !params[i].optional && !params[i].variadic)
      failBinding(name + "() missing required argument '" + std::string(params[i].name) + "'");
  return def.call(*this, bound);
}

Emitter::Combine Visitor::combiner(const Value &fn) {
  if (fn.kind != ValueKind::Function && fn.kind != ValueKind::Builtin)
    failArgument("combine_fn must be a jit function, not " + describeType(fn));
  return [this, fn](llvm::ArrayRef<Value> values) {
    unsigned before = errors;
    Value r = call(fn, std::vector<Value>(values.begin(), values.end()), {});
    if (errors != before)
      throw Suppressed{};
    std::vector<Value> out;
    for (const Value &v : items(r))
      out.push_back(toTensor(v));
    return out;
  };
}

} // namespace tessera::py
