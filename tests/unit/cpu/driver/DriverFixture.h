// DriverFixture.h - a device, a sink that keeps everything, and images whose kernels are functions of the test
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "backends/cpu/driver/DriverTable.h"
#include "backends/cpu/image/ImageFile.h"

#include <cstring>
#include <gtest/gtest.h>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tessera::cpu::test {

struct TestKernel {
  std::string name;
  KernelFunction function;
  uint64_t scratchBytes = 0;
  bool streams = false;
  uint64_t bytesWritten = 0;
};

// An image whose code jumps to the given functions: everything of the driver is used, no compiler is needed.
inline std::vector<uint8_t> makeImage(const std::vector<TestKernel> &kernels, std::string target = "x86-64-v1") {
  ImageParts parts;
  parts.target = std::move(target);
  auto jumpTo = [&](KernelFunction f) {
    uint64_t at = parts.text.size();
    uint8_t code[13] = {0x49, 0xbb, 0, 0, 0, 0, 0, 0, 0, 0, 0x41, 0xff, 0xe3}; // movabs r11, f; jmp r11
    std::memcpy(code + 2, &f, 8);
    parts.text.insert(parts.text.end(), code, code + 13);
    return at;
  };
  for (const TestKernel &k : kernels) {
    ImageParts::Kernel out;
    out.name = k.name;
    out.entry = jumpTo(k.function);
    out.scratchBytes = k.scratchBytes;
    out.bytesWritten = k.bytesWritten;
    out.streams = k.streams;
    parts.kernels.push_back(out);
  }
  return writeImage(parts);
}

struct Sink {
  std::vector<std::string> errors, warnings;
  std::string prints;
  tsr_sink table = {};

  Sink() {
    table.h.size = sizeof(table);
    table.user = this;
    table.diag = [](void *user, const tsr_diag *d) {
      auto *self = static_cast<Sink *>(user);
      (d->severity == TSR_SEV_ERROR ? self->errors : self->warnings).emplace_back(d->message.p, d->message.n);
    };
    table.emit = [](void *user, uint32_t kind, tsr_str, tsr_bytes bytes) -> tsr_status {
      if (kind == TSR_EMIT_DEVICE_PRINT)
        static_cast<Sink *>(user)->prints.append(static_cast<const char *>(bytes.p), bytes.n);
      return TSR_OK;
    };
  }
};

class DriverTest : public ::testing::Test {
protected:
  const tsr_driver_api *driver = driverTable();
  Sink sink;
  tsr_device *device = nullptr;
  std::vector<tsr_module *> modules;

  void SetUp() override { open("4"); }
  void TearDown() override { close(); }

  void open(const char *threads) {
    close();
    std::pair<std::string_view, std::string_view> options[] = {{"threads", threads}, {"cache_bytes", "1000000"}};
    std::vector<tsr_kv> kv;
    for (auto &[k, v] : options)
      kv.push_back({{k.data(), k.size()}, {v.data(), v.size()}});
    ASSERT_EQ(driver->device_open(&sink.table, 0, kv.data(), kv.size(), &device), TSR_OK);
  }
  void close() {
    for (tsr_module *m : modules)
      EXPECT_EQ(driver->module_unload(m), TSR_OK);
    modules.clear();
    if (device)
      EXPECT_EQ(driver->device_close(device), TSR_OK);
    device = nullptr;
  }
  tsr_module *load(const std::vector<uint8_t> &image) {
    tsr_module *m = nullptr;
    EXPECT_EQ(driver->module_load(&sink.table, device, {image.data(), image.size()}, &m), TSR_OK) << error();
    modules.push_back(m);
    return m;
  }
  tsr_kernel *get(tsr_module *m, std::string_view name, uint32_t argBytes) {
    tsr_kernel_info info = {};
    info.h.size = sizeof(info);
    info.name = {name.data(), name.size()};
    info.arg_bytes = argBytes;
    tsr_kernel *k = nullptr;
    EXPECT_EQ(driver->kernel_get(m, &info, &k), TSR_OK) << error();
    return k;
  }
  tsr_kernel *kernel(TestKernel k, uint32_t argBytes = 8) {
    std::string name = k.name;
    return get(load(makeImage({std::move(k)})), name, argBytes);
  }
  // One pointer argument.
  tsr_status launch(tsr_stream *stream, tsr_kernel *k, uint32_t x, uint32_t y, uint32_t z, void *argument) {
    tsr_launch l = {};
    l.h.size = sizeof(l);
    l.grid[0] = x;
    l.grid[1] = y;
    l.grid[2] = z;
    l.args = &argument;
    l.arg_bytes = 8;
    return driver->launch(stream, k, &l);
  }
  std::string error() {
    tsr_str text = driverLastError();
    return {text.p, text.n};
  }
};

template <typename T> T *argument(const void *args) {
  void *p;
  std::memcpy(&p, args, sizeof(p));
  return static_cast<T *>(p);
}

} // namespace tessera::cpu::test
