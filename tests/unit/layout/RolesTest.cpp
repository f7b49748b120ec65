// Guards roles: kernels whose loads are done by subgroups of their own give on the mock device, with its races, what they give in the interpreter; as
// LAYOUT bytecode the interpreter runs them too.
//
// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/layout/DescriptorKernels.h"
#include "tests/unit/layout/RunBoth.h"

#include "core/interpreter/Interpreter.h"
#include "core/interpreter/Memory.h"

#include "gtest/gtest.h"

using namespace tessera;

namespace {

BothOptions withRoles(bool group) {
  BothOptions o;
  o.matrix = true;
  o.tensorCopies = true;
  o.roles = true;
  o.menu.push_back(groupInstruction(group));
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

void expectSplit(const std::string &kernel, int32_t k, int32_t tiles, int split, bool group = true,
                 unsigned warps = 4) {
  for (bool interpreted : {false, true}) {
    BothOptions options = withRoles(group);
    options.warps = warps;
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
        samples::Persistent p;
        p.loopFlags = "tile.num_stages = " + std::to_string(stages) + " : i32";
        SCOPED_TRACE(std::to_string(stages) + " stages");
        expectSplit(samples::persistentKernel(p), k, tiles, 1, group);
      }
}

// Of 64 KiB the rings take more than half: no second block would fill the waits.
TEST(Roles, WhereNobodyAskedForThem) {
  for (int stages : {3, 12})
    for (bool group : {false, true})
      for (auto [k, tiles] : {std::pair(0, 2), {16, 1}, {48, 4}, {128, 3}}) {
        samples::Persistent p;
        p.outerFlags = "";
        p.loopFlags = "tile.num_stages = " + std::to_string(stages) + " : i32";
        SCOPED_TRACE(std::to_string(stages) + " stages");
        expectSplit(samples::persistentKernel(p), k, tiles, group && stages == 12, group);
      }
}

TEST(Roles, TilesAndStepsAsOneLoop) {
  for (bool group : {false, true})
    for (auto [k, tiles] : {std::pair(0, 2), {16, 3}, {48, 4}, {128, 0}, {128, 3}})
      expectSplit(samples::flattenedKernel(), k, tiles, 1, group);
}

TEST(Roles, LoopsInBranches) {
  samples::Persistent p;
  p.open = " %odd = arith.andi %t, %c1 : i32\n %is = arith.cmpi eq, %odd, %zero : i32\n %r = scf.if %is -> "
           "(tensor<64x32xf32>) {\n %q = ";
  p.close = " scf.yield %q : tensor<64x32xf32>\n } else {\n scf.yield %none : tensor<64x32xf32>\n }\n";
  for (bool group : {false, true})
    for (auto [k, tiles] : {std::pair(16, 3), {48, 4}, {128, 3}})
      expectSplit(samples::persistentKernel(p), k, tiles, 1, group);
  // A program that ends early: all of it in a branch without another side.
  std::string text = samples::productKernel(false);
  text.replace(text.find("{tile.num_stages"), 1, "{tile.loop_flags = 2 : i32, ");
  size_t loop = text.find(" %r = scf.for"), end = text.find(" return");
  text.insert(end, " }\n");
  text.insert(loop, " %go = arith.cmpi sgt, %m, %zero : i32\n scf.if %go {\n");
  for (auto [k, m] : {std::pair(128, 64), {48, 50}, {64, 0}})
    expectSplit(text, k, m, 1);
}

// 64 KiB: the rings of one loop leave little for the other's, which is in the same outer loop.
TEST(Roles, TwoLoopsShareTheMemory) {
  const std::string many = "tile.num_stages = 16 : i32", flag = ", tile.loop_flags = 2 : i32";
  for (bool group : {false, true})
    for (bool first : {false, true})
      for (bool second : {false, true}) {
        samples::Persistent p;
        p.outerFlags = "";
        p.loopFlags = many + (first ? flag : "");
        p.second = samples::anotherLoop(many + (second ? flag : ""));
        p.result = "%r2";
        SCOPED_TRACE(std::string(first ? "first " : "") + (second ? "second" : ""));
        for (auto [k, tiles] : {std::pair(16, 2), {128, 3}})
          expectSplit(samples::persistentKernel(p), k, tiles, first || second, group);
      }
}

TEST(Roles, TwoProductsOfAnIteration) {
  for (bool group : {false, true})
    for (bool apart : {false, true})
      for (bool scaled : {false, true})
        for (int stages : {2, 3})
          for (int32_t k : {0, 32, 64, 128}) {
            SCOPED_TRACE(std::string(apart ? "apart " : "") + (scaled ? "scaled" : ""));
            expectSplit(samples::twoProductsKernel(apart, scaled, stages), k, 1, 1, group);
          }
}

// A loop that follows another one, as the diagonal of an attention, goes on with its rings where they stand.
TEST(Roles, TheNextLoopGoesOnWithTheRings) {
  for (bool group : {false, true})
    for (bool scaled : {false, true})
      for (int stages : {2, 3})
        for (int32_t k : {0, 32, 96, 128}) {
          std::string text = samples::loopTwice(samples::twoProductsKernel(true, scaled, stages));
          expectSplit(text, k, 1, 1, group);
          BothOptions options = withRoles(group);
          int rings = 0;
          options.rings = &rings;
          EXPECT_EQ(runBoth(text, buffers(), {k, 1}, options), "");
          EXPECT_EQ(rings, 7); // two of tiles, a full and an empty one of barriers each; the first load's barrier
        }
}

TEST(Roles, TwoGroupsEachAtItsOwnTime) {
  for (bool scaled : {false, true})
    for (int32_t k : {0, 32, 128})
      expectSplit(samples::twoProductsKernel(true, scaled), k, 1, 1, true, 8);
}

TEST(Roles, LoopsThatStayAsTheyAre) {
  samples::Persistent plain;
  plain.outerFlags = "";
  expectSplit(samples::persistentKernel(plain), 48, 2, 0);
  samples::Persistent stages;
  stages.loopFlags = "tile.num_stages = 1 : i32";
  expectSplit(samples::persistentKernel(stages), 48, 2, 0);
  samples::Persistent same; // what is loaded may be stored
  same.out = "%inf";
  same.inLoop = "";
  std::string text = samples::persistentKernel(same);
  BothOptions options = withRoles(true);
  int made = -1;
  options.split = &made;
  EXPECT_EQ(runBoth(text, {samples::halves(256 * 64), std::vector<uint8_t>(16)}, {16, 1}, options), "");
  EXPECT_EQ(made, 0);
  // How often it runs depends on memory.
  samples::Persistent depends;
  depends.before = " %kp = tile.load %out : (!tile.ptr<i32>) -> i32\n %kz = arith.minsi %kp, %zero : i32\n";
  std::string memory = samples::persistentKernel(depends);
  memory.replace(memory.find("%i = %zero"), 10, "%i = %kz");
  expectSplit(memory, 48, 2, 0);
}
