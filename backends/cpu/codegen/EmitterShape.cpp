// EmitterShape.cpp - shape ops as maps of the index
//
// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/codegen/Emitter.h"

#include "llvm/IR/Constants.h"

using namespace llvm;
using namespace tessera::tbc;

namespace tessera::cpu {

Lane Emitter::linear(const Tuple &t, ArrayRef<int64_t> shape) {
  Lane r = constIndex(0);
  int64_t stride = 1;
  SmallVector<int64_t, 4> strides(shape.size());
  for (size_t i = shape.size(); i-- > 0;) {
    strides[i] = stride;
    stride *= shape[i];
  }
  for (size_t i = 0; i < shape.size(); ++i)
    if (shape[i] != 1)
      r = add(r, mulConst(t[i], strides[i]));
  return r;
}

Tuple Emitter::delinear(const Lane &l, ArrayRef<int64_t> shape) {
  Tuple t(shape.size(), constIndex(0));
  Lane rest = l;
  // The most significant dim with more than one element needs no remainder.
  size_t top = 0;
  while (top + 1 < shape.size() && shape[top] == 1)
    ++top;
  for (size_t i = shape.size(); i-- > 0;) {
    if (shape[i] == 1)
      continue;
    if (i == top) {
      t[i] = rest;
      break;
    }
    t[i] = remConst(rest, shape[i]);
    rest = divConst(rest, shape[i]);
  }
  return t;
}

Lane Emitter::evalShape(const Op &op, unsigned result, const Tuple &t, bool address) {
  ValueId x = op.operands[0];
  const tbc::Type &from = m.typeOf(x), &to = m.typeOf(op.results[0]);
  switch (op.code) {
  case Opcode::ExpandDims: {
    Tuple s = t;
    s.erase(s.begin() + op.intAttr(AttrId::Axis));
    return eval(x, s, address);
  }
  case Opcode::Broadcast: {
    Tuple s = t;
    for (size_t i = 0; i < s.size(); ++i)
      if (from.shape[i] == 1)
        s[i] = constIndex(0);
    return eval(x, s, address);
  }
  case Opcode::Transpose: {
    const auto &order = op.intsAttr(AttrId::Order);
    Tuple s(t.size());
    for (size_t i = 0; i < order.size(); ++i)
      s[size_t(order[i])] = t[i];
    return eval(x, s, address);
  }
  case Opcode::Reshape: {
    if (!from.isTensor())
      return eval(x, {});
    // Where only dims of 1 come or go, the others keep their lanes.
    SmallVector<int64_t, 4> p, q;
    SmallVector<size_t, 4> pi, qi;
    for (size_t i = 0; i < from.shape.size(); ++i)
      if (from.shape[i] != 1)
        p.push_back(from.shape[i]), pi.push_back(i);
    for (size_t i = 0; i < to.shape.size(); ++i)
      if (to.shape[i] != 1)
        q.push_back(to.shape[i]), qi.push_back(i);
    if (p == q) {
      Tuple s(from.shape.size(), constIndex(0));
      for (size_t i = 0; i < p.size(); ++i)
        s[pi[i]] = t[qi[i]];
      return eval(x, s, address);
    }
    return eval(x, delinear(linear(t, to.shape), from.shape), address);
  }
  case Opcode::Join: {
    const Lane &which = t.back();
    Tuple s(t.begin(), t.end() - 1);
    if (auto *c = dyn_cast<ConstantInt>(which.v); c && which.kind == Lane::Uniform)
      return eval(op.operands[c->isZero() ? 0 : 1], s, address);
    Lane p = eval(op.operands[0], s, address), q = eval(op.operands[1], s, address);
    bool uniform = which.kind == Lane::Uniform;
    V w = uniform ? which.v : vec(which);
    V cond = on({w}, [&] { return b.CreateICmpEQ(w, Constant::getNullValue(w->getType())); });
    if (uniform && p.kind == Lane::Uniform && q.kind == Lane::Uniform)
      return Lane::uniform(on({cond, p.v, q.v}, [&] { return b.CreateSelect(cond, p.v, q.v); }));
    V a = vec(p), d = vec(q);
    return Lane::vector(on({cond, a, d}, [&] { return b.CreateSelect(cond, a, d); }));
  }
  case Opcode::Split: {
    Tuple s = t;
    s.push_back(constIndex(int64_t(result)));
    return eval(x, s, address);
  }
  case Opcode::Cat: {
    int64_t n = from.shape[0];
    const Lane &i = t[0];
    // Both sides are evaluated at an index inside their range, then one is chosen.
    if (i.kind == Lane::Uniform ||
        (i.kind == Lane::Affine && chunkAlign >= lanes && n % lanes == 0 && i.inX && isa<ConstantInt>(i.v) &&
         cast<ConstantInt>(i.v)->isZero() && cast<ConstantInt>(i.stride)->isOne())) {
      // The whole chunk lies on one side.
      V start = laneBase(i);
      V inFirst = on({start}, [&] { return b.CreateICmpULT(start, b.getInt64(uint64_t(n))); });
      V local =
          on({start}, [&] { return b.CreateSelect(inFirst, start, b.CreateSub(start, b.getInt64(uint64_t(n)))); });
      Lane l = i.kind == Lane::Uniform ? Lane::uniform(local) : Lane::affine(local, b.getInt64(1), false, lanes);
      Lane p = eval(x, {l}, address), q = eval(op.operands[1], {l}, address);
      if (i.kind == Lane::Uniform)
        return Lane::uniform(on({inFirst, p.v, q.v}, [&] { return b.CreateSelect(inFirst, p.v, q.v); }));
      V a = vec(p), d = vec(q);
      return Lane::vector(on({inFirst, a, d}, [&] { return b.CreateSelect(inFirst, a, d); }));
    }
    V v = vec(i);
    V limit = ConstantInt::get(v->getType(), uint64_t(n));
    V inFirst = on({v}, [&] { return b.CreateICmpULT(v, limit); });
    V local = on({v}, [&] { return b.CreateSelect(inFirst, v, b.CreateSub(v, limit)); });
    Lane l = Lane::vector(local);
    V a = vec(eval(x, {l}, address)), d = vec(eval(op.operands[1], {l}, address));
    return Lane::vector(on({inFirst, a, d}, [&] { return b.CreateSelect(inFirst, a, d); }));
  }
  case Opcode::Gather: {
    size_t axis = size_t(op.intAttr(AttrId::Axis));
    Lane i = eval(op.operands[1], t);
    Elem e = m.typeOf(op.operands[1]).elem;
    i = castInt(i, b.getInt64Ty(), e != Elem::I1);
    // An index out of range must not leave the buffer.
    V raw = i.kind == Lane::Uniform ? i.v : vec(i);
    V limit = ConstantInt::get(raw->getType(), uint64_t(from.shape[axis] - 1));
    V clamped = on({raw}, [&] { return b.CreateBinaryIntrinsic(Intrinsic::umin, raw, limit); });
    Tuple s = t;
    s[axis] = i.kind == Lane::Uniform ? Lane::uniform(clamped) : Lane::vector(clamped);
    return eval(x, s, address);
  }
  default:
    fail(op, "this operation on tensors");
    return Lane::uniform(Constant::getNullValue(ew.type(codegen::ElemType::of(to))));
  }
}

} // namespace tessera::cpu
