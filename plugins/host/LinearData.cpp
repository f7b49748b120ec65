// LinearData.cpp - linear layouts to and from tsr_ll
// SPDX-License-Identifier: Apache-2.0
#include "plugins/host/LinearData.h"

namespace tessera::plugin {

namespace {
constexpr std::string_view kDimNames[] = {layout::kRegister, layout::kLane, layout::kWarp, layout::kBlock,
                                          layout::kOffset};
static_assert(TSR_DIM_REG == 0 && TSR_DIM_LANE == 1 && TSR_DIM_WARP == 2 && TSR_DIM_BLOCK == 3 && TSR_DIM_OFFSET == 4);
} // namespace

LinearBuffers::LinearBuffers() {
  raw_.h.size = sizeof raw_;
  raw_.cap = static_cast<uint32_t>(std::size(bases_));
  raw_.in_dim = inDim_;
  raw_.in_log2 = inLog2_;
  raw_.out_log2 = outLog2_;
  raw_.bases = bases_;
}

LinearBuffers::LinearBuffers(const layout::LinearLayout &from) : LinearBuffers() {
  raw_.n_in = static_cast<uint32_t>(from.ins().size());
  raw_.n_out = static_cast<uint32_t>(from.outs().size());
  uint32_t at = 0;
  for (uint32_t i = 0; i < raw_.n_in; ++i) {
    const layout::Dim &d = from.ins()[i];
    inLog2_[i] = d.bits;
    for (uint32_t k = 0; k < std::size(kDimNames); ++k)
      if (kDimNames[k] == d.name)
        inDim_[i] = k;
    for (unsigned bit = 0; bit < d.bits; ++bit)
      for (int32_t value : from.basis(d.name, bit))
        bases_[at++] = value;
  }
  for (uint32_t i = 0; i < raw_.n_out; ++i)
    outLog2_[i] = from.outs()[i].bits;
  raw_.n = at;
}

std::optional<layout::LinearLayout> LinearBuffers::layout(const std::vector<int64_t> &shape, std::string *why) const {
  auto fail = [&](std::string reason) {
    if (why)
      *why = std::move(reason);
    return std::nullopt;
  };
  if (raw_.n_in > TSR_LL_MAX_DIMS || raw_.n_out != shape.size())
    return fail("the layout has " + std::to_string(raw_.n_in) + " inputs and rank " + std::to_string(raw_.n_out));
  uint64_t bits = 0;
  for (uint32_t i = 0; i < raw_.n_in; ++i)
    bits += inLog2_[i];
  if (bits > kMaxBits || raw_.n != bits * raw_.n_out)
    return fail("the layout has " + std::to_string(raw_.n) + " bases for " + std::to_string(bits) + " input bits");
  std::vector<std::string> names;
  std::vector<std::vector<std::vector<int32_t>>> bases;
  uint32_t at = 0;
  for (uint32_t i = 0; i < raw_.n_in; ++i) {
    if (inDim_[i] >= std::size(kDimNames))
      return fail("the layout has an unknown input dim " + std::to_string(inDim_[i]));
    names.emplace_back(kDimNames[inDim_[i]]);
    bases.emplace_back();
    for (uint32_t bit = 0; bit < inLog2_[i]; ++bit, at += raw_.n_out)
      bases.back().emplace_back(bases_ + at, bases_ + at + raw_.n_out);
  }
  return layout::LinearLayout::fromBases(std::move(names), shape, bases, why);
}

} // namespace tessera::plugin
