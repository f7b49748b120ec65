// CopyEngine.h - tensor copies of a block: boxes of arrays, the barriers that they complete on
//
// SPDX-License-Identifier: Apache-2.0
//
// Copies are done when they are started; what a wait finds unfinished is an error. The swizzle is done as copy engines do it, on byte
// offsets, and knows nothing of layouts.
#pragma once

#include "tests/simt/SharedBytes.h"

#include <functional>
#include <map>
#include <string>

namespace tessera::simt {

enum class BarrierCall : uint32_t { Init, Expect, Wait, End };

// What tensor_map says, as 64-bit words: element bytes, rank, bits of the fill, swizzle bytes; then box, extents (1 to 5 each), strides in
// elements, a dim each; last the address.
struct ArrayWords {
  static constexpr unsigned kFacts = 4;
  static constexpr unsigned count(unsigned rank) { return kFacts + 3 * rank + 1; }
};

class CopyEngine {
public:
  CopyEngine(SharedBytes &shared, std::function<bool(const void *, uint64_t)> holds)
      : shared_(shared), holds_(std::move(holds)) {}
  void reset() { barriers_.clear(); }
  // Each gives the error in words; empty: none. Offsets in shared memory, in bytes.
  std::string copy(const uint64_t *array, uint64_t offset, const int32_t *corner, bool loads, uint64_t barrier);
  std::string barrier(BarrierCall call, uint64_t offset, uint64_t value);

private:
  struct Barrier {
    int64_t arrivals = 1, left = 1, bytes = 0;
    uint64_t phase = 0;
  };
  static void turn(Barrier &b);
  SharedBytes &shared_;
  std::function<bool(const void *, uint64_t)> holds_;
  std::map<uint64_t, Barrier> barriers_;
};

} // namespace tessera::simt
