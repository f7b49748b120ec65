// FakeFacts.h - the properties of the fake device, an H200, and names of errors
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "backends/nvidia/driver/Api.h"

#include <map>

namespace tessera::fake_cuda {

inline const char *errorName(int error) {
  using namespace nvidia::cu;
  static const std::map<Result, const char *> names = {{kOutOfMemory, "CUDA_ERROR_OUT_OF_MEMORY"},
                                                       {kIllegalAddress, "CUDA_ERROR_ILLEGAL_ADDRESS"},
                                                       {kLaunchFailed, "CUDA_ERROR_LAUNCH_FAILED"},
                                                       {kNoBinary, "CUDA_ERROR_NO_BINARY_FOR_GPU"},
                                                       {kInvalidPtx, "CUDA_ERROR_INVALID_PTX"}};
  auto it = names.find(error);
  return it == names.end() ? "CUDA_ERROR_OF_THE_FAKE" : it->second;
}

// 0 where it is unknown. The compute capability is the Control's.
inline int attributeOf(int which) {
  using namespace nvidia::cu;
  static const std::map<int, int> values = {{kMaxThreads, 1024}, {kMaxGridX, 2147483647}, {kMaxGridY, 65535},
                                            {kMaxGridZ, 65535},  {kClockRate, 1980000},   {kUnits, 132},
                                            {kPciBus, 0x1b},     {kPciDevice, 2},         {kMemoryClock, 3201000},
                                            {kBusWidth, 6144},   {kL2Bytes, 60 << 20},    {kPciDomain, 1},
                                            {kManagedMemory, 1}, {kCooperativeLaunch, 1}, {kSharedOptIn, 232448},
                                            {kMemoryPools, 1},   {kClusterLaunch, 1},     {kTensorMapAccess, 1}};
  auto it = values.find(which);
  return it == values.end() ? 0 : it->second;
}

} // namespace tessera::fake_cuda
