// FunctionSourceTest.cpp - trees of functions that live in a host: places, the cache, threads
// SPDX-License-Identifier: Apache-2.0
#include "frontends/compiler/FunctionSource.h"

#include <gtest/gtest.h>

#include <thread>

namespace tessera::compiler {
namespace {

tsc_str view(const std::string &s) { return {s.data(), s.size()}; }

struct Source {
  std::string name = "f", file = "m.py", text, key;
  uint32_t firstLine = 1, column = 0;
  std::shared_ptr<const FunctionSource> parse(DiagnosticList &out) const {
    tsc_host_function f{};
    f.name = view(name);
    f.file = view(file);
    f.text = view(text);
    f.key = view(key);
    f.first_line = firstLine;
    f.column_offset = column;
    return functionSource(f, out);
  }
};

TEST(FunctionSource, LinesAndColumnsAreTheFiles) {
  DiagnosticList out;
  Source s{.text = "@triton.jit\ndef f(x):\n\n    return x\n", .key = {}, .firstLine = 20, .column = 4};
  auto parsed = s.parse(out);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->def->nameSpan.line, 21u);
  EXPECT_EQ(parsed->def->nameSpan.column, 9u);
  EXPECT_EQ(parsed->file->line(21), "    def f(x):");
  EXPECT_EQ(parsed->file->line(22), "");
  EXPECT_EQ(parsed->def->body.front()->span.line, 23u);
  EXPECT_EQ(parsed->def->body.front()->span.column, 9u);
}

TEST(FunctionSource, OneTreeForAKey) {
  DiagnosticList out;
  Source s{.text = "def f(x):\n    return x\n", .key = "OneTreeForAKey"};
  auto first = s.parse(out), second = s.parse(out);
  EXPECT_EQ(first, second);
  Source moved = s;
  moved.firstLine = 2;
  EXPECT_NE(moved.parse(out), first);
  Source changed = s;
  changed.text = "def f(y):\n    return y\n";
  auto other = changed.parse(out);
  ASSERT_TRUE(other);
  EXPECT_NE(other, first);
  EXPECT_EQ(other->def->args->args.front().name, "y");
  EXPECT_EQ(first->def->args->args.front().name, "x") << "who holds a tree keeps it";
  Source keyless{.text = s.text, .key = {}};
  EXPECT_EQ(keyless.parse(out), keyless.parse(out)) << "the text is the key where there is none";
  EXPECT_FALSE(out.hasErrors());
}

TEST(FunctionSource, ErrorsAreNotKept) {
  Source s{.text = "def f(x):\n    return (\n", .key = "ErrorsAreNotKept", .firstLine = 5};
  for (int i = 0; i < 2; ++i) {
    DiagnosticList out;
    EXPECT_FALSE(s.parse(out));
    ASSERT_TRUE(out.hasErrors());
    EXPECT_EQ(out.all().front().place.line, 6u);
  }
  DiagnosticList out;
  Source empty{.text = "", .key = {}};
  EXPECT_FALSE(empty.parse(out));
  EXPECT_TRUE(out.hasErrors());
}

TEST(FunctionSource, MoreThanFits) {
  DiagnosticList out;
  Source kept{.text = "def f(x):\n    return x\n", .key = "MoreThanFits"};
  auto first = kept.parse(out);
  for (int i = 0; i < 1500; ++i) {
    Source s{.text = "def f():\n    return " + std::to_string(i) + "\n", .key = {}};
    ASSERT_TRUE(s.parse(out));
    if (i == 700)
      EXPECT_EQ(kept.parse(out), first) << "used, so not the oldest";
  }
  Source gone{.text = "def f():\n    return 0\n", .key = {}};
  EXPECT_TRUE(gone.parse(out));
  EXPECT_EQ(kept.parse(out), first);
}

TEST(FunctionSource, FromManyThreads) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([] {
      for (int i = 0; i < 200; ++i) {
        DiagnosticList out;
        Source s{.text = "def f(x):\n    return x + " + std::to_string(i % 7) + "\n",
                 .key = "key" + std::to_string(i % 7)};
        auto parsed = s.parse(out);
        ASSERT_TRUE(parsed);
        EXPECT_EQ(parsed->def->name, "f");
      }
    });
  for (std::thread &t : threads)
    t.join();
}

} // namespace
} // namespace tessera::compiler
