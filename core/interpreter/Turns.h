// Turns.h - programs that run at the same time, executed one at a time: each has the turn until it waits or ends
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <vector>

namespace tessera::scalar {

// Which one runs next is fixed: the next in order that can go on. Each has a thread of its own, so it may wait at any depth of calls; since only the one
// with the turn runs, they share state without locks.
class Turns {
public:
  // Runs all of them to their end, the first one first. Throws what the first to throw did; the others are then left where they wait.
  void run(const std::vector<std::function<void()>> &programs);
  // Called by the program that has the turn: the others run until the condition holds. False: it never will, all wait.
  bool waitUntil(const std::function<bool()> &condition);
  unsigned current() const { return current_; }

private:
  struct Abandoned {}; // unwinds programs that wait when another one has thrown
  struct Program {
    std::function<bool()> condition; // empty: it can go on
    bool ended = false, stuck = false;
  };
  bool next();
  void program(unsigned index, const std::function<void()> &body);

  std::mutex mutex_;
  std::condition_variable turned_;
  std::vector<Program> programs_;
  unsigned current_ = 0;
  std::exception_ptr thrown_;
};

} // namespace tessera::scalar
