// Device.h - one open device: its primary context, what it shares among streams, and what happens when it is lost
//
// SPDX-License-Identifier: Apache-2.0
//
// The primary context is the one that frameworks use, so addresses and streams can be exchanged with them. It is made current
// around each call only (ContextScope): the caller's current context is what it was. Thread-safe as the ABI asks (R7).
//
// Options of device_open:
//   message_bytes   size of the ring that device prints and assertions go through, rounded up to a power of two; default 4 MiB
//   launch_graphs   "never": every launch is a call of cuLaunchKernelEx; "idle": launches go by graphs of one kernel where the device is found to wait
//                   (LaunchGraphs.h), the default, but where CUDA_INJECTION64_PATH names a tool, which shows kernels by their launches; "always"
#pragma once

#include "backends/nvidia/driver/Api.h"
#include "backends/nvidia/driver/Memory.h"
#include "backends/nvidia/driver/Messages.h"
#include "plugins/sdk/Driver.hpp"

#include <atomic>
#include <mutex>
#include <set>

namespace tessera::nvidia {

class NvidiaKernel;
class NvidiaStream;
enum class LaunchGraphPolicy : uint8_t;

// The device's context is current while this lives. Costs one call where it was current before.
class ContextScope {
public:
  ContextScope(const cu::Api &api, cu::Context context) : api_(api) {
    cu::Context current = nullptr;
    api_.cuCtxGetCurrent(&current);
    if (current != context)
      pushed_ = api_.cuCtxPushCurrent(context) == cu::kSuccess;
  }
  ~ContextScope() {
    cu::Context popped = nullptr;
    if (pushed_)
      api_.cuCtxPopCurrent(&popped);
  }
  ContextScope(const ContextScope &) = delete;
  ContextScope &operator=(const ContextScope &) = delete;

private:
  const cu::Api &api_;
  bool pushed_ = false;
};

// Limits that launches are checked against, read once.
struct DeviceLimits {
  uint32_t gridX = 0, gridY = 0, gridZ = 0, threads = 0;
  uint32_t sharedOptIn = 0; // bytes of a program
  uint32_t capability = 0;  // 10 * major + minor
  uint32_t units = 0;       // multiprocessors
  bool cooperative = false, clusters = false, tensorMaps = false, pools = false;
  bool overlaps = false; // a kernel may be started before the one ahead of it has ended
};

class NvidiaDevice final : public sdk::Device, sdk::Launcher {
public:
  // Throws Unavailable (another process has it for itself), Unsupported (too old), OOM_DEVICE.
  NvidiaDevice(std::shared_ptr<const cu::Api> api, uint32_t ordinal, const sdk::DeviceInfo &info,
               const sdk::Options &options);
  ~NvidiaDevice() override;

  sdk::Memory &memory() override { return *memory_; }
  sdk::Launcher &launcher() override { return *this; }
  std::unique_ptr<sdk::Stream> createStream(int32_t priority, uint32_t flags) override;
  std::unique_ptr<sdk::Stream> wrapStream(uint64_t native) override;
  std::unique_ptr<sdk::Module> loadModule(const void *artifact, uint64_t bytes, const sdk::Sink &sink) override;
  std::unique_ptr<sdk::Event> createEvent(uint32_t flags) override;
  void drainMessages(const sdk::Sink &sink) override;
  std::string encodeDescriptor(const sdk::Options &fields) override;
  void launch(sdk::Stream &stream, sdk::Kernel &kernel, const tsr_launch &launch) override;

  const cu::Api &api() const { return *api_; }
  cu::Context context() const { return context_; }
  cu::DeviceId id() const { return id_; }
  const DeviceLimits &limits() const { return limits_; }
  const std::string &title() const { return title_; } // "NVIDIA device 0 (NVIDIA H200)"
  const std::string &target() const { return target_; }
  Messages &messages() { return messages_; }
  // For the driver's own copies; nothing of a caller's runs on it. Serialise with serviceMutex().
  cu::StreamId service() const { return service_; }
  std::mutex &serviceMutex() { return serviceMutex_; }
  // One string a name, alive as long as the device: what streams remember of the kernels they ran.
  const std::string *intern(const std::string &kernelName);

  // Throws what the stream, or the device, died of. `stream` may be NULL.
  void throwIfLost(const NvidiaStream *stream) const;
  // Nothing on success. A failure that takes the context down marks the device lost and names the kernel; any other becomes
  // an error "<what>: <the driver's text>".
  void check(cu::Result result, const char *what, NvidiaStream *stream = nullptr) {
    if (__builtin_expect(result != cu::kSuccess, 0))
      fail(result, what, stream);
  }
  [[noreturn]] void fail(cu::Result result, const std::string &what, NvidiaStream *stream);
  bool isLost() const { return lost_.load(std::memory_order_acquire); }

  // Captures that forbid calls outside of the capturing stream: global ones in every thread, others in their own.
  void captureStarted(int mode);
  void captureEnded(int mode);
  // Throws CAPTURE while such a capture is on (R10).
  void refuseWhileCapturing(const char *what) const;

  LaunchGraphPolicy launchGraphPolicy() const { return launchGraphPolicy_; }
  // The kernel is about to be unloaded. The context is current.
  void forget(const NvidiaKernel &kernel);

  void add(NvidiaStream *stream);
  void remove(NvidiaStream *stream);

private:
  void readLimits();
  std::string culprits(const NvidiaStream *stream) const;

  std::shared_ptr<const cu::Api> api_;
  std::string title_, target_;
  cu::DeviceId id_ = 0;
  cu::Context context_ = nullptr;
  cu::StreamId service_ = nullptr;
  std::mutex serviceMutex_;
  DeviceLimits limits_;
  LaunchGraphPolicy launchGraphPolicy_;
  Messages messages_;
  std::unique_ptr<NvidiaMemory> memory_;
  std::atomic<int> globalCaptures_{0};

  std::atomic<bool> lost_{false};
  mutable std::mutex mutex_; // guards what follows
  std::string lostText_;
  std::set<NvidiaStream *> streams_;
  std::set<std::string> names_;
};

// The status that a failure means for the ABI; see plugin.h.
tsr_status statusOf(cu::Result result);
// Does this failure take the context down?
bool isSticky(cu::Result result);

} // namespace tessera::nvidia
