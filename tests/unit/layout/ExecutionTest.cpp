// Guards the meaning of programs through the LAYOUT pipeline: the mock device gives the interpreter's results.
//
// SPDX-License-Identifier: Apache-2.0
#include "core/bytecode/Text.h"
#include "tests/lib/RandomKernel.h"
#include "tests/unit/layout/RandomPrograms.h"
#include "tests/unit/layout/RunBoth.h"

#include "gtest/gtest.h"

#include <cstring>
#include <random>

using namespace tessera;

static std::vector<uint8_t> randomInts(uint32_t seed, size_t count) {
  std::mt19937 rng(seed);
  std::vector<uint8_t> bytes(count * 4);
  for (size_t i = 0; i < count; ++i) {
    uint32_t v = rng();
    std::memcpy(&bytes[i * 4], &v, 4);
  }
  return bytes;
}

TEST(Execution, RandomProgramsMeanTheSame) {
  std::vector<std::vector<uint8_t>> buffers = {randomInts(1, 4096), std::vector<uint8_t>(4096 * 4)};
  for (uint32_t seed = 0; seed < 120; ++seed) {
    std::string text = randomProgram(seed);
    BothOptions options;
    options.warps = 1u << seed % 4;
    options.shuffles = seed % 5 != 0;
    std::string error = runBoth(text, buffers, {static_cast<int32_t>(seed % 4)}, options);
    ASSERT_EQ(error, "") << "seed " << seed << "\n" << text;
  }
}

// The kernels that every backend has to get right: all element types, masks, atomics, functions, control flow.
TEST(Execution, RandomKernelsOfEveryKindMeanTheSame) {
  unsigned ran = 0;
  for (uint64_t seed = 0; seed < 80; ++seed) {
    samples::RandomOptions kind;
    kind.fp8 = false; // conversions straight to f8e4b15 have no tile IR
    samples::RandomKernel k = samples::randomKernel(seed, kind);
    std::vector<std::vector<uint8_t>> want = k.initialBuffers(), have = want;
    ASSERT_EQ(samples::runReference(k, want), "");
    BothOptions options;
    options.warps = 1u << seed % 3;
    std::string error = runOnDevice(k.module, k.grid, k.arguments(have), have, options);
    if (error.starts_with("from bytecode"))
      continue; // an op on a type that the bytecode has and tile IR has not, like mulhisi of i1
    ++ran;
    ASSERT_EQ(error, "") << "seed " << seed << "\n" << tbc::print(k.module);
    ASSERT_EQ(samples::compareBuffers(k, want, have), "") << "seed " << seed << "\n" << tbc::print(k.module);
  }
  EXPECT_GE(ran, 10u);
}
