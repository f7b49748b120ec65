// StageTimes.h - how long the parts of one compile took
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tessera::compiler {

// Parts go by the name of what they make ("frontend", "tile", "layout", "bytecode", "llvm", "asm", "obj"); "target" is what opening the target
// and loading its plugin took, "compile" what a plugin did besides its own parts. Not thread-safe; one a compile.
class StageTimes {
public:
  // The part before ends here. The first one begins with this object.
  void enter(std::string_view part);
  // Divides the part that runs: `json` is what a plugin says of it, {"llvm": nanoseconds, …}. Anything else changes nothing.
  void split(std::string_view json);
  // [["frontend", 1200], …]: nanoseconds, in the order of the compile. Ends the part that runs.
  std::string json();

private:
  using Clock = std::chrono::steady_clock;
  void end();
  std::vector<std::pair<std::string, uint64_t>> parts_, inner_;
  std::string current_;
  Clock::time_point began_ = Clock::now();
};

} // namespace tessera::compiler
