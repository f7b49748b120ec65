// Stream.h - streams, events, captures
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "backends/nvidia/driver/Device.h"
#include "backends/nvidia/driver/LaunchGraphs.h"

#include <array>

namespace tessera::nvidia {

class NvidiaKernel;

// One capture: the streams that take part, the kernels launched so far and their nodes.
struct Capture {
  int mode = cu::kCaptureGlobal;
  std::vector<NvidiaStream *> streams; // the first one began it
  struct Node {
    cu::GraphNode node;
    const NvidiaKernel *kernel;
  };
  std::vector<Node> kernels; // in order of launch: the `node` of graph_update is an index
};

// The host serialises the calls on one stream; what fail() reads from other threads is atomic.
class NvidiaStream final : public sdk::Stream {
public:
  // Takes `handle` over where `owned`.
  NvidiaStream(NvidiaDevice &device, cu::StreamId handle, uint64_t native, bool owned);
  ~NvidiaStream() override;
  void sync() override;
  bool ready() override;
  void beginCapture(uint32_t mode) override;
  std::unique_ptr<sdk::Graph> endCapture() override;

  NvidiaDevice &device() const { return device_; }
  cu::StreamId handle() const { return handle_; }
  uint64_t native() const { return native_; }
  const std::shared_ptr<Capture> &capture() const { return capture_; }
  // Throws CAPTURE where the stream captures, for us or for the framework that it is from.
  void refuseWhileCapturing(const char *what) const;
  void join(const std::shared_ptr<Capture> &capture);
  // A kernel was launched into the capture; the context is current.
  void captured(const NvidiaKernel &kernel);

  LaunchGraphs &launchGraphs() { return launchGraphs_; }

  // A kernel was queued. One comparison where it is the one before.
  void ran(const std::string *kernel) {
    if (recent_[0].load(std::memory_order_relaxed) != kernel)
      remember(kernel);
  }
  // Kernels queued since the stream was last known to be idle and well, the latest first.
  std::vector<const std::string *> recentKernels() const;

  bool failed() const { return failed_.load(std::memory_order_acquire); }
  [[noreturn]] void throwSticky() const;
  // The first failure stays.
  void stick(tsr_status status, const std::string &text);

private:
  void remember(const std::string *kernel);
  void forgetKernels();
  void reportAssertion();

  NvidiaDevice &device_;
  cu::StreamId handle_;
  uint64_t native_;
  bool owned_;
  std::shared_ptr<Capture> capture_;
  LaunchGraphs launchGraphs_;
  std::array<std::atomic<const std::string *>, 8> recent_{};
  std::atomic<bool> failed_{false};
  mutable std::mutex mutex_; // guards the two
  tsr_status stickyStatus_ = TSR_OK;
  std::string stickyText_;
};

class NvidiaEvent final : public sdk::Event {
public:
  NvidiaEvent(NvidiaDevice &device, cu::EventId handle) : device_(device), handle_(handle) {}
  ~NvidiaEvent() override;
  void record(sdk::Stream &stream) override;
  void wait(sdk::Stream &stream) override;
  bool ready() override;
  uint64_t nanosecondsSince(sdk::Event &start) override;
  cu::EventId handle() const { return handle_; }

private:
  void refuseWhileCapturing(const char *what) const;
  NvidiaDevice &device_;
  cu::EventId handle_;
  bool recorded_ = false, captured_ = false; // captured_: last recorded in a capture, ended or not
  std::weak_ptr<Capture> capture_;
};

class NvidiaGraph final : public sdk::Graph {
public:
  // The captured graph, which the executable ones refer to.
  struct State {
    NvidiaDevice &device;
    cu::GraphId graph;
    std::vector<Capture::Node> kernels;
    State(NvidiaDevice &d, cu::GraphId g, std::vector<Capture::Node> k) : device(d), graph(g), kernels(std::move(k)) {}
    ~State();
  };
  explicit NvidiaGraph(std::shared_ptr<State> state) : state_(std::move(state)) {}
  std::unique_ptr<sdk::GraphExec> instantiate(const sdk::Sink &sink) override;

private:
  std::shared_ptr<State> state_;
};

class NvidiaGraphExec final : public sdk::GraphExec {
public:
  NvidiaGraphExec(std::shared_ptr<NvidiaGraph::State> state, cu::GraphExecId exec)
      : state_(std::move(state)), exec_(exec) {}
  ~NvidiaGraphExec() override;
  // node: which kernel launch, from 0, in the order in which the capture saw them.
  void update(uint32_t node, const tsr_launch &launch) override;
  void launch(sdk::Stream &stream) override;

private:
  std::shared_ptr<NvidiaGraph::State> state_;
  cu::GraphExecId exec_;
};

} // namespace tessera::nvidia
