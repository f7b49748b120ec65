// CompileTest.cpp - the client with the real worker, compiler and CPU plugin: same bytes, many at once, nothing that grows
// SPDX-License-Identifier: Apache-2.0
#include "frontends/cli/CompilerLibrary.h"
#include "frontends/worker/CompileClient.h"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>
#include <thread>

using namespace tessera::cli;
using namespace tessera::worker;
namespace fs = std::filesystem;

namespace {

tsc_str view(const std::string &s) { return {s.data(), s.size()}; }

struct Output {
  std::string bytes, kernels, diags;
  tsc_sink sink{sizeof(tsc_sink), 0, this, onDiag, onEmit, onKernel, nullptr};
  static Output &of(void *user) { return *static_cast<Output *>(user); }
  static void onDiag(void *user, uint32_t, tsc_str text, tsc_str) { of(user).diags.append(text.p, text.n); }
  static void onEmit(void *user, tsc_str kind, tsc_str, const void *bytes, uint64_t n) {
    if (std::string(kind.p, kind.n) != "log")
      of(user).bytes.assign(static_cast<const char *>(bytes), n);
  }
  static void onKernel(void *user, const tsc_kernel_info *k) {
    std::string &out = of(user).kernels;
    out += std::string(k->name.p, k->name.n) + " " + std::to_string(k->arg_bytes);
    for (uint32_t i = 0; i < k->num_args; ++i)
      out += " " + std::string(k->args[i].name.p, k->args[i].name.n) + "@" + std::to_string(k->args[i].offset) + ":" +
             std::to_string(k->args[i].flags);
  }
};

struct Compile : testing::Test {
  const CompilerLibrary *library = nullptr;
  tsc_source *source = nullptr;

  void SetUp() override {
    setenv("TESSERA_COMPILER_LIBRARY", TESSERA_TEST_COMPILER, 1);
    std::string error, file = TESSERA_TEST_KERNEL;
    library = CompilerLibrary::load(error);
    ASSERT_TRUE(library) << error;
    std::ifstream in(file);
    std::stringstream text;
    text << in.rdbuf();
    Output out;
    source = library->sourceOpen(view(file), view(text.str()), &out.sink);
    ASSERT_TRUE(source) << out.diags;
  }
  void TearDown() override { library->sourceClose(source); }

  ClientOptions options(unsigned workers) const {
    ClientOptions o;
    o.compilerLibrary = TESSERA_TEST_COMPILER;
    o.buildId = library->buildId();
    o.maxWorkers = workers;
    return o;
  }

  // vector_add with this block size, in this process.
  Output here(int block, const std::string &emits) const {
    std::string names[] = {"x_ptr", "y_ptr", "output_ptr", "count", "BLOCK_SIZE"}, pointer = "*fp32", number = "i32",
                size = std::to_string(block), kernel = "add_kernel", target = "x86-64-v3";
    tsc_binding bindings[5]{};
    for (int i = 0; i < 5; ++i) {
      bindings[i].name = view(names[i]);
      (i < 4 ? bindings[i].type : bindings[i].value) = view(i < 3 ? pointer : i == 3 ? number : size);
      bindings[i].divisibility = 16;
    }
    tsc_request request{};
    request.size = sizeof request;
    request.num_bindings = 5;
    request.bindings = bindings;
    request.kernel = view(kernel);
    request.target = view(target);
    request.emits = view(emits);
    Output out;
    EXPECT_EQ(library->compile(source, &request, &out.sink), TSC_OK) << out.diags;
    return out;
  }

  Output there(CompileClient &client, int block) const {
    LowerRequest request;
    request.tileBytes = here(block, "tile_bytes").bytes;
    request.kernel = "add_kernel";
    request.target = "x86-64-v3";
    request.emits = "artifact";
    CompileJob job = client.submit(std::move(request));
    Output out;
    EXPECT_TRUE(job.wait(&out.sink, std::chrono::minutes(2)));
    EXPECT_EQ(job.status(), TSC_OK) << out.diags;
    return out;
  }
};

// Processes that this one has spawned.
std::vector<std::string> children() {
  std::vector<std::string> list;
  for (const auto &task : fs::directory_iterator("/proc/self/task")) {
    std::ifstream in(task.path() / "children");
    for (std::string pid; in >> pid;)
      list.push_back(pid);
  }
  return list;
}

size_t descriptorsOf(const std::string &pid) {
  return static_cast<size_t>(std::distance(fs::directory_iterator("/proc/" + pid + "/fd"), fs::directory_iterator()));
}

size_t residentKb(const std::string &pid) {
  std::ifstream in("/proc/" + pid + "/statm");
  size_t total = 0, resident = 0;
  in >> total >> resident;
  return resident * 4;
}

TEST_F(Compile, TheArtifactIsTheSame) {
  CompileClient client(options(1));
  for (int block : {64, 1024, 4096}) {
    Output mine = here(block, "artifact"), other = there(client, block);
    EXPECT_EQ(mine.bytes, other.bytes);
    EXPECT_EQ(mine.kernels, other.kernels);
    EXPECT_NE(mine.kernels.find("x_ptr@0:1"), std::string::npos) << mine.kernels;
  }
  EXPECT_EQ(client.counts().spawned, 1u);
}

TEST_F(Compile, FourThreadsShareTwoWorkers) {
  CompileClient client(options(2));
  std::vector<std::thread> threads;
  std::atomic<int> same{0};
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 5; ++i) {
        int block = 64 << (t + i) % 6;
        same += there(client, block).bytes == here(block, "artifact").bytes;
      }
    });
  for (std::thread &t : threads)
    t.join();
  EXPECT_EQ(same, 20);
  EXPECT_EQ(client.counts().spawned, 2u);
}

TEST_F(Compile, TwoHundredCompilesLeakNothing) {
  CompileClient client(options(1));
  auto some = [&](int n) {
    for (int i = 0; i < n; ++i)
      there(client, 64 << i % 6);
  };
  some(60); // tables and pools find their size
  std::vector<std::string> workers = children();
  ASSERT_EQ(workers.size(), 1u);
  const std::string mine = std::to_string(getpid()), &its = workers[0];
  size_t myFiles = descriptorsOf(mine), itsFiles = descriptorsOf(its), myKb = residentKb(mine), itsKb = residentKb(its);
  some(200);
  EXPECT_EQ(children(), workers);
  EXPECT_EQ(descriptorsOf(mine), myFiles);
  EXPECT_EQ(descriptorsOf(its), itsFiles);
  // A leak of one module a compile (some 20 KB) would show as 4 MB.
  EXPECT_LT(residentKb(mine), myKb + 2048) << "this process grew";
  EXPECT_LT(residentKb(its), itsKb + 2048) << "the worker grew";
  RecordProperty("worker_kb", std::to_string(itsKb) + " to " + std::to_string(residentKb(its)));
}

} // namespace
