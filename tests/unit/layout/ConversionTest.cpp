// Guards conversion plans: the source of every register, the kind, and the shuffle count.
//
// SPDX-License-Identifier: Apache-2.0
#include "Samples.h"

#include "core/layout/Conversion.h"
#include "gtest/gtest.h"

using namespace tessera::layout;

// Every result register takes the right element, from as near as the plan's kind says.
static void expectSound(const LinearLayout &source, const LinearLayout &result, const ConversionPlan &plan) {
  for (uint64_t x = 0; x < uint64_t(1) << result.inBits(); ++x) {
    std::vector<int64_t> place = result.unpackIn(x), from = plan.sourceOf.apply(place);
    ASSERT_EQ(source.apply(from), result.apply(place));
    if (plan.kind == ConversionPlan::None) {
      ASSERT_EQ(from, place);
    }
    if (plan.kind <= ConversionPlan::Registers) {
      ASSERT_EQ(from[1], place[1]);
    }
    if (plan.kind <= ConversionPlan::Shuffle) {
      ASSERT_EQ(from[2], place[2]);
    }
  }
}

// Whether a warp could do the conversion by looking only at its own lanes: brute force.
static bool warpSuffices(const LinearLayout &source, const LinearLayout &result, bool laneSuffices) {
  for (uint64_t x = 0; x < uint64_t(1) << result.inBits(); ++x) {
    std::vector<int64_t> place = result.unpackIn(x), element = result.apply(place);
    bool found = false;
    for (uint64_t y = 0; y < uint64_t(1) << source.inBits() && !found; ++y) {
      std::vector<int64_t> from = source.unpackIn(y);
      found = from[2] == place[2] && (!laneSuffices || from[1] == place[1]) && source.apply(from) == element;
    }
    if (!found)
      return false;
  }
  return true;
}

TEST(Conversion, NothingToDo) {
  LinearLayout l = *parseLayout("register = [[1]], lane = [[2], [4]], warp = [[8]], block = [] -> [16]");
  ConversionPlan plan = planConversion(l, l, 32);
  EXPECT_EQ(plan.kind, ConversionPlan::None);
  EXPECT_EQ(plan.cost, 0u);
}

TEST(Conversion, RenamesRegisters) {
  LinearLayout a = *parseLayout("register = [[1], [8]], lane = [[2], [4]], warp = [], block = [] -> [16]");
  LinearLayout b = *parseLayout("register = [[8], [1]], lane = [[2], [4]], warp = [], block = [] -> [16]");
  ConversionPlan plan = planConversion(a, b, 32);
  EXPECT_EQ(plan.kind, ConversionPlan::Registers);
  EXPECT_FALSE(plan.selects);
  expectSound(a, b, plan);
}

TEST(Conversion, SelectsByLaneFromCopies) {
  LinearLayout all = *parseLayout("register = [[1], [2]], lane = [[0], [0]], warp = [], block = [] -> [4]");
  LinearLayout spread = *parseLayout("register = [], lane = [[1], [2]], warp = [], block = [] -> [4]");
  ConversionPlan plan = planConversion(all, spread, 32);
  EXPECT_EQ(plan.kind, ConversionPlan::Registers);
  EXPECT_TRUE(plan.selects);
  expectSound(all, spread, plan);
  EXPECT_EQ(planConversion(spread, all, 32).kind, ConversionPlan::Shuffle);
}

TEST(Conversion, TransposesWithOneShuffleARegister) {
  // A 4 x 4 transpose of registers and lanes moves one value a register and lane: four shuffles, not sixteen.
  LinearLayout a = *parseLayout("register = [[1], [2]], lane = [[4], [8]], warp = [], block = [] -> [16]");
  LinearLayout b = *parseLayout("register = [[4], [8]], lane = [[1], [2]], warp = [], block = [] -> [16]");
  ConversionPlan plan = planConversion(a, b, 32);
  EXPECT_EQ(plan.kind, ConversionPlan::Shuffle);
  EXPECT_EQ(plan.rounds, 4u);
  expectSound(a, b, plan);
  ConversionOptions noShuffles;
  noShuffles.shuffles = false;
  EXPECT_EQ(planConversion(a, b, 32, noShuffles).kind, ConversionPlan::Shared);
}

TEST(Conversion, ExchangesOneBitWithHalfTheShuffles) {
  // A quad's pairs of two tiles of eight columns become four columns of a row each.
  LinearLayout a = *parseLayout("register = [[1], [8]], lane = [[2], [4]], warp = [[16]], block = [] -> [32]");
  LinearLayout b = *parseLayout("register = [[1], [2]], lane = [[8], [4]], warp = [[16]], block = [] -> [32]");
  ConversionPlan plan = planConversion(a, b, 32), narrow = planConversion(a, b, 16);
  EXPECT_EQ(plan.kind, ConversionPlan::Shuffle);
  EXPECT_TRUE(plan.exchangesBit);
  EXPECT_EQ(plan.rounds, 2u);
  EXPECT_FALSE(narrow.exchangesBit); // words of two elements move as they are
  EXPECT_LT(plan.cost, narrow.cost);
  expectSound(a, b, plan);
  // Two bits, or lanes that are exchanged with each other, are no such move.
  for (const char *other : {"register = [[2], [4]], lane = [[1], [8]], warp = [[16]], block = [] -> [32]",
                            "register = [[1], [8]], lane = [[4], [2]], warp = [[16]], block = [] -> [32]",
                            "register = [[1], [2]], lane = [[8], [5]], warp = [[16]], block = [] -> [32]"})
    EXPECT_FALSE(planConversion(a, *parseLayout(other), 32).exchangesBit) << other;
}

TEST(Conversion, BroadcastOfOneRegisterTakesOneShuffle) {
  LinearLayout a = *parseLayout("register = [], lane = [[1], [2]], warp = [], block = [] -> [4]");
  LinearLayout b = *parseLayout("register = [], lane = [[2], [1]], warp = [], block = [] -> [4]");
  EXPECT_EQ(planConversion(a, b, 32).rounds, 1u);
}

TEST(Conversion, AcrossWarpsGoesThroughSharedMemory) {
  LinearLayout a = *parseLayout("register = [], lane = [[1], [2]], warp = [[4]], block = [] -> [8]");
  LinearLayout b = *parseLayout("register = [], lane = [[4], [2]], warp = [[1]], block = [] -> [8]");
  ConversionPlan plan = planConversion(a, b, 16);
  EXPECT_EQ(plan.kind, ConversionPlan::Shared);
  EXPECT_EQ(plan.sharedBytes, 16u);
  EXPECT_TRUE(plan.shared.isBijective());
  EXPECT_GT(plan.cost, 0u);
}

TEST(Conversion, PlansAreSoundAndNoFartherThanNeeded) {
  std::mt19937 rng(41);
  ConversionOptions preferShuffles;
  preferShuffles.barrierCost = 1u << 20;
  unsigned seen[5] = {};
  for (int trial = 0; trial < 400; ++trial) {
    auto make = [&](unsigned registers) {
      return trial % 4 ? randomPermuted(rng, {2, 8}, registers, 2, 1) : randomDistributed(rng, {2, 8}, registers, 2, 1);
    };
    LinearLayout a = make(trial % 3 ? 3 : 2), b = make(2);
    if (trial % 5 == 0)
      b = randomPermuted(rng, {2, 8}, 1, 2, 1); // the fewest registers
    if (trial % 7 == 0)                         // the same warps and lanes more often than chance has it
      b = LinearLayout(a.ins(), a.outs(), [&] {
        Vectors c = a.columns();
        std::swap(c[0], c[1]);
        if (trial % 2)
          std::swap(c[0], c[a.inStart(kLane)]);
        return c;
      }());
    ConversionPlan plan = planConversion(a, b, 32, preferShuffles);
    ++seen[plan.kind];
    expectSound(a, b, plan);
    EXPECT_EQ(plan.kind <= ConversionPlan::Registers, warpSuffices(a, b, true));
    EXPECT_EQ(plan.kind <= ConversionPlan::Shuffle, warpSuffices(a, b, false));
  }
  for (int kind = ConversionPlan::Registers; kind <= ConversionPlan::Shared; ++kind)
    EXPECT_GT(seen[kind], 0u) << kind;
}

// Whether some schedule of one shuffle a result register exists: result lane l takes register f(l) + r in round r, and what
// a source lane sends in a round is one register. All linear f, tried one by one.
static bool oneShuffleARegister(const LinearLayout &result, const ConversionPlan &plan) {
  unsigned registers = result.inBits(kRegister), lanes = result.inBits(kLane);
  for (uint64_t code = 0; code < uint64_t(1) << registers * lanes; ++code) {
    bool works = true;
    for (int64_t x = 0; x < int64_t(1) << lanes && works; ++x)
      for (int64_t y = 0; y < x && works; ++y) {
        auto from = [&](int64_t lane) {
          int64_t r = 0;
          for (unsigned i = 0; i < lanes; ++i)
            if (lane >> i & 1)
              r ^= static_cast<int64_t>(code >> i * registers & ((1u << registers) - 1));
          return plan.sourceOf.apply(std::vector<int64_t>{r, lane, 0, 0});
        };
        works = from(x)[1] != from(y)[1] || from(x)[0] == from(y)[0];
      }
    if (works)
      return true;
  }
  return false;
}

TEST(Conversion, CountsOneShuffleARegisterExactlyWhereAScheduleExists) {
  std::mt19937 rng(43);
  ConversionOptions preferShuffles;
  preferShuffles.barrierCost = 1u << 20;
  unsigned single = 0, more = 0;
  for (int trial = 0; trial < 400; ++trial) {
    LinearLayout a = randomDistributed(rng, {8}, 2, 3, 0), b = randomDistributed(rng, {8}, 2, 3, 0);
    if (b.freeMask(kRegister))
      continue; // copies within a lane take no shuffle of their own
    ConversionPlan plan = planConversion(a, b, 32, preferShuffles);
    if (plan.kind != ConversionPlan::Shuffle)
      continue;
    // The count speaks of registers that hold different things in every lane.
    bool exists = oneShuffleARegister(b, plan);
    (exists ? single : more)++;
    EXPECT_EQ(plan.rounds <= 4, exists) << printLayout(a) << "\n"
                                        << printLayout(b) << "\n"
                                        << printLayout(plan.sourceOf);
  }
  EXPECT_GT(single, 20u);
}
