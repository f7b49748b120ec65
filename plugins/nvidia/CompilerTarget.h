// CompilerTarget.h - an NVIDIA target as the compiler role needs it: layouts and the matrix menu
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "backends/nvidia/mma/Instructions.h"
#include "backends/nvidia/target/NvidiaTarget.h"

namespace tessera::nvidia {

class CompilerTarget final : public NvidiaTarget, public sdk::LayoutProvider {
public:
  explicit CompilerTarget(const Architecture &architecture)
      : NvidiaTarget(architecture),
        instructions_(instructionsOf(architecture.capability->number, architecture.isHopperSpecific())) {
    for (const Instruction &i : instructions_)
      matrix(menuEntry(i));
  }
  static std::unique_ptr<sdk::Target> parse(const sdk::Spec &spec) { return parseTarget<CompilerTarget>(spec); }

  const sdk::LayoutProvider *layouts() const override { return this; }

  sdk::LinearMap layout(const sdk::LayoutRequest &r) const override {
    if (r.access == TSR_ACCESS_SHARED && r.entry > 0 && r.entry <= instructions_.size() && r.shape.size() == 2)
      return sharedOperandOf(instructions_[r.entry - 1], r.operand, r.shape, r.contiguous[0] > r.contiguous[1] ? 0 : 1);
    bool isMatrix = r.access == TSR_ACCESS_MMA_OPERAND || r.access == TSR_ACCESS_MMA_ACCUMULATOR;
    if (!isMatrix || r.entry == 0 || r.entry > instructions_.size() || r.shape.size() != 2)
      throw sdk::Unsupported("a layout of its own", "", std::string(canonical()) + ": the core's default serves");
    uint32_t operand = r.access == TSR_ACCESS_MMA_ACCUMULATOR ? TSR_OPERAND_C : r.operand;
    return fragmentOf(instructions_[r.entry - 1], operand,
                      operand == TSR_OPERAND_B || operand == TSR_OPERAND_C ? r.shape[1] : 0);
  }

  std::vector<uint32_t> rank(const tsr_mma_problem &p) const override {
    std::vector<uint32_t> fit;
    for (uint32_t i = 0; i < instructions_.size(); ++i) {
      const Instruction &e = instructions_[i];
      bool large = e.issue == Issue::Warp || (p.m >= e.m && p.n >= e.n); // smaller tiles are repeated in registers
      if (multiplies(e, p) && e.c == p.c && large && p.k >= e.k)
        fit.push_back(i);
    }
    return fit;
  }

private:
  // DotPrecision of the op table. Splitting f32 into parts takes them in registers.
  enum : uint32_t { kTF32 = 1, kTF32x3 = 2, kBF16x3 = 4, kBF16x6 = 5 };
  static bool multiplies(const Instruction &e, const tsr_mma_problem &p) {
    if (p.a != TSR_F32)
      return e.a == p.a && e.b == p.b;
    bool inRegisters = e.issue == Issue::Warp;
    if (e.aText == "tf32")
      return p.precision <= kTF32 || (p.precision == kTF32x3 && inRegisters);
    return e.aText == "bf16" && inRegisters && (p.precision == kBF16x3 || p.precision == kBF16x6);
  }
  std::vector<Instruction> instructions_;
};

} // namespace tessera::nvidia
