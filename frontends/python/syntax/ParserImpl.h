// ParserImpl.h - the recursive-descent parser; inside frontends/python/syntax only
//
// SPDX-License-Identifier: Apache-2.0
//
// A syntax error is reported where it is found and leaves the statement by a C++ exception, Failure, which never leaves
// the parser: statementInto catches it and goes on with the next statement.
#pragma once

#include "frontends/python/syntax/Lexer.h"
#include "frontends/python/syntax/Parser.h"
#include "frontends/python/syntax/Unicode.h"

#include <string>
#include <vector>

namespace tessera::py {

class ParserImpl {
public:
  ParserImpl(const std::shared_ptr<const SourceFile> &file, Arena &arena, DiagnosticList &out, bool indentedStart)
      : arena_(arena), out_(out), lex_(file, out, indentedStart), errorsBefore_(out.errorCount()) {}

  Module *module();
  Expr *soleExpression();

private:
  struct Failure {};
  struct Start { // where a node begins
    uint32_t line, column;
  };
  class Nest { // bounds the recursion
  public:
    explicit Nest(ParserImpl &p) : p_(p) {
      if (++p_.depth_ > kMaxDepth) {
        --p_.depth_;
        p_.tooDeep();
      }
    }
    ~Nest() { --p_.depth_; }

  private:
    ParserImpl &p_;
  };
  class InLoops { // how many loops are around the statements of a block; a Failure may leave it
  public:
    InLoops(ParserImpl &p, unsigned loops) : p_(p), before_(p.loops_) { p.loops_ = loops; }
    ~InLoops() { p_.loops_ = before_; }

  private:
    ParserImpl &p_;
    unsigned before_;
  };
  // A list under construction on a shared stack; what is not taken is dropped.
  template <class T> class Scratch {
  public:
    explicit Scratch(std::vector<T> &stack) : stack_(stack), mark_(stack.size()) {}
    ~Scratch() { stack_.resize(mark_); }
    void add(T v) { stack_.push_back(v); }
    size_t size() const { return stack_.size() - mark_; }
    T &operator[](size_t i) { return stack_[mark_ + i]; }
    std::span<T> take(Arena &a) { return a.copy(stack_.data() + mark_, size()); }

  private:
    std::vector<T> &stack_;
    size_t mark_;
  };

  static constexpr unsigned kMaxDepth = 400, kLongChain = 200, kMaxHeight = 1500;
  static constexpr size_t kMaxErrors = 25;

  // Tokens
  const Token &peek(size_t ahead = 0) {
    while (pos_ + ahead >= tokens_.size())
      tokens_.push_back(isStopped_ ? endToken() : lex_.next());
    return tokens_[pos_ + ahead];
  }
  Token endToken() const;
  Tok kind(size_t ahead = 0) { return peek(ahead).kind; }
  bool is(Tok k) { return peek().kind == k; }
  Token advance() {
    Token t = peek();
    ++pos_;
    if (t.kind > Tok::Error) {
      lastEnd_ = {t.endLine, t.endColumn};
      lastEndByte_ = t.end;
    }
    return t;
  }
  bool accept(Tok k) {
    if (!is(k))
      return false;
    advance();
    return true;
  }
  Token expect(Tok k, std::string_view where);
  void expectClosing(Tok closer, const Token &opener, std::string_view inside);
  void expectColon(std::string_view after);
  Identifier expectName(std::string_view role);
  Identifier intern(const Token &t) { return intern(textOf(t)); }
  // In normal form: names that look the same are the same.
  Identifier intern(std::string_view name) {
    for (char c : name)
      if (static_cast<signed char>(c) < 0)
        return arena_.intern(normalizedName(name));
    return arena_.intern(name);
  }
  std::string_view textOf(const Token &t) const { return lex_.text().substr(t.begin, t.end - t.begin); }
  bool isWord(const Token &t, std::string_view word) const { return t.kind == Tok::Name && textOf(t) == word; }
  Start here() {
    const Token &t = peek();
    return {t.line, t.column};
  }
  Span from(Start s) const { return {s.line, s.column, lastEnd_.line, lastEnd_.column}; }
  template <class T> T *node(Start s) { return arena_.make<T>(from(s)); }

  // Errors
  [[noreturn]] void fail(const Span &at, std::string message, std::string help = {}, DiagId id = DiagId::SyntaxError);
  [[noreturn]] void fail(const Token &at, std::string message, std::string help = {}) {
    fail(Span{at.line, at.column, at.endLine, at.endColumn}, std::move(message), std::move(help));
  }
  void report(const Span &at, std::string message, std::string help = {}, DiagId id = DiagId::SyntaxError);
  [[noreturn]] void unexpected(std::string_view expected);
  [[noreturn]] void tooDeep();
  SourcePlace placeOfSpan(const Span &s) const;
  std::string describe(const Token &t) const;
  bool isEnough();
  void recover();
  // A line that may be a new statement continues an expression in brackets: legal, but if the statement then fails, the
  // bracket was forgotten.
  void noteSuspect();
  void failAtSuspect();

  // Statements
  void statementInto(std::vector<Stmt *> &list);
  void statements(std::vector<Stmt *> &list);
  void simpleStatements(std::vector<Stmt *> &list);
  Stmt *simpleStatement();
  Stmt *compoundStatement(); // null: what follows is a simple statement
  void endOfSimple();
  Seq<Stmt> loopBody(std::string_view owner, uint32_t ownerLine);
  Seq<Stmt> scopeBody(std::string_view owner, uint32_t ownerLine);
  Seq<Stmt> block(std::string_view owner, uint32_t ownerLine);
  Stmt *expressionOrAssignment();
  Stmt *assignment(Start s, Expr *first);
  Stmt *annotated(Start s, Expr *target, bool startsWithParen);
  Stmt *importStatement();
  Stmt *importFrom();
  Alias importAlias(bool dotted);
  Identifier dottedName();
  Stmt *deleteStatement();
  Stmt *typeAlias();
  template <class T> Stmt *nameList(std::string_view what);
  Stmt *ifStatement();
  Stmt *whileStatement();
  Stmt *forStatement(Start s, bool isAsync);
  Stmt *withStatement(Start s, bool isAsync);
  bool withItems(Scratch<WithItem> &items, bool parenthesised);
  WithItem withItem();
  Stmt *tryStatement();
  ExceptHandler exceptHandler(bool isStar);
  Stmt *functionDef(Start s, Seq<Expr> decorators, bool isAsync);
  Stmt *classDef(Start s, Seq<Expr> decorators);
  Stmt *decorated();
  std::span<TypeParam> typeParams();
  Arguments *arguments(Tok closer, bool annotations);
  Stmt *matchStatement(); // null: `match` is a name here
  MatchCase matchCase();
  Seq<Stmt> orElse(std::string_view owner);
  void dropTooHigh(std::vector<Stmt *> &list);

  // Patterns
  Pattern *patterns();
  Pattern *pattern();
  Pattern *orPattern();
  Pattern *closedPattern();
  Pattern *maybeStarPattern();
  Pattern *sequencePattern();
  Pattern *mappingPattern();
  Pattern *namePattern();
  Pattern *classPattern(Start s, Expr *cls);
  Expr *patternNumber();
  Expr *patternDotted();

  // Expressions
  Expr *starExpressions();
  Expr *starExpression();
  Expr *starNamedExpression();
  Expr *namedExpression();
  Expr *expression();
  Expr *disjunction();
  Expr *conjunction();
  Expr *inversion();
  Expr *comparison();
  Expr *bitOr() { return binary(1); }
  Expr *binary(int minimum);
  Expr *unary();
  Expr *power();
  Expr *primary();
  Expr *trailers(Start s, Expr *e);
  Expr *callTrailer(Start s, Expr *func);
  void callArguments(const Token &opener, Scratch<Expr *> &args, Scratch<Keyword> &keywords);
  Expr *subscriptTrailer(Start s, Expr *value);
  Expr *slice();
  Expr *atom();
  Expr *parenAtom();
  Expr *listAtom();
  Expr *braceAtom();
  Expr *lambda();
  Expr *yieldExpression();
  Expr *yieldOrStarExpressions() { return is(Tok::KwYield) ? yieldExpression() : starExpressions(); }
  std::span<Comprehension> generators();
  bool atComprehension() { return is(Tok::KwFor) || (is(Tok::KwAsync) && kind(1) == Tok::KwFor); }
  Expr *starTargets();
  void setContext(Expr *e, ExprContext ctx);
  Expr *number();
  Expr *strings();
  void fstring(std::string &text, Start s, Scratch<Expr *> &values, bool hasU);
  Expr *fstringField(std::string &text, bool isRaw, bool hasU);
  void flushText(std::string &text, Start s, Scratch<Expr *> &values, bool hasU);
  void decodeInto(std::string &out, uint32_t begin, uint32_t end, const Token &t, bool isRaw, bool isBytes,
                  bool isFString);
  Expr *constant(Start s, ConstantKind what);

  Arena &arena_;
  DiagnosticList &out_;
  Lexer lex_;
  std::vector<Token> tokens_;
  size_t pos_ = 0;
  Start lastEnd_{0, 0};
  uint32_t lastEndByte_ = 0;
  size_t errorsBefore_;
  unsigned depth_ = 0, speculative_ = 0, loops_ = 0; // loops_: around the statement, of its function or class
  bool isStopped_ = false, hasLongChain_ = false, restart_ = false;
  uint32_t statementColumn_ = 1;
  size_t suspectAt_ = SIZE_MAX; // place in tokens_, and the bracket that was open there
  Token suspectBracket_;
  std::vector<Expr *> exprs_;
  std::vector<Keyword> keywords_;
  std::vector<CmpOpKind> cmpOps_;
  std::vector<Comprehension> comprehensions_;
  std::vector<Pattern *> patternList_;
  std::vector<WithItem> withItems_;
};

// What an error message calls an expression: "a function call".
std::string_view describeExpr(const Expr *e);

} // namespace tessera::py
