// Arguments.h - what a call passes: classes for the specialisation key, values for the kernel
// SPDX-License-Identifier: Apache-2.0
//
// Triton's rules: None and constexpr parameters are constants; an int 1 is one unless the parameter says otherwise; ints and
// addresses that 16 divides say so; types follow the values where no annotation forces them.
#pragma once

#include "frontends/python/extension/Tensors.h"
#include "runtime/api/tessera.h"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace tessera::python {

// One parameter of a jit function.
struct Parameter {
  Reference name, fallback; // fallback: the default; empty: none
  bool isConstexpr = false, isConst = false, specialise = true, specialiseAlignment = true;
  // Whether a negative number that 16 divides says so. Kernels do not ask: as a stride it is none that copy engines take (docs/rationale/descriptors.md).
  bool specialiseNegative = false;
  std::string forced;       // type that the annotation names: "i32", "*fp16"; empty: none
  bool forcedPlain = false; // forced, and never specialised: floats and booleans
};

// A vector with room on the stack for nearly every call.
template <class T, size_t N> class Inline {
public:
  Inline() = default;
  Inline(const Inline &) = delete;
  Inline &operator=(const Inline &) = delete;
  void push(T v) {
    if (size_ < N)
      inline_[size_++] = v;
    else {
      if (heap_.empty())
        heap_.assign(inline_.begin(), inline_.end());
      heap_.push_back(v);
      ++size_;
    }
  }
  size_t size() const { return size_; }
  const T *data() const { return heap_.empty() ? inline_.data() : heap_.data(); }
  T *data() { return heap_.empty() ? inline_.data() : heap_.data(); }
  T &operator[](size_t i) { return data()[i]; }

private:
  std::array<T, N> inline_;
  std::vector<T> heap_;
  size_t size_ = 0;
};

// What one call amounts to. Borrows from the call's arguments.
struct CallFacts {
  Inline<uint64_t, 160> key;         // equal keys: the same compiled kernel
  Inline<TsrArgument, 64> values;    // of what stays a runtime parameter, in order; tuples flattened
  Inline<PyObject *, 16> keyObjects; // whose identity is part of the key: the table must keep them alive
  bool keyIsExact = true;            // false: a constant that only its text tells apart; do not remember the key
};

// Adds one argument. `index`: its position, for messages. `tensorDevice`: see DeviceObject. False: an error is set.
bool addArgument(const Parameter &parameter, PyObject *value, size_t index, int32_t tensorDevice, CallFacts &out);
// Adds a compile-time value (of a constexpr parameter or an option) to the key alone.
bool addConstant(PyObject *value, CallFacts &out);

// The word of the key that an int of 64 bits and a tensor make, and whether such an int is a constant then, which the kernel is not passed.
uint64_t integerKey(const Parameter &parameter, int64_t value);
bool isConstantKey(uint64_t word);
uint64_t tensorKey(const Parameter &parameter, const Tensor &tensor);

// The pair of Triton's specialisation, ("i32", "D"), of one argument, wherever its memory is. New reference.
PyObject *describeArgument(const Parameter &parameter, PyObject *value);

// Set by jit.py: the number that changes when a jit function's source does. Called with the function.
uint64_t generationOf(PyObject *function);

} // namespace tessera::python
