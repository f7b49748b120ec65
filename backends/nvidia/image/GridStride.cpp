// GridStride.cpp - words of grid strides, read and written
// SPDX-License-Identifier: Apache-2.0
#include "backends/nvidia/image/GridStride.h"

namespace tessera::nvidia {

std::vector<uint64_t> writeGridStride(const std::string &kernel, const GridStride &stride) {
  std::vector<uint64_t> words;
  appendName(words, kernel);
  words.push_back(stride.axis);
  appendExpression(words, stride.programs);
  return words;
}

bool readGridStride(std::span<const uint64_t> words, const std::string &kernel, uint64_t argumentBytes,
                    std::optional<GridStride> &stride) {
  stride.reset();
  WordCursor c{words};
  while (!c.words.empty()) {
    bool mine = takeName(c, kernel);
    uint64_t axis = c.take();
    GridStride read;
    // Another kernel's arguments may be longer.
    if (!c.ok || axis > 2 || !takeExpression(c, mine ? argumentBytes : UINT32_MAX, read.programs))
      return false;
    read.axis = static_cast<uint32_t>(axis);
    if (mine)
      stride = std::move(read);
  }
  return true;
}

} // namespace tessera::nvidia
