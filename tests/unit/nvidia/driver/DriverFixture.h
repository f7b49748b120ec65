// DriverFixture.h - the driver role over the fake libcuda, called through the C table as a host calls it
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "backends/nvidia/driver/NvidiaDriver.h"
#include "tests/unit/nvidia/fake_cuda/FakeCuda.h"

#include <dlfcn.h>
#include <gtest/gtest.h>

namespace tessera::nvidia::test {

struct FakedDriver : NvidiaDriver {
  FakedDriver() : NvidiaDriver(FAKE_LIBCUDA) {}
};

// Collects what a sink is given.
struct CollectingSink {
  tsr_sink raw{};
  std::vector<std::string> errors, notes;
  std::string prints, file;
  uint32_t line = 0;
  CollectingSink() {
    raw.h.size = sizeof raw;
    raw.user = this;
    raw.diag = [](void *user, const tsr_diag *d) {
      auto &s = *static_cast<CollectingSink *>(user);
      (d->severity == TSR_SEV_ERROR ? s.errors : s.notes).emplace_back(d->message.p, d->message.n);
      s.file.assign(d->file.p ? d->file.p : "", d->file.n);
      s.line = d->line;
    };
    raw.emit = [](void *user, uint32_t kind, tsr_str, tsr_bytes b) -> tsr_status {
      if (kind == TSR_EMIT_DEVICE_PRINT)
        static_cast<CollectingSink *>(user)->prints.append(static_cast<const char *>(b.p), b.n);
      return TSR_OK;
    };
  }
};

class DriverTest : public ::testing::Test {
protected:
  static void *library() {
    static void *handle = dlopen(FAKE_LIBCUDA, RTLD_NOW | RTLD_LOCAL);
    return handle;
  }
  void SetUp() override {
    ASSERT_NE(library(), nullptr) << dlerror();
    cuda = reinterpret_cast<fake_cuda::ControlFunction>(dlsym(library(), "fake_cuda_control"))();
    restart();
    api = sdk::detail::DriverTable<FakedDriver>::table();
  }
  void TearDown() override {
    close();
    EXPECT_EQ(cuda->violations, std::vector<std::string>());
    EXPECT_EQ(cuda->liveStreams, 0u);
    EXPECT_EQ(cuda->liveEvents, 0u);
    EXPECT_EQ(cuda->liveModules, 0u);
    EXPECT_EQ(cuda->liveGraphs, 0u);
    EXPECT_EQ(cuda->livePools, 0u);
    EXPECT_EQ(cuda->contextsAlive, 0u);
  }
  void restart() { reinterpret_cast<fake_cuda::RestartFunction>(dlsym(library(), "fake_cuda_restart"))(); }

  void open(std::vector<std::pair<std::string, std::string>> options = {}) {
    std::vector<tsr_kv> kv;
    for (auto &[key, value] : options)
      kv.push_back({sdk::str(key), sdk::str(value)});
    ASSERT_EQ(api->device_open(&sink.raw, 0, kv.data(), static_cast<uint32_t>(kv.size()), &device), TSR_OK) << error();
    ASSERT_EQ(api->stream_create(device, 0, 0, &stream), TSR_OK) << error();
  }
  void close() {
    if (stream) // no launch of the module may be queued; what came of it is the test's matter
      (void)api->stream_sync(stream);
    EXPECT_EQ(api->module_unload(module), TSR_OK);
    EXPECT_EQ(api->stream_destroy(stream), TSR_OK);
    EXPECT_EQ(api->device_close(device), TSR_OK);
    module = nullptr;
    stream = nullptr;
    device = nullptr;
  }
  static std::string error() { return sdk::detail::lastErrorText(); }

  static std::string ptx(const std::vector<std::string> &kernels, const std::string &more = {}) {
    std::string text = ".version 8.0\n.target sm_80\n.address_size 64\n" + more;
    for (const std::string &k : kernels)
      text += ".visible .entry " + k + "()\n{\n ret;\n}\n";
    return text;
  }
  static std::string messages() { return ".global .align 8 .b8 tsr_messages[16];\n.const .b8 tsr_texts[23];\n"; }
  tsr_status load(const std::string &text) {
    return api->module_load(&sink.raw, device, {text.data(), text.size()}, &module);
  }
  tsr_kernel *kernel(const std::string &name, uint32_t argBytes = 0, uint32_t flags = 0, uint64_t shared = 0) {
    info.h.size = sizeof info;
    kernelName = name; // info views it, also after this call
    info.name = sdk::str(kernelName);
    info.arg_bytes = argBytes;
    info.flags = flags;
    info.smem_dynamic = shared;
    info.block[0] = 128;
    info.block[1] = info.block[2] = 1;
    tsr_kernel *k = nullptr;
    EXPECT_EQ(api->kernel_get(module, &info, &k), TSR_OK) << error();
    return k;
  }
  static tsr_launch launchOf(const void *args, uint64_t bytes, uint32_t x = 1, uint32_t threads = 128) {
    tsr_launch l{};
    l.h.size = sizeof l;
    l.grid[0] = x;
    l.grid[1] = l.grid[2] = 1;
    l.block[0] = threads;
    l.block[1] = l.block[2] = 1;
    l.args = args;
    l.arg_bytes = bytes;
    return l;
  }
  tsr_status launch(tsr_kernel *k, const void *args = nullptr, uint64_t bytes = 0) {
    tsr_launch l = launchOf(args, bytes);
    return api->launch(stream, k, &l);
  }
  uint64_t allocate(uint64_t bytes) {
    uint64_t address = 0;
    EXPECT_EQ(api->mem_alloc(device, nullptr, bytes, 0, TSR_MEM_DEVICE, &address), TSR_OK) << error();
    return address;
  }

  fake_cuda::Control *cuda = nullptr;
  const tsr_driver_api *api = nullptr;
  CollectingSink sink;
  std::string kernelName;
  tsr_kernel_info info{};
  tsr_device *device = nullptr;
  tsr_stream *stream = nullptr;
  tsr_module *module = nullptr;
};

// What add_one takes.
struct AddOne {
  uint64_t address;
  uint32_t n;
};
constexpr uint64_t kAddOneBytes = 12;

} // namespace tessera::nvidia::test
