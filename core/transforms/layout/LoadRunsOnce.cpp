// LoadRunsOnce.cpp - what loops load ahead from equal addresses is loaded once, and grows in registers
//
// Before: %r = arange 0 to 64 ; %w = %r / 8 ; … %p = … + %w * stride ; %x = tile.load %p : tensor<64x128xi32>       rows of eight have one address
// After:  %r = arange 0 to 8 ; … %x = tile.load %p : tensor<8x128xi32> ; expand_dims axis = 1 ; broadcast to 8x8x128 ; reshape to 64x128
// Weights of four bits are such: a word of eight is loaded for each of them, and their zeros. The ring in shared memory, its copies and the reads from it are an eighth then.
// Which loads: those of a loop with a product that the pipeline would start ahead, whose runs of equal addresses (and masks) AxisFacts knows. Not those that an
// address follows from, which stay in registers, nor those whose smaller tile no asynchronous copy could take.
// Requires and keeps: TILE level.
//
// SPDX-License-Identifier: Apache-2.0
#include "core/analysis/AxisFacts.h"
#include "core/transforms/layout/LayoutQuestions.h"
#include "core/transforms/layout/LoopAhead.h"
#include "core/transforms/layout/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace tessera::tile {
namespace {

// Makes tiles of every `rate`-th element along `dim`, from the first one on.
class Sampler {
public:
  Sampler(int64_t rate, const AxisFacts &facts) : rate_(rate), facts_(facts) {}
  // Whether `of` can; nothing is made.
  bool can(Value tile, unsigned dim) const;
  Value of(Value tile, unsigned dim);

private:
  static bool isElementwise(Operation *op);
  RankedTensorType smaller(Value tile, unsigned dim) const;
  Value quotient(Operation *division, Value dividend, unsigned dim, int64_t divisor);

  int64_t rate_;
  const AxisFacts &facts_;
  DenseMap<std::pair<Value, unsigned>, Value> made_;
};

} // namespace

// Element i of the result is made of elements i of the tiles.
bool Sampler::isElementwise(Operation *op) {
  if (op->getNumResults() != 1 || op->getNumRegions() || !isPure(op) ||
      (isa<TileDialect>(op->getDialect()) && !isa<AddPtrOp, BitcastOp, IntToPtrOp, PtrToIntOp>(op)))
    return false;
  auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType());
  return type && op->getNumOperands() > 0 && llvm::all_of(op->getOperands(), [&](Value operand) {
           return !isTile(operand) || shapeOf(operand.getType()) == type.getShape();
         });
}

RankedTensorType Sampler::smaller(Value tile, unsigned dim) const {
  auto type = cast<RankedTensorType>(tile.getType());
  SmallVector<int64_t> shape(type.getShape());
  shape[dim] /= rate_;
  return RankedTensorType::get(shape, type.getElementType());
}

bool Sampler::can(Value tile, unsigned dim) const {
  Operation *op = tile.getDefiningOp();
  if (!op)
    return false;
  if (splatConstantOf(tile) || isa<SplatOp, ArangeOp>(op))
    return true;
  if (auto expand = dyn_cast<ExpandDimsOp>(op))
    return can(expand.getSource(), dim - (dim > static_cast<unsigned>(expand.getAxis())));
  if (auto broadcast = dyn_cast<BroadcastOp>(op))
    return broadcast.getSource().getType().getShape()[dim] == 1 || can(broadcast.getSource(), dim);
  return isElementwise(op) &&
         llvm::all_of(op->getOperands(), [&](Value operand) { return !isTile(operand) || can(operand, dim); });
}

// Of a dividend whose runs divide without a remainder, the number of the run: its contiguity can be seen, which the quotient of a stretched range hides.
Value Sampler::quotient(Operation *division, Value dividend, unsigned dim, int64_t divisor) {
  if (divisor <= 0 || rate_ % divisor != 0)
    return {};
  OpBuilder builder(division);
  Location loc = division->getLoc();
  if (auto arange = dividend.getDefiningOp<ArangeOp>()) {
    if (arange.getStart() < 0 || arange.getStart() % divisor != 0)
      return {};
    RankedTensorType type = smaller(dividend, dim);
    auto number = [&](int64_t n) -> Value {
      auto value = DenseElementsAttr::get(type, builder.getIntegerAttr(type.getElementType(), n));
      return arith::ConstantOp::create(builder, loc, value);
    };
    Value runs = ArangeOp::create(builder, loc, 0, static_cast<int32_t>(type.getNumElements()));
    if (rate_ != divisor)
      runs = arith::MulIOp::create(builder, loc, runs, number(rate_ / divisor));
    if (arange.getStart() != 0)
      runs = arith::AddIOp::create(builder, loc, runs, number(arange.getStart() / divisor));
    return runs;
  }
  if (auto expand = dividend.getDefiningOp<ExpandDimsOp>()) {
    Value inner =
        quotient(division, expand.getSource(), dim - (dim > static_cast<unsigned>(expand.getAxis())), divisor);
    return inner ? ExpandDimsOp::create(builder, loc, inner, expand.getAxis()).getResult() : Value();
  }
  auto sum = dividend.getDefiningOp<arith::AddIOp>();
  for (unsigned i = 0; sum && i < 2; ++i) {
    AxisInfo start = facts_.of(sum->getOperand(i)), rest = facts_.of(sum->getOperand(1 - i));
    if (!start.nonNegative || !rest.nonNegative || start.elementDivisibility() % divisor != 0)
      continue;
    if (Value runs = quotient(division, sum->getOperand(1 - i), dim, divisor)) {
      Value first = of(sum->getOperand(i), dim);
      builder.setInsertionPoint(division);
      auto by = DenseElementsAttr::get(cast<RankedTensorType>(first.getType()),
                                       builder.getIntegerAttr(elementTypeOf(first.getType()), divisor));
      first = arith::DivUIOp::create(builder, loc, first, arith::ConstantOp::create(builder, loc, by));
      return arith::AddIOp::create(builder, loc, first, runs);
    }
  }
  return {};
}

Value Sampler::of(Value tile, unsigned dim) {
  if (Value found = made_.lookup({tile, dim}))
    return found;
  Operation *op = tile.getDefiningOp();
  RankedTensorType type = smaller(tile, dim);
  OpBuilder builder(op);
  Location loc = op->getLoc();
  auto number = [&](int64_t n) -> Value {
    auto value = DenseElementsAttr::get(type, builder.getIntegerAttr(type.getElementType(), n));
    return arith::ConstantOp::create(builder, loc, value);
  };
  Value made;
  if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    auto elements = cast<DenseElementsAttr>(constant.getValue());
    made = arith::ConstantOp::create(builder, loc, DenseElementsAttr::get(type, elements.getSplatValue<Attribute>()));
  } else if (auto splat = dyn_cast<SplatOp>(op)) {
    made = SplatOp::create(builder, loc, type, splat.getSource());
  } else if (auto arange = dyn_cast<ArangeOp>(op)) {
    made = ArangeOp::create(builder, loc, 0, static_cast<int32_t>(type.getNumElements()));
    made = arith::MulIOp::create(builder, loc, made, number(rate_));
    if (arange.getStart() != 0)
      made = arith::AddIOp::create(builder, loc, made, number(arange.getStart()));
  } else if (auto expand = dyn_cast<ExpandDimsOp>(op)) {
    Value source = of(expand.getSource(), dim - (dim > static_cast<unsigned>(expand.getAxis())));
    made = ExpandDimsOp::create(builder, loc, source, expand.getAxis());
  } else if (auto broadcast = dyn_cast<BroadcastOp>(op)) {
    Value source = broadcast.getSource();
    if (shapeOf(source.getType())[dim] != 1)
      source = of(source, dim);
    made = source.getType() == type ? source : BroadcastOp::create(builder, loc, source, type.getShape()).getResult();
  } else {
    if (isa<arith::DivSIOp, arith::DivUIOp>(op))
      if (std::optional<int64_t> divisor = splatIntegerOf(op->getOperand(1)))
        made = quotient(op, op->getOperand(0), dim, *divisor);
    if (!made) {
      SmallVector<Value> operands;
      for (Value operand : op->getOperands())
        operands.push_back(isTile(operand) ? of(operand, dim) : operand);
      builder.setInsertionPoint(op);
      Operation *clone = builder.clone(*op);
      clone->setOperands(operands);
      clone->getResult(0).setType(type);
      made = clone->getResult(0);
    }
  }
  return made_[{tile, dim}] = made;
}

// Whether an address or a mask of the loop's loads follows from the value.
static bool feedsAddress(Value value, scf::ForOp loop) {
  llvm::SetVector<Value> open;
  open.insert(value);
  for (size_t i = 0; i < open.size(); ++i)
    for (Operation *user : open[i].getUsers()) {
      if (isa<AddPtrOp, LoadOp, StoreOp>(user) || !isMemoryEffectFree(user))
        return true;
      if (user->getBlock() == loop.getBody() && !isa<DotOp, scf::YieldOp>(user))
        open.insert(user->result_begin(), user->result_end());
    }
  return false;
}

// The aligned runs of the load's equal elements along `dim`.
static int64_t runOf(LoadOp load, unsigned dim, const AxisFacts &facts) {
  int64_t run = cast<RankedTensorType>(load.getType()).getShape()[dim];
  for (Value operand : load->getOperands())
    run = std::min(run, facts.of(operand).constancy[dim]);
  return run;
}

// Whether a copy takes neighbours of the smaller tile together: four bytes are the least. Masked elements must be zero, and truth values are normalised by lanes.
static bool isCopied(LoadOp load, unsigned dim, const AxisFacts &facts, unsigned leastBits) {
  Type element = elementTypeOf(load.getType());
  if (!element.isIntOrFloat() || element.isInteger(1) || (load.getOther() && !isZeroTile(load.getOther())))
    return false;
  unsigned bits = storageBits(load.getType());
  if (bits >= leastBits)
    return true;
  for (unsigned d = 0, e = cast<RankedTensorType>(load.getType()).getRank(); d < e; ++d)
    if (d != dim && facts.accessWidth(load.getPtr(), load.getMask(), d) * bits >= leastBits)
      return true;
  return false;
}

static void loadOnce(LoadOp load, unsigned dim, int64_t run, const AxisFacts &facts) {
  Sampler sampler(run, facts);
  SmallVector<Value> operands;
  for (Value operand : load->getOperands())
    operands.push_back(sampler.of(operand, dim));
  OpBuilder builder(load);
  Location loc = load.getLoc();
  auto type = cast<RankedTensorType>(load.getType());
  auto once = cast<LoadOp>(builder.clone(*load));
  once->setOperands(operands);
  SmallVector<int64_t> shape(type.getShape());
  shape[dim] /= run;
  once.getResult().setType(RankedTensorType::get(shape, type.getElementType()));
  Value grown = once.getResult();
  if (shape[dim] == 1) {
    grown = BroadcastOp::create(builder, loc, grown, type.getShape());
  } else {
    shape.insert(shape.begin() + dim + 1, run);
    grown = ExpandDimsOp::create(builder, loc, grown, static_cast<int32_t>(dim) + 1);
    grown = BroadcastOp::create(builder, loc, grown, shape);
    grown = ReshapeOp::create(builder, loc, grown, type.getShape());
  }
  load.replaceAllUsesWith(grown);
  load.erase();
}

StepResult loadRunsOnce(ModuleOp module, const target::Target &target) {
  StepResult result;
  uint64_t copies = target.info().stated(target::Capability::AsyncCopy);
  int64_t stages = moduleOption(module, "num_stages", 3);
  if (!copies)
    return result;
  unsigned leastBits = 8U << llvm::countr_zero(copies);
  struct Candidate {
    LoadOp load;
    unsigned dim;
    int64_t run;
  };
  module.walk([&](func::FuncOp function) {
    AxisFacts facts(function);
    SmallVector<Candidate> candidates;
    function.walk([&](DotOp dot) {
      auto loop = dyn_cast<scf::ForOp>(dot->getParentOp());
      auto own = loop ? loop->getAttrOfType<IntegerAttr>(kNumStagesAttr) : IntegerAttr();
      if (!loop || (own ? own.getInt() : stages) < 2)
        return;
      for (LoadOp load : loop.getBody()->getOps<LoadOp>()) {
        if (!isTile(load.getResult()) || load.getIsVolatile() ||
            llvm::any_of(candidates, [&](const Candidate &c) { return c.load == load; }) ||
            !mayLoadAhead(loop, load.getPtr(), /*asked=*/true) || feedsAddress(load.getResult(), loop))
          continue;
        Candidate best{load, 0, 1};
        for (unsigned d = 0, e = cast<RankedTensorType>(load.getType()).getRank(); d < e; ++d)
          if (int64_t run = runOf(load, d, facts);
              run > best.run && isCopied(load, d, facts, leastBits) &&
              llvm::all_of(load->getOperands(), [&](Value operand) { return Sampler(run, facts).can(operand, d); }))
            best = {load, d, run};
        if (best.run > 1)
          candidates.push_back(best);
      }
    });
    for (const Candidate &candidate : candidates)
      loadOnce(candidate.load, candidate.dim, candidate.run, facts);
    result.count += static_cast<unsigned>(candidates.size());
  });
  return result;
}

} // namespace tessera::tile
