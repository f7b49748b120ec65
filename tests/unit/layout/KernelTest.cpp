// Guards single ops and small kernels at LAYOUT level that random programs do not have: dots, atomics, packs, floats.
//
// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/layout/RunBoth.h"

#include "gtest/gtest.h"

#include <cstring>
#include <random>

using namespace tessera;

namespace {

std::string flat(int64_t n, const std::string &element) { return "tensor<" + std::to_string(n) + "x" + element + ">"; }

// i32 values at base + offset as a tile %name of this shape; `pointer` gets the addresses.
std::string loadInts(const std::string &name, const std::string &base, int64_t n, int64_t offset,
                     const std::string &shape) {
  std::string p = name + "_p", f = flat(n, "i32"), fp = flat(n, "!tile.ptr<i32>");
  return p + "0 = tile.arange " + std::to_string(offset) + " to " + std::to_string(offset + n) + " : " + f + "\n" + //
         p + "1 = tile.splat " + base + " : (!tile.ptr<i32>) -> " + fp + "\n" +                                     //
         p + " = tile.addptr " + p + "1, " + p + "0 : (" + fp + ", " + f + ") -> " + fp + "\n" +                    //
         name + "_f = tile.load " + p + " : (" + fp + ") -> " + f + "\n" +                                          //
         name + " = tile.reshape " + name + "_f : (" + f + ") -> tensor<" + shape + "xi32>\n";
}

std::string storeFlat(const std::string &value, const std::string &shape, int64_t n, const std::string &element) {
  std::string f = flat(n, element), fp = flat(n, "!tile.ptr<" + element + ">");
  return "%so = tile.arange 0 to " + std::to_string(n) + " : " + flat(n, "i32") +
         "\n%sb = tile.bitcast %out : !tile.ptr<i32> to !tile.ptr<" + element +
         ">\n%sp0 = tile.splat %sb : (!tile.ptr<" + element + ">) -> " + fp + "\n%sp = tile.addptr %sp0, %so : (" + fp +
         ", " + flat(n, "i32") + ") -> " + fp + "\n%sv = tile.reshape " + value + " : (tensor<" + shape + "x" +
         element + ">) -> " + f + "\ntile.store %sp, %sv : (" + fp + ", " + f + ") -> ()\n";
}

std::string kernel(const std::string &body) {
  return "func.func @k(%in: !tile.ptr<i32> {tile.name = \"in\", tile.divisibility = 16 : i64}, %out: !tile.ptr<i32> "
         "{tile.name = \"out\", "
         "tile.divisibility = 16 : i64}, %n: i32 {tile.name = \"n\"}) {\n" +
         body + "return\n}\n";
}

std::vector<std::vector<uint8_t>> buffers(int32_t low, int32_t high, size_t count = 8192) {
  std::mt19937 rng(5);
  std::vector<uint8_t> in(count * 4);
  for (size_t i = 0; i < count; ++i) {
    int32_t v = low + static_cast<int32_t>(rng() % static_cast<uint32_t>(high - low));
    std::memcpy(&in[i * 4], &v, 4);
  }
  return {in, std::vector<uint8_t>(count * 4)};
}

void expectSame(const std::string &body, const BothOptions &options, int32_t low = -8, int32_t high = 8,
                int32_t n = 3) {
  std::string text = kernel(body);
  EXPECT_EQ(runBoth(text, buffers(low, high), {n}, options), "") << options.warps << " warps\n" << text;
}

std::string dims(const std::vector<int64_t> &shape) {
  std::string text;
  for (int64_t d : shape)
    text += (text.empty() ? "" : "x") + std::to_string(d);
  return text;
}

// a @ b + c with small integers, exact in every element type.
std::string dot(int64_t batch, int64_t m, int64_t n, int64_t k, const std::string &element,
                const std::string &accumulator) {
  auto shape = [&](int64_t r, int64_t c) { return batch > 1 ? dims({batch, r, c}) : dims({r, c}); };
  std::string as = shape(m, k), bs = shape(k, n), cs = shape(m, n);
  std::string convert = element == "i8" ? "arith.trunci" : "arith.sitofp";
  std::string zero = accumulator == "i32" ? "3" : "3.0";
  return loadInts("%a0", "%in", batch * m * k, 0, as) + loadInts("%b0", "%in", batch * k * n, 4096, bs) + //
         "%a = " + convert + " %a0 : tensor<" + as + "xi32> to tensor<" + as + "x" + element + ">\n" +    //
         "%b = " + convert + " %b0 : tensor<" + bs + "xi32> to tensor<" + bs + "x" + element + ">\n" +    //
         "%c = arith.constant dense<" + zero + "> : tensor<" + cs + "x" + accumulator + ">\n" +           //
         "%d = tile.dot %a, %b, %c : (tensor<" + as + "x" + element + ">, tensor<" + bs + "x" + element + ">, tensor<" +
         cs + "x" + accumulator + ">) -> tensor<" + cs + "x" + accumulator + ">\n" +
         storeFlat("%d", cs, batch * m * n, accumulator);
}

} // namespace

TEST(Kernels, DotsByInstructionAndLaneByLane) {
  for (unsigned warps : {1u, 4u, 8u})
    for (bool matrix : {false, true}) {
      BothOptions options;
      options.warps = warps;
      options.matrix = matrix;
      expectSame(dot(1, 16, 16, 16, "f16", "f32"), options);
      expectSame(dot(1, 64, 32, 32, "f16", "f32"), options);
      expectSame(dot(4, 16, 32, 16, "f16", "f32"), options);
      expectSame(dot(1, 32, 64, 16, "f32", "f32"), options);
    }
  BothOptions options;
  expectSame(dot(1, 32, 16, 64, "i8", "i32"), options);
  expectSame(dot(1, 4, 8, 2, "f32", "f32"), options);
  expectSame(dot(2, 1, 16, 16, "f64", "f64"), options);
  // Through scratch.
  for (unsigned warps : {1u, 4u}) {
    options.warps = warps;
    expectSame(dot(1, 64, 64, 64, "f32", "f32"), options);
    expectSame(dot(2, 16, 16, 128, "i8", "i32"), options);
  }
}

TEST(Kernels, ReductionOfTuplesTakesTheRowOfTheLargest) {
  BothOptions options;
  for (unsigned warps : {1u, 2u, 8u}) {
    options.warps = warps;
    expectSame(loadInts("%x", "%in", 512, 0, "16x32") + //
                   "%r = tile.arange 0 to 32 : tensor<32xi32>\n"
                   "%r1 = tile.expand_dims %r axis = 0 : (tensor<32xi32>) -> tensor<1x32xi32>\n"
                   "%i = tile.broadcast %r1 : (tensor<1x32xi32>) -> tensor<16x32xi32>\n"
                   "%m:2 = tile.reduce %x, %i axis = 1 : (tensor<16x32xi32>, tensor<16x32xi32>) -> (tensor<16xi32>, "
                   "tensor<16xi32>) {\n"
                   "^bb0(%a: i32, %ai: i32, %b: i32, %bi: i32):\n"
                   "  %gt = arith.cmpi sgt, %a, %b : i32\n  %eq = arith.cmpi eq, %a, %b : i32\n  %lt = arith.cmpi slt, "
                   "%ai, %bi : i32\n"
                   "  %t = arith.andi %eq, %lt : i1\n  %w = arith.ori %gt, %t : i1\n"
                   "  %v = arith.select %w, %a, %b : i32\n  %vi = arith.select %w, %ai, %bi : i32\n"
                   "  tile.yield %v, %vi : i32, i32\n}\n"
                   "%s = tile.join %m#0, %m#1 : (tensor<16xi32>, tensor<16xi32>) -> tensor<16x2xi32>\n" +
                   storeFlat("%s", "16x2", 32, "i32"),
               options);
  }
}

TEST(Kernels, AtomicsHappenOnceAnElement) {
  BothOptions options;
  for (unsigned warps : {1u, 4u}) {
    options.warps = warps;
    // 16 elements on 32 * warps lanes: copies must not add; several elements may meet one address.
    for (const char *n : {"16", "256"}) {
      std::string count = n;
      expectSame(loadInts("%x", "%in", std::stoi(count), 0, count) + //
                     "%k = arith.constant dense<7> : tensor<" + count + "xi32>\n%i = arith.andi %x, %k : tensor<" +
                     count + "xi32>\n" + "%p0 = tile.splat %out : (!tile.ptr<i32>) -> tensor<" + count +
                     "x!tile.ptr<i32>>\n%p = tile.addptr %p0, %i : (tensor<" + count + "x!tile.ptr<i32>>, tensor<" +
                     count + "xi32>) -> tensor<" + count +
                     "x!tile.ptr<i32>>\n%old = tile.atomic_rmw add, %p, %x : (tensor<" + count +
                     "x!tile.ptr<i32>>, tensor<" + count + "xi32>) -> tensor<" + count + "xi32>\n",
                 options);
    }
    // The old values reach every copy; one element an address, so that the order does not show.
    expectSame(loadInts("%x", "%in", 8, 0, "8") +
                   "%n8 = tile.splat %n : (i32) -> tensor<8xi32>\n%old = tile.atomic_rmw xchg, %x_p, %n8 : "
                   "(tensor<8x!tile.ptr<i32>>, tensor<8xi32>) -> tensor<8xi32>\n"
                   "%d = tile.expand_dims %old axis = 1 : (tensor<8xi32>) -> tensor<8x1xi32>\n"
                   "%b = tile.broadcast %d : (tensor<8x1xi32>) -> tensor<8x64xi32>\n" +
                   storeFlat("%b", "8x64", 512, "i32"),
               options);
    // A lock: scalars.
    expectSame("%c0 = arith.constant 0 : i32\n%c1 = arith.constant 1 : i32\n"
               "%old = tile.atomic_cas %out, %c0, %c1 : (!tile.ptr<i32>, i32, i32) -> i32\n"
               "%old2 = tile.atomic_rmw add, %out, %n : (!tile.ptr<i32>, i32) -> i32\n"
               "%s = arith.addi %old, %old2 : i32\n%t = tile.splat %s : (i32) -> tensor<64xi32>\n"
               "%q = tile.addptr %out, %n : (!tile.ptr<i32>, i32) -> !tile.ptr<i32>\n"
               "%qs = tile.splat %q : (!tile.ptr<i32>) -> tensor<64x!tile.ptr<i32>>\n%r = tile.arange 0 to 64 : "
               "tensor<64xi32>\n"
               "%qp = tile.addptr %qs, %r : (tensor<64x!tile.ptr<i32>>, tensor<64xi32>) -> tensor<64x!tile.ptr<i32>>\n"
               "tile.store %qp, %t : (tensor<64x!tile.ptr<i32>>, tensor<64xi32>) -> ()\n",
               options);
  }
}

TEST(Kernels, PacksOfElementsMeetInOneLane) {
  BothOptions options;
  for (int pack : {1, 2, 4}) {
    std::string args, yields, types;
    for (int i = 0; i < pack; ++i)
      args += (i ? ", " : "") + std::string("%e") + std::to_string(i) + ": i32";
    for (int i = 0; i < pack; ++i) {
      yields += (i ? ", %e" : "%e") + std::to_string(pack - 1 - i);
      types += i ? ", i32" : "i32";
    }
    expectSame(loadInts("%x", "%in", 256, 0, "4x64") +
                   "%t = tile.transpose %x order = [1, 0] : (tensor<4x64xi32>) -> tensor<64x4xi32>\n" +
                   "%y = tile.map_elementwise %t pack = " + std::to_string(pack) +
                   " : (tensor<64x4xi32>) -> tensor<64x4xi32> {\n^bb0(" + args + "):\n  tile.yield " + yields + " : " +
                   types + "\n}\n" + storeFlat("%y", "64x4", 256, "i32"),
               options);
  }
}

TEST(Kernels, MasksPointersAndWideElementsChangeLayouts) {
  BothOptions options;
  options.warps = 2;
  expectSame(loadInts("%x", "%in", 1024, 0, "32x32") +
                 "%t = tile.transpose %x order = [1, 0] : (tensor<32x32xi32>) -> tensor<32x32xi32>\n"
                 "%m = arith.cmpi slt, %x, %t : tensor<32x32xi32>\n"
                 "%mt = tile.transpose %m order = [1, 0] : (tensor<32x32xi1>) -> tensor<32x32xi1>\n"
                 "%w = arith.extsi %t : tensor<32x32xi32> to tensor<32x32xi64>\n"
                 "%wt = tile.transpose %w order = [1, 0] : (tensor<32x32xi64>) -> tensor<32x32xi64>\n"
                 "%v = arith.select %mt, %w, %wt : tensor<32x32xi1>, tensor<32x32xi64>\n"
                 "%i = arith.trunci %v : tensor<32x32xi64> to tensor<32x32xi32>\n" +
                 storeFlat("%i", "32x32", 1024, "i32"),
             options);
}

TEST(Kernels, SoftmaxOfRowsOverALoop) {
  BothOptions options;
  options.tolerance = 1e-5;
  for (unsigned warps : {1u, 4u}) {
    options.warps = warps;
    expectSame(
        loadInts("%x0", "%in", 1024, 0, "16x64") +
            "%x = arith.sitofp %x0 : tensor<16x64xi32> to tensor<16x64xf32>\n%z = arith.constant dense<0.0> : "
            "tensor<16xf32>\n"
            "%l = arith.constant dense<-1.0e30> : tensor<16xf32>\n%c0 = arith.constant 0 : i32\n%c1 = arith.constant 1 "
            ": i32\n"
            "%r:2 = scf.for %i = %c0 to %n step %c1 iter_args(%m = %l, %s = %z) -> (tensor<16xf32>, tensor<16xf32>) : "
            "i32 {\n"
            "  %a = tile.reduce %x axis = 1 : (tensor<16x64xf32>) -> tensor<16xf32> {\n  ^bb0(%p: f32, %q: f32):\n"
            "    %o = arith.maximumf %p, %q : f32\n    tile.yield %o : f32\n  }\n"
            "  %m2 = arith.maximumf %m, %a : tensor<16xf32>\n"
            "  %e = tile.expand_dims %m2 axis = 1 : (tensor<16xf32>) -> tensor<16x1xf32>\n"
            "  %b = tile.broadcast %e : (tensor<16x1xf32>) -> tensor<16x64xf32>\n  %d = arith.subf %x, %b : "
            "tensor<16x64xf32>\n"
            "  %x2 = math.exp %d : tensor<16x64xf32>\n"
            "  %t = tile.reduce %x2 axis = 1 : (tensor<16x64xf32>) -> tensor<16xf32> {\n  ^bb0(%p: f32, %q: f32):\n"
            "    %o = arith.addf %p, %q : f32\n    tile.yield %o : f32\n  }\n"
            "  %s2 = arith.addf %s, %t : tensor<16xf32>\n  scf.yield %m2, %s2 : tensor<16xf32>, tensor<16xf32>\n}\n" +
            storeFlat("%r#1", "16", 16, "f32"),
        options);
  }
}

TEST(Kernels, ScalarsJoinAndSplit) {
  expectSame("%c1 = arith.constant 40 : i32\n%j = tile.join %n, %c1 : (i32, i32) -> tensor<2xi32>\n"
             "%a, %b = tile.split %j : (tensor<2xi32>) -> (i32, i32)\n%s = arith.addi %a, %b : i32\n%t = tile.splat %s "
             ": (i32) -> tensor<4xi32>\n"
             "%k = tile.cat %t, %t : (tensor<4xi32>, tensor<4xi32>) -> tensor<8xi32>\n%o = tile.splat %n : (i32) -> "
             "tensor<1xi32>\n"
             "%x = tile.extract_scalar %o : (tensor<1xi32>) -> i32\n%xs = tile.splat %x : (i32) -> tensor<8xi32>\n"
             "%r = arith.muli %k, %xs : tensor<8xi32>\n" +
                 storeFlat("%r", "8", 8, "i32"),
             BothOptions());
}

TEST(Kernels, SharedMemoryBeyondTheTargetsIsOutOfResources) {
  // 16384 elements of 8 bytes change their layout between warps: 128 KiB on a target that has 64.
  std::string text = kernel(loadInts("%x", "%in", 16384, 0, "128x128") + //
                            "%w = arith.extsi %x : tensor<128x128xi32> to tensor<128x128xi64>\n"
                            "%s = tile.sort %w axis = 0 : (tensor<128x128xi64>) -> tensor<128x128xi64>\n"
                            "%i = arith.trunci %s : tensor<128x128xi64> to tensor<128x128xi32>\n" +
                            storeFlat("%i", "128x128", 16384, "i32"));
  std::string error = runBoth(text, buffers(0, 100, 16384), {1}, BothOptions());
  EXPECT_NE(
      error.find(
          "error[E0501]: kernel k needs 131072 bytes of shared memory, target generic-simt has 65536 for a block"),
      std::string::npos)
      << error;
  EXPECT_NE(error.find("131072 bytes at offset 0: scratch of tile.sort"), std::string::npos) << error;
}
