// Statements.cpp - blocks, assignments, return, assert
//
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/sema/Scopes.h"
#include "frontends/python/sema/Visitor.h"

#include "core/ir/Tile.h"
#include "frontends/python/syntax/AstWalk.h"

namespace tessera::py {

// A block of statements. After a statement that may have left, the rest is guarded or moved into the other arm.
void Visitor::visitBlock(Seq<Stmt> stmts) {
  for (size_t i = 0; i < stmts.size(); ++i) {
    if (frame().flow.left())
      return;
    if (frame().flow.maybeLeft())
      return guard([&] { visitBlock(stmts.subspan(i)); });
    if (auto *s = dyn<If>(stmts[i])) {
      At at(*this, s->span);
      try {
        if (visitIf(s, stmts.subspan(i + 1)))
          return;
      } catch (const SemaError &e) {
        poison(s);
        report(e.diagnostic);
      } catch (const Suppressed &) {
        poison(s);
        reportNames(s);
      }
      continue;
    }
    visitStmt(stmts[i]);
  }
}

// One error a statement: what it would have bound is marked, so that nothing follows from the error.
void Visitor::visitStmt(const Stmt *s) {
  At at(*this, s->span);
  size_t depth = frames.size();
  host.poll();
  try {
    dispatch(s);
  } catch (const SemaError &e) {
    frames.resize(depth);
    poison(s);
    report(e.diagnostic);
  } catch (const Suppressed &) {
    frames.resize(depth);
    poison(s);
    reportNames(s);
  }
}

// Names that mean nothing, of a statement that was left because of a value already reported: they are wrong whatever that
// value would have been. Of a compound statement its head only; the body was not visited.
void Visitor::reportNames(const Stmt *s) {
  if (auto *i = dyn<If>(s))
    return reportNames(i->test);
  if (auto *w = dyn<While>(s))
    return reportNames(w->test);
  if (auto *f = dyn<For>(s))
    return reportNames(f->iter);
  if (isa<With>(s) || isa<FunctionDef>(s) || isa<ClassDef>(s) || isa<Try>(s) || isa<Match>(s))
    return;
  forEachChild(s, [&](const Node *n) { reportNames(n); });
}

void Visitor::reportNames(const Node *n) {
  auto tryName = [&](const Expr *e) {
    try {
      visit(e);
    } catch (const SemaError &e) {
      report(e.diagnostic);
    } catch (const Suppressed &) {
    }
  };
  // `a.b.c` is one name where it starts at one.
  const Node *root = n;
  while (auto *a = dyn<Attribute>(root))
    root = a->value;
  if (auto *name = dyn<Name>(root)) {
    if (name->ctx == ExprContext::Load)
      tryName(static_cast<const Expr *>(n));
    return;
  }
  // What may never be evaluated is not looked at: a compile-time condition decides.
  if (auto *c = dyn<IfExp>(n))
    return reportNames(c->test);
  if (auto *b = dyn<BoolOp>(n))
    return reportNames(b->values[0]);
  if (isa<Lambda>(n) || isa<ListComp>(n) || isa<SetComp>(n) || isa<DictComp>(n) || isa<GeneratorExp>(n))
    return;
  forEachChild(n, [&](const Node *child) { reportNames(child); });
}

void Visitor::dispatch(const Stmt *s) {
  auto unsupported = [&](std::string_view what, std::string help = {}) {
    fail(DiagId::UnsupportedSyntax, "unsupported AST node type: " + std::string(what), std::move(help));
  };
  switch (s->kind) {
  case NodeKind::Assign:
    return visitAssign(as<Assign>(s));
  case NodeKind::AnnAssign:
    return visitAnnAssign(as<AnnAssign>(s));
  case NodeKind::AugAssign:
    return visitAugAssign(as<AugAssign>(s));
  case NodeKind::ExprStmt:
    return visitExprStmt(as<ExprStmt>(s));
  case NodeKind::Return:
    return visitReturn(as<Return>(s));
  case NodeKind::Assert:
    return visitAssert(as<Assert>(s));
  case NodeKind::For:
    if (as<For>(s)->isAsync)
      return unsupported("AsyncFor");
    return visitFor(as<For>(s));
  case NodeKind::While:
    return visitWhile(as<While>(s));
  case NodeKind::Pass:
    return;
  case NodeKind::If: // visitBlock takes these
    visitIf(as<If>(s), {});
    return;
  case NodeKind::Break:
  case NodeKind::Continue: {
    Flag &f = s->kind == NodeKind::Break ? frame().flow.brk : frame().flow.cont;
    f.state = Flag::Yes;
    return;
  }
  case NodeKind::FunctionDef:
    fail(DiagId::UnsupportedSyntax, "nested function definition is not supported.",
         "define the function at the top of the file, with @triton.jit");
  case NodeKind::With:
    if (as<With>(s)->isAsync)
      return unsupported("AsyncWith");
    return visitWith(as<With>(s), 0);
  case NodeKind::Raise:
    return unsupported("Raise",
                       "use tl.static_assert for what is known at compile time, tl.device_assert for the rest");
  case NodeKind::Import:
  case NodeKind::ImportFrom:
    return unsupported(nodeKindName(s->kind), "import at the top of the file");
  default:
    return unsupported(nodeKindName(s->kind));
  }
}

void Visitor::setVariable(std::string_view name, Value v) {
  KernelFrame &f = frame();
  std::erase_if(f.lost, [&](auto &l) { return l.first == name; });
  f.env.set(name, std::move(v));
}

void Visitor::assign(const Expr *target, const Value &value) {
  At at(*this, target->span);
  if (auto *n = dyn<Name>(target)) // a constexpr too: from here on it is what is assigned
    return setVariable(n->id, value);
  Seq<Expr> elts;
  if (auto *t = dyn<Tuple>(target))
    elts = t->elts;
  else if (auto *l = dyn<List>(target))
    elts = l->elts;
  else if (isa<Attribute>(target) && frame().isPlain)
    return assignField(as<Attribute>(target), value);
  else if (isa<Attribute>(target))
    fail(DiagId::BadAssignment, "Attribute assignment is not supported in triton");
  else if (isa<Subscript>(target))
    fail(DiagId::BadAssignment, "__setitem__ is not supported in triton",
         "values cannot be changed in place: use tl.where to replace elements of a tile, tl.store to write memory, a "
         "new tuple for a tuple");
  else
    fail(DiagId::BadAssignment, "cannot assign to this");
  if (value.kind == ValueKind::Error) {
    for (const Expr *e : elts)
      assign(e, value);
    return;
  }
  if (value.isConst() && liveObject(value.host)) {
    auto listed = host.evaluator().iterate(value.host);
    return assign(target, listed ? hostResult(HostValue::tuple(*listed)) : hostResult(std::nullopt));
  }
  bool iterable = value.isTuple() || (value.isConst() && (value.host.isList() || value.host.isTuple()));
  if (!iterable)
    fail(DiagId::BadAssignment,
         "cannot unpack " + describeType(value) + " into " + std::to_string(elts.size()) + " names");
  std::vector<Value> parts = items(value);
  size_t star = elts.size();
  for (size_t i = 0; i < elts.size(); ++i)
    if (isa<Starred>(elts[i]))
      star = i;
  bool fits = star == elts.size() ? parts.size() == elts.size() : parts.size() + 1 >= elts.size();
  if (!fits)
    fail(DiagId::BadAssignment,
         "cannot unpack " + std::to_string(parts.size()) + " values into " + std::to_string(elts.size()) + " names");
  size_t extra = parts.size() + 1 - elts.size(), next = 0;
  for (size_t i = 0; i < elts.size(); ++i) {
    if (i == star) {
      assign(as<Starred>(elts[i])->value, tuple({parts.begin() + next, parts.begin() + next + extra}));
      next += extra;
    } else {
      assign(elts[i], parts[next++]);
    }
  }
}

// Plain assignment keeps runtime values, types, None and functions; numbers become runtime scalars.
Value Visitor::sanitize(const Value &v) {
  switch (v.kind) {
  case ValueKind::Const:
    if (plain(v).isNumber())
      return toTensor(v);
    if (v.isString())
      failType("cannot convert " + repr(v.host) + " of type str to tensor",
               "declare the variable as `name: tl.constexpr = …` to keep a string");
    return v;
  case ValueKind::Tuple: {
    if (v.isAggregate())
      return v;
    std::vector<Value> items;
    for (const Value &i : v.items())
      items.push_back(i.isString() ? i : sanitize(i));
    Value r = tuple(std::move(items), v.parts->names, v.parts->typeName);
    const_cast<TupleData *>(r.parts.get())->cls = v.parts->cls;
    return r;
  }
  default:
    return v;
  }
}

void Visitor::visitAssign(const Assign *s) {
  if (s->targets.size() != 1)
    fail(DiagId::UnsupportedSyntax, "multiple assignment (a = b = …) is not supported", "write one assignment a line");
  Value v = visit(s->value);
  assign(s->targets[0], frame().isPlain ? v : sanitize(v));
}

namespace {
bool annotatesConstexpr(const Expr *e) {
  if (auto *n = dyn<Name>(e))
    return n->id == "constexpr";
  if (auto *a = dyn<Attribute>(e))
    return a->attr == "constexpr";
  return false;
}
} // namespace

// The contexts one after the other, then the body, then their ends in the opposite order. A context is an object of the
// host with __enter__ and __exit__, which run at compile time, or a marker of the language that only names a region.
void Visitor::visitWith(const With *s, size_t item) {
  if (item == s->items.size()) {
    ++frame().withDepth;
    bool tail = frame().tail;
    frame().tail = false;
    visitBlock(s->body);
    frame().tail = tail;
    --frame().withDepth;
    return;
  }
  const WithItem &w = s->items[item];
  Value context = visit(w.context), entered = context;
  Value exit;
  {
    At at(*this, w.context->span);
    if (context.isConst() && !context.isNone() && context.host.kind() >= HostKind::Instance) {
      exit = attribute(context, "__exit__");
      entered = call(attribute(context, "__enter__"), {}, {});
    } else if (context.kind != ValueKind::Builtin) {
      failType("`with` needs a context manager, not " + describeType(context),
               "an object with __enter__ and __exit__, which run at compile time");
    }
  }
  if (w.vars)
    assign(w.vars, entered);
  visitWith(s, item + 1);
  if (!exit.isAbsent()) {
    At at(*this, w.context->span);
    call(exit, {none(), none(), none()}, {});
  }
}

void Visitor::visitAnnAssign(const AnnAssign *s) {
  auto *n = dyn<Name>(s->target);
  if (!s->value) // binds nothing
    return;
  if (n && annotatesConstexpr(s->annotation)) {
    KernelFrame &f = frame();
    if (f.env.find(n->id))
      fail(DiagId::BadAssignment, std::string(n->id) + " is already defined. constexpr cannot be reassigned.");
    Value v = visit(s->value);
    // A runtime value stays one: uses that need a constant say so.
    f.constexprNames.insert(n->id);
    return setVariable(n->id, v);
  }
  assign(s->target, sanitize(visit(s->value)));
}

void Visitor::visitAugAssign(const AugAssign *s) {
  if (!isa<Name>(s->target))
    return assign(s->target, none()); // says what is wrong with it
  Value old = lookup(as<Name>(s->target)->id);
  Value v = visit(s->value);
  assign(s->target, sanitize(binaryOp(s->op, old, v)));
}

void Visitor::visitReturn(const Return *s) {
  KernelFrame &f = frame();
  if (f.runtimeLoops)
    fail(DiagId::UnsupportedSyntax, "Cannot have `return` statements inside `while` or `for` statements in triton.",
         "set a variable and `break`, and return after the loop");
  Value v = s->value ? visit(s->value) : none();
  if (f.withDepth)
    fail(DiagId::UnsupportedSyntax, "Cannot have `return` statements inside `with` statements in triton",
         "set a variable, and return after the block");
  if (!f.isKernel) {
    v = v.isString() || f.isPlain ? v : sanitize(v);
    f.env.set("$return", v);
  } else if (!v.isNone()) {
    fail(DiagId::WrongType, "a kernel returns nothing, and this returns " + describeType(v),
         "write the result to memory with tl.store");
  }
  f.flow.ret.state = Flag::Yes;
  f.lastReturn = s->span;
}

void Visitor::visitAssert(const Assert *s) {
  Value test = visit(s->test);
  Value msg = s->msg ? visit(s->msg) : constStr("");
  if (auto known = staticTruth(test)) {
    if (!*known && (options.debug || frame().isPlain))
      fail(DiagId::StaticAssertFailed,
           "assertion is always false" + (msg.isString() && !msg.host.str().empty() ? ": " + msg.host.str() : ""));
    return;
  }
  if (!options.debug)
    return;
  Value c = toBool(toTensor(test));
  tile::AssertOp::create(b, loc, c.ir, msg.isString() ? msg.host.str() : "assertion failed");
}

void Visitor::visitExprStmt(const ExprStmt *s) {
  if (isa<Constant>(s->value))
    return; // a docstring
  unusedCall = dyn<Call>(s->value);
  visit(s->value);
}

void Visitor::poison(const Stmt *s) {
  std::vector<std::string_view> names;
  Stmt *one[] = {const_cast<Stmt *>(s)};
  assignedNames(Seq<Stmt>(one, 1), names);
  Value error;
  error.kind = ValueKind::Error;
  for (std::string_view n : names)
    setVariable(n, error);
  if (isa<Return>(s)) {
    frame().env.set("$return", error);
    frame().flow.ret.state = Flag::Yes;
  }
}

void assignedNames(const Expr *target, std::vector<std::string_view> &out) {
  if (auto *n = dyn<Name>(target)) {
    if (std::find(out.begin(), out.end(), n->id) == out.end())
      out.push_back(n->id);
  } else if (auto *t = dyn<Tuple>(target)) {
    for (const Expr *e : t->elts)
      assignedNames(e, out);
  } else if (auto *l = dyn<List>(target)) {
    for (const Expr *e : l->elts)
      assignedNames(e, out);
  } else if (auto *s = dyn<Starred>(target)) {
    assignedNames(s->value, out);
  }
}

void assignedNames(Seq<Stmt> stmts, std::vector<std::string_view> &out) {
  for (const Stmt *s : stmts) {
    if (auto *a = dyn<Assign>(s)) {
      for (const Expr *t : a->targets)
        assignedNames(t, out);
    } else if (auto *n = dyn<AnnAssign>(s)) {
      assignedNames(n->target, out);
    } else if (auto *g = dyn<AugAssign>(s)) {
      assignedNames(g->target, out);
    } else if (auto *f = dyn<For>(s)) {
      assignedNames(f->target, out);
      assignedNames(f->body, out);
    } else if (auto *w = dyn<While>(s)) {
      assignedNames(w->body, out);
    } else if (auto *i = dyn<If>(s)) {
      assignedNames(i->body, out);
      assignedNames(i->orelse, out);
    } else if (auto *c = dyn<With>(s)) {
      assignedNames(c->body, out);
    }
  }
}

bool hasBreak(Seq<Stmt> stmts) {
  for (const Stmt *s : stmts) {
    if (isa<Break>(s))
      return true;
    if (auto *i = dyn<If>(s))
      if (hasBreak(i->body) || hasBreak(i->orelse))
        return true;
    if (auto *c = dyn<With>(s))
      if (hasBreak(c->body))
        return true;
  }
  return false;
}

} // namespace tessera::py
