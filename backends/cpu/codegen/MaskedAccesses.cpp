// MaskedAccesses.cpp - masked loads and stores that LLVM's code generator gets wrong, written so that it gets them right
//
// SPDX-License-Identifier: Apache-2.0
//
// Before: %v = masked.load <8 x double> %p, <8 x i1> %m, <8 x double> %other        two registers of AVX2
// After:  %s = sext <8 x i1> %m to <8 x i64>
//         %l = maskload.pd.256 %p, (low half of %s)
//         %h = maskload.pd.256 %p + 32, (high half of %s)
//         %v = select %m, (%l and %h), %other
#include "backends/cpu/codegen/MaskedAccesses.h"

#include "llvm/Analysis/VectorUtils.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/IntrinsicsX86.h"
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

// The instruction of a register of such elements; not_intrinsic where there is none.
Intrinsic::ID instructionFor(const Type *element, bool isLoad) {
  if (element->isFloatTy())
    return isLoad ? Intrinsic::x86_avx_maskload_ps_256 : Intrinsic::x86_avx_maskstore_ps_256;
  if (element->isDoubleTy())
    return isLoad ? Intrinsic::x86_avx_maskload_pd_256 : Intrinsic::x86_avx_maskstore_pd_256;
  if (element->isIntegerTy(32))
    return isLoad ? Intrinsic::x86_avx2_maskload_d_256 : Intrinsic::x86_avx2_maskstore_d_256;
  if (element->isIntegerTy(64))
    return isLoad ? Intrinsic::x86_avx2_maskload_q_256 : Intrinsic::x86_avx2_maskstore_q_256;
  return Intrinsic::not_intrinsic;
}

// LLVM splits an access of several registers by its mask of i1. Where one half of that mask turns out to be a splat and the other to be off, 22.1.8
// loads the other half whole: lanes that are off get what lies there in memory. What turns out so late cannot be seen here, as where a
// loop of one iteration is left to the code generator; masks as wide as the elements are split rightly.
void accessByRegister(IntrinsicInst *access) {
  constexpr unsigned kRegisterBits = 256;
  bool isLoad = access->getIntrinsicID() == Intrinsic::masked_load;
  Value *pointer = access->getArgOperand(isLoad ? 0 : 1), *mask = access->getArgOperand(isLoad ? 1 : 2);
  Value *whole = access->getArgOperand(isLoad ? 2 : 0); // what passes through, or is stored
  auto *type = cast<FixedVectorType>(whole->getType());
  Intrinsic::ID instruction = instructionFor(type->getElementType(), isLoad);
  unsigned bits = type->getScalarSizeInBits(), all = type->getNumElements();
  if (isa<Constant>(mask) || instruction == Intrinsic::not_intrinsic || bits * all <= kRegisterBits)
    return;
  unsigned lanes = kRegisterBits / bits;
  IRBuilder<> b(access);
  Value *signs = b.CreateSExt(mask, FixedVectorType::get(b.getIntNTy(bits), all));
  SmallVector<Value *, 8> parts;
  for (unsigned first = 0; first < all; first += lanes) {
    SmallVector<int, 8> range(lanes);
    std::iota(range.begin(), range.end(), static_cast<int>(first));
    Value *at = b.CreateConstGEP1_64(b.getInt8Ty(), pointer, uint64_t(first) * bits / 8);
    Value *sign = b.CreateShuffleVector(signs, range);
    if (isLoad)
      parts.push_back(b.CreateIntrinsic(instruction, {at, sign}));
    else
      b.CreateIntrinsic(instruction, {at, sign, b.CreateShuffleVector(whole, range)});
  }
  if (isLoad) {
    Value *loaded = concatenateVectors(b, parts); // 0 in the lanes that are off
    access->replaceAllUsesWith(PatternMatch::match(whole, PatternMatch::m_PosZeroFP()) ||
                                       PatternMatch::match(whole, PatternMatch::m_ZeroInt())
                                   ? loaded
                                   : b.CreateSelect(mask, loaded, whole));
  }
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

void rewriteMaskedAccesses(llvm::Module &m, bool byRegister) {
  if (byRegister)
    for (IntrinsicInst *access : maskedAccesses(m))
      accessByRegister(access);
  storeKnownLanes(m);
}

} // namespace tessera::cpu
