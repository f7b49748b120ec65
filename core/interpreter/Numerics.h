// Numerics.h - the float formats as bit patterns: exact decoding, correctly rounded encoding
//
// SPDX-License-Identifier: Apache-2.0
//
// A bit pattern is the low elemBits of a uint64_t, the rest zero. Every format but f64 decodes into a float without loss,
// and every format into a double.
#pragma once

#include "core/bytecode/Module.h"

#include <bit>
#include <cstdint>

namespace tessera::scalar {

using tbc::Elem;

enum class Rounding : uint8_t { NearestEven = 0, TowardsZero = 1, NearestSaturating = 2 };

// The fields of a binary float format.
struct FloatFormat {
  int exponentBits, mantissaBits, bias;
  enum Special : uint8_t {
    Ieee,    // exponent of all ones: infinity, NaN
    OneNan,  // no infinity; exponent and mantissa of all ones: NaN (e4m3fn)
    NegZero, // no infinity, no -0: the pattern of -0 is the NaN (fnuz)
    Finite,  // neither; ties go away from zero, the code before the last is the most that is ever written (e4b15)
  } special;
  int bits() const { return 1 + exponentBits + mantissaBits; }
};
const FloatFormat &floatFormat(Elem e); // floats only

double decodeFloat(Elem e, uint64_t bits);
// One rounding. Overflow: nearest gives infinity, or NaN where the format has none, or (e4b15) 1.75; towards
// zero gives the largest value, saturating rounding also for infinity. A NaN keeps its sign and the top of its payload, quietened, where the format has room;
// of e4b15, which has none, it is 1.75 with that sign.
uint64_t encodeFloat(Elem e, double v, Rounding r = Rounding::NearestEven);

// An integer as the double that rounds, in every narrower format, as the integer itself would (rounded to odd).
double oddDouble(uint64_t magnitude, bool negative);
// hi + lo, exactly known as a sum of two doubles, as one double rounded to odd.
double oddSum(double hi, double lo);

inline float floatOf(uint64_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits)); }
inline double doubleOf(uint64_t bits) { return std::bit_cast<double>(bits); }
inline uint64_t bitsOf(float v) { return std::bit_cast<uint32_t>(v); }
inline uint64_t bitsOf(double v) { return std::bit_cast<uint64_t>(v); }

// Value bits of an integer type: i1 has 1.
inline unsigned intBits(Elem e) { return e == Elem::I1 ? 1 : tbc::elemBits(e); }
inline uint64_t lowMask(unsigned bits) { return bits >= 64 ? ~uint64_t(0) : (uint64_t(1) << bits) - 1; }
inline int64_t signExtend(uint64_t v, unsigned bits) {
  unsigned s = 64 - bits;
  return static_cast<int64_t>(v << s) >> s;
}

} // namespace tessera::scalar
