// Dot.cpp - matrix products
// SPDX-License-Identifier: Apache-2.0
//
// Sums run over k in order, in float (f64: double, i8: int32), from the accumulator on, and are rounded into its type once
// at the end. The reduced-precision forms that `precision` allows are computed in full.
#include "core/interpreter/Program.h"

#include <algorithm>

namespace tessera::interp {

using namespace tbc;

namespace {
struct Extents {
  size_t batch, m, n, k;
};

Extents extentsOf(const Type &a, const Type &c) {
  size_t r = c.shape.size();
  auto at = [](const Type &t, size_t d) { return static_cast<size_t>(t.shape[d]); };
  return {r == 3 ? at(c, 0) : 1, at(c, r - 2), at(c, r - 1), at(a, r - 1)};
}

template <class T> T decode(Elem e, uint64_t bits) {
  if constexpr (std::is_integral_v<T>)
    return static_cast<T>(scalar::signExtend(bits, scalar::intBits(e)));
  else
    return static_cast<T>(scalar::decodeFloat(e, bits));
}

template <class T> std::vector<T> decodeAll(Elem e, const In &x) {
  std::vector<T> v(x.count);
  for (size_t i = 0; i < x.count; ++i)
    v[i] = decode<T>(e, x.bits[i]);
  return v;
}

// c += a @ b for one batch after the other; rows of b are walked, so that memory is read in order.
template <class T> void multiply(const Extents &e, const T *a, const T *b, T *c) {
  for (size_t batch = 0; batch < e.batch; ++batch, a += e.m * e.k, b += e.k * e.n, c += e.m * e.n)
    for (size_t i = 0; i < e.m; ++i)
      for (size_t k = 0; k < e.k; ++k) {
        T x = a[i * e.k + k];
        const T *row = b + k * e.n;
        T *sum = c + i * e.n;
        for (size_t j = 0; j < e.n; ++j) {
          if constexpr (std::is_integral_v<T>)
            sum[j] = static_cast<T>(static_cast<uint32_t>(sum[j]) +
                                    static_cast<uint32_t>(x) * static_cast<uint32_t>(row[j]));
          else
            sum[j] += x * row[j];
        }
      }
}

template <class T>
void product(const Extents &e, Elem ea, Elem eb, Elem ec, const In &a, const In &b, const In &c, uint64_t *r) {
  std::vector<T> x = decodeAll<T>(ea, a), y = decodeAll<T>(eb, b), sum = decodeAll<T>(ec, c);
  multiply(e, x.data(), y.data(), sum.data());
  for (size_t i = 0; i < sum.size(); ++i) {
    if constexpr (std::is_integral_v<T>)
      r[i] = static_cast<uint32_t>(sum[i]);
    else
      r[i] = scalar::encodeFloat(ec, sum[i]);
  }
}

// An element of the result is unspecified where one of its row of a, of its column of b, or its accumulator is.
void spread(const Extents &e, const In &a, const In &b, const In &c, uint8_t *shadow) {
  for (size_t batch = 0; batch < e.batch; ++batch)
    for (size_t i = 0; i < e.m; ++i)
      for (size_t j = 0; j < e.n; ++j) {
        size_t at = (batch * e.m + i) * e.n + j;
        bool any = c.unspecified(at);
        for (size_t k = 0; k < e.k && !any; ++k)
          any = a.unspecified((batch * e.m + i) * e.k + k) || b.unspecified((batch * e.k + k) * e.n + j);
        shadow[at] = any;
      }
}
} // namespace

void Program::dot(const Op &op) {
  const Type &ta = typeOf(op.operands[0]), &tc = typeOf(op.operands[2]);
  Elem ea = ta.elem, eb = typeOf(op.operands[1]).elem, ec = tc.elem;
  Extents e = extentsOf(ta, tc);
  uint64_t *r = out(op.results[0]);
  In a = in(op, 0), b = in(op, 1), c = in(op, 2);
  if (isInteger(ec))
    product<int32_t>(e, ea, eb, ec, a, b, c, r);
  else if (ec == Elem::F64 || ea == Elem::F64)
    product<double>(e, ea, eb, ec, a, b, c, r);
  else
    product<float>(e, ea, eb, ec, a, b, c, r);
  if (a.shadow || b.shadow || c.shadow)
    spread(e, a, b, c, outShadow(op.results[0]));
}

namespace {
// The elements of one side of dot_scaled, unpacked and scaled: [batch, rows, k], rows being m or n.
struct Side {
  ScaledFormat format;
  bool kPack, isRhs;
  size_t batch, rows, k;

  double element(const In &x, size_t b, size_t row, size_t at) const {
    size_t r = row, c = at, width = isRhs ? rows : k, height = isRhs ? k : rows; // of the unpacked matrix
    if (isRhs)
      std::swap(r, c);
    unsigned shift = 0;
    if (format == ScaledFormat::E2M1) {
      // Two values a byte, the low nibble first, along k or along the other dim.
      bool alongColumns = kPack != isRhs;
      size_t &packed = alongColumns ? c : r;
      shift = packed % 2 ? 4 : 0;
      packed /= 2;
      (alongColumns ? width : height) /= 2;
    }
    uint64_t bits = x.bits[(b * height + r) * width + c];
    switch (format) {
    case ScaledFormat::E2M1:
      return scalar::decodeE2M1(static_cast<unsigned>(bits >> shift & 15));
    case ScaledFormat::E4M3:
      return scalar::decodeFloat(Elem::F8E4M3FN, bits);
    case ScaledFormat::E5M2:
      return scalar::decodeFloat(Elem::F8E5M2, bits);
    case ScaledFormat::BF16:
      return scalar::decodeFloat(Elem::BF16, bits);
    case ScaledFormat::FP16:
      return scalar::decodeFloat(Elem::F16, bits);
    }
    return 0;
  }
};
} // namespace

void Program::dotScaled(const Op &op) {
  const Type &tc = typeOf(op.operands[2]);
  size_t rank = tc.shape.size(), batch = rank == 3 ? static_cast<size_t>(tc.shape[0]) : 1;
  auto m = static_cast<size_t>(tc.shape[rank - 2]), n = static_cast<size_t>(tc.shape[rank - 1]);
  auto format = static_cast<ScaledFormat>(op.intAttr(AttrId::LhsFormat));
  bool lhsKPack = op.intAttr(AttrId::LhsKPack);
  auto k =
      static_cast<size_t>(typeOf(op.operands[0]).shape[rank - 1]) * (format == ScaledFormat::E2M1 && lhsKPack ? 2 : 1);
  Side sides[2] = {
      {format, lhsKPack, false, batch, m, k},
      {static_cast<ScaledFormat>(op.intAttr(AttrId::RhsFormat)), op.intAttr(AttrId::RhsKPack) != 0, true, batch, n, k}};
  std::vector<double> matrix[2];
  bool unspecified = in(op, 2).shadow;
  size_t scaleAt = 3;
  for (size_t s = 0; s < 2; ++s) {
    const Side &side = sides[s];
    In x = in(op, s);
    unspecified |= x.shadow != nullptr;
    bool scaled = op.intAttr(AttrId::HasScales) >> s & 1;
    ValueId scaleValue = op.operands[scaled ? scaleAt++ : 2];
    In scales = in(scaleValue);
    bool isE4M3 = typeOf(scaleValue).elem == Elem::F8E4M3FN;
    size_t block = isE4M3 ? 16 : 32;
    unspecified |= scaled && scales.shadow;
    for (size_t b = 0; b < batch; ++b)
      for (size_t row = 0; row < side.rows; ++row)
        for (size_t at = 0; at < k; ++at) {
          double v = side.element(x, b, row, at);
          if (scaled) {
            uint64_t bits = scales.bits[(b * side.rows + row) * (k / block) + at / block];
            v *= isE4M3 ? scalar::decodeFloat(Elem::F8E4M3FN, bits) : scalar::decodeE8M0(static_cast<unsigned>(bits));
          }
          matrix[s].push_back(v);
        }
  }
  uint64_t *r = out(op.results[0]);
  In c = in(op, 2);
  for (size_t b = 0; b < batch; ++b)
    for (size_t i = 0; i < m; ++i)
      for (size_t j = 0; j < n; ++j) {
        double sum = scalar::decodeFloat(tc.elem, c.bits[(b * m + i) * n + j]);
        for (size_t at = 0; at < k; ++at)
          sum += matrix[0][(b * m + i) * k + at] * matrix[1][(b * n + j) * k + at];
        r[(b * m + i) * n + j] = scalar::encodeFloat(tc.elem, sum);
      }
  if (unspecified)
    std::fill_n(outShadow(op.results[0]), batch * m * n, 1);
}

} // namespace tessera::interp
