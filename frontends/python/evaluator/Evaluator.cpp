// Evaluator.cpp - errors, names, expressions
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/evaluator/ConstantValue.h"
#include "frontends/python/evaluator/EvaluatorImpl.h"

#include <algorithm>

namespace tessera::py {

Evaluator::Evaluator(EvalHost &host) : impl_(std::make_unique<EvaluatorImpl>(*this, host)) {
  impl_->addBuiltins();
  impl_->addExceptions();
  impl_->addMath();
}
Evaluator::~Evaluator() = default;

EvaluatorImpl::~EvaluatorImpl() {
  for (auto &weak : captured)
    if (auto scope = weak.lock())
      scope->names.clear();
  for (auto &weak : classes)
    if (auto cls = weak.lock())
      cls->members.clear();
}

EvalHost &Evaluator::host() { return impl_->host; }

void Evaluator::setPlace(SourcePlace place) { impl_->outsidePlace = std::move(place); }

std::nullopt_t Evaluator::raise(std::string type, std::string message) {
  if (!error_) {
    error_ = std::make_unique<EvalError>();
    error_->type = std::move(type);
    error_->message = std::move(message);
    error_->place = impl_->place();
  }
  return std::nullopt;
}

EvalError Evaluator::takeError() {
  EvalError e = error_ ? std::move(*error_) : EvalError{};
  error_.reset();
  impl_->pendingException = {};
  return e;
}

void Evaluator::report(DiagnosticList &out, const SourcePlace &fallback) {
  if (!error_)
    return;
  EvalError e = takeError();
  Diagnostic d;
  d.id = e.type == "Unsupported"         ? DiagId::NotSupportedYet
         : e.type == "NameError"         ? DiagId::UnknownName
         : e.type == "AttributeError"    ? DiagId::BadAttribute
         : e.type == "ZeroDivisionError" ? DiagId::DivisionByZero
         : e.type == "RecursionError"    ? DiagId::RecursionTooDeep
         : e.type == "AssertionError"    ? DiagId::StaticAssertFailed
         : e.type == "ValueError"        ? DiagId::BadArgument
                                         : DiagId::WrongType;
  d.severity = Severity::Error;
  d.place = e.place.file ? e.place : fallback;
  d.message =
      e.type == "Unsupported" ? e.message : "at compile time: " + e.type + (e.message.empty() ? "" : ": " + e.message);
  d.notes = std::move(e.trace);
  out.add(std::move(d));
}

SourcePlace EvaluatorImpl::place() const {
  for (auto it = frames.rbegin(); it != frames.rend(); ++it)
    if ((*it)->module && (*it)->current)
      return placeOf((*it)->module->file(), (*it)->current->span);
  return outsidePlace;
}

bool EvaluatorImpl::step() {
  constexpr uintptr_t kMaxStack = 3 << 20;
  if (stackBase && stackBase - reinterpret_cast<uintptr_t>(__builtin_frame_address(0)) > kMaxStack) {
    ev.raise("RecursionError", "maximum recursion depth exceeded at compile time");
    return false;
  }
  if (++steps <= ev.stepLimit)
    return true;
  ev.raise("RuntimeError",
           "this computation takes too many steps at compile time (limit " + std::to_string(ev.stepLimit) + ")");
  return false;
}

std::nullopt_t EvaluatorImpl::unsupported(std::string message) { return ev.raise("Unsupported", std::move(message)); }

MaybeValue Evaluator::evaluate(const Expr *e, ModuleScope *module, const std::shared_ptr<Scope> &locals) {
  Frame frame;
  frame.module = module;
  frame.locals = locals;
  frame.current = e;
  Entry entry(*impl_);
  impl_->frames.push_back(&frame);
  MaybeValue v = impl_->eval(e);
  impl_->frames.pop_back();
  return v;
}

HostValue *EvaluatorImpl::findLocal(std::string_view name) {
  for (Scope *s = frames.back()->locals.get(); s; s = s->parent.get())
    if (auto it = s->names.find(name); it != s->names.end())
      return &it->second;
  return nullptr;
}

MaybeValue EvaluatorImpl::evalName(std::string_view name) {
  Frame &f = *frames.back();
  bool isGlobal = std::find(f.globals.begin(), f.globals.end(), name) != f.globals.end();
  if (!isGlobal)
    if (HostValue *local = findLocal(name))
      return *local;
  if (f.module) {
    MaybeValue v = f.module->lookupBefore(name, f.limit);
    if (v || ev.hasError())
      return v;
  }
  if (auto v = ev.builtin(name))
    return v;
  std::string help;
  if (f.module)
    if (std::string near = nearestName(name, f.module->names()); !near.empty())
      help = "; did you mean '" + near + "'?";
  return ev.raise("NameError", "name '" + std::string(name) + "' is not defined" + help);
}

std::optional<HostValue> constantValue(const Constant &constant) {
  switch (constant.what) {
  case ConstantKind::None:
    return HostValue::none();
  case ConstantKind::True:
    return HostValue::boolean(true);
  case ConstantKind::False:
    return HostValue::boolean(false);
  case ConstantKind::Ellipsis:
    return HostValue::ellipsis();
  case ConstantKind::Int:
    return HostValue::integer(BigInt::fromLimbs(constant.limbs));
  case ConstantKind::Float:
    return HostValue::real(constant.number);
  case ConstantKind::Str:
    return HostValue::string(std::string(constant.text));
  case ConstantKind::Imag:
  case ConstantKind::Bytes:
    break;
  }
  return std::nullopt;
}

MaybeValue EvaluatorImpl::evalConstant(const Constant *e) {
  if (MaybeValue value = constantValue(*e))
    return value;
  return unsupported(e->what == ConstantKind::Bytes ? "bytes are not supported at compile time"
                                                    : "complex numbers are not supported at compile time");
}

std::optional<Values> EvaluatorImpl::evalList(std::span<Expr *> elts) {
  Values out;
  out.reserve(elts.size());
  for (const Expr *e : elts) {
    if (auto *star = dyn<Starred>(e)) {
      TSR_TRY(v, eval(star->value));
      TSR_TRY(list, ev.iterate(*v));
      out.insert(out.end(), list->begin(), list->end());
      continue;
    }
    TSR_TRY(v, eval(e));
    out.push_back(std::move(*v));
  }
  return out;
}

MaybeValue EvaluatorImpl::evalBoolOp(const BoolOp *e) {
  MaybeValue v;
  for (const Expr *x : e->values) {
    v = eval(x);
    if (!v)
      return v;
    if (x == e->values.back())
      break;
    TSR_TRY(t, ev.truth(*v));
    if (*t == (e->op == BoolOpKind::Or))
      break;
  }
  return v;
}

MaybeValue EvaluatorImpl::evalCompare(const Compare *e) {
  TSR_TRY(left, eval(e->left));
  for (size_t i = 0; i < e->ops.size(); ++i) {
    TSR_TRY(right, eval(e->comparators[i]));
    frames.back()->current = e;
    TSR_TRY(r, ev.compare(e->ops[i], *left, *right));
    if (!*r)
      return HostValue::boolean(false);
    left = std::move(right);
  }
  return HostValue::boolean(true);
}

MaybeValue EvaluatorImpl::evalCall(const Call *e) {
  TSR_TRY(callee, eval(e->func));
  TSR_TRY(args, evalList(e->args));
  HostKeywords keywords;
  for (const Keyword &k : e->keywords) {
    TSR_TRY(v, eval(k.value));
    if (!k.name.empty()) {
      keywords.emplace_back(std::string(k.name), std::move(*v));
      continue;
    }
    if (v->kind() != HostKind::Dict)
      return ev.raise("TypeError", "the value after ** must be a dict, not " + typeName(*v));
    for (auto &[key, value] : v->get<DictObject>()->entries) {
      if (!key.isStr())
        return ev.raise("TypeError", "keywords must be strings");
      keywords.emplace_back(key.str(), value);
    }
  }
  frames.back()->current = e;
  return ev.call(*callee, std::move(*args), std::move(keywords));
}

MaybeValue EvaluatorImpl::evalDict(const Dict *e) {
  HostValue out = makeDict();
  DictAccess d{ev, *out.get<DictObject>()};
  for (size_t i = 0; i < e->keys.size(); ++i) {
    TSR_TRY(value, eval(e->values[i]));
    if (!e->keys[i]) {
      if (value->kind() != HostKind::Dict)
        return ev.raise("TypeError", "the value after ** must be a dict, not " + typeName(*value));
      for (auto &[k, v] : std::vector(value->get<DictObject>()->entries))
        if (!d.set(k, v))
          return std::nullopt;
      continue;
    }
    TSR_TRY(key, eval(e->keys[i]));
    if (!d.set(*key, *value))
      return std::nullopt;
  }
  return out;
}

MaybeValue EvaluatorImpl::evalJoined(const JoinedStr *e) {
  std::string out;
  for (const Expr *part : e->values) {
    if (auto *c = dyn<Constant>(part)) {
      out += c->text;
      continue;
    }
    auto *f = as<FormattedValue>(part);
    TSR_TRY(v, eval(f->value));
    if (f->conversion) {
      TSR_TRY(text, textOf(*v, f->conversion != 's'));
      v = HostValue::string(*text);
    }
    std::string spec;
    if (f->formatSpec) {
      TSR_TRY(s, evalJoined(f->formatSpec));
      spec = s->str();
    }
    frames.back()->current = f;
    TSR_TRY(text, ev.format(*v, spec));
    out += *text;
  }
  return HostValue::string(std::move(out));
}

MaybeValue EvaluatorImpl::evalSlice(const Slice *e) {
  auto s = std::make_shared<SliceObject>();
  for (auto [part, into] : {std::pair(e->lower, &s->lower), {e->upper, &s->upper}, {e->step, &s->step}})
    if (part) {
      TSR_TRY(v, eval(part));
      *into = *v;
    }
  return HostValue::object(HostKind::Slice, std::move(s));
}

MaybeValue EvaluatorImpl::evalLambda(const Lambda *e) {
  auto f = std::make_shared<FunctionObject>();
  f->name = "<lambda>";
  f->lambda = e;
  f->module = frames.back()->module;
  f->closure = closureHere();
  if (!functionDefaults(e->args, *f))
    return std::nullopt;
  return HostValue::object(HostKind::Function, std::move(f));
}

bool EvaluatorImpl::comprehension(std::span<Comprehension> generators, size_t at, const std::function<bool()> &each) {
  if (at == generators.size())
    return each();
  const Comprehension &g = generators[at];
  if (g.isAsync) {
    unsupported("asynchronous comprehensions are not supported at compile time");
    return false;
  }
  auto iterable = eval(g.iter);
  if (!iterable)
    return false;
  auto list = ev.iterate(*iterable);
  if (!list)
    return false;
  for (const HostValue &v : *list) {
    if (!step() || !assign(g.target, v))
      return false;
    bool keep = true;
    for (const Expr *test : g.ifs) {
      auto t = eval(test);
      if (!t)
        return false;
      auto truth = ev.truth(*t);
      if (!truth)
        return false;
      if (!*truth) {
        keep = false;
        break;
      }
    }
    if (keep && !comprehension(generators, at + 1, each))
      return false;
  }
  return true;
}

// The variables of a comprehension are its own.
template <class F> bool EvaluatorImpl::withComprehensionScope(F f) {
  Frame &frame = *frames.back();
  std::shared_ptr<Scope> outer = frame.locals;
  frame.locals = std::make_shared<Scope>();
  frame.locals->parent = outer;
  bool ok = f();
  frame.locals = outer;
  return ok;
}

MaybeValue EvaluatorImpl::eval(const Expr *e) {
  if (!step())
    return std::nullopt;
  Frame &frame = *frames.back();
  const Node *outer = frame.current;
  frame.current = e;
  struct Restore {
    Frame &f;
    const Node *n;
    ~Restore() { f.current = n; }
  } restore{frame, outer};
  switch (e->kind) {
  case NodeKind::Constant:
    return evalConstant(as<Constant>(e));
  case NodeKind::Name:
    return evalName(as<Name>(e)->id);
  case NodeKind::Attribute: {
    TSR_TRY(v, eval(as<Attribute>(e)->value));
    return ev.getAttribute(*v, as<Attribute>(e)->attr);
  }
  case NodeKind::BinOp: {
    TSR_TRY(a, eval(as<BinOp>(e)->left));
    TSR_TRY(b, eval(as<BinOp>(e)->right));
    return ev.binary(as<BinOp>(e)->op, *a, *b);
  }
  case NodeKind::UnaryOp: {
    TSR_TRY(a, eval(as<UnaryOp>(e)->operand));
    return ev.unary(as<UnaryOp>(e)->op, *a);
  }
  case NodeKind::BoolOp:
    return evalBoolOp(as<BoolOp>(e));
  case NodeKind::Compare:
    return evalCompare(as<Compare>(e));
  case NodeKind::Call:
    return evalCall(as<Call>(e));
  case NodeKind::IfExp: {
    TSR_TRY(test, eval(as<IfExp>(e)->test));
    TSR_TRY(t, ev.truth(*test));
    return eval(*t ? as<IfExp>(e)->body : as<IfExp>(e)->orelse);
  }
  case NodeKind::Subscript: {
    TSR_TRY(v, eval(as<Subscript>(e)->value));
    TSR_TRY(i, eval(as<Subscript>(e)->slice));
    return ev.getItem(*v, *i);
  }
  case NodeKind::Slice:
    return evalSlice(as<Slice>(e));
  case NodeKind::Tuple: {
    TSR_TRY(v, evalList(as<Tuple>(e)->elts));
    return HostValue::tuple(std::move(*v));
  }
  case NodeKind::List: {
    TSR_TRY(v, evalList(as<List>(e)->elts));
    return HostValue::list(std::move(*v));
  }
  case NodeKind::Set: {
    TSR_TRY(v, evalList(as<Set>(e)->elts));
    HostValue out = makeSet();
    for (const HostValue &x : *v)
      if (!DictAccess{ev, *out.get<DictObject>()}.set(x, {}))
        return std::nullopt;
    return out;
  }
  case NodeKind::Dict:
    return evalDict(as<Dict>(e));
  case NodeKind::JoinedStr:
    return evalJoined(as<JoinedStr>(e));
  case NodeKind::Lambda:
    return evalLambda(as<Lambda>(e));
  case NodeKind::NamedExpr: {
    TSR_TRY(v, eval(as<NamedExpr>(e)->value));
    bind(as<Name>(as<NamedExpr>(e)->target)->id, *v);
    return v;
  }
  case NodeKind::ListComp:
  case NodeKind::GeneratorExp:
  case NodeKind::SetComp: {
    const Expr *elt = e->kind == NodeKind::ListComp  ? as<ListComp>(e)->elt
                      : e->kind == NodeKind::SetComp ? as<SetComp>(e)->elt
                                                     : as<GeneratorExp>(e)->elt;
    auto generators = e->kind == NodeKind::ListComp  ? as<ListComp>(e)->generators
                      : e->kind == NodeKind::SetComp ? as<SetComp>(e)->generators
                                                     : as<GeneratorExp>(e)->generators;
    HostValue out = e->kind == NodeKind::SetComp ? makeSet() : HostValue::list({});
    bool ok = withComprehensionScope([&] {
      return comprehension(generators, 0, [&] {
        auto v = eval(elt);
        if (!v)
          return false;
        if (e->kind == NodeKind::SetComp)
          return DictAccess{ev, *out.get<DictObject>()}.set(*v, {});
        out.elements().push_back(std::move(*v));
        return true;
      });
    });
    return ok ? MaybeValue(out) : std::nullopt;
  }
  case NodeKind::DictComp: {
    HostValue out = makeDict();
    bool ok = withComprehensionScope([&] {
      return comprehension(as<DictComp>(e)->generators, 0, [&] {
        auto k = eval(as<DictComp>(e)->key);
        auto v = k ? eval(as<DictComp>(e)->value) : std::nullopt;
        return v && DictAccess{ev, *out.get<DictObject>()}.set(*k, *v);
      });
    });
    return ok ? MaybeValue(out) : std::nullopt;
  }
  case NodeKind::Yield:
  case NodeKind::YieldFrom:
    return unsupported("generators are not supported at compile time without Python");
  case NodeKind::Await:
    return unsupported("'await' is not supported at compile time");
  default:
    return ev.raise("SyntaxError", "this expression cannot stand here");
  }
}

} // namespace tessera::py
