// Workers.cpp - workers from oneTBB
//
// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/driver/Workers.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <pthread.h>
#include <sched.h>

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TESSERA_PLAIN_WORKERS 1
#endif
#endif

#ifdef TESSERA_PLAIN_WORKERS
#include <condition_variable>
#include <deque>
#include <thread>
#include <vector>
#else
#include <atomic>
#include <chrono>
#include <tbb/global_control.h>
#include <tbb/task_arena.h>
#include <thread>
#endif

namespace tessera::cpu {

#ifdef TESSERA_PLAIN_WORKERS
// ThreadSanitizer cannot see the synchronisation inside the uninstrumented libtbb and would report every task it hands over.
// The same interface over std::thread, so that everything around it is checked.
struct Workers::Impl {
  std::mutex mutex;
  std::condition_variable wake;
  std::deque<std::pair<void (*)(void *), void *>> tasks;
  std::vector<std::thread> pool;
  bool stop = false;

  explicit Impl(unsigned) {}
  ~Impl() {
    {
      std::lock_guard lock(mutex);
      stop = true;
    }
    wake.notify_all();
    for (std::thread &t : pool)
      t.join();
  }
  bool post(unsigned workers, void (*entry)(void *), void *user) {
    std::lock_guard lock(mutex);
    tasks.emplace_back(entry, user);
    if (pool.size() < workers)
      pool.emplace_back([this] { serve(); });
    wake.notify_one();
    return true;
  }
  void serve() {
    std::unique_lock lock(mutex);
    for (;;) {
      wake.wait(lock, [this] { return stop || !tasks.empty(); });
      if (tasks.empty())
        return;
      auto [entry, user] = tasks.front();
      tasks.pop_front();
      lock.unlock();
      entry(user);
      lock.lock();
    }
  }
};
#else
// How often this process is a fork of one with workers, seen from the first.
static std::atomic<unsigned> forks{0};

struct Workers::Impl {
  std::unique_ptr<tbb::global_control> limit; // before the arena: it must still hold while the arena starts
  tbb::task_arena arena;
  // Posts that no worker has run yet; shared with them, since a forked process never runs its own.
  std::shared_ptr<std::atomic<int64_t>> pending = std::make_shared<std::atomic<int64_t>>(0);
  unsigned generation;

  // No slot is kept for callers: they work outside the arena, beside it.
  explicit Impl(unsigned threads) : arena(static_cast<int>(threads - 1), 0) {
    [[maybe_unused]] static const int counts = pthread_atfork(nullptr, nullptr, [] { forks.fetch_add(1); });
    generation = forks.load();
    // oneTBB starts no more workers than processors unless it is asked to.
    if (threads > usableProcessors())
      limit = std::make_unique<tbb::global_control>(tbb::global_control::max_allowed_parallelism, threads);
  }
  // What is posted holds memory of its launch: let the workers come to it. They only have to notice that it is over, so this
  // is short, but a starved machine may take its time; the bound is for workers that will never come.
  ~Impl() {
    auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (generation == forks.load() && pending->load(std::memory_order_acquire) > 0 &&
           std::chrono::steady_clock::now() < end)
      std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  // A forked process has no workers, and may have got oneTBB's locks as a worker held them: nothing is posted there. The caller does the work alone.
  bool post(unsigned, void (*entry)(void *), void *user) {
    if (generation != forks.load(std::memory_order_relaxed))
      return false;
    pending->fetch_add(1, std::memory_order_relaxed);
    arena.enqueue([entry, user, left = pending] {
      entry(user);
      left->fetch_sub(1, std::memory_order_release);
    });
    return true;
  }
};
#endif

Workers::Workers(unsigned threads) : threads_(std::max(threads, 1u)) {
  if (threads_ > 1)
    impl_ = std::make_unique<Impl>(threads_);
}

Workers::~Workers() = default;

bool Workers::post(void (*entry)(void *), void *user) { return impl_->post(threads_ - 1, entry, user); }

// "max 100000" or "200000 100000": microseconds of processor time a period.
static unsigned quotaProcessors() {
  std::FILE *file = std::fopen("/sys/fs/cgroup/cpu.max", "re");
  if (!file)
    return ~0u;
  char quota[32] = {};
  unsigned long period = 0;
  int fields = std::fscanf(file, "%31s %lu", quota, &period);
  std::fclose(file);
  unsigned long allowed = 0;
  if (fields != 2 || period == 0 || std::sscanf(quota, "%lu", &allowed) != 1)
    return ~0u;
  return std::max(1ul, (allowed + period - 1) / period);
}

unsigned usableProcessors() {
  static const unsigned count = [] {
    cpu_set_t set;
    CPU_ZERO(&set);
    unsigned n = 1;
    if (sched_getaffinity(0, sizeof(set), &set) == 0)
      n = std::max(1, CPU_COUNT(&set));
    return std::min(n, quotaProcessors());
  }();
  return count;
}

} // namespace tessera::cpu
