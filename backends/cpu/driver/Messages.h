// Messages.h - what kernels print and which of them failed, until somebody asks
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plugins/abi/plugin.h"

#include <atomic>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace tessera::cpu {

// One a device. Thread-safe.
class Messages {
public:
  // Whole lines. Beyond 16 MiB that nobody fetched, the text goes to the standard output instead of into memory.
  void print(std::string_view text);
  // A failed launch: an assertion or a fault.
  void failure(std::string message, std::string kernel);
  // Hands everything to the sink, oldest first, prints before failures, and forgets it. Costs one load where there is nothing.
  tsr_status drain(const tsr_sink *sink);

private:
  struct Failure {
    std::string message, kernel;
  };
  std::atomic<bool> any_{false};
  std::mutex mutex_;
  std::string prints_;
  std::vector<Failure> failures_;
  uint64_t dropped_ = 0;
};

// One value as device_print shows it, without a newline: "pid (x, y, z) idx ( i, j) prefix: value"; a coordinate is as wide as
// the greatest of its dim. The arguments are those of Services::printValue. The same text as core/interpreter's PrintFormat
// makes (tests/unit/cpu/driver compares them); the driver links none of the core.
std::string formatPrint(const int32_t program[3], const int64_t *index, uint32_t rank, std::string_view prefix,
                        uint32_t kind, uint32_t bits, uint32_t hex, uint64_t valueBits, uint32_t operand,
                        uint32_t numOperands);

} // namespace tessera::cpu
