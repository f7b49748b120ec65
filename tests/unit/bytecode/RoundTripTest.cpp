// RoundTripTest.cpp - module -> bytes -> module, and module -> text -> module, lose nothing
// SPDX-License-Identifier: Apache-2.0
#include "core/bytecode/Reader.h"
#include "core/bytecode/Text.h"
#include "core/bytecode/Verifier.h"
#include "core/bytecode/Writer.h"
#include "tests/lib/EveryOp.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>

using namespace tessera;
using namespace tessera::tbc;

namespace {
void eachOp(const Region &r, const std::function<void(const Op &)> &f) {
  for (const Op &o : r.ops) {
    f(o);
    for (const Region &inner : o.regions)
      eachOp(inner, f);
  }
}

Module throughBytes(const Module &m) {
  WriteResult w = writeModule(m);
  EXPECT_EQ(w.error, "");
  ReadResult r = readModule(w.bytes);
  EXPECT_TRUE(r) << r.text();
  return r ? *r.module : Module();
}
} // namespace

TEST(RoundTrip, SamplesAreValidAndHoldEveryOp) {
  std::set<Opcode> seen;
  for (const Module &m : {samples::everyTileOp(), samples::everyLayoutOp()}) {
    EXPECT_EQ(verifyErrorText(m, verifyModule(m)), "");
    for (const Function &f : m.functions)
      eachOp(f.body, [&](const Op &o) { seen.insert(o.code); });
  }
  for (unsigned n = 0; n < 1024; ++n)
    if (const OpInfo *info = opInfo(static_cast<Opcode>(n))) {
      EXPECT_TRUE(seen.count(info->code)) << info->name;
    }
}

TEST(RoundTrip, BytesKeepEverything) {
  for (const Module &m : {samples::everyTileOp(), samples::everyLayoutOp()}) {
    Module again = throughBytes(m);
    EXPECT_EQ(print(m), print(again));
    EXPECT_EQ(writeModule(m).bytes, writeModule(again).bytes);
    EXPECT_EQ(verifyErrorText(again, verifyModule(again)), "");
  }
}

TEST(RoundTrip, TextKeepsEverything) {
  for (const Module &m : {samples::everyTileOp(), samples::everyLayoutOp()}) {
    ParseResult again = parse(print(m));
    ASSERT_TRUE(again) << again.error;
    EXPECT_EQ(print(m), print(*again.module));
    EXPECT_EQ(writeModule(m).bytes, writeModule(*again.module).bytes);
  }
}

TEST(RoundTrip, InlinedCallersKeepTheirChain) {
  Module m = throughBytes(samples::everyTileOp());
  LocId id = m.functions[0].body.ops[1].loc;
  ASSERT_LT(id, m.locs.size());
  EXPECT_EQ(m.locs[id].line, 4u);
  id = m.locs[id].caller;
  ASSERT_LT(id, m.locs.size());
  EXPECT_EQ(m.locs[id].line, 9u);
  id = m.locs[id].caller;
  ASSERT_LT(id, m.locs.size());
  EXPECT_EQ(m.files[m.locs[id].file], "m.py");
  EXPECT_EQ(m.locs[id].caller, kNone);
}

TEST(RoundTrip, ParametersKeepTheirFacts) {
  Module m = throughBytes(samples::everyTileOp());
  const auto &p = m.functions[0].params;
  ASSERT_EQ(p.size(), 3u);
  EXPECT_EQ(p[0].name, "f");
  EXPECT_EQ(p[0].divisibility, 16);
  EXPECT_TRUE(p[0].readOnly);
  EXPECT_TRUE(p[1].isUnsigned);
  EXPECT_FALSE(p[2].isUnsigned);
  EXPECT_EQ(m.option("num_warps"), 4);
}

TEST(RoundTrip, LocationsCanBeLeftOut) {
  Module m = samples::everyTileOp();
  WriteResult with = writeModule(m), without = writeModule(m, {.locations = false});
  EXPECT_LT(without.bytes.size(), with.bytes.size());
  ReadResult r = readModule(without.bytes);
  ASSERT_TRUE(r) << r.text();
  EXPECT_EQ(print(m, {.locations = false}), print(*r.module));
}

TEST(RoundTrip, FloatBitsSurvive) {
  for (uint64_t bits : {0x0000000000000000ull, 0x8000000000000000ull, 0x7ff8000000000001ull, 0xfff0000000000000ull,
                        0x0000000000000001ull, 0x3fb999999999999aull}) {
    ParseResult p = parse("kernel @f() { %0 = constant {float_value = 1} : f64 return }");
    ASSERT_TRUE(p) << p.error;
    p.module->functions[0].body.ops[0].attrs[0].value = std::bit_cast<double>(bits);
    Module again = throughBytes(*p.module);
    EXPECT_EQ(std::bit_cast<uint64_t>(again.functions[0].body.ops[0].floatAttr(AttrId::FloatValue)), bits);
    ParseResult text = parse(print(*p.module));
    ASSERT_TRUE(text) << text.error;
    EXPECT_EQ(std::bit_cast<uint64_t>(text.module->functions[0].body.ops[0].floatAttr(AttrId::FloatValue)), bits);
  }
}
