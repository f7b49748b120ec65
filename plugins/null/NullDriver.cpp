// NullDriver.cpp - the driver role of the null plugin: every entry point, no hardware
//
// SPDX-License-Identifier: Apache-2.0
//
// Clone: fill in from the top; probe() opens the vendor's runtime with dlopen and says Unavailable, with the reason, where
// there is none. Classes you do not need (events, graphs, …) go, together with their bit in `optional`.
#define TSR_PLUGIN_VENDOR "The Tessera authors"
#define TSR_PLUGIN_RANK 0
#include "plugins/null/NullTarget.h"

namespace tessera::null {

[[noreturn]] static void cannot(const char *what) { throw sdk::Unsupported(what, "", "the null device"); }

class NullEvent final : public sdk::Event {
public:
  void record(sdk::Stream &) override { cannot("recording an event"); }
  void wait(sdk::Stream &) override { cannot("waiting for an event"); }
  bool ready() override { cannot("asking an event"); }
  uint64_t nanosecondsSince(sdk::Event &) override { cannot("timing"); }
};

class NullGraphExec final : public sdk::GraphExec {
public:
  void update(uint32_t, const tsr_launch &) override { cannot("updating a graph"); }
  void launch(sdk::Stream &) override { cannot("launching a graph"); }
};

class NullGraph final : public sdk::Graph {
public:
  std::unique_ptr<sdk::GraphExec> instantiate(const sdk::Sink &) override { return std::make_unique<NullGraphExec>(); }
};

class NullStream final : public sdk::Stream {
public:
  void sync() override {}
  bool ready() override { return true; }
  void beginCapture(uint32_t) override { cannot("graph capture"); }
  std::unique_ptr<sdk::Graph> endCapture() override { return std::make_unique<NullGraph>(); }
};

class NullKernel final : public sdk::Kernel {
public:
  uint32_t occupancy(const tsr_launch &) override { cannot("occupancy"); }
};

class NullModule final : public sdk::Module {
public:
  sdk::Kernel &kernel(const sdk::KernelInfo &) override { return kernel_; }

private:
  NullKernel kernel_;
};

class NullDevice final : public sdk::Device, sdk::Memory, sdk::Launcher {
public:
  sdk::Memory &memory() override { return *this; }
  sdk::Launcher &launcher() override { return *this; }
  std::unique_ptr<sdk::Stream> createStream(int32_t, uint32_t) override { return std::make_unique<NullStream>(); }
  std::unique_ptr<sdk::Module> loadModule(const void *, uint64_t, const sdk::Sink &) override {
    throw sdk::Error(TSR_E_BAD_ARTIFACT, "the null device runs no artifact");
  }
  std::unique_ptr<sdk::Event> createEvent(uint32_t) override { return std::make_unique<NullEvent>(); }
  std::unique_ptr<sdk::Stream> wrapStream(uint64_t) override { return std::make_unique<NullStream>(); }
  void drainMessages(const sdk::Sink &) override {}
  std::string encodeDescriptor(const sdk::Options &) override { cannot("a descriptor"); }

  uint64_t allocate(sdk::Stream *, uint64_t bytes, uint64_t, uint32_t) override {
    throw sdk::Error(TSR_E_OOM_DEVICE, "the null device has no memory, not even " + std::to_string(bytes) + " bytes");
  }
  void release(sdk::Stream *, uint64_t) override {}
  void copy(sdk::Stream &, const tsr_copy &) override { cannot("a copy"); }
  void fill(sdk::Stream &, uint64_t, uint64_t, uint32_t, uint64_t) override { cannot("a fill"); }
  void launch(sdk::Stream &, sdk::Kernel &, const tsr_launch &) override { cannot("a launch"); }
};

class NullDriver final : public sdk::Driver {
public:
  static constexpr uint32_t optional = sdk::kEvents | sdk::kGraphs | sdk::kWrapStreams | sdk::kNative |
                                       sdk::kDescriptors | sdk::kOccupancy | sdk::kMessages;
  uint32_t probe() override { throw sdk::Unavailable("the null device exists on paper only"); }
  const sdk::DeviceInfo &info(uint32_t ordinal) override {
    throw sdk::NotFound("there is no null device " + std::to_string(ordinal));
  }
  std::unique_ptr<sdk::Device> open(uint32_t ordinal, const sdk::Options &, const sdk::Sink &) override {
    if (ordinal != 0)
      throw sdk::NotFound("there is no null device " + std::to_string(ordinal));
    return std::make_unique<NullDevice>();
  }
  uint64_t native(const void *, uint32_t) override { cannot("a native handle"); }
};

} // namespace tessera::null

TSR_PLUGIN("null", "0.1.0", tessera::null::NullTarget, void, tessera::null::NullDriver)
