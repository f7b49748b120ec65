// Session.cpp - messages, opening a kernel, one compile
// SPDX-License-Identifier: Apache-2.0
#include "frontends/cli/Session.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <sstream>
#include <sys/stat.h>

namespace tessera::cli {

namespace {
using worker::text;
using worker::view;

void onDiag(void *user, uint32_t, tsc_str rendered, tsc_str json) {
  auto *state = static_cast<SinkState *>(user);
  tsc_str s = state->session->format == DiagnosticsFormat::Json ? json : rendered;
  std::cerr.write(s.p, static_cast<std::streamsize>(s.n));
  if (s.n && s.p[s.n - 1] != '\n')
    std::cerr << '\n';
}

void onEmit(void *user, tsc_str kind, tsc_str name, const void *bytes, uint64_t n) {
  auto *state = static_cast<SinkState *>(user);
  std::string label = text(kind);
  if (label == "log") { // a worker's standard error: dumps, times
    std::cerr.write(static_cast<const char *>(bytes), static_cast<std::streamsize>(n));
    return;
  }
  if (label == "dump" || label == "timing") {
    std::cerr << "// ---- " << text(name) << "\n";
    std::cerr.write(static_cast<const char *>(bytes), static_cast<std::streamsize>(n));
    return;
  }
  if (state->out)
    state->out->outputs.emplace_back(std::move(label), std::string(static_cast<const char *>(bytes), n));
}

void onKernel(void *user, const tsc_kernel_info *info) {
  if (Compiled *out = static_cast<SinkState *>(user)->out)
    static_cast<worker::KernelRecord &>(*out) = worker::KernelRecord(*info);
}

std::vector<std::string> names(const std::vector<KernelSource::Param> &params) {
  std::vector<std::string> out;
  for (const auto &p : params)
    out.push_back(p.name);
  return out;
}
} // namespace

int Session::report(DiagId id, const std::string &message, const std::string &help) const {
  Diagnostic d;
  d.id = id;
  d.severity = diagSeverity(id);
  d.message = message;
  d.help = help;
  std::cerr << (format == DiagnosticsFormat::Json ? renderDiagnosticJson(d) + "\n" : renderDiagnostic(d, colour));
  std::string_view code = diagCode(id);
  if (id == DiagId::BadUsage)
    return kUsage;
  if (code.substr(0, 3) == "E00")
    return kInternal;
  return code.substr(0, 3) == "E04" ? kUnavailable : kUserError;
}

tsc_sink makeSink(const Session &session, Compiled *out, SinkState &state) {
  state = {&session, out};
  return {sizeof(tsc_sink), session.colour ? 1u : 0u, &state, onDiag, onEmit, onKernel, nullptr};
}

const std::string *Compiled::output(const std::string &kind) const {
  for (const auto &[k, bytes] : outputs)
    if (k == kind)
      return &bytes;
  return nullptr;
}

KernelSource::~KernelSource() {
  if (source)
    library->sourceClose(source);
}

int KernelSource::open(const Session &session, const KernelOptions &options) {
  std::ifstream in(options.file == "-" ? "/dev/stdin" : options.file, std::ios::binary);
  std::stringstream buffer;
  if (!in || !(buffer << in.rdbuf())) {
    bool isThere = in.is_open();
    return session.report(DiagId::FileNotFound,
                          "'" + options.file + "' cannot be read: " +
                              (isThere ? "it is empty or no regular file" : std::strerror(errno)));
  }
  text = buffer.str();
  std::string error;
  library = CompilerLibrary::load(error);
  if (!library)
    return session.report(DiagId::InternalError, "the compiler library cannot be loaded: " + error,
                          "reinstall Tessera, or name the library in TESSERA_COMPILER_LIBRARY");
  SinkState state;
  tsc_sink sink = makeSink(session, nullptr, state);
  source = library->sourceOpen(view(options.file), view(text), &sink);
  if (!source)
    return kUserError;
  std::vector<std::string> kernels;
  library->sourceKernels(source, &kernels, [](void *user, tsc_str name, uint32_t) {
    static_cast<std::vector<std::string> *>(user)->push_back(std::string(name.p, name.n));
  });
  kernel = options.kernel;
  if (kernel.empty()) {
    if (kernels.size() != 1) {
      std::string list;
      for (const std::string &k : kernels)
        list += (list.empty() ? "" : ", ") + k;
      return session.report(DiagId::NotAKernel,
                            kernels.empty()
                                ? "'" + options.file + "' has no kernel"
                                : "'" + options.file + "' has " + std::to_string(kernels.size()) + " kernels: " + list,
                            kernels.empty() ? "decorate a function with @triton.jit or @tessera.jit"
                                            : "name one: " + options.file + ":" + kernels[0]);
    }
    kernel = kernels[0];
  }
  return library->sourceParams(source, view(kernel), &sink, this, [](void *user, const tsc_param *p) {
    static_cast<KernelSource *>(user)->params.push_back(
        {std::string(p->name.p, p->name.n), std::string(p->annotation.p, p->annotation.n), p->is_constexpr != 0,
         p->has_default != 0, p->do_not_specialize != 0});
  });
}

int bindDefines(const Session &session, const KernelSource &source, const KernelOptions &options,
                std::map<std::string, std::string> &values) {
  for (const std::string &d : options.defines) {
    size_t equals = d.find('=');
    if (equals == std::string::npos || equals == 0)
      return session.report(DiagId::BadUsage, "-D '" + d + "': write -D NAME=VALUE");
    std::string name = d.substr(0, equals);
    auto all = names(source.params);
    if (std::find(all.begin(), all.end(), name) == all.end()) {
      std::string near = nearestName(name, all);
      return session.report(DiagId::BadArgument, "kernel '" + source.kernel + "' has no parameter '" + name + "'",
                            near.empty() ? "" : "did you mean '" + near + "'?");
    }
    if (!values.emplace(name, d.substr(equals + 1)).second)
      return session.report(DiagId::BadUsage,
                            "-D " + name + " is given twice: " + values[name] + " and " + d.substr(equals + 1),
                            "leave one of them out");
  }
  return kOk;
}

int entriesOfSignature(const Session &session, const KernelSource &source, const KernelOptions &options,
                       const std::map<std::string, std::string> &defines,
                       std::map<std::string, SignatureEntry> &byName) {
  std::vector<SignatureEntry> entries;
  std::string error;
  if (!parseSignature(options.signature, entries, error))
    return session.report(DiagId::BadSignature, error);
  size_t next = 0;
  for (const SignatureEntry &e : entries) {
    std::string name = e.name;
    if (name.empty()) {
      // Positional entries fill the parameters that -D does not name, in order.
      while (next < source.params.size() && defines.count(source.params[next].name))
        ++next;
      if (next >= source.params.size())
        return session.report(DiagId::BadSignature,
                              "the signature has more entries than '" + source.kernel + "' has parameters");
      name = source.params[next++].name;
    } else if (auto all = names(source.params); std::find(all.begin(), all.end(), name) == all.end()) {
      std::string near = nearestName(name, all);
      return session.report(DiagId::BadSignature, "kernel '" + source.kernel + "' has no parameter '" + name + "'",
                            near.empty() ? "" : "did you mean '" + near + "'?");
    }
    byName[name] = e;
  }
  return kOk;
}

int bindFromSignature(const Session &session, const KernelSource &source, const KernelOptions &options,
                      std::vector<Binding> &bindings) {
  std::map<std::string, std::string> defines;
  if (int code = bindDefines(session, source, options, defines))
    return code;
  std::map<std::string, SignatureEntry> byName;
  if (int code = entriesOfSignature(session, source, options, defines, byName))
    return code;
  std::string missing, proposal;
  for (const auto &p : source.params) {
    Binding b;
    b.name = p.name;
    if (auto d = defines.find(p.name); d != defines.end())
      b.value = d->second;
    else if (auto e = byName.find(p.name); e != byName.end()) {
      b.type = e->second.type;
      b.value = e->second.value;
      b.divisibility = e->second.divisibility;
    } else if (p.hasDefault) {
      continue;
    } else {
      missing += (missing.empty() ? "" : ", ") + p.name;
    }
    if (!p.isConstexpr) {
      // A guess: x, y and a name with `ptr` are arrays, n and m are sizes.
      bool pointer = p.name.find("ptr") != std::string::npos ||
                     (p.name.size() == 1 && std::string_view("ijkmnst").find(p.name[0]) == std::string_view::npos);
      proposal += (proposal.empty() ? "" : ", ") + p.name + (pointer ? "=*fp32:16" : "=i32");
    }
    bindings.push_back(std::move(b));
  }
  if (!missing.empty())
    return session.report(DiagId::BadSignature,
                          "kernel '" + source.kernel + "' needs a type or a value for: " + missing,
                          "give types with --signature='" + proposal + "' and constexpr values with -D NAME=VALUE");
  return kOk;
}

void fillRequest(const Session &session, const KernelSource &source, const KernelOptions &options,
                 const std::vector<Binding> &bindings, const std::string &target, const std::string &emits,
                 Request &out) {
  out.bindings.clear();
  for (const Binding &b : bindings)
    out.bindings.push_back({view(b.name), view(b.type), view(b.value), b.divisibility, nullptr});
  out.strings = {};
  auto option = [&](const char *key, const std::string &value) {
    out.strings.push_back(key);
    out.strings.push_back(value);
  };
  if (options.numWarps)
    option("num_warps", std::to_string(options.numWarps));
  if (options.numStages)
    option("num_stages", std::to_string(options.numStages));
  if (options.numCtas)
    option("num_ctas", std::to_string(options.numCtas));
  if (options.optLevel >= 0)
    option("opt_level", std::to_string(options.optLevel));
  if (options.noFusion)
    option("fp_fusion", "0");
  if (options.noTensorCopies)
    option("tensor_copies", "0");
  if (options.noPointerCopies)
    option("pointer_copies", "0");
  if (options.noGridStride)
    option("grid_stride", "0");
  if (options.noAutoWarpSpecialize)
    option("auto_warp_specialize", "0");
  if (options.debug)
    option("debug", "1");
  if (options.timePasses)
    option("time_passes", "1");
  if (!options.dumpIr.empty())
    option("dump_ir", options.dumpIr);
  if (!options.dumpDir.empty()) {
    mkdir(options.dumpDir.c_str(), 0777);
    option("dump_dir", options.dumpDir);
  }
  if (session.anyGlobals)
    option("allow_non_constexpr_globals", "1");
  for (const std::string &p : session.pluginPaths)
    option("plugin", p);
  out.options.clear();
  for (const std::string &s : out.strings)
    out.options.push_back(view(s));
  out.request = {sizeof(tsc_request),
                 static_cast<uint32_t>(out.bindings.size()),
                 static_cast<uint32_t>(out.options.size() / 2),
                 0,
                 view(source.kernel),
                 out.bindings.data(),
                 view(target),
                 view(emits),
                 out.options.data()};
}

int compileKernel(const Session &session, const KernelSource &source, const KernelOptions &options,
                  const std::vector<Binding> &bindings, const std::string &target, const std::string &emits,
                  Compiled &out) {
  if (compilesInWorker(options))
    return compileInWorker(session, source, options, bindings, target, emits, out);
  Request request;
  fillRequest(session, source, options, bindings, target, emits, request);
  SinkState state;
  tsc_sink sink = makeSink(session, &out, state);
  return source.library->compile(source.source, &request.request, &sink);
}

int finishStandardOutput(const Session &session) {
  std::cout.flush();
  bool written = std::fflush(stdout) == 0 && !std::ferror(stdout) && std::cout.good();
  return written ? kOk : session.report(DiagId::CannotWrite, "standard output cannot be written");
}

} // namespace tessera::cli
