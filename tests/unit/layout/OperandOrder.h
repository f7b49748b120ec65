// OperandOrder.h - a loop of products whose operands lie in memory in any order, as tile IR
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytecode/Module.h"
#include "core/interpreter/ScalarSemantics.h"

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace tessera::samples {

inline std::string dims(int64_t rows, int64_t columns) { return std::to_string(rows) + "x" + std::to_string(columns); }

// A tile of pointers %NAMEp into %base: rows x columns, strides of both dims, from element %at on.
inline std::string pointers(const std::string &name, int64_t rows, int64_t columns, int64_t rowStride,
                            int64_t columnStride, const std::string &base, const std::string &element) {
  std::string r = std::to_string(rows), c = std::to_string(columns), n = "%" + name, d = dims(rows, columns);
  auto side = [&](const std::string &tag, const std::string &size, int64_t stride, bool isRow) {
    std::string unit = isRow ? size + "x1" : "1x" + size;
    return n + tag + " = tile.arange 0 to " + size + " : tensor<" + size + "xi32>\n" + n + tag +
           "e = tile.expand_dims " + n + tag + " axis = " + (isRow ? "1" : "0") + " : (tensor<" + size +
           "xi32>) -> tensor<" + unit + "xi32>\n" + n + tag + "s = arith.constant dense<" + std::to_string(stride) +
           "> : tensor<" + unit + "xi32>\n" + n + tag + "m = arith.muli " + n + tag + "e, " + n + tag + "s : tensor<" +
           unit + "xi32>\n" + n + tag + "b = tile.broadcast " + n + tag + "m : (tensor<" + unit + "xi32>) -> tensor<" +
           d + "xi32>\n";
  };
  return side("r", r, rowStride, true) + side("c", c, columnStride, false) + n + "o = arith.addi " + n + "rb, " + n +
         "cb : tensor<" + d + "xi32>\n" + n + "q = tile.splat " + base + " : (!tile.ptr<" + element + ">) -> tensor<" +
         d + "x!tile.ptr<" + element + ">>\n" + n + "p = tile.addptr " + n + "q, " + n + "o : (tensor<" + d +
         "x!tile.ptr<" + element + ">>, tensor<" + d + "xi32>) -> tensor<" + d + "x!tile.ptr<" + element + ">>\n";
}

struct OrderedProduct {
  int64_t m = 64, n = 64, k = 16;
  bool aAlongK = true, bAlongK = false; // how they lie in memory
  const char *epilogue = "";            // what becomes of %d, the product, in the loop: %e
  const char *type = "f32", *sum = "f32";
  tbc::Elem elem = tbc::Elem::F32;
  const char *attributes = ""; // of the product
};

constexpr int64_t kMostIterations = 8;

// c[m x n] of a[m x K] @ b[K x n], K = k iterations.
inline std::string kernelOf(const OrderedProduct &p) {
  int64_t whole = p.k * kMostIterations;
  std::string mk = dims(p.m, p.k), kn = dims(p.k, p.n), mn = dims(p.m, p.n), e = p.type, s = p.sum;
  auto step = [&](bool alongK, int64_t other) { return std::to_string(alongK ? p.k : p.k * other); };
  auto pt = [](const std::string &d, const std::string &type) { return "tensor<" + d + "x!tile.ptr<" + type + ">>"; };
  auto vt = [](const std::string &d, const std::string &type) { return "tensor<" + d + "x" + type + ">"; };
  std::string sums = vt(mn, s), at = " : (!tile.ptr<" + e + ">, i32) -> !tile.ptr<" + e + ">\n";
  std::string d = "%d = tile.dot %a, %b, %acc" + std::string(p.attributes) + " : (" + vt(mk, e) + ", " + vt(kn, e) +
                  ", " + sums + ") -> " + sums + "\n";
  bool extra = *p.epilogue;
  return "func.func @k(%in: !tile.ptr<" + e + "> {tile.name = \"in\", tile.divisibility = 16 : i64}, %out: !tile.ptr<" +
         s +
         "> {tile.name = \"out\", tile.divisibility = 16 : i64}, %n: i32 {tile.name = \"n\"}) {\n"
         "%zero = arith.constant 0 : i32\n%one = arith.constant 1 : i32\n%start = arith.constant dense<" +
         (s == "i32" ? "1" : "1.0") + "> : " + sums + "\n%from = arith.constant " + std::to_string(p.m * whole) +
         " : i32\n%bin = tile.addptr %in, %from" + at + "%as = arith.constant " + step(p.aAlongK, p.m) +
         " : i32\n%bs = arith.constant " + step(p.bAlongK, p.n) +
         " : i32\n%r = scf.for %i = %zero to %n step %one iter_args(%acc = %start) -> (" + sums +
         ") : i32 {\n%ai = arith.muli %i, %as : i32\n%bi = arith.muli %i, %bs : i32\n%aat = tile.addptr %in, %ai" + at +
         "%bat = tile.addptr %bin, %bi" + at +
         pointers("a", p.m, p.k, p.aAlongK ? whole : 1, p.aAlongK ? 1 : p.m, "%aat", e) +
         pointers("b", p.k, p.n, p.bAlongK ? 1 : p.n, p.bAlongK ? whole : 1, "%bat", e) + "%a = tile.load %ap : (" +
         pt(mk, e) + ") -> " + vt(mk, e) + "\n%b = tile.load %bp : (" + pt(kn, e) + ") -> " + vt(kn, e) + "\n" + d +
         p.epilogue + "scf.yield " + (extra ? "%e" : "%d") + " : " + sums + "\n}\n" +
         pointers("c", p.m, p.n, p.n, 1, "%out", s) + "tile.store %cp, %r : (" + pt(mn, s) + ", " + sums +
         ") -> ()\nreturn\n}\n";
}

// Small whole numbers for both operands, and room for the result.
inline std::vector<std::vector<uint8_t>> buffersOf(const OrderedProduct &p) {
  size_t bytes = tbc::elemBits(p.elem) / 8, count = static_cast<size_t>((p.m + p.n) * p.k * kMostIterations);
  std::vector<uint8_t> in(count * bytes);
  for (size_t i = 0; i < count; ++i) {
    int v = static_cast<int>((i * 2654435761u >> 13) % 8) - 3;
    uint64_t bits = tbc::isFloat(p.elem) ? scalar::encodeFloat(p.elem, v) : static_cast<uint64_t>(v);
    std::memcpy(&in[bytes * i], &bits, bytes);
  }
  return {in, std::vector<uint8_t>(static_cast<size_t>(p.m * p.n) * 4)};
}

} // namespace tessera::samples
