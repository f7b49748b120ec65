// EnumNames.h - the names of enumerated attribute values, for the text form and the reference
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytecode/Module.h"

#include <span>

namespace tessera::tbc {

// The names of the values 0, 1, … of this attribute on this op; empty: it has none.
std::span<const std::string_view> enumNames(Opcode code, AttrId id);

} // namespace tessera::tbc
