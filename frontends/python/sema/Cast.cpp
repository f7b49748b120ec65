// Cast.cpp - conversions between element types
//
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/sema/Emitter.h"

#include "core/ir/Tile.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

namespace tessera::py {

namespace arith = mlir::arith;
using K = ScalarKind;

Value Emitter::bitcast(const Value &v, DType to) {
  DType from = v.type.elem;
  if (from == to)
    return v;
  if (from.isPtr() != to.isPtr())
    return cast(v, to);
  if (from.bits() != to.bits())
    failValue("Cannot bitcast data-type of size " + std::to_string(from.bits()) + " to data-type of size " +
              std::to_string(to.bits()));
  TensorType t = v.type.with(to);
  if (irType(from) == irType(to))
    return tensor(v.ir, t);
  return convert<tile::BitcastOp>(v, to);
}

Value Emitter::toBool(const Value &v) {
  DType t = v.type.elem;
  if (t.isBool())
    return v;
  if (t.isPtr())
    return toBool(cast(v, py::dtype(K::Int64)));
  if (t.isFp8())
    return toBool(cast(v, py::dtype(K::FP32)));
  Value zero = zeroOf(v.type);
  TensorType result = v.type.with(py::dtype(K::Int1));
  if (t.isFloat())
    return tensor(arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNE, v.ir, zero.ir), result);
  return tensor(arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, v.ir, zero.ir), result);
}

Value Emitter::cast(const Value &v, DType to, std::optional<int> rounding) {
  DType from = v.type.elem;
  auto f32 = py::dtype(K::FP32);
  if (from == to)
    return v;
  bool narrowing = from.isFloat() && to.isFloat() && from.bits() > to.bits();
  if (rounding && !narrowing)
    failArgument("fp_downcast_rounding should be set only for truncating fp conversions. Source scalar type is " +
                 from.str() + " and destination type is " + to.str());
  if (to.is(K::Void) || from.is(K::Void))
    failType("cannot cast " + from.str() + " to " + to.str());
  if (from.isPtr() && to.isPtr())
    return bitcast(v, to);
  if (from.isFloat() && to.isFloat()) {
    TensorType t = v.type.with(to);
    auto mode = rounding.value_or(0) == 1 ? tile::Rounding::TowardsZero : tile::Rounding::NearestEven;
    // Triton's conversions to these are CUDA's there, which saturate; elsewhere they overflow.
    bool isCuda = options.targetName.starts_with("sm_") || options.targetName.starts_with("compute_");
    if (isCuda && narrowing && mode == tile::Rounding::NearestEven && (to.is(K::FP8E4NV) || to.is(K::FP8E5)))
      mode = tile::Rounding::NearestSaturating;
    return tensor(tile::FpToFpOp::create(b, loc, irType(t), v.ir, mode), t);
  }
  if (from.isFp8())
    return cast(cast(v, f32), to);
  if (to.isFp8())
    return cast(cast(v, f32), to);
  if (to.isBool())
    return toBool(v);
  if (from.isInt() && to.isInt()) {
    if (from.bits() == to.bits())
      return tensor(v.ir, v.type.with(to));
    if (from.bits() > to.bits())
      return convert<arith::TruncIOp>(v, to);
    return from.isSigned() ? convert<arith::ExtSIOp>(v, to) : convert<arith::ExtUIOp>(v, to);
  }
  if (from.isFloat() && to.isInt())
    return to.isSigned() ? convert<arith::FPToSIOp>(v, to) : convert<arith::FPToUIOp>(v, to);
  if (from.isInt() && to.isFloat())
    return from.isSigned() ? convert<arith::SIToFPOp>(v, to) : convert<arith::UIToFPOp>(v, to);
  if (from.isPtr() && to.isInt()) {
    if (to.bits() != 64)
      failType("cannot cast " + from.str() + " to " + to.str(), "cast the pointer to tl.int64 first");
    TensorType t = v.type.with(to);
    return tensor(tile::PtrToIntOp::create(b, loc, v.ir), t);
  }
  if (from.isInt() && to.isPtr())
    return convert<tile::IntToPtrOp>(cast(v, py::dtype(from.isSigned() ? K::Int64 : K::UInt64)), to);
  failType("cannot cast " + v.type.str() + " to " + to.str());
}

Value Emitter::condition(const Value &in) {
  Value v = toTensor(in);
  if (v.isBlock()) {
    if (v.type.numel() != 1)
      fail(DiagId::AmbiguousTruth, "Boolean value of Tensor with more than one value is ambiguous",
           "reduce it first, for example with tl.max(x.to(tl.int32), 0) != 0, or use tl.where");
    warn(DiagId::Deprecated, "If conditional called with multidimensional Tensor instead of scalar; please use `if ("
                             "tensor.item())` instead");
    v = extractScalar(v);
  }
  return toBool(v);
}

} // namespace tessera::py
