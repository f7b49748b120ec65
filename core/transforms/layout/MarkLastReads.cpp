// MarkLastReads.cpp - what a loop reads for the last time need not stay in the caches
//
// Before: scf.for { load %row + %i } ; scf.for { %x = load %row + %i ; store %out + %i, %x }
// After:  scf.for { load %row + %i } ; scf.for { %x = load %row + %i evict = first ; store %out + %i, %x evict = first }
// A program that walks over its rows twice finds in a cache what the first walk read, if too much has not been read and written since, by it and by the
// programs beside it. What the last walk has read, and what it writes, makes room for rows that are still to be read again.
//
// Two loads read the same where their loops have the same bounds and their addresses are made in the same way. Left alone: addresses that no program id is
// in, which all programs read; kernels with products, whose tiles other programs read as well; accesses with a hint of their own; stores whose
// memory is read further down.
// Requires and keeps: TILE level.
//
// SPDX-License-Identifier: Apache-2.0
#include "core/analysis/PointerOrigins.h"
#include "core/transforms/layout/LayoutRules.h"
#include "core/transforms/layout/Passes.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace tessera::tile {
namespace {

// Whether a value of the first loop's body is, iteration by iteration, one of the second's.
class SameInBoth {
public:
  SameInBoth(scf::ForOp first, scf::ForOp second) : first_(first), second_(second) {}
  bool operator()(Value a, Value b) {
    if (a == b)
      return true;
    if (a.getType() != b.getType())
      return false;
    auto [known, isNew] = known_.try_emplace({a, b}, true); // carried values: until the opposite is found
    if (!isNew)
      return known->second;
    bool same = isa<BlockArgument>(a) ? sameArgument(a, b) : sameResult(a, b);
    return known_[{a, b}] = same;
  }

private:
  bool sameArgument(Value a, Value b) {
    auto x = cast<BlockArgument>(a), y = dyn_cast<BlockArgument>(b);
    if (!y || x.getOwner() != first_.getBody() || y.getOwner() != second_.getBody())
      return false;
    if (x.getArgNumber() == 0 || y.getArgNumber() == 0)
      return x.getArgNumber() == y.getArgNumber();
    unsigned i = x.getArgNumber() - 1, j = y.getArgNumber() - 1;
    return (*this)(first_.getInitArgs()[i], second_.getInitArgs()[j]) &&
           (*this)(first_.getBody()->getTerminator()->getOperand(i), second_.getBody()->getTerminator()->getOperand(j));
  }
  bool sameResult(Value a, Value b) {
    Operation *x = a.getDefiningOp(), *y = b.getDefiningOp();
    if (!y || x->getName() != y->getName() || x->getNumRegions() || x->getAttrDictionary() != y->getAttrDictionary() ||
        !isMemoryEffectFree(x) || cast<OpResult>(a).getResultNumber() != cast<OpResult>(b).getResultNumber() ||
        x->getNumOperands() != y->getNumOperands())
      return false;
    return llvm::all_of(llvm::zip(x->getOperands(), y->getOperands()),
                        [&](auto both) { return (*this)(std::get<0>(both), std::get<1>(both)); });
  }

  scf::ForOp first_, second_;
  DenseMap<std::pair<Value, Value>, bool> known_;
};

} // namespace

static bool readsTheSame(LoadOp a, LoadOp b) {
  auto first = cast<scf::ForOp>(a->getParentOp()), second = cast<scf::ForOp>(b->getParentOp());
  return first != second && first->getBlock() == second->getBlock() &&
         first.getLowerBound() == second.getLowerBound() && first.getUpperBound() == second.getUpperBound() &&
         first.getStep() == second.getStep() && SameInBoth(first, second)(a.getPtr(), b.getPtr());
}

static bool dependsOnProgram(Value value) {
  llvm::SetVector<Value> work;
  work.insert(value);
  for (size_t i = 0; i < work.size(); ++i) {
    if (auto argument = dyn_cast<BlockArgument>(work[i])) {
      auto loop = dyn_cast<scf::ForOp>(argument.getOwner()->getParentOp());
      if (loop && argument.getArgNumber() == 0)
        work.insert(loop.getLowerBound());
      else if (loop)
        work.insert(loop.getInitArgs()[argument.getArgNumber() - 1]);
      continue;
    }
    Operation *op = work[i].getDefiningOp();
    if (isa<ProgramIdOp>(op))
      return true;
    work.insert(op->operand_begin(), op->operand_end());
  }
  return false;
}

// Whether the op may be executed behind the loop: it stands there, or a loop around both comes round to it.
static bool mayFollow(Operation *op, Operation *loop) {
  if (loop->isAncestor(op))
    return false;
  for (Operation *around = loop; !isa<func::FuncOp>(around); around = around->getParentOp()) {
    if (around != loop && isa<LoopLikeOpInterface>(around) && around->isAncestor(op))
      return true;
    if (Operation *beside = around->getBlock()->findAncestorOpInBlock(*op))
      return around->isBeforeInBlock(beside);
  }
  return true;
}

template <typename Access> static bool hasNoHint(Access access) {
  return access.getCache() == Cache::None && access.getEvict() == Evict::Normal;
}

StepResult markLastReads(ModuleOp module, const target::Target &) {
  StepResult result;
  auto mark = [&](auto access) {
    access.setEvict(Evict::First);
    ++result.count;
  };
  module.walk([&](func::FuncOp function) {
    bool multiplies = function
                          .walk([](Operation *op) {
                            return isa<DotOp, DotScaledOp>(op) ? WalkResult::interrupt() : WalkResult::advance();
                          })
                          .wasInterrupted();
    if (multiplies)
      return;
    SmallVector<LoadOp> all, inLoops; // in the order of the program
    function.walk<WalkOrder::PreOrder>([&](LoadOp load) {
      all.push_back(load);
      if (isTile(load.getPtr()) && isa<scf::ForOp>(load->getParentOp()) && !load.getIsVolatile())
        inLoops.push_back(load);
    });
    llvm::SetVector<Operation *> lastLoops;
    for (auto [i, load] : llvm::enumerate(inLoops)) {
      auto same = [load = load](LoadOp other) { return readsTheSame(other, load); };
      bool isAgain = llvm::any_of(ArrayRef(inLoops).take_front(i), same),
           isLast = llvm::none_of(ArrayRef(inLoops).drop_front(i + 1), same);
      if (!isAgain || !isLast || !dependsOnProgram(load.getPtr()))
        continue;
      lastLoops.insert(load->getParentOp());
      if (hasNoHint(load))
        mark(load);
    }
    for (Operation *loop : lastLoops)
      loop->walk([&](StoreOp store) {
        PointerOrigins written(store.getPtr());
        bool isReadLater = llvm::any_of(all, [&](LoadOp load) {
          PointerOrigins read(load.getPtr());
          return mayFollow(load, loop) && (read.unknown() || read.meet(written));
        });
        if (isTile(store.getPtr()) && hasNoHint(store) && !written.unknown() && !isReadLater)
          mark(store);
      });
  });
  return result;
}

} // namespace tessera::tile
