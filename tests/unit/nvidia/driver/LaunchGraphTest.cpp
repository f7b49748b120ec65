// LaunchGraphTest.cpp - launches by graphs of one kernel: when, with which arguments, and what ends them
// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/nvidia/driver/DriverFixture.h"

using namespace tessera;
using namespace tessera::nvidia;
using namespace tessera::nvidia::test;

namespace {
struct LaunchGraphTest : DriverTest {
  void begin(const std::vector<std::pair<std::string, std::string>> &options = {}) {
    open(options);
    ASSERT_EQ(load(ptx({"add_one", "nothing", "fault", "lonely"})), TSR_OK) << error();
    add = kernel("add_one", kAddOneBytes);
    data = allocate(64);
    std::memset(reinterpret_cast<void *>(data), 0, 64);
  }
  void TearDown() override {
    if (data)
      api->mem_free(device, nullptr, data);
    DriverTest::TearDown();
  }
  // Adds 1 to n of the four numbers.
  void launchAdd(uint32_t n = 4, uint32_t x = 1) {
    AddOne args{data, n};
    tsr_launch l = launchOf(&args, kAddOneBytes, x);
    ASSERT_EQ(api->launch(stream, add, &l), TSR_OK) << error();
  }
  unsigned calls(const char *function) { return cuda->calls[function]; }
  int value(int i) {
    EXPECT_EQ(api->stream_sync(stream), TSR_OK) << error();
    return reinterpret_cast<int *>(data)[i];
  }
  tsr_kernel *add = nullptr;
  uint64_t data = 0;
};
} // namespace

// The device is looked at behind launches 1 and 5, 37 and 41; then a kernel is launched fifteen times before it has a graph.
constexpr int kLaunchesBefore = 55;

TEST_F(LaunchGraphTest, ADeviceThatIsFoundToWaitTwice) {
  begin();
  for (int i = 0; i < kLaunchesBefore; ++i)
    launchAdd();
  EXPECT_EQ(calls("cuGraphLaunch"), 0u);
  EXPECT_EQ(calls("cuEventQuery"), 2u);
  for (int i = 0; i < 100; ++i)
    launchAdd();
  EXPECT_EQ(calls("cuGraphLaunch"), 100u);
  EXPECT_EQ(calls("cuLaunchKernelEx"), unsigned(kLaunchesBefore));
  EXPECT_EQ(calls("cuGraphExecKernelNodeSetParams"), 0u) << "nothing changed";
  EXPECT_EQ(value(0), kLaunchesBefore + 100);
  EXPECT_EQ(value(3), kLaunchesBefore + 100);
}

TEST_F(LaunchGraphTest, ADeviceThatIsBehind) {
  begin();
  cuda->hold = true;
  for (int i = 0; i < 400; ++i)
    launchAdd();
  EXPECT_EQ(calls("cuGraphLaunch"), 0u);
  EXPECT_GT(calls("cuEventQuery"), 9u);
  cuda->hold = false;
  EXPECT_EQ(value(0), 400);
  for (int i = 0; i < 150; ++i)
    launchAdd();
  unsigned before = calls("cuGraphLaunch");
  EXPECT_GT(before, 0u);
  cuda->hold = true;
  for (int i = 0; i < 3 * 132; ++i)
    launchAdd();
  EXPECT_EQ(calls("cuGraphLaunch"), before + 3 * 131)
      << "three looks in a row may be a burst; each has one launch the other way";
  for (int i = 0; i < 2 * 132; ++i)
    launchAdd();
  before = calls("cuGraphLaunch");
  for (int i = 0; i < 132; ++i)
    launchAdd();
  EXPECT_EQ(calls("cuGraphLaunch"), before) << "four are not";
  cuda->hold = false;
  EXPECT_EQ(value(0), 400 + 150 + 6 * 132);
}

// Functions of one module that touch nothing.
TEST_F(LaunchGraphTest, GraphsThatAreNotUsedMakeRoom) {
  open({});
  std::vector<std::string> names;
  for (int i = 0; i < 200; ++i)
    names.push_back("nothing" + std::to_string(i));
  ASSERT_EQ(load(ptx(names)), TSR_OK) << error();
  std::vector<tsr_kernel *> kernels;
  for (const std::string &name : names)
    kernels.push_back(kernel(name.c_str()));
  auto launchEach = [&](int from, int to, int times) {
    for (int k = from; k < to; ++k)
      for (int i = 0; i < times; ++i)
        ASSERT_EQ(launch(kernels[k]), TSR_OK) << error();
  };
  launchEach(0, 1, 41); // the device is found to wait
  launchEach(0, 140, 16);
  EXPECT_EQ(cuda->liveGraphs, 128u);
  const unsigned made = calls("cuGraphInstantiateWithFlags");
  launchEach(0, 140, 10);
  EXPECT_EQ(calls("cuGraphInstantiateWithFlags"), made) << "all that have one are in use";
  launchEach(150, 151, 5000);
  EXPECT_EQ(cuda->liveGraphs, 128u);
  EXPECT_EQ(calls("cuGraphInstantiateWithFlags"), made + 1);
  launchEach(151, 200, 16);
  EXPECT_EQ(cuda->liveGraphs, 128u);
  EXPECT_EQ(calls("cuGraphInstantiateWithFlags"), made + 50);
}

// The graph's call takes 0.2 ms more, then no longer.
TEST_F(LaunchGraphTest, ADriverWhoseGraphsAreSlow) {
  begin();
  cuda->slow["cuGraphLaunch"] = std::chrono::microseconds(200);
  for (int i = 0; i < kLaunchesBefore + 9 * 132; ++i)
    launchAdd();
  unsigned before = calls("cuGraphLaunch");
  EXPECT_GT(before, 900u);
  for (int i = 0; i < 1000; ++i)
    launchAdd();
  EXPECT_EQ(calls("cuGraphLaunch"), before);
  cuda->slow.clear();
  for (int i = 0; i < 2000; ++i)
    launchAdd();
  EXPECT_GT(calls("cuGraphLaunch"), before) << "tried again";
  EXPECT_EQ(value(0), kLaunchesBefore + 9 * 132 + 3000);
}

TEST_F(LaunchGraphTest, ArgumentsAndGridsOfEachLaunch) {
  begin({{"launch_graphs", "always"}});
  for (uint32_t i = 0; i < 40; ++i)
    launchAdd(1 + i % 4);
  EXPECT_EQ(calls("cuGraphLaunch"), 40u);
  EXPECT_EQ(calls("cuGraphExecKernelNodeSetParams"), 39u);
  launchAdd(4, 2);
  launchAdd(4, 2);
  EXPECT_EQ(calls("cuGraphExecKernelNodeSetParams"), 40u) << "the grid, once";
  EXPECT_EQ(value(0), 42);
  EXPECT_EQ(value(1), 32);
  EXPECT_EQ(value(2), 22);
  EXPECT_EQ(value(3), 12);
}

TEST_F(LaunchGraphTest, NeverAndWhatIsNoPolicy) {
  begin({{"launch_graphs", "never"}});
  for (int i = 0; i < 200; ++i)
    launchAdd();
  EXPECT_EQ(calls("cuGraphLaunch"), 0u);
  EXPECT_EQ(calls("cuEventRecord"), 0u);
  EXPECT_EQ(value(0), 200);
  tsr_kv bad{sdk::str("launch_graphs"), sdk::str("often")};
  tsr_device *other = nullptr;
  EXPECT_EQ(api->device_open(&sink.raw, 0, &bad, 1, &other), TSR_E_INVALID);
  EXPECT_NE(error().find("'launch_graphs' is 'often', it wants never, idle or always"), std::string::npos) << error();
}

TEST_F(LaunchGraphTest, AToolThatIsInjectedSeesLaunches) {
  setenv("CUDA_INJECTION64_PATH", "/nowhere/libinjection.so", 1);
  begin();
  unsetenv("CUDA_INJECTION64_PATH");
  for (int i = 0; i < 200; ++i)
    launchAdd();
  EXPECT_EQ(calls("cuGraphLaunch"), 0u);
}

TEST_F(LaunchGraphTest, CapturesGetKernels) {
  begin({{"launch_graphs", "always"}});
  launchAdd();
  tsr_stream *wrapped = nullptr;
  uint64_t native = 0;
  ASSERT_EQ(api->native(stream, TSR_NATIVE_STREAM, &native), TSR_OK);
  ASSERT_EQ(api->stream_wrap(device, native, &wrapped), TSR_OK) << error();
  ASSERT_EQ(api->capture_begin(stream, TSR_CAPTURE_GLOBAL), TSR_OK) << error();
  launchAdd();
  AddOne args{data, 4};
  tsr_launch l = launchOf(&args, kAddOneBytes);
  EXPECT_EQ(api->launch(wrapped, add, &l), TSR_OK) << "a framework's capture: " << error();
  tsr_graph *graph = nullptr;
  ASSERT_EQ(api->capture_end(stream, &graph), TSR_OK) << error();
  EXPECT_EQ(calls("cuGraphLaunch"), 1u);
  EXPECT_EQ(calls("cuLaunchKernelEx"), 2u);
  EXPECT_EQ(value(0), 1);
  EXPECT_EQ(api->graph_destroy(graph), TSR_OK);
  EXPECT_EQ(api->stream_destroy(wrapped), TSR_OK);
}

TEST_F(LaunchGraphTest, GraphsGoWithTheModule) {
  begin({{"launch_graphs", "always"}});
  launchAdd();
  EXPECT_EQ(cuda->liveGraphs, 1u);
  EXPECT_EQ(value(0), 1);
  EXPECT_EQ(api->module_unload(module), TSR_OK);
  EXPECT_EQ(cuda->liveGraphs, 0u);
  ASSERT_EQ(load(ptx({"add_one"})), TSR_OK);
  add = kernel("add_one", kAddOneBytes);
  launchAdd();
  EXPECT_EQ(value(0), 2);
}

TEST_F(LaunchGraphTest, ADriverThatRefuses) {
  for (const char *function :
       {"cuGraphInstantiateWithFlags", "cuGraphAddKernelNode", "cuGraphExecKernelNodeSetParams", "cuGraphLaunch"}) {
    begin({{"launch_graphs", "always"}});
    launchAdd();
    cuda->failOnce[function] = 2; // CUDA_ERROR_OUT_OF_MEMORY
    if (std::string(function).find("Params") == std::string::npos &&
        std::string(function).find("Launch") == std::string::npos) {
      EXPECT_EQ(api->module_unload(module), TSR_OK);
      ASSERT_EQ(load(ptx({"add_one"})), TSR_OK);
      add = kernel("add_one", kAddOneBytes);
    }
    for (uint32_t i = 0; i < 5; ++i)
      launchAdd(1 + i % 2);
    EXPECT_EQ(calls("cuGraphLaunch"), std::string(function) == "cuGraphLaunch" ? 2u : 1u) << function;
    EXPECT_TRUE(cuda->failOnce.empty()) << function;
    EXPECT_EQ(value(0), 6) << function;
    EXPECT_EQ(value(1), 3) << function;
    api->mem_free(device, nullptr, data);
    close();
    EXPECT_EQ(cuda->liveGraphs, 0u) << function;
    data = 0;
    restart();
  }
}

TEST_F(LaunchGraphTest, WhatAGraphCannotStandFor) {
  begin({{"launch_graphs", "always"}});
  tsr_kernel *meets = kernel("nothing", 0, TSR_LAUNCH_COOPERATIVE);
  EXPECT_EQ(launch(meets), TSR_OK) << error();
  EXPECT_EQ(calls("cuGraphLaunch"), 0u);
  EXPECT_TRUE(cuda->cooperative);
}

TEST_F(LaunchGraphTest, AFaultNamesTheKernel) {
  begin({{"launch_graphs", "always"}});
  tsr_kernel *faulty = kernel("fault");
  EXPECT_EQ(launch(faulty), TSR_OK) << error();
  EXPECT_EQ(calls("cuGraphLaunch"), 1u);
  EXPECT_EQ(api->stream_sync(stream), TSR_E_LAUNCH_FAILED);
  EXPECT_NE(error().find("'fault'"), std::string::npos) << error();
  data = 0; // went with the context
}
