// RemoveLayoutConversions.cpp - remove layout conversions where computing a value again is cheaper
//
// Before: %r = tile.arange 0 to 128 : …#A ; %m = arith.cmpi slt, %r, %n ; %c = tile.convert_layout %m : #A to #B
// After:  %r2 = tile.arange 0 to 128 : …#B ; %c = arith.cmpi slt, %r2, %n2
// A conversion is replaced by a second computation of what it converts, back to values that cost nothing (constants,
// ranges, splats), values that already have the layout, and, where that is cheaper, conversions of narrower or earlier
// values. What only the conversion uses is not computed a second time but moved behind an earlier one, at no cost.
// Costs are clocks of a warp (ConversionCosts), times 8 for each loop around.
// What is only turned round between its load and the conversion is converted before that, at the same cost: a ring's slot is then read in the layout that is wanted.
// A load of a small tile (scales of a row, places of a page) that only the conversion needs is done in the layout that is wanted: lanes that hold copies
// load the same words, which costs less than two barriers.
// Requires, keeps: LAYOUT level, every op local.  Not done here: loads are never repeated; carried values keep their layout.
//
// SPDX-License-Identifier: Apache-2.0
#include "core/analysis/AxisFacts.h"
#include "core/transforms/layout/ConversionCosts.h"
#include "core/transforms/layout/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Iterators.h"

using namespace mlir;

namespace tessera::tile {
namespace {

class Rematerialiser {
public:
  Rematerialiser(func::FuncOp function, const target::Target &target) : function_(function), costs_(target) {}
  unsigned run();

private:
  using Wanted = std::pair<Value, LinearAttr>;
  struct Choice {
    uint64_t cost = 0;
    bool recompute = false; // else: convert, or nothing where the layout is there
  };
  uint64_t weight(Value value) const;
  bool isMovable(Operation *op) const;
  uint64_t loadClocks(LoadOp load, LinearAttr layout);
  void collectMoved(ConvertLayoutOp op);
  Choice choose(Value value, LinearAttr layout, unsigned depth);
  Value make(Value value, LinearAttr layout);
  bool tryRemove(ConvertLayoutOp op);

  func::FuncOp function_;
  ConversionCosts costs_;
  std::optional<AxisFacts> facts_; // of this round
  DenseSet<Operation *> moved_;    // what nothing but the conversion at hand needs in its old layout
  DenseMap<Wanted, Choice> choices_;
  DenseMap<Wanted, Value> made_;
};

} // namespace

// How often the place of the value's definition runs, as far as loops tell.
uint64_t Rematerialiser::weight(Value value) const {
  uint64_t times = 1;
  for (Operation *op = value.getParentRegion()->getParentOp(); op && op != function_; op = op->getParentOp())
    if (isa<scf::ForOp, scf::WhileOp>(op) && times < 512)
      times *= 8;
  return times;
}

// Clocks of one op on one register of a warp.
static uint64_t costOfOp(Operation *op) {
  if (isFreeInAnyLayout(op) || isa<ExpandDimsOp, BroadcastOp, ReshapeOp, TransposeOp, HintOp>(op))
    return isa<ArangeOp>(op) ? 1 : 0;
  if (isa<PhiloxOp>(op))
    return 60;
  if (isa<math::MathDialect>(op->getDialect()))
    return 10;
  return isa<arith::DivSIOp, arith::DivUIOp, arith::RemSIOp, arith::RemUIOp, arith::DivFOp>(op) ? 8 : 1;
}

// What may be computed elsewhere, and loads of so few elements that lanes may all have copies of them.
bool Rematerialiser::isMovable(Operation *op) const {
  if (isRematerialisable(op) || isa<ConvertLayoutOp>(op))
    return true;
  auto load = dyn_cast<LoadOp>(op);
  if (!load || load.getIsVolatile() || !isTile(load.getPtr()))
    return false;
  const layout::LinearLayout &l = layoutOf(load.getResult()).getLayout();
  unsigned threads = l.inBits(layout::kLane) + l.inBits(layout::kWarp);
  return l.outBits() <= threads + 1;
}

// More loads of a lane than these are not worth the conversion: in a loop each would be a copy ahead of its own.
constexpr uint64_t kMostLoads = 2;

// Of a warp: an access moves a vector of each lane, from as many lines of 128 bytes as it touches. UINT64_MAX: too many accesses.
uint64_t Rematerialiser::loadClocks(LoadOp load, LinearAttr attr) {
  if (!facts_)
    facts_.emplace(function_);
  const layout::LinearLayout &l = attr.getLayout();
  unsigned bits = storageBits(cast<PointerType>(elementTypeOf(load.getPtr().getType())).getPointee());
  uint64_t best = UINT64_MAX, registers = uint64_t(1) << layout::Span(l.columnsOf(layout::kRegister)).rank();
  AxisInfo address = facts_->of(load.getPtr());
  for (unsigned d = 0; d < l.rank(); ++d) {
    std::string name = layout::tensorDimName(d);
    int64_t width = std::min<int64_t>(facts_->accessWidth(load.getPtr(), load.getMask(), d),
                                      std::max(costs_.maxVectorBits() / bits, 1u)),
            vector = l.vectorWidth(layout::kRegister, name, width);
    // Neighbours of the line are bits of the dim below its length, where addresses follow each other at all.
    uint64_t inLine = address.contiguity[d] > 1 ? std::min<uint64_t>(1024 / bits, uint64_t(1) << l.outBits(name)) : 1;
    layout::Span lines;
    for (uint64_t column : l.columnsOf(layout::kLane))
      lines.insert(column & ~((inLine - 1) << l.outStart(name)));
    uint64_t accesses = registers / static_cast<uint64_t>(vector);
    if (accesses <= kMostLoads)
      best = std::min(best, accesses * (2 + (uint64_t(1) << lines.rank())));
  }
  return best;
}

void Rematerialiser::collectMoved(ConvertLayoutOp conversion) {
  moved_.clear();
  moved_.insert(conversion);
  SmallVector<Operation *> work{conversion};
  while (!work.empty())
    for (Value operand : work.pop_back_val()->getOperands()) {
      Operation *op = operand.getDefiningOp();
      if (op && !moved_.contains(op) && isMovable(op) &&
          llvm::all_of(op->getUsers(), [&](Operation *user) { return moved_.contains(user); })) {
        moved_.insert(op);
        work.push_back(op); // another operand's op may wait for this one: it is looked at again from here
      }
    }
}

// Turning what was loaded costs nothing on either side of a conversion.
static bool turnsLoaded(Operation *op) {
  auto transpose = dyn_cast<TransposeOp>(op);
  return transpose && transpose.getSource().getDefiningOp<LoadOp>();
}

static uint64_t registersOf(LinearAttr layout) {
  unsigned bits = layout.getNumBits(layout::kRegister);
  return bits < 32 ? uint64_t(1) << bits : 1;
}

Rematerialiser::Choice Rematerialiser::choose(Value value, LinearAttr layout, unsigned depth) {
  if (layoutOf(value) == layout)
    return {0, false};
  if (auto known = choices_.find({value, layout}); known != choices_.end())
    return known->second;
  Choice convert{costs_.cost(layoutOf(value), layout, storageBits(value.getType())) * weight(value), false};
  Operation *op = value.getDefiningOp();
  Choice best = convert;
  if (op && isa<ConvertLayoutOp>(op)) {
    best = choose(op->getOperand(0), layout, depth); // the conversion in between falls away
    best.recompute = true;
  } else if (auto load = dyn_cast_or_null<LoadOp>(op); op && depth < 64 && op->getNumRegions() == 0 &&
                                                       (isRematerialisable(op) || (load && moved_.contains(op)))) {
    uint64_t registers = registersOf(layout), before = registersOf(layoutOf(value));
    if (moved_.contains(op))
      registers -= std::min(registers, before);
    Choice again{registers * (load ? 0 : costOfOp(op)) * weight(value), true};
    if (load) {
      uint64_t clocks = loadClocks(load, layout), now = loadClocks(load, layoutOf(value));
      again.cost = clocks == UINT64_MAX ? clocks : (clocks - std::min(clocks, now)) * weight(value);
    }
    for (OpOperand &operand : op->getOpOperands()) {
      if (!isTile(operand.get()))
        continue;
      LinearAttr need = operandFromResult(op, operand.getOperandNumber(), layout);
      if (!need) {
        again.cost = UINT64_MAX;
        break;
      }
      uint64_t more = choose(operand.get(), need, depth + 1).cost;
      again.cost = more > UINT64_MAX - again.cost ? UINT64_MAX : again.cost + more;
    }
    if (again.cost < convert.cost || isFreeInAnyLayout(op) || (turnsLoaded(op) && again.cost == convert.cost))
      best = again;
  }
  choices_[{value, layout}] = best;
  return best;
}

// The value in the layout, by the choices made.
Value Rematerialiser::make(Value value, LinearAttr layout) {
  if (layoutOf(value) == layout)
    return value;
  if (Value before = made_.lookup({value, layout}))
    return before;
  Choice choice = choose(value, layout, 0);
  Operation *op = value.getDefiningOp();
  OpBuilder builder(function_.getContext());
  builder.setInsertionPointAfterValue(value);
  Value result;
  if (!choice.recompute) {
    result = ConvertLayoutOp::create(builder, value.getLoc(),
                                     withLayout(cast<RankedTensorType>(value.getType()), layout), value);
  } else if (isa<ConvertLayoutOp>(op)) {
    result = make(op->getOperand(0), layout);
  } else {
    Operation *clone =
        cloneInLayout(builder, op, layout, [&](Value operand, LinearAttr needed) { return make(operand, needed); });
    result = clone->getResult(cast<OpResult>(value).getResultNumber());
  }
  made_[{value, layout}] = result;
  return result;
}

bool Rematerialiser::tryRemove(ConvertLayoutOp op) {
  LinearAttr layout = layoutOf(op.getResult());
  Value source = op.getSource();
  uint64_t cost = costs_.cost(layoutOf(source), layout, storageBits(source.getType())) * weight(op.getResult());
  choices_.clear();
  collectMoved(op);
  Choice choice = choose(source, layout, 0);
  bool same = layoutOf(source) == layout;
  Operation *made = source.getDefiningOp();
  if (!same && (!choice.recompute ||
                (choice.cost >= cost && !isFreeInAnyLayout(made) && !(turnsLoaded(made) && choice.cost == cost))))
    return false;
  made_.clear();
  op.getResult().replaceAllUsesWith(make(source, layout));
  op.erase();
  return true;
}

static void eraseDead(func::FuncOp function) {
  bool changed = true;
  while (changed) {
    changed = false;
    function.walk<WalkOrder::PostOrder, ReverseIterator>([&](Operation *op) {
      if (isOpTriviallyDead(op)) {
        op->erase();
        changed = true;
      }
    });
  }
}

unsigned Rematerialiser::run() {
  unsigned before = 0, after = 0;
  function_.walk([&](ConvertLayoutOp) { ++before; });
  for (int round = 0; round < 8; ++round) {
    facts_.reset();
    SmallVector<ConvertLayoutOp> conversions;
    function_.walk([&](ConvertLayoutOp op) { conversions.push_back(op); });
    bool changed = false;
    for (ConvertLayoutOp op : llvm::reverse(conversions)) // users first: what feeds them may fall away
      changed |= tryRemove(op);
    eraseDead(function_);
    if (!changed)
      break;
  }
  function_.walk([&](ConvertLayoutOp) { ++after; });
  return before > after ? before - after : 0;
}

StepResult removeLayoutConversions(ModuleOp module, const target::Target &target) {
  StepResult result;
  module.walk([&](func::FuncOp function) { result.count += Rematerialiser(function, target).run(); });
  return result;
}

} // namespace tessera::tile
