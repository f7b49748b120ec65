// SemaTool.cpp - tessera-sema FILE:KERNEL --signature=… -D NAME=VALUE: prints the IR out of the semantic analysis
//
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/sema/Sema.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OperationSupport.h"
#include "llvm/Support/raw_ostream.h"

#include <chrono>
#include <cstring>
#include <fstream>
#include <iostream>
#include <sstream>

using namespace tessera;
using namespace tessera::py;

namespace {
int usage() {
  std::cerr << "usage: tessera-sema FILE:KERNEL [--signature=TYPES] [-D NAME=VALUE]... [--debug] [--target=NAME] "
               "[--min-dot=M,N,K,K8] [--locations] [--time]\n";
  return 2;
}
void print(const DiagnosticList &diags) {
  for (const Diagnostic &d : diags.all())
    std::cerr << renderDiagnostic(d, false);
}
} // namespace

int main(int argc, char **argv) {
  std::string input, signature;
  std::vector<std::pair<std::string, std::string>> defines;
  EmitOptions options;
  bool locations = false, timing = false;
  for (int i = 1; i < argc; ++i) {
    std::string_view a = argv[i];
    if (a.starts_with("--signature=")) {
      signature = a.substr(12);
    } else if (a.starts_with("-D")) {
      std::string d(a.substr(2));
      if (d.empty() && i + 1 < argc)
        d = argv[++i];
      size_t eq = d.find('=');
      if (eq == std::string::npos)
        return usage();
      defines.emplace_back(d.substr(0, eq), d.substr(eq + 1));
    } else if (a.starts_with("--target=")) {
      options.targetName = a.substr(9);
    } else if (a.starts_with("--min-dot=")) {
      std::stringstream sizes{std::string(a.substr(10))};
      for (int64_t &n : options.minDot)
        sizes >> n, sizes.ignore();
    } else if (a == "--debug") {
      options.debug = true;
    } else if (a == "--locations") {
      locations = true;
    } else if (a == "--time") {
      timing = true;
    } else if (input.empty() && !a.starts_with("-")) {
      input = a;
    } else {
      return usage();
    }
  }
  size_t colon = input.rfind(':');
  if (colon == std::string::npos)
    return usage();
  auto file = std::make_shared<SourceFile>();
  file->name = input.substr(0, colon);
  std::string kernel = input.substr(colon + 1);
  std::ifstream in(file->name, std::ios::binary);
  if (!in) {
    std::cerr << "tessera-sema: cannot read " << file->name << "\n";
    return 2;
  }
  std::stringstream text;
  text << in.rdbuf();
  file->text = text.str();

  DiagnosticList diags;
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  loadSemaDialects(context);
  auto start = std::chrono::steady_clock::now();
  FileHost host;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  if (ModuleScope *scope = host.load(file, diags)) {
    if (auto params = host.kernelParams(*scope, kernel, diags)) {
      std::vector<std::string> names;
      for (auto &p : *params)
        names.push_back(p.name);
      if (auto sig = parseSignature(signature, names, defines, diags))
        module = emitKernel(context, *scope, kernel, *sig, options, host, diags);
    }
  }
  if (timing)
    std::cerr << std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count() << " ms\n";
  print(diags);
  if (!module)
    return 1;
  mlir::OpPrintingFlags flags;
  if (locations)
    flags.enableDebugInfo(true, false);
  module->print(llvm::outs(), flags);
  llvm::outs() << "\n";
  return 0;
}
