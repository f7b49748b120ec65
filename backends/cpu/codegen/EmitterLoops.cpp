// EmitterLoops.cpp - a group of roots over one shape as one loop nest
//
// SPDX-License-Identifier: Apache-2.0
//
// Outer dims are plain loops; the lane dim is innermost, in chunks. Where masks compare the position with a bound, a main
// loop runs without them up to the bound and a second loop does the rest, masked.
#include "backends/cpu/codegen/Emitter.h"

#include "llvm/IR/Constants.h"

#include <algorithm>
#include <numeric>
#include <set>

using namespace llvm;
using namespace tessera::tbc;
using tessera::codegen::ElemType;

namespace tessera::cpu {

namespace {
constexpr int64_t kUnknownStride = INT64_MIN;
// Vectors that wait in registers for one question whether to go past the cache.
constexpr size_t kStoredTogether = 4;
} // namespace

// How v changes when the index in `dim` grows by one: elements (bytes for pointers), or unknown.
int64_t Emitter::strideAlong(ValueId v, unsigned dim, int guard) {
  if (guard == 0)
    strides.clear();
  if (auto known = strides.find({v, dim}); known != strides.end())
    return known->second;
  int64_t stride = strideOf(v, dim, guard);
  strides[{v, dim}] = stride;
  return stride;
}

int64_t Emitter::strideOf(ValueId v, unsigned dim, int guard) {
  const tbc::Type &t = m.typeOf(v);
  if (!t.isTensor() || t.shape[dim] == 1)
    return 0;
  if (guard > 24 || bindings[v].kind == Binding::Memory)
    return kUnknownStride;
  if (bindings[v].kind == Binding::Offset)
    return strideAlong(bindings[v].init, dim, guard + 1);
  const Op *op = facts.def[v];
  if (!op)
    return kUnknownStride;
  auto rec = [&](unsigned i) { return strideAlong(op->operands[i], dim, guard + 1); };
  auto both = [&](int64_t x, int64_t y, int sign) {
    return x == kUnknownStride || y == kUnknownStride ? kUnknownStride : x + sign * y;
  };
  switch (op->code) {
  case Opcode::Constant:
  case Opcode::Splat:
    return 0;
  case Opcode::Arange:
    return 1;
  case Opcode::AddI:
    return both(rec(0), rec(1), 1);
  case Opcode::SubI:
    return both(rec(0), rec(1), -1);
  case Opcode::AddPtr: {
    int64_t o = rec(1);
    return both(rec(0), o == kUnknownStride ? o : o * int64_t(elemBits(t.elem) / 8), 1);
  }
  case Opcode::MulI: {
    int64_t x = rec(0), y = rec(1);
    if (x == 0 && y == 0)
      return 0;
    for (int i = 0; i < 2; ++i) {
      const Op *k = facts.def[op->operands[i]];
      while (k && (k->code == Opcode::Splat || k->code == Opcode::Broadcast || k->code == Opcode::ExpandDims ||
                   k->code == Opcode::ExtSI))
        k = facts.def[k->operands[0]];
      int64_t other = i == 0 ? y : x;
      if (k && k->code == Opcode::Constant && other != kUnknownStride)
        return other * k->intAttr(AttrId::Value);
    }
    return kUnknownStride;
  }
  case Opcode::ExtSI:
  case Opcode::ExtUI:
  case Opcode::TruncI:
  case Opcode::Hint:
  case Opcode::RemSI:
  case Opcode::RemUI:
  case Opcode::Bitcast:
    return rec(0);
  case Opcode::ExpandDims: {
    unsigned axis = unsigned(op->intAttr(AttrId::Axis));
    return strideAlong(op->operands[0], dim > axis ? dim - 1 : dim, guard + 1);
  }
  case Opcode::Broadcast:
    return rec(0);
  case Opcode::Transpose:
    return strideAlong(op->operands[0], unsigned(op->intsAttr(AttrId::Order)[dim]), guard + 1);
  default:
    return kUnknownStride;
  }
}

// Which dims the loads that v is made of are contiguous along: a weight for each dim.
std::vector<int64_t> Emitter::contiguityVotes(ValueId value, unsigned rank) {
  std::vector<int64_t> score(rank, 0);
  int64_t total = m.typeOf(value).numElements();
  std::set<std::pair<ValueId, std::vector<int>>> seen; // read once a chunk, however often it is used
  std::function<void(ValueId, std::vector<int>)> visit = [&](ValueId v, std::vector<int> dims) {
    const tbc::Type &t = m.typeOf(v);
    if (!t.isTensor() || !seen.insert({v, dims}).second)
      return;
    auto vote = [&](auto strideOf, int64_t bytes, int weight) {
      if (t.numElements() < total) // read once a row or column: the loop over the other dim does not see it
        return;
      for (unsigned d = 0; d < dims.size(); ++d)
        if (dims[d] >= 0 && t.shape[d] > 1 && strideOf(d) == bytes)
          score[size_t(dims[d])] += weight;
    };
    if (bindings[v].kind == Binding::Memory) {
      vote([&](unsigned d) { return d + 1 == dims.size() ? 1 : 0; }, 1, 2);
      return;
    }
    const Op *op = facts.def[v];
    if (!op || bindings[v].kind == Binding::Offset)
      return;
    switch (op->code) {
    case Opcode::Load:
      vote([&](unsigned d) { return strideAlong(op->operands[0], d); }, int64_t(t.elementBytes()), 2);
      return;
    case Opcode::Constant:
    case Opcode::Splat:
    case Opcode::Arange:
    case Opcode::Gather:
      return;
    case Opcode::ExpandDims:
      dims.erase(dims.begin() + op->intAttr(AttrId::Axis));
      break;
    case Opcode::Transpose: {
      std::vector<int> s(dims.size());
      for (size_t i = 0; i < dims.size(); ++i)
        s[size_t(op->intsAttr(AttrId::Order)[i])] = dims[i];
      dims = s;
      break;
    }
    case Opcode::Reshape:
    case Opcode::Cat:
      return;
    case Opcode::Join:
      dims.pop_back();
      break;
    case Opcode::Split:
      dims.push_back(-1);
      break;
    default:
      break;
    }
    for (ValueId o : op->operands)
      visit(o, dims);
  };
  std::vector<int> identity(rank);
  std::iota(identity.begin(), identity.end(), 0);
  visit(value, identity);
  return score;
}

unsigned Emitter::laneDim(const Item &item) {
  unsigned rank = unsigned(item.shape.size());
  unsigned full = target.f32Lanes();
  std::vector<int64_t> score(rank, 0);
  // Loads and stores of the group along each dim; memory of our own counts for the last dim.
  auto visit = [&](ValueId v) {
    std::vector<int64_t> votes = contiguityVotes(v, rank);
    for (unsigned d = 0; d < rank; ++d)
      score[d] += votes[d];
  };
  for (const Root &r : item.roots) {
    if (r.kind == Root::Store) {
      for (unsigned d = 0; d < rank; ++d)
        if (strideAlong(r.op->operands[0], d) ==
            int64_t(m.typeOf(r.op->operands[0]).elem == Elem::I1 ? 1 : elemBits(m.typeOf(r.op->operands[0]).elem) / 8))
          score[d] += 3;
      visit(r.op->operands[1]);
    } else if (r.kind == Root::Reduce) {
      for (ValueId v : r.op->operands)
        visit(v);
    } else {
      score[rank - 1] += 3;
      visit(r.value);
    }
  }
  unsigned best = rank - 1;
  auto better = [&](unsigned d, unsigned than) {
    bool wide = item.shape[d] >= int64_t(full), thanWide = item.shape[than] >= int64_t(full);
    if (wide != thanWide)
      return item.shape[d] > item.shape[than];
    if (!wide && item.shape[d] != item.shape[than])
      return item.shape[d] > item.shape[than];
    return score[d] > score[than];
  };
  for (unsigned d = rank - 1; d-- > 0;)
    if (better(d, best))
      best = d;
  return best;
}

unsigned Emitter::unrollOf(const Item &item, int64_t chunks) {
  // Several chunks hide latency where accumulators or long chains would serialise; big bodies gain nothing.
  int weight = 0;
  bool reduces = false;
  std::vector<ValueId> seen;
  std::function<void(ValueId)> visit = [&](ValueId v) {
    const Op *op = facts.def[v];
    if (!op || bindings[v].kind != Binding::None || !m.typeOf(v).isTensor() || weight > 200)
      return;
    for (ValueId s : seen)
      if (s == v)
        return;
    seen.push_back(v);
    unsigned n = unsigned(op->code);
    weight += n >= unsigned(Opcode::Exp) && n <= unsigned(Opcode::Erfc) ? 16 : op->code == Opcode::Philox ? 60 : 1;
    for (ValueId o : op->operands)
      visit(o);
  };
  for (const Root &r : item.roots) {
    if (r.op)
      for (ValueId v : r.op->operands)
        visit(v);
    else
      visit(r.value);
    if (r.kind == Root::Reduce) {
      reduces = true;
      weight += 2 * int(r.op->regions[0].ops.size());
    }
  }
  unsigned u = weight <= 16 ? 4 : weight <= 60 ? 2 : 1;
  if (reduces && weight <= 60)
    u = 4;
  // A short row of a plain copy is unrolled whole: what depends on the column alone leaves the loop over the rows.
  if (weight <= 24 && !reduces && chunks <= 16 && item.shape.size() > 1)
    return unsigned(chunks);
  while (u > 1 && chunks % u != 0)
    u /= 2;
  return u;
}

// Does evaluating v take remainders of tiles, or masked loads that this processor does lane by lane? Then chunks without
// either are worth code of their own.
bool Emitter::plainIsFaster(ValueId value) const {
  std::vector<ValueId> seen;
  std::function<bool(ValueId)> visit = [&](ValueId v) {
    if (!m.typeOf(v).isTensor() || std::find(seen.begin(), seen.end(), v) != seen.end())
      return false;
    seen.push_back(v);
    if (bindings[v].kind == Binding::Offset)
      return visit(bindings[v].init);
    const Op *op = facts.def[v];
    if (!op || bindings[v].kind == Binding::Memory)
      return false;
    bool laneByLane =
        op->code == Opcode::Load && op->operands.size() > 1 && m.typeOf(v).elementBytes() < 4 && !target.masks;
    return laneByLane || op->code == Opcode::RemSI || op->code == Opcode::RemUI ||
           std::any_of(op->operands.begin(), op->operands.end(), visit);
  };
  return visit(value);
}

bool Emitter::plainIsFaster(const Item &item) const {
  auto one = [&](ValueId v) { return plainIsFaster(v); };
  for (const Root &r : item.roots)
    if (r.op ? std::any_of(r.op->operands.begin(), r.op->operands.end(), one) : one(r.value))
      return true;
  return false;
}

void Emitter::emitLoopItem(const Item &item) {
  if (emitTransposed(item))
    return;
  unsigned dim = laneDim(item);
  lanes = isRare ? 1 : target.f32Lanes();
  while (lanes > 1 && item.shape[dim] % lanes != 0)
    lanes /= 2;
  std::vector<unsigned> order;
  for (unsigned d = 0; d < item.shape.size(); ++d)
    if (d != dim)
      order.push_back(d);
  order.push_back(dim);
  Tuple t(item.shape.size(), constIndex(0));
  std::vector<Accumulator> accs;
  for (const Root &r : item.roots)
    if (r.kind == Root::Reduce) {
      Accumulator a;
      a.root = &r;
      a.inLane = unsigned(r.op->intAttr(AttrId::Axis)) == dim;
      a.identity = identityOf(*r.op, a.simple);
      if (unsigned rank = unsigned(order.size()); a.inLane && rank > 1 && lanes >= 4) {
        a.rowDim = order[rank - 2];
        for (size_t i = 0; item.shape[a.rowDim] % lanes == 0 && i < r.op->operands.size(); ++i) {
          tbc::Type t = m.typeOf(r.op->operands[i]);
          t.shape = {item.shape[a.rowDim], int64_t(lanes)};
          a.partial.push_back(facts.newBuffer(t));
        }
      }
      accs.push_back(std::move(a));
    }
  emitNest(item, order, 0, t, accs);
  lanes = 1;
  chunk = nullptr;
  for (const Root &r : item.roots) {
    if (r.kind == Root::Store) // an estimate: a loop around it counts once
      kernelFacts.bytesWritten +=
          uint64_t(m.typeOf(r.op->operands[1]).numElements()) * m.typeOf(r.op->operands[1]).elementBytes();
    if (r.kind == Root::Materialise && r.bind)
      bindResult(r.value, r.buffer);
    if (r.kind == Root::Reduce)
      for (size_t i = 0; i < r.results.size(); ++i)
        if (r.results[i] >= 0)
          bindResult(r.op->results[i], r.results[i]);
  }
  clearMemo(0);
}

void Emitter::emitNest(const Item &item, const std::vector<unsigned> &order, size_t level, Tuple &t,
                       std::vector<Accumulator> &accs) {
  if (level + 1 == order.size()) {
    emitInner(item, order[level], t, accs);
    return;
  }
  unsigned d = order[level];
  loop(item.shape[d], [&](V i) {
    t[d] = isa<ConstantInt>(i) ? constIndex(cast<ConstantInt>(i)->getSExtValue()) : Lane::uniform(i);
    emitNest(item, order, level + 1, t, accs);
  });
  for (Accumulator &a : accs)
    if (!a.partial.empty() && level + 2 == order.size())
      finishRows(a, t, order[level + 1], item.shape[d]);
}

void Emitter::emitInner(const Item &item, unsigned dim, Tuple &t, std::vector<Accumulator> &accs) {
  int64_t n = item.shape[dim];
  int64_t chunks = n / lanes;
  unsigned unroll = isRare ? 1 : unrollOf(item, chunks);
  t[dim] = lanes == 1 && n == 1 ? constIndex(0) : xLane();
  // Registers of the accumulators, flattened: [accumulator][copy][component].
  auto flatten = [&](unsigned copies) {
    std::vector<V> init;
    for (Accumulator &a : accs)
      if (a.inLane)
        for (unsigned c = 0; c < copies; ++c)
          for (V v : a.value[c])
            init.push_back(v);
    return init;
  };
  auto unflatten = [&](ArrayRef<V> vs, unsigned copies) {
    size_t k = 0;
    for (Accumulator &a : accs)
      if (a.inLane)
        for (unsigned c = 0; c < copies; ++c)
          for (V &v : a.value[c])
            v = vs[k++];
  };
  for (Accumulator &a : accs)
    if (a.inLane) {
      std::vector<V> init;
      for (size_t i = 0; i < a.root->op->operands.size(); ++i)
        init.push_back(splatTo(
            a.simple ? a.identity[i] : Constant::getNullValue(ew.type(ElemType::of(m.typeOf(a.root->op->operands[i])))),
            lanes));
      a.value.assign(unroll, init);
    }
  auto constantChunk = [&](unsigned c) { // no loop: the chunk's position is a constant
    chunk = b.getInt64(uint64_t(c) * lanes);
    chunkAlign = c ? uint64_t(c * lanes) & -uint64_t(c * lanes) : uint64_t(1) << 32;
    levels.back().memo.clear();
    emitChunk(item, t, accs, c, true);
  };
  if (chunks <= int64_t(unroll) && lanes > 1 && !isRare && plainIsFaster(item)) {
    // Two versions: one for rows where no index wraps (and no mask cuts), one for all others.
    unsigned outside = unsigned(levels.size()) - 1;
    assume.depth = outside;
    assume.bounds.clear();
    assume.extent = n;
    std::vector<V> init = flatten(unroll), results[2];
    BasicBlock *first[2], *last[2], *end = BasicBlock::Create(b.getContext(), "row", fn);
    for (int version = 0; version < 2; ++version) {
      unflatten(init, unroll);
      first[version] = BasicBlock::Create(b.getContext(), version ? "row.any" : "row.plain", fn);
      pushLevel(first[version]);
      assume.active = version == 0;
      for (unsigned c = 0; c < unroll; ++c) {
        // Tied to this block: nothing that holds only here may move out of it.
        chunk = at(outside + 1, [&] { return b.CreateFreeze(b.getInt64(uint64_t(c) * lanes)); });
        chunkAlign = c ? uint64_t(c * lanes) & -uint64_t(c * lanes) : uint64_t(1) << 32;
        levels.back().memo.clear();
        emitChunk(item, t, accs, c, true);
      }
      storeStreamed();
      assume.active = false;
      results[version] = flatten(unroll);
      clearMemo(0);
      last[version] = levels.back().bb;
      levels.pop_back();
      b.SetInsertPoint(last[version]);
      b.CreateBr(end);
    }
    V whole = b.getTrue();
    for (V bound : assume.bounds)
      whole = on({whole, bound}, [&] { return b.CreateAnd(whole, b.CreateICmpSGE(bound, b.getInt64(uint64_t(n)))); });
    b.SetInsertPoint(levels.back().bb);
    b.CreateCondBr(whole, first[0], first[1]);
    levels.back().bb = end;
    b.SetInsertPoint(end);
    std::vector<V> joined;
    for (size_t i = 0; i < init.size(); ++i) {
      PHINode *p = b.CreatePHI(init[i]->getType(), 2);
      p->addIncoming(results[0][i], last[0]);
      p->addIncoming(results[1][i], last[1]);
      joined.push_back(note(p, outside));
    }
    unflatten(joined, unroll);
  } else if (chunks <= int64_t(unroll)) {
    for (unsigned c = 0; c < unroll; ++c)
      constantChunk(c);
    storeStreamed();
  } else {
    auto body = [&](unsigned copies) {
      return [&, copies](V iv, ArrayRef<V> carried) {
        unflatten(carried, copies);
        for (unsigned c = 0; c < copies; ++c) {
          chunkAlign = c ? uint64_t(c * lanes) & -uint64_t(c * lanes) : uint64_t(copies) * lanes;
          levels.back().memo.clear();
          chunk = c ? on({iv}, [&] { return b.CreateAdd(iv, b.getInt64(uint64_t(c) * lanes)); }) : iv;
          emitChunk(item, t, accs, c, false);
        }
        storeStreamed();
        return flatten(copies);
      };
    };
    // A combiner without a neutral element starts from its first elements: they go before the loop.
    bool peel = false;
    for (Accumulator &a : accs)
      peel |= a.inLane && !a.simple;
    int64_t step = int64_t(unroll) * lanes, start = peel ? step : 0;
    for (unsigned c = 0; peel && c < unroll; ++c)
      constantChunk(c);
    storeStreamed();
    levels.back().memo.clear();
    assume.active = !isRare;
    assume.depth = unsigned(levels.size()) - 1;
    assume.bounds.clear();
    assume.extent = n;
    // Whether masks can be assumed away shows only in the body; `to` stays open until then.
    V to = isRare ? b.getInt64(uint64_t(n)) : nullptr;
    std::vector<V> r = carriedLoop(b.getInt64(uint64_t(start)), to, step, flatten(unroll), false, body(unroll));
    unflatten(r, unroll);
    assume.active = false;
    V reached = assume.bounds.empty() ? nullptr : assume.bounds[0];
    auto *all = dyn_cast_or_null<ConstantInt>(reached);
    if (reached && !(all && all->getSExtValue() == n)) {
      clearMemo(0);
      if (peel)
        reached = on({reached},
                     [&] { return b.CreateBinaryIntrinsic(Intrinsic::smax, reached, b.getInt64(uint64_t(start))); });
      std::vector<V> rest;
      for (Accumulator &a : accs)
        if (a.inLane)
          for (V v : a.value[0])
            rest.push_back(v);
      std::vector<V> q =
          carriedLoop(reached, b.getInt64(uint64_t(n)), lanes, rest, true, [&](V iv, ArrayRef<V> carried) {
            unflatten(carried, 1);
            chunk = iv;
            chunkAlign = lanes;
            levels.back().memo.clear();
            emitChunk(item, t, accs, 0, false);
            storeStreamed();
            return flatten(1);
          });
      unflatten(q, 1);
    }
  }
  chunk = nullptr;
  for (Accumulator &a : accs)
    if (a.inLane)
      finishInLane(a, t, dim);
}

void Emitter::emitChunk(const Item &item, const Tuple &t, std::vector<Accumulator> &accs, unsigned copy, bool first) {
  // Everything is read before anything is written.
  struct Pending {
    const Root *root;
    Lane p, v, mask;
    bool masked;
  };
  std::vector<Pending> pending;
  size_t acc = 0;
  for (const Root &r : item.roots) {
    if (r.kind == Root::Store) {
      Pending w{&r, {}, {}, {}, r.op->operands.size() > 2};
      w.p = eval(r.op->operands[0], t, true);
      if (w.masked)
        w.mask = eval(r.op->operands[2], t);
      w.v = eval(r.op->operands[1], t);
      pending.push_back(w);
    } else if (r.kind == Root::Materialise) {
      pending.push_back({&r, {}, eval(r.value, t), {}, false});
    } else {
      Accumulator &a = accs[acc++];
      std::vector<V> next;
      for (ValueId v : r.op->operands)
        next.push_back(vec(eval(v, t)));
      if (a.inLane) {
        std::vector<V> old = a.value[copy];
        a.value[copy] = first && !a.simple ? next : combine(*r.op, a.simple, old, next);
        continue;
      }
      // The accumulator is in memory, one element for each position of the other dims.
      Tuple s = t;
      unsigned axis = unsigned(r.op->intAttr(AttrId::Axis));
      V k = s[axis].v;
      s.erase(s.begin() + axis);
      bool onlyOne = item.shape[axis] == 1;
      std::vector<V> old, c = next;
      V isFirst = onlyOne ? nullptr : on({k}, [&] { return b.CreateICmpEQ(k, b.getInt64(0)); });
      if (!onlyOne) {
        for (size_t i = 0; i < next.size(); ++i) {
          V o = vec(loadBuffer(r.results[i], s, true));
          if (a.simple) {
            V id = splatTo(a.identity[i], lanes);
            o = on({isFirst, o, id}, [&] { return b.CreateSelect(isFirst, id, o); });
          }
          old.push_back(o);
        }
        c = combine(*r.op, a.simple, old, next);
        if (!a.simple)
          for (size_t i = 0; i < c.size(); ++i)
            c[i] = on({isFirst, next[i], c[i]}, [&] { return b.CreateSelect(isFirst, next[i], c[i]); });
      }
      for (size_t i = 0; i < c.size(); ++i)
        storeBuffer(r.results[i], s, lanes == 1 ? Lane::vector(c[i]) : Lane::vector(c[i]));
    }
  }
  for (Pending &w : pending) {
    if (w.root->kind == Root::Materialise) {
      const Buffer &f = facts.buffers[size_t(w.root->buffer)];
      storeBuffer(w.root->buffer, t,
                  convertLane(w.v, ElemType::of(m.typeOf(w.root->value)), ElemType{f.elem, f.pointer}));
      continue;
    }
    const tbc::Type &vt = m.typeOf(w.root->op->operands[1]);
    V v = w.v.kind == Lane::Uniform ? w.v.v : vec(w.v);
    const Lane *mask = w.masked ? &w.mask : nullptr;
    if (storeLater(w.p, v, ElemType::of(vt), mask))
      continue;
    storeStreamed(); // stores keep their order
    storeLane(w.p, v, ElemType::of(vt), mask);
  }
  if (streamed.size() >= kStoredTogether)
    storeStreamed();
}

// Packing into another element type: widening floats, sign-extending integers.
Lane Emitter::convertLane(const Lane &l, ElemType from, ElemType to) {
  if (from.elem == to.elem || from.pointer)
    return l;
  V v = l.kind == Lane::Affine ? vec(l) : l.v;
  V r = on({v}, [&] {
    if (to.isFloat())
      return ew.convertFloat(v, from.elem, to.elem);
    return b.CreateSExtOrTrunc(v, codegen::Elementwise::like(ew.type(to), v));
  });
  return l.kind == Lane::Uniform ? Lane::uniform(r) : Lane::vector(r);
}

// A tile whose loads run along the second-last dim while its memory runs along the last: square blocks are loaded along the
// one, transposed in registers, and stored along the other.
bool Emitter::emitTransposed(const Item &item) {
  size_t rank = item.shape.size();
  unsigned L = target.f32Lanes();
  if (isRare || item.roots.size() != 1 || item.roots[0].kind != Root::Materialise || rank < 2 ||
      item.shape[rank - 1] % L || item.shape[rank - 2] % L)
    return false;
  const Root &root = item.roots[0];
  std::vector<int64_t> votes = contiguityVotes(root.value, unsigned(rank));
  if (votes[rank - 2] <= votes[rank - 1])
    return false;
  const Buffer &f = facts.buffers[size_t(root.buffer)];
  ElemType from = ElemType::of(m.typeOf(root.value)), to{f.elem, f.pointer};
  lanes = L;
  Tuple t(rank, constIndex(0));
  auto block = [&](V n, V k) {
    chunk = k;
    chunkAlign = L;
    levels.back().memo.clear();
    std::vector<V> rows;
    for (unsigned j = 0; j < L; ++j) {
      t[rank - 2] = xLane();
      t[rank - 1] = Lane::uniform(on({n}, [&] { return b.CreateAdd(n, b.getInt64(j)); }));
      rows.push_back(vec(convertLane(eval(root.value, t), from, to)));
    }
    // log2(L) rounds of exchanging halves of blocks.
    inner([&] {
      for (unsigned h = L / 2; h >= 1; h /= 2) {
        SmallVector<int, 16> low, high;
        for (unsigned i = 0; i < L; ++i) {
          bool second = (i / h) % 2;
          low.push_back(int(second ? i - h + L : i));
          high.push_back(int(second ? i + L : i + h));
        }
        for (unsigned i = 0; i < L; ++i)
          if ((i / h) % 2 == 0) {
            V x = rows[i], y = rows[i + h];
            rows[i] = b.CreateShuffleVector(x, y, low);
            rows[i + h] = b.CreateShuffleVector(x, y, high);
          }
      }
    });
    for (V v : rows)
      note(v, unsigned(levels.size()) - 1);
    for (unsigned i = 0; i < L; ++i) {
      t[rank - 2] = Lane::uniform(on({k}, [&] { return b.CreateAdd(k, b.getInt64(i)); }));
      t[rank - 1] = Lane::affine(n, b.getInt64(1), false, L);
      storeBuffer(root.buffer, t, Lane::vector(rows[i]));
    }
  };
  std::function<void(size_t)> nest = [&](size_t d) {
    if (d + 2 < rank) {
      loop(item.shape[d], [&](V i) {
        t[d] = Lane::uniform(i);
        nest(d + 1);
      });
      return;
    }
    loop(b.getInt64(0), b.getInt64(uint64_t(item.shape[rank - 1])), L,
         [&](V n) { loop(b.getInt64(0), b.getInt64(uint64_t(item.shape[rank - 2])), L, [&](V k) { block(n, k); }); });
  };
  nest(0);
  lanes = 1;
  chunk = nullptr;
  if (root.bind)
    bindResult(root.value, root.buffer);
  clearMemo(0);
  return true;
}

} // namespace tessera::cpu
