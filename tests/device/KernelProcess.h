// KernelProcess.h - compiled kernels run in another process, because a kernel that faults ends the device for its process
//
// SPDX-License-Identifier: Apache-2.0
//
// The parent keeps everything that costs time (kernels, expected results, compiled files); the child opens the device, takes one launch after the
// other over a socket, and answers with the buffers or with what went wrong. It is the parent's own program, started anew.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace tessera::device {

using Buffers = std::vector<std::vector<uint8_t>>;

// One launch, and all that it takes.
struct Launch {
  std::string artifact; // a compiled kernel file with one kernel
  std::array<uint32_t, 3> grid{1, 1, 1};
  // In the kernel's order: is it a buffer; the buffer's index, or the number.
  std::vector<std::pair<bool, uint64_t>> parameters;
  Buffers buffers; // before
};

struct Outcome {
  std::string why;     // empty: it ran, and wrote nothing outside its buffers
  bool isLost = false; // the process has no device any more
  Buffers buffers;     // after
};

// The child's side: opens `which` ("nvidia", "simt:0"), serves `socket` until it closes, then closes the device.
// endAt: the launch, counted from 0, at which the process kills itself instead, to test the other side; negative: none.
int serveLaunches(const std::string &which, int socket, int64_t endAt);

// The parent's side. One thread uses it.
class KernelProcess {
public:
  KernelProcess() = default;
  ~KernelProcess() { stop(); }
  KernelProcess(const KernelProcess &) = delete;
  KernelProcess &operator=(const KernelProcess &) = delete;
  // Starts this program with `arguments` and the socket's number behind them. What is wrong; empty: nothing, and name and target are known.
  std::string start(const std::vector<std::string> &arguments);
  // At most `seconds`; the process is gone where the outcome isLost.
  Outcome run(const Launch &launch, double seconds);
  void stop();
  bool isRunning() const { return pid_ > 0; }
  std::string name, target; // "NVIDIA H200", "nvidia/sm_90a"

private:
  std::string end(const char *what); // how the process ended
  pid_t pid_ = -1;
  int socket_ = -1;
};

} // namespace tessera::device
