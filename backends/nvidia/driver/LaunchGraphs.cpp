// LaunchGraphs.cpp - when a launch goes by a graph of its own, and how that graph follows it
// SPDX-License-Identifier: Apache-2.0
#include "backends/nvidia/driver/LaunchGraphs.h"

#include "backends/nvidia/driver/Module.h"

#include <algorithm>
#include <chrono>
#include <cstring>

namespace tessera::nvidia {

namespace {
// A look is an event, and the question four launches later whether the device has come that far: about 14 us, in which it begins and ends an
// empty kernel several times. Event and question take 0.6 to 2 us (H100, driver 580.159), so they are rare, and rarer where they are the larger part.
constexpr uint32_t kLaunchesOfLook = 4, kLaunchesToLook = 32, kLaunchesToLookByGraph = 128;
// Looks in a row that find the device there before graphs are taken, and behind before they are left: a kernel too short to be worth an
// overlap, but longer than a launch by graph, falls behind while it is launched so, and not otherwise.
constexpr uint32_t kIdleLooks = 2, kBusyLooks = 4;
// Launches of a kernel before it gets a graph, which takes 33 us and 110 KB of the device (measured there); 25 launches later it has paid.
constexpr uint32_t kLaunchesBefore = 16;
// Graphs that a stream keeps: 14 MB of the device. Where there are as many, one that was not launched for so long makes room: a program that goes round
// through more kernels than that keeps those it has.
constexpr size_t kMostGraphs = 128;
constexpr uint64_t kLongAgo = 4096;
// Launches that are timed each way before they are compared, of graphs that were launched before: the first times take longer. Looks that pass before graphs
// that were not faster are tried again (twice as many each time).
constexpr size_t kWeighings = 8;
constexpr uint32_t kLaunchesOfGraph = 4, kFirstRest = 64, kLongestRest = 1 << 10;
constexpr unsigned kEventWithoutTime = 2; // CU_EVENT_DISABLE_TIMING

uint64_t now() {
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
          .count());
}

std::array<unsigned, 7> shapeOf(const cu::LaunchConfig &c) {
  return {c.grid[0], c.grid[1], c.grid[2], c.block[0], c.block[1], c.block[2], c.sharedBytes};
}

// Clusters and cooperative launches keep to their attributes; an overlap with the kernel before is what a graph gives up, an empty grid is no node.
bool fits(const cu::LaunchConfig &c) {
  bool plain = std::all_of(c.attributes, c.attributes + c.numAttributes,
                           [](const cu::LaunchAttribute &a) { return a.id == cu::kLaunchProgrammaticSerialization; });
  return plain && c.grid[0] && c.grid[1] && c.grid[2];
}

cu::Result launchPlainly(const cu::Api &api, const NvidiaKernel &kernel, const cu::LaunchConfig &config,
                         const void *parameters, size_t bytes) {
  cu::ParameterBuffer buffer(parameters, bytes);
  return api.cuLaunchKernelEx(&config, kernel.function(), nullptr, buffer.extra());
}
} // namespace

LaunchGraphs::LaunchGraphs(NvidiaDevice &device, cu::StreamId stream, LaunchGraphPolicy policy)
    : device_(device), stream_(stream), policy_(policy), nextRest_(kFirstRest) {}

LaunchGraphs::~LaunchGraphs() {
  ContextScope scope(device_.api(), device_.context());
  for (auto &[kernel, entry] : entries_)
    destroy(entry);
  if (event_)
    device_.api().cuEventDestroy(event_);
}

void LaunchGraphs::destroy(Entry &e) {
  const cu::Api &api = device_.api();
  RelaxedCapture relaxed(api);
  if (e.exec) {
    api.cuGraphExecDestroy(e.exec);
    --graphs_;
  }
  if (e.graph)
    api.cuGraphDestroy(e.graph);
  e.exec = nullptr;
  e.graph = nullptr;
  e.launched = 0;
}

void LaunchGraphs::forget(const NvidiaKernel &kernel) {
  std::lock_guard lock(mutex_);
  auto at = entries_.find(&kernel);
  if (at == entries_.end())
    return;
  destroy(at->second);
  entries_.erase(at);
}

cu::Result LaunchGraphs::launch(const NvidiaKernel &kernel, const cu::LaunchConfig &config, const void *parameters,
                                size_t bytes, bool captured) {
  const cu::Api &api = device_.api();
  std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock || captured || policy_ == LaunchGraphPolicy::Never)
    return launchPlainly(api, kernel, config, parameters, bytes);
  const bool looks = --untilLook_ == 0;
  if (looks)
    untilLook_ = kLaunchesOfLook;
  if (!looks && !byGraph_)
    return launchPlainly(api, kernel, config, parameters, bytes);
  // A framework may be capturing its stream: a query breaks the capture, and a graph is no kernel in it.
  int capturing = 0;
  if (api.cuStreamIsCapturing(stream_, &capturing) != cu::kSuccess || capturing)
    return launchPlainly(api, kernel, config, parameters, bytes);
  const bool asks = looks && asked_; // the second one of a look's two calls
  const bool isIdle = looks && look();
  Entry *e = byGraph_ ? graphFor(kernel, config, parameters, bytes) : nullptr;
  // At a look a kernel whose graph is no new one goes either way once, so that both are timed beside each other.
  const bool weighs = looks && e && e->launched >= kLaunchesOfGraph && policy_ != LaunchGraphPolicy::Always;
  const bool plainly = weighs && asks != plainFirst_;
  const uint64_t began = weighs ? now() : 0;
  cu::Result r;
  if (plainly || !e) {
    r = launchPlainly(api, kernel, config, parameters, bytes);
  } else {
    ++e->launched;
    r = api.cuGraphLaunch(e->exec, stream_);
  }
  if (weighs && !asks) {
    first_ = now() - began;
  } else if (asks) {
    // Behind a device that is not through a launch may wait, and a graph for its own last launch.
    if (weighs && isIdle && first_) {
      weigh(!plainFirst_, first_);
      weigh(plainFirst_, now() - began);
      plainFirst_ = !plainFirst_;
    }
    first_ = 0;
  }
  if (e && !plainly && r != cu::kSuccess && !isSticky(r)) { // no room for it, say
    destroy(*e);
    e->refused = true;
    r = launchPlainly(api, kernel, config, parameters, bytes);
  }
  return r;
}

// Is the host what is waited for? Every other call asks for the event that the one before recorded; true: the device had come that far.
bool LaunchGraphs::look() {
  if (policy_ == LaunchGraphPolicy::Always) {
    byGraph_ = true;
    return false;
  }
  const cu::Api &api = device_.api();
  RelaxedCapture relaxed(api);
  if (!asked_) { // what fails here, the launch will say
    asked_ = (event_ || api.cuEventCreate(&event_, kEventWithoutTime) == cu::kSuccess) &&
             api.cuEventRecord(event_, stream_) == cu::kSuccess;
    return false;
  }
  asked_ = false;
  cu::Result r = api.cuEventQuery(event_);
  if (rest_) {
    --rest_;
  } else if (r == cu::kSuccess) {
    busy_ = 0;
    if (!byGraph_ && ++idle_ >= kIdleLooks)
      byGraph_ = true;
  } else if (r == cu::kNotReady) {
    idle_ = 0;
    if (byGraph_ && ++busy_ >= kBusyLooks) {
      byGraph_ = false;
      busy_ = 0;
    }
  }
  untilLook_ = byGraph_ ? kLaunchesToLookByGraph : kLaunchesToLook;
  return r == cu::kSuccess;
}

// A driver whose graphs cost more than its launches is left alone for a while: it may be older, or another program may look at every call. Medians, as one
// launch may be interrupted.
void LaunchGraphs::weigh(bool byGraph, uint64_t nanoseconds) {
  weighed_[byGraph].push_back(nanoseconds);
  if (weighed_[0].size() < kWeighings || weighed_[1].size() < kWeighings)
    return;
  std::array<uint64_t, 2> medians{};
  for (int way : {0, 1}) {
    std::vector<uint64_t> &all = weighed_[way];
    auto middle = all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2);
    std::nth_element(all.begin(), middle, all.end());
    medians[way] = *middle;
    all.clear();
  }
  if (medians[1] < medians[0]) {
    nextRest_ = kFirstRest;
    return;
  }
  byGraph_ = false;
  idle_ = 0;
  rest_ = nextRest_;
  nextRest_ = std::min(2 * nextRest_, kLongestRest);
}

bool LaunchGraphs::makeRoom() {
  if (graphs_ < kMostGraphs)
    return true;
  auto oldest = entries_.end();
  for (auto at = entries_.begin(); at != entries_.end(); ++at)
    if (at->second.exec && (oldest == entries_.end() || at->second.lastUsed < oldest->second.lastUsed))
      oldest = at;
  if (oldest == entries_.end() || launches_ - oldest->second.lastUsed < kLongAgo)
    return false;
  destroy(oldest->second);
  oldest->second.launches = 0;
  return true;
}

LaunchGraphs::Entry *LaunchGraphs::graphFor(const NvidiaKernel &kernel, const cu::LaunchConfig &config,
                                            const void *parameters, size_t bytes) {
  if (!fits(config))
    return nullptr;
  Entry *e = &entries_[&kernel];
  if (e->refused)
    return nullptr;
  e->lastUsed = ++launches_;
  if (!e->exec && policy_ != LaunchGraphPolicy::Always && ++e->launches < kLaunchesBefore)
    return nullptr;
  if (!e->exec && !makeRoom()) {
    e->launches = 0; // not asked again at once
    return nullptr;
  }
  const std::array<unsigned, 7> shape = shapeOf(config);
  const auto *from = static_cast<const uint8_t *>(parameters);
  if (e->exec && e->shape == shape && std::memcmp(e->parameters.data(), from, bytes) == 0)
    return e;
  cu::ParameterBuffer buffer(parameters, bytes);
  cu::KernelNodeParameters p{};
  p.function = kernel.function();
  std::copy(config.grid, config.grid + 3, p.grid);
  std::copy(config.block, config.block + 3, p.block);
  p.sharedBytes = config.sharedBytes;
  p.extra = buffer.extra();
  const cu::Api &api = device_.api();
  bool ok;
  if (e->exec) {
    ok = api.cuGraphExecKernelNodeSetParams(e->exec, e->node, &p) == cu::kSuccess;
  } else {
    RelaxedCapture relaxed(api);
    ok = api.cuGraphCreate(&e->graph, 0) == cu::kSuccess &&
         api.cuGraphAddKernelNode(&e->node, e->graph, nullptr, 0, &p) == cu::kSuccess &&
         api.cuGraphInstantiateWithFlags(&e->exec, e->graph, 0) == cu::kSuccess;
    graphs_ += ok;
  }
  if (!ok) {
    destroy(*e);
    e->refused = true;
    return nullptr;
  }
  e->shape = shape;
  e->parameters.assign(from, from + bytes);
  return e;
}

} // namespace tessera::nvidia
