// BigInt.h - integers without bound, with Python's meaning of every operator
//
// SPDX-License-Identifier: Apache-2.0
//
// Sign and magnitude, schoolbook algorithms: compile-time constants are small, and the largest literal that anybody
// writes is a few thousand digits. Shifts act as on two's complement of endless width.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tessera::py {

class BigInt {
public:
  BigInt() = default;
  BigInt(int64_t v);
  static BigInt fromU64(uint64_t v);
  static BigInt fromLimbs(std::span<const uint32_t> magnitude, bool negative = false);
  // Digits of `base` (2 to 36), no sign, no underscores, at least one; null otherwise.
  static std::optional<BigInt> parse(std::string_view digits, unsigned base);
  // Toward zero; null for infinities and NaN.
  static std::optional<BigInt> fromDouble(double v);

  bool isZero() const { return limbs_.empty(); }
  bool isNegative() const { return negative_; }
  bool isOdd() const { return !limbs_.empty() && (limbs_[0] & 1); }
  size_t bitLength() const; // of the magnitude
  std::span<const uint32_t> limbs() const { return limbs_; }

  std::optional<int64_t> toI64() const;
  std::optional<uint64_t> toU64() const;
  uint64_t wrapU64() const;                       // modulo 2^64, two's complement
  double toDouble() const;                        // nearest, ties to even; infinite when too large
  std::string toString(unsigned base = 10) const; // lower-case digits, leading '-' only

  BigInt operator-() const;
  BigInt operator~() const { return -*this - BigInt(1); }
  friend BigInt operator+(const BigInt &a, const BigInt &b);
  friend BigInt operator-(const BigInt &a, const BigInt &b) { return a + -b; }
  friend BigInt operator*(const BigInt &a, const BigInt &b);
  friend BigInt operator&(const BigInt &a, const BigInt &b);
  friend BigInt operator|(const BigInt &a, const BigInt &b);
  friend BigInt operator^(const BigInt &a, const BigInt &b);
  BigInt shiftLeft(size_t bits) const;
  BigInt shiftRight(size_t bits) const; // floor
  // Python's // and %: quotient toward minus infinity, remainder with the divisor's sign. The divisor is not zero.
  static void floorDivMod(const BigInt &a, const BigInt &b, BigInt &quotient, BigInt &remainder);
  BigInt power(uint64_t exponent) const;

  friend bool operator==(const BigInt &a, const BigInt &b) = default;
  friend std::strong_ordering operator<=>(const BigInt &a, const BigInt &b);

private:
  void trim();
  std::vector<uint32_t> limbs_; // least significant first, no leading zeros
  bool negative_ = false;       // never with zero
};

} // namespace tessera::py
