// IndexEqualities.h - which of a lane's indices is that one: distances instead of indices
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "llvm/IR/PassManager.h"

namespace tessera::nvidia {

// where(begin + lane == label, …) compares each of a lane's elements with one value. Their indices differ by constants, so the distance from the first index to the
// value is computed once and each comparison is one with a constant: begin + lane + 5 == label becomes label - begin - lane == 5, modulo 2^32 on both sides. Where the
// value has 64 bits and the index is extended to them, the value is narrowed; one that no index of 32 bits can be gets a distance that no element has.
// An element takes one instruction: of an index of 32 bits instead of two, of an extended one instead of five.
class IndexEqualitiesPass : public llvm::PassInfoMixin<IndexEqualitiesPass> {
public:
  llvm::PreservedAnalyses run(llvm::Function &f, llvm::FunctionAnalysisManager &fam);
};

} // namespace tessera::nvidia
