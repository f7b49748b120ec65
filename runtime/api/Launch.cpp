// Launch.cpp - from a call to a driver's launch: no allocation, no lock
//
// SPDX-License-Identifier: Apache-2.0
#include "runtime/api/Objects.h"
#include "runtime/launch/Arguments.h"

#include <cstring>

using namespace tessera::runtime;
using tessera::plugin::contain;

// Arguments of nearly every kernel fit; the others take the heap.
static constexpr size_t kInlineBytes = 512, kInlineArguments = 64;

static tsr_status badGrid(const TsrKernel &k, const int32_t grid[3]) {
  return guarded([&] {
    return failed(TSR_E_INVALID, "the grid of kernel `" + k.info.name + "` is (" + std::to_string(grid[0]) + ", " +
                                     std::to_string(grid[1]) + ", " + std::to_string(grid[2]) + "): a negative size");
  });
}

// Whoever owns the stream waits for it by the vendor's own call, of which nobody here hears. Captured work prints nothing yet.
static tsr_status waitForPrints(TsrDevice &device, TsrStream *stream) {
  return guarded([&] {
    tsr_status status = contain([&] { return device.driver->stream_sync(stream->handle); });
    if (status < 0 && status != TSR_E_CAPTURE)
      return device.failedIn("launch", status, nullptr, stream, true);
    device.fetchMessages();
    return TSR_OK;
  });
}

static tsr_status launchPacked(TsrKernel &k, TsrStream *stream, const int32_t grid[3], const void *packed) {
  TsrDevice &device = *k.device;
  if (stream && stream->device.get() != &device)
    return failed(TSR_E_INVALID, "the stream belongs to another device than the kernel");
  if ((grid[0] | grid[1] | grid[2]) < 0)
    return badGrid(k, grid);
  if (grid[0] == 0 || grid[1] == 0 || grid[2] == 0)
    return TSR_OK;
  tsr_launch l = {};
  l.h.size = sizeof(l);
  for (int d = 0; d < 3; ++d) {
    l.grid[d] = static_cast<uint32_t>(grid[d]);
    l.block[d] = k.info.block[d];
    l.cluster[d] = k.info.cluster[d];
  }
  l.smem_dynamic = static_cast<uint32_t>(k.info.sharedDynamic);
  l.args = packed;
  l.arg_bytes = k.info.argBytes;
  tsr_status status = contain([&] { return device.driver->launch(device.launchStream(stream), k.handle, &l); });
  if (__builtin_expect(status >= 0 && stream && stream->wrapped && (k.info.flags & TSR_KERNEL_PRINTS), 0))
    return waitForPrints(device, stream);
  if (status >= 0)
    return TSR_OK;
  return guarded([&] { return device.failedIn("launch", status, nullptr, stream, true); });
}

tsr_status tsr_kernel_launch_packed(TsrKernel *kernel, TsrStream *stream, const int32_t grid[3], const void *arguments,
                                    uint64_t bytes) {
  if (!kernel || !grid || (bytes && !arguments))
    return nullArgument("kernel, grid or arguments");
  if (bytes != kernel->info.argBytes)
    return guarded([&] {
      return failed(TSR_E_INVALID, "kernel `" + kernel->info.name + "` takes " + std::to_string(kernel->info.argBytes) +
                                       " bytes of arguments, " + std::to_string(bytes) + " were given");
    });
  return launchPacked(*kernel, stream, grid, arguments);
}

static bool convert(const TsrKernel &k, const TsrArgument &from, ArgumentValue &to) {
  switch (from.kind) {
  case TSR_ARG_IS_BUFFER:
    to = ArgumentValue::address(from.value.buffer ? from.value.buffer->address : 0);
    return !from.value.buffer || from.value.buffer->device.get() == k.device;
  case TSR_ARG_IS_ADDRESS:
    to = ArgumentValue::address(from.value.address);
    return true;
  case TSR_ARG_IS_INT:
    to = ArgumentValue::integer(from.value.i);
    return true;
  case TSR_ARG_IS_UINT:
    to = ArgumentValue::unsignedInteger(from.value.u);
    return true;
  case TSR_ARG_IS_FLOAT:
    to = ArgumentValue::number(from.value.f);
    return true;
  default:
    return false;
  }
}

static tsr_status packAndLaunch(TsrKernel &k, TsrStream *stream, const int32_t grid[3], const TsrArgument *arguments,
                                uint32_t n, ArgumentValue *values, unsigned char *packed) {
  for (uint32_t i = 0; i < n; ++i)
    if (!convert(k, arguments[i], values[i]))
      return guarded([&] {
        return failed(TSR_E_INVALID,
                      "argument " + std::to_string(i + 1) + " of kernel `" + k.info.name + "` " +
                          (arguments[i].kind == TSR_ARG_IS_BUFFER ? "is a buffer of another device"
                                                                  : "is not made by a tsr_arg_ function"));
      });
  std::memset(packed, 0, k.info.argBytes);
  std::string why;
  if (!packArguments(k.info, values, n, packed, why))
    return failed(TSR_E_INVALID, std::move(why));
  return launchPacked(k, stream, grid, packed);
}

tsr_status tsr_kernel_launch(TsrKernel *kernel, TsrStream *stream, const int32_t grid[3], const TsrArgument *arguments,
                             uint32_t n_arguments) {
  if (!kernel || !grid || (n_arguments && !arguments))
    return nullArgument("kernel, grid or arguments");
  if (n_arguments <= kInlineArguments && kernel->info.argBytes <= kInlineBytes) {
    ArgumentValue values[kInlineArguments];
    alignas(16) unsigned char packed[kInlineBytes];
    return packAndLaunch(*kernel, stream, grid, arguments, n_arguments, values, packed);
  }
  return guarded([&] {
    std::vector<ArgumentValue> values(n_arguments);
    std::vector<unsigned char> packed(kernel->info.argBytes + 1);
    return packAndLaunch(*kernel, stream, grid, arguments, n_arguments, values.data(), packed.data());
  });
}
