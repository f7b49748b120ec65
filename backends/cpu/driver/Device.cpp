// Device.cpp - options and facts of the device
//
// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/driver/Device.h"

#include "backends/cpu/driver/Failure.h"
#include "backends/cpu/driver/FaultGuard.h"
#include "backends/cpu/image/Processor.h"

#include <charconv>
#include <cpuid.h>
#include <cstring>
#include <string>
#include <string_view>
#include <unistd.h>

namespace tessera::cpu {

static bool parseNumber(std::string_view text, uint64_t low, uint64_t high, uint64_t &out) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size() && out >= low && out <= high;
}

tsr_status Device::setOption(const tsr_sink *sink, const tsr_kv &option, unsigned &threads) {
  std::string_view key(option.key.p, option.key.n), value(option.val.p, option.val.n);
  uint64_t number = 0;
  auto bad = [&](const char *range) {
    return fail(sink, TSR_E_INVALID,
                "device option `" + std::string(key) + "` is `" + std::string(value) + "`, not a number in " + range);
  };
  if (key == "threads") {
    if (!parseNumber(value, 1, 4096, number))
      return bad("1..4096");
    threads = static_cast<unsigned>(number);
  } else if (key == "faults") {
    if (!parseNumber(value, 0, 1, number))
      return bad("0..1");
    faults_ = number != 0;
  } else if (key == "cache_bytes") {
    if (!parseNumber(value, 0, uint64_t(1) << 47, number))
      return bad("0..2^47");
    cacheBytes_ = number;
  } else if (key == "target") {
    std::string why;
    if (!processorRuns(value, why))
      return fail(sink, TSR_E_UNSUPPORTED, why);
  } else {
    report(sink, TSR_SEV_WARNING,
           "unknown device option `" + std::string(key) + "`; known: threads, faults, cache_bytes, target");
  }
  return TSR_OK;
}

tsr_status Device::open(const tsr_sink *sink, const tsr_kv *options, uint32_t n, std::unique_ptr<Device> &out) {
  std::unique_ptr<Device> device(new Device);
  unsigned threads = usableProcessors();
  device->cacheBytes_ = lastLevelCacheBytes();
  device->faults_ = true;
  for (uint32_t i = 0; i < n; ++i)
    if (tsr_status status = device->setOption(sink, options[i], threads); status != TSR_OK) {
      device->faults_ = false; // nothing was installed yet
      return status;
    }
  if (device->faults_)
    device->faults_ = installFaultHandlers();
  device->workers_ = std::make_unique<Workers>(threads);
  out = std::move(device);
  return TSR_OK;
}

Device::~Device() {
  if (faults_)
    removeFaultHandlers();
}

static std::string brandName() {
  unsigned words[12] = {};
  if (__get_cpuid_max(0x80000000u, nullptr) < 0x80000004u)
    return "x86-64 processor";
  for (unsigned i = 0; i < 3; ++i)
    __cpuid(0x80000002u + i, words[4 * i], words[4 * i + 1], words[4 * i + 2], words[4 * i + 3]);
  char text[49] = {};
  std::memcpy(text, words, 48);
  std::string name(text);
  while (!name.empty() && name.back() == ' ')
    name.pop_back();
  name.erase(0, name.find_first_not_of(' '));
  return name.empty() ? "x86-64 processor" : name;
}

void describeProcessor(tsr_device_info &info) {
  static const std::string name = brandName();
  static const std::string target = hostTarget();
  info.name = {name.data(), name.size()};
  info.target = {target.data(), target.size()};
  std::memset(info.uuid, 0, sizeof(info.uuid));
  info.pci = 0;
  long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
  info.mem_bytes = pages > 0 && page > 0 ? static_cast<uint64_t>(pages) * static_cast<uint64_t>(page) : 0;
  info.l2_bytes = lastLevelCacheBytes();
  info.units = usableProcessors();
  info.clock_khz = info.mem_khz = info.bus_bits = 0;
  info.mem_spaces = 1u << TSR_MEM_DEVICE | 1u << TSR_MEM_PINNED | 1u << TSR_MEM_MANAGED;
  info.flags = TSR_DEVICE_HOST_MEMORY;
}

} // namespace tessera::cpu
