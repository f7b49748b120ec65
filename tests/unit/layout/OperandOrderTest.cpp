// Guards products of operands that units read only along k: exchanged, passed through registers, turned round on their way; on the mock device as in the interpreter.
//
// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/layout/OperandOrder.h"
#include "core/target/ElementNumber.h"
#include "tests/unit/layout/RunBoth.h"

#include "gtest/gtest.h"

using namespace tessera;
using samples::OrderedProduct;

namespace {

// The unit reads f32, 64 x N x 8, where it lies along k; another one of registers serves what it cannot take.
void expectSame(const OrderedProduct &p, unsigned warps, int products, int rings, int running) {
  for (int32_t n : {0, 1, 2, 3, 8}) {
    int started = -1, found = -1, left = -1;
    BothOptions o;
    o.warps = warps;
    o.matrix = true; // number 1 of the device's instructions; 2 multiplies f16, 3 is this one
    o.asyncCopies = true;
    o.blockTransfers = true;
    target::MatrixEntry e = groupInstruction();
    e.id = "64xNx8.f32";
    e.k = 8;
    e.a = e.b = target::kElemF32;
    o.menu = {groupInstruction(), e};
    o.shared = 1 << 18;
    o.products = &started;
    o.rings = &found;
    o.running = &left;
    std::string text = samples::kernelOf(p);
    EXPECT_EQ(runBoth(text, samples::buffersOf(p), {n}, o), "") << n << " iterations\n" << text;
    EXPECT_EQ(started, products);
    EXPECT_EQ(found, rings);
    EXPECT_EQ(left, running);
  }
}

} // namespace

// Both along k: as they come.
TEST(OperandOrder, AlongK) {
  OrderedProduct p;
  p.bAlongK = true;
  expectSame(p, 4, 1, 2, 1);
}

// b's rows are contiguous: the operands change places, and b comes through registers. 32 columns of b are no 64 rows.
TEST(OperandOrder, RowsOfB) {
  OrderedProduct p;
  expectSame(p, 4, 1, 2, 1);
  p.n = 128, p.m = 32;
  expectSame(p, 4, 1, 2, 1);
  p.n = 32, p.m = 64; // b is turned round on its way: two rings, and the pair that lanes fill
  expectSame(p, 4, 1, 3, 1);
}

TEST(OperandOrder, ColumnsOfA) {
  OrderedProduct p;
  p.aAlongK = false, p.bAlongK = true;
  expectSame(p, 4, 1, 2, 1);
  p.m = 128;
  expectSame(p, 8, 1, 2, 1);
}

TEST(OperandOrder, BothAcrossK) {
  OrderedProduct p;
  p.aAlongK = false, p.n = 32; // a passes, b is turned round
  expectSame(p, 4, 1, 3, 1);
}

// What the loop does with the sum keeps it as it was: only the product itself is exchanged.
TEST(OperandOrder, SumsThatTheIterationChanges) {
  OrderedProduct p;
  p.epilogue = "%two = arith.constant dense<-1.0> : tensor<64x64xf32>\n%e = arith.mulf %d, %two : tensor<64x64xf32>\n";
  expectSame(p, 4, 1, 2, 0);
}

// One product takes the tile as it lies, the other one across: it goes ahead all the same, and lanes turn it round.
TEST(OperandOrder, OneTileInTwoOrders) {
  OrderedProduct p;
  p.k = 64;
  p.bAlongK = true;
  p.epilogue = "%turned = tile.transpose %a order = [1, 0] : (tensor<64x64xf32>) -> tensor<64x64xf32>\n"
               "%e = tile.dot %turned, %a, %d : (tensor<64x64xf32>, tensor<64x64xf32>, tensor<64x64xf32>) -> "
               "tensor<64x64xf32>\n";
  expectSame(p, 4, 2, 2, 0);
}
