// Bindings.h - the bindings of a request as the signature of a kernel
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "frontends/compiler/tessera_compiler.h"
#include "frontends/python/sema/Sema.h"

#include <optional>

namespace tessera::compiler {

class CallbackHost;

// host: what constants that are objects belong to; null for a source that is a file. Null after errors, which are in `out`.
std::optional<py::KernelSignature> readBindings(const tsc_request &request, CallbackHost *host, DiagnosticList &out);

} // namespace tessera::compiler
