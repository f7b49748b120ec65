// Elementwise.cpp - integer and float arithmetic, comparison and selection
//
// SPDX-License-Identifier: Apache-2.0
#include "core/codegen/Elementwise.h"

#include "core/codegen/VectorMath.h"

#include "llvm/ADT/APFloat.h"
#include "llvm/Analysis/ValueTracking.h"
#include "llvm/IR/Intrinsics.h"
#include "llvm/IR/PatternMatch.h"
#include "llvm/Support/KnownBits.h"

#include <cmath>

using namespace llvm;
using tessera::tbc::Elem;
using tessera::tbc::Opcode;

namespace tessera::codegen {

Type *Elementwise::type(ElemType t) const {
  LLVMContext &c = b.getContext();
  if (t.pointer)
    return PointerType::get(c, 0);
  switch (t.elem) {
  case Elem::I1:
    return Type::getInt1Ty(c);
  case Elem::F32:
    return Type::getFloatTy(c);
  case Elem::F64:
    return Type::getDoubleTy(c);
  default:
    return Type::getIntNTy(c, tbc::elemBits(t.elem));
  }
}

Type *Elementwise::like(Type *elem, Value *shape) {
  if (auto *v = dyn_cast<FixedVectorType>(shape->getType()))
    return FixedVectorType::get(elem, v->getNumElements());
  return elem;
}

Value *Elementwise::splat(Constant *c, Value *shape) const {
  if (auto *v = dyn_cast<FixedVectorType>(shape->getType()))
    return ConstantVector::getSplat(v->getElementCount(), c);
  return c;
}

Value *Elementwise::constInt(Elem e, int64_t v) const {
  return ConstantInt::get(cast<IntegerType>(type(e)), e == Elem::I1 ? uint64_t(v) & 1 : uint64_t(v), e != Elem::I1);
}

Value *Elementwise::constFloat(Elem e, double v) const {
  if (e == Elem::F64 || e == Elem::F32)
    return ConstantFP::get(type(e), v);
  // Rounded here, once: conversion code would not fold, and a constant must not depend on where it is asked for.
  if (e == Elem::F8E4B15) {
    double a = std::fabs(v);
    uint64_t code = std::isnan(v) ? 0x7e : 0;
    if (a > 0) {
      int x = std::max(std::ilogb(a), -14); // exponent of the value; denormals share the least one
      code = uint64_t(std::min(126.0, std::round(std::ldexp(a, 3 - x)) - 8 + std::ldexp(x + 15, 3)));
    }
    return ConstantInt::get(type(e), code | (std::signbit(v) ? 0x80 : 0));
  }
  const fltSemantics &format = e == Elem::F16          ? APFloat::IEEEhalf()
                               : e == Elem::BF16       ? APFloat::BFloat()
                               : e == Elem::F8E5M2     ? APFloat::Float8E5M2()
                               : e == Elem::F8E4M3FN   ? APFloat::Float8E4M3FN()
                               : e == Elem::F8E4M3FNUZ ? APFloat::Float8E4M3FNUZ()
                                                       : APFloat::Float8E5M2FNUZ();
  APFloat f(v);
  bool lossy = false;
  if (std::isnan(v))
    f = APFloat::getQNaN(format);
  else
    f.convert(format, APFloat::rmNearestTiesToEven, &lossy);
  return ConstantInt::get(b.getContext(), f.bitcastToAPInt());
}

bool Elementwise::handles(Opcode code) {
  unsigned n = unsigned(code);
  return (n >= unsigned(Opcode::AddI) && n <= unsigned(Opcode::CtTz)) ||
         (n >= unsigned(Opcode::AddF) && n <= unsigned(Opcode::Erfc)) ||
         (n >= unsigned(Opcode::Select) && n <= unsigned(Opcode::Hint));
}

Value *Elementwise::divide(Opcode code, Value *a, Value *d) {
  bool isSigned = code == Opcode::DivSI || code == Opcode::RemSI;
  Type *t = a->getType();
  Value *one = ConstantInt::get(t, 1);
  bool safe = false;
  if (auto *c = dyn_cast<Constant>(d)) {
    Constant *s = c->getType()->isVectorTy() ? c->getSplatValue() : c;
    auto *ci = dyn_cast_or_null<ConstantInt>(s);
    safe = ci && !ci->isZero() && !ci->isMinusOne();
  }
  if (!safe) {
    Value *bad = b.CreateICmpEQ(d, ConstantInt::get(t, 0));
    if (isSigned) {
      unsigned bits = t->getScalarSizeInBits();
      Value *over = b.CreateAnd(b.CreateICmpEQ(d, ConstantInt::getAllOnesValue(t)),
                                b.CreateICmpEQ(a, ConstantInt::get(t, APInt::getSignedMinValue(bits))));
      bad = b.CreateOr(bad, over);
    }
    d = b.CreateSelect(bad, one, d);
  }
  switch (code) {
  case Opcode::DivSI:
    return b.CreateSDiv(a, d);
  case Opcode::DivUI:
    return b.CreateUDiv(a, d);
  case Opcode::RemSI:
    return b.CreateSRem(a, d);
  default:
    return b.CreateURem(a, d);
  }
}

Value *Elementwise::shift(Opcode code, Value *a, Value *n) {
  Type *t = a->getType();
  unsigned bits = t->getScalarSizeInBits();
  Value *width = ConstantInt::get(t, bits);
  if (bits == 1) // any shift by one empties it; an arithmetic one keeps the sign
    return code == Opcode::ShrSI ? a : b.CreateAnd(a, b.CreateNot(n));
  if (auto *c = dyn_cast<Constant>(n)) {
    Constant *s = c->getType()->isVectorTy() ? c->getSplatValue() : c;
    auto *ci = dyn_cast_or_null<ConstantInt>(s);
    if (ci && ci->getValue().ult(bits))
      return code == Opcode::ShlI ? b.CreateShl(a, n) : code == Opcode::ShrSI ? b.CreateAShr(a, n) : b.CreateLShr(a, n);
  }
  Value *in = b.CreateICmpULT(n, width);
  if (code == Opcode::ShrSI)
    return b.CreateAShr(a, b.CreateSelect(in, n, ConstantInt::get(t, bits - 1)));
  Value *m = b.CreateSelect(in, n, ConstantInt::get(t, 0));
  Value *r = code == Opcode::ShlI ? b.CreateShl(a, m) : b.CreateLShr(a, m);
  return b.CreateSelect(in, r, ConstantInt::get(t, 0));
}

Value *Elementwise::mulHigh(Value *x, Value *y, bool isSigned) {
  unsigned bits = x->getType()->getScalarSizeInBits();
  Type *wide = like(b.getIntNTy(bits * 2), x);
  auto ext = [&](Value *v) { return isSigned ? b.CreateSExt(v, wide) : b.CreateZExt(v, wide); };
  Value *p = b.CreateMul(ext(x), ext(y));
  return b.CreateTrunc(b.CreateLShr(p, ConstantInt::get(wide, bits)), x->getType());
}

// x & mask, where x is a sum of a constant and of what has no bit in common with it: the constant is masked here. A lane's registers that differ only in bits
// that the mask drops then hold one value, which LLVM does not see everywhere (it may shrink the mask to fit each constant).
static Value *maskedSum(IRBuilderBase &b, Value *x, Value *mask) {
  using namespace PatternMatch;
  Value *rest = nullptr;
  ConstantInt *own = nullptr, *kept = nullptr;
  bool isSum =
      match(mask, m_ConstantInt(kept)) && match(x, m_CombineOr(m_Add(m_Value(rest), m_ConstantInt(own)),
                                                               m_CombineOr(m_Or(m_Value(rest), m_ConstantInt(own)),
                                                                           m_Xor(m_Value(rest), m_ConstantInt(own)))));
  if (!isSum || !b.GetInsertBlock())
    return b.CreateAnd(x, mask);
  KnownBits known = computeKnownBits(rest, b.GetInsertBlock()->getDataLayout());
  if (!own->getValue().isSubsetOf(known.Zero))
    return b.CreateAnd(x, mask);
  if (!(~kept->getValue()).isSubsetOf(known.Zero))
    rest = b.CreateAnd(rest, mask);
  return b.CreateAdd(rest, b.getInt(own->getValue() & kept->getValue()), "", /*NUW=*/true);
}

Value *Elementwise::integerOp(const tbc::Op &op, ArrayRef<Value *> v) {
  switch (op.code) {
  case Opcode::AddI:
    return b.CreateAdd(v[0], v[1]);
  case Opcode::SubI:
    return b.CreateSub(v[0], v[1]);
  case Opcode::MulI:
    return b.CreateMul(v[0], v[1]);
  case Opcode::DivSI:
  case Opcode::DivUI:
  case Opcode::RemSI:
  case Opcode::RemUI:
    return divide(op.code, v[0], v[1]);
  case Opcode::AndI:
    return maskedSum(b, v[0], v[1]);
  case Opcode::OrI:
    return b.CreateOr(v[0], v[1]);
  case Opcode::XorI:
    return b.CreateXor(v[0], v[1]);
  case Opcode::ShlI:
  case Opcode::ShrSI:
  case Opcode::ShrUI:
    return shift(op.code, v[0], v[1]);
  case Opcode::MinSI:
    return b.CreateBinaryIntrinsic(Intrinsic::smin, v[0], v[1]);
  case Opcode::MaxSI:
    return b.CreateBinaryIntrinsic(Intrinsic::smax, v[0], v[1]);
  case Opcode::MinUI:
    return b.CreateBinaryIntrinsic(Intrinsic::umin, v[0], v[1]);
  case Opcode::MaxUI:
    return b.CreateBinaryIntrinsic(Intrinsic::umax, v[0], v[1]);
  case Opcode::MulHiUI:
    return mulHigh(v[0], v[1], false);
  case Opcode::MulHiSI:
    return mulHigh(v[0], v[1], true);
  case Opcode::CmpI: {
    static const CmpInst::Predicate table[] = {
        CmpInst::ICMP_EQ,  CmpInst::ICMP_NE,  CmpInst::ICMP_SLT, CmpInst::ICMP_SLE, CmpInst::ICMP_SGT,
        CmpInst::ICMP_SGE, CmpInst::ICMP_ULT, CmpInst::ICMP_ULE, CmpInst::ICMP_UGT, CmpInst::ICMP_UGE};
    return b.CreateICmp(table[op.intAttr(tbc::AttrId::Predicate) % 10], v[0], v[1]);
  }
  case Opcode::AbsI:
    return b.CreateBinaryIntrinsic(Intrinsic::abs, v[0], b.getFalse());
  case Opcode::CtLz:
    return b.CreateBinaryIntrinsic(Intrinsic::ctlz, v[0], b.getFalse());
  case Opcode::CtTz:
    return b.CreateBinaryIntrinsic(Intrinsic::cttz, v[0], b.getFalse());
  default:
    return b.CreateUnaryIntrinsic(Intrinsic::ctpop, v[0]);
  }
}

Value *Elementwise::compareFloat(int64_t predicate, Value *x, Value *y) {
  static const CmpInst::Predicate table[] = {
      CmpInst::FCMP_FALSE, CmpInst::FCMP_OEQ, CmpInst::FCMP_OGT, CmpInst::FCMP_OGE,
      CmpInst::FCMP_OLT,   CmpInst::FCMP_OLE, CmpInst::FCMP_ONE, CmpInst::FCMP_ORD,
      CmpInst::FCMP_UEQ,   CmpInst::FCMP_UGT, CmpInst::FCMP_UGE, CmpInst::FCMP_ULT,
      CmpInst::FCMP_ULE,   CmpInst::FCMP_UNE, CmpInst::FCMP_UNO, CmpInst::FCMP_TRUE};
  if (predicate == 0 || predicate == 15)
    return splat(b.getInt1(predicate == 15), x);
  return b.CreateFCmp(table[predicate & 15], x, y);
}

// On x86 and on most vector units `a < b ? a : b` is one instruction; the NaN rule and the sign of zero cost two more.
Value *Elementwise::minMax(Opcode code, Value *x, Value *y) {
  bool isMin = code == Opcode::MinNumF || code == Opcode::MinimumF;
  bool propagate = code == Opcode::MinimumF || code == Opcode::MaximumF;
  if (propagate)
    return b.CreateBinaryIntrinsic(isMin ? Intrinsic::minimum : Intrinsic::maximum, x, y);
  auto pick = [&](Value *p, Value *q) {
    return b.CreateSelect(isMin ? b.CreateFCmpOLT(p, q) : b.CreateFCmpOGT(p, q), p, q);
  };
  Value *r = pick(x, y);
  auto *c = dyn_cast<Constant>(y);
  auto *s = dyn_cast_or_null<ConstantFP>(c && c->getType()->isVectorTy() ? c->getSplatValue() : c);
  if (s && !s->isNaN() && !s->isZero())
    return r; // a NaN x already gives y
  // The two orders differ for zeros of both signs only: there the signs are combined.
  Type *t = like(b.getIntNTy(x->getType()->getScalarSizeInBits()), x);
  Value *p = b.CreateBitCast(r, t), *q = b.CreateBitCast(pick(y, x), t);
  r = b.CreateBitCast(isMin ? b.CreateOr(p, q) : b.CreateAnd(p, q), x->getType());
  r = b.CreateSelect(b.CreateFCmpUNO(x, x), y, r);
  return b.CreateSelect(b.CreateFCmpUNO(y, y), x, r);
}

// fmod: exact, by shifting and subtracting on the significands; the loop runs once per bit of the exponents' difference.
Value *Elementwise::remainder(Value *x, Value *y) {
  if (auto *vt = dyn_cast<FixedVectorType>(x->getType())) {
    Value *r = PoisonValue::get(vt);
    for (unsigned i = 0; i < vt->getNumElements(); ++i)
      r = b.CreateInsertElement(r, remainder(b.CreateExtractElement(x, i), b.CreateExtractElement(y, i)), i);
    return r;
  }
  return VectorMath(b, opt).fmod(x, y);
}

Value *Elementwise::floatOp(const tbc::Op &op, ArrayRef<Value *> v) {
  FastMathFlags flags;
  flags.setAllowContract(opt.contract);
  IRBuilderBase::FastMathFlagGuard guard(b);
  b.setFastMathFlags(flags);
  VectorMath math(b, opt);
  switch (op.code) {
  case Opcode::AddF:
    return b.CreateFAdd(v[0], v[1]);
  case Opcode::SubF:
    return b.CreateFSub(v[0], v[1]);
  case Opcode::MulF:
    return b.CreateFMul(v[0], v[1]);
  case Opcode::DivF:
    return b.CreateFDiv(v[0], v[1]);
  case Opcode::RemF:
    return remainder(v[0], v[1]);
  case Opcode::NegF:
    return b.CreateFNeg(v[0]);
  case Opcode::MinNumF:
  case Opcode::MaxNumF:
  case Opcode::MinimumF:
  case Opcode::MaximumF:
    return minMax(op.code, v[0], v[1]);
  case Opcode::Fma:
    return math.exactFma(v[0], v[1], v[2]);
  case Opcode::AbsF:
    return b.CreateUnaryIntrinsic(Intrinsic::fabs, v[0]);
  case Opcode::Floor:
    return b.CreateUnaryIntrinsic(Intrinsic::floor, v[0]);
  case Opcode::Ceil:
    return b.CreateUnaryIntrinsic(Intrinsic::ceil, v[0]);
  case Opcode::Trunc:
    return b.CreateUnaryIntrinsic(Intrinsic::trunc, v[0]);
  case Opcode::RoundEven:
    return b.CreateUnaryIntrinsic(Intrinsic::roundeven, v[0]);
  case Opcode::Sqrt:
    return b.CreateUnaryIntrinsic(Intrinsic::sqrt, v[0]);
  case Opcode::CopySign:
    return b.CreateBinaryIntrinsic(Intrinsic::copysign, v[0], v[1]);
  default:
    return math.lower(op.code, v);
  }
}

Value *Elementwise::lower(const tbc::Op &op, ElemType in, ElemType out, ArrayRef<Value *> v) {
  unsigned n = unsigned(op.code);
  if (op.code == Opcode::CmpF)
    return compareFloat(op.intAttr(tbc::AttrId::Predicate), widen(v[0], in.elem), widen(v[1], in.elem));
  if (n >= unsigned(Opcode::AddF) && n <= unsigned(Opcode::Erfc)) {
    if (op.code == Opcode::NegF && in.elem != Elem::F32 && in.elem != Elem::F64 && in.elem != Elem::F8E4M3FNUZ &&
        in.elem != Elem::F8E5M2FNUZ)
      return b.CreateXor(v[0], ConstantInt::get(v[0]->getType(), APInt::getSignMask(tbc::elemBits(in.elem))));
    SmallVector<Value *, 3> wide;
    for (Value *x : v)
      wide.push_back(widen(x, in.elem));
    // The sum of a product may lie next to the middle of two narrow numbers: rounded to f32 it would be the middle.
    if (op.code == Opcode::Fma && in.elem != Elem::F32 && in.elem != Elem::F64)
      return narrow(VectorMath(b, opt).narrowFma(in.elem, wide[0], wide[1], wide[2]), out.elem);
    return narrow(floatOp(op, wide), out.elem);
  }
  if (n >= unsigned(Opcode::AddI) && n <= unsigned(Opcode::CtTz)) {
    if (v[0]->getType()->isPtrOrPtrVectorTy()) {
      SmallVector<Value *, 2> ints;
      for (Value *x : v)
        ints.push_back(b.CreatePtrToInt(x, like(b.getInt64Ty(), x)));
      return integerOp(op, ints);
    }
    return integerOp(op, v);
  }
  switch (op.code) {
  case Opcode::Select:
    return b.CreateSelect(v[0], v[1], v[2]);
  case Opcode::Hint:
    return v[0];
  case Opcode::AddPtr: {
    Value *offset = b.CreateSExt(v[1], like(b.getInt64Ty(), v[1]));
    unsigned bytes = tbc::elemBits(out.elem) / 8;
    return b.CreateGEP(b.getInt8Ty(), v[0],
                       bytes == 1 ? offset : b.CreateMul(offset, ConstantInt::get(offset->getType(), bytes)));
  }
  default:
    return conversion(op, in, out, v[0]);
  }
}

SmallVector<Value *, 4> Elementwise::philox(ArrayRef<Value *> v, unsigned rounds) {
  // Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC 2011), table 2 and section 4.3.
  Type *t = v[0]->getType();
  bool wide = t->getScalarSizeInBits() == 64;
  auto c = [&](uint64_t n) { return ConstantInt::get(t, n); };
  Constant *mulA = c(wide ? 0xD2E7470EE14C6C93ull : 0xD2511F53ull),
           *mulB = c(wide ? 0xCA5A826395121157ull : 0xCD9E8D57ull);
  Constant *keyA = c(wide ? 0x9E3779B97F4A7C15ull : 0x9E3779B9ull),
           *keyB = c(wide ? 0xBB67AE8584CAA73Bull : 0xBB67AE85ull);
  Value *k0 = v[0], *k1 = v[1], *x0 = v[2], *x1 = v[3], *x2 = v[4], *x3 = v[5];
  for (unsigned i = 0; i < rounds; ++i) {
    Value *y0 = x0, *y2 = x2;
    x0 = b.CreateXor(b.CreateXor(mulHigh(mulB, y2, false), x1), k0);
    x2 = b.CreateXor(b.CreateXor(mulHigh(mulA, y0, false), x3), k1);
    x1 = b.CreateMul(mulB, y2);
    x3 = b.CreateMul(mulA, y0);
    k0 = b.CreateAdd(k0, keyA);
    k1 = b.CreateAdd(k1, keyB);
  }
  return {x0, x1, x2, x3};
}

} // namespace tessera::codegen
