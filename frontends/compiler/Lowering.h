// Lowering.h - what follows the frontend: TILE pipeline, layouts, bytecode, plugin; the same in tsc_compile and tsc_lower
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytecode/Module.h"
#include "core/pipeline/Pipeline.h"
#include "frontends/compiler/StageTimes.h"
#include "frontends/compiler/TargetCompiler.h"

#include <optional>

namespace tessera::compiler {

// The options and emits of a tsc_request, read once.
class RequestOptions {
public:
  explicit RequestOptions(const tsc_request &request);

  bool wants(std::string_view kind) const;
  std::vector<std::string> emits() const;
  // Nothing but `kind` is asked for.
  bool wantsOnly(std::string_view kind) const { return emits_ == kind; }
  std::string option(std::string_view key) const;
  bool has(std::string_view key) const;
  // Whether the output "timing" is asked for, which is none of emits().
  bool timing() const { return timing_; }
  int64_t number(std::string_view key, int64_t otherwise) const;
  // The texts between the commas of an option.
  std::vector<std::string> list(std::string_view key) const;
  std::vector<std::string> plugins() const; // manifests
  const std::vector<std::pair<std::string, std::string>> &all() const { return options_; }

private:
  std::string emits_;
  bool timing_ = false;
  std::vector<std::pair<std::string, std::string>> options_;
};

// One verified tile module through the stages, in order. Each step returns false after adding an error to `list`.
class Lowering {
public:
  // What is given must outlive this. The module is changed in place.
  Lowering(mlir::ModuleOp module, std::string kernel, tile::SourceFiles files, const RequestOptions &options,
           StageTimes &times, const tsc_sink *sink, DiagnosticList &list);

  // target: whose tensor copies the accesses by descriptor may become; null: nobody's.
  bool simplify(const TargetCompiler *target);
  bool placeLayouts(const TargetCompiler &target);
  std::optional<tbc::Module> bytecode();
  // All of it, emitting what the request wants. `target` may be null where only "tile" is wanted. A status; diagnostics
  // are not delivered yet.
  int32_t run(TargetCompiler *target);

private:
  int32_t compile(TargetCompiler &target, const tbc::Module &module);
  void emitModule(std::string_view kind);
  SourcePlace placeOfKernel();
  bool checkStages(const TargetCompiler *target);
  bool checkPluginStage(const std::string &name, const TargetCompiler *target);
  bool writePluginDumps(const std::string &plugin, const std::vector<PluginDump> &dumps);

  mlir::ModuleOp module_;
  std::string kernel_;
  const RequestOptions &options_;
  StageTimes &times_;
  const tsc_sink *sink_;
  DiagnosticList &list_;
  PipelineOptions pipeline_;
  size_t stages_ = 0; // that ran
};

} // namespace tessera::compiler
