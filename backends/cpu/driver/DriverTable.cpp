// DriverTable.cpp - the slots of tsr_driver_api over Device, LoadedImage, Stream, Event
//
// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/driver/DriverTable.h"

#include "backends/cpu/driver/Device.h"
#include "backends/cpu/driver/Failure.h"
#include "backends/cpu/driver/GridRun.h"
#include "backends/cpu/driver/Stream.h"

#include <array>
#include <cstring>
#include <new>

namespace tessera::cpu {
namespace {

using EventHandle = std::shared_ptr<Event>;

Device *impl(tsr_device *h) { return reinterpret_cast<Device *>(h); }
Stream *impl(tsr_stream *h) { return reinterpret_cast<Stream *>(h); }
EventHandle *impl(tsr_event *h) { return reinterpret_cast<EventHandle *>(h); }
LoadedImage *impl(tsr_module *h) { return reinterpret_cast<LoadedImage *>(h); }
Kernel *impl(tsr_kernel *h) { return reinterpret_cast<Kernel *>(h); }

// No exception crosses the boundary.
template <typename Body> tsr_status guarded(const tsr_sink *sink, Body body) {
  try {
    return body();
  } catch (const std::bad_alloc &) {
    return fail(sink, TSR_E_OOM_HOST, "out of memory");
  } catch (const std::exception &e) {
    return fail(sink, TSR_E_INTERNAL, std::string("the CPU driver failed: ") + e.what());
  }
}
template <typename Body> tsr_status guarded(Body body) { return guarded(nullptr, body); }

tsr_status nullArgument(const char *what) { return fail(TSR_E_INVALID, std::string(what) + " is NULL"); }

// R1 for input structs: at least the first version, and nothing beyond what this driver knows but zeros.
template <typename T> tsr_status checkInput(const T *in, const char *what) {
  if (!in)
    return nullArgument(what);
  if (in->h.size == sizeof(T) && !in->h.next)
    return TSR_OK;
  if (in->h.size < sizeof(T))
    return fail(TSR_E_INVALID,
                std::string(what) + " has " + std::to_string(in->h.size) + " bytes, less than the first version");
  const auto *bytes = reinterpret_cast<const unsigned char *>(in);
  for (uint32_t i = sizeof(T); i < in->h.size; ++i)
    if (bytes[i])
      return fail(TSR_E_TOO_NEW, std::string(what) + " uses a field at offset " + std::to_string(i) +
                                     " that this driver does not know");
  int hops = 0;
  for (auto *next = static_cast<const tsr_hdr *>(in->h.next); next; next = static_cast<const tsr_hdr *>(next->next)) {
    if (!(next->kind & TSR_KIND_OPTIONAL))
      return fail(TSR_E_TOO_NEW,
                  std::string(what) + " is followed by a struct of unknown kind " + std::to_string(next->kind));
    if (++hops > 32)
      return fail(TSR_E_INVALID, std::string(what) + " is followed by a chain of structs that does not end");
  }
  return TSR_OK;
}

tsr_status probe(uint32_t *out) {
  if (!out)
    return nullArgument("out_devices");
  *out = 1;
  return TSR_OK;
}

tsr_status deviceInfo(uint32_t ordinal, tsr_device_info *info) {
  if (!info)
    return nullArgument("inout_info");
  if (ordinal != 0)
    return fail(TSR_E_NOT_FOUND, "there is one CPU device, number 0; asked for number " + std::to_string(ordinal));
  if (info->h.size < TSR_END_OF(tsr_device_info, target))
    return fail(TSR_E_INVALID, "tsr_device_info has only " + std::to_string(info->h.size) + " bytes");
  return guarded([&] {
    tsr_device_info full = {};
    describeProcessor(full);
    full.h = info->h;
    std::memcpy(info, &full, std::min<size_t>(info->h.size, sizeof(full)));
    return TSR_OK;
  });
}

tsr_status deviceOpen(const tsr_sink *sink, uint32_t ordinal, const tsr_kv *options, uint32_t n, tsr_device **out) {
  if (!out || (n && !options))
    return fail(sink, TSR_E_INVALID, "device_open: NULL argument");
  if (ordinal != 0)
    return fail(sink, TSR_E_NOT_FOUND,
                "there is one CPU device, number 0; asked for number " + std::to_string(ordinal));
  return guarded(sink, [&] {
    std::unique_ptr<Device> device;
    tsr_status status = Device::open(sink, options, n, device);
    if (status == TSR_OK)
      *out = reinterpret_cast<tsr_device *>(device.release());
    return status;
  });
}

tsr_status deviceClose(tsr_device *device) {
  return guarded([&] {
    delete impl(device);
    return TSR_OK;
  });
}

tsr_status memAlloc(tsr_device *device, tsr_stream *stream, uint64_t bytes, uint64_t align, uint32_t space,
                    uint64_t *out) {
  if (!device || !out)
    return nullArgument("device or out_address");
  if (align & (align - 1))
    return fail(TSR_E_INVALID, "alignment " + std::to_string(align) + " is not a power of two");
  if (space > TSR_MEM_MANAGED)
    return fail(TSR_E_INVALID, "memory space " + std::to_string(space) + " is not one that a device allocates");
  if (bytes == 0) {
    *out = 0;
    return TSR_OK;
  }
  return guarded([&] {
    uint64_t address = impl(device)->memory().allocate(bytes, align);
    if (!address)
      return fail(TSR_E_OOM_DEVICE, "no memory for a block of " + std::to_string(bytes) + " bytes");
    *out = address;
    return TSR_OK;
  });
}

tsr_status memFree(tsr_device *device, tsr_stream *stream, uint64_t address) {
  if (!device)
    return nullArgument("device");
  if (address == 0)
    return TSR_OK;
  return guarded([&]() -> tsr_status {
    auto release = [d = impl(device), address] {
      return d->memory().release(address)
                 ? TSR_OK
                 : fail(TSR_E_INVALID, "mem_free of an address that mem_alloc did not give, or that is free already");
    };
    if (stream && impl(stream)->queued()) {
      impl(stream)->enqueue(release, true);
      return TSR_OK;
    }
    return release();
  });
}

// Runs `work` on the stream: at once for NULL and plain streams, later for queued ones. What the work refers to must be
// captured by value.
template <typename Work> tsr_status onStream(tsr_stream *handle, Work work) {
  if (!handle)
    return work();
  Stream &stream = *impl(handle);
  if (tsr_status status = stream.sticky(); status != TSR_OK)
    return status;
  if (!stream.queued())
    return stream.stick(work());
  stream.enqueue(std::move(work));
  return TSR_OK;
}

// Copies and fills without a stream have no device at hand, and so no workers.
Workers &workersOf(tsr_stream *stream) {
  static Workers callerAlone(1);
  return stream ? impl(stream)->device().workers() : callerAlone;
}

tsr_status copy(tsr_stream *stream, const tsr_copy *c) {
  if (tsr_status status = checkInput(c, "tsr_copy"); status != TSR_OK)
    return status;
  if (c->rows && c->row_bytes) {
    if (!c->dst || !c->src)
      return fail(TSR_E_INVALID, "copy from or to address 0");
    if (c->rows > 1 && (c->dst_pitch < c->row_bytes || c->src_pitch < c->row_bytes))
      return fail(TSR_E_INVALID, "the pitch of a copy is less than its rows are long");
    if (c->rows > UINT64_MAX / std::max(c->row_bytes, std::max(c->dst_pitch, c->src_pitch)))
      return fail(TSR_E_INVALID, "a copy of more than 2^64 bytes");
  }
  return guarded([&] {
    return onStream(stream, [&workers = workersOf(stream), c = *c] {
      copyBytes(workers, c);
      return TSR_OK;
    });
  });
}

tsr_status fill(tsr_stream *stream, uint64_t address, uint64_t pattern, uint32_t patternBytes, uint64_t bytes) {
  if (patternBytes == 0 || patternBytes > 8 || (patternBytes & (patternBytes - 1)) || bytes % patternBytes)
    return fail(TSR_E_INVALID, "fill: a pattern has 1, 2, 4 or 8 bytes, and the size is a multiple of it");
  if (bytes && !address)
    return fail(TSR_E_INVALID, "fill of address 0");
  return guarded([&] {
    return onStream(stream, [&workers = workersOf(stream), address, pattern, patternBytes, bytes] {
      fillBytes(workers, address, pattern, patternBytes, bytes);
      return TSR_OK;
    });
  });
}

tsr_status streamCreate(tsr_device *device, int32_t priority, uint32_t flags, tsr_stream **out) {
  if (!device || !out)
    return nullArgument("device or out_stream");
  if (flags & ~TSR_STREAM_QUEUE)
    return fail(TSR_E_TOO_NEW, "unknown stream flags " + std::to_string(flags));
  return guarded([&] {
    *out = reinterpret_cast<tsr_stream *>(new Stream(*impl(device), flags & TSR_STREAM_QUEUE));
    return TSR_OK;
  });
}

tsr_status streamDestroy(tsr_stream *stream) {
  return guarded([&] {
    delete impl(stream);
    return TSR_OK;
  });
}

tsr_status streamSync(tsr_stream *stream) { return stream ? impl(stream)->sync() : TSR_OK; }
tsr_status streamQuery(tsr_stream *stream) { return stream ? impl(stream)->query() : TSR_OK; }

tsr_status moduleLoad(const tsr_sink *sink, tsr_device *device, tsr_bytes artifact, tsr_module **out) {
  if (!device || !out || (!artifact.p && artifact.n))
    return fail(sink, TSR_E_INVALID, "module_load: NULL argument");
  return guarded(sink, [&] {
    std::unique_ptr<LoadedImage> image;
    tsr_status status = LoadedImage::load(sink, *impl(device), artifact, image);
    if (status == TSR_OK)
      *out = reinterpret_cast<tsr_module *>(image.release());
    return status;
  });
}

tsr_status moduleUnload(tsr_module *module) {
  return guarded([&] {
    delete impl(module);
    return TSR_OK;
  });
}

tsr_status kernelGet(tsr_module *module, const tsr_kernel_info *info, tsr_kernel **out) {
  if (!module || !out)
    return nullArgument("module or out_kernel");
  // An output struct of compile that comes back: a longer one is fine, only the name and the argument size are read.
  if (!info || info->h.size < TSR_END_OF(tsr_kernel_info, arg_bytes) || (!info->name.p && info->name.n))
    return fail(TSR_E_INVALID, "tsr_kernel_info is missing or too short");
  return guarded([&] {
    std::string_view name(info->name.p, info->name.n);
    Kernel *kernel = impl(module)->kernel(name, info->arg_bytes);
    if (!kernel)
      return fail(TSR_E_NOT_FOUND,
                  "no kernel `" + std::string(name) + "` in this module; it has: " + impl(module)->kernelNames());
    *out = reinterpret_cast<tsr_kernel *>(kernel);
    return TSR_OK;
  });
}

tsr_status queueLaunch(Stream &stream, Kernel &kernel, const tsr_launch &l) {
  const auto *bytes = static_cast<const unsigned char *>(l.args);
  // Arguments are aligned as the kernel reads them: operator new gives 16 bytes.
  std::shared_ptr<unsigned char[]> args(new unsigned char[std::max<uint64_t>(l.arg_bytes, 1)]);
  if (l.arg_bytes)
    std::memcpy(args.get(), bytes, l.arg_bytes);
  std::array<uint32_t, 3> grid = {l.grid[0], l.grid[1], l.grid[2]};
  stream.enqueue([&kernel, args = std::move(args), grid] { return runGrid(kernel, grid.data(), args.get()); });
  return TSR_OK;
}

tsr_status launch(tsr_stream *handle, tsr_kernel *kernelHandle, const tsr_launch *l) {
  if (!kernelHandle)
    return nullArgument("kernel");
  if (tsr_status status = checkInput(l, "tsr_launch"); status != TSR_OK)
    return status;
  Kernel &kernel = *impl(kernelHandle);
  if (l->arg_bytes != kernel.argBytes || (l->arg_bytes && !l->args))
    return guarded([&] {
      return fail(TSR_E_INVALID, "kernel `" + kernel.name + "` takes " + std::to_string(kernel.argBytes) +
                                     " bytes of arguments, the launch has " + std::to_string(l->arg_bytes));
    });
  for (uint32_t n : l->grid)
    if (n > INT32_MAX)
      return guarded([&] {
        return fail(TSR_E_INVALID, "the grid of kernel `" + kernel.name + "` has " + std::to_string(n) +
                                       " programs in a dimension; the most is 2147483647");
      });
  Stream *stream = handle ? impl(handle) : nullptr;
  if (stream)
    if (tsr_status status = stream->sticky(); status != TSR_OK)
      return status;
  return guarded([&] {
    if (stream && stream->queued())
      return queueLaunch(*stream, kernel, *l);
    tsr_status status = runGrid(kernel, l->grid, l->args);
    return stream && status < 0 ? stream->stick(status) : status;
  });
}

tsr_status eventCreate(tsr_device *device, uint32_t flags, tsr_event **out) {
  if (!device || !out)
    return nullArgument("device or out_event");
  return guarded([&] {
    *out = reinterpret_cast<tsr_event *>(new EventHandle(std::make_shared<Event>()));
    return TSR_OK;
  });
}

tsr_status eventDestroy(tsr_event *event) {
  delete impl(event);
  return TSR_OK;
}

tsr_status eventRecord(tsr_event *event, tsr_stream *handle) {
  if (!event)
    return nullArgument("event");
  return guarded([&] {
    EventHandle e = *impl(event);
    uint64_t which = e->ask();
    // Reached even after a failure: somebody may wait for it.
    if (handle && impl(handle)->queued())
      impl(handle)->enqueue([e, which] { return e->reach(which), TSR_OK; }, true);
    else
      e->reach(which);
    return TSR_OK;
  });
}

tsr_status eventWait(tsr_stream *handle, tsr_event *event) {
  if (!event)
    return nullArgument("event");
  return guarded([&] {
    EventHandle e = *impl(event);
    uint64_t which;
    {
      std::lock_guard lock(e->mutex);
      which = e->recorded;
    }
    if (handle && impl(handle)->queued())
      impl(handle)->enqueue([e, which] { return e->wait(which), TSR_OK; }, true);
    else
      e->wait(which);
    return TSR_OK;
  });
}

tsr_status eventQuery(tsr_event *event) {
  if (!event)
    return nullArgument("event");
  Event &e = **impl(event);
  std::lock_guard lock(e.mutex);
  return e.done >= e.recorded ? TSR_OK : TSR_NOT_READY;
}

tsr_status eventElapsedNs(tsr_event *start, tsr_event *stop, uint64_t *out) {
  if (!start || !stop || !out)
    return nullArgument("start, stop or out_ns");
  uint64_t times[2];
  int at = 0;
  for (tsr_event *handle : {start, stop}) {
    Event &e = **impl(handle);
    std::lock_guard lock(e.mutex);
    if (e.recorded == 0)
      return fail(TSR_E_INVALID, "the event was never recorded");
    if (e.done < e.recorded)
      return TSR_NOT_READY;
    times[at++] = e.ns;
  }
  *out = times[1] > times[0] ? times[1] - times[0] : 0;
  return TSR_OK;
}

tsr_status drainMessages(tsr_device *device, const tsr_sink *sink) {
  if (!device || !sink)
    return nullArgument("device or sink");
  return guarded([&] { return impl(device)->messages().drain(sink); });
}

tsr_driver_api makeTable() {
  tsr_driver_api t = {};
  t.h.size = sizeof(t);
  t.probe = probe;
  t.device_info = deviceInfo;
  t.device_open = deviceOpen;
  t.device_close = deviceClose;
  t.mem_alloc = memAlloc;
  t.mem_free = memFree;
  t.copy = copy;
  t.fill = fill;
  t.stream_create = streamCreate;
  t.stream_destroy = streamDestroy;
  t.stream_sync = streamSync;
  t.stream_query = streamQuery;
  t.module_load = moduleLoad;
  t.module_unload = moduleUnload;
  t.kernel_get = kernelGet;
  t.launch = launch;
  t.event_create = eventCreate;
  t.event_destroy = eventDestroy;
  t.event_record = eventRecord;
  t.event_wait = eventWait;
  t.event_query = eventQuery;
  t.event_elapsed_ns = eventElapsedNs;
  t.drain_messages = drainMessages;
  return t;
}

} // namespace

const tsr_driver_api *driverTable() {
  static const tsr_driver_api table = makeTable();
  return &table;
}

tsr_str driverLastError() {
  const std::string &text = lastErrorText();
  return {text.data(), text.size()};
}

} // namespace tessera::cpu
