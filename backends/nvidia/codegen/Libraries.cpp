// Libraries.cpp - finds functions in bitcode files and links what a kernel calls
//
// SPDX-License-Identifier: Apache-2.0
#include "backends/nvidia/codegen/Libraries.h"

#include "llvm/IRReader/IRReader.h"
#include "llvm/Linker/Linker.h"
#include "llvm/Support/SourceMgr.h"

#include <set>

using namespace llvm;

namespace tessera::nvidia {

llvm::Module *Libraries::open(const std::string &file, std::string &why) {
  auto known = open_.find(file);
  if (known != open_.end())
    return known->second.get();
  SMDiagnostic problem;
  std::unique_ptr<llvm::Module> m = getLazyIRFileModule(file, problem, context_);
  if (!m) {
    why = "the library " + file + " cannot be read: " + problem.getMessage().str();
    return nullptr;
  }
  return (open_[file] = std::move(m)).get();
}

FunctionType *Libraries::findIn(const std::string &file, const std::string &symbol, std::string &why) {
  llvm::Module *m = open(file, why);
  if (!m)
    return nullptr;
  llvm::Function *f = m->getFunction(symbol);
  if (!f || f->isDeclaration()) {
    why = "the library " + file + " has no function `" + symbol + "`";
    return nullptr;
  }
  found_[symbol] = file;
  return f->getFunctionType();
}

FunctionType *Libraries::find(const std::string &symbol, const std::string &library, const std::string &path,
                              std::string &why) {
  auto known = found_.find(symbol);
  if (known != found_.end())
    return open_[known->second]->getFunction(symbol)->getFunctionType();
  if (!path.empty())
    return findIn(path, symbol, why);
  for (const auto &[name, file] : paths_.named)
    if (!library.empty() && name == library)
      return findIn(file, symbol, why);
  if (library == "libdevice" || StringRef(symbol).starts_with("__nv_")) {
    if (!paths_.device.empty())
      return findIn(paths_.device, symbol, why);
    why = "`" + symbol +
          "` is a function of libdevice, and this machine has no libdevice.10.bc: install the CUDA toolkit "
          "or the package nvidia-cuda-nvcc";
    return nullptr;
  }
  std::string looked;
  for (const auto &[name, file] : paths_.named) {
    if (FunctionType *t = findIn(file, symbol, why))
      return t;
    looked += (looked.empty() ? "" : ", ") + name;
  }
  why = "no library has the function `" + symbol + "`" + (library.empty() ? "" : " of `" + library + "`") +
        ": name its file, as lib_path or in the launch option extern_libs" +
        (looked.empty() ? "" : " (which has " + looked + ")");
  return nullptr;
}

bool Libraries::link(llvm::Module &into, std::string &why) {
  std::set<std::string> own;
  for (llvm::Function &f : into)
    if (!f.isDeclaration())
      own.insert(f.getName().str());
  std::set<std::string> files;
  for (const auto &[symbol, file] : found_)
    files.insert(file);
  for (const std::string &file : files) {
    std::unique_ptr<llvm::Module> m = std::move(open_[file]);
    open_.erase(file);
    m->setTargetTriple(into.getTargetTriple());
    m->setDataLayout(into.getDataLayout());
    if (Linker::linkModules(into, std::move(m), Linker::LinkOnlyNeeded)) {
      why = "the library " + file + " cannot be linked to this kernel";
      return false;
    }
  }
  found_.clear();
  for (llvm::Function &f : into) {
    if (f.isDeclaration() || own.count(f.getName().str()))
      continue;
    f.setLinkage(GlobalValue::InternalLinkage);
    if (!f.hasFnAttribute(Attribute::NoInline) && !f.hasFnAttribute(Attribute::OptimizeNone))
      f.addFnAttr(Attribute::AlwaysInline);
    // Of the processor that it was made for once.
    f.removeFnAttr("target-cpu");
    f.removeFnAttr("target-features");
  }
  return true;
}

} // namespace tessera::nvidia
