// JobState.h - one job as its handle and the pool's thread share it
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/support/Diagnostic.h"
#include "frontends/worker/CompileClient.h"
#include "frontends/worker/Protocol.h"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <variant>
#include <vector>

namespace tessera::worker {

// Wakes the pool's thread; lives as long as anybody may want to.
class WakeUp {
public:
  WakeUp();
  ~WakeUp();
  WakeUp(const WakeUp &) = delete;
  void signal() const;
  void clear() const;
  int fd() const { return fd_; }

private:
  int fd_;
};

using JobEvent = std::variant<StageMessage, DiagMessage, EmitMessage, KernelMessage>;

struct CompileJob::State {
  enum class Kind { Lower, Facts, Vet };

  // Set once, before the pool sees it. (`pid`: a fork's child holds a copy that nobody works on.)
  Kind kind = Kind::Lower;
  uint64_t id = 0;
  int pid = 0;
  LowerRequest lower;
  TargetFactsMessage factsRequest;
  VetLibraryMessage vet;
  std::shared_ptr<WakeUp> wakeUp;

  bool retried = false; // the pool's thread's own: it met a worker that was dead already

  std::atomic<bool> cancelled{false};

  mutable std::mutex mutex; // guards what follows
  std::condition_variable changed;
  std::deque<JobEvent> events;
  uint64_t eventBytes = 0;
  std::string stage, plugin;
  FactsMessage facts;
  std::vector<DiagMessage> kept; // of Facts: whoever asks gets them, not only the first
  int32_t status = TSC_INTERNAL;
  bool done = false;

  bool ofThisProcess() const;
  const std::string &targetName() const { return kind == Kind::Lower ? lower.target : factsRequest.target; }
  bool colour() const { return kind == Kind::Lower && lower.colour; }
  // "the compile of kernel 'k' for target 'native'", for messages.
  std::string what() const;

  void add(JobEvent event, uint64_t bytes);
  void add(DiagMessage m);
  void add(const Diagnostic &d);
  void finish(int32_t status);
};

} // namespace tessera::worker
