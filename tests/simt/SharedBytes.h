// SharedBytes.h - a block's shared memory with a record of who touched each byte since which barrier
//
// SPDX-License-Identifier: Apache-2.0
//
// An access is ordered after another one of the same block where a barrier of the block, or of a part of it with both lanes, lies between them; where both lanes
// are of one warp and a barrier of that warp does; and where its warp has waited for a copy barrier at which the other's has arrived since. Unordered writes of different values to one byte, an unordered pair of a
// write and a read, and a read of a byte that the block never wrote are errors; atomics go with each other only. Exchanges
// order nothing, as on devices.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tessera::simt {

// What is known to have happened: of each warp, everything before that epoch.
using WarpClock = std::vector<uint64_t>;

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
  void blockBarrier() { partBarrier(static_cast<unsigned>(seen_.size())); }
  void partBarrier(unsigned warps); // of the first so many
  void warpBarrier(unsigned warp) { seen_[warp][warp] = ++epoch_; }
  // What this warp knows, behind its last barrier, becomes known to a warp that acquires it.
  void release(unsigned warp, WarpClock &clock) const;
  void acquire(unsigned warp, const WarpClock &clock);
  // The error in words; empty: none. For a write the value is checked by settleWrite, after the store.
  std::string read(unsigned thread, uint64_t offset, uint64_t n);
  std::string write(unsigned thread, uint64_t offset, uint64_t n);
  std::string atomic(unsigned thread, uint64_t offset, uint64_t n);
  // By a copy engine that this thread starts: others' accesses lie before what its warp has seen; what it wrote is there for everybody.
  std::string engineWrite(unsigned thread, uint64_t offset, uint64_t n);
  std::string engineRead(unsigned thread, uint64_t offset, uint64_t n);
  // By a unit that `warps` warps from `warp` on start together: behind the next barrier of each it is over.
  std::string unitRead(unsigned warp, unsigned warps, uint64_t offset, uint64_t n);
  // After the store that write() announced: a race that wrote the same value again is none.
  std::string settleWrite();

private:
  static constexpr int32_t kNobody = -1, kMany = -2, kEngine = INT32_MIN;
  struct Access {
    int32_t who = kNobody; // kMany: several lanes
    uint32_t many = 0;     // where the epochs of several warps are, once there were several
    uint64_t epoch = 0;    // of the last access
    uint64_t warps = 0;    // mask
  };
  struct Cell {
    Access writer, reader, atomic;
  };
  // Whether `thread` comes after the access.
  bool ordered(const Access &a, unsigned thread) const;
  bool isSeen(const Access &a, unsigned warp) const; // as if it were another lane's
  bool isSeenByEngine(const Access &a, unsigned warp) const;
  void add(Access &a, unsigned thread);
  WarpClock &epochsOf(Access &a);
  uint64_t epochOf(const Access &a, unsigned warp) const { return a.who == kMany ? many_[a.many][warp] : a.epoch; }
  std::string unwritten(unsigned thread, uint64_t at) const; // empty: it is written
  std::string race(const char *what, unsigned thread, uint64_t at, const char *other, const Access &a) const;

  uint64_t size_;
  unsigned lanes_;
  std::vector<uint8_t> bytes_;
  uint8_t *base_;
  std::vector<Cell> cells_;
  std::vector<WarpClock> seen_;  // by each warp
  std::vector<uint64_t> joined_; // of each warp: the last barrier with other warps
  std::vector<WarpClock> many_;  // of accesses by several warps; the first one is nobody's
  unsigned part_ = 0;            // the warps of the last such barrier
  uint64_t epoch_ = 1, start_ = 1;
  struct {
    std::string error;
    uint64_t offset = 0;
    std::vector<uint8_t> before;
  } pending_;
};

} // namespace tessera::simt
