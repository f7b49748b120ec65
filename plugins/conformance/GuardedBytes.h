// GuardedBytes.h - memory that ends where the next byte faults
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <sys/mman.h>
#include <unistd.h>

namespace tessera::conformance {

// `size` zeroed bytes whose end is the end of a readable page; a read or write behind them is a SIGSEGV, which the kit
// reports with the name of the case. 8-aligned where size is a multiple of 8.
class GuardedBytes {
public:
  explicit GuardedBytes(size_t size) : size_(size) {
    page_ = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    usable_ = (size + page_ - 1) / page_ * page_ + page_;
    void *p = mmap(nullptr, usable_ + page_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    base_ = p == MAP_FAILED ? nullptr : static_cast<uint8_t *>(p);
    if (base_)
      mprotect(base_ + usable_, page_, PROT_NONE);
  }
  ~GuardedBytes() {
    if (base_)
      munmap(base_, usable_ + page_);
  }
  GuardedBytes(const GuardedBytes &) = delete;
  uint8_t *data() { return base_ + usable_ - size_; }
  size_t size() const { return size_; }

private:
  size_t size_, page_ = 4096, usable_ = 0;
  uint8_t *base_ = nullptr;
};

} // namespace tessera::conformance
