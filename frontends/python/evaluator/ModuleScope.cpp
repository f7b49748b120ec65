// ModuleScope.cpp - a module's names, evaluated when they are asked for
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/evaluator/EvaluatorImpl.h"

#include <algorithm>

namespace tessera::py {

struct ModuleScope::Binding {
  std::vector<size_t> statements; // places in the module's body, ascending
  size_t done = 0;                // how many of them have run
  bool isRunning = false;
  bool isFixed = false; // set from outside: the source no longer counts
  std::optional<HostValue> value;
  std::vector<std::pair<size_t, HostValue>> history; // the value after each statement that ran

  // What an earlier statement than `limit` left; else the first value that there is.
  const HostValue &valueBefore(size_t limit) const {
    for (auto it = history.rbegin(); it != history.rend(); ++it)
      if (it->first < limit)
        return it->second;
    return history.empty() ? *value : history.front().second;
  }
};

namespace {
// The variable behind x, x[i], x.y, (x, y), *x.
void targetNames(const Expr *e, std::vector<std::string_view> &out) {
  switch (e->kind) {
  case NodeKind::Name:
    out.push_back(as<Name>(e)->id);
    return;
  case NodeKind::Attribute:
    return targetNames(as<Attribute>(e)->value, out);
  case NodeKind::Subscript:
    return targetNames(as<Subscript>(e)->value, out);
  case NodeKind::Starred:
    return targetNames(as<Starred>(e)->value, out);
  case NodeKind::Tuple:
    for (const Expr *x : as<Tuple>(e)->elts)
      targetNames(x, out);
    return;
  case NodeKind::List:
    for (const Expr *x : as<List>(e)->elts)
      targetNames(x, out);
    return;
  default:
    return;
  }
}

// table.append(x), table.update(…): a call that changes the variable it is called on.
void changedByCall(const Expr *e, std::vector<std::string_view> &out) {
  auto *call = dyn<Call>(e);
  auto *method = call ? dyn<Attribute>(call->func) : nullptr;
  if (!method)
    return;
  for (std::string_view m :
       {"append", "extend", "update", "add", "insert", "setdefault", "pop", "remove", "clear", "sort", "reverse"})
    if (method->attr == m)
      targetNames(method->value, out);
}
} // namespace

void boundNames(const Stmt *s, std::vector<std::string_view> &out) {
  auto all = [&](std::span<Stmt *> list) {
    for (const Stmt *x : list)
      boundNames(x, out);
  };
  switch (s->kind) {
  case NodeKind::FunctionDef:
    out.push_back(as<FunctionDef>(s)->name);
    return;
  case NodeKind::ClassDef:
    out.push_back(as<ClassDef>(s)->name);
    return;
  case NodeKind::Assign:
    for (const Expr *t : as<Assign>(s)->targets)
      targetNames(t, out);
    return;
  case NodeKind::AugAssign:
    return targetNames(as<AugAssign>(s)->target, out);
  case NodeKind::AnnAssign:
    if (as<AnnAssign>(s)->value)
      targetNames(as<AnnAssign>(s)->target, out);
    return;
  case NodeKind::ExprStmt:
    return changedByCall(as<ExprStmt>(s)->value, out);
  case NodeKind::Import:
    for (const Alias &a : as<Import>(s)->names)
      out.push_back(a.asname.empty() ? a.name.substr(0, a.name.find('.')) : a.asname);
    return;
  case NodeKind::ImportFrom:
    for (const Alias &a : as<ImportFrom>(s)->names)
      if (a.name != "*")
        out.push_back(a.asname.empty() ? a.name : a.asname);
    return;
  case NodeKind::If:
    all(as<If>(s)->body);
    return all(as<If>(s)->orelse);
  case NodeKind::For:
    targetNames(as<For>(s)->target, out);
    all(as<For>(s)->body);
    return all(as<For>(s)->orelse);
  case NodeKind::While:
    all(as<While>(s)->body);
    return all(as<While>(s)->orelse);
  case NodeKind::With:
    for (const WithItem &i : as<With>(s)->items)
      if (i.vars)
        targetNames(i.vars, out);
    return all(as<With>(s)->body);
  case NodeKind::Try:
    all(as<Try>(s)->body);
    for (const ExceptHandler &h : as<Try>(s)->handlers)
      all(h.body);
    all(as<Try>(s)->orelse);
    return all(as<Try>(s)->finalbody);
  default:
    return;
  }
}

ModuleScope::ModuleScope(std::string name, const Module *tree, std::shared_ptr<const SourceFile> file,
                         Evaluator &evaluator)
    : name_(std::move(name)), tree_(tree), file_(std::move(file)), evaluator_(evaluator) {
  for (size_t i = 0; tree_ && i < tree_->body.size(); ++i)
    collect(tree_->body[i], i);
}
ModuleScope::~ModuleScope() = default;

void ModuleScope::collect(const Stmt *s, size_t index) {
  std::vector<std::string_view> names;
  boundNames(s, names);
  for (std::string_view n : names) {
    auto &binding = bindings_[n];
    if (!binding) {
      binding = std::make_unique<Binding>();
      order_.push_back(n);
    }
    if (binding->statements.empty() || binding->statements.back() != index)
      binding->statements.push_back(index);
  }
  if (auto *from = dyn<ImportFrom>(s))
    for (const Alias &a : from->names)
      if (a.name == "*")
        starImports_.push_back(std::string(from->level, '.') + std::string(from->module));
}

bool ModuleScope::binds(std::string_view name) const { return bindings_.count(name) != 0; }

std::vector<std::string> ModuleScope::names() const { return {order_.begin(), order_.end()}; }

void ModuleScope::set(std::string_view name, HostValue value) {
  auto it = bindings_.find(name);
  if (it == bindings_.end()) {
    std::string_view kept = ownNames_.intern(name);
    it = bindings_.emplace(kept, std::make_unique<Binding>()).first;
    order_.push_back(kept);
  }
  Binding &b = *it->second;
  b.value = std::move(value);
  b.isFixed = true;
}

const Expr *ModuleScope::annotation(std::string_view name) const {
  auto it = bindings_.find(name);
  if (it == bindings_.end() || it->second->isFixed)
    return nullptr;
  for (size_t i : it->second->statements)
    if (auto *a = dyn<AnnAssign>(tree_->body[i]))
      if (auto *n = dyn<Name>(a->target); n && n->id == name)
        return a->annotation;
  return nullptr;
}

std::optional<HostValue> ModuleScope::lookup(std::string_view name) { return lookupBefore(name, SIZE_MAX); }

std::optional<HostValue> ModuleScope::lookupBefore(std::string_view name, size_t limit) {
  if (name == "__name__")
    return HostValue::string(name_);
  if (name == "__file__")
    return HostValue::string(file_ ? file_->name : name_);
  EvaluatorImpl &impl = *evaluator_.impl_;
  auto it = bindings_.find(name);
  if (it == bindings_.end()) {
    for (const std::string &module : starImports_) {
      if (ModuleScope *other = impl.host.importModule(module, *this); other && other != this)
        if (auto v = other->lookup(name); v || evaluator_.hasError())
          return v;
      if (auto v = impl.host.resolve(module + "." + std::string(name)))
        return v;
      if (auto v = impl.knownPath(module + "." + std::string(name)))
        return v;
    }
    return std::nullopt;
  }
  Binding &b = *it->second;
  if (b.isFixed || b.isRunning) {
    if (!b.value)
      return evaluator_.raise("NameError", "'" + std::string(name) + "' is defined in terms of itself");
    return b.value;
  }
  std::string_view own = it->first;
  Entry entry(impl);
  while (b.done < b.statements.size() && (b.statements[b.done] < limit || !b.value)) {
    size_t index = b.statements[b.done];
    const Stmt *s = tree_->body[index];
    Frame frame;
    frame.module = this;
    frame.current = s;
    frame.limit = index;
    if (impl.frames.size() > evaluator_.depthLimit)
      return evaluator_.raise("RecursionError", "names of this module are defined in terms of each other too deeply");
    b.isRunning = true;
    impl.frames.push_back(&frame);
    Flow f = impl.execForName(s, own);
    impl.frames.pop_back();
    b.isRunning = false;
    if (f == Flow::Error)
      return std::nullopt;
    ++b.done;
    if (b.value)
      b.history.emplace_back(index, *b.value);
  }
  if (!b.value)
    return evaluator_.raise("NameError",
                            "name '" + std::string(name) + "' is not defined on the path that this module takes");
  return b.valueBefore(limit);
}

// Runs the parts of a module-level statement that bind `name`, and no others.
Flow EvaluatorImpl::execForName(const Stmt *s, std::string_view name) {
  auto binds = [&](const Stmt *x) {
    std::vector<std::string_view> names;
    boundNames(x, names);
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  auto within = [&](std::span<Stmt *> list) {
    for (const Stmt *x : list)
      if (binds(x))
        if (Flow f = execForName(x, name); f != Flow::Normal)
          return f;
    return Flow::Normal;
  };
  auto anyBinds = [&](std::span<Stmt *> list) { return std::any_of(list.begin(), list.end(), binds); };
  frames.back()->current = s;
  switch (s->kind) {
  case NodeKind::If: {
    auto *i = as<If>(s);
    auto test = eval(i->test);
    auto t = test ? ev.truth(*test) : std::nullopt;
    if (!t) { // unknown without Python: no matter where only one branch binds the name
      bool inBody = anyBinds(i->body), inElse = anyBinds(i->orelse);
      if (!ev.hasError() || ev.error_->type != "Unsupported")
        return Flow::Error;
      EvalError unknown = ev.takeError();
      if (inBody != inElse)
        return within(inBody ? i->body : i->orelse);
      // Two sources of the same function (versions of a library): the first that is known here. Never a guess at a number.
      for (std::span<Stmt *> branch : {i->body, i->orelse}) {
        if (within(branch) != Flow::Normal)
          ev.takeError();
        auto &value = frames.back()->module->bindings_.at(name)->value;
        if (value && (value->kind() == HostKind::Foreign || value->kind() == HostKind::Function ||
                      value->kind() == HostKind::Builtin))
          return Flow::Normal;
        value.reset();
      }
      restoreError(std::move(unknown), {});
      return Flow::Error;
    }
    return within(*t ? i->body : i->orelse);
  }
  case NodeKind::With:
    return within(as<With>(s)->body);
  case NodeKind::Try: {
    auto *t = as<Try>(s);
    Flow f = within(t->body);
    if (f == Flow::Error && ev.error_->type != "Unsupported" && !anyBinds(t->finalbody)) {
      HostValue exception = pendingException;
      EvalError error = ev.takeError();
      for (const ExceptHandler &h : t->handlers)
        if (matchesHandler(h, error, exception))
          return within(h.body);
      if (!ev.hasError())
        restoreError(std::move(error), exception);
      return Flow::Error;
    }
    if (f != Flow::Normal)
      return f;
    // An import of something unknown "succeeds" here; an alternative in a handler may be known.
    auto value = frames.back()->module->bindings_.at(name)->value;
    if (value && value->kind() == HostKind::Opaque)
      for (const ExceptHandler &h : t->handlers)
        if (anyBinds(h.body)) {
          if (within(h.body) != Flow::Normal)
            ev.takeError();
          auto &now = frames.back()->module->bindings_.at(name)->value;
          if (now->kind() != HostKind::Opaque)
            return Flow::Normal;
          now = value;
        }
    if (Flow e = within(t->orelse); e != Flow::Normal)
      return e;
    return within(t->finalbody);
  }
  default:
    break;
  }
  // Everything that the statement binds goes to a scope of its own; only `name` is kept. The other names run it again
  // when they are asked for.
  Frame &frame = *frames.back();
  auto keep = [&](HostValue v) { frame.module->bindings_.at(name)->value = std::move(v); };
  if (s->kind == NodeKind::FunctionDef || s->kind == NodeKind::ClassDef) {
    auto v = s->kind == NodeKind::FunctionDef ? makeFunction(as<FunctionDef>(s)) : makeClass(as<ClassDef>(s));
    if (!v)
      return Flow::Error;
    keep(std::move(*v));
    return Flow::Normal;
  }
  auto own = std::make_shared<Scope>();
  if (auto *a = dyn<Assign>(s)) {
    auto v = eval(a->value);
    if (!v)
      return Flow::Error;
    frame.locals = own;
    for (const Expr *t : a->targets)
      if (!assign(t, *v))
        return Flow::Error;
  } else {
    frame.locals = own;
    if (exec(s) == Flow::Error)
      return Flow::Error;
  }
  frame.locals = nullptr;
  if (auto it = own->names.find(name); it != own->names.end())
    keep(it->second);
  return Flow::Normal;
}

} // namespace tessera::py
