// OffsetSums.h - offsets of a loop's tiles, added where they are needed instead of kept
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "llvm/IR/PassManager.h"

namespace tessera::nvidia {

// A tile whose strides are both known only at run time has an offset for each of its elements, row * stride + column * stride, which no loop around it changes: 64 x 64 elements
// in 4 warps are 32 sums of 64 bits a lane, of 8 rows and 4 columns. Moved out of the loop they take 64 registers for each tile that it reads, all through it. Where a loop has many
// of them, what moves from iteration to iteration is added to one part first and the other one then:
//     base + (row + column)    (base + column) + row
// That is one addition more for each column, and the rows and columns are what stays in registers.
//
// Where a lane has many rows of few columns that would still be an offset for each row. Rows that are a constant apart are made from one then, if the stride has 32 bits:
//     base + ((row + 8) * stride + column)    (base + (row * stride + column)) + 8 * stride
// That is one instruction for each row (mad.wide), and one offset stays in registers.
//
// Sums of 32 bits that are extended afterwards, as wrapping offsets are, stay sums of their parts, in the loop. They are moved into a loop of matrix products where all of
// them, with what the loop carries and loads, leave too few registers of a lane, or let more blocks on a multiprocessor when they are gone:
//     base + extend(row + column)
//
// Numbers of a tile's places that the loop does not take for addresses (the counters of a random generator) are added in the same order: changing + (row + column) becomes
// (changing + row) + column.
class OffsetSumsPass : public llvm::PassInfoMixin<OffsetSumsPass> {
public:
  llvm::PreservedAnalyses run(llvm::Function &f, llvm::FunctionAnalysisManager &fam);
};

} // namespace tessera::nvidia
