// BigInt.cpp - sign-and-magnitude arithmetic on 32-bit limbs
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/syntax/BigInt.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace tessera::py {

namespace {
using Limbs = std::vector<uint32_t>;

void trimLimbs(Limbs &v) {
  while (!v.empty() && v.back() == 0)
    v.pop_back();
}

int compareMagnitude(const Limbs &a, const Limbs &b) {
  if (a.size() != b.size())
    return a.size() < b.size() ? -1 : 1;
  for (size_t i = a.size(); i-- > 0;)
    if (a[i] != b[i])
      return a[i] < b[i] ? -1 : 1;
  return 0;
}

Limbs addMagnitude(const Limbs &a, const Limbs &b) {
  Limbs out(std::max(a.size(), b.size()) + 1);
  uint64_t carry = 0;
  for (size_t i = 0; i < out.size(); ++i) {
    carry += (i < a.size() ? a[i] : 0ull) + (i < b.size() ? b[i] : 0ull);
    out[i] = static_cast<uint32_t>(carry);
    carry >>= 32;
  }
  trimLimbs(out);
  return out;
}

// a >= b
Limbs subMagnitude(const Limbs &a, const Limbs &b) {
  Limbs out(a.size());
  int64_t borrow = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    int64_t d = static_cast<int64_t>(a[i]) - (i < b.size() ? b[i] : 0) - borrow;
    borrow = d < 0;
    out[i] = static_cast<uint32_t>(d + (borrow << 32));
  }
  trimLimbs(out);
  return out;
}

uint32_t divSmall(Limbs &a, uint32_t by) {
  uint64_t rem = 0;
  for (size_t i = a.size(); i-- > 0;) {
    rem = (rem << 32) | a[i];
    a[i] = static_cast<uint32_t>(rem / by);
    rem %= by;
  }
  trimLimbs(a);
  return static_cast<uint32_t>(rem);
}

// Source: Knuth, The Art of Computer Programming 2, 4.3.1, algorithm D. v has two limbs or more.
void divMagnitude(const Limbs &u0, const Limbs &v0, Limbs &q, Limbs &r) {
  int shift = std::countl_zero(v0.back());
  Limbs u(u0.size() + 1), v(v0.size());
  for (size_t i = u0.size(); i-- > 0;) {
    uint64_t w = static_cast<uint64_t>(u0[i]) << shift;
    u[i + 1] |= static_cast<uint32_t>(w >> 32);
    u[i] = static_cast<uint32_t>(w);
  }
  for (size_t i = v0.size(); i-- > 0;) {
    uint64_t w = static_cast<uint64_t>(v0[i]) << shift;
    if (i + 1 < v.size())
      v[i + 1] |= static_cast<uint32_t>(w >> 32);
    v[i] = static_cast<uint32_t>(w);
  }
  size_t n = v.size(), m = u0.size() - n;
  q.assign(m + 1, 0);
  for (size_t j = m + 1; j-- > 0;) {
    uint64_t top = (static_cast<uint64_t>(u[j + n]) << 32) | u[j + n - 1];
    uint64_t qhat = top / v[n - 1], rhat = top % v[n - 1];
    while (qhat >> 32 || qhat * v[n - 2] > ((rhat << 32) | u[j + n - 2])) {
      --qhat;
      rhat += v[n - 1];
      if (rhat >> 32)
        break;
    }
    int64_t borrow = 0;
    uint64_t carry = 0;
    for (size_t i = 0; i < n; ++i) {
      carry += qhat * v[i];
      int64_t d = static_cast<int64_t>(u[i + j]) - static_cast<uint32_t>(carry) - borrow;
      carry >>= 32;
      borrow = d < 0;
      u[i + j] = static_cast<uint32_t>(d + (borrow << 32));
    }
    int64_t d = static_cast<int64_t>(u[j + n]) - static_cast<int64_t>(carry) - borrow;
    u[j + n] = static_cast<uint32_t>(d);
    if (d < 0) { // one too many: add the divisor back
      --qhat;
      uint64_t c = 0;
      for (size_t i = 0; i < n; ++i) {
        c += static_cast<uint64_t>(u[i + j]) + v[i];
        u[i + j] = static_cast<uint32_t>(c);
        c >>= 32;
      }
      u[j + n] += static_cast<uint32_t>(c);
    }
    q[j] = static_cast<uint32_t>(qhat);
  }
  trimLimbs(q);
  r.assign(u.begin(), u.begin() + static_cast<ptrdiff_t>(n));
  for (size_t i = 0; i < n && shift; ++i)
    r[i] = (r[i] >> shift) |
           (i + 1 < u.size() ? static_cast<uint32_t>(static_cast<uint64_t>(u[i + 1]) << (32 - shift)) : 0);
  trimLimbs(r);
}

// Two's complement in `count` limbs.
Limbs twosComplement(std::span<const uint32_t> magnitude, bool negative, size_t count) {
  Limbs out(magnitude.begin(), magnitude.end());
  out.resize(count);
  if (!negative)
    return out;
  uint64_t carry = 1;
  for (uint32_t &limb : out) {
    carry += static_cast<uint32_t>(~limb);
    limb = static_cast<uint32_t>(carry);
    carry >>= 32;
  }
  return out;
}

template <class F> BigInt bitwise(const BigInt &a, const BigInt &b, F f) {
  size_t count = std::max(a.limbs().size(), b.limbs().size()) + 1;
  Limbs x = twosComplement(a.limbs(), a.isNegative(), count), y = twosComplement(b.limbs(), b.isNegative(), count);
  for (size_t i = 0; i < count; ++i)
    x[i] = f(x[i], y[i]);
  bool negative = x.back() >> 31;
  return BigInt::fromLimbs(twosComplement(x, negative, count), negative);
}
} // namespace

BigInt::BigInt(int64_t v) {
  *this = fromU64(v < 0 ? 0 - static_cast<uint64_t>(v) : static_cast<uint64_t>(v));
  negative_ = v < 0;
}

BigInt BigInt::fromU64(uint64_t v) {
  BigInt out;
  for (; v; v >>= 32)
    out.limbs_.push_back(static_cast<uint32_t>(v));
  return out;
}

BigInt BigInt::fromLimbs(std::span<const uint32_t> magnitude, bool negative) {
  BigInt out;
  out.limbs_.assign(magnitude.begin(), magnitude.end());
  out.negative_ = negative;
  out.trim();
  return out;
}

void BigInt::trim() {
  trimLimbs(limbs_);
  if (limbs_.empty())
    negative_ = false;
}

std::optional<BigInt> BigInt::parse(std::string_view digits, unsigned base) {
  if (digits.empty())
    return std::nullopt;
  BigInt out;
  out.limbs_.reserve(digits.size() / 8 + 1);
  for (size_t at = 0; at < digits.size();) {
    uint64_t chunk = 0, scale = 1;
    for (; at < digits.size() && scale * base <= UINT32_MAX; ++at, scale *= base) {
      char c = digits[at];
      unsigned d = c >= '0' && c <= '9'   ? c - '0'
                   : c >= 'a' && c <= 'z' ? c - 'a' + 10
                   : c >= 'A' && c <= 'Z' ? c - 'A' + 10
                                          : 99;
      if (d >= base)
        return std::nullopt;
      chunk = chunk * base + d;
    }
    for (uint32_t &limb : out.limbs_) {
      chunk += limb * scale;
      limb = static_cast<uint32_t>(chunk);
      chunk >>= 32;
    }
    if (chunk)
      out.limbs_.push_back(static_cast<uint32_t>(chunk));
  }
  return out;
}

std::optional<BigInt> BigInt::fromDouble(double v) {
  if (!std::isfinite(v))
    return std::nullopt;
  int exponent = 0;
  double fraction = std::frexp(std::fabs(v), &exponent); // [0.5, 1)
  if (exponent <= 0)
    return BigInt();
  uint64_t mantissa = static_cast<uint64_t>(std::ldexp(fraction, 53));
  BigInt out = fromU64(mantissa);
  out = exponent >= 53 ? out.shiftLeft(static_cast<size_t>(exponent - 53))
                       : out.shiftRight(static_cast<size_t>(53 - exponent));
  out.negative_ = v < 0 && !out.isZero();
  return out;
}

size_t BigInt::bitLength() const {
  return limbs_.empty() ? 0 : limbs_.size() * 32 - static_cast<size_t>(std::countl_zero(limbs_.back()));
}

std::optional<uint64_t> BigInt::toU64() const {
  if (negative_ || limbs_.size() > 2)
    return std::nullopt;
  return wrapU64();
}

std::optional<int64_t> BigInt::toI64() const {
  if (limbs_.size() > 2)
    return std::nullopt;
  uint64_t wrapped = wrapU64();
  if (!isZero() && (wrapped >> 63) != negative_)
    return std::nullopt;
  return static_cast<int64_t>(wrapped);
}

uint64_t BigInt::wrapU64() const {
  uint64_t v = (limbs_.empty() ? 0 : limbs_[0]) | (limbs_.size() > 1 ? static_cast<uint64_t>(limbs_[1]) << 32 : 0);
  return negative_ ? 0 - v : v;
}

double BigInt::toDouble() const {
  size_t bits = bitLength();
  if (bits <= 64) {
    double d = static_cast<double>(BigInt::fromLimbs(limbs_).wrapU64());
    return negative_ ? -d : d;
  }
  if (bits > 1024)
    return negative_ ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
  size_t drop = bits - 64;
  BigInt magnitude = fromLimbs(limbs_);
  BigInt head = magnitude.shiftRight(drop);
  uint64_t top = head.wrapU64();
  if (head.shiftLeft(drop) != magnitude)
    top |= 1; // sticky: keeps ties honest
  double d = std::ldexp(static_cast<double>(top), static_cast<int>(drop));
  return negative_ ? -d : d;
}

std::string BigInt::toString(unsigned base) const {
  if (limbs_.empty())
    return "0";
  uint32_t chunk = base;
  unsigned width = 1;
  while (static_cast<uint64_t>(chunk) * base <= UINT32_MAX) {
    chunk *= base;
    ++width;
  }
  std::string out;
  for (Limbs rest = limbs_; !rest.empty();) {
    uint32_t digits = divSmall(rest, chunk);
    for (unsigned i = 0; i < width && (digits || !rest.empty()); ++i, digits /= base)
      out += "0123456789abcdefghijklmnopqrstuvwxyz"[digits % base];
  }
  if (negative_)
    out += '-';
  std::reverse(out.begin(), out.end());
  return out;
}

BigInt BigInt::operator-() const {
  BigInt out = *this;
  out.negative_ = !negative_ && !isZero();
  return out;
}

BigInt operator+(const BigInt &a, const BigInt &b) {
  BigInt out;
  if (a.negative_ == b.negative_) {
    out.limbs_ = addMagnitude(a.limbs_, b.limbs_);
    out.negative_ = a.negative_;
  } else if (compareMagnitude(a.limbs_, b.limbs_) >= 0) {
    out.limbs_ = subMagnitude(a.limbs_, b.limbs_);
    out.negative_ = a.negative_;
  } else {
    out.limbs_ = subMagnitude(b.limbs_, a.limbs_);
    out.negative_ = b.negative_;
  }
  out.trim();
  return out;
}

BigInt operator*(const BigInt &a, const BigInt &b) {
  BigInt out;
  out.limbs_.assign(a.limbs_.size() + b.limbs_.size(), 0);
  for (size_t i = 0; i < a.limbs_.size(); ++i) {
    uint64_t carry = 0;
    for (size_t j = 0; j < b.limbs_.size(); ++j) {
      carry += static_cast<uint64_t>(a.limbs_[i]) * b.limbs_[j] + out.limbs_[i + j];
      out.limbs_[i + j] = static_cast<uint32_t>(carry);
      carry >>= 32;
    }
    out.limbs_[i + b.limbs_.size()] = static_cast<uint32_t>(carry);
  }
  out.negative_ = a.negative_ != b.negative_;
  out.trim();
  return out;
}

BigInt operator&(const BigInt &a, const BigInt &b) {
  return bitwise(a, b, [](uint32_t x, uint32_t y) { return x & y; });
}
BigInt operator|(const BigInt &a, const BigInt &b) {
  return bitwise(a, b, [](uint32_t x, uint32_t y) { return x | y; });
}
BigInt operator^(const BigInt &a, const BigInt &b) {
  return bitwise(a, b, [](uint32_t x, uint32_t y) { return x ^ y; });
}

BigInt BigInt::shiftLeft(size_t bits) const {
  if (isZero())
    return *this;
  BigInt out;
  out.limbs_.assign(bits / 32, 0);
  unsigned s = bits % 32;
  uint32_t carry = 0;
  for (uint32_t limb : limbs_) {
    out.limbs_.push_back(s ? (limb << s) | carry : limb);
    carry = s ? limb >> (32 - s) : 0;
  }
  out.limbs_.push_back(carry);
  out.negative_ = negative_;
  out.trim();
  return out;
}

BigInt BigInt::shiftRight(size_t bits) const {
  if (negative_) // floor(-a / 2^n) = -ceil(a / 2^n) = ~((a - 1) >> n)
    return ~(~*this).shiftRight(bits);
  BigInt out;
  unsigned s = bits % 32;
  for (size_t i = bits / 32; i < limbs_.size(); ++i) {
    uint64_t pair = limbs_[i] | (i + 1 < limbs_.size() ? static_cast<uint64_t>(limbs_[i + 1]) << 32 : 0);
    out.limbs_.push_back(static_cast<uint32_t>(pair >> s));
  }
  out.trim();
  return out;
}

void BigInt::floorDivMod(const BigInt &a, const BigInt &b, BigInt &quotient, BigInt &remainder) {
  BigInt q, r;
  if (compareMagnitude(a.limbs_, b.limbs_) < 0) {
    r.limbs_ = a.limbs_;
  } else if (b.limbs_.size() == 1) {
    q.limbs_ = a.limbs_;
    if (uint32_t rest = divSmall(q.limbs_, b.limbs_[0]))
      r.limbs_.push_back(rest);
  } else {
    divMagnitude(a.limbs_, b.limbs_, q.limbs_, r.limbs_);
  }
  q.negative_ = a.negative_ != b.negative_;
  r.negative_ = a.negative_;
  q.trim();
  r.trim();
  if (!r.isZero() && r.negative_ != b.negative_) {
    q = q - BigInt(1);
    r = r + b;
  }
  quotient = std::move(q);
  remainder = std::move(r);
}

BigInt BigInt::power(uint64_t exponent) const {
  BigInt result(1), square = *this;
  for (; exponent; exponent >>= 1) {
    if (exponent & 1)
      result = result * square;
    if (exponent > 1)
      square = square * square;
  }
  return result;
}

std::strong_ordering operator<=>(const BigInt &a, const BigInt &b) {
  if (a.negative_ != b.negative_)
    return a.negative_ ? std::strong_ordering::less : std::strong_ordering::greater;
  int c = compareMagnitude(a.limbs_, b.limbs_);
  if (a.negative_)
    c = -c;
  return c <=> 0;
}

} // namespace tessera::py
