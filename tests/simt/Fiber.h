// Fiber.h - a stack of its own for each lane, and the switch between them; x86-64
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace tessera::simt {

// A stack with a guard page below it. start() does not run anything: the first switchTo does.
class Fiber {
public:
  explicit Fiber(size_t bytes);
  ~Fiber();
  Fiber(const Fiber &) = delete;
  Fiber &operator=(const Fiber &) = delete;
  // The next switch to the fiber calls function(argument), which must never return. What ran before is abandoned.
  void start(void (*function)(void *), void *argument);
  // Runs the fiber until it calls leave().
  void enter();
  void leave();

private:
  void *stack_ = nullptr;
  size_t bytes_;
  void *own_ = nullptr, *caller_ = nullptr; // stack pointers of whoever does not run
};

} // namespace tessera::simt
