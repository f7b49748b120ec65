// Stream.cpp - queues and events
//
// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/driver/Stream.h"

#include "backends/cpu/driver/Failure.h"

#include <algorithm>
#include <chrono>

namespace tessera::cpu {

Stream::Stream(Device &device, bool queued) : device_(device), queued_(queued) {
  if (queued_)
    thread_ = std::thread([this] { serve(); });
}

Stream::~Stream() {
  if (!queued_)
    return;
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

tsr_status Stream::sticky() const {
  tsr_status status = status_.load(std::memory_order_acquire);
  return status == TSR_OK ? TSR_OK : fail(status, error_);
}

tsr_status Stream::stick(tsr_status status) {
  // Only one thread works on a stream at a time, so only one stores.
  if (status < 0 && status_.load(std::memory_order_relaxed) == TSR_OK) {
    error_ = lastErrorText();
    status_.store(status, std::memory_order_release);
  }
  return status;
}

void Stream::enqueue(std::function<tsr_status()> work, bool always) {
  {
    std::lock_guard lock(mutex_);
    items_.push_back({std::move(work), always});
  }
  wake_.notify_one();
}

void Stream::serve() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stop_ || !items_.empty(); });
    if (items_.empty())
      return;
    Item item = std::move(items_.front());
    items_.pop_front();
    busy_ = true;
    lock.unlock();
    if (item.always || status_.load(std::memory_order_relaxed) == TSR_OK) {
      try {
        if (tsr_status status = item.work(); status < 0)
          stick(status);
      } catch (const std::exception &e) {
        stick(fail(TSR_E_INTERNAL, e.what()));
      }
    }
    item.work = nullptr; // its arguments may free memory: not under the lock
    lock.lock();
    busy_ = false;
    if (items_.empty())
      idle_.notify_all();
  }
}

tsr_status Stream::sync() {
  if (queued_) {
    std::unique_lock lock(mutex_);
    idle_.wait(lock, [this] { return items_.empty() && !busy_; });
  }
  return sticky();
}

tsr_status Stream::query() {
  if (tsr_status status = sticky(); status != TSR_OK)
    return status;
  if (!queued_)
    return TSR_OK;
  std::lock_guard lock(mutex_);
  return items_.empty() && !busy_ ? TSR_OK : TSR_NOT_READY;
}

uint64_t Event::ask() {
  std::lock_guard lock(mutex);
  return ++recorded;
}

void Event::reach(uint64_t which) {
  std::lock_guard lock(mutex);
  done = std::max(done, which);
  ns = static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
          .count());
  reached.notify_all();
}

void Event::wait(uint64_t which) {
  std::unique_lock lock(mutex);
  reached.wait(lock, [&] { return done >= which; });
}

} // namespace tessera::cpu
