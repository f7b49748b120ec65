// WorkerProcess.h - one child process: started, fed, ended
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "frontends/worker/Protocol.h"

#include <memory>
#include <string>
#include <sys/types.h>

namespace tessera::worker {

// Not thread-safe: one thread owns it, and must live as long as the child (the kernel kills the child when the thread that
// spawned it ends). The descriptors are non-blocking and close on exec.
class WorkerProcess {
public:
  // Null, and `error`, where it cannot be started. stdin is /dev/null, stdout and stderr go to log(); nothing else is
  // inherited but the socket.
  static std::unique_ptr<WorkerProcess> spawn(const std::string &program, const std::string &compilerLibrary,
                                              std::string &error);
  // Kills it, and waits for its end.
  ~WorkerProcess();
  WorkerProcess(const WorkerProcess &) = delete;

  int socket() const { return socket_; }
  int logPipe() const { return logEnded_ ? -1 : log_; } // -1: it will say no more
  pid_t pid() const { return pid_; }

  // Sends what is queued as far as the socket takes it. False: the worker has gone.
  bool send(MessageType type, const std::string &payload);
  bool flush();
  bool hasUnsent() const { return sent_ < unsent_.size(); }
  // Reads what has arrived. False: the worker has gone or sent nonsense, and frames that came before are still there.
  bool receive();
  std::optional<Frame> nextFrame() { return frames_.next(); }
  const std::string &protocolError() const { return frames_.error(); }
  // What it wrote to stdout and stderr since the last takeLog(); at most 16 MiB are kept.
  void readLog();
  std::string takeLog();

  // With whatever it has started (a plugin may run tools).
  void kill();
  // Waits for the end, killing it if it does not come soon, and says how it ended: "ended with signal 6 (SIGABRT)", "ended with exit code 1".
  std::string waitForEnd();

private:
  WorkerProcess() = default;
  int socket_ = -1, log_ = -1, pidfd_ = -1;
  pid_t pid_ = -1;
  bool killed_ = false, reaped_ = false, logEnded_ = false;
  FrameReader frames_;
  std::string unsent_, logText_;
  size_t sent_ = 0;
};

} // namespace tessera::worker
