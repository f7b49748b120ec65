// RunText.h - runs the kernel of a text module on the mock device
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytecode/Text.h"
#include "core/bytecode/Verifier.h"
#include "plugins/mock/device/Program.h"

#include <gtest/gtest.h>

namespace tessera::mock {

struct AnyMemory final : GlobalMemory {
  std::vector<std::pair<uint64_t, uint64_t>> blocks;
  bool holds(uint64_t address, uint64_t bytes) const override {
    for (auto [at, n] : blocks)
      if (address >= at && address + bytes <= at + n)
        return true;
    return false;
  }
};

// Runs the only kernel of a text module on float arrays; the fault's message, or empty.
inline std::string runText(const std::string &text, const std::vector<std::vector<float> *> &arrays,
                           std::vector<uint64_t> scalars = {}, unsigned warps = 4, int32_t grid = 1) {
  auto parsed = tbc::parse(text);
  EXPECT_TRUE(parsed) << parsed.error;
  if (!parsed)
    return "parse";
  const tbc::Module &m = *parsed.module;
  auto errors = tbc::verifyModule(m);
  EXPECT_TRUE(errors.empty()) << tbc::verifyErrorText(m, errors);
  if (!errors.empty())
    return "verify";
  AnyMemory memory;
  std::vector<uint64_t> args;
  for (auto *a : arrays) {
    memory.blocks.push_back({reinterpret_cast<uint64_t>(a->data()), a->size() * 4});
    args.push_back(reinterpret_cast<uint64_t>(a->data()));
  }
  args.insert(args.end(), scalars.begin(), scalars.end());
  try {
    LayoutTables tables(m, warps);
    LaunchState launch{m, m.functions[0], tables, memory, {grid, 1, 1}, warps, [](const std::string &) {}, {}};
    for (int32_t x = 0; x < grid; ++x) {
      int32_t id[3] = {x, 0, 0};
      Program(launch, id).run(args);
    }
  } catch (const Fault &f) {
    return f.what();
  }
  return {};
}

inline void expectFault(const std::string &error, const char *message) {
  EXPECT_NE(error.find(message), std::string::npos) << "'" << error << "' instead of: " << message;
}

} // namespace tessera::mock
