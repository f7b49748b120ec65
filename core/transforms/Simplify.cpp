// Simplify.cpp - fold constants and apply canonical forms
//
// SPDX-License-Identifier: Apache-2.0
//
// Before: %m = constant dense<true>; %v = tile.load %p mask %m other %o      After: %v = tile.load %p
//         %d = tile.dot %a, %b, 0; %v = addf %x, %d                          tile.dot %a, %b, %x
// Establishes: constants are splats or scalars; dead pure ops are gone; sums of products are in their accumulators.
// The patterns are collected once for a pass object and only from the dialects of tile IR: collecting and freezing them
// costs more than applying them to a small kernel.
// Not done here: what needs analyses (masks, addresses).
#include "core/ir/ModuleOptions.h"
#include "core/ir/Tile.h"
#include "core/transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace tessera::tile {
#define GEN_PASS_DEF_TILESIMPLIFYPASS
#include "core/transforms/Passes.h.inc"

namespace {

bool isZero(Value v) { return matchPattern(v, m_AnyZeroFloat()) || matchPattern(v, m_Zero()); }

// x + (a @ b + 0) -> a @ b + x, as `total += tl.dot(a, b)` is meant: the sum stays where it is, and no second tile of its size lives beside
// it. Not where so many products and no more may be summed imprecisely: there the addition is what the kernel wants. Without
// fusion of products with sums only what is summed over products, an accumulator or another product: a bias is added behind
// the sum then, and rounded once.
bool isSumOfProducts(Value v) {
  if (auto argument = dyn_cast<BlockArgument>(v))
    return isa<LoopLikeOpInterface>(argument.getOwner()->getParentOp());
  return isa_and_present<DotOp, DotScaledOp>(v.getDefiningOp());
}

template <typename Add> struct AddIntoProduct final : OpRewritePattern<Add> {
  using OpRewritePattern<Add>::OpRewritePattern;
  LogicalResult matchAndRewrite(Add add, PatternRewriter &rewriter) const override {
    bool fused = std::is_same_v<Add, arith::AddIOp> || moduleOption(add, "fp_fusion", 1) != 0;
    for (unsigned side : {0u, 1u}) {
      Value product = add->getOperand(side), other = add->getOperand(1 - side);
      if (!product.hasOneUse() || !(fused || isSumOfProducts(other)))
        continue;
      if (auto dot = product.getDefiningOp<DotOp>(); dot && dot.getMaxImprecise() == 0 && isZero(dot.getC())) {
        Value sum = DotOp::create(rewriter, dot.getLoc(), dot.getA(), dot.getB(), other, dot.getPrecision(), 0);
        rewriter.replaceOp(add, sum);
        return success();
      }
      if (auto dot = product.getDefiningOp<DotScaledOp>(); dot && isZero(dot.getC())) {
        Value sum = DotScaledOp::create(rewriter, dot.getLoc(), dot.getA(), dot.getB(), other, dot.getAScale(),
                                        dot.getBScale(), dot.getLhsFormat(), dot.getRhsFormat(), dot.getLhsKPack(),
                                        dot.getRhsKPack(), dot.getFastMath());
        rewriter.replaceOp(add, sum);
        return success();
      }
    }
    return failure();
  }
};

struct Simplify final : impl::TileSimplifyPassBase<Simplify> {
  LogicalResult initialize(MLIRContext *context) override {
    RewritePatternSet patterns(context);
    for (RegisteredOperationName op : context->getRegisteredOperations())
      if (isa<TileDialect, arith::ArithDialect, scf::SCFDialect>(op.getDialect()))
        op.getCanonicalizationPatterns(patterns, context);
    patterns.add<AddIntoProduct<arith::AddFOp>, AddIntoProduct<arith::AddIOp>>(context);
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
