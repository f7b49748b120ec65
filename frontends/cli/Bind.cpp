// Bind.cpp - arguments and outputs of `tessera run` onto the kernel's parameters; the interpreter
// SPDX-License-Identifier: Apache-2.0
#include "frontends/cli/Run.h"

#include <algorithm>
#include <cstdlib>
#include <iostream>

namespace tessera::cli {

namespace {

// How Triton specialises an argument (its value picks the code): constants and divisibility.
Binding specialise(const KernelSource::Param &param, const Argument &a) {
  Binding b;
  b.name = param.name;
  if (a.kind == Argument::Null) {
    b.value = "None";
  } else if (a.kind == Argument::Array) {
    b.type = a.type;
    b.divisibility = 16; // fresh buffers are aligned to more than that
  } else if (!a.isFloat && a.type[0] != 'f' && a.type != "bf16" && a.type != "u1") {
    b.type = a.type;
    if (a.intValue == 1 && !param.doNotSpecialize) {
      b.type.clear();
      b.value = "1";
    } else if (a.intValue % 16 == 0 && !param.doNotSpecialize) {
      b.divisibility = 16;
    }
  } else {
    b.type = a.type;
  }
  return b;
}

} // namespace

int bindArguments(const Session &session, const KernelSource &source, const RunCommand &command,
                  std::vector<BoundArgument> &bound, std::vector<Binding> &bindings) {
  std::map<std::string, std::string> defines;
  if (int code = bindDefines(session, source, command.kernel, defines))
    return code;
  std::map<std::string, SignatureEntry> signature;
  if (int code = entriesOfSignature(session, source, command.kernel, defines, signature))
    return code;
  size_t next = 0;
  std::string missing, order;
  for (const auto &p : source.params) {
    if (auto d = defines.find(p.name); d != defines.end()) {
      bindings.push_back({p.name, {}, d->second, 1});
      continue;
    }
    auto entry = signature.find(p.name);
    if (p.isConstexpr) {
      if (entry != signature.end() && entry->second.type.empty())
        bindings.push_back({p.name, {}, entry->second.value, 1});
      else if (!p.hasDefault)
        return session.report(DiagId::BadArgument,
                              "kernel '" + source.kernel + "' needs a value for its constexpr parameter '" + p.name +
                                  "'",
                              "give it with -D " + p.name + "=VALUE");
      continue;
    }
    order += (order.empty() ? "" : ", ") + p.name;
    if (next >= command.arguments.size()) {
      if (!p.hasDefault)
        missing += (missing.empty() ? "" : ", ") + p.name;
      continue;
    }
    Argument a;
    std::string error;
    if (!parseArgument(command.arguments[next++], a, error)) {
      // Messages about a file begin with its name, those about the text with "argument".
      bool npy = !error.starts_with("argument") && error.find(".npy") != std::string::npos;
      bool absent = error.find("cannot be opened") != std::string::npos;
      return session.report(absent ? DiagId::FileNotFound
                            : npy  ? DiagId::BadNpy
                                   : DiagId::BadArgument,
                            error + " (parameter '" + p.name + "')");
    }
    if (entry == signature.end()) {
      bindings.push_back(specialise(p, a));
    } else {
      const SignatureEntry &e = entry->second;
      bool wrongElements = a.kind == Argument::Array && e.type.starts_with('*');
      if (!asSignature(e, a, error))
        return session.report(
            wrongElements ? DiagId::WrongDtype : DiagId::BadArgument, error + " (parameter '" + p.name + "')",
            wrongElements ? "convert the array with numpy's astype, or let --signature say its type" : "");
      bindings.push_back({p.name, e.type, e.value, e.divisibility});
    }
    if (!bindings.back().type.empty())
      bound.push_back({p.name, std::move(a)});
  }
  if (!missing.empty())
    return session.report(DiagId::WrongArgumentCount,
                          "kernel '" + source.kernel + "' got " + std::to_string(command.arguments.size()) +
                              " arguments; missing: " + missing,
                          "give one --arg for each of: " + order);
  if (next < command.arguments.size())
    return session.report(DiagId::WrongArgumentCount,
                          "kernel '" + source.kernel + "' takes " + std::to_string(next) + " arguments, " +
                              std::to_string(command.arguments.size()) + " were given",
                          "it takes: " + order);
  return kOk;
}

int chooseOutputs(const Session &session, const RunCommand &command, const std::vector<BoundArgument> &bound,
                  const std::vector<bool> &written, std::vector<SavedOutput> &outputs) {
  size_t nextWritten = 0;
  std::string names;
  std::vector<std::string> all;
  for (const BoundArgument &b : bound)
    if (b.argument.kind == Argument::Array) {
      all.push_back(b.name);
      names += (names.empty() ? "" : ", ") + b.name;
    }
  for (const std::string &text : command.outputs) {
    size_t equals = text.find('=');
    size_t found = bound.size();
    if (equals == std::string::npos) {
      while (nextWritten < bound.size() && !written[nextWritten])
        ++nextWritten;
      found = nextWritten < bound.size() ? nextWritten++ : bound.size();
      if (found == bound.size())
        return session.report(DiagId::BadUsage, "--out " + text + ": the kernel writes no further pointer",
                              "name one: --out NAME=" + text);
      outputs.push_back({found, text});
      continue;
    }
    std::string name = text.substr(0, equals);
    char *end = nullptr;
    unsigned long index = std::strtoul(name.c_str(), &end, 10);
    for (size_t i = 0; i < bound.size(); ++i)
      if (bound[i].name == name || (!name.empty() && *end == 0 && i == index))
        found = i;
    if (found == bound.size() || bound[found].argument.kind != Argument::Array) {
      std::string near = nearestName(name, all);
      return session.report(DiagId::BadArgument, "--out " + text + ": kernel has no array argument '" + name + "'",
                            near.empty() ? "there are: " + names : "did you mean '" + near + "'? There are: " + names);
    }
    outputs.push_back({found, text.substr(equals + 1)});
  }
  return kOk;
}

int interpretKernel(const Session &session, const KernelSource &source, const RunCommand &command,
                    const std::array<int64_t, 3> &grid, std::vector<BoundArgument> &bound,
                    const std::vector<Binding> &bindings) {
  Request request;
  fillRequest(session, source, command.kernel, bindings, "", "", request);
  std::vector<tsc_value> values;
  std::vector<std::vector<unsigned char>> before;
  for (BoundArgument &b : bound) {
    tsc_value v{};
    if (b.argument.kind == Argument::Array) {
      v.is_pointer = 1;
      v.buffer = b.argument.array.bytes.data();
      v.bytes = b.argument.array.bytes.size();
    } else {
      v.bits = b.argument.bits;
    }
    values.push_back(v);
    before.push_back(b.argument.array.bytes);
  }
  tsc_interpretation run{};
  run.size = sizeof run;
  run.num_values = static_cast<uint32_t>(values.size());
  run.values = values.data();
  for (size_t i = 0; i < 3; ++i)
    run.grid[i] = grid[i];
  run.print = [](void *, const char *text, uint64_t n) { std::cout.write(text, static_cast<std::streamsize>(n)); };
  SinkState state;
  tsc_sink sink = makeSink(session, nullptr, state);
  if (int code = source.library->interpret(source.source, &request.request, &run, &sink))
    return code;
  std::vector<bool> written(bound.size());
  for (size_t i = 0; i < bound.size(); ++i)
    written[i] = bound[i].argument.kind == Argument::Array && bound[i].argument.array.bytes != before[i];
  std::vector<SavedOutput> outputs;
  if (int code = chooseOutputs(session, command, bound, written, outputs))
    return code;
  OutputFiles files;
  std::string why;
  for (const SavedOutput &o : outputs)
    if (!writeNpy(files, o.path, bound[o.argument].argument.array, why))
      return session.report(DiagId::CannotWrite, "'" + o.path + "' cannot be written: " + why);
  return files.finish(why) ? kOk : session.report(DiagId::CannotWrite, why);
}

} // namespace tessera::cli
