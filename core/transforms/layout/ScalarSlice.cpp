// ScalarSlice.cpp - see ScalarSlice.h
// SPDX-License-Identifier: Apache-2.0
#include "core/transforms/layout/ScalarSlice.h"

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;

namespace tessera::tile {

bool ScalarSlice::addRoot(Operation *op) {
  ops_.insert(op);
  return addAncestors(op) && llvm::all_of(op->getOperands(), [&](Value operand) { return add(operand); });
}

// A loop needs its bounds, a branch its condition.
bool ScalarSlice::addAncestors(Operation *op) {
  Operation *parent = op->getParentOp();
  if (parent == of_.getParentOp())
    return true;
  if (!isa<scf::ForOp, scf::IfOp>(parent))
    return false;
  if (!ops_.insert(parent).second)
    return true;
  unsigned bounds = isa<scf::ForOp>(parent) ? 3 : 1;
  return addAncestors(parent) &&
         llvm::all_of(parent->getOperands().take_front(bounds), [&](Value operand) { return add(operand); });
}

bool ScalarSlice::addCarried(scf::ForOp loop, unsigned index) {
  if (!results_.insert({loop, index}).second)
    return true;
  return addAncestors(loop.getBody()->getTerminator()) && add(loop.getInitArgs()[index]) &&
         add(loop.getYieldedValues()[index]);
}

bool ScalarSlice::add(Value value) {
  if (isa<RankedTensorType>(value.getType()))
    return false;
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    Operation *owner = argument.getOwner()->getParentOp();
    auto loop = dyn_cast<scf::ForOp>(owner);
    if (!loop)
      return !of_.getParentOp()->isProperAncestor(owner); // of the kernel
    return argument == loop.getInductionVar() ? addAncestors(loop.getBody()->getTerminator())
                                              : addCarried(loop, argument.getArgNumber() - 1);
  }
  Operation *op = value.getDefiningOp();
  if (!of_.findAncestorOpInBlock(*op))
    return true;
  unsigned number = cast<OpResult>(value).getResultNumber();
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return addCarried(loop, number);
  if (auto branch = dyn_cast<scf::IfOp>(op)) {
    if (!results_.insert({branch, number}).second)
      return true;
    return addAncestors(branch.thenYield()) && add(branch.thenYield().getOperand(number)) &&
           add(branch.elseYield().getOperand(number));
  }
  return addOp(op);
}

bool ScalarSlice::addOp(Operation *op) {
  if (op->getNumRegions() || !isMemoryEffectFree(op))
    return false;
  if (!ops_.insert(op).second)
    return true;
  return addAncestors(op) && llvm::all_of(op->getOperands(), [&](Value operand) { return add(operand); });
}

// ---- the clone ---------------------------------------------------------------------------------------------------------

void ScalarSlice::cloneFor(scf::ForOp loop, OpBuilder &builder, IRMapping &map) const {
  SmallVector<unsigned> kept;
  SmallVector<Value> inits;
  for (unsigned i = 0; i < loop.getInitArgs().size(); ++i)
    if (results_.contains({loop, i})) {
      kept.push_back(i);
      inits.push_back(map.lookupOrDefault(loop.getInitArgs()[i]));
    }
  auto made = scf::ForOp::create(builder, loop.getLoc(), map.lookupOrDefault(loop.getLowerBound()),
                                 map.lookupOrDefault(loop.getUpperBound()), map.lookupOrDefault(loop.getStep()), inits,
                                 /*bodyBuilder=*/nullptr, loop.getUnsignedCmp());
  if (made.getBody()->mightHaveTerminator())
    made.getBody()->getTerminator()->erase();
  map.map(loop.getInductionVar(), made.getInductionVar());
  for (auto [to, from] : llvm::enumerate(kept))
    map.map(loop.getRegionIterArgs()[from], made.getRegionIterArgs()[to]);
  OpBuilder body = OpBuilder::atBlockEnd(made.getBody());
  cloneBlock(*loop.getBody(), body, map);
  SmallVector<Value> yields;
  for (unsigned from : kept)
    yields.push_back(map.lookupOrDefault(loop.getYieldedValues()[from]));
  scf::YieldOp::create(body, loop.getLoc(), yields);
  for (auto [to, from] : llvm::enumerate(kept))
    map.map(loop.getResult(from), made.getResult(static_cast<unsigned>(to)));
}

void ScalarSlice::cloneIf(scf::IfOp branch, OpBuilder &builder, IRMapping &map) const {
  SmallVector<unsigned> kept;
  SmallVector<Type> types;
  for (unsigned i = 0; i < branch.getNumResults(); ++i)
    if (results_.contains({branch, i})) {
      kept.push_back(i);
      types.push_back(branch.getResult(i).getType());
    }
  auto made = scf::IfOp::create(builder, branch.getLoc(), types, map.lookupOrDefault(branch.getCondition()),
                                /*addThenBlock=*/true, /*addElseBlock=*/branch.elseBlock() != nullptr);
  auto copy = [&](Block *from, Block *to) {
    if (!from)
      return;
    if (to->mightHaveTerminator())
      to->getTerminator()->erase();
    OpBuilder body = OpBuilder::atBlockEnd(to);
    cloneBlock(*from, body, map);
    SmallVector<Value> yields;
    for (unsigned i : kept)
      yields.push_back(map.lookupOrDefault(from->getTerminator()->getOperand(i)));
    scf::YieldOp::create(body, branch.getLoc(), yields);
  };
  copy(branch.thenBlock(), made.thenBlock());
  copy(branch.elseBlock(), made.elseBlock());
  for (auto [to, from] : llvm::enumerate(kept))
    map.map(branch.getResult(from), made.getResult(static_cast<unsigned>(to)));
}

void ScalarSlice::clone(OpBuilder &builder) const {
  IRMapping map;
  cloneBlock(of_, builder, map);
}

void ScalarSlice::cloneBlock(Block &from, OpBuilder &builder, IRMapping &map) const {
  for (Operation &op : from.without_terminator()) {
    if (!ops_.contains(&op))
      continue;
    if (auto loop = dyn_cast<scf::ForOp>(op))
      cloneFor(loop, builder, map);
    else if (auto branch = dyn_cast<scf::IfOp>(op))
      cloneIf(branch, builder, map);
    else
      builder.clone(op, map);
  }
}

} // namespace tessera::tile
