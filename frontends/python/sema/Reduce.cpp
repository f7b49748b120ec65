// Reduce.cpp - reductions, scans and sorts with their regions
//
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/sema/Emitter.h"

#include "core/ir/Tile.h"

namespace tessera::py {

namespace {
// Fills the region: the combiner sees scalars, (accumulated…, next…), and must give back the element types.
void fillBody(Emitter &e, mlir::Block *block, llvm::ArrayRef<Value> inputs, const Emitter::Combine &combine,
              const char *what) {
  mlir::OpBuilder::InsertionGuard restore(e.b);
  e.b.setInsertionPointToEnd(block);
  std::vector<Value> args;
  for (size_t i = 0; i < 2 * inputs.size(); ++i)
    args.push_back(Emitter::tensor(block->getArgument(i), scalarType(inputs[i % inputs.size()].type.elem)));
  ++e.inRegion;
  std::vector<Value> results = combine(args);
  --e.inRegion;
  if (results.size() != inputs.size())
    e.failType(std::string(what) + ": combine_fn must return " + std::to_string(inputs.size()) +
               " values, and returns " + std::to_string(results.size()));
  llvm::SmallVector<mlir::Value> values;
  for (size_t i = 0; i < results.size(); ++i) {
    if (!(results[i].type == scalarType(inputs[i].type.elem)))
      e.failType(std::string(what) + ": combine_fn must return " + inputs[i].type.elem.str() + " in place " +
                 std::to_string(i) + ", and returns " + results[i].type.str());
    values.push_back(results[i].ir);
  }
  tile::YieldOp::create(e.b, e.loc, values);
}

void checkInputs(Emitter &e, std::vector<Value> &inputs, const char *what) {
  for (Value &v : inputs) {
    v = e.toTensor(v);
    if (!v.isBlock())
      e.failType(std::string(what) + " needs a block, got " + v.type.str());
    if (v.type.shape != inputs[0].type.shape)
      e.fail(DiagId::ShapeMismatch, std::string(what) + ": all inputs must have the same shape, got " +
                                        shapeText(inputs[0].type.shape) + " and " + shapeText(v.type.shape));
  }
}
} // namespace

std::vector<Value> Emitter::reduce(std::vector<Value> inputs, std::optional<int64_t> axisIn, bool keepDims,
                                   const Combine &combine) {
  checkInputs(*this, inputs, "reduce");
  llvm::SmallVector<int64_t, 4> shape(inputs[0].type.shape.begin(), inputs[0].type.shape.end()), kept;
  int64_t axis = 0;
  if (axisIn) {
    axis = checkAxis(*axisIn, shape.size(), "axis");
    kept = shape;
    kept[axis] = 1;
    shape.erase(shape.begin() + axis);
  } else {
    kept.assign(shape.size(), 1);
    for (Value &v : inputs)
      v = reshape(v, {v.type.numel()}, true);
    shape.clear();
  }
  llvm::SmallVector<mlir::Value> sources;
  for (const Value &v : inputs)
    sources.push_back(v.ir);
  auto op = tile::ReduceOp::create(b, loc, sources, axis);
  fillBody(*this, op.createBody(), inputs, combine, "reduce");
  std::vector<Value> results;
  for (size_t i = 0; i < inputs.size(); ++i) {
    DType t = inputs[i].type.elem;
    Value r = tensor(op->getResult(i), shape.empty() ? scalarType(t) : blockType(t, shape));
    results.push_back(keepDims ? reshape(r, kept) : r);
  }
  return results;
}

std::vector<Value> Emitter::scan(std::vector<Value> inputs, int64_t axis, bool reverse, const Combine &combine) {
  checkInputs(*this, inputs, "associative_scan");
  axis = checkAxis(axis, inputs[0].type.rank(), "axis");
  llvm::SmallVector<mlir::Value> sources;
  for (const Value &v : inputs)
    sources.push_back(v.ir);
  auto op = tile::ScanOp::create(b, loc, sources, axis, reverse);
  fillBody(*this, op.createBody(), inputs, combine, "associative_scan");
  std::vector<Value> results;
  for (size_t i = 0; i < inputs.size(); ++i)
    results.push_back(tensor(op->getResult(i), inputs[i].type));
  return results;
}

namespace {
Value combineTwo(Emitter &e, ReduceKind kind, const Value &a, const Value &b) {
  switch (kind) {
  case ReduceKind::Sum:
    return e.binary(BinOpKind::Add, a, b);
  case ReduceKind::Prod:
    return e.binary(BinOpKind::Mult, a, b);
  case ReduceKind::Max:
    return e.minMax(true, a, b, false);
  case ReduceKind::Min:
    return e.minMax(false, a, b, false);
  case ReduceKind::Xor:
    return e.binary(BinOpKind::BitXor, a, b);
  case ReduceKind::Or:
    return e.binary(BinOpKind::BitOr, a, b);
  }
  return a;
}
} // namespace

Emitter::Combine Emitter::simpleCombine(ReduceKind kind) {
  return [this, kind](llvm::ArrayRef<Value> v) { return std::vector<Value>{combineTwo(*this, kind, v[0], v[1])}; };
}

Value Emitter::reduceSimple(ReduceKind kind, const Value &v, std::optional<int64_t> axis, bool keepDims) {
  return reduce({v}, axis, keepDims, simpleCombine(kind))[0];
}

std::pair<Value, Value> Emitter::reduceArg(bool isMax, const Value &in, std::optional<int64_t> axisIn, bool keepDims,
                                           bool tieLeft) {
  Value v = toTensor(in);
  if (!v.isBlock())
    failType(std::string(isMax ? "argmax" : "argmin") + " needs a block, got " + v.type.str());
  if (!axisIn) { // flattened before, so that indices are those of the flat tile
    llvm::SmallVector<int64_t, 4> kept(v.type.rank(), 1);
    auto [value, index] = reduceArg(isMax, reshape(v, {v.type.numel()}), 0, false, tieLeft);
    return keepDims ? std::pair(reshape(value, kept), reshape(index, kept)) : std::pair(value, index);
  }
  int64_t axis = checkAxis(*axisIn, v.type.rank(), "axis");
  Value index = arange(0, v.type.shape[axis]);
  for (int64_t i = 0; i < static_cast<int64_t>(v.type.rank()); ++i)
    if (i != axis)
      index = expandDims(index, i);
  index = broadcastTo(index, v.type.shape);
  auto results = reduce({v, index}, axis, keepDims, [&](llvm::ArrayRef<Value> x) {
    Value better = compare(isMax ? Relation::Gt : Relation::Lt, x[0], x[2]);
    if (tieLeft) {
      Value tie = binary(BinOpKind::BitAnd, compare(Relation::Eq, x[0], x[2]), compare(Relation::Lt, x[1], x[3]));
      better = binary(BinOpKind::BitOr, better, tie);
    }
    return std::vector<Value>{where(better, x[0], x[2]), where(better, x[1], x[3])};
  });
  return {results[0], results[1]};
}

// The op compares integers as signed: unsigned ones are shifted into that order and back.
Value Emitter::sort(const Value &v, int64_t axis, bool descending) {
  if (!v.isBlock())
    failType("sort needs a block, got " + v.type.str());
  DType t = v.type.elem;
  if (t.isPtr())
    failType("sort needs numbers, got " + v.type.str());
  Value x = v;
  if (t.isBool() || t.isFp8())
    return cast(sort(cast(v, py::dtype(t.isBool() ? ScalarKind::Int32 : ScalarKind::FP32)), axis, descending), t);
  Value flip;
  if (t.isUnsigned()) {
    flip = intConstant(t, static_cast<int64_t>(1ull << (t.bits() - 1)), v.type.shape, true);
    x = binary(BinOpKind::BitXor, x, flip);
  }
  x = tensor(tile::SortOp::create(b, loc, x.ir, axis, descending), x.type);
  return t.isUnsigned() ? binary(BinOpKind::BitXor, x, flip) : x;
}

} // namespace tessera::py
