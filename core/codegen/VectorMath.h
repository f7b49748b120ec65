// VectorMath.h - elementary functions as straight-line IR on f32 and f64, scalars and vectors
//
// SPDX-License-Identifier: Apache-2.0
//
// Accuracy: exp, exp2, log, log2, sin, cos, tan, tanh within 2 ulp, erf within 4, the others within a few (f32: docs/rationale/elementary-functions.md has what was
// measured). Denormals, infinities and NaN as C's libm. f32 is computed in f32 where multiply-adds are fused, else in f64 and rounded once. No calls are made.
#pragma once

#include "core/codegen/Elementwise.h"

namespace tessera::codegen {

// What a device computes of an f32 scalar in an instruction or two, a few ulp off. Subnormal operands and results may be zero, except for divide.
class ApproximateFunctions {
public:
  using V = llvm::Value *;
  virtual ~ApproximateFunctions() = default;
  virtual V exp2(llvm::IRBuilderBase &b, V x) const = 0;        // within 2 ulp
  virtual V log2(llvm::IRBuilderBase &b, V x) const = 0;        // within 2^-20, absolute below 1, else relative
  virtual V reciprocal(llvm::IRBuilderBase &b, V x) const = 0;  // within 1 ulp; of 0 infinity, of infinity 0
  virtual V sqrt(llvm::IRBuilderBase &b, V x) const = 0;        // within 1 ulp; of 0 zero
  virtual V divide(llvm::IRBuilderBase &b, V x, V y) const = 0; // within 2 ulp, of all numbers; x / 0 is infinity
};

class VectorMath {
public:
  VectorMath(llvm::IRBuilderBase &b, NumericOptions options) : b(b), opt(options) {}

  llvm::Value *lower(tbc::Opcode code, llvm::ArrayRef<llvm::Value *> v);
  // One rounding, also where the target has no such instruction.
  llvm::Value *exactFma(llvm::Value *x, llvm::Value *y, llvm::Value *z);
  // x * y + z of numbers widened from the narrow type `e` to f32, wide enough and odd where inexact, so that narrowing it is its only rounding:
  // f64 for bf16, whose products leave the range of f32, else f32.
  llvm::Value *narrowFma(tbc::Elem e, llvm::Value *x, llvm::Value *y, llvm::Value *z);
  llvm::Value *fmod(llvm::Value *x, llvm::Value *y); // scalars only

private:
  using V = llvm::Value *;
  // A sum of two doubles, hi the rounded one.
  struct Pair {
    V hi, lo;
  };
  bool isDouble(V x) const { return x->getType()->getScalarType()->isDoubleTy(); }
  V c(V shape, double v) const;    // constant of x's type
  V ci(V shape, uint64_t v) const; // integer constant as wide as x's elements
  llvm::Type *intType(V x) const;
  V bits(V x) { return b.CreateBitCast(x, intType(x)); }
  V fabs(V x);
  V mulAdd(V x, V y, V z); // x * y + z, fused where the target can
  V poly(V x, llvm::ArrayRef<double> coefficients);
  V select(V m, V x, V y) { return b.CreateSelect(m, x, y); }
  V isNan(V x) { return b.CreateFCmpUNO(x, x); }
  V toDouble(V x) { return b.CreateFPExt(x, Elementwise::like(b.getDoubleTy(), x)); }
  V toFloat(V x) { return b.CreateFPTrunc(x, Elementwise::like(b.getFloatTy(), x)); }
  V pow2(V n);          // 2^n for integral n (a float) in the normal range
  V quotient(V x, V y); // both normal, or x zero: within 1 ulp
  V scale(V x, V n);    // x * 2^n, n integral, gradual underflow included
  V copysign(V x, V s) { return b.CreateBinaryIntrinsic(llvm::Intrinsic::copysign, x, s); }
  V sqrt(V x) { return b.CreateUnaryIntrinsic(llvm::Intrinsic::sqrt, x); }

  V expReduced(V r); // e^r - 1 for |r| <= ln2/2
  V exp(V x);
  V exp2(V x);
  V expm1(V x);
  V tanh(V x);
  V sinh(V x);
  V cosh(V x);
  V logCore(V x, double base); // 0 = natural, 2, 10
  V log1p(V x);
  V pow(V x, V y);
  Pair logPair(V x);             // log2(x) for positive finite x, f64
  Pair reduce(V x, V &quadrant); // x - q pi/2
  V reduceHuge(V x, V &quadrantOut, V &lo);
  V sinCos(V x, int quarter); // 0 sin, 1 cos, f64
  V tan(V x);
  V atan(V x);
  V atan2(V y, V x);
  V asin(V x);
  V acos(V x);
  V asinh(V x);
  V acosh(V x);
  V atanh(V x);
  V cbrt(V x);
  V erf(V x);
  V erfc(V x);
  V erfcTail(V x);                 // x >= 1
  V powSpecial(V x, V y, V power); // the sign, and the operands whose power is exact; `power` is |x|^y else

  // `slow` of each element of x for which `rare` holds, else `fast`; the rare path is behind a branch. Elements that x has in common with the
  // results: `slow` takes one element.
  llvm::SmallVector<V, 3> rarely(V rare, V x, llvm::ArrayRef<V> fast,
                                 llvm::function_ref<llvm::SmallVector<V, 3>(V)> slow);

  // f32 in f32 (VectorMathSingle.cpp); fused multiply-adds, but for erfSingle.
  V approximateQuotient(V x, V y); // within 2 ulp
  V reciprocal(V x);               // within 1 ulp
  V root(V x);                     // within 1 ulp
  V exp2Fraction(V f);             // |f| <= 1/2, within 2 ulp
  Pair reduceHugeSingle(V x, V &quadrant);
  Pair reduceSingle(V x, V &quadrant, bool low);
  V sinCosSingle(V x, int quarter);
  V tanSingle(V x);
  V asinSingle(V x, bool isAcos);
  V atanUnit(V t);
  V atanSingle(V x);
  V atan2Single(V y, V x);
  V logSingle(V x, int base);
  V log1pSingle(V x);
  V expScaled(V x, int exponent);
  V sinhSingle(V x);
  V coshSingle(V x);
  V tanhSingle(V x);
  V asinhSingle(V x);
  V acoshSingle(V x);
  V atanhSingle(V x);
  V powSingle(V x, V y);
  V cbrtSingle(V x);
  V erfSingle(V x);
  V erfcSingle(V x);
  V fmodSingle(V x, V y);
  V round(V x);
  Pair twoProduct(V x, V y);
  Pair twoSum(V x, V y);
  V oddSum(V x, V y); // of the two neighbours of an inexact sum the one whose last bit is set

  llvm::IRBuilderBase &b;
  NumericOptions opt;
};

} // namespace tessera::codegen
