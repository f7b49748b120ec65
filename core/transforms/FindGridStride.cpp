// FindGridStride.cpp - a loop over the grid whose iterations are independent: its launch may have a program for each of them
//
// SPDX-License-Identifier: Apache-2.0
//
// Before: scf.for %row = program_id 0 to %rows step num_programs 0 { load x + row * a + i ; store y + row * b + i }
// After:  %ok = what one iteration reads and writes, no other one writes ; tile.grid_stride (%ok ? %rows : 0) axis = 0, in front of the loop
// Programs that take every num_programs-th iteration are given theirs from the start. Blocks that a device starts when others have ended go where there is room, and
// rows are then touched in the order in which they lie: docs/rationale/grid-stride.md has what that is worth.
// Nobody can tell: the kernel asks for its place in the grid there and nowhere else, carries nothing from one iteration to the next, and does nothing outside of the loop. What an
// access touches is a window on an array (ArrayWindow.h); it is proven, or asked of the arguments, that the windows of different iterations have no byte in common where one
// of them is written. Sums are exact where nothing wraps, as everywhere.
// Requires: addresses as base + scalar + offsets, equal ops merged.  Leaves: the loop as it was.
// Not done here: loads in front of the loop, which every block would do (slower where they fill a multiprocessor's registers); loops with products, whose programs hide the next tile's
// loads behind an epilogue; atomics.
#include "core/transforms/ArrayWindow.h"
#include "core/transforms/CopiedArrays.h"
#include "core/transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace tessera::tile {
#define GEN_PASS_DEF_TILEFINDGRIDSTRIDEPASS
#include "core/transforms/Passes.h.inc"

namespace {

// Bytes that an iteration moves at least: the least that was measured to gain (docs/rationale/grid-stride.md).
constexpr int64_t kLeastBytes = 4 << 10;

// The elements of an array that an access touches in iteration v: `span` of them from `origin` + v * `pitch` on.
struct Cell {
  Sum pitch, origin, span;
};

struct Access {
  Operation *op = nullptr;
  ArrayWindow window;
  std::optional<Cell> cell;
  bool isStore() const { return isa<StoreOp>(op); }
};

struct FindGridStride final : impl::TileFindGridStridePassBase<FindGridStride> {
  using Base::Base;
  void runOnOperation() override;

private:
  // Each empty, or why the loop stays its programs' own.
  std::string whyNot(func::FuncOp function);
  std::string collect(scf::ForOp loop, std::vector<Access> &accesses) const;
  std::string compare(scf::ForOp loop, ArrayRef<Access> accesses, Value &independent) const;

  std::optional<AxisFacts> facts_;
  std::optional<IntegerRanges> ranges_;
};

// Whether the value goes nowhere but to the loop's operand of this number. What is promised of it would be of the grid that the launch asks for: then it is asked for elsewhere.
bool isOnly(Value value, scf::ForOp loop, unsigned operand) {
  return llvm::all_of(value.getUses(), [&](OpOperand &use) {
    if (use.getOwner() == loop)
      return use.getOperandNumber() == operand;
    return isa<arith::ExtSIOp, arith::ExtUIOp>(use.getOwner()) && isOnly(use.getOwner()->getResult(0), loop, operand);
  });
}

template <typename Op> Op comesFrom(Value value) {
  while (isa_and_nonnull<arith::ExtSIOp, arith::ExtUIOp>(value.getDefiningOp()))
    value = value.getDefiningOp()->getOperand(0);
  return value.getDefiningOp<Op>();
}

// The grid's axis that the loop goes along; none where it goes along no axis, or the kernel asks for its place there elsewhere too.
std::optional<int32_t> axisOf(scf::ForOp loop) {
  auto first = comesFrom<ProgramIdOp>(loop.getLowerBound());
  auto step = comesFrom<NumProgramsOp>(loop.getStep());
  if (!first || !step || first.getAxis() != step.getAxis() || !loop.getInitArgs().empty() || loop.getUnsignedCmp())
    return std::nullopt;
  bool asks = false;
  loop->getParentOfType<func::FuncOp>().walk([&](Operation *op) {
    if (auto id = dyn_cast<ProgramIdOp>(op))
      asks |= id.getAxis() == first.getAxis() && !isOnly(id, loop, 0);
    else if (auto count = dyn_cast<NumProgramsOp>(op))
      asks |= count.getAxis() == first.getAxis() && !isOnly(count, loop, 2);
  });
  return asks ? std::nullopt : std::optional(first.getAxis());
}

bool followFromParameters(const Sum &sum) {
  return llvm::all_of(sum.terms(), [](const Term &term) { return llvm::all_of(term.atoms, followsFromParameters); });
}

// Where the window lies in an iteration; none where iterations are no steps along one of its dims.
std::optional<Cell> cellOf(const AxisFacts &facts, const ArrayWindow &window, Value iteration) {
  const ArrayWindow::Dim *along = nullptr;
  int64_t extent = 1; // of the tile along it
  auto visit = [&](const ArrayWindow::Dim &dim, int64_t ofTile) {
    bool moves =
        llvm::any_of(dim.place.terms(), [&](const Term &term) { return llvm::is_contained(term.atoms, iteration); });
    if (!moves)
      return true;
    extent = ofTile;
    return std::exchange(along, &dim) == nullptr;
  };
  for (auto [d, dim] : llvm::enumerate(window.dims))
    if (!visit(dim, window.type.getShape()[d]))
      return std::nullopt;
  for (const ArrayWindow::Dim &dim : window.outer)
    if (!visit(dim, 1))
      return std::nullopt;
  if (!along)
    return std::nullopt;
  Sum step, rest; // of its place
  for (const Term &term : along->place.terms()) {
    bool moves = llvm::is_contained(term.atoms, iteration);
    if (moves && (term.atoms.size() != 1 || !step.isZero()))
      return std::nullopt;
    if (!(moves ? step.add(Sum(term.coefficient)) : rest.add(term)))
      return std::nullopt;
  }
  AffineSums sums(facts);
  Sum tile(extent - 1);
  std::optional<Sum> pitch = Sum::product(step, along->stride), origin = Sum::product(rest, along->stride),
                     own = Sum::product(tile, along->stride), span = spanOf(sums, window, along);
  if (!pitch || !origin || !own || !span || !span->add(*own) || !origin->add(window.baseOffset) ||
      !followFromParameters(*origin) || !followFromParameters(*span) || !followFromParameters(*pitch))
    return std::nullopt;
  return Cell{*pitch, *origin, *span};
}

} // namespace

std::string FindGridStride::collect(scf::ForOp loop, std::vector<Access> &accesses) const {
  int64_t bytes = 0;
  bool stores = false;
  std::string why;
  loop.getBody()->walk([&](Operation *op) {
    auto take = [&](auto access, Type type) {
      Access &taken = accesses.emplace_back();
      taken.op = op;
      int64_t count = isa<RankedTensorType>(type) ? cast<RankedTensorType>(type).getNumElements() : 1;
      bytes += count * bitWidthOf(elementTypeOf(type)) / 8;
      if (!WindowFinder(*facts_, *ranges_).findReach(access, taken.window).empty())
        why = "what an iteration touches is no window on an array";
      else
        taken.cell = cellOf(*facts_, taken.window, loop.getInductionVar());
    };
    if (auto load = dyn_cast<LoadOp>(op)) {
      if (load.getIsVolatile() || load.getCache() == Cache::CV)
        why = "it hears of what others store";
      take(load, load.getType());
    } else if (auto store = dyn_cast<StoreOp>(op)) {
      stores = true;
      take(store, store.getValue().getType());
    } else if (isa<DotOp, DotScaledOp>(op)) {
      why = "it has products";
    } else if (!isa<AssumeOp>(op) && !op->hasTrait<OpTrait::HasRecursiveMemoryEffects>() && !isMemoryEffectFree(op)) {
      why = "an iteration does more than load and store";
    }
    return why.empty() ? WalkResult::advance() : WalkResult::interrupt();
  });
  if (why.empty() && (!stores || bytes < kLeastBytes))
    why = "an iteration moves too little";
  return why;
}

std::string FindGridStride::compare(scf::ForOp loop, ArrayRef<Access> accesses, Value &independent) const {
  OpBuilder b(loop);
  Location loc = loop.getLoc();
  Type i64 = b.getI64Type();
  auto require = [&](Value condition) {
    independent = independent ? arith::AndIOp::create(b, loc, independent, condition) : condition;
  };
  auto isLess = [&](Value x, Value y) -> Value {
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, x, y);
  };
  auto build = [&](const Sum &sum) { return buildSum(b, loc, sum, i64); };
  llvm::SmallDenseSet<Operation *> fits; // whose cells of different iterations are apart
  auto requireApart = [&](const Access &access) {
    if (fits.insert(access.op).second)
      require(isLess(arith::SubIOp::create(b, loc, build(access.cell->span), makeConstant(b, loc, i64, 1)),
                     build(access.cell->pitch)));
  };
  for (const Access &access : accesses)
    for (const ArrayWindow::Dim &dim : llvm::concat<const ArrayWindow::Dim>(access.window.dims, access.window.outer))
      if (!dim.stride.isZero() && !dim.stride.terms().front().atoms.empty()) // sums count on it
        require(isLess(makeConstant(b, loc, i64, -1), build(dim.stride)));
  for (const Access &store : accesses) {
    if (!store.isStore())
      continue;
    if (!store.cell)
      return "iterations store to the same place";
    requireApart(store);
    for (const Access &other : accesses) {
      if (&other == &store || (other.isStore() && &other < &store))
        continue;
      bool sameCells = other.cell && other.window.base == store.window.base && other.cell->pitch == store.cell->pitch &&
                       other.cell->origin == store.cell->origin &&
                       other.window.type.getElementType() == store.window.type.getElementType();
      if (sameCells) {
        requireApart(other);
        continue;
      }
      Value overlap = makeOverlap(loop, *facts_, store.window, other.window);
      if (!overlap)
        return "how far its accesses reach is not known before the launch";
      require(arith::XOrIOp::create(b, loc, overlap, makeConstant(b, loc, b.getI1Type(), 1)));
    }
  }
  return {};
}

std::string FindGridStride::whyNot(func::FuncOp function) {
  scf::ForOp loop;
  for (Operation &op : function.front().without_terminator()) {
    if (auto found = dyn_cast<scf::ForOp>(op); found && !loop)
      loop = found;
    else if (!isMemoryEffectFree(&op) && !isa<AssumeOp>(op))
      return "the kernel does something outside of its loop";
  }
  std::optional<int32_t> axis = loop ? axisOf(loop) : std::nullopt;
  if (!axis)
    return "the kernel is no loop over its grid";
  // Assembly without operands asks the machine for something: its place in the grid, perhaps.
  if (function
          .walk([](InlineAsmOp op) { return op->getNumOperands() ? WalkResult::advance() : WalkResult::interrupt(); })
          .wasInterrupted())
    return "it asks the target by assembly";
  facts_.emplace(function);
  ranges_.emplace(function);
  AffineSums sums(*facts_);
  std::vector<Access> accesses;
  std::string why = collect(loop, accesses);
  if (!why.empty())
    return why;
  std::optional<Sum> programs = sums.ofScalar(loop.getUpperBound());
  if (!programs || !followFromParameters(*programs))
    return "how often it runs is not known before the launch";
  Value independent;
  if (why = compare(loop, accesses, independent); !why.empty())
    return why;
  OpBuilder b(loop);
  Location loc = loop.getLoc();
  Value count = buildSum(b, loc, *programs, b.getI64Type());
  if (independent)
    count = arith::AndIOp::create(b, loc, count, arith::ExtSIOp::create(b, loc, b.getI64Type(), independent));
  GridStrideOp::create(b, loc, count, *axis);
  ++numFound;
  return {};
}

void FindGridStride::runOnOperation() {
  func::FuncOp function = getOperation();
  if (function.isExternal() || !llvm::hasSingleElement(function.getBody()))
    return markAllAnalysesPreserved();
  std::string why = whyNot(function);
  if (!why.empty() && remarks)
    function.emitRemark() << "launches have the programs that they ask for: " << why;
  facts_.reset();
  ranges_.reset();
}

} // namespace tessera::tile
