// Guards tensor copies on the mock device: what is right runs, each thing left out or moved is a fault.
// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/mock/RunText.h"

#include <cmath>

using namespace tessera;
using namespace tessera::mock;

namespace {

// A loop over tiles of 8 x 4 floats of x, each copied an iteration ahead into a ring of two slots, added up; the sum goes to y by tensor_store.
struct Ring {
  std::string afterInit = "barrier", wait = "copy_barrier_wait %bw, %parity", barrier = "barrier",
              expect = "copy_expect %bn, %more {bytes = 128}", flip = "xori %parity, %wraps32", fence = "shared_fence",
              beforeStore = "barrier", storeWait = "tensor_store_wait {pending = 0}", end = "copy_barrier_end %bars",
              fill = "0", freeAll = "shared_free %bars";
};

const char *kLayouts =
    "layout #0 sizes [8, 4] {register = [], lane = [[0, 1], [0, 2], [1, 0], [2, 0], [4, 0]], warp = [[0, 0], [0, 0]]}\n"
    "layout #1 sizes [8, 4] {offset = [[0, 1], [0, 2], [1, 0], [2, 0], [4, 0]]}\n"
    "layout #2 sizes [1] {offset = []}\n";

std::string textOf(const Ring &r) {
  return std::string("level layout\noption num_warps = 4\noption shared_bytes = 1024\n") + kLayouts +
         "kernel @k(%x: ptr<f32>, %y: ptr<f32>, %n: i32, %rows: i64) {\n"
         " %cols = constant {value = 4} : i64\n %eight = constant {value = 8} : i64\n"
         " %map = tensor_map %x, %rows, %cols, %cols {box = [8, 4], fill = " +
         r.fill +
         "} : ptr<i8>\n %out = tensor_map %y, %eight, %cols, %cols {box = [8, 4]} : ptr<i8>\n"
         " %zero = constant {value = 0} : i32\n %one = constant {value = 1} : i32\n %c8 = constant {value = 8} : i32\n"
         " %bars = shared_alloc {offset = 0, bytes = 16, slots = 2} : shared<1xi64, #2>\n"
         " copy_barrier_init %bars {arrivals = 1}\n" +
         r.afterInit +
         "\n %ring = shared_alloc {offset = 128, bytes = 256, slots = 2} : shared<8x4xf32, #1>\n"
         " %any = cmpi %zero, %n {predicate = slt}\n %b0 = shared_slot %bars, %zero\n %s0 = shared_slot %ring, %zero\n"
         " copy_expect %b0, %any {bytes = 128}\n tensor_load %s0, %map, %b0, %any, %zero, %zero\n"
         " %z = constant {float_value = 0} : tensor<8x4xf32, #0>\n"
         " %sum, %slotEnd, %parityEnd = for %zero, %n, %one, %z, %zero, %zero {signed = 1} {\n"
         "  (%k: i32, %acc: tensor<8x4xf32, #0>, %slot: i32, %parity: i32)\n"
         "  %bw = shared_slot %bars, %slot\n  " +
         r.wait + "\n  " + r.barrier +
         "\n  %k1 = addi %k, %one\n  %more = cmpi %k1, %n {predicate = slt}\n  %next = subi %one, %slot\n"
         "  %bn = shared_slot %bars, %next\n  %sn = shared_slot %ring, %next\n  %row = muli %k1, %c8\n  " +
         r.expect +
         "\n  tensor_load %sn, %map, %bn, %more, %row, %zero\n  %use = shared_slot %ring, %slot\n"
         "  %v = shared_load %use : tensor<8x4xf32, #0>\n  %acc2 = addf %acc, %v\n"
         "  %wraps = cmpi %slot, %one {predicate = eq}\n  %wraps32 = extui %wraps : i32\n  %parity2 = " +
         r.flip + "\n  yield %acc2, %next, %parity2\n }\n barrier\n " + r.end + "\n " + r.freeAll +
         "\n %o = shared_alloc {offset = 512, bytes = 128} : shared<8x4xf32, #1>\n shared_store %o, %sum\n " + r.fence +
         "\n " + r.beforeStore + "\n tensor_store %o, %out, %zero, %zero\n " + r.storeWait + "\n return\n}\n";
}

std::string run(const Ring &r, int32_t n, std::vector<float> &y, int64_t rows = 64) {
  std::vector<float> x(64 * 4);
  for (size_t e = 0; e < x.size(); ++e)
    x[e] = static_cast<float>(e);
  y.assign(32, -1);
  return runText(textOf(r), {&x, &y}, {static_cast<uint32_t>(n), static_cast<uint64_t>(rows)});
}

} // namespace

TEST(MockTensorCopy, ARingOfCopiesAndAStore) {
  std::vector<float> y;
  for (int32_t n : {0, 1, 2, 3, 8}) {
    EXPECT_EQ(run(Ring(), n, y), "") << n;
    for (size_t i = 0; i < y.size(); ++i)
      ASSERT_EQ(y[i], static_cast<float>(static_cast<int32_t>(i) * n + 16 * n * (n - 1))) << n << " at " << i;
  }
}

TEST(MockTensorCopy, OutsideOfTheArray) {
  std::vector<float> y;
  EXPECT_EQ(run(Ring(), 1, y, 5), "");
  for (size_t i = 0; i < y.size(); ++i)
    EXPECT_EQ(y[i], i < 20 ? static_cast<float>(i) : 0.0f);
  Ring nan;
  nan.fill = "1";
  EXPECT_EQ(run(nan, 1, y, 5), "");
  for (size_t i = 0; i < y.size(); ++i)
    EXPECT_EQ(std::isnan(y[i]), i >= 20) << i;
}

TEST(MockTensorCopy, WhatIsLeftOutIsAFault) {
  std::vector<float> y;
  auto with = [](std::string Ring::*part, const std::string &text) {
    Ring r;
    r.*part = text;
    return r;
  };
  auto fault = [&](std::string Ring::*part, const std::string &text, const char *message) {
    expectFault(run(with(part, text), 5, y), message);
  };
  fault(&Ring::afterInit, "", "with no barrier between");
  fault(&Ring::wait, "", "is in flight");
  fault(&Ring::barrier, "", "used with no barrier between"); // the slot that others still read is filled
  fault(&Ring::expect, "", "1 of 1 arrivals at the copy barrier are missing");
  fault(&Ring::expect, "copy_expect %bn, %more {bytes = 256}", "128 announced bytes are never copied");
  fault(&Ring::expect, "copy_expect %bn, %more {bytes = 64}", "64 bytes more are copied than were announced");
  fault(&Ring::flip, "xori %parity, %zero", "is in flight");          // the parity never turns
  fault(&Ring::flip, "xori %parity, %one", "is in flight");           // and too early
  fault(&Ring::wait, "copy_barrier_wait %b0, %zero", "is in flight"); // always the first slot's
  fault(&Ring::fence, "", "with no shared_fence before the barrier");
  fault(&Ring::beforeStore, "", "wrote with no barrier between");
  fault(&Ring::storeWait, "", "ends while a tensor_store reads shared memory");
  fault(&Ring::storeWait, "shared_store %o, %z\n tensor_store_wait {pending = 0}", "may still read");
  fault(&Ring::end, "", "is still a copy barrier");
  fault(&Ring::freeAll, "copy_barrier_init %bars {arrivals = 1}\n copy_barrier_init %bars {arrivals = 1}",
        "is a copy barrier already");
}

TEST(MockTensorCopy, WhatTheEngineCannotDoIsAFault) {
  std::vector<float> y, x(256);
  auto single = [&](const std::string &lines, int64_t stride) {
    return runText(std::string("level layout\noption num_warps = 4\noption shared_bytes = 1024\n") + kLayouts +
                       "layout #3 sizes [4, 8] {offset = [[0, 1], [0, 2], [0, 4], [1, 0], [2, 0]]}\n"
                       "kernel @k(%x: ptr<f32>, %stride: i64) {\n %n = constant {value = 8} : i64\n"
                       " %zero = constant {value = 0} : i32\n %on = constant {value = 1} : i1\n"
                       " %bars = shared_alloc {offset = 0, bytes = 8, slots = 1} : shared<1xi64, #2>\n"
                       " copy_barrier_init %bars {arrivals = 1}\n barrier\n" +
                       lines + "\n return\n}\n",
                   {&x}, {static_cast<uint64_t>(stride)});
  };
  const std::string load = " %s = shared_alloc {offset = 128, bytes = 128} : shared<4x8xf32, #3>\n"
                           " copy_expect %bars, %on {bytes = 128}\n tensor_load %s, %m, %bars, %on, %zero, %zero\n",
                    rest = " copy_barrier_wait %bars, %zero\n barrier\n copy_barrier_end %bars\n";
  const std::string map = " %m = tensor_map %x, %n, %n, %stride {box = [4, 8]} : ptr<i8>\n";
  EXPECT_EQ(single(map + load + rest, 8), "");
  expectFault(single(map + load + rest, 6), "is no multiple of 16 bytes");
  std::string between = map + " %two = constant {value = 2} : i32\n" + load;
  between.replace(between.rfind("%zero"), 5, "%two");
  expectFault(single(between + rest, 8), "the last coordinate, 2, is no multiple of 16 bytes");
  auto storedAt = [&](const char *row) {
    return single(map + " %row = constant {value = " + row + "} : i32\n" + load +
                      " copy_barrier_wait %bars, %zero\n barrier\n copy_barrier_end %bars\n shared_fence\n barrier\n"
                      " tensor_store %s, %m, %row, %zero\n tensor_store_wait {pending = 0}\n",
                  8);
  };
  EXPECT_EQ(storedAt("1073741824"), "");
  expectFault(storedAt("-2"), "stores to a box that begins in front of the array");
  expectFault(single(map + load + rest, 400), "which is in no allocation");
  expectFault(single(" %m = tensor_map %x, %n, %n, %stride {box = [8, 4]} : ptr<i8>\n" + load + rest, 8),
              "are not those of the shared tensor's layout");
  expectFault(single(map + load, 8), "ends while copies into shared memory are in flight");
  expectFault(single(map + " shared_fence\n" + load + rest + " copy_expect %bars, %on {bytes = 4}\n", 8),
              "is no copy barrier");
  // The slot was stored to by threads and nothing told the engine.
  const std::string stored = " %z = constant {float_value = 1} : tensor<8x4xf32, #0>\n"
                             " %t = shared_alloc {offset = 128, bytes = 128} : shared<8x4xf32, #1>\n"
                             " shared_store %t, %z\n";
  expectFault(single(map + stored + " shared_free %t\n barrier\n" + load + rest, 8),
              "with no shared_fence before the barrier");
  EXPECT_EQ(single(map + stored + " shared_free %t\n shared_fence\n barrier\n" + load + rest, 8), "");
}
