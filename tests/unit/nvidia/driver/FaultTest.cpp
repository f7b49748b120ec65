// FaultTest.cpp - kernels that fault: the name, the lost device, the way back
// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/nvidia/driver/DriverFixture.h"

#include <functional>

using namespace tessera;
using namespace tessera::nvidia;
using namespace tessera::nvidia::test;

namespace {
struct FaultTest : DriverTest {
  void SetUp() override {
    DriverTest::SetUp();
    begin();
  }
  void begin() {
    open();
    ASSERT_EQ(load(ptx({"fault", "nothing", "add_one"})), TSR_OK) << error();
  }
  tsr_kernel *known = nullptr;
};
bool has(const std::string &text, const char *part) { return text.find(part) != std::string::npos; }
} // namespace

TEST_F(FaultTest, TheKernelIsNamedAndTheDeviceLost) {
  ASSERT_EQ(launch(kernel("nothing")), TSR_OK);
  ASSERT_EQ(api->stream_sync(stream), TSR_OK);
  ASSERT_EQ(launch(kernel("fault")), TSR_OK) << "the fault comes later";
  uint64_t kept = allocate(64);
  EXPECT_EQ(api->stream_sync(stream), TSR_E_LAUNCH_FAILED);
  EXPECT_TRUE(has(error(), "kernel 'fault' failed: what the driver says (CUDA_ERROR_ILLEGAL_ADDRESS); NVIDIA device 0 "
                           "(Fake H200) is lost: close it and open it again"))
      << error();
  EXPECT_EQ(api->stream_sync(stream), TSR_E_LAUNCH_FAILED) << "sticky on its stream";
  EXPECT_EQ(api->stream_query(stream), TSR_E_LAUNCH_FAILED);
  uint64_t address = 0;
  EXPECT_EQ(api->mem_alloc(device, nullptr, 64, 0, TSR_MEM_DEVICE, &address), TSR_E_DEVICE_LOST);
  EXPECT_TRUE(has(error(), "is lost since kernel 'fault' failed")) << error();
  tsr_stream *other = nullptr;
  EXPECT_EQ(api->stream_create(device, 0, 0, &other), TSR_E_DEVICE_LOST);
  EXPECT_EQ(api->mem_free(device, nullptr, kept), TSR_OK) << "cleaning up goes through";
}

TEST_F(FaultTest, ReopeningMakesAFreshDevice) {
  ASSERT_EQ(launch(kernel("fault")), TSR_OK);
  EXPECT_EQ(api->stream_sync(stream), TSR_E_LAUNCH_FAILED);
  close();
  begin();
  EXPECT_EQ(launch(kernel("nothing")), TSR_OK) << error();
  EXPECT_EQ(api->stream_sync(stream), TSR_OK) << error();
}

// As CUDA's manual has it of most faults: the process gets no device any more. It is told so, and what to do.
TEST_F(FaultTest, AFaultThatStaysEndsInAnAdvice) {
  cuda->faultsStay = true;
  ASSERT_EQ(launch(kernel("fault")), TSR_OK);
  EXPECT_EQ(api->stream_sync(stream), TSR_E_LAUNCH_FAILED);
  close();
  tsr_device *again = nullptr;
  EXPECT_EQ(api->device_open(nullptr, 0, nullptr, 0, &again), TSR_E_DEVICE_LOST);
  EXPECT_EQ(again, nullptr);
  EXPECT_TRUE(has(error(), "a kernel of this process took its context down")) << error();
  EXPECT_TRUE(has(error(), "start the process again")) << error();
  EXPECT_EQ(cuda->contextsAlive, 0u);
}

// A framework in the same process holds the primary context, too: closing does not end it.
TEST_F(FaultTest, AContextThatSomebodyElseHoldsIsReset) {
  void *address = nullptr, *context = nullptr;
  auto find =
      reinterpret_cast<int (*)(const char *, void **, int, uint64_t, int *)>(dlsym(library(), "cuGetProcAddress_v2"));
  find("cuDevicePrimaryCtxRetain", &address, 12000, 0, nullptr);
  reinterpret_cast<int (*)(void **, int)>(address)(&context, 0);
  ASSERT_EQ(launch(kernel("fault")), TSR_OK);
  EXPECT_EQ(api->stream_sync(stream), TSR_E_LAUNCH_FAILED);
  close();
  EXPECT_EQ(cuda->contextsAlive, 1u);
  begin();
  EXPECT_EQ(cuda->calls["cuDevicePrimaryCtxReset"], 1u);
  EXPECT_EQ(launch(kernel("nothing")), TSR_OK) << error();
  EXPECT_EQ(api->stream_sync(stream), TSR_OK) << error();
  close();
  find("cuDevicePrimaryCtxRelease", &address, 12000, 0, nullptr);
  reinterpret_cast<int (*)(int)>(address)(0);
}

TEST_F(FaultTest, SeveralSuspectsAreAllNamed) {
  ASSERT_EQ(launch(kernel("nothing")), TSR_OK);
  ASSERT_EQ(launch(kernel("fault")), TSR_OK);
  EXPECT_EQ(api->stream_sync(stream), TSR_E_LAUNCH_FAILED);
  EXPECT_TRUE(has(error(), "one of the kernels 'fault', 'nothing' (the latest first) failed")) << error();
}

TEST_F(FaultTest, AStreamThatRanNothingNamesTheOtherStreamsKernels) {
  ASSERT_EQ(launch(kernel("fault")), TSR_OK);
  cuda->hold = true;
  tsr_stream *other = nullptr;
  ASSERT_EQ(api->stream_create(device, 0, 0, &other), TSR_OK);
  cuda->failOnce["cuStreamSynchronize"] = 700;
  EXPECT_EQ(api->stream_sync(other), TSR_E_LAUNCH_FAILED);
  EXPECT_TRUE(has(error(), "kernel 'fault' failed")) << error();
  EXPECT_EQ(api->stream_sync(stream), TSR_E_DEVICE_LOST);
  api->stream_destroy(other);
}

TEST_F(FaultTest, FailingHardwareIsNoKernelsFault) {
  ASSERT_EQ(launch(kernel("nothing")), TSR_OK);
  cuda->failOnce["cuStreamSynchronize"] = 214;
  EXPECT_EQ(api->stream_sync(stream), TSR_E_DEVICE_LOST);
  EXPECT_TRUE(has(error(), "the hardware or its driver failed")) << error();
}

TEST_F(FaultTest, EveryCallSeesTheFault) {
  // Whichever call meets it first: the status is a kernel's failure, and the name is there.
  struct {
    const char *entry;
    std::function<tsr_status()> call;
  } calls[] = {
      {"cuStreamQuery", [&] { return api->stream_query(stream); }},
      {"cuLaunchKernelEx", [&] { return launch(known); }},
      {"cuMemsetD8Async", [&] { return api->fill(stream, 4096, 0, 1, 8); }},
      {"cuMemAllocFromPoolAsync",
       [&] {
         uint64_t address = 0;
         return api->mem_alloc(device, stream, 8, 0, TSR_MEM_DEVICE, &address);
       }},
  };
  for (auto &c : calls) {
    known = kernel("nothing");
    ASSERT_EQ(launch(known), TSR_OK) << error();
    cuda->failOnce[c.entry] = 716;
    EXPECT_EQ(c.call(), TSR_E_LAUNCH_FAILED) << c.entry;
    EXPECT_TRUE(has(error(), "kernel 'nothing' failed")) << c.entry << ": " << error();
    close();
    begin();
  }
}
