// Arguments.cpp - argument classes: None, numbers, tensors of any framework, tuples, constants
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/extension/Arguments.h"

#include "frontends/python/extension/Launcher.h"
#include "frontends/python/extension/Runtime.h"

#include <algorithm>
#include <cstring>
#include <unordered_map>

namespace tessera::python {
namespace {

// First byte of a key word; the rest depends on it.
enum Class : uint64_t {
  kNone = 1,
  kBool,
  kOne,
  kInt32,
  kInt64,
  kUInt64,
  kFloat,
  kTensor,
  kTuple,
  kNamedTuple,
  kForced,
  kConstInt,
  kConstBigInt,
  kConstFloat,
  kConstText,
  kConstIdentity,
  kConstFunction,
  kConstBool,
  kConstInexact,
  kDescriptor
};
constexpr uint64_t kAligned = 1u << 8; // 16 divides it

// ---- numbers -------------------------------------------------------------------------------------------------------

TsrArgument number(double v) { return tsr_arg_float(v); }

// What an int passes and how it is specialised. False: OverflowError.
bool readInt(PyObject *value, TsrArgument &argument, Class &cls) {
  int overflow = 0;
  long long v = PyLong_AsLongLongAndOverflow(value, &overflow);
  if (!overflow) {
    if (v == -1 && PyErr_Occurred())
      return false;
    argument = tsr_arg_int(v);
    cls = v >= INT32_MIN && v <= INT32_MAX ? kInt32 : kInt64;
    return true;
  }
  unsigned long long u = PyLong_AsUnsignedLongLong(value); // OverflowError where it does not fit
  if (u == static_cast<unsigned long long>(-1) && PyErr_Occurred())
    return false;
  argument = tsr_arg_uint(u);
  cls = kUInt64;
  return true;
}

const Parameter &plainParameter() {
  static const auto *p = new Parameter;
  return *p;
}

bool isAligned(const Parameter &p, const TsrArgument &a) {
  return p.specialiseAlignment && a.value.u % 16 == 0 && (a.value.i >= 0 || p.specialiseNegative);
}

uint64_t keyOf(const Parameter &p, const TsrArgument &a, Class cls) {
  if (cls == kInt32 && a.value.i == 1 && p.specialise)
    return kOne;
  return (p.forced.empty() ? cls : kForced) | (p.specialise && isAligned(p, a) ? kAligned : 0);
}

bool addInt(const Parameter &p, PyObject *value, CallFacts &out) {
  TsrArgument a;
  Class cls;
  if (!readInt(value, a, cls))
    return false;
  const uint64_t word = keyOf(p, a, cls);
  out.key.push(word);
  if (word != kOne || !p.forced.empty()) // an annotated int keeps its type even where it is 1
    out.values.push(a);
  return true;
}

bool addTensor(const Parameter &p, PyObject *value, const TypeInfo &info, size_t index, int32_t tensorDevice,
               CallFacts &out) {
  Tensor t;
  if (!readTensor(value, info, t))
    return false;
  if (!checkDevice(index, value, t.deviceType, tensorDevice))
    return false;
  out.key.push(tensorKey(p, t));
  out.values.push(tsr_arg_pointer(reinterpret_cast<const void *>(t.address)));
  return true;
}

// ---- descriptors ---------------------------------------------------------------------------------------------------

// Extents, strides or a block's shape: a sequence of ints.
bool readInts(PyObject *object, PyObject *name, std::vector<int64_t> &out) {
  Reference sequence(PyObject_GetAttr(object, name));
  Reference tuple(sequence ? PySequence_Tuple(sequence.get()) : nullptr);
  if (!tuple)
    return false;
  for (Py_ssize_t i = 0, n = PyTuple_Size(tuple.get()); i < n; ++i) {
    Reference integer(PyNumber_Index(PyTuple_GetItem(tuple.get(), i)));
    if (!integer)
      return false;
    out.push_back(PyLong_AsLongLong(integer.get()));
  }
  return !PyErr_Occurred();
}

struct Descriptor {
  Tensor base;
  std::vector<int64_t> shape, strides, block;
  bool nan = false;
  bool whole = false; // rows are multiples of 16 bytes long: what writes rows by such pieces stays within them
};

// Bytes of an element whose type is spelt so: "fp32", "fp8e5", "i8"; 0 of "i1".
int64_t elementBytes(std::string_view spelling) {
  size_t at = spelling.find_first_of("0123456789");
  int64_t bits = 0;
  for (; at < spelling.size() && spelling[at] >= '0' && spelling[at] <= '9'; ++at)
    bits = 10 * bits + (spelling[at] - '0');
  return bits / 8;
}

bool readDescriptor(PyObject *object, size_t index, int32_t tensorDevice, Descriptor &out) {
  Reference base(PyObject_GetAttr(object, names.base));
  if (!base)
    return false;
  const TypeInfo &info = typeInfo(base.get());
  if (!isTensor(info.handler)) {
    PyErr_Format(PyExc_TypeError, "the base of a tensor descriptor is %R, which is no tensor", Py_TYPE(base.get()));
    return false;
  }
  Reference padding(PyObject_GetAttr(object, names.padding));
  if (!padding)
    return false;
  out.nan = PyUnicode_Check(padding.get()) && utf8(padding.get()) == "nan";
  if (!readTensor(base.get(), info, out.base) || !checkDevice(index, base.get(), out.base.deviceType, tensorDevice) ||
      !readInts(object, names.shape, out.shape) || !readInts(object, names.strides, out.strides) ||
      !readInts(object, names.blockShape, out.block))
    return false;
  int64_t bytes = elementBytes(dtypeSpelling(out.base.dtype));
  out.whole = bytes && !out.shape.empty() && out.shape.back() % std::max<int64_t>(16 / bytes, 1) == 0;
  return true;
}

// What the kernel takes of a descriptor: the pointer, every extent, every stride but the last, which is 1.
bool addDescriptor(PyObject *value, size_t index, int32_t tensorDevice, CallFacts &out) {
  Descriptor d;
  if (!readDescriptor(value, index, tensorDevice, d))
    return false;
  if (d.shape.size() != d.block.size() || d.strides.size() != d.block.size()) {
    PyErr_SetString(PyExc_ValueError, "shape, strides and block_shape of a tensor descriptor are not equally long");
    return false;
  }
  if (d.base.address % 16) {
    PyErr_SetString(PyExc_ValueError, "base must be 16-byte aligned");
    return false;
  }
  out.key.push(kDescriptor | (d.nan ? kAligned : 0) | (uint64_t(d.whole) << 9) | (uint64_t(d.base.dtype) << 16) |
               (uint64_t(d.block.size()) << 48));
  for (int64_t extent : d.block)
    out.key.push(static_cast<uint64_t>(extent));
  out.values.push(tsr_arg_pointer(reinterpret_cast<const void *>(d.base.address)));
  for (int64_t extent : d.shape)
    out.values.push(tsr_arg_int(extent));
  for (size_t i = 0; i + 1 < d.strides.size(); ++i)
    out.values.push(tsr_arg_int(d.strides[i]));
  return true;
}

PyObject *describeDescriptor(PyObject *value) {
  Descriptor d;
  if (!readDescriptor(value, 0, kAnyDevice, d)) // where memory is, a launch checks
    return nullptr;
  std::string type = "tensordesc<" + dtypeSpelling(d.base.dtype) + "[";
  for (size_t i = 0; i < d.block.size(); ++i)
    type += (i ? ", " : "") + std::to_string(d.block[i]);
  type += std::string("]") + (d.nan ? ", nan" : "") + (d.whole ? ", whole>" : ">");
  return Py_BuildValue("(sO)", type.c_str(), Py_None);
}

bool unsupported(PyObject *value) {
  PyErr_Format(
      PyExc_TypeError,
      "Unsupported type %R: pass None, bool, int, float, a tuple, or a tensor (an object with "
      "data_ptr() and dtype, __dlpack__, __cuda_array_interface__ or the buffer protocol); what is known when the "
      "kernel is compiled, like a str or a function, goes to a parameter declared `tl.constexpr`",
      Py_TYPE(value));
  return false;
}

} // namespace

uint64_t integerKey(const Parameter &p, int64_t value) {
  return keyOf(p, tsr_arg_int(value), value == static_cast<int32_t>(value) ? kInt32 : kInt64);
}

bool isConstantKey(uint64_t word) { return word == kOne; }

uint64_t tensorKey(const Parameter &p, const Tensor &t) {
  bool aligned = p.specialise && p.specialiseAlignment && t.address % 16 == 0;
  return kTensor | (aligned ? kAligned : 0) | (uint64_t(t.readOnly) << 9) | (uint64_t(t.dtype) << 16);
}

bool addConstant(PyObject *value, CallFacts &out) {
  if (value == Py_None) {
    out.key.push(kNone);
    return true;
  }
  if (PyBool_Check(value)) {
    out.key.push(kConstBool | (value == Py_True ? kAligned : 0));
    return true;
  }
  if (PyLong_CheckExact(value)) {
    int overflow = 0;
    long long v = PyLong_AsLongLongAndOverflow(value, &overflow);
    if (overflow) {
      out.keyIsExact = false;
      return true;
    }
    out.key.push(kConstInt);
    out.key.push(static_cast<uint64_t>(v));
    return true;
  }
  if (PyFloat_CheckExact(value)) {
    double d = PyFloat_AsDouble(value);
    uint64_t bits;
    std::memcpy(&bits, &d, sizeof bits);
    out.key.push(kConstFloat);
    out.key.push(bits);
    return true;
  }
  if (PyUnicode_CheckExact(value)) {
    std::string_view s = utf8(value);
    if (PyErr_Occurred())
      return false;
    out.key.push(kConstText | (uint64_t(s.size()) << 8));
    for (size_t i = 0; i < s.size(); i += 8) {
      uint64_t word = 0;
      std::memcpy(&word, s.data() + i, std::min<size_t>(8, s.size() - i));
      out.key.push(word);
    }
    return true;
  }
  if (PyTuple_Check(value)) {
    Py_ssize_t n = PyTuple_Size(value);
    out.key.push((PyTuple_CheckExact(value) ? kTuple : kNamedTuple) | (uint64_t(n) << 8));
    if (!PyTuple_CheckExact(value)) {
      out.key.push(reinterpret_cast<uint64_t>(Py_TYPE(value)));
      out.keyObjects.push(reinterpret_cast<PyObject *>(Py_TYPE(value)));
    }
    for (Py_ssize_t i = 0; i < n; ++i)
      if (!addConstant(PyTuple_GetItem(value, i), out))
        return false;
    return true;
  }
  if (PyList_Check(value) || PyDict_Check(value) || PyAnySet_Check(value) || PyByteArray_Check(value)) {
    out.keyIsExact = false; // it may change under the same identity
    return true;
  }
  const TypeInfo &info = typeInfo(value);
  if (info.handler == Handler::Constexpr) {
    Reference inner(PyObject_GetAttr(value, names.value));
    // The inner value lives as long as the constexpr, which the table keeps where identity matters.
    return inner && addConstant(inner.get(), out);
  }
  if (info.handler == Handler::Function) {
    out.key.push(kConstFunction | (generationOf(value) << 8));
    out.key.push(reinterpret_cast<uint64_t>(value));
    out.keyObjects.push(value);
    return true;
  }
  out.key.push(kConstIdentity);
  out.key.push(reinterpret_cast<uint64_t>(value));
  out.keyObjects.push(value);
  return true;
}

bool addArgument(const Parameter &p, PyObject *value, size_t index, int32_t tensorDevice, CallFacts &out) {
  if (p.isConstexpr)
    return addConstant(value, out);
  PyTypeObject *type = Py_TYPE(value);
  if (value == Py_None) {
    out.key.push(kNone);
    if (!p.forced.empty())
      out.values.push(tsr_arg_pointer(nullptr));
    return true;
  }
  if (type == &PyLong_Type)
    return p.forcedPlain ? (out.key.push(kForced),
                            [&] {
                              TsrArgument a;
                              Class cls;
                              if (!readInt(value, a, cls))
                                return false;
                              out.values.push(a);
                              return true;
                            }())
                         : addInt(p, value, out);
  if (type == &PyFloat_Type) {
    out.key.push(p.forced.empty() ? kFloat : kForced);
    out.values.push(number(PyFloat_AsDouble(value)));
    return true;
  }
  if (type == &PyBool_Type) {
    out.key.push(p.forced.empty() ? kBool : kForced);
    out.values.push(tsr_arg_int(value == Py_True));
    return true;
  }
  const TypeInfo &info = typeInfo(value);
  switch (info.handler) {
  case Handler::Exchange:
  case Handler::DataPtr:
  case Handler::Array:
  case Handler::CudaArray:
  case Handler::Dlpack:
  case Handler::Buffer:
    return addTensor(p, value, info, index, tensorDevice, out);
  case Handler::Tuple:
  case Handler::NamedTuple: {
    Py_ssize_t n = PyTuple_Size(value);
    out.key.push((info.handler == Handler::Tuple ? kTuple : kNamedTuple) | (uint64_t(n) << 8));
    if (info.handler == Handler::NamedTuple) {
      out.key.push(reinterpret_cast<uint64_t>(type));
      out.keyObjects.push(reinterpret_cast<PyObject *>(type));
    }
    // The leaves are specialised whatever do_not_specialize says of the whole, as in Triton.
    const Parameter &item = plainParameter();
    for (Py_ssize_t i = 0; i < n; ++i)
      if (!addArgument(item, PyTuple_GetItem(value, i), index, tensorDevice, out))
        return false;
    return true;
  }
  case Handler::Descriptor:
    return addDescriptor(value, index, tensorDevice, out);
  case Handler::Constexpr:
  case Handler::Function:
  case Handler::Dtype:
    return addConstant(value, out);
  case Handler::Index: {
    Reference integer(PyNumber_Index(value));
    return integer && addInt(p, integer.get(), out);
  }
  case Handler::Real: {
    Reference real(PyNumber_Float(value));
    if (!real)
      return false;
    out.key.push(p.forced.empty() ? kFloat : kForced);
    out.values.push(number(PyFloat_AsDouble(real.get())));
    return true;
  }
  default:
    return unsupported(value);
  }
}

PyObject *describeArgument(const Parameter &p, PyObject *value) {
  if (p.isConstexpr)
    return Py_BuildValue("(sO)", "constexpr", value);
  if (p.forcedPlain)
    return Py_BuildValue("(sO)", p.forced.c_str(), Py_None);
  const char *forced = p.forced.empty() ? nullptr : p.forced.c_str();
  if (value == Py_None)
    return Py_BuildValue("(sO)", forced ? forced : "constexpr", Py_None);
  if (PyBool_Check(value))
    return Py_BuildValue("(sO)", forced ? forced : "u1", Py_None);
  Handler handler = PyLong_Check(value)    ? Handler::Index
                    : PyFloat_Check(value) ? Handler::Real
                                           : typeInfo(value).handler;
  switch (handler) {
  case Handler::Index: {
    Reference integer(PyNumber_Index(value));
    TsrArgument a;
    Class cls;
    if (!integer || !readInt(integer.get(), a, cls))
      return nullptr;
    if (cls == kInt32 && a.value.i == 1 && p.specialise)
      return Py_BuildValue("(si)", forced ? forced : "constexpr", 1);
    if (!forced)
      forced = cls == kInt32 ? "i32" : cls == kInt64 ? "i64" : "u64";
    if (!p.specialise)
      return Py_BuildValue("(sO)", forced, Py_None);
    return Py_BuildValue("(ss)", forced, isAligned(p, a) ? "D" : "");
  }
  case Handler::Real:
    return Py_BuildValue("(sO)", forced ? forced : "fp32", Py_None);
  case Handler::Exchange:
  case Handler::DataPtr:
  case Handler::Array:
  case Handler::CudaArray:
  case Handler::Dlpack:
  case Handler::Buffer: {
    Tensor t;
    if (!readTensor(value, typeInfo(value), t))
      return nullptr;
    std::string type = forced ? forced : std::string(p.isConst ? "*k" : "*") + dtypeSpelling(t.dtype);
    if (!p.specialise)
      return Py_BuildValue("(sO)", type.c_str(), Py_None);
    return Py_BuildValue("(ss)", type.c_str(), p.specialiseAlignment && t.address % 16 == 0 ? "D" : "");
  }
  case Handler::Tuple:
  case Handler::NamedTuple: {
    Py_ssize_t n = PyTuple_Size(value);
    Reference types(PyTuple_New(n)), keys(PyTuple_New(n));
    // The leaves are specialised whatever do_not_specialize says of the whole, as in Triton.
    const Parameter &item = plainParameter();
    for (Py_ssize_t i = 0; types && keys && i < n; ++i) {
      Reference pair(describeArgument(item, PyTuple_GetItem(value, i)));
      if (!pair)
        return nullptr;
      PyTuple_SetItem(types.get(), i, Reference::borrow(PyTuple_GetItem(pair.get(), 0)).release());
      PyTuple_SetItem(keys.get(), i, Reference::borrow(PyTuple_GetItem(pair.get(), 1)).release());
    }
    if (types && handler == Handler::NamedTuple) // the signature keeps the class
      types = Reference(PyObject_CallObject(reinterpret_cast<PyObject *>(Py_TYPE(value)), types.get()));
    if (!types || !keys)
      return nullptr;
    return Py_BuildValue("(OO)", types.get(), keys.get());
  }
  case Handler::Descriptor:
    return describeDescriptor(value);
  case Handler::Constexpr:
  case Handler::Dtype:
  case Handler::Function:
    return Py_BuildValue("(sO)", "constexpr", value);
  default:
    unsupported(value);
    return nullptr;
  }
}

} // namespace tessera::python
