// main.cpp - tessera-conformance: the kit as a program
// SPDX-License-Identifier: Apache-2.0
#include "plugins/conformance/Kit.h"

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <unistd.h>

namespace tessera::conformance {

namespace {

char currentCase[256] = "start";
// Far above what any case needs, also on a busy machine and under a sanitizer.
constexpr unsigned kSecondsPerCase = 120;

// A plugin that crashes takes the kit with it, but not without its name.
void onFatal(int signal) {
  const char *what = signal == SIGALRM ? ": the plugin hangs (" : ": the plugin crashed (";
  const char *parts[] = {"\nfailed  ", currentCase, what, strsignal(signal), ")\n"};
  for (const char *p : parts)
    if (write(STDERR_FILENO, p, strlen(p)) < 0)
      break;
  _exit(3);
}

} // namespace

void setCurrentCase(const std::string &name) {
  std::snprintf(currentCase, sizeof currentCase, "%s", name.c_str());
  alarm(kSecondsPerCase);
}

namespace {

int run(const std::string &plugin, const std::string &level, const KitOptions &options, const std::string &exclusions,
        const std::string &json, bool verbose) {
  std::vector<Exclusion> list;
  if (!exclusions.empty())
    if (std::string why = readExclusions(exclusions, list); !why.empty()) {
      std::fprintf(stderr, "tessera-conformance: %s\n", why.c_str());
      return 2;
    }
  plugin::RegistryOptions registryOptions;
  registryOptions.manifests = {plugin};
  plugin::Registry registry(registryOptions);
  std::vector<const plugin::Candidate *> candidates = registry.candidates();
  if (candidates.size() != 1) {
    std::fprintf(stderr, "tessera-conformance: %s has %zu manifests, one is wanted\n", plugin.c_str(),
                 candidates.size());
    return 2;
  }
  Report report(std::move(list));
  Subject subject;
  subject.candidate = candidates.front();
  subject.registry = &registry;
  runLoadLevel(subject, options, report);
  if (level != "L0")
    runCompileLevel(subject, options, report);
  setCurrentCase("end");
  std::fputs(report.text(verbose).c_str(), stdout);
  if (!json.empty()) {
    const plugin::Library *lib = subject.compiler ? subject.compiler : subject.driver;
    Identity id{subject.candidate->manifest.name,
                subject.candidate->manifest.version,
                lib ? lib->buildId() : "",
                TSR_ABI_BUILD,
                subject.target ? subject.target->info().name : "",
                level};
    std::ofstream out(json);
    out << report.json(id);
    if (!out.flush()) {
      std::fprintf(stderr, "tessera-conformance: cannot write %s\n", json.c_str());
      return 2;
    }
  }
  return report.good() ? 0 : 1;
}

int runCommand(int argc, char **argv) {
  CLI::App app{
      "Runs the conformance kit on a plugin. Exit code: 0 good, 1 failures, 2 usage, 3 the plugin crashed or hangs."};
  std::string plugin, level = "L1", exclusions, json;
  KitOptions options;
  bool verbose = false;
  app.add_option("plugin", plugin, "manifest of the plugin: NAME.tessera.json")->required();
  app.add_option("--level", level,
                 "L0: load, lint, targets, struct sizes; L1: and compile and run every kernel of the kit")
      ->check(CLI::IsMember({"L0", "L1"}));
  app.add_option("--target", options.target, "target to compile for; default: the device here, else the first listed");
  app.add_option("--filter", options.filter, "pattern of L1 cases, * and ?: 'L1/dot/*'");
  app.add_option("--stride", options.stride, "run every n-th case of L1")->check(CLI::Range(1, 1000));
  app.add_option("--exclusions", exclusions, "JSON list of what the plugin cannot do");
  app.add_option("--json", json, "write the result there");
  app.add_flag("-v,--verbose", verbose, "every case, not only failures");
  CLI11_PARSE(app, argc, argv);
  for (int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGALRM})
    std::signal(signal, onFatal);
  return run(plugin, level, options, exclusions, json, verbose);
}

} // namespace
} // namespace tessera::conformance

int main(int argc, char **argv) {
  try {
    return tessera::conformance::runCommand(argc, argv);
  } catch (const std::exception &e) {
    std::fprintf(stderr, "tessera-conformance: %s\n", e.what());
    return 2;
  }
}
