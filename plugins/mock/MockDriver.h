// MockDriver.h - the mock device's driver: memory, asynchronous streams, launches, faults on demand
//
// SPDX-License-Identifier: Apache-2.0
//
// Streams are queues with a thread each, started by the first work: a caller that forgets to wait sees unfinished memory.
// Options of device_open inject faults, counted from 1: fail_alloc=N (the N-th allocation is out of memory), fail_launch=N,
// lose_device=N (from the N-th launch on the device is lost), delay_us=N (before every queued operation).
#pragma once

#include "plugins/mock/device/Program.h"
#include "plugins/sdk/Driver.hpp"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <set>
#include <thread>

namespace tessera::mock {

class MockDevice;

// Allocations by address; a kernel touches nothing else. What is freed on no stream stays until the work that is queued by then is done: programs drop
// buffers that a launch still reads, and a fault in somebody else's memory would tell them nothing.
class MockMemory final : public sdk::Memory, public GlobalMemory {
public:
  MockMemory(MockDevice &device, int64_t failAt) : device_(device), failAt_(failAt) {}
  ~MockMemory() override;
  uint64_t allocate(sdk::Stream *stream, uint64_t bytes, uint64_t align, uint32_t space) override;
  void release(sdk::Stream *stream, uint64_t address) override;
  void copy(sdk::Stream &stream, const tsr_copy &copy) override;
  void fill(sdk::Stream &stream, uint64_t address, uint64_t pattern, uint32_t patternBytes, uint64_t bytes) override;
  bool holds(uint64_t address, uint64_t bytes) const override;

private:
  void freeNow(uint64_t address);
  MockDevice &device_;
  mutable std::mutex mutex_;
  std::map<uint64_t, uint64_t> blocks_; // address -> bytes
  int64_t failAt_, allocations_ = 0;
};

class MockStream final : public sdk::Stream {
public:
  explicit MockStream(MockDevice &device);
  ~MockStream() override;
  void sync() override;
  // Until nothing is queued, whether it failed or not.
  void drain();
  bool ready() override;
  // Queues work; what it throws becomes the stream's sticky error, and later work is dropped.
  void queue(std::function<void()> work);

private:
  void work();
  void throwSticky();
  MockDevice &device_;
  std::mutex mutex_;
  std::condition_variable wake_, idle_;
  std::deque<std::function<void()>> queue_;
  bool busy_ = false, stop_ = false;
  tsr_status sticky_ = TSR_OK;
  std::string stickyText_;
  std::thread thread_;
};

class MockEvent final : public sdk::Event {
public:
  void record(sdk::Stream &stream) override;
  void wait(sdk::Stream &stream) override;
  bool ready() override;
  uint64_t nanosecondsSince(sdk::Event &start) override;

private:
  struct State {
    std::mutex mutex;
    std::condition_variable done;
    bool set = true;
    uint64_t nanoseconds = 0;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

class MockKernel final : public sdk::Kernel {
public:
  const tbc::Module *module = nullptr;
  const tbc::Function *function = nullptr;
  const LayoutTables *tables = nullptr;
  unsigned warps = 4;
  sdk::KernelInfo info;
};

class MockModule final : public sdk::Module {
public:
  MockModule(const void *artifact, uint64_t bytes);
  sdk::Kernel &kernel(const sdk::KernelInfo &info) override;

private:
  tbc::Module module_;
  std::unique_ptr<LayoutTables> tables_;
  unsigned warps_ = 4;
  std::vector<std::unique_ptr<MockKernel>> kernels_;
};

class MockDevice final : public sdk::Device, sdk::Launcher {
public:
  explicit MockDevice(const sdk::Options &options);
  sdk::Memory &memory() override { return memory_; }
  sdk::Launcher &launcher() override { return *this; }
  std::unique_ptr<sdk::Stream> createStream(int32_t, uint32_t) override { return std::make_unique<MockStream>(*this); }
  std::unique_ptr<sdk::Module> loadModule(const void *artifact, uint64_t bytes, const sdk::Sink &) override {
    return std::make_unique<MockModule>(artifact, bytes);
  }
  std::unique_ptr<sdk::Event> createEvent(uint32_t) override { return std::make_unique<MockEvent>(); }
  void drainMessages(const sdk::Sink &sink) override;
  void launch(sdk::Stream &stream, sdk::Kernel &kernel, const tsr_launch &launch) override;
  void delay() const;
  void throwIfLost() const;
  void add(MockStream &stream);
  void remove(MockStream &stream);
  // Until no stream has work.
  void drain();

private:
  void runGrid(const MockKernel &kernel, const std::vector<uint64_t> &args, const int32_t grid[3]);
  MockMemory memory_;
  int64_t failLaunch_, loseDevice_, delayMicroseconds_;
  std::atomic<int64_t> launches_{0};
  std::atomic<bool> lost_{false};
  std::mutex streamsMutex_;
  std::set<MockStream *> streams_;
  std::mutex messages_;
  std::string printed_;
  struct Assertion {
    std::string message, file;
    uint32_t line, column;
  };
  std::vector<Assertion> assertions_;
};

class MockDriver final : public sdk::Driver {
public:
  static constexpr uint32_t optional = sdk::kEvents | sdk::kMessages;
  uint32_t probe() override { return 1; }
  const sdk::DeviceInfo &info(uint32_t ordinal) override;
  std::unique_ptr<sdk::Device> open(uint32_t ordinal, const sdk::Options &options, const sdk::Sink &sink) override;
};

} // namespace tessera::mock
