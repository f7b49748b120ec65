// RandomTypesTest.cpp - random kernels over every element type (tests/lib/RandomKernel.h) agree with the interpreter
// SPDX-License-Identifier: Apache-2.0
#include "core/bytecode/Text.h"
#include "tests/lib/RandomKernel.h"
#include "tests/unit/cpu/codegen/KernelRunner.h"
#include "tests/unit/cpu/codegen/Shrink.h"

#include <cstdlib>

using namespace tessera;
using namespace tessera::samples;

namespace {
void pushArgument(cpu::KernelRunner &r, const tbc::Type &t, uint64_t bits) {
  switch (t.pointer ? 8 : t.elementBytes()) {
  case 1:
    r.arg(static_cast<uint8_t>(bits));
    break;
  case 2:
    r.arg(static_cast<uint16_t>(bits));
    break;
  case 4:
    r.arg(static_cast<uint32_t>(bits));
    break;
  default:
    r.arg(bits);
  }
}

// What differs; empty: nothing.
std::string difference(const RandomKernel &k) {
  auto want = k.initialBuffers(), got = want;
  if (std::string e = runReference(k, want); !e.empty())
    return "the reference: " + e;
  cpu::KernelRunner runner(k.module);
  if (!runner.ok())
    return "compile: " + runner.result.error;
  std::vector<uint64_t> args = k.arguments(got);
  const auto &params = k.module.functions[0].params;
  for (size_t i = 0; i < args.size(); ++i)
    pushArgument(runner, k.module.typeOf(params[i].value), args[i]);
  runner.run(static_cast<int32_t>(k.grid[0]), static_cast<int32_t>(k.grid[1]), static_cast<int32_t>(k.grid[2]));
  return compareBuffers(k, want, got);
}

uint64_t setting(const char *name, uint64_t otherwise) {
  const char *v = std::getenv(name);
  return v ? std::strtoull(v, nullptr, 10) : otherwise;
}
} // namespace

TEST(RandomTypes, AgreeWithTheInterpreter) {
  uint64_t first = setting("TESSERA_RANDOM_SEED", 1), count = setting("TESSERA_RANDOM_COUNT", 25), failures = 0;
  for (uint64_t seed = first; seed < first + count && failures < 3; ++seed) {
    RandomOptions o;
    if (difference(randomKernel(seed, o)).empty())
      continue;
    // The shortest kernel that still differs: fewer steps of one seed are a prefix.
    for (o.steps = 0; o.steps < RandomOptions().steps && difference(randomKernel(seed, o)).empty();)
      ++o.steps;
    RandomKernel k = randomKernel(seed, o);
    ++failures;
    // And then without the ops that do not matter to it. A kernel that is no longer fully specified is another story.
    std::string kind = difference(k).substr(0, 7);
    auto fails = [&] { return difference(k).substr(0, 7) == kind; };
    while (cpu::shrinkRegion(k.module, k.module.functions[0].body, fails)) {
    }
    ADD_FAILURE() << "seed " << seed << ", " << o.steps << " steps: " << difference(k) << "\n"
                  << tbc::print(k.module, {.locations = false});
  }
}
