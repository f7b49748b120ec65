// LoopAhead.h - what loops that load ahead have in common: iterations that have not come yet, and what a load may overtake
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/ir/Tile.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/SetVector.h"

namespace tessera::tile {

// The part of a loop's body that addresses and masks of its loads follow from: ops without effects, the induction value, carried values that
// such ops carry on. It can be computed for iterations that have not come yet; the carried values it needs then run ahead of the loop's own.
class LoopSlice {
public:
  explicit LoopSlice(mlir::scf::ForOp loop) : loop_(loop) {}
  // This value of the body is not computed: whoever emits says what it is.
  void give(mlir::Value value) { given_.insert(value); }
  // Adds what these values follow from. False where they need memory, or ops in nested regions: nothing was added then.
  bool add(mlir::ValueRange values);
  // The op itself too, effects or not, with what its operands follow from.
  bool addOp(mlir::Operation *op) { return add(op->getOperands()) && (ops_.insert(op), true); }
  // After the last add: what the carried values that run ahead start from, before the loop.
  llvm::SmallVector<mlir::Value> initial() const;
  // Emits an iteration; `ahead` holds its carried values, and the next one's afterwards. Returns what became of the body's values; `map`: of those that
  // are given.
  mlir::IRMapping emit(mlir::OpBuilder &builder, mlir::Value induction, llvm::MutableArrayRef<mlir::Value> ahead,
                       mlir::IRMapping map = {}) const;
  // What an iteration takes from outside of the loop, the carried values' first ones and the loop's bounds among it.
  llvm::SmallVector<mlir::Value> fromOutside() const;

private:
  bool addOne(mlir::Value value);

  mlir::scf::ForOp loop_;
  llvm::SetVector<mlir::Operation *> ops_;
  llvm::SetVector<unsigned> carried_; // iteration arguments
  llvm::DenseSet<mlir::Value> given_;
};

mlir::Value constantLike(mlir::OpBuilder &builder, mlir::Location loc, mlir::Type type, int64_t value);
// i1: whether the loop has an iteration at all.
mlir::Value loopRuns(mlir::OpBuilder &builder, mlir::scf::ForOp loop);
// i1: whether there is an iteration so many after the one of `from`, which exists; offset: iterations * step. No sum that could
// wrap is compared: upper - from is exact as an unsigned number, and so is the offset where step is small enough.
mlir::Value iterationExists(mlir::OpBuilder &builder, mlir::scf::ForOp loop, mlir::Value from, int64_t iterations,
                            mlir::Value offset);
// The number of the loop's first iterations, counted from 0: its induction value, and whether it exists, given that the loop runs.
struct Iteration {
  mlir::Value induction, valid;
};
Iteration iterationAt(mlir::OpBuilder &builder, mlir::scf::ForOp loop, mlir::Value runs, int64_t number);
// The same for the iteration so many after the one of `from`.
Iteration iterationAfter(mlir::OpBuilder &builder, mlir::scf::ForOp loop, mlir::Value from, int64_t distance);
// The mask, where there is one, and the scalar for all of these pointers.
mlir::Value maskedBy(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value pointers, mlir::Value mask,
                     mlir::Value valid);

// i32: index + 1 and index - 1 of a ring of `slots`.
mlir::Value nextSlot(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value index, int64_t slots);
mlir::Value slotBefore(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value index, int64_t slots);
// i32: the parity of the phase that goes with the slot after `index`; it turns where the ring comes round.
mlir::Value nextParity(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value index, mlir::Value parity,
                       int64_t slots);
// Whether all bits of all elements are zero: what a copy writes where it is masked off.
bool isZeroTile(mlir::Value tile);

// Whether the program asks for this loop's loads ahead by tl.range(num_stages=…).
bool asksForStages(mlir::scf::ForOp loop);
// Bits of tile.loop_flags, as in Ops.def.
enum LoopFlag : int32_t { kFlatten = 1, kDisallowAccMultiBuffer = 4, kDisableLicm = 8, kTakeTurns = 16 };
bool hasLoopFlag(mlir::Operation *loop, LoopFlag flag);
// Whether a load of the loop, through this pointer, may be started in an earlier iteration; asked: the program says that iterations may overlap. Never before a barrier, or an atomic whose result is used,
// which may be a lock; before stores only where the program asks for it and nothing says that it reads what they write: other arguments, or the very
// address that an iteration then stores to and that no later iteration reads: known, or, of strides known only when the kernel runs, said by the loop's own num_stages.
bool mayLoadAhead(mlir::scf::ForOp loop, mlir::Value pointer, bool asked);

} // namespace tessera::tile
