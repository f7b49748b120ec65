// RecomputeInLayout.h - a small tile computed a second time in another layout, in place of a conversion
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/transforms/layout/LayoutRules.h"

#include <functional>

namespace tessera::tile {

// What a loop computes from its own loads, from tiles of before the loop and from tiles that cost nothing.
class RecomputeInLayout {
public:
  // mayConvert: whether a load of the loop's changes its layout at no cost, as one that a ring brings; converted: told of each that does.
  RecomputeInLayout(mlir::Region &loop, std::function<bool(LoadOp)> mayConvert,
                    std::function<void(ConvertLayoutOp)> converted)
      : loop_(loop), mayConvert_(std::move(mayConvert)), converted_(std::move(converted)) {}
  // Whether the value can be had in the layout, with at most so many elements a lane of each tile on the way.
  bool can(mlir::Value value, LinearAttr layout, uint64_t registers) const;
  // The value in the layout, where `can` says so; behind the definition of what it is made of.
  mlir::Value make(mlir::Value value, LinearAttr layout);

private:
  mlir::Region &loop_;
  std::function<bool(LoadOp)> mayConvert_;
  std::function<void(ConvertLayoutOp)> converted_;
  llvm::DenseMap<std::pair<mlir::Value, LinearAttr>, mlir::Value> made_;
};

} // namespace tessera::tile
