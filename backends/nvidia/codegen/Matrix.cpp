// Matrix.cpp - matrix instructions on registers
//
// SPDX-License-Identifier: Apache-2.0
#include "backends/nvidia/codegen/NvLaneTarget.h"
#include "backends/nvidia/mma/Instructions.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/IR/PatternMatch.h"

using namespace llvm;
using namespace llvm::PatternMatch;
using tessera::codegen::simt::MatrixIssue;

namespace tessera::nvidia {

// Narrow elements fill 32-bit registers, the first one in the low bits; wide ones are registers already.
SmallVector<Value *> packRegisters(IRBuilderBase &b, ArrayRef<Value *> elements) {
  unsigned bits = elements.front()->getType()->getScalarSizeInBits();
  if (bits >= 32)
    return SmallVector<Value *>(elements);
  unsigned each = 32 / bits;
  SmallVector<Value *> out;
  auto *type = FixedVectorType::get(b.getIntNTy(bits), each);
  for (size_t i = 0; i + each <= elements.size(); i += each) {
    Value *word = PoisonValue::get(type);
    for (unsigned j = 0; j < each; ++j)
      word = b.CreateInsertElement(word, elements[i + j], uint64_t(j));
    out.push_back(b.CreateBitCast(word, b.getInt32Ty()));
  }
  return out;
}

SmallVector<Value *> unpackRegisters(IRBuilderBase &b, ArrayRef<Value *> registers, Type *element) {
  unsigned bits = element->getScalarSizeInBits();
  if (bits >= 32)
    return SmallVector<Value *>(registers);
  SmallVector<Value *> out;
  for (Value *word : registers) {
    Value *v = b.CreateBitCast(word, FixedVectorType::get(b.getIntNTy(bits), 32 / bits));
    for (unsigned j = 0; j < 32 / bits; ++j)
      out.push_back(b.CreateExtractElement(v, uint64_t(j)));
  }
  return out;
}

// Whether an f32 has no more digits than tf32, 11, whose lower 13 bits are zero then: it was a narrower float, or a byte of an integer added to a large number as
// conversions make of one. Rounding would give it back.
static bool fitsTf32(Value *v) {
  constexpr uint32_t kLower = 0x1fff;
  const APInt *mask;
  const APFloat *number;
  Value *x, *y;
  if (match(v, m_APFloat(number)))
    return (number->bitcastToAPInt().getZExtValue() & kLower) == 0;
  if (match(v, m_FPExt(m_Value(x))))
    return true; // of f16 or bf16: nothing else is narrower
  if (match(v, m_Select(m_Value(), m_Value(x), m_Value(y))))
    return fitsTf32(x) && fitsTf32(y);
  if (match(v, m_BitCast(m_Value(x))))
    return match(x, m_Shl(m_ZExt(m_Value(y)), m_SpecificInt(16))) ||
           (match(x, m_And(m_Value(), m_APInt(mask))) && (mask->getZExtValue() & kLower) == 0);
  return match(v, m_FSub(m_BitCast(m_Xor(m_ZExt(m_Value(x)), m_APInt(mask))), m_APFloat(number))) &&
         x->getType()->isIntegerTy(8) && mask->getZExtValue() >> 8 == 0x4b0000 &&
         (number->convertToFloat() == 8388608 || number->convertToFloat() == 8388736);
}

static char letterOf(Type *t) { return t->isFloatTy() ? 'f' : t->isDoubleTy() ? 'd' : 'r'; }

codegen::simt::MatrixForm NvLaneTarget::matrixForm(unsigned entry) const {
  std::vector<Instruction> all = instructionsOf(arch_.sm, arch_.specific);
  if (entry >= all.size())
    return {};
  const Instruction &i = all[entry];
  return {i.m, i.n, i.k, static_cast<tbc::Elem>(i.a), static_cast<tbc::Elem>(i.b), static_cast<tbc::Elem>(i.c)};
}

SmallVector<Value *> NvLaneTarget::matrix(IRBuilderBase &b, const MatrixIssue &issue) {
  const Instruction i = instructionsOf(arch_.sm, arch_.specific)[issue.entry];
  SmallVector<Value *> a = packRegisters(b, issue.aRegisters), bRegs = packRegisters(b, issue.bRegisters),
                       c = packRegisters(b, issue.accumulator);
  if (i.aText == "tf32" && !issue.rounded)
    for (SmallVector<Value *> *side : {&a, &bRegs})
      for (Value *&v : *side) // rounded to nearest: the instruction itself would cut the low bits off
        if (!fitsTf32(v))
          v = inlinePtx(b, b.getInt32Ty(), "cvt.rna.tf32.f32 $0, $1;", "=r,f", {v}, false);
  // {d…}, {a…}, {b…}, {c…}; c is tied to d. Integers wrap: no .satfinite.
  std::string text =
      "mma.sync.aligned." + i.shape + ".row.col." + i.cText + "." + i.aText + "." + i.bText + "." + i.cText + " ";
  unsigned next = 0;
  auto list = [&](size_t n) {
    std::string s = "{";
    for (size_t j = 0; j < n; ++j)
      s += (j ? ", $" : "$") + std::to_string(next++);
    return s + "}";
  };
  std::string d = list(c.size()), constraints, separator;
  SmallVector<Value *> operands;
  SmallVector<Type *> types;
  for (Value *v : c) {
    constraints += separator + "=" + letterOf(v->getType());
    separator = ",";
    types.push_back(v->getType());
  }
  text += d + ", " + list(a.size()) + ", " + list(bRegs.size()) + ", " + d + ";";
  for (Value *v : concat<Value *>(a, bRegs)) {
    constraints += std::string(",") + letterOf(v->getType());
    operands.push_back(v);
  }
  for (size_t j = 0; j < c.size(); ++j) {
    constraints += "," + std::to_string(j);
    operands.push_back(c[j]);
  }
  Type *result = c.size() == 1 ? types[0] : static_cast<Type *>(StructType::get(b.getContext(), types));
  Value *out = inlinePtx(b, result, text, constraints, operands, false);
  SmallVector<Value *> registers;
  for (unsigned j = 0; j < c.size(); ++j)
    registers.push_back(c.size() == 1 ? out : b.CreateExtractValue(out, j));
  return unpackRegisters(b, registers, issue.accumulator.front()->getType());
}

} // namespace tessera::nvidia
