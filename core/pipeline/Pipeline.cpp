// Pipeline.cpp - see Pipeline.h
//
// SPDX-License-Identifier: Apache-2.0
#include "core/pipeline/Pipeline.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"
#include <chrono>

using namespace mlir;

namespace tessera {
namespace {

using Clock = std::chrono::steady_clock;

bool isListed(StringRef list, StringRef name) {
  SmallVector<StringRef> names;
  list.split(names, ',', -1, false);
  return llvm::any_of(names, [&](StringRef n) { return n.trim() == name || n.trim() == "all"; });
}

std::string textOf(ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream out(text);
  module->print(out, OpPrintingFlags().enableDebugInfo(false).useLocalScope());
  return text + "\n";
}

// False where the file cannot be written.
bool writeFile(const std::string &path, StringRef text) {
  std::error_code error;
  llvm::raw_fd_ostream out(path, error);
  if (!error)
    out << text;
  return !error;
}

void dump(ModuleOp module, size_t index, StringRef stage, const PipelineOptions &options) {
  std::string number = (index < 10 ? "0" : "") + std::to_string(index);
  if (options.dumpDir.empty())
    llvm::errs() << "// after " << stage << "\n" << textOf(module);
  else
    (void)writeFile(options.dumpDir + "/" + number + "-" + stage.str() + ".mlir", textOf(module));
}

// A failure is one diagnostic. One without a place, or that the pass did not report, is a bug of the stage.
void reportFailure(const Stage &stage, const std::string &before, const PipelineOptions &options, bool reported,
                   DiagnosticList &diagnostics) {
  std::string what = "stage '" + std::string(stage.name) + "' failed";
  std::string path = options.dumpDir + "/" + std::string(stage.name) + ".reproducer.mlir";
  if (!before.empty() && writeFile(path, "// tessera-opt --tile-stages=" + std::string(stage.name) + "\n" + before))
    what += "; reproducer: " + path;
  if (!reported)
    diagnostics.add(DiagId::StageFailed, {}, what);
  else
    const_cast<tessera::Diagnostic &>(diagnostics.all().back()).notes.push_back({{}, what});
}

void printTimes(ArrayRef<std::pair<StringRef, double>> times) {
  double total = 0;
  for (const auto &[name, ms] : times) {
    llvm::errs() << llvm::format("%9.3f ms  ", ms) << name << "\n";
    total += ms;
  }
  llvm::errs() << llvm::format("%9.3f ms  ", total) << "total\n";
}

} // namespace

bool runStages(ModuleOp module, std::span<const Stage> stages, const PipelineOptions &options, DiagnosticList &diagnostics) {
  SmallVector<std::pair<StringRef, double>> times;
  size_t index = 0;
  for (const Stage &stage : stages) {
    Clock::time_point start = Clock::now();
    std::string before = options.dumpDir.empty() ? std::string() : textOf(module);
    PassManager passes(module->getName());
    passes.enableVerifier(options.verify);
    if (stage.onFunctions)
      passes.addNestedPass<func::FuncOp>(stage.make());
    else
      passes.addPass(stage.make());
    bool ok, reported;
    {
      tile::DiagnosticCapture capture(module.getContext(), diagnostics, options.files);
      ok = succeeded(passes.run(module));
      reported = capture.sawError();
    }
    times.emplace_back(stage.name, std::chrono::duration<double, std::milli>(Clock::now() - start).count());
    if (isListed(options.dumpIr, stage.name))
      dump(module, index, stage.name, options);
    ++index;
    if (!ok) {
      reportFailure(stage, before, options, reported, diagnostics);
      return false;
    }
  }
  if (options.timePasses)
    printTimes(times);
  return true;
}

} // namespace tessera
