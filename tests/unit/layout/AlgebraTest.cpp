// Guards the laws of compose, inverse, product, quotient and restriction, against pointwise evaluation.
//
// SPDX-License-Identifier: Apache-2.0
#include "Samples.h"

#include "gtest/gtest.h"

using namespace tessera::layout;

TEST(Algebra, ComposeIsPointwiseOnAllSmallPairs) {
  forEachLayout({{"x", 2}}, {{"y", 1}, {"z", 1}}, [](const LinearLayout &f) {
    forEachLayout({{"z", 1}, {"y", 1}}, {{"w", 2}}, [&](const LinearLayout &g) {
      LinearLayout both = f.compose(g);
      for (int64_t x = 0; x < 4; ++x) {
        std::vector<int64_t> yz = f.apply(std::vector<int64_t>{x});
        EXPECT_EQ(both.apply(std::vector<int64_t>{x}),
                  g.apply(std::vector<int64_t>{yz[1], yz[0]})); // by name, not by place
      }
    });
  });
}

TEST(Algebra, InverseUndoesEveryBijectionOfThreeBits) {
  unsigned bijections = 0;
  forEachLayout({{"register", 2}, {"lane", 1}}, {{"dim0", 1}, {"dim1", 2}}, [&](const LinearLayout &l) {
    if (!l.isBijective())
      return;
    ++bijections;
    LinearLayout inverse = l.inverse();
    for (uint64_t x = 0; x < 8; ++x) {
      std::vector<int64_t> out = l.unpackOut(l.applyPacked(x));
      EXPECT_EQ(inverse.apply(out), l.unpackIn(x));
    }
    EXPECT_EQ(inverse.inverse(), l);
  });
  EXPECT_EQ(bijections, 168u); // |GL(3, 2)|
}

TEST(Algebra, PseudoInverseIsARightInverseWithFreeBitsZero) {
  std::mt19937 rng(11);
  for (int trial = 0; trial < 100; ++trial) {
    LinearLayout l = randomDistributed(rng, {2, 8}, 3, 2, 2);
    LinearLayout right = l.pseudoInverse().compose(l);
    for (int64_t i = 0; i < 2; ++i)
      for (int64_t j = 0; j < 8; ++j) {
        std::vector<int64_t> index = {i, j}, in = l.pseudoInverse().apply(index);
        EXPECT_EQ(right.apply(index), index);
        EXPECT_EQ(in[0] & static_cast<int64_t>(l.freeMask("register")), 0);
        EXPECT_EQ(in[1] & static_cast<int64_t>(l.freeMask("lane")), 0);
        EXPECT_EQ(in[2] & static_cast<int64_t>(l.freeMask("warp")), 0);
      }
  }
}

TEST(Algebra, FollowedByInverseFindsTheElementOrSaysNo) {
  std::mt19937 rng(12);
  for (int trial = 0; trial < 100; ++trial) {
    LinearLayout a = randomDistributed(rng, {4, 4}, 3, 2, 1), b = randomDistributed(rng, {4, 4}, 2, 3, 1);
    std::optional<LinearLayout> map = a.followedByInverseOf(b);
    ASSERT_TRUE(map);
    for (uint64_t x = 0; x < 64; ++x) {
      std::vector<int64_t> place = map->apply(a.unpackIn(x));
      EXPECT_EQ(b.apply(place), a.apply(a.unpackIn(x)));
    }
  }
  LinearLayout part = LinearLayout::identity(1, "x", "y"), none = LinearLayout::zeros(1, "x", "y", 1);
  EXPECT_FALSE(part.followedByInverseOf(none));
}

TEST(Algebra, ProductPutsTheSecondAboveTheFirst) {
  LinearLayout low = LinearLayout::identity(2, "lane", "dim0"), high = LinearLayout::identity(1, "warp", "dim0");
  EXPECT_EQ(printLayout(low.product(high)), "lane = [[1], [2]], warp = [[4]] -> [8]");
  LinearLayout other = LinearLayout::identity(1, "lane", "dim1");
  EXPECT_EQ(printLayout(low.product(other)), "lane = [[1, 0], [2, 0], [0, 1]] -> [4, 2]");
  EXPECT_EQ(low.product(LinearLayout()), low);
  EXPECT_EQ(LinearLayout().product(low), low);
}

TEST(Algebra, QuotientUndoesProduct) {
  std::mt19937 rng(13);
  for (int trial = 0; trial < 100; ++trial) {
    LinearLayout a = randomDistributed(rng, {2, 4}, 2, 2, 0), b = randomDistributed(rng, {4, 2}, 1, 2, 2);
    std::optional<LinearLayout> q = a.product(b).leftDivide(a);
    ASSERT_TRUE(q);
    EXPECT_EQ(*q, b);
  }
}

TEST(Algebra, QuotientRefusesWhatDoesNotDivide) {
  LinearLayout l = *parseLayout("register = [[1], [2]], lane = [[4]] -> [8]");
  EXPECT_TRUE(l.leftDivide(LinearLayout::identity(2, "register", "dim0")));
  EXPECT_FALSE(l.leftDivide(LinearLayout::identity(1, "lane", "dim0")));     // lanes do not start at element 1
  EXPECT_FALSE(l.leftDivide(LinearLayout::identity(3, "register", "dim0"))); // too long
  EXPECT_FALSE(l.leftDivide(LinearLayout::identity(1, "other", "dim0")));
  LinearLayout mixed = *parseLayout("register = [[1], [3]] -> [4]"); // the upper basis reaches into the low bits
  EXPECT_FALSE(mixed.leftDivide(LinearLayout::identity(1, "register", "dim0")));
}

TEST(Algebra, RestrictionFixesInputsAndDropsOutputs) {
  LinearLayout l = *parseLayout("register = [[1, 1], [0, 2]], lane = [[2, 1]] -> [4, 4]");
  EXPECT_EQ(printLayout(l.sub({"lane"}, {"dim0"})), "lane = [[2]] -> [4]");
  EXPECT_EQ(printLayout(l.sub({"lane", "register"}, {"dim1"})), "lane = [[1]], register = [[1], [2]] -> [dim1: 4]");
  EXPECT_EQ(printLayout(l.orderIns({"lane", "warp", "register"})),
            "lane = [[2, 1]], warp = [], register = [[1, 1], [0, 2]] -> [4, 4]");
  LinearLayout copies = *parseLayout("register = [[0], [1], [0]], lane = [[0]] -> [2]");
  EXPECT_EQ(printLayout(copies.withoutZeroBits("register")), "register = [[1]], lane = [[0]] -> [2]");
}
