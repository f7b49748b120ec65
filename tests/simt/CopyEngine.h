// CopyEngine.h - tensor copies of a block: boxes of arrays, the barriers that they complete on
//
// SPDX-License-Identifier: Apache-2.0
//
// Copies are done when they are started. A lane that waits for a phase is told whether it is over; who else is to run is the block's affair. The swizzle is done as copy engines do it, on byte
// offsets, and knows nothing of layouts.
#pragma once

#include "tests/simt/SharedBytes.h"

#include <functional>
#include <map>
#include <string>

namespace tessera::simt {

enum class BarrierCall : uint32_t { Init, Expect, Wait, End, Arrive };

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
  std::string copy(unsigned thread, const uint64_t *array, uint64_t offset, const int32_t *corner, bool loads,
                   uint64_t barrier);
  // All but Wait. warp: of the lane that calls.
  std::string barrier(BarrierCall call, unsigned warp, uint64_t offset, uint64_t value);
  // Whether the phase of that parity is over: then the warp knows what its arrivals knew. `error` where there is no such barrier.
  bool isOver(unsigned warp, uint64_t offset, uint64_t parity, std::string &error);

private:
  struct Barrier {
    int64_t arrivals = 1, left = 1, bytes = 0;
    uint64_t phase = 0;
    WarpClock arrived, passed; // what is known to arrivals of the phase that runs, and of those that are over
  };
  static void turn(Barrier &b);
  SharedBytes &shared_;
  std::function<bool(const void *, uint64_t)> holds_;
  std::map<uint64_t, Barrier> barriers_;
};

} // namespace tessera::simt
