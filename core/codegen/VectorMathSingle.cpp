// VectorMathSingle.cpp - elementary functions of f32 in f32, for targets that multiply and add in one rounding
//
// SPDX-License-Identifier: Apache-2.0
//
// Arithmetic of f64 has half the rate of f32 at best, and 1/64 on many devices. What f32 cannot hold is carried as a second f32: the
// rest of pi/2, of an argument, of a logarithm. Where the target brings approximate functions they are used, with a step that repairs
// what they lack where it counts.
#include "core/codegen/MathCoefficients.h"
#include "core/codegen/VectorMath.h"

#include "llvm/IR/Intrinsics.h"

#include <limits>

using namespace llvm;

namespace tessera::codegen {

namespace {
constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
// Constants as sums of f32.
constexpr double kHalfPi = 0x1.921fb6p+0, kHalfPi2 = -0x1.777a5cp-25, kHalfPi3 = -0x1.ee59dap-50;
constexpr double kLog2e = 0x1.715476p+0, kLog2e2 = 0x1.4ae0cp-26;
constexpr double kLn2 = 0x1.62e43p-1, kLn22 = -0x1.05c61p-29;
constexpr double kLog10e = 0x1.bcb7b2p-2, kLog10Two = 0x1.344136p-2, kLog10Two2 = -0x1.ec10cp-27;
// Added and subtracted again it leaves the nearest whole number; the low bits of the sum are that number.
constexpr double kWhole = 0x1.8p23;

// 2/pi, 32 bits a word, most significant first, below a word of zeros.
constexpr uint32_t kTwoOverPi[] = {0,           0xa2f9836eu, 0x4e441529u, 0xfc2757d1u,
                                   0xf534ddc0u, 0xdb629599u, 0x3c439041u, 0xfe5163abu};
} // namespace

Value *VectorMath::approximateQuotient(V x, V y) {
  return opt.approximations ? opt.approximations->divide(b, x, y) : b.CreateFDiv(x, y);
}

Value *VectorMath::reciprocal(V x) {
  return opt.approximations ? opt.approximations->reciprocal(b, x) : b.CreateFDiv(c(x, 1), x);
}

Value *VectorMath::root(V x) { return opt.approximations ? opt.approximations->sqrt(b, x) : sqrt(x); }

Value *VectorMath::exp2Fraction(V f) {
  return opt.approximations ? opt.approximations->exp2(b, f)
                            : b.CreateFAdd(expReduced(b.CreateFMul(f, c(f, kLn2))), c(f, 1));
}

// ---- circular functions ------------------------------------------------------------------------------------------------

// Payne and Hanek, |x| >= 1: x times the bits of 2/pi that matter. Those above give multiples of four quadrants, those below less than 2^-70.
VectorMath::Pair VectorMath::reduceHugeSingle(V x, V &quadrant) {
  Module *m = b.GetInsertBlock()->getModule();
  GlobalVariable *table = m->getNamedGlobal("tsr.two_over_pi_words");
  if (!table) {
    Constant *init = ConstantDataArray::get(b.getContext(), ArrayRef<uint32_t>(kTwoOverPi));
    table = new GlobalVariable(*m, init->getType(), true, GlobalValue::PrivateLinkage, init, "tsr.two_over_pi_words");
  }
  Type *i32 = b.getInt32Ty(), *i64 = b.getInt64Ty();
  V raw = b.CreateBitCast(x, i32);
  V significand = b.CreateOr(b.CreateAnd(raw, 0x7fffff), 0x800000);
  // x = significand 2^e; the window on the bits begins at e - 2, 32 bits further in the table: exponent field - 120.
  V start = b.CreateAnd(b.CreateSub(b.CreateAnd(b.CreateLShr(raw, 23), 0xff), b.getInt32(120)), 0xff);
  start = b.CreateBinaryIntrinsic(Intrinsic::umin, start, b.getInt32(135)); // of infinity too
  V word = b.CreateLShr(start, 5), shift = b.CreateAnd(start, 31);
  V w[4], window[3];
  for (unsigned i = 0; i < 4; ++i)
    w[i] = b.CreateLoad(i32, b.CreateGEP(i32, table, b.CreateZExt(b.CreateAdd(word, b.getInt32(i)), i64)));
  for (unsigned i = 0; i < 3; ++i)
    window[i] = b.CreateIntrinsic(Intrinsic::fshl, {i32}, {w[i], w[i + 1], shift});
  auto times = [&](V f) { return b.CreateMul(b.CreateZExt(significand, i64), b.CreateZExt(f, i64)); };
  V turns = b.CreateAdd(b.CreateAdd(b.CreateShl(times(window[0]), 32), times(window[1])), // 2^64 are four quadrants
                        b.CreateLShr(times(window[2]), 32));
  V q = b.CreateLShr(b.CreateAdd(turns, b.getInt64(uint64_t(1) << 61)), 62);
  V fraction = b.CreateShl(turns, 2); // signed, 2^64 are one
  V high = b.CreateAnd(fraction, ~uint64_t(0xffffffffff)), low = b.CreateSub(fraction, high);
  V hi = b.CreateSIToFP(high, b.getFloatTy()), lo = b.CreateSIToFP(low, b.getFloatTy());
  V unit = c(hi, kHalfPi * 0x1p-64), unit2 = c(hi, kHalfPi2 * 0x1p-64);
  V p = b.CreateFMul(hi, unit);
  V rest = mulAdd(hi, unit2, mulAdd(lo, unit, mulAdd(hi, unit, b.CreateFNeg(p))));
  rest = b.CreateFAdd(rest, b.CreateFSub(x, x)); // infinity has no quadrant
  V sum = b.CreateFAdd(p, rest);
  V left = b.CreateFAdd(b.CreateFSub(p, sum), rest);
  V isNegative = b.CreateICmpSLT(raw, b.getInt32(0));
  q = b.CreateTrunc(q, i32);
  quadrant = b.CreateSelect(isNegative, b.CreateNeg(q), q);
  return {select(isNegative, b.CreateFNeg(sum), sum), select(isNegative, b.CreateFNeg(left), left)};
}

// x - q pi/2, |.| <= pi/4. Without `low` the pair's lo is null, and hi within an ulp.
VectorMath::Pair VectorMath::reduceSingle(V x, V &quadrant, bool low) {
  V t = mulAdd(x, c(x, 0x1.45f306p-1), c(x, kWhole)), n = b.CreateFSub(t, c(x, kWhole));
  quadrant = bits(t);
  // The first difference is exact: a multiple of 2^-24 below 1.
  V r1 = mulAdd(n, c(x, -kHalfPi), x);
  Pair r{nullptr, nullptr};
  if (low) {
    V p = b.CreateFMul(n, c(x, kHalfPi2));
    Pair difference = twoSum(r1, b.CreateFNeg(p));
    V rest = b.CreateFAdd(difference.lo, mulAdd(n, c(x, -kHalfPi2), p));
    rest = mulAdd(n, c(x, -kHalfPi3), rest);
    r.hi = b.CreateFAdd(difference.hi, rest);
    r.lo = b.CreateFAdd(b.CreateFSub(difference.hi, r.hi), rest);
  } else {
    r.hi = mulAdd(n, c(x, -kHalfPi3), mulAdd(n, c(x, -kHalfPi2), r1));
  }
  V huge = b.CreateFCmpOGE(fabs(x), c(x, 105615)); // from here on n pi/2 loses bits
  SmallVector<V, 3> fast{quadrant, r.hi};
  if (low)
    fast.push_back(r.lo);
  SmallVector<V, 3> merged = rarely(huge, x, fast, [&](V lane) {
    V q = nullptr;
    Pair p = reduceHugeSingle(lane, q);
    SmallVector<V, 3> slow{q, p.hi};
    if (low)
      slow.push_back(p.lo);
    return slow;
  });
  quadrant = merged[0];
  return {merged[1], low ? merged[2] : nullptr};
}

Value *VectorMath::sinCosSingle(V x, int quarter) {
  V q;
  V r = reduceSingle(x, q, false).hi;
  V z = b.CreateFMul(r, r);
  V sine = mulAdd(b.CreateFMul(z, r), poly(z, kSin32), r);
  V cosine = mulAdd(z, mulAdd(z, poly(z, kCos32), c(x, -0.5)), c(x, 1));
  V k = quarter ? b.CreateAdd(q, ci(x, quarter)) : q;
  V v = select(b.CreateICmpNE(b.CreateAnd(k, ci(x, 1)), ci(x, 0)), cosine, sine);
  v = b.CreateBitCast(b.CreateXor(bits(v), b.CreateAnd(b.CreateShl(k, ci(x, 30)), ci(x, 0x80000000))), x->getType());
  return quarter ? v : select(b.CreateFCmpOEQ(x, c(x, 0)), x, v); // keeps -0
}

Value *VectorMath::tanSingle(V x) {
  V q;
  Pair r = reduceSingle(x, q, true);
  V z = b.CreateFMul(r.hi, r.hi);
  // tan(hi + lo) = hi + (lo (1 + hi^2) + hi z P(z)): the derivative is 2 at most, and lo is small.
  V rest = mulAdd(b.CreateFMul(z, r.hi), poly(z, kTan32), mulAdd(r.lo, z, r.lo));
  V t = b.CreateFAdd(r.hi, rest), low = b.CreateFAdd(b.CreateFSub(r.hi, t), rest);
  // -1 / (t + low), with one step on an approximate reciprocal
  V y = b.CreateFNeg(reciprocal(t));
  V e = mulAdd(y, low, mulAdd(y, t, c(x, 1)));
  V cotangent = mulAdd(y, e, y);
  V v = select(b.CreateICmpNE(b.CreateAnd(q, ci(x, 1)), ci(x, 0)), cotangent, t);
  return select(b.CreateFCmpOEQ(x, c(x, 0)), x, v);
}

// ---- their inverses ----------------------------------------------------------------------------------------------------

Value *VectorMath::asinSingle(V x, bool isAcos) {
  V a = fabs(x), big = b.CreateFCmpOGT(a, c(x, 0.575));
  V z = select(big, mulAdd(a, c(x, -0.5), c(x, 0.5)), b.CreateFMul(a, a));
  V s = select(big, root(z), a);
  V t = mulAdd(b.CreateFMul(z, poly(z, kAsin32)), s, s);
  if (!isAcos)
    return copysign(select(big, mulAdd(t, c(x, -2), c(x, kHalfPi)), t), x);
  // pi/2 - t, 2 t or pi - 2 t, t with the sign of x
  V base = select(big, select(b.CreateFCmpOLT(x, c(x, 0)), c(x, 2 * kHalfPi), c(x, 0)), c(x, kHalfPi));
  return mulAdd(copysign(t, x), select(big, c(x, 2), c(x, -1)), base);
}

// Of t in [0, 1].
Value *VectorMath::atanUnit(V t) {
  V z = b.CreateFMul(t, t);
  return mulAdd(b.CreateFMul(z, poly(z, kAtan32)), t, t);
}

Value *VectorMath::atanSingle(V x) {
  V a = fabs(x), big = b.CreateFCmpOGT(a, c(x, 1));
  V t = atanUnit(select(big, reciprocal(a), a));
  return copysign(select(big, b.CreateFSub(c(x, kHalfPi), t), t), x);
}

Value *VectorMath::atan2Single(V y, V x) {
  V ax = fabs(x), ay = fabs(y), steep = b.CreateFCmpOGT(ay, ax);
  V large = select(steep, ay, ax), small = select(steep, ax, ay); // a NaN stays
  V t = approximateQuotient(small, large);
  V same = b.CreateFCmpOEQ(small, large); // both infinite, or both zero
  t = select(same, select(b.CreateFCmpOEQ(large, c(x, 0)), c(x, 0), c(x, 1)), t);
  V r = atanUnit(t);
  r = select(steep, b.CreateFSub(c(x, kHalfPi), r), r);
  r = select(b.CreateICmpSLT(bits(x), ci(x, 0)), b.CreateFSub(c(x, 2 * kHalfPi), r), r);
  return copysign(r, y);
}

// ---- logarithms --------------------------------------------------------------------------------------------------------

// base: 0 natural, 2, 10
Value *VectorMath::logSingle(V x, int base) {
  V tiny = b.CreateFCmpOLT(x, c(x, 0x1p-126));
  V raw = bits(select(tiny, b.CreateFMul(x, c(x, 0x1p23)), x));
  // x = m 2^k with m in [sqrt(1/2), sqrt(2))
  V e = b.CreateAnd(b.CreateSub(raw, ci(x, 0x3f3504f3)), ci(x, 0xff800000));
  V m = b.CreateBitCast(b.CreateSub(raw, e), x->getType());
  V k = mulAdd(b.CreateSIToFP(e, x->getType()), c(x, 0x1p-23), select(tiny, c(x, -23), c(x, 0)));
  V f = b.CreateFSub(m, c(x, 1)), square = b.CreateFMul(f, f), factor = poly(f, kLog1p32), r;
  V rest = b.CreateFMul(square, factor);
  if (base == 0)
    r = mulAdd(k, c(x, kLn2), mulAdd(k, c(x, kLn22), mulAdd(square, factor, f)));
  else if (base == 2)
    r = b.CreateFAdd(k, mulAdd(f, c(x, kLog2e), mulAdd(rest, c(x, kLog2e), b.CreateFMul(f, c(x, kLog2e2)))));
  else
    r = mulAdd(k, c(x, kLog10Two), mulAdd(k, c(x, kLog10Two2), b.CreateFMul(mulAdd(square, factor, f), c(x, kLog10e))));
  // Of the others this makes infinity of infinity, NaN of NaN and of what is negative.
  V others = b.CreateICmpUGE(bits(x), ci(x, 0x7f800000));
  r = select(others, mulAdd(x, c(x, kInf), c(x, kInf)), r);
  return select(b.CreateFCmpOEQ(x, c(x, 0)), c(x, -kInf), r);
}

Value *VectorMath::log1pSingle(V x) {
  // 1 + x = m 2^k with m in [sqrt(1/2), sqrt(2)), k from the rounded sum: m - 1 = x 2^-k + (2^-k - 1), both nearly exact.
  V u = b.CreateFAdd(x, c(x, 1));
  V e = b.CreateAnd(b.CreateSub(bits(u), ci(x, 0x3f3504f3)), ci(x, 0xff800000));
  V scaled = b.CreateBitCast(b.CreateSub(bits(x), e), x->getType());
  V four = b.CreateBitCast(b.CreateSub(ci(x, 0x40800000), e), x->getType()); // 4 2^-k is always normal
  V f = b.CreateFAdd(scaled, mulAdd(four, c(x, 0.25), c(x, -1)));
  V k = b.CreateFMul(b.CreateSIToFP(e, x->getType()), c(x, 0x1p-23));
  V r = mulAdd(k, c(x, kLn2), mulAdd(k, c(x, kLn22), mulAdd(b.CreateFMul(f, f), poly(f, kLog1p32), f)));
  V inside = b.CreateAnd(b.CreateFCmpOGT(x, c(x, -1)), b.CreateFCmpOLT(x, c(x, kInf)));
  V outside = select(b.CreateFCmpOEQ(x, c(x, -1)), c(x, -kInf), mulAdd(x, c(x, kInf), c(x, kInf)));
  r = select(inside, r, outside);
  return select(b.CreateFCmpOEQ(x, c(x, 0)), x, r);
}

// ---- exponentials ------------------------------------------------------------------------------------------------------

// e^x 2^exponent for x whose power is not subnormal, and whose power, so scaled, overflows to infinity at most twofold.
Value *VectorMath::expScaled(V x, int exponent) {
  V t = mulAdd(x, c(x, kLog2e), c(x, kWhole)), n = b.CreateFSub(t, c(x, kWhole));
  V f = mulAdd(x, c(x, kLog2e2), mulAdd(x, c(x, kLog2e), b.CreateFNeg(n)));
  V scale = b.CreateShl(b.CreateAdd(bits(t), ci(x, uint64_t(127 + exponent))), ci(x, 23));
  return b.CreateFMul(exp2Fraction(f), b.CreateBitCast(scale, x->getType()));
}

Value *VectorMath::sinhSingle(V x) {
  V a = fabs(x), z = b.CreateFMul(x, x);
  V near = mulAdd(b.CreateFMul(z, poly(z, kSinh32)), x, x);
  V quarter = expScaled(select(b.CreateFCmpOGT(a, c(x, 90)), c(x, 90), a), -2); // from 90 on infinity
  V far = mulAdd(quarter, c(x, 2), b.CreateFMul(reciprocal(quarter), c(x, -0.125)));
  return select(b.CreateFCmpULT(a, c(x, 1)), near, copysign(far, x)); // NaN comes out of `near`
}

Value *VectorMath::coshSingle(V x) {
  V a = fabs(x);
  V quarter = expScaled(select(b.CreateFCmpOGT(a, c(x, 90)), c(x, 90), a), -2);
  return mulAdd(quarter, c(x, 2), b.CreateFMul(reciprocal(quarter), c(x, 0.125)));
}

// 1 - 2 / (e^2|x| + 1) beside a polynomial.
Value *VectorMath::tanhSingle(V x) {
  V a = fabs(x), z = b.CreateFMul(x, x);
  V near = mulAdd(b.CreateFMul(z, poly(z, kTanh32)), x, x), power;
  if (opt.approximations)
    power = opt.approximations->exp2(b, b.CreateFMul(a, c(x, 2 * kLog2e)));
  else
    power = expScaled(select(b.CreateFCmpOGT(a, c(x, 10)), c(x, 20), b.CreateFAdd(a, a)), 0); // tanh is 1 from 9.1 on
  V far = mulAdd(reciprocal(b.CreateFAdd(power, c(x, 1))), c(x, -2), c(x, 1));
  return select(b.CreateFCmpULT(a, c(x, 0.8)), near, copysign(far, x)); // NaN comes out of `near`
}

// The inverse hyperbolic functions as log1p of what is exact near zero.
Value *VectorMath::asinhSingle(V x) {
  V a = fabs(x), z = b.CreateFMul(a, a), large = b.CreateFCmpOGT(a, c(x, 0x1p24));
  V inner = b.CreateFAdd(a, approximateQuotient(z, b.CreateFAdd(root(b.CreateFAdd(z, c(x, 1))), c(x, 1))));
  V r = log1pSingle(select(large, a, inner));
  return copysign(b.CreateFAdd(r, select(large, c(x, kLn2), c(x, 0))), x);
}

Value *VectorMath::acoshSingle(V x) {
  V t = b.CreateFSub(x, c(x, 1)), large = b.CreateFCmpOGT(x, c(x, 0x1p24));
  V inner = b.CreateFAdd(t, root(mulAdd(t, t, b.CreateFAdd(t, t))));
  V r = log1pSingle(select(large, x, inner));
  r = b.CreateFAdd(r, select(large, c(x, kLn2), c(x, 0)));
  return select(b.CreateFCmpULT(x, c(x, 1)), c(x, kNan), r);
}

Value *VectorMath::atanhSingle(V x) {
  V a = fabs(x);
  V r = log1pSingle(approximateQuotient(b.CreateFAdd(a, a), b.CreateFSub(c(x, 1), a)));
  return copysign(b.CreateFMul(r, c(x, 0.5)), x);
}

// ---- powers ------------------------------------------------------------------------------------------------------------

// y log2|x| as two f32, then its power. The logarithm is twice the inverse hyperbolic tangent of u/2, u = 2 (m - 1) / (m + 1).
Value *VectorMath::powSingle(V x, V y) {
  V ax = fabs(x), tiny = b.CreateFCmpOLT(ax, c(x, 0x1p-126));
  V raw = bits(select(tiny, b.CreateFMul(ax, c(x, 0x1p23)), ax));
  V e = b.CreateAnd(b.CreateSub(raw, ci(x, 0x3f3504f3)), ci(x, 0xff800000));
  V m = b.CreateBitCast(b.CreateSub(raw, e), x->getType());
  V k = mulAdd(b.CreateSIToFP(e, x->getType()), c(x, 0x1p-23), select(tiny, c(x, -23), c(x, 0)));
  V f = b.CreateFSub(m, c(x, 1)), f2 = b.CreateFAdd(f, f);
  V g = b.CreateFAdd(m, c(x, 1)), gLow = b.CreateFSub(m, b.CreateFSub(g, c(x, 1)));
  V r = reciprocal(g);
  V u = b.CreateFMul(f2, r);
  V uLow = b.CreateFMul(mulAdd(b.CreateFNeg(u), gLow, mulAdd(b.CreateFNeg(u), g, f2)), r);
  // u + u^3 / 12 + …, the second term as two f32, too: a power of 100 magnifies what the logarithm lacks.
  V z = b.CreateFMul(u, u), zLow = mulAdd(u, u, b.CreateFNeg(z));
  uLow = mulAdd(b.CreateFMul(uLow, z), c(x, 0.25), uLow); // times the logarithm's derivative, 1 / (1 - u^2 / 4)
  V cube = b.CreateFMul(z, u), cubeLow = mulAdd(zLow, u, mulAdd(z, u, b.CreateFNeg(cube)));
  V w = b.CreateFMul(cube, c(x, kAtanh32[0]));
  V wLow = mulAdd(cubeLow, c(x, kAtanh32[0]), mulAdd(cube, c(x, kAtanh32[0]), b.CreateFNeg(w)));
  wLow = mulAdd(b.CreateFMul(cube, z), poly(z, ArrayRef(kAtanh32).drop_front()), b.CreateFAdd(wLow, uLow));
  V l = b.CreateFAdd(u, w), lLow = b.CreateFAdd(b.CreateFAdd(b.CreateFSub(u, l), w), wLow);
  V p = b.CreateFMul(l, c(x, kLog2e));
  V pLow = mulAdd(l, c(x, kLog2e), b.CreateFNeg(p));
  pLow = mulAdd(lLow, c(x, kLog2e), mulAdd(l, c(x, kLog2e2), pLow));
  V s = b.CreateFAdd(k, p), sLow = b.CreateFAdd(b.CreateFAdd(b.CreateFSub(k, s), p), pLow);
  V h = b.CreateFMul(y, s), low = mulAdd(y, sLow, mulAdd(y, s, b.CreateFNeg(h)));
  // Beyond these ends the power is 0 or infinity, and the low part may be no number.
  V end = copysign(c(x, 160), h);
  V inside = b.CreateFCmpOLT(fabs(h), c(x, 160));
  h = select(inside, h, end);
  low = select(inside, low, c(x, 0));
  V t = b.CreateFAdd(h, c(x, kWhole)), n = b.CreateFSub(t, c(x, kWhole));
  V power = exp2Fraction(b.CreateFAdd(b.CreateFSub(h, n), low));
  // 2^n as two factors, so that a subnormal result is rounded once.
  V whole = b.CreateSub(bits(t), ci(x, 0x4b400000)), half = b.CreateAShr(whole, ci(x, 1));
  auto scale = [&](V i) { return b.CreateBitCast(b.CreateShl(b.CreateAdd(i, ci(x, 127)), ci(x, 23)), x->getType()); };
  power = b.CreateFMul(b.CreateFMul(power, scale(half)), scale(b.CreateSub(whole, half)));
  return powSpecial(x, y, power);
}

Value *VectorMath::cbrtSingle(V x) {
  V a = fabs(x), tiny = b.CreateFCmpOLT(a, c(x, 0x1p-126));
  V v = select(tiny, b.CreateFMul(a, c(x, 0x1p24)), a);
  V y; // 1 / cbrt(v)
  if (opt.approximations) {
    y = opt.approximations->exp2(b, b.CreateFMul(opt.approximations->log2(b, v), c(x, -1.0 / 3)));
  } else {
    // A third of the exponent by integer arithmetic, to 4 %; each step cubes the error.
    y = b.CreateBitCast(b.CreateSub(ci(x, 0x54a21d2a), b.CreateUDiv(bits(v), ci(x, 3))), x->getType());
    for (int i = 0; i < 2; ++i) {
      V h = mulAdd(b.CreateFMul(b.CreateFMul(y, y), b.CreateFNeg(y)), v, c(x, 1));
      y = mulAdd(b.CreateFMul(y, h), mulAdd(h, c(x, 2.0 / 9), c(x, 1.0 / 3)), y);
    }
  }
  V y2 = b.CreateFMul(y, y), t = b.CreateFMul(v, y2);
  V left = mulAdd(b.CreateFNeg(b.CreateFMul(t, t)), t, v); // of the cube, to the last bit of its square
  V r = mulAdd(left, b.CreateFMul(y2, c(x, 1.0 / 3)), t);
  r = b.CreateFMul(r, select(tiny, c(x, 0x1p-8), c(x, 1)));
  return select(isNan(r), x,
                copysign(r, x)); // of 0 with approximate functions, and of infinity, for want of a finite factor
}

// ---- error function -----------------------------------------------------------------------------------------

// erfc(x) is a power of two whose exponent a short polynomial gives: from 1 on erfc is at most 0.16, so that errors of the exponent count by less than a
// ninth. No clamps and no subnormals, as exp2 needs them.
Value *VectorMath::erfSingle(V x) {
  V a = fabs(x), near = b.CreateFMul(x, poly(b.CreateFMul(x, x), kErf32));
  V y = b.CreateBinaryIntrinsic(Intrinsic::minnum, a, c(x, 4)); // erf is 1 from 3.92 on
  V exponent = b.CreateFNeg(poly(y, kErfcExponent32)), power;
  if (opt.approximations) {
    power = opt.approximations->exp2(b, exponent);
  } else {
    V n = b.CreateUnaryIntrinsic(Intrinsic::roundeven, exponent);
    power = b.CreateFMul(exp2Fraction(b.CreateFSub(exponent, n)), pow2(n));
  }
  V far = b.CreateFSub(c(x, 1), power);
  return select(b.CreateFCmpULT(a, c(x, 1)), near, copysign(far, x)); // NaN comes out of `near`
}

// From 0.65 on e^(-x^2) w P(w) with w = 1 / (1 + 0.35 x), below that 1 - erf.
Value *VectorMath::erfcSingle(V x) {
  V a = fabs(x), near = mulAdd(b.CreateFNeg(x), poly(b.CreateFMul(x, x), kErf32), c(x, 1));
  V isNear = b.CreateFCmpULT(a, c(x, 0.65));                     // NaN comes out of `near`
  a = b.CreateBinaryIntrinsic(Intrinsic::minnum, a, c(x, 10.5)); // erfc is below the smallest number from 10.06 on
  V d = mulAdd(a, c(x, 0x1.666666p-2), c(x, 1)), w = reciprocal(d);
  V dLow = mulAdd(a, c(x, 0x1.666666p-2), b.CreateFSub(c(x, 1), d)), minusW = b.CreateFNeg(w);
  w = mulAdd(w, mulAdd(minusW, dLow, mulAdd(minusW, d, c(x, 1))), w);
  V s = b.CreateFMul(a, a), rest = mulAdd(a, a, b.CreateFNeg(s));
  V t = mulAdd(s, c(x, -kLog2e), c(x, kWhole)), n = b.CreateFSub(t, c(x, kWhole));
  V f = mulAdd(s, c(x, -kLog2e2), mulAdd(s, c(x, -kLog2e), b.CreateFNeg(n)));
  f = mulAdd(rest, c(x, -kLog2e), f);
  V r = b.CreateFMul(b.CreateFMul(w, poly(w, kErfc32)), exp2Fraction(f));
  // 2^n, 2^-159 at least: through 2^64, so that only the last product rounds.
  V scale = b.CreateShl(b.CreateAdd(bits(t), ci(x, 127 + 64)), ci(x, 23));
  r = b.CreateFMul(b.CreateFMul(r, b.CreateBitCast(scale, x->getType())), c(x, 0x1p-64));
  r = select(b.CreateFCmpOLT(x, c(x, 0)), b.CreateFSub(c(x, 2), r), r);
  return select(isNear, near, r);
}

// ---- remainder ---------------------------------------------------------------------------------------------------------

// Long division of the significands, 20 bits of the quotient a time: what is left after a quotient to the nearest is at most half the divisor, and exact.
// Scalars.
Value *VectorMath::fmodSingle(V x, V y) {
  V ax = fabs(x), ay = fabs(y);
  // a = significand 2^exponent, the significand in [1, 2)
  auto parts = [&](V a) {
    V tiny = b.CreateFCmpOLT(a, c(a, 0x1p-126));
    V raw = bits(select(tiny, b.CreateFMul(a, c(a, 0x1p24)), a));
    V exponent = b.CreateSub(b.CreateLShr(raw, 23), select(tiny, b.getInt32(127 + 24), b.getInt32(127)));
    V significand = b.CreateBitCast(b.CreateOr(b.CreateAnd(raw, 0x7fffff), 0x3f800000), a->getType());
    return std::pair(significand, exponent);
  };
  auto power = [&](V n) { return b.CreateBitCast(b.CreateShl(b.CreateAdd(n, b.getInt32(127)), 23), x->getType()); };
  auto [mx, ex] = parts(ax);
  auto [my, ey] = parts(ay);
  V inverse = reciprocal(my);
  V gap = b.CreateSub(ex, ey);
  Function *fn = b.GetInsertBlock()->getParent();
  BasicBlock *pre = b.GetInsertBlock();
  BasicBlock *step = BasicBlock::Create(b.getContext(), "fmod", fn),
             *done = BasicBlock::Create(b.getContext(), "fmod.end", fn);
  b.CreateBr(step);
  b.SetInsertPoint(step);
  PHINode *r = b.CreatePHI(x->getType(), 2), *left = b.CreatePHI(b.getInt32Ty(), 2);
  r->addIncoming(mx, pre);
  left->addIncoming(gap, pre);
  V part = b.CreateBinaryIntrinsic(Intrinsic::smax, b.getInt32(0),
                                   b.CreateBinaryIntrinsic(Intrinsic::smin, left, b.getInt32(20)));
  V dividend = b.CreateFMul(r, power(part));
  V q = b.CreateUnaryIntrinsic(Intrinsic::roundeven, b.CreateFMul(dividend, inverse));
  V next = mulAdd(b.CreateFNeg(q), my, dividend);
  next = select(b.CreateFCmpOLT(next, c(x, 0)), b.CreateFAdd(next, my), next);
  V rest = b.CreateSub(left, part);
  r->addIncoming(next, step);
  left->addIncoming(rest, step);
  b.CreateCondBr(b.CreateICmpSGT(rest, b.getInt32(0)), step, done);
  b.SetInsertPoint(done);
  // Times 2^ey, -149 at least, rounded by nothing: the remainder is a multiple of y's last bit.
  V half = b.CreateAShr(ey, 1);
  V result = b.CreateFMul(b.CreateFMul(next, power(half)), power(b.CreateSub(ey, half)));
  result = select(b.CreateFCmpOLT(ax, ay), ax, result);
  V valid = b.CreateAnd(b.CreateFCmpOLT(ax, c(x, kInf)), b.CreateFCmpOGT(ay, c(x, 0))); // a NaN y fails, too
  return select(valid, copysign(result, x), c(x, kNan));
}

} // namespace tessera::codegen
