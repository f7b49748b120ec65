// SourceLines.h - line tables of the kernel's source for the device's debuggers and profilers
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytecode/Module.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/IR/DIBuilder.h"
#include "llvm/IR/DebugInfoMetadata.h"

namespace tessera::codegen::simt {

// One compile unit of line tables for one kernel. finish() before the module is used.
class SourceLines {
public:
  SourceLines(llvm::Module &out, const tbc::Module &m, const tbc::Function &f, llvm::Function &function);
  // The place of an op; a call of a helper is shown as inlined at its caller. Null for an unknown place outside of a known one.
  llvm::DILocation *at(tbc::LocId loc);
  void finish() { builder_.finalize(); }

private:
  llvm::DIFile *file(uint32_t id);
  llvm::DISubprogram *subprogram(llvm::DIFile *file, llvm::StringRef name, unsigned line, bool isKernel);

  const tbc::Module &m_;
  llvm::LLVMContext &context_;
  llvm::DIBuilder builder_;
  llvm::DISubprogram *kernel_ = nullptr;
  std::vector<llvm::DIFile *> files_;
  llvm::DenseMap<tbc::LocId, llvm::DILocation *> places_;
  llvm::DenseMap<llvm::DIFile *, llvm::DISubprogram *> helpers_;
};

} // namespace tessera::codegen::simt
