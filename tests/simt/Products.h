// Products.h - the unit that multiplies for groups of four warps, and what it reads of shared memory meanwhile
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/target/MatrixMenu.h"
#include "tests/simt/Lane.h"
#include "tests/simt/SharedBytes.h"

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <vector>

namespace tessera::simt {

// The number that the element type's bits stand for.
double valueOf(uint8_t elem, uint64_t bits);
// The bits of the sum, one operation of the element type.
uint64_t bitsOf(uint8_t elem, double value);

// A product is known when it is started. That its operands lay still until it was over is asked when it is waited for: what it read must then be there. Not
// thread-safe.
class Products {
public:
  static constexpr unsigned kWarps = 4; // of a group
  struct Part {                         // of one lane
    GroupOperands operands;
    const uint64_t *a = nullptr; // registers, null: in shared memory
    uint64_t *c = nullptr;
  };
  Products(SharedBytes &shared, unsigned warps) : shared_(shared), groups_(warps / kWarps + 1) {}
  // A new block: nothing runs.
  void reset();
  // One instruction of the group whose first warp this is; parts: of all its lanes in order. The error in words; empty: none.
  std::string start(unsigned warp, std::span<const Part> parts);
  // By each warp of the group; the first one's counts.
  void commit(unsigned warp);
  std::string wait(unsigned warp, uint32_t pending);

private:
  struct Read {
    uint64_t offset = 0, bits = 0;
    unsigned bytes = 1;
  };
  using Reads = std::vector<Read>;
  // rows x columns elements from `at` on, whose places `offsets` are; every one is noted in `reads`.
  std::string elements(unsigned warp, const void *at, const uint32_t *offsets, size_t count, uint8_t elem, Reads &reads,
                       std::vector<double> &values);

  SharedBytes &shared_;
  std::vector<std::deque<Reads>>
      groups_; // of each group of warps: what its groups of products read; the last one is open
};

} // namespace tessera::simt
