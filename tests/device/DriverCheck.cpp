// DriverCheck.cpp - the NVIDIA driver role on a real device: run by hand, `nvidia-driver-check`; exit code 0: all well
//
// SPDX-License-Identifier: Apache-2.0
//
// Copies, a PTX kernel, timing, a graph, the host's cost of a launch, and at last a kernel that faults and the way back.
#include "backends/nvidia/driver/NvidiaDriver.h"

#include <chrono>
#include <cstdio>
#include <vector>

using namespace tessera;

namespace {
const char kPtx[] = R"(.version 7.0
.target sm_75
.address_size 64
.visible .entry add_one(.param .u64 p, .param .u32 n) {
  .reg .pred %q; .reg .b32 %r<5>; .reg .b64 %d<4>;
  ld.param.u64 %d0, [p]; ld.param.u32 %r0, [n];
  mov.u32 %r1, %ctaid.x; mov.u32 %r2, %tid.x; mad.lo.u32 %r1, %r1, 128, %r2;
  setp.ge.u32 %q, %r1, %r0; @%q ret;
  mul.wide.u32 %d1, %r1, 4; add.u64 %d2, %d0, %d1;
  ld.global.u32 %r3, [%d2]; add.u32 %r3, %r3, 1; st.global.u32 [%d2], %r3;
  ret;
}
.visible .entry fault() {
  .reg .b64 %d; mov.u64 %d, 8; st.global.u32 [%d], 1; ret;
}
)";
int failures = 0;
void expect(bool good, const char *what) {
  std::printf("%s  %s%s%s\n", good ? "ok    " : "FAILED", what, good ? "" : ": ",
              good ? "" : sdk::detail::lastErrorText().c_str());
  failures += !good;
}
struct Args {
  uint64_t address;
  uint32_t n;
};
} // namespace

int main() {
  const tsr_driver_api *api = sdk::detail::DriverTable<nvidia::NvidiaDriver>::table();
  uint32_t devices = 0;
  if (api->probe(&devices) != TSR_OK) {
    std::printf("no device: %s\n", sdk::detail::lastErrorText().c_str());
    return 2;
  }
  tsr_device *device = nullptr;
  tsr_stream *stream = nullptr;
  tsr_module *module = nullptr;
  tsr_kernel *add = nullptr, *fault = nullptr;
  auto find = [&](const char *name, uint32_t bytes, tsr_kernel **out) {
    tsr_kernel_info i{};
    i.h.size = sizeof i;
    i.name = sdk::str(name);
    i.arg_bytes = bytes;
    i.block[0] = 128;
    i.block[1] = i.block[2] = 1;
    return api->kernel_get(module, &i, out);
  };
  auto start = [&] {
    expect(api->device_open(nullptr, 0, nullptr, 0, &device) == TSR_OK, "device_open");
    expect(api->stream_create(device, 0, 0, &stream) == TSR_OK, "stream_create");
    expect(api->module_load(nullptr, device, {kPtx, sizeof kPtx}, &module) == TSR_OK, "module_load of PTX");
    expect(find("add_one", 12, &add) == TSR_OK && find("fault", 0, &fault) == TSR_OK, "kernel_get");
  };
  start();
  if (failures)
    return 1;
  constexpr uint32_t kN = 1 << 20;
  uint64_t address = 0;
  expect(api->mem_alloc(device, stream, 4 * kN, 0, TSR_MEM_DEVICE, &address) == TSR_OK, "mem_alloc in stream order");
  expect(api->fill(stream, address, 0x0000000700000005, 8, 4 * kN) == TSR_OK, "fill of 8 bytes");
  Args args{address, kN};
  tsr_launch l{};
  l.h.size = sizeof l;
  l.grid[0] = kN / 128;
  l.grid[1] = l.grid[2] = l.block[1] = l.block[2] = 1;
  l.block[0] = 128;
  l.args = &args;
  l.arg_bytes = 12;
  tsr_event *from = nullptr, *to = nullptr;
  api->event_create(device, 0, &from);
  api->event_create(device, 0, &to);
  expect(api->event_record(from, stream) == TSR_OK && api->launch(stream, add, &l) == TSR_OK &&
             api->event_record(to, stream) == TSR_OK && api->stream_sync(stream) == TSR_OK,
         "launch between events");
  uint64_t ns = 0;
  expect(api->event_elapsed_ns(from, to, &ns) == TSR_OK && ns > 0, "event_elapsed_ns");
  tsr_graph *graph = nullptr;
  tsr_gexec *exec = nullptr;
  expect(api->capture_begin(stream, TSR_CAPTURE_GLOBAL) == TSR_OK && api->launch(stream, add, &l) == TSR_OK &&
             api->stream_sync(stream) == TSR_E_CAPTURE && api->capture_end(stream, &graph) == TSR_OK &&
             api->graph_instantiate(nullptr, graph, &exec) == TSR_OK && api->graph_update(exec, 0, &l) == TSR_OK &&
             api->graph_launch(exec, stream) == TSR_OK && api->stream_sync(stream) == TSR_OK,
         "capture, a refused call, instantiate, update, launch");
  std::vector<uint32_t> back(kN);
  tsr_copy c{};
  c.h.size = sizeof c;
  c.dst = reinterpret_cast<uint64_t>(back.data());
  c.src = address;
  c.rows = 1;
  c.row_bytes = c.dst_pitch = c.src_pitch = 4 * kN;
  c.dst_space = TSR_MEM_HOST;
  expect(api->copy(stream, &c) == TSR_OK && api->stream_sync(stream) == TSR_OK, "copy to the host");
  uint32_t wrong = 0;
  for (uint32_t i = 0; i < kN; ++i)
    wrong += back[i] != (i % 2 ? 9u : 7u);
  expect(wrong == 0, "every number is right");
  args.n = 0;
  l.grid[0] = 1;
  constexpr int kRounds = 20000;
  auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < kRounds; ++i)
    api->launch(stream, add, &l);
  auto spent = std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count();
  api->stream_sync(stream);
  std::printf("a launch costs the host %.3f us\n", spent / kRounds);
  l.args = nullptr;
  l.arg_bytes = 0;
  expect(api->launch(stream, fault, &l) == TSR_OK && api->stream_sync(stream) == TSR_E_LAUNCH_FAILED &&
             sdk::detail::lastErrorText().find("kernel") != std::string::npos,
         "a fault is the stream's failure and names the kernel");
  std::printf("  %s\n", sdk::detail::lastErrorText().c_str());
  uint64_t more = 0;
  expect(api->mem_alloc(device, nullptr, 64, 0, TSR_MEM_DEVICE, &more) == TSR_E_DEVICE_LOST, "the device is lost");
  api->gexec_destroy(exec);
  api->graph_destroy(graph);
  api->event_destroy(from);
  api->event_destroy(to);
  api->mem_free(device, nullptr, address);
  api->module_unload(module);
  api->stream_destroy(stream);
  api->device_close(device);
  start();
  l.args = &args;
  l.arg_bytes = 12;
  expect(api->launch(stream, add, &l) == TSR_OK && api->stream_sync(stream) == TSR_OK, "and works when opened again");
  api->module_unload(module);
  api->stream_destroy(stream);
  api->device_close(device);
  return failures ? 1 : 0;
}
