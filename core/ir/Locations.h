// Locations.h - MLIR's locations as places in source files, MLIR's diagnostics as ours
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/support/Diagnostic.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Location.h"

namespace tessera::tile {

// The files that locations may name, for excerpts. A file that is not listed gives a place without text.
using SourceFiles = std::vector<std::shared_ptr<const SourceFile>>;

// The innermost file, line and column of a location; `file` null where it has none.
SourcePlace placeOf(mlir::Location loc, const SourceFiles &files);
// The calls that led to it, innermost first: one note each.
std::vector<Diagnostic::Note> callNotesOf(mlir::Location loc, const SourceFiles &files);
// Adds a diagnostic at a location, with its call notes.
Diagnostic &addDiagnostic(DiagnosticList &list, DiagId id, mlir::Location loc, std::string message,
                          const SourceFiles &files);

// While it lives, errors and warnings that MLIR emits in this context go to `list`: the first error as one diagnostic with
// `id` and its notes, later errors as notes too (a failure is one diagnostic). Remarks and stray notes are dropped.
class DiagnosticCapture : public mlir::ScopedDiagnosticHandler {
public:
  DiagnosticCapture(mlir::MLIRContext *context, DiagnosticList &list, SourceFiles files = {},
                    DiagId id = DiagId::InvalidIr);
  bool sawError() const { return sawError_; }

private:
  void take(mlir::Diagnostic &diagnostic);
  DiagnosticList &list_;
  SourceFiles files_;
  DiagId id_;
  bool sawError_ = false;
};

} // namespace tessera::tile
