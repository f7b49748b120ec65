// Manifest.h - what a plugin says about itself in a file, so that choosing one loads no library
//
// SPDX-License-Identifier: Apache-2.0
//
// JSON, file name <plugin>.tessera.json:
//   format    1
//   name      the plugin's name, [a-z][a-z0-9_]*, as in its libraries
//   version   as in its libraries
//   vendor    for people; may be absent
//   rank      order for `native`, higher first; absent: 100
//   host      true: its device 0 is the processor that the program runs on; absent: false
//   compiler  library with the compiler role, relative to the manifest; may be absent
//   driver    library with the driver role, relative to the manifest; may be absent (or equal `compiler`)
//   outputs   {name: kind}: what the makers of its devices call an output of kind "asm" (text), "obj" (machine code) or "disasm" (machine
//             code as text): {"ptx": "asm"}; may be absent
//   targets   list of {"name": pattern with * and ?, "help": text}; a name without wildcards is also listed and built by `all`
#pragma once

#include "plugins/loader/Failure.h"

#include <cstdint>
#include <vector>

namespace tessera::plugin {

struct ManifestTarget {
  std::string pattern, help;
  bool listed() const { return pattern.find_first_of("*?") == std::string::npos; }
};

struct ManifestOutput {
  std::string name, kind;
};

struct Manifest {
  std::string path; // of the manifest
  std::string name, version, vendor;
  uint32_t rank = 100;
  bool host = false;
  std::string compiler, driver; // absolute; empty: role absent
  std::vector<ManifestTarget> targets;
  std::vector<ManifestOutput> outputs;
};

// Failure: PluginMissing where the file cannot be read, PluginRefused where it is malformed.
Expected<Manifest> readManifest(const std::string &path);

} // namespace tessera::plugin
