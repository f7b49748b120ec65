// FactsTest.cpp - integer ranges and axis facts of small kernels
//
// SPDX-License-Identifier: Apache-2.0
#include "core/analysis/AxisFacts.h"
#include "core/analysis/IntegerRanges.h"
#include "core/pipeline/Context.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include <gtest/gtest.h>

using namespace mlir;
using namespace tessera;
using tile::AxisInfo;
using tile::Interval;

namespace {

using Facts = SmallVector<int64_t, 4>;

// A kernel whose prints mark the values asked about, in order.
class Kernel {
public:
  explicit Kernel(StringRef text) : context_(makeContext()) {
    module_ = parseSourceString<ModuleOp>(text, ParserConfig(context_.get()));
    if (!module_)
      return;
    function_ = *module_->getOps<func::FuncOp>().begin();
    function_.walk([&](tile::PrintOp print) { values_.append(print.getValues().begin(), print.getValues().end()); });
  }
  bool ok() const { return bool(module_) && !values_.empty(); }
  AxisInfo axis(unsigned i) { return tile::AxisFacts(function_).of(values_[i]); }
  Interval range(unsigned i) { return tile::IntegerRanges(function_).of(values_[i]); }
  int64_t width(unsigned pointers, std::optional<unsigned> mask, unsigned dim) {
    return tile::AxisFacts(function_).accessWidth(values_[pointers], mask ? values_[*mask] : Value(), dim);
  }

private:
  std::unique_ptr<MLIRContext> context_;
  OwningOpRef<ModuleOp> module_;
  func::FuncOp function_;
  SmallVector<Value> values_;
};

TEST(AxisFacts, OffsetsOfAVectorKernel) {
  Kernel k(R"(
    func.func @k(%p: !tile.ptr<f32> {tile.divisibility = 16}, %n: i32 {tile.divisibility = 16}) {
      %pid = tile.program_id 0
      %c = arith.constant 1024 : i32
      %s = arith.muli %pid, %c : i32
      %ss = tile.splat %s : (i32) -> tensor<1024xi32>
      %a = tile.arange 0 to 1024 : tensor<1024xi32>
      %o = arith.addi %ss, %a : tensor<1024xi32>
      %ps = tile.splat %p : (!tile.ptr<f32>) -> tensor<1024x!tile.ptr<f32>>
      %q = tile.addptr %ps, %o : (tensor<1024x!tile.ptr<f32>>, tensor<1024xi32>) -> tensor<1024x!tile.ptr<f32>>
      %ns = tile.splat %n : (i32) -> tensor<1024xi32>
      %m = arith.cmpi slt, %o, %ns : tensor<1024xi32>
      tile.print "x" %o, %q, %m : tensor<1024xi32>, tensor<1024x!tile.ptr<f32>>, tensor<1024xi1>
      return
    })");
  ASSERT_TRUE(k.ok());
  EXPECT_EQ(k.axis(0).contiguity, Facts{1024});
  EXPECT_EQ(k.axis(0).divisibility, Facts{1024});
  EXPECT_EQ(k.axis(1).contiguity, Facts{1024});
  EXPECT_EQ(k.axis(1).divisibility, Facts{16}); // bytes, from the base
  EXPECT_EQ(k.axis(2).constancy, Facts{16});
  EXPECT_EQ(k.width(1, std::nullopt, 0), 4);
  EXPECT_EQ(k.width(1, 2, 0), 4);
}

TEST(AxisFacts, RowsAndColumns) {
  Kernel k(R"(
    func.func @k(%s: i32 {tile.divisibility = 8}) {
      %a = tile.arange 0 to 16 : tensor<16xi32>
      %b = tile.arange 0 to 32 : tensor<32xi32>
      %r = tile.expand_dims %a axis = 1 : (tensor<16xi32>) -> tensor<16x1xi32>
      %c = tile.expand_dims %b axis = 0 : (tensor<32xi32>) -> tensor<1x32xi32>
      %ss = tile.splat %s : (i32) -> tensor<16x1xi32>
      %rs = arith.muli %r, %ss : tensor<16x1xi32>
      %rb = tile.broadcast %rs : (tensor<16x1xi32>) -> tensor<16x32xi32>
      %cb = tile.broadcast %c : (tensor<1x32xi32>) -> tensor<16x32xi32>
      %o = arith.addi %rb, %cb : tensor<16x32xi32>
      %t = tile.transpose %o order = [1, 0] : (tensor<16x32xi32>) -> tensor<32x16xi32>
      tile.print "x" %o, %t : tensor<16x32xi32>, tensor<32x16xi32>
      return
    })");
  ASSERT_TRUE(k.ok());
  EXPECT_EQ(k.axis(0).contiguity, (Facts{1, 32}));
  EXPECT_EQ(k.axis(0).divisibility[1], 8); // every row starts at a multiple of the stride
  EXPECT_EQ(k.axis(1).contiguity, (Facts{32, 1}));
}

TEST(AxisFacts, DivisionAndRemainder) {
  Kernel k(R"(
    func.func @k(%n: i32 {tile.divisibility = 16}) {
      %a = tile.arange 0 to 64 : tensor<64xi32>
      %b = tile.arange 8 to 72 : tensor<64xi32>
      %c4 = arith.constant dense<4> : tensor<64xi32>
      %ns = tile.splat %n : (i32) -> tensor<64xi32>
      %q = arith.divsi %a, %c4 : tensor<64xi32>
      %r = arith.remsi %b, %ns : tensor<64xi32>
      %minus = arith.subi %a, %ns : tensor<64xi32>
      %s = arith.remsi %minus, %ns : tensor<64xi32>
      %t = arith.divsi %b, %ns : tensor<64xi32>
      %u = arith.divsi %minus, %ns : tensor<64xi32>
      %c12 = arith.constant dense<12> : tensor<64xi32>
      %v = arith.divsi %a, %c12 : tensor<64xi32>
      tile.print "x" %q, %r, %s, %t, %u, %v : tensor<64xi32>, tensor<64xi32>, tensor<64xi32>, tensor<64xi32>, tensor<64xi32>, tensor<64xi32>
      return
    })");
  ASSERT_TRUE(k.ok());
  EXPECT_EQ(k.axis(0).constancy, Facts{4});
  EXPECT_EQ(k.axis(3).constancy, Facts{8}); // by a parameter that is a multiple of 16, of runs that start at one of 8
  EXPECT_EQ(k.axis(4).constancy, Facts{1}); // C rounds to zero
  EXPECT_EQ(k.axis(5).constancy, Facts{4}); // 12 is a multiple of 4
  EXPECT_EQ(k.axis(1).contiguity, Facts{8});
  EXPECT_EQ(k.axis(2).contiguity, Facts{1}); // may be negative, where C's remainder breaks the run
}

// The page of a token, read from a table, is one for all tokens of the page: the tokens' places follow each other.
TEST(AxisFacts, EqualAddressesHoldEqualValues) {
  Kernel k(R"(
    func.func @k(%table: !tile.ptr<i32> {tile.divisibility = 16}, %p: !tile.ptr<f16> {tile.divisibility = 16}, %w: i64 {tile.divisibility = 16},
                 %n: i32 {tile.divisibility = 8}, %count: i32) {
      %c4 = arith.constant 4 : i32
      %c32 = arith.constant 32 : i32
      %round = arith.divui %count, %c4 : i32
      %first = arith.muli %round, %c32 : i32
      %s = tile.splat %first : (i32) -> tensor<64xi32>
      %a = tile.arange 0 to 64 : tensor<64xi32>
      %t = arith.addi %s, %a : tensor<64xi32>
      %c16 = arith.constant dense<16> : tensor<64xi32>
      %q = arith.divsi %t, %c16 : tensor<64xi32>
      %r = arith.remsi %t, %c16 : tensor<64xi32>
      %ts = tile.splat %table : (!tile.ptr<i32>) -> tensor<64x!tile.ptr<i32>>
      %at = tile.addptr %ts, %q : (tensor<64x!tile.ptr<i32>>, tensor<64xi32>) -> tensor<64x!tile.ptr<i32>>
      %page = tile.load %at : (tensor<64x!tile.ptr<i32>>) -> tensor<64xi32>
      %wide = arith.extsi %page : tensor<64xi32> to tensor<64xi64>
      %ws = tile.splat %w : (i64) -> tensor<64xi64>
      %start = arith.muli %wide, %ws : tensor<64xi64>
      %rw = arith.extsi %r : tensor<64xi32> to tensor<64xi64>
      %place = arith.addi %start, %rw : tensor<64xi64>
      %ps = tile.splat %p : (!tile.ptr<f16>) -> tensor<64x!tile.ptr<f16>>
      %x = tile.addptr %ps, %place : (tensor<64x!tile.ptr<f16>>, tensor<64xi64>) -> tensor<64x!tile.ptr<f16>>
      %ns = tile.splat %n : (i32) -> tensor<64xi32>
      %m = arith.cmpi slt, %a, %ns : tensor<64xi32>
      %some = tile.load %at mask %m : (tensor<64x!tile.ptr<i32>>, tensor<64xi1>) -> tensor<64xi32>
      %others = tile.load %at mask %m other %a : (tensor<64x!tile.ptr<i32>>, tensor<64xi1>, tensor<64xi32>) -> tensor<64xi32>
      %fresh = tile.load %at volatile : (tensor<64x!tile.ptr<i32>>) -> tensor<64xi32>
      tile.print "x" %page, %x, %some, %others, %fresh, %q : tensor<64xi32>, tensor<64x!tile.ptr<f16>>, tensor<64xi32>, tensor<64xi32>, tensor<64xi32>, tensor<64xi32>
      return
    })");
  ASSERT_TRUE(k.ok());
  EXPECT_EQ(k.axis(5).constancy, Facts{16}); // an unsigned quotient is no negative number
  EXPECT_EQ(k.axis(0).constancy, Facts{16});
  EXPECT_EQ(k.axis(0).divisibility, Facts{1});
  EXPECT_EQ(k.axis(1).contiguity, Facts{16});
  EXPECT_EQ(k.width(1, std::nullopt, 0), 8); // 16 bytes, as the start of a page is known to be
  EXPECT_EQ(k.axis(2).constancy, Facts{8});  // the mask cuts pages in halves
  EXPECT_EQ(k.axis(3).constancy, Facts{1});  // what stands in for masked elements differs
  EXPECT_EQ(k.axis(4).constancy, Facts{1});  // each volatile element is asked for
}

TEST(AxisFacts, WhereATileStartsIsNotNegative) {
  Kernel k(R"(
    func.func @k(%tile: i32, %shift: i32 {tile.divisibility = 16}, %n: i32 {tile.divisibility = 16}) {
      %c = arith.constant 64 : i32
      %s = arith.muli %tile, %c : i32
      %ss = tile.splat %s : (i32) -> tensor<64xi32>
      %a = tile.arange 0 to 64 : tensor<64xi32>
      %o = arith.addi %ss, %a : tensor<64xi32>
      %ns = tile.splat %n : (i32) -> tensor<64xi32>
      %r = arith.remsi %o, %ns : tensor<64xi32>
      %t = arith.subi %s, %shift : i32
      %ts = tile.splat %t : (i32) -> tensor<64xi32>
      %u = arith.addi %ts, %a : tensor<64xi32>
      %v = arith.remsi %u, %ns : tensor<64xi32>
      tile.print "x" %r, %v : tensor<64xi32>, tensor<64xi32>
      return
    })");
  ASSERT_TRUE(k.ok());
  EXPECT_EQ(k.axis(0).contiguity, Facts{16});
  EXPECT_EQ(k.axis(1).contiguity, Facts{1}); // shifted: may well begin below zero
}

TEST(AxisFacts, LoopsHintsAssumptions) {
  Kernel k(R"(
    func.func @k(%p: !tile.ptr<f16> {tile.divisibility = 16}, %n: i32, %x: i32) {
      %c0 = arith.constant 0 : i32
      %c1 = arith.constant 1 : i32
      %c16 = arith.constant 16 : i32
      %rem = arith.remsi %x, %c16 : i32
      %is = arith.cmpi eq, %rem, %c0 : i32
      tile.assume %is : i1
      %h = tile.hint %n divisibility = [32] : (i32) -> i32
      %r = scf.for %i = %c0 to %n step %c1 iter_args(%q = %p) -> !tile.ptr<f16> : i32 {
        tile.print "q" %q : !tile.ptr<f16>
        %q2 = tile.addptr %q, %c16 : (!tile.ptr<f16>, i32) -> !tile.ptr<f16>
        scf.yield %q2 : !tile.ptr<f16>
      }
      %r3 = scf.for %i = %c0 to %n step %c1 iter_args(%q = %p) -> !tile.ptr<f16> : i32 {
        %q2 = tile.addptr %q, %c1 : (!tile.ptr<f16>, i32) -> !tile.ptr<f16>
        scf.yield %q2 : !tile.ptr<f16>
      }
      tile.print "x" %x, %h, %r3 : i32, i32, !tile.ptr<f16>
      return
    })");
  ASSERT_TRUE(k.ok());
  EXPECT_EQ(k.axis(0).divisibility, Facts{16});
  EXPECT_EQ(k.axis(1).divisibility, Facts{16});
  EXPECT_EQ(k.axis(2).divisibility, Facts{32});
  EXPECT_EQ(k.axis(3).divisibility, Facts{2});
}

TEST(IntegerRanges, Arithmetic) {
  Kernel k(R"(
    func.func @k(%n: i32, %b: i8) {
      %pid = tile.program_id 0
      %c7 = arith.constant 7 : i32
      %c100 = arith.constant 100 : i32
      %rem = arith.remsi %n, %c7 : i32
      %low = arith.minsi %pid, %c100 : i32
      %wide = arith.extui %b : i8 to i32
      %product = arith.muli %low, %wide : i32
      %wraps = arith.muli %pid, %c100 : i32
      %shifted = arith.shli %low, %c7 : i32
      tile.print "x" %rem, %low, %wide, %product, %wraps, %shifted : i32, i32, i32, i32, i32, i32
      return
    })");
  ASSERT_TRUE(k.ok());
  EXPECT_EQ(k.range(0), (Interval{-6, 6}));
  EXPECT_EQ(k.range(1), (Interval{0, 100}));
  EXPECT_EQ(k.range(2), (Interval{0, 255}));
  EXPECT_EQ(k.range(3), (Interval{0, 25500}));
  EXPECT_EQ(k.range(4), (Interval{INT32_MIN, INT32_MAX}));
  EXPECT_EQ(k.range(5), (Interval{0, 12800}));
}

TEST(IntegerRanges, LoopsOfUnknownLength) {
  Kernel k(R"(
    func.func @k(%n: i32) {
      %c0 = arith.constant 0 : i32
      %c2 = arith.constant 2 : i32
      %z = arith.constant 0 : i64
      %c8 = arith.constant 8 : i64
      %r:2 = scf.for %i = %c0 to %n step %c2 iter_args(%a = %z, %b = %c0) -> (i64, i32) : i32 {
        tile.print "x" %i, %a, %b : i32, i64, i32
        %a2 = arith.addi %a, %c8 : i64
        %b2 = arith.addi %b, %n : i32
        scf.yield %a2, %b2 : i64, i32
      }
      return
    })");
  ASSERT_TRUE(k.ok());
  EXPECT_EQ(k.range(0), (Interval{0, INT32_MAX - 1}));
  EXPECT_EQ(k.range(1).low, 0);
  EXPECT_LE(k.range(1).high, int64_t(8) << 31);
  EXPECT_EQ(k.range(2), (Interval{INT32_MIN, INT32_MAX}));
}

TEST(IntegerRanges, BranchesAndWhile) {
  Kernel k(R"(
    func.func @k(%c: i1) {
      %c1 = arith.constant 1 : i32
      %c5 = arith.constant 5 : i32
      %c9 = arith.constant 9 : i32
      %x = scf.if %c -> i32 {
        scf.yield %c1 : i32
      } else {
        scf.yield %c9 : i32
      }
      %w = scf.while (%a = %x) : (i32) -> i32 {
        %go = arith.cmpi slt, %a, %c9 : i32
        scf.condition(%go) %a : i32
      } do {
      ^bb0(%a: i32):
        %n = arith.maxsi %a, %c5 : i32
        scf.yield %n : i32
      }
      tile.print "x" %x, %w : i32, i32
      return
    })");
  ASSERT_TRUE(k.ok());
  EXPECT_EQ(k.range(0), (Interval{1, 9}));
  EXPECT_EQ(k.range(1), (Interval{1, 9}));
}

TEST(IntegerRanges, Decide) {
  using P = arith::CmpIPredicate;
  using tile::IntegerRanges;
  EXPECT_EQ(IntegerRanges::decide(P::slt, {0, 3}, {4, 9}), true);
  EXPECT_EQ(IntegerRanges::decide(P::slt, {4, 9}, {0, 4}), false);
  EXPECT_EQ(IntegerRanges::decide(P::slt, {0, 5}, {5, 9}), std::nullopt);
  EXPECT_EQ(IntegerRanges::decide(P::ult, {-1, 3}, {4, 9}), std::nullopt);
  EXPECT_EQ(IntegerRanges::decide(P::eq, {2, 2}, {2, 2}), true);
  EXPECT_EQ(IntegerRanges::decide(P::ne, {2, 2}, {3, 4}), true);
}

} // namespace
