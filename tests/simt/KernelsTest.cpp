// KernelsTest.cpp - random programs and random kernels through the lane emitter, against the interpreter
//
// SPDX-License-Identifier: Apache-2.0
#include "core/bytecode/Text.h"
#include "tests/lib/RandomKernel.h"
#include "tests/simt/Block.h"
#include "tests/simt/RunOnSimt.h"
#include "tests/unit/layout/RandomPrograms.h"

#include "gtest/gtest.h"

#include <cstdlib>
#include <cstring>
#include <random>

using namespace tessera;

namespace {

bool full() { return std::getenv("TESSERA_FULL_TESTS") != nullptr; }

BothOptions optionsFor(uint64_t seed) {
  BothOptions options;
  options.warps = 1u << seed % 4;
  options.shuffles = seed % 5 != 0;
  options.device = simt::lanesOfTheHost({.warpReductions = seed % 2 != 0});
  options.blockTransfers = seed % 4 < 2;
  if (seed % 3 == 0)
    options.menu = simt::matrixMenu();
  return options;
}

std::vector<uint8_t> randomInts(uint32_t seed, size_t count) {
  std::mt19937 rng(seed);
  std::vector<uint8_t> bytes(count * 4);
  for (size_t i = 0; i < count; ++i) {
    uint32_t v = rng();
    std::memcpy(&bytes[i * 4], &v, 4);
  }
  return bytes;
}

} // namespace

TEST(SimtKernels, RandomProgramsMeanTheSame) {
  std::vector<std::vector<uint8_t>> buffers = {randomInts(1, 4096), std::vector<uint8_t>(4096 * 4)};
  for (uint32_t seed = 0; seed < (full() ? 1000u : 60u); ++seed) {
    std::string text = randomProgram(seed);
    std::string error = runBoth(text, buffers, {static_cast<int32_t>(seed % 4)}, optionsFor(seed));
    EXPECT_EQ(error, "") << "seed " << seed << "\n" << text;
  }
}

TEST(SimtKernels, RandomKernelsMeanTheSame) {
  unsigned ran = 0;
  uint64_t kernels = full() ? 1000 : 60;
  for (uint64_t seed = 0; seed < kernels; ++seed) {
    samples::RandomOptions kind;
    kind.fp8 = false; // conversions straight to f8e4b15 have no tile IR
    samples::RandomKernel k = samples::randomKernel(seed, kind);
    std::vector<std::vector<uint8_t>> want = k.initialBuffers(), have = want;
    ASSERT_EQ(samples::runReference(k, want), "");
    std::string error = runOnDevice(k.module, k.grid, k.arguments(have), have, optionsFor(seed));
    if (error.starts_with("from bytecode"))
      continue; // an op on a type that the bytecode has and tile IR has not, like mulhisi of i1
    ++ran;
    EXPECT_EQ(error, "") << "seed " << seed << "\n" << tbc::print(k.module);
    if (error.empty())
      EXPECT_EQ(samples::compareBuffers(k, want, have), "") << "seed " << seed << "\n" << tbc::print(k.module);
  }
  EXPECT_GE(ran, kernels / 8);
}
