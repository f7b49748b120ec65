// SharedMemory.h - the bytes of a block's shared memory, with the hazards that a barrier must order
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace tessera::mock {

// Between two barriers, a byte may be read by anybody or written by one thread and read by that thread alone. Everything
// else is a race, and an error: this is stricter than a device on which a warp happens to run in step.
// Copies and matrix units run beside the threads. From its start to its landing nobody may touch a copy's bytes; from the
// start of a product to its end nobody may write what it reads; that was written before a barrier, and before a fence before
// that barrier where a thread stored it (copies that have landed need none).
// Where roles run (copies 0, work 1) each has barriers of its own. Their accesses are ordered by what one has released and the other acquired, through a
// copy barrier, whatever the order in which this device happens to run them. A thread's read may still wait for its turn when the thread arrives at a copy
// barrier: a copy engine writes only what was read before a fence or a barrier.
struct RoleClock {
  std::array<uint64_t, 2> ticks{}; // of each role, what it had done: everything up to that tick
  uint64_t read = 0;               // by clock_: reads up to there have their bytes
};

class SharedMemory {
public:
  explicit SharedMemory(uint64_t bytes) : bytes_(bytes), cells_(bytes) {}
  uint64_t size() const { return bytes_.size(); }
  // False, with what is wrong, for a race, an access outside, or a read of bytes that nobody wrote.
  bool read(unsigned thread, uint64_t offset, unsigned n, uint64_t &bits, std::string &error);
  bool write(unsigned thread, uint64_t offset, unsigned n, uint64_t bits, std::string &error);
  void barrier() {
    epoch_ = ++lastEpoch_;
    published_ = fence_;
    known_[role_].read = clock_;
  }
  // The number of the barrier that the next access comes behind, from 1.
  uint32_t epoch() const { return epoch_; }
  // From here on roles run; what is not behind a barrier yet is unordered with them.
  void split();
  // Whose accesses follow.
  void play(size_t role);
  // What this role has done, and knows the other one to have done, becomes known to who acquires it.
  void release(RoleClock &clock);
  void acquire(const RoleClock &clock);
  void fence() { fence_ = known_[role_].read = ++clock_; }
  // A copy into n bytes that the thread starts as part of op number `op`, and its end, which is a write of the thread. Threads
  // that hold the same element in one op copy the same bytes: that is one copy.
  bool startCopy(uint64_t op, unsigned thread, uint64_t offset, unsigned n, std::string &error);
  bool landCopy(unsigned thread, uint64_t offset, unsigned n, uint64_t bits, std::string &error);
  // What a matrix unit reads: from its start to its end.
  bool startProduct(uint64_t offset, unsigned n, uint64_t &bits, std::string &error) {
    return startRead("a matrix unit", offset, n, bits, error);
  }
  void endProduct(uint64_t offset, unsigned n);
  // What a copy engine writes and reads beside the threads. Where it lands it is there for everybody (who waited); ordinary stores to its
  // bytes lie before a fence and a barrier, other accesses before a barrier; where only an arrival at a copy barrier follows, threads' reads
  // lie before a fence too. The end of what it reads is endProduct.
  bool startEngineWrite(uint64_t offset, unsigned n, std::string &error);
  void landEngineWrite(uint64_t offset, unsigned n, uint64_t bits);
  bool startEngineRead(uint64_t offset, unsigned n, uint64_t &bits, std::string &error) {
    return startRead("a copy engine", offset, n, bits, error);
  }
  // An op's own scratch: all threads write it, a barrier of the op, all threads read it.
  bool useScratch(uint64_t offset, uint64_t n, std::string &error);
  // The bytes hold nothing again (the end of a buffer's life); their last accesses still order what follows. False while
  // something beside the threads uses them.
  bool forget(uint64_t offset, uint64_t n, std::string &error);

private:
  static constexpr int kNobody = -1, kMany = -2, kEngine = -3;
  struct Access {
    int who = kNobody;
    uint32_t epoch = 0; // 0: ordered before everything
    uint32_t tick = 0;
  };
  struct Cell {
    Access write;
    std::array<Access, 2> reads; // by role
    uint8_t writeRole = 1;
    bool holds = false;
    uint16_t copies = 0, products = 0; // in flight
    int copier = kNobody;
    uint64_t copyOp = 0;
    uint64_t storedAt = 0; // by clock_; 0: a copy wrote it
    uint64_t readAt = 0;   // by clock_: when a thread read it last
  };
  static constexpr int kAnybody = -4; // is the same as nobody
  bool isConcurrent(const Access &access, size_t role) const;
  // An access of somebody else than `self` that no barrier orders before the role's next one; null: there is none.
  const Access *concurrentRead(const Cell &cell, int self) const;
  const Access *concurrentWrite(const Cell &cell, int self) const;
  void note(Access &access, int who) const;
  bool startRead(const char *who, uint64_t offset, unsigned n, uint64_t &bits, std::string &error);
  bool inside(const char *what, uint64_t offset, uint64_t n, std::string &error) const;
  bool idle(const char *who, uint64_t at, bool writes, std::string &error) const;
  bool orderWrite(unsigned thread, uint64_t at, bool sameValue, std::string &error);
  std::vector<uint8_t> bytes_;
  std::vector<Cell> cells_;
  uint32_t epoch_ = 1, lastEpoch_ = 1, splitEpoch_ = 0; // splitEpoch_: the last one before roles ran; 0: none run
  size_t role_ = 1;
  std::array<uint32_t, 2> epochs_{}, ticks_{1, 1}; // of the roles
  std::array<RoleClock, 2> known_;                 // what each knows to come before
  uint64_t clock_ = 0, fence_ = 0, published_ = 0; // published_: the last fence before the last barrier
};

} // namespace tessera::mock
