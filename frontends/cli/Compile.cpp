// Compile.cpp - `tessera compile`: source to any stage, for one or several targets
// SPDX-License-Identifier: Apache-2.0
#include "frontends/cli/Commands.h"
#include "frontends/cli/Output.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <sys/stat.h>

namespace tessera::cli {

namespace {

struct Emit {
  std::string name, extension;
  bool text;
  std::string plugin = {}; // whose name it is; empty: anybody's
};
// Those that every target names so; "disasm" is none that --save-temps asks for: it needs a program.
const Emit kEmits[] = {{"tile_bytes", ".tile", false},
                       {"tile", ".tile.mlir", true},
                       {"layout", ".layout.mlir", true},
                       {"bytecode", ".tbc", false},
                       {"tbc", ".tbc.txt", true},
                       {"llvm", ".ll", true},
                       {"asm", ".s", true},
                       {"obj", ".o", false},
                       {"artifact", ".bin", false}};

// All names of --emit: the plugins' own, such as ptx, too.
std::vector<Emit> knownEmits(const Session &session) {
  std::vector<Emit> all(std::begin(kEmits), std::end(kEmits));
  all.push_back({"disasm", ".dis", true});
  for (const PluginOutput &output : pluginOutputs(session))
    all.push_back({output.name, "." + output.name, output.kind != "obj", output.plugin});
  return all;
}

const Emit *find(const std::vector<Emit> &all, const std::string &name) {
  auto it = std::find_if(all.begin(), all.end(), [&](const Emit &e) { return e.name == name; });
  return it == all.end() ? nullptr : &*it;
}

// An exit code: all of them are known.
int checkEmits(const Session &session, const std::vector<std::string> &emits, const std::vector<Emit> &known) {
  for (const std::string &e : emits) {
    if (find(known, e))
      continue;
    std::vector<std::string> names;
    std::string all;
    for (const Emit &k : known) {
      names.push_back(k.name);
      all += (all.empty() ? "" : ", ") + k.name;
    }
    std::string near = nearestName(e, names);
    return session.report(
        DiagId::BadUsage, "--emit=" + e + " is not known",
        near.empty()
            ? "one or several of: " + all +
                  "; a plugin brings names of its own, such as ptx, and `tessera plugins` lists those there are"
            : "did you mean '" + near + "'? There are: " + all);
  }
  return kOk;
}

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

int noOutput(const Session &session, const std::string &target, const Emit &e) {
  std::string help = e.plugin.empty() ? "--save-temps=DIR writes every output that the target has"
                                      : "it is for targets of plugin " + e.plugin + ", which `tessera targets` lists";
  if (!e.plugin.empty() && !e.text)
    help += "; machine code needs an assembler on this machine";
  return session.report(DiagId::TargetCannot, "target '" + target + "' gives no '" + e.name + "'", help);
}

// What is compiled: a kernel of a source file, or a tile module (of a reproducer).
struct Input {
  KernelSource source;
  std::vector<Binding> bindings;
  TileRequest tile;
  bool fromTile = false;

  // For names of files.
  std::string kernel() const { return !fromTile ? source.kernel : tile.kernel.empty() ? "kernel" : tile.kernel; }
  int open(const Session &session, const CompileCommand &command);
  int compile(const Session &session, const CompileCommand &command, const std::string &target,
              const std::string &emits, Compiled &out) const;
};

bool readWhole(const std::string &path, std::string &bytes) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream buffer;
  if (!in || (in.peek() != EOF && !(buffer << in.rdbuf()))) // an empty file can be read, too
    return false;
  bytes = buffer.str();
  return true;
}

// request.json of a reproducer: {"kernel", "target", "emits", "options": [[key, value], …]}.
int readRequest(const Session &session, const std::string &path, TileRequest &out) {
  std::string text;
  if (!readWhole(path, text))
    return session.report(DiagId::FileNotFound, "'" + path + "' cannot be read");
  try {
    nlohmann::json j = nlohmann::json::parse(text);
    out.kernel = j.at("kernel").get<std::string>();
    out.target = j.at("target").get<std::string>();
    out.emits = j.at("emits").get<std::string>();
    for (const auto &pair : j.at("options"))
      out.options.emplace_back(pair.at(0).get<std::string>(), pair.at(1).get<std::string>());
  } catch (const nlohmann::json::exception &e) {
    return session.report(DiagId::BadArgument, "'" + path + "' is no request: " + e.what(),
                          "give the request.json of a reproducer");
  }
  return kOk;
}

int Input::open(const Session &session, const CompileCommand &command) {
  fromTile = !command.fromTile.empty();
  if (!fromTile) {
    if (int code = source.open(session, command.kernel))
      return code;
    return bindFromSignature(session, source, command.kernel, bindings);
  }
  if (!readWhole(command.fromTile, tile.bytes))
    return session.report(DiagId::FileNotFound, "'" + command.fromTile + "' cannot be read");
  return command.request.empty() ? kOk : readRequest(session, command.request, tile);
}

int Input::compile(const Session &session, const CompileCommand &command, const std::string &target,
                   const std::string &emits, Compiled &out) const {
  if (!fromTile)
    return compileKernel(session, source, command.kernel, bindings, target, emits, out);
  TileRequest request = tile;
  request.target = target;
  request.emits = emits;
  // What the command line says is for whoever looks closer: it goes before the request's own.
  Request given;
  fillRequest(session, source, command.kernel, {}, target, emits, given);
  for (size_t i = given.strings.size(); i; i -= 2)
    request.options.insert(request.options.begin(), {given.strings[i - 2], given.strings[i - 1]});
  return lowerTile(session, command.kernel, std::move(request), out);
}

struct File {
  std::string path; // "-": standard output
  const std::string *bytes;
};

// An exit code. Standard output goes between writing and renaming: where it fails, no file appears.
int writeFiles(const Session &session, const std::vector<File> &files) {
  OutputFiles output;
  std::string why;
  for (const File &f : files)
    if (f.path != "-" && !output.write(f.path, {*f.bytes}, why))
      return session.report(DiagId::CannotWrite, "'" + f.path + "' cannot be written: " + why);
  for (const File &f : files)
    if (f.path == "-")
      std::cout.write(f.bytes->data(), static_cast<std::streamsize>(f.bytes->size()));
  if (int code = finishStandardOutput(session))
    return code;
  return output.finish(why) ? kOk : session.report(DiagId::CannotWrite, why);
}

} // namespace

int runCompile(const Session &session, const CompileCommand &command) {
  if (command.kernel.file.empty() == command.fromTile.empty())
    return session.report(DiagId::BadUsage, command.fromTile.empty() ? "compile needs a FILE or --from-tile"
                                                                     : "compile takes a FILE or --from-tile, not both");
  if (!command.fromTile.empty() && !(command.kernel.signature.empty() && command.kernel.defines.empty()))
    return session.report(DiagId::BadUsage, "--signature and -D are for a FILE: a tile module has its types already",
                          "leave them out, or give the kernel's FILE instead of --from-tile");
  std::vector<std::string> targets = command.kernel.targets;
  if (targets.empty() && command.request.empty())
    targets = {"native"};
  if (int code = expandTargets(session, targets))
    return code;
  if (!targets.empty())
    prepareWorker(session, command.kernel, targets[0]);
  Input input;
  std::string emit = command.emit;
  if (!command.fromTile.empty()) {
    // A reproducer's target and emits are part of what is checked below.
    if (int code = input.open(session, command))
      return code;
    if (targets.empty())
      targets = {input.tile.target};
    if (emit.empty())
      emit = input.tile.emits;
  }
  if (emit.empty())
    emit = "artifact";
  std::vector<std::string> emits = split(emit);
  const std::vector<Emit> known = knownEmits(session);
  if (int code = checkEmits(session, emits, known))
    return code;
  if (command.fromTile.empty())
    if (int code = input.open(session, command))
      return code;

  // For --save-temps the compiler is asked for all there is; it gives what the target has.
  std::string wanted = emit;
  if (!command.saveTemps.empty())
    for (const Emit &e : kEmits)
      wanted += std::string(",") + e.name;
  // Everything is compiled before anything is written: a failure leaves no file behind.
  std::vector<Compiled> results(targets.size());
  std::vector<File> files;
  for (size_t t = 0; t < targets.size(); ++t) {
    if (int code = input.compile(session, command, targets[t], wanted, results[t]))
      return code;
    if (session.verbose)
      printFacts(targets[t], results[t]);
    bool single = targets.size() * emits.size() == 1;
    for (const std::string &e : emits) {
      const std::string *bytes = results[t].output(e);
      if (!bytes)
        return noOutput(session, targets[t], *find(known, e));
      const Emit *info = find(known, e);
      std::string path = command.output;
      std::string stem = input.kernel() + (targets.size() > 1 ? "." + fileNamePart(targets[t]) : "");
      if (path.empty())
        path = single && info->text ? "-" : stem + info->extension;
      else if (!single && path != "-")
        path += (targets.size() > 1 ? "." + fileNamePart(targets[t]) : "") + info->extension;
      files.push_back({path, bytes});
    }
    if (!command.saveTemps.empty()) {
      mkdir(command.saveTemps.c_str(), 0777);
      for (const Emit &e : kEmits)
        if (const std::string *bytes = results[t].output(e.name))
          files.push_back(
              {command.saveTemps + "/" + input.kernel() + "." + fileNamePart(targets[t]) + e.extension, bytes});
    }
  }
  return writeFiles(session, files);
}

} // namespace tessera::cli
