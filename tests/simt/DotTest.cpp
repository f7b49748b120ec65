// DotTest.cpp - dots by multiply-adds, small ones spelled out and large ones through scratch, against the interpreter
//
// SPDX-License-Identifier: Apache-2.0
#include "tests/simt/Block.h"
#include "tests/simt/RunOnSimt.h"
#include "tests/unit/layout/RunBoth.h"

#include "gtest/gtest.h"

#include <bit>
#include <cstring>
#include <limits>
#include <random>

using namespace tessera;

namespace {

constexpr size_t kElements = 8192; // of a, and of b behind it

struct Product {
  int64_t batch, m, n, k;
  const char *element, *accumulator;
};

std::string shapeOf(const Product &p, int64_t rows, int64_t columns) {
  return (p.batch > 1 ? std::to_string(p.batch) + "x" : "") + std::to_string(rows) + "x" + std::to_string(columns);
}

std::string addresses(const std::string &name, const std::string &base, int64_t count, int64_t start) {
  std::string n = std::to_string(count), t = "tensor<" + n + "x!tile.ptr<i32>>";
  return name + "i = tile.arange " + std::to_string(start) + " to " + std::to_string(start + count) + " : tensor<" + n +
         "xi32>\n" + name + "s = tile.splat " + base + " : (!tile.ptr<i32>) -> " + t + "\n" + name + " = tile.addptr " +
         name + "s, " + name + "i : (" + t + ", tensor<" + n + "xi32>) -> " + t + "\n";
}

// Small whole numbers of %in as a tile of the element type.
std::string loaded(const std::string &name, const Product &p, int64_t rows, int64_t columns, int64_t start) {
  int64_t count = p.batch * rows * columns;
  std::string n = std::to_string(count), shape = shapeOf(p, rows, columns), e = p.element;
  std::string convert = e == "i8" ? "arith.trunci" : "arith.sitofp";
  return addresses(name + "p", "%in", count, start) + name + "f = tile.load " + name + "p : (tensor<" + n +
         "x!tile.ptr<i32>>) -> tensor<" + n + "xi32>\n" + name + "w = tile.reshape " + name + "f : (tensor<" + n +
         "xi32>) -> tensor<" + shape + "xi32>\n" + name + " = " + convert + " " + name + "w : tensor<" + shape +
         "xi32> to tensor<" + shape + "x" + e + ">\n";
}

// c = 3; twice: c = a @ b + c, so that the second product's scratch is that of the first; then c to %out.
std::string kernelOf(const Product &p) {
  std::string as = "tensor<" + shapeOf(p, p.m, p.k) + "x" + p.element + ">",
              bs = "tensor<" + shapeOf(p, p.k, p.n) + "x" + p.element + ">", cs = shapeOf(p, p.m, p.n),
              ct = "tensor<" + cs + "x" + p.accumulator + ">";
  bool whole = p.accumulator == std::string("i32");
  int64_t count = p.batch * p.m * p.n;
  std::string n = std::to_string(count);
  return "func.func @k(%in: !tile.ptr<i32> {tile.name = \"in\", tile.divisibility = 16 : i64}, %out: !tile.ptr<i32> "
         "{tile.name = \"out\", tile.divisibility = 16 : i64}, %n: i32 {tile.name = \"n\"}) {\n" +
         loaded("%a", p, p.m, p.k, 0) + loaded("%b", p, p.k, p.n, kElements) + "%c = arith.constant dense<" +
         (whole ? "3" : "3.0") + "> : " + ct +
         "\n%zero = arith.constant 0 : i32\n%one = arith.constant 1 : i32\n"
         "%d = scf.for %i = %zero to %n step %one iter_args(%x = %c) -> (" +
         ct + ") : i32 {\n%y = tile.dot %a, %b, %x : (" + as + ", " + bs + ", " + ct + ") -> " + ct +
         "\nscf.yield %y : " + ct + "\n}\n" +
         (whole ? "%w = tile.reshape %d : (" + ct + ") -> tensor<" + n + "xi32>\n"
                : "%v = arith.fptosi %d : " + ct + " to tensor<" + cs + "xi32>\n%w = tile.reshape %v : (tensor<" + cs +
                      "xi32>) -> tensor<" + n + "xi32>\n") +
         addresses("%o", "%out", count, 0) + "tile.store %o, %w : (tensor<" + n + "x!tile.ptr<i32>>, tensor<" + n +
         "xi32>) -> ()\nreturn\n}\n";
}

} // namespace

TEST(SimtDot, MultiplyAddsOfEverySize) {
  std::mt19937 rng(7);
  std::vector<uint8_t> in(2 * kElements * 4);
  for (size_t i = 0; i < 2 * kElements; ++i) {
    int32_t v = static_cast<int32_t>(rng() % 17) - 8;
    std::memcpy(&in[i * 4], &v, 4);
  }
  static const Product products[] = {
      {1, 16, 16, 16, "f32", "f32"},   {1, 64, 64, 64, "f32", "f32"},  {1, 128, 64, 32, "f16", "f32"},
      {1, 32, 128, 64, "bf16", "f32"}, {1, 64, 64, 128, "i8", "i32"},  {1, 32, 32, 64, "f64", "f64"},
      {2, 32, 32, 64, "f32", "f32"},   {1, 16, 16, 512, "f32", "f32"}, {4, 16, 16, 128, "f16", "f32"},
  };
  for (unsigned warps : {1u, 4u, 8u})
    for (const Product &p : products) {
      BothOptions options;
      options.warps = warps;
      options.device = simt::lanesOfTheHost();
      std::string text = kernelOf(p);
      EXPECT_EQ(runBoth(text, {in, std::vector<uint8_t>(2 * kElements * 4)}, {2}, options), "") << warps << " warps\n"
                                                                                                << text;
    }
}

// Tiles smaller than the instruction, whose rows and columns it sees more than once; batches of them; c of the next from c of the last.
TEST(SimtDot, FewerRowsThanTheInstruction) {
  std::mt19937 rng(13);
  std::vector<uint8_t> in(2 * kElements * 4);
  for (size_t i = 0; i < 2 * kElements; ++i) {
    int32_t v = static_cast<int32_t>(rng() % 17) - 8;
    std::memcpy(&in[i * 4], &v, 4);
  }
  static const Product products[] = {
      {1, 1, 32, 32, "f16", "f32"},  {1, 8, 8, 16, "bf16", "f32"}, {1, 32, 4, 32, "f16", "f32"},
      {1, 4, 64, 64, "i8", "i32"},   {1, 16, 1, 32, "i8", "i32"},  {4, 2, 32, 16, "f16", "f32"},
      {2, 32, 8, 32, "bf16", "f32"}, {1, 1, 1, 16, "f16", "f32"},
  };
  for (unsigned warps : {1u, 4u})
    for (const Product &p : products) {
      BothOptions options;
      options.warps = warps;
      options.menu = simt::matrixMenu();
      options.blockTransfers = warps == 4;
      options.device = simt::lanesOfTheHost();
      std::string text = kernelOf(p);
      EXPECT_EQ(runBoth(text, {in, std::vector<uint8_t>(2 * kElements * 4)}, {2}, options), "") << warps << " warps\n"
                                                                                                << text;
    }
}

namespace {

// c = a @ b, 32 x 64 by 64 x 32, of f32 from %in.
std::string partsKernel(const std::string &precision) {
  auto tile = [](const std::string &name, const std::string &base, int64_t rows, int64_t columns, int64_t start) {
    std::string n = std::to_string(rows * columns), t = "tensor<" + n + "x!tile.ptr<f32>>",
                shape = std::to_string(rows) + "x" + std::to_string(columns);
    return name + "i = tile.arange " + std::to_string(start) + " to " + std::to_string(start + rows * columns) +
           " : tensor<" + n + "xi32>\n" + name + "s = tile.splat " + base + " : (!tile.ptr<f32>) -> " + t + "\n" +
           name + "f = tile.addptr " + name + "s, " + name + "i : (" + t + ", tensor<" + n + "xi32>) -> " + t + "\n" +
           name + "p = tile.reshape " + name + "f : (" + t + ") -> tensor<" + shape + "x!tile.ptr<f32>>\n";
  };
  return "func.func @k(%in: !tile.ptr<f32> {tile.name = \"in\"}, %out: !tile.ptr<f32> {tile.name = \"out\"}) {\n" +
         tile("%a", "%in", 32, 64, 0) + tile("%b", "%in", 64, 32, 2048) + tile("%o", "%out", 32, 32, 0) +
         "%a = tile.load %ap : (tensor<32x64x!tile.ptr<f32>>) -> tensor<32x64xf32>\n"
         "%b = tile.load %bp : (tensor<64x32x!tile.ptr<f32>>) -> tensor<64x32xf32>\n"
         "%c = arith.constant dense<0.0> : tensor<32x32xf32>\n"
         "%d = tile.dot %a, %b, %c precision = " +
         precision +
         " : (tensor<32x64xf32>, tensor<64x32xf32>, tensor<32x32xf32>) -> tensor<32x32xf32>\n"
         "tile.store %op, %d : (tensor<32x32x!tile.ptr<f32>>, tensor<32x32xf32>) -> ()\nreturn\n}\n";
}

} // namespace

// f32 in two and three parts of bf16, on an instruction of bf16. Two parts keep 16 bits of a factor, three all 24.
TEST(SimtDot, F32InParts) {
  std::mt19937 rng(11);
  std::uniform_real_distribution<float> unit(-1, 1);
  std::vector<float> in(4096);
  for (float &v : in)
    v = unit(rng);
  for (int i = 0; i < 32; ++i) // the last row of a sees an infinity times 1 and zeros, the last but one a NaN
    in[2048 + 32 * 5 + i] = 1;
  for (int k = 0; k < 64; ++k)
    in[64 * 31 + k] = in[64 * 30 + k] = 0;
  in[64 * 31 + 5] = std::numeric_limits<float>::infinity();
  in[64 * 30 + 5] = std::bit_cast<float>(0x7f800001u); // its payload is below what a part keeps
  std::vector<uint8_t> bytes(in.size() * 4);
  std::memcpy(bytes.data(), in.data(), bytes.size());
  for (auto [precision, tolerance] : {std::pair("bf16x3", 1e-4), std::pair("bf16x6", 4e-6)}) {
    BothOptions options;
    options.menu = simt::matrixMenu();
    options.blockTransfers = true;
    options.device = simt::lanesOfTheHost();
    options.tolerance = tolerance;
    EXPECT_EQ(runBoth(partsKernel(precision), {bytes, std::vector<uint8_t>(32 * 32 * 4)}, {}, options), "")
        << precision;
  }
  // Two parts are less than multiply-adds of f32: the instruction was used.
  BothOptions options;
  options.menu = simt::matrixMenu();
  options.device = simt::lanesOfTheHost();
  options.tolerance = 1e-7;
  EXPECT_NE(runBoth(partsKernel("bf16x3"), {bytes, std::vector<uint8_t>(32 * 32 * 4)}, {}, options), "");
}
