// GlobalOrder.h - which accesses of global memory need a barrier between them
//
// A program is one thread to its author: a load sees what was stored before it and nothing that is stored behind it, whichever lane does either. Two accesses,
// one of them a write, need a barrier where a lane may touch what another lane touched, unless the places are known to differ.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/analysis/AffineSums.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/DenseMap.h"

#include <memory>

namespace tessera::tile {

// An access of global memory by lanes, of a tile or a scalar, in an iteration that ran before what is asked about.
struct GlobalAccess {
  mlir::Operation *op = nullptr;
  mlir::Operation *loop = nullptr; // the outermost loop around it that has begun a further iteration since; null: none
  bool awaited = false;            // of async_load: it ended where the lane awaited it, whichever iteration started it
  bool operator==(const GlobalAccess &) const = default;
};

// Requires: LAYOUT level. Arguments of the kernel that are different may be one array, passed twice: where offsets from both differ by a known number of bytes, they are
// taken to be. Arrays that lie in each other shifted are not asked about here, nor whether rows of a tile overlap whose stride is known only when the kernel runs.
class GlobalOrder {
public:
  explicit GlobalOrder(mlir::func::FuncOp function);
  ~GlobalOrder();

  // Whether lanes read or write global memory in this op: load, async_load, store, the atomics.
  static bool isAccess(mlir::Operation *op);
  // Whether a barrier must lie between the two.
  bool needsBarrier(const GlobalAccess &earlier, mlir::Operation *later);
  // Whether what an iteration writes through one pointer of the loop a later iteration reads through the other; null: not known.
  std::optional<bool> meetsLater(mlir::scf::ForOp loop, mlir::Value written, mlir::Value read);

private:
  struct Place;
  struct Distance;
  const Place &placeOf(mlir::Value pointer);
  std::optional<Distance> distanceOf(const GlobalAccess &earlier, const Place &a, mlir::Operation *later,
                                     const Place &b);
  bool areApart(const Place &a, const Place &b, Distance distance, bool inLane);
  bool computeNeed(const GlobalAccess &earlier, mlir::Operation *later);

  mlir::func::FuncOp function_;
  std::unique_ptr<AxisFacts> facts_;
  llvm::DenseMap<mlir::Value, std::unique_ptr<Place>> places_;
  llvm::DenseMap<std::tuple<mlir::Operation *, mlir::Operation *, mlir::Operation *, unsigned>, bool> needs_;
};

} // namespace tessera::tile
