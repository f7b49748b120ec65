// RandomTileSteps.cpp - random whole-tile ops, memory and control flow
// SPDX-License-Identifier: Apache-2.0
#include "core/bytecode/Infer.h"
#include "tests/lib/RandomGenerator.h"

#include <algorithm>

namespace tessera::samples {

using namespace tbc;

namespace {
using Span = std::span<const ValueId>;
}

bool Generator::reduce() {
  ValueId a = pick([&](ValueId v) { return isTensor(v); });
  if (a == kNone)
    return false;
  Opcode code;
  if (isFloatTensor(a)) {
    code = rng_.any({Opcode::AddF, Opcode::MaxNumF, Opcode::MinNumF, Opcode::MaximumF});
    if (code == Opcode::AddF) { // of whole numbers: exact in any order, while they fit
      if (isFp8(type(a).elem))
        return false;
      a = smallIntegers(a);
      if (elemBits(type(a).elem) < 32)
        a = b_.convert(Opcode::FPToFP, a, Elem::F32);
    }
  } else {
    code =
        rng_.any({Opcode::AddI, Opcode::MaxSI, Opcode::MinUI, Opcode::XorI, Opcode::AndI, Opcode::OrI, Opcode::MulI});
  }
  ValueId r = b_.reduce(a, rng_.below(type(a).shape.size()), code);
  if (!isTensor(r))
    r = b_.splat(r, {16});
  add(r);
  return true;
}

bool Generator::argMax() {
  ValueId a = pickFloat();
  if (a == kNone)
    return false;
  a = b_.op(Opcode::AddF, {withoutNan(a), constantOf(a, 0)}); // no -0, which equals 0 and differs from it
  const Type t = type(a);
  int64_t axis = rng_.below(t.shape.size()), n = t.shape[static_cast<size_t>(axis)];
  ValueId index = b_.arange(0, n);
  for (size_t d = 0; d < t.shape.size(); ++d)
    if (static_cast<int64_t>(d) != axis)
      index = b_.expandDims(index, static_cast<int64_t>(d));
  if (type(index).shape != t.shape)
    index = b_.broadcast(index, t.shape);
  Values r = b_.reduce({a, index}, axis, [&](Span x) {
    ValueId greater = b_.cmpf(CmpF::Ogt, x[0], x[2]), equal = b_.cmpf(CmpF::Oeq, x[0], x[2]),
            first = b_.cmpi(CmpI::Slt, x[1], x[3]);
    ValueId take = b_.op(Opcode::OrI, {greater, b_.op(Opcode::AndI, {equal, first})});
    return Values{b_.op(Opcode::Select, {take, x[0], x[2]}), b_.op(Opcode::Select, {take, x[1], x[3]})};
  });
  for (ValueId v : r)
    add(isTensor(v) ? v : b_.splat(v, {8}));
  return true;
}

// A row along one axis of a tile.
ValueId Generator::along(ValueId row, size_t axis, const std::vector<int64_t> &shape) {
  for (size_t d = 0; d < shape.size(); ++d)
    if (d != axis)
      row = b_.expandDims(row, static_cast<int64_t>(d));
  return type(row).shape == shape ? row : b_.broadcast(row, shape);
}

// Elements of an input, which are few and whole: by its axes, one of which may be masked.
ValueId Generator::factor(const std::vector<int64_t> &shape) {
  const auto [pointer, elements] = inputs_[rng_.below(2)];
  ValueId at = kNone;
  for (size_t d = 0; d < shape.size(); ++d) {
    ValueId index = along(b_.arange(0, shape[d]), d, shape);
    index = b_.op(Opcode::MulI, {index, constantOf(index, rng_.any({1, 5, 16, 32}))});
    at = at == kNone ? index : b_.op(Opcode::AddI, {at, index});
  }
  at = b_.op(Opcode::AndI, {at, constantOf(at, static_cast<double>(elements - 1))});
  ValueId p = b_.op(Opcode::AddPtr, {b_.splat(pointer, shape), at}), inside = kNone, other = kNone;
  if (rng_.chance(25)) {
    size_t d = rng_.below(shape.size());
    ValueId row = b_.arange(0, shape[d]);
    inside = along(b_.cmpi(CmpI::Slt, row, constantOf(row, 1 + rng_.below(static_cast<uint64_t>(shape[d])))), d, shape);
    other = constant(withElem(type(p), type(p).elem));
  }
  ValueId v = b_.load(p, inside, other);
  if (isFloatTensor(v))
    return smallIntegers(v);
  return b_.convert(Opcode::SIToFP, b_.op(Opcode::AndI, {v, constantOf(v, 7)}), Elem::F32);
}

// Factors that have some axes of a tile each, multiplied and combined along one: the tile is more than a lane holds, and its dims are often equal, so that one arange is the rows of one
// factor and the columns of another.
void Generator::largeProduct() {
  using Dims = std::vector<int64_t>;
  const Dims dims = rng_.any<Dims>({{16, 16, 16}, {16, 16, 16}, {4, 32, 32}, {8, 32, 32}, {32, 32, 8}, {64, 64}});
  unsigned all = (1u << dims.size()) - 1, seen = 0;
  ValueId product = kNone;
  for (unsigned left = 2 + rng_.below(2); left > 0; --left) {
    unsigned axes = 1 + rng_.below(all);
    if (left == 1)
      axes |= all & ~seen;
    seen |= axes;
    Dims own;
    for (size_t d = 0; d < dims.size(); ++d)
      if (axes >> d & 1)
        own.push_back(dims[d]);
    ValueId v = factor(own);
    for (size_t d = 0; d < dims.size(); ++d)
      if (!(axes >> d & 1))
        v = b_.expandDims(v, static_cast<int64_t>(d));
    if (type(v).shape != dims)
      v = b_.broadcast(v, dims);
    product = product == kNone ? v : b_.op(Opcode::MulF, {product, v});
  }
  output(b_.reduce(product, rng_.below(dims.size()), rng_.any({Opcode::AddF, Opcode::AddF, Opcode::MaxNumF})), 0);
}

bool Generator::scan() {
  ValueId a = pick([&](ValueId v) { return isTensor(v); });
  if (a == kNone)
    return false;
  Opcode code = isFloatTensor(a) ? rng_.any({Opcode::MaxNumF, Opcode::MinNumF})
                                 : rng_.any({Opcode::AddI, Opcode::MaxSI, Opcode::XorI, Opcode::MulI});
  if (isFloatTensor(a) && elemBits(type(a).elem) >= 32 && rng_.chance(50)) {
    a = smallIntegers(a);
    code = Opcode::AddF;
  }
  add(b_.scan(
      {a}, rng_.below(type(a).shape.size()), [&](Span x) { return Values{b_.op(code, {x[0], x[1]})}; },
      rng_.chance(40))[0]);
  return true;
}

bool Generator::dot() {
  // Whole numbers up to 3 in magnitude: every partial sum is exact in every type and order.
  ValueId a = pick([&](ValueId v) { return isTensor(v) && type(v).elem != Elem::I1; });
  if (a == kNone)
    return false;
  int64_t n = type(a).numElements();
  if (n < 64 || n > 1024)
    return false;
  bool integers = isIntTensor(a);
  if (integers) {
    if (type(a).elem != Elem::I8)
      a = b_.convert(Opcode::TruncI, a, Elem::I8);
  } else {
    a = smallIntegers(a);
  }
  Elem e = type(a).elem;
  bool batched = rng_.chance(25);
  int64_t batch = batched ? 2 : 1, rest = n / batch, k = int64_t(1) << (2 + rng_.below(2)), m = rest / k;
  std::vector<int64_t> lhs = batched ? std::vector<int64_t>{batch, m, k} : std::vector<int64_t>{m, k};
  std::vector<int64_t> rhs = batched ? std::vector<int64_t>{batch, k, m} : std::vector<int64_t>{k, m};
  std::vector<int64_t> out = batched ? std::vector<int64_t>{batch, m, m} : std::vector<int64_t>{m, m};
  if (m > 64)
    return false;
  Elem acc = integers                            ? Elem::I32
             : e == Elem::F64                    ? Elem::F64
             : e == Elem::F16 && rng_.chance(40) ? Elem::F16
                                                 : Elem::F32;
  ValueId c = integers ? b_.constInt(Builder::tensor(out, acc), rng_.below(10))
                       : b_.constFloat(Builder::tensor(out, acc), rng_.below(10));
  Attrs attrs;
  if (e == Elem::F32)
    attrs.push_back(intAttr(AttrId::Precision, static_cast<int64_t>(DotPrecision::IEEE)));
  add(b_.op(Opcode::Dot, {b_.reshape(a, lhs), b_.reshape(a, rhs), c}, attrs));
  return true;
}

bool Generator::sortOrGather() {
  ValueId a = pick([&](ValueId v) { return isTensor(v); });
  if (a == kNone)
    return false;
  const Type t = type(a);
  int64_t axis = rng_.below(t.shape.size());
  if (rng_.chance(50)) {
    if (isFloat(t.elem)) // equal keys must be equal bits
      a = b_.op(Opcode::AddF, {a, constantOf(a, 0)});
    Attrs attrs{intAttr(AttrId::Axis, axis)};
    if (rng_.chance(50))
      attrs.push_back(intAttr(AttrId::Descending, 1));
    add(b_.op(Opcode::Sort, {a}, attrs));
    return true;
  }
  ValueId index = pick([&](ValueId v) {
    return type(v).shape == t.shape && isIntTensor(v) && (type(v).elem == Elem::I32 || type(v).elem == Elem::I64);
  });
  int64_t extent = t.shape[static_cast<size_t>(axis)];
  if (index == kNone || (extent & (extent - 1)))
    return false;
  index = b_.op(Opcode::AndI, {index, constantOf(index, static_cast<double>(extent - 1))});
  add(b_.op(Opcode::Gather, {a, index}, {intAttr(AttrId::Axis, axis)}));
  return true;
}

bool Generator::histogram() {
  ValueId a =
      pick([&](ValueId v) { return isIntTensor(v) && (type(v).elem == Elem::I32 || type(v).elem == Elem::I64); });
  if (a == kNone)
    return false;
  if (type(a).shape.size() != 1)
    a = b_.reshape(a, {type(a).numElements()});
  Values operands{a};
  if (rng_.chance(50))
    operands.push_back(mask(type(a)));
  add(b_.op(Opcode::Histogram, operands,
            Builder::tensor({rng_.any({int64_t(4), int64_t(16), int64_t(32)})}, Elem::I32)));
  return true;
}

bool Generator::philox() {
  ValueId a =
      pick([&](ValueId v) { return isIntTensor(v) && (type(v).elem == Elem::I32 || type(v).elem == Elem::I64); });
  if (a == kNone)
    return false;
  const Type t = type(a);
  Values words = b_.multi(Opcode::Philox, {constant(t), constant(t), a, sibling(a), constant(t), constant(t)},
                          {t, t, t, t}, {intAttr(AttrId::NumRounds, rng_.any({7, 10}))});
  add(words[rng_.below(4)]);
  return true;
}

// Some of this program's elements of an input, in another order or with holes.
bool Generator::maskedLoad() {
  const auto [pointer, elements] = inputs_[rng_.below(inputs_.size())];
  ValueId i = pick([&](ValueId v) { return isIntTensor(v) && type(v).elem == Elem::I32; });
  if (i == kNone)
    return false;
  i = b_.op(Opcode::AndI, {i, constantOf(i, static_cast<double>(elements - 1))});
  ValueId p = b_.op(Opcode::AddPtr, {b_.splat(pointer, type(i).shape), i});
  const Type t = withElem(type(p), type(p).elem);
  add(b_.load(p, mask(t), constant(t)));
  return true;
}

// Each element once: the old values are zero, and nobody else's.
bool Generator::atomic() {
  auto n = static_cast<int64_t>(o_.elements);
  ValueId v = pick([&](ValueId w) {
    return type(w).isTensor() && type(w).numElements() == n &&
           (type(w).elem == Elem::I32 || type(w).elem == Elem::I64 || type(w).elem == Elem::F32);
  });
  if (v == kNone)
    return false;
  if (type(v).shape.size() != 1)
    v = b_.reshape(v, {n});
  ValueId offset;
  ValueId p = parameter(type(v).elem, o_.elements, false, 0, offset);
  ValueId place =
      b_.op(Opcode::XorI,
            {b_.arange(0, n), b_.constInt(Builder::tensor({n}, Elem::I32), rng_.below(static_cast<uint64_t>(n)))});
  ValueId pointers = b_.op(Opcode::AddPtr, {b_.splat(p, {n}), place});
  bool isFloatValue = isFloatTensor(v);
  Rmw kind =
      isFloatValue
          ? rng_.any({Rmw::FAdd, Rmw::Xchg})
          : rng_.any({Rmw::Add, Rmw::Max, Rmw::Min, Rmw::UMax, Rmw::UMin, Rmw::And, Rmw::Or, Rmw::Xor, Rmw::Xchg});
  if (rng_.chance(20) && !isFloatValue) {
    add(b_.op(Opcode::AtomicCas, {pointers, constantOf(v, 0), v}));
    return true;
  }
  ValueId m = rng_.chance(50) ? mask(type(v)) : kNone;
  ValueId old = b_.atomicRmw(kind, pointers, v, m);
  if (m == kNone)
    add(old);
  return true;
}

// A few steps over the region's arguments and everything outside; yields values of these types.
Values Generator::inRegion(Span args, const std::vector<Type> &yields) {
  size_t before = pool_.size();
  ++depth_;
  for (ValueId v : args)
    if (isTensor(v))
      add(v);
  for (unsigned i = 0, n = 1 + rng_.below(3); i < n; ++i)
    step();
  Values given;
  for (const Type &t : yields) {
    ValueId found = kNone;
    for (size_t i = pool_.size(); i-- > 0 && found == kNone;)
      if (type(pool_[i]) == t && (i >= before + args.size() || rng_.chance(50)))
        found = pool_[i];
    given.push_back(found != kNone ? found : constant(t));
  }
  --depth_;
  pool_.resize(before);
  return given;
}

bool Generator::ifOp() {
  ValueId a = pick([&](ValueId v) { return isTensor(v); }), c = pick([&](ValueId v) { return isTensor(v); });
  if (a == kNone || c == kNone || depth_ > 2)
    return false;
  std::vector<Type> types{type(a), type(c)};
  ValueId cond = rng_.chance(50) ? b_.cmpi(CmpI::Eq, b_.op(Opcode::AndI, {program_, b_.i32(1)}), b_.i32(rng_.below(2)))
                                 : b_.cmpf(CmpF::Olt, s_, b_.f32(static_cast<double>(rng_.below(5)) - 2));
  for (ValueId v : b_.ifElse(cond, types, [&] { return inRegion({}, types); }, [&] { return inRegion({}, types); }))
    add(v);
  return true;
}

bool Generator::forOp() {
  ValueId a = pick([&](ValueId v) { return isTensor(v); }), c = pick([&](ValueId v) { return isTensor(v); });
  if (a == kNone || c == kNone || depth_ > 2)
    return false;
  std::vector<Type> types{type(a), type(c)};
  ValueId lower = b_.i32(rng_.below(3)),
          upper = rng_.chance(50) ? b_.i32(rng_.below(6)) : b_.op(Opcode::AndI, {n_, b_.i32(3)});
  for (ValueId v : b_.forLoop(lower, upper, b_.i32(1 + rng_.below(2)), {a, c}, [&](ValueId i, Span carried) {
         ValueId spread = b_.splat(i, {16});
         Values args(carried.begin(), carried.end());
         args.push_back(spread);
         return inRegion(args, types);
       }))
    add(v);
  return true;
}

bool Generator::whileOp() {
  ValueId a = pick([&](ValueId v) { return isTensor(v); });
  if (a == kNone || depth_ > 2)
    return false;
  std::vector<Type> types{type(a)};
  Values r = b_.whileLoop(
      {b_.i32(rng_.below(4)), a}, [&](Span x) { return Values{b_.cmpi(CmpI::Sgt, x[0], b_.i32(0)), x[0], x[1]}; },
      [&](Span x) {
        Values next = inRegion(x.subspan(1), types);
        return Values{b_.op(Opcode::SubI, {x[0], b_.i32(1)}), next[0]};
      });
  add(r[1]);
  return true;
}

bool Generator::mapElementwise() {
  ValueId a = pickInt(false);
  if (a == kNone)
    return false;
  int64_t pack = type(a).numElements() % 2 ? 1 : rng_.any({1, 2});
  ValueId c = sibling(a);
  Elem e = type(a).elem;
  add(b_.mapElementwise({a, c}, pack, {e}, [&](Span x) {
    auto p = static_cast<size_t>(pack);
    Values out;
    for (size_t i = 0; i < p; ++i)
      out.push_back(b_.ifElse(
          b_.cmpi(CmpI::Slt, x[i], x[p + (i + 1) % p]), {Builder::scalar(e)},
          [&] { return Values{b_.op(Opcode::SubI, {x[p + i], x[i]})}; },
          [&] { return Values{b_.op(Opcode::XorI, {x[i], x[p + i]})}; })[0]);
    return out;
  })[0]);
  return true;
}

} // namespace tessera::samples
