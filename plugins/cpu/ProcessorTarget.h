// ProcessorTarget.h - x86-64-vN and its features as a target of the ABI
//
// SPDX-License-Identifier: Apache-2.0
//
// Source: System V x86-64 psABI, "Micro-Architecture Levels". States nothing about the machine it runs on: the compiler role
// is a pure function of its input.
#pragma once

#define TSR_PLUGIN_VENDOR "The Tessera authors"
#define TSR_PLUGIN_RANK 0
#include "plugins/sdk/plugin.hpp"

#include <algorithm>

namespace tessera::cpu {

class ProcessorTarget final : public sdk::Target {
public:
  ProcessorTarget(std::string canonical, std::string family, int level, std::vector<std::string> features)
      : Target(std::move(canonical), std::move(family)), level_(level), features_(std::move(features)) {
    cap(TSR_CAP_MAX_VEC_BITS, level == 4 ? 512 : level == 3 ? 256 : 128);
    cap(TSR_CAP_ADDR_BITS, 64);
    irLevels(TSR_IR_TILE);
    irVersions(TSR_PLUGIN_IR_MIN, TSR_PLUGIN_IR_MAX);
  }

  int level() const { return level_; }
  const std::vector<std::string> &features() const { return features_; }

  static std::vector<sdk::TargetName> list() {
    return {{"x86-64-v2", "any x86-64 processor since 2009: SSE4.2"},
            {"x86-64-v3", "AVX2 and FMA"},
            {"x86-64-v4", "AVX-512; features: avx512bf16, avx512vnni, avx512fp16"}};
  }

  // "x86-64-v4:avx512bf16+". The canonical name lists what is switched on, in one order; a level has no other features to
  // switch off.
  static std::unique_ptr<sdk::Target> parse(const sdk::Spec &spec) {
    const std::string prefix = "x86-64-v";
    if (spec.arch.size() != prefix.size() + 1 || spec.arch.compare(0, prefix.size(), prefix) != 0)
      return nullptr;
    int level = spec.arch.back() - '0';
    if (level == 1)
      throw sdk::Error(TSR_E_UNSUPPORTED,
                       "target x86-64-v1 is too old: x86-64-v2 is the least that this plugin compiles for");
    if (level < 2 || level > 4)
      return nullptr;
    static const std::vector<std::string> known = {"avx512bf16", "avx512vnni", "avx512fp16", "avxvnni",
                                                   "amx-tile",   "amx-int8",   "amx-bf16"};
    for (const auto &[name, on] : spec.features)
      if (std::find(known.begin(), known.end(), name) == known.end())
        throw sdk::Error(TSR_E_UNSUPPORTED, "feature '" + name + "' of target '" + spec.text +
                                                "' is unknown: avx512bf16, avx512vnni, " +
                                                "avx512fp16, avxvnni, amx-tile, amx-int8, amx-bf16");
    std::vector<std::string> features;
    std::string canonical = spec.arch;
    for (const std::string &name : known) {
      bool on = false;
      for (const auto &[n, state] : spec.features)
        on = n == name ? state : on;
      if (!on)
        continue;
      if (level < (name == "avxvnni" ? 3 : 4))
        throw sdk::Unsupported("feature '" + name + "'", "", spec.arch);
      features.push_back(name);
      canonical += ":" + name + "+";
    }
    return std::make_unique<ProcessorTarget>(canonical, spec.arch, level, features);
  }

  sdk::Verdict runsOn(const sdk::Target &device) const override {
    const auto &d = static_cast<const ProcessorTarget &>(device);
    if (level_ > d.level_)
      return sdk::Verdict::No;
    for (const std::string &f : features_)
      if (std::find(d.features_.begin(), d.features_.end(), f) == d.features_.end())
        return sdk::Verdict::No;
    return canonical() == d.canonical() ? sdk::Verdict::Yes : sdk::Verdict::Recompile;
  }

private:
  int level_;
  std::vector<std::string> features_;
};

} // namespace tessera::cpu
