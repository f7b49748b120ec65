// StreamTest.cpp - streams of ours and of others, events
// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/nvidia/driver/DriverFixture.h"

using namespace tessera;
using namespace tessera::nvidia;
using namespace tessera::nvidia::test;

namespace {
struct StreamTest : DriverTest {
  void SetUp() override {
    DriverTest::SetUp();
    open();
    ASSERT_EQ(load(ptx({"add_one", "nothing"})), TSR_OK) << error();
    data = allocate(64);
    std::memset(reinterpret_cast<void *>(data), 0, 64);
  }
  void TearDown() override {
    api->mem_free(device, nullptr, data);
    DriverTest::TearDown();
  }
  tsr_status add(tsr_stream *s) {
    AddOne args{data, 4};
    tsr_launch l = launchOf(&args, kAddOneBytes);
    return api->launch(s, kernel("add_one", kAddOneBytes), &l);
  }
  int value() const { return *reinterpret_cast<int *>(data); }
  uint64_t data = 0;
};
} // namespace

TEST_F(StreamTest, WorkIsAsynchronous) {
  cuda->hold = true;
  ASSERT_EQ(add(stream), TSR_OK) << error();
  EXPECT_EQ(api->stream_query(stream), TSR_NOT_READY);
  EXPECT_EQ(value(), 0);
  EXPECT_EQ(api->stream_sync(stream), TSR_OK);
  EXPECT_EQ(value(), 1);
  EXPECT_EQ(api->stream_query(stream), TSR_OK);
}

TEST_F(StreamTest, DestroyingAStreamWaitsForIt) {
  tsr_stream *other = nullptr;
  ASSERT_EQ(api->stream_create(device, -100, 0, &other), TSR_OK);
  EXPECT_EQ(cuda->priority, -5) << "clamped to what the device has";
  ASSERT_EQ(add(other), TSR_OK);
  EXPECT_EQ(api->stream_destroy(other), TSR_OK);
  EXPECT_EQ(value(), 1);
  EXPECT_EQ(api->stream_create(device, 0, 64, &other), TSR_E_TOO_NEW);
}

TEST_F(StreamTest, StreamsOfOthersAreLeftAlone) {
  uint64_t native = 0;
  ASSERT_EQ(api->native(stream, TSR_NATIVE_STREAM, &native), TSR_OK);
  tsr_stream *wrapped = nullptr;
  ASSERT_EQ(api->stream_wrap(device, native, &wrapped), TSR_OK) << error();
  ASSERT_EQ(add(wrapped), TSR_OK);
  uint64_t again = 0;
  EXPECT_EQ(api->native(wrapped, TSR_NATIVE_STREAM, &again), TSR_OK);
  EXPECT_EQ(again, native);
  EXPECT_EQ(api->stream_sync(wrapped), TSR_OK);
  EXPECT_EQ(value(), 1);
  unsigned alive = cuda->liveStreams;
  EXPECT_EQ(api->stream_destroy(wrapped), TSR_OK);
  EXPECT_EQ(cuda->liveStreams, alive);
}

TEST_F(StreamTest, TheDefaultStreams) {
  for (uint64_t native : {0, 1, 2}) {
    tsr_stream *wrapped = nullptr;
    ASSERT_EQ(api->stream_wrap(device, native, &wrapped), TSR_OK) << error();
    ASSERT_EQ(add(wrapped), TSR_OK) << error();
    EXPECT_EQ(api->stream_sync(wrapped), TSR_OK);
    uint64_t again = 7;
    EXPECT_EQ(api->native(wrapped, TSR_NATIVE_STREAM, &again), TSR_OK);
    EXPECT_EQ(again, native);
    EXPECT_EQ(api->stream_destroy(wrapped), TSR_OK);
  }
  EXPECT_EQ(value(), 3);
}

TEST_F(StreamTest, AStreamOfAnotherDeviceIsRefused) {
  cuda->devices = 2;
  tsr_device *second = nullptr;
  tsr_stream *theirs = nullptr, *wrapped = nullptr;
  ASSERT_EQ(api->device_open(&sink.raw, 1, nullptr, 0, &second), TSR_OK);
  ASSERT_EQ(api->stream_create(second, 0, 0, &theirs), TSR_OK);
  uint64_t native = 0;
  api->native(theirs, TSR_NATIVE_STREAM, &native);
  EXPECT_EQ(api->stream_wrap(device, native, &wrapped), TSR_E_INVALID);
  EXPECT_NE(error().find("another device or context"), std::string::npos);
  api->stream_destroy(theirs);
  api->device_close(second);
}

TEST_F(StreamTest, EventsOrderAndTime) {
  tsr_event *start = nullptr, *stop = nullptr;
  ASSERT_EQ(api->event_create(device, 0, &start), TSR_OK);
  ASSERT_EQ(api->event_create(device, 0, &stop), TSR_OK);
  EXPECT_EQ(api->event_create(device, 8, &stop), TSR_E_TOO_NEW);
  EXPECT_EQ(api->event_query(start), TSR_OK) << "never recorded: nothing to wait for";
  uint64_t ns = 0;
  EXPECT_EQ(api->event_elapsed_ns(start, stop, &ns), TSR_E_INVALID);
  tsr_stream *other = nullptr;
  ASSERT_EQ(api->stream_create(device, 0, 0, &other), TSR_OK);
  ASSERT_EQ(api->event_record(start, stream), TSR_OK);
  ASSERT_EQ(add(stream), TSR_OK);
  ASSERT_EQ(api->event_record(stop, stream), TSR_OK);
  ASSERT_EQ(api->event_wait(other, stop), TSR_OK);
  cuda->hold = true;
  EXPECT_EQ(api->event_query(stop), TSR_NOT_READY);
  EXPECT_EQ(api->event_elapsed_ns(start, stop, &ns), TSR_E_INVALID);
  EXPECT_NE(error().find("has not happened yet"), std::string::npos);
  cuda->hold = false;
  EXPECT_EQ(api->stream_sync(other), TSR_OK);
  EXPECT_EQ(value(), 1) << "the other stream waited for the event";
  EXPECT_EQ(api->event_query(stop), TSR_OK);
  EXPECT_EQ(api->event_elapsed_ns(start, stop, &ns), TSR_OK);
  EXPECT_EQ(ns, 1500000u);
  EXPECT_EQ(api->event_elapsed_ns(stop, start, &ns), TSR_OK);
  EXPECT_EQ(ns, 0u);
  api->event_destroy(start);
  api->event_destroy(stop);
  api->stream_destroy(other);
}
