// DriverCheck.cpp - the NVIDIA driver role on a real device: run by hand, `nvidia-driver-check [CASE…]`; exit code 0: all well
//
// SPDX-License-Identifier: Apache-2.0
//
// Copies, a PTX kernel, timing, a graph, the host's cost of a launch; then bad input and kernels that fault: what the driver says and whether the
// device goes on. Every case runs in a process of its own, since a fault ends the device for the process that it happens in, and prints lines `ok` or
// `FAIL`; a process that dies or hangs is a FAIL of its case. Names of cases run only these.
#include "backends/nvidia/assemble/Assemble.h"
#include "backends/nvidia/driver/NvidiaDriver.h"

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <thread>
#include <vector>

using namespace tessera;

namespace {

constexpr int kCaseSeconds = 60;
constexpr uint32_t kNumbers = 1 << 20;

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
.visible .entry mix(.param .u64 p, .param .u32 n) {
  .reg .pred %q; .reg .b32 %r<4>; .reg .b64 %d;
  mov.u32 %r0, %tid.x; setp.ne.u32 %q, %r0, 0; @%q ret;
  ld.param.u64 %d, [p]; ld.param.u32 %r1, [n];
  ld.global.u32 %r2, [%d]; mad.lo.u32 %r2, %r2, 3, %r1; st.global.u32 [%d], %r2;
  ret;
}
.visible .entry fault() {
  .reg .b64 %d; mov.u64 %d, 8; st.global.u32 [%d], 1; ret;
}
.visible .entry misaligned(.param .u64 p) {
  .reg .b64 %d; ld.param.u64 %d, [p]; add.u64 %d, %d, 1; st.global.u32 [%d], 1; ret;
}
.visible .entry stop() {
  trap; ret;
}
)";

int failures = 0;
const std::string &lastError() { return sdk::detail::lastErrorText(); }
void expect(bool good, const std::string &what, bool withError = true) {
  std::printf("%s %s%s\n", good ? "ok  " : "FAIL", what.c_str(),
              good || !withError || lastError().empty() ? "" : (": " + lastError()).c_str());
  failures += !good;
}
bool says(const char *part) { return lastError().find(part) != std::string::npos; }
// The status that the driver must give, and a part of its sentence.
void refused(tsr_status got, tsr_status want, const char *part, const std::string &what) {
  expect(got == want && says(part), what + " (status " + std::to_string(got) + ")");
  std::printf("     %s\n", lastError().c_str());
}

using Table = sdk::detail::DriverTable<nvidia::NvidiaDriver>;

// A device, a stream, the module above, and memory of kNumbers numbers: what most cases begin with.
struct Session {
  const tsr_driver_api *api = Table::table();
  tsr_device *device = nullptr;
  tsr_stream *stream = nullptr;
  tsr_module *module = nullptr;
  uint64_t address = 0;

  // Everything or nothing: after a failure there is nothing to go on with. launchGraphs: the device's option of this name.
  bool begin(const char *launchGraphs = "idle") {
    tsr_kv option{sdk::str("launch_graphs"), sdk::str(launchGraphs)};
    if (api->device_open(nullptr, 0, &option, 1, &device) != TSR_OK) {
      device = nullptr;
      return false;
    }
    return api->stream_create(device, 0, 0, &stream) == TSR_OK && load(kPtx, sizeof kPtx, &module) == TSR_OK &&
           api->mem_alloc(device, stream, 4 * kNumbers, 0, TSR_MEM_DEVICE, &address) == TSR_OK;
  }
  void end() {
    api->mem_free(device, nullptr, address);
    api->module_unload(module);
    api->stream_destroy(stream);
    api->device_close(device);
    device = nullptr;
  }
  tsr_status load(const void *bytes, size_t n, tsr_module **out) const {
    return api->module_load(nullptr, device, {bytes, n}, out);
  }
  tsr_kernel *kernel(const char *name, uint32_t bytes) const {
    tsr_kernel_info i{};
    i.h.size = sizeof i;
    i.name = sdk::str(name);
    i.arg_bytes = bytes;
    i.block[0] = 128;
    i.block[1] = i.block[2] = 1;
    tsr_kernel *k = nullptr;
    if (api->kernel_get(module, &i, &k) != TSR_OK)
      expect(false, std::string("kernel_get of ") + name);
    return k;
  }
  // The device works: n numbers, counted up.
  bool works() const {
    Launch l(address, kNumbers);
    return api->fill(stream, address, 6, 4, 4 * kNumbers) == TSR_OK &&
           api->launch(stream, kernel("add_one", 12), &l.launch) == TSR_OK && api->stream_sync(stream) == TSR_OK &&
           wrong([](uint32_t) { return 7u; }) == 0;
  }
  template <typename Want> uint32_t wrong(Want &&want) const {
    std::vector<uint32_t> back(kNumbers);
    tsr_copy c{};
    c.h.size = sizeof c;
    c.dst = reinterpret_cast<uint64_t>(back.data());
    c.src = address;
    c.rows = 1;
    c.row_bytes = c.dst_pitch = c.src_pitch = 4 * kNumbers;
    c.dst_space = TSR_MEM_HOST;
    if (api->copy(stream, &c) != TSR_OK || api->stream_sync(stream) != TSR_OK)
      return kNumbers;
    uint32_t n = 0;
    for (uint32_t i = 0; i < kNumbers; ++i)
      n += back[i] != want(i);
    return n;
  }
  // Of add_one, over n numbers.
  struct Launch {
    struct {
      uint64_t address;
      uint32_t n;
    } arguments;
    tsr_launch launch{};
    Launch(uint64_t address, uint32_t n) : arguments{address, n} {
      launch.h.size = sizeof launch;
      launch.grid[0] = (n + 127) / 128;
      launch.grid[1] = launch.grid[2] = launch.block[1] = launch.block[2] = 1;
      launch.block[0] = 128;
      launch.args = &arguments;
      launch.arg_bytes = 12;
    }
    Launch(const Launch &) = delete;
    Launch &operator=(const Launch &) = delete;
  };
};

// ---- what must work --------------------------------------------------------------------------------------------------------

void work(Session &s) {
  tsr_kernel *add = s.kernel("add_one", 12);
  expect(s.api->fill(s.stream, s.address, 0x0000000700000005, 8, 4 * kNumbers) == TSR_OK, "fill of 8 bytes");
  Session::Launch l(s.address, kNumbers);
  tsr_event *from = nullptr, *to = nullptr;
  s.api->event_create(s.device, 0, &from);
  s.api->event_create(s.device, 0, &to);
  expect(s.api->event_record(from, s.stream) == TSR_OK && s.api->launch(s.stream, add, &l.launch) == TSR_OK &&
             s.api->event_record(to, s.stream) == TSR_OK && s.api->stream_sync(s.stream) == TSR_OK,
         "launch between events");
  uint64_t ns = 0;
  expect(s.api->event_elapsed_ns(from, to, &ns) == TSR_OK && ns > 0, "event_elapsed_ns");
  tsr_graph *graph = nullptr;
  tsr_gexec *exec = nullptr;
  expect(s.api->capture_begin(s.stream, TSR_CAPTURE_GLOBAL) == TSR_OK &&
             s.api->launch(s.stream, add, &l.launch) == TSR_OK && s.api->capture_end(s.stream, &graph) == TSR_OK &&
             s.api->graph_instantiate(nullptr, graph, &exec) == TSR_OK &&
             s.api->graph_update(exec, 0, &l.launch) == TSR_OK && s.api->graph_launch(exec, s.stream) == TSR_OK &&
             s.api->stream_sync(s.stream) == TSR_OK,
         "capture, instantiate, update, launch");
  expect(s.wrong([](uint32_t i) { return i % 2 ? 9u : 7u; }) == 0, "every number is right");
  s.api->gexec_destroy(exec);
  s.api->graph_destroy(graph);
  s.api->event_destroy(from);
  s.api->event_destroy(to);
}

void launches(Session &s) {
  tsr_kernel *add = s.kernel("add_one", 12);
  Session::Launch l(s.address, 128);
  l.arguments.n = 0;
  constexpr int kRounds = 20000;
  bool good = true;
  auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < kRounds; ++i)
    good &= s.api->launch(s.stream, add, &l.launch) == TSR_OK;
  auto spent = std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count();
  expect(s.api->stream_sync(s.stream) == TSR_OK && good, "20,000 launches");
  std::printf("     a launch costs the host %.3f us\n", spent / kRounds);
}

// Each launch takes what the last one left and a number of its own, so that a lost, doubled or late one shows, and old arguments do.
void launchGraphs(Session &first) {
  first.end();
  for (const char *policy : {"never", "idle", "always"}) {
    Session s;
    if (!s.begin(policy)) {
      expect(false, "a session");
      return;
    }
    tsr_kernel *mix = s.kernel("mix", 12), *add = s.kernel("add_one", 12);
    Session::Launch l(s.address, 128), one(s.address, 1);
    uint32_t want = 5;
    bool good = s.api->fill(s.stream, s.address, want, 4, 4 * kNumbers) == TSR_OK;
    constexpr uint32_t kRounds = 20000;
    for (uint32_t i = 0; i < kRounds; ++i) {
      l.arguments.n = i / 3 * 7919; // the same thrice
      good &= s.api->launch(s.stream, mix, &l.launch) == TSR_OK;
      want = want * 3 + l.arguments.n;
      if (i % 50 == 0) { // another kernel between, and now and then a wait
        good &= s.api->launch(s.stream, add, &one.launch) == TSR_OK;
        ++want;
        if (i % 250 == 0)
          good &= s.api->stream_sync(s.stream) == TSR_OK;
      }
    }
    expect(good && s.wrong([&](uint32_t i) { return i ? 5 : want; }) == 0,
           std::string("20,000 launches that depend on each other, by graphs ") + policy);
    // What a framework captures is ours to launch into.
    uint64_t native = 0;
    tsr_stream *theirs = nullptr;
    tsr_graph *graph = nullptr;
    tsr_gexec *exec = nullptr;
    good = s.api->native(s.stream, TSR_NATIVE_STREAM, &native) == TSR_OK &&
           s.api->stream_wrap(s.device, native, &theirs) == TSR_OK;
    for (int i = 0; good && i < 200; ++i) {
      good = s.api->launch(theirs, mix, &l.launch) == TSR_OK && s.api->stream_sync(theirs) == TSR_OK;
      want = want * 3 + l.arguments.n;
    }
    good = good && s.api->capture_begin(s.stream, TSR_CAPTURE_GLOBAL) == TSR_OK;
    for (int i = 0; good && i < 200; ++i)
      good = s.api->launch(theirs, mix, &l.launch) == TSR_OK;
    good = good && s.api->capture_end(s.stream, &graph) == TSR_OK &&
           s.api->graph_instantiate(nullptr, graph, &exec) == TSR_OK && s.api->graph_launch(exec, s.stream) == TSR_OK;
    for (int i = 0; i < 200; ++i)
      want = want * 3 + l.arguments.n;
    expect(good && s.wrong([&](uint32_t i) { return i ? 5 : want; }) == 0,
           std::string("a capture by somebody else, by graphs ") + policy);
    s.api->gexec_destroy(exec);
    s.api->graph_destroy(graph);
    s.api->stream_destroy(theirs);
    s.end();
  }
  if (!first.begin())
    expect(false, "the first session again");
}

// ---- bad input: a status and a sentence, and the device goes on ----------------------------------------------------------

void noMemory(Session &s) {
  uint64_t got = 0;
  refused(s.api->mem_alloc(s.device, s.stream, uint64_t(1) << 50, 0, TSR_MEM_DEVICE, &got), TSR_E_OOM_DEVICE,
          "are free", "1 PiB of device memory is refused");
  refused(s.api->mem_alloc(s.device, nullptr, UINT64_MAX - 64, 4096, TSR_MEM_DEVICE, &got), TSR_E_OOM_DEVICE, "bytes",
          "2^64 bytes are refused");
  std::vector<uint64_t> blocks;
  tsr_status status = TSR_OK;
  while (blocks.size() < 4096 &&
         (status = s.api->mem_alloc(s.device, s.stream, uint64_t(1) << 28, 0, TSR_MEM_DEVICE, &got)) == TSR_OK)
    blocks.push_back(got);
  refused(status, TSR_E_OOM_DEVICE, "free",
          "the device filled by " + std::to_string(blocks.size()) + " blocks of 256 MiB");
  bool freed = true;
  for (uint64_t b : blocks)
    freed &= s.api->mem_free(s.device, s.stream, b) == TSR_OK;
  expect(freed, "and freed");
}

void badMemory(Session &s) {
  refused(s.api->mem_free(s.device, nullptr, s.address + 256), TSR_E_INVALID, "mem_free",
          "an address that was not given cannot be freed");
  tsr_copy c{};
  c.h.size = sizeof c;
  c.src = s.address;
  c.rows = 1;
  c.row_bytes = c.dst_pitch = c.src_pitch = 4;
  refused(s.api->copy(s.stream, &c), TSR_E_INVALID, "address 0", "a copy to address 0");
  refused(s.api->fill(s.stream, s.address, 0, 4, 6), TSR_E_INVALID, "multiple", "a fill of one and a half patterns");
}

// bytes: a PTX text, or machine code. part: of the sentence.
void badModule(Session &s, const void *bytes, size_t n, const char *part, const std::string &what) {
  tsr_module *m = nullptr;
  refused(s.load(bytes, n, &m), TSR_E_BAD_ARTIFACT, part, what);
}

void badPtx(Session &s) {
  auto text = [](const char *body) { return std::string(".version 7.0\n.target sm_75\n.address_size 64\n") + body; };
  std::string syntax = text(".visible .entry f() { no_such_op; }\n");
  badModule(s, syntax.c_str(), syntax.size() + 1, "", "PTX with an unknown instruction");
  std::string cut = text(".visible .entry f() { mov.u32 ");
  badModule(s, cut.c_str(), cut.size() + 1, "cut short", "PTX that ends in a statement");
  std::string later = ".version 8.8\n.target sm_129a\n.address_size 64\n.visible .entry f() { ret; }\n";
  badModule(s, later.c_str(), later.size() + 1, "sm_129a", "PTX for a target that this is not");
  badModule(s, "#!/bin/sh\n", 11, "neither", "a shell script");
  badModule(s, "", 0, "", "nothing");
}

std::string targetOf(const Session &s) {
  tsr_device_info info{};
  info.h.size = sizeof info;
  return s.api->device_info(0, &info) == TSR_OK ? std::string(info.target.p, info.target.n) : "";
}

void badCubin(Session &s) {
  const nvidia::Assembler &assembler = nvidia::Assembler::installed();
  if (assembler.isNone()) {
    std::printf("skip machine code: no nvJitLink or ptxas here\n");
    return;
  }
  const std::string target = targetOf(s), ptx(kPtx);
  nvidia::AssembleResult here = assembler.assemble(ptx, target, 3);
  expect(here.ok && !here.cubin.empty(), assembler.name() + " makes machine code for " + target + ": " + here.error,
         false);
  if (here.cubin.empty())
    return;
  nvidia::AssembleResult again = assembler.assemble(ptx, target, 3);
  auto registers = [](const nvidia::AssembleResult &r) {
    std::vector<uint32_t> each;
    for (const auto &[name, use] : r.kernels)
      each.push_back(use.registers);
    return each;
  };
  expect(again.ok && !here.kernels.empty() && registers(again) == registers(here),
         "the same text assembled twice reports the same registers: no answer out of the driver's cache");
  tsr_module *m = nullptr;
  expect(s.load(here.cubin.data(), here.cubin.size(), &m) == TSR_OK, "machine code loads");
  s.api->module_unload(m);
  for (size_t n : {size_t(16), size_t(64), here.cubin.size() / 2, here.cubin.size() - 8})
    badModule(s, here.cubin.data(), n, "", "the first " + std::to_string(n) + " bytes of it");
  const char *foreign = target.rfind("sm_9", 0) == 0 ? "sm_80" : "sm_90";
  nvidia::AssembleResult other = assembler.assemble(ptx, foreign, 3);
  if (!other.cubin.empty())
    badModule(s, other.cubin.data(), other.cubin.size(), foreign, std::string("machine code for ") + foreign);
}

// What only the driver can find out, and is not promised to.
void damagedCubin(Session &s) {
  nvidia::AssembleResult here = nvidia::Assembler::installed().assemble(kPtx, targetOf(s), 3);
  if (here.cubin.empty()) {
    std::printf("skip machine code: no nvJitLink or ptxas here\n");
    return;
  }
  // The headers are whole.
  std::memset(here.cubin.data() + 64, 0xff, here.cubin.size() / 4);
  tsr_module *m = nullptr;
  tsr_status status = s.load(here.cubin.data(), here.cubin.size(), &m);
  expect(status == TSR_OK || status == TSR_E_BAD_ARTIFACT,
         "a quarter of it overwritten (status " + std::to_string(status) + ")");
  if (status == TSR_OK)
    s.api->module_unload(m);
}

void badLaunch(Session &s) {
  tsr_kernel *add = s.kernel("add_one", 12);
  auto with = [&](auto &&change, const char *part, const char *what) {
    Session::Launch l(s.address, 128);
    change(l.launch);
    refused(s.api->launch(s.stream, add, &l.launch), TSR_E_INVALID, part, what);
  };
  with([](tsr_launch &l) { l.grid[1] = 70000; }, "grid", "a grid of 70,000 in y");
  with([](tsr_launch &l) { l.grid[0] = 0xffffffff; }, "grid", "a grid of 2^32 - 1");
  with([](tsr_launch &l) { l.block[0] = 2048; }, "threads", "programs of 2,048 threads");
  with([](tsr_launch &l) { l.block[0] = 0; }, "threads", "programs without threads");
  with([](tsr_launch &l) { l.smem_dynamic = 1 << 20; }, "shared memory", "1 MiB of shared memory");
  with([](tsr_launch &l) { l.arg_bytes = 8; }, "arguments", "an argument is missing");
  tsr_kernel_info i{};
  i.h.size = sizeof i;
  i.name = sdk::str("add_one");
  i.arg_bytes = 8;
  i.block[0] = 128;
  i.block[1] = i.block[2] = 1;
  tsr_kernel *k = nullptr;
  tsr_status status = s.api->kernel_get(s.module, &i, &k);
  expect(status == TSR_E_BAD_ARTIFACT || status == TSR_OK, // a driver before 12.4 cannot tell
         "facts with fewer arguments than the kernel has (status " + std::to_string(status) + ")");
  i.name = sdk::str("absent");
  refused(s.api->kernel_get(s.module, &i, &k), TSR_E_NOT_FOUND, "absent", "a kernel that is not there");
}

void inCapture(Session &s) {
  tsr_kernel *add = s.kernel("add_one", 12);
  Session::Launch l(s.address, kNumbers);
  tsr_graph *graph = nullptr;
  tsr_gexec *exec = nullptr;
  tsr_module *m = nullptr;
  uint64_t got = 0;
  expect(s.api->fill(s.stream, s.address, 6, 4, 4 * kNumbers) == TSR_OK && s.api->stream_sync(s.stream) == TSR_OK &&
             s.api->capture_begin(s.stream, TSR_CAPTURE_GLOBAL) == TSR_OK,
         "a capture begins");
  refused(s.api->stream_sync(s.stream), TSR_E_CAPTURE, "captured", "stream_sync in a capture");
  refused(s.api->stream_query(s.stream), TSR_E_CAPTURE, "captured", "stream_query in a capture");
  refused(s.api->mem_alloc(s.device, s.stream, 64, 0, TSR_MEM_DEVICE, &got), TSR_E_CAPTURE, "captured",
          "mem_alloc in a capture");
  refused(s.load(kPtx, sizeof kPtx, &m), TSR_E_CAPTURE, "captured", "module_load in a capture");
  refused(s.api->capture_begin(s.stream, TSR_CAPTURE_GLOBAL), TSR_E_CAPTURE, "captured", "a capture in a capture");
  expect(s.api->launch(s.stream, add, &l.launch) == TSR_OK && s.api->capture_end(s.stream, &graph) == TSR_OK &&
             s.api->graph_instantiate(nullptr, graph, &exec) == TSR_OK &&
             s.api->graph_launch(exec, s.stream) == TSR_OK && s.wrong([](uint32_t) { return 7u; }) == 0,
         "which none of these broke");
  s.api->gexec_destroy(exec);
  s.api->graph_destroy(graph);
  refused(s.api->capture_end(s.stream, &graph), TSR_E_INVALID, "capture_end", "an end without a beginning");
}

// Without a Session: these open none.
void noDriver() {
  nvidia::NvidiaDriver absent("libcuda-that-is-absent.so.1");
  std::string text;
  try {
    absent.probe();
  } catch (const sdk::Error &e) {
    text = e.what();
  }
  expect(text.find("no NVIDIA driver") != std::string::npos, "no libcuda: " + text, false);
  nvidia::NvidiaDriver other("libm.so.6");
  text.clear();
  try {
    other.probe();
  } catch (const sdk::Error &e) {
    text = e.what();
  }
  expect(text.find("no CUDA driver library") != std::string::npos, "another library: " + text, false);
}

void noDevice() {
  setenv("CUDA_VISIBLE_DEVICES", "", 1);
  uint32_t devices = 0;
  refused(Table::table()->probe(&devices), TSR_E_UNAVAILABLE, "no NVIDIA device", "every device hidden");
}

// ---- kernels that take the device down -------------------------------------------------------------------------------------

void faulting(Session &s, const char *name, uint32_t bytes) {
  Session::Launch l(s.address, 128);
  l.launch.arg_bytes = bytes;
  std::string who = std::string("kernel '") + name + "'";
  tsr_status status = s.api->launch(s.stream, s.kernel(name, bytes), &l.launch);
  if (status == TSR_OK)
    status = s.api->stream_sync(s.stream);
  refused(status, TSR_E_LAUNCH_FAILED, who.c_str(), "the failure is the stream's and names the kernel");
  uint64_t more = 0;
  refused(s.api->mem_alloc(s.device, nullptr, 64, 0, TSR_MEM_DEVICE, &more), TSR_E_DEVICE_LOST, who.c_str(),
          "the device is lost");
  expect(s.api->mem_free(s.device, nullptr, s.address) == TSR_OK, "freeing goes through");
  s.address = 0;
  s.end();
  std::printf("ok   closing goes through\n");
  // CUDA promises a working device to a new process only, so both are right, if they are told.
  if (s.begin()) {
    expect(s.works(), "opened again in this process, it works");
    s.end();
  } else {
    expect(says("start the process again"), "this process gets no device any more, and is told what to do");
    std::printf("     %s\n", lastError().c_str());
  }
}

struct Case {
  const char *name;
  void (*run)(Session &);
  void (*alone)(); // instead: without a session
  bool faults = false;
};
const Case kCases[] = {
    {"work", work, nullptr},
    {"launches", launches, nullptr},
    {"launch-graphs", launchGraphs, nullptr},
    {"no-memory", noMemory, nullptr},
    {"bad-memory", badMemory, nullptr},
    {"bad-ptx", badPtx, nullptr},
    {"bad-cubin", badCubin, nullptr},
    {"damaged-cubin", damagedCubin, nullptr},
    {"bad-launch", badLaunch, nullptr},
    {"in-capture", inCapture, nullptr},
    {"no-driver", nullptr, noDriver},
    {"no-device", nullptr, noDevice},
    {"out-of-bounds", [](Session &s) { faulting(s, "fault", 0); }, nullptr, true},
    {"misaligned", [](Session &s) { faulting(s, "misaligned", 8); }, nullptr, true},
    {"trap", [](Session &s) { faulting(s, "stop", 0); }, nullptr, true},
};

int runCase(const Case &c) {
  if (c.alone) {
    c.alone();
    return failures ? 1 : 0;
  }
  Session s;
  if (!s.begin()) {
    expect(false, "a device, a stream, a module of PTX, memory");
    return 1;
  }
  if (!c.faults)
    expect(s.works(), "it works before");
  c.run(s);
  if (!c.faults) {
    expect(s.works(), "and afterwards");
    s.end();
  }
  return failures ? 1 : 0;
}

// 0: well; otherwise how it ended.
std::string inChild(const Case &c) {
  pid_t pid = fork(); // before anything of CUDA: this process never opens it
  if (pid < 0)
    return "no process can be started";
  if (pid == 0) {
    int code = 3;
    try {
      code = runCase(c);
    } catch (const std::exception &e) {
      std::printf("FAIL an exception: %s\n", e.what());
    }
    std::fflush(stdout);
    _exit(code);
  }
  int status = 0;
  auto until = std::chrono::steady_clock::now() + std::chrono::seconds(kCaseSeconds);
  while (waitpid(pid, &status, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() > until) {
      kill(pid, SIGKILL);
      waitpid(pid, &status, 0);
      return "did not end in " + std::to_string(kCaseSeconds) + " s";
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  if (WIFSIGNALED(status))
    return std::string("died: ") + strsignal(WTERMSIG(status));
  return WEXITSTATUS(status) ? "failed" : "";
}

} // namespace

int main(int argc, char **argv) {
  // A process that dies must not take along what it said.
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  std::vector<std::string> bad;
  size_t ran = 0;
  for (const Case &c : kCases) {
    bool wanted = argc < 2;
    for (int i = 1; i < argc; ++i)
      wanted |= std::strcmp(argv[i], c.name) == 0;
    if (!wanted)
      continue;
    std::printf("-- %s\n", c.name);
    ++ran;
    if (std::string why = inChild(c); !why.empty()) {
      if (why != "failed")
        std::printf("FAIL the process %s\n", why.c_str());
      bad.emplace_back(c.name);
    }
  }
  std::printf("%zu cases passed, %zu failed", ran - bad.size(), bad.size());
  for (const std::string &b : bad)
    std::printf(" %s", b.c_str());
  std::printf("\n");
  return ran == 0 || !bad.empty() ? 1 : 0;
}
