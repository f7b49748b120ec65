// NvidiaDriver.cpp - probing, and the facts of each device
// SPDX-License-Identifier: Apache-2.0
#include "backends/nvidia/driver/NvidiaDriver.h"

#include "backends/nvidia/driver/Module.h"
#include "backends/nvidia/driver/Stream.h"
#include "backends/nvidia/target/Architecture.h"

namespace tessera::nvidia {

// The library is opened at the first call that gets so far; a failure is looked for again at the next one.
const cu::Api &NvidiaDriver::api() {
  if (!api_)
    api_ = cu::Api::open(library_);
  return *api_;
}

uint32_t NvidiaDriver::probe() {
  std::lock_guard lock(mutex_);
  const cu::Api &cuda = api();
  int count = 0;
  if (cu::Result r = cuda.cuDeviceGetCount(&count); r != cu::kSuccess)
    throw sdk::Unavailable("NVIDIA driver: the devices cannot be counted: " + cuda.describe(r));
  if (count <= 0)
    throw sdk::Unavailable("no NVIDIA device: the driver is there and sees none");
  return static_cast<uint32_t>(count);
}

sdk::DeviceInfo NvidiaDriver::describe(uint32_t ordinal) {
  const cu::Api &cuda = api();
  auto must = [&](cu::Result r, const char *what) {
    if (r != cu::kSuccess)
      throw sdk::Unavailable("NVIDIA device " + std::to_string(ordinal) + ": " + what + ": " + cuda.describe(r));
  };
  cu::DeviceId device = 0;
  must(cuda.cuDeviceGet(&device, static_cast<int>(ordinal)), "no handle");
  auto attribute = [&](int which) {
    int value = 0;
    must(cuda.cuDeviceGetAttribute(&value, which, device), "a property cannot be read");
    return static_cast<uint32_t>(value);
  };
  sdk::DeviceInfo d;
  char name[256] = {};
  must(cuda.cuDeviceGetName(name, sizeof name - 1, device), "no name");
  d.name = name;
  // Where a kernel's tensor maps are is asked of cuFuncGetParamInfo, of CUDA 12.4; with an older driver code for the device has none.
  d.target = nativeArchitecture(attribute(cu::kMajor), attribute(cu::kMinor), cuda.cuFuncGetParamInfo != nullptr);
  cu::Uuid uuid{};
  must(cuda.cuDeviceGetUuid(&uuid, device), "no UUID");
  std::memcpy(d.uuid, uuid.bytes, sizeof d.uuid);
  size_t bytes = 0;
  must(cuda.cuDeviceTotalMem(&bytes, device), "its memory is unknown");
  d.memoryBytes = bytes;
  d.pci = uint64_t(attribute(cu::kPciDomain)) << 32 | uint64_t(attribute(cu::kPciBus)) << 16 |
          uint64_t(attribute(cu::kPciDevice)) << 8;
  d.l2Bytes = attribute(cu::kL2Bytes);
  d.units = attribute(cu::kUnits);
  d.clockKhz = attribute(cu::kClockRate);
  d.memoryKhz = attribute(cu::kMemoryClock);
  d.busBits = attribute(cu::kBusWidth);
  d.memorySpaces = 1u << TSR_MEM_DEVICE | 1u << TSR_MEM_PINNED;
  if (attribute(cu::kManagedMemory))
    d.memorySpaces |= 1u << TSR_MEM_MANAGED;
  return d;
}

const sdk::DeviceInfo &NvidiaDriver::info(uint32_t ordinal) {
  uint32_t count = probe();
  if (ordinal >= count)
    throw sdk::NotFound("there is no NVIDIA device " + std::to_string(ordinal) + ": this machine shows " +
                        std::to_string(count));
  std::lock_guard lock(mutex_);
  if (infos_.size() < count)
    infos_.resize(count);
  if (!infos_[ordinal])
    infos_[ordinal] = std::make_unique<sdk::DeviceInfo>(describe(ordinal));
  return *infos_[ordinal];
}

// Code for the target as PTX at least, which is what a machine without an assembler gives; machine code is looked at when it is
// loaded.
static void mustRun(const std::string &target, const sdk::DeviceInfo &device) {
  std::string why;
  auto wanted = parseArchitecture(std::string_view(target).substr(0, target.find(':')), why);
  auto here = parseArchitecture(device.target, why);
  if (!wanted || !here)
    return;
  wanted->ptx = true;
  if (runsOn(*wanted, *here) == Runs::No)
    throw sdk::Error(TSR_E_UNSUPPORTED, device.name + " is " + device.target + ", which runs no code for " + target);
}

std::unique_ptr<sdk::Device> NvidiaDriver::open(uint32_t ordinal, const sdk::Options &options, const sdk::Sink &sink) {
  const sdk::DeviceInfo &facts = info(ordinal);
  if (std::string target = options.get("target"); !target.empty())
    mustRun(target, facts);
  std::shared_ptr<const cu::Api> cuda;
  {
    std::lock_guard lock(mutex_);
    cuda = api_;
  }
  auto device = std::make_unique<NvidiaDevice>(std::move(cuda), ordinal, facts, options);
  for (const std::string &key : options.unused())
    sink.warning("option '" + key + "' is unknown to " + device->title() + ": ignored");
  return device;
}

uint64_t NvidiaDriver::native(const void *object, uint32_t kind) {
  switch (kind) {
  case TSR_NATIVE_DEVICE:
    return static_cast<uint64_t>(static_cast<const NvidiaDevice *>(static_cast<const sdk::Device *>(object))->id());
  case TSR_NATIVE_STREAM:
    return static_cast<const NvidiaStream *>(static_cast<const sdk::Stream *>(object))->native();
  case TSR_NATIVE_EVENT:
    return reinterpret_cast<uint64_t>(
        static_cast<const NvidiaEvent *>(static_cast<const sdk::Event *>(object))->handle());
  case TSR_NATIVE_KERNEL:
    return reinterpret_cast<uint64_t>(
        static_cast<const NvidiaKernel *>(static_cast<const sdk::Kernel *>(object))->function());
  default:
    throw sdk::Error(TSR_E_INVALID, "there is no native handle of kind " + std::to_string(kind));
  }
}

} // namespace tessera::nvidia
