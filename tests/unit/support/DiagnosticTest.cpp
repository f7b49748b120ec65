// DiagnosticTest.cpp - rendering of messages, excerpts, carets, JSON; the catalogue; nearest names
// SPDX-License-Identifier: Apache-2.0
#include "core/support/Diagnostic.h"

#include <gtest/gtest.h>
#include <set>

using namespace tessera;

static std::shared_ptr<SourceFile> file(std::string text, uint32_t firstLine = 1) {
  auto f = std::make_shared<SourceFile>();
  f->name = "k.py";
  f->text = std::move(text);
  f->firstLine = firstLine;
  return f;
}

TEST(Diagnostic, CaretStandsUnderThePlace) {
  DiagnosticList list;
  list.add(DiagId::UnknownName, {file("a = 1\nb = foo + 1\n"), 2, 5, 2, 8}, "name 'foo' is not defined", "define it");
  EXPECT_EQ(renderDiagnostic(list.all()[0], false), "k.py:2:5: error[E0202]: name 'foo' is not defined\n"
                                                    " 2 | b = foo + 1\n"
                                                    "   |     ^~~\n"
                                                    "  help: define it\n");
}

TEST(Diagnostic, TabsAndMultibyteCharactersKeepTheCaretAligned) {
  Diagnostic d;
  d.id = DiagId::SyntaxError;
  d.place = {file("\té = 1\n"), 1, 4, 1, 5};
  d.message = "m";
  EXPECT_NE(renderDiagnostic(d, false).find("   | \t  ^\n"), std::string::npos);
}

TEST(Diagnostic, LinesCountFromTheFirstLineOfTheExcerpt) {
  auto f = file("x\ny\n", 10);
  EXPECT_EQ(f->line(11), "y");
  EXPECT_EQ(f->line(9), "");
  EXPECT_EQ(f->line(13), "");
}

TEST(Diagnostic, JsonEscapes) {
  Diagnostic d;
  d.message = "a \"b\"\n\x01";
  EXPECT_NE(renderDiagnosticJson(d).find("\"message\":\"a \\\"b\\\"\\n\\u0001\""), std::string::npos);
}

TEST(Diagnostic, IdsAreUnique) {
  std::set<std::string> seen;
#define TSR_DIAG(Name, id, severity, help) EXPECT_TRUE(seen.insert(id).second) << id;
#include "core/support/Diagnostics.def"
}

TEST(Diagnostic, NearestName) {
  EXPECT_EQ(nearestName("sotfmax", {"softmax", "sum", "max"}), "softmax");
  EXPECT_EQ(nearestName("completely_else", {"softmax", "sum"}), "");
}

TEST(Diagnostic, WarningsAreNoErrors) {
  DiagnosticList list;
  list.add(DiagId::Deprecated, {}, "old");
  EXPECT_FALSE(list.hasErrors());
  list.add(DiagId::InternalError, {}, "bug");
  EXPECT_TRUE(list.hasErrors());
}
