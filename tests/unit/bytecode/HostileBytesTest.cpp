// HostileBytesTest.cpp - truncated, mutated and crafted bytes give an error with an offset, and never a crash
// SPDX-License-Identifier: Apache-2.0
#include "core/bytecode/Encoding.h"
#include "core/bytecode/Reader.h"
#include "core/bytecode/Verifier.h"
#include "core/bytecode/Writer.h"
#include "tests/lib/EveryOp.h"

#include <gtest/gtest.h>

#include <random>

using namespace tessera;
using namespace tessera::tbc;

namespace {
std::vector<uint8_t> sample() { return writeModule(samples::everyTileOp()).bytes; }

std::string readError(std::span<const uint8_t> bytes) {
  ReadResult r = readModule(bytes);
  return r ? "" : r.error;
}

// A header and sections, by hand.
struct Crafted {
  ByteWriter w;
  Crafted(uint16_t major, uint32_t sections) {
    w.raw(kMagic);
    w.fixed(major, 2);
    w.fixed(0, 2);
    w.fixed(sections, 4);
  }
  Crafted &section(uint16_t id, uint16_t flags, const ByteWriter &payload, uint32_t alignment = 1,
                   uint64_t length = ~0ull) {
    w.fixed(id, 2);
    w.fixed(flags, 2);
    w.fixed(alignment, 4);
    w.fixed(length == ~0ull ? payload.size() : length, 8);
    while (alignment && w.size() % alignment)
      w.u8(0);
    w.raw(payload.bytes());
    return *this;
  }
};
ByteWriter zero() {
  ByteWriter w;
  w.varint(0);
  return w;
}
ByteWriter noFunctions() {
  ByteWriter w;
  w.u8(0);
  w.varint(0);
  return w;
}
} // namespace

TEST(HostileBytes, EveryTruncationIsAnError) {
  auto bytes = sample();
  for (size_t n = 0; n < bytes.size(); ++n) {
    ReadResult r = readModule(std::span(bytes).first(n));
    EXPECT_FALSE(r) << n;
    EXPECT_LE(r.offset, n);
    EXPECT_FALSE(r.error.empty());
  }
}

TEST(HostileBytes, MutationsNeverCrash) {
  auto bytes = sample();
  std::mt19937 rng(1);
  unsigned accepted = 0;
  for (int round = 0; round < 4000; ++round) {
    auto copy = bytes;
    for (unsigned k = 0; k < 1 + rng() % 4; ++k)
      copy[rng() % copy.size()] = static_cast<uint8_t>(rng());
    ReadResult r = readModule(copy);
    if (!r)
      continue;
    ++accepted;
    verifyModule(*r.module);
    WriteResult w = writeModule(*r.module);
    ASSERT_TRUE(w) << w.error;
    ReadResult again = readModule(w.bytes);
    ASSERT_TRUE(again) << again.text();
    EXPECT_EQ(w.bytes, writeModule(*again.module).bytes);
  }
  EXPECT_GT(accepted, 10u);
}

TEST(HostileBytes, HeaderIsChecked) {
  auto bytes = sample();
  auto bad = bytes;
  bad[0] = 'X';
  EXPECT_NE(readError(bad).find("not Tessera bytecode"), std::string::npos);
  bad = bytes;
  bad[4] = 1;
  EXPECT_NE(readError(bad).find("this reader takes major 0"), std::string::npos);
  bad = bytes;
  bad.push_back(0);
  EXPECT_NE(readError(bad).find("bytes after the last section"), std::string::npos);
  EXPECT_NE(readError({}).find("not Tessera bytecode"), std::string::npos);
}

TEST(HostileBytes, UnknownSections) {
  ByteWriter junk;
  junk.text("whatever");
  Crafted skippable(0, 4);
  skippable.section(77, kSkippable, junk, 64).section(2, 0, zero()).section(6, 0, zero()).section(7, 0, noFunctions());
  EXPECT_EQ(readError(skippable.w.bytes()), "");
  Crafted required(0, 4);
  required.section(77, 0, junk).section(2, 0, zero()).section(6, 0, zero()).section(7, 0, noFunctions());
  EXPECT_NE(readError(required.w.bytes()).find("unknown section 77"), std::string::npos);
}

TEST(HostileBytes, SectionRules) {
  Crafted twice(0, 2);
  twice.section(2, 0, zero()).section(2, 0, zero());
  EXPECT_NE(readError(twice.w.bytes()).find("twice"), std::string::npos);
  Crafted missing(0, 2);
  missing.section(2, 0, zero()).section(6, 0, zero());
  EXPECT_NE(readError(missing.w.bytes()).find("functions is missing"), std::string::npos);
  Crafted alignment(0, 1);
  alignment.section(2, 0, zero(), 3);
  EXPECT_NE(readError(alignment.w.bytes()).find("alignment"), std::string::npos);
  Crafted length(0, 1);
  length.section(2, 0, zero(), 1, 1ull << 62);
  EXPECT_NE(readError(length.w.bytes()).find("unexpected end"), std::string::npos);
}

TEST(HostileBytes, CountsAreNotTrusted) {
  ByteWriter many;
  many.varint(1ull << 60);
  Crafted c(0, 1);
  c.section(2, 0, many);
  EXPECT_NE(readError(c.w.bytes()).find("exceeds the data"), std::string::npos);
  ByteWriter longInt;
  for (int i = 0; i < 11; ++i)
    longInt.u8(0xff);
  Crafted d(0, 1);
  d.section(2, 0, longInt);
  EXPECT_NE(readError(d.w.bytes()).find("64 bits"), std::string::npos);
}

TEST(HostileBytes, HugeTensorsAreRefused) {
  ByteWriter types;
  types.varint(1);
  for (uint8_t b : {1, 0, 26, 1, 3})
    types.u8(b);
  for (int i = 0; i < 3; ++i)
    types.varint(1 << 20);
  Crafted c(0, 3);
  c.section(2, 0, zero()).section(6, 0, types).section(7, 0, noFunctions());
  EXPECT_NE(readError(c.w.bytes()).find("elements"), std::string::npos);
}

// A module is judged by its tables too, used or not: the writer drops what nothing uses, and validity must not change by that.
TEST(HostileBytes, TablesAreJudgedThoughNothingUsesThem) {
  ByteWriter strings, layouts, wellFormed, types;
  strings.varint(1);
  strings.varint(1);
  strings.u8('r');
  auto layout = [](ByteWriter &w, int64_t basis) {
    w.varint(1); // one layout
    w.varint(1); // an input dim
    w.varint(1); // an output dim
    w.zigzag(4); // its size
    w.varint(0); // "r"
    w.varint(1); // one bit
    w.zigzag(basis);
  };
  layout(layouts, 4);
  layout(wellFormed, 3);
  Crafted bad(0, 4), good(0, 4);
  bad.section(2, 0, strings).section(5, 0, layouts).section(6, 0, zero()).section(7, 0, noFunctions());
  good.section(2, 0, strings).section(5, 0, wellFormed).section(6, 0, zero()).section(7, 0, noFunctions());
  ReadResult r = readModule(bad.w.bytes());
  EXPECT_EQ(r.error, "layouts: layout 0: its bases do not match its dims or leave the tensor");
  EXPECT_EQ(bad.w.bytes()[r.offset], 1); // where the layout starts: its number of input dims
  ReadResult ok = readModule(good.w.bytes());
  ASSERT_TRUE(ok) << ok.text();
  EXPECT_TRUE(verifyModule(*ok.module).empty());

  types.varint(1);
  for (uint8_t b :
       {1, 2, 26, 1, 1, 4, 0}) // a tensor with a layout, of element type 26, in space 1, of rank 1: 4; layout 0
    types.u8(b);
  Crafted tile(0, 4); // at TILE level
  tile.section(2, 0, strings).section(5, 0, wellFormed).section(6, 0, types).section(7, 0, noFunctions());
  r = readModule(tile.w.bytes());
  EXPECT_EQ(r.error, "types: type 0: a layout on a scalar, or at TILE level");
  EXPECT_EQ(tile.w.bytes()[r.offset], 1);
}

TEST(HostileBytes, NestingIsBounded) {
  // if inside if inside if …, far deeper than allowed.
  ByteWriter f;
  f.u8(0);
  f.varint(1); // one function
  f.varint(0); // name
  f.varint(0); // no location
  f.varint(0); // no parameters
  for (int depth = 0; depth < 5000; ++depth) {
    f.varint(0); // arguments
    f.varint(1); // ops
    f.varint(static_cast<unsigned>(Opcode::If));
    for (int i = 0; i < 4; ++i)
      f.varint(0); // location, operands, results, attributes
    f.varint(1);   // regions
  }
  for (int i = 0; i < 20000; ++i)
    f.u8(0);
  ByteWriter strings;
  strings.varint(1);
  strings.varint(1);
  strings.u8('f');
  Crafted c(0, 3);
  c.section(2, 0, strings).section(6, 0, zero()).section(7, 0, f);
  EXPECT_NE(readError(c.w.bytes()).find("nest deeper"), std::string::npos);
}

TEST(HostileBytes, WriterRefusesBrokenModules) {
  Module m = samples::everyTileOp();
  m.functions[1].body.ops[0].operands[0] = 100000;
  EXPECT_NE(writeModule(m).error.find("before its definition"), std::string::npos);
  m = samples::everyTileOp();
  m.functions[1].body.ops[1].results = m.functions[1].body.ops[0].results;
  EXPECT_NE(writeModule(m).error.find("a second time"), std::string::npos);
  m = samples::everyTileOp();
  m.locs[0].caller = 0;
  EXPECT_NE(writeModule(m).error.find("location"), std::string::npos);
  m = samples::everyTileOp();
  m.functions[0].body.ops[0].attrs[0].value = std::string("x");
  EXPECT_NE(writeModule(m).error.find("wrong kind"), std::string::npos);
}
