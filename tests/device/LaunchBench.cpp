// LaunchBench.cpp - what a launch costs the host on a device: by the C interface, and by the driver alone
//
// SPDX-License-Identifier: Apache-2.0
//
// usage: device-launch-bench FILE…       kernels of one artifact each (tessera compile --emit=artifact), which touch no memory
// Prints one line of JSON: microseconds a launch by file name; the same with " changing" behind the name, a number being another one at each
// launch; and "driver": cuLaunchKernel of an empty kernel of four parameters. Each is the
// median of 50 batches of 200 launches, which the queue of a device holds; the device is awaited between batches, outside of the time.
#include "runtime/api/tessera.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>
#include <filesystem>
#include <functional>
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

double microseconds(const std::function<void()> &launch, const std::function<void()> &wait) {
  constexpr int kBatches = 50, kLaunches = 200;
  std::vector<double> batches;
  for (int i = 0; i <= kBatches; ++i) { // the first one warms up
    wait();
    auto start = Clock::now();
    for (int j = 0; j < kLaunches; ++j)
      launch();
    batches.push_back(std::chrono::duration<double, std::micro>(Clock::now() - start).count() / kLaunches);
  }
  batches.erase(batches.begin());
  std::nth_element(batches.begin(), batches.begin() + kBatches / 2, batches.end());
  wait();
  return batches[kBatches / 2];
}

// The driver's own part, in the context that the runtime made current; below 0: there is no libcuda.
double driverAlone() {
  void *cuda = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!cuda)
    return -1;
  auto get = [&](auto &function, const char *name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(cuda, name));
    return function != nullptr;
  };
  int (*init)(unsigned), (*retain)(void **, int), (*current)(void *), (*load)(void **, const void *),
      (*find)(void **, void *, const char *), (*synchronize)();
  int (*launch)(void *, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void *, void **, void **);
  if (!get(init, "cuInit") || !get(retain, "cuDevicePrimaryCtxRetain") || !get(current, "cuCtxSetCurrent") ||
      !get(load, "cuModuleLoadData") || !get(find, "cuModuleGetFunction") || !get(synchronize, "cuCtxSynchronize") ||
      !get(launch, "cuLaunchKernel"))
    return -1;
  void *context = nullptr, *module = nullptr, *function = nullptr;
  const char *text =
      ".version 6.4\n.target sm_75\n.address_size 64\n.visible .entry nothing(.param .u64 a, .param .u64 b, "
      ".param .u64 c, .param .u32 n) { ret; }\n";
  if (init(0) || retain(&context, 0) || current(context) || load(&module, text) || find(&function, module, "nothing"))
    return -1;
  uint64_t pointers[3] = {};
  int count = 1024;
  void *parameters[] = {&pointers[0], &pointers[1], &pointers[2], &count};
  return microseconds([&] { launch(function, 1, 1, 1, 128, 1, 1, 0, nullptr, parameters, nullptr); },
                      [&] { synchronize(); });
}

// changing: integers are other ones at each launch, all multiples of 16, as the kernel may be made for such.
double throughTheRuntime(TsrDevice *device, const char *file, bool changing) {
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
  double time = microseconds(
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
  return time;
}

} // namespace

int main(int argc, char **argv) {
  TsrDevice *device = nullptr;
  const char *which = std::getenv("TESSERA_DEVICE");
  check(tsr_device_open(which ? which : "nvidia", nullptr, 0, &device), "the device");
  std::string line = "{";
  for (int i = 1; i < argc; ++i)
    for (bool changing : {false, true})
      line += "\"" + std::filesystem::path(argv[i]).stem().string() + (changing ? " changing" : "") +
              "\": " + std::to_string(throughTheRuntime(device, argv[i], changing)) + ", ";
  if (double alone = driverAlone(); alone >= 0)
    line += "\"driver\": " + std::to_string(alone) + ", ";
  std::puts((line.substr(0, line.size() - (line.size() > 2 ? 2 : 0)) + "}").c_str());
  check(tsr_device_close(device), "the device's end");
  return 0;
}
