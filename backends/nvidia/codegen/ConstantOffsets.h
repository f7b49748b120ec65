// ConstantOffsets.h - addresses that differ by constants, made of one another
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "llvm/IR/PassManager.h"

namespace tessera::nvidia {

// A global address that differs by a constant from one that was computed before it in the same loop becomes that one plus the constant: no
// instruction, because loads, stores and asynchronous copies have room for 24 signed bits beside their address (LDG, STG, LDGSTS in the machine code
// of sm_75 to sm_120). A tile's rows are such addresses: (start + row) * width + column is computed row by row, in 32 bits which are then extended.
//
// LLVM's own pass (separate-const-offset-from-gep) does not look through shifts, and so finds none of them.
class ConstantOffsetsPass : public llvm::PassInfoMixin<ConstantOffsetsPass> {
public:
  llvm::PreservedAnalyses run(llvm::Function &f, llvm::FunctionAnalysisManager &fam);
};

} // namespace tessera::nvidia
