// ElementNumber.h - the element type numbers of the op table, for requests and matrix menus
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace tessera::target {

enum ElementNumber : uint8_t {
#define TSR_ELEM(number, Name, text, bits, since) kElem##Name = number,
#include "core/bytecode/Ops.def"
};

} // namespace tessera::target
