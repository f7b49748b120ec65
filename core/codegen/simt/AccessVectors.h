// AccessVectors.h - registers of a lane as the vectors that memory takes, and the words that carry them
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/layout/LinearLayout.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/IR/IRBuilder.h"

#include <vector>

namespace tessera::codegen::simt {

// One access of a lane: registers that hold neighbours.
struct AccessVector {
  uint64_t at = 0; // packed output of the first one's register part; the bits that count the neighbours are 0
  llvm::SmallVector<unsigned, 16> registers; // by position in the vector, each the lowest that holds its element
};

// The distinct elements of a lane's registers, grouped into aligned runs along the output bits from `firstBit` on: as many
// as possible up to `limit` (a power of two), every run of one length, in the order of their lowest register. A run needs the
// lanes and warps to leave its bits alone. l: register, lane, warp -> anything.
std::vector<AccessVector> accessVectors(const layout::LinearLayout &l, unsigned firstBit, int64_t limit);

// The type in which `count` elements of `bits` (8 to 64) move at once: an integer where they fit 32 bits, a vector of i32
// above that, of i64 for elements of 64 bits. count: a power of two.
llvm::Type *wordsType(llvm::LLVMContext &c, unsigned count, unsigned bits);
// Elements in storage form (i1 as a byte of 0 or 1) to that type and back.
llvm::Value *packWords(llvm::IRBuilderBase &b, llvm::ArrayRef<llvm::Value *> elements, unsigned bits);
llvm::SmallVector<llvm::Value *, 16> unpackWords(llvm::IRBuilderBase &b, llvm::Value *words, unsigned count,
                                                 unsigned bits, llvm::Type *element);

} // namespace tessera::codegen::simt
