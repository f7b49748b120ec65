// Signature.h - constants of a signature that are names of the kernel's module
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "frontends/python/sema/Sema.h"

namespace tessera::py {

// parseSignature does not know the module: `FORM=exact` stays a name until here. False and a diagnostic where there is
// no such name.
bool resolveNames(HostInterface &host, const JitFunction &kernel, KernelSignature &signature, DiagnosticList &out);

} // namespace tessera::py
