// TicketLoop.h - spread a range of numbered jobs over threads, started in ascending order
//
// SPDX-License-Identifier: Apache-2.0
//
// Threads draw tickets from one counter: a thread takes the next few numbers and works through them in order, so every number
// below one that has started has been started, or is next in line on a thread that is working on a lower one. A job may
// therefore wait for any lower number (a lock, a decoupled look-back) without deadlock on any number of threads, one included.
// A static partition would not give that.
#pragma once

#include "backends/cpu/driver/Workers.h"

#include <atomic>
#include <cstdint>

namespace tessera::cpu {

struct TicketJob {
  // Works through [begin, end) in ascending order. Called on several threads at once.
  void (*range)(void *user, uint64_t begin, uint64_t end) = nullptr;
  // Called on each thread before its first range and after its last; may be null. Not called for a run on the caller alone.
  void (*enter)(void *user) = nullptr;
  void (*leave)(void *user) = nullptr;
  void *user = nullptr;
  uint64_t total = 0;
  // Set by anybody to hand out no more tickets; may be null.
  const std::atomic<bool> *stop = nullptr;
  uint64_t minChunk = 1;
  // About as long as a thread works through neighbouring tickets before it draws again. The default makes the counter (some
  // 50 ns when contended) and the clock (25 ns) disappear, and still balances.
  float chunkNs = 10'000;
};

// Runs the job on the calling thread and up to threads - 1 workers; returns when every range that was handed out is done.
// `nsPerTicket` is what a ticket cost last time (0: unknown) and is updated: a short job stays on the caller, chunks start at
// a size that pays for the ticket counter. Chunks adapt to about chunkNs, and shrink towards the end for balance.
void runTickets(Workers &workers, const TicketJob &job, std::atomic<float> &nsPerTicket);

} // namespace tessera::cpu
