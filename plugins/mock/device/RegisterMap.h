// RegisterMap.h - which register of which thread holds which element, as tables made from a linear layout
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytecode/Module.h"
#include "core/layout/LinearLayout.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace tessera::mock {

inline constexpr unsigned kLanes = 32;

// Immutable once made. Threads are numbered warp * 32 + lane.
class RegisterMap {
public:
  // nullptr, with a reason, for a layout that is none of this device: dims other than register, lane, warp, block; more
  // lanes or warps than the program has; several blocks.
  static std::shared_ptr<const RegisterMap> make(const tbc::LayoutData &data, unsigned warps, std::string &why);

  unsigned threads() const { return threads_; }
  unsigned registers() const { return registers_; }
  // Row-major number of the element in a register of a thread.
  uint32_t element(unsigned thread, unsigned reg) const { return elements_[thread * registers_ + reg]; }
  // The lowest register of this thread that holds the element, -1: none.
  int find(unsigned thread, uint32_t element) const;
  // The lowest thread of this warp that holds it, and its register; -1: none.
  int findInWarp(unsigned warp, uint32_t element, int &reg) const;
  // Whether this cell is the first, in order of (thread, register), of those that hold its element.
  bool isFirstCopy(unsigned thread, unsigned reg) const { return first_[thread * registers_ + reg]; }
  const layout::LinearLayout &layout() const { return layout_; }

private:
  unsigned threads_ = 0, registers_ = 0;
  std::vector<uint32_t> elements_;
  std::vector<uint8_t> first_;
  // For each thread its (element, register) pairs, sorted.
  std::vector<std::vector<std::pair<uint32_t, uint32_t>>> sorted_;
  layout::LinearLayout layout_;
};

} // namespace tessera::mock
