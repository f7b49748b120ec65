// FaultGuard.cpp - signal handlers for threads inside kernels
//
// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/driver/FaultGuard.h"

#include <cerrno>
#include <cinttypes>
#include <csignal>
#include <cstdio>
#include <mutex>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

namespace tessera::cpu {
namespace {

constexpr int kSignals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
constexpr int kNumSignals = sizeof(kSignals) / sizeof(kSignals[0]);

// Read in a signal handler: initial-exec, so that the access can never allocate.
thread_local KernelFrame *tlsFrame __attribute__((tls_model("initial-exec"))) = nullptr;
thread_local bool tlsHasStack __attribute__((tls_model("initial-exec"))) = false;

std::mutex installMutex;
int installCount = 0;
struct sigaction previous[kNumSignals];
const char evictToken = 0; // its address marks our own signals

// A thread's alternate stack, given back when the thread ends.
struct SignalStack {
  void *memory = nullptr;
  static constexpr size_t size = 64 * 1024;

  SignalStack() {
    stack_t current = {};
    if (sigaltstack(nullptr, &current) != 0 || !(current.ss_flags & SS_DISABLE))
      return; // the thread has one (a sanitizer's, Python's faulthandler)
    void *p = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
      return;
    stack_t mine = {};
    mine.ss_sp = p;
    mine.ss_size = size;
    if (sigaltstack(&mine, nullptr) == 0)
      memory = p;
    else
      munmap(p, size);
  }
  ~SignalStack() {
    if (!memory)
      return;
    stack_t current = {};
    if (sigaltstack(nullptr, &current) == 0 && current.ss_sp == memory) {
      stack_t none = {};
      none.ss_flags = SS_DISABLE;
      sigaltstack(&none, nullptr);
    }
    munmap(memory, size);
  }
};

void onFault(int signal, siginfo_t *info, void *machine) {
  bool eviction = info->si_code == SI_QUEUE && info->si_pid == getpid() && info->si_value.sival_ptr == &evictToken;
  KernelFrame *frame = tlsFrame;
  // si_code > 0: raised by an instruction of this thread, not sent by somebody.
  if (frame && (eviction || info->si_code > 0)) {
    frame->signal = eviction ? kEvicted : signal;
    frame->code = info->si_code;
    frame->address = info->si_addr;
    tlsFrame = frame->outer;
    // The jump keeps the signal mask of this handler. NODEFER asks for none, but whoever stands between (a sanitizer, a
    // debugging library) may add one, and then the next fault would end the process: put the mask of the kernel back.
    pthread_sigmask(SIG_SETMASK, &static_cast<const ucontext_t *>(machine)->uc_sigmask, nullptr);
    siglongjmp(frame->jump, 1);
  }
  if (eviction)
    return;
  int which = 0;
  while (which < kNumSignals - 1 && kSignals[which] != signal)
    ++which;
  const struct sigaction &before = previous[which];
  if (before.sa_flags & SA_SIGINFO) {
    before.sa_sigaction(signal, info, machine);
  } else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
    before.sa_handler(signal);
  } else {
    // The default action: returning repeats the instruction, and so the fault; a signal that was sent has to be sent again.
    struct sigaction standard = {};
    standard.sa_handler = SIG_DFL;
    sigaction(signal, &standard, nullptr);
    if (info->si_code <= 0)
      raise(signal);
  }
}

} // namespace

bool installFaultHandlers() {
  std::lock_guard lock(installMutex);
  if (installCount++ > 0)
    return true;
  struct sigaction mine = {};
  mine.sa_sigaction = onFault;
  // NODEFER: the jump out of the handler then leaves the signal mask as it was. ONSTACK: for a stack that ran out.
  mine.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  sigemptyset(&mine.sa_mask);
  for (int i = 0; i < kNumSignals; ++i) {
    if (sigaction(kSignals[i], &mine, &previous[i]) != 0) {
      while (--i >= 0)
        sigaction(kSignals[i], &previous[i], nullptr);
      installCount = 0;
      return false;
    }
  }
  return true;
}

void removeFaultHandlers() {
  std::lock_guard lock(installMutex);
  if (installCount == 0 || --installCount > 0)
    return;
  for (int i = 0; i < kNumSignals; ++i) {
    struct sigaction current = {};
    if (sigaction(kSignals[i], nullptr, &current) == 0 && (current.sa_flags & SA_SIGINFO) &&
        current.sa_sigaction == onFault)
      sigaction(kSignals[i], &previous[i], nullptr);
  }
}

void enterKernel(KernelFrame *frame) {
  if (!tlsHasStack) {
    static thread_local SignalStack stack;
    (void)stack;
    tlsHasStack = true;
  }
  frame->outer = tlsFrame;
  tlsFrame = frame;
}

void leaveKernel(KernelFrame *frame) { tlsFrame = frame->outer; }

KernelFrame *currentKernelFrame() { return tlsFrame; }

ServiceScope::ServiceScope() : frame_(tlsFrame) { tlsFrame = nullptr; }
ServiceScope::~ServiceScope() { tlsFrame = frame_; }

void evict(pthread_t thread) {
  sigval value = {};
  value.sival_ptr = const_cast<char *>(&evictToken);
  pthread_sigqueue(thread, SIGSEGV, value);
}

std::string describeFault(const KernelFrame &frame) {
  char text[128];
  const auto address = reinterpret_cast<uintptr_t>(frame.address); // %p would write (nil) for 0
  switch (frame.signal) {
  case SIGSEGV:
    // A non-canonical address faults without telling which (si_code SI_KERNEL, address 0).
    if (frame.code == SEGV_MAPERR || frame.code == SEGV_ACCERR)
      std::snprintf(text, sizeof(text),
                    "access to address 0x%" PRIxPTR ", which is not memory of this process (segmentation fault)",
                    address);
    else
      std::snprintf(text, sizeof(text), "access to an invalid address (segmentation fault)");
    break;
  case SIGBUS:
    std::snprintf(text, sizeof(text), "access to address 0x%" PRIxPTR ", which nothing backs (bus error)", address);
    break;
  case SIGFPE:
    std::snprintf(text, sizeof(text), "integer division by zero, or the quotient does not fit");
    break;
  case SIGILL:
    std::snprintf(text, sizeof(text), "illegal instruction: code for another processor, or a trap");
    break;
  default:
    std::snprintf(text, sizeof(text), "stopped, because another program of the launch faulted");
  }
  return text;
}

} // namespace tessera::cpu
