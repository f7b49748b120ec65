// LaunchBench.cpp - what a launch costs, from tsr_kernel_launch to completed
//
// SPDX-License-Identifier: Apache-2.0
//
// usage: launch_bench [--json FILE]. Every row: the median over batches, and the 99th percentile of the batches, in
// nanoseconds a launch. The kernel does nothing, or spins for a known time; it is a function of this program, so that no compiler
// is in the measurement. The bar of `one` is 2000 ns.
#include "tests/unit/runtime/ApiFixture.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>

using namespace tessera;
using namespace tessera::test;
using Clock = std::chrono::steady_clock;

static void empty(const void *, const cpu::ProgramContext *) {}
static void spin(const void *args, const cpu::ProgramContext *) {
  int32_t ns;
  std::memcpy(&ns, args, sizeof(ns));
  auto end = Clock::now() + std::chrono::nanoseconds(ns);
  while (Clock::now() < end)
    ;
}

struct Row {
  std::string name;
  double median, high, ideal; // ideal: what the work itself takes; 0: nothing
};

static Row measure(std::string name, int perBatch, double ideal, const std::function<void()> &launch) {
  for (int i = 0; i < perBatch; ++i)
    launch();
  std::vector<double> batches;
  auto stop = Clock::now() + std::chrono::milliseconds(400);
  while (batches.size() < 20 || (Clock::now() < stop && batches.size() < 5000)) {
    auto start = Clock::now();
    for (int i = 0; i < perBatch; ++i)
      launch();
    batches.push_back(std::chrono::duration<double, std::nano>(Clock::now() - start).count() / perBatch);
  }
  std::sort(batches.begin(), batches.end());
  return {std::move(name), batches[batches.size() / 2], batches[batches.size() * 99 / 100], ideal};
}

// An error of the runtime ends the benchmark with its text. NOLINTNEXTLINE(bugprone-exception-escape)
int main(int argc, char **argv) {
  Device device = Device::ofPlugin(cpuPlugin());
  auto file = makeFile({{makeInfo("empty", {"p", "p", "p", "i32"}), empty}, {makeInfo("spin", {"i32"}), spin}});
  Module module(device, file.data(), file.size());
  Kernel nothing = module.kernel("empty"), busy = module.kernel("spin");
  unsigned threads = device.info().units;
  float memory[16] = {};
  Stream plain(device), own(device, TSR_STREAM_OWN_THREAD);
  std::vector<Row> rows;
  auto grid = [&](int32_t n) { return [&, n] { nothing({n}, memory, memory, memory, 16); }; };
  rows.push_back(measure("one", 1000, 0, grid(1)));
  rows.push_back(measure("one, packed", 1000, 0, [&] {
    struct {
      void *x, *y, *z;
      int32_t n;
    } packed = {memory, memory, memory, 16};
    check(tsr_kernel_launch_packed(nothing.get(), nullptr, Grid(1).size, &packed, 28));
  }));
  rows.push_back(measure("one, own stream, synced", 1000, 0, [&] {
    nothing.launch({1}, &plain, memory, memory, memory, 16);
    plain.sync();
  }));
  rows.push_back(measure("one, queue thread, synced", 20, 0, [&] {
    nothing.launch({1}, &own, memory, memory, memory, 16);
    own.sync();
  }));
  for (int32_t n : {2, 16, 256, 4096, 65536})
    rows.push_back(measure(std::to_string(n) + " empty programs", n > 1000 ? 10 : 100, 0, grid(n)));
  for (int32_t ns : {1000, 10000, 100000}) {
    int32_t n = static_cast<int32_t>(4 * threads);
    rows.push_back(measure(std::to_string(n) + " programs of " + std::to_string(ns) + " ns", 10, 4.0 * ns,
                           [&] { busy({n}, ns); }));
  }
  std::printf("%-32s %12s %12s %12s\n", "launch", "median ns", "p99 ns", "ideal ns");
  for (const Row &r : rows)
    std::printf("%-32s %12.0f %12.0f %12.0f\n", r.name.c_str(), r.median, r.high, r.ideal);
  for (int i = 1; i + 1 < argc; ++i) {
    if (std::string(argv[i]) != "--json")
      continue;
    std::FILE *out = std::fopen(argv[i + 1], "we");
    if (!out)
      return std::perror(argv[i + 1]), 1;
    std::fprintf(out, "{\"device\": \"%s\", \"threads\": %u, \"rows\": [", device.info().name, threads);
    for (size_t r = 0; r < rows.size(); ++r)
      std::fprintf(out, "%s\n  {\"name\": \"%s\", \"median_ns\": %.1f, \"p99_ns\": %.1f, \"ideal_ns\": %.1f}",
                   r ? "," : "", rows[r].name.c_str(), rows[r].median, rows[r].high, rows[r].ideal);
    std::fprintf(out, "\n]}\n");
    std::fclose(out);
  }
  return 0;
}
