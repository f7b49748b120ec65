// SharedUse.h - which ops use shared memory, and how much
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/target/Target.h"
#include "core/transforms/layout/LayoutRules.h"

namespace tessera::tile {

// Scratch bytes that a whole-tile op or an atomic needs to move data between warps (between lanes, where the target has no
// shuffles); 0 for every other op. The contract with the target: such an op writes and reads only its own scratch, with its
// own barriers between its phases; accesses by other ops are ordered around it by InsertBarriers.
uint64_t scratchBytes(mlir::Operation *op, const target::TargetInfo &info, unsigned numWarps);

// Whether an op that has scratch comes to a barrier with all lanes, behind everything that it writes there and before everything that it reads: where warps tell each other
// something. What a target without shuffles does for lanes of one warp, which have scratch there, is its own matter.
bool waitsForAllLanes(mlir::Operation *op);

// Bytes: the most that AllocateSharedMemory aligns a buffer to.
inline constexpr uint64_t kBufferAlignment = 1024;

// Bytes of a shared tensor.
uint64_t bytesOf(SharedType type);

// A planned range of bytes, [begin, end).
struct SharedRange {
  int64_t begin = 0, end = 0;
  bool meets(const SharedRange &other) const { return begin < other.end && other.begin < end; }
};
// The range of a planned op (shared_alloc or an op with scratch).
std::optional<SharedRange> plannedRange(mlir::Operation *op);

} // namespace tessera::tile
