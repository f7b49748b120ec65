// MockDeviceTest.cpp - the mock device executes what layouts name, and refuses races and registers that nothing wrote
// SPDX-License-Identifier: Apache-2.0
#include "core/bytecode/Text.h"
#include "core/bytecode/Verifier.h"
#include "core/bytecode/Writer.h"
#include "plugins/mock/MockCompiler.h"
#include "plugins/mock/MockDriver.h"

#include <gtest/gtest.h>

using namespace tessera;
using namespace tessera::mock;

namespace {

struct AnyMemory final : GlobalMemory {
  std::vector<std::pair<uint64_t, uint64_t>> blocks;
  bool holds(uint64_t address, uint64_t bytes) const override {
    for (auto [at, n] : blocks)
      if (address >= at && address + bytes <= at + n)
        return true;
    return false;
  }
};

// Runs the only kernel of a text module on float arrays; the fault's message, or empty.
std::string runText(const std::string &text, const std::vector<std::vector<float> *> &arrays,
                    std::vector<uint64_t> scalars = {}, unsigned warps = 4, int32_t grid = 1) {
  auto parsed = tbc::parse(text);
  EXPECT_TRUE(parsed) << parsed.error;
  if (!parsed)
    return "parse";
  const tbc::Module &m = *parsed.module;
  auto errors = tbc::verifyModule(m);
  EXPECT_TRUE(errors.empty()) << tbc::verifyErrorText(m, errors);
  if (!errors.empty())
    return "verify";
  AnyMemory memory;
  std::vector<uint64_t> args;
  for (auto *a : arrays) {
    memory.blocks.push_back({reinterpret_cast<uint64_t>(a->data()), a->size() * 4});
    args.push_back(reinterpret_cast<uint64_t>(a->data()));
  }
  args.insert(args.end(), scalars.begin(), scalars.end());
  try {
    LayoutTables tables(m, warps);
    LaunchState launch{m, m.functions[0], tables, memory, {grid, 1, 1}, warps, [](const std::string &) {}, {}};
    for (int32_t x = 0; x < grid; ++x) {
      int32_t id[3] = {x, 0, 0};
      Program(launch, id).run(args);
    }
  } catch (const Fault &f) {
    return f.what();
  }
  return {};
}

// 256 elements: two registers, 32 lanes, four warps.
const char *kLine =
    "layout #0 sizes [256] {register = [[1]], lane = [[2], [4], [8], [16], [32]], warp = [[64], [128]]}\n";
// The same elements, warps lowest: a conversion to it crosses warps.
const char *kOther =
    "layout #1 sizes [256] {register = [[128]], lane = [[4], [8], [16], [32], [64]], warp = [[1], [2]]}\n";
// Lanes in another order: a conversion to it stays inside each warp.
const char *kShuffled =
    "layout #2 sizes [256] {register = [[1]], lane = [[32], [16], [8], [4], [2]], warp = [[64], [128]]}\n";
const char *kShared = "layout #3 sizes [256] {offset = [[1], [2], [4], [8], [16], [32], [64], [128]]}\n";

std::string doubled(const std::string &middle) {
  return std::string("level layout\noption num_warps = 4\noption shared_bytes = 1024\n") + kLine + kOther + kShuffled +
         kShared +
         "kernel @k(%x: ptr<f32>, %y: ptr<f32>) {\n"
         "  %i = arange {start = 0, end = 256} : tensor<256xi32, #0>\n"
         "  %p = splat %x : tensor<256xptr<f32>, #0>\n"
         "  %q = addptr %p, %i : tensor<256xptr<f32>, #0>\n"
         "  %v = load %q : tensor<256xf32, #0>\n"
         "  %w = addf %v, %v : tensor<256xf32, #0>\n" +
         middle + "  return\n}\n";
}

std::string storeOf(const std::string &value, const std::string &layout) {
  return "  %j = arange {start = 0, end = 256} : tensor<256xi32, " + layout +
         ">\n  %r = splat %y : tensor<256xptr<f32>, " + layout + ">\n  %s = addptr %r, %j : tensor<256xptr<f32>, " +
         layout + ">\n  store %s, " + value + "\n";
}

std::vector<float> ramp() {
  std::vector<float> v(256);
  for (size_t i = 0; i < v.size(); ++i)
    v[i] = static_cast<float>(i) + 0.5f;
  return v;
}

void expectDoubled(const std::vector<float> &x, const std::vector<float> &y) {
  for (size_t i = 0; i < x.size(); ++i)
    ASSERT_EQ(y[i], 2 * x[i]) << i;
}

} // namespace

TEST(MockDevice, ElementwiseRunsRegisterByRegister) {
  auto x = ramp();
  std::vector<float> y(256);
  EXPECT_EQ(runText(doubled(storeOf("%w", "#0")), {&x, &y}), "");
  expectDoubled(x, y);
}

TEST(MockDevice, ConversionInsideAWarpShuffles) {
  auto x = ramp();
  std::vector<float> y(256);
  EXPECT_EQ(runText(doubled("  %c = convert_layout %w : tensor<256xf32, #2>\n" + storeOf("%c", "#2")), {&x, &y}), "");
  expectDoubled(x, y);
}

TEST(MockDevice, ConversionAcrossWarpsNeedsSharedMemory) {
  auto x = ramp();
  std::vector<float> y(256);
  EXPECT_NE(runText(doubled("  %c = convert_layout %w : tensor<256xf32, #1>\n" + storeOf("%c", "#1")), {&x, &y})
                .find("through shared memory"),
            std::string::npos);
}

std::string throughShared(bool barrier) {
  return std::string("  %m = shared_alloc {offset = 0, bytes = 1024} : shared<256xf32, #3>\n  shared_store %m, %w\n") +
         (barrier ? "  barrier\n" : "") + "  %c = shared_load %m : tensor<256xf32, #1>\n" + storeOf("%c", "#1");
}

TEST(MockDevice, SharedMemoryWithABarrierMovesTheTile) {
  auto x = ramp();
  std::vector<float> y(256);
  EXPECT_EQ(runText(doubled(throughShared(true)), {&x, &y}), "");
  expectDoubled(x, y);
}

TEST(MockDevice, AMissingBarrierIsARace) {
  auto x = ramp();
  std::vector<float> y(256);
  EXPECT_NE(runText(doubled(throughShared(false)), {&x, &y}).find("no barrier between"), std::string::npos);
}

TEST(MockDevice, SharedBytesThatNothingWroteAreNotRead) {
  auto x = ramp();
  std::vector<float> y(256);
  std::string e = runText(doubled("  %m = shared_alloc {offset = 0, bytes = 1024} : shared<256xf32, #3>\n  %c = "
                                  "shared_load %m : tensor<256xf32, #1>\n" +
                                  storeOf("%c", "#1")),
                          {&x, &y});
  EXPECT_NE(e.find("nothing wrote"), std::string::npos) << e;
}

TEST(MockDevice, AnAccessOutsideOfEveryAllocationIsAFault) {
  auto x = ramp();
  std::vector<float> y(255);
  std::string e = runText(doubled(storeOf("%w", "#0")), {&x, &y});
  EXPECT_NE(e.find("in no allocation"), std::string::npos) << e;
}

// A plugin makes one access of a promised run: contiguous, aligned, one mask bit.
TEST(MockDevice, AFalseWidthIsAFault) {
  std::vector<float> x(256 + 64), y(256);
  for (size_t i = 0; i < x.size(); ++i)
    x[i] = static_cast<float>(i);
  // Elements up to the next multiple of 128 bytes.
  size_t aligned = (128 - reinterpret_cast<uintptr_t>(x.data()) % 128) % 128 / sizeof(float);
  auto load = [&](const std::string &index, const std::string &access) {
    return runText(std::string("level layout\noption num_warps = 4\n") + kLine +
                       "kernel @k(%x: ptr<f32>, %y: ptr<f32>) {\n"
                       "  %i = arange {start = 0, end = 256} : tensor<256xi32, #0>\n"
                       "  %four = constant {value = 4} : tensor<256xi32, #0>\n"
                       "  %c = constant {value = " +
                       std::to_string(aligned) +
                       "} : tensor<256xi32, #0>\n"
                       "  %d = constant {value = " +
                       std::to_string(aligned + 4) +
                       "} : tensor<256xi32, #0>\n"
                       "  %j = " +
                       index +
                       " : tensor<256xi32, #0>\n"
                       "  %m = cmpi %i, %four {predicate = slt} : tensor<256xi1, #0>\n"
                       "  %p = splat %x : tensor<256xptr<f32>, #0>\n"
                       "  %q = addptr %p, %j : tensor<256xptr<f32>, #0>\n"
                       "  %v = load " +
                       access +
                       " : tensor<256xf32, #0>\n"
                       "  return\n}\n",
                   {&x, &y});
  };
  const char *plain = "addi %i, %c", *halves = "divsi %i, %four";
  EXPECT_EQ(load(plain, "%q {axis = 0, width = 4}"), "");
  EXPECT_EQ(load(plain, "%q, %m {axis = 0, width = 4}"), "");
  EXPECT_EQ(load(halves, "%q"), "");
  EXPECT_NE(load(halves, "%q {axis = 0, width = 2}").find("element 1 does not follow its neighbour"),
            std::string::npos);
  EXPECT_NE(load(plain, "%q, %m {axis = 0, width = 8}").find("element 4 does not follow its neighbour"),
            std::string::npos);
  EXPECT_EQ(load(plain, "%q {axis = 0, width = 32}"), "");
  EXPECT_NE(load("addi %i, %d", "%q {axis = 0, width = 32}").find("starts at 0x"), std::string::npos);
}

TEST(MockDevice, AMaskedOffElementWithoutOtherMayNotBeStored) {
  auto x = ramp();
  std::vector<float> y(256);
  std::string e = runText(doubled("  %h = constant {value = 100} : tensor<256xi32, #0>\n  %t = cmpi %i, %h {predicate "
                                  "= slt} : tensor<256xi1, #0>\n"
                                  "  %u = load %q, %t : tensor<256xf32, #0>\n" +
                                  storeOf("%u", "#0")),
                          {&x, &y});
  EXPECT_NE(e.find("not specified"), std::string::npos) << e;
}

TEST(MockDevice, ReductionAcrossWarpsWantsScratch) {
  auto x = ramp();
  std::vector<float> y(1);
  auto reduce = [&](const std::string &scratch) {
    return doubled("  %s = reduce %w {axis = 0" + scratch +
                   "} : f32 {\n    (%a: f32, %b: f32)\n    %c = addf %a, %b\n    yield %c\n  }\n  store %y, %s\n");
  };
  EXPECT_NE(runText(reduce(""), {&x, &y}).find("no scratch was planned"), std::string::npos);
  EXPECT_EQ(runText(reduce(", offset = 0, bytes = 16"), {&x, &y}), "");
  EXPECT_EQ(y[0], 2 * (255 * 128 + 128));
}

TEST(MockDevice, CorruptArtifactsAreRefused) {
  std::string garbage = "TSRMOCK1 nothing that can be read";
  EXPECT_THROW(MockModule(garbage.data(), garbage.size()), sdk::Error);
  EXPECT_THROW(MockModule("x", 1), sdk::Error);
}

TEST(MockDevice, StreamsAreAsynchronousAndErrorsSticky) {
  sdk::Options none(nullptr, 0);
  MockDevice device(none);
  auto stream = device.createStream(0, 0);
  int value = 0;
  static_cast<MockStream &>(*stream).queue([&] { value = 1; });
  stream->sync();
  EXPECT_EQ(value, 1);
  static_cast<MockStream &>(*stream).queue([] { throw sdk::Error(TSR_E_LAUNCH_FAILED, "boom"); });
  static_cast<MockStream &>(*stream).queue([&] { value = 2; });
  EXPECT_THROW(stream->sync(), sdk::Error);
  EXPECT_THROW(stream->ready(), sdk::Error);
  EXPECT_EQ(value, 1) << "work after the failure must not run";
}

TEST(MockDevice, FaultsComeOnDemand) {
  std::string key = "fail_alloc", two = "2";
  tsr_kv kv{{key.data(), key.size()}, {two.data(), two.size()}};
  MockDevice device(sdk::Options(&kv, 1));
  uint64_t first = device.memory().allocate(nullptr, 64, 256, 0);
  EXPECT_NE(first, 0u);
  EXPECT_THROW(device.memory().allocate(nullptr, 64, 256, 0), sdk::Error);
  EXPECT_NE(device.memory().allocate(nullptr, 64, 256, 0), 0u);
}
