// Movement.cpp - tiles between lanes: shape ops, conversions of layout, shared tensors
//
// SPDX-License-Identifier: Apache-2.0
#include "core/codegen/simt/Emitter.h"

using namespace llvm;
using tessera::tbc::Op;

namespace tessera::codegen::simt {

bool Emitter::movement(const Op &) { return false; }

} // namespace tessera::codegen::simt
