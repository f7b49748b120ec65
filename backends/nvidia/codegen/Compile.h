// Compile.h - LAYOUT bytecode to PTX: the code generator of the NVIDIA backend
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "backends/nvidia/codegen/NvLaneTarget.h"
#include "core/bytecode/Module.h"

#include <functional>
#include <string>
#include <vector>

namespace tessera::nvidia {

struct CompileOptions {
  std::string entry;         // one kernel of the module; empty: all
  std::string cpu = "sm_80"; // LLVM's name of the processor
  ArchFacts arch;
  KernelLimits limits;
  LibraryPaths libraries;
  bool contract = true; // a * b + c may be fused
  bool flush = false;   // subnormals that exp2, sqrt, rsqrt and the exact exp take or give may be zero
  bool lineInfo = true;
  int optLevel = 3;                // 0 to 3
  std::function<bool()> cancelled; // asked between stages; true ends the compile with an error
  bool emitLlvm = false;           // fill CompileResult::llvm and llvmOptimised
};

struct CompileResult {
  bool ok = false;
  bool unsupported = false; // not ok because of what the kernel asks for, not because of a defect
  std::string error;
  tbc::LocId loc = tbc::kNone; // of the op it is about
  std::string op;              // its name
  std::string ptx, llvm, llvmOptimised;
  uint32_t liveRegisters = 0;         // of the kernel that has the most live at once (LiveRegisters.h); an estimate
  uint64_t llvmTime = 0, ptxTime = 0; // nanoseconds: bytecode to optimised LLVM IR, that to PTX
};

// Pure and thread-safe: every call has its own LLVM context. The module has passed tbc::verify and is of level Layout.
CompileResult compile(const tbc::Module &module, const CompileOptions &options);

} // namespace tessera::nvidia
