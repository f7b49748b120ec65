// Worker.cpp - compiles of the command line that run in a worker process
// SPDX-License-Identifier: Apache-2.0
#include "frontends/cli/Session.h"

#include "frontends/worker/CompileClient.h"

#include <iostream>

namespace tessera::cli {

namespace {

using worker::view;

worker::ClientOptions clientOptions() {
  worker::ClientOptions options;
  options.compilerLibrary = CompilerLibrary::locate();
  return options;
}

worker::CompileClient &client() { return worker::CompileClient::ofProcess(clientOptions()); }

int exitCode(int32_t status) { return status == worker::kCancelled ? kUserError : status; }

} // namespace

bool compilesInWorker(const KernelOptions &options) {
  if (options.inProcess || options.worker || options.timeoutSeconds > 0)
    return !options.inProcess;
  // Only a compile: where the program was not installed, this process can do it as well.
  static const bool installed = worker::CompileClient::isInstalled(clientOptions());
  return installed;
}

void prepareWorker(const Session &session, const KernelOptions &options, const std::string &target) {
  if (compilesInWorker(options) && !CompilerLibrary::locate().empty())
    client().prepare(target, session.pluginPaths);
}

int vetInWorker(const Session &session, const std::string &manifest) {
  std::string said;
  tsc_sink sink{};
  sink.size = sizeof sink;
  sink.colour = session.colour;
  sink.user = &said;
  bool json = session.format == DiagnosticsFormat::Json;
  sink.diag =
      json
          ? [](void *user, uint32_t, tsc_str, tsc_str s) { static_cast<std::string *>(user)->append(s.p, s.n) += '\n'; }
          : [](void *user, uint32_t, tsc_str s, tsc_str) { static_cast<std::string *>(user)->append(s.p, s.n); };
  int32_t status = client().vetLibrary(manifest, "driver", &sink);
  if (status == TSC_OK || status == TSC_UNAVAILABLE)
    return kOk;
  std::cerr << said;
  return exitCode(status);
}

int lowerTile(const Session &session, const KernelOptions &options, TileRequest request, Compiled &out) {
  SinkState state;
  tsc_sink sink = makeSink(session, &out, state);
  if (compilesInWorker(options)) {
    worker::LowerRequest r{std::move(request.bytes),   request.kernel,         request.target, request.emits,
                           std::move(request.options), options.timeoutSeconds, session.colour};
    worker::CompileJob job = client().submit(std::move(r));
    job.wait(&sink);
    return exitCode(job.status());
  }
  std::string error;
  const CompilerLibrary *library = CompilerLibrary::load(error);
  if (!library)
    return session.report(DiagId::InternalError, "the compiler library cannot be loaded: " + error,
                          "reinstall Tessera, or name the library in TESSERA_COMPILER_LIBRARY");
  worker::LowerArguments arguments(request.kernel, request.target, request.emits, request.options);
  return library->lower(request.bytes.data(), request.bytes.size(), arguments.request(), &sink);
}

int compileInWorker(const Session &session, const KernelSource &source, const KernelOptions &options,
                    const std::vector<Binding> &bindings, const std::string &target, const std::string &emits,
                    Compiled &out) {
  SinkState state;
  tsc_sink sink = makeSink(session, &out, state);
  int32_t status = TSC_OK;
  auto facts = client().targetFacts(target, session.pluginPaths, &sink, &status);
  if (!facts)
    return exitCode(status ? status : TSC_INTERNAL);
  Request request;
  const std::string tileBytes = "tile_bytes"; // the request borrows it
  fillRequest(session, source, options, bindings, target, tileBytes, request);
  TileRequest tile{"", source.kernel, target, emits, {}};
  for (size_t i = 0; i < request.strings.size(); i += 2)
    tile.options.emplace_back(request.strings[i], request.strings[i + 1]);
  // The target as the worker knows it: this process then needs no plugin.
  const std::string key = "unsupported_fp8";
  request.options.push_back(view(key));
  request.options.push_back(view(facts->unsupportedFp8));
  request.request.options = request.options.data();
  ++request.request.num_options;
  Compiled frontend;
  SinkState frontendState;
  tsc_sink frontendSink = makeSink(session, &frontend, frontendState);
  if (int32_t code = source.library->compile(source.source, &request.request, &frontendSink))
    return code;
  const std::string *bytes = frontend.output("tile_bytes");
  if (!bytes)
    return session.report(DiagId::InternalError, "the frontend gave no tile module");
  tile.bytes = *bytes;
  if (("," + emits + ",").find(",tile_bytes,") != std::string::npos)
    out.outputs.emplace_back("tile_bytes", *bytes);
  return lowerTile(session, options, std::move(tile), out);
}

} // namespace tessera::cli
