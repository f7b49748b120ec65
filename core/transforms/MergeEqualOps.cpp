// MergeEqualOps.cpp - compute equal values once
//
// SPDX-License-Identifier: Apache-2.0
//
// Before: %a = tile.splat %n; %b = tile.splat %n      After: %a = tile.splat %n
// Upstream's algorithm; two loads merge only where nothing between them writes.
#include "core/ir/Tile.h"
#include "core/transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Dominance.h"
#include "mlir/Transforms/CSE.h"

using namespace mlir;

namespace tessera::tile {
#define GEN_PASS_DEF_TILEMERGEEQUALOPSPASS
#include "core/transforms/Passes.h.inc"

namespace {

struct MergeEqualOps final : impl::TileMergeEqualOpsPassBase<MergeEqualOps> {
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    eliminateCommonSubExpressions(rewriter, getAnalysis<DominanceInfo>(), getOperation());
  }
};

} // namespace
} // namespace tessera::tile
