// Reduce.cpp - reductions along an axis: registers, then lanes, then warps
//
// SPDX-License-Identifier: Apache-2.0
#include "core/codegen/simt/Emitter.h"

#include <bit>

using namespace llvm;
using tessera::layout::AxisRun;
using tessera::layout::AxisSplit;
using tessera::layout::LinearLayout;
using tessera::layout::Place;
using tessera::layout::WarpExchange;
using tessera::tbc::AttrId;
using tessera::tbc::Op;
using tessera::tbc::Opcode;

namespace tessera::codegen::simt {

// Numbers made of bits of the mask, ascending.
static SmallVector<unsigned> subsetsOf(uint64_t mask) {
  SmallVector<unsigned> out;
  uint64_t s = 0;
  do
    out.push_back(static_cast<unsigned>(s));
  while ((s = (s - mask) & mask));
  return out;
}

static uint64_t rowRegisters(const LinearLayout &l, const AxisSplit &s) {
  return ((uint64_t(1) << l.inBits(layout::kRegister)) - 1) & ~s.registers & ~s.registerCopies;
}

// One tuple a row that the lane has a part of. Halves, so that all rows go on at once in many independent chains and
// neighbouring registers, which may share a wider one, stay neighbours.
Emitter::Tuples Emitter::reduceRegisters(const Combiner &c, const LinearLayout &l, const AxisSplit &s) {
  SmallVector<unsigned> rows = subsetsOf(rowRegisters(l, s)), along = subsetsOf(s.registers);
  Tuples parts;
  for (tbc::ValueId operand : c.op.operands) {
    Registers r;
    for (unsigned a : along)
      for (unsigned row : rows)
        r.push_back(of(operand)[a | row]);
    parts.push_back(std::move(r));
  }
  return combineHalves(c, std::move(parts), static_cast<unsigned>(rows.size()));
}

// What the lane has whose number differs in the bits of the mask.
Emitter::Tuples Emitter::shuffled(const Tuples &t, unsigned mask) {
  Tuples out(t.size());
  for (size_t i = 0; i < t.size(); ++i)
    for (V v : t[i])
      out[i].push_back(shuffleXor(v, mask));
  return out;
}

// ---- lanes ---------------------------------------------------------------------------------------------------------

// Integers of up to 32 bits over a whole subgroup, where the device has an instruction for it.
bool Emitter::reduceByInstruction(const Combiner &c, const AxisSplit &s, Tuples &parts) {
  if (c.plain.empty() || s.lanes != target_.lanes() - 1)
    return false;
  static const std::pair<Opcode, tbc::Rmw> kinds[] = {{Opcode::AddI, tbc::Rmw::Add},   {Opcode::MaxSI, tbc::Rmw::Max},
                                                      {Opcode::MinSI, tbc::Rmw::Min},  {Opcode::MaxUI, tbc::Rmw::UMax},
                                                      {Opcode::MinUI, tbc::Rmw::UMin}, {Opcode::AndI, tbc::Rmw::And},
                                                      {Opcode::OrI, tbc::Rmw::Or},     {Opcode::XorI, tbc::Rmw::Xor}};
  Tuples out(parts.size());
  for (size_t i = 0; i < parts.size(); ++i) {
    const auto *kind = find_if(kinds, [&](auto &k) { return k.first == c.plain[i]->code; });
    Type *t = parts[i][0]->getType();
    if (kind == std::end(kinds) || !t->isIntegerTy() || t->getIntegerBitWidth() > 32)
      return false;
    for (V v : parts[i]) {
      bool isSigned = kind->second == tbc::Rmw::Max || kind->second == tbc::Rmw::Min;
      V wide = isSigned ? b_.CreateSExt(v, b_.getInt32Ty()) : b_.CreateZExt(v, b_.getInt32Ty());
      V whole = target_.reduceWarp(b_, kind->second, wide);
      if (!whole)
        return false;
      out[i].push_back(b_.CreateTrunc(whole, t));
    }
  }
  parts = std::move(out);
  return true;
}

namespace {
// How the lanes of a row combine what they hold of several rows. First `halvings` lane bits deal the rows out: one shuffle a pair
// of rows, each lane of the pair then goes on with one of them. The other bits combine whole rows, and where every lane must have every
// row in the end, the halvings are undone.
struct LanePlan {
  unsigned halvings = 0;
  static LanePlan make(unsigned rows, unsigned laneBits, unsigned words, bool undo) {
    // Issue slots: a shuffle takes four times as long as an addition or a selection of a word. Shuffles that wait for each other cost their
    // latency, some 24 clocks of which other warps of the scheduler fill three quarters: few rows do not hide it by themselves.
    constexpr unsigned kStep = 6;
    unsigned shuffle = 4 * words, select = words, best = ~0u;
    LanePlan plan;
    for (unsigned h = 0; h <= laneBits && (1u << h) <= rows; ++h) {
      unsigned cost = (laneBits - h) * (rows >> h) * (shuffle + 1) + kStep * (laneBits + (undo ? h : 0));
      for (unsigned step = 1; step <= h; ++step)
        cost += (rows >> step) * (shuffle + 2 * select + 1 + (undo ? shuffle + 2 * select : 0));
      if (cost < best)
        best = cost, plan.halvings = h;
    }
    return plan;
  }
};
} // namespace

// Instructions, about, of a region that combines tuples.
static unsigned instructionsOf(const tbc::Region &region) {
  unsigned n = 0;
  for (const tbc::Op &op : region.ops) {
    n += op.code == tbc::Opcode::DivF ? 8 : op.code == tbc::Opcode::Yield ? 0 : 1; // a reciprocal, and its range
    for (const tbc::Region &inner : op.regions)
      n += instructionsOf(inner);
  }
  return n;
}

// How many bits of the warp number the lanes of a warp deal among themselves when they read what `1 << warpBits` warps wrote for each of
// `rows` rows, words of 32 bits: they combine those by shuffles. Alone, each lane of each warp reads every value. region: instructions of one
// combination that takes more than one, after which the first lane's result must go to all; else 0.
static unsigned warpBitsOfLanes(unsigned warpBits, unsigned rows, unsigned words, unsigned region) {
  // Clocks of a multiprocessor until all warps are through: it gives all lanes of a warp a word a clock, by a load or by a shuffle, also where
  // they are all the same. A shuffle and what combines with it keep the warp waiting.
  constexpr unsigned kStep = 28;
  unsigned best = 0, least = ~0u;
  for (unsigned h = 0; h <= warpBits; ++h) {
    unsigned clocks = ((rows * words * ((1u << (warpBits - h)) + h)) << warpBits) + kStep * h;
    if (region) { // four warps issue at once
      clocks += (rows * region * ((1u << (warpBits - h)) - 1 + h)) << warpBits >> 2;
      clocks += h ? (rows * words << warpBits) + kStep : 0;
    }
    if (clocks < least)
      least = clocks, best = h;
  }
  return best;
}

Emitter::Tuples Emitter::fromFirstLane(Tuples parts, uint64_t lanes) {
  V first = b_.CreateAnd(lane_, i32(static_cast<int64_t>(~lanes & (target_.lanes() - 1))));
  for (Registers &r : parts)
    for (V &v : r)
      v = shuffle(v, first);
  return parts;
}

// No sum in it takes the product that it adds as one operation with it.
static void keepRounded(Value *v) {
  auto *instruction = dyn_cast<Instruction>(v);
  while (instruction && isa<CastInst, ExtractElementInst, InsertElementInst>(instruction))
    instruction = dyn_cast<Instruction>(instruction->getOperand(isa<InsertElementInst>(instruction) ? 1 : 0));
  if (instruction && isa<FPMathOperator>(instruction))
    instruction->setHasAllowContract(false);
}

// Leaves each row's tuple in all lanes along the axis; or, for an exchange between warps that follows, in the lanes that it returns:
// lane bit -> the element's bit that it counts.
std::vector<std::pair<unsigned, uint64_t>> Emitter::reduceLanes(const Combiner &c, const LinearLayout &l,
                                                                const AxisSplit &s, Tuples &parts) {
  if (!s.lanes || reduceByInstruction(c, s, parts))
    return {};
  SmallVector<unsigned> bits;
  for (uint64_t rest = s.lanes; rest; rest &= rest - 1)
    bits.push_back(static_cast<unsigned>(std::countr_zero(rest)));
  if (c.plain.empty()) {
    // The region may give other bits for exchanged arguments (an equal maximum at two places, a rounding): the first lane decides, or
    // copies of the result would differ.
    for (unsigned bit : bits)
      parts = combine(c, parts, shuffled(parts, 1u << bit));
    parts = fromFirstLane(parts, s.lanes);
    return {};
  }
  unsigned words = 1;
  for (const Registers &r : parts)
    words = std::max(words, r[0]->getType()->isPointerTy() ? 2u : r[0]->getType()->getScalarSizeInBits() / 32);
  bool undo = !s.warps;
  auto rows = static_cast<unsigned>(parts[0].size());
  LanePlan plan = LanePlan::make(rows, static_cast<unsigned>(bits.size()), words, undo);
  SmallVector<uint64_t> rowColumns; // of the register bits that count rows
  std::vector<uint64_t> columns = l.columnsOf(layout::kRegister);
  for (uint64_t rest = rowRegisters(l, s); rest; rest &= rest - 1)
    rowColumns.push_back(columns[static_cast<size_t>(std::countr_zero(rest))]);

  auto isUpper = [&](unsigned bit) { return b_.CreateICmpNE(b_.CreateAnd(lane_, i32(int64_t(1) << bit)), i32(0)); };
  std::vector<std::pair<unsigned, uint64_t>> moved;
  for (unsigned h = 0; h < plan.halvings; ++h) {
    V upper = isUpper(bits[h]);
    Tuples low, high;
    for (const Registers &r : parts) {
      low.emplace_back(ArrayRef(r).take_front(r.size() / 2));
      high.emplace_back(ArrayRef(r).drop_front(r.size() / 2));
    }
    Tuples kept = selectTuples(upper, high, low), sent = selectTuples(upper, low, high);
    parts = combine(c, kept, shuffled(sent, 1u << bits[h]));
    moved.push_back({bits[h], rowColumns.pop_back_val()});
  }
  for (unsigned bit : ArrayRef(bits).drop_front(plan.halvings)) {
    parts = combine(c, parts, shuffled(parts, 1u << bit));
    // Of a product the lane's own is exact in a fused operation and the other lane's is rounded: the two would get different sums.
    for (const Registers &r : parts)
      for_each(r, keepRounded);
  }
  if (!undo)
    return moved;
  for (unsigned h = plan.halvings; h-- > 0;) {
    V upper = isUpper(bits[h]);
    Tuples other = shuffled(parts, 1u << bits[h]), low = selectTuples(upper, other, parts),
           high = selectTuples(upper, parts, other);
    for (size_t i = 0; i < parts.size(); ++i) {
      parts[i] = std::move(low[i]);
      parts[i].append(high[i].begin(), high[i].end());
    }
  }
  return {};
}

// ---- the whole -----------------------------------------------------------------------------------------------------

void Emitter::reduce(const Op &o) {
  const LinearLayout &l = layoutOf(type(o.operands[0]));
  AxisSplit s = axisOf(o);
  Combiner c = combinerOf(o);
  Tuples parts = reduceRegisters(c, l, s);
  std::vector<std::pair<unsigned, uint64_t>> moved = reduceLanes(c, l, s, parts);
  if (s.warps) {
    AxisRun warps{Place::Warp, {}, 0};
    for (const AxisRun &run : s.runs)
      if (run.place == Place::Warp) {
        warps.bits.insert(warps.bits.end(), run.bits.begin(), run.bits.end());
        warps.elements |= run.elements;
      }
    size_t rows = size_t(1) << std::popcount(rowRegisters(l, s));
    unsigned words = 0;
    for (tbc::ValueId operand : o.operands)
      words += (type(operand).elementBytes() + 3) / 4;
    unsigned dealt = warpBitsOfLanes(static_cast<unsigned>(warps.bits.size()), static_cast<unsigned>(rows), words,
                                     c.plain.empty() ? instructionsOf(o.regions[0]) : 0);
    std::vector<WarpExchange> plans;
    std::vector<uint64_t> offsets;
    uint64_t bytes = 0;
    for (tbc::ValueId operand : o.operands) {
      unsigned bits = type(operand).elementBytes() * 8;
      plans.push_back(layout::exchangeAlong(l, warps, s.elements & ~warps.elements, bits, moved, dealt));
      offsets.push_back(bytes);
      bytes += layout::reductionScratch(l, static_cast<unsigned>(o.intAttr(AttrId::Axis)), bits);
    }
    parts = exchange(o, scratch(o, bytes), offsets, plans, parts);
    parts = combineHalves(c, std::move(parts), static_cast<unsigned>(rows));
    uint64_t dealing = 0;
    for (unsigned lane : plans[0].lanes) {
      parts = combine(c, parts, shuffled(parts, 1u << lane));
      dealing |= uint64_t(1) << lane;
    }
    if (dealing && c.plain.empty())
      parts = fromFirstLane(parts, dealing);
  }
  for (size_t i = 0; i < o.results.size(); ++i)
    set(o.results[i], std::move(parts[i]));
}

} // namespace tessera::codegen::simt
