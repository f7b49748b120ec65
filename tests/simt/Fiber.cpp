// Fiber.cpp - see Fiber.h
//
// SPDX-License-Identifier: Apache-2.0
// Source: System V ABI, AMD64 supplement, 3.2.1: a callee preserves rbx, rbp, r12 to r15.
#include "tests/simt/Fiber.h"

#include <cstdint>
#include <new>
#include <sys/mman.h>

// tessera_simt_switch(void **save, void *load): pushes what a callee preserves, exchanges stacks, pops.
// A fresh stack returns into tessera_simt_start with the argument in r12 and the function in r13.
asm(R"(
  .text
  .hidden tessera_simt_switch
  .globl tessera_simt_switch
  .type tessera_simt_switch,@function
tessera_simt_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  retq
  .size tessera_simt_switch, .-tessera_simt_switch
  .hidden tessera_simt_start
  .globl tessera_simt_start
  .type tessera_simt_start,@function
tessera_simt_start:
  movq %r12, %rdi
  callq *%r13
  ud2
  .size tessera_simt_start, .-tessera_simt_start
)");

// NOLINTBEGIN(readability-identifier-naming): names of the assembly above
extern "C" {
void tessera_simt_switch(void **save, void *load);
void tessera_simt_start();
}
// NOLINTEND(readability-identifier-naming)

namespace tessera::simt {

static constexpr size_t kGuard = 4096;

Fiber::Fiber(size_t bytes) : bytes_(bytes + kGuard) {
  stack_ = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (stack_ == MAP_FAILED || mprotect(stack_, kGuard, PROT_NONE) != 0)
    throw std::bad_alloc();
}

Fiber::~Fiber() { munmap(stack_, bytes_); }

void Fiber::start(void (*function)(void *), void *argument) {
  auto top = reinterpret_cast<uintptr_t>(stack_) + bytes_;
  auto *frame = reinterpret_cast<void **>(top) - 9; // 16-byte aligned after the return into tessera_simt_start
  frame[0] = nullptr;                               // r15
  frame[1] = nullptr;                               // r14
  frame[2] = reinterpret_cast<void *>(function);    // r13
  frame[3] = argument;                              // r12
  frame[4] = frame[5] = nullptr;                    // rbx, rbp
  frame[6] = reinterpret_cast<void *>(&tessera_simt_start);
  frame[7] = frame[8] = nullptr;
  own_ = frame;
}

void Fiber::enter() { tessera_simt_switch(&caller_, own_); }
void Fiber::leave() { tessera_simt_switch(&own_, caller_); }

} // namespace tessera::simt
