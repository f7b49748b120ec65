// Visitor.cpp - where the visitor is, and what it reports
//
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/sema/Visitor.h"

namespace tessera::py {

SourcePlace Visitor::currentPlace() const { return placeOf(frames.back()->function->file, place); }

std::vector<Diagnostic::Note> Visitor::callNotes() const {
  std::vector<Diagnostic::Note> notes;
  for (size_t i = frames.size(); i-- > 1;)
    notes.push_back({frames[i]->callPlace, "in the call of " + frames[i]->function->name + " here",
                     frames[i - 1]->function->name, true});
  if (notes.size() > 8) { // the ends tell the story of a deep recursion
    notes.erase(notes.begin() + 4, notes.end() - 4);
    notes[3].message += " (calls between left out)";
  }
  return notes;
}

mlir::Location Visitor::locationOf(const Span &span) {
  const KernelFrame &f = *frames.back();
  llvm::StringRef file = f.function->file ? llvm::StringRef(f.function->file->name) : "<library>";
  mlir::Location at = mlir::FileLineColLoc::get(b.getContext(), file, span.line, span.column);
  return f.caller ? mlir::Location(mlir::CallSiteLoc::get(at, mlir::Location(f.caller))) : at;
}

void Visitor::report(const Diagnostic &d) {
  // The same line may be visited many times: unrolled loops, several calls.
  for (const Diagnostic &old : diags.all())
    if (old.id == d.id && old.place.line == d.place.line && old.place.column == d.place.column &&
        old.place.file == d.place.file)
      return;
  diags.add(d);
  if (d.severity == Severity::Error && ++errors >= options.maxErrors)
    throw TooManyErrors{};
}

} // namespace tessera::py
