// MockTarget.h - the mock device as a target: capabilities, one matrix instruction, its layouts
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plugins/sdk/Target.hpp"

namespace tessera::mock {

inline constexpr uint32_t kMaxWarps = 16, kSharedBytes = 64 << 10;

// One SIMT device in software: 32 lanes, up to 16 warps a program, 64 KiB of shared memory in 32 banks of 4 bytes, two matrix
// instructions (f16 times f16 onto f32: 16x16x16 of one warp, 64xNx16 of four that read b, and perhaps a, from shared memory),
// copies of 4, 8 and 16 bytes beside the lanes, tensor copies of up to five dims. The numbers are ours: they are small, so that limits are met in tests.
class MockTarget final : public sdk::Target, sdk::LayoutProvider {
public:
  MockTarget();
  static std::vector<sdk::TargetName> list() { return {{"mock", "a SIMT device in software, for tests"}}; }
  static std::unique_ptr<sdk::Target> parse(const sdk::Spec &spec);
  const sdk::LayoutProvider *layouts() const override { return this; }
  std::vector<uint32_t> rank(const tsr_mma_problem &p) const override;
  // Registers of the matrix instructions' operands, and how those lie in shared memory that are read there; for everything else the core's own layouts will do.
  sdk::LinearMap layout(const sdk::LayoutRequest &request) const override;
};

} // namespace tessera::mock
