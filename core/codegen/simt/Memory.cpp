// Memory.cpp - loads, stores and atomics of global memory, as wide as layout and addresses allow
//
// SPDX-License-Identifier: Apache-2.0
#include "core/codegen/simt/Emitter.h"

using namespace llvm;
using tessera::tbc::Op;

namespace tessera::codegen::simt {

bool Emitter::memory(const Op &) { return false; }

} // namespace tessera::codegen::simt
