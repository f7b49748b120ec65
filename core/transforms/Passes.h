// Passes.h - the neutral passes over tile IR; each is described in Passes.td
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "mlir/Pass/Pass.h"
#include <memory>

namespace tessera::tile {

#define GEN_PASS_DECL
#include "core/transforms/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "core/transforms/Passes.h.inc"

} // namespace tessera::tile
