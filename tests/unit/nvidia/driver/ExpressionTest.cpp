// Guards the arithmetic of what a launch computes from its arguments: widths, signs, cases without a result.
// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/nvidia/driver/ExpressionWords.h"

#include <gtest/gtest.h>

using namespace tessera::nvidia;
using namespace tessera::nvidia::test;

TEST(Expressions, Arithmetic) {
  uint8_t packed[8] = {0xff, 0xff, 0xff, 0x7f, 0xfe, 0, 0, 0};
  auto value = [&](std::vector<uint64_t> code) { return evaluate(code, packed); };
  EXPECT_EQ(value({argument(0, 4)}), INT32_MAX);
  EXPECT_EQ(value({argument(4, 1)}), -2);
  EXPECT_EQ(value({argument(0, 4), word(ExpressionOp::Constant), 1, word(ExpressionOp::Add),
                   word(ExpressionOp::SignExtend, 32)}),
            INT32_MIN);
  EXPECT_EQ(value({argument(4, 1), word(ExpressionOp::ZeroExtend, 8)}), 254);
  EXPECT_EQ(value({argument(0, 4), argument(4, 1), word(ExpressionOp::DivS)}), -(INT32_MAX / 2));
  EXPECT_EQ(value({argument(0, 4), word(ExpressionOp::Constant), 0, word(ExpressionOp::DivS)}), 0);
  EXPECT_EQ(value({argument(0, 4), argument(4, 1), word(ExpressionOp::MinS)}), -2);
  EXPECT_EQ(value({argument(4, 1), word(ExpressionOp::Constant), 65, word(ExpressionOp::Shl)}), 0);
  EXPECT_EQ(value({argument(4, 1), word(ExpressionOp::Constant), 65, word(ExpressionOp::ShrS)}), -1);
  EXPECT_EQ(value({argument(0, 4), word(ExpressionOp::Constant), 16, word(ExpressionOp::ShrS)}), INT32_MAX >> 16);
  EXPECT_EQ(value({argument(4, 1), word(ExpressionOp::ZeroExtend, 32), word(ExpressionOp::Constant), 28,
                   word(ExpressionOp::ShrU)}),
            15);
  EXPECT_EQ(value({argument(0, 4), word(ExpressionOp::Constant), 10, word(ExpressionOp::RemS)}), INT32_MAX % 10);
  EXPECT_EQ(value({argument(4, 1), word(ExpressionOp::Constant), 0, word(ExpressionOp::RemS)}), 0);
  EXPECT_EQ(value({argument(4, 1), word(ExpressionOp::ZeroExtend, 32), word(ExpressionOp::Constant), 2,
                   word(ExpressionOp::DivU)}),
            INT32_MAX);
  EXPECT_EQ(value({argument(4, 1), word(ExpressionOp::ZeroExtend, 8), word(ExpressionOp::Constant), 100,
                   word(ExpressionOp::RemU)}),
            54);
  EXPECT_EQ(value({argument(4, 1), argument(0, 4), word(ExpressionOp::LessS)}), -1);
  EXPECT_EQ(value({argument(0, 4), argument(0, 4), word(ExpressionOp::LessS)}), 0);
}
