// Guards roles on the mock device: copies and work run at the same time, ordered by copy barriers alone; each one left out or moved is a fault.
// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/mock/RunText.h"

using namespace tessera;
using namespace tessera::mock;

namespace {

// One role copies tiles of 8 x 4 floats of x into a ring of two slots, the other adds them up. %full: a slot was filled, %empty: it was read.
struct Parts {
  std::string afterInit = "barrier", waitEmpty = "copy_barrier_wait %e, %before",
              expect = "copy_expect %f, %on {bytes = 128}", waitFull = "copy_barrier_wait %f2, %parity2",
              use = "%v = shared_load %s2 : tensor<8x4xf32, #0>", beforeArrive,
              arrive = "shared_fence\n   copy_arrive %e2, %on2", arrivals = "4", copies = "%n",
              flip = "xori %parity, %wraps32", flip2 = "xori %parity2, %more32", beforeCopies;
};

std::string textOf(const Parts &p) {
  return "level layout\noption num_warps = 4\noption shared_bytes = 1024\n"
         "layout #0 sizes [8, 4] {register = [], lane = [[0, 1], [0, 2], [1, 0], [2, 0], [4, 0]], warp = [[0, 0], [0, "
         "0]]}\n"
         "layout #1 sizes [8, 4] {offset = [[0, 1], [0, 2], [1, 0], [2, 0], [4, 0]]}\n"
         "layout #2 sizes [1] {offset = []}\n"
         "layout #3 sizes [8] {register = [], lane = [[0], [0], [1], [2], [4]], warp = [[0], [0]]}\n"
         "layout #4 sizes [8, 1] {register = [], lane = [[0, 0], [0, 0], [1, 0], [2, 0], [4, 0]], warp = [[0, 0], [0, "
         "0]]}\n"
         "layout #5 sizes [4] {register = [], lane = [[1], [2], [0], [0], [0]], warp = [[0], [0]]}\n"
         "layout #6 sizes [1, 4] {register = [], lane = [[0, 1], [0, 2], [0, 0], [0, 0], [0, 0]], warp = [[0, 0], [0, "
         "0]]}\n"
         "kernel @k(%x: ptr<f32>, %y: ptr<f32>, %n: i32, %rows: i64) {\n"
         " %cols = constant {value = 4} : i64\n"
         " %map = tensor_map %x, %rows, %cols, %cols {box = [8, 4]} : ptr<i8>\n"
         " %zero = constant {value = 0} : i32\n %one = constant {value = 1} : i32\n %c8 = constant {value = 8} : i32\n"
         " %c4 = constant {value = 4} : i32\n"
         " %full = shared_alloc {offset = 0, bytes = 16, slots = 2} : shared<1xi64, #2>\n"
         " %empty = shared_alloc {offset = 16, bytes = 16, slots = 2} : shared<1xi64, #2>\n"
         " copy_barrier_init %full {arrivals = 1}\n copy_barrier_init %empty {arrivals = " +
         p.arrivals + "}\n " + p.afterInit +
         "\n %ring = shared_alloc {offset = 128, bytes = 256, slots = 2} : shared<8x4xf32, #1>\n"
         " roles {warps = 4} {\n  " +
         p.beforeCopies +
         "\n  %on = constant {value = 1} : i1\n"
         "  %slotEnd, %parityEnd = for %zero, " +
         p.copies +
         ", %one, %zero, %zero {signed = 1} {\n   (%k: i32, %slot: i32, %parity: i32)\n"
         "   %e = shared_slot %empty, %slot\n   %f = shared_slot %full, %slot\n   %s = shared_slot %ring, %slot\n"
         "   %before = xori %parity, %one\n   " +
         p.waitEmpty + "\n   " + p.expect +
         "\n   %row = muli %k, %c8\n   tensor_load %s, %map, %f, %on, %row, %zero\n   %next = subi %one, %slot\n"
         "   %wraps = cmpi %slot, %one {predicate = eq}\n   %wraps32 = extui %wraps : i32\n   %parityNext = " +
         p.flip +
         "\n   yield %next, %parityNext\n  }\n  yield\n } {\n"
         "  %z = constant {float_value = 0} : tensor<8x4xf32, #0>\n  %on2 = constant {value = 1} : i1\n"
         "  %sum, %slotEnd2, %parityEnd2 = for %zero, %n, %one, %z, %zero, %zero {signed = 1} {\n"
         "   (%k2: i32, %acc: tensor<8x4xf32, #0>, %slot2: i32, %parity2: i32)\n"
         "   %e2 = shared_slot %empty, %slot2\n   %f2 = shared_slot %full, %slot2\n   %s2 = shared_slot %ring, "
         "%slot2\n   " +
         p.waitFull + "\n   " + p.beforeArrive + "\n   " + p.use + "\n   " + p.arrive +
         "\n   %acc2 = addf %acc, %v\n   %next2 = subi %one, %slot2\n   %more = cmpi %slot2, %one {predicate = eq}\n"
         "   %more32 = extui %more : i32\n   %flipped = " +
         p.flip2 +
         "\n   yield %acc2, %next2, %flipped\n  }\n"
         // The sum leaves through shared memory: a barrier of the working role alone.
         "  shared_free %ring\n  %o = shared_alloc {offset = 128, bytes = 128} : shared<8x4xf32, #1>\n  barrier\n"
         "  shared_store %o, %sum\n  barrier\n  %back = shared_load %o : tensor<8x4xf32, #0>\n"
         "  %at = arange {start = 0, end = 8} : tensor<8xi32, #3>\n  %at2 = expand_dims %at {axis = 1} : "
         "tensor<8x1xi32, #4>\n"
         "  %wide = broadcast %at2 : tensor<8x4xi32, #0>\n  %fours = splat %c4 : tensor<8x4xi32, #0>\n"
         "  %rowAt = muli %wide, %fours\n  %col = arange {start = 0, end = 4} : tensor<4xi32, #5>\n"
         "  %col2 = expand_dims %col {axis = 0} : tensor<1x4xi32, #6>\n  %colWide = broadcast %col2 : tensor<8x4xi32, "
         "#0>\n"
         "  %index = addi %rowAt, %colWide\n  %ys = splat %y : tensor<8x4xptr<f32>, #0>\n  %to = addptr %ys, %index\n"
         "  store %to, %back\n  yield\n }\n return\n}\n";
}

std::string run(const Parts &p, int32_t n, std::vector<float> &y) {
  std::vector<float> x(64 * 4);
  for (size_t e = 0; e < x.size(); ++e)
    x[e] = static_cast<float>(e);
  y.assign(32, -1);
  return runText(textOf(p), {&x, &y}, {static_cast<uint32_t>(n), 64});
}

} // namespace

TEST(MockRoles, OneCopiesWhileTheOtherAdds) {
  std::vector<float> y;
  for (int32_t n : {0, 1, 2, 3, 8}) {
    EXPECT_EQ(run(Parts(), n, y), "") << n;
    for (size_t i = 0; i < y.size(); ++i)
      ASSERT_EQ(y[i], static_cast<float>(static_cast<int32_t>(i) * n + 16 * n * (n - 1))) << n << " at " << i;
  }
}

TEST(MockRoles, WhatIsLeftOutIsAFault) {
  std::vector<float> y;
  auto fault = [&](std::string Parts::*part, const std::string &text, const char *message) {
    Parts p;
    p.*part = text;
    expectFault(run(p, 5, y), message);
  };
  fault(&Parts::afterInit, "", "wrote with no barrier between"); // the copy barriers are not published
  fault(&Parts::waitEmpty, "", "was not awaited");               // a slot is filled that was not read
  fault(&Parts::waitEmpty, "copy_barrier_wait %e, %zero", "waits for ever");
  fault(&Parts::expect, "", "waits for ever: 1 of 1 arrivals at the copy barrier are missing");
  fault(&Parts::expect, "copy_expect %f, %on {bytes = 256}", "128 announced bytes are never copied");
  fault(&Parts::waitFull, "", "is in flight");
  fault(&Parts::arrive, "", "waits for ever"); // each for the other
  fault(&Parts::arrivals, "8", "waits for ever");
  fault(&Parts::arrivals, "2", "takes fewer arrivals");
  fault(&Parts::flip, "xori %parity, %zero", "was not awaited");
  fault(&Parts::flip2, "xori %parity2, %zero", "used with no barrier between");
  fault(&Parts::copies, "%one", "waits for ever"); // the other role ends early
  // An arrival does not wait for a read that is under way; a barrier does.
  fault(&Parts::arrive, "copy_arrive %e2, %on2", "read with no shared_fence before it arrived");
  fault(&Parts::arrive, "copy_arrive %e2, %on2\n shared_fence", "read with no shared_fence before it arrived");
  Parts behindBarrier;
  behindBarrier.arrive = "barrier\n copy_arrive %e2, %on2";
  EXPECT_EQ(run(behindBarrier, 5, y), "");
  // An arrival before the slot is read lets the copies overtake the read: a fault in whatever order they run.
  Parts early;
  early.beforeArrive = early.arrive;
  early.arrive = "";
  expectFault(run(early, 5, y), "used with no barrier between");
}
