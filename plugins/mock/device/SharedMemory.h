// SharedMemory.h - the bytes of a block's shared memory, with the hazards that a barrier must order
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tessera::mock {

// Between two barriers, a byte may be read by anybody or written by one thread and read by that thread alone. Everything
// else is a race, and an error: this is stricter than a device on which a warp happens to run in step.
class SharedMemory {
public:
  explicit SharedMemory(uint64_t bytes) : bytes_(bytes), cells_(bytes) {}
  uint64_t size() const { return bytes_.size(); }
  // False, with what is wrong, for a race, an access outside, or a read of bytes that nobody wrote.
  bool read(unsigned thread, uint64_t offset, unsigned n, uint64_t &bits, std::string &error);
  bool write(unsigned thread, uint64_t offset, unsigned n, uint64_t bits, std::string &error);
  void barrier() { ++epoch_; }
  // An op's own scratch: all threads write it, a barrier of the op, all threads read it.
  bool useScratch(uint64_t offset, uint64_t n, std::string &error);
  // The bytes hold nothing again (the end of a buffer's life); their last accesses still order what follows.
  void forget(uint64_t offset, uint64_t n);

private:
  static constexpr int kNobody = -1, kMany = -2;
  struct Cell {
    int writer = kNobody, reader = kNobody;
    uint32_t writeEpoch = 0, readEpoch = 0;
    bool holds = false;
  };
  bool orderWrite(unsigned thread, uint64_t at, bool sameValue, std::string &error);
  std::vector<uint8_t> bytes_;
  std::vector<Cell> cells_;
  uint32_t epoch_ = 1;
};

} // namespace tessera::mock
