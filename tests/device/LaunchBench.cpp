// LaunchBench.cpp - what a launch costs the host on a device: by the C interface, and by the driver alone
//
// SPDX-License-Identifier: Apache-2.0
//
// usage: device-launch-bench FILE…       kernels of one artifact each (tessera compile --emit=artifact), which touch no memory
// Prints one line of JSON: microseconds a launch by file name; the same with " changing" behind the name, a number being another one at each
// launch; "driver" and "driver graph": cuLaunchKernel and cuGraphLaunch of an empty kernel of four parameters; and "medians": of each the medians
// of batches of 200 launches, which the queue of a device holds, on all processors, in order. What is told of each is their lower quartile. The device is
// awaited between batches, outside of the time.
#include "runtime/api/tessera.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>
#include <filesystem>
#include <functional>
#include <sched.h>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

void check(tsr_status status, const char *what) {
  if (status == TSR_OK)
    return;
  std::fprintf(stderr, "%s: %s: %s\n", what, tsr_status_name(status), tsr_error_message());
  std::exit(1);
}

// Microseconds a launch: medians of eight batches of 200, three on each processor, in order. Empty: not measured.
using Times = std::vector<double>;

// On a machine that is a part of a host, another machine may run on the other thread of a core: everything on it then takes 1.7 times as
// long (H200, 2026-11-28: on half of 16 processors at a time, other ones ten milliseconds later). So the lower quartile is what a launch takes.
double quiet(const Times &times) { return times[times.size() / 4]; }

Times measure(const std::function<void()> &launch, const std::function<void()> &wait) {
  constexpr int kRounds = 3, kWarmUps = 2, kBatches = 8, kLaunches = 200;
  auto medianHere = [&] {
    std::vector<double> batches;
    for (int i = -kWarmUps; i < kBatches; ++i) {
      wait();
      auto start = Clock::now();
      for (int j = 0; j < kLaunches; ++j)
        launch();
      double time = std::chrono::duration<double, std::micro>(Clock::now() - start).count() / kLaunches;
      if (i >= 0)
        batches.push_back(time);
    }
    wait();
    std::nth_element(batches.begin(), batches.begin() + kBatches / 2, batches.end());
    return batches[kBatches / 2];
  };
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  sched_getaffinity(0, sizeof allowed, &allowed);
  Times times;
  for (int round = 0; round < kRounds; ++round)
    for (size_t p = 0; p < CPU_SETSIZE; ++p) {
      cpu_set_t one;
      CPU_ZERO(&one);
      CPU_SET(p, &one);
      if (CPU_ISSET(p, &allowed) && sched_setaffinity(0, sizeof one, &one) == 0)
        times.push_back(medianHere());
    }
  sched_setaffinity(0, sizeof allowed, &allowed);
  if (times.empty())
    times.push_back(medianHere());
  std::sort(times.begin(), times.end());
  return times;
}

// Microseconds a launch of an empty kernel of four parameters by the driver, in the context that the runtime made current: what no program launches faster
// than on this host at this time. Empty: there is no libcuda, or it refused.
struct DriverAlone {
  Times launch; // cuLaunchKernel
  Times graph;  // cuGraphLaunch of a graph with that kernel alone
};

DriverAlone driverAlone() {
  DriverAlone alone;
  void *cuda = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!cuda)
    return alone;
  auto get = [&](auto &function, const char *name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(cuda, name));
    return function != nullptr;
  };
  int (*init)(unsigned), (*retain)(void **, int), (*current)(void *), (*load)(void **, const void *),
      (*find)(void **, void *, const char *), (*synchronize)();
  int (*launch)(void *, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void *, void **, void **);
  int (*makeStream)(void **, unsigned), (*beginCapture)(void *, int), (*endCapture)(void *, void **),
      (*instantiate)(void **, void *, unsigned long long), (*launchGraph)(void *, void *);
  if (!get(init, "cuInit") || !get(retain, "cuDevicePrimaryCtxRetain") || !get(current, "cuCtxSetCurrent") ||
      !get(load, "cuModuleLoadData") || !get(find, "cuModuleGetFunction") || !get(synchronize, "cuCtxSynchronize") ||
      !get(launch, "cuLaunchKernel") || !get(makeStream, "cuStreamCreate") ||
      !get(beginCapture, "cuStreamBeginCapture_v2") || !get(endCapture, "cuStreamEndCapture") ||
      !get(instantiate, "cuGraphInstantiateWithFlags") || !get(launchGraph, "cuGraphLaunch"))
    return alone;
  void *context = nullptr, *module = nullptr, *function = nullptr, *stream = nullptr, *graph = nullptr, *exec = nullptr;
  const char *text =
      ".version 6.4\n.target sm_75\n.address_size 64\n.visible .entry nothing(.param .u64 a, .param .u64 b, "
      ".param .u64 c, .param .u32 n) { ret; }\n";
  if (init(0) || retain(&context, 0) || current(context) || load(&module, text) || find(&function, module, "nothing") ||
      makeStream(&stream, 1))
    return alone;
  uint64_t pointers[3] = {};
  int count = 1024;
  void *parameters[] = {&pointers[0], &pointers[1], &pointers[2], &count};
  alone.launch =
      measure([&] { launch(function, 1, 1, 1, 128, 1, 1, 0, stream, parameters, nullptr); }, [&] { synchronize(); });
  if (beginCapture(stream, 0) || launch(function, 1, 1, 1, 128, 1, 1, 0, stream, parameters, nullptr) ||
      endCapture(stream, &graph) || instantiate(&exec, graph, 0))
    return alone;
  alone.graph = measure([&] { launchGraph(exec, stream); }, [&] { synchronize(); });
  return alone;
}

// changing: integers are other ones at each launch, all multiples of 16, as the kernel may be made for such.
Times throughTheRuntime(TsrDevice *device, const char *file, bool changing) {
  TsrModule *module = nullptr;
  TsrStream *stream = nullptr;
  TsrBuffer *buffer = nullptr;
  check(tsr_module_load_file(device, file, &module), file);
  check(tsr_stream_create(device, 0, 0, &stream), "a stream");
  check(tsr_buffer_create(device, 4096, &buffer), "a buffer");
  TsrKernel *kernel = tsr_module_kernel_at(module, 0);
  const TsrKernelInfo *info = tsr_kernel_describe(kernel);
  std::vector<TsrArgument> arguments;
  for (uint32_t i = 0; i < info->n_parameters; ++i)
    arguments.push_back(info->parameters[i].kind == TSR_KIND_POINTER ? tsr_arg_buffer(buffer)
                        : info->parameters[i].kind == TSR_KIND_INT   ? tsr_arg_int(1024)
                                                                     : tsr_arg_float(1));
  const int32_t grid[3] = {1, 1, 1};
  int64_t number = 1024;
  Times times = measure(
      [&] {
        if (changing)
          for (uint32_t i = 0; i < info->n_parameters; ++i)
            if (info->parameters[i].kind == TSR_KIND_INT)
              arguments[i] = tsr_arg_int(number += 16);
        check(tsr_kernel_launch(kernel, stream, grid, arguments.data(), static_cast<uint32_t>(arguments.size())),
              "a launch");
      },
      [&] { check(tsr_stream_sync(stream), "a stream's end"); });
  tsr_buffer_destroy(buffer);
  tsr_stream_destroy(stream);
  tsr_module_unload(module);
  return times;
}

} // namespace

int main(int argc, char **argv) {
  TsrDevice *device = nullptr;
  const char *which = std::getenv("TESSERA_DEVICE");
  check(tsr_device_open(which ? which : "nvidia", nullptr, 0, &device), "the device");
  std::string line = "{", medians;
  auto add = [&](const std::string &name, const Times &times) {
    if (times.empty())
      return;
    line += "\"" + name + "\": " + std::to_string(quiet(times)) + ", ";
    medians += (medians.empty() ? "\"" : ", \"") + name + "\": [";
    for (size_t i = 0; i < times.size(); ++i)
      medians += (i ? ", " : "") + std::to_string(times[i]);
    medians += "]";
  };
  for (int i = 1; i < argc; ++i)
    for (bool changing : {false, true})
      add(std::filesystem::path(argv[i]).stem().string() + (changing ? " changing" : ""),
          throughTheRuntime(device, argv[i], changing));
  DriverAlone alone = driverAlone();
  add("driver", alone.launch);
  add("driver graph", alone.graph);
  std::puts((line + "\"medians\": {" + medians + "}}").c_str());
  check(tsr_device_close(device), "the device's end");
  return 0;
}
