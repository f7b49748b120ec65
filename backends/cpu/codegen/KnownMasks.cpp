// KnownMasks.cpp - masked accesses whose mask the compiler knows, for some lanes or for all
//
// SPDX-License-Identifier: Apache-2.0
//
// Before: %m = and <8 x i1> <1, 1, 1, 1, 0, 0, 0, 0>, (splat of %c)      a tile of eight columns of which four are inside
//         %v = masked.load <8 x double> %p, %m                           two registers of AVX2
// After:  %l = masked.load <4 x double> %p, (splat of %c)                the second register is not read
//         %v = shuffle %l, (the second half of what passes through)
// Both rewritings here are shorter code, and both keep an access from LLVM's code generator, which gets it wrong.
#include "backends/cpu/codegen/KnownMasks.h"

#include "llvm/Analysis/VectorUtils.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/PatternMatch.h"

#include <numeric>

using namespace llvm;

namespace tessera::cpu {
namespace {

SmallVector<IntrinsicInst *, 16> maskedAccesses(llvm::Module &m) {
  SmallVector<IntrinsicInst *, 16> found;
  for (llvm::Function &f : m)
    for (BasicBlock &block : f)
      for (Instruction &i : block)
        if (auto *call = dyn_cast<IntrinsicInst>(&i); call && (call->getIntrinsicID() == Intrinsic::masked_load ||
                                                               call->getIntrinsicID() == Intrinsic::masked_store))
          found.push_back(call);
  return found;
}

SmallVector<int, 16> range(unsigned first, unsigned count) {
  SmallVector<int, 16> lanes(count);
  std::iota(lanes.begin(), lanes.end(), static_cast<int>(first));
  return lanes;
}

bool allOn(Value *mask) { return PatternMatch::match(mask, PatternMatch::m_AllOnes()); }
bool allOff(Value *mask) { return PatternMatch::match(mask, PatternMatch::m_Zero()); }

// Lanes [first, first + count) of a vector of i1, a constant where they are known.
Value *lanesOf(IRBuilder<> &b, Value *mask, unsigned first, unsigned count) {
  auto part = [&](Value *v) { return lanesOf(b, v, first, count); };
  if (auto *binary = dyn_cast<BinaryOperator>(mask)) {
    bool isAnd = binary->getOpcode() == Instruction::And, isOr = binary->getOpcode() == Instruction::Or;
    if (isAnd || isOr) {
      Value *l = part(binary->getOperand(0)), *r = part(binary->getOperand(1));
      for (auto [one, other] : {std::pair(l, r), std::pair(r, l)}) {
        if (isAnd ? allOn(one) : allOff(one))
          return other;
        if (isAnd ? allOff(one) : allOn(one))
          return one;
      }
      return b.CreateBinOp(binary->getOpcode(), l, r);
    }
  }
  if (auto *select = dyn_cast<SelectInst>(mask); select && !select->getCondition()->getType()->isVectorTy()) {
    Value *l = part(select->getTrueValue()), *r = part(select->getFalseValue());
    if (l == r)
      return l;
    // A splat of the condition is what the rest of the emitter makes of it.
    return allOn(l) && allOff(r) ? b.CreateVectorSplat(count, select->getCondition())
                                 : b.CreateSelect(select->getCondition(), l, r);
  }
  if (auto *shuffle = dyn_cast<ShuffleVectorInst>(mask); shuffle && shuffle->isZeroEltSplat())
    return b.CreateShuffleVector(shuffle->getOperand(0), SmallVector<int, 16>(count, 0));
  return b.CreateShuffleVector(mask, range(first, count)); // folds where mask is constant
}

// An access of several registers whose mask is in part known, register by register. LLVM's code generator (22.1.8, AVX2) splits such a load
// itself, and where one half of the mask is a splat of a scalar and the other is off it reads the other half whole: the lanes that are off get
// what lies there in memory instead of what passes through.
void splitAccess(IntrinsicInst *access, unsigned vectorBits) {
  bool isLoad = access->getIntrinsicID() == Intrinsic::masked_load;
  Value *pointer = access->getArgOperand(isLoad ? 0 : 1), *mask = access->getArgOperand(isLoad ? 1 : 2);
  Value *whole = access->getArgOperand(isLoad ? 2 : 0); // what passes through, or is stored
  auto *type = cast<FixedVectorType>(whole->getType());
  const DataLayout &layout = access->getModule()->getDataLayout();
  uint64_t bytes = layout.getTypeStoreSize(type->getElementType());
  auto lanes = static_cast<unsigned>(vectorBits / (8 * bytes)), all = type->getNumElements();
  if (isa<Constant>(mask) || lanes == 0 || all <= lanes || all % lanes != 0)
    return;
  IRBuilder<> b(access);
  SmallVector<Value *, 8> masks;
  for (unsigned first = 0; first < all; first += lanes)
    masks.push_back(lanesOf(b, mask, first, lanes));
  if (none_of(masks, [](Value *m) { return allOn(m) || allOff(m); }))
    return; // what was made for nothing has no use and no effect
  Align align = access->getParamAlign(isLoad ? 0 : 1).valueOrOne();
  SmallVector<Value *, 8> parts;
  for (auto [i, m] : enumerate(masks)) {
    auto first = static_cast<unsigned>(i) * lanes;
    Value *part = b.CreateShuffleVector(whole, range(first, lanes));
    Value *at = b.CreateConstGEP1_64(b.getInt8Ty(), pointer, first * bytes);
    Align own = commonAlignment(align, first * bytes);
    if (isLoad && allOn(m))
      part = b.CreateAlignedLoad(part->getType(), at, own);
    else if (isLoad && !allOff(m))
      part = b.CreateMaskedLoad(part->getType(), at, own, m, part);
    else if (!isLoad && allOn(m))
      b.CreateAlignedStore(part, at, own);
    else if (!isLoad && !allOff(m))
      b.CreateMaskedStore(part, at, own, m);
    parts.push_back(part);
  }
  if (isLoad)
    access->replaceAllUsesWith(concatenateVectors(b, parts));
  access->eraseFromParent();
}

// Masked stores whose mask is known become plain ones. Beside being shorter this keeps them from LLVM's code generator, which
// (22.1.8, AVX-512; llvm-project issue 179489) makes a truncation and a masked store of its result under a constant mask with one lane set into a
// scalar store of the width before the truncation: trunc <2 x i64> to <2 x i32>, mask <0, 1>, writes 8 bytes at the second lane.
void storeKnownLanes(llvm::Module &m) {
  for (IntrinsicInst *store : maskedAccesses(m)) {
    if (store->getIntrinsicID() != Intrinsic::masked_store || !isa<Constant>(store->getArgOperand(2)))
      continue;
    Value *value = store->getArgOperand(0), *pointer = store->getArgOperand(1);
    auto *mask = cast<Constant>(store->getArgOperand(2));
    auto *type = cast<FixedVectorType>(value->getType());
    Align align = store->getParamAlign(1).valueOrOne();
    SmallVector<unsigned, 64> on;
    bool known = true;
    for (unsigned i = 0; i < type->getNumElements(); ++i) {
      auto *bit = dyn_cast_or_null<ConstantInt>(mask->getAggregateElement(i));
      known &= bit != nullptr;
      if (bit && bit->isOne())
        on.push_back(i);
    }
    if (!known || (on.size() > 1 && on.size() < type->getNumElements()))
      continue;
    IRBuilder<> b(store);
    if (on.size() == type->getNumElements()) {
      b.CreateAlignedStore(value, pointer, align);
    } else if (on.size() == 1) {
      uint64_t bytes = m.getDataLayout().getTypeStoreSize(type->getElementType());
      Value *at = b.CreateConstInBoundsGEP1_64(b.getInt8Ty(), pointer, on[0] * bytes);
      b.CreateAlignedStore(b.CreateExtractElement(value, on[0]), at, commonAlignment(align, on[0] * bytes));
    }
    store->eraseFromParent();
  }
}

} // namespace

void resolveKnownMasks(llvm::Module &m, unsigned vectorBits) {
  for (IntrinsicInst *access : maskedAccesses(m))
    splitAccess(access, vectorBits);
  storeKnownLanes(m);
}

} // namespace tessera::cpu
