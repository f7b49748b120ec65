// ProbeTest.cpp - no driver, an old one, a broken one; devices and their facts; opening
// SPDX-License-Identifier: Apache-2.0
#include "backends/nvidia/driver/Device.h"
#include "tests/unit/nvidia/driver/DriverFixture.h"

using namespace tessera;
using namespace tessera::nvidia;
using namespace tessera::nvidia::test;

namespace {
struct ProbeTest : DriverTest {
  static std::string refusal(const std::string &library = FAKE_LIBCUDA) {
    NvidiaDriver driver(library);
    try {
      driver.probe();
    } catch (const sdk::Error &e) {
      EXPECT_EQ(e.status, TSR_E_UNAVAILABLE);
      return e.message;
    }
    return "";
  }
};
bool has(const std::string &text, const char *part) { return text.find(part) != std::string::npos; }
} // namespace

TEST_F(ProbeTest, WithoutADriver) {
  EXPECT_TRUE(has(refusal("/nowhere/libcuda.so.1"), "no NVIDIA driver: /nowhere/libcuda.so.1")) << refusal("/nowhere");
  EXPECT_TRUE(has(refusal("libm.so.6"), "it is no CUDA driver library"));
}

TEST_F(ProbeTest, AnOldDriverNamesTheVersionThatIsNeeded) {
  cuda->version = 11040;
  EXPECT_TRUE(has(refusal(), "it is for CUDA 11.4, which is too old: 12.0 or later is needed")) << refusal();
  cuda->version = 12000;
  EXPECT_EQ(refusal(), "");
}

TEST_F(ProbeTest, AMissingFunctionIsNamed) {
  cuda->missing = {"cuLaunchKernelEx", "cuMemPoolCreate"};
  EXPECT_TRUE(has(refusal(), "has no cuMemPoolCreate, cuLaunchKernelEx")) << refusal();
  cuda->missing = {"cuFuncLoad", "cuFuncGetParamInfo"}; // optional
  EXPECT_EQ(refusal(), "");
}

TEST_F(ProbeTest, ADriverThatDoesNotStartSaysWhatToDo) {
  for (auto [result, part] : std::vector<std::pair<int, const char *>>{{100, "no NVIDIA device"},
                                                                       {34, "the toolkit's stub"},
                                                                       {3, "was forked"},
                                                                       {802, "fabric manager"},
                                                                       {803, "different versions"},
                                                                       {804, "forward-compatibility"},
                                                                       {999, "it does not start"}}) {
    cuda->initResult = result;
    EXPECT_TRUE(has(refusal(), part)) << result << ": " << refusal();
  }
  cuda->initResult = 0;
  cuda->devices = 0;
  EXPECT_TRUE(has(refusal(), "no NVIDIA device"));
}

TEST_F(ProbeTest, ProbeMakesNoContext) {
  uint32_t n = 0;
  cuda->devices = 3;
  ASSERT_EQ(api->probe(&n), TSR_OK);
  EXPECT_EQ(n, 3u);
  EXPECT_EQ(cuda->calls.count("cuDevicePrimaryCtxRetain"), 0u);
}

TEST_F(ProbeTest, Facts) {
  NvidiaDriver driver(FAKE_LIBCUDA);
  const sdk::DeviceInfo &d = driver.info(0);
  EXPECT_EQ(d.name, "Fake H200");
  EXPECT_EQ(d.target, "sm_90a");
  EXPECT_EQ(d.units, 132u);
  EXPECT_EQ(d.pci, uint64_t(1) << 32 | 0x1bu << 16 | 2u << 8);
  EXPECT_EQ(d.memoryBytes, cuda->memoryBytes);
  EXPECT_EQ(d.l2Bytes, 60u << 20);
  EXPECT_EQ(d.busBits, 6144u);
  EXPECT_EQ(d.memorySpaces, 7u);
  EXPECT_EQ(d.uuid[0], 0x11);
  EXPECT_THROW(driver.info(1), sdk::NotFound);
  tsr_device_info raw{};
  raw.h.size = sizeof raw;
  EXPECT_EQ(api->device_info(7, &raw), TSR_E_NOT_FOUND);
}

TEST_F(ProbeTest, ADeviceThatIsTooOldIsRefusedByName) {
  cuda->capabilityMajor = 7;
  NvidiaDriver driver(FAKE_LIBCUDA);
  sdk::Options none(nullptr, 0);
  try {
    driver.open(0, none, sdk::Sink(&sink.raw));
    FAIL();
  } catch (const sdk::Error &e) {
    EXPECT_EQ(e.status, TSR_E_UNSUPPORTED);
    EXPECT_TRUE(has(e.message, "has compute capability 7.0; 7.5 is the least")) << e.message;
  }
}

TEST_F(ProbeTest, AnExclusiveDeviceOfAnotherProcess) {
  cuda->failOnce["cuDevicePrimaryCtxRetain"] = 46;
  EXPECT_EQ(api->device_open(&sink.raw, 0, nullptr, 0, &device), TSR_E_UNAVAILABLE);
  EXPECT_TRUE(has(error(), "another process has it for itself")) << error();
  device = nullptr;
}

TEST_F(ProbeTest, OptionsAreReadAndUnknownOnesToldOf) {
  open({{"message_bytes", "100000"}, {"colour", "red"}});
  ASSERT_EQ(sink.notes.size(), 1u);
  EXPECT_TRUE(has(sink.notes[0], "option 'colour' is unknown"));
  close();
  tsr_kv bad{sdk::str("message_bytes"), sdk::str("12")};
  EXPECT_EQ(api->device_open(&sink.raw, 0, &bad, 1, &device), TSR_E_INVALID);
  device = nullptr;
}

TEST_F(ProbeTest, NoCurrentContextIsVisible) {
  open();
  void *before = nullptr;
  auto getCurrent = [&](void **out) {
    void *address = nullptr;
    auto find =
        reinterpret_cast<int (*)(const char *, void **, int, uint64_t, int *)>(dlsym(library(), "cuGetProcAddress_v2"));
    find("cuCtxGetCurrent", &address, 12000, 0, nullptr);
    reinterpret_cast<int (*)(void **)>(address)(out);
  };
  getCurrent(&before);
  EXPECT_EQ(before, nullptr);
  ASSERT_EQ(load(ptx({"nothing"})), TSR_OK) << error();
  EXPECT_EQ(launch(kernel("nothing")), TSR_OK);
  EXPECT_EQ(api->stream_sync(stream), TSR_OK);
  getCurrent(&before);
  EXPECT_EQ(before, nullptr);
}

TEST_F(ProbeTest, NativeHandles) {
  open();
  ASSERT_EQ(load(ptx({"nothing"})), TSR_OK);
  tsr_event *event = nullptr;
  ASSERT_EQ(api->event_create(device, 0, &event), TSR_OK);
  uint64_t native = 99;
  EXPECT_EQ(api->native(device, TSR_NATIVE_DEVICE, &native), TSR_OK);
  EXPECT_EQ(native, 0u);
  EXPECT_EQ(api->native(stream, TSR_NATIVE_STREAM, &native), TSR_OK);
  EXPECT_NE(native, 0u);
  EXPECT_EQ(api->native(event, TSR_NATIVE_EVENT, &native), TSR_OK);
  EXPECT_NE(native, 0u);
  EXPECT_EQ(api->native(kernel("nothing"), TSR_NATIVE_KERNEL, &native), TSR_OK);
  EXPECT_NE(native, 0u);
  EXPECT_EQ(api->native(device, 77, &native), TSR_E_INVALID);
  api->event_destroy(event);
}

TEST_F(ProbeTest, KernelsOverlapWhereCapturesTakeThem) {
  for (auto [version, overlaps] : {std::pair(12020, false), std::pair(12030, true)}) {
    cuda->version = version;
    NvidiaDriver driver(FAKE_LIBCUDA);
    ASSERT_EQ(driver.probe(), 1u);
    tsr_sink raw = {};
    std::unique_ptr<sdk::Device> opened = driver.open(0, sdk::Options(nullptr, 0), sdk::Sink(&raw));
    EXPECT_EQ(static_cast<NvidiaDevice &>(*opened).limits().overlaps, overlaps) << version;
  }
}
