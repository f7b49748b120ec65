// CpuDriver.cpp - registers the CPU driver; no LLVM in this library
// SPDX-License-Identifier: Apache-2.0
#include "plugins/cpu/ProcessorTarget.h"

#include "backends/cpu/driver/DriverTable.h"

namespace tessera::cpu {

struct CpuDriver {
  static const tsr_driver_api *driverTable() { return cpu::driverTable(); }
  static tsr_str lastError() { return driverLastError(); }
};

} // namespace tessera::cpu

TSR_PLUGIN("cpu", "0.1.0", tessera::cpu::ProcessorTarget, void, tessera::cpu::CpuDriver)
