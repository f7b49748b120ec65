// FaultGuard.h - a fault inside a kernel becomes an error, not the end of the process
//
// SPDX-License-Identifier: Apache-2.0
//
// SIGSEGV, SIGBUS, SIGFPE and SIGILL get one process-wide handler while a device with this option is open. It acts only on a
// thread that is inside a kernel at that moment (a thread-local frame says so) and leaves the kernel by siglongjmp; on any
// other thread, and inside the driver's own services, it does what the handler before it did. So a crash of the host program
// stays what it was, and a handler that the host installs later and that chains to ours keeps working. A kernel holds no
// lock and no memory of its own, so leaving it at any instruction is sound; what it had written stays written.
// Rationale: docs/rationale/cpu-faults.md.
#pragma once

#include "backends/cpu/image/Image.h"

#include <csetjmp>
#include <pthread.h>
#include <string>

namespace tessera::cpu {

// Where to go back to. Lives on the stack of the thread that runs the kernel.
struct KernelFrame {
  sigjmp_buf jump;
  const ProgramContext *context = nullptr;
  KernelFrame *outer = nullptr;
  int signal = 0; // what happened; kEvicted: another thread of the launch faulted
  int code = 0;
  const void *address = nullptr;
};
inline constexpr int kEvicted = -1;

// Installs the handlers, counted. False where the system refuses.
bool installFaultHandlers();
// Undoes one install; the last one puts the handlers of before back, unless somebody replaced ours meanwhile.
void removeFaultHandlers();

// Marks the calling thread as inside a kernel. After `enterKernel` a fault jumps to frame->jump. The first use on a thread
// gives it an alternate signal stack, where it has none, so that running out of stack is caught as well.
void enterKernel(KernelFrame *frame);
void leaveKernel(KernelFrame *frame);
KernelFrame *currentKernelFrame();

// Suspends the mark: code in its scope may hold locks, so a fault there is a fault of the driver. nullptr outside of kernels.
class ServiceScope {
public:
  ServiceScope();
  ~ServiceScope();
  KernelFrame *frame() const { return frame_; }

private:
  KernelFrame *frame_;
};

// Makes `thread` leave the kernel it is in; nothing happens if it is in none.
void evict(pthread_t thread);

// "read or write at address 0x10 (segmentation fault)".
std::string describeFault(const KernelFrame &frame);

} // namespace tessera::cpu
