// GraphTest.cpp - captures, what is refused during one (R10), graphs
// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/nvidia/driver/DriverFixture.h"

#include <functional>
#include <thread>

using namespace tessera;
using namespace tessera::nvidia;
using namespace tessera::nvidia::test;

namespace {
struct GraphTest : DriverTest {
  void SetUp() override {
    DriverTest::SetUp();
    open();
    ASSERT_EQ(load(ptx({"add_one", "nothing"})), TSR_OK) << error();
    add = kernel("add_one", kAddOneBytes);
    data = allocate(64);
    std::memset(reinterpret_cast<void *>(data), 0, 64);
    api->event_create(device, 0, &event);
  }
  void TearDown() override {
    api->event_destroy(event);
    api->mem_free(device, nullptr, data);
    DriverTest::TearDown();
  }
  tsr_status launchAdd(tsr_stream *s, uint32_t n = 4) {
    AddOne args{data, n};
    tsr_launch l = launchOf(&args, kAddOneBytes);
    return api->launch(s, add, &l);
  }
  int value(int i = 0) const { return reinterpret_cast<int *>(data)[i]; }
  tsr_kernel *add = nullptr;
  tsr_event *event = nullptr;
  uint64_t data = 0;
};
} // namespace

TEST_F(GraphTest, CapturedKernelsBeginOneAfterTheOther) {
  tsr_kernel *nothing = kernel("nothing", 0);
  ASSERT_EQ(api->capture_begin(stream, TSR_CAPTURE_GLOBAL), TSR_OK) << error();
  tsr_launch l = launchOf(nullptr, 0);
  l.flags = TSR_LAUNCH_DEPENDENT;
  ASSERT_EQ(api->launch(stream, nothing, &l), TSR_OK) << error();
  EXPECT_FALSE(cuda->dependent);
  tsr_graph *graph = nullptr;
  ASSERT_EQ(api->capture_end(stream, &graph), TSR_OK) << error();
  EXPECT_EQ(api->graph_destroy(graph), TSR_OK);
  ASSERT_EQ(api->launch(stream, nothing, &l), TSR_OK) << error();
  EXPECT_TRUE(cuda->dependent);
}

TEST_F(GraphTest, CaptureInstantiateLaunch) {
  ASSERT_EQ(api->capture_begin(stream, TSR_CAPTURE_GLOBAL), TSR_OK) << error();
  ASSERT_EQ(launchAdd(stream), TSR_OK) << error();
  ASSERT_EQ(launchAdd(stream), TSR_OK);
  tsr_graph *graph = nullptr;
  ASSERT_EQ(api->capture_end(stream, &graph), TSR_OK) << error();
  EXPECT_EQ(value(), 0) << "captured, not run";
  tsr_gexec *exec = nullptr;
  ASSERT_EQ(api->graph_instantiate(&sink.raw, graph, &exec), TSR_OK) << error();
  EXPECT_EQ(api->graph_destroy(graph), TSR_OK) << "the executable one lives on";
  for (int i = 0; i < 3; ++i)
    ASSERT_EQ(api->graph_launch(exec, stream), TSR_OK) << error();
  ASSERT_EQ(api->stream_sync(stream), TSR_OK) << error();
  EXPECT_EQ(value(), 6);
  AddOne one{data, 1};
  tsr_launch l = launchOf(&one, kAddOneBytes);
  ASSERT_EQ(api->graph_update(exec, 1, &l), TSR_OK) << error();
  ASSERT_EQ(api->graph_launch(exec, stream), TSR_OK);
  ASSERT_EQ(api->stream_sync(stream), TSR_OK);
  EXPECT_EQ(value(0), 8);
  EXPECT_EQ(value(1), 7) << "the second launch adds to one number now";
  EXPECT_EQ(api->graph_update(exec, 2, &l), TSR_E_NOT_FOUND);
  l.grid[0] = 0;
  EXPECT_EQ(api->graph_update(exec, 0, &l), TSR_E_INVALID);
  l.grid[0] = 1;
  l.arg_bytes = 3;
  EXPECT_EQ(api->graph_update(exec, 0, &l), TSR_E_INVALID);
  EXPECT_EQ(api->gexec_destroy(exec), TSR_OK);
}

// Everything but launch, copy, fill, event_record and event_wait answers CAPTURE, and the capture survives (the fake breaks it at
// the first forbidden call).
TEST_F(GraphTest, TheCaptureSurvivesEveryRefusedCall) {
  ASSERT_EQ(api->capture_begin(stream, TSR_CAPTURE_GLOBAL), TSR_OK);
  uint64_t address = 0, n = 0;
  uint32_t blocks = 0;
  tsr_stream *s = nullptr;
  tsr_event *e = nullptr;
  tsr_module *m = nullptr;
  tsr_kernel *k = nullptr;
  tsr_graph *g = nullptr;
  tsr_launch l = launchOf(nullptr, 0);
  std::string text = ptx({"nothing"});
  std::vector<std::pair<const char *, std::function<tsr_status()>>> calls = {
      {"mem_alloc", [&] { return api->mem_alloc(device, nullptr, 8, 0, 0, &address); }},
      {"mem_alloc on it", [&] { return api->mem_alloc(device, stream, 8, 0, 0, &address); }},
      {"mem_free", [&] { return api->mem_free(device, nullptr, data); }},
      {"mem_free on it", [&] { return api->mem_free(device, stream, data); }},
      {"stream_create", [&] { return api->stream_create(device, 0, 0, &s); }},
      {"stream_sync", [&] { return api->stream_sync(stream); }},
      {"stream_query", [&] { return api->stream_query(stream); }},
      {"module_load", [&] { return api->module_load(&sink.raw, device, {text.data(), text.size()}, &m); }},
      {"kernel_get", [&] { return api->kernel_get(module, &info, &k); }},
      {"event_create", [&] { return api->event_create(device, 0, &e); }},
      {"occupancy", [&] { return api->occupancy(add, &l, &blocks); }},
      {"descriptor_encode", [&] { return api->descriptor_encode(device, nullptr, 0, nullptr, 0, &n); }},
      {"capture_begin", [&] { return api->capture_begin(stream, 0); }},
  };
  for (auto &[name, call] : calls)
    EXPECT_EQ(call(), TSR_E_CAPTURE) << name;
  ASSERT_EQ(api->event_record(event, stream), TSR_OK);
  EXPECT_EQ(api->event_query(event), TSR_E_CAPTURE);
  EXPECT_EQ(api->event_elapsed_ns(event, event, &n), TSR_E_CAPTURE);
  ASSERT_EQ(launchAdd(stream), TSR_OK);
  ASSERT_EQ(api->fill(stream, data, 0, 4, 16), TSR_OK);
  ASSERT_EQ(api->capture_end(stream, &g), TSR_OK) << error();
  EXPECT_EQ(api->stream_sync(stream), TSR_OK);
  EXPECT_EQ(api->event_query(event), TSR_E_CAPTURE) << "it was last recorded in a capture";
  ASSERT_EQ(api->event_record(event, stream), TSR_OK);
  EXPECT_EQ(api->event_query(event), TSR_OK);
  api->graph_destroy(g);
}

TEST_F(GraphTest, ModesSayWhoIsRefused) {
  uint64_t address = 0;
  auto fromAnotherThread = [&] {
    tsr_status s = TSR_OK;
    std::thread([&] {
      s = api->mem_alloc(device, nullptr, 8, 0, 0, &address);
      if (s == TSR_OK)
        s = api->mem_free(device, nullptr, address);
    }).join();
    return s;
  };
  tsr_graph *g = nullptr;
  ASSERT_EQ(api->capture_begin(stream, TSR_CAPTURE_GLOBAL), TSR_OK);
  EXPECT_EQ(fromAnotherThread(), TSR_E_CAPTURE);
  ASSERT_EQ(api->capture_end(stream, &g), TSR_OK);
  api->graph_destroy(g);
  ASSERT_EQ(api->capture_begin(stream, TSR_CAPTURE_THREAD), TSR_OK);
  EXPECT_EQ(api->mem_alloc(device, nullptr, 8, 0, 0, &address), TSR_E_CAPTURE);
  EXPECT_EQ(fromAnotherThread(), TSR_OK) << error();
  ASSERT_EQ(api->capture_end(stream, &g), TSR_OK);
  api->graph_destroy(g);
  ASSERT_EQ(api->capture_begin(stream, TSR_CAPTURE_RELAXED), TSR_OK);
  EXPECT_EQ(api->mem_alloc(device, nullptr, 8, 0, 0, &address), TSR_OK) << error();
  EXPECT_EQ(api->mem_free(device, nullptr, address), TSR_OK);
  EXPECT_EQ(api->stream_sync(stream), TSR_E_CAPTURE) << "the stream itself, always";
  ASSERT_EQ(api->capture_end(stream, &g), TSR_OK);
  api->graph_destroy(g);
  EXPECT_EQ(api->capture_begin(stream, 3), TSR_E_TOO_NEW);
}

TEST_F(GraphTest, AnotherStreamJoinsByAnEvent) {
  tsr_stream *other = nullptr;
  tsr_event *back = nullptr;
  ASSERT_EQ(api->stream_create(device, 0, 0, &other), TSR_OK);
  ASSERT_EQ(api->event_create(device, 0, &back), TSR_OK);
  ASSERT_EQ(api->capture_begin(stream, TSR_CAPTURE_GLOBAL), TSR_OK);
  ASSERT_EQ(launchAdd(stream), TSR_OK);
  ASSERT_EQ(api->event_record(event, stream), TSR_OK);
  ASSERT_EQ(api->event_wait(other, event), TSR_OK);
  ASSERT_EQ(launchAdd(other), TSR_OK) << error();
  EXPECT_EQ(api->stream_sync(other), TSR_E_CAPTURE);
  tsr_graph *g = nullptr;
  EXPECT_EQ(api->capture_end(other, &g), TSR_E_INVALID);
  ASSERT_EQ(api->event_record(back, other), TSR_OK);
  ASSERT_EQ(api->event_wait(stream, back), TSR_OK);
  ASSERT_EQ(api->capture_end(stream, &g), TSR_OK) << error();
  EXPECT_EQ(api->stream_sync(other), TSR_OK) << "free again";
  tsr_gexec *exec = nullptr;
  ASSERT_EQ(api->graph_instantiate(&sink.raw, g, &exec), TSR_OK);
  ASSERT_EQ(api->graph_launch(exec, stream), TSR_OK);
  ASSERT_EQ(api->stream_sync(stream), TSR_OK);
  EXPECT_EQ(value(), 2);
  api->gexec_destroy(exec);
  api->graph_destroy(g);
  api->event_destroy(back);
  api->stream_destroy(other);
}

TEST_F(GraphTest, ACaptureOfAFrameworkIsSeen) {
  uint64_t native = 0;
  ASSERT_EQ(api->native(stream, TSR_NATIVE_STREAM, &native), TSR_OK);
  tsr_stream *wrapped = nullptr;
  ASSERT_EQ(api->stream_wrap(device, native, &wrapped), TSR_OK);
  ASSERT_EQ(api->capture_begin(stream, TSR_CAPTURE_RELAXED), TSR_OK); // the framework's, as `wrapped` sees it
  EXPECT_EQ(api->stream_sync(wrapped), TSR_E_CAPTURE);
  EXPECT_EQ(api->stream_query(wrapped), TSR_E_CAPTURE);
  ASSERT_EQ(launchAdd(wrapped), TSR_OK) << error();
  // A module can be loaded while somebody else captures: it does not break it.
  std::string text = ptx({"nothing"});
  tsr_module *m = nullptr;
  ASSERT_EQ(api->module_load(&sink.raw, device, {text.data(), text.size()}, &m), TSR_OK) << error();
  EXPECT_EQ(api->module_unload(m), TSR_OK);
  tsr_graph *g = nullptr;
  ASSERT_EQ(api->capture_end(stream, &g), TSR_OK) << error();
  api->graph_destroy(g);
  api->stream_destroy(wrapped);
}

TEST_F(GraphTest, ABrokenCaptureLeavesTheStreamUsable) {
  ASSERT_EQ(api->capture_begin(stream, TSR_CAPTURE_GLOBAL), TSR_OK);
  cuda->failOnce["cuLaunchKernelEx"] = 900;
  EXPECT_EQ(launchAdd(stream), TSR_E_CAPTURE);
  tsr_graph *g = nullptr;
  ASSERT_EQ(api->capture_end(stream, &g), TSR_OK);
  api->graph_destroy(g);
  EXPECT_EQ(api->capture_end(stream, &g), TSR_E_INVALID);
  EXPECT_EQ(launchAdd(stream), TSR_OK);
  EXPECT_EQ(api->stream_sync(stream), TSR_OK);
  EXPECT_EQ(value(), 1);
}

TEST_F(GraphTest, AStreamMayEndInTheMiddleOfACapture) {
  tsr_stream *other = nullptr;
  ASSERT_EQ(api->stream_create(device, 0, 0, &other), TSR_OK);
  ASSERT_EQ(api->capture_begin(other, TSR_CAPTURE_GLOBAL), TSR_OK);
  ASSERT_EQ(launchAdd(other), TSR_OK);
  EXPECT_EQ(api->stream_destroy(other), TSR_OK);
  uint64_t address = allocate(8); // nothing is refused any more
  EXPECT_EQ(api->mem_free(device, nullptr, address), TSR_OK);
  EXPECT_EQ(launchAdd(stream), TSR_OK) << error();
  EXPECT_EQ(api->stream_sync(stream), TSR_OK);
}

TEST_F(GraphTest, TheLegacyStreamCannotBeCaptured) {
  tsr_stream *legacy = nullptr;
  ASSERT_EQ(api->stream_wrap(device, 0, &legacy), TSR_OK);
  EXPECT_EQ(api->capture_begin(legacy, 0), TSR_E_UNSUPPORTED);
  api->stream_destroy(legacy);
}
