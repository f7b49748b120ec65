// SharedMemory.cpp - accesses and their races
// SPDX-License-Identifier: Apache-2.0
#include "plugins/mock/device/SharedMemory.h"

#include <algorithm>

namespace tessera::mock {

namespace {
std::string byteText(uint64_t at) { return "shared byte " + std::to_string(at); }
std::string threadText(int t) {
  return t == -3 ? "the copy engine"
         : t < 0 ? "several threads"
                 : "lane " + std::to_string(t % 32) + " of warp " + std::to_string(t / 32);
}
} // namespace

void SharedMemory::split() {
  splitEpoch_ = epoch_;
  for (uint32_t &epoch : epochs_)
    epoch = ++lastEpoch_;
  known_[0].read = known_[1].read;
  epoch_ = epochs_[role_];
}

void SharedMemory::play(size_t role) {
  epochs_[role_] = epoch_;
  role_ = role;
  epoch_ = epochs_[role];
}

void SharedMemory::release(RoleClock &clock) {
  for (size_t other = 0; other < 2; ++other)
    clock.ticks[other] = std::max(clock.ticks[other], known_[role_].ticks[other]);
  clock.ticks[role_] = std::max<uint64_t>(clock.ticks[role_], ticks_[role_]++);
  clock.read = std::max(clock.read, known_[role_].read);
}

void SharedMemory::acquire(const RoleClock &clock) {
  for (size_t other = 0; other < 2; ++other)
    known_[role_].ticks[other] = std::max(known_[role_].ticks[other], clock.ticks[other]);
  known_[role_].read = std::max(known_[role_].read, clock.read);
}

bool SharedMemory::isConcurrent(const Access &access, size_t role) const {
  if (!access.epoch)
    return false;
  if (access.epoch <= splitEpoch_)
    return access.epoch == splitEpoch_;
  return role == role_ ? access.epoch == epoch_ : access.tick > known_[role_].ticks[role];
}

const SharedMemory::Access *SharedMemory::concurrentRead(const Cell &cell, int self) const {
  for (size_t role = 0; role < 2; ++role)
    if (isConcurrent(cell.reads[role], role) && cell.reads[role].who != self)
      return &cell.reads[role];
  return nullptr;
}

const SharedMemory::Access *SharedMemory::concurrentWrite(const Cell &cell, int self) const {
  return isConcurrent(cell.write, cell.writeRole) && cell.write.who != self ? &cell.write : nullptr;
}

void SharedMemory::note(Access &access, int who) const {
  access.who = access.epoch == epoch_ && access.who != who ? kMany : who;
  access.epoch = epoch_;
  access.tick = ticks_[role_];
}

bool SharedMemory::inside(const char *what, uint64_t offset, uint64_t n, std::string &error) const {
  if (offset <= bytes_.size() && n <= bytes_.size() - offset)
    return true;
  error = std::string(what) + " " + byteText(offset) + " is outside of the " + std::to_string(bytes_.size()) +
          " bytes that the kernel asked for";
  return false;
}

// Whether nothing beside the threads is at the byte that matters to a read or a write.
bool SharedMemory::idle(const char *who, uint64_t at, bool writes, std::string &error) const {
  const Cell &c = cells_[at];
  if (c.copies)
    error = std::string(who) + (writes ? " writes " : " reads ") + byteText(at) + ", where a copy of " +
            threadText(c.copier) + " is in flight";
  else if (writes && c.products)
    error = std::string(who) + " writes " + byteText(at) + ", which a product that was not awaited may still read";
  else
    return true;
  return false;
}

bool SharedMemory::startCopy(uint64_t op, unsigned thread, uint64_t offset, unsigned n, std::string &error) {
  if (!inside("a copy to", offset, n, error))
    return false;
  for (uint64_t at = offset; at < offset + n; ++at) {
    Cell &c = cells_[at];
    bool twice = c.copies && c.copyOp == op;
    if (!twice && !idle("a copy", at, true, error))
      return false;
    int self = static_cast<int>(thread);
    const Access *other = concurrentRead(c, self);
    if (!other && !twice)
      other = concurrentWrite(c, self);
    if (other) {
      error = "a copy of " + threadText(self) + " starts to write " + byteText(at) + ", which " +
              threadText(other->who) + " used with no barrier between";
      return false;
    }
    ++c.copies;
    c.copier = self;
    c.copyOp = op;
  }
  return true;
}

bool SharedMemory::landCopy(unsigned thread, uint64_t offset, unsigned n, uint64_t bits, std::string &error) {
  for (unsigned i = 0; i < n; ++i) {
    Cell &c = cells_[offset + i];
    auto byte = static_cast<uint8_t>(bits >> (8 * i));
    bool sameValue = c.holds && bytes_[offset + i] == byte;
    --c.copies;
    if (!orderWrite(thread, offset + i, sameValue, error))
      return false;
    c.storedAt = 0;
    bytes_[offset + i] = byte;
  }
  return true;
}

bool SharedMemory::startEngineWrite(uint64_t offset, unsigned n, std::string &error) {
  if (!inside("a tensor copy to", offset, n, error))
    return false;
  for (uint64_t at = offset; at < offset + n; ++at) {
    Cell &c = cells_[at];
    if (!idle("a tensor copy", at, true, error))
      return false;
    const Access *other = concurrentRead(c, kAnybody);
    if (!other)
      other = concurrentWrite(c, kAnybody);
    if (other)
      error = "a tensor copy starts to write " + byteText(at) + ", which " + threadText(other->who) +
              " used with no barrier between";
    else if (c.storedAt > published_)
      error = "a tensor copy starts to write " + byteText(at) + ", which " + threadText(c.write.who) +
              " stored with no shared_fence before the barrier";
    else if (c.readAt > known_[role_].read)
      error = "a tensor copy starts to write " + byteText(at) + ", which " + threadText(c.reads[1].who) +
              " read with no shared_fence before it arrived";
    if (!error.empty())
      return false;
    ++c.copies;
    c.copier = kEngine;
  }
  return true;
}

void SharedMemory::landEngineWrite(uint64_t offset, unsigned n, uint64_t bits) {
  for (unsigned i = 0; i < n; ++i) {
    Cell &c = cells_[offset + i];
    --c.copies;
    c.write = {kEngine, 0, 0};
    c.storedAt = 0;
    c.holds = true;
    bytes_[offset + i] = static_cast<uint8_t>(bits >> (8 * i));
  }
}

bool SharedMemory::startRead(const char *who, uint64_t offset, unsigned n, uint64_t &bits, std::string &error) {
  bits = 0;
  if (!inside("an operand at", offset, n, error))
    return false;
  for (unsigned i = 0; i < n; ++i) {
    Cell &c = cells_[offset + i];
    if (!idle(who, offset + i, false, error))
      return false;
    if (!c.holds)
      error = std::string(who) + " reads " + byteText(offset + i) + ", which nothing wrote";
    else if (concurrentWrite(c, kAnybody))
      error = std::string(who) + " reads " + byteText(offset + i) + ", which " + threadText(c.write.who) +
              " wrote with no barrier between";
    else if (c.storedAt > published_)
      error = std::string(who) + " reads " + byteText(offset + i) + ", which " + threadText(c.write.who) +
              " stored with no shared_fence before the barrier";
    if (!error.empty())
      return false;
    ++c.products;
    bits |= static_cast<uint64_t>(bytes_[offset + i]) << (8 * i);
  }
  return true;
}

void SharedMemory::endProduct(uint64_t offset, unsigned n) {
  for (uint64_t at = offset; at < offset + n; ++at) {
    Cell &c = cells_[at];
    --c.products;
    note(c.reads[role_], kMany); // others may write after a barrier: each thread only knows that it has waited itself
  }
}

bool SharedMemory::read(unsigned thread, uint64_t offset, unsigned n, uint64_t &bits, std::string &error) {
  bits = 0;
  if (!inside("a read of", offset, n, error))
    return false;
  std::string self = threadText(static_cast<int>(thread));
  for (unsigned i = 0; i < n; ++i) {
    Cell &c = cells_[offset + i];
    if (!idle(self.c_str(), offset + i, false, error))
      return false;
    if (!c.holds) {
      error = threadText(static_cast<int>(thread)) + " reads " + byteText(offset + i) + ", which nothing wrote";
      return false;
    }
    if (const Access *other = concurrentWrite(c, static_cast<int>(thread))) {
      error = threadText(static_cast<int>(thread)) + " reads " + byteText(offset + i) + ", which " +
              threadText(other->who) + " wrote with no barrier between";
      return false;
    }
    note(c.reads[role_], static_cast<int>(thread));
    c.readAt = ++clock_;
    bits |= static_cast<uint64_t>(bytes_[offset + i]) << (8 * i);
  }
  return true;
}

bool SharedMemory::orderWrite(unsigned thread, uint64_t at, bool sameValue, std::string &error) {
  Cell &c = cells_[at];
  if (c.copies == 0 && !idle("a thread", at, true, error))
    return false;
  auto self = static_cast<int>(thread);
  if (const Access *other = concurrentRead(c, self)) {
    error = threadText(self) + " writes " + byteText(at) + ", which " + threadText(other->who) +
            " read with no barrier between";
    return false;
  }
  if (const Access *other = concurrentWrite(c, self); other && !sameValue) {
    error = threadText(self) + " and " + threadText(other->who) + " write " + byteText(at) + " with no barrier between";
    return false;
  }
  note(c.write, self);
  c.writeRole = static_cast<uint8_t>(role_);
  c.storedAt = ++clock_;
  c.holds = true;
  return true;
}

bool SharedMemory::write(unsigned thread, uint64_t offset, unsigned n, uint64_t bits, std::string &error) {
  if (!inside("a write of", offset, n, error))
    return false;
  for (unsigned i = 0; i < n; ++i) {
    if (cells_[offset + i].copies)
      return idle(threadText(static_cast<int>(thread)).c_str(), offset + i, true, error);
    auto byte = static_cast<uint8_t>(bits >> (8 * i));
    bool sameValue = cells_[offset + i].holds && bytes_[offset + i] == byte;
    if (!orderWrite(thread, offset + i, sameValue, error))
      return false;
    bytes_[offset + i] = byte;
  }
  return true;
}

bool SharedMemory::useScratch(uint64_t offset, uint64_t n, std::string &error) {
  if (offset > bytes_.size() || n > bytes_.size() - offset) {
    error = "an op's scratch [" + std::to_string(offset) + ", " + std::to_string(offset + n) + ") is outside of the " +
            std::to_string(bytes_.size()) + " bytes that the kernel asked for";
    return false;
  }
  for (uint64_t at = offset; at < offset + n; ++at) {
    const Cell &c = cells_[at];
    if (!idle("an op's scratch", at, true, error))
      return false;
    const Access *other = concurrentWrite(c, kAnybody);
    if (!other)
      other = concurrentRead(c, kAnybody);
    if (other) {
      error = "an op's scratch takes " + byteText(at) + ", which " + threadText(other->who) +
              " used with no barrier between";
      return false;
    }
  }
  barrier();
  for (uint64_t at = offset; at < offset + n; ++at) {
    note(cells_[at].reads[role_], kMany);
    cells_[at].holds = false;
  }
  return true;
}

bool SharedMemory::forget(uint64_t offset, uint64_t n, std::string &error) {
  for (uint64_t at = offset; at < offset + n && at < cells_.size(); ++at) {
    if (!idle("the end of a buffer's life", at, true, error))
      return false;
    cells_[at].holds = false;
  }
  return true;
}

} // namespace tessera::mock
