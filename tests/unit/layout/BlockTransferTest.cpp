// BlockTransferTest.cpp - moves by blocks of eight rows: which layouts, which lane names which row, without bank conflicts
//
// SPDX-License-Identifier: Apache-2.0
#include "core/layout/BlockTransfer.h"
#include "core/layout/Conversion.h"
#include "core/layout/TensorLayouts.h"

#include "gtest/gtest.h"

#include <set>

using namespace tessera::layout;

namespace {

// Fragments of a 16 x 16 tile of 16 bits as common matrix instructions hold them, over a tile of 64 x 64: a lane has two neighbours along
// `fast`, four lanes go along it, eight along the other dim.
LinearLayout fragments(unsigned fast) {
  auto at = [&](int64_t along, int64_t across) {
    return fast == 1 ? std::vector<int64_t>{across, along} : std::vector<int64_t>{along, across};
  };
  LinearLayout frame({}, tensorDims(std::vector<int64_t>{64, 64}), {});
  Vectors columns;
  for (auto v : {at(1, 0), at(8, 0), at(16, 0), at(32, 0)}) // registers
    columns.push_back(frame.packOut(v));
  for (auto v : {at(2, 0), at(4, 0), at(0, 1), at(0, 2), at(0, 4)}) // lanes
    columns.push_back(frame.packOut(v));
  for (auto v : {at(0, 8), at(0, 16), at(0, 32)}) // warps
    columns.push_back(frame.packOut(v));
  return LinearLayout(
      {{std::string(kRegister), 4}, {std::string(kLane), 5}, {std::string(kWarp), 3}, {std::string(kBlock), 0}},
      frame.outs(), std::move(columns));
}

LinearLayout rows() { // 16 bytes of a row in a lane
  return blockedLayout(std::vector<int64_t>{64, 64}, std::vector<int64_t>{1, 8}, std::vector<int64_t>{4, 8},
                       std::vector<int64_t>{8, 1}, std::vector<unsigned>{1, 0});
}

SharedMemory memory(unsigned transfers) {
  SharedMemory m;
  m.blockTransfers = transfers;
  return m;
}

// Does by hand what the transfer describes, and compares with the layout.
void expectMoves(const BlockTransfer &t, const LinearLayout &l, const LinearLayout &shared) {
  std::set<unsigned> seen;
  auto apply = [](const Vectors &columns, unsigned x) {
    uint64_t sum = 0;
    for (size_t i = 0; i < columns.size(); ++i)
      if (x >> i & 1)
        sum ^= columns[i];
    return sum;
  };
  for (unsigned warp = 0; warp < 8; ++warp)
    for (const BlockTransfer::Access &access : t.accesses)
      for (unsigned block = 0; block < t.blocks; ++block)
        for (unsigned lane = 0; lane < 32; ++lane)
          for (unsigned e = 0; e < t.together; ++e) {
            bool pairs = t.transposed && t.together == 4; // of bytes
            unsigned row = t.transposed ? 2 * (lane % 4) + (pairs ? e / 2 : e) : lane / 4,
                     column = pairs          ? 2 * (lane / 4) + e % 2
                              : t.transposed ? lane / 4
                                             : t.together * (lane % 4) + e;
            uint64_t offset = (apply(t.lane, 8 * block + row) ^ apply(t.warp, warp) ^ access.at) + column;
            unsigned reg = access.registers[block * t.together + e];
            seen.insert(reg);
            EXPECT_EQ(shared.applyPacked(offset),
                      l.applyPacked(reg | lane << l.inBits(kRegister) | warp << (l.inBits(kRegister) + 5)));
          }
  EXPECT_EQ(seen.size(), size_t(1) << l.inBits(kRegister));
}

} // namespace

TEST(BlockTransfer, LoadsRowsAndColumnsWithoutConflicts) {
  for (unsigned fast : {1u, 0u}) { // memory's rows go along dim 1: the second needs the transposed form
    LinearLayout reader = fragments(fast), shared = swizzledFor(rows(), reader, 16, memory(3));
    std::optional<BlockTransfer> t = blockTransfer(reader, shared, 16, false, memory(3));
    ASSERT_TRUE(t);
    EXPECT_EQ(t->transposed, fast == 0);
    EXPECT_EQ(t->blocks, 4u);
    EXPECT_EQ(t->accesses.size(), 2u);
    EXPECT_EQ(t->wavefronts, 8); // one for each block
    expectMoves(*t, reader, shared);
    SharedAccess store = analyseAccess(rows(), shared, 16, memory(0));
    EXPECT_EQ(store.vectorElements, 8);
    EXPECT_EQ(store.conflicts(), 0);
  }
}

// Lanes side by side along a row hold a word of it each, and vectors of theirs that the reader has, too, in another order.
TEST(BlockTransfer, FragmentsOfWhatLanesHoldByWords) {
  LinearLayout reader = fragments(1), frame({}, reader.outs(), {});
  Vectors columns;
  for (auto [row, column] : {std::pair(0, 1),
                             {0, 16},
                             {0, 32},
                             {8, 0}, // registers
                             {0, 2},
                             {0, 4},
                             {0, 8},
                             {1, 0},
                             {2, 0}, // lanes
                             {4, 0},
                             {16, 0},
                             {32, 0}}) // warps
    columns.push_back(frame.packOut(std::vector<int64_t>{row, column}));
  LinearLayout writer(reader.ins(), reader.outs(), std::move(columns));
  ConversionOptions options;
  options.memory = memory(15);
  ConversionPlan plan = planConversion(writer, reader, 16, options);
  ASSERT_EQ(plan.kind, ConversionPlan::Shared);
  std::optional<BlockTransfer> t = blockTransfer(reader, plan.shared, 16, false, options.memory);
  ASSERT_TRUE(t);
  expectMoves(*t, reader, plan.shared);
  SharedAccess byVectors = analyseAccess(reader, plan.shared, 16, options.memory);
  EXPECT_LT(static_cast<int64_t>(t->accesses.size()), byVectors.accessesPerLane);
  EXPECT_EQ(t->wavefronts, static_cast<int64_t>(t->accesses.size() * t->blocks)); // no bank conflict
  EXPECT_EQ(plan.store.conflicts(), 0);
}

TEST(BlockTransfer, StoresWhatWholeVectorsRead) {
  for (unsigned fast : {1u, 0u}) {
    LinearLayout writer = fragments(fast), shared = swizzledFor(writer, rows(), 16, memory(12));
    std::optional<BlockTransfer> t = blockTransfer(writer, shared, 16, true, memory(12));
    ASSERT_TRUE(t);
    EXPECT_EQ(t->transposed, fast == 0);
    EXPECT_EQ(t->wavefronts, 8);
    expectMoves(*t, writer, shared);
    EXPECT_EQ(analyseAccess(rows(), shared, 16, memory(0)).conflicts(), 0);
  }
}

namespace {

// Bytes of a 64 x 64 tile whose rows lie along dim 1 in memory and that units want along dim 0, as turningLayout has them.
LinearLayout bytesTurned() { return turningLayout(std::vector<int64_t>{64, 64}, 1, 0, 8, 32, 8); }

LinearLayout rowsOfBytes() { // 16 bytes of a row in a lane
  return blockedLayout(std::vector<int64_t>{64, 64}, std::vector<int64_t>{1, 16}, std::vector<int64_t>{8, 4},
                       std::vector<int64_t>{8, 1}, std::vector<unsigned>{1, 0});
}

} // namespace

// Of pairs of bytes a lane makes four neighbours across the rows.
TEST(BlockTransfer, BytesComeTransposedInPairs) {
  LinearLayout reader = bytesTurned();
  for (bool copied : {false, true}) { // by lanes; by copies of 16 bytes
    Vectors vector;
    for (uint64_t e = 1; copied && e < 16; e *= 2)
      vector.push_back(e << reader.outStart("dim1"));
    LinearLayout shared = swizzledFor(rowsOfBytes(), reader, 8, memory(3), vector);
    std::optional<BlockTransfer> t = blockTransfer(reader, shared, 8, false, memory(3));
    ASSERT_TRUE(t) << copied;
    EXPECT_TRUE(t->transposed);
    EXPECT_EQ(t->blocks, 4u);
    EXPECT_EQ(t->accesses.size() * t->blocks, t->wavefronts); // no conflicts
    expectMoves(*t, reader, shared);
    EXPECT_EQ(analyseAccess(rowsOfBytes(), shared, 8, memory(0)).vectorElements, 16);
    EXPECT_FALSE(blockTransfer(reader, shared, 8, false, memory(1)));
    EXPECT_FALSE(blockTransfer(reader, shared, 8, true, memory(15))); // they leave as rows, not as they came
  }
}

// And leave by rows of 16 bytes the other way.
TEST(BlockTransfer, TurnedBytesLeaveByRows) {
  LinearLayout writer = bytesTurned();
  LinearLayout shared =
      transposed(LinearLayout::rowMajor(kOffset, std::vector<int64_t>{64, 64}), std::vector<int32_t>{1, 0});
  std::optional<BlockTransfer> t = blockTransfer(writer, shared, 8, true, memory(4));
  ASSERT_TRUE(t);
  EXPECT_FALSE(t->transposed);
  expectMoves(*t, writer, shared);
}

// Words: a lane takes four across the rows and stores them at once, without conflicts on either side.
TEST(BlockTransfer, TurnedWordsAreVectorsOfTheOtherSide) {
  std::vector<int64_t> shape{32, 128};
  LinearLayout turned = turningLayout(shape, 1, 0, 32, 32, 4),
               rows = blockedLayout(shape, std::vector<int64_t>{1, 4}, std::vector<int64_t>{1, 32},
                                    std::vector<int64_t>{4, 1}, std::vector<unsigned>{1, 0});
  Vectors vector{uint64_t(1) << rows.outStart("dim1"), uint64_t(2) << rows.outStart("dim1")};
  LinearLayout slot = swizzledFor(rows, turned, 32, memory(0), vector);
  EXPECT_EQ(analyseAccess(turned, slot, 32, memory(0)).conflicts(), 0);
  EXPECT_EQ(analyseAccess(rows, slot, 32, memory(0)).vectorElements, 4);
  EXPECT_TRUE(turned.isBijective());
}

TEST(BlockTransfer, OnlyWhatTheTargetHas) {
  LinearLayout reader = fragments(0), shared = swizzledFor(rows(), reader, 16, memory(3));
  EXPECT_FALSE(blockTransfer(reader, shared, 16, false, memory(1))); // the transposed form is missing
  EXPECT_FALSE(blockTransfer(reader, shared, 16, true, memory(3)));  // stores are
  EXPECT_FALSE(
      blockTransfer(reader, LinearLayout::rowMajor(kOffset, std::vector<int64_t>{64, 64}), 32, false, memory(15)));
  // Plain layouts of lanes are none of blocks.
  EXPECT_FALSE(blockTransfer(rows(), shared, 16, false, memory(15)));
}
