// MemoryOrder.cpp - see MemoryOrder.h
// SPDX-License-Identifier: Apache-2.0
#include "core/transforms/layout/MemoryOrder.h"

using namespace mlir;

namespace tessera::tile {

std::optional<MemoryAccess> accessOf(Operation *op, const AxisFacts &facts, const target::TargetInfo &info) {
  auto pointers = cast<RankedTensorType>(op->getOperand(0).getType());
  MemoryAccess access;
  access.op = op;
  access.bits = storageBits(cast<PointerType>(pointers.getElementType()).getPointee());
  AxisInfo address = facts.of(op->getOperand(0));
  auto rmw = dyn_cast<AtomicRmwOp>(op);
  Value mask = isa<LoadOp>(op) ? cast<LoadOp>(op).getMask() : rmw ? rmw.getMask() : cast<StoreOp>(op).getMask();
  access.mostBits = info.maxVectorBits();
  if (rmw) {
    bool isFloat = isa<FloatType>(elementTypeOf(rmw.getType()));
    bool goTogether = (rmw.getKind() == Rmw::FAdd && (access.bits == 32 || access.bits == 16)) ||
                      (llvm::is_contained({Rmw::Max, Rmw::Min}, rmw.getKind()) && isFloat && access.bits == 16);
    access.mostBits =
        goTogether ? static_cast<unsigned>(info.get(target::Capability::AtomicVecBits, access.bits)) : access.bits;
  }
  for (unsigned d = 0; d < pointers.getRank(); ++d)
    if (address.contiguity[d] >= address.contiguity[access.fastest])
      access.fastest = d;
  if (address.contiguity[access.fastest] <= 1) {
    // Packed weights and the scales of groups are read at k / 2 or k / 64: lanes that go along k share addresses, and elsewhere each would have a line of its own.
    unsigned shared = 0;
    for (unsigned d = 1; d < pointers.getRank(); ++d)
      if (address.constancy[d] > address.constancy[shared])
        shared = d;
    bool isScattered = false;
    for (unsigned d = 0; d < pointers.getRank(); ++d)
      isScattered |= pointers.getDimSize(d) > 1 && address.constancy[d] == 1;
    if (!isa<LoadOp>(op) || !isScattered || address.constancy[shared] <= 1)
      return std::nullopt; // no order among addresses: the layout of the pointers is as good as any
    access.fastest = shared;
    access.width = 2;
    return access;
  }
  access.width = facts.accessWidth(op->getOperand(0), mask, access.fastest);
  if (rmw)
    access.width = std::min<int64_t>(access.width, access.mostBits / access.bits);
  return access;
}

OperandSource sourceOf(Value operand, const AxisFacts &facts, const target::TargetInfo &info) {
  SmallVector<int32_t> order; // operand dim i is source dim order[i]
  for (int32_t d = 0; d < cast<RankedTensorType>(operand.getType()).getRank(); ++d)
    order.push_back(d);
  while (auto transpose = operand.getDefiningOp<TransposeOp>()) {
    for (int32_t &d : order)
      d = transpose.getOrder()[d];
    operand = transpose.getSource();
  }
  OperandSource source;
  auto load = operand.getDefiningOp<LoadOp>();
  source.byEngine = operand.getDefiningOp<DescriptorLoadOp>() != nullptr;
  source.fromMemory = load || source.byEngine;
  std::optional<MemoryAccess> access = load ? accessOf(load, facts, info) : std::nullopt;
  source.isOrdered = access || !load;
  source.width = access ? std::max<int64_t>(access->width, kWidthOfOperands) : 1;
  unsigned fastest = access ? access->fastest : static_cast<unsigned>(order.size()) - 1;
  for (auto [dim, from] : llvm::enumerate(order))
    if (static_cast<unsigned>(from) == fastest)
      source.fastest = static_cast<unsigned>(dim);
  return source;
}

} // namespace tessera::tile
