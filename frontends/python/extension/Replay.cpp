// Replay.cpp - what is recorded of a call, and what is compared of the next
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/extension/Replay.h"

#include <cstring>

namespace tessera::python {
namespace {

// An int that fits 64 bits. Any other: false, without an error.
bool readInteger(PyObject *object, int64_t &value) {
  int overflow = 0;
  value = PyLong_AsLongLongAndOverflow(object, &overflow);
  return !overflow;
}

} // namespace

bool Replay::guardConstant(PyObject *value, Guard &out) {
  int64_t integer = 0;
  const TypeInfo &info = typeInfo(value);
  if (PyLong_CheckExact(value)) {
    if (!readInteger(value, integer))
      return false;
    out.rule = Rule::ConstantInt;
    out.word = static_cast<uint64_t>(integer);
  } else if (info.handler == Handler::Function) {
    out.rule = Rule::SameFunction;
    out.word = generationOf(value);
  } else if (info.handler == Handler::Constexpr || PyTuple_Check(value)) {
    return false; // what they hold may change
  }
  out.object = Reference::borrow(value);
  return true;
}

bool Replay::guardArgument(const Parameter &parameter, PyObject *value, const DeviceObject &device, Guard &out) {
  if (parameter.isConstexpr)
    return guardConstant(value, out);
  if (!parameter.forced.empty())
    return false;
  out.how.specialise = parameter.specialise;
  out.how.specialiseAlignment = parameter.specialiseAlignment;
  out.how.specialiseNegative = parameter.specialiseNegative;
  out.passed = true;
  PyTypeObject *type = Py_TYPE(value);
  int64_t integer = 0;
  if (value == Py_None) {
    out.passed = false;
  } else if (type == &PyLong_Type) {
    if (!readInteger(value, integer))
      return false;
    out.rule = Rule::Int;
    out.word = integerKey(parameter, integer);
    out.passed = !isConstantKey(out.word);
  } else if (type == &PyFloat_Type) {
    out.rule = Rule::Float;
  } else if (type != &PyBool_Type) {
    out.info = typeInfo(value);
    Tensor tensor;
    if (!isTensor(out.info.handler) || !readTensor(value, out.info, tensor) ||
        tensor.deviceType != device.tensorDevice) {
      PyErr_Clear();
      return false;
    }
    out.rule = Rule::Tensor;
    out.word = tensorKey(parameter, tensor);
    out.type = Reference::borrow(reinterpret_cast<PyObject *>(type));
    return true;
  }
  out.object = Reference::borrow(value);
  return true;
}

// Puts a value where it is not read again: of an object that is the same the next time.
static bool writeScalar(PyObject *value, const TsrParameter &parameter, unsigned char *out) {
  if (parameter.kind == TSR_KIND_FLOAT) {
    auto number = static_cast<float>(PyFloat_AsDouble(value));
    std::memcpy(out + parameter.offset, &number, sizeof number);
    return parameter.size == sizeof number && PyFloat_CheckExact(value);
  }
  int64_t integer = 0;
  if (parameter.kind != TSR_KIND_INT || !PyLong_Check(value) || !readInteger(value, integer))
    return false;
  std::memcpy(out + parameter.offset, &integer, parameter.size);
  // A narrower one would have to be looked at for what it can hold. Booleans fit all.
  return PyBool_Check(value) || parameter.size == 8 ||
         (parameter.size == 4 && integer == static_cast<int32_t>(integer) && !(parameter.flags & TSR_FLAG_UNSIGNED));
}

std::shared_ptr<const Replay> Replay::record(const Signature &signature, Call &call, const DeviceObject &device,
                                             PyObject *compiled, const KernelObject &kernel) {
  const TsrKernelInfo &info = *kernel.info;
  const size_t n = call.nArgs + (call.keywords ? static_cast<size_t>(PyTuple_Size(call.keywords)) : 0);
  if (info.arg_bytes > kMaxBytes)
    return nullptr;
  auto replay = std::make_shared<Replay>();
  replay->nArgs_ = call.nArgs;
  replay->keywords_ = Reference::borrow(call.keywords);
  replay->device_ = &device;
  replay->compiled_ = Reference::borrow(compiled);
  replay->kernel_ = Reference::borrow(const_cast<PyObject *>(reinterpret_cast<const PyObject *>(&kernel)));
  replay->packed_.assign(info.arg_bytes, 0);
  replay->guards_.resize(n);
  const std::vector<int> *keywords = call.keywords ? keywordMap(signature, call.keywords) : nullptr;
  if (call.keywords && !keywords)
    return nullptr;
  uint32_t next = 0; // of the kernel's own parameters
  for (size_t p = 0; p < signature.parameters.size(); ++p) {
    size_t at = p < call.nArgs ? p : n; // n: by default
    for (size_t k = 0; keywords && k < keywords->size(); ++k)
      if ((*keywords)[k] == static_cast<int>(p))
        at = call.nArgs + k;
    Guard byDefault, &guard = at < n ? replay->guards_[at] : byDefault;
    if (!guardArgument(signature.parameters[p], call.bound[p], device, guard) ||
        (at == n && guard.rule == Rule::Tensor))
      return nullptr;
    if (!guard.passed)
      continue;
    if (next == info.n_parameters)
      return nullptr;
    const TsrParameter &parameter = info.parameters[next++];
    guard.offset = parameter.offset;
    guard.size = static_cast<uint16_t>(parameter.size);
    if (guard.rule == Rule::Tensor ? parameter.kind != TSR_KIND_POINTER
                                   : !writeScalar(call.bound[p], parameter, replay->packed_.data()))
      return nullptr;
  }
  for (size_t k = 0; keywords && k < keywords->size(); ++k)
    if ((*keywords)[k] < 0 && !guardConstant(call.args[call.nArgs + k], replay->guards_[call.nArgs + k]))
      return nullptr;
  return next == info.n_parameters ? replay : nullptr;
}

bool Replay::accepts(const Guard &guard, PyObject *value, unsigned char *packed) const {
  if (value == guard.object.get())
    return guard.rule != Rule::SameFunction || generationOf(value) == guard.word;
  int64_t integer = 0;
  switch (guard.rule) {
  case Rule::Same:
  case Rule::SameFunction:
    return false;
  case Rule::ConstantInt:
    return PyLong_CheckExact(value) && readInteger(value, integer) && static_cast<uint64_t>(integer) == guard.word;
  case Rule::Tensor: {
    Tensor tensor;
    if (reinterpret_cast<PyObject *>(Py_TYPE(value)) != guard.type.get())
      return false;
    if (!readTensor(value, guard.info, tensor)) {
      PyErr_Clear();
      return false;
    }
    if (tensor.deviceType != device_->tensorDevice || tensorKey(guard.how, tensor) != guard.word)
      return false;
    std::memcpy(packed + guard.offset, &tensor.address, sizeof tensor.address);
    return true;
  }
  case Rule::Int:
    if (!PyLong_CheckExact(value) || !readInteger(value, integer) || integerKey(guard.how, integer) != guard.word)
      return false;
    std::memcpy(packed + guard.offset, &integer, guard.size); // as wide as its key says
    return true;
  case Rule::Float:
    if (!PyFloat_CheckExact(value))
      return false;
    auto number = static_cast<float>(PyFloat_AsDouble(value));
    std::memcpy(packed + guard.offset, &number, sizeof number);
    return true;
  }
  return false;
}

int Replay::traverse(visitproc visit, void *arg) const {
  Py_VISIT(compiled_.get());
  Py_VISIT(kernel_.get());
  Py_VISIT(keywords_.get());
  for (const Guard &guard : guards_) {
    Py_VISIT(guard.object.get());
    Py_VISIT(guard.type.get());
  }
  return 0;
}

bool Replay::matches(PyObject *const *args, size_t nArgs, PyObject *keywords, const DeviceObject &device,
                     unsigned char packed[kMaxBytes]) const {
  if (nArgs != nArgs_ || keywords != keywords_.get() || &device != device_)
    return false;
  std::memcpy(packed, packed_.data(), packed_.size());
  for (size_t i = 0; i < guards_.size(); ++i)
    if (!accepts(guards_[i], args[i], packed))
      return false;
  return true;
}

} // namespace tessera::python
