// TensorMaps.h - how a kernel tells the driver role which tensor maps a launch has to make
//
// SPDX-License-Identifier: Apache-2.0
//
// A kernel with tensor copies has, behind its arguments, a parameter of kTensorMapBytes for each map, aligned to kTensorMapAlignment. Callers do
// not know of them: the driver role makes them at the launch from the arguments, keeps the last ones, and makes them again where a number
// that goes in has changed. Its module defines one global variable more:
//   tsr_tensor_maps   64-bit words, read-only. For each kernel with maps: length and text of its name (bytes, padded to words), the
//                     number of its maps, the maps. A map: element type | rank << 8 | fill << 16 | swizzle bytes << 32; the box, a word a
//                     dim; then base, extents and strides (all but the last, which is 1), each an expression.
// An expression is its number of words and so many words of a stack machine over 64-bit integers: the op in the low 8 bits, above them
// what MapOp says. The base is an address; extents and strides count elements.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace tessera::nvidia {

inline constexpr char kTensorMapsGlobal[] = "tsr_tensor_maps";
inline constexpr uint32_t kTensorMapBytes = 128, kTensorMapAlignment = 128; // CUDA 13: CUtensorMap
inline constexpr uint32_t kMaxMapRank = 5, kMaxMapStack = 16;

enum class MapOp : uint8_t {
  Argument = 1, // bytes << 8 | offset << 16: of the packed arguments, sign-extended
  Constant = 2, // the next word
  Add = 3,
  Sub = 4,
  Mul = 5,
  DivS = 6, // towards zero; 0 where it is not defined
  MinS = 7,
  MaxS = 8,
  And = 9,
  Or = 10,
  Xor = 11,
  Shl = 12,        // 0 from 64 on
  SignExtend = 13, // bits << 8: of the top
  ZeroExtend = 14, // bits << 8
  ShrS = 15,       // the sign from 64 on
  ShrU = 16,       // 0 from 64 on
  DivU = 17,       // 0 where it is not defined, as RemS and RemU
  RemS = 18,       // sign of the dividend
  RemU = 19,
};

struct MapRecipe {
  uint8_t elem = 0, rank = 0;
  bool nanFill = false;
  uint32_t swizzleBytes = 0;
  std::vector<int64_t> box;
  std::vector<std::vector<uint64_t>> numbers; // base, extents, strides
};

// The words of one kernel.
std::vector<uint64_t> writeMaps(const std::string &kernel, const std::vector<MapRecipe> &maps);
// Those of this kernel among the words of a module; none where it has none. False: the words are malformed.
bool readMaps(std::span<const uint64_t> words, const std::string &kernel, uint64_t argumentBytes,
              std::vector<MapRecipe> &maps);
// `code` passed readMaps; arguments: the packed bytes.
int64_t evaluate(std::span<const uint64_t> code, const uint8_t *arguments);

} // namespace tessera::nvidia
