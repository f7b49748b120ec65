// TensorMaps.h - the tensor maps that a kernel's launches take behind their arguments
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "backends/nvidia/driver/Device.h"
#include "backends/nvidia/image/TensorMaps.h"

#include <mutex>

namespace tessera::nvidia {

// Makes the maps of one kernel from the arguments of a launch and keeps them: a launch with the arguments of the last one only compares and copies,
// others make the maps anew of which a number has changed. Any thread. Source of what is allowed: CUDA Driver API, cuTensorMapEncodeTiled.
class TensorMaps {
public:
  TensorMaps(NvidiaDevice &device, std::vector<MapRecipe> recipes, uint64_t argumentBytes);
  size_t count() const { return recipes_.size(); }
  // Where the machine code reads the maps, one offset each, and the bytes of all parameters. ptxas aligns a parameter's address, not its offset, and
  // parameters begin at 0x210 (sm_90): a map behind 32 bytes of arguments is at 112, so only the driver can tell. Before the first fill().
  void place(std::vector<uint64_t> offsets, uint64_t bytes);
  // Bytes of the arguments with the maps behind them.
  uint64_t bytes() const { return block_.size(); }
  // out: bytes() of room. Throws INVALID where the numbers break the rules of the copy engine.
  void fill(const void *arguments, uint8_t *out);

private:
  void update(const uint8_t *arguments);
  cu::TensorMap make(const MapRecipe &recipe, const int64_t *numbers) const;

  NvidiaDevice &device_;
  std::vector<MapRecipe> recipes_;
  uint64_t argumentBytes_;
  std::vector<uint64_t> offsets_;
  std::mutex mutex_;
  std::vector<int64_t> last_;  // numbers of the maps, one recipe's after the other
  std::vector<uint8_t> block_; // the parameters of the last launch: arguments, maps
  bool made_ = false;
};

} // namespace tessera::nvidia
