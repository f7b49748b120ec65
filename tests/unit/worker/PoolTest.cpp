// PoolTest.cpp - the client against a worker that does whatever its job says: order, crashes, limits, forks, leaks
// SPDX-License-Identifier: Apache-2.0
#include "frontends/worker/CompileClient.h"

#include <atomic>
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <functional>
#include <gtest/gtest.h>
#include <map>
#include <random>
#include <sstream>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace tessera::worker;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WITH_TSAN 1 // which cannot follow a fork of a process with threads
#endif
#endif
#ifndef WITH_TSAN
#define WITH_TSAN 0
#endif

namespace {

// Everything that one job gave.
struct Record {
  std::vector<std::string> events; // "stage compile fake", "emit artifact", …
  std::map<std::string, std::string> outputs;
  std::string diags, json;
  tsc_sink sink{sizeof(tsc_sink), 0, this, onDiag, onEmit, onKernel, onStage};

  static Record &of(void *user) { return *static_cast<Record *>(user); }
  static std::string text(tsc_str s) { return std::string(s.p, s.n); }
  static void onDiag(void *user, uint32_t severity, tsc_str rendered, tsc_str json) {
    of(user).events.push_back("diag " + std::to_string(severity));
    of(user).diags += text(rendered);
    of(user).json += text(json);
  }
  static void onEmit(void *user, tsc_str kind, tsc_str, const void *bytes, uint64_t n) {
    of(user).events.push_back("emit " + text(kind));
    of(user).outputs[text(kind)].assign(static_cast<const char *>(bytes), n);
  }
  static void onKernel(void *user, const tsc_kernel_info *info) {
    of(user).events.push_back("kernel " + text(info->name) + " " + std::to_string(info->num_args) + " " +
                              text(info->args[0].name));
  }
  static void onStage(void *user, tsc_str stage, tsc_str plugin) {
    of(user).events.push_back("stage " + text(stage) + " " + text(plugin));
  }
  pid_t pid() { return std::atoi(outputs["pid"].c_str()); }
};

struct Folder {
  std::string path;
  Folder() {
    char name[] = "/tmp/tessera-pool-XXXXXX";
    path = mkdtemp(name);
  }
  ~Folder() { fs::remove_all(path); }
};

struct Pool : testing::Test {
  Folder folder;
  ClientOptions options(unsigned workers = 2) const {
    return {"library", TESSERA_FAKE_WORKER, "build-1", workers, 60, folder.path + "/crashes"};
  }
  static LowerRequest job(std::string target) { return {"bytes", "k", std::move(target), "artifact", {{"a", "b"}}}; }
};

// The status of one job, waited for; 30 s are for ever here.
int32_t finish(CompileJob job, Record &record) {
  EXPECT_TRUE(job.wait(&record.sink, 30s));
  return job.status();
}

bool isAlive(pid_t pid) {
  // A zombie counts as dead: it only waits for init.
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string id, name, state;
  return (stat >> id >> name >> state) && state != "Z" && state != "X";
}

bool diesSoon(pid_t pid) {
  for (int i = 0; i < 500 && isAlive(pid); ++i)
    usleep(10000);
  return !isAlive(pid);
}

TEST_F(Pool, EventsArriveInOrderAndTheWorkerStaysWarm) {
  CompileClient client(options());
  Record first, second;
  EXPECT_EQ(finish(client.submit(job("ok")), first), TSC_OK);
  EXPECT_EQ(first.events, (std::vector<std::string>{"stage simplify ", "stage compile fake", "emit pid", "kernel k 1 x",
                                                    "emit artifact"}));
  EXPECT_EQ(first.outputs["artifact"], "bytes!artifact");
  EXPECT_EQ(finish(client.submit(job("error")), second), TSC_USER_ERROR);
  EXPECT_EQ(second.diags, "k.py:1:1: error");
  EXPECT_EQ(first.pid(), second.pid());
  EXPECT_EQ(client.counts().spawned, 1u);
}

TEST_F(Pool, JobsRunAtOnceUpToTheLimit) {
  CompileClient client(options(3));
  std::vector<CompileJob> jobs;
  auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 9; ++i)
    jobs.push_back(client.submit(job("slow")));
  for (CompileJob &j : jobs) {
    Record r;
    EXPECT_EQ(finish(j, r), TSC_OK);
  }
  // Nine times 100 ms by three workers; one after the other would be 900 ms.
  EXPECT_LT(std::chrono::steady_clock::now() - start, 800ms);
  EXPECT_EQ(client.counts().spawned, 3u);
}

TEST_F(Pool, ACrashNamesStagePluginAndReproducer) {
  CompileClient client(options());
  struct Case {
    const char *target, *needle;
  };
  for (Case c : {Case{"abort", "ended with signal 6 (SIGABRT): LLVM ERROR: Cannot select: nothing"},
                 Case{"segv", "ended with signal 11 (SIGSEGV)"}, Case{"exit", "ended with exit code 42"},
                 Case{"kill", "takes too much memory"}, Case{"garbage", "sent bytes that are no message"},
                 Case{"other job", "makes no sense"}, Case{"hangup", "ended with signal 9"}}) {
    Record r;
    EXPECT_EQ(finish(client.submit(job(c.target)), r), TSC_INTERNAL) << c.target;
    EXPECT_NE(r.diags.find(c.needle), std::string::npos) << r.diags;
    EXPECT_NE(r.diags.find("internal error[E0003]"), std::string::npos) << r.diags;
    EXPECT_NE(r.diags.find("in stage 'compile' of plugin fake"), std::string::npos) << r.diags;
    EXPECT_NE(r.diags.find("tessera compile --from-tile "), std::string::npos) << r.diags;
    size_t at = r.diags.find("reproducer: ");
    ASSERT_NE(at, std::string::npos) << r.diags;
    std::string directory = r.diags.substr(at + 12, r.diags.find('\n', at) - at - 12);
    std::ifstream tile(directory + "/kernel.tile"), request(directory + "/request.json");
    std::stringstream tileText, requestText;
    tileText << tile.rdbuf();
    requestText << request.rdbuf();
    EXPECT_EQ(tileText.str(), "bytes");
    EXPECT_NE(requestText.str().find(std::string("\"target\": \"") + c.target + "\""), std::string::npos)
        << requestText.str();
    EXPECT_NE(requestText.str().find("[\"a\", \"b\"]"), std::string::npos);
    EXPECT_TRUE(diesSoon(r.pid())) << c.target;
    Record next;
    EXPECT_EQ(finish(client.submit(job("ok")), next), TSC_OK) << "a fresh worker after " << c.target;
    EXPECT_NE(next.pid(), r.pid());
  }
  EXPECT_EQ(client.counts().crashed, 7u);
}

TEST_F(Pool, TheSameCrashWritesTheSameFolder) {
  CompileClient client(options());
  for (int i = 0; i < 3; ++i) {
    Record r;
    finish(client.submit(job("abort")), r);
  }
  size_t folders = 0;
  for (const auto &entry : fs::directory_iterator(folder.path + "/crashes"))
    folders += entry.is_directory();
  EXPECT_EQ(folders, 1u);
}

TEST_F(Pool, AReproducerFolderThatCannotBeWrittenIsReplaced) {
  ClientOptions o = options();
  std::ofstream(folder.path + "/file") << "not a folder";
  o.reproducers = folder.path + "/file/crashes";
  CompileClient client(o);
  Record r;
  EXPECT_EQ(finish(client.submit(job("abort")), r), TSC_INTERNAL);
  size_t at = r.diags.find("reproducer: ");
  ASSERT_NE(at, std::string::npos) << r.diags;
  std::string directory = r.diags.substr(at + 12, r.diags.find('\n', at) - at - 12);
  EXPECT_TRUE(fs::exists(directory + "/kernel.tile")) << directory;
  fs::remove_all(directory);
}

TEST_F(Pool, AStatusThatNobodyKnowsIsADefect) {
  CompileClient client(options());
  Record r;
  EXPECT_EQ(finish(client.submit(job("wild status")), r), TSC_INTERNAL);
}

TEST_F(Pool, EveryStatusOfTheCompilerComesThrough) {
  CompileClient client(options());
  for (int32_t status : {TSC_OK, TSC_USER_ERROR, TSC_USAGE, TSC_INTERNAL, TSC_UNAVAILABLE}) {
    Record r;
    EXPECT_EQ(finish(client.submit(job("status " + std::to_string(status))), r), status);
  }
}

TEST_F(Pool, CancellingKillsARunningJobAndDropsAQueuedOne) {
  CompileClient client(options(1));
  CompileJob running = client.submit(job("loop")), queued = client.submit(job("ok"));
  Record r, q, after;
  EXPECT_FALSE(running.wait(&r.sink, 300ms));
  EXPECT_EQ(running.stage(), (std::pair<std::string, std::string>("compile", "fake")));
  std::thread([job = queued]() mutable { job.cancel(); }).join();
  EXPECT_EQ(finish(queued, q), kCancelled);
  EXPECT_NE(q.diags.find("E0504"), std::string::npos) << q.diags;
  std::thread([job = running]() mutable { job.cancel(); }).join();
  EXPECT_EQ(finish(running, r), kCancelled);
  EXPECT_NE(r.diags.find("error[E0504]"), std::string::npos) << r.diags;
  EXPECT_TRUE(diesSoon(r.pid()));
  EXPECT_EQ(finish(client.submit(job("ok")), after), TSC_OK);
  EXPECT_EQ(client.counts().crashed, 0u) << "a cancelled job is no crash";
  EXPECT_FALSE(fs::exists(folder.path + "/crashes"));
  after = {};
  running.cancel(); // over: does nothing
  EXPECT_EQ(running.status(), kCancelled);
}

TEST_F(Pool, AJobWithoutAnOwnerIsCancelled) {
  CompileClient client(options(1));
  Record r;
  {
    CompileJob abandoned = client.submit(job("loop"));
    EXPECT_FALSE(abandoned.wait(&r.sink, 300ms));
    ASSERT_GT(r.pid(), 0);
  }
  EXPECT_TRUE(diesSoon(r.pid()));
  Record after;
  EXPECT_EQ(finish(client.submit(job("ok")), after), TSC_OK);
}

TEST_F(Pool, ALoopEndsAtItsTimeLimit) {
  CompileClient client(options(1));
  LowerRequest looping = job("loop");
  looping.timeoutSeconds = 0.25;
  auto start = std::chrono::steady_clock::now();
  Record r, after;
  EXPECT_EQ(finish(client.submit(looping), r), kCancelled);
  EXPECT_GE(std::chrono::steady_clock::now() - start, 250ms);
  EXPECT_NE(r.diags.find("error[E0503]"), std::string::npos) << r.diags;
  EXPECT_NE(r.diags.find("took longer than 0.25 s in stage 'compile' of plugin fake"), std::string::npos) << r.diags;
  EXPECT_TRUE(diesSoon(r.pid()));
  LowerRequest inTime = job("ok");
  inTime.timeoutSeconds = 30;
  EXPECT_EQ(finish(client.submit(inTime), after), TSC_OK);
}

TEST_F(Pool, WhatCannotStartIsUnavailable) {
  struct Case {
    const char *library, *program, *build, *needle;
  };
  for (Case c :
       {Case{"l", "/nonexistent/tessera-worker", "", "No such file or directory"},
        Case{"l", "/etc/passwd", "", "Permission denied"}, Case{"l", "/bin/false", "", "exit code 1"},
        Case{"broken", TESSERA_FAKE_WORKER, "", "error while loading shared libraries"},
        Case{"l", TESSERA_FAKE_WORKER, "build-2", "of another build than this process (build-1, not build-2)"}}) {
    ClientOptions o = options();
    o.compilerLibrary = c.library;
    o.program = c.program;
    o.buildId = c.build;
    CompileClient client(o);
    for (int twice = 0; twice < 2; ++twice) {
      Record r;
      EXPECT_EQ(finish(client.submit(job("ok")), r), TSC_UNAVAILABLE) << c.program;
      EXPECT_NE(r.diags.find("E0407"), std::string::npos) << r.diags;
      EXPECT_NE(r.diags.find(c.needle), std::string::npos) << r.diags;
    }
  }
}

TEST_F(Pool, AWorkerThatNeverGetsReadyCanBeCancelled) {
  ClientOptions o = options();
  o.compilerLibrary = "silent";
  CompileClient client(o);
  CompileJob j = client.submit(job("ok"));
  EXPECT_FALSE(j.wait(nullptr, 100ms));
  j.cancel();
  Record r;
  EXPECT_EQ(finish(j, r), kCancelled);
}

TEST_F(Pool, AHostThatIgnoresItsChildrenHasCrashesToo) {
  auto before = std::signal(SIGCHLD, SIG_IGN);
  {
    CompileClient client(options(1));
    Record r, after;
    EXPECT_EQ(finish(client.submit(job("segv")), r), TSC_INTERNAL);
    EXPECT_NE(r.diags.find("the worker ended; how, this process did not get to see"), std::string::npos) << r.diags;
    EXPECT_EQ(finish(client.submit(job("ok")), after), TSC_OK);
  }
  std::signal(SIGCHLD, before);
}

TEST_F(Pool, AnIdleWorkerThatIsKilledIsReplaced) {
  CompileClient client(options(1));
  Record first, second;
  ASSERT_EQ(finish(client.submit(job("ok")), first), TSC_OK);
  kill(first.pid(), SIGKILL);
  EXPECT_EQ(finish(client.submit(job("ok")), second), TSC_OK); // whether the pool has heard of it or not
  EXPECT_EQ(second.diags, "");
  EXPECT_EQ(client.counts().crashed, 0u);
}

TEST_F(Pool, TheWorkerInheritsNothing) {
  int open = ::open("/dev/null", O_RDONLY); // not close-on-exec, on purpose
  int high = fcntl(open, F_DUPFD, 200);
  CompileClient client(options());
  Record r;
  EXPECT_EQ(finish(client.submit(job("fds")), r), TSC_OK);
  EXPECT_EQ(r.outputs["fds"], "0 1 2 3 stdin=/dev/null");
  close(open);
  close(high);
}

TEST_F(Pool, StandardErrorAndLargeOutputsComeWhole) {
  CompileClient client(options());
  Record log, large;
  EXPECT_EQ(finish(client.submit(job("log")), log), TSC_OK);
  EXPECT_EQ(log.outputs["log"].rfind("line 0\n", 0), 0u);
  EXPECT_NE(log.outputs["log"].find("line 99999\n"), std::string::npos);
  EXPECT_EQ(finish(client.submit(job("large")), large), TSC_OK);
  EXPECT_EQ(large.outputs["artifact"].size(), size_t(32) << 20);
}

TEST_F(Pool, FactsAreAskedOnceAndFailuresAgain) {
  CompileClient client(options());
  client.prepare("sm", {});
  auto facts = client.targetFacts("sm", {}, nullptr);
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->plugin, "fake");
  EXPECT_EQ(facts->unsupportedFp8, "fp8e4nv");
  EXPECT_TRUE(facts->takesLayouts);
  EXPECT_TRUE(client.targetFacts("sm", {}, nullptr));
  std::vector<std::thread> threads;
  std::atomic<int> told{0};
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      Record r;
      int32_t status = 0;
      bool none = !client.targetFacts("unknown", {}, &r.sink, &status);
      told += none && status == TSC_UNAVAILABLE && r.diags == "no such target";
    });
  for (std::thread &t : threads)
    t.join();
  EXPECT_EQ(told, 4) << "everybody who asks is told why";
  Record r;
  int32_t status = 0;
  EXPECT_FALSE(client.targetFacts("abort", {}, &r.sink, &status));
  EXPECT_EQ(status, TSC_INTERNAL);
  EXPECT_NE(r.diags.find("E0003"), std::string::npos) << r.diags;
}

TEST_F(Pool, ALibraryIsVettedInAWorkerOfItsOwn) {
  CompileClient client(options(1));
  Record r, bad;
  EXPECT_EQ(client.vetLibrary("/good.tessera.json", "driver", &r.sink), TSC_OK);
  EXPECT_EQ(client.vetLibrary("/abort.tessera.json", "driver", &bad.sink), TSC_INTERNAL);
  EXPECT_NE(bad.diags.find("in stage 'load' of plugin p"), std::string::npos) << bad.diags;
  for (int i = 0; i < 500 && client.counts().workers; ++i)
    usleep(10000);
  EXPECT_EQ(client.counts().workers, 0u);
}

TEST_F(Pool, WaitingForFactsCanBeInterrupted) {
  CompileClient client(options());
  int asked = 0;
  int32_t status = 0;
  EXPECT_FALSE(client.targetFacts("loop", {}, nullptr, &status, [&] { return ++asked == 3; }));
  EXPECT_EQ(status, kCancelled);
  EXPECT_EQ(asked, 3);
  EXPECT_TRUE(client.targetFacts("sm", {}, nullptr, &status, [] { return false; })) << "another worker answers";
}

TEST_F(Pool, APluginThatLoadsForEverRunsOutOfTime) {
  ClientOptions o = options();
  o.loadSeconds = 0.25;
  CompileClient client(o);
  Record facts, vet;
  int32_t status = 0;
  EXPECT_FALSE(client.targetFacts("loop", {}, &facts.sink, &status));
  EXPECT_EQ(status, kCancelled);
  EXPECT_NE(facts.diags.find("loading the plugin of target 'loop' took longer than 0.25 s"), std::string::npos)
      << facts.diags;
  EXPECT_EQ(client.vetLibrary("/loop.tessera.json", "driver", &vet.sink), kCancelled);
  EXPECT_NE(vet.diags.find("took longer than 0.25 s in stage 'load' of plugin p"), std::string::npos) << vet.diags;
}

TEST_F(Pool, ManyJobsLeakNothing) {
  CompileClient client(options(2));
  auto descriptors = [] {
    return static_cast<size_t>(std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator()));
  };
  auto some = [&](int n) {
    for (int i = 0; i < n; ++i) {
      Record r;
      EXPECT_EQ(finish(client.submit(job(i % 10 == 9 ? "exit" : "ok")), r), i % 10 == 9 ? TSC_INTERNAL : TSC_OK);
    }
  };
  some(20);
  size_t before = descriptors();
  some(200);
  // Two workers at most, as before; a crash may just have closed one's three descriptors.
  EXPECT_LE(descriptors(), before + 3);
  EXPECT_GE(descriptors() + 6, before);
}

TEST_F(Pool, ThreadsSubmitWaitAndCancelAtOnce) {
  CompileClient client(options(4));
  std::atomic<int> ok{0}, cancelled{0}, crashed{0}, other{0};
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 6; ++t)
    threads.emplace_back([&, t] {
      std::mt19937 random(t);
      for (int i = 0; i < 25; ++i) {
        const char *targets[] = {"ok", "ok", "log", "loop", "segv", "error"};
        std::string target = targets[random() % 6];
        CompileJob j = client.submit(job(target));
        Record r;
        if (target == "loop" || random() % 4 == 0) {
          j.wait(&r.sink, std::chrono::milliseconds(random() % 20));
          j.cancel();
        }
        int32_t status = finish(j, r);
        ++(status == TSC_OK || status == TSC_USER_ERROR ? ok
           : status == kCancelled                       ? cancelled
           : status == TSC_INTERNAL                     ? crashed
                                                        : other);
      }
    });
  for (std::thread &t : threads)
    t.join();
  EXPECT_EQ(ok + cancelled + crashed, 150);
  EXPECT_EQ(other, 0);
  EXPECT_GT(ok, 0);
  EXPECT_GT(cancelled, 0);
}

TEST_F(Pool, DestroyingTheClientEndsItsJobs) {
  CompileJob running, queued;
  Record r, q;
  {
    CompileClient client(options(1));
    running = client.submit(job("loop"));
    queued = client.submit(job("ok"));
    EXPECT_FALSE(running.wait(&r.sink, 300ms));
  }
  EXPECT_EQ(finish(running, r), kCancelled);
  EXPECT_EQ(finish(queued, q), kCancelled);
  EXPECT_FALSE(isAlive(r.pid()));
}

// Runs `body` in a forked child; its exit status.
int inChild(const std::function<bool()> &body) {
  pid_t child = fork();
  if (child == 0)
    _exit(body() ? 0 : 1);
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}

TEST_F(Pool, AForkedChildGetsWorkersOfItsOwn) {
  if (WITH_TSAN)
    GTEST_SKIP() << "ThreadSanitizer cannot follow a fork of a process with threads";
  CompileClient client(options(1));
  Record mine;
  ASSERT_EQ(finish(client.submit(job("ok")), mine), TSC_OK);
  CompileJob running = client.submit(job("loop"));
  EXPECT_FALSE(running.wait(nullptr, 200ms));
  EXPECT_EQ(inChild([&] {
              Record r;
              // The parent's job is nobody's here; cancelling and dropping it must not reach the parent's worker.
              if (!running.wait(nullptr, 1s) || running.status() != kCancelled)
                return false;
              running.cancel();
              running = {};
              return finish(client.submit(job("ok")), r) == TSC_OK && r.pid() != mine.pid() && r.diags.empty();
            }),
            0);
  EXPECT_TRUE(isAlive(mine.pid()));
  EXPECT_FALSE(running.wait(nullptr, 100ms)) << "the parent's job goes on";
  running.cancel();
  Record after;
  EXPECT_EQ(finish(client.submit(job("ok")), after), TSC_OK);
  EXPECT_EQ(inChild([&] { // a child that only ends, as a destructor would
              client.~CompileClient();
              return true;
            }),
            0);
  EXPECT_TRUE(isAlive(after.pid()));
}

TEST_F(Pool, WorkersDoNotOutliveTheirParent) {
  if (WITH_TSAN)
    GTEST_SKIP() << "ThreadSanitizer cannot follow a fork of a process with threads";
  int pipes[2];
  ASSERT_EQ(pipe(pipes), 0);
  pid_t child = fork();
  if (child == 0) {
    auto *client = new CompileClient(options(1));
    CompileJob j = client->submit(job("loop"));
    Record r;
    while (!r.pid())
      j.wait(&r.sink, 20ms);
    pid_t pid = r.pid();
    (void)!write(pipes[1], &pid, sizeof pid);
    for (;;)
      pause();
  }
  pid_t worker = 0;
  ASSERT_EQ(read(pipes[0], &worker, sizeof worker), static_cast<ssize_t>(sizeof worker));
  EXPECT_TRUE(isAlive(worker));
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  EXPECT_TRUE(diesSoon(worker));
  close(pipes[0]);
  close(pipes[1]);
}

} // namespace
