// Compiler.h - libtessera_compiler, opened at the first compile, and its entry points for Python
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "frontends/compiler/tessera_compiler.h"
#include "frontends/python/extension/Reference.h"

namespace tessera::python {

// The functions of tessera_compiler.h.
struct CompilerLibrary {
  decltype(&tsc_source_open_function) sourceOpenFunction = nullptr;
  decltype(&tsc_source_close) sourceClose = nullptr;
  decltype(&tsc_compile) compile = nullptr;
  decltype(&tsc_lower) lower = nullptr;
  decltype(&tsc_interpret) interpret = nullptr;
  decltype(&tsc_build_id) buildId = nullptr;
  decltype(&tsc_emitter_call) emitterCall = nullptr;
  decltype(&tsc_emitter_error) emitterError = nullptr;
  std::string path; // of the library

  // The folder of libtessera.so, with a slash, and the file that load() opens.
  static std::string folder();
  static std::string locate();
  // TESSERA_COMPILER_LIBRARY, else beside libtessera. Opened once a process, never closed. Null: ImportError is set.
  static const CompilerLibrary *load();
};

extern PyMethodDef compilerFunctions[];

} // namespace tessera::python
