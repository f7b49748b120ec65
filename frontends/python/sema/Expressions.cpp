// Expressions.cpp - names, operators, comparisons, strings, comprehensions
//
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/evaluator/ConstantValue.h"
#include "frontends/python/sema/Advice.h"
#include "frontends/python/sema/HostTypes.h"
#include "frontends/python/sema/Scopes.h"
#include "frontends/python/sema/Visitor.h"

namespace tessera::py {

Value Visitor::hostResult(std::optional<HostValue> v) {
  Evaluator &e = host.evaluator();
  if (v) {
    auto r = fromHost(*v);
    return r ? *r : constant(*v);
  }
  if (!e.hasError())
    fail(DiagId::WrongType, "this has no value");
  EvalError error = e.takeError();
  DiagId id = error.type == "ZeroDivisionError" ? DiagId::DivisionByZero
              : error.type == "Unsupported"     ? DiagId::NotSupportedYet
              : error.type == "NameError"       ? DiagId::UnknownName
              : error.type == "AttributeError"  ? DiagId::BadAttribute
                                                : DiagId::WrongType;
  SemaError s;
  s.diagnostic.id = id;
  s.diagnostic.severity = diagSeverity(id);
  s.diagnostic.place = currentPlace();
  s.diagnostic.message = error.type == "Unsupported" ? error.message : error.type + ": " + error.message;
  s.diagnostic.exception = error.type == "Unsupported" ? "" : error.type;
  s.diagnostic.function = currentFunction();
  if (error.place.file && error.place.line)
    s.diagnostic.notes.push_back({error.place, "raised here, at compile time"});
  for (auto &n : callNotes())
    s.diagnostic.notes.push_back(n);
  throw s;
}

std::optional<bool> Visitor::staticTruth(const Value &v) {
  switch (v.kind) {
  case ValueKind::Tensor:
    return std::nullopt;
  case ValueKind::Error:
    throw Suppressed{};
  case ValueKind::Const: {
    if (v.host.isIntOrBool())
      return !v.host.bigInt().isZero();
    auto t = host.evaluator().truth(v.host);
    if (!t)
      hostResult(std::nullopt);
    return t;
  }
  case ValueKind::Tuple:
    return !v.items().empty();
  case ValueKind::Absent:
    return false;
  default:
    return true;
  }
}

bool Visitor::truth(const Value &v, std::string_view what) {
  auto t = staticTruth(v);
  if (!t)
    fail(DiagId::NotConstexpr, std::string(what) + " must be known at compile time");
  return *t;
}

Value Visitor::lookup(std::string_view name) {
  KernelFrame &f = frame();
  if (Value *v = f.env.find(name)) {
    if (v->kind == ValueKind::Error)
      throw Suppressed{};
    return *v;
  }
  for (auto &[lost, why] : f.lost)
    if (lost == name)
      fail(DiagId::UnknownName, "`" + std::string(name) + "` is not defined here: it " + why,
           "give it a value of the same type before");
  if (f.function->isLibrary()) {
    if (auto v = languageValue(f.function->space + "." + std::string(name)))
      return *v;
    if (auto v = languageValue("triton.language." + std::string(name)))
      return *v;
  } else if (auto g = host.global(*f.function, name)) {
    HostKind k = g->value.kind();
    bool plain = k == HostKind::Bool || k == HostKind::Int || k == HostKind::Float || k == HostKind::Str ||
                 k == HostKind::List || k == HostKind::Dict || k == HostKind::Set || k == HostKind::Instance ||
                 (k == HostKind::Tuple && g->value.get<SequenceObject>()->fieldNames.empty());
    LiveObject *live = liveObject(g->value);
    plain |= live && live->asGlobal() == LiveObject::Global::NotConstexpr;
    if (live && live->asGlobal() == LiveObject::Global::PlainFunction && !g->isConstexpr)
      fail(DiagId::GlobalNotConstexpr,
           "Unsupported function referenced: " + host.evaluator().text(g->value, true).value_or(std::string(name)),
           "decorate it with @triton.jit, or with @triton.constexpr_function if it computes constants", "RuntimeError");
    if (plain && !g->isConstexpr && !options.allowNonConstexprGlobals)
      fail(DiagId::GlobalNotConstexpr,
           "Cannot access global variable " + std::string(name) +
               " from within @jit'ed function. Triton kernels can only access global variables that are instanstiated "
               "as constexpr (`x = triton.language.constexpr(42)`). Note that this is different from annotating a "
               "variable "
               "as constexpr (`x: triton.language.constexpr = 42`), which is not supported.",
           "write `" + std::string(name) +
               " = tl.constexpr(…)`, or pass it as a constexpr parameter; TRITON_ALLOW_NON_CONSTEXPR_GLOBALS=1 lets "
               "kernels "
               "read any global, as it is when they are compiled");
    if (auto v = fromHost(g->value))
      return *v;
    fail(DiagId::GlobalNotConstexpr, "Unsupported function referenced: " + std::string(name),
         "decorate it with @triton.jit, or with @triton.constexpr_function if it computes constants", "RuntimeError");
  } else if (host.evaluator().hasError()) {
    hostResult(std::nullopt);
  }
  if (auto v = pythonBuiltin(name))
    return *v;
  std::vector<std::string> candidates = host.globalNames(*f.function);
  for (auto &v : f.env.vars)
    candidates.push_back(std::string(v.first));
  std::string near = nearestName(name, candidates), help;
  if (!near.empty())
    help = "did you mean `" + near + "`?";
  else if (languageValue("triton.language." + std::string(name)))
    help = "did you mean `tl." + std::string(name) + "`?";
  else if (std::string_view instead = insteadOfBuiltin(name); !instead.empty())
    help = "Python's `" + std::string(name) + "` is for the host only: " + std::string(instead);
  else
    help =
        "assign it before, make it a parameter of the kernel, or define it in the module as `tl.constexpr` or function";
  fail(DiagId::UnknownName, "`" + std::string(name) + "` is not defined", help);
}

// What an author who writes these operands most often meant.
static std::string helpForOperands(const Value &a, const Value &b) {
  if (a.isNone() || b.isNone())
    return "ask first for an argument that may be None: `if bias is not None:`";
  if (a.kind == ValueKind::BlockPtr || b.kind == ValueKind::BlockPtr)
    return "a block pointer is moved with tl.advance(ptr, offsets)";
  return {};
}

// Beside a runtime value an object that is a number by inheritance is that number.
static Value plainOperand(const Value &v, const Value &other) { return other.isTensor() ? Emitter::plain(v) : v; }

Value Visitor::binaryOp(BinOpKind op, const Value &left, const Value &right) {
  if (left.kind == ValueKind::Error || right.kind == ValueKind::Error)
    throw Suppressed{};
  Value a = plainOperand(left, right), b = plainOperand(right, left);
  if (a.isAggregate()) {
    static constexpr const char *methods[] = {"__add__", "__sub__", "__mul__",     "__matmul__", "__truediv__",
                                              "__mod__", "__pow__", "__lshift__",  "__rshift__", "__or__",
                                              "__xor__", "__and__", "__floordiv__"};
    std::string_view name = methods[static_cast<int>(op)];
    bool isLive = a.parts->cls.isForeign();
    if (auto m = isLive ? hostMember(a, toHostOrRuntime(a), name) : memberOf(a, a.parts->cls, name))
      return call(*m, {b}, {});
  }
  if (a.isTensor() || b.isTensor()) {
    for (const Value *v : {&a, &b})
      if (v->isTuple() || v->kind == ValueKind::Type || v->isNone() || v->isString() || v->kind == ValueKind::BlockPtr)
        failType("invalid operands of type " + describeType(a) + " and " + describeType(b) + " for " +
                     std::string(spelling(op)),
                 helpForOperands(a, b));
    return binary(op, a, b);
  }
  if (a.isTuple() && b.isTuple() && op == BinOpKind::Add) {
    std::vector<Value> all = a.items();
    all.insert(all.end(), b.items().begin(), b.items().end());
    return tuple(std::move(all));
  }
  if (op == BinOpKind::Mult && (a.isTuple() || b.isTuple())) {
    const Value &t = a.isTuple() ? a : b, &n = a.isTuple() ? b : a;
    std::vector<Value> all;
    int64_t count = needInt(n, "the repeat count of a tuple"), size = static_cast<int64_t>(t.items().size());
    constexpr int64_t most = 1 << 20;
    if (size && count > most / size)
      failArgument("the repeated tuple is too large: " + std::to_string(count) + " times " + std::to_string(size) +
                   " values, at most " + std::to_string(most) + " are kept");
    for (int64_t i = count; i > 0; --i)
      all.insert(all.end(), t.items().begin(), t.items().end());
    return tuple(std::move(all));
  }
  auto x = toHost(a), y = toHost(b);
  if (!x || !y || a.isType() || b.isType())
    failType("invalid operands of type " + describeType(a) + " and " + describeType(b) + " for " +
                 std::string(spelling(op)),
             helpForOperands(a, b));
  return hostResult(host.evaluator().binary(op, *x, *y));
}

Value Visitor::compareOp(CmpOpKind op, const Value &left, const Value &right) {
  if (left.kind == ValueKind::Error || right.kind == ValueKind::Error)
    throw Suppressed{};
  Value a = plainOperand(left, right), b = plainOperand(right, left);
  if (op == CmpOpKind::Is || op == CmpOpKind::IsNot) {
    bool same = a.isConst() && b.isConst() ? a.host.isSame(b.host) : sameValue(a, b);
    return constBool(same == (op == CmpOpKind::Is));
  }
  if (a.kind == ValueKind::BlockPtr || b.kind == ValueKind::BlockPtr)
    failType("invalid operands of type " + describeType(a) + " and " + describeType(b));
  if (a.isTensor() || b.isTensor()) {
    if (op == CmpOpKind::In || op == CmpOpKind::NotIn)
      fail(DiagId::UnsupportedSyntax, "`in` of runtime values is not supported");
    static constexpr Relation map[] = {Relation::Eq, Relation::Ne, Relation::Lt,
                                       Relation::Le, Relation::Gt, Relation::Ge};
    return compare(map[static_cast<int>(op)], a, b);
  }
  if (op == CmpOpKind::Eq || op == CmpOpKind::NotEq) {
    auto x = toHost(a), y = toHost(b);
    if (!x || !y || a.isType() || b.isType() || a.kind == ValueKind::Function || b.kind == ValueKind::Function)
      return constBool(sameValue(a, b) == (op == CmpOpKind::Eq));
  }
  auto x = toHost(a), y = toHost(b);
  if ((!x || !y) && (op == CmpOpKind::In || op == CmpOpKind::NotIn))
    fail(DiagId::UnsupportedSyntax, "`in` of runtime values is not supported",
         "a tuple in a variable holds values of the run: write it here, or declare it `name: tl.constexpr = …`");
  if (!x || !y)
    failType("cannot compare " + describeType(a) + " with " + describeType(b));
  auto r = host.evaluator().compare(op, *x, *y);
  if (!r)
    return hostResult(std::nullopt);
  return constBool(*r);
}

Value Visitor::applyUnary(UnaryOpKind op, const Value &v) {
  if (v.isTensor()) {
    switch (op) {
    case UnaryOpKind::USub:
      return negate(v);
    case UnaryOpKind::Invert:
      return invert(v);
    case UnaryOpKind::Not:
      return logicalNot(v);
    case UnaryOpKind::UAdd:
      return v;
    }
  }
  if (op == UnaryOpKind::Not && v.isTuple())
    fail(DiagId::UnsupportedSyntax, "wrong type argument to unary not (" + describeType(v) + ")",
         "compare its length: len(x) == 0");
  if (op == UnaryOpKind::Not)
    return constBool(!*staticTruth(v));
  if (!v.isConst())
    failType("wrong type argument to unary " + std::string(spelling(op)) + " (" + describeType(v) + ")");
  return hostResult(host.evaluator().unary(op, v.host));
}

// Functions whose result must be used: those of the language without effects, and what the program marks itself.
void Visitor::checkUsed(const Call *call, const Value &callee) {
  const Value &target = callee.kind == ValueKind::Bound ? callee.items()[1] : callee;
  std::string why, name;
  if (target.kind == ValueKind::Builtin && target.builtin->flags & kMustUse) {
    why = std::string("Note that tl.") + target.builtin->name +
          " does not have any side effects. To move the block pointer, you need to assign the result of tl." +
          target.builtin->name + " to a variable.";
  } else if (target.kind == ValueKind::Function && target.function->object) {
    bool isBound = false;
    if (auto mark = host.member(target.host, "_must_use_result", isBound); mark && !mark->isNone())
      why = mark->isStr() ? mark->str() : " ";
    const FunctionDef *def = target.function->def;
    for (const Expr *decorator : def->decorators) {
      auto *c = dyn<Call>(decorator);
      auto *a = dyn<Attribute>(c ? c->func : decorator);
      auto *n = dyn<Name>(c ? c->func : decorator);
      if (!(a && a->attr == "must_use_result") && !(n && n->id == "must_use_result"))
        continue;
      why = " ";
      if (c && c->args.size() == 1) {
        auto text = host.evaluator().evaluate(c->args[0], target.function->object->module);
        why = text && text->isStr() ? text->str() : " ";
        if (host.evaluator().hasError())
          host.evaluator().takeError();
      }
    }
  } else {
    return;
  }
  if (why.empty())
    return;
  auto *a = dyn<Attribute>(call->func);
  auto *n = dyn<Name>(call->func);
  name = n ? std::string(n->id) : a ? std::string(a->attr) : describe(target);
  if (a)
    if (auto *base = dyn<Name>(a->value))
      name = std::string(base->id) + "." + name;
  fail(DiagId::BadArgument, "The result of " + name + " is not being used." + (why == " " ? "" : " " + why));
}

Value Visitor::visit(const Expr *e) {
  At at(*this, e->span);
  auto many = [&](Seq<Expr> elts) {
    std::vector<Value> values;
    for (const Expr *x : elts) {
      if (auto *star = dyn<Starred>(x)) {
        for (Value &v : items(visit(star->value)))
          values.push_back(std::move(v));
      } else {
        values.push_back(visit(x));
      }
    }
    return values;
  };
  switch (e->kind) {
  case NodeKind::Name:
    return lookup(as<Name>(e)->id);
  case NodeKind::Constant: {
    auto *c = as<Constant>(e);
    if (c->what == ConstantKind::Imag || c->what == ConstantKind::Bytes)
      fail(DiagId::UnsupportedSyntax,
           c->what == ConstantKind::Imag ? "complex numbers are not supported" : "bytes are not supported");
    return constant(*constantValue(*c));
  }
  case NodeKind::BinOp: {
    auto *o = as<BinOp>(e);
    Value l = visit(o->left), r = visit(o->right);
    return binaryOp(o->op, l, r);
  }
  case NodeKind::UnaryOp: {
    auto *o = as<UnaryOp>(e);
    return applyUnary(o->op, visit(o->operand));
  }
  case NodeKind::BoolOp:
    return visitBoolOp(as<BoolOp>(e));
  case NodeKind::Compare: {
    auto *c = as<py::Compare>(e);
    if (c->ops.size() != 1)
      fail(DiagId::UnsupportedSyntax, "simultaneous multiple comparison is not supported", "write `(a < b) & (b < c)`");
    Value l = visit(c->left), r = visit(c->comparators[0]);
    return compareOp(c->ops[0], l, r);
  }
  case NodeKind::IfExp:
    return visitIfExp(as<IfExp>(e));
  case NodeKind::Attribute: {
    auto *a = as<Attribute>(e);
    auto *inner = dyn<Attribute>(a->value);
    if (!inner || inner->attr != "value" || a->attr != "name")
      return attribute(visit(a->value), a->attr);
    // `mode.value.name`: the first `value` is that of the constexpr, which is the Enum's member.
    Value holder = visit(inner->value), value = attribute(holder, inner->attr);
    bool member = holder.isConst() && value.isConst() && value.host.kind() <= HostKind::Str;
    return attribute(member ? holder : value, a->attr);
  }
  case NodeKind::Subscript: {
    auto *s = as<Subscript>(e);
    Value base = visit(s->value);
    Value index = visit(s->slice);
    return subscript(base, index);
  }
  case NodeKind::Slice: {
    auto *s = as<Slice>(e);
    Value v;
    v.kind = ValueKind::Slice;
    auto data = std::make_shared<TupleData>();
    for (const Expr *part : {s->lower, s->upper, s->step})
      data->items.push_back(part ? visit(part) : none());
    v.parts = std::move(data);
    return v;
  }
  case NodeKind::Tuple:
    return tuple(many(as<Tuple>(e)->elts));
  case NodeKind::List:
    return tuple(many(as<List>(e)->elts));
  case NodeKind::Call: {
    auto *c = as<Call>(e);
    bool unused = unusedCall == c;
    unusedCall = nullptr;
    Value callee = visit(c->func);
    if (unused)
      checkUsed(c, callee);
    std::vector<Value> args = many(c->args);
    Keywords keywords;
    for (const Keyword &k : c->keywords) {
      if (k.name.empty())
        fail(DiagId::UnsupportedSyntax, "`**` in a call is not supported");
      keywords.emplace_back(k.name, visit(k.value));
    }
    changedSelf = {};
    Value result = call(callee, std::move(args), std::move(keywords));
    if (Value self = std::exchange(changedSelf, {}); !self.isAbsent())
      if (auto *a = dyn<Attribute>(c->func))
        if (auto *n = dyn<Name>(a->value); n && frame().env.find(n->id))
          setVariable(n->id, std::move(self));
    return result;
  }
  case NodeKind::JoinedStr: {
    std::string text;
    for (const Expr *part : as<JoinedStr>(e)->values) {
      auto *f = dyn<FormattedValue>(part);
      if (!f) {
        text += as<Constant>(part)->text;
        continue;
      }
      Value v = visit(f->value);
      auto h = toHost(v);
      if (!h || v.isTensor())
        fail(DiagId::NotConstexpr,
             "Cannot evaluate f-string containing non-constexpr conversion values, found conversion of type " +
                 describeType(v),
             "values of the run are printed with tl.device_print(\"text\", x)");
      if (f->conversion == 'r' || f->conversion == 'a') {
        text += repr(*h);
      } else if (f->formatSpec) {
        Value spec = visit(f->formatSpec);
        auto s = host.evaluator().format(*h, spec.host.str());
        if (!s)
          hostResult(std::nullopt);
        text += *s;
      } else {
        text += describe(v);
      }
    }
    return constStr(std::move(text));
  }
  case NodeKind::ListComp: {
    auto *l = as<ListComp>(e);
    if (l->generators.size() != 1 || !l->generators[0].ifs.empty())
      fail(DiagId::UnsupportedSyntax, "a list comprehension takes one `for` and no `if`");
    Value seq = visit(l->generators[0].iter);
    std::vector<Value> source;
    if (seq.kind == ValueKind::Range && seq.parts->typeName == "static") {
      for (int64_t i = needInt(seq.items()[0], "start"), n = needInt(seq.items()[1], "end"); i < n;
           i += needInt(seq.items()[2], "step"))
        source.push_back(constInt(i));
    } else if (seq.isTuple() || (seq.isConst() && (seq.host.isList() || seq.host.isTuple()))) {
      source = items(seq);
    } else {
      fail(DiagId::UnsupportedSyntax, "only tuple comprehensions are supported, not over " + describeType(seq));
    }
    Env saved = frame().env;
    std::vector<Value> result;
    for (const Value &v : source) {
      assign(l->generators[0].target, v);
      result.push_back(visit(l->elt));
    }
    frame().env = std::move(saved);
    return tuple(std::move(result));
  }
  default:
    fail(DiagId::UnsupportedSyntax, "unsupported AST node type: " + std::string(nodeKindName(e->kind)),
         std::string(insteadOfExpression(e->kind)));
  }
}

} // namespace tessera::py
