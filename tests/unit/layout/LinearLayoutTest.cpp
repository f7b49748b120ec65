// Guards construction, application, properties and the text form of linear layouts.
//
// SPDX-License-Identifier: Apache-2.0
#include "Samples.h"

#include "core/layout/AlignedRuns.h"
#include "gtest/gtest.h"

#include <set>

using namespace tessera::layout;

static LinearLayout parsed(std::string_view text) {
  std::string why;
  std::optional<LinearLayout> layout = parseLayout(text, &why);
  EXPECT_TRUE(layout) << why;
  return layout.value_or(LinearLayout());
}

TEST(LinearLayout, AppliesBasesByXor) {
  LinearLayout l = parsed("register = [[0, 1], [3, 2]], lane = [[1, 0]] -> [4, 4]");
  EXPECT_EQ(l.apply(std::vector<int64_t>{3, 0}), (std::vector<int64_t>{3, 3}));
  EXPECT_EQ(l.apply(std::vector<int64_t>{3, 1}), (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(l.applyPacked(0b111), 2u * 4 + 3);
  EXPECT_EQ(l.imageRank(), 3u);
  EXPECT_FALSE(l.isSurjective());
  EXPECT_TRUE(l.isInjective());
}

TEST(LinearLayout, PackedOutputIsTheRowMajorNumber) {
  LinearLayout l = LinearLayout::rowMajor(kOffset, std::vector<int64_t>{4, 8, 2});
  for (int64_t i = 0; i < 64; ++i) {
    EXPECT_EQ(l.apply(std::vector<int64_t>{i}), (std::vector<int64_t>{i / 16, i / 2 % 8, i % 2}));
    EXPECT_EQ(l.packOut(l.unpackOut(i)), uint64_t(i));
  }
}

TEST(LinearLayout, PropertiesAgreeWithCountingOnAllSmallMaps) {
  forEachLayout({{"register", 2}, {"lane", 1}}, {{"dim0", 1}, {"dim1", 2}}, [](const LinearLayout &l) {
    std::set<uint64_t> image;
    for (uint64_t x = 0; x < 8; ++x)
      image.insert(l.applyPacked(x));
    EXPECT_EQ(image.size(), size_t(1) << l.imageRank());
    EXPECT_EQ(l.isSurjective(), image.size() == 8);
    EXPECT_EQ(l.isInjective(), image.size() == 8);
    // With the free bits at 0 every element of the image is met exactly once.
    uint64_t free = l.freeMask("register") | l.freeMask("lane") << 2;
    std::multiset<uint64_t> met;
    for (uint64_t x = 0; x < 8; ++x)
      if (!(x & free))
        met.insert(l.applyPacked(x));
    EXPECT_EQ(met.size(), image.size());
    EXPECT_EQ(std::set<uint64_t>(met.begin(), met.end()), image);
  });
}

TEST(LinearLayout, CountsConsecutiveElementsAndVectors) {
  LinearLayout l = parsed("register = [[0, 1], [0, 2], [1, 0], [0, 4]], lane = [[0, 8]] -> [2, 16]");
  EXPECT_EQ(l.consecutive(kRegister, "dim1"), 4);
  EXPECT_EQ(l.consecutive(kRegister, "dim0"), 1);
  EXPECT_EQ(l.vectorWidth(kRegister, "dim1", 16), 8); // after renaming registers
  EXPECT_EQ(l.vectorWidth(kRegister, "dim1", 4), 4);
  EXPECT_EQ(l.vectorWidth(kLane, "dim1", 4), 1);
}

TEST(LinearLayout, KnowsRunsThatASwizzleBreaks) {
  // Row 1 exchanges the halves of its eights: the first run of 8 counts up, the second does not.
  LinearLayout l = parsed("offset = [[0, 1], [0, 2], [0, 4], [1, 4], [0, 8]] -> [2, 16]");
  EXPECT_EQ(l.consecutive(kOffset, "dim1"), 8);
  EXPECT_EQ(alignedRuns(l, kOffset, "dim1"), 4);
  EXPECT_EQ(alignedRuns(parsed("offset = [[0, 1], [0, 2], [0, 4], [1, 8], [0, 8]] -> [2, 16]"), kOffset, "dim1"), 8);
  EXPECT_EQ(alignedRuns(parsed("offset = [[0, 1], [0, 2], [1, 1]] -> [2, 4]"), kOffset, "dim1"), 1);
}

TEST(LinearLayout, TextRoundTrips) {
  for (const char *text :
       {"register = [[0, 1], [0, 2]], lane = [[1, 0]], warp = [] -> [2, 4]", "offset = [[1], [2]] -> [4]",
        "register = [] -> [1, 1, 1]", "-> []", "dim0 = [[1, 0], [0, 1]] -> [register: 2, lane: 2]"})
    EXPECT_EQ(printLayout(parsed(text)), text);
  std::mt19937 rng(7);
  for (int trial = 0; trial < 50; ++trial) {
    LinearLayout l = randomDistributed(rng, {4, 2, 8}, 3, 3, 1);
    EXPECT_EQ(parsed(printLayout(l)), l);
  }
}

TEST(LinearLayout, RefusesBadTextWithAReason) {
  for (const char *text :
       {"", "register", "register = [[0, 1]]", "register = [[2]] -> [2]", "register = [[0]] -> [3]",
        "register = [[0, 1]] -> [2]", "register = [[0]], register = [[1]] -> [2]", "register = [[0]] -> [2] x",
        "register = [[-1]] -> [2]", "register = [[0] -> [2]", "-> [a: 2, a: 2]", "register = [[99999999999]] -> [2]",
        "-> [4611686018427387904, 4611686018427387904]"}) {
    std::string why;
    EXPECT_FALSE(parseLayout(text, &why)) << text;
    EXPECT_FALSE(why.empty()) << text;
  }
}

TEST(LinearLayout, TakesRankTwentyAsSortNeeds) {
  std::vector<int64_t> shape(20, 2);
  LinearLayout l = LinearLayout::rowMajor(kOffset, shape);
  EXPECT_EQ(l.rank(), 20u);
  EXPECT_TRUE(l.isBijective());
  EXPECT_EQ(parsed(printLayout(l)), l);
  EXPECT_EQ(LinearLayout::fromBases({"offset"}, shape, l.bases()), l);
}

TEST(LinearLayout, KernelMembersMapToZero) {
  std::mt19937 rng(8);
  for (int trial = 0; trial < 50; ++trial) {
    LinearLayout l = randomDistributed(rng, {4, 4}, 3, 3, 2);
    EXPECT_EQ(l.kernel().size(), 4u);
    for (uint64_t x : l.kernel())
      EXPECT_EQ(l.applyPacked(x), 0u);
  }
}
