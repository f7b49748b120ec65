// SimtDriver.h - the driver role: memory of the host, launches that are done when launch returns
//
// SPDX-License-Identifier: Apache-2.0
//
// Streams do at once what they are given. A failed launch stays the stream's error, as on devices. Launches of one device follow
// one another.
#pragma once

#include "plugins/sdk/Driver.hpp"
#include "tests/simt/Grid.h"

#include <map>
#include <mutex>

namespace tessera::simt {

class SimtMemory final : public sdk::Memory {
public:
  ~SimtMemory() override;
  uint64_t allocate(sdk::Stream *stream, uint64_t bytes, uint64_t align, uint32_t space) override;
  void release(sdk::Stream *stream, uint64_t address) override;
  void copy(sdk::Stream &stream, const tsr_copy &copy) override;
  void fill(sdk::Stream &stream, uint64_t address, uint64_t pattern, uint32_t patternBytes, uint64_t bytes) override;
  bool holds(uint64_t address, uint64_t bytes) const; // inside one allocation

private:
  mutable std::mutex mutex_;
  std::map<uint64_t, uint64_t> blocks_; // address -> bytes
};

class SimtStream final : public sdk::Stream {
public:
  void sync() override { throwSticky(); }
  bool ready() override;
  void fail(tsr_status status, std::string text);
  bool failed() const { return sticky_ != TSR_OK; }

private:
  void throwSticky() const;
  tsr_status sticky_ = TSR_OK;
  std::string text_;
};

class SimtKernel final : public sdk::Kernel {
public:
  KernelEntry entry = nullptr;
  sdk::KernelInfo info;
};

class SimtModule final : public sdk::Module {
public:
  SimtModule(const void *artifact, uint64_t bytes);
  sdk::Kernel &kernel(const sdk::KernelInfo &info) override;

private:
  std::unique_ptr<LoadedImage> image_;
  std::vector<std::unique_ptr<SimtKernel>> kernels_;
};

class SimtDevice final : public sdk::Device, sdk::Launcher {
public:
  sdk::Memory &memory() override { return memory_; }
  sdk::Launcher &launcher() override { return *this; }
  std::unique_ptr<sdk::Stream> createStream(int32_t, uint32_t) override { return std::make_unique<SimtStream>(); }
  std::unique_ptr<sdk::Module> loadModule(const void *artifact, uint64_t bytes, const sdk::Sink &) override {
    return std::make_unique<SimtModule>(artifact, bytes);
  }
  std::unique_ptr<sdk::Event> createEvent(uint32_t flags) override;
  void drainMessages(const sdk::Sink &sink) override;
  void launch(sdk::Stream &stream, sdk::Kernel &kernel, const tsr_launch &launch) override;

private:
  SimtMemory memory_;
  std::mutex launches_, messages_;
  std::string printed_;
  std::vector<BlockError> assertions_;
};

class SimtDriver final : public sdk::Driver {
public:
  static constexpr uint32_t optional = sdk::kEvents | sdk::kMessages;
  uint32_t probe() override { return 1; }
  const sdk::DeviceInfo &info(uint32_t ordinal) override;
  std::unique_ptr<sdk::Device> open(uint32_t ordinal, const sdk::Options &options, const sdk::Sink &sink) override;
};

} // namespace tessera::simt
