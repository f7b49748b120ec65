// ScalarFloat.cpp - float arithmetic, comparisons and elementary functions on bit patterns
// SPDX-License-Identifier: Apache-2.0
//
// Each op is written once, over a format: how to read a pattern, the type that arithmetic happens in, the wider type for
// elementary functions, and how to write the result.
#include "core/interpreter/ScalarFloat.h"

#include <cmath>
#include <limits>

namespace tessera::scalar {

using tbc::Opcode;

namespace {
struct F32 {
  using Arith = float;
  using Wide = double;
  static float load(const Context &, uint64_t v) { return floatOf(v); }
  template <class T> static uint64_t store(const Context &, T v) { return bitsOf(static_cast<float>(v)); }
};
struct F64 {
  using Arith = double;
  using Wide = long double;
  static double load(const Context &, uint64_t v) { return doubleOf(v); }
  template <class T> static uint64_t store(const Context &, T v) { return bitsOf(static_cast<double>(v)); }
};
// f16, bf16 and the 8-bit kinds.
struct Narrow {
  using Arith = float;
  using Wide = double;
  static float load(const Context &c, uint64_t v) { return static_cast<float>(decodeFloat(c.in, v)); }
  template <class T> static uint64_t store(const Context &c, T v) { return encodeFloat(c.in, static_cast<double>(v)); }
};

template <class F, class Body> uint64_t arith(const Context &c, uint64_t a, uint64_t b, Body body) {
  return F::store(c, static_cast<typename F::Arith>(body(F::load(c, a), F::load(c, b))));
}
template <class F, class Body> uint64_t wide(const Context &c, uint64_t a, uint64_t b, Body body) {
  using W = typename F::Wide;
  return F::store(c, body(static_cast<W>(F::load(c, a)), static_cast<W>(F::load(c, b))));
}

template <class F> uint64_t fusedMultiplyAdd(const Context &c, uint64_t a, uint64_t b, uint64_t d) {
  auto x = F::load(c, a), y = F::load(c, b), z = F::load(c, d);
  if constexpr (std::is_same_v<F, Narrow>) {
    // The product of two narrow floats is exact in a double; the sum, rounded to odd, then rounds once.
    double product = static_cast<double>(x) * y;
    return F::store(c, oddSum(product, z));
  } else {
    return F::store(c, std::fma(x, y, z));
  }
}

// The lesser and the greater, with -0 below +0. Neither is NaN.
template <class T> T lesser(T x, T y) { return x < y || (x == y && std::signbit(x)) ? x : y; }
template <class T> T greater(T x, T y) { return x > y || (x == y && !std::signbit(x)) ? x : y; }

// Bit 0: equal, 1: greater, 2: less, 3: unordered; MLIR's numbering puts `uno` after the others.
template <class F> uint64_t compare(const Context &c, uint64_t a, uint64_t b, uint64_t) {
  static constexpr uint8_t accepts[16] = {0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 8, 15};
  auto x = F::load(c, a), y = F::load(c, b);
  unsigned relation = x == y ? 1 : x > y ? 2 : x < y ? 4 : 8;
  return (accepts[c.attr & 15] & relation) != 0;
}

// Sign operations act on the pattern, so that NaNs keep theirs; formats without -0 have a pattern that must not be made.
uint64_t signBit(const Context &c) { return uint64_t(1) << (tbc::elemBits(c.in) - 1); }
bool withoutNegativeZero(const Context &c) { return c.in == Elem::F8E4M3FNUZ || c.in == Elem::F8E5M2FNUZ; }
uint64_t withSign(const Context &c, uint64_t v, bool negative) {
  uint64_t magnitude = v & ~signBit(c);
  if (withoutNegativeZero(c) && magnitude == 0)
    return v; // zero or NaN
  return negative ? magnitude | signBit(c) : magnitude;
}
uint64_t negate(const Context &c, uint64_t a, uint64_t, uint64_t) { return withSign(c, a, !(a & signBit(c))); }
uint64_t absolute(const Context &c, uint64_t a, uint64_t, uint64_t) { return withSign(c, a, false); }
uint64_t copySign(const Context &c, uint64_t a, uint64_t b, uint64_t) { return withSign(c, a, b & signBit(c)); }

template <class F> Fn pick(Opcode code) {
  switch (code) {
#define ARITH(Name, expression)                                                                                        \
  case Opcode::Name:                                                                                                   \
    return [](const Context &c, uint64_t a, uint64_t b, uint64_t) {                                                    \
      return arith<F>(c, a, b, [](auto x, auto y) { return expression; });                                             \
    };
#define WIDE(Name, expression)                                                                                         \
  case Opcode::Name:                                                                                                   \
    return [](const Context &c, uint64_t a, uint64_t b, uint64_t) {                                                    \
      return wide<F>(c, a, b, [](auto x, auto y) { return expression; });                                              \
    };
    ARITH(AddF, x + y)
    ARITH(SubF, x - y)
    ARITH(MulF, x * y)
    ARITH(DivF, x / y)
    ARITH(RemF, std::fmod(x, y))
    ARITH(MinNumF, x != x ? y : y != y ? x : lesser(x, y))
    ARITH(MaxNumF, x != x ? y : y != y ? x : greater(x, y))
    ARITH(MinimumF, x != x ? x : y != y ? y : lesser(x, y))
    ARITH(MaximumF, x != x ? x : y != y ? y : greater(x, y))
    ARITH(Floor, (static_cast<void>(y), std::floor(x)))
    ARITH(Ceil, (static_cast<void>(y), std::ceil(x)))
    ARITH(Trunc, (static_cast<void>(y), std::trunc(x)))
    ARITH(Round, (static_cast<void>(y), std::round(x)))
    ARITH(RoundEven, (static_cast<void>(y), std::nearbyint(x)))
    ARITH(Sqrt, (static_cast<void>(y), std::sqrt(x)))
    WIDE(Rsqrt, (static_cast<void>(y), decltype(x)(1) / std::sqrt(x)))
    WIDE(Exp, (static_cast<void>(y), std::exp(x)))
    WIDE(Exp2, (static_cast<void>(y), std::exp2(x)))
    WIDE(Log, (static_cast<void>(y), std::log(x)))
    WIDE(Log2, (static_cast<void>(y), std::log2(x)))
    WIDE(Sin, (static_cast<void>(y), std::sin(x)))
    WIDE(Cos, (static_cast<void>(y), std::cos(x)))
    WIDE(Erf, (static_cast<void>(y), std::erf(x)))
    WIDE(Tanh, (static_cast<void>(y), std::tanh(x)))
    WIDE(Tan, (static_cast<void>(y), std::tan(x)))
    WIDE(Asin, (static_cast<void>(y), std::asin(x)))
    WIDE(Acos, (static_cast<void>(y), std::acos(x)))
    WIDE(Atan, (static_cast<void>(y), std::atan(x)))
    WIDE(Atan2, std::atan2(x, y))
    WIDE(Sinh, (static_cast<void>(y), std::sinh(x)))
    WIDE(Cosh, (static_cast<void>(y), std::cosh(x)))
    WIDE(Asinh, (static_cast<void>(y), std::asinh(x)))
    WIDE(Acosh, (static_cast<void>(y), std::acosh(x)))
    WIDE(Atanh, (static_cast<void>(y), std::atanh(x)))
    WIDE(Expm1, (static_cast<void>(y), std::expm1(x)))
    WIDE(Log1p, (static_cast<void>(y), std::log1p(x)))
    WIDE(Log10, (static_cast<void>(y), std::log10(x)))
    WIDE(Cbrt, (static_cast<void>(y), std::cbrt(x)))
    WIDE(Pow, std::pow(x, y))
    WIDE(Erfc, (static_cast<void>(y), std::erfc(x)))
#undef ARITH
#undef WIDE
  case Opcode::Fma:
    return fusedMultiplyAdd<F>;
  case Opcode::CmpF:
    return compare<F>;
  case Opcode::NegF:
    return negate;
  case Opcode::AbsF:
    return absolute;
  case Opcode::CopySign:
    return copySign;
  default:
    return nullptr;
  }
}
} // namespace

Fn floatFn(Opcode code, Elem in) {
  switch (in) {
  case Elem::F32:
    return pick<F32>(code);
  case Elem::F64:
    return pick<F64>(code);
  default:
    return pick<Narrow>(code);
  }
}

} // namespace tessera::scalar
