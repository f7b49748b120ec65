// Tensors.cpp - tensors of torch, NumPy, DLPack, __cuda_array_interface__ and the buffer protocol
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/extension/Tensors.h"

#include "frontends/python/extension/Launcher.h"
#include "frontends/python/extension/Runtime.h"

#include <cstring>
#include <unordered_map>
#include <vector>

namespace tessera::python {
namespace {

// ---- dtypes --------------------------------------------------------------------------------------------------------

// Spellings of torch and NumPy onto those of signatures.
const std::unordered_map<std::string_view, const char *> &spellings() {
  static const std::unordered_map<std::string_view, const char *> map = {{"bool", "i1"},
                                                                         {"bool_", "i1"},
                                                                         {"int1", "i1"},
                                                                         {"int8", "i8"},
                                                                         {"int16", "i16"},
                                                                         {"int32", "i32"},
                                                                         {"int64", "i64"},
                                                                         {"uint8", "u8"},
                                                                         {"uint16", "u16"},
                                                                         {"uint32", "u32"},
                                                                         {"uint64", "u64"},
                                                                         {"half", "fp16"},
                                                                         {"float16", "fp16"},
                                                                         {"float", "fp32"},
                                                                         {"float32", "fp32"},
                                                                         {"double", "fp64"},
                                                                         {"float64", "fp64"},
                                                                         {"bfloat16", "bf16"},
                                                                         {"float8_e4m3fn", "fp8e4nv"},
                                                                         {"float8_e5m2", "fp8e5"},
                                                                         {"float8_e4m3fnuz", "fp8e4b8"},
                                                                         {"float8_e5m2fnuz", "fp8e5b16"},
                                                                         {"float8e4nv", "fp8e4nv"},
                                                                         {"float8e5", "fp8e5"},
                                                                         {"float8e4b15", "fp8e4b15"},
                                                                         {"float8e4b8", "fp8e4b8"},
                                                                         {"float8e5b16", "fp8e5b16"},
                                                                         {"float8_e8m0fnu", "u8"},
                                                                         {"float4_e2m1fn_x2", "u8"},
                                                                         {"int", "i32"},
                                                                         {"long", "i64"},
                                                                         {"short", "i16"}};
  return map;
}

struct DtypeTable {
  std::vector<std::string> names;                    // by number
  std::unordered_map<PyObject *, uint32_t> byObject; // the objects are kept alive
  uint32_t number(const std::string &name) {
    for (uint32_t i = 0; i < names.size(); ++i)
      if (names[i] == name)
        return i;
    names.push_back(name);
    return static_cast<uint32_t>(names.size() - 1);
  }
};
DtypeTable &dtypes() {
  static auto *table = new DtypeTable;
  return *table;
}

uint32_t dtypeNumber(PyObject *dtype) {
  DtypeTable &table = dtypes();
  if (auto it = table.byObject.find(dtype); it != table.byObject.end())
    return it->second;
  std::string name = dtypeName(dtype);
  if (name.empty())
    return kNoDtype;
  uint32_t number = table.number(name);
  if (table.byObject.size() < 4096) {
    Py_INCREF(dtype);
    table.byObject.emplace(dtype, number);
  }
  return number;
}

// ---- tensors -------------------------------------------------------------------------------------------------------

// DLPack's structures, of its specification (versions 1.0 and 1.3).
struct DlDevice {
  int32_t type, id;
};
struct DlTensor {
  void *data;
  DlDevice device;
  int32_t ndim;
  uint8_t code, bits;
  uint16_t lanes;
  int64_t *shape, *strides;
  uint64_t byteOffset;
};
struct DlManaged {
  DlTensor tensor;
  void *context;
  void (*deleter)(DlManaged *);
};
} // namespace
struct DlExchange {
  struct {
    uint32_t major, minor;
  } version;
  DlExchange *previous;
  void *allocator, *fromObject, *toObject;
  int (*tensorFromObject)(void *object, DlTensor *out);
};
namespace {

const char *dlpackName(uint8_t code, uint8_t bits) {
  switch (code) {
  case 0:
    return bits == 8 ? "i8" : bits == 16 ? "i16" : bits == 32 ? "i32" : bits == 64 ? "i64" : nullptr;
  case 1:
    return bits == 8 ? "u8" : bits == 16 ? "u16" : bits == 32 ? "u32" : bits == 64 ? "u64" : nullptr;
  case 2:
    return bits == 16 ? "fp16" : bits == 32 ? "fp32" : bits == 64 ? "fp64" : nullptr;
  case 4:
    return "bf16";
  case 6:
    return "i1";
  case 10:
    return "fp8e4nv";
  case 11:
    return "fp8e4b8";
  case 12:
    return "fp8e5";
  case 13:
    return "fp8e5b16";
  case 14:
    return "u8";
  default:
    return nullptr;
  }
}
uint32_t dlpackNumber(uint8_t code, uint8_t bits) {
  static uint32_t cache[16][8]; // number + 1, by code and log2 of the bytes
  uint32_t log = bits <= 8 ? 0 : bits == 16 ? 1 : bits == 32 ? 2 : 3;
  bool cached = code < 16 && bits == 8u << log;
  if (cached && cache[code][log])
    return cache[code][log] - 1;
  const char *name = dlpackName(code, bits);
  if (!name) {
    PyErr_Format(PyExc_TypeError, "tensors of DLPack type code %d with %d bits cannot be passed to a kernel", code,
                 bits);
    return kNoDtype;
  }
  uint32_t number = dtypes().number(name);
  if (cached)
    cache[code][log] = number + 1;
  return number;
}

bool hasAttribute(PyObject *o, PyObject *name) {
  PyObject *found = PyObject_GetAttr(o, name);
  if (!found) {
    PyErr_Clear();
    return false;
  }
  Py_DECREF(found);
  return true;
}

TypeInfo decide(PyObject *object) {
  PyTypeObject *type = Py_TYPE(object);
  auto *typeObject = reinterpret_cast<PyObject *>(type);
  TypeInfo info;
  if (PyObject_TypeCheck(object, launcherType)) {
    info.handler = Handler::Function;
    return info;
  }
  if (PyTuple_Check(object)) {
    info.handler = hasAttribute(typeObject, names.fields) ? Handler::NamedTuple : Handler::Tuple;
    return info;
  }
  if (Reference kind{PyObject_GetAttr(typeObject, names.tesseraKind)}; kind && PyUnicode_Check(kind.get())) {
    std::string_view k = utf8(kind.get());
    info.handler = k == "constexpr"    ? Handler::Constexpr
                   : k == "dtype"      ? Handler::Dtype
                   : k == "descriptor" ? Handler::Descriptor
                                       : Handler::Unknown;
    if (info.handler != Handler::Unknown)
      return info;
  }
  PyErr_Clear();
  if (Reference capsule{PyObject_GetAttr(typeObject, names.exchange)}; capsule) {
    auto *api = static_cast<DlExchange *>(PyCapsule_GetPointer(capsule.get(), "dlpack_exchange_api"));
    while (api && api->version.major != 1)
      api = api->previous;
    if (api && api->tensorFromObject) {
      info.handler = Handler::Exchange;
      info.exchange = api;
      return info;
    }
  }
  PyErr_Clear();
  info.hasDevice = hasAttribute(object, names.device);
  if (hasAttribute(object, names.dataPtr) && hasAttribute(object, names.dtype))
    info.handler = Handler::DataPtr;
  else if (hasAttribute(typeObject, names.arrayInterface) && PyObject_CheckBuffer(object) &&
           hasAttribute(object, names.shape) && !PyFloat_Check(object) && PySequence_Check(object))
    info.handler = Handler::Array;
  else if (hasAttribute(object, names.cudaArray))
    info.handler = Handler::CudaArray;
  else if (hasAttribute(object, names.dlpack))
    info.handler = Handler::Dlpack;
  else if (PyIndex_Check(object))
    info.handler = Handler::Index;
  else if (PyType_GetSlot(type, Py_nb_float))
    info.handler = Handler::Real;
  else if (PyObject_CheckBuffer(object))
    info.handler = Handler::Buffer;
  else
    info.handler = Handler::Refused;
  PyErr_Clear();
  return info;
}

// A device object ("cpu", torch.device, …) onto DLPack's numbers; 0: unknown.
int32_t deviceTypeOf(PyObject *object) {
  Reference device(PyObject_GetAttr(object, names.device));
  if (!device) {
    PyErr_Clear();
    return 0;
  }
  if (PyObject_TypeCheck(device.get(), deviceType))
    return device.get() == active.device ? kOwnDevice : kForeignDevice;
  Reference type = PyUnicode_Check(device.get()) ? device : Reference(PyObject_GetAttr(device.get(), names.type));
  if (!type || !PyUnicode_Check(type.get())) {
    PyErr_Clear();
    return 0;
  }
  std::string_view t = utf8(type.get());
  t = t.substr(0, t.find(':'));
  return t == "cpu" ? 1 : t == "cuda" ? 2 : t == "hip" ? 10 : t == "xpu" ? 14 : t == "mps" ? 8 : t == "meta" ? -1 : 0;
}

bool readDataPtr(PyObject *object, bool hasDevice, Tensor &out) {
  Reference address(PyObject_CallMethodObjArgs(object, names.dataPtr, nullptr));
  if (!address)
    return false;
  if (!PyLong_Check(address.get())) {
    PyErr_Format(PyExc_TypeError, "data_ptr() of a %R object gives no int", Py_TYPE(object));
    return false;
  }
  out.address = PyLong_AsUnsignedLongLongMask(address.get());
  Reference dtype(PyObject_GetAttr(object, names.dtype));
  if (!dtype)
    return false;
  out.dtype = dtypeNumber(dtype.get());
  if (out.dtype == kNoDtype)
    return false; // before other questions, which would lose what is wrong
  out.deviceType = hasDevice ? deviceTypeOf(object) : 0;
  return true;
}

bool readArray(PyObject *object, Tensor &out) {
  Reference dtype(PyObject_GetAttr(object, names.dtype));
  if (!dtype)
    return false;
  out.dtype = dtypeNumber(dtype.get());
  if (out.dtype == kNoDtype)
    return false;
  out.deviceType = 1;
  Py_buffer view;
  if (PyObject_GetBuffer(object, &view, PyBUF_STRIDED_RO) == 0) {
    out.address = reinterpret_cast<uint64_t>(view.buf);
    out.readOnly = view.readonly;
    PyBuffer_Release(&view); // an array that the caller holds keeps its memory
    return true;
  }
  // Element types that no buffer can spell, bfloat16 among them.
  PyErr_Clear();
  Reference interface(PyObject_GetAttr(object, names.arrayInterface));
  PyObject *data = interface && PyDict_Check(interface.get()) ? PyDict_GetItemString(interface.get(), "data") : nullptr;
  if (!data || !PyTuple_Check(data) || PyTuple_Size(data) < 2) {
    PyErr_Clear();
    PyErr_Format(PyExc_TypeError, "the memory of a %R object cannot be reached", Py_TYPE(object));
    return false;
  }
  out.address = PyLong_AsUnsignedLongLongMask(PyTuple_GetItem(data, 0));
  out.readOnly = PyObject_IsTrue(PyTuple_GetItem(data, 1)) == 1;
  return !PyErr_Occurred();
}

// "<f4" and its like.
uint32_t typestrNumber(std::string_view t) {
  if (t.size() < 3 || t[0] == '>') {
    PyErr_Format(PyExc_TypeError, "arrays of type '%s' cannot be passed to a kernel", std::string(t).c_str());
    return kNoDtype;
  }
  uint8_t bits = static_cast<uint8_t>(8 * (t[2] - '0'));
  switch (t[1]) {
  case 'b':
    return dlpackNumber(6, 8);
  case 'i':
    return dlpackNumber(0, bits);
  case 'u':
    return dlpackNumber(1, bits);
  case 'f':
    return dlpackNumber(2, bits);
  default:
    PyErr_Format(PyExc_TypeError, "arrays of type '%s' cannot be passed to a kernel", std::string(t).c_str());
    return kNoDtype;
  }
}

bool readCudaArray(PyObject *object, Tensor &out) {
  Reference interface(PyObject_GetAttr(object, names.cudaArray));
  if (!interface)
    return false;
  PyObject *data = PyDict_Check(interface.get()) ? PyDict_GetItemString(interface.get(), "data") : nullptr;
  PyObject *type = data ? PyDict_GetItemString(interface.get(), "typestr") : nullptr;
  if (!data || !type || !PyTuple_Check(data) || PyTuple_Size(data) != 2 || !PyUnicode_Check(type)) {
    PyErr_Format(PyExc_TypeError, "__cuda_array_interface__ of a %R object is malformed", Py_TYPE(object));
    return false;
  }
  out.address = PyLong_AsUnsignedLongLongMask(PyTuple_GetItem(data, 0));
  out.readOnly = PyObject_IsTrue(PyTuple_GetItem(data, 1)) == 1;
  out.deviceType = 2;
  out.dtype = typestrNumber(utf8(type));
  return out.dtype != kNoDtype && !PyErr_Occurred();
}

bool readDlpack(PyObject *object, Tensor &out) {
  Reference capsule(PyObject_CallMethodObjArgs(object, names.dlpack, nullptr));
  if (!capsule)
    return false;
  auto *managed = static_cast<DlManaged *>(PyCapsule_GetPointer(capsule.get(), "dltensor"));
  if (!managed)
    return false;
  // Only looked at: the capsule is not consumed, so its own destructor gives the tensor back.
  const DlTensor &t = managed->tensor;
  out.address = reinterpret_cast<uint64_t>(t.data) + t.byteOffset;
  out.deviceType = t.device.type;
  out.dtype = dlpackNumber(t.code, t.bits);
  return out.dtype != kNoDtype;
}

bool readBuffer(PyObject *object, Tensor &out) {
  Py_buffer view;
  if (PyObject_GetBuffer(object, &view, PyBUF_RECORDS_RO) < 0)
    return false;
  out.address = reinterpret_cast<uint64_t>(view.buf);
  out.readOnly = view.readonly;
  out.deviceType = 1;
  std::string_view f = view.format ? view.format : "B";
  if (f.size() > 1 && (f[0] == '<' || f[0] == '=' || f[0] == '@'))
    f.remove_prefix(1);
  uint8_t bits = static_cast<uint8_t>(8 * view.itemsize);
  bool known = f.size() == 1;
  if (known && std::strchr("bhilqn", f[0]))
    out.dtype = dlpackNumber(0, bits);
  else if (known && std::strchr("BHILQNc", f[0]))
    out.dtype = dlpackNumber(1, bits);
  else if (known && std::strchr("efd", f[0]))
    out.dtype = dlpackNumber(2, bits);
  else if (known && f[0] == '?')
    out.dtype = dlpackNumber(6, 8);
  else
    PyErr_Format(PyExc_TypeError, "a buffer of format '%s' cannot be passed to a kernel", view.format);
  PyBuffer_Release(&view);
  return out.dtype != kNoDtype;
}

// Host memory, pinned host memory and memory that a framework manages for both sides.
bool isHostDevice(int32_t t) { return t == 1 || t == 3 || t == 11 || t == 13; }

bool fits(int32_t tensor, int32_t device) {
  if (tensor == kOwnDevice || device == kAnyDevice)
    return true;
  if (tensor == 0)
    return device != 0; // an object that does not say: trusted, where any tensor can be
  return device == 1 ? isHostDevice(tensor)
                     : tensor == device || (device == 2 && (tensor == 3 || tensor == 13)) ||
                           (device == 10 && (tensor == 11 || tensor == 2));
}

bool refuse(size_t index, int32_t tensor, int32_t device) {
  if (isHostDevice(tensor))
    PyErr_Format(PyExc_ValueError, "Pointer argument (at %zu) cannot be accessed from Triton (cpu tensor?)", index);
  else if (device == 1)
    PyErr_Format(
        PyExc_ValueError,
        "Pointer argument (at %zu) cannot be accessed from Triton (a tensor of an accelerator, and the kernel runs "
        "on the cpu)",
        index);
  else
    PyErr_Format(PyExc_ValueError,
                 "Pointer argument (at %zu) cannot be accessed from Triton (a tensor of another device)", index);
  return false;
}

} // namespace

const TypeInfo &typeInfo(PyObject *object) {
  static auto *known = new std::unordered_map<PyTypeObject *, TypeInfo>;
  static PyTypeObject *lastType;
  static const TypeInfo *last;
  PyTypeObject *type = Py_TYPE(object);
  if (type == lastType)
    return *last;
  auto it = known->find(type);
  if (it == known->end()) {
    Py_INCREF(reinterpret_cast<PyObject *>(type)); // so that the address stays this type's
    it = known->emplace(type, decide(object)).first;
  }
  lastType = type;
  last = &it->second; // nodes of an unordered_map do not move
  return it->second;
}

bool readTensor(PyObject *object, const TypeInfo &info, Tensor &out) {
  switch (info.handler) {
  case Handler::Exchange: {
    DlTensor t;
    if (info.exchange->tensorFromObject(object, &t) == 0) {
      out.address = reinterpret_cast<uint64_t>(t.data) + t.byteOffset;
      out.deviceType = t.device.type;
      out.dtype = dlpackNumber(t.code, t.bits);
      if (out.dtype != kNoDtype)
        return true;
    }
    PyErr_Clear();
    return readDataPtr(object, info.hasDevice, out);
  }
  case Handler::DataPtr:
    return readDataPtr(object, info.hasDevice, out);
  case Handler::Array:
    return readArray(object, out);
  case Handler::CudaArray:
    return readCudaArray(object, out);
  case Handler::Dlpack:
    return readDlpack(object, out);
  default:
    return readBuffer(object, out);
  }
}

// Whether an object in host memory says that its pages are locked: devices of CUDA and ROCm reach them at the same address. DLPack's exchange says of
// PyTorch's that they are host memory, no more.
static bool isPinned(PyObject *object) {
  Reference answer(PyObject_CallMethod(object, "is_pinned", nullptr));
  if (!answer)
    PyErr_Clear();
  return answer && PyObject_IsTrue(answer.get()) == 1;
}

bool checkDevice(size_t index, PyObject *object, int32_t tensor, int32_t device) {
  return fits(tensor, device) || (tensor == 1 && (device == 2 || device == 10) && isPinned(object)) ||
         refuse(index, tensor, device);
}

const std::string &dtypeSpelling(uint32_t number) { return dtypes().names[number]; }

std::string dtypeName(PyObject *dtype) {
  // torch says "torch.float32", NumPy "float32", ours "fp32".
  Reference shown(PyObject_Str(dtype));
  if (!shown)
    return {};
  std::string_view s = utf8(shown.get());
  if (size_t dot = s.rfind('.'); dot != std::string_view::npos && s[0] != '*')
    s.remove_prefix(dot + 1);
  if (s.substr(0, 7) == "<class ") { // numpy.float32, the class
    size_t end = s.find('\'');
    s = s.substr(0, end);
  }
  if (auto it = spellings().find(s); it != spellings().end())
    return it->second;
  static const char *own[] = {"fp16",    "bf16",  "fp32",     "fp64",    "i1",      "i8",  "i16",
                              "i32",     "i64",   "u1",       "u8",      "u16",     "u32", "u64",
                              "fp8e4nv", "fp8e5", "fp8e4b15", "fp8e4b8", "fp8e5b16"};
  for (const char *name : own)
    if (s == name)
      return s == "u1" ? "i1" : std::string(s);
  PyErr_Format(PyExc_TypeError, "tensors of dtype %R cannot be passed to a kernel", dtype);
  return {};
}

} // namespace tessera::python
