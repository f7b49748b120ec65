// DotScaled.cpp - products of block-scaled matrices: unpacked and scaled while they are packed, then an ordinary dot
//
// SPDX-License-Identifier: Apache-2.0
//
// An element times its scale is exact in f32 but at the ends of f32's range: scales are powers of two, or e4m3.
#include "backends/cpu/codegen/Emitter.h"

#include "llvm/IR/Constants.h"

#include <functional>

using namespace llvm;
using namespace tessera::tbc;
using tessera::codegen::ElemType;

namespace tessera::cpu {

namespace {

Elem elementOf(ScaledFormat f) {
  switch (f) {
  case ScaledFormat::E4M3:
    return Elem::F8E4M3FN;
  case ScaledFormat::E5M2:
    return Elem::F8E5M2;
  case ScaledFormat::BF16:
    return Elem::BF16;
  default:
    return Elem::F16;
  }
}

} // namespace

// Four bits each (in the low bits of i32): sign, two bits of exponent, one of fraction; 0, 0.5, 1, 1.5, 2, 3, 4, 6.
llvm::Value *Emitter::fp4ToFloat(V x) {
  llvm::Type *it = x->getType(), *ft = codegen::Elementwise::like(b.getFloatTy(), x);
  V magnitude = b.CreateBitCast(b.CreateShl(b.CreateAnd(x, ConstantInt::get(it, 7)), ConstantInt::get(it, 22)), ft);
  V value = b.CreateFMul(magnitude, ConstantFP::get(ft, 0x1p126)); // from f32's bias to the format's
  V sign = b.CreateShl(b.CreateAnd(x, ConstantInt::get(it, 8)), ConstantInt::get(it, 28));
  return b.CreateBitCast(b.CreateOr(b.CreateBitCast(value, it), sign), ft);
}

// e8m0 (an exponent; 255 is NaN) or e4m3, to f32.
llvm::Value *Emitter::scaleToFloat(V x, Elem e) {
  if (e == Elem::F8E4M3FN)
    return ew.convertFloat(x, e, Elem::F32);
  llvm::Type *it = codegen::Elementwise::like(b.getInt32Ty(), x), *ft = codegen::Elementwise::like(b.getFloatTy(), x);
  V exponent = b.CreateZExt(x, it);
  V bits = b.CreateShl(exponent, ConstantInt::get(it, 23));
  bits = b.CreateSelect(b.CreateICmpEQ(exponent, ConstantInt::get(it, 0)), ConstantInt::get(it, 0x00400000),
                        bits); // 2^-127
  bits = b.CreateSelect(b.CreateICmpEQ(exponent, ConstantInt::get(it, 255)), ConstantInt::get(it, 0x7fc00000), bits);
  return b.CreateBitCast(bits, ft);
}

// One side as a matrix of `packed`, row-major ([.., m, k] or [.., k, n]) or in panels of columns.
Emitter::DotOperand Emitter::packScaled(const ScaledSide &side, Elem packed, int64_t panel) {
  const tbc::Type &t = m.typeOf(side.value);
  size_t rank = t.shape.size();
  bool fp4 = side.format == ScaledFormat::E2M1, alongColumns = fp4 && side.kPack != side.isRhs,
       alongRows = fp4 && !alongColumns;
  tbc::Type full = t;
  full.elem = packed;
  full.shape[rank - 1] *= alongColumns ? 2 : 1;
  full.shape[rank - 2] *= alongRows ? 2 : 1;
  int64_t rows = t.shape[rank - 2], columns = t.shape[rank - 1];
  int64_t K = full.shape[side.isRhs ? rank - 2 : rank - 1];
  Elem scaleElem = side.scale == kNone ? Elem::I8 : m.typeOf(side.scale).elem;
  int64_t block = side.scale == kNone ? K : scaleElem == Elem::F8E4M3FN ? 16 : 32;
  int buffer = facts.newBuffer(full);
  facts.buffers[size_t(buffer)].panel = panel;
  // L bytes or elements of a row at a time; on the left what they unpack to lies in one block of k.
  unsigned L = target.f32Lanes(), spread = alongColumns ? 2 : 1;
  while (L > 1 && (columns % L != 0 || (!side.isRhs && L * spread > block)))
    L /= 2;
  Tuple s(rank, constIndex(0)); // of the stored tensor; s[rank - 1] is the chunk
  auto readAt = [&](V row, V column) {
    lanes = L;
    chunk = column;
    chunkAlign = L;
    levels.back().memo.clear();
    s[rank - 2] = Lane::uniform(row);
    s[rank - 1] = xLane();
    return vec(eval(side.value, s));
  };
  auto put = [&](V row, V column, unsigned width, V value, V scale) {
    if (scale) {
      V scales = splatTo(scale, width); // at its own level, which may be outside
      value = on({value, scales}, [&] { return b.CreateFMul(value, scales); });
    }
    lanes = width;
    chunk = column;
    chunkAlign = width;
    Tuple at = s;
    at[rank - 2] = Lane::uniform(row);
    at[rank - 1] = xLane();
    storeBuffer(buffer, at, convertLane(Lane::vector(value), ElemType{Elem::F32, false}, ElemType{packed, false}));
  };
  auto scaleOf = [&](V value) { return on({value}, [&] { return scaleToFloat(value, scaleElem); }); };
  auto times = [&](V v, int64_t k) { return on({v}, [&] { return b.CreateMul(v, b.getInt64(uint64_t(k))); }); };
  auto plus = [&](V v, int64_t k) { return on({v}, [&] { return b.CreateAdd(v, b.getInt64(uint64_t(k))); }); };
  // One chunk of a stored row. scales(row of the whole matrix): scalar, vector, or null.
  auto convert = [&](V row, V column, const std::function<V(V)> &scales) {
    V x = readAt(row, column);
    V wide = times(column, spread);
    if (!fp4) {
      put(row, wide, L, on({x}, [&] { return ew.convertFloat(x, elementOf(side.format), Elem::F32); }), scales(row));
      return;
    }
    V halves[2];
    for (unsigned h = 0; h < 2; ++h)
      halves[h] = on({x}, [&] {
        V n = b.CreateZExt(x, codegen::Elementwise::like(b.getInt32Ty(), x));
        return fp4ToFloat(h ? b.CreateLShr(n, ConstantInt::get(n->getType(), 4)) : n);
      });
    if (alongRows) {
      for (int h = 0; h < 2; ++h) {
        V to = plus(times(row, 2), h);
        put(to, wide, L, halves[h], scales(to));
      }
      return;
    }
    SmallVector<int, 32> order;
    for (unsigned i = 0; i < L; ++i) {
      order.push_back(int(i));
      order.push_back(int(i + L));
    }
    V both = on({halves[0], halves[1]}, [&]() -> V {
      if (L > 1)
        return b.CreateShuffleVector(halves[0], halves[1], order);
      V pair = PoisonValue::get(FixedVectorType::get(b.getFloatTy(), 2));
      return b.CreateInsertElement(b.CreateInsertElement(pair, halves[0], uint64_t(0)), halves[1], uint64_t(1));
    });
    put(row, wide, 2 * L, both, scales(row));
  };
  auto matrix = [&] {
    if (!side.isRhs) {
      loop(rows, [&](V row) {
        loop(b.getInt64(0), b.getInt64(uint64_t(columns)), L, [&](V column) {
          convert(row, column, [&](V of) -> V {
            if (side.scale == kNone)
              return nullptr;
            Tuple at = s;
            at[rank - 2] = Lane::uniform(of);
            at[rank - 1] = Lane::uniform(on({column}, [&] {
              return b.CreateUDiv(b.CreateMul(column, b.getInt64(spread)), b.getInt64(uint64_t(block)));
            }));
            return scaleOf(element(side.scale, at));
          });
        });
      });
      return;
    }
    // On the right a scale belongs to a column: a vector of them serves a whole block of k.
    int64_t perBlock = block / (alongRows ? 2 : 1);
    loop(K / block, [&](V index) {
      loop(b.getInt64(0), b.getInt64(uint64_t(columns)), L, [&](V column) {
        V scale = nullptr;
        if (side.scale != kNone) {
          lanes = L * spread;
          chunk = times(column, spread);
          chunkAlign = lanes;
          levels.back().memo.clear();
          Tuple at = s;
          at[rank - 2] = xLane();
          at[rank - 1] = Lane::uniform(index);
          scale = scaleOf(vec(eval(side.scale, at)));
        }
        V from = times(index, perBlock);
        loop(perBlock, [&](V k) {
          V row = on({from, k}, [&] { return b.CreateAdd(from, k); });
          convert(row, column, [&](V) { return scale; });
        });
      });
    });
  };
  std::function<void(size_t)> nest = [&](size_t d) {
    if (d + 2 == rank) {
      matrix();
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
  clearMemo(0);
  DotOperand r;
  r.strides.assign(rank, 1);
  for (size_t i = rank - 1; i-- > 0;)
    r.strides[i] = r.strides[i + 1] * full.shape[i + 1];
  if (panel) {
    r.strides[rank - 2] = panel;
    r.panelStride = panel * full.shape[rank - 2];
  }
  r.base = bufferAddress(buffer);
  return r;
}

void Emitter::emitDotScaled(const Item &item) {
  computeBound = true;
  const Op &op = *item.single;
  const tbc::Type &ct = m.typeOf(op.results[0]);
  size_t rank = ct.shape.size(), next = 3;
  ScaledSide sides[2];
  for (size_t i = 0; i < 2; ++i) {
    ScaledSide &side = sides[i];
    side.value = op.operands[i];
    side.format = ScaledFormat(op.intAttr(i ? AttrId::RhsFormat : AttrId::LhsFormat));
    side.kPack = op.intAttr(i ? AttrId::RhsKPack : AttrId::LhsKPack) != 0;
    side.isRhs = i == 1;
    if (op.intAttr(AttrId::HasScales) >> i & 1)
      side.scale = op.operands[next++];
  }
  DotForm form;
  if (ct.elem == Elem::F64)
    form.accumulate = form.packed = Elem::F64;
  std::vector<int64_t> as = ct.shape, bs = ct.shape;
  as[rank - 1] =
      m.typeOf(sides[0].value).shape[rank - 1] * (sides[0].format == ScaledFormat::E2M1 && sides[0].kPack ? 2 : 1);
  bs[rank - 2] = as[rank - 1];
  int64_t panel = int64_t(target.vectorBits / elemBits(form.packed)) * 2;
  if (bs[rank - 1] % panel != 0 || bs[rank - 1] == panel)
    panel = 0;
  DotOperand A = packScaled(sides[0], form.packed, 0), B = packScaled(sides[1], form.packed, panel);
  emitDotLoops(item, form, A, B, as, bs, nullptr);
  bindResult(op.results[0], item.results[0]);
}

} // namespace tessera::cpu
