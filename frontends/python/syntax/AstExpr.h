// AstExpr.h - the expressions of the syntax tree, and what all nodes share; include Ast.h
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

// clang-format off
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
// clang-format on

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
enum class BinOpKind : uint8_t {
  Add,
  Sub,
  Mult,
  MatMult,
  Div,
  Mod,
  Pow,
  LShift,
  RShift,
  BitOr,
  BitXor,
  BitAnd,
  FloorDiv
};
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
  bool hasU = false;         // u"…" (the dump shows it)
  double number = 0;         // Float; Imag: the imaginary part
  std::span<uint32_t> limbs; // Int: magnitude, least significant first, no leading zeros; empty = 0. Never negative.
  std::string_view text;     // Str: UTF-8 (lone surrogates as three bytes); Bytes: the bytes
  bool fitsU64() const { return limbs.size() <= 2; }
  uint64_t asU64() const { // Int that fits
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

#undef TSR_PY_NODE

} // namespace tessera::py
