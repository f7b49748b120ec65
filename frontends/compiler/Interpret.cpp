// Interpret.cpp - tsc_interpret: source to bytecode to the reference interpreter, with memory checks
// SPDX-License-Identifier: Apache-2.0
#include "frontends/compiler/TargetCompiler.h"

#include "core/interpreter/Interpreter.h"

using namespace tessera;
using namespace tessera::compiler;

int32_t tsc_interpret(const tsc_source *source, const tsc_request *request, const tsc_interpretation *run,
                      const tsc_sink *sink) {
  DiagnosticList list;
  tile::SourceFiles files;
  std::optional<tbc::Module> module = compileToBytecode(*source, *request, sink, list, &files);
  if (!module || list.hasErrors()) {
    int32_t status = deliver(sink, list);
    return status ? status : TSC_INTERNAL;
  }
  const tbc::Function &f = module->functions.at(0);
  if (f.params.size() != run->num_values) {
    list.add(DiagId::WrongArgumentCount, {},
             "kernel '" + f.name + "' takes " + std::to_string(f.params.size()) + " values, " +
                 std::to_string(run->num_values) + " were given");
    return deliver(sink, list);
  }
  interp::MemoryMap memory;
  std::vector<uint64_t> args;
  for (uint32_t i = 0; i < run->num_values; ++i) {
    const tsc_value &v = run->values[i];
    auto start = reinterpret_cast<uint64_t>(v.buffer);
    args.push_back(v.is_pointer && !v.bits ? start : v.bits);
    if (v.is_pointer && v.bytes)
      memory.add(start, v.bytes, f.params[i].name, !v.uninitialised);
  }
  interp::Options options;
  options.checkMemory = true;
  options.memory = &memory;
  options.sources = {files.begin(), files.end()};
  if (run->print)
    options.print = [&](std::string_view line) {
      std::string text = std::string(line) + "\n";
      run->print(run->user, text.data(), text.size());
    };
  std::array<uint32_t, 3> grid;
  for (size_t d = 0; d < 3; ++d) {
    if (run->grid[d] < 0 || run->grid[d] > INT32_MAX) {
      list.add(DiagId::BadGrid, {}, "grid extent " + std::to_string(run->grid[d]) + " is not between 0 and 2147483647");
      return deliver(sink, list);
    }
    grid[d] = static_cast<uint32_t>(run->grid[d]);
  }
  interp::Result result = interp::run(*module, f.name, grid, args, options);
  for (Diagnostic &d : result.diagnostics)
    list.add(std::move(d));
  return deliver(sink, list);
}
