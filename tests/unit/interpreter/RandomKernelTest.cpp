// RandomKernelTest.cpp - random kernels are valid, leave nothing unspecified, and mean the same through bytes
// SPDX-License-Identifier: Apache-2.0
#include "tests/lib/RandomKernel.h"

#include "core/bytecode/Reader.h"
#include "core/bytecode/Text.h"
#include "core/bytecode/Verifier.h"
#include "core/bytecode/Writer.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>

using namespace tessera;
using namespace tessera::samples;

TEST(RandomKernel, ValidAndFullySpecified) {
  std::map<tbc::Opcode, int> seen;
  std::function<void(const tbc::Region &)> count = [&](const tbc::Region &r) {
    for (const tbc::Op &o : r.ops) {
      ++seen[o.code];
      for (const tbc::Region &inner : o.regions)
        count(inner);
    }
  };
  for (uint64_t seed = 0; seed < 250; ++seed) {
    RandomKernel k = randomKernel(seed);
    count(k.module.functions[0].body);
    ASSERT_EQ(tbc::verifyErrorText(k.module, tbc::verifyModule(k.module)), "") << seed << "\n" << tbc::print(k.module);
    auto buffers = k.initialBuffers();
    ASSERT_EQ(runReference(k, buffers), "") << seed << "\n" << tbc::print(k.module);
    if (seed % 10)
      continue;
    // The same through bytes, and the same again.
    tbc::ReadResult read = tbc::readModule(tbc::writeModule(k.module).bytes);
    ASSERT_TRUE(read) << read.text();
    RandomKernel again = randomKernel(seed);
    EXPECT_EQ(tbc::print(k.module), tbc::print(again.module));
    again.module = *read.module;
    auto second = again.initialBuffers();
    EXPECT_EQ(runReference(again, second), "");
    EXPECT_EQ(second, buffers);
    EXPECT_EQ(compareBuffers(k, buffers, second), "");
  }
  for (unsigned n = 1; n <= static_cast<unsigned>(tbc::Opcode::DotScaled); ++n)
    if (const tbc::OpInfo *info = tbc::opInfo(static_cast<tbc::Opcode>(n))) {
      // Code of one target has no meaning that all share.
      bool isTargetCode = info->code == tbc::Opcode::InlineAsm || info->code == tbc::Opcode::ExternElementwise;
      EXPECT_TRUE(isTargetCode || seen[info->code]) << info->name;
    }
}

TEST(RandomKernel, OptionsHold) {
  RandomOptions o;
  o.fp8 = o.f64 = o.control = o.tileOps = o.memory = o.elementary = o.effects = false;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    std::string text = tbc::print(randomKernel(seed, o).module);
    for (const char *word : {"xf8", "f64", " for ", " if ", " while ", "reduce", "scan", "dot", "sort", "atomic",
                             " exp ", "print", "assert", "barrier"})
      EXPECT_EQ(text.find(word), std::string::npos) << word << " with seed " << seed;
  }
}

TEST(RandomKernel, ComparisonFindsDifferences) {
  RandomKernel k = randomKernel(1);
  auto want = k.initialBuffers(), got = want;
  got.back().back() ^= 0x40;
  EXPECT_NE(compareBuffers(k, want, got), "");
  EXPECT_EQ(compareBuffers(k, want, want), "");
}
