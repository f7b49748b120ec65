// CasesTest.cpp - every kernel of the conformance kit (op x type x shape) through the lane emitter, against the interpreter
//
// SPDX-License-Identifier: Apache-2.0
//
// The kit's kernels are TILE; the core's LAYOUT passes bring them onto the device, with 1, 2, 4 and 8 warps in turn and with and
// without matrix instructions. `./dev test` takes every eleventh, --full all.
#include "tests/simt/Block.h"
#include "tests/simt/RunOnSimt.h"
#include "tests/unit/layout/RunCase.h"

#include "gtest/gtest.h"

#include <cstdlib>

using namespace tessera;

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
    std::string why = runCase(c, options);
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
