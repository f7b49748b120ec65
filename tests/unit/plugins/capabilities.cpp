// capabilities.cpp - what plugin authors read of capabilities is what the compiler reads them by
// SPDX-License-Identifier: Apache-2.0
#include "core/target/Target.h"
#include "plugins/abi/plugin.h"

#include <algorithm>
#include <gtest/gtest.h>

using namespace tessera;

namespace {

struct Row {
  int id;
  std::string name, unit, meaning;
};

const Row kCore[] = {
#define TSR_CAPABILITY(id, Name, text, unit, meaning) {id, text, unit, meaning},
#include "core/target/Capabilities.def"
};

const Row kAbi[] = {
#define TSR_CAPABILITY(number, name, unit, summary, source) {number, #name, unit, summary},
#include "plugins/abi/caps.def"
};

const char *const kSources[] = {
#define TSR_CAPABILITY(number, name, unit, summary, source) source,
#include "plugins/abi/caps.def"
};

TEST(Capabilities, TheAbiSaysWhatTheCoreReads) {
  ASSERT_EQ(std::size(kAbi), std::size(kCore));
  for (size_t i = 0; i < std::size(kCore); ++i) {
    const Row &core = kCore[i], &abi = kAbi[i];
    SCOPED_TRACE("row " + core.name + " of plugins/abi/caps.def");
    std::string name = abi.name;
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
    EXPECT_EQ(abi.id, core.id);
    EXPECT_EQ(name, core.name);
    EXPECT_EQ(abi.unit, core.unit);
    EXPECT_EQ(abi.meaning, core.meaning);
    EXPECT_NE(std::string(kSources[i]), "");
    EXPECT_EQ(target::capabilityName(static_cast<target::Capability>(abi.id)), name);
    EXPECT_EQ(target::capabilityUnit(static_cast<target::Capability>(abi.id)), abi.unit);
  }
}

TEST(Capabilities, NumbersAscend) {
  for (size_t i = 1; i < std::size(kAbi); ++i)
    EXPECT_LT(kAbi[i - 1].id, kAbi[i].id) << kAbi[i].name;
}

} // namespace
