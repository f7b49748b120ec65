// GroupDotTest.cpp - products of groups of warps whose operands lie in memory in any order, through the lane emitter, against the interpreter
//
// SPDX-License-Identifier: Apache-2.0
#include "tests/simt/Block.h"
#include "tests/simt/RunOnSimt.h"
#include "tests/unit/layout/OperandOrder.h"
#include "tests/unit/layout/RunBoth.h"

#include "gtest/gtest.h"

using namespace tessera;
using samples::OrderedProduct;

namespace {

struct Kind {
  const char *type, *sum;
  tbc::Elem elem;
  int64_t k; // of an iteration
  const char *attributes;
};

constexpr Kind kinds[] = {{"f32", "f32", tbc::Elem::F32, 16, ""},
                          {"i8", "i32", tbc::Elem::I8, 64, ""},
                          {"f8E5M2", "f32", tbc::Elem::F8E5M2, 64, " max_imprecise = 1024"},
                          {"f8E4M3FN", "f32", tbc::Elem::F8E4M3FN, 64, " max_imprecise = 1024"},
                          {"f16", "f32", tbc::Elem::F16, 32, ""}};

void expectSame(const OrderedProduct &p, unsigned warps, int products,
                const std::vector<int32_t> &iterations = {0, 1, 2, 5}) {
  for (int32_t n : iterations) {
    int started = -1;
    BothOptions o;
    o.warps = warps;
    o.menu = simt::groupMenu();
    o.asyncCopies = o.blockTransfers = true;
    o.products = &started;
    o.device = simt::lanesOfTheHost();
    std::string text = samples::kernelOf(p);
    EXPECT_EQ(runBoth(text, samples::buffersOf(p), {n}, o), "") << n << " iterations, " << warps << " warps\n" << text;
    EXPECT_EQ(started, products);
  }
}

} // namespace

// Each order of both operands: as it comes, passed through registers, exchanged, turned round. 32 columns or rows are no 64 rows of the unit.
TEST(SimtGroupDot, EveryOrderOfItsOperands) {
  for (const Kind &kind : kinds)
    for (auto [m, n, warps] : {std::tuple(64, 64, 4u), {128, 64, 4u}, {64, 32, 4u}, {64, 128, 8u}})
      for (int order = 0; order < 4; ++order) {
        SCOPED_TRACE(std::string(kind.type) + " " + std::to_string(m) + " x " + std::to_string(n) + ", order " +
                     std::to_string(order));
        OrderedProduct p;
        p.m = m, p.n = n, p.k = kind.k;
        p.aAlongK = order & 1, p.bAlongK = order & 2;
        p.type = kind.type, p.sum = kind.sum, p.elem = kind.elem, p.attributes = kind.attributes;
        m == 64 && n == 64 ? expectSame(p, warps, 1) : expectSame(p, warps, 1, {4});
      }
}

// Sums of so many products, added to the others by the lanes.
TEST(SimtGroupDot, SumsInParts) {
  for (bool alongK : {true, false}) {
    OrderedProduct p;
    p.k = 128;
    p.bAlongK = alongK;
    p.type = "f8E5M2", p.elem = tbc::Elem::F8E5M2;
    p.attributes = " max_imprecise = 32";
    expectSame(p, 4, 1);
  }
}

// What the loop does with the sum keeps it as it was: only the product itself is exchanged.
TEST(SimtGroupDot, SumsThatTheIterationChanges) {
  OrderedProduct p;
  p.epilogue = "%two = arith.constant dense<-1.0> : tensor<64x64xf32>\n%e = arith.mulf %d, %two : tensor<64x64xf32>\n";
  expectSame(p, 4, 1);
}
