// TileAddresses.h - where the elements of a tile of addresses lie: of which argument, at which steps, each at a place of its own or not
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "backends/cpu/codegen/Plan.h"

namespace tessera::cpu {

// Equal by construction: the same ops on the same values.
bool sameValue(const FunctionFacts &facts, tbc::ValueId a, tbc::ValueId b, int depth = 0);
// The parameter that a pointer (or tensor of pointers) is computed from, or kNone.
tbc::ValueId pointerRoot(const FunctionFacts &facts, tbc::ValueId v);
// The scalar that all elements of a tile are; kNone: not known to be one.
tbc::ValueId scalarOfAll(const FunctionFacts &facts, tbc::ValueId v);
// The number that all elements of a tile of integers are.
std::optional<int64_t> constantOfAll(const FunctionFacts &facts, tbc::ValueId v);

// From one index of an axis to the next a value grows by factor * scalars[0] * …, addresses by that many elements.
struct AxisStep {
  int64_t axis = 0, extent = 0; // extent: how many indices
  int64_t factor = 1;
  std::vector<tbc::ValueId> scalars;
  tbc::ValueId range = tbc::kNone; // the arange that counts them
};
// The steps of a tile of integers or pointers, one an axis at most; axes without one repeat. Nothing: its elements are no such sums.
std::optional<std::vector<AxisStep>> stepsOf(const FunctionFacts &facts, tbc::ValueId v, int depth = 0);

// Whether each element that an access touches has a place of its own. Asked: the scalars of steps or the bounds of masks tell.
enum class OwnPlaces : uint8_t { Always, Asked, No };
OwnPlaces ownPlaces(const FunctionFacts &facts, tbc::ValueId pointer, bool isMasked);

} // namespace tessera::cpu
