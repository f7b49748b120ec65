// Guards the default answers of a target: layouts for accesses, the contract check, the ranking of matrix entries.
//
// SPDX-License-Identifier: Apache-2.0
#include "core/target/GenericTarget.h"
#include "gtest/gtest.h"

using namespace tessera;
using namespace tessera::target;
using layout::kLane;
using layout::kRegister;

static layout::LinearLayout answer(const LayoutRequest &request) {
  std::string why;
  std::optional<layout::LinearLayout> l = defaultLayout(request, 32, 128, &why);
  EXPECT_TRUE(l) << why;
  if (!l)
    return {};
  EXPECT_TRUE(isLegalAnswer(request, *l, 32, &why)) << why;
  return *l;
}

TEST(DefaultLayout, VectorsAreAsWideAsContiguityAndTheAccessAllow) {
  LayoutRequest r{.access = Access::Load, .shape = {1024}, .elementBits = 32, .numWarps = 4, .contiguity = {1024}};
  EXPECT_EQ(answer(r).consecutive(kRegister, "dim0"), 4);
  r.elementBits = 16;
  EXPECT_EQ(answer(r).consecutive(kRegister, "dim0"), 8);
  r.contiguity = {2};
  EXPECT_EQ(answer(r).consecutive(kRegister, "dim0"), 2);
  r.contiguity = {};
  EXPECT_EQ(answer(r).consecutive(kRegister, "dim0"), 1);
  r.contiguity = {1024};
  r.shape = {128}; // one element a lane
  EXPECT_EQ(answer(r).consecutive(kRegister, "dim0"), 1);
}

TEST(DefaultLayout, LanesFollowTheContiguousDim) {
  LayoutRequest r{.access = Access::Load, .shape = {64, 64}, .elementBits = 32, .numWarps = 4, .contiguity = {64, 1}};
  EXPECT_EQ(answer(r).consecutive(kRegister, "dim0"), 4);
  EXPECT_EQ(answer(r).basis(kLane, 0), (std::vector<int32_t>{4, 0}));
  r.contiguity = {1, 64};
  EXPECT_EQ(answer(r).basis(kLane, 0), (std::vector<int32_t>{0, 4}));
}

TEST(DefaultLayout, IsLegalForEveryShapeAndRank) {
  for (Access access : {Access::Load, Access::Store, Access::Compute, Access::Shared})
    for (int64_t a : {1, 2, 16, 512})
      for (int64_t b : {1, 4, 256})
        for (unsigned warps : {1u, 4u, 8u}) {
          answer({.access = access, .shape = {a}, .numWarps = warps, .contiguity = {a}});
          answer({.access = access, .shape = {a, b}, .elementBits = 8, .numWarps = warps, .contiguity = {1, b}});
          answer({.access = access, .shape = {2, a, b}, .elementBits = 64, .numWarps = warps});
        }
  answer({.access = Access::Compute, .shape = std::vector<int64_t>(20, 2)});
}

TEST(DefaultLayout, RefusesWithAReason) {
  std::string why;
  EXPECT_FALSE(defaultLayout({.shape = {12}}, 32, 128, &why));
  EXPECT_EQ(why, "extent 12 is not a power of two");
  EXPECT_FALSE(defaultLayout({.shape = {}}, 32, 128, &why));
  EXPECT_FALSE(defaultLayout({.access = Access::MatrixOperand, .shape = {16, 16}}, 32, 128, &why));
}

TEST(LegalAnswer, FindsBrokenPromises) {
  LayoutRequest r{.access = Access::Load, .shape = {64}, .numWarps = 2};
  layout::LinearLayout good = answer(r);
  std::string why;
  EXPECT_FALSE(isLegalAnswer(r, good, 64, &why));
  EXPECT_EQ(why, "the layout has 32 lanes, the target 64");
  r.numWarps = 4;
  EXPECT_FALSE(isLegalAnswer(r, good, 32, &why));
  r.shape = {128};
  EXPECT_FALSE(isLegalAnswer(r, good, 32, &why));
  EXPECT_EQ(why, "the layout is of another shape");
  LayoutRequest small{.shape = {2}, .numWarps = 1};
  EXPECT_FALSE(isLegalAnswer(small, *layout::parseLayout("lane = [[0], [0], [0], [0], [0]] -> [2]"), 32, &why));
  EXPECT_EQ(why, "the layout leaves elements out");
}

TEST(MatrixMenu, RanksFittingEntriesByThroughput) {
  MatrixEntry slow{.id = "slow",
                   .m = 16,
                   .nMin = 16,
                   .nMax = 16,
                   .k = 16,
                   .lanes = 32,
                   .a = 24,
                   .b = 24,
                   .c = 26,
                   .d = 26,
                   .issueCycles = 32};
  MatrixEntry fast = slow, other = slow, big = slow;
  fast.id = "fast", fast.issueCycles = 8;
  other.id = "other", other.a = 25;
  big.id = "big", big.m = 64, big.issueCycles = 1;
  GenericTarget target(GenericTarget::simtInfo(), {slow, fast, other, big});
  EXPECT_EQ(target.matrix().rank({.a = 24, .b = 24, .c = 26, .m = 32, .n = 32, .k = 16}),
            (std::vector<uint32_t>{1, 0, 3})); // the big one would multiply every row twice
  EXPECT_EQ(target.matrix().rank({.a = 24, .b = 24, .c = 26, .m = 64, .n = 32, .k = 16}),
            (std::vector<uint32_t>{3, 1, 0}));
  EXPECT_TRUE(target.matrix().rank({.a = 26, .b = 26, .c = 26, .m = 64, .n = 64, .k = 16}).empty());
}

TEST(Capabilities, HaveNamesAndUnits) {
  EXPECT_EQ(capabilityName(Capability::SmemStatic), "smem_static");
  EXPECT_EQ(capabilityUnit(Capability::SmemStatic), "bytes");
  EXPECT_EQ(capabilityName(static_cast<Capability>(9999)), "");
  EXPECT_EQ(GenericTarget::simtInfo().lanes(), 32u);
  EXPECT_EQ(GenericTarget::simtInfo().sharedBytes(), 64u << 10);
}
