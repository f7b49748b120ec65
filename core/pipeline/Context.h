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

struct ReturnContext {
  void operator()(mlir::MLIRContext *context) const;
};
using LeasedContext = std::unique_ptr<mlir::MLIRContext, ReturnContext>;
// The same, from the contexts that earlier compiles of this process gave back: loading the dialects takes as long as the whole
// frontend on a small kernel. Every module in it must be gone before the lease ends. A context keeps every type, attribute and
// location that it was asked for, so it serves a few dozen compiles and is freed. Any thread may call.
LeasedContext leaseContext();

} // namespace tessera
