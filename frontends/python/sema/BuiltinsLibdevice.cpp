// BuiltinsLibdevice.cpp - tl.extra.libdevice: the functions that have an op of their own; the rest is in stdlib/libdevice.py
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
constexpr const char *kSpace = "triton.language.extra.libdevice";

Value floating(Visitor &v, const Value &in) {
  Value x = in.isNumber() && in.host.isIntOrBool() ? v.number(in, dtype(K::FP32)) : v.toTensor(in);
  if (!x.type.elem.is(K::FP32) && !x.type.elem.is(K::FP64))
    v.failType("this function is defined for fp32 and fp64, not " + x.type.elem.str(),
               "convert first: x.to(tl.float32)");
  return x;
}
Value integer(Visitor &v, const Value &in) {
  Value x = v.toTensor(in);
  if (!x.type.elem.isInt() || x.type.elem.bits() < 32)
    v.failType("this function is defined for 32 and 64 bit integers, not " + x.type.elem.str());
  return x;
}

// clang-format off
#define TSR_LIB1(fn, opname)                                                                                           \
  Value fn(Visitor &v, Args &a) { return v.mathOp(opname, floating(v, a[0])); }
TSR_LIB1(exp_, "exp") TSR_LIB1(exp2_, "exp2") TSR_LIB1(log_, "log") TSR_LIB1(log2_, "log2") TSR_LIB1(log10_, "log10")
TSR_LIB1(log1p_, "log1p") TSR_LIB1(expm1_, "expm1") TSR_LIB1(sin_, "sin") TSR_LIB1(cos_, "cos") TSR_LIB1(tan_, "tan")
TSR_LIB1(asin_, "asin") TSR_LIB1(acos_, "acos") TSR_LIB1(atan_, "atan") TSR_LIB1(sinh_, "sinh") TSR_LIB1(cosh_, "cosh")
TSR_LIB1(tanh_, "tanh") TSR_LIB1(asinh_, "asinh") TSR_LIB1(acosh_, "acosh") TSR_LIB1(atanh_, "atanh") TSR_LIB1(erf_, "erf")
TSR_LIB1(erfc_, "erfc") TSR_LIB1(sqrt_, "sqrt") TSR_LIB1(rsqrt_, "rsqrt") TSR_LIB1(cbrt_, "cbrt") TSR_LIB1(floor_, "floor")
TSR_LIB1(ceil_, "ceil") TSR_LIB1(trunc_, "trunc") TSR_LIB1(round_, "round") TSR_LIB1(rint_, "rint") TSR_LIB1(fabs_, "fabs")
#undef TSR_LIB1
    // clang-format on

    template <class Op>
    Value binaryFloat(Visitor &v, Args &a) {
  auto [x, y] = v.unify(a[0], a[1]);
  floating(v, x);
  return Emitter::tensor(Op::create(v.b, v.loc, x.ir, y.ir), x.type);
}
Value fastExp(Visitor &v, Args &a) {
  Value x = floating(v, a[0]);
  return Emitter::tensor(math::ExpOp::create(v.b, v.loc, x.ir, arith::FastMathFlags::afn), x.type);
}
// pow(x, n) with an integer n goes through floats.
Value pow(Visitor &v, Args &a) {
  Value x = floating(v, a[0]), y = a[1];
  y = y.isNumber() ? v.number(y, x.type.elem) : v.cast(v.toTensor(y), x.type.elem);
  std::tie(x, y) = v.broadcast(x, y);
  return Emitter::tensor(math::PowFOp::create(v.b, v.loc, x.ir, y.ir), x.type);
}
Value abs(Visitor &v, Args &a) {
  Value x = v.toTensor(a[0]);
  if (x.type.elem.isFloat())
    return v.mathOp("fabs", floating(v, x));
  return Emitter::tensor(math::AbsIOp::create(v.b, v.loc, integer(v, x).ir), x.type);
}
template <class Op> Value bitCount(Visitor &v, Args &a) {
  Value x = integer(v, a[0]);
  return v.cast(Emitter::tensor(Op::create(v.b, v.loc, x.ir), x.type), dtype(K::Int32));
}
Value mulhi(Visitor &v, Args &a) {
  auto [x, y] = v.unify(a[0], a[1]);
  integer(v, x);
  if (x.type.elem.isSigned())
    return Emitter::tensor(tile::MulHiSIOp::create(v.b, v.loc, x.ir, y.ir), x.type);
  return Emitter::tensor(tile::MulHiUIOp::create(v.b, v.loc, x.ir, y.ir), x.type);
}
Value fma(Visitor &v, Args &a) {
  auto [x, y] = v.unify(a[0], a[1]);
  Value z = a[2];
  std::tie(x, z) = v.unify(x, z);
  std::tie(y, z) = v.unify(y, z);
  floating(v, x);
  return Emitter::tensor(math::FmaOp::create(v.b, v.loc, x.ir, y.ir, z.ir), x.type);
}

const BuiltinDef kRows[] = {
    {"exp", "arg0", exp_, kPlain, kSpace},
    {"exp2", "arg0", exp2_, kPlain, kSpace},
    {"log", "arg0", log_, kPlain, kSpace},
    {"log2", "arg0", log2_, kPlain, kSpace},
    {"log10", "arg0", log10_, kPlain, kSpace},
    {"log1p", "arg0", log1p_, kPlain, kSpace},
    {"expm1", "arg0", expm1_, kPlain, kSpace},
    {"sin", "arg0", sin_, kPlain, kSpace},
    {"cos", "arg0", cos_, kPlain, kSpace},
    {"tan", "arg0", tan_, kPlain, kSpace},
    {"asin", "arg0", asin_, kPlain, kSpace},
    {"acos", "arg0", acos_, kPlain, kSpace},
    {"atan", "arg0", atan_, kPlain, kSpace},
    {"sinh", "arg0", sinh_, kPlain, kSpace},
    {"cosh", "arg0", cosh_, kPlain, kSpace},
    {"tanh", "arg0", tanh_, kPlain, kSpace},
    {"asinh", "arg0", asinh_, kPlain, kSpace},
    {"acosh", "arg0", acosh_, kPlain, kSpace},
    {"atanh", "arg0", atanh_, kPlain, kSpace},
    {"erf", "arg0", erf_, kPlain, kSpace},
    {"erfc", "arg0", erfc_, kPlain, kSpace},
    {"sqrt", "arg0", sqrt_, kPlain, kSpace},
    {"rsqrt", "arg0", rsqrt_, kPlain, kSpace},
    {"cbrt", "arg0", cbrt_, kPlain, kSpace},
    {"floor", "arg0", floor_, kPlain, kSpace},
    {"ceil", "arg0", ceil_, kPlain, kSpace},
    {"trunc", "arg0", trunc_, kPlain, kSpace},
    {"round", "arg0", round_, kPlain, kSpace},
    {"rint", "arg0", rint_, kPlain, kSpace},
    {"nearbyint", "arg0", rint_, kPlain, kSpace},
    {"fabs", "arg0", fabs_, kPlain, kSpace},
    {"abs", "arg0", abs, kPlain, kSpace},
    {"pow", "arg0 arg1", pow, kPlain, kSpace},
    {"fast_powf", "arg0 arg1", pow, kPlain, kSpace},
    {"atan2", "arg0 arg1", binaryFloat<math::Atan2Op>, kPlain, kSpace},
    {"copysign", "arg0 arg1", binaryFloat<math::CopySignOp>, kPlain, kSpace},
    {"fmod", "arg0 arg1", binaryFloat<arith::RemFOp>, kPlain, kSpace},
    {"div_rn", "arg0 arg1", binaryFloat<arith::DivFOp>, kPlain, kSpace}, // unlike `/`, correctly rounded
    {"clz", "arg0", bitCount<math::CountLeadingZerosOp>, kPlain, kSpace},
    {"popc", "arg0", bitCount<math::CtPopOp>, kPlain, kSpace},
    {"ctz", "arg0", bitCount<math::CountTrailingZerosOp>, kPlain, kSpace},
    {"mulhi", "arg0 arg1", mulhi, kPlain, kSpace},
    {"fma", "arg0 arg1 arg2", fma, kPlain, kSpace},
    {"fma_rn", "arg0 arg1 arg2", fma, kPlain, kSpace},
    {"fast_sinf", "arg0", sin_, kPlain, kSpace},
    {"fast_cosf", "arg0", cos_, kPlain, kSpace},
    {"fast_tanf", "arg0", tan_, kPlain, kSpace},
    {"fast_tanhf", "arg0", tanh_, kPlain, kSpace},
    {"fast_expf", "arg0", fastExp, kPlain, kSpace},
    {"fast_logf", "arg0", log_, kPlain, kSpace},
    {"fast_log2f", "arg0", log2_, kPlain, kSpace},
    {"fast_log10f", "arg0", log10_, kPlain, kSpace},
    {"sqrt_rn", "arg0", sqrt_, kPlain, kSpace},
};
} // namespace

BuiltinTable libdeviceBuiltins() { return {kRows, std::size(kRows)}; }

} // namespace tessera::py
