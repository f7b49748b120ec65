// Divisions.h - quotients and remainders of integers
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytecode/Module.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/IR/IRBuilder.h"

namespace tessera::nvidia {

// The instructions never trap (PTX ISA, "div": by zero an unspecified value), while LLVM calls its own undefined there. Guards around those cost four
// instructions an element and keep ptxas from sharing a divisor's reciprocal, so the instruction itself is written, as something without side effects.
// Divisors that are known stay LLVM's: it multiplies instead. code: DivSI, DivUI, RemSI or RemUI. isScalar: the operands are the program's, the same
// in all lanes, and usual ones take a shorter way. Empty: the common form.
llvm::SmallVector<llvm::Value *> divideIntegers(llvm::IRBuilderBase &b, tbc::Opcode code,
                                                llvm::ArrayRef<llvm::ArrayRef<llvm::Value *>> operands, bool isScalar);

} // namespace tessera::nvidia
