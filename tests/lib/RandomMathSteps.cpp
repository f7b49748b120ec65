// RandomMathSteps.cpp - random elementary functions, fused products, scaled dots
// SPDX-License-Identifier: Apache-2.0
#include "tests/lib/RandomGenerator.h"

namespace tessera::samples {

using namespace tbc;

// Sources: what the interpreter (the C library in double, rounded) and core/codegen/VectorMath.h promise together.
double functionUlps(Opcode code, Elem e) {
  bool narrow = isFloat(e) && elemBits(e) < 32; // computed in f32, rounded once more
  switch (code) {
  case Opcode::Exp:
  case Opcode::Exp2:
  case Opcode::Log:
  case Opcode::Log2:
  case Opcode::Sin:
  case Opcode::Cos:
  case Opcode::Tan:
  case Opcode::Tanh:
  case Opcode::Rsqrt:
    return narrow ? 1 : 2;
  case Opcode::Erf:
    return narrow ? 1 : 4;
  case Opcode::Asin:
  case Opcode::Acos:
  case Opcode::Atan:
  case Opcode::Atan2:
  case Opcode::Sinh:
  case Opcode::Cosh:
  case Opcode::Asinh:
  case Opcode::Acosh:
  case Opcode::Atanh:
  case Opcode::Expm1:
  case Opcode::Log1p:
  case Opcode::Log10:
  case Opcode::Cbrt:
  case Opcode::Pow:
  case Opcode::Erfc:
    return narrow ? 1 : 8;
  default:
    return 0;
  }
}

bool Generator::elementary() {
  ValueId a = pick([&](ValueId v) { return isFloatTensor(v) && !isFp8(type(v).elem); });
  if (a == kNone)
    return false;
  auto code =
      rng_.any({Opcode::Exp,   Opcode::Exp2,  Opcode::Log,   Opcode::Log2,  Opcode::Sin,   Opcode::Cos,   Opcode::Erf,
                Opcode::Tanh,  Opcode::Rsqrt, Opcode::Tan,   Opcode::Asin,  Opcode::Acos,  Opcode::Atan,  Opcode::Atan2,
                Opcode::Sinh,  Opcode::Cosh,  Opcode::Asinh, Opcode::Acosh, Opcode::Atanh, Opcode::Expm1, Opcode::Log1p,
                Opcode::Log10, Opcode::Cbrt,  Opcode::Pow,   Opcode::Erfc});
  // As it comes (also infinite, NaN, huge, outside of the domain), or where the function is at home.
  auto operand = [&](ValueId v) { return rng_.chance(30) ? v : clamped(v, rng_.any({1, 8, 100})); };
  Values operands{operand(a)};
  if (code == Opcode::Atan2 || code == Opcode::Pow)
    operands.push_back(operand(sibling(a)));
  inexact_.push_back({b_.op(code, operands), functionUlps(code, type(a).elem)});
  return true;
}

bool Generator::fusedProduct() {
  ValueId a = pick([&](ValueId v) {
    return isFloatTensor(v) && type(v).elem != Elem::F8E4B15 && (o_.fma64 || type(v).elem != Elem::F64);
  });
  if (a == kNone)
    return false;
  add(b_.op(Opcode::Fma, {a, sibling(a), sibling(a)}));
  return true;
}

// Operands and scales whose products and sums are exact in f32 in every order: any of e2m1, whole numbers up to 3 of the
// other formats, scales of 1/2, 1 and 2.
bool Generator::dotScaled() {
  const int64_t k = rng_.any({32, 64}), m = int64_t(1) << (2 + rng_.below(3)), n = int64_t(1) << (2 + rng_.below(3));
  bool batched = rng_.chance(25);
  auto shaped = [&](int64_t rows, int64_t columns) {
    return batched ? std::vector<int64_t>{2, rows, columns} : std::vector<int64_t>{rows, columns};
  };
  // Something of the pool, made to fit by repetition.
  auto filled = [&](ValueId source, const std::vector<int64_t> &shape) {
    int64_t count = 1;
    for (int64_t d : shape)
      count *= d;
    ValueId flat = b_.reshape(source, {type(source).numElements()});
    ValueId place =
        b_.op(Opcode::AndI,
              {b_.arange(0, count), b_.constInt(Builder::tensor({count}, Elem::I32), type(source).numElements() - 1)});
    return b_.reshape(b_.op(Opcode::Gather, {flat, place}, {intAttr(AttrId::Axis, 0)}), shape);
  };
  auto powerOfTwo = [&](ValueId v) { return (type(v).numElements() & (type(v).numElements() - 1)) == 0; };
  ValueId integers = pick([&](ValueId v) { return isIntTensor(v) && type(v).elem == Elem::I32 && powerOfTwo(v); });
  ValueId floats = pick([&](ValueId v) { return isFloatTensor(v) && type(v).elem == Elem::F32 && powerOfTwo(v); });
  if (integers == kNone || floats == kNone)
    return false;
  Values operands, scales;
  ScaledFormat formats[2];
  int64_t kPack[2] = {1, 1};
  for (int side = 0; side < 2; ++side) {
    formats[side] =
        rng_.any({ScaledFormat::E2M1, ScaledFormat::E4M3, ScaledFormat::E5M2, ScaledFormat::BF16, ScaledFormat::FP16});
    bool fp4 = formats[side] == ScaledFormat::E2M1;
    kPack[side] = fp4 ? rng_.below(2) : 1;
    int64_t inner = fp4 && kPack[side] ? k / 2 : k, outer = (side ? n : m) / (fp4 && !kPack[side] ? 2 : 1);
    std::vector<int64_t> shape = side ? shaped(inner, outer) : shaped(outer, inner);
    if (fp4) {
      operands.push_back(b_.convert(Opcode::TruncI, filled(integers, shape), Elem::I8));
    } else {
      Elem e = formats[side] == ScaledFormat::E4M3   ? Elem::F8E4M3FN
               : formats[side] == ScaledFormat::E5M2 ? Elem::F8E5M2
               : formats[side] == ScaledFormat::BF16 ? Elem::BF16
                                                     : Elem::F16;
      ValueId v = b_.convert(Opcode::FPToFP, smallIntegers(filled(floats, shape)), e);
      bool asBytes = isFp8(e) && rng_.chance(50);
      operands.push_back(asBytes ? b_.convert(Opcode::Bitcast, v, Elem::I8) : v);
    }
  }
  if (!o_.fp8 && (isFp8(type(operands[0]).elem) || isFp8(type(operands[1]).elem)))
    return false;
  operands.push_back(b_.constFloat(Builder::tensor(shaped(m, n), Elem::F32), rng_.below(10)));
  int64_t has = rng_.below(4);
  for (int side = 0; side < 2; ++side)
    if (has >> side & 1) { // 2 to the power of the byte - 127
      ValueId some = filled(integers, shaped(side ? n : m, k / 32));
      some = b_.op(Opcode::RemUI, {b_.op(Opcode::AndI, {some, constantOf(some, 1023)}), constantOf(some, 3)});
      some = b_.op(Opcode::AddI, {some, constantOf(some, 126)});
      operands.push_back(b_.convert(Opcode::TruncI, some, Elem::I8));
    }
  add(b_.op(Opcode::DotScaled, operands,
            {intAttr(AttrId::LhsFormat, static_cast<int64_t>(formats[0])),
             intAttr(AttrId::RhsFormat, static_cast<int64_t>(formats[1])), intAttr(AttrId::LhsKPack, kPack[0]),
             intAttr(AttrId::RhsKPack, kPack[1]), intAttr(AttrId::HasScales, has)}));
  return true;
}

} // namespace tessera::samples
