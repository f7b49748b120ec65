// NanComparisons.cpp - see NanComparisons.h
//
// SPDX-License-Identifier: Apache-2.0
#include "backends/nvidia/codegen/NanComparisons.h"

#include "llvm/Analysis/ValueTracking.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/DataLayout.h"
#include "llvm/IR/InlineAsm.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/KnownFPClass.h"

using namespace llvm;

namespace tessera::nvidia {

// Whether a value is at least zero, or NaN.
static bool neverNegative(Value *value, const DataLayout &layout) {
  if (auto *call = dyn_cast<CallInst>(value))
    if (auto *assembly = dyn_cast<InlineAsm>(call->getCalledOperand()))
      return assembly->getAsmString().starts_with("ex2.");
  return computeKnownFPClass(value, fcNegative, SimplifyQuery(layout)).cannotBeOrderedLessThanZero();
}

PreservedAnalyses NanComparisonsPass::run(Function &f, FunctionAnalysisManager &) {
  const DataLayout &layout = f.getParent()->getDataLayout();
  bool changed = false;
  for (Instruction &op : instructions(f)) {
    auto *compare = dyn_cast<FCmpInst>(&op);
    if (!compare || compare->getType()->isVectorTy())
      continue;
    if (isa<ConstantFP>(compare->getOperand(0)))
      compare->swapOperands();
    auto *bound = dyn_cast<ConstantFP>(compare->getOperand(1));
    if (!bound || bound->isNaN())
      continue;
    bool below = bound->getValueAPF().isNegative() && !bound->isZero();
    CmpInst::Predicate predicate = compare->getPredicate();
    bool always =
        (predicate == CmpInst::FCMP_OGT && below) || (predicate == CmpInst::FCMP_OGE && (below || bound->isZero()));
    if (!always || !neverNegative(compare->getOperand(0), layout))
      continue;
    compare->setPredicate(CmpInst::FCMP_ORD);
    compare->setOperand(1, ConstantFP::getZero(bound->getType()));
    changed = true;
  }
  return changed ? PreservedAnalyses::none() : PreservedAnalyses::all();
}

} // namespace tessera::nvidia
