// ParseCompound.cpp - statements with blocks
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/syntax/ParserImpl.h"

#include <algorithm>

namespace tessera::py {

Stmt *ParserImpl::compoundStatement() {
  Nest nest(*this);
  Start s = here();
  switch (kind()) {
  case Tok::KwIf:
    return ifStatement();
  case Tok::KwWhile:
    return whileStatement();
  case Tok::KwFor:
    return forStatement(s, false);
  case Tok::KwWith:
    return withStatement(s, false);
  case Tok::KwTry:
    return tryStatement();
  case Tok::KwDef:
    return functionDef(s, {}, false);
  case Tok::KwClass:
    return classDef(s, {});
  case Tok::At:
    return decorated();
  case Tok::KwAsync:
    advance();
    switch (kind()) {
    case Tok::KwDef:
      return functionDef(s, {}, true);
    case Tok::KwFor:
      return forStatement(s, true);
    case Tok::KwWith:
      return withStatement(s, true);
    default:
      unexpected("'def', 'for' or 'with' after 'async'");
    }
  case Tok::Name:
    return isWord(peek(), "match") ? matchStatement() : nullptr;
  default:
    return nullptr;
  }
}

Seq<Stmt> ParserImpl::block(std::string_view owner, uint32_t ownerLine) {
  Nest nest(*this);
  std::vector<Stmt *> list;
  if (!accept(Tok::Newline)) {
    simpleStatements(list);
    return arena_.copy(list);
  }
  if (!is(Tok::Indent)) {
    if (is(Tok::Error))
      throw Failure{};
    const Token t = peek();
    report({t.line, t.column, t.line, t.column + 1},
           "expected an indented block after '" + std::string(owner) + "' on line " + std::to_string(ownerLine),
           "indent the statements that belong to it, or write 'pass'", DiagId::BadIndent);
    return {};
  }
  advance();
  statements(list);
  accept(Tok::Dedent);
  return arena_.copy(list);
}

Seq<Stmt> ParserImpl::loopBody(std::string_view owner, uint32_t ownerLine) {
  InLoops loops(*this, loops_ + 1);
  return block(owner, ownerLine);
}

// Of a function or a class: the loops around it are not its own.
Seq<Stmt> ParserImpl::scopeBody(std::string_view owner, uint32_t ownerLine) {
  InLoops loops(*this, 0);
  return block(owner, ownerLine);
}

Seq<Stmt> ParserImpl::orElse(std::string_view owner) {
  if (!is(Tok::KwElse))
    return {};
  uint32_t line = peek().line;
  advance();
  if (is(Tok::KwIf))
    fail(peek(), "Python writes 'elif', not 'else if'", "write elif");
  expectColon("'else'");
  return block("else", line);
}

// A chain of elif nests in the tree but not on the parser's stack.
Stmt *ParserImpl::ifStatement() {
  If *root = nullptr, *last = nullptr;
  std::vector<std::pair<If *, Start>> chain;
  bool isFirst = true;
  while (isFirst || is(Tok::KwElif)) {
    Start s = here();
    uint32_t line = peek().line;
    std::string_view word = isFirst ? "if" : "elif";
    advance();
    Expr *test = namedExpression();
    expectColon(isFirst ? "the condition of 'if'" : "the condition of 'elif'");
    Seq<Stmt> body = block(word, line);
    If *n = node<If>(s);
    n->test = test;
    n->body = body;
    chain.emplace_back(n, s);
    if (last) {
      Stmt *one = n;
      last->orelse = arena_.copy(&one, 1);
    } else {
      root = n;
    }
    last = n;
    isFirst = false;
  }
  hasLongChain_ |= chain.size() > kLongChain;
  last->orelse = orElse("if");
  for (auto &[n, s] : chain)
    n->span = from(s);
  return root;
}

Stmt *ParserImpl::whileStatement() {
  Start s = here();
  uint32_t line = peek().line;
  advance();
  Expr *test = namedExpression();
  expectColon("the condition of 'while'");
  Seq<Stmt> body = loopBody("while", line), orelse = orElse("while");
  While *n = node<While>(s);
  n->test = test;
  n->body = body;
  n->orelse = orelse;
  return n;
}

Stmt *ParserImpl::forStatement(Start s, bool isAsync) {
  uint32_t line = peek().line;
  advance();
  Expr *target = starTargets();
  if (!is(Tok::KwIn))
    unexpected("'in' after the variables of 'for'");
  advance();
  Expr *iter = starExpressions();
  expectColon("the sequence of 'for'");
  Seq<Stmt> body = loopBody("for", line), orelse = orElse("for");
  For *n = node<For>(s);
  n->target = target;
  n->iter = iter;
  n->body = body;
  n->orelse = orelse;
  n->isAsync = isAsync;
  return n;
}

WithItem ParserImpl::withItem() {
  WithItem item;
  item.context = expression();
  if (accept(Tok::KwAs)) {
    Expr *target = is(Tok::Star) ? starExpression() : bitOr();
    setContext(target, ExprContext::Store);
    item.vars = target;
  }
  return item;
}

// False (parenthesised form only): what is in the parentheses is not a list of items.
bool ParserImpl::withItems(Scratch<WithItem> &items, bool parenthesised) {
  if (!parenthesised) {
    do
      items.add(withItem());
    while (accept(Tok::Comma));
    return true;
  }
  advance();
  do {
    if (is(Tok::RParen) && items.size())
      break;
    items.add(withItem());
  } while (accept(Tok::Comma));
  return accept(Tok::RParen) && is(Tok::Colon);
}

Stmt *ParserImpl::withStatement(Start s, bool isAsync) {
  uint32_t line = peek().line;
  advance();
  std::span<WithItem> found;
  if (is(Tok::LParen)) { // `with (a as b, c):` or an expression that begins with a parenthesis
    size_t saved = pos_;
    unsigned depth = depth_;
    Start lastEnd = lastEnd_;
    uint32_t lastEndByte = lastEndByte_;
    ++speculative_;
    try {
      Scratch<WithItem> items(withItems_);
      if (withItems(items, true))
        found = items.take(arena_);
    } catch (const Failure &) {
      depth_ = depth;
    }
    --speculative_;
    if (found.empty()) {
      pos_ = saved;
      lastEnd_ = lastEnd;
      lastEndByte_ = lastEndByte;
    }
  }
  if (found.empty()) {
    Scratch<WithItem> items(withItems_);
    withItems(items, false);
    found = items.take(arena_);
  }
  expectColon("the items of 'with'");
  Seq<Stmt> body = block("with", line);
  With *n = node<With>(s);
  n->items = found;
  n->body = body;
  n->isAsync = isAsync;
  return n;
}

ExceptHandler ParserImpl::exceptHandler(bool isStar) {
  Start s = here();
  uint32_t line = peek().line;
  advance();
  if (isStar)
    advance();
  ExceptHandler h;
  if (!is(Tok::Colon)) {
    h.type = expression();
    if (is(Tok::Comma))
      fail(peek(), "several exception types need parentheses around them", "write: except (A, B):");
    if (accept(Tok::KwAs))
      h.name = expectName("the name after 'as'");
  }
  expectColon("'except'");
  h.body = block("except", line);
  h.span = from(s);
  return h;
}

Stmt *ParserImpl::tryStatement() {
  Start s = here();
  uint32_t line = peek().line;
  advance();
  expectColon("'try'");
  Seq<Stmt> body = block("try", line), orelse, finalbody;
  std::vector<ExceptHandler> handlers;
  bool isStar = is(Tok::KwExcept) && kind(1) == Tok::Star;
  while (is(Tok::KwExcept)) {
    if ((kind(1) == Tok::Star) != isStar)
      fail(peek(), "'except' and 'except*' cannot both belong to one 'try'");
    if (!handlers.empty() && !handlers.back().type)
      fail(peek(), "an 'except' without a type must be the last one");
    handlers.push_back(exceptHandler(isStar));
  }
  if (is(Tok::KwElse) && handlers.empty())
    fail(peek(), "the 'else' of a 'try' needs an 'except' before it");
  orelse = orElse("try");
  if (is(Tok::KwFinally)) {
    uint32_t finallyLine = peek().line;
    advance();
    expectColon("'finally'");
    finalbody = block("finally", finallyLine);
  } else if (handlers.empty()) {
    fail(peek(), "the 'try' of line " + std::to_string(line) + " has no 'except' and no 'finally'");
  }
  Try *n = node<Try>(s);
  n->body = body;
  n->handlers = arena_.copy(handlers);
  n->orelse = orelse;
  n->finalbody = finalbody;
  n->isStar = isStar;
  return n;
}

Stmt *ParserImpl::decorated() {
  std::vector<Expr *> decorators;
  while (accept(Tok::At)) {
    decorators.push_back(namedExpression());
    if (!accept(Tok::Newline))
      unexpected("the end of the line after a decorator");
  }
  Seq<Expr> list = arena_.copy(decorators);
  Start s = here();
  if (is(Tok::KwDef))
    return functionDef(s, list, false);
  if (is(Tok::KwClass))
    return classDef(s, list);
  if (is(Tok::KwAsync) && kind(1) == Tok::KwDef) {
    advance();
    return functionDef(s, list, true);
  }
  unexpected("'def' or 'class' after a decorator");
}

std::span<TypeParam> ParserImpl::typeParams() {
  if (!is(Tok::LBracket))
    return {};
  Token opener = advance();
  std::vector<TypeParam> list;
  while (!is(Tok::RBracket)) {
    Start s = here();
    TypeParam p;
    p.what = accept(Tok::Star)         ? TypeParamKind::TypeVarTuple
             : accept(Tok::DoubleStar) ? TypeParamKind::ParamSpec
                                       : TypeParamKind::TypeVar;
    p.name = expectName("the name of a type parameter");
    if (is(Tok::Colon)) {
      if (p.what != TypeParamKind::TypeVar)
        fail(peek(), "only a plain type parameter can have a bound");
      advance();
      p.bound = expression();
    }
    p.span = from(s);
    list.push_back(p);
    if (!accept(Tok::Comma))
      break;
  }
  if (list.empty())
    fail(peek(), "a list of type parameters cannot be empty");
  expectClosing(Tok::RBracket, opener, "the type parameters");
  return arena_.copy(list);
}

Arguments *ParserImpl::arguments(Tok closer, bool annotations) {
  std::vector<Arg> positional, keywordOnly;
  std::vector<Expr *> defaults, kwDefaults;
  Arguments *a = arena_.make<Arguments>();
  size_t positionalOnly = 0;
  bool hasSlash = false, hasStar = false;
  auto parameter = [&](bool isVararg) {
    Start s = here();
    Arg p;
    p.name = expectName("the name of a parameter");
    if (annotations && accept(Tok::Colon))
      p.annotation = isVararg ? starExpression() : expression();
    p.span = from(s);
    return p;
  };
  while (!is(closer)) {
    if (a->kwarg)
      fail(peek(), "nothing may follow the '**' parameter");
    if (is(Tok::Slash)) {
      if (hasSlash || hasStar)
        fail(peek(), hasSlash ? "a list of parameters has at most one '/'" : "'/' must come before '*'");
      if (positional.empty())
        fail(peek(), "at least one parameter must come before '/'");
      advance();
      hasSlash = true;
      positionalOnly = positional.size();
    } else if (is(Tok::Star)) {
      if (hasStar)
        fail(peek(), "a list of parameters has at most one '*'");
      Token star = advance();
      hasStar = true;
      if (is(closer) || (is(Tok::Comma) && (kind(1) == closer || kind(1) == Tok::DoubleStar)))
        fail(star, "a named parameter must follow a bare '*'");
      if (!is(Tok::Comma))
        a->vararg = arena_.make<Arg>(parameter(true));
      if (is(Tok::Equal))
        fail(peek(), "the '*' parameter cannot have a default");
    } else if (accept(Tok::DoubleStar)) {
      a->kwarg = arena_.make<Arg>(parameter(false));
      if (is(Tok::Equal))
        fail(peek(), "the '**' parameter cannot have a default");
    } else {
      if (is(Tok::LParen))
        fail(peek(), "a parameter is a name: Python 3 has no nested parameters");
      Arg p = parameter(false);
      Expr *value = nullptr;
      if (accept(Tok::Equal))
        value = expression();
      if (hasStar) {
        keywordOnly.push_back(p);
        kwDefaults.push_back(value);
      } else {
        if (!value && !defaults.empty())
          fail(p.span, "parameter '" + std::string(p.name) + "' without a default follows one with a default",
               "reorder them, or give it a default");
        positional.push_back(p);
        if (value)
          defaults.push_back(value);
      }
    }
    if (!accept(Tok::Comma))
      break;
  }
  a->posonlyargs = arena_.copy(positional.data(), positionalOnly);
  a->args = arena_.copy(positional.data() + positionalOnly, positional.size() - positionalOnly);
  a->kwonlyargs = arena_.copy(keywordOnly);
  a->defaults = arena_.copy(defaults);
  a->kwDefaults = arena_.copy(kwDefaults);
  return a;
}

Stmt *ParserImpl::functionDef(Start s, Seq<Expr> decorators, bool isAsync) {
  Token def = advance();
  Token nameToken = peek();
  Identifier name = expectName("the name of a function");
  std::span<TypeParam> params = typeParams();
  if (!is(Tok::LParen))
    unexpected("'(' and the parameters after the name of a function");
  Token opener = advance();
  Arguments *args = arguments(Tok::RParen, true);
  expectClosing(Tok::RParen, opener, "the parameters");
  Expr *returns = nullptr;
  if (accept(Tok::Arrow))
    returns = expression();
  expectColon("the parameters of a function");
  Seq<Stmt> body = scopeBody("def", def.line);
  FunctionDef *n = node<FunctionDef>(s);
  n->name = name;
  n->nameSpan = {nameToken.line, nameToken.column, nameToken.endLine, nameToken.endColumn};
  n->args = args;
  n->body = body;
  n->decorators = decorators;
  n->returns = returns;
  n->typeParams = params;
  n->isAsync = isAsync;
  n->source = lex_.text().substr(def.begin, lastEndByte_ > def.begin ? lastEndByte_ - def.begin : 0);
  return n;
}

Stmt *ParserImpl::classDef(Start s, Seq<Expr> decorators) {
  uint32_t line = peek().line;
  advance();
  Identifier name = expectName("the name of a class");
  std::span<TypeParam> params = typeParams();
  Scratch<Expr *> bases(exprs_);
  Scratch<Keyword> keywords(keywords_);
  if (is(Tok::LParen)) {
    Token opener = advance();
    callArguments(opener, bases, keywords);
  }
  Seq<Expr> baseList = bases.take(arena_);
  std::span<Keyword> keywordList = keywords.take(arena_);
  expectColon("the name of a class");
  Seq<Stmt> body = scopeBody("class", line);
  ClassDef *n = node<ClassDef>(s);
  n->name = name;
  n->bases = baseList;
  n->keywords = keywordList;
  n->body = body;
  n->decorators = decorators;
  n->typeParams = params;
  return n;
}

} // namespace tessera::py
