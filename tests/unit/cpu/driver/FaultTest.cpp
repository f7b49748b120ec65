// FaultTest.cpp - faults, assertions and prints of kernels
//
// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/driver/Messages.h"
#include "core/interpreter/PrintFormat.h"
#include "core/support/PrintLine.h"
#include "tests/unit/cpu/driver/DriverFixture.h"

#include <atomic>
#include <csignal>

using namespace tessera;
using namespace tessera::cpu;
using namespace tessera::cpu::test;

// The faulting instructions are meant, so the sanitizers must not see them.
#define RAW __attribute__((no_sanitize("address", "undefined", "thread")))

RAW static void readNull(const void *, const ProgramContext *c) {
  if (c->program[0] == c->numPrograms[0] - 1)
    __asm__ volatile("movq 16, %%rax" ::: "rax");
}
RAW static void divideByZero(const void *, const ProgramContext *) {
  __asm__ volatile("xorl %%ecx, %%ecx\n movl $1, %%eax\n cltd\n idivl %%ecx" ::: "eax", "ecx", "edx", "cc");
}
RAW static void illegal(const void *, const ProgramContext *) { __asm__ volatile("ud2"); }
RAW static int recurse(volatile int *depth) {
  volatile char frame[4096];
  frame[0] = static_cast<char>(*depth);
  *depth = *depth + 1;
  return *depth < 0 ? 0 : recurse(depth) + frame[0];
}
[[maybe_unused]] RAW static void runOutOfStack(const void *, const ProgramContext *) {
  volatile int depth = 0;
  recurse(&depth);
}
static void nothing(const void *, const ProgramContext *) {}

TEST_F(DriverTest, FaultsBecomeErrors) {
  struct Case {
    KernelFunction function;
    const char *text;
  } cases[] = {{readNull, "0x10"}, {divideByZero, "division by zero"}, {illegal, "illegal instruction"}};
  tsr_kernel *fine = kernel({"fine", nothing});
  for (const Case &c : cases)
    for (uint32_t grid : {1u, 50u}) {
      tsr_kernel *k = kernel({"broken", c.function});
      EXPECT_EQ(launch(nullptr, k, grid, 1, 1, nullptr), TSR_E_LAUNCH_FAILED);
      EXPECT_NE(error().find("`broken`"), std::string::npos);
      EXPECT_NE(error().find(c.text), std::string::npos) << error();
      EXPECT_EQ(launch(nullptr, fine, grid, 1, 1, nullptr), TSR_OK);
    }
  ASSERT_EQ(driver->drain_messages(device, &sink.table), TSR_OK);
  EXPECT_EQ(sink.errors.size(), 6u);
  EXPECT_NE(sink.errors[1].find("program (49, 0, 0)"), std::string::npos) << sink.errors[1];
}

#if !defined(__SANITIZE_ADDRESS__) && !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)
TEST_F(DriverTest, RunningOutOfStackBecomesAnError) {
  tsr_kernel *k = kernel({"deep", runOutOfStack});
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(launch(nullptr, k, 1, 1, 1, nullptr), TSR_E_LAUNCH_FAILED);
}
#endif

// Program 0 faults while it holds what the other threads' programs wait for. A thread that has to leave its program inside
// of ThreadSanitizer's runtime would keep the runtime's locks for ever. Code of kernels never calls it, so nothing here may
// (no_sanitize still leaves calls for atomics), and all threads are in the kernel before the fault.
constexpr int kThreads = 4;
__attribute__((disable_sanitizer_instrumentation)) static void faultOrSpin(const void *args, const ProgramContext *c) {
  int *waiting = *static_cast<int *const *>(args);
  if (c->program[0] != 0) {
    __atomic_fetch_add(waiting, 1, __ATOMIC_SEQ_CST);
    for (;;)
      __asm__ volatile("pause");
  }
  while (__atomic_load_n(waiting, __ATOMIC_SEQ_CST) < kThreads - 1)
    __asm__ volatile("pause");
  __asm__ volatile("movq 16, %%rax" ::: "rax");
}

TEST_F(DriverTest, AFaultReleasesThoseThatWaitForIt) {
  open(std::to_string(kThreads).c_str());
  tsr_kernel *k = kernel({"lock", faultOrSpin});
  for (int i = 0; i < 5; ++i) {
    int waiting = 0;
    EXPECT_EQ(launch(nullptr, k, 100, 1, 1, &waiting), TSR_E_LAUNCH_FAILED);
    EXPECT_NE(error().find("program (0, 0, 0)"), std::string::npos);
  }
}

static std::atomic<int> hostHandlerCalls;
static void hostHandler(int) { ++hostHandlerCalls; }

TEST_F(DriverTest, SignalsOutsideOfKernelsAreTheHosts) {
  close();
  hostHandlerCalls = 0;
  struct sigaction mine = {}, old = {}, now = {};
  mine.sa_handler = hostHandler;
  sigaction(SIGFPE, &mine, &old);
  open("2");
  raise(SIGFPE);
  EXPECT_EQ(hostHandlerCalls.load(), 1);
  tsr_kernel *k = kernel({"broken", divideByZero});
  EXPECT_EQ(launch(nullptr, k, 1, 1, 1, nullptr), TSR_E_LAUNCH_FAILED);
  EXPECT_EQ(hostHandlerCalls.load(), 1);
  close();
  sigaction(SIGFPE, nullptr, &now);
  EXPECT_EQ(now.sa_handler, hostHandler);
  sigaction(SIGFPE, &old, nullptr);
}

static void checkPositive(const void *, const ProgramContext *c) {
  constexpr char text[] = "x > 0";
  if (c->program[1] == 2)
    c->services->assertFailed(c->services->user, text, 5, c->program);
}

TEST_F(DriverTest, AssertionsFailTheLaunch) {
  tsr_kernel *k = kernel({"check", checkPositive});
  EXPECT_EQ(launch(nullptr, k, 1, 2, 1, nullptr), TSR_OK);
  EXPECT_EQ(launch(nullptr, k, 1, 3, 1, nullptr), TSR_E_ASSERT);
  ASSERT_EQ(driver->drain_messages(device, &sink.table), TSR_OK);
  ASSERT_EQ(sink.errors.size(), 1u);
  EXPECT_EQ(sink.errors[0], "kernel `check`, program (0, 2, 0): assertion failed: x > 0");
}

static void printSome(const void *, const ProgramContext *c) {
  int64_t index[2] = {3, 16};
  c->services->print(c->services->user, "hello\n", 6);
  c->services->printValue(c->services->user, c->program, index, 1, "x", 1, 0, 32, 0, 0xfffffffb, 0, 1);
}

TEST_F(DriverTest, PrintsArriveAsWholeLines) {
  tsr_kernel *k = kernel({"print", printSome});
  EXPECT_EQ(launch(nullptr, k, 1, 1, 1, nullptr), TSR_OK);
  ASSERT_EQ(driver->drain_messages(device, &sink.table), TSR_OK);
  EXPECT_EQ(sink.prints, "hello\npid (0, 0, 0) idx ( 3) x: -5\n");
  sink.prints.clear();
  ASSERT_EQ(driver->drain_messages(device, &sink.table), TSR_OK);
  EXPECT_TRUE(sink.prints.empty());
  EXPECT_EQ(launch(nullptr, k, 500, 1, 1, nullptr), TSR_OK);
  ASSERT_EQ(driver->drain_messages(device, &sink.table), TSR_OK);
  EXPECT_EQ(std::count(sink.prints.begin(), sink.prints.end(), '\n'), 1000);
}

TEST(Print, Format) {
  int32_t p[3] = {1, 2, 3};
  int64_t index[4] = {4, 50, 16, 64};
  float f = 1.5f;
  uint32_t word;
  std::memcpy(&word, &f, 4);
  EXPECT_EQ(formatPrint(p, index, 2, " x: ", 2, 32, 0, word, 0, 1), "pid (1, 2, 3) idx ( 4, 50) x: 1.500000");
  EXPECT_EQ(formatPrint(p, nullptr, 0, "x", 1, 8, 1, 0xa, 0, 1), "pid (1, 2, 3) idx () x: 0x0a");
  int64_t one[2] = {4, 8}, wide[2] = {7, 1024};
  EXPECT_EQ(formatPrint(p, one, 1, "a b", 0, 64, 0, ~0ull, 1, 2), "pid (1, 2, 3) idx (4) a b: (operand 1) -1");
  EXPECT_EQ(formatPrint(p, one, 1, "", 0, 1, 0, 1, 0, 1), "pid (1, 2, 3) idx (4): 1");
  EXPECT_EQ(formatPrint(p, wide, 1, "", 3, 64, 1, 0x10, 0, 1), "pid (1, 2, 3) idx (   7): 0x10");
  EXPECT_EQ(formatPrint(p, nullptr, 0, "here", 0, 0, 0, 0, 0, 0), "pid (1, 2, 3) here");
}

// Drivers link no interpreter, so core/support has a copy of the format: the two must agree.
TEST(Print, FormatIsTheInterpreters) {
  struct {
    tbc::Elem elem;
    bool pointer, isSigned;
    uint32_t kind, bits;
    uint64_t value;
  } kinds[] = {{tbc::Elem::I32, false, true, 0, 32, 0xffffff85},
               {tbc::Elem::I8, false, true, 0, 8, 0x85},
               {tbc::Elem::I16, false, false, 1, 16, 0xfff0},
               {tbc::Elem::I1, false, false, 1, 8, 1},
               {tbc::Elem::I64, false, true, 0, 64, 1ull << 63},
               {tbc::Elem::F32, false, false, 2, 32, 0xc0490fdb},
               {tbc::Elem::F64, false, false, 2, 64, 0x400921fb54442d18},
               {tbc::Elem::F32, true, false, 3, 64, 0x7f0012345678}};
  struct {
    std::vector<int64_t> index, shape;
  } places[] = {{{}, {}}, {{0}, {1}}, {{9}, {16}}, {{10}, {16}}, {{7, 128, 0}, {1024, 256, 2}}, {{1, 0, 1}, {2, 2, 2}}};
  for (std::string_view prefix : {"", " ", "x", "x:", "x: ", " x: ", "  two words ", "hi", "three", "a:b"})
    for (const auto &k : kinds)
      for (const auto &at : places)
        for (bool hex : {false, true})
          for (uint32_t operands : {1, 2}) {
            std::vector<int64_t> both = at.index;
            both.insert(both.end(), at.shape.begin(), at.shape.end());
            scalar::PrintedElement e;
            e.program = {3, 20, 100};
            e.index = at.index;
            e.shape = at.shape;
            e.prefix = prefix;
            e.operand = operands - 1;
            e.operandCount = operands;
            e.elem = k.elem;
            e.pointer = k.pointer;
            e.hex = hex;
            e.isSigned = k.isSigned;
            e.bits = k.value;
            int32_t program[3] = {3, 20, 100};
            uint32_t kind = hex && k.kind == 2 ? 1 : k.kind; // a float in hex arrives as its bits
            EXPECT_EQ(formatPrint(program, both.data(), static_cast<uint32_t>(at.index.size()), prefix, kind, k.bits,
                                  hex, k.value, operands - 1, operands),
                      scalar::printedLine(e));
          }
  for (std::string_view prefix : {"", "x", "hi", "three", " y: "})
    EXPECT_EQ(formatPrint(std::array<int32_t, 3>{1, 2, 3}.data(), nullptr, 0, prefix, 0, 0, 0, 0, 0, 0),
              scalar::printedLine({1, 2, 3}, prefix));
}
