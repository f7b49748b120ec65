// ScalarSemantics.h - the meaning of every elementwise op on single values, as bit patterns
//
// SPDX-License-Identifier: Apache-2.0
//
// The interpreter maps these over tiles, the mock device over lanes, the range checker over single values. A bit pattern is
// zero-extended to 64 bits: an i8 of -1 is 0xff, an i1 is 0 or 1 (signed: 0 or -1), a pointer its address.
//
// Float arithmetic: f64 in double, everything else in float, rounded once into the type. Elementary functions are computed
// in a wider format and rounded. Nothing here traps; where Ops.def says "unspecified", a value is given all the same and
// isUnspecified tells.
#pragma once

#include "core/bytecode/Module.h"
#include "core/interpreter/Numerics.h"

namespace tessera::scalar {

// What an op needs to know besides its operands.
struct Context {
  Elem in = Elem::I32;     // element type of the first operand (select: of the second)
  Elem out = Elem::I32;    // element type of the result
  bool pointer = false;    // `in` is a pointer's pointee (addptr: scales the offset)
  Elem offset = Elem::I64; // addptr: type of the offset
  int64_t attr = 0;        // predicate or rounding
};

using Fn = uint64_t (*)(const Context &, uint64_t a, uint64_t b, uint64_t c);

// nullptr: not an elementwise op. Covers integer and float arithmetic, comparisons, select, conversions, addptr, hint.
Fn scalarFn(tbc::Opcode code, Elem in);
// The same for an op of a module: its operand and result types, its attributes.
Fn scalarFn(const tbc::Module &m, const tbc::Op &op, Context &context);

// Whether Ops.def leaves the result open for these operands: division by zero, min / -1, floats beyond an integer's range.
bool canBeUnspecified(tbc::Opcode code);
bool isUnspecified(tbc::Opcode code, const Context &context, uint64_t a, uint64_t b);

// Philox 4x32 or 4x64 by the type: in = key lo, key hi, c0..c3.
void philox(Elem e, int64_t rounds, const uint64_t in[6], uint64_t out[4]);

// The value that an atomic of this kind leaves in memory.
uint64_t atomicResult(tbc::Rmw kind, Elem e, uint64_t old, uint64_t value);

// One element of e2m1 (4 bits) or of an e8m0 scale (8 bits) as a double.
double decodeE2M1(unsigned nibble);
double decodeE8M0(unsigned byte);

} // namespace tessera::scalar
