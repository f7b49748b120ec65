// Pipeline.h - runs the stages of Stages.cpp over a module: dumps, times, verification between stages, reproducers
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/ir/Locations.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tessera::target {
class Target;
}

namespace tessera {

// A program by two groups of subgroups, which may take turns with the matrix unit: its subgroups, and the bytes of shared memory of a multiprocessor.
struct GroupPair {
  int64_t warps = 0, sharedBytes = 0; // 0: it is none
};

struct PipelineOptions {
  std::string dumpIr;      // "all", or names of stages separated by commas: the IR after each; empty: none
  std::string dumpDir;     // dumps and the reproducer go to files here; empty: dumps to standard error, no reproducer
  size_t firstStage = 0;   // number of a run's first stage in the names of the dumps' files
  bool timePasses = false; // a table on standard error at the end
  bool verify = true;      // the IR's verifier after every stage
  tile::SourceFiles files; // for excerpts in diagnostics
  // The largest tile, in bytes, that loads and stores by descriptor may move as a whole; 0: the target has no tensor copies (tensorCopyBytesOf).
  int64_t tensorCopyBytes = 0;
  GroupPair groupPair;        // groupPairOf, where roles may come unasked
  bool pointerCopies = false; // loads through pointers too, where they can (tile-find-tensor-copies)
  bool gridStride =
      false; // launches may have more programs than they ask for, where nobody can tell (tile-find-grid-stride)
  std::function<void(std::string_view stage)> onStage; // called before each stage; may be empty
};

// The names in such a list, without blanks and empty ones.
std::vector<std::string> stageNames(std::string_view list);

// Gives the text that `stage` left to standard error, or to the file `<dumpDir>/<number>-<stage><suffix>`, with '-' for what a file's name should not
// have. False after adding E0307 where it cannot be written.
bool writeDump(const PipelineOptions &options, size_t number, std::string_view stage, std::string_view suffix,
               std::string_view text, DiagnosticList &diagnostics);

// A stage is one pass at one place of a pipeline.
struct Stage {
  std::string_view name;
  std::unique_ptr<mlir::Pass> (*make)();
  bool onFunctions = true; // else on the module
};

// The stages of the TILE level, in order (Stages.cpp).
std::span<const Stage> tileStages();

// Runs stages in order. A stage that fails adds exactly one error and stops the run: a user error if the pass reported
// one with a place, else E0002 naming the stage and, with dumpDir, the reproducer `<stage>.reproducer.mlir` (the IR
// before it); E0307 where a dump cannot be written.
bool runStages(mlir::ModuleOp module, std::span<const Stage> stages, const PipelineOptions &options,
               DiagnosticList &diagnostics);

// Source to TILE: what the frontend made, in the form that plugins of the TILE level take.
bool runTilePipeline(mlir::ModuleOp module, const PipelineOptions &options, DiagnosticList &diagnostics);
// What a target allows for PipelineOptions::tensorCopyBytes: a third of its shared memory, so that some live at once.
int64_t tensorCopyBytesOf(const target::Target &target);
// Of a program of so many subgroups; a pair where its lanes may trade registers with those that copy.
GroupPair groupPairOf(const target::Target &target, int64_t warps);
// TILE to LAYOUT, with the target's answers (tile::layoutSteps); after runTilePipeline. Shared memory beyond the
// target's limit is E0501.
bool runLayoutPipeline(mlir::ModuleOp module, const target::Target &target, const PipelineOptions &options,
                       DiagnosticList &diagnostics);

} // namespace tessera
