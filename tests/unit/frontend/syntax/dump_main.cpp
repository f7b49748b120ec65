// dump_main.cpp - reads file names from standard input, writes the tree of each (or its errors) to standard output
//
// SPDX-License-Identifier: Apache-2.0
//
// Answer to one name: a line "tree N" or "errors N" and N bytes. With --time: parses each file many times and writes the
// speed instead.
#include "frontends/python/syntax/AstDump.h"
#include "frontends/python/syntax/Parser.h"

#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>

using namespace tessera;

int main(int argc, char **argv) {
  bool time = argc > 1 && std::string_view(argv[1]) == "--time";
  for (std::string name; std::getline(std::cin, name);) {
    std::ifstream in(name, std::ios::binary);
    auto file = std::make_shared<SourceFile>();
    file->name = name;
    file->text.assign(std::istreambuf_iterator<char>(in), {});
    if (time) {
      using Clock = std::chrono::steady_clock;
      double best = 1e9;
      for (int i = 0; i < 20; ++i) {
        auto t0 = Clock::now();
        py::Arena arena;
        DiagnosticList out;
        py::parseModule(file, arena, out);
        best = std::min(best, std::chrono::duration<double>(Clock::now() - t0).count());
      }
      std::printf("%s: %.3f ms, %.1f MB/s\n", name.c_str(), best * 1e3,
                  static_cast<double>(file->text.size()) / best / 1e6);
      continue;
    }
    py::Arena arena;
    DiagnosticList out;
    py::Module *m = py::parseModule(file, arena, out);
    std::string text;
    if (out.hasErrors())
      for (const Diagnostic &d : out.all())
        text += renderDiagnostic(d, false);
    else
      text = py::dump(*m);
    std::printf("%s %zu\n", out.hasErrors() ? "errors" : "tree", text.size());
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
  }
}
