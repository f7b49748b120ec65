// ScheduleProducts.h - when a loop's asynchronous products start, and when they are awaited
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/target/TargetInfo.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

namespace tessera::tile {

// 32-bit registers a lane that a tile takes.
uint64_t registersOf(mlir::Value tile);

// Whether a loop has products whose sums only go round, and which need another product of their iteration (weights of an attention times values), that
// can run on into the next iteration. A sum that nothing scales is then not awaited in the loop at all; one that is scaled, when the lanes have waited
// for the next iteration's other products. Operands and sums of both are live then: `registers` a lane are the limit, 0 where none is known.
// staysFilled: whether nothing writes a shared operand before the iteration after the next one's first barrier.
bool hasRunningProducts(mlir::scf::ForOp loop, uint64_t registers, llvm::function_ref<bool(mlir::Value)> staysFilled);

// Lets them run on, in a loop that loads ahead and whose rings keep what they hold for an iteration longer. Products that need no other one start before
// the lanes wait for the first, as far as `registers` allow. Returns the loop's results that are sums of products which may still run.
llvm::SmallVector<mlir::Value> overlapProducts(mlir::scf::ForOp loop, uint64_t registers);

} // namespace tessera::tile
