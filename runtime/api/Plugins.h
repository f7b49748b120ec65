// Plugins.h - the plugin registry of the process, and what the environment says
//
// SPDX-License-Identifier: Apache-2.0
//
// The one place of the runtime that reads the environment.
#pragma once

#include "plugins/loader/Registry.h"

#include <cstdint>
#include <optional>
#include <string>

namespace tessera::runtime {

// Made with the first call: reads manifests, loads nothing. Lives as long as the process.
plugin::Registry &pluginRegistry();

// TESSERA_DEVICE, TESSERA_THREADS and TESSERA_DEVICE_OPTIONS; empty where unset, and in privileged processes.
std::string environmentDevice();
std::string environmentThreads();
std::string environmentDeviceOptions();

// TESSERA_CACHE_DIR, else $XDG_CACHE_HOME/tessera, else $HOME/.cache/tessera; empty: there is no place for a cache.
std::string cacheDirectory();
// TESSERA_CACHE_LIMIT, bytes or with a suffix K, M, G; 0 switches the cache off. Default 2 GiB. None: it says something else.
std::optional<uint64_t> cacheLimit();

} // namespace tessera::runtime
