// conformance_cases.cpp - every kernel of the kit is well-formed, survives bytecode, and has a name of its own
// SPDX-License-Identifier: Apache-2.0
#include "plugins/conformance/Case.h"

#include "core/bytecode/Reader.h"
#include "core/bytecode/Verifier.h"
#include "core/bytecode/Writer.h"
#include "core/interpreter/Numerics.h"

#include <gtest/gtest.h>
#include <set>

using namespace tessera;
using namespace tessera::conformance;

namespace {

TEST(Cases, AreWellFormedAndSurviveBytecode) {
  std::set<std::string> names;
  for (const Case &c : allCases()) {
    EXPECT_TRUE(names.insert(c.name).second) << c.name;
    auto errors = tbc::verifyModule(c.module);
    EXPECT_TRUE(errors.empty()) << c.name << ": " << tbc::verifyErrorText(c.module, errors);
    tbc::WriteResult bytes = tbc::writeModule(c.module);
    ASSERT_TRUE(bytes) << c.name << ": " << bytes.error;
    tbc::ReadResult again = tbc::readModule(bytes.bytes);
    ASSERT_TRUE(again) << c.name << ": " << again.text();
  }
  EXPECT_GT(names.size(), 400u);
}

// The table of ops is the list of what must be covered: a new op without a case fails here.
TEST(Cases, CoverEveryTileOp) {
  std::set<uint16_t> seen;
  auto visit = [&](auto &self, const tbc::Region &r) -> void {
    for (const tbc::Op &op : r.ops) {
      seen.insert(static_cast<uint16_t>(op.code));
      for (const tbc::Region &inner : op.regions)
        self(self, inner);
    }
  };
  for (const Case &c : allCases())
    for (const tbc::Function &f : c.module.functions)
      visit(visit, f.body);
  std::string missing;
  // Not testable here: poison has no value, print has no result,
  // and text or libraries of one target mean nothing to the others.
  const std::set<std::string> exempt = {"poison", "print", "inline_asm", "extern_elementwise"};
#define TSR_OP(number, Name, text, since, minOperands, maxOperands, results, regions, attributes, summary)             \
  if (number < 256 && !seen.count(number) && !exempt.count(text))                                                      \
    missing += std::string(text) + " ";
#include "core/bytecode/Ops.def"
  EXPECT_EQ(missing, "");
}

// What the exact comparison of products rests on: sums of products of these are whole numbers (of 64ths) that f32 holds.
TEST(Cases, SmallFloatsAreWholeNumbers) {
  for (tbc::Elem e : {tbc::Elem::F8E5M2, tbc::Elem::F8E4M3FN, tbc::Elem::F8E4M3FNUZ, tbc::Elem::F8E5M2FNUZ,
                      tbc::Elem::F8E4B15, tbc::Elem::F16, tbc::Elem::BF16, tbc::Elem::F32, tbc::Elem::F64}) {
    const double unit = e == tbc::Elem::F8E4B15 ? 0.125 : 1;
    std::vector<uint8_t> bytes = makeBytes(e, 512, Fill::Small, 3);
    std::set<double> seen;
    for (size_t i = 0; i < 512; ++i)
      seen.insert(scalar::decodeFloat(e, loadBits(&bytes[i * bytes.size() / 512], e)) / unit);
    std::set<double> want;
    for (int v = -8; v <= 8; ++v)
      want.insert(v);
    EXPECT_EQ(seen, want) << typeName(e);
  }
}

TEST(Cases, InputsAreTheSameEveryTime) {
  std::vector<Case> a = allCases(), b = allCases();
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i)
    for (size_t j = 0; j < a[i].buffers.size(); ++j)
      ASSERT_EQ(a[i].buffers[j].bytes, b[i].buffers[j].bytes) << a[i].name;
}

} // namespace
