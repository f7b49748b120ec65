// Compile.cpp - `tessera compile`: source to any stage, for one or several targets
// SPDX-License-Identifier: Apache-2.0
#include "frontends/cli/Commands.h"

#include <cstdio>
#include <iostream>
#include <sstream>
#include <sys/stat.h>

namespace tessera::cli {

namespace {

struct Emit {
  const char *name, *extension;
  bool text;
};
constexpr Emit kEmits[] = {{"tile", ".tile.mlir", true}, {"layout", ".layout.mlir", true},
                           {"bytecode", ".tbc", false},  {"tbc", ".tbc.txt", true},
                           {"llvm", ".ll", true},        {"asm", ".s", true},
                           {"obj", ".o", false},         {"artifact", ".bin", false}};

std::vector<std::string> split(const std::string &list) {
  std::vector<std::string> out;
  std::stringstream in(list);
  for (std::string part; std::getline(in, part, ',');)
    if (!part.empty())
      out.push_back(part);
  return out;
}

// "x86-64-v3" stays; characters that no file name should have become '_'.
std::string fileNamePart(std::string target) {
  for (char &c : target)
    if (c == '/' || c == ':' || c == '@' || c == '=' || c == '+')
      c = '_';
  return target;
}

void printFacts(const std::string &target, const Compiled &c) {
  std::cerr << c.name << " for " << target << ": " << c.argBytes << " bytes of arguments, " << c.sharedBytes
            << " bytes of shared memory, " << c.scratchBytes << " bytes of scratch a program";
  if (c.regs)
    std::cerr << ", " << c.regs << " registers, " << c.spills << " spills";
  std::cerr << '\n';
}

struct File {
  std::string path;
  const std::string *bytes;
};

} // namespace

int runCompile(const Session &session, const CompileCommand &command) {
  std::vector<std::string> emits = split(command.emit);
  std::vector<std::string> known;
  for (const Emit &e : kEmits)
    known.push_back(e.name);
  for (const std::string &e : emits) {
    bool found = false;
    for (const Emit &k : kEmits)
      found |= e == k.name;
    if (!found) {
      std::string near = nearestName(e, known), all;
      for (const std::string &k : known)
        all += (all.empty() ? "" : ", ") + k;
      return session.report(DiagId::BadUsage, "--emit=" + e + " is not known",
                            near.empty() ? "one or several of: " + all
                                         : "did you mean '" + near + "'? There are: " + all);
    }
  }
  KernelSource source;
  if (int code = source.open(session, command.kernel))
    return code;
  std::vector<Binding> bindings;
  if (int code = bindFromSignature(session, source, command.kernel, bindings))
    return code;
  std::vector<std::string> targets = command.kernel.targets;
  if (targets.empty())
    targets = {"native"};

  // For --save-temps the compiler is asked for all there is; it gives what the target has.
  std::string wanted = command.emit;
  if (!command.kernel.saveTemps.empty())
    for (const Emit &e : kEmits)
      wanted += std::string(",") + e.name;
  // Everything is compiled before anything is written: a failure leaves no file behind.
  std::vector<Compiled> results(targets.size());
  std::vector<File> files;
  for (size_t t = 0; t < targets.size(); ++t) {
    if (int code = compileKernel(session, source, command.kernel, bindings, targets[t], wanted, results[t]))
      return code;
    if (session.verbose)
      printFacts(targets[t], results[t]);
    bool single = targets.size() * emits.size() == 1;
    for (const std::string &e : emits) {
      const std::string *bytes = results[t].output(e);
      if (!bytes)
        return session.report(DiagId::TargetCannot, "target '" + targets[t] + "' gives no '" + e + "'");
      const Emit *info = kEmits;
      while (e != info->name)
        ++info;
      std::string path = command.output;
      std::string stem = source.kernel + (targets.size() > 1 ? "." + fileNamePart(targets[t]) : "");
      if (path.empty())
        path = single && info->text ? "-" : stem + info->extension;
      else if (!single && path != "-")
        path += (targets.size() > 1 ? "." + fileNamePart(targets[t]) : "") + info->extension;
      files.push_back({path, bytes});
    }
    if (!command.kernel.saveTemps.empty()) {
      mkdir(command.kernel.saveTemps.c_str(), 0777);
      for (const Emit &e : kEmits)
        if (const std::string *bytes = results[t].output(e.name))
          files.push_back(
              {command.kernel.saveTemps + "/" + source.kernel + "." + fileNamePart(targets[t]) + e.extension, bytes});
    }
  }
  for (const File &f : files)
    if (int code = writeOutput(session, f.path, *f.bytes))
      return code;
  return kOk;
}

} // namespace tessera::cli
