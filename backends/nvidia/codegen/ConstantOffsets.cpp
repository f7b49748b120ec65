// ConstantOffsets.cpp - addresses that differ by constants, made of one another
//
// An address is split into a pointer, terms and a constant. A term is extend(value << shift) * scale, where the shift is done
// in the value's own bits and may lose some. Sums of 64 bits split as they are: addresses are numbers modulo 2^64. Sums that are extended split
// where that is exact: the parts have no bit in common, or the sum does not wrap.
//
// SPDX-License-Identifier: Apache-2.0
#include "backends/nvidia/codegen/ConstantOffsets.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/PostOrderIterator.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/Operator.h"

#include <map>
#include <tuple>

using namespace llvm;

namespace tessera::nvidia {

namespace {

constexpr unsigned kGlobal = 1;                // the address space of device memory in NVPTX
constexpr int64_t kReach = (int64_t{1} << 23); // of the constant beside an address
constexpr unsigned kDepth = 12;                // of sums that are looked into

enum class Extension : uint8_t { None, Sign, Zero };

struct Term {
  Value *value;
  Extension extension;
  unsigned shift;
  uint64_t scale;
  bool operator<(const Term &o) const {
    return std::tie(value, extension, shift, scale) < std::tie(o.value, o.extension, o.shift, o.scale);
  }
};

struct Address {
  Value *pointer = nullptr;
  std::vector<Term> terms; // sorted
  uint64_t constant = 0;   // bytes, modulo 2^64
};

class AddressSplitter {
public:
  explicit AddressSplitter(const DataLayout &layout) : layout_(layout) {}
  bool split(GetElementPtrInst &gep);
  Address take() {
    llvm::sort(address_.terms);
    return std::move(address_);
  }

private:
  void add(Value *value, Term as, unsigned depth);

  const DataLayout &layout_;
  Address address_;
};

bool AddressSplitter::split(GetElementPtrInst &gep) {
  address_.pointer = &gep;
  while (auto *at = dyn_cast<GEPOperator>(address_.pointer)) {
    SmallMapVector<Value *, APInt, 4> variables;
    APInt constant(64, 0);
    if (layout_.getIndexTypeSizeInBits(at->getType()) != 64 || !at->collectOffset(layout_, 64, variables, constant))
      return address_.pointer != &gep;
    address_.constant += constant.getZExtValue();
    for (auto &[value, scale] : variables) {
      unsigned bits = value->getType()->getIntegerBitWidth();
      if (bits > 64)
        return false;
      add(value, {nullptr, bits < 64 ? Extension::Sign : Extension::None, 0, scale.getZExtValue()}, 0);
    }
    address_.pointer = at->getPointerOperand();
  }
  return true;
}

// extend(value << shift) * scale, `as` without a value of its own.
void AddressSplitter::add(Value *value, Term as, unsigned depth) {
  bool wide = as.extension == Extension::None, sign = as.extension == Extension::Sign;
  if (auto *constant = dyn_cast<ConstantInt>(value)) {
    APInt shifted = constant->getValue().shl(as.shift);
    address_.constant += (sign ? shifted.sextOrTrunc(64) : shifted.zextOrTrunc(64)).getZExtValue() * as.scale;
    return;
  }
  auto *op = dyn_cast<Operator>(value);
  if (op && depth < kDepth) {
    // What the extended sum is exact for: no wrap in the sense of the extension, before any bits are shifted out.
    auto exact = [&] {
      auto *o = dyn_cast<OverflowingBinaryOperator>(op);
      return wide || (as.shift == 0 && o && (sign ? o->hasNoSignedWrap() : o->hasNoUnsignedWrap()));
    };
    auto both = [&] {
      add(op->getOperand(0), as, depth + 1);
      add(op->getOperand(1), as, depth + 1);
    };
    auto *factor = op->getNumOperands() == 2 ? dyn_cast<ConstantInt>(op->getOperand(1)) : nullptr;
    switch (op->getOpcode()) {
    case Instruction::Or: // no common bit: at most one has the sign, and shifting keeps it so
      if (cast<PossiblyDisjointInst>(op)->isDisjoint())
        return both();
      break;
    case Instruction::Add:
      if (exact())
        return both();
      break;
    case Instruction::Shl:
      if (!factor || factor->getValue().uge(factor->getBitWidth()))
        break;
      if (exact())
        as.scale <<= factor->getZExtValue();
      else if (as.shift + factor->getZExtValue() < factor->getBitWidth())
        as.shift += static_cast<unsigned>(factor->getZExtValue());
      else
        break;
      return add(op->getOperand(0), as, depth + 1);
    case Instruction::Mul:
      if (!factor || !exact())
        break;
      as.scale *= (sign ? factor->getValue().sextOrTrunc(64) : factor->getValue().zextOrTrunc(64)).getZExtValue();
      return add(op->getOperand(0), as, depth + 1);
    case Instruction::SExt:
    case Instruction::ZExt:
      if (!wide)
        break;
      as.extension = op->getOpcode() == Instruction::SExt ? Extension::Sign : Extension::Zero;
      return add(op->getOperand(0), as, depth + 1);
    default:
      break;
    }
  }
  as.value = value;
  address_.terms.push_back(as);
}

} // namespace

PreservedAnalyses ConstantOffsetsPass::run(llvm::Function &f, FunctionAnalysisManager &fam) {
  auto &loops = fam.getResult<LoopAnalysis>(f);
  auto &dominators = fam.getResult<DominatorTreeAnalysis>(f);
  struct Known {
    GetElementPtrInst *address;
    uint64_t constant;
  };
  std::map<std::tuple<const Loop *, Value *, std::vector<Term>>, SmallVector<Known, 2>> known;
  SmallVector<std::pair<GetElementPtrInst *, Known>> made; // an address, and what it is made of
  for (BasicBlock *block : ReversePostOrderTraversal<llvm::Function *>(&f))
    for (Instruction &i : *block) {
      auto *gep = dyn_cast<GetElementPtrInst>(&i);
      if (!gep || gep->getType()->isVectorTy() || gep->getAddressSpace() != kGlobal || gep->hasAllConstantIndices())
        continue;
      AddressSplitter splitter(f.getDataLayout());
      if (!splitter.split(*gep))
        continue;
      Address address = splitter.take();
      auto &same = known[{loops.getLoopFor(block), address.pointer, std::move(address.terms)}];
      auto *found = llvm::find_if(same, [&](const Known &k) {
        auto distance = static_cast<int64_t>(address.constant - k.constant);
        return distance >= -kReach && distance < kReach && dominators.dominates(k.address, gep);
      });
      if (found != same.end())
        made.push_back({gep, {found->address, address.constant - found->constant}});
      else
        same.push_back({gep, address.constant});
    }
  for (auto &[gep, of] : made) {
    Value *address = of.address;
    IRBuilder<> at(gep);
    if (of.constant)
      address = at.CreateGEP(at.getInt8Ty(), address, at.getInt64(of.constant));
    gep->replaceAllUsesWith(address);
    gep->eraseFromParent();
  }
  return made.empty() ? PreservedAnalyses::all() : PreservedAnalyses::none();
}

} // namespace tessera::nvidia
