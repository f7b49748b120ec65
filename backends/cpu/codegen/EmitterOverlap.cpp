// EmitterOverlap.cpp - loops whose arrays may overlap shifted: asked when the program runs
//
// SPDX-License-Identifier: Apache-2.0
//
// A loop loads and stores element by element, the program whole tiles: that is the same where what is read and what is written are other arrays, or the same
// places. Of two arguments only the addresses tell, in front of the loop: each access reaches from the least to the most of its offsets, which its mask limits.
// Where two meet at other places than their own, another version holds what is stored in memory of its own until all is read, and stores one tile after the other.
#include "backends/cpu/codegen/Emitter.h"
#include "backends/cpu/codegen/TileAddresses.h"

#include "llvm/IR/MDBuilder.h"

#include <algorithm>
#include <functional>
#include <set>

using namespace llvm;
using namespace tessera::tbc;

namespace tessera::cpu {

namespace {

// A load or a store of a loop.
struct Access {
  const Op *op = nullptr;
  bool isStore = false, isOwnElement = false; // isOwnElement: at the loop's index, not through a shape op
  ValueId pointer() const { return op->operands[0]; }
  ValueId mask() const {
    size_t at = isStore ? 2 : 1;
    return op->operands.size() > at ? op->operands[at] : kNone;
  }
};

// Whether an op on a tile of integers only moves or widens them: bounds of its operand are bounds of its result.
bool keepsValues(Opcode code) {
  switch (code) {
  case Opcode::ExtSI:
  case Opcode::ExpandDims:
  case Opcode::Broadcast:
  case Opcode::Reshape:
  case Opcode::Transpose:
  case Opcode::Hint:
    return true;
  default:
    return false;
  }
}

} // namespace

// The scalar bounds of tiles of integers.
class Emitter::Reach {
public:
  explicit Reach(Emitter &e) : e_(e), b_(e.b) {}

  struct Range {
    V least, most; // i64
  };
  using Known = std::optional<Range>;

  // The first byte that an access may touch, and the first behind the last; nothing: offsets without bounds.
  std::optional<std::pair<V, V>> bytesOf(const Access &access) {
    auto [at, isNew] = made_.try_emplace(access.op);
    if (!isNew)
      return at->second;
    limits_.clear();
    if (ValueId mask = access.mask(); mask != kNone)
      limitBy(mask, placeOf(mask), 0);
    std::optional<std::pair<V, V>> bytes = bytesOf(access.pointer());
    return made_[access.op] = bytes;
  }

  // From the least to the most that tiles of integers are, whatever the kernel is called with.
  std::optional<int64_t> extentOf(ValueId v, int depth = 0) const {
    const Op *op = e_.facts.def[v];
    if (e_.bindings[v].kind == Binding::Offset)
      return extentOf(e_.bindings[v].init, depth + 1);
    if (!op || depth > 24 || e_.bindings[v].kind != Binding::None)
      return std::nullopt;
    auto operand = [&](size_t i) { return extentOf(op->operands[i], depth + 1); };
    if (keepsValues(op->code))
      return operand(0);
    switch (op->code) {
    case Opcode::Constant:
    case Opcode::Splat:
      return 0;
    case Opcode::Arange:
      return op->intAttr(AttrId::End) - op->intAttr(AttrId::Start) - 1;
    case Opcode::AddPtr:
    case Opcode::AddI:
    case Opcode::SubI: {
      std::optional<int64_t> a = operand(0), c = operand(1);
      return a && c ? std::optional(*a + *c) : std::nullopt;
    }
    case Opcode::MulI: {
      std::optional<int64_t> a = operand(0), c = operand(1), by = constantOfAll(e_.facts, op->operands[1]);
      if (a && c && *a + *c == 0)
        return 0;
      return a && by && std::abs(*by) < (int64_t(1) << 31) ? std::optional(*a * std::abs(*by)) : std::nullopt;
    }
    default:
      return std::nullopt;
    }
  }

  // Where the address of element 0 of all offsets is: i64.
  V baseOf(ValueId pointer) {
    ValueId splat = pointer;
    V moved = nullptr;
    while (true) {
      if (e_.bindings[splat].kind == Binding::Offset) {
        moved = moved ? add(moved, e_.bindings[splat].scalar) : e_.bindings[splat].scalar;
        splat = e_.bindings[splat].init;
        continue;
      }
      const Op *op = e_.facts.def[splat];
      if (!op || e_.bindings[splat].kind != Binding::None)
        return nullptr;
      if (op->code == Opcode::Splat)
        break;
      if (op->code != Opcode::AddPtr && !keepsElements(op->code))
        return nullptr;
      splat = op->operands[0];
    }
    V scalar = e_.scalarOf(e_.facts.def[splat]->operands[0]);
    V base = e_.on({scalar}, [&] { return b_.CreatePtrToInt(scalar, b_.getInt64Ty()); });
    return moved ? add(base, moved) : base;
  }

  // i1: whether two elements that both accesses' masks let through may lie at one place. Both have one tile of addresses.
  V mayRepeat(const Access &x, const Access &y) {
    std::optional<std::vector<AxisStep>> steps = stepsOf(e_.facts, x.pointer());
    if (!steps || ownPlaces(e_.facts, x.pointer(), true) == OwnPlaces::No)
      return b_.getTrue();
    limits_.clear();
    if (x.mask() != kNone && y.mask() != kNone && sameValue(e_.facts, x.mask(), y.mask()))
      limitBy(x.mask(), placeOf(x.mask()), 0);
    std::vector<std::pair<V, V>> reaches; // from one index to the next, and from the first to the last
    auto isInner = [](const AxisStep &a, const AxisStep &c) {
      if (a.scalars.empty() != c.scalars.empty())
        return a.scalars.empty();
      return a.scalars.empty() ? std::abs(a.factor) < std::abs(c.factor) : a.axis > c.axis;
    };
    std::sort(steps->begin(), steps->end(), isInner);
    for (const AxisStep &step : *steps) {
      if (step.extent == 1)
        continue;
      V size = number(step.factor);
      for (ValueId scalar : step.scalars)
        size = binary(Instruction::Mul, size, widened(scalar));
      size = most(size, binary(Instruction::Sub, number(0), size));
      bool isAlone =
          std::count_if(steps->begin(), steps->end(), [&](const AxisStep &s) { return s.range == step.range; }) == 1;
      reaches.emplace_back(size, binary(Instruction::Mul, size, isAlone ? lastOf(step) : number(step.extent - 1)));
    }
    V apart = each(reaches);
    std::reverse(reaches.begin(), reaches.end());
    V otherwise = reaches.size() > 1 ? each(reaches) : apart;
    return e_.on({apart, otherwise}, [&] { return b_.CreateNot(b_.CreateOr(apart, otherwise)); });
  }

  V add(V x, V y) {
    return e_.on({x, y}, [&] { return b_.CreateAdd(x, y); });
  }

private:
  static bool keepsElements(Opcode code) {
    return code == Opcode::ExpandDims || code == Opcode::Broadcast || code == Opcode::Reshape ||
           code == Opcode::Transpose || code == Opcode::Hint || code == Opcode::Bitcast;
  }
  V number(int64_t n) { return b_.getInt64(uint64_t(n)); }
  // The last index of an axis that the masks let through.
  V lastOf(const AxisStep &step) {
    V last = number(step.extent - 1);
    const std::map<std::pair<ValueId, Place>, V> limits = limits_;
    for (const auto &[limited, limit] : limits) {
      const auto &[value, place] = limited;
      std::optional<std::vector<AxisStep>> counts = stepsOf(e_.facts, value);
      if (!counts || counts->size() != 1 || counts->front().range != step.range || counts->front().factor != 1 ||
          !counts->front().scalars.empty() || !place.reshapes.empty() ||
          place.axes[size_t(counts->front().axis)] != step.axis)
        continue;
      if (Known range = of(value, place, 0))
        last = least(last, binary(Instruction::Sub, limit, range->least));
    }
    return last;
  }
  // i1: whether each step is longer than all before it reach.
  V each(const std::vector<std::pair<V, V>> &reaches) {
    V before = number(0), all = b_.getTrue();
    for (auto [size, reach] : reaches) {
      V isLonger = e_.on({size, before}, [&] { return b_.CreateICmpSGT(size, before); });
      all = e_.on({all, isLonger}, [&] { return b_.CreateAnd(all, isLonger); });
      before = add(before, reach);
    }
    return all;
  }
  V binary(Instruction::BinaryOps how, V x, V y) {
    return e_.on({x, y}, [&] { return b_.CreateBinOp(how, x, y); });
  }
  V least(V x, V y) {
    return e_.on({x, y}, [&] { return b_.CreateBinaryIntrinsic(Intrinsic::smin, x, y); });
  }
  V most(V x, V y) {
    return e_.on({x, y}, [&] { return b_.CreateBinaryIntrinsic(Intrinsic::smax, x, y); });
  }
  V widened(ValueId scalar, bool isSigned = true) {
    V v = e_.scalarOf(scalar);
    return e_.on({v}, [&] { return isSigned ? b_.CreateSExt(v, b_.getInt64Ty()) : b_.CreateZExt(v, b_.getInt64Ty()); });
  }
  // How a tile lies in the tile of the access: a range that is rows here and columns there has other elements at one index.
  struct Place {
    std::vector<int64_t>
        axes; // of the access's tile, or of the last reshape's result; -1: one element, whatever the index
    std::vector<ValueId> reshapes; // between the two
    auto operator<=>(const Place &) const = default;
  };
  Place placeOf(ValueId tile) const {
    Place place;
    for (size_t axis = 0; axis < e_.m.typeOf(tile).shape.size(); ++axis)
      place.axes.push_back(e_.m.typeOf(tile).shape[axis] == 1 ? -1 : int64_t(axis));
    return place;
  }
  // Of an op's operand, where its result lies at `place`.
  Place placeOfOperand(const Op &op, Place place) const {
    const std::vector<int64_t> &shape = e_.m.typeOf(op.operands[0]).shape;
    std::vector<int64_t> axes(shape.size(), -1);
    for (size_t axis = 0; axis < shape.size(); ++axis) {
      size_t above = axis;
      if (op.code == Opcode::Reshape)
        axes[axis] = int64_t(axis);
      else if (op.code == Opcode::ExpandDims)
        above += int64_t(axis) >= op.intAttr(AttrId::Axis);
      else if (op.code == Opcode::Transpose) {
        const std::vector<int64_t> &order = op.intsAttr(AttrId::Order);
        above = size_t(std::find(order.begin(), order.end(), int64_t(axis)) - order.begin());
      }
      if (op.code != Opcode::Reshape && shape[axis] != 1)
        axes[axis] = place.axes[above];
    }
    if (op.code == Opcode::Reshape)
      place.reshapes.push_back(op.results[0]);
    place.axes = std::move(axes);
    return place;
  }
  // From now on of elements that a mask lets through.
  void limitBy(ValueId mask, const Place &place, int depth) {
    const Op *op = e_.facts.def[mask];
    if (!op || depth > 8 || e_.bindings[mask].kind != Binding::None)
      return;
    if (op->code == Opcode::AndI) {
      limitBy(op->operands[0], place, depth + 1);
      limitBy(op->operands[1], place, depth + 1);
    } else if (keepsElements(op->code)) {
      limitBy(op->operands[0], placeOfOperand(*op, place), depth + 1);
    } else if (op->code == Opcode::CmpI) {
      auto how = static_cast<CmpI>(op->intAttr(AttrId::Predicate));
      bool isBelow = how == CmpI::Slt || how == CmpI::Ult;
      bool isSigned = how == CmpI::Slt || how == CmpI::Sle;
      if (!isBelow && how != CmpI::Sle && how != CmpI::Ule)
        return;
      ValueId end = scalarOfAll(e_.facts, op->operands[1]);
      std::optional<int64_t> known = constantOfAll(e_.facts, op->operands[1]);
      if (end == kNone && !known)
        return;
      if (!isSigned && (known ? *known < 0 : elemBits(e_.m.typeOf(end).elem) > 32))
        return; // no limit of what is signed
      V limit = known ? number(*known) : widened(end, isSigned);
      if (isBelow)
        limit = add(limit, number(-1));
      V &so = limits_[{op->operands[0], place}];
      so = so ? least(so, limit) : limit;
    }
  }

  Known of(ValueId v, const Place &place, int depth) {
    Known range = compute(v, place, depth);
    if (auto limit = limits_.find({v, place}); range && limit != limits_.end())
      range->most = least(range->most, limit->second);
    return range;
  }

  Known compute(ValueId v, const Place &place, int depth) {
    if (depth > 24)
      return std::nullopt;
    const Binding &bound = e_.bindings[v];
    if (bound.kind == Binding::Offset) {
      Known range = of(bound.init, place, depth + 1);
      V by = bound.scalar;
      by = e_.on({by}, [&] { return b_.CreateSExt(by, b_.getInt64Ty()); });
      return range ? Known(Range{add(range->least, by), add(range->most, by)}) : range;
    }
    const Op *op = e_.facts.def[v];
    if (!op || bound.kind != Binding::None)
      return std::nullopt;
    auto operand = [&](size_t i) { return of(op->operands[i], place, depth + 1); };
    if (keepsValues(op->code))
      return of(op->operands[0], placeOfOperand(*op, place), depth + 1);
    switch (op->code) {
    case Opcode::Constant:
      return Range{number(op->intAttr(AttrId::Value)), number(op->intAttr(AttrId::Value))};
    case Opcode::Splat: {
      V value = widened(op->operands[0]);
      return Range{value, value};
    }
    case Opcode::Arange:
      return Range{number(op->intAttr(AttrId::Start)), number(op->intAttr(AttrId::End) - 1)};
    case Opcode::AddI:
    case Opcode::SubI:
    case Opcode::MulI:
    case Opcode::MinSI:
    case Opcode::MaxSI:
      return combined(op->code, operand(0), operand(1));
    case Opcode::RemSI:
    case Opcode::RemUI:
    case Opcode::DivSI:
    case Opcode::DivUI:
      return divided(*op, operand(0));
    default:
      return std::nullopt;
    }
  }

  Known combined(Opcode code, Known a, Known c) {
    if (!a || !c)
      return std::nullopt;
    auto both = [&](auto make) { return Range{make(a->least, c->least), make(a->most, c->most)}; };
    switch (code) {
    case Opcode::AddI:
      return both([&](V x, V y) { return add(x, y); });
    case Opcode::MinSI:
      return both([&](V x, V y) { return least(x, y); });
    case Opcode::MaxSI:
      return both([&](V x, V y) { return most(x, y); });
    case Opcode::SubI:
      return Range{binary(Instruction::Sub, a->least, c->most), binary(Instruction::Sub, a->most, c->least)};
    default: {
      V x = binary(Instruction::Mul, a->least, c->least), y = binary(Instruction::Mul, a->most, c->most);
      Range ends{least(x, y), most(x, y)};
      if (a->least == a->most || c->least == c->most)
        return ends;
      V z = binary(Instruction::Mul, a->least, c->most), w = binary(Instruction::Mul, a->most, c->least);
      return Range{least(ends.least, least(z, w)), most(ends.most, most(z, w))};
    }
    }
  }

  // By a constant: a division by what the kernel is called with takes as long as all the rest. Remainders need none.
  Known divided(const Op &op, Known a) {
    std::optional<int64_t> by = constantOfAll(e_.facts, op.operands[1]);
    bool isRemainder = op.code == Opcode::RemSI || op.code == Opcode::RemUI;
    ValueId scalar = scalarOfAll(e_.facts, op.operands[1]);
    if (!a || (by ? *by <= 0 : !isRemainder || scalar == kNone))
      return std::nullopt;
    V divisor = by ? number(*by) : widened(scalar);
    if (!isRemainder)
      return Range{binary(Instruction::SDiv, a->least, divisor), binary(Instruction::SDiv, a->most, divisor)};
    V size = by ? divisor : most(divisor, binary(Instruction::Sub, number(0), divisor)), last = add(size, number(-1));
    return Range{most(least(a->least, number(0)), binary(Instruction::Sub, number(0), last)),
                 least(most(a->most, number(0)), last)};
  }

  std::optional<std::pair<V, V>> bytesOf(ValueId pointer) {
    V from = baseOf(pointer);
    if (!from)
      return std::nullopt;
    V to = from;
    Place place = placeOf(pointer);
    int64_t bytes = std::max<int64_t>(elemBits(e_.m.typeOf(pointer).elem) / 8, 1);
    for (ValueId v = pointer; e_.bindings[v].kind == Binding::Offset || e_.facts.def[v]->code != Opcode::Splat;) {
      if (e_.bindings[v].kind == Binding::Offset) {
        v = e_.bindings[v].init;
        continue;
      }
      const Op &op = *e_.facts.def[v];
      if (op.code == Opcode::AddPtr) {
        Known range = of(op.operands[1], place, 0);
        if (!range)
          return std::nullopt;
        from = add(from, binary(Instruction::Mul, range->least, number(bytes)));
        to = add(to, binary(Instruction::Mul, range->most, number(bytes)));
      } else
        place = placeOfOperand(op, place);
      v = op.operands[0];
    }
    return std::pair(from, add(to, number(bytes)));
  }

  Emitter &e_;
  IRBuilder<> &b_;
  std::map<std::pair<ValueId, Place>, V> limits_; // the most of a tile's elements that count, by the mask of the access
  std::map<const Op *, std::optional<std::pair<V, V>>> made_;
};

// One tile of addresses from the scalar pointers of two arguments.
static bool sameOffsets(const FunctionFacts &facts, ValueId a, ValueId b) {
  const Op *x = facts.def[a], *y = facts.def[b];
  if (a == b)
    return true;
  if (!x || !y || x->code != y->code || facts.module->typeOf(a).shape != facts.module->typeOf(b).shape)
    return false;
  if (x->code == Opcode::Splat)
    return true;
  if (x->code == Opcode::AddPtr)
    return sameValue(facts, x->operands[1], y->operands[1]) && sameOffsets(facts, x->operands[0], y->operands[0]);
  bool isShape = x->code == Opcode::ExpandDims || x->code == Opcode::Broadcast || x->code == Opcode::Reshape ||
                 x->code == Opcode::Transpose;
  return isShape && x->attrs == y->attrs && sameOffsets(facts, x->operands[0], y->operands[0]);
}

// Whether the loop that evaluates v loads from arrays.
bool Emitter::readsMemory(ValueId v) const {
  std::set<ValueId> seen;
  std::function<bool(ValueId)> visit = [&](ValueId x) {
    if (!m.typeOf(x).isTensor() || !seen.insert(x).second)
      return false;
    if (bindings[x].kind == Binding::Offset)
      return visit(bindings[x].init);
    const Op *op = facts.def[x];
    return op && bindings[x].kind == Binding::None && isInline(m, *op) &&
           (op->code == Opcode::Load || std::any_of(op->operands.begin(), op->operands.end(), visit));
  };
  return visit(v);
}

// Whether the loop's accesses meet at other places than the same element of both: i1. Null: never, or nothing is known. quick: of tiles at the same offsets only whether
// their arrays begin closer to each other than a tile is long, masks aside: few instructions, and true where the other answer is.
llvm::Value *Emitter::overlapOf(const Item &item, bool quick) {
  std::vector<Access> accesses;
  std::set<std::pair<ValueId, bool>> seen;
  std::function<void(ValueId, bool)> visit = [&](ValueId v, bool isOwn) {
    if (!m.typeOf(v).isTensor() || !seen.insert({v, isOwn}).second)
      return;
    if (bindings[v].kind == Binding::Offset)
      return visit(bindings[v].init, isOwn);
    const Op *op = facts.def[v];
    if (!op || bindings[v].kind != Binding::None || !isInline(m, *op))
      return;
    if (op->code == Opcode::Load)
      accesses.push_back({op, false, isOwn});
    bool isShape = (op->code >= Opcode::ExpandDims && op->code <= Opcode::Cat) || op->code == Opcode::Gather;
    for (ValueId operand : op->operands)
      visit(operand, isOwn && !isShape);
  };
  for (const Root &r : item.roots) {
    if (r.op)
      for (ValueId v : r.op->operands)
        visit(v, true);
    else
      visit(r.value, true);
  }
  for (const Root &r : item.roots)
    if (r.kind == Root::Store)
      accesses.push_back({r.op, true, true});
  Reach reach(*this);
  V overlaps = nullptr;
  for (size_t i = 0; i < accesses.size(); ++i)
    for (size_t j = i + 1; j < accesses.size(); ++j) {
      const Access &x = accesses[i], &y = accesses[j];
      if (!y.isStore)
        continue;
      ValueId from = pointerRoot(facts, x.pointer()), to = pointerRoot(facts, y.pointer());
      bool isRepeated = ownPlaces(facts, y.pointer(), y.mask() != kNone) != OwnPlaces::Always;
      if (from == kNone || to == kNone)
        continue;
      if (from == to) { // Planner::overlapping: one tile of addresses, at the loop's index
        if (V meets = isRepeated && sameValue(facts, x.pointer(), y.pointer()) ? reach.mayRepeat(x, y) : nullptr)
          overlaps = overlaps ? on({overlaps, meets}, [&] { return b.CreateOr(overlaps, meets); }) : meets;
        continue;
      }
      bool isOneTile = x.isOwnElement && m.typeOf(x.pointer()).elem == m.typeOf(y.pointer()).elem &&
                       sameOffsets(facts, x.pointer(), y.pointer());
      V here = isOneTile ? reach.baseOf(x.pointer()) : nullptr, there = isOneTile ? reach.baseOf(y.pointer()) : nullptr;
      isOneTile &= here && there;
      std::optional<int64_t> extent = isOneTile && quick ? reach.extentOf(x.pointer()) : std::nullopt;
      V meets = nullptr;
      if (extent) {
        int64_t bytes = std::max<int64_t>(elemBits(m.typeOf(x.pointer()).elem) / 8, 1) * (*extent + 1);
        meets = on({here, there}, [&] { // of equal ones the distance minus 1 is no small number
          V apart = b.CreateBinaryIntrinsic(Intrinsic::abs, b.CreateSub(there, here), b.getFalse());
          return b.CreateICmpULT(b.CreateSub(apart, b.getInt64(1)), b.getInt64(uint64_t(bytes - 1)));
        });
      } else {
        auto a = reach.bytesOf(x), c = reach.bytesOf(y);
        if (!a || !c)
          continue;
        meets = on({a->first, a->second, c->first, c->second}, [&] {
          return b.CreateAnd(b.CreateICmpSLT(a->first, c->second), b.CreateICmpSLT(c->first, a->second));
        });
        if (isOneTile)
          meets = on({meets, here, there}, [&] { return b.CreateAnd(meets, b.CreateICmpNE(here, there)); });
      }
      if (isOneTile && isRepeated) { // one array given twice
        V repeats = reach.mayRepeat(x, y);
        meets = on({meets, here, there, repeats},
                   [&] { return b.CreateOr(meets, b.CreateAnd(b.CreateICmpEQ(here, there), repeats)); });
      }
      overlaps = overlaps ? on({overlaps, meets}, [&] { return b.CreateOr(overlaps, meets); }) : meets;
    }
  return overlaps;
}

// All of the loop but its stores, whose operands are held; then a loop for each of them.
void Emitter::emitHeld(const Item &item) {
  KernelFacts before = kernelFacts;
  Item reads = item;
  reads.roots.clear();
  std::set<ValueId> held;
  auto hold = [&](ValueId v, const Root &store) {
    if (bindings[v].kind == Binding::Memory || !readsMemory(v) || !held.insert(v).second)
      return;
    Root r;
    r.kind = Root::Materialise;
    r.index = store.index;
    r.value = v;
    r.buffer = facts.newBuffer(m.typeOf(v));
    reads.roots.push_back(r);
  };
  for (const Root &r : item.roots) {
    if (r.kind == Root::Store)
      for (ValueId v : r.op->operands)
        hold(v, r);
    else
      reads.roots.push_back(r);
  }
  isRare = true;
  if (!reads.roots.empty())
    emitLoopItem(reads);
  for (const Root &r : item.roots)
    if (r.kind == Root::Store) {
      Item store = item;
      store.roots = {r};
      emitLoopItem(store);
    }
  isRare = false;
  kernelFacts.bytesWritten = before.bytesWritten;
}

void Emitter::emitLoop(const Item &item) {
  bool stores = std::any_of(item.roots.begin(), item.roots.end(), [](const Root &r) { return r.kind == Root::Store; });
  V overlaps = stores ? overlapOf(item, /*quick=*/true) : nullptr;
  if (auto known = dyn_cast_or_null<ConstantInt>(overlaps); !overlaps || known) {
    known && known->isOne() ? emitHeld(item) : emitLoopItem(item);
    return;
  }
  LLVMContext &c = b.getContext();
  MDNode *unlikely = MDBuilder(c).createUnlikelyBranchWeights();
  const std::vector<Binding> outside = bindings; // what one version computes is not there in the other
  BasicBlock *near = BasicBlock::Create(c, "near", fn), *apart = BasicBlock::Create(c, "apart", fn),
             *held = BasicBlock::Create(c, "held", fn);
  b.SetInsertPoint(levels[0].bb);
  b.CreateCondBr(overlaps, near, apart, unlikely);
  Frame asked = enter(near);
  overlaps = overlapOf(item, /*quick=*/false);
  b.SetInsertPoint(leave(std::move(asked)));
  if (overlaps)
    b.CreateCondBr(overlaps, held, apart);
  else // without bounds
    b.CreateBr(held);
  bindings = outside;
  std::vector<ValueId> scalars; // that the loop gives
  for (const Root &r : item.roots)
    for (size_t i = 0; r.kind == Root::Reduce && i < r.results.size(); ++i)
      if (r.results[i] < 0)
        scalars.push_back(r.op->results[i]);
  BasicBlock *first[2] = {apart, held}, *last[2], *end = BasicBlock::Create(c, "stored", fn);
  std::vector<V> values[2];
  for (int version = 0; version < 2; ++version) {
    bindings = outside;
    Frame frame = enter(first[version]);
    if (version == 0)
      emitLoopItem(item);
    else
      emitHeld(item);
    for (ValueId v : scalars)
      values[version].push_back(bindings[v].scalar);
    last[version] = leave(std::move(frame));
    b.SetInsertPoint(last[version]);
    b.CreateBr(end);
  }
  bindings = outside;
  b.SetInsertPoint(end);
  levels[0].bb = end;
  for (const Root &r : item.roots) {
    if (r.kind == Root::Materialise && r.bind)
      bindResult(r.value, r.buffer);
    for (size_t i = 0; r.kind == Root::Reduce && i < r.results.size(); ++i)
      if (r.results[i] >= 0)
        bindResult(r.op->results[i], r.results[i]);
  }
  for (size_t i = 0; i < scalars.size(); ++i) {
    PHINode *p = b.CreatePHI(values[0][i]->getType(), 2);
    p->addIncoming(values[0][i], last[0]);
    p->addIncoming(values[1][i], last[1]);
    bindings[scalars[i]].kind = Binding::Scalar;
    bindings[scalars[i]].scalar = p;
  }
  clearMemo(0);
}

} // namespace tessera::cpu
