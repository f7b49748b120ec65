// Kernel.cpp - a kernel's facts, and launches
// SPDX-License-Identifier: Apache-2.0
#include "backends/nvidia/driver/Module.h"
#include "backends/nvidia/driver/Stream.h"

#include <algorithm>
#include <cstring>

namespace tessera::nvidia {

namespace {
constexpr uint32_t kKnownFlags = TSR_LAUNCH_COOPERATIVE | TSR_LAUNCH_DEPENDENT;
// "Execution control": what a program gets without being asked for by kFunctionMaxDynamicShared.
constexpr uint32_t kDefaultShared = 48 << 10;
// [G] "Thread Block Clusters": beyond this a cluster is not portable and must be allowed.
constexpr uint64_t kPortableCluster = 8;

uint64_t product(const uint32_t v[3]) { return uint64_t(v[0]) * v[1] * v[2]; }
std::string triple(const uint32_t v[3]) {
  return "(" + std::to_string(v[0]) + ", " + std::to_string(v[1]) + ", " + std::to_string(v[2]) + ")";
}
} // namespace

NvidiaKernel::NvidiaKernel(NvidiaDevice &device, cu::ModuleId module, const sdk::KernelInfo &info,
                           std::vector<MapRecipe> maps, std::optional<GridStride> stride)
    : device_(device), name_(device.intern(info.name)), argBytes_(info.argBytes), flags_(info.flags),
      stride_(std::move(stride)) {
  std::copy(info.cluster, info.cluster + 3, cluster_);
  if (!maps.empty())
    maps_ = std::make_unique<TensorMaps>(device, std::move(maps), argBytes_);
  const cu::Api &api = device.api();
  if (info.flags & ~(kKnownFlags | TSR_KERNEL_PRINTS))
    throw sdk::Error(TSR_E_TOO_NEW,
                     "kernel '" + info.name + "' has unknown launch flags " + std::to_string(info.flags));
  cu::Result r = api.cuModuleGetFunction(&function_, module, info.name.c_str());
  if (r == cu::kNotFound)
    throw sdk::NotFound("the module has no kernel '" + info.name + "'");
  device.check(r, "a kernel cannot be found");
  if (api.cuFuncLoad)
    device.check(api.cuFuncLoad(function_), "a kernel cannot be loaded");
  auto attribute = [&](int which) {
    int value = 0;
    device_.check(api.cuFuncGetAttribute(&value, which, function_), "a property of a kernel cannot be read");
    return static_cast<uint32_t>(value);
  };
  // Where cuFuncLoad is missing, the first of these loads the kernel.
  maxThreads_ = attribute(cu::kFunctionMaxThreads);
  staticShared_ = attribute(cu::kFunctionShared);
  localBytes_ = attribute(cu::kFunctionLocal);
  registers_ = attribute(cu::kFunctionRegisters);
  checkParameters(info);
  checkLimits(info);
}

void NvidiaKernel::checkParameters(const sdk::KernelInfo &info) const {
  const cu::Api &api = device_.api();
  if (!api.cuFuncGetParamInfo) {
    if (maps_) // where the maps are, nobody else knows
      throw sdk::Unsupported("a kernel with tensor copies", "",
                             "the driver is older than 12.4; compile kernel '" + info.name +
                                 "' for --target=" + device_.target() + ", or with tensor_copies=False");
    return;
  }
  std::vector<uint64_t> offsets;
  size_t end = 0, offset = 0, bytes = 0;
  while (api.cuFuncGetParamInfo(function_, offsets.size(), &offset, &bytes) == cu::kSuccess) {
    end = offset + bytes;
    offsets.push_back(offset);
  }
  const size_t maps = maps_ ? maps_->count() : 0;
  const size_t visible = offsets.size() < maps ? 0 : maps ? offsets[offsets.size() - maps] : end;
  if (maps && (offsets.size() < maps || visible < info.argBytes || end > kMaxParameterBytes))
    throw sdk::Error(TSR_E_BAD_ARTIFACT, "kernel '" + info.name + "' has " + std::to_string(end) +
                                             " bytes of parameters, which are not its arguments and " +
                                             std::to_string(maps) + " tensor maps");
  if (maps)
    return maps_->place({offsets.end() - static_cast<ptrdiff_t>(maps), offsets.end()}, end);
  if (end > info.argBytes)
    throw sdk::Error(TSR_E_BAD_ARTIFACT, "kernel '" + info.name + "' reads " + std::to_string(end) +
                                             " bytes of arguments, its facts say " + std::to_string(info.argBytes));
}

void NvidiaKernel::checkLimits(const sdk::KernelInfo &info) {
  const DeviceLimits &limits = device_.limits();
  const std::string who = "kernel '" + info.name + "'";
  const uint64_t shared = staticShared_ + info.smemDynamic;
  if (shared > limits.sharedOptIn)
    throw sdk::Error(TSR_E_UNSUPPORTED, who + " needs " + std::to_string(shared) + " bytes of shared memory (" +
                                            std::to_string(staticShared_) + " static, " +
                                            std::to_string(info.smemDynamic) + " dynamic), " + device_.title() +
                                            " has " + std::to_string(limits.sharedOptIn) + " for a program");
  const uint64_t cluster = product(info.cluster);
  if (cluster > 1 && !limits.clusters)
    throw sdk::Unsupported(who + " with clusters", "", device_.title());
  if ((info.flags & TSR_LAUNCH_COOPERATIVE) && !limits.cooperative)
    throw sdk::Unsupported(who + ", a cooperative launch", "", device_.title());
  if (product(info.block) > maxThreads_)
    throw sdk::Error(TSR_E_UNSUPPORTED, who + " is to run with " + std::to_string(product(info.block)) +
                                            " threads; with " + std::to_string(registers_) + " registers each, " +
                                            std::to_string(maxThreads_) + " are the most");
  const cu::Api &api = device_.api();
  if (cluster > kPortableCluster)
    device_.check(api.cuFuncSetAttribute(function_, cu::kFunctionNonPortableCluster, 1),
                  "clusters of more than 8 programs are refused");
  dynamicLimit_ = kDefaultShared - std::min(kDefaultShared, staticShared_);
  allowShared(static_cast<uint32_t>(info.smemDynamic));
}

void NvidiaKernel::allowShared(uint32_t bytes) {
  if (bytes <= dynamicLimit_.load(std::memory_order_relaxed))
    return;
  device_.check(device_.api().cuFuncSetAttribute(function_, cu::kFunctionMaxDynamicShared, static_cast<int>(bytes)),
                "the shared memory of a kernel is refused");
  dynamicLimit_.store(bytes, std::memory_order_relaxed);
}

void NvidiaKernel::checkLaunch(const tsr_launch &l) const {
  const DeviceLimits &limits = device_.limits();
  auto invalid = [&](const std::string &what) { return sdk::Error(TSR_E_INVALID, "kernel '" + *name_ + "' " + what); };
  if (l.arg_bytes != argBytes_ || (l.arg_bytes && !l.args))
    throw invalid("takes " + std::to_string(argBytes_) + " bytes of arguments, the launch has " +
                  std::to_string(l.arg_bytes));
  if (l.grid[0] > limits.gridX || l.grid[1] > limits.gridY || l.grid[2] > limits.gridZ) {
    const uint32_t most[3] = {limits.gridX, limits.gridY, limits.gridZ};
    throw invalid("was given a grid of " + triple(l.grid) + "; the most is " + triple(most));
  }
  const uint64_t threads = product(l.block);
  if (threads == 0 || threads > maxThreads_)
    throw invalid("was given programs of " + std::to_string(threads) + " threads; with " + std::to_string(registers_) +
                  " registers each, 1 to " + std::to_string(maxThreads_) + " fit");
  if (uint64_t(l.smem_dynamic) + staticShared_ > limits.sharedOptIn)
    throw invalid("was given " + std::to_string(l.smem_dynamic) + " bytes of shared memory beside its own " +
                  std::to_string(staticShared_) + "; a program may have " + std::to_string(limits.sharedOptIn));
  if (l.flags & ~kKnownFlags)
    throw sdk::Error(TSR_E_TOO_NEW, "unknown launch flags " + std::to_string(l.flags));
}

// Who asks for fewer programs than there are multiprocessors leaves the others to somebody else; programs that meet, or share a cluster, are counted.
std::array<uint32_t, 3> NvidiaKernel::grid(const tsr_launch &l) const {
  std::array<uint32_t, 3> grid = {l.grid[0], l.grid[1], l.grid[2]};
  if (__builtin_expect(!stride_, 1))
    return grid;
  const DeviceLimits &limits = device_.limits();
  const uint32_t *cluster = product(l.cluster) ? l.cluster : cluster_;
  if (!l.args || l.arg_bytes != argBytes_ || product(l.grid) < limits.units || product(cluster) > 1 ||
      ((flags_ | l.flags) & TSR_LAUNCH_COOPERATIVE))
    return grid;
  const uint32_t most[3] = {limits.gridX, limits.gridY, limits.gridZ};
  const int64_t programs =
      std::min<int64_t>(programsAllowed(static_cast<const uint8_t *>(l.args)), most[stride_->axis]);
  grid[stride_->axis] = std::max(grid[stride_->axis], static_cast<uint32_t>(std::max<int64_t>(programs, 0)));
  return grid;
}

int64_t NvidiaKernel::programsAllowed(const uint8_t *arguments) const {
  std::unique_lock lock(lastMutex_, std::try_to_lock);
  if (!lock)
    return evaluate(stride_->programs, arguments);
  if (lastArguments_.empty() || std::memcmp(lastArguments_.data(), arguments, argBytes_) != 0) {
    lastAllowed_ = evaluate(stride_->programs, arguments);
    lastArguments_.assign(arguments, arguments + argBytes_);
  }
  return lastAllowed_;
}

void NvidiaKernel::configure(const tsr_launch &l, cu::StreamId stream, bool captured, cu::LaunchConfig &c,
                             cu::LaunchAttribute *attributes) const {
  const std::array<uint32_t, 3> programs = grid(l);
  for (int d = 0; d < 3; ++d) {
    c.grid[d] = programs[d];
    c.block[d] = l.block[d];
  }
  c.sharedBytes = l.smem_dynamic;
  c.stream = stream;
  c.attributes = attributes;
  c.numAttributes = 0;
  const uint32_t *cluster = product(l.cluster) ? l.cluster : cluster_;
  if (product(cluster) > 1) {
    cu::LaunchAttribute &a = attributes[c.numAttributes++];
    a.id = cu::kLaunchCluster;
    std::copy(cluster, cluster + 3, a.value.cluster);
  }
  const uint32_t flags = flags_ | l.flags;
  if (flags & TSR_LAUNCH_COOPERATIVE) {
    cu::LaunchAttribute &a = attributes[c.numAttributes++];
    a.id = cu::kLaunchCooperative;
    a.value.flag = 1;
  }
  // The edges that it makes in a graph are other ones than cuStreamGetCaptureInfo tells of.
  if ((flags & TSR_LAUNCH_DEPENDENT) && device_.limits().overlaps && !captured) {
    cu::LaunchAttribute &a = attributes[c.numAttributes++];
    a.id = cu::kLaunchProgrammaticSerialization;
    a.value.flag = 1;
  }
}

const void *NvidiaKernel::parameters(const tsr_launch &l, ParameterBlock &block, size_t &bytes) const {
  bytes = l.arg_bytes;
  if (__builtin_expect(maps_ == nullptr, 1))
    return l.args;
  try {
    maps_->fill(l.args, block.bytes);
  } catch (const sdk::Error &e) {
    throw sdk::Error(e.status, "kernel '" + *name_ + "': an array that it copies by descriptor: " + e.what() +
                                   "; compile it with tensor_copies=False to access the array by pointers");
  }
  bytes = maps_->bytes();
  return block.bytes;
}

std::string NvidiaKernel::resources(const tsr_launch &l) const {
  return "a grid of " + triple(l.grid) + ", " + std::to_string(product(l.block)) + " threads with " +
         std::to_string(registers_) + " registers each, " + std::to_string(staticShared_ + l.smem_dynamic) +
         " bytes of shared memory" + (product(l.cluster) > 1 ? ", clusters of " + triple(l.cluster) : std::string());
}

uint32_t NvidiaKernel::occupancy(const tsr_launch &l) {
  device_.throwIfLost(nullptr);
  device_.refuseWhileCapturing("occupancy");
  const cu::Api &api = device_.api();
  ContextScope scope(api, device_.context());
  allowShared(l.smem_dynamic);
  cu::LaunchAttribute attributes[3];
  cu::LaunchConfig config;
  configure(l, nullptr, false, config, attributes);
  const uint32_t *cluster = product(l.cluster) ? l.cluster : cluster_;
  int n = 0;
  if (product(cluster) > 1) {
    device_.check(api.cuOccupancyMaxActiveClusters(&n, function_, &config), "the occupancy cannot be computed");
    return static_cast<uint32_t>(uint64_t(n) * product(cluster) / std::max(1u, device_.limits().units));
  }
  device_.check(api.cuOccupancyMaxActiveBlocksPerMultiprocessor(&n, function_, static_cast<int>(product(l.block)),
                                                                l.smem_dynamic),
                "the occupancy cannot be computed");
  return static_cast<uint32_t>(n);
}

// The way of every launch: two loads, a few comparisons, a lock that nobody waits for, one call of the driver. No allocation.
void NvidiaDevice::launch(sdk::Stream &s, sdk::Kernel &k, const tsr_launch &l) {
  auto &stream = static_cast<NvidiaStream &>(s);
  auto &kernel = static_cast<NvidiaKernel &>(k);
  throwIfLost(&stream);
  kernel.checkLaunch(l);
  cu::LaunchAttribute attributes[3];
  cu::LaunchConfig config;
  kernel.configure(l, stream.handle(), stream.capture() != nullptr, config, attributes);
  NvidiaKernel::ParameterBlock block;
  size_t bytes = 0;
  const void *parameters = kernel.parameters(l, block, bytes);
  ContextScope scope(*api_, context_);
  kernel.allowShared(l.smem_dynamic);
  cu::Result r = stream.launchGraphs().launch(kernel, config, parameters, bytes, stream.capture() != nullptr);
  if (__builtin_expect(r != cu::kSuccess, 0)) {
    if (isSticky(r) || (r >= cu::kCaptureFirst && r <= cu::kCaptureLast))
      fail(r, "kernel '" + *kernel.name() + "' cannot be launched", &stream);
    throw sdk::Error(TSR_E_LAUNCH_FAILED, "kernel '" + *kernel.name() + "' could not start on " + title_ + ": " +
                                              api_->describe(r) + ": " + kernel.resources(l));
  }
  if (__builtin_expect(stream.capture() != nullptr, 0))
    return stream.captured(kernel);
  stream.ran(kernel.name());
}

// The node that the capture just got is what the stream depends on now.
void NvidiaStream::captured(const NvidiaKernel &kernel) {
  int status = 0;
  const cu::GraphNode *last = nullptr;
  size_t count = 0;
  cu::Result r = device_.api().cuStreamGetCaptureInfo(handle_, &status, nullptr, nullptr, &last, &count);
  device_.check(r, "the capture cannot be asked for its nodes", this);
  if (count != 1)
    throw sdk::Error(TSR_E_CAPTURE, "the capture was broken by a call of somebody else");
  capture_->kernels.push_back({last[0], &kernel});
}

} // namespace tessera::nvidia
