// GroupPair.h - the module's attribute that says that its programs are two groups of subgroups
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "llvm/ADT/StringRef.h"

namespace tessera::tile {

// array<i64: subgroups of a program, bytes of shared memory of a multiprocessor>, while the TILE stages run: the groups may take turns with the matrix unit
// (docs/rationale/roles.md).
inline constexpr llvm::StringLiteral kGroupPairAttr = "tile.group_pair";

} // namespace tessera::tile
