// Remainders.cpp - finds quotients, as NvLaneTarget writes them, all of whose products are subtracted from the dividend
// SPDX-License-Identifier: Apache-2.0
#include "backends/nvidia/codegen/Remainders.h"

#include "llvm/IR/InlineAsm.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/PatternMatch.h"

using namespace llvm;
using namespace llvm::PatternMatch;

namespace tessera::nvidia {

// The instruction's text where the call divides integers: "div.s32 $0, $1, $2;".
static StringRef divisionOf(const CallInst &call) {
  const auto *text = dyn_cast<InlineAsm>(call.getCalledOperand());
  if (!text || call.arg_size() != 2 || !call.getType()->isIntegerTy())
    return {};
  StringRef code = text->getAsmString();
  return code.starts_with("div.s") || code.starts_with("div.u") ? code : StringRef();
}

// The differences x - x / y * y, where these are all that reads the quotient; empty otherwise.
static SmallVector<Instruction *> remaindersOf(CallInst *quotient) {
  Value *x = quotient->getArgOperand(0), *y = quotient->getArgOperand(1);
  SmallVector<Instruction *> found;
  for (User *product : quotient->users()) {
    if (!match(product, m_c_Mul(m_Specific(quotient), m_Specific(y))))
      return {};
    for (User *difference : product->users()) {
      if (!match(difference, m_Sub(m_Specific(x), m_Specific(product))))
        return {};
      found.push_back(cast<Instruction>(difference));
    }
  }
  return found;
}

PreservedAnalyses RemaindersPass::run(Function &f, FunctionAnalysisManager &) {
  SmallVector<CallInst *> quotients;
  for (Instruction &at : instructions(f))
    if (auto *call = dyn_cast<CallInst>(&at); call && !divisionOf(*call).empty())
      quotients.push_back(call);
  bool changed = false;
  for (CallInst *quotient : quotients) {
    SmallVector<Instruction *> remainders = remaindersOf(quotient);
    if (remainders.empty())
      continue;
    const auto *text = cast<InlineAsm>(quotient->getCalledOperand());
    std::string code = "rem" + divisionOf(*quotient).drop_front(3).str();
    auto *remainder = cast<CallInst>(quotient->clone());
    remainder->setCalledOperand(InlineAsm::get(text->getFunctionType(), code, text->getConstraintString(), false));
    remainder->insertBefore(quotient->getIterator());
    for (Instruction *difference : remainders)
      difference->replaceAllUsesWith(remainder);
    changed = true;
  }
  return changed ? PreservedAnalyses::none() : PreservedAnalyses::all();
}

} // namespace tessera::nvidia
