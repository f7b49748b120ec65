// MockStream.cpp - queues, memory, events
// SPDX-License-Identifier: Apache-2.0
#include "plugins/mock/MockDriver.h"

#include <chrono>
#include <cstdlib>
#include <cstring>

namespace tessera::mock {

MockStream::MockStream(MockDevice &device) : device_(device) { device_.add(*this); }

MockStream::~MockStream() {
  device_.remove(*this);
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable())
    thread_.join();
}

void MockStream::queue(std::function<void()> work) {
  std::lock_guard lock(mutex_);
  if (!thread_.joinable())
    thread_ = std::thread([this] { this->work(); });
  queue_.push_back(std::move(work));
  wake_.notify_one();
}

void MockStream::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [&] { return stop_ || !queue_.empty(); });
    if (queue_.empty())
      return;
    std::function<void()> next = std::move(queue_.front());
    queue_.pop_front();
    if (sticky_ == TSR_OK) {
      busy_ = true;
      lock.unlock();
      tsr_status status = TSR_OK;
      std::string text;
      try {
        device_.delay();
        next();
      } catch (const sdk::Error &e) {
        status = e.status;
        text = e.what();
      } catch (const std::exception &e) {
        status = TSR_E_INTERNAL;
        text = e.what();
      }
      lock.lock();
      busy_ = false;
      if (status != TSR_OK) {
        sticky_ = status;
        stickyText_ = text;
      }
    }
    if (queue_.empty())
      idle_.notify_all();
  }
}

void MockStream::throwSticky() {
  if (sticky_ != TSR_OK)
    throw sdk::Error(sticky_, stickyText_);
}

void MockStream::drain() {
  std::unique_lock lock(mutex_);
  idle_.wait(lock, [&] { return queue_.empty() && !busy_; });
}

void MockStream::sync() {
  std::unique_lock lock(mutex_);
  idle_.wait(lock, [&] { return queue_.empty() && !busy_; });
  throwSticky();
}

bool MockStream::ready() {
  std::lock_guard lock(mutex_);
  throwSticky();
  return queue_.empty() && !busy_;
}

MockMemory::~MockMemory() {
  for (const auto &[address, bytes] : blocks_)
    std::free(reinterpret_cast<void *>(address));
}

uint64_t MockMemory::allocate(sdk::Stream *, uint64_t bytes, uint64_t align, uint32_t) {
  std::lock_guard lock(mutex_);
  if (++allocations_ == failAt_)
    throw sdk::Error(TSR_E_OOM_DEVICE, "out of memory (injected)");
  if (align < 16)
    align = 16;
  void *p = bytes > (uint64_t(4) << 30) ? nullptr : std::aligned_alloc(align, (bytes + align - 1) / align * align);
  if (!p)
    throw sdk::Error(TSR_E_OOM_DEVICE, "mock has no " + std::to_string(bytes) + " bytes left");
  std::memset(p, 0xcd, bytes);
  blocks_[reinterpret_cast<uint64_t>(p)] = bytes;
  return reinterpret_cast<uint64_t>(p);
}

void MockMemory::freeNow(uint64_t address) {
  std::lock_guard lock(mutex_);
  if (blocks_.erase(address))
    std::free(reinterpret_cast<void *>(address));
}

void MockMemory::release(sdk::Stream *stream, uint64_t address) {
  {
    std::lock_guard lock(mutex_);
    if (!blocks_.count(address))
      throw sdk::Error(TSR_E_INVALID, "the address to free is no allocation");
  }
  if (stream)
    return static_cast<MockStream *>(stream)->queue([this, address] { freeNow(address); });
  device_.drain();
  freeNow(address);
}

bool MockMemory::holds(uint64_t address, uint64_t bytes) const {
  std::lock_guard lock(mutex_);
  auto it = blocks_.upper_bound(address);
  if (it == blocks_.begin())
    return false;
  --it;
  return address - it->first <= it->second && bytes <= it->second - (address - it->first);
}

void MockMemory::copy(sdk::Stream &stream, const tsr_copy &c) {
  for (uint64_t r = 0; r < c.rows; ++r)
    if ((c.dst_space != TSR_MEM_HOST && !holds(c.dst + r * c.dst_pitch, c.row_bytes)) ||
        (c.src_space != TSR_MEM_HOST && !holds(c.src + r * c.src_pitch, c.row_bytes)))
      throw sdk::Error(TSR_E_INVALID, "a copy leaves its allocation");
  static_cast<MockStream &>(stream).queue([c] {
    for (uint64_t r = 0; r < c.rows; ++r)
      std::memmove(reinterpret_cast<void *>(c.dst + r * c.dst_pitch),
                   reinterpret_cast<const void *>(c.src + r * c.src_pitch), c.row_bytes);
  });
}

void MockMemory::fill(sdk::Stream &stream, uint64_t address, uint64_t pattern, uint32_t patternBytes, uint64_t bytes) {
  if (!holds(address, bytes))
    throw sdk::Error(TSR_E_INVALID, "a fill leaves its allocation");
  static_cast<MockStream &>(stream).queue([=] {
    for (uint64_t i = 0; i < bytes; i += patternBytes)
      std::memcpy(reinterpret_cast<char *>(address) + i, &pattern, patternBytes);
  });
}

void MockEvent::record(sdk::Stream &stream) {
  {
    std::lock_guard lock(state_->mutex);
    state_->set = false;
  }
  static_cast<MockStream &>(stream).queue([state = state_] {
    std::lock_guard lock(state->mutex);
    state->set = true;
    state->nanoseconds = static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
    state->done.notify_all();
  });
}

void MockEvent::wait(sdk::Stream &stream) {
  static_cast<MockStream &>(stream).queue([state = state_] {
    std::unique_lock lock(state->mutex);
    state->done.wait(lock, [&] { return state->set; });
  });
}

bool MockEvent::ready() {
  std::lock_guard lock(state_->mutex);
  return state_->set;
}

uint64_t MockEvent::nanosecondsSince(sdk::Event &start) {
  auto &from = *static_cast<MockEvent &>(start).state_;
  if (!ready() || !start.ready())
    throw sdk::Error(TSR_E_INVALID, "an event of the pair has not happened yet");
  return state_->nanoseconds - from.nanoseconds;
}

} // namespace tessera::mock
