// Runtime.cpp - tessera.h for Python
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/extension/Runtime.h"

#include "frontends/python/extension/WorkerCompile.h"

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <map>
#include <structmember.h>
#include <unordered_map>
#include <vector>

namespace tessera::python {

PyTypeObject *deviceType, *moduleType, *kernelType, *streamType;
static PyTypeObject *bufferType, *eventType;
ActiveDevice active;
Names names;

namespace {

struct BufferObject {
  PyObject_HEAD;
  PyObject *device;
  TsrBuffer *buffer;
};
struct EventObject {
  PyObject_HEAD;
  PyObject *device;
  TsrEvent *event;
};

template <class T> T *as(PyObject *o) { return reinterpret_cast<T *>(o); }

// Objects of a device that are alive, by type, and its streams, one's own and wrapped ones. Touched with the GIL held.
std::unordered_map<PyTypeObject *, Py_ssize_t> liveObjects;
std::vector<StreamObject *> liveStreams;
std::map<std::pair<TsrDevice *, uint64_t>, TsrStream *> wrappedStreams; // by the vendor's handle

PyObject *allocate(PyTypeObject *type) {
  auto alloc = reinterpret_cast<allocfunc>(PyType_GetSlot(type, Py_tp_alloc));
  PyObject *self = alloc(type, 0);
  if (self)
    ++liveObjects[type];
  return self;
}
// Objects of heap types own a reference to their type.
void freeObject(PyObject *self) {
  PyTypeObject *type = Py_TYPE(self);
  --liveObjects[type];
  auto release = reinterpret_cast<freefunc>(PyType_GetSlot(type, Py_tp_free));
  release(self);
  Py_DECREF(type);
}

// What a kernel's tensors must live on, by the plugin's name; 0: only memory of our own.
int32_t tensorDeviceOf(const TsrDeviceInfo &info) {
  if (info.flags & TSR_DEVICE_HOST_POINTERS)
    return 1;
  if (!std::strcmp(info.plugin, "nvidia"))
    return 2;
  if (!std::strcmp(info.plugin, "amd"))
    return 10;
  return !std::strcmp(info.plugin, "spirv") ? 14 : 0;
}

// ---- Device --------------------------------------------------------------------------------------------------------

// Whether the drivers that `which` may mean can be loaded, tried in a worker; else an exception is set.
bool driversAreSound(const char *which) {
  std::string name = which && *which ? which : "native", said;
  if (name == "native")
    if (const char *wanted = std::getenv("TESSERA_DEVICE"); wanted && *wanted)
      name = wanted;
  tsc_sink sink = {};
  sink.size = sizeof sink;
  sink.user = &said;
  sink.diag = [](void *user, uint32_t, tsc_str text, tsc_str) {
    static_cast<std::string *>(user)->append(text.p, text.n);
  };
  bool interrupted = false;
  int32_t status;
  {
    GilRelease unlocked;
    status = vetDrivers(name, &sink, [&] {
      GilHold locked;
      return interrupted = interrupted || PyErr_CheckSignals() < 0;
    });
  }
  if (interrupted)
    return false;
  if (status == TSC_OK)
    return true;
  while (!said.empty() && said.back() == '\n')
    said.pop_back();
  PyErr_SetString(PyExc_RuntimeError, said.empty() ? "the driver of the device cannot be loaded" : said.c_str());
  return false;
}

PyObject *deviceNew(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
  static const char *keywords[] = {"which", "options", "vet", nullptr};
  const char *which = nullptr;
  PyObject *options = nullptr;
  int vet = 1;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|zOp", const_cast<char **>(keywords), &which, &options, &vet))
    return nullptr;
  if (vet && !driversAreSound(which))
    return nullptr;
  std::vector<std::string> strings;
  if (options && options != Py_None) {
    PyObject *key, *value;
    Py_ssize_t at = 0;
    while (PyDict_Next(options, &at, &key, &value)) {
      Reference shown(PyObject_Str(value));
      if (!shown || PyErr_Occurred())
        return nullptr;
      strings.emplace_back(utf8(key));
      strings.emplace_back(utf8(shown.get()));
    }
  }
  std::vector<TsrOption> raw;
  for (size_t i = 0; i + 1 < strings.size(); i += 2)
    raw.push_back({strings[i].c_str(), strings[i + 1].c_str()});
  TsrDevice *device = nullptr;
  tsr_status status;
  {
    GilRelease unlocked;
    status = tsr_device_open(which, raw.data(), static_cast<uint32_t>(raw.size()), &device);
  }
  if (status < 0)
    return raiseRuntime(status);
  PyObject *self = allocate(type);
  if (!self) {
    tsr_device_close(device);
    return nullptr;
  }
  auto *d = as<DeviceObject>(self);
  d->device = device;
  d->info.size = sizeof d->info;
  tsr_device_describe(device, &d->info);
  d->tensorDevice = tensorDeviceOf(d->info);
  return self;
}

void deviceDealloc(PyObject *self) {
  if (auto *device = as<DeviceObject>(self)->device) {
    GilRelease unlocked;
    tsr_device_close(device);
  }
  freeObject(self);
}

PyObject *deviceSync(PyObject *self, PyObject *) {
  tsr_status status;
  {
    GilRelease unlocked;
    status = tsr_device_sync(as<DeviceObject>(self)->device);
  }
  if (status < 0)
    return raiseRuntime(status);
  Py_RETURN_NONE;
}

PyObject *deviceGet(PyObject *self, void *which) {
  const TsrDeviceInfo &info = as<DeviceObject>(self)->info;
  switch (reinterpret_cast<intptr_t>(which)) {
  case 0:
    return PyUnicode_FromString(info.plugin);
  case 1:
    return PyUnicode_FromString(info.name);
  case 2:
    return PyUnicode_FromString(info.target);
  case 3:
    return PyLong_FromUnsignedLong(info.ordinal);
  case 4:
    return PyLong_FromUnsignedLongLong(info.memory_bytes);
  case 5:
    return PyLong_FromUnsignedLongLong(info.cache_bytes);
  case 6:
    return PyLong_FromUnsignedLong(info.units);
  default:
    return PyBool_FromLong(info.flags & TSR_DEVICE_HOST_POINTERS);
  }
}

PyGetSetDef deviceFields[] = {
    {"plugin", deviceGet, nullptr, "Name of the plugin: \"cpu\".", reinterpret_cast<void *>(0)},
    {"name", deviceGet, nullptr, "Name for people.", reinterpret_cast<void *>(1)},
    {"target", deviceGet, nullptr, "What to compile for: \"x86-64-v3\".", reinterpret_cast<void *>(2)},
    {"ordinal", deviceGet, nullptr, "Number among the devices of the plugin.", reinterpret_cast<void *>(3)},
    {"memory_bytes", deviceGet, nullptr, "Memory of the device.", reinterpret_cast<void *>(4)},
    {"cache_bytes", deviceGet, nullptr, "Last-level cache; 0: unknown.", reinterpret_cast<void *>(5)},
    {"units", deviceGet, nullptr, "Cores or multiprocessors.", reinterpret_cast<void *>(6)},
    {"host_pointers", deviceGet, nullptr, "Kernels work on host memory.", reinterpret_cast<void *>(7)},
    {nullptr, nullptr, nullptr, nullptr, nullptr}};
PyMethodDef deviceMethods[] = {
    {"synchronize", deviceSync, METH_NOARGS, "Waits for the default stream; shows what kernels printed."},
    {nullptr, nullptr, 0, nullptr}};

// ---- Module and Kernel ---------------------------------------------------------------------------------------------

PyObject *moduleNew(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
  static const char *keywords[] = {"device", "bytes", nullptr};
  PyObject *device;
  const char *bytes;
  Py_ssize_t n;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!y#", const_cast<char **>(keywords), deviceType, &device, &bytes,
                                   &n))
    return nullptr;
  TsrModule *module = nullptr;
  tsr_status status;
  {
    GilRelease unlocked;
    status = tsr_module_load(as<DeviceObject>(device)->device, bytes, static_cast<uint64_t>(n), &module);
  }
  if (status < 0)
    return raiseRuntime(status);
  PyObject *self = allocate(type);
  if (!self) {
    tsr_module_unload(module);
    return nullptr;
  }
  Py_INCREF(device);
  as<ModuleObject>(self)->device = device;
  as<ModuleObject>(self)->module = module;
  return self;
}

void moduleDealloc(PyObject *self) {
  tsr_module_unload(as<ModuleObject>(self)->module);
  Py_XDECREF(as<ModuleObject>(self)->device);
  freeObject(self);
}

PyObject *moduleKernels(PyObject *self, PyObject *) {
  auto *m = as<ModuleObject>(self);
  uint32_t n = tsr_module_kernel_count(m->module);
  Reference list(PyList_New(0));
  for (uint32_t i = 0; list && i < n; ++i) {
    Reference object(allocate(kernelType));
    if (!object)
      return nullptr;
    auto *k = as<KernelObject>(object.get());
    auto *device = as<DeviceObject>(m->device);
    Py_INCREF(self);
    k->module = self;
    k->device = device->device;
    k->kernel = tsr_module_kernel_at(m->module, i);
    k->info = tsr_kernel_describe(k->kernel);
    k->hostMemory = device->info.flags & TSR_DEVICE_HOST_POINTERS;
    k->lastNanos = INT64_MAX;
    k->lastPrograms = 0;
    if (PyList_Append(list.get(), object.get()) < 0)
      return nullptr;
  }
  return list.release();
}

PyMethodDef moduleMethods[] = {{"kernels", moduleKernels, METH_NOARGS, "The kernels of the module, a list."},
                               {nullptr, nullptr, 0, nullptr}};

void kernelDealloc(PyObject *self) {
  Py_XDECREF(as<KernelObject>(self)->module);
  freeObject(self);
}

PyObject *kernelGet(PyObject *self, void *which) {
  auto *k = as<KernelObject>(self);
  switch (reinterpret_cast<intptr_t>(which)) {
  case 0:
    return PyUnicode_FromString(k->info->name);
  case 1:
    return PyLong_FromUnsignedLongLong(k->info->shared_bytes);
  case 2:
    return PyLong_FromUnsignedLongLong(k->info->scratch_bytes);
  case 3:
    return PyLong_FromUnsignedLong(k->info->registers);
  case 4:
    return PyLong_FromUnsignedLong(k->info->spills);
  case 5:
    return PyLong_FromVoidPtr(k->kernel);
  default:
    break;
  }
  Reference list(PyList_New(0));
  for (uint32_t i = 0; list && i < k->info->n_parameters; ++i) {
    const TsrParameter &p = k->info->parameters[i];
    Reference row(Py_BuildValue("(sIIII)", p.name, p.offset, p.size, p.kind, p.flags));
    if (!row || PyList_Append(list.get(), row.get()) < 0)
      return nullptr;
  }
  return list.release();
}

PyGetSetDef kernelFields[] = {
    {"name", kernelGet, nullptr, "Name of the kernel.", reinterpret_cast<void *>(0)},
    {"shared_bytes", kernelGet, nullptr, "Shared memory of a program.", reinterpret_cast<void *>(1)},
    {"scratch_bytes", kernelGet, nullptr, "Scratch memory of a program.", reinterpret_cast<void *>(2)},
    {"registers", kernelGet, nullptr, "Registers of a thread; 0: unknown.", reinterpret_cast<void *>(3)},
    {"spills", kernelGet, nullptr, "Bytes that a thread spills.", reinterpret_cast<void *>(4)},
    {"handle", kernelGet, nullptr, "Address of the kernel's object, for code that compares functions.",
     reinterpret_cast<void *>(5)},
    {"parameters", kernelGet, nullptr, "What a launch passes: (name, offset, size, kind, flags) each.",
     reinterpret_cast<void *>(6)},
    {nullptr, nullptr, nullptr, nullptr, nullptr}};

// ---- Stream and Event ----------------------------------------------------------------------------------------------

PyObject *streamNew(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
  static const char *keywords[] = {"device", "priority", "own_thread", "native", nullptr};
  PyObject *device, *native = Py_None;
  int priority = 0, ownThread = 0;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!|ipO", const_cast<char **>(keywords), deviceType, &device,
                                   &priority, &ownThread, &native))
    return nullptr;
  TsrDevice *raw = as<DeviceObject>(device)->device;
  TsrStream *stream = nullptr;
  tsr_status made;
  if (native != Py_None) {
    uint64_t handle = PyLong_AsUnsignedLongLong(native);
    if (PyErr_Occurred())
      return nullptr;
    made = tsr_stream_wrap(raw, handle, &stream);
  } else {
    made = tsr_stream_create(raw, priority, ownThread ? TSR_STREAM_OWN_THREAD : 0, &stream);
  }
  if (made < 0)
    return raiseRuntime(made);
  PyObject *self = allocate(type);
  if (!self) {
    tsr_stream_destroy(stream);
    return nullptr;
  }
  Py_INCREF(device);
  as<StreamObject>(self)->device = device;
  as<StreamObject>(self)->stream = stream;
  liveStreams.push_back(as<StreamObject>(self));
  return self;
}

void streamDealloc(PyObject *self) {
  std::erase(liveStreams, as<StreamObject>(self));
  if (TsrStream *stream = as<StreamObject>(self)->stream) {
    GilRelease unlocked; // waits for its work
    tsr_stream_destroy(stream);
  }
  Py_XDECREF(as<StreamObject>(self)->device);
  freeObject(self);
}

PyObject *streamSync(PyObject *self, PyObject *) {
  tsr_status status;
  {
    GilRelease unlocked;
    status = tsr_stream_sync(as<StreamObject>(self)->stream);
  }
  if (status < 0)
    return raiseRuntime(status);
  Py_RETURN_NONE;
}

PyObject *streamQuery(PyObject *self, PyObject *) {
  tsr_status status = tsr_stream_query(as<StreamObject>(self)->stream);
  if (status < 0)
    return raiseRuntime(status);
  return PyBool_FromLong(status == TSR_OK);
}

PyMethodDef streamMethods[] = {{"synchronize", streamSync, METH_NOARGS, "Waits for the work of the stream."},
                               {"query", streamQuery, METH_NOARGS, "True: everything on the stream is done."},
                               {nullptr, nullptr, 0, nullptr}};

TsrStream *streamOf(PyObject *o) {
  return o && o != Py_None && PyObject_TypeCheck(o, streamType) ? as<StreamObject>(o)->stream : nullptr;
}

PyObject *eventNew(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
  static const char *keywords[] = {"device", nullptr};
  PyObject *device;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!", const_cast<char **>(keywords), deviceType, &device))
    return nullptr;
  TsrEvent *event = nullptr;
  if (tsr_status s = tsr_event_create(as<DeviceObject>(device)->device, &event); s < 0)
    return raiseRuntime(s);
  PyObject *self = allocate(type);
  if (!self) {
    tsr_event_destroy(event);
    return nullptr;
  }
  Py_INCREF(device);
  as<EventObject>(self)->device = device;
  as<EventObject>(self)->event = event;
  return self;
}

void eventDealloc(PyObject *self) {
  tsr_event_destroy(as<EventObject>(self)->event);
  Py_XDECREF(as<EventObject>(self)->device);
  freeObject(self);
}

PyObject *eventRecord(PyObject *self, PyObject *args) {
  PyObject *stream = nullptr;
  if (!PyArg_ParseTuple(args, "|O", &stream))
    return nullptr;
  if (tsr_status s = tsr_event_record(as<EventObject>(self)->event, streamOf(stream)); s < 0)
    return raiseRuntime(s);
  Py_RETURN_NONE;
}

PyObject *eventSync(PyObject *self, PyObject *) {
  tsr_status status;
  {
    GilRelease unlocked;
    status = tsr_event_sync(as<EventObject>(self)->event);
  }
  if (status < 0)
    return raiseRuntime(status);
  Py_RETURN_NONE;
}

PyObject *eventElapsed(PyObject *self, PyObject *args) {
  PyObject *stop;
  if (!PyArg_ParseTuple(args, "O!", eventType, &stop))
    return nullptr;
  uint64_t ns = 0;
  tsr_status status = tsr_event_elapsed_ns(as<EventObject>(self)->event, as<EventObject>(stop)->event, &ns);
  if (status < 0)
    return raiseRuntime(status);
  if (status == TSR_NOT_READY) {
    PyErr_SetString(PyExc_RuntimeError, "the events are not reached yet: synchronize first");
    return nullptr;
  }
  return PyLong_FromUnsignedLongLong(ns);
}

PyMethodDef eventMethods[] = {{"record", eventRecord, METH_VARARGS, "record(stream=None): the point after its work."},
                              {"synchronize", eventSync, METH_NOARGS, "Waits for the point."},
                              {"elapsed_ns", eventElapsed, METH_VARARGS, "Nanoseconds from this event to another."},
                              {nullptr, nullptr, 0, nullptr}};

// ---- Buffer --------------------------------------------------------------------------------------------------------

PyObject *bufferNew(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
  static const char *keywords[] = {"device", "bytes", nullptr};
  PyObject *device;
  unsigned long long bytes;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!K", const_cast<char **>(keywords), deviceType, &device, &bytes))
    return nullptr;
  TsrBuffer *buffer = nullptr;
  if (tsr_status s = tsr_buffer_create(as<DeviceObject>(device)->device, bytes, &buffer); s < 0)
    return raiseRuntime(s);
  PyObject *self = allocate(type);
  if (!self) {
    tsr_buffer_destroy(buffer);
    return nullptr;
  }
  Py_INCREF(device);
  as<BufferObject>(self)->device = device;
  as<BufferObject>(self)->buffer = buffer;
  return self;
}

// Kernels take addresses, so nothing knows which work uses a buffer: whatever is queued may. Failures stay with their streams, whose next call tells them.
void waitForQueuedWork(const DeviceObject &object) {
  TsrDevice *device = object.device;
  std::vector<Reference> held;
  std::vector<TsrStream *> streams;
  for (StreamObject *s : liveStreams)
    if (as<DeviceObject>(s->device)->device == device) {
      held.push_back(Reference::borrow(reinterpret_cast<PyObject *>(s)));
      streams.push_back(s->stream);
    }
  for (const auto &[key, stream] : wrappedStreams)
    if (key.first == device && stream)
      streams.push_back(stream);
  GilRelease unlocked;
  bool isCaptured = false;
  for (TsrStream *stream : streams)
    isCaptured |= tsr_stream_sync(stream) == TSR_E_CAPTURE;
  // The device's own default stream, where a vendor's driver works on it. tsr_device_sync would tell its failure here, once; in software an event
  // behind a failure never happens. While somebody captures, asking for an event could end the capture.
  TsrEvent *event = nullptr;
  if (!isCaptured && object.tensorDevice > 1 && tsr_event_create(device, &event) >= 0 &&
      tsr_event_record(event, nullptr) >= 0)
    tsr_event_sync(event);
  tsr_event_destroy(event);
}

void bufferDealloc(PyObject *self) {
  waitForQueuedWork(*as<DeviceObject>(as<BufferObject>(self)->device));
  tsr_buffer_destroy(as<BufferObject>(self)->buffer);
  Py_XDECREF(as<BufferObject>(self)->device);
  freeObject(self);
}

PyObject *bufferTransfer(PyObject *self, PyObject *args, bool write) {
  Py_buffer view;
  unsigned long long offset = 0;
  if (!PyArg_ParseTuple(args, write ? "y*|K" : "w*|K", &view, &offset))
    return nullptr;
  tsr_status status;
  {
    GilRelease unlocked;
    auto bytes = static_cast<uint64_t>(view.len);
    status = write ? tsr_buffer_write(as<BufferObject>(self)->buffer, offset, view.buf, bytes, nullptr)
                   : tsr_buffer_read(as<BufferObject>(self)->buffer, offset, view.buf, bytes, nullptr);
  }
  PyBuffer_Release(&view);
  if (status < 0)
    return raiseRuntime(status);
  Py_RETURN_NONE;
}
PyObject *bufferWrite(PyObject *self, PyObject *args) { return bufferTransfer(self, args, true); }
PyObject *bufferRead(PyObject *self, PyObject *args) { return bufferTransfer(self, args, false); }

PyObject *bufferFill(PyObject *self, PyObject *args) {
  unsigned long long byte = 0;
  PyObject *stream = nullptr;
  if (!PyArg_ParseTuple(args, "|KO", &byte, &stream))
    return nullptr;
  TsrBuffer *buffer = as<BufferObject>(self)->buffer;
  tsr_status status;
  {
    GilRelease unlocked;
    status = tsr_buffer_fill(buffer, 0, byte, 1, tsr_buffer_bytes(buffer), streamOf(stream));
  }
  if (status < 0)
    return raiseRuntime(status);
  Py_RETURN_NONE;
}

PyObject *bufferAddress(PyObject *self, void *) {
  return PyLong_FromUnsignedLongLong(tsr_buffer_address(as<BufferObject>(self)->buffer));
}
PyObject *bufferBytes(PyObject *self, void *) {
  return PyLong_FromUnsignedLongLong(tsr_buffer_bytes(as<BufferObject>(self)->buffer));
}
PyObject *bufferDevice(PyObject *self, void *) {
  Py_INCREF(as<BufferObject>(self)->device);
  return as<BufferObject>(self)->device;
}

PyMethodDef bufferMethods[] = {
    {"write", bufferWrite, METH_VARARGS, "write(bytes, offset=0): host to device; done on return."},
    {"read", bufferRead, METH_VARARGS, "read(writable bytes, offset=0): device to host; done on return."},
    {"fill", bufferFill, METH_VARARGS, "fill(byte=0, stream=None): every byte; queued on the stream."},
    {nullptr, nullptr, 0, nullptr}};
PyGetSetDef bufferFields[] = {{"address", bufferAddress, nullptr, "What kernels take as a pointer.", nullptr},
                              {"bytes", bufferBytes, nullptr, "Size.", nullptr},
                              {"device", bufferDevice, nullptr, "The device.", nullptr},
                              {nullptr, nullptr, nullptr, nullptr, nullptr}};

struct TypeRow {
  PyTypeObject **out;
  const char *name, *doc;
  size_t size;
  newfunc make;
  destructor end;
  PyMethodDef *methods;
  PyGetSetDef *fields;
};

// live_objects(): {"Device": 1, "Module": 3, …}: what tests for leaks count.
PyObject *liveObjectCounts(PyObject *, PyObject *) {
  Reference counts(PyDict_New());
  for (auto [type, count] : liveObjects) {
    Reference name(PyObject_GetAttrString(reinterpret_cast<PyObject *>(type), "__name__")),
        number(PyLong_FromSsize_t(count));
    if (!counts || !name || !number || PyDict_SetItem(counts.get(), name.get(), number.get()) < 0)
      return nullptr;
  }
  return counts.release();
}

PyMethodDef runtimeFunctions[] = {
    {"live_objects", liveObjectCounts, METH_NOARGS, "How many objects of a device are alive, by type."},
    {nullptr, nullptr, 0, nullptr}};

bool addType(PyObject *module, const TypeRow &row) {
  std::vector<PyType_Slot> slots = {{Py_tp_dealloc, reinterpret_cast<void *>(row.end)},
                                    {Py_tp_doc, const_cast<char *>(row.doc)}};
  if (row.make)
    slots.push_back({Py_tp_new, reinterpret_cast<void *>(row.make)});
  if (row.methods)
    slots.push_back({Py_tp_methods, row.methods});
  if (row.fields)
    slots.push_back({Py_tp_getset, row.fields});
  slots.push_back({0, nullptr});
  unsigned flags = Py_TPFLAGS_DEFAULT | (row.make ? 0 : Py_TPFLAGS_DISALLOW_INSTANTIATION);
  PyType_Spec spec = {row.name, static_cast<int>(row.size), 0, flags, slots.data()};
  PyObject *type = PyType_FromSpec(&spec);
  if (!type)
    return false;
  *row.out = reinterpret_cast<PyTypeObject *>(type);
  return PyModule_AddObjectRef(module, std::strrchr(row.name, '.') + 1, type) == 0;
}

} // namespace

bool addRuntimeTypes(PyObject *module) {
  const TypeRow rows[] = {
      {&deviceType, "tessera._tessera.Device",
       "Device(which=None, options=None): opens \"cpu\", \"cpu:0\"; None: the best.", sizeof(DeviceObject), deviceNew,
       deviceDealloc, deviceMethods, deviceFields},
      {&moduleType, "tessera._tessera.Module", "Module(device, bytes): a compiled kernel file on a device.",
       sizeof(ModuleObject), moduleNew, moduleDealloc, moduleMethods, nullptr},
      {&kernelType, "tessera._tessera.Kernel", "One kernel of a module.", sizeof(KernelObject), nullptr, kernelDealloc,
       nullptr, kernelFields},
      {&streamType, "tessera._tessera.Stream", "Stream(device, priority=0, own_thread=False): ordered work.",
       sizeof(StreamObject), streamNew, streamDealloc, streamMethods, nullptr},
      {&eventType, "tessera._tessera.Event", "Event(device): a point in a stream, with its time.", sizeof(EventObject),
       eventNew, eventDealloc, eventMethods, nullptr},
      {&bufferType, "tessera._tessera.Buffer", "Buffer(device, bytes): memory of a device.", sizeof(BufferObject),
       bufferNew, bufferDealloc, bufferMethods, bufferFields},
  };
  for (const TypeRow &row : rows)
    if (!addType(module, row))
      return false;
  return PyModule_AddFunctions(module, runtimeFunctions) == 0;
}

bool makeNames() {
  const std::pair<PyObject **, const char *> rows[] = {
      {&names.dataPtr, "data_ptr"},
      {&names.dtype, "dtype"},
      {&names.device, "device"},
      {&names.type, "type"},
      {&names.index, "index"},
      {&names.value, "value"},
      {&names.tesseraKind, "__tessera_kind__"},
      {&names.dlpack, "__dlpack__"},
      {&names.dlpackDevice, "__dlpack_device__"},
      {&names.exchange, "__dlpack_c_exchange_api__"},
      {&names.cudaArray, "__cuda_array_interface__"},
      {&names.arrayInterface, "__array_interface__"},
      {&names.resolve, "_resolve"},
      {&names.deviceKernel, "_device_kernel"},
      {&names.launchMetadata, "launch_metadata"},
      {&names.result, "result"},
      {&names.grid, "grid"},
      {&names.warmup, "warmup"},
      {&names.base, "base"},
      {&names.shape, "shape"},
      {&names.strides, "strides"},
      {&names.blockShape, "block_shape"},
      {&names.padding, "padding"},
      {&names.fields, "_fields"},
      {&names.name, "name"},
      {&names.isCuda, "is_cuda"},
  };
  for (auto [slot, spelling] : rows) {
    *slot = PyUnicode_InternFromString(spelling);
    if (!*slot)
      return false;
  }
  return true;
}

PyObject *raiseRuntime(tsr_status status) {
  std::string message = tsr_error_message();
  for (uint32_t i = 0; const char *said = tsr_error_diagnostic(i); ++i)
    if (message.find(said) == std::string::npos)
      message += "\n  " + std::string(said);
  if (status == TSR_E_ASSERT) // as programs look for it
    message = "device-side assert triggered: " + message;
  PyObject *type = PyExc_RuntimeError;
  if (status == TSR_E_INVALID)
    type = PyExc_ValueError;
  else if (status == TSR_E_OOM_HOST || status == TSR_E_OOM_DEVICE)
    type = PyExc_MemoryError;
  else if (status == TSR_E_UNSUPPORTED)
    type = PyExc_NotImplementedError;
  PyErr_SetString(type, message.c_str());
  return nullptr;
}

DeviceObject *activeDevice() {
  PyObject *ask = active.device ? active.refresh : active.activate;
  if (ask) {
    Reference done(PyObject_CallNoArgs(ask));
    if (!done)
      return nullptr;
  }
  if (!active.device) {
    PyErr_SetString(PyExc_RuntimeError, "no device is active: import tessera.runtime.driver first");
    return nullptr;
  }
  return as<DeviceObject>(active.device);
}

DeviceObject *deviceOf(const KernelObject &kernel) { return as<DeviceObject>(as<ModuleObject>(kernel.module)->device); }

static bool wrapHandle(DeviceObject &device, uint64_t handle, TsrStream *&stream) {
  // Under the GIL. Never emptied: as few as the program has streams, and a handle that comes back means the same to the vendor.
  TsrStream *&known = wrappedStreams[{device.device, handle}];
  if (!known)
    if (tsr_status s = tsr_stream_wrap(device.device, handle, &known); s < 0) {
      raiseRuntime(s);
      return false;
    }
  stream = known;
  return true;
}

bool wrappedStream(DeviceObject &device, PyObject *native, TsrStream *&stream) {
  uint64_t handle = PyLong_AsUnsignedLongLong(native);
  return !PyErr_Occurred() && wrapHandle(device, handle, stream);
}

bool defaultStream(DeviceObject &device, TsrStream *&stream) {
  stream = nullptr;
  return device.tensorDevice <= 1 || wrapHandle(device, 0, stream);
}

bool currentStream(DeviceObject &device, TsrStream *&stream) {
  stream = active.stream ? reinterpret_cast<StreamObject *>(active.stream)->stream : nullptr;
  if (!active.nativeStream || active.stream)
    return true;
  Reference native(PyObject_CallNoArgs(active.nativeStream));
  return native && wrappedStream(device, native.get(), stream);
}

// A kernel that is done in less than this keeps the GIL: handing it over would cost as much as the kernel.
static constexpr int64_t kTinyNanos = 20000;

// `call` launches, on the stream that it is given.
template <typename Call>
static bool submit(KernelObject &kernel, TsrStream *stream, const int32_t grid[3], Call &&call) {
  tsr_status status;
  if (!kernel.hostMemory || stream) {
    // Asynchronous: the call itself is short, but it may wait for room in a queue.
    GilRelease unlocked;
    status = call(stream);
  } else {
    using Clock = std::chrono::steady_clock;
    auto start = Clock::now();
    int64_t programs = int64_t(grid[0]) * grid[1] * grid[2];
    // The kernel is done on return; what it printed is shown now, as the program expects it.
    auto run = [&] {
      status = call(nullptr);
      if (status >= 0)
        status = tsr_device_sync(kernel.device);
    };
    if (kernel.lastNanos > kTinyNanos || programs > kernel.lastPrograms) {
      GilRelease unlocked;
      run();
    } else {
      run();
    }
    kernel.lastNanos = std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start).count();
    kernel.lastPrograms = programs;
  }
  if (status >= 0)
    return true;
  raiseRuntime(status);
  return false;
}

bool launch(KernelObject &kernel, TsrStream *stream, const int32_t grid[3], const TsrArgument *arguments, uint32_t n) {
  return submit(kernel, stream, grid,
                [&](TsrStream *on) { return tsr_kernel_launch(kernel.kernel, on, grid, arguments, n); });
}

bool launchPacked(KernelObject &kernel, TsrStream *stream, const int32_t grid[3], const void *arguments) {
  return submit(kernel, stream, grid, [&](TsrStream *on) {
    return tsr_kernel_launch_packed(kernel.kernel, on, grid, arguments, kernel.info->arg_bytes);
  });
}

} // namespace tessera::python
