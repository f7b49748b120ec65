// CompileClient.h - compiles in warm worker processes: what a frontend uses instead of tsc_lower
//
// SPDX-License-Identifier: Apache-2.0
//
//   auto &client = CompileClient::ofProcess(options);
//   auto facts = client.targetFacts("native", {});                 // loads the plugin in a worker, not here
//   … tsc_compile with emits "tile_bytes", options "unsupported_fp8" = facts->info.unsupportedFp8 …
//   CompileJob job = client.submit({tileBytes, "add_kernel", "native", "artifact", {{"num_warps", "4"}}});
//   while (!job.wait(&sink, 50ms))                                 // events reach the sink on this thread
//     if (interrupted) job.cancel();                               // kills the worker
//   job.status();                                                  // as tsc_lower's
//
// A worker is the program `tessera-worker`, spawned (never forked without exec) by the first compile and kept for the next
// one. It runs one compile at a time; there are at most as many as processors. Its crash, its end and its timeout are
// diagnostics of the job; the next job gets another worker. Workers end with this process.
//
// Threads: every function may be called from any thread at any time, and calls no code of the caller's but the sink given
// to wait(). One thread of the library serves all workers; it starts with the first job, and blocks all signals. Nothing
// here knows Python: call without the GIL, and take it again inside of the sink.
// Fork: a forked child must not use its parent's workers. ofProcess() gives it a client of its own; a job of the parent
// counts as cancelled in the child.
// Errors: nothing throws but std::bad_alloc. What goes wrong is a diagnostic in the sink and a status:
//   E0003 Bug    the worker crashed: plugin, stage, how, and a reproducer    status TSC_INTERNAL
//   E0407 Error  no worker can be started, or it is of another build         status TSC_UNAVAILABLE
//   E0503 Error  the compile took longer than it may, and was killed         status kCancelled
//   E0504 Error  it was cancelled                                            status kCancelled
#pragma once

#include "frontends/worker/CompilerInterface.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tessera::worker {

// Beside the statuses of tessera_compiler.h: the job was killed, on request or by its time limit.
inline constexpr int32_t kCancelled = 5;

struct ClientOptions {
  std::string compilerLibrary; // path of libtessera_compiler.so, which the workers open
  std::string program;         // path of tessera-worker; empty: TESSERA_WORKER_PROGRAM, else beside the library
  std::string buildId;         // tsc_build_id() of this process: a worker of another build is refused; empty: any
  unsigned maxWorkers = 0;     // 0: TESSERA_COMPILE_WORKERS, else the processors that this process may use
  double loadSeconds = 60;     // that a plugin may take to be loaded, in targetFacts() and vetLibrary()
  std::string reproducers;     // folder for those of crashes; empty: "crashes" in the cache's folder
};

// What tsc_lower takes.
struct LowerRequest {
  std::string tileBytes, kernel, target, emits;
  OptionList options;        // num_stages, opt_level, dump_ir, plugin, …
  double timeoutSeconds = 0; // of the compile itself, not of waiting for a worker; 0: none
  bool colour = false;       // ANSI escapes in the text of diagnostics
};

// tsc_target_info, owned.
struct TargetFacts {
  std::string name, plugin, pluginVersion, pluginBuild, unsupportedFp8;
  bool takesLayouts = false;
};

// A handle; copies mean the same job. A job whose last handle goes is cancelled.
class CompileJob {
public:
  CompileJob() = default;
  explicit operator bool() const { return state_ != nullptr; }

  static constexpr auto kForever = std::chrono::milliseconds::max();
  // Gives `sink` (or drops, where it is null) the events that have arrived and that no earlier call gave: diag, emit,
  // kernel and stage, in the worker's order. Returns true when the job is over, false when `atMost` has passed. What the
  // compile wrote to its standard error (dumps, --time-passes) is an emit of kind "log" at the end.
  bool wait(const tsc_sink *sink, std::chrono::milliseconds atMost = kForever);
  // The status; TSC_INTERNAL before wait() returned true.
  int32_t status() const;
  // Kills the worker, or takes the job out of the queue. Does nothing to a job that is over. Does not wait.
  void cancel();
  // Where the compile is: the last stage that the worker entered, and the plugin whose code runs in it. For messages.
  std::pair<std::string, std::string> stage() const;

  struct State;
  explicit CompileJob(std::shared_ptr<State> state) : state_(std::move(state)) {}

private:
  friend class CompileClient;
  std::shared_ptr<State> state_;
};

// Thread-safe, as the head of this file says.
class CompileClient {
public:
  explicit CompileClient(ClientOptions options);
  // Kills every worker; jobs that are not over count as cancelled.
  ~CompileClient();
  CompileClient(const CompileClient &) = delete;

  // The one of this process, made by the first call with these options (later options are ignored) and never destroyed.
  // In a forked child: a new one.
  static CompileClient &ofProcess(const ClientOptions &options);

  // Whether there is a worker program to run. Where there is none, compile in this process.
  static bool isInstalled(const ClientOptions &options);

  // Returns at once: to an idle worker, a new one, or the queue.
  CompileJob submit(LowerRequest request);

  // The facts of a target, asked in a worker once and remembered. With `sink`, diagnostics of a failure go there, and the
  // status (not TSC_OK) to `status`. `manifests`: plugins besides those found. Blocks while the plugin is loaded;
  // `interrupted` is asked every 20 ms on this thread, and true ends the wait with kCancelled, not the loading.
  std::optional<TargetFacts> targetFacts(const std::string &target, const std::vector<std::string> &manifests,
                                         const tsc_sink *sink, int32_t *status = nullptr,
                                         const std::function<bool()> &interrupted = {});
  // The same without waiting: the worker starts and loads the compiler and the target's plugin while the caller parses.
  void prepare(const std::string &target, const std::vector<std::string> &manifests);

  // Loads a plugin library in a worker, negotiates with it and throws the worker away: before this process loads a library
  // (a driver) for the first time. `role`: "compiler" or "driver". A status, with diagnostics: TSC_OK, it is sound, or
  // was found sound before (by its build id, remembered on disk beside the reproducers); TSC_INTERNAL, it crashed;
  // kCancelled, it took too long; TSC_UNAVAILABLE, it was refused, or there is no worker: this process may try, and will
  // be told.
  // `interrupted` as in targetFacts; true kills the worker.
  int32_t vetLibrary(const std::string &manifest, const std::string &role, const tsc_sink *sink,
                     const std::function<bool()> &interrupted = {});

  struct Counts {
    unsigned workers, idle, queued;
    uint64_t spawned, crashed; // ever
  };
  Counts counts() const;

  class Pool;

private:
  Pool &pool() const; // of this process: after a fork a new one
  CompileJob askFacts(Pool &pool, const std::string &target, const std::vector<std::string> &manifests) const;
  mutable std::atomic<Pool *> pool_;
};

} // namespace tessera::worker
