// Scratch.cpp - scratch arenas
//
// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/driver/Scratch.h"

#include <sys/mman.h>

namespace tessera::cpu {
namespace {

struct Arena {
  void *memory = nullptr;
  uint64_t size = 0;

  ~Arena() { release(); }
  void release() {
    if (memory)
      munmap(memory, size);
    memory = nullptr;
    size = 0;
  }
  void *reserve(uint64_t bytes) {
    if (bytes <= size)
      return memory;
    constexpr uint64_t page = 4096, hugePage = 2u << 20;
    uint64_t want = (bytes + page - 1) & ~(page - 1);
    if (want < 2 * size)
      want = 2 * size;
    release();
    // Straight from the kernel: page-aligned, zero cost until touched, and no allocator lock shared with user code.
    void *p = mmap(nullptr, want, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
      return nullptr;
    if (want >= hugePage)
      madvise(p, want, MADV_HUGEPAGE);
    memory = p;
    size = want;
    return memory;
  }
};

} // namespace

void *threadScratch(uint64_t bytes) {
  if (bytes == 0)
    return nullptr;
  static thread_local Arena arena;
  return arena.reserve(bytes);
}

} // namespace tessera::cpu
