// Libraries.h - bitcode that extern_elementwise calls into: libdevice and what the kernel's options name
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "llvm/IR/Module.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace tessera::nvidia {

// What a compile may link. Files are bitcode or LLVM's text, of any NVPTX triple.
struct LibraryPaths {
  std::vector<std::pair<std::string, std::string>> named; // (name, file), as the option extern_libs has them
  std::string device;                                     // libdevice; empty: there is none on this machine
  bool flushDenormals = true;                             // what its functions are told of denormals (__nvvm_reflect)
};

// The libraries of one compile, opened when a function of theirs is first asked for. One LLVM context; no locking.
class Libraries {
public:
  Libraries(llvm::LLVMContext &context, LibraryPaths paths) : context_(context), paths_(std::move(paths)) {}

  // The type of `symbol` in the file `path`, in the library named `library`, or else in libdevice for symbols that begin with __nv_ and
  // in any library that has it. Null: none, and `why` says where was looked.
  llvm::FunctionType *find(const std::string &symbol, const std::string &library, const std::string &path,
                           std::string &why);
  // The bodies of all that was found, and what they need, as internal functions of `into`. False, with a reason: they do not go together.
  bool link(llvm::Module &into, std::string &why);
  bool isUsed() const { return !found_.empty(); }
  bool flushesDenormals() const { return paths_.flushDenormals; }

private:
  llvm::Module *open(const std::string &file, std::string &why);
  llvm::FunctionType *findIn(const std::string &file, const std::string &symbol, std::string &why);

  llvm::LLVMContext &context_;
  LibraryPaths paths_;
  std::map<std::string, std::unique_ptr<llvm::Module>> open_; // by file
  std::map<std::string, std::string> found_;                  // symbol -> file
};

} // namespace tessera::nvidia
