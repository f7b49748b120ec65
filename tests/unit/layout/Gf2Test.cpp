// Guards the vector-space primitives against brute force over small spaces.
//
// SPDX-License-Identifier: Apache-2.0
#include "core/layout/Gf2.h"

#include "gtest/gtest.h"

#include <random>
#include <set>

using namespace tessera::layout;

static std::set<uint64_t> spanOf(const Vectors &vectors) {
  std::set<uint64_t> all = {0};
  for (uint64_t v : vectors) {
    std::set<uint64_t> grown = all;
    for (uint64_t w : all)
      grown.insert(w ^ v);
    all = grown;
  }
  return all;
}

static Vectors randomVectors(std::mt19937 &rng, unsigned bits, unsigned count) {
  Vectors result;
  for (unsigned i = 0; i < count; ++i)
    result.push_back(rng() & ((1u << bits) - 1));
  return result;
}

TEST(Gf2, RankIsTheLogarithmOfTheSpan) {
  std::mt19937 rng(1);
  for (int trial = 0; trial < 300; ++trial) {
    Vectors v = randomVectors(rng, 6, trial % 8);
    EXPECT_EQ(spanOf(v).size(), size_t(1) << rankOf(v));
    EXPECT_EQ(spanOf(independent(v)), spanOf(v));
    EXPECT_EQ(independent(v).size(), rankOf(v));
  }
}

TEST(Gf2, SolveGivesTheVectorOrNothing) {
  std::mt19937 rng(2);
  for (int trial = 0; trial < 200; ++trial) {
    Vectors v = randomVectors(rng, 5, 4);
    Span span(v);
    std::set<uint64_t> all = spanOf(v);
    for (uint64_t target = 0; target < 32; ++target) {
      std::optional<uint64_t> mask = span.solve(target);
      ASSERT_EQ(mask.has_value(), all.count(target) == 1);
      if (!mask)
        continue;
      uint64_t sum = 0;
      for (size_t i = 0; i < v.size(); ++i)
        sum ^= *mask >> i & 1 ? v[i] : 0;
      EXPECT_EQ(sum, target);
    }
  }
}

TEST(Gf2, NullSpaceHasTheRightSizeAndSumsToZero) {
  std::mt19937 rng(3);
  for (int trial = 0; trial < 200; ++trial) {
    Vectors v = randomVectors(rng, 4, 7);
    Vectors kernel = nullSpace(v);
    EXPECT_EQ(kernel.size() + rankOf(v), v.size());
    EXPECT_EQ(rankOf(kernel), kernel.size());
    for (uint64_t mask : kernel) {
      uint64_t sum = 0;
      for (size_t i = 0; i < v.size(); ++i)
        sum ^= mask >> i & 1 ? v[i] : 0;
      EXPECT_EQ(sum, 0u);
    }
  }
}

TEST(Gf2, IntersectionAgreesWithSets) {
  std::mt19937 rng(4);
  for (int trial = 0; trial < 300; ++trial) {
    Vectors a = randomVectors(rng, 6, trial % 5), b = randomVectors(rng, 6, trial % 7);
    std::set<uint64_t> both, sa = spanOf(a), sb = spanOf(b);
    for (uint64_t v : sa)
      if (sb.count(v))
        both.insert(v);
    EXPECT_EQ(spanOf(intersect(a, b)), both);
  }
}

TEST(Gf2, ComplementOfBothMeetsNeitherAndIsLargest) {
  std::mt19937 rng(5);
  Vectors universe = {1, 2, 4, 8, 16, 32};
  for (int trial = 0; trial < 300; ++trial) {
    Vectors a = randomVectors(rng, 6, trial % 6), b = randomVectors(rng, 6, trial % 5);
    Vectors c = complementOfBoth(a, b, universe);
    EXPECT_EQ(rankOf(c), c.size());
    EXPECT_EQ(c.size(), 6 - std::max(rankOf(a), rankOf(b)));
    EXPECT_TRUE(intersect(a, c).empty());
    EXPECT_TRUE(intersect(b, c).empty());
  }
}
