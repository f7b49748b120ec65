// SimtCompiler.cpp - see SimtCompiler.h
//
// SPDX-License-Identifier: Apache-2.0
#include "tests/simt/SimtCompiler.h"

#include "core/bytecode/Reader.h"
#include "core/bytecode/Verifier.h"
#include "tests/simt/Compile.h"
#include "tests/simt/SimtTarget.h"

#include <algorithm>

namespace tessera::simt {

namespace {

sdk::KernelInfo infoOf(const tbc::Module &m, const tbc::Function &f) {
  sdk::KernelInfo info;
  info.name = f.name;
  uint32_t at = 0;
  for (const tbc::Param &p : f.params) {
    const tbc::Type &t = m.typeOf(p.value);
    uint32_t size = t.elementBytes();
    at = (at + size - 1) / size * size;
    uint32_t kind = t.pointer ? TSR_ARG_POINTER : tbc::isFloat(t.elem) ? TSR_ARG_FLOAT : TSR_ARG_INT;
    uint32_t flags = (p.isUnsigned ? TSR_ARG_UNSIGNED : 0) | (p.readOnly ? TSR_ARG_READONLY : 0) |
                     (!t.pointer && t.elem == tbc::Elem::BF16 ? TSR_ARG_BFLOAT : 0);
    info.args.push_back({p.name, at, size, kind, flags});
    at += size;
  }
  info.argBytes = at;
  info.block[0] = 32 * static_cast<uint32_t>(tbc::blockWarps(m, f));
  info.block[1] = info.block[2] = 1;
  info.smemStatic = static_cast<uint64_t>(m.option("shared_bytes"));
  return info;
}

sdk::Error errorOf(const tbc::Module &m, const CompileResult &r) {
  sdk::Error e(r.unsupported ? TSR_E_UNSUPPORTED : TSR_E_INTERNAL,
               (r.op.empty() ? r.error : r.op + ": " + r.error) + " (target simt)");
  if (r.loc < m.locs.size()) {
    const tbc::Loc &l = m.locs[r.loc];
    e.at(l.file < m.files.size() ? m.files[l.file] : std::string(), l.line, l.column);
  }
  e.inOp(r.op);
  return e;
}

} // namespace

void SimtCompiler::compile(sdk::CompileJob &job) {
  auto read = tbc::readModule({job.ir, static_cast<size_t>(job.irBytes)});
  if (!read)
    throw sdk::Error(TSR_E_INVALID, read.text());
  const tbc::Module &m = *read.module;
  if (m.level != tbc::Level::Layout)
    throw sdk::Unsupported("TILE bytecode", "", "simt");
  if (auto errors = tbc::verifyModule(m); !errors.empty())
    throw sdk::Error(TSR_E_INVALID, tbc::verifyErrorText(m, errors));
  if (!job.entry.empty() &&
      std::none_of(m.functions.begin(), m.functions.end(), [&](const tbc::Function &f) { return f.name == job.entry; }))
    throw sdk::NotFound("the bytecode has no kernel '" + std::string(job.entry) + "'");
  // What the core decided already; naming the keys keeps the SDK from calling them unknown.
  for (const char *key : {"num_warps", "num_stages", "num_ctas"})
    (void)job.options.get(key);
  const auto &target = static_cast<const SimtTarget &>(job.target);
  CompileOptions options;
  options.entry = std::string(job.entry);
  options.contract = job.options.flag("fp_fusion", m.option("fp_fusion", 1) != 0);
  options.warpReductions = target.hasMatrix();
  options.emitLlvm = job.wants(TSR_EMIT_IR_DUMP);
  job.throwIfCancelled();
  CompileResult r = simt::compile(m, options);
  if (options.emitLlvm)
    job.dump("llvm", r.llvm);
  if (!r.error.empty())
    throw errorOf(m, r);
  for (const tbc::Function &f : m.functions)
    if (job.entry.empty() || f.name == job.entry)
      job.kernel(infoOf(m, f));
  job.artifact(r.image.data(), r.image.size());
}

} // namespace tessera::simt
