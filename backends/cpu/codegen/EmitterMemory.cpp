// EmitterMemory.cpp - loads and stores of lanes: contiguous, strided, gathered; whole, masked as a whole, masked by lane
//
// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/codegen/Emitter.h"

#include "llvm/IR/Constants.h"
#include "llvm/IR/PatternMatch.h"

using namespace llvm;
using namespace tessera::tbc;
using tessera::codegen::ElemType;
using LType = llvm::Type;

namespace tessera::cpu {

LType *Emitter::memoryType(ElemType e) { return !e.pointer && e.elem == Elem::I1 ? b.getInt8Ty() : ew.type(e); }

llvm::Value *Emitter::fromMemory(V v, ElemType e) {
  if (e.pointer || e.elem != Elem::I1)
    return v;
  return b.CreateICmpNE(v, Constant::getNullValue(v->getType()));
}

llvm::Value *Emitter::toMemory(V v, ElemType e) {
  if (e.pointer || e.elem != Elem::I1)
    return v;
  return b.CreateZExt(v, codegen::Elementwise::like(b.getInt8Ty(), v));
}

int Emitter::touch(int buffer) {
  Buffer &f = facts.buffers[size_t(buffer)];
  if (f.first < 0)
    f.first = clock;
  f.last = std::max(f.last, clock);
  return buffer;
}

llvm::Value *Emitter::bufferAddress(int buffer) {
  touch(buffer);
  Buffer &f = facts.buffers[size_t(buffer)];
  if (!f.base) { // the offset is filled in when all lifetimes are known
    IRBuilder<> e(entry->getTerminator());
    auto *g = GetElementPtrInst::Create(b.getInt8Ty(), scratch, {b.getInt64(0)}, "tile",
                                        entry->getTerminator()->getIterator());
    f.base = g;
  }
  return static_cast<Instruction *>(f.base);
}

Lane Emitter::bufferPointer(int buffer, const Tuple &t) {
  V base = bufferAddress(buffer);
  const Buffer &f = facts.buffers[size_t(buffer)];
  Lane p = Lane::uniform(base, 64);
  unsigned bytes = f.pointer ? 8 : elemBits(f.elem) / 8;
  if (f.panel) {
    std::vector<int64_t> shape(f.shape.begin(), f.shape.end() - 2);
    Tuple s(t.begin(), t.end() - 2);
    s.push_back(divConst(t.back(), f.panel));
    s.push_back(t[t.size() - 2]);
    s.push_back(remConst(t.back(), f.panel));
    shape.push_back(f.shape.back() / f.panel);
    shape.push_back(f.shape[f.shape.size() - 2]);
    shape.push_back(f.panel);
    return addPointer(p, linear(s, shape), bytes);
  }
  return addPointer(p, linear(t, f.shape), bytes);
}

Lane Emitter::loadBuffer(int buffer, const Tuple &t, bool pinned) {
  const Buffer &f = facts.buffers[size_t(buffer)];
  ElemType e{f.elem, f.pointer};
  Lane p = bufferPointer(buffer, t);
  unsigned bytes = e.pointer ? 8 : elemBits(e.elem) / 8;
  auto *stride = p.kind == Lane::Affine ? dyn_cast<ConstantInt>(p.stride) : nullptr;
  bool apart = stride && std::abs(stride->getSExtValue()) > 4 * int64_t(bytes);
  if (((p.kind == Lane::Vector && !p.base) || apart) && lanes > 1 && target.masks && (bytes == 4 || bytes == 8)) {
    // Each lane from a place of its own: as fast as a load a lane, and a kernel of many such reads compiles in a fraction
    // of the time.
    unsigned inside = unsigned(levels.size()) - 1;
    V places = vec(p);
    return Lane::vector(
        at(inside, [&] { return b.CreateMaskedGather(vecType(memoryType(e), lanes), places, Align(bytes)); }));
  }
  return loadLane(p, e, nullptr, nullptr, false, pinned);
}

void Emitter::storeBuffer(int buffer, const Tuple &t, const Lane &value) {
  ElemType e{facts.buffers[size_t(buffer)].elem, facts.buffers[size_t(buffer)].pointer};
  Lane p = bufferPointer(buffer, t);
  V v = p.kind == Lane::Uniform && value.kind == Lane::Uniform ? value.v : vec(value);
  storeLane(p, v, e, nullptr);
}

// The lanes of a pattern out of one load of all that lies between them; null where that is more than `most` vectors.
llvm::Value *Emitter::loadPattern(const Lane &p, LType *t, unsigned bytes, unsigned most, bool pinned) {
  int64_t low = *llvm::min_element(p.offsets), high = *llvm::max_element(p.offsets);
  SmallVector<int, 64> from;
  for (int64_t o : p.offsets) {
    if ((o - low) % int64_t(bytes))
      return nullptr;
    from.push_back(int((o - low) / int64_t(bytes)));
  }
  unsigned count = unsigned((high - low) / int64_t(bytes)) + 1, whole = unsigned(PowerOf2Ceil(count));
  if (whole > most * lanes || (count != whole && bytes < 4 && !target.masks))
    return nullptr;
  V a = low ? on({p.base}, [&] { return b.CreateGEP(b.getInt8Ty(), p.base, b.getInt64(uint64_t(low))); }) : p.base;
  unsigned d = pinned ? unsigned(levels.size()) - 1 : std::max(depthOf(a), depthOf(chunk));
  return at(d, [&]() -> V {
    // Both ends are read anyway, so that what lies between them can be; what lies behind them cannot.
    if (count == whole)
      return b.CreateShuffleVector(b.CreateAlignedLoad(vecType(t, whole), a, Align(bytes)), from);
    SmallVector<Constant *, 64> inside;
    for (unsigned i = 0; i < whole; ++i)
      inside.push_back(b.getInt1(i < count));
    return b.CreateShuffleVector(b.CreateMaskedLoad(vecType(t, whole), a, Align(bytes), ConstantVector::get(inside)),
                                 from);
  });
}

Lane Emitter::loadLane(const Lane &p, ElemType e, const Lane *mask, const Lane *other, bool isVolatile, bool pinned) {
  pinned |= isVolatile;
  bool masked = mask != nullptr;
  LType *t = memoryType(e);
  unsigned bytes = e.pointer ? 8 : elemBits(e.elem) / 8;
  if (mask && mask->kind == Lane::Uniform)
    if (auto *c = dyn_cast<ConstantInt>(mask->v)) {
      if (c->isZero())
        return other ? *other : Lane::uniform(Constant::getNullValue(ew.type(e)));
      mask = nullptr;
    }
  bool uniformMask = mask && mask->kind == Lane::Uniform;
  auto finish = [&](V raw, unsigned d) {
    V v = at(d, [&] { return fromMemory(raw, e); });
    if (!mask || !other)
      return v;
    // A blend by a splat mask: a select by a scalar would become a branch.
    V mv = v->getType()->isVectorTy() ? vec(*mask) : mask->v;
    V ov = v->getType()->isVectorTy() ? vec(*other) : other->kind == Lane::Uniform ? other->v : vec(*other);
    return on({v, mv, ov}, [&] { return b.CreateSelect(mv, v, ov); });
  };
  // What is read before the main loop's bound is tested: the mask that was assumed true may be false for all of the loop.
  auto unlessEmpty = [&](V a) {
    if (masked && assume.active && depthOf(a) <= assume.depth)
      for (V bound : assume.bounds)
        a = on({a, bound}, [&] { return b.CreateSelect(b.CreateICmpSGT(bound, b.getInt64(0)), a, safeMemory); });
    return a;
  };
  auto guardedAddress = [&](V a) {
    if (uniformMask)
      a = on({a, mask->v}, [&] { return b.CreateSelect(mask->v, a, safeMemory); });
    return unlessEmpty(a);
  };
  // One address for all lanes, read at the level where the address is known.
  if (p.kind == Lane::Uniform && (!mask || uniformMask) && (!other || other->kind == Lane::Uniform || !mask)) {
    V a = guardedAddress(p.v);
    unsigned d = pinned ? unsigned(levels.size()) - 1 : depthOf(a);
    V raw = at(d, [&] {
      LoadInst *l = b.CreateAlignedLoad(t, a, Align(bytes));
      l->setVolatile(isVolatile);
      return l;
    });
    return Lane::uniform(finish(raw, d));
  }
  unsigned inside = unsigned(levels.size()) - 1;
  auto *stride = p.kind == Lane::Affine ? dyn_cast<ConstantInt>(p.stride) : nullptr;
  int64_t step = stride ? stride->getSExtValue() : 0;
  bool forward = step == int64_t(bytes), backward = step == -int64_t(bytes);
  if (lanes > 1 && (forward || backward) && (!mask || uniformMask || (forward && (bytes >= 4 || target.masks)))) {
    V a = laneBase(p);
    if (backward)
      a = on({a}, [&] { return b.CreateGEP(b.getInt8Ty(), a, b.getInt64(uint64_t(step * int64_t(lanes - 1)))); });
    a = guardedAddress(a);
    LType *vt = vecType(t, lanes);
    if (mask && !uniformMask) {
      V mv = vec(*mask);
      V pass = other ? vec(*other) : Constant::getNullValue(vecType(ew.type(e), lanes));
      V raw = at(inside, [&]() -> V { return b.CreateMaskedLoad(vt, a, Align(bytes), mv, toMemory(pass, e)); });
      return Lane::vector(at(inside, [&] { return fromMemory(raw, e); }));
    }
    unsigned d = pinned ? inside : std::max(depthOf(a), depthOf(chunk));
    V raw = at(d, [&]() -> V {
      LoadInst *l = b.CreateAlignedLoad(vt, a, Align(bytes));
      l->setVolatile(isVolatile);
      return backward ? b.CreateVectorReverse(l) : l;
    });
    return Lane::vector(finish(raw, d));
  }
  if (!mask && !isVolatile && lanes > 1 && (p.base || stride)) {
    // Every second, third or fourth element: the vectors that hold them, thinned out by shuffles.
    std::optional<Lane> places = patternOf(p);
    if (V raw = places ? loadPattern(*places, t, bytes, p.base ? 2 : 4, pinned) : nullptr)
      return Lane::vector(finish(raw, depthOf(raw)));
  }
  // Lane by lane. Masked-off lanes read a safe place instead: no branches.
  V ptrs;
  V base = p.kind == Lane::Affine ? laneBase(p) : nullptr;
  bool direct = p.kind == Lane::Affine && (!mask || uniformMask);
  if (lanes == 1) {
    V a = vec(p);
    if (mask) {
      V mv = vec(*mask);
      a = on({a, mv}, [&] { return b.CreateSelect(mv, a, safeMemory); });
    }
    a = unlessEmpty(a);
    unsigned d = pinned ? inside : depthOf(a);
    V raw = at(d, [&] {
      LoadInst *l = b.CreateAlignedLoad(t, a, Align(bytes));
      l->setVolatile(isVolatile);
      return l;
    });
    V v = at(d, [&] { return fromMemory(raw, e); });
    if (mask && other) {
      V mv = vec(*mask), ov = vec(*other);
      v = on({v, mv, ov}, [&] { return b.CreateSelect(mv, v, ov); });
    }
    return Lane::vector(v);
  }
  if (direct) {
    base = guardedAddress(base);
  } else {
    ptrs = vec(p);
    if (mask) {
      V mv = vec(*mask);
      ptrs = at(inside, [&] { return b.CreateSelect(mv, ptrs, b.CreateVectorSplat(lanes, safeMemory)); });
    }
  }
  V st = direct && uniformMask
             ? on({mask->v, p.stride}, [&] { return b.CreateSelect(mask->v, p.stride, b.getInt64(0)); })
             : p.stride;
  V raw = at(inside, [&]() -> V {
    V r = PoisonValue::get(vecType(t, lanes));
    for (unsigned i = 0; i < lanes; ++i) {
      V a = direct ? b.CreateGEP(b.getInt8Ty(), base, b.CreateMul(st, b.getInt64(i))) : b.CreateExtractElement(ptrs, i);
      LoadInst *l = b.CreateAlignedLoad(t, a, Align(bytes));
      l->setVolatile(isVolatile);
      r = b.CreateInsertElement(r, l, i);
    }
    return r;
  });
  return Lane::vector(finish(raw, inside));
}

// Lanes to every second, third or fourth element: spread by a shuffle and stored under a constant mask. (Two lanes or more of
// every vector that this becomes: see MaskedAccesses.cpp.)
bool Emitter::storePattern(const Lane &p, V value, ElemType e, unsigned bytes) {
  std::optional<Lane> places = p.kind == Lane::Affine ? patternOf(p) : std::nullopt;
  if (!places)
    return false;
  int64_t low = places->offsets.front(), high = places->offsets.back();
  unsigned whole = unsigned(PowerOf2Ceil(uint64_t(std::max<int64_t>(high - low, 0)) / bytes + 1));
  if (low > high || whole > 4 * lanes)
    return false;
  SmallVector<int, 64> from(whole, -1);
  SmallVector<Constant *, 64> stored(whole, b.getFalse());
  for (size_t i = 0; i < places->offsets.size(); ++i) {
    int64_t o = places->offsets[i] - low;
    if (o % int64_t(bytes) || (i && places->offsets[i] <= places->offsets[i - 1]))
      return false;
    from[size_t(o / int64_t(bytes))] = int(i);
    stored[size_t(o / int64_t(bytes))] = b.getTrue();
  }
  V a = low ? on({places->base}, [&] { return b.CreateGEP(b.getInt8Ty(), places->base, b.getInt64(uint64_t(low))); })
            : places->base;
  inner([&] {
    V v = b.CreateShuffleVector(toMemory(value, e), from);
    b.CreateMaskedStore(v, a, Align(bytes), ConstantVector::get(stored));
  });
  return true;
}

void Emitter::storeLane(const Lane &p, V value, ElemType e, const Lane *mask) {
  unsigned bytes = e.pointer ? 8 : elemBits(e.elem) / 8;
  if (mask && mask->kind == Lane::Uniform) {
    Lane none = *mask;
    auto *c = dyn_cast<ConstantInt>(none.v);
    if (c && c->isZero())
      return;
    if (!c) {
      // Everything the store needs is computed outside the guard, so that it may be remembered.
      V pre = p.kind == Lane::Affine ? laneBase(p) : p.v;
      (void)pre;
      Lane q = p.kind == Lane::Affine && p.inX
                   ? Lane::affine(laneBase(p), p.stride, false, std::min(p.align, uint64_t(bytes) * chunkAlign))
                   : p;
      guarded(none.v, [&] { storeLane(q, value, e, nullptr); });
      return;
    }
    mask = nullptr;
  }
  auto *stride = p.kind == Lane::Affine ? dyn_cast<ConstantInt>(p.stride) : nullptr;
  int64_t step = stride ? stride->getSExtValue() : 0;
  if (lanes == 1 || p.kind == Lane::Uniform) {
    // All lanes to one address: any may win; the last one does.
    V a = p.kind == Lane::Uniform ? p.v : vec(p);
    if (lanes > 1 && mask) {
      V mv = vec(*mask), ps = splatTo(a, lanes), x = splatTo(value, lanes);
      inner([&] { b.CreateMaskedScatter(toMemory(x, e), ps, Align(bytes), mv); });
      return;
    }
    auto put = [&] {
      V s = value->getType()->isVectorTy() ? b.CreateExtractElement(value, lanes - 1) : value;
      b.CreateAlignedStore(toMemory(s, e), a, Align(bytes));
    };
    if (mask)
      guarded(vec(*mask), [&] { inner(put); });
    else
      inner(put);
    return;
  }
  if (!value->getType()->isVectorTy())
    value = splatTo(value, lanes);
  if (step == int64_t(bytes) || step == -int64_t(bytes)) {
    V a = laneBase(p);
    V mv = mask ? vec(*mask) : nullptr;
    bool back = step < 0;
    inner([&] {
      V v = toMemory(value, e);
      if (back) {
        a = b.CreateGEP(b.getInt8Ty(), a, b.getInt64(uint64_t(step * int64_t(lanes - 1))));
        v = b.CreateVectorReverse(v);
        mv = mv ? b.CreateVectorReverse(mv) : nullptr;
      }
      if (mv) {
        b.CreateMaskedStore(v, a, Align(bytes), mv);
        return;
      }
      b.CreateAlignedStore(v, a, Align(bytes));
    });
    return;
  }
  if (!mask && target.masks && (bytes == 4 || bytes == 8) && storePattern(p, value, e, bytes))
    return;
  V ptrs = vec(p);
  V mv = mask ? vec(*mask) : nullptr;
  inner([&] {
    V v = toMemory(value, e);
    if (mv) {
      b.CreateMaskedScatter(v, ptrs, Align(bytes), mv);
      return;
    }
    for (unsigned i = 0; i < lanes; ++i)
      b.CreateAlignedStore(b.CreateExtractElement(v, i), b.CreateExtractElement(ptrs, i), Align(bytes));
  });
}

bool Emitter::storeLater(const Lane &p, V value, ElemType e, const Lane *mask) {
  unsigned bytes = e.pointer ? 8 : elemBits(e.elem) / 8;
  auto *stride = p.kind == Lane::Affine ? dyn_cast<ConstantInt>(p.stride) : nullptr;
  uint64_t align = p.inX ? std::min(p.align, uint64_t(bytes) * chunkAlign) : p.align;
  if (!mayStream || computeBound || lanes == 1 || (mask && mask->kind != Lane::Uniform) || !stride ||
      stride->getSExtValue() != int64_t(bytes) || align < 16 || bytes * lanes < 16)
    return false;
  auto *known = mask ? dyn_cast<ConstantInt>(mask->v) : nullptr;
  if (known && known->isZero())
    return true;
  kernelFacts.canStream = true;
  StreamedStore store{laneBase(p), nullptr, mask && !known ? mask->v : nullptr, std::min<uint64_t>(align, 64), bytes};
  V all = splatTo(value, lanes);
  inner([&] { store.value = toMemory(all, e); });
  streamed.push_back(store);
  return true;
}

// Adds what a sum is made of, times `factor`: values, and the constant under null.
static void addTerms(Value *v, uint64_t factor, SmallDenseMap<Value *, uint64_t> &terms) {
  using namespace PatternMatch;
  Value *x = nullptr, *y = nullptr;
  const APInt *by = nullptr;
  if (auto *at = dyn_cast<GetElementPtrInst>(v); at && at->getSourceElementType()->isIntegerTy(8)) {
    addTerms(at->getPointerOperand(), factor, terms);
    addTerms(at->getOperand(1), factor, terms);
  } else if (match(v, m_APInt(by)) && by->getBitWidth() == 64) {
    terms[nullptr] += factor * by->getZExtValue();
  } else if (v->getType()->isIntegerTy(64) && match(v, m_Add(m_Value(x), m_Value(y)))) {
    addTerms(x, factor, terms);
    addTerms(y, factor, terms);
  } else if (v->getType()->isIntegerTy(64) && match(v, m_Mul(m_Value(x), m_APInt(by)))) {
    addTerms(x, factor * by->getZExtValue(), terms);
  } else {
    terms[v] += factor;
  }
}

// Whether two addresses are known to be a multiple of some bytes apart.
static bool isApartBy(Value *a, Value *b, uint64_t bytes) {
  SmallDenseMap<Value *, uint64_t> terms;
  addTerms(a, 1, terms);
  addTerms(b, ~uint64_t(0), terms);
  return all_of(terms, [&](auto &term) { return term.second % bytes == 0; });
}

void Emitter::storeStreamed() {
  auto vectorBytes = [&](const StreamedStore &s) { return std::min<uint64_t>(uint64_t(s.bytes) * lanes, 64); };
  if (!streams && !streamed.empty()) {
    IRBuilder<>::InsertPointGuard here(b);
    b.SetInsertPoint(entry->getTerminator());
    streams = b.CreateICmpNE(b.CreateLoad(b.getInt32Ty(), b.CreateConstGEP1_64(b.getInt8Ty(), context, 40)),
                             b.getInt32(0), "streams");
  }
  for (ArrayRef<StreamedStore> rest = streamed; !rest.empty();) {
    ArrayRef<StreamedStore> group =
        rest.take_while([&](const StreamedStore &s) { return s.guard == rest.front().guard; });
    rest = rest.drop_front(group.size());
    // LLVM takes arms for equal that differ in metadata alone: so the alignments do, too.
    auto put = [&](bool past, bool isWhole) {
      inner([&] {
        for (const StreamedStore &s : group) {
          StoreInst *i = b.CreateAlignedStore(s.value, s.address,
                                              Align(isWhole ? vectorBytes(s)
                                                    : past  ? s.align
                                                            : s.bytes));
          if (past)
            i->setMetadata(LLVMContext::MD_nontemporal,
                           MDNode::get(b.getContext(), ConstantAsMetadata::get(b.getInt32(1))));
        }
      });
    };
    // Non-temporal stores must be aligned: without knowing, a vector is split into pieces that are, and these may be slower.
    auto past = [&] {
      if (all_of(group, [&](const StreamedStore &s) { return s.align >= vectorBytes(s); }))
        return put(true, true);
      V isWhole = nullptr;
      inner([&] {
        V odd = nullptr;
        for (const StreamedStore &s : group) {
          if (any_of(ArrayRef(group.begin(), &s), [&](const StreamedStore &before) {
                return vectorBytes(before) == vectorBytes(s) && isApartBy(before.address, s.address, vectorBytes(s));
              }))
            continue;
          V low = b.CreateAnd(b.CreatePtrToInt(s.address, b.getInt64Ty()), b.getInt64(vectorBytes(s) - 1));
          odd = odd ? b.CreateOr(odd, low) : low;
        }
        isWhole = b.CreateICmpEQ(odd, b.getInt64(0));
      });
      either(isWhole, [&] { put(true, true); }, [&] { put(true, false); });
    };
    auto ask = [&] { either(streams, past, [&] { put(false, false); }); };
    group.front().guard ? guarded(group.front().guard, ask) : ask();
  }
  streamed.clear();
}

} // namespace tessera::cpu
