// Guards the boxes of tensor copies: simulated box by box, they put every element where the layout says.
// SPDX-License-Identifier: Apache-2.0
#include "core/layout/TensorCopy.h"

#include "gtest/gtest.h"

#include <algorithm>
#include <map>

using namespace tessera::layout;

namespace {

// What an engine does: rows of the box one after the other, bits 4 to 6 of the byte's number xor bits 7 to 9 as far as the swizzle goes.
void expectFilled(const LinearLayout &shared, const TensorCopyPlan &plan, unsigned bytes) {
  std::map<uint64_t, std::vector<int64_t>> filled; // element offset -> index
  uint64_t mask = plan.swizzleBytes == 128 ? 7 : plan.swizzleBytes == 64 ? 3 : plan.swizzleBytes == 32 ? 1 : 0;
  int64_t inBox = 1;
  for (int64_t n : plan.box)
    inBox *= n;
  for (const TensorCopyPlan::Part &part : plan.parts)
    for (int64_t e = 0; e < inBox; ++e) {
      std::vector<int64_t> index = part.at;
      int64_t rest = e;
      for (size_t d = index.size(); d-- > 0; rest /= plan.box[d])
        index[d] += rest % plan.box[d];
      uint64_t byte = (part.offset + static_cast<uint64_t>(e)) * bytes;
      byte ^= (byte >> 7 & mask) << 4;
      EXPECT_TRUE(filled.emplace(byte / bytes, index).second) << "written twice";
    }
  ASSERT_EQ(filled.size(), size_t(1) << shared.inBits());
  for (auto &[offset, index] : filled)
    EXPECT_EQ(shared.unpackOut(shared.applyPacked(offset)), index) << "offset " << offset;
}

TEST(TensorCopy, BoxesFillTheLayout) {
  for (unsigned bytes : {1u, 2u, 4u, 8u})
    for (std::vector<int64_t> shape : {std::vector<int64_t>{128, 64},
                                       {64, 256},
                                       {16, 32},
                                       {8, 16},
                                       {512, 16},
                                       {1024},
                                       {4, 8, 64},
                                       {1, 1, 2, 16, 128},
                                       {256, 8},
                                       {2, 64}}) {
      if (shape.back() * bytes < 16)
        continue;
      for (uint64_t swizzles : {0u, 32u, 128u, 32u | 64u | 128u}) {
        auto shared = tensorCopyLayout(shape, 8 * bytes, swizzles, 256);
        int64_t elements = 1;
        for (int64_t n : shape)
          elements *= n;
        ASSERT_EQ(shared.has_value(), elements * bytes >= 128) << elements << " x " << bytes;
        if (!shared)
          continue;
        auto plan = planTensorCopy(*shared, 8 * bytes, swizzles, 256);
        ASSERT_TRUE(plan);
        for (int64_t n : plan->box)
          EXPECT_LE(n, 256);
        expectFilled(*shared, *plan, bytes);
      }
    }
}

TEST(TensorCopy, RowsOfMatrixUnitsAreBoxes) {
  // 128 x 256 of two bytes: four boxes of 64 columns, as a matrix unit wants its rows of 128 bytes.
  auto shared = tensorCopyLayout(std::vector<int64_t>{128, 256}, 16, 128, 256);
  ASSERT_TRUE(shared);
  auto plan = planTensorCopy(*shared, 16, 32 | 64 | 128, 256);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->box, (std::vector<int64_t>{128, 64}));
  EXPECT_EQ(plan->swizzleBytes, 128u);
  EXPECT_EQ(plan->parts.size(), 4u);
  EXPECT_EQ(plan->parts[1].offset, 128u * 64);
  EXPECT_EQ(plan->parts[1].at, (std::vector<int64_t>{0, 64}));
}

TEST(TensorCopy, WhatNoEngineWritesHasNoPlan) {
  // Rows exchanged by their number instead of the address, columns first, and a row of 8 bytes.
  LinearLayout plain = LinearLayout::rowMajor(kOffset, std::vector<int64_t>{64, 16});
  Vectors columns = plain.columnsOf(kOffset);
  columns[4] ^= columns[3];
  EXPECT_FALSE(planTensorCopy(LinearLayout(plain.ins(), plain.outs(), columns), 16, 32 | 64 | 128, 256));
  columns = plain.columnsOf(kOffset);
  std::rotate(columns.begin(), columns.begin() + 4, columns.end());
  EXPECT_FALSE(planTensorCopy(LinearLayout(plain.ins(), plain.outs(), columns), 16, 32 | 64 | 128, 256));
  EXPECT_FALSE(tensorCopyLayout(std::vector<int64_t>{64, 4}, 16, 128, 256));
  // The engine lacks the swizzle.
  auto swizzled = tensorCopyLayout(std::vector<int64_t>{64, 64}, 16, 128, 256);
  EXPECT_FALSE(planTensorCopy(*swizzled, 16, 32 | 64, 256));
}

} // namespace
