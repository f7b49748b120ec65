// NumericsTest.cpp - every float format against a slow reference that knows only its list of values
// SPDX-License-Identifier: Apache-2.0
//
// The reference decodes by the definition of the format, with ldexp, and rounds by searching the sorted list of all finite
// values for the two neighbours. 8- and 16-bit sources are tried exhaustively.
#include "core/interpreter/Numerics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>

using namespace tessera::scalar;

namespace {
constexpr Elem kSmall[] = {Elem::F8E5M2,  Elem::F8E4M3FN, Elem::F8E4M3FNUZ, Elem::F8E5M2FNUZ,
                           Elem::F8E4B15, Elem::F16,      Elem::BF16};

struct Known {
  int exponent, mantissa, bias;
  bool hasInf, hasNan, hasNegZero;
};
Known known(Elem e) {
  switch (e) {
  case Elem::F8E5M2:
    return {5, 2, 15, true, true, true};
  case Elem::F8E4M3FN:
    return {4, 3, 7, false, true, true};
  case Elem::F8E4M3FNUZ:
    return {4, 3, 8, false, true, false};
  case Elem::F8E5M2FNUZ:
    return {5, 2, 16, false, true, false};
  case Elem::F8E4B15:
    return {4, 3, 15, false, false, true};
  case Elem::F16:
    return {5, 10, 15, true, true, true};
  default:
    return {8, 7, 127, true, true, true};
  }
}

double slowDecode(Elem e, uint64_t bits) {
  Known k = known(e);
  int width = 1 + k.exponent + k.mantissa;
  bool negative = bits >> (width - 1) & 1;
  int field = static_cast<int>(bits >> k.mantissa) & ((1 << k.exponent) - 1),
      fraction = static_cast<int>(bits) & ((1 << k.mantissa) - 1);
  int allOnes = (1 << k.exponent) - 1;
  if (k.hasInf && field == allOnes)
    return fraction ? std::nan("") : negative ? -INFINITY : INFINITY;
  if (e == Elem::F8E4M3FN && field == allOnes && fraction == 7)
    return std::nan("");
  if (!k.hasNegZero && bits == uint64_t(1) << (width - 1))
    return std::nan("");
  double v = field ? std::ldexp(1.0 + std::ldexp(fraction, -k.mantissa), field - k.bias)
                   : std::ldexp(fraction, 1 - k.bias - k.mantissa);
  return negative ? -v : v;
}

// Finite values >= 0 in order, with their patterns; what a conversion gives is among them.
const std::vector<std::pair<double, uint64_t>> &values(Elem e) {
  static std::map<Elem, std::vector<std::pair<double, uint64_t>>> cache;
  auto &v = cache[e];
  if (v.empty()) {
    Known k = known(e);
    for (uint64_t bits = 0; bits < uint64_t(1) << (k.exponent + k.mantissa); ++bits)
      if (double d = slowDecode(e, bits); std::isfinite(d) && !(e == Elem::F8E4B15 && bits == 0x7f))
        v.push_back({d, bits}); // the last code of e4b15 is only read
    std::sort(v.begin(), v.end());
  }
  return v;
}

constexpr uint64_t kAnyNan = ~uint64_t(0);

uint64_t slowEncode(Elem e, double v, bool towardsZero) {
  Known k = known(e);
  uint64_t sign = std::signbit(v) ? uint64_t(1) << (k.exponent + k.mantissa) : 0;
  if (v != v)
    return k.hasNan ? kAnyNan : sign | (values(e).back().second);
  double a = std::fabs(v);
  const auto &list = values(e);
  double largest = list.back().first, step = largest - list[list.size() - 2].first;
  uint64_t result;
  bool over = towardsZero ? std::isinf(a) : a >= largest + step / 2;
  // A tie between the largest value and the first beyond it goes to the even pattern of the two.
  if (!towardsZero && a == largest + step / 2)
    over = list.back().second & 1;
  if (over && (k.hasInf || k.hasNan)) {
    if (!k.hasInf)
      return kAnyNan;
    return sign | (((uint64_t(1) << k.exponent) - 1) << k.mantissa);
  }
  auto above = std::lower_bound(list.begin(), list.end(), std::make_pair(a, uint64_t(0)));
  if (above == list.end())
    result = list.back().second;
  else if (above->first == a || above == list.begin())
    result = above->second;
  else {
    auto below = above - 1;
    double down = a - below->first, up = above->first - a;
    if (towardsZero || down < up)
      result = below->second;
    else if (up < down)
      result = above->second;
    else
      result = below->second & 1 || e == Elem::F8E4B15 ? above->second : below->second;
  }
  if (!k.hasNegZero && result == 0)
    return 0;
  return sign | result;
}

void expectEncodes(Elem e, double v) {
  for (bool rtz : {false, true}) {
    uint64_t want = slowEncode(e, v, rtz), got = encodeFloat(e, v, rtz ? Rounding::TowardsZero : Rounding::NearestEven);
    if (want == kAnyNan)
      ASSERT_TRUE(std::isnan(slowDecode(e, got))) << tessera::tbc::elemName(e) << " of " << v << " gives " << got;
    else
      ASSERT_EQ(got, want) << tessera::tbc::elemName(e) << " of " << std::hexfloat << v
                           << (rtz ? " towards zero" : " to nearest");
  }
}
uint64_t patterns(Elem e) { return uint64_t(1) << tessera::tbc::elemBits(e); }
} // namespace

TEST(Numerics, SaturatingRoundingStopsAtTheLargestNumber) {
  const double inf = std::numeric_limits<double>::infinity();
  struct {
    Elem elem;
    double most;
    uint64_t code;
  } rows[] = {{Elem::F8E4M3FN, 448, 0x7e},
              {Elem::F8E5M2, 57344, 0x7b},
              {Elem::F8E4M3FNUZ, 240, 0x7f},
              {Elem::F8E5M2FNUZ, 57344, 0x7f}};
  for (const auto &row : rows)
    for (double v : {row.most, row.most * 1.25, 1e300, inf}) {
      EXPECT_EQ(encodeFloat(row.elem, v, Rounding::NearestSaturating), row.code) << v;
      EXPECT_EQ(encodeFloat(row.elem, -v, Rounding::NearestSaturating), row.code | 0x80) << v;
    }
  // What fits is rounded to nearest, and NaN stays.
  EXPECT_EQ(encodeFloat(Elem::F8E4M3FN, 17, Rounding::NearestSaturating), encodeFloat(Elem::F8E4M3FN, 17));
  EXPECT_EQ(encodeFloat(Elem::F8E4M3FN, 19.5, Rounding::NearestSaturating), encodeFloat(Elem::F8E4M3FN, 20));
  EXPECT_EQ(encodeFloat(Elem::F8E5M2, std::nan(""), Rounding::NearestSaturating),
            encodeFloat(Elem::F8E5M2, std::nan("")));
}

TEST(Numerics, DecodesEveryPattern) {
  for (Elem e : kSmall)
    for (uint64_t bits = 0; bits < patterns(e); ++bits) {
      double want = slowDecode(e, bits), got = decodeFloat(e, bits);
      if (want != want)
        ASSERT_NE(got, got) << bits;
      else
        ASSERT_EQ(std::bit_cast<uint64_t>(got), std::bit_cast<uint64_t>(want))
            << tessera::tbc::elemName(e) << " " << bits;
    }
}

TEST(Numerics, ConvertsEverySmallValueToEveryType) {
  for (Elem from : kSmall)
    for (uint64_t bits = 0; bits < patterns(from); ++bits)
      for (Elem to : kSmall) {
        expectEncodes(to, slowDecode(from, bits));
        if (HasFatalFailure())
          return;
      }
}

TEST(Numerics, RoundsAroundEveryMidpoint) {
  for (Elem e : kSmall) {
    const auto &list = values(e);
    for (size_t i = 0; i + 1 < list.size(); ++i) {
      double mid = (list[i].first + list[i + 1].first) / 2;
      for (double v :
           {mid, std::nextafter(mid, 0), std::nextafter(mid, INFINITY), std::nextafter(list[i].first, INFINITY), -mid})
        expectEncodes(e, v);
      if (HasFatalFailure())
        return;
    }
    double largest = list.back().first, step = largest - list[list.size() - 2].first;
    for (double v :
         {largest + step / 2, std::nextafter(largest + step / 2, 0), std::nextafter(largest + step / 2, INFINITY),
          largest + step, 1e300, 1e-300, 5e-324, double(INFINITY)}) {
      expectEncodes(e, v);
      expectEncodes(e, -v);
    }
  }
}

TEST(Numerics, HalvesAgreeWithTheCompiler) {
  std::mt19937 rng(7);
  for (int i = 0; i < 200000; ++i) {
    auto f = std::bit_cast<float>(static_cast<uint32_t>(rng()));
    if (f != f)
      continue;
    ASSERT_EQ(encodeFloat(Elem::F16, f), std::bit_cast<uint16_t>(static_cast<_Float16>(f)));
  }
}

TEST(Numerics, SinglesFromDoubles) {
  std::mt19937_64 rng(8);
  for (int i = 0; i < 200000; ++i) {
    double d = std::bit_cast<double>(rng());
    if (i % 2) // near the float range
      d = std::ldexp(1 + static_cast<double>(rng() >> 12) * 0x1p-52, static_cast<int>(rng() % 300) - 160);
    if (d != d)
      continue;
    ASSERT_EQ(encodeFloat(Elem::F32, d), bitsOf(static_cast<float>(d)));
    // Towards zero: the float nearest, or the one below it in magnitude.
    float near = static_cast<float>(d);
    float want = std::fabs(static_cast<double>(near)) > std::fabs(d) ? std::nextafterf(near, 0) : near;
    if (std::isinf(d))
      want = near;
    ASSERT_EQ(encodeFloat(Elem::F32, d, Rounding::TowardsZero), bitsOf(want)) << std::hexfloat << d;
  }
}

TEST(Numerics, NansKeepSignAndQuietBit) {
  EXPECT_EQ(encodeFloat(Elem::F16, -NAN), 0xfe00u);
  EXPECT_EQ(encodeFloat(Elem::BF16, NAN), 0x7fc0u);
  EXPECT_EQ(encodeFloat(Elem::F8E5M2, NAN), 0x7eu);
  EXPECT_EQ(encodeFloat(Elem::F8E4M3FN, -NAN), 0xffu);
  EXPECT_EQ(encodeFloat(Elem::F8E4M3FNUZ, NAN), 0x80u);
  EXPECT_EQ(encodeFloat(Elem::F8E4B15, NAN), 0x7eu);
  EXPECT_EQ(encodeFloat(Elem::F8E4B15, -NAN), 0xfeu);
  EXPECT_EQ(encodeFloat(Elem::F8E5M2FNUZ, -0.0), 0u);
  EXPECT_EQ(encodeFloat(Elem::F16, floatOf(0x7f800001)) & 0x7e00, 0x7e00u); // a signalling NaN becomes quiet
}

TEST(Numerics, OddRoundingCarriesTheLostBits) {
  EXPECT_EQ(oddDouble(5, true), -5.0);
  EXPECT_EQ(oddDouble((uint64_t(1) << 60) + 1, false), std::ldexp(1.0, 60) + std::ldexp(1.0, 8));
  EXPECT_EQ(oddDouble(~uint64_t(0), false), std::nextafter(std::ldexp(1.0, 64), 0));
  EXPECT_EQ(oddSum(1, 0x1p-80), std::nextafter(1.0, 2));
  EXPECT_EQ(oddSum(1, -0x1p-80), std::nextafter(1.0, 0));
  EXPECT_EQ(oddSum(1, 0.5), 1.5);
}
