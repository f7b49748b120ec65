// GlobalOrder.cpp - see GlobalOrder.h
// SPDX-License-Identifier: Apache-2.0
#include "core/transforms/layout/GlobalOrder.h"

#include "core/analysis/PointerOrigins.h"
#include "core/analysis/SameComputation.h"
#include "core/transforms/layout/LayoutRules.h"

using namespace mlir;

namespace tessera::tile {

// Where an access goes: a scalar pointer, what all elements are moved by, and how they lie to each other. Sums are in bytes.
struct GlobalOrder::Place {
  Value pointer; // the operand
  Value base;    // null: the pointer is no sum of a scalar pointer and offsets
  bool isKnown = true;
  Sum uniform, along;
  SmallVector<Value> opaque; // tiles of offsets, or of pointers, that are no sums
  int64_t bytes = 1;         // of an element
  LinearAttr layout;         // null: a scalar
  PointerOrigins origins;
};

namespace {

Value pointerOf(Operation *op) {
  auto copy = dyn_cast<AsyncLoadOp>(op);
  return copy ? copy.getPtr() : op->getOperand(0);
}

bool isAtomic(Operation *op) { return isa<AtomicRmwOp, AtomicCasOp>(op); }
bool isRead(Operation *op) { return isa<LoadOp, AsyncLoadOp>(op); }

// Atomics of one kind may come in any order, as far as the program's memory is concerned.
bool commute(Operation *a, Operation *b) {
  auto first = dyn_cast<AtomicRmwOp>(a), second = dyn_cast<AtomicRmwOp>(b);
  return (isRead(a) && isRead(b)) || (first && second && first.getKind() == second.getKind());
}

bool isUniform(const Term &term) { return term.dim < 0; }

// Whether no two elements are at one place. Along dims whose stride is known only when the kernel runs they are taken to be apart: of a store to one place twice
// nobody knows what stays.
bool areDistinct(const Sum &along, RankedTensorType tile) {
  SmallVector<std::pair<int64_t, int64_t>> steps; // |stride|, elements
  for (auto [dim, size] : llvm::enumerate(tile.getShape())) {
    int64_t known = 0;
    bool isAsked = false;
    for (const Term &term : along.terms())
      if (term.dim == static_cast<int>(dim)) {
        known = term.atoms.empty() ? term.coefficient : known;
        isAsked |= !term.atoms.empty();
      }
    if (size == 1 || isAsked)
      continue;
    if (!known)
      return false;
    steps.emplace_back(std::abs(known), size);
  }
  llvm::sort(steps);
  int64_t reach = 0;
  for (auto [step, size] : steps) {
    if (step <= reach)
      return false;
    reach += step * (size - 1);
  }
  return true;
}

// The first and the last byte of a tile, from its uniform place, without steps of whole `rows` (0: with all); null where strides are not known.
std::optional<std::pair<int64_t, int64_t>> reachOf(const Sum &along, Value pointer, int64_t bytes, int64_t rows = 0) {
  std::pair<int64_t, int64_t> reach{0, bytes - 1};
  auto tile = dyn_cast<RankedTensorType>(pointer.getType());
  for (const Term &term : along.terms()) {
    int64_t most = 0;
    if (rows && term.coefficient % rows == 0)
      continue;
    if (!term.atoms.empty() || !tile ||
        __builtin_mul_overflow(term.coefficient, tile.getDimSize(static_cast<unsigned>(term.dim)) - 1, &most))
      return std::nullopt;
    (most < 0 ? reach.first : reach.second) += most;
  }
  return reach;
}

bool isInside(Value value, Operation *loop) { return loop->isAncestor(value.getParentRegion()->getParentOp()); }

} // namespace

GlobalOrder::GlobalOrder(func::FuncOp function) : function_(function) {}
GlobalOrder::~GlobalOrder() = default;

bool GlobalOrder::isAccess(Operation *op) { return isa<LoadOp, AsyncLoadOp, StoreOp>(op) || isAtomic(op); }

const GlobalOrder::Place &GlobalOrder::placeOf(Value pointer) {
  std::unique_ptr<Place> &known = places_[pointer];
  if (known)
    return *known;
  if (!facts_)
    facts_ = std::make_unique<AxisFacts>(function_);
  auto place = std::make_unique<Place>();
  place->pointer = pointer;
  place->layout = layoutOf(pointer);
  place->origins.follow(pointer);
  place->bytes =
      std::max<int64_t>(storageBits(cast<PointerType>(elementTypeOf(pointer.getType())).getPointee()) / 8, 1);
  AffineSums sums(*facts_);
  auto add = [&](Value pointers, const std::optional<Sum> &sum, Value tile) {
    int64_t unit =
        std::max<int64_t>(storageBits(cast<PointerType>(elementTypeOf(pointers.getType())).getPointee()) / 8, 1);
    if (!sum && tile)
      place->opaque.push_back(tile);
    else if (!sum)
      place->isKnown = false;
    else
      place->isKnown &= place->uniform.add(sum->filtered(isUniform), unit) &&
                        place->along.add(sum->filtered([](const Term &term) { return !isUniform(term); }), unit);
  };
  while (Operation *from = pointer.getDefiningOp()) {
    if (auto moved = dyn_cast<AddPtrOp>(from)) {
      bool isTiled = isTile(moved.getOffset());
      std::optional<TileSum> tile = isTiled ? sums.ofTile(moved.getOffset()) : std::nullopt;
      bool isSum = tile && tile->limits.empty(); // what wraps at a limit goes elsewhere
      add(moved, isTiled ? (isSum ? std::optional(tile->sum) : std::nullopt) : sums.ofScalar(moved.getOffset()),
          isTiled ? moved.getOffset() : Value());
      pointer = moved.getPtr();
    } else if (isa<SplatOp, HintOp, BitcastOp, ConvertLayoutOp>(from) && isTilePointer(from->getOperand(0).getType())) {
      pointer = from->getOperand(0);
    } else {
      break;
    }
  }
  if (isTile(pointer))
    place->opaque.push_back(pointer);
  else
    place->base = pointer;
  return *(known = std::move(place));
}

// Whether each element of one access is in the lane of the same element of the other. Scalars: the first lane's.
static bool haveSameLanes(LinearAttr layout, Type one, Type other) { return one == other && layoutOf(other) == layout; }

static bool hasCopies(LinearAttr layout) {
  if (!layout)
    return true;
  layout::LinearLayout lanes = layout.getLayout();
  return lanes.freeMask(layout::kLane) || lanes.freeMask(layout::kWarp);
}

// The outermost loop around `op` whose iteration, as `op` sees it, need not be the one that `other` sees.
static Operation *varyingLoop(const GlobalAccess &earlier, Operation *op, Operation *other) {
  Operation *outermost = nullptr;
  for (Operation *loop = op->getParentOp(); loop && !isa<func::FuncOp>(loop); loop = loop->getParentOp())
    if (isa<scf::ForOp, scf::WhileOp>(loop) && (!loop->isAncestor(other) || loop == earlier.loop))
      outermost = loop;
  return outermost;
}

// What is known of the distance of two places, in bytes: first + n * apart, where n >= 1 iterations lie between, and `first` where apart is 0.
struct GlobalOrder::Distance {
  int64_t first = 0, apart = 0;
};

std::optional<GlobalOrder::Distance> GlobalOrder::distanceOf(const GlobalAccess &earlier, const Place &a,
                                                             Operation *later, const Place &b) {
  if (!a.isKnown || !b.isKnown)
    return std::nullopt;
  Operation *aLoop = varyingLoop(earlier, earlier.op, later), *bLoop = varyingLoop(earlier, later, earlier.op);
  auto varies = [](Value value, Operation *loop) { return loop && (!value || isInside(value, loop)); };
  if (varies(a.base, aLoop) || varies(b.base, bLoop))
    return std::nullopt;
  auto counted = dyn_cast_or_null<scf::ForOp>(aLoop == bLoop && aLoop == earlier.loop ? aLoop : nullptr);
  std::optional<int64_t> step = counted ? splatIntegerOf(counted.getStep()) : std::nullopt;
  // What an iteration adds to either.
  int64_t moved[2] = {0, 0};
  Sum distance = b.uniform;
  if (!distance.add(a.uniform, -1))
    return std::nullopt;
  for (unsigned which : {0, 1}) {
    const Place &place = which ? b : a;
    Operation *loop = which ? bLoop : aLoop;
    for (const Sum *sum : {&place.uniform, &place.along})
      for (const Term &term : sum->terms()) {
        if (llvm::none_of(term.atoms, [&](Value atom) { return varies(atom, loop); }))
          continue;
        if (!step || sum == &place.along || term.atoms.size() != 1 || term.atoms[0] != counted.getInductionVar())
          return std::nullopt;
        moved[which] = term.coefficient;
      }
  }
  Distance known;
  if (moved[0] != moved[1] || (moved[0] && __builtin_mul_overflow(moved[0], *step, &known.apart)))
    return std::nullopt;
  for (const Term &term : distance.terms()) {
    if (!term.atoms.empty())
      return std::nullopt;
    known.first = term.coefficient;
  }
  return known;
}

// Of places from one pointer on: whether the two meet nowhere, or, `inLane`, only in the same element.
bool GlobalOrder::areApart(const Place &a, const Place &b, Distance distance, bool inLane) {
  if (!a.opaque.empty() || !b.opaque.empty())
    return false;
  if (distance.first == 0 && distance.apart == 0 && inLane)
    return true;
  auto one = reachOf(a.along, a.pointer, a.bytes), other = reachOf(b.along, b.pointer, b.bytes);
  // Parts of rows, whatever the rows: both stay in their part of a row.
  for (const Term &term : a.along.terms()) {
    int64_t row = std::abs(term.coefficient);
    auto part = reachOf(a.along, a.pointer, a.bytes, row), second = reachOf(b.along, b.pointer, b.bytes, row);
    if (!part || !second || distance.apart % row)
      continue;
    int64_t from = (((distance.first + second->first - part->first) % row) + row) %
                   row; // from the one's first byte to the other's
    if (from > part->second - part->first && from + second->second - second->first < row)
      return true;
  }
  int64_t nearest = 0;
  if (!one || !other || __builtin_add_overflow(distance.first, distance.apart, &nearest))
    return false;
  bool isWhole = distance.apart && std::abs(distance.apart) > one->second - one->first;
  if (inLane && isWhole && distance.first % distance.apart == 0)
    return true; // the same tile, or another one
  return (nearest + other->first > one->second && distance.apart >= 0) ||
         (nearest + other->second < one->first && distance.apart <= 0);
}

bool GlobalOrder::computeNeed(const GlobalAccess &earlier, Operation *later) {
  const Place &a = placeOf(pointerOf(earlier.op)), &b = placeOf(pointerOf(later));
  auto isInLoopOf = [](Operation *op, Operation *other) { // the innermost loop around one is around the other too
    Operation *loop = op->getParentOp();
    while (!isa<scf::ForOp, scf::WhileOp, func::FuncOp>(loop))
      loop = loop->getParentOp();
    return !isa<func::FuncOp>(loop) && loop->isAncestor(other);
  };
  bool isOneArray = (a.base && a.base == b.base) || a.origins.meet(b.origins);
  bool isDistinct =
      a.layout && a.isKnown && a.opaque.empty() && areDistinct(a.along, cast<RankedTensorType>(a.pointer.getType()));
  bool haveLanes = haveSameLanes(a.layout, a.pointer.getType(), b.pointer.getType());
  // Who starts copies ahead has made sure that stores of the loop go to the very places that an iteration loads, or to other arrays.
  if (earlier.awaited && isInLoopOf(earlier.op, later))
    return isOneArray && !(haveLanes && isDistinct && !hasCopies(a.layout));
  // All lanes that hold an element load it, one of them stores it.
  haveLanes &= !((isRead(earlier.op) || isRead(later)) && hasCopies(a.layout));
  std::optional<Distance> distance = distanceOf(earlier, a, later, b);
  if (!distance || !a.base || !b.base || (a.base != b.base && isOneArray))
    return isOneArray;
  // Of two arguments: as if both were one array.
  if (!isOneArray && a.bytes != b.bytes)
    return false;
  if (!isOneArray && (!a.opaque.empty() || !b.opaque.empty())) {
    bool isOneTile = a.along == b.along && a.opaque.size() == b.opaque.size() &&
                     llvm::all_of(llvm::zip(a.opaque, b.opaque),
                                  [](auto pair) { return computeTheSame(std::get<0>(pair), std::get<1>(pair)); });
    return !distance->first && !distance->apart && !(haveLanes && isOneTile);
  }
  return !areApart(a, b, *distance, haveLanes && (!a.layout || isDistinct) && a.along == b.along);
}

std::optional<bool> GlobalOrder::meetsLater(scf::ForOp loop, Value written, Value read) {
  const Place &a = placeOf(written), &b = placeOf(read);
  Operation *end = loop.getBody()->getTerminator();
  std::optional<Distance> distance = a.base && a.base == b.base ? distanceOf({end, loop}, a, end, b) : std::nullopt;
  bool areSums = a.opaque.empty() && b.opaque.empty() && reachOf(a.along, a.pointer, a.bytes) &&
                 reachOf(b.along, b.pointer, b.bytes);
  if (!distance || (!areSums && distance->apart))
    return std::nullopt;
  return !areApart(a, b, *distance, /*inLane=*/false);
}

bool GlobalOrder::needsBarrier(const GlobalAccess &earlier, Operation *later) {
  if (commute(earlier.op, later))
    return false;
  std::tuple key{earlier.op, earlier.loop, later, unsigned{earlier.awaited}};
  auto known = needs_.find(key);
  return known != needs_.end() ? known->second : needs_[key] = computeNeed(earlier, later);
}

} // namespace tessera::tile
