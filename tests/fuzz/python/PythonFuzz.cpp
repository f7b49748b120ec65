// PythonFuzz.cpp - any bytes as a Python module: parse, dump, walk, evaluate every name
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/evaluator/Evaluator.h"
#include "frontends/python/syntax/AstDump.h"
#include "frontends/python/syntax/Parser.h"

#include <cstdlib>

using namespace tessera;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char *data, unsigned long size) {
  auto file = std::make_shared<SourceFile>();
  file->name = "fuzz.py";
  file->text.assign(reinterpret_cast<const char *>(data), size);
  {
    py::Arena arena;
    DiagnosticList out;
    py::parseFunction(file, arena, out);
  }
  py::Arena arena;
  DiagnosticList out;
  py::Module *tree = py::parseModule(file, arena, out);
  for (const Diagnostic &d : out.all()) {
    if (d.place.line < 1 || renderDiagnostic(d, false).empty()) // every syntax error has a place
      std::abort();
  }
  if (py::dump(*tree).size() < 10)
    std::abort();
  py::EvalHost host;
  py::Evaluator evaluator(host);
  evaluator.stepLimit = 5000;
  py::ModuleScope module("fuzz", tree, file, evaluator);
  unsigned left = 20; // whole modules would only be slow
  for (const std::string &name : module.names()) {
    if (!left--)
      break;
    auto value = module.lookup(name);
    if (!value && !evaluator.hasError()) // a bound name has a value or says why not
      std::abort();
    if (value)
      evaluator.text(*value, true);
    DiagnosticList errors;
    evaluator.report(errors);
  }
  return 0;
}
