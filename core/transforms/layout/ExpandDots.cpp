// ExpandDots.cpp - write products that matrix units do not have as products that they have
//
// Before: %d = tile.dot_scaled %a as e2m1 scale %s, %b as bf16, %c lhs_k_pack
// After:  %w = arith.muli (bytes of %a), …   two bf16 numbers of 1/2^126 of their value, one of them for each k after broadcast and shift
//         %d = tile.dot (%w * 2^126 * broadcast %scale), %b, %c : bf16
// Elements and scales become bf16, where one operand is fp16 they become fp16; the dot sums in c's type. In bf16 the scaled
// elements of every other format are exact but for the ends of bf16's range; fp16 rounds what its range cannot hold.
// A dot of fp8 that the target has no instruction for, but one of fp16, which holds fp8 exactly: its operands become fp16.
// Everything is elementwise or a shape op: a change of layout can be moved up to the packed bytes (RemoveLayoutConversions).
// Requires: TILE level.  Establishes: no dot_scaled.  Not done here: choosing the instruction (AssignLayouts).
// Source: OCP Microscaling Formats (MX) Specification 1.0: E2M1, E8M0, blocks of 32.
//
// SPDX-License-Identifier: Apache-2.0
#include "core/transforms/layout/LayoutQuestions.h"
#include "core/transforms/layout/Passes.h"

#include "core/target/ElementNumber.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;

namespace tessera::tile {
namespace {

constexpr int64_t kScaleBlock = 32; // elements along k that share a scale

class ScaledDotExpander {
public:
  explicit ScaledDotExpander(DotScaledOp dot) : dot_(dot), b_(dot), loc_(dot.getLoc()) {}
  void run();

private:
  Type elementFor();
  Value operand(Value value, Value scale, ScaledFormat format, bool kPack, bool isRhs);
  Value unpacked(Value bytes, unsigned axis);
  Value scaleFactors(Value scale, bool isRhs, bool asF32);

  // Small things.
  Value constant(Value like, int64_t v) { return makeConstant(b_, loc_, like.getType(), v); }
  Value andi(Value v, int64_t mask) { return arith::AndIOp::create(b_, loc_, v, constant(v, mask)); }
  Value shli(Value v, int64_t by) { return arith::ShLIOp::create(b_, loc_, v, constant(v, by)); }
  Value shrui(Value v, int64_t by) { return arith::ShRUIOp::create(b_, loc_, v, constant(v, by)); }
  Value extended(Value v, unsigned bits) {
    return arith::ExtUIOp::create(b_, loc_, withElementType(v.getType(), b_.getIntegerType(bits)), v);
  }
  Value truncated(Value v, unsigned bits) {
    return arith::TruncIOp::create(b_, loc_, withElementType(v.getType(), b_.getIntegerType(bits)), v);
  }
  Value bitcast(Value v, Type element) { return BitcastOp::create(b_, loc_, withElementType(v.getType(), element), v); }
  Value converted(Value v, Type element) {
    if (elementTypeOf(v.getType()) == element)
      return v;
    return FpToFpOp::create(b_, loc_, withElementType(v.getType(), element), v, Rounding::NearestEven);
  }
  Value product(Value x, Value y) { return arith::MulFOp::create(b_, loc_, x, y); }
  // Every element of dim `axis` `times` times in a row.
  Value repeated(Value v, unsigned axis, int64_t times);
  Value indexAlong(ArrayRef<int64_t> shape, unsigned axis);

  DotScaledOp dot_;
  OpBuilder b_;
  Location loc_;
};

} // namespace

Value ScaledDotExpander::repeated(Value v, unsigned axis, int64_t times) {
  SmallVector<int64_t> shape(shapeOf(v.getType())), wide = shape;
  shape.insert(shape.begin() + axis + 1, times);
  wide[axis] *= times;
  Value unit = ExpandDimsOp::create(b_, loc_, v, static_cast<int32_t>(axis) + 1);
  return ReshapeOp::create(b_, loc_, BroadcastOp::create(b_, loc_, unit, shape), wide);
}

Value ScaledDotExpander::indexAlong(ArrayRef<int64_t> shape, unsigned axis) {
  Value index = ArangeOp::create(b_, loc_, 0, static_cast<int32_t>(shape[axis]));
  for (unsigned d = 0; d < shape.size(); ++d)
    if (d != axis)
      index = ExpandDimsOp::create(b_, loc_, index, static_cast<int32_t>(d));
  return BroadcastOp::create(b_, loc_, index, shape);
}

// E2M1, two in a byte along `axis`, as bf16. A byte times 2^12 + 2^24 has its low nibble on top of the lower half of 32 bits and its high nibble on
// top of the upper half; moved down by six, exponent and significand stand where a bf16 has its lowest two bits of exponent and its highest of significand:
// there is 2^-126 of the value, 0.5 (a denormal of E2M1 and then of bf16) included.
Value ScaledDotExpander::unpacked(Value bytes, unsigned axis) {
  Value word = extended(bytes, 32);
  Value spread = arith::MulIOp::create(b_, loc_, word, constant(word, 0x01001000));
  Value sign = andi(spread, 0x80008000), magnitude = andi(shrui(spread, 6), 0x01c001c0);
  Value both = repeated(arith::OrIOp::create(b_, loc_, sign, magnitude), axis, 2);
  Value odd = andi(indexAlong(shapeOf(both.getType()), axis), 1);
  Value half = truncated(arith::ShRUIOp::create(b_, loc_, both, shli(odd, 4)), 16);
  Value small = bitcast(half, b_.getBF16Type());
  return product(small, makeFloatConstant(b_, loc_, small.getType(), 0x1p126));
}

// E8M0, 2^(code - 127): the code is the exponent of bf16 and of f32. 0 is a denormal there, and 255 is NaN: both want the highest bit of
// the significand. fast_math: neither occurs.
Value ScaledDotExpander::scaleFactors(Value scale, bool isRhs, bool asF32) {
  unsigned bits = asF32 ? 32 : 16, exponentAt = asF32 ? 23 : 7;
  Value code = extended(scale, bits), value = shli(code, exponentAt);
  if (!dot_.getFastMath()) {
    Value isZero = arith::CmpIOp::create(b_, loc_, arith::CmpIPredicate::eq, code, constant(code, 0));
    Value isNan = arith::CmpIOp::create(b_, loc_, arith::CmpIPredicate::eq, code, constant(code, 255));
    Value special = arith::OrIOp::create(b_, loc_, isZero, isNan);
    Value top =
        arith::SelectOp::create(b_, loc_, special, constant(code, int64_t(1) << (exponentAt - 1)), constant(code, 0));
    value = arith::OrIOp::create(b_, loc_, value, top);
  }
  value = bitcast(value, asF32 ? Type(b_.getF32Type()) : Type(b_.getBF16Type()));
  auto rank = static_cast<unsigned>(shapeOf(value.getType()).size());
  if (isRhs) { // n x k/32 -> k/32 x n
    SmallVector<int64_t> order;
    for (unsigned d = 0; d < rank; ++d)
      order.push_back(d);
    std::swap(order[rank - 1], order[rank - 2]);
    value = TransposeOp::create(b_, loc_, value, order);
  }
  return repeated(value, isRhs ? rank - 2 : rank - 1, kScaleBlock);
}

Type ScaledDotExpander::elementFor() {
  bool half = dot_.getLhsFormat() == ScaledFormat::FP16 || dot_.getRhsFormat() == ScaledFormat::FP16;
  return half ? Type(Float16Type::get(dot_.getContext())) : Type(BFloat16Type::get(dot_.getContext()));
}

// One side as a matrix of elementFor().
Value ScaledDotExpander::operand(Value value, Value scale, ScaledFormat format, bool kPack, bool isRhs) {
  Type element = elementFor();
  auto rank = static_cast<unsigned>(shapeOf(value.getType()).size());
  if (format == ScaledFormat::E2M1)
    value = unpacked(value, kPack == isRhs ? rank - 2 : rank - 1);
  else if (format == ScaledFormat::E4M3)
    value = bitcast(value, Float8E4M3FNType::get(dot_.getContext()));
  else if (format == ScaledFormat::E5M2)
    value = bitcast(value, Float8E5M2Type::get(dot_.getContext()));
  if (!scale)
    return converted(value, element);
  // The range of fp16 holds the products of more scales than it holds scales.
  bool asF32 = element.isF16();
  Value factors = scaleFactors(scale, isRhs, asF32);
  return converted(product(converted(value, elementTypeOf(factors.getType())), factors), element);
}

void ScaledDotExpander::run() {
  Value a = operand(dot_.getA(), dot_.getAScale(), dot_.getLhsFormat(), dot_.getLhsKPack(), false);
  Value b = operand(dot_.getB(), dot_.getBScale(), dot_.getRhsFormat(), dot_.getRhsKPack(), true);
  // Units sum in f32 and up.
  Type c = elementTypeOf(dot_.getC().getType());
  Value sum = bitWidthOf(c) < 32 ? converted(dot_.getC(), b_.getF32Type()) : dot_.getC();
  dot_.replaceAllUsesWith(converted(DotOp::create(b_, loc_, a, b, sum), c));
  dot_.erase();
}

// As fp16, where that gives the dot an instruction.
static bool widenFp8(DotOp dot, const target::Target &target) {
  if (!isTileFp8(elementTypeOf(dot.getA().getType())) || !isTileFp8(elementTypeOf(dot.getB().getType())))
    return false;
  target::MatrixProblem problem = problemOf(dot), wide = problem;
  wide.a = wide.b = target::kElemF16;
  if (!target.matrix().rank(problem).empty() || target.matrix().rank(wide).empty())
    return false;
  OpBuilder b(dot);
  auto half = Float16Type::get(dot.getContext());
  for (unsigned operand : {0u, 1u}) {
    Value v = dot->getOperand(operand);
    dot->setOperand(operand,
                    FpToFpOp::create(b, dot.getLoc(), withElementType(v.getType(), half), v, Rounding::NearestEven));
  }
  dot.setMaxImprecise(0); // said of sums of fp8 only
  return true;
}

StepResult expandDots(ModuleOp module, const target::Target &target) {
  StepResult result;
  SmallVector<DotScaledOp> dots;
  module.walk([&](DotScaledOp dot) { dots.push_back(dot); });
  for (DotScaledOp dot : dots)
    ScaledDotExpander(dot).run();
  result.count = static_cast<unsigned>(dots.size());
  module.walk([&](DotOp dot) { result.count += widenFp8(dot, target); });
  return result;
}

} // namespace tessera::tile
