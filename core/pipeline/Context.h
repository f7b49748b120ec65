// Context.h - an MLIR context with the dialects of tile IR and nothing else
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "mlir/IR/MLIRContext.h"
#include <memory>

namespace tessera {

// Single-threaded (a compile is short; threads cost more than they give), with tile, arith, math, scf, func, ub loaded.
// One context a compile: it is not to be shared between threads.
std::unique_ptr<mlir::MLIRContext> makeContext();

} // namespace tessera
