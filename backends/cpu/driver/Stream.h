// Stream.h - ordered work, at once or on a thread of its own; events
//
// SPDX-License-Identifier: Apache-2.0
//
// A plain stream is the calling thread: every operation is done when it returns. A queued stream (TSR_STREAM_QUEUE) has a
// thread that works the operations off. Either way the first failure sticks: from then on every operation, sync and query of
// the stream gives it, and nothing more is run.
#pragma once

#include "plugins/abi/plugin.h"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace tessera::cpu {

class Device;

class Stream {
public:
  Stream(Device &device, bool queued);
  ~Stream(); // works off what is queued
  Stream(const Stream &) = delete;
  Stream &operator=(const Stream &) = delete;

  Device &device() const { return device_; }
  bool queued() const { return queued_; }

  // The sticky error, as this thread's last error as well; TSR_OK where there is none.
  tsr_status sticky() const;
  // Keeps `status` (negative) with the thread's last error, and gives it back.
  tsr_status stick(tsr_status status);

  // Queued streams: runs `work` after what is there. Its failure sticks. `always`: even after a failure (freeing, events).
  void enqueue(std::function<tsr_status()> work, bool always = false);
  tsr_status sync();
  tsr_status query();

private:
  void serve();
  struct Item {
    std::function<tsr_status()> work;
    bool always;
  };
  Device &device_;
  const bool queued_;
  std::atomic<tsr_status> status_{TSR_OK};
  std::string error_; // written before status_
  std::mutex mutex_;
  std::condition_variable wake_, idle_;
  std::deque<Item> items_;
  bool busy_ = false, stop_ = false;
  std::thread thread_;
};

// A point in a stream, with its time. Counted: a queue may still hold it when its owner destroys it. Thread-safe.
struct Event {
  std::mutex mutex;
  std::condition_variable reached;
  uint64_t recorded = 0; // records asked for
  uint64_t done = 0;     // the last one that was reached
  uint64_t ns = 0;       // when

  uint64_t ask();
  void reach(uint64_t which);
  void wait(uint64_t which);
};

} // namespace tessera::cpu
