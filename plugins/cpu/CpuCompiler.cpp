// CpuCompiler.cpp - registers the CPU compiler: bytes to a checked module to an image; the code generator is backends/cpu/codegen
// SPDX-License-Identifier: Apache-2.0
#include "core/bytecode/Wire.h"
#define TSR_PLUGIN_IR_MAX TSR_IR_VERSION(tessera::tbc::kMajor, tessera::tbc::kMinor)
#include "plugins/cpu/ProcessorTarget.h"

#include "backends/cpu/codegen/Compile.h"
#include "core/bytecode/PackedArguments.h"
#include "core/bytecode/Reader.h"
#include "core/bytecode/Verifier.h"

namespace tessera::cpu {

namespace {

// The op at a location, for the diagnostic; empty where several or none have it.
std::string opAt(const tbc::Region &region, tbc::LocId loc) {
  for (const tbc::Op &op : region.ops) {
    if (op.loc == loc && op.regions.empty())
      return std::string(tbc::opInfo(op.code)->name);
    for (const tbc::Region &inner : op.regions)
      if (std::string found = opAt(inner, loc); !found.empty())
        return found;
  }
  return {};
}

sdk::Error errorOf(const tbc::Module &module, const CompileResult &r, std::string_view target) {
  sdk::Error e(r.unsupported ? TSR_E_UNSUPPORTED : TSR_E_INTERNAL, r.error + " (target " + std::string(target) + ")");
  if (r.loc < module.locs.size()) {
    const tbc::Loc &l = module.locs[r.loc];
    e.at(l.file < module.files.size() ? module.files[l.file] : std::string(), l.line, l.column);
    for (const tbc::Function &f : module.functions)
      if (e.op.empty())
        e.inOp(opAt(f.body, r.loc));
  }
  return e;
}

// Arguments packed in order at natural alignment, as Image.h promises them to the kernel.
sdk::KernelInfo describe(const tbc::Module &module, const tbc::Function &f, uint64_t scratch) {
  sdk::KernelInfo k;
  k.name = f.name;
  k.scratch = scratch;
  k.argAlign = 8;
  tbc::PackedArguments packed = tbc::packArguments(module, f);
  for (const tbc::PackedArgument &p : packed.arguments) {
    sdk::KernelArg a{p.param->name, p.offset, p.size, TSR_ARG_INT, 0};
    if (p.type->pointer) {
      a.kind = TSR_ARG_POINTER;
      a.flags = p.param->readOnly ? TSR_ARG_READONLY : 0;
    } else if (tbc::isFloat(p.type->elem)) {
      a.kind = TSR_ARG_FLOAT;
      a.flags = p.type->elem == tbc::Elem::BF16 ? TSR_ARG_BFLOAT : 0;
    } else if (p.param->isUnsigned || p.type->elem == tbc::Elem::I1) {
      a.flags = TSR_ARG_UNSIGNED;
    }
    k.args.push_back(std::move(a));
  }
  k.argBytes = packed.bytes;
  return k;
}

tbc::Module readChecked(const sdk::CompileJob &job) {
  tbc::ReadResult read = tbc::readModule({job.ir, static_cast<size_t>(job.irBytes)});
  if (!read)
    throw sdk::Error(TSR_E_INVALID, read.text());
  std::vector<tbc::VerifyError> errors = tbc::verifyModule(*read.module);
  if (!errors.empty())
    throw sdk::Error(TSR_E_INVALID, tbc::verifyErrorText(*read.module, errors.front()));
  if (read.module->level != tbc::Level::Tile)
    throw sdk::Unsupported("LAYOUT bytecode", "", job.target.canonical());
  return std::move(*read.module);
}

// Libraries of bitcode are for the device of one vendor; a kernel that asks for one is told so at its definition.
void refuseLibraries(const tbc::Module &module, const sdk::CompileJob &job) {
  std::string libraries = job.options.get("extern_libs");
  if (libraries.empty())
    return;
  sdk::Error e(TSR_E_UNSUPPORTED, "the CPU links no libraries of bitcode (extern_libs: " + libraries + ")");
  for (const tbc::Function &f : module.functions)
    if ((job.entry.empty() || f.name == job.entry) && f.loc < module.locs.size()) {
      const tbc::Loc &l = module.locs[f.loc];
      e.at(l.file < module.files.size() ? module.files[l.file] : std::string(), l.line, l.column);
    }
  throw e;
}

} // namespace

class CpuCompiler final : public sdk::Compiler {
public:
  void compile(sdk::CompileJob &job) override {
    tbc::Module module = readChecked(job);
    if (!job.entry.empty() && std::none_of(module.functions.begin(), module.functions.end(),
                                           [&](const tbc::Function &f) { return f.name == job.entry; }))
      throw sdk::NotFound("the bytecode has no kernel '" + std::string(job.entry) + "'");
    refuseLibraries(module, job);
    CompileOptions options;
    options.entry = std::string(job.entry);
    if (!job.options.get("fp_fusion").empty())
      options.fpFusion = job.options.flag("fp_fusion", true);
    // 3, the default, is what the code generator thinks best.
    options.optLevel = static_cast<int>(job.options.integer("opt", job.optLevel == 3 ? 2 : job.optLevel - 1));
    options.noStream = !job.options.flag("stream", true);
    options.cancelled = [&] { return job.sink.cancelled(); };
    options.emitLlvm = job.wants(TSR_EMIT_IR_DUMP);
    options.emitAssembly = job.wants(TSR_EMIT_ASM);
    options.emitObject = job.wants(TSR_EMIT_OBJECT);
    CompileResult r = cpu::compile(module, CpuTarget{std::string(job.target.canonical())}, options);
    job.throwIfCancelled();
    if (!r.ok)
      throw errorOf(module, r, job.target.canonical());
    if (options.emitLlvm) {
      job.dump("llvm", r.llvm);
      job.dump("llvm-opt", r.llvmOptimised);
    }
    if (options.emitAssembly)
      job.assembly(r.assembly);
    if (options.emitObject)
      job.object(r.object.data(), r.object.size());
    job.timing({{"llvm", r.llvmTime}, {"obj", r.objectTime}});
    job.artifact(r.image.data(), r.image.size());
    for (const CompileResult::Kernel &k : r.kernels)
      for (const tbc::Function &f : module.functions)
        if (f.name == k.name)
          job.kernel(describe(module, f, k.scratchBytes));
  }
};

} // namespace tessera::cpu

TSR_PLUGIN("cpu", "0.1.0", tessera::cpu::ProcessorTarget, tessera::cpu::CpuCompiler, void)
