// Simplify.cpp - fold constants and apply canonical forms
//
// SPDX-License-Identifier: Apache-2.0
//
// Before: %m = constant dense<true>; %v = tile.load %p mask %m other %o      After: %v = tile.load %p
// Establishes: constants are splats or scalars; dead pure ops are gone.
// The patterns are collected once for a pass object and only from the dialects of tile IR: collecting and freezing them
// costs more than applying them to a small kernel.
// Not done here: what needs analyses (masks, addresses).
#include "core/ir/Tile.h"
#include "core/transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace tessera::tile {
#define GEN_PASS_DEF_TILESIMPLIFYPASS
#include "core/transforms/Passes.h.inc"

namespace {

struct Simplify final : impl::TileSimplifyPassBase<Simplify> {
  LogicalResult initialize(MLIRContext *context) override {
    RewritePatternSet patterns(context);
    for (RegisteredOperationName op : context->getRegisteredOperations())
      if (isa<TileDialect, arith::ArithDialect, scf::SCFDialect>(op.getDialect()))
        op.getCanonicalizationPatterns(patterns, context);
    patterns_ = FrozenRewritePatternSet(std::move(patterns));
    return success();
  }

  void runOnOperation() override {
    GreedyRewriteConfig config;
    config.setUseTopDownTraversal(true).setMaxIterations(4).setRegionSimplificationLevel(
        GreedySimplifyRegionLevel::Disabled);
    // Not converging within the limit is no failure: every step kept the meaning.
    (void)applyPatternsGreedily(getOperation(), patterns_, config);
  }

  FrozenRewritePatternSet patterns_;
};

} // namespace
} // namespace tessera::tile
