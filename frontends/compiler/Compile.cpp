// Compile.cpp - tsc_compile: frontend, pipeline, bytecode, plugin
// SPDX-License-Identifier: Apache-2.0
#include "frontends/compiler/Source.h"

#include "core/bytecode/Text.h"
#include "core/bytecode/Verifier.h"
#include "core/bytecode/Writer.h"
#include "core/bytecode/mlir/Convert.h"
#include "core/pipeline/Context.h"
#include "core/pipeline/Pipeline.h"
#include "frontends/compiler/TargetCompiler.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/raw_ostream.h"

#include <cstdlib>

using namespace tessera;
using namespace tessera::compiler;

namespace {

// One compile: options read once, stages in order. Each step returns false after adding an error.
class Job {
public:
  Job(const tsc_source &source, const tsc_request &request, const tsc_sink *sink)
      : source_(const_cast<tsc_source &>(source)), request_(request), sink_(sink), kernel_(text(request.kernel)) {
    for (uint32_t i = 0; i < request.num_options; ++i)
      options_.emplace_back(text(request.options[2 * i]), text(request.options[2 * i + 1]));
  }

  bool emitTile(const TargetCompiler *target);
  bool lowerToLayouts(const TargetCompiler &target);
  std::optional<tbc::Module> bytecode();
  bool wants(std::string_view kind) const {
    return ("," + text(request_.emits) + ",").find("," + std::string(kind) + ",") != std::string::npos;
  }
  void emitModule(std::string_view kind) const;
  std::string option(std::string_view key) const {
    for (const auto &[k, v] : options_)
      if (k == key)
        return v;
    return {};
  }
  int64_t number(std::string_view key, int64_t otherwise) const {
    std::string v = option(key);
    return v.empty() ? otherwise : std::strtoll(v.c_str(), nullptr, 10);
  }
  std::vector<std::string> plugins() const {
    std::vector<std::string> out;
    for (const auto &[k, v] : options_)
      if (k == "plugin")
        out.push_back(v);
    return out;
  }
  const std::vector<std::pair<std::string, std::string>> &options() const { return options_; }
  const std::string &kernel() const { return kernel_; }

  DiagnosticList list;

private:
  bool signature(py::KernelSignature &out);

  tsc_source &source_;
  const tsc_request &request_;
  const tsc_sink *sink_;
  std::string kernel_;
  std::vector<std::pair<std::string, std::string>> options_;
  PipelineOptions pipeline_;
  std::unique_ptr<mlir::MLIRContext> context_;
  mlir::OwningOpRef<mlir::ModuleOp> module_;
};

// The request's bindings in the spelling of py::parseSignature.
bool Job::signature(py::KernelSignature &out) {
  std::string types;
  std::vector<std::pair<std::string, std::string>> defines;
  std::vector<std::string> names;
  for (uint32_t i = 0; i < request_.num_bindings; ++i) {
    const tsc_binding &b = request_.bindings[i];
    names.push_back(text(b.name));
    if (!b.type.n)
      defines.emplace_back(text(b.name), text(b.value));
    else
      types += (types.empty() ? "" : ", ") + text(b.name) + "=" + text(b.type) + (b.divisibility == 16 ? ":16" : "");
  }
  auto parsed = py::parseSignature(types, names, defines, list);
  if (!parsed)
    return false;
  out = std::move(*parsed);
  return true;
}

bool Job::emitTile(const TargetCompiler *target) {
  py::KernelSignature kernelSignature;
  {
    std::lock_guard lock(source_.mutex);
    if (!signature(kernelSignature))
      return false;
    context_ = makeContext();
    py::EmitOptions emitOptions;
    emitOptions.debug = number("debug", 0) != 0;
    emitOptions.numWarps = number("num_warps", 4);
    emitOptions.numStages = number("num_stages", 3);
    emitOptions.numCtas = number("num_ctas", 1);
    if (target)
      emitOptions.unsupportedFp8 = target->unsupportedFp8();
    py::loadSemaDialects(*context_);
    module_ = py::emitKernel(*context_, *source_.module, kernel_, kernelSignature, emitOptions, source_.host, list);
  }
  if (!module_ || list.hasErrors())
    return false;
  if (std::string fusion = option("fp_fusion"); !fusion.empty()) {
    mlir::NamedAttrList facts((*module_)->getAttrOfType<mlir::DictionaryAttr>("tile.options"));
    facts.set("fp_fusion", mlir::IntegerAttr::get(mlir::IntegerType::get(context_.get(), 64), number("fp_fusion", 1)));
    (*module_)->setAttr("tile.options", facts.getDictionary(context_.get()));
  }
  pipeline_.dumpIr = option("dump_ir");
  pipeline_.dumpDir = option("dump_dir");
  pipeline_.timePasses = number("time_passes", 0) != 0;
  pipeline_.files = {source_.file};
  return runTilePipeline(*module_, pipeline_, list);
}

bool Job::lowerToLayouts(const TargetCompiler &target) {
  return runLayoutPipeline(*module_, target.target(), pipeline_, list);
}

std::optional<tbc::Module> Job::bytecode() {
  auto module = toBytecodeModule(*module_, list, pipeline_.files);
  if (module)
    module->producer = std::string("tessera ") + TESSERA_VERSION;
  return module;
}

void Job::emitModule(std::string_view kind) const {
  std::string out;
  llvm::raw_string_ostream stream(out);
  mlir::OpPrintingFlags flags;
  mlir::ModuleOp(*module_)->print(stream, flags);
  out += '\n';
  emit(sink_, kind, kernel_, out);
}

int32_t run(Job &job, const tsc_request &request, const tsc_sink *sink) {
  auto done = [&](int32_t otherwise) {
    int32_t status = deliver(sink, job.list);
    return status ? status : otherwise;
  };
  bool onlyTile = text(request.emits) == "tile";
  std::unique_ptr<TargetCompiler> target;
  if (!onlyTile || request.target.n) {
    target = TargetCompiler::open(text(request.target), job.plugins(), job.list);
    if (!target)
      return done(TSC_UNAVAILABLE);
  }
  if (!job.emitTile(target.get()))
    return done(TSC_USER_ERROR);
  if (job.wants("tile"))
    job.emitModule("tile");
  if (onlyTile)
    return done(TSC_OK);
  if (target->takesLayouts()) {
    if (!job.lowerToLayouts(*target))
      return done(TSC_USER_ERROR);
    if (job.wants("layout"))
      job.emitModule("layout");
  }
  auto module = job.bytecode();
  if (!module)
    return done(TSC_INTERNAL);
  if (job.wants("tbc"))
    emit(sink, "tbc", job.kernel(), tbc::print(*module));
  tbc::WriteResult bytes = tbc::writeModule(*module);
  if (!bytes) {
    job.list.add(DiagId::InternalError, {}, "the bytecode cannot be written: " + bytes.error);
    return done(TSC_INTERNAL);
  }
  if (job.wants("bytecode"))
    emit(sink, "bytecode", job.kernel(), {reinterpret_cast<const char *>(bytes.bytes.data()), bytes.bytes.size()});
  TargetRequest targetRequest{bytes.bytes,      job.kernel(),         static_cast<uint32_t>(job.number("opt_level", 0)),
                              job.options(),    job.wants("llvm"),    job.wants("asm"),
                              job.wants("obj"), job.wants("artifact")};
  if (targetRequest.needed() && !target->compile(targetRequest, sink, job.list))
    return done(TSC_INTERNAL);
  return done(TSC_OK);
}

} // namespace

int32_t tsc_compile(const tsc_source *source, const tsc_request *request, const tsc_sink *sink) {
  Job job(*source, *request, sink);
  return run(job, *request, sink);
}

namespace tessera::compiler {
std::optional<tbc::Module> compileToBytecode(const tsc_source &source, const tsc_request &request, const tsc_sink *sink,
                                             DiagnosticList &list) {
  Job job(source, request, sink);
  std::optional<tbc::Module> module;
  if (job.emitTile(nullptr))
    module = job.bytecode();
  for (const Diagnostic &d : job.list.all())
    list.add(d);
  return module;
}
} // namespace tessera::compiler
