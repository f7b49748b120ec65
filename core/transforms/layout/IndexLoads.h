// IndexLoads.h - loads whose values the addresses of a loop's other loads follow from: a page of a table, an expert, a group
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/transforms/layout/LoopAhead.h"

namespace tessera::tile {

// They run one iteration ahead of the loads that wait for them, in registers, so that nothing stands still for both latencies.
class IndexLoads {
public:
  explicit IndexLoads(mlir::scf::ForOp loop) : loop_(loop), slice_(loop) {}
  // Adds what these values follow from to `slice`, where the only accesses of memory in between are loads of few values that may go ahead: those are taken up
  // here, and given there. asked: see mayLoadAhead. False: nothing was added.
  bool add(mlir::ValueRange inputs, LoopSlice &slice, bool asked);
  bool empty() const { return loads_.empty(); }
  bool contains(mlir::Operation *op) const { return llvm::is_contained(loads_, op); }
  // After the last add: what the carried values of their addresses start from, before the loop.
  llvm::SmallVector<mlir::Value> initial() const { return slice_.initial(); }
  // Loads for an iteration; where it does not exist nothing is read. `ahead`: the carried values, and the next one's afterwards.
  llvm::SmallVector<mlir::Value> emit(mlir::OpBuilder &builder, Iteration iteration,
                                      llvm::MutableArrayRef<mlir::Value> ahead) const;
  // Says to what follows from them that these are their values.
  void map(mlir::IRMapping &map, mlir::ValueRange values) const {
    for (auto [load, value] : llvm::zip_equal(loads_, values))
      map.map(load->getResult(0), value);
  }

private:
  bool collect(mlir::Value value, llvm::SetVector<mlir::Operation *> &loads, llvm::DenseSet<mlir::Value> &seen) const;

  mlir::scf::ForOp loop_;
  LoopSlice slice_; // of their addresses
  llvm::SmallVector<mlir::Operation *> loads_;
};

} // namespace tessera::tile
