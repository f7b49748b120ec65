// Guards the meaning of programs through the LAYOUT pipeline: the mock device gives the interpreter's results.
//
// SPDX-License-Identifier: Apache-2.0
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
