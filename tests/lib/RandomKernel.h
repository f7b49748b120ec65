// RandomKernel.h - random valid kernels with their data, to compare a backend with the interpreter
//
// SPDX-License-Identifier: Apache-2.0
//
//   for (uint64_t seed = 0; seed < 200; ++seed) {
//     samples::RandomKernel k = samples::randomKernel(seed);
//     std::vector<std::vector<uint8_t>> want = k.initialBuffers(), got = want;
//     ASSERT_EQ(samples::runReference(k, want), "");
//     … run k.module, kernel samples::RandomKernel::kName, over k.grid with the addresses of `got`, then k.scalars …
//     EXPECT_EQ(samples::compareBuffers(k, want, got), "") << "seed " << seed << "\n" << tbc::print(k.module);
//   }
//
// Nothing in such a kernel is unspecified, and nothing depends on the order of reductions, on how a NaN is spelt, or on
// how programs follow one another: what is not a result of elementary functions must agree bit for bit, NaN for NaN, and
// these within functionUlps. The module's option fp_fusion is 0.
#pragma once

#include "core/bytecode/Module.h"

#include <array>

namespace tessera::samples {

struct RandomOptions {
  unsigned steps = 20;     // about how many groups of ops
  unsigned elements = 128; // of the tiles that are loaded; a power of two
  bool fp8 = true, f64 = true;
  bool control = true;    // if, for, while, map_elementwise
  bool tileOps = true;    // reduce, scan, sort, gather, histogram, dot
  bool memory = true;     // masked loads, atomics; without: plain loads and stores only
  bool elementary = true; // exp, sin, …: compared with a tolerance
  bool effects = true;    // print, assert, barrier
  bool dotScaled = true;  // with tileOps
  bool fma64 = true;      // fma of f64, which takes a processor that has it
};

struct RandomKernel {
  static constexpr std::string_view kName = "random";
  struct Buffer {
    tbc::Elem elem;
    double ulps = 0;            // what it may be off by, in units in the last place; 0: nothing
    std::vector<uint8_t> bytes; // before the run
  };
  uint64_t seed = 0;
  tbc::Module module;
  std::array<uint32_t, 3> grid{1, 1, 1};
  // Parameters: a pointer to each buffer, in order, after the scalars.
  std::vector<uint64_t> scalars;
  std::vector<Buffer> buffers;

  std::vector<std::vector<uint8_t>> initialBuffers() const;
  std::vector<uint64_t> arguments(std::vector<std::vector<uint8_t>> &buffers) const; // scalars, then addresses
};

// The same kernel for the same seed and options, in every build by the same compiler.
RandomKernel randomKernel(uint64_t seed, const RandomOptions &options = {});

// Units in the last place of `e` by which a backend's elementary function may differ from the interpreter's; 0: not at all.
double functionUlps(tbc::Opcode code, tbc::Elem e);
// Runs it in the interpreter, with every check on. The text of its complaints; empty: none. printed: takes its prints. flushAtomicSums: as
// interp::Options.
std::string runReference(const RandomKernel &k, std::vector<std::vector<uint8_t>> &buffers,
                         std::vector<std::string> *printed = nullptr, bool flushAtomicSums = false);
// The first element that differs by more than it may, in words; empty: none does.
std::string compareBuffers(const RandomKernel &k, const std::vector<std::vector<uint8_t>> &want,
                           const std::vector<std::vector<uint8_t>> &got);

} // namespace tessera::samples
