// Async.cpp - asynchronous copies into shared memory, products of matrix units that read it
//
// SPDX-License-Identifier: Apache-2.0
#include "core/codegen/simt/BufferAccess.h"
#include "core/codegen/simt/Emitter.h"
#include "core/layout/AlignedRuns.h"
#include "core/layout/TensorLayouts.h"

#include <bit>

using namespace llvm;
using tessera::layout::LinearLayout;
using tessera::tbc::AttrId;
using tessera::tbc::Op;
using tessera::tbc::Opcode;

namespace tessera::codegen::simt {

bool Emitter::asynchronous(const Op &o) {
  auto pending = static_cast<unsigned>(o.intAttr(AttrId::Pending));
  switch (o.code) {
  case Opcode::SharedSlot: {
    const tbc::Type &t = type(o.operands[0]);
    V bytes = b_.CreateMul(scalar(o.operands[1]), i32(t.numElements() * t.elementBytes()));
    setScalar(o.results[0], b_.CreateGEP(b_.getInt8Ty(), scalar(o.operands[0]), bytes));
    return true;
  }
  case Opcode::SharedTranspose:
    setScalar(o.results[0], scalar(o.operands[0]));
    return true;
  case Opcode::AsyncLoad:
    asyncLoad(o);
    return true;
  case Opcode::AsyncCommit:
    target_.asyncCommit(b_);
    return true;
  case Opcode::AsyncWait:
    target_.asyncWait(b_, pending);
    return true;
  case Opcode::SharedFence:
    target_.sharedFence(b_);
    return true;
  case Opcode::AsyncDot:
    if (&o == takesTurn_)
      target_.turn(b_, LaneTarget::Turn::Take, warp_, warps_ * target_.lanes());
    asyncDot(o);
    if (&o == passesTurn_)
      target_.turn(b_, LaneTarget::Turn::Pass, warp_, warps_ * target_.lanes());
    return true;
  case Opcode::DotWait: {
    Registers all;
    for (tbc::ValueId id : o.operands)
      all.append(of(id).begin(), of(id).end());
    SmallVector<V> awaited = target_.awaitMatrix(b_, pending, all);
    unflatten(awaited, o.results);
    return true;
  }
  default:
    return false;
  }
}

bool Emitter::waitsForExchange(const tbc::Region &r, size_t at) const {
  if (r.ops[at].code != Opcode::AsyncLoad && r.ops[at].code != Opcode::AsyncCommit)
    return false;
  size_t i = at;
  while (i < r.ops.size() && (r.ops[i].code == Opcode::AsyncLoad || r.ops[i].code == Opcode::SharedSlot))
    ++i;
  if (i == r.ops.size() || r.ops[i].code != Opcode::AsyncCommit)
    return false;
  // What orders the reduction's scratch with what was there before may stand between them.
  if (++i < r.ops.size() && r.ops[i].code == Opcode::Barrier)
    ++i;
  return i < r.ops.size() && r.ops[i].code == Opcode::Reduce && r.ops[i].intAttr(AttrId::Bytes) > 0;
}

// Whether a lane's next vector follows this one in memory. A warp's accesses then leave halves of sectors for each other, which should meet in the cache next to the
// lanes: without it a second request goes further for each.
static bool readsOn(const LinearLayout &l, unsigned axis, int64_t vector) {
  uint64_t next = static_cast<uint64_t>(vector) << l.outStart(layout::tensorDimName(axis));
  return llvm::is_contained(l.columnsOf(layout::kRegister), next);
}

void Emitter::asyncLoad(const Op &o) {
  const tbc::Type &buffer = type(o.operands[0]), &pointers = type(o.operands[1]);
  const LinearLayout &shared = layoutOf(buffer), &l = layoutOf(pointers);
  unsigned bytes = buffer.elementBytes();
  auto axis = static_cast<unsigned>(o.intAttr(AttrId::Axis));
  // Neighbours in memory that are neighbours in the buffer too.
  int64_t run = std::min<int64_t>(std::max<int64_t>(o.intAttr(AttrId::Width), 1),
                                  layout::alignedRuns(shared, layout::kOffset, layout::tensorDimName(axis)));
  BufferAccess access(l, shared, bytes, std::min<unsigned>(static_cast<unsigned>(run) * bytes * 8, 128));
  V part = laneAndWarpPart(access.offsets);
  AccessHints hints{static_cast<tbc::Cache>(o.intAttr(AttrId::Cache)),
                    static_cast<tbc::Evict>(o.intAttr(AttrId::Evict)), false};
  if (hints.cache == tbc::Cache::None &&
      readsOn(l, axis, static_cast<int64_t>(access.vectors.front().registers.size())))
    hints.cache = tbc::Cache::CA;
  // One of the lanes that hold copies of an element copies it: others would write the same bytes at the same time, for nothing.
  onlyWhere(isFirstCopy(l), [&] {
    for (const AccessVector &v : access.vectors) {
      auto size = static_cast<unsigned>(v.registers.size()) * bytes;
      if (size < 4)
        fail(o, "an asynchronous copy of " + std::to_string(size) + " bytes: 4 are the least");
      unsigned first = v.registers.front();
      V predicate = o.operands.size() > 2 ? of(o.operands[2])[first] : nullptr;
      target_.asyncCopy(b_, access.address(b_, scalar(o.operands[0]), part, v.at, bytes), of(o.operands[1])[first],
                        size, predicate, hints);
    }
  });
}

namespace {

// Byte offsets of tiles of an operand in its buffer: constants for the register bits of the accumulator, a runtime part for the groups of warps.
struct OperandPlace {
  LinearLayout toOffset; // tensor -> offset, in elements
  unsigned bytes = 1;
  OperandPlace(const LinearLayout &shared, unsigned bytes) : toOffset(shared.inverse()), bytes(bytes) {}
  uint64_t at(int64_t row, int64_t column) const {
    std::vector<int64_t> index{row, column};
    return static_cast<uint64_t>(toOffset.apply(index)[0]) * bytes;
  }
};

} // namespace

namespace {

// The first k of a tile of `shape` in fragments, as lanes hold it for a unit whose sums lie as `accumulator`: the fragments' registers, then tiles along k, then
// those along the rows. a, c: one instruction's.
LinearLayout fragmentsOf(const LinearLayout &a, const LinearLayout &c, const LinearLayout &accumulator,
                         const std::vector<int64_t> &shape, int64_t k) {
  LinearLayout frame({}, layout::tensorDims(shape), {});
  // Which row of the tile is row 1, 2, 4, … of an instruction: where the sum's lanes have it.
  auto rowOf = [&](int64_t row) {
    for (std::string_view in : {layout::kRegister, layout::kLane, layout::kWarp})
      for (auto [bit, column] : enumerate(c.columnsOf(in)))
        if (c.unpackOut(column) == std::vector<int64_t>{row, 0})
          return accumulator.unpackOut(accumulator.columnsOf(in)[bit])[0];
    return int64_t(0);
  };
  auto place = [&](uint64_t column) {
    std::vector<int64_t> at = a.unpackOut(column);
    return frame.packOut(std::vector<int64_t>{at[0] ? rowOf(at[0]) : 0, at[1]});
  };
  layout::Vectors registers, lanes, warps;
  for (uint64_t column : a.columnsOf(layout::kRegister))
    registers.push_back(place(column));
  for (int64_t step = a.shape()[1]; step < k; step *= 2)
    registers.push_back(frame.packOut(std::vector<int64_t>{0, step}));
  auto rowsBeyond = [&](std::string_view in, layout::Vectors &to, bool all) {
    layout::Vectors columns = accumulator.columnsOf(in);
    for (size_t bit = c.inBits(in); bit < columns.size(); ++bit)
      if (int64_t row = accumulator.unpackOut(columns[bit])[0]; row || all)
        to.push_back(frame.packOut(std::vector<int64_t>{row, 0}));
  };
  rowsBeyond(layout::kRegister, registers, false);
  for (uint64_t column : a.columnsOf(layout::kLane))
    lanes.push_back(place(column));
  for (uint64_t column : a.columnsOf(layout::kWarp))
    warps.push_back(place(column));
  rowsBeyond(layout::kWarp, warps, true);
  layout::Vectors columns = registers;
  columns.insert(columns.end(), lanes.begin(), lanes.end());
  columns.insert(columns.end(), warps.begin(), warps.end());
  return LinearLayout({{std::string(layout::kRegister), static_cast<unsigned>(registers.size())},
                       {std::string(layout::kLane), static_cast<unsigned>(lanes.size())},
                       {std::string(layout::kWarp), static_cast<unsigned>(warps.size())},
                       {std::string(layout::kBlock), 0}},
                      frame.outs(), std::move(columns));
}

} // namespace

static bool isZero(const Value *v) { return isa<Constant>(v) && cast<Constant>(v)->isNullValue(); }

void Emitter::asyncDot(const Op &o) {
  auto entry = static_cast<unsigned>(o.intAttr(AttrId::Instruction)) - 1;
  const LaneTarget::EntryShape shape = target_.entryShape(entry);
  const tbc::Type &ta = type(o.operands[0]), &tb = type(o.operands[1]), &tc = type(o.operands[2]);
  const LinearLayout &lc = layoutOf(tc);
  // In registers, read by the unit, or taken to it by the lanes.
  bool aInRegisters = ta.isTensor(), aPasses = !aInRegisters && !target_.readsShared(entry, layoutOf(ta));
  int64_t k = ta.shape[1];

  // Warps beyond those that issue one instruction together take other rows (of a) or columns (of b).
  std::vector<std::vector<int64_t>> groups; // row, column that each such bit adds
  std::vector<uint64_t> warpColumns = lc.columnsOf(layout::kWarp);
  auto groupBits = static_cast<unsigned>(std::countr_zero(shape.warps));
  int64_t columnsOfGroup = tc.shape[1];
  for (size_t bit = groupBits; bit < warpColumns.size(); ++bit) {
    groups.push_back(lc.unpackOut(warpColumns[bit]));
    if (groups.back()[1])
      columnsOfGroup /= 2;
  }
  auto n = static_cast<unsigned>(std::min<int64_t>(columnsOfGroup, shape.nMax));
  // The unit's own sums of fp8 products may keep fewer bits than f32. Where the kernel allows only so many in one, they are
  // added to the accumulator here. Instructions of half the columns: the sums need registers beside the accumulator's.
  auto imprecise = std::max<int64_t>(o.intAttr(AttrId::MaxImprecise), shape.k);
  bool inParts = tbc::isFp8(ta.elem) && tbc::isFp8(tb.elem) && imprecise <= k;
  int64_t part = inParts ? (imprecise + shape.k - 1) / shape.k * shape.k : k;
  if (inParts)
    n = std::min(n, 128u);

  OperandPlace bPlace(layoutOf(tb), tb.elementBytes());
  std::optional<OperandPlace> aPlace;
  if (!aInRegisters && !aPasses)
    aPlace.emplace(layoutOf(ta), ta.elementBytes());
  auto groupStart = [&](V base, const OperandPlace &place, bool isA) {
    V offset = nullptr;
    for (size_t i = 0; i < groups.size(); ++i) {
      uint64_t step = isA ? place.at(groups[i][0], 0) : place.at(0, groups[i][1]);
      if (!step)
        continue;
      V bit = b_.CreateAnd(b_.CreateLShr(warp_, groupBits + i), 1);
      V part = b_.CreateMul(bit, i32(static_cast<int64_t>(step)));
      offset = offset ? b_.CreateAdd(offset, part) : part;
    }
    return offset ? b_.CreateGEP(b_.getInt8Ty(), base, offset) : base;
  };
  SharedIssue issue;
  issue.entry = entry;
  issue.n = n;
  issue.a = ta.elem;
  issue.b = tb.elem;
  issue.c = tc.elem;
  issue.op = &o;
  issue.bLayout = &layoutOf(tb);
  issue.bShared = target_.sharedOperand(b_, entry, 1, groupStart(scalar(o.operands[1]), bPlace, false), layoutOf(tb),
                                        8 * tb.elementBytes());
  if (aPlace) {
    issue.aLayout = &layoutOf(ta);
    issue.aShared = target_.sharedOperand(b_, entry, 0, groupStart(scalar(o.operands[0]), *aPlace, true), layoutOf(ta),
                                          8 * ta.elementBytes());
  }

  // The accumulator's registers: one instruction's fragment in the low bits, its tiles above.
  unsigned fragment = shape.m * n / (shape.warps * target_.lanes());
  Registers sums = of(o.operands[2]);
  // An a that passes goes in two halves, one of which is loaded while the unit works on the other: of this product or of the one before.
  bool inHalves = aPasses && !inParts && k >= 2 * int64_t(shape.k);
  LinearLayout la;
  Registers aAll; // of a, or of the part of it that has come
  int64_t aFrom = 0, aCount = inHalves ? k / 2 : k;
  if (aInRegisters)
    la = layoutOf(ta), aAll = of(o.operands[0]);
  else if (aPasses)
    la = fragmentsOf(target_.matrixFragment(entry, 0, n), target_.matrixFragment(entry, 2, n), lc, ta.shape, aCount);
  // Made before a product begins: behind that, an assembler may let the unit wait for each of them.
  SmallVector<SmallVector<V>> fragments;
  unsigned aFragment = shape.m * shape.k / (shape.warps * target_.lanes());
  auto takeFragments = [&] {
    fragments.clear();
    for (unsigned r = 0; r + aFragment <= aAll.size(); r += aFragment)
      fragments.push_back(target_.matrixOperand(b_, ArrayRef(aAll).slice(r, aFragment)));
  };
  auto bring = [&](int64_t from) {
    // What the unit still reads those registers for is over: of a half all products but the youngest, which reads the other half.
    target_.awaitMatrix(b_, inHalves ? 1 : 0, {});
    aFrom = from;
    const LinearLayout &shared = layoutOf(ta);
    uint64_t start = static_cast<uint64_t>(shared.inverse().apply(std::vector<int64_t>{0, from})[0]);
    aAll = loadShared(scalar(o.operands[0]), shared, la, llvmType(ta), ta.elementBytes(), start);
    takeFragments();
  };
  if (aInRegisters)
    takeFragments();
  // Products along k from `from` on, as far as one part goes, of the tile whose registers begin at `first`.
  auto multiply = [&](unsigned first, int64_t from, int64_t count, MutableArrayRef<V> into) {
    std::vector<int64_t> tile = lc.unpackOut(lc.applyPacked(first)); // row and column of the tile, in its group
    for (int64_t at = from; at < std::min(from + count, k); at += shape.k) {
      if (aPlace)
        issue.aOffset = aPlace->at(tile[0], at);
      issue.aRegisters = {};
      for (auto [i, fragment] : enumerate(fragments))
        if (la.unpackOut(la.applyPacked(i * aFragment)) == std::vector<int64_t>{tile[0], at - aFrom})
          issue.aRegisters = fragment;
      if (!aPlace && issue.aRegisters.empty())
        fail(o, "the registers of a do not hold the fragments of its instruction");
      issue.bOffset = bPlace.at(at, tile[1]);
      issue.accumulator = into;
      issue.fromZero = (inParts && at == from) || (at == 0 && all_of(issue.accumulator, isZero));
      SmallVector<V> next = target_.asyncMatrix(b_, issue);
      std::copy(next.begin(), next.end(), into.begin());
    }
  };
  FastMathFlags flags; // as other sums of the kernel have them
  flags.setAllowContract(target_.numerics().contract);
  for (int64_t from = 0; !inParts && from < k; from += aCount) {
    if (aPasses)
      bring(from);
    target_.beginAsyncMatrix(b_);
    for (unsigned first = 0; first < sums.size(); first += fragment)
      multiply(first, from, aCount, MutableArrayRef(sums).slice(first, fragment));
    target_.endAsyncMatrix(b_);
  }
  if (inParts && aPasses)
    bring(0);
  for (unsigned first = 0; inParts && first < sums.size(); first += fragment) {
    MutableArrayRef<V> total = MutableArrayRef(sums).slice(first, fragment);
    for (int64_t from = 0; from < k; from += part) {
      Registers sum(fragment, PoisonValue::get(total[0]->getType()));
      target_.beginAsyncMatrix(b_);
      multiply(first, from, part, sum);
      target_.endAsyncMatrix(b_);
      SmallVector<V> awaited = target_.awaitMatrix(b_, 0, sum);
      for (unsigned i = 0; i < fragment; ++i)
        total[i] =
            e_.narrow(b_.CreateFAddFMF(e_.widen(total[i], tc.elem), e_.widen(awaited[i], tc.elem), flags), tc.elem);
    }
  }
  set(o.results[0], std::move(sums));
}

} // namespace tessera::codegen::simt
