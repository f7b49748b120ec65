// Arithmetic.cpp - elementwise ops that the device does better than the common form
//
// SPDX-License-Identifier: Apache-2.0
//
// Accuracy of approximate instructions: PTX ISA, "ex2", "rcp", "rsqrt", "div", "sqrt" (maximum errors in ulp or relative).
#include "backends/nvidia/codegen/Divisions.h"
#include "backends/nvidia/codegen/NvLaneTarget.h"
#include "backends/nvidia/codegen/Packs.h"
#include "core/codegen/VectorMath.h"

#include "llvm/IR/IntrinsicsNVPTX.h"

using namespace llvm;
using tessera::codegen::ElemType;
using tessera::tbc::AttrId;
using tessera::tbc::Elem;
using tessera::tbc::Op;
using tessera::tbc::Opcode;

namespace tessera::nvidia {

static Value *unary(IRBuilderBase &b, const char *text, Value *v) {
  return inlinePtx(b, b.getFloatTy(), std::string(text) + " $0, $1;", "=f,f", {v}, false);
}

// Errors: PTX ISA, "ex2" (2 ulp), "lg2" (2^-22, absolute between 1/2 and 2), "rcp" (1 ulp), "sqrt" (2^-23), "div" (.full: 2 ulp).
class Approximations final : public codegen::ApproximateFunctions {
public:
  V exp2(IRBuilderBase &b, V x) const override { return unary(b, "ex2.approx.ftz.f32", x); }
  V log2(IRBuilderBase &b, V x) const override { return unary(b, "lg2.approx.ftz.f32", x); }
  V reciprocal(IRBuilderBase &b, V x) const override { return unary(b, "rcp.approx.ftz.f32", x); }
  V sqrt(IRBuilderBase &b, V x) const override { return unary(b, "sqrt.approx.ftz.f32", x); }
  V divide(IRBuilderBase &b, V x, V y) const override {
    return inlinePtx(b, b.getFloatTy(), "div.full.f32 $0, $1, $2;", "=f,f,f", {x, y}, false);
  }
};

codegen::NumericOptions NvLaneTarget::numerics() const {
  static const Approximations approximations;
  codegen::NumericOptions n;
  n.contract = contract_;
  n.halfConversions = true;
  n.bfloatConversions = arch_.sm >= 80; // cvt.rn.bf16.f32
  n.fma = true;
  n.exactDivision = false; // div.rn is a call, around which wgmma waits
  n.approximations = &approximations;
  return n;
}

// e^x for f32: ex2.approx (2 ulp over its full range) of the product with log2(e). The product's rounding adds |x| 2^-24 of relative error; putting
// that back costs several instructions and a live register an element, which took a softmax of 16384 columns from two blocks a multiprocessor to one.
static Value *exponential(IRBuilderBase &b, Value *x, bool approximate, bool flush) {
  constexpr double kLog2E = 1.4426950408889634, kLn2 = 0.6931471805599453;
  constexpr float kHigh = static_cast<float>(kLog2E);
  auto constant = [&](double v) { return ConstantFP::get(b.getFloatTy(), v); };
  Value *product = b.CreateFMul(x, constant(kHigh)),
        *power = unary(b, flush && !approximate ? "ex2.approx.ftz.f32" : "ex2.approx.f32", product);
  if (approximate)
    return power;
  auto mulAdd = [&](Value *p, Value *q, Value *r) {
    return b.CreateIntrinsic(Intrinsic::fma, {b.getFloatTy()}, {p, q, r});
  };
  // e^x = 2^(product + rest): the rest is at most 2^-17, so 1 + rest ln 2 is its power to 2^-35.
  Value *rest = mulAdd(x, constant(kHigh), b.CreateFNeg(product));
  rest = mulAdd(x, constant(kLog2E - kHigh), rest);
  Value *exact = mulAdd(b.CreateFMul(power, constant(kLn2)), rest, power);
  // Outside of these 0 or infinity is right, and the rest may be no number.
  Value *inside = b.CreateAnd(b.CreateFCmpOLT(product, constant(128)), b.CreateFCmpOGT(product, constant(-151)));
  return b.CreateSelect(inside, exact, power);
}

// The op on f32 operands; null: no better form.
Value *NvLaneTarget::fastMath(IRBuilderBase &b, const Op &op, Elem elem, ArrayRef<V> v) {
  if (op.code == Opcode::Round) {
    // Half of its sign added towards zero, then the whole part: from 2^23 (2^52) on the sum is x again, below the largest number under a half it stays under
    // one. A conversion to an integer behind it drops the whole part, which is the conversion unit's, too.
    Type *type = v[0]->getType();
    Value *half = b.CreateBinaryIntrinsic(Intrinsic::copysign, ConstantFP::get(type, 0.5), v[0]);
    Value *sum =
        b.CreateIntrinsic(type, elem == Elem::F64 ? Intrinsic::nvvm_add_rz_d : Intrinsic::nvvm_add_rz_f, {v[0], half});
    return b.CreateUnaryIntrinsic(Intrinsic::trunc, sum);
  }
  if (elem == Elem::F64)
    return nullptr;
  bool propagate = op.code == Opcode::MinimumF || op.code == Opcode::MaximumF;
  switch (op.code) {
  case Opcode::MinNumF:
  case Opcode::MaxNumF:
  case Opcode::MinimumF:
  case Opcode::MaximumF: {
    // +0.0 > -0.0 holds for these (PTX ISA, "min", "max"); the NaN form came with sm_80.
    if (propagate && arch_.sm < 80)
      return nullptr;
    bool isMin = op.code == Opcode::MinNumF || op.code == Opcode::MinimumF;
    Intrinsic::ID id = isMin ? (propagate ? Intrinsic::nvvm_fmin_nan_f : Intrinsic::nvvm_fmin_f)
                             : (propagate ? Intrinsic::nvvm_fmax_nan_f : Intrinsic::nvvm_fmax_f);
    return b.CreateIntrinsic(b.getFloatTy(), id, {v[0], v[1]});
  }
  case Opcode::Exp:
    return exponential(b, v[0], op.intAttr(AttrId::Approx), flush_);
  case Opcode::Exp2:
    // The unit flushes by nature; keeping subnormal results takes a comparison and two multiplications more, each a third of an attention's softmax.
    return unary(b, flush_ ? "ex2.approx.ftz.f32" : "ex2.approx.f32", v[0]);
  case Opcode::Erf:
    return codegen::VectorMath(b, numerics()).lower(op.code, v);
  case Opcode::Rsqrt:
    return unary(b, flush_ ? "rsqrt.approx.ftz.f32" : "rsqrt.approx.f32", v[0]); // relative error 2^-22.9
  case Opcode::DivF:
    if (!op.intAttr(AttrId::Approx))
      return nullptr;
    return inlinePtx(b, b.getFloatTy(), "div.full.f32 $0, $1, $2;", "=f,f,f", {v[0], v[1]}, false);
  case Opcode::Sqrt:
    return op.intAttr(AttrId::Approx) ? unary(b, flush_ ? "sqrt.approx.ftz.f32" : "sqrt.approx.f32", v[0]) : nullptr;
  default:
    return nullptr;
  }
}

// What widenFp8 takes.
static bool widensByPairs(Elem e) { return e == Elem::F8E4M3FN || e == Elem::F8E5M2 || e == Elem::F8E4B15; }

// Two bytes of e4m3, e5m2 or e4b15 as two f16, exactly. pair: i16, the first one in the low byte.
static Value *fp8ToHalves(IRBuilderBase &b, Elem from, Value *pair, unsigned sm) {
  auto *halves = FixedVectorType::get(b.getHalfTy(), 2);
  if (sm >= 89 && from != Elem::F8E4B15) {
    const char *text =
        from == Elem::F8E4M3FN ? "cvt.rn.f16x2.e4m3x2 $0, $1;" : "cvt.rn.f16x2.e5m2x2 $0, $1;"; // PTX ISA, "cvt"
    return b.CreateBitCast(inlinePtx(b, b.getInt32Ty(), text, "=r,h", {pair}, false), halves);
  }
  // Each byte in the upper half of 16 bits: e5m2 is the upper half of an f16.
  Value *bytes = b.CreateIntrinsic(b.getInt32Ty(), Intrinsic::nvvm_prmt,
                                   {b.CreateZExt(pair, b.getInt32Ty()), b.getInt32(0), b.getInt32(0x1404)});
  if (from == Elem::F8E5M2)
    return b.CreateBitCast(bytes, halves);
  // A bit further down e4b15 is an f16, e4m3 a small one, 2^-8 of its value. The largest code of e4m3 is NaN: one more would carry.
  Value *magnitude = b.CreateLShr(b.CreateAnd(bytes, 0x7f007f00), 1);
  if (from == Elem::F8E4B15)
    return b.CreateBitCast(b.CreateOr(magnitude, b.CreateAnd(bytes, 0x80008000)), halves);
  Value *isNaN = b.CreateAnd(b.CreateAdd(magnitude, b.getInt32(0x00800080)), 0x40004000);
  Value *value = b.CreateFMul(b.CreateBitCast(magnitude, halves), ConstantFP::get(halves, 256));
  Value *bits = b.CreateOr(b.CreateBitCast(value, b.getInt32Ty()), b.CreateLShr(isNaN, 1)); // 480 becomes NaN
  return b.CreateBitCast(b.CreateOr(bits, b.CreateAnd(bytes, 0x80008000)), halves);
}

SmallVector<Value *> NvLaneTarget::widenFp8(IRBuilderBase &b, Elem from, Elem to, ArrayRef<V> values) {
  SmallVector<V> out;
  for (size_t i = 0; i + 1 < values.size(); i += 2) {
    V pair = b.CreateInsertElement(PoisonValue::get(FixedVectorType::get(b.getInt8Ty(), 2)), values[i], uint64_t(0));
    pair = b.CreateBitCast(b.CreateInsertElement(pair, values[i + 1], uint64_t(1)), b.getInt16Ty());
    V halves = fp8ToHalves(b, from, pair, arch_.sm);
    if (to == Elem::F16)
      halves = b.CreateBitCast(halves, FixedVectorType::get(b.getInt16Ty(), 2));
    for (uint64_t j : {0, 1}) {
      V half = b.CreateExtractElement(halves, j);
      out.push_back(to == Elem::F16 ? half : b.CreateFPExt(half, b.getFloatTy()));
    }
  }
  return to == Elem::BF16 ? convertFloats(b, Elem::F32, to, false, out) : out;
}

// Bytes of integers as floats, exactly, without the conversion unit, which takes one lane of four in a cycle ([G] arithmetic throughput): a byte in the low
// bits of a number whose unit in the last place is 1 adds itself to it, 1024 + u in f16 and 2^23 + u in f32, and a subtraction leaves u. A signed byte is
// u - 128 with its top bit flipped.
SmallVector<Value *> NvLaneTarget::widenBytes(IRBuilderBase &b, bool isSigned, Elem to, ArrayRef<V> values) {
  SmallVector<V> out;
  if (to == Elem::F16 && values.size() >= 2 && arch_.sm >= 75) {
    auto *halves = FixedVectorType::get(b.getHalfTy(), 2), *raw = FixedVectorType::get(b.getInt16Ty(), 2);
    out.resize(values.size());
    for (const Pack &pack : packsOf({values}, values.size() >= 4 ? 4 : 2)) {
      V word = b.CreateBitCast(vectorOf(b, values, pack), b.getIntNTy(8 * static_cast<unsigned>(pack.size())));
      word = b.CreateZExt(word, b.getInt32Ty());
      if (isSigned)
        word = b.CreateXor(word, 0x80808080);
      for (unsigned i = 0; i < pack.size();
           i += 2) { // PTX ISA, "prmt": two bytes of the word, each below a byte of 0x64
        V bits = b.CreateIntrinsic(b.getInt32Ty(), Intrinsic::nvvm_prmt,
                                   {word, b.getInt32(0x64646464), b.getInt32(i ? 0x4342 : 0x4140)});
        V two = b.CreateBitCast(
            b.CreateFSub(b.CreateBitCast(bits, halves), ConstantFP::get(halves, isSigned ? 1152 : 1024)), raw);
        out[pack[i]] = b.CreateExtractElement(two, uint64_t(0));
        out[pack[i + 1]] = b.CreateExtractElement(two, uint64_t(1));
      }
    }
    return out;
  }
  if (to != Elem::F32 && to != Elem::BF16)
    return {};
  for (V v : values) {
    V bits = b.CreateXor(b.CreateZExt(v, b.getInt32Ty()), isSigned ? 0x4b000080 : 0x4b000000);
    V number = b.CreateFSub(b.CreateBitCast(bits, b.getFloatTy()),
                            ConstantFP::get(b.getFloatTy(), isSigned ? 8388736 : 8388608));
    // A byte has no more digits than a bf16: its lower half is zero.
    if (to == Elem::BF16)
      number = b.CreateTrunc(b.CreateLShr(b.CreateBitCast(number, b.getInt32Ty()), 16), b.getInt16Ty());
    out.push_back(number);
  }
  return out;
}

// Integers to the narrow floats by one instruction, which rounds once (PTX ISA, "cvt"; to bf16 since sm_90). By way of f64, as targets without it do, costs a
// dozen, of a unit that most devices have little of.
SmallVector<Value *> NvLaneTarget::roundIntegers(IRBuilderBase &b, bool isSigned, Elem from, Elem to,
                                                 ArrayRef<V> values) {
  if (from == Elem::I1 || (to != Elem::F16 && (to != Elem::BF16 || arch_.sm < 90)))
    return {};
  Type *type = to == Elem::F16 ? b.getHalfTy() : b.getBFloatTy();
  SmallVector<V> out;
  for (V v : values)
    out.push_back(b.CreateBitCast(isSigned ? b.CreateSIToFP(v, type) : b.CreateUIToFP(v, type), b.getInt16Ty()));
  return out;
}

// Four bytes a word, where they are one already: words of constants and of loads. A sum may not carry from a byte into the next.
SmallVector<Value *> NvLaneTarget::bytesByWords(IRBuilderBase &b, Opcode code, ArrayRef<ArrayRef<V>> operands) {
  constexpr uint32_t kTops = 0x80808080;
  size_t n = operands[0].size();
  if (n < 4 || operands.size() != 2)
    return {};
  SmallVector<V> out(n);
  for (const Pack &pack : packsOf(operands, 4)) {
    V x = wordOf(b, operands[0], pack), y = wordOf(b, operands[1], pack), word = nullptr;
    if (!x || !y)
      return {};
    auto *constant = dyn_cast<ConstantInt>(y);
    switch (code) {
    case Opcode::AndI:
      word = b.CreateAnd(x, y);
      break;
    case Opcode::OrI:
      word = b.CreateOr(x, y);
      break;
    case Opcode::XorI:
      word = b.CreateXor(x, y);
      break;
    case Opcode::AddI:
      word = b.CreateXor(b.CreateAdd(b.CreateAnd(x, ~kTops), b.CreateAnd(y, ~kTops)),
                         b.CreateAnd(b.CreateXor(x, y), kTops));
      break;
    case Opcode::SubI:
      word = b.CreateXor(b.CreateSub(b.CreateOr(x, kTops), b.CreateAnd(y, ~kTops)),
                         b.CreateAnd(b.CreateXor(x, b.CreateNot(y)), kTops));
      break;
    case Opcode::ShlI:
    case Opcode::ShrUI: {
      uint32_t by = constant ? static_cast<uint32_t>(constant->getZExtValue()) & 0xff : 8;
      if (by > 7 || !constant->equalsInt(by * 0x01010101u)) // one distance for all four, less than the width
        return {};
      uint32_t kept = (code == Opcode::ShlI ? 0xffu << by & 0xff : 0xffu >> by) * 0x01010101u;
      word = b.CreateAnd(code == Opcode::ShlI ? b.CreateShl(x, by) : b.CreateLShr(x, by), kept);
      break;
    }
    default:
      return {};
    }
    V bytes = b.CreateBitCast(word, FixedVectorType::get(b.getInt8Ty(), 4));
    for (unsigned i = 0; i < 4; ++i)
      out[pack[i]] = b.CreateExtractElement(bytes, uint64_t(i));
  }
  return out;
}

// A bf16 is the upper half of its f32: of two in a word one is shifted there, the other one only loses its neighbour. LLVM shifts both, one of them down first.
SmallVector<Value *> NvLaneTarget::widenBfloats(IRBuilderBase &b, ArrayRef<V> values) {
  SmallVector<V> out;
  for (V v : values) {
    auto *extract = dyn_cast<ExtractElementInst>(v);
    auto *cast = extract ? dyn_cast<BitCastInst>(extract->getVectorOperand()) : nullptr;
    auto *place = extract ? dyn_cast<ConstantInt>(extract->getIndexOperand()) : nullptr;
    bool isUpper = cast && place && cast->getOperand(0)->getType()->isIntegerTy(32) && place->isOne();
    V bits = isUpper ? b.CreateAnd(cast->getOperand(0), 0xffff0000) : b.CreateShl(b.CreateZExt(v, b.getInt32Ty()), 16);
    out.push_back(b.CreateBitCast(bits, b.getFloatTy()));
  }
  return out;
}

// Pairs of f32 -> packed pairs of a narrow type, of fp8 -> wider ones, where one instruction does two.
SmallVector<Value *> NvLaneTarget::convertFloats(IRBuilderBase &b, Elem from, Elem to, bool towardsZero,
                                                 ArrayRef<V> values) {
  if (widensByPairs(from) && (to == Elem::F16 || to == Elem::F32 || (to == Elem::BF16 && arch_.sm >= 80)))
    return widenFp8(b, from, to, values);
  // No number of these is too large for those, so that nothing saturates.
  if ((from == Elem::F8E4B15 || (from == Elem::F8E4M3FN && to == Elem::F8E5M2)) && !towardsZero)
    return saturateToFp8(b, from, to, values);
  if (from == Elem::BF16 && to == Elem::F32)
    return widenBfloats(b, values);
  if (values.size() < 2 || from != Elem::F32 || arch_.sm < 80)
    return {};
  Intrinsic::ID id;
  if (to == Elem::F16)
    id = towardsZero ? Intrinsic::nvvm_ff2f16x2_rz : Intrinsic::nvvm_ff2f16x2_rn;
  else if (to == Elem::BF16)
    id = towardsZero ? Intrinsic::nvvm_ff2bf16x2_rz : Intrinsic::nvvm_ff2bf16x2_rn;
  else
    return {};
  SmallVector<V> out;
  auto *pair = FixedVectorType::get(b.getInt16Ty(), 2);
  for (size_t i = 0; i + 1 < values.size(); i += 2) {
    V packed =
        b.CreateBitCast(b.CreateIntrinsic(id, {}, {values[i + 1], values[i]}), pair); // the first one is the upper half
    out.push_back(b.CreateExtractElement(packed, uint64_t(0)));
    out.push_back(b.CreateExtractElement(packed, uint64_t(1)));
  }
  return out;
}

// f32, f16 or bf16 -> a byte that is the upper half of an f16, an f32 cut to one first.
// e4b15: of twice an f16 that is at most 1.75, to nearest with half a unit of the byte added to its magnitude: what an f32 has lost lies below that half. A NaN
// is 1.75, since the minimum of it and a number is the number.
// e5m2, towards zero: what is cut off, both times, lies there. An f16 may be NaN by its lower half alone; what arithmetic makes of that is NaN by both.
SmallVector<Value *> NvLaneTarget::cutHalves(IRBuilderBase &b, Elem from, Elem to, bool towardsZero,
                                             ArrayRef<V> values) {
  if (values.size() < 2 || arch_.sm < 80 || (from != Elem::F32 && from != Elem::F16 && from != Elem::BF16))
    return {};
  auto *halves = FixedVectorType::get(b.getHalfTy(), 2), *raw = FixedVectorType::get(b.getInt16Ty(), 2);
  codegen::Elementwise e(b, numerics());
  SmallVector<V> out(values.size());
  for (const Pack &pack : packsOf({values}, values.size() >= 4 ? 4 : 2)) {
    V words[2] = {b.getInt32(0), b.getInt32(0)};
    for (unsigned i = 0; i < pack.size(); i += 2) {
      V low = values[pack[i]], high = values[pack[i + 1]], word;
      if (from == Elem::F16)
        word = b.CreateInsertElement(b.CreateInsertElement(PoisonValue::get(raw), low, uint64_t(0)), high, uint64_t(1));
      else
        word = b.CreateIntrinsic(Intrinsic::nvvm_ff2f16x2_rz, {}, {e.widen(high, from), e.widen(low, from)});
      word = b.CreateBitCast(word, b.getInt32Ty());
      if (to == Elem::F8E5M2) {
        words[i / 2] = from != Elem::F16 ? word
                                         : inlinePtx(b, b.getInt32Ty(), "fma.rn.f16x2 $0, $1, $2, $3;", "=r,r,r,r",
                                                     {word, b.getInt32(0x3c003c00), b.getInt32(0x80008000)}, false);
        continue;
      }
      V magnitude = b.CreateBitCast(b.CreateAnd(word, 0x7fff7fff), halves);
      magnitude = b.CreateBinaryIntrinsic(Intrinsic::minnum, magnitude, ConstantFP::get(halves, 1.75));
      V twice = b.CreateAdd(b.CreateShl(b.CreateBitCast(magnitude, b.getInt32Ty()), 1),
                            b.getInt32(towardsZero ? 0 : 0x00800080));
      words[i / 2] = b.CreateOr(twice, b.CreateAnd(word, 0x80008000));
    }
    V bytes = b.CreateIntrinsic(b.getInt32Ty(), Intrinsic::nvvm_prmt, {words[0], words[1], b.getInt32(0x7531)});
    bytes = b.CreateBitCast(bytes, FixedVectorType::get(b.getInt8Ty(), 4));
    for (unsigned i = 0; i < pack.size(); ++i)
      out[pack[i]] = b.CreateExtractElement(bytes, uint64_t(i));
  }
  return out;
}

// f32, f16, bf16 or fp8 -> e4m3 or e5m2, to nearest; too large and infinity become the largest number: PTX ISA, "cvt", .satfinite.
SmallVector<Value *> NvLaneTarget::saturateToFp8(IRBuilderBase &b, Elem from, Elem to, ArrayRef<V> values) {
  bool isTarget = to == Elem::F8E4M3FN || to == Elem::F8E5M2,
       isSource = from == Elem::F32 || from == Elem::F16 || from == Elem::BF16;
  if (!isTarget || arch_.sm < 89)
    return {};
  if (widensByPairs(from))
    return saturateToFp8(b, Elem::F16, to, widenFp8(b, from, Elem::F16, values));
  if (!isSource)
    return {};
  const std::string name = to == Elem::F8E4M3FN ? "e4m3x2" : "e5m2x2";
  codegen::Elementwise e(b, numerics());
  SmallVector<V> out;
  for (size_t i = 0; i + 1 < values.size(); i += 2) {
    V pair;
    if (from == Elem::F16) {
      V halves = PoisonValue::get(FixedVectorType::get(b.getInt16Ty(), 2));
      halves = b.CreateInsertElement(b.CreateInsertElement(halves, values[i], uint64_t(0)), values[i + 1], uint64_t(1));
      pair = inlinePtx(b, b.getInt16Ty(), "cvt.rn.satfinite." + name + ".f16x2 $0, $1;", "=h,r",
                       {b.CreateBitCast(halves, b.getInt32Ty())}, false);
    } else {
      pair =
          inlinePtx(b, b.getInt16Ty(), "cvt.rn.satfinite." + name + ".f32 $0, $1, $2;", "=h,f,f",
                    {e.widen(values[i + 1], from), e.widen(values[i], from)}, false); // the first one is the upper byte
    }
    V bytes = b.CreateBitCast(pair, FixedVectorType::get(b.getInt8Ty(), 2));
    out.push_back(b.CreateExtractElement(bytes, uint64_t(0)));
    out.push_back(b.CreateExtractElement(bytes, uint64_t(1)));
  }
  return out;
}

// What the instructions of an op take: one register, a pair, a word of bytes. A tile may have fewer, and a scan has prefixes for three registers of four: zeros fill
// them up. One number alone that is fp8 or rounded towards zero is half of a pair, too: its bits one by one take several times as many instructions.
static size_t registersAtOnce(const Op &op, Elem from, Elem to, size_t n) {
  unsigned bits = std::min(tbc::elemBits(from), tbc::elemBits(to));
  if (n == 1)
    return op.code == Opcode::FPToFP && (widensByPairs(from) || widensByPairs(to) || op.intAttr(AttrId::Rounding) == 1)
               ? 2
               : 1;
  if (bits > 16)
    return 1;
  return n > 2 && bits <= 8 ? 4 : 2;
}

SmallVector<Value *> NvLaneTarget::elementwise(IRBuilderBase &b, const Op &op, ElemType in, ElemType out,
                                               ArrayRef<ArrayRef<V>> operands, bool isScalar) {
  if (in.pointer || out.pointer || operands.empty())
    return {};
  size_t n = operands[0].size();
  if (size_t whole = alignTo(n, registersAtOnce(op, in.elem, out.elem, n)); whole != n) {
    SmallVector<SmallVector<V>> filled;
    for (ArrayRef<V> operand : operands) {
      filled.emplace_back(operand);
      filled.back().resize(whole, Constant::getNullValue(operand[0]->getType()));
    }
    SmallVector<ArrayRef<V>> views(filled.begin(), filled.end());
    SmallVector<V> results = elementwise(b, op, in, out, views, isScalar);
    results.truncate(std::min(results.size(), n));
    return results;
  }
  bool towardsZero = op.code == Opcode::FPToFP && op.intAttr(AttrId::Rounding) == 1;
  if (op.code == Opcode::FPToFP && (out.elem == Elem::F8E4B15 || (out.elem == Elem::F8E5M2 && towardsZero)))
    return cutHalves(b, in.elem, out.elem, towardsZero, operands[0]);
  if (op.code == Opcode::FPToFP && op.intAttr(AttrId::Rounding) == 2)
    return saturateToFp8(b, in.elem, out.elem, operands[0]);
  if (op.code == Opcode::FPToFP)
    return convertFloats(b, in.elem, out.elem, towardsZero, operands[0]);
  if (in.elem == Elem::I8 && (op.code == Opcode::SIToFP || op.code == Opcode::UIToFP))
    return widenBytes(b, op.code == Opcode::SIToFP, out.elem, operands[0]);
  if (op.code == Opcode::SIToFP || op.code == Opcode::UIToFP)
    return roundIntegers(b, op.code == Opcode::SIToFP, in.elem, out.elem, operands[0]);
  if (in.elem == Elem::I8 && out.elem == Elem::I8)
    return bytesByWords(b, op.code, operands);
  if (op.code == Opcode::DivSI || op.code == Opcode::DivUI || op.code == Opcode::RemSI || op.code == Opcode::RemUI)
    return divideIntegers(b, op.code, operands, isScalar);
  if (!tbc::isFloat(in.elem))
    return {};
  SmallVector<V> results;
  // Two narrow numbers an instruction. One rounding of the exact sum or product, which is what widening to f32 and rounding twice gives too: 24 bits
  // are at least twice the significand plus two (Figueroa, "When is double rounding innocuous?").
  bool isBinary = op.code == Opcode::AddF || op.code == Opcode::SubF || op.code == Opcode::MulF;
  // Of bf16 the first generations that have it only multiply-add: a * b - 0, which keeps the sign of zero.
  bool byFma = in.elem == Elem::BF16 && arch_.sm < 90;
  bool hasPairs = (in.elem == Elem::F16 && arch_.sm >= 75) ||
                  (in.elem == Elem::BF16 && (arch_.sm >= 90 || (arch_.sm >= 80 && op.code == Opcode::MulF)));
  // A product and a sum rounded once are another number than widened and rounded twice, of one element too (PTX ISA, "fma": f16 of sm_53, bf16 of sm_80).
  bool isFused = op.code == Opcode::Fma && (in.elem == Elem::F16 || (in.elem == Elem::BF16 && arch_.sm >= 80));
  if ((isBinary && hasPairs && n >= 2) || isFused) {
    const unsigned count = n >= 2 ? 2 : 1;
    auto *type = FixedVectorType::get(in.elem == Elem::F16 ? b.getHalfTy() : b.getBFloatTy(), count);
    results.resize(n);
    for (const Pack &registers : packsOf(operands, count)) {
      SmallVector<V, 3> v;
      for (ArrayRef<V> operand : operands)
        v.push_back(b.CreateBitCast(vectorOf(b, operand, registers), type));
      V r = isFused ? b.CreateIntrinsic(Intrinsic::fma, {type}, v)
            : byFma ? b.CreateIntrinsic(Intrinsic::fma, {type}, {v[0], v[1], ConstantFP::getNegativeZero(type)})
            : op.code == Opcode::AddF ? b.CreateFAdd(v[0], v[1])
            : op.code == Opcode::SubF ? b.CreateFSub(v[0], v[1])
                                      : b.CreateFMul(v[0], v[1]);
      r = b.CreateBitCast(r, FixedVectorType::get(b.getInt16Ty(), count));
      for (unsigned i = 0; i < count; ++i)
        results[registers[i]] = b.CreateExtractElement(r, uint64_t(i));
    }
    return results;
  }
  if (unsigned(op.code) < unsigned(Opcode::AddF) || unsigned(op.code) > unsigned(Opcode::Erfc) ||
      op.code == Opcode::CmpF)
    return {};
  codegen::Elementwise e(b, numerics());
  SmallVector<V> wide;
  for (size_t r = 0; r < n; ++r) {
    SmallVector<V, 3> v;
    for (ArrayRef<V> operand : operands)
      v.push_back(in.elem == Elem::F64 ? operand[r] : e.widen(operand[r], in.elem));
    V result = fastMath(b, op, in.elem, v);
    if (!result)
      return {};
    wide.push_back(result);
  }
  if (out.elem == Elem::F32)
    return wide;
  results = convertFloats(b, Elem::F32, out.elem, false, wide);
  if (results.empty())
    for (V v : wide)
      results.push_back(e.narrow(v, out.elem));
  return results;
}

} // namespace tessera::nvidia
