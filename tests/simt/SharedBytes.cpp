// SharedBytes.cpp - see SharedBytes.h
//
// SPDX-License-Identifier: Apache-2.0
#include "tests/simt/SharedBytes.h"

#include <cstring>

namespace tessera::simt {

SharedBytes::SharedBytes(uint64_t bytes, unsigned threads, unsigned lanes)
    : size_(bytes), lanes_(lanes), bytes_(bytes + 32 + kBeyond), cells_(bytes),
      warpEpochs_((threads + lanes - 1) / lanes) {
  uintptr_t at = reinterpret_cast<uintptr_t>(bytes_.data());
  base_ = bytes_.data() + ((16 - at) & 31);
}

void SharedBytes::reset() {
  std::memset(bytes_.data(), 0xcd, bytes_.size());
  start_ = ++epoch_;
  blockEpoch_ = epoch_;
  warpEpochs_.assign(warpEpochs_.size(), epoch_);
  pending_.before.clear();
}

void SharedBytes::blockBarrier() {
  blockEpoch_ = ++epoch_;
  warpEpochs_.assign(warpEpochs_.size(), epoch_);
}

bool SharedBytes::ordered(const Access &a, unsigned thread) const {
  if (a.who == kNobody || a.who == kEngine || a.epoch < blockEpoch_ || a.who == static_cast<int32_t>(thread))
    return true;
  auto warp = static_cast<int32_t>(thread / lanes_);
  bool sameWarp = a.who >= 0 ? a.who / static_cast<int32_t>(lanes_) == warp : a.who == kMany - 1 - warp;
  return sameWarp && a.epoch < warpEpochs_[static_cast<size_t>(warp)];
}

// What comes before this access may be forgotten: whoever is unordered with it is so with this one too. Else the set grows.
void SharedBytes::add(Access &a, unsigned thread) {
  auto who = static_cast<int32_t>(thread);
  auto warp = who / static_cast<int32_t>(lanes_);
  if (!ordered(a, thread)) {
    bool sameWarp = a.who >= 0 ? a.who / static_cast<int32_t>(lanes_) == warp : a.who == kMany - 1 - warp;
    who = sameWarp ? kMany - 1 - warp : kMany;
  }
  a = {who, epoch_};
}

std::string SharedBytes::race(const char *what, unsigned thread, uint64_t at, const char *other,
                              const Access &a) const {
  std::string by = a.who >= 0 ? "thread " + std::to_string(a.who) : std::string("several threads");
  return std::string("race in shared memory: thread ") + std::to_string(thread) + " " + what + " byte " +
         std::to_string(at) + ", which " + by + " " + other + " with no barrier in between";
}

std::string SharedBytes::unwritten(unsigned thread, uint64_t at) const {
  const Access &writer = cells_[at].writer;
  if (writer.who != kNobody && writer.epoch >= start_)
    return {};
  return "thread " + std::to_string(thread) + " reads byte " + std::to_string(at) +
         " of shared memory, which this block never wrote";
}

std::string SharedBytes::read(unsigned thread, uint64_t offset, uint64_t n) {
  for (uint64_t at = offset; at < offset + n; ++at) {
    Cell &c = cells_[at];
    if (std::string why = unwritten(thread, at); !why.empty())
      return why;
    if (!ordered(c.writer, thread))
      return race("reads", thread, at, "wrote", c.writer);
    if (!ordered(c.atomic, thread))
      return race("reads", thread, at, "changed by an atomic", c.atomic);
    add(c.reader, thread);
  }
  return {};
}

std::string SharedBytes::write(unsigned thread, uint64_t offset, uint64_t n) {
  for (uint64_t at = offset; at < offset + n; ++at) {
    Cell &c = cells_[at];
    if (!ordered(c.reader, thread))
      return race("writes", thread, at, "read", c.reader);
    if (!ordered(c.atomic, thread))
      return race("writes", thread, at, "changed by an atomic", c.atomic);
    if (!ordered(c.writer, thread) && pending_.before.empty()) {
      pending_.error = race("writes", thread, at, "wrote (another value)", c.writer);
      pending_.offset = offset;
      pending_.before.assign(base_ + offset, base_ + offset + n);
    }
    add(c.writer, thread);
  }
  return {};
}

std::string SharedBytes::atomic(unsigned thread, uint64_t offset, uint64_t n) {
  for (uint64_t at = offset; at < offset + n; ++at) {
    Cell &c = cells_[at];
    if (std::string why = unwritten(thread, at); !why.empty())
      return why;
    if (!ordered(c.reader, thread))
      return race("changes (atomic)", thread, at, "read", c.reader);
    if (!ordered(c.writer, thread))
      return race("changes (atomic)", thread, at, "wrote", c.writer);
    add(c.atomic, thread);
  }
  return {};
}

std::string SharedBytes::engineWrite(uint64_t offset, uint64_t n) {
  for (uint64_t at = offset; at < offset + n; ++at) {
    Cell &c = cells_[at];
    for (const Access *a : {&c.reader, &c.writer, &c.atomic})
      if (a->who != kNobody && a->who != kEngine && a->epoch >= blockEpoch_)
        return "race in shared memory: the copy engine writes byte " + std::to_string(at) +
               ", which a thread used with no barrier in between";
    c.writer = {kEngine, epoch_};
  }
  return {};
}

std::string SharedBytes::engineRead(uint64_t offset, uint64_t n) {
  for (uint64_t at = offset; at < offset + n; ++at) {
    Cell &c = cells_[at];
    if (std::string why = unwritten(0, at); !why.empty())
      return why;
    if (c.writer.who != kEngine && c.writer.epoch >= blockEpoch_)
      return "race in shared memory: the copy engine reads byte " + std::to_string(at) +
             ", which a thread wrote with no barrier in between";
    c.reader = {kMany, epoch_};
  }
  return {};
}

std::string SharedBytes::settleWrite() {
  if (pending_.before.empty())
    return {};
  bool same = std::memcmp(pending_.before.data(), base_ + pending_.offset, pending_.before.size()) == 0;
  pending_.before.clear();
  return same ? std::string() : pending_.error;
}

} // namespace tessera::simt
