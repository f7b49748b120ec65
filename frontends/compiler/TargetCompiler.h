// TargetCompiler.h - the plugin behind a --target=, as one compile sees it
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytecode/Module.h"
#include "core/ir/Locations.h"
#include "core/target/Target.h"
#include "frontends/compiler/Source.h"
#include "frontends/compiler/StageTimes.h"

#include <memory>

namespace tessera::compiler {

// What a plugin showed of its own IR: the name that it has for the stage, and text.
struct PluginDump {
  std::string stage, text;
};

struct TargetRequest {
  std::span<const uint8_t> bytecode;
  std::string kernel;
  uint32_t optLevel;
  const std::vector<std::pair<std::string, std::string>> &options;
  std::vector<std::string> emits; // names as the request has them
  const tile::SourceFiles &files; // for excerpts in diagnostics
  SourcePlace place;              // of the kernel: where there is no output of it
  StageTimes *times;              // gets the plugin's own parts; null: nobody asks
  std::vector<PluginDump> *dumps; // gets the plugin's IR, after a failure too; null: nobody asks
};

class TargetCompiler {
public:
  virtual ~TargetCompiler() = default;
  // Resolves the target through the plugins found and the manifests given, and loads one library, telling `sink` the
  // stages. Null after an error.
  static std::unique_ptr<TargetCompiler> open(const std::string &target, const std::vector<std::string> &manifests,
                                              const tsc_sink *sink, DiagnosticList &list);
  virtual const target::Target &target() const = 0;
  virtual bool takesLayouts() const = 0;
  virtual const std::string &pluginName() const = 0;
  // Calls `on_facts` with what tsc_target_facts promises.
  virtual void describe(void *user, void (*on_facts)(void *user, const tsc_target_info *info)) const = 0;
  // What an output's name means to the target: "llvm", "asm", "obj", "disasm" and "artifact" themselves, "asm" for a name that its
  // plugin has for that ("ptx"). Empty: it makes no such output.
  virtual std::string outputKind(const std::string &name) const = 0;
  // Triton's names of the fp8 types that the target refuses.
  virtual std::vector<std::string> unsupportedFp8() const = 0;
  // Gives facts and outputs to the sink; "artifact" is a compiled kernel file. False after adding an error.
  virtual bool compile(const TargetRequest &request, const tsc_sink *sink, DiagnosticList &list) = 0;
};

// Source to TILE bytecode, for the interpreter. Diagnostics are added to `list`; files: the sources that places name.
std::optional<tbc::Module> compileToBytecode(const tsc_source &source, const tsc_request &request, const tsc_sink *sink,
                                             DiagnosticList &list, tile::SourceFiles *files = nullptr);

} // namespace tessera::compiler
