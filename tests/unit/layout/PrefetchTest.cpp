// Guards loops without a dot that load ahead because they ask for it: on the mock device, with the races of copies, as in the interpreter.
//
// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/layout/RunBoth.h"

#include "gtest/gtest.h"

#include <cstring>

using namespace tessera;

namespace {

// What differs between the kernels: out[row i] = f(in[row i], the sum of the rows before), rows of 512, counted in elements.
struct Loop {
  std::string type = "i32", lower = "0", element = "f32";
  bool isUnsigned = false;
  std::string attributes = " {tile.num_stages = 3 : i32}";
  std::string mask = "%m = arith.cmpi slt, %lane, %cols : tensor<512xi32>\n", masked = " mask %m";
  std::string other = "%o = arith.constant dense<7.0> : tensor<512xf32>\n";
  std::string before, after; // in the loop: of the load, of the store
  std::string outerBegin, outerEnd;
  unsigned warps = 4;
  std::string target = "%y"; // what the stores' pointers come from
};

std::string kernelOf(const Loop &l) {
  std::string tile = "tensor<512x" + l.element + ">", pointer = "!tile.ptr<" + l.element + ">",
              pointers = "tensor<512x" + pointer + ">";
  std::string load = "%v = tile.load %p" + l.masked;
  std::string types = "(" + pointers + (l.masked.empty() ? "" : ", tensor<512xi1>");
  if (!l.other.empty())
    load += " other %o", types += ", " + tile;
  std::string wide = l.element == "f32" ? "%w = arith.addf %v, %zf : tensor<512xf32>\n"
                                        : "%w = tile.fptofp %v : " + tile + " to tensor<512xf32>\n";
  return "func.func @k(%in: !tile.ptr<i32> {tile.name = \"in\", tile.divisibility = 16 : i64}, %out: !tile.ptr<i32> "
         "{tile.name = \"out\", tile.divisibility = 16 : i64}, %n: i32 {tile.name = \"n\"}) {\n"
         "%x = tile.bitcast %in : !tile.ptr<i32> to " +
         pointer + "\n%y = tile.bitcast %out : !tile.ptr<i32> to !tile.ptr<f32>\n%c512 = arith.constant 512 : i32\n" +
         "%lane = tile.arange 0 to 512 : tensor<512xi32>\n%cols = arith.constant dense<448> : tensor<512xi32>\n" +
         "%zf = arith.constant dense<0.0> : tensor<512xf32>\n%one = arith.constant 1 : i32\n" +
         "%zero32 = arith.constant 0 : i32\n%c4 = arith.constant 4 : i32\n" + "%lo = arith.constant " + l.lower +
         " : " + l.type + "\n%st = arith.constant 16 : " + l.type + "\n%w15 = arith.constant 15 : " + l.type + "\n" +
         (l.type == "i64" ? "%nw = arith.extsi %n : i32 to i64\n" : "%nw = arith.addi %n, %zero32 : i32\n") +
         "%len = arith.muli %nw, %w15 : " + l.type + "\n%hi = arith.addi %lo, %len : " + l.type + "\n" + l.mask +
         l.other + l.outerBegin + "%r:2 = scf.for " + (l.isUnsigned ? "unsigned " : "") +
         "%k = %lo to %hi step %st iter_args(%sum = %zf, %at = %zero32) -> (tensor<512xf32>, i32) : " + l.type +
         " {\n%kz = arith.subi %k, %lo : " + l.type + "\n" +
         (l.type == "i64" ? "%k32 = arith.trunci %kz : i64 to i32\n" : "%k32 = arith.addi %kz, %zero32 : i32\n") +
         // Two ways to the row: the induction value, 16 an iteration, and a carried value.
         "%c16 = arith.constant 16 : i32\n%half = arith.muli %k32, %c16 : i32\n"
         "%both = arith.addi %half, %at : i32\n" +
         l.before + "%b = tile.addptr %x, %both : (" + pointer + ", i32) -> " + pointer + "\n%s = tile.splat %b : (" +
         pointer + ") -> " + pointers + "\n%p = tile.addptr %s, %lane : (" + pointers + ", tensor<512xi32>) -> " +
         pointers + "\n" + load + " : " + types + ") -> " + tile + "\n" + wide +
         "%next = arith.addf %sum, %w : tensor<512xf32>\n"
         "%total = tile.reduce %next axis = 0 : (tensor<512xf32>) -> f32 {\n^bb0(%i: f32, %j: f32):\n%ij = arith.addf "
         "%i, %j : f32\n"
         "tile.yield %ij : f32\n}\n%ts = tile.splat %total : (f32) -> tensor<512xf32>\n"
         "%result = arith.addf %next, %ts : tensor<512xf32>\n"
         "%yb = tile.addptr " +
         l.target +
         ", %both : (!tile.ptr<f32>, i32) -> !tile.ptr<f32>\n"
         "%ys = tile.splat %yb : (!tile.ptr<f32>) -> tensor<512x!tile.ptr<f32>>\n"
         "%yp = tile.addptr %ys, %lane : (tensor<512x!tile.ptr<f32>>, tensor<512xi32>) -> tensor<512x!tile.ptr<f32>>\n"
         "tile.store %yp, %result : (tensor<512x!tile.ptr<f32>>, tensor<512xf32>) -> ()\n" +
         l.after + "%c256 = arith.constant 256 : i32\n%atn = arith.addi %at, %c256 : i32\n" +
         "scf.yield %next, %atn : tensor<512xf32>, i32\n}" + l.attributes + "\n" + l.outerEnd + "return\n}\n";
}

// Rows of whole numbers from -3 to 4, whose sums are exact in both types.
std::vector<std::vector<uint8_t>> data(const Loop &l) {
  const float numbers[8] = {0, 1, 2, 3, 4, -1, -2, -3};
  const uint16_t halves[8] = {0, 0x3c00, 0x4000, 0x4200, 0x4400, 0xbc00, 0xc000, 0xc200};
  constexpr size_t kRows = 12;
  std::vector<uint8_t> in(kRows * 512 * 4), out(kRows * 512 * 4);
  for (size_t i = 0; i < in.size() / 4; ++i) {
    size_t number = (i * 2654435761u >> 13) % 8;
    if (l.element == "f32")
      std::memcpy(&in[4 * i], &numbers[number], 4);
    else
      std::memcpy(&in[4 * i], &halves[number], 2), std::memcpy(&in[4 * i + 2], &halves[number ^ 3], 2);
  }
  return {in, out};
}

struct Expected {
  int rings = 1;
  int loads = 0; //  into registers, in the whole kernel: two of one of the source are one ahead
};

void expectSame(const Loop &loop, Expected expected, const std::vector<int32_t> &trips = {0, 1, 2, 3, 8, -5}) {
  for (int32_t n : trips) {
    int rings = -1, loads = -1;
    BothOptions options;
    options.warps = loop.warps;
    options.asyncCopies = true;
    options.rings = &rings;
    options.loads = &loads;
    std::string text = kernelOf(loop);
    EXPECT_EQ(runBoth(text, data(loop), {n}, options), "") << n << " iterations\n" << text;
    EXPECT_EQ(rings, expected.rings);
    EXPECT_EQ(loads, expected.loads);
  }
}

} // namespace

TEST(PrefetchedLoads, ManyStagesAreRings) {
  for (int stages : {3, 4, 7}) {
    Loop l;
    l.attributes = " {tile.num_stages = " + std::to_string(stages) + " : i32}";
    expectSame(l, {1, 0});
  }
}

TEST(PrefetchedLoads, SmallTilesOneAheadAreRegisters) {
  Loop l;
  l.attributes = " {tile.num_stages = 2 : i32}";
  expectSame(l, {0, 2});
}

TEST(PrefetchedLoads, NothingUnlessAskedFor) {
  Loop l;
  l.attributes = "";
  expectSame(l, {0, 1});
  l.attributes = " {tile.num_stages = 1 : i32}";
  expectSame(l, {0, 1});
}

TEST(PrefetchedLoads, MasksAndWhatStandsInTheirPlace) {
  Loop l;
  l.other = "%o = arith.constant dense<0.0> : tensor<512xf32>\n";
  expectSame(l, {1, 0}, {3, 8});
  l.other = "%o = arith.constant dense<-0.0> : tensor<512xf32>\n";
  expectSame(l, {1, 0}, {3, 8});
  l.mask = l.other = l.masked = "";
  expectSame(l, {1, 0});
  l.attributes = " {tile.num_stages = 2 : i32}";
  expectSame(l, {0, 2});
}

TEST(PrefetchedLoads, ElementsTooNarrowToCopyAreRegisters) {
  Loop l;
  l.element = "f16";
  l.other = "%o = arith.constant dense<7.0> : tensor<512xf16>\n";
  expectSame(l, {1, 0}); // four neighbours are 8 bytes
  l.warps = 16;
  expectSame(l, {0, 2}, {3, 8}); // one a lane is 2 bytes
  l.warps = 4;
  l.mask = "%odd = arith.constant dense<447> : tensor<512xi32>\n%m = arith.cmpi slt, %lane, %odd : tensor<512xi32>\n";
  expectSame(l, {0, 2}); // a mask that ends within them
}

// Sixteen warps hold the tile: sixteen others would copy the same elements to the same places, and not wait for each other.
TEST(PrefetchedLoads, TilesThatSeveralLanesHoldAreRegisters) {
  Loop l;
  l.warps = 32;
  expectSame(l, {0, 2}, {3});
}

TEST(PrefetchedLoads, BoundsThatNoSumMayWrap) {
  for (auto [type, lower] : {std::pair("i64", "9223372036854775760"), std::pair("i32", "2147483600")})
    for (int stages : {2, 3}) {
      Loop l;
      l.type = type, l.lower = lower;
      l.attributes = " {tile.num_stages = " + std::to_string(stages) + " : i32}";
      expectSame(l, stages == 2 ? Expected{0, 2} : Expected{1, 0}, {0, 1, 2, 3});
    }
  Loop l;
  l.lower = "2147483632"; // unsigned: signed, it would end below where it starts
  l.isUnsigned = true;
  expectSame(l, {1, 0}, {0, 1, 2, 5});
}

TEST(PrefetchedLoads, OuterLoopsComeRoundAgain) {
  for (int stages : {2, 3}) {
    Loop l;
    l.attributes = " {tile.num_stages = " + std::to_string(stages) + " : i32}";
    l.outerBegin = "scf.for %outer = %zero32 to %c4 step %one : i32 {\n";
    l.outerEnd = "}\n";
    expectSame(l, stages == 2 ? Expected{0, 2} : Expected{1, 0});
  }
}

// Stores into the array that is read: where an iteration writes what it has read it goes ahead, else the next one may read what this one wrote.
TEST(PrefetchedLoads, StoresToTheArrayThatIsRead) {
  Loop l;
  l.target = "%x";
  expectSame(l, {1, 0});
  l.before = "%shift = arith.addi %both, %c512 : i32\n";
  l.target = "%xn";
  l.outerBegin = "%xn = tile.addptr %x, %c512 : (!tile.ptr<f32>, i32) -> !tile.ptr<f32>\n";
  expectSame(l, {0, 1});
}

TEST(PrefetchedLoads, BarriersAndLocksAreNotOvertaken) {
  Loop l;
  l.after = "tile.barrier\n";
  expectSame(l, {0, 1});
  std::string atomic =
      "%place = arith.constant 5632 : i32\n%count = tile.addptr %out, %place : (!tile.ptr<i32>, i32) -> "
      "!tile.ptr<i32>\n%old = tile.atomic_rmw add, %count, %one : (!tile.ptr<i32>, i32) -> i32\n";
  l.after = atomic;
  expectSame(l, {1, 0}); // nobody looks at what was there: a counter
  l.after = atomic + "%c5888 = arith.constant 5888 : i32\n"
                     "%seen = tile.addptr %out, %c5888 : (!tile.ptr<i32>, i32) -> !tile.ptr<i32>\n"
                     "tile.store %seen, %old : (!tile.ptr<i32>, i32) -> ()\n";
  expectSame(l, {0, 1});
}

// The same loops unrolled: every trip count, alone and with loads ahead.
TEST(UnrolledLoops, AnyNumberOfIterations) {
  for (int factor : {2, 3}) {
    Loop l;
    l.attributes = " {tile.unroll = " + std::to_string(factor) + " : i32}";
    expectSame(l, {0, factor + 1});
    l.attributes = " {tile.unroll = " + std::to_string(factor) + " : i32, tile.num_stages = 3 : i32}";
    expectSame(l, {factor, 1});
  }
}

TEST(UnrolledLoops, BoundsThatNoSumMayWrap) {
  for (auto [type, lower] : {std::pair("i64", "9223372036854775760"), std::pair("i32", "2147483600")}) {
    Loop l;
    l.type = type, l.lower = lower, l.attributes = " {tile.unroll = 2 : i32}";
    expectSame(l, {0, 3}, {0, 1, 2, 3});
  }
  Loop l;
  l.lower = "2147483632"; // unsigned: signed, it would end below where it starts
  l.isUnsigned = true;
  l.attributes = " {tile.unroll = 2 : i32}";
  expectSame(l, {0, 3}, {0, 1, 2, 5});
}

TEST(UnrolledLoops, NotByOne) {
  Loop l;
  l.attributes = " {tile.unroll = 1 : i32}";
  expectSame(l, {0, 1}, {0, 3});
}

// Groups of four heads, of which there are eight: the count is known where the loop runs, and it does not from the third group on.
TEST(UnrolledLoops, GroupsThatAnEndCutsBetween) {
  std::string pointers = "tensor<512x!tile.ptr<f32>>", row = "tensor<512xf32>";
  std::string text =
      "func.func @k(%in: !tile.ptr<i32> {tile.name = \"in\", tile.divisibility = 16 : i64}, %out: !tile.ptr<i32> "
      "{tile.name = \"out\", tile.divisibility = 16 : i64}, %n: i32 {tile.name = \"n\"}) {\n"
      "%x = tile.bitcast %in : !tile.ptr<i32> to !tile.ptr<f32>\n%y = tile.bitcast %out : !tile.ptr<i32> to "
      "!tile.ptr<f32>\n%lane = tile.arange 0 to 512 : tensor<512xi32>\n%zero = arith.constant dense<0.0> : "
      "tensor<512xf32>\n"
      "%one = arith.constant 1 : i32\n%c4 = arith.constant 4 : i32\n%c8 = arith.constant 8 : i32\n"
      "%c512 = arith.constant 512 : i32\n%c6144 = arith.constant 6144 : i32\n%first = arith.muli %n, %c4 : i32\n"
      "%beyond = arith.addi %first, %c4 : i32\n%last = arith.minsi %beyond, %c8 : i32\n"
      "%r = scf.for %k = %first to %last step %one iter_args(%s = %zero) -> (tensor<512xf32>) : i32 {\n"
      "%row = arith.addi %k, %c4 : i32\n%at = arith.muli %row, %c512 : i32\n"
      "%xb = tile.addptr %x, %at : (!tile.ptr<f32>, i32) -> !tile.ptr<f32>\n%xs = tile.splat %xb : (!tile.ptr<f32>) "
      "-> " +
      pointers + "\n%xp = tile.addptr %xs, %lane : (" + pointers + ", tensor<512xi32>) -> " + pointers +
      "\n%v = tile.load %xp : (" + pointers + ") -> " + row + "\n%t = arith.addf %s, %v : " + row +
      "\n%yb = tile.addptr %y, %at : (!tile.ptr<f32>, i32) -> !tile.ptr<f32>\n%ys = tile.splat %yb : "
      "(!tile.ptr<f32>) -> " +
      pointers + "\n%yp = tile.addptr %ys, %lane : (" + pointers + ", tensor<512xi32>) -> " + pointers +
      "\ntile.store %yp, %t : (" + pointers + ", " + row + ") -> ()\nscf.yield %t : " + row +
      "\n}\n%zb = tile.addptr %y, %c6144 : (!tile.ptr<f32>, i32) -> !tile.ptr<f32>\n%zs = tile.splat %zb : "
      "(!tile.ptr<f32>) -> " +
      pointers + "\n%zp = tile.addptr %zs, %lane : (" + pointers + ", tensor<512xi32>) -> " + pointers +
      "\ntile.store %zp, %r : (" + pointers + ", " + row + ") -> ()\nreturn\n}\n";
  std::vector<uint8_t> in(13 * 512 * 4), out(in.size());
  for (size_t i = 0; i < in.size() / 4; ++i) {
    auto number = static_cast<float>(i % 13);
    std::memcpy(&in[4 * i], &number, 4);
  }
  for (int32_t n : {-1, 0, 1, 2, 3}) {
    int loads = -1;
    BothOptions options;
    options.loads = &loads;
    EXPECT_EQ(runBoth(text, {in, out}, {n}, options), "") << n;
    EXPECT_EQ(loads, 4);
  }
}
