// Worker.cpp - the program `tessera-worker`: compiles what its socket asks for, one after the other, until the socket ends
//
// SPDX-License-Identifier: Apache-2.0
//
// Started by CompileClient with the path of the compiler library and the id of its parent; the socket is descriptor 3.
// What it compiles may crash it: everything is reported before it happens (Stage), and nothing is cleaned up.
#include "core/support/Diagnostic.h"
#include "frontends/worker/Protocol.h"
#include "plugins/loader/ElfNote.h"
#include "plugins/loader/Library.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <thread>
#include <unistd.h>

using namespace tessera;
using namespace tessera::worker;

namespace {

// Nobody waits for the rest any more once the socket is gone.
void sendFrame(MessageType type, const std::string &payload) {
  std::string head = frameHead(type, payload.size());
  iovec parts[2] = {{head.data(), head.size()}, {const_cast<char *>(payload.data()), payload.size()}};
  while (parts[0].iov_len + parts[1].iov_len) {
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = 2;
    ssize_t n = sendmsg(kWorkerSocket, &message, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      _exit(0);
    for (iovec &p : parts) {
      size_t here = std::min(p.iov_len, static_cast<size_t>(n));
      p.iov_base = static_cast<char *>(p.iov_base) + here;
      p.iov_len -= here;
      n -= static_cast<ssize_t>(here);
    }
  }
}

// The compiler library, opened by the first job that needs it.
struct Compiler {
  decltype(&tsc_lower) lower = nullptr;
  decltype(&tsc_target_facts) targetFacts = nullptr;

  // Empty, or why it cannot be used.
  std::string open(const char *path) {
    if (lower)
      return {};
    std::string error;
    OpenCompiler library = OpenCompiler::at(path, error);
    if (!library)
      return "the compiler library cannot be loaded: " + error;
    library.find(targetFacts, "tsc_target_facts", error) && library.find(lower, "tsc_lower", error);
    return error;
  }
};

// A job's events to the socket.
struct Reply {
  uint64_t job;
  tsc_sink sink;

  Reply(uint64_t id, uint32_t colour)
      : job(id), sink{sizeof(tsc_sink), colour, this, onDiag, onEmit, onKernel, onStage} {}
  Reply(const Reply &) = delete;

  void diag(const Diagnostic &d) {
    std::string rendered = renderDiagnostic(d, sink.colour), json = renderDiagnosticJson(d);
    onDiag(this, d.severity == Severity::Bug ? 3 : 0, view(rendered), view(json));
  }
  void fail(DiagId id, const std::string &message) {
    DiagnosticList list;
    diag(list.add(id, {}, message));
  }
  void done(int32_t status) {
    std::fflush(nullptr);
    sendFrame(MessageType::Done, DoneMessage{job, static_cast<uint32_t>(status)}.encode());
  }

private:
  static Reply &of(void *user) { return *static_cast<Reply *>(user); }
  static void onDiag(void *user, uint32_t severity, tsc_str rendered, tsc_str json) {
    sendFrame(MessageType::Diag, DiagMessage{of(user).job, severity, text(rendered), text(json)}.encode());
  }
  static void onEmit(void *user, tsc_str kind, tsc_str name, const void *bytes, uint64_t n) {
    EmitMessage m{of(user).job, text(kind), text(name), std::string(static_cast<const char *>(bytes), n)};
    sendFrame(MessageType::Emit, m.encode());
  }
  static void onStage(void *user, tsc_str stage, tsc_str plugin) {
    sendFrame(MessageType::Stage, StageMessage{of(user).job, text(stage), text(plugin)}.encode());
  }
  static void onKernel(void *user, const tsc_kernel_info *info) {
    KernelMessage m{KernelRecord(*info), of(user).job};
    sendFrame(MessageType::Kernel, m.encode());
  }
};

class Worker {
public:
  explicit Worker(const char *library) : library_(library) {}

  // False: not a message that a client sends.
  bool handle(const Frame &frame) {
    switch (frame.type) {
    case MessageType::Lower:
      if (auto m = LowerMessage::decode(frame.payload))
        return lower(*m), true;
      return false;
    case MessageType::TargetFacts:
      if (auto m = TargetFactsMessage::decode(frame.payload))
        return targetFacts(*m), true;
      return false;
    case MessageType::VetLibrary:
      if (auto m = VetLibraryMessage::decode(frame.payload))
        return vet(*m), true;
      return false;
    default:
      return false;
    }
  }

private:
  bool openCompiler(Reply &reply) {
    std::string problem = compiler_.open(library_);
    if (!problem.empty()) {
      reply.fail(DiagId::WorkerUnavailable, problem);
      reply.done(TSC_UNAVAILABLE);
    }
    return problem.empty();
  }

  void lower(const LowerMessage &m) {
    Reply reply(m.job, m.colour);
    if (!openCompiler(reply))
      return;
    LowerArguments arguments(m.kernel, m.target, m.emits, m.options);
    reply.done(compiler_.lower(m.tileBytes.data(), m.tileBytes.size(), arguments.request(), &reply.sink));
  }

  void targetFacts(const TargetFactsMessage &m) {
    Reply reply(m.job, m.colour);
    if (!openCompiler(reply))
      return;
    std::vector<tsc_str> manifests;
    for (const std::string &path : m.manifests)
      manifests.push_back(view(path));
    reply.done(compiler_.targetFacts(view(m.target), manifests.data(), static_cast<uint32_t>(manifests.size()),
                                     &reply.sink, &reply, [](void *user, const tsc_target_info *info) {
                                       FactsMessage f;
                                       f.job = static_cast<Reply *>(user)->job;
                                       f.takesLayouts = info->takes_layouts;
                                       f.name = text(info->name);
                                       f.plugin = text(info->plugin);
                                       f.pluginVersion = text(info->plugin_version);
                                       f.pluginBuild = text(info->plugin_build);
                                       f.unsupportedFp8 = text(info->unsupported_fp8);
                                       sendFrame(MessageType::Facts, f.encode());
                                     }));
  }

  void vet(const VetLibraryMessage &m) {
    Reply reply(m.job, m.colour);
    reply.sink.stage(reply.sink.user, {"load", 4}, {nullptr, 0});
    auto manifest = plugin::readManifest(m.manifest);
    if (!manifest) {
      reply.diag(manifest.failure().diagnostic());
      return reply.done(TSC_UNAVAILABLE);
    }
    reply.sink.stage(reply.sink.user, {"load", 4}, view(manifest->name));
    plugin::Role role = m.role == "driver" ? plugin::Role::Driver : plugin::Role::Compiler;
    auto library = plugin::Library::load(*manifest, role, {});
    if (!library)
      reply.diag(library.failure().diagnostic());
    reply.done(library ? TSC_OK : TSC_UNAVAILABLE);
  }

  const char *library_;
  Compiler compiler_;
};

// Ends this process and what it started: an assembler goes on for minutes where nobody waits for it. Async-signal-safe.
void endWithTools(int /*signal*/) {
  if (getpgrp() == getpid()) { // its group is its own, as WorkerProcess starts it
    signal(SIGTERM, SIG_IGN);
    ::kill(0, SIGTERM);
  }
  _exit(0);
}

// What a child process owes the machine it runs on.
bool settle(pid_t parent) {
  signal(SIGTERM, endWithTools);
  signal(SIGXFSZ, SIG_IGN); // a limit on the size of files is an error of the write
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) // it died before the line above
    return false;
  prctl(PR_SET_NAME, "tessera-worker");
  rlimit none{0, 0}; // a crash is reported, its core is in nobody's way
  setrlimit(RLIMIT_CORE, &none);
  // Where memory runs out, this process is the one to lose, not the program that started it.
  if (int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC); fd >= 0) {
    (void)!write(fd, "300", 3);
    close(fd);
  }
  // A compile that loops for ever looks at no socket: this does.
  std::thread([] {
    pollfd p{kWorkerSocket, POLLRDHUP, 0};
    while (poll(&p, 1, -1) < 0 && errno == EINTR)
      ;
    endWithTools(0);
  }).detach();
  return true;
}

std::string buildIdOf(const char *library) {
  plugin::LibraryFacts facts;
  return plugin::readLibraryFacts(library, facts).empty() ? facts.gnuBuildId : std::string();
}

} // namespace

int main(int argc, char **argv) {
  int type = 0;
  socklen_t size = sizeof type;
  if (argc != 3 || getsockopt(kWorkerSocket, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_STREAM) {
    std::fputs("tessera-worker is started by Tessera's compiler when it is needed; there is nothing to do by hand\n",
               stderr);
    return 2;
  }
  fcntl(kWorkerSocket, F_SETFD, FD_CLOEXEC); // a tool that a plugin starts must not hold it open
  if (!settle(static_cast<pid_t>(std::strtol(argv[2], nullptr, 10))))
    return 0;
  sendFrame(MessageType::Ready, ReadyMessage{kProtocolVersion, buildIdOf(argv[1])}.encode());
  Worker worker(argv[1]);
  FrameReader frames;
  static char buffer[1 << 16];
  for (;;) {
    while (std::optional<Frame> frame = frames.next())
      if (!worker.handle(*frame)) {
        std::fputs("a message that makes no sense\n", stderr);
        _exit(2);
      }
    if (frames.failed()) {
      std::fprintf(stderr, "%s\n", frames.error().c_str());
      _exit(2);
    }
    ssize_t n = recv(kWorkerSocket, buffer, sizeof buffer, 0);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      endWithTools(0); // the parent has no more work: tools that still run have nobody to answer either
    frames.feed({buffer, static_cast<size_t>(n)});
  }
}
