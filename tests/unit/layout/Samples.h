// Samples.h - layouts to test with: all of a small size, and random ones from a fixed seed
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/layout/TensorLayouts.h"

#include <functional>
#include <random>

namespace tessera::layout {

// Every linear map from dims of these bits to dims of these bits (at most 2^12 of them, please).
inline void forEachLayout(const std::vector<Dim> &ins, const std::vector<Dim> &outs,
                          const std::function<void(const LinearLayout &)> &visit) {
  unsigned in = 0, out = 0;
  for (const Dim &d : ins)
    in += d.bits;
  for (const Dim &d : outs)
    out += d.bits;
  for (uint64_t code = 0; code < uint64_t(1) << in * out; ++code) {
    Vectors columns;
    for (unsigned i = 0; i < in; ++i)
      columns.push_back(code >> i * out & ((uint64_t(1) << out) - 1));
    visit(LinearLayout(ins, outs, columns));
  }
}

// A random surjective distributed layout of this shape.
inline LinearLayout randomDistributed(std::mt19937 &rng, const std::vector<int64_t> &shape, unsigned registers,
                                      unsigned lanes, unsigned warps) {
  std::vector<Dim> outs = tensorDims(shape);
  unsigned out = 0;
  for (const Dim &d : outs)
    out += d.bits;
  while (true) {
    Vectors columns;
    for (unsigned i = 0; i < registers + lanes + warps; ++i)
      columns.push_back(rng() & ((uint64_t(1) << out) - 1));
    if (rankOf(columns) == out)
      return LinearLayout({{"register", registers}, {"lane", lanes}, {"warp", warps}, {"block", 0}}, outs, columns);
  }
}

// A random permutation of plain bits, some of them copies where there are more places than bits: what real layouts are.
inline LinearLayout randomPermuted(std::mt19937 &rng, const std::vector<int64_t> &shape, unsigned registers,
                                   unsigned lanes, unsigned warps) {
  std::vector<Dim> outs = tensorDims(shape);
  Vectors columns;
  for (const Dim &d : outs)
    for (unsigned bit = 0; bit < d.bits; ++bit)
      columns.push_back(uint64_t(1) << columns.size());
  columns.resize(registers + lanes + warps, 0);
  std::shuffle(columns.begin(), columns.end(), rng);
  return LinearLayout({{"register", registers}, {"lane", lanes}, {"warp", warps}, {"block", 0}}, outs, columns);
}

} // namespace tessera::layout
