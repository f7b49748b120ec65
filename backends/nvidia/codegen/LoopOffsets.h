// LoopOffsets.h - addresses of loads beside matrix products, kept in registers
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "llvm/IR/PassManager.h"

namespace llvm {
class Loop;
}

namespace tessera::nvidia {

// Whether the loop holds wgmma instructions.
bool multipliesMatrices(const llvm::Loop &loop);

// In loops with wgmma: what does not change of a global address, the 64-bit offset of each access, becomes a value that the assembler does not
// compute again in every iteration. It would: an offset is a 32-bit number times the element's size, for which ptxas puts one IMAD.WIDE into the loop
// instead of a pair of registers. That instruction waits for the dispatch port while the matrix unit runs: on an H100, 128x256x64 tiles of fp16,
// 4096^3, such loops reached 630 TFLOP/s and 688 with IADD3 pairs (docs/rationale/pipelining.md).
//
// The offset is combined by exclusive or with the top bit of a pointer parameter, which is 0 in every address of a device (CUDA C++ Programming Guide,
// 64-bit addresses of at most 57 bits); ptxas does not know that.
class LoopOffsetsPass : public llvm::PassInfoMixin<LoopOffsetsPass> {
public:
  llvm::PreservedAnalyses run(llvm::Function &f, llvm::FunctionAnalysisManager &fam);
};

} // namespace tessera::nvidia
