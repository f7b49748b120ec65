// Lexer.cpp - the scanner
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/syntax/Lexer.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace tessera::py {

namespace {
constexpr size_t kMaxIndents = 100, kMaxBrackets = 200;

enum CharClass : uint8_t { NameStart = 1, Digit = 2, Space = 4 };
constexpr std::array<uint8_t, 256> kClass = [] {
  std::array<uint8_t, 256> t{};
  for (int c = 'a'; c <= 'z'; ++c)
    t[c] = t[c - 32] = NameStart;
  for (int c = 128; c < 256; ++c)
    t[c] = NameStart;
  for (int c = '0'; c <= '9'; ++c)
    t[c] = Digit;
  t['_'] = NameStart;
  t[' '] = t['\t'] = t['\f'] = Space;
  return t;
}();
uint8_t charClass(char c) { return kClass[static_cast<unsigned char>(c)]; }

Tok keyword(std::string_view s) {
  if (s.size() < 2 || s.size() > 8)
    return Tok::Name;
  switch (s[0]) {
#define TRY(text, kind)                                                                                                \
  if (s == text)                                                                                                       \
    return Tok::kind;
  case 'F':
    TRY("False", KwFalse) break;
  case 'N':
    TRY("None", KwNone) break;
  case 'T':
    TRY("True", KwTrue) break;
  case 'a':
    TRY("and", KwAnd) TRY("as", KwAs) TRY("assert", KwAssert) TRY("async", KwAsync) TRY("await", KwAwait) break;
  case 'b':
    TRY("break", KwBreak) break;
  case 'c':
    TRY("class", KwClass) TRY("continue", KwContinue) break;
  case 'd':
    TRY("def", KwDef) TRY("del", KwDel) break;
  case 'e':
    TRY("elif", KwElif) TRY("else", KwElse) TRY("except", KwExcept) break;
  case 'f':
    TRY("finally", KwFinally) TRY("for", KwFor) TRY("from", KwFrom) break;
  case 'g':
    TRY("global", KwGlobal) break;
  case 'i':
    TRY("if", KwIf) TRY("import", KwImport) TRY("in", KwIn) TRY("is", KwIs) break;
  case 'l':
    TRY("lambda", KwLambda) break;
  case 'n':
    TRY("nonlocal", KwNonlocal) TRY("not", KwNot) break;
  case 'o':
    TRY("or", KwOr) break;
  case 'p':
    TRY("pass", KwPass) break;
  case 'r':
    TRY("raise", KwRaise) TRY("return", KwReturn) break;
  case 't':
    TRY("try", KwTry) break;
  case 'w':
    TRY("while", KwWhile) TRY("with", KwWith) break;
  case 'y':
    TRY("yield", KwYield) break;
#undef TRY
  default:
    break;
  }
  return Tok::Name;
}

// Code points above 127 that no name may hold: spaces, punctuation, symbols, controls. The full tables of Unicode are
// not needed to tell a typographic quote from a letter.
bool isForeignSymbol(uint32_t c) {
  static constexpr uint32_t ranges[][2] = {
      {0x80, 0xA9},       {0xAB, 0xB4},       {0xB6, 0xB6},       {0xB8, 0xB9},     {0xBB, 0xBF},     {0xD7, 0xD7},
      {0xF7, 0xF7},       {0x1680, 0x1680},   {0x2000, 0x203E},   {0x2041, 0x2053}, {0x2055, 0x2070}, {0x2074, 0x207E},
      {0x2080, 0x208E},   {0x20A0, 0x20CF},   {0x2190, 0x2BFF},   {0x2E00, 0x2E7F}, {0x3000, 0x3004}, {0x3008, 0x3020},
      {0xD800, 0xF8FF},   {0xFE10, 0xFE19},   {0xFEFF, 0xFEFF},   {0xFF01, 0xFF0F}, {0xFF1A, 0xFF20}, {0xFFF0, 0xFFFF},
      {0x1F000, 0x1FAFF}, {0xE0000, 0xE00FF}, {0xF0000, 0x10FFFF}};
  for (auto &r : ranges)
    if (c >= r[0] && c <= r[1])
      return true;
  return false;
}

std::string codePointName(uint32_t c) {
  char buf[16];
  std::snprintf(buf, sizeof buf, "U+%04X", c);
  return buf;
}

// Words that begin a statement and never continue an expression: with one at the beginning of a line inside brackets,
// the bracket was forgotten.
bool onlyBeginsStatement(Tok k) {
  switch (k) {
  case Tok::KwDef:
  case Tok::KwClass:
  case Tok::KwReturn:
  case Tok::KwImport:
  case Tok::KwWhile:
  case Tok::KwWith:
  case Tok::KwTry:
  case Tok::KwRaise:
  case Tok::KwPass:
  case Tok::KwBreak:
  case Tok::KwContinue:
  case Tok::KwDel:
  case Tok::KwGlobal:
  case Tok::KwNonlocal:
  case Tok::KwAssert:
  case Tok::KwElif:
  case Tok::KwExcept:
  case Tok::KwFinally:
    return true;
  default:
    return false;
  }
}
} // namespace

bool isIdentifierStart(unsigned char c) { return kClass[c] == NameStart; }
bool isIdentifierPart(unsigned char c) { return kClass[c] & (NameStart | Digit); }

std::string_view spelling(Tok kind) {
  // clang-format off
  static constexpr std::string_view words[] = {
      "end of file", "end of line", "indent", "end of block", "error", "name", "number", "string", "f-string",
      "f-string text", "end of f-string",
#define X(Name, text) text,
      TSR_PY_KEYWORDS(X) TSR_PY_OPERATORS(X)
#undef X
  };
  // clang-format on
  return words[static_cast<size_t>(kind)];
}

Lexer::Lexer(const std::shared_ptr<const SourceFile> &file, DiagnosticList &out, bool indentedStart)
    : file_(file), out_(out), text_(file->text), line_(file->firstLine), indentedStart_(indentedStart) {
  if (text_.size() >= UINT32_MAX / 2)
    text_ = text_.substr(0, UINT32_MAX / 2); // offsets are 32 bits
  isAscii_ = std::all_of(text_.begin(), text_.end(), [](char c) { return static_cast<signed char>(c) >= 0; });
  if (text_.substr(0, 3) == "\xEF\xBB\xBF") {
    pos_ = lineStart_ = countedTo_ = 3;
  }
  for (uint32_t i = 0, length = 1; !isAscii_ && invalidAt_ == UINT32_MAX && i < text_.size(); i += length)
    if (decodeUtf8(i, length) == UINT32_MAX)
      invalidAt_ = i;
}

uint32_t Lexer::columnAt(uint32_t lineStart, uint32_t position) const {
  uint32_t c = 1;
  for (uint32_t i = lineStart; i < position && i < text_.size(); ++i)
    c += (static_cast<unsigned char>(text_[i]) & 0xC0) != 0x80;
  return c;
}

// Column of pos_, counted on from the last call so that long lines stay linear.
uint32_t Lexer::column() {
  if (isAscii_)
    return pos_ - lineStart_ + 1;
  if (countedTo_ < lineStart_ || countedTo_ > pos_) {
    countedTo_ = lineStart_;
    countedColumn_ = 1;
  }
  for (; countedTo_ < pos_; ++countedTo_)
    countedColumn_ += (static_cast<unsigned char>(text_[countedTo_]) & 0xC0) != 0x80;
  return countedColumn_;
}

Token Lexer::startToken() {
  Token t;
  t.begin = t.end = pos_;
  t.line = t.endLine = line_;
  t.column = t.endColumn = column();
  t.startsLine = firstOnLine_;
  firstOnLine_ = false;
  return t;
}

Token Lexer::finish(Token t, Tok kind) {
  t.kind = kind;
  t.end = pos_;
  t.endLine = line_;
  t.endColumn = column();
  lastWasNewline_ = kind == Tok::Newline;
  return t;
}

Token Lexer::errorToken(Token t, DiagId id, std::string message, std::string help) {
  t = finish(t, Tok::Error);
  out_.add(id, place(t), std::move(message), std::move(help));
  return t;
}

void Lexer::newLine() {
  if (at(pos_) == '\r' && at(pos_ + 1) == '\n')
    ++pos_;
  ++pos_;
  ++line_;
  lineStart_ = countedTo_ = pos_;
  countedColumn_ = 1;
  firstOnLine_ = true;
}

void Lexer::skipComment() {
  while (!isEndOfText() && at(pos_) != '\n' && at(pos_) != '\r')
    ++pos_;
}

void Lexer::skipTheRest() {
  // What is told of the end is told of here.
  uint32_t here = column();
  pos_ = countedTo_ = static_cast<uint32_t>(text_.size());
  lineStart_ = pos_ - (here - 1);
  invalidAt_ = UINT32_MAX;
}

// Of a byte in a comment or a string, where nothing else looks at it. What follows is read on.
void Lexer::reportInvalidByte() {
  uint32_t line = 1, start = 0;
  for (uint32_t i = 0; i < invalidAt_; ++i)
    if (text_[i] == '\n' || (text_[i] == '\r' && at(i + 1) != '\n')) {
      ++line;
      start = i + 1;
    }
  uint32_t column = columnAt(start, invalidAt_);
  invalidAt_ = UINT32_MAX;
  out_.add(DiagId::BadToken, {file_, line, column, line, column + 1}, "this byte is not valid UTF-8",
           "save the file as UTF-8");
}

void Lexer::restartAtLine(const Token &token) {
  uint32_t i = token.begin;
  while (i > 0 && text_[i - 1] != '\n' && text_[i - 1] != '\r')
    --i;
  pos_ = lineStart_ = countedTo_ = i;
  countedColumn_ = 1;
  line_ = token.line;
  brackets_.clear();
  modes_.clear();
  pendingDedents_ = 0;
  atLineStart_ = firstOnLine_ = lastWasNewline_ = true;
}

// Skips blank lines, measures the indentation of the next line of code, and produces Indent or Dedent. False: none due.
bool Lexer::skipBlankAndIndent(Token &out) {
  uint32_t width = 0, alt = 0;
  for (;;) {
    width = alt = 0;
    for (;; ++pos_) {
      char c = at(pos_);
      if (c == ' ')
        ++width, ++alt;
      else if (c == '\t')
        width = (width / 8 + 1) * 8, ++alt;
      else if (c == '\f')
        width = alt = 0;
      else
        break;
    }
    if (isEndOfText())
      return atLineStart_ = false;
    char c = at(pos_);
    if (c == '#')
      skipComment();
    if (isEndOfText())
      return atLineStart_ = false;
    if (at(pos_) == '\n' || at(pos_) == '\r') {
      newLine();
      continue;
    }
    if (c == '\\' && (at(pos_ + 1) == '\n' || at(pos_ + 1) == '\r')) { // a joined blank line keeps this indentation
      ++pos_;
      newLine();
      while (charClass(at(pos_)) == Space)
        ++pos_;
      if (isEndOfText())
        return atLineStart_ = false;
      if (at(pos_) == '\n' || at(pos_) == '\r' || at(pos_) == '#')
        continue;
    }
    break;
  }
  atLineStart_ = false;
  if (indentedStart_) {
    indentedStart_ = false;
    indents_[0] = width;
    altIndents_[0] = alt;
    return false;
  }
  if (width > indents_.back()) {
    Token t = startToken();
    firstOnLine_ = true;
    if (alt <= altIndents_.back())
      out_.add(DiagId::BadIndent, place(t),
               "this indentation mixes tabs and spaces differently from the line that opened the block");
    if (indents_.size() >= kMaxIndents) {
      out_.add(DiagId::BadIndent, place(t), "blocks are nested more than 100 deep", "split the function");
      skipTheRest();
      return false;
    }
    indents_.push_back(width);
    altIndents_.push_back(alt);
    out = finish(t, Tok::Indent);
    return true;
  }
  while (width < indents_.back() && indents_.size() > 1) {
    indents_.pop_back();
    altIndents_.pop_back();
    ++pendingDedents_;
  }
  if (width != indents_.back()) {
    Token t = startToken();
    firstOnLine_ = true;
    out_.add(DiagId::BadIndent, place(t),
             "this line is indented by " + std::to_string(width) + ", which matches no block around it",
             "align it with one of the blocks above");
    if (width > indents_.back()) { // taken as a new level, silently, so that the rest still parses
      indents_.back() = width;
      altIndents_.back() = alt;
    }
  } else if (alt != altIndents_.back()) {
    Token t = startToken();
    firstOnLine_ = true;
    out_.add(DiagId::BadIndent, place(t),
             "this indentation mixes tabs and spaces differently from the lines around it");
  }
  return false;
}

Token Lexer::next() {
  Token t = scan();
  if (pos_ > invalidAt_)
    reportInvalidByte();
  return t;
}

Token Lexer::scan() {
  if (!modes_.empty() && modes_.back().kind != Mode::Field)
    return lexFStringText();
  if (pendingNewline_) {
    pendingNewline_ = false;
    bool first = firstOnLine_;
    Token t = finish(startToken(), Tok::Newline);
    firstOnLine_ = first;
    return t;
  }
  if (atLineStart_ && brackets_.empty() && modes_.empty()) {
    Token t;
    if (skipBlankAndIndent(t))
      return t;
  }
  if (pendingDedents_) {
    --pendingDedents_;
    bool first = firstOnLine_;
    Token t = finish(startToken(), Tok::Dedent);
    firstOnLine_ = first;
    lastWasNewline_ = true;
    return t;
  }
  for (;;) {
    while (charClass(at(pos_)) == Space)
      ++pos_;
    char c = at(pos_);
    if (c == '#') {
      skipComment();
      c = at(pos_);
    }
    if (isEndOfText()) {
      Token t = startToken();
      if (!modes_.empty()) {
        t = modes_.back().start;
        modes_.clear();
        brackets_.clear();
        out_.add(DiagId::UnterminatedString, place(t), "this f-string is not closed",
                 "end it with the quote that began it");
        return finish(t, Tok::Error);
      }
      if (!brackets_.empty()) {
        const OpenBracket &b = brackets_.back();
        if (!quietAboutBrackets_)
          out_.add(DiagId::SyntaxError, place(b.token), std::string("'") + b.what + "' was never closed");
        brackets_.clear();
        return finish(t, Tok::Error);
      }
      if (!lastWasNewline_)
        return finish(t, Tok::Newline);
      if (indents_.size() > 1) {
        indents_.pop_back();
        altIndents_.pop_back();
        t = finish(t, Tok::Dedent);
        lastWasNewline_ = true;
        return t;
      }
      return finish(t, Tok::EndOfFile);
    }
    if (c == '\n' || c == '\r') {
      if (!brackets_.empty() || !modes_.empty()) {
        newLine();
        continue;
      }
      Token t = startToken();
      t = finish(t, Tok::Newline);
      newLine();
      atLineStart_ = true;
      return t;
    }
    if (c == '\\') {
      char d = at(pos_ + 1);
      if (d == '\n' || d == '\r') {
        ++pos_;
        newLine();
        firstOnLine_ = false;
        if (isEndOfText())
          return errorToken(startToken(), DiagId::SyntaxError, "the file ends after a line continuation '\\'");
        continue;
      }
      Token t = startToken();
      ++pos_;
      return errorToken(t, DiagId::BadToken, "a '\\' joins two lines only as the last character of its line",
                        "remove it, or what follows it");
    }
    break;
  }
  Token t = startToken();
  char c = at(pos_);
  uint8_t cls = charClass(c);
  if (cls == NameStart)
    return lexName(t);
  if (cls == Digit || (c == '.' && charClass(at(pos_ + 1)) == Digit))
    return lexNumber(t);
  if (c == '"' || c == '\'')
    return lexString(t, pos_, 0);
  return lexOperator(t);
}

uint32_t Lexer::decodeUtf8(uint32_t i, uint32_t &length) const {
  auto b = [&](uint32_t k) { return static_cast<unsigned char>(at(i + k)); };
  uint32_t c = b(0);
  auto tail = [&](uint32_t k) { return (b(k) & 0xC0) == 0x80; };
  length = 1;
  if (c < 0x80)
    return c;
  if (c >= 0xC2 && c < 0xE0 && tail(1)) {
    length = 2;
    return (c & 0x1F) << 6 | (b(1) & 0x3F);
  }
  if (c >= 0xE0 && c < 0xF0 && tail(1) && tail(2)) {
    uint32_t v = (c & 0x0F) << 12 | (b(1) & 0x3F) << 6 | (b(2) & 0x3F);
    if (v >= 0x800 && (v < 0xD800 || v > 0xDFFF)) {
      length = 3;
      return v;
    }
  }
  if (c >= 0xF0 && c < 0xF5 && tail(1) && tail(2) && tail(3)) {
    uint32_t v = (c & 0x07) << 18 | (b(1) & 0x3F) << 12 | (b(2) & 0x3F) << 6 | (b(3) & 0x3F);
    if (v >= 0x10000 && v < 0x110000) {
      length = 4;
      return v;
    }
  }
  return UINT32_MAX;
}

Token Lexer::badCharacter(Token t) {
  uint32_t length = 1;
  uint32_t c = decodeUtf8(pos_, length);
  std::string text(text_.substr(pos_, length));
  pos_ += length;
  // A file in another encoding, or none of text: the rest would only repeat it.
  if (c == UINT32_MAX || c == 0) {
    Token bad =
        errorToken(t, DiagId::BadToken, c ? "this byte is not valid UTF-8" : "a zero byte cannot stand in source text",
                   "save the file as UTF-8");
    skipTheRest();
    return bad;
  }
  if (c < 0x20 || c == 0x7F)
    return errorToken(t, DiagId::BadToken, "the control character " + codePointName(c) + " cannot stand in source text",
                      "remove it");
  std::string help;
  if (c >= 0x2018 && c <= 0x201F)
    help = "this is a typographic quote: use ' or \"";
  else if (c == 0xA0 || (c >= 0x2000 && c <= 0x200B) || c == 0x3000)
    help = "this is a special space: use a plain one";
  else if (c >= 0x2010 && c <= 0x2015)
    help = "this is a typographic dash: use '-'";
  else if (c == '$' || c == '?' || c == '`')
    help = "Python has no such operator";
  return errorToken(t, DiagId::BadToken, "the character '" + text + "' (" + codePointName(c) + ") cannot stand here",
                    help);
}

Token Lexer::lexName(Token t) {
  uint32_t begin = pos_;
  while (isIdentifierPart(static_cast<unsigned char>(at(pos_)))) {
    if (static_cast<signed char>(at(pos_)) < 0) {
      uint32_t length = 1, c = decodeUtf8(pos_, length);
      if (c == UINT32_MAX || isForeignSymbol(c)) {
        if (pos_ == begin)
          return badCharacter(t);
        break;
      }
      pos_ += length;
    } else {
      ++pos_;
    }
  }
  std::string_view word = text_.substr(begin, pos_ - begin);
  char next = at(pos_);
  if ((next == '"' || next == '\'') && word.size() <= 2) {
    auto lower = [](char c) { return static_cast<char>(c | 0x20); };
    char a = lower(word[0]), b = word.size() == 2 ? lower(word[1]) : 0;
    if (b && b < a)
      std::swap(a, b);
    bool ok = b ? (a == 'b' && b == 'r') || (a == 'f' && b == 'r') : a == 'r' || a == 'u' || a == 'b' || a == 'f';
    if (ok)
      return lexString(t, pos_, static_cast<uint32_t>(word.size()));
  }
  Tok kind = keyword(word);
  if (kind != Tok::Name && t.startsLine && !brackets_.empty() && modes_.empty() && onlyBeginsStatement(kind))
    return abandonBrackets(t);
  return finish(t, kind);
}

// A statement begins inside brackets: says so at the bracket, and goes on as if the brackets had been closed before.
Token Lexer::abandonBrackets(Token statement) {
  OpenBracket b = brackets_.back();
  std::string word(text_.substr(statement.begin, pos_ - statement.begin));
  statement = finish(statement, Tok::Error);
  if (!quietAboutBrackets_) {
    Diagnostic &d = out_.add(DiagId::SyntaxError, place(b.token), std::string("'") + b.what + "' was never closed");
    d.notes.push_back({place(statement), "'" + word + "' begins a new statement here"});
  }
  Token t = statement;
  restartAtLine(statement);
  pendingNewline_ = true;
  return t;
}

Token Lexer::openBracket(Token t, Tok kind, char c) {
  ++pos_;
  t = finish(t, kind);
  if (brackets_.size() >= kMaxBrackets) {
    out_.add(DiagId::SyntaxError, place(t), "brackets are nested more than 200 deep",
             "give names to parts of the expression");
    pos_ = static_cast<uint32_t>(text_.size());
    brackets_.clear();
    modes_.clear();
    t.kind = Tok::Error;
    return t;
  }
  brackets_.push_back({c, t});
  return t;
}

Token Lexer::closeBracket(Token t, Tok kind, char c) {
  ++pos_;
  t = finish(t, kind);
  size_t floor = modes_.empty() ? 0 : modes_.back().bracketDepth;
  if (brackets_.size() <= floor) {
    if (!modes_.empty()) {
      out_.add(DiagId::SyntaxError, place(t), std::string("'") + c + "' closes nothing in this f-string expression");
    } else {
      out_.add(DiagId::SyntaxError, place(t), std::string("'") + c + "' closes nothing",
               "remove it, or open the bracket before");
    }
    t.kind = Tok::Error;
    return t;
  }
  OpenBracket b = brackets_.back();
  brackets_.pop_back();
  char want = b.what == '(' ? ')' : b.what == '[' ? ']' : '}';
  if (want != c) {
    Diagnostic &d = out_.add(DiagId::SyntaxError, place(t), std::string("'") + c + "' does not close '" + b.what + "'",
                             std::string("close it with '") + want + "' first");
    d.notes.push_back({place(b.token), std::string("'") + b.what + "' was opened here"});
    t.kind = Tok::Error;
  }
  return t;
}

} // namespace tessera::py
