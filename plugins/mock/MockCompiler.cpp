// MockCompiler.cpp - checks the module against the device's limits, packs it, says how to launch it
// SPDX-License-Identifier: Apache-2.0
#include "plugins/mock/MockCompiler.h"

#include "core/bytecode/PackedArguments.h"
#include "core/bytecode/Reader.h"
#include "core/bytecode/Verifier.h"
#include "plugins/mock/device/Program.h"

#include <set>

namespace tessera::mock {

namespace {

sdk::KernelInfo infoOf(const tbc::Module &m, const tbc::Function &f, uint32_t warps) {
  sdk::KernelInfo info;
  info.name = f.name;
  tbc::PackedArguments packed = tbc::packArguments(m, f);
  for (const tbc::PackedArgument &p : packed.arguments) {
    sdk::KernelArg a;
    a.name = p.param->name;
    a.offset = p.offset;
    a.size = p.size;
    a.kind = p.type->pointer ? TSR_ARG_POINTER : tbc::isFloat(p.type->elem) ? TSR_ARG_FLOAT : TSR_ARG_INT;
    a.flags = (p.param->isUnsigned ? TSR_ARG_UNSIGNED : 0) | (p.param->readOnly ? TSR_ARG_READONLY : 0);
    info.args.push_back(a);
  }
  info.argBytes = packed.bytes;
  info.argAlign = 8;
  info.block[0] = 32 * static_cast<uint32_t>(tbc::blockWarps(m, f));
  info.block[1] = info.block[2] = 1;
  info.smemStatic = static_cast<uint64_t>(m.option("shared_bytes"));
  return info;
}

// The first op that is code of some target, or null.
const tbc::Op *foreignCode(const tbc::Region &region) {
  for (const tbc::Op &op : region.ops) {
    if (op.code == tbc::Opcode::InlineAsm || op.code == tbc::Opcode::ExternElementwise)
      return &op;
    for (const tbc::Region &inner : op.regions)
      if (const tbc::Op *found = foreignCode(inner))
        return found;
  }
  return nullptr;
}

void place(sdk::Error &e, const tbc::Module &module, tbc::LocId loc) {
  if (loc >= module.locs.size())
    return;
  const tbc::Loc &l = module.locs[loc];
  e.at(l.file < module.files.size() ? module.files[l.file] : std::string(), l.line, l.column);
}

void refuseForeignCode(const tbc::Module &module, const std::string &libraries) {
  for (const tbc::Function &f : module.functions) {
    if (!libraries.empty()) {
      sdk::Error e(TSR_E_UNSUPPORTED, "mock links no libraries of bitcode (extern_libs: " + libraries + ")");
      place(e, module, f.loc);
      throw e;
    }
    const tbc::Op *op = foreignCode(f.body);
    if (!op)
      continue;
    bool isAsm = op->code == tbc::Opcode::InlineAsm;
    sdk::Error e(TSR_E_UNSUPPORTED,
                 isAsm ? "mock takes no inline assembly"
                       : "mock has no function `" + std::string(op->strAttr(tbc::AttrId::Symbol)) + "`");
    place(e, module, op->loc);
    e.inOp(std::string(tbc::opInfo(op->code)->name));
    throw e;
  }
}

} // namespace

void MockCompiler::compile(sdk::CompileJob &job) {
  auto result = tbc::readModule({job.ir, job.irBytes});
  if (!result)
    throw sdk::Error(TSR_E_INVALID, result.text());
  auto &module = result.module;
  if (module->level != tbc::Level::Layout)
    throw sdk::Unsupported("TILE bytecode", "", "mock");
  if (auto errors = tbc::verifyModule(*module); !errors.empty())
    throw sdk::Error(TSR_E_INVALID, tbc::verifyErrorText(*module, errors));
  refuseForeignCode(*module, job.options.get("extern_libs"));
  auto warps = static_cast<uint32_t>(module->option("num_warps", 4));
  if (warps == 0 || warps > kMaxWarps || (warps & (warps - 1)))
    throw sdk::Error(TSR_E_UNSUPPORTED, "mock runs 1, 2 or 4 warps a program, not " + std::to_string(warps));
  if (module->option("shared_bytes") > kSharedBytes)
    throw sdk::Error(TSR_E_UNSUPPORTED, "the kernel needs " + std::to_string(module->option("shared_bytes")) +
                                            " bytes of shared memory, mock has " + std::to_string(kSharedBytes));
  try {
    LayoutTables tables(*module, warps);
  } catch (const Fault &f) {
    throw sdk::Error(TSR_E_INVALID, f.what());
  }
  // num_warps and stages are what the core decided already; naming them keeps the SDK from calling them unknown.
  for (const char *key : {"num_warps", "num_stages", "num_ctas", "fp_fusion"})
    (void)job.options.get(key);
  job.throwIfCancelled();
  std::string artifact(kArtifactMagic, sizeof kArtifactMagic);
  artifact.append(reinterpret_cast<const char *>(job.ir), job.irBytes);
  for (const tbc::Function &f : module->functions)
    if (job.entry.empty() || f.name == job.entry)
      job.kernel(infoOf(*module, f, warps));
  job.artifact(artifact.data(), artifact.size());
}

} // namespace tessera::mock
