// Messages.cpp - the ring of device messages, from the host's side
// SPDX-License-Identifier: Apache-2.0
#include "backends/nvidia/driver/Messages.h"

#include "backends/nvidia/driver/Device.h"
#include "core/support/PrintLine.h"

#include <array>

namespace tessera::nvidia {

namespace {
// Module numbers start far from anything that a kernel writes into a message, so that word 1 of a message tells it from other
// words (collect(true)).
constexpr uint64_t kFirstModule = 0x7465737365720000;
// Beyond this nobody fetches them.
constexpr size_t kMaxPrintBytes = 64u << 20, kMaxAssertions = 64;

uint64_t *ringOf(MessageHost *host) {
  return reinterpret_cast<uint64_t *>(reinterpret_cast<char *>(host) + kRingOffset);
}
uint64_t acquire(const uint64_t *word) { return __atomic_load_n(word, __ATOMIC_ACQUIRE); }
void release(uint64_t *word, uint64_t value) { __atomic_store_n(word, value, __ATOMIC_RELEASE); }
uint32_t low(uint64_t word) { return static_cast<uint32_t>(word); }
uint32_t high(uint64_t word) { return static_cast<uint32_t>(word >> 32); }

struct Head {
  explicit Head(uint64_t w)
      : words(w & 0xffff), kind(w >> 16 & 0xff), rank(w >> 24 & 0xff), type(w >> 32 & 0xff), bits(w >> 40 & 0xff),
        hex(w >> 48 & 0xff), operands(w >> 56 & 0xff) {}
  uint32_t words, kind, rank, type, bits, hex, operands;

  bool wellFormed() const {
    if (kind == static_cast<uint32_t>(MessageKind::Assert))
      return words == kAssertWords;
    return kind == static_cast<uint32_t>(MessageKind::Print) && rank <= kMaxRank &&
           words == (operands ? kPrintWords + rank : kPlainPrintWords);
  }
};
} // namespace

std::string FailedAssertion::sentence() const {
  return "kernel '" + kernel + "', program (" + std::to_string(program[0]) + ", " + std::to_string(program[1]) + ", " +
         std::to_string(program[2]) + ")" + (file.empty() ? "" : ", at " + file + ":" + std::to_string(line)) +
         ": assertion failed: " + text;
}

void Messages::open() {
  const cu::Api &api = device_.api();
  const uint64_t bytes = kRingOffset + wanted_;
  void *host = nullptr;
  device_.check(api.cuMemHostAlloc(&host, bytes, cu::kHostPortable | cu::kHostMapped), "no memory for messages");
  std::memset(host, 0, bytes);
  MessageControl control{};
  cu::Address seen = 0;
  cu::Result r = api.cuMemHostGetDevicePointer(&seen, host, 0);
  if (r == cu::kSuccess)
    r = api.cuMemAlloc(&control_, sizeof control);
  mask_ = wanted_ / 8 - 1;
  control.host = seen;
  control.mask = mask_;
  if (r == cu::kSuccess) {
    std::lock_guard lock(device_.serviceMutex());
    r = api.cuMemcpyHtoDAsync(control_, &control, sizeof control, device_.service());
    if (r == cu::kSuccess)
      r = api.cuStreamSynchronize(device_.service());
  }
  if (r != cu::kSuccess) {
    api.cuMemFreeHost(host);
    if (control_)
      api.cuMemFree(control_);
    control_ = 0;
    device_.fail(r, "no memory for messages", nullptr);
  }
  host_.store(static_cast<MessageHost *>(host), std::memory_order_release);
}

void Messages::close() {
  std::lock_guard lock(mutex_);
  MessageHost *host = host_.exchange(nullptr);
  if (!host)
    return;
  device_.api().cuMemFree(control_);
  device_.api().cuMemFreeHost(host);
  control_ = 0;
}

MessagePort Messages::attach(std::string texts) {
  std::lock_guard lock(mutex_);
  if (!host_.load(std::memory_order_relaxed))
    open();
  uint64_t module = kFirstModule + ++nextModule_;
  texts_[module] = std::move(texts);
  return {control_, module};
}

void Messages::detach(uint64_t module) {
  collect();
  std::lock_guard lock(mutex_);
  texts_.erase(module);
}

std::string Messages::text(uint64_t module, uint64_t reference) const {
  auto it = texts_.find(module);
  if (it == texts_.end() || low(reference) > it->second.size() || high(reference) > it->second.size() - low(reference))
    return high(reference) ? "?" : "";
  return it->second.substr(low(reference), high(reference));
}

void Messages::read(const uint64_t *w) {
  const Head head(w[0]);
  const int32_t program[3] = {static_cast<int32_t>(low(w[2])), static_cast<int32_t>(high(w[2])),
                              static_cast<int32_t>(low(w[3]))};
  if (head.kind == static_cast<uint32_t>(MessageKind::Assert)) {
    if (assertions_.size() >= kMaxAssertions)
      return;
    FailedAssertion a{text(w[1], w[4]), text(w[1], w[5]), text(w[1], w[7]), low(w[6]), high(w[6]), {}};
    std::memcpy(a.program, program, sizeof program);
    assertions_.push_back(std::move(a));
    return;
  }
  if (prints_.size() > kMaxPrintBytes) {
    ++lostPrints_;
    return;
  }
  std::array<int64_t, 2 * kMaxRank> index;
  for (uint32_t i = 0; i < head.rank; ++i) {
    index[i] = low(w[kPrintWords + i]);
    index[head.rank + i] = high(w[kPrintWords + i]);
  }
  prints_ += formatPrint(program, index.data(), head.operands ? head.rank : 0, text(w[1], w[4]), head.type, head.bits,
                         head.hex, head.operands ? w[5] : 0, high(w[3]), head.operands);
  prints_ += '\n';
}

void Messages::collect(bool afterFault) {
  MessageHost *host = host_.load(std::memory_order_acquire);
  if (!host)
    return;
  uint64_t *ring = ringOf(host);
  if (!afterFault && acquire(&ring[__atomic_load_n(&host->consumed, __ATOMIC_RELAXED) & mask_]) == 0)
    return;
  std::lock_guard lock(mutex_);
  uint64_t at = host->consumed;
  const uint64_t end = at + mask_ + 1; // no more than the ring holds
  std::array<uint64_t, kMaxMessageWords> words;
  while (at < end) {
    words[0] = acquire(&ring[at & mask_]);
    const Head head(words[0]);
    bool whole = head.wellFormed() && texts_.count(ring[(at + 1) & mask_]);
    if (!whole) {
      if (!afterFault && words[0] == 0)
        break; // nothing, or not finished yet
      ring[at & mask_] = 0;
      release(&host->consumed, ++at);
      continue;
    }
    for (uint32_t i = 1; i < head.words; ++i)
      words[i] = ring[(at + i) & mask_];
    for (uint32_t i = 0; i < head.words; ++i)
      ring[(at + i) & mask_] = 0;
    at += head.words;
    release(&host->consumed, at);
    read(words.data());
  }
  uint64_t dropped = acquire(&host->dropped);
  lostPrints_ += dropped - droppedSeen_;
  droppedSeen_ = dropped;
}

std::optional<FailedAssertion> Messages::takeAssertion() {
  std::lock_guard lock(mutex_);
  if (told_ >= assertions_.size())
    return std::nullopt;
  FailedAssertion first = assertions_[told_];
  told_ = assertions_.size();
  return first;
}

void Messages::drain(const sdk::Sink &sink) {
  std::string prints;
  std::vector<FailedAssertion> assertions;
  uint64_t lost = 0;
  {
    std::lock_guard lock(mutex_);
    prints.swap(prints_);
    assertions.swap(assertions_);
    std::swap(lost, lostPrints_);
    told_ = 0;
  }
  if (!prints.empty())
    sink.emit(TSR_EMIT_DEVICE_PRINT, "print", prints.data(), prints.size());
  for (const FailedAssertion &a : assertions)
    sink.diag(TSR_SEV_ERROR, a.sentence(), a.file, a.line, a.column);
  if (lost)
    sink.warning(std::to_string(lost) + " messages of kernels were lost: the ring was full; wait for the device more " +
                 "often, or open it with a greater message_bytes");
}

} // namespace tessera::nvidia
