// LaunchTest.cpp - every program runs once, in the order that waiting needs, with the right context
//
// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/cpu/driver/DriverFixture.h"

#include <atomic>
#include <immintrin.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace tessera::cpu;
using namespace tessera::cpu::test;

static uint64_t linear(const ProgramContext *c) {
  return c->program[0] + uint64_t(c->numPrograms[0]) * (c->program[1] + uint64_t(c->numPrograms[1]) * c->program[2]);
}

static void countUp(const void *args, const ProgramContext *c) {
  argument<std::atomic<int>>(args)[linear(c)].fetch_add(1);
}

TEST_F(DriverTest, EveryProgramOnce) {
  for (const char *threads : {"1", "2", "7"}) {
    open(threads);
    tsr_kernel *k = kernel({"count", countUp});
    const uint32_t grids[][3] = {{1, 1, 1},    {2, 1, 1},      {1, 3, 1},   {5, 7, 11},
                                 {1, 1, 1000}, {100000, 1, 1}, {3, 1, 4097}};
    for (auto &g : grids)
      for (int repeat = 0; repeat < 3; ++repeat) {
        std::vector<std::atomic<int>> hits(uint64_t(g[0]) * g[1] * g[2]);
        ASSERT_EQ(launch(nullptr, k, g[0], g[1], g[2], hits.data()), TSR_OK);
        for (size_t i = 0; i < hits.size(); ++i)
          ASSERT_EQ(hits[i].load(), 1) << i;
      }
  }
}

struct Chain {
  std::atomic<int64_t> finished{0};
};
// Waits for every lower program: hangs under any schedule that does not start them in order.
static void waitForLower(const void *args, const ProgramContext *c) {
  auto *chain = argument<Chain>(args);
  while (chain->finished.load(std::memory_order_acquire) != c->program[0])
    std::this_thread::yield();
  chain->finished.store(c->program[0] + 1, std::memory_order_release);
}

TEST_F(DriverTest, ProgramsMayWaitForLowerOnes) {
  for (const char *threads : {"1", "2", "8"}) {
    open(threads);
    tsr_kernel *k = kernel({"chain", waitForLower});
    for (int repeat = 0; repeat < 5; ++repeat) {
      Chain chain;
      ASSERT_EQ(launch(nullptr, k, 2000, 1, 1, &chain), TSR_OK);
      EXPECT_EQ(chain.finished.load(), 2000);
    }
  }
}

// Each program lasts until a second thread has come, so that a busy machine makes the test slow but not wrong.
static void meet(const void *args, const ProgramContext *) {
  auto *ids = argument<std::atomic<uint64_t>>(args);
  ids->fetch_or(1ull << (std::hash<std::thread::id>()(std::this_thread::get_id()) % 64));
  auto end = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  while (__builtin_popcountll(ids->load()) < 2 && std::chrono::steady_clock::now() < end)
    std::this_thread::yield();
}

TEST_F(DriverTest, LongProgramsSpreadOverThreads) {
  tsr_kernel *k = kernel({"meet", meet});
  std::atomic<uint64_t> ids{0};
  ASSERT_EQ(launch(nullptr, k, 16, 1, 1, &ids), TSR_OK);
  EXPECT_GT(__builtin_popcountll(ids.load()), 1);
}

static void useScratch(const void *args, const ProgramContext *c) {
  auto *bad = argument<std::atomic<int>>(args);
  if (reinterpret_cast<uintptr_t>(c->scratch) % 64 != 0)
    ++*bad;
  std::memset(c->scratch, c->program[0] & 0xff, 10000);
  std::this_thread::yield();
  auto *bytes = static_cast<unsigned char *>(c->scratch);
  for (int i = 0; i < 10000; ++i)
    if (bytes[i] != (c->program[0] & 0xff))
      return void(++*bad);
}

TEST_F(DriverTest, ScratchIsAlignedAndOwn) {
  tsr_kernel *k = kernel({"scratch", useScratch, 10000});
  std::atomic<int> bad{0};
  ASSERT_EQ(launch(nullptr, k, 3000, 1, 1, &bad), TSR_OK);
  EXPECT_EQ(bad.load(), 0);
}

TEST_F(DriverTest, GridsOfZeroAndTooMuch) {
  tsr_kernel *k = kernel({"count", countUp});
  EXPECT_EQ(launch(nullptr, k, 0, 1, 1, nullptr), TSR_OK);
  EXPECT_EQ(launch(nullptr, k, 5, 0, 5, nullptr), TSR_OK);
  EXPECT_EQ(launch(nullptr, k, static_cast<uint32_t>(-1), 1, 1, nullptr), TSR_E_INVALID);
  EXPECT_NE(error().find("`count`"), std::string::npos);
}

TEST_F(DriverTest, ArgumentsMustFit) {
  tsr_kernel *k = kernel({"count", countUp}, 16);
  EXPECT_EQ(launch(nullptr, k, 1, 1, 1, nullptr), TSR_E_INVALID);
  EXPECT_NE(error().find("16 bytes"), std::string::npos);
  tsr_kernel_info info = {};
  info.h.size = sizeof(info);
  info.name = {"cuont", 5};
  tsr_kernel *none = nullptr;
  EXPECT_EQ(driver->kernel_get(modules[0], &info, &none), TSR_E_NOT_FOUND);
  EXPECT_NE(error().find("count"), std::string::npos);
}

TEST_F(DriverTest, LaunchStructsOfOtherVersions) {
  tsr_kernel *k = kernel({"count", countUp});
  std::atomic<int> hits[1] = {};
  void *p = hits;
  struct {
    tsr_launch l;
    uint64_t tail[2];
  } longer = {};
  longer.l.h.size = sizeof(longer);
  longer.l.grid[0] = longer.l.grid[1] = longer.l.grid[2] = 1;
  longer.l.args = &p;
  longer.l.arg_bytes = 8;
  EXPECT_EQ(driver->launch(nullptr, k, &longer.l), TSR_OK);
  longer.tail[1] = 1;
  EXPECT_EQ(driver->launch(nullptr, k, &longer.l), TSR_E_TOO_NEW);
  longer.l.h.size = 8;
  EXPECT_EQ(driver->launch(nullptr, k, &longer.l), TSR_E_INVALID);
  EXPECT_EQ(hits[0].load(), 1);
}

static void countWays(const void *args, const ProgramContext *c) {
  argument<std::atomic<int>>(args)[c->streams ? 1 : 0].fetch_add(1);
}

// The fixture's cache holds 1,000,000 bytes; results may have half of it.
TEST_F(DriverTest, WritesPastTheCacheWhenTheyDoNotFit) {
  tsr_kernel *k = kernel({"stream", countWays, 0, true, 1000});
  std::atomic<int> used[2] = {};
  ASSERT_EQ(launch(nullptr, k, 500, 1, 1, used), TSR_OK);
  EXPECT_EQ(used[0].load(), 500);
  ASSERT_EQ(launch(nullptr, k, 550, 1, 1, used), TSR_OK);
  EXPECT_EQ(used[1].load(), 550);
}

static void readControl(const void *args, const ProgramContext *) { *argument<unsigned>(args) = _mm_getcsr(); }

TEST_F(DriverTest, DefaultFloatEnvironment) {
  tsr_kernel *k = kernel({"mxcsr", readControl});
  unsigned before = _mm_getcsr(), inside = 0;
  _mm_setcsr(before | 0x8040); // flush to zero, denormals are zero
  ASSERT_EQ(launch(nullptr, k, 1, 1, 1, &inside), TSR_OK);
  EXPECT_EQ(inside & ~0x3fu, 0x1f80u);
  EXPECT_EQ(_mm_getcsr(), before | 0x8040);
  _mm_setcsr(before);
}

#if !__has_feature(thread_sanitizer) // whose runtime does not survive a fork of a process with threads
// A forked process has the memory of the pool, and none of its threads.
TEST_F(DriverTest, AForkedProcessStillRuns) {
  tsr_kernel *k = kernel({"count", countUp});
  std::vector<std::atomic<int>> hits(10000);
  ASSERT_EQ(launch(nullptr, k, 10000, 1, 1, hits.data()), TSR_OK); // the workers exist
  pid_t pid = fork();
  if (pid == 0) {
    alarm(20);
    bool fine = true;
    for (int i = 0; i < 20; ++i)
      fine &= launch(nullptr, k, 10000, 1, 1, hits.data()) == TSR_OK;
    for (auto &h : hits)
      fine &= h.load() == 21;
    _exit(fine ? 0 : 1);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}
#endif
