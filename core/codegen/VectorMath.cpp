// VectorMath.cpp - exponentials, logarithms, powers, and the pieces they are made of
//
// SPDX-License-Identifier: Apache-2.0
#include "core/codegen/VectorMath.h"

#include "core/codegen/MathCoefficients.h"

#include "llvm/IR/Intrinsics.h"

#include <cmath>
#include <limits>

using namespace llvm;
using tessera::tbc::Elem;
using tessera::tbc::Opcode;

namespace tessera::codegen {

namespace {
constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kLog2e = 1.4426950408889634, kLn2 = 0.6931471805599453;
} // namespace

Value *VectorMath::c(V shape, double v) const { return ConstantFP::get(shape->getType(), v); }

Type *VectorMath::intType(V x) const { return Elementwise::like(isDouble(x) ? b.getInt64Ty() : b.getInt32Ty(), x); }

Value *VectorMath::ci(V shape, uint64_t v) const { return ConstantInt::get(intType(shape), v); }

Value *VectorMath::fabs(V x) { return b.CreateUnaryIntrinsic(Intrinsic::fabs, x); }

Value *VectorMath::mulAdd(V x, V y, V z) {
  if (opt.fma)
    return b.CreateIntrinsic(Intrinsic::fma, {x->getType()}, {x, y, z});
  return b.CreateFAdd(b.CreateFMul(x, y), z);
}

Value *VectorMath::poly(V x, ArrayRef<double> k) {
  V r = c(x, k.back());
  for (size_t i = k.size() - 1; i-- > 0;)
    r = mulAdd(r, x, c(x, k[i]));
  return r;
}

VectorMath::Pair VectorMath::twoSum(V x, V y) {
  V s = b.CreateFAdd(x, y), t = b.CreateFSub(s, x);
  return {s, b.CreateFAdd(b.CreateFSub(x, b.CreateFSub(s, t)), b.CreateFSub(y, t))};
}

VectorMath::Pair VectorMath::twoProduct(V x, V y) {
  V p = b.CreateFMul(x, y);
  if (opt.fma)
    return {p, mulAdd(x, y, b.CreateFNeg(p))};
  // Dekker's splitting; overflows only near the largest numbers.
  auto split = [&](V v) {
    V t = b.CreateFMul(v, c(v, 134217729.0));
    V hi = b.CreateFSub(t, b.CreateFSub(t, v));
    return Pair{hi, b.CreateFSub(v, hi)};
  };
  Pair a = split(x), d = split(y);
  V e = b.CreateFSub(b.CreateFMul(a.hi, d.hi), p);
  e = b.CreateFAdd(e, b.CreateFMul(a.hi, d.lo));
  e = b.CreateFAdd(e, b.CreateFMul(a.lo, d.hi));
  return {p, b.CreateFAdd(e, b.CreateFMul(a.lo, d.lo))};
}

Value *VectorMath::oddSum(V x, V y) {
  Pair s = twoSum(x, y);
  V raw = bits(s.hi);
  V inexact = b.CreateFCmpONE(s.lo, c(s.lo, 0)); // false for NaN
  V even = b.CreateICmpEQ(b.CreateAnd(raw, ci(s.hi, 1)), ci(s.hi, 0));
  V sameSign = b.CreateICmpSGE(b.CreateXor(raw, bits(s.lo)), ci(s.hi, 0));
  V odd = b.CreateAdd(raw, select(sameSign, ci(s.hi, 1), ci(s.hi, ~uint64_t(0))));
  return b.CreateBitCast(select(b.CreateAnd(inexact, even), odd, raw), s.hi->getType());
}

Value *VectorMath::narrowFma(Elem e, V x, V y, V z) {
  FastMathFlags strict;
  IRBuilderBase::FastMathFlagGuard guard(b);
  b.setFastMathFlags(strict);
  if (e == Elem::BF16)
    return oddSum(b.CreateFMul(toDouble(x), toDouble(y)), toDouble(z));
  return oddSum(b.CreateFMul(x, y), z);
}

Value *VectorMath::exactFma(V x, V y, V z) {
  if (opt.fma)
    return b.CreateIntrinsic(Intrinsic::fma, {x->getType()}, {x, y, z});
  FastMathFlags strict;
  IRBuilderBase::FastMathFlagGuard guard(b);
  b.setFastMathFlags(strict);
  if (!isDouble(
          x)) // the product is exact in f64, and the sum is odd where it is not: rounding it to f32 is the only rounding
    return toFloat(oddSum(b.CreateFMul(toDouble(x), toDouble(y)), toDouble(z)));
  Pair p = twoProduct(x, y), s = twoSum(p.hi, z);
  V r = b.CreateFAdd(s.hi, b.CreateFAdd(s.lo, p.lo));
  return select(isNan(r), b.CreateFAdd(b.CreateFMul(x, y), z), r);
}

Value *VectorMath::quotient(V x, V y) {
  if (opt.exactDivision || isDouble(x))
    return b.CreateFDiv(x, y);
  // A reciprocal to a few ulp, and one step: what the quotient leaves over is exact, so the step's error is that of its last rounding.
  V reciprocal = b.CreateFDiv(c(y, 1), y);
  if (auto *divide = dyn_cast<Instruction>(reciprocal))
    divide->setHasApproxFunc(true);
  V q = b.CreateFMul(x, reciprocal);
  return mulAdd(mulAdd(b.CreateFNeg(q), y, x), reciprocal, q);
}

Value *VectorMath::pow2(V n) {
  Type *t = intType(n);
  V k = b.CreateSExt(b.CreateFreeze(b.CreateFPToSI(n, Elementwise::like(b.getInt32Ty(), n))), t);
  bool d = isDouble(n);
  return b.CreateBitCast(b.CreateShl(b.CreateAdd(k, ci(n, d ? 1023 : 127)), ci(n, d ? 52 : 23)), n->getType());
}

Value *VectorMath::scale(V x, V n) {
  // Two factors, so that neither leaves the normal range and underflow is rounded once.
  bool d = isDouble(n);
  // Through i32: few targets convert vectors of f64 to i64. NaN converts to anything, and stays NaN in the product.
  V k = b.CreateSExt(b.CreateFreeze(b.CreateFPToSI(n, Elementwise::like(b.getInt32Ty(), n))), intType(n));
  V half = b.CreateAShr(k, ci(n, 1));
  auto power = [&](V i) {
    return b.CreateBitCast(b.CreateShl(b.CreateAdd(i, ci(n, d ? 1023 : 127)), ci(n, d ? 52 : 23)), n->getType());
  };
  return b.CreateFMul(b.CreateFMul(x, power(half)), power(b.CreateSub(k, half)));
}

Value *VectorMath::expReduced(V r) {
  V q = isDouble(r) ? poly(r, kExp64) : poly(r, kExp32);
  return mulAdd(b.CreateFMul(r, r), q, r);
}

Value *VectorMath::exp(V x) {
  bool d = isDouble(x);
  // Beyond these the result is 0 or infinity anyway; the selects keep NaN.
  V lo = c(x, d ? -746.0 : -104.0), hi = c(x, d ? 710.0 : 89.0);
  V y = select(b.CreateFCmpOLT(x, lo), lo, x);
  y = select(b.CreateFCmpOGT(y, hi), hi, y);
  V n = b.CreateUnaryIntrinsic(Intrinsic::roundeven, b.CreateFMul(y, c(x, kLog2e)));
  V r = mulAdd(n, c(x, d ? -0x1.62e42fefa39efp-1 : -0x1.62e4p-1), y);
  r = mulAdd(n, c(x, d ? -0x1.abc9e3b39803fp-56 : -0x1.7f7d1cp-20), r);
  if (d && !opt.fma) { // without fma the high part must leave room for n
    r = b.CreateFSub(y, b.CreateFMul(n, c(x, 0x1.62e42fefap-1)));
    r = b.CreateFSub(r, b.CreateFMul(n, c(x, 0x1.cf79abc9e3b39p-40)));
  }
  V e = b.CreateFAdd(expReduced(r), c(x, 1));
  return scale(e, n);
}

Value *VectorMath::exp2(V x) {
  bool d = isDouble(x);
  V lo = c(x, d ? -1076.0 : -151.0), hi = c(x, d ? 1025.0 : 129.0);
  V y = select(b.CreateFCmpOLT(x, lo), lo, x);
  y = select(b.CreateFCmpOGT(y, hi), hi, y);
  V n = b.CreateUnaryIntrinsic(Intrinsic::roundeven, y);
  V r = b.CreateFMul(b.CreateFSub(y, n), c(x, kLn2));
  return scale(b.CreateFAdd(expReduced(r), c(x, 1)), n);
}

Value *VectorMath::expm1(V x) {
  bool d = isDouble(x);
  V lo = c(x, d ? -40.0 : -20.0), hi = c(x, d ? 710.0 : 89.0);
  V y = select(b.CreateFCmpOLT(x, lo), lo, x);
  y = select(b.CreateFCmpOGT(y, hi), hi, y);
  V n = b.CreateUnaryIntrinsic(Intrinsic::roundeven, b.CreateFMul(y, c(x, kLog2e)));
  V r = mulAdd(n, c(x, d ? -0x1.62e42fefap-1 : -0x1.62e4p-1), y);
  r = mulAdd(n, c(x, d ? -0x1.cf79abc9e3b39p-40 : -0x1.7f7d1cp-20), r);
  V m = expReduced(r);
  // 2^n overflows a little before e^x does: halve it and double the end.
  V s = pow2(b.CreateFSub(n, c(x, 1)));
  V v = b.CreateFMul(mulAdd(s, m, b.CreateFSub(s, c(x, 0.5))), c(x, 2));
  return select(b.CreateFCmpOEQ(x, c(x, 0)), x, v); // keeps -0
}

Value *VectorMath::tanh(V x) {
  V limit = c(x, isDouble(x) ? 22.0 : 10.0), a = fabs(x);
  a = select(b.CreateFCmpOGT(a, limit), limit, a);
  V t = expm1(b.CreateFMul(a, c(x, 2)));
  V r = quotient(t, b.CreateFAdd(t, c(x, 2)));
  return copysign(r, x);
}

Value *VectorMath::sinh(V x) {
  V a = fabs(x), m = expm1(a);
  V small = b.CreateFMul(b.CreateFAdd(m, b.CreateFDiv(m, b.CreateFAdd(m, c(x, 1)))), c(x, 0.5));
  V e = exp(b.CreateFMul(a, c(x, 0.5)));
  V big = b.CreateFMul(b.CreateFMul(e, c(x, 0.5)), e);
  return copysign(select(b.CreateFCmpOGT(a, c(x, 40)), big, small), x);
}

Value *VectorMath::cosh(V x) {
  V a = fabs(x);
  V e = exp(a);
  V small = b.CreateFMul(b.CreateFAdd(e, b.CreateFDiv(c(x, 1), e)), c(x, 0.5));
  V h = exp(b.CreateFMul(a, c(x, 0.5)));
  return select(b.CreateFCmpOGT(a, c(x, 40)), b.CreateFMul(b.CreateFMul(h, c(x, 0.5)), h), small);
}

Value *VectorMath::logCore(V x, double base) {
  bool d = isDouble(x);
  // Denormals are scaled into the normal range first.
  V tiny = b.CreateFCmpOLT(x, c(x, d ? 0x1p-1022 : 0x1p-126));
  V y = select(tiny, b.CreateFMul(x, c(x, d ? 0x1p54 : 0x1p25)), x);
  uint64_t sqrtHalf = d ? 0x3fe6a09e667f3bcdull : 0x3f3504f3ull;
  unsigned mantissa = d ? 52 : 23;
  V raw = bits(y);
  V e = b.CreateAShr(b.CreateSub(raw, ci(x, sqrtHalf)), ci(x, mantissa));
  V m = b.CreateBitCast(b.CreateSub(raw, b.CreateShl(e, ci(x, mantissa))), x->getType());
  V k = b.CreateSIToFP(e, x->getType());
  k = select(tiny, b.CreateFSub(k, c(x, d ? 54 : 25)), k);
  V f = b.CreateFSub(m, c(x, 1));
  V s = quotient(f, b.CreateFAdd(f, c(x, 2)));
  V z = b.CreateFMul(s, s);
  V r = b.CreateFMul(z, d ? poly(z, kLog64) : poly(z, kLog32));
  V h = b.CreateFMul(b.CreateFMul(f, f), c(x, 0.5));
  V result;
  if (base == 0) {
    V low = mulAdd(k, c(x, d ? 0x1.ef35793c76730p-45 : 0x1.7f7d1cp-20), b.CreateFMul(s, b.CreateFAdd(h, r)));
    V inner = b.CreateFSub(f, b.CreateFSub(h, low));
    result = mulAdd(k, c(x, d ? 0x1.62e42fefa3800p-1 : 0x1.62e4p-1), inner);
  } else {
    // log_b(m) = (hi + lo) / ln b with hi short enough for the product with the constant's high part to be nearly exact.
    double inv = base == 2 ? kLog2e : 0.4342944819032518;
    V corr = b.CreateFMul(s, b.CreateFAdd(h, r));
    V hi = b.CreateFSub(f, h);
    hi = b.CreateBitCast(b.CreateAnd(bits(hi), ci(x, d ? ~0xffffffffull : ~0xfffull & 0xffffffff)), x->getType());
    V lo = b.CreateFAdd(b.CreateFSub(b.CreateFSub(f, hi), h), corr);
    double invHi =
        d ? std::ldexp(std::floor(std::ldexp(inv, 21)), -21) : std::ldexp(std::floor(std::ldexp(inv, 11)), -11);
    double invLo = base == 2 ? double(1.4426950408889634073599246810018921L - (long double)invHi)
                             : double(0.4342944819032518276511289189166051L - (long double)invHi);
    V tail = mulAdd(b.CreateFAdd(lo, hi), c(x, invLo), b.CreateFMul(lo, c(x, invHi)));
    V head = b.CreateFMul(hi, c(x, invHi));
    if (base == 2) {
      Pair sum = twoSum(k, head);
      result = b.CreateFAdd(sum.hi, b.CreateFAdd(sum.lo, tail));
    } else {
      constexpr double log10Two = 0.30102999566398119521L;
      double twoHi = d ? std::ldexp(std::floor(std::ldexp(log10Two, 42)), -42)
                       : std::ldexp(std::floor(std::ldexp(log10Two, 13)), -13);
      double twoLo = double(0.30102999566398119521373889472449302676L - (long double)twoHi);
      Pair sum = twoSum(b.CreateFMul(k, c(x, twoHi)), head);
      result = b.CreateFAdd(sum.hi, b.CreateFAdd(sum.lo, mulAdd(k, c(x, twoLo), tail)));
    }
  }
  result = select(b.CreateFCmpOEQ(x, c(x, 0)), c(x, -kInf), result);
  result = select(b.CreateFCmpOEQ(x, c(x, kInf)), c(x, kInf), result);
  return select(b.CreateFCmpULT(x, c(x, 0)), c(x, kNan), result); // negative or NaN; -0 is not less than 0
}

Value *VectorMath::log1p(V x) {
  // log(1+x) = log(u) + (x - (u - 1)) / u with u = 1 + x rounded.
  V u = b.CreateFAdd(x, c(x, 1));
  V rest = b.CreateFDiv(b.CreateFSub(x, b.CreateFSub(u, c(x, 1))), u);
  V r = b.CreateFAdd(logCore(u, 0), rest);
  V special = b.CreateOr(b.CreateFCmpOEQ(u, c(x, 0)), b.CreateFCmpOEQ(x, c(x, kInf)));
  r = select(special, select(b.CreateFCmpOEQ(u, c(x, 0)), c(x, -kInf), c(x, kInf)), r);
  return select(b.CreateFCmpOLT(fabs(x), c(x, 0x1p-60)), x, r);
}

VectorMath::Pair VectorMath::logPair(V x) {
  V tiny = b.CreateFCmpOLT(x, c(x, 0x1p-1022));
  V y = select(tiny, b.CreateFMul(x, c(x, 0x1p54)), x);
  V raw = bits(y);
  V e = b.CreateAShr(b.CreateSub(raw, ci(x, 0x3fe6a09e667f3bcdull)), ci(x, 52));
  V m = b.CreateBitCast(b.CreateSub(raw, b.CreateShl(e, ci(x, 52))), x->getType());
  V k = b.CreateSIToFP(e, x->getType());
  k = select(tiny, b.CreateFSub(k, c(x, 54)), k);
  // s = f / (2 + f) to twice the precision, then log m = 2 s + s^3 P(s^2).
  V f = b.CreateFSub(m, c(x, 1)), g = b.CreateFAdd(m, c(x, 1));
  V s = b.CreateFDiv(f, g);
  V gLow = b.CreateFSub(m, b.CreateFSub(g, c(x, 1)));
  Pair p = twoProduct(s, g);
  V sLow = b.CreateFDiv(b.CreateFSub(b.CreateFSub(b.CreateFSub(f, p.hi), p.lo), b.CreateFMul(s, gLow)), g);
  // s^3 * 2/3 must be carried to twice the precision too.
  Pair z = twoProduct(s, s);
  V zLow = b.CreateFAdd(z.lo, b.CreateFMul(b.CreateFMul(s, sLow), c(x, 2)));
  V rest = b.CreateFMul(z.hi, poly(z.hi, ArrayRef<double>(kLog64).drop_front()));
  Pair q = twoSum(c(x, 0x1.5555555555555p-1), rest);
  V qLow = b.CreateFAdd(q.lo, c(x, 0x1.5555555555555p-55));
  Pair t = twoProduct(z.hi, q.hi);
  V tLow = b.CreateFAdd(t.lo, b.CreateFAdd(b.CreateFMul(z.hi, qLow), b.CreateFMul(zLow, q.hi)));
  Pair u = twoSum(c(x, 2), t.hi);
  V uLow = b.CreateFAdd(u.lo, tLow);
  Pair w = twoProduct(s, u.hi);
  V wLow = b.CreateFAdd(w.lo, b.CreateFAdd(b.CreateFMul(s, uLow), b.CreateFMul(sLow, u.hi)));
  // times log2(e)
  Pair v = twoProduct(w.hi, c(x, kLog2e));
  V vLow = b.CreateFAdd(
      v.lo, b.CreateFAdd(b.CreateFMul(w.hi, c(x, 0x1.777d0ffda0d24p-56)), b.CreateFMul(wLow, c(x, kLog2e))));
  Pair r = twoSum(k, v.hi);
  Pair n = twoSum(r.hi, b.CreateFAdd(r.lo, vLow));
  return n;
}

Value *VectorMath::pow(V x, V y) {
  if (!isDouble(x))
    return opt.fma ? powSingle(x, y) : toFloat(pow(toDouble(x), toDouble(y)));
  V ax = fabs(x);
  Pair l = logPair(ax);
  // y is clamped so that the product stays finite; beyond that the result is 0, 1 or infinity already.
  V yc = select(b.CreateFCmpOGT(y, c(y, 0x1p66)), c(y, 0x1p66),
                select(b.CreateFCmpOLT(y, c(y, -0x1p66)), c(y, -0x1p66), y));
  Pair p = twoProduct(l.hi, yc);
  V low = mulAdd(l.lo, yc, p.lo);
  V h = select(b.CreateFCmpOGT(p.hi, c(x, 1100)), c(x, 1100),
               select(b.CreateFCmpOLT(p.hi, c(x, -1100)), c(x, -1100), p.hi));
  low = select(b.CreateFCmpOEQ(h, p.hi), low, c(x, 0));
  V n = b.CreateUnaryIntrinsic(Intrinsic::roundeven, h);
  V f = b.CreateFAdd(b.CreateFSub(h, n), low);
  V r = scale(b.CreateFAdd(expReduced(b.CreateFMul(f, c(x, kLn2))), c(x, 1)), n);
  return powSpecial(x, y, r);
}

Value *VectorMath::powSpecial(V x, V y, V r) {
  V ax = fabs(x);
  V zero = c(x, 0), one = c(x, 1), inf = c(x, kInf);
  // Magnitudes of the special operands.
  V yNeg = b.CreateFCmpOLT(y, zero);
  r = select(b.CreateFCmpOEQ(ax, zero), select(yNeg, inf, zero), r);
  r = select(b.CreateFCmpOEQ(ax, inf), select(yNeg, zero, inf), r);
  V yInf = b.CreateFCmpOEQ(fabs(y), inf);
  V grows = b.CreateXor(b.CreateFCmpOGT(ax, one), yNeg);
  r = select(yInf, select(b.CreateFCmpOEQ(ax, one), one, select(grows, inf, zero)), r);
  // Sign: negative base with an odd integer; NaN with a finite non-integer.
  V whole = b.CreateFCmpOEQ(b.CreateUnaryIntrinsic(Intrinsic::trunc, y), y);
  V halfY = b.CreateFMul(y, c(y, 0.5));
  V oddY = b.CreateAnd(whole, b.CreateFCmpONE(b.CreateUnaryIntrinsic(Intrinsic::trunc, halfY), halfY));
  V negative = b.CreateICmpSLT(bits(x), ci(x, 0));
  r = select(b.CreateAnd(negative, oddY), b.CreateFNeg(r), r);
  V bad = b.CreateAnd(b.CreateAnd(b.CreateFCmpOLT(x, zero), b.CreateNot(whole)), b.CreateFCmpOGT(x, c(x, -kInf)));
  r = select(bad, c(x, kNan), r);
  r = select(b.CreateOr(isNan(x), isNan(y)), c(x, kNan), r);
  return select(b.CreateOr(b.CreateFCmpOEQ(x, one), b.CreateFCmpOEQ(y, zero)), one, r);
}

Value *VectorMath::cbrt(V x) {
  if (!isDouble(x))
    return opt.fma ? cbrtSingle(x) : toFloat(cbrt(toDouble(x)));
  V a = fabs(x);
  V tiny = b.CreateFCmpOLT(a, c(x, 0x1p-1022));
  V large = b.CreateFCmpOGT(a, c(x, 0x1p1000)); // the cube times two would overflow
  V y = select(tiny, b.CreateFMul(a, c(x, 0x1p54)), select(large, b.CreateFMul(a, c(x, 0x1p-54)), a));
  // A third of the exponent by integer arithmetic, then Halley's iteration: each triples the correct bits (5, 15, 45, all).
  V t = b.CreateBitCast(b.CreateAdd(b.CreateUDiv(bits(y), ci(x, 3)), ci(x, 0x2a9f7893782da1ceull)), x->getType());
  for (int i = 0; i < 4; ++i) {
    V t3 = b.CreateFMul(b.CreateFMul(t, t), t);
    V num = b.CreateFSub(t3, y), den = b.CreateFAdd(b.CreateFAdd(t3, t3), y);
    t = b.CreateFSub(t, b.CreateFMul(t, b.CreateFDiv(num, den)));
  }
  t = select(tiny, b.CreateFMul(t, c(x, 0x1p-18)), select(large, b.CreateFMul(t, c(x, 0x1p18)), t));
  V special = b.CreateOr(b.CreateFCmpOEQ(a, c(x, 0)), b.CreateFCmpUEQ(a, c(x, kInf)));
  return select(special, x, copysign(t, x));
}

Value *VectorMath::round(V x) {
  V t = b.CreateUnaryIntrinsic(Intrinsic::trunc, x);
  V away = b.CreateFCmpOGE(fabs(b.CreateFSub(x, t)), c(x, 0.5));
  return copysign(select(away, b.CreateFAdd(t, copysign(c(x, 1), x)), t), x);
}

// x - trunc(x / y) y, exactly: the significands are aligned and subtracted bit by bit from the larger exponent down.
Value *VectorMath::fmod(V x, V y) {
  bool d = isDouble(x);
  if (!d)
    return opt.fma ? fmodSingle(x, y) : toFloat(fmod(toDouble(x), toDouble(y)));
  V ax = fabs(x), ay = fabs(y);
  // Scaled subtraction: r stays below 2 * (y 2^k), every step is exact in f64.
  Function *fn = b.GetInsertBlock()->getParent();
  LLVMContext &ctx = b.getContext();
  BasicBlock *pre = b.GetInsertBlock();
  BasicBlock *head = BasicBlock::Create(ctx, "fmod", fn), *step = BasicBlock::Create(ctx, "fmod.step", fn),
             *done = BasicBlock::Create(ctx, "fmod.end", fn);
  V valid = b.CreateAnd(b.CreateFCmpOLT(ax, c(x, kInf)), b.CreateFCmpOGT(ay, c(x, 0)));
  V start = select(valid, ax, c(x, 0));
  V div = select(valid, ay, c(x, 1));
  b.CreateBr(head);
  b.SetInsertPoint(head);
  PHINode *r = b.CreatePHI(x->getType(), 2);
  r->addIncoming(start, pre);
  V more = b.CreateFCmpOGE(r, div);
  b.CreateCondBr(more, step, done);
  b.SetInsertPoint(step);
  // q = y scaled by the largest power of two that keeps it at or below r.
  // The exponents of both, denormals normalised first; then y scaled up in factors that are in range.
  auto expOf = [&](V v) {
    V tiny = b.CreateFCmpOLT(v, c(x, 0x1p-1022));
    V k = b.CreateLShr(bits(select(tiny, b.CreateFMul(v, c(x, 0x1p54)), v)), ci(x, 52));
    return select(tiny, b.CreateSub(k, ci(x, 54)), k);
  };
  V gap = b.CreateSub(expOf(r), expOf(div));
  V q = div;
  for (int i = 0; i < 3; ++i) {
    V part = b.CreateBinaryIntrinsic(Intrinsic::smin, gap, ci(x, 1000));
    gap = b.CreateSub(gap, part);
    q = b.CreateFMul(q, b.CreateBitCast(b.CreateShl(b.CreateAdd(part, ci(x, 1023)), ci(x, 52)), x->getType()));
  }
  q = select(b.CreateFCmpOGT(q, r), b.CreateFMul(q, c(x, 0.5)), q);
  V next = b.CreateFSub(r, q);
  r->addIncoming(next, step);
  b.CreateBr(head);
  b.SetInsertPoint(done);
  V result = copysign(r, x);
  V nan = b.CreateOr(b.CreateOr(isNan(x), isNan(y)),
                     b.CreateOr(b.CreateFCmpOEQ(ay, c(x, 0)), b.CreateFCmpOEQ(ax, c(x, kInf))));
  return select(nan, c(x, kNan), result);
}

Value *VectorMath::lower(Opcode code, ArrayRef<V> v) {
  // Contraction is ours to decide in here: the error-free transformations must not be fused.
  IRBuilderBase::FastMathFlagGuard guard(b);
  b.setFastMathFlags(FastMathFlags());
  V x = v[0];
  const bool single = !isDouble(x) && opt.fma;
  auto either = [&](auto inSingle, auto inDouble) {
    return single ? inSingle(x) : isDouble(x) ? inDouble(x) : toFloat(inDouble(toDouble(x)));
  };
  switch (code) {
  case Opcode::Rsqrt:
    return b.CreateFDiv(c(x, 1), sqrt(x));
  case Opcode::Exp:
    return exp(x);
  case Opcode::Exp2:
    return exp2(x);
  case Opcode::Expm1:
    return expm1(x);
  case Opcode::Tanh:
    return single ? tanhSingle(x) : tanh(x);
  case Opcode::Log:
    return single ? logSingle(x, 0) : logCore(x, 0);
  case Opcode::Log2:
    return single ? logSingle(x, 2) : logCore(x, 2);
  case Opcode::Log10:
    return either([&](V a) { return logSingle(a, 10); }, [&](V a) { return logCore(a, 10); });
  case Opcode::Log1p:
    return either([&](V a) { return log1pSingle(a); }, [&](V a) { return log1p(a); });
  case Opcode::Sinh:
    return either([&](V a) { return sinhSingle(a); }, [&](V a) { return sinh(a); });
  case Opcode::Cosh:
    return either([&](V a) { return coshSingle(a); }, [&](V a) { return cosh(a); });
  case Opcode::Sin:
    return either([&](V a) { return sinCosSingle(a, 0); }, [&](V a) { return sinCos(a, 0); });
  case Opcode::Cos:
    return either([&](V a) { return sinCosSingle(a, 1); }, [&](V a) { return sinCos(a, 1); });
  case Opcode::Tan:
    return either([&](V a) { return tanSingle(a); }, [&](V a) { return tan(a); });
  case Opcode::Asin:
    return either([&](V a) { return asinSingle(a, false); }, [&](V a) { return asin(a); });
  case Opcode::Acos:
    return either([&](V a) { return asinSingle(a, true); }, [&](V a) { return acos(a); });
  case Opcode::Atan:
    return either([&](V a) { return atanSingle(a); }, [&](V a) { return atan(a); });
  case Opcode::Atan2:
    return single ? atan2Single(x, v[1]) : isDouble(x) ? atan2(x, v[1]) : toFloat(atan2(toDouble(x), toDouble(v[1])));
  case Opcode::Asinh:
    return either([&](V a) { return asinhSingle(a); }, [&](V a) { return asinh(a); });
  case Opcode::Acosh:
    return either([&](V a) { return acoshSingle(a); }, [&](V a) { return acosh(a); });
  case Opcode::Atanh:
    return either([&](V a) { return atanhSingle(a); }, [&](V a) { return atanh(a); });
  case Opcode::Erf:
    return isDouble(x) ? erf(x) : erfSingle(x);
  case Opcode::Erfc:
    return either([&](V a) { return erfcSingle(a); }, [&](V a) { return erfc(a); });
  case Opcode::Cbrt:
    return cbrt(x);
  case Opcode::Pow:
    return pow(x, v[1]);
  case Opcode::Round:
    return round(x);
  default:
    return PoisonValue::get(x->getType());
  }
}

} // namespace tessera::codegen
