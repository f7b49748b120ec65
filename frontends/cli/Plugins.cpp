// Plugins.cpp - `tessera targets`, `tessera plugins`, and which plugin a target means
// SPDX-License-Identifier: Apache-2.0
#include "frontends/cli/Commands.h"
#include "frontends/cli/Run.h"

#include "plugins/loader/Registry.h"
#include "runtime/api/tessera.h"

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sys/stat.h>

namespace tessera::cli {

namespace {

std::unique_ptr<plugin::Registry> openRegistry(const Session &session) {
  plugin::RegistryOptions options =
      plugin::RegistryOptions::standard([](const char *name) { return std::getenv(name); });
  options.manifests.insert(options.manifests.begin(), session.pluginPaths.begin(), session.pluginPaths.end());
  return std::make_unique<plugin::Registry>(std::move(options));
}

// What a plugin's driver finds on this machine.
struct DeviceState {
  std::vector<std::string> devices; // "NVIDIA H200 (sm_90a)"
  std::string absent;               // why there is none; empty where there are some, or where the plugin has no driver
};

// Devices are counted, none is opened: an open is tried only where none was counted, for the reason that it fails with. A driver
// library that is new to this machine meets a worker first, as before a launch.
DeviceState findDevices(const Session &session, const plugin::Candidate &candidate) {
  DeviceState state;
  const plugin::Manifest &m = candidate.manifest;
  if (!candidate.usable() || m.driver.empty())
    return state;
  if (vetDrivers(session, {}, m.name) != kOk) {
    state.absent = "its driver library cannot be used";
    return state;
  }
  for (const std::string &path : session.pluginPaths)
    tsr_plugin_add(path.c_str());
  struct Visit {
    const std::string &plugin;
    DeviceState &state;
  } visit{m.name, state};
  tsr_device_list(
      [](void *user, const TsrDeviceInfo *info) {
        auto &v = *static_cast<Visit *>(user);
        if (v.plugin == info->plugin)
          v.state.devices.push_back(std::string(info->name) + " (" + info->target + ")");
        return 0;
      },
      &visit);
  TsrDevice *device = nullptr;
  if (!state.devices.empty())
    return state;
  if (tsr_device_open(m.name.c_str(), nullptr, 0, &device) < 0)
    state.absent = tsr_error_message();
  else
    tsr_device_close(device);
  return state;
}

} // namespace

std::vector<PluginOutput> pluginOutputs(const Session &session) {
  std::vector<PluginOutput> all;
  auto registry = openRegistry(session);
  for (const plugin::Candidate *c : registry->candidates())
    for (const plugin::ManifestOutput &output : c->manifest.outputs)
      if (c->usable() && std::none_of(all.begin(), all.end(), [&](const auto &o) { return o.name == output.name; }))
        all.push_back({output.name, output.kind, c->manifest.name});
  return all;
}

int expandTargets(const Session &session, std::vector<std::string> &targets) {
  auto meansAll = [](const std::string &t) { return t == "all" || t.ends_with("/all"); };
  if (std::none_of(targets.begin(), targets.end(), meansAll))
    return kOk;
  auto registry = openRegistry(session);
  std::vector<std::string> expanded;
  for (const std::string &t : targets) {
    if (!meansAll(t)) {
      expanded.push_back(t);
      continue;
    }
    auto resolved = registry->resolve(t);
    if (!resolved)
      return session.report(resolved.failure().id, resolved.failure().message, resolved.failure().help);
    if (resolved->empty())
      return session.report(DiagId::UnknownTarget, "'" + t + "' means no target of any plugin");
    for (const plugin::ResolvedTarget &r : *resolved)
      expanded.push_back(r.text());
  }
  targets = std::move(expanded);
  return kOk;
}

int pluginOfTarget(const Session &session, const std::string &target, std::string &name, std::string &spec) {
  auto registry = openRegistry(session);
  auto resolved = registry->resolveOne(target);
  if (!resolved)
    return session.report(resolved.failure().id, resolved.failure().message, resolved.failure().help);
  name = resolved->candidate->manifest.name;
  spec = resolved->spec;
  return kOk;
}

int vetDrivers(const Session &session, const KernelOptions &options, const std::string &plugin) {
  if (!compilesInWorker(options))
    return kOk;
  auto registry = openRegistry(session);
  for (const plugin::Candidate *c : registry->candidates())
    if (c->usable() && !c->manifest.driver.empty() && (plugin.empty() || c->manifest.name == plugin))
      if (int code = vetInWorker(session, c->manifest.path))
        return code;
  return kOk;
}

std::string pluginBuild(const std::string &target) {
  auto registry = openRegistry({});
  auto resolved = registry->resolveOne(target);
  std::string text;
  if (!resolved)
    return text;
  const plugin::Manifest &m = resolved->candidate->manifest;
  for (const std::string &library : {m.compiler, m.driver}) {
    struct stat st;
    if (!library.empty() && stat(library.c_str(), &st) == 0)
      text += library + ":" + std::to_string(st.st_size) + ":" + std::to_string(st.st_mtim.tv_sec) + "." +
              std::to_string(st.st_mtim.tv_nsec) + ";";
  }
  return text;
}

int listTargets(const Session &session, bool json) {
  auto registry = openRegistry(session);
  nlohmann::json all = nlohmann::json::array();
  std::string notes;
  for (const plugin::Candidate *c : registry->candidates()) {
    if (!c->usable())
      continue;
    DeviceState state = findDevices(session, *c);
    if (!state.absent.empty())
      notes += c->manifest.name + ": no device here, it only compiles: " + state.absent + '\n';
    for (const plugin::ManifestTarget &t : c->manifest.targets) {
      if (json)
        all.push_back({{"target", t.pattern},
                       {"plugin", c->manifest.name},
                       {"help", t.help},
                       {"listed", t.listed()},
                       {"devices", state.devices},
                       {"no_device", state.absent}});
      else
        std::cout << t.pattern << std::string(t.pattern.size() < 20 ? 20 - t.pattern.size() : 1, ' ')
                  << c->manifest.name
                  << std::string(c->manifest.name.size() < 10 ? 10 - c->manifest.name.size() : 1, ' ') << t.help
                  << '\n';
    }
  }
  if (json)
    std::cout << all.dump(1) << '\n';
  else if (!notes.empty())
    std::cout << '\n' << notes;
  return kOk;
}

int listPlugins(const Session &session, bool json) {
  auto registry = openRegistry(session);
  nlohmann::json all = nlohmann::json::array();
  for (const plugin::Candidate *c : registry->candidates()) {
    const plugin::Manifest &m = c->manifest;
    std::string state = c->skipped;
    // What loading would check without running code of the plugin.
    plugin::LibraryFacts facts;
    for (plugin::Role role : {plugin::Role::Compiler, plugin::Role::Driver})
      if (state.empty() && !(role == plugin::Role::Compiler ? m.compiler : m.driver).empty())
        state = registry->inspect(*c, role, facts);
    DeviceState found;
    if (state.empty())
      found = findDevices(session, *c);
    if (json) {
      all.push_back({{"name", m.name},
                     {"version", m.version},
                     {"manifest", c->path},
                     {"compiler", m.compiler},
                     {"driver", m.driver},
                     {"rank", m.rank},
                     {"usable", state.empty()},
                     {"skipped", state},
                     {"devices", found.devices},
                     {"no_device", found.absent}});
      continue;
    }
    std::cout << (m.name.empty() ? "?" : m.name) << ' ' << m.version << "  " << c->path << '\n';
    if (!m.compiler.empty())
      std::cout << "  compiler  " << m.compiler << '\n';
    if (!m.driver.empty())
      std::cout << "  driver    " << m.driver << '\n';
    for (const std::string &device : found.devices)
      std::cout << "  device    " << device << '\n';
    if (!found.absent.empty())
      std::cout << "  no device: " << found.absent << '\n';
    std::cout << (state.empty() ? "  usable\n" : "  skipped: " + state + "\n");
  }
  if (json)
    std::cout << all.dump(1) << '\n';
  return kOk;
}

} // namespace tessera::cli
