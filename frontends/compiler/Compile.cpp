// Compile.cpp - tsc_compile: the frontend, then Lowering.h
// SPDX-License-Identifier: Apache-2.0
#include "frontends/compiler/Source.h"

#include "core/ir/Tile.h"
#include "core/pipeline/Context.h"
#include "frontends/compiler/Bindings.h"
#include "frontends/compiler/CallbackHost.h"
#include "frontends/compiler/Lowering.h"
#include "frontends/compiler/TileBytes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
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
  const tile::SourceFiles &files() const { return files_; }
  const std::string &kernel() const { return kernel_; }

private:
  bool visitFile(const py::EmitOptions &emitOptions);
  bool visitFunction(const py::EmitOptions &emitOptions);

  tsc_source &source_;
  const tsc_request &request_;
  std::string kernel_;
  tile::SourceFiles files_;
  LeasedContext context_;
  mlir::OwningOpRef<mlir::ModuleOp> module_;

public:
  const RequestOptions options;
  StageTimes times;
  DiagnosticList list;
};

bool Job::visitFile(const py::EmitOptions &emitOptions) {
  std::lock_guard lock(source_.mutex);
  files_ = {source_.file};
  auto signature = readBindings(request_, nullptr, list);
  if (signature)
    module_ = py::emitKernel(*context_, *source_.module, kernel_, *signature, emitOptions, source_.host, list);
  return module_ && !list.hasErrors();
}

bool Job::visitFunction(const py::EmitOptions &emitOptions) {
  CallbackHost host(source_.callbacks);
  auto function = host.kernel(source_.function, list);
  if (!function)
    return false;
  if (!kernel_.empty())
    function->name = kernel_;
  kernel_ = function->name;
  if (auto signature = readBindings(request_, &host, list))
    module_ = py::emitKernel(*context_, *function, *signature, emitOptions, host, list);
  files_ = host.files();
  return module_ && !list.hasErrors();
}

bool Job::emitTile(const TargetCompiler *target) {
  context_ = leaseContext();
  py::loadSemaDialects(*context_);
  py::EmitOptions emitOptions;
  emitOptions.debug = options.number("debug", 0) != 0;
  emitOptions.sanitizeOverflow = options.number("sanitize_overflow", 1) != 0;
  emitOptions.numWarps = options.number("num_warps", 4);
  emitOptions.numStages = options.number("num_stages", 3);
  emitOptions.numCtas = options.number("num_ctas", 1);
  emitOptions.defaultImprecise = options.number("max_num_imprecise_acc_default", emitOptions.defaultImprecise);
  emitOptions.allowNonConstexprGlobals = options.number("allow_non_constexpr_globals", 0) != 0;
  if (options.has("unsupported_fp8"))
    emitOptions.unsupportedFp8 = options.list("unsupported_fp8");
  else if (target)
    emitOptions.unsupportedFp8 = target->unsupportedFp8();
  emitOptions.targetName = text(request_.target);
  emitOptions.targetName.erase(0, emitOptions.targetName.rfind('/') + 1); // plugin/target
  // Matrix units of these targets read fp32 as tf32, which is what Triton's programs expect of them.
  bool hasTF32 = emitOptions.targetName.starts_with("sm_") || emitOptions.targetName.starts_with("compute_");
  emitOptions.defaultDotPrecision = options.has("default_dot_input_precision")
                                        ? options.option("default_dot_input_precision")
                                        : std::string(hasTF32 ? "tf32" : "ieee");
  if (!(source_.isLive() ? visitFunction(emitOptions) : visitFile(emitOptions)))
    return false;
  if (!options.option("fp_fusion").empty()) {
    mlir::NamedAttrList facts((*module_)->getAttrOfType<mlir::DictionaryAttr>("tile.options"));
    facts.set("fp_fusion",
              mlir::IntegerAttr::get(mlir::IntegerType::get(context_.get(), 64), options.number("fp_fusion", 1)));
    (*module_)->setAttr("tile.options", facts.getDictionary(context_.get()));
  }
  return true;
}

// What is known of the kernel's arguments without a target: no offsets yet.
void giveFacts(mlir::ModuleOp module, const std::string &kernel, const tsc_sink *sink) {
  if (!sink || !sink->kernel)
    return;
  auto function = *module.getOps<mlir::func::FuncOp>().begin();
  std::vector<tsc_arg> args;
  for (unsigned i = 0; i < function.getNumArguments(); ++i) {
    mlir::Type type = function.getArgument(i).getType();
    auto name = function.getArgAttrOfType<mlir::StringAttr>(i, "tile.name");
    bool isPointer = llvm::isa<tile::PointerType>(type);
    tsc_arg a{};
    a.name = view(name ? std::string_view(name.getValue()) : std::string_view());
    a.size = isPointer ? 8 : (type.getIntOrFloatBitWidth() + 7) / 8;
    a.kind = isPointer ? 2 : llvm::isa<mlir::FloatType>(type) ? 1 : 0;
    a.flags = function.getArgAttr(i, "tile.read_only") ? 1 : 0;
    args.push_back(a);
  }
  tsc_kernel_info info{};
  info.size = sizeof info;
  info.num_args = static_cast<uint32_t>(args.size());
  info.name = view(kernel);
  info.args = args.data();
  sink->kernel(sink->user, &info);
}

int32_t run(Job &job, const tsc_request &request, const tsc_sink *sink) {
  auto done = [&](int32_t otherwise) {
    if (job.options.timing())
      emit(sink, "timing", job.kernel(), job.times.json());
    int32_t status = deliver(sink, job.list);
    return status ? status : otherwise;
  };
  bool onlyFrontend = job.options.wantsOnly("tile_bytes");
  std::unique_ptr<TargetCompiler> target;
  job.times.enter("target");
  // A caller that knows the target's facts needs no plugin here.
  if (onlyFrontend ? request.target.n && !job.options.has("unsupported_fp8")
                   : request.target.n || !job.options.wantsOnly("tile")) {
    target = TargetCompiler::open(text(request.target), job.options.plugins(), sink, job.list);
    if (!target)
      return done(TSC_UNAVAILABLE);
  }
  enterStage(sink, "frontend", {});
  job.times.enter("frontend");
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
  if (onlyFrontend || job.options.wantsOnly("tile"))
    giveFacts(job.module(), job.kernel(), sink);
  if (onlyFrontend)
    return done(TSC_OK);
  Lowering lowering(job.module(), job.kernel(), job.files(), job.options, job.times, sink, job.list);
  return done(lowering.run(job.options.wantsOnly("tile") ? nullptr : target.get()));
}

} // namespace

int32_t tsc_compile(const tsc_source *source, const tsc_request *request, const tsc_sink *sink) {
  Job job(*source, *request);
  return run(job, *request, sink);
}

namespace tessera::compiler {
std::optional<tbc::Module> compileToBytecode(const tsc_source &source, const tsc_request &request, const tsc_sink *sink,
                                             DiagnosticList &list, tile::SourceFiles *files) {
  Job job(source, request);
  std::optional<tbc::Module> module;
  if (job.emitTile(nullptr)) {
    Lowering lowering(job.module(), job.kernel(), job.files(), job.options, job.times, sink, job.list);
    if (lowering.simplify(nullptr))
      module = lowering.bytecode();
  }
  if (files)
    *files = job.files();
  for (const Diagnostic &d : job.list.all())
    list.add(d);
  return module;
}
} // namespace tessera::compiler
