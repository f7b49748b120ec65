// AffineSums.cpp - see AffineSums.h
// SPDX-License-Identifier: Apache-2.0
#include "core/analysis/AffineSums.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace tessera::tile {

constexpr size_t kMaxTerms = 12, kMaxAtoms = 4;
constexpr int64_t kMostDivisible = int64_t(1) << 40;

// The order of the program's text: the same in every process, unlike that of addresses.
static bool standsBefore(Value l, Value r) {
  auto left = dyn_cast<BlockArgument>(l), right = dyn_cast<BlockArgument>(r);
  if (left && right && left.getOwner() == right.getOwner())
    return left.getArgNumber() < right.getArgNumber();
  if (!left && !right && l.getDefiningOp() == r.getDefiningOp())
    return cast<OpResult>(l).getResultNumber() < cast<OpResult>(r).getResultNumber();
  auto ancestors = [](Value value) {
    Operation *op = value.getDefiningOp();
    SmallVector<Operation *> path;
    for (op = op ? op : cast<BlockArgument>(value).getOwner()->getParentOp(); op; op = op->getParentOp())
      path.push_back(op);
    return path;
  };
  SmallVector<Operation *> ofLeft = ancestors(l), ofRight = ancestors(r);
  while (!ofLeft.empty() && !ofRight.empty() && ofLeft.back() == ofRight.back()) {
    ofLeft.pop_back();
    ofRight.pop_back();
  }
  if (ofLeft.empty() ||
      ofRight.empty()) // one belongs to an op around the other, or to the same: a result behind an argument
    return ofLeft.empty() && (!ofRight.empty() || (left && !right));
  Operation *here = ofLeft.back(), *there = ofRight.back();
  if (here->getBlock() != there->getBlock())
    return here->getParentRegion()->getRegionNumber() < there->getParentRegion()->getRegionNumber();
  return here->isBeforeInBlock(there);
}

bool Sum::add(const Term &term) {
  if (!term.coefficient)
    return true;
  for (Term &own : terms_) {
    if (!own.sameProduct(term))
      continue;
    if (__builtin_add_overflow(own.coefficient, term.coefficient, &own.coefficient))
      return false;
    if (!own.coefficient)
      terms_.erase(&own);
    return true;
  }
  terms_.push_back(term);
  return true;
}

bool Sum::add(const Sum &other, int64_t times) {
  for (Term term : other.terms_)
    if (__builtin_mul_overflow(term.coefficient, times, &term.coefficient) || !add(term))
      return false;
  return true;
}

std::optional<Sum> Sum::product(const Sum &a, const Sum &b) {
  Sum product;
  for (const Term &x : a.terms_)
    for (const Term &y : b.terms_) {
      Term term = x;
      if ((x.dim >= 0 && y.dim >= 0) || __builtin_mul_overflow(x.coefficient, y.coefficient, &term.coefficient))
        return std::nullopt;
      term.dim = std::max(x.dim, y.dim);
      llvm::append_range(term.atoms, y.atoms);
      llvm::sort(term.atoms, standsBefore);
      if (term.atoms.size() > kMaxAtoms || !product.add(term) || product.terms_.size() > kMaxTerms)
        return std::nullopt;
    }
  return product;
}

bool Sum::operator==(const Sum &other) const {
  Sum difference = *this;
  return difference.add(other, -1) && difference.isZero();
}

Sum Sum::filtered(llvm::function_ref<bool(const Term &)> keep) const {
  Sum kept;
  llvm::copy_if(terms_, std::back_inserter(kept.terms_), keep);
  return kept;
}

// ---- scalars -----------------------------------------------------------------------------------------------------------

static scf::ForOp loopOf(BlockArgument argument) {
  return dyn_cast_or_null<scf::ForOp>(argument.getOwner()->getParentOp());
}

// Whether parameters or loop variables go into it by sums and products: then its terms may meet those of another number.
bool AffineSums::isLookedInto(Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value))
    return isa<func::FuncOp>(argument.getOwner()->getParentOp()) || loopOf(argument);
  Operation *op = value.getDefiningOp();
  if (!isa<arith::AddIOp, arith::SubIOp, arith::MulIOp, arith::ShLIOp, arith::ExtSIOp, HintOp>(op))
    return false;
  auto known = lookedInto_.find(value);
  if (known != lookedInto_.end())
    return known->second;
  bool looked = llvm::any_of(op->getOperands(), [&](Value operand) { return isLookedInto(operand); });
  return lookedInto_[value] = looked;
}

// Without what leaves the number as it is; what hints say of it is kept.
Value AffineSums::atomOf(Value value) {
  int64_t promised = 1;
  while (Operation *op = value.getDefiningOp()) {
    if (auto hint = dyn_cast<HintOp>(op)) {
      if (std::optional<ArrayRef<int64_t>> divisibility = hint.getDivisibility())
        promised = std::max(promised, divisibility->front() & -divisibility->front());
    } else if (!isa<arith::ExtSIOp>(op)) {
      break;
    }
    value = op->getOperand(0);
  }
  if (promised > 1) {
    int64_t &known = promised_[value];
    known = std::max(known, promised);
  }
  return value;
}

std::optional<Sum> AffineSums::ofScalar(Value value) {
  if (!goOn())
    return std::nullopt;
  if (std::optional<int64_t> constant = splatIntegerOf(value))
    return Sum(*constant);
  value = atomOf(value);
  if (std::optional<int64_t> constant = splatIntegerOf(value))
    return Sum(*constant);
  auto atom = [&]() -> std::optional<Sum> {
    Sum sum;
    return sum.add({1, {value}, -1}) ? std::optional(sum) : std::nullopt;
  };
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    if (loopOf(argument) && argument.getArgNumber() > 0 && !open_.contains(value))
      if (std::optional<Sum> closed = ofCarried(argument))
        return closed;
    return atom();
  }
  if (!isLookedInto(value))
    return atom();
  Operation *op = value.getDefiningOp();
  std::optional<Sum> a = ofScalar(op->getOperand(0)), b = ofScalar(op->getOperand(1)), result;
  if (!a || !b)
    return std::nullopt;
  if (isa<arith::AddIOp, arith::SubIOp>(op))
    return a->add(*b, isa<arith::SubIOp>(op) ? -1 : 1) ? a : std::nullopt;
  if (isa<arith::ShLIOp>(op)) {
    std::optional<int64_t> by = splatIntegerOf(op->getOperand(1));
    if (!by || *by < 0 || *by > 40)
      return atom();
    b = Sum(int64_t(1) << *by);
  }
  result = Sum::product(*a, *b);
  return result ? result : atom();
}

// In iteration n, whose loop variable is lower + n * step, it is init + n * (what an iteration adds).
std::optional<Sum> AffineSums::ofCarried(BlockArgument argument) {
  scf::ForOp loop = loopOf(argument);
  std::optional<int64_t> step = splatIntegerOf(loop.getStep());
  if (!isa<IntegerType>(argument.getType()) || !step || *step < 1)
    return std::nullopt;
  open_.insert(argument);
  std::optional<Sum> added = ofScalar(loop.getTiedLoopYieldedValue(argument)->get());
  open_.erase(argument);
  std::optional<Sum> sum = ofScalar(loop.getTiedLoopInit(argument)->get()), lower = ofScalar(loop.getLowerBound()),
                     rounds = ofScalar(loop.getInductionVar());
  if (!added || !sum || !lower || !rounds || !added->add({-1, {argument}, -1}) || !rounds->add(*lower, -1))
    return std::nullopt;
  Sum perStep;
  for (Term term : added->terms()) {
    bool invariant =
        llvm::none_of(term.atoms, [&](Value atom) { return loop->isAncestor(atom.getParentRegion()->getParentOp()); });
    if (!invariant || term.coefficient % *step)
      return std::nullopt;
    term.coefficient /= *step;
    if (!perStep.add(term))
      return std::nullopt;
  }
  std::optional<Sum> moved = Sum::product(perStep, *rounds);
  return moved && sum->add(*moved) ? sum : std::nullopt;
}

// ---- tiles -------------------------------------------------------------------------------------------------------------

namespace {

Sum withDims(const Sum &sum, llvm::function_ref<int(int)> dimOf) {
  Sum moved;
  for (Term term : sum.terms()) {
    if (term.dim >= 0)
      term.dim = dimOf(term.dim);
    (void)moved.add(term);
  }
  return moved;
}

// The dim that a dim of the op's operand becomes.
int resultDim(Operation *op, int dim) {
  if (auto expand = dyn_cast<ExpandDimsOp>(op))
    return dim >= static_cast<int>(expand.getAxis()) ? dim + 1 : dim;
  if (auto transpose = dyn_cast<TransposeOp>(op))
    return static_cast<int>(llvm::find(transpose.getOrder(), dim) - transpose.getOrder().begin());
  return dim; // broadcast
}

// The dim of the only index in the sum, with its coefficient; what is left of the sum.
struct Index {
  unsigned dim = 0;
  int64_t coefficient = 0;
  Sum rest;
};
std::optional<Index> indexOf(const Sum &sum) {
  Index index;
  for (const Term &term : sum.terms()) {
    if (term.dim < 0)
      continue;
    if (index.coefficient || !term.atoms.empty())
      return std::nullopt;
    index.dim = static_cast<unsigned>(term.dim);
    index.coefficient = term.coefficient;
  }
  index.rest = sum.filtered([](const Term &term) { return term.dim < 0; });
  return index.coefficient ? std::optional(index) : std::nullopt;
}

} // namespace

std::optional<TileSum> AffineSums::combine(const TileSum &a, const TileSum &b, int64_t times) const {
  TileSum sum = a;
  llvm::append_range(sum.limits, b.limits);
  return sum.sum.add(b.sum, times) ? std::optional(sum) : std::nullopt;
}

// Values that are a sum as far as a limit reaches: remainders, choices, minima.
std::optional<TileSum> AffineSums::limited(Operation *op) {
  if (auto select = dyn_cast<arith::SelectOp>(op)) {
    std::optional<TileSum> tile = ofTile(select.getTrueValue());
    auto limits = isa<RankedTensorType>(select.getCondition().getType()) ? ofMask(select.getCondition()) : std::nullopt;
    if (!tile || !limits)
      return std::nullopt;
    llvm::append_range(tile->limits, *limits);
    return tile;
  }
  std::optional<TileSum> tile = ofTile(op->getOperand(0)), bound = ofTile(op->getOperand(1));
  if (isa<arith::MinSIOp>(op) && tile && !indexOf(tile->sum))
    std::swap(tile, bound);
  if (!tile || !bound || !bound->limits.empty() ||
      llvm::any_of(bound->sum.terms(), [](const Term &term) { return term.dim >= 0; }))
    return std::nullopt;
  std::optional<Index> index = indexOf(tile->sum);
  if (!index || index->coefficient != 1)
    return std::nullopt;
  Limit limit{index->dim, bound->sum, false}; // of a remainder: nothing below zero is asked for (FindTensorCopies)
  if (!limit.reach.add(index->rest, -1) || !limit.reach.add(Sum(isa<arith::MinSIOp>(op) ? 1 : 0)))
    return std::nullopt;
  tile->limits.push_back(limit);
  return tile;
}

std::optional<TileSum> AffineSums::ofTile(Value tile) {
  if (!isa<RankedTensorType>(tile.getType()) || !goOn())
    return std::nullopt;
  if (std::optional<int64_t> constant = splatIntegerOf(tile))
    return TileSum{Sum(*constant), {}};
  Operation *op = tile.getDefiningOp();
  if (!op)
    return std::nullopt;
  auto in = [&](unsigned i) { return ofTile(op->getOperand(i)); };
  return llvm::TypeSwitch<Operation *, std::optional<TileSum>>(op)
      .Case<SplatOp>([&](SplatOp splat) -> std::optional<TileSum> {
        if (!isa<IntegerType>(splat.getSource().getType()))
          return std::nullopt;
        std::optional<Sum> sum = ofScalar(splat.getSource());
        return sum ? std::optional(TileSum{*sum, {}}) : std::nullopt;
      })
      .Case<ArangeOp>([&](ArangeOp arange) -> std::optional<TileSum> {
        TileSum index{Sum(arange.getStart()), {}};
        return index.sum.add({1, {}, 0}) ? std::optional(index) : std::nullopt;
      })
      .Case<arith::AddIOp, arith::SubIOp>([&](Operation *) -> std::optional<TileSum> {
        std::optional<TileSum> a = in(0), b = in(1);
        return a && b ? combine(*a, *b, isa<arith::SubIOp>(op) ? -1 : 1) : std::nullopt;
      })
      .Case<arith::MulIOp>([&](auto) -> std::optional<TileSum> {
        std::optional<TileSum> a = in(0), b = in(1);
        std::optional<Sum> product = a && b ? Sum::product(a->sum, b->sum) : std::nullopt;
        if (!product)
          return std::nullopt;
        a->sum = *product;
        llvm::append_range(a->limits, b->limits);
        return a;
      })
      .Case<arith::ExtSIOp, HintOp>([&](Operation *) { return in(0); })
      .Case<ExpandDimsOp, BroadcastOp, TransposeOp>([&](Operation *) -> std::optional<TileSum> {
        std::optional<TileSum> source = in(0);
        if (!source)
          return std::nullopt;
        source->sum = withDims(source->sum, [&](int dim) { return resultDim(op, dim); });
        for (Limit &limit : source->limits)
          limit.dim = static_cast<unsigned>(resultDim(op, static_cast<int>(limit.dim)));
        return source;
      })
      .Case<arith::RemSIOp, arith::RemUIOp, arith::MinSIOp, arith::SelectOp>([&](Operation *) { return limited(op); })
      .Default([](Operation *) { return std::nullopt; });
}

// ---- masks -------------------------------------------------------------------------------------------------------------

// The number that a uniform tile is made of by clamping it to [0, extent] at most: an index below the extent compares with both alike.
static Value unclamped(Value tile, int64_t extent) {
  auto splat = tile.getDefiningOp<SplatOp>();
  Value value = splat ? splat.getSource() : Value();
  bool isClamped = false;
  while (Operation *op = value ? value.getDefiningOp() : nullptr) {
    std::optional<int64_t> end = op->getNumOperands() == 2 ? splatIntegerOf(op->getOperand(1)) : std::nullopt;
    bool clamps = (isa<arith::MinSIOp>(op) && end && *end >= extent) || (isa<arith::MaxSIOp>(op) && end && *end <= 0);
    if (!clamps && !(isa<arith::TruncIOp>(op) && !isClamped))
      break;
    isClamped |= clamps;
    value = op->getOperand(0);
  }
  return isClamped ? value : Value();
}

// Comparisons of an index alone with a number that was clamped to the tile, as those of block pointers are.
std::optional<TileSum> AffineSums::ofBound(Value bound, const std::optional<TileSum> &index, Type type) {
  if (index && index->limits.empty())
    if (std::optional<Index> own = indexOf(index->sum); own && own->coefficient == 1 && own->rest.isZero())
      if (Value number = unclamped(bound, cast<RankedTensorType>(type).getShape()[own->dim])) {
        std::optional<Sum> sum = ofScalar(number);
        return sum ? std::optional(TileSum{*sum, {}}) : std::nullopt;
      }
  return ofTile(bound);
}

std::optional<SmallVector<Limit, 2>> AffineSums::ofComparison(arith::CmpIOp compare) {
  using P = arith::CmpIPredicate;
  P predicate = compare.getPredicate();
  Value less = compare.getLhs(), more = compare.getRhs();
  if (predicate == P::sgt || predicate == P::sge)
    std::swap(less, more);
  else if (predicate != P::slt && predicate != P::sle)
    return std::nullopt;
  bool strict = predicate == P::slt || predicate == P::sgt;
  std::optional<TileSum> a = ofTile(less), b = ofBound(more, a, less.getType());
  a = ofBound(less, b, more.getType());
  std::optional<TileSum> difference = a && b ? combine(*a, *b, -1) : std::nullopt;
  std::optional<Index> index = difference && difference->limits.empty() ? indexOf(difference->sum) : std::nullopt;
  if (!index || (index->coefficient != 1 && index->coefficient != -1))
    return std::nullopt;
  // Asked: c * index + rest < 0, where strict, else <= 0.
  Limit limit{index->dim, Sum(), index->coefficient < 0};
  int64_t more1 = limit.lower ? (strict ? 1 : 0) : (strict ? 0 : 1);
  if (!limit.reach.add(index->rest, limit.lower ? 1 : -1) || !limit.reach.add(Sum(more1)))
    return std::nullopt;
  return SmallVector<Limit, 2>{limit};
}

std::optional<SmallVector<Limit, 2>> AffineSums::ofMask(Value mask) {
  if (std::optional<int64_t> constant = splatIntegerOf(mask))
    return *constant ? std::optional(SmallVector<Limit, 2>()) : std::nullopt;
  Operation *op = mask.getDefiningOp();
  if (!op || !goOn())
    return std::nullopt;
  if (auto both = dyn_cast<arith::AndIOp>(op)) {
    auto a = ofMask(both.getLhs()), b = ofMask(both.getRhs());
    if (!a || !b)
      return std::nullopt;
    llvm::append_range(*a, *b);
    return a;
  }
  if (isa<ExpandDimsOp, BroadcastOp, TransposeOp>(op)) {
    auto limits = ofMask(op->getOperand(0));
    if (limits)
      for (Limit &limit : *limits)
        limit.dim = static_cast<unsigned>(resultDim(op, static_cast<int>(limit.dim)));
    return limits;
  }
  auto compare = dyn_cast<arith::CmpIOp>(op);
  return compare && isa<RankedTensorType>(compare.getLhs().getType()) ? ofComparison(compare) : std::nullopt;
}

// ---- facts -------------------------------------------------------------------------------------------------------------

int64_t AffineSums::divisibility(const Term &term) const {
  int64_t divisibility = std::min(term.coefficient & -term.coefficient, kMostDivisible);
  for (Value atom : term.atoms) {
    int64_t own = std::max(facts_.of(atom).elementDivisibility(), promised_.lookup(atom));
    divisibility = own >= kMostDivisible / divisibility ? kMostDivisible : divisibility * own;
  }
  return divisibility;
}

int64_t AffineSums::divisibility(const Sum &sum) const {
  int64_t divisibility = kMostDivisible;
  for (const Term &term : sum.terms())
    divisibility = std::min(divisibility, this->divisibility(term));
  return divisibility;
}

} // namespace tessera::tile
