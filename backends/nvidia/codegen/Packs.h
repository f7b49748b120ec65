// Packs.h - registers that are the elements of one 32-bit word
//
// SPDX-License-Identifier: Apache-2.0
//
// A tile's narrow elements are one LLVM scalar each, though loads, instructions for pairs and conversions make words of them. Who works on words again asks which
// registers came from one, in which order: taken in any other they would have to be put together anew.
#pragma once

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/IR/IRBuilder.h"

#include <vector>

namespace tessera::nvidia {

using Pack = llvm::SmallVector<unsigned, 4>; // numbers of registers, the first one in the low bits

// All registers in packs of `count` (which divides their number): those that are the elements of one vector in its order, as the operand with most such
// vectors has them, then the others as they follow each other. operands: of one op, equally many registers each.
std::vector<Pack> packsOf(llvm::ArrayRef<llvm::ArrayRef<llvm::Value *>> operands, unsigned count);

// The registers of a pack as a vector.
llvm::Value *vectorOf(llvm::IRBuilderBase &b, llvm::ArrayRef<llvm::Value *> registers, const Pack &pack);

// The word that holds a pack of four bytes: of constants, or where they are the elements of one vector in its order; else null.
llvm::Value *wordOf(llvm::IRBuilderBase &b, llvm::ArrayRef<llvm::Value *> registers, const Pack &pack);

} // namespace tessera::nvidia
