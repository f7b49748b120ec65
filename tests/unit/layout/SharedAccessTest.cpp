// Guards the bank-conflict count against a simulation of banks, and that swizzles remove conflicts.
//
// SPDX-License-Identifier: Apache-2.0
#include "Samples.h"

#include "core/layout/AlignedRuns.h"
#include "core/layout/SharedAccess.h"
#include "gtest/gtest.h"

#include <map>
#include <set>

using namespace tessera::layout;

// Wavefronts of one access of warp 0, by going through phases, lanes and words.
static int64_t simulate(const LinearLayout &d, const LinearLayout &shared, unsigned bytes, const SharedMemory &memory,
                        int64_t vector) {
  LinearLayout offsets = *d.followedByInverseOf(shared);
  int64_t lanes = d.inSize(kLane),
          together = std::min<int64_t>(lanes, int64_t(memory.banks) * memory.bankBytes /
                                                  std::max<int64_t>(bytes * vector, memory.bankBytes));
  int64_t total = 0;
  for (int64_t first = 0; first < lanes; first += together) {
    std::map<int64_t, std::set<int64_t>> wordsOfBank;
    for (int64_t lane = first; lane < first + together; ++lane) {
      int64_t start = offsets.apply(std::vector<int64_t>{0, lane, 0, 0})[0] / vector * vector;
      for (int64_t e = 0; e < vector; ++e) {
        int64_t word = (start + e) * bytes / memory.bankBytes;
        wordsOfBank[word % memory.banks].insert(word);
      }
    }
    size_t worst = 0;
    for (auto &[bank, words] : wordsOfBank)
      worst = std::max(worst, words.size());
    total += static_cast<int64_t>(worst);
  }
  return total;
}

TEST(SharedAccess, CountsAsTheSimulationDoes) {
  std::mt19937 rng(31);
  for (int trial = 0; trial < 200; ++trial) {
    SharedMemory memory{trial % 3 ? 32u : 16u, trial % 5 ? 4u : 8u, 16};
    unsigned bits = 8u << trial % 4;
    LinearLayout d = trial % 2 ? randomPermuted(rng, {16, 32}, 4, 5, 1) : randomDistributed(rng, {16, 32}, 4, 5, 1);
    LinearLayout shared =
        randomPermuted(rng, {16, 32}, 9, 0, 0).renameIn("register", "offset").sub({"offset"}, {"dim0", "dim1"});
    SharedAccess access = analyseAccess(d, shared, bits, memory);
    EXPECT_EQ(access.wavefronts, simulate(d, shared, bits / 8, memory, access.vectorElements));
    EXPECT_GE(access.conflicts(), 0);
  }
}

TEST(SharedAccess, ColumnOfARowMajorTileConflictsFully) {
  // Lanes go down a column of 32 words a row: all in one bank.
  LinearLayout column = *parseLayout("register = [], lane = [[1, 0], [2, 0], [4, 0], [8, 0], [16, 0]], warp = [[0, 1], "
                                     "[0, 2], [0, 4], [0, 8], [0, 16]], block = [] -> [32, 32]");
  LinearLayout rowMajor = LinearLayout::rowMajor(kOffset, std::vector<int64_t>{32, 32});
  EXPECT_EQ(analyseAccess(column, rowMajor, 32, {}).wavefronts, 32);
  EXPECT_EQ(analyseAccess(transposed(column, std::vector<int32_t>{1, 0}), rowMajor, 32, {}).conflicts(), 0);
}

TEST(Swizzle, TransposesWithoutConflicts) {
  for (unsigned bits : {8u, 16u, 32u, 64u}) {
    LinearLayout rows =
        blockedLayout(std::vector<int64_t>{64, 64}, std::vector<int64_t>{1, 4}, std::vector<int64_t>{2, 16},
                      std::vector<int64_t>{4, 1}, std::vector<unsigned>{1, 0});
    LinearLayout columns = transposed(rows, std::vector<int32_t>{1, 0});
    LinearLayout shared = swizzledFor(rows, columns, bits, {});
    ASSERT_TRUE(shared.isBijective());
    EXPECT_EQ(analyseAccess(rows, shared, bits, {}).conflicts(), 0) << bits;
    EXPECT_EQ(analyseAccess(columns, shared, bits, {}).conflicts(), 0) << bits;
  }
}

TEST(Swizzle, KeepsVectorsThatBothSidesShare) {
  LinearLayout a = blockedLayout(std::vector<int64_t>{64, 64}, std::vector<int64_t>{1, 8}, std::vector<int64_t>{4, 8},
                                 std::vector<int64_t>{4, 1}, std::vector<unsigned>{1, 0});
  LinearLayout b = blockedLayout(std::vector<int64_t>{64, 64}, std::vector<int64_t>{1, 8}, std::vector<int64_t>{32, 1},
                                 std::vector<int64_t>{1, 4}, std::vector<unsigned>{1, 0});
  LinearLayout shared = swizzledFor(a, b, 16, {});
  for (const LinearLayout &side : {a, b}) {
    SharedAccess access = analyseAccess(side, shared, 16, {});
    EXPECT_EQ(access.vectorElements, 8);
    EXPECT_EQ(access.conflicts(), 0);
  }
}

TEST(Swizzle, IsBijectiveAndFreeOfConflictsForRealLayouts) {
  std::mt19937 rng(32);
  for (int trial = 0; trial < 300; ++trial) {
    unsigned bits = 8u << trial % 4;
    LinearLayout a = randomPermuted(rng, {64, 64}, 5, 5, 2), b = randomPermuted(rng, {64, 64}, 6, 5, 1);
    LinearLayout shared = swizzledFor(a, b, bits, {});
    ASSERT_TRUE(shared.isBijective());
    EXPECT_EQ(analyseAccess(a, shared, bits, {}).conflicts(), 0) << printLayout(a) << "\n" << printLayout(b);
    EXPECT_EQ(analyseAccess(b, shared, bits, {}).conflicts(), 0) << printLayout(a) << "\n" << printLayout(b);
  }
}

TEST(Swizzle, KeepsVectorsOfCopiesWholeAndInOrder) {
  // A copy engine moves 16 neighbours in memory as they are: none of their places may depend on which vector it is.
  std::mt19937 rng(33);
  for (int trial = 0; trial < 300; ++trial) {
    unsigned bits = 8u << trial % 3, elements = 128 / bits;
    LinearLayout copy = blockedLayout(std::vector<int64_t>{64, 128}, std::vector<int64_t>{1, elements},
                                      std::vector<int64_t>{trial % 2 ? 4 : 8, trial % 2 ? 8 : 4},
                                      std::vector<int64_t>{4, 1}, std::vector<unsigned>{1, 0});
    LinearLayout reader = randomPermuted(rng, {64, 128}, 6, 5, 2);
    Vectors vector;
    for (unsigned e = 1; e < elements; e *= 2)
      vector.push_back(uint64_t(e) << copy.outStart("dim1"));
    SharedMemory memory;
    memory.blockTransfers = trial % 5 ? 0 : 15;
    LinearLayout shared = swizzledFor(copy, reader, bits, memory, vector);
    ASSERT_TRUE(shared.isBijective());
    EXPECT_GE(alignedRuns(shared, kOffset, "dim1"), elements) << printLayout(reader) << "\n" << printLayout(shared);
    EXPECT_EQ(analyseAccess(copy, shared, bits, memory).vectorElements, elements);
  }
}

TEST(Swizzle, TakesTilesSmallerThanARow) {
  LinearLayout a = *parseLayout("register = [], lane = [[1], [2], [0], [0], [0]], warp = [], block = [] -> [4]");
  LinearLayout shared = swizzledFor(a, a, 8, {});
  EXPECT_TRUE(shared.isBijective());
  EXPECT_EQ(shared.inSize(kOffset), 4);
}
