// LaunchGraphs.h - launches as graphs of one kernel, while the device waits for the host
//
// SPDX-License-Identifier: Apache-2.0
//
// cuGraphLaunch of a graph of one kernel takes the host about half of the time of cuLaunchKernelEx, with new arguments
// (cuGraphExecKernelNodeSetParams) about two thirds, and a kernel that is launched and awaited ends sooner. A kernel that is queued
// behind others starts later, as its launch cannot overlap with the end of the one before it. So graphs are for streams on which the device
// is found, again and again, to have done all but the last launches: the host is what is waited for. docs/rationale/launch-graphs.md has
// the numbers.
#pragma once

#include "backends/nvidia/driver/Api.h"

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace tessera::nvidia {

class NvidiaDevice;
class NvidiaKernel;

enum class LaunchGraphPolicy : uint8_t {
  Never,
  WhenIdle, // where the device is found to wait, and as long as the driver is faster that way
  Always,   // wherever a graph can stand for the launch
};

// Calls of this thread that a global capture of somebody else's would forbid do not break it.
class RelaxedCapture {
public:
  explicit RelaxedCapture(const cu::Api &api) : api_(api) { api_.cuThreadExchangeStreamCaptureMode(&mode_); }
  ~RelaxedCapture() { api_.cuThreadExchangeStreamCaptureMode(&mode_); }
  RelaxedCapture(const RelaxedCapture &) = delete;
  RelaxedCapture &operator=(const RelaxedCapture &) = delete;

private:
  const cu::Api &api_;
  int mode_ = cu::kCaptureRelaxed;
};

// The launches of one stream. Executable graphs are ordered behind their own last launch on any stream, so each stream has its own.
// Thread-safe: a launch that meets another one, or `forget`, goes to the driver as it is.
class LaunchGraphs {
public:
  LaunchGraphs(NvidiaDevice &device, cu::StreamId stream, LaunchGraphPolicy policy);
  ~LaunchGraphs();
  LaunchGraphs(const LaunchGraphs &) = delete;
  LaunchGraphs &operator=(const LaunchGraphs &) = delete;

  // Queues one launch, by a graph or by cuLaunchKernelEx; the context is current. parameters: `bytes` bytes, copied. captured: the launch
  // becomes a node of a graph of the program's. The driver's answer.
  cu::Result launch(const NvidiaKernel &kernel, const cu::LaunchConfig &config, const void *parameters, size_t bytes,
                    bool captured);

  // The kernel is about to be unloaded: its graphs go. The context is current.
  void forget(const NvidiaKernel &kernel);

private:
  // A kernel of this stream: its graph as it was last launched.
  struct Entry {
    uint32_t launches = 0; // that a graph could have stood for, until there is one
    uint32_t launched = 0; // of the graph
    uint64_t lastUsed = 0; // of launches_
    bool refused = false;  // by the driver
    cu::GraphId graph = nullptr;
    cu::GraphExecId exec = nullptr;
    cu::GraphNode node = nullptr;
    std::array<unsigned, 7> shape{}; // grid, block, bytes of shared memory
    std::vector<uint8_t> parameters;
  };

  bool look();
  // Compares launches of one kernel that were queued both ways.
  void weigh(bool byGraph, uint64_t nanoseconds);
  // Room for one more graph: of those there are the one that has not been launched for long goes, if there is such.
  bool makeRoom();
  // The graph of the launch, made or given its parameters; null where cuLaunchKernelEx is to be called.
  Entry *graphFor(const NvidiaKernel &kernel, const cu::LaunchConfig &config, const void *parameters, size_t bytes);
  void destroy(Entry &entry);

  NvidiaDevice &device_;
  cu::StreamId stream_;
  std::mutex mutex_; // guards what follows
  const LaunchGraphPolicy policy_;
  bool byGraph_ = false; // the device was found to wait
  bool asked_ = false;   // event_ was recorded, and not asked for yet
  cu::EventId event_ = nullptr;
  uint32_t untilLook_ = 1, idle_ = 0, busy_ = 0;
  bool plainFirst_ = false;                      // of a look's two calls the first one is by cuLaunchKernelEx
  uint64_t first_ = 0;                           // nanoseconds of that one; 0: not timed
  std::array<std::vector<uint64_t>, 2> weighed_; // nanoseconds of the host: by cuLaunchKernelEx, by graph
  uint32_t rest_ = 0, nextRest_; // looks that find nothing, as graphs were not faster; how many the next time
  uint64_t launches_ = 0;        // that came while graphs were taken
  size_t graphs_ = 0;            // of entries_
  std::unordered_map<const NvidiaKernel *, Entry> entries_;
};

} // namespace tessera::nvidia
