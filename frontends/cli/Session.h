// Session.h - what the commands of `tessera` share: options of every command, messages, a kernel named on the command line
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/support/Diagnostic.h"
#include "frontends/cli/Arguments.h"
#include "frontends/cli/CompilerLibrary.h"
#include "frontends/worker/CompilerInterface.h"

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tessera::cli {

// Exit codes, documented in docs/reference/cli.md.
enum Exit : int { kOk = 0, kUserError = 1, kUsage = 2, kInternal = 3, kUnavailable = 4 };

enum class DiagnosticsFormat { Text, Json };

struct Session {
  bool verbose = false;
  bool colour = false; // of stderr
  DiagnosticsFormat format = DiagnosticsFormat::Text;
  std::vector<std::string> pluginPaths; // --plugin=
  bool anyGlobals = false;              // kernels may read globals that are no constexpr

  // A message of the command itself, on stderr, in the format asked for. Returns the exit code of its kind.
  int report(DiagId id, const std::string &message, const std::string &help = {}) const;
};

// Options that say how a kernel is compiled, the same for compile, run and bench.
struct KernelOptions {
  std::string file, kernel; // of FILE[:KERNEL]
  std::vector<std::string> targets;
  std::string signature;
  std::vector<std::string> defines; // NAME=VALUE
  int numWarps = 0, numStages = 0, numCtas = 0, optLevel = -1;
  bool noFusion = false, noTensorCopies = false, noPointerCopies = false, noAutoWarpSpecialize = false,
       noGridStride = false, debug = false, timePasses = false;
  std::string dumpIr, dumpDir;
  bool worker = false, inProcess = false; // --worker, --in-process; neither: in a worker where it is installed
  double timeoutSeconds = 0;              // of a compile in a worker; 0: none
};

// An opened source file with its kernel chosen.
class KernelSource {
public:
  // Reads and parses; chooses the only kernel of the file where none was named. An exit code, kOk on success.
  int open(const Session &session, const KernelOptions &options);
  ~KernelSource();

  struct Param {
    std::string name, annotation;
    bool isConstexpr = false, hasDefault = false, doNotSpecialize = false;
  };
  const CompilerLibrary *library = nullptr;
  tsc_source *source = nullptr;
  std::string text, kernel;
  std::vector<Param> params;
};

// Everything one compile gave back.
struct Compiled : worker::KernelRecord {
  std::vector<std::pair<std::string, std::string>> outputs; // kind, bytes; dumps included
  const std::string *output(const std::string &kind) const;
};

// A tile module with what it is to become, as tsc_lower takes it: from the frontend or from a reproducer.
struct TileRequest {
  std::string bytes, kernel, target, emits;
  std::vector<std::pair<std::string, std::string>> options;
};
// In a worker process or in this one. Diagnostics go to stderr. An exit code.
int lowerTile(const Session &session, const KernelOptions &options, TileRequest request, Compiled &out);
bool compilesInWorker(const KernelOptions &options);
// Starts the worker and lets it load the compiler and the target's plugin, while this process does something else.
void prepareWorker(const Session &session, const KernelOptions &options, const std::string &target);

struct Binding {
  std::string name, type, value;
  int64_t divisibility = 1;
};

// Compiles `kernel` with these bindings for one target. Diagnostics go to stderr. An exit code.
int compileKernel(const Session &session, const KernelSource &source, const KernelOptions &options,
                  const std::vector<Binding> &bindings, const std::string &target, const std::string &emits,
                  Compiled &out);

// The entries of --signature by parameter. An exit code.
int entriesOfSignature(const Session &session, const KernelSource &source, const KernelOptions &options,
                       const std::map<std::string, std::string> &defines,
                       std::map<std::string, SignatureEntry> &byName);
// Bindings from --signature and -D: every parameter without a default is bound, or a message says which is missing and
// proposes a signature. An exit code.
int bindFromSignature(const Session &session, const KernelSource &source, const KernelOptions &options,
                      std::vector<Binding> &bindings);
// -D NAME=VALUE onto parameters; unknown names get a did-you-mean. An exit code.
int bindDefines(const Session &session, const KernelSource &source, const KernelOptions &options,
                std::map<std::string, std::string> &values);

// The request behind compileKernel, kept alive with its strings.
struct Request {
  tsc_request request;
  std::vector<tsc_binding> bindings;
  std::vector<tsc_str> options;
  std::vector<std::string> strings;
};
void fillRequest(const Session &session, const KernelSource &source, const KernelOptions &options,
                 const std::vector<Binding> &bindings, const std::string &target, const std::string &emits,
                 Request &out);
// Loads a plugin's driver library in a worker, unless that was done before. An exit code; what only refuses is let pass:
// it will refuse again.
int vetInWorker(const Session &session, const std::string &manifest);
// Source to outputs, the part after the frontend in a worker. An exit code.
int compileInWorker(const Session &session, const KernelSource &source, const KernelOptions &options,
                    const std::vector<Binding> &bindings, const std::string &target, const std::string &emits,
                    Compiled &out);
tsc_sink makeSink(const Session &session, Compiled *out, struct SinkState &state);
struct SinkState {
  const Session *session;
  Compiled *out;
};

// Whether all that was printed reached standard output: kOk, or kUserError after a message.
int finishStandardOutput(const Session &session);

} // namespace tessera::cli
