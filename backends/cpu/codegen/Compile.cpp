// Compile.cpp - emission, the short pipeline, machine code, linking
//
// SPDX-License-Identifier: Apache-2.0
//
// The IR is generated in the shape it is wanted in: promoted scalars, hoisted invariants, unrolled bodies. The passes only
// remove what is left twice and move what a region loop still recomputes; vectorisers and unrollers would undo decisions.
#include "backends/cpu/codegen/Compile.h"

#include "backends/cpu/codegen/Emitter.h"
#include "backends/cpu/codegen/Linker.h"
#include "backends/cpu/codegen/MaskedAccesses.h"
#include "backends/cpu/image/Processor.h"

#include "llvm/Analysis/LoopInfo.h"
#include "llvm/Analysis/TargetLibraryInfo.h"
#include "llvm/Analysis/TargetTransformInfo.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Verifier.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/SmallVectorMemoryBuffer.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Transforms/Scalar.h"
#include "llvm/Transforms/Utils/Cloning.h"

#include <chrono>
#include <map>
#include <mutex>
#include <utility>

using namespace llvm;

namespace tessera::cpu {

const std::vector<std::string> &targetNames() {
  static const std::vector<std::string> names{"x86-64-v2", "x86-64-v3", "x86-64-v4", "native"};
  return names;
}

bool resolveTarget(const std::string &name, std::string &full, std::string &why) {
  if (name == "native") {
    int level = processorLevel();
    if (level < 2) {
      why = "this processor is older than x86-64-v2";
      return false;
    }
    full = "x86-64-v" + std::to_string(std::min(level, 4));
    std::string features;
    for (const std::string &f : processorFeatures())
      if (f == "avx512bf16" || f == "avx512vnni" || f == "avxvnni")
        features += ":" + f + "+";
    if (!features.empty())
      full += features;
    return true;
  }
  std::string level = name.substr(0, name.find(':'));
  for (const std::string &n : targetNames())
    if (n == level) {
      full = name;
      return true;
    }
  why = "`" + name + "` is not a CPU target: x86-64-v2, x86-64-v3, x86-64-v4 or native";
  return false;
}

namespace {

struct Stopwatch {
  std::chrono::steady_clock::time_point last = std::chrono::steady_clock::now();
  // Nanoseconds since the last lap.
  uint64_t lap() {
    auto before = std::exchange(last, std::chrono::steady_clock::now());
    return static_cast<uint64_t>(std::chrono::nanoseconds(last - before).count());
  }
};

void initialiseTarget() {
  static std::once_flag once;
  std::call_once(once, [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
  });
}

std::unique_ptr<TargetMachine> makeMachine(const std::string &full, int optLevel, TargetFacts &facts,
                                           std::string &why) {
  initialiseTarget();
  Triple triple("x86_64-unknown-linux-gnu");
  const Target *t = TargetRegistry::lookupTarget(triple, why);
  if (!t)
    return nullptr;
  size_t colon = full.find(':');
  std::string cpu = full.substr(0, colon), features;
  if (colon != std::string::npos) {
    std::string f = full.substr(colon + 1), word;
    for (char c : f)
      if (c == '+') {
        features += (features.empty() ? "+" : ",+") + word;
        facts.bf16Dot |= cpu == "x86-64-v4" && word == "avx512bf16";
        facts.vnni |= word == (cpu == "x86-64-v4" ? "avx512vnni" : "avxvnni");
        word.clear();
      } else if (c != ':') {
        word += c;
      }
  }
  bool v2 = cpu == "x86-64-v2", v4 = cpu == "x86-64-v4";
  facts.vectorBits = v2 ? 128 : v4 ? 512 : 256;
  facts.fma = facts.halfConversions = !v2;
  facts.masks = v4;
  if (v4)
    features += (features.empty() ? "" : ",") + std::string("-prefer-256-bit");
  TargetOptions options;
  options.ExceptionModel = ExceptionHandling::None;
  auto level = optLevel <= 0   ? CodeGenOptLevel::None
               : optLevel == 1 ? CodeGenOptLevel::Less
               : optLevel == 2 ? CodeGenOptLevel::Default
                               : CodeGenOptLevel::Aggressive;
  return std::unique_ptr<TargetMachine>(
      t->createTargetMachine(triple, cpu, features, options, Reloc::PIC_, CodeModel::Small, level));
}

// The machines of compiles that are over, for later ones: half of the memory that a short compile touches is a machine's tables.
// A machine serves one compile at a time.
class MachineLease {
public:
  MachineLease(const std::string &full, int optLevel, TargetFacts &facts, std::string &why)
      : key_(full + " " + std::to_string(optLevel)) {
    {
      std::lock_guard lock(idle().mutex);
      if (auto found = idle().machines.find(key_); found != idle().machines.end()) {
        held_ = std::move(found->second);
        idle().machines.erase(found);
      }
    }
    if (!held_.machine)
      held_.machine = makeMachine(full, optLevel, held_.facts, why);
    facts = held_.facts;
  }
  ~MachineLease() {
    std::lock_guard lock(idle().mutex);
    if (held_.machine && idle().machines.size() < kMostIdle)
      idle().machines.emplace(key_, std::move(held_));
  }
  MachineLease(const MachineLease &) = delete;
  MachineLease &operator=(const MachineLease &) = delete;
  explicit operator bool() const { return held_.machine != nullptr; }
  TargetMachine &operator*() const { return *held_.machine; }
  TargetMachine *operator->() const { return held_.machine.get(); }

private:
  struct Machine {
    std::unique_ptr<TargetMachine> machine;
    TargetFacts facts;
  };
  struct Idle {
    std::mutex mutex;
    std::multimap<std::string, Machine> machines;
  };
  static constexpr size_t kMostIdle = 8; // of 0.8 MB each
  static Idle &idle() {
    static auto *all = new Idle; // a compile may run while the process exits
    return *all;
  }
  std::string key_;
  Machine held_;
};

// Nothing may become a call.
TargetLibraryInfoWrapperPass *noLibrary(const TargetMachine &tm) {
  TargetLibraryInfoImpl none(tm.getTargetTriple());
  none.disableAllFunctions();
  return new TargetLibraryInfoWrapperPass(none);
}

// By the pass manager that code generation needs anyway: PassBuilder would link all of LLVM's passes, twice the code, and their
// static constructors run and page in where a process compiles its first kernel.
void optimise(llvm::Module &m, TargetMachine &tm) {
  legacy::FunctionPassManager passes(&m);
  passes.add(createTargetTransformInfoWrapperPass(tm.getTargetIRAnalysis()));
  passes.add(noLibrary(tm));
  passes.add(createCFGSimplificationPass());
  passes.add(createEarlyCSEPass(/*UseMemorySSA=*/true));
  passes.add(createLICMPass());
  passes.doInitialization();
  for (llvm::Function &f : m)
    if (!f.isDeclaration())
      passes.run(f);
  passes.doFinalization();
}

// Whether an innermost loop multiplies by what is no constant. Addresses of all others are a base, an index with a scale and
// an offset, as the emitter makes them and the processor takes them.
bool multipliesInLoops(llvm::Module &m) {
  auto isMultiplication = [](const Instruction &i) {
    return i.getOpcode() == Instruction::Mul && !isa<Constant>(i.getOperand(0)) && !isa<Constant>(i.getOperand(1));
  };
  for (llvm::Function &f : m) {
    if (f.isDeclaration())
      continue;
    DominatorTree dominators(f);
    for (const Loop *loop : LoopInfo(dominators).getLoopsInPreorder())
      if (loop->isInnermost() &&
          any_of(loop->blocks(), [&](const BasicBlock *b) { return any_of(*b, isMultiplication); }))
        return true;
  }
  return false;
}

// Code generation without the strength reduction of loops, which takes a seventh of a short kernel's compile.
class WithoutStrengthReduction : public legacy::PassManagerBase {
public:
  explicit WithoutStrengthReduction(legacy::PassManager &manager) : manager_(manager) {}
  void add(Pass *pass) override {
    if (pass->getPassID() != reduction_->getPassID())
      manager_.add(pass);
    else
      delete pass; // managers own what is added
  }

private:
  legacy::PassManager &manager_;
  std::unique_ptr<Pass> reduction_{createLoopStrengthReducePass()}; // its name is in no header
};

// A kernel that is longer than this is not bound by its stores.
constexpr unsigned kStreamedInstructions = 4000;

} // namespace

CompileResult compile(const tbc::Module &module, const CpuTarget &target, const CompileOptions &options) {
  CompileResult r;
  Stopwatch watch;
  if (!resolveTarget(target.name, r.target, r.error))
    return r;
  TargetFacts facts;
  MachineLease tm(r.target, options.optLevel, facts, r.error);
  if (!tm)
    return r;
  LLVMContext context;
  llvm::Module m("kernel", context);
  m.setDataLayout(tm->createDataLayout());
  m.setTargetTriple(tm->getTargetTriple());
  ImageParts parts;
  parts.target = r.target;
  std::vector<std::string> entries;
  for (size_t i = 0; i < module.functions.size(); ++i) {
    const tbc::Function &f = module.functions[i];
    if (!options.entry.empty() && f.name != options.entry)
      continue;
    KernelFacts k;
    std::string name = "k" + std::to_string(i);
    Emitter e(m, module, f, facts, options.fpFusion.value_or(module.option("fp_fusion", 1) != 0), !options.noStream);
    llvm::Function *emitted = e.emit(name, k);
    if (!e.error().empty()) {
      r.error = e.error();
      r.unsupported = true;
      r.loc = e.errorLoc();
      return r;
    }
    ImageParts::Kernel kernel;
    kernel.name = f.name;
    entries.push_back(name);
    kernel.streams = k.canStream && emitted->getInstructionCount() <= kStreamedInstructions;
    kernel.scratchBytes = k.scratchBytes;
    kernel.bytesWritten = k.bytesWritten;
    parts.kernels.push_back(kernel);
    r.kernels.push_back({f.name, k.scratchBytes});
  }
  for (llvm::Function &f : m)
    if (!f.isDeclaration()) {
      f.addFnAttr("target-cpu", tm->getTargetCPU());
      f.addFnAttr("target-features", tm->getTargetFeatureString());
      f.addFnAttr("no-builtins");
      if (facts.masks)
        f.addFnAttr("prefer-vector-width", "512");
      f.addFnAttr(Attribute::NoUnwind);
    }
#ifndef NDEBUG
  {
    std::string text;
    raw_string_ostream os(text);
    if (verifyModule(m, &os)) {
      r.error = "invalid LLVM IR was generated: " + text.substr(0, 500);
      if (options.emitLlvm) {
        raw_string_ostream dump(r.llvm);
        m.print(dump, nullptr);
      }
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
  if (options.emitLlvm) {
    raw_string_ostream os(r.llvm);
    m.print(os, nullptr);
  }
  optimise(m, *tm);
  rewriteMaskedAccesses(m, facts.vectorBits == 256 && !facts.masks);
  if (cancelled())
    return r;
  r.llvmTime = watch.lap();
  if (options.emitLlvm) {
    raw_string_ostream os(r.llvmOptimised);
    m.print(os, nullptr);
  }
  bool multiplies = multipliesInLoops(m);
  auto generate = [&](SmallVectorImpl<char> &out, CodeGenFileType type, llvm::Module &mod) {
    raw_svector_ostream os(out);
    legacy::PassManager pm;
    pm.add(noLibrary(*tm));
    WithoutStrengthReduction shorter(pm);
    legacy::PassManagerBase &taken = multiplies ? static_cast<legacy::PassManagerBase &>(pm) : shorter;
    if (tm->addPassesToEmitFile(taken, os, nullptr, type, true)) {
      r.error = "this LLVM cannot emit x86-64 code";
      return false;
    }
    pm.run(mod);
    return true;
  };
  if (options.emitAssembly) {
    SmallVector<char, 0> text;
    std::unique_ptr<llvm::Module> copy = CloneModule(m);
    if (!generate(text, CodeGenFileType::AssemblyFile, *copy))
      return r;
    r.assembly.assign(text.begin(), text.end());
  }
  SmallVector<char, 0> object;
  if (!generate(object, CodeGenFileType::ObjectFile, m))
    return r;
  std::map<std::string, uint64_t> symbols;
  if (!linkObject(std::string_view(object.data(), object.size()), parts, symbols, r.error))
    return r;
  for (size_t i = 0; i < parts.kernels.size(); ++i)
    parts.kernels[i].entry = symbols[entries[i]];
  if (options.emitObject)
    r.object.assign(object.begin(), object.end());
  r.image = writeImage(parts);
  r.objectTime = watch.lap();
  r.ok = true;
  return r;
}

} // namespace tessera::cpu
