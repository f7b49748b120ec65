// Ast.h - the syntax tree of Python 3.12, node for node as Python's own `ast` module names it
//
// SPDX-License-Identifier: Apache-2.0
//
// Nodes live in an Arena and are plain structs: a kind, a span, children as pointers and spans of pointers. Optional
// children are null. `if (auto *call = dyn<Call>(expr))` and `as<Call>(expr)` (asserted) are the only casts needed.
// Names are interned in the arena: equal names of one tree have equal data pointers.
#pragma once

#include "core/support/Diagnostic.h"
#include "frontends/python/syntax/Arena.h"

#include <cassert>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace tessera::py {

// Lines are absolute in the user's file; columns are 1-based and count code points, as in SourcePlace. endColumn is one
// past the last.
struct Span {
  uint32_t line = 0, column = 0, endLine = 0, endColumn = 0;
};
inline SourcePlace placeOf(const std::shared_ptr<const SourceFile> &file, const Span &s) {
  return {file, s.line, s.column, s.endLine, s.endColumn};
}
inline Span join(const Span &first, const Span &last) {
  return {first.line, first.column, last.endLine, last.endColumn};
}

// Every node kind, in three groups (isExpr, isStmt, isPattern rely on the order).
#define TSR_PY_EXPRS(X)                                                                                                \
  X(BoolOp) X(NamedExpr) X(BinOp) X(UnaryOp) X(Lambda) X(IfExp) X(Dict) X(Set) X(ListComp) X(SetComp) X(DictComp)      \
  X(GeneratorExp) X(Await) X(Yield) X(YieldFrom) X(Compare) X(Call) X(FormattedValue) X(JoinedStr) X(Constant)         \
  X(Attribute) X(Subscript) X(Starred) X(Name) X(List) X(Tuple) X(Slice)
#define TSR_PY_STMTS(X)                                                                                                \
  X(FunctionDef) X(ClassDef) X(Return) X(Delete) X(Assign) X(TypeAlias) X(AugAssign) X(AnnAssign) X(For) X(While)      \
  X(If) X(With) X(Match) X(Raise) X(Try) X(Assert) X(Import) X(ImportFrom) X(Global) X(Nonlocal) X(ExprStmt) X(Pass)   \
  X(Break) X(Continue)
#define TSR_PY_PATTERNS(X)                                                                                             \
  X(MatchValue) X(MatchSingleton) X(MatchSequence) X(MatchMapping) X(MatchClass) X(MatchStar) X(MatchAs) X(MatchOr)

enum class NodeKind : uint8_t {
#define X(N) N,
  TSR_PY_EXPRS(X) TSR_PY_STMTS(X) TSR_PY_PATTERNS(X)
#undef X
};
// "BinOp"; the async forms give "AsyncFunctionDef" and so on only in the dump.
std::string_view nodeKindName(NodeKind kind);

struct Node {
  NodeKind kind;
  Span span;
};
struct Expr : Node {};
struct Stmt : Node {};
struct Pattern : Node {};

inline bool isExpr(NodeKind k) { return k <= NodeKind::Slice; }
inline bool isStmt(NodeKind k) { return k >= NodeKind::FunctionDef && k <= NodeKind::Continue; }
inline bool isPattern(NodeKind k) { return k >= NodeKind::MatchValue; }

template <class T> bool isa(const Node *n) { return n && n->kind == T::Kind; }
template <class T> T *as(Node *n) {
  assert(isa<T>(n));
  return static_cast<T *>(n);
}
template <class T> const T *as(const Node *n) {
  assert(isa<T>(n));
  return static_cast<const T *>(n);
}
template <class T> T *dyn(Node *n) { return isa<T>(n) ? static_cast<T *>(n) : nullptr; }
template <class T> const T *dyn(const Node *n) { return isa<T>(n) ? static_cast<const T *>(n) : nullptr; }

template <class T> using Seq = std::span<T *>;
using Identifier = std::string_view; // interned

// Shorthand of the node structs below: kind constant, and a constructor that takes the span.
#define TSR_PY_NODE(Name, Parent)                                                                                      \
  static constexpr NodeKind Kind = NodeKind::Name;                                                                     \
  explicit Name(Span s) : Parent{Kind, s} {}

// --- expressions -----------------------------------------------------------------------------------------------------

enum class ExprContext : uint8_t { Load, Store, Del };
enum class BoolOpKind : uint8_t { And, Or };
enum class BinOpKind : uint8_t { Add, Sub, Mult, MatMult, Div, Mod, Pow, LShift, RShift, BitOr, BitXor, BitAnd, FloorDiv };
enum class UnaryOpKind : uint8_t { Invert, Not, UAdd, USub };
enum class CmpOpKind : uint8_t { Eq, NotEq, Lt, LtE, Gt, GtE, Is, IsNot, In, NotIn };
// Python's spelling: "+", "//", "not in".
std::string_view spelling(BoolOpKind op);
std::string_view spelling(BinOpKind op);
std::string_view spelling(UnaryOpKind op);
std::string_view spelling(CmpOpKind op);

struct Arguments;

struct BoolOp : Expr {
  TSR_PY_NODE(BoolOp, Expr)
  BoolOpKind op{};
  Seq<Expr> values; // two or more
};
struct NamedExpr : Expr {
  TSR_PY_NODE(NamedExpr, Expr)
  Expr *target = nullptr, *value = nullptr;
};
struct BinOp : Expr {
  TSR_PY_NODE(BinOp, Expr)
  BinOpKind op{};
  Expr *left = nullptr, *right = nullptr;
};
struct UnaryOp : Expr {
  TSR_PY_NODE(UnaryOp, Expr)
  UnaryOpKind op{};
  Expr *operand = nullptr;
};
struct Lambda : Expr {
  TSR_PY_NODE(Lambda, Expr)
  Arguments *args = nullptr;
  Expr *body = nullptr;
};
struct IfExp : Expr {
  TSR_PY_NODE(IfExp, Expr)
  Expr *test = nullptr, *body = nullptr, *orelse = nullptr;
};
struct Dict : Expr {
  TSR_PY_NODE(Dict, Expr)
  Seq<Expr> keys, values; // a null key: `**value`
};
struct Set : Expr {
  TSR_PY_NODE(Set, Expr)
  Seq<Expr> elts;
};
struct Comprehension { // one `for target in iter if …`
  Expr *target = nullptr, *iter = nullptr;
  Seq<Expr> ifs;
  bool isAsync = false;
};
struct ListComp : Expr {
  TSR_PY_NODE(ListComp, Expr)
  Expr *elt = nullptr;
  std::span<Comprehension> generators;
};
struct SetComp : Expr {
  TSR_PY_NODE(SetComp, Expr)
  Expr *elt = nullptr;
  std::span<Comprehension> generators;
};
struct GeneratorExp : Expr {
  TSR_PY_NODE(GeneratorExp, Expr)
  Expr *elt = nullptr;
  std::span<Comprehension> generators;
};
struct DictComp : Expr {
  TSR_PY_NODE(DictComp, Expr)
  Expr *key = nullptr, *value = nullptr;
  std::span<Comprehension> generators;
};
struct Await : Expr {
  TSR_PY_NODE(Await, Expr)
  Expr *value = nullptr;
};
struct Yield : Expr {
  TSR_PY_NODE(Yield, Expr)
  Expr *value = nullptr; // may be null
};
struct YieldFrom : Expr {
  TSR_PY_NODE(YieldFrom, Expr)
  Expr *value = nullptr;
};
struct Compare : Expr { // left ops[0] comparators[0] ops[1] …
  TSR_PY_NODE(Compare, Expr)
  Expr *left = nullptr;
  std::span<CmpOpKind> ops;
  Seq<Expr> comparators;
};
struct Keyword {
  Identifier name; // empty: `**value`
  Expr *value = nullptr;
  Span span;
};
struct Call : Expr {
  TSR_PY_NODE(Call, Expr)
  Expr *func = nullptr;
  Seq<Expr> args; // may hold Starred
  std::span<Keyword> keywords;
};
struct JoinedStr : Expr {
  TSR_PY_NODE(JoinedStr, Expr)
  Seq<Expr> values; // Constant (Str) and FormattedValue
};
struct FormattedValue : Expr {
  TSR_PY_NODE(FormattedValue, Expr)
  Expr *value = nullptr;
  char conversion = 0;             // 0, 's', 'r', 'a'
  JoinedStr *formatSpec = nullptr; // may be null
};
enum class ConstantKind : uint8_t { None, True, False, Ellipsis, Int, Float, Imag, Str, Bytes };
struct Constant : Expr {
  TSR_PY_NODE(Constant, Expr)
  ConstantKind what = ConstantKind::None;
  bool hasU = false;              // u"…" (the dump shows it)
  double number = 0;              // Float; Imag: the imaginary part
  std::span<uint32_t> limbs;      // Int: magnitude, least significant first, no leading zeros; empty = 0. Never negative.
  std::string_view text;          // Str: UTF-8 (lone surrogates as three bytes); Bytes: the bytes
  bool fitsU64() const { return limbs.size() <= 2; }
  uint64_t asU64() const {        // Int that fits
    return (limbs.empty() ? 0 : limbs[0]) | (limbs.size() > 1 ? static_cast<uint64_t>(limbs[1]) << 32 : 0);
  }
};
struct Attribute : Expr {
  TSR_PY_NODE(Attribute, Expr)
  Expr *value = nullptr;
  Identifier attr;
  Span attrSpan;
  ExprContext ctx{};
};
struct Subscript : Expr {
  TSR_PY_NODE(Subscript, Expr)
  Expr *value = nullptr, *slice = nullptr;
  ExprContext ctx{};
};
struct Starred : Expr {
  TSR_PY_NODE(Starred, Expr)
  Expr *value = nullptr;
  ExprContext ctx{};
};
struct Name : Expr {
  TSR_PY_NODE(Name, Expr)
  Identifier id;
  ExprContext ctx{};
};
struct List : Expr {
  TSR_PY_NODE(List, Expr)
  Seq<Expr> elts;
  ExprContext ctx{};
};
struct Tuple : Expr {
  TSR_PY_NODE(Tuple, Expr)
  Seq<Expr> elts;
  ExprContext ctx{};
  bool parenthesised = false;
};
struct Slice : Expr {
  TSR_PY_NODE(Slice, Expr)
  Expr *lower = nullptr, *upper = nullptr, *step = nullptr; // each may be null
};

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
  bool simple = false; // target is a name without parentheses
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
