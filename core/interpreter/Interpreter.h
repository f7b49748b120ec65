// Interpreter.h - runs a kernel of a bytecode module, op by op: the oracle of the tests, and the debugging mode
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytecode/Module.h"
#include "core/interpreter/Memory.h"
#include "core/support/Diagnostic.h"

#include <array>
#include <functional>
#include <span>

namespace tessera::interp {

struct Options {
  // Every access must lie in a buffer of `memory`; reads of bytes that nothing wrote, and unspecified values (masked-off
  // elements without `other`, poison, division by zero) that reach a store, a branch, an address or a mask are errors.
  // False: addresses are used as they are, and a wrong one is a crash.
  bool checkMemory = false;
  MemoryMap *memory = nullptr;
  // One line of a device print, without its newline. Empty: prints are dropped.
  std::function<void(std::string_view)> print;
  // Texts for the excerpts of diagnostics, found by name.
  std::vector<std::shared_ptr<const SourceFile>> sources;
  uint64_t maxOps = 0;        // of one program; 0: no limit. A program that waits for a later one runs into it.
  size_t maxDiagnostics = 16; // at most one for each op of the kernel
  bool verify = true;         // false: the caller has called verifyModule
  // Atomic additions of f32 take subnormal operands for zeros, and give zeros for subnormal sums, each of its sign: as a device whose
  // memory adds so. The old value that they give back stays as it was.
  bool flushAtomicSums = false;
};

struct Result {
  std::vector<Diagnostic> diagnostics;
  bool ok() const { return diagnostics.empty(); }
};

// Runs the programs of the grid one after the other, x fastest, so that one may wait for an earlier one. args: one bit
// pattern for each parameter (pointers: addresses in this process). A grid with a zero does nothing. LAYOUT modules run
// too: layouts are ignored, shared tensors are plain storage.
// Thread-safe for different memory; a run uses the calling thread only.
Result run(const tbc::Module &module, std::string_view kernel, std::array<uint32_t, 3> grid,
           std::span<const uint64_t> args, const Options &options = {});

} // namespace tessera::interp
