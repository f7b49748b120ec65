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
// Kernels of a stream that get one: 7 MB of the device.
constexpr size_t kMostGraphs = 64;
// Launches by graph that are timed before they are compared with the others.
constexpr uint32_t kWeighings = 8;
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

LaunchGraphs::~LaunchGraphs() {
  ContextScope scope(device_.api(), device_.context());
  for (Entry &e : entries_)
    destroy(e);
  if (event_)
    device_.api().cuEventDestroy(event_);
}

void LaunchGraphs::destroy(Entry &e) {
  const cu::Api &api = device_.api();
  RelaxedCapture relaxed(api);
  if (e.exec)
    api.cuGraphExecDestroy(e.exec);
  if (e.graph)
    api.cuGraphDestroy(e.graph);
  e.exec = nullptr;
  e.graph = nullptr;
}

void LaunchGraphs::forget(const NvidiaKernel &kernel) {
  std::lock_guard lock(mutex_);
  std::erase_if(entries_, [&](Entry &e) {
    if (e.kernel != &kernel)
      return false;
    destroy(e);
    return true;
  });
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
  if (looks)
    look();
  Entry *e = byGraph_ ? graphFor(kernel, config, parameters, bytes) : nullptr;
  const uint64_t began = looks ? now() : 0;
  cu::Result r = e ? api.cuGraphLaunch(e->exec, stream_) : launchPlainly(api, kernel, config, parameters, bytes);
  if (looks)
    weigh(e, now() - began);
  if (e && r != cu::kSuccess && !isSticky(r)) { // no room for it, say
    destroy(*e);
    e->refused = true;
    r = launchPlainly(api, kernel, config, parameters, bytes);
  }
  return r;
}

// Is the host what is waited for? Every other call asks for the event that the one before recorded.
void LaunchGraphs::look() {
  if (policy_ == LaunchGraphPolicy::Always) {
    byGraph_ = true;
    return;
  }
  const cu::Api &api = device_.api();
  RelaxedCapture relaxed(api);
  if (!asked_) { // what fails here, the launch will say
    asked_ = (event_ || api.cuEventCreate(&event_, kEventWithoutTime) == cu::kSuccess) &&
             api.cuEventRecord(event_, stream_) == cu::kSuccess;
    return;
  }
  asked_ = false;
  cu::Result r = api.cuEventQuery(event_);
  if (r == cu::kSuccess) {
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
}

// A driver whose graphs cost more than its launches is left alone: it may be older, or another program may look at every call.
void LaunchGraphs::weigh(bool byGraph, uint64_t nanoseconds) {
  if (policy_ == LaunchGraphPolicy::Always)
    return;
  least_[byGraph] = std::min(least_[byGraph], nanoseconds);
  if (byGraph && ++weighed_ >= kWeighings && least_[1] > least_[0])
    policy_ = LaunchGraphPolicy::Never;
}

LaunchGraphs::Entry *LaunchGraphs::entryOf(const NvidiaKernel &kernel) {
  const size_t count = entries_.size();
  if (next_ >= count)
    next_ = 0;
  for (size_t i = 0; i < count; ++i) {
    size_t at = next_ + i < count ? next_ + i : next_ + i - count;
    if (entries_[at].kernel == &kernel) {
      next_ = at + 1;
      return &entries_[at];
    }
  }
  if (count == kMostGraphs)
    return nullptr;
  entries_.emplace_back().kernel = &kernel;
  return &entries_.back();
}

LaunchGraphs::Entry *LaunchGraphs::graphFor(const NvidiaKernel &kernel, const cu::LaunchConfig &config,
                                            const void *parameters, size_t bytes) {
  if (!fits(config))
    return nullptr;
  Entry *e = entryOf(kernel);
  if (!e || e->refused)
    return nullptr;
  if (!e->exec && policy_ != LaunchGraphPolicy::Always && ++e->launches < kLaunchesBefore)
    return nullptr;
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
