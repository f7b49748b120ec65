// WorkerProcess.cpp - posix_spawn, the socket, the end
// SPDX-License-Identifier: Apache-2.0
#include "frontends/worker/WorkerProcess.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern "C" { // glibc 2.36 forgot to say so for C++
#include <sys/pidfd.h>
}

extern char **environ;

namespace tessera::worker {

namespace {

constexpr size_t kLogLimit = size_t(16) << 20;

// Moves a descriptor above the ones that a spawn fills, so that it overwrites none that it still needs.
int aboveStandard(int fd) {
  if (fd < 0 || fd > 9)
    return fd;
  int moved = fcntl(fd, F_DUPFD_CLOEXEC, 10);
  close(fd);
  return moved;
}

std::string signalText(int number) {
  const char *name = sigabbrev_np(number);
  std::string text = "signal " + std::to_string(number) + (name ? std::string(" (SIG") + name + ")" : "");
  if (number == SIGKILL)
    text += ", as the system does to what takes too much memory";
  return text;
}

// Descriptors of one spawn, closed unless taken.
struct Ends {
  int mine = -1, child = -1, logRead = -1, logWrite = -1;
  ~Ends() {
    for (int fd : {mine, child, logRead, logWrite})
      if (fd >= 0)
        close(fd);
  }
  bool open() {
    int pair[2], pipes[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
      return false;
    mine = aboveStandard(pair[0]);
    child = aboveStandard(pair[1]);
    if (pipe2(pipes, O_CLOEXEC) != 0)
      return false;
    logRead = aboveStandard(pipes[0]);
    logWrite = aboveStandard(pipes[1]);
    if (mine < 0 || child < 0 || logRead < 0 || logWrite < 0)
      return false;
    fcntl(mine, F_SETFL, O_NONBLOCK);
    fcntl(logRead, F_SETFL, O_NONBLOCK);
    return true;
  }
};

} // namespace

std::unique_ptr<WorkerProcess> WorkerProcess::spawn(const std::string &program, const std::string &compilerLibrary,
                                                    std::string &error) {
  if (program.find('/') == std::string::npos) { // nothing of the current folder is run by accident
    error = "no path of tessera-worker is known" + (program.empty() ? "" : ", only '" + program + "'");
    return nullptr;
  }
  Ends ends;
  if (!ends.open()) {
    error = std::strerror(errno);
    return nullptr;
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, ends.logWrite, 1);
  posix_spawn_file_actions_adddup2(&actions, ends.logWrite, 2);
  posix_spawn_file_actions_adddup2(&actions, ends.child, kWorkerSocket);
  posix_spawn_file_actions_addclosefrom_np(&actions, kWorkerSocket + 1);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  // A group of its own: Ctrl-C at the terminal is the parent's to handle.
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  std::string parent = std::to_string(getpid());
  const char *argv[] = {program.c_str(), compilerLibrary.c_str(), parent.c_str(), nullptr};
  pid_t pid = -1;
  int failure = posix_spawn(&pid, program.c_str(), &actions, &attributes, const_cast<char **>(argv), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (failure) {
    error = program + ": " + std::strerror(failure);
    return nullptr;
  }
  std::unique_ptr<WorkerProcess> w(new WorkerProcess);
  w->pid_ = pid;
  // Signals through a descriptor reach this child or nobody, whoever reaped it meanwhile.
  w->pidfd_ = pidfd_open(pid, 0);
  w->socket_ = std::exchange(ends.mine, -1);
  w->log_ = std::exchange(ends.logRead, -1);
  return w;
}

WorkerProcess::~WorkerProcess() {
  if (!reaped_) {
    kill();
    waitForEnd();
  }
  for (int fd : {socket_, log_, pidfd_})
    if (fd >= 0)
      close(fd);
}

bool WorkerProcess::send(MessageType type, const std::string &payload) {
  unsent_ += frameHead(type, payload.size());
  unsent_ += payload;
  return flush();
}

bool WorkerProcess::flush() {
  while (sent_ < unsent_.size()) {
    ssize_t n = ::send(socket_, unsent_.data() + sent_, unsent_.size() - sent_, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return errno == EAGAIN || errno == EWOULDBLOCK;
    sent_ += static_cast<size_t>(n);
  }
  unsent_.clear();
  sent_ = 0;
  if (unsent_.capacity() > (1 << 20))
    unsent_.shrink_to_fit();
  return true;
}

bool WorkerProcess::receive() {
  char buffer[1 << 16];
  for (;;) {
    ssize_t n = recv(socket_, buffer, sizeof buffer, MSG_DONTWAIT);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return errno == EAGAIN || errno == EWOULDBLOCK;
    if (n == 0)
      return false;
    frames_.feed({buffer, static_cast<size_t>(n)});
    if (frames_.failed())
      return false;
    if (static_cast<size_t>(n) < sizeof buffer)
      return true;
  }
}

void WorkerProcess::readLog() {
  char buffer[1 << 14];
  while (!logEnded_) {
    ssize_t n = read(log_, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return;
    logEnded_ = n == 0;
    // What comes first tells most; the end is what a crash says, and is kept instead of the middle.
    if (logText_.size() + static_cast<size_t>(n) > kLogLimit)
      logText_.replace(kLogLimit / 2, kLogLimit / 4, "\n[...]\n");
    logText_.append(buffer, static_cast<size_t>(n));
  }
}

std::string WorkerProcess::takeLog() {
  readLog();
  return std::exchange(logText_, {});
}

void WorkerProcess::kill() {
  killed_ = true;
  if (reaped_)
    return;
  // Not reaped, so the number is still its own, and so is the group.
  ::kill(-pid_, SIGKILL);
  if (pidfd_ < 0)
    ::kill(pid_, SIGKILL);
  else
    pidfd_send_signal(pidfd_, SIGKILL, nullptr, 0);
}

std::string WorkerProcess::waitForEnd() {
  if (!killed_ && pidfd_ >= 0) {
    // Its socket closed, so it is ending, unless its code closed the socket: then it is not to go on.
    pollfd p{pidfd_, POLLIN, 0};
    if (poll(&p, 1, 500) == 0)
      kill();
  }
  siginfo_t info{};
  int result;
  do
    result = pidfd_ < 0 ? waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED)
                        : waitid(P_PIDFD, static_cast<id_t>(pidfd_), &info, WEXITED);
  while (result != 0 && errno == EINTR);
  reaped_ = true;
  if (result != 0) // somebody else took the status: a host that waits for any child, or ignores SIGCHLD
    return "ended; how, this process did not get to see";
  return "ended with " +
         (info.si_code == CLD_EXITED ? "exit code " + std::to_string(info.si_status) : signalText(info.si_status));
}

} // namespace tessera::worker
