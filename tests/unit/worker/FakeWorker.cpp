// FakeWorker.cpp - speaks the worker's protocol and does what the job's target says: the pool's tests need no compiler
// SPDX-License-Identifier: Apache-2.0
#include "frontends/worker/Protocol.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace tessera::worker;

namespace {

void sendBytes(const std::string &bytes) {
  for (size_t at = 0; at < bytes.size();) {
    ssize_t n = send(kWorkerSocket, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
    if (n <= 0)
      _exit(0);
    at += static_cast<size_t>(n);
  }
}
void sendFrame(MessageType type, const std::string &payload) { sendBytes(frameHead(type, payload.size()) + payload); }

std::string descriptors() {
  std::string list;
  DIR *d = opendir("/proc/self/fd");
  while (dirent *e = readdir(d))
    if (int fd = std::atoi(e->d_name); e->d_name[0] != '.' && fd != dirfd(d))
      list += (list.empty() ? "" : " ") + std::to_string(fd);
  closedir(d);
  char target[256] = {};
  (void)!readlink("/proc/self/fd/0", target, sizeof target - 1);
  return list + " stdin=" + target;
}

void lower(const LowerMessage &m) {
  auto emit = [&](const char *kind, std::string bytes) {
    sendFrame(MessageType::Emit, EmitMessage{m.job, kind, m.kernel, std::move(bytes)}.encode());
  };
  auto done = [&](uint32_t status) { sendFrame(MessageType::Done, DoneMessage{m.job, status}.encode()); };
  const std::string &what = m.target;
  sendFrame(MessageType::Stage, StageMessage{m.job, "simplify", ""}.encode());
  sendFrame(MessageType::Stage, StageMessage{m.job, "compile", "fake"}.encode());
  emit("pid", std::to_string(getpid()));
  if (what == "abort") {
    std::fprintf(stderr, "first words\nLLVM ERROR: Cannot select: nothing\nlast words\n");
    std::abort();
  } else if (what == "segv") {
    std::signal(SIGSEGV, SIG_DFL); // a sanitizer's handler would say it in its own words
    std::raise(SIGSEGV);
  } else if (what == "exit") {
    std::exit(42);
  } else if (what == "kill") {
    std::raise(SIGKILL);
  } else if (what == "loop") {
    for (;;)
      pause();
  } else if (what == "hangup") { // closes its socket and lives on
    close(kWorkerSocket);
    for (;;)
      pause();
  } else if (what == "garbage") {
    sendBytes("all work and no play makes a dull worker");
    pause();
  } else if (what == "other job") {
    sendFrame(MessageType::Done, DoneMessage{m.job + 1, 0}.encode());
    pause();
  } else if (what == "wild status") {
    done(77);
  } else if (what.rfind("status ", 0) == 0) {
    done(static_cast<uint32_t>(std::atoi(what.c_str() + 7)));
  } else if (what == "slow") {
    usleep(100 * 1000);
    done(0);
  } else if (what == "fds") {
    emit("fds", descriptors());
    done(0);
  } else if (what == "large") {
    emit("artifact", std::string(32 << 20, 'x'));
    done(0);
  } else if (what == "log") {
    for (int i = 0; i < 100000; ++i)
      std::printf("line %d\n", i);
    std::fflush(stdout);
    done(0);
  } else if (what == "error") {
    sendFrame(MessageType::Diag, DiagMessage{m.job, 0, "k.py:1:1: error", "{}"}.encode());
    done(1);
  } else {
    KernelMessage k;
    k.job = m.job;
    k.name = m.kernel;
    k.argBytes = 8;
    k.args = {{"x", 0, 8, 2, 1}};
    sendFrame(MessageType::Kernel, k.encode());
    emit("artifact", m.tileBytes + "!" + m.emits);
    done(0);
  }
}

} // namespace

int main(int argc, char **argv) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  std::string library = argc > 1 ? argv[1] : "";
  if (library == "silent") // never says that it is ready
    for (;;)
      pause();
  if (library == "broken") {
    std::fprintf(stderr, "error while loading shared libraries\n");
    return 127;
  }
  sendFrame(MessageType::Ready, ReadyMessage{kProtocolVersion, "build-1"}.encode());
  FrameReader frames;
  char buffer[1 << 16];
  for (;;) {
    while (auto frame = frames.next()) {
      if (frame->type == MessageType::Lower)
        lower(*LowerMessage::decode(frame->payload));
      if (frame->type == MessageType::TargetFacts) {
        auto m = TargetFactsMessage::decode(frame->payload);
        if (m->target == "abort")
          std::abort();
        while (m->target == "loop")
          pause();
        bool known = m->target != "unknown";
        if (known)
          sendFrame(MessageType::Facts, FactsMessage{m->job, 1, m->target, "fake", "1.0", "ab", "fp8e4nv"}.encode());
        else
          sendFrame(MessageType::Diag, DiagMessage{m->job, 0, "no such target", "{}"}.encode());
        sendFrame(MessageType::Done, DoneMessage{m->job, known ? 0u : 4u}.encode());
      }
      if (frame->type == MessageType::VetLibrary) {
        auto m = VetLibraryMessage::decode(frame->payload);
        sendFrame(MessageType::Stage, StageMessage{m->job, "load", "p"}.encode());
        if (m->manifest.find("abort") != std::string::npos)
          std::abort();
        while (m->manifest.find("loop") != std::string::npos)
          pause();
        sendFrame(MessageType::Done, DoneMessage{m->job, 0}.encode());
      }
    }
    ssize_t n = recv(kWorkerSocket, buffer, sizeof buffer, 0);
    if (n <= 0)
      return 0;
    frames.feed({buffer, static_cast<size_t>(n)});
  }
}
