// ApiTest.cpp - the C API and its C++ layer, over the CPU driver
//
// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/runtime/ApiFixture.h"

#include <atomic>
#include <cmath>
#include <functional>
#include <thread>

using namespace tessera;
using namespace tessera::test;

static void failIfNegative(const void *args, const cpu::ProgramContext *c) {
  AddArgs a;
  std::memcpy(&a, args, sizeof(a));
  if (a.n < 0)
    c->services->assertFailed(c->services->user, "n >= 0", 6, c->program);
  c->services->print(c->services->user, "checked\n", 8);
}
static void fault(const void *, const cpu::ProgramContext *) { __asm__ volatile("ud2"); }

class ApiTest : public ::testing::Test {
protected:
  Device device = Device::ofPlugin(cpuPlugin(), 0, {{"threads", "4"}});
  std::vector<uint8_t> file = makeFile(
      {addApiKernel(), {makeInfo("check", {"p", "p", "i32", "f32"}), failIfNegative}, {makeInfo("fault", {}), fault}});
  Module module{device, file.data(), file.size()};

  tsr_status statusOf(const std::function<void()> &body) {
    try {
      body();
    } catch (const Error &e) {
      message = e.message();
      diagnostics = e.diagnostics();
      return e.status();
    }
    return TSR_OK;
  }
  std::string message;
  std::vector<std::string> diagnostics;
};

TEST_F(ApiTest, RunsAKernel) {
  constexpr int n = 12345;
  std::vector<float> x(n), y(n);
  for (int i = 0; i < n; ++i)
    x[i] = static_cast<float>(i);
  for (bool own : {false, true}) {
    Stream own1(device, own ? TSR_STREAM_OWN_THREAD : 0);
    for (const Stream *stream : {static_cast<const Stream *>(nullptr), static_cast<const Stream *>(&own1)}) {
      Buffer bx(device, n * 4), by(device, n * 4);
      by.fill(0.0f, stream);
      bx.write(x.data(), n * 4, 0, stream);
      module.kernel("add").launch({(n + 99) / 100}, stream, bx, by, n, 0.5f);
      by.read(y.data(), n * 4, 0, stream);
      if (stream)
        stream->sync();
      for (int i = 0; i < n; ++i)
        ASSERT_EQ(y[i], x[i] + 0.5f) << i;
    }
  }
  Buffer wrapped = Buffer::wrap(device, x.data(), n * 4);
  module.kernel("add")({124}, wrapped, y.data(), n, 2);
  EXPECT_EQ(y[n - 1], x[n - 1] + 2);
  EXPECT_EQ(wrapped.hostPointer(), x.data());
}

TEST_F(ApiTest, DescribesItself) {
  TsrDeviceInfo info = device.info();
  EXPECT_STREQ(info.plugin, "cpu");
  EXPECT_EQ(std::string(info.target).substr(0, 8), "x86-64-v");
  EXPECT_TRUE(info.flags & TSR_DEVICE_HOST_POINTERS);
  const TsrKernelInfo &k = module.kernel("add").info();
  ASSERT_EQ(k.n_parameters, 4u);
  EXPECT_STREQ(k.parameters[3].name, "a3");
  EXPECT_EQ(k.parameters[3].offset, 20u);
  EXPECT_EQ(tsr_module_kernel_count(module.get()), 3u);
  EXPECT_EQ(tsr_module_kernel_at(module.get(), 3), nullptr);
  EXPECT_STREQ(tsr_status_name(TSR_E_ASSERT), "TSR_E_ASSERT");
  EXPECT_STREQ(tsr_status_name(-99), "TSR_E_INTERNAL");
}

TEST_F(ApiTest, BadCallsSayWhatIsWrong) {
  Kernel add = module.kernel("add");
  Buffer b(device, 400);
  EXPECT_EQ(statusOf([&] { add({-1}, b, b, 100, 1.0f); }), TSR_E_INVALID);
  EXPECT_NE(message.find("negative"), std::string::npos);
  EXPECT_EQ(statusOf([&] { add({0}, b, b, 100, 1.0f); }), TSR_OK);
  EXPECT_EQ(statusOf([&] { add({1}, b, b, 100); }), TSR_E_INVALID);
  EXPECT_NE(message.find("4 arguments"), std::string::npos);
  EXPECT_EQ(statusOf([&] { add({1}, b, b, 1.5, 1.0f); }), TSR_E_INVALID);
  EXPECT_EQ(statusOf([&] { add({1}, b, b, int64_t(1) << 40, 1.0f); }), TSR_E_INVALID);
  EXPECT_EQ(statusOf([&] { module.kernel("sub"); }), TSR_E_NOT_FOUND);
  EXPECT_NE(message.find("add, check, fault"), std::string::npos);
  EXPECT_EQ(statusOf([&] { module.kernel(); }), TSR_E_NOT_FOUND);
  EXPECT_EQ(statusOf([&] { b.write(&b, 8, 396); }), TSR_E_INVALID);
  EXPECT_NE(message.find("396"), std::string::npos);
  EXPECT_EQ(statusOf([&] { b.write(&b, ~0ull, 8); }), TSR_E_INVALID);
  EXPECT_EQ(statusOf([&] { Module(device, file.data(), file.size() - 1); }), TSR_E_BAD_ARTIFACT);
  EXPECT_EQ(statusOf([&] { Module(device, "/nonexistent.tk"); }), TSR_E_NOT_FOUND);
  auto other = makeFile({addApiKernel()}, "mock");
  EXPECT_EQ(statusOf([&] { Module(device, other.data(), other.size()); }), TSR_E_BAD_ARTIFACT);
  EXPECT_NE(message.find("mock/"), std::string::npos);
  EXPECT_EQ(statusOf([&] { Buffer(device, uint64_t(1) << 60); }), TSR_E_OOM_DEVICE);
  EXPECT_EQ(statusOf([&] { Device::ofPlugin(cpuPlugin(), 7); }), TSR_E_NOT_FOUND);
  EXPECT_EQ(statusOf([&] { Device::ofPlugin(cpuPlugin(), 0, {{"threads", "none"}}); }), TSR_E_INVALID);
  EXPECT_EQ(tsr_kernel_launch(nullptr, nullptr, nullptr, nullptr, 0), TSR_E_INVALID);
  tsr_buffer_destroy(nullptr);
  tsr_module_unload(nullptr);
  EXPECT_EQ(tsr_device_close(nullptr), TSR_OK);
}

TEST_F(ApiTest, AFailedAssertionBreaksItsStreamOnly) {
  Kernel check = module.kernel("check"), add = module.kernel("add");
  std::vector<float> x(100, 1), y(100);
  EXPECT_EQ(statusOf([&] { check({1}, x.data(), y.data(), -1, 0.0f); }), TSR_E_ASSERT);
  EXPECT_NE(message.find("`check`, program (0, 0, 0): assertion failed: n >= 0"), std::string::npos) << message;
  ASSERT_EQ(diagnostics.size(), 1u);
  add({1}, x.data(), y.data(), 100, 1.0f); // the default stream goes on
  device.sync();
  for (uint32_t flags : {0u, TSR_STREAM_OWN_THREAD}) {
    Stream s(device, flags);
    statusOf([&] { check.launch({1}, &s, x.data(), y.data(), -1, 0.0f); });
    EXPECT_EQ(statusOf([&] { s.sync(); }), TSR_E_ASSERT);
    EXPECT_NE(message.find("n >= 0"), std::string::npos) << message;
    EXPECT_EQ(statusOf([&] { add.launch({1}, &s, x.data(), y.data(), 100, 1.0f); }), TSR_E_ASSERT);
  }
  EXPECT_EQ(statusOf([&] { module.kernel("fault")({3}); }), TSR_E_LAUNCH_FAILED);
  EXPECT_NE(message.find("illegal instruction"), std::string::npos);
}

TEST_F(ApiTest, PrintsComeAtSyncs) {
  std::string text;
  device.setPrint([](void *user, const char *p, uint64_t n) { static_cast<std::string *>(user)->append(p, n); }, &text);
  module.kernel("check")({2}, nullptr, nullptr, 1, 0.0f);
  device.sync();
  EXPECT_EQ(text, "checked\nchecked\n");
}

TEST_F(ApiTest, ObjectsOutliveTheirMakers) {
  Buffer b(device, 400);
  Stream s(device);
  Event e(device), f(device);
  e.record(&s);
  device = Device::ofPlugin(cpuPlugin()); // the first one lives on in b, s, e, module
  std::vector<float> x(100, 1);
  module.kernel("add").launch({1}, &s, x.data(), b, 100, 1.0f);
  f.record(&s);
  EXPECT_GT(f.nanosecondsSince(e), 0u);
  b.read(x.data(), 400, 0, &s);
  EXPECT_EQ(x[99], 2);
  EXPECT_EQ(statusOf([&] { module.kernel("add")({1}, x.data(), Buffer(device, 400), 100, 1.0f); }), TSR_E_INVALID);
}

TEST_F(ApiTest, ManyThreads) {
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 6; ++t)
    threads.emplace_back([&, t] {
      std::vector<float> x(1000, static_cast<float>(t)), y(1000);
      Stream own(device, t % 2 ? TSR_STREAM_OWN_THREAD : 0);
      for (int i = 0; i < 100; ++i) {
        const Stream *stream = i % 3 ? &own : nullptr;
        module.kernel("add").launch({10}, stream, x.data(), y.data(), 1000, static_cast<float>(i));
        if (stream)
          stream->sync();
        wrong += y[999] != static_cast<float>(t + i);
        if (i % 10 == 0) { // errors of one thread are not seen by another
          wrong += tsr_kernel_launch(module.kernel("add").get(), nullptr, Grid(1).size, nullptr, 0) != TSR_E_INVALID;
          wrong += std::string(tsr_error_message()).find("4 arguments") == std::string::npos;
        }
      }
    });
  for (auto &t : threads)
    t.join();
  EXPECT_EQ(wrong.load(), 0);
}

// Through manifest, loader and the driver's own library.
TEST(Plugins, OpensTheDriverLibrary) {
  ASSERT_EQ(tsr_plugin_add(TESSERA_TEST_MANIFESTS "/cpu.tessera.json"), TSR_OK) << tsr_error_message();
  EXPECT_EQ(tsr_plugin_add("/nonexistent.tessera.json"), TSR_E_NOT_FOUND);
  std::vector<std::string> seen;
  ASSERT_EQ(tsr_device_list(
                [](void *user, const TsrDeviceInfo *info) {
                  static_cast<std::vector<std::string> *>(user)->push_back(info->plugin);
                  return 0;
                },
                &seen),
            TSR_OK);
  EXPECT_NE(std::find(seen.begin(), seen.end(), "cpu"), seen.end());
  Device device("cpu:0", {{"threads", "2"}});
  std::vector<uint8_t> file = makeFile({addApiKernel()});
  Module module(device, file.data(), file.size());
  std::vector<float> x(1000, 1), y(1000);
  module.kernel()({10}, x.data(), y.data(), 1000, 1.0f);
  EXPECT_EQ(y[999], 2);
  for (const char *bad : {"cpu:1", "cpu:", "cpu:x", "cqu"}) {
    TsrDevice *none = nullptr;
    EXPECT_LT(tsr_device_open(bad, nullptr, 0, &none), 0) << bad;
    EXPECT_STRNE(tsr_error_message(), "");
  }
  EXPECT_NE(std::string(tsr_error_message()).find("did you mean `cpu`"), std::string::npos) << tsr_error_message();
}

TEST(Plugins, OptionsOfDevicesFromTheEnvironment) {
  ASSERT_EQ(tsr_plugin_add(TESSERA_TEST_MANIFESTS "/cpu.tessera.json"), TSR_OK) << tsr_error_message();
  auto open = [](const char *text, std::vector<TsrOption> options = {}) {
    setenv("TESSERA_DEVICE_OPTIONS", text, 1);
    TsrDevice *device = nullptr;
    tsr_status status = tsr_device_open("cpu:0", options.data(), static_cast<uint32_t>(options.size()), &device);
    unsetenv("TESSERA_DEVICE_OPTIONS");
    if (device)
      EXPECT_EQ(tsr_device_close(device), TSR_OK);
    return status;
  };
  EXPECT_EQ(open("cpu.threads=2"), TSR_OK) << tsr_error_message();
  EXPECT_EQ(open("other.threads=none,cpu.threads=2,"), TSR_OK) << "another plugin's: " << tsr_error_message();
  EXPECT_EQ(open("other.threads=2,cpu.threads=none"), TSR_E_INVALID);
  EXPECT_NE(std::string(tsr_error_message()).find("none"), std::string::npos) << tsr_error_message();
  EXPECT_EQ(open("", {{"another_drivers", "1"}}), TSR_OK) << "one list for all devices: " << tsr_error_message();
  EXPECT_EQ(open("cpu.threads=none", {{"threads", "2"}}), TSR_OK) << "the call wins: " << tsr_error_message();
  for (const char *bad : {"threads=2", "cpu.threads", ".threads=2", "cpu.=2", "cpu.threads=2,x"}) {
    EXPECT_EQ(open(bad), TSR_E_INVALID) << bad;
    EXPECT_NE(std::string(tsr_error_message()).find("it wants PLUGIN.KEY=VALUE"), std::string::npos);
  }
}
