// DotScaled.cpp - products of blocks with scales, by multiply-adds of each lane in f32
//
// SPDX-License-Identifier: Apache-2.0
#include "core/codegen/simt/DotTiles.h"
#include "core/codegen/simt/Emitter.h"

using namespace llvm;
using tessera::layout::LinearLayout;
using tessera::tbc::AttrId;
using tessera::tbc::Elem;
using tessera::tbc::Op;
using tessera::tbc::ScaledFormat;

namespace tessera::codegen::simt {

namespace {

// E2M1: its code is the top of an f32 significand with two bits of exponent; scaled by 2^126 that is the value, 0.5 included.
Value *decodeE2M1(IRBuilder<> &b, Value *nibble) {
  Value *bits = b.CreateShl(b.CreateAnd(nibble, b.getInt32(7)), 22);
  Value *magnitude = b.CreateFMul(b.CreateBitCast(bits, b.getFloatTy()), ConstantFP::get(b.getFloatTy(), 0x1p126));
  Value *sign = b.CreateShl(b.CreateAnd(nibble, b.getInt32(8)), 28);
  return b.CreateBitCast(b.CreateOr(b.CreateBitCast(magnitude, b.getInt32Ty()), sign), b.getFloatTy());
}

// E8M0: 2^(code - 127), 255 is NaN. 2^-127 is a denormal f32.
Value *decodeE8M0(IRBuilder<> &b, Value *code) {
  Value *x = b.CreateZExt(code, b.getInt32Ty());
  Value *bits = b.CreateSelect(b.CreateICmpEQ(x, b.getInt32(0)), b.getInt32(0x00400000), b.CreateShl(x, 23));
  bits = b.CreateSelect(b.CreateICmpEQ(x, b.getInt32(255)), b.getInt32(0x7fc00000), bits);
  return b.CreateBitCast(bits, b.getFloatTy());
}

Elem elementOf(ScaledFormat f) {
  switch (f) {
  case ScaledFormat::E4M3:
    return Elem::F8E4M3FN;
  case ScaledFormat::E5M2:
    return Elem::F8E5M2;
  case ScaledFormat::BF16:
    return Elem::BF16;
  case ScaledFormat::FP16:
    return Elem::F16;
  case ScaledFormat::E2M1:
    break;
  }
  return Elem::I8;
}

} // namespace

// The operands and scales of a lane's rows and columns are in its registers (LayoutQuestions::planDot). Every format with its scale is
// exact in f32 but for results beyond its range.
void Emitter::dotScaled(const Op &o) {
  const tbc::Type &tc = type(o.operands[2]);
  const LinearLayout &lc = layoutOf(tc);
  size_t rank = tc.shape.size(), rowDim = rank - 2, columnDim = rank - 1;
  int64_t has = o.intAttr(AttrId::HasScales);
  struct Side {
    ScaledFormat format;
    bool kPack, isRhs;
    tbc::ValueId value;
    std::optional<tbc::ValueId> scale;
    std::optional<OperandTiles> elements, scales;
    std::map<std::vector<int64_t>, V> made;
  };
  Side sides[2];
  size_t next = 3;
  for (unsigned i = 0; i < 2; ++i) {
    Side &s = sides[i];
    s.format = static_cast<ScaledFormat>(o.intAttr(i ? AttrId::RhsFormat : AttrId::LhsFormat));
    s.kPack = o.intAttr(i ? AttrId::RhsKPack : AttrId::LhsKPack) != 0;
    s.isRhs = i;
    s.value = o.operands[i];
    s.elements.emplace(layoutOf(type(s.value)), 1, 1);
    if ((has >> i) & 1) {
      s.scale = o.operands[next++];
      s.scales.emplace(layoutOf(type(*s.scale)), 1, 1);
    }
  }
  // Element (row or column, k) of a side, scaled; `at` is an index of c.
  auto element = [&](Side &s, const std::vector<int64_t> &at, int64_t k) {
    std::vector<int64_t> place = at;
    size_t kDim = s.isRhs ? rowDim : columnDim, ownDim = s.isRhs ? columnDim : rowDim;
    place[kDim] = k;
    V &made = s.made[place];
    if (made)
      return made;
    std::vector<int64_t> stored = place;
    V nibbleShift = nullptr;
    bool dynamic = false;
    if (s.format == ScaledFormat::E2M1) {
      size_t packed = s.kPack ? kDim : ownDim;
      nibbleShift = i32(stored[packed] % 2 ? 4 : 0);
      stored[packed] /= 2;
      // Which half of the byte may depend on the lane where rows, not k, are packed.
      dynamic = !s.kPack;
    }
    std::optional<unsigned> r = s.elements->find(stored);
    if (!r)
      fail(o, "a lane does not hold what its part of the product needs");
    V v = of(s.value)[*r];
    if (s.format == ScaledFormat::E2M1) {
      if (dynamic) {
        unsigned bit = static_cast<unsigned>(lc.outStart(lc.outs()[ownDim].name));
        V own = b_.CreateAnd(b_.CreateLShr(laneAndWarpPart(lc), bit), 1);
        nibbleShift = b_.CreateXor(nibbleShift, b_.CreateShl(b_.CreateZExtOrTrunc(own, b_.getInt32Ty()), 2));
      }
      v = decodeE2M1(b_, b_.CreateAnd(b_.CreateLShr(b_.CreateZExt(v, b_.getInt32Ty()), nibbleShift), i32(15)));
    } else {
      v = e_.widen(v, elementOf(s.format));
    }
    if (s.scale) {
      const tbc::Type &ts = type(*s.scale);
      bool isE4M3 = ts.elem == Elem::F8E4M3FN;
      std::vector<int64_t> scaleAt = place; // rows (columns) first, then blocks of k
      scaleAt[rowDim] = place[ownDim];
      scaleAt[columnDim] = k / (isE4M3 ? 16 : 32);
      std::optional<unsigned> rs = s.scales->find(scaleAt);
      if (!rs)
        fail(o, "a lane does not hold the scales of its part of the product");
      V scale = of(*s.scale)[*rs];
      v = b_.CreateFMul(v, isE4M3 ? e_.widen(scale, ts.elem) : decodeE8M0(b_, scale));
    }
    return made = v;
  };
  Registers sum;
  for (V v : of(o.operands[2]))
    sum.push_back(e_.widen(v, tc.elem));
  const tbc::Type &ta = type(o.operands[0]);
  int64_t k = ta.shape[columnDim] * (sides[0].format == ScaledFormat::E2M1 && sides[0].kPack ? 2 : 1);
  for (int64_t i = 0; i < k; ++i)
    for (unsigned r = 0; r < sum.size(); ++r) {
      std::vector<int64_t> at = lc.unpackOut(lc.applyPacked(r));
      sum[r] = multiplyAdd(element(sides[0], at, i), element(sides[1], at, i), sum[r]);
    }
  for (V &v : sum)
    v = e_.narrow(v, tc.elem);
  set(o.results[0], std::move(sum));
}

} // namespace tessera::codegen::simt
