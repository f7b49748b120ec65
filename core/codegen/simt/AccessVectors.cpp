// AccessVectors.cpp - which registers go together, and how they become words
//
// SPDX-License-Identifier: Apache-2.0
#include "core/codegen/simt/AccessVectors.h"

#include <map>

using namespace llvm;
using tessera::layout::LinearLayout;

namespace tessera::codegen::simt {

std::vector<AccessVector> accessVectors(const LinearLayout &l, unsigned firstBit, int64_t limit) {
  layout::Span registers(l.columnsOf(layout::kRegister));
  uint64_t elsewhere = 0;
  for (std::string_view in : {layout::kLane, layout::kWarp})
    for (uint64_t column : l.columnsOf(in))
      elsewhere |= column;
  int64_t width = 1;
  uint64_t runMask = 0;
  for (unsigned bit = firstBit; width * 2 <= limit && bit < l.outBits(); ++bit, width *= 2) {
    uint64_t unit = uint64_t(1) << bit;
    if ((elsewhere & unit) || !registers.contains(unit))
      break;
    runMask |= unit;
  }
  std::vector<AccessVector> vectors;
  std::map<uint64_t, size_t> known; // start of a run -> its vector
  constexpr unsigned kNone = ~0u;
  for (unsigned r = 0; r < (1u << l.inBits(layout::kRegister)); ++r) {
    uint64_t element = l.applyPacked(r), at = element & ~runMask;
    auto [it, isNew] = known.try_emplace(at, vectors.size());
    if (isNew)
      vectors.push_back({at, SmallVector<unsigned, 16>(static_cast<size_t>(width), kNone)});
    unsigned &place = vectors[it->second].registers[(element & runMask) >> firstBit];
    if (place == kNone)
      place = r;
  }
  return vectors;
}

Type *wordsType(LLVMContext &c, unsigned count, unsigned bits) {
  if (bits == 64)
    return count == 1 ? Type::getInt64Ty(c) : static_cast<Type *>(FixedVectorType::get(Type::getInt64Ty(c), count));
  if (count * bits <= 32)
    return IntegerType::get(c, count * bits);
  return FixedVectorType::get(Type::getInt32Ty(c), count * bits / 32);
}

// An element as the integer that memory holds.
static Value *asInteger(IRBuilderBase &b, Value *v, unsigned bits) {
  Type *t = v->getType(), *integer = b.getIntNTy(bits);
  if (t->isPointerTy())
    return b.CreatePtrToInt(v, integer);
  if (t->isFloatingPointTy())
    return b.CreateBitCast(v, integer);
  return b.CreateZExt(v, integer);
}

static Value *fromInteger(IRBuilderBase &b, Value *v, Type *t) {
  if (t->isPointerTy())
    return b.CreateIntToPtr(v, t);
  if (t->isFloatingPointTy())
    return b.CreateBitCast(v, t);
  return t->isIntegerTy(1) ? b.CreateICmpNE(v, ConstantInt::get(v->getType(), 0)) : v;
}

static Value *asVector(IRBuilderBase &b, ArrayRef<Value *> parts) {
  if (parts.size() == 1)
    return parts[0];
  Value *v = PoisonValue::get(FixedVectorType::get(parts[0]->getType(), static_cast<unsigned>(parts.size())));
  for (size_t i = 0; i < parts.size(); ++i)
    v = b.CreateInsertElement(v, parts[i], i);
  return v;
}

Value *packWords(IRBuilderBase &b, ArrayRef<Value *> elements, unsigned bits) {
  SmallVector<Value *, 16> integers, words;
  for (Value *v : elements)
    integers.push_back(asInteger(b, v, bits));
  if (bits >= 32)
    return asVector(b, integers);
  // Word by word: a vector of narrow elements as a whole would be taken apart again.
  size_t inWord = std::min<size_t>(32 / bits, integers.size());
  for (size_t i = 0; i < integers.size(); i += inWord) {
    Value *word = asVector(b, ArrayRef(integers).slice(i, inWord));
    words.push_back(b.CreateBitCast(word, b.getIntNTy(static_cast<unsigned>(inWord) * bits)));
  }
  return asVector(b, words);
}

SmallVector<Value *, 16> unpackWords(IRBuilderBase &b, Value *words, unsigned count, unsigned bits, Type *element) {
  SmallVector<Value *, 16> out;
  auto *vector = dyn_cast<FixedVectorType>(words->getType());
  unsigned numWords = vector ? vector->getNumElements() : 1, inWord = count / numWords;
  for (unsigned w = 0; w < numWords; ++w) {
    Value *word = vector ? b.CreateExtractElement(words, w) : words;
    if (inWord > 1)
      word = b.CreateBitCast(word, FixedVectorType::get(b.getIntNTy(bits), inWord));
    for (unsigned i = 0; i < inWord; ++i)
      out.push_back(fromInteger(b, inWord > 1 ? b.CreateExtractElement(word, i) : word, element));
  }
  return out;
}

} // namespace tessera::codegen::simt
