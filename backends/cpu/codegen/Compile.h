// Compile.h - TILE bytecode to a CPU image: the compiler role of the CPU backend
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytecode/Module.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace tessera::cpu {

// A target's name: "x86-64-v2", "x86-64-v3", "x86-64-v4", "native", with features beyond the level after a colon, each with a
// plus behind it ("x86-64-v4:avx512bf16+:avx512vnni+"). `native` is resolved to the processor this runs on.
struct CpuTarget {
  std::string name = "native";
};

struct CompileOptions {
  std::string entry;               // one kernel of the module; empty: all
  std::optional<bool> fpFusion;    // unset: the module's option "fp_fusion", default true
  std::function<bool()> cancelled; // asked between stages; true ends the compile with an error
  int optLevel = 2;                // of code generation, 0 to 3
  bool emitLlvm = false;           // fill CompileResult::llvm and llvmOptimised
  bool emitAssembly = false;       // fill CompileResult::assembly
  bool emitObject = false;         // fill CompileResult::object
  bool noStream = false;           // no stores past the cache
};

struct CompileResult {
  bool ok = false;
  bool unsupported = false;    // not ok because of what the kernel asks for, not because of a defect
  std::string error;           // one sentence, when not ok
  tbc::LocId loc = tbc::kNone; // of the op it is about
  std::vector<uint8_t> image;
  std::string target; // as in the image: `native` resolved
  std::string llvm, llvmOptimised, assembly;
  std::vector<uint8_t> object;
  struct Kernel {
    std::string name;
    uint64_t scratchBytes = 0;
  };
  std::vector<Kernel> kernels;
  uint64_t llvmTime = 0, objectTime = 0; // nanoseconds: bytecode to optimised LLVM IR, that to the image
};

// Pure: depends on its arguments only (and on the processor, for `native`). Thread-safe: every call has its own LLVM context.
// The module must have passed tbc::verify and be of level Tile.
CompileResult compile(const tbc::Module &module, const CpuTarget &target, const CompileOptions &options);

// The names that compile() takes, without features.
const std::vector<std::string> &targetNames();
// "native" and aliases to the full name; false with a reason for a name that is not a CPU target.
bool resolveTarget(const std::string &name, std::string &full, std::string &why);

} // namespace tessera::cpu
