// EmitterWhole.cpp - scan, sort, histogram, map_elementwise: loops over whole tiles
//
// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/codegen/Emitter.h"

#include "llvm/IR/Constants.h"

using namespace llvm;
using namespace tessera::tbc;
using tessera::codegen::ElemType;

namespace tessera::cpu {

// Along the axis one after another, the accumulator in registers; vectors run across the last dim where that is another one.
void Emitter::emitScan(const Item &item) {
  const Op &op = *item.single;
  const tbc::Type &t = m.typeOf(op.operands[0]);
  size_t rank = t.shape.size(), axis = size_t(op.intAttr(AttrId::Axis));
  bool reverse = op.intAttr(AttrId::Reverse) != 0, straight = isStraightLine(op.regions[0]);
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
  auto put = [&](ArrayRef<V> v) {
    for (size_t i = 0; i < v.size(); ++i)
      storeBuffer(item.results[i], s, Lane::vector(v[i]));
  };
  auto line = [&] {
    std::vector<V> first = values(b.getInt64(0));
    put(first);
    carriedLoop(b.getInt64(1), b.getInt64(uint64_t(n)), 1, first, n < 2, [&](V i, ArrayRef<V> acc) {
      std::vector<V> next = values(i);
      std::vector<V> c = combine(op, false, acc, next);
      put(c);
      return c;
    });
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
    bindResult(op.results[i], item.results[i]);
}

// Every line along the axis is sorted in place in the result's buffer by a bitonic network (extents are powers of two);
// other extents fall back to insertion.
void Emitter::emitSort(const Item &item) {
  const Op &op = *item.single;
  const tbc::Type &t = m.typeOf(op.operands[0]);
  size_t rank = t.shape.size(), axis = size_t(op.intAttr(AttrId::Axis));
  bool descending = op.intAttr(AttrId::Descending) != 0;
  int64_t n = t.shape[axis];
  ElemType e = ElemType::of(t);
  copyInto(op.operands[0], item.results[0]);
  clearMemo(0);
  // before(x, y): x must come before y. NaN comes last in either direction.
  auto before = [&](V x, V y) -> V {
    if (!e.isFloat())
      return descending ? b.CreateICmpSGT(x, y) : b.CreateICmpSLT(x, y);
    V p = ew.widen(x, e.elem), q = ew.widen(y, e.elem);
    V less = descending ? b.CreateFCmpOGT(p, q) : b.CreateFCmpOLT(p, q);
    return b.CreateOr(less, b.CreateAnd(b.CreateFCmpUNO(q, q), b.CreateFCmpORD(p, p)));
  };
  bool power = (n & (n - 1)) == 0;
  std::vector<int64_t> outer = t.shape;
  outer[axis] = 1;
  int64_t stride = 1;
  for (size_t d = axis + 1; d < rank; ++d)
    stride *= t.shape[d];
  unsigned bytes = t.elementBytes();
  elementLoop(outer, [&](const Tuple &s) {
    Lane basePtr = bufferPointer(item.results[0], s);
    V base = basePtr.v;
    auto address = [&](V i) {
      return b.CreateGEP(b.getInt8Ty(), base, b.CreateMul(i, b.getInt64(uint64_t(stride * bytes))));
    };
    auto swapIf = [&](V lo, V hi, V ascending) {
      V pa = address(lo), pb = address(hi);
      V x = fromMemory(b.CreateAlignedLoad(memoryType(e), pa, Align(bytes)), e),
        y = fromMemory(b.CreateAlignedLoad(memoryType(e), pb, Align(bytes)), e);
      V wrong = b.CreateSelect(ascending, before(y, x), before(x, y));
      b.CreateAlignedStore(toMemory(b.CreateSelect(wrong, y, x), e), pa, Align(bytes));
      b.CreateAlignedStore(toMemory(b.CreateSelect(wrong, x, y), e), pb, Align(bytes));
    };
    if (n < 2)
      return;
    if (power) {
      int64_t logN = 0;
      while ((int64_t(1) << logN) < n)
        ++logN;
      loop(b.getInt64(1), b.getInt64(uint64_t(logN + 1)), 1, [&](V p) {
        V logs = p;
        carriedLoop(b.getInt64(0), logs, 1, {}, false, [&](V q, ArrayRef<V>) {
          // Distance 2^(p-1-q); pairs are counted by i in [0, n/2).
          loop(b.getInt64(0), b.getInt64(uint64_t(n / 2)), 1, [&](V i) {
            inner([&] {
              V sh = b.CreateSub(b.CreateSub(logs, b.getInt64(1)), q);
              V j = b.CreateShl(b.getInt64(1), sh);
              V low = b.CreateAnd(i, b.CreateSub(j, b.getInt64(1)));
              V lo = b.CreateOr(b.CreateShl(b.CreateSub(i, low), b.getInt64(1)), low);
              V hi = b.CreateOr(lo, j);
              V up = b.CreateICmpEQ(b.CreateAnd(b.CreateLShr(lo, logs), b.getInt64(1)), b.getInt64(0));
              swapIf(lo, hi, up);
            });
          });
          return std::vector<V>();
        });
      });
      return;
    }
    // Odd-even transposition.
    loop(n, [&](V round) {
      loop(b.getInt64(0), b.getInt64(uint64_t(n / 2)), 1, [&](V i) {
        V lo = on({i, round},
                  [&] { return b.CreateAdd(b.CreateShl(i, b.getInt64(1)), b.CreateAnd(round, b.getInt64(1))); });
        V inside = on({lo}, [&] { return b.CreateICmpULT(lo, b.getInt64(uint64_t(n - 1))); });
        guarded(inside, [&] { inner([&] { swapIf(lo, b.CreateAdd(lo, b.getInt64(1)), b.getTrue()); }); });
      });
    });
  });
  bindResult(op.results[0], item.results[0]);
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
