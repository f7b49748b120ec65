// Rearrange.cpp - gather and histogram
//
// SPDX-License-Identifier: Apache-2.0
#include "core/codegen/simt/Emitter.h"

#include <map>

using namespace llvm;
using tessera::layout::AxisSplit;
using tessera::layout::LinearLayout;
using tessera::layout::Place;
using tessera::tbc::AttrId;
using tessera::tbc::Op;

namespace tessera::codegen::simt {

// ---- gather --------------------------------------------------------------------------------------------------------

void Emitter::gather(const Op &o) {
  const tbc::Type &t = type(o.operands[0]), &ti = type(o.operands[1]);
  const LinearLayout &source = layoutOf(t), &index = layoutOf(ti);
  auto axis = static_cast<unsigned>(o.intAttr(AttrId::Axis));
  const Registers &values = of(o.operands[0]), &indices = of(o.operands[1]);
  unsigned start = source.outStart(source.outs()[axis].name), bits = source.outs()[axis].bits;
  int64_t extent = int64_t(1) << bits;
  // An index beyond the axis reads something of the row, never memory of others.
  auto inside = [&](V v) { return b_.CreateAnd(b_.CreateSExtOrTrunc(v, b_.getInt32Ty()), i32(extent - 1)); };
  // A register of the index without its bits of the axis, as a row of the source.
  auto rowOf = [&](uint64_t packed) {
    std::vector<int64_t> at = index.unpackOut(packed);
    at[axis] = 0;
    return source.packOut(at);
  };
  Registers out;
  if (layout::gathersInWarp(source, index, axis)) {
    AxisSplit s = axisOf(o);
    SmallVector<unsigned> laneBits, registerBits;
    SmallVector<uint64_t> toLane(bits, 0);
    SmallVector<unsigned> registerIndexBits;
    unsigned at = 0;
    for (const layout::AxisRun &run : s.runs)
      for (unsigned bit : run.bits) {
        if (run.place == Place::Lane) {
          toLane[at] = uint64_t(1) << bit;
        } else {
          registerBits.push_back(bit);
          registerIndexBits.push_back(at);
        }
        ++at;
      }
    std::map<uint64_t, unsigned> rows; // of the source's registers
    for (unsigned r = 0; r < values.size(); ++r)
      if (!(r & (s.registers | s.registerCopies)))
        rows[source.applyPacked(r)] = r;
    V others = b_.CreateAnd(lane_, i32(static_cast<int64_t>(~s.lanes & (target_.lanes() - 1))));
    for (unsigned j = 0; j < indices.size(); ++j) {
      unsigned row = rows.at(rowOf(index.applyPacked(j)));
      V wanted = inside(indices[j]);
      SmallVector<V> candidates;
      V lane = s.lanes ? b_.CreateOr(others, applyColumns(wanted, toLane)) : nullptr;
      for (unsigned k = 0; k < (1u << registerBits.size()); ++k) {
        unsigned r = row;
        for (unsigned i = 0; i < registerBits.size(); ++i)
          r |= ((k >> i) & 1) << registerBits[i];
        candidates.push_back(lane ? shuffle(values[r], lane) : values[r]);
      }
      for (unsigned i = 0; i < registerBits.size(); ++i) {
        V upper = b_.CreateICmpNE(b_.CreateAnd(wanted, i32(int64_t(1) << registerIndexBits[i])), i32(0));
        for (unsigned k = 0; 2 * k < candidates.size(); ++k)
          candidates[k] = b_.CreateSelect(upper, candidates[2 * k + 1], candidates[2 * k]);
        candidates.resize(candidates.size() / 2);
      }
      out.push_back(candidates[0]);
    }
    set(o.results[0], std::move(out));
    return;
  }
  unsigned bytes = t.elementBytes();
  V base = scratch(o, static_cast<uint64_t>(t.numElements()) * bytes);
  LinearLayout shared = LinearLayout::rowMajor(layout::kOffset, t.shape);
  Registers stored;
  for (V v : values)
    stored.push_back(toMemory(v));
  Type *elementType = stored[0]->getType();
  storeShared(base, shared, source, stored, bytes);
  barrier();
  // The lane's part of the row, with the index's extents replaced by the source's.
  auto rowColumns = [&](std::string_view in) {
    SmallVector<uint64_t> columns;
    for (uint64_t column : index.columnsOf(in))
      columns.push_back(rowOf(column));
    return columns;
  };
  V part = b_.CreateXor(b_.CreateZExtOrTrunc(applyColumns(lane_, rowColumns(layout::kLane)), b_.getInt32Ty()),
                        b_.CreateZExtOrTrunc(applyColumns(warp_, rowColumns(layout::kWarp)), b_.getInt32Ty()));
  for (unsigned j = 0; j < indices.size(); ++j) {
    V row = b_.CreateXor(part, i32(static_cast<int64_t>(rowOf(index.applyPacked(j)))));
    V element = b_.CreateOr(row, b_.CreateShl(inside(indices[j]), start));
    V address = b_.CreateInBoundsGEP(elementType, base, element);
    out.push_back(fromMemory(b_.CreateAlignedLoad(elementType, address, Align(bytes)), llvmType(t)));
  }
  set(o.results[0], std::move(out));
}

// ---- histogram -----------------------------------------------------------------------------------------------------

void Emitter::histogram(const Op &o) {
  const tbc::Type &t = type(o.operands[0]), &result = type(o.results[0]);
  const LinearLayout &l = layoutOf(t), &bins = layoutOf(result);
  int64_t count = result.numElements();
  V base = scratch(o, static_cast<uint64_t>(count) * 4);
  LinearLayout shared = LinearLayout::rowMajor(layout::kOffset, result.shape);
  storeShared(base, shared, bins, Registers(registersOf(result), i32(0)), 4);
  barrier();
  V first = isFirstCopy(l);
  SmallVector<unsigned> copies = registerCopies(l);
  for (unsigned r = 0; r < registersOf(t); ++r) {
    if (copies[r] != r)
      continue;
    V v = of(o.operands[0])[r];
    // As unsigned numbers negative values lie beyond the bins.
    V wide = b_.CreateSExt(v, b_.getIntNTy(std::max(v->getType()->getIntegerBitWidth(), 32u)));
    V counts = b_.CreateICmpULT(wide, ConstantInt::get(wide->getType(), static_cast<uint64_t>(count)));
    if (o.operands.size() > 1)
      counts = b_.CreateAnd(counts, of(o.operands[1])[r]);
    if (first)
      counts = b_.CreateAnd(counts, first);
    BasicBlock *then = BasicBlock::Create(out_.getContext(), "count", function_),
               *after = BasicBlock::Create(out_.getContext(), "counted", function_);
    b_.CreateCondBr(counts, then, after);
    b_.SetInsertPoint(then);
    V address = b_.CreateInBoundsGEP(b_.getInt32Ty(), base, b_.CreateTrunc(wide, b_.getInt32Ty()));
    b_.CreateAtomicRMW(AtomicRMWInst::Add, address, i32(1), Align(4), AtomicOrdering::Monotonic);
    b_.CreateBr(after);
    b_.SetInsertPoint(after);
  }
  barrier();
  set(o.results[0], loadShared(base, shared, bins, b_.getInt32Ty(), 4));
}

} // namespace tessera::codegen::simt
