// LoopNests.h - the first loads of an inner loop, started in the iteration of the outer loop before
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/transforms/layout/LoopAhead.h"

namespace tessera::tile {

// A loop that loads ahead, in the body of another one that its rings outlive. The values named here stand in the outer loop's body, for what
// startInIterationBefore knows.
struct LoopInNest {
  mlir::scf::ForOp outer, inner;
  llvm::SmallVector<mlir::Operation *>
      starts; // the first loads of the inner loop, in order: ops with effects; the rest of them follows from values
  mlir::Value slot, exists,
      parity;           // of the rings, where the first load goes (i32); i1; null, or the phase's parity (i32)
  unsigned working = 0; // the inner loop's results that are the next slot and, behind it but one, the next parity
};

// The outer loop's loop in the nest may start its first loads an iteration early: it is the only one, and what the loads' addresses and masks need
// (slice, inputs) is known without memory. asked: see mayLoadAhead.
bool mayStartInIterationBefore(mlir::scf::ForOp outer, mlir::scf::ForOp inner, const LoopSlice &slice,
                               llvm::ArrayRef<mlir::Value> inputs, llvm::ArrayRef<mlir::Value> pointers);

// Before: scf.for %tile … { start ; scf.for %k … ; epilogue }
// After:  start of the first ; scf.for %tile … { scf.for %k … ; start of the next ; epilogue }
// Returns the last op in front of the epilogue; nest.outer is the new outer loop.
mlir::Operation *startInIterationBefore(LoopInNest &nest, bool copiesByLanes);

} // namespace tessera::tile
