// Turns.cpp - see Turns.h
// SPDX-License-Identifier: Apache-2.0
#include "core/interpreter/Turns.h"

#include <thread>

namespace tessera::scalar {

// Gives the turn to the next one that can go on; false where none can.
bool Turns::next() {
  auto count = static_cast<unsigned>(programs_.size());
  for (unsigned i = 1; i <= count; ++i) {
    unsigned candidate = (current_ + i) % count;
    Program &p = programs_[candidate];
    if (p.ended || (p.condition && !p.condition()))
      continue;
    p.condition = nullptr;
    current_ = candidate;
    return true;
  }
  return false;
}

bool Turns::waitUntil(const std::function<bool()> &condition) {
  std::unique_lock lock(mutex_);
  unsigned own = current_;
  programs_[own].condition = condition;
  if (!next()) {
    programs_[own].condition = nullptr;
    return false;
  }
  turned_.notify_all();
  turned_.wait(lock, [&] { return current_ == own || thrown_; });
  if (thrown_)
    throw Abandoned();
  return !programs_[own].stuck;
}

void Turns::program(unsigned index, const std::function<void()> &body) {
  {
    std::unique_lock lock(mutex_);
    turned_.wait(lock, [&] { return current_ == index || thrown_; });
    if (thrown_)
      return;
  }
  try {
    body();
  } catch (const Abandoned &) {
    return;
  } catch (...) {
    std::unique_lock lock(mutex_);
    thrown_ = std::current_exception();
  }
  std::unique_lock lock(mutex_);
  programs_[index].ended = true;
  if (!thrown_ && !next())
    for (unsigned i = 0; i < programs_.size() && current_ == index; ++i)
      if (!programs_[i].ended) { // it hears that nobody is left who could let it go on
        programs_[i].stuck = true;
        current_ = i;
      }
  turned_.notify_all();
}

void Turns::run(const std::vector<std::function<void()>> &programs) {
  programs_.assign(programs.size(), {});
  current_ = 0;
  thrown_ = nullptr;
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < programs.size(); ++i)
    threads.emplace_back([this, i, &programs] { program(i, programs[i]); });
  for (std::thread &thread : threads)
    thread.join();
  if (thrown_)
    std::rethrow_exception(thrown_);
}

} // namespace tessera::scalar
