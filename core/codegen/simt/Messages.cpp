// Messages.cpp - print and assert
//
// SPDX-License-Identifier: Apache-2.0
#include "core/codegen/simt/Emitter.h"

using namespace llvm;
using tessera::tbc::Op;

namespace tessera::codegen::simt {

bool Emitter::messages(const Op &) { return false; }

} // namespace tessera::codegen::simt
