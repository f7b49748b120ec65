// Compile.cpp - emission, checks of accesses, a short pipeline, machine code, linking
//
// SPDX-License-Identifier: Apache-2.0
#include "tests/simt/Compile.h"

#include "backends/cpu/codegen/Linker.h"
#include "core/codegen/simt/Emitter.h"
#include "tests/simt/HostLaneTarget.h"

#include "llvm/Analysis/TargetLibraryInfo.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Verifier.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Transforms/Scalar/EarlyCSE.h"
#include "llvm/Transforms/Scalar/SimplifyCFG.h"

#include <mutex>

using namespace llvm;

namespace tessera::simt {

namespace {

std::unique_ptr<TargetMachine> makeMachine(std::string &why) {
  static std::once_flag once;
  std::call_once(once, [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
  });
  Triple triple("x86_64-unknown-linux-gnu");
  const Target *t = TargetRegistry::lookupTarget(triple, why);
  if (!t)
    return nullptr;
  TargetOptions options;
  options.ExceptionModel = ExceptionHandling::None;
  // v3: conversions of f16 and fused multiply-adds without library calls.
  return std::unique_ptr<TargetMachine>(
      t->createTargetMachine(triple, "x86-64-v3", "", options, Reloc::PIC_, CodeModel::Small, CodeGenOptLevel::Less));
}

// Enough to see that the emitter's code survives an optimiser; a kernel runs for milliseconds.
void optimise(llvm::Module &m, TargetMachine &tm) {
  LoopAnalysisManager lam;
  FunctionAnalysisManager fam;
  CGSCCAnalysisManager cgam;
  ModuleAnalysisManager mam;
  PassBuilder pb(&tm);
  TargetLibraryInfoImpl tlii(tm.getTargetTriple());
  tlii.disableAllFunctions(); // nothing may become a call
  fam.registerPass([&] { return TargetLibraryAnalysis(tlii); });
  pb.registerModuleAnalyses(mam);
  pb.registerCGSCCAnalyses(cgam);
  pb.registerFunctionAnalyses(fam);
  pb.registerLoopAnalyses(lam);
  pb.crossRegisterProxies(lam, fam, cgam, mam);
  FunctionPassManager fpm;
  fpm.addPass(SimplifyCFGPass());
  fpm.addPass(EarlyCSEPass(true));
  for (llvm::Function &f : m)
    if (!f.isDeclaration())
      fpm.run(f, fam);
}

bool generate(llvm::Module &m, TargetMachine &tm, SmallVectorImpl<char> &object) {
  raw_svector_ostream os(object);
  legacy::PassManager pm;
  TargetLibraryInfoImpl tlii(tm.getTargetTriple());
  tlii.disableAllFunctions();
  pm.add(new TargetLibraryInfoWrapperPass(tlii));
  if (tm.addPassesToEmitFile(pm, os, nullptr, CodeGenFileType::ObjectFile, true))
    return false;
  pm.run(m);
  return true;
}

// The kernel's function and its entry; false with the error in `r`.
bool emit(llvm::Module &out, const tbc::Module &m, const tbc::Function &f, const CompileOptions &options,
          const std::string &entry, CompileResult &r) {
  HostLaneTarget lanes({options.lanes, options.contract, options.warpReductions});
  codegen::simt::EmitResult emitted = codegen::simt::emitKernel(out, m, f, lanes, entry + ".lane");
  if (emitted.error) {
    r.error = emitted.error->what;
    r.unsupported = true;
    r.loc = emitted.error->loc;
    if (const tbc::OpInfo *info = tbc::opInfo(emitted.error->op))
      r.op = info->name;
    return false;
  }
  std::string text;
  raw_string_ostream os(text);
  if (verifyFunction(*emitted.function, &os)) {
    r.error = "the emitter made invalid LLVM IR: " + text.substr(0, 1000);
    return false;
  }
  insertAccessChecks(*emitted.function);
  createEntry(*emitted.function, m, f, entry);
  return true;
}

} // namespace

CompileResult compile(const tbc::Module &m, const CompileOptions &options) {
  CompileResult r;
  std::unique_ptr<TargetMachine> tm = makeMachine(r.error);
  if (!tm)
    return r;
  LLVMContext context;
  llvm::Module out("kernel", context);
  out.setDataLayout(tm->createDataLayout());
  out.setTargetTriple(tm->getTargetTriple());
  cpu::ImageParts parts;
  parts.target = "x86-64-v3";
  std::vector<std::string> entries;
  for (const tbc::Function &f : m.functions) {
    if (!options.entry.empty() && f.name != options.entry)
      continue;
    entries.push_back("k" + std::to_string(entries.size()));
    if (!emit(out, m, f, options, entries.back(), r))
      return r;
    r.kernels.push_back(f.name);
  }
  for (llvm::Function &f : out)
    if (!f.isDeclaration()) {
      f.addFnAttr("target-cpu", tm->getTargetCPU());
      f.addFnAttr("no-builtins");
      f.addFnAttr(Attribute::NoUnwind);
    }
  std::string text;
  raw_string_ostream os(text);
  if (verifyModule(out, &os)) {
    r.error = "invalid LLVM IR: " + text.substr(0, 1000);
    return r;
  }
  if (options.emitLlvm) {
    raw_string_ostream dump(r.llvm);
    out.print(dump, nullptr);
  }
  optimise(out, *tm);
  SmallVector<char, 0> object;
  if (!generate(out, *tm, object)) {
    r.error = "this LLVM cannot emit x86-64 code";
    return r;
  }
  std::map<std::string, uint64_t> symbols;
  if (!cpu::linkObject(std::string_view(object.data(), object.size()), parts, symbols, r.error))
    return r;
  for (size_t i = 0; i < entries.size(); ++i) {
    cpu::ImageParts::Kernel k;
    k.name = r.kernels[i];
    k.entry = symbols.at(entries[i]);
    parts.kernels.push_back(k);
  }
  r.image = cpu::writeImage(parts);
  return r;
}

} // namespace tessera::simt
