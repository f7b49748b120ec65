// WorkerCompile.h - a compile whose back half runs in a warm worker process
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "frontends/python/extension/Compiler.h"

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace tessera::python {

struct WorkerRequest {
  std::string kernel, target, emits;
  std::vector<std::pair<std::string, std::string>> options;
  double timeoutSeconds = 0; // 0: none
};

// Runs the frontend here, through `frontend` (options in addition to the request's -> tsc_compile's status, its tile bytes in
// the second argument), and the rest in a worker. Called without the GIL. `interrupted` is asked every few ms, without
// the GIL: true kills the worker. Diagnostics, outputs and facts go to the sink. A status of tessera_compiler.h; 5: cancelled.
int32_t compileInWorker(
    const CompilerLibrary &library, const WorkerRequest &request, const tsc_sink *sink,
    const std::function<int32_t(const std::vector<std::pair<std::string, std::string>> &, std::string &)> &frontend,
    const std::function<bool()> &interrupted);

// The part behind the frontend alone: tile IR as text or bytes.
int32_t lowerInWorker(const CompilerLibrary &library, const WorkerRequest &request, std::string tile,
                      const tsc_sink *sink, const std::function<bool()> &interrupted);

// Before this process loads the driver of `which` ("cpu:0", "native", …) for the first time: has a worker load each library that
// it may mean and whose build id is new. Where one crashes or hangs the worker: TSC_INTERNAL or kCancelled of
// frontends/worker, with diagnostics. Without a worker program, and for plugins that are not there: TSC_OK, the process
// itself will be told.
int32_t vetDrivers(const std::string &which, const tsc_sink *sink, const std::function<bool()> &interrupted);

} // namespace tessera::python
