// CharacterWidth.h - columns of a terminal that a character takes
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace tessera {

// 0 for a mark that stands on the character before or joins it, 2 for a wide one (East Asian Width), else 1. `character`: UTF-8 of
// one character; of anything else the answer is 1.
unsigned characterWidth(std::string_view character);

} // namespace tessera
