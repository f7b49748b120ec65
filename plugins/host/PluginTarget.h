// PluginTarget.h - a target of any plugin, seen as core/target's abstract interfaces
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/target/Target.h"
#include "plugins/loader/Library.h"

namespace tessera::plugin {

// Holds one tsr_target of a library with the compiler role (or a driver library that has a target table). Immutable,
// thread-safe. Questions that the plugin leaves open (UNSUPPORTED, a NULL slot, an illegal answer) get the default answers
// of core/target.
class PluginTarget final : public target::Target, target::LayoutProvider, target::MatrixMenu {
public:
  // `spec`: what the plugin's parse() takes. Failures: UnknownTarget with the plugin's words, PluginFailed.
  static Expected<std::shared_ptr<const PluginTarget>> make(const Library &library, const std::string &spec);
  ~PluginTarget() override;
  PluginTarget(const PluginTarget &) = delete;

  const Library &library() const { return library_; }
  const tsr_target *handle() const { return handle_; }
  // May code built for this target run on `device`? TSR_RUNS_*. Both must come from one library.
  uint32_t runsOn(const PluginTarget &device) const;

  const target::TargetInfo &info() const override { return info_; }
  const target::LayoutProvider &layouts() const override { return *this; }
  const target::MatrixMenu &matrix() const override { return *this; }
  std::optional<uint64_t> convertCost(const layout::LinearLayout &from, const layout::LinearLayout &to,
                                      unsigned elementBits) const override;
  std::optional<layout::LinearLayout> layoutFor(const target::LayoutRequest &request, std::string *why) const override;
  const std::vector<target::MatrixEntry> &entries() const override { return menu_; }
  std::vector<uint32_t> rank(const target::MatrixProblem &problem) const override;

private:
  PluginTarget(const Library &library, tsr_target *handle) : library_(library), handle_(handle) {}
  std::string read(); // fills info_ and menu_ from describe(); empty, or what is wrong with it
  std::optional<layout::LinearLayout> ask(const target::LayoutRequest &request, std::string *why) const;

  const Library &library_;
  tsr_target *handle_;
  target::TargetInfo info_;
  std::vector<target::MatrixEntry> menu_;
};

} // namespace tessera::plugin
