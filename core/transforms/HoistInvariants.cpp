// HoistInvariants.cpp - move what does not change out of loops
//
// SPDX-License-Identifier: Apache-2.0
//
// Before: scf.for … { %y = arith.divsi %a, %b … }      After: %y = arith.divsi %a, %b ; scf.for … { … }
// Any op without memory effects moves; division too, which upstream holds back because it may trap there (here it gives
// an unspecified value, docs/rationale/integer-division.md). Inner loops first, so that a value leaves as many as it
// can. Not done here: loads (a loop may run zero times, and its address then need not be valid).
#include "core/ir/Tile.h"
#include "core/transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "mlir/Transforms/LoopInvariantCodeMotionUtils.h"

using namespace mlir;

namespace tessera::tile {
#define GEN_PASS_DEF_TILEHOISTINVARIANTSPASS
#include "core/transforms/Passes.h.inc"

namespace {

constexpr int64_t kDisableHoisting = 8; // bit 3 of loop_flags

bool mayHoist(Operation *op, Region *) {
  if (isa<arith::DivSIOp, arith::DivUIOp, arith::RemSIOp, arith::RemUIOp>(op))
    return true;
  return isMemoryEffectFree(op) && isSpeculatable(op) && !op->hasTrait<OpTrait::IsTerminator>();
}

struct HoistInvariants final : impl::TileHoistInvariantsPassBase<HoistInvariants> {
  void runOnOperation() override {
    getOperation().walk([&](LoopLikeOpInterface loop) {
      auto flags = loop->getAttrOfType<IntegerAttr>(kLoopFlagsAttr);
      if (flags && (flags.getInt() & kDisableHoisting))
        return;
      numHoisted += moveLoopInvariantCode(
          loop.getLoopRegions(), [&](Value value, Region *) { return loop.isDefinedOutsideOfLoop(value); }, mayHoist,
          [&](Operation *op, Region *) { loop.moveOutOfLoop(op); });
    });
  }
};

} // namespace
} // namespace tessera::tile
