// Packs.cpp - see Packs.h
//
// SPDX-License-Identifier: Apache-2.0
#include "backends/nvidia/codegen/Packs.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/Instructions.h"

using namespace llvm;

namespace tessera::nvidia {

// The vector of `count` elements that the register was taken from, and which of them it is; null: none.
static std::pair<Value *, unsigned> sourceOf(Value *v, unsigned count) {
  auto *extract = dyn_cast<ExtractElementInst>(v);
  auto *type = extract ? dyn_cast<FixedVectorType>(extract->getVectorOperandType()) : nullptr;
  auto *index = type ? dyn_cast<ConstantInt>(extract->getIndexOperand()) : nullptr;
  if (!index || type->getNumElements() != count)
    return {nullptr, 0};
  return {extract->getVectorOperand(), static_cast<unsigned>(index->getZExtValue())};
}

std::vector<Pack> packsOf(ArrayRef<ArrayRef<Value *>> operands, unsigned count) {
  constexpr unsigned kNone = ~0u;
  std::vector<Pack> best;
  auto n = static_cast<unsigned>(operands[0].size());
  for (ArrayRef<Value *> registers : operands) {
    MapVector<Value *, Pack> byVector;
    for (unsigned r = 0; r < n; ++r)
      if (auto [vector, place] = sourceOf(registers[r], count); vector && place < count) {
        Pack &pack = byVector.try_emplace(vector, Pack(count, kNone)).first->second;
        if (pack[place] == kNone)
          pack[place] = r;
      }
    std::vector<Pack> whole;
    for (auto &[vector, pack] : byVector)
      if (!is_contained(pack, kNone))
        whole.push_back(pack);
    if (whole.size() > best.size())
      best = std::move(whole);
  }
  SmallVector<bool> taken(n, false);
  for (const Pack &pack : best)
    for (unsigned r : pack)
      taken[r] = true;
  Pack rest;
  for (unsigned r = 0; r < n; ++r) {
    if (taken[r])
      continue;
    rest.push_back(r);
    if (rest.size() == count) {
      best.push_back(rest);
      rest.clear();
    }
  }
  return best;
}

Value *vectorOf(IRBuilderBase &b, ArrayRef<Value *> registers, const Pack &pack) {
  Value *vector = PoisonValue::get(FixedVectorType::get(registers[0]->getType(), static_cast<unsigned>(pack.size())));
  for (size_t i = 0; i < pack.size(); ++i)
    vector = b.CreateInsertElement(vector, registers[pack[i]], uint64_t(i));
  return vector;
}

Value *wordOf(IRBuilderBase &b, ArrayRef<Value *> registers, const Pack &pack) {
  uint64_t constant = 0;
  bool allConstant = true, allOfOne = true;
  Value *source = sourceOf(registers[pack[0]], static_cast<unsigned>(pack.size())).first;
  for (unsigned i = 0; i < pack.size(); ++i) {
    auto *number = dyn_cast<ConstantInt>(registers[pack[i]]);
    allConstant &= number != nullptr;
    if (number)
      constant |= number->getZExtValue() << (8 * i);
    auto [vector, place] = sourceOf(registers[pack[i]], static_cast<unsigned>(pack.size()));
    allOfOne &= vector && vector == source && place == i;
  }
  if (allConstant)
    return b.getInt32(static_cast<uint32_t>(constant));
  return allOfOne ? b.CreateBitCast(source, b.getInt32Ty()) : nullptr;
}

} // namespace tessera::nvidia
