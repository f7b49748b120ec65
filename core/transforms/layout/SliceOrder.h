// SliceOrder.h - in which order slices of a tile may be loaded and stored, one slice after the other
//
// Slices change the order of accesses: a store of one slice comes before a load of the next, which the whole tile would have loaded first. All accesses have
// one tile of offsets, from the pointers of different arguments; what these are is known when the kernel runs. Elements of one number never meet another
// access's out of order. Of two accesses whose addresses overlap shifted, slices of rising offsets are in order where the later one lies at lower addresses,
// slices of falling offsets where it lies at higher ones.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/ir/Tile.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallVector.h"

namespace tessera::tile {

// What is done to memory in each slice: a load or a store of a tile whose addresses are a scalar pointer and offsets.
struct SlicedAccess {
  mlir::Operation *op;
  mlir::Value base;
};

class SliceOrder {
public:
  // accesses: in the program's order. offsets: their tiles of offsets, which add up. axes: of the values that are cut, where; outlives this.
  SliceOrder(llvm::ArrayRef<SlicedAccess> accesses, llvm::ArrayRef<mlir::Value> offsets,
             const llvm::DenseMap<mlir::Value, int64_t> &axes);

  // Whether no store's elements can be another access's of another slice, or the kernel can find out by `make`.
  bool isKnown() const;
  // Whether elements along another axis are further apart in memory than those along the cut: slices, of several columns, then lie in each other.
  bool liesInOthers() const;
  // Whether an answer depends on what the kernel is called with.
  bool isAsked() const { return !pairs_.empty(); }
  // Whether lanes must wait for each other before this access, if slices overlap shifted: another lane may have to come to an earlier access first.
  bool waits(mlir::Operation *access) const { return llvm::is_contained(waiting_, access); }

  struct Answer {
    mlir::Value overlaps; // i1: two accesses meet at different elements
    mlir::Value
        falls; // i1: the last slice must then be the first; where some accesses want that and others do not, too
  };
  // The comparison, at the builder, of slices of `length` elements along the cut. Only if isAsked() and isKnown().
  Answer make(mlir::OpBuilder &builder, mlir::Location loc, int64_t length) const;

private:
  llvm::SmallVector<SlicedAccess> accesses_;
  llvm::SmallVector<mlir::Value> offsets_;
  const llvm::DenseMap<mlir::Value, int64_t> &axes_;
  bool isInPlace_ = false; // a store and another access have one pointer
  llvm::SmallVector<std::pair<SlicedAccess, SlicedAccess>>
      pairs_; // the earlier and the later one, of different pointers
  llvm::SmallVector<mlir::Operation *> waiting_;
};

} // namespace tessera::tile
