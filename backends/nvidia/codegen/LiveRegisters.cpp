// LiveRegisters.cpp - see LiveRegisters.h
//
// SPDX-License-Identifier: Apache-2.0
#include "backends/nvidia/codegen/LiveRegisters.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/IR/CFG.h"
#include "llvm/IR/DataLayout.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/Operator.h"

#include <algorithm>
#include <vector>

using namespace llvm;

namespace tessera::nvidia {

namespace {

class Liveness {
public:
  explicit Liveness(const Function &f) : layout_(f.getParent()->getDataLayout()) {
    for (const Instruction &op : instructions(f))
      for (const Value *operand : op.operands())
        if (const Instruction *value = registerOf(operand))
          carry(*value, op, operand);
  }

  // Bytes that are live at once in a block, at most: from its end to its begin.
  uint64_t mostIn(const BasicBlock &block) const {
    DenseSet<const Instruction *> live;
    uint64_t bytes = 0, most = 0;
    auto enter = [&](const Instruction *value) { bytes += live.insert(value).second ? bytesOf(*value) : 0; };
    if (auto out = liveOut_.find(&block); out != liveOut_.end())
      for (const Instruction *value : out->second)
        enter(value);
    most = bytes;
    for (const Instruction &op : reverse(block)) {
      if (isa<PHINode>(op)) // all of them at once
        break;
      if (live.erase(&op))
        bytes -= bytesOf(op);
      for (const Value *operand : op.operands())
        if (const Instruction *value = registerOf(operand))
          enter(value);
      most = std::max(most, bytes);
    }
    return most;
  }

private:
  const DataLayout &layout_;
  DenseMap<const BasicBlock *, DenseSet<const Instruction *>> liveIn_, liveOut_;

  // The instruction whose registers hold a value: what only names it anew or moves an address by a constant has none of its own. Null: nothing that lives in registers.
  static const Instruction *registerOf(const Value *v) {
    while (true) {
      const auto *op = dyn_cast<Instruction>(v);
      if (!op)
        return nullptr;
      const auto *address = dyn_cast<GetElementPtrInst>(op);
      if (!isa<BitCastInst, IntToPtrInst, PtrToIntInst, AddrSpaceCastInst, FreezeInst>(op) &&
          !(address && address->hasAllConstantIndices()))
        return op;
      v = op->getOperand(0);
    }
  }

  // Results that are taken apart live as their parts.
  uint64_t bytesOf(const Instruction &op) const {
    return op.getType()->isStructTy() ? 0 : layout_.getTypeSizeInBits(op.getType()).getFixedValue() / 8;
  }

  // `value` lives from where it is made to its use as `operand` of `user`.
  void carry(const Instruction &value, const Instruction &user, const Value *operand) {
    std::vector<const BasicBlock *> entered;
    auto leaves = [&](const BasicBlock *block) {
      if (liveOut_[block].insert(&value).second && block != value.getParent())
        entered.push_back(block);
    };
    if (const auto *phi = dyn_cast<PHINode>(&user)) {
      for (const BasicBlock *from : phi->blocks())
        if (phi->getIncomingValueForBlock(from) == operand)
          leaves(from);
    } else if (user.getParent() != value.getParent()) {
      entered.push_back(user.getParent());
    }
    while (!entered.empty()) {
      const BasicBlock *block = entered.back();
      entered.pop_back();
      if (liveIn_[block].insert(&value).second)
        for (const BasicBlock *before : predecessors(block))
          leaves(before);
    }
  }
};

} // namespace

uint32_t liveRegisters(const Function &f) {
  Liveness live(f);
  uint64_t most = 0;
  for (const BasicBlock &block : f)
    most = std::max(most, live.mostIn(block));
  return static_cast<uint32_t>((most + 3) / 4);
}

} // namespace tessera::nvidia
