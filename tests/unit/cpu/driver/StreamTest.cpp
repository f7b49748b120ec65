// StreamTest.cpp - streams, events, memory of the CPU driver
//
// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/cpu/driver/DriverFixture.h"

#include <atomic>
#include <numeric>
#include <thread>

using namespace tessera::cpu;
using namespace tessera::cpu::test;

static void append(const void *args, const ProgramContext *) {
  auto *list = argument<std::vector<std::thread::id>>(args);
  list->push_back(std::this_thread::get_id());
}
static void failNow(const void *, const ProgramContext *c) {
  c->services->assertFailed(c->services->user, "no", 2, c->program);
}

class StreamTest : public DriverTest, public ::testing::WithParamInterface<uint32_t> {
protected:
  tsr_stream *stream = nullptr;
  void SetUp() override {
    DriverTest::SetUp();
    ASSERT_EQ(driver->stream_create(device, 0, GetParam(), &stream), TSR_OK);
  }
  void TearDown() override {
    EXPECT_EQ(driver->stream_destroy(stream), TSR_OK);
    DriverTest::TearDown();
  }
};
INSTANTIATE_TEST_SUITE_P(Kinds, StreamTest, ::testing::Values(0u, TSR_STREAM_QUEUE));

TEST_P(StreamTest, RunsInOrderOnTheRightThread) {
  tsr_kernel *k = kernel({"append", append});
  std::vector<std::thread::id> seen;
  for (int i = 0; i < 100; ++i)
    ASSERT_EQ(launch(stream, k, 1, 1, 1, &seen), TSR_OK);
  ASSERT_EQ(driver->stream_sync(stream), TSR_OK);
  EXPECT_EQ(driver->stream_query(stream), TSR_OK);
  ASSERT_EQ(seen.size(), 100u);
  for (auto id : seen)
    EXPECT_EQ(id == std::this_thread::get_id(), GetParam() == 0);
}

TEST_P(StreamTest, TheFirstFailureSticks) {
  tsr_kernel *bad = kernel({"bad", failNow}), *good = kernel({"append", append});
  std::vector<std::thread::id> seen;
  launch(stream, bad, 1, 1, 1, nullptr);
  EXPECT_EQ(driver->stream_sync(stream), TSR_E_ASSERT);
  EXPECT_NE(error().find("`bad`"), std::string::npos);
  EXPECT_EQ(launch(stream, good, 1, 1, 1, &seen), TSR_E_ASSERT);
  EXPECT_EQ(driver->stream_query(stream), TSR_E_ASSERT);
  EXPECT_EQ(driver->stream_sync(stream), TSR_E_ASSERT);
  EXPECT_TRUE(seen.empty());
  EXPECT_EQ(launch(nullptr, good, 1, 1, 1, &seen), TSR_OK); // other streams go on
}

TEST_P(StreamTest, CopiesAndFills) {
  uint64_t a = 0, b = 0;
  constexpr uint64_t bytes = 9u << 20;
  ASSERT_EQ(driver->mem_alloc(device, stream, bytes, 0, TSR_MEM_DEVICE, &a), TSR_OK);
  ASSERT_EQ(driver->mem_alloc(device, nullptr, bytes, 4096, TSR_MEM_PINNED, &b), TSR_OK);
  EXPECT_EQ(a % 256, 0u);
  EXPECT_EQ(b % 4096, 0u);
  ASSERT_EQ(driver->fill(stream, a, 0x01020304, 4, bytes), TSR_OK);
  ASSERT_EQ(driver->fill(stream, b, 7, 1, bytes), TSR_OK);
  tsr_copy c = {};
  c.h.size = sizeof(c);
  c.dst = b;
  c.src = a;
  c.rows = 1;
  c.row_bytes = bytes - 8;
  ASSERT_EQ(driver->copy(stream, &c), TSR_OK);
  ASSERT_EQ(driver->stream_sync(stream), TSR_OK);
  auto *words = reinterpret_cast<uint32_t *>(b);
  for (uint64_t i = 0; i < bytes / 4; ++i)
    ASSERT_EQ(words[i], i < bytes / 4 - 2 ? 0x01020304u : 0x07070707u) << i;
  EXPECT_EQ(driver->mem_free(device, stream, a), TSR_OK);
  EXPECT_EQ(driver->mem_free(device, nullptr, b), TSR_OK);
  EXPECT_EQ(driver->mem_free(device, nullptr, b), TSR_E_INVALID);
  EXPECT_EQ(driver->mem_free(device, nullptr, 0), TSR_OK);
}

TEST_P(StreamTest, CopiesWithPitch) {
  std::vector<uint8_t> from(64), to(64, 0xff);
  std::iota(from.begin(), from.end(), 0);
  tsr_copy c = {};
  c.h.size = sizeof(c);
  c.dst = reinterpret_cast<uint64_t>(to.data());
  c.src = reinterpret_cast<uint64_t>(from.data());
  c.rows = 3;
  c.row_bytes = 4;
  c.dst_pitch = 5;
  c.src_pitch = 16;
  ASSERT_EQ(driver->copy(stream, &c), TSR_OK);
  ASSERT_EQ(driver->stream_sync(stream), TSR_OK);
  EXPECT_EQ(std::vector<uint8_t>(to.begin(), to.begin() + 15),
            (std::vector<uint8_t>{0, 1, 2, 3, 255, 16, 17, 18, 19, 255, 32, 33, 34, 35, 255}));
  c.dst_pitch = 3;
  EXPECT_EQ(driver->copy(stream, &c), TSR_E_INVALID);
  EXPECT_EQ(driver->fill(stream, c.dst, 0, 3, 6), TSR_E_INVALID);
  EXPECT_EQ(driver->fill(stream, c.dst, 0, 4, 6), TSR_E_INVALID);
}

static void sleepABit(const void *, const ProgramContext *) {
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
}

TEST_P(StreamTest, EventsOrderAndTime) {
  tsr_event *start, *stop;
  tsr_stream *other;
  ASSERT_EQ(driver->event_create(device, 0, &start), TSR_OK);
  ASSERT_EQ(driver->event_create(device, 0, &stop), TSR_OK);
  ASSERT_EQ(driver->stream_create(device, 0, TSR_STREAM_QUEUE, &other), TSR_OK);
  uint64_t ns = 0;
  EXPECT_EQ(driver->event_query(start), TSR_OK); // nothing recorded, nothing to wait for
  EXPECT_EQ(driver->event_elapsed_ns(start, stop, &ns), TSR_E_INVALID);
  tsr_kernel *nap = kernel({"nap", sleepABit}), *k = kernel({"append", append});
  std::vector<std::thread::id> seen;
  driver->event_record(start, stream);
  launch(stream, nap, 1, 1, 1, nullptr);
  launch(stream, k, 1, 1, 1, &seen);
  driver->event_record(stop, stream);
  driver->event_wait(other, stop);
  launch(other, k, 1, 1, 1, &seen); // the vector is not locked: only the event orders these two
  ASSERT_EQ(driver->stream_sync(other), TSR_OK);
  EXPECT_EQ(driver->event_query(stop), TSR_OK);
  EXPECT_EQ(seen.size(), 2u);
  ASSERT_EQ(driver->event_elapsed_ns(start, stop, &ns), TSR_OK);
  EXPECT_GE(ns, 19'000'000u);
  EXPECT_LT(ns, 5'000'000'000u);
  driver->event_record(stop, other);
  EXPECT_EQ(driver->event_destroy(stop), TSR_OK); // maybe still queued
  EXPECT_EQ(driver->event_destroy(start), TSR_OK);
  EXPECT_EQ(driver->event_destroy(nullptr), TSR_OK);
  EXPECT_EQ(driver->stream_destroy(other), TSR_OK);
}

static void addOne(const void *args, const ProgramContext *) { argument<std::atomic<uint64_t>>(args)->fetch_add(1); }

// Many threads, each with a stream of its own, on one device and one kernel.
TEST_P(StreamTest, ManyThreadsLaunch) {
  tsr_kernel *k = kernel({"add", addOne});
  std::atomic<uint64_t> sum{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      tsr_stream *mine;
      ASSERT_EQ(driver->stream_create(device, 0, GetParam(), &mine), TSR_OK);
      for (int i = 0; i < 100; ++i)
        EXPECT_EQ(launch(mine, k, i % 3 == 0 ? 1 : 100 + t, 1, 1, &sum), TSR_OK);
      EXPECT_EQ(driver->stream_sync(mine), TSR_OK);
      EXPECT_EQ(driver->stream_destroy(mine), TSR_OK);
    });
  uint64_t expected = 0;
  for (int t = 0; t < 8; ++t)
    for (int i = 0; i < 100; ++i)
      expected += i % 3 == 0 ? 1 : 100 + t;
  for (auto &t : threads)
    t.join();
  EXPECT_EQ(sum.load(), expected);
}

TEST_F(DriverTest, OptionsAndAllocationLimits) {
  tsr_device *d = nullptr;
  tsr_kv bad = {{"threads", 7}, {"many", 4}}, unknown = {{"colour", 6}, {"red", 3}};
  EXPECT_EQ(driver->device_open(&sink.table, 0, &bad, 1, &d), TSR_E_INVALID);
  EXPECT_EQ(driver->device_open(&sink.table, 1, nullptr, 0, &d), TSR_E_NOT_FOUND);
  ASSERT_EQ(driver->device_open(&sink.table, 0, &unknown, 1, &d), TSR_OK);
  EXPECT_EQ(sink.warnings.size(), 1u);
  EXPECT_EQ(driver->device_close(d), TSR_OK);
  uint64_t address = 1;
  EXPECT_EQ(driver->mem_alloc(device, nullptr, uint64_t(1) << 60, 0, TSR_MEM_DEVICE, &address), TSR_E_OOM_DEVICE);
  EXPECT_EQ(driver->mem_alloc(device, nullptr, 8, 24, TSR_MEM_DEVICE, &address), TSR_E_INVALID);
  EXPECT_EQ(driver->mem_alloc(device, nullptr, 8, 0, TSR_MEM_HOST, &address), TSR_E_INVALID);
  EXPECT_EQ(driver->mem_alloc(device, nullptr, 0, 0, TSR_MEM_DEVICE, &address), TSR_OK);
  EXPECT_EQ(address, 0u);
  tsr_device_info info = {};
  info.h.size = sizeof(info);
  ASSERT_EQ(driver->device_info(0, &info), TSR_OK);
  EXPECT_EQ(std::string(info.target.p, 8), "x86-64-v");
  EXPECT_GT(info.units, 0u);
  EXPECT_EQ(driver->device_info(1, &info), TSR_E_NOT_FOUND);
}
