// Gf2.cpp - linear algebra over GF(2)
//
// SPDX-License-Identifier: Apache-2.0
#include "core/layout/Gf2.h"

#include <bit>

namespace tessera::layout {

std::pair<uint64_t, uint64_t> Span::reduce(uint64_t v) const {
  uint64_t combination = 0;
  while (v) {
    unsigned lead = 63 - std::countl_zero(v);
    if (!row_[lead])
      break;
    v ^= row_[lead];
    combination ^= combination_[lead];
  }
  return {v, combination};
}

bool Span::insert(uint64_t v) {
  auto [rest, combination] = reduce(v);
  unsigned index = inserted_++;
  if (!rest)
    return false;
  unsigned lead = 63 - std::countl_zero(rest);
  row_[lead] = rest;
  combination_[lead] = combination ^ (index < 64 ? uint64_t(1) << index : 0);
  ++rank_;
  return true;
}

std::optional<uint64_t> Span::solve(uint64_t v) const {
  auto [rest, combination] = reduce(v);
  if (rest)
    return std::nullopt;
  return combination;
}

unsigned rankOf(const Vectors &vectors) { return Span(vectors).rank(); }

Vectors independent(const Vectors &vectors) { return complement({}, vectors); }

Vectors nullSpace(const Vectors &columns) {
  Span span;
  Vectors kernel;
  for (size_t i = 0; i < columns.size(); ++i) {
    std::optional<uint64_t> combination = span.solve(columns[i]);
    if (combination)
      kernel.push_back(*combination | (uint64_t(1) << i));
    span.insert(columns[i]);
  }
  return kernel;
}

Vectors intersect(const Vectors &a, const Vectors &b) {
  // x in both spans: a combination of independent a's that equals one of b's; read it off the kernel of [a | b].
  Vectors left = independent(a), both = left;
  for (uint64_t v : independent(b))
    both.push_back(v);
  Vectors result;
  for (uint64_t mask : nullSpace(both)) {
    uint64_t sum = 0;
    for (size_t i = 0; i < left.size(); ++i)
      if (mask >> i & 1)
        sum ^= left[i];
    result.push_back(sum);
  }
  return independent(result);
}

Vectors complement(const Vectors &of, const Vectors &universe) {
  Span span(of);
  Vectors result;
  for (uint64_t v : universe)
    if (span.insert(v))
      result.push_back(v);
  return result;
}

Vectors complementOfBoth(const Vectors &a, const Vectors &b, const Vectors &universe) {
  Vectors common = intersect(a, b);
  Vectors onlyA = complement(common, a), onlyB = complement(common, b);
  Vectors sum = common;
  sum.insert(sum.end(), onlyA.begin(), onlyA.end());
  sum.insert(sum.end(), onlyB.begin(), onlyB.end());
  // Outside of a + b everything is free; inside, e_i + f_i is in neither span and neither are sums of such pairs.
  Vectors result = complement(sum, universe);
  for (size_t i = 0; i < onlyA.size() && i < onlyB.size(); ++i)
    result.push_back(onlyA[i] ^ onlyB[i]);
  return result;
}

} // namespace tessera::layout
