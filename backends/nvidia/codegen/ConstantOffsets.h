// ConstantOffsets.h - addresses that differ by constants, made of one another
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "llvm/IR/PassManager.h"

namespace tessera::nvidia {

// A global address that differs by a constant from one that was computed before it in the same loop becomes that one plus the constant. For loads and stores that is no
// instruction: they have room for 24 signed bits beside their address. Asynchronous copies have less (ptxas 13.0, sm_80 and sm_90a: 64 bytes are taken in, 4096 are not) and
// then take the two of a 64-bit addition, still less than the row anew: a tile's rows are such addresses, (start + row) * width + column in 32 bits which are then extended.
//
// LLVM's own pass (separate-const-offset-from-gep) does not look through shifts, and so finds none of them.
class ConstantOffsetsPass : public llvm::PassInfoMixin<ConstantOffsetsPass> {
public:
  llvm::PreservedAnalyses run(llvm::Function &f, llvm::FunctionAnalysisManager &fam);
};

} // namespace tessera::nvidia
