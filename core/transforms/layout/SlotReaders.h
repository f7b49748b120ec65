// SlotReaders.h - who reads a slot of a ring, for what and until when
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "mlir/IR/Operation.h"
#include "mlir/IR/Value.h"

namespace tessera::tile {

// The ops that read a buffer, a shared tile, under any of its names, and those that give it another one.
void collectReaders(mlir::Value buffer, llvm::SmallVector<mlir::Operation *> &readers);

// Behind which op nobody reads any more what this one reads: a product, until it was awaited.
mlir::Operation *endOfRead(mlir::Operation *reader);

// What takes the value that an op reads from a slot: of one that lanes read into registers, the first product of its block that it reaches, through
// arithmetic and buffers, and without one its first user.
mlir::Operation *userOf(mlir::Operation *reader);

} // namespace tessera::tile
