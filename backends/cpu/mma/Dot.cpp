// Dot.cpp - dot by register tiles: operands packed from their producers, accumulator tile updated in place
//
// SPDX-License-Identifier: Apache-2.0
//
// The register tile has MR rows and two vectors of columns; k runs innermost, one broadcast of A and two multiply-adds a row
// and step. 6 x 2 vectors fill the two FMA pipes of AVX2 machines with 12 of 16 registers, 12 x 2 those of AVX-512 with 24 of 32.
//
// An element of a packed operand is a word that one multiply-add takes from it: an f32 or f64 (narrow floats are widened), or
// several neighbours along k that an instruction multiplies and sums itself:
//   bf16 x 2   vdpbf16ps, where fused multiply-adds are allowed: it takes denormals as zero and the odd k first
//   i8 x 4     vpdpbusd, exact: it wants one side unsigned, so b + 128 is packed, and 128 times the sum of a's row is taken off
//   i16 x 2    pmaddwd, exact, everywhere else: i8 is widened
#include "backends/cpu/codegen/Emitter.h"

#include "llvm/IR/Constants.h"
#include "llvm/IR/IntrinsicsX86.h"

using namespace llvm;
using namespace tessera::tbc;
using tessera::codegen::ElemType;

namespace tessera::cpu {

// Which words the operands are packed into.
Emitter::DotForm Emitter::dotForm(const Op &op) const {
  const tbc::Type &at = m.typeOf(op.operands[0]), &bt = m.typeOf(op.operands[1]), &ct = m.typeOf(op.results[0]);
  int64_t K = at.shape.back(), N = bt.shape.back();
  DotForm r;
  if (isInteger(at.elem)) {
    r.accumulate = r.packed = Elem::I32;
    if (target.vnni && K % 4 == 0 && N % 4 == 0)
      r = {Elem::I32, Elem::I8, 4};
    else if (K % 2 == 0 && N % 4 == 0)
      r = {Elem::I32, Elem::I16, 2};
  } else if (at.elem == Elem::F64 || ct.elem == Elem::F64) {
    r.accumulate = r.packed = Elem::F64;
  } else if (target.bf16Dot && contract && at.elem == Elem::BF16 && bt.elem == Elem::BF16 && K % 2 == 0 && N % 4 == 0) {
    r = {Elem::F32, Elem::BF16, 2};
  }
  return r;
}

// A dot operand in memory of the compute type. Strides in elements for each dim.
Emitter::DotOperand Emitter::packOperand(ValueId v, Elem compute, bool anyOrder, int64_t panel) {
  DotOperand r;
  const tbc::Type &t = m.typeOf(v);
  auto rowMajor = [](const std::vector<int64_t> &shape) {
    std::vector<int64_t> s(shape.size());
    int64_t k = 1;
    for (size_t i = shape.size(); i-- > 0;) {
      s[i] = k;
      k *= shape[i];
    }
    return s;
  };
  // Through a transposition where the strides do not matter.
  ValueId source = v;
  std::vector<int64_t> order;
  const Op *op = facts.def[v];
  if (anyOrder && bindings[v].kind == Binding::None && op && op->code == Opcode::Transpose) {
    source = op->operands[0];
    order = op->intsAttr(AttrId::Order);
  }
  int buffer = -1;
  if (!panel && bindings[source].kind == Binding::Memory &&
      facts.buffers[size_t(bindings[source].buffer)].elem == compute) {
    buffer = bindings[source].buffer;
  } else {
    tbc::Type packed = m.typeOf(source);
    packed.elem = compute;
    buffer = facts.newBuffer(packed);
    facts.buffers[size_t(buffer)].panel = panel;
    copyInto(source, buffer);
  }
  std::vector<int64_t> s = rowMajor(m.typeOf(source).shape);
  r.strides.resize(t.shape.size());
  for (size_t i = 0; i < t.shape.size(); ++i)
    r.strides[i] = order.empty() ? s[i] : s[size_t(order[i])];
  if (panel) {
    r.strides[t.shape.size() - 2] = panel;
    r.panelStride = panel * t.shape[t.shape.size() - 2];
  }
  r.base = bufferAddress(buffer);
  return r;
}

// The right operand in words of `form.group` neighbours along k: [batch, n / panel, k / group, panel] words, or without panels.
Emitter::DotOperand Emitter::packWords(ValueId v, const DotForm &form, int64_t panel) {
  const tbc::Type &t = m.typeOf(v);
  size_t rank = t.shape.size();
  int64_t K = t.shape[rank - 2], N = t.shape[rank - 1], group = form.group;
  // What lies along k in memory is turned first, square by square; what may have awkward addresses is fetched first.
  std::vector<int64_t> votes = contiguityVotes(v, unsigned(rank));
  Binding before = bindings[v];
  if (bindings[v].kind != Binding::Memory && (votes[rank - 2] > votes[rank - 1] || plainIsFaster(v))) {
    int turned = facts.newBuffer(t);
    copyInto(v, turned);
    bindResult(v, turned);
    clearMemo(0);
  }
  tbc::Type words = t;
  words.elem = Elem::I32;
  words.shape[rank - 2] = K / group;
  int buffer = facts.newBuffer(words);
  facts.buffers[size_t(buffer)].panel = panel;
  ElemType from = ElemType::of(t), to{form.packed, false};
  unsigned L = target.f32Lanes();
  while (L > 1 && N % L != 0)
    L /= 2;
  Tuple s(rank, constIndex(0));
  auto chunkOf = [&](V k, unsigned c, V n) {
    chunk = n;
    chunkAlign = c ? uint64_t(c * L) & -uint64_t(c * L) : L;
    levels.back().memo.clear();
    std::vector<V> rows;
    for (int64_t g = 0; g < group; ++g) {
      s[rank - 2] = Lane::uniform(
          on({k}, [&] { return b.CreateAdd(b.CreateMul(k, b.getInt64(uint64_t(group))), b.getInt64(uint64_t(g))); }));
      s[rank - 1] = xLane();
      rows.push_back(vec(convertLane(eval(v, s), from, to)));
    }
    // Each lane of the word vector holds its rows from the low bits on.
    V word = nullptr;
    llvm::Type *wide = vecType(b.getInt32Ty(), L);
    unsigned bits = 32 / unsigned(group);
    for (int64_t g = 0; g < group; ++g) {
      V r = rows[size_t(g)];
      word = on({word ? word : r, r}, [&] {
        V x = b.CreateShl(b.CreateZExt(b.CreateBitCast(r, vecType(b.getIntNTy(bits), L)), wide),
                          ConstantInt::get(wide, uint64_t(g) * bits));
        return word ? b.CreateOr(word, x) : x;
      });
    }
    if (group == 4) // i8 to u8
      word = on({word}, [&] { return b.CreateXor(word, ConstantInt::get(wide, 0x80808080u)); });
    s[rank - 2] = Lane::uniform(k);
    storeBuffer(buffer, s, Lane::vector(word));
  };
  std::function<void(size_t)> nest = [&](size_t d) {
    if (d + 2 < rank) {
      loop(t.shape[d], [&](V i) {
        s[d] = Lane::uniform(i);
        nest(d + 1);
      });
      return;
    }
    loop(K / group, [&](V k) {
      if (N <= 8 * int64_t(L))
        for (unsigned c = 0; c < N / L; ++c)
          chunkOf(k, c, b.getInt64(uint64_t(c) * L));
      else
        loop(b.getInt64(0), b.getInt64(uint64_t(N)), L, [&](V n) { chunkOf(k, 0, n); });
    });
  };
  lanes = L;
  nest(0);
  lanes = 1;
  chunk = nullptr;
  clearMemo(0);
  bindings[v] = before;
  DotOperand r;
  r.strides.assign(rank, 1);
  for (size_t i = rank - 1; i-- > 0;)
    r.strides[i] = r.strides[i + 1] * words.shape[i + 1];
  if (panel) {
    r.strides[rank - 2] = panel;
    r.panelStride = panel * words.shape[rank - 2];
  }
  r.base = bufferAddress(buffer);
  return r;
}

// 128 times the sum of each row of a packed i8 matrix with `rows` rows of k: what vpdpbusd adds too much.
llvm::Value *Emitter::rowExcess(const DotOperand &A, int64_t rows, int64_t k) {
  tbc::Type t;
  t.kind = tbc::Type::Tensor;
  t.elem = Elem::I32;
  t.shape = {rows};
  V sums = bufferAddress(facts.newBuffer(t));
  unsigned width = target.vectorBits / 8;
  while (k % width != 0)
    width /= 2;
  llvm::Type *vt = vecType(b.getInt8Ty(), width), *wide = vecType(b.getInt32Ty(), width);
  loop(rows, [&](V i) {
    V row = on({i}, [&] { return b.CreateGEP(b.getInt8Ty(), A.base, b.CreateMul(i, b.getInt64(uint64_t(k)))); });
    std::vector<V> sum =
        carriedLoop(b.getInt64(0), b.getInt64(uint64_t(k)), width, {b.getInt32(0)}, false, [&](V at, ArrayRef<V> old) {
          V next = nullptr;
          inner([&] {
            V x = b.CreateAlignedLoad(vt, b.CreateGEP(b.getInt8Ty(), row, at), Align(4));
            next = b.CreateAdd(old[0], b.CreateAddReduce(b.CreateSExt(x, wide)));
          });
          return std::vector<V>{next};
        });
    inner([&] {
      b.CreateAlignedStore(b.CreateShl(sum[0], b.getInt32(7)), b.CreateGEP(b.getInt32Ty(), sums, i), Align(4));
    });
  });
  return sums;
}

void Emitter::emitDot(const Item &item) {
  computeBound = true;
  const Op &op = *item.single;
  const tbc::Type &at = m.typeOf(op.operands[0]), &bt = m.typeOf(op.operands[1]);
  DotForm form = dotForm(op);
  // B in panels as wide as the register tile where it is read often enough to pay for the copy.
  size_t rank = at.shape.size();
  int64_t rows = at.shape[rank - 2], columns = bt.shape.back();
  unsigned L = target.vectorBits / (form.group > 1 ? 32 : elemBits(form.packed));
  bool inMemory = bindings[op.operands[1]].kind == Binding::Memory;
  bool panels = columns % (2 * L) == 0 && columns > int64_t(2 * L) && (!inMemory || rows >= 32);
  int64_t panel = panels ? 2 * L : 0;
  DotOperand A = packOperand(op.operands[0], form.packed, form.group == 1, 0);
  V excess = nullptr;
  std::vector<int64_t> as = at.shape, bs = bt.shape;
  if (form.group > 1) {
    DotOperand B = packWords(op.operands[1], form, panel);
    if (form.group == 4)
      excess = rowExcess(A, at.numElements() / at.shape.back(), at.shape.back());
    for (size_t i = 0; i + 1 < rank; ++i)
      A.strides[i] /= form.group;
    as[rank - 1] /= form.group;
    bs[rank - 2] /= form.group;
    emitDotLoops(item, form, A, B, as, bs, excess);
  } else {
    emitDotLoops(item, form, A, packOperand(op.operands[1], form.packed, false, panel), as, bs, nullptr);
  }
  bindResult(op.results[0], item.results[0]);
}

// Shapes and strides count words.
void Emitter::emitDotLoops(const Item &item, const DotForm &form, const DotOperand &A, const DotOperand &B,
                           const std::vector<int64_t> &as, const std::vector<int64_t> &bs, V excess) {
  const tbc::Type &ct = m.typeOf(item.single->results[0]);
  Elem compute = form.accumulate;
  size_t rank = as.size();
  int64_t batch = 1;
  for (size_t i = 0; i + 2 < rank; ++i)
    batch *= as[i];
  int64_t M = as[rank - 2], K = as[rank - 1], N = bs[rank - 1];
  int64_t rsa = A.strides[rank - 2], csa = A.strides[rank - 1], rsb = B.strides[rank - 2];
  llvm::Type *et = ew.type(compute);
  unsigned bytes = elemBits(compute) / 8, cBytes = ct.elementBytes();
  unsigned L = target.vectorBits / (8 * bytes);
  while (L > 1 && N % L != 0)
    L /= 2;
  unsigned nv = N % (2 * L) == 0 ? 2 : 1;
  unsigned MR = target.masks ? 12 : 6;
  llvm::Type *vt = vecType(et, L), *cvt = vecType(memoryType(ElemType::of(ct)), L);
  V C = bufferAddress(item.results[0]);
  bool isInt = compute == Elem::I32;
  auto gep = [&](V p, V elements, unsigned size) {
    return b.CreateGEP(b.getInt8Ty(), p, b.CreateMul(elements, b.getInt64(size)));
  };
  llvm::Type *wt = form.group > 1 ? b.getInt32Ty() : et; // a word
  auto mulAdd = [&](V x, V y, V z) -> V {
    unsigned width = L * 32;
    auto as = [&](V v, llvm::Type *t, unsigned bits) { return b.CreateBitCast(v, vecType(t, width / bits)); };
    if (form.packed == Elem::BF16)
      return b.CreateIntrinsic(width == 512   ? Intrinsic::x86_avx512bf16_dpbf16ps_512
                               : width == 256 ? Intrinsic::x86_avx512bf16_dpbf16ps_256
                                              : Intrinsic::x86_avx512bf16_dpbf16ps_128,
                               {z, as(x, b.getBFloatTy(), 16), as(y, b.getBFloatTy(), 16)});
    if (form.packed == Elem::I8)
      return b.CreateIntrinsic(width == 512   ? Intrinsic::x86_avx512_vpdpbusd_512
                               : width == 256 ? Intrinsic::x86_avx512_vpdpbusd_256
                                              : Intrinsic::x86_avx512_vpdpbusd_128,
                               {z, as(y, b.getInt8Ty(), 8), as(x, b.getInt8Ty(), 8)});
    if (form.packed == Elem::I16)
      return b.CreateAdd(z, b.CreateIntrinsic(width == 512   ? Intrinsic::x86_avx512_pmaddw_d_512
                                              : width == 256 ? Intrinsic::x86_avx2_pmadd_wd
                                                             : Intrinsic::x86_sse2_pmadd_wd,
                                              {as(x, b.getInt16Ty(), 16), as(y, b.getInt16Ty(), 16)}));
    if (isInt)
      return b.CreateAdd(b.CreateMul(x, y), z);
    if (target.fma)
      return b.CreateIntrinsic(Intrinsic::fma, {vt}, {x, y, z});
    return b.CreateFAdd(b.CreateFMul(x, y), z);
  };
  // rows x (nv * L) of C at element offset `row`, `col`.
  auto tile = [&](unsigned rows, V aBase, V bBase, V cBase, V excessBase) {
    std::vector<V> acc;
    inner([&] {
      for (unsigned i = 0; i < rows; ++i)
        for (unsigned j = 0; j < nv; ++j) {
          V v = Constant::getNullValue(vt);
          if (!item.zeroInit) {
            V p = b.CreateGEP(b.getInt8Ty(), cBase, b.getInt64(uint64_t(int64_t(i) * N + int64_t(j * L)) * cBytes));
            v = b.CreateAlignedLoad(cvt, p, Align(cBytes));
            v = isInt || ct.elem == compute ? v : ew.convertFloat(v, ct.elem, compute);
          }
          if (excessBase)
            v = b.CreateSub(
                v, b.CreateVectorSplat(L, b.CreateAlignedLoad(et, b.CreateConstGEP1_64(et, excessBase, i), Align(4))));
          acc.push_back(v);
        }
    });
    int64_t unroll = K % 4 == 0 ? 4 : K % 2 == 0 ? 2 : 1;
    auto steps = [&](V k, ArrayRef<V> in) {
      std::vector<V> x(in.begin(), in.end());
      inner([&] {
        V ak = gep(aBase, b.CreateMul(k, b.getInt64(uint64_t(csa))), bytes),
          bk = gep(bBase, b.CreateMul(k, b.getInt64(uint64_t(rsb))), bytes);
        for (int64_t u = 0; u < unroll; ++u) {
          std::vector<V> bv;
          for (unsigned j = 0; j < nv; ++j)
            bv.push_back(b.CreateAlignedLoad(
                vecType(wt, L), b.CreateGEP(b.getInt8Ty(), bk, b.getInt64(uint64_t(u * rsb + int64_t(j * L)) * bytes)),
                Align(bytes)));
          for (unsigned i = 0; i < rows; ++i) {
            V s = b.CreateAlignedLoad(
                wt, b.CreateGEP(b.getInt8Ty(), ak, b.getInt64(uint64_t(int64_t(i) * rsa + u * csa) * bytes)),
                Align(bytes));
            V sv = L == 1 ? s : b.CreateVectorSplat(L, s);
            for (unsigned j = 0; j < nv; ++j)
              x[i * nv + j] = mulAdd(sv, bv[j], x[i * nv + j]);
          }
        }
      });
      return x;
    };
    if (K == unroll)
      acc = steps(b.getInt64(0), acc);
    else
      acc = carriedLoop(b.getInt64(0), b.getInt64(uint64_t(K)), unroll, acc, false, steps);
    inner([&] {
      for (unsigned i = 0; i < rows; ++i)
        for (unsigned j = 0; j < nv; ++j) {
          V p = b.CreateGEP(b.getInt8Ty(), cBase, b.getInt64(uint64_t(int64_t(i) * N + int64_t(j * L)) * cBytes));
          V v = acc[i * nv + j];
          b.CreateAlignedStore(isInt || ct.elem == compute ? v : ew.convertFloat(v, compute, ct.elem), p,
                               Align(cBytes));
        }
    });
  };
  unsigned mainRows = unsigned(std::min<int64_t>(MR, M));
  int64_t full = M / mainRows, rest = M % mainRows;
  int64_t cols = int64_t(nv) * L;
  loop(batch, [&](V bi) {
    V ab = on({bi}, [&] {
      return gep(A.base, b.CreateMul(bi, b.getInt64(uint64_t(rank > 2 ? A.strides[rank - 3] : 0))), bytes);
    });
    V bb = on({bi}, [&] {
      return gep(B.base, b.CreateMul(bi, b.getInt64(uint64_t(rank > 2 ? B.strides[rank - 3] : 0))), bytes);
    });
    V cb = on({bi}, [&] { return gep(C, b.CreateMul(bi, b.getInt64(uint64_t(M * N))), cBytes); });
    auto columns = [&](V n) {
      V bp = on({bb, n}, [&] { // a panel is (2 L) columns wide: n counts columns
        return B.panelStride ? gep(bb, b.CreateMul(n, b.getInt64(uint64_t(B.panelStride / cols))), bytes)
                             : gep(bb, n, bytes);
      });
      V cn = on({cb, n}, [&] { return gep(cb, n, cBytes); });
      auto rowsAt = [&](V mi, unsigned rows) {
        V ap = on({ab, mi}, [&] { return gep(ab, b.CreateMul(mi, b.getInt64(uint64_t(rsa))), bytes); });
        V cp = on({cn, mi}, [&] { return gep(cn, b.CreateMul(mi, b.getInt64(uint64_t(N))), cBytes); });
        V ep = excess ? on({bi, mi},
                           [&] { return gep(excess, b.CreateAdd(b.CreateMul(bi, b.getInt64(uint64_t(M))), mi), 4); })
                      : nullptr;
        tile(rows, ap, bp, cp, ep);
      };
      if (full == 1)
        rowsAt(b.getInt64(0), mainRows);
      else
        carriedLoop(b.getInt64(0), b.getInt64(uint64_t(full * mainRows)), mainRows, {}, false, [&](V mi, ArrayRef<V>) {
          rowsAt(mi, mainRows);
          return std::vector<V>();
        });
      if (rest)
        rowsAt(b.getInt64(uint64_t(full * mainRows)), unsigned(rest));
    };
    if (N == cols)
      columns(b.getInt64(0));
    else
      carriedLoop(b.getInt64(0), b.getInt64(uint64_t(N)), cols, {}, false, [&](V n, ArrayRef<V>) {
        columns(n);
        return std::vector<V>();
      });
  });
}

} // namespace tessera::cpu
