// MemoryTest.cpp - allocation, copies, fills
// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/nvidia/driver/DriverFixture.h"

#include <numeric>

using namespace tessera;
using namespace tessera::nvidia;
using namespace tessera::nvidia::test;

namespace {
struct MemoryTest : DriverTest {
  void SetUp() override {
    DriverTest::SetUp();
    open();
  }
  static tsr_copy copyOf(const void *to, const void *from, uint64_t rows, uint64_t bytes, uint32_t toSpace,
                         uint32_t fromSpace) {
    tsr_copy c{};
    c.h.size = sizeof c;
    c.dst = reinterpret_cast<uint64_t>(to);
    c.src = reinterpret_cast<uint64_t>(from);
    c.rows = rows;
    c.row_bytes = c.dst_pitch = c.src_pitch = bytes;
    c.dst_space = toSpace;
    c.src_space = fromSpace;
    return c;
  }
  static void *at(uint64_t address) { return reinterpret_cast<void *>(address); }
};
} // namespace

TEST_F(MemoryTest, EverySpaceAndBothOrders) {
  for (uint32_t space : {TSR_MEM_DEVICE, TSR_MEM_PINNED, TSR_MEM_MANAGED})
    for (tsr_stream *s : {static_cast<tsr_stream *>(nullptr), stream}) {
      uint64_t address = 0;
      ASSERT_EQ(api->mem_alloc(device, s, 1000, 0, space, &address), TSR_OK) << error();
      EXPECT_EQ(address % 256, 0u);
      EXPECT_EQ(api->mem_free(device, s, address), TSR_OK) << error();
      EXPECT_EQ(api->mem_free(device, s, address), TSR_E_INVALID) << "freed twice";
    }
  EXPECT_EQ(cuda->calls["cuMemAllocFromPoolAsync"], 2u);
  EXPECT_EQ(cuda->calls["cuMemAlloc"], 0u);
  EXPECT_EQ(api->mem_free(device, nullptr, 4096), TSR_E_INVALID);
  EXPECT_EQ(api->mem_free(device, nullptr, 0), TSR_OK);
  uint64_t address = 0;
  EXPECT_EQ(api->mem_alloc(device, nullptr, 8, 0, 9, &address), TSR_E_INVALID);
}

TEST_F(MemoryTest, GreatAlignment) {
  for (uint64_t align : {uint64_t(512), uint64_t(4096), uint64_t(1) << 20}) {
    uint64_t address = 0;
    ASSERT_EQ(api->mem_alloc(device, nullptr, 100, align, TSR_MEM_DEVICE, &address), TSR_OK);
    EXPECT_EQ(address % align, 0u);
    EXPECT_EQ(api->mem_free(device, nullptr, address), TSR_OK);
  }
}

TEST_F(MemoryTest, OutOfMemorySaysHowMuchThereIsAndLeavesTheDeviceWell) {
  uint64_t address = 0;
  EXPECT_EQ(api->mem_alloc(device, nullptr, cuda->memoryBytes + 1, 0, TSR_MEM_DEVICE, &address), TSR_E_OOM_DEVICE);
  EXPECT_NE(error().find("bytes are free"), std::string::npos) << error();
  EXPECT_EQ(cuda->calls["cuMemPoolTrimTo"], 1u) << "what the pool keeps must be given back first";
  EXPECT_EQ(api->mem_alloc(device, nullptr, UINT64_MAX, 4096, TSR_MEM_DEVICE, &address), TSR_E_OOM_DEVICE);
  address = allocate(64);
  EXPECT_EQ(api->mem_free(device, nullptr, address), TSR_OK);
  cuda->failOnce["cuMemAllocFromPoolAsync"] = 2; // in pieces: goes well after the trim
  address = allocate(64);
  EXPECT_EQ(api->mem_free(device, nullptr, address), TSR_OK);
}

TEST_F(MemoryTest, WithoutPoolsAllocationIsSynchronous) {
  close();
  cuda->attributes[115] = 0;
  open();
  uint64_t address = 0;
  ASSERT_EQ(api->mem_alloc(device, stream, 64, 0, TSR_MEM_DEVICE, &address), TSR_OK);
  EXPECT_EQ(api->mem_free(device, stream, address), TSR_OK);
  EXPECT_EQ(cuda->calls["cuMemAlloc"], 1u);
  EXPECT_EQ(cuda->calls["cuMemFree"], 1u);
}

TEST_F(MemoryTest, CopiesAreQueuedAndRight) {
  std::vector<int> host(1000), back(1000, -1);
  std::iota(host.begin(), host.end(), 0);
  uint64_t a = allocate(4000), b = allocate(4000);
  tsr_copy up = copyOf(at(a), host.data(), 1, 4000, TSR_MEM_DEVICE, TSR_MEM_HOST);
  tsr_copy over = copyOf(at(b), at(a), 1, 4000, TSR_MEM_DEVICE, TSR_MEM_DEVICE);
  tsr_copy down = copyOf(back.data(), at(b), 1, 4000, TSR_MEM_HOST, TSR_MEM_DEVICE);
  for (const tsr_copy *c : {&up, &over, &down})
    ASSERT_EQ(api->copy(stream, c), TSR_OK) << error();
  EXPECT_EQ(back[5], -1) << "a copy is queued";
  ASSERT_EQ(api->stream_sync(stream), TSR_OK);
  EXPECT_EQ(back, host);
  std::vector<int> other(1000);
  tsr_copy inHost = copyOf(other.data(), host.data(), 1, 4000, TSR_MEM_HOST, TSR_MEM_HOST);
  ASSERT_EQ(api->copy(stream, &inHost), TSR_OK);
  ASSERT_EQ(api->stream_sync(stream), TSR_OK);
  EXPECT_EQ(other, host);
  api->mem_free(device, nullptr, a);
  api->mem_free(device, nullptr, b);
}

TEST_F(MemoryTest, RowsAndRefusedCopies) {
  std::vector<char> host(64, 'x'), back(64, '.');
  uint64_t a = allocate(256);
  tsr_copy c = copyOf(at(a), host.data(), 4, 10, TSR_MEM_DEVICE, TSR_MEM_HOST);
  c.dst_pitch = 32;
  c.src_pitch = 16;
  ASSERT_EQ(api->copy(stream, &c), TSR_OK) << error();
  tsr_copy down = copyOf(back.data(), at(a), 4, 10, TSR_MEM_HOST, TSR_MEM_DEVICE);
  down.src_pitch = 32;
  down.dst_pitch = 12;
  ASSERT_EQ(api->copy(stream, &down), TSR_OK);
  ASSERT_EQ(api->stream_sync(stream), TSR_OK);
  EXPECT_EQ(std::string(back.data(), 24), "xxxxxxxxxx..xxxxxxxxxx..");
  EXPECT_EQ(cuda->calls["cuMemcpy2DAsync"], 2u);
  tsr_copy bad = c;
  bad.dst_pitch = 5;
  EXPECT_EQ(api->copy(stream, &bad), TSR_E_INVALID);
  bad = c;
  bad.src = 0;
  EXPECT_EQ(api->copy(stream, &bad), TSR_E_INVALID);
  bad = c;
  bad.rows = UINT64_MAX;
  EXPECT_EQ(api->copy(stream, &bad), TSR_E_INVALID);
  bad = c;
  bad.dst_space = 17;
  EXPECT_EQ(api->copy(stream, &bad), TSR_E_INVALID);
  api->mem_free(device, nullptr, a);
}

TEST_F(MemoryTest, BetweenDevices) {
  cuda->devices = 2;
  tsr_device *second = nullptr;
  ASSERT_EQ(api->device_open(&sink.raw, 1, nullptr, 0, &second), TSR_OK) << error();
  uint64_t a = allocate(64), b = 0;
  ASSERT_EQ(api->mem_alloc(second, nullptr, 64, 0, TSR_MEM_DEVICE, &b), TSR_OK);
  std::memset(at(a), 7, 64);
  tsr_copy c = copyOf(at(b), at(a), 1, 64, TSR_MEM_DEVICE, TSR_MEM_DEVICE);
  c.dst_dev = second;
  ASSERT_EQ(api->copy(stream, &c), TSR_OK) << error();
  c.rows = 2;
  c.row_bytes = 16;
  c.dst_pitch = c.src_pitch = 32;
  ASSERT_EQ(api->copy(stream, &c), TSR_OK) << error();
  ASSERT_EQ(api->stream_sync(stream), TSR_OK);
  EXPECT_EQ(std::memcmp(at(a), at(b), 64), 0);
  EXPECT_EQ(cuda->calls["cuMemcpyPeerAsync"], 1u);
  EXPECT_EQ(cuda->calls["cuMemcpy3DPeerAsync"], 1u);
  EXPECT_EQ(api->mem_free(device, nullptr, b), TSR_E_INVALID) << "memory of another device";
  api->mem_free(second, nullptr, b);
  api->mem_free(device, nullptr, a);
  EXPECT_EQ(api->device_close(second), TSR_OK);
}

TEST_F(MemoryTest, FillsOfEveryWidthAndAlignment) {
  constexpr uint64_t kBytes = 1024, kFence = 16;
  uint64_t a = allocate(kBytes + 2 * kFence + 8);
  for (uint32_t width : {1u, 2u, 4u, 8u})
    for (uint64_t pattern : {uint64_t(0), ~uint64_t(0), uint64_t(0x0102030405060708), uint64_t(0x1111222211112222)})
      for (uint64_t shift : {0, 1, 4})
        for (uint64_t bytes : {uint64_t(width), uint64_t(width) * 3, kBytes}) {
          std::memset(at(a), 0x5a, kBytes + 2 * kFence + 8);
          uint64_t to = a + kFence + shift;
          ASSERT_EQ(api->fill(stream, to, pattern, width, bytes), TSR_OK) << error();
          ASSERT_EQ(api->stream_sync(stream), TSR_OK);
          for (uint64_t i = 0; i < bytes; ++i)
            ASSERT_EQ(static_cast<unsigned char *>(at(to))[i], (pattern >> (8 * (i % width))) & 0xff)
                << width << " " << shift << " " << i;
          ASSERT_EQ(static_cast<unsigned char *>(at(to))[bytes], 0x5a);
          ASSERT_EQ(static_cast<unsigned char *>(at(to - 1))[0], 0x5a);
        }
  EXPECT_EQ(api->fill(stream, a, 0, 3, 9), TSR_E_INVALID);
  EXPECT_EQ(api->fill(stream, 0, 0, 1, 9), TSR_E_INVALID);
  api->mem_free(device, nullptr, a);
}
