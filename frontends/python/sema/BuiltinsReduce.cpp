// BuiltinsReduce.cpp - reductions and scans of the language
//
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/sema/Visitor.h"

#include "core/ir/Tile.h"
#include "mlir/IR/Block.h"

namespace tessera::py {

namespace {
using K = ScalarKind;

std::optional<int64_t> axisOf(Visitor &v, const Value &x) {
  if (x.isNoneOrAbsent())
    return std::nullopt;
  return v.needInt(x, "axis");
}
bool flag(Visitor &v, const Value &x, bool otherwise = false) {
  return x.isAbsent() ? otherwise : v.truth(x, "the option");
}

// Where sums are formed: small integers in 32 bits.
Value widenForSum(Visitor &v, Value x, const Value &dtypeArg) {
  if (!dtypeArg.isNoneOrAbsent())
    return v.cast(x, v.needDType(dtypeArg, "dtype"));
  DType t = x.type.elem;
  if (t.isInt() && t.bits() < 32)
    return v.cast(x, dtype(t.isSigned() ? K::Int32 : K::UInt32));
  return x;
}
Value widenBf16(Visitor &v, const Value &x) { return x.type.elem.is(K::BF16) ? v.cast(x, dtype(K::FP32)) : x; }

Value sum(Visitor &v, Args &a) {
  Value x = widenForSum(v, v.toTensor(a[0]), a[3]);
  return v.reduceSimple(ReduceKind::Sum, x, axisOf(v, a[1]), flag(v, a[2]));
}

Value widenForOrder(Visitor &v, Value x, bool indices) {
  x = widenBf16(v, x);
  DType t = x.type.elem;
  if (!indices && t.bits() < 32)
    x = v.cast(x, dtype(t.isFloat() ? K::FP32 : K::Int32));
  return x;
}
template <bool IsMax> Value minMax(Visitor &v, Args &a) {
  bool indices = flag(v, a[2]);
  Value x = widenForOrder(v, v.toTensor(a[0]), indices);
  if (indices) {
    auto [value, index] = v.reduceArg(IsMax, x, axisOf(v, a[1]), flag(v, a[4]), flag(v, a[3], true));
    return Emitter::tuple({value, index});
  }
  return v.reduceSimple(IsMax ? ReduceKind::Max : ReduceKind::Min, x, axisOf(v, a[1]), flag(v, a[4]));
}
template <bool IsMax> Value argMinMax(Visitor &v, Args &a) {
  Value x = widenForOrder(v, v.toTensor(a[0]), true);
  return v.reduceArg(IsMax, x, axisOf(v, a[1]), flag(v, a[3]), flag(v, a[2], true)).second;
}

Value intsOnly(Visitor &v, const Value &in, const char *what) {
  Value x = v.toTensor(in);
  if (!x.type.elem.isInt())
    v.fail(DiagId::WrongType, std::string(what) + " only supported for integers", {}, "CompileTimeAssertionFailure");
  return x;
}
Value xorSum(Visitor &v, Args &a) {
  return v.reduceSimple(ReduceKind::Xor, intsOnly(v, a[0], "xor_sum"), axisOf(v, a[1]), flag(v, a[2]));
}
Value reduceOr(Visitor &v, Args &a) {
  return v.reduceSimple(ReduceKind::Or, intsOnly(v, a[0], "reduce_or"), axisOf(v, a[1]), flag(v, a[2]));
}

Value reduce(Visitor &v, Args &a) {
  bool isTuple = a[0].isTuple();
  auto results = v.reduce(v.items(a[0]), axisOf(v, a[1]), flag(v, a[3]), v.combiner(a[2]));
  return isTuple ? Emitter::tuple(std::move(results)) : results[0];
}
Value associativeScan(Visitor &v, Args &a) {
  bool isTuple = a[0].isTuple();
  auto results = v.scan(v.items(a[0]), v.needInt(a[1], "axis"), flag(v, a[3]), v.combiner(a[2]));
  return isTuple ? Emitter::tuple(std::move(results)) : results[0];
}
Value cumsum(Visitor &v, Args &a) {
  Value x = widenForSum(v, widenBf16(v, v.toTensor(a[0])), a[3]);
  return v.scan({x}, a[1].isAbsent() ? 0 : v.needInt(a[1], "axis"), flag(v, a[2]), v.simpleCombine(ReduceKind::Sum))[0];
}
Value cumprod(Visitor &v, Args &a) {
  Value x = widenBf16(v, v.toTensor(a[0]));
  return v.scan({x}, a[1].isAbsent() ? 0 : v.needInt(a[1], "axis"), flag(v, a[2]),
                v.simpleCombine(ReduceKind::Prod))[0];
}

// map_elementwise(fn, *args, pack=1): fn sees scalars, pack neighbours of each operand at a time.
Value mapElementwise(Visitor &v, Args &a) {
  int64_t pack = a[2].isNoneOrAbsent() ? 1 : v.needInt(a[2], "pack");
  if (a.rest.empty())
    v.failArgument("map_elementwise needs at least one tensor");
  std::vector<Value> inputs;
  for (const Value &x : a.rest)
    inputs.push_back(v.toTensor(x));
  for (Value &x : inputs)
    for (Value &y : inputs)
      std::tie(x, y) = v.broadcast(x, y);
  if (!inputs[0].isBlock())
    return v.call(a[0], inputs, {});
  if (pack < 1 || inputs[0].type.numel() % pack)
    v.failArgument("pack must divide the number of elements");
  // Visited once into a detached region, to learn the result types.
  auto region = std::make_unique<mlir::Region>();
  mlir::Block *block = new mlir::Block();
  region->push_back(block);
  std::vector<Value> args;
  for (const Value &x : inputs)
    for (int64_t i = 0; i < pack; ++i)
      args.push_back(Emitter::tensor(block->addArgument(v.irType(x.type.elem), v.loc), scalarType(x.type.elem)));
  llvm::SmallVector<mlir::Type> types;
  std::vector<Value> results;
  bool isTuple = false;
  {
    mlir::OpBuilder::InsertionGuard restore(v.b);
    v.b.setInsertionPointToEnd(block);
    Value r = v.call(a[0], args, {});
    isTuple = r.isTuple();
    llvm::SmallVector<mlir::Value> yields;
    std::vector<Value> parts = v.items(r);
    for (Value &p : parts) {
      p = v.toTensor(p);
      yields.push_back(p.ir);
    }
    if (parts.empty() || parts.size() % pack)
      v.failType("map_elementwise: the function must return a multiple of `pack` values");
    for (size_t i = 0; i < parts.size(); i += pack) {
      results.push_back(Emitter::tensor({}, blockType(parts[i].type.elem, inputs[0].type.shape)));
      types.push_back(v.irType(results.back().type));
    }
    tile::YieldOp::create(v.b, v.loc, yields);
  }
  mlir::OperationState state(v.loc, tile::MapElementwiseOp::getOperationName());
  llvm::SmallVector<mlir::Value> sources;
  for (const Value &x : inputs)
    sources.push_back(x.ir);
  state.addOperands(sources);
  state.addTypes(types);
  state.addAttribute("pack", v.b.getI32IntegerAttr(pack));
  state.addRegion()->takeBody(*region);
  mlir::Operation *op = v.b.create(state);
  for (size_t i = 0; i < results.size(); ++i)
    results[i].ir = op->getResult(i);
  return isTuple ? Emitter::tuple(std::move(results)) : results[0];
}

const BuiltinDef kRows[] = {
    {"sum", "input axis? keep_dims? dtype?", sum, kMethod},
    {"max", "input axis? return_indices? return_indices_tie_break_left? keep_dims?", minMax<true>, kMethod},
    {"min", "input axis? return_indices? return_indices_tie_break_left? keep_dims?", minMax<false>, kMethod},
    {"argmax", "input axis tie_break_left? keep_dims?", argMinMax<true>, kMethod},
    {"argmin", "input axis tie_break_left? keep_dims?", argMinMax<false>, kMethod},
    {"xor_sum", "input axis? keep_dims?", xorSum, kMethod},
    {"reduce_or", "input axis? keep_dims?", reduceOr, kMethod},
    {"reduce", "input axis combine_fn keep_dims?", reduce, kMethod},
    {"associative_scan", "input axis combine_fn reverse?", associativeScan, kMethod},
    {"cumsum", "input axis? reverse? dtype?", cumsum, kMethod},
    {"cumprod", "input axis? reverse?", cumprod, kMethod},
    {"map_elementwise", "scalar_fn *args pack?", mapElementwise},
};
} // namespace

BuiltinTable reduceBuiltins() { return {kRows, std::size(kRows)}; }

} // namespace tessera::py
