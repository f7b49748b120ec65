// Rearrange.cpp - sort, gather and histogram
//
// SPDX-License-Identifier: Apache-2.0
#include "core/codegen/simt/Emitter.h"

#include <bit>
#include <limits>
#include <map>

using namespace llvm;
using tessera::layout::AxisSplit;
using tessera::layout::LinearLayout;
using tessera::layout::Place;
using tessera::tbc::AttrId;
using tessera::tbc::Elem;
using tessera::tbc::Op;

namespace tessera::codegen::simt {

// ---- sort ----------------------------------------------------------------------------------------------------------

namespace {

// Elements as signed integers in the order of the sort, so that a comparison is one instruction: negative floats with their magnitude
// inverted, NaN beyond all others. -0 comes before +0, and every NaN comes back as one.
class SortKeys {
public:
  SortKeys(IRBuilder<> &b, Elementwise &e, Elem elem, bool descending)
      : b_(b), e_(e), elem_(elem), bits_(elem == Elem::I1 ? 1 : tbc::elemBits(elem)), width_(std::max(bits_, 32u)),
        magnitude_((uint64_t(1) << (bits_ - 1)) - 1),
        nan_(descending ? APInt::getSignedMinValue(width_) : APInt::getSignedMaxValue(width_)) {}

  Value *key(Value *v) {
    Type *t = b_.getIntNTy(width_);
    if (!tbc::isFloat(elem_))
      return b_.CreateSExt(v, t);
    Value *isNan = nullptr;
    if (elem_ != Elem::F8E4B15) {
      Value *wide = e_.widen(v, elem_);
      isNan = b_.CreateFCmpUNO(wide, wide);
    }
    Value *code = b_.CreateSExt(b_.CreateBitCast(v, b_.getIntNTy(bits_)), t);
    Value *key = flip(code);
    return isNan ? b_.CreateSelect(isNan, ConstantInt::get(t, nan_), key) : key;
  }
  Value *element(Value *key) {
    Type *stored = b_.getIntNTy(bits_);
    if (!tbc::isFloat(elem_))
      return b_.CreateTrunc(key, stored);
    Value *code = b_.CreateTrunc(flip(key), stored);
    if (elem_ != Elem::F8E4B15) {
      Value *nan = b_.CreateBitCast(e_.constFloat(elem_, std::numeric_limits<double>::quiet_NaN()), stored);
      code = b_.CreateSelect(b_.CreateICmpEQ(key, ConstantInt::get(key->getType(), nan_)), nan, code);
    }
    return b_.CreateBitCast(code, e_.type(elem_));
  }

private:
  Value *flip(Value *code) { // its own inverse
    Value *sign = b_.CreateAShr(code, width_ - 1);
    return b_.CreateXor(code, b_.CreateAnd(sign, ConstantInt::get(code->getType(), magnitude_)));
  }
  IRBuilder<> &b_;
  Elementwise &e_;
  Elem elem_;
  unsigned bits_, width_;
  uint64_t magnitude_;
  APInt nan_;
};

} // namespace

// Bitonic: after stage s all aligned blocks of 2^(s+1) elements are sorted, up and down in turn. A step compares elements whose numbers
// differ in one bit, which lives in registers, lanes or warps.
void Emitter::sort(const Op &o) {
  const tbc::Type &t = type(o.operands[0]);
  AxisSplit s = axisOf(o);
  bool descending = o.intAttr(AttrId::Descending) != 0;
  SortKeys keys(b_, e_, t.elem, descending);
  unsigned registers = registersOf(t), copies = static_cast<unsigned>(s.registerCopies);
  SmallVector<unsigned> own;
  for (unsigned r = 0; r < registers; ++r)
    if (!(r & copies))
      own.push_back(r);
  Registers key(registers);
  for (unsigned r : own)
    key[r] = keys.key(of(o.operands[0])[r]);

  SmallVector<std::pair<Place, unsigned>> bits; // of the axis
  for (const layout::AxisRun &run : s.runs)
    for (unsigned bit : run.bits)
      bits.push_back({run.place, bit});
  SmallVector<V> isSet; // bit of the element's number, i1; null: a register bit
  for (auto [place, bit] : bits)
    isSet.push_back(
        place == Place::Register
            ? nullptr
            : b_.CreateICmpNE(b_.CreateAnd(place == Place::Lane ? lane_ : warp_, i32(int64_t(1) << bit)), i32(0)));
  // Whether the block of stage s that register r is in goes down.
  auto isDown = [&](unsigned stage, unsigned r) -> V {
    if (stage + 1 >= bits.size())
      return b_.getInt1(descending);
    auto [place, bit] = bits[stage + 1];
    V up = place == Place::Register ? static_cast<V>(b_.getInt1((r >> bit) & 1)) : isSet[stage + 1];
    return descending ? b_.CreateNot(up) : up;
  };
  // The lane's own and its partner's value: the lower one goes to the lower place of an ascending pair.
  auto keep = [&](V mine, V other, V isHigh, V down) {
    V wantsGreater = b_.CreateXor(isHigh, down);
    V isLess = b_.CreateICmpSLT(mine, other);
    return b_.CreateSelect(b_.CreateXor(isLess, wantsGreater), mine, other);
  };

  V buffer = s.warps ? scratch(o, static_cast<uint64_t>(t.numElements()) * t.elementBytes()) : nullptr;
  bool bufferIsRead = false;
  for (unsigned stage = 0; stage < bits.size(); ++stage)
    for (unsigned step = stage + 1; step-- > 0;) {
      auto [place, bit] = bits[step];
      if (place == Place::Register) {
        for (unsigned r : own) {
          unsigned high = r | (1u << bit);
          if (high == r)
            continue;
          V down = isDown(stage, r), a = key[r], c = key[high];
          V low = b_.CreateBinaryIntrinsic(Intrinsic::smin, a, c),
            top = b_.CreateBinaryIntrinsic(Intrinsic::smax, a, c);
          key[r] = b_.CreateSelect(down, top, low); // folds where `down` is known
          key[high] = b_.CreateSelect(down, low, top);
        }
        continue;
      }
      Registers other(registers);
      if (place == Place::Lane) {
        for (unsigned r : own)
          other[r] = shuffleXor(key[r], 1u << bit);
      } else {
        // Every lane has a place of its own for its registers and reads its partner's: vectors of neighbouring lanes, no conflicts.
        if (bufferIsRead)
          barrier();
        bufferIsRead = true;
        uint64_t laneCopies = s.laneCopies, warpCopies = s.warpCopies;
        uint64_t lanes = (target_.lanes() - 1) & ~laneCopies, warps = (warps_ - 1) & ~warpCopies;
        unsigned laneBits = static_cast<unsigned>(std::popcount(lanes)),
                 places = 1u << (laneBits + std::popcount(warps)), bytes = t.elementBytes();
        unsigned vector = std::min<unsigned>(own.size(), std::max(target_.maxVectorBits() / 8 / bytes, 1u));
        auto placeOf = [&](V warp) {
          V at = b_.CreateOr(closeUp(lane_, lanes), b_.CreateShl(closeUp(warp, warps), laneBits));
          return b_.CreateMul(at, i32(vector * bytes));
        };
        V mine = placeOf(warp_), theirs = placeOf(b_.CreateXor(warp_, i32(int64_t(1) << bit)));
        Type *stored = b_.getIntNTy(bytes * 8);
        auto *type = FixedVectorType::get(stored, vector);
        auto address = [&](V at, size_t group) {
          V offset = b_.CreateAdd(at, i32(static_cast<int64_t>(group) * places * vector * bytes));
          return b_.CreateInBoundsGEP(b_.getInt8Ty(), buffer, offset);
        };
        for (size_t group = 0; group < own.size() / vector; ++group) {
          V all = PoisonValue::get(type);
          for (unsigned i = 0; i < vector; ++i) {
            V v = keys.element(key[own[group * vector + i]]);
            all = b_.CreateInsertElement(all, b_.CreateBitCast(toMemory(v), stored), i);
          }
          b_.CreateAlignedStore(all, address(mine, group), Align(vector * bytes));
        }
        barrier();
        for (size_t group = 0; group < own.size() / vector; ++group) {
          V all = b_.CreateAlignedLoad(type, address(theirs, group), Align(vector * bytes));
          for (unsigned i = 0; i < vector; ++i) {
            V v = b_.CreateBitCast(b_.CreateExtractElement(all, i), t.elem == Elem::I1 ? stored : e_.type(t.elem));
            other[own[group * vector + i]] = keys.key(fromMemory(v, e_.type(t.elem)));
          }
        }
      }
      for (unsigned r : own)
        key[r] = keep(key[r], other[r], isSet[step], isDown(stage, r));
    }
  Registers out(registers);
  for (unsigned r : own)
    out[r] = keys.element(key[r]);
  for (unsigned r = 0; r < registers; ++r)
    out[r] = out[r & ~copies];
  set(o.results[0], std::move(out));
}

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
