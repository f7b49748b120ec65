// TextTest.cpp - the text form: errors with their place, names of enumerations, escapes
// SPDX-License-Identifier: Apache-2.0
#include "core/bytecode/Text.h"

#include <gtest/gtest.h>

using namespace tessera::tbc;

TEST(Text, PrintsWhatItReads) {
  const char *text = "kernel @\"f\"(%0: ptr<f32> {name = \"p\", divisibility = 16}, %1: i1 {name = \"c\"}) {\n"
                     "  %2 = constant {value = 3} : i32\n"
                     "  %3 = cmpi %2, %2 {predicate = ult} : i1 loc(\"k.py\":3:5 at \"l.py\":1:2)\n"
                     "  %4 = if %1 : i32 {\n"
                     "    yield %2\n"
                     "  } {\n"
                     "    yield %2\n"
                     "  }\n"
                     "  return\n"
                     "}\n";
  ParseResult p = parse(text);
  ASSERT_TRUE(p) << p.error;
  EXPECT_EQ(print(*p.module), text);
}

TEST(Text, ErrorsHaveTheirPlace) {
  struct {
    const char *text, *error;
  } cases[] = {
      {"kernel @f() {\n  %x = addi %y, %y\n}", "line 2, column 15: %y is not defined above"},
      {"kernel @f() {\n  frobnicate\n}", "`frobnicate` is no op"},
      {"kernel @f(%a: i33) {}", "`i33` is no element type"},
      {"kernel @f(%a: i32) { %b = addi %a, %a {colour = 1} }", "line 1"},
      {"kernel @f(%a: i32) { %b = cmpi %a, %a {predicate = sometimes} }", "no value of `predicate`"},
      {"kernel @f(%a: i32) { %a = addi %a, %a }", "defined twice"},
      {"kernel @f(%a: i32) { %b = extsi %a }", "must be given"},
      {"kernel @f(%a: i32) {", "expected `}`"},
      {"kernel @f() { print {prefix = \"abc", "unterminated"},
      {"what", "expected kernel"},
      {"kernel @f(%a: tensor<4xf32, #0>) {}", "layout #0"},
      {"layout #0 sizes [4] {register = [[1], [4]]}", "layout #0: its bases do not match its dims or leave the tensor"},
  };
  for (auto &c : cases) {
    ParseResult p = parse(c.text);
    EXPECT_FALSE(p) << c.text;
    EXPECT_NE(p.error.find(c.error), std::string::npos) << p.error << " should hold " << c.error;
  }
}

TEST(Text, DeepNestingIsAnErrorNotACrash) {
  std::string text = "kernel @f(%c: i1) {";
  for (int i = 0; i < 100000; ++i)
    text += "if %c {";
  ParseResult p = parse(text);
  EXPECT_FALSE(p);
  EXPECT_NE(p.error.find("too deeply"), std::string::npos);
}
