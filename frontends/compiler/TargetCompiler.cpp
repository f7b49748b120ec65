// TargetCompiler.cpp - a target through the plugin registry of this process
// SPDX-License-Identifier: Apache-2.0
#include "frontends/compiler/TargetCompiler.h"

#include "plugins/host/PluginCompiler.h"
#include "plugins/loader/Registry.h"
#include "runtime/launch/CompiledModule.h"

#include <algorithm>
#include <cstdlib>
#include <map>

using namespace tessera;
using namespace tessera::compiler;

namespace tessera::compiler {

namespace {

// One for the process: a plugin's library is loaded once and never unloaded.
plugin::Registry &registry() {
  static auto *theRegistry =
      new plugin::Registry(plugin::RegistryOptions::standard([](const char *name) { return std::getenv(name); }));
  return *theRegistry;
}

class PluginTargetCompiler final : public TargetCompiler {
public:
  PluginTargetCompiler(std::shared_ptr<const plugin::PluginTarget> target,
                       std::shared_ptr<const plugin::PluginCompiler> compiler, const plugin::Manifest &manifest,
                       std::vector<std::pair<std::string, std::string>> options)
      : target_(std::move(target)), compiler_(std::move(compiler)), pluginName_(manifest.name),
        outputs_(manifest.outputs), targetOptions_(std::move(options)) {}

  const target::Target &target() const override { return *target_; }
  bool takesLayouts() const override { return !(target_->info().irLevels & target::kTileLevel); }
  const std::string &pluginName() const override { return pluginName_; }
  std::vector<std::string> unsupportedFp8() const override;
  void describe(void *user, void (*on_facts)(void *user, const tsc_target_info *info)) const override;
  std::string outputKind(const std::string &name) const override;
  bool compile(const TargetRequest &request, const tsc_sink *sink, DiagnosticList &list) override;

private:
  bool disassemble(const plugin::CompileOutput &output, const TargetRequest &request, std::string &text,
                   DiagnosticList &list) const;

  std::shared_ptr<const plugin::PluginTarget> target_;
  std::shared_ptr<const plugin::PluginCompiler> compiler_;
  std::string pluginName_;
  std::vector<plugin::ManifestOutput> outputs_;
  std::vector<std::pair<std::string, std::string>> targetOptions_;
};

std::string PluginTargetCompiler::outputKind(const std::string &name) const {
  for (const char *kind : {"llvm", "asm", "obj", "disasm", "artifact"})
    if (name == kind)
      return kind;
  for (const plugin::ManifestOutput &output : outputs_)
    if (name == output.name)
      return output.kind;
  return {};
}

std::vector<std::string> PluginTargetCompiler::unsupportedFp8() const {
  uint64_t mask = target_->info().stated(target::Capability::Dtypes);
  std::vector<std::string> out;
  const std::pair<tbc::Elem, const char *> kinds[] = {{tbc::Elem::F8E5M2, "fp8e5"},
                                                      {tbc::Elem::F8E4M3FN, "fp8e4nv"},
                                                      {tbc::Elem::F8E4M3FNUZ, "fp8e4b8"},
                                                      {tbc::Elem::F8E5M2FNUZ, "fp8e5b16"},
                                                      {tbc::Elem::F8E4B15, "fp8e4b15"}};
  for (const auto &[elem, name] : kinds)
    if (mask && !(mask >> static_cast<unsigned>(elem) & 1))
      out.push_back(name);
  return out;
}

void PluginTargetCompiler::describe(void *user, void (*on_facts)(void *user, const tsc_target_info *info)) const {
  std::string fp8;
  for (const std::string &name : unsupportedFp8())
    fp8 += (fp8.empty() ? "" : ",") + name;
  const plugin::Library &library = target_->library();
  tsc_target_info info{};
  info.size = sizeof info;
  info.takes_layouts = takesLayouts();
  info.name = view(target_->info().name);
  info.plugin = view(pluginName_);
  info.plugin_version = view(library.version());
  info.plugin_build = view(library.buildId());
  info.unsupported_fp8 = view(fp8);
  on_facts(user, &info);
}

// The options that the core understood itself; everything else is the plugin's.
bool isCoreOption(const std::string &key) {
  static const char *const kKeys[] = {"num_warps",
                                      "num_stages",
                                      "num_ctas",
                                      "debug",
                                      "opt_level",
                                      "dump_ir",
                                      "dump_dir",
                                      "time_passes",
                                      "plugin",
                                      "fp_fusion",
                                      "tensor_copies",
                                      "pointer_copies",
                                      "auto_warp_specialize",
                                      "grid_stride",
                                      "unsupported_fp8",
                                      "sanitize_overflow",
                                      "file",
                                      "max_num_imprecise_acc_default",
                                      "default_dot_input_precision",
                                      "allow_non_constexpr_globals"};
  for (const char *k : kKeys)
    if (key == k)
      return true;
  return false;
}

void giveKernel(const tsc_sink *sink, const plugin::CompiledKernel &k) {
  if (!sink || !sink->kernel)
    return;
  std::vector<tsc_arg> args;
  for (const plugin::CompiledArg &a : k.args)
    args.push_back({view(a.name), a.offset, a.size,
                    a.kind == TSR_ARG_POINTER ? 2u
                    : a.kind == TSR_ARG_FLOAT ? 1u
                                              : 0u,
                    a.flags & TSR_ARG_READONLY ? 1u : 0u});
  tsc_kernel_info info{};
  info.size = sizeof info;
  info.num_args = static_cast<uint32_t>(args.size());
  info.name = view(k.name);
  info.arg_bytes = k.argBytes;
  info.arg_align = k.argAlign;
  info.flags = k.flags;
  info.regs = k.regs;
  info.spills = k.spills;
  info.shared_bytes = k.smemStatic + k.smemDynamic;
  info.scratch_bytes = k.scratch;
  info.args = args.data();
  sink->kernel(sink->user, &info);
}

std::string compiledFile(const plugin::CompileOutput &output, const std::string &pluginName,
                         const std::string &targetName) {
  runtime::CompiledModule file;
  file.plugin = pluginName;
  file.target = targetName;
  for (const plugin::CompiledKernel &k : output.kernels) {
    std::vector<tsr_arg> room;
    file.kernels.push_back(runtime::KernelInfo::from(k.raw(room)));
  }
  file.artifact.assign(output.artifact.begin(), output.artifact.end());
  std::vector<uint8_t> bytes = runtime::encodeCompiledModule(file);
  return std::string(bytes.begin(), bytes.end());
}

// Machine code as text: of what the plugin gave as an object, by the plugin's own means.
bool PluginTargetCompiler::disassemble(const plugin::CompileOutput &output, const TargetRequest &request,
                                       std::string &text, DiagnosticList &list) const {
  const std::string &target = target_->info().name;
  if (std::none_of(output.dumps.begin(), output.dumps.end(),
                   [](const auto &blob) { return blob.kind == TSR_EMIT_OBJECT; })) {
    list.add(DiagId::TargetCannot, request.place,
             "there is no machine code of `" + request.kernel + "` to show: what target '" + target +
                 "' gives here is assembled where it is loaded",
             "install the assembler that the plugin looks for, or ask for asm");
    return false;
  }
  DiagnosticList said;
  text = compiler_->disassemble(output.artifact, said);
  for (Diagnostic d : said.all()) {
    if (!d.place.file)
      d.place = request.place;
    list.add(std::move(d));
  }
  return !said.hasErrors();
}

bool PluginTargetCompiler::compile(const TargetRequest &request, const tsc_sink *sink, DiagnosticList &list) {
  plugin::CompileRequest r;
  r.bytecode = request.bytecode;
  r.irLevel = takesLayouts() ? TSR_IR_LAYOUT : TSR_IR_TILE;
  r.optLevel = request.optLevel;
  auto wants = [&](std::string_view kind) {
    return std::any_of(request.emits.begin(), request.emits.end(),
                       [&](const std::string &name) { return outputKind(name) == kind; });
  };
  r.dumpMask = (wants("llvm") || request.dumps ? TSR_EMIT_BIT(TSR_EMIT_IR_DUMP) : 0) |
               (wants("asm") ? TSR_EMIT_BIT(TSR_EMIT_ASM) : 0) |
               (wants("obj") || wants("disasm") ? TSR_EMIT_BIT(TSR_EMIT_OBJECT) : 0) |
               (request.times ? TSR_EMIT_BIT(TSR_EMIT_TIMING) : 0);
  r.entry = request.kernel;
  r.sources = request.files;
  r.options = targetOptions_;
  for (const auto &option : request.options)
    if (!isCoreOption(option.first))
      r.options.push_back(option);
  plugin::CompileOutput output = compiler_->compile(r, list);
  if (request.dumps)
    for (const auto &blob : output.dumps)
      if (blob.kind == TSR_EMIT_IR_DUMP)
        request.dumps->push_back({blob.name, blob.bytes});
  if (!output)
    return false;
  for (const plugin::CompiledKernel &k : output.kernels)
    giveKernel(sink, k);
  std::map<std::string, std::string> found;
  for (const auto &blob : output.dumps) {
    if (blob.kind == TSR_EMIT_IR_DUMP)
      found["llvm"] = blob.bytes; // of several dumps of LLVM IR the last one is what was compiled
    if (blob.kind == TSR_EMIT_ASM)
      found["asm"] = blob.bytes;
    if (blob.kind == TSR_EMIT_OBJECT)
      found["obj"] = blob.bytes;
    if (blob.kind == TSR_EMIT_TIMING && request.times)
      request.times->split(blob.bytes);
  }
  if (wants("disasm") && !disassemble(output, request, found["disasm"], list))
    return false;
  if (wants("artifact"))
    found["artifact"] = compiledFile(output, pluginName_, target_->info().name);
  for (const std::string &name : request.emits)
    if (auto it = found.find(outputKind(name)); it != found.end())
      emit(sink, name, request.kernel, it->second);
  return true;
}

} // namespace

std::unique_ptr<TargetCompiler> TargetCompiler::open(const std::string &target,
                                                     const std::vector<std::string> &manifests, const tsc_sink *sink,
                                                     DiagnosticList &list) {
  enterStage(sink, "open-target", {});
  auto fail = [&](const plugin::Failure &f) {
    list.add(f.diagnostic());
    return nullptr;
  };
  for (const std::string &manifest : manifests)
    if (auto added = registry().add(manifest); !added)
      return fail(added.failure());
  auto resolved = registry().resolveOne(target);
  if (!resolved)
    return fail(resolved.failure());
  enterStage(sink, "load-plugin", resolved->candidate->manifest.name);
  auto library = registry().load(*resolved->candidate, plugin::Role::Compiler);
  if (!library)
    return fail(library.failure());
  auto pluginTarget = plugin::PluginTarget::make(**library, resolved->spec);
  if (!pluginTarget)
    return fail(pluginTarget.failure());
  auto compiler = plugin::PluginCompiler::make(*pluginTarget);
  if (!compiler)
    return fail(compiler.failure());
  return std::make_unique<PluginTargetCompiler>(*pluginTarget, *compiler, resolved->candidate->manifest,
                                                resolved->options);
}

} // namespace tessera::compiler

int32_t tsc_target_facts(tsc_str target, const tsc_str *manifests, uint32_t num_manifests, const tsc_sink *sink,
                         void *user, void (*on_facts)(void *user, const tsc_target_info *info)) {
  DiagnosticList list;
  std::vector<std::string> paths;
  for (uint32_t i = 0; i < num_manifests; ++i)
    paths.push_back(text(manifests[i]));
  auto opened = TargetCompiler::open(text(target), paths, sink, list);
  if (opened)
    opened->describe(user, on_facts);
  int32_t status = deliver(sink, list);
  return opened ? TSC_OK : status ? status : TSC_UNAVAILABLE;
}
