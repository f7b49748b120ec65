// StructuredWalk.h - a forward analysis over structured control flow: facts about values, loops to a fixpoint
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/ir/Tile.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/DenseMap.h"

namespace tessera::tile {

// Fact: a value type with ==. A derived class gives the meaning of ops (`transfer`), of values that nothing is known of
// (`unknown`), of merges (`join`) and of what a loop's next round adds (`widen`, which must stop after few rounds).
// The cost is linear in the ops, times the rounds of each enclosing loop (at most kMaxRounds).
template <typename Derived, typename Fact> class StructuredWalk {
public:
  // The fact of a value, or `unknown` for one that was never visited (it was made after the analysis).
  Fact of(mlir::Value value) const {
    auto known = facts_.find(value);
    return known == facts_.end() ? self().unknown(value) : known->second;
  }

protected:
  static constexpr int kMaxRounds = 6;

  void visitFunction(mlir::func::FuncOp function) {
    if (function.isExternal())
      return;
    for (mlir::BlockArgument argument : function.getArguments())
      set(argument, self().argument(function, argument));
    visitBlock(function.getBody().front());
  }
  void set(mlir::Value value, Fact fact) { facts_.insert_or_assign(value, std::move(fact)); }

private:
  Derived &self() { return static_cast<Derived &>(*this); }
  const Derived &self() const { return static_cast<const Derived &>(*this); }

  void visitBlock(mlir::Block &block) {
    for (mlir::Operation &op : block) {
      if (auto loop = llvm::dyn_cast<mlir::scf::ForOp>(op))
        visitFor(loop);
      else if (auto loop = llvm::dyn_cast<mlir::scf::WhileOp>(op))
        visitWhile(loop);
      else if (auto branch = llvm::dyn_cast<mlir::scf::IfOp>(op))
        visitIf(branch);
      else if (auto roles = llvm::dyn_cast<RolesOp>(op))
        for (mlir::Region &role : roles->getRegions())
          visitBlock(role.front());
      else
        self().transfer(&op);
    }
  }

  // Joins what comes round into the carried arguments; true where they did not change.
  bool goRound(llvm::ArrayRef<mlir::BlockArgument> arguments, mlir::ValueRange next, int round) {
    bool stable = true;
    for (auto [argument, value] : llvm::zip_equal(arguments, next)) {
      Fact before = of(argument), after = self().join(argument, before, of(value));
      if (after == before)
        continue;
      stable = false;
      set(argument, round + 2 >= kMaxRounds ? self().unknown(argument)
                    : round > 0             ? self().widen(argument, before, after)
                                            : after);
    }
    return stable;
  }

  void visitFor(mlir::scf::ForOp loop) {
    set(loop.getInductionVar(), self().induction(loop));
    llvm::SmallVector<mlir::BlockArgument> arguments(loop.getRegionIterArgs());
    for (auto [argument, init] : llvm::zip_equal(arguments, loop.getInitArgs()))
      set(argument, of(init));
    for (auto [argument, next] : llvm::zip_equal(arguments, loop.getYieldedValues()))
      if (std::optional<Fact> closed = self().closedForm(loop, argument, next))
        set(argument, *closed);
    for (int round = 0; round < kMaxRounds; ++round) {
      visitBlock(*loop.getBody());
      llvm::SmallVector<mlir::BlockArgument> open;
      llvm::SmallVector<mlir::Value> next;
      for (auto [argument, value] : llvm::zip_equal(arguments, loop.getYieldedValues()))
        if (!self().closedForm(loop, argument, value)) {
          open.push_back(argument);
          next.push_back(value);
        }
      if (goRound(open, next, round))
        break;
    }
    for (auto [result, argument, next] : llvm::zip_equal(loop.getResults(), arguments, loop.getYieldedValues()))
      set(result, self().join(result, of(argument), of(next)));
  }

  void visitWhile(mlir::scf::WhileOp loop) {
    llvm::SmallVector<mlir::BlockArgument> before(loop.getBeforeArguments());
    for (auto [argument, init] : llvm::zip_equal(before, loop.getInits()))
      set(argument, of(init));
    for (int round = 0; round < kMaxRounds; ++round) {
      visitBlock(*loop.getBeforeBody());
      for (auto [argument, value] : llvm::zip_equal(loop.getAfterArguments(), loop.getConditionOp().getArgs()))
        set(argument, of(value));
      visitBlock(*loop.getAfterBody());
      if (goRound(before, loop.getYieldOp()->getOperands(), round))
        break;
    }
    for (auto [result, value] : llvm::zip_equal(loop.getResults(), loop.getConditionOp().getArgs()))
      set(result, of(value));
  }

  void visitIf(mlir::scf::IfOp branch) {
    visitBlock(*branch.thenBlock());
    if (branch.elseBlock())
      visitBlock(*branch.elseBlock());
    for (auto [i, result] : llvm::enumerate(branch.getResults()))
      set(result, self().join(result, of(branch.thenYield().getOperand(i)), of(branch.elseYield().getOperand(i))));
  }

  llvm::DenseMap<mlir::Value, Fact> facts_;
};

} // namespace tessera::tile
