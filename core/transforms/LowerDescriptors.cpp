// LowerDescriptors.cpp - accesses by descriptor become block pointers, except those that will be tensor copies
//
// SPDX-License-Identifier: Apache-2.0
//
// Before: %v = tile.descriptor_load %base shape[%m, %n] strides[%s, %c1] offsets[%i, %j]
// After:  %b = tile.make_block_ptr %base shape[%m, %n] strides[%s, %c1] offsets[%i, %j] ; %v = tile.load_block %b …
// Kept, where the target copies tiles as a whole (kTensorCopyBytesAttr): what the engine needs to know of the array follows from the
// kernel's parameters, so that the launch can make it; base, strides and the last offset are known to be multiples of 16 bytes; a store begins at no
// negative place; and nothing else in the kernel orders memory, which only ordinary accesses heed: no barrier of the user's, no atomic whose
// result is used, no store by pointers to the array that is loaded. Source: docs/rationale/descriptors.md
#include "core/analysis/AffineSums.h"
#include "core/analysis/AxisFacts.h"
#include "core/analysis/IntegerRanges.h"
#include "core/transforms/CopiedArrays.h"
#include "core/transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

#include "llvm/ADT/TypeSwitch.h"

#include <algorithm>

using namespace mlir;

namespace tessera::tile {
#define GEN_PASS_DEF_TILELOWERDESCRIPTORSPASS
#include "core/transforms/Passes.h.inc"

namespace {

struct LowerDescriptors final : impl::TileLowerDescriptorsPassBase<LowerDescriptors> {
  void runOnOperation() override;

private:
  bool mayCopy(Operation *op, RankedTensorType tile, Value base, ValueRange shape, ValueRange strides,
               ValueRange offsets, const AxisFacts &facts, const IntegerRanges &ranges);

  int64_t largest_ = 0;       // tile, in bytes
  size_t kept_ = 0;           // in this kernel
  SmallVector<Value> stored_; // roots of what pointers write; null: anything
};

} // namespace

// What a program makes of the parameters that are sizes: a count of tiles, of elements.
static bool isSize(Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value))
    return isa<func::FuncOp>(argument.getOwner()->getParentOp());
  if (std::optional<int64_t> constant = splatIntegerOf(value))
    return *constant >= 0;
  Operation *op = value.getDefiningOp();
  return isa<arith::ExtSIOp, HintOp, arith::AddIOp, arith::MulIOp, arith::DivSIOp, arith::DivUIOp, arith::MinSIOp,
             arith::MaxSIOp>(op) &&
         llvm::all_of(op->getOperands(), isSize);
}

namespace {

// Whether a scalar is never negative, where nothing overflows: what facts and ranges say, and sums, products and quotients of such numbers. A parameter
// that multiplies an index is a size, and so is a divisor of one.
class Signs {
public:
  Signs(const AxisFacts &facts, const IntegerRanges &ranges) : facts_(facts), ranges_(ranges) {}
  bool isNonNegative(Value value, unsigned depth = 12);

private:
  bool isFactor(Value value, unsigned depth) { return isSize(value) || isNonNegative(value, depth); }
  bool isSumNonNegative(Value value, unsigned depth);

  const AxisFacts &facts_;
  const IntegerRanges &ranges_;
  unsigned steps_ = 512;
};

} // namespace

bool Signs::isNonNegative(Value value, unsigned depth) {
  if (facts_.of(value).nonNegative || ranges_.of(value).isNonNegative())
    return true;
  if (depth == 0 || steps_ == 0)
    return false;
  --depth, --steps_;
  Operation *op = value.getDefiningOp();
  if (!op)
    return isSumNonNegative(value, depth);
  auto is = [&](unsigned i) { return isNonNegative(op->getOperand(i), depth); };
  bool known = llvm::TypeSwitch<Operation *, bool>(op)
                   .Case<arith::ExtSIOp, arith::TruncIOp, HintOp, arith::DivSIOp, arith::DivUIOp, arith::RemSIOp,
                         arith::RemUIOp, arith::ShRSIOp>([&](Operation *) { return is(0); })
                   .Case<arith::AddIOp, arith::MinSIOp>([&](Operation *) { return is(0) && is(1); })
                   .Case<arith::MaxSIOp>([&](Operation *) { return is(0) || is(1); })
                   .Case<arith::SelectOp>([&](Operation *) { return is(1) && is(2); })
                   .Case<arith::MulIOp>([&](Operation *) {
                     Value lhs = op->getOperand(0), rhs = op->getOperand(1);
                     return (is(0) && isFactor(rhs, depth)) || (is(1) && isFactor(lhs, depth));
                   })
                   .Default([](Operation *) { return false; });
  return known || isSumNonNegative(value, depth);
}

// What goes away in a sum: `x - 1 + 1`, and a tile that is counted beside the loop (`start - n` in front of it, `+ n` in each iteration).
bool Signs::isSumNonNegative(Value value, unsigned depth) {
  constexpr unsigned kMost = 8;
  AffineSums sums(facts_);
  std::optional<Sum> sum = sums.ofScalar(value);
  bool isLookedInto = false;
  for (unsigned i = 0; sum && i < kMost; ++i) {
    const Term *found = llvm::find_if(sum->terms(), [](const Term &term) {
      return term.atoms.size() == 1 && isa_and_nonnull<arith::AddIOp, arith::SubIOp>(term.atoms[0].getDefiningOp());
    });
    if (found == sum->terms().end())
      break;
    Term term = *found;
    Operation *op = term.atoms[0].getDefiningOp();
    std::optional<Sum> a = sums.ofScalar(op->getOperand(0)), b = sums.ofScalar(op->getOperand(1));
    int64_t times = term.coefficient;
    term.coefficient = -times;
    if (!a || !b || !sum->add(term) || !sum->add(*a, times) || !sum->add(*b, isa<arith::SubIOp>(op) ? -times : times))
      return false;
    isLookedInto = true;
  }
  if (!sum || (!isLookedInto && sum->terms().size() == 1 && llvm::is_contained(sum->terms()[0].atoms, value)))
    return false;
  return llvm::all_of(sum->terms(), [&](const Term &term) {
    return term.coefficient > 0 &&
           (term.atoms.empty() || llvm::any_of(term.atoms, [&](Value atom) { return isNonNegative(atom, depth); })) &&
           llvm::all_of(term.atoms, [&](Value atom) { return isFactor(atom, depth); });
  });
}

bool LowerDescriptors::mayCopy(Operation *op, RankedTensorType tile, Value base, ValueRange shape, ValueRange strides,
                               ValueRange offsets, const AxisFacts &facts, const IntegerRanges &ranges) {
  Type element = tile.getElementType();
  // Truth values are normalised when they are loaded, which a copy of bytes does not do.
  if (!largest_ || kept_ >= kMaxCopiedArrays || tile.getRank() > 5 || element.isInteger(1) || bitWidthOf(element) < 8)
    return false;
  int64_t bytes = bitWidthOf(element) / 8;
  if (tile.getNumElements() * bytes > largest_ || tile.getNumElements() * bytes < kMinCopiedBytes ||
      tile.getShape().back() * bytes < kCopyAlignment)
    return false;
  auto load = dyn_cast<DescriptorLoadOp>(op);
  if (load && load.getPadding() == Padding::NaN && bytes < 2)
    return false;
  // A copy engine may write rows in pieces of 16 bytes, the last one whole, beyond the array's end (docs/rationale/descriptors.md).
  if (!load && facts.of(shape.back()).elementDivisibility() * bytes % kCopyAlignment)
    return false;
  // It may refuse a store that begins in front of the array (ibid.).
  if (!load && !llvm::all_of(offsets, [&](Value offset) { return Signs(facts, ranges).isNonNegative(offset); }))
    return false;
  Value root = arrayParameter(base);
  if (load && llvm::any_of(stored_, [&](Value other) { return !root || !other || other == root; }))
    return false;
  if (!followsFromParameters(base) || facts.of(base).elementDivisibility() % kCopyAlignment ||
      splatIntegerOf(strides.back()) != 1)
    return false;
  // It may refuse a row of the box that does not begin at 16 bytes; the other coordinates are free (ibid.).
  if (facts.of(offsets.back()).elementDivisibility() * bytes % kCopyAlignment)
    return false;
  for (Value stride : strides.drop_back())
    if (!followsFromParameters(stride) || facts.of(stride).elementDivisibility() * bytes % kCopyAlignment)
      return false;
  return llvm::all_of(shape, [](Value extent) { return followsFromParameters(extent); });
}

static SmallVector<int64_t> allDims(RankedTensorType tile) {
  return llvm::to_vector(llvm::seq<int64_t>(0, tile.getRank()));
}

void LowerDescriptors::runOnOperation() {
  func::FuncOp function = getOperation();
  SmallVector<Operation *> accesses;
  function.walk([&](Operation *op) {
    if (isa<DescriptorLoadOp, DescriptorStoreOp>(op))
      accesses.push_back(op);
  });
  if (accesses.empty())
    return markAllAnalysesPreserved();
  auto bytes = function->getParentOfType<ModuleOp>()->getAttrOfType<IntegerAttr>(kTensorCopyBytesAttr);
  largest_ = bytes ? bytes.getInt() : 0;
  kept_ = 0;
  if (ordersMemory(function))
    largest_ = 0;
  stored_ = storedByPointers(function);
  AxisFacts facts(function);
  IntegerRanges ranges(function);
  // Stores first: those that become pointers' are such to the loads.
  std::stable_partition(accesses.begin(), accesses.end(), [](Operation *op) { return isa<DescriptorStoreOp>(op); });
  for (Operation *op : accesses) {
    OpBuilder b(op);
    auto load = dyn_cast<DescriptorLoadOp>(op);
    auto store = dyn_cast<DescriptorStoreOp>(op);
    RankedTensorType tile = load ? load.getType() : store.getValue().getType();
    Value base = load ? load.getBase() : store.getBase();
    ValueRange shape = load ? load.getShape() : store.getShape(),
               strides = load ? load.getStrides() : store.getStrides(),
               offsets = load ? load.getOffsets() : store.getOffsets();
    if (static_cast<int64_t>(shape.size()) > tile.getRank()) // of tile-find-tensor-copies
      continue;
    if (mayCopy(op, tile, base, shape, strides, offsets, facts, ranges)) {
      ++numKept, ++kept_;
      continue;
    }
    Value block = MakeBlockPtrOp::create(b, op->getLoc(), base, shape, strides, offsets, tile.getShape());
    if (load)
      load.replaceAllUsesWith(
          LoadBlockOp::create(b, op->getLoc(), block, allDims(tile), load.getPadding()).getResult());
    else {
      StoreBlockOp::create(b, op->getLoc(), block, store.getValue(), allDims(tile), Cache::None, Evict::Normal);
      stored_.push_back(arrayParameter(base));
    }
    op->erase();
    ++numLowered;
  }
}

} // namespace tessera::tile
