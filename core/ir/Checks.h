// Checks.h - the checks that the verifiers of several op families make; private to core/ir
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/ir/Tile.h"

namespace tessera::tile {

// `what` names the operand or result in the message.
mlir::LogicalResult checkPointers(mlir::Operation *op, llvm::StringRef what, mlir::Type type);
mlir::LogicalResult checkSameType(mlir::Operation *op, llvm::StringRef what, mlir::Type type, llvm::StringRef other,
                                  mlir::Type expected);
// Equal shapes and layouts (both scalars count as equal).
mlir::LogicalResult checkSameShape(mlir::Operation *op, llvm::StringRef what, mlir::Type type, llvm::StringRef other,
                                   mlir::Type expected);
// i1 in the shape and layout of `like`.
mlir::LogicalResult checkMask(mlir::Operation *op, llvm::StringRef what, mlir::Type type, llvm::StringRef other,
                              mlir::Type like);
mlir::LogicalResult checkElement(mlir::Operation *op, llvm::StringRef what, mlir::Type type, llvm::StringRef other,
                                 mlir::Type expectedElement);
mlir::LogicalResult checkAxis(mlir::Operation *op, int64_t axis, int64_t rank, llvm::StringRef of);
mlir::LogicalResult checkGridAxis(mlir::Operation *op, int32_t axis);
mlir::LogicalResult checkShape(mlir::Operation *op, llvm::StringRef what, mlir::Type type,
                               llvm::ArrayRef<int64_t> expected);
std::string shapeText(llvm::ArrayRef<int64_t> shape);

// Static extents >= 1, rank >= 1, elements that tiles have: every tensor of the dialect's ops.
mlir::LogicalResult checkTile(mlir::Operation *op, llvm::StringRef what, mlir::Type type);

} // namespace tessera::tile
