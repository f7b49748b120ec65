// Conversion.cpp - conversions among the element types: integers, f64, f32, f16, bf16, the fp8 kinds, pointers
//
// SPDX-License-Identifier: Apache-2.0
#include "core/codegen/Elementwise.h"

#include "llvm/IR/Intrinsics.h"

using namespace llvm;
using tessera::tbc::Elem;
using tessera::tbc::Opcode;

namespace tessera::codegen {

namespace {

// A small binary float: exponent and mantissa widths, bias, and what its top codes mean.
struct SmallFormat {
  unsigned mantissa;
  int bias;
  uint32_t maxFinite; // largest magnitude code that is a number
  uint32_t overflow;  // magnitude code of what is too large
  uint32_t nan;       // whole code of NaN (0x80: the sign bit alone)
  bool unsignedZero;  // the fnuz kinds: 0x80 is NaN
  bool infinity;
};

SmallFormat formatOf(Elem e) {
  switch (e) {
  case Elem::F8E5M2:
    return {2, 15, 0x7b, 0x7c, 0x7f, false, true};
  case Elem::F8E4M3FN:
    return {3, 7, 0x7e, 0x7f, 0x7f, false, false};
  case Elem::F8E4M3FNUZ:
    return {3, 8, 0x7f, 0x80, 0x80, true, false};
  case Elem::F8E5M2FNUZ:
    return {2, 16, 0x7f, 0x80, 0x80, true, false};
  case Elem::F8E4B15:
    return {3, 15, 0x7e, 0x7e, 0x7e, false, false};
  default: // f16
    return {10, 15, 0x7bff, 0x7c00, 0x7e00, false, true};
  }
}

Constant *k(Type *t, uint64_t v) { return ConstantInt::get(t, v); }

} // namespace

Value *Elementwise::smallToFloat(Value *v, Elem e) {
  SmallFormat f = formatOf(e);
  Type *i32 = like(b.getInt32Ty(), v), *f32 = like(b.getFloatTy(), v);
  unsigned width = tbc::elemBits(e);
  uint32_t signBit = 1u << (width - 1);
  Value *w = b.CreateZExt(v, i32);
  Value *mag = b.CreateAnd(w, k(i32, signBit - 1));
  Value *sign = b.CreateShl(b.CreateAnd(w, k(i32, signBit)), k(i32, 32 - width));
  // The code as a tiny f32 with its own exponent field, times 2^(127 - bias): exact, denormals included.
  double scale = 1;
  for (int i = 0; i < 127 - f.bias; ++i)
    scale *= 2;
  Value *x = b.CreateFMul(b.CreateBitCast(b.CreateShl(mag, k(i32, 23 - f.mantissa)), f32), ConstantFP::get(f32, scale));
  Value *bits = b.CreateBitCast(x, i32);
  if (f.infinity) {
    bits = b.CreateSelect(b.CreateICmpEQ(mag, k(i32, f.overflow)), k(i32, 0x7f800000), bits);
    bits = b.CreateSelect(b.CreateICmpUGT(mag, k(i32, f.overflow)), k(i32, 0x7fc00000), bits);
  } else if (e == Elem::F8E4M3FN) {
    bits = b.CreateSelect(b.CreateICmpEQ(mag, k(i32, 0x7f)), k(i32, 0x7fc00000), bits);
  }
  bits = b.CreateOr(bits, sign);
  if (f.unsignedZero) // its NaN has the sign bit set, and keeps it
    bits = b.CreateSelect(b.CreateICmpEQ(w, k(i32, 0x80)), k(i32, 0xffc00000), bits);
  return b.CreateBitCast(bits, f32);
}

Value *Elementwise::floatToSmall(Value *v, Elem e, Rounding rounding) {
  bool towardsZero = rounding == Rounding::TowardsZero;
  bool tiesAway = e == Elem::F8E4B15; // the only one: Triton adds half a unit to the magnitude
  SmallFormat f = formatOf(e);
  Type *i32 = like(b.getInt32Ty(), v), *f32 = like(b.getFloatTy(), v);
  unsigned width = tbc::elemBits(e), shift = 23 - f.mantissa;
  Value *raw = b.CreateBitCast(v, i32);
  Value *mag = b.CreateAnd(raw, k(i32, 0x7fffffff));
  Value *sign = b.CreateLShr(b.CreateAnd(raw, k(i32, 0x80000000)), k(i32, 32 - width));
  Value *nan = b.CreateICmpUGT(mag, k(i32, 0x7f800000));
  // Normal results: round in the integer domain; the exponent's carry comes by itself.
  Value *r = mag;
  if (!towardsZero && tiesAway)
    r = b.CreateAdd(mag, k(i32, 1u << (shift - 1)));
  else if (!towardsZero)
    r = b.CreateAdd(b.CreateAdd(mag, k(i32, (1u << (shift - 1)) - 1)),
                    b.CreateAnd(b.CreateLShr(mag, k(i32, shift)), k(i32, 1)));
  Value *code = b.CreateSub(b.CreateLShr(r, k(i32, shift)), k(i32, uint32_t(127 - f.bias) << f.mantissa));
  // Denormal results: the code is |v| in units of the smallest one.
  double unit = 1;
  for (int i = 0; i < f.bias - 1 + int(f.mantissa); ++i)
    unit *= 2;
  Value *scaled = b.CreateFMul(b.CreateBitCast(mag, f32), ConstantFP::get(f32, unit));
  Value *whole = b.CreateUnaryIntrinsic(towardsZero || tiesAway ? Intrinsic::trunc : Intrinsic::roundeven, scaled);
  if (!towardsZero && tiesAway) {
    Value *isHalf = b.CreateFCmpOGE(b.CreateFSub(scaled, whole), ConstantFP::get(f32, 0.5));
    whole = b.CreateFAdd(whole, b.CreateSelect(isHalf, ConstantFP::get(f32, 1), ConstantFP::get(f32, 0)));
  }
  Value *isDenormal = b.CreateICmpULT(mag, k(i32, uint32_t(127 - f.bias + 1) << 23));
  Value *denormal = b.CreateFPToSI(b.CreateSelect(isDenormal, whole, ConstantFP::get(f32, 0)), i32);
  code = b.CreateSelect(isDenormal, denormal, code);
  // Towards zero a finite number never becomes more than the largest one.
  Value *over = b.CreateICmpSGT(code, k(i32, f.maxFinite));
  Value *overCode = k(i32, rounding == Rounding::NearestSaturating ? f.maxFinite : f.overflow);
  if (towardsZero)
    overCode = b.CreateSelect(b.CreateICmpEQ(mag, k(i32, 0x7f800000)), overCode, k(i32, f.maxFinite));
  code = b.CreateSelect(over, overCode, code);
  if (f.unsignedZero) {
    Value *zero = b.CreateICmpEQ(code, k(i32, 0));
    code = b.CreateSelect(zero, code, b.CreateOr(code, sign));
    code = b.CreateSelect(nan, k(i32, 0x80), code);
  } else {
    code = b.CreateOr(b.CreateSelect(nan, k(i32, f.nan), code), sign);
  }
  return b.CreateTrunc(code, like(b.getIntNTy(width), v));
}

Value *Elementwise::halfToFloat(Value *v) {
  if (!opt.halfConversions)
    return smallToFloat(v, Elem::F16);
  return b.CreateFPExt(b.CreateBitCast(v, like(b.getHalfTy(), v)), like(b.getFloatTy(), v));
}

Value *Elementwise::floatToHalf(Value *v) {
  if (!opt.halfConversions)
    return floatToSmall(v, Elem::F16, Rounding::Nearest);
  return b.CreateBitCast(b.CreateFPTrunc(v, like(b.getHalfTy(), v)), like(b.getInt16Ty(), v));
}

Value *Elementwise::truncOdd(Value *v) {
  Type *f32 = like(b.getFloatTy(), v), *i32 = like(b.getInt32Ty(), v);
  Value *t = b.CreateFPTrunc(v, f32);
  Value *back = b.CreateFPExt(t, v->getType());
  Value *inexact = b.CreateFCmpONE(back, v); // false for NaN
  Value *bits = b.CreateBitCast(t, i32);
  // Too large in magnitude: one step towards zero first; then the lowest bit is set.
  Value *absBack = b.CreateUnaryIntrinsic(Intrinsic::fabs, back), *absV = b.CreateUnaryIntrinsic(Intrinsic::fabs, v);
  Value *down = b.CreateSelect(b.CreateFCmpOGT(absBack, absV), b.CreateSub(bits, k(i32, 1)), bits);
  return b.CreateBitCast(b.CreateSelect(inexact, b.CreateOr(down, k(i32, 1)), bits), f32);
}

Value *Elementwise::widen(Value *v, Elem e) {
  switch (e) {
  case Elem::F32:
  case Elem::F64:
    return v;
  case Elem::F16:
    return halfToFloat(v);
  case Elem::BF16: {
    Type *i32 = like(b.getInt32Ty(), v);
    return b.CreateBitCast(b.CreateShl(b.CreateZExt(v, i32), k(i32, 16)), like(b.getFloatTy(), v));
  }
  default:
    return smallToFloat(v, e);
  }
}

Value *Elementwise::narrow(Value *v, Elem e, Rounding rounding) {
  bool towardsZero = rounding == Rounding::TowardsZero;
  bool isDouble = v->getType()->getScalarType()->isDoubleTy();
  if (e == Elem::F64)
    return isDouble ? v : b.CreateFPExt(v, like(b.getDoubleTy(), v));
  if (isDouble) {
    if (e == Elem::F32 && !towardsZero)
      return b.CreateFPTrunc(v, like(b.getFloatTy(), v));
    Value *odd = truncOdd(v);
    if (e != Elem::F32)
      return narrow(odd, e, rounding);
    // Towards zero: the odd value without its sticky bit, unless the conversion was exact.
    Type *i32 = like(b.getInt32Ty(), v), *f32 = like(b.getFloatTy(), v);
    Value *t = b.CreateFPTrunc(v, f32);
    Value *over = b.CreateFCmpOGT(b.CreateUnaryIntrinsic(Intrinsic::fabs, b.CreateFPExt(t, v->getType())),
                                  b.CreateUnaryIntrinsic(Intrinsic::fabs, v));
    Value *bits = b.CreateBitCast(t, i32);
    return b.CreateBitCast(b.CreateSelect(over, b.CreateSub(bits, k(i32, 1)), bits), f32);
  }
  switch (e) {
  case Elem::F32:
    return v;
  case Elem::F16:
    return towardsZero ? floatToSmall(v, e, rounding) : floatToHalf(v);
  case Elem::BF16: {
    Type *i32 = like(b.getInt32Ty(), v), *i16 = like(b.getInt16Ty(), v);
    if (opt.bfloatConversions && !towardsZero)
      return b.CreateBitCast(b.CreateFPTrunc(v, like(b.getBFloatTy(), v)), i16);
    Value *bits = b.CreateBitCast(v, i32);
    Value *nan = b.CreateFCmpUNO(v, v);
    Value *r = bits;
    if (!towardsZero)
      r = b.CreateAdd(b.CreateAdd(bits, k(i32, 0x7fff)), b.CreateAnd(b.CreateLShr(bits, k(i32, 16)), k(i32, 1)));
    r = b.CreateSelect(nan, b.CreateOr(bits, k(i32, 0x400000)), r);
    return b.CreateTrunc(b.CreateLShr(r, k(i32, 16)), i16);
  }
  default:
    return floatToSmall(v, e, rounding);
  }
}

Value *Elementwise::convertFloat(Value *v, Elem from, Elem to, Rounding rounding) {
  if (from == to)
    return v;
  return narrow(widen(v, from), to, rounding);
}

Value *Elementwise::intToFloat(Value *v, Elem from, Elem to, bool isSigned) {
  // A byte or a short is exact in f32, an i32 in f64; the narrow types are rounded once from there.
  bool direct = to == Elem::F32 || to == Elem::F64;
  bool viaDouble = !direct && tbc::elemBits(from) > 16;
  Type *t = like(to == Elem::F64 || viaDouble ? b.getDoubleTy() : b.getFloatTy(), v);
  // Not as a conversion: LLVM 22 makes one of a signed bit to bf16, which not every back end has right (1 for -1).
  if (from == Elem::I1)
    return narrow(b.CreateSelect(v, ConstantFP::get(t, isSigned ? -1.0 : 1.0), ConstantFP::get(t, 0.0)), to);
  Value *f = isSigned ? b.CreateSIToFP(v, t) : b.CreateUIToFP(v, t);
  return narrow(f, to);
}

Value *Elementwise::conversion(const tbc::Op &op, ElemType in, ElemType out, Value *v) {
  Type *to = like(type(out), v);
  switch (op.code) {
  case Opcode::Bitcast:
    if (in.pointer || out.pointer)
      return in.pointer && out.pointer ? v : in.pointer ? b.CreatePtrToInt(v, to) : b.CreateIntToPtr(v, to);
    if (in.elem == Elem::I1 && out.elem != Elem::I1)
      return b.CreateBitCast(b.CreateZExt(v, like(b.getInt8Ty(), v)), to);
    if (out.elem == Elem::I1 && in.elem != Elem::I1)
      return b.CreateTrunc(b.CreateBitCast(v, like(b.getInt8Ty(), v)), to);
    return b.CreateBitCast(v, to);
  case Opcode::TruncI:
    return b.CreateTrunc(v, to);
  case Opcode::ExtSI: // of i1 too; whoever wants 0 and 1 says extui
    return b.CreateSExt(v, to);
  case Opcode::ExtUI:
    return b.CreateZExt(v, to);
  case Opcode::SIToFP:
  case Opcode::UIToFP:
    return intToFloat(v, in.elem, out.elem, op.code == Opcode::SIToFP);
  case Opcode::FPToSI:
  case Opcode::FPToUI: {
    Value *w = widen(v, in.elem);
    if (out.elem == Elem::I1)
      return b.CreateFCmpUNE(w, ConstantFP::get(w->getType(), 0));
    // Out of range is unspecified, not poison. Narrow targets go through i32: that is what the instruction gives.
    unsigned bits = tbc::elemBits(out.elem);
    Type *wide = like(b.getIntNTy(bits < 32 ? 32 : bits), v);
    bool isSigned = op.code == Opcode::FPToSI || bits < 32;
    Value *r = b.CreateFreeze(isSigned ? b.CreateFPToSI(w, wide) : b.CreateFPToUI(w, wide));
    return bits < 32 ? b.CreateTrunc(r, to) : r;
  }
  case Opcode::FPToFP:
    return convertFloat(v, in.elem, out.elem, static_cast<Rounding>(op.intAttr(tbc::AttrId::Rounding)));
  case Opcode::PtrToInt:
    return b.CreatePtrToInt(v, to);
  case Opcode::IntToPtr:
    return b.CreateIntToPtr(v, to);
  default:
    return PoisonValue::get(to);
  }
}

} // namespace tessera::codegen
