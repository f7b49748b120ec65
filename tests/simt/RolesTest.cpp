// Guards roles through the lane emitter: barriers of the working lanes, arrivals, the lane that copies, against pointers in the interpreter.
//
// SPDX-License-Identifier: Apache-2.0
#include "tests/simt/Block.h"
#include "tests/simt/RunOnSimt.h"
#include "tests/unit/layout/DescriptorKernels.h"

#include "gtest/gtest.h"

using namespace tessera;

namespace {

void expectSplit(const std::string &kernel, int32_t k, int32_t tiles) {
  for (unsigned warps : {1u, 4u}) {
    BothOptions options;
    options.warps = warps;
    options.tensorCopies = true;
    options.roles = true;
    options.menu = simt::matrixMenu();
    options.device = simt::lanesOfTheHost({});
    int split = 0;
    options.split = &split;
    SCOPED_TRACE("k " + std::to_string(k) + ", tiles " + std::to_string(tiles) + ", " + std::to_string(warps) +
                 " warps");
    EXPECT_EQ(runBoth(kernel, {samples::halves(8192 + 4096), std::vector<uint8_t>(256 * 32 * 4)}, {k, tiles}, options),
              "");
    EXPECT_EQ(split, 1);
  }
}

} // namespace

TEST(SimtRoles, ALoopOfProducts) {
  for (bool transposed : {false, true})
    for (int stages : {2, 4})
      for (auto [k, m] : {std::pair(0, 64), {16, 64}, {128, 64}, {104, 41}}) {
        std::string text = samples::productKernel(transposed, stages);
        text.replace(text.find("{tile.num_stages"), 1, "{tile.loop_flags = 2 : i32, ");
        expectSplit(text, k, m);
      }
}

TEST(SimtRoles, TheCopiesGoOnToTheNextTile) {
  for (auto [k, tiles] : {std::pair(0, 2), {16, 3}, {128, 3}, {48, 0}})
    expectSplit(samples::persistentKernel({}), k, tiles);
}

TEST(SimtRoles, TwoProductsOfAnIteration) {
  for (int32_t k : {0, 32, 128})
    for (const std::string &text :
         {samples::twoProductsKernel(true, true), samples::loopTwice(samples::twoProductsKernel(true, true))})
      expectSplit(text, k, 1);
}
