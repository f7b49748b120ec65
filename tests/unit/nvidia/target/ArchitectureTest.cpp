// ArchitectureTest.cpp - names, constants, what runs on what
// SPDX-License-Identifier: Apache-2.0
#include "backends/nvidia/target/NvidiaTarget.h"

#include <gtest/gtest.h>

using namespace tessera;
using namespace tessera::nvidia;

namespace {
Architecture arch(const std::string &name) {
  std::string why;
  std::optional<Architecture> a = parseArchitecture(name, why);
  EXPECT_TRUE(a) << name << ": " << why;
  return a.value_or(Architecture{&capabilities().front(), false, false});
}
std::string refusal(const std::string &name) {
  std::string why;
  EXPECT_FALSE(parseArchitecture(name, why)) << name;
  return why;
}
std::unique_ptr<sdk::Target> target(const std::string &spec) {
  std::unique_ptr<sdk::Target> t = NvidiaTarget::parse(sdk::Spec::parse(spec));
  if (t)
    t->finish();
  return t;
}
} // namespace

TEST(Architecture, EveryListedNameIsItsOwnSpelling) {
  for (const sdk::TargetName &n : NvidiaTarget::list()) {
    EXPECT_EQ(arch(n.canonical).name(), n.canonical);
    ASSERT_TRUE(target(n.canonical));
    EXPECT_EQ(target(n.canonical)->canonical(), n.canonical);
  }
  EXPECT_EQ(NvidiaTarget::list().size(), 8u + 4u + 8u);
}

TEST(Architecture, OtherNamesAreNotOursOrHaveAReason) {
  for (const char *name : {"gfx90a", "x86-64-v3", "sm", "sm-90", "SM_90", ""})
    EXPECT_EQ(refusal(name), "") << name;
  EXPECT_EQ(refusal("sm_70"), "target 'sm_70' is too old: sm_75 is the least that this plugin compiles for");
  EXPECT_NE(refusal("sm_91").find("is unknown to this plugin: it knows 75, 80, 86, 89, 90[a]"), std::string::npos);
  EXPECT_NE(refusal("sm_80a").find("80 has no architecture-specific form"), std::string::npos);
  for (const char *name : {"sm_9x", "sm_a", "sm_090", "sm_9000000000", "compute_"})
    EXPECT_NE(refusal(name), "sm_") << name;
  EXPECT_NE(refusal("sm_9x").find("is no architecture"), std::string::npos);
  EXPECT_THROW(target("sm_70"), sdk::Error);
  EXPECT_THROW(target("sm_90:fast+"), sdk::Error);
  EXPECT_EQ(target("gfx90a"), nullptr);
}

TEST(Architecture, NativeIsTheAcceleratedFormWhereThereIsOne) {
  EXPECT_EQ(nativeArchitecture(7, 5, true), "sm_75");
  EXPECT_EQ(nativeArchitecture(8, 0, true), "sm_80");
  EXPECT_EQ(nativeArchitecture(8, 7, true), "sm_86"); // machine code of an earlier minor
  EXPECT_EQ(nativeArchitecture(9, 0, true), "sm_90a");
  EXPECT_EQ(nativeArchitecture(10, 0, true), "sm_100a");
  EXPECT_EQ(nativeArchitecture(11, 0, true), "compute_103"); // a new major: only PTX runs
  EXPECT_EQ(nativeArchitecture(13, 1, true), "compute_120");
  EXPECT_EQ(nativeArchitecture(7, 0, true), "sm_70"); // refused by name when it is used
  EXPECT_EQ(nativeArchitecture(9, 0, false), "sm_90a:tensor_copies-");
  EXPECT_EQ(nativeArchitecture(11, 0, false), "compute_103:tensor_copies-");
  EXPECT_EQ(nativeArchitecture(8, 0, false), "sm_80"); // has none anyway
}

TEST(Architecture, RunsOn) {
  auto verdict = [](const char *built, const char *device) { return runsOn(arch(built), arch(device)); };
  EXPECT_EQ(verdict("sm_90a", "sm_90a"), Runs::Yes);
  EXPECT_EQ(verdict("sm_90", "sm_90a"), Runs::Recompile);
  EXPECT_EQ(verdict("sm_80", "sm_80"), Runs::Yes);
  EXPECT_EQ(verdict("sm_80", "sm_86"), Runs::Recompile);
  EXPECT_EQ(verdict("sm_86", "sm_80"), Runs::No);
  EXPECT_EQ(verdict("sm_80", "sm_90a"), Runs::No);
  EXPECT_EQ(verdict("sm_100", "sm_103a"), Runs::Recompile);
  EXPECT_EQ(verdict("sm_100a", "sm_103a"), Runs::No);
  EXPECT_EQ(verdict("sm_100", "sm_120a"), Runs::No);
  EXPECT_EQ(verdict("sm_90a", "sm_100a"), Runs::No);
  EXPECT_EQ(verdict("compute_80", "sm_90a"), Runs::Recompile);
  EXPECT_EQ(verdict("compute_90", "sm_80"), Runs::No);
  EXPECT_EQ(verdict("compute_75", "sm_75"), Runs::Recompile);
  auto built = target("sm_90"), device = target("sm_90a");
  EXPECT_EQ(built->runsOn(*device), sdk::Verdict::Recompile);
}

TEST(Architecture, WithoutTensorCopiesATargetHasTheRest) {
  auto whole = target("sm_90a"), without = target("sm_90a:tensor_copies-");
  EXPECT_EQ(without->canonical(), "sm_90a:tensor_copies-");
  EXPECT_EQ(target("sm_90a:tensor_copies+")->canonical(), "sm_90a");
  EXPECT_EQ(target("sm_80:tensor_copies-")->canonical(), "sm_80");
  EXPECT_THROW(target("sm_80:tensor_copies+"), sdk::Error);
  EXPECT_EQ(without->family(), whole->family());
  EXPECT_EQ(without->capability(TSR_CAP_TENSOR_COPY), 0u);
  EXPECT_EQ(without->capability(TSR_CAP_WARPS_PER_MATRIX_GROUP), 4u);
  EXPECT_EQ(whole->runsOn(*without), sdk::Verdict::Recompile); // where it has no such copies
  EXPECT_EQ(without->runsOn(*whole), sdk::Verdict::Recompile);
  EXPECT_EQ(without->runsOn(*without), sdk::Verdict::Yes);
  EXPECT_EQ(target("sm_80")->runsOn(*target("sm_80:tensor_copies-")), sdk::Verdict::Yes);
}

TEST(Architecture, PlainHopperHasNothingOfTheAcceleratedOne) {
  auto plain = target("sm_90"), accelerated = target("sm_90a"), ampere = target("sm_80"), turing = target("sm_75");
  EXPECT_EQ(plain->capability(TSR_CAP_WARPS_PER_MATRIX_GROUP), 0u);
  EXPECT_EQ(plain->capability(TSR_CAP_REG_REALLOC_STEP), 0u);
  EXPECT_EQ(plain->capability(TSR_CAP_TENSOR_COPY), 5u);
  EXPECT_EQ(plain->capability(TSR_CAP_WARP_SPECIALIZE), 1u);
  EXPECT_EQ(accelerated->capability(TSR_CAP_WARPS_PER_MATRIX_GROUP), 4u);
  EXPECT_EQ(accelerated->capability(TSR_CAP_REG_REALLOC_STEP), 8u);
  EXPECT_EQ(accelerated->capability(TSR_CAP_SMEM_OPTIN), 232448u);
  EXPECT_EQ(accelerated->family(), plain->family());
  EXPECT_EQ(ampere->capability(TSR_CAP_ASYNC_COPY), 28u);
  EXPECT_EQ(ampere->capability(TSR_CAP_TENSOR_COPY), 0u);
  EXPECT_EQ(ampere->capability(TSR_CAP_WARP_SPECIALIZE), 0u);
  EXPECT_EQ(turing->capability(TSR_CAP_ASYNC_COPY), 0u);
  EXPECT_EQ(target("sm_100")->capability(TSR_CAP_TMEM_BYTES), 0u);
  EXPECT_EQ(target("sm_100a")->capability(TSR_CAP_TMEM_BYTES), 262144u);
}
