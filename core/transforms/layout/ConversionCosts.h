// ConversionCosts.h - plans of layout conversions on this target, remembered
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/layout/Conversion.h"
#include "core/target/Target.h"
#include "core/transforms/layout/LayoutRules.h"

#include "llvm/ADT/DenseMap.h"

namespace tessera::tile {

layout::ConversionOptions conversionOptions(const target::TargetInfo &info);

class ConversionCosts {
public:
  explicit ConversionCosts(const target::Target &target)
      : target_(target), options_(conversionOptions(target.info())) {}
  layout::ConversionPlan plan(LinearAttr from, LinearAttr to, unsigned elementBits) const;
  // Clocks of a warp: the target's own answer, else that of the plan.
  unsigned maxVectorBits() const { return 8 * static_cast<unsigned>(options_.memory.maxVectorBytes); }
  uint64_t cost(LinearAttr from, LinearAttr to, unsigned elementBits);

private:
  const target::Target &target_;
  layout::ConversionOptions options_;
  llvm::DenseMap<std::tuple<LinearAttr, LinearAttr, unsigned>, uint64_t> known_;
};

} // namespace tessera::tile
