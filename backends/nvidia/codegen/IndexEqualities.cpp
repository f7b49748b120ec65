// IndexEqualities.cpp - see IndexEqualities.h
//
// SPDX-License-Identifier: Apache-2.0
#include "backends/nvidia/codegen/IndexEqualities.h"

#include "llvm/ADT/PostOrderIterator.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/Operator.h"

#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <vector>

using namespace llvm;

namespace tessera::nvidia {

namespace {

constexpr unsigned kDepth = 12; // of sums that are looked into
constexpr size_t kFewest = 3;   // comparisons that are worth the distance

// A sum modulo 2^32: terms, as they come, and a constant.
struct Sum {
  SmallVector<Value *, 4> terms;
  uint32_t constant = 0;

  void add(Value *value, unsigned depth) {
    if (auto *number = dyn_cast<ConstantInt>(value)) {
      constant += static_cast<uint32_t>(number->getZExtValue());
      return;
    }
    auto *op = dyn_cast<BinaryOperator>(value);
    bool isSum = op && (op->getOpcode() == Instruction::Add ||
                        (op->getOpcode() == Instruction::Or && cast<PossiblyDisjointInst>(op)->isDisjoint()));
    if (!isSum || depth == kDepth) {
      terms.push_back(value);
      return;
    }
    add(op->getOperand(0), depth + 1);
    add(op->getOperand(1), depth + 1);
  }
};

// index == value, where the index is a sum of 32 bits, extended to the value's width or not.
struct Equality {
  ICmpInst *compare;
  Value *value;
  CastInst *extension = nullptr; // null: of 32 bits itself
  Sum index;

  static std::optional<Equality> of(ICmpInst &compare) {
    if (!compare.isEquality() || !compare.getOperand(0)->getType()->isIntegerTy())
      return std::nullopt;
    for (unsigned side : {0u, 1u}) {
      Value *index = compare.getOperand(side), *value = compare.getOperand(1 - side);
      auto *extension = dyn_cast<CastInst>(index);
      if (extension && (isa<SExtInst>(extension) || isa<ZExtInst>(extension)))
        index = extension->getOperand(0);
      else
        extension = nullptr;
      if (!index->getType()->isIntegerTy(32) || isa<Constant>(value))
        continue;
      Equality equality{&compare, value, extension, {}};
      equality.index.add(index, 0);
      if (!equality.index.constant && equality.index.terms.size() == 1)
        continue; // the other side may be the index
      return equality;
    }
    return std::nullopt;
  }
};

// Equalities with one value of indices that differ by constants, in one loop.
struct Group {
  SmallVector<Equality, 8> members;
};

} // namespace

static void rewrite(Group &group) {
  const Equality &first = group.members.front();
  IRBuilder<> b(first.compare);
  Value *value = first.value, *fits = nullptr;
  if (first.extension) {
    value = b.CreateTrunc(first.value, b.getInt32Ty());
    fits = b.CreateICmpEQ(b.CreateCast(first.extension->getOpcode(), value, first.value->getType()), first.value);
  }
  Value *distance = value;
  for (Value *term : first.index.terms)
    distance = b.CreateSub(distance, term);
  if (fits) {
    std::set<uint32_t> taken;
    for (const Equality &e : group.members)
      taken.insert(e.index.constant);
    uint32_t free = 0;
    while (taken.contains(free))
      ++free;
    distance = b.CreateSelect(fits, distance, b.getInt32(free));
  }
  for (const Equality &e : group.members) {
    IRBuilder<> at(e.compare);
    e.compare->replaceAllUsesWith(at.CreateICmp(e.compare->getPredicate(), distance, at.getInt32(e.index.constant)));
    e.compare->eraseFromParent();
  }
}

PreservedAnalyses IndexEqualitiesPass::run(llvm::Function &f, FunctionAnalysisManager &fam) {
  auto &loops = fam.getResult<LoopAnalysis>(f);
  auto &dominators = fam.getResult<DominatorTreeAnalysis>(f);
  using Key = std::tuple<const Loop *, Value *, int, std::vector<Value *>>;
  std::map<Key, SmallVector<Group, 1>> groups;
  SmallVector<Key> order;
  for (BasicBlock *block : ReversePostOrderTraversal<llvm::Function *>(&f))
    for (Instruction &i : *block) {
      auto *compare = dyn_cast<ICmpInst>(&i);
      std::optional<Equality> equality = compare ? Equality::of(*compare) : std::nullopt;
      if (!equality)
        continue;
      int extension = equality->extension ? static_cast<int>(equality->extension->getOpcode()) : 0;
      // Sorted for comparison alone: code in the order of addresses would differ from one compile to the next.
      std::vector<Value *> terms(equality->index.terms.begin(), equality->index.terms.end());
      llvm::sort(terms);
      Key key{loops.getLoopFor(block), equality->value, extension, std::move(terms)};
      auto [at, isNew] = groups.try_emplace(key);
      if (isNew)
        order.push_back(key);
      Group *into = find_if(
          at->second, [&](const Group &group) { return dominators.dominates(group.members.front().compare, compare); });
      if (into == at->second.end()) {
        at->second.emplace_back();
        into = &at->second.back();
      }
      into->members.push_back(std::move(*equality));
    }
  bool changed = false;
  for (const Key &key : order)
    for (Group &group : groups[key])
      if (group.members.size() >= kFewest) {
        rewrite(group);
        changed = true;
      }
  return changed ? PreservedAnalyses::none() : PreservedAnalyses::all();
}

} // namespace tessera::nvidia
