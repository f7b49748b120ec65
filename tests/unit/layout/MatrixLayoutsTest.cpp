// Guards that tiled fragments cover a dot and that each warp holds the operands of its part of the accumulator.
//
// SPDX-License-Identifier: Apache-2.0
#include "core/layout/MatrixLayouts.h"
#include "core/layout/TensorLayouts.h"
#include "core/target/GenericTarget.h"
#include "gtest/gtest.h"

#include <set>

using namespace tessera;
using namespace tessera::layout;

static MatrixFragments genericFragments(unsigned m, unsigned n, unsigned k) {
  target::MatrixEntry entry{.id = "test", .m = m, .nMin = n, .nMax = n, .k = k, .lanes = 32};
  auto fragment = [&](int64_t rows, int64_t columns, unsigned operand) {
    target::LayoutRequest request{.shape = {rows, columns}, .numWarps = 1, .matrixEntry = 0, .operand = operand};
    std::string why;
    std::optional<LinearLayout> l = target::fragmentLayout(entry, request, 32, &why);
    EXPECT_TRUE(l) << why;
    return l.value_or(LinearLayout());
  };
  return {fragment(m, k, 0), fragment(k, n, 1), fragment(m, n, 2)};
}

// What each warp holds of a tensor.
static std::set<std::vector<int64_t>> heldBy(const LinearLayout &l, int64_t warp) {
  std::set<std::vector<int64_t>> held;
  for (int64_t r = 0; r < l.inSize(kRegister); ++r)
    for (int64_t lane = 0; lane < l.inSize(kLane); ++lane)
      held.insert(l.apply(std::vector<int64_t>{r, lane, warp, 0}));
  return held;
}

TEST(MatrixLayouts, GenericFragmentsAreBijective) {
  MatrixFragments f = genericFragments(16, 16, 16);
  for (const LinearLayout *l : {&f.a, &f.b, &f.accumulator}) {
    EXPECT_TRUE(l->isBijective()) << printLayout(*l);
    EXPECT_EQ(l->inSize(kLane), 32);
  }
}

TEST(MatrixLayouts, WarpsHoldWhatTheyNeed) {
  struct Case {
    std::vector<int64_t> batch;
    int64_t m, n, k;
    unsigned warps;
  };
  for (const Case &c : {Case{{}, 64, 64, 32, 4}, Case{{}, 16, 128, 16, 4}, Case{{}, 16, 16, 64, 8},
                        Case{{4}, 32, 16, 16, 2}, Case{{2}, 16, 64, 32, 8}, Case{{}, 128, 16, 16, 1}}) {
    std::optional<DotLayouts> dot = tileFragments(genericFragments(16, 16, 16), c.batch, c.m, c.n, c.k, c.warps);
    ASSERT_TRUE(dot);
    for (const LinearLayout *l : {&dot->a, &dot->b, &dot->accumulator}) {
      EXPECT_TRUE(l->isSurjective());
      EXPECT_EQ(l->inSize(kWarp), c.warps);
    }
    for (int64_t warp = 0; warp < c.warps; ++warp) {
      std::set<std::vector<int64_t>> a = heldBy(dot->a, warp), b = heldBy(dot->b, warp);
      for (const std::vector<int64_t> &at : heldBy(dot->accumulator, warp))
        for (int64_t k = 0; k < c.k; k += 5) {
          std::vector<int64_t> inA = at, inB = at;
          inA.back() = k;
          inB[inB.size() - 2] = k;
          ASSERT_TRUE(a.count(inA) && b.count(inB));
        }
    }
  }
}

TEST(MatrixLayouts, KeepTheFragmentInTheLowRegisters) {
  MatrixFragments f = genericFragments(16, 16, 16);
  std::optional<DotLayouts> dot = tileFragments(f, {}, 64, 32, 64, 4);
  ASSERT_TRUE(dot);
  EXPECT_TRUE(dot->a.leftDivide(f.a));
  EXPECT_TRUE(dot->b.leftDivide(f.b));
  EXPECT_TRUE(dot->accumulator.leftDivide(f.accumulator));
}

TEST(MatrixLayouts, TwoTilesAlongARowAreOneWarps) {
  MatrixFragments f = genericFragments(16, 8, 16);
  auto warpsOf = [&](int64_t m, int64_t n, unsigned warps) {
    LinearLayout l = tileFragments(f, {}, m, n, 16, warps)->accumulator;
    std::vector<std::vector<int64_t>> where;
    for (uint64_t column : l.columnsOf(kWarp))
      where.push_back(l.unpackOut(column));
    return where;
  };
  using Places = std::vector<std::vector<int64_t>>;
  EXPECT_EQ(warpsOf(64, 64, 4), (Places{{16, 0}, {0, 16}}));
  EXPECT_EQ(warpsOf(16, 64, 4), (Places{{0, 16}, {0, 32}}));
  EXPECT_EQ(warpsOf(16, 32, 4), (Places{{0, 8}, {0, 16}})); // one tile each
}

TEST(MatrixLayouts, RefuseWhatDoesNotTile) {
  MatrixFragments f = genericFragments(16, 16, 16);
  EXPECT_FALSE(tileFragments(f, {}, 8, 16, 16, 4));
  EXPECT_FALSE(tileFragments(f, {}, 16, 16, 8, 4));
  EXPECT_FALSE(tileFragments(f, {}, 16, 16, 16, 3));
}

TEST(MatrixLayouts, PlainAccumulatorsAreNearToSquares) {
  // 64 x 64 on 32 lanes and 4 warps: 32 elements a lane, a box of 4 x 4 twice.
  LinearLayout l = plainDotAccumulator(std::vector<int64_t>{64, 64}, 32, 4);
  EXPECT_TRUE(l.isBijective());
  EXPECT_EQ(sliced(l, 1).inSize(kRegister), 8); // rows of a that a lane needs
  EXPECT_EQ(sliced(l, 0).inSize(kRegister), 4); // columns of b
  for (std::vector<int64_t> shape :
       {std::vector<int64_t>{1, 16}, {16, 1}, {4, 4}, {2, 8, 8}, {128, 256}, {16, 1, 16}, {512, 2}})
    for (unsigned lanes : {1u, 32u, 64u})
      for (unsigned warps : {1u, 2u, 8u}) {
        LinearLayout any = plainDotAccumulator(shape, lanes, warps);
        EXPECT_TRUE(any.isSurjective());
        EXPECT_EQ(any.inSize(kLane), lanes);
        EXPECT_EQ(any.inSize(kWarp), warps);
        EXPECT_EQ(any.freeMask(kRegister), 0u);
      }
}
