// Memory.h - allocation in stream order, copies, fills
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "backends/nvidia/driver/Api.h"
#include "plugins/sdk/Driver.hpp"

#include <mutex>
#include <unordered_map>

namespace tessera::nvidia {

class NvidiaDevice;
class NvidiaStream;

// Device memory comes from a pool of the device's own, which keeps what was freed: an allocation without a stream is one in the
// order of the device's service stream, and waits for it. Every address that was given out is known, so that a wrong one is
// refused and not handed on. Where the driver has no pools, allocations are synchronous.
class NvidiaMemory final : public sdk::Memory {
public:
  explicit NvidiaMemory(NvidiaDevice &device);
  ~NvidiaMemory() override;
  uint64_t allocate(sdk::Stream *stream, uint64_t bytes, uint64_t align, uint32_t space) override;
  void release(sdk::Stream *stream, uint64_t address) override;
  void copy(sdk::Stream &stream, const tsr_copy &copy) override;
  void fill(sdk::Stream &stream, uint64_t address, uint64_t pattern, uint32_t patternBytes, uint64_t bytes) override;

private:
  struct Block {
    uint64_t base; // what the driver gave; less than the address where the alignment asked for more
    uint32_t space;
  };
  cu::Result allocateDevice(NvidiaStream *stream, uint64_t bytes, cu::Address &base);
  cu::Result allocateRaw(NvidiaStream *stream, uint64_t bytes, uint32_t space, cu::Address &base);
  [[noreturn]] void outOfMemory(cu::Result result, uint64_t bytes, uint32_t space);
  void copyRows(NvidiaStream &stream, const tsr_copy &copy);
  void copyBetween(NvidiaStream &stream, const tsr_copy &copy, NvidiaDevice &to, NvidiaDevice &from);

  NvidiaDevice &device_;
  cu::MemoryPool pool_ = nullptr;
  std::mutex mutex_; // guards blocks_
  std::unordered_map<uint64_t, Block> blocks_;
};

} // namespace tessera::nvidia
