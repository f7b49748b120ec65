// Memory.h - the buffers that a kernel may touch, and which of their bytes have been written
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace tessera::interp {

// Registered ranges of real memory, disjoint. Keeps its shadow from run to run. Not thread-safe.
class MemoryMap {
public:
  // initialised: the bytes hold something already; false for memory that nobody has written yet. A range that overlaps
  // others replaces them.
  void add(uint64_t address, uint64_t bytes, std::string name, bool initialised = true);
  void remove(uint64_t address);
  void markWritten(uint64_t address, uint64_t bytes);

  struct Buffer {
    uint64_t address = 0, bytes = 0;
    std::string name;
    std::vector<bool> written; // empty: all of it
  };
  // The buffer that holds all of these bytes, or nullptr.
  Buffer *find(uint64_t address, uint64_t bytes);
  // The buffer nearest to an address that is in none, for messages; nullptr where there is none within 2^40 bytes.
  const Buffer *nearest(uint64_t address) const;
  static bool allWritten(const Buffer &b, uint64_t address, uint64_t bytes);

private:
  std::map<uint64_t, Buffer> buffers_; // by address
  Buffer *last_ = nullptr;
};

} // namespace tessera::interp
