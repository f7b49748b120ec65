// TensorCopies.cpp - copies of whole tiles: one lane starts them, box by box
//
// SPDX-License-Identifier: Apache-2.0
#include "core/layout/TensorCopy.h"

#include "core/codegen/simt/Emitter.h"

using namespace llvm;
using tessera::tbc::AttrId;
using tessera::tbc::Op;
using tessera::tbc::Opcode;

namespace tessera::codegen::simt {

// Chosen once, at the start of the kernel.
Value *Emitter::oneLane() {
  if (!oneLane_) {
    IRBuilder<>::InsertPointGuard guard(b_);
    BasicBlock &entry = function_->getEntryBlock();
    auto *after = cast<Instruction>(warp_)->getNextNode();
    if (after)
      b_.SetInsertPoint(after);
    else
      b_.SetInsertPoint(&entry);
    oneLane_ = target_.oneLane(b_, thread_, warp_);
  }
  return oneLane_;
}

void Emitter::enterAlone(tbc::ValueId predicate) {
  if (afterAlone_ && alone_ == predicate)
    return;
  leaveAlone();
  BasicBlock *alone = BasicBlock::Create(out_.getContext(), "alone", function_);
  afterAlone_ = BasicBlock::Create(out_.getContext(), "together", function_);
  alone_ = predicate;
  V here = scalar(predicate);
  b_.CreateCondBr(role_ == Role::Copies ? here : b_.CreateAnd(oneLane(), here), alone, afterAlone_);
  b_.SetInsertPoint(alone);
}

void Emitter::leaveAlone() {
  if (!afterAlone_)
    return;
  b_.CreateBr(afterAlone_);
  b_.SetInsertPoint(afterAlone_);
  afterAlone_ = nullptr;
}

bool Emitter::tensorCopies(const Op &o) {
  switch (o.code) {
  case Opcode::TensorMap: {
    SmallVector<V> operands;
    for (tbc::ValueId id : o.operands)
      operands.push_back(scalar(id));
    maps_[o.results[0]] = &o;
    setScalar(o.results[0], target_.tensorMap(b_, o, operands, oneLane()));
    return true;
  }
  case Opcode::CopyBarrierInit:
    onlyWhere(oneLane(), [&] {
      target_.copyBarriersInit(b_, scalar(o.operands[0]), slots_.lookup(o.operands[0]),
                               static_cast<unsigned>(o.intAttr(AttrId::Arrivals)));
    });
    return true;
  case Opcode::CopyBarrierEnd:
    onlyWhere(oneLane(), [&] { target_.copyBarriersEnd(b_, scalar(o.operands[0]), slots_.lookup(o.operands[0])); });
    return true;
  case Opcode::CopyExpect:
    enterAlone(o.operands[1]);
    target_.copyExpect(b_, scalar(o.operands[0]), static_cast<uint64_t>(o.intAttr(AttrId::Bytes)));
    return true;
  case Opcode::CopyArrive:
    target_.warpBarrier(b_);
    onlyWhere(b_.CreateAnd(b_.CreateICmpEQ(lane_, i32(0)), scalar(o.operands[1])),
              [&] { target_.copyArrive(b_, scalar(o.operands[0])); });
    return true;
  case Opcode::CopyBarrierWait:
    target_.copyBarrierWait(b_, scalar(o.operands[0]), scalar(o.operands[1]));
    return true;
  case Opcode::TensorLoad:
    enterAlone(o.operands[3]);
    tensorCopy(o, 4);
    return true;
  case Opcode::TensorStore:
    onlyWhere(oneLane(), [&] {
      tensorCopy(o, 2);
      target_.tensorStoreCommit(b_);
    });
    return true;
  case Opcode::TensorStoreWait:
    target_.tensorStoreWait(b_, static_cast<unsigned>(o.intAttr(AttrId::Pending)), o.intAttr(AttrId::Complete) != 0);
    return true;
  default:
    return false;
  }
}

void Emitter::tensorCopy(const Op &o, size_t firstCoordinate) {
  const tbc::Type &buffer = type(o.operands[0]);
  const Op *map = maps_.lookup(o.operands[1]);
  if (!map)
    fail(o, "the map of a tensor copy must be a tensor_map of this kernel");
  auto swizzle = static_cast<uint64_t>(map->intAttr(AttrId::Swizzle));
  const std::vector<int64_t> &box = map->intsAttr(AttrId::Box);
  std::optional<layout::TensorCopyPlan> plan =
      layout::planTensorCopy(layoutOf(buffer), 8 * buffer.elementBytes(), swizzle, 256);
  if (!plan || !plan->isBox(box) || box.size() != o.operands.size() - firstCoordinate || plan->swizzleBytes != swizzle)
    fail(o, "the box and swizzle of the map are not those of the shared tensor's layout");
  for (const layout::TensorCopyPlan::Part &part : plan->parts) {
    SmallVector<V> coordinates;
    size_t inner = o.operands.size() - part.at.size(); // the operand that is the tile's first dim
    for (size_t i = firstCoordinate; i < inner; ++i)
      coordinates.push_back(scalar(o.operands[i]));
    for (size_t d = 0; d < part.at.size(); ++d) {
      V corner = scalar(o.operands[inner + d]);
      coordinates.push_back(part.at[d] ? b_.CreateAdd(corner, i32(part.at[d])) : corner);
    }
    V shared =
        b_.CreateConstInBoundsGEP1_64(b_.getInt8Ty(), scalar(o.operands[0]), part.offset * buffer.elementBytes());
    if (o.code == Opcode::TensorLoad)
      target_.tensorLoad(b_, shared, scalar(o.operands[1]), scalar(o.operands[2]), coordinates);
    else
      target_.tensorStore(b_, shared, scalar(o.operands[1]), coordinates);
  }
}

} // namespace tessera::codegen::simt
