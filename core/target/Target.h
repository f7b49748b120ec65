// Target.h - everything the core may ask of a target, in one object
//
// SPDX-License-Identifier: Apache-2.0
//
// Implemented by plugins/host over the C ABI for any plugin, and by GenericTarget for tests and tools. Every answer is
// data; nothing here emits code. Implementations must be thread-safe and give equal answers to equal questions.
#pragma once

#include "core/target/LayoutProvider.h"
#include "core/target/MatrixMenu.h"
#include "core/target/TargetInfo.h"

namespace tessera::target {

class Target {
public:
  virtual ~Target() = default;
  virtual const TargetInfo &info() const = 0;
  virtual const LayoutProvider &layouts() const = 0;
  virtual const MatrixMenu &matrix() const = 0;
  // Clocks of moving a tile from one layout to the other, or empty: the core then costs its own conversion plan.
  virtual std::optional<uint64_t> convertCost(const layout::LinearLayout &from, const layout::LinearLayout &to,
                                              unsigned elementBits) const {
    return std::nullopt;
  }
};

} // namespace tessera::target
