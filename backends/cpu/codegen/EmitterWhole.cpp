// EmitterWhole.cpp - scan, histogram, map_elementwise: loops over whole tiles
//
// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/codegen/Emitter.h"

#include "llvm/IR/Constants.h"

using namespace llvm;
using namespace tessera::tbc;

namespace tessera::cpu {

// Along the last dim: a vector at a time, scanned inside itself in log2(lanes) steps, then joined with what came before
// it.
bool Emitter::emitScanInLanes(const Item &item) {
  const Op &op = *item.single;
  const tbc::Type &t = m.typeOf(op.operands[0]);
  size_t rank = t.shape.size(), axis = size_t(op.intAttr(AttrId::Axis));
  bool reverse = op.intAttr(AttrId::Reverse) != 0;
  int64_t n = t.shape[axis];
  for (size_t d = axis + 1; d < rank; ++d)
    if (t.shape[d] != 1)
      return false;
  lanes = target.f32Lanes();
  while (lanes > 1 && n % lanes != 0)
    lanes /= 2;
  if (lanes < 4 || !isStraightLine(op.regions[0]) || op.results.size() > op.operands.size()) {
    lanes = 1;
    return false;
  }
  Tuple s(rank, constIndex(0));
  s[axis] = xLane();
  // Lane i of x joined with lane i - distance (reverse: + distance).
  auto shift = [&](ArrayRef<V> x, unsigned distance) {
    SmallVector<int, 16> from;
    SmallVector<Constant *, 16> joined;
    for (unsigned i = 0; i < lanes; ++i) {
      bool has = reverse ? i + distance < lanes : i >= distance;
      from.push_back(int(!has ? i : reverse ? i + distance : i - distance));
      joined.push_back(b.getInt1(has));
    }
    std::vector<V> other;
    for (V v : x)
      other.push_back(on({v}, [&] { return b.CreateShuffleVector(v, from); }));
    std::vector<V> c = combine(op, false, other, x);
    for (size_t i = 0; i < c.size(); ++i)
      c[i] = on({c[i], x[i]}, [&] { return b.CreateSelect(ConstantVector::get(joined), c[i], x[i]); });
    return c;
  };
  auto line = [&] {
    auto chunkAt = [&](V i, ArrayRef<V> before) {
      chunk = reverse ? on({i}, [&] { return b.CreateSub(b.getInt64(uint64_t(n - lanes)), i); }) : i;
      chunkAlign = lanes;
      levels.back().memo.clear();
      std::vector<V> v;
      for (ValueId o : op.operands)
        v.push_back(vec(eval(o, s)));
      for (unsigned d = 1; d < lanes; d *= 2)
        v = shift(v, d);
      // The next chunk continues from here: joined apart from the result, so that chunks overlap.
      std::vector<V> total, out = v, next;
      for (V x : v)
        total.push_back(on(
            {x}, [&] { return b.CreateShuffleVector(x, SmallVector<int, 16>(lanes, reverse ? 0 : int(lanes) - 1)); }));
      next = total;
      if (!before.empty()) {
        out = combine(op, false, before, v);
        next = combine(op, false, before, total);
      }
      for (size_t k = 0; k < out.size(); ++k)
        storeBuffer(item.results[k], s, Lane::vector(out[k]));
      return next;
    };
    std::vector<V> first = chunkAt(b.getInt64(0), {});
    levels.back().memo.clear();
    if (n > int64_t(lanes))
      carriedLoop(b.getInt64(lanes), b.getInt64(uint64_t(n)), lanes, first, false, chunkAt);
  };
  std::function<void(size_t)> nest = [&](size_t d) {
    if (d >= axis) {
      line();
      return;
    }
    loop(t.shape[d], [&](V i) {
      s[d] = Lane::uniform(i);
      nest(d + 1);
    });
  };
  nest(0);
  lanes = 1;
  chunk = nullptr;
  for (size_t i = 0; i < op.results.size(); ++i)
    bindResult(op.results[i], item.results[i]);
  return true;
}

void Emitter::emitScan(const Item &item) {
  if (!emitScanInLanes(item))
    emitInOrder(item);
}

// A scan along another dim: one after another, the accumulator in registers, vectors across the last dim. Scans and
// reductions whose combiner is more than straight arithmetic: one element at a time, and the combiner runs for elements
// that count only, so that its asserts fail, its loops end and its addresses are valid where they should.
void Emitter::emitInOrder(const Item &item) {
  const Op &op = *item.single;
  const tbc::Type &t = m.typeOf(op.operands[0]);
  size_t rank = t.shape.size(), axis = size_t(op.intAttr(AttrId::Axis));
  bool reduces = op.code == Opcode::Reduce, reverse = !reduces && op.intAttr(AttrId::Reverse) != 0,
       straight = isStraightLine(op.regions[0]);
  int64_t n = t.shape[axis];
  size_t laneAxis = rank;
  if (straight)
    for (size_t d = rank; d-- > 0;)
      if (d != axis && t.shape[d] > 1) {
        laneAxis = d;
        break;
      }
  lanes = 1;
  if (laneAxis < rank) {
    lanes = target.f32Lanes();
    while (lanes > 1 && t.shape[laneAxis] % lanes != 0)
      lanes /= 2;
  }
  Tuple s(rank, constIndex(0));
  chunk = b.getInt64(0);
  chunkAlign = uint64_t(1) << 32;
  auto values = [&](V i) {
    V k = reverse ? on({i}, [&] { return b.CreateSub(b.getInt64(uint64_t(n - 1)), i); }) : i;
    s[axis] = Lane::uniform(k);
    std::vector<V> v;
    for (ValueId o : op.operands)
      v.push_back(vec(eval(o, s)));
    return v;
  };
  auto put = [&](ArrayRef<V> v, size_t first, bool isTotal) {
    Tuple place = s;
    if (isTotal)
      place.erase(place.begin() + static_cast<ptrdiff_t>(axis));
    for (size_t i = 0; i < v.size(); ++i) {
      if (item.results[first + i] >= 0) {
        storeBuffer(item.results[first + i], place, Lane::vector(v[i]));
      } else {
        bindings[op.results[first + i]].kind = Binding::Scalar;
        bindings[op.results[first + i]].scalar = v[i];
      }
    }
  };
  auto line = [&] {
    std::vector<V> first = values(b.getInt64(0));
    if (!reduces)
      put(first, 0, false);
    std::vector<V> last =
        carriedLoop(b.getInt64(1), b.getInt64(uint64_t(n)), 1, first, n < 2, [&](V i, ArrayRef<V> acc) {
          std::vector<V> next = values(i);
          std::vector<V> c = combine(op, false, acc, next);
          if (!reduces)
            put(c, 0, false);
          return c;
        });
    if (reduces || op.results.size() > op.operands.size())
      put(last, reduces ? 0 : op.operands.size(), true);
  };
  std::function<void(size_t)> nest = [&](size_t d) {
    if (d == rank) {
      if (laneAxis == rank) {
        line();
        return;
      }
      auto one = [&](V i) {
        chunk = i;
        chunkAlign = lanes;
        levels.back().memo.clear();
        s[laneAxis] = lanes == 1 ? Lane::uniform(i) : xLane();
        line();
      };
      if (t.shape[laneAxis] == int64_t(lanes))
        one(b.getInt64(0));
      else
        loop(b.getInt64(0), b.getInt64(uint64_t(t.shape[laneAxis])), lanes, one);
      return;
    }
    if (d == axis || d == laneAxis) {
      nest(d + 1);
      return;
    }
    loop(t.shape[d], [&](V i) {
      s[d] = Lane::uniform(i);
      nest(d + 1);
    });
  };
  // The lane loop is innermost but for the axis: X affine values would be taken as of the axis loop otherwise.
  nest(0);
  lanes = 1;
  chunk = nullptr;
  for (size_t i = 0; i < op.results.size(); ++i)
    if (item.results[i] >= 0)
      bindResult(op.results[i], item.results[i]);
}

void Emitter::emitHistogram(const Item &item) {
  const Op &op = *item.single;
  const tbc::Type &t = m.typeOf(op.operands[0]), &rt = m.typeOf(op.results[0]);
  V counts = bufferAddress(item.results[0]);
  loop(rt.shape[0], [&](V i) {
    inner([&] { b.CreateAlignedStore(b.getInt32(0), b.CreateGEP(b.getInt32Ty(), counts, i), Align(4)); });
  });
  elementLoop(t.shape, [&](const Tuple &s) {
    V v = element(op.operands[0], s);
    V i = on({v}, [&] { return b.CreateSExtOrTrunc(v, b.getInt64Ty()); });
    V in = on({i}, [&] { return b.CreateICmpULT(i, b.getInt64(uint64_t(rt.shape[0]))); });
    if (op.operands.size() > 1) {
      V mask = element(op.operands[1], s);
      in = on({in, mask}, [&] { return b.CreateAnd(in, mask); });
    }
    inner([&] {
      // Out of range: adds nothing to the first bin.
      V p = b.CreateGEP(b.getInt32Ty(), counts, b.CreateSelect(in, i, b.getInt64(0)));
      b.CreateAlignedStore(
          b.CreateAdd(b.CreateAlignedLoad(b.getInt32Ty(), p, Align(4)), b.CreateZExt(in, b.getInt32Ty())), p, Align(4));
    });
  });
  bindResult(op.results[0], item.results[0]);
}

// One call of the region takes `pack` neighbours of each operand (neighbours in row-major order).
void Emitter::emitMap(const Item &item) {
  const Op &op = *item.single;
  int64_t pack = std::max<int64_t>(1, op.intAttr(AttrId::Pack, 1));
  const tbc::Type &t = m.typeOf(op.operands[0]);
  int64_t total = t.numElements();
  lanes = 1;
  chunk = b.getInt64(0);
  chunkAlign = uint64_t(1) << 32;
  loop(b.getInt64(0), b.getInt64(uint64_t(total)), pack, [&](V i) {
    std::vector<V> args;
    std::vector<Tuple> at;
    for (int64_t k = 0; k < pack; ++k)
      at.push_back(delinear(Lane::uniform(on({i}, [&] { return b.CreateAdd(i, b.getInt64(uint64_t(k))); })), t.shape));
    for (ValueId o : op.operands)
      for (int64_t k = 0; k < pack; ++k)
        args.push_back(element(o, at[size_t(k)]));
    std::vector<V> r = scalarRegion(op.regions[0], args);
    for (size_t k = 0; k < op.results.size(); ++k)
      for (int64_t p = 0; p < pack; ++p)
        storeBuffer(item.results[k], at[size_t(p)], Lane::uniform(r[k * size_t(pack) + size_t(p)]));
  });
  chunk = nullptr;
  for (size_t i = 0; i < op.results.size(); ++i)
    bindResult(op.results[i], item.results[i]);
}

} // namespace tessera::cpu
