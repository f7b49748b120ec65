// Boundary.cpp - the frame that ends the search for an exception handler
//
// SPDX-License-Identifier: Apache-2.0
//
// Source: Itanium C++ ABI, Exception Handling, level I 1.5.2 (personality routine). In the search phase nothing of the stack
// has changed yet, so leaving it by longjmp is like any other longjmp out of a C function.
#include "plugins/loader/Boundary.h"

#include <csetjmp>

namespace {
thread_local std::jmp_buf *innermost = nullptr;
}

#if defined(__x86_64__)
extern "C" {
__attribute__((visibility("hidden"), used)) int tsr_boundary_personality(int, int actions, uint64_t, void *, void *) {
  constexpr int searchPhase = 1, continueUnwind = 8;
  if (actions & searchPhase)
    std::longjmp(*innermost, 1);
  return continueUnwind; // a thread that is cancelled goes on
}
__attribute__((visibility("hidden"))) void tsr_boundary_call(void (*function)(void *), void *argument);
}
// The table of this frame names the personality above; 0x1b: relative to the instruction, four bytes.
__asm__(R"(
  .text
  .hidden tsr_boundary_call
  .globl tsr_boundary_call
  .type tsr_boundary_call, @function
tsr_boundary_call:
  .cfi_startproc
  .cfi_personality 0x1b, tsr_boundary_personality
  pushq %rbp
  .cfi_def_cfa_offset 16
  .cfi_offset %rbp, -16
  movq %rsp, %rbp
  .cfi_def_cfa_register %rbp
  movq %rdi, %rax
  movq %rsi, %rdi
  callq *%rax
  popq %rbp
  .cfi_def_cfa %rsp, 8
  retq
  .cfi_endproc
  .size tsr_boundary_call, . - tsr_boundary_call
)");
#else
// Elsewhere an ordinary handler: enough for plugins that share the host's unwinder.
static void tsr_boundary_call(void (*function)(void *), void *argument) {
  try {
    function(argument);
  } catch (...) {
    std::longjmp(*innermost, 1);
  }
}
#endif

namespace tessera::plugin {

bool callAcrossBoundary(void (*function)(void *), void *argument) {
  std::jmp_buf here;
  std::jmp_buf *volatile outer = innermost;
  if (setjmp(here) != 0) {
    innermost = outer;
    return false;
  }
  innermost = &here;
  tsr_boundary_call(function, argument);
  innermost = outer;
  return true;
}

} // namespace tessera::plugin
