// Guards accesses by descriptor as tensor copies: on the mock device, with the races of its engine, as pointers do in the interpreter.
//
// SPDX-License-Identifier: Apache-2.0
#include "core/target/ElementNumber.h"
#include "tests/unit/layout/DescriptorKernels.h"
#include "tests/unit/layout/RunBoth.h"

#include "gtest/gtest.h"

using namespace tessera;

namespace {

constexpr size_t kElements = 48 * 64;

// Runs the windows of 5 x 4 programs; both buffers are there before and after.
void expectWindows(const std::string &type, int rows, int columns, int m, int n, int copies,
                   const std::string &padding = "zero") {
  BothOptions options;
  options.tensorCopies = true;
  options.grid = 20;
  int made = -1;
  options.copies = &made;
  std::vector<uint8_t> in = samples::halves(kElements * (type == "f16" ? 1 : 2)), out(in.size(), 0x11);
  SCOPED_TRACE(type + " " + std::to_string(rows) + " x " + std::to_string(columns) + " of " + std::to_string(m) +
               " x " + std::to_string(n));
  EXPECT_EQ(runBoth(samples::windowKernel(type, rows, columns, n, padding), {in, out}, {m, n}, options), "");
  EXPECT_EQ(made, copies && !samples::hasWholeRows(type, n) ? copies - 1 : copies); // the store
  EXPECT_EQ(runBoth(samples::windowKernel(type, rows, columns, n, padding, true), {in, out}, {m, n}, options), "");
  EXPECT_EQ(made, copies ? copies - 1 : copies);
}

// The mock device's instruction of four warps that reads b, and perhaps a, from shared memory.
BothOptions withUnits(bool group) {
  BothOptions o;
  o.matrix = true;
  o.tensorCopies = true;
  o.menu.push_back(groupInstruction(group));
  return o;
}

} // namespace

TEST(Descriptor, WindowsOverTheEdges) {
  for (auto [m, n] : {std::pair(40, 64), {40, 33}, {37, 64}, {1, 1}, {9, 16}}) {
    expectWindows("f32", 16, 16, m, n, 2);
    expectWindows("f16", 8, 16, m, n, 2);
    expectWindows("i32", 8, 64, m, n, 2);
  }
  expectWindows("f16", 16, 32, 33, 41, 2, "nan");
  expectWindows("f32", 16, 8, 33, 41, 2, "nan");
}

TEST(Descriptor, EmptyArrays) {
  expectWindows("f32", 16, 16, 0, 64, 2);
  expectWindows("f32", 16, 16, 40, 0, 2);
  expectWindows("f16", 8, 32, -3, 7, 2);
}

TEST(Descriptor, WhatIsNotCopied) {
  expectWindows("f32", 4, 4, 40, 64, 0);    // 64 bytes
  expectWindows("f16", 32, 4, 40, 64, 0);   // rows of 8
  expectWindows("i32", 64, 256, 40, 64, 0); // 64 KiB of the target's 64
}

TEST(Descriptor, LoopsOfProducts) {
  for (bool group : {false, true})
    for (bool transposed : {false, true})
      for (int stages : {1, 2, 3, 5})
        for (auto [k, m] : {std::pair(0, 64), {16, 64}, {40, 64}, {128, 64}, {128, 50}, {96, 0}}) {
          BothOptions options = withUnits(group);
          int rings = -1, copies = -1;
          options.rings = &rings;
          options.copies = &copies;
          SCOPED_TRACE(std::string(group ? "group" : "warp") + (transposed ? ", transposed" : "") + ", " +
                       std::to_string(stages) + " stages, k " + std::to_string(k) + ", m " + std::to_string(m));
          EXPECT_EQ(runBoth(samples::productKernel(transposed, stages),
                            {samples::halves(8192 + 4096), std::vector<uint8_t>(2048 * 4)}, {k, m}, options),
                    "");
          EXPECT_EQ(rings, stages == 1 ? 1 : 3); // with one stage both loads share a ring of one copy barrier
          EXPECT_GE(copies, 3);
        }
}

TEST(Descriptor, LoopsThatAlsoCopyByLanes) {
  for (bool group : {false, true})
    for (int stages : {2, 3, 5})
      for (auto [k, m] : {std::pair(0, 64), {16, 64}, {40, 64}, {128, 50}}) {
        BothOptions options = withUnits(group);
        options.asyncCopies = true;
        int rings = -1, copies = -1;
        options.rings = &rings;
        options.copies = &copies;
        SCOPED_TRACE(std::string(group ? "group" : "warp") + ", " + std::to_string(stages) + " stages, k " +
                     std::to_string(k) + ", m " + std::to_string(m));
        EXPECT_EQ(runBoth(samples::productKernel(false, stages, true),
                          {samples::halves(8192 + 4096), std::vector<uint8_t>(2048 * 4)}, {k, m}, options),
                  "");
        EXPECT_EQ(rings, 3);           // of a, of b, of copy barriers
        EXPECT_EQ(copies, stages + 1); // ahead of the loop, in it, and the store
      }
}

// What a tile's iteration stores is read while the next one works: one store, two with buffers of their own, two through one (the rings take the rest of the
// 64 KiB), one of a branch, and one in a nest whose next loads start ahead.
TEST(Descriptor, StoresOfALoopRunOn) {
  const std::string store = " tile.descriptor_store ";
  auto doubled = [&](const std::string &text, const std::string &open, const std::string &close) {
    size_t at = text.find(store);
    size_t end = text.find("-> ()\n", at) + 6;
    std::string one = text.substr(at, end - at), other = one;
    other.replace(other.find("%r,"), 3, "%twice,");
    other.replace(other.find("offsets[%to,"), 12, "offsets[%behind,");
    return text.substr(0, at) +
           " %twice = arith.addf %r, %r : tensor<64x32xf32>\n %c128 = arith.constant 128 : i32\n"
           " %behind = arith.addi %to, %c128 : i32\n" +
           one + open + other + close + text.substr(end);
  };
  samples::Persistent p;
  // Of 3 KiB a stage beside a store's 8.
  auto staged = [&](int stages, const std::string &flags) {
    samples::Persistent with = p;
    with.outerFlags = flags;
    with.loopFlags = "tile.num_stages = " + std::to_string(stages) + " : i32";
    return samples::persistentKernel(with);
  };
  const std::string branch =
      " %odd = arith.andi %t, %c1 : i32\n %is = arith.cmpi eq, %odd, %zero : i32\n scf.if %is {\n";
  const std::vector<std::tuple<std::string, std::string, int>> kernels = {
      {"one", staged(12, ""), 1},
      {"two", doubled(staged(12, ""), "", ""), 2},
      {"two, one buffer", doubled(staged(17, ""), "", ""), 1},
      {"no room", doubled(staged(32, ""), "", ""), 0},
      {"a branch", doubled(staged(12, ""), branch, " }\n"), 2},
      {"nest", staged(12, "tile.loop_flags = 1 : i32"), 1}};
  for (bool group : {false, true})
    for (const auto &[name, text, delayed] : kernels)
      for (auto [k, tiles] : {std::pair(0, 2), {16, 0}, {16, 1}, {48, 2}, {128, 2}}) {
        BothOptions options = withUnits(group);
        SCOPED_TRACE(name + (group ? ", group" : "") + ", k " + std::to_string(k) + ", tiles " + std::to_string(tiles));
        int made = -1;
        options.delayed = &made;
        EXPECT_EQ(
            runBoth(text, {samples::halves(8192 + 4096), std::vector<uint8_t>(256 * 32 * 4)}, {k, tiles}, options), "");
        EXPECT_EQ(made, delayed);
      }
}
