// Compile.cpp - tsc_compile: the frontend, then Lowering.h
// SPDX-License-Identifier: Apache-2.0
#include "frontends/compiler/Source.h"

#include "core/pipeline/Context.h"
#include "frontends/compiler/Lowering.h"
#include "frontends/compiler/TileBytes.h"
#include "mlir/IR/BuiltinOps.h"

using namespace tessera;
using namespace tessera::compiler;

namespace {

// The frontend's part of one compile. Each step returns false after adding an error.
class Job {
public:
  Job(const tsc_source &source, const tsc_request &request)
      : source_(const_cast<tsc_source &>(source)), request_(request), kernel_(text(request.kernel)), options(request) {}

  // Makes module(), not simplified yet.
  bool emitTile(const TargetCompiler *target);
  mlir::ModuleOp module() { return *module_; }
  tile::SourceFiles files() const { return {source_.file}; }
  const std::string &kernel() const { return kernel_; }

private:
  bool signature(py::KernelSignature &out);

  tsc_source &source_;
  const tsc_request &request_;
  std::string kernel_;
  std::unique_ptr<mlir::MLIRContext> context_;
  mlir::OwningOpRef<mlir::ModuleOp> module_;

public:
  const RequestOptions options;
  DiagnosticList list;
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
    emitOptions.debug = options.number("debug", 0) != 0;
    emitOptions.numWarps = options.number("num_warps", 4);
    emitOptions.numStages = options.number("num_stages", 3);
    emitOptions.numCtas = options.number("num_ctas", 1);
    if (options.has("unsupported_fp8"))
      emitOptions.unsupportedFp8 = options.list("unsupported_fp8");
    else if (target)
      emitOptions.unsupportedFp8 = target->unsupportedFp8();
    emitOptions.targetName = text(request_.target);
    emitOptions.targetName.erase(0, emitOptions.targetName.rfind('/') + 1); // plugin/target
    py::loadSemaDialects(*context_);
    module_ = py::emitKernel(*context_, *source_.module, kernel_, kernelSignature, emitOptions, source_.host, list);
  }
  if (!module_ || list.hasErrors())
    return false;
  if (std::string fusion = options.option("fp_fusion"); !fusion.empty()) {
    mlir::NamedAttrList facts((*module_)->getAttrOfType<mlir::DictionaryAttr>("tile.options"));
    facts.set("fp_fusion",
              mlir::IntegerAttr::get(mlir::IntegerType::get(context_.get(), 64), options.number("fp_fusion", 1)));
    (*module_)->setAttr("tile.options", facts.getDictionary(context_.get()));
  }
  return true;
}

int32_t run(Job &job, const tsc_request &request, const tsc_sink *sink) {
  auto done = [&](int32_t otherwise) {
    int32_t status = deliver(sink, job.list);
    return status ? status : otherwise;
  };
  bool onlyFrontend = job.options.wantsOnly("tile_bytes");
  std::unique_ptr<TargetCompiler> target;
  // A caller that knows the target's facts needs no plugin here.
  if (onlyFrontend ? request.target.n && !job.options.has("unsupported_fp8")
                   : request.target.n || !job.options.wantsOnly("tile")) {
    target = TargetCompiler::open(text(request.target), job.options.plugins(), sink, job.list);
    if (!target)
      return done(TSC_UNAVAILABLE);
  }
  enterStage(sink, "frontend", {});
  if (!job.emitTile(target.get()))
    return done(TSC_USER_ERROR);
  if (job.options.wants("tile_bytes")) {
    std::string bytes = writeTileBytes(job.module(), job.kernel(), job.files());
    if (bytes.empty()) {
      job.list.add(DiagId::InternalError, {}, "the tile module cannot be written as bytes");
      return done(TSC_INTERNAL);
    }
    emit(sink, "tile_bytes", job.kernel(), bytes);
  }
  if (onlyFrontend)
    return done(TSC_OK);
  Lowering lowering(job.module(), job.kernel(), job.files(), job.options, sink, job.list);
  return done(lowering.run(job.options.wantsOnly("tile") ? nullptr : target.get()));
}

} // namespace

int32_t tsc_compile(const tsc_source *source, const tsc_request *request, const tsc_sink *sink) {
  Job job(*source, *request);
  return run(job, *request, sink);
}

namespace tessera::compiler {
std::optional<tbc::Module> compileToBytecode(const tsc_source &source, const tsc_request &request, const tsc_sink *sink,
                                             DiagnosticList &list) {
  Job job(source, request);
  std::optional<tbc::Module> module;
  if (job.emitTile(nullptr)) {
    Lowering lowering(job.module(), job.kernel(), job.files(), job.options, sink, job.list);
    if (lowering.simplify())
      module = lowering.bytecode();
  }
  for (const Diagnostic &d : job.list.all())
    list.add(d);
  return module;
}
} // namespace tessera::compiler
