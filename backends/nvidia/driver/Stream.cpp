// Stream.cpp - waiting, sticky failures, events
// SPDX-License-Identifier: Apache-2.0
#include "backends/nvidia/driver/Stream.h"

#include <algorithm>
#include <cmath>

namespace tessera::nvidia {

NvidiaStream::NvidiaStream(NvidiaDevice &device, cu::StreamId handle, uint64_t native, bool owned)
    : device_(device), handle_(handle), native_(native), owned_(owned),
      launchGraphs_(device, handle, device.launchGraphPolicy()) {
  device_.add(this);
}

NvidiaStream::~NvidiaStream() {
  const cu::Api &api = device_.api();
  ContextScope scope(api, device_.context());
  if (capture_ && !capture_->streams.empty() && capture_->streams.front() == this) {
    cu::GraphId graph = nullptr;
    if (api.cuStreamEndCapture(handle_, &graph) == cu::kSuccess && graph)
      api.cuGraphDestroy(graph);
    device_.captureEnded(capture_->mode);
    for (NvidiaStream *s : std::vector<NvidiaStream *>(capture_->streams))
      s->capture_ = nullptr;
  } else if (capture_) {
    std::erase(capture_->streams, this);
  }
  if (owned_) {
    if (!device_.isLost())
      api.cuStreamSynchronize(handle_);
    api.cuStreamDestroy(handle_);
  }
  device_.remove(this);
}

void NvidiaStream::remember(const std::string *kernel) {
  for (size_t i = recent_.size() - 1; i > 0; --i)
    recent_[i].store(recent_[i - 1].load(std::memory_order_relaxed), std::memory_order_relaxed);
  recent_[0].store(kernel, std::memory_order_relaxed);
}

std::vector<const std::string *> NvidiaStream::recentKernels() const {
  std::vector<const std::string *> names;
  for (const auto &r : recent_)
    if (const std::string *n = r.load(std::memory_order_relaxed))
      if (std::find(names.begin(), names.end(), n) == names.end())
        names.push_back(n);
  return names;
}

void NvidiaStream::forgetKernels() {
  for (auto &r : recent_)
    r.store(nullptr, std::memory_order_relaxed);
}

void NvidiaStream::throwSticky() const {
  std::lock_guard lock(mutex_);
  throw sdk::Error(stickyStatus_, stickyText_);
}

void NvidiaStream::stick(tsr_status status, const std::string &text) {
  std::lock_guard lock(mutex_);
  if (failed_)
    return;
  stickyStatus_ = status;
  stickyText_ = text;
  failed_.store(true, std::memory_order_release);
}

void NvidiaStream::refuseWhileCapturing(const char *what) const {
  bool capturing = capture_ != nullptr;
  if (!capturing && !owned_) { // a framework may be capturing its own stream
    int status = 0;
    ContextScope scope(device_.api(), device_.context());
    capturing = device_.api().cuStreamIsCapturing(handle_, &status) == cu::kSuccess && status != 0;
  }
  if (capturing)
    throw sdk::Error(TSR_E_CAPTURE,
                     std::string(what) + " is not legal while the stream is being captured: end the capture first");
}

// A kernel that ends its thread at a failed assertion leaves the device as it was; the failure is told all the same.
void NvidiaStream::reportAssertion() {
  device_.messages().collect();
  std::optional<FailedAssertion> a = device_.messages().takeAssertion();
  if (!a)
    return;
  stick(TSR_E_ASSERT, a->sentence());
  throwSticky();
}

void NvidiaStream::sync() {
  device_.throwIfLost(this);
  refuseWhileCapturing("stream_sync");
  {
    ContextScope scope(device_.api(), device_.context());
    device_.check(device_.api().cuStreamSynchronize(handle_), "waiting for a stream", this);
  }
  reportAssertion();
  forgetKernels();
}

bool NvidiaStream::ready() {
  device_.throwIfLost(this);
  refuseWhileCapturing("stream_query");
  cu::Result r;
  {
    ContextScope scope(device_.api(), device_.context());
    r = device_.api().cuStreamQuery(handle_);
  }
  if (r == cu::kNotReady)
    return false;
  device_.check(r, "asking a stream", this);
  reportAssertion();
  forgetKernels();
  return true;
}

NvidiaEvent::~NvidiaEvent() {
  ContextScope scope(device_.api(), device_.context());
  device_.api().cuEventDestroy(handle_);
}

void NvidiaEvent::record(sdk::Stream &s) {
  auto &stream = static_cast<NvidiaStream &>(s);
  device_.throwIfLost(&stream);
  ContextScope scope(device_.api(), device_.context());
  device_.check(device_.api().cuEventRecord(handle_, stream.handle()), "an event cannot be recorded", &stream);
  recorded_ = true;
  capture_ = stream.capture();
  captured_ = stream.capture() != nullptr;
}

void NvidiaEvent::wait(sdk::Stream &s) {
  auto &stream = static_cast<NvidiaStream &>(s);
  stream.device().throwIfLost(&stream);
  if (!recorded_)
    return; // nothing to wait for
  ContextScope scope(stream.device().api(), stream.device().context());
  stream.device().check(device_.api().cuStreamWaitEvent(stream.handle(), handle_, 0),
                        "a stream cannot wait for an event", &stream);
  // Waiting for a captured event takes the stream into the capture.
  if (std::shared_ptr<Capture> capture = capture_.lock(); capture && !stream.capture())
    stream.join(capture);
}

void NvidiaEvent::refuseWhileCapturing(const char *what) const {
  if (captured_)
    throw sdk::Error(TSR_E_CAPTURE, std::string(what) + " is not legal for an event that was last recorded in a " +
                                        "capture: record it again outside of one");
}

bool NvidiaEvent::ready() {
  device_.throwIfLost(nullptr);
  refuseWhileCapturing("event_query");
  if (!recorded_)
    return true;
  ContextScope scope(device_.api(), device_.context());
  cu::Result r = device_.api().cuEventQuery(handle_);
  if (r == cu::kNotReady)
    return false;
  device_.check(r, "asking an event");
  return true;
}

uint64_t NvidiaEvent::nanosecondsSince(sdk::Event &other) {
  auto &start = static_cast<NvidiaEvent &>(other);
  device_.throwIfLost(nullptr);
  refuseWhileCapturing("event_elapsed_ns");
  start.refuseWhileCapturing("event_elapsed_ns");
  if (!recorded_ || !start.recorded_)
    throw sdk::Error(TSR_E_INVALID, "an event of the pair was never recorded");
  float milliseconds = 0;
  ContextScope scope(device_.api(), device_.context());
  cu::Result r = device_.api().cuEventElapsedTime(&milliseconds, start.handle_, handle_);
  if (r == cu::kNotReady)
    throw sdk::Error(TSR_E_INVALID, "an event of the pair has not happened yet: wait for its stream first");
  device_.check(r, "the time between two events cannot be read");
  return milliseconds > 0 ? static_cast<uint64_t>(std::llround(double(milliseconds) * 1e6)) : 0;
}

} // namespace tessera::nvidia
