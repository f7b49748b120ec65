// eval_main.cpp - evaluates the names of a module that begin with `r_`, one line "name = repr" each
//
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/evaluator/Evaluator.h"
#include "frontends/python/syntax/Parser.h"

#include <cstdio>
#include <fstream>
#include <iterator>

using namespace tessera;

namespace {
struct PrintingHost : py::EvalHost {
  void print(std::string_view text) override { std::fwrite(text.data(), 1, text.size(), stdout); }
};
} // namespace

int main(int argc, char **argv) {
  if (argc != 2)
    return 2;
  std::ifstream in(argv[1], std::ios::binary);
  auto file = std::make_shared<SourceFile>();
  file->name = argv[1];
  file->text.assign(std::istreambuf_iterator<char>(in), {});
  py::Arena arena;
  DiagnosticList out;
  py::Module *tree = py::parseModule(file, arena, out);
  PrintingHost host;
  py::Evaluator evaluator(host);
  py::ModuleScope module("module", tree, file, evaluator);
  for (const std::string &name : module.names()) {
    if (!name.starts_with("r_"))
      continue;
    auto value = module.lookup(name);
    if (auto text = value ? evaluator.text(*value, true) : std::nullopt)
      std::printf("%s = %s\n", name.c_str(), text->c_str());
    evaluator.report(out);
  }
  for (const Diagnostic &d : out.all())
    std::fputs(renderDiagnostic(d, false).c_str(), stdout);
  return out.hasErrors();
}
