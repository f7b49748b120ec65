// Loops.cpp - for over ranges, unrolled loops, while; break and continue
//
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/sema/Scopes.h"
#include "frontends/python/sema/Visitor.h"
#include "frontends/python/syntax/AstWalk.h"

#include "core/ir/Tile.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace tessera::py {

namespace scf = mlir::scf;
namespace arith = mlir::arith;

namespace {
enum LoopFlag : int32_t {
  kFlatten = 1,
  kWarpSpecialize = 2,
  kDisableLicm = 8
}; // bits of loop_flags, core/bytecode/Ops.def
}

// --- what a loop carries: the variables that exist before it and that its body binds

std::vector<Visitor::Carried> Visitor::carriedVariables(Seq<Stmt> body, std::string_view except,
                                                        std::vector<mlir::Value> &leaves) {
  std::vector<std::string_view> names;
  assignedNames(body, names);
  // A method may change the aggregate that it is called on.
  std::function<void(const Node *)> addReceivers = [&](const Node *node) {
    auto *c = dyn<Call>(node);
    auto *a = c ? dyn<Attribute>(c->func) : nullptr;
    auto *n = a ? dyn<Name>(a->value) : nullptr;
    Value *v = n ? frame().env.find(n->id) : nullptr;
    if (v && v->isAggregate() && llvm::find(names, n->id) == names.end())
      names.push_back(n->id);
    forEachChild(node, addReceivers);
  };
  if (llvm::any_of(frame().env.vars, [](auto &v) { return v.second.isAggregate(); }))
    for (const Stmt *s : body)
      addReceivers(s);
  std::vector<Carried> result;
  for (std::string_view name : names) {
    Value *v = name == except ? nullptr : frame().env.find(name);
    if (!v)
      continue;
    Carried c{name, *v, leaves.size(), 0};
    flatten(*v, leaves);
    c.count = leaves.size() - c.first;
    result.push_back(std::move(c));
  }
  return result;
}

void Visitor::bindCarried(const std::vector<Carried> &carried, mlir::ValueRange leaves) {
  for (const Carried &c : carried) {
    size_t next = c.first;
    frame().env.set(c.name, rebuild(c.initial, leaves, next));
  }
}

// The values that the next iteration begins with, checked against the types at the beginning.
std::vector<mlir::Value> Visitor::carriedAfterBody(const std::vector<Carried> &carried, const Env &before) {
  std::vector<mlir::Value> result;
  auto poisonAll = [&](const Carried &c) {
    std::vector<mlir::Value> leaves;
    flatten(c.initial, leaves);
    for (mlir::Value l : leaves)
      result.push_back(poisonOf(l.getType()));
  };
  for (const Carried &c : carried) {
    Value *v = frame().env.find(c.name);
    if (!v || v->kind == ValueKind::Error || c.initial.kind == ValueKind::Error) {
      poisonAll(c);
      continue;
    }
    if (sameShape(*v, c.initial)) {
      flatten(*v, result);
      continue;
    }
    Diagnostic d;
    d.place = currentPlace();
    d.notes = callNotes();
    if (c.initial.isConst() || v->isConst()) {
      d.id = DiagId::BadAssignment;
      d.message = "cannot reassign constexpr " + std::string(c.name) + " in the loop";
    } else {
      d.id = DiagId::LoopCarriedType;
      d.message = "Loop-carried variable " + std::string(c.name) + " has initial type " + describeType(c.initial) +
                  " but is re-assigned to " + describeType(*v) +
                  " in loop! Please make sure that the type stays consistent.";
    }
    d.severity = diagSeverity(d.id);
    report(d);
    poisonAll(c);
    Value error;
    error.kind = ValueKind::Error;
    frame().env.set(c.name, error);
  }
  return result;
}

void Visitor::finishLoop(const std::vector<Carried> &carried, mlir::ValueRange results, Env before) {
  KernelFrame &f = frame();
  std::vector<std::string_view> inError;
  for (auto &v : f.env.vars) {
    if (!before.find(v.first) && v.first != "$return")
      f.lost.emplace_back(v.first, "is bound inside a loop, and ends with it");
    else if (v.second.kind == ValueKind::Error)
      inError.push_back(v.first);
  }
  f.env = std::move(before);
  bindCarried(carried, results);
  Value error;
  error.kind = ValueKind::Error;
  for (std::string_view n : inError)
    f.env.set(n, error);
  f.flow.brk = f.flow.cont = {};
}

namespace {
// Whether a function reads `name` where no loop over it gives it its value: behind the loop, or around it.
bool readsOutside(const Node *node, std::string_view name) {
  if (auto *n = dyn<Name>(node))
    return n->id == name && n->ctx == ExprContext::Load;
  auto *loop = dyn<For>(node);
  auto *index = loop ? dyn<Name>(loop->target) : nullptr;
  if (index && index->id == name)
    return readsOutside(loop->iter, name);
  bool found = false;
  forEachChild(node, [&](const Node *child) { found = found || readsOutside(child, name); });
  return found;
}

// Saves what a loop body must not see of the loop around it.
struct LoopScope {
  KernelFrame &f;
  bool tail;
  ExitFlow flow;
  LoopScope(KernelFrame &frame, bool runtime) : f(frame), tail(frame.tail), flow(frame.flow) {
    f.tail = false;
    f.flow.brk = f.flow.cont = {};
    f.runtimeLoops += runtime;
    isRuntime = runtime;
  }
  ~LoopScope() {
    f.tail = tail;
    f.flow.brk = flow.brk;
    f.flow.cont = flow.cont;
    f.runtimeLoops -= isRuntime;
  }
  bool isRuntime;
};
} // namespace

// --- for

// Behind a loop its index is what it was in the last iteration, as in Python; what the name was before where there was none. `counter` is the counter of the last
// iteration. Emitted only where the function reads the name outside such loops.
void Visitor::bindIndexBehind(const For *s, const LoopBounds &l, const std::function<Value()> &counter) {
  std::string_view name = as<Name>(s->target)->id;
  std::vector<std::string_view> rebound;
  assignedNames(s->body, rebound);
  if (llvm::is_contained(rebound, name) || !readsOutside(frame().function->def, name))
    return;
  At at(*this, s->target->span);
  Value last = counter();
  if (l.down)
    last = binary(BinOpKind::Add, binary(BinOpKind::Sub, l.upper, last), l.lower);
  if (Value *before = frame().env.find(name); before && before->isTensor() && sameShape(*before, last))
    last = where(compare(Relation::Lt, l.lower, l.upper), last, *before);
  setVariable(name, last);
}

void Visitor::visitFor(const For *s) {
  if (!s->orelse.empty())
    fail(DiagId::UnsupportedSyntax, "`else` of a `for` loop is not supported");
  Value range = visit(s->iter);
  if (range.kind == ValueKind::Error)
    throw Suppressed{};
  if (range.kind == ValueKind::Range && range.parts->typeName != "static")
    return runtimeFor(s, range);
  LoopScope scope(frame(), false);
  std::vector<Value> values;
  if (range.kind == ValueKind::Range) {
    int64_t start = needInt(range.items()[0], "static_range's start"),
            stop = needInt(range.items()[1], "static_range's end"),
            step = needInt(range.items()[2], "static_range's step");
    if (step == 0)
      failArgument("the step of a range must not be zero");
    for (int64_t i = start; step > 0 ? i < stop : i > stop; i += step) {
      if (values.size() > 65536)
        fail(DiagId::OutOfResources, "static_range unrolls more than 65536 iterations");
      values.push_back(constInt(i));
    }
  } else if (range.isTuple() || (range.isConst() && (range.host.isList() || range.host.isTuple()))) {
    values = items(range);
  } else {
    At at(*this, s->iter->span);
    fail(DiagId::UnsupportedSyntax, "Only `range` and `static_range` iterators are currently supported",
         "loop over range(n), tl.range(n), tl.static_range(n) or a tuple");
  }
  unrolledFor(s, std::move(values), 0);
}

// One iteration after the other in the same block; after a conditional break the others are guarded.
void Visitor::unrolledFor(const For *s, std::vector<Value> values, size_t next) {
  KernelFrame &f = frame();
  for (size_t i = next; i < values.size(); ++i) {
    if (f.flow.maybeLeft()) {
      guard([&] { unrolledFor(s, values, i); });
      return;
    }
    assign(s->target, values[i]);
    visitBlock(s->body);
    f.flow.cont = {};
    if (f.flow.left())
      return;
  }
}

// What a tl.range asks for beside its bounds.
Visitor::LoopWishes Visitor::wishesOf(const Expr *place, const Value &range) {
  At at(*this, place->span);
  const std::vector<Value> &parts = range.items();
  LoopWishes wishes;
  auto number = [&](const Value &v, std::string_view name) -> std::optional<int64_t> {
    std::optional<int64_t> n = v.isConst() ? v.host.toI64() : std::nullopt;
    if (n && (*n < 0 || *n > INT32_MAX))
      failArgument("tl.range's " + std::string(name) + " must be 0 or more, and fit an int32: it is " +
                   std::to_string(*n));
    return n;
  };
  wishes.stages = number(parts[3], "num_stages");
  wishes.unroll = number(parts[4], "loop_unroll_factor");
  for (int i = 0; i < 4; ++i)
    if (parts[5 + i].isConst() && staticTruth(parts[5 + i]).value_or(false))
      wishes.flags |= 1 << i;
  return wishes;
}

void Visitor::runtimeFor(const For *s, const Value &range) {
  auto *target = dyn<Name>(s->target);
  if (!target)
    fail(DiagId::UnsupportedSyntax, "the variable of a runtime loop must be a name");
  const std::vector<Value> &parts = range.items();
  auto bound = [&](const Value &v, std::string_view what) {
    Value t = toTensor(v);
    if (t.isBlock() || !t.type.elem.isInt())
      failType("For loop bounds and step must all be ints, are not: " + std::string(what) + " is " + t.type.str());
    return t;
  };
  Value lower = bound(parts[0], "start"), upper = bound(parts[1], "end"), step;
  bool down = false, known = parts[2].isNumber();
  if (known) {
    int64_t n = needInt(parts[2], "the step");
    if (n == 0)
      failArgument("the step of a range must not be zero");
    down = n < 0;
    step = toTensor(constInt(down ? -n : n));
    if (down)
      std::swap(lower, upper);
  } else {
    step = bound(parts[2], "step");
    // Which way a loop goes is decided when it is compiled: one whose step turns out to be negative would run not at all or for ever.
    if (options.debug) {
      Value counts = compare(Relation::Gt, step, zeroOf(step.type));
      tile::AssertOp::create(b, loc, counts.ir,
                             "the step of a range must be greater than 0 where it is known at run time only",
                             mlir::Value());
      step = where(counts, step, intConstant(step.type.elem, 1)); // a program that goes on comes to an end
    }
  }
  DType t =
      *promote(*promote(lower.elem(), false, upper.elem(), false, false).type, false, step.elem(), false, false).type;
  if (t.isBool())
    t = py::dtype(ScalarKind::Int32);
  lower = cast(lower, t);
  upper = cast(upper, t);
  step = cast(step, t);

  Env before = frame().env;
  std::vector<mlir::Value> leaves;
  std::vector<Carried> carried = carriedVariables(s->body, target->id, leaves);
  LoopWishes wishes = wishesOf(s->iter, range);
  if (hasBreak(s->body))
    return forWithBreak(s, {lower, upper, step, down, known}, wishes, carried, leaves);

  auto op = scf::ForOp::create(b, loc, lower.ir, upper.ir, step.ir, leaves, nullptr, /*unsignedCmp=*/t.isUnsigned());
  if (wishes.stages)
    op->setAttr("tile.num_stages", b.getI32IntegerAttr(*wishes.stages));
  if (wishes.unroll)
    op->setAttr("tile.unroll", b.getI32IntegerAttr(*wishes.unroll));
  if (wishes.flags)
    op->setAttr("tile.loop_flags", b.getI32IntegerAttr(wishes.flags));
  {
    LoopScope scope(frame(), true);
    mlir::OpBuilder::InsertionGuard restore(b);
    mlir::Block *body = op.getBody();
    if (!body->empty())
      body->getTerminator()->erase();
    b.setInsertionPointToEnd(body);
    bindCarried(carried, op.getRegionIterArgs());
    Value iv = tensor(op.getInductionVar(), scalarType(t));
    // Counting down: the loop counts up from the lower end, the variable mirrors it.
    if (down)
      iv = binary(BinOpKind::Add, binary(BinOpKind::Sub, upper, iv), lower);
    setVariable(target->id, iv);
    visitBlock(s->body);
    frame().flow.cont = {};
    std::vector<mlir::Value> next = carriedAfterBody(carried, before);
    scf::YieldOp::create(b, loc, next);
  }
  finishLoop(carried, op.getResults(), std::move(before));
  bindIndexBehind(s, {lower, upper, step, down, known}, [&] {
    Value span = binary(BinOpKind::Sub, binary(BinOpKind::Sub, upper, lower), intConstant(t, 1));
    Value whole = binary(BinOpKind::Mult, binary(BinOpKind::FloorDiv, span, step), step);
    return binary(BinOpKind::Add, lower, whole);
  });
}

// scf.while with the induction value, "goes on" and the carried variables. Whether there is another iteration is known when this one is over: nothing is done ahead
// of it. One accumulator is all that it ever has.
void Visitor::forWithBreak(const For *s, const LoopBounds &l, const LoopWishes &wishes, std::vector<Carried> &carried,
                           std::vector<mlir::Value> &leaves) {
  std::string names;
  auto lost = [&](bool asked, std::string_view name) {
    if (asked)
      names += (names.empty() ? "`" : "`, `") + std::string(name);
  };
  lost(wishes.stages.value_or(0) > 1, "num_stages");
  lost(wishes.unroll.value_or(0) > 1, "loop_unroll_factor");
  lost(wishes.flags & kFlatten, "flatten");
  lost(wishes.flags & kWarpSpecialize, "warp_specialize");
  if (!names.empty()) {
    At at(*this, s->iter->span);
    warn(DiagId::NotDone,
         "this loop has a `break`, which leaves nothing for " + names + "` to do: no iteration is known to come");
  }
  Env before = frame().env;
  DType t = l.lower.elem();
  Value yes = intConstant(py::dtype(ScalarKind::Int1), 1);
  // With a step that is not positive there is no iteration, where there would be no end.
  mlir::Value goes = l.known ? yes.ir : compare(Relation::Gt, l.step, zeroOf(l.step.type)).ir;
  std::vector<mlir::Value> init = {l.lower.ir, goes};
  init.insert(init.end(), leaves.begin(), leaves.end());
  llvm::SmallVector<mlir::Type> types;
  llvm::SmallVector<mlir::Location> locs(init.size(), loc);
  for (mlir::Value v : init)
    types.push_back(v.getType());
  auto op = scf::WhileOp::create(b, loc, types, init);
  if (wishes.flags & kDisableLicm)
    op->setAttr("tile.loop_flags", b.getI32IntegerAttr(kDisableLicm));
  {
    LoopScope scope(frame(), true);
    mlir::OpBuilder::InsertionGuard restore(b);
    mlir::Block *head = b.createBlock(&op.getBefore(), {}, types, locs);
    Value more = compare(Relation::Lt, tensor(head->getArgument(0), scalarType(t)), l.upper);
    more = binary(BinOpKind::BitAnd, more, scalar(head->getArgument(1), ScalarKind::Int1));
    scf::ConditionOp::create(b, loc, more.ir, head->getArguments());
    mlir::Block *body = b.createBlock(&op.getAfter(), {}, types, locs);
    bindCarried(carried, body->getArguments().drop_front(2));
    Value counter = tensor(body->getArgument(0), scalarType(t)), iv = counter;
    if (l.down)
      iv = binary(BinOpKind::Add, binary(BinOpKind::Sub, l.upper, iv), l.lower);
    setVariable(as<Name>(s->target)->id, iv);
    visitBlock(s->body);
    frame().flow.cont = {};
    std::vector<mlir::Value> next = {
        binary(BinOpKind::Add, counter, l.step).ir,
        binary(BinOpKind::BitXor, scalar(flagValue(frame().flow.brk), ScalarKind::Int1), yes).ir};
    for (mlir::Value v : carriedAfterBody(carried, before))
      next.push_back(v);
    scf::YieldOp::create(b, loc, next);
  }
  finishLoop(carried, op.getResults().drop_front(2), std::move(before));
  bindIndexBehind(s, l, [&] { return binary(BinOpKind::Sub, tensor(op.getResult(0), scalarType(t)), l.step); });
}

// --- while

void Visitor::visitWhile(const While *s) {
  if (!s->orelse.empty())
    fail(DiagId::UnsupportedSyntax, "`else` of a `while` loop is not supported");
  Env before = frame().env;
  std::vector<mlir::Value> init;
  std::vector<Carried> carried = carriedVariables(s->body, {}, init);
  bool breaks = hasBreak(s->body);
  Value yes;
  if (breaks) {
    yes = intConstant(py::dtype(ScalarKind::Int1), 1);
    init.push_back(yes.ir);
  }
  llvm::SmallVector<mlir::Type> types;
  llvm::SmallVector<mlir::Location> locs(init.size(), loc);
  for (mlir::Value v : init)
    types.push_back(v.getType());
  auto op = scf::WhileOp::create(b, loc, types, init);
  {
    LoopScope scope(frame(), true);
    mlir::OpBuilder::InsertionGuard restore(b);
    mlir::Block *head = b.createBlock(&op.getBefore(), {}, types, locs);
    bindCarried(carried, head->getArguments());
    auto test = [&] {
      At at(*this, s->test->span);
      try {
        keepsInvariants_ = false;
        Value v = visit(s->test);
        if (keepsInvariants_) // tl.condition(…, disable_licm=True)
          op->setAttr("tile.loop_flags", b.getI32IntegerAttr(kDisableLicm));
        if (v.isTensor() && v.type.block && v.type.numel() != 1)
          fail(DiagId::AmbiguousTruth, "Boolean value of Tensor with more than one value is ambiguous",
               "reduce it first, for example with tl.max(x.to(tl.int32), 0) != 0");
        if (auto known = staticTruth(v))
          return intConstant(py::dtype(ScalarKind::Int1), *known).ir;
        return condition(v).ir;
      } catch (const SemaError &e) {
        report(e.diagnostic);
      } catch (const Suppressed &) {
      }
      return poisonOf(b.getI1Type());
    };
    mlir::Value cond;
    if (breaks) {
      // After a break the condition is not evaluated again: it may have effects.
      auto go = scf::IfOp::create(b, loc, mlir::TypeRange(b.getI1Type()), head->getArguments().back(), true, true);
      mlir::OpBuilder::InsertionGuard inner(b);
      b.setInsertionPointToEnd(go.thenBlock());
      mlir::Value v = test();
      scf::YieldOp::create(b, loc, v);
      b.setInsertionPointToEnd(go.elseBlock());
      scf::YieldOp::create(b, loc, mlir::ValueRange(intConstant(py::dtype(ScalarKind::Int1), 0).ir));
      cond = go.getResult(0);
    } else {
      cond = test();
    }
    b.setInsertionPointToEnd(head);
    scf::ConditionOp::create(b, loc, cond, head->getArguments());
    mlir::Block *body = b.createBlock(&op.getAfter(), {}, types, locs);
    frame().env = before;
    bindCarried(carried, body->getArguments());
    visitBlock(s->body);
    frame().flow.cont = {};
    std::vector<mlir::Value> next = carriedAfterBody(carried, before);
    if (breaks)
      next.push_back(binary(BinOpKind::BitXor, scalar(flagValue(frame().flow.brk), ScalarKind::Int1), yes).ir);
    scf::YieldOp::create(b, loc, next);
  }
  finishLoop(carried, op.getResults(), std::move(before));
}

} // namespace tessera::py
