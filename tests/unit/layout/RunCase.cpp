// RunCase.cpp - see RunCase.h
//
// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/layout/RunCase.h"

#include "core/interpreter/Interpreter.h"

namespace tessera {

namespace {

std::string reference(const conformance::Case &c, std::vector<std::vector<uint8_t>> &buffers) {
  interp::MemoryMap memory;
  std::vector<uint64_t> args;
  for (auto &b : buffers) {
    memory.add(reinterpret_cast<uint64_t>(b.data()), b.size(), "p" + std::to_string(args.size()));
    args.push_back(reinterpret_cast<uint64_t>(b.data()));
  }
  for (int32_t s : c.scalars)
    args.push_back(static_cast<uint32_t>(s));
  interp::Options options;
  options.checkMemory = true;
  options.memory = &memory;
  interp::Result r = interp::run(c.module, "k", {c.grid[0], c.grid[1], c.grid[2]}, args, options);
  return r.ok() ? std::string() : renderDiagnostic(r.diagnostics[0], false);
}

} // namespace

std::string runCase(const conformance::Case &c, const BothOptions &options) {
  std::vector<std::vector<uint8_t>> want, have;
  for (const conformance::Buffer &b : c.buffers)
    want.push_back(b.bytes);
  have = want;
  if (std::string why = reference(c, want); !why.empty())
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
