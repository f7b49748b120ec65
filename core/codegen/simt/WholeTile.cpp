// WholeTile.cpp - which whole-tile op goes where
//
// SPDX-License-Identifier: Apache-2.0
#include "core/codegen/simt/Emitter.h"

using namespace llvm;
using tessera::tbc::Op;

namespace tessera::codegen::simt {

bool Emitter::wholeTile(const Op &) { return false; }

} // namespace tessera::codegen::simt
