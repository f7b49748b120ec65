// MessagesTest.cpp - prints and assertions through the ring
// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/nvidia/driver/DriverFixture.h"

#include <algorithm>

using namespace tessera;
using namespace tessera::nvidia;
using namespace tessera::nvidia::test;

namespace {
struct MessagesTest : DriverTest {
  void begin(const std::vector<std::string> &kernels, std::vector<std::pair<std::string, std::string>> options = {}) {
    open(std::move(options));
    ASSERT_EQ(load(ptx(kernels, messages())), TSR_OK) << error();
  }
  void drain() { ASSERT_EQ(api->drain_messages(device, &sink.raw), TSR_OK) << error(); }
};
} // namespace

TEST_F(MessagesTest, PrintsArriveAsLines) {
  begin({"print_two"});
  ASSERT_EQ(launch(kernel("print_two")), TSR_OK) << error();
  ASSERT_EQ(api->stream_sync(stream), TSR_OK) << error();
  drain();
  EXPECT_EQ(sink.prints, "pid (1, 0, 0) idx ( 3) x: -5\npid (0, 0, 0) k.py\n");
  sink.prints.clear();
  drain();
  EXPECT_EQ(sink.prints, "");
}

TEST_F(MessagesTest, ModulesWithoutMessagesMakeNoRing) {
  open();
  ASSERT_EQ(load(ptx({"nothing"})), TSR_OK);
  EXPECT_EQ(launch(kernel("nothing")), TSR_OK);
  drain();
  EXPECT_EQ(cuda->calls["cuMemHostAlloc"], 0u);
}

TEST_F(MessagesTest, TheRingGoesRound) {
  begin({"print_many"}, {{"message_bytes", "4096"}}); // 512 words, 73 messages of 7
  tsr_kernel *k = kernel("print_many", 4);
  for (int round = 0; round < 20; ++round) {
    uint32_t n = 50;
    ASSERT_EQ(launch(k, &n, 4), TSR_OK) << error();
    ASSERT_EQ(api->stream_sync(stream), TSR_OK);
  }
  drain();
  EXPECT_EQ(std::count(sink.prints.begin(), sink.prints.end(), '\n'), 1000);
  EXPECT_EQ(sink.notes, std::vector<std::string>());
}

TEST_F(MessagesTest, WhatFindsNoRoomIsCounted) {
  begin({"print_many"}, {{"message_bytes", "4096"}});
  uint32_t n = 100;
  ASSERT_EQ(launch(kernel("print_many", 4), &n, 4), TSR_OK);
  ASSERT_EQ(api->stream_sync(stream), TSR_OK);
  drain();
  EXPECT_EQ(std::count(sink.prints.begin(), sink.prints.end(), '\n'), 73);
  ASSERT_EQ(sink.notes.size(), 1u);
  EXPECT_NE(sink.notes[0].find("27 messages of kernels were lost"), std::string::npos) << sink.notes[0];
}

TEST_F(MessagesTest, AnAssertionThatEndsItsThreadLeavesTheDeviceUsable) {
  begin({"soft_assert", "nothing"});
  ASSERT_EQ(launch(kernel("soft_assert")), TSR_OK);
  EXPECT_EQ(api->stream_sync(stream), TSR_E_ASSERT);
  EXPECT_NE(error().find("kernel 'trap_assert', program (1, 2, 3), at k.py:7: assertion failed: x > 0"),
            std::string::npos)
      << error();
  EXPECT_EQ(api->stream_sync(stream), TSR_E_ASSERT) << "sticky";
  EXPECT_EQ(launch(kernel("nothing")), TSR_E_ASSERT);
  drain();
  ASSERT_EQ(sink.errors.size(), 1u);
  EXPECT_EQ(sink.file, "k.py");
  EXPECT_EQ(sink.line, 7u);
  tsr_stream *fresh = nullptr;
  ASSERT_EQ(api->stream_create(device, 0, 0, &fresh), TSR_OK) << error();
  tsr_launch l = launchOf(nullptr, 0);
  EXPECT_EQ(api->launch(fresh, kernel("nothing"), &l), TSR_OK);
  EXPECT_EQ(api->stream_sync(fresh), TSR_OK) << error();
  api->stream_destroy(fresh);
}

TEST_F(MessagesTest, AnAssertionThatTrapsIsReadableAfterwards) {
  begin({"trap_assert"});
  ASSERT_EQ(launch(kernel("trap_assert")), TSR_OK);
  EXPECT_EQ(api->stream_sync(stream), TSR_E_ASSERT);
  EXPECT_NE(error().find("at k.py:7: assertion failed: x > 0; NVIDIA device 0 (Fake H200) is lost"), std::string::npos)
      << error();
  drain();
  ASSERT_EQ(sink.errors.size(), 1u);
}

TEST_F(MessagesTest, AMessageThatATrapCutShortHidesNoOther) {
  begin({"torn_print"});
  ASSERT_EQ(launch(kernel("torn_print")), TSR_OK);
  EXPECT_EQ(api->stream_sync(stream), TSR_E_LAUNCH_FAILED);
  drain();
  EXPECT_EQ(sink.prints, "pid (1, 0, 0) idx ( 4) x: -5\n");
}

TEST_F(MessagesTest, AModuleThatIsGoneHasItsMessagesRead) {
  begin({"print_two"});
  ASSERT_EQ(launch(kernel("print_two")), TSR_OK);
  ASSERT_EQ(api->stream_sync(stream), TSR_OK);
  ASSERT_EQ(api->module_unload(module), TSR_OK);
  module = nullptr;
  drain();
  EXPECT_EQ(std::count(sink.prints.begin(), sink.prints.end(), '\n'), 2);
}

TEST_F(MessagesTest, AMalformedPortIsRefused) {
  open();
  EXPECT_EQ(load(ptx({"nothing"}, messages() + "// short_port\n")), TSR_E_BAD_ARTIFACT);
  module = nullptr;
}
