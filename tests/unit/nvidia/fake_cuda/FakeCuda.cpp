// FakeCuda.cpp - the entry points of the fake libcuda; what it stands for is in FakeCuda.h
// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/nvidia/fake_cuda/FakeCuda.h"

#include "backends/nvidia/driver/Api.h"
#include "backends/nvidia/image/Messages.h"
#include "tests/unit/nvidia/fake_cuda/FakeFacts.h"
#include "tests/unit/nvidia/fake_cuda/FakeKernels.h"
#include "tests/unit/nvidia/fake_cuda/FakeObjects.h"

#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>

using namespace tessera::nvidia;
using namespace tessera::nvidia::cu;
using namespace tessera::fake_cuda;

namespace {

Control control;
std::recursive_mutex mutex; // one lock over all: the fake is for meaning, not for speed

std::map<int, FakeContext> contexts;
thread_local std::vector<FakeContext *> stack;
thread_local int threadMode = kCaptureGlobal;
std::map<uint64_t, uint64_t> blocks; // device allocations
std::set<FakeStream *> streams;
std::map<FakeModule *, int> modules;
double clockMs = 0;
std::set<FakeEvent *> events;

FakeContext *current() { return stack.empty() ? nullptr : stack.back(); }
FakeStream &stream(StreamId s) { return *reinterpret_cast<FakeStream *>(s); }

// The default streams of a context.
FakeStream *resolve(StreamId s) {
  static std::map<std::pair<FakeContext *, uint64_t>, FakeStream> defaults;
  auto value = reinterpret_cast<uint64_t>(s);
  if (value > kStreamPerThread)
    return &stream(s);
  FakeStream &d = defaults[{current(), value}];
  d.context = current();
  return &d;
}

bool globalCapture() {
  for (FakeStream *s : streams)
    if (s->graph)
      return true;
  return false;
}

enum class Needs { Nothing, Context, Unsafe }; // Unsafe: breaks a capture

// The result to give at once, or success: go on.
Result enter(const char *name, Needs needs) {
  control.called(name);
  if (auto it = control.failOnce.find(name); it != control.failOnce.end()) {
    Result r = it->second;
    control.failOnce.erase(it);
    if (r >= kIllegalAddress && r <= kTensorMemoryLeak && r != kOutOfResources && r != kCooperativeTooLarge &&
        current())
      current()->fault = r;
    return r;
  }
  if (needs == Needs::Nothing)
    return kSuccess;
  if (!current()) {
    control.violations.push_back(std::string(name) + " without a context");
    return kInvalidContext;
  }
  if (current()->fault)
    return current()->fault;
  if (needs == Needs::Unsafe && threadMode != kCaptureRelaxed && globalCapture()) {
    control.violations.push_back(std::string(name) + " during a capture");
    for (FakeStream *s : streams)
      s->broken = s->graph != nullptr;
    return kCaptureFirst;
  }
  return kSuccess;
}

void run(FakeStream &s) {
  while (!s.queue.empty() && !s.context->fault) {
    auto work = std::move(s.queue.front());
    s.queue.erase(s.queue.begin());
    work();
  }
}

Result enqueue(StreamId id, std::function<void()> work) {
  FakeStream &s = *resolve(id);
  if (s.context != current()) {
    control.violations.push_back("work on a stream of another context");
    return kInvalidHandle;
  }
  if (s.graph) {
    s.last = s.graph->add({.kernel = "copy"});
  } else {
    s.queue.push_back(std::move(work));
  }
  return kSuccess;
}

void runKernel(FakeContext &context, FakeModule &m, const std::string &name, const std::vector<char> &arguments) {
  auto port = m.globals.find(kMessagesGlobal);
  context.fault = tessera::fake_cuda::runKernel(name, arguments, port == m.globals.end() ? nullptr : &port->second);
}

FakeModule *moduleOf(const std::string *function) {
  for (auto &[m, unused] : modules)
    for (auto &f : m->functions)
      if (f.get() == function)
        return m;
  return nullptr;
}

FakeGraphNode nodeOf(Function f, const unsigned *grid, const unsigned *block, std::vector<char> arguments) {
  auto *name = reinterpret_cast<std::string *>(f);
  return {*name, {grid[0], grid[1], grid[2]}, {block[0], block[1], block[2]}, std::move(arguments), moduleOf(name)};
}

Result deviceBytes(uint64_t bytes, Address *out) {
  if (control.liveBytes + bytes > control.memoryBytes)
    return kOutOfMemory;
  void *p = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
  std::memset(p, 0xcd, bytes);
  *out = reinterpret_cast<uint64_t>(p);
  blocks[*out] = bytes;
  control.liveBytes += bytes;
  return kSuccess;
}
Result freeBytes(Address address) {
  auto it = blocks.find(address);
  if (it == blocks.end()) {
    control.violations.push_back("an address was freed that is none");
    return kInvalidValue;
  }
  control.liveBytes -= it->second;
  std::free(reinterpret_cast<void *>(it->first));
  blocks.erase(it);
  return kSuccess;
}

void copyNow(uint64_t to, uint64_t from, size_t bytes) {
  std::memcpy(reinterpret_cast<void *>(to), reinterpret_cast<const void *>(from), bytes);
}

#define ENTER(name, needs)                                                                                             \
  std::lock_guard lock(mutex);                                                                                         \
  if (Result r = enter(#name, Needs::needs); r != kSuccess)                                                            \
  return r

// ---- devices and contexts ------------------------------------------------------------------------------------------------

Result cuGetErrorName(Result e, const char **out) {
  *out = tessera::fake_cuda::errorName(e);
  return kSuccess;
}
Result cuGetErrorString(Result, const char **out) {
  *out = "what the driver says";
  return kSuccess;
}
Result cuDeviceGetCount(int *out) {
  ENTER(cuDeviceGetCount, Nothing);
  *out = control.devices;
  return kSuccess;
}
Result cuDeviceGet(DeviceId *out, int ordinal) {
  ENTER(cuDeviceGet, Nothing);
  *out = ordinal;
  return ordinal < control.devices ? kSuccess : 101;
}
Result cuDeviceGetName(char *out, int n, DeviceId) {
  std::strncpy(out, "Fake H200", static_cast<size_t>(n));
  return kSuccess;
}
Result cuDeviceGetUuid(Uuid *out, DeviceId device) {
  std::memset(out->bytes, 0x11 + device, 16);
  return kSuccess;
}
Result cuDeviceTotalMem(size_t *out, DeviceId) {
  *out = control.memoryBytes;
  return kSuccess;
}
Result cuDeviceGetAttribute(int *out, int which, DeviceId) {
  ENTER(cuDeviceGetAttribute, Nothing);
  *out = which == kMajor                   ? control.capabilityMajor
         : which == kMinor                 ? control.capabilityMinor
         : control.attributes.count(which) ? control.attributes[which]
                                           : tessera::fake_cuda::attributeOf(which);
  return kSuccess;
}
Result cuDevicePrimaryCtxRetain(Context *out, DeviceId device) {
  ENTER(cuDevicePrimaryCtxRetain, Nothing);
  FakeContext &c = contexts[device];
  c.device = device;
  if (c.references++ == 0)
    ++control.contextsAlive;
  *out = reinterpret_cast<Context>(&c);
  return kSuccess;
}
Result cuDevicePrimaryCtxRelease(DeviceId device) {
  ENTER(cuDevicePrimaryCtxRelease, Nothing);
  FakeContext &c = contexts[device];
  if (c.references == 0)
    return kInvalidContext;
  if (--c.references == 0) {
    --control.contextsAlive;
    c.fault = control.faultsStay ? c.fault : kSuccess; // destroyed; the next one is new
  }
  return kSuccess;
}
Result cuDevicePrimaryCtxReset(DeviceId device) {
  ENTER(cuDevicePrimaryCtxReset, Nothing);
  if (!control.faultsStay)
    contexts[device].fault = kSuccess;
  return kSuccess;
}
Result cuCtxGetCurrent(Context *out) {
  *out = reinterpret_cast<Context>(current());
  return kSuccess;
}
Result cuCtxPushCurrent(Context c) {
  stack.push_back(reinterpret_cast<FakeContext *>(c));
  return kSuccess;
}
Result cuCtxPopCurrent(Context *out) {
  if (stack.empty())
    return kInvalidContext;
  *out = reinterpret_cast<Context>(stack.back());
  stack.pop_back();
  return kSuccess;
}
Result cuCtxSynchronize() {
  ENTER(cuCtxSynchronize, Unsafe);
  for (FakeStream *s : std::set<FakeStream *>(streams))
    if (s->context == current())
      run(*s);
  return current()->fault;
}
Result cuCtxGetStreamPriorityRange(int *least, int *greatest) {
  ENTER(cuCtxGetStreamPriorityRange, Context);
  *least = 0;
  *greatest = -5;
  return kSuccess;
}

// ---- memory --------------------------------------------------------------------------------------------------------------

Result cuMemGetInfo(size_t *available, size_t *total) {
  ENTER(cuMemGetInfo, Context);
  *total = control.memoryBytes;
  *available = control.memoryBytes - control.liveBytes;
  return kSuccess;
}
Result cuMemAlloc(Address *out, size_t bytes) {
  ENTER(cuMemAlloc, Unsafe);
  return deviceBytes(bytes, out);
}
Result cuMemFree(Address address) {
  ENTER(cuMemFree, Unsafe);
  return freeBytes(address);
}
Result cuMemHostAlloc(void **out, size_t bytes, unsigned) {
  ENTER(cuMemHostAlloc, Unsafe);
  *out = std::aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
  std::memset(*out, 0xcd, bytes);
  return kSuccess;
}
Result cuMemFreeHost(void *address) {
  std::lock_guard lock(mutex);
  Result r = enter("cuMemFreeHost", Needs::Unsafe);
  std::free(address); // also after a fault: a leak would hide ours
  return r;
}
Result cuMemHostGetDevicePointer(Address *out, void *host, unsigned) {
  ENTER(cuMemHostGetDevicePointer, Context);
  *out = reinterpret_cast<uint64_t>(host);
  return kSuccess;
}
Result cuMemAllocManaged(Address *out, size_t bytes, unsigned) {
  ENTER(cuMemAllocManaged, Unsafe);
  return deviceBytes(bytes, out);
}
Result cuMemPoolCreate(MemoryPool *out, const MemoryPoolProperties *p) {
  ENTER(cuMemPoolCreate, Unsafe);
  if (p->allocationType != 1 || p->locationType != 1)
    return kInvalidValue;
  ++control.livePools;
  *out = reinterpret_cast<MemoryPool>(new int(p->locationId));
  return kSuccess;
}
Result cuMemPoolDestroy(MemoryPool pool) {
  std::lock_guard lock(mutex);
  --control.livePools;
  delete reinterpret_cast<int *>(pool);
  return kSuccess;
}
Result cuMemPoolSetAttribute(MemoryPool, int which, void *) {
  ENTER(cuMemPoolSetAttribute, Context);
  return which == kPoolReleaseThreshold ? kSuccess : kInvalidValue;
}
Result cuMemPoolTrimTo(MemoryPool, size_t) {
  ENTER(cuMemPoolTrimTo, Unsafe);
  return kSuccess;
}
Result cuMemAllocFromPoolAsync(Address *out, size_t bytes, MemoryPool, StreamId) {
  ENTER(cuMemAllocFromPoolAsync, Context);
  return deviceBytes(bytes, out);
}
Result cuMemFreeAsync(Address address, StreamId s) {
  ENTER(cuMemFreeAsync, Context);
  return enqueue(s, [address] { freeBytes(address); });
}
Result cuMemcpyHtoDAsync(Address to, const void *from, size_t bytes, StreamId s) {
  ENTER(cuMemcpyHtoDAsync, Context);
  // Pageable memory is read before the call returns, as a driver that stages it does.
  const char *start = static_cast<const char *>(from);
  return enqueue(s, [to, staged = std::vector<char>(start, start + bytes)] {
    copyNow(to, reinterpret_cast<uint64_t>(staged.data()), staged.size());
  });
}
Result cuMemcpyDtoHAsync(void *to, Address from, size_t bytes, StreamId s) {
  ENTER(cuMemcpyDtoHAsync, Context);
  return enqueue(s, [=] { copyNow(reinterpret_cast<uint64_t>(to), from, bytes); });
}
Result cuMemcpyDtoDAsync(Address to, Address from, size_t bytes, StreamId s) {
  ENTER(cuMemcpyDtoDAsync, Context);
  return enqueue(s, [=] { copyNow(to, from, bytes); });
}
Result cuMemcpyAsync(Address to, Address from, size_t bytes, StreamId s) {
  ENTER(cuMemcpyAsync, Context);
  return enqueue(s, [=] { copyNow(to, from, bytes); });
}
Result cuMemcpyPeerAsync(Address to, tessera::nvidia::cu::Context toContext, Address from,
                         tessera::nvidia::cu::Context fromContext, size_t bytes, StreamId s) {
  ENTER(cuMemcpyPeerAsync, Context);
  if (toContext == fromContext)
    control.violations.push_back("a peer copy inside of one context");
  return enqueue(s, [=] { copyNow(to, from, bytes); });
}
Result cuMemcpy2DAsync(const Copy2D *c, StreamId s) {
  ENTER(cuMemcpy2DAsync, Context);
  return enqueue(s, [c = *c] {
    uint64_t from = c.fromType == kMemoryHost ? reinterpret_cast<uint64_t>(c.fromHost) : c.fromDevice;
    uint64_t to = c.toType == kMemoryHost ? reinterpret_cast<uint64_t>(c.toHost) : c.toDevice;
    for (size_t i = 0; i < c.height; ++i)
      copyNow(to + i * c.toPitch, from + i * c.fromPitch, c.width);
  });
}
Result cuMemcpy3DPeerAsync(const Copy3DPeer *c, StreamId s) {
  ENTER(cuMemcpy3DPeerAsync, Context);
  return enqueue(s, [c = *c] {
    for (size_t i = 0; i < c.height; ++i)
      copyNow(c.toDevice + i * c.toPitch, c.fromDevice + i * c.fromPitch, c.width);
  });
}
template <typename T> Result memset(Address to, T value, size_t count, StreamId s) {
  if (to % sizeof(T)) {
    control.violations.push_back("a fill of a misaligned address");
    return kInvalidValue;
  }
  return enqueue(s, [=] {
    for (size_t i = 0; i < count; ++i)
      reinterpret_cast<T *>(to)[i] = value;
  });
}
Result cuMemsetD8Async(Address to, unsigned char value, size_t count, StreamId s) {
  ENTER(cuMemsetD8Async, Context);
  return memset(to, value, count, s);
}
Result cuMemsetD16Async(Address to, unsigned short value, size_t count, StreamId s) {
  ENTER(cuMemsetD16Async, Context);
  return memset(to, value, count, s);
}
Result cuMemsetD32Async(Address to, unsigned value, size_t count, StreamId s) {
  ENTER(cuMemsetD32Async, Context);
  return memset(to, value, count, s);
}

// ---- streams and events --------------------------------------------------------------------------------------------------

Result cuStreamCreateWithPriority(StreamId *out, unsigned, int priority) {
  ENTER(cuStreamCreateWithPriority, Context);
  auto *s = new FakeStream;
  s->context = current();
  streams.insert(s);
  ++control.liveStreams;
  control.priority = priority;
  *out = reinterpret_cast<StreamId>(s);
  return kSuccess;
}
Result cuStreamDestroy(StreamId id) {
  std::lock_guard lock(mutex);
  run(stream(id));
  streams.erase(&stream(id));
  --control.liveStreams;
  delete &stream(id);
  return kSuccess;
}
Result cuStreamSynchronize(StreamId id) {
  ENTER(cuStreamSynchronize, Context);
  FakeStream &s = *resolve(id);
  if (s.graph) {
    control.violations.push_back("cuStreamSynchronize of a stream that captures");
    s.broken = true;
    return kCaptureFirst;
  }
  run(s);
  return s.context->fault;
}
Result cuStreamQuery(StreamId id) {
  ENTER(cuStreamQuery, Context);
  FakeStream &s = *resolve(id);
  if (s.graph) {
    control.violations.push_back("cuStreamQuery of a stream that captures");
    s.broken = true;
    return kCaptureFirst;
  }
  if (control.hold && !s.queue.empty())
    return kNotReady;
  run(s);
  return s.context->fault;
}
Result cuStreamWaitEvent(StreamId id, EventId event, unsigned) {
  ENTER(cuStreamWaitEvent, Context);
  auto *e = reinterpret_cast<FakeEvent *>(event);
  FakeStream &s = *resolve(id);
  if (e->captured) {
    s.graph = e->captured; // joins the capture
    return kSuccess;
  }
  return enqueue(id, [e] {
    if (e->stream)
      run(*e->stream);
  });
}
Result cuStreamGetCtx(StreamId id, tessera::nvidia::cu::Context *out) {
  ENTER(cuStreamGetCtx, Context);
  *out = reinterpret_cast<tessera::nvidia::cu::Context>(resolve(id)->context);
  return kSuccess;
}
Result cuEventCreate(EventId *out, unsigned flags) {
  ENTER(cuEventCreate, Unsafe);
  ++control.liveEvents;
  auto *e = new FakeEvent;
  constexpr unsigned kDisableTiming = 2; // CU_EVENT_DISABLE_TIMING
  e->timed = !(flags & kDisableTiming);
  events.insert(e);
  *out = reinterpret_cast<EventId>(e);
  return kSuccess;
}
Result cuEventDestroy(EventId e) {
  std::lock_guard lock(mutex);
  --control.liveEvents;
  events.erase(reinterpret_cast<FakeEvent *>(e));
  delete reinterpret_cast<FakeEvent *>(e);
  return kSuccess;
}
Result cuEventRecord(EventId event, StreamId id) {
  ENTER(cuEventRecord, Context);
  auto *e = reinterpret_cast<FakeEvent *>(event);
  FakeStream &s = *resolve(id);
  e->recorded = true;
  e->captured = s.graph;
  e->stream = &s;
  e->done = false;
  if (s.graph)
    return kSuccess;
  return enqueue(id, [e] {
    if (!events.count(e)) // destroyed meanwhile
      return;
    e->done = true;
    if (e->timed)
      e->milliseconds = clockMs += 1.5;
  });
}
Result cuEventQuery(EventId event) {
  ENTER(cuEventQuery, Context);
  auto *e = reinterpret_cast<FakeEvent *>(event);
  if (e->captured) {
    control.violations.push_back("cuEventQuery of a captured event");
    return kCaptureLast;
  }
  if (!control.hold && e->stream)
    run(*e->stream);
  return current()->fault ? current()->fault : e->done ? kSuccess : kNotReady;
}
Result cuEventElapsedTime(float *out, EventId start, EventId stop) {
  ENTER(cuEventElapsedTime, Context);
  auto *a = reinterpret_cast<FakeEvent *>(start), *b = reinterpret_cast<FakeEvent *>(stop);
  if (!a->recorded || !b->recorded)
    return kInvalidHandle;
  if (!a->done || !b->done)
    return kNotReady;
  *out = static_cast<float>(b->milliseconds - a->milliseconds);
  return kSuccess;
}

// ---- modules and launches ------------------------------------------------------------------------------------------------

Result cuModuleLoadDataEx(ModuleId *out, const void *image, unsigned n, JitOption *keys, void **values) {
  std::lock_guard lock(mutex);
  Result r = enter("cuModuleLoadDataEx", Needs::Unsafe);
  if (r != kSuccess) {
    for (unsigned i = 0; i < n; ++i)
      if (keys[i] == kJitErrorLog && !control.jitLog.empty())
        std::strcpy(static_cast<char *>(values[i]), control.jitLog.c_str());
    return r;
  }
  auto *m = new FakeModule;
  if (std::memcmp(image, "\177ELF", 4) == 0) {
    m->functions.push_back(std::make_unique<std::string>("nothing"));
  } else {
    std::string text(static_cast<const char *>(image));
    if (text.find("no_such_op") != std::string::npos)
      return kInvalidPtx;
    for (const std::string &name : entriesOf(text))
      m->functions.push_back(std::make_unique<std::string>(name));
    m->globals = globalsOf(text, control);
  }
  ++control.liveModules;
  modules[m] = 0;
  *out = reinterpret_cast<ModuleId>(m);
  return kSuccess;
}
Result cuModuleUnload(ModuleId id) {
  std::lock_guard lock(mutex);
  Result r = enter("cuModuleUnload", Needs::Unsafe);
  --control.liveModules;
  auto *module = reinterpret_cast<FakeModule *>(id);
  modules.erase(module);
  // Work that is still queued may name it.
  static std::vector<std::unique_ptr<FakeModule>> unloaded;
  unloaded.emplace_back(module);
  return r;
}
Result cuModuleGetFunction(Function *out, ModuleId id, const char *name) {
  ENTER(cuModuleGetFunction, Unsafe);
  for (auto &f : reinterpret_cast<FakeModule *>(id)->functions)
    if (*f == name) {
      *out = reinterpret_cast<Function>(f.get());
      return kSuccess;
    }
  return kNotFound;
}
Result cuModuleGetGlobal(Address *out, size_t *bytes, ModuleId id, const char *name) {
  ENTER(cuModuleGetGlobal, Unsafe);
  auto &globals = reinterpret_cast<FakeModule *>(id)->globals;
  auto it = globals.find(name);
  if (it == globals.end())
    return kNotFound;
  *out = reinterpret_cast<uint64_t>(it->second.data());
  *bytes = it->second.size();
  return kSuccess;
}
Result cuFuncLoad(Function) {
  ENTER(cuFuncLoad, Unsafe);
  return kSuccess;
}
Result cuFuncGetParamInfo(Function f, size_t index, size_t *offset, size_t *bytes) {
  ENTER(cuFuncGetParamInfo, Context);
  return parameterAt(*reinterpret_cast<std::string *>(f), index, *offset, *bytes) ? kSuccess : kInvalidValue;
}
Result cuFuncGetAttribute(int *out, int which, Function f) {
  ENTER(cuFuncGetAttribute, Context);
  bool wide = *reinterpret_cast<std::string *>(f) == "wide";
  *out = which == kFunctionMaxThreads  ? (wide ? 256 : 1024)
         : which == kFunctionRegisters ? (wide ? 255 : 32)
         : which == kFunctionShared    ? 1024
         : which == kFunctionLocal     ? (wide ? 64 : 0)
                                       : 0;
  return kSuccess;
}
Result cuFuncSetAttribute(Function, int which, int value) {
  ENTER(cuFuncSetAttribute, Context);
  if (which == kFunctionMaxDynamicShared)
    control.dynamicShared = value;
  return kSuccess;
}
Result cuLaunchKernelEx(const LaunchConfig *config, Function f, void **, void **extra) {
  if (control.instant) {
    ++control.instantLaunches;
    return kSuccess;
  }
  ENTER(cuLaunchKernelEx, Context);
  const std::string &name = *reinterpret_cast<std::string *>(f);
  std::copy(config->grid, config->grid + 3, control.grid);
  std::copy(config->block, config->block + 3, control.block);
  control.sharedBytes = config->sharedBytes;
  control.launchAttributes = config->numAttributes;
  control.cooperative = control.dependent = false;
  std::fill(control.cluster, control.cluster + 3, 0);
  for (unsigned i = 0; i < config->numAttributes; ++i) {
    const LaunchAttribute &a = config->attributes[i];
    control.cooperative |= a.id == kLaunchCooperative && a.value.flag;
    control.dependent |= a.id == kLaunchProgrammaticSerialization && a.value.flag;
    if (a.id == kLaunchCluster)
      std::copy(a.value.cluster, a.value.cluster + 3, control.cluster);
  }
  if (name == "lonely")
    return kOutOfResources;
  std::vector<char> arguments = argumentsOf(extra);
  if (name == "copies")
    control.lastArguments.assign(arguments.begin(), arguments.end());
  if (arguments.size() != argumentBytes(name)) {
    control.violations.push_back("a launch with " + std::to_string(arguments.size()) + " bytes of arguments");
    return kInvalidValue;
  }
  FakeStream &s = *resolve(config->stream);
  if (s.graph) {
    s.last = s.graph->add(nodeOf(f, config->grid, config->block, std::move(arguments)));
    return kSuccess;
  }
  FakeModule *m = moduleOf(&name);
  return enqueue(config->stream,
                 [context = current(), m, name, arguments] { runKernel(*context, *m, name, arguments); });
}
Result cuOccupancyMaxActiveBlocksPerMultiprocessor(int *out, Function, int threads, size_t) {
  ENTER(cuOccupancyMaxActiveBlocksPerMultiprocessor, Context);
  *out = 2048 / threads;
  return kSuccess;
}
Result cuOccupancyMaxActiveClusters(int *out, Function, const LaunchConfig *c) {
  ENTER(cuOccupancyMaxActiveClusters, Context);
  *out = c->numAttributes ? 132 : 0;
  return kSuccess;
}
Result cuTensorMapEncodeTiled(TensorMap *map, int type, uint32_t rank, void *address, const uint64_t *extents,
                              const uint64_t *strides, const uint32_t *box, const uint32_t *, int, int swizzle, int,
                              int fill) {
  ENTER(cuTensorMapEncodeTiled, Nothing);
  control.tensorType = type;
  control.tensorRank = rank;
  control.tensorSwizzle = swizzle;
  control.tensorFill = fill;
  std::copy(extents, extents + rank, control.tensorShape);
  std::copy(strides, strides + rank - 1, control.tensorStrides);
  std::copy(box, box + rank, control.tensorBox);
  map->opaque[0] = reinterpret_cast<uint64_t>(address);
  return reinterpret_cast<uint64_t>(map) % 64 ? kInvalidValue : kSuccess;
}

// ---- graphs --------------------------------------------------------------------------------------------------------------

Result cuStreamBeginCapture(StreamId id, int) {
  ENTER(cuStreamBeginCapture, Context);
  FakeStream &s = *resolve(id);
  s.graph = new FakeGraph;
  s.origin = true;
  s.broken = false;
  ++control.liveGraphs;
  return kSuccess;
}
Result cuStreamEndCapture(StreamId id, GraphId *out) {
  ENTER(cuStreamEndCapture, Context);
  FakeStream &s = *resolve(id);
  if (!s.graph || !s.origin)
    return 903;
  FakeGraph *graph = s.graph;
  bool broken = s.broken;
  for (FakeStream *other : streams)
    if (other->graph == graph) {
      broken = broken || other->broken;
      other->graph = nullptr;
      other->origin = false;
    }
  if (broken) {
    --control.liveGraphs;
    delete graph;
    *out = nullptr;
    return 901;
  }
  *out = reinterpret_cast<GraphId>(graph);
  return kSuccess;
}
Result cuStreamIsCapturing(StreamId id, int *out) {
  ENTER(cuStreamIsCapturing, Context);
  *out = resolve(id)->graph ? kCaptureStatusActive : 0;
  return kSuccess;
}
Result cuStreamGetCaptureInfo(StreamId id, int *status, uint64_t *, GraphId *, const GraphNode **last, size_t *n) {
  ENTER(cuStreamGetCaptureInfo, Context);
  FakeStream &s = *resolve(id);
  *status = s.graph ? kCaptureStatusActive : 0;
  *last = &s.last;
  *n = s.last ? 1 : 0;
  return kSuccess;
}
Result cuThreadExchangeStreamCaptureMode(int *mode) {
  std::swap(threadMode, *mode);
  return kSuccess;
}
Result cuGraphCreate(GraphId *out, unsigned) {
  ENTER(cuGraphCreate, Nothing);
  ++control.liveGraphs;
  *out = reinterpret_cast<GraphId>(new FakeGraph);
  return kSuccess;
}
Result cuGraphAddKernelNode(GraphNode *out, GraphId graph, const GraphNode *, size_t, const KernelNodeParameters *p) {
  ENTER(cuGraphAddKernelNode, Context);
  *out = reinterpret_cast<FakeGraph *>(graph)->add(nodeOf(p->function, p->grid, p->block, argumentsOf(p->extra)));
  return kSuccess;
}
Result cuGraphInstantiateWithFlags(GraphExecId *out, GraphId graph, unsigned long long) {
  ENTER(cuGraphInstantiateWithFlags, Unsafe);
  auto *exec = new FakeExec;
  for (auto &n : reinterpret_cast<FakeGraph *>(graph)->nodes) {
    exec->nodes.push_back(std::make_unique<FakeGraphNode>(*n));
    exec->of[n.get()] = exec->nodes.back().get();
  }
  *out = reinterpret_cast<GraphExecId>(exec);
  return kSuccess;
}
Result cuGraphExecKernelNodeSetParams(GraphExecId exec, GraphNode node, const KernelNodeParameters *p) {
  ENTER(cuGraphExecKernelNodeSetParams, Context);
  auto &of = reinterpret_cast<FakeExec *>(exec)->of;
  auto it = of.find(reinterpret_cast<FakeGraphNode *>(node));
  if (it == of.end() || it->second->kernel != *reinterpret_cast<std::string *>(p->function))
    return kInvalidValue;
  std::copy(p->grid, p->grid + 3, it->second->grid);
  it->second->arguments = argumentsOf(p->extra);
  return kSuccess;
}
Result cuGraphLaunch(GraphExecId exec, StreamId s) {
  if (control.instant) {
    ++control.instantLaunches;
    return kSuccess;
  }
  ENTER(cuGraphLaunch, Context);
  for (auto &n : reinterpret_cast<FakeExec *>(exec)->nodes) {
    Result r = n->module ? enqueue(s, [context = current(),
                                       node = *n] { runKernel(*context, *node.module, node.kernel, node.arguments); })
                         : kSuccess;
    if (r != kSuccess)
      return r;
  }
  return kSuccess;
}
Result cuGraphExecDestroy(GraphExecId exec) {
  std::lock_guard lock(mutex);
  delete reinterpret_cast<FakeExec *>(exec);
  return kSuccess;
}
Result cuGraphDestroy(GraphId graph) {
  std::lock_guard lock(mutex);
  --control.liveGraphs;
  delete reinterpret_cast<FakeGraph *>(graph);
  return kSuccess;
}

} // namespace

// The driver API's names, and others in its style.
// NOLINTBEGIN(readability-identifier-naming)
extern "C" {
#define EXPORT __attribute__((visibility("default")))
EXPORT int cuInit(unsigned) {
  ++control.calls["cuInit"];
  const char *visible = std::getenv("CUDA_VISIBLE_DEVICES");
  return visible && !*visible ? int(kNoDevice) : control.initResult;
}
EXPORT int cuDriverGetVersion(int *out) {
  *out = control.version;
  return kSuccess;
}
EXPORT int cuGetProcAddress_v2(const char *name, void **out, int version, uint64_t, int *) {
  struct Entry {
    const char *name;
    int version;
    void *address;
  };
#define CU_FUNCTION(name, version, Need, parameters) {#name, version, reinterpret_cast<void *>(&name)},
  static const Entry entries[] = {
#include "backends/nvidia/driver/ApiFunctions.def"
  };
  *out = nullptr;
  for (const Entry &e : entries)
    if (std::strcmp(e.name, name) == 0 && version >= e.version && !control.missing.count(name))
      *out = e.address;
  return *out ? kSuccess : kNotFound;
}
EXPORT tessera::fake_cuda::Control *fake_cuda_control() { return &control; }
EXPORT void fake_cuda_restart() {
  contexts.clear();
  stack.clear();
  // What a lost device still held: nothing frees it one by one.
  for (const auto &[address, bytes] : blocks)
    std::free(reinterpret_cast<void *>(address));
  blocks.clear();
  control.reset();
}
}
// NOLINTEND(readability-identifier-naming)
