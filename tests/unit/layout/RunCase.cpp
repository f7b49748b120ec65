// RunCase.cpp - see RunCase.h
//
// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/layout/RunCase.h"

#include "plugins/conformance/Reference.h"

namespace tessera {

std::string runCase(const conformance::Case &c, const BothOptions &options) {
  std::vector<std::vector<uint8_t>> want, have;
  for (const conformance::Buffer &b : c.buffers)
    want.push_back(b.bytes);
  have = want;
  if (std::string why = conformance::runReference(c, want); !why.empty())
    return "interpreter: " + why;
  std::vector<uint64_t> args;
  for (auto &b : have)
    args.push_back(reinterpret_cast<uint64_t>(b.data()));
  for (int32_t s : c.scalars)
    args.push_back(static_cast<uint32_t>(s));
  std::string why = runOnDevice(c.module, {c.grid[0], c.grid[1], c.grid[2]}, args, have, options);
  for (size_t i = 0; i < have.size() && why.empty(); ++i)
    why = conformance::compareBuffers(c.buffers[i], want[i], have[i]);
  return why;
}

} // namespace tessera
