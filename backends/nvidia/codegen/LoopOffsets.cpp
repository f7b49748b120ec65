// LoopOffsets.cpp - addresses of loads beside matrix products, kept in registers
//
// SPDX-License-Identifier: Apache-2.0
#include "backends/nvidia/codegen/LoopOffsets.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InlineAsm.h"
#include "llvm/IR/Instructions.h"

using namespace llvm;

namespace tessera::nvidia {

namespace {

constexpr unsigned kGlobal = 1; // the address space of device memory in NVPTX
// Pairs of registers that a loop's offsets may take: with the 128 accumulators of a lane and what else a loop holds, below the 255 of a lane.
constexpr size_t kMostOffsets = 24;

Argument *pointerParameter(llvm::Function &f) {
  for (Argument &a : f.args())
    if (a.getType()->isPointerTy() && !a.hasByValAttr())
      return &a;
  return nullptr;
}

} // namespace

Value *unknownZero(llvm::Function &f) {
  Argument *parameter = pointerParameter(f);
  if (!parameter)
    return nullptr;
  // As text, because the code generator takes the top bit of a pointer for known.
  IRBuilder<> entry(&*f.getEntryBlock().getFirstInsertionPt());
  auto *type = FunctionType::get(entry.getInt64Ty(), {parameter->getType()}, false);
  return entry.CreateCall(type, InlineAsm::get(type, "shr.u64 $0, $1, 63;", "=l,l", false), {parameter}, "zero");
}

static bool holds(const Loop &loop, StringRef instruction) {
  for (const BasicBlock *block : loop.blocks())
    for (const Instruction &i : *block)
      if (const auto *call = dyn_cast<CallInst>(&i))
        if (const auto *text = dyn_cast<InlineAsm>(call->getCalledOperand()))
          if (StringRef(text->getAsmString()).contains(instruction))
            return true;
  return false;
}

bool multipliesMatrices(const Loop &loop) { return holds(loop, "wgmma.mma_async"); }

bool multipliesTiles(const Loop &loop) { return multipliesMatrices(loop) || holds(loop, "mma.sync"); }

PreservedAnalyses LoopOffsetsPass::run(llvm::Function &f, FunctionAnalysisManager &fam) {
  if (!pointerParameter(f))
    return PreservedAnalyses::all();
  auto &loops = fam.getResult<LoopAnalysis>(f);
  Value *zero = nullptr;
  for (Loop *loop : loops.getLoopsInPreorder()) {
    if (!loop->isInnermost() || !multipliesMatrices(*loop))
      continue;
    MapVector<Instruction *, SmallVector<GetElementPtrInst *, 2>> offsets;
    for (BasicBlock *block : loop->blocks())
      for (Instruction &i : *block)
        if (auto *gep = dyn_cast<GetElementPtrInst>(&i);
            gep && gep->getAddressSpace() == kGlobal && gep->getNumIndices() == 1)
          if (auto *offset = dyn_cast<Instruction>(gep->getOperand(1));
              offset && offset->getType()->isIntegerTy(64) && loop->isLoopInvariant(offset) &&
              !loop->isLoopInvariant(gep->getPointerOperand()))
            offsets[offset].push_back(gep);
    if (offsets.size() > kMostOffsets)
      continue;
    for (auto &[offset, users] : offsets) {
      if (!zero)
        zero = unknownZero(f);
      Value *kept = IRBuilder<>(&**offset->getInsertionPointAfterDef()).CreateXor(offset, zero, "kept");
      for (GetElementPtrInst *gep : users)
        gep->setOperand(1, kept);
    }
  }
  return zero ? PreservedAnalyses::none() : PreservedAnalyses::all();
}

} // namespace tessera::nvidia
