// Sort.cpp - bitonic networks, spelled out in registers and, for large tiles, as loops over shared memory
//
// After stage s all aligned blocks of 2^(s+1) elements of the axis are sorted, up and down in turn. A step of a stage compares elements whose numbers differ in
// one bit, from bit s down to bit 0: n elements take log2(n) (log2(n) + 1) / 2 steps.
//
// SPDX-License-Identifier: Apache-2.0
#include "core/codegen/simt/Emitter.h"

#include <bit>
#include <limits>

using namespace llvm;
using tessera::layout::AxisSplit;
using tessera::layout::LinearLayout;
using tessera::layout::Place;
using tessera::tbc::AttrId;
using tessera::tbc::Elem;
using tessera::tbc::Op;

namespace tessera::codegen::simt {

namespace {

// Elements as signed integers in the order of the sort, so that a comparison is one instruction: negative floats with their magnitude
// inverted, NaN beyond all others. -0 comes before +0, and every NaN comes back as one.
class SortKeys {
public:
  SortKeys(IRBuilder<> &b, Elementwise &e, Elem elem, bool descending)
      : b_(b), e_(e), elem_(elem), bits_(elem == Elem::I1 ? 1 : tbc::elemBits(elem)), width_(std::max(bits_, 32u)),
        magnitude_((uint64_t(1) << (bits_ - 1)) - 1),
        nan_((descending ? APInt::getSignedMinValue(nanBits()) : APInt::getSignedMaxValue(nanBits())).sext(width_)) {}

  unsigned width() const { return width_; }

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

  // A key as memory holds it, in as many bits as an element has there, and back.
  Value *stored(Value *key, unsigned bits) {
    return fits() ? b_.CreateTrunc(key, b_.getIntNTy(bits)) : b_.CreateBitCast(element(key), b_.getIntNTy(bits));
  }
  Value *loaded(Value *v) {
    return fits() ? b_.CreateSExt(v, b_.getIntNTy(width_)) : key(b_.CreateBitCast(v, e_.type(elem_)));
  }

private:
  // Floats of 8 bits may have a number for each code: then NaN is beyond them only in more bits. Others leave the least and the greatest code to NaN.
  bool fits() const { return !tbc::isFloat(elem_) || bits_ > 8; }
  unsigned nanBits() const { return fits() ? std::max(bits_, 8u) : width_; }
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

// ---- in shared memory ----------------------------------------------------------------------------------------------

namespace {

constexpr unsigned kChunkBits = 5; // a lane takes 32 keys at once: five steps a pass, and no bank twice in a warp
constexpr unsigned kChunk = 1u << kChunkBits;

// Keys of rows lie one after the other, the axis fastest, with bits 5 to 9 of a key's number added to its lowest ones: 32 lanes that each take 32 keys, whose
// numbers differ in five neighbouring bits, wherever these are, are in different banks.
uint64_t placeOf(uint64_t number) { return number ^ ((number >> kChunkBits) & (kChunk - 1)); }

LinearLayout sharedLayout(const tbc::Type &t, const LinearLayout &l, unsigned axis) {
  LinearLayout plain = LinearLayout::rowMajor(layout::kOffset, t.shape);
  unsigned start = l.outStart(l.outs()[axis].name), extent = l.outs()[axis].bits, bits = plain.inBits(layout::kOffset);
  SmallVector<uint64_t> elements; // by bit of a key's number
  for (unsigned i = 0; i < extent; ++i)
    elements.push_back(uint64_t(1) << (start + i));
  for (unsigned i = 0; i < bits; ++i)
    if (i < start || i >= start + extent)
      elements.push_back(uint64_t(1) << i);
  layout::Vectors columns;
  for (unsigned i = 0; i < bits; ++i) {
    uint64_t column = 0, number = placeOf(uint64_t(1) << i); // its own inverse
    for (unsigned k = 0; k < bits; ++k)
      column |= (number >> k) & 1 ? elements[k] : 0;
    columns.push_back(column);
  }
  return LinearLayout({{std::string(layout::kOffset), bits}}, {plain.outs().begin(), plain.outs().end()},
                      std::move(columns));
}

// Emits the loops: the stages, the passes of a stage, and the chunks of a lane. A pass does up to five steps on keys that a lane holds in between.
class SharedSort {
public:
  using V = Value *;
  // number: the lane's among `lanes`. axisBits: of the row's length; chunks: of the tile.
  SharedSort(IRBuilder<> &b, SortKeys &keys, V base, unsigned bytes, V number, unsigned lanes, unsigned axisBits,
             int64_t chunks, bool descending, function_ref<void()> barrier)
      : b_(b), keys_(keys), base_(base), bytes_(bytes), number_(number), lanes_(lanes), axisBits_(axisBits),
        chunks_(chunks), descending_(descending), barrier_(barrier), function_(b.GetInsertBlock()->getParent()) {}

  void emit() {
    forChunks([&](V chunk) { // stages 0 to 4
      Chunk c = load(chunk, i32(0), i32(kChunkBits - 1));
      for (unsigned stage = 0; stage < kChunkBits; ++stage)
        for (unsigned step = stage + 1; step-- > 0;)
          compare(c.keys, step, [&](unsigned k) { return stage + 1 < kChunkBits && ((k >> (stage + 1)) & 1); });
      store(c);
    });
    barrier_();
    if (axisBits_ == kChunkBits)
      return;
    forRange(i32(kChunkBits), axisBits_, 1, [&](V stage) {
      // The first pass does what the others leave, from the stage's highest bit on.
      V rest = b_.CreateURem(b_.CreateAdd(stage, i32(1)), i32(kChunkBits));
      rest = b_.CreateSelect(b_.CreateICmpEQ(rest, i32(0)), i32(kChunkBits), rest);
      BasicBlock *before = b_.GetInsertBlock(), *pass = block("pass"), *after = block("sorted");
      b_.CreateBr(pass);
      b_.SetInsertPoint(pass);
      PHINode *top = b_.CreatePHI(b_.getInt32Ty(), 2), *steps = b_.CreatePHI(b_.getInt32Ty(), 2);
      top->addIncoming(stage, before);
      steps->addIncoming(rest, before);
      forChunks([&](V chunk) {
        Chunk c = load(chunk, b_.CreateSub(top, i32(kChunkBits - 1)), stage);
        takeSteps(c.keys, steps);
        store(c);
      });
      barrier_();
      V next = b_.CreateSub(top, steps);
      top->addIncoming(next, b_.GetInsertBlock());
      steps->addIncoming(i32(kChunkBits), b_.GetInsertBlock());
      b_.CreateCondBr(b_.CreateICmpSGE(next, i32(0)), pass, after);
      b_.SetInsertPoint(after);
    });
  }

private:
  struct Chunk {
    V down; // all ones where the chunk is sorted down: keys are inverted, so that all compare one way
    SmallVector<V, kChunk> places, keys;
  };

  V i32(int64_t v) { return b_.getInt32(static_cast<uint32_t>(v)); }
  BasicBlock *block(const char *name) { return BasicBlock::Create(b_.getContext(), name, function_); }

  // At least once.
  void forRange(V first, int64_t end, int64_t step, function_ref<void(V)> body) {
    BasicBlock *before = b_.GetInsertBlock(), *loop = block("sort"), *after = block("endsort");
    b_.CreateBr(loop);
    b_.SetInsertPoint(loop);
    PHINode *i = b_.CreatePHI(b_.getInt32Ty(), 2);
    i->addIncoming(first, before);
    body(i);
    V next = b_.CreateAdd(i, i32(step));
    i->addIncoming(next, b_.GetInsertBlock());
    b_.CreateCondBr(b_.CreateICmpSLT(next, i32(end)), loop, after);
    b_.SetInsertPoint(after);
  }
  void forChunks(function_ref<void(V)> body) { forRange(number_, chunks_, lanes_, body); }

  V placeOfNumber(V number) { // placeOf
    return b_.CreateXor(number, b_.CreateAnd(b_.CreateLShr(number, kChunkBits), i32(kChunk - 1)));
  }
  V address(V place) { return b_.CreateInBoundsGEP(b_.getInt8Ty(), base_, place); }

  // The keys whose numbers differ in bits `lowest` to lowest + 4.
  Chunk load(V chunk, V lowest, V stage) {
    Chunk c;
    V below = b_.CreateAnd(chunk, b_.CreateSub(b_.CreateShl(i32(1), lowest), i32(1)));
    V number = b_.CreateOr(b_.CreateShl(b_.CreateSub(chunk, below), kChunkBits), below);
    V above = b_.CreateAdd(stage, i32(1));
    V isUp = b_.CreateICmpEQ(b_.CreateAnd(b_.CreateLShr(number, above), i32(1)), i32(0));
    isUp = b_.CreateOr(isUp, b_.CreateICmpSGE(above, i32(axisBits_))); // what is above the axis numbers rows
    c.down = b_.CreateSExt(descending_ ? isUp : b_.CreateNot(isUp), b_.getIntNTy(keys_.width()));
    c.places.push_back(b_.CreateMul(placeOfNumber(number), i32(bytes_)));
    for (unsigned bit = 0; bit < kChunkBits; ++bit) {
      V moved = b_.CreateMul(placeOfNumber(b_.CreateShl(i32(1), b_.CreateAdd(lowest, i32(bit)))), i32(bytes_));
      for (unsigned k = 0; k < (1u << bit); ++k)
        c.places.push_back(b_.CreateXor(c.places[k], moved));
    }
    for (V place : c.places)
      c.keys.push_back(b_.CreateXor(
          keys_.loaded(b_.CreateAlignedLoad(b_.getIntNTy(8 * bytes_), address(place), Align(bytes_))), c.down));
    return c;
  }

  void store(const Chunk &c) {
    for (auto [place, key] : zip(c.places, c.keys))
      b_.CreateAlignedStore(keys_.stored(b_.CreateXor(key, c.down), 8 * bytes_), address(place), Align(bytes_));
  }

  // One step: keys whose numbers in the chunk differ in `bit`; isDown: of the lower one, whether the greater one goes first.
  void compare(MutableArrayRef<V> keys, unsigned bit, function_ref<bool(unsigned)> isDown) {
    for (unsigned k = 0; k < kChunk; ++k) {
      unsigned high = k | (1u << bit);
      if (high == k)
        continue;
      V least = b_.CreateBinaryIntrinsic(Intrinsic::smin, keys[k], keys[high]),
        most = b_.CreateBinaryIntrinsic(Intrinsic::smax, keys[k], keys[high]);
      keys[k] = isDown(k) ? most : least;
      keys[high] = isDown(k) ? least : most;
    }
  }

  // So many steps from the chunk's highest bit down.
  void takeSteps(SmallVectorImpl<V> &keys, V steps) {
    BasicBlock *done = block("done");
    SmallVector<std::pair<BasicBlock *, SmallVector<V, 0>>, kChunkBits> ways;
    for (unsigned step = 0; step < kChunkBits; ++step) {
      if (step > 0) {
        BasicBlock *more = block("step");
        ways.emplace_back(b_.GetInsertBlock(), SmallVector<V, 0>(keys.begin(), keys.end()));
        b_.CreateCondBr(b_.CreateICmpSGT(steps, i32(step)), more, done);
        b_.SetInsertPoint(more);
      }
      compare(keys, kChunkBits - 1 - step, [](unsigned) { return false; });
    }
    ways.emplace_back(b_.GetInsertBlock(), SmallVector<V, 0>(keys.begin(), keys.end()));
    b_.CreateBr(done);
    b_.SetInsertPoint(done);
    for (unsigned k = 0; k < kChunk; ++k) {
      PHINode *phi = b_.CreatePHI(keys[k]->getType(), kChunkBits);
      for (auto &[from, values] : ways)
        phi->addIncoming(values[k], from);
      keys[k] = phi;
    }
  }

  IRBuilder<> &b_;
  SortKeys &keys_;
  V base_;
  unsigned bytes_;
  V number_;
  unsigned lanes_, axisBits_;
  int64_t chunks_;
  bool descending_;
  function_ref<void()> barrier_;
  Function *function_;
};

} // namespace

// ---- in registers --------------------------------------------------------------------------------------------------

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
  auto axis = static_cast<unsigned>(o.intAttr(AttrId::Axis));
  const LinearLayout &l = layoutOf(t);
  unsigned lanes = target_.lanes() * warps_, axisBits = l.outs()[axis].bits;
  if (s.warps && axisBits >= kChunkBits && t.numElements() / kChunk >= lanes && !l.inBits(layout::kBlock)) {
    unsigned bytes = t.elementBytes();
    V base = scratch(o, static_cast<uint64_t>(t.numElements()) * bytes);
    LinearLayout shared = sharedLayout(t, l, axis);
    Registers stored(registers);
    for (unsigned r = 0; r < registers; ++r)
      stored[r] = keys.stored(key[r & ~copies], 8 * bytes);
    storeShared(base, shared, l, stored, bytes);
    barrier();
    V number = b_.CreateAdd(b_.CreateMul(warp_, i32(target_.lanes())), lane_);
    SharedSort(b_, keys, base, bytes, number, lanes, axisBits, t.numElements() / kChunk, descending, [&] {
      barrier();
    }).emit();
    Registers sorted = loadShared(base, shared, l, b_.getIntNTy(8 * bytes), bytes);
    for (V &v : sorted)
      v = keys.element(keys.loaded(v));
    set(o.results[0], std::move(sorted));
    return;
  }

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

} // namespace tessera::codegen::simt
