// MockDeviceTest.cpp - the mock device executes what layouts name, and refuses races and registers that nothing wrote
// SPDX-License-Identifier: Apache-2.0
#include "core/bytecode/Writer.h"
#include "plugins/mock/MockCompiler.h"
#include "plugins/mock/MockDriver.h"
#include "tests/unit/mock/RunText.h"

#include <atomic>
#include <chrono>
#include <thread>

using namespace tessera;
using namespace tessera::mock;

namespace {

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

// ---- beside the lanes: what is right runs, each thing left out is a fault ---------------------------------------------

namespace {

// A loop that adds up tiles of x, each copied `slots` - 1 iterations ahead, and read by other warps than those that copied it.
struct Ahead {
  std::string wait = "async_wait {pending = 0}", barrier = "barrier", after = "async_wait {pending = 0}", inside;
  int slots = 2;
};

std::string runAhead(const Ahead &a, int32_t n, std::vector<float> &y) {
  std::string slots = std::to_string(a.slots), last = std::to_string(a.slots - 1);
  std::string load = "async_load %f, %q {axis = 0, width = 2}\n async_commit\n";
  std::string text =
      std::string("level layout\noption num_warps = 4\noption shared_bytes = 4096\n") + kLine + kOther + kShuffled +
      kShared +
      "kernel @k(%x: ptr<f32>, %y: ptr<f32>, %n: i32) {\n"
      " %i = arange {start = 0, end = 256} : tensor<256xi32, #0>\n %x0 = splat %x : tensor<256xptr<f32>, #0>\n"
      " %q = addptr %x0, %i : tensor<256xptr<f32>, #0>\n %far = constant {value = 256} : tensor<256xi32, #0>\n"
      " %zero = constant {value = 0} : i32\n %one = constant {value = 1} : i32\n %slots = constant {value = " +
      slots + "} : i32\n %last = constant {value = " + last +
      "} : i32\n %z = constant {float_value = 0} : tensor<256xf32, #1>\n"
      " %m = shared_alloc {offset = 0, bytes = " +
      std::to_string(1024 * a.slots) + ", slots = " + slots +
      "} : shared<256xf32, #3>\n %f = shared_slot %m, %zero\n " + load +
      " %sum, %pp, %ww, %ff = for %zero, %n, %one, %z, %q, %zero, %last {signed = 1} {\n"
      "  (%k: i32, %acc: tensor<256xf32, #1>, %p: tensor<256xptr<f32>, #0>, %work: i32, %fill: i32)\n  " +
      a.wait + "\n  " + a.barrier +
      "\n  %next = addptr %p, %far : tensor<256xptr<f32>, #0>\n  %t = shared_slot %m, %fill\n"
      "  async_load %t, %next {axis = 0, width = 2}\n  async_commit\n  %use = shared_slot %m, %work\n  " +
      a.inside +
      "\n  %v = shared_load %use : tensor<256xf32, #1>\n  %sum2 = addf %acc, %v\n"
      "  %w1 = addi %work, %one\n  %w2 = remui %w1, %slots\n  %f1 = addi %fill, %one\n  %f2 = remui %f1, %slots\n"
      "  yield %sum2, %next, %w2, %f2\n }\n " +
      a.after + "\n" + storeOf("%sum", "#1") + " return\n}\n";
  std::vector<float> x(256 * 8);
  for (size_t e = 0; e < x.size(); ++e) {
    size_t tile = e / 256;
    x[e] = static_cast<float>(e % 256 + tile);
  }
  y.assign(256, -1);
  return runText(text, {&x, &y}, {static_cast<uint32_t>(n)});
}

} // namespace

TEST(MockDevice, CopiesAheadOfTheirUse) {
  std::vector<float> y;
  for (int32_t n : {0, 1, 2, 7}) {
    EXPECT_EQ(runAhead(Ahead(), n, y), "");
    for (size_t i = 0; i < y.size(); ++i)
      ASSERT_EQ(2 * y[i], static_cast<float>(2 * static_cast<int32_t>(i) * n + n * (n - 1))) << n << " at " << i;
  }
}

TEST(MockDevice, WhatIsLeftOutOfCopiesIsAFault) {
  std::vector<float> y;
  Ahead a;
  a.barrier = "";
  expectFault(runAhead(a, 3, y), "with no barrier between");
  a = Ahead();
  a.wait = "";
  expectFault(runAhead(a, 3, y), "is in flight");
  a.wait = "async_wait {pending = 1}"; // one group too many may run
  expectFault(runAhead(a, 3, y), "is in flight");
  a = Ahead();
  std::swap(a.wait, a.barrier); // lanes pass the barrier before their copies are there
  expectFault(runAhead(a, 3, y), "with no barrier between");
  a = Ahead();
  a.slots = 1; // the next copy goes where this iteration reads
  expectFault(runAhead(a, 3, y), "is in flight");
  a = Ahead();
  a.inside = "shared_store %t, %z";
  expectFault(runAhead(a, 3, y), "is in flight");
  a.inside = "shared_free %m";
  expectFault(runAhead(a, 3, y), "is in flight");
  a.inside = "%t2 = shared_slot %m, %slots";
  expectFault(runAhead(a, 3, y), "slot 2 of a ring of 2");
  a = Ahead();
  a.after = "";
  expectFault(runAhead(a, 3, y), "ends while copies");
}

namespace {

// 1.5 times 2 over k = 16, b and a in shared memory; `lines` do it.
std::string runProduct(const std::string &lines, std::vector<float> &y) {
  std::string text =
      "level layout\noption num_warps = 4\noption shared_bytes = 4096\n"
      "layout #0 sizes [64, 16] {register = [[0, 1], [0, 2], [0, 4]], lane = [[0, 8], [1, 0], [2, 0], [4, 0], [8, 0]], "
      "warp = [[16, 0], [32, 0]]}\n"
      "layout #1 sizes [16, 16] {register = [[0, 1]], lane = [[0, 2], [0, 4], [0, 8], [1, 0], [2, 0]], warp = [[4, 0], "
      "[8, 0]]}\n"
      "layout #2 sizes [64, 16] {offset = [[0, 1], [0, 2], [0, 4], [0, 8], [1, 0], [2, 0], [4, 0], [8, 0], [16, 0], "
      "[32, 0]]}\n"
      "layout #3 sizes [16, 16] {offset = [[0, 1], [0, 2], [0, 4], [0, 8], [1, 0], [2, 0], [4, 0], [8, 0]]}\n"
      "layout #4 sizes [64, 1] {register = [[0, 0], [0, 0], [0, 0]], lane = [[0, 0], [1, 0], [2, 0], [4, 0], [8, 0]], "
      "warp = [[16, 0], [32, 0]]}\n"
      "layout #5 sizes [64] {register = [[0], [0], [0]], lane = [[0], [1], [2], [4], [8]], warp = [[16], [32]]}\n"
      "layout #6 sizes [16] {register = [[1], [2], [4]], lane = [[8], [0], [0], [0], [0]], warp = [[0], [0]]}\n"
      "layout #7 sizes [1, 16] {register = [[0, 1], [0, 2], [0, 4]], lane = [[0, 8], [0, 0], [0, 0], [0, 0], [0, 0]], "
      "warp = [[0, 0], [0, 0]]}\n"
      "kernel @k(%y: ptr<f32>) {\n"
      " %a = constant {float_value = 1.5} : tensor<64x16xf16, #0>\n %b = constant {float_value = 2} : "
      "tensor<16x16xf16, "
      "#1>\n %c = constant {float_value = 1} : tensor<64x16xf32, #0>\n"
      " %sa = shared_alloc {offset = 0, bytes = 2048} : shared<64x16xf16, #2>\n"
      " %sb = shared_alloc {offset = 2048, bytes = 512} : shared<16x16xf16, #3>\n" +
      lines +
      " %r = arange {start = 0, end = 64} : tensor<64xi32, #5>\n %n = arange {start = 0, end = 16} : tensor<16xi32, "
      "#6>\n"
      " %r1 = expand_dims %r {axis = 1} : tensor<64x1xi32, #4>\n %n1 = expand_dims %n {axis = 0} : tensor<1x16xi32, "
      "#7>\n"
      " %w = constant {value = 16} : tensor<64x1xi32, #4>\n %rw = muli %r1, %w\n"
      " %rb = broadcast %rw : tensor<64x16xi32, #0>\n %nb = broadcast %n1 : tensor<64x16xi32, #0>\n %o = addi %rb, "
      "%nb\n"
      " %p = splat %y : tensor<64x16xptr<f32>, #0>\n %q = addptr %p, %o : tensor<64x16xptr<f32>, #0>\n store %q, %e\n"
      " return\n}\n";
  y.assign(1024, -1);
  return runText(text, {&y});
}

const std::string kStores = " shared_store %sa, %a\n shared_store %sb, %b\n";
const std::string kDot = " %d = async_dot %sa, %sb, %c {instruction = 2}\n",
                  kWait = " %e = dot_wait %d {pending = 0}\n";

} // namespace

TEST(MockDevice, ProductsOfOperandsInSharedMemory) {
  std::vector<float> y;
  EXPECT_EQ(runProduct(kStores + " shared_fence\n barrier\n" + kDot + kWait, y), "");
  for (float v : y)
    ASSERT_EQ(v, 49);
  // a from registers; a chain; a wait that leaves the second running, and its own.
  EXPECT_EQ(runProduct(kStores + " shared_fence\n barrier\n" + kDot +
                           " %d2 = async_dot %a, %sb, %d {instruction = 2}\n %d3 = dot_wait %d2 {pending = 1}\n"
                           " %e = dot_wait %d3 {pending = 0}\n barrier\n shared_store %sb, %b\n",
                       y),
            "");
  for (float v : y)
    ASSERT_EQ(v, 97);
}

TEST(MockDevice, WhatIsLeftOutOfProductsIsAFault) {
  std::vector<float> y;
  const std::string ready = kStores + " shared_fence\n barrier\n", noWait = " %e = addf %d, %d\n";
  expectFault(runProduct(kStores + " barrier\n" + kDot + kWait, y), "no shared_fence before the barrier");
  expectFault(runProduct(kStores + " barrier\n shared_fence\n" + kDot + kWait, y),
              "no shared_fence before the barrier");
  expectFault(runProduct(kStores + " shared_fence\n" + kDot + kWait, y), "with no barrier between");
  expectFault(runProduct(" shared_store %sa, %a\n shared_fence\n barrier\n" + kDot + kWait, y), "which nothing wrote");
  expectFault(runProduct(ready + kDot + noWait, y), "reads the result of a product that was not awaited");
  expectFault(runProduct(ready + kDot + " %e = dot_wait %d {pending = 1}\n", y), "product that was not awaited");
  expectFault(runProduct(ready + kDot + " dot_wait {pending = 0}\n" + noWait, y), "product that was not awaited");
  expectFault(runProduct(ready + kDot + " barrier\n shared_store %sb, %b\n" + kWait, y),
              "which a product that was not awaited may still read");
  expectFault(runProduct(ready + kDot + " shared_free %sa\n" + kWait, y),
              "which a product that was not awaited may still read");
  expectFault(runProduct(ready + kDot + kWait + " shared_store %sb, %b\n", y), "read with no barrier between");
  expectFault(runProduct(ready + kDot + " %e = addf %c, %c\n", y), "ends while a product runs");
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

TEST(MockDevice, WhatIsFreedOnNoStreamOutlivesTheWorkThatIsQueued) {
  sdk::Options none(nullptr, 0);
  MockDevice device(none);
  auto stream = device.createStream(0, 0);
  uint64_t address = device.memory().allocate(nullptr, 64, 256, 0);
  std::atomic<bool> wasThere{false};
  static_cast<MockStream &>(*stream).queue([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    wasThere = static_cast<MockMemory &>(device.memory()).holds(address, 64) &&
               *reinterpret_cast<volatile const uint8_t *>(address) == 0xcd;
  });
  device.memory().release(nullptr, address);
  EXPECT_TRUE(wasThere);
  static_cast<MockStream &>(*stream).queue([] { throw sdk::Error(TSR_E_LAUNCH_FAILED, "boom"); });
  device.memory().release(nullptr, device.memory().allocate(nullptr, 64, 256, 0)); // also where the work fails
  EXPECT_THROW(stream->sync(), sdk::Error);
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

// Between two barriers a byte of global memory belongs to one lane, or is only loaded.
TEST(MockDevice, GlobalMemoryWithoutABarrierIsAFault) {
  // 256 zeros in the other layout, to where x was loaded.
  const std::string zeros = "  %j = arange {start = 0, end = 256} : tensor<256xi32, #1>\n"
                            "  %z = sitofp %j : tensor<256xf32, #1>\n"
                            "  %r = splat %x : tensor<256xptr<f32>, #1>\n"
                            "  %s = addptr %r, %j : tensor<256xptr<f32>, #1>\n",
                    store = "  store %s, %z\n", barrier = "  barrier\n",
                    load = "  %u = load %s : tensor<256xf32, #1>\n";
  auto run = [&](const std::string &middle) {
    std::vector<float> x = ramp(), y(256);
    return runText(doubled(zeros + middle), {&x, &y});
  };
  expectFault(run(store), "stores to global memory that lane");
  expectFault(run(store), "loaded with no barrier between");
  EXPECT_EQ(run(barrier + store), "");
  expectFault(run(barrier + store + "  %o = load %q : tensor<256xf32, #0>\n"), "stored to with no barrier between");
  EXPECT_EQ(run(barrier + store + load), ""); // its own
  expectFault(run(barrier + store + "  store %q, %w\n"), "stored to with no barrier between");
  EXPECT_EQ(run(barrier + store + barrier + "  store %q, %w\n"), "");
  EXPECT_EQ(run("  store %q, %w\n"), ""); // each lane where it loaded
  expectFault(run("  store %q, %v\n" + load), "stored to with no barrier between");
}

// A launch asks how many programs there may be before any of them runs: what lies in front of the op is not done for that.
TEST(MockDevice, AskingForProgramsStoresNothing) {
  auto x = ramp();
  std::vector<float> y(256, -1.0f);
  auto parsed = tbc::parse(doubled(storeOf("%w", "#0") + "  %n = constant {value = 5} : i64\n"
                                                         "  %m = constant {value = 2} : i64\n"
                                                         "  %c = addi %n, %m\n"
                                                         "  grid_stride %c {axis = 0}\n"));
  ASSERT_TRUE(parsed) << parsed.error;
  const tbc::Module &m = *parsed.module;
  AnyMemory memory;
  std::vector<uint64_t> args;
  for (auto *a : {&x, &y}) {
    memory.blocks.push_back({reinterpret_cast<uint64_t>(a->data()), a->size() * 4});
    args.push_back(reinterpret_cast<uint64_t>(a->data()));
  }
  LayoutTables tables(m, 4);
  LaunchState launch{m, m.functions[0], tables, memory, {1, 1, 1}, 4, [](const std::string &) {}, {}};
  const auto &ops = m.functions[0].body.ops;
  auto op = std::find_if(ops.begin(), ops.end(), [](const tbc::Op &o) { return o.code == tbc::Opcode::GridStride; });
  ASSERT_NE(op, ops.end());
  const int32_t first[3] = {0, 0, 0};
  EXPECT_EQ(Program(launch, first).programsAllowed(args, *op), 7);
  EXPECT_EQ(y, std::vector<float>(256, -1.0f));
}
