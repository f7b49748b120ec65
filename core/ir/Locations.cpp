// Locations.cpp - see Locations.h
//
// SPDX-License-Identifier: Apache-2.0
#include "core/ir/Locations.h"

using namespace mlir;

namespace tessera::tile {

static FileLineColLoc fileLocOf(Location loc) {
  if (auto file = dyn_cast<FileLineColLoc>(loc))
    return file;
  if (auto call = dyn_cast<CallSiteLoc>(loc))
    return fileLocOf(call.getCallee());
  if (auto name = dyn_cast<NameLoc>(loc))
    return fileLocOf(name.getChildLoc());
  if (auto fused = dyn_cast<FusedLoc>(loc))
    for (Location part : fused.getLocations())
      if (FileLineColLoc file = fileLocOf(part))
        return file;
  return {};
}

static CallSiteLoc callOf(Location loc) {
  if (auto call = dyn_cast<CallSiteLoc>(loc))
    return call;
  if (auto name = dyn_cast<NameLoc>(loc))
    return callOf(name.getChildLoc());
  if (auto fused = dyn_cast<FusedLoc>(loc))
    for (Location part : fused.getLocations())
      if (CallSiteLoc call = callOf(part))
        return call;
  return {};
}

SourcePlace placeOf(Location loc, const SourceFiles &files) {
  SourcePlace place;
  FileLineColLoc file = fileLocOf(loc);
  if (!file)
    return place;
  place.line = file.getLine();
  place.column = file.getColumn();
  StringRef name = file.getFilename().getValue();
  for (const auto &known : files) // several may be parts of one file
    if (known && known->name == name && (!place.file || known->line(place.line).data()))
      place.file = known;
  if (!place.file) {
    auto unknown = std::make_shared<SourceFile>();
    unknown->name = name.str();
    place.file = std::move(unknown);
  }
  return place;
}

std::vector<tessera::Diagnostic::Note> callNotesOf(Location loc, const SourceFiles &files) {
  std::vector<tessera::Diagnostic::Note> notes;
  for (CallSiteLoc call = callOf(loc); call; call = callOf(call.getCaller()))
    notes.push_back({placeOf(call.getCaller(), files), "in the call here", {}, true});
  return notes;
}

tessera::Diagnostic &addDiagnostic(DiagnosticList &list, DiagId id, Location loc, std::string message,
                                   const SourceFiles &files) {
  tessera::Diagnostic &added = list.add(id, placeOf(loc, files), std::move(message));
  added.notes = callNotesOf(loc, files);
  return added;
}

DiagnosticCapture::DiagnosticCapture(MLIRContext *context, DiagnosticList &list, SourceFiles files, DiagId id)
    : ScopedDiagnosticHandler(context), list_(list), files_(std::move(files)), id_(id) {
  setHandler([this](mlir::Diagnostic &diagnostic) {
    take(diagnostic);
    return success();
  });
}

void DiagnosticCapture::take(mlir::Diagnostic &diagnostic) {
  bool isError = diagnostic.getSeverity() == DiagnosticSeverity::Error,
       isRemark =
           diagnostic.getSeverity() == DiagnosticSeverity::Remark; // of something that was asked for and not done
  if (diagnostic.getSeverity() == DiagnosticSeverity::Note)
    return;
  if (isError && sawError_) {
    tessera::Diagnostic &first = const_cast<tessera::Diagnostic &>(list_.all().back());
    first.notes.push_back({placeOf(diagnostic.getLocation(), files_), diagnostic.str()});
    return;
  }
  sawError_ |= isError;
  tessera::Diagnostic &added = addDiagnostic(list_,
                                             isError    ? id_
                                             : isRemark ? DiagId::NotDone
                                                        : DiagId::Deprecated,
                                             diagnostic.getLocation(), diagnostic.str(), files_);
  for (mlir::Diagnostic &note : diagnostic.getNotes())
    if (std::string text = note.str(); !StringRef(text).starts_with("see current operation")) // MLIR's own, about IR
      added.notes.push_back({placeOf(note.getLocation(), files_), text});
}

} // namespace tessera::tile
