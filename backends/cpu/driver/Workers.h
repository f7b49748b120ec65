// Workers.h - the threads that help a launch
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

namespace tessera::cpu {

// A pool of at most threads - 1 workers (the caller of a launch is the remaining one). No thread exists before the first post;
// then they stay warm: they look for work for a while before they sleep. Thread-safe. Destroying it
// gives the workers a few seconds for what is still posted.
class Workers {
public:
  explicit Workers(unsigned threads);
  ~Workers();
  Workers(const Workers &) = delete;
  Workers &operator=(const Workers &) = delete;

  unsigned threads() const { return threads_; }

  // Runs entry(user) on a worker, some time; nobody may wait for it. False, and never, in a process that was forked, which has no workers.
  // Only with threads() > 1.
  bool post(void (*entry)(void *), void *user);

private:
  struct Impl;
  unsigned threads_;
  std::unique_ptr<Impl> impl_;
};

// Processors that this process may use: its affinity mask, cut down to the quota of its control group. At least 1.
unsigned usableProcessors();

} // namespace tessera::cpu
