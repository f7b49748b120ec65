// Tensors.h - what a kernel needs of a tensor, whatever framework it is from
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "frontends/python/extension/Reference.h"

namespace tessera::python {

// Number of an element type; kNoDtype: none, and an error is set.
constexpr uint32_t kNoDtype = UINT32_MAX;
// "fp32"
const std::string &dtypeSpelling(uint32_t number);
// "fp32" of a dtype object of torch, NumPy or this package, or "" with TypeError set.
std::string dtypeName(PyObject *dtype);

struct Tensor {
  uint64_t address = 0;
  uint32_t dtype = kNoDtype;
  int32_t deviceType = 0; // DLPack's; 0: not said; kOwnDevice, kForeignDevice: memory of this package
  bool readOnly = false;
};
constexpr int32_t kOwnDevice = 1000, kForeignDevice = 1001;

// Which way an object goes. Decided at the first object of a type, then remembered.
enum class Handler : uint8_t {
  Unknown,
  Exchange,
  DataPtr,
  Array,
  CudaArray,
  Dlpack,
  Buffer,
  Tuple,
  NamedTuple,
  Constexpr,
  Descriptor,
  Dtype,
  Function,
  Index,
  Real,
  Refused
};
struct DlExchange;
struct TypeInfo {
  Handler handler = Handler::Unknown;
  DlExchange *exchange = nullptr;
  bool hasDevice = true; // objects say where they live; asking one that does not costs an exception
};
const TypeInfo &typeInfo(PyObject *object);
inline bool isTensor(Handler h) { return h >= Handler::Exchange && h <= Handler::Buffer; }

// Reads a tensor; its type's handler must be one of those of isTensor. False: an error is set.
bool readTensor(PyObject *object, const TypeInfo &info, Tensor &out);
// In place of a device's number where it does not matter where a tensor lives: nothing is launched.
constexpr int32_t kAnyDevice = -1;
// Whether kernels on a device (DLPack's number, 0: memory of ours only) can read a tensor there; false: ValueError is set.
bool checkDevice(size_t index, PyObject *object, int32_t tensor, int32_t device);

} // namespace tessera::python
