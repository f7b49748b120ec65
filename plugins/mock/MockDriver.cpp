// MockDriver.cpp - launches: modules, grids, messages
// SPDX-License-Identifier: Apache-2.0
#include "plugins/mock/MockDriver.h"

#include "core/bytecode/Reader.h"
#include "core/bytecode/Verifier.h"
#include "plugins/mock/MockCompiler.h"

#include <chrono>
#include <cstring>

namespace tessera::mock {

MockModule::MockModule(const void *artifact, uint64_t bytes) {
  if (bytes < sizeof kArtifactMagic || std::memcmp(artifact, kArtifactMagic, sizeof kArtifactMagic) != 0)
    throw sdk::Error(TSR_E_BAD_ARTIFACT, "this is no artifact of mock");
  auto read =
      tbc::readModule({static_cast<const uint8_t *>(artifact) + sizeof kArtifactMagic, bytes - sizeof kArtifactMagic});
  if (!read)
    throw sdk::Error(TSR_E_BAD_ARTIFACT, "the artifact is corrupt: " + read.text());
  if (auto errors = tbc::verifyModule(*read.module); !errors.empty())
    throw sdk::Error(TSR_E_BAD_ARTIFACT, tbc::verifyErrorText(*read.module, errors));
  module_ = std::move(*read.module);
  warps_ = static_cast<unsigned>(module_.option("num_warps", 4));
  if (warps_ == 0 || warps_ > kMaxWarps)
    throw sdk::Error(TSR_E_BAD_ARTIFACT, "the artifact asks for " + std::to_string(warps_) + " warps");
  if (module_.option("shared_bytes") < 0 || module_.option("shared_bytes") > kSharedBytes)
    throw sdk::Error(TSR_E_BAD_ARTIFACT, "the artifact asks for too much shared memory");
  try {
    tables_ = std::make_unique<LayoutTables>(module_, warps_);
  } catch (const Fault &f) {
    throw sdk::Error(TSR_E_BAD_ARTIFACT, f.what());
  }
}

sdk::Kernel &MockModule::kernel(const sdk::KernelInfo &info) {
  for (const tbc::Function &f : module_.functions)
    if (f.name == info.name) {
      auto k = std::make_unique<MockKernel>();
      k->module = &module_;
      k->function = &f;
      k->tables = tables_.get();
      k->warps = warps_;
      k->info = info;
      kernels_.push_back(std::move(k));
      return *kernels_.back();
    }
  throw sdk::NotFound("the module has no kernel '" + info.name + "'");
}

MockDevice::MockDevice(const sdk::Options &options)
    : memory_(*this, options.integer("fail_alloc", 0)), failLaunch_(options.integer("fail_launch", 0)),
      loseDevice_(options.integer("lose_device", 0)), delayMicroseconds_(options.integer("delay_us", 0)) {}

void MockDevice::delay() const {
  if (delayMicroseconds_)
    std::this_thread::sleep_for(std::chrono::microseconds(delayMicroseconds_));
}

void MockDevice::throwIfLost() const {
  if (lost_)
    throw sdk::Error(TSR_E_DEVICE_LOST, "the device is lost (injected)");
}

void MockDevice::add(MockStream &stream) {
  std::lock_guard lock(streamsMutex_);
  streams_.insert(&stream);
}

void MockDevice::remove(MockStream &stream) {
  std::lock_guard lock(streamsMutex_);
  streams_.erase(&stream);
}

void MockDevice::drain() {
  std::lock_guard lock(streamsMutex_);
  for (MockStream *stream : streams_)
    stream->drain();
}

void MockDevice::launch(sdk::Stream &stream, sdk::Kernel &kernel, const tsr_launch &launch) {
  auto &k = static_cast<MockKernel &>(kernel);
  throwIfLost();
  int64_t number = ++launches_;
  if (loseDevice_ && number >= loseDevice_)
    lost_ = true;
  throwIfLost();
  if (launch.arg_bytes != k.info.argBytes)
    throw sdk::Error(TSR_E_INVALID, "kernel '" + k.info.name + "' takes " + std::to_string(k.info.argBytes) +
                                        " bytes of arguments, not " + std::to_string(launch.arg_bytes));
  if (k.info.args.size() != k.function->params.size())
    throw sdk::Error(TSR_E_INVALID, "kernel '" + k.info.name + "' has other parameters than its facts say");
  std::vector<uint64_t> args;
  for (const sdk::KernelArg &a : k.info.args) {
    uint64_t bits = 0;
    if (a.size > 8 || uint64_t(a.offset) + a.size > launch.arg_bytes)
      throw sdk::Error(TSR_E_INVALID, "argument '" + a.name + "' lies outside of the block");
    std::memcpy(&bits, static_cast<const char *>(launch.args) + a.offset, a.size);
    args.push_back(bits);
  }
  bool fails = failLaunch_ && number == failLaunch_;
  std::array<int32_t, 3> grid{static_cast<int32_t>(launch.grid[0]), static_cast<int32_t>(launch.grid[1]),
                              static_cast<int32_t>(launch.grid[2])};
  static_cast<MockStream &>(stream).queue([this, &k, args, grid, fails] {
    if (fails)
      throw sdk::Error(TSR_E_LAUNCH_FAILED, "kernel '" + k.info.name + "' failed (injected)");
    runGrid(k, args, grid.data());
  });
}

// A program for every iteration of a loop over the grid, where the kernel's op grid_stride allows that; whether they are more than asked for.
static bool widen(LaunchState &state, const std::vector<uint64_t> &args) {
  constexpr int64_t kMost = 1 << 16; // along the axis
  for (const tbc::Op &op : state.function.body.ops) {
    if (op.code != tbc::Opcode::GridStride)
      continue;
    const int32_t first[3] = {0, 0, 0};
    const int64_t allowed = std::min(Program(state, first).programsAllowed(args, op), kMost);
    int32_t &programs = state.grid[op.intAttr(tbc::AttrId::Axis)];
    const bool more = int64_t(state.grid[0]) * state.grid[1] * state.grid[2] > 0 && allowed > programs;
    programs = more ? static_cast<int32_t>(allowed) : programs;
    return more;
  }
  return false;
}

void MockDevice::runGrid(const MockKernel &kernel, const std::vector<uint64_t> &args, const int32_t grid[3]) {
  LaunchState state{*kernel.module,
                    *kernel.function,
                    *kernel.tables,
                    memory_,
                    {grid[0], grid[1], grid[2]},
                    kernel.warps,
                    [this](const std::string &line) {
                      std::lock_guard lock(messages_);
                      printed_ += line + "\n";
                    },
                    {}};
  try {
    const bool widened = widen(state, args);
    const int64_t count = int64_t(state.grid[0]) * state.grid[1] * state.grid[2];
    for (int64_t i = 0; i < count; ++i) {
      // Programs that the launch did not ask for run the other way round: who counts on their order finds out.
      const int64_t at = widened ? count - 1 - i : i;
      const int32_t id[3] = {static_cast<int32_t>(at % state.grid[0]),
                             static_cast<int32_t>(at / state.grid[0] % state.grid[1]),
                             static_cast<int32_t>(at / state.grid[0] / state.grid[1])};
      Program(state, id).run(args);
    }
  } catch (const Fault &f) {
    std::string where;
    Assertion a{f.what(), {}, 0, 0};
    if (f.loc != tbc::kNone && f.loc < kernel.module->locs.size()) {
      const tbc::Loc &loc = kernel.module->locs[f.loc];
      if (loc.file < kernel.module->files.size())
        a.file = kernel.module->files[loc.file];
      a.line = loc.line;
      a.column = loc.column;
      where = " at " + a.file + ":" + std::to_string(loc.line);
    }
    if (f.isAssert) {
      std::lock_guard lock(messages_);
      assertions_.push_back(a);
    }
    throw sdk::Error(f.isAssert ? TSR_E_ASSERT : TSR_E_LAUNCH_FAILED,
                     "kernel '" + kernel.info.name + "'" + where + ": " + (f.isAssert ? "assertion failed: " : "") +
                         f.what());
  }
}

void MockDevice::drainMessages(const sdk::Sink &sink) {
  std::string printed;
  std::vector<Assertion> assertions;
  {
    std::lock_guard lock(messages_);
    printed.swap(printed_);
    assertions.swap(assertions_);
  }
  if (!printed.empty())
    sink.emit(TSR_EMIT_DEVICE_PRINT, "print", printed.data(), printed.size());
  for (const Assertion &a : assertions)
    sink.diag(TSR_SEV_ERROR, "assertion failed: " + a.message, a.file, a.line, a.column);
}

const sdk::DeviceInfo &MockDriver::info(uint32_t ordinal) {
  static const sdk::DeviceInfo device = [] {
    sdk::DeviceInfo d;
    d.name = "mock SIMT device";
    d.target = "mock";
    d.memoryBytes = uint64_t(4) << 30;
    d.units = 1;
    return d;
  }();
  if (ordinal != 0)
    throw sdk::NotFound("mock has one device, number 0");
  return device;
}

std::unique_ptr<sdk::Device> MockDriver::open(uint32_t ordinal, const sdk::Options &options, const sdk::Sink &) {
  (void)info(ordinal);
  return std::make_unique<MockDevice>(options);
}

} // namespace tessera::mock
