// AssignLayouts.cpp - give every tile a layout
//
// Before: %x = tile.load %p : … -> tensor<1024xf32>
// After:  %x = tile.load %p : … -> tensor<1024xf32, #tile.linear<[1024], register = …, lane = …>>
// Requires: TILE level, block pointers lowered.  Establishes: LAYOUT level, every op local (CheckLayouts).
// How: dots and memory accesses with known contiguity are anchors and ask the target. Layouts flow forwards from anchors
// (dots first), then backwards into what feeds them; what is left gets the target's compute layout. An op whose operand has
// another layout than it needs gets a tile.convert_layout right after the operand's definition.
// Not done here: choosing between conversions and second computations (RemoveLayoutConversions).
//
// SPDX-License-Identifier: Apache-2.0
#include "core/analysis/AxisFacts.h"
#include "core/transforms/layout/ConversionCosts.h"
#include "core/transforms/layout/LayoutQuestions.h"
#include "core/transforms/layout/MemoryOrder.h"
#include "core/transforms/layout/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"

#include "llvm/ADT/MapVector.h"
#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <span>

using namespace mlir;

namespace tessera::tile {
namespace {

class Assigner {
public:
  Assigner(func::FuncOp function, const target::Target &target, unsigned numWarps)
      : function_(function), questions_(target, numWarps), costs_(target) {}
  unsigned run();

private:
  struct Group; // accesses of one shape that run the same way
  LinearAttr sharedBy(const Group &group);
  LinearAttr storedIn(const MemoryAccess &access, LinearAttr memory);
  bool scalesLaidOut(LoadOp load) const;
  void forwardAll();
  void anchorDots();
  void anchorMemory();
  void anchorRest();
  void give(Value value, LinearAttr layout);
  void settle(Operation *op, unsigned operand, LinearAttr layout);
  void propagate();
  void forward(Value value);
  void backward(Value value);
  bool canTake(Value value) const;
  bool holdsCopies(LoadOp load, LinearAttr layout);
  LinearAttr needOf(OpOperand &operand);
  void rewriteTypes();
  unsigned convertOperands();
  LinearAttr asHeld(DotOp dot, unsigned operand, LinearAttr planned);
  void startSharedDots();

  func::FuncOp function_;
  LayoutQuestions questions_;
  ConversionCosts costs_;
  llvm::MapVector<Value, LinearAttr> given_;
  DenseMap<Operation *, LinearAttr> operandSide_; // the layout in which an op takes its operands, where it has a choice
  llvm::MapVector<Operation *, DotPlan> dots_;
  std::deque<Value> ahead_, back_; // values to propagate from; forwards goes first
};

} // namespace

static bool isTotalOfScan(Value value) {
  auto scan = value.getDefiningOp<ScanOp>();
  return scan && cast<OpResult>(value).getResultNumber() >= scan.getNumOperands();
}

void Assigner::give(Value value, LinearAttr layout) {
  if (!layout || !isTile(value) || given_.count(value))
    return;
  bool isTotal = isTotalOfScan(value);
  if (!isTotal && isa_and_nonnull<ScanOp, SortOp>(value.getDefiningOp()))
    layout = acceptableOperand(value.getDefiningOp(), layout); // what it gives has the layout of what it takes
  given_[value] = layout;
  ahead_.push_back(value);
  back_.push_back(value);
  for (Value tied : tiedTo(value))
    give(tied, layout);
  // An op of one layout has thereby settled what its operands and other results have.
  Operation *op = value.getDefiningOp();
  if (!op || isTotal || !(keepsOneLayout(op) || isa<SplitOp, ScanOp>(op)))
    return;
  operandSide_.try_emplace(op, isa<SplitOp>(op) ? operandFromResult(op, 0, layout) : layout);
  for (OpResult sibling : op->getResults())
    give(sibling, isTotalOfScan(sibling) ? resultFromOperand(op, 0, layout, sibling.getResultNumber()) : layout);
}

// The op takes its operands in the acceptable layout nearest to `layout`; its results follow.
void Assigner::settle(Operation *op, unsigned operand, LinearAttr layout) {
  if (dots_.count(op) || !operandSide_.try_emplace(op, layout).second)
    return;
  layout = operandSide_[op] = acceptableOperand(op, layout);
  for (OpResult result : op->getResults())
    give(result, resultFromOperand(op, operand, layout, result.getResultNumber()));
}

// Whether any layout may be chosen for the value, independently of the layouts of other values.
bool Assigner::canTake(Value value) const {
  Operation *op = value.getDefiningOp();
  if (auto map = dyn_cast_or_null<MapElementwiseOp>(op))
    return map.getPack() == 1;
  if (auto join = dyn_cast_or_null<JoinOp>(op))
    return !isTile(join.getLhs()); // two scalars are everywhere
  return !op || (!isa<ReduceOp, CatOp, DotOp>(op) && !isTotalOfScan(value));
}

void Assigner::forward(Value value) {
  LinearAttr layout = given_[value];
  for (OpOperand &use : value.getUses()) {
    Operation *user = use.getOwner();
    if (Value carried = carriedBy(use))
      give(carried, layout);
    else if (!isa<PrintOp, StoreOp, BroadcastOp>(user)) // what a row grows into should not follow the row
      settle(user, use.getOperandNumber(), layout);
  }
}

// Whether lanes would load a matrix of a loop with products many times over in this layout, as in that of a cube that it grows into. Of what is known to lie in order, memory decides.
bool Assigner::holdsCopies(LoadOp load, LinearAttr layout) {
  constexpr unsigned kMany = 3; // bits: eight times
  auto type = cast<RankedTensorType>(load.getType());
  auto loop = dyn_cast<scf::ForOp>(load->getParentOp());
  return type.getRank() > 1 && loop && !loop.getBody()->getOps<DotOp>().empty() &&
         layout.getNumBits(layout::kRegister) >= questions_.compute(type, load).getNumBits(layout::kRegister) + kMany;
}

void Assigner::backward(Value value) {
  LinearAttr layout = given_[value];
  for (OpOperand *source : feeding(value))
    if (canTake(source->get()))
      give(source->get(), layout);
  Operation *op = value.getDefiningOp();
  if (!op || isa<scf::ForOp, scf::IfOp, scf::WhileOp>(op))
    return;
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isTile(operand.get()) || !canTake(operand.get()) || given_.count(operand.get()))
      continue;
    LinearAttr need = operandFromResult(op, operand.getOperandNumber(), layout);
    if (auto load = operand.get().getDefiningOp<LoadOp>(); need && load && holdsCopies(load, need))
      need = questions_.compute(cast<RankedTensorType>(load.getType()), load);
    if (need)
      give(operand.get(), need);
  }
}

void Assigner::forwardAll() {
  while (!ahead_.empty()) {
    Value value = ahead_.front();
    ahead_.pop_front();
    forward(value);
  }
}

void Assigner::propagate() {
  while (!ahead_.empty() || !back_.empty()) {
    std::deque<Value> &queue = ahead_.empty() ? back_ : ahead_;
    Value value = queue.front();
    queue.pop_front();
    if (&queue == &ahead_)
      forward(value);
    else
      backward(value);
  }
}

// ---- anchors -------------------------------------------------------------------------------------------------------

void Assigner::anchorDots() {
  AxisFacts facts(function_);
  function_.walk([&](Operation *op) {
    if (auto dot = dyn_cast<DotOp>(op)) {
      DotPlan plan = dots_[op] =
          questions_.planDot(dot, [&](Value operand) { return sourceOf(operand, facts, questions_.target().info()); });
      dot.setInstruction(plan.instruction);
      give(dot.getResult(), plan.accumulator);
    }
  });
  forwardAll(); // what feeds a dot mostly comes from memory and should first hear what memory wants
}

// Clocks of a warp, estimated: an access moves a vector of each lane, by lines of 128 bytes and 64 bytes a clock, whichever takes longer. Sectors of 32 bytes
// that a store does not fill count twice: the cache has to merge them. What a load leaves of a sector, the next one finds in the first-level cache.
static uint64_t accessClocks(const layout::LinearLayout &l, unsigned dim, unsigned bits, int64_t width,
                             unsigned maxVectorBits, bool isStore) {
  std::string name = layout::tensorDimName(dim);
  int64_t vector = l.vectorWidth(layout::kRegister, name, std::min<int64_t>(width, std::max(maxVectorBits / bits, 1u)));
  layout::Span registers(l.columnsOf(layout::kRegister));
  layout::Vectors moved = l.columnsOf(layout::kLane);
  for (int64_t e = 1; e < vector; e *= 2)
    moved.push_back(static_cast<uint64_t>(e) << l.outStart(name));
  auto touched = [&](uint64_t unitBits) {
    uint64_t inUnit =
        std::min<uint64_t>(unitBits / bits, uint64_t(1) << l.outBits(name)); // elements of one row in a unit
    layout::Span units;
    for (uint64_t column : moved)
      units.insert(column & ~((inUnit - 1) << l.outStart(name)));
    return uint64_t(1) << units.rank();
  };
  uint64_t accesses = (uint64_t(1) << registers.rank()) / static_cast<uint64_t>(vector);
  uint64_t bytes = (uint64_t(bits) << layout::Span(moved).rank()) / 8, sectors = touched(256);
  return std::max<uint64_t>(accesses, 1) *
         (2 + (isStore && bytes < 32 * sectors ? 2 * sectors : std::max(touched(1024), bytes / 64)));
}

// The value's layout with vectors twice as long: a bit of the lane that takes neighbours along `dim` on from the vectors' end, exchanged for a bit of the
// register along it. Accumulators of matrix units have pairs of elements in each lane of a quad; then each lane has four of a row. Nothing: no such bits.
static std::optional<layout::LinearLayout> withLongerVectors(const layout::LinearLayout &l, unsigned dim,
                                                             int64_t vector) {
  std::string name = layout::tensorDimName(dim);
  uint64_t next = static_cast<uint64_t>(vector) << l.outStart(name), along = ((uint64_t(1) << l.outBits(name)) - 1)
                                                                             << l.outStart(name);
  layout::Vectors columns = l.columns();
  auto registers = std::span(columns).first(l.inBits(layout::kRegister));
  auto lanes = std::span(columns).subspan(l.inStart(layout::kLane), l.inBits(layout::kLane));
  auto lane = std::ranges::find(lanes, next);
  auto reg = std::ranges::find_if(registers, [&](uint64_t c) { return c > next && (c & ~along) == 0; });
  if (lane == lanes.end() || reg == registers.end() || vector >= int64_t(1) << l.outBits(name))
    return std::nullopt;
  std::swap(*lane, *reg);
  return layout::LinearLayout(l.ins(), l.outs(), std::move(columns));
}

// In which layout a value is stored: as it lies, with its vectors made longer, or moved into the layout that suits memory. Of equals the one with longer
// vectors: fewer instructions.
LinearAttr Assigner::storedIn(const MemoryAccess &access, LinearAttr memory) {
  LinearAttr value = given_.lookup(access.op->getOperand(1));
  if (!value)
    return memory;
  unsigned maxVectorBits = access.mostBits, moved = storageBits(access.op->getOperand(1).getType());
  auto clocks = [&](LinearAttr l) {
    return costs_.cost(value, l, moved) +
           accessClocks(l.getLayout(), access.fastest, access.bits, access.width, maxVectorBits, /*isStore=*/true);
  };
  int64_t most = std::min<int64_t>(access.width, std::max(maxVectorBits / access.bits, 1u)),
          vector = value.getLayout().vectorWidth(layout::kRegister, layout::tensorDimName(access.fastest), most);
  LinearAttr best = value;
  if (vector < most && moved >= 32) // narrower elements move as words of two, and gain less
    if (auto longer = withLongerVectors(value.getLayout(), access.fastest, vector))
      if (auto attr = LinearAttr::get(access.op->getContext(), *longer); clocks(attr) <= clocks(best))
        best = attr;
  return clocks(best) <= clocks(memory) ? best : memory;
}

// Whether a row of the loop's own is loaded to meet, as rows or columns, what a dot has laid out: scales of blocks. In that layout each lane holds many of the
// row's elements, in copies, and would load every one of them.
bool Assigner::scalesLaidOut(LoadOp load) const {
  if (cast<RankedTensorType>(load.getType()).getRank() != 1 || !load->getParentOfType<scf::ForOp>())
    return false;
  for (Operation *user : load->getUsers()) {
    auto grown = dyn_cast<ExpandDimsOp>(user);
    if (!grown)
      return false;
    for (Operation *next : grown->getUsers()) {
      auto whole = dyn_cast<BroadcastOp>(next);
      bool meets = whole && llvm::any_of(whole->getUsers(), [&](Operation *with) {
                     return llvm::any_of(with->getOperands(),
                                         [&](Value v) { return v != whole.getResult() && given_.count(v); });
                   });
      if (!meets)
        return false;
    }
  }
  return !load->use_empty();
}

// Whether each element is computed from the same one of a load, by whatever keeps one layout.
static bool comesFromLoad(Value value) {
  SmallVector<Value> work{value};
  llvm::DenseSet<Value> seen;
  while (!work.empty()) {
    Operation *op = work.pop_back_val().getDefiningOp();
    if (isa_and_nonnull<LoadOp>(op))
      return true;
    if (!op || !keepsOneLayout(op) || isa<ScanOp, SortOp>(op))
      continue;
    for (Value operand : op->getOperands())
      if (isTile(operand) && seen.insert(operand).second)
        work.push_back(operand);
  }
  return false;
}

// Whether a dot multiplies what is made of a value by whatever keeps its elements.
static bool feedsDot(Value value) {
  SmallVector<Value> work{value};
  llvm::DenseSet<Value> seen;
  while (!work.empty()) {
    for (OpOperand &use : work.pop_back_val().getUses()) {
      Operation *op = use.getOwner();
      if (isa<DotOp>(op) && use.getOperandNumber() < 2)
        return true;
      SmallVector<Value> made;
      if (auto loop = dyn_cast<scf::ForOp>(op->getParentOp()); loop && isa<scf::YieldOp>(op))
        made.push_back(loop.getRegionIterArg(use.getOperandNumber()));
      if (keepsOneLayout(op) || isa<TransposeOp, ReshapeOp, BroadcastOp, ExpandDimsOp, JoinOp>(op))
        llvm::append_range(made, op->getResults());
      for (Value result : made)
        if (isTile(result) && seen.insert(result).second)
          work.push_back(result);
    }
  }
  return false;
}

struct Assigner::Group {
  target::LayoutRequest request; // for the narrowest element
  SmallVector<MemoryAccess> accesses;
};

// The layout of a group: that of its narrowest element, or, where stores of wider ones would not fill their sectors, the one in which all accesses together take
// the fewest clocks, of those that suit the width of one of the elements. 16 values of 8 bits a lane are 32 or 64 bytes of each once they are wider, stored by
// accesses of 16 bytes that fill a half or a quarter of each sector. Only for what comes from a load as it lies: a sort in between costs more where neighbours
// are in several lanes; and only where all that is loaded is narrow and all that is stored wide: of layer norm's gradients, which load and store both f16 and f32, the loads become twice
// as many, and cost more than the stores gain.
LinearAttr Assigner::sharedBy(const Group &group) {
  auto clocks = [&](LinearAttr layout, const MemoryAccess &access, bool isStore) {
    return accessClocks(layout.getLayout(), access.fastest, access.bits, access.width, access.mostBits, isStore);
  };
  LinearAttr best = questions_.ask(group.request, group.accesses.front().op);
  auto isSplit = [&](const MemoryAccess &access) {
    return isa<StoreOp>(access.op) && access.bits > group.request.elementBits &&
           clocks(best, access, true) != clocks(best, access, false) && comesFromLoad(access.op->getOperand(1));
  };
  auto goesOtherWay = [&](const MemoryAccess &access) {
    return isa<LoadOp>(access.op) == (access.bits > group.request.elementBits);
  };
  if (llvm::none_of(group.accesses, isSplit) || llvm::any_of(group.accesses, goesOtherWay))
    return best;
  std::map<unsigned, unsigned> elements; // by width, one of it
  for (const MemoryAccess &access : group.accesses)
    elements[access.bits] = elementNumber(access.op->getOperand(0).getType());
  uint64_t least = ~uint64_t(0);
  for (auto [bits, element] : elements) {
    target::LayoutRequest request = group.request;
    request.elementBits = bits;
    request.elem = element;
    LinearAttr layout = questions_.ask(request, group.accesses.front().op);
    uint64_t sum = 0;
    for (const MemoryAccess &access : group.accesses)
      sum += clocks(layout, access, !isa<LoadOp>(access.op));
    if (sum < least) {
      best = layout;
      least = sum;
    }
  }
  return best;
}

// Accesses of one shape with the same fastest dim share a layout: a second one would buy nothing that the conversion does not cost. What a dot has laid out is
// converted in any case, or stored in place: its stores have layouts of their own, and those of constants.
void Assigner::anchorMemory() {
  AxisFacts facts(function_);
  std::map<std::tuple<std::vector<int64_t>, unsigned, unsigned>, Group> groups;
  SmallVector<MemoryAccess> accesses;
  std::map<std::vector<int64_t>, std::set<unsigned>> ways; // of each shape, the dims along which it is accessed
  function_.walk([&](Operation *op) {
    if (!isa<LoadOp, StoreOp>(op) && !(isa<AtomicRmwOp>(op) && op->use_empty()))
      return;
    if (!isTile(op->getOperand(0)))
      return;
    if (std::optional<MemoryAccess> access = accessOf(op, facts, questions_.target().info())) {
      accesses.push_back(*access);
      ways[shapeOf(op->getOperand(0).getType()).vec()].insert(access->fastest);
    } else if (auto load = dyn_cast<LoadOp>(op); load && scalesLaidOut(load)) {
      give(load.getResult(), questions_.compute(cast<RankedTensorType>(load.getType()), op));
    }
  });
  for (MemoryAccess &access : accesses) {
    Operation *op = access.op;
    std::vector<int64_t> shape = shapeOf(op->getOperand(0).getType()).vec();
    const bool isLaidOut = !isa<LoadOp>(op) && given_.count(op->getOperand(1)),
               isOnItsOwn = isLaidOut || (!isa<LoadOp>(op) && matchPattern(op->getOperand(1), m_Constant())),
               isTurned = access.bits < 32 && ways[shape].size() > 1; // through shared memory, by words
    if (!isa<AtomicRmwOp>(op) && (isLaidOut || isTurned || (isa<LoadOp>(op) && feedsDot(op->getResult(0)))))
      access.width = std::max<int64_t>(access.width, kWidthOfOperands);
    Group &group = groups[{shape, access.fastest, isOnItsOwn ? access.bits : 0}];
    target::LayoutRequest &request = group.request;
    if (group.accesses.empty()) {
      request.access = isa<LoadOp>(op) ? target::Access::Load : target::Access::Store;
      request.shape = shape;
      request.contiguity.assign(shape.size(), 0); // one element an access still says which way neighbouring lanes go
    }
    if (group.accesses.empty() || access.bits < request.elementBits) {
      request.elem = elementNumber(op->getOperand(0).getType());
      request.elementBits = access.bits;
    }
    request.contiguity[access.fastest] = std::max(request.contiguity[access.fastest], access.width);
    group.accesses.push_back(access);
  }

  // Loads decide for what they load; stores ask what they store; addresses and masks come last.
  SmallVector<std::pair<MemoryAccess, LinearAttr>> anchored;
  for (auto &[key, group] : groups) {
    LinearAttr layout = sharedBy(group);
    for (const MemoryAccess &access : group.accesses) {
      anchored.push_back({access, layout});
      if (isa<LoadOp>(access.op))
        give(access.op->getResult(0), layout);
    }
  }
  forwardAll();
  for (auto &[access, layout] : anchored) {
    if (!isa<LoadOp>(access.op))
      operandSide_[access.op] = storedIn(access, layout);
    if (isa<AtomicRmwOp>(access.op)) // what nobody reads, as its value comes
      given_[access.op->getResult(0)] = operandSide_[access.op];
    for (Value operand : access.op->getOperands())
      if (canTake(operand))
        give(operand, operandSide_[access.op]);
  }
  // Stores without any order take their value as it lies.
  function_.walk([&](StoreOp store) {
    LinearAttr value = given_.lookup(store.getValue());
    if (value && operandSide_.try_emplace(store, value).second && canTake(store.getPtr()))
      give(store.getPtr(), value);
  });
}

void Assigner::anchorRest() {
  auto giveDefault = [&](Value value, Operation *at) {
    if (!isTile(value) || given_.count(value) || !canTake(value))
      return;
    give(value, questions_.compute(cast<RankedTensorType>(value.getType()), at));
    propagate();
  };
  function_.walk<WalkOrder::PreOrder>([&](Operation *op) {
    for (Region &region : op->getRegions())
      for (Block &block : region)
        for (Value argument : block.getArguments())
          giveDefault(argument, op);
    for (Value result : op->getResults())
      giveDefault(result, op);
  });
}

// ---- rewriting -----------------------------------------------------------------------------------------------------

// The layout in which the op must get this operand; null where any will do.
LinearAttr Assigner::needOf(OpOperand &operand) {
  Operation *op = operand.getOwner();
  unsigned index = operand.getOperandNumber();
  if (Value carried = carriedBy(operand))
    return given_.lookup(carried);
  if (auto dot = dots_.find(op); dot != dots_.end()) {
    const DotPlan &plan = dot->second;
    return index == 0 ? plan.a : index == 1 ? plan.b : plan.accumulator;
  }
  if (isa<PrintOp, ExtractScalarOp>(op) || (isa<GatherOp>(op) && index == 0))
    return {};
  if (isa<ExpandDimsOp, BroadcastOp, ReshapeOp, TransposeOp>(op))
    return operandFromResult(op, index, given_.lookup(op->getResult(0)));
  if (isa<GatherOp>(op))
    return given_.lookup(op->getResult(0));
  if (keepsOneLayout(op) || isa<ReduceOp, ScanOp, JoinOp, SplitOp, CatOp, HistogramOp>(op)) {
    auto [side, isNew] = operandSide_.try_emplace(op, LinearAttr());
    if (isNew)
      side->second = acceptableOperand(op, given_.lookup(operand.get()));
    return side->second;
  }
  return {};
}

void Assigner::rewriteTypes() {
  for (auto &[value, layout] : given_)
    setLayout(value, layout);
  // Kernels have no tiles as parameters; test functions do.
  function_.setType(FunctionType::get(function_.getContext(), function_.getBody().getArgumentTypes(), {}));
}

unsigned Assigner::convertOperands() {
  // One conversion for each value and layout, right after the value: outside of the loops that only use it.
  DenseMap<std::pair<Value, LinearAttr>, Value> converted;
  SmallVector<std::pair<OpOperand *, LinearAttr>> wanted;
  function_.walk([&](Operation *op) {
    for (OpOperand &operand : op->getOpOperands()) {
      if (!isTile(operand.get()))
        continue;
      LinearAttr need = needOf(operand);
      if (need && need != given_.lookup(operand.get()))
        wanted.push_back({&operand, need});
    }
  });
  rewriteTypes();
  OpBuilder builder(function_.getContext());
  for (auto [operand, need] : wanted) {
    Value value = operand->get(), &result = converted[{value, need}];
    if (!result) {
      builder.setInsertionPointAfterValue(value);
      result = ConvertLayoutOp::create(builder, value.getLoc(),
                                       withLayout(cast<RankedTensorType>(value.getType()), need), value);
    }
    operand->set(result);
  }
  return static_cast<unsigned>(converted.size());
}

// The layout in shared memory of an operand that lanes write there. The plan was made before tiles had layouts, by what is loaded as it is; of what comes from
// branches, or is computed, it is known only now how the lanes hold it. Written across that, vectors fall apart into single elements.
LinearAttr Assigner::asHeld(DotOp dot, unsigned operand, LinearAttr planned) {
  Value value = dot->getOperand(operand), from = value;
  while (auto transpose = from.getDefiningOp<TransposeOp>())
    from = transpose.getSource();
  if (from.getDefiningOp<DescriptorLoadOp>())
    return planned; // as the copy writes it
  unsigned rank = cast<RankedTensorType>(value.getType()).getRank(), best = rank;
  int64_t widest = 0;
  for (unsigned d = 0; d < rank; ++d) {
    std::string name = layout::tensorDimName(d);
    bool isPlanned =
        planned.getLayout().columnsOf(layout::kOffset).front() == uint64_t(1) << planned.getLayout().outStart(name);
    int64_t vector =
        layoutOf(value).getLayout().vectorWidth(layout::kRegister, name, 128 / storageBits(value.getType()));
    if (vector > widest || (vector == widest && isPlanned))
      widest = vector, best = isPlanned ? rank : d;
  }
  LinearAttr held = best == rank
                        ? LinearAttr()
                        : questions_.sharedOperand(dot, static_cast<uint32_t>(dot.getInstruction()) - 1, operand, best);
  return held ? held : planned;
}

// Operands of matrix units that read shared memory go there right where they are made, outside of the loops that only use them; the product starts,
// and is awaited at once: PipelineLoops knows what may run meanwhile.
void Assigner::startSharedDots() {
  DenseMap<std::pair<Value, LinearAttr>, Value> buffers;
  OpBuilder builder(function_.getContext());
  auto inShared = [&](DotOp dot, Value value, LinearAttr layout) {
    Value &buffer = buffers[{value, layout}];
    if (!buffer) {
      builder.setInsertionPointAfterValue(value);
      auto type = cast<RankedTensorType>(value.getType());
      auto shared = SharedType::get(type.getShape(), type.getElementType(), layout);
      auto bytes = builder.getI32IntegerAttr(static_cast<int32_t>(type.getNumElements() * storageBits(type) / 8));
      buffer = SharedAllocOp::create(builder, dot.getLoc(), shared, IntegerAttr(), bytes);
      SharedStoreOp::create(builder, dot.getLoc(), buffer, value);
      SharedFenceOp::create(builder, dot.getLoc());
    }
    return buffer;
  };
  for (auto &[op, plan] : dots_) {
    auto dot = dyn_cast<DotOp>(op);
    if (!dot || !plan.bShared)
      continue;
    // Of what passes through registers or is turned round, the plan knows how lanes hold it. An a that passes must lie across k also where a branch or a computation gave it
    // another layout: by its buffer the lane emitter tells that the unit does not read it. Stores are then made of single elements, at worst.
    LinearAttr aLies = plan.aShared && !plan.aPasses ? asHeld(dot, 0, plan.aShared) : plan.aShared,
               bLies = plan.b ? plan.bShared : asHeld(dot, 1, plan.bShared);
    Value a = aLies ? inShared(dot, dot.getA(), aLies) : dot.getA();
    Value b = inShared(dot, dot.getB(), bLies);
    builder.setInsertionPoint(dot);
    Value started = AsyncDotOp::create(builder, dot.getLoc(), dot.getType(), a, b, dot.getC(), dot.getPrecision(),
                                       dot.getMaxImprecise(), dot.getInstruction());
    dot.replaceAllUsesWith(DotWaitOp::create(builder, dot.getLoc(), ValueRange{started}, 0)->getResult(0));
    dot.erase();
  }
}

unsigned Assigner::run() {
  anchorDots();
  anchorMemory();
  propagate();
  anchorRest();
  unsigned conversions = convertOperands();
  startSharedDots();
  return conversions;
}

// Whether a block of so many subgroups exists on the target.
static LogicalResult checkShape(ModuleOp module, const target::TargetInfo &info, unsigned numWarps) {
  if (!layout::isPowerOfTwo(numWarps))
    return module.emitError() << "num_warps must be a power of two, got " << numWarps;
  if (!layout::isPowerOfTwo(info.lanes()))
    return module.emitError() << "target " << info.name << " has subgroups of " << info.lanes()
                              << " lanes; layouts need a power of two";
  uint64_t warps = info.get(target::Capability::MaxWarps, UINT64_MAX),
           threads = info.get(target::Capability::MaxThreads, UINT64_MAX);
  if (numWarps > warps || uint64_t(numWarps) * info.lanes() > threads)
    return module.emitError() << "num_warps = " << numWarps << " needs " << uint64_t(numWarps) * info.lanes()
                              << " threads, target " << info.name << " runs "
                              << std::min(warps, threads / info.lanes()) * info.lanes()
                              << " in a block (num_warps = " << std::min(warps, threads / info.lanes()) << ")";
  return success();
}

// The subgroups of all blocks of a cluster as one block, as far as the target runs so many (docs/rationale/clusters.md).
static FailureOr<unsigned> joinCluster(ModuleOp module, const target::TargetInfo &info) {
  auto numWarps = static_cast<unsigned>(moduleOption(module, "num_warps", 4));
  auto blocks = static_cast<uint64_t>(moduleOption(module, "num_ctas", 1));
  if (blocks <= 1 || info.get(target::Capability::ClusterMax, 0) == 0)
    return numWarps;
  uint64_t most = info.get(target::Capability::ClusterMax, 0);
  if (!layout::isPowerOfTwo(blocks) || blocks > most) {
    module.emitError() << "num_ctas must be a power of two of at most " << most << " on target " << info.name
                       << ", got " << blocks;
    return failure();
  }
  uint64_t warps = std::min(info.get(target::Capability::MaxWarps, UINT64_MAX),
                            info.get(target::Capability::MaxThreads, UINT64_MAX) / info.lanes());
  if (numWarps < warps)
    numWarps = static_cast<unsigned>(std::min<uint64_t>(numWarps * blocks, warps));
  setModuleOption(module, "num_warps", numWarps);
  return numWarps;
}

// What the rules of layouts take for granted.
static LogicalResult checkInput(func::FuncOp function) {
  WalkResult legal = function.walk([&](Operation *op) {
    if (isa<MakeBlockPtrOp, AdvanceOp, LoadBlockOp, StoreBlockOp>(op)) {
      op->emitError() << "block pointers must be lowered before layouts are assigned";
      return WalkResult::interrupt();
    }
    for (Value result : op->getResults())
      for (int64_t extent : shapeOf(result.getType()))
        if (!layout::isPowerOfTwo(extent)) {
          op->emitError() << "the extents of a tile must be powers of two to have a layout, got " << result.getType();
          return WalkResult::interrupt();
        }
    return WalkResult::advance();
  });
  return failure(legal.wasInterrupted());
}

StepResult assignLayouts(ModuleOp module, const target::Target &target) {
  StepResult result;
  FailureOr<unsigned> joined = joinCluster(module, target.info());
  if (failed(joined) || failed(checkShape(module, target.info(), *joined)))
    return {failure(), 0};
  unsigned numWarps = *joined;
  module.walk([&](func::FuncOp function) {
    if (failed(checkInput(function)))
      result.status = failure();
    else
      result.count += Assigner(function, target, numWarps).run();
  });
  module->setAttr(kLevelAttr, StringAttr::get(module.getContext(), "layout"));
  return result;
}

} // namespace tessera::tile
