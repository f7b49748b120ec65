// GroupProducts.cpp - products of groups of warps on the host: tables of the operands' places, a call for each instruction
//
// SPDX-License-Identifier: Apache-2.0
#include "tests/simt/Block.h"
#include "tests/simt/HostLaneTarget.h"

#include "core/target/ElementNumber.h"
#include "core/target/GenericTarget.h"

#include "llvm/IR/Module.h"

#include <cstddef>

using namespace llvm;
using tessera::codegen::simt::SharedIssue;
using tessera::layout::LinearLayout;

namespace tessera::simt {

codegen::simt::LaneTarget::EntryShape HostLaneTarget::entryShape(unsigned entry) {
  const target::MatrixEntry &e = groupMenu().at(entry);
  return {e.m, e.nMax, e.k, Products::kWarps};
}

Value *HostLaneTarget::sharedOperand(IRBuilderBase &, unsigned, unsigned, V pointer, const LinearLayout &, unsigned) {
  return pointer;
}

bool HostLaneTarget::readsShared(unsigned entry, const LinearLayout &a) {
  return groupMenu().at(entry).a == target::kElemF16 || a.consecutive(layout::kOffset, layout::tensorDimName(1)) >
                                                            a.consecutive(layout::kOffset, layout::tensorDimName(0));
}

LinearLayout HostLaneTarget::matrixFragment(unsigned entry, unsigned operand, unsigned columns) {
  const target::MatrixEntry &e = groupMenu().at(entry);
  target::LayoutRequest request;
  request.access = operand == 2 ? target::Access::MatrixAccumulator : target::Access::MatrixOperand;
  request.shape = {e.m, operand == 2 ? columns : e.k};
  request.numWarps = Products::kWarps;
  request.operand = operand;
  return *target::fragmentLayout(e, request, options_.lanes);
}

namespace {

// Byte offsets, from the first one, of the first rows x columns elements of an operand that is laid out so; row-major.
Constant *placesOf(IRBuilderBase &b, const LinearLayout &layout, unsigned bytes, unsigned rows, unsigned columns) {
  LinearLayout toOffset = layout.inverse();
  SmallVector<uint32_t> places;
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j)
      places.push_back(static_cast<uint32_t>(toOffset.apply(std::vector<int64_t>{i, j})[0]) * bytes);
  Constant *data = ConstantDataArray::get(b.getContext(), ArrayRef<uint32_t>(places));
  return new GlobalVariable(*b.GetInsertBlock()->getModule(), data->getType(), true, GlobalValue::PrivateLinkage, data);
}

Value *onStack(IRBuilderBase &b, Type *type, uint64_t count) {
  BasicBlock &top = b.GetInsertBlock()->getParent()->getEntryBlock();
  IRBuilder<> entry(&top, top.begin());
  return entry.CreateAlloca(type, b.getInt64(count));
}

Value *registersOnStack(IRBuilderBase &b, ArrayRef<Value *> registers) {
  Value *array = onStack(b, b.getInt64Ty(), registers.size());
  for (size_t i = 0; i < registers.size(); ++i)
    b.CreateStore(toBits(b, registers[i]), b.CreateConstInBoundsGEP1_64(b.getInt64Ty(), array, i));
  return array;
}

} // namespace

SmallVector<Value *> HostLaneTarget::asyncMatrix(IRBuilderBase &b, const SharedIssue &issue) {
  const target::MatrixEntry &e = groupMenu().at(issue.entry);
  V operands = onStack(b, b.getInt64Ty(), (sizeof(GroupOperands) + 7) / 8);
  auto put = [&](uint64_t offset, V v) {
    b.CreateStore(v, b.CreateConstInBoundsGEP1_64(b.getInt8Ty(), operands, offset));
  };
  auto from = [&](V pointer, uint64_t offset) { return b.CreateConstGEP1_64(b.getInt8Ty(), pointer, offset); };
  V none = ConstantPointerNull::get(b.getPtrTy());
  bool inRegisters = !issue.aRegisters.empty();
  put(offsetof(GroupOperands, entry), b.getInt32(issue.entry));
  put(offsetof(GroupOperands, columns), b.getInt32(issue.n));
  put(offsetof(GroupOperands, fromZero), b.getInt32(issue.fromZero));
  put(offsetof(GroupOperands, b), from(issue.bShared, issue.bOffset));
  put(offsetof(GroupOperands, bOffsets), placesOf(b, *issue.bLayout, tbc::elemBits(issue.b) / 8, e.k, issue.n));
  put(offsetof(GroupOperands, a), inRegisters ? none : from(issue.aShared, issue.aOffset));
  put(offsetof(GroupOperands, aOffsets),
      inRegisters ? none : placesOf(b, *issue.aLayout, tbc::elemBits(issue.a) / 8, e.m, e.k));
  V c = registersOnStack(b, issue.accumulator);
  call(b, offsetof(Services, groupMatrix), b.getVoidTy(),
       {operands, inRegisters ? registersOnStack(b, issue.aRegisters) : none, c}, true);
  SmallVector<V> results;
  for (size_t i = 0; i < issue.accumulator.size(); ++i)
    results.push_back(fromBits(b, b.CreateLoad(b.getInt64Ty(), b.CreateConstInBoundsGEP1_64(b.getInt64Ty(), c, i)),
                               issue.accumulator[i]->getType()));
  return results;
}

void HostLaneTarget::endAsyncMatrix(IRBuilderBase &b) {
  call(b, offsetof(Services, matrixCommit), b.getVoidTy(), {}, false);
}

SmallVector<Value *> HostLaneTarget::awaitMatrix(IRBuilderBase &b, unsigned pending, ArrayRef<V> registers) {
  call(b, offsetof(Services, matrixWait), b.getVoidTy(),
       {b.getInt32(sourceLine(b.getCurrentDebugLocation())), b.getInt32(pending)}, false);
  return SmallVector<V>(registers);
}

} // namespace tessera::simt
