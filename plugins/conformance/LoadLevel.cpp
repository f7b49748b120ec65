// LoadLevel.cpp - L0: what can be said of a plugin without compiling and without hardware
// SPDX-License-Identifier: Apache-2.0
#include "plugins/conformance/Kit.h"

#include <filesystem>

namespace tessera::conformance {

using namespace plugin;

namespace {

size_t threadCount() {
  size_t n = 0;
  std::error_code error;
  for (auto it = std::filesystem::directory_iterator("/proc/self/task", error);
       !error && it != std::filesystem::directory_iterator(); it.increment(error))
    ++n;
  return n;
}

void add(Report &report, const std::string &name, const std::string &problem) {
  report.add({"L0/" + name, problem.empty() ? Outcome::Passed : Outcome::Failed, problem});
}

const Library *loadRole(Subject &s, Role role, Report &report) {
  std::string name(roleName(role));
  setCurrentCase("L0/load/" + name);
  const std::string &path = role == Role::Compiler ? s.candidate->manifest.compiler : s.candidate->manifest.driver;
  if (path.empty()) {
    report.add({"L0/load/" + name, Outcome::Skipped, "the manifest names no library for this role"});
    return nullptr;
  }
  LibraryFacts facts;
  std::string problem = readLibraryFacts(path, facts);
  std::string lint;
  for (const std::string &l : lintLibrary(facts))
    lint += (lint.empty() ? "" : "; ") + l;
  add(report, "lint/" + name, problem.empty() ? lint : problem);
  size_t threads = threadCount();
  Expected<const Library *> lib = s.registry->load(*s.candidate, role);
  add(report, "load/" + name, lib ? std::string() : lib.failure().message);
  if (!lib)
    return nullptr;
  add(report, "starts-no-thread/" + name, threadCount() == threads ? std::string() : "loading started a thread (R12)");
  add(report, "build-id/" + name,
      (*lib)->buildId().empty() ? "neither note nor library has a build id: the compile cache cannot tell builds apart"
                                : "");
  return *lib;
}

void checkProbe(const Subject &s, Report &report) {
  setCurrentCase("L0/driver/probe");
  const tsr_driver_api *d = s.driver->driver();
  uint32_t first = 0, second = 0;
  size_t threads = threadCount();
  tsr_status a = contain([&] { return d->probe(&first); }), b = contain([&] { return d->probe(&second); });
  std::string problem;
  if (a != b || first != second)
    problem = "two probes in a row differ";
  else if (a != TSR_OK && a != TSR_E_UNAVAILABLE)
    problem = "probe gives " + statusName(a) + " instead of OK or UNAVAILABLE";
  else if (a != TSR_OK && s.driver->lastError().empty())
    problem = "probe says UNAVAILABLE without saying why (last_error)";
  else if (threadCount() != threads)
    problem = "probe started a thread (R12)";
  add(report, "driver/probe", problem);
  setCurrentCase("L0/driver/destroy-null");
  problem.clear();
  if (contain([&] { return d->device_close(nullptr); }) != TSR_OK ||
      contain([&] { return d->stream_destroy(nullptr); }) != TSR_OK ||
      contain([&] { return d->module_unload(nullptr); }) != TSR_OK)
    problem = "destroying NULL is an error (R5)";
  if (TSR_HAS(tsr_driver_api, d, event_destroy) && contain([&] { return d->event_destroy(nullptr); }) != TSR_OK)
    problem = "event_destroy(NULL) is an error (R5)";
  add(report, "driver/destroy-null", problem);
  setCurrentCase("L0/driver/ordinal");
  tsr_device_info info{};
  info.h.size = sizeof info;
  tsr_status far = contain([&] { return d->device_info(1000000, &info); });
  add(report, "driver/ordinal", far < 0 ? "" : "device_info of ordinal 1000000 gives " + statusName(far));
  if (a != TSR_OK || !first)
    return;
  setCurrentCase("L0/driver/device-target");
  tsr_status near = contain([&] { return d->device_info(0, &info); });
  problem.clear();
  if (near != TSR_OK)
    problem = s.driver->failure("device_info", near).message;
  else if (s.compiler) {
    auto target = PluginTarget::make(*s.compiler, std::string(view(info.target)));
    if (!target)
      problem = "the compiler does not know the device's target: " + target.failure().message;
    else if ((*target)->info().name != view(info.target))
      problem =
          "the device's target " + std::string(view(info.target)) + " is not canonical: " + (*target)->info().name;
  }
  add(report, "driver/device-target", problem);
}

} // namespace

void checkTargets(const Subject &s, Report &report) {
  setCurrentCase("L0/targets");
  const tsr_target_api *api = s.compiler->target();
  std::vector<std::string> names;
  tsr_status st = contain([&] {
    return api->enumerate(&names, [](void *user, tsr_str name, tsr_str) {
      static_cast<std::vector<std::string> *>(user)->emplace_back(view(name));
    });
  });
  add(report, "targets/enumerate",
      st != TSR_OK    ? s.compiler->failure("enumerate", st).message
      : names.empty() ? "no target is listed"
                      : "");
  for (const std::string &name : names) {
    setCurrentCase("L0/targets/" + name);
    auto t = PluginTarget::make(*s.compiler, name);
    std::string problem;
    if (!t)
      problem = t.failure().message;
    else if ((*t)->info().name != name)
      problem = "is listed as '" + name + "' but calls itself '" + (*t)->info().name + "'";
    else if (auto again = PluginTarget::make(*s.compiler, (*t)->info().name); !again || (*again)->info().name != name)
      problem = "its canonical name is not accepted again";
    else if ((*t)->runsOn(**t) != TSR_RUNS_YES)
      problem = "code built for it does not run on it";
    bool claimed = false;
    for (const ManifestTarget &m : s.candidate->manifest.targets)
      claimed = claimed || globMatches(m.pattern, name.substr(0, name.find(':')));
    if (problem.empty() && !claimed)
      problem = "the manifest has no pattern for it";
    add(report, "targets/" + name, problem);
  }
  setCurrentCase("L0/targets/unknown");
  std::string problem;
  for (const std::string &bad : {std::string("zz-no-such-target"), std::string(), std::string(100000, 'x'),
                                 std::string("a\0b", 3), std::string("\xff:+")}) {
    MessageSink sink;
    tsr_target *handle = nullptr;
    tsr_status r = contain([&] { return api->parse(sink.raw(), str(bad), &handle); });
    if (r >= 0)
      problem = "parse accepts a target that does not exist";
    else if (sink.firstError().empty())
      problem = "parse refuses a target without a diagnostic";
    if (r == TSR_OK)
      api->release(handle);
  }
  add(report, "targets/unknown", problem);
  setCurrentCase("L0/targets/release-null");
  bool threw = false;
  contain([&] { return api->release(nullptr), TSR_OK; }, &threw);
  add(report, "targets/release-null", threw ? "release(NULL) throws (R5)" : "");
}

void runLoadLevel(Subject &s, const KitOptions &options, Report &report) {
  add(report, "manifest", s.candidate->skipped);
  if (!s.candidate->usable())
    return;
  s.compiler = loadRole(s, Role::Compiler, report);
  s.driver = loadRole(s, Role::Driver, report);
  if (s.compiler) {
    checkTargets(s, report);
    // The target under test: as asked, else the device's, else the first without wildcards.
    std::string name = options.target;
    uint32_t devices = 0;
    tsr_device_info info{};
    info.h.size = sizeof info;
    if (name.empty() && s.driver && contain([&] { return s.driver->driver()->probe(&devices); }) == TSR_OK && devices &&
        contain([&] { return s.driver->driver()->device_info(0, &info); }) == TSR_OK)
      name = std::string(view(info.target));
    for (const ManifestTarget &t : s.candidate->manifest.targets)
      if (name.empty() && t.listed())
        name = t.pattern;
    auto target = PluginTarget::make(*s.compiler, name);
    add(report, "target-under-test", target ? std::string() : target.failure().message);
    if (target)
      s.target = *target;
  }
  if (s.driver)
    checkProbe(s, report);
  fuzzStructSizes(s, report);
}

} // namespace tessera::conformance
