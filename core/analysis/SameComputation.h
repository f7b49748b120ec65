// SameComputation.h - whether two values are the same function of the same values
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "mlir/IR/Value.h"

namespace tessera::tile {

// Whether both come from the same ops, free of effects and without regions, on the same operands; elements and shapes are the same, layouts need not be. False
// where that would take more than 32 ops in a row to see.
bool computeTheSame(mlir::Value a, mlir::Value b);

} // namespace tessera::tile
