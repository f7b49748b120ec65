// WideShifts.h - shifts of 64 bits by distances that need more than 32
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "llvm/IR/PassManager.h"

namespace tessera::nvidia {

// A shift by the width or more gives 0, which is written as `n < 64 ? x << n : 0`. shl.b64 and shr.u64 take a distance of 32 bits and give 0 from 64
// on (PTX ISA, "shl", "shr"), so LLVM 22's NVPTX target drops the selection, but it also drops the upper half of a distance of 64 bits: x << (1 << 40) was x. Where
// the upper half is not known, the instruction is written here, with the smaller one of the distance and 64. Behind the last pass that simplifies.
class WideShiftsPass : public llvm::PassInfoMixin<WideShiftsPass> {
public:
  llvm::PreservedAnalyses run(llvm::Function &f, llvm::FunctionAnalysisManager &fam);
};

} // namespace tessera::nvidia
