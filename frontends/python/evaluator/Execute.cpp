// Execute.cpp - statements
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/evaluator/EvaluatorImpl.h"

#include <algorithm>

namespace tessera::py {

Flow EvaluatorImpl::execAll(std::span<Stmt *> list) {
  for (const Stmt *s : list)
    if (Flow f = exec(s); f != Flow::Normal)
      return f;
  return Flow::Normal;
}

void EvaluatorImpl::bind(std::string_view name, HostValue value) {
  Frame &f = *frames.back();
  bool isGlobal = std::find(f.globals.begin(), f.globals.end(), name) != f.globals.end();
  if (!f.locals || isGlobal) {
    if (f.module)
      f.module->set(name, std::move(value));
    return;
  }
  if (std::find(f.nonlocals.begin(), f.nonlocals.end(), name) != f.nonlocals.end())
    for (Scope *s = f.locals->parent.get(); s; s = s->parent.get())
      if (auto it = s->names.find(name); it != s->names.end()) {
        it->second = std::move(value);
        return;
      }
  f.locals->names[name] = std::move(value);
}

bool EvaluatorImpl::assignTo(std::span<Expr *> targets, const HostValue &value) {
  auto list = ev.iterate(value);
  if (!list)
    return false;
  size_t star = targets.size();
  for (size_t i = 0; i < targets.size(); ++i)
    if (targets[i]->kind == NodeKind::Starred)
      star = i;
  bool hasStar = star < targets.size();
  if (hasStar ? list->size() + 1 < targets.size() : list->size() != targets.size()) {
    std::string want = std::to_string(hasStar ? targets.size() - 1 : targets.size());
    if (list->size() > targets.size())
      ev.raise("ValueError", "too many values to unpack (expected " + want + ")");
    else
      ev.raise("ValueError", "not enough values to unpack (expected " + std::string(hasStar ? "at least " : "") + want +
                                 ", got " + std::to_string(list->size()) + ")");
    return false;
  }
  size_t extra = hasStar ? list->size() - (targets.size() - 1) : 0;
  for (size_t i = 0, at = 0; i < targets.size(); ++i) {
    if (i == star) {
      auto from = list->begin() + static_cast<ptrdiff_t>(at);
      if (!assign(as<Starred>(targets[i])->value, HostValue::list(Values(from, from + static_cast<ptrdiff_t>(extra)))))
        return false;
      at += extra;
    } else if (!assign(targets[i], (*list)[at++])) {
      return false;
    }
  }
  return true;
}

bool EvaluatorImpl::assign(const Expr *target, const HostValue &value) {
  switch (target->kind) {
  case NodeKind::Name:
    bind(as<Name>(target)->id, value);
    return true;
  case NodeKind::Tuple:
    return assignTo(as<Tuple>(target)->elts, value);
  case NodeKind::List:
    return assignTo(as<List>(target)->elts, value);
  case NodeKind::Attribute: {
    auto object = eval(as<Attribute>(target)->value);
    return object && setAttribute(*object, as<Attribute>(target)->attr, value);
  }
  case NodeKind::Subscript: {
    auto object = eval(as<Subscript>(target)->value);
    auto index = object ? eval(as<Subscript>(target)->slice) : std::nullopt;
    return index && setItem(*object, *index, value);
  }
  default:
    ev.raise("SyntaxError", "cannot assign to this");
    return false;
  }
}

Flow EvaluatorImpl::execAugAssign(const AugAssign *s) {
  auto old = eval(s->target);
  auto value = old ? eval(s->value) : std::nullopt;
  if (!value)
    return Flow::Error;
  if (old->isList() && s->op == BinOpKind::Add) { // in place
    auto more = ev.iterate(*value);
    if (!more)
      return Flow::Error;
    old->elements().insert(old->elements().end(), more->begin(), more->end());
    return assign(s->target, *old) ? Flow::Normal : Flow::Error;
  }
  auto result = ev.binary(s->op, *old, *value);
  return result && assign(s->target, *result) ? Flow::Normal : Flow::Error;
}

Flow EvaluatorImpl::execFor(const For *s) {
  if (s->isAsync) {
    unsupported("'async for' is not supported at compile time");
    return Flow::Error;
  }
  auto iterable = eval(s->iter);
  if (!iterable)
    return Flow::Error;
  frames.back()->current = s;
  auto body = [&](const HostValue &v) {
    if (!step() || !assign(s->target, v))
      return Flow::Error;
    Flow f = execAll(s->body);
    return f == Flow::Continue ? Flow::Normal : f;
  };
  Flow f = Flow::Normal;
  if (iterable->kind() == HostKind::Range) { // without making the list
    auto r = *iterable->get<RangeObject>();
    int64_t n = r.size(), v = r.start;
    for (int64_t i = 0; i < n && f == Flow::Normal;
         ++i, v = static_cast<int64_t>(static_cast<uint64_t>(v) + static_cast<uint64_t>(r.step)))
      f = body(HostValue::integer(v));
  } else {
    auto list = ev.iterate(*iterable);
    if (!list)
      return Flow::Error;
    for (size_t i = 0; i < list->size() && f == Flow::Normal; ++i)
      f = body((*list)[i]);
  }
  if (f == Flow::Break)
    return Flow::Normal;
  return f == Flow::Normal ? execAll(s->orelse) : f;
}

Flow EvaluatorImpl::execWhile(const While *s) {
  for (;;) {
    if (!step())
      return Flow::Error;
    auto test = eval(s->test);
    auto t = test ? ev.truth(*test) : std::nullopt;
    if (!t)
      return Flow::Error;
    if (!*t)
      return execAll(s->orelse);
    Flow f = execAll(s->body);
    if (f == Flow::Break)
      return Flow::Normal;
    if (f == Flow::Return || f == Flow::Error)
      return f;
  }
}

Flow EvaluatorImpl::execRaise(const Raise *s) {
  if (!s->exc) {
    if (handled.empty())
      ev.raise("RuntimeError", "No active exception to reraise");
    else
      ev.raise(handled.back().type, handled.back().message);
    return Flow::Error;
  }
  auto v = eval(s->exc);
  frames.back()->current = s;
  if (v && v->kind() == HostKind::Class)
    v = ev.call(*v, {});
  if (!v)
    return Flow::Error;
  if (v->kind() == HostKind::Opaque) {
    unsupported("an exception '" + v->get<OpaqueObject>()->path + "' is raised at compile time");
    return Flow::Error;
  }
  if (v->kind() != HostKind::Instance || v->get<InstanceObject>()->cls->flavour != ClassFlavour::Exception) {
    ev.raise("TypeError", "exceptions must derive from BaseException");
    return Flow::Error;
  }
  auto text = textOf(*v, false);
  if (!text)
    return Flow::Error;
  ev.raise(typeName(*v), *text);
  pendingException = *v;
  return Flow::Error;
}

bool EvaluatorImpl::matchesHandler(const ExceptHandler &h, const EvalError &error, const HostValue &exception) {
  if (error.type == "Unsupported")
    return false;
  if (!h.type)
    return true;
  auto type = eval(h.type);
  if (!type)
    return false;
  Values classes = type->isTuple() ? type->elements() : Values{*type};
  std::shared_ptr<ClassObject> raised;
  if (exception.kind() == HostKind::Instance)
    raised = exception.get<InstanceObject>()->cls;
  else if (auto c = ev.builtin(error.type); c && c->kind() == HostKind::Class)
    raised = std::static_pointer_cast<ClassObject>(c->shared());
  for (const HostValue &c : classes)
    if (c.kind() == HostKind::Class && raised && isSubclass(raised.get(), c.get<ClassObject>()))
      return true;
  return false;
}

Flow EvaluatorImpl::execTry(const Try *s) {
  Flow f = execAll(s->body);
  if (f == Flow::Normal)
    f = execAll(s->orelse);
  else if (f == Flow::Error) {
    HostValue exception = pendingException;
    EvalError error = ev.takeError();
    bool caught = false;
    for (const ExceptHandler &h : s->handlers) {
      bool matches = matchesHandler(h, error, exception);
      if (ev.hasError())
        return Flow::Error;
      if (!matches)
        continue;
      caught = true;
      if (!h.name.empty()) {
        if (exception.isNone())
          if (auto cls = ev.builtin(error.type))
            if (auto made = ev.call(*cls, {HostValue::string(error.message)}))
              exception = *made;
        bind(h.name, exception);
      }
      handled.push_back(error);
      f = execAll(h.body);
      handled.pop_back();
      break;
    }
    if (!caught) {
      restoreError(std::move(error), exception);
    }
  }
  if (!s->finalbody.empty()) {
    HostValue exception = pendingException, result = frames.back()->result;
    bool failed = ev.hasError();
    EvalError error = failed ? ev.takeError() : EvalError{};
    Flow last = execAll(s->finalbody);
    if (last != Flow::Normal)
      return last;
    frames.back()->result = result;
    if (failed)
      restoreError(std::move(error), exception);
  }
  return f;
}

void EvaluatorImpl::restoreError(EvalError error, const HostValue &exception) {
  ev.error_ = std::make_unique<EvalError>(std::move(error));
  pendingException = exception;
}

Flow EvaluatorImpl::execDelete(const Delete *s) {
  for (const Expr *t : s->targets) {
    if (auto *n = dyn<Name>(t)) {
      Frame &f = *frames.back();
      if (f.locals && f.locals->names.erase(n->id))
        continue;
      unsupported("'del' of '" + std::string(n->id) + "' is not supported at compile time");
      return Flow::Error;
    }
    auto *sub = dyn<Subscript>(t);
    auto object = sub ? eval(sub->value) : std::nullopt;
    auto index = object ? eval(sub->slice) : std::nullopt;
    if (!index) {
      if (!ev.hasError())
        unsupported("this 'del' is not supported at compile time");
      return Flow::Error;
    }
    if (object->kind() != HostKind::Dict && object->kind() != HostKind::List) {
      ev.raise("TypeError", "'" + typeName(*object) + "' object doesn't support item deletion");
      return Flow::Error;
    }
    BuiltinObject method;
    method.name = "pop";
    method.bound = *object;
    Values args{*index};
    HostKeywords none;
    if (!callBuiltinMethod(ev, method, args, none))
      return Flow::Error;
  }
  return Flow::Normal;
}

Flow EvaluatorImpl::execImport(const Import *s) {
  for (const Alias &a : s->names) {
    std::string path(a.name);
    if (a.asname.empty())
      path = path.substr(0, path.find('.'));
    auto v = resolvePath(path);
    if (!v)
      return Flow::Error;
    bind(a.asname.empty() ? names.intern(path) : a.asname, *v);
  }
  return Flow::Normal;
}

Flow EvaluatorImpl::execImportFrom(const ImportFrom *s) {
  std::string module(s->level, '.');
  module += s->module;
  Frame &f = *frames.back();
  for (const Alias &a : s->names) {
    if (a.name == "*")
      continue; // see ModuleScope::lookupBefore
    MaybeValue v;
    if (ModuleScope *other = f.module ? host.importModule(module, *f.module) : nullptr)
      v = other->lookup(a.name);
    if (!v && !ev.hasError())
      v = resolvePath(module + (s->module.empty() ? "" : ".") + std::string(a.name));
    if (!v)
      return Flow::Error;
    bind(a.asname.empty() ? a.name : a.asname, *v);
  }
  return Flow::Normal;
}

Flow EvaluatorImpl::exec(const Stmt *s) {
  if (!step())
    return Flow::Error;
  Frame &frame = *frames.back();
  frame.current = s;
  auto done = [](bool ok) { return ok ? Flow::Normal : Flow::Error; };
  switch (s->kind) {
  case NodeKind::Pass:
    return Flow::Normal;
  case NodeKind::Break:
    return Flow::Break;
  case NodeKind::Continue:
    return Flow::Continue;
  case NodeKind::ExprStmt:
    return done(eval(as<ExprStmt>(s)->value).has_value());
  case NodeKind::Return: {
    MaybeValue v = as<Return>(s)->value ? eval(as<Return>(s)->value) : HostValue();
    if (!v)
      return Flow::Error;
    frame.result = std::move(*v);
    return Flow::Return;
  }
  case NodeKind::Assign: {
    auto v = eval(as<Assign>(s)->value);
    if (!v)
      return Flow::Error;
    for (const Expr *t : as<Assign>(s)->targets)
      if (!assign(t, *v))
        return Flow::Error;
    return Flow::Normal;
  }
  case NodeKind::AnnAssign: {
    if (!as<AnnAssign>(s)->value)
      return Flow::Normal;
    auto v = eval(as<AnnAssign>(s)->value);
    return done(v && assign(as<AnnAssign>(s)->target, *v));
  }
  case NodeKind::AugAssign:
    return execAugAssign(as<AugAssign>(s));
  case NodeKind::If: {
    auto test = eval(as<If>(s)->test);
    auto t = test ? ev.truth(*test) : std::nullopt;
    return t ? execAll(*t ? as<If>(s)->body : as<If>(s)->orelse) : Flow::Error;
  }
  case NodeKind::For:
    return execFor(as<For>(s));
  case NodeKind::While:
    return execWhile(as<While>(s));
  case NodeKind::Try:
    return execTry(as<Try>(s));
  case NodeKind::Raise:
    return execRaise(as<Raise>(s));
  case NodeKind::Assert: {
    auto test = eval(as<Assert>(s)->test);
    auto t = test ? ev.truth(*test) : std::nullopt;
    if (!t)
      return Flow::Error;
    if (*t)
      return Flow::Normal;
    auto msg = as<Assert>(s)->msg ? eval(as<Assert>(s)->msg) : HostValue::string("");
    auto text = msg ? textOf(*msg, false) : std::nullopt;
    if (text)
      ev.raise("AssertionError", *text);
    return Flow::Error;
  }
  case NodeKind::FunctionDef: {
    auto f = makeFunction(as<FunctionDef>(s));
    if (!f)
      return Flow::Error;
    bind(as<FunctionDef>(s)->name, *f);
    return Flow::Normal;
  }
  case NodeKind::ClassDef: {
    auto c = makeClass(as<ClassDef>(s));
    if (!c)
      return Flow::Error;
    bind(as<ClassDef>(s)->name, *c);
    return Flow::Normal;
  }
  case NodeKind::Import:
    return execImport(as<Import>(s));
  case NodeKind::ImportFrom:
    return execImportFrom(as<ImportFrom>(s));
  case NodeKind::Delete:
    return execDelete(as<Delete>(s));
  case NodeKind::Global:
    for (std::string_view n : as<Global>(s)->names)
      frame.globals.push_back(n);
    return Flow::Normal;
  case NodeKind::Nonlocal:
    for (std::string_view n : as<Nonlocal>(s)->names)
      frame.nonlocals.push_back(n);
    return Flow::Normal;
  case NodeKind::TypeAlias:
    return Flow::Normal;
  case NodeKind::With:
    unsupported("'with' is not supported at compile time without Python");
    return Flow::Error;
  case NodeKind::Match:
    unsupported("'match' is not supported at compile time without Python");
    return Flow::Error;
  default:
    unsupported("this statement is not supported at compile time");
    return Flow::Error;
  }
}

} // namespace tessera::py
