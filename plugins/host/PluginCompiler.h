// PluginCompiler.h - bytecode to an artifact through any plugin
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plugins/host/PluginTarget.h"

#include <array>
#include <functional>
#include <map>
#include <span>

namespace tessera::plugin {

struct CompiledArg {
  std::string name;
  uint32_t offset = 0, size = 0, kind = 0, flags = 0; // as tsr_arg
};

// What a launch must know of a kernel: a copy of tsr_kernel_info.
struct CompiledKernel {
  std::string name;
  uint32_t argBytes = 0, argAlign = 0, flags = 0;
  std::vector<CompiledArg> args;
  std::array<uint32_t, 3> block{}, cluster{};
  uint64_t smemStatic = 0, smemDynamic = 0, scratch = 0;
  uint32_t regs = 0, spills = 0;
  // A tsr_kernel_info of this, for kernel_get. Valid while this and `room` are.
  tsr_kernel_info raw(std::vector<tsr_arg> &room) const;
};

struct CompileRequest {
  std::span<const uint8_t> bytecode;
  uint32_t irVersion = TSR_IR_VERSION(0, 0);
  uint32_t irLevel = TSR_IR_TILE;
  uint32_t optLevel = 0; // 0: the plugin's default
  uint32_t dumpMask = 0; // TSR_EMIT_BIT(…)
  std::string entry;     // empty: every kernel
  std::vector<std::pair<std::string, std::string>> options;
  std::function<bool()> cancelled; // asked on the calling thread; empty: never
  // Source text of the files that diagnostics name, for excerpts; may be empty.
  std::vector<std::shared_ptr<const SourceFile>> sources;
};

struct CompileOutput {
  tsr_status status = TSR_OK;
  std::string artifact;
  std::vector<CompiledKernel> kernels;
  std::vector<MessageSink::Blob> dumps; // ASM, IR_DUMP, …; kind as emitted
  explicit operator bool() const { return status == TSR_OK; }
};

// Stateless but for a count of running compiles; thread-safe.
class PluginCompiler {
public:
  // Failure: PluginRefused where the library has no compiler.
  static Expected<std::shared_ptr<const PluginCompiler>> make(std::shared_ptr<const PluginTarget> target);
  ~PluginCompiler();

  const PluginTarget &target() const { return *target_; }
  // Diagnostics go to `diags`: the plugin's own with their places (an error of UNSUPPORTED as TargetCannot), and one of the
  // host's where the plugin broke a rule. A failed compile always adds an error.
  CompileOutput compile(const CompileRequest &request, DiagnosticList &diags) const;
  // Legality only, where the plugin has it; else TSR_OK.
  tsr_status check(const CompileRequest &request, DiagnosticList &diags) const;
  // 32 bytes; covers plugin build, tools, target and options.
  Expected<std::array<uint8_t, 32>> cacheKey(const std::vector<std::pair<std::string, std::string>> &options) const;
  // Text of an artifact; empty with a diagnostic where there is none.
  std::string disassemble(std::string_view artifact, DiagnosticList &diags) const;

private:
  struct Gate; // holds compiles back above max_concurrency
  explicit PluginCompiler(std::shared_ptr<const PluginTarget> target);
  std::shared_ptr<const PluginTarget> target_;
  std::unique_ptr<Gate> gate_;
};

} // namespace tessera::plugin
