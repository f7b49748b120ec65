// Lowering.cpp - tsc_lower, and the part of tsc_compile that follows the frontend
// SPDX-License-Identifier: Apache-2.0
#include "frontends/compiler/Lowering.h"

#include "core/bytecode/Text.h"
#include "core/bytecode/Writer.h"
#include "core/bytecode/mlir/Convert.h"
#include "core/pipeline/Context.h"
#include "core/transforms/layout/LayoutQuestions.h"
#include "core/transforms/layout/Passes.h"
#include "frontends/compiler/TileBytes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>
#include <cstdlib>

using namespace tessera;
using namespace tessera::compiler;

namespace tessera::compiler {

namespace {
// The texts between commas.
std::vector<std::string> split(const std::string &all) {
  std::vector<std::string> out;
  for (size_t at = 0; at < all.size();) {
    size_t comma = std::min(all.find(',', at), all.size());
    if (comma > at)
      out.push_back(all.substr(at, comma - at));
    at = comma + 1;
  }
  return out;
}
} // namespace

RequestOptions::RequestOptions(const tsc_request &request) {
  for (const std::string &name : split(text(request.emits)))
    if (name == "timing")
      timing_ = true;
    else
      emits_ += (emits_.empty() ? "" : ",") + name;
  for (uint32_t i = 0; i < request.num_options; ++i)
    options_.emplace_back(text(request.options[2 * i]), text(request.options[2 * i + 1]));
}

bool RequestOptions::wants(std::string_view kind) const {
  return ("," + emits_ + ",").find("," + std::string(kind) + ",") != std::string::npos;
}

bool RequestOptions::has(std::string_view key) const {
  for (const auto &[k, v] : options_)
    if (k == key)
      return true;
  return false;
}

std::string RequestOptions::option(std::string_view key) const {
  for (const auto &[k, v] : options_)
    if (k == key)
      return v;
  return {};
}

int64_t RequestOptions::number(std::string_view key, int64_t otherwise) const {
  std::string v = option(key);
  return v.empty() ? otherwise : std::strtoll(v.c_str(), nullptr, 10);
}

std::vector<std::string> RequestOptions::list(std::string_view key) const { return split(option(key)); }
std::vector<std::string> RequestOptions::emits() const { return split(emits_); }

std::vector<std::string> RequestOptions::plugins() const {
  std::vector<std::string> out;
  for (const auto &[k, v] : options_)
    if (k == "plugin")
      out.push_back(v);
  return out;
}

Lowering::Lowering(mlir::ModuleOp module, std::string kernel, tile::SourceFiles files, const RequestOptions &options,
                   StageTimes &times, const tsc_sink *sink, DiagnosticList &list)
    : module_(module), kernel_(std::move(kernel)), options_(options), times_(times), sink_(sink), list_(list) {
  pipeline_.dumpIr = options.option("dump_ir");
  pipeline_.dumpDir = options.option("dump_dir");
  pipeline_.timePasses = options.number("time_passes", 0) != 0;
  pipeline_.files = std::move(files);
  pipeline_.onStage = [this](std::string_view stage) {
    ++stages_;
    enterStage(sink_, stage, {});
  };
}

// Whether the plugin of PLUGIN:STAGE compiles here. Which stages it has shows when it has done so.
bool Lowering::checkPluginStage(const std::string &name, const TargetCompiler *target) {
  std::string plugin = name.substr(0, name.find(':')), asked = "the IR after '" + name + "' was asked for, and ";
  if (target && plugin == target->pluginName())
    return true;
  if (target)
    list_.add(DiagId::BadUsage, {},
              asked + "target '" + target->target().info().name + "' is one of plugin '" + target->pluginName() + "'",
              "write '" + target->pluginName() + name.substr(plugin.size()) + "', or name a target of '" + plugin +
                  "'");
  else
    list_.add(DiagId::BadUsage, {}, asked + "no plugin compiles here",
              "ask for an output that a target makes (--emit=artifact)");
  return false;
}

// Names of the compiler's stages, of both levels.
static std::vector<std::string> ownStages() {
  std::vector<std::string> names;
  auto add = [&](std::string_view name) { // some stages run more than once
    if (std::find(names.begin(), names.end(), name) == names.end())
      names.emplace_back(name);
  };
  for (const Stage &s : tileStages())
    add(s.name);
  for (const tile::LayoutStep &s : tile::layoutSteps())
    add(s.name);
  return names;
}

// Whether dump_ir names stages that exist, of either level, or a plugin's.
bool Lowering::checkStages(const TargetCompiler *target) {
  std::vector<std::string> known = ownStages();
  known.emplace_back("all");
  if (target)
    known.push_back(target->pluginName() + ":*");
  bool ok = true;
  for (const std::string &name : stageNames(pipeline_.dumpIr)) {
    if (name.find(':') != std::string::npos) {
      ok &= checkPluginStage(name, target);
      continue;
    }
    if (std::find(known.begin(), known.end(), name) != known.end())
      continue;
    std::string near = nearestName(name, known), all = llvm::join(known, ", ");
    list_.add(DiagId::BadUsage, {}, "the IR after '" + name + "' was asked for, and no stage is called so",
              (near.empty() ? "" : "did you mean '" + near + "'? ") + "There are: " + all);
    ok = false;
  }
  return ok;
}

bool Lowering::simplify(const TargetCompiler *target) {
  // A program of several blocks would start the copies in each.
  if (target && target->takesLayouts() && options_.number("tensor_copies", 1) && options_.number("num_ctas", 1) == 1)
    pipeline_.tensorCopyBytes = tensorCopyBytesOf(target->target());
  pipeline_.pointerCopies = pipeline_.tensorCopyBytes && options_.number("pointer_copies", 1);
  pipeline_.gridStride = target && target->takesLayouts() && options_.number("grid_stride", 1) &&
                         options_.number("num_ctas", 1) == 1 &&
                         target->target().info().stated(target::Capability::GridStride);
  if (pipeline_.pointerCopies && options_.number(tile::kAutoWarpSpecialize, 1))
    pipeline_.groupPair = groupPairOf(target->target(), options_.number("num_warps", 4));
  return checkStages(target) && runTilePipeline(module_, pipeline_, list_);
}

bool Lowering::placeLayouts(const TargetCompiler &target) {
  if (!options_.number(tile::kAutoWarpSpecialize, 1))
    tile::setModuleOption(module_, tile::kAutoWarpSpecialize, 0);
  pipeline_.firstStage = stages_;
  return runLayoutPipeline(module_, target.target(), pipeline_, list_);
}

std::optional<tbc::Module> Lowering::bytecode() {
  enterStage(sink_, "bytecode", {});
  auto module = toBytecodeModule(module_, list_, pipeline_.files);
  if (module)
    module->producer = std::string("tessera ") + TESSERA_VERSION;
  return module;
}

SourcePlace Lowering::placeOfKernel() {
  for (auto function : module_.getOps<mlir::func::FuncOp>())
    if (function.getName() == kernel_)
      return tile::placeOf(function.getLoc(), pipeline_.files);
  return {};
}

void Lowering::emitModule(std::string_view kind) {
  std::string out;
  llvm::raw_string_ostream stream(out);
  // Parameters go by their names: %x_ptr.
  for (auto function : module_.getOps<mlir::func::FuncOp>())
    for (mlir::BlockArgument argument : function.getArguments())
      if (auto name = function.getArgAttrOfType<mlir::StringAttr>(argument.getArgNumber(), tile::kNameAttr))
        argument.setLoc(mlir::NameLoc::get(name, argument.getLoc()));
  module_.print(stream, mlir::OpPrintingFlags().printNameLocAsPrefix(true));
  out += '\n';
  emit(sink_, kind, kernel_, out);
}

// Those that dump_ir asks for. False where one of them cannot be written, or it names one that the plugin did not give.
bool Lowering::writePluginDumps(const std::string &plugin, const std::vector<PluginDump> &dumps) {
  std::vector<std::string> names = stageNames(pipeline_.dumpIr);
  auto asked = [&](const std::string &name) { return std::find(names.begin(), names.end(), name) != names.end(); };
  std::string given;
  std::vector<std::string> found = {plugin + ":*"};
  bool ok = true;
  for (size_t i = 0; i < dumps.size(); ++i) {
    std::string name = plugin + ":" + dumps[i].stage;
    given += (given.empty() ? "" : ", ") + name;
    found.push_back(name);
    if (asked("all") || asked(plugin + ":*") || asked(name))
      ok &= writeDump(pipeline_, stages_ + i, name, dumps[i].stage.starts_with("llvm") ? ".ll" : ".txt", dumps[i].text,
                      list_);
  }
  if (list_.hasErrors())
    return false;
  for (const std::string &name : names) {
    if (name.find(':') == std::string::npos || std::find(found.begin(), found.end(), name) != found.end())
      continue;
    list_.add(DiagId::BadUsage, {},
              "the IR after '" + name + "' was asked for, and plugin '" + plugin + "' has no such stage here",
              given.empty() ? "The plugin shows no IR of its own. There are: " + llvm::join(ownStages(), ", ") + ", all"
                            : "There are: " + given);
    ok = false;
  }
  return ok;
}

int32_t Lowering::compile(TargetCompiler &target, const tbc::Module &module) {
  tbc::WriteResult bytes = tbc::writeModule(module);
  if (!bytes) {
    list_.add(DiagId::InternalError, {}, "the bytecode cannot be written: " + bytes.error);
    return TSC_INTERNAL;
  }
  if (options_.wants("bytecode"))
    emit(sink_, "bytecode", kernel_, {reinterpret_cast<const char *>(bytes.bytes.data()), bytes.bytes.size()});
  std::vector<PluginDump> dumps;
  TargetRequest request{bytes.bytes,
                        kernel_,
                        static_cast<uint32_t>(options_.number("opt_level", 0)),
                        options_.all(),
                        {},
                        pipeline_.files,
                        placeOfKernel(),
                        options_.timing() ? &times_ : nullptr,
                        pipeline_.dumpIr.empty() ? nullptr : &dumps};
  for (const std::string &name : options_.emits())
    if (!target.outputKind(name).empty())
      request.emits.push_back(name);
  // A plugin's stage that is asked for by name is reason enough to compile.
  if (request.emits.empty() && pipeline_.dumpIr.find(':') == std::string::npos)
    return TSC_OK;
  times_.enter("compile");
  enterStage(sink_, "compile", target.pluginName());
  bool compiled = target.compile(request, sink_, list_);
  if (request.dumps && !writePluginDumps(target.pluginName(), dumps) && compiled)
    return TSC_USER_ERROR;
  return compiled ? TSC_OK : TSC_INTERNAL;
}

int32_t Lowering::run(TargetCompiler *target) {
  times_.enter("tile");
  if (!simplify(target))
    return TSC_USER_ERROR;
  if (options_.wants("tile"))
    emitModule("tile");
  if (!target)
    return TSC_OK;
  if (target->takesLayouts()) {
    times_.enter("layout");
    if (!placeLayouts(*target))
      return TSC_USER_ERROR;
    if (options_.wants("layout"))
      emitModule("layout");
  }
  times_.enter("bytecode");
  auto module = bytecode();
  if (!module)
    return TSC_INTERNAL;
  if (options_.wants("tbc"))
    emit(sink_, "tbc", kernel_, tbc::print(*module));
  return compile(*target, *module);
}

} // namespace tessera::compiler

int32_t tsc_lower(const void *bytes, uint64_t n, const tsc_request *request, const tsc_sink *sink) {
  DiagnosticList list;
  RequestOptions options(*request);
  StageTimes times;
  auto done = [&](int32_t otherwise) {
    int32_t status = deliver(sink, list);
    return status ? status : otherwise;
  };
  std::unique_ptr<TargetCompiler> target;
  times.enter("target");
  if (!options.wantsOnly("tile")) {
    target = TargetCompiler::open(text(request->target), options.plugins(), sink, list);
    if (!target)
      return done(TSC_UNAVAILABLE);
  }
  enterStage(sink, "read-tile", {});
  times.enter("tile");
  LeasedContext context = leaseContext();
  std::string_view input(static_cast<const char *>(bytes), n);
  TileModule tile;
  if (!options.has("file")) {
    tile = readTileBytes(input, *context, list);
  } else {
    std::vector<std::pair<std::string, int64_t>> facts;
    for (auto [key, otherwise] : {std::pair("num_warps", 4), std::pair("num_stages", 3), std::pair("num_ctas", 1)})
      facts.emplace_back(key, options.number(key, otherwise));
    if (options.has("fp_fusion"))
      facts.emplace_back("fp_fusion", options.number("fp_fusion", 1));
    tile = readTileText(input, options.option("file"), facts, *context, list);
  }
  if (!tile.module)
    return done(TSC_USER_ERROR);
  std::string kernel = request->kernel.n ? text(request->kernel) : tile.kernel;
  Lowering lowering(*tile.module, kernel, tile.files, options, times, sink, list);
  int32_t status = lowering.run(target.get());
  if (options.timing())
    emit(sink, "timing", kernel, times.json());
  return done(status);
}
