// Dot.cpp - matrix products: by an instruction of the target, by multiply-adds of each lane
//
// SPDX-License-Identifier: Apache-2.0
#include "core/codegen/simt/BufferAccess.h"
#include "core/codegen/simt/DotTiles.h"
#include "core/codegen/simt/Emitter.h"
#include "core/layout/MatrixLayouts.h"
#include "core/layout/TensorLayouts.h"

#include <algorithm>
#include <cmath>

using namespace llvm;
using tessera::layout::LinearLayout;
using tessera::tbc::AttrId;
using tessera::tbc::DotPrecision;
using tessera::tbc::Elem;
using tessera::tbc::Op;

namespace tessera::codegen::simt {

OperandTiles::OperandTiles(const LinearLayout &l, uint64_t rows, uint64_t columns) {
  size_t rank = l.rank();
  std::vector<uint64_t> registers = l.columnsOf(layout::kRegister);
  auto isInside = [&](uint64_t column) {
    std::vector<int64_t> at = l.unpackOut(column);
    for (size_t d = 0; d + 2 < rank; ++d)
      if (at[d])
        return false;
    return static_cast<uint64_t>(at[rank - 2]) < rows && static_cast<uint64_t>(at[rank - 1]) < columns;
  };
  unsigned bits = 0;
  while (bits < registers.size() && isInside(registers[bits]))
    ++bits;
  size_ = 1u << bits;
  for (unsigned r = 0; r < (1u << registers.size()); r += size_)
    first_.try_emplace(l.unpackOut(l.applyPacked(r)), r);
}

std::optional<unsigned> OperandTiles::find(const std::vector<int64_t> &at) const {
  auto it = first_.find(at);
  return it == first_.end() ? std::nullopt : std::optional(it->second);
}

void Emitter::dot(const Op &o) {
  if (o.intAttr(AttrId::Instruction))
    dotByInstruction(o);
  else if (layout::plainDotNeedsBuffers(layoutOf(type(o.operands[2])), type(o.operands[0]).shape.back()))
    dotThroughScratch(o);
  else
    dotByLanes(o);
}

// ---- by an instruction ---------------------------------------------------------------------------------------------

namespace {

// An f32 as a sum of parts of so many significand bits, the largest first: as f32, or the upper halves as bf16. All but the last are
// cut off. The last one in the list is the first again, or 0 where that is infinite or NaN: products with a part that is 0 must not make NaN of infinities.
SmallVector<Value *, 4> partsOfF32(IRBuilder<> &b, Value *x, unsigned parts, Elem element) {
  unsigned bits = element == Elem::BF16 ? 8 : 11; // of tf32 units read 11
  Value *zero = ConstantFP::get(b.getFloatTy(), 0);
  SmallVector<Value *, 4> out;
  for (unsigned i = 0; i + 1 < parts; ++i) {
    Value *cut = b.CreateAnd(b.CreateBitCast(x, b.getInt32Ty()), b.getInt32(~0u << (24 - bits)));
    out.push_back(b.CreateBitCast(cut, b.getFloatTy()));
    Value *isAll = b.CreateFCmpOEQ(x, out.back()); // also of infinities; a NaN stays in the rest
    x = b.CreateSelect(isAll, zero, b.CreateFSub(x, out.back()));
  }
  // What the unit cuts off of the last one is rounded: three quarters of half its last place on top carry what is more than half.
  if (parts > 1 && parts * bits < 24)
    x = b.CreateFMul(x, ConstantFP::get(b.getFloatTy(), 1 + 0.75 / (1 << bits)));
  out.push_back(x);
  if (parts > 1) {
    Value *size = b.CreateUnaryIntrinsic(Intrinsic::fabs, out[0]);
    out.push_back(b.CreateSelect(b.CreateFCmpOLT(size, ConstantFP::getInfinity(b.getFloatTy())), out[0], zero));
  }
  if (element == Elem::BF16)
    for (Value *&v : out)
      v = b.CreateTrunc(b.CreateLShr(b.CreateBitCast(v, b.getInt32Ty()), 16), b.getInt16Ty());
  return out;
}

// Which parts of a and b are multiplied, smallest products first so that they are not lost in the sum. In those with smaller parts the
// first one stands at `parts`.
ArrayRef<std::pair<unsigned, unsigned>> productsOf(unsigned parts) {
  static const std::pair<unsigned, unsigned> one[] = {{0, 0}}, two[] = {{1, 2}, {2, 1}, {0, 0}},
                                             three[] = {{1, 1}, {2, 3}, {3, 2}, {1, 3}, {3, 1}, {0, 0}};
  return parts == 1 ? ArrayRef(one) : parts == 2 ? ArrayRef(two) : ArrayRef(three);
}

} // namespace

void Emitter::dotByInstruction(const Op &o) {
  auto entry = static_cast<unsigned>(o.intAttr(AttrId::Instruction) - 1);
  MatrixForm form = target_.matrixForm(entry);
  if (!form.m)
    fail(o, "the target has no matrix instruction number " + std::to_string(entry));
  const tbc::Type &ta = type(o.operands[0]), &tb = type(o.operands[1]), &tc = type(o.operands[2]);
  auto precision = static_cast<DotPrecision>(o.intAttr(AttrId::Precision));
  // f32 operands: as many parts as the precision asks for.
  unsigned parts = 1;
  bool splits = ta.elem == Elem::F32 && tb.elem == Elem::F32 && tc.elem == Elem::F32;
  if (splits) {
    if (precision == DotPrecision::IEEE)
      fail(o, "a product of full precision was given a matrix instruction of less");
    bool more = precision != DotPrecision::Default && precision != DotPrecision::TF32;
    // Two parts of 11 bits carry as much as three of 8.
    parts = !more ? 1 : form.a == Elem::BF16 && precision == DotPrecision::BF16x6 ? 3 : 2;
  }
  // Made when first needed, so that a step's parts live for that step: [operand][part], none yet where null.
  std::vector<Registers> made[2];
  for (unsigned i = 0; i < 2; ++i)
    made[i].assign(parts == 1 ? 1 : parts + 1, Registers(of(o.operands[i]).size()));
  auto fragment = [&](unsigned operand, unsigned part, unsigned first, unsigned count) {
    for (unsigned r = first; r < first + count; ++r) {
      V value = of(o.operands[operand])[r];
      if (made[operand][0][r])
        continue;
      if (!splits)
        made[operand][0][r] = value;
      else
        for (auto [i, p] : enumerate(partsOfF32(b_, value, parts, form.a)))
          made[operand][i][r] = p;
    }
    return ArrayRef(made[operand][part]).slice(first, count);
  };
  Registers sum = of(o.operands[2]);

  const LinearLayout &lc = layoutOf(tc);
  OperandTiles tilesA(layoutOf(ta), form.m, form.k), tilesB(layoutOf(tb), form.k, form.n), tilesC(lc, form.m, form.n);
  size_t rank = tc.shape.size();
  MatrixIssue issue;
  issue.entry = entry;
  issue.n = form.n;
  issue.a = splits ? form.a : ta.elem;
  issue.b = splits ? form.b : tb.elem;
  issue.c = tc.elem;
  issue.op = &o;
  issue.rounded = parts > 1;
  // Tiles of the sum by column: of parts, those of a stay for a step and those of b for the tiles of one column.
  std::map<int64_t, SmallVector<unsigned>> columns;
  for (unsigned r = 0; r < sum.size(); r += tilesC.size())
    columns[parts == 1 ? 0 : lc.unpackOut(lc.applyPacked(r))[rank - 1]].push_back(r);
  // Products at k of the tile whose registers begin at r, added to `into`.
  auto issueOn = [&](unsigned r, int64_t k, std::pair<unsigned, unsigned> part, MutableArrayRef<V> into) {
    std::vector<int64_t> atA = lc.unpackOut(lc.applyPacked(r)), atB = atA;
    atA[rank - 1] = k;
    atB[rank - 2] = k;
    std::optional<unsigned> ra = tilesA.find(atA), rb = tilesB.find(atB);
    if (!ra || !rb)
      fail(o, "a warp does not hold what its part of the product needs");
    issue.aRegisters = fragment(0, part.first, *ra, tilesA.size());
    issue.bRegisters = fragment(1, part.second, *rb, tilesB.size());
    issue.accumulator = into;
    SmallVector<V> out = target_.matrix(b_, issue);
    std::copy(out.begin(), out.end(), into.begin());
  };
  const int64_t allOfK = ta.shape[rank - 1];
  // As in asyncDot: of so many products of fp8 a sum is begun anew, and added here. Tile by tile: a second sum of them all takes too many registers.
  if (auto imprecise = std::max<int64_t>(o.intAttr(AttrId::MaxImprecise), form.k);
      tbc::isFp8(issue.a) && tbc::isFp8(issue.b) && imprecise <= allOfK) {
    const int64_t some = (imprecise + form.k - 1) / form.k * form.k;
    FastMathFlags flags; // as other sums of the kernel have them
    flags.setAllowContract(target_.numerics().contract);
    for (int64_t from = 0; from < allOfK; from += some)
      for (unsigned r = 0; r < sum.size(); r += tilesC.size()) {
        Registers own(tilesC.size(), Constant::getNullValue(sum[r]->getType()));
        for (int64_t k = from; k < std::min(from + some, allOfK); k += form.k)
          issueOn(r, k, {0, 0}, own);
        for (auto [total, more] : zip(MutableArrayRef(sum).slice(r, tilesC.size()), own))
          total = e_.narrow(b_.CreateFAddFMF(e_.widen(total, tc.elem), e_.widen(more, tc.elem), flags), tc.elem);
      }
    set(o.results[0], std::move(sum));
    return;
  }
  // k outermost: the instructions of one step are independent of each other, and hide what each of them takes.
  for (int64_t k = 0; k < allOfK; k += form.k)
    for (const auto &[column, tiles] : columns)
      for (auto part : productsOf(parts))
        for (unsigned r : tiles)
          issueOn(r, k, part, MutableArrayRef(sum).slice(r, tilesC.size()));
  set(o.results[0], std::move(sum));
}

// ---- by multiply-adds ----------------------------------------------------------------------------------------------

Value *Emitter::multiplyAdd(V a, V b, V sum) {
  if (sum->getType()->isIntegerTy())
    return b_.CreateAdd(b_.CreateMul(a, b), sum);
  if (target_.numerics().fma)
    return b_.CreateIntrinsic(Intrinsic::fma, {sum->getType()}, {a, b, sum});
  return b_.CreateFAdd(b_.CreateFMul(a, b), sum);
}

namespace {

// The type in which a lane sums: 32-bit integers, f64 where one side is, else f32; rounded into c's type once.
class Sums {
public:
  Sums(IRBuilder<> &b, Elementwise &e, Elem a, Elem c) : b_(b), e_(e), c_(c) {
    bool wide = c == Elem::F64 || a == Elem::F64;
    type_ = tbc::isInteger(c) ? static_cast<Type *>(b.getInt32Ty()) : wide ? b.getDoubleTy() : b.getFloatTy();
  }
  Value *widened(Value *v, Elem elem) {
    if (type_->isIntegerTy())
      return b_.CreateSExtOrTrunc(v, type_);
    v = e_.widen(v, elem);
    return v->getType() == type_ ? v : b_.CreateFPExt(v, type_);
  }
  Value *rounded(Value *sum, Type *stored) {
    return type_->isIntegerTy() ? b_.CreateSExtOrTrunc(sum, stored) : e_.narrow(sum, c_);
  }

private:
  IRBuilder<> &b_;
  Elementwise &e_;
  Elem c_;
  Type *type_ = nullptr;
};

} // namespace

void Emitter::dotByLanes(const Op &o) {
  const tbc::Type &ta = type(o.operands[0]), &tb = type(o.operands[1]), &tc = type(o.operands[2]);
  Sums sums(b_, e_, ta.elem, tc.elem);
  Registers sum, a, b;
  for (V v : of(o.operands[2]))
    sum.push_back(sums.widened(v, tc.elem));
  for (V v : of(o.operands[0]))
    a.push_back(sums.widened(v, ta.elem));
  for (V v : of(o.operands[1]))
    b.push_back(sums.widened(v, tb.elem));
  const LinearLayout &lc = layoutOf(tc);
  OperandTiles elementsA(layoutOf(ta), 1, 1), elementsB(layoutOf(tb), 1, 1);
  size_t rank = tc.shape.size();
  for (int64_t k = 0; k < ta.shape[rank - 1]; ++k)
    for (unsigned r = 0; r < sum.size(); ++r) {
      std::vector<int64_t> at = lc.unpackOut(lc.applyPacked(r)), atA = at, atB = at;
      atA[rank - 1] = k;
      atB[rank - 2] = k;
      std::optional<unsigned> ra = elementsA.find(atA), rb = elementsB.find(atB);
      if (!ra || !rb)
        fail(o, "a lane does not hold what its part of the product needs");
      sum[r] = multiplyAdd(a[*ra], b[*rb], sum[r]);
    }
  for (V &v : sum)
    v = sums.rounded(v, llvmType(tc));
  set(o.results[0], std::move(sum));
}

namespace {

// One side of a dot in scratch, as a lane reads it: a chunk of consecutive k at a time, for all its rows (columns).
class ChunkReader {
public:
  ChunkReader(const LinearLayout &accumulator, unsigned operand, const LinearLayout &shared, int64_t k, unsigned bytes,
              unsigned maxVectorBits)
      : shared_(shared), bytes_(bytes), maxVectorBits_(maxVectorBits) {
    reader_ = layout::plainDotOperand(accumulator, operand, k);
    unsigned kDim = accumulator.rank() - 1 - operand;
    for (uint64_t column : reader_.columnsOf(layout::kRegister))
      (reader_.unpackOut(column)[kDim] ? kColumns_ : own_).push_back(column);
    std::sort(kColumns_.begin(), kColumns_.end());
  }
  uint64_t rows() const { return uint64_t(1) << own_.size(); } // (columns of b) of a lane
  // Bits of k in one access of a lane.
  unsigned vectorBits() const {
    layout::SharedMemory memory;
    memory.maxVectorBytes = maxVectorBits_ / 8;
    int64_t width = layout::analyseAccess(reader_, shared_, 8 * bytes_, memory).vectorElements;
    unsigned bits = 0;
    for (int64_t e = 1; e < width; e *= 2) {
      auto at = std::find(kColumns_.begin(), kColumns_.end(), shared_.applyPacked(static_cast<uint64_t>(e)));
      if (at != kColumns_.end())
        bits = std::max(bits, static_cast<unsigned>(at - kColumns_.begin()) + 1);
    }
    return bits;
  }
  void setChunk(unsigned kBits) {
    layout::Vectors registers = own_;
    registers.insert(registers.end(), kColumns_.begin(), kColumns_.begin() + kBits);
    std::vector<layout::Dim> ins = reader_.ins();
    ins[0].bits = static_cast<unsigned>(registers.size());
    layout::Vectors all = reader_.columns();
    registers.insert(registers.end(), all.begin() + reader_.inBits(layout::kRegister), all.end());
    chunk_ = LinearLayout(std::move(ins), reader_.outs(), std::move(registers));
    access_.emplace(chunk_, shared_, bytes_, maxVectorBits_);
    // Where the chunks after the first start.
    layout::Vectors rest(kColumns_.begin() + kBits, kColumns_.end());
    auto bits = static_cast<unsigned>(rest.size());
    LinearLayout starts({{std::string(layout::kRegister), bits}}, reader_.outs(), std::move(rest));
    starts_ = starts.followedByInverseOf(shared_)->columns();
    for (uint64_t column : starts_)
      access_->elsewhere |= column;
  }
  const LinearLayout &chunk() const { return chunk_; }
  BufferAccess &access() { return *access_; }
  const layout::Vectors &starts() const { return starts_; }

private:
  const LinearLayout &shared_;
  unsigned bytes_, maxVectorBits_;
  LinearLayout reader_, chunk_;
  layout::Vectors own_, kColumns_, starts_;
  std::optional<BufferAccess> access_;
};

} // namespace

// Both operands are stored once; then every lane walks along k, so that the code does not grow with it.
void Emitter::dotThroughScratch(const Op &o) {
  constexpr unsigned kMostMultiplyAdds = 512; // of a chunk, where its vectors do not need more
  constexpr uint64_t kMostWords = 96;         // 32-bit registers of a chunk of both operands, widened
  const tbc::Type &ta = type(o.operands[0]), &tb = type(o.operands[1]), &tc = type(o.operands[2]);
  const LinearLayout &la = layoutOf(ta), &lb = layoutOf(tb), &lc = layoutOf(tc);
  size_t rank = tc.shape.size();
  int64_t k = ta.shape[rank - 1];
  unsigned bytes[] = {ta.elementBytes(), tb.elementBytes()};
  layout::DotBuffers buffers = layout::plainDotBuffers(lc, la, lb, 8 * bytes[0], 8 * bytes[1]);
  V bases[] = {scratch(o, buffers.bytes), nullptr};
  bases[1] = b_.CreateConstInBoundsGEP1_64(b_.getInt8Ty(), bases[0], buffers.bOffset);
  storeShared(bases[0], buffers.a, la, of(o.operands[0]), bytes[0]);
  storeShared(bases[1], buffers.b, lb, of(o.operands[1]), bytes[1]);
  barrier();

  ChunkReader readers[] = {{lc, 0, buffers.a, k, bytes[0], target_.maxVectorBits()},
                           {lc, 1, buffers.b, k, bytes[1], target_.maxVectorBits()}};
  Sums sums(b_, e_, ta.elem, tc.elem);
  Registers sum;
  for (V v : of(o.operands[2]))
    sum.push_back(sums.widened(v, tc.elem));
  unsigned kBits = layout::log2Exact(k), chunkBits = std::max(readers[0].vectorBits(), readers[1].vectorBits());
  while (chunkBits < kBits && (sum.size() << (chunkBits + 1)) <= kMostMultiplyAdds)
    ++chunkBits;
  uint64_t ownWords =
      (readers[0].rows() + readers[1].rows()) * std::max<uint64_t>(sum[0]->getType()->getScalarSizeInBits() / 32, 1);
  while (chunkBits && (ownWords << chunkBits) > kMostWords)
    --chunkBits;
  V parts[2];
  for (unsigned i = 0; i < 2; ++i) {
    readers[i].setChunk(chunkBits);
    parts[i] = laneAndWarpPart(readers[i].access().offsets);
  }

  BasicBlock *before = b_.GetInsertBlock(), *loop = BasicBlock::Create(out_.getContext(), "dot", function_),
             *after = BasicBlock::Create(out_.getContext(), "enddot", function_);
  b_.CreateBr(loop);
  b_.SetInsertPoint(loop);
  PHINode *at = b_.CreatePHI(b_.getInt32Ty(), 2, "chunk");
  at->addIncoming(i32(0), before);
  std::vector<PHINode *> phis;
  for (V &v : sum) {
    phis.push_back(b_.CreatePHI(v->getType(), 2));
    phis.back()->addIncoming(v, before);
    v = phis.back();
  }
  Registers values[2];
  for (unsigned i = 0; i < 2; ++i) {
    BufferAccess &access = readers[i].access();
    const tbc::Type &t = i ? tb : ta;
    V start = applyColumns(at, readers[i].starts());
    V part = b_.CreateXor(parts[i], b_.CreateZExtOrTrunc(start, parts[i]->getType()));
    values[i].resize(size_t(1) << readers[i].chunk().inBits(layout::kRegister));
    for (const AccessVector &v : access.vectors) {
      auto count = static_cast<unsigned>(v.registers.size());
      V words = b_.CreateAlignedLoad(wordsType(b_.getContext(), count, 8 * bytes[i]),
                                     access.address(b_, bases[i], part, v.at, bytes[i]), Align(bytes[i] * count));
      for (auto [reg, value] : zip(v.registers, unpackWords(b_, words, count, 8 * bytes[i], llvmType(t))))
        values[i][reg] = sums.widened(value, t.elem);
    }
    for (auto [reg, first] : enumerate(registerCopies(readers[i].chunk())))
      values[i][reg] = values[i][first];
  }
  OperandTiles elementsA(readers[0].chunk(), 1, 1), elementsB(readers[1].chunk(), 1, 1);
  for (int64_t step = 0; step < int64_t(1) << chunkBits; ++step)
    for (unsigned r = 0; r < sum.size(); ++r) {
      std::vector<int64_t> indexA = lc.unpackOut(lc.applyPacked(r)), indexB = indexA;
      indexA[rank - 1] = step;
      indexB[rank - 2] = step;
      sum[r] = multiplyAdd(values[0][*elementsA.find(indexA)], values[1][*elementsB.find(indexB)], sum[r]);
    }
  BasicBlock *latch = b_.GetInsertBlock();
  V next = b_.CreateAdd(at, i32(1));
  at->addIncoming(next, latch);
  for (auto [phi, v] : zip(phis, sum))
    phi->addIncoming(v, latch);
  b_.CreateCondBr(b_.CreateICmpULT(next, i32(k >> chunkBits)), loop, after);
  b_.SetInsertPoint(after);
  for (V &v : sum)
    v = sums.rounded(v, llvmType(tc));
  set(o.results[0], std::move(sum));
}

} // namespace tessera::codegen::simt
