// Memory.cpp - the buffers that a kernel may touch
// SPDX-License-Identifier: Apache-2.0
#include "core/interpreter/Memory.h"

#include <algorithm>

namespace tessera::interp {

void MemoryMap::add(uint64_t address, uint64_t bytes, std::string name, bool initialised) {
  last_ = nullptr;
  for (auto it = buffers_.begin(); it != buffers_.end();) {
    const Buffer &b = it->second;
    bool overlaps = b.address < address + bytes && address < b.address + b.bytes;
    it = overlaps || b.address == address ? buffers_.erase(it) : std::next(it);
  }
  Buffer &b = buffers_[address];
  b = {address, bytes, std::move(name), {}};
  if (!initialised)
    b.written.assign(bytes, false);
}

void MemoryMap::remove(uint64_t address) {
  last_ = nullptr;
  buffers_.erase(address);
}

MemoryMap::Buffer *MemoryMap::find(uint64_t address, uint64_t bytes) {
  auto holds = [&](const Buffer &b) {
    return address >= b.address && bytes <= b.bytes && address - b.address <= b.bytes - bytes;
  };
  if (last_ && holds(*last_))
    return last_;
  auto it = buffers_.upper_bound(address);
  if (it == buffers_.begin() || !holds(std::prev(it)->second))
    return nullptr;
  return last_ = &std::prev(it)->second;
}

const MemoryMap::Buffer *MemoryMap::nearest(uint64_t address) const {
  const Buffer *best = nullptr;
  uint64_t distance = uint64_t(1) << 40;
  for (const auto &[start, b] : buffers_) {
    uint64_t d = address < start ? start - address : address >= start + b.bytes ? address - start - b.bytes : 0;
    if (d < distance) {
      distance = d;
      best = &b;
    }
  }
  return best;
}

void MemoryMap::markWritten(uint64_t address, uint64_t bytes) {
  Buffer *b = find(address, bytes);
  if (b && !b->written.empty())
    std::fill_n(b->written.begin() + static_cast<int64_t>(address - b->address), bytes, true);
}

bool MemoryMap::allWritten(const Buffer &b, uint64_t address, uint64_t bytes) {
  if (b.written.empty())
    return true;
  auto first = b.written.begin() + static_cast<int64_t>(address - b.address);
  return std::all_of(first, first + static_cast<int64_t>(bytes), [](bool w) { return w; });
}

} // namespace tessera::interp
