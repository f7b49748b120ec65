// EarlyStores.h - stores of a kernel's end as soon as what they need is there
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "llvm/IR/PassManager.h"

namespace tessera::nvidia {

// A kernel that ends with a tile's loads, its arithmetic and its stores says so of the whole tile: a lane loads all of its runs, computes all and stores all. ptxas keeps the order of
// loads and stores that may meet, so everything loaded is in registers at once. Where each run is loaded, computed and stored before the next one is loaded, fewer registers hold
// more blocks, and stores are under way while the rest is loaded.
//
// That puts loads behind stores that were in front of them, so what they touch must not meet. Addresses that are one pointer and constants tell that here. Of two pointers the kernel asks
// in front of the loads: unless they are the same, or what a lane loads lies apart from what it stores, the order stays as it was. Both are taken for three times as long as they are, since
// other lanes' runs lie between a lane's own.
class EarlyStoresPass : public llvm::PassInfoMixin<EarlyStoresPass> {
public:
  llvm::PreservedAnalyses run(llvm::Function &f, llvm::FunctionAnalysisManager &fam);
};

} // namespace tessera::nvidia
