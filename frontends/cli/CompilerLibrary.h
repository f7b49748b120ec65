// CompilerLibrary.h - libtessera_compiler.so, opened only when something must be compiled
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "frontends/compiler/tessera_compiler.h"

#include <string>

namespace tessera::cli {

// The functions of tessera_compiler.h. All pointers are set once load() succeeded.
struct CompilerLibrary {
  decltype(&tsc_source_open) sourceOpen = nullptr;
  decltype(&tsc_source_close) sourceClose = nullptr;
  decltype(&tsc_source_kernels) sourceKernels = nullptr;
  decltype(&tsc_source_params) sourceParams = nullptr;
  decltype(&tsc_compile) compile = nullptr;
  decltype(&tsc_lower) lower = nullptr;
  decltype(&tsc_interpret) interpret = nullptr;
  decltype(&tsc_build_id) buildId = nullptr;

  // Looks in TESSERA_COMPILER_LIBRARY, then ../lib beside the executable, then the system's search path. Opened once a
  // process and never closed. nullptr, and `error`, on failure.
  static const CompilerLibrary *load(std::string &error);
  // The file that load() opens, found without opening it; empty where only the system's search path may have it.
  static std::string locate();
};

// Directory of the running executable, with a trailing slash.
std::string executableDirectory();

} // namespace tessera::cli
