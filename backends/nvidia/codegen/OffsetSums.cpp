// OffsetSums.cpp - offsets of a loop's tiles, added where they are needed instead of kept
//
// SPDX-License-Identifier: Apache-2.0
#include "backends/nvidia/codegen/OffsetSums.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/PatternMatch.h"

#include <array>
#include <optional>

using namespace llvm;

namespace tessera::nvidia {

namespace {

constexpr unsigned kGlobal = 1; // the address space of device memory in NVPTX
// Pairs of registers that a loop's sums may take and be kept: below that other values leave them room, and additions cost more than they save.
constexpr size_t kFewSums = 48;

// An address in a loop: of what the loop changes, and (parts[0] + parts[1]) * scale bytes that it does not.
struct Sum {
  GetElementPtrInst *address;
  std::array<Value *, 2> parts;
  uint64_t scale;
};

std::optional<Sum> sumOf(GetElementPtrInst &address, const Loop &loop, const DataLayout &layout) {
  if (address.getAddressSpace() != kGlobal || address.getNumIndices() != 1 || address.getType()->isVectorTy())
    return {};
  auto *offset = dyn_cast<Instruction>(address.getOperand(1));
  if (!offset || !offset->getType()->isIntegerTy(64) || !loop.isLoopInvariant(offset) ||
      loop.isLoopInvariant(address.getPointerOperand()))
    return {};
  Sum sum{&address, {}, layout.getTypeAllocSize(address.getSourceElementType()).getFixedValue()};
  using namespace PatternMatch;
  Value *shifted = nullptr;
  uint64_t shift = 0;
  if (match(offset, m_Shl(m_Value(shifted), m_ConstantInt(shift))) && shift < 32) {
    sum.scale <<= shift;
    offset = dyn_cast<Instruction>(shifted);
  }
  if (!offset || !match(offset, m_AddLike(m_Value(sum.parts[0]), m_Value(sum.parts[1]))) ||
      isa<Constant>(sum.parts[0]) || isa<Constant>(sum.parts[1]))
    return {};
  return sum;
}

// Parts of a loop's sums, each scaled once, where it is defined.
class ScaledParts {
public:
  explicit ScaledParts(llvm::Function &f) : f_(f) {}

  Value *of(Value *part, uint64_t scale) {
    if (scale == 1)
      return part;
    Value *&scaled = scaled_[{part, scale}];
    if (!scaled) {
      auto *made = dyn_cast<Instruction>(part);
      IRBuilder<> at(&*(made ? *made->getInsertionPointAfterDef() : f_.getEntryBlock().getFirstInsertionPt()));
      scaled = at.CreateMul(part, at.getInt64(scale));
    }
    return scaled;
  }

private:
  llvm::Function &f_;
  DenseMap<std::pair<Value *, uint64_t>, Value *> scaled_;
};

} // namespace

PreservedAnalyses OffsetSumsPass::run(llvm::Function &f, FunctionAnalysisManager &fam) {
  auto &loops = fam.getResult<LoopAnalysis>(f);
  const DataLayout &layout = f.getDataLayout();
  ScaledParts scaled(f);
  bool changed = false;
  for (Loop *loop : loops.getLoopsInPreorder()) {
    SmallVector<Sum> sums;
    for (BasicBlock *block : loop->blocks())
      if (loops.getLoopFor(block) == loop)
        for (Instruction &i : *block)
          if (auto *address = dyn_cast<GetElementPtrInst>(&i))
            if (std::optional<Sum> sum = sumOf(*address, *loop, layout))
              sums.push_back(*sum);
    SmallPtrSet<Value *, 32> kept;
    DenseMap<Value *, unsigned> uses; // of parts, in sums
    for (const Sum &sum : sums)
      if (kept.insert(sum.address->getOperand(1)).second)
        for (Value *part : sum.parts)
          ++uses[part];
    if (kept.size() <= kFewSums || uses.size() * 4 > kept.size() * 3)
      continue;
    DenseMap<std::pair<Value *, Value *>, Value *> moved;
    for (const Sum &sum : sums) {
      bool second = uses[sum.parts[1]] > uses[sum.parts[0]]; // the part that fewer others stand for
      Value *base = sum.address->getPointerOperand(), *first = scaled.of(sum.parts[second], sum.scale);
      Value *&from = moved[{base, first}];
      auto *made = cast<Instruction>(base); // the loop changes it
      if (!from) {
        IRBuilder<> at(&**made->getInsertionPointAfterDef());
        from = at.CreateGEP(at.getInt8Ty(), base, first);
      }
      IRBuilder<> at(sum.address);
      Value *address = at.CreateGEP(at.getInt8Ty(), from, scaled.of(sum.parts[!second], sum.scale));
      sum.address->replaceAllUsesWith(address);
      changed = true;
    }
    for (const Sum &sum : sums)
      sum.address->eraseFromParent();
  }
  return changed ? PreservedAnalyses::none() : PreservedAnalyses::all();
}

} // namespace tessera::nvidia
