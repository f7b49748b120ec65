// FirstProducts.cpp - see FirstProducts.h
//
// SPDX-License-Identifier: Apache-2.0
#include "backends/nvidia/codegen/FirstProducts.h"

#include "llvm/Analysis/LoopInfo.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InlineAsm.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/PatternMatch.h"
#include "llvm/Transforms/Utils/BasicBlockUtils.h"
#include "llvm/Transforms/Utils/LoopUtils.h"

using namespace llvm;
using namespace llvm::PatternMatch;

namespace tessera::nvidia {

namespace {

constexpr StringRef kReads = "setp.eq.u32 p, 0, 0;"; // as NvLaneTarget::asyncMatrix writes that the accumulator counts

// A product that reads accumulators: its text where it is one.
const InlineAsm *productOf(const Instruction &i) {
  const auto *call = dyn_cast<CallInst>(&i);
  const auto *text = call ? dyn_cast<InlineAsm>(call->getCalledOperand()) : nullptr;
  StringRef code = text ? StringRef(text->getAsmString()) : StringRef();
  return code.contains("wgmma.mma_async") && code.contains(kReads) ? text : nullptr;
}

bool isZero(const Value *v) {
  const auto *constant = dyn_cast<Constant>(v);
  return constant && constant->isNullValue();
}

// The accumulators that the product reads, where all are the loop's own, come in as zeros, and are read by nothing else. Tied operands are the last ones.
SmallVector<PHINode *> zerosInto(const CallInst &product, const Loop &loop) {
  auto *outputs = dyn_cast<StructType>(product.getType());
  unsigned n = outputs ? outputs->getNumElements() : 1;
  SmallVector<PHINode *> found;
  for (unsigned i = product.arg_size() - n; i < product.arg_size(); ++i) {
    auto *phi = dyn_cast<PHINode>(product.getArgOperand(i));
    if (!phi || phi->getParent() != loop.getHeader() || !phi->hasOneUse() ||
        !isZero(phi->getIncomingValueForBlock(loop.getLoopPredecessor())))
      return {};
    found.push_back(phi);
  }
  return found;
}

// What is 0 in the loop's first iteration only: a count of iterations that is there, or a number of its own.
Value *iterationOf(const Loop &loop) {
  BasicBlock *before = loop.getLoopPreheader(), *latch = loop.getLoopLatch();
  for (PHINode &phi : loop.getHeader()->phis())
    if (phi.getType()->isIntegerTy(32) && match(phi.getIncomingValueForBlock(before), m_Zero()) &&
        match(phi.getIncomingValueForBlock(latch), m_c_Add(m_Specific(&phi), m_One())))
      return &phi;
  IRBuilder<> b(&loop.getHeader()->front());
  PHINode *phi = b.CreatePHI(b.getInt32Ty(), 2, "later");
  phi->addIncoming(b.getInt32(0), before);
  phi->addIncoming(b.getInt32(1), latch);
  return phi;
}

void readLater(CallInst *product, Value *iteration) {
  const auto *text = cast<InlineAsm>(product->getCalledOperand());
  auto *outputs = dyn_cast<StructType>(product->getType());
  unsigned operand = (outputs ? outputs->getNumElements() : 1) + product->arg_size();
  std::string code = text->getAsmString().str(), constraints = text->getConstraintString().str();
  code.replace(code.find(kReads), kReads.size(), "setp.ne.u32 p, $" + std::to_string(operand) + ", 0;");
  constraints.insert(constraints.find(",~{"), ",r");
  SmallVector<Value *> operands(product->args());
  operands.push_back(iteration);
  SmallVector<Type *> types;
  for (Value *v : operands)
    types.push_back(v->getType());
  IRBuilder<> b(product);
  auto *type = FunctionType::get(product->getType(), types, false);
  CallInst *later = b.CreateCall(type, InlineAsm::get(type, code, constraints, true), operands);
  later->setAttributes(product->getAttributes());
  product->replaceAllUsesWith(later);
  product->eraseFromParent();
}

// Zeros that come from in front of the loop where it has no iteration get a block of their own. The empty text keeps it.
void zerosApart(const Loop &loop, DominatorTree &tree, LoopInfo &loops) {
  BasicBlock *guard = loop.getLoopPreheader()->getSinglePredecessor();
  auto *branch = guard ? dyn_cast<BranchInst>(guard->getTerminator()) : nullptr;
  if (!branch || !branch->isConditional())
    return;
  BasicBlock *without = branch->getSuccessor(branch->getSuccessor(0) == loop.getLoopPreheader() ? 1 : 0);
  unsigned zeros = 0;
  for (PHINode &phi : without->phis())
    zeros += isZero(phi.getIncomingValueForBlock(guard));
  if (zeros < 8)
    return;
  if (BasicBlock *apart = SplitEdge(guard, without, &tree, &loops)) {
    IRBuilder<> b(apart->getTerminator());
    auto *type = FunctionType::get(b.getVoidTy(), false);
    b.CreateCall(type, InlineAsm::get(type, "", "", true));
  }
}

} // namespace

PreservedAnalyses FirstProductsPass::run(Function &f, FunctionAnalysisManager &fam) {
  auto &loops = fam.getResult<LoopAnalysis>(f);
  auto &tree = fam.getResult<DominatorTreeAnalysis>(f);
  bool changed = false;
  for (Loop *loop : loops.getLoopsInPreorder()) {
    BasicBlock *latch = loop->getLoopLatch();
    if (!loop->isInnermost() || !loop->getLoopPredecessor() || !latch)
      continue;
    SmallVector<std::pair<CallInst *, SmallVector<PHINode *>>> products;
    for (BasicBlock *block : loop->blocks())
      if (tree.dominates(block, latch)) // in every iteration
        for (Instruction &i : *block)
          if (productOf(i))
            if (SmallVector<PHINode *> zeros = zerosInto(cast<CallInst>(i), *loop); !zeros.empty())
              products.emplace_back(cast<CallInst>(&i), zeros);
    if (products.empty())
      continue;
    if (!loop->getLoopPreheader())
      InsertPreheaderForLoop(loop, &tree, &loops, nullptr, false);
    Value *iteration = iterationOf(*loop);
    for (auto &[product, zeros] : products) {
      for (PHINode *phi : zeros)
        phi->setIncomingValueForBlock(loop->getLoopPreheader(), UndefValue::get(phi->getType()));
      readLater(product, iteration);
    }
    zerosApart(*loop, tree, loops);
    changed = true;
  }
  return changed ? PreservedAnalyses::none() : PreservedAnalyses::all();
}

} // namespace tessera::nvidia
