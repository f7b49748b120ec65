// NvidiaDriver.h - the driver role: finding devices, describing them, opening them
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "backends/nvidia/driver/Api.h"
#include "plugins/sdk/Driver.hpp"

#include <mutex>

namespace tessera::nvidia {

class NvidiaDriver : public sdk::Driver {
public:
  explicit NvidiaDriver(std::string library = "libcuda.so.1") : library_(std::move(library)) {}

  static constexpr uint32_t optional = sdk::kEvents | sdk::kGraphs | sdk::kWrapStreams | sdk::kNative |
                                       sdk::kDescriptors | sdk::kOccupancy | sdk::kMessages;
  uint32_t probe() override;
  const sdk::DeviceInfo &info(uint32_t ordinal) override;
  std::unique_ptr<sdk::Device> open(uint32_t ordinal, const sdk::Options &options, const sdk::Sink &sink) override;
  // DEVICE: CUdevice; STREAM: CUstream as it was given to stream_wrap; EVENT: CUevent; KERNEL: CUfunction.
  uint64_t native(const void *object, uint32_t kind) override;

private:
  const cu::Api &api();
  sdk::DeviceInfo describe(uint32_t ordinal);

  std::string library_;
  std::mutex mutex_; // guards what follows
  std::shared_ptr<const cu::Api> api_;
  std::vector<std::unique_ptr<sdk::DeviceInfo>> infos_; // by ordinal; NULL: not asked for yet
};

} // namespace tessera::nvidia
