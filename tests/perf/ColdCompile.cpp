// ColdCompile.cpp - source to loaded kernel, in process, each time in a process that compiled nothing before
// SPDX-License-Identifier: Apache-2.0
//
// usage: cold_compile REPEATS TARGET DEVICE FILE KERNEL NAME=TYPE… NAME:=VALUE…
// Prints one JSON line: median and minimum milliseconds from tsc_source_open to tsr_module_load's return, the peak memory of
// the process, and the median of a second compile in the same process. Opening the two libraries and the device is not counted.
#include "frontends/cli/CompilerLibrary.h"
#include "runtime/api/tessera.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

using namespace tessera::cli;

namespace {

struct Sample {
  double first = 0, second = 0;
  long peakKb = 0;
  int ok = 0;
};

tsc_str view(const std::string &s) { return {s.data(), s.size()}; }

double compileAndLoad(const CompilerLibrary &library, TsrDevice *device, const std::string &file,
                      const std::string &text, const std::string &kernel, const std::string &target,
                      const std::vector<tsc_binding> &bindings) {
  std::string artifact;
  tsc_sink sink{};
  sink.size = sizeof sink;
  sink.user = &artifact;
  sink.diag = [](void *, uint32_t, tsc_str rendered, tsc_str) { std::fwrite(rendered.p, 1, rendered.n, stderr); };
  sink.emit = [](void *user, tsc_str, tsc_str, const void *bytes, uint64_t n) {
    static_cast<std::string *>(user)->assign(static_cast<const char *>(bytes), n);
  };
  auto start = std::chrono::steady_clock::now();
  tsc_source *source = library.sourceOpen(view(file), view(text), &sink);
  if (!source)
    return -1;
  tsc_request request{};
  request.size = sizeof request;
  request.num_bindings = static_cast<uint32_t>(bindings.size());
  request.bindings = bindings.data();
  request.kernel = view(kernel);
  request.target = view(target);
  request.emits = {"artifact", 8};
  TsrModule *module = nullptr;
  bool ok = library.compile(source, &request, &sink) == 0 &&
            tsr_module_load(device, artifact.data(), artifact.size(), &module) == 0;
  double ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  tsr_module_unload(module);
  library.sourceClose(source);
  return ok ? ms : -1;
}

Sample runOnce(char **argv, int argc) {
  std::string target = argv[2], device = argv[3], file = argv[4], kernel = argv[5];
  std::ifstream in(file);
  std::stringstream text;
  text << in.rdbuf();
  std::vector<std::string> storage;
  storage.reserve(static_cast<size_t>(3 * argc));
  std::vector<tsc_binding> bindings;
  for (int i = 6; i < argc; ++i) {
    std::string a = argv[i];
    size_t equals = a.find('=');
    bool isValue = equals && a[equals - 1] == ':';
    storage.push_back(a.substr(0, isValue ? equals - 1 : equals));
    const std::string &name = storage.back();
    std::string what = a.substr(equals + 1);
    int64_t divisibility = 1;
    if (!isValue && what.size() > 3 && what.compare(what.size() - 3, 3, ":16") == 0) {
      divisibility = 16;
      what.resize(what.size() - 3);
    }
    storage.push_back(what);
    tsc_str given = view(storage.back()), none{nullptr, 0};
    bindings.push_back({view(name), isValue ? none : given, isValue ? given : none, divisibility, nullptr});
  }
  Sample s;
  std::string error;
  const CompilerLibrary *library = CompilerLibrary::load(error);
  TsrDevice *handle = nullptr;
  if (!library || tsr_device_open(device.c_str(), nullptr, 0, &handle) < 0) {
    std::fprintf(stderr, "%s %s\n", error.c_str(), tsr_error_message());
    return s;
  }
  s.first = compileAndLoad(*library, handle, file, text.str(), kernel, target, bindings);
  s.second = compileAndLoad(*library, handle, file, text.str(), kernel, target, bindings);
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  s.peakKb = usage.ru_maxrss;
  s.ok = s.first >= 0 && s.second >= 0;
  return s;
}

} // namespace

int main(int argc, char **argv) {
  if (argc < 6) {
    std::fprintf(stderr, "usage: cold_compile REPEATS TARGET DEVICE FILE KERNEL NAME=TYPE… NAME:=VALUE…\n");
    return 2;
  }
  std::vector<double> first, second;
  long peak = 0;
  for (long r = std::strtol(argv[1], nullptr, 10); r > 0; --r) {
    int fds[2];
    if (pipe(fds) != 0)
      return 3;
    pid_t child = fork();
    if (child == 0) {
      Sample s = runOnce(argv, argc);
      (void)!write(fds[1], &s, sizeof s);
      _exit(0);
    }
    close(fds[1]);
    Sample s;
    bool got = read(fds[0], &s, sizeof s) == sizeof s;
    close(fds[0]);
    waitpid(child, nullptr, 0);
    if (!got || !s.ok)
      return 1;
    first.push_back(s.first);
    second.push_back(s.second);
    peak = std::max(peak, s.peakKb);
  }
  std::sort(first.begin(), first.end());
  std::sort(second.begin(), second.end());
  std::printf("{\"cold_ms\":%.2f,\"cold_min_ms\":%.2f,\"warm_ms\":%.2f,\"peak_mb\":%.1f}\n", first[first.size() / 2],
              first[0], second[second.size() / 2], static_cast<double>(peak) / 1024);
}
