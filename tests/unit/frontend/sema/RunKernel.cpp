// RunKernel.cpp - source, semantic analysis, TILE pipeline, bytecode, interpreter
//
// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/frontend/sema/RunKernel.h"

#include "core/bytecode/mlir/Convert.h"
#include "core/interpreter/Interpreter.h"
#include "core/pipeline/Context.h"
#include "core/pipeline/Pipeline.h"
#include "frontends/python/sema/Sema.h"

#include <bit>

namespace tessera::py::test {

Arg i32(int32_t v) { return {"i32", static_cast<uint32_t>(v), 0}; }
Arg i64(int64_t v) { return {"i64", static_cast<uint64_t>(v), 0}; }
Arg f32(float v) { return {"fp32", std::bit_cast<uint32_t>(v), 0}; }

std::string run(std::string_view source, const std::vector<Arg> &args,
                const std::vector<std::pair<std::string, std::string>> &defines, bool plain) {
  DiagnosticList diags;
  auto text = [&] {
    std::string s;
    for (const Diagnostic &d : diags.all())
      if (d.severity == Severity::Error || d.severity == Severity::Bug)
        s += renderDiagnostic(d, false);
    return s;
  };
  auto file = std::make_shared<SourceFile>();
  file->name = "test.py";
  file->text =
      "import typing\nimport triton\nimport triton.language as tl\nfrom triton.language.extra import libdevice\n" +
      std::string(source);
  auto context = makeContext();
  loadSemaDialects(*context);
  FileHost host;
  ModuleScope *scope = host.load(file, diags);
  auto params = scope ? host.kernelParams(*scope, "k", diags) : std::nullopt;
  if (!params)
    return text();
  std::string types;
  std::vector<std::string> names;
  for (const Arg &a : args)
    if (!a.type.empty()) // a further part of the parameter before
      types += (types.empty() ? "" : ",") + a.type;
  for (auto &p : *params)
    names.push_back(p.name);
  auto signature = parseSignature(types, names, defines, diags);
  if (!signature)
    return text();
  EmitOptions options;
  auto module = emitKernel(*context, *scope, "k", *signature, options, host, diags);
  if (!module)
    return text();
  PipelineOptions pipeline;
  if (!plain && !runTilePipeline(*module, pipeline, diags))
    return text() + "pipeline failed";
  auto bytecode = toBytecodeModule(*module, diags);
  if (!bytecode)
    return text() + "no bytecode";
  std::vector<uint64_t> bits;
  interp::MemoryMap memory;
  for (const Arg &a : args) {
    bits.push_back(a.bits);
    if (a.bytes)
      memory.add(a.bits, a.bytes, "buffer");
  }
  interp::Options run;
  run.checkMemory = true;
  run.memory = &memory;
  run.sources = {file};
  run.maxOps = 10'000'000;
  auto result = interp::run(*bytecode, "k", {1, 1, 1}, bits, run);
  for (const Diagnostic &d : result.diagnostics)
    diags.add(d);
  return text();
}

} // namespace tessera::py::test
