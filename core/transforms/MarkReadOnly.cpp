// MarkReadOnly.cpp - mark the pointer arguments that no store or atomic reaches
//
// SPDX-License-Identifier: Apache-2.0
//
// Before: func.func @k(%p: !tile.ptr<f32>, …) { … tile.load … }     After: %p: … {tile.read_only}
// From every written pointer the values it may come from are followed back, through arithmetic, shapes, branches and
// loops. A pointer of unknown origin may be any argument.
// Not done here: aliasing of different arguments (the caller may pass one buffer twice; targets must not assume
// otherwise).
#include "core/analysis/PointerOrigins.h"
#include "core/ir/Tile.h"
#include "core/transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;

namespace tessera::tile {
#define GEN_PASS_DEF_TILEMARKREADONLYPASS
#include "core/transforms/Passes.h.inc"

namespace {

struct MarkReadOnly final : impl::TileMarkReadOnlyPassBase<MarkReadOnly> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    PointerOrigins written;
    function.walk([&](Operation *op) {
      if (auto store = dyn_cast<DescriptorStoreOp>(op))
        written.follow(store.getBase());
      if (isa<StoreOp, AtomicRmwOp, AtomicCasOp>(op))
        written.follow(isa<StoreOp>(op) ? cast<StoreOp>(op).getPtr() : op->getOperand(0));
    });
    for (BlockArgument argument : function.getArguments()) {
      unsigned i = argument.getArgNumber();
      if (isTilePointer(argument.getType()) && !(written.unknown() || written.met(argument)))
        function.setArgAttr(i, kReadOnlyAttr, UnitAttr::get(&getContext()));
      else
        function.removeArgAttr(i, StringAttr::get(&getContext(), kReadOnlyAttr));
    }
  }
};

} // namespace
} // namespace tessera::tile
