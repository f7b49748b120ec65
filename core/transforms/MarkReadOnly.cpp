// MarkReadOnly.cpp - mark the pointer arguments that no store or atomic reaches
//
// SPDX-License-Identifier: Apache-2.0
//
// Before: func.func @k(%p: !tile.ptr<f32>, …) { … tile.load … }     After: %p: … {tile.read_only}
// From every written pointer the values it may come from are followed back, through arithmetic, shapes, branches and
// loops. A pointer of unknown origin may be any argument.
// Not done here: aliasing of different arguments (the caller may pass one buffer twice; targets must not assume
// otherwise).
#include "core/ir/Tile.h"
#include "core/transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace tessera::tile {
#define GEN_PASS_DEF_TILEMARKREADONLYPASS
#include "core/transforms/Passes.h.inc"

namespace {

// Follows pointers back to the arguments they come from.
class Origins {
public:
  void follow(Value pointer) {
    work_.push_back(pointer);
    while (!work_.empty()) {
      Value value = work_.pop_back_val();
      if (isTilePointer(value.getType()) && seen_.insert(value).second)
        step(value);
    }
  }
  bool isWritten(Value argument) const { return unknown_ || seen_.contains(argument); }

private:
  void step(Value value) {
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
  void stepArgument(BlockArgument argument) {
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

  SmallVector<Value> work_;
  DenseSet<Value> seen_;
  bool unknown_ = false;
};

struct MarkReadOnly final : impl::TileMarkReadOnlyPassBase<MarkReadOnly> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    Origins written;
    function.walk([&](Operation *op) {
      if (auto store = dyn_cast<DescriptorStoreOp>(op))
        written.follow(store.getBase());
      if (isa<StoreOp, AtomicRmwOp, AtomicCasOp>(op))
        written.follow(isa<StoreOp>(op) ? cast<StoreOp>(op).getPtr() : op->getOperand(0));
    });
    for (BlockArgument argument : function.getArguments()) {
      unsigned i = argument.getArgNumber();
      if (isTilePointer(argument.getType()) && !written.isWritten(argument))
        function.setArgAttr(i, kReadOnlyAttr, UnitAttr::get(&getContext()));
      else
        function.removeArgAttr(i, StringAttr::get(&getContext(), kReadOnlyAttr));
    }
  }
};

} // namespace
} // namespace tessera::tile
