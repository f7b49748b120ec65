// FakeCuda.h - a libcuda in software, for tests of the driver role: host memory, deferred work, faults on demand
//
// SPDX-License-Identifier: Apache-2.0
//
// The shared object stands in for libcuda.so.1. It is strict where the real one is: no call without a current context, no
// forbidden call while a stream captures (it breaks the capture), nothing after a fault. Work on a stream is done when somebody
// waits for it, so that a forgotten wait shows. It takes PTX text, in which it finds `.entry NAME` and these names mean something:
//   add_one      (u64 address, u32 n): adds 1 to n 32-bit numbers       nothing   does nothing, takes no arguments
//   mix          (u64 address, u32 n): number * 3 + n
//   misaligned   (u64 address): a fault        stop      traps
//   fault        an illegal address            trap_assert  sends an assertion and traps
//   soft_assert  sends an assertion and ends   print_two    prints one value and one plain line
//   print_many   (u32 n): prints n values      torn_print   begins a message, never ends it, and traps
//   copies       (u64 address, u32 n), then a tensor map at byte 128: keeps them in `lastArguments`
//   wide         256 threads at most           lonely       launches fail: too many resources
// `tsr_tensor_maps` and `tsr_grid_strides` have the bytes that the test set; `tsr_messages` and `tsr_texts` exist where the text names them. ELF files load with the kernel `nothing`;
// PTX with the word no_such_op does not.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace tessera::fake_cuda {

// What a test sees and sets; one a process. Not guarded: set it up while nothing runs.
struct Control {
  // Set by the test.
  int version = 13000, initResult = 0, devices = 1, capabilityMajor = 9, capabilityMinor = 0;
  std::map<int, int> attributes;                         // overrides
  std::set<std::string> missing;                         // functions that cuGetProcAddress does not find
  std::map<std::string, int> failOnce;                   // function -> result of its next call, without doing anything
  std::map<std::string, std::chrono::microseconds> slow; // function -> what each call takes more
  std::string jitLog;                                    // with a failing load: the compiler's error text
  std::string tensorMaps, gridStrides;                   // the values of tsr_tensor_maps, tsr_grid_strides
  bool faultsStay = false;                               // no reset, and no end of the context, takes a fault away
  bool hold = false;                                     // queries find streams busy
  bool instant = false;                                  // launches are only counted: for measuring our own cost
  uint64_t memoryBytes = uint64_t(1) << 30;              // of device memory
  // Seen by the test.
  std::map<std::string, unsigned> calls;
  unsigned instantLaunches = 0;
  std::vector<std::string> violations; // calls that the real driver would have answered with a broken state
  unsigned contextsAlive = 0, liveStreams = 0, liveEvents = 0, liveModules = 0, liveGraphs = 0, livePools = 0;
  uint64_t liveBytes = 0;
  unsigned grid[3] = {}, block[3] = {}, cluster[3] = {};
  unsigned sharedBytes = 0, launchAttributes = 0;
  bool cooperative = false, dependent = false;
  int dynamicShared = 0, priority = 0;
  std::string lastArguments; // of `copies`
  uint64_t tensorShape[5] = {}, tensorStrides[5] = {};
  uint32_t tensorBox[5] = {}, tensorRank = 0;
  int tensorType = -1, tensorSwizzle = -1, tensorFill = -1;
  void reset() { *this = Control(); }
  void called(const std::string &function) {
    ++calls[function];
    if (auto it = slow.find(function); it != slow.end())
      std::this_thread::sleep_for(it->second);
  }
};

// Exported by the fake: `Control *fake_cuda_control()`; `void fake_cuda_restart()` forgets contexts and faults.
using ControlFunction = Control *(*)();
using RestartFunction = void (*)();

} // namespace tessera::fake_cuda
