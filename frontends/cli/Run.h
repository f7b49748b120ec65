// Run.h - the steps of `tessera run`
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "frontends/cli/Arguments.h"
#include "frontends/cli/Commands.h"

namespace tessera::cli {

// A runtime parameter of the kernel with the argument given for it.
struct BoundArgument {
  std::string name;
  Argument argument;
};

struct SavedOutput {
  size_t argument; // index of the bound argument
  std::string path;
};

// --arg onto the parameters that -D does not name: checked against --signature and compiled as it says where it has them,
// else specialised as Triton does: 1 is folded, multiples of 16 are known. An exit code.
int bindArguments(const Session &session, const KernelSource &source, const RunCommand &command,
                  std::vector<BoundArgument> &bound, std::vector<Binding> &bindings);
// --out onto arguments; `written`: those that the kernel writes. An exit code.
int chooseOutputs(const Session &session, const RunCommand &command, const std::vector<BoundArgument> &bound,
                  const std::vector<bool> &written, std::vector<SavedOutput> &outputs);
// In the reference interpreter, with memory checks. An exit code.
int interpretKernel(const Session &session, const KernelSource &source, const RunCommand &command,
                    const std::array<int64_t, 3> &grid, std::vector<BoundArgument> &bound,
                    const std::vector<Binding> &bindings);
// The compiled kernel file for these bindings, from the cache where it is there. An exit code.
int compileOrFetch(const Session &session, const KernelSource &source, const RunCommand &command,
                   const std::vector<Binding> &bindings, const std::string &target, std::string &file);
// The plugin that a target means, and the target in that plugin's words. An exit code.
int pluginOfTarget(const Session &session, const std::string &target, std::string &plugin, std::string &spec);
// A driver library that this machine has not loaded before is first loaded in a worker: a crash is then a message.
// `plugin`: its name; empty: all that a device may come from. An exit code.
int vetDrivers(const Session &session, const KernelOptions &options, const std::string &plugin);
// A text that changes with the plugin's libraries (size and time of change: quick, and enough for a cache key); empty where
// the target is unknown.
std::string pluginBuild(const std::string &target);

} // namespace tessera::cli
