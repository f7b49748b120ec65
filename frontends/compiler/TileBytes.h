// TileBytes.h - a verified tile module on its way between processes: MLIR bytecode with its files' texts
//
// SPDX-License-Identifier: Apache-2.0
//
//   "TSRTILE\1"  u64 checksum (XXH3) of all that follows
//   u32 length, kernel name  u32 files, each: u32 first line, u32 length, name, u64 length, text
//   zeros up to a multiple of 16  MLIR bytecode
//
// All numbers little-endian. The texts are there so that later stages can show excerpts. Both sides are of one build: the
// bytes are no format to keep.
#pragma once

#include "core/ir/Locations.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <string>

namespace tessera::compiler {

// Empty where MLIR cannot write the module.
std::string writeTileBytes(mlir::ModuleOp module, std::string_view kernel, const tile::SourceFiles &files);

struct TileModule {
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::string kernel;
  tile::SourceFiles files;
};

// Reads into a context that has the dialects of tile IR, and verifies. `module` is null, with an E0308, for bytes that
// are damaged; any bytes are safe to try.
// A module of tile IR as text, of one kernel: what `emits` of "tile" gave, or somebody wrote. `name` is the file's, for messages
// and locations. `options` are those of the module where the text has none. E0222 where it is no such module.
TileModule readTileText(std::string_view text, std::string_view name,
                        const std::vector<std::pair<std::string, int64_t>> &options, mlir::MLIRContext &context,
                        DiagnosticList &diagnostics);

TileModule readTileBytes(std::string_view bytes, mlir::MLIRContext &context, DiagnosticList &diagnostics);

} // namespace tessera::compiler
