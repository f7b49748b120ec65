// ParseStmt.cpp - simple statements
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/syntax/ParserImpl.h"

#include <optional>

namespace tessera::py {

namespace {
std::optional<BinOpKind> augmentedOp(Tok k) {
  switch (k) {
  case Tok::PlusEqual:
    return BinOpKind::Add;
  case Tok::MinusEqual:
    return BinOpKind::Sub;
  case Tok::StarEqual:
    return BinOpKind::Mult;
  case Tok::AtEqual:
    return BinOpKind::MatMult;
  case Tok::SlashEqual:
    return BinOpKind::Div;
  case Tok::PercentEqual:
    return BinOpKind::Mod;
  case Tok::AmperEqual:
    return BinOpKind::BitAnd;
  case Tok::BarEqual:
    return BinOpKind::BitOr;
  case Tok::CaretEqual:
    return BinOpKind::BitXor;
  case Tok::LeftShiftEqual:
    return BinOpKind::LShift;
  case Tok::RightShiftEqual:
    return BinOpKind::RShift;
  case Tok::DoubleStarEqual:
    return BinOpKind::Pow;
  case Tok::DoubleSlashEqual:
    return BinOpKind::FloorDiv;
  default:
    return std::nullopt;
  }
}
} // namespace

void ParserImpl::simpleStatements(std::vector<Stmt *> &list) {
  for (;;) {
    list.push_back(simpleStatement());
    if (!accept(Tok::Semicolon) || is(Tok::Newline) || is(Tok::EndOfFile))
      break;
  }
  endOfSimple();
}

void ParserImpl::endOfSimple() {
  if (accept(Tok::Newline) || is(Tok::EndOfFile))
    return;
  const Token t = peek();
  if (t.kind == Tok::Error)
    throw Failure{};
  if (t.kind == Tok::RParen || t.kind == Tok::RBracket || t.kind == Tok::RBrace)
    fail(t, "'" + std::string(spelling(t.kind)) + "' closes nothing");
  const Token before = pos_ > 0 ? tokens_[pos_ - 1] : t;
  if (before.kind == Tok::Name && (textOf(before) == "print" || textOf(before) == "exec"))
    fail(t, "'" + std::string(textOf(before)) + "' is a function: its arguments need parentheses",
         "write " + std::string(textOf(before)) + "(…)");
  if (t.kind == Tok::Colon)
    fail(t, "':' cannot stand here", "is the keyword of the statement misspelled?");
  if (t.kind == Tok::Name || t.kind == Tok::Number || t.kind == Tok::String || t.kind == Tok::FStringStart)
    fail(t, "expected the end of the statement before " + describe(t), "is an operator, a comma or a ';' missing?");
  fail(t, "expected the end of the statement, found " + describe(t));
}

Stmt *ParserImpl::simpleStatement() {
  Start s = here();
  switch (kind()) {
  case Tok::KwReturn: {
    advance();
    Expr *value = is(Tok::Newline) || is(Tok::Semicolon) || is(Tok::EndOfFile) ? nullptr : starExpressions();
    Return *n = node<Return>(s);
    n->value = value;
    return n;
  }
  case Tok::KwPass:
    advance();
    return node<Pass>(s);
  case Tok::KwBreak:
    advance();
    if (!loops_)
      report(from(s), "'break' outside loop");
    return node<Break>(s);
  case Tok::KwContinue:
    advance();
    if (!loops_)
      report(from(s), "'continue' not properly in loop");
    return node<Continue>(s);
  case Tok::KwImport:
    return importStatement();
  case Tok::KwFrom:
    return importFrom();
  case Tok::KwDel:
    return deleteStatement();
  case Tok::KwGlobal:
    return nameList<Global>("a global name");
  case Tok::KwNonlocal:
    return nameList<Nonlocal>("a nonlocal name");
  case Tok::KwAssert: {
    advance();
    Expr *test = expression(), *msg = nullptr;
    if (accept(Tok::Comma))
      msg = expression();
    Assert *n = node<Assert>(s);
    n->test = test;
    n->msg = msg;
    return n;
  }
  case Tok::KwRaise: {
    advance();
    Expr *exc = nullptr, *cause = nullptr;
    if (!is(Tok::Newline) && !is(Tok::Semicolon) && !is(Tok::EndOfFile)) {
      exc = expression();
      if (accept(Tok::KwFrom))
        cause = expression();
    }
    Raise *n = node<Raise>(s);
    n->exc = exc;
    n->cause = cause;
    return n;
  }
  case Tok::KwElse:
    if (kind(1) == Tok::KwIf)
      fail(peek(1), "Python writes 'elif', not 'else if'", "write elif");
    [[fallthrough]];
  case Tok::KwElif:
  case Tok::KwExcept:
  case Tok::KwFinally: {
    std::string word(spelling(kind()));
    const char *owner = is(Tok::KwElif) ? "'if'" : is(Tok::KwElse) ? "'if', 'for', 'while' or 'try'" : "'try'";
    fail(peek(), "'" + word + "' belongs to no " + owner + " here", "align it with its " + std::string(owner));
  }
  case Tok::Name:
    if (isWord(peek(), "type") && kind(1) == Tok::Name && (kind(2) == Tok::Equal || kind(2) == Tok::LBracket))
      return typeAlias();
    return expressionOrAssignment();
  default:
    return expressionOrAssignment();
  }
}

Stmt *ParserImpl::expressionOrAssignment() {
  Start s = here();
  bool startsWithParen = is(Tok::LParen);
  Expr *first = yieldOrStarExpressions();
  if (is(Tok::Equal))
    return assignment(s, first);
  if (is(Tok::Colon)) {
    NodeKind k = first->kind;
    if (k == NodeKind::Name || k == NodeKind::Attribute || k == NodeKind::Subscript)
      return annotated(s, first, startsWithParen);
    if (k == NodeKind::Tuple || k == NodeKind::List)
      fail(first->span, "only a single target can be annotated, not " + std::string(describeExpr(first)));
  }
  if (auto op = augmentedOp(kind())) {
    NodeKind k = first->kind;
    if (k != NodeKind::Name && k != NodeKind::Attribute && k != NodeKind::Subscript)
      fail(first->span, "'" + std::string(spelling(kind())) + "' cannot assign to " + std::string(describeExpr(first)));
    setContext(first, ExprContext::Store);
    advance();
    Expr *value = yieldOrStarExpressions();
    AugAssign *n = node<AugAssign>(s);
    n->target = first;
    n->op = *op;
    n->value = value;
    return n;
  }
  if ((is(Tok::Newline) || is(Tok::Semicolon)) && first->kind == NodeKind::Starred)
    fail(first->span, "a starred expression cannot stand alone");
  ExprStmt *n = node<ExprStmt>(s);
  n->value = first;
  return n;
}

// first = … = value
Stmt *ParserImpl::assignment(Start s, Expr *first) {
  Scratch<Expr *> targets(exprs_);
  Expr *value = first;
  while (accept(Tok::Equal)) {
    if (value->kind == NodeKind::Starred)
      fail(value->span, "a starred target needs a list or a tuple around it", "end it with a comma: *x, = …");
    setContext(value, ExprContext::Store);
    targets.add(value);
    if (is(Tok::Newline))
      fail(peek(), "there is no value after '='");
    value = yieldOrStarExpressions();
  }
  if (value->kind == NodeKind::Starred)
    fail(value->span, "a starred expression cannot stand alone", "end it with a comma to make a tuple");
  if (augmentedOp(kind()))
    fail(peek(), "'" + std::string(spelling(kind())) + "' cannot be part of another assignment");
  Assign *n = node<Assign>(s);
  n->targets = targets.take(arena_);
  n->value = value;
  return n;
}

Stmt *ParserImpl::annotated(Start s, Expr *target, bool startsWithParen) {
  advance();
  setContext(target, ExprContext::Store);
  Expr *annotation = expression(), *value = nullptr;
  if (accept(Tok::Equal))
    value = yieldOrStarExpressions();
  AnnAssign *n = node<AnnAssign>(s);
  n->target = target;
  n->annotation = annotation;
  n->value = value;
  n->simple = target->kind == NodeKind::Name && !startsWithParen;
  return n;
}

template <class T> Stmt *ParserImpl::nameList(std::string_view what) {
  Start s = here();
  advance();
  std::vector<Identifier> names;
  do
    names.push_back(expectName(what));
  while (accept(Tok::Comma));
  T *n = node<T>(s);
  n->names = arena_.copy(names);
  return n;
}

Stmt *ParserImpl::deleteStatement() {
  Start s = here();
  advance();
  Scratch<Expr *> targets(exprs_);
  do {
    if (is(Tok::Newline) || is(Tok::Semicolon) || is(Tok::EndOfFile))
      break;
    Expr *e = bitOr();
    setContext(e, ExprContext::Del);
    targets.add(e);
  } while (accept(Tok::Comma));
  if (targets.size() == 0)
    unexpected("what to delete after 'del'");
  Delete *n = node<Delete>(s);
  n->targets = targets.take(arena_);
  return n;
}

Stmt *ParserImpl::typeAlias() {
  Start s = here();
  advance();
  Start nameStart = here();
  Token t = advance();
  Name *name = node<Name>(nameStart);
  name->id = intern(t);
  name->ctx = ExprContext::Store;
  std::span<TypeParam> params = typeParams();
  expect(Tok::Equal, "after the name of a type alias");
  Expr *value = expression();
  TypeAlias *n = node<TypeAlias>(s);
  n->name = name;
  n->typeParams = params;
  n->value = value;
  return n;
}

Identifier ParserImpl::dottedName() {
  Identifier name = expectName("the name of a module");
  if (!is(Tok::Dot))
    return name;
  std::string text(name);
  while (accept(Tok::Dot)) {
    text += '.';
    text += expectName("the name of a module after '.'");
  }
  return intern(text);
}

Alias ParserImpl::importAlias(bool dotted) {
  Start s = here();
  Alias a;
  a.name = dotted ? dottedName() : expectName("a name to import");
  if (accept(Tok::KwAs))
    a.asname = expectName("the name after 'as'");
  a.span = from(s);
  return a;
}

Stmt *ParserImpl::importStatement() {
  Start s = here();
  advance();
  std::vector<Alias> names;
  do
    names.push_back(importAlias(true));
  while (accept(Tok::Comma));
  if (is(Tok::KwFrom))
    fail(peek(), "'import … from …' is not Python", "write: from module import name");
  Import *n = node<Import>(s);
  n->names = arena_.copy(names);
  return n;
}

Stmt *ParserImpl::importFrom() {
  Start s = here();
  advance();
  uint32_t level = 0;
  for (;; advance()) {
    if (is(Tok::Dot))
      level += 1;
    else if (is(Tok::Ellipsis))
      level += 3;
    else
      break;
  }
  Identifier module;
  if (level == 0 || !is(Tok::KwImport))
    module = dottedName();
  if (!is(Tok::KwImport))
    unexpected("'import' after the name of the module");
  advance();
  std::vector<Alias> names;
  if (is(Tok::Star)) {
    Token t = advance();
    names.push_back({arena_.intern("*"), {}, {t.line, t.column, t.endLine, t.endColumn}});
  } else if (is(Tok::LParen)) {
    Token opener = advance();
    do {
      if (is(Tok::RParen) && !names.empty())
        break;
      names.push_back(importAlias(false));
    } while (accept(Tok::Comma));
    expectClosing(Tok::RParen, opener, "the imported names");
  } else {
    names.push_back(importAlias(false));
    while (accept(Tok::Comma)) {
      if (is(Tok::Newline))
        fail(peek(), "a trailing comma after imported names needs parentheses around them");
      names.push_back(importAlias(false));
    }
  }
  ImportFrom *n = node<ImportFrom>(s);
  n->module = module;
  n->names = arena_.copy(names);
  n->level = level;
  return n;
}

} // namespace tessera::py
