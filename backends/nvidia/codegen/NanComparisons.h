// NanComparisons.h - comparisons that only a NaN fails, said as such
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "llvm/IR/PassManager.h"

namespace tessera::nvidia {

// ptxas takes |x| > -7 for true where x is NaN: comparisons "greater" with a negative constant and "greater or equal" with one that is not positive are gone from the
// machine code where the other side is an absolute value, a square or 2^x (ptxas 12.8 and 13.0, -arch=sm_90a, looked at in SASS; the PTX ISA says of setp that
// comparisons without `u` are false where an operand is NaN). Asked whether x is a number it does ask. So such comparisons become that question, of every value
// that LLVM or this pass knows to be negative never.
class NanComparisonsPass : public llvm::PassInfoMixin<NanComparisonsPass> {
public:
  llvm::PreservedAnalyses run(llvm::Function &f, llvm::FunctionAnalysisManager &fam);
};

} // namespace tessera::nvidia
