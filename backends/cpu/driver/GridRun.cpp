// GridRun.cpp - programs on threads: contexts, services, faults
//
// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/driver/GridRun.h"

#include "backends/cpu/driver/Device.h"
#include "backends/cpu/driver/Failure.h"
#include "backends/cpu/driver/FaultGuard.h"
#include "backends/cpu/driver/Scratch.h"
#include "backends/cpu/driver/TicketLoop.h"
#include "core/support/PrintLine.h"

#include <algorithm>
#include <immintrin.h>

namespace tessera::cpu {
namespace {

// Programs that stream through memory run in longer rows on one thread: at each jump to another place the prefetchers start
// anew, having fetched ahead what another thread now reads (docs/rationale/cpu-memory-traffic.md).
constexpr float kStreamChunkNs = 1'000'000;

// Kernels compute in the default floating-point environment, whatever the host program (a -ffast-math library) left behind.
class DefaultFloatEnvironment {
public:
  DefaultFloatEnvironment() : saved_(_mm_getcsr()) {
    if ((saved_ & ~kStatusFlags) != kDefault)
      _mm_setcsr(kDefault);
  }
  // The status flags that the kernel raised are not the host's business either.
  ~DefaultFloatEnvironment() {
    if (_mm_getcsr() != saved_)
      _mm_setcsr(saved_);
  }

private:
  static constexpr unsigned kDefault = 0x1f80, kStatusFlags = 0x3f;
  unsigned saved_;
};

// One launch while it runs. On the stack of the thread that launches.
struct Launch {
  const Kernel &kernel;
  bool streams; // past the cache
  const void *args;
  uint32_t grid[3];
  Services services = {};
  std::atomic<bool> aborted{false};  // hand out no more programs
  std::atomic<bool> evicting{false}; // leave running programs as well
  std::atomic<tsr_status> status{TSR_OK};
  std::mutex mutex; // guards inside, first
  std::vector<pthread_t> inside;
  std::string first;

  Launch(const Kernel &k, bool past, const void *a, const uint32_t g[3])
      : kernel(k), streams(past), args(a), grid{g[0], g[1], g[2]} {
    services.size = sizeof(Services);
    services.user = this;
    services.print = servePrint;
    services.assertFailed = serveAssert;
    services.printValue = servePrintValue;
  }

  // Keeps the first failure and stops handing out programs. Programs below a running one have all started, so the ones that
  // still run cannot wait for one that never will.
  bool recordFailure(tsr_status kind, std::string text) {
    std::lock_guard lock(mutex);
    aborted.store(true, std::memory_order_relaxed);
    if (status.load(std::memory_order_relaxed) != TSR_OK)
      return false;
    status.store(kind, std::memory_order_relaxed);
    first = std::move(text);
    return true;
  }

  // A program that faulted may hold what others spin on, so the other threads are made to leave their programs, too.
  void evictOthers() {
    evicting.store(true, std::memory_order_relaxed);
    std::lock_guard lock(mutex);
    for (pthread_t t : inside)
      if (!pthread_equal(t, pthread_self()))
        evict(t);
  }

  static void servePrint(void *user, const char *text, uint64_t bytes);
  static void serveAssert(void *user, const char *message, uint64_t bytes, const int32_t program[3]);
  static void servePrintValue(void *user, const int32_t program[3], const int64_t *index, uint32_t rank,
                              const char *prefix, uint64_t prefixBytes, uint32_t kind, uint32_t bits, uint32_t hex,
                              uint64_t valueBits, uint32_t operand, uint32_t numOperands);
};

std::string programText(const int32_t program[3]) {
  return "program (" + std::to_string(program[0]) + ", " + std::to_string(program[1]) + ", " +
         std::to_string(program[2]) + ")";
}

// An eviction that came while a service ran was ignored; obey it now.
void leaveIfEvicted(Launch &launch, KernelFrame *frame) {
  if (!frame || !launch.evicting.load(std::memory_order_relaxed))
    return;
  frame->signal = kEvicted;
  leaveKernel(frame);
  siglongjmp(frame->jump, 1);
}

void Launch::servePrint(void *user, const char *text, uint64_t bytes) {
  Launch &launch = *static_cast<Launch *>(user);
  KernelFrame *frame;
  {
    ServiceScope scope;
    frame = scope.frame();
    launch.kernel.device->messages().print({text, bytes});
  }
  leaveIfEvicted(launch, frame);
}

void Launch::serveAssert(void *user, const char *message, uint64_t bytes, const int32_t program[3]) {
  Launch &launch = *static_cast<Launch *>(user);
  KernelFrame *frame;
  {
    ServiceScope scope;
    frame = scope.frame();
    launch.recordFailure(TSR_E_ASSERT, "kernel `" + launch.kernel.name + "`, " + programText(program) +
                                           ": assertion failed: " + std::string(message, bytes));
  }
  leaveIfEvicted(launch, frame);
}

void Launch::servePrintValue(void *user, const int32_t program[3], const int64_t *index, uint32_t rank,
                             const char *prefix, uint64_t prefixBytes, uint32_t kind, uint32_t bits, uint32_t hex,
                             uint64_t valueBits, uint32_t operand, uint32_t numOperands) {
  Launch &launch = *static_cast<Launch *>(user);
  KernelFrame *frame;
  {
    ServiceScope scope;
    frame = scope.frame();
    std::string line =
        formatPrint(program, index, rank, {prefix, prefixBytes}, kind, bits, hex, valueBits, operand, numOperands);
    line += '\n';
    launch.kernel.device->messages().print(line);
  }
  leaveIfEvicted(launch, frame);
}

// Where faults are caught: in a function of its own, with nothing in it that a jump could leave half done.
// Everything that is read after the jump lies in memory whose address the kernel was given.
__attribute__((noinline)) bool runProgramsGuarded(Launch &launch, ProgramContext &context, KernelFrame &frame,
                                                  uint64_t count) {
  frame.context = &context;
  if (sigsetjmp(frame.jump, 0) != 0)
    return false;
  enterKernel(&frame);
  int32_t *p = context.program;
  const int32_t *n = context.numPrograms;
  for (uint64_t i = 0; i < count && !launch.aborted.load(std::memory_order_relaxed); ++i) {
    launch.kernel.entry(launch.args, &context);
    if (++p[0] == n[0]) {
      p[0] = 0;
      if (++p[1] == n[1]) {
        p[1] = 0;
        ++p[2];
      }
    }
  }
  leaveKernel(&frame);
  return true;
}

void runRange(void *user, uint64_t begin, uint64_t end) {
  Launch &launch = *static_cast<Launch *>(user);
  ProgramContext context;
  uint64_t nx = launch.grid[0], ny = launch.grid[1];
  context.program[0] = static_cast<int32_t>(begin % nx);
  context.program[1] = static_cast<int32_t>(begin / nx % ny);
  context.program[2] = static_cast<int32_t>(begin / nx / ny);
  for (int d = 0; d < 3; ++d)
    context.numPrograms[d] = static_cast<int32_t>(launch.grid[d]);
  context.services = &launch.services;
  context.scratch = threadScratch(launch.kernel.scratchBytes);
  if (launch.kernel.scratchBytes && !context.scratch) {
    launch.recordFailure(TSR_E_OOM_HOST, "no memory for " + std::to_string(launch.kernel.scratchBytes) +
                                             " bytes of scratch a thread, which kernel `" + launch.kernel.name +
                                             "` needs");
    return;
  }
  context.streams = launch.streams;
  DefaultFloatEnvironment environment;
  KernelFrame frame;
  bool isThrough = runProgramsGuarded(launch, context, frame, end - begin);
  if (launch.streams)
    _mm_sfence();
  if (isThrough)
    return;
  if (frame.signal == kEvicted)
    return;
  launch.recordFailure(TSR_E_LAUNCH_FAILED, "kernel `" + launch.kernel.name + "`, " + programText(context.program) +
                                                ": " + describeFault(frame));
  launch.evictOthers();
}

void enterLaunch(void *user) {
  Launch &launch = *static_cast<Launch *>(user);
  std::lock_guard lock(launch.mutex);
  launch.inside.push_back(pthread_self());
}

void leaveLaunch(void *user) {
  Launch &launch = *static_cast<Launch *>(user);
  std::lock_guard lock(launch.mutex);
  std::erase_if(launch.inside, [](pthread_t t) { return pthread_equal(t, pthread_self()); });
}

} // namespace

bool countPrograms(const uint32_t grid[3], uint64_t &out) {
  out = uint64_t(grid[0]) * grid[1];
  return grid[2] == 0 || out <= (uint64_t(1) << 62) / grid[2] ? (out *= grid[2], true) : false;
}

tsr_status runGrid(const Kernel &kernel, const uint32_t grid[3], const void *args) {
  uint64_t total;
  if (!countPrograms(grid, total))
    return fail(TSR_E_INVALID, "the grid of kernel `" + kernel.name + "` has more than 2^62 programs");
  if (total == 0)
    return TSR_OK;
  Device &device = *kernel.device;
  // What the cache does not keep anyway need not pass through it. Such kernels read about as much as they write, so that half of it is what results have.
  bool streams = kernel.streams && device.cacheBytes() && kernel.bytesWritten > device.cacheBytes() / 2 / total;
  Launch launch(kernel, streams, args, grid);
  if (total == 1) {
    runRange(&launch, 0, 1);
  } else {
    TicketJob job;
    job.range = runRange;
    job.enter = enterLaunch;
    job.leave = leaveLaunch;
    job.user = &launch;
    job.total = total;
    job.stop = &launch.aborted;
    if (streams)
      job.chunkNs = kStreamChunkNs;
    runTickets(device.workers(), job, kernel.nsPerProgram);
  }
  tsr_status status = launch.status.load(std::memory_order_relaxed);
  if (status == TSR_OK)
    return TSR_OK;
  device.messages().failure(launch.first, kernel.name);
  return fail(status, launch.first);
}

} // namespace tessera::cpu
