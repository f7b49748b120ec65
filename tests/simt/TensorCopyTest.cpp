// Guards tensor copies through the lane emitter: boxes, coordinates and barriers, against pointers in the interpreter.
//
// SPDX-License-Identifier: Apache-2.0
#include "tests/simt/Block.h"
#include "tests/simt/RunOnSimt.h"
#include "tests/unit/layout/DescriptorKernels.h"

#include "gtest/gtest.h"

using namespace tessera;

namespace {

BothOptions optionsFor(unsigned warps) {
  BothOptions options;
  options.warps = warps;
  options.tensorCopies = true;
  options.menu = simt::matrixMenu();
  options.device = simt::lanesOfTheHost({});
  return options;
}

} // namespace

TEST(SimtTensorCopies, Windows) {
  for (unsigned warps : {1u, 4u})
    for (const char *type : {"f32", "f16", "i32"})
      for (auto [rows, columns] : {std::pair(8, 8), {16, 16}, {32, 32}, {8, 64}, {2, 128}, {16, 64}})
        for (auto [m, n] : {std::pair(40, 64), {37, 33}, {0, 5}}) {
          BothOptions options = optionsFor(warps);
          options.grid = 20;
          int copies = 0;
          options.copies = &copies;
          size_t bytes = 64 * 64 * (type[1] == '1' ? 2 : 4);
          std::vector<uint8_t> in = samples::halves(bytes / 2), out(bytes, 0x11);
          EXPECT_EQ(runBoth(samples::windowKernel(type, rows, columns, n), {in, out}, {m, n}, options), "")
              << type << " " << rows << " x " << columns << " of " << m << " x " << n << ", " << warps << " warps";
          EXPECT_EQ(copies, samples::hasWholeRows(type, n) ? 2 : 1); // the load and the store
          if (warps == 1)
            continue;
          EXPECT_EQ(runBoth(samples::windowKernel(type, rows, columns, n, "zero", /*inFront=*/true), {in, out}, {m, n},
                            options),
                    "");
          EXPECT_EQ(copies, 1);
        }
}

TEST(SimtTensorCopies, LoopsOfProducts) {
  for (bool transposed : {false, true})
    for (int stages : {1, 2, 4})
      for (auto [k, m] : {std::pair(0, 64), {16, 64}, {128, 64}, {104, 41}}) {
        BothOptions options = optionsFor(4);
        int rings = 0;
        options.rings = &rings;
        EXPECT_EQ(runBoth(samples::productKernel(transposed, stages),
                          {samples::halves(8192 + 4096), std::vector<uint8_t>(2048 * 4)}, {k, m}, options),
                  "")
            << (transposed ? "transposed, " : "") << stages << " stages, k " << k << ", m " << m;
        EXPECT_EQ(rings, stages == 1 ? 1 : 3);
      }
}
