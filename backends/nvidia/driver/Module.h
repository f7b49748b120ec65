// Module.h - loaded machine code, its kernels, and how they are launched
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "backends/nvidia/driver/Device.h"

namespace tessera::nvidia {

class NvidiaStream;

// What a launch needs, computed once: immutable after kernel_get but for dynamicLimit.
class NvidiaKernel final : public sdk::Kernel {
public:
  // Loads the kernel for good: a launch after this loads nothing. Throws NotFound, Unsupported (a limit of the device),
  // BAD_ARTIFACT (other parameters than `info` says).
  NvidiaKernel(NvidiaDevice &device, cu::ModuleId module, const sdk::KernelInfo &info);
  uint32_t occupancy(const tsr_launch &launch) override;

  cu::Function function() const { return function_; }
  const std::string *name() const { return name_; }
  // Throws INVALID or LAUNCH_FAILED with the limit and the value where a launch does not fit.
  void checkLaunch(const tsr_launch &launch) const;
  // Lets the kernel use so much dynamic shared memory; nothing to do below what was asked for before.
  void allowShared(uint32_t bytes);
  // attributes: room for three.
  void configure(const tsr_launch &launch, cu::StreamId stream, cu::LaunchConfig &config,
                 cu::LaunchAttribute *attributes) const;
  // What a launch asks for, beside what there is: for the driver's refusals.
  std::string resources(const tsr_launch &launch) const;
  uint32_t registers() const { return registers_; }
  uint32_t localBytes() const { return localBytes_; }

private:
  void checkParameters(const sdk::KernelInfo &info) const;
  void checkLimits(const sdk::KernelInfo &info);

  NvidiaDevice &device_;
  cu::Function function_ = nullptr;
  const std::string *name_;
  uint64_t argBytes_;
  uint32_t flags_, cluster_[3];
  uint32_t maxThreads_ = 0, staticShared_ = 0, registers_ = 0, localBytes_ = 0;
  std::atomic<uint32_t> dynamicLimit_{0};
};

class NvidiaModule final : public sdk::Module {
public:
  NvidiaModule(NvidiaDevice &device, const void *artifact, uint64_t bytes, const sdk::Sink &sink);
  ~NvidiaModule() override;
  sdk::Kernel &kernel(const sdk::KernelInfo &info) override;

private:
  void load(const void *image, bool ptx, const sdk::Sink &sink);
  void connectMessages();

  NvidiaDevice &device_;
  cu::ModuleId module_ = nullptr;
  uint64_t messages_ = 0; // MessagePort.module; 0: it sends none
  std::vector<std::unique_ptr<NvidiaKernel>> kernels_;
};

} // namespace tessera::nvidia
