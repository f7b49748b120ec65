// GridRun.h - run the programs of one launch
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "backends/cpu/driver/LoadedImage.h"

namespace tessera::cpu {

// Runs the whole grid and returns when it is done; on the calling thread and, where it pays, on the device's workers. args:
// the packed arguments, argBytes long. LAUNCH_FAILED: a program faulted; ASSERT: an assertion failed; either leaves its
// message with the device and as the last error. A grid of one allocates nothing and takes no lock.
tsr_status runGrid(const Kernel &kernel, const uint32_t grid[3], const void *args);

// Programs of a grid; false: more than the driver counts (2^62).
bool countPrograms(const uint32_t grid[3], uint64_t &out);

} // namespace tessera::cpu
