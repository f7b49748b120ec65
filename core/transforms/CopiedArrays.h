// CopiedArrays.h - which arrays a copy engine may be told of, and which kernels may have such copies
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/ir/Tile.h"

namespace tessera::tile {

inline constexpr int64_t kCopyAlignment = 16, kMinCopiedBytes = 128; // bytes; of copy engines
inline constexpr size_t kMaxCopiedArrays = 16;                       // accesses of a kernel that are tensor copies

// Whether the launch can compute it: parameters, constants, plain arithmetic.
bool followsFromParameters(mlir::Value value);
// The parameter that a pointer is computed from; null where it is none, or may be several.
mlir::Value arrayParameter(mlir::Value pointer);
// Whether the kernel orders memory by itself, which only ordinary accesses heed: a barrier, an atomic whose result is used.
bool ordersMemory(mlir::Operation *function);
// The parameters through which pointers write, atomics too; null: one that may be any.
llvm::SmallVector<mlir::Value> storedByPointers(mlir::Operation *function);

} // namespace tessera::tile
