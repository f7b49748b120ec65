// WideShifts.cpp - see WideShifts.h
//
// SPDX-License-Identifier: Apache-2.0
#include "backends/nvidia/codegen/WideShifts.h"

#include "llvm/Analysis/ValueTracking.h"
#include "llvm/IR/DataLayout.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InlineAsm.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/PatternMatch.h"
#include "llvm/Support/KnownBits.h"

using namespace llvm;
using namespace llvm::PatternMatch;

namespace tessera::nvidia {

// Whether the lower half of a distance says the same as all of it: the upper one is 0, or repeats the sign, and then both are far too large.
static bool lowerHalfTells(Value *distance, const DataLayout &layout) {
  return computeKnownBits(distance, layout).countMaxActiveBits() <= 32 || ComputeNumSignBits(distance, layout) > 32;
}

PreservedAnalyses WideShiftsPass::run(Function &f, FunctionAnalysisManager &) {
  const DataLayout &layout = f.getParent()->getDataLayout();
  SmallVector<BinaryOperator *> shifts;
  for (Instruction &op : instructions(f))
    if ((op.getOpcode() == Instruction::Shl || op.getOpcode() == Instruction::LShr) && op.getType()->isIntegerTy(64) &&
        !lowerHalfTells(op.getOperand(1), layout))
      shifts.push_back(cast<BinaryOperator>(&op));
  for (BinaryOperator *shift : shifts) {
    IRBuilder<> b(shift);
    Value *distance = shift->getOperand(1);
    Value *nearest = b.CreateTrunc(b.CreateBinaryIntrinsic(Intrinsic::umin, distance, b.getInt64(64)), b.getInt32Ty());
    auto *type = FunctionType::get(b.getInt64Ty(), {b.getInt64Ty(), b.getInt32Ty()}, false);
    StringRef code = shift->getOpcode() == Instruction::Shl ? "shl.b64 $0, $1, $2;" : "shr.u64 $0, $1, $2;";
    Value *shifted = b.CreateCall(InlineAsm::get(type, code, "=l,l,r", false), {shift->getOperand(0), nearest});
    for (User *user : make_early_inc_range(shift->users())) // what the selection says is said by the instruction
      if (match(user, m_Select(m_SpecificICmp(ICmpInst::ICMP_ULT, m_Specific(distance), m_SpecificInt(64)),
                               m_Specific(shift), m_Zero()))) {
        user->replaceAllUsesWith(shifted);
        cast<Instruction>(user)->eraseFromParent();
      }
    shift->replaceAllUsesWith(shifted);
    shift->eraseFromParent();
  }
  return shifts.empty() ? PreservedAnalyses::all() : PreservedAnalyses::none();
}

} // namespace tessera::nvidia
