// PointerOrigins.h - which arguments of a kernel a pointer may come from
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/ir/Tile.h"

#include "llvm/ADT/DenseSet.h"

namespace tessera::tile {

// Follows pointers back through arithmetic, shapes, branches and loops. Different arguments may still be one buffer: the caller may pass it twice.
class PointerOrigins {
public:
  PointerOrigins() = default;
  explicit PointerOrigins(mlir::Value pointer) { follow(pointer); }
  void follow(mlir::Value pointer);
  // Some pointer came from memory or an integer: it may be any argument's.
  bool unknown() const { return unknown_; }
  // The value was met on the way: of an argument, whether a pointer may come from it.
  bool met(mlir::Value value) const { return seen_.contains(value); }
  // Whether both may come from one argument.
  bool meet(const PointerOrigins &other) const;

private:
  void step(mlir::Value value);
  void stepArgument(mlir::BlockArgument argument);

  llvm::SmallVector<mlir::Value> work_;
  llvm::DenseSet<mlir::Value> seen_;
  bool unknown_ = false;
};

} // namespace tessera::tile
