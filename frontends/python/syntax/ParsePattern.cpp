// ParsePattern.cpp - match statements
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/syntax/ParserImpl.h"

namespace tessera::py {

// `match` is a keyword only where a whole match statement follows. Null: it is a name.
Stmt *ParserImpl::matchStatement() {
  Tok after = kind(1);
  bool isSure = false;
  switch (after) {
  case Tok::Name:
  case Tok::Number:
  case Tok::String:
  case Tok::FStringStart:
  case Tok::LBrace:
  case Tok::KwNone:
  case Tok::KwTrue:
  case Tok::KwFalse:
  case Tok::KwLambda:
  case Tok::KwAwait:
  case Tok::Tilde:
  case Tok::Ellipsis:
    isSure = true; // nothing of these can follow a name
    break;
  case Tok::LParen:
  case Tok::LBracket:
  case Tok::Minus:
  case Tok::Plus:
  case Tok::Star:
  case Tok::KwNot:
    break;
  default:
    return nullptr;
  }
  Start s = here();
  size_t saved = pos_;
  uint32_t line = peek().line;
  Expr *subject = nullptr;
  auto readSubject = [&] {
    advance();
    Start subjectStart = here();
    subject = starNamedExpression();
    if (is(Tok::Comma)) {
      Scratch<Expr *> list(exprs_);
      list.add(subject);
      while (accept(Tok::Comma) && !is(Tok::Colon))
        list.add(starNamedExpression());
      Tuple *t = node<Tuple>(subjectStart);
      t->elts = list.take(arena_);
      subject = t;
    }
  };
  if (isSure) {
    readSubject();
    expectColon("the subject of 'match'");
  } else {
    unsigned depth = depth_;
    Start lastEnd = lastEnd_;
    uint32_t lastEndByte = lastEndByte_;
    ++speculative_;
    bool isMatch = false;
    try {
      readSubject();
      isMatch = is(Tok::Colon) && kind(1) == Tok::Newline;
    } catch (const Failure &) {
      depth_ = depth;
    }
    --speculative_;
    if (!isMatch) {
      pos_ = saved;
      lastEnd_ = lastEnd;
      lastEndByte_ = lastEndByte;
      return nullptr;
    }
    advance();
  }
  if (!accept(Tok::Newline))
    unexpected("the end of the line after 'match …:'");
  if (!is(Tok::Indent))
    fail(peek(), "expected an indented 'case' after the 'match' of line " + std::to_string(line), {});
  advance();
  std::vector<MatchCase> cases;
  while (!is(Tok::Dedent) && !is(Tok::EndOfFile)) {
    if (!isWord(peek(), "case"))
      unexpected("'case'");
    cases.push_back(matchCase());
  }
  accept(Tok::Dedent);
  Match *n = node<Match>(s);
  n->subject = subject;
  n->cases = arena_.copy(cases);
  return n;
}

MatchCase ParserImpl::matchCase() {
  Nest nest(*this);
  uint32_t line = peek().line;
  advance();
  MatchCase c;
  c.pattern = patterns();
  if (accept(Tok::KwIf))
    c.guard = namedExpression();
  expectColon("the pattern of 'case'");
  c.body = block("case", line);
  return c;
}

// An open sequence (`case a, b:`) or one pattern.
Pattern *ParserImpl::patterns() {
  Start s = here();
  Pattern *first = maybeStarPattern();
  if (!is(Tok::Comma)) {
    if (first->kind == NodeKind::MatchStar)
      fail(first->span, "a starred pattern needs a sequence around it", "end it with a comma: *rest,");
    return first;
  }
  Scratch<Pattern *> list(patternList_);
  list.add(first);
  while (accept(Tok::Comma) && !is(Tok::Colon) && !is(Tok::KwIf))
    list.add(maybeStarPattern());
  MatchSequence *n = node<MatchSequence>(s);
  n->patterns = list.take(arena_);
  return n;
}

Pattern *ParserImpl::maybeStarPattern() {
  if (!is(Tok::Star))
    return pattern();
  Start s = here();
  advance();
  Identifier name = expectName("the name of a starred pattern");
  MatchStar *n = node<MatchStar>(s);
  if (name != "_")
    n->name = name;
  return n;
}

Pattern *ParserImpl::pattern() {
  Nest nest(*this);
  Start s = here();
  Pattern *p = orPattern();
  if (!accept(Tok::KwAs))
    return p;
  if (isWord(peek(), "_"))
    fail(peek(), "'_' matches anything and cannot be the name after 'as'");
  Identifier name = expectName("the name after 'as'");
  MatchAs *n = node<MatchAs>(s);
  n->pattern = p;
  n->name = name;
  return n;
}

Pattern *ParserImpl::orPattern() {
  Start s = here();
  Pattern *first = closedPattern();
  if (!is(Tok::Bar))
    return first;
  Scratch<Pattern *> list(patternList_);
  list.add(first);
  while (accept(Tok::Bar))
    list.add(closedPattern());
  MatchOr *n = node<MatchOr>(s);
  n->patterns = list.take(arena_);
  return n;
}

Pattern *ParserImpl::closedPattern() {
  Start s = here();
  auto value = [&](Expr *e) {
    MatchValue *n = node<MatchValue>(s);
    n->value = e;
    return n;
  };
  auto singleton = [&](ConstantKind what) {
    advance();
    MatchSingleton *n = node<MatchSingleton>(s);
    n->value = what;
    return n;
  };
  switch (kind()) {
  case Tok::Number:
  case Tok::Minus:
    return value(patternNumber());
  case Tok::String:
    return value(strings());
  case Tok::FStringStart:
    fail(peek(), "an f-string cannot be a pattern");
  case Tok::KwNone:
    return singleton(ConstantKind::None);
  case Tok::KwTrue:
    return singleton(ConstantKind::True);
  case Tok::KwFalse:
    return singleton(ConstantKind::False);
  case Tok::Name:
    return namePattern();
  case Tok::LParen:
  case Tok::LBracket:
    return sequencePattern();
  case Tok::LBrace:
    return mappingPattern();
  default:
    unexpected("a pattern");
  }
}

// [-] number [(+|-) imaginary]
Expr *ParserImpl::patternNumber() {
  Start s = here();
  auto real = [&]() -> Expr * {
    Start at = here();
    bool negative = accept(Tok::Minus);
    if (!is(Tok::Number))
      unexpected("a number after '-'");
    Expr *e = number();
    if (!negative)
      return e;
    UnaryOp *n = node<UnaryOp>(at);
    n->op = UnaryOpKind::USub;
    n->operand = e;
    return n;
  };
  Expr *left = real();
  if (!is(Tok::Plus) && !is(Tok::Minus))
    return left;
  BinOpKind op = advance().kind == Tok::Plus ? BinOpKind::Add : BinOpKind::Sub;
  if (!is(Tok::Number))
    unexpected("an imaginary number");
  Expr *right = number();
  if (as<Constant>(right)->what != ConstantKind::Imag)
    fail(right->span, "a sum in a pattern is a complex number: an imaginary part is required");
  BinOp *n = node<BinOp>(s);
  n->op = op;
  n->left = left;
  n->right = right;
  return n;
}

Expr *ParserImpl::patternDotted() {
  Start s = here();
  Token t = advance();
  Name *name = node<Name>(s);
  name->id = intern(t);
  Expr *e = name;
  for (unsigned length = 0; accept(Tok::Dot); ++length) {
    hasLongChain_ |= length > kLongChain;
    Token part = peek();
    Identifier id = expectName("a name after '.'");
    Attribute *a = node<Attribute>(s);
    a->value = e;
    a->attr = id;
    a->attrSpan = {part.line, part.column, part.endLine, part.endColumn};
    e = a;
  }
  return e;
}

// A capture, `_`, a dotted value, or a class pattern.
Pattern *ParserImpl::namePattern() {
  Start s = here();
  if (kind(1) != Tok::Dot && kind(1) != Tok::LParen) {
    Token t = advance();
    MatchAs *n = node<MatchAs>(s);
    if (textOf(t) != "_")
      n->name = intern(t);
    return n;
  }
  Expr *e = patternDotted();
  if (is(Tok::LParen))
    return classPattern(s, e);
  MatchValue *n = node<MatchValue>(s);
  n->value = e;
  return n;
}

Pattern *ParserImpl::classPattern(Start s, Expr *cls) {
  Token opener = advance();
  Scratch<Pattern *> positional(patternList_);
  std::vector<Identifier> names;
  std::vector<Pattern *> named;
  while (!is(Tok::RParen)) {
    if (is(Tok::Name) && kind(1) == Tok::Equal) {
      names.push_back(intern(advance()));
      advance();
      named.push_back(pattern());
    } else {
      Pattern *p = pattern();
      if (!names.empty())
        fail(p->span, "a positional pattern follows a keyword pattern");
      positional.add(p);
    }
    if (!accept(Tok::Comma))
      break;
  }
  expectClosing(Tok::RParen, opener, "this class pattern");
  MatchClass *n = node<MatchClass>(s);
  n->cls = cls;
  n->patterns = positional.take(arena_);
  n->kwdAttrs = arena_.copy(names);
  n->kwdPatterns = arena_.copy(named);
  return n;
}

// ( … ): a group or a sequence; [ … ]: a sequence.
Pattern *ParserImpl::sequencePattern() {
  Nest nest(*this);
  Start s = here();
  Token opener = advance();
  Tok closer = opener.kind == Tok::LParen ? Tok::RParen : Tok::RBracket;
  Scratch<Pattern *> list(patternList_);
  bool hasComma = false;
  while (!is(closer)) {
    list.add(maybeStarPattern());
    if (!accept(Tok::Comma))
      break;
    hasComma = true;
  }
  expectClosing(closer, opener, "this pattern");
  if (closer == Tok::RParen && list.size() == 1 && !hasComma) {
    if (list[0]->kind == NodeKind::MatchStar)
      fail(list[0]->span, "a starred pattern needs a sequence around it", "end it with a comma: (*rest,)");
    return list[0];
  }
  MatchSequence *n = node<MatchSequence>(s);
  n->patterns = list.take(arena_);
  return n;
}

Pattern *ParserImpl::mappingPattern() {
  Nest nest(*this);
  Start s = here();
  Token opener = advance();
  std::vector<Expr *> keys;
  Scratch<Pattern *> values(patternList_);
  Identifier rest;
  while (!is(Tok::RBrace)) {
    if (accept(Tok::DoubleStar)) {
      rest = expectName("the name after '**'");
    } else {
      Start k = here();
      switch (kind()) {
      case Tok::Number:
      case Tok::Minus:
        keys.push_back(patternNumber());
        break;
      case Tok::String:
        keys.push_back(strings());
        break;
      case Tok::KwNone:
        keys.push_back(constant(k, ConstantKind::None));
        break;
      case Tok::KwTrue:
        keys.push_back(constant(k, ConstantKind::True));
        break;
      case Tok::KwFalse:
        keys.push_back(constant(k, ConstantKind::False));
        break;
      case Tok::Name:
        if (kind(1) == Tok::Dot) {
          keys.push_back(patternDotted());
          break;
        }
        [[fallthrough]];
      default:
        unexpected("a literal or a dotted name as the key of a mapping pattern");
      }
      expect(Tok::Colon, "after the key of a mapping pattern");
      values.add(pattern());
    }
    if (!accept(Tok::Comma))
      break;
  }
  expectClosing(Tok::RBrace, opener, "this mapping pattern");
  MatchMapping *n = node<MatchMapping>(s);
  n->keys = arena_.copy(keys);
  n->patterns = values.take(arena_);
  n->rest = rest;
  return n;
}

} // namespace tessera::py
