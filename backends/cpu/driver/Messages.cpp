// Messages.cpp - device prints and failures
//
// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/driver/Messages.h"

#include "backends/cpu/driver/Failure.h"

#include <cstdio>
#include <cstring>

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

// Triton's rule, which changes nothing where it was applied before: ": " stands before values, a blank before a prefix.
static std::string spacedPrefix(std::string_view prefix, bool hasValue) {
  std::string s(prefix);
  if (hasValue) {
    if (s.empty() || s.back() != ' ')
      s += ' ';
    if (s.size() < 2 || s[s.size() - 2] != ':')
      s = s.substr(0, s.size() - 1) + ": ";
  }
  return s.size() > 2 && s[0] != ' ' ? " " + s : s;
}

static float halfToFloat(uint16_t half) {
  _Float16 value;
  std::memcpy(&value, &half, sizeof(value));
  return static_cast<float>(value);
}

static std::string formatValue(uint32_t kind, uint32_t bits, uint32_t hex, uint64_t raw) {
  char text[400]; // "%f" of the largest double needs 317
  if (bits > 64 || bits == 0)
    bits = 64;
  uint64_t low = bits == 64 ? raw : raw & ((uint64_t(1) << bits) - 1);
  if (kind == 3) {
    std::snprintf(text, sizeof(text), "0x%llx", static_cast<unsigned long long>(low));
  } else if (hex && kind != 2) {
    std::snprintf(text, sizeof(text), "0x%0*llx", static_cast<int>((bits + 3) / 4),
                  static_cast<unsigned long long>(low));
  } else if (kind == 2) {
    double value;
    if (bits == 64) {
      std::memcpy(&value, &raw, sizeof(value));
    } else if (bits == 32) {
      float narrow;
      auto word = static_cast<uint32_t>(raw);
      std::memcpy(&narrow, &word, sizeof(narrow));
      value = narrow;
    } else {
      value = halfToFloat(static_cast<uint16_t>(raw));
    }
    std::snprintf(text, sizeof(text), "%f", value);
  } else if (kind == 1 || bits == 1) {
    std::snprintf(text, sizeof(text), "%llu", static_cast<unsigned long long>(low));
  } else {
    // Shift the sign bit of the value to the top and back.
    auto value = static_cast<int64_t>(raw << (64 - bits)) >> (64 - bits);
    std::snprintf(text, sizeof(text), "%lld", static_cast<long long>(value));
  }
  return text;
}

std::string formatPrint(const int32_t program[3], const int64_t *index, uint32_t rank, std::string_view prefix,
                        uint32_t kind, uint32_t bits, uint32_t hex, uint64_t valueBits, uint32_t operand,
                        uint32_t numOperands) {
  std::string line = "pid (" + std::to_string(program[0]) + ", " + std::to_string(program[1]) + ", " +
                     std::to_string(program[2]) + ")";
  if (numOperands == 0)
    return line + spacedPrefix(prefix, false);
  line += " idx (";
  for (uint32_t i = 0; index && i < rank; ++i) {
    std::string number = std::to_string(index[i]), widest = std::to_string(index[rank + i] - 1);
    line += i ? ", " : "";
    line += std::string(widest.size() > number.size() ? widest.size() - number.size() : 0, ' ') + number;
  }
  line += ")" + spacedPrefix(prefix, true);
  if (numOperands > 1)
    line += "(operand " + std::to_string(operand) + ") ";
  return line + formatValue(kind, bits, hex, valueBits);
}

} // namespace tessera::cpu
