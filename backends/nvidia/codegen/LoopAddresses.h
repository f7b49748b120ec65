// LoopAddresses.h - addresses in loops, of which what the loop changes is added first
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "llvm/IR/PassManager.h"

namespace tessera::nvidia {

// Rows of a tile that a loop walks along have one offset each that the loop does not change, and one for all that it does. Their sum is as the source has it,
// base + (row + changing) * size, an addition and a scaled addition for each row, of two instructions each. Where several rows have the same changing part, it is added to the
// base once for all of them, and a row is one addition:
//     base + (row + changing) * size    (base + changing * size) + row * size
// What stays in registers is row * size instead of row. Not in loops with wgmma, whose offsets LoopOffsets keeps in pairs of registers.
class LoopAddressesPass : public llvm::PassInfoMixin<LoopAddressesPass> {
public:
  llvm::PreservedAnalyses run(llvm::Function &f, llvm::FunctionAnalysisManager &fam);
};

} // namespace tessera::nvidia
