// Device.h - the processor as a device
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "backends/cpu/driver/Memory.h"
#include "backends/cpu/driver/Messages.h"
#include "backends/cpu/driver/Workers.h"

#include <memory>

namespace tessera::cpu {

// Options of device_open, each a string:
//   threads     1..4096: threads of a launch, its caller included; default: the processors this process may use. 1 makes
//               every launch run its programs in ascending order on the calling thread, and so repeat bit for bit
//               whatever atomics the kernel uses
//   faults      1 (default) or 0: whether a fault in a kernel becomes an error (FaultGuard.h)
//   cache_bytes last-level cache size that decides about writing past the cache; default: what the system says; 0: never
class Device {
public:
  static tsr_status open(const tsr_sink *sink, const tsr_kv *options, uint32_t n, std::unique_ptr<Device> &out);
  ~Device();
  Device(const Device &) = delete;
  Device &operator=(const Device &) = delete;

  Workers &workers() { return *workers_; }
  Messages &messages() { return messages_; }
  HostMemory &memory() { return memory_; }
  uint64_t cacheBytes() const { return cacheBytes_; }

private:
  Device() = default;
  tsr_status setOption(const tsr_sink *sink, const tsr_kv &option, unsigned &threads);
  Messages messages_;
  HostMemory memory_;
  std::unique_ptr<Workers> workers_;
  uint64_t cacheBytes_ = 0;
  bool faults_ = true;
};

// Facts for device_info; the strings live for ever.
void describeProcessor(tsr_device_info &info);

} // namespace tessera::cpu
