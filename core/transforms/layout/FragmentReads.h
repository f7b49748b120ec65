// FragmentReads.h - where tiles are read from shared memory, so that registers last
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/ir/Tile.h"
#include "core/target/Target.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/BuiltinOps.h"

namespace tessera::tile {

// Registers of 32 bits that the tile takes in each lane.
uint64_t registersFor(mlir::Value tile);

// Whether tiles of so many registers have room in a lane beside what the loop carries; registersOfLane: 0 where none are known, and there is.
bool leavesRoomFor(mlir::scf::ForOp loop, uint64_t registers, uint64_t registersOfLane);

// Moves a conversion through shared memory in front of the first op that needs its result, if that is a product whose fragment takes more registers than what it is made of, and
// the product is one of lanes or its loop leaves no registers. registersOfLane: 0 where none are known.
void sinkFragment(ConvertLayoutOp op, uint64_t registersOfLane);

// Gives what reads of shared memory made a place where it is held for a shorter time: in front of each of several products of lanes, in the loops that alone need it, and in
// front of its product. `loads` are those that conversions became; some are erased.
void placeReads(mlir::ModuleOp module, llvm::ArrayRef<SharedLoadOp> loads, const target::Target &target);

} // namespace tessera::tile
