// EmitterSort.cpp - sort: a bitonic network on vectors along the last dim, one element at a time along others
//
// SPDX-License-Identifier: Apache-2.0
//
// Elements become signed integers of the same order (a float's bits, magnitude flipped below zero; NaN at the far end),
// so that a compare-exchange is one minimum and one maximum. Every merge first compares mirror images (i with size - 1
// - i), then halves distances: all exchanges point the same way, and a vector never needs to know where it lies.
// Distances below the vector's width are shuffles inside it. Where only the first k of each line are read, the rest is
// never sorted.
#include "backends/cpu/codegen/Emitter.h"

#include "llvm/IR/Constants.h"
#include "llvm/Support/MathExtras.h"

using namespace llvm;
using namespace tessera::tbc;
using tessera::codegen::ElemType;

namespace tessera::cpu {

namespace {

// The network on vectors of keys.
struct Network {
  IRBuilder<> &b;
  unsigned L;
  bool descending;
  using V = llvm::Value *;
  using Keys = std::vector<V>;

  V first(V x, V y) { return b.CreateBinaryIntrinsic(descending ? Intrinsic::smax : Intrinsic::smin, x, y); }
  V second(V x, V y) { return b.CreateBinaryIntrinsic(descending ? Intrinsic::smin : Intrinsic::smax, x, y); }
  V reverse(V x) { return L == 1 ? x : b.CreateVectorReverse(x); }
  // Lane i meets lane i ^ partner; the lane without the top bit of `partner` gets what comes first.
  V exchange(V x, unsigned partner) {
    SmallVector<int, 64> meet, blend;
    unsigned top = 1u << Log2_32(partner);
    for (unsigned i = 0; i < L; ++i) {
      meet.push_back(int(i ^ partner));
      blend.push_back(int(i & top ? i + L : i));
    }
    V y = b.CreateShuffleVector(x, meet);
    return b.CreateShuffleVector(first(x, y), second(x, y), blend);
  }
  void sortLanes(Keys &v) {
    for (unsigned size = 2; size <= L; size *= 2) {
      for (V &x : v)
        x = exchange(x, size - 1);
      for (unsigned d = size / 4; d >= 1; d /= 2)
        for (V &x : v)
          x = exchange(x, d);
    }
  }
  // Bitonic runs of `run` vectors become sorted ones.
  void clean(Keys &v, size_t run) {
    for (size_t d = run / 2; d >= 1; d /= 2)
      for (size_t i = 0; i < v.size(); ++i)
        if (!(i & d)) {
          V x = v[i], y = v[i + d];
          v[i] = first(x, y);
          v[i + d] = second(x, y);
        }
    for (unsigned d = L / 2; d >= 1; d /= 2)
      for (V &x : v)
        x = exchange(x, d);
  }
  // Unsorted vectors become sorted runs of `run` vectors.
  void sortRuns(Keys &v, size_t run) {
    sortLanes(v);
    for (size_t size = 2; size <= run; size *= 2) {
      for (size_t at = 0; at < v.size(); at += size)
        for (size_t i = 0; i < size / 2; ++i) {
          V &x = v[at + i], &y = v[at + size - 1 - i];
          V mirrored = reverse(y), lo = first(x, mirrored), hi = second(x, mirrored);
          x = lo;
          y = reverse(hi);
        }
      // What is left is to sort bitonic halves.
      clean(v, size / 2);
    }
  }
};

} // namespace

// How many elements from the front of each line along `axis` anybody reads of v, itself or through elementwise ops; 0: all.
int64_t Emitter::prefixRead(ValueId v, int64_t axis, int depth) {
  int64_t most = 0;
  bool all = depth > 8;
  auto use = [&](const Op &op, size_t operand) {
    if (codegen::Elementwise::handles(op.code)) {
      int64_t r = prefixRead(op.results[0], axis, depth + 1);
      all |= r == 0;
      most = std::max(most, r);
      return;
    }
    bool gathered = op.code == Opcode::Gather && operand == 0 && op.intAttr(AttrId::Axis) == axis;
    const Op *index = gathered ? facts.def[op.operands[1]] : nullptr;
    while (index &&
           (index->code == Opcode::ExpandDims || index->code == Opcode::Broadcast || index->code == Opcode::Reshape))
      index = facts.def[index->operands[0]];
    if (!index || index->code != Opcode::Arange || index->intAttr(AttrId::Start) < 0)
      all = true;
    else
      most = std::max(most, index->intAttr(AttrId::Start) + m.typeOf(index->results[0]).shape[0]);
  };
  std::function<void(const Region &)> visit = [&](const Region &r) {
    for (const Op &op : r.ops) {
      for (size_t i = 0; i < op.operands.size() && !all; ++i)
        if (op.operands[i] == v)
          use(op, i);
      for (const Region &sub : op.regions)
        visit(sub);
    }
  };
  visit(function.body);
  return all ? 0 : most;
}

bool Emitter::emitSortVectors(const Item &item) {
  const Op &op = *item.single;
  const tbc::Type &t = m.typeOf(op.operands[0]);
  size_t axis = size_t(op.intAttr(AttrId::Axis));
  int64_t n = t.shape[axis];
  ElemType e = ElemType::of(t);
  for (size_t d = axis + 1; d < t.shape.size(); ++d)
    if (t.shape[d] != 1)
      return false;
  if (!isPowerOf2_64(uint64_t(n)) || n < 4 || e.pointer || e.elem == Elem::I1 || isFp8(e.elem))
    return false;
  unsigned bits = elemBits(e.elem), bytes = bits / 8;
  unsigned L = unsigned(std::min<int64_t>(target.vectorBits / bits, n));
  Network net{b, L, op.intAttr(AttrId::Descending) != 0};
  llvm::Type *it = vecType(b.getIntNTy(bits), L), *st = vecType(memoryType(e), L);
  // Its own inverse but for NaN, which comes back as a NaN of another spelling.
  auto reorder = [&](V x) {
    return b.CreateXor(x, b.CreateLShr(b.CreateAShr(x, ConstantInt::get(it, bits - 1)), ConstantInt::get(it, 1)));
  };
  auto load = [&](V p) { return b.CreateAlignedLoad(it, p, Align(bytes)); };
  auto loadKey = [&](V p) -> V {
    if (!e.isFloat())
      return load(p);
    V x = b.CreateAlignedLoad(st, p, Align(bytes)), k = b.CreateBitCast(x, it);
    APInt magnitude = APInt::getSignedMaxValue(bits);
    unsigned fraction = e.elem == Elem::F16 ? 10 : e.elem == Elem::BF16 ? 7 : e.elem == Elem::F32 ? 23 : 52;
    APInt infinity = magnitude & ~APInt::getLowBitsSet(bits, fraction);
    V nan = b.CreateICmpUGT(b.CreateAnd(k, ConstantInt::get(it, magnitude)), ConstantInt::get(it, infinity));
    return b.CreateSelect(nan, ConstantInt::get(it, net.descending ? APInt::getSignedMinValue(bits) : magnitude),
                          reorder(k));
  };
  auto store = [&](V x, V p) { b.CreateAlignedStore(x, p, Align(bytes)); };
  auto storeLast = [&](V x, V p) { store(e.isFloat() ? reorder(x) : x, p); };
  int64_t prefix = prefixRead(op.results[0], int64_t(axis)), vectors = n / L;
  int64_t block = std::min<int64_t>(vectors, 4); // vectors sorted in registers at once
  int64_t run = prefix ? int64_t(PowerOf2Ceil(uint64_t(std::max<int64_t>(1, (prefix + L - 1) / L)))) : vectors;
  std::vector<int64_t> outer = t.shape;
  outer[axis] = 1;
  elementLoop(outer, [&](const Tuple &s) {
    V base = bufferPointer(item.results[0], s).v;
    auto place = [&](V vector) {
      return b.CreateGEP(b.getInt8Ty(), base, b.CreateMul(vector, b.getInt64(uint64_t(L) * bytes)));
    };
    auto nth = [&](V from, int64_t i) { return place(b.CreateAdd(from, b.getInt64(uint64_t(i)))); };
    auto loadBlock = [&](V from) {
      std::vector<V> v;
      for (int64_t i = 0; i < block; ++i)
        v.push_back(loadKey(nth(from, i)));
      return v;
    };
    if (run < vectors && run <= block) {
      // The best of everything so far, in registers: block / run lists side by side, joined at the end.
      std::vector<V> best;
      inner([&] {
        best = loadBlock(b.getInt64(0));
        net.sortRuns(best, size_t(run));
      });
      auto keepBetter = [&](V x, V mirrored) { return net.first(x, net.reverse(mirrored)); };
      if (vectors > block)
        best = carriedLoop(
            b.getInt64(uint64_t(block)), b.getInt64(uint64_t(vectors)), block, best, false, [&](V i, ArrayRef<V> old) {
              std::vector<V> kept(old.begin(), old.end());
              inner([&] {
                std::vector<V> next = loadBlock(i);
                net.sortRuns(next, size_t(run));
                for (int64_t at = 0; at < block; at += run)
                  for (int64_t k = 0; k < run; ++k)
                    kept[size_t(at + k)] = keepBetter(kept[size_t(at + k)], next[size_t(at + run - 1 - k)]);
                net.clean(kept, size_t(run));
              });
              return kept;
            });
      inner([&] {
        while (int64_t(best.size()) > run) {
          size_t half = best.size() / 2;
          std::vector<V> joined;
          for (size_t at = 0; at < half; at += size_t(run))
            for (size_t k = 0; k < size_t(run); ++k)
              joined.push_back(keepBetter(best[at + k], best[half + at + size_t(run) - 1 - k]));
          net.clean(joined, size_t(run));
          best = std::move(joined);
        }
        for (size_t i = 0; i < best.size(); ++i)
          storeLast(best[i], nth(b.getInt64(0), int64_t(i)));
      });
      return;
    }
    loop(b.getInt64(0), b.getInt64(uint64_t(vectors)), block, [&](V i) {
      inner([&] {
        std::vector<V> v = loadBlock(i);
        net.sortRuns(v, size_t(block));
        for (int64_t k = 0; k < block; ++k)
          (vectors == block ? storeLast(v[size_t(k)], nth(i, k)) : store(v[size_t(k)], nth(i, k)));
      });
    });
    // Merges of runs of 2^(h+1) vectors, h from 2 on.
    auto merge = [&](V h, bool last) {
      V two = b.getInt64(2), one = b.getInt64(1), pairs = b.getInt64(uint64_t(vectors / 2));
      auto exchange = [&](V p, V q, bool mirrored) {
        V x = load(p), y = load(q);
        y = mirrored ? net.reverse(y) : y;
        V hi = net.second(x, y);
        store(net.first(x, y), p);
        store(mirrored ? net.reverse(hi) : hi, q);
      };
      loop(b.getInt64(0), pairs, 1, [&](V i) {
        inner([&] {
          V size = b.CreateShl(one, h), k = b.CreateAnd(i, b.CreateSub(size, one)),
            start = b.CreateShl(b.CreateSub(i, k), one);
          V mirror = b.CreateSub(b.CreateSub(b.CreateAdd(start, b.CreateShl(size, one)), one), k);
          exchange(place(b.CreateAdd(start, k)), place(mirror), true);
        });
      });
      // Distances down to `block` vectors through memory, the rest in registers.
      carriedLoop(b.getInt64(0), on({h}, [&] { return b.CreateSub(h, two); }), 1, {}, true, [&](V q, ArrayRef<V>) {
        V shift = on({q, h}, [&] { return b.CreateSub(b.CreateSub(h, one), q); });
        loop(b.getInt64(0), pairs, 1, [&](V i) {
          inner([&] {
            V d = b.CreateShl(one, shift), k = b.CreateAnd(i, b.CreateSub(d, one)),
              lo = b.CreateAdd(b.CreateShl(b.CreateSub(i, k), one), k);
            exchange(place(lo), place(b.CreateAdd(lo, d)), false);
          });
        });
        return std::vector<V>();
      });
      loop(b.getInt64(0), b.getInt64(uint64_t(vectors)), block, [&](V i) {
        inner([&] {
          std::vector<V> v;
          for (int64_t k = 0; k < block; ++k)
            v.push_back(load(nth(i, k)));
          net.clean(v, size_t(block));
          for (int64_t k = 0; k < block; ++k)
            (last ? storeLast(v[size_t(k)], nth(i, k)) : store(v[size_t(k)], nth(i, k)));
        });
      });
    };
    if (vectors <= block)
      return;
    unsigned top = Log2_64(uint64_t(vectors)) - 1;
    if (top > 2)
      loop(b.getInt64(2), b.getInt64(top), 1, [&](V h) { merge(h, false); });
    merge(b.getInt64(top), true);
  });
  bindResult(op.results[0], item.results[0]);
  return true;
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
  if (emitSortVectors(item))
    return;
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

} // namespace tessera::cpu
