// BlockTest.cpp - the device finds divergence, races, unwritten bytes and stray accesses, and passes what is right
//
// SPDX-License-Identifier: Apache-2.0
#include "tests/simt/Grid.h"

#include "gtest/gtest.h"

#include <cstring>

using namespace tessera::simt;

namespace {

// Kernels as plain functions: what the emitter's code does, done wrong on purpose.
uint8_t *sharedOf(Lane *lane) { return static_cast<uint8_t *>(lane->shared); }

void store(Lane *lane, unsigned at, uint32_t value, uint32_t line = 1) {
  uint8_t *p = sharedOf(lane) + at;
  lane->services->access(lane, p, 4, 4, kWrite, line);
  std::memcpy(p, &value, 4);
}
uint32_t load(Lane *lane, unsigned at, uint32_t line = 2) {
  uint32_t value;
  uint8_t *p = sharedOf(lane) + at;
  lane->services->access(lane, p, 4, 4, kRead, line);
  std::memcpy(&value, p, 4);
  return value;
}
void put(const void *args, Lane *lane, uint32_t value) {
  uint32_t *out;
  std::memcpy(&out, args, 8);
  out += lane->thread;
  lane->services->access(lane, out, 4, 4, kWrite, 9);
  *out = value;
}

std::vector<uint32_t> out;

BlockError run(KernelEntry kernel, unsigned threads = 64) {
  out.assign(threads, 0);
  BlockOptions options;
  options.threads = threads;
  options.sharedBytes = 1024;
  options.holds = [](const void *p, uint64_t bytes) {
    const auto *at = static_cast<const char *>(p), *from = reinterpret_cast<const char *>(out.data());
    return at >= from && at + bytes <= from + out.size() * 4;
  };
  uint32_t *address = out.data();
  const uint32_t grid[3] = {1, 1, 1};
  return runGrid(kernel, &address, grid, options);
}

bool says(const BlockError &e, const char *text) { return e.message.find(text) != std::string::npos; }

} // namespace

TEST(SimtBlock, ExchangesAndBarriersMoveValues) {
  BlockError e = run([](const void *args, Lane *lane) {
    const Services &s = *lane->services;
    auto t = static_cast<uint32_t>(lane->thread);
    store(lane, t * 4, 100 + t);
    s.blockBarrier(lane, 1, 1);
    uint32_t other = load(lane, (63 - t) * 4);
    uint32_t neighbour = s.exchange(lane, 2, 2, other, (t & 31) ^ 1);
    put(args, lane, neighbour + 1000 * s.reduce(lane, 3, 3, 2 /* Max */, t));
  });
  EXPECT_EQ(e.message, "");
  for (uint32_t t = 0; t < 64; ++t)
    EXPECT_EQ(out[t], 100 + (63 - (t ^ 1)) + 1000 * (t < 32 ? 31 : 63));
}

TEST(SimtBlock, ARaceBetweenWarpsIsFound) {
  BlockError e = run([](const void *, Lane *lane) {
    auto t = static_cast<unsigned>(lane->thread);
    store(lane, t * 4, t, 7);
    lane->services->warpBarrier(lane, 1, 8);
    load(lane, (63 - t) * 4, 9);
  });
  // The first warp reads before the second has written at all.
  EXPECT_TRUE(says(e, "which this block never wrote")) << e.message;
  e = run([](const void *, Lane *lane) {
    auto t = static_cast<unsigned>(lane->thread);
    if (t >= 32)
      load(lane, 0, 9);
    else
      store(lane, t * 4, t, 7);
  });
  EXPECT_TRUE(says(e, "race in shared memory: thread 32 reads byte 0, which thread 0 wrote")) << e.message;
  EXPECT_EQ(e.line, 9u);
}

TEST(SimtBlock, AWarpNeedsItsBarrierToo) {
  auto kernel = [](bool barrier, Lane *lane) {
    auto t = static_cast<unsigned>(lane->thread);
    store(lane, t * 4, t);
    lane->services->exchange(lane, 1, 1, t, 0); // orders nothing
    if (barrier)
      lane->services->warpBarrier(lane, 2, 1);
    load(lane, (t ^ 1) * 4);
  };
  static auto both = kernel;
  EXPECT_TRUE(says(run([](const void *, Lane *lane) { both(false, lane); }), "race in shared memory"));
  EXPECT_EQ(run([](const void *, Lane *lane) { both(true, lane); }).message, "");
}

TEST(SimtBlock, ARaceOfAReadAndALaterWriteIsFound) {
  BlockError e = run([](const void *, Lane *lane) {
    auto t = static_cast<unsigned>(lane->thread);
    store(lane, t * 4, t);
    lane->services->blockBarrier(lane, 1, 1);
    if (t < 32)
      load(lane, (63 - t) * 4);
    else
      store(lane, t * 4, t + 1, 12);
  });
  EXPECT_TRUE(says(e, "writes byte")) << e.message;
  EXPECT_TRUE(says(e, "read with no barrier")) << e.message;
}

TEST(SimtBlock, ABarrierOfAPartOrdersItsLanesAlone) {
  // The first warp of two has a barrier of its own; its lanes see each other's bytes, the second warp does not.
  static bool looks;
  auto kernel = [](const void *, Lane *lane) {
    auto t = static_cast<unsigned>(lane->thread);
    if (t < 32) {
      store(lane, t * 4, t);
      lane->services->partBarrier(lane, 1, 5, 32);
      load(lane, (31 - t) * 4);
    } else if (looks) {
      load(lane, 0, 6);
    }
  };
  looks = false;
  EXPECT_EQ(run(kernel).message, "");
  looks = true;
  EXPECT_TRUE(says(run(kernel), "race in shared memory: thread 32 reads byte 0"));
  BlockError e = run([](const void *, Lane *lane) {
    if (lane->thread < 32)
      lane->services->partBarrier(lane, 1, 5, 64);
  });
  EXPECT_TRUE(says(e, "the lanes of the block diverge")) << e.message;
}

TEST(SimtBlock, ACopyBarrierOrdersWhoWaitsWithWhoArrived) {
  // Lane 0 writes and arrives, the second warp waits and reads.
  static bool arrives, waits, early;
  auto kernel = [](const void *, Lane *lane) {
    const Services &s = *lane->services;
    auto t = static_cast<unsigned>(lane->thread);
    void *barrier = sharedOf(lane) + 512;
    if (t == 0)
      s.copyBarrier(lane, 1, static_cast<uint32_t>(BarrierCall::Init), barrier, 1);
    s.blockBarrier(lane, 1, 1);
    if (t < 32) {
      if (t == 0 && early)
        s.copyBarrier(lane, 2, static_cast<uint32_t>(BarrierCall::Arrive), barrier, 0);
      store(lane, t * 4, t);
      s.warpBarrier(lane, 2, 3);
      if (t == 0 && arrives && !early)
        s.copyBarrier(lane, 4, static_cast<uint32_t>(BarrierCall::Arrive), barrier, 0);
    } else {
      if (waits)
        s.copyBarrier(lane, 5, static_cast<uint32_t>(BarrierCall::Wait), barrier, 0);
      load(lane, (t - 32) * 4, 6);
    }
  };
  arrives = waits = true, early = false;
  EXPECT_EQ(run(kernel).message, "");
  arrives = false;
  EXPECT_TRUE(says(run(kernel), "waits for ever for a copy barrier"));
  arrives = true, waits = false;
  EXPECT_TRUE(says(run(kernel), "race in shared memory: thread 32 reads byte 0"));
  waits = early = true;
  EXPECT_TRUE(says(run(kernel), "race in shared memory: thread 32 reads byte 0"));
}

TEST(SimtBlock, OneValueWrittenTwiceIsNoRace) {
  EXPECT_EQ(run([](const void *, Lane *lane) { store(lane, 0, 5); }).message, "");
  BlockError e = run([](const void *, Lane *lane) { store(lane, 0, static_cast<uint32_t>(lane->thread)); });
  EXPECT_TRUE(says(e, "wrote (another value)")) << e.message;
}

TEST(SimtBlock, DivergenceIsFound) {
  BlockError e = run([](const void *, Lane *lane) {
    if (lane->thread != 3)
      lane->services->exchange(lane, 1, 21, 0, 0);
  });
  EXPECT_TRUE(says(e, "the lanes of warp 0 diverge")) << e.message;
  EXPECT_TRUE(says(e, "thread 3 has ended")) << e.message;
  e = run([](const void *, Lane *lane) { lane->services->exchange(lane, lane->thread < 5 ? 1 : 2, 21, 0, 0); });
  EXPECT_TRUE(says(e, "diverge")) << e.message;
  e = run([](const void *, Lane *lane) {
    if (lane->thread < 32)
      lane->services->blockBarrier(lane, 1, 22);
  });
  EXPECT_TRUE(says(e, "the lanes of the block diverge: thread 31 waits at a barrier of the block at line 22, thread 32 "
                      "has ended"))
      << e.message;
}

TEST(SimtBlock, StrayAccessesAreFound) {
  BlockError e = run([](const void *, Lane *lane) { store(lane, 1022, 1); });
  EXPECT_TRUE(says(e, "multiple of 4")) << e.message;
  e = run([](const void *, Lane *lane) { store(lane, 1024, 1); });
  EXPECT_TRUE(says(e, "of 1024 bytes of shared memory")) << e.message;
  e = run([](const void *args, Lane *lane) {
    Lane copy = *lane;
    (void)copy;
    lane->services->access(lane, out.data() + out.size(), 4, 4, kRead, 5);
  });
  EXPECT_TRUE(says(e, "outside of every allocation")) << e.message;
  e = run([](const void *, Lane *lane) { lane->services->exchange(lane, 1, 1, 0, 32); });
  EXPECT_TRUE(says(e, "asks for the value of lane 32 of 32")) << e.message;
}

TEST(SimtBlock, AFailedAssertEndsTheBlock) {
  BlockError e = run([](const void *args, Lane *lane) {
    if (lane->thread == 40)
      lane->services->assertFailed(lane, "no", "k.py", 17, "k");
    lane->services->blockBarrier(lane, 1, 1);
    put(args, lane, 1);
  });
  EXPECT_TRUE(e.isAssert);
  EXPECT_EQ(e.message + e.file + std::to_string(e.line), "nok.py17");
  EXPECT_EQ(out, std::vector<uint32_t>(64));
}
