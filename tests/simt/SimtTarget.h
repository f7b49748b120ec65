// SimtTarget.h - the device as a target: 32 lanes, 64 KiB of shared memory, with matrix instructions or without
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/target/MatrixMenu.h"
#include "plugins/sdk/Target.hpp"

namespace tessera::simt {

// `simt`: shuffles and barriers only. `simt-matrix`: also the menu of Block.h and reductions of a warp in one instruction. `simt-copies`: also copies beside
// the lanes, tensor copies and roles. `simt-groups`: also products of groups of warps.
class SimtTarget final : public sdk::Target, sdk::LayoutProvider {
public:
  explicit SimtTarget(const std::string &arch);
  static std::vector<sdk::TargetName> list();
  static std::unique_ptr<sdk::Target> parse(const sdk::Spec &spec);
  const sdk::LayoutProvider *layouts() const override { return this; }
  sdk::LinearMap layout(const sdk::LayoutRequest &request)
      const override; // fragments, and operands that groups read; the core's own for the rest
  std::vector<uint32_t> rank(const tsr_mma_problem &p) const override; // groups first
  sdk::Verdict runsOn(const sdk::Target &device) const override;
  bool hasMatrix() const { return matrix_; }

private:
  bool matrix_;
  std::vector<target::MatrixEntry> menu_;
};

} // namespace tessera::simt
