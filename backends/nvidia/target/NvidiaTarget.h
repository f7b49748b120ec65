// NvidiaTarget.h - an NVIDIA architecture as a target of the ABI: name, capabilities, what runs where
//
// SPDX-License-Identifier: Apache-2.0
//
// The driver library registers it as it is, for runs_on. The compiler library derives from it and adds layouts and the matrix
// menu; parse() of the derived class is `parseTarget<Derived>(spec)`.
#pragma once

#include "backends/nvidia/target/Architecture.h"
#include "plugins/sdk/Target.hpp"

namespace tessera::nvidia {

class NvidiaTarget : public sdk::Target {
public:
  explicit NvidiaTarget(const Architecture &architecture);

  const Architecture &architecture() const { return architecture_; }
  sdk::Verdict runsOn(const sdk::Target &device) const override;

  // sm_XY and sm_XYa of every capability, and compute_XY.
  static std::vector<sdk::TargetName> list();
  static std::unique_ptr<sdk::Target> parse(const sdk::Spec &spec);

private:
  Architecture architecture_;
};

// Throws sdk::Error UNSUPPORTED for a name that looks like ours and is none, NULL for any other.
std::optional<Architecture> architectureOf(const sdk::Spec &spec);

template <typename T> std::unique_ptr<sdk::Target> parseTarget(const sdk::Spec &spec) {
  std::optional<Architecture> a = architectureOf(spec);
  return a ? std::make_unique<T>(*a) : nullptr;
}

} // namespace tessera::nvidia
