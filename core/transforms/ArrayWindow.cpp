// ArrayWindow.cpp - see ArrayWindow.h
//
// SPDX-License-Identifier: Apache-2.0
//
// The address is found as a sum (AffineSums.h): an index along each dim of the tile times that dim's stride, and uniform terms, which become
// the window's place. A mask must be a conjunction of bounds along dims, which with the place gives the array's extents; what has no bound gets an extent out of
// reach. Indices that wrap (m % M), are replaced or clamped beyond a bound give other elements there than the copy's zeros: only where these
// elements reach nothing but stores that are masked off there. Source: docs/rationale/descriptors.md, "Plain pointers"
#include "core/transforms/ArrayWindow.h"

#include "core/transforms/CopiedArrays.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

#include <algorithm>
#include <array>

using namespace mlir;

namespace tessera::tile {
namespace {

constexpr size_t kMaxRank = 5;                          // of what engines copy
constexpr int64_t kOutOfReach = (int64_t(1) << 31) - 1; // elements: no coordinate is beyond

// The elements of a value, those below `reach` along `dim`, that a load gives as the program does.
struct Within {
  Value value;
  unsigned dim = 0;
};

// Whether elements at and beyond the reach go nowhere but to stores that are masked off there.
class Unneeded {
public:
  Unneeded(Value value, const Limit &limit, AffineSums &sums) : limit_(limit), sums_(sums) { follow(value, limit.dim); }
  bool holds();

private:
  void follow(Value value, int dim) {
    if (seen_.insert({value, dim}).second)
      open_.push_back({value, static_cast<unsigned>(dim)});
  }
  bool use(OpOperand &use, unsigned dim);
  bool masked(Value mask, unsigned dim);
  bool yielded(OpOperand &use, unsigned dim);

  const Limit &limit_;
  AffineSums &sums_;
  SmallVector<Within> open_;
  llvm::DenseSet<std::pair<Value, int>> seen_;
};

} // namespace

// ---- what nobody needs -------------------------------------------------------------------------------------------------

bool Unneeded::holds() {
  constexpr size_t kMost = 256;
  while (!open_.empty()) {
    Within next = open_.pop_back_val();
    if (seen_.size() > kMost)
      return false;
    for (OpOperand &use : next.value.getUses())
      if (!this->use(use, next.dim))
        return false;
  }
  return true;
}

bool Unneeded::masked(Value mask, unsigned dim) {
  auto limits = mask ? sums_.ofMask(mask) : std::nullopt;
  return limits && llvm::any_of(*limits, [&](const Limit &limit) {
           return !limit.lower && limit.dim == dim && limit.reach == limit_.reach;
         });
}

bool Unneeded::yielded(OpOperand &use, unsigned dim) {
  Operation *parent = use.getOwner()->getParentOp();
  unsigned number = use.getOperandNumber();
  if (auto loop = dyn_cast<scf::ForOp>(parent)) {
    follow(loop.getResult(number), static_cast<int>(dim));
    follow(loop.getRegionIterArg(number), static_cast<int>(dim));
    return true;
  }
  if (auto branch = dyn_cast<scf::IfOp>(parent)) {
    follow(branch.getResult(number), static_cast<int>(dim));
    return true;
  }
  return false;
}

bool Unneeded::use(OpOperand &use, unsigned dim) {
  Operation *op = use.getOwner();
  int at = static_cast<int>(dim);
  if (auto store = dyn_cast<StoreOp>(op))
    return use.getOperandNumber() == 1 && masked(store.getMask(), dim);
  if (auto dot = dyn_cast<DotOp>(op)) {
    bool isSum = use.getOperandNumber() == 2;
    if (dot.getType().getRank() != 2 || (!isSum && dim != use.getOperandNumber()))
      return false; // along k everything is added up
    follow(dot.getResult(), at);
    return true;
  }
  if (isa<scf::YieldOp>(op))
    return yielded(use, dim);
  if (auto loop = dyn_cast<scf::ForOp>(op)) {
    if (use.getOperandNumber() < loop.getNumControlOperands())
      return false;
    follow(loop.getTiedLoopRegionIterArg(&use), at);
    follow(loop.getTiedLoopResult(&use), at);
    return true;
  }
  if (auto transpose = dyn_cast<TransposeOp>(op)) {
    follow(transpose.getResult(),
           static_cast<int>(llvm::find(transpose.getOrder(), at) - transpose.getOrder().begin()));
    return true;
  }
  if (auto expand = dyn_cast<ExpandDimsOp>(op)) {
    follow(expand.getResult(), at >= static_cast<int>(expand.getAxis()) ? at + 1 : at);
    return true;
  }
  if (auto reduce = dyn_cast<ReduceOp>(op)) {
    auto axis = static_cast<int>(reduce.getAxis());
    if (at == axis)
      return false;
    for (Value result : reduce.getResults())
      follow(result, at > axis ? at - 1 : at);
    return true;
  }
  // Element by element, or with dims that other dims are broadcast along.
  if (op->getNumResults() != 1 || op->getNumRegions() != 0 || !isPure(op))
    return false;
  Value result = op->getResult(0);
  if (auto broadcast = dyn_cast<BroadcastOp>(op)) {
    if (broadcast.getSource().getType().getShape()[dim] != broadcast.getType().getShape()[dim])
      return false;
  } else if (!isa<arith::ArithDialect>(op->getDialect()) && op->getDialect()->getNamespace() != "math" &&
             !isa<FpToFpOp, BitcastOp, HintOp>(op)) {
    return false;
  }
  if (shapeOf(result.getType()).size() <= dim)
    return false;
  follow(result, at);
  return true;
}

// ---- the array ---------------------------------------------------------------------------------------------------------

static bool isUniform(const Term &term) { return term.dim < 0; }
static bool ofParameters(const Term &term) { return llvm::all_of(term.atoms, followsFromParameters); }
static bool notOfParameters(const Term &term) { return !ofParameters(term); }

// term / stride, where it has no remainder.
static std::optional<Term> quotient(const Term &term, const Term &stride) {
  Term left = term;
  for (Value atom : stride.atoms) {
    auto *found = llvm::find(left.atoms, atom);
    if (found == left.atoms.end())
      return std::nullopt;
    left.atoms.erase(found);
  }
  if (left.coefficient % stride.coefficient)
    return std::nullopt;
  left.coefficient /= stride.coefficient;
  return left;
}

// The pointer's sum of offsets, and the pointer that they are added to, which the launch knows.
static std::string collectOffsets(Value pointer, AffineSums &sums, Value &base, Sum &total,
                                  SmallVector<Limit> &limits) {
  while (Operation *op = pointer.getDefiningOp()) {
    if (auto add = dyn_cast<AddPtrOp>(op)) {
      bool isTile = isa<RankedTensorType>(add.getType());
      std::optional<TileSum> offset = isTile ? sums.ofTile(add.getOffset()) : std::nullopt;
      if (!isTile)
        if (std::optional<Sum> scalar = sums.ofScalar(add.getOffset()))
          offset = TileSum{*scalar, {}};
      if (!offset || !total.add(offset->sum))
        return "its address is no sum of strides times indices";
      llvm::append_range(limits, offset->limits);
      pointer = add.getPtr();
    } else if (isa<SplatOp, HintOp>(op)) {
      pointer = op->getOperand(0);
    } else {
      break;
    }
  }
  if (isa<RankedTensorType>(pointer.getType()) || !followsFromParameters(pointer) || !arrayParameter(pointer))
    return "its array is not known before the launch";
  base = pointer;
  return {};
}

std::string WindowFinder::findPlaces(AffineSums &sums, ArrayWindow &window, Sum rest, ArrayRef<Limit> limits) const {
  // What a bound needs: an extent must be known at the launch, so what is not in a bound is part of the place.
  for (const Limit &limit : limits) {
    ArrayWindow::Dim &dim = window.dims[limit.dim];
    Sum needed;
    if (dim.hasEnd || limit.lower)
      continue;
    std::optional<Sum> moved =
        needed.add(limit.reach.filtered(notOfParameters), -1) ? Sum::product(needed, dim.stride) : std::nullopt;
    if (!moved || !rest.add(*moved, -1))
      return "its bounds are no sums";
    dim.place = needed;
    dim.hasEnd = true;
  }
  // What is left is known at the launch, or belongs to the dim whose stride says most, or is a place along an outer dim.
  for (const Term &term : SmallVector<Term>(rest.terms())) {
    if (ofParameters(term)) {
      (void)window.baseOffset.add(term);
      continue;
    }
    ArrayWindow::Dim *best = nullptr;
    for (ArrayWindow::Dim &dim : window.dims) {
      std::optional<Term> place =
          dim.hasEnd || dim.stride.isZero() ? std::nullopt : quotient(term, dim.stride.terms().front());
      auto weight = [](const ArrayWindow::Dim &d) {
        const Term &stride = d.stride.terms().front();
        return std::pair(stride.atoms.size(), stride.coefficient);
      };
      if (place && fitsCoordinate(*place, false) && (!best || weight(*best) < weight(dim)))
        best = &dim;
    }
    if (best)
      (void)best->place.add(*quotient(term, best->stride.terms().front()));
    else if (!addOuter(sums, window, term))
      return "a term of its address fits no dim of the tile";
  }
  return {};
}

// Takes constant factors (batch * 4096) from the atom, for the coefficient.
static Value withoutFactors(Value atom, int64_t &coefficient) {
  while (Operation *op = atom.getDefiningOp()) {
    std::optional<int64_t> factor =
        isa<arith::MulIOp, arith::ShLIOp>(op) ? splatIntegerOf(op->getOperand(1)) : std::nullopt;
    if (factor && isa<arith::ShLIOp>(op))
      factor = *factor >= 0 && *factor < 31 ? std::optional(int64_t(1) << *factor) : std::nullopt;
    int64_t product = 0;
    if (!factor || *factor < 1 || __builtin_mul_overflow(coefficient, *factor, &product))
      break;
    coefficient = product;
    atom = op->getOperand(0);
  }
  return atom;
}

// A dim of which the tile has one element: the term's only factor that the launch does not know is the place.
bool WindowFinder::addOuter(AffineSums &sums, ArrayWindow &window, const Term &term) const {
  Term place{1, {}, -1}, stride{term.coefficient, {}, -1};
  for (Value atom : term.atoms)
    if (followsFromParameters(atom))
      stride.atoms.push_back(atom);
    else
      place.atoms.push_back(withoutFactors(atom, stride.coefficient));
  if (place.atoms.size() != 1 || stride.coefficient < 1 || !fitsCoordinate(place, false))
    return false;
  ArrayWindow::Dim dim;
  dim.extent = Sum(kOutOfReach);
  if (!dim.place.add(place) || !dim.stride.add(stride) || !isNonNegative(dim.place))
    return false;
  window.outer.push_back(std::move(dim));
  return true;
}

bool WindowFinder::isNonNegative(const Sum &sum) const {
  auto isAtLeastZero = [&](Value atom) { return facts_.of(atom).nonNegative || ranges_.of(atom).isNonNegative(); };
  return llvm::all_of(
      sum.terms(), [&](const Term &term) { return term.coefficient > 0 && llvm::all_of(term.atoms, isAtLeastZero); });
}

// Whether this part of a place, computed in 32 bits, is the program's number, however wide it computes. What is compared with a bound in 32 bits fits.
bool WindowFinder::fitsCoordinate(const Term &term, bool isCompared) const {
  __int128 low = term.coefficient, high = term.coefficient;
  for (Value atom : term.atoms) {
    Interval own = ranges_.of(atom);
    std::array<__int128, 4> ends = {low * own.low, low * own.high, high * own.low, high * own.high};
    low = *std::min_element(ends.begin(), ends.end());
    high = *std::max_element(ends.begin(), ends.end());
    if (low < INT64_MIN || high > INT64_MAX)
      return false;
  }
  bool isNarrow = llvm::all_of(term.atoms, [](Value atom) { return atom.getType().isInteger(32); });
  return (low >= INT32_MIN && high <= INT32_MAX) || (isCompared && isNarrow);
}

// The extents; whether places are never negative, and elements beyond soft ends, which are not zero in the program, not needed.
std::string WindowFinder::checkEnds(AffineSums &sums, ArrayWindow &window, Value loaded, ArrayRef<Limit> hard,
                                    ArrayRef<Limit> soft) const {
  for (unsigned d = 0; d < window.dims.size(); ++d) {
    ArrayWindow::Dim &dim = window.dims[d];
    bool isEnded = false, hasStart = false;
    for (const Limit &limit : llvm::concat<const Limit>(hard, soft)) {
      if (limit.dim != d)
        continue;
      Sum end = dim.place;
      if (!end.add(limit.reach))
        return "its bounds are no sums";
      if (limit.lower) {
        if (!end.isZero())
          return "its first element along a dim is not where its mask begins";
        hasStart = true;
        continue;
      }
      if (isEnded && !(end == dim.extent))
        return "it has two bounds along a dim";
      dim.extent = end;
      isEnded = true;
    }
    if (!hasStart && !isNonNegative(dim.place))
      return "its first element along a dim may be a negative one";
    if (!llvm::all_of(dim.place.terms(), [&](const Term &term) { return fitsCoordinate(term, dim.hasEnd); }))
      return "its place along a dim may need 64 bits";
    if (!isEnded)
      dim.extent = Sum(kOutOfReach);
    if (!llvm::all_of(dim.extent.terms(), ofParameters))
      return "its bounds are not known before the launch";
  }
  for (const Limit &limit : soft) {
    bool isMasked = llvm::any_of(
        hard, [&](const Limit &own) { return !own.lower && own.dim == limit.dim && own.reach == limit.reach; });
    if (!isMasked && (limit.lower || !loaded || !Unneeded(loaded, limit, sums).holds()))
      return "elements at which its index wraps may be needed";
  }
  return {};
}

std::string WindowFinder::find(LoadOp load, ArrayWindow &window) const {
  AffineSums sums(facts_);
  window.type = cast<RankedTensorType>(load.getType());
  return find(sums, load.getPtr(), load.getMask(), load.getResult(), window);
}

std::string WindowFinder::find(StoreOp store, ArrayWindow &window) const {
  AffineSums sums(facts_);
  window.type = cast<RankedTensorType>(store.getValue().getType());
  std::string why = find(sums, store.getPtr(), store.getMask(), Value(), window);
  if (!why.empty())
    return why;
  // A copy engine may refuse a store that begins in front of the array, whatever its mask would leave out (docs/rationale/descriptors.md); loads give zeros there.
  if (!llvm::all_of(window.dims, [&](const ArrayWindow::Dim &dim) { return isNonNegative(dim.place); }))
    return "its first element along a dim may be a negative one";
  // It may write rows in pieces of 16 bytes, the last one whole, beyond the array's end; loads end where they should.
  const Sum &end = window.dims[window.contiguous].extent;
  int64_t bytes = bitWidthOf(window.type.getElementType()) / 8;
  bool isEnded = !(end == Sum(kOutOfReach));
  return isEnded && sums.divisibility(end) * bytes % kCopyAlignment
             ? "its rows are not known to end at multiples of 16 bytes"
             : "";
}

std::string WindowFinder::findReach(LoadOp load, ArrayWindow &window) const {
  return findReach(load.getType(), load.getPtr(), load.getMask(), window);
}

std::string WindowFinder::findReach(StoreOp store, ArrayWindow &window) const {
  return findReach(store.getValue().getType(), store.getPtr(), store.getMask(), window);
}

std::string WindowFinder::findReach(Type type, Value pointer, Value mask, ArrayWindow &window) const {
  AffineSums sums(facts_);
  bool isTile = isa<RankedTensorType>(type);
  window.type = isTile ? cast<RankedTensorType>(type) : RankedTensorType::get({}, type);
  return findEnds(sums, pointer, isTile ? mask : Value(), Value(),
                  window); // of a scalar: at most what there is without
}

// The window, whatever can be copied. loaded: what a load gives that may read anything where its index wraps.
std::string WindowFinder::findEnds(AffineSums &sums, Value pointer, Value mask, Value loaded,
                                   ArrayWindow &window) const {
  window.dims.resize(static_cast<size_t>(window.type.getRank()));
  Sum total;
  SmallVector<Limit> soft;
  if (std::string why = collectOffsets(pointer, sums, window.base, total, soft); !why.empty())
    return why;
  for (const Term &term : total.terms()) {
    if (isUniform(term))
      continue;
    ArrayWindow::Dim &dim = window.dims[static_cast<unsigned>(term.dim)];
    Term stride = term;
    stride.dim = -1;
    if (!dim.stride.isZero() || stride.coefficient < 1 || !ofParameters(stride))
      return "its address is no sum of strides times indices";
    (void)dim.stride.add(stride);
  }
  SmallVector<Limit, 2> hard;
  if (mask) {
    std::optional<SmallVector<Limit, 2>> limits = sums.ofMask(mask);
    if (!limits)
      return "its mask is no bound along dims";
    hard = *limits;
  }
  SmallVector<Limit> all(hard.begin(), hard.end());
  llvm::append_range(all, soft);
  if (std::string why = findPlaces(sums, window, total.filtered(isUniform), all); !why.empty())
    return why;
  return checkEnds(sums, window, loaded, hard, soft);
}

std::string WindowFinder::find(AffineSums &sums, Value pointer, Value mask, Value loaded, ArrayWindow &window) const {
  int64_t bytes = bitWidthOf(window.type.getElementType()) / 8;
  std::string why = findEnds(sums, pointer, mask, loaded, window);
  if (!why.empty())
    return why;
  int contiguous = -1, count = 0;
  for (auto [d, dim] : llvm::enumerate(window.dims)) {
    if (dim.stride == Sum(1))
      contiguous = static_cast<int>(d), ++count;
    else if (dim.stride.isZero())
      return "no dim of it is contiguous, or several are";
  }
  auto isOdd = [&](const Sum &sum) { return sums.divisibility(sum) * bytes % kCopyAlignment != 0; };
  for (auto [d, dim] : llvm::enumerate(window.dims))
    if (static_cast<int>(d) != contiguous && isOdd(dim.stride))
      return "a stride is not known to be a multiple of 16 bytes";
  if (count != 1)
    return "no dim of it is contiguous, or several are";
  window.contiguous = static_cast<unsigned>(contiguous);
  if (window.type.getShape()[window.contiguous] * bytes < kCopyAlignment)
    return "its rows are shorter than 16 bytes";
  if (window.dims.size() + window.outer.size() > kMaxRank ||
      llvm::any_of(window.outer, [&](const ArrayWindow::Dim &dim) { return isOdd(dim.stride); }))
    return "a term of its address fits no dim of the tile";
  if (facts_.of(window.base).elementDivisibility() % kCopyAlignment || isOdd(window.baseOffset))
    return "its array is not known to start at a multiple of 16 bytes";
  if (isOdd(window.dims[window.contiguous].place))
    return "its rows are not known to start at multiples of 16 bytes";
  return {};
}

// ---- the operands ------------------------------------------------------------------------------------------------------

Value buildSum(OpBuilder &b, Location loc, const Sum &sum, Type type) {
  auto sized = [&](Value value) -> Value {
    if (value.getType() == type)
      return value;
    if (type.getIntOrFloatBitWidth() < value.getType().getIntOrFloatBitWidth())
      return arith::TruncIOp::create(b, loc, type, value);
    return arith::ExtSIOp::create(b, loc, type, value);
  };
  Value total;
  for (const Term &term : sum.terms()) {
    Value product;
    for (Value atom : term.atoms)
      product = product ? Value(arith::MulIOp::create(b, loc, product, sized(atom))) : sized(atom);
    if (!product || term.coefficient != 1) {
      Value factor = makeConstant(b, loc, type, term.coefficient);
      product = product ? Value(arith::MulIOp::create(b, loc, product, factor)) : factor;
    }
    total = total ? Value(arith::AddIOp::create(b, loc, total, product)) : product;
  }
  return total ? total : makeConstant(b, loc, type, 0);
}

WindowOperands makeOperands(OpBuilder &b, Location loc, const ArrayWindow &window) {
  Type i64 = b.getI64Type(), i32 = b.getI32Type();
  WindowOperands made;
  made.base = window.base;
  if (!window.baseOffset.isZero())
    made.base = AddPtrOp::create(b, loc, made.base, buildSum(b, loc, window.baseOffset, i64));
  for (unsigned d = 0; d < window.dims.size(); ++d)
    if (d != window.contiguous)
      made.order.push_back(d);
  made.order.push_back(window.contiguous);
  auto describe = [&](const ArrayWindow::Dim &dim) {
    Value extent = buildSum(b, loc, dim.extent, i64);
    ArrayRef<Term> terms = dim.extent.terms();
    bool isNarrow = terms.size() == 1 && terms[0].coefficient == 1 && terms[0].atoms.size() == 1 &&
                    terms[0].atoms[0].getType().isInteger(32);
    if (!isNarrow && !splatIntegerOf(extent)) // places are below; and no more is an extent of what engines take
      extent = arith::MinSIOp::create(b, loc, extent, makeConstant(b, loc, i64, kOutOfReach));
    made.shape.push_back(extent);
    made.strides.push_back(buildSum(b, loc, dim.stride, i64));
    made.offsets.push_back(buildSum(b, loc, dim.place, i32));
  };
  llvm::for_each(window.outer, describe);
  for (unsigned d : made.order)
    describe(window.dims[d]);
  return made;
}

// ---- overlaps ----------------------------------------------------------------------------------------------------------

// The most that a place becomes, where it is known: what the launch knows, and multiples of loop variables.
static std::optional<Sum> mostOf(AffineSums &sums, const Sum &place) {
  Sum most;
  for (const Term &term : place.terms()) {
    if (ofParameters(term)) {
      if (!most.add(term))
        return std::nullopt;
      continue;
    }
    auto variable = term.atoms.size() == 1 ? dyn_cast<BlockArgument>(term.atoms.front()) : BlockArgument();
    auto loop = variable ? dyn_cast<scf::ForOp>(variable.getOwner()->getParentOp()) : scf::ForOp();
    auto isForward = [](Value step) {
      return step.getDefiningOp<NumProgramsOp>() || splatIntegerOf(step).value_or(0) >= 1;
    };
    if (!loop || variable != loop.getInductionVar() || !isForward(loop.getStep()))
      return std::nullopt;
    std::optional<Sum> end = sums.ofScalar(loop.getUpperBound());
    if (!end || !llvm::all_of(end->terms(), ofParameters) || !end->add(Sum(-1)) || !most.add(*end, term.coefficient))
      return std::nullopt;
  }
  return most;
}

std::optional<Sum> spanOf(AffineSums &sums, const ArrayWindow &window, const ArrayWindow::Dim *without) {
  Sum span(1);
  auto add = [&](const ArrayWindow::Dim &dim, int64_t extentOfTile) {
    Sum last = dim.extent;
    if (dim.stride.isZero() || &dim == without)
      return true;
    if (last == Sum(kOutOfReach)) {
      std::optional<Sum> most = mostOf(sums, dim.place);
      if (!most || !most->add(Sum(extentOfTile)))
        return false;
      last = *most;
    }
    std::optional<Sum> moved = last.add(Sum(-1)) ? Sum::product(last, dim.stride) : std::nullopt;
    return moved && span.add(*moved);
  };
  for (auto [d, dim] : llvm::enumerate(window.dims))
    if (!add(dim, window.type.getShape()[d]))
      return std::nullopt;
  for (const ArrayWindow::Dim &dim : window.outer)
    if (!add(dim, 1))
      return std::nullopt;
  return span;
}

Value makeOverlap(Operation *before, const AxisFacts &facts, const ArrayWindow &a, const ArrayWindow &b) {
  OpBuilder builder(before);
  Location loc = before->getLoc();
  auto isThere = [&](Value value) {
    Operation *op = value.getDefiningOp();
    if (!op)
      return isa<func::FuncOp>(cast<BlockArgument>(value).getOwner()->getParentOp());
    Operation *place = op->getBlock()->findAncestorOpInBlock(*before);
    return place && (op->isBeforeInBlock(place));
  };
  auto areThere = [&](const Sum &sum) {
    return llvm::all_of(sum.terms(), [&](const Term &term) { return llvm::all_of(term.atoms, isThere); });
  };
  SmallVector<Value, 2> first, end;
  for (const ArrayWindow *window : {&a, &b}) {
    AffineSums sums(facts);
    std::optional<Sum> span = spanOf(sums, *window);
    if (!span || !areThere(*span) || !areThere(window->baseOffset) || !isThere(window->base))
      return {};
    auto bytes = [&](const Sum &elements) {
      Value size = makeConstant(builder, loc, builder.getI64Type(), bitWidthOf(window->type.getElementType()) / 8);
      return arith::MulIOp::create(builder, loc, buildSum(builder, loc, elements, builder.getI64Type()), size);
    };
    Value base = PtrToIntOp::create(builder, loc, window->base);
    first.push_back(window->baseOffset.isZero() ? base
                                                : arith::AddIOp::create(builder, loc, base, bytes(window->baseOffset)));
    end.push_back(arith::AddIOp::create(builder, loc, first.back(), bytes(*span)));
  }
  auto less = [&](Value x, Value y) -> Value {
    return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt, x, y);
  };
  return arith::AndIOp::create(builder, loc, less(first[0], end[1]), less(first[1], end[0]));
}

} // namespace tessera::tile
