// VectorMathTrig.cpp - circular functions and their inverses, the error function
//
// SPDX-License-Identifier: Apache-2.0
#include "core/codegen/MathCoefficients.h"
#include "core/codegen/VectorMath.h"

#include "llvm/IR/Intrinsics.h"

#include <limits>

using namespace llvm;

namespace tessera::codegen {

namespace {
constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kHalfPi = 0x1.921fb54442d18p+0, kHalfPiLow = 0x1.1a62633145c07p-54;

// 2/pi, 64 bits a word, most significant first; 1216 bits serve every f64.
constexpr uint64_t kTwoOverPi[] = {
    0xa2f9836e4e441529ull, 0xfc2757d1f534ddc0ull, 0xdb6295993c439041ull, 0xfe5163abdebbc561ull, 0xb7246e3a424dd2e0ull,
    0x06492eea09d1921cull, 0xfe1deb1cb129a73eull, 0xe88235f52ebb4484ull, 0xe99c7026b45f7e41ull, 0x3991d639835339f4ull,
    0x9c845f8bbdf9283bull, 0x1ff897ffde05980full, 0xef2f118b5a0a6d1full, 0x6d367ecf27cb09b7ull, 0x4f463f669e5fea2dull,
    0x7527bac7ebe5f17bull, 0x3d0739f78a5292eaull, 0x6bfb5fb11f8d5d08ull, 0x56033046fc7b6babull, 0xf0cfbc209af4361dull};
} // namespace

// Payne and Hanek: x times the part of 2/pi that matters, in 192-bit fixed point. Runs for one lane at a time, where |x| is
// beyond what the subtraction of multiples of pi/2 can do.
Value *VectorMath::reduceHuge(V x, V &quadrant, V &low) {
  Module *m = b.GetInsertBlock()->getModule();
  GlobalVariable *table = m->getNamedGlobal("tsr.two_over_pi");
  if (!table) {
    Constant *init = ConstantDataArray::get(b.getContext(), ArrayRef<uint64_t>(kTwoOverPi));
    table = new GlobalVariable(*m, init->getType(), true, GlobalValue::PrivateLinkage, init, "tsr.two_over_pi");
  }
  Type *i128 = b.getIntNTy(128), *i64 = b.getInt64Ty();
  V raw = b.CreateAnd(b.CreateBitCast(x, i64), b.getInt64(0x7fffffffffffffffull));
  V e = b.CreateSub(b.CreateLShr(raw, b.getInt64(52)), b.getInt64(1075)); // |x| = mant * 2^e
  e = b.CreateBinaryIntrinsic(Intrinsic::smax, e, b.getInt64(-50));
  V mant = b.CreateOr(b.CreateAnd(raw, b.getInt64(0xfffffffffffffull)), b.getInt64(0x10000000000000ull));
  // Bits of 2/pi above position e - 2 only add multiples of 4 quadrants... keep from bit `start` on (start may be < 0: e < 2).
  V start = b.CreateBinaryIntrinsic(Intrinsic::smax, b.CreateSub(e, b.getInt64(2)), b.getInt64(0));
  V word = b.CreateLShr(start, b.getInt64(6)), shift = b.CreateAnd(start, b.getInt64(63));
  auto at = [&](unsigned i) -> V {
    return b.CreateLoad(i64, b.CreateGEP(i64, table, b.CreateAdd(word, b.getInt64(i))));
  };
  V w[4] = {at(0), at(1), at(2), at(3)};
  V f[3];
  for (int i = 0; i < 3; ++i)
    f[i] = b.CreateIntrinsic(Intrinsic::fshl, {i64}, {w[i], w[i + 1], shift});
  // mant * (f0 f1 f2 as a fraction 2^-start): the product's fixed point is at bit 192 of a 245-bit number; the low 192 bits
  // and 61 bits above are what is needed.
  auto wide = [&](V v) { return b.CreateZExt(v, i128); };
  V p2 = b.CreateMul(wide(mant), wide(f[2]));
  V p1 = b.CreateAdd(b.CreateMul(wide(mant), wide(f[1])), b.CreateLShr(p2, ConstantInt::get(i128, 64)));
  V r1 = b.CreateTrunc(p1, i64);
  V p0 = b.CreateAdd(b.CreateMul(wide(mant), wide(f[0])), b.CreateLShr(p1, ConstantInt::get(i128, 64)));
  // value = (p0 : r1) * 2^(e - start - 128); e - start is 2 when e >= 2, else e (negative or small).
  V point = b.CreateSub(b.getInt64(128), b.CreateSub(e, start)); // bits after the point in (p0:r1), 126 .. 178
  V p0High = b.CreateTrunc(b.CreateLShr(p0, ConstantInt::get(i128, 64)), i64), p0Low = b.CreateTrunc(p0, i64);
  // A 192-bit number (p0High, p0Low, r1), shifted so that the point is at 128.
  Type *i192 = b.getIntNTy(192);
  V all = b.CreateOr(
      b.CreateShl(b.CreateZExt(p0High, i192), ConstantInt::get(i192, 128)),
      b.CreateOr(b.CreateShl(b.CreateZExt(p0Low, i192), ConstantInt::get(i192, 64)), b.CreateZExt(r1, i192)));
  V up = b.CreateSub(b.getInt64(178), point);
  all = b.CreateShl(all, b.CreateZExt(up, i192)); // point at 178: 14 integer bits left, enough for the quadrant
  V integer = b.CreateTrunc(b.CreateLShr(all, ConstantInt::get(i192, 178)), i64);
  V frac =
      b.CreateTrunc(b.CreateLShr(all, ConstantInt::get(i192, 178 - 126)), i128); // 126 fraction bits + 2 integer bits
  frac = b.CreateAnd(frac, ConstantInt::get(i128, APInt::getLowBitsSet(128, 126)));
  // Round to the nearest quadrant: the fraction becomes signed.
  V half = b.CreateTrunc(b.CreateLShr(frac, ConstantInt::get(i128, 125)), i64);
  integer = b.CreateAdd(integer, half);
  V sFrac = b.CreateSub(frac, b.CreateShl(b.CreateZExt(half, i128), ConstantInt::get(i128, 126)));
  V neg = b.CreateICmpSLT(sFrac, ConstantInt::get(i128, 0));
  V mag = b.CreateSelect(neg, b.CreateNeg(sFrac), sFrac);
  // Normalise into two doubles.
  V lz = b.CreateBinaryIntrinsic(Intrinsic::ctlz, mag, b.getFalse());
  lz = b.CreateBinaryIntrinsic(Intrinsic::umin, lz, ConstantInt::get(i128, 127));
  V norm = b.CreateShl(mag, lz);
  V hiBits = b.CreateTrunc(b.CreateLShr(norm, ConstantInt::get(i128, 128 - 53)), i64);
  V loBits = b.CreateTrunc(b.CreateLShr(norm, ConstantInt::get(i128, 128 - 106)), i64);
  loBits = b.CreateAnd(loBits, b.getInt64((1ull << 53) - 1));
  V exponent = b.CreateSub(b.getInt64(1023 - 126 + 127 - 52), b.CreateTrunc(lz, i64)); // of the unit of hiBits
  V unit = b.CreateBitCast(b.CreateShl(exponent, b.getInt64(52)), b.getDoubleTy());
  V hi = b.CreateFMul(b.CreateUIToFP(hiBits, b.getDoubleTy()), unit);
  V lo = b.CreateFMul(b.CreateFMul(b.CreateUIToFP(loBits, b.getDoubleTy()), unit),
                      ConstantFP::get(b.getDoubleTy(), 0x1p-53));
  // times pi/2
  Pair p = twoProduct(hi, ConstantFP::get(b.getDoubleTy(), kHalfPi));
  V pl = b.CreateFAdd(p.lo, b.CreateFAdd(b.CreateFMul(lo, ConstantFP::get(b.getDoubleTy(), kHalfPi)),
                                         b.CreateFMul(hi, ConstantFP::get(b.getDoubleTy(), kHalfPiLow))));
  V xNeg = b.CreateFCmpOLT(x, ConstantFP::get(b.getDoubleTy(), 0));
  V flip = b.CreateXor(neg, xNeg);
  quadrant = b.CreateSelect(xNeg, b.CreateNeg(integer), integer);
  low = b.CreateSelect(flip, b.CreateFNeg(pl), pl);
  return b.CreateSelect(flip, b.CreateFNeg(p.hi), p.hi);
}

// The rare path is a branch around a loop over the lanes, or around one block for a scalar.
SmallVector<Value *, 3> VectorMath::rarely(V rare, V x, ArrayRef<V> fast, function_ref<SmallVector<V, 3>(V)> slow) {
  auto *vector = dyn_cast<FixedVectorType>(x->getType());
  V any = vector ? b.CreateOrReduce(rare) : rare;
  Function *fn = b.GetInsertBlock()->getParent();
  LLVMContext &context = b.getContext();
  BasicBlock *pre = b.GetInsertBlock();
  BasicBlock *begin = BasicBlock::Create(context, "rare", fn), *end = BasicBlock::Create(context, "rare.merge", fn);
  b.CreateCondBr(any, begin, end);
  b.SetInsertPoint(begin);
  SmallVector<V, 3> other;
  if (!vector) {
    other = slow(x);
  } else {
    BasicBlock *body = BasicBlock::Create(context, "rare.lane", fn);
    b.CreateBr(body);
    b.SetInsertPoint(body);
    PHINode *i = b.CreatePHI(b.getInt64Ty(), 2);
    SmallVector<PHINode *, 3> sofar;
    for (V f : fast)
      sofar.push_back(b.CreatePHI(f->getType(), 2));
    SmallVector<V, 3> lane = slow(b.CreateExtractElement(x, i));
    V isRare = b.CreateExtractElement(rare, i), next = b.CreateAdd(i, b.getInt64(1));
    for (size_t k = 0; k < fast.size(); ++k) {
      V chosen = b.CreateSelect(isRare, lane[k], b.CreateExtractElement(sofar[k], i));
      other.push_back(b.CreateInsertElement(sofar[k], chosen, i));
    }
    BasicBlock *last = b.GetInsertBlock(), *after = BasicBlock::Create(context, "rare.end", fn);
    i->addIncoming(b.getInt64(0), begin), i->addIncoming(next, last);
    for (size_t k = 0; k < fast.size(); ++k)
      sofar[k]->addIncoming(fast[k], begin), sofar[k]->addIncoming(other[k], last);
    b.CreateCondBr(b.CreateICmpULT(next, b.getInt64(vector->getNumElements())), body, after);
    b.SetInsertPoint(after);
  }
  BasicBlock *last = b.GetInsertBlock();
  b.CreateBr(end);
  b.SetInsertPoint(end);
  SmallVector<V, 3> merged;
  for (size_t k = 0; k < fast.size(); ++k) {
    PHINode *p = b.CreatePHI(fast[k]->getType(), 2);
    p->addIncoming(fast[k], pre);
    p->addIncoming(other[k], last);
    merged.push_back(p);
  }
  return merged;
}

VectorMath::Pair VectorMath::reduce(V x, V &quadrant) {
  // pi/2 in four pieces of 33 bits (the last one full): n times a piece is exact for |n| < 2^20.
  constexpr double p1 = 0x1.921fb544p+0, p2 = 0x1.0b4611a6p-34, p3 = 0x1.3198a2ep-69, p4 = 0x1.b839a252049c1p-104;
  V n = b.CreateUnaryIntrinsic(Intrinsic::roundeven, b.CreateFMul(x, c(x, 0x1.45f306dc9c883p-1)));
  Pair a = twoSum(b.CreateFSub(x, b.CreateFMul(n, c(x, p1))), b.CreateFMul(n, c(x, -p2)));
  Pair d = twoSum(a.hi, b.CreateFMul(n, c(x, -p3)));
  V low = b.CreateFAdd(b.CreateFAdd(a.lo, d.lo), b.CreateFMul(n, c(x, -p4)));
  V hi = b.CreateFAdd(d.hi, low);
  Pair r{hi, b.CreateFAdd(b.CreateFSub(d.hi, hi), low)};
  V huge = b.CreateFCmpUGE(fabs(x), c(x, 0x1p20)); // NaN too: it stays NaN below
  V safe = select(huge, c(x, 0), n);
  quadrant = b.CreateFPToSI(safe, intType(x));
  auto merged = rarely(huge, x, {quadrant, r.hi, r.lo}, [&](V lane) {
    V q = nullptr, low = nullptr, high = reduceHuge(lane, q, low);
    return SmallVector<V, 3>{q, high, low};
  });
  quadrant = merged[0], r.hi = merged[1], r.lo = merged[2];
  // Infinity and NaN: no quadrant.
  r.hi = select(b.CreateFCmpUEQ(fabs(x), c(x, kInf)), c(x, kNan), r.hi);
  return r;
}

Value *VectorMath::sinCos(V x, int quarter) {
  V q;
  Pair r = reduce(x, q);
  V z = b.CreateFMul(r.hi, r.hi);
  V zr = b.CreateFMul(z, r.hi);
  // sin(hi + lo) = hi + (lo (1 - z/2) + z hi P(z)); cos = 1 - z/2 + (z^2 Q(z) - hi lo), with 1 - z/2 to twice the precision.
  V tail = mulAdd(zr, poly(z, kSin64), mulAdd(b.CreateFMul(r.lo, z), c(x, -0.5), r.lo));
  V s = b.CreateFAdd(r.hi, tail);
  V half = b.CreateFMul(z, c(x, 0.5)), w = b.CreateFSub(c(x, 1), half);
  V wLow = b.CreateFSub(b.CreateFSub(c(x, 1), w), half);
  V cosine = b.CreateFAdd(
      w, b.CreateFAdd(wLow, b.CreateFSub(b.CreateFMul(b.CreateFMul(z, z), poly(z, kCos64)), b.CreateFMul(r.hi, r.lo))));
  V k = b.CreateAdd(q, ci(x, quarter));
  V useCos = b.CreateICmpNE(b.CreateAnd(k, ci(x, 1)), ci(x, 0));
  V v = select(useCos, cosine, s);
  V sign = b.CreateShl(b.CreateAnd(k, ci(x, 2)), ci(x, 62));
  v = b.CreateBitCast(b.CreateXor(bits(v), sign), x->getType());
  return quarter == 0 ? select(b.CreateFCmpOEQ(x, c(x, 0)), x, v) : v;
}

Value *VectorMath::tan(V x) {
  V q;
  Pair r = reduce(x, q);
  V z = b.CreateFMul(r.hi, r.hi);
  V tail = mulAdd(b.CreateFMul(z, r.hi), poly(z, kSin64), mulAdd(b.CreateFMul(r.lo, z), c(x, -0.5), r.lo));
  Pair s = twoSum(r.hi, tail);
  V half = b.CreateFMul(z, c(x, 0.5)), w = b.CreateFSub(c(x, 1), half);
  V wLow = b.CreateFSub(b.CreateFSub(c(x, 1), w), half);
  V rest =
      b.CreateFAdd(wLow, b.CreateFSub(b.CreateFMul(b.CreateFMul(z, z), poly(z, kCos64)), b.CreateFMul(r.hi, r.lo)));
  Pair k = twoSum(w, rest);
  V odd = b.CreateICmpNE(b.CreateAnd(q, ci(x, 1)), ci(x, 0));
  // s/c or -c/s, the quotient corrected by the low parts.
  V n = select(odd, b.CreateFNeg(k.hi), s.hi), nl = select(odd, b.CreateFNeg(k.lo), s.lo);
  V d = select(odd, s.hi, k.hi), dl = select(odd, s.lo, k.lo);
  V t = b.CreateFDiv(n, d);
  Pair p = twoProduct(t, d);
  V e = b.CreateFSub(b.CreateFAdd(b.CreateFSub(b.CreateFSub(n, p.hi), p.lo), nl), b.CreateFMul(t, dl));
  V v = b.CreateFAdd(t, b.CreateFDiv(e, d));
  return select(b.CreateFCmpOEQ(x, c(x, 0)), x, v);
}

Value *VectorMath::atan(V x) {
  V a = fabs(x);
  // |x| > tan(3 pi/8): pi/2 - atan(1/x); |x| > tan(pi/8): pi/4 + atan((x-1)/(x+1)).
  V big = b.CreateFCmpOGT(a, c(x, 2.414213562373095)), mid = b.CreateFCmpOGT(a, c(x, 0.4142135623730951));
  V num = select(big, c(x, -1), select(mid, b.CreateFSub(a, c(x, 1)), a));
  V den = select(big, a, select(mid, b.CreateFAdd(a, c(x, 1)), c(x, 1)));
  V t = b.CreateFDiv(num, den);
  V base = select(big, c(x, kHalfPi), select(mid, c(x, kHalfPi / 2), c(x, 0)));
  V low = select(big, c(x, kHalfPiLow), select(mid, c(x, kHalfPiLow / 2), c(x, 0)));
  V z = b.CreateFMul(t, t);
  V p = mulAdd(b.CreateFMul(z, t), poly(z, kAtan64), low);
  return copysign(b.CreateFAdd(base, b.CreateFAdd(t, p)), x);
}

Value *VectorMath::atan2(V y, V x) {
  V ax = fabs(x), ay = fabs(y);
  V bothInf = b.CreateAnd(b.CreateFCmpOEQ(ax, c(x, kInf)), b.CreateFCmpOEQ(ay, c(x, kInf)));
  V bothZero = b.CreateAnd(b.CreateFCmpOEQ(ax, c(x, 0)), b.CreateFCmpOEQ(ay, c(x, 0)));
  V q = b.CreateFDiv(ay, ax);
  q = select(bothInf, c(x, 1), select(bothZero, c(x, 0), q));
  V a = atan(q);
  V negative = b.CreateICmpSLT(bits(x), ci(x, 0));
  a = select(negative, b.CreateFAdd(b.CreateFSub(c(x, 2 * kHalfPi), a), c(x, 2 * kHalfPiLow)), a);
  V nan = b.CreateFCmpUNO(x, y);
  return select(nan, c(x, kNan), copysign(a, y));
}

Value *VectorMath::asin(V x) {
  V a = fabs(x), big = b.CreateFCmpOGT(a, c(x, 0.5));
  V z = select(big, b.CreateFMul(b.CreateFSub(c(x, 1), a), c(x, 0.5)), b.CreateFMul(a, a));
  V s = select(big, sqrt(z), a);
  V p = mulAdd(b.CreateFMul(z, s), poly(z, kAsin64), s);
  V far = b.CreateFAdd(b.CreateFSub(c(x, kHalfPi), b.CreateFMul(p, c(x, 2))), c(x, kHalfPiLow));
  return copysign(select(big, far, p), x);
}

Value *VectorMath::acos(V x) {
  V a = fabs(x), big = b.CreateFCmpOGT(a, c(x, 0.5));
  V z = select(big, b.CreateFMul(b.CreateFSub(c(x, 1), a), c(x, 0.5)), b.CreateFMul(a, a));
  V s = select(big, sqrt(z), a);
  V p = mulAdd(b.CreateFMul(z, s), poly(z, kAsin64), s);
  V two = b.CreateFMul(p, c(x, 2));
  V negative = b.CreateFCmpOLT(x, c(x, 0));
  V far = select(negative, b.CreateFAdd(b.CreateFSub(c(x, 2 * kHalfPi), two), c(x, 2 * kHalfPiLow)), two);
  V near = b.CreateFSub(c(x, kHalfPi), b.CreateFSub(copysign(p, x), c(x, kHalfPiLow)));
  return select(big, far, near);
}

Value *VectorMath::asinh(V x) {
  V a = fabs(x), z = b.CreateFMul(a, a);
  // log1p(a + a^2 / (1 + sqrt(1 + a^2))); log(2a) where a^2 would overflow.
  V inner = b.CreateFAdd(a, b.CreateFDiv(z, b.CreateFAdd(c(x, 1), sqrt(b.CreateFAdd(z, c(x, 1))))));
  V large = b.CreateFCmpOGT(a, c(x, 0x1p28));
  V far = b.CreateFAdd(logCore(a, 0), c(x, 0.6931471805599453));
  return copysign(select(large, far, log1p(select(large, c(x, 1), inner))), x);
}

Value *VectorMath::acosh(V x) {
  V t = b.CreateFSub(x, c(x, 1));
  V near = log1p(b.CreateFAdd(t, sqrt(b.CreateFAdd(b.CreateFMul(t, c(x, 2)), b.CreateFMul(t, t)))));
  V far = b.CreateFAdd(logCore(x, 0), c(x, 0.6931471805599453));
  V r = select(b.CreateFCmpOGT(x, c(x, 0x1p28)), far, near);
  return select(b.CreateFCmpOLT(x, c(x, 1)), c(x, kNan), r);
}

Value *VectorMath::atanh(V x) {
  V a = fabs(x);
  V r = b.CreateFMul(log1p(b.CreateFDiv(b.CreateFMul(a, c(x, 2)), b.CreateFSub(c(x, 1), a))), c(x, 0.5));
  return copysign(r, x);
}

Value *VectorMath::erfcTail(V x) {
  // e^(-x^2) with x^2 split, so that the exponent's error does not grow with x.
  V y = b.CreateBinaryIntrinsic(Intrinsic::minnum, x, c(x, 28));
  V hi = b.CreateBitCast(b.CreateAnd(bits(y), ci(x, 0xffffffff00000000ull)), x->getType());
  V e = exp(b.CreateFNeg(b.CreateFMul(hi, hi)));
  V lowE = exp(b.CreateFNeg(b.CreateFMul(b.CreateFSub(y, hi), b.CreateFAdd(y, hi))));
  V t = b.CreateFDiv(b.CreateFSub(y, c(x, 2)), b.CreateFAdd(y, c(x, 2)));
  V g = b.CreateFDiv(poly(t, kErfc64), b.CreateFAdd(c(x, 1), b.CreateFMul(y, c(x, 2))));
  return b.CreateFMul(b.CreateFMul(e, lowE), g);
}

Value *VectorMath::erf(V x) {
  V a = fabs(x);
  V small = b.CreateFCmpOLT(a, c(x, 1));
  V as = select(small, a, c(x, 0)), al = select(small, c(x, 1), a);
  V near = b.CreateFMul(as, poly(b.CreateFMul(as, as), kErf64));
  V far = b.CreateFSub(c(x, 1), erfcTail(al));
  V r = select(small, near, far);
  return select(isNan(x), x, copysign(r, x));
}

Value *VectorMath::erfc(V x) {
  V a = fabs(x);
  V small = b.CreateFCmpOLT(a, c(x, 1));
  V al = select(small, c(x, 1), a), as = select(small, x, c(x, 0));
  V p = b.CreateFMul(as, poly(b.CreateFMul(as, as), kErf64));
  // 1 - p, with the subtraction from 0.5 first where p is near one half
  V near = select(b.CreateFCmpOGT(as, c(x, 0.25)), b.CreateFAdd(c(x, 0.5), b.CreateFSub(c(x, 0.5), p)),
                  b.CreateFSub(c(x, 1), p));
  V tail = erfcTail(al);
  V far = select(b.CreateFCmpOLT(x, c(x, 0)), b.CreateFSub(c(x, 2), tail), tail);
  return select(isNan(x), x, select(small, near, far));
}

} // namespace tessera::codegen
