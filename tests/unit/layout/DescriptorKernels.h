// DescriptorKernels.h - kernels with accesses by descriptor as tile IR, for runBoth
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace tessera::samples {

// out[window] = in[window, moved] * 2 over windows of `tile`: those of `in` begin 4 rows above and 16 bytes left of the array, those of `out` where it does, or
// `inFront` like the others; there no engine may store. Parameters are in, out, rows, columns.
// `type`: f32, f16 or i32; rows are 64 elements apart, the arrays are windows of 40 rows of the buffers. n: columns of the array; where
// they are a multiple of 16 bytes the kernel knows it, else an engine, which writes rows by such pieces, must not store.
inline bool hasWholeRows(const std::string &type, int n) { return n % (type == "f16" ? 8 : 4) == 0; }
inline std::string windowKernel(const std::string &type, int rows, int columns, int n,
                                const std::string &padding = "zero", bool inFront = false) {
  std::string tile = std::to_string(rows) + "x" + std::to_string(columns) + "x" + type;
  std::string twice = type == "i32" ? "arith.addi" : "arith.addf";
  return "func.func @k(%in: !tile.ptr<i32> {tile.name = \"in\", tile.divisibility = 16 : i64}, %out: !tile.ptr<i32> "
         "{tile.name = \"out\", tile.divisibility = 16 : i64}, %m: i32 {tile.name = \"m\"}, %n: i32 {tile.name = "
         "\"n\"" +
         std::string(!hasWholeRows(type, n) ? ""
                     : type == "f16"        ? ", tile.divisibility = 8 : i64"
                                            : ", tile.divisibility = 4 : i64") +
         "}) {\n %x = tile.bitcast %in : !tile.ptr<i32> to !tile.ptr<" + type +
         ">\n %y = tile.bitcast %out : !tile.ptr<i32> to !tile.ptr<" + type +
         ">\n %m64 = arith.extsi %m : i32 to i64\n %n64 = arith.extsi %n : i32 to i64\n"
         " %s = arith.constant 64 : i64\n %one = arith.constant 1 : i64\n %pid = tile.program_id 0\n"
         " %four = arith.constant 4 : i32\n %row = arith.constant " +
         std::to_string(rows) +
         " : i32\n %q = arith.divsi %pid, %four : i32\n %r = arith.remsi %pid, %four : i32\n"
         " %i0 = arith.muli %q, %row : i32\n %i = arith.subi %i0, %four : i32\n %col = arith.constant " +
         std::to_string(columns) + " : i32\n %j0 = arith.muli %r, %col : i32\n %left = arith.constant " +
         (type == "f16" ? "8" : "4") +
         " : i32\n %j = arith.subi %j0, %left : i32\n"
         " %v = tile.descriptor_load %x shape[%m64, %n64] strides[%s, %one] offsets[%i, %j] padding = " +
         padding + " : (!tile.ptr<" + type + ">, i64, i64, i64, i64, i32, i32) -> tensor<" + tile +
         ">\n %w = " + twice + " %v, %v : tensor<" + tile +
         ">\n tile.descriptor_store %w, %y shape[%m64, %n64] strides[%s, %one] offsets[" +
         (inFront ? "%i, %j" : "%i0, %j0") + "] : (tensor<" + tile + ">, !tile.ptr<" + type +
         ">, i64, i64, i64, i64, i32, i32) -> ()\n return\n}\n";
}

// c[64 x 32] = a[m x k] @ b, tiles of 64 x 16 and 16 x 32 of f16, c f32; b is k x 32, or with `transposed` 32 x k. Parameters: in (a, then b 8192
// elements on; rows of 128 and 32, transposed 128, elements), out, k, m.
// byPointers: b is loaded through pointers, with a mask of k; how it is cached keeps it from being a tensor copy.
inline std::string productKernel(bool transposed, int stages = 3, bool byPointers = false) {
  std::string bLoad =
      byPointers
          ? " %kk = tile.arange 0 to 16 : tensor<16xi32>\n %kk1 = tile.expand_dims %kk axis = 1 : (tensor<16xi32>) -> "
            "tensor<16x1xi32>\n %bn = tile.arange 0 to 32 : tensor<32xi32>\n %bn0 = tile.expand_dims %bn axis = 0 : "
            "(tensor<32xi32>) -> tensor<1x32xi32>\n %w32 = arith.constant dense<32> : tensor<16x1xi32>\n %bk = "
            "arith.muli "
            "%kk1, %w32 : tensor<16x1xi32>\n %bkb = tile.broadcast %bk : (tensor<16x1xi32>) -> tensor<16x32xi32>\n "
            "%bnb = "
            "tile.broadcast %bn0 : (tensor<1x32xi32>) -> tensor<16x32xi32>\n %bo = arith.addi %bkb, %bnb : "
            "tensor<16x32xi32>\n %c32i = arith.constant 32 : i32\n %row = arith.muli %i, %c32i : i32\n %bi = "
            "tile.addptr %b, "
            "%row : (!tile.ptr<f16>, i32) -> !tile.ptr<f16>\n %bs = tile.splat %bi : (!tile.ptr<f16>) -> "
            "tensor<16x32x!tile.ptr<f16>>\n %bp = tile.addptr %bs, %bo : (tensor<16x32x!tile.ptr<f16>>, "
            "tensor<16x32xi32>) -> tensor<16x32x!tile.ptr<f16>>\n %left = arith.subi %k, %i : i32\n %ls = tile.splat "
            "%left : "
            "(i32) -> tensor<16x1xi32>\n %in1 = arith.cmpi slt, %kk1, %ls : tensor<16x1xi32>\n %inside = "
            "tile.broadcast %in1 "
            ": (tensor<16x1xi1>) -> tensor<16x32xi1>\n %none16 = arith.constant dense<0.0> : tensor<16x32xf16>\n %bv = "
            "tile.load %bp mask %inside other %none16 cache = ca : (tensor<16x32x!tile.ptr<f16>>, tensor<16x32xi1>, "
            "tensor<16x32xf16>) -> tensor<16x32xf16>\n"
      : transposed
          ? " %bt = tile.descriptor_load %b shape[%c32, %k64] strides[%s, %one] offsets[%zero, %i] : (!tile.ptr<f16>, "
            "i64, i64, i64, i64, i32, i32) -> tensor<32x16xf16>\n %bv = tile.transpose %bt order = [1, 0] : "
            "(tensor<32x16xf16>) -> tensor<16x32xf16>\n"
          : " %bv = tile.descriptor_load %b shape[%k64, %c32] strides[%c32, %one] offsets[%i, %zero] : "
            "(!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> tensor<16x32xf16>\n";
  return "func.func @k(%in: !tile.ptr<i32> {tile.name = \"in\", tile.divisibility = 16 : i64}, %out: !tile.ptr<i32> "
         "{tile.name = \"out\", tile.divisibility = 16 : i64}, %k: i32 {tile.name = \"k\"}, %m: i32 {tile.name = "
         "\"m\"}) {\n %a = tile.bitcast %in : !tile.ptr<i32> to !tile.ptr<f16>\n %c8192 = arith.constant 8192 : i32\n"
         " %b = tile.addptr %a, %c8192 : (!tile.ptr<f16>, i32) -> !tile.ptr<f16>\n"
         " %c = tile.bitcast %out : !tile.ptr<i32> to !tile.ptr<f32>\n"
         " %k64 = arith.extsi %k : i32 to i64\n %m64 = arith.extsi %m : i32 to i64\n %s = arith.constant 128 : i64\n"
         " %c32 = arith.constant 32 : i64\n %one = arith.constant 1 : i64\n %zero = arith.constant 0 : i32\n"
         " %st = arith.constant 16 : i32\n %none = arith.constant dense<0.0> : tensor<64x32xf32>\n"
         " %r = scf.for %i = %zero to %k step %st iter_args(%acc = %none) -> (tensor<64x32xf32>) : i32 {\n"
         " %av = tile.descriptor_load %a shape[%m64, %k64] strides[%s, %one] offsets[%zero, %i] : (!tile.ptr<f16>, "
         "i64, i64, i64, i64, i32, i32) -> tensor<64x16xf16>\n" +
         bLoad +
         " %d = tile.dot %av, %bv, %acc : (tensor<64x16xf16>, tensor<16x32xf16>, tensor<64x32xf32>) -> "
         "tensor<64x32xf32>\n scf.yield %d : tensor<64x32xf32>\n} {tile.num_stages = " +
         std::to_string(stages) +
         " : i32}\n tile.descriptor_store %r, %c shape[%m64, %c32] strides[%c32, %one] offsets[%zero, %zero] : "
         "(tensor<64x32xf32>, !tile.ptr<f32>, i64, i64, i64, i64, i32, i32) -> ()\n return\n}\n";
}

inline constexpr const char *kDescriptorLoad = "(!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> ";

// out[64 x 32 of tile t] = a[64 x k from row 8 * t on] @ b[k x 32] for the tiles of a program. `second`: ops
// behind the loop over k, of whose result %r they make `result`. Parameters: in (a: rows of 128; b 8192 elements on: rows of 32), out, k, tiles.
struct Persistent {
  std::string loopFlags = "tile.num_stages = 3 : i32", outerFlags = "tile.loop_flags = 2 : i32";
  std::string before, inLoop, out = "%c", second, result = "%r";
  std::string open = " %r = ", close; // around the loop over k
};

// A second loop over k that adds the same products again: %r2.
inline std::string anotherLoop(const std::string &flags) {
  return " %r2 = scf.for %i2 = %zero to %k step %st iter_args(%acc2 = %r) -> (tensor<64x32xf32>) : i32 {\n"
         " %av2 = tile.descriptor_load %a shape[%m64, %k64] strides[%s, %one] offsets[%row, %i2] : " +
         std::string(kDescriptorLoad) +
         "tensor<64x16xf16>\n %bv2 = tile.descriptor_load %b shape[%k64, %c32] strides[%c32, %one] offsets[%i2, %zero] "
         ": " +
         kDescriptorLoad +
         "tensor<16x32xf16>\n %d2 = tile.dot %av2, %bv2, %acc2 : (tensor<64x16xf16>, tensor<16x32xf16>, "
         "tensor<64x32xf32>) -> "
         "tensor<64x32xf32>\n scf.yield %d2 : tensor<64x32xf32>\n } {" +
         flags + "}\n";
}

inline std::string persistentKernel(const Persistent &p) {
  return "func.func @k(%in: !tile.ptr<i32> {tile.name = \"in\", tile.divisibility = 16 : i64}, %out: !tile.ptr<i32> "
         "{tile.name = \"out\", "
         "tile.divisibility = 16 : i64}, %k: i32 {tile.name = \"k\"}, %tiles: i32 {tile.name = \"tiles\"}) {\n"
         " %a = tile.bitcast %in : !tile.ptr<i32> to !tile.ptr<f16>\n %c8192 = arith.constant 8192 : i32\n"
         " %b = tile.addptr %a, %c8192 : (!tile.ptr<f16>, i32) -> !tile.ptr<f16>\n"
         " %c = tile.bitcast %out : !tile.ptr<i32> to !tile.ptr<f32>\n %inf = tile.bitcast %in : !tile.ptr<i32> to "
         "!tile.ptr<f32>\n"
         " %k64 = arith.extsi %k : i32 to i64\n %m64 = arith.constant 64 : i64\n %rows = arith.constant 256 : i64\n"
         " %s = arith.constant 128 : i64\n %c32 = arith.constant 32 : i64\n %one = arith.constant 1 : i64\n"
         " %zero = arith.constant 0 : i32\n %st = arith.constant 16 : i32\n %c1 = arith.constant 1 : i32\n %c8 = "
         "arith.constant 8 : i32\n"
         " %c64 = arith.constant 64 : i32\n %none = arith.constant dense<0.0> : tensor<64x32xf32>\n" +
         p.before +
         " scf.for %t = %zero to %tiles step %c1 : i32 {\n %row = arith.muli %t, %c8 : i32\n %to = arith.muli %t, %c64 "
         ": i32\n" +
         p.open +
         "scf.for %i = %zero to %k step %st iter_args(%acc = %none) -> (tensor<64x32xf32>) : i32 {\n"
         " %av = tile.descriptor_load %a shape[%m64, %k64] strides[%s, %one] offsets[%row, %i] : " +
         kDescriptorLoad +
         "tensor<64x16xf16>\n"
         " %bv = tile.descriptor_load %b shape[%k64, %c32] strides[%c32, %one] offsets[%i, %zero] : " +
         kDescriptorLoad + "tensor<16x32xf16>\n" + p.inLoop +
         " %d = tile.dot %av, %bv, %acc : (tensor<64x16xf16>, tensor<16x32xf16>, tensor<64x32xf32>) -> "
         "tensor<64x32xf32>\n"
         " scf.yield %d : tensor<64x32xf32>\n } {" +
         p.loopFlags + "}\n" + p.close + p.second + " tile.descriptor_store " + p.result + ", " + p.out +
         " shape[%rows, %c32] strides[%c32, %one] offsets[%to, %zero] : (tensor<64x32xf32>, !tile.ptr<f32>, i64, i64, "
         "i64, i64, i32, i32) -> ()\n }" +
         (p.outerFlags.empty() ? "" : " {" + p.outerFlags + "}") + "\n return\n}\n";
}

// The same as one loop over tiles and steps of k: a tile is stored in a branch, behind its last step. k counts as a multiple of 16.
inline std::string flattenedKernel() {
  return "func.func @k(%in: !tile.ptr<i32> {tile.name = \"in\", tile.divisibility = 16 : i64}, %out: !tile.ptr<i32> "
         "{tile.name = \"out\", tile.divisibility = 16 : i64}, %k: i32 {tile.name = \"k\"}, %tiles: i32 {tile.name = "
         "\"tiles\"}) {\n %a = tile.bitcast %in : !tile.ptr<i32> to !tile.ptr<f16>\n %c8192 = arith.constant 8192 : "
         "i32\n"
         " %b = tile.addptr %a, %c8192 : (!tile.ptr<f16>, i32) -> !tile.ptr<f16>\n"
         " %c = tile.bitcast %out : !tile.ptr<i32> to !tile.ptr<f32>\n %k64 = arith.extsi %k : i32 to i64\n"
         " %m64 = arith.constant 64 : i64\n %rows = arith.constant 256 : i64\n %s = arith.constant 128 : i64\n"
         " %c32 = arith.constant 32 : i64\n %one = arith.constant 1 : i64\n %zero = arith.constant 0 : i32\n"
         " %st = arith.constant 16 : i32\n %c1 = arith.constant 1 : i32\n %c8 = arith.constant 8 : i32\n"
         " %c64 = arith.constant 64 : i32\n %none = arith.constant dense<0.0> : tensor<64x32xf32>\n"
         " %steps = arith.divsi %k, %st : i32\n %last = arith.subi %steps, %c1 : i32\n %all = arith.muli %steps, "
         "%tiles : i32\n"
         " %r:3 = scf.for %x = %zero to %all step %c1 iter_args(%acc = %none, %ki = %zero, %t = %zero) -> "
         "(tensor<64x32xf32>, "
         "i32, i32) : i32 {\n %row = arith.muli %t, %c8 : i32\n %i = arith.muli %ki, %st : i32\n"
         " %av = tile.descriptor_load %a shape[%m64, %k64] strides[%s, %one] offsets[%row, %i] : " +
         std::string(kDescriptorLoad) +
         "tensor<64x16xf16>\n %bv = tile.descriptor_load %b shape[%k64, %c32] strides[%c32, %one] offsets[%i, %zero] "
         ": " +
         kDescriptorLoad +
         "tensor<16x32xf16>\n %d = tile.dot %av, %bv, %acc : (tensor<64x16xf16>, tensor<16x32xf16>, tensor<64x32xf32>) "
         "-> "
         "tensor<64x32xf32>\n %ends = arith.cmpi eq, %ki, %last : i32\n %sum = scf.if %ends -> (tensor<64x32xf32>) {\n"
         " %to = arith.muli %t, %c64 : i32\n tile.descriptor_store %d, %c shape[%rows, %c32] strides[%c32, %one] "
         "offsets[%to, %zero] : (tensor<64x32xf32>, !tile.ptr<f32>, i64, i64, i64, i64, i32, i32) -> ()\n"
         " scf.yield %none : tensor<64x32xf32>\n } else {\n scf.yield %d : tensor<64x32xf32>\n }\n"
         " %ki1 = arith.addi %ki, %c1 : i32\n %kn = arith.select %ends, %zero, %ki1 : i32\n %t1 = arith.addi %t, %c1 : "
         "i32\n"
         " %tn = arith.select %ends, %t1, %t : i32\n scf.yield %sum, %kn, %tn : tensor<64x32xf32>, i32, i32\n"
         " } {tile.loop_flags = 2 : i32, tile.num_stages = 3 : i32}\n return\n}\n";
}

// q[64 x 32] @ kv[32 x 32 of iteration i] as weights, which times v are added up, as attention does it without its softmax. v: kv again, or with
// `apart` a[32 x 32 from column i on]. scaled: the sum is halved before each addition.
inline std::string twoProductsKernel(bool apart, bool scaled, int stages = 2) {
  return "func.func @k(%in: !tile.ptr<i32> {tile.name = \"in\", tile.divisibility = 16 : i64}, %out: !tile.ptr<i32> "
         "{tile.name = \"out\", "
         "tile.divisibility = 16 : i64}, %k: i32 {tile.name = \"k\"}, %tiles: i32 {tile.name = \"tiles\"}) {\n"
         " %a = tile.bitcast %in : !tile.ptr<i32> to !tile.ptr<f16>\n %c8192 = arith.constant 8192 : i32\n"
         " %b = tile.addptr %a, %c8192 : (!tile.ptr<f16>, i32) -> !tile.ptr<f16>\n"
         " %c = tile.bitcast %out : !tile.ptr<i32> to !tile.ptr<f32>\n %k64 = arith.extsi %k : i32 to i64\n %m64 = "
         "arith.constant 64 : i64\n"
         " %s = arith.constant 128 : i64\n %c32 = arith.constant 32 : i64\n %one = arith.constant 1 : i64\n"
         " %zero = arith.constant 0 : i32\n %st = arith.constant 32 : i32\n %none = arith.constant dense<0.0> : "
         "tensor<64x32xf32>\n"
         " %q = tile.descriptor_load %a shape[%m64, %s] strides[%s, %one] offsets[%zero, %zero] : " +
         std::string(kDescriptorLoad) +
         "tensor<64x32xf16>\n"
         " %r = scf.for %i = %zero to %k step %st iter_args(%acc = %none) -> (tensor<64x32xf32>) : i32 {\n"
         " %kt = tile.descriptor_load %b shape[%k64, %c32] strides[%c32, %one] offsets[%i, %zero] : " +
         kDescriptorLoad +
         "tensor<32x32xf16>\n"
         " %kk = tile.transpose %kt order = [1, 0] : (tensor<32x32xf16>) -> tensor<32x32xf16>\n"
         " %w = tile.dot %q, %kk, %none : (tensor<64x32xf16>, tensor<32x32xf16>, tensor<64x32xf32>) -> "
         "tensor<64x32xf32>\n"
         " %w16 = arith.truncf %w : tensor<64x32xf32> to tensor<64x32xf16>\n"
         " %v = tile.descriptor_load " +
         (apart ? "%a shape[%m64, %s] strides[%s, %one] offsets[%zero, %i] : "
                : "%b shape[%k64, %c32] strides[%c32, %one] offsets[%i, %zero] : ") +
         kDescriptorLoad + "tensor<32x32xf16>\n" +
         (scaled ? " %half = arith.constant dense<0.5> : tensor<64x32xf32>\n %before = arith.mulf %acc, %half : "
                   "tensor<64x32xf32>\n"
                 : "") +
         " %d = tile.dot %w16, %v, " + (scaled ? "%before" : "%acc") +
         " : (tensor<64x32xf16>, tensor<32x32xf16>, tensor<64x32xf32>) -> "
         "tensor<64x32xf32>\n"
         " scf.yield %d : tensor<64x32xf32>\n } {tile.loop_flags = 2 : i32, tile.num_stages = " +
         std::to_string(stages) +
         " : i32}\n"
         " tile.descriptor_store %r, %c shape[%m64, %c32] strides[%c32, %one] offsets[%zero, %zero] : "
         "(tensor<64x32xf32>, !tile.ptr<f32>, i64, i64, "
         "i64, i64, i32, i32) -> ()\n return\n}\n";
}

// The kernel's loop, which makes %r, twice in a row: the second one goes on with the first one's sum.
inline std::string loopTwice(std::string text) {
  auto replaced = [](std::string in, const std::string &from, const std::string &to) {
    return in.replace(in.find(from), from.size(), to);
  };
  size_t at = text.find(" %r = scf.for"), end = text.find(" tile.descriptor_store");
  std::string again = replaced(replaced(text.substr(at, end - at), "%r =", "%r2 ="), "%acc = %none", "%acc = %r");
  return replaced(text.insert(end, again), "descriptor_store %r,", "descriptor_store %r2,");
}

// Small whole numbers as halves, whose sums are exact.
inline std::vector<uint8_t> halves(size_t n) {
  const uint16_t values[8] = {0, 0x3c00, 0x4000, 0x4200, 0x4400, 0xbc00, 0xc000, 0xc200};
  std::vector<uint8_t> bytes(2 * n);
  for (size_t i = 0; i < n; ++i)
    std::memcpy(&bytes[2 * i], &values[(i * 2654435761u >> 13) % 8], 2);
  return bytes;
}

} // namespace tessera::samples
