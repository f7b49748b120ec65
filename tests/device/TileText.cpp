// TileText.cpp - a TILE module as text
//
// SPDX-License-Identifier: Apache-2.0
#include "tests/device/TileText.h"

#include "core/bytecode/mlir/Convert.h"
#include "core/pipeline/Context.h"

#include "mlir/IR/BuiltinOps.h"

namespace tessera {

std::optional<std::string> tileText(const tbc::Module &module) {
  std::unique_ptr<mlir::MLIRContext> context = makeContext();
  DiagnosticList diagnostics;
  mlir::OwningOpRef<mlir::ModuleOp> tile = fromBytecodeModule(module, *context, diagnostics);
  if (!tile)
    return std::nullopt;
  std::string text;
  llvm::raw_string_ostream os(text);
  tile->print(os);
  return text;
}

} // namespace tessera
