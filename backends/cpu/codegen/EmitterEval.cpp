// EmitterEval.cpp - the value of a tensor at an index, and scalars
//
// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/codegen/Emitter.h"

#include "llvm/IR/Constants.h"

using namespace llvm;
using namespace tessera::tbc;
using tessera::codegen::ElemType;
using LType = llvm::Type;

namespace tessera::cpu {

bool Emitter::hasX(const Tuple &t) const {
  for (const Lane &l : t)
    if (l.kind != Lane::Uniform)
      return true;
  return false;
}

llvm::Value *Emitter::elementwise(const Op &op, ArrayRef<V> operands) {
  unsigned width = 1;
  for (V v : operands)
    if (auto *t = dyn_cast<FixedVectorType>(v->getType()))
      width = t->getNumElements();
  unsigned d = 0;
  SmallVector<V, 4> args;
  for (V v : operands) {
    args.push_back(width > 1 ? splatTo(v, width) : v);
    d = std::max(d, depthOf(args.back()));
  }
  ElemType in = ElemType::of(m.typeOf(op.operands[op.code == Opcode::Select ? 1 : 0]));
  ElemType outType = ElemType::of(m.typeOf(op.results[0]));
  return at(d, [&] { return ew.lower(op, in, outType, args); });
}

std::vector<llvm::Value *> Emitter::inlineRegion(const Region &r, ArrayRef<V> args) {
  std::map<ValueId, V> local;
  for (size_t i = 0; i < r.args.size(); ++i)
    local[r.args[i]] = args[i];
  auto get = [&](ValueId v) {
    auto it = local.find(v);
    return it != local.end() ? it->second : scalarOf(v);
  };
  unsigned width = 1;
  for (V v : args)
    if (auto *t = dyn_cast<FixedVectorType>(v->getType()))
      width = t->getNumElements();
  std::vector<V> result;
  for (const Op &op : r.ops) {
    if (op.code == Opcode::Yield) {
      for (ValueId v : op.operands)
        result.push_back(splatTo(get(v), width));
      break;
    }
    SmallVector<V, 4> ops;
    for (ValueId v : op.operands)
      ops.push_back(get(v));
    if (op.code == Opcode::Philox) {
      unsigned d = 0;
      for (V &v : ops) {
        v = splatTo(v, width);
        d = std::max(d, depthOf(v));
      }
      SmallVector<V, 4> w;
      at(d, [&] { return (w = ew.philox(ops, unsigned(op.intAttr(AttrId::NumRounds, 10))))[0]; });
      for (size_t i = 0; i < 4; ++i)
        local[op.results[i]] = note(w[i], d);
    } else if (codegen::Elementwise::handles(op.code)) {
      local[op.results[0]] = elementwise(op, ops);
    } else if (!op.results.empty()) {
      local[op.results[0]] = emitScalarOp(op, 0);
    }
  }
  return result;
}

// The largest power of two known to divide a scalar.
uint64_t Emitter::divisorOf(ValueId v, int guard) const {
  constexpr uint64_t big = uint64_t(1) << 32;
  auto p = paramDivisor.find(v);
  if (p != paramDivisor.end())
    return p->second;
  const Op *op = facts.def[v];
  if (!op || guard > 12)
    return 1;
  auto rec = [&](int i) { return divisorOf(op->operands[i], guard + 1); };
  switch (op->code) {
  case Opcode::Constant: {
    int64_t k = op->intAttr(AttrId::Value);
    return k ? uint64_t(k & -k) : big;
  }
  case Opcode::AddI:
  case Opcode::SubI:
  case Opcode::MinSI:
  case Opcode::MaxSI:
  case Opcode::RemSI:
  case Opcode::RemUI:
    return std::min(rec(0), rec(1));
  case Opcode::MulI:
    return std::min(big, std::min(big, rec(0)) * std::min(big, rec(1)));
  case Opcode::ExtSI:
  case Opcode::ExtUI:
  case Opcode::TruncI:
    return rec(0);
  case Opcode::Select:
    return std::min(rec(1), rec(2));
  case Opcode::AddPtr:
    // Of the pointee: elementBytes() of a pointer is the pointer's own size.
    return std::min(rec(0), std::min(big, rec(1) * (elemBits(m.typeOf(v).elem) / 8)));
  case Opcode::Hint: {
    const auto &d = op->intsAttr(AttrId::Divisibility);
    uint64_t h = d.size() == 1 && d[0] > 0 ? uint64_t(d[0] & -d[0]) : 1;
    return std::max(h, rec(0));
  }
  default:
    return 1;
  }
}

llvm::Value *Emitter::emitScalarOp(const Op &op, unsigned result) {
  switch (op.code) {
  case Opcode::Constant: {
    const tbc::Type &t = m.typeOf(op.results[0]);
    if (t.pointer)
      return ConstantPointerNull::get(PointerType::get(b.getContext(), 0));
    return isFloat(t.elem) ? ew.constFloat(t.elem, op.floatAttr(AttrId::FloatValue))
                           : ew.constInt(t.elem, op.intAttr(AttrId::Value));
  }
  case Opcode::ProgramId:
  case Opcode::NumPrograms: {
    int axis = int(op.intAttr(AttrId::Axis)) + (op.code == Opcode::NumPrograms ? 3 : 0);
    b.SetInsertPoint(entry->getTerminator());
    return b.CreateLoad(b.getInt32Ty(), b.CreateConstGEP1_64(b.getInt32Ty(), context, uint64_t(axis)));
  }
  case Opcode::Poison:
    return Constant::getNullValue(ew.type(ElemType::of(m.typeOf(op.results[0]))));
  case Opcode::Philox: {
    SmallVector<V, 6> ops;
    for (ValueId v : op.operands)
      ops.push_back(scalarOf(v));
    SmallVector<V, 4> w;
    at(0, [&] { return (w = ew.philox(ops, unsigned(op.intAttr(AttrId::NumRounds, 10))))[0]; });
    for (size_t i = 0; i < 4; ++i) {
      bindings[op.results[i]].kind = Binding::Scalar;
      bindings[op.results[i]].scalar = w[i];
    }
    return w[result];
  }
  default:
    break;
  }
  if (!codegen::Elementwise::handles(op.code)) {
    fail(op, "this operation on scalars");
    return PoisonValue::get(ew.type(ElemType::of(m.typeOf(op.results[0]))));
  }
  SmallVector<V, 4> ops;
  for (ValueId v : op.operands)
    ops.push_back(scalarOf(v));
  return elementwise(op, ops);
}

llvm::Value *Emitter::scalarOf(ValueId v) {
  Binding &k = bindings[v];
  if (k.kind == Binding::Scalar)
    return k.scalar;
  const Op *op = facts.def[v];
  if (!op) {
    failure = "a value without a definition";
    return PoisonValue::get(ew.type(ElemType::of(m.typeOf(v))));
  }
  V r = emitScalarOp(*op, resultIndex[v]);
  bindings[v].kind = Binding::Scalar;
  bindings[v].scalar = r;
  return r;
}

Lane Emitter::eval(ValueId v, const Tuple &t, bool address) {
  const tbc::Type &type = m.typeOf(v);
  if (!type.isTensor())
    return Lane::uniform(scalarOf(v), divisorOf(v));
  std::vector<uintptr_t> key{v, address};
  for (const Lane &l : t) {
    key.push_back(uintptr_t(l.v));
    key.push_back(uintptr_t(l.stride) | l.inX);
  }
  for (size_t d = levels.size(); d-- > 0;) {
    auto it = levels[d].memo.find(key);
    if (it != levels[d].memo.end())
      return it->second;
  }
  Binding k = bindings[v];
  Lane r;
  if (k.kind == Binding::Memory) {
    r = loadBuffer(k.buffer, t);
  } else if (k.kind == Binding::Offset) {
    Lane init = eval(k.init, t, true), step = Lane::uniform(k.scalar);
    r = type.pointer ? addPointer(init, step, 1) : add(init, step);
  } else if (const Op *op = facts.def[v]) {
    r = evalOp(*op, resultIndex[v], t, address || type.pointer);
  } else {
    failure = "a tensor without a definition";
    r = Lane::uniform(Constant::getNullValue(ew.type(ElemType::of(type))));
  }
  size_t d = hasX(t) && !(r.kind == Lane::Affine && r.inX) ? levels.size() - 1 : depthOf(r);
  levels[d].memo[key] = r;
  return r;
}

Lane Emitter::evalOp(const Op &op, unsigned result, const Tuple &t, bool address) {
  switch (op.code) {
  case Opcode::Constant:
  case Opcode::Poison:
    return Lane::uniform(emitScalarOp(op, 0), op.code == Opcode::Constant ? divisorOf(op.results[0]) : 1);
  case Opcode::Splat:
    return eval(op.operands[0], {});
  case Opcode::Arange: {
    Lane i = t[0];
    int64_t start = op.intAttr(AttrId::Start);
    if (start)
      i = add(i, constIndex(start));
    return castInt(i, ew.type(m.typeOf(op.results[0]).elem), true);
  }
  case Opcode::Philox:
  case Opcode::MapElementwise:
    return evalMany(op, result, t);
  case Opcode::Load: {
    Lane p = eval(op.operands[0], t, true);
    Lane mask, other;
    bool hasMask = op.operands.size() > 1, hasOther = op.operands.size() > 2;
    if (hasMask)
      mask = eval(op.operands[1], t);
    if (hasOther)
      other = eval(op.operands[2], t);
    return loadLane(p, ElemType::of(m.typeOf(op.results[0])), hasMask ? &mask : nullptr, hasOther ? &other : nullptr,
                    op.intAttr(AttrId::Volatile) != 0);
  }
  case Opcode::CmpI:
    return evalCompare(op, t);
  default:
    if (codegen::Elementwise::handles(op.code))
      return evalElementwise(op, t, address);
    return evalShape(op, result, t, address);
  }
}

Lane Emitter::evalMany(const Op &op, unsigned result, const Tuple &t) {
  bool uniform = true;
  SmallVector<Lane, 6> ls;
  for (ValueId v : op.operands) {
    ls.push_back(eval(v, t));
    uniform &= ls.back().kind == Lane::Uniform;
  }
  SmallVector<V, 6> vs;
  unsigned d = 0;
  for (const Lane &l : ls) {
    vs.push_back(uniform ? l.v : vec(l));
    d = std::max(d, depthOf(vs.back()));
  }
  SmallVector<V, 4> w;
  if (op.code == Opcode::Philox) {
    at(d, [&] { return (w = ew.philox(vs, unsigned(op.intAttr(AttrId::NumRounds, 10))))[0]; });
    for (V v : w)
      note(v, d);
  } else {
    std::vector<V> r = inlineRegion(op.regions[0], vs);
    w.assign(r.begin(), r.end());
  }
  auto lane = [&](V v) {
    return uniform ? Lane::uniform(v) : v->getType()->isVectorTy() || lanes == 1 ? Lane::vector(v) : Lane::uniform(v);
  };
  for (size_t i = 0; i < w.size(); ++i) { // the other results come with it
    std::vector<uintptr_t> key{op.results[i], 0};
    for (const Lane &l : t) {
      key.push_back(uintptr_t(l.v));
      key.push_back(uintptr_t(l.stride) | l.inX);
    }
    Lane r = lane(w[i]);
    levels[hasX(t) ? levels.size() - 1 : depthOf(r)].memo[key] = r;
  }
  return lane(w[result]);
}

// x % n where x counts up by one: in a main loop, plain counting up to where it wraps; elsewhere one division a chunk and a
// subtraction from the lanes past n. No lane where that does not fit.
Lane Emitter::wrapped(const Op &op, const Lane &x, const Lane &n, bool address) {
  auto *stride = x.kind == Lane::Affine ? dyn_cast<ConstantInt>(x.stride) : nullptr;
  if (!stride || !stride->isOne() || n.kind != Lane::Uniform || lanes == 1)
    return {};
  LType *t = n.v->getType();
  unsigned bits = t->getIntegerBitWidth();
  if (bits < 32)
    return {};
  int64_t max = bits == 64 ? INT64_MAX : (int64_t(1) << (bits - 1)) - 1;
  // Nothing is negative or overflows in `extent` steps from x.
  auto plain = [&](V from, int64_t extent) {
    return b.CreateAnd(b.CreateICmpULE(from, ConstantInt::get(t, uint64_t(max - extent))),
                       b.CreateICmpSGT(n.v, ConstantInt::get(t, 0)));
  };
  if (address && assume.active && x.inX && depthOf(x) <= assume.depth && depthOf(n.v) <= assume.depth) {
    V r = elementwise(op, {x.v, n.v});
    assume.bounds.push_back(on({x.v, n.v, r}, [&] {
      return b.CreateSelect(plain(x.v, assume.extent), b.CreateSExt(b.CreateSub(n.v, r), b.getInt64Ty()),
                            b.getInt64(0));
    }));
    return Lane::affine(r, x.stride, true, std::min(x.align, n.align));
  }
  V base = laneBase(x);
  V full = vec(x), divisors = splatTo(n.v, lanes);
  return Lane::vector(on({base, n.v, full, divisors}, [&]() -> V {
    LLVMContext &c = b.getContext();
    BasicBlock *quick = BasicBlock::Create(c, "wrap", fn), *slow = BasicBlock::Create(c, "divide", fn),
               *end = BasicBlock::Create(c, "wrapped", fn);
    b.CreateCondBr(b.CreateAnd(plain(base, lanes), b.CreateICmpSGE(n.v, ConstantInt::get(t, lanes))), quick, slow);
    b.SetInsertPoint(quick);
    V first = b.CreateURem(base, n.v);
    V counted = b.CreateAdd(b.CreateVectorSplat(lanes, first), laneIndexVector(t));
    V once = b.CreateSelect(b.CreateICmpULT(counted, divisors), counted, b.CreateSub(counted, divisors));
    b.CreateBr(end);
    b.SetInsertPoint(slow);
    V divided = ew.lower(op, codegen::ElemType::of(m.typeOf(op.operands[0])),
                         codegen::ElemType::of(m.typeOf(op.results[0])), {full, divisors});
    BasicBlock *slowEnd = b.GetInsertBlock();
    b.CreateBr(end);
    b.SetInsertPoint(end);
    PHINode *phi = b.CreatePHI(full->getType(), 2);
    phi->addIncoming(once, quick);
    phi->addIncoming(divided, slowEnd);
    return phi;
  }));
}

Lane Emitter::evalElementwise(const Op &op, const Tuple &t, bool address) {
  SmallVector<Lane, 3> ls;
  bool uniform = true, anyAffine = false;
  // Offsets of pointers are computed as indices: they do not wrap inside a chunk.
  for (size_t i = 0; i < op.operands.size(); ++i) {
    bool a = (address && op.code != Opcode::Select) || (op.code == Opcode::AddPtr);
    ls.push_back(eval(op.operands[i], t, a));
    uniform &= ls.back().kind == Lane::Uniform;
    anyAffine |= ls.back().kind == Lane::Affine;
  }
  const tbc::Type &type = m.typeOf(op.results[0]);
  if (op.code == Opcode::AddPtr)
    return addPointer(ls[0], ls[1], elemBits(type.elem) / 8);
  if (op.code == Opcode::Hint)
    return ls[0];
  bool integer = !type.pointer && isInteger(type.elem) && type.elem != Elem::I1;
  if (op.code == Opcode::Bitcast && type.pointer && m.typeOf(op.operands[0]).pointer)
    return ls[0];
  if (anyAffine && integer && !(m.typeOf(op.operands[0]).pointer)) {
    LType *to = ew.type(type.elem);
    switch (op.code) {
    case Opcode::AddI:
      return add(ls[0], ls[1]);
    case Opcode::SubI:
      return sub(ls[0], ls[1]);
    case Opcode::MulI:
      return mul(ls[0], ls[1]);
    case Opcode::ShlI:
      if (ls[1].kind == Lane::Uniform)
        if (auto *c = dyn_cast<ConstantInt>(ls[1].v); c && c->getValue().ult(to->getIntegerBitWidth() - 1))
          return mulConst(ls[0], int64_t(1) << c->getZExtValue());
      break;
    case Opcode::TruncI:
      return castInt(ls[0], to, true);
    case Opcode::ExtSI:
    case Opcode::ExtUI:
      if (address && ls[0].kind == Lane::Affine)
        return castInt(ls[0], to, op.code == Opcode::ExtSI);
      break;
    case Opcode::RemSI:
    case Opcode::RemUI:
      // A chunk that starts at a multiple of its size does not straddle a multiple of a divisor with that factor.
      if (address && ls[1].kind == Lane::Uniform && ls[1].align >= lanes) {
        auto *s = dyn_cast<ConstantInt>(ls[0].stride);
        uint64_t a = ls[0].inX ? std::min(ls[0].align, chunkAlign) : ls[0].align;
        if (s && s->isOne() && a >= lanes) {
          V base = laneBase(ls[0]);
          V r = elementwise(op, {base, ls[1].v});
          return Lane::affine(r, ls[0].stride, false, std::min(a, ls[1].align));
        }
      }
      if (Lane r = wrapped(op, ls[0], ls[1], address); r.v)
        return r;
      break;
    default:
      break;
    }
  }
  SmallVector<V, 3> vs;
  for (size_t i = 0; i < ls.size(); ++i)
    vs.push_back(uniform                                                              ? ls[i].v
                 : op.code == Opcode::Select && i == 0 && ls[0].kind == Lane::Uniform ? ls[0].v
                                                                                      : vec(ls[i]));
  if (op.code == Opcode::Select && !uniform && ls[0].kind == Lane::Uniform) {
    if (auto *c = dyn_cast<ConstantInt>(ls[0].v))
      return c->isOne() ? ls[1] : ls[2];
    return Lane::vector(on({vs[0], vs[1], vs[2]}, [&] { return b.CreateSelect(vs[0], vs[1], vs[2]); }));
  }
  V r = elementwise(op, vs);
  uint64_t align = 1;
  if (uniform && integer && ls.size() == 2)
    align = op.code == Opcode::MulI ? std::min(uint64_t(1) << 32, ls[0].align * ls[1].align)
            : op.code == Opcode::AddI || op.code == Opcode::SubI || op.code == Opcode::RemSI
                ? std::min(ls[0].align, ls[1].align)
                : 1;
  if (uniform && integer && ls.size() == 1 && (op.code == Opcode::ExtSI || op.code == Opcode::ExtUI))
    align = ls[0].align;
  return uniform ? Lane::uniform(r, align) : Lane::vector(r);
}

Lane Emitter::evalCompare(const Op &op, const Tuple &t) {
  const tbc::Type &type = m.typeOf(op.operands[0]);
  bool address = !type.pointer && type.elem != Elem::I1;
  Lane x = eval(op.operands[0], t, address), y = eval(op.operands[1], t, address);
  auto pred = CmpI(op.intAttr(AttrId::Predicate));
  auto lessLike = [](CmpI p) { return p == CmpI::Slt || p == CmpI::Sle || p == CmpI::Ult || p == CmpI::Ule; };
  auto greaterLike = [](CmpI p) { return p == CmpI::Sgt || p == CmpI::Sge || p == CmpI::Ugt || p == CmpI::Uge; };
  const Lane *a = nullptr, *bound = nullptr;
  if (lessLike(pred))
    a = &x, bound = &y;
  else if (greaterLike(pred))
    a = &y, bound = &x;
  if (assume.active && a && a->kind == Lane::Affine && a->inX && bound->kind == Lane::Uniform && address &&
      depthOf(*a) <= assume.depth && depthOf(bound->v) <= assume.depth) {
    auto *s = dyn_cast<ConstantInt>(a->stride);
    if (s && s->getSExtValue() > 0 && s->getSExtValue() < 65536) {
      int64_t k = s->getSExtValue();
      bool isSigned = pred == CmpI::Slt || pred == CmpI::Sle || pred == CmpI::Sgt || pred == CmpI::Sge;
      bool orEqual = pred == CmpI::Sle || pred == CmpI::Ule || pred == CmpI::Sge || pred == CmpI::Uge;
      V limit = on({a->v, bound->v}, [&]() -> V {
        LType *i64 = b.getInt64Ty();
        unsigned bits = type.elementBytes() * 8;
        V base = isSigned ? b.CreateSExt(a->v, i64) : b.CreateZExt(a->v, i64);
        V end = isSigned ? b.CreateSExt(bound->v, i64) : b.CreateZExt(bound->v, i64);
        V n = b.CreateSub(end, base);
        if (k == 1)
          n = orEqual ? b.CreateAdd(n, b.getInt64(1)) : n;
        else // number of multiples of k below n (n may be negative: then none, and smax makes it so)
          n = b.CreateSDiv(b.CreateAdd(b.CreateBinaryIntrinsic(Intrinsic::smax, n, b.getInt64(orEqual ? -1 : 0)),
                                       b.getInt64(orEqual ? k : k - 1)),
                           b.getInt64(k));
        if (bits < 64) { // nothing may be assumed of values that wrap
          V top = b.CreateAdd(base, b.getInt64(k * assume.extent));
          int64_t max = isSigned ? (int64_t(1) << (bits - 1)) - 1 : (int64_t(1) << bits) - 1;
          n = b.CreateSelect(b.CreateICmpSLE(top, b.getInt64(max)), n, b.getInt64(0));
        }
        return n;
      });
      assume.bounds.push_back(limit);
      return Lane::uniform(b.getTrue());
    }
  }
  bool uniform = x.kind == Lane::Uniform && y.kind == Lane::Uniform;
  V p = uniform ? x.v : vec(x), q = uniform ? y.v : vec(y);
  V r = elementwise(op, {p, q});
  return uniform ? Lane::uniform(r) : Lane::vector(r);
}

} // namespace tessera::cpu
