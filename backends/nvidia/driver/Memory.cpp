// Memory.cpp - the pool, copies, fills
// SPDX-License-Identifier: Apache-2.0
#include "backends/nvidia/driver/Memory.h"

#include "backends/nvidia/driver/Stream.h"

#include <algorithm>

namespace tessera::nvidia {

namespace {
// cuMemAlloc and pools give addresses that are multiples of this.
constexpr uint64_t kNaturalAlignment = 256;

const char *spaceName(uint32_t space) {
  return space == TSR_MEM_PINNED ? "pinned host" : space == TSR_MEM_MANAGED ? "managed" : "device";
}
void *pointer(uint64_t address) { return reinterpret_cast<void *>(address); }
} // namespace

NvidiaMemory::NvidiaMemory(NvidiaDevice &device) : device_(device) {
  if (!device.limits().pools)
    return;
  const cu::Api &api = device.api();
  ContextScope scope(api, device.context());
  cu::MemoryPoolProperties p{};
  p.allocationType = 1;
  p.locationType = 1;
  p.locationId = device.id();
  device.check(api.cuMemPoolCreate(&pool_, &p), "no memory pool can be made");
  uint64_t keep = UINT64_MAX;
  device.check(api.cuMemPoolSetAttribute(pool_, cu::kPoolReleaseThreshold, &keep), "the memory pool refuses its bound");
}

NvidiaMemory::~NvidiaMemory() {
  if (pool_)
    device_.api().cuMemPoolDestroy(pool_);
}

cu::Result NvidiaMemory::allocateDevice(NvidiaStream *stream, uint64_t bytes, cu::Address &base) {
  const cu::Api &api = device_.api();
  if (!pool_)
    return api.cuMemAlloc(&base, bytes);
  if (stream)
    return api.cuMemAllocFromPoolAsync(&base, bytes, pool_, stream->handle());
  std::lock_guard lock(device_.serviceMutex());
  cu::Result r = api.cuMemAllocFromPoolAsync(&base, bytes, pool_, device_.service());
  return r == cu::kSuccess ? api.cuStreamSynchronize(device_.service()) : r;
}

cu::Result NvidiaMemory::allocateRaw(NvidiaStream *stream, uint64_t bytes, uint32_t space, cu::Address &base) {
  const cu::Api &api = device_.api();
  if (space == TSR_MEM_MANAGED)
    return api.cuMemAllocManaged(&base, bytes, cu::kAttachGlobal);
  if (space == TSR_MEM_PINNED) {
    void *host = nullptr;
    cu::Result r = api.cuMemHostAlloc(&host, bytes, cu::kHostPortable | cu::kHostMapped);
    base = reinterpret_cast<uint64_t>(host);
    return r;
  }
  cu::Result r = allocateDevice(stream, bytes, base);
  if (r == cu::kOutOfMemory && pool_) {
    // What is freed and kept may be in pieces that are too small: give it back and try once more.
    api.cuCtxSynchronize();
    api.cuMemPoolTrimTo(pool_, 0);
    r = allocateDevice(stream, bytes, base);
  }
  return r;
}

void NvidiaMemory::outOfMemory(cu::Result result, uint64_t bytes, uint32_t space) {
  size_t available = 0, total = 0;
  std::string room;
  if (space == TSR_MEM_DEVICE && device_.api().cuMemGetInfo(&available, &total) == cu::kSuccess)
    room = "; " + std::to_string(available) + " of " + std::to_string(total) + " bytes are free";
  throw sdk::Error(TSR_E_OOM_DEVICE, device_.title() + " has no " + std::to_string(bytes) + " bytes of " +
                                         spaceName(space) + " memory: " + device_.api().describe(result) + room);
}

uint64_t NvidiaMemory::allocate(sdk::Stream *s, uint64_t bytes, uint64_t align, uint32_t space) {
  auto *stream = static_cast<NvidiaStream *>(s);
  if (space > TSR_MEM_MANAGED)
    throw sdk::Error(TSR_E_INVALID, "memory space " + std::to_string(space) + " is not one that a device allocates");
  device_.throwIfLost(stream);
  stream ? stream->refuseWhileCapturing("mem_alloc") : device_.refuseWhileCapturing("mem_alloc");
  uint64_t more = align > kNaturalAlignment ? align - kNaturalAlignment : 0;
  if (bytes > UINT64_MAX - more)
    throw sdk::Error(TSR_E_OOM_DEVICE, "an allocation of " + std::to_string(bytes) + " bytes");
  cu::Address base = 0;
  ContextScope scope(device_.api(), device_.context());
  cu::Result r = allocateRaw(stream, bytes + more, space, base);
  if (r == cu::kOutOfMemory)
    outOfMemory(r, bytes, space);
  device_.check(r, "memory cannot be allocated", stream);
  uint64_t address = more ? (base + align - 1) & ~(align - 1) : base;
  std::lock_guard lock(mutex_);
  blocks_[address] = {base, space};
  return address;
}

void NvidiaMemory::release(sdk::Stream *s, uint64_t address) {
  auto *stream = static_cast<NvidiaStream *>(s);
  stream ? stream->refuseWhileCapturing("mem_free") : device_.refuseWhileCapturing("mem_free");
  Block block{};
  {
    std::lock_guard lock(mutex_);
    auto it = blocks_.find(address);
    if (it == blocks_.end())
      throw sdk::Error(TSR_E_INVALID,
                       "mem_free of an address that mem_alloc of this device did not give, or that is free already");
    block = it->second;
    blocks_.erase(it);
  }
  if (device_.isLost()) // the memory went with the context
    return;
  const cu::Api &api = device_.api();
  ContextScope scope(api, device_.context());
  if (block.space == TSR_MEM_DEVICE && pool_) {
    if (stream)
      return device_.check(api.cuMemFreeAsync(block.base, stream->handle()), "memory cannot be freed", stream);
    std::lock_guard lock(device_.serviceMutex());
    return device_.check(api.cuMemFreeAsync(block.base, device_.service()), "memory cannot be freed");
  }
  if (stream) // no order of streams here: wait for what may use it
    device_.check(api.cuStreamSynchronize(stream->handle()), "waiting for the last use of freed memory", stream);
  if (block.space == TSR_MEM_PINNED)
    return device_.check(api.cuMemFreeHost(pointer(block.base)), "memory cannot be freed", stream);
  device_.check(api.cuMemFree(block.base), "memory cannot be freed", stream);
}

void NvidiaMemory::copy(sdk::Stream &s, const tsr_copy &c) {
  auto &stream = static_cast<NvidiaStream &>(s);
  device_.throwIfLost(&stream);
  if (!c.dst || !c.src)
    throw sdk::Error(TSR_E_INVALID, "a copy from or to address 0");
  if (c.dst_space > TSR_MEM_HOST || c.src_space > TSR_MEM_HOST)
    throw sdk::Error(TSR_E_INVALID, "a copy from or to an unknown memory space");
  if (c.rows > 1 && (c.dst_pitch < c.row_bytes || c.src_pitch < c.row_bytes))
    throw sdk::Error(TSR_E_INVALID, "the pitch of a copy is less than its rows are long");
  if (c.rows > UINT64_MAX / std::max(c.row_bytes, std::max(c.dst_pitch, c.src_pitch)))
    throw sdk::Error(TSR_E_INVALID, "a copy of more than 2^64 bytes");
  auto deviceOf = [&](tsr_device *d) -> NvidiaDevice & {
    return d ? static_cast<NvidiaDevice &>(*reinterpret_cast<sdk::Device *>(d)) : device_;
  };
  NvidiaDevice &to = deviceOf(c.dst_dev), &from = deviceOf(c.src_dev);
  ContextScope scope(device_.api(), device_.context());
  const bool across = to.context() != from.context() && c.dst_space == TSR_MEM_DEVICE && c.src_space == TSR_MEM_DEVICE;
  if (across)
    return copyBetween(stream, c, to, from);
  const bool whole = c.rows == 1 || (c.dst_pitch == c.row_bytes && c.src_pitch == c.row_bytes);
  if (!whole)
    return copyRows(stream, c);
  const cu::Api &api = device_.api();
  const uint64_t bytes = c.rows * c.row_bytes;
  const bool toHost = c.dst_space == TSR_MEM_HOST, fromHost = c.src_space == TSR_MEM_HOST;
  cu::Result r = toHost && fromHost ? api.cuMemcpyAsync(c.dst, c.src, bytes, stream.handle())
                 : toHost           ? api.cuMemcpyDtoHAsync(pointer(c.dst), c.src, bytes, stream.handle())
                 : fromHost         ? api.cuMemcpyHtoDAsync(c.dst, pointer(c.src), bytes, stream.handle())
                                    : api.cuMemcpyDtoDAsync(c.dst, c.src, bytes, stream.handle());
  device_.check(r, "a copy was refused", &stream);
}

void NvidiaMemory::copyRows(NvidiaStream &stream, const tsr_copy &c) {
  cu::Copy2D p{};
  p.fromType = c.src_space == TSR_MEM_HOST ? cu::kMemoryHost : cu::kMemoryUnified;
  p.fromHost = pointer(c.src);
  p.fromDevice = c.src;
  p.fromPitch = c.src_pitch;
  p.toType = c.dst_space == TSR_MEM_HOST ? cu::kMemoryHost : cu::kMemoryUnified;
  p.toHost = pointer(c.dst);
  p.toDevice = c.dst;
  p.toPitch = c.dst_pitch;
  p.width = c.row_bytes;
  p.height = c.rows;
  device_.check(device_.api().cuMemcpy2DAsync(&p, stream.handle()), "a copy of rows was refused", &stream);
}

void NvidiaMemory::copyBetween(NvidiaStream &stream, const tsr_copy &c, NvidiaDevice &to, NvidiaDevice &from) {
  const cu::Api &api = device_.api();
  if (c.rows == 1)
    return device_.check(
        api.cuMemcpyPeerAsync(c.dst, to.context(), c.src, from.context(), c.row_bytes, stream.handle()),
        "a copy between devices was refused", &stream);
  cu::Copy3DPeer p{};
  p.fromType = p.toType = cu::kMemoryDevice;
  p.fromDevice = c.src;
  p.fromContext = from.context();
  p.fromPitch = c.src_pitch;
  p.fromHeight = p.toHeight = c.rows;
  p.toDevice = c.dst;
  p.toContext = to.context();
  p.toPitch = c.dst_pitch;
  p.width = c.row_bytes;
  p.height = c.rows;
  p.depth = 1;
  device_.check(api.cuMemcpy3DPeerAsync(&p, stream.handle()), "a copy between devices was refused", &stream);
}

void NvidiaMemory::fill(sdk::Stream &s, uint64_t address, uint64_t pattern, uint32_t patternBytes, uint64_t bytes) {
  auto &stream = static_cast<NvidiaStream &>(s);
  device_.throwIfLost(&stream);
  if (!address)
    throw sdk::Error(TSR_E_INVALID, "a fill of address 0");
  // The narrowest pattern that says the same: 0 and -1 are one byte.
  uint32_t width = patternBytes;
  for (uint32_t half = width / 2; half >= 1; half /= 2) {
    uint64_t low = pattern & ((uint64_t(1) << (8 * half)) - 1);
    if (((pattern >> (8 * half)) & ((uint64_t(1) << (8 * half)) - 1)) != low)
      break;
    width = half;
  }
  const cu::Api &api = device_.api();
  ContextScope scope(api, device_.context());
  auto set = [&](uint64_t at, uint32_t elementBytes, uint64_t value, uint64_t count) {
    cu::Result r =
        elementBytes == 1   ? api.cuMemsetD8Async(at, static_cast<unsigned char>(value), count, stream.handle())
        : elementBytes == 2 ? api.cuMemsetD16Async(at, static_cast<unsigned short>(value), count, stream.handle())
                            : api.cuMemsetD32Async(at, static_cast<unsigned>(value), count, stream.handle());
    device_.check(r, "a fill was refused", &stream);
  };
  if (width <= 4 && address % width == 0)
    return set(address, width, pattern, bytes / width);
  // 8 bytes, or an address that the hardware's fill does not take: write one pattern, then double what is there.
  uint32_t piece = address % 4 == 0 && width >= 4 ? 4 : 1;
  for (uint32_t at = 0; at < width; at += piece)
    set(address + at, piece, pattern >> (8 * at), 1);
  for (uint64_t done = width; done < bytes;) {
    uint64_t n = std::min(done, bytes - done);
    device_.check(api.cuMemcpyDtoDAsync(address + done, address, n, stream.handle()), "a fill was refused", &stream);
    done += n;
  }
}

} // namespace tessera::nvidia
