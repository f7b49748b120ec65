// NullCompiler.cpp - the compiler role of the null plugin: refuses every kernel, in the proper way
//
// SPDX-License-Identifier: Apache-2.0
//
// Clone: read job.ir (core/bytecode/Reader.h has no dependency but the standard library), make code for job.target, and
// answer with job.kernel(info) for every kernel and one job.artifact(bytes, size).
#define TSR_PLUGIN_VENDOR "The Tessera authors"
#define TSR_PLUGIN_RANK 0
#include "plugins/null/NullTarget.h"

namespace tessera::null {

class NullCompiler final : public sdk::Compiler {
public:
  void compile(sdk::CompileJob &job) override {
    job.throwIfCancelled();
    job.dump("null", "; a dump of each stage that has one\n");
    throw sdk::Unsupported("compiling", "any op", job.target.canonical());
  }
  void check(sdk::CompileJob &job) override { throw sdk::Unsupported("compiling", "any op", job.target.canonical()); }
  // Tools and libraries outside this .so that the artifact depends on; its own build id is covered already.
  std::string externalVersions() override { return "none"; }
  std::string disassemble(const sdk::Target &target, const void *, uint64_t) override {
    throw sdk::Unsupported("disassembling", "", target.canonical());
  }
};

} // namespace tessera::null

TSR_PLUGIN("null", "0.1.0", tessera::null::NullTarget, tessera::null::NullCompiler, void)
