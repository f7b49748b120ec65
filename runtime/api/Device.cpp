// Device.cpp - opening, describing, failing and ending of devices
//
// SPDX-License-Identifier: Apache-2.0
#include "runtime/api/Objects.h"
#include "runtime/api/Plugins.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <memory>

using namespace tessera::runtime;
using tessera::plugin::contain;
using tessera::plugin::MessageSink;
using tessera::plugin::view;

void TsrDevice::drop() {
  if (references.fetch_sub(1, std::memory_order_acq_rel) != 1)
    return;
  fetchMessages();
  contain([&] { return driver->stream_destroy(defaultStream.load()); });
  for (tsr_stream *s : broken)
    contain([&] { return driver->stream_destroy(s); });
  contain([&] { return driver->device_close(handle); });
  delete this;
}

void TsrDevice::fetchMessages() {
  if (!TSR_HAS(tsr_driver_api, driver, drain_messages))
    return;
  MessageSink sink;
  contain([&] { return driver->drain_messages(handle, sink.raw()); });
  if (sink.blobs.empty() && sink.messages.empty())
    return;
  std::lock_guard lock(mutex);
  for (const MessageSink::Blob &b : sink.blobs) {
    if (b.kind != TSR_EMIT_DEVICE_PRINT)
      continue;
    if (print)
      print(printUser, b.bytes.data(), b.bytes.size());
    else {
      std::fwrite(b.bytes.data(), 1, b.bytes.size(), stdout);
      std::fflush(stdout);
    }
  }
  for (const MessageSink::Message &m : sink.messages)
    if (messages.size() < 64)
      messages.push_back(m.text);
}

tsr_status TsrDevice::failedIn(const char *what, tsr_status status, const MessageSink *sink, const TsrStream *stream,
                               bool onStream) {
  std::string text;
  if (TSR_COVERS(tsr_plugin_api, plugin, last_error) && plugin->last_error)
    text = std::string(view(plugin->last_error()));
  std::vector<std::string> said;
  if (sink)
    for (const MessageSink::Message &m : sink->messages)
      said.push_back(m.text);
  if (status == TSR_E_LAUNCH_FAILED || status == TSR_E_ASSERT || status == TSR_E_DEVICE_LOST) {
    fetchMessages();
    std::lock_guard lock(mutex);
    said.insert(said.end(), messages.begin(), messages.end());
    messages.clear();
  }
  if (sink && !sink->firstError().empty())
    text = sink->firstError();
  if (text.empty() && !said.empty())
    text = said.front();
  if (text.empty())
    text = std::string(what) + " failed: " + tsr_status_name(status);
  if (onStream && !stream && !hostMemory && (status == TSR_E_LAUNCH_FAILED || status == TSR_E_ASSERT)) {
    tsr_stream *fresh = nullptr;
    if (contain([&] { return driver->stream_create(handle, 0, 0, &fresh); }) == TSR_OK) {
      std::lock_guard lock(mutex);
      // Kept until the end: another thread may just be using it.
      broken.push_back(defaultStream.exchange(fresh, std::memory_order_acq_rel));
    }
  }
  return failed(status, std::move(text), std::move(said));
}

// ---- opening -----------------------------------------------------------------------------------------------------------

static tsr_status queryInfo(const tsr_driver_api &driver, uint32_t ordinal, tsr_device_info &info) {
  info = {};
  info.h.size = sizeof(info);
  return contain([&] { return driver.device_info(ordinal, &info); });
}

static void fill(TsrDeviceInfo &out, uint32_t ordinal, const char *plugin, const char *name, const char *target,
                 const tsr_device_info &info) {
  out.ordinal = ordinal;
  out.plugin = plugin;
  out.name = name;
  out.target = target;
  out.memory_bytes = info.mem_bytes;
  out.cache_bytes = info.l2_bytes;
  out.units = info.units;
  out.flags = info.flags & TSR_DEVICE_HOST_MEMORY ? TSR_DEVICE_HOST_POINTERS : 0;
}

// What the environment says of devices; nothing where a program opens a plugin table of its own.
struct DeviceEnvironment {
  std::string threads, options;
};

// "nvidia.launch_graphs=never,cpu.threads=2": the options of one plugin, as views of `text`. False, and `bad` what is none.
static bool optionsOf(const std::string &pluginName, const std::string &text, std::vector<tsr_kv> &options,
                      std::string_view &bad) {
  for (std::string_view rest = text; !rest.empty();) {
    size_t comma = std::min(rest.find(','), rest.size());
    std::string_view item = rest.substr(0, comma);
    rest.remove_prefix(std::min(comma + 1, rest.size()));
    size_t dot = item.find('.'), equals = item.find('=');
    if (dot == 0 || dot == std::string_view::npos || equals == std::string_view::npos || equals <= dot + 1) {
      bad = item;
      return false;
    }
    if (item.substr(0, dot) == pluginName)
      options.push_back(
          {{item.data() + dot + 1, equals - dot - 1}, {item.data() + equals + 1, item.size() - equals - 1}});
  }
  return true;
}

static tsr_status openOn(const tsr_plugin_api *plugin, uint32_t ordinal, const TsrOption *options, uint32_t n,
                         const DeviceEnvironment &environment, TsrDevice **out) {
  auto device = std::make_unique<TsrDevice>();
  device->plugin = plugin;
  device->driver = plugin->driver;
  device->pluginName = std::string(view(plugin->name));
  device->ordinal = ordinal;
  tsr_device_info info;
  if (tsr_status status = queryInfo(*plugin->driver, ordinal, info); status < 0)
    return device->failedIn("device_info", status);
  device->name = std::string(view(info.name));
  device->target = std::string(view(info.target));
  device->memoryBytes = info.mem_bytes;
  device->cacheBytes = info.l2_bytes;
  device->units = info.units;
  device->hostMemory = info.flags & TSR_DEVICE_HOST_MEMORY;

  std::vector<tsr_kv> given;
  std::string_view bad;
  if (!optionsOf(device->pluginName, environment.options, given, bad))
    return failed(TSR_E_INVALID, "TESSERA_DEVICE_OPTIONS has `" + std::string(bad) +
                                     "`; it wants PLUGIN.KEY=VALUE, with commas between, as cpu.threads=2");
  auto text = [](const char *s) { return tsr_str{s, std::strlen(s)}; };
  auto isGiven = [&](std::string_view key) {
    return std::any_of(given.begin(), given.end(), [&](const tsr_kv &kv) { return view(kv.key) == key; });
  };
  for (uint32_t i = 0; i < n; ++i) {
    if (!options[i].key || !options[i].value)
      return nullArgument("key or value of a device option");
    std::erase_if(given, [&](const tsr_kv &kv) { return view(kv.key) == options[i].key; });
    given.push_back({text(options[i].key), text(options[i].value)});
  }
  // Only the device that is a processor knows what it means.
  if (!environment.threads.empty() && !isGiven("threads") && device->hostMemory)
    given.push_back({text("threads"), text(environment.threads.c_str())});
  MessageSink sink;
  tsr_status status = contain([&] {
    return plugin->driver->device_open(sink.raw(), ordinal, given.data(), static_cast<uint32_t>(given.size()),
                                       &device->handle);
  });
  if (status < 0)
    return device->failedIn("device_open", status, &sink);
  tsr_stream *stream = nullptr;
  status = contain([&] { return plugin->driver->stream_create(device->handle, 0, 0, &stream); });
  if (status < 0) {
    device->failedIn("stream_create", status);
    contain([&] { return plugin->driver->device_close(device->handle); });
    return status;
  }
  device->defaultStream.store(stream);
  *out = device.release();
  return TSR_OK;
}

tsr_status tsr_device_open_plugin(const void *plugin_api, uint32_t ordinal, const TsrOption *options,
                                  uint32_t n_options, TsrDevice **out) {
  const auto *plugin = static_cast<const tsr_plugin_api *>(plugin_api);
  if (!plugin || !out || (n_options && !options))
    return nullArgument("plugin_api, options or out");
  if (!plugin->driver)
    return failed(TSR_E_UNSUPPORTED, "plugin " + std::string(view(plugin->name)) + " has no driver");
  return guarded([&] { return openOn(plugin, ordinal, options, n_options, {}, out); });
}

// The driver library of a plugin, loaded.
static tsr_status driverOf(const tessera::plugin::Candidate &candidate, const tessera::plugin::Library *&out) {
  if (candidate.manifest.driver.empty())
    return failed(TSR_E_NOT_FOUND, "plugin " + candidate.manifest.name + " has no driver: it compiles only");
  auto library = pluginRegistry().load(candidate, tessera::plugin::Role::Driver);
  if (!library)
    return failed(library.failure());
  out = *library;
  return TSR_OK;
}

static tsr_status openNamed(std::string which, const TsrOption *options, uint32_t n, TsrDevice **out) {
  uint32_t ordinal = 0;
  if (size_t colon = which.rfind(':'); colon != std::string::npos) {
    const char *begin = which.data() + colon + 1, *end = which.data() + which.size();
    auto [stop, error] = std::from_chars(begin, end, ordinal);
    if (error != std::errc() || stop != end || begin == end)
      return failed(TSR_E_INVALID, "device `" + which + "`: the number behind the colon is not one");
    which.resize(colon);
  }
  const tessera::plugin::Candidate *candidate = nullptr;
  if (which == "native") {
    auto target = pluginRegistry().resolveOne("native");
    if (!target)
      return failed(target.failure());
    candidate = target->candidate;
  } else {
    candidate = pluginRegistry().find(which);
  }
  if (!candidate) {
    std::vector<std::string> names;
    std::string known;
    for (const auto *c : pluginRegistry().candidates()) {
      if (c->manifest.name == which && !c->usable())
        return failed(TSR_E_UNAVAILABLE, "plugin " + which + " cannot be used: " + c->skipped);
      if (c->usable() && !c->manifest.driver.empty()) {
        names.push_back(c->manifest.name);
        known += (known.empty() ? "" : ", ") + c->manifest.name;
      }
    }
    std::string near = tessera::nearestName(which, names);
    return failed(TSR_E_NOT_FOUND, "there is no plugin `" + which + "`" +
                                       (near.empty() ? "" : "; did you mean `" + near + "`?") +
                                       (known.empty() ? "; none is installed, looked in " + pluginRegistry().places() +
                                                            "; TESSERA_PLUGINS names a manifest or a folder of them"
                                                      : "; known: " + known));
  }
  const tessera::plugin::Library *library = nullptr;
  if (tsr_status status = driverOf(*candidate, library); status < 0)
    return status;
  return openOn(&library->api(), ordinal, options, n, {environmentThreads(), environmentDeviceOptions()}, out);
}

tsr_status tsr_device_open(const char *which, const TsrOption *options, uint32_t n_options, TsrDevice **out) {
  if (!out || (n_options && !options))
    return nullArgument("options or out");
  return guarded([&] {
    std::string name = which ? which : "native";
    if (name == "native")
      if (std::string wanted = environmentDevice(); !wanted.empty())
        name = wanted;
    return openNamed(std::move(name), options, n_options, out);
  });
}

// ---- the rest ----------------------------------------------------------------------------------------------------------

tsr_status tsr_device_list(int32_t (*visit)(void *user, const TsrDeviceInfo *info), void *user) {
  if (!visit)
    return nullArgument("visit");
  return guarded([&] {
    std::vector<const tessera::plugin::Candidate *> usable;
    for (const auto *c : pluginRegistry().candidates())
      if (c->usable() && !c->manifest.driver.empty())
        usable.push_back(c);
    std::sort(usable.begin(), usable.end(), [](const auto *a, const auto *b) {
      return a->manifest.rank != b->manifest.rank ? a->manifest.rank > b->manifest.rank
                                                  : a->manifest.name < b->manifest.name;
    });
    for (const auto *c : usable) {
      const tessera::plugin::Library *library = nullptr;
      uint32_t count = 0;
      if (driverOf(*c, library) < 0 || contain([&] { return library->driver()->probe(&count); }) < 0)
        continue;
      for (uint32_t i = 0; i < count; ++i) {
        tsr_device_info info;
        if (queryInfo(*library->driver(), i, info) < 0)
          continue;
        std::string name(view(info.name)), target(view(info.target));
        TsrDeviceInfo out = {};
        out.size = sizeof(out);
        fill(out, i, c->manifest.name.c_str(), name.c_str(), target.c_str(), info);
        if (visit(user, &out))
          return TSR_OK;
      }
    }
    return TSR_OK;
  });
}

tsr_status tsr_device_close(TsrDevice *device) {
  if (!device)
    return TSR_OK;
  return guarded([&] {
    tsr_status status = contain([&] { return device->driver->stream_sync(device->workStream(nullptr)); });
    if (status < 0)
      device->failedIn("stream_sync", status);
    device->drop();
    return status < 0 ? status : TSR_OK;
  });
}

tsr_status tsr_device_describe(TsrDevice *device, TsrDeviceInfo *info) {
  if (!device || !info)
    return nullArgument("device or inout_info");
  if (info->size < sizeof(*info))
    return failed(TSR_E_INVALID, "TsrDeviceInfo.size is not set");
  tsr_device_info facts = {};
  facts.mem_bytes = device->memoryBytes;
  facts.l2_bytes = device->cacheBytes;
  facts.units = device->units;
  facts.flags = device->hostMemory ? TSR_DEVICE_HOST_MEMORY : 0;
  fill(*info, device->ordinal, device->pluginName.c_str(), device->name.c_str(), device->target.c_str(), facts);
  return TSR_OK;
}

tsr_status tsr_device_sync(TsrDevice *device) {
  if (!device)
    return nullArgument("device");
  return guarded([&] {
    tsr_status status = contain([&] { return device->driver->stream_sync(device->workStream(nullptr)); });
    if (status < 0)
      return device->failedIn("stream_sync", status, nullptr, nullptr, true);
    device->fetchMessages();
    return TSR_OK;
  });
}

tsr_status tsr_device_set_print(TsrDevice *device, void (*print)(void *user, const char *text, uint64_t bytes),
                                void *user) {
  if (!device)
    return nullArgument("device");
  std::lock_guard lock(device->mutex);
  device->print = print;
  device->printUser = user;
  return TSR_OK;
}
