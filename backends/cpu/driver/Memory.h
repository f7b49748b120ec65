// Memory.h - device memory is host memory: allocation, copies, fills
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plugins/abi/plugin.h"

#include <cstdint>
#include <mutex>
#include <unordered_map>

namespace tessera::cpu {

class Workers;

// Knows every block that it gave out, so that freeing a stray address is an error and not a crash. Thread-safe.
class HostMemory {
public:
  ~HostMemory(); // gives back what is left
  // align: a power of two; 0 = 256. Blocks of 2 MiB and more come on huge pages where the system has them.
  // 0: out of memory. bytes must not be 0.
  uint64_t allocate(uint64_t bytes, uint64_t align);
  bool release(uint64_t address); // false: not one of ours

private:
  struct Block {
    void *memory;
    uint64_t bytes; // of the mapping; 0: from the allocator
  };
  std::mutex mutex_;
  std::unordered_map<uint64_t, Block> blocks_;
};

// Checked arguments. Large ones are spread over the workers. The pieces of a copy may overlap themselves, not each other.
void copyBytes(Workers &workers, const tsr_copy &copy);
void fillBytes(Workers &workers, uint64_t address, uint64_t pattern, uint32_t patternBytes, uint64_t bytes);

} // namespace tessera::cpu
