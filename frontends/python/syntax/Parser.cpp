// Parser.cpp - entry points, errors, recovery
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/syntax/Parser.h"
#include "frontends/python/syntax/AstWalk.h"
#include "frontends/python/syntax/ParserImpl.h"

#include <algorithm>

namespace tessera::py {

Token ParserImpl::endToken() const {
  Token t;
  if (!tokens_.empty())
    t = tokens_.back();
  t.kind = Tok::EndOfFile;
  return t;
}

SourcePlace ParserImpl::placeOfSpan(const Span &s) const {
  SourcePlace p = lex_.place(Token{});
  p.line = s.line;
  p.column = s.column;
  p.endLine = s.endLine;
  p.endColumn = s.endColumn;
  return p;
}

void ParserImpl::report(const Span &at, std::string message, std::string help, DiagId id) {
  if (speculative_)
    throw Failure{};
  if (!out_.all().empty()) { // a second message about one place says nothing new
    const Diagnostic &last = out_.all().back();
    if (last.severity == Severity::Error && last.place.line == at.line && last.place.column == at.column)
      return;
  }
  out_.add(id, placeOfSpan(at), std::move(message), std::move(help));
}

void ParserImpl::noteSuspect() {
  const Token &t = peek();
  if (suspectAt_ != SIZE_MAX || speculative_ || lex_.openBrackets().empty() || !t.startsLine ||
      t.column > statementColumn_)
    return;
  suspectAt_ = pos_;
  suspectBracket_ = lex_.openBrackets().back().token;
}

void ParserImpl::failAtSuspect() {
  if (suspectAt_ == SIZE_MAX || speculative_)
    return;
  pos_ = suspectAt_;
  suspectAt_ = SIZE_MAX;
  restart_ = true;
  Diagnostic &d = out_.add(DiagId::SyntaxError, lex_.place(suspectBracket_),
                           "'" + std::string(spelling(suspectBracket_.kind)) + "' was never closed");
  d.notes.push_back({lex_.place(peek()), "the next statement seems to begin here"});
  throw Failure{};
}

void ParserImpl::fail(const Span &at, std::string message, std::string help, DiagId id) {
  failAtSuspect();
  report(at, std::move(message), std::move(help), id);
  throw Failure{};
}

void ParserImpl::tooDeep() { fail(peek(), "this is nested too deeply", "give names to parts of it"); }

std::string ParserImpl::describe(const Token &t) const {
  switch (t.kind) {
  case Tok::EndOfFile:
    return "the end of the file";
  case Tok::Newline:
    return "the end of the line";
  case Tok::Indent:
    return "a deeper indentation";
  case Tok::Dedent:
    return "the end of the block";
  case Tok::Name:
  case Tok::Number: {
    std::string_view text = textOf(t);
    return "'" + std::string(text.substr(0, 40)) + (text.size() > 40 ? "…'" : "'");
  }
  case Tok::String:
    return "a string";
  case Tok::FStringStart:
    return "an f-string";
  case Tok::FStringMiddle:
    return "text";
  case Tok::FStringEnd:
    return "the end of the f-string";
  default:
    return "'" + std::string(spelling(t.kind)) + "'";
  }
}

// "expected X, found Y", or what lies behind it: a bracket that was never closed, a mistake that people make often.
void ParserImpl::unexpected(std::string_view expected) {
  const Token t = peek();
  if (t.kind == Tok::Error) // the lexer has said why
    throw Failure{};
  failAtSuspect();
  if (!lex_.openBrackets().empty() && t.startsLine && t.column <= statementColumn_ && !speculative_) {
    const Lexer::OpenBracket &b = lex_.openBrackets().back();
    Diagnostic &d =
        out_.add(DiagId::SyntaxError, lex_.place(b.token), std::string("'") + b.what + "' was never closed");
    d.notes.push_back({lex_.place(t), "the next statement seems to begin here"});
    restart_ = true;
    throw Failure{};
  }
  fail(t, "expected " + std::string(expected) + ", found " + describe(t));
}

Token ParserImpl::expect(Tok k, std::string_view where) {
  if (!is(k))
    unexpected("'" + std::string(spelling(k)) + "' " + std::string(where));
  return advance();
}

void ParserImpl::expectClosing(Tok closer, const Token &opener, std::string_view inside) {
  if (is(closer)) {
    advance();
    return;
  }
  const Token t = peek();
  if (t.kind != Tok::Error)
    failAtSuspect();
  std::string close(spelling(closer));
  bool beginsOperand = t.kind == Tok::Name || t.kind == Tok::Number || t.kind == Tok::String ||
                       t.kind == Tok::FStringStart || t.kind == Tok::LParen || t.kind == Tok::LBracket ||
                       t.kind == Tok::LBrace;
  bool likelyUnclosed = !lex_.openBrackets().empty() && t.startsLine && t.column <= statementColumn_;
  if (t.kind == Tok::Error || speculative_ || likelyUnclosed)
    unexpected("'" + close + "'");
  std::string message =
      beginsOperand ? "expected ',' or '" + close + "' before " + describe(t)
                    : "expected '" + close + "' at the end of " + std::string(inside) + ", found " + describe(t);
  Diagnostic &d = out_.add(DiagId::SyntaxError, lex_.place(t), message);
  if (beginsOperand)
    d.help = "is a comma or an operator missing?";
  if (t.kind == Tok::Equal)
    d.help = "to compare, write '=='";
  if (opener.line != t.line)
    d.notes.push_back({lex_.place(opener), "'" + std::string(spelling(opener.kind)) + "' was opened here"});
  throw Failure{};
}

void ParserImpl::expectColon(std::string_view after) {
  if (accept(Tok::Colon))
    return;
  const Token t = peek();
  if (t.kind == Tok::Error)
    throw Failure{};
  if (t.kind == Tok::Equal)
    fail(t, "'=' assigns and cannot stand in a condition", "to compare, write '=='");
  std::string message = "missing ':' after " + std::string(after);
  if (t.kind == Tok::Newline && tokens_.size() && pos_ > 0) {
    report({lastEnd_.line, lastEnd_.column, lastEnd_.line, lastEnd_.column + 1}, message,
           "put ':' here; the block follows on the next lines, indented");
    return; // the block is read as if the colon were there
  }
  if (t.kind == Tok::ColonEqual)
    fail(t, "':=' cannot stand here", "put the assignment in parentheses");
  if (!lex_.openBrackets().empty() && t.startsLine)
    unexpected("':'");
  fail(t, message + ", found " + describe(t));
}

Identifier ParserImpl::expectName(std::string_view role) {
  if (is(Tok::Name))
    return intern(advance());
  const Token t = peek();
  if (t.kind >= Tok::KwFalse && t.kind <= Tok::KwYield)
    fail(t, "'" + std::string(spelling(t.kind)) + "' is a keyword and cannot be " + std::string(role));
  unexpected(role);
}

// Whether enough errors were told: then nothing more is read.
bool ParserImpl::isEnough() {
  if (out_.errorCount() - errorsBefore_ < kMaxErrors)
    return false;
  isStopped_ = true;
  tokens_.resize(pos_ < tokens_.size() ? pos_ : tokens_.size());
  return true;
}

// After a failed statement: to its end, and over the block that belonged to it, which is still read for more errors.
void ParserImpl::recover() {
  if (isEnough())
    return;
  if (restart_) {
    restart_ = false;
    Token t = peek();
    tokens_.resize(pos_);
    lex_.restartAtLine(t);
    return;
  }
  lex_.setQuietAboutBrackets(true);
  // What no token can be made of is an error, too, and an open bracket makes one statement of all that follows.
  while (!isEnough() && !is(Tok::Newline) && !is(Tok::EndOfFile) && !is(Tok::Dedent) && !is(Tok::Indent))
    advance();
  lex_.setQuietAboutBrackets(false);
  accept(Tok::Newline);
  if (accept(Tok::Indent)) {
    InLoops loops(*this, loops_ + 1); // the statement that owned the block may have been a loop
    std::vector<Stmt *> dropped;
    statements(dropped);
    accept(Tok::Dedent);
  }
}

void ParserImpl::statementInto(std::vector<Stmt *> &list) {
  if (pos_ > 4096) {
    tokens_.erase(tokens_.begin(), tokens_.begin() + static_cast<ptrdiff_t>(pos_));
    pos_ = 0;
  }
  uint32_t outerColumn = statementColumn_;
  suspectAt_ = SIZE_MAX;
  unsigned depth = depth_;
  uint32_t before = peek().begin;
  Tok first = kind();
  try {
    if (is(Tok::Indent)) {
      report({peek().line, 1, peek().line, peek().column}, "this line is indented, but no block begins before it",
             "align it with the line above, or is a ':' missing there?", DiagId::BadIndent);
      advance();
      statements(list);
      accept(Tok::Dedent);
    } else {
      statementColumn_ = peek().column;
      if (Stmt *s = compoundStatement())
        list.push_back(s);
      else
        simpleStatements(list);
    }
  } catch (const Failure &) {
    depth_ = depth;
    speculative_ = 0;
    recover();
    if (!isStopped_ && peek().begin == before && kind() == first && !is(Tok::EndOfFile) && !is(Tok::Dedent))
      advance(); // always some progress
  }
  statementColumn_ = outerColumn;
}

// To the end of the block or file; the Dedent stays.
void ParserImpl::statements(std::vector<Stmt *> &list) {
  while (!is(Tok::EndOfFile) && !is(Tok::Dedent))
    statementInto(list);
}

void ParserImpl::dropTooHigh(std::vector<Stmt *> &list) {
  if (!hasLongChain_)
    return;
  std::erase_if(list, [&](Stmt *s) {
    const Node *culprit = findDeeperThan(s, kMaxHeight);
    if (culprit)
      out_.add(DiagId::SyntaxError, placeOfSpan(culprit->span),
               "this is nested too deeply, or is one chain of too many operators", "give names to parts of it");
    return culprit != nullptr;
  });
}

Module *ParserImpl::module() {
  std::vector<Stmt *> list;
  while (!is(Tok::EndOfFile)) {
    statements(list);
    while (is(Tok::Dedent))
      advance();
  }
  dropTooHigh(list);
  Module *m = arena_.make<Module>();
  m->body = arena_.copy(list);
  return m;
}

Expr *ParserImpl::soleExpression() {
  try {
    Expr *e = yieldOrStarExpressions();
    accept(Tok::Newline);
    if (!is(Tok::EndOfFile))
      unexpected("the end of the expression");
    if (hasLongChain_ && findDeeperThan(e, kMaxHeight))
      fail(e->span, "this expression is nested too deeply, or is one chain of too many operators");
    return e;
  } catch (const Failure &) {
    return nullptr;
  }
}

Module *parseModule(const std::shared_ptr<const SourceFile> &file, Arena &arena, DiagnosticList &out) {
  return ParserImpl(file, arena, out, false).module();
}

FunctionDef *parseFunction(const std::shared_ptr<const SourceFile> &file, Arena &arena, DiagnosticList &out) {
  size_t errors = out.errorCount();
  Module *m = ParserImpl(file, arena, out, true).module();
  if (out.errorCount() != errors)
    return nullptr;
  for (Stmt *s : m->body)
    if (auto *f = dyn<FunctionDef>(s))
      return f;
  out.add(DiagId::SyntaxError, {file, file->firstLine, 1, file->firstLine, 0}, "there is no function in this source");
  return nullptr;
}

Expr *parseExpression(const std::shared_ptr<const SourceFile> &file, Arena &arena, DiagnosticList &out) {
  size_t errors = out.errorCount();
  Expr *e = ParserImpl(file, arena, out, true).soleExpression();
  return out.errorCount() == errors ? e : nullptr;
}

} // namespace tessera::py
