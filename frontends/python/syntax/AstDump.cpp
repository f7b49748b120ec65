// AstDump.cpp - trees in the words of Python's own ast.dump
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/syntax/AstDump.h"
#include "frontends/python/syntax/BigInt.h"
#include "frontends/python/syntax/Literals.h"

namespace tessera::py {

namespace {
// Writes Class(field=…, field=…). As ast.dump does, a field that is None and optional is left out.
class Dumper {
public:
  std::string out;

  void node(const Node *n) {
    if (!n) {
      out += "None";
      return;
    }
    if (isExpr(n->kind))
      expr(static_cast<const Expr *>(n));
    else if (isStmt(n->kind))
      stmt(n);
    else
      pattern(n);
  }
  template <class T> void list(std::span<T *> items) {
    out += '[';
    for (size_t i = 0; i < items.size(); ++i) {
      if (i)
        out += ", ";
      node(items[i]);
    }
    out += ']';
  }

private:
  struct Fields {
    Dumper &d;
    bool first = true;
    Fields(Dumper &dumper, std::string_view name) : d(dumper) {
      d.out += name;
      d.out += '(';
    }
    ~Fields() { d.out += ')'; }
    void key(std::string_view k) {
      if (!first)
        d.out += ", ";
      first = false;
      d.out += k;
      d.out += '=';
    }
    void child(std::string_view k, const Node *n) {
      if (n) {
        key(k);
        d.node(n);
      }
    }
    template <class T> void children(std::string_view k, std::span<T *> items) {
      key(k);
      d.list(items);
    }
    template <class T, class F> void each(std::string_view k, std::span<T> items, F f) {
      key(k);
      d.out += '[';
      for (size_t i = 0; i < items.size(); ++i) {
        if (i)
          d.out += ", ";
        f(items[i]);
      }
      d.out += ']';
    }
    void text(std::string_view k, std::string_view s) {
      if (!s.empty()) {
        key(k);
        d.out += stringRepr(s);
      }
    }
    void word(std::string_view k, std::string_view w) {
      key(k);
      d.out += w;
    }
    void ctx(ExprContext c) {
      word("ctx", c == ExprContext::Load ? "Load()" : c == ExprContext::Store ? "Store()" : "Del()");
    }
  };

  static std::string_view opName(BinOpKind op) {
    static constexpr std::string_view names[] = {"Add()",    "Sub()",    "Mult()",    "MatMult()", "Div()",
                                                 "Mod()",    "Pow()",    "LShift()",  "RShift()",  "BitOr()",
                                                 "BitXor()", "BitAnd()", "FloorDiv()"};
    return names[static_cast<size_t>(op)];
  }

  void constantValue(const Constant *c) {
    switch (c->what) {
    case ConstantKind::None:
      out += "None";
      break;
    case ConstantKind::True:
      out += "True";
      break;
    case ConstantKind::False:
      out += "False";
      break;
    case ConstantKind::Ellipsis:
      out += "Ellipsis";
      break;
    case ConstantKind::Int:
      out += BigInt::fromLimbs(c->limbs).toString();
      break;
    case ConstantKind::Float:
      out += floatRepr(c->number);
      break;
    case ConstantKind::Imag:
      out += imaginaryRepr(c->number);
      break;
    case ConstantKind::Str:
      out += stringRepr(c->text);
      break;
    case ConstantKind::Bytes:
      out += bytesRepr(c->text);
      break;
    }
  }
  void generators(Fields &f, std::span<Comprehension> list) {
    f.each("generators", list, [&](const Comprehension &c) {
      Fields g(*this, "comprehension");
      g.child("target", c.target);
      g.child("iter", c.iter);
      g.children("ifs", c.ifs);
      g.word("is_async", c.isAsync ? "1" : "0");
    });
  }
  void keywords(Fields &f, std::span<Keyword> list) {
    f.each("keywords", list, [&](const Keyword &k) {
      Fields g(*this, "keyword");
      g.text("arg", k.name);
      g.child("value", k.value);
    });
  }
  void arg(const Arg &a) {
    Fields g(*this, "arg");
    g.text("arg", a.name);
    g.child("annotation", a.annotation);
  }
  void arguments(Fields &f, const Arguments *a) {
    f.key("args");
    auto one = [&](const Arg &x) { arg(x); };
    Fields g(*this, "arguments");
    g.each("posonlyargs", a->posonlyargs, one);
    g.each("args", a->args, one);
    if (a->vararg) {
      g.key("vararg");
      arg(*a->vararg);
    }
    g.each("kwonlyargs", a->kwonlyargs, one);
    g.children("kw_defaults", a->kwDefaults);
    if (a->kwarg) {
      g.key("kwarg");
      arg(*a->kwarg);
    }
    g.children("defaults", a->defaults);
  }
  void typeParams(Fields &f, std::span<TypeParam> list) {
    if (list.empty())
      return;
    f.each("type_params", list, [&](const TypeParam &p) {
      Fields g(*this, p.what == TypeParamKind::TypeVar     ? "TypeVar"
                      : p.what == TypeParamKind::ParamSpec ? "ParamSpec"
                                                           : "TypeVarTuple");
      g.text("name", p.name);
      g.child("bound", p.bound);
    });
  }

  void expr(const Expr *e);
  void stmt(const Node *n);
  void definition(const Node *n);
  void pattern(const Node *n);
};

void Dumper::expr(const Expr *e) {
  Fields f(*this, nodeKindName(e->kind));
  switch (e->kind) {
  case NodeKind::BoolOp:
    f.word("op", as<BoolOp>(e)->op == BoolOpKind::And ? "And()" : "Or()");
    return f.children("values", as<BoolOp>(e)->values);
  case NodeKind::NamedExpr:
    f.child("target", as<NamedExpr>(e)->target);
    return f.child("value", as<NamedExpr>(e)->value);
  case NodeKind::BinOp:
    f.child("left", as<BinOp>(e)->left);
    f.word("op", opName(as<BinOp>(e)->op));
    return f.child("right", as<BinOp>(e)->right);
  case NodeKind::UnaryOp: {
    static constexpr std::string_view names[] = {"Invert()", "Not()", "UAdd()", "USub()"};
    f.word("op", names[static_cast<size_t>(as<UnaryOp>(e)->op)]);
    return f.child("operand", as<UnaryOp>(e)->operand);
  }
  case NodeKind::Lambda:
    arguments(f, as<Lambda>(e)->args);
    return f.child("body", as<Lambda>(e)->body);
  case NodeKind::IfExp:
    f.child("test", as<IfExp>(e)->test);
    f.child("body", as<IfExp>(e)->body);
    return f.child("orelse", as<IfExp>(e)->orelse);
  case NodeKind::Dict:
    f.children("keys", as<Dict>(e)->keys);
    return f.children("values", as<Dict>(e)->values);
  case NodeKind::Set:
    return f.children("elts", as<Set>(e)->elts);
  case NodeKind::ListComp:
    f.child("elt", as<ListComp>(e)->elt);
    return generators(f, as<ListComp>(e)->generators);
  case NodeKind::SetComp:
    f.child("elt", as<SetComp>(e)->elt);
    return generators(f, as<SetComp>(e)->generators);
  case NodeKind::GeneratorExp:
    f.child("elt", as<GeneratorExp>(e)->elt);
    return generators(f, as<GeneratorExp>(e)->generators);
  case NodeKind::DictComp:
    f.child("key", as<DictComp>(e)->key);
    f.child("value", as<DictComp>(e)->value);
    return generators(f, as<DictComp>(e)->generators);
  case NodeKind::Await:
    return f.child("value", as<Await>(e)->value);
  case NodeKind::Yield:
    return f.child("value", as<Yield>(e)->value);
  case NodeKind::YieldFrom:
    return f.child("value", as<YieldFrom>(e)->value);
  case NodeKind::Compare: {
    static constexpr std::string_view names[] = {"Eq()",  "NotEq()", "Lt()",    "LtE()", "Gt()",
                                                 "GtE()", "Is()",    "IsNot()", "In()",  "NotIn()"};
    f.child("left", as<Compare>(e)->left);
    f.each("ops", as<Compare>(e)->ops, [&](CmpOpKind op) { out += names[static_cast<size_t>(op)]; });
    return f.children("comparators", as<Compare>(e)->comparators);
  }
  case NodeKind::Call:
    f.child("func", as<Call>(e)->func);
    f.children("args", as<Call>(e)->args);
    return keywords(f, as<Call>(e)->keywords);
  case NodeKind::FormattedValue: {
    auto *v = as<FormattedValue>(e);
    f.child("value", v->value);
    f.word("conversion", v->conversion ? std::to_string(static_cast<int>(v->conversion)) : std::string("-1"));
    return f.child("format_spec", v->formatSpec);
  }
  case NodeKind::JoinedStr:
    return f.children("values", as<JoinedStr>(e)->values);
  case NodeKind::Constant:
    f.key("value");
    constantValue(as<Constant>(e));
    if (as<Constant>(e)->hasU)
      f.word("kind", "'u'");
    return;
  case NodeKind::Attribute:
    f.child("value", as<Attribute>(e)->value);
    f.text("attr", as<Attribute>(e)->attr);
    return f.ctx(as<Attribute>(e)->ctx);
  case NodeKind::Subscript:
    f.child("value", as<Subscript>(e)->value);
    f.child("slice", as<Subscript>(e)->slice);
    return f.ctx(as<Subscript>(e)->ctx);
  case NodeKind::Starred:
    f.child("value", as<Starred>(e)->value);
    return f.ctx(as<Starred>(e)->ctx);
  case NodeKind::Name:
    f.text("id", as<Name>(e)->id);
    return f.ctx(as<Name>(e)->ctx);
  case NodeKind::List:
    f.children("elts", as<List>(e)->elts);
    return f.ctx(as<List>(e)->ctx);
  case NodeKind::Tuple:
    f.children("elts", as<Tuple>(e)->elts);
    return f.ctx(as<Tuple>(e)->ctx);
  case NodeKind::Slice:
    f.child("lower", as<Slice>(e)->lower);
    f.child("upper", as<Slice>(e)->upper);
    return f.child("step", as<Slice>(e)->step);
  default:
    return;
  }
}

void Dumper::definition(const Node *n) {
  if (n->kind == NodeKind::ClassDef) {
    auto *c = as<ClassDef>(n);
    Fields f(*this, "ClassDef");
    f.text("name", c->name);
    f.children("bases", c->bases);
    keywords(f, c->keywords);
    f.children("body", c->body);
    f.children("decorator_list", c->decorators);
    return typeParams(f, c->typeParams);
  }
  auto *d = as<FunctionDef>(n);
  Fields f(*this, d->isAsync ? "AsyncFunctionDef" : "FunctionDef");
  f.text("name", d->name);
  arguments(f, d->args);
  f.children("body", d->body);
  f.children("decorator_list", d->decorators);
  f.child("returns", d->returns);
  typeParams(f, d->typeParams);
}

void Dumper::stmt(const Node *n) {
  bool isAsync =
      (n->kind == NodeKind::For && as<For>(n)->isAsync) || (n->kind == NodeKind::With && as<With>(n)->isAsync);
  if (n->kind == NodeKind::FunctionDef || n->kind == NodeKind::ClassDef)
    return definition(n);
  std::string name = (isAsync ? "Async" : "") + std::string(nodeKindName(n->kind));
  if (n->kind == NodeKind::Try && as<Try>(n)->isStar)
    name = "TryStar";
  Fields f(*this, name);
  auto names = [&](std::span<Identifier> list) { f.each("names", list, [&](Identifier i) { out += stringRepr(i); }); };
  auto alias = [&](const Alias &a) {
    Fields g(*this, "alias");
    g.text("name", a.name);
    g.text("asname", a.asname);
  };
  switch (n->kind) {
  case NodeKind::Return:
    return f.child("value", as<Return>(n)->value);
  case NodeKind::Delete:
    return f.children("targets", as<Delete>(n)->targets);
  case NodeKind::Assign:
    f.children("targets", as<Assign>(n)->targets);
    return f.child("value", as<Assign>(n)->value);
  case NodeKind::TypeAlias:
    f.child("name", as<TypeAlias>(n)->name);
    if (as<TypeAlias>(n)->typeParams.empty())
      f.word("type_params", "[]");
    typeParams(f, as<TypeAlias>(n)->typeParams);
    return f.child("value", as<TypeAlias>(n)->value);
  case NodeKind::AugAssign:
    f.child("target", as<AugAssign>(n)->target);
    f.word("op", opName(as<AugAssign>(n)->op));
    return f.child("value", as<AugAssign>(n)->value);
  case NodeKind::AnnAssign:
    f.child("target", as<AnnAssign>(n)->target);
    f.child("annotation", as<AnnAssign>(n)->annotation);
    f.child("value", as<AnnAssign>(n)->value);
    return f.word("simple", as<AnnAssign>(n)->simple ? "1" : "0");
  case NodeKind::For:
    f.child("target", as<For>(n)->target);
    f.child("iter", as<For>(n)->iter);
    f.children("body", as<For>(n)->body);
    return f.children("orelse", as<For>(n)->orelse);
  case NodeKind::While:
    f.child("test", as<While>(n)->test);
    f.children("body", as<While>(n)->body);
    return f.children("orelse", as<While>(n)->orelse);
  case NodeKind::If:
    f.child("test", as<If>(n)->test);
    f.children("body", as<If>(n)->body);
    return f.children("orelse", as<If>(n)->orelse);
  case NodeKind::With:
    f.each("items", as<With>(n)->items, [&](const WithItem &i) {
      Fields g(*this, "withitem");
      g.child("context_expr", i.context);
      g.child("optional_vars", i.vars);
    });
    return f.children("body", as<With>(n)->body);
  case NodeKind::Match:
    f.child("subject", as<Match>(n)->subject);
    return f.each("cases", as<Match>(n)->cases, [&](const MatchCase &c) {
      Fields g(*this, "match_case");
      g.child("pattern", c.pattern);
      g.child("guard", c.guard);
      g.children("body", c.body);
    });
  case NodeKind::Raise:
    f.child("exc", as<Raise>(n)->exc);
    return f.child("cause", as<Raise>(n)->cause);
  case NodeKind::Try:
    f.children("body", as<Try>(n)->body);
    f.each("handlers", as<Try>(n)->handlers, [&](const ExceptHandler &h) {
      Fields g(*this, "ExceptHandler");
      g.child("type", h.type);
      g.text("name", h.name);
      g.children("body", h.body);
    });
    f.children("orelse", as<Try>(n)->orelse);
    return f.children("finalbody", as<Try>(n)->finalbody);
  case NodeKind::Assert:
    f.child("test", as<Assert>(n)->test);
    return f.child("msg", as<Assert>(n)->msg);
  case NodeKind::Import:
    return f.each("names", as<Import>(n)->names, alias);
  case NodeKind::ImportFrom:
    f.text("module", as<ImportFrom>(n)->module);
    f.each("names", as<ImportFrom>(n)->names, alias);
    return f.word("level", std::to_string(as<ImportFrom>(n)->level));
  case NodeKind::Global:
    return names(as<Global>(n)->names);
  case NodeKind::Nonlocal:
    return names(as<Nonlocal>(n)->names);
  case NodeKind::ExprStmt:
    return f.child("value", as<ExprStmt>(n)->value);
  default:
    return;
  }
}

void Dumper::pattern(const Node *n) {
  Fields f(*this, nodeKindName(n->kind));
  switch (n->kind) {
  case NodeKind::MatchValue:
    return f.child("value", as<MatchValue>(n)->value);
  case NodeKind::MatchSingleton: {
    ConstantKind v = as<MatchSingleton>(n)->value;
    return f.word("value", v == ConstantKind::None ? "None" : v == ConstantKind::True ? "True" : "False");
  }
  case NodeKind::MatchSequence:
    return f.children("patterns", as<MatchSequence>(n)->patterns);
  case NodeKind::MatchMapping:
    f.children("keys", as<MatchMapping>(n)->keys);
    f.children("patterns", as<MatchMapping>(n)->patterns);
    return f.text("rest", as<MatchMapping>(n)->rest);
  case NodeKind::MatchClass:
    f.child("cls", as<MatchClass>(n)->cls);
    f.children("patterns", as<MatchClass>(n)->patterns);
    f.each("kwd_attrs", as<MatchClass>(n)->kwdAttrs, [&](Identifier i) { out += stringRepr(i); });
    return f.children("kwd_patterns", as<MatchClass>(n)->kwdPatterns);
  case NodeKind::MatchStar:
    return f.text("name", as<MatchStar>(n)->name);
  case NodeKind::MatchAs:
    f.child("pattern", as<MatchAs>(n)->pattern);
    return f.text("name", as<MatchAs>(n)->name);
  case NodeKind::MatchOr:
    return f.children("patterns", as<MatchOr>(n)->patterns);
  default:
    return;
  }
}
} // namespace

std::string dump(const Module &module) {
  Dumper d;
  d.out = "Module(body=";
  d.list(module.body);
  d.out += ", type_ignores=[])";
  return std::move(d.out);
}

std::string dump(const Node *node) {
  Dumper d;
  d.node(node);
  return std::move(d.out);
}

} // namespace tessera::py
