// WorkerBench.cpp - what a compile worker costs beyond the same compile in process, and what several of them bring
// SPDX-License-Identifier: Apache-2.0
//
// usage: worker_bench overhead ROUNDS TARGET FILE KERNEL NAME=TYPE… NAME:=VALUE…
//        worker_bench parallel ROUNDS TARGET FILE KERNEL NAME=TYPE… (a matmul kernel: BM, BN and BK are varied)
// overhead: source to artifact in process and through the warm worker, in turn; medians. parallel: 24 candidates one after
// the other through one worker, then two at once through two (three threads hand them in, so that no worker waits for a
// frontend), in turn; medians. One JSON line.
#include "frontends/cli/CompilerLibrary.h"
#include "frontends/worker/CompileClient.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

using namespace tessera::cli;
using namespace tessera::worker;

namespace {

tsc_str view(const std::string &s) { return {s.data(), s.size()}; }

struct Kernel {
  const CompilerLibrary *library = nullptr;
  tsc_source *source = nullptr;
  std::string name, target;
  std::vector<std::pair<std::string, std::string>> bindings; // name, "=type" or ":value"
};

struct Output {
  std::string kind, bytes;
  tsc_sink sink{sizeof(tsc_sink), 0, this, onDiag, onEmit, nullptr, nullptr};
  static void onDiag(void *, uint32_t, tsc_str text, tsc_str) { std::fwrite(text.p, 1, text.n, stderr); }
  static void onEmit(void *user, tsc_str kind, tsc_str, const void *bytes, uint64_t n) {
    auto *out = static_cast<Output *>(user);
    out->kind.assign(kind.p, kind.n);
    out->bytes.assign(static_cast<const char *>(bytes), n);
  }
};

// Source to `emits` in this process. Exits on failure: a figure of a compile that failed is none.
std::string compileHere(const Kernel &k, const std::vector<std::pair<std::string, std::string>> &bindings,
                        const std::string &emits, const std::string *fp8) {
  std::vector<tsc_binding> raw;
  for (const auto &[name, what] : bindings) {
    bool value = what[0] == ':', aligned = what.size() > 4 && what.ends_with(":16");
    tsc_str text{what.data() + 1, what.size() - 1 - (aligned && !value ? 3 : 0)}, none{nullptr, 0};
    tsc_binding b{};
    b.name = view(name);
    b.type = value ? none : text;
    b.value = value ? text : none;
    b.divisibility = aligned ? 16 : 1;
    raw.push_back(b);
  }
  const std::string key = "unsupported_fp8";
  tsc_str options[2] = {view(key), fp8 ? view(*fp8) : tsc_str{}};
  tsc_request request{};
  request.size = sizeof request;
  request.num_bindings = static_cast<uint32_t>(raw.size());
  request.bindings = raw.data();
  request.kernel = view(k.name);
  request.target = view(k.target);
  request.emits = view(emits);
  request.num_options = fp8 ? 1 : 0;
  request.options = options;
  Output out;
  if (k.library->compile(k.source, &request, &out.sink) != 0 || out.kind != emits)
    std::exit(1);
  return out.bytes;
}

std::string compileThere(const Kernel &k, const std::vector<std::pair<std::string, std::string>> &bindings,
                         CompileClient &client) {
  auto facts = client.targetFacts(k.target, {}, nullptr);
  if (!facts)
    std::exit(1);
  LowerRequest request;
  request.tileBytes = compileHere(k, bindings, "tile_bytes", &facts->unsupportedFp8);
  request.kernel = k.name;
  request.target = k.target;
  request.emits = "artifact";
  CompileJob job = client.submit(std::move(request));
  Output out;
  job.wait(&out.sink);
  if (job.status() != TSC_OK)
    std::exit(1);
  return out.bytes;
}

template <typename F> double milliseconds(F f) {
  auto start = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

double median(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  return v[v.size() / 2];
}

ClientOptions clientOptions(const CompilerLibrary &library, unsigned workers) {
  ClientOptions o;
  o.compilerLibrary = CompilerLibrary::locate();
  o.buildId = library.buildId();
  o.maxWorkers = workers;
  return o;
}

void overhead(const Kernel &k, int rounds) {
  CompileClient client(clientOptions(*k.library, 1));
  if (compileHere(k, k.bindings, "artifact", nullptr) != compileThere(k, k.bindings, client)) {
    std::fprintf(stderr, "the worker's artifact is another one\n");
    std::exit(1);
  }
  std::vector<double> here, there, beyond;
  for (int r = 0; r < rounds; ++r) {
    here.push_back(milliseconds([&] { compileHere(k, k.bindings, "artifact", nullptr); }));
    there.push_back(milliseconds([&] { compileThere(k, k.bindings, client); }));
    beyond.push_back(there.back() - here.back());
  }
  double cold = 0;
  {
    CompileClient fresh(clientOptions(*k.library, 1));
    cold = milliseconds([&] { compileThere(k, k.bindings, fresh); });
  }
  std::printf("{\"in_process_ms\":%.3f,\"worker_ms\":%.3f,\"beyond_ms\":%.3f,\"first_ms\":%.2f}\n", median(here),
              median(there), median(beyond), cold);
}

void parallel(const Kernel &k, int rounds) {
  std::vector<std::vector<std::pair<std::string, std::string>>> candidates;
  for (const char *bm : {"32", "64", "128"})
    for (const char *bn : {"32", "64", "128"})
      for (const char *bk : {"16", "32", "64"})
        if (candidates.size() < 24) {
          auto b = k.bindings;
          for (auto [name, value] : {std::pair("BM", bm), std::pair("BN", bn), std::pair("BK", bk)})
            b.emplace_back(name, std::string(":") + value);
          candidates.push_back(std::move(b));
        }
  CompileClient one(clientOptions(*k.library, 1)), two(clientOptions(*k.library, 2));
  auto all = [&](CompileClient &client, unsigned threads) {
    std::atomic<size_t> next{0};
    std::vector<std::thread> pool;
    for (unsigned t = 0; t < threads; ++t)
      pool.emplace_back([&] {
        for (size_t i; (i = next++) < candidates.size();)
          compileThere(k, candidates[i], client);
      });
    for (std::thread &t : pool)
      t.join();
  };
  all(one, 1); // warm
  all(two, 3);
  std::vector<double> serial, both;
  for (int r = 0; r < rounds; ++r) {
    serial.push_back(milliseconds([&] { all(one, 1); }));
    both.push_back(milliseconds([&] { all(two, 3); }));
  }
  std::printf("{\"candidates\":%zu,\"one_after_another_ms\":%.1f,\"two_at_once_ms\":%.1f,\"speedup\":%.3f}\n",
              candidates.size(), median(serial), median(both), median(serial) / median(both));
}

} // namespace

int main(int argc, char **argv) {
  if (argc < 6) {
    std::fprintf(stderr, "usage: worker_bench overhead|parallel ROUNDS TARGET FILE KERNEL NAME=TYPE… NAME:=VALUE…\n");
    return 2;
  }
  std::string mode = argv[1], error, file = argv[4];
  Kernel k;
  k.library = CompilerLibrary::load(error);
  k.target = argv[3];
  k.name = argv[5];
  std::ifstream in(file);
  std::stringstream text;
  text << in.rdbuf();
  Output out;
  if (k.library)
    k.source = k.library->sourceOpen(view(file), view(text.str()), &out.sink);
  if (!k.source) {
    std::fprintf(stderr, "%s\n", error.c_str());
    return 1;
  }
  for (int i = 6; i < argc; ++i) {
    std::string a = argv[i];
    size_t equals = a.find('=');
    bool value = equals && a[equals - 1] == ':';
    k.bindings.emplace_back(a.substr(0, value ? equals - 1 : equals), (value ? ":" : "=") + a.substr(equals + 1));
  }
  (mode == "parallel" ? parallel : overhead)(k, std::atoi(argv[2]));
}
