// CharacterWidth.cpp - columns of a terminal that a character takes
// SPDX-License-Identifier: Apache-2.0
#include "core/support/CharacterWidth.h"

#include <algorithm>
#include <cstdint>
#include <span>

namespace tessera {

namespace {
struct CharacterRange {
  uint32_t first, last;
};
#include "core/support/CharacterWidths.inc"

bool contains(std::span<const CharacterRange> ranges, uint32_t c) {
  const auto *r = std::lower_bound(ranges.data(), ranges.data() + ranges.size(), c,
                                   [](const CharacterRange &range, uint32_t value) { return range.last < value; });
  return r != ranges.data() + ranges.size() && r->first <= c;
}

uint32_t codePoint(std::string_view character) {
  static constexpr uint32_t masks[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
  if (character.empty() || character.size() > 4)
    return 0;
  uint32_t c = static_cast<unsigned char>(character[0]) & masks[character.size()];
  for (char next : character.substr(1))
    c = c << 6 | (static_cast<unsigned char>(next) & 0x3F);
  return c;
}
} // namespace

unsigned characterWidth(std::string_view character) {
  uint32_t c = codePoint(character);
  if (c < 0x80)
    return 1;
  return contains(kJoined, c) ? 0 : contains(kWide, c) ? 2 : 1;
}

} // namespace tessera
