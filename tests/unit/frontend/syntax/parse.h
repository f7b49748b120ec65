// parse.h - parses text for a test
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "frontends/python/syntax/AstDump.h"
#include "frontends/python/syntax/Parser.h"

#include <string>

namespace tessera::py {

struct Parsed {
  explicit Parsed(std::string text, uint32_t firstLine = 1) : file(std::make_shared<SourceFile>()) {
    file->name = "t.py";
    file->text = std::move(text);
    file->firstLine = firstLine;
  }
  Module *module() { return parseModule(file, arena, diags); }
  // "3:5 message" of every error.
  std::vector<std::string> errors() {
    module();
    std::vector<std::string> out;
    for (const Diagnostic &d : diags.all())
      out.push_back(std::to_string(d.place.line) + ":" + std::to_string(d.place.column) + " " + d.message);
    return out;
  }
  std::shared_ptr<SourceFile> file;
  Arena arena;
  DiagnosticList diags;
};

} // namespace tessera::py
