// ScalarTest.cpp - elementwise ops against plain arithmetic written here
// SPDX-License-Identifier: Apache-2.0
#include "core/interpreter/ScalarSemantics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>

using namespace tessera;
using namespace tessera::scalar;
using tbc::Opcode;

namespace {
using Wide = __int128;

uint64_t eval(Opcode code, Elem in, uint64_t a, uint64_t b = 0, uint64_t c = 0, int64_t attr = 0,
              Elem out = Elem::I32) {
  Context x;
  x.in = in;
  x.out = out;
  x.attr = attr;
  Fn f = scalarFn(code, in);
  EXPECT_NE(f, nullptr) << tbc::opInfo(code)->name;
  return f ? f(x, a, b, c) : 0;
}

struct IntCase {
  Opcode code;
  std::function<Wide(Wide sa, Wide sb, Wide ua, Wide ub, int w)> reference;
  bool nonZeroDivisor = false;
};
const IntCase kIntCases[] = {
    {Opcode::AddI, [](Wide, Wide, Wide a, Wide b, int) { return a + b; }},
    {Opcode::SubI, [](Wide, Wide, Wide a, Wide b, int) { return a - b; }},
    {Opcode::MulI, [](Wide a, Wide b, Wide, Wide, int) { return a * b; }},
    {Opcode::DivSI, [](Wide a, Wide b, Wide, Wide, int) { return a / b; }, true},
    {Opcode::DivUI, [](Wide, Wide, Wide a, Wide b, int) { return a / b; }, true},
    {Opcode::RemSI, [](Wide a, Wide b, Wide, Wide, int) { return a % b; }, true},
    {Opcode::RemUI, [](Wide, Wide, Wide a, Wide b, int) { return a % b; }, true},
    {Opcode::AndI, [](Wide, Wide, Wide a, Wide b, int) { return a & b; }},
    {Opcode::OrI, [](Wide, Wide, Wide a, Wide b, int) { return a | b; }},
    {Opcode::XorI, [](Wide, Wide, Wide a, Wide b, int) { return a ^ b; }},
    {Opcode::ShlI, [](Wide, Wide, Wide a, Wide b, int w) { return b >= w ? 0 : a << static_cast<int>(b); }},
    {Opcode::ShrUI, [](Wide, Wide, Wide a, Wide b, int w) { return b >= w ? 0 : a >> static_cast<int>(b); }},
    {Opcode::ShrSI, [](Wide a, Wide, Wide, Wide b, int w) { return a >> (b >= w ? 100 : static_cast<int>(b)); }},
    {Opcode::MinSI, [](Wide a, Wide b, Wide, Wide, int) { return a < b ? a : b; }},
    {Opcode::MaxSI, [](Wide a, Wide b, Wide, Wide, int) { return a < b ? b : a; }},
    {Opcode::MinUI, [](Wide, Wide, Wide a, Wide b, int) { return a < b ? a : b; }},
    {Opcode::MaxUI, [](Wide, Wide, Wide a, Wide b, int) { return a < b ? b : a; }},
    {Opcode::MulHiSI, [](Wide a, Wide b, Wide, Wide, int w) { return (a * b) >> w; }},
};

Wide signedOf(uint64_t v, int w) {
  Wide x = static_cast<Wide>(v);
  return v >> (w - 1) & 1 ? x - (static_cast<Wide>(1) << w) : x;
}

void checkIntegers(Elem e, int w, uint64_t a, uint64_t b) {
  uint64_t mask = w == 64 ? ~uint64_t(0) : (uint64_t(1) << w) - 1;
  a &= mask;
  b &= mask;
  for (const IntCase &c : kIntCases) {
    Context x;
    x.in = e;
    EXPECT_EQ(isUnspecified(c.code, x, a, b),
              c.nonZeroDivisor && (b == 0 || ((c.code == Opcode::DivSI || c.code == Opcode::RemSI) && b == mask &&
                                              a == uint64_t(1) << (w - 1))));
    uint64_t got = eval(c.code, e, a, b);
    ASSERT_EQ(got & ~mask, 0u);
    if (c.nonZeroDivisor && b == 0)
      continue;
    uint64_t want = static_cast<uint64_t>(c.reference(signedOf(a, w), signedOf(b, w), a, b, w)) & mask;
    ASSERT_EQ(got, want) << tbc::opInfo(c.code)->name << " i" << w << " " << a << " " << b;
  }
  ASSERT_EQ(eval(Opcode::MulHiUI, e, a, b), static_cast<uint64_t>(static_cast<unsigned __int128>(a) * b >> w) & mask);
  Wide sa = signedOf(a, w), sb = signedOf(b, w);
  bool compared[] = {a == b, a != b, sa<sb, sa <= sb, sa> sb, sa >= sb, a<b, a <= b, a> b, a >= b};
  for (int p = 0; p < 10; ++p)
    ASSERT_EQ(eval(Opcode::CmpI, e, a, b, 0, p), compared[p]) << p;
  ASSERT_EQ(eval(Opcode::AbsI, e, a), static_cast<uint64_t>(sa < 0 ? -sa : sa) & mask);
  int leading = 0, trailing = 0, ones = 0;
  for (int i = w - 1; i >= 0 && !(a >> i & 1); --i)
    ++leading;
  for (int i = 0; i < w && !(a >> i & 1); ++i)
    ++trailing;
  for (int i = 0; i < w; ++i)
    ones += a >> i & 1;
  ASSERT_EQ(eval(Opcode::CtLz, e, a), static_cast<uint64_t>(leading) & mask);
  ASSERT_EQ(eval(Opcode::CtTz, e, a), static_cast<uint64_t>(trailing) & mask);
  ASSERT_EQ(eval(Opcode::CtPop, e, a), static_cast<uint64_t>(ones) & mask);
}
} // namespace

TEST(Scalar, BytesExhaustively) {
  for (uint64_t a = 0; a < 256; ++a)
    for (uint64_t b = 0; b < 256; ++b) {
      checkIntegers(Elem::I8, 8, a, b);
      if (HasFatalFailure())
        return;
    }
  for (uint64_t a = 0; a < 2; ++a)
    for (uint64_t b = 0; b < 2; ++b)
      checkIntegers(Elem::I1, 1, a, b);
}

TEST(Scalar, WiderIntegersAtTheirEdges) {
  std::mt19937_64 rng(3);
  for (auto [e, w] : {std::pair(Elem::I16, 16), std::pair(Elem::I32, 32), std::pair(Elem::I64, 64)}) {
    std::vector<uint64_t> v{0,
                            1,
                            2,
                            3,
                            7,
                            15,
                            16,
                            31,
                            32,
                            33,
                            63,
                            64,
                            100,
                            ~uint64_t(0),
                            ~uint64_t(1),
                            uint64_t(1) << (w - 1),
                            (uint64_t(1) << (w - 1)) - 1};
    for (int i = 0; i < 40; ++i)
      v.push_back(rng());
    for (uint64_t a : v)
      for (uint64_t b : v)
        checkIntegers(e, w, a, b);
  }
}

TEST(Scalar, IntegerConversions) {
  EXPECT_EQ(eval(Opcode::ExtSI, Elem::I8, 0x80, 0, 0, 0, Elem::I32), 0xffffff80u);
  EXPECT_EQ(eval(Opcode::ExtUI, Elem::I8, 0x80, 0, 0, 0, Elem::I32), 0x80u);
  EXPECT_EQ(eval(Opcode::ExtSI, Elem::I1, 1, 0, 0, 0, Elem::I8), 0xffu);
  EXPECT_EQ(eval(Opcode::TruncI, Elem::I32, 0x12345678, 0, 0, 0, Elem::I8), 0x78u);
  EXPECT_EQ(eval(Opcode::TruncI, Elem::I32, 6, 0, 0, 0, Elem::I1), 0u);
}

TEST(Scalar, IntegersToFloatsRoundOnce) {
  // 2^24 + 1 + 2^-… ties and their neighbours, against rounding by hand for bf16 (8 bits of precision).
  std::mt19937_64 rng(4);
  for (int i = 0; i < 100000; ++i) {
    auto v = static_cast<int64_t>(rng()) >> (rng() % 63);
    EXPECT_EQ(eval(Opcode::SIToFP, Elem::I64, static_cast<uint64_t>(v), 0, 0, 0, Elem::F32),
              bitsOf(static_cast<float>(v)));
    EXPECT_EQ(eval(Opcode::UIToFP, Elem::I64, static_cast<uint64_t>(v), 0, 0, 0, Elem::F32),
              bitsOf(static_cast<float>(static_cast<uint64_t>(v))));
    EXPECT_EQ(eval(Opcode::SIToFP, Elem::I64, static_cast<uint64_t>(v), 0, 0, 0, Elem::F64),
              bitsOf(static_cast<double>(v)));
    unsigned __int128 magnitude = v < 0 ? -static_cast<__int128>(v) : v;
    int excess = 0;
    while (magnitude >> excess >= 256)
      ++excess;
    unsigned __int128 kept = magnitude >> excess, rest = magnitude - (kept << excess),
                      half = excess ? static_cast<unsigned __int128>(1) << (excess - 1) : 1;
    if (excess && (rest > half || (rest == half && (kept & 1))))
      ++kept;
    double want = std::ldexp(static_cast<double>(kept), excess) * (v < 0 ? -1 : 1);
    ASSERT_EQ(decodeFloat(Elem::BF16, eval(Opcode::SIToFP, Elem::I64, static_cast<uint64_t>(v), 0, 0, 0, Elem::BF16)),
              want)
        << v;
  }
  EXPECT_EQ(eval(Opcode::SIToFP, Elem::I32, 70000, 0, 0, 0, Elem::F16), 0x7c00u);
  EXPECT_EQ(eval(Opcode::SIToFP, Elem::I8, 0xff, 0, 0, 0, Elem::F8E4M3FN), 0xb8u); // -1
  EXPECT_EQ(eval(Opcode::UIToFP, Elem::I1, 1, 0, 0, 0, Elem::F32), bitsOf(1.0f));
}

TEST(Scalar, FloatsToIntegers) {
  struct {
    double v;
    int64_t i8, u8;
    bool openI8, openU8;
  } cases[] = {{0, 0, 0, false, false},        {-0.9, 0, 0, false, false},      {1.9, 1, 1, false, false},
               {-1.9, -1, 0, false, true},     {127.9, 127, 127, false, false}, {128, 127, 128, true, false},
               {-128.9, -128, 0, false, true}, {-129, -128, 0, true, true},     {255.5, 127, 255, true, false},
               {256, 127, 255, true, true}};
  Context c;
  c.in = Elem::F64;
  c.out = Elem::I8;
  for (auto &k : cases) {
    uint64_t bits = bitsOf(k.v);
    EXPECT_EQ(isUnspecified(Opcode::FPToSI, c, bits, 0), k.openI8) << k.v;
    EXPECT_EQ(isUnspecified(Opcode::FPToUI, c, bits, 0), k.openU8) << k.v;
    EXPECT_EQ(signExtend(eval(Opcode::FPToSI, Elem::F64, bits, 0, 0, 0, Elem::I8), 8), k.i8) << k.v;
    EXPECT_EQ(eval(Opcode::FPToUI, Elem::F64, bits, 0, 0, 0, Elem::I8), static_cast<uint64_t>(k.u8)) << k.v;
  }
  EXPECT_TRUE(isUnspecified(Opcode::FPToSI, c, bitsOf(double(NAN)), 0));
  EXPECT_EQ(eval(Opcode::FPToSI, Elem::F32, bitsOf(-3e9f), 0, 0, 0, Elem::I64), static_cast<uint64_t>(-3000000000ll));
  EXPECT_EQ(eval(Opcode::FPToUI, Elem::F64, bitsOf(1.8e19), 0, 0, 0, Elem::I64), 18000000000000000000ull);
}

TEST(Scalar, NarrowArithmeticRoundsOnce) {
  // f16 and bf16: the exact result of + - * is a double; / and sqrt are far enough from ties for a double to decide.
  std::mt19937 rng(5);
  for (Elem e :
       {Elem::F16, Elem::BF16, Elem::F8E5M2, Elem::F8E4M3FN, Elem::F8E4M3FNUZ, Elem::F8E5M2FNUZ, Elem::F8E4B15}) {
    uint64_t mask = lowMask(tbc::elemBits(e));
    for (int i = 0; i < 60000; ++i) {
      uint64_t a = rng() & mask, b = rng() & mask;
      double x = decodeFloat(e, a), y = decodeFloat(e, b);
      if (e == Elem::BF16 &&
          (std::fabs(x) < 1e-15 || std::fabs(y) < 1e-15 || std::fabs(x) > 1e15 || std::fabs(y) > 1e15))
        continue; // outside, the float in the middle rounds too (see ScalarSemantics.h)
      struct {
        Opcode code;
        double exact;
      } ops[] = {{Opcode::AddF, x + y},
                 {Opcode::SubF, x - y},
                 {Opcode::MulF, x * y},
                 {Opcode::DivF, x / y},
                 {Opcode::Sqrt, std::sqrt(x)}};
      for (auto &o : ops) {
        uint64_t got = eval(o.code, e, a, b), want = encodeFloat(e, o.exact);
        if (o.exact != o.exact)
          ASSERT_TRUE(std::isnan(decodeFloat(e, got)) || e == Elem::F8E4B15);
        else
          ASSERT_EQ(got, want) << tbc::opInfo(o.code)->name << " " << tbc::elemName(e) << " " << x << " " << y;
      }
    }
  }
}

TEST(Scalar, SingleAndDoubleArithmetic) {
  std::mt19937_64 rng(6);
  for (int i = 0; i < 20000; ++i) {
    auto x = floatOf(rng() & 0xffffffff), y = floatOf(rng() & 0xffffffff);
    auto same = [](uint64_t got, float want) { return want != want ? std::isnan(floatOf(got)) : got == bitsOf(want); };
    ASSERT_TRUE(same(eval(Opcode::AddF, Elem::F32, bitsOf(x), bitsOf(y)), x + y));
    ASSERT_TRUE(same(eval(Opcode::SubF, Elem::F32, bitsOf(x), bitsOf(y)), x - y));
    ASSERT_TRUE(same(eval(Opcode::MulF, Elem::F32, bitsOf(x), bitsOf(y)), x * y));
    ASSERT_TRUE(same(eval(Opcode::DivF, Elem::F32, bitsOf(x), bitsOf(y)), x / y));
    ASSERT_TRUE(same(eval(Opcode::RemF, Elem::F32, bitsOf(x), bitsOf(y)), std::fmod(x, y)));
    ASSERT_TRUE(same(eval(Opcode::Fma, Elem::F32, bitsOf(x), bitsOf(y), bitsOf(1.5f)), std::fma(x, y, 1.5f)));
    double d = doubleOf(rng()), g = doubleOf(rng());
    if (d * g == d * g) {
      ASSERT_EQ(eval(Opcode::MulF, Elem::F64, bitsOf(d), bitsOf(g)), bitsOf(d * g));
    }
  }
}

TEST(Scalar, FusedMultiplyAddOfHalves) {
  // 2^-11 * 1.5 added to 1 lies on a tie of f16 that a tiny product must break: through a float it would not.
  uint64_t one = encodeFloat(Elem::F16, 1), a = encodeFloat(Elem::F16, 1 + 0x1p-10),
           b = encodeFloat(Elem::F16, 0x1p-11);
  EXPECT_EQ(decodeFloat(Elem::F16, eval(Opcode::Fma, Elem::F16, a, b, one)), 1 + 0x1p-10);
  EXPECT_EQ(decodeFloat(Elem::F16, eval(Opcode::Fma, Elem::F16, one, b, one)), 1);
  uint64_t big = encodeFloat(Elem::F16, 30000), tiny = encodeFloat(Elem::F16, 0x1p-24),
           neg = encodeFloat(Elem::F16, -0x1p-24);
  EXPECT_EQ(eval(Opcode::Fma, Elem::F16, tiny, tiny, big), big);
  EXPECT_EQ(eval(Opcode::Fma, Elem::F16, tiny, neg, big), big);
}

TEST(Scalar, MinimumAndMaximum) {
  auto f = [](Opcode c, float a, float b) { return eval(c, Elem::F32, bitsOf(a), bitsOf(b)); };
  for (auto [a, b] : {std::pair(0.0f, -0.0f), std::pair(-0.0f, 0.0f)}) {
    for (Opcode c : {Opcode::MinNumF, Opcode::MinimumF})
      EXPECT_EQ(f(c, a, b), bitsOf(-0.0f));
    for (Opcode c : {Opcode::MaxNumF, Opcode::MaximumF})
      EXPECT_EQ(f(c, a, b), bitsOf(0.0f));
  }
  for (auto [a, b] : {std::pair(NAN, 3.0f), std::pair(3.0f, NAN)}) {
    for (Opcode c : {Opcode::MinNumF, Opcode::MaxNumF})
      EXPECT_EQ(f(c, a, b), bitsOf(3.0f));
    for (Opcode c : {Opcode::MinimumF, Opcode::MaximumF})
      EXPECT_TRUE(std::isnan(floatOf(f(c, a, b))));
  }
  EXPECT_EQ(f(Opcode::MinNumF, -INFINITY, 2), bitsOf(-INFINITY));
  EXPECT_EQ(f(Opcode::MaximumF, 1, 2), bitsOf(2.0f));
}

TEST(Scalar, FloatComparisons) {
  // Columns: less, equal, greater, unordered.
  bool table[16][4] = {{0, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}, {0, 1, 1, 0}, {1, 0, 0, 0}, {1, 1, 0, 0},
                       {1, 0, 1, 0}, {1, 1, 1, 0}, {0, 1, 0, 1}, {0, 0, 1, 1}, {0, 1, 1, 1}, {1, 0, 0, 1},
                       {1, 1, 0, 1}, {1, 0, 1, 1}, {0, 0, 0, 1}, {1, 1, 1, 1}};
  float pairs[4][2] = {{1, 2}, {2, 2}, {3, 2}, {NAN, 2}};
  for (int p = 0; p < 16; ++p)
    for (int r = 0; r < 4; ++r)
      EXPECT_EQ(eval(Opcode::CmpF, Elem::F32, bitsOf(pairs[r][0]), bitsOf(pairs[r][1]), 0, p), table[p][r])
          << p << " " << r;
  EXPECT_EQ(eval(Opcode::CmpF, Elem::F32, bitsOf(0.0f), bitsOf(-0.0f), 0, 1), 1u);
}

TEST(Scalar, Signs) {
  EXPECT_EQ(eval(Opcode::NegF, Elem::F16, 0x7e00), 0xfe00u);
  EXPECT_EQ(eval(Opcode::AbsF, Elem::BF16, 0xc000), 0x4000u);
  EXPECT_EQ(eval(Opcode::CopySign, Elem::F32, bitsOf(2.0f), bitsOf(-0.0f)), bitsOf(-2.0f));
  EXPECT_EQ(eval(Opcode::NegF, Elem::F8E4M3FNUZ, 0), 0u);       // no -0
  EXPECT_EQ(eval(Opcode::NegF, Elem::F8E4M3FNUZ, 0x80), 0x80u); // the NaN
  EXPECT_EQ(eval(Opcode::AbsF, Elem::F8E5M2FNUZ, 0x80), 0x80u);
  EXPECT_EQ(eval(Opcode::NegF, Elem::F8E4M3FN, 0), 0x80u);
}

TEST(Scalar, RoundingFunctions) {
  struct {
    float v, floor, ceil, trunc, round, even;
  } cases[] = {{2.5f, 2, 3, 2, 3, 2},
               {-2.5f, -3, -2, -2, -3, -2},
               {3.5f, 3, 4, 3, 4, 4},
               {-0.4f, -1, -0.0f, -0.0f, -0.0f, -0.0f},
               {8388609, 8388609, 8388609, 8388609, 8388609, 8388609}};
  for (auto &c : cases) {
    EXPECT_EQ(eval(Opcode::Floor, Elem::F32, bitsOf(c.v)), bitsOf(c.floor));
    EXPECT_EQ(eval(Opcode::Ceil, Elem::F32, bitsOf(c.v)), bitsOf(c.ceil));
    EXPECT_EQ(eval(Opcode::Trunc, Elem::F32, bitsOf(c.v)), bitsOf(c.trunc));
    EXPECT_EQ(eval(Opcode::Round, Elem::F32, bitsOf(c.v)), bitsOf(c.round));
    EXPECT_EQ(eval(Opcode::RoundEven, Elem::F32, bitsOf(c.v)), bitsOf(c.even));
  }
}

TEST(Scalar, ElementaryFunctionsWithinHalfAUnit) {
  struct {
    Opcode code;
    long double (*f)(long double);
  } cases[] = {{Opcode::Exp, expl},     {Opcode::Exp2, exp2l},   {Opcode::Log, logl},     {Opcode::Log2, log2l},
               {Opcode::Sin, sinl},     {Opcode::Cos, cosl},     {Opcode::Erf, erfl},     {Opcode::Tanh, tanhl},
               {Opcode::Tan, tanl},     {Opcode::Asin, asinl},   {Opcode::Acos, acosl},   {Opcode::Atan, atanl},
               {Opcode::Sinh, sinhl},   {Opcode::Cosh, coshl},   {Opcode::Asinh, asinhl}, {Opcode::Acosh, acoshl},
               {Opcode::Atanh, atanhl}, {Opcode::Expm1, expm1l}, {Opcode::Log1p, log1pl}, {Opcode::Log10, log10l},
               {Opcode::Cbrt, cbrtl},   {Opcode::Erfc, erfcl}};
  std::mt19937 rng(9);
  for (auto &c : cases)
    for (int i = 0; i < 400; ++i) {
      float x = std::ldexp(static_cast<float>(rng() % 16777216) - 8388608.0f, -23 + static_cast<int>(rng() % 6) - 2);
      long double exact = c.f(static_cast<long double>(x));
      float got = floatOf(eval(c.code, Elem::F32, bitsOf(x)));
      if (std::isnan(exact)) {
        EXPECT_TRUE(std::isnan(got));
        continue;
      }
      long double unit = std::fabs(static_cast<long double>(std::nextafterf(got, INFINITY)) - got);
      EXPECT_LE(std::fabs(exact - got), unit * 0.5001L) << tbc::opInfo(c.code)->name << " of " << x;
      double gotDouble = doubleOf(eval(c.code, Elem::F64, bitsOf(static_cast<double>(x))));
      EXPECT_NEAR(gotDouble, static_cast<double>(exact), std::fabs(static_cast<double>(exact)) * 1e-15);
    }
  EXPECT_EQ(floatOf(eval(Opcode::Pow, Elem::F32, bitsOf(3.0f), bitsOf(4.0f))), 81.0f);
  EXPECT_EQ(floatOf(eval(Opcode::Atan2, Elem::F32, bitsOf(0.0f), bitsOf(-1.0f))), static_cast<float>(M_PI));
  EXPECT_EQ(floatOf(eval(Opcode::Rsqrt, Elem::F32, bitsOf(0.25f))), 2.0f);
  EXPECT_EQ(decodeFloat(Elem::F16, eval(Opcode::Exp, Elem::F16, encodeFloat(Elem::F16, 1))),
            decodeFloat(Elem::F16, encodeFloat(Elem::F16, M_E)));
  EXPECT_TRUE(std::isinf(floatOf(eval(Opcode::Exp, Elem::F32, bitsOf(100.0f)))));
}

TEST(Scalar, SelectAndPointers) {
  EXPECT_EQ(eval(Opcode::Select, Elem::I32, 1, 7, 9), 7u);
  EXPECT_EQ(eval(Opcode::Select, Elem::I32, 0, 7, 9), 9u);
  Context c;
  c.in = Elem::F16;
  c.pointer = true;
  c.offset = Elem::I32;
  EXPECT_EQ(scalarFn(Opcode::AddPtr, Elem::F16)(c, 1000, 0xffffffff, 0), 998u);
  c.offset = Elem::I64;
  EXPECT_EQ(scalarFn(Opcode::AddPtr, Elem::F16)(c, 1000, 0xffffffff, 0), 1000 + 2 * 0xffffffffull);
}

TEST(Scalar, PhiloxKnownAnswers) {
  // The published vectors of Philox 4x32-10.
  uint64_t zero[6] = {}, out[4];
  philox(Elem::I32, 10, zero, out);
  EXPECT_EQ((std::vector<uint64_t>(out, out + 4)),
            (std::vector<uint64_t>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  uint64_t ones[6] = {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff};
  philox(Elem::I32, 10, ones, out);
  EXPECT_EQ((std::vector<uint64_t>(out, out + 4)),
            (std::vector<uint64_t>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  uint64_t pi[6] = {0xa4093822, 0x299f31d0, 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344};
  philox(Elem::I32, 10, pi, out);
  EXPECT_EQ((std::vector<uint64_t>(out, out + 4)),
            (std::vector<uint64_t>{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
  philox(Elem::I64, 10, zero, out);
  EXPECT_EQ((std::vector<uint64_t>(out, out + 4)),
            (std::vector<uint64_t>{0x16554d9eca36314cull, 0xdb20fe9d672d0fdcull, 0xd7e772cee186176bull,
                                   0x7e68b68aec7ba23bull}));
}

TEST(Scalar, EveryElementwiseOpHasAMeaning) {
  for (unsigned n = 32; n < 142; ++n)
    if (const tbc::OpInfo *info = tbc::opInfo(static_cast<Opcode>(n)); info && info->code != Opcode::Assume) {
      EXPECT_NE(scalarFn(info->code, Elem::F32), nullptr) << info->name;
      EXPECT_NE(scalarFn(info->code, Elem::F64), nullptr) << info->name;
      EXPECT_NE(scalarFn(info->code, Elem::F8E4M3FN), nullptr) << info->name;
    }
}
