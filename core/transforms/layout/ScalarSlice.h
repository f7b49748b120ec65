// ScalarSlice.h - the part of a kernel that some of its ops need: scalars, and the loops and branches around them
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/DenseSet.h"

namespace tessera::tile {

// Collected op by op and value by value; then cloned as a program of its own. Everything stands in for and if, nested in one block; what is defined outside
// of that is there for the clone too.
class ScalarSlice {
public:
  explicit ScalarSlice(mlir::Block &of) : of_(of) {}
  // The op itself, whatever it does, what its operands need, and the loops and branches that it stands in. False: something that is
  // needed is a tile, touches memory or stands in other control flow; the slice is then of no use.
  bool addRoot(mlir::Operation *op);
  // What a value, and the loops and branches around an op, need.
  bool add(mlir::Value value);
  bool addAncestors(mlir::Operation *op);
  // The slice as a program of its own, at the builder.
  void clone(mlir::OpBuilder &builder) const;

private:
  bool addOp(mlir::Operation *op);
  bool addCarried(mlir::scf::ForOp loop, unsigned index);
  void cloneBlock(mlir::Block &from, mlir::OpBuilder &builder, mlir::IRMapping &map) const;
  void cloneFor(mlir::scf::ForOp loop, mlir::OpBuilder &builder, mlir::IRMapping &map) const;
  void cloneIf(mlir::scf::IfOp branch, mlir::OpBuilder &builder, mlir::IRMapping &map) const;

  mlir::Block &of_;
  llvm::DenseSet<mlir::Operation *> ops_;
  llvm::DenseSet<std::pair<mlir::Operation *, unsigned>>
      results_; // of loops and branches: the carried values and results that are needed
};

} // namespace tessera::tile
