// TensorMaps.h - how a kernel tells the driver role which tensor maps a launch has to make
//
// SPDX-License-Identifier: Apache-2.0
//
// A kernel with tensor copies has, behind its arguments, a parameter of kTensorMapBytes for each map, aligned to kTensorMapAlignment. Callers do
// not know of them: the driver role makes them at the launch from the arguments, keeps the last ones, and makes them again where a number
// that goes in has changed. Its module defines one global variable more:
//   tsr_tensor_maps   64-bit words, read-only. For each kernel with maps: length and text of its name (bytes, padded to words), the
//                     number of its maps, the maps. A map: element type | rank << 8 | fill << 16 | swizzle bytes << 32; the box, a word a
//                     dim; then base, extents and strides (all but the last, which is 1), each an expression (Expressions.h).
//                     The base is an address; extents and strides count elements.
#pragma once

#include "backends/nvidia/image/Expressions.h"

namespace tessera::nvidia {

inline constexpr char kTensorMapsGlobal[] = "tsr_tensor_maps";
inline constexpr uint32_t kTensorMapBytes = 128, kTensorMapAlignment = 128; // CUDA 13: CUtensorMap
inline constexpr uint32_t kMaxMapRank = 5;

struct MapRecipe {
  uint8_t elem = 0, rank = 0;
  bool nanFill = false;
  uint32_t swizzleBytes = 0;
  std::vector<int64_t> box;
  std::vector<Expression> numbers; // base, extents, strides
};

// The words of one kernel.
std::vector<uint64_t> writeMaps(const std::string &kernel, const std::vector<MapRecipe> &maps);
// Those of this kernel among the words of a module; none where it has none. False: the words are malformed.
bool readMaps(std::span<const uint64_t> words, const std::string &kernel, uint64_t argumentBytes,
              std::vector<MapRecipe> &maps);

} // namespace tessera::nvidia
