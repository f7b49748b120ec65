// TileText.h - a TILE module as text
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytecode/Module.h"

#include <optional>
#include <string>

namespace tessera {

// What tsc_lower takes with its option "file". Nothing where tile IR cannot hold the module.
std::optional<std::string> tileText(const tbc::Module &module);

} // namespace tessera
