// ConversionCosts.cpp - the options of a target's conversions, and their costs
//
// SPDX-License-Identifier: Apache-2.0
#include "core/transforms/layout/ConversionCosts.h"

namespace tessera::tile {

using target::Capability;

layout::ConversionOptions conversionOptions(const target::TargetInfo &info) {
  layout::ConversionOptions options;
  options.memory.banks = static_cast<unsigned>(info.get(Capability::SmemBanks, 32));
  options.memory.bankBytes = static_cast<unsigned>(info.get(Capability::SmemBankBytes, 4));
  options.memory.maxVectorBytes = std::max(info.maxVectorBits() / 8, 1u);
  options.memory.blockTransfers = static_cast<unsigned>(info.get(Capability::BlockTransfers, 0));
  options.shuffles = info.stated(Capability::Shuffles) & 1; // any lane to any lane
  return options;
}

layout::ConversionPlan ConversionCosts::plan(LinearAttr from, LinearAttr to, unsigned elementBits) const {
  return layout::planConversion(from.getLayout(), to.getLayout(), elementBits, options_);
}

uint64_t ConversionCosts::cost(LinearAttr from, LinearAttr to, unsigned elementBits) {
  if (from == to)
    return 0;
  auto [it, isNew] = known_.try_emplace({from, to, elementBits}, 0);
  if (isNew) {
    std::optional<uint64_t> measured = target_.convertCost(from.getLayout(), to.getLayout(), elementBits);
    it->second = measured ? *measured : plan(from, to, elementBits).cost;
  }
  return it->second;
}

} // namespace tessera::tile
