// SimplifyPointers.cpp - make addresses a uniform base plus a varying offset
//
// SPDX-License-Identifier: Apache-2.0
//
// Before: tile.addptr (tile.addptr splat(%p), %v), splat(%s)        After: tile.addptr splat(tile.addptr %p, %s), %v
//         tile.addptr splat(%p), splat(%s)                                 splat(tile.addptr %p, %s)
//         tile.addptr splat(%p), %v + splat(%s)                            tile.addptr splat(tile.addptr %p, %s), %v
//         broadcast(tile.addptr splat(%p), %v)  (also expand_dims)         tile.addptr splat(%p), broadcast(%v)
// The varying part often does not change in a loop and leaves it; the uniform part costs one scalar add.
// A sum of 32-bit offsets is split only where ranges show that it does not wrap: the offset is extended after the sum.
//         tile.addptr (tile.addptr splat(%p), %v), %w                      tile.addptr splat(%p), %v + %w (64 bits
//         where it may wrap)
// Not done here: products.
#include "core/analysis/IntegerRanges.h"
#include "core/transforms/Passes.h"

using namespace mlir;

namespace tessera::tile {
#define GEN_PASS_DEF_TILESIMPLIFYPOINTERSPASS
#include "core/transforms/Passes.h.inc"

namespace {

struct SimplifyPointers final : impl::TileSimplifyPointersPassBase<SimplifyPointers> {
  void runOnOperation() override;

private:
  // Both erase the op where they answer true.
  bool rewriteSum(AddPtrOp op);
  template <typename ShapeOp> bool rewriteShape(ShapeOp op);
  // Splits an offset into a uniform scalar (or null) and the rest (or null).
  std::pair<Value, Value> split(OpBuilder &b, Value offset);
  bool sumFits(arith::AddIOp sum) const;
  // splat(base + offset) for a splat base.
  Value moveBase(OpBuilder &b, SplatOp base, Value offset) {
    Value moved = AddPtrOp::create(b, base.getLoc(), base.getSource(), offset);
    return SplatOp::create(b, base.getLoc(), base.getType(), moved);
  }
  void replace(Operation *op, Value by) {
    op->getResult(0).replaceAllUsesWith(by);
    op->erase();
    ++numRewritten;
  }

  std::optional<IntegerRanges> ranges_;
};

Value scalarOf(OpBuilder &b, Value tile) {
  if (auto splat = tile.getDefiningOp<SplatOp>())
    return splat.getSource();
  std::optional<int64_t> constant = splatIntegerOf(tile);
  return constant ? makeConstant(b, tile.getLoc(), elementTypeOf(tile.getType()), *constant) : Value();
}

// Extended to 64 bits, before a broadcast rather than after it: fewer elements.
Value widened(OpBuilder &b, Value offset) {
  if (elementTypeOf(offset.getType()).isInteger(64))
    return offset;
  Type wide = b.getI64Type();
  if (auto broadcast = offset.getDefiningOp<BroadcastOp>())
    return BroadcastOp::create(b, offset.getLoc(), withElementType(offset.getType(), wide),
                               widened(b, broadcast.getSource()));
  return arith::ExtSIOp::create(b, offset.getLoc(), withElementType(offset.getType(), wide), offset);
}

bool SimplifyPointers::sumFits(arith::AddIOp sum) const {
  if (elementTypeOf(sum.getType()).isInteger(64))
    return true; // addresses wrap at 64 bits themselves
  Interval a = ranges_->of(sum.getLhs()), b = ranges_->of(sum.getRhs()), all = IntegerRanges::whole(sum.getType());
  return a.low + b.low >= all.low && a.high + b.high <= all.high;
}

std::pair<Value, Value> SimplifyPointers::split(OpBuilder &b, Value offset) {
  if (Value scalar = scalarOf(b, offset))
    return {scalar, Value()};
  auto sum = offset.getDefiningOp<arith::AddIOp>();
  if (!sum || !sumFits(sum))
    return {Value(), offset};
  if (Value scalar = scalarOf(b, sum.getRhs()))
    return {scalar, sum.getLhs()};
  if (Value scalar = scalarOf(b, sum.getLhs()))
    return {scalar, sum.getRhs()};
  return {Value(), offset};
}

bool SimplifyPointers::rewriteSum(AddPtrOp op) {
  if (!isa<RankedTensorType>(op.getType()))
    return false;
  OpBuilder b(op);
  auto base = op.getPtr().getDefiningOp<SplatOp>();
  if (base) {
    auto [uniform, rest] = split(b, op.getOffset());
    if (!uniform)
      return false;
    Value moved = moveBase(b, base, uniform);
    replace(op, rest ? Value(AddPtrOp::create(b, op.getLoc(), moved, rest)) : moved);
    return true;
  }
  auto inner = op.getPtr().getDefiningOp<AddPtrOp>();
  if (!inner)
    return false;
  base = inner.getPtr().getDefiningOp<SplatOp>();
  Value uniform = scalarOf(b, op.getOffset());
  if (base && uniform) {
    replace(op, AddPtrOp::create(b, op.getLoc(), moveBase(b, base, uniform), inner.getOffset()));
    return true;
  }
  // Two varying offsets are one, of 64 bits where a sum of 32 may wrap.
  if (!base)
    return false;
  Value a = inner.getOffset(), c = op.getOffset();
  Interval low = ranges_->of(a), high = ranges_->of(c), all = IntegerRanges::whole(a.getType());
  bool narrow = elementTypeOf(a.getType()).isInteger(32) && elementTypeOf(c.getType()).isInteger(32) &&
                low.low + high.low >= all.low && low.high + high.high <= all.high;
  if (!narrow) {
    a = widened(b, a);
    c = widened(b, c);
  }
  Value sum = arith::AddIOp::create(b, op.getLoc(), a, c);
  replace(op, AddPtrOp::create(b, op.getLoc(), base.getResult(), sum));
  return true;
}

template <typename ShapeOp> bool SimplifyPointers::rewriteShape(ShapeOp op) {
  auto inner = op.getSource().template getDefiningOp<AddPtrOp>();
  auto base = inner ? inner.getPtr().template getDefiningOp<SplatOp>() : SplatOp();
  if (!base)
    return false;
  OpBuilder b(op);
  RankedTensorType type = op.getType();
  Type offsetType = withElementType(type, elementTypeOf(inner.getOffset().getType()));
  Operation *offset = b.clone(*op);
  offset->setOperand(0, inner.getOffset());
  offset->getResult(0).setType(offsetType);
  Value wideBase = SplatOp::create(b, op.getLoc(), type, base.getSource());
  replace(op, AddPtrOp::create(b, op.getLoc(), wideBase, offset->getResult(0)));
  return true;
}

void SimplifyPointers::runOnOperation() {
  ranges_.emplace(getOperation());
  // Program order: what an op is made of has its final form when the op is met. New ops are met too.
  getOperation().walk<WalkOrder::PreOrder>([&](Block *block) {
    for (Operation *op = block->empty() ? nullptr : &block->front(); op;) {
      Operation *next = op->getNextNode(), *before = op->getPrevNode();
      bool changed = false;
      if (auto sum = dyn_cast<AddPtrOp>(op))
        changed = rewriteSum(sum);
      else if (auto shape = dyn_cast<BroadcastOp>(op))
        changed = rewriteShape(shape);
      else if (auto shape = dyn_cast<ExpandDimsOp>(op))
        changed = rewriteShape(shape);
      if (changed) // go on at what was made in its place
        next = before ? before->getNextNode() : &block->front();
      op = next;
    }
  });
  ranges_.reset();
}

} // namespace
} // namespace tessera::tile
