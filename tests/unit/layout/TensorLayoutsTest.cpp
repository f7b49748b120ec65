// Guards blocked layouts, and that every shape function gives a layout for which the op moves no data.
//
// SPDX-License-Identifier: Apache-2.0
#include "Samples.h"

#include "gtest/gtest.h"

#include <set>

using namespace tessera::layout;

static LinearLayout blocked(std::vector<int64_t> shape, std::vector<int64_t> perThread, std::vector<int64_t> lanes,
                            std::vector<int64_t> warps, std::vector<unsigned> order) {
  return blockedLayout(shape, perThread, lanes, warps, order);
}

// toSource as a table over packed elements must be linear; check localRegisters by evaluating every place.
static void expectLocal(const LinearLayout &source, const LinearLayout &result,
                        const std::function<uint64_t(uint64_t)> &toSource) {
  Vectors columns;
  for (unsigned bit = 0; bit < result.outBits(); ++bit)
    columns.push_back(toSource(uint64_t(1) << bit));
  auto table = localRegisters(source, result, columns);
  ASSERT_TRUE(table) << printLayout(source) << "  to  " << printLayout(result);
  LinearLayout s = asDistributed(source), r = asDistributed(result);
  for (uint64_t x = 0; x < uint64_t(1) << r.inBits(); ++x) {
    std::vector<int64_t> place = r.unpackIn(x), from = place;
    from[0] = (*table)[place[0]];
    ASSERT_EQ(s.applyPacked(s.packIn(from)), toSource(r.applyPacked(x)));
  }
}

TEST(Blocked, FillsInOrderAndRepeatsInRegisters) {
  LinearLayout l = blocked({4, 32}, {1, 4}, {1, 4}, {2, 1}, {1, 0});
  EXPECT_EQ(
      printLayout(l),
      "register = [[0, 1], [0, 2], [0, 16], [2, 0]], lane = [[0, 4], [0, 8]], warp = [[1, 0]], block = [] -> [4, 32]");
  EXPECT_TRUE(l.isBijective());
}

TEST(Blocked, SmallTilesAreCopied) {
  LinearLayout l = blocked({8}, {4}, {32}, {4}, {0});
  EXPECT_EQ(printLayout(l),
            "register = [[1], [2]], lane = [[4], [0], [0], [0], [0]], warp = [[0], [0]], block = [] -> [8]");
  EXPECT_TRUE(l.isSurjective());
  EXPECT_EQ(l.freeMask(kLane), 0b11110u);
  LinearLayout one = blocked({1}, {1}, {32}, {1}, {0});
  EXPECT_EQ(one.inBits(kRegister), 0u);
  EXPECT_TRUE(one.isSurjective());
}

TEST(Blocked, IsSurjectiveWhateverTheSizes) {
  std::mt19937 rng(21);
  for (int trial = 0; trial < 300; ++trial) {
    auto size = [&](int most) { return int64_t(1) << rng() % most; };
    std::vector<unsigned> order = rng() % 2 ? std::vector<unsigned>{0, 1} : std::vector<unsigned>{1, 0};
    LinearLayout l = blocked({size(6), size(6)}, {size(3), size(3)}, {size(4), size(3)}, {size(3), size(2)}, order);
    EXPECT_TRUE(l.isSurjective()) << printLayout(l);
    EXPECT_EQ(l.freeMask(kRegister), 0u); // no register holds a copy
  }
}

TEST(ShapeOps, MoveNoData) {
  std::mt19937 rng(22);
  for (int trial = 0; trial < 60; ++trial) {
    LinearLayout s = trial % 2 ? randomDistributed(rng, {4, 8}, 3, 3, 1) : randomPermuted(rng, {4, 8}, 2, 3, 2);
    expectLocal(s, transposed(s, std::vector<int32_t>{1, 0}), [](uint64_t e) { return (e & 3) << 3 | e >> 2; });
    expectLocal(s, reshaped(s, std::vector<int64_t>{2, 2, 8}), [](uint64_t e) { return e; });
    expectLocal(s, withUnitDim(s, 1), [](uint64_t e) { return e; });
    expectLocal(s, joined(s), [](uint64_t e) { return e >> 1; });
    LinearLayout unit = withUnitDim(s, 1);
    expectLocal(unit, broadcastTo(unit, std::vector<int64_t>{4, 2, 8}),
                [](uint64_t e) { return (e >> 4) << 3 | (e & 7); });
    LinearLayout wide = randomDistributed(rng, {4, 8}, 3, 3, 1);
    LinearLayout narrow = broadcastSource(wide, std::vector<int64_t>{4, 1});
    EXPECT_EQ(narrow.shape(), (std::vector<int64_t>{4, 1}));
    EXPECT_TRUE(narrow.isSurjective());
    expectLocal(narrow, wide, [](uint64_t e) { return e >> 3; });
  }
}

TEST(ShapeOps, ReductionThenBroadcastIsLocal) {
  LinearLayout tile = blocked({16, 64}, {1, 4}, {2, 16}, {4, 1}, {1, 0});
  LinearLayout row = sliced(tile, 1);
  EXPECT_EQ(row.shape(), (std::vector<int64_t>{16}));
  EXPECT_TRUE(row.isSurjective());
  expectLocal(withUnitDim(row, 1), tile, [](uint64_t e) { return e >> 6; });
  LinearLayout back = unsliced(row, 1, 64);
  EXPECT_EQ(sliced(back, 1), row);
  EXPECT_TRUE(back.isSurjective());
}

TEST(ShapeOps, SplitNeedsThePairInOneLane) {
  LinearLayout s = blocked({8, 2}, {1, 2}, {8, 1}, {1, 1}, {1, 0});
  std::optional<LinearLayout> part = splitParts(s);
  ASSERT_TRUE(part);
  expectLocal(s, *part, [](uint64_t e) { return e << 1; });
  LinearLayout apart = blocked({8, 2}, {1, 1}, {4, 2}, {1, 1}, {1, 0});
  EXPECT_FALSE(splitParts(apart));
  LinearLayout fixed = splittable(apart);
  EXPECT_TRUE(fixed.isSurjective());
  ASSERT_TRUE(splitParts(fixed));
  EXPECT_EQ(*splitParts(fixed), sliced(apart, 1));
}

TEST(ShapeOps, CatPutsTheSecondOperandInUpperRegisters) {
  LinearLayout s = blocked({64}, {2}, {32}, {1}, {0}), both = concatenated(s);
  EXPECT_EQ(both.shape(), std::vector<int64_t>{128});
  EXPECT_TRUE(both.isBijective());
  expectLocal(s, both, [](uint64_t e) { return e & 63; });
}

TEST(ShapeOps, PlainDotOperandsHoldTheirRowsAndColumns) {
  LinearLayout acc = blocked({16, 16}, {2, 2}, {4, 8}, {2, 1}, {1, 0});
  for (unsigned operand : {0u, 1u}) {
    LinearLayout l = plainDotOperand(acc, operand, 8);
    EXPECT_TRUE(l.isSurjective());
    LinearLayout acc3 = asDistributed(acc), op = asDistributed(l);
    // Each lane that owns acc[m, n] owns a[m, k] (b[k, n]) for every k.
    for (int64_t lane = 0; lane < 32; ++lane)
      for (int64_t warp = 0; warp < 2; ++warp) {
        std::set<std::vector<int64_t>> held;
        for (int64_t r = 0; r < op.inSize(kRegister); ++r)
          held.insert(op.apply(std::vector<int64_t>{r, lane, warp, 0}));
        for (int64_t r = 0; r < acc3.inSize(kRegister); ++r) {
          std::vector<int64_t> mn = acc3.apply(std::vector<int64_t>{r, lane, warp, 0});
          for (int64_t k = 0; k < 8; ++k)
            EXPECT_TRUE(held.count(operand == 0 ? std::vector<int64_t>{mn[0], k} : std::vector<int64_t>{k, mn[1]}));
        }
      }
  }
}

TEST(LocalRegisters, RefusesDataOfOtherLanes) {
  LinearLayout a = blocked({64}, {2}, {32}, {1}, {0}), b = blocked({64}, {1}, {32}, {1}, {0});
  EXPECT_FALSE(localRegisters(a, b, identityMap(6)));
  EXPECT_TRUE(localRegisters(a, a, identityMap(6)));
}
