// TileOps.cpp - reduce, scan, map_elementwise, sort, gather, histogram
// SPDX-License-Identifier: Apache-2.0
#include "core/interpreter/Program.h"

#include <algorithm>
#include <optional>

namespace tessera::interp {

using namespace tbc;

Program::Axis Program::axisOf(const Op &op) const {
  const auto &shape = typeOf(op.operands[0]).shape;
  auto axis = static_cast<size_t>(op.intAttr(AttrId::Axis));
  Axis a{1, static_cast<size_t>(shape[axis]), 1};
  for (size_t d = 0; d < shape.size(); ++d)
    (d < axis ? a.outer : a.inner) *= d == axis ? 1 : static_cast<size_t>(shape[d]);
  return a;
}

// A region of one binary op over its two arguments needs no region machinery. False: it is not of that kind.
bool Program::simpleCombine(const Op &op, const Axis &axis) {
  const Region &r = op.regions[0];
  if (op.operands.size() != 1 || r.ops.size() != 2 || r.ops[0].operands.size() != 2 || r.ops[0].results.size() != 1 ||
      r.ops[1].operands[0] != r.ops[0].results[0])
    return false;
  bool straight = r.ops[0].operands == r.args,
       crossed = r.ops[0].operands[0] == r.args[1] && r.ops[0].operands[1] == r.args[0];
  scalar::Context c;
  scalar::Fn f = scalar::scalarFn(m_, r.ops[0], c);
  if ((!straight && !crossed) || !f || op.results.size() > 1 || scalar::canBeUnspecified(r.ops[0].code) ||
      in(op, 0).shadow)
    return false;
  bool isScan = op.code == Opcode::Scan, reverse = op.intAttr(AttrId::Reverse);
  uint64_t *result = out(op.results[0]);
  In x = in(op, 0);
  for (size_t o = 0; o < axis.outer; ++o)
    for (size_t i = 0; i < axis.inner; ++i) {
      uint64_t acc = 0;
      for (size_t k = 0; k < axis.length; ++k) {
        size_t at = (o * axis.length + (reverse ? axis.length - 1 - k : k)) * axis.inner + i;
        acc = k == 0 ? x.bits[at] : straight ? f(c, acc, x.bits[at], 0) : f(c, x.bits[at], acc, 0);
        if (isScan)
          result[at] = acc;
      }
      if (!isScan)
        result[o * axis.inner + i] = acc;
    }
  return true;
}

bool Program::reduceOrScan(const Op &op) {
  Axis axis = axisOf(op);
  if (simpleCombine(op, axis))
    return true;
  bool isScan = op.code == Opcode::Scan, reverse = op.intAttr(AttrId::Reverse);
  const Region &r = op.regions[0];
  size_t n = op.operands.size();
  std::vector<In> x;
  std::vector<uint64_t *> result;
  for (size_t k = 0; k < n; ++k)
    x.push_back(in(op, k));
  for (ValueId v : op.results)
    result.push_back(out(v));
  std::vector<uint64_t> acc(n);
  std::vector<uint8_t> shadow(n);
  auto put = [&](size_t first, size_t at) {
    for (size_t j = 0; j < n; ++j) {
      result[first + j][at] = acc[j];
      if (shadow[j])
        outShadow(op.results[first + j])[at] = 1;
    }
  };
  std::optional<size_t> totals; // the first of the results without the axis
  if (!isScan)
    totals = 0;
  else if (op.results.size() > n)
    totals = n;
  for (size_t o = 0; o < axis.outer; ++o)
    for (size_t i = 0; i < axis.inner; ++i) {
      for (size_t k = 0; k < axis.length; ++k) {
        size_t at = (o * axis.length + (reverse ? axis.length - 1 - k : k)) * axis.inner + i;
        if (k) {
          for (size_t j = 0; j < n; ++j) {
            setScalar(r.args[j], acc[j], shadow[j]);
            setScalar(r.args[n + j], x[j].bits[at], x[j].unspecified(at));
          }
          if (!region(r))
            return false;
        }
        for (size_t j = 0; j < n; ++j) {
          acc[j] = k ? values_[r.ops.back().operands[j]].scalar : x[j].bits[at];
          shadow[j] = k ? values_[r.ops.back().operands[j]].shadow : x[j].unspecified(at);
        }
        if (isScan)
          put(0, at);
      }
      if (totals)
        put(*totals, o * axis.inner + i);
    }
  return true;
}

bool Program::mapElementwise(const Op &op) {
  const Region &r = op.regions[0];
  auto pack = static_cast<size_t>(std::max<int64_t>(op.intAttr(AttrId::Pack, 1), 1));
  size_t n = op.operands.size();
  std::vector<In> x;
  std::vector<uint64_t *> result;
  for (ValueId v : op.results)
    result.push_back(out(v));
  for (size_t k = 0; k < n; ++k)
    x.push_back(in(op, k));
  // Arguments and yields are grouped by operand: the `pack` elements of the first, then those of the second, …
  for (size_t start = 0; start < x[0].count; start += pack) {
    for (size_t k = 0; k < n; ++k)
      for (size_t p = 0; p < pack; ++p)
        setScalar(r.args[k * pack + p], x[k].bits[start + p], x[k].unspecified(start + p));
    if (!region(r))
      return false;
    const auto &yields = r.ops.back().operands;
    for (size_t k = 0; k < result.size(); ++k)
      for (size_t p = 0; p < pack; ++p) {
        const Value &v = values_[yields[k * pack + p]];
        result[k][start + p] = v.scalar;
        if (v.shadow)
          outShadow(op.results[k])[start + p] = 1;
      }
  }
  return true;
}

void Program::sort(const Op &op) {
  Axis axis = axisOf(op);
  Elem e = typeOf(op.operands[0]).elem;
  bool descending = op.intAttr(AttrId::Descending);
  uint64_t *r = out(op.results[0]);
  In x = in(op, 0);
  bool anyShadow = x.shadow && std::any_of(x.shadow, x.shadow + x.count, [](uint8_t s) { return s != 0; });
  struct Key {
    double f;
    int64_t i;
    uint64_t bits;
    size_t place;
  };
  std::vector<Key> keys(axis.length);
  for (size_t o = 0; o < axis.outer; ++o)
    for (size_t i = 0; i < axis.inner; ++i) {
      for (size_t k = 0; k < axis.length; ++k) {
        uint64_t bits = x.bits[(o * axis.length + k) * axis.inner + i];
        keys[k] = {isFloat(e) ? scalar::decodeFloat(e, bits) : 0,
                   isFloat(e) ? 0 : scalar::signExtend(bits, scalar::intBits(e)), bits, k};
      }
      std::sort(keys.begin(), keys.end(), [&](const Key &a, const Key &b) {
        bool aNan = a.f != a.f, bNan = b.f != b.f;
        if (aNan != bNan)
          return bNan; // last in either direction
        const Key &lo = descending ? b : a, &hi = descending ? a : b;
        if (!aNan && lo.f != hi.f)
          return lo.f < hi.f;
        return lo.i != hi.i ? lo.i < hi.i : a.place < b.place;
      });
      for (size_t k = 0; k < axis.length; ++k)
        r[(o * axis.length + k) * axis.inner + i] = keys[k].bits;
    }
  if (anyShadow) // one unspecified key may have moved every element
    std::fill_n(outShadow(op.results[0]), x.count, 1);
}

void Program::gather(const Op &op) {
  Axis source = axisOf(op);
  ValueId v = op.results[0];
  uint64_t *r = out(v);
  In x = in(op, 0), index = in(op, 1);
  unsigned width = scalar::intBits(typeOf(op.operands[1]).elem);
  size_t length = index.count / (source.outer * source.inner);
  for (size_t o = 0; o < source.outer; ++o)
    for (size_t k = 0; k < length; ++k)
      for (size_t i = 0; i < source.inner; ++i) {
        size_t at = (o * length + k) * source.inner + i;
        int64_t from = scalar::signExtend(index.bits[at], width);
        bool inside = from >= 0 && from < static_cast<int64_t>(source.length);
        size_t place = inside ? (o * source.length + static_cast<size_t>(from)) * source.inner + i : 0;
        r[at] = inside ? x.bits[place] : 0;
        if (tracks() && !inside && !index.unspecified(at))
          report(DiagId::OutOfBounds, op,
                 "gather: index " + std::to_string(from) + " is outside the " + std::to_string(source.length) +
                     " elements of the axis");
        if (tracks() && (!inside || index.unspecified(at) || x.unspecified(place)))
          outShadow(v)[at] = 1;
      }
}

void Program::histogram(const Op &op) {
  ValueId v = op.results[0];
  size_t bins = countOf(v);
  uint64_t *r = out(v);
  std::fill_n(r, bins, 0);
  In x = in(op, 0), mask = in(op, op.operands.size() > 1 ? 1 : 0);
  unsigned width = scalar::intBits(typeOf(op.operands[0]).elem);
  for (size_t i = 0; i < x.count; ++i) {
    if (!active(op, op.operands.size() > 1 ? &mask : nullptr, i))
      continue;
    if (x.unspecified(i))
      report(DiagId::UninitialisedRead, op, "a histogram counts an unspecified value");
    int64_t bin = scalar::signExtend(x.bits[i], width);
    if (bin >= 0 && bin < static_cast<int64_t>(bins))
      r[bin] = static_cast<uint32_t>(r[bin] + 1);
  }
}

} // namespace tessera::interp
