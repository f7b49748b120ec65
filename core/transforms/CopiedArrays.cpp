// CopiedArrays.cpp - see CopiedArrays.h
// SPDX-License-Identifier: Apache-2.0
#include "core/transforms/CopiedArrays.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;

namespace tessera::tile {

static bool follows(Value value, unsigned depth) {
  constexpr unsigned kMaxDepth = 8;
  if (auto argument = dyn_cast<BlockArgument>(value))
    return isa<func::FuncOp>(argument.getOwner()->getParentOp()) &&
           !(isa<IntegerType>(value.getType()) && value.getType().getIntOrFloatBitWidth() < 8);
  Operation *op = value.getDefiningOp();
  bool known = isa<arith::ConstantOp, arith::AddIOp, arith::SubIOp, arith::MulIOp, arith::DivSIOp, arith::DivUIOp,
                   arith::RemSIOp, arith::RemUIOp, arith::MinSIOp, arith::MaxSIOp, arith::AndIOp, arith::OrIOp,
                   arith::XOrIOp, arith::ShLIOp, arith::ShRSIOp, arith::ShRUIOp, arith::ExtSIOp, arith::ExtUIOp,
                   arith::TruncIOp, AddPtrOp, BitcastOp, HintOp>(op);
  return known && depth < kMaxDepth &&
         llvm::all_of(op->getOperands(), [&](Value operand) { return follows(operand, depth + 1); });
}

bool followsFromParameters(Value value) { return follows(value, 0); }

Value arrayParameter(Value pointer) {
  while (Operation *op = pointer.getDefiningOp()) {
    if (!isa<AddPtrOp, BitcastOp, SplatOp, BroadcastOp, ExpandDimsOp, ReshapeOp, HintOp>(op))
      return {};
    pointer = op->getOperand(0);
  }
  auto argument = cast<BlockArgument>(pointer);
  return isa<func::FuncOp>(argument.getOwner()->getParentOp()) ? pointer : Value();
}

bool ordersMemory(Operation *function) {
  bool orders = false;
  function->walk([&](Operation *op) {
    orders |= isa<BarrierOp>(op) || (isa<AtomicRmwOp, AtomicCasOp>(op) && !op->getResult(0).use_empty());
  });
  return orders;
}

SmallVector<Value> storedByPointers(Operation *function) {
  SmallVector<Value> stored;
  function->walk([&](Operation *op) {
    if (isa<StoreOp, AtomicRmwOp, AtomicCasOp>(op))
      stored.push_back(arrayParameter(op->getOperand(0)));
    else if (auto store = dyn_cast<StoreBlockOp>(op)) {
      auto block = store.getPtr().getDefiningOp<MakeBlockPtrOp>();
      stored.push_back(block ? arrayParameter(block.getBase()) : Value());
    }
  });
  return stored;
}

} // namespace tessera::tile
