// Elementwise.h - LLVM IR of the elementwise ops of the bytecode, on scalars and on vectors alike
//
// SPDX-License-Identifier: Apache-2.0
//
// Values travel in their storage type: f16 and bf16 as i16, the fp8 kinds as i8, i1 as i1 (a byte only in memory), pointers
// as `ptr`. Arithmetic on a narrow float widens to f32 (exactly), computes, and rounds back, op by op. No library function
// is ever referred to: whatever a target cannot do in line is spelled out here. One object belongs to one IRBuilder.
#pragma once

#include "core/bytecode/Module.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/IR/IRBuilder.h"

namespace tessera::codegen {

class ApproximateFunctions;

// What the target does in hardware, and what the module allows.
struct NumericOptions {
  bool contract = true;           // a * b + c may become one rounding
  bool halfConversions = true;    // f16 <-> f32 instructions
  bool bfloatConversions = false; // f32 -> bf16 instructions (to nearest even)
  bool fma = true;                // fused multiply-add instructions
  bool exactDivision =
      true; // f32 division is one instruction, or as good; else quotients within 1 ulp come from reciprocals
  const ApproximateFunctions *approximations =
      nullptr; // of f32 scalars; null: there are none (core/codegen/VectorMath.h)
};

// Element of a scalar or tensor type.
struct ElemType {
  tbc::Elem elem = tbc::Elem::I32;
  bool pointer = false;
  bool isFloat() const { return !pointer && tbc::isFloat(elem); }
  static ElemType of(const tbc::Type &t) { return {t.elem, t.pointer}; }
};

class Elementwise {
public:
  Elementwise(llvm::IRBuilderBase &b, NumericOptions options) : b(b), opt(options) {}

  // Storage type in registers.
  llvm::Type *type(ElemType t) const;
  llvm::Type *type(tbc::Elem e) const { return type(ElemType{e, false}); }
  // `elem`, as wide as `shape` (a scalar or a vector).
  static llvm::Type *like(llvm::Type *elem, llvm::Value *shape);
  llvm::Value *splat(llvm::Constant *c, llvm::Value *shape) const;
  llvm::Value *constInt(tbc::Elem e, int64_t v) const;
  llvm::Value *constFloat(tbc::Elem e, double v) const;

  // Is `code` lowered by lower()? (Arithmetic, comparisons, selection, conversions; not loads, shapes, structure.)
  static bool handles(tbc::Opcode code);
  // in: elements of the first operand (of the second for select); out: of the result. Operands: all scalars, or all vectors of one width.
  llvm::Value *lower(const tbc::Op &op, ElemType in, ElemType out, llvm::ArrayRef<llvm::Value *> operands);

  // Any float in storage form to f32 (f64 stays) and back.
  llvm::Value *widen(llvm::Value *v, tbc::Elem e);
  enum class Rounding : uint8_t { Nearest, TowardsZero, NearestSaturating };      // as the attribute `rounding`
  llvm::Value *narrow(llvm::Value *v, tbc::Elem e, Rounding = Rounding::Nearest); // from f32 or f64
  llvm::Value *convertFloat(llvm::Value *v, tbc::Elem from, tbc::Elem to, Rounding = Rounding::Nearest);

  // The four float minima and maxima of f32 and f64, with -0 < +0.
  llvm::Value *minMax(tbc::Opcode code, llvm::Value *a, llvm::Value *b);

  // Philox 4x32 or 4x64: key lo, key hi, c0..c3 -> the four words.
  llvm::SmallVector<llvm::Value *, 4> philox(llvm::ArrayRef<llvm::Value *> operands, unsigned rounds);

private:
  llvm::Value *integerOp(const tbc::Op &op, llvm::ArrayRef<llvm::Value *> v);
  llvm::Value *divide(tbc::Opcode code, llvm::Value *a, llvm::Value *b);
  llvm::Value *shift(tbc::Opcode code, llvm::Value *a, llvm::Value *b);
  llvm::Value *mulHigh(llvm::Value *a, llvm::Value *b, bool isSigned);
  llvm::Value *floatOp(const tbc::Op &op, llvm::ArrayRef<llvm::Value *> v);
  llvm::Value *compareFloat(int64_t predicate, llvm::Value *a, llvm::Value *b);

  llvm::Value *conversion(const tbc::Op &op, ElemType in, ElemType out, llvm::Value *v);
  llvm::Value *remainder(llvm::Value *a, llvm::Value *b);
  llvm::Value *intToFloat(llvm::Value *v, tbc::Elem from, tbc::Elem to, bool isSigned);

  // f64 -> f32 by round-to-odd, so that a second rounding is harmless.
  llvm::Value *truncOdd(llvm::Value *v);
  llvm::Value *halfToFloat(llvm::Value *v);
  llvm::Value *floatToHalf(llvm::Value *v);
  llvm::Value *smallToFloat(llvm::Value *v, tbc::Elem e);
  llvm::Value *floatToSmall(llvm::Value *v, tbc::Elem e, Rounding rounding);

  llvm::IRBuilderBase &b;
  NumericOptions opt;
};

} // namespace tessera::codegen
