// EveryOp.h - modules that hold every op of the table at least once, well-formed
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytecode/Module.h"

namespace tessera::samples {

std::string_view everyTileOpText();   // the text form (core/bytecode/Text.h)
std::string_view everyLayoutOpText(); // the ops of LAYOUT level
tbc::Module everyTileOp();
tbc::Module everyLayoutOp();

} // namespace tessera::samples
