// ImageTest.cpp - images: round trip, truncation, damage, hostile headers, other processors
//
// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/image/Processor.h"
#include "tests/unit/cpu/driver/DriverFixture.h"

#include <cstddef>
#include <fstream>
#include <random>

using namespace tessera::cpu;
using namespace tessera::cpu::test;

static void nothing(const void *, const ProgramContext *) {}

static std::vector<uint8_t> sample() { return makeImage({{"add", nothing, 128}, {"mul", nothing, 0, true, 4096}}); }

TEST(Image, RoundTrip) {
  ImageParts parts;
  parts.target = "x86-64-v3";
  parts.text.assign(5000, 0x90);
  parts.rodata.assign(10, 1);
  parts.data.assign(100, 2);
  parts.zeroBytes = 10000;
  parts.kernels = {{"k", 17, true, 64, 7}};
  std::vector<uint8_t> bytes = writeImage(parts);
  ImageView view;
  std::string why;
  ASSERT_TRUE(readImage(bytes.data(), bytes.size(), view, why)) << why;
  EXPECT_EQ(view.target, "x86-64-v3");
  ASSERT_EQ(view.kernels.size(), 1u);
  EXPECT_EQ(view.kernels[0].name, "k");
  EXPECT_EQ(view.kernels[0].entry.entry, 17u);
  EXPECT_EQ(view.kernels[0].entry.flags, 1u);
  EXPECT_EQ(view.header.textBytes, 8192u);
  EXPECT_EQ(view.load[8192], 1);
  EXPECT_EQ(view.load[8192 + 4096], 2);
  EXPECT_GE(view.header.memoryBytes, 8192u + 4096 + 100 + 10000);
  EXPECT_EQ(view.find("none"), nullptr);
}

TEST(Image, EveryTruncationIsRefused) {
  std::vector<uint8_t> bytes = sample();
  for (size_t n = 0; n < bytes.size(); n += n < 400 ? 1 : 97) {
    std::vector<uint8_t> cut(bytes.begin(), bytes.begin() + n); // own allocation: a read past the end is seen by ASan
    ImageView view;
    std::string why;
    EXPECT_FALSE(readImage(cut.data(), cut.size(), view, why)) << n;
    EXPECT_FALSE(why.empty());
  }
  bytes.push_back(0);
  ImageView view;
  std::string why;
  EXPECT_FALSE(readImage(bytes.data(), bytes.size(), view, why));
}

TEST(Image, EveryDamagedByteIsRefused) {
  std::vector<uint8_t> bytes = sample();
  for (size_t i = 0; i < bytes.size(); i += i < 400 ? 1 : 53) {
    bytes[i] ^= 0x41;
    ImageView view;
    std::string why;
    EXPECT_FALSE(readImage(bytes.data(), bytes.size(), view, why)) << i;
    bytes[i] ^= 0x41;
  }
}

// Damage with a checksum that fits: the reader has to check every field by itself.
TEST(Image, HostileFieldsNeverCrash) {
  std::vector<uint8_t> good = sample();
  std::mt19937_64 random(7);
  size_t table = sizeof(ImageHeader) + 2 * sizeof(KernelEntry);
  const uint64_t nasty[] = {0,        1,     4095,         4096,       good.size(),
                            1u << 30, ~0ull, ~0ull - 4095, 1ull << 63, 0x7fffffffffffffffull};
  int refused = 0;
  for (int round = 0; round < 20000; ++round) {
    std::vector<uint8_t> bytes = good;
    for (int n = 1 + random() % 3; n > 0; --n) {
      size_t at = 8 + random() % (table - 16);
      uint64_t value = random() % 2 ? nasty[random() % 10] : random();
      std::memcpy(&bytes[at & ~3ull], &value, random() % 2 ? 8 : 4);
    }
    uint64_t sum = imageChecksum(bytes.data(), bytes.size());
    std::memcpy(&bytes[offsetof(ImageHeader, checksum)], &sum, 8);
    ImageView view;
    std::string why;
    if (!readImage(bytes.data(), bytes.size(), view, why)) {
      ++refused;
      continue;
    }
    for (const ImageKernel &k : view.kernels) { // what was accepted is safe to touch
      EXPECT_LT(k.entry.entry, view.header.textBytes);
      EXPECT_FALSE(std::string(k.name).empty());
    }
    EXPECT_LE(view.load + view.header.textBytes + view.header.rodataBytes + view.header.dataBytes,
              bytes.data() + bytes.size());
  }
  EXPECT_GT(refused, 10000);
}

TEST(Processor, Targets) {
  std::string why;
  EXPECT_TRUE(processorRuns(hostTarget(), why)) << why;
  EXPECT_TRUE(processorRuns("x86-64-v1", why));
  EXPECT_FALSE(processorRuns("x86-64-v9", why));
  EXPECT_FALSE(processorRuns("sm_90", why));
  EXPECT_FALSE(processorRuns("", why));
  EXPECT_FALSE(processorRuns("x86-64-v1:quantum+", why));
  EXPECT_NE(why.find("quantum"), std::string::npos);
  EXPECT_TRUE(processorRuns("x86-64-v1:quantum-", why));
  EXPECT_FALSE(processorRuns("x86-64-v1:", why));
  EXPECT_FALSE(processorRuns("x86-64-v1:quantum", why));
  if (processorLevel() < 4) {
    EXPECT_FALSE(processorRuns("x86-64-v4", why));
    EXPECT_NE(why.find("x86-64-v4"), std::string::npos);
  }
}

// The driver streams past the cache what is larger than it; the kernel's figure for one cache, not for all of a package, counts.
TEST(Processor, LastLevelCacheIsOneCache) {
  unsigned long largest = 0;
  for (int i = 0; i < 8; ++i) {
    std::ifstream file("/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(i) + "/size");
    unsigned long amount = 0;
    char unit = 0;
    if (file >> amount >> unit)
      largest = std::max(largest, amount << (unit == 'M' ? 20 : 10));
  }
  if (largest == 0)
    GTEST_SKIP() << "the system does not describe its caches";
  EXPECT_EQ(lastLevelCacheBytes(), largest);
}

TEST_F(DriverTest, RefusesWithAReason) {
  tsr_module *m = nullptr;
  std::vector<uint8_t> bytes = sample();
  EXPECT_EQ(driver->module_load(&sink.table, device, {bytes.data(), 100}, &m), TSR_E_BAD_ARTIFACT);
  EXPECT_EQ(driver->module_load(&sink.table, device, {bytes.data(), bytes.size() - 1}, &m), TSR_E_BAD_ARTIFACT);
  EXPECT_EQ(driver->module_load(&sink.table, device, {"ELF", 3}, &m), TSR_E_BAD_ARTIFACT);
  std::vector<uint8_t> other = makeImage({{"k", nothing}}, "x86-64-v1:quantum+");
  EXPECT_EQ(driver->module_load(&sink.table, device, {other.data(), other.size()}, &m), TSR_E_BAD_ARTIFACT);
  ASSERT_EQ(sink.errors.size(), 4u);
  EXPECT_NE(sink.errors[1].find("truncated"), std::string::npos);
  EXPECT_NE(sink.errors[3].find("quantum"), std::string::npos);
}
