// LexLiterals.cpp - numbers, strings, the text of f-strings, operators
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/syntax/Lexer.h"

#include <algorithm>

namespace tessera::py {

namespace {
constexpr size_t kMaxFStrings = 60;
bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isHex(char c) { return isDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool isNewline(char c) { return c == '\n' || c == '\r'; }
} // namespace

Token Lexer::lexNumber(Token t) {
  const char *problem = nullptr;
  std::string help;
  // digits of one kind, single underscores between them; false: a misplaced underscore
  auto digits = [&](auto isOne) {
    bool any = false, ok = true;
    for (;;) {
      if (isOne(at(pos_))) {
        any = true;
        ++pos_;
      } else if (at(pos_) == '_') {
        if (!isOne(at(pos_ + 1)))
          ok = false;
        ++pos_;
      } else {
        break;
      }
    }
    return any && ok;
  };
  char c = at(pos_), x = static_cast<char>(at(pos_ + 1) | 0x20);
  bool isInteger = true;
  if (c == '0' && (x == 'x' || x == 'o' || x == 'b')) {
    pos_ += 2;
    if (at(pos_) == '_')
      ++pos_;
    bool ok = x == 'x'   ? digits(isHex)
              : x == 'o' ? digits([](char d) { return d >= '0' && d <= '7'; })
                         : digits([](char d) { return d == '0' || d == '1'; });
    if (!ok || isDigit(at(pos_)))
      problem = x == 'x'   ? "this hexadecimal number is malformed"
                : x == 'o' ? "this octal number is malformed"
                           : "this binary number is malformed";
  } else {
    uint32_t begin = pos_;
    bool ok = true;
    if (c != '.')
      ok = digits(isDigit);
    uint32_t integerEnd = pos_;
    if (at(pos_) == '.') {
      isInteger = false;
      ++pos_;
      if (isDigit(at(pos_)))
        ok &= digits(isDigit);
    }
    if ((at(pos_) | 0x20) == 'e') {
      uint32_t k = pos_ + 1;
      if (at(k) == '+' || at(k) == '-')
        ++k;
      if (isDigit(at(k))) {
        isInteger = false;
        pos_ = k;
        ok &= digits(isDigit);
      }
    }
    bool isImaginary = (at(pos_) | 0x20) == 'j';
    if (isImaginary)
      ++pos_;
    if (!ok)
      problem = "an underscore in a number must stand between two digits";
    else if (isInteger && !isImaginary && at(begin) == '0' && integerEnd - begin > 1) {
      bool allZero = true;
      for (uint32_t i = begin; i < integerEnd; ++i)
        allZero &= at(i) == '0' || at(i) == '_';
      if (!allZero) {
        problem = "a decimal number has no leading zeros";
        help = "write 0o for octal";
      }
    }
  }
  if (!problem && isIdentifierPart(static_cast<unsigned char>(at(pos_)))) {
    // `1if x else y` is a number and a keyword; `1abc` is a mistake.
    uint32_t k = pos_;
    while (isIdentifierPart(static_cast<unsigned char>(at(k))))
      ++k;
    std::string_view word = text_.substr(pos_, k - pos_);
    bool isKeyword = word == "and" || word == "else" || word == "for" || word == "if" || word == "in" || word == "is" ||
                     word == "not" || word == "or";
    if (!isKeyword) {
      problem = "this number ends in letters";
      help = "put a space or an operator between them; a name does not begin with a digit";
      pos_ = k;
    }
  }
  if (problem) {
    while (isIdentifierPart(static_cast<unsigned char>(at(pos_))))
      ++pos_;
    return errorToken(t, DiagId::BadToken, problem, help);
  }
  return finish(t, Tok::Number);
}

Token Lexer::lexString(Token t, uint32_t quoteAt, uint32_t prefixLength) {
  bool isF = false, isRaw = false;
  for (uint32_t i = 0; i < prefixLength; ++i) {
    char c = static_cast<char>(at(t.begin + i) | 0x20);
    isF |= c == 'f';
    isRaw |= c == 'r';
  }
  char quote = at(quoteAt);
  bool isTriple = at(quoteAt + 1) == quote && at(quoteAt + 2) == quote;
  pos_ = quoteAt + (isTriple ? 3 : 1);
  if (isF) {
    if (modes_.size() >= 2 * kMaxFStrings)
      return errorToken(t, DiagId::SyntaxError, "f-strings are nested too deeply");
    t = finish(t, Tok::FStringStart);
    modes_.push_back({Mode::Body, quote, isTriple, isRaw, brackets_.size(), t});
    return t;
  }
  for (;;) {
    if (isEndOfText())
      break;
    char c = at(pos_);
    if (c == '\\') {
      ++pos_;
      if (isEndOfText())
        break;
      if (isNewline(at(pos_)))
        newLine();
      else
        ++pos_;
      continue;
    }
    if (c == quote) {
      if (!isTriple) {
        ++pos_;
        firstOnLine_ = false;
        return finish(t, Tok::String);
      }
      if (at(pos_ + 1) == quote && at(pos_ + 2) == quote) {
        pos_ += 3;
        firstOnLine_ = false;
        return finish(t, Tok::String);
      }
      ++pos_;
      continue;
    }
    if (isNewline(c)) {
      if (!isTriple)
        break;
      newLine();
      continue;
    }
    ++pos_;
  }
  firstOnLine_ = false;
  if (!modes_.empty()) { // f"{x" : the closing quote was taken for an opening one
    Token f = modes_.front().start;
    brackets_.resize(std::min(brackets_.size(), modes_.front().bracketDepth));
    modes_.clear();
    out_.add(DiagId::UnterminatedString, place(f), "a '{' of this f-string is not closed",
             "close the expression with '}', or write '{{' for a brace");
    return finish(t, Tok::Error);
  }
  std::string closer(isTriple ? 3 : 1, quote);
  Token opening = t;
  opening.endLine = opening.line;
  opening.endColumn = opening.column + prefixLength + (isTriple ? 3 : 1);
  out_.add(DiagId::UnterminatedString, place(opening),
           isTriple ? "this triple-quoted string is not closed before the end of the file"
                    : "this string is not closed before the end of its line",
           isTriple ? "close it with " + closer
                    : "close it with " + closer + ", or use three quotes for a string of several lines");
  return finish(t, Tok::Error);
}

// The text between two expressions of an f-string, or of a format specification; also its end and its braces.
Token Lexer::lexFStringText() {
  size_t bodyAt = modes_.size() - 1;
  while (modes_[bodyAt].kind != Mode::Body)
    --bodyAt;
  const Mode body = modes_[bodyAt];
  bool isSpec = modes_.back().kind == Mode::Spec;
  firstOnLine_ = false;
  Token t = startToken();
  auto middle = [&] { return finish(t, Tok::FStringMiddle); };
  auto fail = [&](std::string message, std::string help) {
    Token f = body.start;
    modes_.resize(bodyAt);
    brackets_.resize(std::min(brackets_.size(), body.bracketDepth));
    out_.add(DiagId::UnterminatedString, place(f), std::move(message), std::move(help));
    return finish(t, Tok::Error);
  };
  for (;;) {
    if (isEndOfText())
      return fail("this f-string is not closed", "close it with the quote that began it");
    char c = at(pos_);
    if (c == body.quote && (!body.isTriple || (at(pos_ + 1) == c && at(pos_ + 2) == c))) {
      if (isSpec)
        return fail("a '{' of this f-string is not closed", "close the expression with '}', or write '{{' for a brace");
      if (pos_ > t.begin)
        return middle();
      pos_ += body.isTriple ? 3 : 1;
      modes_.pop_back();
      return finish(t, Tok::FStringEnd);
    }
    if (isNewline(c)) {
      if (!body.isTriple)
        return fail("this f-string is not closed before the end of its line", "close it with the quote that began it");
      newLine();
      firstOnLine_ = false;
      continue;
    }
    if (c == '\\' && pos_ + 1 < text_.size()) {
      char d = at(pos_ + 1);
      if (!body.isRaw && d == 'N' && at(pos_ + 2) == '{') { // a character by its name: its braces are not ours
        pos_ += 3;
        while (!isEndOfText() && at(pos_) != '}' && !isNewline(at(pos_)) && at(pos_) != body.quote)
          ++pos_;
        if (at(pos_) == '}')
          ++pos_;
        continue;
      }
      ++pos_;
      if (d == '{' || d == '}')
        continue;
      if (isNewline(d)) {
        newLine();
        firstOnLine_ = false;
      } else {
        ++pos_;
      }
      continue;
    }
    if (c == '{') {
      if (!isSpec && at(pos_ + 1) == '{') {
        pos_ += 2;
        continue;
      }
      if (pos_ > t.begin)
        return middle();
      if (modes_.size() >= 2 * kMaxFStrings)
        return fail("f-strings are nested too deeply", "");
      ++pos_;
      Mode m{Mode::Field, 0, false, false, brackets_.size(), t};
      t = finish(t, Tok::LBrace);
      m.start = t;
      modes_.push_back(m);
      return t;
    }
    if (c == '}') {
      if (!isSpec && at(pos_ + 1) == '}') {
        pos_ += 2;
        continue;
      }
      if (pos_ > t.begin)
        return middle();
      ++pos_;
      if (isSpec) {
        modes_.pop_back(); // the specification
        modes_.pop_back(); // its field
        return finish(t, Tok::RBrace);
      }
      return errorToken(t, DiagId::SyntaxError, "a single '}' in an f-string closes nothing", "write '}}' for a brace");
    }
    ++pos_;
  }
}

Token Lexer::lexOperator(Token t) {
  char a = at(pos_), b = at(pos_ + 1), c = at(pos_ + 2);
  bool inField = !modes_.empty() && modes_.back().kind == Mode::Field && brackets_.size() == modes_.back().bracketDepth;
  auto take = [&](uint32_t length, Tok kind) {
    pos_ += length;
    return finish(t, kind);
  };
  // x, x=, xx, xx=
  auto family = [&](Tok one, Tok oneEqual, Tok two, Tok twoEqual) {
    if (b == a && two != Tok::Error)
      return c == '=' && twoEqual != Tok::Error ? take(3, twoEqual) : take(2, two);
    return b == '=' ? take(2, oneEqual) : take(1, one);
  };
  switch (a) {
  case '(':
    return openBracket(t, Tok::LParen, a);
  case '[':
    return openBracket(t, Tok::LBracket, a);
  case '{':
    return openBracket(t, Tok::LBrace, a);
  case ')':
    return closeBracket(t, Tok::RParen, a);
  case ']':
    return closeBracket(t, Tok::RBracket, a);
  case '}':
    if (inField) {
      modes_.pop_back();
      return take(1, Tok::RBrace);
    }
    return closeBracket(t, Tok::RBrace, a);
  case ',':
    return take(1, Tok::Comma);
  case ';':
    return take(1, Tok::Semicolon);
  case ':':
    if (inField) {
      Mode m = modes_.back();
      m.kind = Mode::Spec;
      modes_.push_back(m);
      return take(1, Tok::Colon);
    }
    return b == '=' ? take(2, Tok::ColonEqual) : take(1, Tok::Colon);
  case '.':
    return b == '.' && c == '.' ? take(3, Tok::Ellipsis) : take(1, Tok::Dot);
  case '~':
    return take(1, Tok::Tilde);
  case '=':
    return b == '=' ? take(2, Tok::EqEqual) : take(1, Tok::Equal);
  case '!':
    if (b == '=')
      return take(2, Tok::NotEqual);
    if (inField)
      return take(1, Tok::Exclaim);
    ++pos_;
    return errorToken(t, DiagId::BadToken, "Python has no operator '!'", "write 'not x'");
  case '+':
    return b == '=' ? take(2, Tok::PlusEqual) : take(1, Tok::Plus);
  case '-':
    if (b == '>')
      return take(2, Tok::Arrow);
    return b == '=' ? take(2, Tok::MinusEqual) : take(1, Tok::Minus);
  case '*':
    return family(Tok::Star, Tok::StarEqual, Tok::DoubleStar, Tok::DoubleStarEqual);
  case '/':
    return family(Tok::Slash, Tok::SlashEqual, Tok::DoubleSlash, Tok::DoubleSlashEqual);
  case '<':
    return family(Tok::Less, Tok::LessEqual, Tok::LeftShift, Tok::LeftShiftEqual);
  case '>':
    return family(Tok::Greater, Tok::GreaterEqual, Tok::RightShift, Tok::RightShiftEqual);
  case '%':
    return b == '=' ? take(2, Tok::PercentEqual) : take(1, Tok::Percent);
  case '&':
    return b == '=' ? take(2, Tok::AmperEqual) : take(1, Tok::Amper);
  case '|':
    return b == '=' ? take(2, Tok::BarEqual) : take(1, Tok::Bar);
  case '^':
    return b == '=' ? take(2, Tok::CaretEqual) : take(1, Tok::Caret);
  case '@':
    return b == '=' ? take(2, Tok::AtEqual) : take(1, Tok::At);
  default:
    return badCharacter(t);
  }
}

} // namespace tessera::py
