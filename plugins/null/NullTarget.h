// NullTarget.h - the target of the null plugin: a name, a few capabilities, no layouts
//
// SPDX-License-Identifier: Apache-2.0
//
// Clone: state what your target is. Every number here is an example; caps.def has the list, with units and sources.
#pragma once

#include "plugins/sdk/plugin.hpp"

namespace tessera::null {

class NullTarget final : public sdk::Target, sdk::LayoutProvider {
public:
  explicit NullTarget(const sdk::Spec &spec) : Target(spec.arch, "null") {
    cap(TSR_CAP_ADDR_BITS, 64);
    // TSR_IR_TILE: no layouts, this plugin schedules everything. A SIMT device says TSR_IR_LAYOUT and fills in LANES,
    // SMEM_OPTIN, … and the matrix menu: matrix({.id = "acme.mma.16x16x16.f16", .m = 16, …}).
    irLevels(TSR_IR_TILE);
  }

  // What `tessera targets` and `--target=all` show.
  static std::vector<sdk::TargetName> list() { return {{"null", "can do nothing"}}; }

  // NULL: not ours. A feature or arch that exists but is not in this build: throw sdk::Unsupported.
  static std::unique_ptr<sdk::Target> parse(const sdk::Spec &spec) {
    if (spec.arch != "null")
      return nullptr;
    if (!spec.features.empty())
      throw sdk::Unsupported("feature '" + spec.features.front().first + "'", "", "null");
    return std::make_unique<NullTarget>(spec);
  }

  // Only targets that take LAYOUT answer here, with bases as data.
  const sdk::LayoutProvider *layouts() const override { return this; }
  sdk::LinearMap layout(const sdk::LayoutRequest &) const override {
    throw sdk::Unsupported("layouts", "", canonical());
  }
};

} // namespace tessera::null
