// ControlTest.cpp - branches, loops, the grid, launches that make no sense
// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/interpreter/Run.h"

using namespace tessera;
using namespace tessera::interp;

TEST(Control, VectorAddWithATail) {
  std::vector<float> x(100), y(100), z(128, -1);
  for (int i = 0; i < 100; ++i) {
    x[i] = static_cast<float>(i);
    y[i] = 0.5f * static_cast<float>(i);
  }
  std::string text = R"(kernel @k(%x: ptr<f32>, %y: ptr<f32>, %z: ptr<f32>, %n: i32) {
    %pid = program_id {axis = 0}
    %c32 = constant {value = 32} : i32
    %base = muli %pid, %c32
    %bs = splat %base : tensor<32xi32>
    %r = arange {start = 0, end = 32}
    %i = addi %bs, %r
    %ns = splat %n : tensor<32xi32>
    %m = cmpi %i, %ns {predicate = slt}
    %xs = splat %x : tensor<32xptr<f32>>
    %xp = addptr %xs, %i
    %ys = splat %y : tensor<32xptr<f32>>
    %yp = addptr %ys, %i
    %zs = splat %z : tensor<32xptr<f32>>
    %zp = addptr %zs, %i
    %a = load %xp, %m
    %b = load %yp, %m
    %c = addf %a, %b
    store %zp, %c, %m
    return
  })";
  EXPECT_EQ(runText(text, {addressOf(x), addressOf(y), addressOf(z), 100}, {4, 1, 1}), "");
  for (int i = 0; i < 128; ++i)
    EXPECT_EQ(z[i], i < 100 ? 1.5f * static_cast<float>(i) : -1) << i;
}

TEST(Control, LoopsCarryValues) {
  // Fibonacci: the yield swaps its own arguments.
  std::vector<int32_t> out(2, -1);
  std::string text = R"(kernel @k(%p: ptr<i32>, %n: i32) {
    %0 = constant {value = 0} : i32
    %1 = constant {value = 1} : i32
    %a, %b = for %0, %n, %1, %0, %1 {signed = 1} {
      (%i: i32, %x: i32, %y: i32)
      %s = addi %x, %y
      yield %y, %s
    }
    store %p, %a
    %w = while %n : i32 {
      (%v: i32)
      %go = cmpi %v, %1 {predicate = sgt}
      condition %go, %v
    } {
      (%v2: i32)
      %h = shrsi %v2, %1
      yield %h
    }
    %q = addptr %p, %1
    store %q, %w
    return
  })";
  EXPECT_EQ(runText(text, {addressOf(out), 10}), "");
  EXPECT_EQ(out[0], 55);
  EXPECT_EQ(out[1], 1);
  EXPECT_EQ(runText(text, {addressOf(out), 0}), "");
  EXPECT_EQ(out[0], 0);
  EXPECT_EQ(out[1], 0);
}

TEST(Control, LoopBoundsAreSignedOrUnsigned) {
  std::vector<int32_t> out(1);
  auto count = [&](const char *isSigned, uint64_t lower, uint64_t upper, uint64_t step) {
    std::string text = std::string(R"(kernel @k(%p: ptr<i32>, %l: i8, %u: i8, %s: i8) {
      %0 = constant {value = 0} : i32
      %1 = constant {value = 1} : i32
      %r = for %l, %u, %s, %0 {signed = )") +
                       isSigned + R"(} {
        (%i: i8, %c: i32)
        %d = addi %c, %1
        yield %d
      }
      store %p, %r
      return
    })";
    std::string e = runText(text, {addressOf(out), lower, upper, step});
    return e.empty() ? out[0] : -1;
  };
  EXPECT_EQ(count("1", 0xfe, 3, 1), 5);   // -2 .. 3
  EXPECT_EQ(count("0", 0xfe, 3, 1), 0);   // 254 .. 3
  EXPECT_EQ(count("0", 3, 0xfe, 100), 3); // 3, 103, 203: the induction value must not wrap
  EXPECT_EQ(count("1", 100, 127, 100), 1);
  EXPECT_EQ(count("1", 0, 3, 0), -1);
  EXPECT_EQ(count("1", 0, 3, 0xff), -1);
}

TEST(Control, BranchesTakeOneSide) {
  std::vector<int32_t> out(1);
  std::string text = R"(kernel @k(%p: ptr<i32>, %c: i1, %n: i32) {
    %1 = constant {value = 1} : i32
    %r = if %c : i32 {
      %t = addi %n, %1
      yield %t
    } {
      store %p, %n
      yield %1
    }
    if %c {
      store %p, %r
      yield
    } {
      yield
    }
    return
  })";
  EXPECT_EQ(runText(text, {addressOf(out), 1, 41}), "");
  EXPECT_EQ(out[0], 42);
  EXPECT_EQ(runText(text, {addressOf(out), 0, 7}), "");
  EXPECT_EQ(out[0], 7);
}

TEST(Control, GridRunsInAscendingOrder) {
  // Each program takes a ticket: the order of execution shows in memory.
  std::vector<int32_t> ticket(1, 0), order(12, -1);
  std::string text = R"(kernel @k(%t: ptr<i32>, %o: ptr<i32>) {
    %x = program_id {axis = 0}
    %y = program_id {axis = 1}
    %z = program_id {axis = 2}
    %nx = num_programs {axis = 0}
    %ny = num_programs {axis = 1}
    %a = muli %z, %ny
    %b = addi %a, %y
    %c = muli %b, %nx
    %d = addi %c, %x
    %1 = constant {value = 1} : i32
    %old = atomic_rmw %t, %1 {kind = add}
    %q = addptr %o, %d
    store %q, %old
    return
  })";
  EXPECT_EQ(runText(text, {addressOf(ticket), addressOf(order)}, {2, 3, 2}), "");
  for (int i = 0; i < 12; ++i)
    EXPECT_EQ(order[i], i);
  EXPECT_EQ(runText(text, {addressOf(ticket), addressOf(order)}, {2, 0, 2}), "");
  EXPECT_EQ(ticket[0], 12);
}

TEST(Control, SpinLockOfAnEarlierProgram) {
  // Program n waits until the counter is n.
  std::vector<int32_t> counter(1, 0);
  std::string text = R"(kernel @k(%p: ptr<i32>) {
    %pid = program_id {axis = 0}
    while {
      %v = load %p {volatile = 1}
      %wait = cmpi %v, %pid {predicate = ne}
      condition %wait
    } {
      yield
    }
    %1 = constant {value = 1} : i32
    %old = atomic_rmw %p, %1 {kind = add}
    return
  })";
  EXPECT_EQ(runText(text, {addressOf(counter)}, {5, 1, 1}), "");
  EXPECT_EQ(counter[0], 5);
  // Nobody will come.
  EXPECT_NE(runText(text, {addressOf(counter)}, {1, 1, 1}).find("a loop waits for ever"), std::string::npos);
}

TEST(Control, LoopsThatChangeSomethingGoOn) {
  // Counts in memory only: values stay the same, memory does not. Then without end, to the limit of ops.
  std::vector<int32_t> m{0};
  std::string text = R"(kernel @k(%p: ptr<i32>, %n: i32) {
    %1 = constant {value = 1} : i32
    while {
      %v = load %p
      %go = cmpi %v, %n {predicate = ne}
      condition %go
    } {
      %w = load %p
      %x = addi %w, %1
      store %p, %x
      yield
    }
    return
  })";
  EXPECT_EQ(runText(text, {addressOf(m), 1000}), "");
  EXPECT_EQ(m[0], 1000);
  Options o;
  o.maxOps = 500;
  EXPECT_NE(runText(text, {addressOf(m), 5}, {1, 1, 1}, o).find("more than 500 ops"), std::string::npos);
}

TEST(Control, SenselessLaunches) {
  std::string text = "kernel @k(%n: i32) { return }";
  EXPECT_NE(textOf(run(moduleOf(text), "q", {1, 1, 1}, {})).find("no kernel `q`"), std::string::npos);
  EXPECT_NE(textOf(run(moduleOf(text), "k", {1, 1, 1}, {})).find("takes 1 arguments, not 0"), std::string::npos);
  EXPECT_NE(runText("kernel @k(%n: i32, %l: i64) { %x = addi %n, %l : i32 return }", {1, 2}).find("op `addi`"),
            std::string::npos);
}
