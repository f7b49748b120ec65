// GenericTarget.h - a target made of capabilities alone: default layouts, an optional matrix menu
//
// SPDX-License-Identifier: Apache-2.0
//
// For pass tests, tessera-opt and as the fallback behind plugins that leave a question open. Its matrix layouts are the
// plain ones of `fragmentLayout`.
#pragma once

#include "core/target/Target.h"

namespace tessera::target {

class GenericTarget final : public Target, LayoutProvider, MatrixMenu {
public:
  explicit GenericTarget(TargetInfo info, std::vector<MatrixEntry> menu = {})
      : info_(std::move(info)), menu_(std::move(menu)) {}
  // A SIMT device of 32 lanes and 64 KiB of shared memory that takes LAYOUT, without matrix instructions.
  static TargetInfo simtInfo();

  const TargetInfo &info() const override { return info_; }
  const LayoutProvider &layouts() const override { return *this; }
  const MatrixMenu &matrix() const override { return *this; }
  const std::vector<MatrixEntry> &entries() const override { return menu_; }
  std::optional<layout::LinearLayout> layoutFor(const LayoutRequest &request, std::string *why) const override;

private:
  TargetInfo info_;
  std::vector<MatrixEntry> menu_;
};

// How one instruction holds a fragment, where a target has no rule of its own: two neighbours along the shared dim (of a group's a of bytes four) in a
// lane, four lanes along it, the other lanes along the other dim, and then the subgroups that issue it together (their b
// has no fragment).
std::optional<layout::LinearLayout> fragmentLayout(const MatrixEntry &entry, const LayoutRequest &request,
                                                   unsigned lanes, std::string *why = nullptr);

} // namespace tessera::target
