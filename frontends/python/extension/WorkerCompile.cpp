// WorkerCompile.cpp - the client of tessera-worker
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/extension/WorkerCompile.h"

#include "frontends/worker/CompileClient.h"

#include "plugins/loader/Registry.h"

#include <cstdlib>

namespace tessera::python {

namespace {

worker::CompileClient &clientOf(const CompilerLibrary &library) {
  worker::ClientOptions options;
  options.compilerLibrary = library.path;
  options.buildId = library.buildId();
  return worker::CompileClient::ofProcess(options);
}

int32_t finish(worker::CompileJob job, const tsc_sink *sink, const std::function<bool()> &interrupted) {
  while (!job.wait(sink, std::chrono::milliseconds(20)))
    if (interrupted())
      job.cancel();
  return job.status();
}

worker::LowerRequest lowerRequest(const WorkerRequest &request, std::string tile) {
  worker::LowerRequest lower;
  lower.tileBytes = std::move(tile);
  lower.kernel = request.kernel;
  lower.target = request.target;
  lower.emits = request.emits;
  lower.options = request.options;
  lower.timeoutSeconds = request.timeoutSeconds;
  return lower;
}

} // namespace

int32_t compileInWorker(
    const CompilerLibrary &library, const WorkerRequest &request, const tsc_sink *sink,
    const std::function<int32_t(const std::vector<std::pair<std::string, std::string>> &, std::string &)> &frontend,
    const std::function<bool()> &interrupted) {
  worker::CompileClient &client = clientOf(library);
  int32_t status = TSC_OK;
  // The plugin is loaded by the worker; here only what the frontend must know of its target is needed.
  auto facts = client.targetFacts(request.target, {}, sink, &status, interrupted);
  if (!facts)
    return status ? status : TSC_INTERNAL;
  std::string tile;
  status = frontend({{"unsupported_fp8", facts->unsupportedFp8}}, tile);
  if (status)
    return status;
  return finish(client.submit(lowerRequest(request, std::move(tile))), sink, interrupted);
}

int32_t lowerInWorker(const CompilerLibrary &library, const WorkerRequest &request, std::string tile,
                      const tsc_sink *sink, const std::function<bool()> &interrupted) {
  return finish(clientOf(library).submit(lowerRequest(request, std::move(tile))), sink, interrupted);
}

int32_t vetDrivers(const std::string &which, const tsc_sink *sink, const std::function<bool()> &interrupted) {
  // A client of its own: this one knows no build of the compiler, which a driver does not need.
  worker::ClientOptions options;
  options.compilerLibrary = CompilerLibrary::locate();
  if (!worker::CompileClient::isInstalled(options))
    return TSC_OK;
  auto places = plugin::RegistryOptions::standard([](const char *name) { return secure_getenv(name); });
  places.directories.push_back(CompilerLibrary::folder() + "tessera/plugins.d");
  plugin::Registry registry(std::move(places));
  std::string name = which.substr(0, which.rfind(':'));
  for (const plugin::Candidate *c : registry.candidates()) {
    if (!c->usable() || c->manifest.driver.empty() || (name != "native" && c->manifest.name != name))
      continue;
    static auto *vetter = new worker::CompileClient(options); // never destroyed, as the process's own
    int32_t status = vetter->vetLibrary(c->manifest.path, "driver", sink, interrupted);
    if (status != TSC_OK && status != TSC_UNAVAILABLE)
      return status;
  }
  return TSC_OK;
}

} // namespace tessera::python
