// SharedBytes.h - a block's shared memory with a record of who touched each byte since which barrier
//
// SPDX-License-Identifier: Apache-2.0
//
// An access is ordered after another one of the same block where a barrier of the block lies between them, or where both lanes
// are of one warp and a barrier of that warp does. Unordered writes of different values to one byte, an unordered pair of a
// write and a read, and a read of a byte that the block never wrote are errors; atomics go with each other only. Exchanges
// order nothing, as on devices.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tessera::simt {

class SharedBytes {
public:
  // Bytes behind the end that nothing else lies in: an access there is meant for shared memory.
  static constexpr uint64_t kBeyond = 64;
  SharedBytes(uint64_t bytes, unsigned threads, unsigned lanes);
  // Aligned to 16 bytes and no more.
  uint8_t *data() { return base_; }
  uint64_t size() const { return size_; }
  // A new block: nothing is written.
  void reset();
  void blockBarrier();
  void warpBarrier(unsigned warp) { warpEpochs_[warp] = ++epoch_; }
  // The error in words; empty: none. For a write the value is checked by settleWrite, after the store.
  std::string read(unsigned thread, uint64_t offset, uint64_t n);
  std::string write(unsigned thread, uint64_t offset, uint64_t n);
  std::string atomic(unsigned thread, uint64_t offset, uint64_t n);
  // By a copy engine: others' accesses lie before a barrier of the block; what it wrote is there for everybody.
  std::string engineWrite(uint64_t offset, uint64_t n);
  std::string engineRead(uint64_t offset, uint64_t n);
  // After the store that write() announced: a race that wrote the same value again is none.
  std::string settleWrite();

private:
  static constexpr int32_t kNobody = -1, kMany = -2, kEngine = INT32_MIN; // kMany - 1 - w: several lanes of warp w
  struct Access {
    int32_t who = kNobody;
    uint64_t epoch = 0;
  };
  struct Cell {
    Access writer, reader, atomic;
  };
  // Whether `thread` comes after the access.
  bool ordered(const Access &a, unsigned thread) const;
  void add(Access &a, unsigned thread);
  std::string unwritten(unsigned thread, uint64_t at) const; // empty: it is written
  std::string race(const char *what, unsigned thread, uint64_t at, const char *other, const Access &a) const;

  uint64_t size_;
  unsigned lanes_;
  std::vector<uint8_t> bytes_;
  uint8_t *base_;
  std::vector<Cell> cells_;
  std::vector<uint64_t> warpEpochs_; // of the last barrier of each warp
  uint64_t epoch_ = 1, blockEpoch_ = 1, start_ = 1;
  struct {
    std::string error;
    uint64_t offset = 0;
    std::vector<uint8_t> before;
  } pending_;
};

} // namespace tessera::simt
