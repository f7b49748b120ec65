// Library.cpp - parses the embedded library
//
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/sema/Library.h"

#include "frontends/python/syntax/Parser.h"

#include <cstdio>
#include <cstdlib>
#include <map>

namespace tessera::py {

namespace {
struct Source {
  const char *name, *space, *text;
};
const Source kSources[] = {
#include "frontends/python/stdlib/Stdlib.inc"
};

struct Library {
  std::vector<std::unique_ptr<Arena>> arenas;
  std::map<std::pair<std::string_view, std::string_view>, std::shared_ptr<const JitFunction>> functions;

  Library() {
    for (const Source &s : kSources) {
      auto file = std::make_shared<SourceFile>();
      file->name = s.name;
      file->text = s.text;
      arenas.push_back(std::make_unique<Arena>());
      DiagnosticList diags;
      Module *tree = parseModule(file, *arenas.back(), diags);
      for (const Diagnostic &d : diags.all())
        std::fputs(renderDiagnostic(d, false).c_str(), stderr); // a defect of this build: a unit test looks for it
      for (const Stmt *stmt : tree->body)
        if (auto *def = dyn<FunctionDef>(stmt)) {
          auto fn = std::make_shared<JitFunction>();
          fn->name = std::string(def->name);
          fn->def = def;
          fn->file = file;
          fn->space = s.space;
          functions[{s.space, def->name}] = std::move(fn);
        }
    }
  }
};
const Library &library() {
  static const Library *l = new Library();
  return *l;
}
} // namespace

std::shared_ptr<const JitFunction> libraryFunction(std::string_view space, std::string_view name) {
  auto it = library().functions.find({space, name});
  return it == library().functions.end() ? nullptr : it->second;
}

std::vector<std::string_view> libraryNames(std::string_view space) {
  std::vector<std::string_view> r;
  for (auto &[key, fn] : library().functions)
    if (key.first == space)
      r.push_back(key.second);
  return r;
}

} // namespace tessera::py
