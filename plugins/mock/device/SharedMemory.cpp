// SharedMemory.cpp - accesses and their races
// SPDX-License-Identifier: Apache-2.0
#include "plugins/mock/device/SharedMemory.h"

namespace tessera::mock {

namespace {
std::string byteText(uint64_t at) { return "shared byte " + std::to_string(at); }
std::string threadText(int t) {
  return t < 0 ? "several threads" : "lane " + std::to_string(t % 32) + " of warp " + std::to_string(t / 32);
}
} // namespace

bool SharedMemory::read(unsigned thread, uint64_t offset, unsigned n, uint64_t &bits, std::string &error) {
  bits = 0;
  if (offset > bytes_.size() || n > bytes_.size() - offset) {
    error = "a read of " + byteText(offset) + " is outside of the " + std::to_string(bytes_.size()) +
            " bytes that the kernel asked for";
    return false;
  }
  for (unsigned i = 0; i < n; ++i) {
    Cell &c = cells_[offset + i];
    if (!c.holds) {
      error = threadText(static_cast<int>(thread)) + " reads " + byteText(offset + i) + ", which nothing wrote";
      return false;
    }
    if (c.writeEpoch == epoch_ && c.writer != static_cast<int>(thread)) {
      error = threadText(static_cast<int>(thread)) + " reads " + byteText(offset + i) + ", which " +
              threadText(c.writer) + " wrote with no barrier between";
      return false;
    }
    c.reader = c.readEpoch == epoch_ && c.reader != static_cast<int>(thread) ? kMany : static_cast<int>(thread);
    c.readEpoch = epoch_;
    bits |= static_cast<uint64_t>(bytes_[offset + i]) << (8 * i);
  }
  return true;
}

bool SharedMemory::orderWrite(unsigned thread, uint64_t at, bool sameValue, std::string &error) {
  Cell &c = cells_[at];
  if (c.readEpoch == epoch_ && c.reader != static_cast<int>(thread)) {
    error = threadText(static_cast<int>(thread)) + " writes " + byteText(at) + ", which " + threadText(c.reader) +
            " read with no barrier between";
    return false;
  }
  if (c.writeEpoch == epoch_ && c.writer != static_cast<int>(thread) && !sameValue) {
    error = threadText(static_cast<int>(thread)) + " and " + threadText(c.writer) + " write " + byteText(at) +
            " with no barrier between";
    return false;
  }
  c.writer = c.writeEpoch == epoch_ && c.writer != static_cast<int>(thread) ? kMany : static_cast<int>(thread);
  c.writeEpoch = epoch_;
  c.holds = true;
  return true;
}

bool SharedMemory::write(unsigned thread, uint64_t offset, unsigned n, uint64_t bits, std::string &error) {
  if (offset > bytes_.size() || n > bytes_.size() - offset) {
    error = "a write of " + byteText(offset) + " is outside of the " + std::to_string(bytes_.size()) +
            " bytes that the kernel asked for";
    return false;
  }
  for (unsigned i = 0; i < n; ++i) {
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
    if (c.readEpoch == epoch_ || c.writeEpoch == epoch_) {
      error = "an op's scratch takes " + byteText(at) + ", which " +
              threadText(c.writeEpoch == epoch_ ? c.writer : c.reader) + " used with no barrier between";
      return false;
    }
  }
  barrier();
  for (uint64_t at = offset; at < offset + n; ++at) {
    cells_[at].reader = kMany;
    cells_[at].readEpoch = epoch_;
    cells_[at].holds = false;
  }
  return true;
}

void SharedMemory::forget(uint64_t offset, uint64_t n) {
  for (uint64_t at = offset; at < offset + n && at < cells_.size(); ++at)
    cells_[at].holds = false;
}

} // namespace tessera::mock
