// MemoryTest.cpp - loads, stores, atomics; out of bounds, never written and unspecified values are found
// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/interpreter/Run.h"

#include <cmath>
#include <cstring>

using namespace tessera;
using namespace tessera::interp;

namespace {
// Kernel over tiles of four: %p f32 pointers p..p+3 after an offset, %m a mask of i < %n.
std::string tile4(const std::string &body) {
  return R"(kernel @k(%p: ptr<f32>, %q: ptr<f32>, %o: i32, %n: i32) {
    %r = arange {start = 0, end = 4}
    %os = splat %o : tensor<4xi32>
    %i = addi %os, %r
    %ns = splat %n : tensor<4xi32>
    %m = cmpi %i, %ns {predicate = slt}
    %ps = splat %p : tensor<4xptr<f32>>
    %pp = addptr %ps, %i
    %qs = splat %q : tensor<4xptr<f32>>
    %qp = addptr %qs, %r
)" + body +
         "\n return }";
}
struct Checked {
  std::vector<float> p = std::vector<float>(8, 1), q = std::vector<float>(4, 2);
  MemoryMap memory;
  std::vector<std::string> printed;
  Options options;
  Checked(bool pWritten = true, bool qWritten = true) {
    memory.add(addressOf(p), 32, "p", pWritten);
    memory.add(addressOf(q), 16, "q", qWritten);
    options.checkMemory = true;
    options.memory = &memory;
    options.print = [this](std::string_view s) { printed.emplace_back(s); };
  }
  std::string run(const std::string &body, uint64_t offset = 0, uint64_t n = 100) {
    return runText(tile4(body), {addressOf(p), addressOf(q), offset, n}, {1, 1, 1}, options);
  }
};
} // namespace

TEST(Memory, OtherAndMask) {
  Checked c;
  std::string body = "%f = constant {float_value = 9} : tensor<4xf32>\n %x = load %pp, %m, %f\n store %qp, %x";
  EXPECT_EQ(c.run(body, 6, 8), "");
  EXPECT_EQ(c.q, (std::vector<float>{1, 1, 9, 9}));
}

TEST(Memory, OutOfBoundsHasItsPlace) {
  Checked c;
  std::string e = c.run("%x = load %pp loc(\"k.py\":7:9 at \"main.py\":3:1)\n store %qp, %x", 6);
  for (const char *part : {"k.py:7:9", "E0603", "load out of bounds: element 8 of `p`, which has 8 elements of 4 bytes",
                           "program (0, 0, 0) of kernel `k`", "main.py:3:1: note: in the call here"})
    EXPECT_NE(e.find(part), std::string::npos) << part << "\n" << e;
  EXPECT_NE(c.run("%x = load %pp\n store %qp, %x", 0xfffffffe).find("element -2 of `p`"), std::string::npos);
  EXPECT_NE(c.run("%f = constant {float_value = 9} : tensor<4xf32>\n store %pp, %f", 5)
                .find("store out of bounds: element 8"),
            std::string::npos);
  EXPECT_EQ(c.run("%x = load %pp, %m\n store %qp, %x, %m", 6, 8), "");
}

TEST(Memory, NeverWrittenBytes) {
  Checked c(false);
  EXPECT_NE(c.run("%x = load %pp\n store %qp, %x").find("memory that nothing has written: element 0 of `p`"),
            std::string::npos);
  EXPECT_EQ(c.run("%x = load %qp\n store %pp, %x\n %y = load %pp\n store %qp, %y", 2), "");
  EXPECT_EQ(c.run("%x = load %pp\n store %qp, %x", 2), ""); // the shadow stays from run to run
  EXPECT_NE(c.run("%x = load %pp\n store %qp, %x", 3).find("element 6 of `p`"), std::string::npos);
}

TEST(Memory, UnspecifiedValuesAreFoundWhereTheyMatter) {
  Checked c;
  const char *load = "%x = load %pp, %m\n";
  // Carried along and masked off again: fine.
  EXPECT_EQ(c.run(std::string(load) + "%y = addf %x, %x\n store %qp, %y, %m", 0, 2), "");
  // Stored.
  EXPECT_NE(c.run(std::string(load) + "%y = addf %x, %x\n store %qp, %y", 0, 2)
                .find("an unspecified value is stored at tile index (2)"),
            std::string::npos);
  // Through a reduction, and chosen away by a select.
  std::string sum = "%s = reduce %y {axis = 0} { (%a: f32, %b: f32) %c = addf %a, %b yield %c }\n store %q, %s";
  EXPECT_NE(c.run(std::string(load) + "%y = addf %x, %x\n" + sum, 0, 2).find("unspecified value is stored"),
            std::string::npos);
  EXPECT_EQ(
      c.run(std::string(load) + "%z = constant {float_value = 0} : tensor<4xf32>\n %y = select %m, %x, %z\n" + sum, 0,
            2),
      "");
  EXPECT_EQ(c.q[0], 2);
  // As a mask, a branch, an address.
  std::string mask = "%z = constant {float_value = 0} : tensor<4xf32>\n %u = cmpf %x, %z {predicate = ogt}\n";
  EXPECT_NE(c.run(load + mask + "store %qp, %z, %u", 0, 2).find("the mask of an access"), std::string::npos);
  EXPECT_EQ(c.run(load + mask + "%v = andi %u, %m\n store %qp, %z, %v", 0, 2), "");
  std::string scalar =
      "%f = constant {value = 0} : i1\n %v = load %p\n %w = poison : f32\n %g = cmpf %v, %w {predicate = olt}\n";
  EXPECT_NE(c.run(scalar + "if %g { store %p, %v yield } { yield }").find("the condition of a branch"),
            std::string::npos);
  EXPECT_NE(c.run("%w = poison : i32\n %a = addptr %p, %w\n %v = load %a\n store %p, %v").find("an address depends"),
            std::string::npos);
}

TEST(Memory, DivisionByZeroIsUnspecified) {
  Checked c;
  std::string body = "%d = divsi %i, %r\n %f = sitofp %d : tensor<4xf32>\n store %qp, %f";
  EXPECT_NE(c.run(body).find("unspecified value is stored at tile index (0)"), std::string::npos);
  EXPECT_EQ(c.run("%d = divsi %i, %os\n %f = sitofp %d : tensor<4xf32>\n store %qp, %f", 2), "");
}

TEST(Memory, BrokenAssumptions) {
  Checked c;
  EXPECT_NE(c.run("%g = cmpi %o, %n {predicate = sgt}\n assume %g", 1, 2).find("assumption does not hold"),
            std::string::npos);
  EXPECT_EQ(c.run("%g = cmpi %o, %n {predicate = sgt}\n assume %g", 2, 1), "");
}

TEST(Memory, PrintsAndAssertions) {
  Checked c;
  EXPECT_EQ(
      c.run("%x = load %qp\n print %x, %o {prefix = \" x: \", signed = 2}\n print {prefix = \"here\"}", 0xffffffff),
      "");
  EXPECT_EQ(c.printed, (std::vector<std::string>{"pid (0, 0, 0) idx (0) x: (operand 0) 2.000000",
                                                 "pid (0, 0, 0) idx (1) x: (operand 0) 2.000000",
                                                 "pid (0, 0, 0) idx (2) x: (operand 0) 2.000000",
                                                 "pid (0, 0, 0) idx (3) x: (operand 0) 2.000000",
                                                 "pid (0, 0, 0) idx () x: (operand 1) -1", "pid (0, 0, 0) here"}));
  std::string e = c.run("assert %m {message = \"n too small\"} loc(\"k.py\":5:5)", 0, 3);
  for (const char *part : {"k.py:5:5", "E0602", "assertion failed: n too small at tile index (3)"})
    EXPECT_NE(e.find(part), std::string::npos) << e;
  EXPECT_EQ(c.run("assert %m, %m {message = \"\"}", 0, 3), "");
}

TEST(Memory, PrintWidthsAndFormats) {
  std::vector<std::string> lines;
  Options o;
  o.print = [&](std::string_view s) { lines.emplace_back(s); };
  std::string text = R"(kernel @k(%p: ptr<i8>) {
    %a = arange {start = 254, end = 256}
    %b = trunci %a : tensor<2xi8>
    %c = reshape %b : tensor<1x2xi8>
    print %c {prefix = "h", hex = 1}
    print %c {prefix = "s", signed = 1}
    print %c {prefix = "u"}
    %d = broadcast %c : tensor<11x2xi8>
    print %d {prefix = "w"}
    return
  })";
  EXPECT_EQ(runText(text, {0}, {1, 1, 1}, o), "");
  ASSERT_EQ(lines.size(), 28u);
  EXPECT_EQ(lines[0], "pid (0, 0, 0) idx (0, 0) h: 0xfe");
  EXPECT_EQ(lines[3], "pid (0, 0, 0) idx (0, 1) s: -1");
  EXPECT_EQ(lines[4], "pid (0, 0, 0) idx (0, 0) u: 254");
  EXPECT_EQ(lines[6], "pid (0, 0, 0) idx ( 0, 0) w: 254");
  EXPECT_EQ(lines[27], "pid (0, 0, 0) idx (10, 1) w: 255");
}

TEST(Memory, BooleansAreBytes) {
  std::vector<uint8_t> b{0, 1, 2, 0};
  std::string text = R"(kernel @k(%p: ptr<i1>, %q: ptr<i8>) {
    %r = arange {start = 0, end = 4}
    %ps = splat %p : tensor<4xptr<i1>>
    %pp = addptr %ps, %r
    %x = load %pp
    %1 = constant {value = 1} : tensor<4xi1>
    %y = xori %x, %1
    store %pp, %y
    return
  })";
  EXPECT_EQ(runText(text, {addressOf(b), 0}), "");
  EXPECT_EQ(b, (std::vector<uint8_t>{1, 0, 0, 1}));
}

TEST(Memory, EveryKindOfAtomic) {
  struct {
    const char *kind;
    int32_t old, value, result;
  } cases[] = {{"add", 5, -7, -2}, {"max", 5, -7, 5},  {"min", 5, -7, -7}, {"umax", 5, -7, -7}, {"umin", 5, -7, 5},
               {"and", 12, 10, 8}, {"or", 12, 10, 14}, {"xor", 12, 10, 6}, {"xchg", 12, 10, 10}};
  for (auto &c : cases) {
    std::vector<int32_t> m{c.old, 0};
    std::string text = std::string("kernel @k(%p: ptr<i32>, %v: i32) { %o = atomic_rmw %p, %v {kind = ") + c.kind +
                       "}\n %1 = constant {value = 1} : i32\n %q = addptr %p, %1\n store %q, %o return }";
    EXPECT_EQ(runText(text, {addressOf(m), static_cast<uint32_t>(c.value)}), "");
    EXPECT_EQ(m, (std::vector<int32_t>{c.result, c.old})) << c.kind;
  }
  std::vector<int64_t> cas{5, 0};
  std::string text = "kernel @k(%p: ptr<i64>, %c: i64, %v: i64) { %o = atomic_cas %p, %c, %v\n %1 = constant {value = "
                     "1} : i32\n %q = addptr %p, %1\n store %q, %o return }";
  EXPECT_EQ(runText(text, {addressOf(cas), 4, 9}), "");
  EXPECT_EQ(cas, (std::vector<int64_t>{5, 5}));
  EXPECT_EQ(runText(text, {addressOf(cas), 5, 9}), "");
  EXPECT_EQ(cas, (std::vector<int64_t>{9, 5}));
}

TEST(Memory, AtomicsOfOneAddressSeeEachOther) {
  Checked c;
  c.p[0] = 0;
  EXPECT_EQ(c.run("%one = constant {float_value = 1} : tensor<4xf32>\n %old = atomic_rmw %ps, %one, %m {kind = fadd}\n "
                  "store %qp, %old, %m",
                  0, 3),
            "");
  EXPECT_EQ(c.p[0], 3);
  EXPECT_EQ(c.q, (std::vector<float>{0, 1, 2, 2}));
}

TEST(Memory, GreatestAndLeastOfFloats) {
  auto after = [](const char *type, const char *kind, uint16_t old, uint16_t value) {
    std::vector<uint16_t> m{old, 0};
    const std::string t(type);
    EXPECT_EQ(runText("kernel @k(%p: ptr<" + t + ">, %v: " + t + ") { %o = atomic_rmw %p, %v {kind = " + kind +
                          "}\n %1 = constant {value = 1} : i32\n %q = addptr %p, %1\n store %q, %o return }",
                      {addressOf(m), value}),
              "");
    EXPECT_EQ(m[1], old);
    return m[0];
  };
  constexpr uint16_t kMinusTwo = 0xc000, kMinusOne = 0xbc00, kOne = 0x3c00, kNaN = 0x7e00; // f16
  EXPECT_EQ(after("f16", "max", kMinusTwo, kMinusOne), kMinusOne);
  EXPECT_EQ(after("f16", "min", kMinusTwo, kMinusOne), kMinusTwo);
  EXPECT_EQ(after("f16", "min", kOne, kMinusOne), kMinusOne);
  EXPECT_EQ(after("f16", "max", kNaN, kOne), kOne);
  EXPECT_EQ(after("f16", "min", kMinusOne, kNaN), kMinusOne);
  EXPECT_EQ(after("bf16", "max", 0xbf80, 0x3f80), 0x3f80);
  EXPECT_EQ(after("bf16", "min", 0xbf80, 0xc000), 0xc000);
}

// As the memory of some devices adds: what is subnormal counts as zero, and no other type, no other kind and no old value changes.
TEST(Memory, AtomicSumsMayFlush) {
  constexpr float kSmallest = 0x1p-126F, kTiny = 0x1p-130F;
  Options flush;
  flush.flushAtomicSums = true;
  auto after = [](const Options &o, const char *type, const char *kind, auto old, auto value) {
    std::vector<decltype(old)> m{old, decltype(old)(0)};
    const std::string t(type);
    const std::string text = "kernel @k(%p: ptr<" + t + ">, %v: " + t + ") { %o = atomic_rmw %p, %v {kind = " + kind +
                             "}\n %1 = constant {value = 1} : i32\n %q = addptr %p, %1\n store %q, %o return }";
    uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof value);
    EXPECT_EQ(runText(text, {addressOf(m), bits}, {1, 1, 1}, o), "");
    EXPECT_EQ(m[1], old);
    return m[0];
  };
  EXPECT_EQ(after({}, "f32", "fadd", 0.F, kTiny), kTiny);
  EXPECT_EQ(after(flush, "f32", "fadd", 0.F, kTiny), 0.F);
  EXPECT_EQ(after(flush, "f32", "fadd", kTiny, 0.F), 0.F);
  EXPECT_EQ(after(flush, "f32", "fadd", kTiny, kSmallest), kSmallest);                  // the operand
  EXPECT_EQ(after(flush, "f32", "fadd", kSmallest, kTiny - kSmallest), kSmallest);      // subnormal, too
  EXPECT_EQ(after(flush, "f32", "fadd", 1.5F * kSmallest, -kSmallest), 0.F);            // the sum
  EXPECT_TRUE(std::signbit(after(flush, "f32", "fadd", -1.5F * kSmallest, kSmallest))); // with its sign
  EXPECT_EQ(after(flush, "f32", "fadd", 1.F, 2.F), 3.F);
  EXPECT_EQ(after(flush, "f32", "xchg", 0.F, kTiny), kTiny);
  EXPECT_EQ(after(flush, "f64", "fadd", 0.0, 0x1p-1060), 0x1p-1060);
}
