// CompareRunsOnce.cpp - comparisons that are true or false for whole runs are made of the run's first element
//
// Before: %m = arith.cmpi slt, %lane, %n                                 %n is a multiple of 16, %lane rises from one; a lane's registers hold
// After:  %f = arith.andi %lane, dense<-8> ; %m = arith.cmpi slt, %f, %n      eight neighbours
// Eight registers of a lane then compare the same values, and a code generator makes one comparison of them. Only bits in which a lane's registers differ go,
// so that the `andi` folds into what the registers add. Loads and stores take one mask a vector as it is; this is for masks that select values too, and
// where several vectors share one: two of 16 neighbours, rows 8 apart below a multiple of 16. Without it a lane compares each of them, which also keeps as
// many predicates.
// Requires and keeps: LAYOUT level.
//
// SPDX-License-Identifier: Apache-2.0
#include "core/analysis/AxisFacts.h"
#include "core/transforms/layout/LayoutRules.h"
#include "core/transforms/layout/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include <bit>

using namespace mlir;

namespace tessera::tile {

// Whether so many registers of one truth are more than the accesses that it masks compare once as they are; also through what is made of it. What is no mask
// of an access compares every register.
static bool comparesAgain(Value truth, int64_t registers, const target::TargetInfo &info) {
  return llvm::any_of(truth.getUsers(), [&](Operation *user) {
    if (isa<LoadOp, StoreOp, AsyncLoadOp>(user)) {
      auto width = user->getAttrOfType<IntegerAttr>(kAccessWidthAttr);
      Value pointers = user->getOperand(isa<AsyncLoadOp>(user) ? 1 : 0);
      unsigned bits =
          storageBits(cast<PointerType>(cast<RankedTensorType>(pointers.getType()).getElementType()).getPointee());
      return registers > std::min<int64_t>(width ? width.getInt() : 1, std::max(info.maxVectorBits() / bits, 1u));
    }
    if (isa<arith::AndIOp, arith::OrIOp, ExpandDimsOp, BroadcastOp, ConvertLayoutOp>(user))
      return comparesAgain(user->getResult(0), registers, info);
    return true;
  });
}

// Of the comparison's aligned runs of equal truth that are runs of the risen operand, those of which a lane holds most, and which operand that is.
namespace {
struct Run {
  unsigned operand = 0;
  unsigned dim = 0;
  int64_t length = 1;
  uint64_t registers = 0; // bits of the risen operand in which a lane's registers differ within a run
};
} // namespace

static Run runOf(arith::CmpIOp compare, const AxisFacts &facts) {
  const layout::LinearLayout &layout = layoutOf(compare.getResult()).getLayout();
  AxisInfo truth = facts.of(compare.getResult());
  Run best;
  for (unsigned operand = 0; operand < 2; ++operand) {
    AxisInfo rising = facts.of(compare->getOperand(operand)), bound = facts.of(compare->getOperand(1 - operand));
    for (unsigned d = 0; d < truth.rank(); ++d) {
      int64_t length = std::min({truth.constancy[d], rising.contiguity[d], rising.divisibility[d], bound.constancy[d]});
      unsigned start = layout.outStart(layout::tensorDimName(d));
      uint64_t registers = 0;
      for (uint64_t column : layout.columnsOf(layout::kRegister))
        if (uint64_t step = column >> start;
            step << start == column && std::has_single_bit(step) && step < static_cast<uint64_t>(length))
          registers |= step;
      if (std::popcount(registers) > std::popcount(best.registers))
        best = {operand, d, length, registers};
    }
  }
  return best;
}

// The value without the run's bits, which are taken from what brings them: of a sum with the run's start from the other addend. There they fold away.
static Value withoutBits(OpBuilder &builder, Value value, const Run &run, const AxisFacts &facts) {
  auto startsRuns = [&](Value v) {
    AxisInfo info = facts.of(v);
    return info.constancy[run.dim] % run.length == 0 && info.divisibility[run.dim] % run.length == 0;
  };
  if (auto sum = value.getDefiningOp<arith::AddIOp>())
    for (unsigned i = 0; i < 2; ++i)
      if (startsRuns(sum->getOperand(i))) {
        Value rest = withoutBits(builder, sum->getOperand(1 - i), run, facts);
        return arith::AddIOp::create(builder, sum.getLoc(), sum->getOperand(i), rest);
      }
  auto type = cast<RankedTensorType>(value.getType());
  auto mask =
      DenseElementsAttr::get(type, builder.getIntegerAttr(type.getElementType(), static_cast<int64_t>(~run.registers)));
  Value kept = arith::ConstantOp::create(builder, value.getLoc(), mask);
  return arith::AndIOp::create(builder, value.getLoc(), value, kept);
}

StepResult compareRunsOnce(ModuleOp module, const target::Target &target) {
  StepResult result;
  module.walk([&](func::FuncOp function) {
    AxisFacts facts(function);
    function.walk([&](arith::CmpIOp compare) {
      if (!isTile(compare.getLhs()) || !layoutOf(compare.getLhs()))
        return;
      Run run = runOf(compare, facts);
      // An access takes one mask a vector of neighbours; registers further apart, rows of a tile, it compares each.
      bool areNeighbours = (run.registers & (run.registers + 1)) == 0;
      if (!run.registers ||
          (areNeighbours &&
           !comparesAgain(compare.getResult(), int64_t(1) << std::popcount(run.registers), target.info())))
        return;
      OpBuilder builder(compare);
      Value rising = compare->getOperand(run.operand);
      compare->setOperand(run.operand, withoutBits(builder, rising, run, facts));
      ++result.count;
    });
  });
  return result;
}

} // namespace tessera::tile
