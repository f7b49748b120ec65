// Driver.hpp - the driver role: Device, Memory, Stream, Event, Module, Launcher
//
// SPDX-License-Identifier: Apache-2.0
//
// Derive from Driver and from what its devices are made of. The SDK owns every object that a function here returns by
// unique_ptr and destroys it when the host says so. Failures are exceptions (Error.hpp); a queued failure is kept by the
// stream and thrown by sync() and ready() from then on. Calls come from any thread; those on one stream or one module are
// serialised by the host (R7). C++17.
#pragma once

#include "plugins/sdk/Compiler.hpp"

namespace tessera::sdk {

class Device;
class Stream;

// Optional groups of slots; Driver::optional says which ones a driver has, the others are NULL in the table (R2).
inline constexpr uint32_t kEvents = 1, kGraphs = 2, kWrapStreams = 4, kNative = 8, kDescriptors = 16;
inline constexpr uint32_t kOccupancy = 32, kMessages = 64;

class Kernel {
public:
  virtual ~Kernel() = default;
  // With kOccupancy: programs of this launch that one unit holds at once.
  virtual uint32_t occupancy(const tsr_launch &launch) {
    (void)launch;
    throw Unsupported("occupancy", "", "this driver");
  }
};

class Event {
public:
  virtual ~Event() = default;
  virtual void record(Stream &stream) = 0;
  virtual void wait(Stream &stream) = 0; // the stream waits, not the caller
  virtual bool ready() = 0;
  virtual uint64_t nanosecondsSince(Event &start) = 0;
};

class GraphExec {
public:
  virtual ~GraphExec() = default;
  virtual void update(uint32_t node, const tsr_launch &launch) = 0;
  virtual void launch(Stream &stream) = 0;
};
class Graph {
public:
  virtual ~Graph() = default;
  virtual std::unique_ptr<GraphExec> instantiate(const Sink &sink) = 0;
};

class Stream {
public:
  virtual ~Stream() = default; // waits for queued work
  virtual void sync() = 0;
  virtual bool ready() = 0;
  // With kGraphs.
  virtual void beginCapture(uint32_t mode) {
    (void)mode;
    throw Unsupported("graph capture", "", "this driver");
  }
  virtual std::unique_ptr<Graph> endCapture() { throw Unsupported("graph capture", "", "this driver"); }
};

class Module {
public:
  virtual ~Module() = default;
  // The module owns the kernel. Throws NotFound.
  virtual Kernel &kernel(const KernelInfo &info) = 0;
};

class Memory {
public:
  virtual ~Memory() = default;
  // align: a power of two. bytes > 0. stream may be NULL: at once. Throws Error(TSR_E_OOM_DEVICE, …).
  virtual uint64_t allocate(Stream *stream, uint64_t bytes, uint64_t align, uint32_t space) = 0;
  virtual void release(Stream *stream, uint64_t address) = 0;
  virtual void copy(Stream &stream, const tsr_copy &copy) = 0;
  virtual void fill(Stream &stream, uint64_t address, uint64_t pattern, uint32_t patternBytes, uint64_t bytes) = 0;
};

class Launcher {
public:
  virtual ~Launcher() = default;
  // No extent of the grid is 0. Copies the arguments before it returns.
  virtual void launch(Stream &stream, Kernel &kernel, const tsr_launch &launch) = 0;
};

class Device {
public:
  virtual ~Device() = default; // waits for queued work
  virtual Memory &memory() = 0;
  virtual Launcher &launcher() = 0;
  virtual std::unique_ptr<Stream> createStream(int32_t priority, uint32_t flags) = 0;
  // Does all lazy work (R10). Throws Error(TSR_E_BAD_ARTIFACT, …).
  virtual std::unique_ptr<Module> loadModule(const void *artifact, uint64_t bytes, const Sink &sink) = 0;
  virtual std::unique_ptr<Event> createEvent(uint32_t flags) { // with kEvents
    (void)flags;
    throw Unsupported("events", "", "this driver");
  }
  virtual std::unique_ptr<Stream> wrapStream(uint64_t native) { // with kWrapStreams
    (void)native;
    throw Unsupported("foreign streams", "", "this driver");
  }
  // With kMessages: what kernels printed and asserted since the last call.
  virtual void drainMessages(const Sink &sink) { (void)sink; }
  // With kDescriptors: bytes of the descriptor.
  virtual std::string encodeDescriptor(const Options &fields) {
    (void)fields;
    throw Unsupported("descriptors", "", "this driver");
  }
};

struct DeviceInfo {
  std::string name, target;
  uint8_t uuid[16] = {};
  uint64_t pci = 0, memoryBytes = 0, l2Bytes = 0;
  uint32_t units = 0, clockKhz = 0, memoryKhz = 0, busBits = 0, memorySpaces = 1u << TSR_MEM_DEVICE, flags = 0;
};

// One object serves the process.
class Driver {
public:
  virtual ~Driver() = default;
  static constexpr uint32_t optional = 0; // shadow it: kEvents | …
  // Number of devices. Throws Unavailable. Creates no context, starts no thread (R12).
  virtual uint32_t probe() = 0;
  // The result lives as long as the driver. Throws NotFound.
  virtual const DeviceInfo &info(uint32_t ordinal) = 0;
  virtual std::unique_ptr<Device> open(uint32_t ordinal, const Options &options, const Sink &sink) = 0;
  // With kNative: the vendor's handle. kind: TSR_NATIVE_*; `object` is the Device, Stream, Event or Kernel.
  virtual uint64_t native(const void *object, uint32_t kind) {
    (void)object, (void)kind;
    throw Unsupported("native handles", "", "this driver");
  }
};

namespace detail {

template <typename C, typename H> C &as(H *h, const char *what) { return need(reinterpret_cast<C *>(h), what); }

template <typename D> struct DriverTable {
  static D &object() {
    static D driver;
    return driver;
  }
  // Hands a unique_ptr over to the host.
  template <typename Handle, typename Class> static void give(Handle **out, std::unique_ptr<Class> object) {
    need(out, "an output argument");
    if (!object)
      throw Error(TSR_E_INTERNAL, "the driver made nothing");
    *out = reinterpret_cast<Handle *>(object.release());
  }
  template <typename Class, typename Handle> static tsr_status destroy(Handle *h) {
    return guard(nullptr, [&] { delete reinterpret_cast<Class *>(h); });
  }

  // A stream's handle remembers its device: copy, fill and launch name only the stream.
  struct StreamBox {
    Device *device;
    std::unique_ptr<Stream> stream;
  };
  static Stream &stream(tsr_stream *s) { return *as<StreamBox>(s, "stream").stream; }
  static Stream *streamOrNull(tsr_stream *s) { return s ? &stream(s) : nullptr; }

  static tsr_status probe(uint32_t *out) {
    return guard(nullptr, [&] { need(out, "out_devices") = object().probe(); });
  }
  static tsr_status deviceInfo(uint32_t ordinal, tsr_device_info *out) {
    return guard(nullptr, [&] {
      const DeviceInfo &i = object().info(ordinal);
      tsr_device_info r{};
      r.name = str(i.name);
      r.target = str(i.target);
      std::memcpy(r.uuid, i.uuid, sizeof r.uuid);
      r.pci = i.pci;
      r.mem_bytes = i.memoryBytes;
      r.l2_bytes = i.l2Bytes;
      r.units = i.units;
      r.clock_khz = i.clockKhz;
      r.mem_khz = i.memoryKhz;
      r.bus_bits = i.busBits;
      r.mem_spaces = i.memorySpaces;
      r.flags = i.flags;
      writeOutput(out, r);
    });
  }
  static tsr_status deviceOpen(const tsr_sink *sink, uint32_t ordinal, const tsr_kv *kv, uint32_t n, tsr_device **out) {
    return guard(sink, [&] {
      Options options(kv, n);
      give<tsr_device, Device>(out, object().open(ordinal, options, Sink(sink)));
    });
  }
  static tsr_status memAlloc(tsr_device *d, tsr_stream *s, uint64_t n, uint64_t align, uint32_t space, uint64_t *out) {
    return guard(nullptr, [&] {
      need(out, "out_address");
      align = align ? align : 256;
      if (align & (align - 1))
        throw Error(TSR_E_INVALID, "alignment " + std::to_string(align) + " is no power of two");
      if (space == TSR_MEM_HOST)
        throw Error(TSR_E_INVALID, "space HOST is for copies only");
      *out = n ? as<Device>(d, "device").memory().allocate(streamOrNull(s), n, align, space) : 0;
    });
  }
  static tsr_status memFree(tsr_device *d, tsr_stream *s, uint64_t address) {
    return guard(nullptr, [&] {
      if (address)
        as<Device>(d, "device").memory().release(streamOrNull(s), address);
    });
  }
  static tsr_status copy(tsr_stream *s, const tsr_copy *raw) {
    return guard(nullptr, [&] {
      Input<tsr_copy> in(raw);
      auto &box = as<StreamBox>(s, "stream");
      if (in->rows && in->row_bytes)
        box.device->memory().copy(*box.stream, *in);
    });
  }
  static tsr_status fill(tsr_stream *s, uint64_t address, uint64_t pattern, uint32_t patternBytes, uint64_t bytes) {
    return guard(nullptr, [&] {
      auto &box = as<StreamBox>(s, "stream");
      if (patternBytes != 1 && patternBytes != 2 && patternBytes != 4 && patternBytes != 8)
        throw Error(TSR_E_INVALID, "a pattern of " + std::to_string(patternBytes) + " bytes: 1, 2, 4 or 8");
      if (bytes % patternBytes)
        throw Error(TSR_E_INVALID,
                    std::to_string(bytes) + " bytes are no multiple of the pattern's " + std::to_string(patternBytes));
      if (bytes)
        box.device->memory().fill(*box.stream, address, pattern, patternBytes, bytes);
    });
  }
  static tsr_status streamCreate(tsr_device *d, int32_t priority, uint32_t flags, tsr_stream **out) {
    return guard(nullptr, [&] {
      auto &device = as<Device>(d, "device");
      give(out, std::unique_ptr<StreamBox>(new StreamBox{&device, device.createStream(priority, flags)}));
    });
  }
  static tsr_status streamSync(tsr_stream *s) {
    return guard(nullptr, [&] { stream(s).sync(); });
  }
  static tsr_status streamQuery(tsr_stream *s) {
    return guard(nullptr, [&] { return stream(s).ready() ? TSR_OK : TSR_NOT_READY; });
  }
  static tsr_status moduleLoad(const tsr_sink *sink, tsr_device *d, tsr_bytes b, tsr_module **out) {
    return guard(sink, [&] { give<tsr_module>(out, as<Device>(d, "device").loadModule(b.p, b.n, Sink(sink))); });
  }
  static tsr_status kernelGet(tsr_module *m, const tsr_kernel_info *raw, tsr_kernel **out) {
    return guard(nullptr, [&] {
      Input<tsr_kernel_info> in(raw);
      need(out, "out_kernel");
      *out = reinterpret_cast<tsr_kernel *>(&as<Module>(m, "module").kernel(KernelInfo::from(*in)));
    });
  }
  static tsr_status launch(tsr_stream *s, tsr_kernel *k, const tsr_launch *raw) {
    return guard(nullptr, [&] {
      Input<tsr_launch> in(raw);
      auto &box = as<StreamBox>(s, "stream");
      auto &kernel = as<Kernel>(k, "kernel");
      if (in->grid[0] && in->grid[1] && in->grid[2])
        box.device->launcher().launch(*box.stream, kernel, *in);
    });
  }
  static tsr_status streamWrap(tsr_device *d, uint64_t native, tsr_stream **out) {
    return guard(nullptr, [&] {
      auto &device = as<Device>(d, "device");
      give(out, std::unique_ptr<StreamBox>(new StreamBox{&device, device.wrapStream(native)}));
    });
  }
  static tsr_status native(const void *o, uint32_t kind, uint64_t *out) {
    return guard(nullptr, [&] {
      need(out, "out_native");
      if (kind == TSR_NATIVE_STREAM)
        o = static_cast<const StreamBox *>(o)->stream.get();
      *out = object().native(o, kind);
    });
  }
  static tsr_status eventCreate(tsr_device *d, uint32_t flags, tsr_event **out) {
    return guard(nullptr, [&] { give<tsr_event, Event>(out, as<Device>(d, "device").createEvent(flags)); });
  }
  static tsr_status eventRecord(tsr_event *e, tsr_stream *s) {
    return guard(nullptr, [&] { as<Event>(e, "event").record(stream(s)); });
  }
  static tsr_status eventWait(tsr_stream *s, tsr_event *e) {
    return guard(nullptr, [&] { as<Event>(e, "event").wait(stream(s)); });
  }
  static tsr_status eventQuery(tsr_event *e) {
    return guard(nullptr, [&] { return as<Event>(e, "event").ready() ? TSR_OK : TSR_NOT_READY; });
  }
  static tsr_status eventElapsed(tsr_event *start, tsr_event *stop, uint64_t *out) {
    return guard(nullptr,
                 [&] { need(out, "out_ns") = as<Event>(stop, "event").nanosecondsSince(as<Event>(start, "event")); });
  }
  static tsr_status captureBegin(tsr_stream *s, uint32_t mode) {
    return guard(nullptr, [&] { stream(s).beginCapture(mode); });
  }
  static tsr_status captureEnd(tsr_stream *s, tsr_graph **out) {
    return guard(nullptr, [&] { give<tsr_graph, Graph>(out, stream(s).endCapture()); });
  }
  static tsr_status graphInstantiate(const tsr_sink *sink, tsr_graph *g, tsr_gexec **out) {
    return guard(sink, [&] { give<tsr_gexec, GraphExec>(out, as<Graph>(g, "graph").instantiate(Sink(sink))); });
  }
  static tsr_status graphUpdate(tsr_gexec *e, uint32_t node, const tsr_launch *raw) {
    return guard(nullptr, [&] { as<GraphExec>(e, "graph").update(node, *Input<tsr_launch>(raw)); });
  }
  static tsr_status graphLaunch(tsr_gexec *e, tsr_stream *s) {
    return guard(nullptr, [&] { as<GraphExec>(e, "graph").launch(stream(s)); });
  }
  static tsr_status descriptorEncode(tsr_device *d, const tsr_kv *kv, uint32_t n, void *out, uint64_t room,
                                     uint64_t *len) {
    return guard(nullptr, [&] {
      std::string bytes = as<Device>(d, "device").encodeDescriptor(Options(kv, n));
      need(len, "out_len") = bytes.size();
      if (bytes.size() > room)
        throw Error(TSR_E_INVALID, "the descriptor needs " + std::to_string(bytes.size()) + " bytes");
      std::memcpy(out, bytes.data(), bytes.size());
    });
  }
  static tsr_status occupancy(tsr_kernel *k, const tsr_launch *raw, uint32_t *out) {
    return guard(nullptr, [&] {
      Input<tsr_launch> in(raw);
      need(out, "out_blocks_per_unit") = as<Kernel>(k, "kernel").occupancy(*in);
    });
  }
  static tsr_status drainMessages(tsr_device *d, const tsr_sink *sink) {
    return guard(sink, [&] { as<Device>(d, "device").drainMessages(Sink(sink)); });
  }

  static void fillOptional(tsr_driver_api &a) {
    if (D::optional & kWrapStreams)
      a.stream_wrap = streamWrap;
    if (D::optional & kNative)
      a.native = native;
    if (D::optional & kEvents) {
      a.event_create = eventCreate;
      a.event_destroy = destroy<Event, tsr_event>;
      a.event_record = eventRecord;
      a.event_wait = eventWait;
      a.event_query = eventQuery;
      a.event_elapsed_ns = eventElapsed;
    }
    if (D::optional & kGraphs) {
      a.capture_begin = captureBegin;
      a.capture_end = captureEnd;
      a.graph_destroy = destroy<Graph, tsr_graph>;
      a.graph_instantiate = graphInstantiate;
      a.graph_update = graphUpdate;
      a.graph_launch = graphLaunch;
      a.gexec_destroy = destroy<GraphExec, tsr_gexec>;
    }
    if (D::optional & kDescriptors)
      a.descriptor_encode = descriptorEncode;
    if (D::optional & kOccupancy)
      a.occupancy = occupancy;
    if (D::optional & kMessages)
      a.drain_messages = drainMessages;
  }
  static const tsr_driver_api *table() {
    static const tsr_driver_api api = [] {
      tsr_driver_api a{};
      a.h.size = sizeof a;
      a.probe = probe;
      a.device_info = deviceInfo;
      a.device_open = deviceOpen;
      a.device_close = destroy<Device, tsr_device>;
      a.mem_alloc = memAlloc;
      a.mem_free = memFree;
      a.copy = copy;
      a.fill = fill;
      a.stream_create = streamCreate;
      a.stream_destroy = destroy<StreamBox, tsr_stream>;
      a.stream_sync = streamSync;
      a.stream_query = streamQuery;
      a.module_load = moduleLoad;
      a.module_unload = destroy<Module, tsr_module>;
      a.kernel_get = kernelGet;
      a.launch = launch;
      fillOptional(a);
      return a;
    }();
    return &api;
  }
};
template <> struct DriverTable<void> {
  static const tsr_driver_api *table() { return nullptr; }
};

// A driver that fills the C table itself: struct D { static const tsr_driver_api *driverTable(); static tsr_str lastError(); };
template <typename D, typename = void> struct ChosenDriver : DriverTable<D> {
  static tsr_str lastError() { return str(lastErrorText()); }
};
template <typename D> struct ChosenDriver<D, std::void_t<decltype(D::driverTable())>> {
  static const tsr_driver_api *table() { return D::driverTable(); }
  static tsr_str lastError() {
    tsr_str text = D::lastError();
    return text.n ? text : str(lastErrorText());
  }
};

} // namespace detail
} // namespace tessera::sdk
