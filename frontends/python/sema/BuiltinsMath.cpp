// BuiltinsMath.cpp - elementwise functions of the language
//
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/sema/Visitor.h"

#include "core/ir/Tile.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

namespace tessera::py {

namespace arith = mlir::arith;
namespace math = mlir::math;
using K = ScalarKind;

namespace {
template <class Op> mlir::Value make(Emitter &e, mlir::Value v) { return Op::create(e.b, e.loc, v); }
struct MathRow {
  const char *name;
  mlir::Value (*make)(Emitter &, mlir::Value);
};
// Every function of one float argument that has an op.
constexpr MathRow kMath[] = {
    {"exp", make<math::ExpOp>},     {"exp2", make<math::Exp2Op>},      {"log", make<math::LogOp>},
    {"log2", make<math::Log2Op>},   {"sin", make<math::SinOp>},        {"cos", make<math::CosOp>},
    {"erf", make<math::ErfOp>},     {"floor", make<math::FloorOp>},    {"ceil", make<math::CeilOp>},
    {"rsqrt", make<math::RsqrtOp>}, {"sqrt", make<math::SqrtOp>},      {"trunc", make<math::TruncOp>},
    {"round", make<math::RoundOp>}, {"rint", make<math::RoundEvenOp>}, {"tanh", make<math::TanhOp>},
    {"tan", make<math::TanOp>},     {"asin", make<math::AsinOp>},      {"acos", make<math::AcosOp>},
    {"atan", make<math::AtanOp>},   {"sinh", make<math::SinhOp>},      {"cosh", make<math::CoshOp>},
    {"asinh", make<math::AsinhOp>}, {"acosh", make<math::AcoshOp>},    {"atanh", make<math::AtanhOp>},
    {"expm1", make<math::ExpM1Op>}, {"log1p", make<math::Log1pOp>},    {"log10", make<math::Log10Op>},
    {"cbrt", make<math::CbrtOp>},   {"erfc", make<math::ErfcOp>},      {"fabs", make<math::AbsFOp>}};
} // namespace

Value Emitter::mathOp(std::string_view name, const Value &x) {
  for (const MathRow &r : kMath)
    if (name == r.name)
      return tensor(r.make(*this, x.ir), x.type);
  notSupported(std::string(name));
}

namespace {
Value floatArg(Visitor &v, const Value &in) {
  Value x = in.isNumber() && in.host.isIntOrBool() ? v.number(in, dtype(K::FP32)) : v.toTensor(in);
  if (!x.type.elem.is(K::FP32) && !x.type.elem.is(K::FP64))
    v.failValue("Expected dtype ['fp32', 'fp64'] but got " + x.type.elem.str(), "convert first: x.to(tl.float32)");
  return x;
}
#define TSR_MATH1(fn, opname)                                                                                          \
  Value fn(Visitor &v, Args &a) { return v.mathOp(opname, floatArg(v, a[0])); }
TSR_MATH1(exp2_, "exp2")
TSR_MATH1(log_, "log")
TSR_MATH1(log2_, "log2")
TSR_MATH1(sin_, "sin")
TSR_MATH1(cos_, "cos")
TSR_MATH1(erf_, "erf")
TSR_MATH1(floor_, "floor")
TSR_MATH1(ceil_, "ceil")
TSR_MATH1(rsqrt_, "rsqrt")
#undef TSR_MATH1

// Triton's exp is exp2 of a rounded product.
Value exp_(Visitor &v, Args &a) {
  Value x = floatArg(v, a[0]);
  return Emitter::tensor(math::ExpOp::create(v.b, v.loc, x.ir, arith::FastMathFlags::afn), x.type);
}
Value sqrtFast(Visitor &v, Args &a) {
  Value x = floatArg(v, a[0]);
  return Emitter::tensor(math::SqrtOp::create(v.b, v.loc, x.ir, arith::FastMathFlags::afn), x.type);
}
// Numbers may be fp64 by their size.
Value onlyF32(Visitor &v, const Value &in) {
  Value x = v.toTensor(in);
  if (!x.type.elem.is(K::FP32) && !in.isNumber())
    v.failValue("Expected dtype ['fp32'] but got " + x.type.elem.str());
  return x;
}
Value sqrtRn(Visitor &v, Args &a) {
  Value x = onlyF32(v, a[0]);
  return v.mathOp("sqrt", x.type.elem.isFloat() ? x : v.cast(x, dtype(K::FP32)));
}

Value fdiv(Visitor &v, Args &a) {
  // Two of one type stay of it: 16 bits are divided in 32.
  Value l = v.toTensor(a[0]), r = v.toTensor(a[1]);
  DType t = l.type.elem;
  auto [x, y] = v.unify(l, r, false, false, true, true);
  if (!x.type.elem.isFloat())
    v.failType("both operands of fdiv must have floating scalar type");
  Value quotient = Emitter::tensor(arith::DivFOp::create(v.b, v.loc, x.ir, y.ir, arith::FastMathFlags::afn), x.type);
  return t == r.type.elem ? v.cast(quotient, t) : quotient;
}
Value divRn(Visitor &v, Args &a) {
  auto [x, y] = v.unify(onlyF32(v, a[0]), onlyF32(v, a[1]));
  if (x.type.elem.isInt()) {
    x = v.cast(x, dtype(K::FP32));
    y = v.cast(y, dtype(K::FP32));
  }
  return Emitter::tensor(arith::DivFOp::create(v.b, v.loc, x.ir, y.ir), x.type);
}
Value fma(Visitor &v, Args &a) {
  auto [x, y] = v.unify(v.toTensor(a[0]), v.toTensor(a[1]));
  Value z = v.toTensor(a[2]);
  std::tie(x, z) = v.unify(x, z);
  std::tie(y, z) = v.unify(y, z);
  std::tie(x, z) = v.broadcast(x, z);
  if (!x.type.elem.isFloat())
    return v.binary(BinOpKind::Add, v.binary(BinOpKind::Mult, x, y), z);
  return Emitter::tensor(math::FmaOp::create(v.b, v.loc, x.ir, y.ir, z.ir), x.type);
}
// As a method each takes narrower floats, too: computed in fp32, rounded to what they were.
template <Value (*Function)(Visitor &, Args &)> Value ofNarrow(Visitor &v, Args &a) {
  DType t = a[0].type.elem;
  if (!a[0].isTensor() || !t.isFloat() || t.bits() >= 32)
    return Function(v, a);
  Args wide;
  wide.byParam = {v.cast(a[0], dtype(K::FP32))};
  return v.cast(Function(v, wide), t);
}
Value abs(Visitor &v, Args &a) {
  Value x = v.toTensor(a[0]);
  DType t = x.type.elem;
  if (t.isFp8())
    return v.bitcast(v.binary(BinOpKind::BitAnd, v.bitcast(x, dtype(K::Int8)), Emitter::constInt(0x7f)), t);
  if (t.isFloat())
    return v.mathOp("fabs", x);
  if (t.isSigned())
    return Emitter::tensor(math::AbsIOp::create(v.b, v.loc, x.ir), x.type);
  if (t.isInt())
    return x;
  v.failType("Unexpected dtype " + t.str());
}
Value umulhi(Visitor &v, Args &a) {
  auto [x, y] = v.unify(v.toTensor(a[0]), v.toTensor(a[1]));
  if (!x.type.elem.isInt() || x.type.elem.bits() < 32)
    v.failValue("Expected dtype ['int32', 'int64', 'uint32', 'uint64'] but got " + x.type.elem.str());
  return Emitter::tensor(tile::MulHiUIOp::create(v.b, v.loc, x.ir, y.ir), x.type);
}

template <BinOpKind Op> Value arithmetic(Visitor &v, Args &a) {
  bool before = std::exchange(v.mayWrap, a.has(2) && !v.truth(a[2], "sanitize_overflow"));
  // Two numbers are added at run time, in the types that numbers take there.
  bool numbers = a[0].isNumber() && a[1].isNumber();
  Value r = numbers ? v.binary(Op, v.toTensor(a[0]), v.toTensor(a[1])) : v.binaryOp(Op, a[0], a[1]);
  v.mayWrap = before;
  return r;
}

// Whether NaNs of the operands propagate. Integers have none, and what is given with them is not looked at, as in Triton.
bool propagates(Visitor &v, llvm::ArrayRef<Value> operands, const Value &given, const char *exception) {
  if (given.isNoneOrAbsent() ||
      llvm::none_of(operands, [&](const Value &x) { return v.toTensor(x).type.elem.isFloat(); }))
    return false;
  // A member of PropagateNan is the integer 0 or 1 here.
  std::optional<int64_t> i = given.isConst() && !given.host.isBool() ? given.host.toI64() : std::nullopt;
  if (!i || (*i != 0 && *i != 1))
    v.fail(DiagId::BadArgument, "Unexpected propagate_nan " + v.describe(given),
           "tl.PropagateNan.NONE and tl.PropagateNan.ALL are known", exception);
  return *i == 1;
}
template <bool IsMax> Value minimumMaximum(Visitor &v, Args &a) {
  return v.minMax(IsMax, a[0], a[1], propagates(v, {a[0], a[1]}, a[2], "ValueError"));
}
Value clamp(Visitor &v, Args &a) {
  return v.clamp(a[0], a[1], a[2], propagates(v, {a[0], a[1], a[2]}, a[3], "TypeError"));
}
Value where(Visitor &v, Args &a) { return v.where(a[0], a[1], a[2]); }

template <BoolOpKind Op> Value logical(Visitor &v, Args &a) {
  auto x = v.staticTruth(a[0]), y = v.staticTruth(a[1]);
  if (x && y)
    return Emitter::constBool(Op == BoolOpKind::And ? *x && *y : *x || *y);
  return v.logical(Op, a[0], a[1]);
}

Value philoxImpl(Visitor &v, Args &a) {
  int64_t rounds = a[6].isAbsent() ? 10 : v.needInt(a[6], "n_rounds");
  if (rounds < 1)
    v.failArgument("n_rounds must be at least 1");
  std::vector<Value> x;
  for (size_t i = 0; i < 6; ++i)
    x.push_back(v.toTensor(a[i]));
  DType t = x[0].type.elem;
  for (Value &i : x) {
    if (!i.type.elem.isInt() || i.type.elem.bits() != t.bits())
      v.failType("philox_impl takes integers of one width, got " + t.str() + " and " + i.type.elem.str());
    i = v.bitcast(i, t);
  }
  for (size_t pass = 0; pass < 2; ++pass)
    for (size_t i = 1; i < 6; ++i)
      std::tie(x[0], x[i]) = v.broadcast(x[0], x[i]);
  mlir::Type type = x[0].ir.getType();
  auto op = tile::PhiloxOp::create(v.b, v.loc, mlir::TypeRange{type, type, type, type}, x[4].ir, x[5].ir, x[0].ir,
                                   x[1].ir, x[2].ir, x[3].ir, static_cast<uint32_t>(rounds));
  std::vector<Value> words;
  for (int i = 0; i < 4; ++i)
    words.push_back(Emitter::tensor(op->getResult(i), x[0].type));
  return Emitter::tuple(std::move(words));
}

constexpr const char *kTensor = "triton.language.tensor"; // methods that are no functions, or other ones
const BuiltinDef kRows[] = {
    {"exp", "x", exp_},
    {"exp2", "x", exp2_},
    {"log", "x", log_},
    {"log2", "x", log2_},
    {"sin", "x", sin_},
    {"cos", "x", cos_},
    {"erf", "x", erf_},
    {"floor", "x", floor_},
    {"ceil", "x", ceil_},
    {"rsqrt", "x", rsqrt_},
    {"sqrt", "x", sqrtFast},
    {"sqrt_rn", "x", sqrtRn},
    {"fdiv", "x y ieee_rounding?", fdiv},
    {"div_rn", "x y", divRn},
    {"fma", "x y z", fma},
    {"abs", "x", abs, kMethod},
    {"umulhi", "x y", umulhi},
    {"add", "x y sanitize_overflow?", arithmetic<BinOpKind::Add>},
    {"sub", "x y sanitize_overflow?", arithmetic<BinOpKind::Sub>},
    {"mul", "x y sanitize_overflow?", arithmetic<BinOpKind::Mult>},
    {"maximum", "x y propagate_nan?", minimumMaximum<true>},
    {"minimum", "x y propagate_nan?", minimumMaximum<false>},
    {"clamp", "x min max propagate_nan?", clamp},
    {"where", "condition x y", where},
    {"logical_and", "x other", logical<BoolOpKind::And>, kMethod, kTensor},
    {"logical_or", "x other", logical<BoolOpKind::Or>, kMethod, kTensor},
    {"exp", "x", ofNarrow<exp_>, kMethod, kTensor},
    {"exp2", "x", ofNarrow<exp2_>, kMethod, kTensor},
    {"log", "x", ofNarrow<log_>, kMethod, kTensor},
    {"log2", "x", ofNarrow<log2_>, kMethod, kTensor},
    {"sin", "x", ofNarrow<sin_>, kMethod, kTensor},
    {"cos", "x", ofNarrow<cos_>, kMethod, kTensor},
    {"erf", "x", ofNarrow<erf_>, kMethod, kTensor},
    {"floor", "x", ofNarrow<floor_>, kMethod, kTensor},
    {"ceil", "x", ofNarrow<ceil_>, kMethod, kTensor},
    {"rsqrt", "x", ofNarrow<rsqrt_>, kMethod, kTensor},
    {"sqrt", "x", ofNarrow<sqrtFast>, kMethod, kTensor},
    {"sqrt_rn", "x", ofNarrow<sqrtRn>, kMethod, kTensor},
    {"philox_impl", "c0 c1 c2 c3 k0 k1 n_rounds?", philoxImpl},
};
} // namespace

BuiltinTable mathBuiltins() { return {kRows, std::size(kRows)}; }

} // namespace tessera::py
