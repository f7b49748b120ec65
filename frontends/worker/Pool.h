// Pool.h - the worker processes of one client and the thread that serves them
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "frontends/worker/JobState.h"
#include "frontends/worker/WorkerProcess.h"

#include <array>
#include <chrono>
#include <map>
#include <thread>

namespace tessera::worker {

// Thread-safe but for construction and destruction. Everything about processes happens on its one thread.
class CompileClient::Pool {
public:
  explicit Pool(ClientOptions options);
  ~Pool();

  // Of another process: made before this process was forked. Then nothing but abandon() may be called.
  bool isForeign() const;
  // Closes this process's copies of the parent's descriptors; the object is left as it is, its locks may be held for ever.
  void abandon();

  void submit(std::shared_ptr<CompileJob::State> job);
  Counts counts() const;

  ClientOptions options;
  const int pid;
  const std::shared_ptr<WakeUp> wakeUp = std::make_shared<WakeUp>();

  // Answers of targetFacts(), by target and manifests.
  std::mutex factsMutex;
  std::map<std::string, CompileJob> facts;

private:
  using Clock = std::chrono::steady_clock;
  struct Worker {
    std::unique_ptr<WorkerProcess> process;
    std::array<int, 2> descriptors{};       // as remembered for a forked child
    std::shared_ptr<CompileJob::State> job; // null: idle
    bool ready = false;                     // said so
    std::string target;                     // of its last job: it has that plugin loaded
    Clock::time_point startBy, jobBy;       // when patience ends; max: never
    std::string gone;                       // not empty: it has ended or must, and why
    bool timedOut = false, unusable = false;
  };

  void run();
  void poll();
  void dispatch();
  Worker *choose(const CompileJob::State &job);
  Worker *start(CompileJob::State &job);
  void give(Worker &worker, std::shared_ptr<CompileJob::State> job);
  void serve(Worker &worker, short socketEvents, short logEvents);
  void take(Worker &worker, const Frame &frame);
  void finish(Worker &worker, int32_t status);
  void checkLimits(Worker &worker);
  void bury(Worker &worker);
  void reportEnd(Worker &worker, const std::string &end, const std::string &log);
  void remember(int fd);
  void forget(int fd);
  unsigned limit() const;

  std::vector<std::unique_ptr<Worker>> workers_; // the thread's own
  mutable std::mutex mutex_;
  std::deque<std::shared_ptr<CompileJob::State>> queue_; // guarded
  bool stop_ = false;                                    // guarded
  Counts counts_{};                                      // guarded
  std::thread thread_;                                   // guarded; runs from the first job on
  // For a forked child, which can take no lock: open descriptors, -1 where free.
  std::array<std::atomic<int>, 512> descriptors_;
};

} // namespace tessera::worker
