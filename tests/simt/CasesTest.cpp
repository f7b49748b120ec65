// CasesTest.cpp - every kernel of the conformance kit (op x type x shape) through the lane emitter, against the interpreter
//
// SPDX-License-Identifier: Apache-2.0
//
// The kit's kernels are TILE; the core's LAYOUT passes bring them onto the device, with 1, 2, 4 and 8 warps in turn and with and
// without matrix instructions. `./dev test` takes every eleventh, --full all.
#include "core/interpreter/Interpreter.h"
#include "plugins/conformance/Case.h"
#include "tests/simt/Block.h"
#include "tests/simt/RunOnSimt.h"

#include "gtest/gtest.h"

#include <cstdlib>

using namespace tessera;

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

// Empty where the device agrees; "from bytecode…" where tile IR cannot hold the kernel.
std::string onDevice(const conformance::Case &c, const BothOptions &options) {
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

} // namespace

TEST(SimtCases, TheKitsKernelsMeanTheSame) {
  std::vector<conformance::Case> cases = conformance::allCases();
  const char *only = std::getenv("TESSERA_SIMT_CASE");
  size_t stride = only || std::getenv("TESSERA_FULL_TESTS") ? 1 : 11, ran = 0, foreign = 0;
  for (size_t i = 0; i < cases.size(); i += stride) {
    const conformance::Case &c = cases[i];
    if (only && c.name.find(only) == std::string::npos)
      continue;
    BothOptions options;
    options.warps = 1u << i % 4;
    bool matrix = i % 3 == 0;
    options.device = simt::lanesOfTheHost({.warpReductions = matrix});
    if (matrix)
      options.menu = simt::matrixMenu();
    std::string why = onDevice(c, options);
    if (why.starts_with("from bytecode")) {
      ++foreign;
      continue;
    }
    ++ran;
    EXPECT_EQ(why, "") << c.name << ", " << options.warps << " warps" << (matrix ? ", matrix" : "");
  }
  std::printf("report: %zu of the kit's kernels ran, %zu have no tile IR\n", ran, foreign);
  EXPECT_GT(ran, 0u);
}
