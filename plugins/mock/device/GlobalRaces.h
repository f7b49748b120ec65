// GlobalRaces.h - who touched which byte of global memory since the last barrier of a program
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

namespace tessera::mock {

// Between two barriers a byte may be read by anybody, or written by one thread and read by that thread alone; everything else is a race, as in shared memory. A write
// that leaves the byte as it is harms nobody. Not looked at: atomics, copy engines, and other programs.
class GlobalRaces {
public:
  static constexpr int kAll = -2; // every thread
  // False, with what is wrong. thread: or kAll; epoch: number of the barrier before it, from 1; address: of the host, of n bytes.
  bool read(int thread, uint32_t epoch, uint64_t address, unsigned n, std::string &error);
  // The same of a write of `bits`, before the bytes change; op: its number, from 1. Of elements that an op stores to one place any may stay.
  bool write(int thread, uint32_t epoch, uint64_t op, uint64_t address, unsigned n, uint64_t bits, std::string &error);

private:
  struct Access {
    int who = 0;
    uint32_t epoch = 0; // 0: none
  };
  struct Cell {
    Access read, write;
    uint64_t op = 0; // that wrote it
  };
  static constexpr uint64_t kPage = 1024;
  Cell &cellOf(uint64_t address);

  std::unordered_map<uint64_t, std::unique_ptr<std::array<Cell, kPage>>> pages_;
  uint64_t lastPage_ = 0;
  std::array<Cell, kPage> *last_ = nullptr;
};

} // namespace tessera::mock
