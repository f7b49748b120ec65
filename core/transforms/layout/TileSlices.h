// TileSlices.h - parts of tiles: what has to be computed for a part of some axis, and its computation
//
// Elements of a slice are computed from the same ones of other values (addresses, masks, loads, arithmetic), along other axes also by scans. A scan along the axis that is cut goes on
// from slice to slice: each takes what those before it have combined, and passes that on with its own. What cannot be computed for a part, and is much smaller than
// the tile that it is repeated along, may be held whole: each slice gathers its elements.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/ir/Tile.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/SmallVector.h"

namespace tessera::tile {

// Without effects, each element of the results from the same one of the operands.
bool isElementwise(mlir::Operation *op);
// A scan as the program has it: without effects and totals.
bool isPureScan(mlir::Operation *op);

// Whether `combine` can do what the region of a reduction or scan does.
bool canCombine(mlir::Operation *op);
// What the region of a reduction or scan makes of tiles of one shape, or of scalars: one result for each of `acc`, which come before `next`.
llvm::SmallVector<mlir::Value> combine(mlir::OpBuilder &builder, mlir::Block &region, llvm::ArrayRef<mlir::Value> acc,
                                       llvm::ArrayRef<mlir::Value> next);
// By source, the element that leaves others as they are when it comes before them. Empty: not known, or there is none.
llvm::SmallVector<mlir::TypedAttr> neutralsOf(ScanOp scan);
// One of two values of one type; condition: i1, for all elements of tiles.
mlir::Value chosen(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value condition, mlir::Value yes,
                   mlir::Value no);

// Whether the op repeats its source along the axis, so that a slice of the result repeats all of the source, which may be cut for the sake of another value: arange(0, 32)
// may say which rows are cut and which columns are not.
bool repeatsWhole(mlir::Operation *op, int64_t axis);

// What has to be done slice by slice for the sake of some values.
struct TileSlice {
  explicit TileSlice(bool reduces = false) : reduces(reduces) {}

  bool reduces;                 // whether reductions along other axes may be done for each slice
  mlir::Block *block = nullptr; // where loads may be done for slices; null: everywhere
  int64_t mostHeld = 0;         // elements of a tile that may be held whole
  llvm::SetVector<mlir::Operation *> loads;
  llvm::SetVector<ScanOp> scans;             // along the axis that is cut, each behind what it scans
  llvm::DenseMap<mlir::Value, int64_t> axes; // of the values that are cut, where
  llvm::DenseMap<mlir::Value, int64_t> held; // of those that are gathered from, along which axis

  // Adds what the tile `v` is computed from. False: it cannot be computed for a part of `axis` alone.
  bool take(mlir::Value v, int64_t axis);
  // Whether scans need the last slice first; all go one way.
  bool isReverse() const;

private:
  bool takeOrHold(mlir::Value v, int64_t axis);
};

// What each scan of a slice has combined of the slices before, by source: tiles without the axis, scalars of rank 1.
using Carried = llvm::DenseMap<mlir::Operation *, llvm::SmallVector<mlir::Value>>;

// Computes one slice of values, at the builder.
class TileSlicer {
public:
  // start: i32, the slice's first element along the axis; length: how many. carried: empty for the slice that scans start with; when all is computed, with what this slice
  // adds. isFirst: i1, null: whether this is that slice, where `carried` is given although it may be.
  TileSlicer(mlir::OpBuilder &builder, const TileSlice &slice, mlir::Value start, int64_t length, Carried &carried,
             mlir::Value isFirst = {})
      : builder_(builder), slice_(slice), start_(start), length_(length), carried_(carried), isFirst_(isFirst) {}

  // The slice of a value; the value itself where it is not cut.
  mlir::Value of(mlir::Value v);

private:
  mlir::RankedTensorType partOf(mlir::Value v) const;
  void make(mlir::Operation *op, int64_t axis);
  void makeScan(ScanOp scan);
  mlir::Value gathered(mlir::Value held, int64_t axis);
  mlir::Value alongAxis(mlir::Location loc, mlir::Value before, mlir::RankedTensorType type, int32_t axis);
  llvm::SmallVector<mlir::Value> elseOwn(mlir::Location loc, llvm::SmallVector<mlir::Value> joined,
                                         llvm::ArrayRef<mlir::Value> own);

  mlir::OpBuilder &builder_;
  const TileSlice &slice_;
  mlir::Value start_;
  int64_t length_;
  Carried &carried_;
  mlir::Value isFirst_;
  llvm::DenseMap<mlir::Value, mlir::Value> made_;
};

} // namespace tessera::tile
