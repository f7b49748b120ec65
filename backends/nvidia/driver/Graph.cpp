// Graph.cpp - captures, and what becomes of them
// SPDX-License-Identifier: Apache-2.0
#include "backends/nvidia/driver/Module.h"
#include "backends/nvidia/driver/Stream.h"

namespace tessera::nvidia {

static_assert(TSR_CAPTURE_GLOBAL == cu::kCaptureGlobal && TSR_CAPTURE_THREAD == cu::kCaptureThreadLocal &&
              TSR_CAPTURE_RELAXED == cu::kCaptureRelaxed);

void NvidiaStream::join(const std::shared_ptr<Capture> &capture) {
  capture_ = capture;
  capture->streams.push_back(this);
}

void NvidiaStream::beginCapture(uint32_t mode) {
  device_.throwIfLost(this);
  if (mode > TSR_CAPTURE_RELAXED)
    throw sdk::Error(TSR_E_TOO_NEW, "unknown capture mode " + std::to_string(mode));
  refuseWhileCapturing("capture_begin");
  if (native_ == 0 || native_ == cu::kStreamLegacy)
    throw sdk::Error(TSR_E_UNSUPPORTED, "capture of the legacy default stream on " + device_.title() +
                                            " is not supported: capture another stream");
  ContextScope scope(device_.api(), device_.context());
  device_.check(device_.api().cuStreamBeginCapture(handle_, static_cast<int>(mode)), "no capture can begin", this);
  auto capture = std::make_shared<Capture>();
  capture->mode = static_cast<int>(mode);
  device_.captureStarted(capture->mode);
  join(capture);
}

std::unique_ptr<sdk::Graph> NvidiaStream::endCapture() {
  if (!capture_ || capture_->streams.empty() || capture_->streams.front() != this)
    throw sdk::Error(TSR_E_INVALID, capture_ ? "the capture was begun on another stream: end it there"
                                             : "capture_end of a stream that does not capture");
  std::shared_ptr<Capture> capture = capture_;
  cu::GraphId graph = nullptr;
  cu::Result r;
  {
    ContextScope scope(device_.api(), device_.context());
    r = device_.api().cuStreamEndCapture(handle_, &graph);
  }
  // Ended, whatever came of it.
  device_.captureEnded(capture->mode);
  for (NvidiaStream *s : capture->streams)
    s->capture_ = nullptr;
  device_.check(r, "the capture came to nothing", this);
  if (!graph)
    throw sdk::Error(TSR_E_CAPTURE, "the capture was broken and gave no graph");
  return std::make_unique<NvidiaGraph>(
      std::make_shared<NvidiaGraph::State>(device_, graph, std::move(capture->kernels)));
}

NvidiaGraph::State::~State() {
  ContextScope scope(device.api(), device.context());
  device.api().cuGraphDestroy(graph);
}

std::unique_ptr<sdk::GraphExec> NvidiaGraph::instantiate(const sdk::Sink &) {
  NvidiaDevice &device = state_->device;
  device.throwIfLost(nullptr);
  device.refuseWhileCapturing("graph_instantiate");
  ContextScope scope(device.api(), device.context());
  cu::GraphExecId exec = nullptr;
  device.check(device.api().cuGraphInstantiateWithFlags(&exec, state_->graph, 0),
               "the graph cannot be made executable");
  return std::make_unique<NvidiaGraphExec>(state_, exec);
}

NvidiaGraphExec::~NvidiaGraphExec() {
  ContextScope scope(state_->device.api(), state_->device.context());
  state_->device.api().cuGraphExecDestroy(exec_);
}

void NvidiaGraphExec::update(uint32_t node, const tsr_launch &launch) {
  NvidiaDevice &device = state_->device;
  device.throwIfLost(nullptr);
  device.refuseWhileCapturing("graph_update");
  if (node >= state_->kernels.size())
    throw sdk::Error(TSR_E_NOT_FOUND, "the graph has " + std::to_string(state_->kernels.size()) +
                                          " kernel launches; there is no number " + std::to_string(node));
  const Capture::Node &n = state_->kernels[node];
  n.kernel->checkLaunch(launch);
  if (!launch.grid[0] || !launch.grid[1] || !launch.grid[2])
    throw sdk::Error(TSR_E_INVALID, "a launch in a graph cannot become an empty one");
  cu::KernelNodeParameters p{};
  p.function = n.kernel->function();
  const std::array<uint32_t, 3> programs = n.kernel->grid(launch);
  std::copy(programs.begin(), programs.end(), p.grid);
  std::copy(launch.block, launch.block + 3, p.block);
  p.sharedBytes = launch.smem_dynamic;
  NvidiaKernel::ParameterBlock block;
  size_t bytes = 0;
  const void *parameters = n.kernel->parameters(launch, block, bytes);
  cu::ParameterBuffer buffer(parameters, bytes);
  p.extra = buffer.extra();
  ContextScope scope(device.api(), device.context());
  device.check(device.api().cuGraphExecKernelNodeSetParams(exec_, n.node, &p), "the graph cannot be updated");
}

void NvidiaGraphExec::launch(sdk::Stream &s) {
  auto &stream = static_cast<NvidiaStream &>(s);
  NvidiaDevice &device = state_->device;
  device.throwIfLost(&stream);
  stream.refuseWhileCapturing("graph_launch");
  ContextScope scope(device.api(), device.context());
  device.check(device.api().cuGraphLaunch(exec_, stream.handle()), "the graph cannot be launched", &stream);
  for (const Capture::Node &n : state_->kernels)
    stream.ran(n.kernel->name());
}

} // namespace tessera::nvidia
