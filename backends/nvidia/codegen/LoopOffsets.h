// LoopOffsets.h - addresses of loads beside matrix products, kept in registers
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "llvm/IR/PassManager.h"

namespace llvm {
class Loop;
class Value;
} // namespace llvm

namespace tessera::nvidia {

// Whether the loop holds wgmma instructions; any of matrix units.
bool multipliesMatrices(const llvm::Loop &loop);
bool multipliesTiles(const llvm::Loop &loop);

// 0, as an i64 of the entry block that neither LLVM nor the assembler knows to be 0: the top bit of a pointer parameter, which is 0 in every address of a device (CUDA C++
// Programming Guide, 64-bit addresses of at most 57 bits). Null: no parameter is a pointer.
llvm::Value *unknownZero(llvm::Function &f);

// In loops with wgmma: what does not change of a global address, the 64-bit offset of each access, becomes a value that the assembler does not
// compute again in every iteration. It would: an offset is a 32-bit number times the element's size, for which ptxas puts one IMAD.WIDE into the loop
// instead of a pair of registers. That instruction waits for the dispatch port while the matrix unit runs: on an H100, 128x256x64 tiles of fp16,
// 4096^3, such loops reached 630 TFLOP/s and 688 with IADD3 pairs (docs/rationale/pipelining.md).
//
// The offset is combined by exclusive or with unknownZero.
class LoopOffsetsPass : public llvm::PassInfoMixin<LoopOffsetsPass> {
public:
  llvm::PreservedAnalyses run(llvm::Function &f, llvm::FunctionAnalysisManager &fam);
};

} // namespace tessera::nvidia
