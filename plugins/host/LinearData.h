// LinearData.h - linear layouts to and from tsr_ll
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/layout/LinearLayout.h"
#include "plugins/abi/plugin.h"

#include <memory>

namespace tessera::plugin {

// A tsr_ll with its buffers: room for 32 dims and 64 input bits, the most that a layout of the core has.
class LinearBuffers {
public:
  LinearBuffers();
  explicit LinearBuffers(const layout::LinearLayout &from);
  LinearBuffers(const LinearBuffers &) = delete;
  tsr_ll *raw() { return &raw_; }
  // What a plugin wrote, distrusted: empty with a reason where it is no layout of a tensor of `shape`.
  std::optional<layout::LinearLayout> layout(const std::vector<int64_t> &shape, std::string *why) const;

private:
  static constexpr uint32_t kMaxBits = 64;
  uint32_t inDim_[TSR_LL_MAX_DIMS] = {}, inLog2_[TSR_LL_MAX_DIMS] = {}, outLog2_[TSR_LL_MAX_DIMS] = {};
  int32_t bases_[kMaxBits * TSR_LL_MAX_DIMS] = {};
  tsr_ll raw_{};
};

} // namespace tessera::plugin
