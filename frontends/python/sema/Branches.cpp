// Branches.cpp - static and runtime if, conditional expressions, and/or; leaving early
//
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/sema/Scopes.h"
#include "frontends/python/sema/Visitor.h"

#include "core/ir/Tile.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace tessera::py {

namespace scf = mlir::scf;

// What travels out of the arms of one scf.if.
struct Merge {
  struct Variable {
    std::string_view name;
    Value proto; // structure and types
    size_t count;
  };
  std::vector<Variable> variables;
  std::vector<mlir::Value> x, y;
  std::vector<std::pair<Flag *, size_t>> flags; // and the result that each becomes
  mlir::Value cond;
};

// --- values through regions

void Visitor::flatten(const Value &v, std::vector<mlir::Value> &leaves) {
  switch (v.kind) {
  case ValueKind::Tensor:
  case ValueKind::BlockPtr:
    leaves.push_back(v.ir);
    break;
  case ValueKind::Tuple:
  case ValueKind::Descriptor:
    for (const Value &i : v.items())
      flatten(i, leaves);
    break;
  default:
    break;
  }
}

Value Visitor::rebuild(const Value &like, mlir::ValueRange leaves, size_t &next) {
  Value v = like;
  switch (v.kind) {
  case ValueKind::Tensor:
  case ValueKind::BlockPtr:
    v.ir = leaves[next++];
    break;
  case ValueKind::Tuple:
  case ValueKind::Descriptor: {
    auto data = std::make_shared<TupleData>(*like.parts);
    for (Value &i : data->items)
      i = rebuild(i, leaves, next);
    v.parts = std::move(data);
    break;
  }
  default:
    break;
  }
  return v;
}

bool Visitor::sameShape(const Value &a, const Value &c) {
  if (a.kind != c.kind)
    return false;
  switch (a.kind) {
  case ValueKind::Tensor:
  case ValueKind::BlockPtr:
    return a.type == c.type;
  case ValueKind::Tuple:
  case ValueKind::Descriptor:
    if (a.items().size() != c.items().size() || !(a.type == c.type) || a.parts->aggregate != c.parts->aggregate ||
        a.parts->names != c.parts->names)
      return false;
    for (size_t i = 0; i < a.items().size(); ++i)
      if (!sameShape(a.items()[i], c.items()[i]))
        return false;
    return true;
  default:
    return sameValue(a, c);
  }
}

mlir::Value Visitor::poisonOf(mlir::Type t) { return tile::PoisonOp::create(b, loc, t); }

mlir::Value Visitor::flagValue(const Flag &f) {
  if (f.state == Flag::Maybe)
    return f.ir;
  return intConstant(py::dtype(ScalarKind::Int1), f.state == Flag::Yes).ir;
}

// --- arms

Visitor::Arm Visitor::visitArm(llvm::function_ref<void()> body, const Env &env) {
  Arm arm;
  arm.region = std::make_unique<mlir::Region>();
  mlir::Block *block = new mlir::Block();
  arm.region->push_back(block);
  mlir::OpBuilder::InsertionGuard restore(b);
  b.setInsertionPointToEnd(block);
  KernelFrame &f = frame();
  f.env = env;
  f.flow = {};
  Span outer = std::exchange(f.lastReturn, Span{});
  body();
  arm.lastReturn = f.lastReturn;
  if (!f.lastReturn.line)
    f.lastReturn = outer;
  arm.env = std::move(f.env);
  arm.flow = f.flow;
  arm.dead = arm.flow.left();
  return arm;
}

// A runtime branch. Where one arm leaves and the other does not, the rest of the block is visited inside the other arm.
bool Visitor::branch(mlir::Value cond, llvm::function_ref<void()> thenBody, llvm::function_ref<void()> elseBody,
                     llvm::function_ref<void()> rest, bool restIsEmpty, bool guarding) {
  KernelFrame &f = frame();
  Env before = f.env;
  ExitFlow entry = f.flow;
  bool tail = f.tail;
  f.tail = tail && restIsEmpty;
  Arm a = visitArm(thenBody, before);
  f.tail = tail && restIsEmpty;
  Arm c = visitArm(elseBody, before);
  if (guarding) {
    a.flow = entry;
    a.dead = true;
    a.gone = entry.brk.state == Flag::No && entry.cont.state == Flag::No;
  }
  bool consumed = a.dead && c.dead;
  if (!restIsEmpty && a.dead != c.dead) {
    Arm &open = a.dead ? c : a;
    mlir::OpBuilder::InsertionGuard restore(b);
    b.setInsertionPointToEnd(&open.region->front());
    f.env = std::move(open.env);
    f.flow = open.flow;
    f.tail = tail;
    rest();
    open.env = std::move(f.env);
    open.flow = f.flow;
    open.dead = open.flow.left();
    consumed = true;
  }
  f.tail = tail;
  f.env = std::move(before);
  f.flow = entry;
  mergeArms(cond, a, c, tail && (consumed || restIsEmpty));
  return consumed;
}

void Visitor::guard(llvm::function_ref<void()> rest) {
  KernelFrame &f = frame();
  Value left;
  for (Flag *flag : {&f.flow.ret, &f.flow.brk, &f.flow.cont})
    if (flag->state == Flag::Maybe) {
      Value v = scalar(flag->ir, ScalarKind::Int1);
      left = left.isAbsent() ? v : binary(BinOpKind::BitOr, left, v);
    }
  branch(left.ir, [] {}, rest, [] {}, true, true);
}

void Visitor::joinVariable(std::string_view name, Arm &a, Arm &c, Merge &m) {
  KernelFrame &f = frame();
  const Value *x = a.env.find(name), *y = c.env.find(name), *old = f.env.find(name);
  auto keep = [&](const Value &v) { m.variables.push_back({name, v, 0}); };
  if (x && y && sameValue(*x, *y))
    return keep(*x);
  if ((x && x->kind == ValueKind::Error) || (y && y->kind == ValueKind::Error)) {
    Value error;
    error.kind = ValueKind::Error;
    return keep(error);
  }
  // Where an arm returned from the function, nobody sees its variables again.
  auto unseen = [](const Arm &arm, const Value *v) {
    return arm.flow.ret.state == Flag::Yes || arm.gone || (arm.dead && !v);
  };
  bool xDead = unseen(a, x), yDead = unseen(c, y);
  if (name == "$return") {
    xDead = !x;
    yDead = !y;
  }
  if ((!x && !xDead) || (!y && !yDead) || (xDead && yDead && (!x || !y))) {
    f.lost.emplace_back(name, "is bound in one branch of an `if` only");
    return;
  }
  if (x && y && x->isConst() && y->isConst() && name != "$return" && xDead == yDead) {
    f.lost.emplace_back(name, "has different compile-time values in the branches of an `if`");
    return;
  }
  if (x && y && !sameShape(*x, *y)) {
    if (xDead || yDead) {
      (xDead ? x : y) = nullptr;
    } else if (name == "$return") {
      At at(*this, c.lastReturn.line ? c.lastReturn : a.lastReturn.line ? a.lastReturn : place);
      fail(DiagId::InconsistentReturn, "Inconsistent return types: " + describeType(*x) + " and " + describeType(*y));
    } else if (old && old->isConst() && !old->isNumber()) {
      // `bias = None`, then a tile in one branch that alone uses it.
      f.lost.emplace_back(name, "is a constant before an `if`, and something else behind one of its branches");
      return;
    } else if (old) {
      bool thenChanged = !sameShape(*x, *old);
      fail(DiagId::BranchTypeMismatch, "initial value for `" + std::string(name) + "` is of type " +
                                           describeType(*old) + ", but the " + (thenChanged ? "then" : "else") +
                                           " block redefines it as " + describeType(thenChanged ? *x : *y));
    } else {
      fail(DiagId::BranchTypeMismatch, "Mismatched type for " + std::string(name) + " between then block (" +
                                           describeType(*x) + ") and else block (" + describeType(*y) + ")");
    }
  }
  if (!x || !y) {
    // One side is never seen: it gives poison.
    const Value &v = x ? *x : *y;
    std::vector<mlir::Value> leaves;
    flatten(v, leaves);
    auto &real = x ? m.x : m.y;
    auto &other = x ? m.y : m.x;
    mlir::OpBuilder::InsertionGuard restore(b);
    b.setInsertionPointToEnd(&(x ? c : a).region->front());
    for (mlir::Value l : leaves) {
      real.push_back(l);
      other.push_back(poisonOf(l.getType()));
    }
    m.variables.push_back({name, v, leaves.size()});
    return;
  }
  size_t first = m.x.size();
  flatten(*x, m.x);
  flatten(*y, m.y);
  m.variables.push_back({name, *x, m.x.size() - first});
}

void Visitor::joinFlag(Flag &result, const Flag &x, const Flag &y, Arm &a, Arm &c, Merge &m) {
  if (x.state == y.state && x.state != Flag::Maybe) {
    result = x;
    return;
  }
  if (x.state == Flag::Yes && y.state == Flag::No) {
    result = {Flag::Maybe, m.cond};
    return;
  }
  mlir::OpBuilder::InsertionGuard restore(b);
  b.setInsertionPointToEnd(&a.region->front());
  m.flags.emplace_back(&result, m.x.size());
  m.x.push_back(flagValue(x));
  b.setInsertionPointToEnd(&c.region->front());
  m.y.push_back(flagValue(y));
}

void Visitor::finishMerge(mlir::Value cond, Arm &a, Arm &c, Merge &m) {
  llvm::SmallVector<mlir::Type> types;
  for (mlir::Value v : m.x)
    types.push_back(v.getType());
  auto op = scf::IfOp::create(b, loc, types, cond, /*addThenBlock=*/false, /*addElseBlock=*/false);
  bool needsElse = !types.empty() || !c.region->front().empty();
  {
    mlir::OpBuilder::InsertionGuard restore(b);
    b.setInsertionPointToEnd(&a.region->front());
    scf::YieldOp::create(b, loc, m.x);
    b.setInsertionPointToEnd(&c.region->front());
    scf::YieldOp::create(b, loc, m.y);
  }
  op.getThenRegion().takeBody(*a.region);
  if (needsElse)
    op.getElseRegion().takeBody(*c.region);
  size_t next = 0;
  for (auto &v : m.variables) {
    if (!v.count)
      continue;
    v.proto = rebuild(v.proto, op->getResults(), next);
  }
  for (auto &[flag, index] : m.flags)
    *flag = {Flag::Maybe, op->getResult(index)};
}

// The function ends behind the arms: only what they return counts. An arm that falls off the end gives nothing, or what
// nobody reads where the other one returns a value.
void Visitor::mergeReturns(Arm &a, Arm &c) {
  KernelFrame &f = frame();
  Value *x = a.env.find("$return"), *y = c.env.find("$return");
  bool value = (x && !x->isNone()) || (y && !y->isNone());
  for (Arm *arm : {&a, &c})
    if (!value && !arm->env.find("$return"))
      arm->env.set("$return", none());
  f.flow.ret.state = Flag::Yes;
}

void Visitor::mergeArms(mlir::Value cond, Arm &a, Arm &c, bool onlyReturn) {
  KernelFrame &f = frame();
  Merge m;
  m.cond = cond;
  if (onlyReturn) {
    if (!f.isKernel) {
      mergeReturns(a, c);
      // Both count now, whoever left.
      ExitFlow left;
      left.ret.state = Flag::Yes;
      joinVariable("$return", a, c, m);
    }
    f.flow.ret.state = Flag::Yes;
  } else {
    for (auto &v : a.env.vars)
      joinVariable(v.first, a, c, m);
    for (auto &v : c.env.vars)
      if (!a.env.find(v.first))
        joinVariable(v.first, a, c, m);
    joinFlag(f.flow.ret, a.flow.ret, c.flow.ret, a, c, m);
    joinFlag(f.flow.brk, a.flow.brk, c.flow.brk, a, c, m);
    joinFlag(f.flow.cont, a.flow.cont, c.flow.cont, a, c, m);
  }
  finishMerge(cond, a, c, m);
  Env merged;
  for (auto &v : m.variables)
    merged.vars.emplace_back(v.name, std::move(v.proto));
  f.env = std::move(merged);
}

// --- statements and expressions

bool Visitor::visitIf(const If *s, Seq<Stmt> rest) {
  Value test = visit(s->test);
  KernelFrame &f = frame();
  if (!test.isTensor()) {
    if (test.kind == ValueKind::Error)
      throw Suppressed{};
    At at(*this, s->test->span);
    bool ok = test.isConst() && (test.host.isIntOrBool() || test.host.isNone());
    if (!ok)
      failType("`if` conditionals can only accept values of type {bool, int, NoneType}, not objects of type " +
                   describeType(test),
               "compare explicitly, for example `x != \"\"` or `len(x) != 0`");
    bool tail = f.tail;
    f.tail = tail && rest.empty();
    visitBlock(*staticTruth(test) ? s->body : s->orelse);
    frame().tail = tail;
    return false;
  }
  mlir::Value cond;
  {
    At at(*this, s->test->span);
    cond = condition(test).ir;
  }
  return branch(
      cond, [&] { visitBlock(s->body); }, [&] { visitBlock(s->orelse); }, [&] { visitBlock(rest); }, rest.empty(),
      false);
}

Value Visitor::visitIfExp(const IfExp *e) {
  Value test = visit(e->test);
  if (!test.isTensor()) {
    if (test.kind == ValueKind::Error)
      throw Suppressed{};
    bool ok = test.isConst() && (test.host.isIntOrBool() || test.host.isNone());
    if (!ok)
      failType("`if` conditionals can only accept values of type {bool, int, NoneType}, not objects of type " +
               describeType(test));
    return visit(*staticTruth(test) ? e->body : e->orelse);
  }
  mlir::Value cond = condition(test).ir;
  KernelFrame &f = frame();
  Env before = f.env;
  ExitFlow entry = f.flow;
  Value x, y;
  Arm a = visitArm([&] { x = sanitize(visit(e->body)); }, before);
  Arm c = visitArm([&] { y = sanitize(visit(e->orelse)); }, before);
  f.env = std::move(before);
  f.flow = entry;
  if (!sameShape(x, y))
    fail(DiagId::BranchTypeMismatch, "Ternary expression with dynamic condition has inconsistent types " +
                                         describeType(x) + " and " + describeType(y));
  Merge m;
  flatten(x, m.x);
  flatten(y, m.y);
  m.variables.push_back({"", x, m.x.size()});
  finishMerge(cond, a, c, m);
  return m.variables[0].proto;
}

// Constants decide as in Python and stop the evaluation; runtime operands are all evaluated.
Value Visitor::visitBoolOp(const BoolOp *e) {
  bool isAnd = e->op == BoolOpKind::And;
  Value result;
  for (const Expr *operand : e->values) {
    Value v = visit(operand);
    if (auto known = staticTruth(v)) {
      if (*known != isAnd) // decides, whatever the runtime operands are
        return v;
      if (!result.isTensor())
        result = v;
      continue;
    }
    if (v.isBlock())
      warn(DiagId::Deprecated,
           "Logical operators 'and' and 'or' are deprecated for non-scalar tensors; please use '&' or "
           "'|' instead");
    result = result.isTensor() ? logical(e->op, result, v) : v;
  }
  return result;
}

} // namespace tessera::py
