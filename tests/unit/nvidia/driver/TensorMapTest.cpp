// Guards the tensor maps of launches: made from the arguments, kept while the numbers are the same, refused where no engine can.
// SPDX-License-Identifier: Apache-2.0
#include "backends/nvidia/image/TensorMaps.h"
#include "tests/unit/nvidia/driver/DriverFixture.h"
#include "tests/unit/nvidia/driver/ExpressionWords.h"

#include <chrono>
#include <cstring>

using namespace tessera;
using namespace tessera::nvidia;
using namespace tessera::nvidia::test;

namespace {

// An array of n x 64 halves at the address, rows of 2 * n elements.
MapRecipe recipe() {
  MapRecipe r;
  r.elem = TSR_F16;
  r.rank = 2;
  r.swizzleBytes = 128;
  r.box = {16, 64};
  r.numbers = {{argument(0, 8)},
               {argument(8, 4)},
               {word(ExpressionOp::Constant), 64},
               {argument(8, 4), word(ExpressionOp::Constant), 2, word(ExpressionOp::Mul)}};
  return r;
}

struct TensorMapTest : DriverTest {
  void SetUp() override {
    DriverTest::SetUp();
    open();
    std::vector<uint64_t> words = writeMaps("another", {recipe(), recipe()}), own = writeMaps("copies", {recipe()});
    words.insert(words.end(), own.begin(), own.end());
    cuda->tensorMaps.assign(reinterpret_cast<const char *>(words.data()), words.size() * 8);
    ASSERT_EQ(load(ptx({"copies"}, ".global .align 8 .b8 tsr_tensor_maps[8];\n")), TSR_OK) << error();
  }
  struct Arguments {
    uint64_t address = 0x10000;
    uint32_t n = 24;
  };
  tsr_status launchWith(tsr_kernel *k, uint64_t address, uint32_t n) {
    uint8_t packed[12];
    std::memcpy(packed, &address, 8), std::memcpy(packed + 8, &n, 4);
    return launch(k, packed, 12);
  }
};

} // namespace

TEST_F(TensorMapTest, ALaunchMakesWhatItNeedsOnce) {
  tsr_kernel *k = kernel("copies", 12);
  ASSERT_NE(k, nullptr);
  ASSERT_EQ(launchWith(k, 0x10000, 24), TSR_OK) << error();
  EXPECT_EQ(cuda->tensorShape[0], 64u);
  EXPECT_EQ(cuda->tensorShape[1], 24u);
  EXPECT_EQ(cuda->tensorStrides[0], 96u);
  EXPECT_EQ(cuda->tensorBox[0], 64u);
  EXPECT_EQ(cuda->tensorBox[1], 16u);
  EXPECT_EQ(cuda->tensorSwizzle, 3);
  ASSERT_EQ(cuda->lastArguments.size(), 240u);
  uint64_t address = 0;
  std::memcpy(&address, cuda->lastArguments.data() + 112, 8);
  EXPECT_EQ(address, 0x10000u);
  ASSERT_EQ(launchWith(k, 0x10000, 24), TSR_OK);
  EXPECT_EQ(cuda->calls["cuTensorMapEncodeTiled"], 1u);
  ASSERT_EQ(launchWith(k, 0x20000, 24), TSR_OK);
  EXPECT_EQ(cuda->calls["cuTensorMapEncodeTiled"], 2u);
  std::memcpy(&address, cuda->lastArguments.data() + 112, 8);
  EXPECT_EQ(address, 0x20000u);
}

// Code for the device of an older driver has no maps; code that has is refused by name.
TEST_F(TensorMapTest, AnOlderDriversDevicesAreForCodeWithoutMaps) {
  for (int version : {12000, 12030, 12040}) {
    cuda->version = version;
    NvidiaDriver driver(FAKE_LIBCUDA);
    EXPECT_EQ(driver.info(0).target, version < 12040 ? "sm_90a:tensor_copies-" : "sm_90a");
    tsr_sink raw = {};
    std::unique_ptr<sdk::Device> opened = driver.open(0, sdk::Options(nullptr, 0), sdk::Sink(&raw));
    std::string text = ptx({"copies", "nothing"}, ".global .align 8 .b8 tsr_tensor_maps[8];\n");
    std::unique_ptr<sdk::Module> loaded = opened->loadModule(text.data(), text.size(), sdk::Sink(&raw));
    sdk::KernelInfo info;
    info.name = "nothing";
    info.block[0] = info.block[1] = info.block[2] = 1;
    EXPECT_NO_THROW(loaded->kernel(info));
    info.name = "copies";
    info.argBytes = 12;
    std::string refusal;
    try {
      loaded->kernel(info);
    } catch (const sdk::Error &e) {
      EXPECT_EQ(e.status, TSR_E_UNSUPPORTED);
      refusal = e.what();
    }
    const bool names = refusal.find("'copies' for --target=sm_90a:tensor_copies-") != std::string::npos &&
                       refusal.find("older than 12.4") != std::string::npos;
    EXPECT_EQ(names, version < 12040) << refusal;
    EXPECT_EQ(refusal.empty(), version == 12040) << refusal;
  }
}

TEST_F(TensorMapTest, AnotherMapOfTheKernelStays) {
  // A second map that only the address changes: of 16 x 16 halves.
  MapRecipe fixed = recipe();
  fixed.box = {16, 16};
  fixed.swizzleBytes = 32;
  fixed.numbers = {{argument(0, 8)},
                   {word(ExpressionOp::Constant), 16},
                   {word(ExpressionOp::Constant), 16},
                   {word(ExpressionOp::Constant), 16}};
  std::vector<uint64_t> words = writeMaps("copies", {fixed});
  cuda->tensorMaps.assign(reinterpret_cast<const char *>(words.data()), words.size() * 8);
  ASSERT_EQ(api->module_unload(module), TSR_OK);
  ASSERT_EQ(load(ptx({"copies"}, ".global .align 8 .b8 tsr_tensor_maps[8];\n")), TSR_OK) << error();
  tsr_kernel *k = kernel("copies", 12);
  ASSERT_EQ(launchWith(k, 0x10000, 24), TSR_OK) << error();
  ASSERT_EQ(launchWith(k, 0x10000, 25), TSR_OK) << error(); // an argument that no number of the map uses
  EXPECT_EQ(cuda->calls["cuTensorMapEncodeTiled"], 1u);
  uint32_t n = 0;
  std::memcpy(&n, cuda->lastArguments.data() + 8, 4);
  EXPECT_EQ(n, 25u);
}

// What a kernel reads through a pointer without a bound may be nothing.
TEST_F(TensorMapTest, ArraysWithoutAnEndMayHaveNoAddress) {
  MapRecipe endless;
  endless.elem = TSR_F16;
  endless.rank = 2;
  endless.box = {16, 16};
  endless.swizzleBytes = 32;
  endless.numbers = {{argument(0, 8)},
                     {word(ExpressionOp::Constant), INT32_MAX},
                     {word(ExpressionOp::Constant), 16},
                     {word(ExpressionOp::Constant), 16}};
  std::vector<uint64_t> words = writeMaps("copies", {endless});
  cuda->tensorMaps.assign(reinterpret_cast<const char *>(words.data()), words.size() * 8);
  ASSERT_EQ(api->module_unload(module), TSR_OK);
  ASSERT_EQ(load(ptx({"copies"}, ".global .align 8 .b8 tsr_tensor_maps[8];\n")), TSR_OK) << error();
  EXPECT_EQ(launchWith(kernel("copies", 12), 0, 24), TSR_OK) << error();
  EXPECT_EQ(cuda->tensorShape[1], uint64_t(INT32_MAX));
}

TEST_F(TensorMapTest, EmptyArraysAndRowsCountAsOne) {
  tsr_kernel *k = kernel("copies", 12);
  ASSERT_EQ(launchWith(k, 0x10000, 0), TSR_OK) << error();
  EXPECT_EQ(cuda->tensorShape[1], 1u);
  ASSERT_EQ(launchWith(k, 0, 0), TSR_OK) << error(); // has no bytes, so perhaps no address
  EXPECT_EQ(launchWith(k, 0, 24), TSR_E_INVALID);
  ASSERT_EQ(launchWith(k, 0x10000, 1), TSR_OK) << error(); // a row of 4 bytes from the next one, which there is not
  EXPECT_EQ(cuda->tensorStrides[0] % 16, 0u);
}

TEST_F(TensorMapTest, WhatNoEngineCanCopyIsRefused) {
  tsr_kernel *k = kernel("copies", 12);
  ASSERT_EQ(launchWith(k, 0x10000, 24), TSR_OK);
  EXPECT_EQ(launchWith(k, 0x10004, 24), TSR_E_INVALID);
  EXPECT_NE(error().find("kernel 'copies': an array that it copies by descriptor"), std::string::npos) << error();
  EXPECT_NE(error().find("is not a multiple of 16"), std::string::npos) << error();
  EXPECT_EQ(launchWith(k, 0x10000, 3), TSR_E_INVALID);
  // What failed is not taken for what was there before.
  EXPECT_EQ(launchWith(k, 0x10000, 24), TSR_OK);
  EXPECT_EQ(cuda->tensorShape[1], 24u);
}

TEST_F(TensorMapTest, AnUnchangedLaunchCostsLittle) {
  tsr_kernel *k = kernel("copies", 12);
  ASSERT_EQ(launchWith(k, 0x10000, 24), TSR_OK);
  ASSERT_EQ(api->stream_sync(stream), TSR_OK);
  cuda->instant = true;
  constexpr int kLaunches = 20000;
  auto best = std::chrono::nanoseconds::max();
  for (int round = 0; round < 5; ++round) {
    auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < kLaunches; ++i)
      (void)launchWith(k, 0x10000, 24);
    best = std::min(best, std::chrono::nanoseconds(std::chrono::steady_clock::now() - start) / kLaunches);
  }
  cuda->instant = false;
  RecordProperty("nanoseconds", static_cast<int>(best.count()));
  EXPECT_EQ(cuda->calls["cuTensorMapEncodeTiled"], 1u);
}

TEST(TensorMapWords, WhatIsWrittenIsRead) {
  std::vector<uint64_t> words = writeMaps("k", {recipe(), recipe()});
  std::vector<MapRecipe> maps;
  ASSERT_TRUE(readMaps(words, "k", 12, maps));
  ASSERT_EQ(maps.size(), 2u);
  EXPECT_EQ(maps[1].box, recipe().box);
  EXPECT_EQ(maps[1].numbers, recipe().numbers);
  ASSERT_TRUE(readMaps(words, "other", 12, maps));
  EXPECT_TRUE(maps.empty());
  EXPECT_FALSE(readMaps(words, "k", 11, maps)) << "reads beyond the arguments";
  // Cut short anywhere, or with any word replaced: never a crash.
  for (size_t n = 1; n < words.size(); ++n) {
    EXPECT_FALSE(readMaps(std::span(words).first(n), "k", 12, maps)) << n;
    for (uint64_t bad : {uint64_t(0), ~uint64_t(0), uint64_t(3)}) {
      std::vector<uint64_t> broken = words;
      broken[n] = bad;
      if (readMaps(broken, "k", 12, maps))
        for (const MapRecipe &m : maps)
          for (const auto &code : m.numbers) {
            uint8_t packed[12] = {};
            (void)evaluate(code, packed);
          }
    }
  }
}
