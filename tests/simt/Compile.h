// Compile.h - LAYOUT bytecode through the lane emitter to an image of the host's machine code
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytecode/Module.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tessera::simt {

struct CompileOptions {
  std::string entry; // one kernel of the module; empty: all
  unsigned lanes = 32;
  bool contract = true;
  bool warpReductions = false;
  bool emitLlvm = false; // fill CompileResult::llvm
};

struct CompileResult {
  std::string error;           // empty: it worked
  bool unsupported = false;    // the emitter has no lowering for it
  std::string op;              // of the error, where one op is to blame
  tbc::LocId loc = tbc::kNone; // its place
  std::vector<uint8_t> image;  // backends/cpu/image/Image.h, entries as Lane.h says
  std::string llvm;
  std::vector<std::string> kernels;
};

// `m` has passed tbc::verifyModule and is of level Layout. Thread-safe; equal bytes for equal input.
CompileResult compile(const tbc::Module &m, const CompileOptions &options);

} // namespace tessera::simt
