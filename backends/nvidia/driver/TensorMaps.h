// TensorMaps.h - the tensor maps that a kernel's launches take behind their arguments
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "backends/nvidia/driver/Device.h"
#include "backends/nvidia/image/TensorMaps.h"

#include <mutex>

namespace tessera::nvidia {

// Makes the maps of one kernel from the arguments of a launch and keeps them: a launch whose numbers are those of the last one only evaluates and
// compares. Any thread. Source of what is allowed: CUDA Driver API, cuTensorMapEncodeTiled.
class TensorMaps {
public:
  TensorMaps(NvidiaDevice &device, std::vector<MapRecipe> recipes, uint64_t argumentBytes);
  // Bytes of the arguments with the maps behind them.
  uint64_t bytes() const { return offset_ + recipes_.size() * kTensorMapBytes; }
  // out: bytes() of room. Throws INVALID where the numbers break the rules of the copy engine.
  void fill(const void *arguments, uint8_t *out);

private:
  cu::TensorMap make(const MapRecipe &recipe, const int64_t *numbers) const;

  NvidiaDevice &device_;
  std::vector<MapRecipe> recipes_;
  uint64_t argumentBytes_, offset_ = 0;
  std::mutex mutex_;
  std::vector<int64_t> last_; // numbers of the maps, one recipe's after the other
  std::vector<cu::TensorMap> maps_;
  bool made_ = false;
};

} // namespace tessera::nvidia
