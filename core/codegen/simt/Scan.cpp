// Scan.cpp - inclusive scans along an axis, run by run of its bits
//
// SPDX-License-Identifier: Apache-2.0
#include "core/codegen/simt/Emitter.h"

#include <limits>
#include <map>

using namespace llvm;
using tessera::layout::AxisRun;
using tessera::layout::AxisSplit;
using tessera::layout::LinearLayout;
using tessera::layout::Place;
using tessera::layout::WarpExchange;
using tessera::tbc::AttrId;
using tessera::tbc::Elem;
using tessera::tbc::Op;
using tessera::tbc::Opcode;

namespace tessera::codegen::simt {

// The axis as a number: its bits fall into runs that live in registers, lanes or warps. From the lowest run up, a block is all elements
// that share the higher bits. Each run turns the totals of its blocks into the total of the block above, and leaves for every block what
// lies before it inside of that one. At the end each element is combined with what lies before its blocks, highest run first.
// A slot is a register number whose bits of finished runs, and of copies, are 0. A reverse scan counts every run from its end.
class Emitter::Scanner {
public:
  Scanner(Emitter &e, const Op &o)
      : e_(e), b_(e.b_), o_(o), l_(e.layoutOf(e.type(o.operands[0]))), split_(e.axisOf(o)), c_(e.combinerOf(o)),
        isReverse_(o.intAttr(AttrId::Reverse) != 0), hasTotals_(o.results.size() > o.operands.size()),
        registers_(1u << l_.inBits(layout::kRegister)),
        live_((registers_ - 1) & ~static_cast<unsigned>(split_.registerCopies)) {
    for (tbc::ValueId operand : o.operands)
      values_.push_back(e.of(operand));
    totals_ = values_;
    findIdentities();
  }
  void run();

private:
  using Slot = unsigned;
  // What lies before the blocks of a run, by slot. condition: where there is something; null: see `always`.
  struct Before {
    Tuples tuples;
    std::vector<V> condition;
    std::vector<bool> exists, always;
  };

  void findIdentities();
  SmallVector<Slot> slots(unsigned mask) const {
    SmallVector<Slot> out;
    for (Slot r = 0; r < registers_; ++r)
      if (!(r & ~mask))
        out.push_back(r);
    return out;
  }
  Tuples at(const Tuples &t, ArrayRef<Slot> where) const {
    Tuples out(t.size());
    for (size_t i = 0; i < t.size(); ++i)
      for (Slot r : where)
        out[i].push_back(t[i][r]);
    return out;
  }
  static void put(Tuples &t, ArrayRef<Slot> where, const Tuples &from) {
    for (size_t i = 0; i < t.size(); ++i)
      for (size_t k = 0; k < where.size(); ++k)
        t[i][where[k]] = from[i][k];
  }
  Before nothing() const {
    return {Tuples(values_.size(), Registers(registers_)), std::vector<V>(registers_), std::vector<bool>(registers_),
            std::vector<bool>(registers_)};
  }
  void setBefore(Before &before, ArrayRef<Slot> where, Tuples t, V condition);

  void inRegisters(const AxisRun &run, bool isFirst);
  void inLanes(const AxisRun &run, bool isFirst, bool isLast);
  void inWarps(const AxisRun &run, bool isLast);
  void applyBefore();
  V orderOf(V number, const AxisRun &run);

  Emitter &e_;
  IRBuilder<> &b_;
  const Op &o_;
  const LinearLayout &l_;
  AxisSplit split_;
  Combiner c_;
  bool isReverse_, hasTotals_;
  unsigned registers_;
  unsigned live_;             // register bits that still count totals, rows included
  uint64_t done_ = 0;         // element bits of the finished runs
  Tuples values_;             // by register: scanned within the first run where that is in one lane or subgroup
  Tuples totals_;             // by slot: of the block
  std::vector<V> identities_; // by operand, where the combiner has one
  std::vector<std::pair<unsigned, Before>> before_; // with the register bits of its slots, lowest run first
  V scratch_ = nullptr;
  uint64_t used_ = 0;
};

void Emitter::scan(const Op &o) { Scanner(*this, o).run(); }

// With an identity, "nothing lies before" is a value like any other.
void Emitter::Scanner::findIdentities() {
  for (size_t i = 0; i < c_.plain.size(); ++i) {
    const tbc::Type &t = e_.type(o_.operands[i]);
    bool standard = t.elem == Elem::F16 || t.elem == Elem::BF16 || t.elem == Elem::F32 || t.elem == Elem::F64;
    auto real = [&](double v) { return standard ? e_.e_.constFloat(t.elem, v) : nullptr; };
    auto whole = [&](int64_t v) { return e_.e_.constInt(t.elem, v); };
    unsigned bits = t.elem == Elem::I1 ? 1 : tbc::elemBits(t.elem);
    int64_t least = bits == 64 ? std::numeric_limits<int64_t>::min() : -(int64_t(1) << (bits - 1));
    double infinity = std::numeric_limits<double>::infinity();
    V identity = nullptr;
    switch (t.pointer ? Opcode::Poison : c_.plain[i]->code) {
    case Opcode::AddI:
    case Opcode::OrI:
    case Opcode::XorI:
    case Opcode::MaxUI:
      identity = whole(0);
      break;
    case Opcode::AndI:
    case Opcode::MinUI:
      identity = whole(-1);
      break;
    case Opcode::MulI:
      identity = whole(1);
      break;
    case Opcode::MaxSI:
      identity = whole(least);
      break;
    case Opcode::MinSI:
      identity = whole(~least);
      break;
    case Opcode::AddF:
      identity = real(-0.0);
      break;
    case Opcode::MulF:
      identity = real(1);
      break;
    case Opcode::MaximumF:
      identity = real(-infinity);
      break;
    case Opcode::MinimumF:
      identity = real(infinity);
      break;
    case Opcode::MaxNumF:
    case Opcode::MinNumF: // the number wins
      identity = real(std::numeric_limits<double>::quiet_NaN());
      break;
    default:
      break;
    }
    if (!identity) {
      identities_.clear();
      return;
    }
    identities_.push_back(identity);
  }
}

void Emitter::Scanner::setBefore(Before &before, ArrayRef<Slot> where, Tuples t, V condition) {
  if (condition && !identities_.empty()) {
    for (size_t i = 0; i < t.size(); ++i)
      for (V &v : t[i])
        v = b_.CreateSelect(condition, v, identities_[i]);
    condition = nullptr;
  }
  put(before.tuples, where, t);
  for (Slot r : where) {
    before.exists[r] = true;
    before.always[r] = !condition;
    before.condition[r] = condition;
  }
}

// ---- runs ----------------------------------------------------------------------------------------------------------

void Emitter::Scanner::inRegisters(const AxisRun &run, bool isFirst) {
  unsigned mask = 0;
  for (unsigned bit : run.bits)
    mask |= 1u << bit;
  SmallVector<Slot> bases = slots(live_ & ~mask);
  Before before = nothing();
  Tuples running;
  unsigned count = 1u << run.bits.size();
  for (unsigned order = 0; order < count; ++order) {
    unsigned position = isReverse_ ? count - 1 - order : order, own = 0;
    for (unsigned i = 0; i < run.bits.size(); ++i)
      own |= ((position >> i) & 1) << run.bits[i];
    SmallVector<Slot> where;
    for (Slot base : bases)
      where.push_back(base | own);
    if (order && !isFirst)
      setBefore(before, where, running, nullptr);
    Tuples total = at(totals_, where);
    running = order ? e_.combine(c_, running, total) : std::move(total);
    if (isFirst)
      put(values_, where, running);
  }
  if (!isFirst)
    before_.push_back({live_, std::move(before)});
  live_ &= ~mask;
  put(totals_, bases, running);
}

// The place of this lane or warp in the run, counted the way of the scan.
Value *Emitter::Scanner::orderOf(V number, const AxisRun &run) {
  V position = e_.closeUp(number, run.bits);
  return isReverse_ ? b_.CreateXor(position, e_.i32((int64_t(1) << run.bits.size()) - 1)) : position;
}

void Emitter::Scanner::inLanes(const AxisRun &run, bool isFirst, bool isLast) {
  SmallVector<Slot> where = slots(live_);
  Tuples t = at(totals_, where);
  int64_t count = int64_t(1) << run.bits.size(), laneMask = 0;
  bool inOrder = !isReverse_;
  for (unsigned i = 0; i < run.bits.size(); ++i) {
    laneMask |= int64_t(1) << run.bits[i];
    inOrder &= run.bits[i] == run.bits[0] + i;
  }
  V order = orderOf(e_.lane_, run), others = b_.CreateAnd(e_.lane_, e_.i32(~laneMask & (e_.target_.lanes() - 1)));
  auto laneAt = [&](V place) { // of that place in the order, in the same row
    V position = isReverse_ ? b_.CreateXor(place, e_.i32(count - 1)) : place;
    return b_.CreateOr(others, e_.spreadOut(b_.CreateAnd(position, e_.i32(count - 1)), run.bits));
  };
  // Of the lane `distance` places before; anything where there is none.
  auto fromBefore = [&](const Tuples &tuples, int64_t distance) {
    V source = inOrder ? nullptr : laneAt(b_.CreateSub(order, e_.i32(distance)));
    Tuples out(tuples.size());
    for (size_t i = 0; i < tuples.size(); ++i)
      for (V v : tuples[i])
        out[i].push_back(inOrder ? e_.shuffleUp(v, static_cast<unsigned>(distance << run.bits[0]))
                                 : e_.shuffle(v, source));
    return out;
  };
  for (int64_t distance = 1; distance < count; distance *= 2) {
    Tuples sum = e_.combine(c_, fromBefore(t, distance), t);
    t = e_.selectTuples(b_.CreateICmpUGE(order, e_.i32(distance)), sum, t);
  }
  if (isFirst) {
    put(values_, where, t);
  } else {
    Before before = nothing();
    setBefore(before, where, fromBefore(t, 1), b_.CreateICmpNE(order, e_.i32(0)));
    before_.push_back({live_, std::move(before)});
  }
  if (isLast)
    return;
  V last = laneAt(e_.i32(count - 1));
  for (Registers &r : t)
    for (V &v : r)
      v = e_.shuffle(v, last);
  put(totals_, where, t);
}

void Emitter::Scanner::inWarps(const AxisRun &run, bool isLast) {
  SmallVector<Slot> where = slots(live_);
  std::vector<WarpExchange> plans;
  std::vector<uint64_t> offsets;
  for (tbc::ValueId operand : o_.operands) {
    unsigned bytes = e_.type(operand).elementBytes();
    plans.push_back(layout::exchangeAlong(l_, run, done_, bytes * 8));
    offsets.push_back(used_);
    used_ += (plans.back().elements * bytes + 15) / 16 * 16;
  }
  Tuples all = e_.exchange(o_, scratch_, offsets, plans, at(totals_, where));
  unsigned count = 1u << run.bits.size();
  auto of = [&](unsigned order) {
    size_t rows = where.size(), from = (isReverse_ ? count - 1 - order : order) * rows;
    Tuples out;
    for (const Registers &r : all)
      out.emplace_back(ArrayRef(r).slice(from, rows));
    return out;
  };
  V order = orderOf(e_.warp_, run);
  Tuples running = of(0), mine = running;
  for (unsigned k = 1; k < count; ++k) {
    if (k + 1 == count && isLast)
      break;
    running = e_.combine(c_, running, of(k));
    if (k + 1 < count)
      mine = e_.selectTuples(b_.CreateICmpUGT(order, e_.i32(k)), running, mine);
  }
  Before before = nothing();
  setBefore(before, where, mine, b_.CreateICmpNE(order, e_.i32(0)));
  before_.push_back({live_, std::move(before)});
  put(totals_, where, running);
}

// ---- the end -------------------------------------------------------------------------------------------------------

// Combines, for every register, what lies before its blocks, and with that the register. Registers that share all but the first run's
// bits share the prefix.
void Emitter::Scanner::applyBefore() {
  if (before_.empty())
    return;
  struct Prefix {
    Tuples tuple; // empty: nothing
    V condition = nullptr;
  };
  unsigned plainRegisters = (registers_ - 1) & ~static_cast<unsigned>(split_.registerCopies);
  std::map<unsigned, Prefix> made;
  auto prefixOf = [&](Slot r) -> const Prefix & {
    auto [it, isNew] = made.try_emplace(r & before_.front().first);
    Prefix &p = it->second;
    if (!isNew)
      return p;
    for (size_t level = before_.size(); level-- > 0;) {
      const Before &before = before_[level].second;
      Slot slot = r & before_[level].first;
      if (!before.exists[slot])
        continue;
      Tuples next = at(before.tuples, {slot});
      V condition = before.condition[slot];
      if (p.tuple.empty()) {
        p = {std::move(next), condition};
        continue;
      }
      // Both, or the one that exists.
      Tuples both = e_.combine(c_, p.tuple, next);
      if (p.condition)
        both = e_.selectTuples(p.condition, both, next);
      if (condition)
        both = e_.selectTuples(condition, both, p.tuple);
      p.tuple = std::move(both);
      p.condition = p.condition && condition ? b_.CreateOr(p.condition, condition) : nullptr;
    }
    return p;
  };
  // Registers with one kind of prefix at once, so that neighbours may share an instruction.
  std::map<V, SmallVector<Slot>> byCondition;
  for (Slot r : slots(plainRegisters))
    if (const Prefix &p = prefixOf(r); !p.tuple.empty())
      byCondition[p.condition].push_back(r);
  SmallVector<std::pair<V, SmallVector<Slot>>> groups(byCondition.begin(), byCondition.end());
  llvm::sort(groups, [](auto &a, auto &b) { return a.second.front() < b.second.front(); });
  for (auto &[condition, where] : groups) {
    Tuples prefixes(values_.size());
    for (Slot r : where)
      for (size_t i = 0; i < values_.size(); ++i)
        prefixes[i].push_back(prefixOf(r).tuple[i][0]);
    Tuples own = at(values_, where), both = e_.combine(c_, prefixes, own);
    put(values_, where, condition ? e_.selectTuples(condition, both, own) : both);
  }
}

void Emitter::Scanner::run() {
  uint64_t bytes = 0;
  for (tbc::ValueId operand : o_.operands)
    bytes +=
        layout::scanScratch(l_, static_cast<unsigned>(o_.intAttr(AttrId::Axis)), e_.type(operand).elementBytes() * 8);
  if (bytes)
    scratch_ = e_.scratch(o_, bytes);
  for (size_t i = 0; i < split_.runs.size(); ++i) {
    const AxisRun &run = split_.runs[i];
    bool isFirst = i == 0, isLast = i + 1 == split_.runs.size() && !hasTotals_; // behind which nobody asks for totals
    switch (run.place) {
    case Place::Register:
      inRegisters(run, isFirst);
      break;
    case Place::Lane:
      inLanes(run, isFirst, isLast);
      break;
    case Place::Warp:
      inWarps(run, isLast);
      break;
    }
    done_ |= run.elements;
  }
  applyBefore();
  for (size_t i = 0; i < values_.size(); ++i) {
    for (Slot r = 0; r < registers_; ++r)
      values_[i][r] = values_[i][r & ~static_cast<unsigned>(split_.registerCopies)];
    e_.set(o_.results[i], std::move(values_[i]));
  }
  if (!hasTotals_)
    return;
  Tuples totals = at(totals_, slots(live_));
  for (size_t i = 0; i < totals.size(); ++i)
    e_.set(o_.results[values_.size() + i], std::move(totals[i]));
}

} // namespace tessera::codegen::simt
