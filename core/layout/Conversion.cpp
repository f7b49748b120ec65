// Conversion.cpp - plan the move of a tile between two distributed layouts
//
// SPDX-License-Identifier: Apache-2.0
#include "core/layout/Conversion.h"

#include "core/layout/BlockTransfer.h"
#include "core/layout/TensorLayouts.h"

#include <algorithm>
#include <bit>
#include <cassert>

namespace tessera::layout {

namespace {

// Packed input bits of a distributed layout, by dim.
struct Fields {
  unsigned registers, lanes, warps, blocks;
  explicit Fields(const LinearLayout &l)
      : registers(l.inBits(kRegister)), lanes(l.inBits(kLane)), warps(l.inBits(kWarp)), blocks(l.inBits(kBlock)) {}
  static uint64_t mask(unsigned start, unsigned bits) { return ((uint64_t(1) << bits) - 1) << start; }
  uint64_t registerMask() const { return mask(0, registers); }
  uint64_t laneMask() const { return mask(registers, lanes); }
  uint64_t warpMask() const { return mask(registers + lanes, warps); }
  uint64_t blockMask() const { return mask(registers + lanes + warps, blocks); }
};

// Finds for one element the nearest copy: a solution x of source(x) = element.
class NearestCopy {
public:
  explicit NearestCopy(const LinearLayout &source) : source_(source), fields_(source), all_(source.columns()) {
    for (unsigned i = 0; i < source.inBits(); ++i) {
      unsigned reach = i < fields_.registers ? 0 : i < fields_.registers + fields_.lanes ? 1 : 2;
      for (unsigned level = reach; level < 2; ++level)
        within_[level].insert(source.columns()[i]);
    }
  }
  // stay: packed source bits of the place where the value is wanted; any solution near to it is better.
  uint64_t find(uint64_t element, uint64_t stay) const {
    uint64_t rest = element ^ source_.applyPacked(stay);
    if (auto x = within_[0].solve(rest))
      return stay ^ *x;
    uint64_t stayWarp = stay & ~fields_.laneMask();
    if (auto x = within_[1].solve(element ^ source_.applyPacked(stayWarp)))
      return stayWarp ^ *x;
    auto x = all_.solve(element);
    assert(x && "the source holds every element");
    return x.value_or(0);
  }

private:
  const LinearLayout &source_;
  Fields fields_;
  Span within_[2]; // registers; registers and lanes. Inserted in packed order, so solutions are packed inputs.
  Span all_;
};

} // namespace

// Least number of shuffles when one shuffle gives each lane one value that depends linearly on the lane. map: packed
// (register, lane) of the result -> of the source. A shuffle is a subspace W with one element for each result lane in
// which what a source lane sends is one register, so W meets N = {source lane 0} only in K = ker(map). Such a W exists
// if dim N <= dim(R + K), R = the result's registers; else each lacking dimension doubles the number of rounds.
static unsigned shuffleRounds(const Vectors &map, unsigned resultRegisters, uint64_t sourceLaneMask) {
  Vectors kernel = nullSpace(map), laneParts, registersAndKernel = kernel;
  for (uint64_t m : map)
    laneParts.push_back(m & sourceLaneMask);
  for (unsigned i = 0; i < resultRegisters; ++i)
    registersAndKernel.push_back(uint64_t(1) << i);
  unsigned sameLane = static_cast<unsigned>(nullSpace(laneParts).size());
  unsigned reach = rankOf(registersAndKernel);
  unsigned distinctRegisters = reach - static_cast<unsigned>(kernel.size());
  return 1u << (distinctRegisters + (sameLane > reach ? sameLane - reach : 0));
}

std::optional<BitExchange> bitExchange(const LinearLayout &sourceOf) {
  struct From {
    uint64_t registers, lanes, warps;
  };
  auto from = [&](std::string_view in, unsigned bit) {
    std::vector<int32_t> to = sourceOf.basis(in, bit); // register, lane, warp, block
    return From{static_cast<uint64_t>(to[0]), static_cast<uint64_t>(to[1]), static_cast<uint64_t>(to[2])};
  };
  std::optional<BitExchange> found;
  for (unsigned bit = 0; bit < sourceOf.inBits(kRegister); ++bit) {
    From at = from(kRegister, bit);
    if (at.warps || (at.lanes && (found || at.registers || !std::has_single_bit(at.lanes))))
      return std::nullopt;
    if (at.lanes)
      found = BitExchange{bit, static_cast<unsigned>(std::countr_zero(at.lanes)), 0};
  }
  if (!found)
    return std::nullopt;
  for (unsigned bit = 0; bit < sourceOf.inBits(kLane); ++bit) {
    From at = from(kLane, bit);
    bool exchanged = bit == found->laneBit;
    if (at.warps || at.lanes != (exchanged ? 0 : uint64_t(1) << bit) || (at.registers != 0) != exchanged)
      return std::nullopt;
    found->registers |= at.registers;
  }
  for (unsigned bit = 0; bit < sourceOf.inBits(kWarp); ++bit)
    if (From at = from(kWarp, bit); at.registers || at.lanes || at.warps != uint64_t(1) << bit)
      return std::nullopt;
  return found;
}

namespace {

// What a way through shared memory takes of a warp.
struct SharedCosts {
  int64_t wavefronts = 0;
  // Of loads and stores, and moves of words that a vector brings in another order than the result's registers have.
  int64_t instructions = 0;
};

} // namespace

static SharedCosts costsThrough(const LinearLayout &shared, const LinearLayout &source, const LinearLayout &result,
                                unsigned elementBits, const SharedMemory &memory) {
  SharedCosts costs;
  for (bool isStore : {true, false}) {
    const LinearLayout &side = isStore ? source : result;
    SharedAccess access = analyseAccess(side, shared, elementBits, memory);
    int64_t wavefronts = access.accessesPerLane * access.wavefronts, instructions = access.accessesPerLane;
    std::optional<BlockTransfer> blocks = blockTransfer(side, shared, elementBits, isStore, memory);
    if (blocks && blocks->wavefronts <= wavefronts && static_cast<int64_t>(blocks->accesses.size()) < instructions) {
      wavefronts = blocks->wavefronts;
      instructions = static_cast<int64_t>(blocks->accesses.size());
    } else if (!isStore) {
      Vectors registers = side.columnsOf(kRegister), offsets = shared.columns();
      size_t vector = log2Exact(access.vectorElements);
      if (registers.size() < vector || !std::equal(registers.begin(), registers.begin() + vector, offsets.begin()))
        instructions += (access.accessesPerLane * access.vectorElements * elementBits + 31) / 32;
    }
    costs.wavefronts += wavefronts;
    costs.instructions += instructions;
  }
  return costs;
}

static void costOfShared(ConversionPlan &plan, const LinearLayout &source, const LinearLayout &result,
                         unsigned elementBits, const ConversionOptions &options) {
  plan.kind = ConversionPlan::Shared;
  plan.shared = swizzledFor(source, result, elementBits, options.memory);
  // A fragment of a matrix unit is a run of registers. Vectors bring it in parts of several, which the unit cannot take before they have been moved; blocks bring it as it is.
  if (std::optional<LinearLayout> blocks = swizzledForBlocks(source, result, elementBits, options.memory)) {
    SharedCosts vectors = costsThrough(plan.shared, source, result, elementBits, options.memory),
                byBlocks = costsThrough(*blocks, source, result, elementBits, options.memory);
    if (byBlocks.wavefronts <= vectors.wavefronts && byBlocks.instructions < vectors.instructions)
      plan.shared = *blocks;
  }
  plan.sharedBytes = (uint64_t(std::max(elementBits, 8u)) << result.outBits()) / 8;
  plan.store = analyseAccess(source, plan.shared, elementBits, options.memory);
  plan.load = analyseAccess(result, plan.shared, elementBits, options.memory);
  auto clocks = [&](const SharedAccess &a, const LinearLayout &side, bool isStore) {
    int64_t wavefronts = a.accessesPerLane * a.wavefronts;
    if (std::optional<BlockTransfer> t = blockTransfer(side, plan.shared, elementBits, isStore, options.memory))
      wavefronts = std::min(wavefronts, t->wavefronts);
    return static_cast<uint64_t>(wavefronts) * options.accessCost;
  };
  plan.cost = options.barrierCost + clocks(plan.store, source, true) + clocks(plan.load, result, false);
}

ConversionPlan planConversion(const LinearLayout &sourceIn, const LinearLayout &resultIn, unsigned elementBits,
                              const ConversionOptions &options) {
  LinearLayout source = asDistributed(sourceIn), result = asDistributed(resultIn);
  assert(source.outs() == result.outs() && source.inBits(kLane) == result.inBits(kLane) &&
         source.inBits(kWarp) == result.inBits(kWarp));
  Fields from(source), to(result);
  NearestCopy nearest(source);
  ConversionPlan plan;
  Vectors columns, packed;
  bool otherLane = false, otherWarp = false, otherBlock = false;
  for (unsigned bit = 0; bit < result.inBits(); ++bit) {
    // The same lane, warp or block bit in the source; a register bit starts from nowhere in particular.
    uint64_t stay = bit < to.registers ? 0 : uint64_t(1) << (bit - to.registers + from.registers);
    uint64_t x = nearest.find(result.columns()[bit], stay);
    uint64_t moved = x ^ stay;
    otherLane |= (moved & from.laneMask()) != 0;
    otherWarp |= (moved & from.warpMask()) != 0;
    otherBlock |= (moved & from.blockMask()) != 0;
    plan.selects |= bit >= to.registers && (x & from.registerMask());
    packed.push_back(x);
    columns.push_back(LinearLayout({}, source.ins(), {}).packOut(source.unpackIn(x)));
  }
  plan.sourceOf = LinearLayout(result.ins(), source.ins(), std::move(columns));
  unsigned words = std::max(1u, elementBits / 32), registers = 1u << to.registers;
  if (otherBlock) {
    plan.kind = ConversionPlan::CrossBlock;
    plan.cost = UINT64_MAX;
  } else if (otherWarp || (otherLane && !options.shuffles)) {
    costOfShared(plan, source, result, elementBits, options);
  } else if (otherLane) {
    packed.resize(to.registers + to.lanes);
    plan.rounds = shuffleRounds(packed, to.registers, from.laneMask());
    plan.cost = uint64_t(plan.rounds) * words * (options.shuffleCost + 2 * options.selectCost);
    if (elementBits >= 32 && bitExchange(plan.sourceOf)) {
      plan.exchangesBit = true;
      plan.rounds = registers / 2;
      plan.cost = uint64_t(plan.rounds) * words * (options.shuffleCost + 3 * options.selectCost);
    }
    ConversionPlan through = plan;
    costOfShared(through, source, result, elementBits, options);
    if (through.cost < plan.cost)
      return through;
    plan.kind = ConversionPlan::Shuffle;
  } else if (plan.selects) {
    plan.kind = ConversionPlan::Registers;
    plan.cost = uint64_t(registers) * words * options.selectCost * 2;
  } else {
    bool same = from.registers == to.registers;
    for (unsigned bit = 0; bit < to.registers && same; ++bit)
      same = packed[bit] == uint64_t(1) << bit;
    plan.kind = same ? ConversionPlan::None : ConversionPlan::Registers;
  }
  return plan;
}

std::string_view conversionKindName(ConversionPlan::Kind kind) {
  switch (kind) {
  case ConversionPlan::None:
    return "none";
  case ConversionPlan::Registers:
    return "registers";
  case ConversionPlan::Shuffle:
    return "shuffle";
  case ConversionPlan::Shared:
    return "shared";
  case ConversionPlan::CrossBlock:
    return "cross-block";
  }
  return "";
}

} // namespace tessera::layout
