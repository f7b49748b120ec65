// SourceLines.cpp - line tables from the bytecode's locations
//
// SPDX-License-Identifier: Apache-2.0
#include "core/codegen/simt/SourceLines.h"

#include "llvm/BinaryFormat/Dwarf.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/Path.h"

using namespace llvm;

namespace tessera::codegen::simt {

SourceLines::SourceLines(llvm::Module &out, const tbc::Module &m, const tbc::Function &f, llvm::Function &function)
    : m_(m), context_(out.getContext()), builder_(out), files_(m.files.size()) {
  const tbc::Loc *loc = f.loc < m.locs.size() ? &m.locs[f.loc] : nullptr;
  DIFile *own = file(loc ? loc->file : tbc::kNone);
  builder_.createCompileUnit(dwarf::DW_LANG_Python, own, "tessera", /*isOptimized=*/true, "", 0, "",
                             DICompileUnit::DebugDirectivesOnly);
  kernel_ = subprogram(own, f.name, loc ? loc->line : 0, true);
  function.setSubprogram(kernel_);
  if (!out.getModuleFlag("Debug Info Version"))
    out.addModuleFlag(llvm::Module::Warning, "Debug Info Version", DEBUG_METADATA_VERSION);
}

DIFile *SourceLines::file(uint32_t id) {
  StringRef path = id < m_.files.size() ? StringRef(m_.files[id]) : StringRef("unknown");
  if (id < files_.size() && files_[id])
    return files_[id];
  DIFile *made = builder_.createFile(sys::path::filename(path), sys::path::parent_path(path));
  if (id < files_.size())
    files_[id] = made;
  return made;
}

DISubprogram *SourceLines::subprogram(DIFile *file, StringRef name, unsigned line, bool isKernel) {
  DISubroutineType *type = builder_.createSubroutineType(builder_.getOrCreateTypeArray({}));
  return builder_.createFunction(file, name, isKernel ? name : StringRef(), file, line, type, line, DINode::FlagZero,
                                 DISubprogram::SPFlagDefinition | DISubprogram::SPFlagOptimized);
}

DILocation *SourceLines::at(tbc::LocId id) {
  if (id >= m_.locs.size())
    return DILocation::get(context_, 0, 0, kernel_);
  auto known = places_.find(id);
  if (known != places_.end())
    return known->second;
  const tbc::Loc &loc = m_.locs[id];
  DIScope *scope = kernel_;
  DILocation *caller = nullptr;
  if (loc.caller != tbc::kNone && loc.caller != id) {
    caller = at(loc.caller);
    DIFile *own = file(loc.file);
    DISubprogram *&helper = helpers_[own];
    if (!helper)
      helper = subprogram(own, sys::path::stem(own->getFilename()), 0, false);
    scope = helper;
  } else if (loc.file < m_.files.size() && file(loc.file) != kernel_->getFile()) {
    scope = builder_.createLexicalBlockFile(kernel_, file(loc.file));
  }
  return places_[id] = DILocation::get(context_, loc.line, loc.column, scope, caller);
}

} // namespace tessera::codegen::simt
