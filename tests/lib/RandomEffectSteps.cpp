// RandomEffectSteps.cpp - random prints, asserts, promises, barriers, pointers as numbers, single elements
// SPDX-License-Identifier: Apache-2.0
#include "tests/lib/RandomGenerator.h"

namespace tessera::samples {

using namespace tbc;

bool Generator::print() {
  ValueId a = pick([&](ValueId v) { return isTensor(v) && type(v).numElements() <= 16; });
  if (a != kNone && isFloatTensor(a)) // the sign of a NaN is nobody's business
    a = type(a).elem == Elem::F8E4B15 ? kNone : withoutNan(a);
  Values operands;
  if (a != kNone)
    operands.push_back(a);
  if (rng_.chance(40))
    operands.push_back(rng_.chance(50) ? n_ : s_);
  Attrs attrs{strAttr(AttrId::Prefix, rng_.any({"x: ", "", "two words: "}))};
  if (rng_.chance(20))
    attrs.push_back(intAttr(AttrId::Hex, 1));
  attrs.push_back(intAttr(AttrId::Signed, rng_.below(4)));
  b_.multi(Opcode::Print, operands, {}, attrs);
  return true;
}

// What holds: a condition or its opposite; a condition where it holds; that bits are bits.
bool Generator::assertion() {
  ValueId a = pickInt(false);
  if (a == kNone)
    return false;
  ValueId c = b_.cmpi(static_cast<CmpI>(rng_.below(10)), a, sibling(a));
  Values operands;
  switch (rng_.below(3)) {
  case 0:
    operands = {b_.op(Opcode::OrI, {c, b_.op(Opcode::XorI, {c, b_.constInt(type(c), 1)})})};
    break;
  case 1:
    operands = {c, c};
    break;
  default:
    operands = {b_.cmpi(CmpI::Ule, b_.op(Opcode::AndI, {a, constantOf(a, 7)}), constantOf(a, 7))};
  }
  b_.multi(Opcode::Assert, operands, {}, {strAttr(AttrId::Message, "holds")});
  return true;
}

// Promises that are true, and values that rely on them.
bool Generator::promise() {
  if (depth_ == 0 && rng_.chance(10)) // no more than there are
    b_.multi(Opcode::GridStride, {b_.constInt(Builder::scalar(Elem::I64), static_cast<int64_t>(rng_.below(2)))}, {},
             {intAttr(AttrId::Axis, static_cast<int64_t>(rng_.below(3)))});
  switch (rng_.below(4)) {
  case 0:
    b_.multi(Opcode::Assume, {b_.cmpi(CmpI::Sge, n_, b_.i32(0))}, {});
    add(b_.splat(b_.op(Opcode::DivSI, {n_, b_.i32(4)}), {16}));
    return true;
  case 1: // (any of a's bits) / 16 * 16
  {
    ValueId a = pick([&](ValueId v) { return isIntTensor(v) && type(v).elem == Elem::I32; });
    if (a == kNone)
      return false;
    std::vector<int64_t> sixteens(type(a).shape.size(), 16);
    add(b_.op(Opcode::Hint, {b_.op(Opcode::AndI, {a, constantOf(a, -16)})},
              {intsAttr(AttrId::Divisibility, sixteens)}));
    return true;
  }
  case 2: {
    int64_t n = int64_t(1) << (3 + rng_.below(4)), start = 16 * static_cast<int64_t>(rng_.below(5));
    add(b_.op(Opcode::Hint, {b_.arange(start, start + n)},
              {intsAttr(AttrId::Divisibility, {16}), intsAttr(AttrId::Contiguity, {n})}));
    return true;
  }
  default: {
    const std::vector<int64_t> shape = randomShape(64);
    add(b_.op(Opcode::Hint, {b_.splat(n_, shape)}, {intsAttr(AttrId::Constancy, shape)}));
    return true;
  }
  }
}

// Elements of an input through addresses as integers, and differences of such addresses.
bool Generator::addresses() {
  const auto [pointer, elements] = inputs_[rng_.below(inputs_.size())];
  ValueId i = b_.arange(0, elements);
  ValueId places = b_.op(Opcode::AddPtr, {b_.splat(pointer, {elements}), i});
  ValueId numbers = b_.op(Opcode::PtrToInt, {places}, Builder::tensor({elements}, Elem::I64));
  ValueId base = b_.op(Opcode::PtrToInt, {pointer}, Builder::scalar(Elem::I64));
  ValueId distance = b_.op(Opcode::SubI, {numbers, b_.splat(base, {elements})});
  if (rng_.chance(50)) {
    add(distance);
    return true;
  }
  // Back to front.
  auto bytes = static_cast<int64_t>(type(pointer).elem == Elem::I1 ? 1 : elemBits(type(pointer).elem) / 8);
  ValueId mirrored = b_.op(Opcode::SubI, {b_.constInt(type(distance), bytes * (elements - 1)), distance});
  ValueId sum = b_.op(Opcode::AddI, {b_.splat(base, {elements}), mirrored});
  add(b_.load(b_.op(Opcode::IntToPtr, {sum}, Builder::ptrTensor({elements}, type(pointer).elem))));
  return true;
}

bool Generator::singleElement() {
  ValueId a = pick([&](ValueId v) { return isIntTensor(v) && type(v).shape.size() == 1; });
  if (a == kNone)
    return false;
  ValueId r = b_.reduce(b_.expandDims(a, 1), 0, rng_.any({Opcode::AddI, Opcode::XorI, Opcode::MaxSI})); // <1>
  if (rng_.chance(50))
    r = b_.expandDims(r, rng_.below(2));
  add(b_.splat(b_.op(Opcode::ExtractScalar, {r}), {16}));
  return true;
}

// Of a value and one that nobody may look at, the value.
bool Generator::unread() {
  ValueId a = pick([&](ValueId v) { return isTensor(v); });
  if (a == kNone)
    return false;
  ValueId poison = b_.op(Opcode::Poison, {}, type(a));
  bool first = rng_.chance(50);
  ValueId i = b_.arange(0, type(a).numElements());
  ValueId always = b_.cmpi(first ? CmpI::Sge : CmpI::Slt, i, b_.constInt(type(i), 0));
  if (type(a).shape.size() != 1)
    always = b_.reshape(always, type(a).shape);
  add(b_.op(Opcode::Select, {always, first ? a : poison, first ? poison : a}));
  return true;
}

bool Generator::barrier() {
  b_.multi(Opcode::Barrier, {}, {});
  return true;
}

// A combiner with branches and asserts: the greater of two, said in more words.
bool Generator::longCombiner() {
  ValueId a = pickInt(false);
  if (a == kNone)
    return false;
  Elem e = type(a).elem;
  auto body = [&](std::span<const ValueId> x) {
    ValueId greater = b_.cmpi(CmpI::Sgt, x[0], x[1]);
    ValueId r = b_.ifElse(greater, {Builder::scalar(e)}, [&] { return Values{x[0]}; }, [&] { return Values{x[1]}; })[0];
    b_.multi(Opcode::Assert, {b_.cmpi(CmpI::Sge, r, x[0])}, {}, {strAttr(AttrId::Message, "not less")});
    return Values{r};
  };
  int64_t axis = rng_.below(type(a).shape.size());
  ValueId r = rng_.chance(50) ? b_.reduce({a}, axis, body)[0] : b_.scan({a}, axis, body, rng_.chance(40))[0];
  add(isTensor(r) ? r : b_.splat(r, {16}));
  return true;
}

} // namespace tessera::samples
