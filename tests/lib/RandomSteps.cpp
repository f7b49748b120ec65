// RandomSteps.cpp - random elementwise and shape ops
// SPDX-License-Identifier: Apache-2.0
#include "core/bytecode/Infer.h"
#include "core/interpreter/Numerics.h"
#include "tests/lib/RandomGenerator.h"

#include <algorithm>

namespace tessera::samples {

using namespace tbc;

Elem Generator::randomInt(bool withI1) {
  Elem e = rng_.any({Elem::I1, Elem::I8, Elem::I16, Elem::I32, Elem::I32, Elem::I64});
  return e == Elem::I1 && !withI1 ? Elem::I32 : e;
}

Elem Generator::randomFloat() {
  Elem e = rng_.any({Elem::F32, Elem::F32, Elem::F32, Elem::F16, Elem::F16, Elem::BF16, Elem::BF16, Elem::F64,
                     Elem::F8E5M2, Elem::F8E4M3FN, Elem::F8E4M3FNUZ, Elem::F8E5M2FNUZ, Elem::F8E4B15});
  return (isFp8(e) && !o_.fp8) || (e == Elem::F64 && !o_.f64) ? Elem::F32 : e;
}

ValueId Generator::constantOf(ValueId like, double v) {
  const Type t = type(like);
  return isFloat(t.elem) ? b_.constFloat(t, scalar::decodeFloat(t.elem, scalar::encodeFloat(t.elem, v)))
                         : b_.constInt(t, static_cast<int64_t>(v));
}

ValueId Generator::constant(const Type &t) {
  if (isFloat(t.elem)) {
    double v = rng_.any({0.0, 1.0, -1.0, 0.5, 2.0, 3.0, -7.0, 0.1, 100.0});
    return b_.constFloat(t, scalar::decodeFloat(t.elem, scalar::encodeFloat(t.elem, v)));
  }
  unsigned bits = scalar::intBits(t.elem);
  return b_.constInt(t, bits == 1         ? rng_.below(2)
                        : rng_.chance(70) ? static_cast<int64_t>(rng_.below(20)) - 10
                                          : scalar::signExtend(rng_.next(), bits));
}

ValueId Generator::sibling(ValueId v) {
  const Type t = type(v);
  ValueId other = pick([&](ValueId w) { return type(w) == t && w != v; });
  return other != kNone && rng_.chance(75) ? other : constant(t);
}

ValueId Generator::mask(const Type &like) {
  const Type want = withElem(like, Elem::I1);
  ValueId m = pick([&](ValueId v) { return type(v) == want; });
  if (m != kNone && rng_.chance(60))
    return m;
  // By position: below the run-time bound.
  int64_t n = want.numElements();
  ValueId i = b_.op(Opcode::AddI, {b_.arange(0, n), b_.splat(b_.op(Opcode::MulI, {program_, b_.i32(n / 2)}), {n})});
  ValueId below = b_.cmpi(CmpI::Slt, i, b_.splat(n_, {n}));
  return want.shape.size() == 1 ? below : b_.reshape(below, want.shape);
}

ValueId Generator::withoutNan(ValueId v) {
  if (type(v).elem == Elem::F8E4B15)
    return v;
  return b_.op(Opcode::Select, {b_.cmpf(CmpF::Uno, v, v), constantOf(v, 0), v});
}

ValueId Generator::clamped(ValueId v, double bound) {
  return b_.op(Opcode::MinNumF, {b_.op(Opcode::MaxNumF, {v, constantOf(v, -bound)}), constantOf(v, bound)});
}

ValueId Generator::smallIntegers(ValueId v) {
  return b_.op(Opcode::RoundEven, {clamped(v, type(v).elem == Elem::F8E4B15 ? 1 : 3)});
}

std::vector<int64_t> Generator::randomShape(int64_t elements) {
  std::vector<int64_t> shape;
  for (unsigned d = 0, rank = 1 + rng_.below(2); d < rank; ++d) {
    int64_t extent = int64_t(1) << (1 + rng_.below(4));
    if (elements % extent || elements / extent < 2)
      break;
    shape.push_back(extent);
    elements /= extent;
  }
  shape.insert(shape.begin() + rng_.below(shape.size() + 1), elements);
  return shape;
}

bool Generator::integerOp() {
  ValueId a = pickInt();
  if (a == kNone)
    return false;
  if (rng_.chance(20)) {
    add(b_.op(rng_.any({Opcode::AbsI, Opcode::CtLz, Opcode::CtPop, Opcode::CtTz}), {a}));
    return true;
  }
  ValueId c = sibling(a);
  auto code = rng_.any({Opcode::AddI, Opcode::SubI, Opcode::MulI, Opcode::AndI, Opcode::OrI, Opcode::XorI, Opcode::ShlI,
                        Opcode::ShrSI, Opcode::ShrUI, Opcode::MinSI, Opcode::MaxSI, Opcode::MinUI, Opcode::MaxUI,
                        Opcode::MulHiUI, Opcode::MulHiSI, Opcode::DivSI, Opcode::DivUI, Opcode::RemSI, Opcode::RemUI});
  bool shifts = code == Opcode::ShlI || code == Opcode::ShrSI || code == Opcode::ShrUI;
  if (shifts &&
      type(a).elem == Elem::I1) // by 1 it would be by the whole width, which constant folding may make anything
    code = Opcode::XorI;
  bool divides = code == Opcode::DivSI || code == Opcode::DivUI || code == Opcode::RemSI || code == Opcode::RemUI;
  if (divides && type(a).elem == Elem::I1)
    return false;
  if (divides) // 1 … 127, odd
    c = b_.op(Opcode::OrI, {b_.op(Opcode::AndI, {c, constantOf(c, 126)}), constantOf(c, 1)});
  add(b_.op(code, {a, c}));
  return true;
}

bool Generator::floatOp() {
  ValueId a = pickFloat();
  if (a == kNone)
    return false;
  switch (rng_.below(10)) {
  case 0:
  case 1:
    add(b_.op(rng_.any({Opcode::NegF, Opcode::AbsF, Opcode::Floor, Opcode::Ceil, Opcode::Trunc, Opcode::Round,
                        Opcode::RoundEven}),
              {a}));
    return true;
  case 2:
    add(b_.op(Opcode::Sqrt, {b_.op(Opcode::AbsF, {a})}));
    return true;
  case 3:
    // The sign of a NaN is nobody's business.
    add(b_.op(Opcode::CopySign, {a, withoutNan(sibling(a))}));
    return true;
  case 4: // a format without NaN turns one into whatever; an infinite one is made by the division only
    if (type(a).elem == Elem::F8E4B15)
      return false;
    add(b_.op(rng_.any({Opcode::DivF, Opcode::RemF}), {a, sibling(a)}));
    return true;
  default:
    add(b_.op(rng_.any({Opcode::AddF, Opcode::SubF, Opcode::MulF, Opcode::MinNumF, Opcode::MaxNumF, Opcode::MinimumF,
                        Opcode::MaximumF}),
              {a, sibling(a)}));
    return true;
  }
}

bool Generator::compare() {
  ValueId a = pick([&](ValueId v) { return isTensor(v); });
  if (a == kNone)
    return false;
  bool floats = isFloatTensor(a);
  add(floats ? b_.cmpf(static_cast<CmpF>(rng_.below(16)), a, sibling(a))
             : b_.cmpi(static_cast<CmpI>(rng_.below(10)), a, sibling(a)));
  return true;
}

bool Generator::select() {
  ValueId a = pick([&](ValueId v) { return isTensor(v); });
  if (a == kNone)
    return false;
  ValueId cond = rng_.chance(80) ? mask(type(a)) : b_.cmpi(CmpI::Sgt, n_, b_.i32(rng_.below(200)));
  add(b_.op(Opcode::Select, {cond, a, sibling(a)}));
  return true;
}

bool Generator::convert() {
  ValueId a = pick([&](ValueId v) { return isTensor(v); });
  if (a == kNone)
    return false;
  Elem from = type(a).elem;
  if (isInteger(from) && rng_.chance(50)) {
    Elem to = randomInt(true);
    unsigned had = scalar::intBits(from), wants = scalar::intBits(to);
    if (had == wants)
      return false;
    add(b_.convert(wants < had ? Opcode::TruncI : rng_.any({Opcode::ExtSI, Opcode::ExtUI}), a, to));
    return true;
  }
  if (isInteger(from)) {
    add(b_.convert(rng_.any({Opcode::SIToFP, Opcode::UIToFP}), a, randomFloat()));
    return true;
  }
  if (rng_.chance(40)) {
    // Inside every integer type's range; unsigned takes the magnitude.
    ValueId c = clamped(a, from == Elem::F8E4B15 ? 1 : 100);
    bool isSigned = rng_.chance(60);
    add(b_.convert(isSigned ? Opcode::FPToSI : Opcode::FPToUI, isSigned ? c : b_.op(Opcode::AbsF, {c}),
                   randomInt(false)));
    return true;
  }
  Elem to = randomFloat();
  if (to == from)
    return false;
  Attrs attrs;
  if (rng_.chance(30))
    attrs.push_back(intAttr(AttrId::Rounding, 1));
  add(b_.convert(Opcode::FPToFP, to == Elem::F8E4B15 ? withoutNan(a) : a, to, attrs));
  return true;
}

bool Generator::bitcast() {
  // Float to integer only where no NaN can show its bits.
  ValueId a = pick([&](ValueId v) { return isTensor(v) && type(v).elem != Elem::I1; });
  if (a == kNone)
    return false;
  unsigned bits = elemBits(type(a).elem);
  bool toFloat = isIntTensor(a);
  Elem to = bits == 64   ? (toFloat ? Elem::F64 : Elem::I64)
            : bits == 32 ? (toFloat ? Elem::F32 : Elem::I32)
            : bits == 16 ? (toFloat ? rng_.any({Elem::F16, Elem::BF16}) : Elem::I16)
                         : (toFloat ? rng_.any({Elem::F8E5M2, Elem::F8E4M3FN}) : Elem::I8);
  if ((to == Elem::F64 && !o_.f64) || (isFp8(to) && !o_.fp8))
    return false;
  ValueId r = b_.convert(Opcode::Bitcast, toFloat ? a : withoutNan(a), to);
  add(toFloat ? withoutNan(r) : r); // no signalling NaN goes on from here
  return true;
}

bool Generator::creation() {
  ValueId like = pick([&](ValueId v) { return isTensor(v); });
  std::vector<int64_t> shape = type(like).shape;
  switch (rng_.below(3)) {
  case 0:
    add(b_.splat(rng_.chance(50) ? n_ : s_, shape));
    return true;
  case 1:
    add(b_.splat(b_.op(Opcode::AddI, {b_.programId(0), b_.numPrograms(1)}), shape));
    return true;
  default: {
    int64_t start = rng_.below(100), n = shape[0];
    add(b_.arange(start - 50, start - 50 + n));
    return true;
  }
  }
}

bool Generator::shape() {
  ValueId a = pick([&](ValueId v) { return isTensor(v); });
  if (a == kNone)
    return false;
  const Type t = type(a);
  int64_t n = t.numElements();
  bool mayGrow = n <= 512;
  switch (rng_.below(7)) {
  case 0:
  case 1:
    add(b_.reshape(a, randomShape(n)));
    return true;
  case 2: {
    std::vector<int64_t> order;
    for (size_t d = 0; d < t.shape.size(); ++d)
      order.insert(order.begin() + rng_.below(d + 1), static_cast<int64_t>(d));
    add(b_.transpose(a, order));
    return true;
  }
  case 3: {
    if (!mayGrow || t.shape.size() > 3)
      return false;
    int64_t axis = rng_.below(t.shape.size() + 1);
    ValueId e = b_.expandDims(a, axis);
    std::vector<int64_t> grown = type(e).shape;
    grown[static_cast<size_t>(axis)] = rng_.any({1, 2, 4});
    add(grown == type(e).shape ? e : b_.broadcast(e, grown));
    return true;
  }
  case 4:
    if (!mayGrow || t.shape.size() > 3)
      return false;
    add(b_.op(Opcode::Join, {a, sibling(a)}));
    return true;
  case 5: {
    if (t.shape.back() != 2 || t.shape.size() < 2)
      return false;
    const Type half = withShape(t, std::vector<int64_t>(t.shape.begin(), t.shape.end() - 1));
    for (ValueId v : b_.multi(Opcode::Split, {a}, {half, half}))
      add(v);
    return true;
  }
  default:
    if (!mayGrow || t.shape.size() != 1)
      return false;
    add(b_.op(Opcode::Cat, {a, sibling(a)}));
    return true;
  }
}

bool Generator::step() {
  for (int tries = 0; tries < 8; ++tries) {
    unsigned kind = rng_.below(120);
    bool done = kind < 12    ? integerOp()
                : kind < 26  ? floatOp()
                : kind < 32  ? compare()
                : kind < 38  ? select()
                : kind < 48  ? convert()
                : kind < 51  ? bitcast()
                : kind < 54  ? creation()
                : kind < 64  ? shape()
                : kind < 69  ? o_.tileOps && reduce()
                : kind < 71  ? o_.tileOps && argMax()
                : kind < 75  ? o_.tileOps && scan()
                : kind < 78  ? o_.tileOps && dot()
                : kind < 81  ? o_.tileOps && sortOrGather()
                : kind < 83  ? o_.tileOps && histogram()
                : kind < 85  ? o_.elementary && depth_ == 0 && elementary()
                : kind < 87  ? philox()
                : kind < 90  ? o_.memory && maskedLoad()
                : kind < 92  ? o_.memory && depth_ == 0 && atomic()
                : kind < 94  ? o_.control && ifOp()
                : kind < 96  ? o_.control && forOp()
                : kind < 98  ? o_.control && whileOp()
                : kind < 100 ? o_.control && mapElementwise()
                : kind < 103 ? o_.elementary && depth_ == 0 && elementary()
                : kind < 106 ? fusedProduct()
                : kind < 108 ? o_.tileOps && o_.dotScaled && dotScaled()
                : kind < 109 ? o_.effects && print()
                : kind < 111 ? o_.effects && assertion()
                : kind < 113 ? promise()
                : kind < 115 ? o_.memory && addresses()
                : kind < 116 ? o_.tileOps && singleElement()
                : kind < 117 ? unread()
                : kind < 118 ? o_.effects && barrier()
                             : o_.control && o_.tileOps && o_.effects && longCombiner();
    if (done)
      return true;
  }
  return false;
}

} // namespace tessera::samples
