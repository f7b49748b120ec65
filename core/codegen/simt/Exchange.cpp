// Exchange.cpp - registers that move within their warp: selects by lane, and as few shuffles as linear algebra allows
//
// A move is linear: (register, lane, warp) of the result -> of the source. Without lanes it is a choice among the own registers. A
// shuffle gives each lane one word; the words of all shuffles are the cosets of a subspace W of (register, lane) of the
// result, which names one register for each lane. Sending is possible when what W needs of one source lane is one register:
// then the register is linear in the source lane too. W is searched, first among those that need no selects; where none
// serves all lanes at once, several shuffles serve a part of the lanes each.
//
// SPDX-License-Identifier: Apache-2.0
#include "core/codegen/simt/AccessVectors.h"
#include "core/codegen/simt/ChosenRegisters.h"
#include "core/codegen/simt/Emitter.h"
#include "core/layout/Conversion.h"

#include <bit>

using namespace llvm;
using tessera::layout::LinearLayout;
using tessera::layout::Span;
using tessera::layout::Vectors;
using tessera::tbc::Op;

namespace tessera::codegen::simt {

// ---- choices by lane -------------------------------------------------------------------------------------------------

ChosenRegisters::ChosenRegisters(IRBuilderBase &b, std::function<Value *(uint64_t)> registerAt,
                                 ArrayRef<PlaceColumns> places)
    : b_(b), registerAt_(std::move(registerAt)) {
  Span basis;
  struct Dimension {
    uint64_t bits;
    SmallVector<std::pair<Value *, uint64_t>, 2> parity; // flips where an odd number of these bits is set
  };
  SmallVector<Dimension, 4> dimensions;
  for (const PlaceColumns &place : places)
    for (size_t bit = 0; bit < place.columns.size(); ++bit) {
      uint64_t column = place.columns[bit];
      if (!column)
        continue;
      std::optional<uint64_t> sum = basis.solve(column);
      if (!sum) {
        basis.insert(column);
        sum = uint64_t(1) << dimensions.size();
        dimensions.push_back({column, {}});
      }
      for (size_t d = 0; d < dimensions.size(); ++d)
        if (*sum >> d & 1)
          dimensions[d].parity.push_back({place.index, uint64_t(1) << bit});
    }
  for (const Dimension &d : dimensions) {
    Value *odd = nullptr;
    for (auto [index, mask] : d.parity) {
      Value *isSet = b_.CreateICmpNE(b_.CreateAnd(index, mask), ConstantInt::get(index->getType(), 0));
      odd = odd ? b_.CreateXor(odd, isSet) : isSet;
    }
    flips_.push_back({d.bits, odd});
  }
}

Value *ChosenRegisters::at(uint64_t q, unsigned level) {
  Value *&known = known_[{level, q}];
  if (known)
    return known;
  if (level == 0)
    return known = registerAt_(q);
  const Flip &flip = flips_[level - 1];
  Value *plain = at(q, level - 1), *flipped = at(q ^ flip.bits, level - 1);
  return known = b_.CreateSelect(flip.predicate, flipped, plain);
}

// ---- plans -----------------------------------------------------------------------------------------------------------

namespace {

uint64_t applyTo(const Vectors &columns, uint64_t x) {
  uint64_t sum = 0;
  for (; x; x &= x - 1)
    sum ^= columns[static_cast<size_t>(std::countr_zero(x))];
  return sum;
}

// Where the bits of one dim of the result come from, in the source.
struct Origin {
  Vectors registers, lanes, warps;
  Origin(const LinearLayout &sourceOf, std::string_view in) {
    for (unsigned bit = 0; bit < sourceOf.inBits(in); ++bit) {
      std::vector<int32_t> to = sourceOf.basis(in, bit); // register, lane, warp, block
      registers.push_back(static_cast<uint64_t>(to[0]));
      lanes.push_back(static_cast<uint64_t>(to[1]));
      warps.push_back(static_cast<uint64_t>(to[2]));
    }
  }
};

bool isIdentity(const Vectors &columns) {
  for (size_t i = 0; i < columns.size(); ++i)
    if (columns[i] != uint64_t(1) << i)
      return false;
  return true;
}

bool isZero(const Vectors &columns) {
  return all_of(columns, [](uint64_t c) { return c == 0; });
}

// Which shuffles move words from lane to lane. Vectors over (register, lane) of the result have the register bits that count
// shuffles below the lane bits.
struct ShufflePlan {
  unsigned registerBits = 0;          // of the result, after packing and without copies
  Vectors sourceRegister, sourceLane; // of each bit: register bits, then lane bits
  Vectors laneToRegister;             // W: the register of each lane bit
  Vectors laneToRound;                // which part of the lanes a lane bit belongs to
  Vectors roundRegister, roundLane;   // source register and lane of each part's start
  Vectors senderRegister;             // what a source lane bit adds to the register that it sends

  void solve();
};

void ShufflePlan::solve() {
  size_t n = sourceLane.size(), lanes = n - registerBits;
  Vectors registers, laneUnits, universe;
  for (size_t i = 0; i < n; ++i) {
    universe.push_back(uint64_t(1) << i);
    (i < registerBits ? registers : laneUnits).push_back(uint64_t(1) << i);
  }
  Vectors both;
  for (size_t i = 0; i < n; ++i)
    both.push_back(sourceRegister[i] | sourceLane[i] << 32);
  Vectors sameLane = layout::nullSpace(sourceLane), nothing = layout::nullSpace(both);
  Span isNothing(nothing);
  Vectors clash = layout::intersect(laneUnits, sameLane), w;
  if (all_of(clash, [&](uint64_t v) { return isNothing.contains(v); })) {
    w = laneUnits; // register r of all lanes is one shuffle
  } else {
    Vectors taken = registers;
    taken.insert(taken.end(), nothing.begin(), nothing.end());
    w = layout::complementOfBoth(sameLane, taken, universe);
    w.insert(w.end(), nothing.begin(), nothing.end());
    w = layout::independent(w);
  }
  size_t inOneRound = w.size();
  Vectors taken = w;
  taken.insert(taken.end(), registers.begin(), registers.end());
  for (uint64_t v : layout::complement(taken, laneUnits)) {
    w.push_back(v);
    roundRegister.push_back(applyTo(sourceRegister, v));
    roundLane.push_back(applyTo(sourceLane, v));
  }
  // W as a function of the lane.
  Vectors laneParts;
  for (uint64_t v : w)
    laneParts.push_back(v >> registerBits);
  Span byLane(laneParts);
  for (size_t lane = 0; lane < lanes; ++lane) {
    uint64_t which = byLane.solve(uint64_t(1) << lane).value_or(0);
    laneToRegister.push_back(applyTo(w, which) & ((uint64_t(1) << registerBits) - 1));
    laneToRound.push_back(which >> inOneRound);
  }
  // The register sent as a function of the source lane: given on the lanes that the first part of W reaches, zero beyond.
  Span reached;
  Vectors sent;
  for (size_t i = 0; i < inOneRound; ++i)
    if (uint64_t lane = applyTo(sourceLane, w[i]); !reached.contains(lane)) {
      reached.insert(lane);
      sent.push_back(applyTo(sourceRegister, w[i]));
    }
  for (size_t lane = 0; lane < lanes; ++lane) {
    reached.insert(uint64_t(1) << lane);
    sent.push_back(0);
  }
  for (size_t lane = 0; lane < lanes; ++lane)
    senderRegister.push_back(applyTo(sent, reached.solve(uint64_t(1) << lane).value_or(0)));
}

// Register bits of the result that take neighbours in one source lane to neighbours in one result lane, whatever the lane: so many
// words need only be sent once for all of them.
SmallVector<unsigned, 2> packable(const Origin &registers, const Origin &lanes, const Origin &warps,
                                  ArrayRef<unsigned> bits, unsigned most) {
  SmallVector<unsigned, 2> chosen;
  for (unsigned candidate : bits) {
    if (chosen.size() == most)
      break;
    if (registers.lanes[candidate] || registers.warps[candidate] || !registers.registers[candidate])
      continue;
    Vectors inWord, others = lanes.registers;
    others.insert(others.end(), warps.registers.begin(), warps.registers.end());
    for (unsigned bit : bits)
      (bit == candidate || is_contained(chosen, bit) ? inWord : others).push_back(registers.registers[bit]);
    Vectors all = inWord;
    all.insert(all.end(), others.begin(), others.end());
    if (layout::rankOf(inWord) == chosen.size() + 1 &&
        layout::rankOf(all) == layout::rankOf(inWord) + layout::rankOf(others))
      chosen.push_back(candidate);
  }
  return chosen;
}

} // namespace

// ---- emission --------------------------------------------------------------------------------------------------------

Registers Emitter::convert(const Op &o, const Registers &from, const LinearLayout &source, const LinearLayout &result,
                           unsigned bits) {
  layout::ConversionOptions options;
  options.accessCost = 1u << 20; // the core has sent through shared memory what should go there
  layout::ConversionPlan plan = layout::planConversion(source, result, bits, options);
  if (plan.kind == layout::ConversionPlan::Shared || plan.kind == layout::ConversionPlan::CrossBlock)
    fail(o, "a conversion between warps has to go through shared memory");
  if (plan.exchangesBit)
    return exchangeBit(from, plan.sourceOf, *layout::bitExchange(plan.sourceOf));
  return plan.kind == layout::ConversionPlan::None ? from : exchange(from, plan.sourceOf, bits);
}

// Of registers x and y a lane with the bit keeps y and sends x, its neighbour the other way round.
Registers Emitter::exchangeBit(const Registers &from, const LinearLayout &sourceOf, const layout::BitExchange &bit) {
  Vectors sources = Origin(sourceOf, layout::kRegister).registers;
  Registers to(size_t(1) << sources.size());
  V isSet = b_.CreateICmpNE(b_.CreateAnd(lane_, uint64_t(1) << bit.laneBit), ConstantInt::get(lane_->getType(), 0));
  for (uint64_t r = 0; r < to.size(); ++r) {
    if (r >> bit.registerBit & 1)
      continue;
    V x = from[applyTo(sources, r)], y = from[applyTo(sources, r) ^ bit.registers];
    V heard = shuffleXor(b_.CreateSelect(isSet, x, y), 1u << bit.laneBit);
    to[r] = b_.CreateSelect(isSet, heard, x);
    to[r | uint64_t(1) << bit.registerBit] = b_.CreateSelect(isSet, y, heard);
  }
  return to;
}

Registers Emitter::exchange(const Registers &from, const LinearLayout &sourceOf, unsigned bits) {
  Origin registers(sourceOf, layout::kRegister), lanes(sourceOf, layout::kLane), warps(sourceOf, layout::kWarp);
  unsigned n = 1u << registers.registers.size();
  Registers to(n);
  if (isZero(registers.lanes) && isIdentity(lanes.lanes) && isZero(warps.lanes)) {
    ChosenRegisters own(b_, [&](uint64_t q) { return from[q]; }, {{lane_, lanes.registers}, {warp_, warps.registers}});
    for (unsigned r = 0; r < n; ++r)
      to[r] = own.at(applyTo(registers.registers, r));
    return to;
  }

  // Registers that repeat others are not sent again.
  Span different;
  SmallVector<unsigned> kept; // result register bits
  Vectors standsFor;          // each bit as a sum of kept ones
  for (unsigned bit = 0; bit < registers.registers.size(); ++bit) {
    uint64_t both = registers.registers[bit] | registers.lanes[bit] << 32;
    if (std::optional<uint64_t> sum = different.solve(both)) {
      uint64_t bitsOfSum = 0;
      for (size_t i = 0; i < kept.size(); ++i)
        if (*sum >> i & 1)
          bitsOfSum |= uint64_t(1) << kept[i];
      standsFor.push_back(bitsOfSum);
    } else {
      different.insert(both);
      kept.push_back(bit);
      standsFor.push_back(uint64_t(1) << bit);
    }
  }
  unsigned width = std::max(bits, 8u);
  SmallVector<unsigned, 2> inWord =
      packable(registers, lanes, warps, kept, width < 32 ? static_cast<unsigned>(std::countr_zero(32 / width)) : 0);
  unsigned count = 1u << inWord.size();
  Vectors wordRegisters; // source register bits of the places in a word
  for (unsigned bit : inWord)
    wordRegisters.push_back(registers.registers[bit]);

  ShufflePlan plan;
  SmallVector<unsigned> counted; // the register bits that count shuffles
  for (unsigned bit : kept)
    if (!is_contained(inWord, bit)) {
      counted.push_back(bit);
      plan.sourceRegister.push_back(registers.registers[bit]);
      plan.sourceLane.push_back(registers.lanes[bit]);
    }
  plan.registerBits = static_cast<unsigned>(counted.size());
  plan.sourceRegister.insert(plan.sourceRegister.end(), lanes.registers.begin(), lanes.registers.end());
  plan.sourceLane.insert(plan.sourceLane.end(), lanes.lanes.begin(), lanes.lanes.end());
  plan.solve();

  Type *element = from[0]->getType();
  Vectors senderWarp;
  for (size_t bit = 0; bit < warps.lanes.size(); ++bit)
    senderWarp.push_back(applyTo(plan.senderRegister, warps.lanes[bit]) ^ warps.registers[bit]);
  ChosenRegisters sent(b_,
                       [&](uint64_t q) -> V {
                         if (count == 1)
                           return from[q];
                         SmallVector<V, 4> elements;
                         for (unsigned i = 0; i < count; ++i)
                           elements.push_back(from[q ^ applyTo(wordRegisters, i)]);
                         return packWords(b_, elements, width);
                       },
                       {{lane_, plan.senderRegister}, {warp_, senderWarp}});
  Vectors readLane;
  for (size_t lane = 0; lane < plan.laneToRegister.size(); ++lane)
    readLane.push_back(plan.sourceLane[plan.registerBits + lane] ^ applyTo(plan.sourceLane, plan.laneToRegister[lane]));
  bool isXor = isIdentity(readLane) && isZero(warps.lanes);
  V reader = isXor ? nullptr : b_.CreateXor(applyColumns(lane_, readLane), applyColumns(warp_, warps.lanes));
  auto receive = [&](uint64_t shuffleNumber, uint64_t round) {
    uint64_t lane = applyTo(plan.sourceLane, shuffleNumber), start = applyTo(plan.roundLane, round);
    V word = sent.at(applyTo(plan.senderRegister, lane ^ start) ^ applyTo(plan.sourceRegister, shuffleNumber) ^
                     applyTo(plan.roundRegister, round));
    if (!isXor)
      return shuffle(word, b_.CreateXor(reader, i32(static_cast<int64_t>(lane))));
    return lane ? shuffleXor(word, static_cast<unsigned>(lane)) : word;
  };
  // What a lane hears in one shuffle of all rounds, then which of its registers that is.
  ChosenRegisters received(b_,
                           [&](uint64_t shuffleNumber) {
                             ChosenRegisters part(b_, [&](uint64_t round) { return receive(shuffleNumber, round); },
                                                  {{lane_, plan.laneToRound}});
                             return part.at(0);
                           },
                           {{lane_, plan.laneToRegister}});
  for (uint64_t s = 0; s < uint64_t(1) << counted.size(); ++s) {
    uint64_t base = 0;
    for (size_t i = 0; i < counted.size(); ++i)
      if (s >> i & 1)
        base |= uint64_t(1) << counted[i];
    V word = received.at(s);
    SmallVector<V, 16> elements{word};
    if (count > 1)
      elements = unpackWords(b_, word, count, width, element);
    for (unsigned i = 0; i < count; ++i) {
      uint64_t reg = base;
      for (size_t bit = 0; bit < inWord.size(); ++bit)
        if (i >> bit & 1)
          reg |= uint64_t(1) << inWord[bit];
      to[reg] = elements[i];
    }
  }
  for (unsigned r = 0; r < n; ++r)
    to[r] = to[applyTo(standsFor, r)];
  return to;
}

} // namespace tessera::codegen::simt
