// KitCasesTest.cpp - every kernel of the conformance kit (op x type x shape) on the mock device, against the interpreter
//
// SPDX-License-Identifier: Apache-2.0
//
// `tessera-conformance` gives plugins the TILE form; what takes LAYOUT gets it here, from the core's passes.
#include "tests/unit/layout/RunCase.h"

#include "gtest/gtest.h"

using namespace tessera;

TEST(KitCases, MeanTheSameOnTheMockDevice) {
  std::vector<conformance::Case> cases = conformance::allCases();
  size_t ran = 0, foreign = 0;
  for (size_t i = 0; i < cases.size(); ++i) {
    BothOptions options;
    options.warps = 1u << i % 4;
    options.matrix = i % 3 == 0;
    options.shuffles = i % 5 != 0;
    std::string why = runCase(cases[i], options);
    if (why.starts_with("from bytecode")) {
      ++foreign;
      continue;
    }
    ++ran;
    EXPECT_EQ(why, "") << cases[i].name << ", " << options.warps << " warps" << (options.matrix ? ", matrix" : "");
  }
  std::printf("report: %zu of the kit's kernels ran, %zu have no tile IR\n", ran, foreign);
  EXPECT_GT(ran, 10 * foreign);
}
