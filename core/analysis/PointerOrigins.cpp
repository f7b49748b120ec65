// PointerOrigins.cpp - which arguments of a kernel a pointer may come from
//
// SPDX-License-Identifier: Apache-2.0
#include "core/analysis/PointerOrigins.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace tessera::tile {

void PointerOrigins::follow(Value pointer) {
  work_.push_back(pointer);
  while (!work_.empty()) {
    Value value = work_.pop_back_val();
    if (isTilePointer(value.getType()) && seen_.insert(value).second)
      step(value);
  }
}

bool PointerOrigins::meet(const PointerOrigins &other) const {
  auto isArgument = [](Value value) {
    auto argument = dyn_cast<BlockArgument>(value);
    return argument && isa<func::FuncOp>(argument.getOwner()->getParentOp());
  };
  return llvm::any_of(seen_, [&](Value value) { return isArgument(value) && other.met(value); });
}

void PointerOrigins::step(Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value))
    return stepArgument(argument);
  Operation *op = value.getDefiningOp();
  unsigned index = cast<OpResult>(value).getResultNumber();
  if (auto branch = dyn_cast<scf::IfOp>(op)) {
    work_.append({branch.thenYield().getOperand(index), branch.elseYield().getOperand(index)});
  } else if (auto loop = dyn_cast<scf::ForOp>(op)) {
    work_.append({loop.getInitArgs()[index], loop.getBody()->getTerminator()->getOperand(index)});
  } else if (auto loop = dyn_cast<scf::WhileOp>(op)) {
    work_.push_back(loop.getConditionOp().getArgs()[index]);
  } else if (llvm::any_of(op->getOperandTypes(), isTilePointer) && !isa<LoadOp, AtomicRmwOp, AtomicCasOp>(op)) {
    work_.append(op->operand_begin(), op->operand_end());
  } else {
    unknown_ = true;
  }
}

void PointerOrigins::stepArgument(BlockArgument argument) {
  Operation *parent = argument.getOwner()->getParentOp();
  unsigned index = argument.getArgNumber();
  if (auto loop = dyn_cast<scf::ForOp>(parent)) {
    work_.append({loop.getInitArgs()[index - 1], loop.getBody()->getTerminator()->getOperand(index - 1)});
  } else if (auto loop = dyn_cast<scf::WhileOp>(parent)) {
    if (argument.getOwner() == loop.getAfterBody())
      work_.push_back(loop.getConditionOp().getArgs()[index]);
    else
      work_.append({loop.getInits()[index], loop.getYieldOp().getOperand(index)});
  } else if (!isa<func::FuncOp>(parent)) {
    unknown_ = true;
  }
}

} // namespace tessera::tile
