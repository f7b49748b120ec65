// Ast.h - the syntax tree of Python 3.12, node for node as Python's own `ast` module names it
//
// SPDX-License-Identifier: Apache-2.0
//
// Expressions and the rules of all nodes are in AstExpr.h; statements and patterns are here.
#pragma once

#include "frontends/python/syntax/AstExpr.h"

namespace tessera::py {

#define TSR_PY_NODE(Name, Parent)                                                                                      \
  static constexpr NodeKind Kind = NodeKind::Name;                                                                     \
  explicit Name(Span s) : Parent{Kind, s} {}

// --- statements ------------------------------------------------------------------------------------------------------

struct Arg {
  Identifier name;
  Expr *annotation = nullptr;
  Span span;
};
struct Arguments {
  std::span<Arg> posonlyargs, args, kwonlyargs;
  Arg *vararg = nullptr, *kwarg = nullptr;
  Seq<Expr> defaults;   // of the last defaults.size() of posonlyargs + args
  Seq<Expr> kwDefaults; // one a kwonlyarg; null = none
};
enum class TypeParamKind : uint8_t { TypeVar, ParamSpec, TypeVarTuple };
struct TypeParam {
  TypeParamKind what{};
  Identifier name;
  Expr *bound = nullptr; // TypeVar only
  Span span;
};
struct FunctionDef : Stmt { // and AsyncFunctionDef
  TSR_PY_NODE(FunctionDef, Stmt)
  Identifier name;
  Span nameSpan;
  Arguments *args = nullptr;
  Seq<Stmt> body;
  Seq<Expr> decorators;
  Expr *returns = nullptr;
  std::span<TypeParam> typeParams;
  bool isAsync = false;
  std::string_view source; // from `def` to the end of the body, in the SourceFile's text
};
struct ClassDef : Stmt {
  TSR_PY_NODE(ClassDef, Stmt)
  Identifier name;
  Seq<Expr> bases;
  std::span<Keyword> keywords;
  Seq<Stmt> body;
  Seq<Expr> decorators;
  std::span<TypeParam> typeParams;
};
struct Return : Stmt {
  TSR_PY_NODE(Return, Stmt)
  Expr *value = nullptr; // may be null
};
struct Delete : Stmt {
  TSR_PY_NODE(Delete, Stmt)
  Seq<Expr> targets;
};
struct Assign : Stmt {
  TSR_PY_NODE(Assign, Stmt)
  Seq<Expr> targets; // a = b = value has two
  Expr *value = nullptr;
};
struct TypeAlias : Stmt {
  TSR_PY_NODE(TypeAlias, Stmt)
  Expr *name = nullptr;
  std::span<TypeParam> typeParams;
  Expr *value = nullptr;
};
struct AugAssign : Stmt {
  TSR_PY_NODE(AugAssign, Stmt)
  Expr *target = nullptr;
  BinOpKind op{};
  Expr *value = nullptr;
};
struct AnnAssign : Stmt {
  TSR_PY_NODE(AnnAssign, Stmt)
  Expr *target = nullptr, *annotation = nullptr, *value = nullptr; // value may be null
  bool simple = false;                                             // target is a name without parentheses
};
struct For : Stmt { // and AsyncFor
  TSR_PY_NODE(For, Stmt)
  Expr *target = nullptr, *iter = nullptr;
  Seq<Stmt> body, orelse;
  bool isAsync = false;
};
struct While : Stmt {
  TSR_PY_NODE(While, Stmt)
  Expr *test = nullptr;
  Seq<Stmt> body, orelse;
};
struct If : Stmt {
  TSR_PY_NODE(If, Stmt)
  Expr *test = nullptr;
  Seq<Stmt> body, orelse; // elif: orelse holds one If
};
struct WithItem {
  Expr *context = nullptr, *vars = nullptr; // vars may be null
};
struct With : Stmt { // and AsyncWith
  TSR_PY_NODE(With, Stmt)
  std::span<WithItem> items;
  Seq<Stmt> body;
  bool isAsync = false;
};
struct MatchCase {
  Pattern *pattern = nullptr;
  Expr *guard = nullptr; // may be null
  Seq<Stmt> body;
};
struct Match : Stmt {
  TSR_PY_NODE(Match, Stmt)
  Expr *subject = nullptr;
  std::span<MatchCase> cases;
};
struct Raise : Stmt {
  TSR_PY_NODE(Raise, Stmt)
  Expr *exc = nullptr, *cause = nullptr; // each may be null
};
struct ExceptHandler {
  Expr *type = nullptr; // null: bare except
  Identifier name;      // may be empty
  Seq<Stmt> body;
  Span span;
};
struct Try : Stmt { // and TryStar
  TSR_PY_NODE(Try, Stmt)
  Seq<Stmt> body;
  std::span<ExceptHandler> handlers;
  Seq<Stmt> orelse, finalbody;
  bool isStar = false;
};
struct Assert : Stmt {
  TSR_PY_NODE(Assert, Stmt)
  Expr *test = nullptr, *msg = nullptr; // msg may be null
};
struct Alias {
  Identifier name;   // dotted in `import a.b`
  Identifier asname; // may be empty
  Span span;
};
struct Import : Stmt {
  TSR_PY_NODE(Import, Stmt)
  std::span<Alias> names;
};
struct ImportFrom : Stmt {
  TSR_PY_NODE(ImportFrom, Stmt)
  Identifier module; // may be empty (`from . import x`)
  std::span<Alias> names;
  uint32_t level = 0;
};
struct Global : Stmt {
  TSR_PY_NODE(Global, Stmt)
  std::span<Identifier> names;
};
struct Nonlocal : Stmt {
  TSR_PY_NODE(Nonlocal, Stmt)
  std::span<Identifier> names;
};
struct ExprStmt : Stmt { // Python's `Expr`
  TSR_PY_NODE(ExprStmt, Stmt)
  Expr *value = nullptr;
};
struct Pass : Stmt {
  TSR_PY_NODE(Pass, Stmt)
};
struct Break : Stmt {
  TSR_PY_NODE(Break, Stmt)
};
struct Continue : Stmt {
  TSR_PY_NODE(Continue, Stmt)
};

// --- patterns --------------------------------------------------------------------------------------------------------

struct MatchValue : Pattern {
  TSR_PY_NODE(MatchValue, Pattern)
  Expr *value = nullptr;
};
struct MatchSingleton : Pattern {
  TSR_PY_NODE(MatchSingleton, Pattern)
  ConstantKind value{}; // None, True, False
};
struct MatchSequence : Pattern {
  TSR_PY_NODE(MatchSequence, Pattern)
  Seq<Pattern> patterns;
};
struct MatchMapping : Pattern {
  TSR_PY_NODE(MatchMapping, Pattern)
  Seq<Expr> keys;
  Seq<Pattern> patterns;
  Identifier rest; // may be empty
};
struct MatchClass : Pattern {
  TSR_PY_NODE(MatchClass, Pattern)
  Expr *cls = nullptr;
  Seq<Pattern> patterns;
  std::span<Identifier> kwdAttrs;
  Seq<Pattern> kwdPatterns;
};
struct MatchStar : Pattern {
  TSR_PY_NODE(MatchStar, Pattern)
  Identifier name; // empty: `*_`
};
struct MatchAs : Pattern {
  TSR_PY_NODE(MatchAs, Pattern)
  Pattern *pattern = nullptr; // may be null
  Identifier name;            // empty: `_`
};
struct MatchOr : Pattern {
  TSR_PY_NODE(MatchOr, Pattern)
  Seq<Pattern> patterns;
};

#undef TSR_PY_NODE

struct Module {
  Seq<Stmt> body;
};

} // namespace tessera::py
