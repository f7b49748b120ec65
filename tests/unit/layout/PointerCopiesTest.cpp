// Guards loads through plain pointers as tensor copies: on the mock device they give what pointers give in the interpreter.
//
// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/layout/DescriptorKernels.h"
#include "tests/unit/layout/RunBoth.h"

#include "gtest/gtest.h"

#include <cstring>
#include <random>

using namespace tessera;

namespace {

// c = a @ b of f16 onto f32, or f16, tiles of 64 x 32 (64 x 64 of f16) and steps of 16 of k, one tile a program; in holds a and, 32768 elements on, b. Rows of a are `lda`, of b
// (of its transpose) `ldb` elements apart, of c `ldc`. Batches follow each other by `apart` elements of a and b, by 4096 of c.
struct Product {
  bool wraps = true;       // rows and columns beyond the ends, instead of a mask
  bool tail = true;        // k is masked
  bool transposed = false; // b is n x k
  bool batches = false;
  bool carried = true; // pointers move, instead of being made of the step's number
  int stages = 3;
  bool halves = false;                           // c is of f16
  int programs = 0;                              // > 0: so many share the tiles, one after the other
  bool added = false;                            // the first elements of a, as a row, are added to each tile
  bool odd = false;                              // n need not be a multiple of 16, where programs share the tiles
  bool roles = false;                            // the loop over tiles asks for them
  int width() const { return halves ? 64 : 32; } // of a tile
};

std::string text(const Product &p) {
  const int w = p.width();
  auto tile = [](int m, int n, const std::string &element) {
    return "tensor<" + std::to_string(m) + "x" + std::to_string(n) + "x" + element + ">";
  };
  std::string s = "func.func @k(%in: !tile.ptr<i32> {tile.name = \"in\", tile.divisibility = 16 : i64}, %out: "
                  "!tile.ptr<i32> {tile.name = \"out\", "
                  "tile.divisibility = 16 : i64}, %m: i32 {tile.name = \"m\"}, %n: i32 {tile.name = \"n\"" +
                  std::string(p.programs && !p.odd ? ", tile.divisibility = 16 : i64" : "") +
                  "}, %k: i32 {tile.name = \"k\"}, %lda: i32 "
                  "{tile.name = \"lda\", tile.divisibility = 16 : i64}, %ldb: i32 {tile.name = \"ldb\", "
                  "tile.divisibility = 16 : i64}, %ldc: i32 "
                  "{tile.name = \"ldc\"" +
                  std::string(p.halves ? ", tile.divisibility = 16 : i64" : "") +
                  "}, %apart: i32 {tile.name = \"apart\", tile.divisibility = 16 : i64}, %tiles: "
                  "i32 {tile.name = \"tiles\"}, %columns: i32 {tile.name = "
                  "\"columns\"}) {\n";
  const std::string sums = tile(64, w, "f32");
  int id = 0;
  auto add = [&](const std::string &value, const std::string &type) {
    std::string name = "%v" + std::to_string(id++);
    s += " " + name + " = " + value + " : " + type + "\n";
    return name;
  };
  auto number = [&](int value) { return add("arith.constant " + std::to_string(value), "i32"); };
  auto binary = [&](const std::string &op, const std::string &a, const std::string &b, const std::string &type) {
    return add("arith." + op + " " + a + ", " + b, type);
  };
  auto splat = [&](const std::string &value, const std::string &type, const std::string &from = "i32") {
    return add("tile.splat " + value, "(" + from + ") -> " + type);
  };
  const std::string element = "f16", half = "!tile.ptr<" + element + ">", stored = p.halves ? "f16" : "f32",
                    to = "!tile.ptr<" + stored + ">";
  std::string a = add("tile.bitcast %in", "!tile.ptr<i32> to " + half),
              c = add("tile.bitcast %out", "!tile.ptr<i32> to " + to);
  std::string b = add("tile.addptr " + a + ", " + number(32768), "(" + half + ", i32) -> " + half);
  if (p.programs) {
    s += " %first = tile.program_id 0\n";
    std::string batchesOf = p.batches ? binary("muli", "%tiles", number(3), "i32") : "%tiles";
    s += " scf.for %pid = %first to " + batchesOf + " step " + number(p.programs) + " : i32 {\n";
  } else {
    s += " %pid = tile.program_id 0\n";
  }
  std::string batch = binary("divsi", "%pid", "%tiles", "i32"), place = binary("remsi", "%pid", "%tiles", "i32");
  if (p.batches) {
    std::string wide = add("arith.extsi " + batch, "i32 to i64"), by = add("arith.extsi %apart", "i32 to i64");
    std::string moved = binary("muli", wide, by, "i64");
    a = add("tile.addptr " + a + ", " + moved, "(" + half + ", i64) -> " + half);
    b = add("tile.addptr " + b + ", " + moved, "(" + half + ", i64) -> " + half);
    std::string of = binary("muli", batch, number(4096), "i32");
    c = add("tile.addptr " + c + ", " + of, "(" + to + ", i32) -> " + to);
  }
  // Indices of rows and columns, as a column and a row.
  auto index = [&](const std::string &tiled, int extent) {
    std::string type = "tensor<" + std::to_string(extent) + "xi32>";
    std::string first = binary("muli", tiled, number(extent), "i32");
    return binary("addi", splat(first, type), add("tile.arange 0 to " + std::to_string(extent), type), type);
  };
  auto expand = [&](const std::string &value, int extent, int axis, const std::string &element = "i32") {
    return add("tile.expand_dims " + value + " axis = " + std::to_string(axis),
               "(tensor<" + std::to_string(extent) + "x" + element + ">) -> " +
                   (axis ? tile(extent, 1, element) : tile(1, extent, element)));
  };
  auto broadcast = [&](const std::string &value, int m, int n, int toM, int toN, const std::string &element = "i32") {
    return add("tile.broadcast " + value, "(" + tile(m, n, element) + ") -> " + tile(toM, toN, element));
  };
  std::string row = index(binary("divsi", place, "%columns", "i32"), 64),
              column = index(binary("remsi", place, "%columns", "i32"), w);
  auto wrapped = [&](const std::string &of, const std::string &bound, int extent) {
    std::string type = "tensor<" + std::to_string(extent) + "xi32>";
    return p.wraps ? binary("remsi", of, splat(bound, type), type) : of;
  };
  std::string inRow = expand(wrapped(row, "%m", 64), 64, 1), inColumn = expand(wrapped(column, "%n", w), w, 0);
  std::string kFlat = add("tile.arange 0 to 16", "tensor<16xi32>");
  std::string kOfA = expand(kFlat, 16, 0), kOfB = expand(kFlat, 16, 1);
  auto sum = [&](const std::string &x, int mx, int nx, const std::string &y, int my, int ny, int m, int n) {
    return binary("addi", broadcast(x, mx, nx, m, n), broadcast(y, my, ny, m, n), tile(m, n, "i32"));
  };
  auto times = [&](const std::string &x, const std::string &by, int m, int n) {
    return binary("muli", x, splat(by, tile(m, n, "i32")), tile(m, n, "i32"));
  };
  auto pointers = [&](const std::string &base, const std::string &offset, int m, int n, const std::string &pointee,
                      const std::string &type) {
    std::string to = tile(m, n, "!tile.ptr<" + pointee + ">");
    return add("tile.addptr " + splat(base, to, "!tile.ptr<" + pointee + ">") + ", " + offset,
               "(" + to + ", " + tile(m, n, type) + ") -> " + to);
  };
  std::string atA = pointers(a, sum(times(inRow, "%lda", 64, 1), 64, 1, kOfA, 1, 16, 64, 16), 64, 16, element, "i32");
  std::string offsetB = p.transposed ? sum(kOfB, 16, 1, times(inColumn, "%ldb", 1, w), 1, w, 16, w)
                                     : sum(times(kOfB, "%ldb", 16, 1), 16, 1, inColumn, 1, w, 16, w);
  std::string atB = pointers(b, offsetB, 16, w, element, "i32");
  std::string st = number(16), zero = number(0), stepB = p.transposed ? st : binary("muli", "%ldb", st, "i32");
  std::string ptrA = tile(64, 16, half), ptrB = tile(16, w, half);
  std::string moveA = splat(st, tile(64, 16, "i32")), moveB = splat(stepB, tile(16, w, "i32"));
  std::string inM = add("arith.cmpi slt, " + row + ", " + splat("%m", "tensor<64xi32>"), "tensor<64xi32>");
  std::string columnType = "tensor<" + std::to_string(w) + "xi32>";
  std::string inN = add("arith.cmpi slt, " + column + ", " + splat("%n", columnType), columnType);
  std::string rows = expand(inM, 64, 1, "i1"), columns = expand(inN, w, 0, "i1");
  s += " %none = arith.constant dense<0.0> : " + sums + "\n";
  if (p.carried)
    s += " %r:3 = scf.for %i = " + zero + " to %k step " + st + " iter_args(%acc = %none, %pa = " + atA +
         ", %pb = " + atB + ") -> (" + sums + ", " + ptrA + ", " + ptrB + ") : i32 {\n";
  else
    s += " %r = scf.for %i = " + zero + " to %k step " + st + " iter_args(%acc = %none) -> (" + sums + ") : i32 {\n";
  std::string pa = "%pa", pb = "%pb";
  if (!p.carried) {
    std::string by = p.transposed ? "%i" : binary("muli", "%ldb", "%i", "i32");
    pa = add("tile.addptr " + atA + ", " + splat("%i", tile(64, 16, "i32")),
             "(" + ptrA + ", " + tile(64, 16, "i32") + ") -> " + ptrA);
    pb = add("tile.addptr " + atB + ", " + splat(by, tile(16, w, "i32")),
             "(" + ptrB + ", " + tile(16, w, "i32") + ") -> " + ptrB);
  }
  std::string left = binary("subi", "%k", "%i", "i32");
  auto load = [&](const std::string &at, const std::string &mask, int m, int n) {
    std::string pointer = tile(m, n, half), value = tile(m, n, element);
    if (mask.empty())
      return add("tile.load " + at, "(" + pointer + ") -> " + value);
    std::string other = add("arith.constant dense<0.0>", value);
    return add("tile.load " + at + " mask " + mask + " other " + other,
               "(" + pointer + ", " + tile(m, n, "i1") + ", " + value + ") -> " + value);
  };
  std::string maskA, maskB;
  auto both = [&](std::string &mask, const std::string &other, int m, int n) {
    mask = mask.empty() ? other : binary("andi", mask, other, tile(m, n, "i1"));
  };
  if (p.tail) {
    maskA = broadcast(add("arith.cmpi slt, " + kOfA + ", " + splat(left, tile(1, 16, "i32")), tile(1, 16, "i32")), 1,
                      16, 64, 16, "i1");
    maskB = broadcast(add("arith.cmpi sgt, " + splat(left, tile(16, 1, "i32")) + ", " + kOfB, tile(16, 1, "i32")), 16,
                      1, 16, w, "i1");
  }
  if (!p.wraps) {
    both(maskA, broadcast(rows, 64, 1, 64, 16, "i1"), 64, 16);
    both(maskB, broadcast(columns, 1, w, 16, w, "i1"), 16, w);
  }
  std::string av = load(pa, maskA, 64, 16), bv = load(pb, maskB, 16, w);
  std::string d = add("tile.dot " + av + ", " + bv + ", %acc",
                      "(" + tile(64, 16, element) + ", " + tile(16, w, element) + ", " + sums + ") -> " + sums);
  if (p.carried) {
    std::string na = add("tile.addptr %pa, " + moveA, "(" + ptrA + ", " + tile(64, 16, "i32") + ") -> " + ptrA);
    std::string nb = add("tile.addptr %pb, " + moveB, "(" + ptrB + ", " + tile(16, w, "i32") + ") -> " + ptrB);
    s += " scf.yield " + d + ", " + na + ", " + nb + " : " + sums + ", " + ptrA + ", " + ptrB + "\n";
  } else {
    s += " scf.yield " + d + " : " + sums + "\n";
  }
  s += " } {tile.num_stages = " + std::to_string(p.stages) + " : i32}\n";
  std::string outRow = times(expand(row, 64, 1), "%ldc", 64, 1);
  std::string atC = pointers(c, sum(outRow, 64, 1, expand(column, w, 0), 1, w, 64, w), 64, w, stored, "i32");
  std::string inside =
      binary("andi", broadcast(rows, 64, 1, 64, w, "i1"), broadcast(columns, 1, w, 64, w, "i1"), tile(64, w, "i1"));
  std::string result = p.carried ? "%r#0" : "%r";
  if (p.added) {
    std::string row = "tensor<" + std::to_string(w) + "x", at = row + half + ">", values = row + element + ">";
    std::string from =
        add("tile.addptr " + splat(a, at, half) + ", " + column, "(" + at + ", " + columnType + ") -> " + at);
    std::string other = add("arith.constant dense<0.0>", values);
    std::string some = add("tile.load " + from + " mask " + inN + " other " + other,
                           "(" + at + ", " + row + "i1>, " + values + ") -> " + values);
    std::string wide = add("tile.fptofp " + some, values + " to " + row + "f32>");
    result = binary("addf", result, broadcast(expand(wide, w, 0, "f32"), 1, w, 64, w, "f32"), sums);
  }
  if (p.halves)
    result = add("tile.fptofp " + result, sums + " to " + tile(64, w, stored));
  s += " tile.store " + atC + ", " + result + " mask " + inside + " : (" + tile(64, w, to) + ", " +
       tile(64, w, stored) + ", " + tile(64, w, "i1") + ") -> ()\n";
  if (p.programs)
    s += p.roles ? " } {tile.loop_flags = 2 : i32}\n" : " }\n";
  return s + " return\n}\n";
}

void expectProduct(const Product &p, int m, int n, int k, bool group, int expectedCopies, int64_t secondAt = -1) {
  BothOptions options;
  options.secondAt = secondAt;
  options.roles = p.roles;
  int split = -1;
  options.split = &split;
  options.matrix = options.asyncCopies = options.tensorCopies = true;
  options.menu.push_back(groupInstruction(group));
  int copies = -1, rings = -1;
  options.copies = &copies;
  options.rings = &rings;
  int rows = std::max(1, (m + 63) / 64), columns = std::max(1, (n + p.width() - 1) / p.width()),
      batches = p.batches ? 3 : 1;
  options.grid = static_cast<unsigned>(p.programs ? p.programs : rows * columns * batches);
  int lda = (k + 15) / 16 * 16, ldb = ((p.transposed ? k : n) + 15) / 16 * 16;
  SCOPED_TRACE(std::to_string(m) + " x " + std::to_string(n) + " x " + std::to_string(k) + (p.wraps ? ", wraps" : "") +
               (p.tail ? ", tail" : "") + (p.transposed ? ", transposed" : "") + (p.batches ? ", batches" : "") +
               (p.carried ? ", carried" : "") + (p.halves ? ", halves" : "") +
               (p.programs ? ", programs " + std::to_string(p.programs) : "") + (p.roles ? ", roles" : "") +
               (p.added ? ", added" : "") + (p.odd ? ", odd" : "") + ", " + std::to_string(p.stages) + " stages" +
               (group ? ", group" : ""));
  std::vector<std::vector<uint8_t>> arrays = {samples::halves(65536), std::vector<uint8_t>(4 * 3 * 4096 * 4, 0x33)};
  if (secondAt >= 0)
    arrays.pop_back();
  EXPECT_EQ(runBoth(text(p), arrays,
                    {m, n, k, lda, ldb, p.halves ? (n + 15) / 16 * 16 : (n + 3) / 4 * 4, 9600, rows * columns, columns},
                    options),
            "");
  EXPECT_EQ(copies, expectedCopies + (p.programs && p.halves)); // else stored by pointers
  EXPECT_EQ(split, p.roles && expectedCopies > 0);
  if (p.stages > 1 && expectedCopies > 0 && !p.roles)
    EXPECT_EQ(rings, 3); // of a, of b, of copy barriers
}

} // namespace

TEST(PointerCopies, ProductsOfAllSizes) {
  for (auto [m, n, k] : {std::tuple(64, 32, 32), {70, 40, 24}, {1, 1, 1}, {130, 33, 100}, {63, 95, 16}, {20, 20, 0}})
    for (bool wraps : {false, true})
      for (bool transposed : {false, true}) {
        Product p;
        p.wraps = wraps;
        p.transposed = transposed;
        expectProduct(p, m, n, k, true, 2 * p.stages);
        p.carried = false;
        expectProduct(p, m, n, k, false, 2 * p.stages);
      }
}

TEST(PointerCopies, BatchesAreADimOfTheirOwn) {
  for (auto [m, n, k] : {std::tuple(64, 32, 32), {70, 40, 24}, {1, 1, 1}, {20, 20, 0}})
    for (bool transposed : {false, true}) {
      Product p;
      p.batches = true;
      p.transposed = transposed;
      expectProduct(p, m, n, k, true, 2 * p.stages);
    }
}

TEST(PointerCopies, WithoutATail) {
  Product p;
  p.tail = false;
  for (int k : {16, 96})
    for (int stages : {1, 2, 4}) {
      p.stages = stages;
      expectProduct(p, 65, 31, k, true, 2 * stages);
    }
}

TEST(PointerCopies, RandomSizes) {
  std::mt19937 rng(11);
  auto upTo = [&](int most) { return static_cast<int>(rng() % static_cast<unsigned>(most + 1)); };
  for (int i = 0; i < 24; ++i) {
    Product p;
    p.wraps = rng() % 2;
    p.transposed = rng() % 2;
    p.carried = rng() % 2;
    p.batches = rng() % 2;
    p.stages = 2 + upTo(2);
    p.halves = rng() % 2;
    expectProduct(p, 1 + upTo(90), 1 + upTo(40), upTo(90), rng() % 2, 2 * p.stages);
  }
}

TEST(PointerCopies, TilesOneAfterTheOther) {
  for (auto [m, n, k] : {std::tuple(128, 64, 32), {70, 144, 24}, {1, 16, 1}, {200, 80, 100}, {20, 208, 0}})
    for (int programs : {1, 2})
      for (bool roles : {false, true}) {
        Product p;
        p.halves = true;
        p.wraps = m < 100;
        p.carried = programs == 1;
        p.transposed = n == 80;
        p.programs = programs;
        p.roles = roles;
        p.added = m % 20 == 0;
        expectProduct(p, m, n, k, programs == 1, roles ? 2 : 2 * p.stages);
      }
}

// What is stored of a tile is loaded for the next one, through another parameter: in the program's order.
TEST(PointerCopies, TilesThatFollowFromTheOneBefore) {
  for (int stages : {2, 3})
    for (bool roles : {false, true})
      for (int tiles : {2, 5}) {
        Product p;
        p.halves = true;
        p.programs = 1;
        p.roles = roles;
        p.stages = stages;
        expectProduct(p, 64 * tiles, 64, 16, true, roles ? 2 : 2 * stages, 64 * 16 * 2);
      }
}

// What lanes add to a tile is what was stored of the one before.
TEST(PointerCopies, LanesLoadBehindTheStoreToo) {
  for (bool roles : {false, true}) {
    Product p;
    p.halves = true;
    p.programs = 1;
    p.added = true;
    p.roles = roles;
    expectProduct(p, 64 * 3, 64, 16, true, roles ? 2 : 2 * p.stages, 0);
  }
}

// How far the loop's accesses reach must be known: not without a bound of rows.
TEST(PointerCopies, TilesWithoutAnEndStayByPointers) {
  Product p;
  p.halves = true;
  p.programs = 1;
  p.batches = true;
  expectProduct(p, 64, 64, 32, true, -1);
}

// An engine writes the last 16 bytes of a row as a whole.
TEST(PointerCopies, TilesWhoseRowsEndWithin16BytesStayByPointers) {
  for (int n : {65, 80}) {
    Product p;
    p.halves = true;
    p.programs = 1;
    p.odd = true;
    expectProduct(p, 64, n, 32, true, -1);
  }
}
