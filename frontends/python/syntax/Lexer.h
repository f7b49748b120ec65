// Lexer.h - source bytes to tokens: indentation, implicit joining of lines, nested f-strings
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "frontends/python/syntax/Ast.h"
#include "frontends/python/syntax/Token.h"

#include <vector>

namespace tessera::py {

class Lexer {
public:
  // indentedStart: the first line's indentation counts as none (a function cut out of a class).
  Lexer(const std::shared_ptr<const SourceFile> &file, DiagnosticList &out, bool indentedStart = false);

  // The next token. After the end of the text: Newline where one is missing, Dedents, then EndOfFile for ever.
  Token next();

  // Goes back to the beginning of the physical line that `token` is on, and forgets open brackets and strings: what
  // follows is a new statement.
  void restartAtLine(const Token &token);

  // While the rest of a broken statement is skipped: that a bracket of it stays open is no news.
  void setQuietAboutBrackets(bool quiet) { quietAboutBrackets_ = quiet; }

  struct OpenBracket {
    char what = 0;
    Token token;
  };
  const std::vector<OpenBracket> &openBrackets() const { return brackets_; }
  std::string_view text() const { return text_; }
  SourcePlace place(const Token &t) const { return {file_, t.line, t.column, t.endLine, t.endColumn}; }
  // Column of a position on the line that begins at `lineStart`.
  uint32_t columnAt(uint32_t lineStart, uint32_t position) const;

private:
  // Where the lexer is inside an f-string: its text, an expression in braces, a format specification.
  struct Mode {
    enum Kind : uint8_t { Body, Field, Spec } kind;
    char quote = 0;
    bool isTriple = false, isRaw = false;
    size_t bracketDepth = 0; // Field: brackets open at its beginning
    Token start;
  };

  char at(uint32_t i) const { return i < text_.size() ? text_[i] : '\0'; }
  uint32_t column();
  Token startToken();
  Token finish(Token t, Tok kind);
  Token errorToken(Token t, DiagId id, std::string message, std::string help = {});
  bool skipBlankAndIndent(Token &out);
  bool isEndOfText() const { return pos_ >= text_.size(); }
  void newLine(); // pos_ is on the line's end
  void skipComment();
  void skipTheRest();
  Token scan();
  void reportInvalidByte();
  Token lexName(Token t);
  Token lexNumber(Token t);
  Token lexString(Token t, uint32_t quoteAt, uint32_t prefixLength);
  Token lexOperator(Token t);
  Token lexFStringText();
  Token badCharacter(Token t);
  Token openBracket(Token t, Tok kind, char c);
  Token closeBracket(Token t, Tok kind, char c);
  Token abandonBrackets(Token statement);
  uint32_t decodeUtf8(uint32_t i, uint32_t &length) const;

  std::shared_ptr<const SourceFile> file_;
  DiagnosticList &out_;
  std::string_view text_;
  uint32_t pos_ = 0, line_ = 1, lineStart_ = 0;
  uint32_t countedTo_ = 0, countedColumn_ = 1; // columns counted so far on this line
  bool isAscii_ = true;
  uint32_t invalidAt_ = UINT32_MAX; // the first byte that is not valid UTF-8 and of which nothing was said
  bool atLineStart_ = true, firstOnLine_ = true, lastWasNewline_ = true, indentedStart_ = false,
       pendingNewline_ = false, quietAboutBrackets_ = false;
  std::vector<uint32_t> indents_{0}, altIndents_{0};
  uint32_t pendingDedents_ = 0;
  std::vector<OpenBracket> brackets_;
  std::vector<Mode> modes_;
};

// Tables shared with the parser.
bool isIdentifierStart(unsigned char c);
bool isIdentifierPart(unsigned char c);

} // namespace tessera::py
