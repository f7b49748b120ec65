// Plugins.cpp - registry, environment, the cache's functions of tessera.h
//
// SPDX-License-Identifier: Apache-2.0
#include "runtime/api/Plugins.h"

#include "runtime/api/LastError.h"
#include "runtime/api/tessera.h"
#include "runtime/cache/ArtifactCache.h"

#include <charconv>
#include <cstdlib>
#include <cstring>

namespace tessera::runtime {

// secure_getenv: a privileged process must not be told by its user what to load.
static std::string environment(const char *name) {
  const char *value = secure_getenv(name);
  return value ? value : "";
}

plugin::Registry &pluginRegistry() {
  // Never destroyed: other static objects may still use a device while the process ends.
  static auto *registry =
      new plugin::Registry(plugin::RegistryOptions::standard([](const char *name) { return secure_getenv(name); }));
  return *registry;
}

std::string environmentDevice() { return environment("TESSERA_DEVICE"); }
std::string environmentThreads() { return environment("TESSERA_THREADS"); }
std::string environmentDeviceOptions() { return environment("TESSERA_DEVICE_OPTIONS"); }

std::string cacheDirectory() {
  if (std::string own = environment("TESSERA_CACHE_DIR"); !own.empty())
    return own;
  // The XDG specification: a relative path is invalid and ignored.
  if (std::string xdg = environment("XDG_CACHE_HOME"); !xdg.empty() && xdg[0] == '/')
    return xdg + "/tessera";
  std::string home = environment("HOME");
  return home.empty() ? "" : home + "/.cache/tessera";
}

std::optional<uint64_t> cacheLimit() {
  std::string text = environment("TESSERA_CACHE_LIMIT");
  if (text.empty())
    return ArtifactCache::kDefaultLimit;
  uint64_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  constexpr std::string_view kSuffixes = "KMG";
  std::string_view suffix(end, static_cast<size_t>(text.data() + text.size() - end));
  size_t power = suffix.size() == 1 ? kSuffixes.find(suffix[0]) : kSuffixes.npos;
  if (error != std::errc() || (power == kSuffixes.npos && !suffix.empty()))
    return std::nullopt;
  size_t shift = suffix.empty() ? 0 : 10 * (power + 1);
  return number > (UINT64_MAX >> shift) ? UINT64_MAX : number << shift;
}

} // namespace tessera::runtime

using namespace tessera::runtime;

tsr_status tsr_plugin_add(const char *manifest_path) {
  if (!manifest_path)
    return nullArgument("manifest_path");
  return guarded([&]() -> tsr_status {
    auto added = pluginRegistry().add(manifest_path);
    return added ? TSR_OK : failed(added.failure());
  });
}

tsr_status tsr_cache_stats(const char *directory, TsrCacheStats *stats) {
  if (!stats || stats->size < sizeof(*stats))
    return failed(TSR_E_INVALID, "inout_stats is NULL, or its size is not set");
  return guarded([&]() -> tsr_status {
    auto limit = cacheLimit();
    if (!limit)
      return failed(TSR_E_INVALID, "TESSERA_CACHE_LIMIT is `" + environment("TESSERA_CACHE_LIMIT") +
                                       "`, not a number of bytes, such as 500000000, 500M or 2G (0: no cache)");
    ArtifactCache cache(directory ? directory : cacheDirectory(), *limit);
    CacheUsage usage = cache.usage();
    stats->entries = usage.entries;
    stats->bytes = usage.bytes;
    stats->limit_bytes = cache.limitBytes();
    std::strncpy(stats->directory, cache.directory().c_str(), sizeof(stats->directory) - 1);
    stats->directory[sizeof(stats->directory) - 1] = 0;
    return TSR_OK;
  });
}

tsr_status tsr_cache_clear(const char *directory, uint64_t *out_removed) {
  return guarded([&]() -> tsr_status {
    ArtifactCache cache(directory ? directory : cacheDirectory());
    uint64_t removed = cache.clear();
    if (out_removed)
      *out_removed = removed;
    return TSR_OK;
  });
}
