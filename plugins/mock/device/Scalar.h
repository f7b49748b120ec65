// Scalar.h - the meaning of one element, borrowed from the interpreter
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytecode/Module.h"

#include <cstdint>
#include <span>
#include <string>

namespace tessera::mock {

// Evaluates an elementwise op on the bits of its operands; false where the op is none.
bool scalarElementwise(const tbc::Op &op, const tbc::Module &module, std::span<const uint64_t> operands,
                       std::span<uint64_t> results);
uint64_t scalarRmw(tbc::Rmw kind, tbc::Elem elem, uint64_t old, uint64_t operand);
double scalarToDouble(tbc::Elem elem, uint64_t bits);
uint64_t scalarFromDouble(tbc::Elem elem, double value); // rounds to nearest even
int64_t scalarToInt(tbc::Elem elem, uint64_t bits);      // sign-extended

} // namespace tessera::mock
