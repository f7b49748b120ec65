// Commands.h - the commands of `tessera`, one function each; all return an exit code
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "frontends/cli/Session.h"

namespace tessera::cli {

struct CompileCommand {
  KernelOptions kernel;
  std::string emit, output;      // emit empty: "artifact"
  std::string saveTemps;         // a folder; empty: none
  std::string fromTile, request; // --from-tile, --request: a reproducer instead of a kernel's file
};
int runCompile(const Session &session, const CompileCommand &command);

struct RunCommand {
  KernelOptions kernel;
  std::vector<std::string> arguments, outputs;
  std::string grid = "1";
  bool interpret = false;
  bool noCache = false; // compile even where the cache has the kernel
  int timeRepeats = 0;  // 0: no timing
  int warmup = 2;
};
int runKernel(const Session &session, const RunCommand &command);

// A name that an installed plugin has for an output of its own: "ptx", of kind "asm".
struct PluginOutput {
  std::string name, kind, plugin;
};
std::vector<PluginOutput> pluginOutputs(const Session &session);

// `all` and `PLUGIN/all` become the targets that they mean. An exit code.
int expandTargets(const Session &session, std::vector<std::string> &targets);

int listTargets(const Session &session, bool json);
int listPlugins(const Session &session, bool json);
int cacheStats(const Session &session, bool json);
int cacheClear(const Session &session);

} // namespace tessera::cli
