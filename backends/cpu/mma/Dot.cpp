// Dot.cpp - dot by register tiles: operands packed from their producers, accumulator tile updated in place
//
// SPDX-License-Identifier: Apache-2.0
//
// The register tile has MR rows and two vectors of columns; k runs innermost, one broadcast of A and two multiply-adds a row
// and step. 6 x 2 vectors fill the two FMA pipes of AVX2 machines with 12 of 16 registers, 12 x 2 those of AVX-512 with 24 of 32.
// Narrow floats are widened to f32 when packed; i8 is multiplied as i32.
#include "backends/cpu/codegen/Emitter.h"

#include "llvm/IR/Constants.h"

using namespace llvm;
using namespace tessera::tbc;
using tessera::codegen::ElemType;

namespace tessera::cpu {

namespace {

Elem computeType(Elem a, Elem c) {
  if (isInteger(a))
    return Elem::I32;
  return a == Elem::F64 || c == Elem::F64 ? Elem::F64 : Elem::F32;
}

} // namespace

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

void Emitter::emitDot(const Item &item) {
  computeBound = true;
  const Op &op = *item.single;
  const tbc::Type &at = m.typeOf(op.operands[0]), &bt = m.typeOf(op.operands[1]), &ct = m.typeOf(op.results[0]);
  Elem compute = computeType(at.elem, ct.elem);
  // B in panels as wide as the register tile where it is read often enough to pay for the copy.
  int64_t rows = at.shape[at.shape.size() - 2], columns = bt.shape.back();
  unsigned L = target.vectorBits / elemBits(compute);
  bool inMemory = bindings[op.operands[1]].kind == Binding::Memory;
  bool panels = columns % (2 * L) == 0 && columns > int64_t(2 * L) && (!inMemory || rows >= 32);
  DotOperand A = packOperand(op.operands[0], compute, true, 0),
             B = packOperand(op.operands[1], compute, false, panels ? 2 * L : 0);
  emitDotLoops(item, compute, A, B, at.shape, bt.shape);
  bindResult(op.results[0], item.results[0]);
}

void Emitter::emitDotLoops(const Item &item, Elem compute, const DotOperand &A, const DotOperand &B,
                           const std::vector<int64_t> &as, const std::vector<int64_t> &bs) {
  const tbc::Type &ct = m.typeOf(item.single->results[0]);
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
  auto mulAdd = [&](V x, V y, V z) -> V {
    if (isInt)
      return b.CreateAdd(b.CreateMul(x, y), z);
    if (target.fma)
      return b.CreateIntrinsic(Intrinsic::fma, {vt}, {x, y, z});
    return b.CreateFAdd(b.CreateFMul(x, y), z);
  };
  // rows x (nv * L) of C at element offset `row`, `col`.
  auto tile = [&](unsigned rows, V aBase, V bBase, V cBase) {
    std::vector<V> acc;
    inner([&] {
      for (unsigned i = 0; i < rows; ++i)
        for (unsigned j = 0; j < nv; ++j) {
          if (item.zeroInit) {
            acc.push_back(Constant::getNullValue(vt));
            continue;
          }
          V p = b.CreateGEP(b.getInt8Ty(), cBase, b.getInt64(uint64_t(int64_t(i) * N + int64_t(j * L)) * cBytes));
          V v = b.CreateAlignedLoad(cvt, p, Align(cBytes));
          acc.push_back(isInt ? v : ct.elem == compute ? v : ew.convertFloat(v, ct.elem, compute, false));
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
                vt, b.CreateGEP(b.getInt8Ty(), bk, b.getInt64(uint64_t(u * rsb + int64_t(j * L)) * bytes)),
                Align(bytes)));
          for (unsigned i = 0; i < rows; ++i) {
            V s = b.CreateAlignedLoad(
                et, b.CreateGEP(b.getInt8Ty(), ak, b.getInt64(uint64_t(int64_t(i) * rsa + u * csa) * bytes)),
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
          b.CreateAlignedStore(isInt || ct.elem == compute ? v : ew.convertFloat(v, compute, ct.elem, false), p,
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
        tile(rows, ap, bp, cp);
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

void Emitter::emitDotScaled(const Item &item) { fail(*item.single, "scaled dot is not supported by this backend yet"); }

} // namespace tessera::cpu
