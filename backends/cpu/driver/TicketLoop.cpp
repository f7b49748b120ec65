// TicketLoop.cpp - ticket counter, adaptive chunks, joining of workers
//
// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/driver/TicketLoop.h"

#include <algorithm>
#include <chrono>
#include <immintrin.h>

namespace tessera::cpu {
namespace {

// Waking a worker costs about this much; a shorter job is done sooner by the caller alone.
constexpr float kWorthHelpNs = 8'000;
constexpr uint32_t kClosed = 0x80000000u;

uint64_t now() {
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
          .count());
}

// One run in flight. On the heap and counted, because a worker may pick a post up long after the run is over.
struct Run {
  alignas(64) std::atomic<uint64_t> next{0};
  alignas(64) std::atomic<uint32_t> inside{0}; // workers that work; kClosed: none may join any more
  std::atomic<int32_t> toPost{0};
  std::atomic<int32_t> references{1};
  Workers *workers = nullptr;
  TicketJob job;
  uint64_t firstChunk = 1;

  void drop() {
    if (references.fetch_sub(1, std::memory_order_acq_rel) == 1)
      delete this;
  }
  bool stopped() const { return job.stop && job.stop->load(std::memory_order_relaxed); }
  bool workLeft() const { return !stopped() && next.load(std::memory_order_relaxed) < job.total; }

  // Each that joins wakes two more: a tree, so that the caller does not pay for waking everybody.
  void postMore(int count) {
    for (int i = 0; i < count && workLeft(); ++i) {
      if (toPost.fetch_sub(1, std::memory_order_relaxed) <= 0)
        return;
      references.fetch_add(1, std::memory_order_relaxed);
      if (!workers->post(&Run::help, this))
        return drop();
    }
  }

  static void help(void *self) {
    Run *run = static_cast<Run *>(self);
    uint32_t seen = run->inside.load(std::memory_order_acquire);
    do {
      if (seen & kClosed)
        return run->drop();
    } while (!run->inside.compare_exchange_weak(seen, seen + 1, std::memory_order_acq_rel));
    if (run->workLeft()) {
      run->postMore(2);
      if (run->job.enter)
        run->job.enter(run->job.user);
      run->work(nullptr);
      if (run->job.leave)
        run->job.leave(run->job.user);
    }
    if (run->inside.fetch_sub(1, std::memory_order_acq_rel) == (kClosed | 1u))
      run->inside.notify_all();
    run->drop();
  }

  // Draws tickets until there are none. `cost`: where to leave the mean nanoseconds a ticket took on this thread.
  // `alone`: nobody was asked for help yet; asks once the rest turns out to be worth it.
  void work(float *cost, bool alone = false) {
    uint64_t chunk = firstChunk, done = 0, spent = 0;
    uint64_t before = now();
    while (!stopped()) {
      uint64_t begin = next.fetch_add(chunk, std::memory_order_relaxed);
      if (begin >= job.total)
        break;
      uint64_t end = std::min(begin + chunk, job.total);
      job.range(job.user, begin, end);
      uint64_t after = now();
      uint64_t took = after - before;
      before = after;
      done += end - begin;
      spent += took;
      float each = std::max(0.1f, static_cast<float>(took) / static_cast<float>(end - begin));
      if (alone && each * static_cast<float>(job.total - end) > kWorthHelpNs) {
        alone = false;
        postMore(2);
      }
      auto wanted = static_cast<uint64_t>(std::max(1.0f, job.chunkNs / each));
      uint64_t fair = (job.total - end) / (2 * workers->threads()) + 1;
      chunk = std::max(job.minChunk, std::min({wanted, fair, chunk * 8}));
    }
    if (cost && done)
      *cost = static_cast<float>(spent) / static_cast<float>(done);
  }

  // Waits until the workers that joined are through with their last chunk. Most often they are, so spin first.
  void close() {
    uint32_t seen = inside.fetch_or(kClosed, std::memory_order_acq_rel) | kClosed;
    for (int spin = 0; seen != kClosed; ++spin) {
      if (spin < 4000)
        _mm_pause();
      else
        inside.wait(seen, std::memory_order_acquire);
      seen = inside.load(std::memory_order_acquire);
    }
  }
};

} // namespace

void runTickets(Workers &workers, const TicketJob &job, std::atomic<float> &nsPerTicket) {
  if (job.total == 0)
    return;
  if (workers.threads() == 1 || job.total <= job.minChunk) {
    job.range(job.user, 0, job.total);
    return;
  }
  float known = nsPerTicket.load(std::memory_order_relaxed);
  Run *run = new Run;
  run->workers = &workers;
  run->job = job;
  // The rest that is left to a first chunk of unknown cost is one ticket; with a cost, what the chunk rule gives.
  run->firstChunk = job.minChunk;
  if (known > 0) {
    auto wanted = static_cast<uint64_t>(std::max(1.0f, job.chunkNs / known));
    run->firstChunk = std::max(job.minChunk, std::min(wanted, job.total / (2 * workers.threads()) + 1));
  }
  run->toPost.store(static_cast<int32_t>(std::min<uint64_t>(workers.threads() - 1,
                                                            (job.total - 1) / std::max<uint64_t>(job.minChunk, 1))),
                    std::memory_order_relaxed);
  bool alone = known > 0 && known * static_cast<float>(job.total) < kWorthHelpNs;
  if (job.enter)
    job.enter(job.user);
  if (!alone)
    run->postMore(2);
  float cost = 0;
  run->work(&cost, alone);
  run->close();
  if (job.leave)
    job.leave(job.user);
  if (cost > 0)
    nsPerTicket.store(cost, std::memory_order_relaxed);
  run->drop();
}

} // namespace tessera::cpu
