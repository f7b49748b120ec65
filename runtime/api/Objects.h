// Objects.h - what is behind the handles of tessera.h
//
// SPDX-License-Identifier: Apache-2.0
//
// A device is counted: every object that was made from it holds it. The other objects have one owner, the caller.
#pragma once

#include "plugins/abi/plugin.h"
#include "plugins/loader/Library.h"
#include "runtime/api/LastError.h"
#include "runtime/api/tessera.h"
#include "runtime/launch/CompiledModule.h"

#include <atomic>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

struct TsrDevice {
  const tsr_plugin_api *plugin = nullptr;
  const tsr_driver_api *driver = nullptr;
  tsr_device *handle = nullptr;
  std::string pluginName, name, target;
  uint32_t ordinal = 0;
  uint64_t memoryBytes = 0, cacheBytes = 0;
  uint32_t units = 0;
  bool hostMemory = false;

  // Where the default stream's copies go, and its launches too where the device is asynchronous. A device that works on host
  // memory is launched without a stream: done on return, no state, so any number of threads may do it at once.
  std::atomic<tsr_stream *> defaultStream{nullptr};
  std::mutex mutex; // guards broken, messages, print
  std::vector<tsr_stream *> broken;
  std::vector<std::string> messages; // failures that were fetched and that nobody asked for yet
  void (*print)(void *user, const char *text, uint64_t bytes) = nullptr;
  void *printUser = nullptr;

  std::atomic<uint32_t> references{1};
  void keep() { references.fetch_add(1, std::memory_order_relaxed); }
  void drop();

  tsr_stream *workStream(const TsrStream *stream) const;   // for copies, fills, syncs
  tsr_stream *launchStream(const TsrStream *stream) const; // for launches and events
  // Shows what was printed; keeps what failed for the call that fails of it.
  void fetchMessages();
  // Keeps the error of a driver call, with everything the driver has said about it, and gives the status back. `what` starts
  // the message where the driver gave none. `stream`: where the call worked; a broken default stream is replaced.
  tsr_status failedIn(const char *what, tsr_status status, const tessera::plugin::MessageSink *sink = nullptr,
                      const TsrStream *stream = nullptr, bool onStream = false);
};

// Holds a device while an object lives.
class DeviceReference {
public:
  explicit DeviceReference(TsrDevice *device) : device_(device) { device_->keep(); }
  ~DeviceReference() { device_->drop(); }
  DeviceReference(const DeviceReference &) = delete;
  DeviceReference &operator=(const DeviceReference &) = delete;
  TsrDevice *operator->() const { return device_; }
  TsrDevice &operator*() const { return *device_; }
  TsrDevice *get() const { return device_; }

private:
  TsrDevice *device_;
};

struct TsrStream {
  explicit TsrStream(TsrDevice *d) : device(d) {}
  DeviceReference device;
  tsr_stream *handle = nullptr;
  bool wrapped = false; // somebody else's
};

inline tsr_stream *TsrDevice::workStream(const TsrStream *stream) const {
  return stream ? stream->handle : defaultStream.load(std::memory_order_acquire);
}
inline tsr_stream *TsrDevice::launchStream(const TsrStream *stream) const {
  return stream ? stream->handle : hostMemory ? nullptr : defaultStream.load(std::memory_order_acquire);
}

struct TsrEvent {
  explicit TsrEvent(TsrDevice *d) : device(d) {}
  DeviceReference device;
  tsr_event *handle = nullptr;
};

struct TsrBuffer {
  explicit TsrBuffer(TsrDevice *d) : device(d) {}
  DeviceReference device;
  uint64_t address = 0, bytes = 0;
  bool owned = true;
};

struct TsrKernel {
  TsrDevice *device = nullptr; // the module holds it
  tsr_kernel *handle = nullptr;
  tessera::runtime::KernelInfo info;
  TsrKernelInfo described = {};
  std::vector<TsrParameter> parameters;
};

struct TsrModule {
  explicit TsrModule(TsrDevice *d) : device(d) {}
  ~TsrModule();
  DeviceReference device;
  tsr_module *handle = nullptr;
  std::deque<TsrKernel> kernels;
};

namespace tessera::runtime {

// As tsr_module_load, for a module that was just compiled in this process.
tsr_status loadModule(TsrDevice *device, const CompiledModule &compiled, TsrModule **out);

} // namespace tessera::runtime
