// Device.cpp - opening and closing, captures, and how a failure is told
// SPDX-License-Identifier: Apache-2.0
#include "backends/nvidia/driver/Device.h"

#include "backends/nvidia/driver/Module.h"
#include "backends/nvidia/driver/Stream.h"
#include "backends/nvidia/target/Architecture.h"

#include <algorithm>
#include <cstdlib>

namespace tessera::nvidia {

namespace {
// Captures that this thread began and that look at its other calls.
thread_local int capturesOfThread = 0;

constexpr uint64_t kDefaultMessageBytes = 4 << 20, kLeastMessageBytes = 4 << 10, kMostMessageBytes = 1 << 30;

uint64_t messageBytes(const sdk::Options &options) {
  int64_t wanted = options.integer("message_bytes", kDefaultMessageBytes);
  if (wanted < static_cast<int64_t>(kLeastMessageBytes) || wanted > static_cast<int64_t>(kMostMessageBytes))
    throw sdk::Error(TSR_E_INVALID, "option 'message_bytes' is " + std::to_string(wanted) + ", it wants " +
                                        std::to_string(kLeastMessageBytes) + " to " +
                                        std::to_string(kMostMessageBytes));
  uint64_t bytes = kLeastMessageBytes;
  while (bytes < static_cast<uint64_t>(wanted))
    bytes *= 2;
  return bytes;
}

LaunchGraphPolicy launchGraphPolicyOf(const sdk::Options &options) {
  std::string wanted = options.get("launch_graphs");
  if (wanted.empty())
    return std::getenv("CUDA_INJECTION64_PATH") ? LaunchGraphPolicy::Never : LaunchGraphPolicy::WhenIdle;
  if (wanted == "never")
    return LaunchGraphPolicy::Never;
  if (wanted == "idle")
    return LaunchGraphPolicy::WhenIdle;
  if (wanted == "always")
    return LaunchGraphPolicy::Always;
  throw sdk::Error(TSR_E_INVALID, "option 'launch_graphs' is '" + wanted + "', it wants never, idle or always");
}
} // namespace

bool isSticky(cu::Result result) {
  switch (result) {
  case cu::kEccUncorrectable:
  case cu::kNvlinkUncorrectable:
  case cu::kContained:
  case cu::kIllegalAddress:
  case cu::kLaunchTimeout:
  case cu::kContextDestroyed:
  case cu::kAssert:
  case cu::kHardwareStack:
  case cu::kIllegalInstruction:
  case cu::kMisaligned:
  case cu::kInvalidAddressSpace:
  case cu::kInvalidPc:
  case cu::kLaunchFailed:
  case cu::kTensorMemoryLeak:
    return true;
  default:
    return false;
  }
}

tsr_status statusOf(cu::Result result) {
  if (result >= cu::kCaptureFirst && result <= cu::kCaptureLast)
    return TSR_E_CAPTURE;
  switch (result) {
  case cu::kInvalidValue:
  case cu::kInvalidHandle:
    return TSR_E_INVALID;
  case cu::kOutOfMemory:
    return TSR_E_OOM_DEVICE;
  case cu::kNotInitialized:
  case cu::kDeviceUnavailable:
  case cu::kNoDevice:
  case cu::kSystemNotReady:
  case cu::kJitCompilerNotFound:
  case cu::kJitDisabled:
    return TSR_E_UNAVAILABLE;
  case cu::kInvalidImage:
  case cu::kNoBinary:
  case cu::kInvalidPtx:
  case cu::kUnsupportedPtx:
  case cu::kInvalidSource:
    return TSR_E_BAD_ARTIFACT;
  case cu::kNotFound:
    return TSR_E_NOT_FOUND;
  case cu::kNotSupported:
    return TSR_E_UNSUPPORTED;
  case cu::kOutOfResources:
  case cu::kCooperativeTooLarge:
  case cu::kInvalidCluster:
    return TSR_E_LAUNCH_FAILED;
  case cu::kEccUncorrectable:
  case cu::kNvlinkUncorrectable:
  case cu::kContextDestroyed:
  case cu::kInvalidContext:
  case cu::kContained:
    return TSR_E_DEVICE_LOST;
  default:
    return isSticky(result) ? TSR_E_LAUNCH_FAILED : TSR_E_INTERNAL;
  }
}

NvidiaDevice::NvidiaDevice(std::shared_ptr<const cu::Api> api, uint32_t ordinal, const sdk::DeviceInfo &info,
                           const sdk::Options &options)
    : api_(std::move(api)), title_("NVIDIA device " + std::to_string(ordinal) + " (" + info.name + ")"),
      target_(info.target), launchGraphPolicy_(launchGraphPolicyOf(options)), messages_(*this, messageBytes(options)) {
  auto must = [&](cu::Result r, const std::string &what) {
    if (r != cu::kSuccess)
      throw sdk::Error(statusOf(r), title_ + ": " + what + ": " + api_->describe(r));
  };
  must(api_->cuDeviceGet(&id_, static_cast<int>(ordinal)), "no handle");
  readLimits();
  const uint32_t least = capabilities().front().number;
  if (limits_.capability < least)
    throw sdk::Error(TSR_E_UNSUPPORTED, title_ + " has compute capability " + std::to_string(limits_.capability / 10) +
                                            "." + std::to_string(limits_.capability % 10) + "; " +
                                            std::to_string(least / 10) + "." + std::to_string(least % 10) +
                                            " is the least that this plugin drives");
  // After a fault of a kernel CUDA promises a working device to a new process only ("Data types used by CUDA driver", CUDA_ERROR_ILLEGAL_ADDRESS and
  // its like); with some drivers and faults a new context does.
  auto mustNotStay = [&](cu::Result r) {
    if (isSticky(r))
      throw sdk::Error(TSR_E_DEVICE_LOST, title_ + ": a kernel of this process took its context down (" +
                                              api_->describe(r) + "), and the driver makes no new one: start the " +
                                              "process again");
  };
  auto retain = [&] {
    cu::Result r = api_->cuDevicePrimaryCtxRetain(&context_, id_);
    mustNotStay(r);
    must(r, r == cu::kDeviceUnavailable ? "another process has it for itself" : "it cannot be opened");
  };
  auto begin = [&] {
    ContextScope scope(*api_, context_);
    return api_->cuStreamCreateWithPriority(&service_, cu::kStreamNonBlocking, 0);
  };
  retain();
  cu::Result r = begin();
  // A kernel of somebody else in this process took the context down before: nobody can use it any more, so start it anew.
  if (isSticky(r)) {
    sdk::log(TSR_SEV_WARNING, "nvidia", title_ + " was left in failure (" + api_->describe(r) + "): it is reset");
    api_->cuDevicePrimaryCtxRelease(id_);
    api_->cuDevicePrimaryCtxReset(id_);
    retain();
    r = begin();
  }
  if (r != cu::kSuccess) {
    api_->cuDevicePrimaryCtxRelease(id_);
    mustNotStay(r);
    must(r, "it cannot be opened");
  }
  memory_ = std::make_unique<NvidiaMemory>(*this);
}

void NvidiaDevice::readLimits() {
  auto attribute = [&](int which) {
    int value = 0;
    cu::Result r = api_->cuDeviceGetAttribute(&value, which, id_);
    if (r != cu::kSuccess)
      throw sdk::Error(statusOf(r), title_ + ": a property cannot be read: " + api_->describe(r));
    return static_cast<uint32_t>(value);
  };
  limits_.gridX = attribute(cu::kMaxGridX);
  limits_.gridY = attribute(cu::kMaxGridY);
  limits_.gridZ = attribute(cu::kMaxGridZ);
  limits_.threads = attribute(cu::kMaxThreads);
  limits_.sharedOptIn = attribute(cu::kSharedOptIn);
  limits_.capability = attribute(cu::kMajor) * 10 + attribute(cu::kMinor);
  // CUDA programming guide, "Programmatic Dependent Launch": 9.0 and later; in captures, which may be another library's, since CUDA 12.3.
  limits_.overlaps = limits_.capability >= 90 && api_->version() >= 12030;
  limits_.units = attribute(cu::kUnits);
  limits_.cooperative = attribute(cu::kCooperativeLaunch) != 0;
  limits_.clusters = attribute(cu::kClusterLaunch) != 0;
  limits_.tensorMaps = attribute(cu::kTensorMapAccess) != 0;
  limits_.pools = attribute(cu::kMemoryPools) != 0;
}

NvidiaDevice::~NvidiaDevice() {
  {
    ContextScope scope(*api_, context_);
    api_->cuStreamSynchronize(service_);
    messages_.close();
    memory_.reset();
    api_->cuStreamDestroy(service_);
  }
  api_->cuDevicePrimaryCtxRelease(id_);
}

std::unique_ptr<sdk::Stream> NvidiaDevice::createStream(int32_t priority, uint32_t flags) {
  if (flags & ~TSR_STREAM_QUEUE)
    throw sdk::Error(TSR_E_TOO_NEW, "unknown stream flags " + std::to_string(flags));
  throwIfLost(nullptr);
  refuseWhileCapturing("stream_create");
  ContextScope scope(*api_, context_);
  int least = 0, greatest = 0;
  check(api_->cuCtxGetStreamPriorityRange(&least, &greatest), "the range of priorities cannot be read");
  cu::StreamId handle = nullptr;
  check(api_->cuStreamCreateWithPriority(&handle, cu::kStreamNonBlocking, std::clamp<int>(priority, greatest, least)),
        "no stream can be made");
  return std::make_unique<NvidiaStream>(*this, handle, reinterpret_cast<uint64_t>(handle), true);
}

// 0 and CU_STREAM_LEGACY: the legacy default stream; CU_STREAM_PER_THREAD: the calling thread's.
std::unique_ptr<sdk::Stream> NvidiaDevice::wrapStream(uint64_t native) {
  throwIfLost(nullptr);
  uint64_t value = native == 0 ? cu::kStreamLegacy : native;
  auto *handle = reinterpret_cast<cu::StreamId>(value);
  if (value > cu::kStreamPerThread) {
    cu::Context owner = nullptr;
    ContextScope scope(*api_, context_);
    check(api_->cuStreamGetCtx(handle, &owner), "the stream to wrap is none");
    if (owner != context_)
      throw sdk::Error(TSR_E_INVALID, "the stream to wrap belongs to another device or context than " + title_);
  }
  return std::make_unique<NvidiaStream>(*this, handle, native, false);
}

std::unique_ptr<sdk::Module> NvidiaDevice::loadModule(const void *artifact, uint64_t bytes, const sdk::Sink &sink) {
  throwIfLost(nullptr);
  refuseWhileCapturing("module_load");
  return std::make_unique<NvidiaModule>(*this, artifact, bytes, sink);
}

std::unique_ptr<sdk::Event> NvidiaDevice::createEvent(uint32_t flags) {
  if (flags)
    throw sdk::Error(TSR_E_TOO_NEW, "unknown event flags " + std::to_string(flags));
  throwIfLost(nullptr);
  refuseWhileCapturing("event_create");
  ContextScope scope(*api_, context_);
  cu::EventId handle = nullptr;
  check(api_->cuEventCreate(&handle, 0), "no event can be made");
  return std::make_unique<NvidiaEvent>(*this, handle);
}

void NvidiaDevice::drainMessages(const sdk::Sink &sink) {
  messages_.collect(isLost());
  messages_.drain(sink);
}

const std::string *NvidiaDevice::intern(const std::string &kernelName) {
  std::lock_guard lock(mutex_);
  return &*names_.insert(kernelName).first;
}

void NvidiaDevice::add(NvidiaStream *stream) {
  std::lock_guard lock(mutex_);
  streams_.insert(stream);
}

void NvidiaDevice::remove(NvidiaStream *stream) {
  std::lock_guard lock(mutex_);
  streams_.erase(stream);
}

void NvidiaDevice::forget(const NvidiaKernel &kernel) {
  std::lock_guard lock(mutex_);
  for (NvidiaStream *s : streams_)
    s->launchGraphs().forget(kernel);
}

void NvidiaDevice::captureStarted(int mode) {
  if (mode == cu::kCaptureGlobal)
    ++globalCaptures_;
  else if (mode == cu::kCaptureThreadLocal)
    ++capturesOfThread;
}

void NvidiaDevice::captureEnded(int mode) {
  if (mode == cu::kCaptureGlobal)
    --globalCaptures_;
  else if (mode == cu::kCaptureThreadLocal)
    --capturesOfThread;
}

void NvidiaDevice::refuseWhileCapturing(const char *what) const {
  if (globalCaptures_.load(std::memory_order_relaxed) > 0 || capturesOfThread > 0)
    throw sdk::Error(TSR_E_CAPTURE, std::string(what) + " is not legal while a stream is being captured: end the "
                                                        "capture first");
}

// ---- failure -----------------------------------------------------------------------------------------------------------

void NvidiaDevice::throwIfLost(const NvidiaStream *stream) const {
  if (stream && stream->failed())
    stream->throwSticky();
  if (!isLost())
    return;
  std::lock_guard lock(mutex_);
  throw sdk::Error(TSR_E_DEVICE_LOST, title_ + " is lost since " + lostText_ + ": close it and open it again");
}

// "kernel 'a'", or the candidates. mutex_ is held.
std::string NvidiaDevice::culprits(const NvidiaStream *stream) const {
  // What ran on the stream that saw it first; where nothing did, what may still run on the others.
  std::vector<const std::string *> names;
  if (stream)
    names = stream->recentKernels();
  bool other = names.empty();
  for (const NvidiaStream *s : streams_)
    if (other && s != stream)
      for (const std::string *n : s->recentKernels())
        if (std::find(names.begin(), names.end(), n) == names.end())
          names.push_back(n);
  if (names.empty())
    return "work of another library in this process";
  std::string list;
  for (const std::string *n : names)
    list += (list.empty() ? "" : ", ") + ("'" + *n + "'");
  return names.size() == 1 ? "kernel " + list : "one of the kernels " + list + " (the latest first)";
}

void NvidiaDevice::fail(cu::Result result, const std::string &what, NvidiaStream *stream) {
  if (!isSticky(result)) {
    std::string advice;
    if (result == cu::kOutOfMemory)
      advice = ": free some memory and try again";
    throw sdk::Error(statusOf(result), title_ + ": " + what + ": " + api_->describe(result) + advice);
  }
  tsr_status status = statusOf(result);
  messages_.collect(true);
  std::optional<FailedAssertion> assertion = messages_.takeAssertion();
  std::string text;
  {
    std::lock_guard lock(mutex_);
    if (lost_) {
      text = title_ + " is lost since " + lostText_ + ": close it and open it again";
      status = TSR_E_DEVICE_LOST;
    } else {
      if (assertion) {
        status = TSR_E_ASSERT;
        lostText_ = assertion->sentence();
      } else if (status == TSR_E_LAUNCH_FAILED) {
        lostText_ = culprits(stream) + " failed: " + api_->describe(result);
      } else {
        lostText_ = "the hardware or its driver failed: " + api_->describe(result);
      }
      text = lostText_ + "; " + title_ + " is lost: close it and open it again";
      lost_.store(true, std::memory_order_release);
    }
  }
  if (stream)
    stream->stick(status, text);
  throw sdk::Error(status, text);
}

} // namespace tessera::nvidia
