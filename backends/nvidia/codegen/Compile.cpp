// Compile.cpp - emission, a short pipeline, PTX
//
// SPDX-License-Identifier: Apache-2.0
//
// The emitter writes nearly what is wanted. The passes fold index arithmetic, move it out of loops and bring pointers back to their address space; no
// unroller, no vectoriser: the assembler schedules, and every instruction that it does not see is compile time saved.
#include "backends/nvidia/codegen/Compile.h"

#include "backends/nvidia/codegen/ConstantOffsets.h"
#include "backends/nvidia/codegen/EarlyStores.h"
#include "backends/nvidia/codegen/FirstProducts.h"
#include "backends/nvidia/codegen/GridStride.h"
#include "backends/nvidia/codegen/IndexEqualities.h"
#include "backends/nvidia/codegen/LiveRegisters.h"
#include "backends/nvidia/codegen/LoopAddresses.h"
#include "backends/nvidia/codegen/LoopOffsets.h"
#include "backends/nvidia/codegen/NanComparisons.h"
#include "backends/nvidia/codegen/OffsetSums.h"
#include "backends/nvidia/codegen/Remainders.h"
#include "backends/nvidia/codegen/TensorMaps.h"
#include "backends/nvidia/codegen/WideShifts.h"
#include "core/codegen/simt/Emitter.h"

#include "llvm/Analysis/CGSCCPassManager.h"
#include "llvm/Analysis/LoopAnalysisManager.h"
#include "llvm/Analysis/TargetLibraryInfo.h"
#include "llvm/IR/DiagnosticInfo.h"
#include "llvm/IR/DiagnosticPrinter.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Verifier.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Transforms/IPO/AlwaysInliner.h"
#include "llvm/Transforms/IPO/GlobalDCE.h"
#include "llvm/Transforms/InstCombine/InstCombine.h"
#include "llvm/Transforms/Scalar/DCE.h"
#include "llvm/Transforms/Scalar/EarlyCSE.h"
#include "llvm/Transforms/Scalar/InferAddressSpaces.h"
#include "llvm/Transforms/Scalar/LICM.h"
#include "llvm/Transforms/Scalar/LoopPassManager.h"
#include "llvm/Transforms/Scalar/SROA.h"
#include "llvm/Transforms/Scalar/SimplifyCFG.h"

#include <algorithm>
#include <chrono>
#include <mutex>
#include <optional>
#include <utility>

using namespace llvm;

namespace tessera::nvidia {

namespace {

struct Stopwatch {
  std::chrono::steady_clock::time_point last = std::chrono::steady_clock::now();
  // Nanoseconds since the last lap.
  uint64_t lap() {
    auto before = std::exchange(last, std::chrono::steady_clock::now());
    return static_cast<uint64_t>(std::chrono::nanoseconds(last - before).count());
  }
};

// LLVM's loop strength reduction turns a pair of registers per address into chains of moves, and knows nothing of the matrix unit's dispatch port; this
// library's LLVM is its own, so that the option concerns nobody else.
void switchOffStrengthReduction() {
  auto &known = cl::getRegisteredOptions();
  if (auto it = known.find("disable-lsr"); it != known.end())
    static_cast<cl::opt<bool> *>(it->second)->setValue(true);
}

void initialiseTarget() {
  static std::once_flag once;
  std::call_once(once, [] {
    switchOffStrengthReduction();
    LLVMInitializeNVPTXTargetInfo();
    LLVMInitializeNVPTXTarget();
    LLVMInitializeNVPTXTargetMC();
    LLVMInitializeNVPTXAsmPrinter();
  });
}

std::unique_ptr<TargetMachine> makeMachine(const CompileOptions &options, std::string &why) {
  initialiseTarget();
  Triple triple("nvptx64-nvidia-cuda");
  const Target *t = TargetRegistry::lookupTarget(triple, why);
  if (!t)
    return nullptr;
  TargetOptions to;
  to.ExceptionModel = ExceptionHandling::None;
  auto level = options.optLevel <= 0   ? CodeGenOptLevel::None
               : options.optLevel == 1 ? CodeGenOptLevel::Less
               : options.optLevel == 2 ? CodeGenOptLevel::Default
                                       : CodeGenOptLevel::Aggressive;
  return std::unique_ptr<TargetMachine>(t->createTargetMachine(
      triple, options.cpu, "+ptx" + std::to_string(options.arch.ptxVersion), to, Reloc::PIC_, std::nullopt, level));
}

// What LLVM would print and end the process for: unknown registers of inline assembly and the like.
struct Complaints final : DiagnosticHandler {
  std::string &text;
  explicit Complaints(std::string &to) : text(to) {}
  bool handleDiagnostics(const DiagnosticInfo &info) override {
    if (info.getSeverity() != DS_Error)
      return true;
    raw_string_ostream os(text);
    if (!text.empty())
      os << "; ";
    DiagnosticPrinterRawOStream printer(os);
    info.print(printer);
    return true;
  }
};

// flushDenormals: what linked libraries are told; nullopt: none were linked.
void optimise(llvm::Module &m, TargetMachine &tm, std::optional<bool> flushDenormals) {
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
  bool inlinesMessages = inlineFewMessages(m);
  if (flushDenormals || inlinesMessages) {
    ModulePassManager mpm;
    if (flushDenormals) {
      m.setModuleFlag(llvm::Module::Override, "nvvm-reflect-ftz", *flushDenormals ? 1 : 0);
      cantFail(pb.parsePassPipeline(mpm, "nvvm-reflect"));
    }
    mpm.addPass(AlwaysInlinerPass());
    mpm.addPass(GlobalDCEPass());
    mpm.run(m, mam);
    fpm.addPass(SROAPass(SROAOptions::ModifyCFG));
  }
  fpm.addPass(EarlyCSEPass(false));
  fpm.addPass(InferAddressSpacesPass());
  fpm.addPass(InstCombinePass());
  fpm.addPass(createFunctionToLoopPassAdaptor(LICMPass(LICMOptions()), true));
  fpm.addPass(LoopAddressesPass());
  fpm.addPass(EarlyCSEPass(false));
  fpm.addPass(SimplifyCFGPass());
  fpm.addPass(RemaindersPass());
  fpm.addPass(IndexEqualitiesPass());
  fpm.addPass(ConstantOffsetsPass());
  fpm.addPass(DCEPass());
  fpm.addPass(LoopOffsetsPass());
  fpm.addPass(OffsetSumsPass());
  fpm.addPass(DCEPass());
  fpm.addPass(NanComparisonsPass());
  fpm.addPass(EarlyStoresPass());
  fpm.addPass(WideShiftsPass());
  fpm.addPass(FirstProductsPass());
  for (llvm::Function &f : m)
    if (!f.isDeclaration())
      fpm.run(f, fam);
}

// For the driver role.
void emitWords(llvm::Module &m, const char *name, const std::vector<uint64_t> &words) {
  if (words.empty())
    return;
  auto *data = ConstantDataArray::get(m.getContext(), words);
  auto *global = new GlobalVariable(m, data->getType(), true, GlobalValue::ExternalLinkage, data, name, nullptr,
                                    GlobalValue::NotThreadLocal, 1);
  global->setAlignment(Align(8));
}

// PTX ISA, "griddepcontrol": waits until the grids ahead have completed and their writes are visible. First of all, for every lane: a lane that ends without
// it would let the kernel end, and the next one begin, before the last one has.
void waitForLastKernel(llvm::Function &kernel) {
  IRBuilder<> b(&*kernel.getEntryBlock().getFirstInsertionPt());
  inlinePtx(b, b.getVoidTy(), "griddepcontrol.wait;", "~{memory}", {}, true);
}

} // namespace

CompileResult compile(const tbc::Module &module, const CompileOptions &options) {
  CompileResult r;
  Stopwatch watch;
  std::unique_ptr<TargetMachine> tm = makeMachine(options, r.error);
  if (!tm)
    return r;
  LLVMContext context;
  context.setDiagnosticHandler(std::make_unique<Complaints>(r.error));
  llvm::Module m("kernel", context);
  m.setDataLayout(tm->createDataLayout());
  m.setTargetTriple(tm->getTargetTriple());
  Libraries libraries(context, options.libraries);
  std::vector<uint64_t> mapWords, strideWords;
  for (const tbc::Function &f : module.functions) {
    if (!options.entry.empty() && f.name != options.entry)
      continue;
    const tbc::Op *unknown = nullptr;
    std::vector<MapRecipe> maps = recipesOf(module, f, unknown);
    if (unknown) {
      r.error = "a tensor map whose numbers do not follow from the kernel's parameters";
      r.loc = unknown->loc;
      r.op = "tensor_map";
      r.unsupported = true;
      return r;
    }
    if (!maps.empty()) {
      std::vector<uint64_t> kernel = writeMaps(f.name, maps);
      mapWords.insert(mapWords.end(), kernel.begin(), kernel.end());
    }
    if (std::optional<GridStride> stride = gridStrideOf(module, f)) {
      std::vector<uint64_t> kernel = writeGridStride(f.name, *stride);
      strideWords.insert(strideWords.end(), kernel.begin(), kernel.end());
    }
    NvLaneTarget target(options.arch, options.limits, options.contract, options.flush, libraries);
    codegen::simt::EmitResult emitted = codegen::simt::emitKernel(m, module, f, target, f.name, options.lineInfo);
    if (emitted.error) {
      r.error = emitted.error->what;
      r.loc = emitted.error->loc;
      if (const tbc::OpInfo *info = tbc::opInfo(emitted.error->op))
        r.op = std::string(info->name);
      r.unsupported = true;
      return r;
    }
    if (options.limits.waitsForLast)
      waitForLastKernel(*m.getFunction(f.name));
  }
  std::optional<bool> flushDenormals;
  if (libraries.isUsed()) {
    flushDenormals = libraries.flushesDenormals();
    if (!libraries.link(m, r.error))
      return r;
  }
  emitWords(m, kTensorMapsGlobal, mapWords);
  emitWords(m, kGridStridesGlobal, strideWords);
  auto print = [&](std::string &to) {
    raw_string_ostream os(to);
    m.print(os, nullptr);
  };
  if (options.emitLlvm)
    print(r.llvm);
#ifndef NDEBUG
  {
    std::string text;
    raw_string_ostream os(text);
    if (verifyModule(m, &os)) {
      r.error = "invalid LLVM IR was generated: " + text.substr(0, 500);
      return r;
    }
  }
#endif
  auto cancelled = [&] {
    if (options.cancelled && options.cancelled())
      r.error = "the compile was cancelled";
    return !r.error.empty();
  };
  if (cancelled())
    return r;
  if (options.optLevel > 0 || flushDenormals)
    optimise(m, *tm, flushDenormals);
  for (const llvm::Function &f : m)
    if (!f.isDeclaration())
      r.liveRegisters = std::max(r.liveRegisters, liveRegisters(f));
  r.llvmTime = watch.lap();
  if (options.emitLlvm)
    print(r.llvmOptimised);
  if (cancelled())
    return r;
  SmallVector<char, 0> text;
  raw_svector_ostream os(text);
  legacy::PassManager pm;
  if (tm->addPassesToEmitFile(pm, os, nullptr, CodeGenFileType::AssemblyFile, true)) {
    r.error = "this LLVM cannot emit PTX";
    return r;
  }
  pm.run(m);
  if (!r.error.empty()) // a complaint about what the kernel brought
    return r;
  r.ptxTime = watch.lap();
  r.ptx.assign(text.begin(), text.end());
  r.ok = true;
  return r;
}

} // namespace tessera::nvidia
