// parser_test.cpp - places, names, literals, functions cut out of a file, syntax newer than the installed Python
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/syntax/AstWalk.h"
#include "frontends/python/syntax/BigInt.h"
#include "tests/unit/frontend/syntax/parse.h"

#include <algorithm>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>

using namespace tessera;
using namespace tessera::py;

namespace {
std::string spanText(const Span &s) {
  return std::to_string(s.line) + ":" + std::to_string(s.column) + "-" + std::to_string(s.endLine) + ":" +
         std::to_string(s.endColumn);
}

std::string readFile(const std::string &name) {
  std::ifstream in(std::string(TESSERA_SOURCE_DIR "/tests/unit/frontend/syntax/") + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(Parser, SyntaxNewerThanTheInstalledPython) {
  Parsed p(readFile("newer.py"));
  Module *m = p.module();
  ASSERT_FALSE(p.diags.hasErrors()) << renderDiagnostic(p.diags.all()[0], false);
  std::string want = readFile("newer.expected");
  ASSERT_FALSE(want.empty());
  while (want.ends_with('\n'))
    want.pop_back();
  std::replace(want.begin(), want.end(), '\n', ' ');
  EXPECT_EQ(dump(*m), want);
}

TEST(Parser, PlacesAreAbsoluteAndInCharacters) {
  Parsed p("é = 'ü' + foo(a,\n        b)[0].x\n", 10);
  Module *m = p.module();
  ASSERT_EQ(m->body.size(), 1u);
  auto *a = as<Assign>(m->body[0]);
  EXPECT_EQ(spanText(a->span), "10:1-11:16");
  auto *sum = as<BinOp>(a->value);
  EXPECT_EQ(spanText(sum->span), "10:5-11:16");
  EXPECT_EQ(spanText(sum->left->span), "10:5-10:8");
  auto *attribute = as<Attribute>(sum->right);
  EXPECT_EQ(spanText(attribute->span), "10:11-11:16");
  EXPECT_EQ(spanText(attribute->attrSpan), "11:15-11:16");
  auto *call = as<Call>(as<Subscript>(attribute->value)->value);
  EXPECT_EQ(spanText(call->span), "10:11-11:11");
  EXPECT_EQ(spanText(call->args[1]->span), "11:9-11:10");
}

TEST(Parser, ParenthesesCountForTheNodesAroundThem) {
  Parsed p("(a + b) * c\n(x, y)\n");
  Module *m = p.module();
  auto *product = as<BinOp>(as<ExprStmt>(m->body[0])->value);
  EXPECT_EQ(spanText(product->span), "1:1-1:12");
  EXPECT_EQ(spanText(product->left->span), "1:2-1:7");
  EXPECT_EQ(spanText(as<ExprStmt>(m->body[1])->value->span), "2:1-2:7");
}

TEST(Parser, NamesAreInterned) {
  Parsed p("foo = bar\nbar = foo.bar\n");
  Module *m = p.module();
  auto *first = as<Assign>(m->body[0]), *second = as<Assign>(m->body[1]);
  EXPECT_EQ(as<Name>(first->value)->id.data(), as<Name>(second->targets[0])->id.data());
  EXPECT_EQ(as<Attribute>(second->value)->attr.data(), as<Name>(first->value)->id.data());
}

TEST(Parser, FunctionCutOutOfAClass) {
  Parsed p(
      "    @triton.jit\n    def kernel(x,\n               y):\n        # comment\n        return x\n\n    # trailing\n",
      40);
  FunctionDef *f = parseFunction(p.file, p.arena, p.diags);
  ASSERT_TRUE(f);
  EXPECT_EQ(f->name, "kernel");
  EXPECT_EQ(spanText(f->span), "41:5-44:17");
  EXPECT_EQ(f->decorators.size(), 1u);
  EXPECT_EQ(f->source, "def kernel(x,\n               y):\n        # comment\n        return x");
  EXPECT_EQ(as<Return>(f->body[0])->span.line, 44u);
}

TEST(Parser, FunctionIsMissing) {
  Parsed p("x = 1\n");
  EXPECT_EQ(parseFunction(p.file, p.arena, p.diags), nullptr);
  EXPECT_TRUE(p.diags.hasErrors());
}

TEST(Parser, Expression) {
  Parsed p("  1 + 2, x\n");
  Expr *e = parseExpression(p.file, p.arena, p.diags);
  ASSERT_TRUE(e);
  EXPECT_EQ(e->kind, NodeKind::Tuple);
  Parsed bad("1 + ");
  EXPECT_EQ(parseExpression(bad.file, bad.arena, bad.diags), nullptr);
}

TEST(Parser, IntegersOfAnySize) {
  Parsed p("a = 0xFFFF_FFFF_FFFF_FFFF\nb = 18446744073709551616\nc = 0\n");
  Module *m = p.module();
  auto *a = as<Constant>(as<Assign>(m->body[0])->value), *b = as<Constant>(as<Assign>(m->body[1])->value),
       *c = as<Constant>(as<Assign>(m->body[2])->value);
  EXPECT_TRUE(a->fitsU64());
  EXPECT_EQ(a->asU64(), UINT64_MAX);
  EXPECT_FALSE(b->fitsU64());
  EXPECT_EQ(BigInt::fromLimbs(b->limbs).toString(), "18446744073709551616");
  EXPECT_EQ(c->asU64(), 0u);
}

TEST(Parser, LineEndsOfEveryKind) {
  Parsed unix_("x = 1\ny = '''a\nb'''\n"), dos("x = 1\r\ny = '''a\r\nb'''\r\n"), none("x = 1\ny = '''a\nb'''");
  std::string want = dump(*unix_.module());
  EXPECT_EQ(dump(*dos.module()), want);
  EXPECT_EQ(dump(*none.module()), want);
  EXPECT_EQ(dump(*Parsed("\xEF\xBB\xBFx = 1\n").module()), dump(*Parsed("x = 1\n").module()));
}

TEST(Parser, WalkVisitsEveryChild) {
  Parsed p("@d\ndef f(a: A = 1, *b, c=2, **e) -> R:\n    with x as y: pass\n    return [i for i in z if i] + {**k, 1: "
           "g(*s, q=w)}[lo:hi:st]\n");
  Module *m = p.module();
  ASSERT_FALSE(p.diags.hasErrors());
  std::string names;
  std::function<void(const Node *)> visit = [&](const Node *n) {
    if (auto *name = dyn<Name>(n))
      names += std::string(name->id) + " ";
    forEachChild(n, visit);
  };
  visit(m->body[0]);
  EXPECT_EQ(names, "d A R x y i i z i k g s w lo hi st ");
}

TEST(BigInt, DivisionRoundsDown) {
  // Knuth's add-back case and neighbours, signs in all combinations: a == q * b + r, r has b's sign, |r| < |b|.
  for (const char *x :
       {"0", "1", "4294967295", "4294967296", "18446744073709551615", "340282366920938463463374607431768211455",
        "170141183460469231731687303715884105728", "79228162514264337593543950335"})
    for (const char *y : {"1", "3", "4294967295", "4294967296", "4294967297", "18446744069414584321",
                          "9223372036854775808", "79228162495817593519834398720"})
      for (int signs = 0; signs < 4; ++signs) {
        BigInt a = *BigInt::parse(x, 10), b = *BigInt::parse(y, 10), q, r;
        a = signs & 1 ? -a : a;
        b = signs & 2 ? -b : b;
        BigInt::floorDivMod(a, b, q, r);
        EXPECT_EQ((q * b + r).toString(), a.toString());
        EXPECT_TRUE(r.isZero() || r.isNegative() == b.isNegative());
        EXPECT_LT(r.isNegative() ? -r : r, b.isNegative() ? -b : b);
      }
}

TEST(BigInt, ConversionsRoundToNearest) {
  EXPECT_EQ(BigInt(1).shiftLeft(53).toDouble(), 9007199254740992.0);
  EXPECT_EQ((BigInt(1).shiftLeft(100) + BigInt(1)).toDouble(), 0x1p100);
  EXPECT_EQ((BigInt(1).shiftLeft(100) + BigInt(1).shiftLeft(47)).toDouble(), 0x1p100); // a tie: to even
  EXPECT_EQ((BigInt(1).shiftLeft(100) + BigInt(1).shiftLeft(47) + BigInt(1)).toDouble(), 0x1.0000000000001p100);
  EXPECT_EQ(BigInt::fromDouble(-1e25)->toString(), "-10000000000000000905969664");
  EXPECT_EQ(BigInt(INT64_MIN).toI64(), INT64_MIN);
  EXPECT_FALSE((BigInt(INT64_MIN) - BigInt(1)).toI64());
  EXPECT_EQ(BigInt(-1).wrapU64(), UINT64_MAX);
}
} // namespace
