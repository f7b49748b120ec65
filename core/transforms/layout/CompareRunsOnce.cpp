// CompareRunsOnce.cpp - comparisons that are true or false for whole runs are made of the run's first element
//
// Before: %m = arith.cmpi slt, %lane, %n                                 %n is a multiple of 8, %lane rises from one
// After:  %f = arith.andi %lane, dense<-8> ; %m = arith.cmpi slt, %f, %n
// Eight registers of a lane then compare the same values, and a code generator makes one comparison of them. Loads and stores take one mask a
// run as it is; this is for masks that select values too. Without it a lane compares each of its elements, which also keeps as many predicates.
// Requires and keeps: LAYOUT level.
//
// SPDX-License-Identifier: Apache-2.0
#include "core/analysis/AxisFacts.h"
#include "core/transforms/layout/LayoutRules.h"
#include "core/transforms/layout/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace tessera::tile {

// Whether the truth reaches anything but the masks of accesses, also through what is made of it.
static bool selectsValues(Value truth) {
  return llvm::any_of(truth.getUsers(), [](Operation *user) {
    if (isa<LoadOp, StoreOp, AsyncLoadOp>(user))
      return false;
    if (isa<arith::AndIOp, arith::OrIOp, ExpandDimsOp, BroadcastOp, ConvertLayoutOp>(user))
      return selectsValues(user->getResult(0));
    return true;
  });
}

// Of the comparison's aligned runs of equal truth, the longest along a dim that a lane holds and that is a run of the risen operand, and which operand that is.
namespace {
struct Run {
  unsigned operand = 0;
  int64_t length = 1;
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
      length = layout.vectorWidth(layout::kRegister, layout::tensorDimName(d), length);
      if (length > best.length)
        best = {operand, length};
    }
  }
  return best;
}

StepResult compareRunsOnce(ModuleOp module, const target::Target &) {
  StepResult result;
  module.walk([&](func::FuncOp function) {
    AxisFacts facts(function);
    function.walk([&](arith::CmpIOp compare) {
      if (!isTile(compare.getLhs()) || !layoutOf(compare.getLhs()) || !selectsValues(compare.getResult()))
        return;
      Run run = runOf(compare, facts);
      if (run.length == 1)
        return;
      OpBuilder builder(compare);
      Value rising = compare->getOperand(run.operand);
      auto type = cast<RankedTensorType>(rising.getType());
      auto mask = DenseElementsAttr::get(type, builder.getIntegerAttr(type.getElementType(), -run.length));
      Value lowest = arith::ConstantOp::create(builder, compare.getLoc(), mask);
      compare->setOperand(run.operand, arith::AndIOp::create(builder, compare.getLoc(), rising, lowest));
      ++result.count;
    });
  });
  return result;
}

} // namespace tessera::tile
