// LayoutRules.h - what each op of the tile level asks of the layouts of its operands and results
//
// SPDX-License-Identifier: Apache-2.0
//
// An op at LAYOUT level is *local* where every lane finds the operand elements it needs in its own registers, the same
// register numbers in all lanes; elementwise and shape ops are local. reduce, scan, sort, gather, histogram and dot move
// data themselves. These rules are the only place that knows which op is which; assignment, rematerialisation and the
// check of the result (CheckLayouts) all ask them.
#pragma once

#include "core/ir/Tile.h"

#include <optional>

namespace tessera::tile {

// The tensor type's layout, or null.
LinearAttr layoutOf(mlir::Type type);
inline LinearAttr layoutOf(mlir::Value value) { return layoutOf(value.getType()); }
mlir::RankedTensorType withLayout(mlir::RankedTensorType type, LinearAttr layout);
inline bool isTile(mlir::Type type) { return llvm::isa<mlir::RankedTensorType>(type); }
inline bool isTile(mlir::Value value) { return isTile(value.getType()); }

// Storage bits of one element: i1 takes a byte, a pointer 64 bits.
unsigned storageBits(mlir::Type elementOrTensor);
// Number of the element type in the op table; pointers: of the pointee. 0 where it has none.
uint8_t elementNumber(mlir::Type elementOrTensor);

// All tiles among operands and results have one shape and one layout: elementwise ops, memory ops, scan, sort, assert.
bool keepsOneLayout(mlir::Operation *op);
// Makes its tile from nothing or from scalars, in any layout, at no cost worth mentioning: constant, arange, splat, poison.
bool isFreeInAnyLayout(mlir::Operation *op);
// May be computed a second time in another layout: no effect, elementwise or a shape op.
bool isRematerialisable(mlir::Operation *op);

// The layout of tile result `result` that follows from operand `operand` having this layout; null where nothing follows.
LinearAttr resultFromOperand(mlir::Operation *op, unsigned operand, LinearAttr layout, unsigned result);
// The layout that operand `operand` must have for result 0 to have this layout locally; null where no layout of the
// operand is tied to the result (constants, reductions, cat, join in an unsuitable layout, …).
LinearAttr operandFromResult(mlir::Operation *op, unsigned operand, LinearAttr layout);
// Gives the tile's type this layout, and its elements' where it is a constant.
void setLayout(mlir::Value tile, LinearAttr layout);
// The op once more, where `builder` stands, with results in this layout; operand tiles are what `inLayout` gives for them in
// the layouts that follow. The op: isRematerialisable.
mlir::Operation *cloneInLayout(mlir::OpBuilder &builder, mlir::Operation *op, LinearAttr layout,
                               llvm::function_ref<mlir::Value(mlir::Value, LinearAttr)> inLayout);
// The layout nearest to `layout` that the op can take for its operands (split and join want pairs in one lane, packed
// elementwise functions want packs in one lane, ops along an axis want plain layouts, AxisSplit.h). `layout` itself for most ops.
LinearAttr acceptableOperand(mlir::Operation *op, LinearAttr layout);

// Where a value goes from here without an op of its own: the loop-carried variable or the branch's result that the use
// feeds, or null. The representative of a carried variable is the region argument.
mlir::Value carriedBy(mlir::OpOperand &use);
// Values of equal type by construction: the iteration argument and the result of a loop.
llvm::SmallVector<mlir::Value, 2> tiedTo(mlir::Value value);
// The operands that feed a carried variable or a branch's result: initial values, yields.
llvm::SmallVector<mlir::OpOperand *, 4> feeding(mlir::Value value);

} // namespace tessera::tile
