// Token.h - the words of Python
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace tessera::py {

// clang-format off: lists
// X(Name, "spelling")
#define TSR_PY_KEYWORDS(X)                                                                                             \
  X(KwFalse, "False") X(KwNone, "None") X(KwTrue, "True") X(KwAnd, "and") X(KwAs, "as") X(KwAssert, "assert")          \
  X(KwAsync, "async") X(KwAwait, "await") X(KwBreak, "break") X(KwClass, "class") X(KwContinue, "continue")            \
  X(KwDef, "def") X(KwDel, "del") X(KwElif, "elif") X(KwElse, "else") X(KwExcept, "except") X(KwFinally, "finally")    \
  X(KwFor, "for") X(KwFrom, "from") X(KwGlobal, "global") X(KwIf, "if") X(KwImport, "import") X(KwIn, "in")            \
  X(KwIs, "is") X(KwLambda, "lambda") X(KwNonlocal, "nonlocal") X(KwNot, "not") X(KwOr, "or") X(KwPass, "pass")        \
  X(KwRaise, "raise") X(KwReturn, "return") X(KwTry, "try") X(KwWhile, "while") X(KwWith, "with") X(KwYield, "yield")
#define TSR_PY_OPERATORS(X)                                                                                            \
  X(LParen, "(") X(RParen, ")") X(LBracket, "[") X(RBracket, "]") X(LBrace, "{") X(RBrace, "}") X(Comma, ",")          \
  X(Colon, ":") X(ColonEqual, ":=") X(Semicolon, ";") X(Dot, ".") X(Ellipsis, "...") X(Arrow, "->") X(At, "@")         \
  X(Equal, "=") X(Plus, "+") X(Minus, "-") X(Star, "*") X(DoubleStar, "**") X(Slash, "/") X(DoubleSlash, "//")         \
  X(Percent, "%") X(Amper, "&") X(Bar, "|") X(Caret, "^") X(Tilde, "~") X(LeftShift, "<<") X(RightShift, ">>")         \
  X(EqEqual, "==") X(NotEqual, "!=") X(Less, "<") X(LessEqual, "<=") X(Greater, ">") X(GreaterEqual, ">=")             \
  X(PlusEqual, "+=") X(MinusEqual, "-=") X(StarEqual, "*=") X(AtEqual, "@=") X(SlashEqual, "/=")                       \
  X(PercentEqual, "%=") X(AmperEqual, "&=") X(BarEqual, "|=") X(CaretEqual, "^=") X(LeftShiftEqual, "<<=")             \
  X(RightShiftEqual, ">>=") X(DoubleStarEqual, "**=") X(DoubleSlashEqual, "//=") X(Exclaim, "!")

enum class Tok : uint8_t {
  EndOfFile, Newline, Indent, Dedent, Error, // Error: the lexer has already reported it
  Name, Number, String, FStringStart, FStringMiddle, FStringEnd,
#define X(Name, text) Name,
  TSR_PY_KEYWORDS(X) TSR_PY_OPERATORS(X)
#undef X
};
// clang-format on

// "(" or "while"; for the others a phrase, "end of file".
std::string_view spelling(Tok kind);

// Byte offsets into the text, absolute lines, 1-based columns in code points; the end is one past the last.
struct Token {
  Tok kind = Tok::EndOfFile;
  bool startsLine = false; // first token of its physical line
  uint32_t begin = 0, end = 0;
  uint32_t line = 0, column = 0, endLine = 0, endColumn = 0;
};

} // namespace tessera::py
