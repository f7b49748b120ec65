// Guards AxisSplit: plain layouts, the runs of an axis, what warps tell each other and the scratch that it takes.
//
// SPDX-License-Identifier: Apache-2.0
#include "core/layout/AxisSplit.h"

#include "core/layout/SharedAccess.h"
#include "core/layout/TensorLayouts.h"
#include "tests/unit/layout/Samples.h"

#include "gtest/gtest.h"

using namespace tessera::layout;

TEST(AxisSplit, PlainNearIsPlainAndKeepsWhatIsPlain) {
  std::mt19937 rng(1);
  for (int i = 0; i < 300; ++i) {
    LinearLayout any = randomDistributed(rng, {8, 16}, 3, 4, 2), plain = randomPermuted(rng, {8, 16}, 3, 4, 2);
    LinearLayout near = plainNear(any);
    EXPECT_TRUE(isPlain(near)) << printLayout(any);
    EXPECT_TRUE(near.isSurjective()) << printLayout(any);
    EXPECT_EQ(near.ins(), any.ins());
    EXPECT_EQ(plainNear(plain), plain);
  }
}

TEST(AxisSplit, RunsNameEveryBitOfTheAxisOnce) {
  std::mt19937 rng(2);
  for (int i = 0; i < 300; ++i) {
    LinearLayout l = randomPermuted(rng, {8, 16, 2}, 4, 5, 3);
    for (unsigned axis = 0; axis < 3; ++axis) {
      std::optional<AxisSplit> s = splitAxis(l, axis);
      ASSERT_TRUE(s);
      uint64_t seen = 0;
      unsigned bit = l.outStart(l.outs()[axis].name);
      for (const AxisRun &run : s->runs)
        for (unsigned place : run.bits) {
          Vectors columns = l.columnsOf(run.place == Place::Register ? kRegister
                                        : run.place == Place::Lane   ? kLane
                                                                     : kWarp);
          EXPECT_EQ(columns[place], uint64_t(1) << bit);
          seen |= uint64_t(1) << bit++;
        }
      EXPECT_EQ(seen, s->elements);
      EXPECT_EQ(s->count(Place::Register) + s->count(Place::Lane) + s->count(Place::Warp), l.outs()[axis].bits);
    }
  }
  EXPECT_FALSE(splitAxis(randomDistributed(rng, {16, 16}, 5, 4, 3), 0)); // of this seed: mixed columns
}

// What one warp writes is what the warps of its row read, and the scratch holds it.
TEST(AxisSplit, ExchangesFitTheirScratch) {
  std::mt19937 rng(3);
  unsigned exchanges = 0;
  for (int i = 0; i < 300; ++i) {
    LinearLayout l = randomPermuted(rng, {16, 16}, 4, 5, 3);
    for (unsigned axis = 0; axis < 2; ++axis) {
      AxisSplit s = *splitAxis(l, axis);
      uint64_t done = 0, bytes = 0;
      for (const AxisRun &run : s.runs) {
        if (run.place == Place::Warp) {
          WarpExchange e = exchangeAlong(l, run, done, 32);
          EXPECT_TRUE(e.shared.isBijective());
          EXPECT_TRUE(e.writer.isSurjective());
          EXPECT_TRUE(e.reader.isSurjective());
          EXPECT_EQ(e.elements, uint64_t(1) << e.shared.inBits());
          bytes += (e.elements * 4 + 15) / 16 * 16;
          ++exchanges;
        }
        done |= run.elements;
      }
      EXPECT_EQ(scanScratch(l, axis, 32), bytes);
      EXPECT_EQ(reductionScratch(l, axis, 32) > 0, s.warps != 0);
    }
  }
  EXPECT_GT(exchanges, 100u);
}

// One value of each warp: stored and loaded without a conflict, four of them as one vector.
TEST(AxisSplit, ARowOfAllLanesIsReadAsVectors) {
  LinearLayout l = blockedLayout(std::vector<int64_t>{1, 1024}, std::vector<int64_t>{1, 4}, std::vector<int64_t>{1, 32},
                                 std::vector<int64_t>{1, 4}, std::vector<unsigned>{1, 0});
  AxisSplit s = *splitAxis(l, 1);
  AxisRun warps{Place::Warp, {0, 1}, s.elements & (uint64_t(3) << 7)};
  WarpExchange e = exchangeAlong(l, warps, s.elements & ~warps.elements, 32);
  EXPECT_EQ(e.elements, 4u);
  EXPECT_EQ(analyseAccess(e.reader, e.shared, 32, {}).accessesPerLane, 1);
  EXPECT_EQ(analyseAccess(e.writer, e.shared, 32, {}).conflicts(), 0);
  EXPECT_EQ(reductionScratch(l, 1, 32), 16u);
}

// Sixteen warps: a lane reads four values, four lanes have all of them; lanes that count rows have nothing to deal.
TEST(AxisSplit, LanesDealTheWarpsOut) {
  std::vector<int64_t> shape = {1, 4096}, one = {1, 4}, lanes = {1, 32}, sixteen = {1, 16};
  std::vector<unsigned> order = {1, 0};
  LinearLayout l = blockedLayout(shape, one, lanes, sixteen, order);
  AxisSplit s = *splitAxis(l, 1);
  AxisRun warps{Place::Warp, {0, 1, 2, 3}, s.elements & (uint64_t(15) << 7)};
  WarpExchange e = exchangeAlong(l, warps, s.elements & ~warps.elements, 32, {}, 2);
  EXPECT_EQ(e.lanes, (std::vector<unsigned>{0, 1}));
  EXPECT_EQ(e.reader.inBits(kRegister), 2u);
  SharedAccess read = analyseAccess(e.reader, e.shared, 32, {});
  EXPECT_EQ(read.accessesPerLane, 1);
  EXPECT_EQ(read.conflicts(), 0);
  EXPECT_TRUE(e.reader.isSurjective());
  // All five lane bits count rows.
  LinearLayout rows = blockedLayout(std::vector<int64_t>{32, 64}, std::vector<int64_t>{1, 4},
                                    std::vector<int64_t>{32, 1}, sixteen, order);
  AxisSplit t = *splitAxis(rows, 1);
  AxisRun across{Place::Warp, {0, 1, 2, 3}, t.elements & (uint64_t(15) << 2)};
  WarpExchange whole = exchangeAlong(rows, across, t.elements & ~across.elements, 32, {}, 2);
  EXPECT_TRUE(whole.lanes.empty());
  EXPECT_EQ(whole.reader.inBits(kRegister), 4u);
}

TEST(AxisSplit, GathersStayInTheirWarpWhereTheRowsDo) {
  std::vector<int64_t> shape = {8, 32}, one = {1, 1};
  std::vector<unsigned> order = {1, 0};
  LinearLayout rows = blockedLayout(shape, one, std::vector<int64_t>{1, 32}, std::vector<int64_t>{4, 1}, order),
               columns = blockedLayout(shape, one, std::vector<int64_t>{8, 4}, std::vector<int64_t>{1, 4}, order);
  EXPECT_TRUE(gathersInWarp(rows, rows, 1));
  EXPECT_FALSE(gathersInWarp(rows, rows, 0));    // the axis is spread over warps
  EXPECT_FALSE(gathersInWarp(rows, columns, 1)); // rows are wanted in other warps
  EXPECT_TRUE(gathersInWarp(columns, columns, 0));
}
