// DropCarriedValues.cpp - drop loop-carried values that nothing but their own next value uses
//
// SPDX-License-Identifier: Apache-2.0
//
// Before: %r:2 = scf.for … iter_args(%a, %b) { %b2 = addptr %b, %c ; yield %a2, %b2 }   (%r#1 unused, %b only makes
// %b2) After:  %r = scf.for … iter_args(%a) { yield %a2 } A carried value is live where an op with effects, a live
// carried value, a live result or a condition needs it; the liveness is solved for all carried values of a loop at
// once, so that values that only keep each other alive go too. Not done here: scf.while (canonical forms handle the
// simple cases).
#include "core/ir/Tile.h"
#include "core/transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace tessera::tile {
#define GEN_PASS_DEF_TILEDROPCARRIEDVALUESPASS
#include "core/transforms/Passes.h.inc"

namespace {

// Which carried values of `loop` are needed.
llvm::BitVector liveCarried(scf::ForOp loop) {
  Operation *yield = loop.getBody()->getTerminator();
  DenseSet<Value> live;
  SmallVector<Value> work;
  auto need = [&](Value value) {
    if (live.insert(value).second)
      work.push_back(value);
  };
  loop.getBody()->walk([&](Operation *op) {
    // Inner control flow is taken as a whole: all that it uses is needed if it has effects or its results are.
    if (op != yield && op->getBlock() == loop.getBody() && !isMemoryEffectFree(op))
      op->walk([&](Operation *inner) { llvm::for_each(inner->getOperands(), need); });
  });
  for (auto [i, result] : llvm::enumerate(loop.getResults()))
    if (!result.use_empty())
      need(yield->getOperand(i));
  while (!work.empty()) {
    Value value = work.pop_back_val();
    auto argument = dyn_cast<BlockArgument>(value);
    if (argument && argument.getOwner() == loop.getBody() && argument.getArgNumber() > 0)
      need(yield->getOperand(argument.getArgNumber() - 1));
    Operation *op = value.getDefiningOp();
    if (op && loop->isProperAncestor(op)) {
      Operation *top = loop.getBody()->findAncestorOpInBlock(*op);
      top->walk([&](Operation *inner) { llvm::for_each(inner->getOperands(), need); });
    }
  }
  llvm::BitVector carried(loop.getNumRegionIterArgs());
  for (auto [i, argument] : llvm::enumerate(loop.getRegionIterArgs()))
    carried[i] = live.contains(argument) || !loop.getResult(i).use_empty();
  return carried;
}

scf::ForOp withoutCarried(scf::ForOp loop, const llvm::BitVector &keep) {
  OpBuilder b(loop);
  Block *body = loop.getBody();
  Operation *yield = body->getTerminator();
  SmallVector<Value> inits, yields;
  for (unsigned i : keep.set_bits()) {
    inits.push_back(loop.getInitArgs()[i]);
    yields.push_back(yield->getOperand(i));
  }
  auto reduced = scf::ForOp::create(b, loop.getLoc(), loop.getLowerBound(), loop.getUpperBound(), loop.getStep(), inits,
                                    nullptr, loop.getUnsignedCmp());
  reduced->setDiscardableAttrs(loop->getDiscardableAttrDictionary());
  if (inits.empty())
    reduced.getBody()->getTerminator()->erase();
  yield->setOperands(yields);
  SmallVector<Value> arguments{reduced.getInductionVar()};
  // What is dropped is used only by ops that are dead now; they read the initial value until they are erased.
  unsigned next = 0;
  for (unsigned i = 0; i < keep.size(); ++i)
    arguments.push_back(keep[i] ? Value(reduced.getRegionIterArg(next++)) : loop.getInitArgs()[i]);
  for (auto [argument, value] : llvm::zip_equal(body->getArguments(), arguments))
    argument.replaceAllUsesWith(value);
  reduced.getBody()->getOperations().splice(reduced.getBody()->end(), body->getOperations());
  next = 0;
  for (unsigned i : keep.set_bits())
    loop.getResult(i).replaceAllUsesWith(reduced.getResult(next++));
  loop.erase();
  return reduced;
}

struct DropCarriedValues final : impl::TileDropCarriedValuesPassBase<DropCarriedValues> {
  void runOnOperation() override {
    SmallVector<scf::ForOp> loops;
    getOperation().walk([&](scf::ForOp loop) { loops.push_back(loop); });
    for (scf::ForOp loop : llvm::reverse(loops)) { // outer loops first: what they drop frees inner results
      llvm::BitVector keep = liveCarried(loop);
      if (keep.all())
        continue;
      numDropped += keep.size() - keep.count();
      withoutCarried(loop, keep);
    }
  }
};

} // namespace
} // namespace tessera::tile
