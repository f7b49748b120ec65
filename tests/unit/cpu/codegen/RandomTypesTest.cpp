// RandomTypesTest.cpp - random kernels over every element type (tests/lib/RandomKernel.h) agree with the interpreter
// SPDX-License-Identifier: Apache-2.0
#include "core/bytecode/Text.h"
#include "core/support/PrintLine.h"
#include "tests/lib/RandomKernel.h"
#include "tests/unit/cpu/codegen/KernelRunner.h"
#include "tests/unit/cpu/codegen/Shrink.h"

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <map>
#include <set>

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
std::string difference(const RandomKernel &k, const std::string &target) {
  auto want = k.initialBuffers(), got = want;
  std::vector<std::string> printed;
  if (std::string e = runReference(k, want, &printed); !e.empty())
    return "the reference: " + e;
  cpu::KernelRunner runner(k.module, {}, target);
  if (!runner.ok())
    return "compile: " + runner.result.error;
  std::vector<uint64_t> args = k.arguments(got);
  const auto &params = k.module.functions[0].params;
  for (size_t i = 0; i < args.size(); ++i)
    pushArgument(runner, k.module.typeOf(params[i].value), args[i]);
  runner.services.printValue = [](void *user, const int32_t *program, const int64_t *index, uint32_t rank,
                                  const char *prefix, uint64_t n, uint32_t kind, uint32_t bits, uint32_t hex,
                                  uint64_t value, uint32_t operand, uint32_t operands) {
    static_cast<cpu::KernelRunner *>(user)->lines.push_back(
        formatPrint(program, index, rank, {prefix, n}, kind, bits, hex, value, operand, operands));
  };
  runner.run(static_cast<int32_t>(k.grid[0]), static_cast<int32_t>(k.grid[1]), static_cast<int32_t>(k.grid[2]));
  if (!runner.asserts.empty())
    return "an assert failed: " + runner.asserts[0];
  if (runner.lines != printed) {
    size_t i = 0;
    while (i < std::min(runner.lines.size(), printed.size()) && runner.lines[i] == printed[i])
      ++i;
    auto line = [&](const std::vector<std::string> &all) { return i < all.size() ? "`" + all[i] + "`" : "nothing"; };
    return "printed " + line(runner.lines) + " instead of " + line(printed) + ", line " + std::to_string(i);
  }
  return compareBuffers(k, want, got);
}

uint64_t setting(const char *name, uint64_t otherwise) {
  const char *v = std::getenv(name);
  return v ? std::strtoull(v, nullptr, 10) : otherwise;
}
} // namespace

// What the kernels of a run were made of.
struct Coverage {
  std::map<tbc::Opcode, std::set<tbc::Elem>> types; // of the results of an op, or of what it takes where it has none
  void add(const tbc::Module &m, const tbc::Region &r) {
    for (const tbc::Op &op : r.ops) {
      std::set<tbc::Elem> &seen = types[op.code];
      for (tbc::ValueId v : op.results.empty() ? op.operands : op.results)
        seen.insert(m.typeOf(v).elem);
      for (const tbc::Region &inner : op.regions)
        add(m, inner);
    }
  }
  std::string text() const {
    std::set<tbc::Elem> elems;
    size_t pairs = 0, known = 0;
    std::string missing;
    for (const auto &[code, seen] : types) {
      pairs += seen.size();
      elems.insert(seen.begin(), seen.end());
    }
    for (unsigned n = 0; n < static_cast<unsigned>(tbc::Opcode::ConvertLayout); ++n)
      if (const tbc::OpInfo *info = tbc::opInfo(static_cast<tbc::Opcode>(n))) {
        ++known;
        if (!types.count(info->code))
          missing += (missing.empty() ? "" : " ") + std::string(info->name);
      }
    return std::to_string(types.size()) + " of " + std::to_string(known) + " ops, " + std::to_string(elems.size()) +
           " element types, " + std::to_string(pairs) + " pairs of op and type" +
           (missing.empty() ? "" : "; no kernel had: " + missing);
  }
};

// With TESSERA_FULL_TESTS: new seeds each time, 1000 of them. The report names them; TESSERA_RANDOM_SEED repeats one.
TEST(RandomTypes, AgreeWithTheInterpreter) {
  bool full = setting("TESSERA_FULL_TESTS", 0) != 0;
  auto now = static_cast<uint64_t>(std::chrono::system_clock::now().time_since_epoch() / std::chrono::seconds(1));
  uint64_t first = setting("TESSERA_RANDOM_SEED", full ? now * 1000 : 1), failures = 0;
  uint64_t count = setting("TESSERA_RANDOM_COUNT", full ? 1000 : 25);
  const std::vector<std::string> targets = cpu::targetsHere();
  Coverage coverage;
  for (uint64_t seed = first; seed < first + count; ++seed) {
    RandomKernel k = randomKernel(seed);
    coverage.add(k.module, k.module.functions[0].body);
  }
  std::printf("report: random kernels, seeds %llu to %llu: %s\n", static_cast<unsigned long long>(first),
              static_cast<unsigned long long>(first + count - 1), coverage.text().c_str());
  for (uint64_t seed = first; seed < first + count && failures < 3; ++seed) {
    const std::string &target = targets[seed % targets.size()];
    RandomOptions o;
    o.fma64 = target != "x86-64-v2"; // has no fma, and two f64 for one do not round every sum once
    if (std::string d = difference(randomKernel(seed, o), target); !d.empty())
      std::cerr << "seed " << seed << ", " << target << ": " << d << "; it is being made smaller\n";
    else
      continue;
    // The shortest kernel that still differs: fewer steps of one seed are a prefix.
    for (o.steps = 0; o.steps < RandomOptions().steps && difference(randomKernel(seed, o), target).empty();)
      ++o.steps;
    RandomKernel k = randomKernel(seed, o);
    ++failures;
    // And then without the ops that do not matter to it. A kernel that is no longer fully specified is another story.
    std::string kind = difference(k, target).substr(0, 7);
    auto fails = [&] { return difference(k, target).substr(0, 7) == kind; };
    while (cpu::shrinkRegion(k.module, k.module.functions[0].body, fails)) {
    }
    ADD_FAILURE() << "seed " << seed << ", " << target << ", " << o.steps << " steps: " << difference(k, target) << "\n"
                  << tbc::print(k.module, {.locations = false});
  }
}
