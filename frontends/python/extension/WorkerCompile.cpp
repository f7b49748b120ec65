// WorkerCompile.cpp - the client of tessera-worker
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/extension/WorkerCompile.h"

#include "frontends/worker/CompileClient.h"

namespace tessera::python {

int32_t compileInWorker(
    const CompilerLibrary &library, const WorkerRequest &request, const tsc_sink *sink,
    const std::function<int32_t(const std::vector<std::pair<std::string, std::string>> &, std::string &)> &frontend,
    const std::function<bool()> &interrupted) {
  worker::ClientOptions options;
  options.compilerLibrary = library.path;
  options.buildId = library.buildId();
  worker::CompileClient &client = worker::CompileClient::ofProcess(options);
  int32_t status = TSC_OK;
  // The plugin is loaded by the worker; here only what the frontend must know of its target is needed.
  auto facts = client.targetFacts(request.target, {}, sink, &status, interrupted);
  if (!facts)
    return status ? status : TSC_INTERNAL;
  worker::LowerRequest lower;
  status = frontend({{"unsupported_fp8", facts->unsupportedFp8}}, lower.tileBytes);
  if (status)
    return status;
  lower.kernel = request.kernel;
  lower.target = request.target;
  lower.emits = request.emits;
  lower.options = request.options;
  lower.timeoutSeconds = request.timeoutSeconds;
  worker::CompileJob job = client.submit(std::move(lower));
  while (!job.wait(sink, std::chrono::milliseconds(20)))
    if (interrupted())
      job.cancel();
  return job.status();
}

} // namespace tessera::python
