// EmitterLanes.cpp - loop levels, scalars, and the algebra of lanes
//
// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/codegen/Emitter.h"

#include "llvm/IR/Constants.h"

using namespace llvm;
using namespace tessera::tbc;
using LType = llvm::Type;

namespace tessera::cpu {

unsigned Emitter::depthOf(V v) const {
  auto it = depth.find(v);
  return it == depth.end() ? 0 : it->second;
}

unsigned Emitter::depthOf(const Lane &l) const { return std::max(depthOf(l.v), l.stride ? depthOf(l.stride) : 0u); }

llvm::Value *Emitter::note(V v, unsigned d) {
  if (d && v && isa<Instruction>(v) && !depth.count(v))
    depth[v] = d;
  return v;
}

void Emitter::pushLevel(BasicBlock *bb) {
  levels.emplace_back();
  levels.back().bb = bb;
}

void Emitter::popLevel(BasicBlock *continueAt) {
  levels.pop_back();
  levels.back().bb = continueAt;
  b.SetInsertPoint(continueAt);
}

void Emitter::clearMemo(unsigned from) {
  for (unsigned d = from; d < levels.size(); ++d)
    levels[d].memo.clear();
}

std::vector<llvm::Value *> Emitter::carriedLoop(V from, V to, int64_t step, std::vector<V> init, bool mayBeEmpty,
                                                const std::function<std::vector<V>(V, ArrayRef<V>)> &body) {
  LLVMContext &c = b.getContext();
  BasicBlock *bodyBB = BasicBlock::Create(c, "loop", fn), *exit = BasicBlock::Create(c, "after", fn);
  b.SetInsertPoint(bodyBB);
  PHINode *iv = b.CreatePHI(b.getInt64Ty(), 2);
  unsigned inside = unsigned(levels.size());
  depth[iv] = inside;
  std::vector<PHINode *> phis;
  std::vector<V> args;
  for (V v : init) {
    PHINode *p = b.CreatePHI(v->getType(), 2);
    depth[p] = inside;
    phis.push_back(p);
    args.push_back(p);
  }
  pushLevel(bodyBB);
  std::vector<V> next = body(iv, args);
  BasicBlock *latch = levels.back().bb;
  b.SetInsertPoint(latch);
  V ivNext = b.CreateAdd(iv, b.getInt64(step), "", true, true);
  // The bound may have been computed while the body was emitted: `to` null means "ask assume".
  levels.pop_back();
  unsigned outside = unsigned(levels.size()) - 1;
  if (!to && assume.bounds.empty()) { // known now: no second loop for what is left of nothing
    to = b.getInt64(uint64_t(std::max<int64_t>(assume.extent, 0) & -step));
    assume.bounds.assign(1, to);
    mayBeEmpty = cast<ConstantInt>(from)->getSExtValue() >= cast<ConstantInt>(to)->getSExtValue();
  } else if (!to) {
    V bound = b.getInt64(assume.extent);
    for (V v : assume.bounds)
      bound = at(outside, [&] { return b.CreateBinaryIntrinsic(Intrinsic::smin, bound, v); });
    to = at(outside, [&] {
      V n = b.CreateBinaryIntrinsic(Intrinsic::smax, bound, b.getInt64(0));
      return b.CreateAnd(n, b.getInt64(-step));
    });
    assume.bounds.assign(1, to);
    mayBeEmpty = true;
  }
  BasicBlock *pre = levels.back().bb;
  b.SetInsertPoint(pre);
  if (mayBeEmpty)
    b.CreateCondBr(b.CreateICmpSLT(from, to), bodyBB, exit);
  else
    b.CreateBr(bodyBB);
  b.SetInsertPoint(latch);
  b.CreateCondBr(b.CreateICmpSLT(ivNext, to), bodyBB, exit);
  iv->addIncoming(from, pre);
  iv->addIncoming(ivNext, latch);
  for (size_t i = 0; i < phis.size(); ++i) {
    phis[i]->addIncoming(init[i], pre);
    phis[i]->addIncoming(next[i], latch);
  }
  b.SetInsertPoint(exit);
  std::vector<V> result;
  for (size_t i = 0; i < phis.size(); ++i) {
    PHINode *p = b.CreatePHI(phis[i]->getType(), 2);
    p->addIncoming(next[i], latch);
    if (mayBeEmpty)
      p->addIncoming(init[i], pre);
    note(p, outside);
    result.push_back(p);
  }
  levels.back().bb = exit;
  return result;
}

void Emitter::loop(V from, V to, int64_t step, const std::function<void(V)> &body) {
  carriedLoop(from, to, step, {}, true, [&](V i, ArrayRef<V>) {
    body(i);
    return std::vector<V>();
  });
}

void Emitter::loop(int64_t n, const std::function<void(V)> &body) {
  if (n == 1) {
    body(b.getInt64(0));
    return;
  }
  carriedLoop(b.getInt64(0), b.getInt64(n), 1, {}, false, [&](V i, ArrayRef<V>) {
    body(i);
    return std::vector<V>();
  });
}

void Emitter::guarded(V cond, const std::function<void()> &body) {
  if (auto *c = dyn_cast<ConstantInt>(cond)) {
    if (c->isOne())
      body();
    return;
  }
  LLVMContext &c = b.getContext();
  BasicBlock *then = BasicBlock::Create(c, "then", fn), *end = BasicBlock::Create(c, "end", fn);
  // A level of its own: nothing evaluated in here may be remembered after it.
  BasicBlock *pre = nullptr;
  pushLevel(then);
  body();
  BasicBlock *last = levels.back().bb;
  levels.pop_back();
  pre = levels.back().bb;
  b.SetInsertPoint(pre);
  b.CreateCondBr(cond, then, end);
  b.SetInsertPoint(last);
  b.CreateBr(end);
  levels.back().bb = end;
  b.SetInsertPoint(end);
}

void Emitter::either(V cond, const std::function<void()> &body, const std::function<void()> &otherwise) {
  LLVMContext &c = b.getContext();
  BasicBlock *arms[2] = {BasicBlock::Create(c, "then", fn), BasicBlock::Create(c, "else", fn)};
  BasicBlock *end = BasicBlock::Create(c, "end", fn);
  for (int i = 0; i < 2; ++i) {
    pushLevel(arms[i]);
    (i ? otherwise : body)();
    b.SetInsertPoint(levels.back().bb);
    levels.pop_back();
    b.CreateBr(end);
  }
  b.SetInsertPoint(levels.back().bb);
  b.CreateCondBr(cond, arms[0], arms[1]);
  levels.back().bb = end;
  b.SetInsertPoint(end);
}

// ---- lanes

llvm::Value *Emitter::typedChunk(LType *t) {
  return on({chunk}, [&] { return t->isIntegerTy(64) ? chunk : b.CreateTrunc(chunk, t); });
}

llvm::Value *Emitter::laneBase(const Lane &l) {
  if (l.kind != Lane::Affine || !l.inX)
    return l.v;
  V c = typedChunk(l.stride->getType());
  V scaled = on({c, l.stride}, [&] { return b.CreateMul(c, l.stride); });
  return on({scaled, l.v}, [&]() -> V {
    if (l.v->getType()->isPointerTy())
      return b.CreateGEP(b.getInt8Ty(), l.v, scaled);
    return b.CreateAdd(l.v, scaled);
  });
}

llvm::Value *Emitter::splatTo(V s, unsigned n) {
  if (n == 1 || s->getType()->isVectorTy())
    return s;
  return on({s}, [&] { return b.CreateVectorSplat(n, s); });
}

llvm::Value *Emitter::laneIndexVector(LType *t) {
  SmallVector<Constant *, 16> k;
  for (unsigned i = 0; i < lanes; ++i)
    k.push_back(ConstantInt::get(t, i));
  return ConstantVector::get(k);
}

llvm::Value *Emitter::vec(const Lane &l) {
  if (l.kind == Lane::Vector)
    return l.v;
  if (l.kind == Lane::Uniform)
    return splatTo(l.v, lanes);
  V base = laneBase(l);
  if (lanes == 1)
    return base;
  LType *t = l.stride->getType();
  V steps = on({l.stride}, [&] { return b.CreateMul(b.CreateVectorSplat(lanes, l.stride), laneIndexVector(t)); });
  if (base->getType()->isPointerTy())
    return on({base, steps}, [&] { return b.CreateGEP(b.getInt8Ty(), base, steps); });
  V s = splatTo(base, lanes);
  return on({s, steps}, [&] { return b.CreateAdd(s, steps); });
}

namespace {
bool isZero(llvm::Value *v) {
  auto *c = dyn_cast<ConstantInt>(v);
  return c && c->isZero();
}

// What divides laneBase(x). The start of a chunk is a multiple of chunkAlign, whatever the stride.
uint64_t baseAlign(const Lane &x, uint64_t chunkAlign) {
  if (x.kind != Lane::Affine || !x.inX)
    return x.align;
  auto *s = dyn_cast<ConstantInt>(x.stride);
  int64_t k = s ? s->getSExtValue() : 1;
  return std::min(x.align, std::min(uint64_t(k ? k & -k : 1) * chunkAlign, uint64_t(1) << 32));
}
} // namespace

std::optional<Lane> Emitter::patternOf(const Lane &x) {
  if (x.kind == Lane::Vector)
    return x.base ? std::optional<Lane>(x) : std::nullopt;
  Lane p = Lane::uniform(x.v, baseAlign(x, chunkAlign));
  int64_t k = 0;
  if (x.kind == Lane::Affine) {
    auto *s = dyn_cast<ConstantInt>(x.stride);
    if (!s)
      return std::nullopt;
    k = s->getSExtValue();
  }
  p.base = laneBase(x);
  for (unsigned i = 0; i < lanes; ++i)
    p.offsets.push_back(k * int64_t(i));
  return p;
}

Lane Emitter::pattern(V base, SmallVector<int64_t, 0> offsets, uint64_t align) {
  LType *t = base->getType()->isPointerTy() ? b.getInt64Ty() : base->getType();
  auto moved = [&](Constant *by) -> V {
    if (base->getType()->isPointerTy())
      return on({base}, [&] { return b.CreateGEP(b.getInt8Ty(), base, by); });
    return on({base},
              [&] { return b.CreateAdd(by->getType()->isVectorTy() ? b.CreateVectorSplat(lanes, base) : base, by); });
  };
  int64_t first = offsets[0], step = offsets[1] - first;
  bool straight = true;
  for (size_t i = 0; i < offsets.size(); ++i)
    straight &= offsets[i] == first + step * int64_t(i);
  if (straight) {
    V start = first ? moved(ConstantInt::get(t, uint64_t(first), true)) : base;
    uint64_t a = first ? std::min(align, uint64_t(first & -first)) : align;
    return step ? Lane::affine(start, ConstantInt::get(t, uint64_t(step), true), false, a) : Lane::uniform(start, a);
  }
  SmallVector<Constant *, 64> constants;
  for (int64_t o : offsets)
    constants.push_back(ConstantInt::get(t, uint64_t(o), true));
  Lane l = Lane::vector(moved(ConstantVector::get(constants)));
  l.align = align;
  l.base = base;
  l.offsets = std::move(offsets);
  return l;
}

Lane Emitter::add(const Lane &x, const Lane &y) {
  if (x.kind == Lane::Uniform && isZero(x.v))
    return y;
  if (y.kind == Lane::Uniform && isZero(y.v))
    return x;
  uint64_t align = std::min(x.align, y.align);
  if (x.kind == Lane::Uniform && y.kind == Lane::Uniform)
    return Lane::uniform(on({x.v, y.v}, [&] { return b.CreateAdd(x.v, y.v); }), align);
  if (x.kind == Lane::Vector || y.kind == Lane::Vector) {
    std::optional<Lane> k = patternOf(x), l = patternOf(y);
    if (lanes > 1 && k && l) {
      for (unsigned i = 0; i < lanes; ++i)
        k->offsets[i] += l->offsets[i];
      V sum = isZero(l->base)   ? k->base
              : isZero(k->base) ? l->base
                                : on({k->base, l->base}, [&] { return b.CreateAdd(k->base, l->base); });
      return pattern(sum, std::move(k->offsets), std::min(k->align, l->align));
    }
    V p = vec(x), q = vec(y);
    return Lane::vector(on({p, q}, [&] { return b.CreateAdd(p, q); }));
  }
  if (x.kind == Lane::Uniform)
    return add(y, x);
  bool keepX = x.inX;
  if (y.kind == Lane::Uniform) {
    if (keepX && depthOf(y.v) + 1 > levels.size() - 1 && levels.size() > 1 && depthOf(y.v) == levels.size() - 1)
      keepX = false; // the base would move inside the loop
    V base = keepX || !x.inX ? x.v : laneBase(x);
    return Lane::affine(on({base, y.v}, [&] { return b.CreateAdd(base, y.v); }), x.stride, keepX,
                        keepX ? align : std::min(baseAlign(x, chunkAlign), y.align));
  }
  keepX = x.inX && y.inX;
  V p = keepX || !x.inX ? x.v : laneBase(x), q = keepX || !y.inX ? y.v : laneBase(y);
  V base = on({p, q}, [&] { return b.CreateAdd(p, q); });
  V stride = on({x.stride, y.stride}, [&] { return b.CreateAdd(x.stride, y.stride); });
  if (isZero(stride) && keepX)
    return Lane::uniform(base, align);
  return Lane::affine(base, stride, keepX,
                      keepX ? align : std::min(baseAlign(x, chunkAlign), baseAlign(y, chunkAlign)));
}

Lane Emitter::sub(const Lane &x, const Lane &y) {
  if (y.kind == Lane::Uniform && isZero(y.v))
    return x;
  if (x.kind == Lane::Uniform && y.kind == Lane::Uniform)
    return Lane::uniform(on({x.v, y.v}, [&] { return b.CreateSub(x.v, y.v); }), std::min(x.align, y.align));
  if (x.kind == Lane::Vector || y.kind == Lane::Vector) {
    V p = vec(x), q = vec(y);
    return Lane::vector(on({p, q}, [&] { return b.CreateSub(p, q); }));
  }
  return add(x, mulConst(y, -1));
}

Lane Emitter::mul(const Lane &x, const Lane &y) {
  if (x.kind == Lane::Uniform && y.kind == Lane::Uniform)
    return Lane::uniform(on({x.v, y.v}, [&] { return b.CreateMul(x.v, y.v); }),
                         std::min(x.align * y.align, uint64_t(1) << 32));
  if (x.base && y.kind == Lane::Uniform && isa<ConstantInt>(y.v)) {
    SmallVector<int64_t, 0> offsets = x.offsets;
    for (int64_t &o : offsets)
      o *= cast<ConstantInt>(y.v)->getSExtValue();
    V scaled = isZero(x.base) ? x.base : on({x.base}, [&] { return b.CreateMul(x.base, y.v); });
    return pattern(scaled, std::move(offsets), std::min(x.align * y.align, uint64_t(1) << 32));
  }
  if (x.kind == Lane::Vector || y.kind == Lane::Vector || (x.kind == Lane::Affine && y.kind == Lane::Affine)) {
    V p = vec(x), q = vec(y);
    return Lane::vector(on({p, q}, [&] { return b.CreateMul(p, q); }));
  }
  if (x.kind == Lane::Uniform)
    return mul(y, x);
  bool keepX = x.inX && (levels.size() == 1 || depthOf(y.v) < levels.size() - 1);
  V base = keepX || !x.inX ? x.v : laneBase(x);
  uint64_t align = keepX ? x.align : baseAlign(x, chunkAlign);
  return Lane::affine(on({base, y.v}, [&] { return b.CreateMul(base, y.v); }),
                      on({x.stride, y.v}, [&] { return b.CreateMul(x.stride, y.v); }), keepX,
                      std::min(align * y.align, uint64_t(1) << 32));
}

Lane Emitter::mulConst(const Lane &x, int64_t k) {
  if (k == 1)
    return x;
  LType *t = x.v->getType()->getScalarType();
  uint64_t a = k ? uint64_t(k & -k) : 1;
  return mul(x, Lane::uniform(ConstantInt::get(t, uint64_t(k), true), a));
}

Lane Emitter::castInt(const Lane &x, LType *to, bool isSigned) {
  auto cast = [&](V v) {
    return on({v}, [&] {
      LType *t =
          v->getType()->isVectorTy() ? vecType(to, cast_or_null<FixedVectorType>(v->getType())->getNumElements()) : to;
      return isSigned ? b.CreateSExtOrTrunc(v, t) : b.CreateZExtOrTrunc(v, t);
    });
  };
  if (x.v->getType()->getScalarType() == to)
    return x;
  if (x.kind == Lane::Affine)
    return Lane::affine(cast(x.v), on({x.stride}, [&] { return b.CreateSExtOrTrunc(x.stride, to); }), x.inX, x.align);
  return {x.kind, x.inX, cast(x.v), nullptr, x.align, nullptr, {}};
}

// x / d and x % d of a pattern whose base is a multiple of d, or all of whose lanes fall into one multiple of d.
std::optional<Lane> Emitter::dividePattern(const Lane &x, int64_t d, bool remainder) {
  std::optional<Lane> p = lanes > 1 && x.kind != Lane::Uniform ? patternOf(x) : std::nullopt;
  if (!p || *llvm::min_element(p->offsets) < 0)
    return std::nullopt;
  LType *t = p->base->getType();
  V by = ConstantInt::get(t, uint64_t(d)), zero = ConstantInt::get(t, 0);
  auto quotient = [&] { return isZero(p->base) ? zero : on({p->base}, [&] { return b.CreateUDiv(p->base, by); }); };
  if (p->align % uint64_t(d) == 0) {
    for (int64_t &o : p->offsets)
      o = remainder ? o % d : o / d;
    return remainder ? pattern(zero, std::move(p->offsets), uint64_t(1) << 32)
                     : pattern(quotient(), std::move(p->offsets), p->align / uint64_t(d));
  }
  if (d % int64_t(p->align) == 0 && *llvm::max_element(p->offsets) < int64_t(p->align)) {
    if (!remainder)
      return Lane::uniform(quotient());
    V rest = on({p->base}, [&] { return b.CreateURem(p->base, by); });
    return pattern(rest, std::move(p->offsets), std::min(p->align, uint64_t(d & -d)));
  }
  return std::nullopt;
}

// Index arithmetic: x is known to be non-negative.
Lane Emitter::divConst(const Lane &x, int64_t d) {
  if (d == 1)
    return x;
  LType *t = x.v->getType()->getScalarType();
  if (x.kind == Lane::Affine)
    if (auto *s = dyn_cast<ConstantInt>(x.stride)) {
      int64_t k = s->getSExtValue();
      V base = laneBase(x);
      uint64_t align = x.inX ? std::min(x.align, uint64_t(k > 0 ? k & -k : 1) * chunkAlign) : x.align;
      // All lanes of the chunk fall into one multiple of d; or d divides the stride and the base.
      if (k > 0 && d % (k * int64_t(lanes)) == 0 && align >= uint64_t(k) * lanes &&
          (align % (uint64_t(k) * lanes)) == 0)
        return Lane::uniform(on({base}, [&] { return b.CreateUDiv(base, ConstantInt::get(t, uint64_t(d))); }));
      if (k > 0 && k % d == 0) {
        if (x.inX)
          return Lane::affine(on({x.v}, [&] { return b.CreateUDiv(x.v, ConstantInt::get(t, uint64_t(d))); }),
                              ConstantInt::get(t, uint64_t(k / d)), true, std::max<uint64_t>(1, x.align / uint64_t(d)));
        return Lane::affine(on({base}, [&] { return b.CreateUDiv(base, ConstantInt::get(t, uint64_t(d))); }),
                            ConstantInt::get(t, uint64_t(k / d)), false, std::max<uint64_t>(1, x.align / uint64_t(d)));
      }
    }
  if (std::optional<Lane> p = dividePattern(x, d, false))
    return *p;
  bool uniform = x.kind == Lane::Uniform;
  V v = uniform ? x.v : vec(x);
  V r = on({v}, [&] { return b.CreateUDiv(v, ConstantInt::get(v->getType(), uint64_t(d))); });
  return uniform ? Lane::uniform(r) : Lane::vector(r);
}

Lane Emitter::remConst(const Lane &x, int64_t d) {
  LType *t = x.v->getType()->getScalarType();
  if (d == 1)
    return Lane::uniform(ConstantInt::get(t, 0), uint64_t(1) << 32);
  if (x.kind == Lane::Affine)
    if (auto *s = dyn_cast<ConstantInt>(x.stride)) {
      int64_t k = s->getSExtValue();
      V base = laneBase(x);
      uint64_t align = x.inX ? std::min(x.align, uint64_t(k > 0 ? k & -k : 1) * chunkAlign) : x.align;
      if (k > 0 && d % (k * int64_t(lanes)) == 0 && align >= uint64_t(k) * lanes)
        return Lane::affine(on({base}, [&] { return b.CreateURem(base, ConstantInt::get(t, uint64_t(d))); }), x.stride,
                            false, std::min(align, uint64_t(d & -d)));
      if (k > 0 && k % d == 0) {
        V from = x.inX ? x.v : base;
        return Lane::uniform(on({from}, [&] { return b.CreateURem(from, ConstantInt::get(t, uint64_t(d))); }));
      }
    }
  if (std::optional<Lane> p = dividePattern(x, d, true))
    return *p;
  bool uniform = x.kind == Lane::Uniform;
  V v = uniform ? x.v : vec(x);
  V r = on({v}, [&] { return b.CreateURem(v, ConstantInt::get(v->getType(), uint64_t(d))); });
  return uniform ? Lane::uniform(r, std::min(x.align, uint64_t(d & -d))) : Lane::vector(r);
}

Lane Emitter::addPointer(const Lane &p, const Lane &offset, unsigned bytes) {
  Lane o = mulConst(castInt(offset, b.getInt64Ty(), true), bytes);
  auto gep = [&](V base, V add) { return on({base, add}, [&] { return b.CreateGEP(b.getInt8Ty(), base, add); }); };
  uint64_t align = std::min(p.align, o.align);
  if (o.base && p.kind == Lane::Uniform)
    return pattern(isZero(o.base) ? p.v : gep(p.v, o.base), o.offsets, align);
  if (p.kind == Lane::Vector || o.kind == Lane::Vector)
    return Lane::vector(
        gep(p.kind == Lane::Uniform ? p.v : vec(p), o.kind == Lane::Uniform && p.kind != Lane::Uniform ? o.v : vec(o)));
  if (p.kind == Lane::Uniform && o.kind == Lane::Uniform)
    return Lane::uniform(gep(p.v, o.v), align);
  if (o.kind == Lane::Uniform) {
    bool keepX = p.inX && (levels.size() == 1 || depthOf(o.v) < levels.size() - 1);
    V base = keepX || !p.inX ? p.v : laneBase(p);
    return Lane::affine(gep(base, o.v), p.stride, keepX, keepX || !p.inX ? align : 1);
  }
  if (p.kind == Lane::Uniform) {
    bool keepX = o.inX && (levels.size() == 1 || depthOf(p.v) < levels.size() - 1);
    V base = keepX || !o.inX ? o.v : laneBase(o);
    return Lane::affine(gep(p.v, base), o.stride, keepX, keepX || !o.inX ? align : 1);
  }
  bool keepX = p.inX && o.inX;
  V base = keepX || !p.inX ? p.v : laneBase(p), add = keepX || !o.inX ? o.v : laneBase(o);
  return Lane::affine(gep(base, add), on({p.stride, o.stride}, [&] { return b.CreateAdd(p.stride, o.stride); }), keepX,
                      keepX ? align : 1);
}

} // namespace tessera::cpu
