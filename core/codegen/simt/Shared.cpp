// Shared.cpp - shared tensors and scratch: addresses, vectors, values that one lane gives to all
//
// SPDX-License-Identifier: Apache-2.0
#include "core/codegen/simt/BufferAccess.h"
#include "core/codegen/simt/Emitter.h"

using namespace llvm;
using tessera::layout::LinearLayout;
using tessera::tbc::AttrId;
using tessera::tbc::Op;

namespace tessera::codegen::simt {

std::optional<layout::BlockTransfer> Emitter::blocksFor(const LinearLayout &shared, const LinearLayout &l,
                                                        unsigned bytes, bool isStore) {
  layout::SharedMemory memory;
  memory.maxVectorBytes = target_.maxVectorBits() / 8;
  memory.blockTransfers = target_.blockTransfers();
  if (!memory.blockTransfers)
    return std::nullopt;
  std::optional<layout::BlockTransfer> t = layout::blockTransfer(l, shared, 8 * bytes, isStore, memory);
  layout::SharedAccess plain = layout::analyseAccess(l, shared, 8 * bytes, memory);
  bool fewer = t && static_cast<int64_t>(t->accesses.size()) < plain.accessesPerLane &&
               t->wavefronts <= plain.accessesPerLane * plain.wavefronts;
  return fewer ? t : std::nullopt;
}

namespace {

// The row that a lane names in each access of a transfer: as BufferAccess has addresses.
class RowAddresses {
public:
  RowAddresses(IRBuilderBase &b, const layout::BlockTransfer &t, Value *base, Value *part, unsigned bytes)
      : b_(b), base_(base), part_(part), bytes_(bytes) {
    for (const layout::Vectors *columns : {&t.lane, &t.warp})
      for (uint64_t column : *columns)
        elsewhere_ |= column;
  }
  Value *operator()(uint64_t at) {
    Value *&start = starts_[at & elsewhere_];
    if (!start) {
      Value *offset = b_.CreateXor(part_, ConstantInt::get(part_->getType(), at & elsewhere_));
      start = b_.CreateGEP(b_.getInt8Ty(), base_, b_.CreateMul(offset, ConstantInt::get(offset->getType(), bytes_)));
    }
    return b_.CreateConstInBoundsGEP1_32(b_.getInt8Ty(), start, static_cast<unsigned>((at & ~elsewhere_) * bytes_));
  }

private:
  IRBuilderBase &b_;
  Value *base_, *part_;
  unsigned bytes_;
  uint64_t elsewhere_ = 0;
  std::map<uint64_t, Value *> starts_;
};

} // namespace

void Emitter::storeShared(V base, const LinearLayout &shared, const LinearLayout &l, const Registers &r,
                          unsigned bytes) {
  if (std::optional<layout::BlockTransfer> t = blocksFor(shared, l, bytes, true)) {
    RowAddresses row(b_, *t, base, b_.CreateXor(applyColumns(lane_, t->lane), applyColumns(warp_, t->warp)), bytes);
    for (const layout::BlockTransfer::Access &access : t->accesses) {
      SmallVector<V, 4> words, elements;
      for (unsigned reg : access.registers) {
        elements.push_back(r[reg]);
        if (elements.size() == t->together)
          words.push_back(packWords(b_, elements, 8 * bytes)), elements.clear();
      }
      target_.storeBlocks(b_, row(access.at), words, t->transposed);
    }
    return;
  }
  BufferAccess access(l, shared, bytes, target_.maxVectorBits());
  V part = laneAndWarpPart(access.offsets);
  for (const AccessVector &v : access.vectors) {
    SmallVector<V, 16> elements;
    for (unsigned reg : v.registers)
      elements.push_back(r[reg]);
    b_.CreateAlignedStore(packWords(b_, elements, 8 * bytes), access.address(b_, base, part, v.at, bytes),
                          Align(bytes * v.registers.size()));
  }
}

Registers Emitter::loadShared(V base, const LinearLayout &shared, const LinearLayout &l, Type *t, unsigned bytes,
                              uint64_t from) {
  if (std::optional<layout::BlockTransfer> blocks = blocksFor(shared, l, bytes, false)) {
    RowAddresses row(b_, *blocks, base,
                     b_.CreateXor(applyColumns(lane_, blocks->lane), applyColumns(warp_, blocks->warp)), bytes);
    Registers out(size_t(1) << l.inBits(layout::kRegister));
    for (const layout::BlockTransfer::Access &access : blocks->accesses) {
      SmallVector<V> words = target_.loadBlocks(b_, row(access.at ^ from), blocks->blocks, blocks->transposed);
      for (auto [i, reg] : enumerate(access.registers))
        if (i % blocks->together == 0)
          for (auto [e, value] :
               enumerate(unpackWords(b_, words[i / blocks->together], blocks->together, 8 * bytes, t)))
            out[access.registers[i + e]] = value;
    }
    for (auto [reg, first] : enumerate(registerCopies(l)))
      out[reg] = out[first];
    return out;
  }
  BufferAccess access(l, shared, bytes, target_.maxVectorBits());
  V part = laneAndWarpPart(access.offsets);
  Registers out(size_t(1) << l.inBits(layout::kRegister));
  for (const AccessVector &v : access.vectors) {
    auto count = static_cast<unsigned>(v.registers.size());
    V words = b_.CreateAlignedLoad(wordsType(b_.getContext(), count, 8 * bytes),
                                   access.address(b_, base, part, v.at ^ from, bytes), Align(bytes * count));
    for (auto [reg, value] : zip(v.registers, unpackWords(b_, words, count, 8 * bytes, t)))
      out[reg] = value;
  }
  for (auto [reg, first] : enumerate(registerCopies(l)))
    out[reg] = out[first];
  return out;
}

void Emitter::sharedAlloc(const Op &o) {
  if (!o.find(AttrId::Offset))
    fail(o, "shared memory was not planned: the buffer has no offset");
  setScalar(o.results[0], sharedAt(o.intAttr(AttrId::Offset)));
  slots_[o.results[0]] = std::max<unsigned>(static_cast<unsigned>(o.intAttr(AttrId::Slots)), 1);
}

Value *Emitter::sharedAt(int64_t offset) {
  return b_.CreateConstInBoundsGEP1_64(b_.getInt8Ty(), target_.sharedBase(b_), static_cast<uint64_t>(offset));
}

Value *Emitter::scratch(const Op &o, uint64_t need) {
  auto given = static_cast<uint64_t>(o.intAttr(AttrId::Bytes));
  if (!o.find(AttrId::Bytes) || given < need)
    fail(o, "the op needs " + std::to_string(need) + " bytes of shared scratch and was given " + std::to_string(given));
  return sharedAt(o.intAttr(AttrId::Offset));
}

void Emitter::onlyWhere(V predicate, function_ref<void()> emit) {
  if (!predicate)
    return emit();
  BasicBlock *then = BasicBlock::Create(out_.getContext(), "only", function_),
             *after = BasicBlock::Create(out_.getContext(), "all", function_);
  b_.CreateCondBr(predicate, then, after);
  b_.SetInsertPoint(then);
  emit();
  b_.CreateBr(after);
  b_.SetInsertPoint(after);
}

Value *Emitter::broadcastFromFirst(const Op &o, V value) {
  if (warps_ == 1)
    return shuffle(value, i32(0));
  Type *t = value->getType();
  unsigned bytes = t->isPointerTy() ? 8 : std::max(t->getScalarSizeInBits() / 8, 1u);
  V place = scratch(o, bytes);
  onlyWhere(b_.CreateICmpEQ(thread_, i32(0)),
            [&] { b_.CreateAlignedStore(packWords(b_, value, 8 * bytes), place, Align(bytes)); });
  barrier();
  V words = b_.CreateAlignedLoad(wordsType(b_.getContext(), 1, 8 * bytes), place, Align(bytes));
  return unpackWords(b_, words, 1, 8 * bytes, t)[0];
}

} // namespace tessera::codegen::simt
