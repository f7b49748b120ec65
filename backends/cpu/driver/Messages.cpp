// Messages.cpp - device prints and failures
//
// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/driver/Messages.h"

#include "backends/cpu/driver/Failure.h"

#include <cstdio>

namespace tessera::cpu {

static constexpr size_t kMaxKept = 16u << 20;
static constexpr size_t kMaxFailures = 64;

void Messages::print(std::string_view text) {
  std::lock_guard lock(mutex_);
  if (prints_.size() + text.size() > kMaxKept) {
    std::fwrite(prints_.data(), 1, prints_.size(), stdout);
    prints_.clear();
  }
  prints_ += text;
  any_.store(true, std::memory_order_release);
}

void Messages::failure(std::string message, std::string kernel) {
  std::lock_guard lock(mutex_);
  if (failures_.size() < kMaxFailures)
    failures_.push_back({std::move(message), std::move(kernel)});
  else
    ++dropped_;
  any_.store(true, std::memory_order_release);
}

tsr_status Messages::drain(const tsr_sink *sink) {
  if (!any_.load(std::memory_order_acquire))
    return TSR_OK;
  std::string prints;
  std::vector<Failure> failures;
  uint64_t dropped = 0;
  {
    std::lock_guard lock(mutex_);
    prints.swap(prints_);
    failures.swap(failures_);
    std::swap(dropped, dropped_);
    any_.store(false, std::memory_order_release);
  }
  // The lock is free again: a sink may take its time.
  tsr_status status = TSR_OK;
  if (!prints.empty() && TSR_HAS(tsr_sink, sink, emit)) {
    static constexpr char name[] = "print";
    status = sink->emit(sink->user, TSR_EMIT_DEVICE_PRINT, {name, sizeof(name) - 1}, {prints.data(), prints.size()});
  }
  for (const Failure &f : failures)
    report(sink, TSR_SEV_ERROR, f.message, f.kernel);
  if (dropped)
    report(sink, TSR_SEV_NOTE, std::to_string(dropped) + " more failed launches were not kept");
  return status < 0 ? status : TSR_OK;
}

} // namespace tessera::cpu
