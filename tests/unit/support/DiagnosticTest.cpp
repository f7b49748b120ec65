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

static std::string excerpt(std::string text, uint32_t line, uint32_t column, uint32_t endColumn) {
  Diagnostic d;
  d.id = DiagId::SyntaxError;
  d.place = {file(std::move(text)), line, column, line, endColumn};
  d.message = "m";
  std::string all = renderDiagnostic(d, false);
  return all.substr(all.find('\n') + 1);
}

TEST(Diagnostic, ATerminalObeysNoSource) {
  EXPECT_EQ(excerpt("a\x1b[2J\x7f = x\xc2\x9b\x07\n", 1, 9, 10), " 1 | a␛[2J␡ = x�␇\n   |         ^\n");
  EXPECT_EQ(excerpt("\xe9 = \xff\x80x\n", 1, 6, 7), " 1 | � = �x\n   |      ^\n");    // Latin-1, a stray continuation
  EXPECT_EQ(excerpt("\xed\xa0\x80 \xf5 \xe2\x82", 1, 2, 3), " 1 | � � �\n   |  ^\n"); // a surrogate, a cut character
}

TEST(Diagnostic, WideCharactersTakeTwoColumnsAndMarksNone) {
  EXPECT_EQ(excerpt("x = \"漢字\" + foo\n", 1, 12, 15), " 1 | x = \"漢字\" + foo\n   |              ^~~\n");
  EXPECT_EQ(excerpt("漢字 = 1\n", 1, 1, 3), " 1 | 漢字 = 1\n   | ^~~~\n");
  EXPECT_EQ(excerpt("\t한 = e\u0301; 😀 = x\n", 1, 14, 15), " 1 | \t한 = e\u0301; 😀 = x\n   | \t             ^\n");
  EXPECT_EQ(excerpt("ｆ\u00ad\u200d = x\n", 1, 7, 8), " 1 | ｆ\u00ad\u200d = x\n   |       ^\n");
}

TEST(Diagnostic, OfALongLineThePartAroundTheCaret) {
  std::string line(5000, 'x');
  EXPECT_EQ(excerpt(line, 1, 1, 4), " 1 | " + std::string(180, 'x') + "…\n   | ^~~\n");
  EXPECT_EQ(excerpt(line, 1, 2000, 4000),
            " 1 | …" + std::string(180, 'x') + "…\n   |  " + std::string(80, ' ') + "^" + std::string(99, '~') + "\n");
  EXPECT_EQ(excerpt(line, 1, 5000, 5001),
            " 1 | …" + std::string(180, 'x') + "\n   |  " + std::string(179, ' ') + "^\n");
  EXPECT_EQ(excerpt(line, 1, 5001, 5002),
            " 1 | …" + std::string(180, 'x') + "\n   |  " + std::string(180, ' ') + "^\n"); // its end
}

TEST(Diagnostic, LinesMayEndInEveryWay) {
  auto f = file("a\rb\r\nc\n\nd");
  EXPECT_EQ(f->line(1), "a");
  EXPECT_EQ(f->line(2), "b");
  EXPECT_EQ(f->line(3), "c");
  EXPECT_EQ(f->line(4), "");
  EXPECT_EQ(f->line(5), "d");
  EXPECT_EQ(f->linesUpTo(3, 2), "b\r\nc");
}

TEST(Diagnostic, JsonIsUtf8) {
  Diagnostic d;
  d.message = "caf\xe9 \xc3\xa9 \xf0\x9f\x98\x80 \xf0\x9f";
  EXPECT_NE(renderDiagnosticJson(d).find("\"message\":\"caf� é 😀 ��\""), std::string::npos);
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

TEST(Diagnostic, JsonIsWhole) {
  auto file = std::make_shared<SourceFile>();
  file->name = "k.py";
  file->firstLine = 40;
  file->text = "def f(x):\n    y = x\n    return z\n";
  Diagnostic d;
  d.id = DiagId::UnknownName;
  d.place = {file, 42, 12, 42, 13};
  d.message = "m";
  d.function = "f";
  d.notes.push_back({{file, 41, 5, 41, 6}, "here", "g", true});
  d.notes.push_back({{}, "and"});
  EXPECT_EQ(renderDiagnosticJson(d),
            "{\"id\":\"E0202\",\"severity\":\"error\",\"exception\":\"NameError\",\"message\":\"m\",\"help\":\"\","
            "\"file\":\"k.py\",\"line\":42,\"column\":12,\"end_line\":42,\"end_column\":13,\"function\":\"f\","
            "\"first_line\":40,\"context\":\"def f(x):\\n    y = x\\n    return z\",\"notes\":[{\"kind\":\"call\","
            "\"message\":\"here\",\"file\":\"k.py\",\"line\":41,\"column\":5,\"end_line\":41,\"end_column\":6,"
            "\"function\":\"g\",\"first_line\":40,\"context\":\"def f(x):\\n    y = x\"},{\"kind\":\"note\","
            "\"message\":\"and\",\"file\":\"\",\"line\":0,\"column\":0,\"end_line\":0,\"end_column\":0,"
            "\"function\":\"\",\"first_line\":0,\"context\":\"\"}]}");
  d.exception = "KeyError";
  EXPECT_NE(renderDiagnosticJson(d).find("\"exception\":\"KeyError\""), std::string::npos);
}

TEST(Diagnostic, LinesUpTo) {
  SourceFile file{"f", "a\nb\r\nc\n\nd", 10};
  EXPECT_EQ(file.linesUpTo(10, 12), "a");
  EXPECT_EQ(file.linesUpTo(12, 2), "b\r\nc");
  EXPECT_EQ(file.linesUpTo(14, 3), "c\n\nd");
  EXPECT_EQ(file.linesUpTo(14, 1), "d");
  EXPECT_EQ(file.linesUpTo(9, 3), "");
  EXPECT_EQ(file.linesUpTo(15, 3), "");
}

TEST(Diagnostic, EveryErrorHasAnException) {
#define TSR_DIAG(Name, id, severity, help)                                                                             \
  EXPECT_EQ(diagException(DiagId::Name).empty(),                                                                       \
            Severity::severity != Severity::Error && Severity::severity != Severity::Bug)                              \
      << id;
#include "core/support/Diagnostics.def"
}

TEST(Diagnostic, IdsAreUnique) {
  std::set<std::string> seen;
#define TSR_DIAG(Name, id, severity, help) EXPECT_TRUE(seen.insert(id).second) << id;
#include "core/support/Diagnostics.def"
}

TEST(Diagnostic, NearestName) {
  EXPECT_EQ(nearestName("sotfmax", {"softmax", "sum", "max"}), "softmax");
  EXPECT_EQ(nearestName("stroe", {"static", "store", "sort"}), "store"); // swapped letters are one mistake
  EXPECT_EQ(nearestName("ab", {"ba"}), "");
  EXPECT_EQ(nearestName("erotsa", {"store"}), "");
  EXPECT_EQ(nearestName("completely_else", {"softmax", "sum"}), "");
}

TEST(Diagnostic, WarningsAreNoErrors) {
  DiagnosticList list;
  list.add(DiagId::Deprecated, {}, "old");
  EXPECT_FALSE(list.hasErrors());
  list.add(DiagId::InternalError, {}, "bug");
  EXPECT_TRUE(list.hasErrors());
}
