// Guards launches of loops over the grid: as many programs as there are iterations, but for those that count on their number.
// SPDX-License-Identifier: Apache-2.0
#include "backends/nvidia/image/GridStride.h"
#include "tests/unit/nvidia/driver/DriverFixture.h"
#include "tests/unit/nvidia/driver/ExpressionWords.h"

using namespace tessera;
using namespace tessera::nvidia;
using namespace tessera::nvidia::test;

namespace {

// A program for each of AddOne's elements, where its address is below 2^62.
GridStride stride() {
  return {0,
          {argument(8, 4), argument(0, 8), word(ExpressionOp::Constant), uint64_t(1) << 62, word(ExpressionOp::LessS),
           word(ExpressionOp::And)}};
}

struct GridStrideTest : DriverTest {
  void SetUp() override {
    DriverTest::SetUp();
    open();
    std::vector<uint64_t> words = writeGridStride("another", {2, {argument(20, 4)}}),
                          own = writeGridStride("add_one", stride());
    words.insert(words.end(), own.begin(), own.end());
    cuda->gridStrides.assign(reinterpret_cast<const char *>(words.data()), words.size() * 8);
    ASSERT_EQ(load(ptx({"add_one", "nothing"}, ".global .align 8 .b8 tsr_grid_strides[8];\n")), TSR_OK) << error();
  }
  // The grid that the driver got.
  std::array<unsigned, 3> gridOf(tsr_kernel *k, uint64_t address, uint32_t n, std::array<uint32_t, 3> asked,
                                 uint32_t flags = 0) {
    AddOne packed{address, n};
    tsr_launch l = launchOf(&packed, kAddOneBytes);
    std::copy(asked.begin(), asked.end(), l.grid);
    l.flags = flags;
    EXPECT_EQ(api->launch(stream, k, &l), TSR_OK) << error();
    return {cuda->grid[0], cuda->grid[1], cuda->grid[2]};
  }
  using Grid = std::array<unsigned, 3>;
};

} // namespace

TEST_F(GridStrideTest, AProgramForEachIteration) {
  tsr_kernel *k = kernel("add_one", kAddOneBytes);
  uint64_t data = allocate(4 << 20);
  EXPECT_EQ(gridOf(k, data, 8192, {132, 1, 1}), (Grid{8192, 1, 1}));
  EXPECT_EQ(gridOf(k, data, 4000, {132, 1, 1}), (Grid{4000, 1, 1})) << "other arguments";
  EXPECT_EQ(gridOf(k, data, 8192, {66, 2, 3}), (Grid{8192, 2, 3})) << "as many as multiprocessors, in all";
  EXPECT_EQ(gridOf(k, data, 200, {500, 1, 1}), (Grid{500, 1, 1})) << "never fewer than asked for";
}

TEST_F(GridStrideTest, ProgramsThatAreCounted) {
  tsr_kernel *k = kernel("add_one", kAddOneBytes);
  uint64_t data = allocate(4 << 20);
  EXPECT_EQ(gridOf(k, data, 8192, {131, 1, 1}), (Grid{131, 1, 1})) << "some multiprocessors are for others";
  EXPECT_EQ(gridOf(k, data, 8192, {132, 1, 1}, TSR_LAUNCH_COOPERATIVE), (Grid{132, 1, 1}));
  EXPECT_EQ(gridOf(k, data, 0, {132, 1, 1}), (Grid{132, 1, 1}));
  AddOne packed{data, 8192};
  tsr_launch l = launchOf(&packed, kAddOneBytes, 132);
  l.cluster[0] = 2, l.cluster[1] = l.cluster[2] = 1;
  ASSERT_EQ(api->launch(stream, k, &l), TSR_OK) << error();
  EXPECT_EQ(cuda->grid[0], 132u);
  ASSERT_EQ(launch(kernel("nothing")), TSR_OK) << error();
  EXPECT_EQ(cuda->grid[0], 1u);
}

TEST(GridStrideWords, WhatIsWrittenIsRead) {
  std::vector<uint64_t> words = writeGridStride("k", stride());
  std::optional<GridStride> read;
  ASSERT_TRUE(readGridStride(words, "k", 12, read));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->axis, 0u);
  EXPECT_EQ(read->programs, stride().programs);
  uint8_t near[12] = {0, 0, 1, 0, 0, 0, 0, 0, 7}, far[12] = {0, 0, 0, 0, 0, 0, 0, 0x40, 7};
  EXPECT_EQ(evaluate(read->programs, near), 7);
  EXPECT_EQ(evaluate(read->programs, far), 0);
  ASSERT_TRUE(readGridStride(words, "other", 12, read));
  EXPECT_FALSE(read);
  EXPECT_FALSE(readGridStride(words, "k", 11, read)) << "reads beyond the arguments";
  // Cut short anywhere, or with any word replaced: never a crash.
  for (size_t n = 1; n < words.size(); ++n) {
    EXPECT_FALSE(readGridStride(std::span(words).first(n), "k", 12, read)) << n;
    for (uint64_t bad : {uint64_t(0), ~uint64_t(0), uint64_t(3)}) {
      std::vector<uint64_t> broken = words;
      broken[n] = bad;
      if (readGridStride(broken, "k", 12, read) && read)
        (void)evaluate(read->programs, near);
    }
  }
}
