// Ast.cpp - names of node kinds and operators
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/syntax/Ast.h"

namespace tessera::py {

std::string_view nodeKindName(NodeKind kind) {
  if (kind == NodeKind::ExprStmt)
    return "Expr";
  static constexpr std::string_view names[] = {
#define X(N) #N,
      TSR_PY_EXPRS(X) TSR_PY_STMTS(X) TSR_PY_PATTERNS(X)
#undef X
  };
  return names[static_cast<size_t>(kind)];
}

std::string_view spelling(BoolOpKind op) { return op == BoolOpKind::And ? "and" : "or"; }

std::string_view spelling(BinOpKind op) {
  static constexpr std::string_view words[] = {"+", "-", "*", "@", "/", "%", "**", "<<", ">>", "|", "^", "&", "//"};
  return words[static_cast<size_t>(op)];
}

std::string_view spelling(UnaryOpKind op) {
  static constexpr std::string_view words[] = {"~", "not", "+", "-"};
  return words[static_cast<size_t>(op)];
}

std::string_view spelling(CmpOpKind op) {
  static constexpr std::string_view words[] = {"==", "!=", "<", "<=", ">", ">=", "is", "is not", "in", "not in"};
  return words[static_cast<size_t>(op)];
}

} // namespace tessera::py
