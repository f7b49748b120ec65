// FirstProducts.h - loops of products whose accumulators start at zero
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "llvm/IR/PassManager.h"

namespace tessera::nvidia {

// An asynchronous product can leave its accumulator unread (scale-d: PTX ISA, "wgmma.mma_async"). Where a loop's accumulators come in as zeros and only its first
// product reads them, that product leaves them unread in the first iteration, and they come in undefined: 128 registers that each warp would clear in
// front of its first copies (ptxas puts it there: 50 instructions of 64 bits, and once more in front of the loop). Zeros are left where the loop has no iteration, in a block of
// their own. Behind the last pass that simplifies, for which nothing could be said with what is undefined.
class FirstProductsPass : public llvm::PassInfoMixin<FirstProductsPass> {
public:
  llvm::PreservedAnalyses run(llvm::Function &f, llvm::FunctionAnalysisManager &fam);
};

} // namespace tessera::nvidia
