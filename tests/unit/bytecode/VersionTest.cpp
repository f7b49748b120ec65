// VersionTest.cpp - a writer asked for an older minor drops what is at its default and refuses the rest by name
// SPDX-License-Identifier: Apache-2.0
#include "core/bytecode/Reader.h"
#include "core/bytecode/Text.h"
#include "core/bytecode/Writer.h"

#include <gtest/gtest.h>

using namespace tessera::tbc;

namespace {
// A table of the future: dot came in 0.3, `precision` in 0.5, f8e4b15 in 0.7.
const Versions kFuture = {[](Opcode c) { return c == Opcode::Dot ? 3u : 0u; },
                          [](AttrId a) { return a == AttrId::Precision ? 5u : 0u; },
                          [](Elem e) { return e == Elem::F8E4B15 ? 7u : 0u; }};

Module dotModule(const char *attrs, const char *elem = "f16") {
  std::string text =
      std::string("kernel @mm() {\n"
                  "  %a = constant {float_value = 1} : tensor<4x4x") +
      elem + "> loc(\"k.py\":4:1)\n  %c = constant {float_value = 1} : tensor<4x4xf32>\n  %d = dot %a, %a, %c " +
      attrs + " : tensor<4x4xf32> loc(\"k.py\":5:9)\n  return\n}\n";
  ParseResult p = parse(text);
  EXPECT_TRUE(p) << p.error;
  return *p.module;
}
WriteResult write(const Module &m, uint16_t minor) { return writeModule(m, {.minor = minor, .versions = &kFuture}); }
} // namespace

TEST(Version, NewerAttributeAtItsDefaultIsDropped) {
  WriteResult w = write(dotModule("{precision = 0}"), 4);
  ASSERT_TRUE(w) << w.error;
  ReadResult r = readModule(w.bytes);
  ASSERT_TRUE(r) << r.text();
  EXPECT_EQ(r.module->functions[0].body.ops[2].find(AttrId::Precision), nullptr);
  EXPECT_NE(
      readModule(write(dotModule("{precision = 0}"), 5).bytes).module->functions[0].body.ops[2].find(AttrId::Precision),
      nullptr);
}

TEST(Version, NewerAttributeWithAValueIsAnError) {
  WriteResult w = write(dotModule("{precision = ieee}"), 4);
  EXPECT_FALSE(w);
  EXPECT_TRUE(w.bytes.empty());
  for (const char *part : {"`dot`", "k.py:5:9", "`mm`", "`precision`", "0.5", "0.4"})
    EXPECT_NE(w.error.find(part), std::string::npos) << part << " in " << w.error;
}

TEST(Version, NewerOpIsAnError) {
  WriteResult w = write(dotModule(""), 2);
  for (const char *part : {"opcode `dot`", "0.3", "0.2"})
    EXPECT_NE(w.error.find(part), std::string::npos) << part << " in " << w.error;
}

TEST(Version, NewerElementTypeIsAnError) {
  WriteResult w = write(dotModule("", "f8e4b15"), 6);
  for (const char *part : {"`constant`", "k.py:4:1", "f8e4b15", "0.7", "0.6"})
    EXPECT_NE(w.error.find(part), std::string::npos) << part << " in " << w.error;
  EXPECT_TRUE(write(dotModule("", "f8e4b15"), 7));
}
