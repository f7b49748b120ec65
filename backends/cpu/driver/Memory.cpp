// Memory.cpp - blocks, copies, fills
//
// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/driver/Memory.h"

#include "backends/cpu/driver/TicketLoop.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>

namespace tessera::cpu {

static constexpr uint64_t kHugePage = 2u << 20;
// Above this a copy is limited by memory, and a second core brings more of it; below, waking a worker costs more.
static constexpr uint64_t kParallelBytes = 4u << 20;
static constexpr uint64_t kPieceBytes = 256u << 10;

HostMemory::~HostMemory() {
  for (auto &[address, block] : blocks_)
    block.bytes ? static_cast<void>(munmap(block.memory, block.bytes)) : std::free(block.memory);
}

uint64_t HostMemory::allocate(uint64_t bytes, uint64_t align) {
  align = std::max<uint64_t>(align ? align : 256, 64);
  if (bytes > (uint64_t(1) << 47) || align > (uint64_t(1) << 32))
    return 0;
  Block block = {};
  uint64_t address = 0;
  if (bytes >= kHugePage) {
    uint64_t unit = std::max(align, kHugePage);
    uint64_t size = (bytes + 4095) & ~uint64_t(4095);
    void *p = mmap(nullptr, size + unit, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
      return 0;
    auto start = reinterpret_cast<uint64_t>(p);
    address = (start + unit - 1) & ~(unit - 1);
    if (address > start)
      munmap(p, address - start);
    munmap(reinterpret_cast<void *>(address + size), start + size + unit - (address + size));
    madvise(reinterpret_cast<void *>(address), size, MADV_HUGEPAGE);
    block = {reinterpret_cast<void *>(address), size};
  } else {
    void *p = std::aligned_alloc(align, (bytes + align - 1) & ~(align - 1));
    if (!p)
      return 0;
    address = reinterpret_cast<uint64_t>(p);
    block = {p, 0};
  }
  std::lock_guard lock(mutex_);
  blocks_[address] = block;
  return address;
}

bool HostMemory::release(uint64_t address) {
  Block block;
  {
    std::lock_guard lock(mutex_);
    auto found = blocks_.find(address);
    if (found == blocks_.end())
      return false;
    block = found->second;
    blocks_.erase(found);
  }
  if (block.bytes)
    munmap(block.memory, block.bytes);
  else
    std::free(block.memory);
  return true;
}

// A plain piece of work on [0, bytes), in pieces where it is large.
template <typename Body> static void overBytes(Workers &workers, uint64_t bytes, Body body) {
  if (bytes < kParallelBytes)
    return body(0, bytes);
  struct Context {
    Body *body;
    uint64_t bytes;
  } context = {&body, bytes};
  TicketJob job;
  job.user = &context;
  job.total = (bytes + kPieceBytes - 1) / kPieceBytes;
  job.range = [](void *user, uint64_t begin, uint64_t end) {
    auto &c = *static_cast<Context *>(user);
    (*c.body)(begin *kPieceBytes, std::min(end * kPieceBytes, c.bytes));
  };
  std::atomic<float> cost{0};
  runTickets(workers, job, cost);
}

void copyBytes(Workers &workers, const tsr_copy &c) {
  if (c.rows == 0 || c.row_bytes == 0)
    return;
  auto *to = reinterpret_cast<char *>(c.dst);
  auto *from = reinterpret_cast<const char *>(c.src);
  bool dense = c.rows == 1 || (c.dst_pitch == c.row_bytes && c.src_pitch == c.row_bytes);
  uint64_t bytes = dense ? c.rows * c.row_bytes : 0;
  bool apart = to + bytes <= from || from + bytes <= to;
  if (dense && apart)
    return overBytes(workers, bytes, [&](uint64_t b, uint64_t e) { std::memcpy(to + b, from + b, e - b); });
  if (dense)
    return static_cast<void>(std::memmove(to, from, bytes));
  for (uint64_t r = 0; r < c.rows; ++r)
    std::memmove(to + r * c.dst_pitch, from + r * c.src_pitch, c.row_bytes);
}

void fillBytes(Workers &workers, uint64_t address, uint64_t pattern, uint32_t patternBytes, uint64_t bytes) {
  auto *to = reinterpret_cast<unsigned char *>(address);
  uint64_t word = 0;
  for (uint32_t at = 0; at < 8; at += patternBytes)
    std::memcpy(reinterpret_cast<char *>(&word) + at, &pattern, patternBytes);
  bool oneByte = word == (word & 0xff) * 0x0101010101010101ull;
  // Pieces start at multiples of 256 KiB, so the pattern starts anew in each.
  overBytes(workers, bytes, [&](uint64_t b, uint64_t e) {
    if (oneByte)
      return static_cast<void>(std::memset(to + b, static_cast<int>(word & 0xff), e - b));
    for (; b + 8 <= e; b += 8)
      std::memcpy(to + b, &word, 8);
    std::memcpy(to + b, &word, e - b);
  });
}

} // namespace tessera::cpu
