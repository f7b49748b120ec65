// ScheduleProducts.h - when a loop's asynchronous products start, and when they are awaited
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/target/TargetInfo.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

namespace tessera::tile {

// Whether a loop has a product that can be done one iteration late: started beside the next iteration's first product, so that it
// runs while the lanes work on that one's result (weights of attention times values). It needs a third of what the loop keeps in
// registers more: `registers` a lane are the limit, 0 where none is known. staysFilled: whether nothing writes a shared operand before the
// iteration after the next one's first barrier.
bool hasTrailingProducts(mlir::scf::ForOp loop, uint64_t registers, llvm::function_ref<bool(mlir::Value)> staysFilled);

// Whether a loop has such products and nothing scales their sums in between: then they need not be awaited in the loop at all.
bool hasAccumulatingProducts(mlir::scf::ForOp loop, llvm::function_ref<bool(mlir::Value)> staysFilled);

// In a loop that loads ahead, whose rings keep what they hold for an iteration longer: every product that needs no other one starts before the
// lanes wait for the first, as far as `registers` allow, those that accumulate run on into the next iteration. Returns the loop's results that
// are sums of products which may still run.
llvm::SmallVector<mlir::Value> overlapProducts(mlir::scf::ForOp loop, uint64_t registers);

// Delays them in a loop that loads ahead, whose rings keep what they hold for an iteration longer. slot: the iteration argument
// that says which slot of the rings is worked on. Returns the op that took the loop's place.
mlir::Operation *delayTrailingProducts(mlir::scf::ForOp loop, mlir::BlockArgument slot);

} // namespace tessera::tile
