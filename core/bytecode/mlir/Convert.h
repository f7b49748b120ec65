// Convert.h - tile IR to a bytecode module and back, exactly
//
// SPDX-License-Identifier: Apache-2.0
//
// Writing needs a module without block pointers whose ops are of `tile`, arith, math, scf, func (what the pipelines
// leave). What has no place in the bytecode is a diagnostic. Fast-math flags other than `afn` are dropped.
#pragma once

#include "core/bytecode/Module.h"
#include "core/ir/Locations.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include <optional>

namespace tessera {

std::optional<tbc::Module> toBytecodeModule(mlir::ModuleOp module, DiagnosticList &diagnostics,
                                            const tile::SourceFiles &files = {});

// The bytecode must have passed its verifier. Null, with a diagnostic, where the IR's verifier finds something.
mlir::OwningOpRef<mlir::ModuleOp> fromBytecodeModule(const tbc::Module &module, mlir::MLIRContext &context,
                                                     DiagnosticList &diagnostics);

} // namespace tessera
