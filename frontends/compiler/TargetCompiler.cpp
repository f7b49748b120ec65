// TargetCompiler.cpp - a target through the plugin registry of this process
// SPDX-License-Identifier: Apache-2.0
#include "frontends/compiler/TargetCompiler.h"

#include "plugins/host/PluginCompiler.h"
#include "plugins/loader/Registry.h"
#include "runtime/launch/CompiledModule.h"

#include <cstdlib>

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
                       std::shared_ptr<const plugin::PluginCompiler> compiler, std::string pluginName,
                       std::vector<std::pair<std::string, std::string>> options)
      : target_(std::move(target)), compiler_(std::move(compiler)), pluginName_(std::move(pluginName)),
        targetOptions_(std::move(options)) {}

  const target::Target &target() const override { return *target_; }
  bool takesLayouts() const override { return !(target_->info().irLevels & target::kTileLevel); }
  const std::string &pluginName() const override { return pluginName_; }
  std::vector<std::string> unsupportedFp8() const override;
  void describe(void *user, void (*on_facts)(void *user, const tsc_target_info *info)) const override;
  bool compile(const TargetRequest &request, const tsc_sink *sink, DiagnosticList &list) override;

private:
  std::shared_ptr<const plugin::PluginTarget> target_;
  std::shared_ptr<const plugin::PluginCompiler> compiler_;
  std::string pluginName_;
  std::vector<std::pair<std::string, std::string>> targetOptions_;
};

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
                                      "delayed_products",
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

bool PluginTargetCompiler::compile(const TargetRequest &request, const tsc_sink *sink, DiagnosticList &list) {
  plugin::CompileRequest r;
  r.bytecode = request.bytecode;
  r.irLevel = takesLayouts() ? TSR_IR_LAYOUT : TSR_IR_TILE;
  r.optLevel = request.optLevel;
  r.dumpMask = (request.llvm ? TSR_EMIT_BIT(TSR_EMIT_IR_DUMP) : 0) |
               (request.assembly ? TSR_EMIT_BIT(TSR_EMIT_ASM) : 0) |
               (request.object ? TSR_EMIT_BIT(TSR_EMIT_OBJECT) : 0);
  r.entry = request.kernel;
  r.sources = request.files;
  r.options = targetOptions_;
  for (const auto &option : request.options)
    if (!isCoreOption(option.first))
      r.options.push_back(option);
  plugin::CompileOutput output = compiler_->compile(r, list);
  if (!output)
    return false;
  for (const plugin::CompiledKernel &k : output.kernels)
    giveKernel(sink, k);
  // Of several dumps of LLVM IR the last one is what was compiled.
  const plugin::MessageSink::Blob *llvm = nullptr;
  for (const auto &blob : output.dumps) {
    if (blob.kind == TSR_EMIT_IR_DUMP)
      llvm = &blob;
    if (blob.kind == TSR_EMIT_ASM)
      emit(sink, "asm", request.kernel, blob.bytes);
    if (blob.kind == TSR_EMIT_OBJECT)
      emit(sink, "obj", request.kernel, blob.bytes);
  }
  if (llvm && request.llvm)
    emit(sink, "llvm", request.kernel, llvm->bytes);
  if (request.artifact)
    emit(sink, "artifact", request.kernel, compiledFile(output, pluginName_, target_->info().name));
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
  return std::make_unique<PluginTargetCompiler>(*pluginTarget, *compiler, resolved->candidate->manifest.name,
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
