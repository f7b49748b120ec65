// SimtDriver.cpp - see SimtDriver.h
//
// SPDX-License-Identifier: Apache-2.0
#include "tests/simt/SimtDriver.h"

#include <chrono>
#include <cstdlib>
#include <cstring>

namespace tessera::simt {

// ---- memory ----------------------------------------------------------------------------------------------------------

SimtMemory::~SimtMemory() {
  for (const auto &[address, bytes] : blocks_)
    std::free(reinterpret_cast<void *>(address));
}

uint64_t SimtMemory::allocate(sdk::Stream *, uint64_t bytes, uint64_t align, uint32_t) {
  align = std::max<uint64_t>(align, 16);
  void *p = bytes > (uint64_t(4) << 30) ? nullptr : std::aligned_alloc(align, (bytes + align - 1) / align * align);
  if (!p)
    throw sdk::Error(TSR_E_OOM_DEVICE, "simt has no " + std::to_string(bytes) + " bytes left");
  std::memset(p, 0xcd, bytes);
  std::lock_guard lock(mutex_);
  blocks_[reinterpret_cast<uint64_t>(p)] = bytes;
  return reinterpret_cast<uint64_t>(p);
}

void SimtMemory::release(sdk::Stream *, uint64_t address) {
  std::lock_guard lock(mutex_);
  if (!blocks_.erase(address))
    throw sdk::Error(TSR_E_INVALID, "the address to free is no allocation");
  std::free(reinterpret_cast<void *>(address));
}

bool SimtMemory::holds(uint64_t address, uint64_t bytes) const {
  std::lock_guard lock(mutex_);
  auto it = blocks_.upper_bound(address);
  if (it == blocks_.begin())
    return false;
  --it;
  return address - it->first <= it->second && bytes <= it->second - (address - it->first);
}

void SimtMemory::copy(sdk::Stream &stream, const tsr_copy &c) {
  for (uint64_t r = 0; r < c.rows; ++r)
    if ((c.dst_space != TSR_MEM_HOST && !holds(c.dst + r * c.dst_pitch, c.row_bytes)) ||
        (c.src_space != TSR_MEM_HOST && !holds(c.src + r * c.src_pitch, c.row_bytes)))
      throw sdk::Error(TSR_E_INVALID, "a copy leaves its allocation");
  if (static_cast<SimtStream &>(stream).failed())
    return;
  for (uint64_t r = 0; r < c.rows; ++r)
    std::memmove(reinterpret_cast<void *>(c.dst + r * c.dst_pitch),
                 reinterpret_cast<const void *>(c.src + r * c.src_pitch), c.row_bytes);
}

void SimtMemory::fill(sdk::Stream &stream, uint64_t address, uint64_t pattern, uint32_t patternBytes, uint64_t bytes) {
  if (!holds(address, bytes))
    throw sdk::Error(TSR_E_INVALID, "a fill leaves its allocation");
  if (static_cast<SimtStream &>(stream).failed())
    return;
  for (uint64_t i = 0; i < bytes; i += patternBytes)
    std::memcpy(reinterpret_cast<char *>(address) + i, &pattern, patternBytes);
}

// ---- streams, events -------------------------------------------------------------------------------------------------

void SimtStream::throwSticky() const {
  if (sticky_ != TSR_OK)
    throw sdk::Error(sticky_, text_);
}

bool SimtStream::ready() {
  throwSticky();
  return true;
}

void SimtStream::fail(tsr_status status, std::string text) {
  if (sticky_ != TSR_OK)
    return;
  sticky_ = status;
  text_ = std::move(text);
}

namespace {

class SimtEvent final : public sdk::Event {
public:
  void record(sdk::Stream &) override {
    recorded_ = true;
    nanoseconds_ = static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  }
  void wait(sdk::Stream &) override {} // whatever was recorded is done
  bool ready() override { return true; }
  uint64_t nanosecondsSince(sdk::Event &start) override {
    auto &from = static_cast<SimtEvent &>(start);
    if (!recorded_ || !from.recorded_)
      throw sdk::Error(TSR_E_INVALID, "an event of the pair has not happened yet");
    return nanoseconds_ - from.nanoseconds_;
  }

private:
  bool recorded_ = false;
  uint64_t nanoseconds_ = 0;
};

} // namespace

// ---- modules, launches -----------------------------------------------------------------------------------------------

SimtModule::SimtModule(const void *artifact, uint64_t bytes) {
  std::string why;
  image_ = LoadedImage::load(artifact, bytes, why);
  if (!image_)
    throw sdk::Error(TSR_E_BAD_ARTIFACT, why);
}

sdk::Kernel &SimtModule::kernel(const sdk::KernelInfo &info) {
  auto k = std::make_unique<SimtKernel>();
  k->entry = image_->find(info.name);
  if (!k->entry)
    throw sdk::NotFound("the module has no kernel '" + info.name + "'");
  k->info = info;
  kernels_.push_back(std::move(k));
  return *kernels_.back();
}

std::unique_ptr<sdk::Event> SimtDevice::createEvent(uint32_t) { return std::make_unique<SimtEvent>(); }

void SimtDevice::launch(sdk::Stream &stream, sdk::Kernel &kernel, const tsr_launch &launch) {
  auto &k = static_cast<SimtKernel &>(kernel);
  auto &s = static_cast<SimtStream &>(stream);
  if (launch.arg_bytes != k.info.argBytes)
    throw sdk::Error(TSR_E_INVALID, "kernel '" + k.info.name + "' takes " + std::to_string(k.info.argBytes) +
                                        " bytes of arguments, not " + std::to_string(launch.arg_bytes));
  if (k.info.block[0] == 0 || k.info.block[0] % 32 || k.info.block[0] > 1024)
    throw sdk::Error(TSR_E_INVALID, "a block of " + std::to_string(k.info.block[0]) + " threads");
  if (s.failed())
    return;
  BlockOptions options;
  options.threads = k.info.block[0];
  options.sharedBytes = k.info.smemStatic;
  options.holds = [this](const void *address, uint64_t bytes) {
    return memory_.holds(reinterpret_cast<uint64_t>(address), bytes);
  };
  options.print = [this](const std::string &line) {
    std::lock_guard lock(messages_);
    printed_ += line + "\n";
  };
  std::vector<uint64_t> args((launch.arg_bytes + 7) / 8 + 1); // aligned as the entry takes them
  std::memcpy(args.data(), launch.args, launch.arg_bytes);
  std::lock_guard one(launches_);
  BlockError error = runGrid(k.entry, args.data(), launch.grid, options);
  if (error.message.empty())
    return;
  std::string place = error.file.empty() ? std::string() : " at " + error.file + ":" + std::to_string(error.line);
  if (error.isAssert) {
    std::lock_guard lock(messages_);
    assertions_.push_back(error);
  }
  s.fail(error.isAssert ? TSR_E_ASSERT : TSR_E_LAUNCH_FAILED,
         "kernel '" + k.info.name + "'" + place + ": " + (error.isAssert ? "assertion failed: " : "") + error.message);
}

void SimtDevice::drainMessages(const sdk::Sink &sink) {
  std::string printed;
  std::vector<BlockError> assertions;
  {
    std::lock_guard lock(messages_);
    printed.swap(printed_);
    assertions.swap(assertions_);
  }
  if (!printed.empty())
    sink.emit(TSR_EMIT_DEVICE_PRINT, "print", printed.data(), printed.size());
  for (const BlockError &a : assertions)
    sink.diag(TSR_SEV_ERROR, "assertion failed: " + a.message, a.file, a.line);
}

const sdk::DeviceInfo &SimtDriver::info(uint32_t ordinal) {
  static const sdk::DeviceInfo device = [] {
    sdk::DeviceInfo d;
    d.name = "lane code on the host";
    d.target = "simt";
    d.memoryBytes = uint64_t(4) << 30;
    d.units = 1;
    return d;
  }();
  if (ordinal != 0)
    throw sdk::NotFound("simt has one device, number 0");
  return device;
}

std::unique_ptr<sdk::Device> SimtDriver::open(uint32_t ordinal, const sdk::Options &, const sdk::Sink &) {
  (void)info(ordinal);
  return std::make_unique<SimtDevice>();
}

} // namespace tessera::simt
