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

// The network on the keys that lanes hold. Steps between registers are minima and maxima, between lanes shuffles, between warps exchanges through memory: stores, a
// barrier, loads. Exchanges take two buffers in turn where there is room, so that the next one's barrier is also the one between this one's loads and the stores
// behind that. Two steps between warps that follow each other take one exchange: a lane reads what all three partners have and does a partner's first step too.
class Emitter::RegisterSort {
public:
  RegisterSort(Emitter &e, const Op &o, AxisSplit split, SortKeys &keys, Registers &key)
      : e_(e), b_(e.b_), split_(std::move(split)), keys_(keys), key_(key),
        isDescending_(o.intAttr(AttrId::Descending) != 0), bytes_(e.type(o.operands[0]).elementBytes()) {
    auto copies = static_cast<unsigned>(split_.registerCopies);
    for (unsigned r = 0; r < key.size(); ++r)
      if (!(r & copies))
        own_.push_back(r);
    for (const layout::AxisRun &run : split_.runs)
      for (unsigned bit : run.bits)
        bits_.push_back({run.place, bit});
    for (auto [place, bit] : bits_)
      isSet_.push_back(
          place == Place::Register
              ? nullptr
              : b_.CreateICmpNE(b_.CreateAnd(place == Place::Lane ? e_.lane_ : e_.warp_, e_.i32(int64_t(1) << bit)),
                                e_.i32(0)));
    if (split_.warps)
      planBuffers(o);
  }

  void emit() {
    for (unsigned stage = 0; stage < bits_.size(); ++stage)
      for (unsigned step = stage + 1; step-- > 0;) {
        switch (bits_[step].first) {
        case Place::Register:
          betweenRegisters(stage, step);
          break;
        case Place::Lane:
          for (unsigned r : own_)
            key_[r] = keep(key_[r], e_.shuffleXor(key_[r], 1u << bits_[step].second), step, isDown(stage, r));
          break;
        case Place::Warp:
          if (step > 0 && bits_[step - 1].first == Place::Warp && own_.size() <= kFewValues) {
            betweenWarps(stage, {step, step - 1});
            --step;
          } else {
            betweenWarps(stage, {step});
          }
          break;
        }
      }
  }

private:
  static constexpr size_t kFewValues = 8; // of a lane: so many may wait for three partners' at once

  void planBuffers(const Op &o) {
    const tbc::Type &t = e_.type(o.operands[0]);
    uint64_t bytes = static_cast<uint64_t>(t.numElements()) * bytes_;
    buffer_ = e_.scratch(o, bytes);
    // What the op was given says whether there are two.
    otherBuffer_ = static_cast<uint64_t>(o.intAttr(AttrId::Bytes)) >= 2 * bytes ? static_cast<int64_t>(bytes) : 0;
    lanes_ = (e_.target_.lanes() - 1) & ~split_.laneCopies;
    warps_ = (e_.warps_ - 1) & ~split_.warpCopies;
    laneBits_ = static_cast<unsigned>(std::popcount(lanes_));
    places_ = 1u << (laneBits_ + std::popcount(warps_));
    vector_ = std::min<unsigned>(own_.size(), std::max(e_.target_.maxVectorBits() / 8 / bytes_, 1u));
  }

  // Whether the block of the stage that register r is in goes down.
  V isDown(unsigned stage, unsigned r) {
    if (stage + 1 >= bits_.size())
      return b_.getInt1(isDescending_);
    auto [place, bit] = bits_[stage + 1];
    V up = place == Place::Register ? static_cast<V>(b_.getInt1((r >> bit) & 1)) : isSet_[stage + 1];
    return isDescending_ ? b_.CreateNot(up) : up;
  }
  // The lane's own and its partner's value: the lower one goes to the lower place of an ascending pair.
  V keep(V mine, V other, unsigned step, V down) {
    V wantsGreater = b_.CreateXor(isSet_[step], down);
    V isLess = b_.CreateICmpSLT(mine, other);
    return b_.CreateSelect(b_.CreateXor(isLess, wantsGreater), mine, other);
  }

  void betweenRegisters(unsigned stage, unsigned step) {
    for (unsigned r : own_) {
      unsigned high = r | (1u << bits_[step].second);
      if (high == r)
        continue;
      V down = isDown(stage, r), a = key_[r], c = key_[high];
      V low = b_.CreateBinaryIntrinsic(Intrinsic::smin, a, c), top = b_.CreateBinaryIntrinsic(Intrinsic::smax, a, c);
      key_[r] = b_.CreateSelect(down, top, low); // folds where `down` is known
      key_[high] = b_.CreateSelect(down, low, top);
    }
  }

  // Every lane has a place of its own for its registers and reads its partners': vectors of neighbouring lanes, no conflicts. steps: one, or two of
  // a stage.
  void betweenWarps(unsigned stage, ArrayRef<unsigned> steps) {
    if (exchanges_ && !otherBuffer_)
      e_.barrier();
    V buffer = exchanges_++ % 2 ? b_.CreateConstInBoundsGEP1_64(b_.getInt8Ty(), buffer_, otherBuffer_) : buffer_;
    Type *stored = b_.getIntNTy(bytes_ * 8);
    auto *type = FixedVectorType::get(stored, vector_);
    auto placeOf = [&](int64_t differing) { // in the warp whose number differs in these bits
      V at = b_.CreateOr(e_.closeUp(e_.lane_, lanes_),
                         b_.CreateShl(e_.closeUp(b_.CreateXor(e_.warp_, e_.i32(differing)), warps_), laneBits_));
      return b_.CreateInBoundsGEP(b_.getInt8Ty(), buffer, b_.CreateMul(at, e_.i32(vector_ * bytes_)));
    };
    auto address = [&](V place, size_t group) {
      return b_.CreateConstInBoundsGEP1_64(b_.getInt8Ty(), place, group * places_ * vector_ * bytes_);
    };
    size_t groups = own_.size() / vector_;
    V mine = placeOf(0);
    for (size_t group = 0; group < groups; ++group) {
      V all = PoisonValue::get(type);
      for (unsigned i = 0; i < vector_; ++i)
        all = b_.CreateInsertElement(all, keys_.stored(key_[own_[group * vector_ + i]], bytes_ * 8), i);
      b_.CreateAlignedStore(all, address(mine, group), Align(vector_ * bytes_));
    }
    e_.barrier();
    SmallVector<V, 3> partners; // differing in the first step's bit, in the second's, in both
    int64_t first = int64_t(1) << bits_[steps[0]].second;
    partners.push_back(placeOf(first));
    if (steps.size() > 1) {
      int64_t second = int64_t(1) << bits_[steps[1]].second;
      partners.append({placeOf(second), placeOf(first | second)});
    }
    for (size_t group = 0; group < groups; ++group) {
      SmallVector<V, 3> all;
      for (V partner : partners)
        all.push_back(b_.CreateAlignedLoad(type, address(partner, group), Align(vector_ * bytes_)));
      for (unsigned i = 0; i < vector_; ++i) {
        unsigned r = own_[group * vector_ + i];
        auto theirs = [&](size_t partner) { return keys_.loaded(b_.CreateExtractElement(all[partner], i)); };
        V down = isDown(stage, r);
        key_[r] = keep(key_[r], theirs(0), steps[0], down);
        if (steps.size() > 1)
          key_[r] = keep(key_[r], keep(theirs(1), theirs(2), steps[0], down), steps[1], down);
      }
    }
  }

  Emitter &e_;
  IRBuilder<> &b_;
  AxisSplit split_;
  SortKeys &keys_;
  Registers &key_;
  bool isDescending_;
  unsigned bytes_;                               // of an element in memory
  SmallVector<unsigned> own_;                    // registers that are no copies
  SmallVector<std::pair<Place, unsigned>> bits_; // of the axis
  SmallVector<V> isSet_;                         // bit of the element's number, i1; null: a register bit
  // Exchanges between warps.
  V buffer_ = nullptr;
  int64_t otherBuffer_ = 0; // bytes behind the first; 0: there is one
  unsigned exchanges_ = 0;
  uint64_t lanes_ = 0, warps_ = 0; // bits that count elements
  unsigned laneBits_ = 0, places_ = 1, vector_ = 1;
};

void Emitter::sort(const Op &o) {
  const tbc::Type &t = type(o.operands[0]);
  AxisSplit s = axisOf(o);
  bool descending = o.intAttr(AttrId::Descending) != 0;
  SortKeys keys(b_, e_, t.elem, descending);
  unsigned registers = registersOf(t), copies = static_cast<unsigned>(s.registerCopies);
  Registers key(registers);
  for (unsigned r = 0; r < registers; ++r)
    if (!(r & copies))
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

  RegisterSort(*this, o, std::move(s), keys, key).emit();
  Registers out(registers);
  for (unsigned r = 0; r < registers; ++r)
    out[r] = r & copies ? out[r & ~copies] : keys.element(key[r]);
  set(o.results[0], std::move(out));
}

} // namespace tessera::codegen::simt
