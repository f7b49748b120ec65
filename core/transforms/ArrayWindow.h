// ArrayWindow.h - an access through a tile of pointers as a window on an array: what a descriptor of the array, and a place in it, are
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/analysis/AffineSums.h"
#include "core/analysis/IntegerRanges.h"
#include "core/ir/Tile.h"

namespace tessera::tile {

// Everything is in elements. What the launch must know (base, its offset, strides, extents) follows from parameters.
struct ArrayWindow {
  struct Dim {
    Sum stride, place, extent; // of one in which nothing ends: out of reach
    bool hasEnd = false;
  };
  mlir::Value base;
  Sum baseOffset;
  unsigned contiguous = 0;         // dim of the tile
  llvm::SmallVector<Dim, 2> dims;  // of the tile
  llvm::SmallVector<Dim, 2> outer; // of which it has one element
  mlir::RankedTensorType type;     // of the tile
};

// Finds windows in a kernel; the facts outlive it. Each answer is empty, or why the access is no window that a copy engine takes: one that begins, like its strides and its
// places along the contiguous dim, at multiples of 16 bytes.
class WindowFinder {
public:
  WindowFinder(const AxisFacts &facts, const IntegerRanges &ranges) : facts_(facts), ranges_(ranges) {}
  // Beyond the array's end the window has zeros: either the load does, or nobody needs what it reads there.
  std::string find(LoadOp load, ArrayWindow &window) const;
  // Beyond the array's end the store writes nothing: rows end at multiples of 16 bytes.
  std::string find(StoreOp store, ArrayWindow &window) const;
  // Where a load by lanes reaches, of a tile or a scalar: for makeOverlap, no copy engine need take it.
  std::string findReach(LoadOp load, ArrayWindow &window) const;
  std::string findReach(StoreOp store, ArrayWindow &window) const; // likewise

private:
  std::string find(AffineSums &sums, mlir::Value pointer, mlir::Value mask, mlir::Value loaded,
                   ArrayWindow &window) const;
  std::string findReach(mlir::Type type, mlir::Value pointer, mlir::Value mask, ArrayWindow &window) const;
  std::string findEnds(AffineSums &sums, mlir::Value pointer, mlir::Value mask, mlir::Value loaded,
                       ArrayWindow &window) const;
  std::string findPlaces(AffineSums &sums, ArrayWindow &window, Sum rest, llvm::ArrayRef<Limit> limits) const;
  std::string checkEnds(AffineSums &sums, ArrayWindow &window, mlir::Value loaded, llvm::ArrayRef<Limit> hard,
                        llvm::ArrayRef<Limit> soft) const;
  bool addOuter(AffineSums &sums, ArrayWindow &window, const Term &term) const;
  bool fitsCoordinate(const Term &term, bool isCompared) const;
  bool isNonNegative(const Sum &sum) const; // every value, as facts and ranges of its parts say

  const AxisFacts &facts_;
  const IntegerRanges &ranges_;
};

// What an access by descriptor has as operands; of tile dims `order` says which comes when: the contiguous one last.
struct WindowOperands {
  mlir::Value base;
  llvm::SmallVector<mlir::Value> shape, strides, offsets;
  llvm::SmallVector<unsigned> order;
};
WindowOperands makeOperands(mlir::OpBuilder &builder, mlir::Location loc, const ArrayWindow &window);

// The sum as a scalar of this type, i32 or i64.
mlir::Value buildSum(mlir::OpBuilder &builder, mlir::Location loc, const Sum &sum, mlir::Type type);

// The elements from the window's base offset to the last one that it may have, and one, as what the launch knows; `without` a dim: for one place along that one. Strides are
// not negative. Null where it is not known.
std::optional<Sum> spanOf(AffineSums &sums, const ArrayWindow &window, const ArrayWindow::Dim *without = nullptr);

// Whether two windows, wherever loops take them, may have bytes in common (i1), computed at `before` from what the launch knows. Null where how far one reaches is not
// known there: its places beyond an array's known end must be those of loops.
mlir::Value makeOverlap(mlir::Operation *before, const AxisFacts &facts, const ArrayWindow &a, const ArrayWindow &b);

} // namespace tessera::tile
