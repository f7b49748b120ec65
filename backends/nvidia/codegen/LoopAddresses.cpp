// LoopAddresses.cpp - addresses in loops, of which what the loop changes is added first
//
// SPDX-License-Identifier: Apache-2.0
#include "backends/nvidia/codegen/LoopAddresses.h"

#include "backends/nvidia/codegen/LoopOffsets.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/PatternMatch.h"

#include <optional>
#include <tuple>

using namespace llvm;

namespace tessera::nvidia {

namespace {

constexpr unsigned kGlobal = 1; // the address space of device memory in NVPTX

// base + (row + changing) * scale, of which the loop changes `changing`.
struct Address {
  GetElementPtrInst *gep;
  Value *row, *changing;
  uint64_t scale; // bytes
};

std::optional<Address> addressOf(GetElementPtrInst &gep, const Loop &loop, const DataLayout &layout) {
  using namespace PatternMatch;
  if (gep.getAddressSpace() != kGlobal || gep.getNumIndices() != 1 || gep.getType()->isVectorTy())
    return {};
  Value *index = gep.getOperand(1), *inner = nullptr, *a = nullptr, *b = nullptr;
  if (!index->getType()->isIntegerTy(64))
    return {};
  uint64_t scale = layout.getTypeAllocSize(gep.getSourceElementType()).getFixedValue(), factor = 0;
  if (match(index, m_Shl(m_Value(inner), m_ConstantInt(factor))) && factor < 32) {
    scale <<= factor;
    index = inner;
  }
  if (!match(index, m_AddLike(m_Value(a), m_Value(b))) || isa<Constant>(a) || isa<Constant>(b) ||
      loop.isLoopInvariant(a) == loop.isLoopInvariant(b))
    return {};
  if (!loop.isLoopInvariant(a))
    std::swap(a, b);
  return Address{&gep, a, b, scale};
}

// value * scale, computed where the value is.
Value *scaled(Value *value, uint64_t scale, llvm::Function &f) {
  if (scale == 1)
    return value;
  auto *made = dyn_cast<Instruction>(value);
  IRBuilder<> at(&*(made ? *made->getInsertionPointAfterDef() : f.getEntryBlock().getFirstInsertionPt()));
  return isPowerOf2_64(scale) ? at.CreateShl(value, Log2_64(scale)) : at.CreateMul(value, at.getInt64(scale));
}

} // namespace

PreservedAnalyses LoopAddressesPass::run(llvm::Function &f, FunctionAnalysisManager &fam) {
  auto &loops = fam.getResult<LoopAnalysis>(f);
  auto &dominators = fam.getResult<DominatorTreeAnalysis>(f);
  DenseMap<std::pair<Value *, uint64_t>, Value *> rows;
  bool changed = false;
  for (Loop *loop : loops.getLoopsInPreorder()) {
    if (multipliesMatrices(*loop)) // what LoopOffsets keeps there are pairs of registers, where a row was one
      continue;
    // By base, what changes, and scale.
    MapVector<std::tuple<Value *, Value *, uint64_t>, SmallVector<Address, 4>> groups;
    for (BasicBlock *block : loop->blocks())
      if (loops.getLoopFor(block) == loop)
        for (Instruction &i : *block)
          if (auto *gep = dyn_cast<GetElementPtrInst>(&i))
            if (std::optional<Address> a = addressOf(*gep, *loop, f.getDataLayout()))
              groups[{gep->getPointerOperand(), a->changing, a->scale}].push_back(*a);
    for (auto &[key, group] : groups) {
      auto [base, changing, scale] = key;
      SmallPtrSet<Value *, 8> distinct;
      for (const Address &a : group)
        distinct.insert(a.row);
      if (distinct.size() < 2)
        continue;
      // Behind whichever of the two comes later.
      auto *made = cast<Instruction>(changing);
      if (auto *from = dyn_cast<Instruction>(base); from && dominators.dominates(made, from))
        made = from;
      Value *step = scaled(changing, scale, f);
      IRBuilder<> at(group.front().gep);
      if (auto place = made->getInsertionPointAfterDef())
        at.SetInsertPoint(*place);
      if (auto *s = dyn_cast<Instruction>(step); s && s != changing && made == changing)
        at.SetInsertPoint(s->getNextNode());
      Value *start = at.CreateGEP(at.getInt8Ty(), base, step);
      for (const Address &a : group) {
        Value *&row = rows[{a.row, scale}];
        if (!row)
          row = scaled(a.row, scale, f);
        IRBuilder<> inside(a.gep);
        a.gep->replaceAllUsesWith(inside.CreateGEP(inside.getInt8Ty(), start, row));
        a.gep->eraseFromParent();
      }
      changed = true;
    }
  }
  return changed ? PreservedAnalyses::none() : PreservedAnalyses::all();
}

} // namespace tessera::nvidia
