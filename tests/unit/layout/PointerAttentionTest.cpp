// Guards attentions by plain pointers whose loads become tensor copies and whose work roles divide: on the mock device they give what pointers give in the
// interpreter.
//
// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/layout/DescriptorKernels.h"
#include "tests/unit/layout/RunBoth.h"

#include "gtest/gtest.h"

using namespace tessera;

namespace {

// One head a program: 64 queries of 32 elements, keys and values in blocks of 32; in holds queries, 4096 elements on keys, 12288 more on values, each program's
// heads `apart` elements from the last one's. Rows of keys and values are `row` elements apart.
struct Attention {
  bool transposed = false; // keys are loaded as they lie and transposed, instead of by addresses
  bool masked = true;      // keys and values beyond the end, else n is a multiple of 32
  bool carried = false;    // pointers move, instead of being made of the step's number
  bool wide = false;       // what moves them has 64 bits
  bool barrier = false;    // the user's, before the loop
  bool asks = true;        // for roles
  int loops = 1;           // two: one to the border of the program's queries, one from there on
  int stages = 2;
};

void replaceAll(std::string &text, const std::string &from, const std::string &to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
}

// The lines of the loop's body that load a tile whose rows are keys: `of` is the array, `name` gets the tile with keys along `axis`.
std::string loadOf(const Attention &p, const std::string &name, int axis) {
  std::string text;
  const std::string tile = "tensor<32x32x", pointers = tile + "!tile.ptr<f16>>";
  if (p.carried)
    text = " %@at = tile.addptr %@p, %zeroes : (" + pointers + ", " + tile + "i32>) -> " + pointers + "\n";
  else if (p.wide)
    text =
        " %@i = arith.extsi %i : i32 to i64\n %@r = arith.extsi %row : i32 to i64\n %@m = arith.muli %@i, %@r : i64\n"
        " %@s = tile.splat %@m : (i64) -> " +
        tile + "i64>\n %@at = tile.addptr %@0, %@s : (" + pointers + ", " + tile + "i64>) -> " + pointers + "\n";
  else
    text = " %@m = arith.muli %i, %row : i32\n %@s = tile.splat %@m : (i32) -> " + tile +
           "i32>\n %@at = tile.addptr %@0, "
           "%@s : (" +
           pointers + ", " + tile + "i32>) -> " + pointers + "\n";
  std::string side = axis ? "1x32x" : "32x1x";
  if (p.masked)
    text += " %@e = tile.expand_dims %inside axis = " + std::to_string(1 - axis) + " : (tensor<32xi1>) -> tensor<" +
            side + "i1>\n %@k = tile.broadcast %@e : (tensor<" + side + "i1>) -> " + tile +
            "i1>\n %@ = tile.load %@at mask %@k "
            "other %zeros : (" +
            pointers + ", " + tile + "i1>, " + tile + "f16>) -> " + tile + "f16>\n";
  else
    text += " %@ = tile.load %@at : (" + pointers + ") -> " + tile + "f16>\n";
  if (p.carried)
    text += " %@n = tile.addptr %@p, %step : (" + pointers + ", " + tile + "i32>) -> " + pointers + "\n";
  replaceAll(text, "%@", "%" + name);
  return text;
}

// Pointers to the first block of keys: rows along `axis`.
std::string pointersTo(const std::string &name, const std::string &base, int axis) {
  std::string rows = axis ? "1x32x" : "32x1x", columns = axis ? "32x1x" : "1x32x",
              text = " %@e = tile.expand_dims %key axis = " + std::to_string(1 - axis) +
                     " : (tensor<32xi32>) -> tensor<" + rows +
                     "i32>\n %@d = tile.expand_dims %key axis = " + std::to_string(axis) +
                     " : (tensor<32xi32>) -> tensor<" + columns + "i32>\n %@r = tile.splat %row : (i32) -> tensor<" +
                     rows + "i32>\n %@x = arith.muli %@e, %@r : tensor<" + rows +
                     "i32>\n %@y = tile.broadcast %@x : (tensor<" + rows +
                     "i32>) -> tensor<32x32xi32>\n %@z = tile.broadcast %@d : "
                     "(tensor<" +
                     columns +
                     "i32>) -> tensor<32x32xi32>\n %@o = arith.addi %@y, %@z : tensor<32x32xi32>\n %@b = tile.splat " +
                     base +
                     " : (!tile.ptr<f16>) -> tensor<32x32x!tile.ptr<f16>>\n %@ = tile.addptr %@b, %@o : "
                     "(tensor<32x32x!tile.ptr<f16>>, tensor<32x32xi32>) -> tensor<32x32x!tile.ptr<f16>>\n";
  replaceAll(text, "%@", "%" + name);
  return text;
}

std::string loopOf(const Attention &p, const std::string &number, const std::string &from, const std::string &to,
                   const std::string &sums) {
  const std::string pointers = "tensor<32x32x!tile.ptr<f16>>";
  auto reduce = [](const std::string &name, const std::string &of, const std::string &op) {
    return " " + name + " = tile.reduce " + of +
           " axis = 1 : (tensor<64x32xf32>) -> tensor<64xf32> {\n ^bb0(%l: f32, %h: f32):\n %x = arith." + op +
           " %l, %h : f32\n tile.yield %x : f32\n }\n";
  };
  auto across = [](const std::string &name, const std::string &of) {
    return " %" + name + "e = tile.expand_dims " + of + " axis = 1 : (tensor<64xf32>) -> tensor<64x1xf32>\n %" + name +
           " = tile.broadcast %" + name + "e : (tensor<64x1xf32>) -> tensor<64x32xf32>\n";
  };
  std::string keys =
      p.transposed
          ? loadOf(p, "kt", 0) + " %k = tile.transpose %kt order = [1, 0] : (tensor<32x32xf16>) -> tensor<32x32xf16>\n"
          : loadOf(p, "k", 1);
  std::string name = p.transposed ? "%kt" : "%k";
  std::string text = " %r" + number + (p.carried ? ":5" : ":3") + " = scf.for %i = " + from + " to " + to +
                     " step %c32 iter_args(%acc = " + sums + "0, %peak = " + sums + "1, %mass = " + sums + "2";
  if (p.carried)
    text += ", " + name + "p = " + name + (number == "1" ? "0" : "1") + ", %vp = " + (number == "1" ? "%v0" : "%v1");
  text += ") -> (tensor<64x32xf32>, tensor<64xf32>, tensor<64xf32>";
  text += std::string(p.carried ? ", " + pointers + ", " + pointers : "") + ") : i32 {\n";
  if (p.masked)
    text += " %left = arith.subi %n, %i : i32\n %lefts = tile.splat %left : (i32) -> tensor<32xi32>\n"
            " %inside = arith.cmpi slt, %key, %lefts : tensor<32xi32>\n";
  text += keys + " %s0 = tile.dot %q, %k, %none : (tensor<64x32xf16>, tensor<32x32xf16>, tensor<64x32xf32>) -> "
                 "tensor<64x32xf32>\n";
  text += p.masked ? " %se = tile.expand_dims %inside axis = 0 : (tensor<32xi1>) -> tensor<1x32xi1>\n %sk = "
                     "tile.broadcast %se : "
                     "(tensor<1x32xi1>) -> tensor<64x32xi1>\n %s = arith.select %sk, %s0, %least : tensor<64x32xi1>, "
                     "tensor<64x32xf32>\n"
                   : " %s = arith.addf %s0, %none : tensor<64x32xf32>\n";
  text += reduce("%most", "%s", "maxnumf") + " %higher = arith.maxnumf %peak, %most : tensor<64xf32>\n" +
          across("ha", "%higher") +
          " %under = arith.subf %s, %ha : tensor<64x32xf32>\n %w = math.exp2 %under : tensor<64x32xf32>\n"
          " %lower = arith.subf %peak, %higher : tensor<64xf32>\n %fade = math.exp2 %lower : tensor<64xf32>\n" +
          across("fa", "%fade") + " %before = arith.mulf %acc, %fa : tensor<64x32xf32>\n" +
          " %w16 = arith.truncf %w : tensor<64x32xf32> to tensor<64x32xf16>\n" + loadOf(p, "v", 0) +
          " %d = tile.dot %w16, %v, %before : (tensor<64x32xf16>, tensor<32x32xf16>, tensor<64x32xf32>) -> "
          "tensor<64x32xf32>\n"
          " %faded = arith.mulf %mass, %fade : tensor<64xf32>\n" +
          reduce("%more", "%w", "addf") +
          " %masses = arith.addf %faded, %more : tensor<64xf32>\n scf.yield %d, %higher, %masses" +
          (p.carried ? ", " + name + "n, %vn" : "") + " : tensor<64x32xf32>, tensor<64xf32>, tensor<64xf32>" +
          (p.carried ? ", " + pointers + ", " + pointers : "") + "\n } {tile.num_stages = " + std::to_string(p.stages) +
          " : i32" + (p.asks ? ", tile.loop_flags = 2 : i32" : "") + "}\n";
  return text;
}

std::string text(const Attention &p) {
  std::string s =
      "func.func @k(%in: !tile.ptr<i32> {tile.name = \"in\", tile.divisibility = 16 : i64}, %out: !tile.ptr<i32> "
      "{tile.name = \"out\", "
      "tile.divisibility = 16 : i64}, %n: i32 {tile.name = \"n\"}, %row: i32 {tile.name = \"row\", tile.divisibility = "
      "16 : i64}, %apart: "
      "i32 {tile.name = \"apart\", tile.divisibility = 16 : i64}) {\n"
      " %pid = tile.program_id 0\n %wide = arith.extsi %pid : i32 to i64\n %by = arith.extsi %apart : i32 to i64\n"
      " %moved = arith.muli %wide, %by : i64\n %zero = arith.constant 0 : i32\n %c32 = arith.constant 32 : i32\n"
      " %c64 = arith.constant 64 : i32\n %c4096 = arith.constant 4096 : i32\n %c16384 = arith.constant 16384 : i32\n"
      " %border = arith.muli %pid, %c64 : i32\n"
      " %a = tile.bitcast %in : !tile.ptr<i32> to !tile.ptr<f16>\n %c = tile.bitcast %out : !tile.ptr<i32> to "
      "!tile.ptr<f32>\n"
      " %b0 = tile.addptr %a, %c4096 : (!tile.ptr<f16>, i32) -> !tile.ptr<f16>\n"
      " %b = tile.addptr %b0, %moved : (!tile.ptr<f16>, i64) -> !tile.ptr<f16>\n"
      " %e0 = tile.addptr %a, %c16384 : (!tile.ptr<f16>, i32) -> !tile.ptr<f16>\n"
      " %e = tile.addptr %e0, %moved : (!tile.ptr<f16>, i64) -> !tile.ptr<f16>\n"
      " %none = arith.constant dense<0.0> : tensor<64x32xf32>\n %zeros = arith.constant dense<0.0> : "
      "tensor<32x32xf16>\n"
      " %least = arith.constant dense<-1.0e6> : tensor<64x32xf32>\n %low = arith.constant dense<-1.0e7> : "
      "tensor<64xf32>\n"
      " %zeroes = arith.constant dense<0> : tensor<32x32xi32>\n %nothing = arith.constant dense<0.0> : tensor<64xf32>\n"
      " %key = tile.arange 0 to 32 : tensor<32xi32>\n %query = tile.arange 0 to 64 : tensor<64xi32>\n"
      " %qe = tile.expand_dims %query axis = 1 : (tensor<64xi32>) -> tensor<64x1xi32>\n"
      " %w32 = arith.constant dense<32> : tensor<64x1xi32>\n %qm = arith.muli %qe, %w32 : tensor<64x1xi32>\n"
      " %qr = tile.broadcast %qm : (tensor<64x1xi32>) -> tensor<64x32xi32>\n"
      " %qd = tile.expand_dims %key axis = 0 : (tensor<32xi32>) -> tensor<1x32xi32>\n"
      " %qc = tile.broadcast %qd : (tensor<1x32xi32>) -> tensor<64x32xi32>\n %qo = arith.addi %qr, %qc : "
      "tensor<64x32xi32>\n"
      " %qp = tile.splat %a : (!tile.ptr<f16>) -> tensor<64x32x!tile.ptr<f16>>\n"
      " %qa = tile.addptr %qp, %qo : (tensor<64x32x!tile.ptr<f16>>, tensor<64x32xi32>) -> "
      "tensor<64x32x!tile.ptr<f16>>\n"
      " %q = tile.load %qa : (tensor<64x32x!tile.ptr<f16>>) -> tensor<64x32xf16>\n";
  s += pointersTo(p.transposed ? "kt0" : "k0", "%b", p.transposed ? 0 : 1) + pointersTo("v0", "%e", 0);
  s += " %by32 = arith.muli %row, %c32 : i32\n %step = tile.splat %by32 : (i32) -> tensor<32x32xi32>\n";
  if (p.barrier)
    s += " tile.barrier\n";
  std::string first = loopOf(p, "1", "%zero", p.loops == 2 ? "%border" : "%n", "%s");
  replaceAll(first, "= %s0, %peak", "= %none, %peak");
  replaceAll(first, "= %s1, %mass = %s2", "= %low, %mass = %nothing");
  s += first;
  if (p.loops == 2) {
    const std::string pointers = "tensor<32x32x!tile.ptr<f16>>",
                      by = "(" + pointers + ", tensor<32x32xi32>) -> " + pointers;
    std::string keys = p.transposed ? "%kt" : "%k";
    s += " %first = arith.muli %border, %row : i32\n %firsts = tile.splat %first : (i32) -> tensor<32x32xi32>\n";
    s += " " + keys + "1 = tile.addptr " + keys + "0, %firsts : " + by + "\n %v1 = tile.addptr %v0, %firsts : " + by +
         "\n";
    s += loopOf(p, "2", "%border", "%n", "%r1#");
  }
  std::string r = p.loops == 2 ? "%r2" : "%r1";
  s += " %me = tile.expand_dims " + r +
       "#2 axis = 1 : (tensor<64xf32>) -> tensor<64x1xf32>\n"
       " %ma = tile.broadcast %me : (tensor<64x1xf32>) -> tensor<64x32xf32>\n %o = arith.subf " +
       r +
       "#0, %ma : tensor<64x32xf32>\n"
       " %c2048 = arith.constant 2048 : i32\n %po = arith.muli %pid, %c2048 : i32\n"
       " %co = tile.addptr %c, %po : (!tile.ptr<f32>, i32) -> !tile.ptr<f32>\n"
       " %cp = tile.splat %co : (!tile.ptr<f32>) -> tensor<64x32x!tile.ptr<f32>>\n"
       " %ca = tile.addptr %cp, %qo : (tensor<64x32x!tile.ptr<f32>>, tensor<64x32xi32>) -> "
       "tensor<64x32x!tile.ptr<f32>>\n"
       " tile.store %ca, %o : (tensor<64x32x!tile.ptr<f32>>, tensor<64x32xf32>) -> ()\n return\n}\n";
  return s;
}

void expectAttention(const Attention &p, int n, unsigned warps, int expectedCopies) {
  BothOptions options;
  options.matrix = options.asyncCopies = options.tensorCopies = options.roles = true;
  options.menu.push_back(groupInstruction());
  options.tolerance = 1e-3;
  options.warps = warps;
  options.grid = 2;
  int copies = -1, split = -1;
  options.copies = &copies;
  options.split = &split;
  SCOPED_TRACE(std::to_string(n) + (p.transposed ? ", transposed" : "") + (p.masked ? ", masked" : "") +
               (p.carried ? ", carried" : "") + (p.wide ? ", wide" : "") + (p.barrier ? ", barrier" : "") + ", " +
               std::to_string(p.loops) + " loops, " + std::to_string(p.stages) + " stages, " + std::to_string(warps) +
               " warps");
  EXPECT_EQ(runBoth(text(p), {samples::halves(65536), std::vector<uint8_t>(size_t(2) * 2048 * 4, 0x33)}, {n, 48, 8192},
                    options),
            "");
  EXPECT_EQ(copies, expectedCopies);
  EXPECT_EQ(split, expectedCopies ? 1 : 0);
}

} // namespace

TEST(PointerAttention, AllForms) {
  for (bool transposed : {false, true})
    for (int form : {0, 1, 2, 3}) {
      Attention p;
      p.transposed = transposed;
      p.carried = form == 1;
      p.wide = form == 2;
      p.barrier = form == 3;
      expectAttention(p, 90, form ? 8 : 4, 2);
      p.masked = false;
      expectAttention(p, 96, 8, 2);
    }
}

TEST(PointerAttention, SizesAndStages) {
  for (int n : {0, 1, 32, 33, 160})
    for (int stages : {2, 3}) {
      Attention p;
      p.stages = stages;
      expectAttention(p, n, 8, 2);
    }
}

TEST(PointerAttention, TwoLoopsWithOnePairOfRings) {
  for (int n : {0, 64, 150})
    for (bool carried : {false, true})
      for (bool masked : {false, true}) {
        Attention p;
        p.loops = 2;
        p.carried = carried;
        p.masked = masked;
        expectAttention(p, masked ? n : n / 32 * 32, 8, 4);
      }
}

// Nobody says that the program is two groups of the target's, and nobody asks for roles.
TEST(PointerAttention, WithoutRolesByPointers) {
  Attention p;
  p.asks = false;
  expectAttention(p, 90, 8, 0);
}
