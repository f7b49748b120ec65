// Replay.h - a call like one before: its kernel and packed arguments without a key
// SPDX-License-Identifier: Apache-2.0
//
// A key is made of every argument, hashed, looked up, and the values are packed: some thousand instructions of a call that is nearly always like
// the last one. A replay holds one condition an argument instead, which is true where the key's words would be the same, and the packed bytes
// with the places of what may differ. Objects that cannot change are the same when they are the same object.
#pragma once

#include "frontends/python/extension/Binding.h"
#include "frontends/python/extension/Runtime.h"

#include <memory>

namespace tessera::python {

class Replay {
public:
  // Calls whose packed arguments take more go the long way.
  static constexpr size_t kMaxBytes = 512;

  // Of a call that is bound, and whose key is exact. Null where an argument is of a kind that only its key tells: tuples, descriptors,
  // tensors that live elsewhere than on the device, annotated numbers, functions' constexpr objects.
  static std::shared_ptr<const Replay> record(const Signature &signature, Call &call, const DeviceObject &device,
                                              PyObject *compiled, const KernelObject &kernel);

  // Whether this call would get the same kernel; then `packed` holds its arguments. Sets no error: where it says no, the long way finds what is
  // wrong. May run the program's code, as reading a tensor may: keep what owns this alive.
  bool matches(PyObject *const *args, size_t nArgs, PyObject *keywords, const DeviceObject &device,
               unsigned char packed[kMaxBytes]) const;

  // For the garbage collector.
  int traverse(visitproc visit, void *arg) const;

  PyObject *compiled() const { return compiled_.get(); }
  KernelObject &kernel() const { return *reinterpret_cast<KernelObject *>(kernel_.get()); }

private:
  enum class Rule : uint8_t { Same, SameFunction, ConstantInt, Tensor, Int, Float };
  struct Guard {
    Rule rule = Rule::Same;
    bool passed = false; // the kernel takes the value
    uint16_t size = 0;   // bytes of it
    uint32_t offset = 0; // where they are
    uint64_t word = 0;   // of the key; SameFunction: its generation; ConstantInt: the value
    Parameter how;       // how it is specialised, its texts and defaults left out
    Reference object;    // the same object: nothing to do; empty for tensors
    Reference type;      // of a tensor
    TypeInfo info;
  };
  bool accepts(const Guard &guard, PyObject *value, unsigned char *packed) const;
  static bool guardConstant(PyObject *value, Guard &out);
  static bool guardArgument(const Parameter &parameter, PyObject *value, const DeviceObject &device, Guard &out);

  std::vector<Guard> guards_; // one for each argument of the call, positional ones first
  size_t nArgs_ = 0;
  Reference keywords_;
  const DeviceObject *device_ = nullptr;
  Reference compiled_, kernel_;
  std::vector<unsigned char> packed_;
};

} // namespace tessera::python
