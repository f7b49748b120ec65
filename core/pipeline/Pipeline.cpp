// Pipeline.cpp - see Pipeline.h
//
// SPDX-License-Identifier: Apache-2.0
#include "core/pipeline/Pipeline.h"
#include "core/transforms/layout/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"
#include <chrono>
#include <cstdio>

using namespace mlir;

namespace tessera {
namespace {

using Clock = std::chrono::steady_clock;

bool isListed(StringRef list, StringRef name) {
  return llvm::any_of(stageNames(list), [&](StringRef n) { return n == name || n == "all"; });
}

std::string textOf(ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream out(text);
  module->print(out, OpPrintingFlags().enableDebugInfo(false).useLocalScope());
  return text + "\n";
}

// A partial file does not stay.
std::error_code writeFile(const std::string &path, StringRef text) {
  std::error_code error;
  llvm::raw_fd_ostream out(path, error);
  if (error)
    return error;
  out << text;
  out.close();
  error = out.error();
  out.clear_error(); // else its destructor ends the process
  if (error)
    std::remove(path.c_str());
  return error;
}

void printTimes(ArrayRef<std::pair<StringRef, double>> times) {
  double total = 0;
  for (const auto &[name, ms] : times) {
    llvm::errs() << llvm::format("%9.3f ms  ", ms) << name << "\n";
    total += ms;
  }
  llvm::errs() << llvm::format("%9.3f ms  ", total) << "total\n";
}

// Runs steps one after the other and does around each what the options ask for.
class StepRunner {
public:
  StepRunner(ModuleOp module, const PipelineOptions &options, DiagnosticList &diagnostics)
      : module_(module), options_(options), diagnostics_(diagnostics) {}
  ~StepRunner() {
    if (options_.timePasses)
      printTimes(times_);
  }

  // id: of an error that the step reports.
  bool run(StringRef name, DiagId id, function_ref<LogicalResult()> step) {
    if (options_.onStage)
      options_.onStage({name.data(), name.size()});
    std::string before = options_.dumpDir.empty() ? std::string() : textOf(module_);
    Clock::time_point start = Clock::now();
    bool ok, reported;
    {
      tile::DiagnosticCapture capture(module_.getContext(), diagnostics_, options_.files, id);
      ok = succeeded(step());
      reported = capture.sawError();
    }
    times_.emplace_back(name, std::chrono::duration<double, std::milli>(Clock::now() - start).count());
    bool dumped = !isListed(options_.dumpIr, name) ||
                  writeDump(options_, options_.firstStage + times_.size() - 1, {name.data(), name.size()}, ".mlir",
                            textOf(module_), diagnostics_);
    if (!ok)
      reportFailure(name, before, reported);
    return ok && dumped;
  }

private:
  // A failure is one diagnostic; one that the step did not report is a bug of the step.
  void reportFailure(StringRef name, const std::string &before, bool reported) {
    std::string what = "stage '" + name.str() + "' failed";
    std::string path = options_.dumpDir + "/" + name.str() + ".reproducer.mlir";
    if (!before.empty() && !writeFile(path, "// the IR before stage " + name.str() + "\n" + before))
      what += "; reproducer: " + path;
    if (!reported)
      diagnostics_.add(DiagId::StageFailed, {}, what);
    else
      const_cast<tessera::Diagnostic &>(diagnostics_.all().back()).notes.push_back({{}, what});
  }

  ModuleOp module_;
  const PipelineOptions &options_;
  DiagnosticList &diagnostics_;
  SmallVector<std::pair<StringRef, double>> times_;
};

} // namespace

std::vector<std::string> stageNames(std::string_view list) {
  SmallVector<StringRef> parts;
  StringRef(list).split(parts, ',', -1, false);
  std::vector<std::string> names;
  for (StringRef part : parts)
    if (!part.trim().empty())
      names.push_back(part.trim().str());
  return names;
}

bool writeDump(const PipelineOptions &options, size_t number, std::string_view stage, std::string_view suffix,
               std::string_view text, DiagnosticList &diagnostics) {
  if (options.dumpDir.empty()) {
    llvm::errs() << "// after " << stage << "\n" << text;
    return true;
  }
  std::string name = (number < 10 ? "0" : "") + std::to_string(number) + "-" + std::string(stage);
  for (char &c : name)
    if (!llvm::isAlnum(c) && c != '.' && c != '_')
      c = '-';
  std::string path = options.dumpDir + "/" + name + std::string(suffix);
  std::error_code error = writeFile(path, text);
  if (error)
    diagnostics.add(DiagId::CannotWrite, {}, "'" + path + "' cannot be written: " + error.message());
  return !error;
}

bool runStages(ModuleOp module, std::span<const Stage> stages, const PipelineOptions &options,
               DiagnosticList &diagnostics) {
  StepRunner runner(module, options, diagnostics);
  for (const Stage &stage : stages) {
    PassManager passes(module->getName());
    passes.enableVerifier(options.verify);
    if (stage.onFunctions)
      passes.addNestedPass<func::FuncOp>(stage.make());
    else
      passes.addPass(stage.make());
    if (!runner.run(stage.name, DiagId::InvalidIr, [&] { return passes.run(module); }))
      return false;
  }
  return true;
}

int64_t tensorCopyBytesOf(const target::Target &target) {
  if (!target.info().stated(target::Capability::TensorCopy))
    return 0;
  return static_cast<int64_t>(target.info().sharedBytes() / 3);
}

GroupPair groupPairOf(const target::Target &target, int64_t warps) {
  const target::TargetInfo &info = target.info();
  auto group = static_cast<int64_t>(info.stated(target::Capability::WarpsPerMatrixGroup));
  if (group < 2 || warps != 2 * group || !info.stated(target::Capability::RegReallocStep))
    return {};
  return {warps, static_cast<int64_t>(info.sharedBytes())};
}

bool runLayoutPipeline(ModuleOp module, const target::Target &target, const PipelineOptions &options,
                       DiagnosticList &diagnostics) {
  StepRunner runner(module, options, diagnostics);
  for (const tile::LayoutStep &step : tile::layoutSteps()) {
    // What does not fit the target is the kernel's doing; every other failure is ours.
    DiagId id = step.run == tile::allocateSharedMemory ? DiagId::OutOfResources
                : step.run == tile::assignLayouts      ? DiagId::TargetCannot
                                                       : DiagId::StageFailed;
    if (!runner.run(step.name, id, [&] {
          LogicalResult result = step.run(module, target).status;
          return succeeded(result) && options.verify ? verify(module) : result;
        }))
      return false;
  }
  return true;
}

} // namespace tessera
