// Reference.cpp - see Reference.h
// SPDX-License-Identifier: Apache-2.0
#include "plugins/conformance/Reference.h"

#include "core/interpreter/Interpreter.h"

namespace tessera::conformance {

std::string runReference(const Case &c, std::vector<std::vector<uint8_t>> &buffers) {
  interp::MemoryMap memory;
  std::vector<uint64_t> args;
  for (std::vector<uint8_t> &b : buffers) {
    uint64_t address = reinterpret_cast<uint64_t>(b.data());
    memory.add(address, b.size(), "p" + std::to_string(args.size()));
    args.push_back(address);
  }
  for (int32_t s : c.scalars)
    args.push_back(static_cast<uint32_t>(s));
  interp::Options options;
  options.checkMemory = true;
  options.memory = &memory;
  interp::Result r = interp::run(c.module, "k", {c.grid[0], c.grid[1], c.grid[2]}, args, options);
  return r.ok() ? std::string() : renderDiagnostic(r.diagnostics.front(), false);
}

} // namespace tessera::conformance
