// ParseExpr.cpp - operators, calls, subscripts, targets
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/syntax/ParserImpl.h"

namespace tessera::py {

namespace {
struct BinaryRow {
  int precedence = 0; // 0: not a binary operator
  BinOpKind op{};
};
BinaryRow binaryRow(Tok k) {
  switch (k) {
  case Tok::Bar:
    return {1, BinOpKind::BitOr};
  case Tok::Caret:
    return {2, BinOpKind::BitXor};
  case Tok::Amper:
    return {3, BinOpKind::BitAnd};
  case Tok::LeftShift:
    return {4, BinOpKind::LShift};
  case Tok::RightShift:
    return {4, BinOpKind::RShift};
  case Tok::Plus:
    return {5, BinOpKind::Add};
  case Tok::Minus:
    return {5, BinOpKind::Sub};
  case Tok::Star:
    return {6, BinOpKind::Mult};
  case Tok::Slash:
    return {6, BinOpKind::Div};
  case Tok::DoubleSlash:
    return {6, BinOpKind::FloorDiv};
  case Tok::Percent:
    return {6, BinOpKind::Mod};
  case Tok::At:
    return {6, BinOpKind::MatMult};
  default:
    return {};
  }
}
} // namespace

std::string_view describeExpr(const Expr *e) {
  switch (e->kind) {
  case NodeKind::Call:
    return "a function call";
  case NodeKind::Constant:
    switch (as<Constant>(e)->what) {
    case ConstantKind::None:
      return "None";
    case ConstantKind::True:
      return "True";
    case ConstantKind::False:
      return "False";
    case ConstantKind::Ellipsis:
      return "'...'";
    default:
      return "a literal";
    }
  case NodeKind::JoinedStr:
    return "an f-string";
  case NodeKind::BoolOp:
  case NodeKind::BinOp:
  case NodeKind::UnaryOp:
    return "an expression";
  case NodeKind::Compare:
    return "a comparison";
  case NodeKind::Lambda:
    return "a lambda";
  case NodeKind::IfExp:
    return "a conditional expression";
  case NodeKind::Dict:
    return "a dict";
  case NodeKind::Set:
    return "a set";
  case NodeKind::ListComp:
  case NodeKind::SetComp:
  case NodeKind::DictComp:
    return "a comprehension";
  case NodeKind::GeneratorExp:
    return "a generator expression";
  case NodeKind::Await:
    return "an await expression";
  case NodeKind::Yield:
  case NodeKind::YieldFrom:
    return "a yield expression";
  case NodeKind::NamedExpr:
    return "a ':=' expression";
  case NodeKind::Tuple:
    return "a tuple";
  case NodeKind::List:
    return "a list";
  default:
    return "this expression";
  }
}

void ParserImpl::setContext(Expr *e, ExprContext ctx) {
  switch (e->kind) {
  case NodeKind::Name:
    as<Name>(e)->ctx = ctx;
    return;
  case NodeKind::Attribute:
    as<Attribute>(e)->ctx = ctx;
    return;
  case NodeKind::Subscript:
    as<Subscript>(e)->ctx = ctx;
    return;
  case NodeKind::Starred:
    if (ctx == ExprContext::Del)
      fail(e->span, "a starred expression cannot be deleted");
    as<Starred>(e)->ctx = ctx;
    setContext(as<Starred>(e)->value, ctx);
    return;
  case NodeKind::List:
    as<List>(e)->ctx = ctx;
    for (Expr *x : as<List>(e)->elts)
      setContext(x, ctx);
    return;
  case NodeKind::Tuple:
    as<Tuple>(e)->ctx = ctx;
    for (Expr *x : as<Tuple>(e)->elts)
      setContext(x, ctx);
    return;
  default: {
    std::string what(describeExpr(e));
    if (ctx == ExprContext::Del)
      fail(e->span, "cannot delete " + what);
    bool likesEquals = e->kind == NodeKind::Call || e->kind == NodeKind::BinOp || e->kind == NodeKind::Compare;
    fail(e->span, "cannot assign to " + what, likesEquals ? "to compare, write '=='" : "");
  }
  }
}

Expr *ParserImpl::starExpressions() {
  Start s = here();
  Expr *first = starExpression();
  if (!is(Tok::Comma))
    return first;
  Scratch<Expr *> list(exprs_);
  list.add(first);
  while (accept(Tok::Comma)) {
    switch (kind()) { // what cannot begin an expression ends the list after its last comma
    case Tok::Newline:
    case Tok::Equal:
    case Tok::RParen:
    case Tok::RBracket:
    case Tok::RBrace:
    case Tok::Semicolon:
    case Tok::Colon:
    case Tok::EndOfFile:
    case Tok::Exclaim:
    case Tok::KwIn:
      break;
    default:
      if (kind() >= Tok::PlusEqual && kind() <= Tok::DoubleSlashEqual)
        break;
      list.add(starExpression());
      continue;
    }
    break;
  }
  auto elts = list.take(arena_);
  Tuple *t = node<Tuple>(s);
  t->elts = elts;
  return t;
}

Expr *ParserImpl::starExpression() {
  if (!is(Tok::Star))
    return expression();
  Start s = here();
  advance();
  Expr *value = bitOr();
  Starred *n = node<Starred>(s);
  n->value = value;
  return n;
}

Expr *ParserImpl::starNamedExpression() { return is(Tok::Star) ? starExpression() : namedExpression(); }

Expr *ParserImpl::namedExpression() {
  if (is(Tok::Name) && kind(1) == Tok::ColonEqual) {
    Start s = here();
    Token t = advance();
    Name *target = node<Name>(s);
    target->id = intern(t);
    target->ctx = ExprContext::Store;
    advance();
    Expr *value = expression();
    NamedExpr *n = node<NamedExpr>(s);
    n->target = target;
    n->value = value;
    return n;
  }
  Expr *e = expression();
  if (is(Tok::ColonEqual))
    fail(peek(), "':=' assigns to a plain name only, not to " + std::string(describeExpr(e)));
  return e;
}

Expr *ParserImpl::expression() {
  Nest nest(*this);
  if (is(Tok::KwLambda))
    return lambda();
  Start s = here();
  Expr *body = disjunction();
  if (!is(Tok::KwIf))
    return body;
  noteSuspect();
  Token word = advance();
  Expr *test = disjunction();
  if (!is(Tok::KwElse))
    fail(word, "this conditional expression has no 'else'", "write: value if condition else other");
  advance();
  Expr *orelse = expression();
  IfExp *n = node<IfExp>(s);
  n->test = test;
  n->body = body;
  n->orelse = orelse;
  return n;
}

Expr *ParserImpl::disjunction() {
  Start s = here();
  Expr *first = conjunction();
  if (!is(Tok::KwOr))
    return first;
  Scratch<Expr *> values(exprs_);
  values.add(first);
  while (accept(Tok::KwOr))
    values.add(conjunction());
  BoolOp *n = node<BoolOp>(s);
  n->op = BoolOpKind::Or;
  n->values = values.take(arena_);
  return n;
}

Expr *ParserImpl::conjunction() {
  Start s = here();
  Expr *first = inversion();
  if (!is(Tok::KwAnd))
    return first;
  Scratch<Expr *> values(exprs_);
  values.add(first);
  while (accept(Tok::KwAnd))
    values.add(inversion());
  BoolOp *n = node<BoolOp>(s);
  n->op = BoolOpKind::And;
  n->values = values.take(arena_);
  return n;
}

Expr *ParserImpl::inversion() {
  if (!is(Tok::KwNot))
    return comparison();
  Nest nest(*this);
  Start s = here();
  advance();
  Expr *operand = inversion();
  UnaryOp *n = node<UnaryOp>(s);
  n->op = UnaryOpKind::Not;
  n->operand = operand;
  return n;
}

Expr *ParserImpl::comparison() {
  Start s = here();
  Expr *left = bitOr();
  Scratch<CmpOpKind> ops(cmpOps_);
  Scratch<Expr *> rest(exprs_);
  for (;;) {
    CmpOpKind op;
    switch (kind()) {
    case Tok::EqEqual:
      op = CmpOpKind::Eq;
      break;
    case Tok::NotEqual:
      op = CmpOpKind::NotEq;
      break;
    case Tok::Less:
      op = CmpOpKind::Lt;
      break;
    case Tok::LessEqual:
      op = CmpOpKind::LtE;
      break;
    case Tok::Greater:
      op = CmpOpKind::Gt;
      break;
    case Tok::GreaterEqual:
      op = CmpOpKind::GtE;
      break;
    case Tok::KwIn:
      op = CmpOpKind::In;
      break;
    case Tok::KwIs:
      op = kind(1) == Tok::KwNot ? CmpOpKind::IsNot : CmpOpKind::Is;
      break;
    case Tok::KwNot:
      if (kind(1) == Tok::KwIn) {
        op = CmpOpKind::NotIn;
        break;
      }
      [[fallthrough]];
    default: {
      if (rest.size() == 0)
        return left;
      Compare *n = node<Compare>(s);
      n->left = left;
      n->ops = ops.take(arena_);
      n->comparators = rest.take(arena_);
      return n;
    }
    }
    advance();
    if (op == CmpOpKind::IsNot || op == CmpOpKind::NotIn)
      advance();
    ops.add(op);
    rest.add(bitOr());
  }
}

Expr *ParserImpl::binary(int minimum) {
  Start s = here();
  Expr *left = unary();
  for (unsigned length = 0;; ++length) {
    BinaryRow row = binaryRow(kind());
    if (row.precedence < minimum)
      return left;
    hasLongChain_ |= length > kLongChain;
    advance();
    Expr *right = binary(row.precedence + 1);
    BinOp *n = node<BinOp>(s);
    n->op = row.op;
    n->left = left;
    n->right = right;
    left = n;
  }
}

Expr *ParserImpl::unary() {
  UnaryOpKind op;
  switch (kind()) {
  case Tok::Plus:
    op = UnaryOpKind::UAdd;
    break;
  case Tok::Minus:
    op = UnaryOpKind::USub;
    break;
  case Tok::Tilde:
    op = UnaryOpKind::Invert;
    break;
  default:
    return power();
  }
  Nest nest(*this);
  Start s = here();
  advance();
  Expr *operand = unary();
  UnaryOp *n = node<UnaryOp>(s);
  n->op = op;
  n->operand = operand;
  return n;
}

Expr *ParserImpl::power() {
  Start s = here();
  Expr *left;
  if (is(Tok::KwAwait)) {
    advance();
    Expr *value = primary();
    Await *a = node<Await>(s);
    a->value = value;
    left = a;
  } else {
    left = primary();
  }
  if (!is(Tok::DoubleStar))
    return left;
  Nest nest(*this);
  advance();
  Expr *right = unary();
  BinOp *n = node<BinOp>(s);
  n->op = BinOpKind::Pow;
  n->left = left;
  n->right = right;
  return n;
}

Expr *ParserImpl::primary() {
  Start s = here();
  return trailers(s, atom());
}

Expr *ParserImpl::trailers(Start s, Expr *e) {
  for (unsigned length = 0;; ++length) {
    hasLongChain_ |= length > kLongChain;
    switch (kind()) {
    case Tok::Dot: {
      advance();
      if (!is(Tok::Name)) {
        if (kind() >= Tok::KwFalse && kind() <= Tok::KwYield)
          fail(peek(), "'" + std::string(spelling(kind())) + "' is a keyword and cannot be an attribute");
        unexpected("the name of an attribute after '.'");
      }
      Token t = advance();
      Attribute *n = node<Attribute>(s);
      n->value = e;
      n->attr = intern(t);
      n->attrSpan = {t.line, t.column, t.endLine, t.endColumn};
      e = n;
      break;
    }
    case Tok::LParen:
      e = callTrailer(s, e);
      break;
    case Tok::LBracket:
      e = subscriptTrailer(s, e);
      break;
    default:
      return e;
    }
  }
}

Expr *ParserImpl::callTrailer(Start s, Expr *func) {
  Token opener = advance();
  Scratch<Expr *> args(exprs_);
  Scratch<Keyword> keywords(keywords_);
  callArguments(opener, args, keywords);
  Call *n = node<Call>(s);
  n->func = func;
  n->args = args.take(arena_);
  n->keywords = keywords.take(arena_);
  return n;
}

// From behind '(' to behind ')'.
void ParserImpl::callArguments(const Token &opener, Scratch<Expr *> &args, Scratch<Keyword> &keywords) {
  bool hasDoubleStar = false;
  while (!is(Tok::RParen)) {
    Start s = here();
    Span at{s.line, s.column, s.line, s.column + 1};
    if (accept(Tok::DoubleStar)) {
      Expr *value = expression();
      keywords.add({{}, value, from(s)});
      hasDoubleStar = true;
    } else if (is(Tok::Star)) {
      if (hasDoubleStar)
        fail(at, "'*' arguments come before '**' arguments");
      advance();
      Expr *value = expression();
      Starred *n = node<Starred>(s);
      n->value = value;
      args.add(n);
    } else if (is(Tok::Name) && kind(1) == Tok::Equal) {
      Token name = advance();
      advance();
      if (is(Tok::Comma) || is(Tok::RParen))
        fail(peek(), "the keyword argument '" + std::string(textOf(name)) + "' has no value");
      Expr *value = expression();
      if (atComprehension())
        fail(value->span, "a generator expression as a keyword argument needs its own parentheses");
      keywords.add({intern(name), value, from(s)});
    } else {
      if ((is(Tok::KwTrue) || is(Tok::KwFalse) || is(Tok::KwNone)) && kind(1) == Tok::Equal)
        fail(peek(), "'" + std::string(spelling(kind())) + "' is a keyword and cannot name an argument");
      Expr *value = namedExpression();
      if (atComprehension()) {
        std::span<Comprehension> g = generators();
        bool sole =
            args.size() == 0 && keywords.size() == 0 && (is(Tok::RParen) || (is(Tok::Comma) && kind(1) == Tok::RParen));
        if (!sole || is(Tok::Comma))
          fail(from(s), "a generator expression needs its own parentheses unless it is the only argument");
        expectClosing(Tok::RParen, opener, "the arguments of this call");
        GeneratorExp *n = node<GeneratorExp>({opener.line, opener.column});
        n->elt = value;
        n->generators = g;
        args.add(n);
        return;
      }
      if (is(Tok::Equal))
        fail(value->span, "a keyword argument is a plain name, not " + std::string(describeExpr(value)),
             "to compare, write '=='");
      if (keywords.size())
        fail(value->span,
             hasDoubleStar ? "a positional argument follows '**' arguments"
                           : "a positional argument follows a keyword argument",
             "put positional arguments first, or give this one a name");
      args.add(value);
    }
    if (!accept(Tok::Comma))
      break;
  }
  expectClosing(Tok::RParen, opener, "the arguments of this call");
}

Expr *ParserImpl::subscriptTrailer(Start s, Expr *value) {
  Token opener = advance();
  if (is(Tok::RBracket))
    fail(peek(), "a subscript needs an index between '[' and ']'");
  Start sliceStart = here();
  auto one = [&] { return is(Tok::Star) ? starExpression() : slice(); };
  bool isStarred = is(Tok::Star);
  Expr *index = one();
  if (is(Tok::Comma) || isStarred) {
    Scratch<Expr *> list(exprs_);
    list.add(index);
    while (accept(Tok::Comma) && !is(Tok::RBracket))
      list.add(one());
    Tuple *t = node<Tuple>(sliceStart);
    t->elts = list.take(arena_);
    index = t;
  }
  expectClosing(Tok::RBracket, opener, "this subscript");
  Subscript *n = node<Subscript>(s);
  n->value = value;
  n->slice = index;
  return n;
}

Expr *ParserImpl::slice() {
  Start s = here();
  Expr *lower = nullptr;
  if (!is(Tok::Colon)) {
    lower = namedExpression();
    if (!is(Tok::Colon))
      return lower;
  }
  advance();
  auto bound = [&]() -> Expr * {
    return is(Tok::Colon) || is(Tok::Comma) || is(Tok::RBracket) ? nullptr : expression();
  };
  Expr *upper = bound(), *step = nullptr;
  if (accept(Tok::Colon))
    step = bound();
  Slice *n = node<Slice>(s);
  n->lower = lower;
  n->upper = upper;
  n->step = step;
  return n;
}

Expr *ParserImpl::lambda() {
  Start s = here();
  advance();
  Arguments *args = arguments(Tok::Colon, false);
  if (!is(Tok::Colon))
    unexpected("':' after the parameters of 'lambda'");
  advance();
  Expr *body = expression();
  Lambda *n = node<Lambda>(s);
  n->args = args;
  n->body = body;
  return n;
}

Expr *ParserImpl::yieldExpression() {
  Start s = here();
  advance();
  if (accept(Tok::KwFrom)) {
    Expr *value = expression();
    YieldFrom *n = node<YieldFrom>(s);
    n->value = value;
    return n;
  }
  Expr *value = nullptr;
  switch (kind()) {
  case Tok::Newline:
  case Tok::RParen:
  case Tok::RBracket:
  case Tok::RBrace:
  case Tok::Equal:
  case Tok::Semicolon:
  case Tok::EndOfFile:
  case Tok::Exclaim:
  case Tok::Colon:
    break;
  default:
    value = starExpressions();
  }
  Yield *n = node<Yield>(s);
  n->value = value;
  return n;
}

std::span<Comprehension> ParserImpl::generators() {
  Scratch<Comprehension> list(comprehensions_);
  noteSuspect();
  while (atComprehension()) {
    Comprehension c;
    c.isAsync = accept(Tok::KwAsync);
    advance();
    c.target = starTargets();
    if (!is(Tok::KwIn))
      unexpected("'in' after the variables of 'for'");
    advance();
    c.iter = disjunction();
    Scratch<Expr *> ifs(exprs_);
    while (accept(Tok::KwIf))
      ifs.add(disjunction());
    c.ifs = ifs.take(arena_);
    list.add(c);
  }
  return list.take(arena_);
}

Expr *ParserImpl::starTargets() {
  Start s = here();
  auto one = [&]() -> Expr * { return is(Tok::Star) ? starExpression() : bitOr(); };
  Expr *first = one();
  if (is(Tok::Comma)) {
    Scratch<Expr *> list(exprs_);
    list.add(first);
    while (accept(Tok::Comma) && !is(Tok::KwIn) && !is(Tok::Equal) && !is(Tok::RParen))
      list.add(one());
    Tuple *t = node<Tuple>(s);
    t->elts = list.take(arena_);
    first = t;
  }
  setContext(first, ExprContext::Store);
  return first;
}

} // namespace tessera::py
