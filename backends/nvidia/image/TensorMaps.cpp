// TensorMaps.cpp - words of tensor maps, read and written
// SPDX-License-Identifier: Apache-2.0
#include "backends/nvidia/image/TensorMaps.h"

namespace tessera::nvidia {

static bool readMap(WordCursor &c, uint64_t argumentBytes, MapRecipe &map) {
  uint64_t head = c.take();
  map.elem = static_cast<uint8_t>(head);
  map.rank = static_cast<uint8_t>(head >> 8);
  map.nanFill = head >> 16 & 1;
  map.swizzleBytes = static_cast<uint32_t>(head >> 32);
  if (map.rank < 1 || map.rank > kMaxMapRank)
    return false;
  for (uint64_t extent : c.take(map.rank))
    map.box.push_back(static_cast<int64_t>(extent));
  for (uint32_t i = 0; c.ok && i < 2u * map.rank; ++i)
    if (!takeExpression(c, argumentBytes, map.numbers.emplace_back()))
      return false;
  return c.ok;
}

std::vector<uint64_t> writeMaps(const std::string &kernel, const std::vector<MapRecipe> &maps) {
  std::vector<uint64_t> words;
  appendName(words, kernel);
  words.push_back(maps.size());
  for (const MapRecipe &map : maps) {
    words.push_back(uint64_t(map.elem) | uint64_t(map.rank) << 8 | uint64_t(map.nanFill) << 16 |
                    uint64_t(map.swizzleBytes) << 32);
    words.insert(words.end(), map.box.begin(), map.box.end());
    for (const Expression &code : map.numbers)
      appendExpression(words, code);
  }
  return words;
}

bool readMaps(std::span<const uint64_t> words, const std::string &kernel, uint64_t argumentBytes,
              std::vector<MapRecipe> &maps) {
  maps.clear();
  WordCursor c{words};
  while (!c.words.empty()) {
    bool mine = takeName(c, kernel);
    uint64_t count = c.take();
    if (!c.ok)
      return false;
    for (uint64_t i = 0; i < count; ++i) {
      MapRecipe map;
      // Another kernel's arguments may be longer.
      if (!readMap(c, mine ? argumentBytes : UINT32_MAX, map))
        return false;
      if (mine)
        maps.push_back(std::move(map));
    }
  }
  return c.ok;
}

} // namespace tessera::nvidia
