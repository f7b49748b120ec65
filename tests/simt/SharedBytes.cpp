// SharedBytes.cpp - see SharedBytes.h
//
// SPDX-License-Identifier: Apache-2.0
#include "tests/simt/SharedBytes.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace tessera::simt {

SharedBytes::SharedBytes(uint64_t bytes, unsigned threads, unsigned lanes)
    : size_(bytes), lanes_(lanes), bytes_(bytes + 32 + kBeyond), cells_(bytes),
      seen_((threads + lanes - 1) / lanes, WarpClock((threads + lanes - 1) / lanes)), joined_(seen_.size()),
      part_(static_cast<unsigned>(seen_.size())) {
  uintptr_t at = reinterpret_cast<uintptr_t>(bytes_.data());
  base_ = bytes_.data() + ((16 - at) & 31);
}

void SharedBytes::reset() {
  std::memset(bytes_.data(), 0xcd, bytes_.size());
  start_ = ++epoch_;
  for (WarpClock &clock : seen_)
    clock.assign(clock.size(), epoch_);
  joined_.assign(joined_.size(), epoch_);
  part_ = static_cast<unsigned>(seen_.size());
  pending_.before.clear();
}

void SharedBytes::partBarrier(unsigned warps) {
  WarpClock all(seen_.size());
  for (unsigned w = 0; w < warps; ++w)
    release(w, all);
  ++epoch_;
  std::fill(all.begin(), all.begin() + warps, epoch_);
  std::fill(seen_.begin(), seen_.begin() + warps, all);
  std::fill(joined_.begin(), joined_.begin() + warps, epoch_);
  part_ = warps;
}

void SharedBytes::release(unsigned warp, WarpClock &clock) const {
  clock.resize(seen_.size());
  for (size_t w = 0; w < clock.size(); ++w)
    clock[w] = std::max(clock[w], seen_[warp][w]);
}

void SharedBytes::acquire(unsigned warp, const WarpClock &clock) {
  for (size_t w = 0; w < clock.size(); ++w)
    seen_[warp][w] = std::max(seen_[warp][w], clock[w]);
}

bool SharedBytes::isSeen(const Access &a, unsigned warp) const {
  if (a.who == kNobody || a.who == kEngine)
    return true;
  for (uint64_t rest = a.warps; rest; rest &= rest - 1) {
    auto other = static_cast<unsigned>(std::countr_zero(rest));
    if (epochOf(a, other) >= seen_[warp][other])
      return false;
  }
  return true;
}

// The engine is none of the warp's lanes: a barrier of its own warp orders nothing with it.
bool SharedBytes::isSeenByEngine(const Access &a, unsigned warp) const {
  bool own = a.who != kNobody && a.who != kEngine && (a.warps >> warp & 1);
  return isSeen(a, warp) && !(own && epochOf(a, warp) >= joined_[warp]);
}

bool SharedBytes::ordered(const Access &a, unsigned thread) const {
  return a.who == static_cast<int32_t>(thread) || isSeen(a, thread / lanes_);
}

// What comes before this access may be forgotten: whoever is unordered with it is so with this one too. Else the set grows.
void SharedBytes::add(Access &a, unsigned thread) {
  unsigned warp = thread / lanes_;
  uint64_t own = uint64_t(1) << warp;
  if (ordered(a, thread)) {
    a = {static_cast<int32_t>(thread), a.many, epoch_, own};
    return;
  }
  WarpClock &epochs = epochsOf(a);
  epochs[warp] = a.epoch = epoch_;
  a.warps |= own;
}

// Makes it an access of several lanes.
WarpClock &SharedBytes::epochsOf(Access &a) {
  if (!a.many) {
    a.many = static_cast<uint32_t>(many_.size());
    many_.emplace_back(seen_.size());
  }
  if (a.who >= 0)
    many_[a.many][static_cast<size_t>(std::countr_zero(a.warps))] = a.epoch;
  a.who = kMany;
  return many_[a.many];
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

std::string SharedBytes::engineWrite(unsigned thread, uint64_t offset, uint64_t n) {
  for (uint64_t at = offset; at < offset + n; ++at) {
    Cell &c = cells_[at];
    for (const Access *a : {&c.reader, &c.writer, &c.atomic})
      if (!isSeenByEngine(*a, thread / lanes_))
        return "race in shared memory: the copy engine writes byte " + std::to_string(at) +
               ", which a thread used with no barrier in between";
    c.writer = {kEngine, c.writer.many, epoch_, 0};
  }
  return {};
}

std::string SharedBytes::engineRead(unsigned thread, uint64_t offset, uint64_t n) {
  for (uint64_t at = offset; at < offset + n; ++at) {
    Cell &c = cells_[at];
    if (std::string why = unwritten(thread, at); !why.empty())
      return why;
    if (!isSeenByEngine(c.writer, thread / lanes_))
      return "race in shared memory: the copy engine reads byte " + std::to_string(at) +
             ", which a thread wrote with no barrier in between";
    epochsOf(c.reader).assign(seen_.size(), epoch_);
    c.reader.epoch = epoch_;
    c.reader.warps = (uint64_t(1) << part_) - 1; // others come after a barrier of them all
  }
  return {};
}

std::string SharedBytes::unitRead(unsigned warp, unsigned warps, uint64_t offset, uint64_t n) {
  for (uint64_t at = offset; at < offset + n; ++at) {
    Cell &c = cells_[at];
    if (std::string why = unwritten(warp * lanes_, at); !why.empty())
      return why;
    for (unsigned w = warp; w < warp + warps; ++w)
      if (!isSeenByEngine(c.writer, w))
        return "race in shared memory: a product reads byte " + std::to_string(at) +
               ", which a thread wrote with no barrier in between";
    WarpClock &epochs = epochsOf(c.reader);
    std::fill(epochs.begin() + warp, epochs.begin() + warp + warps, epoch_);
    c.reader.epoch = epoch_;
    c.reader.warps |= ((uint64_t(1) << warps) - 1) << warp;
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
