// Guards loops that load ahead: on the mock device, with the races of copies and products, as in the interpreter.
//
// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/layout/RunBoth.h"

#include "gtest/gtest.h"

#include <cstring>

using namespace tessera;

namespace {

// What differs between the kernels: c[64x32] += a[64x16 of iteration i] @ b[16x32 of iteration i], small integers in f16.
struct Loop {
  std::string type = "i32", bounds = "%lo = arith.constant 0 : i32\n%hi = arith.muli %n, %c16 : i32\n";
  std::string step = "%st = arith.constant 16 : i32\n", attributes;
  bool isUnsigned = false;
  std::string columns, first = "%k"; // of `type`: number of the first column of the iteration
  std::string aLoad = "%a = tile.load %ap : (tensor<64x16x!tile.ptr<f16>>) -> tensor<64x16xf16>\n";
  std::string bLoad = "%b = tile.load %bp : (tensor<16x32x!tile.ptr<f16>>) -> tensor<16x32xf16>\n";
  std::string product = "%d = tile.dot %a, %b, %acc : (tensor<64x16xf16>, tensor<16x32xf16>, tensor<64x32xf32>) -> "
                        "tensor<64x32xf32>\n";
  std::string before, after; // around the loop: an outer one
  std::string init = "%zero", result = "%r", lower = "%lo", upper = "%hi";
};

std::string kernelOf(const Loop &l) {
  std::string u = l.isUnsigned ? "unsigned " : "";
  return "func.func @k(%in: !tile.ptr<i32> {tile.name = \"in\", tile.divisibility = 16 : i64}, %out: !tile.ptr<i32> "
         "{tile.name = \"out\", tile.divisibility = 16 : i64}, %n: i32 {tile.name = \"n\"}) {\n"
         "%c16 = arith.constant 16 : i32\n%x = tile.bitcast %in : !tile.ptr<i32> to !tile.ptr<f16>\n"
         "%y = tile.bitcast %out : !tile.ptr<i32> to !tile.ptr<f32>\n"
         "%zero = arith.constant dense<0.0> : tensor<64x32xf32>\n"
         "%am = tile.arange 0 to 64 : tensor<64xi32>\n%bn = tile.arange 0 to 32 : tensor<32xi32>\n"
         "%kk = tile.arange 0 to 16 : tensor<16xi32>\n"
         "%am1 = tile.expand_dims %am axis = 1 : (tensor<64xi32>) -> tensor<64x1xi32>\n"
         "%kk0 = tile.expand_dims %kk axis = 0 : (tensor<16xi32>) -> tensor<1x16xi32>\n"
         "%kk1 = tile.expand_dims %kk axis = 1 : (tensor<16xi32>) -> tensor<16x1xi32>\n"
         "%bn0 = tile.expand_dims %bn axis = 0 : (tensor<32xi32>) -> tensor<1x32xi32>\n"
         "%rowa = arith.constant dense<128> : tensor<64x1xi32>\n%rowb = arith.constant dense<32> : tensor<16x1xi32>\n"
         "%ar = arith.muli %am1, %rowa : tensor<64x1xi32>\n%br = arith.muli %kk1, %rowb : tensor<16x1xi32>\n"
         "%arb = tile.broadcast %ar : (tensor<64x1xi32>) -> tensor<64x16xi32>\n"
         "%akb = tile.broadcast %kk0 : (tensor<1x16xi32>) -> tensor<64x16xi32>\n"
         "%ao = arith.addi %arb, %akb : tensor<64x16xi32>\n"
         "%brb = tile.broadcast %br : (tensor<16x1xi32>) -> tensor<16x32xi32>\n"
         "%bnb = tile.broadcast %bn0 : (tensor<1x32xi32>) -> tensor<16x32xi32>\n"
         "%bo = arith.addi %brb, %bnb : tensor<16x32xi32>\n"
         "%cb = arith.constant 8192 : i32\n%xb = tile.addptr %x, %cb : (!tile.ptr<f16>, i32) -> !tile.ptr<f16>\n"
         "%c32 = arith.constant 32 : i32\n%off = arith.constant dense<false> : tensor<16x32xi1>\n" +
         l.bounds + l.step + l.before + "%r = scf.for " + u + "%k = " + l.lower + " to " + l.upper +
         " step %st iter_args(%acc = " + l.init + ") -> (tensor<64x32xf32>) : " + l.type + " {\n" + l.columns +
         (l.type == "i64" ? "%k32 = arith.trunci " + l.first + " : i64 to i32\n"
                          : "%k32 = arith.addi " + l.first + ", %zero32 : i32\n") +
         "%xa = tile.addptr %x, %k32 : (!tile.ptr<f16>, i32) -> !tile.ptr<f16>\n"
         "%as = tile.splat %xa : (!tile.ptr<f16>) -> tensor<64x16x!tile.ptr<f16>>\n"
         "%ap = tile.addptr %as, %ao : (tensor<64x16x!tile.ptr<f16>>, tensor<64x16xi32>) -> "
         "tensor<64x16x!tile.ptr<f16>>\n"
         "%kb = arith.muli %k32, %c32 : i32\n%xk = tile.addptr %xb, %kb : (!tile.ptr<f16>, i32) -> !tile.ptr<f16>\n"
         "%bs = tile.splat %xk : (!tile.ptr<f16>) -> tensor<16x32x!tile.ptr<f16>>\n"
         "%bp = tile.addptr %bs, %bo : (tensor<16x32x!tile.ptr<f16>>, tensor<16x32xi32>) -> "
         "tensor<16x32x!tile.ptr<f16>>\n" +
         l.aLoad + l.bLoad + l.product + "scf.yield %d : tensor<64x32xf32>\n}" + l.attributes + "\n" + l.after +
         "%co = tile.arange 0 to 2048 : tensor<2048xi32>\n"
         "%cs = tile.splat %y : (!tile.ptr<f32>) -> tensor<2048x!tile.ptr<f32>>\n"
         "%cp = tile.addptr %cs, %co : (tensor<2048x!tile.ptr<f32>>, tensor<2048xi32>) -> tensor<2048x!tile.ptr<f32>>\n"
         "%cv = tile.reshape " +
         l.result +
         " : (tensor<64x32xf32>) -> tensor<2048xf32>\n"
         "tile.store %cp, %cv : (tensor<2048x!tile.ptr<f32>>, tensor<2048xf32>) -> ()\nreturn\n}\n";
}

// a: 64 rows of 128, b from 8192 on: 128 rows of 32. Whole numbers from -3 to 4, whose sums are exact.
std::vector<std::vector<uint8_t>> data() {
  const uint16_t halves[8] = {0, 0x3c00, 0x4000, 0x4200, 0x4400, 0xbc00, 0xc000, 0xc200};
  std::vector<uint8_t> in((8192 + 4096) * 2), out(2048 * 4);
  for (size_t i = 0; i < in.size() / 2; ++i)
    std::memcpy(&in[2 * i], &halves[(i * 2654435761u >> 13) % 8], 2);
  return {in, out};
}

// The mock device's instructions: 1 reads registers, 2, of four warps, reads b and perhaps a from shared memory.
BothOptions optionsFor(bool group) {
  BothOptions o;
  o.matrix = true;
  o.asyncCopies = true;
  target::MatrixEntry e = groupInstruction(group);
  e.issueCycles = 1;
  if (group)
    o.menu.push_back(e);
  return o;
}

// rings: how many loads go ahead; -1: one of them at least. pairs: buffers that lanes fill in turn, where products read shared memory beside them.
void expectSame(Loop loop, int rings, const std::vector<int32_t> &trips = {0, 1, 2, 3, 8, -5}, int pairs = 0) {
  loop.bounds = "%zero32 = arith.constant 0 : i32\n" + loop.bounds;
  for (bool group : {false, true})
    for (int32_t n : trips) {
      int found = -1;
      BothOptions options = optionsFor(group);
      options.rings = &found;
      std::string text = kernelOf(loop);
      EXPECT_EQ(runBoth(text, data(), {n}, options), "") << n << " iterations, group " << group << "\n" << text;
      if (rings < 0)
        EXPECT_GE(found, 1) << "group " << group;
      else
        EXPECT_EQ(found, rings + (group ? pairs : 0)) << "group " << group;
    }
}

// The loop counts from `lo`; columns count from zero.
Loop from(const std::string &type, const std::string &lo) {
  Loop l;
  l.type = type;
  std::string wide = type == "i64" ? "%nw = arith.extsi %n : i32 to i64\n" : "%nw = arith.addi %n, %zero32 : i32\n";
  l.bounds = wide + "%lo = arith.constant " + lo + " : " + type + "\n%w15 = arith.constant 15 : " + type +
             "\n%len = arith.muli %nw, %w15 : " + type + "\n%hi = arith.addi %lo, %len : " + type + "\n";
  l.step = "%st = arith.constant 16 : " + type + "\n";
  l.columns = "%kz = arith.subi %k, %lo : " + type + "\n";
  l.first = "%kz";
  return l;
}

} // namespace

TEST(PipelinedLoops, AnyNumberOfIterations) { expectSame(Loop(), 2); }

// b comes from one of two branches, with neighbours along k: it is not copied ahead, and its buffer runs the way the lanes hold it.
TEST(PipelinedLoops, OperandsOfBranches) {
  Loop l;
  l.bLoad =
      "%rk = tile.broadcast %kk1 : (tensor<16x1xi32>) -> tensor<16x32xi32>\n%w128 = arith.constant dense<128> : "
      "tensor<1x32xi32>\n"
      "%rn = arith.muli %bn0, %w128 : tensor<1x32xi32>\n%rnb = tile.broadcast %rn : (tensor<1x32xi32>) -> "
      "tensor<16x32xi32>\n"
      "%bo2 = arith.addi %rk, %rnb : tensor<16x32xi32>\n%xk2 = tile.addptr %xb, %k32 : (!tile.ptr<f16>, i32) -> "
      "!tile.ptr<f16>\n"
      "%bs2 = tile.splat %xk2 : (!tile.ptr<f16>) -> tensor<16x32x!tile.ptr<f16>>\n"
      "%bp2 = tile.addptr %bs2, %bo2 : (tensor<16x32x!tile.ptr<f16>>, tensor<16x32xi32>) -> "
      "tensor<16x32x!tile.ptr<f16>>\n"
      "%even = arith.andi %k32, %c16 : i32\n%isEven = arith.cmpi eq, %even, %zero32 : i32\n"
      "%few = arith.constant dense<24> : tensor<1x32xi32>\n%some = arith.cmpi slt, %bn0, %few : tensor<1x32xi32>\n"
      "%mask = tile.broadcast %some : (tensor<1x32xi1>) -> tensor<16x32xi1>\n%none = arith.constant dense<0.0> : "
      "tensor<16x32xf16>\n"
      "%b = scf.if %isEven -> (tensor<16x32xf16>) {\n"
      "%b1 = tile.load %bp2 : (tensor<16x32x!tile.ptr<f16>>) -> tensor<16x32xf16>\nscf.yield %b1 : "
      "tensor<16x32xf16>\n} else {\n"
      "%b2 = tile.load %bp2 mask %mask other %none : (tensor<16x32x!tile.ptr<f16>>, tensor<16x32xi1>, "
      "tensor<16x32xf16>) -> "
      "tensor<16x32xf16>\nscf.yield %b2 : tensor<16x32xf16>\n}\n";
  expectSame(l, 1, {0, 1, 2, 3, 8, -5}, 1);
}

TEST(PipelinedLoops, MoreStagesThanIterations) {
  Loop l;
  l.attributes = " {tile.num_stages = 6 : i32}";
  expectSame(l, 2, {0, 1, 2, 4, 8});
  l.attributes = " {tile.num_stages = 2 : i32}";
  expectSame(l, 2);
  l.attributes = " {tile.num_stages = 1 : i32}";
  expectSame(l, 0);
}

// A slot fewer leaves the room of a second block, and an iteration starts its loads before it waits for its own: 3072 bytes a slot.
TEST(PipelinedLoops, SlotsThatWouldTakeTheRoomOfASecondBlock) {
  Loop l;
  l.bounds = "%zero32 = arith.constant 0 : i32\n" + l.bounds;
  const struct {
    int stages;
    uint32_t shared;
    int groups;
  } cases[] = {{3, 49152, 3}, {3, 21504, 2}, {4, 49152, 4}, {4, 27648, 3}, {2, 16384, 2}};
  for (auto [stages, shared, groups] : cases) {
    l.attributes = " {tile.num_stages = " + std::to_string(stages) + " : i32}";
    for (int32_t n : {0, 1, 2, 3, 4, 5, 8, -5}) {
      int found = -1;
      BothOptions options = optionsFor(true);
      options.groups = &found;
      options.shared = shared;
      EXPECT_EQ(runBoth(kernelOf(l), data(), {n}, options), "") << n << " iterations, " << shared << " bytes";
      EXPECT_EQ(found, groups) << shared << " bytes";
    }
  }
}

TEST(PipelinedLoops, BoundsThatNoSumMayWrap) {
  expectSame(from("i64", "9223372036854775760"), -1, {0, 1, 2, 3}); // 2^63 - 48: two steps ahead would wrap
  expectSame(from("i32", "2147483600"), -1, {0, 1, 2, 3});
  expectSame(from("i64", "-9223372036854775808"), -1, {0, 1, 3});
}

TEST(PipelinedLoops, UnsignedBoundsBeyondTheSignedOnes) {
  Loop l = from("i32", "2147483632"); // 2^31 - 16: signed, it would end below where it starts
  l.isUnsigned = true;
  expectSame(l, 2, {0, 1, 2, 5});
}

TEST(PipelinedLoops, MasksAndWhatStandsInTheirPlace) {
  std::string mask =
      "%ns = tile.splat %n : (i32) -> tensor<64x1xi32>\n%mm = arith.cmpi slt, %am1, %ns : tensor<64x1xi32>\n"
      "%m = tile.broadcast %mm : (tensor<64x1xi1>) -> tensor<64x16xi1>\n";
  std::string masked = "(tensor<64x16x!tile.ptr<f16>>, tensor<64x16xi1>, tensor<64x16xf16>) -> tensor<64x16xf16>\n";
  Loop l;
  l.aLoad =
      mask + "%z = arith.constant dense<0.0> : tensor<64x16xf16>\n%a = tile.load %ap mask %m other %z : " + masked;
  expectSame(l, 2, {3, 8});
  for (const char *other : {"1.0", "-0.0"}) { // a copy writes zeros: only b goes ahead, and lanes write a
    l.aLoad = mask + "%z = arith.constant dense<" + other +
              "> : tensor<64x16xf16>\n%a = tile.load %ap mask %m other %z : " + masked;
    expectSame(l, 1, {3, 8}, 1);
  }
}

TEST(PipelinedLoops, OuterLoopsComeRoundAgain) {
  Loop l;
  l.before = "%two = arith.constant 3 : i32\n%one = arith.constant 1 : i32\n"
             "%all = scf.for %o = %zero32 to %two step %one iter_args(%sum = %zero) -> (tensor<64x32xf32>) : i32 {\n";
  l.after = "scf.yield %r : tensor<64x32xf32>\n}\n";
  l.init = "%sum";
  l.result = "%all";
  expectSame(l, 2, {0, 1, 3, 8});
}

TEST(PipelinedLoops, TwoProductsOfOneLoad) {
  Loop l;
  l.product =
      "%d0 = tile.dot %a, %b, %acc : (tensor<64x16xf16>, tensor<16x32xf16>, tensor<64x32xf32>) -> tensor<64x32xf32>\n"
      "%at = arith.addf %a, %a : tensor<64x16xf16>\n"
      "%d = tile.dot %at, %b, %d0 : (tensor<64x16xf16>, tensor<16x32xf16>, tensor<64x32xf32>) -> tensor<64x32xf32>\n";
  expectSame(l, 2);
}

const char *const kComputedB = "%b0 = tile.load %bp : (tensor<16x32x!tile.ptr<f16>>) -> tensor<16x32xf16>\n"
                               "%b = arith.addf %b0, %b0 : tensor<16x32xf16>\n";

// b is computed: the product of the last iteration still reads one buffer while lanes write the other.
TEST(PipelinedLoops, OperandsThatTheLoopComputes) {
  Loop l;
  l.bLoad = kComputedB;
  expectSame(l, 2, {0, 1, 2, 3, 4, 5, 8, -5}, 1);
  l.attributes = " {tile.num_stages = 5 : i32}";
  expectSame(l, 2, {0, 1, 2, 3, 8}, 1);
  l.attributes = " {tile.num_stages = 2 : i32}";
  expectSame(l, 2, {0, 1, 2, 3, 8}, 1);
}

TEST(PipelinedLoops, ComputedOperandsOfAnOuterLoop) {
  Loop l;
  l.bLoad = kComputedB;
  l.before = "%two = arith.constant 3 : i32\n%one = arith.constant 1 : i32\n"
             "%all = scf.for %o = %zero32 to %two step %one iter_args(%sum = %zero) -> (tensor<64x32xf32>) : i32 {\n";
  l.after = "scf.yield %r : tensor<64x32xf32>\n}\n";
  l.init = "%sum";
  l.result = "%all";
  expectSame(l, 2, {0, 1, 2, 3, 8}, 1);
}

// The buffer feeds two products of one sum: the second waits for the first, and nothing runs on into the next iteration.
TEST(PipelinedLoops, ComputedOperandsOfChainedProducts) {
  Loop l;
  l.bLoad = kComputedB;
  l.product =
      "%d0 = tile.dot %a, %b, %acc : (tensor<64x16xf16>, tensor<16x32xf16>, tensor<64x32xf32>) -> tensor<64x32xf32>\n"
      "%d = tile.dot %a, %b, %d0 : (tensor<64x16xf16>, tensor<16x32xf16>, tensor<64x32xf32>) -> tensor<64x32xf32>\n";
  expectSame(l, 2);
}

// Weights of four bits, eight in a word, with a scale for each column and zeros of four bits: words are loaded once, the row of scales, of which a lane has two bytes, goes ahead too, and zeros
// times scales are computed where they are needed. Nothing is loaded into registers.
TEST(PipelinedLoops, PackedWeights) {
  Loop l;
  l.bLoad =
      "%c8 = arith.constant 8 : i32\n%w8 = arith.constant dense<8> : tensor<16x1xi32>\n"
      "%w4 = arith.constant dense<4> : tensor<16x1xi32>\n%kw = arith.divsi %kk1, %w8 : tensor<16x1xi32>\n"
      "%kwr = arith.muli %kw, %rowb : tensor<16x1xi32>\n"
      "%kwb = tile.broadcast %kwr : (tensor<16x1xi32>) -> tensor<16x32xi32>\n"
      "%wo = arith.addi %kwb, %bnb : tensor<16x32xi32>\n%kq = arith.divsi %k32, %c8 : i32\n"
      "%kq32 = arith.muli %kq, %c32 : i32\n%wk = tile.addptr %in, %kq32 : (!tile.ptr<i32>, i32) -> !tile.ptr<i32>\n"
      "%ws = tile.splat %wk : (!tile.ptr<i32>) -> tensor<16x32x!tile.ptr<i32>>\n"
      "%wp = tile.addptr %ws, %wo : (tensor<16x32x!tile.ptr<i32>>, tensor<16x32xi32>) -> tensor<16x32x!tile.ptr<i32>>\n"
      "%words = tile.load %wp : (tensor<16x32x!tile.ptr<i32>>) -> tensor<16x32xi32>\n"
      "%krem = arith.remsi %kk1, %w8 : tensor<16x1xi32>\n%kshift = arith.muli %krem, %w4 : tensor<16x1xi32>\n"
      "%kshifts = tile.broadcast %kshift : (tensor<16x1xi32>) -> tensor<16x32xi32>\n"
      "%f = arith.constant dense<15> : tensor<16x32xi32>\n%wsh = arith.shrsi %words, %kshifts : tensor<16x32xi32>\n"
      "%wand = arith.andi %wsh, %f : tensor<16x32xi32>\n%wf = arith.sitofp %wand : tensor<16x32xi32> to "
      "tensor<16x32xf16>\n"
      "%xs = tile.splat %xk : (!tile.ptr<f16>) -> tensor<32x!tile.ptr<f16>>\n"
      "%sp = tile.addptr %xs, %bn : (tensor<32x!tile.ptr<f16>>, tensor<32xi32>) -> tensor<32x!tile.ptr<f16>>\n"
      "%scales = tile.load %sp : (tensor<32x!tile.ptr<f16>>) -> tensor<32xf16>\n"
      "%n8 = arith.constant dense<8> : tensor<32xi32>\n%n4 = arith.constant dense<4> : tensor<32xi32>\n"
      "%n15 = arith.constant dense<15> : tensor<32xi32>\n%nq = arith.divsi %bn, %n8 : tensor<32xi32>\n"
      "%zk = tile.addptr %in, %kq : (!tile.ptr<i32>, i32) -> !tile.ptr<i32>\n"
      "%zs = tile.splat %zk : (!tile.ptr<i32>) -> tensor<32x!tile.ptr<i32>>\n"
      "%zp = tile.addptr %zs, %nq : (tensor<32x!tile.ptr<i32>>, tensor<32xi32>) -> tensor<32x!tile.ptr<i32>>\n"
      "%zw = tile.load %zp : (tensor<32x!tile.ptr<i32>>) -> tensor<32xi32>\n"
      "%nrem = arith.remsi %bn, %n8 : tensor<32xi32>\n%nshift = arith.muli %nrem, %n4 : tensor<32xi32>\n"
      "%zsh = arith.shrsi %zw, %nshift : tensor<32xi32>\n%zand = arith.andi %zsh, %n15 : tensor<32xi32>\n"
      "%zf = arith.sitofp %zand : tensor<32xi32> to tensor<32xf16>\n%zscaled = arith.mulf %zf, %scales : "
      "tensor<32xf16>\n"
      "%s0 = tile.expand_dims %scales axis = 0 : (tensor<32xf16>) -> tensor<1x32xf16>\n"
      "%sb = tile.broadcast %s0 : (tensor<1x32xf16>) -> tensor<16x32xf16>\n"
      "%z0 = tile.expand_dims %zscaled axis = 0 : (tensor<32xf16>) -> tensor<1x32xf16>\n"
      "%zb = tile.broadcast %z0 : (tensor<1x32xf16>) -> tensor<16x32xf16>\n"
      "%bs1 = arith.mulf %wf, %sb : tensor<16x32xf16>\n%b = arith.subf %bs1, %zb : tensor<16x32xf16>\n";
  expectSame(l, 4, {0, 1, 2, 3, 8}, 1);
  for (bool group : {false, true}) {
    int loads = -1;
    BothOptions options = optionsFor(group);
    options.loads = &loads;
    Loop own = l;
    own.bounds = "%zero32 = arith.constant 0 : i32\n" + own.bounds;
    EXPECT_EQ(runBoth(kernelOf(own), data(), {8}, options), "");
    EXPECT_EQ(loads, 0) << "group " << group;
  }
}

TEST(PipelinedLoops, AddressesThatTakeTwoLoadsStayWhereTheyAre) {
  Loop l; // the number of a's column comes from memory, and its place there too; b goes ahead
  l.aLoad = "%ip0 = tile.addptr %in, %k32 : (!tile.ptr<i32>, i32) -> !tile.ptr<i32>\n%iv0 = tile.load %ip0 : "
            "(!tile.ptr<i32>) -> i32\n%i0 = arith.andi %iv0, %c32 : i32\n"
            "%ip = tile.addptr %in, %i0 : (!tile.ptr<i32>, i32) -> !tile.ptr<i32>\n%iv = tile.load %ip : "
            "(!tile.ptr<i32>) -> i32\n%i1 = arith.andi %iv, %c32 : i32\n"
            "%xi = tile.addptr %x, %i1 : (!tile.ptr<f16>, i32) -> !tile.ptr<f16>\n"
            "%ai = tile.splat %xi : (!tile.ptr<f16>) -> tensor<64x16x!tile.ptr<f16>>\n"
            "%api = tile.addptr %ai, %ao : (tensor<64x16x!tile.ptr<f16>>, tensor<64x16xi32>) -> "
            "tensor<64x16x!tile.ptr<f16>>\n"
            "%a = tile.load %api : (tensor<64x16x!tile.ptr<f16>>) -> tensor<64x16xf16>\n";
  expectSame(l, 1, {1, 3, 8}, 1);
}

TEST(PipelinedLoops, LoadsOfNestedRegionsStay) {
  Loop l;
  l.aLoad = "%odd = arith.cmpi sgt, %k32, %c16 : i32\n%a = scf.if %odd -> (tensor<64x16xf16>) {\n%a1 = tile.load %ap : "
            "(tensor<64x16x!tile.ptr<f16>>) -> tensor<64x16xf16>\nscf.yield %a1 : tensor<64x16xf16>\n} else {\n"
            "%a2 = arith.constant dense<1.0> : tensor<64x16xf16>\nscf.yield %a2 : tensor<64x16xf16>\n}\n";
  expectSame(l, 1, {1, 3, 8});
}

// States that are stored once an iteration: loads go before stores to other arguments.
TEST(PipelinedLoops, LoopsThatStoreElsewhereLoadAhead) {
  Loop l;
  l.product += "%yp = tile.addptr %out, %k32 : (!tile.ptr<i32>, i32) -> !tile.ptr<i32>\ntile.store %yp, %k32 : "
               "(!tile.ptr<i32>, i32) -> ()\n";
  expectSame(l, 2);
}

// What an iteration stores may be what the next one loads; and so does an exchange whose answer is used: it may be a lock.
TEST(PipelinedLoops, LoopsThatStoreWhereTheyLoadFromDoNot) {
  Loop l;
  l.product += "%c40 = arith.constant 40 : i32\n%xi = arith.addi %k32, %c40 : i32\n"
               "%yp = tile.addptr %in, %xi : (!tile.ptr<i32>, i32) -> !tile.ptr<i32>\ntile.store %yp, %k32 : "
               "(!tile.ptr<i32>, i32) -> ()\n";
  expectSame(l, 0);
  l = Loop();
  l.product += "%yp = tile.addptr %out, %c16 : (!tile.ptr<i32>, i32) -> !tile.ptr<i32>\n"
               "%was = tile.atomic_rmw add, %yp, %c16 : (!tile.ptr<i32>, i32) -> i32\n"
               "tile.store %yp, %was : (!tile.ptr<i32>, i32) -> ()\n";
  expectSame(l, 0, {0, 3});
}

// b comes from where a number says that the iteration loads, as pages and experts do; a scalar, then one for each row of b, masked too.
TEST(PipelinedLoops, LoadsWhoseAddressesAreLoaded) {
  Loop l;
  l.bLoad =
      "%which = tile.load %xa : (!tile.ptr<f16>) -> f16\n%number = arith.fptosi %which : f16 to i32\n"
      "%c7 = arith.constant 7 : i32\n%page = arith.andi %number, %c7 : i32\n%c512 = arith.constant 512 : i32\n"
      "%at = arith.muli %page, %c512 : i32\n%xp = tile.addptr %xb, %at : (!tile.ptr<f16>, i32) -> !tile.ptr<f16>\n"
      "%ps = tile.splat %xp : (!tile.ptr<f16>) -> tensor<16x32x!tile.ptr<f16>>\n"
      "%pp = tile.addptr %ps, %bo : (tensor<16x32x!tile.ptr<f16>>, tensor<16x32xi32>) -> "
      "tensor<16x32x!tile.ptr<f16>>\n"
      "%b = tile.load %pp : (tensor<16x32x!tile.ptr<f16>>) -> tensor<16x32xf16>\n";
  expectSame(l, 2);
  l.bLoad = "%is = tile.splat %xa : (!tile.ptr<f16>) -> tensor<16x!tile.ptr<f16>>\n"
            "%ip = tile.addptr %is, %kk : (tensor<16x!tile.ptr<f16>>, tensor<16xi32>) -> tensor<16x!tile.ptr<f16>>\n"
            "%c3 = arith.constant dense<3> : tensor<16xi32>\n%some = arith.cmpi sgt, %kk, %c3 : tensor<16xi32>\n"
            "%which = tile.load %ip mask %some : (tensor<16x!tile.ptr<f16>>, tensor<16xi1>) -> tensor<16xf16>\n"
            "%number = arith.fptosi %which : tensor<16xf16> to tensor<16xi32>\n"
            "%c7 = arith.constant dense<7> : tensor<16xi32>\n%row = arith.andi %number, %c7 : tensor<16xi32>\n"
            "%row1 = tile.expand_dims %row axis = 1 : (tensor<16xi32>) -> tensor<16x1xi32>\n"
            "%rows = arith.muli %row1, %rowb : tensor<16x1xi32>\n"
            "%wide = tile.broadcast %rows : (tensor<16x1xi32>) -> tensor<16x32xi32>\n"
            "%to = arith.addi %wide, %bnb : tensor<16x32xi32>\n"
            "%some1 = tile.expand_dims %some axis = 1 : (tensor<16xi1>) -> tensor<16x1xi1>\n"
            "%these = tile.broadcast %some1 : (tensor<16x1xi1>) -> tensor<16x32xi1>\n"
            "%nought = arith.constant dense<0.0> : tensor<16x32xf16>\n"
            "%ps = tile.splat %xb : (!tile.ptr<f16>) -> tensor<16x32x!tile.ptr<f16>>\n"
            "%pp = tile.addptr %ps, %to : (tensor<16x32x!tile.ptr<f16>>, tensor<16x32xi32>) -> "
            "tensor<16x32x!tile.ptr<f16>>\n"
            "%b = tile.load %pp mask %these other %nought : (tensor<16x32x!tile.ptr<f16>>, tensor<16x32xi1>, "
            "tensor<16x32xf16>) -> tensor<16x32xf16>\n";
  expectSame(l, 2);
}

// Weights of an attention times values: %w = f(a @ b), the sum scaled by what the iteration found, plus w @ v.
Loop chained(const std::string &scaled, const std::string &second = "%w, %v, %sum") {
  Loop l;
  l.product =
      "%s0 = tile.dot %a, %b, %zero : (tensor<64x16xf16>, tensor<16x32xf16>, tensor<64x32xf32>) -> tensor<64x32xf32>\n"
      "%one = arith.constant dense<1.0> : tensor<64xf32>\n%less = arith.constant dense<-1.0> : tensor<64xf32>\n"
      "%big = tile.reduce %s0 axis = 1 : (tensor<64x32xf32>) -> tensor<64xf32> {\n^bb0(%p: f32, %q: f32):\n"
      "%m = arith.maxnumf %p, %q : f32\ntile.yield %m : f32\n}\n"
      "%half = arith.constant dense<40.0> : tensor<64xf32>\n%far = arith.subf %big, %half : tensor<64xf32>\n"
      "%upto = arith.minnumf %far, %one : tensor<64xf32>\n%sign = arith.maxnumf %upto, %less : tensor<64xf32>\n"
      "%sign1 = tile.expand_dims %sign axis = 1 : (tensor<64xf32>) -> tensor<64x1xf32>\n"
      "%signs = tile.broadcast %sign1 : (tensor<64x1xf32>) -> tensor<64x32xf32>\n"
      "%w0 = arith.addf %s0, %s0 : tensor<64x32xf32>\n"
      "%w = tile.fptofp %w0 : tensor<64x32xf32> to tensor<64x32xf16>\n" +
      scaled +
      "%vn = tile.arange 0 to 1024 : tensor<1024xi32>\n"
      "%vo = tile.reshape %vn : (tensor<1024xi32>) -> tensor<32x32xi32>\n"
      "%kv = arith.muli %k32, %c32 : i32\n%xv = tile.addptr %x, %kv : (!tile.ptr<f16>, i32) -> !tile.ptr<f16>\n"
      "%vs = tile.splat %xv : (!tile.ptr<f16>) -> tensor<32x32x!tile.ptr<f16>>\n"
      "%vp = tile.addptr %vs, %vo : (tensor<32x32x!tile.ptr<f16>>, tensor<32x32xi32>) -> "
      "tensor<32x32x!tile.ptr<f16>>\n"
      "%v = tile.load %vp : (tensor<32x32x!tile.ptr<f16>>) -> tensor<32x32xf16>\n"
      "%d = tile.dot " +
      second + " : (tensor<64x32xf16>, tensor<32x32xf16>, tensor<64x32xf32>) -> tensor<64x32xf32>\n";
  return l;
}

const char *const kScaled = "%sum = arith.mulf %acc, %signs : tensor<64x32xf32>\n";

// products: asynchronous ones in the loop and around it, where the target has them.
void expectRunning(Loop loop, int products, const std::vector<int32_t> &trips = {0, 1, 2, 3, 8, -5}) {
  loop.bounds = "%zero32 = arith.constant 0 : i32\n" + loop.bounds;
  for (int32_t n : trips) {
    int found = -1;
    BothOptions options = optionsFor(true);
    options.products = &found;
    std::string text = kernelOf(loop);
    EXPECT_EQ(runBoth(text, data(), {n}, options), "") << n << " iterations\n" << text;
    EXPECT_EQ(found, products);
  }
}

// Awaited when the next iteration's first product is, and behind the loop.
TEST(RunningProducts, AnyNumberOfIterations) { expectRunning(chained(kScaled), 2); }

// Nothing waits for the second product in the loop.
TEST(RunningProducts, SumsThatNothingScales) { expectRunning(chained("", "%w, %v, %acc"), 2); }

// As an attention backward: one more product that needs no other starts beside the first one.
TEST(RunningProducts, ProductsThatNeedNoOther) {
  expectRunning(chained("%ones = arith.constant dense<1.0> : tensor<64x32xf32>\n"
                        "%s1 = tile.dot %a, %b, %ones : (tensor<64x16xf16>, tensor<16x32xf16>, tensor<64x32xf32>) -> "
                        "tensor<64x32xf32>\n%w1 = arith.addf %s0, %s1 : tensor<64x32xf32>\n"
                        "%w2 = tile.fptofp %w1 : tensor<64x32xf32> to tensor<64x32xf16>\n",
                        "%w2, %v, %acc"),
                3);
}

// The same with tensor copies: the product that runs on reads a slot that a copy barrier said was full.
TEST(RunningProducts, LoadsByDescriptor) {
  Loop l = chained(kScaled);
  auto load = [](const char *name, const char *base, const char *rows, const char *columns, const char *at,
                 const char *tile) {
    return std::string(name) + " = tile.descriptor_load " + base + " shape[" + rows + ", " + columns + "] strides[" +
           columns + ", %e1] offsets[" + at + "] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> " + tile + "\n";
  };
  l.aLoad = "%e64 = arith.constant 64 : i64\n%e128 = arith.constant 128 : i64\n%e32 = arith.constant 32 : i64\n"
            "%e384 = arith.constant 384 : i64\n%e1 = arith.constant 1 : i64\n" +
            load("%a", "%x", "%e64", "%e128", "%zero32, %k32", "tensor<64x16xf16>");
  l.bLoad = load("%b", "%xb", "%e128", "%e32", "%k32, %zero32", "tensor<16x32xf16>");
  size_t at = l.product.find("%v = tile.load");
  l.product.replace(at, l.product.find('\n', at) + 1 - at,
                    load("%v", "%x", "%e384", "%e32", "%k32, %zero32", "tensor<32x32xf16>"));
  l.bounds = "%zero32 = arith.constant 0 : i32\n" + l.bounds;
  for (int32_t n : {0, 1, 2, 3, 8, -5}) {
    int products = -1, copies = -1;
    BothOptions options = optionsFor(true);
    options.tensorCopies = true;
    options.products = &products;
    options.copies = &copies;
    std::string text = kernelOf(l);
    EXPECT_EQ(runBoth(text, data(), {n}, options), "") << n << " iterations\n" << text;
    EXPECT_EQ(products, 2);
    EXPECT_GE(copies, 6); // of three arrays, ahead of the loop and in it
  }
}

TEST(RunningProducts, ManyStages) {
  Loop l = chained(kScaled);
  l.attributes = " {tile.num_stages = 4 : i32}";
  expectRunning(l, 2);
}

TEST(RunningProducts, BoundsThatNoSumMayWrap) {
  for (auto [type, lower] : {std::pair("i32", "2147483600"), std::pair("i64", "9223372036854775760")}) {
    Loop l = from(type, lower);
    l.product = chained(kScaled).product;
    expectRunning(l, 2, {0, 1, 2, 3});
  }
  Loop l = from("i32", "2147483632"); // unsigned: signed, it would end below where it starts
  l.isUnsigned = true;
  l.product = chained(kScaled).product;
  expectRunning(l, 2, {0, 1, 2, 5});
}

TEST(RunningProducts, OuterLoopsComeRoundAgain) {
  Loop l = chained(kScaled);
  l.before = "%c0 = arith.constant 0 : i32\n%c1 = arith.constant 1 : i32\n%c3 = arith.constant 3 : i32\n"
             "%ro = scf.for %o = %c0 to %c3 step %c1 iter_args(%so = %zero) -> (tensor<64x32xf32>) : i32 {\n";
  l.init = "%so";
  l.after = "scf.yield %r : tensor<64x32xf32>\n}\n";
  l.result = "%ro";
  expectRunning(l, 2);
}

// One accumulator at a time, if a loop says so.
TEST(RunningProducts, NotWhereASecondAccumulatorIsDisallowed) {
  Loop l = chained(kScaled);
  l.bounds = "%zero32 = arith.constant 0 : i32\n" + l.bounds;
  for (bool disallowed : {false, true}) {
    l.attributes = disallowed ? " {tile.loop_flags = 4 : i32}" : "";
    int running = -1;
    BothOptions options = optionsFor(true);
    options.running = &running;
    EXPECT_EQ(runBoth(kernelOf(l), data(), {3}, options), "");
    EXPECT_EQ(running > 0, !disallowed);
  }
}

// The sum is used beside the product: the order stays. What scales it comes from the other product of the iteration.
TEST(RunningProducts, SumsThatTheIterationNeeds) {
  expectRunning(
      chained(
          "%sum0 = arith.mulf %acc, %signs : tensor<64x32xf32>\n%sum = arith.addf %sum0, %acc : tensor<64x32xf32>\n"),
      2);
  expectRunning(chained("%sum = arith.addf %s0, %acc : tensor<64x32xf32>\n"), 2);
}

namespace {

// Three tiles, each stored behind its loop; tile t begins 16 t columns of a (rows of b) further on. What they add up to is stored at the end.
Loop nest(const std::string &flags = "1") {
  Loop l;
  l.before = "%one = arith.constant 1 : i32\n%three = arith.constant 3 : i32\n%c2048 = arith.constant 2048 : i32\n"
             "%ro = scf.for %t = %zero32 to %three step %one iter_args(%so = %zero) -> (tensor<64x32xf32>) : i32 {\n"
             "%toff = arith.muli %t, %c16 : i32\n";
  l.columns = "%kt = arith.addi %k, %toff : i32\n";
  l.first = "%kt";
  l.after =
      "%t1 = arith.addi %t, %one : i32\n%tout = arith.muli %t1, %c2048 : i32\n"
      "%yt = tile.addptr %y, %tout : (!tile.ptr<f32>, i32) -> !tile.ptr<f32>\n"
      "%to = tile.arange 0 to 2048 : tensor<2048xi32>\n"
      "%ts = tile.splat %yt : (!tile.ptr<f32>) -> tensor<2048x!tile.ptr<f32>>\n"
      "%tp = tile.addptr %ts, %to : (tensor<2048x!tile.ptr<f32>>, tensor<2048xi32>) -> tensor<2048x!tile.ptr<f32>>\n"
      "%tv = tile.reshape %r : (tensor<64x32xf32>) -> tensor<2048xf32>\n"
      "tile.store %tp, %tv : (tensor<2048x!tile.ptr<f32>>, tensor<2048xf32>) -> ()\n"
      "%sn = arith.addf %so, %r : tensor<64x32xf32>\nscf.yield %sn : tensor<64x32xf32>\n} {tile.loop_flags = " +
      flags + " : i32}\n";
  l.result = "%ro";
  return l;
}

// together: whether the loads of the next tile start before the store of this one.
void expectNest(Loop loop, bool together, int distance = 2, const std::vector<int32_t> &trips = {0, 1, 2, 3, 5, -5}) {
  loop.bounds = "%zero32 = arith.constant 0 : i32\n" + loop.bounds;
  for (bool group : {false, true})
    for (int32_t n : trips) {
      int groups = -1;
      BothOptions options = optionsFor(group);
      options.groups = &groups;
      std::vector<std::vector<uint8_t>> buffers = data();
      buffers[1].resize(size_t{4} * 2048 * 4);
      std::string text = kernelOf(loop);
      EXPECT_EQ(runBoth(text, buffers, {n}, options), "") << n << " iterations, group " << group << "\n" << text;
      EXPECT_EQ(groups, together ? 2 * distance + 1 : distance + 1) << "group " << group;
    }
}

} // namespace

TEST(FlattenedNests, AnyNumberOfIterations) {
  expectNest(nest(), true);
  for (int stages : {2, 4}) {
    Loop l = nest();
    l.attributes = " {tile.num_stages = " + std::to_string(stages) + " : i32}";
    expectNest(l, true, stages - 1, {0, 1, 3, 5});
  }
}

TEST(FlattenedNests, OnlyWhereTheyAskForIt) { expectNest(nest("0"), false, 2, {0, 1, 3}); }

// Tiles of different depth, some of them empty.
TEST(FlattenedNests, BoundsThatFollowFromTheTile) {
  Loop l = nest();
  l.before += "%hit = arith.subi %hi, %toff : i32\n";
  l.upper = "%hit";
  expectNest(l, true);
  l.before += "%lot = arith.subi %lo, %toff : i32\n";
  l.lower = "%lot", l.upper = "%hi"; // begins at the first column in every tile
  expectNest(l, true);
}

TEST(FlattenedNests, OuterLoopsThatDoNotRunAndLongSteps) {
  Loop l = nest();
  const std::string bounds = "%t = %zero32 to %three step %one";
  size_t at = l.before.find(bounds);
  l.before.replace(at, bounds.size(), "%t = %zero32 to %n step %three");
  expectNest(l, true, 2, {0, 1, 3, -5});
  // To the largest number, where the sum of two steps would wrap.
  l = nest();
  l.before.replace(at, bounds.size(), "%tt = %near to %end step %one");
  l.before.insert(l.before.find("%toff"), "%t = arith.subi %tt, %near : i32\n");
  l.before.insert(0, "%near = arith.constant 2147483644 : i32\n%end = arith.constant 2147483647 : i32\n");
  expectNest(l, true, 2, {0, 1, 3});
}

// The next tile would read what this one stores, or its address comes from memory: nothing goes ahead of the epilogue.
TEST(FlattenedNests, WhatMayNotOvertake) {
  Loop l = nest();
  size_t at = l.after.find("%yt = tile.addptr %y");
  l.after.replace(at, 20, "%xf = tile.bitcast %in : !tile.ptr<i32> to !tile.ptr<f32>\n%yt = tile.addptr %xf");
  l.after.replace(l.after.find("%c2048 : i32"), 12, "%zero32 : i32"); // over a: whole numbers become others
  l.after.replace(l.after.find("tile.store %tp, %tv"), 19, "tile.store %tp, %tz");
  l.after.insert(l.after.find("tile.store"), "%tz = arith.mulf %tv, %tv : tensor<2048xf32>\n");
  expectNest(l, false, 2, {0, 1});
  l = nest();
  l.after.insert(l.after.find("%sn"), "tile.barrier\n");
  expectNest(l, false, 2, {0, 1, 3});
  l = nest();
  l.before.replace(l.before.find("%toff"), 5, "%toff0");
  l.before +=
      "%inf = tile.bitcast %in : !tile.ptr<i32> to !tile.ptr<i32>\n%word = tile.load %inf : (!tile.ptr<i32>) -> i32\n"
      "%none = arith.andi %word, %zero32 : i32\n%toff = arith.addi %toff0, %none : i32\n";
  expectNest(l, false, 2, {0, 1, 3});
}

TEST(FlattenedNests, LoadsByDescriptor) {
  Loop l = nest();
  auto load = [](const char *name, const char *base, const char *rows, const char *columns, const char *at,
                 const char *tile) {
    return std::string(name) + " = tile.descriptor_load " + base + " shape[" + rows + ", " + columns + "] strides[" +
           columns + ", %e1] offsets[" + at + "] : (!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> " + tile + "\n";
  };
  l.bounds = "%zero32 = arith.constant 0 : i32\n" + l.bounds;
  l.before = "%e64 = arith.constant 64 : i64\n%e128 = arith.constant 128 : i64\n%e32 = arith.constant 32 : i64\n"
             "%e1 = arith.constant 1 : i64\n" +
             l.before;
  l.aLoad = load("%a", "%x", "%e64", "%e128", "%zero32, %k32", "tensor<64x16xf16>");
  l.bLoad = load("%b", "%xb", "%e128", "%e32", "%k32, %zero32", "tensor<16x32xf16>");
  for (bool group : {false, true})
    for (int32_t n : {0, 1, 2, 3, 5, -5}) {
      int copies = -1;
      BothOptions options = optionsFor(group);
      options.tensorCopies = true;
      options.copies = &copies;
      std::vector<std::vector<uint8_t>> buffers = data();
      buffers[1].resize(size_t{4} * 2048 * 4);
      std::string text = kernelOf(l);
      EXPECT_EQ(runBoth(text, buffers, {n}, options), "") << n << " iterations, group " << group << "\n" << text;
      EXPECT_EQ(copies, 2 * 5) << "group " << group;
    }
}
