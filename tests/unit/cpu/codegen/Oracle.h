// Oracle.h - runs one module in the interpreter and as compiled code on equal memory
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytecode/Text.h"
#include "core/bytecode/Verifier.h"
#include "core/interpreter/Interpreter.h"
#include "tests/unit/cpu/codegen/KernelRunner.h"

namespace tessera::cpu {

// The kernel's parameters are pointers, one for each buffer. Both sides start from `buffers`; the results are in `expected`
// and `actual`. False with a message when either side fails.
struct Oracle {
  std::vector<std::vector<uint8_t>> buffers, expected, actual;
  std::string error;
  uint64_t scratch = 0;

  bool run(const tbc::Module &m, int32_t x = 1, const std::string &target = "native") {
    expected = actual = buffers;
    std::vector<uint64_t> args;
    for (auto &e : expected)
      args.push_back(reinterpret_cast<uint64_t>(e.data()));
    interp::Result r = interp::run(m, m.functions[0].name, {uint32_t(x), 1, 1}, args);
    if (!r.ok()) {
      error = "interpreter: " + r.diagnostics[0].message;
      return false;
    }
    CompileOptions o;
    o.emitLlvm = getenv("TESSERA_TEST_DUMP") != nullptr;
    KernelRunner k(m, o, target);
    if (!k.ok()) {
      error = "compile: " + k.result.error + k.result.llvm;
      return false;
    }
    if (o.emitLlvm)
      fprintf(stderr, "%s\n", k.result.llvmOptimised.c_str());
    for (auto &a : actual)
      k.arg(a.data());
    k.run(x);
    scratch = k.entry.scratchBytes;
    return true;
  }
};

} // namespace tessera::cpu
