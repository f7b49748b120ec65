// LaunchTest.cpp - loading, kernels, limits, attributes, descriptors, occupancy, cost
// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/nvidia/driver/DriverFixture.h"
#include "tests/unit/nvidia/fake_cuda/Cubin.h"

#include <chrono>
#include <thread>

using namespace tessera;
using namespace tessera::nvidia;
using namespace tessera::nvidia::test;

namespace {
struct LaunchTest : DriverTest {
  void SetUp() override {
    DriverTest::SetUp();
    open();
  }
  void expectLoad(const std::string &bytes, tsr_status status, const char *part) {
    sink.errors.clear();
    EXPECT_EQ(load(bytes), status);
    ASSERT_EQ(sink.errors.size(), 1u);
    EXPECT_NE(sink.errors[0].find(part), std::string::npos) << sink.errors[0];
    module = nullptr;
  }
};
} // namespace

TEST_F(LaunchTest, ArtifactsThatAreNone) {
  expectLoad("", TSR_E_BAD_ARTIFACT, "it is empty");
  expectLoad("garbage", TSR_E_BAD_ARTIFACT, "neither machine code nor PTX");
  expectLoad(fake_cuda::cubin(90, 8).substr(0, 120), TSR_E_BAD_ARTIFACT, "cut short");
  EXPECT_EQ(cuda->calls["cuModuleLoadDataEx"], 0u) << "the driver must not see them";
}

TEST_F(LaunchTest, ArtifactsOfAnotherDevice) {
  expectLoad(fake_cuda::cubin(80, 8), TSR_E_BAD_ARTIFACT,
             "machine code for sm_80, NVIDIA device 0 (Fake H200) is sm_90a: compile for --target=sm_90a");
  std::string newer = ptx({"nothing"});
  newer.replace(newer.find("sm_80"), 5, "sm_100");
  expectLoad(newer, TSR_E_BAD_ARTIFACT, "PTX for sm_100");
  std::string other = ptx({"nothing"});
  other.replace(other.find("sm_80"), 5, "sm_80a");
  expectLoad(other, TSR_E_BAD_ARTIFACT, "PTX for sm_80a");
  // Not seen before the driver: its word.
  cuda->failOnce["cuModuleLoadDataEx"] = 209;
  expectLoad(fake_cuda::cubin(90, 7), TSR_E_BAD_ARTIFACT, "CUDA_ERROR_NO_BINARY_FOR_GPU");
}

TEST_F(LaunchTest, MachineCodeLoadsFromAnyAddress) {
  std::string bytes = fake_cuda::cubin(90, 8);
  for (size_t shift : {0, 1, 4, 8}) {
    std::string room(shift, ' ');
    room += bytes;
    ASSERT_EQ(api->module_load(&sink.raw, device, {room.data() + shift, bytes.size()}, &module), TSR_OK) << error();
    EXPECT_NE(kernel("nothing"), nullptr);
    EXPECT_EQ(api->module_unload(module), TSR_OK);
    module = nullptr;
  }
}

TEST_F(LaunchTest, TheCompilersLogIsTheDiagnostic) {
  cuda->failOnce["cuModuleLoadDataEx"] = 218;
  cuda->jitLog = "\nptxas application ptx input, line 7; fatal   : Parsing error near '.huh'\nptxas fatal : aborted\n";
  expectLoad(ptx({"nothing"}), TSR_E_BAD_ARTIFACT, "line 7; fatal");
  ASSERT_EQ(sink.notes.size(), 1u);
  EXPECT_NE(sink.notes[0].find("ptxas fatal : aborted"), std::string::npos);
  cuda->failOnce["cuModuleLoadDataEx"] = 222;
  expectLoad(ptx({"nothing"}), TSR_E_BAD_ARTIFACT, "the PTX is newer than this driver (CUDA 13.0): update the driver");
  cuda->failOnce["cuModuleLoadDataEx"] = 221;
  expectLoad(ptx({"nothing"}), TSR_E_UNAVAILABLE, "compile to machine code instead");
  cuda->failOnce["cuModuleLoadDataEx"] = 2;
  expectLoad(ptx({"nothing"}), TSR_E_OOM_DEVICE, "free some memory");
}

TEST_F(LaunchTest, KernelsAreCheckedWhenTheyAreFound) {
  ASSERT_EQ(load(ptx({"add_one", "wide", "nothing"})), TSR_OK) << error();
  auto get = [&](const char *name, uint32_t argBytes, uint32_t threads, uint64_t shared, uint32_t flags = 0) {
    tsr_kernel_info i{};
    i.h.size = sizeof i;
    i.name = sdk::str(name);
    i.arg_bytes = argBytes;
    i.block[0] = threads;
    i.block[1] = i.block[2] = 1;
    i.smem_dynamic = shared;
    i.flags = flags;
    tsr_kernel *k = nullptr;
    return api->kernel_get(module, &i, &k);
  };
  EXPECT_EQ(get("absent", 0, 32, 0), TSR_E_NOT_FOUND);
  EXPECT_EQ(get("add_one", 8, 32, 0), TSR_E_BAD_ARTIFACT);
  EXPECT_NE(error().find("reads 12 bytes of arguments, its facts say 8"), std::string::npos) << error();
  EXPECT_EQ(get("wide", 0, 512, 0), TSR_E_UNSUPPORTED);
  EXPECT_NE(error().find("with 255 registers each, 256 are the most"), std::string::npos) << error();
  EXPECT_EQ(get("nothing", 0, 128, 232448), TSR_E_UNSUPPORTED);
  EXPECT_NE(error().find("needs 233472 bytes of shared memory (1024 static, 232448 dynamic)"), std::string::npos);
  EXPECT_EQ(get("nothing", 0, 128, 0, 0x80), TSR_E_TOO_NEW);
  EXPECT_EQ(get("nothing", 0, 128, 200000), TSR_OK) << error();
  EXPECT_EQ(cuda->dynamicShared, 200000);
  cuda->missing = {};
}

TEST_F(LaunchTest, LaunchesBeyondTheLimits) {
  ASSERT_EQ(load(ptx({"add_one", "nothing", "lonely"})), TSR_OK);
  tsr_kernel *k = kernel("nothing");
  auto with = [&](auto change) {
    tsr_launch l = launchOf(nullptr, 0);
    change(l);
    return api->launch(stream, k, &l);
  };
  EXPECT_EQ(with([](tsr_launch &l) { l.grid[1] = 65536; }), TSR_E_INVALID);
  EXPECT_NE(error().find("a grid of (1, 65536, 1); the most is (2147483647, 65535, 65535)"), std::string::npos);
  EXPECT_EQ(with([](tsr_launch &l) { l.block[0] = 1025; }), TSR_E_INVALID);
  EXPECT_EQ(with([](tsr_launch &l) { l.block[0] = 0; }), TSR_E_INVALID);
  EXPECT_EQ(with([](tsr_launch &l) { l.smem_dynamic = 240000; }), TSR_E_INVALID);
  EXPECT_EQ(with([](tsr_launch &l) { l.arg_bytes = 4; }), TSR_E_INVALID);
  EXPECT_EQ(with([](tsr_launch &l) { l.flags = 64; }), TSR_E_TOO_NEW);
  EXPECT_EQ(cuda->calls["cuLaunchKernelEx"], 0u);
  EXPECT_EQ(with([](tsr_launch &l) { l.grid[2] = 0; }), TSR_OK) << "an empty grid launches nothing";
  EXPECT_EQ(cuda->calls["cuLaunchKernelEx"], 0u);
  EXPECT_EQ(launch(kernel("lonely")), TSR_E_LAUNCH_FAILED);
  EXPECT_NE(error().find("kernel 'lonely' could not start"), std::string::npos) << error();
  EXPECT_NE(error().find("128 threads with 32 registers each, 1024 bytes of shared memory"), std::string::npos);
  EXPECT_EQ(api->stream_sync(stream), TSR_OK) << "nothing ran: the device is well";
}

TEST_F(LaunchTest, ClustersCooperationAndEarlyStarts) {
  ASSERT_EQ(load(ptx({"nothing"})), TSR_OK);
  tsr_kernel *plain = kernel("nothing");
  EXPECT_EQ(launch(plain), TSR_OK);
  EXPECT_EQ(cuda->launchAttributes, 0u);
  tsr_launch l = launchOf(nullptr, 0, 8);
  l.cluster[0] = 2;
  l.cluster[1] = l.cluster[2] = 1;
  l.flags = TSR_LAUNCH_COOPERATIVE;
  l.smem_dynamic = 100000;
  EXPECT_EQ(api->launch(stream, plain, &l), TSR_OK) << error();
  EXPECT_EQ(cuda->launchAttributes, 2u);
  EXPECT_EQ(cuda->cluster[0], 2u);
  EXPECT_TRUE(cuda->cooperative);
  EXPECT_FALSE(cuda->dependent);
  EXPECT_EQ(cuda->dynamicShared, 100000) << "asked for before the launch";
  EXPECT_EQ(launch(kernel("nothing", 0, TSR_LAUNCH_DEPENDENT)), TSR_OK);
  EXPECT_TRUE(cuda->dependent) << "the kernel's own flag";
  close();
  cuda->capabilityMajor = 8;
  cuda->attributes[120] = cuda->attributes[95] = 0;
  restart();
  cuda->capabilityMajor = 8;
  cuda->attributes[120] = cuda->attributes[95] = 0;
  open();
  ASSERT_EQ(load(ptx({"nothing"})), TSR_OK) << error();
  EXPECT_EQ(launch(kernel("nothing", 0, TSR_LAUNCH_DEPENDENT)), TSR_OK);
  EXPECT_FALSE(cuda->dependent) << "nothing starts early before 9.0";
  tsr_kernel *k = nullptr;
  info.flags = TSR_LAUNCH_COOPERATIVE;
  EXPECT_EQ(api->kernel_get(module, &info, &k), TSR_E_UNSUPPORTED);
  info.flags = 0;
  info.cluster[0] = 2;
  info.cluster[1] = info.cluster[2] = 1;
  EXPECT_EQ(api->kernel_get(module, &info, &k), TSR_E_UNSUPPORTED);
}

TEST_F(LaunchTest, Occupancy) {
  ASSERT_EQ(load(ptx({"nothing"})), TSR_OK);
  tsr_kernel *k = kernel("nothing");
  tsr_launch l = launchOf(nullptr, 0);
  uint32_t n = 0;
  EXPECT_EQ(api->occupancy(k, &l, &n), TSR_OK);
  EXPECT_EQ(n, 16u);
  l.cluster[0] = 2;
  l.cluster[1] = l.cluster[2] = 1;
  EXPECT_EQ(api->occupancy(k, &l, &n), TSR_OK);
  EXPECT_EQ(n, 2u) << "132 clusters of two on 132 units";
}

namespace {
struct DescriptorTest : LaunchTest {
  std::map<std::string, std::string> fields{{"address", "0x10000"}, {"dtype", "24"},  {"shape", "100,64"},
                                            {"strides", "128"},     {"box", "16,64"}, {"swizzle", "128"}};
  tsr_status encode(uint64_t room = 128) {
    std::vector<tsr_kv> kv;
    for (auto &[key, value] : fields)
      kv.push_back({sdk::str(key), sdk::str(value)});
    bytes.assign(128, 0);
    return api->descriptor_encode(device, kv.data(), static_cast<uint32_t>(kv.size()), bytes.data(), room, &length);
  }
  std::vector<unsigned char> bytes;
  uint64_t length = 0;
};
} // namespace

TEST_F(DescriptorTest, FieldsArriveInnermostFirst) {
  ASSERT_EQ(encode(), TSR_OK) << error();
  EXPECT_EQ(length, 128u);
  EXPECT_EQ(cuda->tensorType, 6);
  EXPECT_EQ(cuda->tensorRank, 2u);
  EXPECT_EQ(cuda->tensorShape[0], 64u);
  EXPECT_EQ(cuda->tensorShape[1], 100u);
  EXPECT_EQ(cuda->tensorStrides[0], 128u);
  EXPECT_EQ(cuda->tensorBox[0], 64u);
  EXPECT_EQ(cuda->tensorBox[1], 16u);
  EXPECT_EQ(cuda->tensorSwizzle, 3);
  EXPECT_EQ(cuda->tensorFill, 0);
  uint64_t address = 0;
  std::memcpy(&address, bytes.data(), 8);
  EXPECT_EQ(address, 0x10000u);
  fields["padding"] = "nan";
  ASSERT_EQ(encode(), TSR_OK);
  EXPECT_EQ(cuda->tensorFill, 1);
  EXPECT_EQ(encode(100), TSR_E_INVALID);
  EXPECT_EQ(length, 128u) << "says what it needs";
}

TEST_F(DescriptorTest, WhatTheHardwareCannotDoIsSaid) {
  auto refused = [&](const char *key, const char *value, const char *part) {
    auto saved = fields;
    fields[key] = value;
    EXPECT_EQ(encode(), TSR_E_INVALID) << key;
    EXPECT_NE(error().find(part), std::string::npos) << error();
    fields = saved;
  };
  refused("address", "0x10008", "multiple of 16");
  refused("address", "12z", "wants numbers");
  refused("dtype", "99", "element type 99");
  refused("strides", "100", "a stride of 100 bytes");
  refused("strides", "128,128", "one less");
  refused("box", "300,64", "a box of 300");
  refused("box", "16,4", "8 bytes along the last dim");
  refused("swizzle", "32", "more than the swizzle's 32");
  refused("swizzle", "48", "a swizzle of 48");
  refused("shape", "0,64", "an extent of 0");
  refused("padding", "one", "'zero' or 'nan'");
  refused("colour", "red", "field 'colour' is unknown");
  fields["dtype"] = "4";
  fields["swizzle"] = "0";
  refused("padding", "nan", "floating-point");
  fields = {{"address", "64"}, {"dtype", "26"}, {"shape", "1000"}, {"box", "32"}};
  EXPECT_EQ(encode(), TSR_OK) << error();
}

TEST_F(DescriptorTest, AnOlderDeviceHasNone) {
  close();
  restart();
  cuda->attributes[127] = 0;
  open();
  EXPECT_EQ(encode(), TSR_E_UNSUPPORTED);
}

// The host's own cost of a launch: everything but the vendor's call. Printed, not judged: the machine may be busy.
TEST_F(LaunchTest, OwnCostOfALaunch) {
  ASSERT_EQ(load(ptx({"add_one"})), TSR_OK);
  tsr_kernel *k = kernel("add_one", kAddOneBytes);
  AddOne args{0, 0};
  tsr_launch l = launchOf(&args, kAddOneBytes);
  cuda->instant = true;
  constexpr int kRounds = 20000;
  auto best = std::chrono::nanoseconds::max();
  for (int repeat = 0; repeat < 5; ++repeat) {
    auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < kRounds; ++i)
      api->launch(stream, k, &l);
    best =
        std::min(best, std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - start));
  }
  double each = static_cast<double>(best.count()) / kRounds;
  RecordProperty("ns", std::to_string(each));
  std::printf("a launch, the fake driver's call included: %.0f ns\n", each);
  EXPECT_EQ(cuda->instantLaunches, 5u * kRounds);
}

// Two streams from two threads: run under the thread sanitizer.
TEST_F(LaunchTest, ThreadsOnTheirOwnStreams) {
  ASSERT_EQ(load(ptx({"nothing", "add_one"})), TSR_OK);
  tsr_kernel *k = kernel("nothing");
  auto work = [&] {
    tsr_stream *s = nullptr;
    EXPECT_EQ(api->stream_create(device, 0, 0, &s), TSR_OK);
    for (int i = 0; i < 200; ++i) {
      tsr_launch l = launchOf(nullptr, 0);
      EXPECT_EQ(api->launch(s, k, &l), TSR_OK);
      uint64_t address = 0;
      EXPECT_EQ(api->mem_alloc(device, s, 64, 0, TSR_MEM_DEVICE, &address), TSR_OK);
      EXPECT_EQ(api->mem_free(device, s, address), TSR_OK);
      EXPECT_EQ(api->stream_sync(s), TSR_OK);
    }
    EXPECT_EQ(api->stream_destroy(s), TSR_OK);
  };
  std::thread a(work), b(work);
  a.join();
  b.join();
}
