// Guards roles: kernels whose loads are done by subgroups of their own give on the mock device, with its races, what they give in the interpreter; as
// LAYOUT bytecode the interpreter runs them too.
//
// SPDX-License-Identifier: Apache-2.0
#include "core/target/ElementNumber.h"
#include "tests/unit/layout/DescriptorKernels.h"
#include "tests/unit/layout/RunBoth.h"

#include "core/interpreter/Interpreter.h"
#include "core/interpreter/Memory.h"

#include "gtest/gtest.h"

using namespace tessera;

namespace {

constexpr const char *kTile = "(!tile.ptr<f16>, i64, i64, i64, i64, i32, i32) -> ";

// out[64 x 32 of tile t] = a[64 x k from row 8 * t on] @ b[k x 32] for the tiles of a program. `inner`: the loop over k; two of them where the product is
// followed by another one. Parameters: in (a: rows of 128; b 8192 elements on: rows of 32), out, k, tiles.
struct Persistent {
  std::string loopFlags = "tile.num_stages = 3 : i32", outerFlags = "tile.loop_flags = 2 : i32";
  std::string before, inLoop, out = "%c", second;
};

std::string kernelOf(const Persistent &p) {
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
         ": i32\n"
         " %r = scf.for %i = %zero to %k step %st iter_args(%acc = %none) -> (tensor<64x32xf32>) : i32 {\n"
         " %av = tile.descriptor_load %a shape[%m64, %k64] strides[%s, %one] offsets[%row, %i] : " +
         kTile +
         "tensor<64x16xf16>\n"
         " %bv = tile.descriptor_load %b shape[%k64, %c32] strides[%c32, %one] offsets[%i, %zero] : " +
         kTile + "tensor<16x32xf16>\n" + p.inLoop +
         " %d = tile.dot %av, %bv, %acc : (tensor<64x16xf16>, tensor<16x32xf16>, tensor<64x32xf32>) -> "
         "tensor<64x32xf32>\n"
         " scf.yield %d : tensor<64x32xf32>\n } {" +
         p.loopFlags + "}\n" + p.second + " tile.descriptor_store %r, " + p.out +
         " shape[%rows, %c32] strides[%c32, %one] offsets[%to, %zero] : (tensor<64x32xf32>, !tile.ptr<f32>, i64, i64, "
         "i64, i64, i32, i32) -> ()\n }" +
         (p.outerFlags.empty() ? "" : " {" + p.outerFlags + "}") + "\n return\n}\n";
}

// q[64 x 32] @ kv[32 x 32 of iteration i] as weights, which times kv of the iteration again are added up, as attention does it without its softmax.
std::string twoProducts() {
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
         std::string(kTile) +
         "tensor<64x32xf16>\n"
         " %r = scf.for %i = %zero to %k step %st iter_args(%acc = %none) -> (tensor<64x32xf32>) : i32 {\n"
         " %kt = tile.descriptor_load %b shape[%k64, %c32] strides[%c32, %one] offsets[%i, %zero] : " +
         kTile +
         "tensor<32x32xf16>\n"
         " %kk = tile.transpose %kt order = [1, 0] : (tensor<32x32xf16>) -> tensor<32x32xf16>\n"
         " %w = tile.dot %q, %kk, %none : (tensor<64x32xf16>, tensor<32x32xf16>, tensor<64x32xf32>) -> "
         "tensor<64x32xf32>\n"
         " %w16 = arith.truncf %w : tensor<64x32xf32> to tensor<64x32xf16>\n"
         " %v = tile.descriptor_load %b shape[%k64, %c32] strides[%c32, %one] offsets[%i, %zero] : " +
         kTile +
         "tensor<32x32xf16>\n"
         " %d = tile.dot %w16, %v, %acc : (tensor<64x32xf16>, tensor<32x32xf16>, tensor<64x32xf32>) -> "
         "tensor<64x32xf32>\n"
         " scf.yield %d : tensor<64x32xf32>\n } {tile.loop_flags = 2 : i32, tile.num_stages = 2 : i32}\n"
         " tile.descriptor_store %r, %c shape[%m64, %c32] strides[%c32, %one] offsets[%zero, %zero] : "
         "(tensor<64x32xf32>, !tile.ptr<f32>, i64, i64, "
         "i64, i64, i32, i32) -> ()\n return\n}\n";
}

BothOptions withRoles(bool group) {
  BothOptions o;
  o.matrix = true;
  o.tensorCopies = true;
  o.roles = true;
  target::MatrixEntry e;
  e.id = "64xNx16";
  e.m = group ? 64 : 0; // without: on the menu, fits nothing
  e.nMin = e.nStep = 16;
  e.nMax = 64;
  e.k = 16;
  e.lanes = 128;
  e.a = e.b = target::kElemF16;
  e.c = e.d = target::kElemF32;
  e.aSpaces = target::kInRegisters | target::kInShared;
  e.bSpaces = target::kInShared;
  e.flags = target::kMatrixAsync;
  o.menu.push_back(e);
  return o;
}

std::vector<std::vector<uint8_t>> buffers() {
  return {samples::halves(8192 + 4096), std::vector<uint8_t>(256 * 32 * 4)};
}

// The LAYOUT module in the interpreter instead of on the mock device.
std::string interpretLayout(const tbc::Module &m, std::array<uint32_t, 3> grid, const std::vector<uint64_t> &args,
                            const std::vector<std::vector<uint8_t>> &) {
  interp::Result result = interp::run(m, m.functions.at(0).name, grid, args, {});
  return result.ok() ? "" : renderDiagnostic(result.diagnostics[0], false);
}

void expectSplit(const std::string &kernel, int32_t k, int32_t tiles, int split, bool group = true) {
  for (bool interpreted : {false, true}) {
    BothOptions options = withRoles(group);
    int made = -1;
    options.split = &made;
    if (interpreted)
      options.device = interpretLayout;
    SCOPED_TRACE(std::string(group ? "group" : "warp") + (interpreted ? ", interpreted" : "") + ", k " +
                 std::to_string(k) + ", tiles " + std::to_string(tiles));
    EXPECT_EQ(runBoth(kernel, buffers(), {k, tiles}, options), "");
    EXPECT_EQ(made, split);
  }
}

} // namespace

TEST(Roles, ALoopOfProducts) {
  for (bool group : {false, true})
    for (bool transposed : {false, true})
      for (int stages : {2, 3, 5})
        for (auto [k, m] : {std::pair(0, 64), {16, 64}, {40, 64}, {128, 64}, {128, 50}, {96, 0}}) {
          std::string text = samples::productKernel(transposed, stages);
          text.replace(text.find("{tile.num_stages"), 1, "{tile.loop_flags = 2 : i32, ");
          SCOPED_TRACE(std::to_string(stages) + " stages");
          expectSplit(text, k, m, 1, group);
        }
}

TEST(Roles, TheCopiesGoOnToTheNextTile) {
  for (bool group : {false, true})
    for (auto [k, tiles] : {std::pair(0, 2), {16, 1}, {16, 3}, {48, 4}, {128, 0}, {128, 3}})
      for (int stages : {2, 3, 4}) {
        Persistent p;
        p.loopFlags = "tile.num_stages = " + std::to_string(stages) + " : i32";
        SCOPED_TRACE(std::to_string(stages) + " stages");
        expectSplit(kernelOf(p), k, tiles, 1, group);
      }
}

TEST(Roles, TwoProductsOfAnIteration) {
  for (bool group : {false, true})
    for (int32_t k : {0, 32, 64, 128})
      expectSplit(twoProducts(), k, 1, 1, group);
}

TEST(Roles, LoopsThatStayAsTheyAre) {
  Persistent plain;
  plain.outerFlags = "";
  expectSplit(kernelOf(plain), 48, 2, 0);
  Persistent stages;
  stages.loopFlags = "tile.num_stages = 1 : i32";
  expectSplit(kernelOf(stages), 48, 2, 0);
  Persistent same; // what is loaded may be stored
  same.out = "%inf";
  same.inLoop = "";
  std::string text = kernelOf(same);
  BothOptions options = withRoles(true);
  int made = -1;
  options.split = &made;
  EXPECT_EQ(runBoth(text, {samples::halves(256 * 64), std::vector<uint8_t>(16)}, {16, 1}, options), "");
  EXPECT_EQ(made, 0);
  // How often it runs depends on memory.
  Persistent depends;
  depends.before = " %kp = tile.load %out : (!tile.ptr<i32>) -> i32\n %kz = arith.minsi %kp, %zero : i32\n";
  std::string memory = kernelOf(depends);
  memory.replace(memory.find("%i = %zero"), 10, "%i = %kz");
  expectSplit(memory, 48, 2, 0);
}
