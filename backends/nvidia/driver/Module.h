// Module.h - loaded machine code, its kernels, and how they are launched
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "backends/nvidia/driver/Device.h"
#include "backends/nvidia/driver/TensorMaps.h"
#include "backends/nvidia/image/GridStride.h"

#include <array>
#include <mutex>
#include <optional>

namespace tessera::nvidia {

class NvidiaStream;

// Of a kernel's parameters that this driver fills in itself: PTX ISA, ".param" of kernels.
inline constexpr uint32_t kMaxParameterBytes = 4352;

// What a launch needs, computed once: immutable after kernel_get but for dynamicLimit and what the last launch's arguments allowed.
class NvidiaKernel final : public sdk::Kernel {
public:
  // Loads the kernel for good: a launch after this loads nothing. Throws NotFound, Unsupported (a limit of the device),
  // BAD_ARTIFACT (other parameters than `info` says).
  // maps: what its launches take behind the arguments. stride: of which there may be more programs.
  NvidiaKernel(NvidiaDevice &device, cu::ModuleId module, const sdk::KernelInfo &info, std::vector<MapRecipe> maps,
               std::optional<GridStride> stride);
  uint32_t occupancy(const tsr_launch &launch) override;

  cu::Function function() const { return function_; }
  const std::string *name() const { return name_; }
  // Throws INVALID or LAUNCH_FAILED with the limit and the value where a launch does not fit.
  void checkLaunch(const tsr_launch &launch) const;
  // Lets the kernel use so much dynamic shared memory; nothing to do below what was asked for before.
  void allowShared(uint32_t bytes);
  // attributes: room for three. captured: the launch becomes a node of a graph.
  void configure(const tsr_launch &launch, cu::StreamId stream, bool captured, cu::LaunchConfig &config,
                 cu::LaunchAttribute *attributes) const;
  // What a launch asks for, beside what there is: for the driver's refusals.
  std::string resources(const tsr_launch &launch) const;
  // The parameters of a launch: its arguments, with the tensor maps behind them in `block` where the kernel has any. Throws INVALID where
  // the arguments give an array that no copy engine can move.
  struct ParameterBlock {
    alignas(8) uint8_t bytes[kMaxParameterBytes];
  };
  const void *parameters(const tsr_launch &launch, ParameterBlock &block, size_t &bytes) const;
  // Programs along each axis: those of the launch, or more where nobody can tell (grid_stride).
  std::array<uint32_t, 3> grid(const tsr_launch &launch) const;
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
  std::unique_ptr<TensorMaps> maps_; // null: none
  // Of stride_; computed again where an argument has changed: most launches repeat one.
  int64_t programsAllowed(const uint8_t *arguments) const;
  std::optional<GridStride> stride_;
  mutable std::mutex lastMutex_;
  mutable std::vector<uint8_t> lastArguments_; // guarded by lastMutex_, as lastAllowed_
  mutable int64_t lastAllowed_ = 0;
};

class NvidiaModule final : public sdk::Module {
public:
  NvidiaModule(NvidiaDevice &device, const void *artifact, uint64_t bytes, const sdk::Sink &sink);
  ~NvidiaModule() override;
  sdk::Kernel &kernel(const sdk::KernelInfo &info) override;

private:
  void load(const void *image, bool ptx, const sdk::Sink &sink);
  void connectMessages();
  // The 64-bit words of a global variable; none where the module has none of the name. what: for errors.
  std::vector<uint64_t> readWords(const char *name, const char *what);

  NvidiaDevice &device_;
  cu::ModuleId module_ = nullptr;
  std::vector<uint64_t> mapWords_, strideWords_; // of tsr_tensor_maps, tsr_grid_strides
  uint64_t messages_ = 0;                        // MessagePort.module; 0: it sends none
  std::vector<std::unique_ptr<NvidiaKernel>> kernels_;
};

} // namespace tessera::nvidia
