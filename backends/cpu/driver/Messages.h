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

} // namespace tessera::cpu
