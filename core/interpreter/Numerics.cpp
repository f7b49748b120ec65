// Numerics.cpp - the float formats as bit patterns
// SPDX-License-Identifier: Apache-2.0
#include "core/interpreter/Numerics.h"

#include <cmath>

namespace tessera::scalar {

const FloatFormat &floatFormat(Elem e) {
  static constexpr FloatFormat e5m2{5, 2, 15, FloatFormat::Ieee}, e4m3fn{4, 3, 7, FloatFormat::OneNan},
      e4m3fnuz{4, 3, 8, FloatFormat::NegZero}, e5m2fnuz{5, 2, 16, FloatFormat::NegZero},
      e4b15{4, 3, 15, FloatFormat::Finite}, f16{5, 10, 15, FloatFormat::Ieee}, bf16{8, 7, 127, FloatFormat::Ieee},
      f32{8, 23, 127, FloatFormat::Ieee}, f64{11, 52, 1023, FloatFormat::Ieee};
  switch (e) {
  case Elem::F8E5M2:
    return e5m2;
  case Elem::F8E4M3FN:
    return e4m3fn;
  case Elem::F8E4M3FNUZ:
    return e4m3fnuz;
  case Elem::F8E5M2FNUZ:
    return e5m2fnuz;
  case Elem::F8E4B15:
    return e4b15;
  case Elem::F16:
    return f16;
  case Elem::BF16:
    return bf16;
  case Elem::F64:
    return f64;
  default:
    return f32;
  }
}

namespace {
constexpr uint64_t kSign64 = uint64_t(1) << 63;
constexpr uint64_t kQuietNan64 = 0x7ff8000000000000ull;

// 2^e for any e a format can ask for.
double pow2(int e) { return std::bit_cast<double>(static_cast<uint64_t>(e + 1023) << 52); }

double decode(const FloatFormat &f, uint64_t bits) {
  int m = f.mantissaBits;
  bool negative = bits >> (f.bits() - 1) & 1;
  uint64_t exponent = bits >> m & lowMask(f.exponentBits), mantissa = bits & lowMask(m);
  uint64_t sign = negative ? kSign64 : 0;
  bool allOnes = exponent == lowMask(f.exponentBits);
  if (f.special == FloatFormat::Ieee && allOnes)
    return std::bit_cast<double>(sign | (mantissa ? kQuietNan64 | mantissa << (52 - m) : 0x7ff0000000000000ull));
  if ((f.special == FloatFormat::OneNan && allOnes && mantissa == lowMask(m)) ||
      (f.special == FloatFormat::NegZero && bits == uint64_t(1) << (f.bits() - 1)))
    return std::bit_cast<double>(sign | kQuietNan64);
  double v = exponent ? static_cast<double>(mantissa | uint64_t(1) << m) * pow2(static_cast<int>(exponent) - f.bias - m)
                      : static_cast<double>(mantissa) * pow2(1 - f.bias - m);
  return negative ? -v : v;
}

// The pattern (without the sign) of the largest value that a conversion gives. e4b15 has one more, which Triton only reads.
uint64_t largest(const FloatFormat &f) {
  uint64_t all = lowMask(f.exponentBits + f.mantissaBits);
  switch (f.special) {
  case FloatFormat::Ieee:
    return all - (uint64_t(1) << f.mantissaBits);
  case FloatFormat::OneNan:
  case FloatFormat::Finite:
    return all - 1;
  default:
    return all;
  }
}

uint64_t encodeNan(const FloatFormat &f, uint64_t sign, uint64_t source) {
  uint64_t all = lowMask(f.exponentBits + f.mantissaBits);
  switch (f.special) {
  case FloatFormat::Ieee: {
    uint64_t payload = source >> (52 - f.mantissaBits) & lowMask(f.mantissaBits);
    return sign | lowMask(f.exponentBits) << f.mantissaBits | payload | uint64_t(1) << (f.mantissaBits - 1);
  }
  case FloatFormat::NegZero:
    return uint64_t(1) << (f.bits() - 1);
  case FloatFormat::Finite:
    return sign | largest(f);
  default:
    return sign | all;
  }
}

uint64_t encode(const FloatFormat &f, double v, Rounding r) {
  uint64_t bits = std::bit_cast<uint64_t>(v);
  uint64_t sign = bits & kSign64 ? uint64_t(1) << (f.bits() - 1) : 0;
  if (v != v)
    return encodeNan(f, sign, bits);
  bool infinite = std::isinf(v);
  uint64_t result = ~uint64_t(0);
  if (!infinite) {
    // v = mantissa * 2^(exponent - 52), the mantissa with its leading one (doubles below the normal range round to zero
    // in every narrower format, whatever their exponent).
    int exponent = static_cast<int>(bits >> 52 & 0x7ff) - 1023;
    uint64_t mantissa = (bits & lowMask(52)) | (exponent == -1023 ? 0 : uint64_t(1) << 52);
    int field = exponent + f.bias;  // the exponent field, were it normal
    int drop = 52 - f.mantissaBits; // mantissa bits that do not fit
    if (field < 1) {
      drop += 1 - field;
      field = 1;
    }
    uint64_t kept = drop > 54 ? 0 : mantissa >> drop;
    if (r != Rounding::TowardsZero) {
      uint64_t rest = drop > 54 ? 0 : mantissa & lowMask(drop);
      uint64_t half = drop > 54 || drop == 0 ? 1 : uint64_t(1) << (drop - 1);
      if (drop && (rest > half || (rest == half && (kept & 1 || f.special == FloatFormat::Finite))))
        ++kept;
    }
    // A carry out of the mantissa moves into the exponent by itself; a subnormal has no leading one to take away.
    result = kept < uint64_t(1) << f.mantissaBits ? kept : kept + (static_cast<uint64_t>(field - 1) << f.mantissaBits);
  }
  uint64_t most = largest(f);
  if (infinite || result > most) {
    if (f.special == FloatFormat::Finite || r == Rounding::NearestSaturating ||
        (r == Rounding::TowardsZero && !infinite))
      result = most;
    else if (f.special == FloatFormat::Ieee)
      result = lowMask(f.exponentBits) << f.mantissaBits;
    else
      return encodeNan(f, sign, kQuietNan64);
  }
  if (f.special == FloatFormat::NegZero && result == 0)
    return 0;
  return sign | result;
}
} // namespace

double decodeFloat(Elem e, uint64_t bits) {
  switch (e) {
  case Elem::F64:
    return doubleOf(bits);
  case Elem::F32:
    return floatOf(bits);
  case Elem::BF16:
    return floatOf(bits << 16);
  default:
    return decode(floatFormat(e), bits);
  }
}

uint64_t encodeFloat(Elem e, double v, Rounding r) {
  if (e == Elem::F64)
    return bitsOf(v);
  if (e == Elem::F32 && r == Rounding::NearestEven)
    return bitsOf(static_cast<float>(v));
  return encode(floatFormat(e), v, r);
}

double oddDouble(uint64_t magnitude, bool negative) {
  double v;
  if (int excess = 64 - std::countl_zero(magnitude | 1) - 53; excess > 0) {
    uint64_t kept = magnitude >> excess;
    kept |= (magnitude & lowMask(static_cast<unsigned>(excess))) != 0;
    v = std::ldexp(static_cast<double>(kept), excess);
  } else {
    v = static_cast<double>(magnitude);
  }
  return negative ? -v : v;
}

double oddSum(double hi, double lo) {
  double sum = hi + lo;
  if (!std::isfinite(sum))
    return sum;
  // The error of the sum, exactly (Knuth's two-sum).
  double t = sum - hi, error = (hi - (sum - t)) + (lo - t);
  uint64_t bits = std::bit_cast<uint64_t>(sum);
  if (error == 0 || (bits & 1))
    return sum;
  // Inexact and even: the neighbour on the side of the error is odd.
  bool away = (error > 0) == (sum > 0);
  return std::bit_cast<double>(away ? bits + 1 : bits - 1);
}

} // namespace tessera::scalar
