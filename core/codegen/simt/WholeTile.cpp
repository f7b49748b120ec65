// WholeTile.cpp - which whole-tile op goes where, and what reductions and scans share: combiners, exchanges between warps
//
// SPDX-License-Identifier: Apache-2.0
#include "core/codegen/simt/Emitter.h"

#include <bit>
#include <utility>

using namespace llvm;
using tessera::layout::AxisSplit;
using tessera::layout::WarpExchange;
using tessera::tbc::AttrId;
using tessera::tbc::Op;
using tessera::tbc::Opcode;

namespace tessera::codegen::simt {

bool Emitter::wholeTile(const Op &o) {
  switch (o.code) {
  case Opcode::Reduce:
    reduce(o);
    return true;
  case Opcode::Scan:
    scan(o);
    return true;
  case Opcode::Sort:
    sort(o);
    return true;
  case Opcode::Gather:
    gather(o);
    return true;
  case Opcode::Histogram:
    histogram(o);
    return true;
  case Opcode::Dot:
    dot(o);
    return true;
  default:
    return false;
  }
}

AxisSplit Emitter::axisOf(const Op &o) {
  std::optional<AxisSplit> split =
      layout::splitAxis(layoutOf(type(o.operands[0])), static_cast<unsigned>(o.intAttr(AttrId::Axis)));
  if (!split)
    fail(o, "the layout of the operand is not plain along the axis");
  return std::move(*split);
}

// ---- combiners -----------------------------------------------------------------------------------------------------

static bool commutes(Opcode code) {
  switch (code) {
  case Opcode::AddI:
  case Opcode::MulI:
  case Opcode::AndI:
  case Opcode::OrI:
  case Opcode::XorI:
  case Opcode::MinSI:
  case Opcode::MaxSI:
  case Opcode::MinUI:
  case Opcode::MaxUI:
  case Opcode::AddF:
  case Opcode::MulF:
  case Opcode::MinNumF:
  case Opcode::MaxNumF:
  case Opcode::MinimumF:
  case Opcode::MaximumF:
    return true;
  default:
    return false;
  }
}

Emitter::Combiner Emitter::combinerOf(const Op &o) const {
  Combiner c{o, {}};
  const tbc::Region &r = o.regions[0];
  size_t n = o.operands.size();
  if (r.ops.size() != n + 1)
    return c;
  for (size_t i = 0; i < n; ++i) {
    const Op *found = nullptr;
    for (const Op &inner : r.ops)
      if (inner.results.size() == 1 && inner.results[0] == r.ops.back().operands[i] && commutes(inner.code))
        found = &inner;
    bool own = found && ((found->operands[0] == r.args[i] && found->operands[1] == r.args[n + i]) ||
                         (found->operands[1] == r.args[i] && found->operands[0] == r.args[n + i]));
    if (!own) {
      c.plain.clear();
      return c;
    }
    c.plain.push_back(found);
  }
  return c;
}

Emitter::Tuples Emitter::combine(const Combiner &c, const Tuples &accumulated, const Tuples &next) {
  size_t n = accumulated.size(), tuples = accumulated[0].size();
  Tuples out(n);
  if (!c.plain.empty()) { // all values of an operand at once: the target may have an instruction for pairs
    for (size_t i = 0; i < n; ++i) {
      ElemType t = ElemType::of(type(c.op.operands[i]));
      SmallVector<ArrayRef<V>> both = {accumulated[i], next[i]};
      out[i] = Registers(target_.elementwise(b_, *c.plain[i], t, t, both, false));
      if (out[i].empty())
        for (size_t at = 0; at < tuples; ++at)
          out[i].push_back(e_.lower(*c.plain[i], t, t, {accumulated[i][at], next[i][at]}));
    }
    return out;
  }
  for (size_t at = 0; at < tuples; ++at) {
    Registers arguments;
    for (const Tuples *side : {&accumulated, &next})
      for (size_t i = 0; i < n; ++i)
        arguments.push_back((*side)[i][at]);
    Registers result = inlined(c.op.regions[0], arguments);
    for (size_t i = 0; i < n; ++i)
      out[i].push_back(result[i]);
  }
  return out;
}

Emitter::Tuples Emitter::combineHalves(const Combiner &c, Tuples t, unsigned count) {
  while (t[0].size() > count) {
    size_t half = t[0].size() / 2;
    Tuples low, high;
    for (const Registers &r : t) {
      low.emplace_back(ArrayRef(r).take_front(half));
      high.emplace_back(ArrayRef(r).drop_front(half));
    }
    t = combine(c, low, high);
  }
  return t;
}

Emitter::Tuples Emitter::selectTuples(V condition, const Tuples &then, const Tuples &otherwise) {
  Tuples out(then.size());
  for (size_t i = 0; i < then.size(); ++i)
    for (size_t at = 0; at < then[i].size(); ++at)
      out[i].push_back(b_.CreateSelect(condition, then[i][at], otherwise[i][at]));
  return out;
}

// ---- exchange between warps ----------------------------------------------------------------------------------------

Value *Emitter::toMemory(V v) {
  if (v->getType()->isPointerTy())
    return b_.CreatePtrToInt(v, b_.getInt64Ty());
  return v->getType()->isIntegerTy(1) ? b_.CreateZExt(v, b_.getInt8Ty()) : v;
}

Value *Emitter::fromMemory(V v, Type *t) {
  if (t->isPointerTy())
    return b_.CreateIntToPtr(v, t);
  return t->isIntegerTy(1) ? b_.CreateICmpNE(v, b_.getInt8(0)) : v;
}

Emitter::Tuples Emitter::exchange(const Op &o, V scratch, const std::vector<uint64_t> &offsets,
                                  const std::vector<WarpExchange> &plans, const Tuples &parts) {
  auto base = [&](size_t i) { return b_.CreateConstInBoundsGEP1_64(b_.getInt8Ty(), scratch, offsets[i]); };
  auto bytes = [&](size_t i) { return type(o.operands[i]).elementBytes(); };
  std::vector<Type *> types;
  for (size_t i = 0; i < parts.size(); ++i) {
    Registers stored;
    for (V v : parts[i])
      stored.push_back(toMemory(v));
    types.push_back(stored[0]->getType());
    storeShared(base(i), plans[i].shared, plans[i].writer, stored, bytes(i));
  }
  for (const Op *copy : std::exchange(copiesInExchange_, {}))
    asynchronous(*copy);
  barrier();
  Tuples out(parts.size());
  for (size_t i = 0; i < parts.size(); ++i)
    for (V v : loadShared(base(i), plans[i].shared, plans[i].reader, types[i], bytes(i)))
      out[i].push_back(fromMemory(v, parts[i][0]->getType()));
  return out;
}

// ---- bits of lane and warp numbers ---------------------------------------------------------------------------------

Value *Emitter::closeUp(V x, ArrayRef<unsigned> bits) {
  SmallVector<uint64_t> columns(32, 0);
  for (unsigned i = 0; i < bits.size(); ++i)
    columns[bits[i]] = uint64_t(1) << i;
  return applyColumns(x, columns);
}

Value *Emitter::closeUp(V x, uint64_t mask) {
  SmallVector<unsigned> bits;
  for (; mask; mask &= mask - 1)
    bits.push_back(static_cast<unsigned>(std::countr_zero(mask)));
  return closeUp(x, bits);
}

Value *Emitter::spreadOut(V x, ArrayRef<unsigned> bits) {
  SmallVector<uint64_t> columns;
  for (unsigned bit : bits)
    columns.push_back(uint64_t(1) << bit);
  return applyColumns(x, columns);
}

} // namespace tessera::codegen::simt
