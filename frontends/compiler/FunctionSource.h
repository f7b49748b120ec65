// FunctionSource.h - the syntax trees of jit functions that live in a host, parsed once a process
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "frontends/compiler/tessera_compiler.h"
#include "frontends/python/syntax/Ast.h"

#include <memory>

namespace tessera::compiler {

// Immutable once made; shared by compiles of all threads.
struct FunctionSource {
  std::shared_ptr<const SourceFile> file; // the text as it stands in the real file: lines and columns are the file's
  py::Arena arena;
  const py::FunctionDef *def = nullptr;
};

// Kept under the function's key as long as there is room (the least recently used goes first). Null after syntax errors. Any
// thread may call.
std::shared_ptr<const FunctionSource> functionSource(const tsc_host_function &function, DiagnosticList &out);

} // namespace tessera::compiler
