// ParseAtoms.cpp - names, numbers, strings, displays
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/syntax/BigInt.h"
#include "frontends/python/syntax/Literals.h"
#include "frontends/python/syntax/ParserImpl.h"

#include <charconv>
#include <cstdlib>

namespace tessera::py {

Expr *ParserImpl::constant(Start s, ConstantKind what) {
  advance();
  Constant *c = node<Constant>(s);
  c->what = what;
  return c;
}

Expr *ParserImpl::atom() {
  Start s = here();
  switch (kind()) {
  case Tok::Name: {
    Token t = advance();
    Name *n = node<Name>(s);
    n->id = intern(t);
    return n;
  }
  case Tok::Number:
    return number();
  case Tok::String:
  case Tok::FStringStart:
    return strings();
  case Tok::LParen:
    return parenAtom();
  case Tok::LBracket:
    return listAtom();
  case Tok::LBrace:
    return braceAtom();
  case Tok::KwNone:
    return constant(s, ConstantKind::None);
  case Tok::KwTrue:
    return constant(s, ConstantKind::True);
  case Tok::KwFalse:
    return constant(s, ConstantKind::False);
  case Tok::Ellipsis:
    return constant(s, ConstantKind::Ellipsis);
  default:
    break;
  }
  const Token &t = peek();
  if (pos_ > 0) {
    const Token &before = tokens_[pos_ - 1];
    if (before.kind == t.kind && before.end == t.begin && (t.kind == Tok::Amper || t.kind == Tok::Bar))
      fail(t, std::string("Python has no operator '") + (t.kind == Tok::Amper ? "&&'" : "||'"),
           t.kind == Tok::Amper ? "write 'and' (or '&' between tensors)" : "write 'or' (or '|' between tensors)");
  }
  if (pos_ > 1 && (t.kind == Tok::Newline || t.kind == Tok::Semicolon)) {
    const Token &last = tokens_[pos_ - 1], &first = tokens_[pos_ - 2];
    if (last.kind == first.kind && first.end == last.begin && (last.kind == Tok::Plus || last.kind == Tok::Minus)) {
      std::string op(spelling(last.kind));
      fail(last, "Python has no operator '" + op + op + "'", "write x " + op + "= 1");
    }
  }
  if (t.kind == Tok::Star)
    fail(t, "a starred expression cannot stand here", "it belongs in a list, a tuple, or the arguments of a call");
  if (t.kind >= Tok::KwFalse && t.kind <= Tok::KwYield) {
    if (t.kind == Tok::KwLambda || t.kind == Tok::KwNot || t.kind == Tok::KwAwait)
      fail(t, "'" + std::string(spelling(t.kind)) + "' cannot stand here without parentheses");
    if (t.kind == Tok::KwYield)
      fail(t, "a yield expression needs parentheses here");
    fail(t, "expected an expression, found the keyword '" + std::string(spelling(t.kind)) + "'");
  }
  unexpected("an expression");
}

Expr *ParserImpl::parenAtom() {
  Start s = here();
  Token opener = advance();
  if (accept(Tok::RParen)) {
    Tuple *t = node<Tuple>(s);
    t->parenthesised = true;
    return t;
  }
  if (is(Tok::KwYield)) {
    Expr *e = yieldExpression();
    expectClosing(Tok::RParen, opener, "this expression");
    return e;
  }
  Expr *first = starNamedExpression();
  if (atComprehension()) {
    if (first->kind == NodeKind::Starred)
      fail(first->span, "a starred expression cannot be the element of a comprehension");
    std::span<Comprehension> g = generators();
    expectClosing(Tok::RParen, opener, "this generator expression");
    GeneratorExp *n = node<GeneratorExp>(s);
    n->elt = first;
    n->generators = g;
    return n;
  }
  if (is(Tok::Comma)) {
    Scratch<Expr *> list(exprs_);
    list.add(first);
    while (accept(Tok::Comma) && !is(Tok::RParen))
      list.add(starNamedExpression());
    expectClosing(Tok::RParen, opener, "this tuple");
    Tuple *t = node<Tuple>(s);
    t->elts = list.take(arena_);
    t->parenthesised = true;
    return t;
  }
  if (is(Tok::Equal))
    fail(peek(), "'=' assigns, and an assignment is not an expression",
         "to compare, write '=='; to assign inside an expression, ':='");
  expectClosing(Tok::RParen, opener, "this expression");
  if (first->kind == NodeKind::Starred)
    fail(first->span, "a starred expression cannot stand here", "a tuple of one element ends with a comma: (*x,)");
  return first;
}

Expr *ParserImpl::listAtom() {
  Start s = here();
  Token opener = advance();
  Scratch<Expr *> list(exprs_);
  if (!is(Tok::RBracket)) {
    Expr *first = starNamedExpression();
    if (atComprehension()) {
      if (first->kind == NodeKind::Starred)
        fail(first->span, "a starred expression cannot be the element of a comprehension");
      std::span<Comprehension> g = generators();
      expectClosing(Tok::RBracket, opener, "this list comprehension");
      ListComp *n = node<ListComp>(s);
      n->elt = first;
      n->generators = g;
      return n;
    }
    list.add(first);
    while (accept(Tok::Comma) && !is(Tok::RBracket))
      list.add(starNamedExpression());
  }
  expectClosing(Tok::RBracket, opener, "this list");
  List *n = node<List>(s);
  n->elts = list.take(arena_);
  return n;
}

Expr *ParserImpl::braceAtom() {
  Start s = here();
  Token opener = advance();
  Scratch<Expr *> items(exprs_); // a dict's keys and values in turn
  bool isDict = true;
  if (!is(Tok::RBrace)) {
    auto entry = [&] {
      if (accept(Tok::DoubleStar)) {
        items.add(nullptr);
        items.add(bitOr());
        return;
      }
      Expr *key = expression();
      if (!is(Tok::Colon))
        unexpected("':' after the key of a dict");
      advance();
      items.add(key);
      items.add(expression());
    };
    if (is(Tok::DoubleStar)) {
      entry();
    } else {
      Expr *first = starNamedExpression();
      isDict = is(Tok::Colon) && first->kind != NodeKind::Starred;
      if (isDict) {
        advance();
        Expr *value = expression();
        if (atComprehension()) {
          std::span<Comprehension> g = generators();
          expectClosing(Tok::RBrace, opener, "this dict comprehension");
          DictComp *n = node<DictComp>(s);
          n->key = first;
          n->value = value;
          n->generators = g;
          return n;
        }
        items.add(first);
        items.add(value);
      } else if (atComprehension()) {
        if (first->kind == NodeKind::Starred)
          fail(first->span, "a starred expression cannot be the element of a comprehension");
        std::span<Comprehension> g = generators();
        expectClosing(Tok::RBrace, opener, "this set comprehension");
        SetComp *n = node<SetComp>(s);
        n->elt = first;
        n->generators = g;
        return n;
      } else {
        items.add(first);
      }
    }
    while (accept(Tok::Comma) && !is(Tok::RBrace)) {
      if (isDict)
        entry();
      else
        items.add(starNamedExpression());
    }
  }
  expectClosing(Tok::RBrace, opener, isDict ? "this dict" : "this set");
  if (!isDict) {
    Set *n = node<Set>(s);
    n->elts = items.take(arena_);
    return n;
  }
  Dict *n = node<Dict>(s);
  Scratch<Expr *> keys(exprs_);
  size_t count = items.size() / 2;
  for (size_t i = 0; i < count; ++i)
    keys.add(items[2 * i]);
  n->keys = keys.take(arena_);
  Scratch<Expr *> values(exprs_);
  for (size_t i = 0; i < count; ++i)
    values.add(items[2 * i + 1]);
  n->values = values.take(arena_);
  return n;
}

Expr *ParserImpl::number() {
  Start s = here();
  Token t = advance();
  std::string digits;
  for (char c : textOf(t))
    if (c != '_')
      digits += c;
  Constant *n = node<Constant>(s);
  char x = digits.size() > 1 ? static_cast<char>(digits[1] | 0x20) : 0;
  unsigned base = digits[0] != '0' ? 10 : x == 'x' ? 16 : x == 'o' ? 8 : x == 'b' ? 2 : 10;
  bool isImaginary = base == 10 && (digits.back() | 0x20) == 'j';
  if (base != 10 || digits.find_first_of(".eEjJ") == std::string::npos) {
    std::string_view body(digits);
    if (base != 10)
      body.remove_prefix(2);
    if (body.size() > (base == 10 ? 4300u : 65536u))
      fail(n->span, "this number has more than " + std::to_string(base == 10 ? 4300 : 65536) + " digits",
           "write large decimal numbers in hexadecimal");
    n->what = ConstantKind::Int;
    uint64_t small = 0;
    if (body.size() <= 15 &&
        std::from_chars(body.data(), body.data() + body.size(), small, static_cast<int>(base)).ec == std::errc()) {
      uint32_t limbs[2] = {static_cast<uint32_t>(small), static_cast<uint32_t>(small >> 32)};
      n->limbs = arena_.copy(limbs, small == 0 ? 0 : small >> 32 ? 2 : 1);
    } else if (auto big = BigInt::parse(body, base)) {
      n->limbs = arena_.copy(big->limbs().data(), big->limbs().size());
    }
    return n;
  }
  n->what = isImaginary ? ConstantKind::Imag : ConstantKind::Float;
  if (isImaginary)
    digits.pop_back();
  auto r = std::from_chars(digits.data(), digits.data() + digits.size(), n->number);
  if (r.ec == std::errc::result_out_of_range)
    n->number = std::strtod(digits.c_str(), nullptr); // infinite or zero, as Python has it
  return n;
}

void ParserImpl::decodeInto(std::string &out, uint32_t begin, uint32_t end, const Token &t, bool isRaw, bool isBytes,
                            bool isFString) {
  EscapeProblem problem;
  if (decodeStringBody(lex_.text().substr(begin, end - begin), isRaw, isBytes, isFString, out, problem))
    return;
  uint32_t at = begin + problem.offset;
  Span place{t.line, t.column, t.endLine, t.endColumn};
  uint32_t line = t.line, lineStart = at;
  std::string_view text = lex_.text();
  for (uint32_t i = t.begin; i < at; ++i)
    line += text[i] == '\n';
  while (lineStart > 0 && text[lineStart - 1] != '\n')
    --lineStart;
  uint32_t column = lex_.columnAt(lineStart, at);
  place = {line, column, line, column + problem.length};
  fail(place, problem.message, {}, DiagId::BadToken);
}

void ParserImpl::flushText(std::string &text, Start s, Scratch<Expr *> &values, bool hasU) {
  if (text.empty())
    return;
  Constant *c = node<Constant>(s);
  c->what = ConstantKind::Str;
  c->text = arena_.copyText(text);
  c->hasU = hasU;
  values.add(c);
  text.clear();
}

// Adjacent literals are one: all bytes, or text and f-strings together.
Expr *ParserImpl::strings() {
  Start s = here();
  Token firstToken = peek();
  bool hasU = lex_.text()[firstToken.begin] == 'u'; // 'U' does not count in CPython
  bool isF = false, isBytes = false, isFirst = true;
  std::string text;
  Scratch<Expr *> values(exprs_);
  while (is(Tok::String) || is(Tok::FStringStart)) {
    Token t = peek();
    bool raw = false, bytes = false;
    uint32_t quoteAt = t.begin;
    std::string_view all = lex_.text();
    for (; all[quoteAt] != '"' && all[quoteAt] != '\''; ++quoteAt) {
      char c = static_cast<char>(all[quoteAt] | 0x20);
      raw |= c == 'r';
      bytes |= c == 'b';
    }
    if (!isFirst && bytes != isBytes)
      fail(t, "bytes and text literals cannot be joined", "put b before all of them or before none");
    isBytes = bytes;
    if (t.kind == Tok::FStringStart) {
      isF = true;
      fstring(text, s, values, hasU);
    } else {
      advance();
      uint32_t quotes = all[quoteAt + 1] == all[quoteAt] && t.end - quoteAt >= 6 ? 3 : 1;
      uint32_t begin = quoteAt + quotes, end = t.end - quotes;
      std::string_view body = all.substr(begin, end - begin);
      bool isPlain = isFirst && !is(Tok::String) && !is(Tok::FStringStart) && !bytes &&
                     body.find('\r') == std::string_view::npos && (raw || body.find('\\') == std::string_view::npos);
      if (isPlain) { // the usual case: the text is the source itself
        Constant *c = node<Constant>(s);
        c->what = ConstantKind::Str;
        c->text = body;
        c->hasU = hasU;
        return c;
      }
      decodeInto(text, begin, end, t, raw, bytes, false);
    }
    isFirst = false;
  }
  if (!isF) {
    Constant *c = node<Constant>(s);
    c->what = isBytes ? ConstantKind::Bytes : ConstantKind::Str;
    c->text = arena_.copyText(text);
    c->hasU = hasU;
    return c;
  }
  flushText(text, s, values, hasU);
  JoinedStr *n = node<JoinedStr>(s);
  n->values = values.take(arena_);
  return n;
}

// One f-string: its parts go to `values`, literal text collects in `text` so that neighbours join.
void ParserImpl::fstring(std::string &text, Start s, Scratch<Expr *> &values, bool hasU) {
  Nest nest(*this);
  Token start = advance();
  bool isRaw = textOf(start).find_first_of("rR") != std::string_view::npos;
  while (!is(Tok::FStringEnd)) {
    if (is(Tok::FStringMiddle)) {
      Token t = advance();
      decodeInto(text, t.begin, t.end, t, isRaw, false, true);
    } else if (is(Tok::LBrace)) {
      Expr *field = fstringField(text, isRaw, hasU);
      flushText(text, s, values, hasU);
      values.add(field);
    } else {
      unexpected("text or '{' in an f-string");
    }
  }
  advance();
}

// `{expr = !r : spec}`. With '=', the source of the expression goes to `text` first.
Expr *ParserImpl::fstringField(std::string &text, bool isRaw, bool hasU) {
  Nest nest(*this);
  Start s = here();
  Token opener = advance();
  if (is(Tok::RBrace) || is(Tok::Exclaim) || is(Tok::Colon) || is(Tok::Equal))
    fail(peek(), "an f-string field needs an expression before '" + std::string(spelling(kind())) + "'",
         "write '{{' for a brace");
  Expr *value = yieldOrStarExpressions();
  FormattedValue *n = arena_.make<FormattedValue>(Span{});
  n->value = value;
  bool isDebug = false;
  if (is(Tok::Equal)) {
    isDebug = true;
    advance();
    // After '=' only '!', ':' or '}' may come: in format mode they are single characters, so the text up to there is it.
    uint32_t end = peek().begin;
    text += lex_.text().substr(opener.end, end - opener.end);
  }
  if (accept(Tok::Exclaim)) {
    Token c = peek();
    std::string_view word = textOf(c);
    if (c.kind != Tok::Name || (word != "s" && word != "r" && word != "a"))
      fail(c, "after '!' in an f-string comes s, r or a");
    n->conversion = word[0];
    advance();
  }
  if (accept(Tok::Colon)) {
    Start specStart = here();
    std::string specText;
    Scratch<Expr *> parts(exprs_);
    while (!is(Tok::RBrace)) {
      if (is(Tok::FStringMiddle)) {
        Token t = advance();
        decodeInto(specText, t.begin, t.end, t, isRaw, false, false);
      } else if (is(Tok::LBrace)) {
        Expr *field = fstringField(specText, isRaw, hasU);
        flushText(specText, specStart, parts, hasU);
        parts.add(field);
      } else {
        unexpected("'}' at the end of the format of an f-string field");
      }
    }
    flushText(specText, specStart, parts, hasU);
    JoinedStr *spec = node<JoinedStr>(specStart);
    spec->values = parts.take(arena_);
    n->formatSpec = spec;
  } else if (isDebug && !n->conversion) {
    n->conversion = 'r';
  }
  if (!is(Tok::RBrace)) {
    if (is(Tok::ColonEqual))
      fail(peek(), "':=' in an f-string field needs parentheses");
    unexpected("'}' or ':' after the expression of an f-string field");
  }
  advance();
  n->span = from(s);
  return n;
}

} // namespace tessera::py
