// CompilerLibrary.cpp - dlopen of the compiler library
// SPDX-License-Identifier: Apache-2.0
#include "frontends/cli/CompilerLibrary.h"

#include "frontends/worker/CompilerInterface.h"

#include <cstdlib>
#include <unistd.h>
#include <vector>

namespace tessera::cli {

std::string executableDirectory() {
  char path[4096];
  ssize_t n = readlink("/proc/self/exe", path, sizeof path);
  if (n <= 0)
    return "./";
  std::string s(path, static_cast<size_t>(n));
  return s.substr(0, s.rfind('/') + 1);
}

std::string CompilerLibrary::locate() {
  const char *given = std::getenv("TESSERA_COMPILER_LIBRARY");
  std::string path = given ? given : executableDirectory() + "../lib/libtessera_compiler.so";
  return access(path.c_str(), R_OK) == 0 ? path : "";
}

const CompilerLibrary *CompilerLibrary::load(std::string &error) {
  static CompilerLibrary library;
  static bool loaded = false;
  if (loaded)
    return &library;
  std::vector<std::string> candidates;
  if (const char *given = std::getenv("TESSERA_COMPILER_LIBRARY"))
    candidates = {given};
  else
    candidates = {executableDirectory() + "../lib/libtessera_compiler.so", "libtessera_compiler.so"};
  worker::OpenCompiler opened;
  for (const std::string &c : candidates)
    if (opened = worker::OpenCompiler::at(c, error); opened)
      break;
  if (!opened)
    return nullptr;
  auto find = [&](auto &slot, const char *name) { return opened.find(slot, name, error); };
  error.clear();
  loaded = find(library.sourceOpen, "tsc_source_open") && find(library.sourceClose, "tsc_source_close") &&
           find(library.sourceKernels, "tsc_source_kernels") && find(library.sourceParams, "tsc_source_params") &&
           find(library.compile, "tsc_compile") && find(library.lower, "tsc_lower") &&
           find(library.interpret, "tsc_interpret") && find(library.buildId, "tsc_build_id");
  return loaded ? &library : nullptr;
}

} // namespace tessera::cli
