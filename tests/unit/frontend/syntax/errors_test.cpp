// errors_test.cpp - what the parser says of broken programs, and where
// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/frontend/syntax/parse.h"

#include <gtest/gtest.h>

using namespace tessera;
using namespace tessera::py;

namespace {
struct Row {
  const char *text, *error;
};

TEST(SyntaxErrors, OnePlaceOneMessage) {
  const Row rows[] = {
      {"if x\n    y = 1\n", "1:5 missing ':' after the condition of 'if'"},
      {"while True print(1)\n", "1:12 missing ':' after the condition of 'while', found 'print'"},
      {"for i in range(3)\n  pass\n", "1:18 missing ':' after the sequence of 'for'"},
      {"if x = 3:\n  pass\n", "1:6 '=' assigns and cannot stand in a condition"},
      {"if x:\n  pass\nelse if y:\n  pass\n", "3:6 Python writes 'elif', not 'else if'"},
      {"def f():\nx = 1\n", "2:1 expected an indented block after 'def' on line 1"},
      {"x = 1\n  y = 2\n", "2:1 this line is indented, but no block begins before it"},
      {"if x:\n    a\n  b\n", "3:3 this line is indented by 2, which matches no block around it"},
      {"f(x) = 3\n", "1:1 cannot assign to a function call"},
      {"x + 1 = 3\n", "1:1 cannot assign to an expression"},
      {"None = 3\n", "1:1 cannot assign to None"},
      {"del f()\n", "1:5 cannot delete a function call"},
      {"a, b += 1\n", "1:1 '+=' cannot assign to a tuple"},
      {"f(a=1, 2)\n", "1:8 a positional argument follows a keyword argument"},
      {"f(**k, *a)\n", "1:8 '*' arguments come before '**' arguments"},
      {"def f(a=1, b): pass\n", "1:12 parameter 'b' without a default follows one with a default"},
      {"def f(*): pass\n", "1:7 a named parameter must follow a bare '*'"},
      {"class = 1\n", "1:7 expected the name of a class, found '='"},
      {"x = for\n", "1:5 expected an expression, found the keyword 'for'"},
      {"x.if\n", "1:3 'if' is a keyword and cannot be an attribute"},
      {"x = a if b\n", "1:7 this conditional expression has no 'else'"},
      {"x = 5 y\n", "1:7 expected the end of the statement before 'y'"},
      {"x = [1, 2 3]\n", "1:11 expected ',' or ']' before '3'"},
      {"x = (a, b]\n", "1:10 ']' does not close '('"},
      {"x = 1)\n", "1:6 ')' closes nothing"},
      {"a && b\n", "1:4 Python has no operator '&&'"},
      {"x = !y\n", "1:5 Python has no operator '!'"},
      {"i++\n", "1:3 Python has no operator '++'"},
      {"print 'x'\n", "1:7 'print' is a function: its arguments need parentheses"},
      {"s = 'abc\n", "1:5 this string is not closed before the end of its line"},
      {"s = '''abc\n", "1:5 this triple-quoted string is not closed before the end of the file"},
      {"s = 'a\\xg1'\n", "1:7 \\x needs 2 hexadecimal digits"},
      {"s = b'\xc3\xa9'\n", "1:7 bytes hold only ASCII characters literally; write \\x and two digits"},
      {"s = 'a' b'c'\n", "1:9 bytes and text literals cannot be joined"},
      {"f'{x'\n", "1:1 a '{' of this f-string is not closed"},
      {"f'a}b'\n", "1:4 a single '}' in an f-string closes nothing"},
      {"f'{}'\n", "1:4 an f-string field needs an expression before '}'"},
      {"x = 012\n", "1:5 a decimal number has no leading zeros"},
      {"x = 1_000_\n", "1:5 an underscore in a number must stand between two digits"},
      {"x = 0xg\n", "1:5 this hexadecimal number is malformed"},
      {"x = 3abc\n", "1:5 this number ends in letters"},
      {"x = \xe2\x80\x9cq\n", "1:5 the character '\xe2\x80\x9c' (U+201C) cannot stand here"},
      {"\xc3\xa9 = $\n", "1:5 the character '$' (U+0024) cannot stand here"}, // columns count characters
      {"x = '\xc3\xa9' $\n", "1:9 the character '$' (U+0024) cannot stand here"},
      {"try:\n  pass\nx = 1\n", "3:1 the 'try' of line 1 has no 'except' and no 'finally'"},
      {"except A, B:\n  pass\n", "1:1 'except' belongs to no 'try' here"},
      {"match x:\n  pass\n", "2:3 expected 'case', found 'pass'"},
      {"x = yield = 1\n", "1:5 cannot assign to a yield expression"},
      {"import a.\n", "1:10 expected the name of a module after '.', found the end of the line"},
      {"import a from b\n", "1:10 'import … from …' is not Python"},
      {"break\n", "1:1 'break' outside loop"},
      {"def f():\n    if x:\n        continue\n", "3:9 'continue' not properly in loop"},
      {"for i in x:\n  break\nelse:\n  break\n", "4:3 'break' outside loop"},
      {"while x:\n  def f():\n    continue\n  continue\n", "3:5 'continue' not properly in loop"},
      {"for i in x:\n  class c:\n    break\n", "3:5 'break' outside loop"},
      {"for i in x:\n  y = = 2\n  try: continue\n  finally: break\n", "2:7 expected an expression, found '='"},
      {"for i in = x:\n  break\n", "1:10 expected an expression, found '='"},
      {"\xff\xfei\xe9 = (\nx = \xff [\n", "1:1 this byte is not valid UTF-8"}, // only the first
      {"x = 1\ny = 'caf\xe9'\n", "2:9 this byte is not valid UTF-8"},
      {"\xc3\xa9 = 1  # caf\xe9 \xff\ny = '\xff'\n", "1:13 this byte is not valid UTF-8"}, // only the first
      {"def f():\n  # \xa9\n  pass\n", "2:5 this byte is not valid UTF-8"},
      {"x = f'{y}\xed\xa0\x80'\n", "1:10 this byte is not valid UTF-8"}, // a surrogate
      {"x = \"\"\"a\r\n\n \xc3\"\"\"\n", "3:2 this byte is not valid UTF-8"},
      {"x \\ y\n", "1:3 a '\\' joins two lines only as the last character of its line"},
  };
  for (const Row &r : rows) {
    auto errors = Parsed(r.text).errors();
    ASSERT_FALSE(errors.empty()) << r.text;
    EXPECT_EQ(errors[0], r.error) << r.text;
    EXPECT_EQ(errors.size(), 1u) << r.text << (errors.size() > 1 ? errors[1] : "");
  }
}

TEST(SyntaxErrors, PlacesAfterTooDeepBlocksAreOnTheirLine) {
  for (const char *name : {"x", "\xc3\xa9"}) {
    std::string text;
    for (size_t i = 0; i < 150; ++i)
      text += std::string(i, ' ') + "if " + name + ":\n";
    Parsed p(text + std::string(150, ' ') + "pass\n");
    ASSERT_FALSE(p.errors().empty());
    for (const Diagnostic &d : p.diags.all())
      EXPECT_LE(d.place.column, p.file->line(d.place.line).size() + 1) << d.message;
  }
}

TEST(SyntaxErrors, WhatIsNoTextIsToldOnce) {
  size_t told = 0;
  for (const std::string &e : Parsed("y = f(1,\n  2\nz = \xff\nw = \xff\n").errors())
    told += e.find("UTF-8") != std::string::npos;
  EXPECT_EQ(told, 1u);
  EXPECT_EQ(Parsed(std::string("x = 1\ni\0m\0p\0(\0\n", 16)).errors(),
            std::vector<std::string>{"2:2 a zero byte cannot stand in source text"});
}

TEST(SyntaxErrors, ForgottenBracketIsFoundAtItsOpening) {
  for (const char *text : {"def k(x):\n    y = tl.load(x +\n        1\n    z = y\n    return z\n",
                           "y = f(1,\n      2\nz = 3\n", "y = (1 + 2\ndef g():\n    pass\n", "y = [1,\n",
                           "y = f(a\nfor i in range(3):\n    pass\n", "y = f(a\nif b:\n    c\nelse:\n    d\n"}) {
    Parsed p(text);
    auto errors = p.errors();
    ASSERT_EQ(errors.size(), 1u) << text;
    EXPECT_NE(errors[0].find("was never closed"), std::string::npos) << errors[0];
  }
  Parsed p("a = 1\nb = foo(a\nc = 3\nd = 4\n");
  Module *m = p.module();
  ASSERT_EQ(p.diags.all().size(), 1u);
  EXPECT_EQ(p.diags.all()[0].place.line, 2u);
  EXPECT_EQ(p.diags.all()[0].place.column, 8u);
  ASSERT_EQ(p.diags.all()[0].notes.size(), 1u);
  EXPECT_EQ(p.diags.all()[0].notes[0].place.line, 3u);
  EXPECT_EQ(m->body.size(), 3u); // a, c, d
}

TEST(SyntaxErrors, OddLineBreaksAreLegal) {
  EXPECT_TRUE(Parsed("x = [\n    a\nfor a in b\nif a\n]\ny = (a\nif b\nelse c)\n").errors().empty());
}

TEST(SyntaxErrors, SeveralInOneRun) {
  auto errors =
      Parsed("x = = 1\ndef f(:\n    y = 1 2\n    return 3\nz = [\n  1 1]\nok = 1\nwhile x\n    q = ]\n").errors();
  std::vector<std::string> lines;
  for (auto &e : errors)
    lines.push_back(e.substr(0, e.find(':')));
  EXPECT_EQ(lines, (std::vector<std::string>{"1", "2", "6", "8", "9"}));
}

TEST(SyntaxErrors, AreBoundedInNumber) {
  std::string text;
  for (int i = 0; i < 1000; ++i)
    text += "x = = 1\n";
  EXPECT_LE(Parsed(text).errors().size(), 30u);
}

// A file of something else: an open bracket, and no end of what no token can be made of.
TEST(SyntaxErrors, OneStatementHasNoMoreErrorsThanAFile) {
  std::string text = "module {\n";
  for (int i = 0; i < 500; ++i)
    text += "  %" + std::to_string(i) + " = tile.load : (!tile.ptr<32x!f>)\n";
  size_t errors = Parsed(text + "}\n").errors().size();
  EXPECT_GE(errors, 2u);
  EXPECT_LE(errors, 30u);
}

TEST(SyntaxErrors, DeepNestingIsAnErrorNotACrash) {
  auto repeat = [](const std::string &s, int n) {
    std::string out;
    for (int i = 0; i < n; ++i)
      out += s;
    return out;
  };
  std::string blocks;
  for (int i = 0; i < 300; ++i)
    blocks += std::string(static_cast<size_t>(i), ' ') + "if x:\n";
  for (const std::string &text :
       {repeat("(", 100000), repeat("[", 1000) + repeat("]", 1000), "x = " + repeat("-", 100000) + "1\n",
        "x = " + repeat("not ", 100000) + "1\n", "x" + repeat(".a", 100000) + "\n",
        "x = 1" + repeat(" + 1", 100000) + "\n", "x = " + repeat("2 ** ", 10000) + "2\n",
        "x = " + repeat("lambda: ", 10000) + "1\n", "x = " + repeat("1 if 1 else ", 10000) + "1\n", repeat("f'{", 500),
        "if x:\n  pass\n" + repeat("elif y:\n  pass\n", 5000), blocks, repeat("a[", 300), repeat("{1:", 300),
        "match x:\n case " + repeat("[", 300) + "\n"}) {
    Parsed p(text);
    EXPECT_FALSE(p.errors().empty()) << text.substr(0, 40);
  }
  // Long but flat programs are fine.
  std::string list = "x = [" + repeat("1, ", 100000) + "]\n";
  EXPECT_TRUE(Parsed(list).errors().empty());
  EXPECT_TRUE(Parsed("x = a" + repeat(" and a", 5000) + "\n").errors().empty());
  EXPECT_TRUE(Parsed("x = 1" + repeat(" + 1", 1000) + "\n").errors().empty());
}
} // namespace
