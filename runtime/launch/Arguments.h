// Arguments.h - put launch arguments where the kernel reads them
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime/launch/CompiledModule.h"

namespace tessera::runtime {

// One positional argument, as the caller has it.
struct ArgumentValue {
  enum Kind : uint32_t { Address, Int, UInt, Float };
  Kind kind;
  union {
    uint64_t u; // Address, UInt
    int64_t i;
    double f;
  };
  static ArgumentValue address(uint64_t v) {
    ArgumentValue a;
    a.kind = Address;
    a.u = v;
    return a;
  }
  static ArgumentValue integer(int64_t v) {
    ArgumentValue a;
    a.kind = Int;
    a.i = v;
    return a;
  }
  static ArgumentValue unsignedInteger(uint64_t v) {
    ArgumentValue a;
    a.kind = UInt;
    a.u = v;
    return a;
  }
  static ArgumentValue number(double v) {
    ArgumentValue a;
    a.kind = Float;
    a.f = v;
    return a;
  }
};

// Packs n values into `out` (kernel.argBytes long, padding left as it is). Integers are range-checked; floats are rounded to
// nearest even. False: `why` names the parameter. Allocates only for `why`.
bool packArguments(const KernelInfo &kernel, const ArgumentValue *values, size_t n, unsigned char *out,
                   std::string &why);

// Round to nearest even; NaN stays NaN.
uint16_t floatToHalfBits(double value);
uint16_t floatToBfloatBits(double value);

} // namespace tessera::runtime
