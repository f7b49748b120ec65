// RegisterMap.cpp - tables of a distributed layout
// SPDX-License-Identifier: Apache-2.0
#include "plugins/mock/device/RegisterMap.h"

#include <algorithm>

namespace tessera::mock {

std::shared_ptr<const RegisterMap> RegisterMap::make(const tbc::LayoutData &data, unsigned warps, std::string &why) {
  auto linear = layout::LinearLayout::fromBases(data.inDims, data.outSizes, data.bases, &why);
  if (!linear)
    return nullptr;
  for (const layout::Dim &d : linear->ins())
    if (d.name != layout::kRegister && d.name != layout::kLane && d.name != layout::kWarp && d.name != layout::kBlock) {
      why = "a distributed layout has no input dim '" + d.name + "'";
      return nullptr;
    }
  if (linear->inBits(layout::kBlock)) {
    why = "this device runs one block a program";
    return nullptr;
  }
  if (linear->inSize(layout::kLane) > kLanes || linear->inSize(layout::kWarp) > warps) {
    why = "the layout has " + std::to_string(linear->inSize(layout::kLane)) + " lanes and " +
          std::to_string(linear->inSize(layout::kWarp)) + " warps, the program 32 and " + std::to_string(warps);
    return nullptr;
  }
  if (linear->inBits(layout::kRegister) > 16 || linear->outBits() > 24) {
    why = "the layout needs " + std::to_string(linear->inSize(layout::kRegister)) + " registers a thread";
    return nullptr;
  }
  auto map = std::make_shared<RegisterMap>();
  map->layout_ = linear->orderIns({std::string(layout::kRegister), std::string(layout::kLane),
                                   std::string(layout::kWarp), std::string(layout::kBlock)});
  map->threads_ = kLanes * warps;
  map->registers_ = static_cast<unsigned>(linear->inSize(layout::kRegister));
  map->elements_.resize(map->threads_ * map->registers_);
  map->sorted_.resize(map->threads_);
  std::vector<uint8_t> seen(size_t(1) << linear->outBits());
  map->first_.resize(map->elements_.size());
  for (unsigned t = 0; t < map->threads_; ++t) {
    int64_t lane = t % kLanes & (map->layout_.inSize(layout::kLane) - 1),
            warp = t / kLanes & (map->layout_.inSize(layout::kWarp) - 1);
    for (unsigned r = 0; r < map->registers_; ++r) {
      int64_t index[4] = {r, lane, warp, 0};
      auto e = static_cast<uint32_t>(map->layout_.applyPacked(map->layout_.packIn(index)));
      map->elements_[t * map->registers_ + r] = e;
      map->sorted_[t].push_back({e, r});
      map->first_[t * map->registers_ + r] = !seen[e];
      seen[e] = 1;
    }
    std::sort(map->sorted_[t].begin(), map->sorted_[t].end());
  }
  return map;
}

int RegisterMap::find(unsigned thread, uint32_t element) const {
  const auto &s = sorted_[thread];
  auto it = std::lower_bound(s.begin(), s.end(), std::pair<uint32_t, uint32_t>(element, 0));
  return it != s.end() && it->first == element ? static_cast<int>(it->second) : -1;
}

int RegisterMap::findInWarp(unsigned warp, uint32_t element, int &reg) const {
  for (unsigned lane = 0; lane < kLanes; ++lane)
    if ((reg = find(warp * kLanes + lane, element)) >= 0)
      return static_cast<int>(warp * kLanes + lane);
  return -1;
}

} // namespace tessera::mock
