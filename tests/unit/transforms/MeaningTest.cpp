// MeaningTest.cpp - the TILE pipeline keeps the meaning of random kernels; the interpreter is the judge
//
// SPDX-License-Identifier: Apache-2.0
#include "core/bytecode/mlir/Convert.h"
#include "core/interpreter/Interpreter.h"
#include "core/pipeline/Context.h"
#include "core/pipeline/Pipeline.h"
#include "mlir/Parser/Parser.h"
#include "tests/unit/layout/RandomPrograms.h"
#include "tests/unit/transforms/RandomAddresses.h"
#include <gtest/gtest.h>

using namespace mlir;
using namespace tessera;

namespace {

using Buffer = std::vector<int32_t>;

// What the kernel leaves in `out`, or a text that says what went wrong. stages: how many of the table run.
std::string runKernel(const std::string &text, size_t stages, Buffer &out) {
  auto context = makeContext();
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, ParserConfig(context.get()));
  DiagnosticList diagnostics;
  if (!module)
    return "does not parse:\n" + text;
  if (!runStages(*module, tileStages().first(stages), {}, diagnostics))
    return "pipeline: " + renderDiagnostic(diagnostics.all()[0], false);
  auto bytecode = toBytecodeModule(*module, diagnostics);
  if (!bytecode)
    return "bytecode: " + renderDiagnostic(diagnostics.all()[0], false);
  Buffer in(4096);
  for (size_t i = 0; i < in.size(); ++i)
    in[i] = static_cast<int32_t>((i * 2654435761u) >> 20) - 2048;
  out.assign(4096, -1);
  interp::MemoryMap memory;
  memory.add(reinterpret_cast<uint64_t>(in.data()), in.size() * 4, "in");
  memory.add(reinterpret_cast<uint64_t>(out.data()), out.size() * 4, "out");
  interp::Options options;
  options.checkMemory = true;
  options.memory = &memory;
  uint64_t args[] = {reinterpret_cast<uint64_t>(in.data()), reinterpret_cast<uint64_t>(out.data()), 5};
  interp::Result result = interp::run(*bytecode, "k", {3, 1, 1}, args, options);
  return result.ok() ? "" : "interpreter: " + renderDiagnostic(result.diagnostics[0], false);
}

// Before: the first `plainStages` stages only.
void compareSeeds(std::string (*generate)(uint32_t), size_t plainStages, unsigned count) {
  unsigned first = 0;
  if (const char *range = std::getenv("TESSERA_SEEDS"))
    std::sscanf(range, "%u,%u", &first, &count);
  for (unsigned seed = first; seed < first + count; ++seed) {
    std::string text = generate(seed);
    Buffer plain, optimised;
    std::string wrong = runKernel(text, plainStages, plain);
    ASSERT_EQ(wrong, "") << "seed " << seed << "\n" << text;
    wrong = runKernel(text, tileStages().size(), optimised);
    ASSERT_EQ(wrong, "") << "seed " << seed << "\n" << text;
    ASSERT_EQ(plain, optimised) << "seed " << seed << "\n" << text;
  }
}

// Block pointers have no place in the bytecode: their lowering is on both sides.
TEST(Meaning, RandomAddressesMasksAndLoops) { compareSeeds(randomAddresses, 2, 60); }

// Shapes, reductions, sorts, gathers: the programs that the LAYOUT passes are tested with.
TEST(Meaning, RandomPrograms) { compareSeeds(randomProgram, 0, 60); }

} // namespace
